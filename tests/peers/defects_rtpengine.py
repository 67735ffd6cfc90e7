"""Defects of rtpengine: a fit of MOS outside of its range, integer percents, counters that wrap."""
from defect_bench import *


@defect("R1", "X", "MOS comes from a fit that holds from R 80 to 93: above 15 % loss the score rises again", "2.6; 2.3; 2.5; 3.1; 4.1; 4.5")
def rising(b):
    scores = []
    for percent in (10, 15, 20, 25, 30, 40):
        gone = losses(1500, percent / 100, percent)
        scores.append(b.stream(with_call(voice(1500, lost=gone)))["mos"]["lq"])
        yield Figure(f"MOS at {percent} %", scores[-1], mos(PCMU, 1500, gone))
    yield Figure("falls all the way", scores == sorted(scores, reverse=True), True)


@defect("R2", "X", "a clean call without delay is not the best there is", "R 89.86, MOS 4.3")
def clean(b):
    s = b.stream(with_call(voice(600)))
    yield Figure("R", s["r"], round(r_of(PCMU, 600), 3))
    yield Figure("MOS", s["mos"]["lq"], mos(PCMU, 600))


@defect("R3", "C", "loss is a whole percentage: 2 of 256 are none", "0")
def whole_percent(b):
    r = b.stream(with_call(voice(300) + [from_bob(5, receiver_report(block(0x1111, 1150, 2)))]))["rtcp"]
    yield Figure("2 of 256", r["remote"]["fraction_lost"], 2 / 256)
    gone = {50, 150}
    yield Figure("2 of 256, seen here", b.stream(with_call(voice(256, lost=gone)))["loss_ratio"], len(gone) / 256)


@defect("R4", "C", "its window has 32 packets: longer gaps count 32, and none from 256 on", "32; 0")
def long_gap(b):
    for gap in (50, 300):
        s = b.stream(with_call(voice(1000, lost=range(400, 400 + gap))))
        yield Figure(f"gap of {gap}: lost", s["lost"], gap)


@defect("R5", "C", "the share of loss in its reports is over the whole call, not since the last report", "an endpoint that believes it sees loss long after it ended")
def cumulative_share(b):
    """20 of the first 100 packets are lost behind the tap, none later; each report still tells of them in its share."""
    reports = [from_bob(1.05 + 0.02 * h, receiver_report(block(0x1111, 1000 + h, 256 * lost // h, lost))) for h, lost in ((100, 20), (200, 20), (400, 20), (800, 20))]
    s = b.stream(with_call(voice(900) + reports))
    yield Figure("loss between the first and the last report", s["rtcp"]["loss_ratio"], 0.0)
    yield Figure("lost behind here in that time", s["loss_split"]["after_tap"], 0)


@defect("R6", "C", "cumulative loss has no sign: -1 is 16777215", "16777215")
def signed(b):
    r = b.stream(with_call(voice(300) + [from_bob(5, receiver_report(block(0x1111, 1150, 0, -1)))]))["rtcp"]
    yield Figure("cumulative loss", r["cumulative_lost"], -1)


@defect("R7", "C", "arrival is cut to ms in the estimate of jitter", "0")
def fine_jitter(b):
    """Every second packet 0.25 ms late."""
    n = 1000
    s = b.stream(with_call(voice(n, late=lambda i: 0.00025 * (i % 2), at=1.05006)))  # half a tick behind one, so that none is cut
    yield Figure("last jitter, ms", s["jitter_ms"]["last"], 0.25 * (1 - (15 / 16) ** (n - 1)))
    scaled = 0
    for _ in range(n - 1):
        scaled += 2 - ((scaled + 8) >> 4)
    yield Figure("in whole ticks, as RFC 3550 A.8 has it", s["rfc3550"]["jitter_ticks"], scaled >> 4)


@defect("R8", "I", "no score without RTCP of the endpoints; jitter is added to the delay; one constant for all codecs of 48 kHz", "no score; lower for each ms of jitter; one value")
def without_reports(b):
    n = 600
    s = b.stream(with_call(voice(n, late=lambda i: 0.01 * (i % 2))))
    yield Figure("RTCP", s["rtcp"], None)
    yield Figure("MOS with 10 ms of jitter, which a buffer takes", s["mos"]["lq"], mos(PCMU, n))
    for codec in (OPUS, EVS):
        yield Figure(f"R of {codec[1].split('/')[0]}", b.stream(with_call(voice(n, codec), codec))["r"], r_of(codec, n))
