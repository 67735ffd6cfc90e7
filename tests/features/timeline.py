"""F04, R01: what was sent when, and where it stands in the recording. Each side marks its sound with clicks, so that every
one of them can be found again to the sample."""
import array, os, struct, sys

from craft import *
from feature import feature
from recordings import at as when, pcm, ulaw

RATE = 8000
MEDIA = START + 1.05  # the first packet
CLICK = bytes(ulaw(20000 if i % 2 else -20000) for i in range(16))
QUIET = bytes([0xff]) * 160
BEAT = CLICK + QUIET[16:]


def ticking(src, sport, dst, dport, ssrc, seconds, start=MEDIA, ppm=0.0, skip=lambda second: False, seq=100, ts=1000, pt=0, every=50, sound=None):
    """Packets of 20 ms by a clock that is `ppm` slow, a click at the beginning of each `every`th; none in the seconds that `skip` names
    (lost on the way)."""
    head, beat, quiet = struct.Struct("!BBHII"), *(sound or (BEAT, QUIET))
    return [Packet(start + n * 0.02 * (1 + ppm * 1e-6), src, sport, dst, dport,
                   head.pack(0x80, pt, seq + n & 0xffff, ts + 160 * n & 0xffffffff, ssrc) + (quiet if n % every else beat), kind="rtp")
            for n in range(round(seconds * 50)) if not skip(n * 0.02)]


def write_fast(path, packets):
    """As craft.write() does, for hundreds of thousands of small packets: heads of the same ends are made once."""
    heads, out = {}, [struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1)]
    for p in sorted(packets, key=lambda p: p.t):
        key = (p.src, p.sport, p.dst, p.dport, len(p.data))
        if key not in heads:
            heads[key] = ether(ip(p))[:-len(p.data)]
        size, ns = len(heads[key]) + len(p.data), round(p.t * 1e6) * 1000
        out += (struct.pack("<IIII", ns // 10**9, ns % 10**9, size, size), heads[key], p.data)
    with open(path, "wb") as f:
        f.write(b"".join(out))
    return path


class Recorded:
    """A call's record and its recording."""

    def __init__(self, t, packets, *options):
        folder = t.path("recordings")
        self.records = t.read(write_fast(t.path(), packets), "--record", folder, "--set", "recording.measures=no", *options)
        self.record = self.records[0]
        self.names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        self.seconds, self.side = 0, ((), ())
        if len(self.names) != 1:
            return
        with open(os.path.join(folder, self.names[0]), "rb") as f:
            _, self.rate, x = pcm(f.read())
        x = array.array("h", x)
        if sys.byteorder == "big":
            x.byteswap()
        self.begin = when(self.record["recording"]["started_at"])
        self.side = x[0::2], x[1::2]
        self.seconds = len(x) / 2 / self.rate

    def late(self, side, sent, within=0.15):
        """How much later than it was sent this click stands in the recording; None: it does not."""
        first, end = (max(0, round((sent + w - self.begin) * self.rate)) for w in (-within, within))
        for i, x in enumerate(self.side[side][first:end]):
            if abs(x) > 10000:
                return self.begin + (first + i) / self.rate - sent
        return None

    def loudest(self, side, begin, end):
        part = self.side[side][max(0, round((begin - self.begin) * self.rate)):max(0, round((end - self.begin) * self.rate))]
        return max(map(abs, part), default=0)


@feature("F04", "an hour, clocks 50 ppm slow and 50 ppm fast, gaps of 200 ms: both sides in step within 20 ms to the end")
def drift(t):
    d, hour = Dialog(), 3600
    gap = lambda second: second % 60 > 29.99 and second % 60 < 30.19
    packets = call(d, hour + 1, voice=False)
    packets += ticking(d.a, 4000, d.b, 6000, 1, hour, ppm=50, skip=gap, every=500)
    packets += ticking(d.b, 6000, d.a, 4000, 2, hour, ppm=-50, skip=lambda second: gap(second + 7), every=500)
    r = Recorded(t, packets)
    late = [[r.late(k, MEDIA + 10 * n * (1 + ppm * 1e-6)) for n in range(hour // 10)] for k, ppm in ((0, 50), (1, -50))]
    found = [[x for x in side if x is not None] for side in late]
    t.equal("clicks that were sent and are there", [len(x) for x in found], [300, 360])
    t.check(f"each side: {[(min(x), max(x)) for x in found]}", all(abs(v) < 0.01 for x in found for v in x))
    apart = [abs(a - b) for a, b in zip(*late) if a is not None and b is not None]
    t.check(f"in step: {max(apart)} s apart at worst, {apart[-1]} at the end", max(apart) < 0.02 and apart[-1] < 0.02)
    t.check(f"length {r.seconds}", abs(r.seconds - hour * (1 + 50e-6)) < 0.04)
    t.equal("no loss but the gaps", [s["lost"] for s in r.record["streams"]], [600, 600])
    t.counter("what was lost on the way is there", late[0][3] is None and r.loudest(0, MEDIA + 30.0, MEDIA + 30.18) < 500)


# ---- one story of a call, told in many ways

ALAW = (bytes(0x25 if i % 2 == 0 else 0xa5 for i in range(16)) + bytes([0xd5]) * 144, bytes([0xd5]) * 160)
A_MEDIA, B_MEDIA = (ALICE, 4000), (BOB, 6000)


def say(src, dst, ssrc, begin, end, **more):
    """Sound from `begin` to `end`, seconds of the media; clicks at whole seconds of it."""
    n = round(begin * 50)
    more.setdefault("seq", 100 + n)
    more.setdefault("ts", 1000 + 160 * n)
    return ticking(*src, *dst, ssrc, end - begin, start=MEDIA + begin, **more)


def story(seconds, *parts, more=(), gone=False):
    packets = call(seconds=seconds + 0.5, voice=False) + [p for part in parts for p in part] + list(more)
    return [p for p in packets if not (gone and p.data.startswith(b"BYE"))]


def in_step(t, what, r, seconds, missing=((), ()), span=None):
    """Each click of both sides stands where it was sent, within 20 ms, and the length is that of the media."""
    for side in (0, 1):
        late = {n: r.late(side, MEDIA + n) for n in range(seconds) if n not in missing[side]}
        t.check(f"{what}: side {side}: {late}", all(x is not None and abs(x) < 0.01 for x in late.values()))
        t.check(f"{what}: side {side}: clicks that nobody sent", all(r.loudest(side, MEDIA + n - 0.1, MEDIA + n + 0.1) < 500 for n in missing[side]))
    t.check(f"{what}: one file", len(r.names) == 1)
    t.check(f"{what}: {r.seconds} s, not {span or seconds}", abs(r.seconds - (span or seconds)) <= 0.04)


BACK = say(B_MEDIA, A_MEDIA, 2, 0, 12)


@feature("F10", "another SSRC, another payload type, another clock: the sound goes on in the same channel, at its time")
def changes(t):
    talk = lambda begin, end, ssrc=1, **more: say(A_MEDIA, B_MEDIA, ssrc, begin, end, **more)
    plain = Recorded(t, story(12, talk(0, 12), BACK))
    in_step(t, "nothing changes", plain, 12)
    for what, parts in (("another SSRC", (talk(0, 6), talk(6, 12, 9, seq=7, ts=55))),
                        ("three SSRCs", (talk(0, 3), talk(3, 6.5, 9, seq=7, ts=55, every=25), talk(6.5, 12, 10, every=25))),
                        ("another one for the last 80 ms", (talk(0, 11.92), talk(11.92, 12, 9))),
                        ("another payload type", (talk(0, 6), talk(6, 12, pt=8, sound=ALAW))),
                        ("there and back", (talk(0, 4), talk(4, 8, pt=8, sound=ALAW), talk(8, 12))),
                        ("SSRC and payload type", (talk(0, 6), talk(6, 12, 9, pt=8, sound=ALAW, seq=9, ts=9))),
                        ("numbers begin anew", (talk(0, 6), talk(6, 12, seq=40000, ts=17)))):
        r = Recorded(t, story(12, *parts, BACK))
        in_step(t, what, r, 12)
        if "payload type" in what or what == "there and back":
            t.check(f"{what}: said so", any(s["payload_changes"] for s in r.record["streams"]) or len(r.record["streams"]) == 3)
    other = Recorded(t, story(12, talk(0, 6), BACK))
    t.counter("without its second half the side goes on", other.late(0, MEDIA + 8) is None and other.late(1, MEDIA + 8) is not None)


@feature("R01", "time stamps that jump, stand still or run away: never longer than the arrivals, both sides in step")
def stamps(t):
    talk = lambda begin, end, **more: say(A_MEDIA, B_MEDIA, 1, begin, end, **more)
    for what, jump in (("an hour ahead", 8000 * 3600), ("2^31 ahead", 1 << 31), ("37 hours ahead", 8000 * 3600 * 37), ("an hour back", -8000 * 3600), ("11 s ahead", 88000)):
        r = Recorded(t, story(12, talk(0, 6), talk(6, 12, ts=1000 + 160 * 300 + jump), BACK))
        in_step(t, f"a jump of {what}", r, 12)
    frozen = talk(0, 4) + [replace(p, data=p.data[:4] + struct.pack("!I", 1000 + 160 * 199) + p.data[8:]) for p in talk(4, 8)]
    in_step(t, "a clock that stands still and goes on from there", Recorded(t, story(12, frozen, talk(8, 12, ts=1000 + 160 * 200), BACK)), 12)
    in_step(t, "a clock that stands still and has run on", Recorded(t, story(12, frozen, talk(8, 12), BACK)), 12)
    in_step(t, "a clock that stands still to the end", Recorded(t, story(8, frozen, say(B_MEDIA, A_MEDIA, 2, 0, 8))), 8)
    for times in (2, 0.5):
        other = [replace(p, data=p.data[:4] + struct.pack("!I", 1000 + round(160 * times) * n) + p.data[8:]) for n, p in enumerate(talk(0, 12))]
        in_step(t, f"a clock that runs {times} times as fast as SDP says", Recorded(t, story(12, other, BACK)), 12)
    lost = Recorded(t, story(12, talk(0, 12, skip=lambda s: 2.99 < s < 8.5), BACK))
    in_step(t, "five seconds that were lost", lost, 12, (range(3, 9), ()))
    paused = Recorded(t, story(12, talk(0, 3), talk(9, 12, seq=250), BACK))
    in_step(t, "a pause of the sender", paused, 12, (range(3, 9), ()))
    stood = Recorded(t, story(12, talk(0, 3), talk(9, 12, seq=250, ts=1000 + 160 * 150), BACK))
    in_step(t, "a pause in which his clock stood", stood, 12, (range(3, 9), ()))
    t.equal("loss is loss and a pause is none", [next(s["lost"] for s in r.record["streams"] if s["party"] == "caller") for r in (lost, paused, stood)], [275, 0, 0])
    t.counter("what was lost is heard", lost.loudest(0, MEDIA + 4, MEDIA + 8) == 0)


# ---- hops

RELAY = "10.0.0.9"


def relayed(lost_before=(), lost_behind=(), lag=0.004, seconds=12, change=lambda p: p, until=None, since=0.0):
    """A relay between both: each packet is seen on its way to it and on its way on. Lost are numbers of packets of the caller, ahead of the
    relay as the tap saw it, and behind."""
    d, via = Dialog(), Dialog(b=RELAY)
    legs = []
    for n, (t, forth, text) in enumerate(signalling(via, seconds + 0.5, a_media=4000, answer=sdp(RELAY, 20000))):
        legs.append(Packet(t, *((ALICE, 5060, RELAY, 5060) if forth else (RELAY, 5060, ALICE, 5060)), text, kind="sip"))
    for n, (t, forth, text) in enumerate(signalling(Dialog(a=ALICE, b=BOB, branch="z9hG4bKfar"), seconds + 0.5, offer=sdp(RELAY, 20002), answer=sdp(BOB, 6000))):
        text = text.replace(b"Via: SIP", b"Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKmid%d\r\nVia: SIP" % n, 1).replace(b"Max-Forwards: 70", b"Max-Forwards: 69")
        legs.append(Packet(t + 0.002, *((RELAY, 5060, BOB, 5060) if forth else (BOB, 5060, RELAY, 5060)), text, kind="sip"))
    out = legs
    for talk, near, far, lost in ((say(A_MEDIA, (RELAY, 20000), 1, 0, seconds), (ALICE, 4000, RELAY, 20000), (RELAY, 20002, BOB, 6000), (lost_before, lost_behind)),
                                  (say(B_MEDIA, (RELAY, 20002), 2, 0, seconds), (BOB, 6000, RELAY, 20002), (RELAY, 20000, ALICE, 4000), ((), ()))):
        for n, p in enumerate(talk):
            if n not in lost[0] and (until is None or n < until):
                out.append(Packet(p.t, *near, p.data, kind="rtp"))
            if n not in lost[1] and n >= since * 50:
                out.append(change(Packet(p.t + lag, *far, p.data, ttl=63, kind="rtp")))
    return sorted(out, key=lambda p: p.t)


@feature("F10", "a stream on both sides of a relay: recorded once, from where less was lost; figures of each hop")
def hops(t):
    bad = {n for n in range(1, 600) if n % 7 == 3 or n % 50 == 0}
    plain = Recorded(t, relayed())
    in_step(t, "nothing lost", plain, 12)
    t.equal("four streams of one call", (len(plain.records), sorted((s["party"], s["lost"]) for s in plain.record["streams"])), (1, [("callee", 0)] * 2 + [("caller", 0)] * 2))
    for what, lost in (("behind the relay", {"lost_behind": bad}), ("ahead of it, as the tap saw it", {"lost_before": bad}),
                       ("behind it, with a relay that takes 60 ms", {"lost_behind": bad, "lag": 0.06})):
        r = Recorded(t, relayed(**lost))
        in_step(t, f"lost {what}", r, 12)
        t.check(f"lost {what}: nothing of it is filled or missing", r.side[0] == plain.side[0] or "takes" in what)
        t.equal(f"lost {what}: each hop has its own figures", sorted(s["lost"] for s in r.record["streams"] if s["party"] == "caller"), [0, len(bad)])
        t.check(f"lost {what}: the worse hop is the call's worst", r.record["quality"]["loss_ratio"] > 0.1)
    in_step(t, "the far side is seen from the middle on, the near one until then", Recorded(t, relayed(until=350, since=6)), 12)
    both = Recorded(t, relayed(lost_before=bad, lost_behind=bad))
    t.counter("what neither hop has is heard", both.late(0, MEDIA + 3) is None)
    other = Recorded(t, relayed(lost_behind=bad, change=lambda p: replace(p, data=p.data[:4] + struct.pack("!I", 7) + p.data[8:])))
    t.counter("packets with other time stamps are taken for the same", other.side[0] != plain.side[0])


# ---- early media, hold, ports that are used again

@feature("F08", "early media: marked, heard before the answer; by a setting it is not kept and the recording begins with the answer")
def early(t):
    ring = say(B_MEDIA, A_MEDIA, 2, -0.8, 6, seq=500, ts=9)  # from the 183 on; answered at MEDIA - 0.05
    d = Dialog()
    progress = Packet(START + 0.2, *B_SIP, *A_SIP, d.response(183, "Progress", "INVITE", 1, sdp(BOB, 6000)), kind="sip")
    packets = story(6, say(A_MEDIA, B_MEDIA, 1, 0, 6), ring, more=[progress])
    r = Recorded(t, packets)
    near = lambda text, wanted: abs(when(text) - wanted) < 1e-4
    t.check("it begins with the ring-back tone", near(r.record["early_media_at"], MEDIA - 0.8) and near(r.record["recording"]["started_at"], MEDIA - 0.8))
    t.equal("marked", {s["party"]: s["early"] for s in r.record["streams"]}, {"caller": False, "callee": True})
    t.check("heard", abs(r.late(1, MEDIA - 0.8)) < 0.01 and abs(r.seconds - 6.8) < 0.04)
    t.check("the caller is in step", all(abs(r.late(0, MEDIA + n)) < 0.01 for n in range(6)))
    rule = ("--set", "recording.early_media=no")
    without = Recorded(t, packets, *rule)
    t.check("left out: the recording begins with the answer", abs(when(without.record["recording"]["started_at"]) - (MEDIA - 0.05)) < 0.021)
    t.check(f"{without.seconds} s", abs(without.seconds - 6.05) < 0.04 and without.late(1, MEDIA - 0.8) is None)
    t.check("the rest is the same", all(abs(without.late(1, MEDIA + 0.2 + n)) < 0.01 for n in range(5)) and abs(without.late(0, MEDIA + 3)) < 0.01)
    t.equal("figures are of all", [s["packets"] for s in without.record["streams"]], [s["packets"] for s in r.record["streams"]])
    only_ring = Recorded(t, story(6, ring[:37], more=[progress]), *rule)
    t.equal("nothing after the answer", (only_ring.record["recording"]["result"], only_ring.names), ("no_rtp", []))
    t.counter("the setting changes a call without early media", Recorded(t, story(6, say(A_MEDIA, B_MEDIA, 1, 0, 6), say(B_MEDIA, A_MEDIA, 2, 0, 6)), *rule).seconds > 5.99)


A_SIP, B_SIP = (ALICE, 5060), (BOB, 5060)


def again(at, cseq, offer, answer, forth=True):
    """A re-INVITE within the call."""
    d = Dialog()
    a, b = (A_SIP, B_SIP) if forth else (B_SIP, A_SIP)
    texts = (d.request("INVITE", cseq, offer, "tt1", branch=f"z9hG4bKr{cseq}"), d.response(200, "OK", "INVITE", cseq, answer, branch=f"z9hG4bKr{cseq}"),
             d.request("ACK", cseq, branch=f"z9hG4bKra{cseq}"))
    return [Packet(MEDIA + at + n * 0.02, *(a if n != 1 else b), *(b if n != 1 else a), x, kind="sip") for n, x in enumerate(texts)]


def on_hold(style, begin, end, last, music=None, party=True):
    """A puts B on hold and sends nothing; `music` plays to B meanwhile. B may go on talking."""
    offers = {"sendonly": sdp(ALICE, 4000, "a=sendonly\r\n"), "inactive": sdp(ALICE, 4000, "a=inactive\r\n"), "0.0.0.0": sdp("0.0.0.0", 4000)}
    answers = {"sendonly": sdp(BOB, 6000, "a=recvonly\r\n"), "inactive": sdp(BOB, 6000, "a=inactive\r\n"), "0.0.0.0": sdp(BOB, 6000)}
    packets = again(begin, 5, offers[style], answers[style]) + again(end, 6, sdp(ALICE, 4000), sdp(BOB, 6000))
    packets += say(A_MEDIA, B_MEDIA, 1, 0, begin) + say(A_MEDIA, B_MEDIA, 1, end, last, seq=100 + begin * 50)
    packets += say(B_MEDIA, A_MEDIA, 2, 0, begin) + say(B_MEDIA, A_MEDIA, 2, end, last, seq=100 + begin * 50)
    return story(last, packets, music or ())


@feature("F09", "hold of 60 s and of 20 minutes, in every style: an event, no loss, no lower score, and the recording goes on")
def hold(t):
    for style, length in (("sendonly", 60), ("inactive", 60), ("0.0.0.0", 60), ("sendonly", 1200)):
        end, last = 4 + length, 10 + length
        what, silent = f"{style}, {length} s", range(4, 4 + length)
        r = Recorded(t, on_hold(style, 4, end, last))
        t.equal(f"{what}: one call", (len(r.records), r.record["end_reason"], r.record["holds"]), (1, "bye", 1))
        t.check(f"{what}: held for {r.record['held_ms']} ms", abs(r.record["held_ms"] - length * 1000) < 100)
        t.equal(f"{what}: on the time line", [e["kind"] for e in r.record["events"] if e["kind"] in ("hold", "resume", "unhold")], ["hold", "resume"])
        t.equal(f"{what}: no loss", ([s["lost"] for s in r.record["streams"]], r.record["quality"]["loss_ratio"]), ([0, 0], 0))
        t.check(f"{what}: no low score: {r.record['quality']['mos_min']}", r.record["quality"]["mos_min"] > 4.3)
        t.equal(f"{what}: no labels of loss", [x["label"] for x in r.record["diagnosis"] if x["label"] not in ("hold_long",)], [])
        in_step(t, what, r, last, (silent, silent)) if length == 60 else None
        t.check(f"{what}: the talk goes on", all(abs(r.late(k, MEDIA + end + 3)) < 0.01 for k in (0, 1)) and abs(r.seconds - last) < 0.04)
    tune = say(A_MEDIA, B_MEDIA, 9, 4, 64, seq=9, ts=9)
    r = Recorded(t, on_hold("sendonly", 4, 64, 70, tune))
    in_step(t, "music on hold from the phone", r, 70, ((), range(4, 64)))
    server = ("10.0.0.77", 8000)
    r = Recorded(t, on_hold("sendonly", 4, 64, 70, say(server, B_MEDIA, 9, 4.1, 64)))
    t.check("music from a server that no SDP names", all(abs(r.late(0, MEDIA + n + 0.1)) < 0.01 for n in range(6, 63)))
    t.check("and the party after that", abs(r.late(0, MEDIA + 66)) < 0.01)
    t.equal("a hold has no loss", r.record["quality"]["loss_ratio"], 0)
    lost = Recorded(t, [p for p in story(70, say(A_MEDIA, B_MEDIA, 1, 0, 70), say(B_MEDIA, A_MEDIA, 2, 0, 70)) if not MEDIA + 4 < p.t < MEDIA + 64])
    t.counter("the same without signalling is a hold, or no loss", lost.record["holds"] == 0 and lost.record["quality"]["loss_ratio"] > 0.5)


@feature("R01", "ports, addresses and codecs that a re-INVITE changes: one file, in step")
def moves(t):
    there = ("10.0.0.33", 4444)
    for what, packets in (("another port", [say(A_MEDIA, B_MEDIA, 1, 0, 6), again(5.9, 5, sdp(ALICE, 4010), sdp(BOB, 6000)), say((ALICE, 4010), B_MEDIA, 1, 6, 12), say(B_MEDIA, A_MEDIA, 2, 0, 6), say(B_MEDIA, (ALICE, 4010), 2, 6, 12)]),
                          ("another host, another SSRC", [say(A_MEDIA, B_MEDIA, 1, 0, 6), again(5.9, 5, sdp(*there), sdp(BOB, 6000)), say(there, B_MEDIA, 8, 6, 12), say(B_MEDIA, A_MEDIA, 2, 0, 6), say(B_MEDIA, there, 2, 6, 12)]),
                          ("another codec", [say(A_MEDIA, B_MEDIA, 1, 0, 6), again(5.9, 5, sdp(ALICE, 4000, pt=8, name="PCMA/8000"), sdp(BOB, 6000, pt=8, name="PCMA/8000")), say(A_MEDIA, B_MEDIA, 1, 6, 12, pt=8, sound=ALAW), BACK[:300], say(B_MEDIA, A_MEDIA, 2, 6, 12, pt=8, sound=ALAW)]),
                          ("a port that nobody announced, behind a NAT", [say(A_MEDIA, B_MEDIA, 1, 0, 6), say((ALICE, 4999), B_MEDIA, 1, 6, 12)[4:], BACK])):
        in_step(t, what, Recorded(t, story(12, *packets)), 12, ((6,), ()) if "NAT" in what else ((), ()))
    t.counter("a call that ends at the move goes on", Recorded(t, story(12, say(A_MEDIA, B_MEDIA, 1, 0, 6), BACK)).late(0, MEDIA + 9) is None)


@feature("F12", "two calls one after the other on the same ports: what comes late of the first is in no recording of the second")
def reused(t):
    first = story(4, say(A_MEDIA, B_MEDIA, 1, 0, 6), say(B_MEDIA, A_MEDIA, 2, 0, 6))  # its media goes on for 1.5 s after the BYE
    d = Dialog(call_id="c2@test", branch="z9hG4bKtwo", from_tag="ft2", to_tag="tt2")
    shift = 4.6
    second = [replace(p, t=p.t + shift) for p in call(d, 4.5, voice=False) + say(A_MEDIA, B_MEDIA, 11, 0.5, 4, every=10 ** 6) + say(B_MEDIA, A_MEDIA, 12, 0.5, 4, every=10 ** 6)]
    for extra in (0, 0.3):  # the old ones stop ahead of the new ones, or go on among them
        late = [replace(p, t=p.t + 1.2) for p in first if p.kind == "rtp" and p.t > MEDIA + 5.0 + extra]
        folder = t.path("recordings")
        records = t.read(write_fast(t.path(), first + second + (late if extra else [])), "--record", folder, "--set", "recording.measures=no")
        t.equal("two calls", sorted(r["call_id"] for r in records), ["c1@test", "c2@test"])
        two = next(r for r in records if r["call_id"] == "c2@test")
        t.equal("its streams", sorted(s["ssrc"] for s in two["streams"]), ["0x0000000b", "0x0000000c"])
        one = next(r for r in records if r["call_id"] == "c1@test")
        t.equal("and those of the first", sorted(s["ssrc"] for s in one["streams"]), ["0x00000001", "0x00000002"])
        name = next(n for n in os.listdir(folder) if two["uid"][:8] in n)
        with open(os.path.join(folder, name), "rb") as f:
            x = array.array("h", pcm(f.read())[2])
        begin = when(two["recording"]["started_at"])
        t.check(f"begins with its own media: {begin - MEDIA - shift}", abs(begin - MEDIA - shift - 0.5) < 0.01)
        loud = sum(abs(v) > 10000 for v in x[0::2]), sum(abs(v) > 10000 for v in x[1::2])
        t.equal("only its own clicks", loud, (16, 16))
    same = [replace(p, data=p.data[:8] + struct.pack("!I", 1) + p.data[12:]) if p.kind == "rtp" and p.src == ALICE else p for p in second]
    records = t.read(write_fast(t.path(), first + same))
    t.counter("the SSRC tells them apart", sum(s["packets"] for r in records if r["call_id"] == "c2@test" for s in r["streams"] if s["party"] == "caller") != 175)


@feature("X42", "silence that nobody sent: a time stamp cannot ask for it; a long pause is an event, and never hours of zeros")
def silence(t):
    for jump in (1 << 31, (1 << 31) - 1, 8000 * 3600 * 37, (1 << 32) - 8000 * 60):
        r = Recorded(t, story(8, say(A_MEDIA, B_MEDIA, 1, 0, 4), say(A_MEDIA, B_MEDIA, 1, 4, 8, ts=1640 + 160 * 200 + jump), say(B_MEDIA, A_MEDIA, 2, 0, 8)))
        in_step(t, f"a jump of {jump}", r, 8)
        size = r.record["recording"]["size_bytes"]
        t.check(f"a jump of {jump}: {size} bytes", size < 8.1 * 32000 and r.record["recording"]["long_gaps"] == [])
    pause, last = 100, 110
    quiet_ = Recorded(t, on_hold("inactive", 4, 4 + pause, last))
    g = quiet_.record["recording"]["long_gaps"]
    t.check(f"a pause of 100 s is one event: {g}", len(g) == 1 and abs(g[0]["at_ms"] - 3980) < 30 and abs(g[0]["length_ms"] - 100020) < 30 and g[0]["cut_ms"] == 0)
    t.check("and as long as it was", abs(quiet_.seconds - last) < 0.04)
    packets = on_hold("inactive", 4, 4 + 3 * 3600, 3 * 3600 + 10)
    hours = Recorded(t, packets)
    g = hours.record["recording"]["long_gaps"]
    t.check(f"three hours of nothing are one in the recording: {hours.seconds} s, {g}", len(g) == 1 and abs(hours.seconds - 3610) < 0.05 and abs(g[0]["cut_ms"] - 7200020) < 30)
    t.check("behind it the talk goes on in step", all(abs(hours.late(k, MEDIA + 3 * 3600 + 7 - g[0]["cut_ms"] / 1000)) < 0.01 for k in (0, 1)))
    short = Recorded(t, packets, "--set", "recording.silence_max=60s")
    t.check(f"by the setting it is a minute: {short.seconds}", abs(short.seconds - 70) < 0.05 and short.record["recording"]["size_bytes"] < 71 * 32000)
    t.counter("a pause of 50 s is an event", Recorded(t, on_hold("inactive", 4, 54, 60)).record["recording"]["long_gaps"] == [])
