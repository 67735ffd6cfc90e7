"""Defects of sngrep's panel of RTP: keys of streams, wraps, keys of telephones."""
from defect_bench import *
from keys import press as press_event, talk, typed
from reports import RELAY, keys, press, talking
from transfers import Scene, A


@defect("S1", "C", "where timestamps begin anew at 0 jitter jumps to hours", "about 3e7 ms")
def wrap(b):
    s = b.stream(reference("ts_wrap"))
    yield Figure("largest jitter, ms", s["jitter_ms"]["max"], 0)
    yield Figure("lost, jumps of timestamps", [s["lost"], s["timestamp_jumps"]], [0, 0])


@defect("S2", "C", "a stream is an address and a payload type: a new SSRC is loss of tens of thousands, digits are loss of the voice", "tens of thousands; 100")
def stream_keys(b):
    path = reference("ssrc_change")
    found = b.streams(path)
    yield Figure("new SSRC: lost of each stream", [s["lost"] for s in found], [0 for _ in {p[3] for p in rtp_in(path)}])
    path = reference("dtmf")
    s = b.stream(path)
    yield Figure("digits: lost", s["lost"], 1000 - distinct(path))
    yield Figure("packets of digits", s["event_packets"], sum(1 for p in rtp_in(path) if p[2] == 101))


@defect("S3", "C", "only a packet that is repeated at once is a duplicate", "0 of 300")
def duplicates(b):
    """Each packet comes again 65 ms later, behind three others."""
    talk = voice(300)
    again = [replace(p, t=p.t + 0.065, ipid=40000 + n) for n, p in enumerate(talk)]
    s = b.stream(with_call(talk + again))
    yield Figure("received, lost, duplicates", [s["packets"], s["lost"], s["duplicates"]], [300, 0, len(again)])


@defect("S4", "C", "loss of extended reports overwrites the share of receiver reports, 127 is 12.7, and a block may speak of another stream", "0.5; 0.5; 12.7")
def overwritten(b):
    compound = from_bob(5, receiver_report(block(0x1111, 1150, 26)), extended_report(voip_metrics(0x1111, loss=13)),
                        extended_report(voip_metrics(0x7777, loss=128)))
    r = b.stream(with_call(voice(300) + [compound]))["rtcp"]
    yield Figure("share of RR", r["remote"]["fraction_lost"], 26 / 256)
    yield Figure("loss of XR", r["xr"]["voip_metrics"]["loss_ratio"], 13 / 256)
    yield Figure("MOS-LQ", r["xr"]["voip_metrics"]["mos_lq"], None)


@defect("S5", "C", "numbers of keys from 10 on are read wrongly", "the character 'A' + 10 for 10, * for 14, # for 15")
def numbers(b):
    scene = Scene()
    leg = talking(scene, 9)
    for n in range(10, 16):
        press(leg, 1.5 + (n - 10), A, f"Signal={n}\r\nDuration=160\r\n", RELAY)
    leg.bye(9, A)
    yield Figure("10 to 15 in INFO", "".join(k[0] for k in keys(scene.read(b)["keys@test"])), "*#ABCD")
    record, = b.read(talk(typed([press_event(k) for k in "*#ABCD"])))
    yield Figure("the same in RTP", record["digits"]["caller"], "*#ABCD")
