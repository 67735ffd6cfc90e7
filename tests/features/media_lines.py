"""E04 to E08, I02, I11, I12, I15: what SDP says about media and what the packets then do."""
from craft import *
from feature import feature

A, B = ALICE, BOB
AUDIO = "m=audio {port} RTP/AVP {pts}\r\n{lines}"


def session(addr, *lines, c=True):
    family = "IP6" if ":" in addr else "IP4"
    head = f"v=0\r\no=- 1 1 IN {family} {addr}\r\ns=-\r\n" + (f"c=IN {family} {addr}\r\n" if c else "") + "t=0 0\r\n"
    return (head + "".join(x + "\r\n" for x in lines)).encode()


def answered(offer, answer, packets=(), late=False, early=False):
    """A call of 4 s; late offer: SDP in 200 and ACK; early answer: in 183."""
    d = Dialog()
    invite, ok, ack = (b"", offer, answer) if late else (offer, b"" if early else answer, b"")
    steps = [(0, True, d.request("INVITE", 1, invite)), (0.05, False, d.response(100, "Trying", "INVITE", 1, tag=False)),
             (0.3, False, d.response(183, "Session Progress", "INVITE", 1, answer) if early else d.response(180, "Ringing", "INVITE", 1)),
             (1.0, False, d.response(200, "OK", "INVITE", 1, ok)), (1.02, True, d.request("ACK", 1, ack)),
             (5, True, d.request("BYE", 2)), (5.01, False, d.response(200, "OK", "BYE", 2))]
    sip = [Packet(START + at, *((A, 5060, B, 5060) if forth else (B, 5060, A, 5060)), text, ipid=100 + n, kind="sip")
           for n, (at, forth, text) in enumerate(steps)]
    return sorted(sip + list(packets), key=lambda p: p.t)


def voice(aport=4000, bport=6000, apt=0, bpt=0, a=A, b=B, seconds=2.0, at=1.1):
    return media(a, aport, b, bport, seconds, START + at, 0x1111, apt) + media(b, bport, a, aport, seconds, START + at + 0.01, 0x2222, bpt)


def one(t, packets):
    got = [r for r in t.read(frames(packets)) if r["kind"] == "call"]
    t.equal("one call", len(got), 1)
    return got[0]


def bound(r):
    """(party, codec, confidence) of its streams."""
    return sorted((s["party"], s["codec"], s["confidence"]) for s in r["streams"])


BOTH = [("callee", "PCMU", "sdp"), ("caller", "PCMU", "sdp")]


# ---- E04

@feature("E04", "offer and answer: in INVITE and 200, late in 200 and ACK, early in 183; addresses of the session and of a line")
def offer_answer(t):
    plain = "m=audio {} RTP/AVP 0 8"
    offer, answer = session(A, plain.format(4000)), session(B, plain.format(6000))
    own = session("192.0.2.99", plain.format(4000), f"c=IN IP4 {A}")
    for what, packets in (("INVITE and 200", answered(offer, answer, voice())), ("late", answered(offer, answer, voice(), late=True)),
                          ("early", answered(offer, answer, voice(), early=True)), ("c= of the line", answered(own, answer, voice())),
                          ("c= of the line alone", answered(session(A, plain.format(4000), f"c=IN IP4 {A}", c=False), answer, voice()))):
        r = one(t, packets)
        # a late offer is the callee's, and what it announces is the callee's
        wanted = BOTH if what != "late" else None
        if wanted:
            t.equal(f"{what}: streams", bound(r), wanted)
        t.equal(f"{what}: media", [(m["type"], m["state"], m["offered"], m["agreed"]) for m in r["media"]], [("audio", "active", "PCMU,PCMA", "PCMU,PCMA")])
    elsewhere = one(t, answered(session("192.0.2.99", plain.format(4000)), answer, voice()))
    t.counter("another address in SDP changes nothing", bound(elsewhere) != BOTH)


@feature("E04", "rtpmap, fmtp, ptime, direction, label, several m= lines, rtcp and rtcp-mux, BUNDLE")
def attributes(t):
    offer = session(A, "a=group:BUNDLE a v", "m=audio 4000 RTP/AVP 111 0", "a=mid:a", "a=label:1", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=1",
                    "a=ptime:40", "a=rtcp-mux", "m=video 4000 RTP/AVP 96", "a=mid:v", "a=rtpmap:96 VP8/90000", "a=sendonly", "b=AS:256", "a=ssrc:4369 cname:x")
    answer = session(B, "a=group:BUNDLE a v", "m=audio 6000 RTP/AVP 111", "a=mid:a", "a=rtpmap:111 opus/48000/2", "a=ptime:40", "a=rtcp-mux",
                     "m=video 6000 RTP/AVP 96", "a=mid:v", "a=rtpmap:96 VP8/90000", "a=recvonly")
    sound = media(A, 4000, B, 6000, 2.0, START + 1.1, 0x1234, 111) + media(B, 6000, A, 4000, 2.0, START + 1.1, 0x2345, 111)
    picture = media(A, 4000, B, 6000, 2.0, START + 1.105, 0x3456, 96)
    r = one(t, answered(offer, answer, sound + picture))
    t.equal("lines", [(m["type"], m["state"], m["agreed"], m["direction"], m["label"], m["ptime_ms"]) for m in r["media"]],
            [("audio", "active", "opus", "sendrecv", "1", 40), ("video", "active", "VP8", "recvonly", "v", None)])
    t.equal("one port, told apart by payload type", sorted((s["party"], s["media_type"], s["codec"]) for s in r["streams"]),
            [("callee", "audio", "opus"), ("caller", "audio", "opus"), ("caller", "video", "VP8")])
    bare = one(t, answered(offer.replace(b"a=rtpmap:111 opus/48000/2\r\n", b""), answer.replace(b"a=rtpmap:111 opus/48000/2\r\n", b""), sound + picture))
    t.counter("opus without an rtpmap", all(s["codec"] != "opus" for s in bare["streams"]))


@feature("E04", "RTCP on a port of its own, where a=rtcp says")
def rtcp_port(t):
    report = Packet(START + 3, A, 4777, B, 6001, struct.pack("!BBHI", 0x80, 201, 1, 0x1111) + struct.pack("!BBHIBB", 0x81, 202, 3, 0x1111, 1, 4) + b"dana" + b"\0\0", kind="rtcp")
    offer, answer = session(A, "m=audio 4000 RTP/AVP 0", "a=rtcp:4777"), session(B, "m=audio 6000 RTP/AVP 0")
    def reports(offer):
        r = one(t, answered(offer, answer, voice() + [report]))
        return [s["rtcp"] is not None and s["rtcp"]["receiver_reports"] for s in r["streams"] if s["party"] == "callee" or s["party"] == "caller"]
    with_ = one(t, answered(offer, answer, voice() + [report]))
    t.equal("streams", bound(with_), BOTH)
    kinds = [r["kind"] for r in t.read(frames(answered(offer, answer, voice() + [report])))]
    t.equal("the report belongs to the call", kinds, ["call"])
    stray = [Packet(p.t, p.src, 4999, p.dst, 7001, p.data, kind="rtcp") for p in [report]]
    counters = t.counters_of(frames(answered(offer, answer, voice() + stray)))
    t.counter("an RTCP packet between ports that nobody named is taken for the call's",
              t.counters_of(frames(answered(offer, answer, voice() + [report]))) != counters)


# ---- E05

@feature("E05", "five codecs offered, one used; another one in each direction")
def used_codec(t):
    names = "a=rtpmap:8 PCMA/8000", "a=rtpmap:9 G722/8000", "a=rtpmap:18 G729/8000", "a=rtpmap:3 GSM/8000"
    offer = session(A, "m=audio 4000 RTP/AVP 0 8 9 18 3", *names)
    answer = session(B, "m=audio 6000 RTP/AVP 8 0", names[0])
    r = one(t, answered(offer, answer, voice(apt=8, bpt=8)))
    t.equal("offered and agreed", [(m["offered"], m["agreed"]) for m in r["media"]], [("PCMU,PCMA,G722,G729,GSM", "PCMA,PCMU")])
    t.equal("used", bound(r), [("callee", "PCMA", "sdp"), ("caller", "PCMA", "sdp")])
    t.equal("and what was agreed stands with the stream", {tuple(sorted(s["negotiated"].split(","))) for s in r["streams"]}, {("PCMA", "PCMU")})
    mixed = one(t, answered(offer, answer, voice(apt=0, bpt=8)))
    t.equal("one in each direction", bound(mixed), [("callee", "PCMA", "sdp"), ("caller", "PCMU", "sdp")])
    t.counter("both directions alike", bound(mixed) != bound(r))


# ---- E06

@feature("E06", "media by announced addresses, by a learned one behind NAT, by none: with the confidence said")
def confidence(t):
    offer, answer = session(A, "m=audio 4000 RTP/AVP 0"), session(B, "m=audio 6000 RTP/AVP 0")
    direct = one(t, answered(offer, answer, voice()))
    t.equal("announced", bound(direct), BOTH)
    behind = media("198.51.100.7", 40123, B, 6000, 2.0, START + 1.1, 0x1111) + media(B, 6000, "198.51.100.7", 40123, 2.0, START + 1.11, 0x2222)
    nat = one(t, answered(offer, answer, behind))
    t.equal("learned", [(s["party"], s["confidence"]) for s in sorted(nat["streams"], key=lambda s: s["party"])][-1], ("caller", "learned"))
    t.check("both directions", {s["party"] for s in nat["streams"]} == {"caller", "callee"})
    strangers = [r["kind"] for r in t.read(frames(answered(offer, answer, media("203.0.113.5", 9000, "203.0.113.6", 9002, 2.0, START + 1.1, 0x77))))]
    t.equal("no SDP names it", sorted(strangers), ["call", "orphan"])
    t.counter("the same confidence everywhere", bound(nat) != bound(direct))


# ---- E07

@feature("E07", "video declined with port 0: shown as declined, audio goes on as usual")
def declined(t):
    offer = session(A, "m=audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 96", "a=rtpmap:96 H264/90000")
    no = session(B, "m=audio 6000 RTP/AVP 0", "m=video 0 RTP/AVP 96")
    yes = session(B, "m=audio 6000 RTP/AVP 0", "m=video 6002 RTP/AVP 96", "a=rtpmap:96 H264/90000")
    r = one(t, answered(offer, no, voice()))
    t.equal("lines", [(m["type"], m["state"], m["added_at"] is None) for m in r["media"]], [("audio", "active", False), ("video", "declined", True)])
    t.equal("audio", bound(r), BOTH)
    t.counter("declined although it was accepted", [m["state"] for m in one(t, answered(offer, yes, voice()))["media"]] == ["active", "active"])


# ---- E08

@feature("E08", "RTP without any signalling: an orphan with its quality")
def orphan(t):
    got = t.read(frames(voice(seconds=4.0)))
    t.equal("kinds", [r["kind"] for r in got], ["orphan"])
    t.equal("streams", sorted((s["packets"], s["lost"], s["orphan"], s["codec"]) for s in got[0]["streams"]), [(200, 0, True, "PCMU")] * 2)
    t.check("quality", got[0]["quality"]["mos_min"] > 4.3)
    noise = [Packet(p.t, p.src, p.sport, p.dst, p.dport, bytes([0x80]) + bytes((7 * n + 31 * i) & 255 for i in range(171))) for n, p in enumerate(voice())]
    t.counter("anything that begins with 0x80 is one", t.read(frames(noise)) == [])


# ---- I

@feature("I02", "a video call: both lines, both kinds of streams; SRTP is labelled")
def video_call(t):
    rtpmap = "a=rtpmap:96 H264/90000"
    offer = session(A, "m=audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 96", rtpmap)
    answer = session(B, "m=audio 6000 RTP/AVP 0", "m=video 6002 RTP/AVP 96", rtpmap)
    picture = media(A, 4002, B, 6002, 3.0, START + 1.1, 0x3333, 96) + media(B, 6002, A, 4002, 3.0, START + 1.1, 0x4444, 96)
    both = answered(offer, answer, voice() + picture)
    r = one(t, both)
    t.equal("streams", sorted((s["media_type"], s["codec"]) for s in r["streams"]), [("audio", "PCMU")] * 2 + [("video", "H264")] * 2)
    path = t.path()
    write(path, frames(both))
    row = t.run("read", path).stdout.splitlines()[1]
    scores = row.split()[-2].split("/")
    t.check(f"the table tells of the sound, however many packets pictures have: {row}", row.split()[-5] == "PCMU" and "-" not in scores)
    met = [t.counters_of(path, "--set", f"limits.call_streams={n}") for n in (16, 2)]
    t.equal("packets beyond the streams of a call", [(m["earshot_rtp_call_streams_over_limit_total"] > 0, m["earshot_rtp_streams_over_limit_total"]) for m in met], [(False, 0), (True, 0)])
    key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40
    secure = one(t, answered(session(A, "m=audio 4000 RTP/SAVP 0", key), session(B, "m=audio 6000 RTP/SAVP 0", key), voice()))
    t.equal("labelled", {s["srtp"] for s in secure["streams"]}, {True})
    t.counter("plain RTP is called SRTP", {s["srtp"] for s in r["streams"]} == {False})


@feature("I11", "sessions of any kind: m= types that we know nothing of are listed, BFCP among them")
def other_sessions(t):
    offer = session(A, "m=audio 4000 RTP/AVP 0", "m=application 50000 UDP/BFCP *", "m=x-game 7000 udp 1")
    answer = session(B, "m=audio 6000 RTP/AVP 0", "m=application 50002 UDP/BFCP *", "m=x-game 0 udp 1")
    r = one(t, answered(offer, answer, voice()))
    t.equal("lines", [(m["type"], m["proto"], m["state"]) for m in r["media"]],
            [("audio", "RTP/AVP", "active"), ("application", "UDP/BFCP", "active"), ("x-game", "udp", "declined")])
    t.equal("the voice", bound(r), BOTH)
    t.counter("lines that nobody offered", len(one(t, answered(session(A, "m=audio 4000 RTP/AVP 0"), session(B, "m=audio 6000 RTP/AVP 0"), voice()))["media"]) == 1)


@feature("I12", "a call between two hosts of a network, without a registrar or proxy")
def peer_to_peer(t):
    d = Dialog(a="192.168.1.20", b="192.168.1.30", to_user="door")
    r = [x for x in t.read(frames(call(d, seconds=3.0)))]
    t.equal("the call", [(x["kind"], x["to"]["user"], x["outcome"], x["duration_ms"], len(x["streams"])) for x in r], [("call", "door", "answered", 3000, 2)])
    t.counter("without its INVITE and answer it is the same call", t.read(frames([p for p in call(d, seconds=3.0) if p.kind == "rtp"]))[0]["kind"] == "orphan")
