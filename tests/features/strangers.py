"""Packets that are not the call's: what a third party sends to its ports, under its addresses or with its numbers stays out of
the recording and out of the figures, and is a finding."""
import time

from craft import *
from feature import feature
from findings import QUIET, at, findings, flaps, only, quiet, Scene
from timeline import A_MEDIA, B_MEDIA, BACK, MEDIA, Recorded, in_step, say, story

EVIL = "203.0.113.66"
LOUD = (bytes([0x80]) * 160, bytes([0x80]) * 160)  # nobody of the call sends that


def noise(src, dst, ssrc, begin, end, seq=9000, ts=77, every=0.02, shift=0.007):
    n = round((end - begin) / every)
    return [Packet(MEDIA + begin + shift + i * every, *src, *dst, rtp(seq + i, ts + 160 * i, ssrc, LOUD[0]), kind="rtp") for i in range(n)]


def clean(t, what, r, seconds=12):
    """The recording is that of the call without them."""
    in_step(t, what, r, seconds)
    for side in (0, 1):
        odd = [n for n in range(seconds * 10) if r.loudest(side, MEDIA + n / 10 + 0.01, MEDIA + n / 10 + 0.09) > 500]
        t.check(f"{what}: side {side}: heard at {odd} tenths of a second", not odd)


TALK = say(A_MEDIA, B_MEDIA, 1, 0, 12)


def injected(*parts, d=None):
    return story(12, TALK, BACK, *parts)


@feature("X40", "RTP of a third address before, during the first packets and during: not heard, not in the figures, a finding")
def third_address(t):
    here = (EVIL, 7777)
    plain = Recorded(t, injected())
    for what, begin, end in (("before and all along", -0.9, 12), ("a little ahead of the party, then silent", -0.3, 0.2), ("during the first packets", 0.01, 0.4),
                             ("in the middle", 5, 7)):
        for numbers in ({"ssrc": 0x666}, {"ssrc": 1, "seq": 105, "ts": 1000 + 160 * 5}):
            r = Recorded(t, injected(noise(here, B_MEDIA, begin=begin, end=end, **numbers)))
            clean(t, f"{what}, {numbers}", r)
            strange = [s for s in r.record["streams"] if s["src"].startswith(EVIL)]
            t.equal(f"{what}: seen, and nobody's", [s["confidence"] for s in strange], ["guessed"])
            t.equal(f"{what}: the figures of the call are its own", [r.record[k] for k in ("quality", "codec", "diagnosis", "summary")],
                    [plain.record[k] for k in ("quality", "codec", "diagnosis", "summary")])
    lossy = [p for n, p in enumerate(noise(here, B_MEDIA, 0x666, 2, 9)) if n % 3]
    r = Recorded(t, injected(lossy))
    t.equal("a stranger's loss is not the call's", [r.record[k] for k in ("quality", "diagnosis")], [plain.record[k] for k in ("quality", "diagnosis")])
    mute = Recorded(t, story(12, say(B_MEDIA, A_MEDIA, 2, 0, 12), TALK[:25], noise(here, B_MEDIA, 0x666, 0.6, 1.4)))
    t.check("who fell silent is not replaced at once", mute.loudest(0, MEDIA + 0.6, MEDIA + 2) < 500)
    back = story(12, TALK[:100], say(A_MEDIA, B_MEDIA, 1, 7, 12), BACK, noise(here, B_MEDIA, 0x666, 1, 12))
    r = Recorded(t, back)
    t.check("while the party pauses for five seconds the endpoint passes on, after three of them", r.loudest(0, MEDIA + 2, MEDIA + 4.9) < 500 and r.loudest(0, MEDIA + 5.2, MEDIA + 7) > 500)
    t.check("when it talks again it is the party's", r.late(0, MEDIA + 8) is not None and r.loudest(0, MEDIA + 7.3, MEDIA + 7.95) < 500)
    moved = story(12, TALK[:300], noise(here, B_MEDIA, 0x666, 6.02, 12, shift=0), BACK)
    t.counter("somebody who sends for long after the party has stopped is never heard", Recorded(t, moved).loudest(0, MEDIA + 10, MEDIA + 12) > 500)


@feature("X41", "between the same addresses: a second SSRC, replayed packets, invented numbers, another clock: the talker keeps his turn")
def same_address(t):
    echo = [replace(p, t=p.t + 1.5 + 0.003) for p in TALK if MEDIA + 3 < p.t < MEDIA + 6]
    burst = [replace(q, t=MEDIA + 6 + k * 0.2 + 0.001 * n) for k in range(12) for n, q in enumerate(TALK[50:90])]
    for what, extra in (("a second SSRC with higher numbers", noise(A_MEDIA, B_MEDIA, 0x666, 2, 10)),
                        ("a second SSRC in bursts", [p for p in noise(A_MEDIA, B_MEDIA, 0x666, 2, 10, every=0.005) if int(p.t * 10) % 3]),
                        ("its own SSRC, a thousand numbers ahead", noise(A_MEDIA, B_MEDIA, 1, 2, 10, seq=1300, ts=1000 + 160 * 1200)),
                        ("its own SSRC, 30000 ahead", noise(A_MEDIA, B_MEDIA, 1, 2, 10, seq=30300, ts=5)),
                        ("its own SSRC, twice as fast", noise(A_MEDIA, B_MEDIA, 1, 2, 10, seq=20000, every=0.01, shift=0.003)),
                        ("a replay, a second and a half late", echo), ("a replay in bursts", burst)):
        r = Recorded(t, injected(extra))
        clean(t, what, r)
        rest = Recorded(t, story(12, TALK[:300], BACK, [p for p in extra if p.t < MEDIA + 6]))
        t.check(f"{what}: never longer than the media", rest.seconds <= 12.04)
    other = Recorded(t, story(12, TALK[:300], BACK, noise(A_MEDIA, B_MEDIA, 0x666, 6, 12)))
    t.counter("an SSRC that goes on where the other one stopped is left out", other.loudest(0, MEDIA + 7, MEDIA + 8) > 500)


# ---- A-S9

def with_noise(n, gap=0.02, again=(), **numbers):
    """Two calls' worth of talk with `n` packets of a stranger, once more at each time of `again`."""
    def make(t0):
        s = Scene()
        for at_ in (0, *again):
            d = Dialog(call_id=f"c{t0}-{at_}@x", branch=f"z9hG4bK{t0}{at_}", from_tag=f"f{t0}{at_}", to_tag=f"t{t0}{at_}")
            for p in call(d, 12, voice=False) + say(A_MEDIA, B_MEDIA, 1 + t0, 0, 11) + say(B_MEDIA, A_MEDIA, 2 + t0, 0, 11) + \
                    noise(numbers.pop("src", (EVIL, 7777)), B_MEDIA, numbers.get("ssrc", 0x666), 2, 2 + n * gap, every=gap, **{k: v for k, v in numbers.items() if k != "ssrc"}):
                s.packets.append(replace(p, t=p.t + t0 + at_))
        return s
    return make


@feature("A-S9", "RTP injection: five packets of a source that is not the party's")
def other_source(t):
    f = only(t, "five", with_noise(5)(0), "rtp_injection")
    t.equal("what it says", (f["severity"], f["src_ip"], f["dst_ip"], f["count"], f["samples"], len(f["calls"])), ("warning", EVIL, BOB, 5, ["rtp_source"], 1))
    quiet(t, "four", with_noise(4)(0))
    quiet(t, "five in a minute", with_noise(5, gap=2.2)(0), "--set", "findings.rtp_source=5/8s")
    quiet(t, "switched off", with_noise(50)(0), "--set", "findings.rtp_source=off")
    quiet(t, "an allowed source", with_noise(50)(0), "--set", f"findings.allow_networks={EVIL}/32")
    quiet(t, "a phone behind an address translation, whose source no SDP names", story(12, say(("198.51.100.7", 41000), B_MEDIA, 1, 0, 12), BACK))
    quiet(t, "which gets another port", story(12, say(("198.51.100.7", 41000), B_MEDIA, 1, 0, 5), say(("198.51.100.7", 41999), B_MEDIA, 1, 5.2, 12), BACK))
    flaps(t, "injection", with_noise(5), "rtp_injection")


@feature("A-S9", "RTP injection between the same addresses: two SSRCs at once, sequence numbers that jump there and back")
def same_source(t):
    f = only(t, "two SSRCs", injected(noise(A_MEDIA, B_MEDIA, 0x666, 2, 10)), "rtp_injection")
    t.equal("what it says", (f["src_ip"], f["dst_ip"], f["samples"], len(f["calls"])), (ALICE, BOB, ["rtp_ssrc"], 1))
    quiet(t, "half a second of both at most: a change", injected(noise(A_MEDIA, B_MEDIA, 0x666, 2, 2.4)))
    quiet(t, "one after the other", story(12, say(A_MEDIA, B_MEDIA, 1, 0, 4), say(A_MEDIA, B_MEDIA, 7, 4, 8), say(A_MEDIA, B_MEDIA, 1, 8, 12), BACK))
    quiet(t, "keys under an SSRC of their own, another payload type", injected([replace(p, data=p.data[:1] + bytes([101]) + p.data[2:16]) for p in noise(A_MEDIA, B_MEDIA, 0x777, 2, 10)]))
    f = only(t, "invented numbers", injected(noise(A_MEDIA, B_MEDIA, 1, 2, 10, seq=1300)), "rtp_injection")
    t.equal("they are said to be that", f["samples"], ["rtp_sequence"])
    replayed = [replace(q, t=MEDIA + 6 + k * 0.2 + 0.001 * n) for k in range(12) for n, q in enumerate(TALK[50:90])]
    only(t, "replay", injected(replayed), "rtp_injection")
    quiet(t, "a replay of two bursts", injected([p for p in replayed if p.t < MEDIA + 6.39]))
    quiet(t, "late and doubled packets", injected([replace(p, t=p.t + 0.5) for p in TALK[100:400:3]]))
    quiet(t, "a sender that begins anew five times", story(12, *(say(A_MEDIA, B_MEDIA, 1, n, n + 2, seq=n * 9000) for n in range(0, 12, 2)), BACK))


def spray(ports, t0=0, each=2, src=EVIL, dst="10.0.0.50", gap=0.1):
    s = Scene()
    for n in range(ports):
        for k in range(each):
            s.packets.append(Packet(START + t0 + n * gap + k * 0.01, src, 7000, dst, 10000 + 2 * n, rtp(k, 160 * k, 0x77), kind="rtp"))
    return s.tick(t0 + ports * gap + 30)


@feature("A-S9", "bleed probing: a few RTP packets to ten ports that nobody announced")
def probing(t):
    f = only(t, "ten ports", spray(10), "rtp_injection")
    t.equal("what it says", (f["src_ip"], f["dst_ip"], f["samples"], f["count"]), (EVIL, "10.0.0.50", ["rtp_spray"], 10))
    quiet(t, "nine ports", spray(9))
    quiet(t, "ten ports in five minutes", spray(10, gap=30))
    quiet(t, "ten hosts", sum((spray(1, n, dst=f"10.0.0.{50 + n}").packets for n in range(10)), []))
    quiet(t, "ten streams", [Packet(START + k * 0.02 + n * 0.001, EVIL, 7000, "10.0.0.50", 10000 + 2 * n, rtp(k, 160 * k, n), kind="rtp") for n in range(10) for k in range(100)])
    quiet(t, "switched off", spray(30), "--set", "findings.rtp_spray=off")
    flaps(t, "spray", lambda t0: spray(10, t0), "rtp_injection")


# ---- G06

def taken_over(src, header="Replaces", before=(), t0=0):
    d = Dialog(call_id=f"c{t0}@x", branch=f"z9hG4bK{t0}", from_tag=f"f{t0}", to_tag=f"t{t0}")
    s = Scene()
    s.packets = [replace(p, t=p.t + t0) for p in call(d, 12, voice=False) + [*before]]
    x = Dialog(a=src, b=BOB, call_id=f"x{t0}@x", branch=f"z9hG4bKx{t0}", from_tag=f"x{t0}")
    invite = x.request("INVITE", 1, sdp(src, 7000), headers=f"{header}: {d.call_id};to-tag={d.to_tag};from-tag={d.from_tag}\r\n")
    return s.send(t0 + 5, src, BOB, invite).send(t0 + 5.1, BOB, src, x.response(481, "No", "INVITE", 1)).send(t0 + 5.2, src, BOB, x.request("ACK", 1, to_tag="tt1"))


def sprayed(rounds, each=40, gap=2.2):
    """A call whose parties pause; from ever new sources a packet each at the port of one of them."""
    voice = media(ALICE, 4000, BOB, 6000, 5, START + 1.1, 1)
    late = [replace(p, t=p.t + 7) for p in media(ALICE, 4000, BOB, 6000, 5, START + 1.1, 1, seq=350)]
    answer = media(BOB, 6000, ALICE, 4000, 4, START + 13, 2)
    stray = [Packet(START + 7 + k * gap + n / 1e3, f"172.{16 + k // 256}.{k % 256}.{n + 1}", 1024 + n, BOB, 6000, rtp(n, 160 * n, 9 + k * each + n))
             for k in range(rounds) for n in range(each)]
    parts = [p for p in call(seconds=max(30, rounds * gap + 8), voice=False)] + voice + late + answer + stray
    return frames(sorted(parts, key=lambda p: p.t))


@feature("X40", "a spray from ever new sources shuts out nobody whom SDP named, and what it costs does not grow with it")
def spray_at_a_call(t):
    def named(records):
        streams = next(r for r in records if r["kind"] == "call")["streams"]
        return [(s["party"], s["packets"]) for s in streams if s["ssrc"] in ("0x00000001", "0x00000002")], len(streams)
    both = [("caller", 500), ("callee", 200)]
    t.equal("both parties, whole, and of the strangers half the room", named(t.read(sprayed(3))), (both, 10))
    began = time.monotonic()
    t.equal("of thousands", named(t.read(sprayed(500))), (both, 10))
    t.check("in the time of as many packets", time.monotonic() - began < 10)
    t.counter("without them there are two", named(t.read(sprayed(0))) == (both, 2))


def claimed(count, ends, answered=False):
    """A call whose media begins after others have named its ports in INVITEs of their own."""
    def lines(*at):
        return ("v=0\r\no=- 1 1 IN IP4 x\r\ns=-\r\nt=0 0\r\n" + "".join(f"m=audio {port} RTP/AVP 0\r\nc=IN IP4 {addr}\r\n" for addr, port in at)).encode()
    parts = call(seconds=12, voice=False) + media(ALICE, 4000, BOB, 6000, 5, START + 4, 1) + media(BOB, 6000, ALICE, 4000, 5, START + 4.01, 2)
    for n in range(count):
        d = Dialog(call_id=f"claim{n}@test", from_tag=f"c{n}", to_tag=f"d{n}", branch=f"z9hG4bKc{n}")
        parts.append(Packet(START + 2 + n / 100, EVIL, 5060, BOB, 5060, d.request("INVITE", 1, lines(*ends))))
        if answered:
            parts.append(Packet(START + 2.5 + n / 100, BOB, 5060, EVIL, 5060, d.response(200, "OK", "INVITE", 1, sdp(BOB, 6000))))
    return frames(sorted(parts, key=lambda p: p.t))


@feature("X40", "ever new SSRCs under a party's own address shut out nobody who speaks later")
def spray_of_numbers(t):
    def heard(junk, each=1):
        parts = call(seconds=20, voice=False) + media(ALICE, 4000, BOB, 6000, 5, START + 1.1, 1) + media(BOB, 6000, ALICE, 4000, 5, START + 6, 2)
        parts += [Packet(START + 2 + n / 100 + k / 1e3, BOB, 6000, ALICE, 4000, rtp(5 + k, 160 * k, 0x9000 + n)) for n in range(junk) for k in range(each)]
        r, = t.read(frames(sorted(parts, key=lambda p: p.t)))
        return r["quality"]["one_way"], sorted(s["packets"] for s in r["streams"])[-2:], len(r["streams"])
    t.equal("a packet each", heard(100), (False, [250, 250], 16))
    t.equal("ten each", heard(100, 10), (False, [250, 250], 16))
    t.counter("without them there are two", heard(0) == (False, [250, 250], 2))


@feature("X40", "who names the ports of others in INVITEs that nobody answers takes no media from their call")
def claimed_ports(t):
    def owners(records):
        return sorted((r["call_id"], s["party"], s["packets"]) for r in records for s in r["streams"])
    whole = [("c1@test", "callee", 250), ("c1@test", "caller", 250)]
    for count in (1, 4, 30):
        for what, ends in (("one end", [(BOB, 6000)]), ("both ends", [(BOB, 6000), (ALICE, 4000)])):
            t.equal(f"{count} name {what}", owners(t.read(claimed(count, ends))), whole)
    t.counter("the next call on these ports, answered, has them", owners(t.read(claimed(1, [(ALICE, 4000)], answered=True))) != whole)


@feature("G06", "INVITE with Replaces or Join by somebody who has no part in anything is a finding; media from an address never signalled is one and stays out")
def joined(t):
    for header in ("Replaces", "Join"):
        f = only(t, header, taken_over(EVIL, header), "intrusion")
        t.equal(f"{header}: what it says", (f["severity"], f["src_ip"], f["dst_ip"], f["samples"], len(f["calls"])), ("critical", EVIL, BOB, [header], 1))
    quiet(t, "of a call that there is not", [replace(p, data=p.data.replace(b"Replaces: c0", b"Replaces: c9")) for p in taken_over(EVIL).packets])
    quiet(t, "without the header", taken_over(EVIL, "X-Replaces"))
    quiet(t, "by a party of the call", taken_over(ALICE))
    known = Scene().ask(-2, "REGISTER", src=EVIL, dst=BOB, code=200).packets
    quiet(t, "by a phone that is registered", taken_over(EVIL, before=known))
    flaps(t, "intrusion", lambda t0: taken_over(EVIL, t0=t0), "intrusion")
    packets = injected(noise((EVIL, 7777), B_MEDIA, 0x666, 2, 4))
    f = only(t, "media", packets, "rtp_injection")
    t.equal("from the address", (f["src_ip"], f["samples"]), (EVIL, ["rtp_source"]))
    clean(t, "foreign audio", Recorded(t, packets))
    named = story(12, say(A_MEDIA, B_MEDIA, 1, 0, 6), say((EVIL, 7777), B_MEDIA, 3, 6, 12), BACK)
    moved = Dialog().request("INVITE", 3, sdp(EVIL, 7777), to_tag="tt1", branch="z9hG4bKre"), Dialog().response(200, "OK", "INVITE", 3, sdp(BOB, 6000), branch="z9hG4bKre"), Dialog().request("ACK", 3, branch="z9hG4bKre2")
    named += [Packet(MEDIA + 5.9 + n * 0.02, *((ALICE, 5060, BOB, 5060) if n != 1 else (BOB, 5060, ALICE, 5060)), m, kind="sip") for n, m in enumerate(moved)]
    quiet(t, "from an address that a re-INVITE named", named)
    r = Recorded(t, named)
    in_step(t, "and is heard", r, 12)


# ---- X46

@feature("X46", "a spoofed BYE does not end the recording: it goes on for as long as the call does")
def bye(t):
    d = Dialog()
    def told(src):
        text = d.request("BYE", 2).replace(b"Via: SIP/2.0/UDP 10.0.0.1", b"Via: SIP/2.0/UDP " + src.encode())
        return [Packet(MEDIA + 4, src, 5060, BOB, 5060, text, kind="sip"),
                Packet(MEDIA + 4.01, BOB, 5060, src, 5060, d.response(200, "OK", "BYE", 2), kind="sip")]
    r = Recorded(t, injected(told(EVIL)))
    clean(t, "after it", r)
    t.equal("remembered, and the call is whole", (r.record["spoofed_bye"]["src"], r.record["end_reason"], round(r.record["duration_ms"], -2)), (f"{EVIL}:5060", "bye", 12500))
    f = only(t, "a finding", injected(told(EVIL)), "spoofed_teardown")
    t.equal("of the stranger", f["src_ip"], EVIL)
    last = Recorded(t, [p for p in injected(told(EVIL)) if p.t < MEDIA + 4.02])
    t.check("when the media ends there, so does the recording", abs(last.seconds - 4.02) < 0.04 and last.record["spoofed_bye"] is None)
    party = Recorded(t, injected(told(ALICE)))
    t.counter("a BYE of the party is spoofed", party.record["spoofed_bye"] is None and abs(party.record["duration_ms"] - 4050) < 5)
