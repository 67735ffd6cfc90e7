"""R05, what a start reads of the spool: all that can hold a call that was cut, and nothing else."""
import contextlib, glob, os, re, sqlite3, struct, subprocess

from craft import *
from disks import HEAD, Stream, ticks
from feature import feature
from service import spooled, wait_for

CONFIG = "[recording]\ndefault = record\n[spool]\nsegment_size = 1M\n"
CALLS, APART = 20, 14
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

    def mark(self):
        """Of the media that is written: how many segments behind."""
        with sqlite3.connect(f"{self.data}/db/earshot.db") as db:
            marks = struct.unpack("<64I", db.execute("SELECT marks FROM spool_marks").fetchone()[0])
        return (int(os.path.basename(self.media_segment()[0])[:8], 16) - marks[0]) // 64

    def calls(self):
        return {r["call_id"]: r for r in self.get(f"/api/v1/calls?{WHEN}")["data"]}


def talk(n, at, seconds):
    d = Dialog(call_id=f"s{n}@test", branch=f"z9hG4bKs{n}", from_tag=f"f{n}", to_tag=f"t{n}")
    return call(d, seconds, 4000 + 4 * n, 6000 + 4 * n, start=START + at)


@feature("R05", "a start reads the spool from its marks on: after kill -9 what open calls need, after a stop nothing, all of it where the marks are missing or cannot be; no call is lost")
def marks(t):
    done = [p for n in range(CALLS) for p in talk(n, APART * n, 10.0)]
    cut = [p for p in talk(CALLS, APART * CALLS + 10, 4.0) if b"BYE" not in p.data and p.t < START + APART * CALLS + 14]
    with Again(t, CONFIG) as s:
        s.feed(done + ticks(START + APART * CALLS, START + APART * CALLS + 10) + cut + ticks(START + APART * CALLS + 14, START + APART * CALLS + 17))
        spooled(s.data, cut)
        wait_for("all that ended is stored", lambda: len([1 for r in s.calls().values() if r["state"] == "ended"]) == CALLS)
        wait_for("the marks follow", lambda: s.mark() <= 1)
        s.kill()
        s.start(t)
        read, passed = s.looked()
        t.check(f"most of the spool is passed over: {read} read, {passed} not", 1 <= read <= 4 and passed >= 3)
        rows = s.calls()
        t.equal("each call is there", sorted(rows), sorted(f"s{n}@test" for n in range(CALLS + 1)))
        t.equal("the one that was cut", rows[f"s{CALLS}@test"]["end_reason"], "restart")
        t.equal("and no other", [r["call_id"] for r in rows.values() if r["end_reason"] != "bye"], [f"s{CALLS}@test"])
        wait_for("it is heard", lambda: s.calls()[f"s{CALLS}@test"]["recording"]["state"] == "ready")
        heard = s.calls()[f"s{CALLS}@test"]["recording"]
        t.check(f"to its end: {heard}", heard["recovered"] and 2900 <= heard["duration_ms"] <= 3100)
        s.end()
        s.start(t)
        t.equal("after a stop nothing is read", s.looked()[0], 0)
        s.end()
        with sqlite3.connect(f"{s.data}/db/earshot.db") as db:
            db.execute("UPDATE spool_marks SET marks = zeroblob(7)")
        s.start(t)
        t.counter("without marks all of it is", s.looked()[0] > read)
        t.equal("and no call comes twice", (len(s.calls()), [r["call_id"] for r in s.calls().values() if r["end_reason"] != "bye"]), (CALLS + 1, [f"s{CALLS}@test"]))
        s.kill()
        with sqlite3.connect(f"{s.data}/db/earshot.db") as db:
            db.execute("UPDATE spool_marks SET marks = ?", (b"\xc0\xff\xff\x0f" + bytes(252),))
        s.start(t)
        t.counter("nor with marks of another spool", s.looked()[0] > read)


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
