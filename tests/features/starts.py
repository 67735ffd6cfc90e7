"""R05, what a start reads of the spool: all that can hold a call that was cut, and nothing else."""
import contextlib, glob, os, random, re, shutil, sqlite3, struct, subprocess, urllib.request

from craft import *
from disks import HEAD, Stream, ticks
from feature import feature
from recordings import pcm
from service import spooled, wait_for

CONFIG = "[recording]\ndefault = record\n[spool]\nsegment_size = 1M\n"
CALLS, APART, LONG, SPOKEN = 20, 14, 250, 8
WHEN = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z&limit=200"


class Again(Stream):
    """Killed, ended, and started again in the same directory."""

    def kill(self):
        self.process.kill()
        self.process.wait()

    def start(self, t):
        self.pipe.close()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([t.earshot, "run", "--config", self.log[:-3] + "conf", "--data", self.data, "--read", "-"],
                                            stdin=subprocess.PIPE, stderr=log)
        self.pipe = self.process.stdin
        self.pipe.write(HEAD)
        self.pipe.flush()
        self.url = wait_for("earshot listens", self._listens)

    def end(self):
        self.finish()
        super().end()

    def looked(self):
        """(segments that the start read, that it passed over)"""
        return tuple(map(int, re.search(r"(\d+) segments of the spool were looked at .*, (\d+) hold", self.said()).groups()))

    def written(self):
        """The number of the segment of media that is being written: the how manieth."""
        return int(os.path.basename(self.media_segment()[0])[:8], 16) // 64

    def mark(self):
        """The one that a start begins with."""
        with sqlite3.connect(f"{self.data}/db/earshot.db") as db:
            return struct.unpack("<64I", db.execute("SELECT marks FROM spool_marks").fetchone()[0])[0] // 64

    def calls(self):
        return {r["call_id"]: r for r in self.get(f"/api/v1/calls?{WHEN}")["data"]}


def voice(src, sport, dst, dport, seconds, start, ssrc):
    """Ten packets a second: so many bytes as fifty, and a fifth of the work."""
    noise = random.Random(ssrc)
    return [Packet(start + i * 0.1, src, sport, dst, dport, rtp(100 + i, 1000 + 800 * i, ssrc, noise.randbytes(800)), kind="rtp")
            for i in range(int(seconds * 10))]


def talk(n, at, seconds, caller_s=None):
    """`caller_s`: so long the caller speaks, who then only listens."""
    d = Dialog(call_id=f"s{n}@test", branch=f"z9hG4bKs{n}", from_tag=f"f{n}", to_tag=f"t{n}")
    a, b, begin = 4000 + 4 * n, 6000 + 4 * n, START + at + 1.05
    return sorted(call(d, seconds, a, b, start=START + at, voice=False) + voice(d.a, a, d.b, b, caller_s or seconds, begin, 2 * n + 1)
                  + voice(d.b, b, d.a, a, seconds, begin + 0.01, 2 * n + 2), key=lambda p: p.t)


def heard(s):
    """Of the call that was cut: what is said of its recording, and whether the caller can be heard in it."""
    wait_for("it is heard", lambda: s.calls()[f"s{CALLS}@test"]["recording"]["state"] == "ready")
    r = s.calls()[f"s{CALLS}@test"]["recording"]
    with urllib.request.urlopen(s.url + r["url"]) as answer:
        sound = pcm(answer.read())[2]
    return r, any(sound[4 * 8000:4 * 8000 * SPOKEN:4])


def put_marks(data, marks):
    with sqlite3.connect(f"{data}/db/earshot.db") as db:
        db.execute("UPDATE spool_marks SET marks = ?", (marks,))


@feature("R05", "a start reads the spool from its marks on: after kill -9 what open calls need, to their beginning however far back, after a stop nothing, all of it where the marks are missing or cannot be; no call is lost")
def marks(t):
    begin, end = APART * CALLS + 10, APART * CALLS + 14 + LONG
    done = [p for n in range(CALLS) for p in talk(n, APART * n, 10.0)]
    cut = [p for p in talk(CALLS, begin, LONG + 1.0, SPOKEN) if b"BYE" not in p.data and p.t < START + begin + 1.05 + LONG]
    with Again(t, CONFIG) as s:
        s.feed(done + ticks(START + APART * CALLS, START + begin))
        wait_for("all that ended is stored", lambda: len([1 for r in s.calls().values() if r["state"] == "ended"]) == CALLS)
        spooled(s.data, done[-20:])
        begun = s.written()
        s.feed(cut + talk(CALLS + 1, end + 6, 1.0) + ticks(START + end + 8, START + end + 12))
        spooled(s.data, cut[-20:])
        wait_for("one behind it is stored, after marks that were told ahead of it", lambda: s.calls().get(f"s{CALLS + 1}@test", {}).get("state") == "ended")
        wait_for("the marks follow", lambda: s.mark() >= begun)
        t.check(f"it runs over segments: {begun} to {s.written()}", s.written() >= begun + 2)
        t.equal("and they wait where it began", s.mark(), begun)
        s.kill()
        kept, late = s.data + "-kept", s.written()
        shutil.copytree(s.data, kept)
        s.start(t)
        read, passed = s.looked()
        t.check(f"of the spool its segments are read, and that of signalling: {read} read, {passed} not", read == late - begun + 2 and passed >= 2)
        rows = s.calls()
        t.equal("each call is there", sorted(rows), sorted(f"s{n}@test" for n in range(CALLS + 2)))
        t.equal("the one that was cut", rows[f"s{CALLS}@test"]["end_reason"], "restart")
        t.equal("and no other", [r["call_id"] for r in rows.values() if r["end_reason"] != "bye"], [f"s{CALLS}@test"])
        recording, caller = heard(s)
        t.check(f"its recording is whole: {recording}", recording["recovered"] and abs(recording["duration_ms"] - 1000 * LONG) <= 100)
        t.check("the caller is heard, who spoke at its beginning alone", caller)
        s.end()
        s.start(t)
        t.equal("after a stop nothing is read", s.looked()[0], 0)
        s.end()
        put_marks(s.data, bytes(7))
        s.start(t)
        t.counter("without marks all of it is", s.looked()[0] > read)
        t.equal("and no call comes twice", (len(s.calls()), [r["call_id"] for r in s.calls().values() if r["end_reason"] != "bye"]), (CALLS + 2, [f"s{CALLS}@test"]))
        s.kill()
        put_marks(s.data, b"\xc0\xff\xff\x0f" + bytes(252))
        s.start(t)
        t.counter("nor with marks of another spool", s.looked()[0] > read)
        s.end()
        s.data = kept
        put_marks(kept, struct.pack("<64I", 64 * late, *[0] * 63))
        s.start(t)
        t.counter("had the marks gone on meanwhile, the caller would not be", not heard(s)[1])


OLDER = """DROP INDEX calls_found; DROP INDEX calls_worst; CREATE INDEX calls_started ON calls(started_us, uid); ALTER TABLE calls DROP COLUMN media; PRAGMA user_version = 15"""
DAY = 86400


def version(path):
    with sqlite3.connect(path) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


@feature("X80", "files of days that an earlier version wrote: capture and API are there while they cannot be touched yet, no list lacks a day, the log says how far it is")
def older(t):
    with Again(t, "[log]\nlevel = info\n") as s:
        s.feed([p for n in range(3) for p in talk(n, 10 + n * DAY, 1.0)])
        s.finish()
        span = "from=2023-11-14T00:00:00Z&to=2023-11-18T00:00:00Z"
        wait_for("the calls are stored", lambda: len([r for r in s.get(f"/api/v1/calls?{span}")["data"] if r["state"] == "ended"]) == 3)
        Stream.end(s)
        files = sorted(glob.glob(f"{s.data}/db/calls-*.db"))
        t.equal("a file a day", len(files), 3)
        now = version(files[0])
        for path in files:
            with contextlib.closing(sqlite3.connect(path)) as db:
                db.executescript(OLDER)
        with contextlib.closing(sqlite3.connect(files[2], isolation_level=None)) as held:
            held.execute("BEGIN IMMEDIATE")
            s.start(t)
            t.equal("no file is another yet", [version(path) for path in files], [15] * 3)
            s.feed(talk(7, 10 + 5 * DAY, 1.0) + ticks(START + 5 * DAY + 14, START + 5 * DAY + 18))
            wait_for("a call of now is captured", lambda: s.get("/api/v1/calls?from=2023-11-19T00:00:00Z&to=2023-11-20T00:00:00Z")["data"])
            t.equal("who asks for a day has it", [r["call_id"] for r in s.get("/api/v1/calls?from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z")["data"]], ["s0@test"])
            t.equal("with its file as it is now, alone", [version(path) for path in files], [now, 15, 15])
            held.execute("ROLLBACK")
        t.equal("a list of all days has all", [r["call_id"] for r in s.get(f"/api/v1/calls?{span}")["data"]], ["s2@test", "s1@test", "s0@test"])
        wait_for("it is said that it is over", lambda: "have the form of this one, after" in s.said())
        t.check("and what is done", "3 files of days that an earlier version wrote are brought to the form of this one; capture goes on meanwhile" in s.said())
        t.equal("all are", [version(path) for path in files], [now] * 3)
        s.end()
        s.start(t)
        t.counter("the next start has nothing to do", "earlier version" not in s.said())
        s.end()
        with contextlib.closing(sqlite3.connect(files[1])) as db:
            db.execute("PRAGMA user_version = 999")
        empty = t.path()
        write(empty, [])
        t.check("one of a newer version is refused", "written by a newer Earshot" in t.run("run", "--data", s.data, "--read", empty, "--port", "0", "--exit", code=1).stderr)
