"""R18: a disk that refuses, that is read-only, that is slow. Records and quality go on, what became of recordings is said, and all is
well again by itself when the disk is."""
from craft import *
from disks import ALL, ELSEWHERE, NONE, READ_ONLY, REFUSES, SLOW, SPOOL, SYNC_FAILS, Stream, ticks
from feature import feature
from pausing import PAUSE, RESUME, order, pauses
from retention import ask
from service import wait_for

SPAN = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
CONFIG = "[recording]\ndefault = record\n[retention]\nmin_free = 0\n"


def talk(n, at, seconds=2.0):
    d = Dialog(call_id=f"d{n}@test", branch=f"z9hG4bKd{n}", from_tag=f"f{n}", to_tag=f"t{n}")
    return call(d, seconds, 4000 + 4 * n, 6000 + 4 * n, start=START + at)


def settled(s, *numbers):
    """The records of these calls, once it is settled what becomes of their recordings."""
    def look():
        rows = {r["call_id"]: r for r in s.get(f"/api/v1/calls?limit=100&{SPAN}")["data"]}
        found = [rows.get(f"d{n}@test") for n in numbers]
        if any(r is None or r["state"] != "ended" or not r["recording"] or r["recording"]["state"] in ("spooling", "rendering") for r in found):
            return None
        return [s.get(f"/api/v1/calls/{r['uid']}") for r in found]
    return wait_for(f"calls {numbers} are settled", look)


def became(record):
    g = record["recording"]
    return g["result"], g["state"], g["truncated"]


def says(s, status, text):
    """What /readyz says in the end."""
    def look():
        code, body = ask(s, "/readyz")
        return code == status and text in body.get("detail", "") and ("database" in text or body["disk_ok"] == (text == ""))
    wait_for(f"readyz {status}: {text}; now {ask(s, '/readyz')}", look)


@feature("R18", "the disk refuses media (EIO): calls are there with their quality, recordings say disk or truncated, alarm, metrics; then all is well")
def refused(t):
    with Stream(t, CONFIG + "[spool]\nbuffer_size = 128k\n", faulty=True) as s:
        s.feed(talk(1, 0) + ticks(START + 4, START + 20))
        before, = settled(s, 1)
        t.equal("recorded while the disk is well", became(before), ("recorded", "ready", False))
        says(s, 200, "")
        t.equal("no error", (s.counter("earshot_spool_errors_total"), s.counter("earshot_spool_failing")), (0, 0))
        s.wrong(REFUSES, where=SPOOL)
        s.feed(talk(2, 30) + ticks(START + 34, START + 50))
        lost, = settled(s, 2)
        t.equal("what became of the recording", became(lost), ("disk", None, True))
        t.equal("the call is known all the same", (lost["outcome"], len(lost["streams"]), lost["streams"][0]["packets"], lost["streams"][0]["lost"]), ("answered", 2, 100, 0))
        t.check("and its quality", lost["streams"][0]["mos"]["lq"] is not None)
        says(s, 503, "the disk does not take media")
        t.equal("alive", s.fetch("/healthz"), "ok\n")
        t.check("errors are counted", s.counter('earshot_spool_errors_total{at="write"}') >= 10)
        t.equal("both logs are refused", s.counter("earshot_spool_failing"), 2)
        t.check("packets too", s.counter("earshot_spool_dropped_packets_total") > 0)
        t.equal("counted once", s.counter('earshot_coverage_calls_total{result="disk"}'), 1)
        long = talk(3, 60, 14.0)
        s.feed([p for p in long if p.t < START + 70])
        wait_for("it has read so far", lambda: ask(s, "/readyz")[1]["last_packet_at"] >= "2023-11-14T22:14:29.9")
        s.wrong(NONE)
        s.feed([p for p in long if p.t >= START + 70] + ticks(START + 76, START + 88))
        s.feed(talk(4, 90) + ticks(START + 94, START + 110))
        half, again = settled(s, 3, 4)
        t.equal("in the middle of a call", became(half), ("recorded", "ready", True))
        t.check(f"the rest of it is there: {half['recording']['duration_ms']}", 4000 <= half["recording"]["duration_ms"] <= 14100)
        t.counter("it does not recover", became(again) == ("recorded", "ready", False))
        says(s, 200, "")
        t.equal("nothing is refused any more", s.counter("earshot_spool_failing"), 0)
        t.equal("no record was lost", s.counter("earshot_db_records_lost_total"), 0)
        t.equal("what was there is whole", ask(s, f"/api/v1/recordings/{before['recording']['id']}")[1]["state"], "ready")
        s.finish()


@feature("R18", "the disk is gone for all (EIO), or read-only: readiness says so, capture goes on, nothing of the records is lost")
def gone(t):
    for what, name in ((REFUSES, "EIO"), (READ_ONLY, "read-only")):
        with Stream(t, CONFIG, faulty=True) as s:
            s.feed(talk(1, 0) + ticks(START + 4, START + 20))
            settled(s, 1)
            s.wrong(what, where=ALL)
            s.feed(talk(2, 30) + talk(3, 40) + ticks(START + 44, START + 60))
            says(s, 503, "the database does not take records")
            wait_for(f"{name}: capture goes on", lambda: ask(s, "/readyz")[1]["last_packet_at"] >= "2023-11-14T22:14:19.8")
            t.equal(f"{name}: alive", s.fetch("/healthz"), "ok\n")
            s.wrong(NONE)
            s.feed(talk(4, 90) + ticks(START + 94, START + 110))
            *lost, again = settled(s, 2, 3, 4)
            t.equal(f"{name}: recordings of that time", [became(r) for r in lost], [("disk", None, True)] * 2)
            t.equal(f"{name}: their calls", [(r["outcome"], [x["packets"] for x in r["streams"]]) for r in lost], [("answered", [100, 100])] * 2)
            t.counter(f"{name}: it does not recover", became(again) == ("recorded", "ready", False))
            says(s, 200, "")
            t.equal(f"{name}: no record was lost", s.counter("earshot_db_records_lost_total"), 0)
            s.finish()


@feature("R18", "a slow disk: nothing is lost while memory lasts, the alarm says what it is, and ends")
def slow(t):
    with Stream(t, CONFIG + "[spool]\nflush = 1s\n", faulty=True) as s:
        s.feed(talk(1, 0) + ticks(START + 4, START + 20))
        settled(s, 1)
        says(s, 200, "")
        t.equal("not slow", s.counter("earshot_spool_slow"), 0)
        s.wrong(SLOW, 1050, SPOOL)
        s.feed(talk(2, 30, 1.0) + ticks(START + 32, START + 34))
        says(s, 503, "the disk is slow")
        t.check("measured", s.counter('earshot_spool_write_seconds_bucket{le="5"}') > s.counter('earshot_spool_write_seconds_bucket{le="1"}'))
        t.check("as a gauge", s.counter("earshot_spool_slow") > 0)
        s.wrong(NONE)
        s.feed(ticks(START + 34, START + 80))
        slowly, = settled(s, 2)
        t.equal("nothing of the call is missing", (became(slowly), [x["packets"] for x in slowly["streams"]]), (("recorded", "ready", False), [50, 50]))
        says(s, 200, "")
        t.counter("it stays slow", s.counter("earshot_spool_slow") == 0 and s.counter("earshot_spool_errors_total") == 0)
        s.finish()


@feature("X71", "fsync fails: counted and told, media and records go on, and it is over when the disk syncs again")
def unsynced(t):
    with Stream(t, CONFIG + "[spool]\nsync = 1s\n", faulty=True) as s:
        failed = lambda: s.counter('earshot_spool_errors_total{at="sync"}')

        def one(n):
            s.feed(talk(n, 30 * n) + ticks(START + 30 * n + 4, START + 30 * n + 20))
            r, = settled(s, n)
            t.equal("recorded all the same", (became(r), [x["packets"] for x in r["streams"]]), (("recorded", "ready", False), [100, 100]))
            return failed()

        t.counter("a disk that syncs is said not to", one(0) == 0 and "does not take media" not in s.said())
        s.wrong(SYNC_FAILS, where=SPOOL)
        n = next(n for n in range(1, 12) if one(n)) # how a sync went is known at the next one
        t.check("told", "does not take media" in s.said())
        s.wrong(NONE)
        before = one(n + 1)
        t.equal("it is over", one(n + 2), before)
        says(s, 200, "")
        s.finish()


@feature("R10", "a resume that cannot be audited does not take effect: what is paused stays paused, by header and by the clock")
def unaudited(t):
    d = Dialog(call_id="d1@test", branch="z9hG4bKd1", from_tag="f1", to_tag="t1")
    for what in (REFUSES, NONE):
        with Stream(t, CONFIG + "[pause]\nsip_from = caller\n", faulty=True) as s:
            packets = talk(1, 0, 8.0) + order(d, 3, PAUSE) + order(d, 6, RESUME, cseq=11)
            s.feed([p for p in packets if p.t < START + 5])
            wait_for("the pause is audited", lambda: s.counter("earshot_recording_pauses_total") == 1)
            s.wrong(what, where=ELSEWHERE)
            s.feed(talk(2, 5, 0.1)) # its row is refused
            if what != NONE:
                says(s, 503, "the database does not take records")
            s.feed([p for p in packets if p.t >= START + 5.3])
            s.feed(ticks(START + 10, START + 11))
            wait_for("it has read so far", lambda: ask(s, "/readyz")[1]["last_packet_at"] >= "2023-11-14T22:13:30.8")
            s.wrong(NONE)
            s.feed(ticks(START + 11, START + 30))
            one, = settled(s, 1)
            if what == NONE:
                t.counter("a resume that is audited has no effect", [k for k, _ in pauses(one)] == ["paused", "resumed"])
            else:
                t.equal("no resume", ([k for k, _ in pauses(one)], one["recording"]["result"]), (["paused"], "recorded"))
            s.finish()
