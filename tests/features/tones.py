"""F05, K07: what is heard in a recording as a tone: keys (DTMF), fax and modem, progress of a call. Sound made here, sent as G.711."""
import math, random, tempfile

from craft import *
from feature import feature
from keys import keys as told, offer, press as event, typed
from sound import FRAME, stream, ulaw
from transfers import after

ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
PLACES = {key: (ROWS[i // 4], COLUMNS[i % 4]) for i, key in enumerate("123A456B789C*0#D")}


def sine(hz, seconds, dbm0=-10, at=0.0):
    """One frequency or several of the same level."""
    top = 32768 * 10 ** ((dbm0 - 3.14) / 20)
    return [sum(top * math.sin(2 * math.pi * f * i / 8000 + at) for f in (hz if isinstance(hz, tuple) else (hz,))) for i in range(int(seconds * 8000))]


def quiet(seconds):
    return [0] * int(seconds * 8000)


def dial(text, on=0.1, off=0.1, dbm0=-10):
    return [x for key in text for x in sine(PLACES[key], on, dbm0) + quiet(off)]


def hiss(samples, amplitude, seed=1):
    r = random.Random(seed)
    return [x + r.gauss(0, amplitude) for x in samples]


def recorded(t, caller, callee, more=(), missing=(), options=()):
    seconds = max(len(caller), len(callee)) / 8000
    packets = call(voice=False, seconds=seconds + 1, offer=offer(ALICE, 4000), answer=offer(BOB, 6000))
    packets += stream(ALICE, 4000, BOB, 6000, 1, caller, missing) + stream(BOB, 6000, ALICE, 4000, 2, callee) + list(more)
    with tempfile.TemporaryDirectory(dir=t.work) as out:
        record, = t.read(frames(sorted(packets, key=lambda p: p.t)), "--record", out, *options)
    return record


def one_stream(*parts):
    """Packets of several hands as those of one sender: numbered in order of time, with one SSRC."""
    return [replace(p, data=p.data[:2] + struct.pack("!H", n) + p.data[4:8] + struct.pack("!I", 1) + p.data[12:])
            for n, p in enumerate(sorted((p for part in parts for p in part), key=lambda p: p.t))]


def heard(record):
    return [(d["digit"], d["party"]) for d in record.get("dtmf", []) if d["source"] == "inband"]


def tones(record):
    return [(x["kind"], x["party"], x["bursts"]) for x in record.get("tones", [])]


@feature("F05", "keys that are heard: each once, whose, when, how long and loud; with noise; loss within; beside events and INFO; masked")
def inband(t):
    r = recorded(t, hiss(quiet(1) + dial("0123456789*#ABCD"), 30), hiss(quiet(4) + dial("77", 0.05, 0.05), 30, 2))
    t.equal("by the caller", [d for d, party in heard(r) if party == "caller"], list("0123456789*#ABCD"))
    t.equal("as dialled", r["digits"], {"caller": "0123456789*#ABCD", "callee": "77"})
    first = r["dtmf"][0]
    t.check(f"when, how long, how loud: {first}", abs(after(first["at"]) - 2.05) < 0.02 and abs(first["duration_ms"] - 100) < 8 and
            first["volume_dbm0"] == -10 and first["payload_type"] is None)
    t.equal("counted", (lambda c: c.get('earshot_dtmf_events_total{method="inband"}'))(counted(t, quiet(1) + dial("123"))), 3)
    lossy = recorded(t, quiet(1) + dial("5", 0.3), quiet(2), missing=(57, 58))
    t.equal("lost packets do not part a key", [(d, after(x["at"]) < 2.07) for (d, _), x in zip(heard(lossy), lossy["dtmf"])], [("5", True)])
    both = recorded(t, [], quiet(2), one_stream(stream(ALICE, 4000, BOB, 6000, 1, quiet(0.35) + dial("42") + quiet(0.5)), typed([event(k) for k in "42"], at=1.45)))
    t.equal("told and heard", ([(d["digit"], d["source"], d["copy"]) for d in both["dtmf"]], both["digits"]["caller"]),
            ([("4", "inband", True), ("4", "rfc4733", False), ("2", "inband", True), ("2", "rfc4733", False)], "42"))
    masked = recorded(t, quiet(1) + dial("42"), quiet(2), options=("--set", "record.mask_dtmf=yes"))
    t.equal("masked", (heard(masked), masked["digits"]["caller"]), ([("*", "caller")] * 2, "**"))
    off = recorded(t, quiet(1) + dial("42"), quiet(2), options=("--set", "recording.measures=no"))
    t.counter("with measures switched off nobody listens", "dtmf" not in off)
    wrong = [x for row, column in PLACES.values() for x in sine((row * 1.04, column * 1.04), 0.1) + quiet(0.1)] + dial("5", 0.02) + dial("5", dbm0=-55)
    t.counter("4 % off, 20 ms, -55 dBm0: none", "dtmf" not in recorded(t, wrong, quiet(1)))


def counted(t, caller):
    """Counters of a run that renders."""
    path = t.path()
    packets = call(voice=False, seconds=len(caller) / 8000 + 1) + stream(ALICE, 4000, BOB, 6000, 1, caller)
    write(path, frames(sorted(packets, key=lambda p: p.t)))
    with tempfile.TemporaryDirectory(dir=t.work) as out:
        return t.counters_of(path, "--record", out)


@feature("K07", "tones: fax that calls and answers, special information, ring-back before and after the answer, busy; speech and music are none")
def others(t):
    cng = quiet(0.5) + (sine(1100, 0.5) + quiet(3)) * 2 + sine(1100, 0.5) + quiet(0.5)
    r = recorded(t, hiss(cng, 20), hiss(quiet(1.2) + sine(2100, 3) + quiet(1), 20))
    t.equal("fax", tones(r), [("cng", "caller", 3), ("ced", "callee", 1)])
    x, y = r["tones"]
    t.check(f"when and how long: {x}", abs(after(x["at"]) - 1.55) < 0.03 and abs(x["burst_ms"] - 500) <= 20 and abs(x["pause_ms"] - 3000) <= 20 and
            x["level_dbm0"] == -10 and x["after_answer"])
    t.check(f"the answer: {y}", abs(y["length_ms"] - 3000) <= 20 and not y["phase_reversals"] and y["pause_ms"] is None)
    turned = [x for n in range(6) for x in sine(2100, 0.45, at=math.pi * (n % 2))]
    t.equal("phase reversals", [(x["kind"], x["phase_reversals"]) for x in recorded(t, quiet(4), quiet(0.5) + turned + quiet(0.5))["tones"]], [("ced", True)])
    sit = sine(950, 0.33) + sine(1400, 0.33) + sine(1800, 0.33)
    t.equal("special information", tones(recorded(t, quiet(2), quiet(0.4) + sit + quiet(0.4))), [("sit", "callee", 1)])
    ring = quiet(0.3) + (sine(425, 1) + quiet(4)) * 2
    t.equal("ring-back after the answer", [(x["kind"], x["bursts"], x["after_answer"]) for x in recorded(t, quiet(2), ring)["tones"]], [("ringback", 2, True)])
    t.equal("of North America", tones(recorded(t, quiet(2), quiet(0.3) + (sine((440, 480), 2, -16) + quiet(4)) * 2)), [("ringback", "callee", 2)])
    t.equal("busy", tones(recorded(t, quiet(2), quiet(0.3) + (sine(425, 0.5) + quiet(0.5)) * 4)), [("busy", "callee", 4)])
    early = call(seconds=2) + [replace(p, t=p.t - 0.9) for p in stream(BOB, 6000, ALICE, 4000, 9, sine(425, 0.9))]
    with tempfile.TemporaryDirectory(dir=t.work) as out:
        r, = t.read(frames(sorted(early, key=lambda p: p.t)), "--record", out)
    t.equal("before the answer", [(x["kind"], x["after_answer"]) for x in r["tones"]], [("ringback", False)])
    falling = sine(1800, 0.33) + sine(1400, 0.33) + sine(950, 0.33)
    near = quiet(0.2) + falling + quiet(0.3) + sine(1160, 0.5) + quiet(0.3) + sine(2150, 2) + quiet(0.3) + sine(425, 4)
    r = recorded(t, hiss(quiet(4), 3000), near)
    t.counter(f"what is near them is none, nor is noise: {tones(r)}", "tones" not in r and "dtmf" not in r)
