"""K01: loss, bursts, jitter, delay variation and scores by direction, by 10 s and for the call, against what the generator did."""
import random

from craft import *
from feature import feature
from users_api import WHOLE, FileService

SECONDS, FRAMES = 40, 2000


def rating(lost, runs, expected):
    """G.711 with concealment: R of G.107 with the defaults of its Table 3, BurstR as its clause 7.5 has it."""
    ratio = lost / expected
    burst = min(max(lost / runs * (1 - ratio), 1), 8) if lost else 1
    return 93.20620772 - (95 * 100 * ratio / (100 * ratio / burst + 25.1) if lost else 0)


def mos(r):
    return 1 if r <= 0 else 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6


def lose(window, runs, length, seed):
    """Numbers of that window, in runs of that length, none touching another or the window's end."""
    places = random.Random(seed).sample(range(window * 500 + 10, window * 500 + 480, length + 2), runs)
    return {n + k for n in places for k in range(length)}


def runs_of(missing):
    return sum(n - 1 not in missing for n in missing)


def stream(src, sport, dst, dport, ssrc, missing, delay_ms):
    return [Packet(START + 1.05 + i * 0.02 + delay_ms(i) / 1000, src, sport, dst, dport, rtp(i, 160 * i, ssrc, bytes([i & 255]) * 160, 0, i == 0), kind="rtp")
            for i in range(FRAMES) if i not in missing]


@feature("K01", "loss, bursts, jitter, delay variation and MOS: each direction, each 10 s, the call; the generator's truth")
def intervals(t):
    forth = lose(1, 12, 5, 1) | lose(3, 20, 1, 2)
    back = lose(2, 6, 3, 3)
    uneven = lambda i: 10 * (i & 1) if 500 <= i < 1000 else 0  # 10 ms to and fro within the second window
    packets = sorted(call(voice=False, seconds=SECONDS + 1) + stream(ALICE, 4000, BOB, 6000, 1, forth, lambda i: 0) +
                     stream(BOB, 6000, ALICE, 4000, 2, back, uneven), key=lambda p: p.t)
    record, = t.read(frames(packets))
    with FileService(t, packets) as s:
        row, = s.get(f"/api/v1/calls?{WHOLE}")["data"]
        series = {x["ssrc"]: s.get(f"/api/v1/calls/{row['uid']}/streams/{x['sid']}/series") for x in row["streams"]}
    worst = 99
    for x, missing in zip(sorted(record["streams"], key=lambda x: x["ssrc"]), (forth, back)):
        r, found = rating(len(missing), runs_of(missing), FRAMES), series[x["ssrc"]]
        worst = min(worst, mos(r))
        t.equal(f"{x['party']}: lost", (x["expected"], x["lost"], x["media_lost"], x["loss_runs"], x["discarded"]), (FRAMES, len(missing), len(missing), runs_of(missing), 0))
        t.check(f"{x['party']}: R {x['r']}, not {r:.3f}", abs(x["r"] - r) < 0.001)
        t.equal(f"{x['party']}: runs by length", x["burst"]["run_histogram"][:5], [sum(1 for n in missing if n - 1 not in missing and all(n + k in missing for k in range(length)) and n + length not in missing) for length in range(1, 6)])
        t.equal(f"{x['party']}: windows", (found["window_ms"], len(found["r"])), (10000, 4))
        for window in range(4):
            gone = {n for n in missing if n // 500 == window}
            r = rating(len(gone), runs_of(gone), 500)
            t.check(f"{x['party']}, window {window}: R {found['r'][window]}, not {r:.3f}; MOS {found['mos'][window]}, not {mos(r):.3f}",
                    abs(found["r"][window] - r) < 0.01 and abs(found["mos"][window] - mos(r)) < 0.002)
        for second in range(SECONDS):
            gone = sum(1 for n in missing if n // 50 == second)
            seen = sum(found["lost"][second:second + 2])
            t.check(f"{x['party']}, second {second}: {gone} of {seen} lost", gone <= seen)
        t.equal(f"{x['party']}: sums", (sum(found["lost"]), sum(found["packets"])), (len(missing), FRAMES - len(missing)))
    t.check(f"the call is as good as its worse direction: {record['quality']}", abs(record["quality"]["mos_min"] - worst) < 0.001)
    steady, shaken = sorted(record["streams"], key=lambda x: x["ssrc"])
    t.equal("no jitter, no variation", (steady["jitter_ms"]["max"], steady["pdv_ms"]["max"]), (0, 0))
    t.check(f"jitter {shaken['jitter_ms']}, the fixed point of 10 ms to and fro", abs(shaken["jitter_ms"]["max"] - 10) < 0.01)
    t.check(f"delay variation {shaken['pdv_ms']}", abs(shaken["pdv_ms"]["max"] - 10) < 0.05 and shaken["pdv_ms"]["p50"] < 0.5)
    clean, = t.read(frames(sorted(call(voice=False, seconds=SECONDS + 1) + stream(ALICE, 4000, BOB, 6000, 1, (), lambda i: 0), key=lambda p: p.t)))
    t.counter("the same without faults", clean["streams"][0]["r"] == 93.206 and clean["streams"][0]["lost"] == 0)
