"""K01, K03: packets that come too late for a jitter buffer, bursts and delay variation, against traces of known outcome."""
from dataclasses import replace

from craft import *
from feature import feature
from users_api import WHOLE, FileService

PACKETS = 3000


def trace(arrival, missing=()):
    """A call with one direction of 60 s G.711; arrival(i): ms after its first packet."""
    signals = call(voice=False, seconds=62)
    voice = [Packet(START + 1.05 + arrival(i) / 1000, ALICE, 4000, BOB, 6000, rtp(i, 160 * i, 7), kind="rtp")
             for i in range(PACKETS) if i not in missing]
    return sorted(signals + voice, key=lambda p: p.t)


def steady(i):
    return i * 20


def stall(ms):
    """Every 2 s the network stands still, then catches up in a burst."""
    def arrival(i):
        phase = i % 100
        return (i - phase) * 20 + ms + phase * 0.1 if i > 50 and phase < ms // 20 else i * 20
    return arrival


TRACES = (
    # arrival, discards of F50, F200, AD, mean depth of AD, MOS behind F50
    ("constant", steady, 0, 0, 0, 40.2, 4.409),
    ("alternating", lambda i: i * 20 + 10 * (i % 2), 0, 0, 0, 40.2, 4.409),
    ("80 ms stalls", stall(80), 58, 0, 34, 58.9, 4.234),
    ("120 ms stalls", stall(120), 116, 0, 34, 97.4, 3.991),
    ("300 ms stalls", stall(300), 377, 174, 34, 271.2, 2.494),
    ("step +60 ms", lambda i: i * 20 + 60 * (i >= 1500), 25, 0, 13, 47.3, 4.341),
    ("step -60 ms", lambda i: i * 20 + 60 * (i < 1500), 27, 0, 0, 47.4, 4.334),
    ("drift", lambda i: i * 20 * 1.0002, 0, 0, 0, 40.2, 4.409),
)


def stream(t, packets, *options):
    found, = t.read(frames(packets), *options)
    return found["streams"][0]


@feature("K03", "jitter buffers are simulated: discards, depth and MOS of eight traces as the reference has them")
def simulated_buffers(t):
    for name, arrival, f50, f200, ad, depth, mos in TRACES:
        s = stream(t, trace(arrival))
        late = tuple(s["playout"][b]["late"] + s["playout"][b]["early"] for b in ("f50", "f200", "ad"))
        t.equal(f"{name}: discards", late, (f50, f200, ad))
        t.equal(f"{name}: the score's", (s["discarded"], s["mos"]["playout"], s["lost"]), (ad, "AD", 0))
        t.check(f"{name}: depth {s['playout']['ad']['mean_delay_ms']}", abs(s["playout"]["ad"]["mean_delay_ms"] - depth) <= 0.051)
        t.check(f"{name}: MOS behind 50 ms {s['mos_f50']}", abs(s["mos_f50"] - mos) <= 0.006)
    bad = stream(t, trace(stall(300)))
    off = stream(t, trace(stall(300)), "--set", "quality.playout=no")
    t.equal("without simulation", (off["mos"]["playout"], off["playout"], off["discarded"], off["mos"]["lq"], off["mos_f50"]),
            ("none", None, 0, 4.409, None))
    t.counter(f"discards cost {bad['mos']['lq']}", bad["mos"]["lq"] < 4.35 and bad["mos_f200"] < 4.0)


@feature("K01", "loss, bursts, jitter, delay variation and skew of a direction, per call and per 10 s")
def bursts_and_delays(t):
    lost = {1000, 1001, 1003, 1600} | set(range(2000, 2030))
    s = stream(t, trace(steady, lost))
    t.equal("loss", (s["media_lost"], s["loss_runs"], s["longest_loss_run"], s["playout"]["ad"]["late"]), (34, 4, 30, 0))
    b = s["burst"]
    t.equal("bursts", (b["gap_min"], b["bursts"], b["mean_ms"], b["outages"], b["runs"], b["longest_run"]), (16, 2, 340, 1, 4, 30))
    t.check(f"densities {b['density']} {b['gap_density']}",
            abs(b["density"] - 33 / 34) < 1e-6 and abs(b["gap_density"] - 1 / (PACKETS - 34)) < 1e-6)
    t.check(f"Gilbert {b['p']} {b['q']}", abs(b["p"] - 4 / (PACKETS - 34)) < 1e-6 and abs(b["q"] - 4 / 34) < 1e-6)
    t.equal("histogram", b["run_histogram"], [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0])
    t.check(f"longest silence {s['max_outage_ms']}", abs(s["max_outage_ms"] - 620) < 0.01)
    t.equal("spacings", s["deltas"], {"over_50": 1, "over_100": 1, "over_200": 1, "over_500": 1})
    wide = stream(t, trace(steady, lost), "--set", "quality.burst_gap=255")["burst"]
    t.equal("two losses 596 frames apart stay two groups", (wide["gap_min"], wide["bursts"]), (255, 2))
    slow = stream(t, trace(lambda i: i * 20 * 1.0002))
    t.check(f"skew {slow['skew_ppm']}", abs(slow["skew_ppm"] - 200) < 3)
    shaken = stream(t, trace(lambda i: i * 20 + 10 * (i % 2)))
    t.check(f"variation {shaken['pdv_ms']}", abs(shaken["pdv_ms"]["max"] - 10) < 0.01 and abs(shaken["pdv_ms"]["p95"] - 10) < 1)
    t.equal("from packet to packet", shaken["ipdv"], {"ms": [-10, 10], "packets": [1499, 1500]})
    t.check(f"jitter {shaken['jitter_ms']}", abs(shaken["jitter_ms"]["last"] - 10) < 0.01)
    still = stream(t, trace(lambda i: i * 20 + 400 * (i >= 1500)))
    t.equal("a sender that stood still", (still["ts_frozen"], round(still["ts_frozen_ms"])), (1, 400))
    back = media(BOB, 6000, ALICE, 4000, 60, START + 1.05, 9)
    counted = [replace(p, data=p.data[:4] + struct.pack("!I", 320 * struct.unpack("!H", p.data[2:4])[0]) + p.data[8:]) if p.kind == "rtp" else p for p in trace(steady)]
    odd, = t.read(frames(sorted(counted + back, key=lambda p: p.t)))
    t.equal("a clock twice as fast as SDP says is named, and no jitter", [(x["label"], round(x["evidence"]["skew_ppm"], -3)) for x in odd["diagnosis"] if x["label"] in ("jitter", "clock_drift")],
            [("clock_drift", -1000000)])
    t.check(f"in words: {odd['summary']}", "run 2.00 times as fast as SDP says" in (odd["summary"] or ""))
    clean = stream(t, trace(steady))
    t.counter("a clean direction has none of it",
              (clean["burst"]["bursts"], clean["burst"]["outages"], clean["pdv_ms"]["max"], clean["ts_frozen"], clean["deltas"]["over_50"])
              == (0, 0, 0, 0, 0) and clean["mos"]["lq"] > s["mos"]["lq"])


@feature("K01", "each 10 s: MOS behind 50 ms, 200 ms and the adaptive buffer, Ppl, BurstR, delay variation")
def windows_of_all_buffers(t):
    """Stalls of 300 ms in the second window alone."""
    shaken = stall(300)
    packets = trace(lambda i: shaken(i) if 500 <= i < 1000 else i * 20, missing=set(range(2100, 2125)))
    with FileService(t, packets) as s:
        row, = s.get(f"/api/v1/calls?{WHOLE}")["data"]
        series = s.get(f"/api/v1/calls/{row['uid']}/streams/1/series")
    whole = stream(t, packets)
    scores = {k: [v and round(v, 3) for v in series[k]] for k in ("mos", "mos_f50", "mos_f200")}
    quiet = [0, 2, 3, 5]
    for name, column in scores.items():
        t.equal(f"{name}: quiet windows", [column[i] for i in quiet], [4.409] * 4)
    t.check(f"the stalls: {scores}", scores["mos_f50"][1] < scores["mos_f200"][1] < scores["mos"][1] < 4.409)
    t.check(f"25 frames lost: {scores}", len({scores[k][4] for k in scores}) == 1 and 3.7 < scores["mos"][4] < 4.3)
    t.check(f"variation {series['pdv_p95_ms']}", series["pdv_p95_ms"][0] == 0 and series["pdv_p95_ms"][1] > 200)
    t.equal("Ppl of the gap", round(series["ppl"][4], 3), 5.0)
    t.equal("BurstR of the gap", round(series["burst_r"][4], 3), 8)
    bad = whole["playout"]["f200"]["late"] + whole["playout"]["f200"]["early"]
    t.check(f"discards of 200 ms lie in that window: {bad}", bad > 0)
    with FileService(t, trace(steady)) as s:
        row, = s.get(f"/api/v1/calls?{WHOLE}")["data"]
        even = s.get(f"/api/v1/calls/{row['uid']}/streams/1/series")
    t.counter("a steady call", set(even["mos_f50"]) == {4.409} and set(even["pdv_p95_ms"]) == {0})


@feature("K03", "fixed buffers that begin anew with each talkspurt, where the operator says so")
def talkspurts(t):
    """The network becomes 60 ms slower in the middle of the call, where a talkspurt begins."""
    packets = trace(lambda i: i * 20 + 60 * (i >= 1500))
    marked = [replace(p, data=p.data[:1] + bytes([p.data[1] | 0x80]) + p.data[2:])
              if p.kind == "rtp" and struct.unpack("!H", p.data[2:4])[0] == 1500 else p for p in packets]
    late = lambda packets_, *options: stream(t, packets_, *options)["playout"]["f50"]["late"]
    t.equal("asked for", late(marked, "--set", "quality.talkspurts=yes"), 0)
    t.equal("no talkspurt begins there", late(packets, "--set", "quality.talkspurts=yes"), 25)
    t.counter("not asked for", late(marked) == 25)
