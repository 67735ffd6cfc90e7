"""R06 at scale: 10 GiB of recordings and raw media as the disk counts them, quotas, kill -9 in the middle of a deletion.

Real recordings of real calls, each with blocks behind the end of its file (fallocate, KEEP_SIZE): the disk accounts for 10 GiB, which is what
quotas are about, and nobody has to write them. Where the disk of the test has no room for that, it is 128 MiB, and the test says so."""
import ctypes, glob, os, shutil, signal, sqlite3, struct, subprocess, threading, time

from craft import *
from disks import KILLS, faulty_disk
from feature import feature
from retention import RECORD, addresses, audio, calls, listed, one_call, play, recordings, rows, settled, talk
from retention_terms import CLASSES, Over, TERMS, changed, terms
from rules import ask
from service import Service, in_namespace, wait_for
from users_api import FileService

COUNT = 72
GIB = 1 << 30
FOREVER = "[retention]\ncalls = 0\nmessages = 0\naudio_age = 0\nspool_age = 0\nspool_size = {spool}\naudio_size = {audio}\nmin_free = 0\n"
SMALL = "[spool]\nsegment_size = 1M\n[capture]\nworkers = 1\n"


def inflate(path, size):
    """So many bytes of the disk are the file's, and its length stays."""
    with open(path, "r+b") as f:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.fallocate64(f.fileno(), 1, ctypes.c_int64(0), ctypes.c_int64(size)) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)


def size(path):
    """Blocks; none when it goes meanwhile."""
    try:
        return os.lstat(path).st_blocks * 512
    except FileNotFoundError:
        return 0


def blocks(data):
    return sum(size(os.path.join(data, p)) for p in audio(data))


def segments(data):
    """{name: blocks} of media: raw signalling is of another class."""
    return {os.path.basename(p): size(p) for p in glob.glob(data + "/spool/*.seg") if int(os.path.basename(p)[:8], 16) % 64 < 32}


def whole_size(path):
    s = os.statvfs(path)
    kind = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True).stdout.strip()
    return 10 * GIB if s.f_bavail * s.f_frsize > 20 * GIB and kind != "tmpfs" else 128 << 20


def fill(t):
    """A directory of recordings in hour folders and of segments of an hour ago, of 6 and 4 parts of the whole."""
    with FileService(t, calls(COUNT, seconds=1.5, apart=600), RECORD + SMALL + FOREVER.format(spool="3M", audio=0)) as s:
        kept = recordings(s)
        data = s.data
    whole = whole_size(data)
    sounds, old = [p for p in audio(data) if p.endswith(".wav")], sorted(segments(data))
    t.equal("recordings", (len(kept), len(sounds)), (COUNT, COUNT))
    for p in sounds:
        inflate(os.path.join(data, p), whole * 6 // 10 // len(sounds))
    for name in old:
        inflate(os.path.join(data, "spool", name), whole * 4 // 10 // len(old))
    for p in glob.glob(data + "/spool/*.seg"):
        os.utime(p, (time.time() - 3600,) * 2)
    t.check(f"{len(sounds)} recordings in {len({os.path.dirname(p) for p in sounds})} folders and {len(old)} segments are {(blocks(data) + sum(segments(data).values())) >> 20} MiB "
            f"of {whole >> 20}", blocks(data) + sum(segments(data).values()) >= whole and len(old) > 10)
    return data, kept, whole


class Killed(Over):
    """Dies by SIGKILL at the n-th file that is unlinked in audio/ and spool/; `after`: when it is gone."""

    def __init__(self, t, data, n, after, config):
        mode = t.path("mode")
        with open(mode, "wb") as f:
            f.write(struct.pack("<BBHI", KILLS, 0, after, n) + bytes(4088))
        self.env = os.environ | {"LD_PRELOAD": faulty_disk(t), "FAULTY_DISK": data, "FAULTY_DISK_MODE": mode, "ASAN_OPTIONS": "verify_asan_link_order=0"}
        name = t.path("service")
        os.mkdir(name)
        self.log, self.data, path = os.path.join(name, "log"), data, os.path.join(name, "conf")
        with open(path, "w") as f:
            f.write(f"[api]\nport = 0\n{config}")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([t.earshot, "run", "--config", path, "--data", data, "--interface", "lo"], stdin=subprocess.DEVNULL, stderr=log, env=self.env)

    def dies(self):
        return wait_for("it dies in the middle", lambda: self.process.poll() is not None) and self.process.returncode


def states(t, data):
    """{uid: state of the recording} of a directory that a kill left: read in a copy, which leaves the original as it was."""
    copy = t.path("copy")
    shutil.copytree(data + "/db", copy)
    found = {}
    for path in glob.glob(copy + "/calls-*.db"):
        with sqlite3.connect(path) as db:
            found |= dict(db.execute("SELECT uid, recording_state FROM calls WHERE recording_id IS NOT NULL"))
    with sqlite3.connect(copy + "/earshot.db") as db:
        jobs = [u for u, in db.execute("SELECT uid FROM jobs WHERE kind = 'delete'")]
        told = db.execute("SELECT class, object, reason FROM deletions ORDER BY id").fetchall()
    shutil.rmtree(copy)
    return found, jobs, told


def left_by_kill(t, what, data, kept, before):
    """After a kill: nothing is gone that has no row, nothing says it is there that is not; what is told but there has a job."""
    found, jobs, told = states(t, data)
    have = {os.path.basename(p)[:36] for p in audio(data)}
    objects = [o for _, o, _ in told]
    t.equal(f"{what}: a row each, once", len(objects), len(set(objects)))
    t.equal(f"{what}: each record that says ready has its files", [r["uid"] for r in kept if found[r["uid"]] == "ready" and r["recording"]["id"] not in have], [])
    t.equal(f"{what}: what says deleted and is there has a job", [r["uid"] for r in kept if found[r["uid"]] == "deleted" and r["recording"]["id"] in have and r["uid"] not in jobs], [])
    t.equal(f"{what}: each segment that is gone has its row", [n for n in before if n not in segments(data) and n not in objects], [])
    t.equal(f"{what}: each that has a row and is there has a job", [n for n in before if n in segments(data) and n in objects and n not in jobs], [])
    return len(objects)


def at_rest(t, what, s, kept, limit):
    """The quota holds, no row is wrong, no file is nobody's."""
    found = {r["uid"]: s.get(f"/api/v1/calls/{r['uid']}")["recording"] for r in kept}
    have = {os.path.basename(p)[:36] for p in audio(s.data)}
    mine = {r["recording"]["id"] for r in kept}
    t.equal(f"{what}: rows and files agree", {r["recording"]["id"] for r in kept if found[r["uid"]]["state"] == "ready"}, have & mine)
    t.equal(f"{what}: no job is left", wait_for("no job", lambda: [rows(s.data, "SELECT uid FROM jobs WHERE kind = 'delete'")] if not rows(s.data, "SELECT uid FROM jobs WHERE kind = 'delete'") else None), [[]])
    t.equal(f"{what}: no empty folder", [d for d, inner, names in os.walk(s.data + "/audio") if not inner and not names], [])
    used = blocks(s.data), sum(segments(s.data).values())
    t.check(f"{what}: audio {used[0] >> 20} MiB of {limit[0] >> 20}, spool {used[1] >> 20} MiB of {limit[1] >> 20}", used[0] <= limit[0] * 1.01 and used[1] <= limit[1] * 1.01)
    return have


@feature("R06", "10 GiB as the disk counts them: whole segments and hour folders go, the oldest first, as the dry run says, through kill -9 in the middle twice, beside a call that loses nothing")
@in_namespace
def scale(t):
    addresses()
    data, kept, whole = fill(t)
    before, files = segments(data), audio(data)
    limit = whole * 35 // 100, whole * 20 // 100
    config = RECORD + SMALL + FOREVER.format(spool=0, audio=0)
    wanted = t.path("wanted")
    with open(wanted, "w") as f:
        f.write(SMALL + FOREVER.format(spool=limit[1], audio=limit[0]))
    would = listed(t, "--dry-run", "--config", wanted, "--data", data)
    by = lambda items, class_: [i["object"] for i in items if i["class"] == class_]
    t.check(f"{len(by(would, 'spool'))} segments and {len(by(would, 'audio'))} recordings would go", len(by(would, "spool")) > 4 and len(by(would, "audio")) > 16)
    t.equal("the oldest", (by(would, "spool"), by(would, "audio")),
            (sorted(before)[:len(by(would, "spool"))], [r["recording"]["id"] for r in kept[:len(by(would, "audio"))]]))
    t.equal("nothing went", (audio(data), segments(data)), (files, before))

    s = Killed(t, data, 3, 0, config)
    s.url = wait_for("earshot listens", s._listens)
    body = terms(ask(s, "GET", TERMS)[1])
    body = changed(changed(body, "audio", "max_bytes", limit[0]), "spool", "max_bytes", limit[1])
    _, tried, tag = ask(s, "POST", TERMS + "/test", body)
    t.equal("the API's dry run says the same", [(tried["would_go"][c]["things"], tried["would_go"][c]["bytes"]) for c in ("spool", "audio")],
            [(len(by(would, c)), sum(i["bytes"] for i in would if i["class"] == c)) for c in ("spool", "audio")])
    ask_and_forget(s, body, tag["ETag"])
    t.equal("killed among the segments", s.dies(), -signal.SIGKILL)
    t.check("in the middle", 0 < len(before) - len(segments(data)) < len(by(would, "spool")))
    told = left_by_kill(t, "first kill", data, kept, before)

    rest = len(by(would, "spool")) - (len(before) - len(segments(data)))
    s = Killed(t, data, rest + 18, 1, config)
    t.equal("killed among the recordings", s.dies(), -signal.SIGKILL)
    gone = len(files) - len(audio(data))
    t.check(f"in the middle: {gone} files", 0 < gone < len(files) and len(audio(data)) > len(kept) // 3)
    t.check("more is told", left_by_kill(t, "second kill", data, kept, before) > told)

    with Over(t, data, config) as s:
        wait_for("the quota is reached", lambda: s.counter('earshot_storage_used_bytes{class="audio"}') <= limit[0] and blocks(data) <= limit[0])
        wait_for("of segments, too", lambda: sum(segments(data).values()) <= limit[1])
        wait_for("all that was told is gone", lambda: len(rows(data, "SELECT id FROM deletions")) == len(by(would, "spool")) + len(by(would, "audio")))
        have = at_rest(t, "after the restart", s, kept, limit)
        did = rows(data, "SELECT class, object, reason FROM deletions ORDER BY id")
        t.equal("what the dry run told went, each once, in that order", [(c, o) for c, o, _ in did if c in ("spool", "audio")], [(i["class"], i["object"]) for i in would])
        t.equal("the rest is whole", len(have), COUNT - len(by(would, "audio")))

        less = changed(body, "audio", "max_bytes", whole * 15 // 100)
        _, tried, tag = ask(s, "POST", TERMS + "/test", less)
        enough = threading.Event()
        talking = threading.Thread(target=play, args=(talk(1, 60.0), enough), daemon=True)
        talking.start()
        wait_for("a call goes on, and is heard", lambda: any(c["state"] == "answered" and len(c["streams"]) == 2 for c in s.get("/api/v1/live/calls")["data"]))
        t.equal("less is put meanwhile", ask(s, "PUT", TERMS, less, **{"If-Match": tag["ETag"]})[0], 200)
        wait_for("they go", lambda: len(rows(data, "SELECT id FROM deletions")) == len(did) + tried["would_go"]["audio"]["things"])
        wait_for("their files", lambda: blocks(data) <= whole * 15 // 100)
        t.check(f"{tried['would_go']['audio']['things']} went while somebody spoke", talking.is_alive())
        enough.set()
        talking.join()
        r = settled(s, "d1@test")
        t.equal("the call has lost nothing", ([x["lost"] for x in r["streams"]], r["recording"]["result"], r["recording"]["truncated"]), ([0, 0], "recorded", False))
        t.equal("no drop anywhere", [(n, s.counter(n)) for n in ("earshot_spool_dropped_packets_total", "earshot_capture_drops_total") if s.counter(n)], [])
        at_rest(t, "at the end", s, kept, (whole * 15 // 100 + (1 << 20), limit[1] + (1 << 20)))
        t.counter("without less to keep some of it goes", ask(s, "POST", TERMS + "/test", less)[1]["would_go"]["audio"]["things"] == 0)


def ask_and_forget(s, body, tag):
    """The service may be dead before it answers."""
    try:
        ask(s, "PUT", TERMS, body, **{"If-Match": tag})
    except OSError:
        pass
