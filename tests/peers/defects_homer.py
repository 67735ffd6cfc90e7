"""Defects of the Homer family: steps instead of a score, compound reports read in part, figures of two directions added."""
from defect_bench import *
from reports import talking
from transfers import Scene, A, B


@defect("H1", "C", "heplify: MOS in steps of the share lost: below 3.9 % it is perfect", "4.5")
def steps(b):
    """9 of each 256 packets are lost, and the callee reports so."""
    gone = {256 * k + 28 * j + 5 for k in range(6) for j in range(9)}
    reports = [from_bob(1.05 + 0.02 * 256 * k, receiver_report(block(0x1111, 1000 + 256 * k - 1, 9, 9 * k))) for k in range(1, 7)]
    s = b.stream(with_call(voice(1536, lost=gone) + reports))
    yield Figure("share reported", s["rtcp"]["remote"]["fraction_lost"], 9 / 256)
    yield Figure("MOS", s["mos"]["lq"], mos(PCMU, 1536, gone))


@defect("H2", "C", "heplify: MOS-LQ and MOS-CQ of extended reports are exchanged, and 127 is 12.7", "LQ 12.7, CQ 4.1")
def exchanged(b):
    v = b.stream(with_call(voice(300) + [from_bob(5, receiver_report(), extended_report(voip_metrics(0x1111, mos_lq=41)))]))["rtcp"]["xr"]["voip_metrics"]
    yield Figure("LQ, CQ", [v["mos_lq"], v["mos_cq"]], [41 / 10, None])


@defect("H3", "C", "heplify: only the first report of a compound is read", "SR")
def compound(b):
    parts = (sender_report(START + 5, block(0x1111, 1150, 3)), description(b"bob@example"), extended_report(voip_metrics(0x1111, mos_lq=38)))
    talk = voice(300) + [replace(p, src=BOB, sport=6000, dst=ALICE, dport=4000, data=p.data[:8] + struct.pack("!I", 0x2222) + p.data[12:]) for p in voice(300)]
    found = {s["party"]: s["rtcp"] for s in b.streams(with_call(talk + [from_bob(5, *parts)]))}
    yield Figure("SR, name, MOS of XR, share of its block", [found["callee"]["sender_reports"], found["callee"]["cname"], found["caller"]["xr"]["voip_metrics"]["mos_lq"],
                                                            found["caller"]["remote"]["fraction_lost"]], [1, "bob@example", 3.8, 3 / 256])


@defect("H4", "C", "only the first block of a report counts, jitter stays in ticks, cumulative loss has no sign", "160 of unknown clock; 16777213")
def blocks(b):
    """Two streams on one pair of ports: PCMU with jitter of 160 ticks, Opus with 480."""
    extra = "a=rtpmap:111 opus/48000/2\r\n"
    bodies = [sdp(who, port, extra).replace(b" 0\r\na=rtpmap:0", b" 0 111\r\na=rtpmap:0") for who, port in ((ALICE, 4000), (BOB, 6000))]
    talk = voice(300) + voice(300, OPUS, seq=5000, ssrc=0x3333, at=1.06)
    report = from_bob(5, receiver_report(block(0x1111, 1150, 0, 0, 160), block(0x3333, 5150, 0, -3, 480)))
    packets = sorted(call(voice=False, offer=bodies[0], answer=bodies[1], seconds=8) + talk + [report], key=lambda p: p.t)
    found = {int(s["ssrc"], 16): s["rtcp"] for s in b.streams(packets)}
    yield Figure("jitter of the blocks, ms", [found[x]["jitter_ms"] for x in (0x1111, 0x3333)], [160 / 8, 480 / 48])
    yield Figure("cumulative loss of the second", found[0x3333]["cumulative_lost"], -3)


@defect("H5", "C", "heplify-server: MOS from whole percents of both directions added", "one score for both directions, 2.5 R less a percent")
def phone_header(b):
    """X-RTP-Stat: 139 packets received, 1 lost; 140 sent, 2 lost there."""
    scene = Scene()
    leg = talking(scene)
    leg.ask(4, A, "BYE", headers="X-RTP-Stat: CS=1;PS=140;OS=22400;PR=139;OR=22240;PL=1,2;JI=3,4;LA=5;EN=PCMU/8000;DE=PCMU/8000;IP=10.0.0.1:4000,10.0.0.2:6000\r\n")
    leg.tell(4.01, B, 200, "BYE")
    r = scene.read(b)["keys@test"]
    found = {s["party"]: s for s in r["streams"]}
    yield Figure("lost of caller's, callee's packets", [found["caller"]["reported"]["lost"], found["callee"]["reported"]["lost"]], [2, 1])
    yield Figure("our own MOS of both", [found[x]["mos"]["lq"] for x in ("caller", "callee")], [mos(PCMU, 140)] * 2)


@defect("H6", "I", "MOS from the count of all packets ever lost: once bad, it stays 1", "1.0")
def once_bad(b):
    """30 of the first 100 packets are lost, none of the 2900 behind them; reports go on telling of 30."""
    gone = {3 * k + 5 for k in range(30)}
    reports = [from_bob(1.05 + 0.02 * h, receiver_report(block(0x1111, 1000 + h, 0, 30))) for h in (200, 1000, 2000, 2900)]
    s = b.stream(with_call(voice(3000, lost=gone) + reports))
    yield Figure("cumulative loss", s["rtcp"]["cumulative_lost"], len(gone))
    yield Figure("loss between the first and the last report", s["rtcp"]["loss_ratio"], 0.0)
    yield Figure("MOS", s["mos"]["lq"], mos(PCMU, 3000, gone))
