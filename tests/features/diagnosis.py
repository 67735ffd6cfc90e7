"""H10: what was wrong with a call whose sound went one way only, or not at all, and what is not to be blamed on it."""
from craft import *
from feature import feature

PUBLIC_A, PUBLIC_B, PROXY = "198.51.100.10", "203.0.113.20", "203.0.113.5"


def labels(record, *only):
    return [x for x in record["diagnosis"] if not only or x["label"] in only]


def names(record):
    return [x["label"] for x in record["diagnosis"]]


def spoken(seconds=15.0, d=None, a=True, b=True, a_pt=0, b_pt=0, a_payload=None, b_payload=None, **more):
    """A call with sound of the given sides."""
    d = d or Dialog()
    packets = call(d, seconds, voice=False, **more)
    if a:
        packets += media(d.a, 4000, d.b, 6000, seconds, START + 1.05, 0x1111, pt=a_pt)
    if b:
        packets += media(d.b, 6000, d.a, 4000, seconds, START + 1.06, 0x2222, pt=b_pt)
    return sorted(packets, key=lambda p: p.t)


def one(t, packets, *options):
    return t.read(frames(packets), *options)[0]


def blamed(t, what, record, label, direction, cause):
    """The one label about silence, its fields, its sentence."""
    found = labels(record, "one_way", "no_rtp", "capture_one_sided")
    t.equal(f"{what}: label", [(x["label"], x["direction"], x["cause"]) for x in found], [(label, direction, cause)])
    t.check(f"{what}: from the answer to the end: {found[0]}", abs(found[0]["from_ms"]) <= 1000 and
            abs(found[0]["to_ms"] - record["duration_ms"]) <= 1000)
    t.check(f"{what}: a sentence: {record['summary']}", record["summary"])
    return found[0]


@feature("H10", "one-way audio and no audio, with the probable cause")
def causes(t):
    private(t)
    nothing(t)
    codec(t)
    muted(t)
    silent(t)
    refused(t)
    not_blamed(t)
    one_sided_tap(t)


def private(t):
    d = Dialog(a=PUBLIC_A, b=PUBLIC_B)
    inside = sdp("192.168.1.7", 4000)
    r = one(t, spoken(d=d, b=False, offer=inside))
    x = blamed(t, "private SDP", r, "one_way", "callee_to_caller", "private_address")
    t.equal("private SDP: evidence", (x["evidence"]["announced"], x["evidence"]["sends_from"]),
            ("192.168.1.7:4000", f"{PUBLIC_A}:4000"))
    t.check(f"private SDP: sentence {r['summary']}", "A did not hear B" in r["summary"] and "192.168.1.7" in r["summary"])
    t.equal("media points", [(p["party"], p["media"]["ip"] if isinstance(p["media"], dict) else p["media"], p["direction"])
                             for p in r["media_points"]],
            [("caller", "192.168.1.7:4000", "sendrecv"), ("callee", f"{PUBLIC_B}:6000", "sendrecv")])
    whole = one(t, spoken(d=d, offer=sdp(PUBLIC_A, 4000)))
    t.counter(f"both sides heard each other: {names(whole)}", names(whole) == [] and whole["summary"] is None)
    at_home = one(t, spoken(b=False, offer=sdp("10.0.0.1", 4000)))  # private, but so is the signalling
    t.counter("a private address within a private network is no cause", labels(at_home, "one_way")[0]["cause"] == "firewall")


def nothing(t):
    r = one(t, spoken(a=False))
    x = blamed(t, "firewall", r, "one_way", "caller_to_callee", "firewall")
    t.equal("firewall: side", x["side"], "before_tap")
    t.check(f"firewall: sentence {r['summary']}", "B did not hear A" in r["summary"] and "firewall" in r["summary"])
    # the receiver says that it gets nothing: sure, whatever else the tap sees
    empty = struct.pack("!BBHIIIIII", 0x80, 200, 6, 0x2222, 1, 2, 3, 4, 5)
    said = spoken(a=False) + [Packet(START + 6, BOB, 6001, ALICE, 4001, empty, kind="rtcp")]
    blamed(t, "firewall with reports", one(t, sorted(said, key=lambda p: p.t)), "one_way", "caller_to_callee", "firewall")


def codec(t):
    r = one(t, spoken(a_pt=97))
    x = blamed(t, "codec", r, "one_way", "caller_to_callee", "codec")
    t.equal("codec: evidence", x["evidence"]["payload_type"], 97)
    t.check(f"codec: sentence {r['summary']}", "payload type 97" in r["summary"])
    t.equal("codec: its packets", [x["evidence"]["payload_type"] for x in labels(r, "payload_mismatch")], [97])
    named = one(t, spoken(a_pt=97, answer=sdp(BOB, 6000, pt=97, name="PCMU/8000")))
    t.counter(f"a type that was announced is no mismatch: {names(named)}", not labels(named, "one_way", "payload_mismatch"))


def muted(t):
    r = one(t, spoken(a=False, offer=sdp(ALICE, 4000, "a=recvonly\r\n"), answer=sdp(BOB, 6000, "a=sendonly\r\n")))
    x = blamed(t, "muted by SDP", r, "one_way", "caller_to_callee", "muted")
    t.equal("muted by SDP: evidence", x["evidence"]["sdp_direction"], "recvonly")
    noise = [replace(p, data=p.data[:1] + b"\x0d" + p.data[2:12] + b"\x40") for p in
             media(ALICE, 4000, BOB, 6000, 15, START + 1.05, 0x1111)[::10]]
    r = one(t, sorted(spoken(a=False, offer=sdp(ALICE, 4000).replace(b"AVP 0", b"AVP 0 13"),
                             answer=sdp(BOB, 6000).replace(b"AVP 0", b"AVP 0 13")) + noise, key=lambda p: p.t))
    x = blamed(t, "comfort noise", r, "one_way", "caller_to_callee", "muted")
    t.check(f"comfort noise: evidence {x['evidence']}", x["evidence"]["noise_packets"] > 50)


def silent(t):
    r = one(t, spoken(a=False, b=False))
    blamed(t, "nobody", r, "no_rtp", None, "firewall")
    t.check(f"nobody: sentence {r['summary']}", r["summary"].startswith("nobody heard anybody"))
    t.check("nobody: and as a flag", r["quality"]["no_rtp"])


def unreachable(p, t=0.002, code=3, v6=False):
    """What the host at the other end says about a datagram that it does not want; it quotes the beginning."""
    quoted = ip(p)[:28 + 12] if not v6 else ip(p)[:48 + 12]
    body = struct.pack("!BBHI", 1 if v6 else 3, 4 if v6 else code, 0, 0) + quoted
    return Packet(p.t + t, p.dst, 0, p.src, 0, body, proto=58 if v6 else 1, kind="icmp")


def refused(t):
    """B sends, but its own port is closed: what A says does not arrive, once a second somebody says so."""
    whole = spoken()
    of_a = [p for p in whole if p.kind == "rtp" and p.src == ALICE]
    said = [unreachable(p) for p in of_a[::50]]
    mix = lambda packets: sorted(packets, key=lambda p: p.t)
    r = one(t, mix(whole + said))
    x = blamed(t, "refused", r, "one_way", "caller_to_callee", "refused")
    t.equal("refused: evidence", {k: x["evidence"][k] for k in ("refused_at", "unreachable", "said_by", "icmp")},
            {"refused_at": f"{BOB}:6000", "unreachable": "port", "said_by": BOB, "icmp": len(said)})
    t.equal("refused: sentence", r["summary"], "B did not hear A: what was sent to 10.0.0.2:6000 did not arrive, ICMP says port unreachable")
    t.equal("refused: as it came", [(u["what"], u["reason"], u["src"], u["dst"], u["by"], u["count"]) for u in r["unreachable"]],
            [("media", "port", f"{ALICE}:4000", f"{BOB}:6000", BOB, len(said))])
    alone = one(t, mix([p for p in whole if p.src == ALICE or p.kind == "sip"] + said))
    x = blamed(t, "refused, and B is not there at all", alone, "no_rtp", None, "refused")
    t.equal("whose sound it was", x["evidence"]["speaker"], "caller")
    filtered = one(t, mix(whole + [unreachable(p, code=13) for p in of_a[::50]]))
    t.equal("by a filter", labels(filtered, "one_way")[0]["evidence"]["unreachable"], "prohibited")
    six = spoken(d=Dialog(a="2001:db8::1", b="2001:db8::2"))
    said6 = [unreachable(p, v6=True) for p in six if p.kind == "rtp" and p.src == "2001:db8::1"][::50]
    blamed(t, "refused, IPv6", one(t, mix(six + said6)), "one_way", "caller_to_callee", "refused")
    for what, packets in {"the first second only": said[:2], "after the end": said[-2:], "somebody else's": [replace(p, dst="10.0.0.9") for p in said],
                          "time exceeded": [replace(p, data=b"\x0b" + p.data[1:]) for p in said]}.items():
        r = one(t, mix(whole + packets))
        t.counter(f"{what} is no refusal: {names(r)}", names(r) == [])
    invite = next(p for p in whole if p.kind == "sip")
    r = one(t, mix(whole + [unreachable(replace(invite, t=invite.t + 0.001))]))
    t.equal("a message that is quoted too short for its call", r["unreachable"], [])
    full = Packet(invite.t + 0.003, BOB, 0, ALICE, 0, struct.pack("!BBHI", 3, 3, 0, 0) + ip(invite)[:548], proto=1)
    r = one(t, mix(whole + [full]))
    t.equal("a message", [(u["what"], u["reason"], u["src"], u["dst"], u["count"]) for u in r["unreachable"]],
            [("sip", "port", f"{ALICE}:5060", f"{BOB}:5060", 1)])


def held(seconds=30.0):
    """B puts A on hold for all but the last seconds and sends music; A is silent meanwhile, and speaks at the end."""
    d = Dialog()
    packets = call(d, seconds, voice=False)
    hold = [(3.0, sdp(ALICE, 4000, "a=sendonly\r\n"), sdp(BOB, 6000, "a=recvonly\r\n")),
            (seconds - 4.0, sdp(ALICE, 4000), sdp(BOB, 6000))]
    for n, (after, offer, answer) in enumerate(hold):
        at, cseq = START + 1 + after, 20 + n
        packets += [Packet(at, d.a, 5060, d.b, 5060, d.request("INVITE", cseq, offer, d.to_tag, branch=f"z9hG4bKh{n}"), kind="sip"),
                    Packet(at + .05, d.b, 5060, d.a, 5060, d.response(200, "OK", "INVITE", cseq, answer, branch=f"z9hG4bKh{n}"), kind="sip"),
                    Packet(at + .1, d.a, 5060, d.b, 5060, d.request("ACK", cseq, branch=f"z9hG4bKha{n}"), kind="sip")]
    packets += media(d.a, 4000, d.b, 6000, seconds, START + 1.05, 0x1111)
    return sorted(packets, key=lambda p: p.t)


def not_blamed(t):
    """What looks alike and is nothing of the kind."""
    quiet = ("one_way", "no_rtp")
    cases = {
        "a call that is too short": spoken(4.0, a=False),
        "early media only": [p for p in spoken(a=False, seconds=4.0) if p.kind == "sip"] +
        media(BOB, 6000, ALICE, 4000, 0.7, START + 0.3, 0x2222),
        "picked up in the middle": [p for p in spoken(a=False) if p.t > START + 1.5],
        "a hold": held(),
    }
    for what, packets in cases.items():
        r = t.read(frames(packets))
        t.check(f"{what}: {[names(x) for x in r]}", not any(labels(x, *quiet) for x in r))
    longer = one(t, spoken(15.0, a=False))
    t.counter("the same for long enough", labels(longer, *quiet))
    off = one(t, spoken(15.0, a=False), "--set", "diagnosis.one_way=0")
    t.counter("the threshold is a setting", not labels(off, *quiet))
    later = one(t, spoken(15.0, a=False), "--set", "diagnosis.one_way=20")
    t.counter("and it counts", not labels(later, *quiet))


def many(seconds, back):
    """Six calls of one telephone system at 10.0.0.2 with telephones of their own; `back`: what they send is seen, too."""
    packets = []
    for n in range(6):
        d = Dialog(a=f"10.0.1.{n + 1}", call_id=f"m{n}@test", from_tag=f"f{n}", to_tag=f"t{n}", branch=f"z9hG4bKm{n}")
        start = START + n * (seconds + 5)
        packets += call(d, seconds, a_media=4000, b_media=6000 + 2 * n, start=start, voice=False)
        packets += media(BOB, 6000 + 2 * n, d.a, 4000, seconds, start + 1.06, 0x2200 + n)
        if back(n):
            packets += media(d.a, 4000, BOB, 6000 + 2 * n, seconds, start + 1.05, 0x1100 + n)
    return sorted(packets, key=lambda p: p.t)


def one_sided_tap(t):
    """A mirror of one direction: no fault of the calls."""
    found = [names(r) for r in t.read(frames(many(12.0, lambda n: False)))]
    t.equal("from the fourth call on the tap is to blame", found[3:], [["capture_one_sided"]] * 3)
    x = labels(t.read(frames(many(12.0, lambda n: False)))[5])[0]
    t.equal("capture_one_sided", (x["side"], x["direction"]), ("at_tap", "caller_to_callee"))
    found = [names(r) for r in t.read(frames(many(12.0, lambda n: n != 5)))]
    t.counter(f"one of six calls: the call is to blame: {found}", found == [[]] * 5 + [["one_way"]])
    # a receiver's report about the stream that nobody sees: sure with the first call
    block = struct.pack("!IIIIII", 0x1111, 0, 400, 10, 0, 0)
    report = struct.pack("!BBHIIIIII", 0x81, 200, 12, 0x2222, 1, 2, 3, 4, 5) + block
    packets = spoken(a=False) + [Packet(START + 6, BOB, 6001, ALICE, 4001, report, kind="rtcp")]
    r = one(t, sorted(packets, key=lambda p: p.t))
    t.equal("reports of what did not pass here", [(x["label"], x["direction"]) for x in r["diagnosis"]],
            [("capture_one_sided", "caller_to_callee")])
