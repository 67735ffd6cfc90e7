"""RTCP beside the media: two ends with clocks of their own, a tap between them, losses on either side of it. What the ends
would write is computed here from RFC 3550 and RFC 3611, packet by packet."""
import random, struct, subprocess, threading
from dataclasses import replace

from craft import *
from feature import feature
from service import Service, in_namespace, play, wait_for
from users_api import WHOLE, FileService

A_SSRC, B_SSRC = 0x1111, 0x2222
TO_TAP = {"a": 0.015, "b": 0.025}  # one way, from each end to the tap
CLOCK = {"a": 3_900_000_000.25, "b": 1_234_567_890.75}  # NTP seconds of each end at START: nothing to do with each other
EVERY = 1.0


def mid32(seconds):
    return int(round(seconds * 65536)) & 0xffffffff


def ntp_mid32(ntp):
    """As it can be read out of the report."""
    whole = int(ntp)
    return (whole & 0xffff) << 16 | int((ntp - whole) * 2**32) >> 16


def block(ssrc, fraction, lost, highest, jitter, lsr, dlsr):
    return struct.pack("!IIIIII", ssrc, (fraction & 0xff) << 24 | (lost & 0xffffff), highest & 0xffffffff, jitter, lsr, dlsr)


def sender_report(ssrc, ntp, timestamp, packets, blocks=b""):
    whole = int(ntp)
    body = struct.pack("!IIIIII", ssrc, whole, int((ntp - whole) * 2**32), timestamp & 0xffffffff, packets, packets * 160) + blocks
    return struct.pack("!BBH", 0x80 | len(blocks) // 24, 200, len(body) // 4) + body


def receiver_report(ssrc, blocks=b""):
    return struct.pack("!BBHI", 0x80 | len(blocks) // 24, 201, 1 + len(blocks) // 4, ssrc) + blocks


def sdes(ssrc, cname, tool=b"craft 1"):
    items = bytes([1, len(cname)]) + cname + bytes([6, len(tool)]) + tool
    chunk = struct.pack("!I", ssrc) + items
    chunk += bytes(4 - len(chunk) % 4)
    return struct.pack("!BBH", 0x81, 202, len(chunk) // 4) + chunk


def bye(ssrc):
    return struct.pack("!BBHI", 0x81, 203, 1, ssrc)


def app(ssrc, name=b"TEST"):
    return struct.pack("!BBHI", 0x80, 204, 2, ssrc) + name


def voip(ssrc, mos_lq=43, mos_cq=41, loss=26, rtt=80, config=0xb3):
    """RFC 3611 4.7; levels -21, -60 dBm0, R 92, no external R."""
    return struct.pack("!BBHIBBBBHHHHbbBBBBBBBBHHH", 7, 0, 8, ssrc, loss, 13, 64, 2, 240, 4000, rtt, 60, -21, -60, 55, 16, 92, 127,
                       mos_lq, mos_cq, config, 0, 40, 80, 200)


def extended(ssrc, *blocks):
    body = b"".join(blocks)
    return struct.pack("!BBHI", 0x80, 207, 1 + len(body) // 4, ssrc) + body


class End:
    """One end: what it has sent and received, and when."""

    def __init__(self, name, ssrc, first):
        self.name, self.ssrc, self.sent = name, ssrc, 0
        self.base = self.highest = None
        self.received = 0
        self.lsr = self.lsr_at = 0
        self.first = first

    def ntp(self, t):
        return CLOCK[self.name] + (t - START)

    def hears(self, sequence):
        if self.base is None:
            self.base = self.highest = sequence
        self.highest = max(self.highest, sequence)
        self.received += 1

    def about(self, other, t, jitter, ssrc=None, dlsr=None):
        lost = self.highest - self.base + 1 - self.received
        held = 0 if not self.lsr else mid32(t - self.lsr_at) if dlsr is None else dlsr
        return block(other.ssrc if ssrc is None else ssrc, 0, lost, self.highest, jitter, self.lsr, held)


def conversation(seconds=20, before=0.0, after=0.0, capture=None, reports="both", seed=1, jitter=80, extra=None, ssrc=None, dlsr=None,
                 ports=(4001, 6001), offer=None, answer=None, first=65400):
    """The datagrams that pass the tap, and the truth about the stream of A: before, after, captured away."""
    rnd = random.Random(seed)
    ends = {"a": End("a", A_SSRC, first), "b": End("b", B_SSRC, 10)}
    where = {"a": (ALICE, 4000), "b": (BOB, 6000)}
    rtcp_at = {"a": (ALICE, ports[0]), "b": (BOB, ports[1])}
    truth = {"before_tap": 0, "after_tap": 0, "capture": 0, "sent": 0}
    happens = []  # (time, order, what)
    start = START + 1.05
    for side, other in (("a", "b"), ("b", "a")):
        for i in range(int(seconds * 50)):
            happens.append((start + i * 0.02, "send", side, i))
        for k in range(int(seconds / EVERY)):
            happens.append((start + 0.51 + k * EVERY + (0.1 if side == "b" else 0), "report", side, k))
    packets, queue = [], sorted(happens, key=lambda h: h[0])
    import heapq
    heap = [(t, n, kind, side, i) for n, (t, kind, side, i) in enumerate(queue)]
    heapq.heapify(heap)
    order = len(heap)
    while heap:
        t, _, kind, side, i = heapq.heappop(heap)
        me, other = ends[side], ends["b" if side == "a" else "a"]
        tap, arrival = t + TO_TAP[me.name], t + TO_TAP["a"] + TO_TAP["b"]
        if kind == "send":
            me.sent += 1
            sequence = me.first + i
            lossy = side == "a"
            truth["sent"] += lossy
            if lossy and rnd.random() < before:
                truth["before_tap"] += 1
                continue
            gone = lossy and capture and capture[0] <= t - start < capture[1]
            if gone:
                truth["capture"] += 1
            else:
                packets.append(Packet(tap, *where[side], *where[other.name],
                                      rtp(sequence, 1000 + 160 * i, me.ssrc), kind="rtp"))
            if lossy and rnd.random() < after:
                truth["after_tap"] += 1
                continue
            heapq.heappush(heap, (arrival, order, "hear", other.name, sequence))
        elif kind == "hear":
            me.hears(i)
        elif kind == "report":
            if reports != "both" and reports != side:
                continue
            blocks = me.about(other, t, jitter, ssrc if side == "b" else None, dlsr) if me.base is not None else b""
            ntp = me.ntp(t)
            data = sender_report(me.ssrc, ntp, 1000, me.sent, blocks) + sdes(me.ssrc, b"%s@craft" % side.encode())
            if extra:
                data += extra(side, i)
            packets.append(Packet(tap, *rtcp_at[side], *rtcp_at[other.name], data, kind="rtcp"))
            heapq.heappush(heap, (arrival, order, "echo", other.name, (ntp_mid32(ntp), arrival)))
        else:
            me.lsr, me.lsr_at = i
        order += 1
    said = signalling(Dialog(), seconds + 1, offer=offer, answer=answer)
    for t, forth, text in said:
        ends_ = (ALICE, 5060, BOB, 5060) if forth else (BOB, 5060, ALICE, 5060)
        packets.append(Packet(t, *ends_, text, kind="sip"))
    for n, p in enumerate(packets):
        p.ipid = n & 0xffff
    return sorted(packets, key=lambda p: p.t), truth


def of(record, party):
    return next(s for s in record["streams"] if s["party"] == party)


def caller(t, packets, **more):
    records = t.read(frames(packets), **more)
    t.equal("one call", len(records), 1)
    return of(records[0], "caller")


def close(t, what, got, want, within):
    t.check(f"{what}: {got} is not {want} +- {within}", got is not None and abs(got - want) <= within)


def medians(stream):
    trip = stream["rtcp"]["round_trip_ms"]
    return {k: trip[k] and trip[k]["median"] for k in ("tap_caller", "tap_callee", "total", "chain")}


@feature("F02", "RTCP: SR, RR, SDES, BYE, APP and XR of whole compounds; round trips; remote figures beside ours; mux and its own ports")
def everything(t):
    def more(side, k):
        out = app(A_SSRC if side == "a" else B_SSRC)
        if side == "b":
            out = extended(B_SSRC, bytes([200, 0, 0, 1, 0, 0, 0, 0]), voip(A_SSRC, mos_cq=127)) + out
        return out + (bye(A_SSRC if side == "a" else B_SSRC) if k == 19 else b"")

    packets, truth = conversation(20, extra=more, jitter=160)
    record = t.read(frames(packets))[0]
    s, back = of(record, "caller"), of(record, "callee")
    rtcp = s["rtcp"]
    t.equal("reports", (rtcp["sender_reports"], rtcp["receiver_reports"], back["rtcp"]["receiver_reports"]), (20, 20, 20))
    t.equal("sources", (rtcp["cname"], rtcp["tool"], back["rtcp"]["cname"]), ("a@craft", "craft 1", "b@craft"))
    # The ways between tap and ends are 15 and 25 ms long.
    for stream in (s, back):
        trip = medians(stream)
        close(t, "tap to caller and back", trip["tap_caller"], 30, 0.1)
        close(t, "tap to callee and back", trip["tap_callee"], 50, 0.1)
        close(t, "both", trip["total"], 80, 0.2)
        close(t, "by the clocks of the ends", trip["chain"], 80, 0.2)
        close(t, "the stream's round trip", stream["rtcp"]["rtt_ms"], 80, 0.2)
    close(t, "the call's round trip", record["quality"]["rtt_ms"], 80, 0.2)
    t.equal("verdicts", (rtcp["round_trip_ms"]["dlsr_broken"], rtcp["round_trip_ms"]["rtt_conflict"]), (False, False))
    # 160 ticks of PCMU are 20 ms.
    t.equal("remote", (rtcp["remote"]["loss_ratio"], rtcp["remote"]["jitter_ms"], rtcp["remote"]["rtcp_guess"]), (0, 20, False))
    x = rtcp["xr"]["voip_metrics"]
    t.equal("extended reports", (x["reports"], x["loss_ratio"], x["round_trip_ms"], x["end_system_ms"], x["signal_dbm0"], x["r"],
                                 x["r_external"], x["mos_lq"], x["mos_cq"], x["plc"], x["jitter_buffer"]),
            (20, 0.101562, 80, 60, -21, 92, None, 4.3, None, "enhanced",
             {"type": "adaptive", "rate": 3, "nominal_ms": 40, "maximum_ms": 80, "absolute_maximum_ms": 200}))
    m = t.counters_of(frames(packets))
    kinds = {k: m.get(f'earshot_rtcp_reports_total{{type="{k}"}}', 0) for k in ("sr", "rr", "xr", "sdes", "bye", "app")}
    t.equal("kinds", kinds, {"sr": 40, "rr": 0, "xr": 20, "sdes": 40, "bye": 2, "app": 40})
    t.equal("unknown blocks", m['earshot_parse_errors_total{proto="rtcp",reason="unsupported"}'], 20)
    # On the port of the media, and on one of its own.
    for what, lines, ports in (("rtcp-mux", "a=rtcp-mux\r\n", (4000, 6000)), ("a=rtcp", "a=rtcp:{}\r\n", (4100, 6200))):
        offer, answer = sdp(ALICE, 4000, lines.format(ports[0])), sdp(BOB, 6000, lines.format(ports[1]))
        other = caller(t, conversation(20, extra=more, jitter=160, ports=ports, offer=offer, answer=answer)[0])
        t.equal(what, other["rtcp"], rtcp)
    # A truncated metrics block is refused, what is before it stays.
    cut = caller(t, conversation(20, extra=lambda side, k: extended(B_SSRC, b"\7\0\0\3" + bytes(12)) if side == "b" else b"")[0])
    t.equal("truncated metrics", (cut["rtcp"]["xr"], cut["rtcp"]["receiver_reports"]), (None, 20))
    t.equal("no report, no figure", caller(t, conversation(20, reports="none")[0])["rtcp"], None)
    t.counter("jitter follows the clock", caller(t, conversation(20, jitter=80)[0])["rtcp"]["remote"]["jitter_ms"] == 10)
    t.counter("a guessed source says so", caller(t, conversation(20, ssrc=0x9999)[0])["rtcp"]["remote"]["rtcp_guess"])
    t.counter("another source is another stream", caller(t, conversation(20, ssrc=B_SSRC)[0])["rtcp"]["receiver_reports"] == 0)


def xr_block(type_, flags, ssrc, body):
    return struct.pack("!BBHI", type_, flags, 1 + len(body) // 4, ssrc) + body


# One of each type, with what the record should say of it. Flags: two bits of time (10 the interval, 11 all), then the type's own.
def every_block(ssrc):
    u24 = lambda v: struct.pack("!I", v)[1:]
    return [
        (xr_block(1, 0, ssrc, struct.pack("!HHHH", 100, 110, 0x4000 | 6, 0x0000 | 4)), "loss_rle", None, None,
         {"begin": 100, "end": 110, "thinning": 0, "covered": 10, "received": 6}),
        (xr_block(2, 1, ssrc, struct.pack("!HHHH", 0, 30, 0xffff, 0)), "duplicate_rle", None, None,
         {"begin": 0, "end": 30, "thinning": 1, "covered": 15, "not_duplicated": 15}),
        (xr_block(3, 0, ssrc, struct.pack("!HHII", 7, 9, 1000, 1160)), "receipt_times", None, None,
         {"first": 7, "count": 2, "first_ticks": 1000, "last_ticks": 1160}),
        (xr_block(6, 0xa8, ssrc, struct.pack("!HHIIIIIIBBBB", 10, 60, 3, 9, 1, 80, 20, 5, 60, 64, 62, 1)), "statistics", None, None,
         {"begin": 10, "end": 60, "lost": 3, "duplicates": None, "jitter_min_ticks": 1, "jitter_max_ticks": 80, "jitter_mean_ticks": 20,
          "jitter_deviation_ticks": 5, "ttl_min": 60, "ttl_max": 64, "ttl_mean": 62, "ttl_deviation": 1}),
        (xr_block(14, 0, ssrc, struct.pack("!HHIIIQ", 0, 5, 65600, 65700, 2 << 16, 3 << 31)), "measurement", None, None,
         {"first": 5, "interval_first": 65600, "last": 65700, "interval_s": 2, "total_s": 1.5}),
        (xr_block(15, 0x84, ssrc, struct.pack("!hHhHhH", 320, 0x3200, -160, 0xffff, 8, 0)), "delay_variation", "two_point", "interval",
         {"positive_ms": 20, "positive_percent": 50, "negative_ms": -10, "negative_percent": None, "mean_ms": 0.5}),
        (xr_block(16, 0xc0, ssrc, struct.pack("!IIIQ", 65536 // 8, 65536 // 16, 0xffffffff, 1 << 28)), "delay", None, "cumulative",
         {"mean_ms": 125, "min_ms": 62.5, "max_ms": None, "end_system_ms": 62.5}),
        (xr_block(17, 0x80, ssrc, struct.pack("!HHHH", 32768, 16384, 120, 0xffff)), "burst_loss_summary", None, "interval",
         {"burst_ratio": 0.5, "gap_ratio": 0.25, "mean_ms": 120, "variance_ms2": None}),
        (xr_block(18, 0x80, ssrc, struct.pack("!HH", 8192, 0xffff)), "burst_discard_summary", None, "interval",
         {"burst_ratio": 0.125, "gap_ratio": None}),
        (xr_block(19, 0, ssrc, struct.pack("!HHIIII", 1, 50, 4, 3, 2, 1)), "frames", None, None,
         {"begin": 1, "end": 50, "discarded": 4, "duplicated": 3, "lost": 2, "lost_partly": 1}),
        (xr_block(20, 0x80, ssrc, bytes([16]) + u24(400) + u24(12) + u24(20) + struct.pack("!HI", 3 << 4, 60000)), "burst_loss", None,
         "interval", {"threshold": 16, "burst_ms": 400, "lost_in_bursts": 12, "expected_in_bursts": 20, "bursts": 3,
                      "squares_ms2": 60000}),
        (xr_block(21, 0xc0, ssrc, bytes([16]) + u24(5) + u24(0xffffff) + b"\0"), "burst_discard", None, "cumulative",
         {"threshold": 16, "discarded_in_bursts": 5, "expected_in_bursts": None}),
        (xr_block(23, 0xe0, ssrc, struct.pack("!HHHH", 40, 80, 200, 0xfffe)), "jitter_buffer", "adaptive", "cumulative",
         {"nominal_ms": 40, "maximum_ms": 80, "high_ms": 200, "low_ms": None}),
        (xr_block(24, 0x90, ssrc, struct.pack("!I", 2)), "discards", "early", "interval", {"packets": 2}),
        (xr_block(24, 0xa0, ssrc, struct.pack("!I", 3)), "discards", "late", "interval", {"packets": 3}),
        (xr_block(24, 0x80, ssrc, struct.pack("!I", 50)), "discards", "duplicate", "interval", {"packets": 50}),
        (xr_block(25, 0x10, ssrc, struct.pack("!HHHH", 5, 10, 0x4005, 0)), "discard_rle", "early", None,
         {"begin": 5, "end": 10, "thinning": 0, "covered": 5, "not_discarded": 5}),
        (xr_block(26, 0xe0, ssrc, struct.pack("!I", 320)), "bytes_discarded", "early", "cumulative", {"octets": 320}),
        (xr_block(29, 0x80, ssrc, struct.pack("!I", 3 << 23 | 8 << 16 | 1024)), "mos", None, "interval",
         {"algorithm": 3, "payload_type": 8, "channel": 0, "mos": 4, "segments": 1}),
        (xr_block(30, 0xf0, ssrc, struct.pack("!IIIHHI", 9000, 60, 20, 2, 0, 30)), "concealment", "standard", "cumulative",
         {"played_ms": 9000, "concealed_ms": 60, "adjusted_ms": 20, "interrupts": 2, "mean_interrupt_ms": 30}),
        (xr_block(31, 0xd0, ssrc, struct.pack("!IIHBB", 18, 2, 0xffff, 0, 50)), "concealed_seconds", "disabled", "cumulative",
         {"unimpaired_s": 18, "concealed_s": 2, "severe_s": None, "threshold_ms": 50}),
        (xr_block(35, 0x80, ssrc, bytes([16]) + u24(200) + u24(4) + struct.pack("!H", 2) + u24(11) + struct.pack("!I", 6)),
         "independent_burst_discard", None, "interval",
         {"threshold": 16, "burst_ms": 200, "discarded_in_bursts": 4, "expected_in_bursts": 11, "bursts": 2, "discards": 6}),
    ]


@feature("F02", "every block of extended reports, the sender's own count, farewell and application packets stand in the record")
def every_value(t):
    blocks = every_block(A_SSRC)

    def more(side, k):
        if side == "a":
            return app(A_SSRC, b"PTTs") + (struct.pack("!BBHI", 0x81, 203, 3, A_SSRC) + b"\6so far\0" if k == 9 else b"")
        return b"".join(extended(B_SSRC, data) for data, *_ in blocks)

    rtcp = caller(t, conversation(10, extra=more)[0])["rtcp"]
    said = rtcp["xr"]["blocks"]
    t.equal("blocks", len(said), len(blocks))
    for (data, name, kind, span, values), got in zip(blocks, said):
        t.equal(name, got, {"type": data[0], "name": name, "kind": kind, "span": span, "reports": 10, "values": values})
    # Five in each of ten intervals; discarded duplicates are no loss.
    t.equal("figures of their own", (rtcp["xr"]["discarded"], rtcp["xr"]["mos"], rtcp["xr"]["network_rtt_ms"],
                                     rtcp["xr"]["concealed_ms"], rtcp["xr"]["voip_metrics"]), (50, 4, 125, 60, None))
    t.equal("sender", (rtcp["sent_packets"], rtcp["sent_octets"]), (476, 476 * 160))
    t.equal("own packets", (rtcp["app_packets"], rtcp["app_name"]), (10, "PTTs"))
    t.equal("farewell", (rtcp["bye_reason"], rtcp["bye_at"] is not None), ("so far", True))
    # Sums that run on replace the one before; a block cut short gives nothing.
    running = lambda side, k: extended(B_SSRC, xr_block(24, 0xd0, A_SSRC, struct.pack("!I", k)),
                                       xr_block(24, 0xe0, A_SSRC, struct.pack("!I", 2 * k))) if side == "b" else b""
    t.counter("sums", caller(t, conversation(10, extra=running)[0])["rtcp"]["xr"]["discarded"] == 27)
    cut = lambda side, k: extended(B_SSRC, b"".join(d[:2] + b"\0\1" + d[4:8] for d, name, *_ in blocks if name != "mos"))
    silent = caller(t, conversation(10, extra=lambda side, k: cut(side, k) if side == "b" else b"")[0])["rtcp"]
    t.counter("cut short", silent["xr"] is None and silent["bye_at"] is None and silent["app_packets"] == 0)


@feature("F02", "a call that goes on has its round trips and what the far end loses")
@in_namespace
def live(t):
    """Played at its own pace, over two seconds of reports; how long a tap takes here is not asked."""
    for address in (ALICE, BOB):
        subprocess.run(["ip", "addr", "add", address + "/32", "dev", "lo"], check=True)
    with Service(t, "lo", "[capture]\nfilter = udp\n") as s:
        packets = [p for p in conversation(6, after=0.2, seed=2)[0] if not p.data.startswith(b"BYE")]
        player = threading.Thread(target=play, args=(packets,))
        streams = lambda: {x["party"]: x for c in s.get("/api/v1/live/calls")["data"] for x in c["streams"]}
        player.start()
        first = wait_for("the call is seen", lambda: streams().get("caller"))
        told = wait_for("reports came", lambda: (lambda x: x if x["rtt_ms"] is not None and x["remote_loss_ratio"] else None)(streams()["caller"]))
        player.join()
    t.check(f"round trip {told['rtt_ms']}", told["rtt_ms"] > 0)
    t.check(f"lost behind us {told['remote_loss_ratio']}", 0.05 < told["remote_loss_ratio"] < 0.5)
    t.counter("before any report", (first["rtt_ms"], first["remote_loss_ratio"]) == (None, None))


@feature("F02", "SRTCP: nothing that is encrypted is read as a report")
def encrypted(t):
    packets, _ = conversation(10)
    rnd = random.Random(5)

    def seal(p):
        if p.kind != "rtcp":
            return p
        first = (struct.unpack("!H", p.data[2:4])[0] + 1) * 4
        body = bytes(rnd.randrange(256) for _ in range(len(p.data) - 8))
        return replace(p, data=p.data[:8] + body + struct.pack("!I", 0x80000000 | 7) + bytes(rnd.randrange(256) for _ in range(10)))

    t.equal("sealed", caller(t, [seal(p) for p in packets])["rtcp"], None)
    t.counter("plain", caller(t, packets)["rtcp"]["receiver_reports"] == 10)


@feature("K05", "what the far end reports stands beside our own measurement; the difference is lost behind the tap")
def far_end(t):
    for before, after, seed in ((0, 0.07, 1), (0.05, 0, 2), (0.05, 0.07, 3), (0.12, 0.03, 4), (0, 0, 5)):
        packets, truth = conversation(40, before=before, after=after, seed=seed)
        s = caller(t, packets)
        split, two = s["loss_split"], 0.02 * truth["sent"]
        what = f"{before} before, {after} after"
        close(t, f"{what}: before", split["before_tap"], truth["before_tap"], two)
        close(t, f"{what}: after", split["after_tap"], truth["after_tap"], two)
        t.equal(f"{what}: none of it ours", split["capture"], 0)
        t.equal(f"{what}: intervals", (split["intervals"], split["intervals_suspect"]), (39, 0))
        close(t, f"{what}: here", s["loss_ratio"], truth["before_tap"] / truth["sent"], 0.002)
        both = (truth["before_tap"] + truth["after_tap"]) / truth["sent"]
        close(t, f"{what}: at the far end", s["rtcp"]["remote"]["loss_ratio"], both, 0.02)
        if after:
            t.check(f"{what}: the listener has it worse", s["mos"]["lq_total"] < s["mos"]["lq"] - 0.05)
        else:
            t.equal(f"{what}: one score", s["mos"]["lq_total"], s["mos"]["lq"])
    t.equal("nobody reports", caller(t, conversation(20, before=0.05, reports="none")[0])["loss_split"], None)
    t.counter("behind the tap", caller(t, conversation(20, after=0.1)[0])["loss_split"]["after_tap"] > 50)


@feature("K05", "where packets were lost, by 10 s: before us, behind us, in our capture; null where no report came")
def places_in_time(t):
    packets, truth = conversation(40, before=0.06, after=0.04, capture=(12.0, 14.0), seed=7)
    with FileService(t, packets) as service:
        row, = service.get(f"/api/v1/calls?{WHOLE}")["data"]
        sid = next(s["sid"] for s in row["streams"] if s["ssrc"] == f"0x{A_SSRC:08x}")
        series = service.get(f"/api/v1/calls/{row['uid']}/streams/{sid}/series")
        split = caller(t, packets)["loss_split"]
    columns = {k: series[k] for k in ("lost_before_tap", "lost_after_tap", "lost_capture")}
    t.equal("sums", [sum(v) for v in columns.values()], [split["before_tap"], split["after_tap"], split["capture"]])
    t.equal("windows", {len(v) for v in columns.values()}, {len(series["mos"])})
    t.check(f"the capture lost in the second window: {columns}", columns["lost_capture"][1] > 60 and sum(columns["lost_capture"]) == columns["lost_capture"][1])
    t.check(f"the network in each: {columns}", min(columns["lost_before_tap"][0], columns["lost_before_tap"][2], columns["lost_after_tap"][2]) > 5)
    t.equal("no score where our capture is at fault", [v is None for v in series["mos"]], [False, True, False, False])
    with FileService(t, conversation(40, before=0.06, reports="none")[0]) as service:
        row, = service.get(f"/api/v1/calls?{WHOLE}")["data"]
        silent = service.get(f"/api/v1/calls/{row['uid']}/streams/{row['streams'][0]['sid']}/series")
    t.counter("nobody reports", silent["lost_before_tap"] == [])


@feature("K03", "what the receiver says of its jitter buffer and of concealment goes ahead of what is simulated")
def reported_buffer(t):
    """5 % lost before us; the receiver discards 13 of 256."""
    says = lambda config: lambda side, k: extended(B_SSRC, voip(A_SSRC, config=config)) if side == "b" else b""
    read = lambda extra, before=0.0: caller(t, conversation(40, before=before, extra=extra, seed=3)[0])
    s, without = read(says(0xb3)), read(None)
    t.equal("playout", (s["mos"]["playout"], without["mos"]["playout"]), ("xr", "AD"))
    t.check(f"5.1 % discarded: {s['ppl']}", abs(s["ppl"] - 100 * 13 / 256) < 0.05 and s["discarded"] == 0)
    t.check(f"MOS {s['mos']['lq']}", abs(s["mos"]["lq"] - 3.912) < 0.01)
    # 40 ms nominal instead of the depth of ours, 40 ms of round trip one way, 20 ms of packet.
    t.check(f"delay {s['mos']['delay_ms']}", s["mos"]["delay_basis"] == "rtcp" and abs(s["mos"]["delay_ms"] - 100) < 0.5)
    plain, disabled = read(says(0xb3), 0.05), read(says(0x73), 0.05)
    t.check(f"without concealment {disabled['mos']['lq']}, with it {plain['mos']['lq']}", disabled["mos"]["lq"] < plain["mos"]["lq"] - 0.9)
    t.equal("G.113 has that value", disabled["mos"]["basis"], "standard")
    t.counter("no report, no discards", without["ppl"] == 0 and without["mos"]["lq"] == 4.409)


@feature("K05", "a far end that heard what we did not: our capture is at fault, and bounds hold the truth")
def our_fault(t):
    for before, after, seed in ((0, 0, 1), (0.04, 0, 2), (0, 0.06, 3), (0.04, 0.06, 4)):
        packets, truth = conversation(40, before=before, after=after, capture=(12.0, 14.0), seed=seed)
        s = caller(t, packets)
        split = s["loss_split"]
        t.equal("what the score rests on", s["mos"]["loss_basis"], "capture_suspect")
        for place in ("before_tap", "after_tap", "capture"):
            lower, upper = split["lower"][place], split["upper"][place]
            edges = 12  # before the first report and behind the last nothing is compared
            t.check(f"{place}: {lower} <= {truth[place]} <= {upper}", lower <= truth[place] <= upper + edges)
        close(t, "capture", split["capture"], truth["capture"], 0.02 * truth["sent"])
        t.check("suspect", split["intervals_suspect"] >= 2)
    # Nobody but the receiver knows of the drops: the call is marked, what is left has the score of the network, lost there is nothing.
    silent = frames(conversation(40, capture=(12.0, 14.0))[0])
    record = t.read(silent)[0]
    s, clean = of(record, "caller"), caller(t, conversation(40)[0])
    t.equal("the call", (record["capture_suspect"], record["quality"]["loss_ratio"]), (True, 0))
    t.equal("the score is that of the rest", (s["mos"]["lq"], s["mos"]["lq_total"], s["ppl"]), (clean["mos"]["lq"], clean["mos"]["lq"], 0))
    t.equal("the other direction", (of(record, "callee")["mos"]["loss_basis"], of(record, "callee")["mos"]["lq"]), ("tap", clean["mos"]["lq"]))
    lost = {k: v for k, v in t.counters_of(silent).items() if k.startswith("earshot_rtp_lost_packets_total") and v}
    t.equal("nothing counted as lost", lost, {})
    # With loss of the network elsewhere in the call that loss is scored; a call that is suspect from one end to the other has no score.
    part, whole = (caller(t, conversation(40, before=before, capture=span, seed=9)[0]) for before, span in ((0.05, (12.0, 14.0)), (0, (0.6, 39))))
    t.check(f"5 % before us: {part['ppl']}", 3.5 < part["ppl"] < 6.5 and part["mos"]["lq"] < clean["mos"]["lq"] - 0.2)
    t.equal("nothing left to score", (whole["mos"]["lq"], whole["r"], whole["mos"]["loss_basis"]), (None, None, "capture_suspect"))
    sound = caller(t, conversation(40)[0])
    t.counter("no fault", sound["loss_split"]["intervals_suspect"] == 0 and sound["mos"]["loss_basis"] == "tap")


# ---- what the capture itself admits

def pcapng(path, packets, drops):
    """`drops`: number of packet -> dropped since the packet before (epb_dropcount)."""
    def block(type_, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", type_, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    with open(path, "wb") as f:
        f.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        f.write(block(1, struct.pack("<HHI", 1, 0, 262144)))
        for n, p in enumerate(packets):
            data = ether(ip(p))
            us = int(round(p.t * 1e6))
            body = struct.pack("<IIIII", 0, us >> 32, us & 0xffffffff, len(data), len(data)) + data + bytes(-len(data) % 4)
            if n in drops:
                body += struct.pack("<HHQHH", 4, 8, drops[n], 0, 0)
            f.write(block(6, body))


@feature("K04", "frames that our capture dropped are not loss of the network: the call is marked, the window has no score")
def dropped(t):
    packets, _ = conversation(60, reports="none")
    gone = [p for p in packets if p.kind == "rtp" and p.src == ALICE and 25 <= p.t - START - 1.05 < 27]
    left = [p for p in packets if p not in gone]
    after = next(n for n, p in enumerate(left) if p.t > gone[-1].t)
    told, silent = t.path("pcapng"), t.path("pcapng")
    pcapng(told, left, {after: len(gone)})
    pcapng(silent, left, {})
    record, other = t.read(told)[0], t.read(silent)[0]
    s, o = of(record, "caller"), of(other, "caller")
    t.equal("marked", (record["capture_suspect"], s["mos"]["loss_basis"]), (True, "capture_suspect"))
    t.equal("lost", (s["lost"], o["lost"]), (len(gone), len(gone)))
    split = s["loss_split"]
    t.equal("ours", (split["before_tap"], split["after_tap"], split["capture"]), (0, None, len(gone)))
    t.equal("bounds", (split["lower"]["before_tap"], split["upper"]["before_tap"], split["lower"]["capture"], split["upper"]["capture"]),
            (0, len(gone), 0, len(gone)))
    t.equal("no loss of the network", record["quality"]["loss_ratio"], 0)
    clean = of(t.read(frames(packets))[0], "caller")
    t.equal("the score is that of the rest", s["mos"]["lq"], clean["mos"]["lq"])
    m = t.counters_of(told)
    lost = sum(v for k, v in m.items() if k.startswith("earshot_rtp_lost_packets_total") and "trunk" not in k)
    t.equal("not in the figures", lost, 0)
    # The same gap without drops is the network's.
    t.counter("not marked", not other["capture_suspect"] and other["quality"]["loss_ratio"] > 0.03 and o["loss_split"] is None)
    t.counter("scored", o["mos"]["lq"] < clean["mos"]["lq"] - 0.1)
    # What is lost before the drops stays loss.
    more = [p for p in left if not (p.kind == "rtp" and p.src == ALICE and 5 <= p.t - START - 1.05 < 6)]
    # The capture tells of drops, reports tell what the far end missed, the network loses on both sides of us.
    for before, after, seed in ((0.05, 0, 1), (0, 0.05, 2), (0.04, 0.06, 3)):
        packets, truth = conversation(40, before=before, after=after, capture=(12.0, 14.0), seed=seed)
        path = t.path("pcapng")
        pcapng(path, packets, {next(n for n, p in enumerate(packets) if p.t > START + 1.05 + 14): truth["capture"]})
        split = of(t.read(path)[0], "caller")["loss_split"]
        for place in ("before_tap", "after_tap", "capture"):
            t.check(f"{before} {after} {place}: {split['lower'][place]} <= {truth[place]} <= {split['upper'][place]}",
                    split["lower"][place] <= truth[place] <= split["upper"][place] + 12)
    path = t.path("pcapng")
    pcapng(path, more, {next(n for n, p in enumerate(more) if p.t > gone[-1].t): len(gone)})
    both = of(t.read(path)[0], "caller")
    t.equal("both", (both["loss_split"]["before_tap"], both["loss_split"]["capture"]), (50, len(gone)))
