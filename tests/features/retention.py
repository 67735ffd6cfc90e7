"""R06: what is deleted, in which order and why; R18: what a full disk costs."""
import glob, json, os, re, signal, sqlite3, subprocess, time, urllib.error, urllib.request

from craft import *
from feature import feature
from service import Service, in_namespace, play, wait_for
from users_api import WHOLE, FileService

HOUR = 3600
RECORD = "[recording]\ndefault = record\n"


def calls(count, seconds=1.0, apart=HOUR):
    """Calls that begin one after the other, the first first."""
    packets = []
    for n in range(count):
        d = Dialog(a=f"10.0.0.{n + 1}", b="10.0.1.1", call_id=f"r{n}@test", branch=f"z9hG4bKr{n}", from_tag=f"f{n}", to_tag=f"t{n}")
        packets += call(d, seconds, 4000, 6000 + 2 * n, start=START + n * apart)
    return packets


def ask(s, path, method="GET", **headers):
    request = urllib.request.Request(s.url + path, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read() or b"{}")


def recordings(s):
    """[record], the oldest first, once nothing waits."""
    def look():
        found = [s.get(f"/api/v1/calls/{r['uid']}") for r in s.list("calls?limit=1000&" + WHOLE)]
        if not found:
            return None
        waits = any((r["recording"] or {}).get("state") in ("spooling", "rendering") for r in found)
        return None if waits else sorted(found, key=lambda r: r["started_at"])
    return wait_for("everything is rendered", look)


def audio(data):
    return sorted(os.path.relpath(p, data) for p in glob.glob(data + "/audio/**/*", recursive=True) if os.path.isfile(p))


def sounds(data):
    return [p for p in audio(data) if p.endswith(".wav")]


def blocks(data):
    return sum(os.lstat(os.path.join(data, p)).st_blocks * 512 for p in audio(data))


def rows(data, what):
    with sqlite3.connect(f"file:{data}/db/earshot.db?mode=ro", uri=True) as db:
        return db.execute(what).fetchall()


def conf(s):
    return "--config", os.path.join(os.path.dirname(s.log), "conf"), "--data", s.data


@feature("R06", "recordings by bytes: the oldest go, their records say so, the quota is kept")
def quota(t):
    count = 10
    with FileService(t, calls(count), RECORD) as s:
        whole = recordings(s)
        t.equal("without a quota all stay", [r["recording"]["state"] for r in whole], ["ready"] * count)
        size = blocks(s.data)
        wait_for("bytes are told", lambda: s.counter('earshot_storage_used_bytes{class="audio"}') == size)
        t.equal("as the policy says", s.get("/api/v1/policies/retention")["classes"]["audio"]["bytes"], size)
    limit = size * 45 // 100
    with FileService(t, calls(count), f"{RECORD}[retention]\naudio_size = {limit}\n") as s:
        wait_for("some went", lambda: s.counter('earshot_retention_deleted_total{class="audio",reason="quota"}') >= count - 4)
        found = recordings(s)
        states = [r["recording"]["state"] for r in found]
        kept = states.count("ready")
        t.equal("the oldest go", states, ["deleted"] * (count - kept) + ["ready"] * kept)
        t.check(f"as few as can be: {kept} are left", kept == 4)
        t.check(f"within the quota: {blocks(s.data)} of {limit}", blocks(s.data) <= limit * 1.01)
        t.equal("no file of the others", (len(sounds(s.data)), {os.path.basename(p)[:36] for p in audio(s.data)}),
                (kept, {r["recording"]["id"] for r in found[-kept:]}))
        first, last = found[0]["recording"], found[-1]["recording"]
        t.equal("why", (first["result"], first["deleted_why"], first["size_bytes"], first["url"]), ("recorded", "quota", None, None))
        t.check("when", first["deleted_at"].startswith("20"))
        code, problem = ask(s, f"/api/v1/recordings/{first['id']}/audio")
        t.equal("its audio", (code, problem["code"]), (410, "recording_deleted"))
        t.counter("a recording that stayed is gone", "deleted_why" not in last and s.fetch(f"/api/v1/recordings/{last['id']}") != "")
        t.equal("the statistics stay true", s.get("/api/v1/coverage?from=2023-11-14T00:00:00Z&to=2023-11-17T00:00:00Z")["results"]["recorded"], count)
        gone = rows(s.data, "SELECT object, class, reason, actor FROM deletions ORDER BY id")
        t.equal("a row each, in order", gone, [(r["recording"]["id"], "audio", "quota", "system") for r in found[:count - kept]])
        wait_for("no job is left", lambda: rows(s.data, "SELECT kind FROM jobs") == [])
        policy = s.get("/api/v1/policies/retention")["classes"]["audio"]
        t.equal("the policy", (policy["max_bytes"], policy["bytes"] <= limit), (limit, True))


@feature("R06", "DELETE of a recording: with all that lies beside it, audited, and nothing else")
def request(t):
    with FileService(t, calls(2), RECORD) as s:
        one, other = recordings(s)
        id_ = one["recording"]["id"]
        path = next(p for p in audio(s.data) if id_ in p)
        for end in (".json", ".peaks"):
            with open(os.path.join(s.data, path.rsplit(".", 1)[0] + end), "w") as f:
                f.write("x")
        beside = len([p for p in audio(s.data) if id_ in p])
        of_another = os.path.join(s.data, path + ".json") # of a call whose name ends in .wav
        open(of_another, "w").close()
        token = {role: t.run("token", "create", *conf(s), "--role", role).stdout.strip() for role in ("supervisor", "admin")}
        t.counter("a supervisor deletes", ask(s, f"/api/v1/recordings/{id_}", "DELETE", Authorization=f"Bearer {token['supervisor']}")[0] == 403)
        t.equal("nothing is gone yet", ask(s, f"/api/v1/recordings/{id_}")[1]["state"], "ready")
        code, said = ask(s, f"/api/v1/recordings/{id_}", "DELETE", **{"Authorization": f"Bearer {token['admin']}", "X-Access-Reason": "case 7"})
        t.equal("deleted", (code, said["call_uid"], said["files"]), (200, one["uid"], beside))
        t.check("what lies beside a file whose name begins like it stays", os.path.exists(of_another))
        os.remove(of_another)
        t.equal("of files the other's are left", {os.path.basename(p)[:36] for p in audio(s.data)}, {other["recording"]["id"]})
        now = s.get(f"/api/v1/calls/{one['uid']}")["recording"]
        t.equal("its record", (now["state"], now["deleted_why"], now["result"]), ("deleted", "request", "recorded"))
        t.equal("its audio", ask(s, f"/api/v1/recordings/{id_}/audio")[0], 410)
        t.equal("once more", ask(s, f"/api/v1/recordings/{id_}", "DELETE")[0], 410)
        t.equal("one that never was", ask(s, "/api/v1/recordings/01234567-89ab-8def-8123-456789abcdef", "DELETE")[0], 404)
        t.equal("audited", rows(s.data, "SELECT actor, object, result, detail FROM audit WHERE action = 'recording.delete'"),
                [("admin", id_, "ok", "case 7")])
        t.equal("a row of it", rows(s.data, "SELECT object, uid, reason, actor, files FROM deletions"), [(id_, one["uid"], "request", "admin", beside)])
        t.equal("counted", s.counter('earshot_retention_deleted_total{class="audio",reason="request"}'), 1)
        t.counter("the other one has gone", ask(s, f"/api/v1/recordings/{other['recording']['id']}")[1]["state"] == "ready")


def listed(t, *options, **kw):
    return [json.loads(line) for line in t.run("retention", "--json", *options, **kw).stdout.splitlines()]


@feature("R06", "by age, and earshot retention: --dry-run lists exactly what then goes, without a service and with one")
def age(t):
    with FileService(t, calls(3, apart=20 * HOUR), RECORD) as s:
        recordings(s)
        t.equal("recorded", len(sounds(s.data)), 3)
        where = conf(s)
        t.equal("a file is looked at for what it is: nothing is old", s.counter("earshot_retention_deleted_total"), 0)
        t.check("the service is asked", "looks now" in t.run("retention", *where, "--port", s.url.rsplit(":", 1)[1]).stdout)
    before = audio(s.data)
    would = listed(t, "--dry-run", *where)
    t.equal("nothing went", audio(s.data), before)
    t.equal("oldest first, recordings ahead of the records of their day", [(i["class"], i["reason"]) for i in would if i["class"] != "messages"],
            [("audio", "age")] * 3 + [("calls", "age")] * 2)
    t.check("for people", "would go" in t.run("retention", "--dry-run", *where).stdout)
    keep = t.path()
    with open(keep, "w") as f:
        f.write("[retention]\ncalls = 0\nmessages = 0\naudio_age = 0\nspool_age = 0\n")
    t.counter("without terms something goes", listed(t, "--dry-run", "--config", keep, "--data", s.data) == [])
    strip = lambda items: [{k: v for k, v in i.items() if k != "bytes"} for i in items]
    did = listed(t, *where)
    t.equal("what was listed went", strip(did), strip(would))
    t.equal("no sound is left", audio(s.data), [])
    t.equal("the newest day stays", sorted(os.path.basename(p) for p in glob.glob(s.data + "/db/calls-*.db")), ["calls-20231116.db"])
    t.equal("nothing more to go", listed(t, "--dry-run", *where), [])
    t.equal("empty folders go", os.listdir(s.data + "/audio") if os.path.isdir(s.data + "/audio") else [], [])


# ---- R18

class SmallDisk(Service):
    """A service whose data directory is a disk of its own, of a few megabytes."""

    def __init__(self, t, config, megabytes):
        name = t.path("service")
        os.mkdir(name)
        self.log, self.data = os.path.join(name, "log"), os.path.join(name, "data")
        conf_path = os.path.join(name, "conf")
        os.mkdir(self.data)
        with open(conf_path, "w") as f:
            f.write(f"[api]\nport = 0\n[capture]\nfilter = udp\n{RECORD}{config}")
        words = ["unshare", "--mount"] + ([] if os.getuid() == 0 else ["--map-root-user"])
        words += ["sh", "-c", f'mount -t tmpfs -o size={megabytes}m none "$0" && exec "$@"', self.data,
                  t.earshot, "run", "--config", conf_path, "--data", self.data, "--interface", "lo"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=log)
        self.url = wait_for("earshot listens", self._listens)

    def disk(self, name=""):
        return f"/proc/{self.process.pid}/root{self.data}/{name}"

    def fill(self, leave=0):
        """So many bytes are left."""
        with open(self.disk("filler"), "ab", buffering=0) as f:
            try:
                while True:
                    free = os.statvfs(self.disk()).f_bavail * os.statvfs(self.disk()).f_frsize - leave
                    if free <= 0:
                        return
                    f.write(bytes(min(free, 1 << 16)))
            except OSError:
                pass

    def empty(self):
        os.unlink(self.disk("filler"))


def addresses():
    for address in ("10.0.0.1", "10.0.1.1"):
        subprocess.run(["ip", "addr", "add", address + "/32", "dev", "lo"], check=True)


def talk(n, seconds, after=0):
    d = Dialog(a="10.0.0.1", b="10.0.1.1", call_id=f"d{n}@test", branch=f"z9hG4bKd{n}", from_tag=f"f{n}", to_tag=f"t{n}")
    return call(d, seconds, 4000 + 2 * n, 6000 + 2 * n, start=START + after)


def one_call(n):
    play(talk(n, 1.5))


def stored(s, call_id):
    found = [r for r in s.get("/api/v1/calls?limit=100")["data"] if r["call_id"] == call_id]
    return s.get(f"/api/v1/calls/{found[0]['uid']}") if found else None


def settled(s, call_id, seconds=20):
    def look():
        r = stored(s, call_id)
        return r if r and r["state"] == "ended" and r["recording"] and r["recording"]["state"] not in ("spooling", "rendering") else None
    return wait_for(f"{call_id} is there", look, seconds)


@feature("R18", "a full disk: records and quality are kept, a short while costs no sound, an alarm, and all is well again when there is room")
@in_namespace
def full(t):
    addresses()
    with SmallDisk(t, "[retention]\nmin_free = 0\n", 16) as s:
        one_call(1)
        before = settled(s, "d1@test")
        t.equal("recorded while there is room", (before["recording"]["result"], before["recording"]["state"]), ("recorded", "ready"))
        t.equal("all is well", ask(s, "/readyz")[0], 200)
        s.fill()
        one_call(2)
        t.equal("an alarm", wait_for("it is noticed", lambda: ask(s, "/readyz")[0] == 503 or None), True)
        t.equal("alive all the same", s.fetch("/healthz"), "ok\n")
        t.check("capture goes on", s.counter("earshot_sip_requests_total") >= 6)
        time.sleep(2.5)
        s.empty()
        after = settled(s, "d2@test")
        t.equal("the record", (after["outcome"], len(after["streams"]), after["streams"][0]["lost"]), ("answered", 2, 0))
        t.check("its quality", after["streams"][0]["mos"]["lq"] is not None)
        g = after["recording"]
        t.equal("a short while costs nothing: media waited in memory", (g["result"], g["state"], g["truncated"], g["duration_ms"] >= 1400), ("recorded", "ready", False, True))
        t.equal("no record was lost", s.counter("earshot_db_records_lost_total"), 0)
        wait_for("it is well again", lambda: ask(s, "/readyz")[0] == 200)
        one_call(3)
        again = settled(s, "d3@test")["recording"]
        t.counter("it does not recover", (again["result"], again["state"], again["truncated"]) == ("recorded", "ready", False))
        t.equal("what was there is whole", ask(s, f"/api/v1/recordings/{before['recording']['id']}")[1]["state"], "ready")


@feature("R06", "little room on the disk: the oldest recordings go until there is enough again, with an alarm")
@in_namespace
def low(t):
    addresses()
    names = [f"d{n}@test" for n in range(6)]
    with SmallDisk(t, "[retention]\nmin_free = 2M\n", 16) as s:
        play(sorted((p for n in range(len(names)) for p in talk(n, 3.0, 0.3 * n)), key=lambda p: p.t))
        t.counter("recordings go while there is room", [settled(s, name)["recording"]["state"] for name in names] == ["ready"] * len(names))
        t.equal("no alarm", s.counter("earshot_storage_low"), 0)
        s.fill(leave=(2 << 20) - (8 << 10))
        wait_for("the first goes", lambda: stored(s, names[0])["recording"]["state"] == "deleted")
        gone = stored(s, names[0])["recording"]
        t.equal("why", (gone["deleted_why"], gone["result"]), ("low_disk", "recorded"))
        wait_for("it is said", lambda: "min_free" in s.said())
        s.has("earshot_storage_low", 0)
        states = [stored(s, name)["recording"]["state"] for name in names]
        t.check(f"the oldest, and no more than needed: {states}", states == sorted(states) and states[-1] == "ready")
