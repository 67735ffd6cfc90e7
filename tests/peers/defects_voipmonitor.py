"""Defects of the VoIPmonitor sniffer: what it loses count of, and its own formulas for the score."""
import glob, wave

from defect_bench import *
from reports import report, stream as stream_of, with_reports
from rtcp import pcapng


@defect("V1", "M", "each packet with the marker bit starts the count of loss anew, so loss before a talkspurt is gone", "0 of 180; 0 of 27 in talkspurts with 2 % loss")
def marker_resets_loss(b):
    path = reference("marker_hides")
    s = b.stream(path)
    yield Figure("lost before talkspurts", s["lost"], 980 - distinct(path))
    gone = losses(3000, 0.02, 5)
    spoken = [i for i in range(3000) if i // 50 % 2 == 0]
    packets = [Packet(START + 1.05 + i * 0.02, *PORTS, rtp(1000 + n, 160 * i, 0x1111, PCMU[3], 0, i % 50 == 0), kind="rtp")
               for n, i in enumerate(spoken) if i not in gone]
    s = b.stream(with_call(packets))
    yield Figure("lost in talkspurts", s["lost"], len(gone & set(spoken)))


@defect("V2", "M", "a sender that marks every packet never becomes a counted stream", "0 received, 0 lost")
def marker_on_all(b):
    path = reference("loss10_marker_all")
    s = b.stream(path)
    yield Figure("expected, received, lost", [s["expected"], s["packets"], s["lost"]], [1000, distinct(path), 1000 - distinct(path)])


@defect("V3", "M", "the first two packets of a stream do not count, and percent is of received + 2 + lost", "998 of 1000")
def first_two(b):
    path = reference("clean_wrap")
    yield Figure("received", b.stream(path)["packets"], distinct(path))
    path = reference("loss10")
    yield Figure("loss ratio", b.stream(path)["loss_ratio"], (1000 - distinct(path)) / 1000)


@defect("V4", "M", "fewer than 5 losses in 10 s are none for the score", "4.5; 4.5")
def small_loss(b):
    gone = {i for i in range(10, 2990) if i % 125 == 60}
    yield Figure("MOS at 0.8 % (4 in 10 s)", b.stream(with_call(voice(3000, lost=gone)))["mos"]["lq"], mos(PCMU, 3000, gone))
    long = (0, "PCMU/8000", "", PCMU[3] * 3, 480)
    gone = {i for i in range(10, 1000) if i % 42 == 20}
    yield Figure("MOS at 2.4 % of packets of 60 ms", b.stream(with_call(voice(1000, long, gone, ptime=0.06)))["mos"]["lq"], mos(PCMU, 1000, gone))


def at_losses(b, *percents):
    for percent in percents:
        gone = losses(1500, percent / 100, percent)
        yield Figure(f"MOS at {percent} %", b.stream(with_call(voice(1500, lost=gone)))["mos"]["lq"], mos(PCMU, 1500, gone))


@defect("V5", "M", "loss is divided by received instead of expected, and the score falls off a cliff", "2.7; 1.0; 1.0")
def cliff(b):
    yield from at_losses(b, 30, 34, 40)


@defect("V6", "M", "a cubic of its own instead of the E-model, which cannot go below 2.06 before that cliff", "4.0 to 4.1; 3.8 to 4.1; 3.5 to 3.7; 3.2 to 3.3")
def own_cubic(b):
    yield from at_losses(b, 1, 2, 5, 10)


@defect("V7", "M", "the codec does not matter for the score", "4.5 for each of them; one value for all at 2 %")
def codecs(b):
    gone = losses(1000, 0.02)
    for lost, text in (((), "clean"), (gone, "2 %")):
        chosen = (G729, GSM, G723, AMR, G722, OPUS)
        found = [b.stream(with_call(voice(1000, c, lost, ptime=0.03 if c is G723 else 0.02), c))["mos"] for c in chosen]
        for c, m in zip(chosen, found):
            yield Figure(f"{c[1].split('/')[0]} {text}", m["lq"], mos(c, 1000, lost))
    yield Figure("scale of the last", m["scale"], "FB")


@defect("V8", "X", "its formula for G.729 scores bursts better than single losses, and jumps at 0.5 %", "3.21 single, 3.58 in runs of 30; from 3.92 to 3.6")
def g729_bursts(b):
    single, runs = losses(3000, 0.02), {1000 + i for i in range(30)} | {2000 + i for i in range(30)}
    scores = []
    for text, gone in (("2 %, single", single), ("2 %, in runs of 30", runs), ("0.49 %", losses(3000, 0.0049)), ("0.51 %", losses(3000, 0.0051))):
        scores.append(b.stream(with_call(voice(3000, G729, gone), G729))["mos"]["lq"])
        yield Figure(text, scores[-1], mos(G729, 3000, gone))
    yield Figure("bursts score no better", scores[1] <= scores[0], True)
    yield Figure("no jump at 0.5 %", abs(scores[2] - scores[3]) < 0.01, True)


@defect("V9", "C", "round trips are collected, and no score knows delay", "no such score")
def delay(b):
    """Both ends send reports; 60 ms lie between the tap and the callee and 40 ms between it and the caller, there and back."""
    talk = voice(600) + [replace(p, src=BOB, sport=6000, dst=ALICE, dport=4000, data=p.data[:8] + struct.pack("!I", 0x2222) + p.data[12:]) for p in voice(600)]
    reports = []
    for k in (3, 6, 9):
        mid = lambda t: (ntp(START + t)[0] & 0xffff) << 16 | ntp(START + t)[1] >> 16
        reports += [from_alice(k, sender_report(START + k, sender=0x1111)), from_bob(k + 0.56, receiver_report(block(0x1111, 1100, lsr=mid(k), dlsr=32768)))]
        reports += [from_bob(k + 1, sender_report(START + k + 1)), from_alice(k + 1.54, receiver_report(block(0x2222, 1100, lsr=mid(k + 1), dlsr=32768), sender=0x1111))]
    record, = b.calls(with_call(talk + reports))
    yield Figure("round trip, ms", record["streams"][0]["rtcp"]["round_trip_ms"]["total"]["median"], 100.0)
    depths = [max(40, 60 - 0.4 * i) for i in range(600)]  # of the adaptive buffer, which shrinks from three packets to two
    ta = 100 / 2 + sum(depths) / len(depths) + 20
    s = record["streams"][0]
    yield Figure("MOS-CQ", s["mos"]["cq"], mos_of_r(r_with_delay(r_of(PCMU, 600), ta)))
    yield Figure("MOS-LQ, basis of delay", [s["mos"]["lq"], s["mos"]["delay_basis"]], [mos(PCMU, 600), "rtcp"])


def stalls(length):
    """Every 2 s nothing comes for `length` seconds, then all at once."""
    return lambda i: max(0.0, length - i % 100 * 0.0199) if i > 50 else 0.0


@defect("V10", "M", "its buffer of 50 ms plays packets that are 80 ms late", "4.5, none discarded; 4.5, none; none at 200 ms of 174")
def late_packets(b):
    behind = losses(3000, 0.05, 9)
    late = lambda i: 0.08 if i in behind else 0.0
    s = b.stream(with_call(voice(3000, late=late)))
    gone = lateness(late, 3000, 0.05)
    yield Figure("5 % come 80 ms late: discarded by 50 ms", s["playout"]["f50"]["late"], len(gone))
    yield Figure("its MOS", s["mos_f50"], mos(PCMU, 3000, gone))
    s = b.stream(with_call(voice(3000, late=stalls(0.08))))
    gone = lateness(stalls(0.08), 3000, 0.05)
    yield Figure("stalls of 80 ms: discarded by 50 ms", s["playout"]["f50"]["late"], len(gone))
    yield Figure("its MOS", s["mos_f50"], mos(PCMU, 3000, gone))
    s = b.stream(with_call(voice(3000, late=stalls(0.3))))
    yield Figure("stalls of 300 ms: discarded by 200 ms", s["playout"]["f200"]["late"], len(lateness(stalls(0.3), 3000, 0.2)))


@defect("V11", "M", "reordered packets stand in its histogram of losses", "100 runs of 1")
def reordered(b):
    path = reference("reorder")
    s = b.stream(path)
    yield Figure("reordered", s["reordered"], sum(1 for a, c in zip(rtp_in(path), rtp_in(path)[1:]) if c[0] < a[0]))
    yield Figure("runs of loss", s["loss_runs"], 0)


@defect("V12", "C", "loss at the end is not scored, a run of 128 is written beyond its table, counters have 16 bits", "a write out of bounds; nothing; 4464")
def long_runs(b):
    gone = set(range(500, 628))
    s = b.stream(with_call(voice(1000, lost=gone)))
    yield Figure("run of 128: lost, runs, longest", [s["media_lost"], s["loss_runs"], s["longest_loss_run"]], [128, 1, max(runs_of(gone))])
    gone = set(range(500, 999))
    s = b.stream(with_call(voice(1000, lost=gone)))
    yield Figure("all but the last packet of 10 s: lost, longest", [s["media_lost"], s["longest_loss_run"]], [len(gone), max(runs_of(gone))])
    yield Figure("its MOS", s["mos"]["lq"], mos(PCMU, 1000, gone))
    gone = set(range(1, 140000, 2))
    s = b.stream(with_call(voice(140001, G729, gone), G729))
    yield Figure("single losses: lost, runs", [s["media_lost"], s["loss_runs"]], [len(gone), len(runs_of(gone))])


@defect("V13", "C", "the time between timestamps is divided twice, so that a pause of the sender looks like loss of time", "a difference of about 0")
def pause(b):
    packets = voice(300) + voice(300, seq=1300, at=1.05 + 6 + 2, timestamp=160 * 400)
    s = b.stream(with_call(packets))
    yield Figure("pause of 2 s: frames lost, discarded, numbers lost", [s["media_lost"], s["playout"]["f50"]["late"], s["lost"]], [0, 0, 0])
    yield Figure("longest gap, ms", s["max_gap_ms"], 20)


@defect("V14", "C", "the length of padding is read one octet too early", "a wrong length of payload")
def padding(b):
    """Loud positive samples, 16 octets of padding that would be loud negative ones."""
    loud, pad = b"\x80" * 160, b"\0" * 15 + b"\x10"
    packets = [replace(p, data=bytes([p.data[0] | 0x20]) + p.data[1:] + pad) for p in voice(200, payload=loud)]
    folder = b.path("wavs")
    s = b.stream(with_call(packets), "--record", folder)
    yield Figure("packets", s["packets"], 200)
    name, = glob.glob(f"{folder}/**/*.wav", recursive=True)
    with wave.open(name) as w:
        samples = struct.unpack(f"<{w.getnframes() * w.getnchannels()}h", w.readframes(w.getnframes()))[::w.getnchannels()]
    yield Figure("samples of payload, of padding", [sum(1 for x in samples if x > 1000), sum(1 for x in samples if x < -1000)], [200 * 160, 0])


@defect("V15", "C", "jitter of RTCP is read by the clock of the first codec, and shares of loss are averaged without weight", "60 ms; 8.3 %, the mean of three reports")
def jitter_clock(b):
    talk = voice(100) + voice(1100, OPUS, seq=1100, at=3.05, timestamp=700000)
    extra = "a=rtpmap:111 opus/48000/2\r\n"
    both = lambda who, port: sdp(who, port, extra).replace(b" 0\r\na=rtpmap:0", b" 0 111\r\na=rtpmap:0")
    reports = [from_bob(3.05 + 0.02 * h, receiver_report(block(0x1111, 1100 + h, fraction, cumulative, 480)))
               for h, fraction, cumulative in ((50, 0, 0), (150, 64, 25), (1050, 0, 25))]
    end = 26
    packets = sorted(call(voice=False, offer=both(ALICE, 4000), answer=both(BOB, 6000), seconds=end) + talk + reports, key=lambda p: p.t)
    r = b.stream(packets)["rtcp"]
    yield Figure("480 ticks of Opus, ms", r["jitter_ms"], 10.0)
    yield Figure("share lost, of 100 packets and of 900", r["remote"]["fraction_lost"], (64 / 256 * 100 + 0 * 900) / 1000)


@defect("V16", "C", "of extended reports loss and MOS-LQ are kept, by SSRC alone, and a block may be longer than its report", "loss and MOS-LQ")
def extended_reports(b):
    """All fields, then the same block cut short."""
    fields = dict(loss=13, discard=26, burst_density=128, gap_density=4, burst_ms=240, gap_ms=9000, round_trip=120, end_system=80, signal=-18, noise=-60, rerl=45,
                  r=81, r_external=88, mos_lq=40, mos_cq=37, config=0b11_11_0010, nominal=40, maximum=80, limit=200)
    talk = voice(300)
    v = b.stream(with_call(talk + [from_bob(5, receiver_report(), extended_report(voip_metrics(0x1111, **fields)))]))["rtcp"]["xr"]["voip_metrics"]
    ours = [v["loss_ratio"], v["discard_ratio"], v["burst_density"], v["gap_density"]]
    truth = [13 / 256, 26 / 256, 128 / 256, 4 / 256]
    yield Figure("loss, discard, burst and gap density", ours, truth)
    yield Figure("burst, gap, round trip, end system, ms", [v["burst_ms"], v["gap_ms"], v["round_trip_ms"], v["end_system_ms"]], [240, 9000, 120, 80])
    yield Figure("signal, noise, echo, dB", [v["signal_dbm0"], v["noise_dbm0"], v["rerl_db"]], [-18, -60, 45])
    yield Figure("R, external R, MOS-LQ, MOS-CQ", [v["r"], v["r_external"], v["mos_lq"], v["mos_cq"]], [81, 88, 4.0, 3.7])
    yield Figure("concealment, buffer", [v["plc"], *list(v["jitter_buffer"].values())], ["standard", "adaptive", 2, 40, 80, 200])
    cut = extended_report(voip_metrics(0x1111, **fields)[:16])
    r = b.stream(with_call(talk + [from_bob(5, receiver_report(), cut)]))["rtcp"]
    yield Figure("cut short", r and r["xr"] and r["xr"]["voip_metrics"], None)


@defect("V17", "C", "a phone's report is filed under the stream that the phone sends, not the one it received", "the other direction, MOS-LQ and loss alone")
def phone_report(b):
    r = with_reports(report()).read(b)["keys@test"]
    heard, sent = stream_of(r, "callee"), stream_of(r, "caller")
    yield Figure("MOS-LQ, MOS-CQ of what it received", [heard["reported"]["mos_lq"], heard["reported"]["mos_cq"]], [4.2, 3.9])
    yield Figure("anything of what it sent", "reported" in sent, False)
    one, = r["reports"]
    yield Figure("loss, discard, round trip", [one["reported_loss_ratio"], one["reported_discard_ratio"], one["reported_rtt_ms"]], [0.05, 0.02, 200])


def refused(n, code):
    d = Dialog(call_id=f"c{n}@test", branch=f"z9hG4bK{n}", from_tag=f"f{n}", to_tag=f"t{n}")
    at = START + 20 * n
    return [Packet(t, *((ALICE, 5060, BOB, 5060) if forth else (BOB, 5060, ALICE, 5060)), text, ipid=100 * n + k, kind="sip")
            for k, (t, forth, text) in enumerate(((at, True, d.request("INVITE", 1, sdp(ALICE, 4000))), (at + 0.1, False, d.response(code, "No", "INVITE", 1)),
                                                  (at + 0.11, True, d.request("ACK", 1, branch=f"z9hG4bK{n}INVITE"))))]


@defect("V18", "C", "403, 404 and 408 count as success of the network", "100 % of 200, 486, 403, 404, 408")
def network_effectiveness(b):
    packets = call(Dialog(call_id="c0@test"), voice=False)
    for n, code in enumerate((486, 403, 404, 408), 1):
        packets += refused(n, code)
    path = b.path()
    write(path, frames(sorted(packets, key=lambda p: p.t)))
    book = json.loads(b.run("read", "--json", "--kpi", path).stdout)["data"][0]
    yield Figure("effective, attempts", [book["ner_numerator"], book["ner_denominator"]], [2, 5])
    yield Figure("ratio", book["ner"], 2 / 5)


@defect("V19", "C", "every negative sample counts as silence", "silence")
def negative_wave(b):
    """A square wave between two negative values, as no sound is."""
    for text, payload, share in (("negative wave", bytes([0x20] * 4 + [0x28] * 4) * 20, 0.0), ("silence", b"\xff" * 160, 1.0)):
        record, = b.calls(with_call(voice(300, payload=payload)), "--record", b.path("wavs"))
        yield Figure(f"{text}: share that is digital silence", record["recording"]["sound"]["caller"]["digital_silence_ratio"], share)


@defect("V20", "I", "packets that the capture dropped are loss of the call", "50 lost")
def capture_drops(b):
    """50 packets are missing here, and the receiver reports none."""
    gone = set(range(300, 350))
    reports = [from_bob(1.05 + 0.02 * h, receiver_report(block(0x1111, 1000 + h))) for h in (100, 250, 500)]
    s = b.stream(with_call(voice(600, lost=gone) + reports))
    split = s["loss_split"]
    yield Figure("lost before here, behind, in the capture", [split["before_tap"], split["after_tap"], split["capture"]], [0, 0, len(gone)])
    yield Figure("basis of the score, which has nothing to rest on", [s["mos"]["loss_basis"], s["mos"]["lq"]], ["capture_suspect", None])
    reports = [from_bob(1.05 + 0.02 * h, receiver_report(block(0x1111, 1000 + h))) for h in (100, 250, 490, 1000, 1400)]
    record, = b.calls(with_call(voice(1500, lost=gone) + reports))
    yield Figure("told by reports alone: suspect, loss of the call, MOS of the rest",
                 [record["capture_suspect"], record["quality"]["loss_ratio"], record["streams"][0]["mos"]["lq"]], [True, 0.0, mos(PCMU, 1000)])
    packets = with_call(voice(1500, lost=gone))
    after, path = next(n for n, p in enumerate(packets) if p.kind == "rtp" and p.t > START + 1.05 + 0.02 * 349.5), b.path("pcapng")
    pcapng(path, packets, {after: len(gone)})  # the capture admits it
    record, = b.calls(path)
    yield Figure("admitted by the capture: suspect, loss of the call, MOS of the rest",
                 [record["capture_suspect"], record["quality"]["loss_ratio"], record["streams"][0]["mos"]["lq"]], [True, 0.0, mos(PCMU, 1450)])
