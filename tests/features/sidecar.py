"""The file beside each recording, and the database made from it again."""
import base64, contextlib, glob, hashlib, json, os, signal, sqlite3, stat, subprocess, urllib.request

from craft import *
from feature import feature
from formats import spoken

CONFIG = "[recording]\ndefault = record\n"
SPAN = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"


def service_over(t, packets, config=CONFIG):
    from users_api import FileService
    return FileService(t, packets, config)


def answers(s, uid):
    paths = [f"/api/v1/calls/{uid}", f"/api/v1/calls?{SPAN}", f"/api/v1/calls/{uid}/recording", f"/api/v1/calls/{uid}/recordings", f"/api/v1/recordings/{uid}",
             f"/api/v1/calls/{uid}/tags", f"/api/v1/calls/{uid}/annotations", f"/api/v1/calls/{uid}/transcript", f"/api/v1/calls?{SPAN}&text=guten", f"/api/v1/calls/{uid}/quality-timeline", f"/api/v1/calls/{uid}/legs"]
    found = {p: s.fetch(p) for p in paths if s.status(p) == 200}
    with urllib.request.urlopen(f"{s.url}/api/v1/recordings/{uid}/audio", timeout=10) as answer:
        found["audio"] = hashlib.sha256(answer.read()).hexdigest()
    return found


def ready(s):
    from service import wait_for
    return wait_for("the recording", lambda: next((c for c in s.get(f"/api/v1/calls?{SPAN}")["data"] if (c["recording"] or {}).get("state") == "ready"), None))["uid"]


def start_again(t, data, config=CONFIG):
    """The service over the same data directory, with nothing to read."""
    from service import wait_for
    from users_api import FileService
    s = FileService.__new__(FileService)
    folder = t.path("again")
    os.mkdir(folder)
    s.log, s.data, conf, capture = os.path.join(folder, "log"), data, os.path.join(folder, "conf"), t.path()
    write(capture, [])
    with open(conf, "w") as f:
        f.write(f"[api]\nport = 0\n{config}")
    with open(s.log, "w") as log:
        s.process = subprocess.Popen([t.earshot, "run", "--config", conf, "--data", data, "--read", capture], stdin=subprocess.DEVNULL, stderr=log)
    s.url = wait_for("earshot listens", s._listens)
    return s


def rebuild(t, data, *options, code=0):
    out = t.run("rebuild", "--json", "--data", data, *options, code=code).stdout.splitlines()
    return [json.loads(line) for line in out]


def databases(data):
    return [p for p in glob.glob(f"{data}/**/*", recursive=True) if os.path.isfile(p) and ".db" in os.path.basename(p)]


@feature("R04", "the database is deleted and made again from what lies beside the recordings: every answer is the same")
def rebuilt(t):
    packets = [f.packet for f in spoken()]
    with service_over(t, packets) as s:
        uid = ready(s)
        request = urllib.request.Request(f"{s.url}/api/v1/calls/{uid}/tags", method="PUT", data=b'{"case":"4711"}', headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            t.check("a tag", b"4711" in answer.read())
        for method, path, body in (("POST", "annotations", {"text": "an annotation", "at_ms": 500}), ("POST", "annotations", {"text": "gone"}), ("POST", "annotations", {"text": "third"}),
                                   ("DELETE", "annotations/2", None), ("PUT", "transcript", {"language": "de", "segments": [{"start_ms": 10, "party": "callee", "text": "Guten Tag"}]})):
            request = urllib.request.Request(f"{s.url}/api/v1/calls/{uid}/{path}", method=method, data=json.dumps(body).encode() if body else None, headers={"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=10).close()
        before, data = answers(s, uid), s.data
    (beside,) = glob.glob(f"{data}/audio/**/*.json", recursive=True)
    t.equal("mode", stat.S_IMODE(os.stat(beside).st_mode), 0o600)
    said = json.load(open(beside))
    t.equal("it lies beside the sound and tells people what the API does", (os.path.exists(beside[:-4] + "wav"), said["call"]["uid"], said["call"]["from"]["user"],
            said["call"]["to"]["user"], said["call"]["released_by"], len(said["call"]["streams"])), (True, uid, "alice", "bob", "caller", 2))
    t.equal("and what was said, and of it", ([a["text"] for a in said["annotations"]], said["transcript"]["segments"][0]["text"]), (["an annotation", "third"], "Guten Tag"))
    t.equal("what is there stays", rebuild(t, data)[-1], {"what": "sum", "seen": 1, "restored": 0, "there": 1, "unreadable": 0, "missing": 0, "different": 0})
    for path in databases(data):
        os.remove(path)
    with start_again(t, data) as s:
        t.counter("without a database nobody knows the call", s.status(f"/api/v1/calls/{uid}") == 404)
    for path in databases(data):
        os.remove(path)
    t.equal("a dry run says so", [(x["what"], x.get("uid")) for x in rebuild(t, data, "--dry-run")[:1]], [("would restore", uid)])
    t.equal("and writes nothing", databases(data), [])
    t.equal("one row", rebuild(t, data)[-1]["restored"], 1)
    with start_again(t, data) as s:
        after = answers(s, uid)
        t.check("several answers were compared", len(before) >= 6)
        for path in before:
            t.equal(path, after.get(path), before[path])


@feature("R04", "sound that is not what it was, or is gone, and a damaged file beside it, are told")
def verified(t):
    packets = [f.packet for f in spoken(2)]
    with service_over(t, packets) as s:
        uid, data = ready(s), s.data
        t.check("the service holds the directory", "stop it" in t.run("rebuild", "--data", data, code=1).stderr)
    (sound,) = glob.glob(f"{data}/audio/**/*.wav", recursive=True)
    (beside,) = glob.glob(f"{data}/audio/**/*.json", recursive=True)
    for path in databases(data):
        os.remove(path)
    whole = open(sound, "rb").read()
    open(sound, "wb").write(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    t.equal("a flipped bit", [x["what"] for x in rebuild(t, data, "--dry-run", code=3)], ["different", "would restore", "sum"])
    os.rename(sound, sound + ".away")
    t.equal("no sound", [x["what"] for x in rebuild(t, data, "--dry-run", code=3)], ["missing", "would restore", "sum"])
    open(sound, "wb").write(whole)
    t.counter("whole sound is told too", [x["what"] for x in rebuild(t, data, "--dry-run")] == ["would restore", "sum"])
    text = open(beside).read()
    row = json.loads(text)
    for what, broken in (("cut", text[:len(text) // 2]), ("not ours", "{}"), ("changed", text.replace(row["row"]["packed"][:40], row["row"]["packed"][:39] + "_")),
                         ("of a later version", text.replace('"format":1,"version"', '"format":2,"version"'))):
        open(beside, "w").write(broken)
        t.equal(what, [x["what"] for x in rebuild(t, data, code=3)], ["unreadable", "sum"])
    os.remove(beside)
    os.symlink("/etc/passwd", beside)
    t.equal("a link is not followed", rebuild(t, data)[-1]["seen"], 0)


def run_over(t, data, packets):
    capture, config = t.path(), t.path("conf")
    write(capture, frames(packets))
    with open(config, "w") as f:
        f.write("[recording]\ndefault = record\nname = {caller}\n")
    return t.run("run", "--config", config, "--data", data, "--read", capture, "--exit", "--port", "0").stderr


@feature("R04", "the file beside a recording cannot be written at first: it is told, nobody waits for it, and it is there once it can be")
def written_later(t):
    data = t.path("data")
    sound, beside, in_the_way = (f"{data}/audio/alice.{x}" for x in ("wav", "json", "json.part/x"))
    os.makedirs(in_the_way)
    said = run_over(t, data, [f.packet for f in spoken()])
    t.check("it is told, and the run ends", "is not up to date" in said and "alice.json" in said)
    t.check("the sound is there", os.path.getsize(sound) > 1000)
    t.counter("no file beside it that tells of it", not os.path.exists(beside) or open(beside).read(1) != "{")
    os.removedirs(in_the_way)
    run_over(t, data, [])
    t.equal("the next run writes it", json.load(open(beside))["call"]["from"]["user"], "alice")


@feature("R04", "keys of media are not in the file")
def no_keys(t):
    from protect import Protector
    from srtp import both, protect, secured
    a, b = Protector("AES_CM_128_HMAC_SHA1_80", "a"), Protector("AES_CM_128_HMAC_SHA1_80", "b")
    packets = sorted(secured(a.attribute(), b.attribute()) + protect(both(), a, b), key=lambda p: p.t)
    needles = [k.inline()[len("inline:"):].encode() for k in (a, b)] + [a.master, b.master]
    with service_over(t, [f.packet for f in frames(packets)]) as s:
        uid, data = ready(s), s.data
    (beside,) = glob.glob(f"{data}/audio/**/*.json", recursive=True)
    raw = open(beside, "rb").read()
    packed = json.loads(raw)["row"]["packed"]
    inside = raw + base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    t.equal("keys in it", [n for n in needles if n in inside], [])
    t.counter("the search finds what is there", uid.encode() in inside)
    t.check("nor is there any beside it", not [n for n in needles for p in glob.glob(f"{data}/audio/**/*.*", recursive=True) if n in open(p, "rb").read()])


@feature("R16", "a template names the files; a name that is taken gets the uid; what a stranger sends does not lead out of the folder")
def named(t):
    evil = "..%2f..%2f.-x" + "a" * 90
    d = Dialog(to_user=evil)
    packets = sorted(call(d, 2), key=lambda p: p.t)
    config = CONFIG + "name = {yyyy}/{dir}/{HH}{MM}_{caller}-{callee}\n"
    with service_over(t, [f.packet for f in frames(packets)], config) as s:
        uid, data = ready(s), s.data
        t.equal("it is served", s.status(f"/api/v1/recordings/{uid}/audio"), 200)
    (sound,) = glob.glob(f"{data}/audio/**/*.wav", recursive=True)
    folder, name = os.path.split(os.path.relpath(sound, f"{data}/audio"))
    t.check(f"folders and name: {folder} {name}", folder.startswith("2023/") and name.startswith("2213_alice-") and "%" not in name and "/." not in sound)
    t.equal("a value is 64 bytes at most", len(name), len("2213_alice-") + 64 + len(".wav"))
    t.check("beside it its file", os.path.getsize(sound[:-4] + ".json") > 100)
    with service_over(t, [f.packet for f in frames(packets)]) as s:
        uid, plain = ready(s), s.data
    (default,) = glob.glob(f"{plain}/audio/**/*.wav", recursive=True)
    t.counter("without a template it is by day and uid", os.path.relpath(default, plain) == f"audio/2023/11/14/22/{uid}.wav")
    wrong = t.run("read", "--set", "recording.name={number}", "/dev/null", code=2)
    t.check("an unknown variable is said", "{number}" in wrong.stderr)


@feature("R04", "what is said of a call while its recording is made stands in the file beside it: behind a render, and after a crash between file and row")
def late(t):
    from confine import decoder_of
    from disks import Stream, ticks
    from service import wait_for

    def say(s, uid, text):
        request = urllib.request.Request(f"{s.url}/api/v1/calls/{uid}/annotations", method="POST", data=json.dumps({"text": text}).encode(), headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    def jobs(s):
        with contextlib.closing(sqlite3.connect(f"{s.data}/db/earshot.db")) as db:
            return sorted(row[0] for row in db.execute("SELECT kind FROM jobs"))

    def beside(s):
        return [a["text"] for p in glob.glob(f"{s.data}/audio/**/*.json", recursive=True) for a in json.load(open(p))["annotations"]]

    with Stream(t, CONFIG) as s:
        decoder = wait_for("the decoder", lambda: decoder_of(s))
        os.kill(decoder, signal.SIGSTOP)
        s.feed([f.packet for f in spoken()] + ticks(START + 30, START + 40))
        row = wait_for("it waits to be rendered", lambda: next((c for c in s.get(f"/api/v1/calls?{SPAN}")["data"] if (c["recording"] or {}).get("state") == "spooling"), None))
        wait_for("its job stands", lambda: jobs(s) == ["render"])
        say(s, row["uid"], "while it is made")
        t.equal("the file is to be looked at once more", jobs(s), ["render", "sidecar"])
        os.kill(decoder, signal.SIGCONT)
        ready(s)
        wait_for("it was", lambda: jobs(s) == [])
        t.equal("it has what was said", beside(s), ["while it is made"])
        say(s, row["uid"], "afterwards")
        t.counter("afterwards nobody needs a job", jobs(s) == [] and beside(s) == ["while it is made", "afterwards"])
        s.finish()
        uid, data = row["uid"], s.data
    (path,) = glob.glob(f"{data}/audio/**/*.json", recursive=True)
    with open(path) as old:
        text = json.load(old)
    text["annotations"] = []
    with open(path, "w") as new:
        json.dump(text, new)
    with start_again(t, data) as s:
        t.equal("nobody looks at it without need", beside(s), [])
    with contextlib.closing(sqlite3.connect(f"{data}/db/earshot.db")) as db:
        db.execute("INSERT INTO jobs(kind, uid, started_us, attempts) VALUES ('sidecar', ?, ?, 0)", (uid, int(START * 1e6)))
        db.commit()
    with start_again(t, data) as s:
        wait_for("the job of the crash is done", lambda: jobs(s) == [])
        t.equal("the file is right again", beside(s), ["while it is made", "afterwards"])
