"""K07: what a recording sounds like, on sound of which everything is known."""
import math, random, tempfile

from craft import *
from feature import feature
from recordings import ulaw

FRAME = 160


def stream(src, sport, dst, dport, ssrc, samples, missing=()):
    """Samples (16 bit, 8 kHz) as PCMU; what is missing was lost on the way."""
    octets = bytes(ulaw(max(-32124, min(32124, round(s)))) for s in samples)
    return [Packet(START + 1.05 + i * 0.02, src, sport, dst, dport,
                   rtp(i, FRAME * i, ssrc, octets[i * FRAME:(i + 1) * FRAME], 0, i == 0), kind="rtp")
            for i in range(len(octets) // FRAME) if i not in missing]


def speech(seconds, amplitude, seed=1, on=lambda second: True):
    r = random.Random(seed)
    return [r.uniform(-amplitude, amplitude) if on(i / 8000) else 0 for i in range(int(seconds * 8000))]


def tone(seconds, amplitude, hz):
    return [amplitude * math.sin(2 * math.pi * hz * i / 8000) for i in range(int(seconds * 8000))]


def heard(t, caller, callee, missing=(), *options):
    seconds = max(len(caller), len(callee)) / 8000
    packets = call(voice=False, seconds=seconds + 1) + stream(ALICE, 4000, BOB, 6000, 1, caller, missing) + stream(BOB, 6000, ALICE, 4000, 2, callee)
    with tempfile.TemporaryDirectory(dir=t.work) as out:
        record, = t.read(frames(sorted(packets, key=lambda p: p.t)), "--record", out, *options)
    return record["recording"]["sound"]


def near(t, what, got, wanted, tolerance):
    t.check(f"{what}: {got}, not {wanted}", got is not None and abs(got - wanted) <= tolerance)


@feature("K07", "audio: active level, silence, digital silence, dead air, double talk, each channel by itself")
def levels(t):
    s = heard(t, speech(16, 4000, 1, lambda x: x < 4 or x > 12), speech(16, 400, 2, lambda x: 2 < x < 4))
    caller, callee = s["caller"], s["callee"]
    near(t, "level of the caller", caller["active_level_dbov"], 20 * math.log10(4000 / 32768 / math.sqrt(3)), 0.5)
    near(t, "in dBm0", caller["active_level_dbm0"] - caller["active_level_dbov"], 6.15, 0.051)
    near(t, "level of the callee", callee["active_level_dbov"], 20 * math.log10(400 / 32768 / math.sqrt(3)), 1.0)
    near(t, "silence of the caller", caller["silence_ratio"], 0.5, 0.03)
    near(t, "silence of the callee", callee["silence_ratio"], 14 / 16, 0.03)
    near(t, "digital silence", callee["digital_silence_ratio"], 14 / 16, 0.01)
    near(t, "both at once", s["double_talk_ratio"], 2 / 16, 0.03)
    t.equal("dead air", s["dead_air_count"], 1)
    near(t, "dead air begins", s["dead_air"][0]["at_ms"], 4200, 100)
    near(t, "dead air lasts", s["dead_air"][0]["length_ms"], 7800, 100)
    t.equal("nothing else", (caller["clip_events"], caller["frozen_ms"], callee["clip_events"], callee["frozen_ms"]), (0, 0, 0, 0))
    other = heard(t, speech(16, 4000, 1, lambda x: x % 1.5 < 1), speech(16, 400, 2))
    t.counter(f"who pauses for half a second leaves no dead air: {other}", other["dead_air_count"] == 0 and other["caller"]["silence_ratio"] < 0.3)


@feature("K07", "audio: clipping and frozen frames are found, loud speech and tones are none; what was concealed is nobody's sound")
def faults(t):
    frozen = speech(1, 3000, 3) + (speech(0.02, 3000, 4) * 50) + speech(1, 3000, 5)
    s = heard(t, [3 * x for x in tone(3, 30000, 300)], frozen)
    t.check(f"clipping: {s['caller']}", s["caller"]["clip_events"] > 1000 and s["caller"]["clipped_ratio"] > 0.4)
    near(t, "frozen", s["callee"]["frozen_longest_ms"], 980, 21)
    t.equal("neither is the other", (s["callee"]["clip_events"], s["caller"]["frozen_ms"]), (0, 0))
    clean = heard(t, tone(3, 27000, 443), tone(3, 3000, 400))
    t.counter("a loud tone clips", clean["caller"]["clip_events"] == 0)
    t.counter("a tone is frozen", clean["callee"]["frozen_ms"] == 0 and clean["caller"]["frozen_ms"] == 0)
    lossy = heard(t, speech(3, 3000), speech(3, 3000, 2), range(50, 52))
    t.check(f"filled by us: {lossy['caller']['filled_ms']}", 40 <= lossy["caller"]["filled_ms"] <= 60)
    t.equal("and not heard", (lossy["caller"]["heard_ms"] + lossy["caller"]["filled_ms"], lossy["callee"]["filled_ms"]), (3000, 0))
    t.equal("switched off", heard(t, speech(1, 3000), speech(1, 3000), (), "--set", "recording.measures=no"), None)
