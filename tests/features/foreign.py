"""Group J and SigComp of D09: signalling that is not SIP. MGCP and H.323 become calls, the rest is recognised and counted."""
import os, wave

from craft import *
from feature import feature


def unsupported(t, packets):
    """{proto: flows} of earshot_unsupported_signalling_total."""
    word = 'earshot_unsupported_signalling_total{proto="'
    return {k[len(word):-2]: int(v) for k, v in t.counters_of(frames(packets)).items() if k.startswith(word) and v}


def udp(at, src, dst, data):
    return Packet(at, *src, *dst, data)


def numbered(packets):
    out = sorted(packets, key=lambda p: p.t)
    for n, p in enumerate(out):
        p.ipid = n + 1
    return out


# ---- J03

AGENT, GATE_A, GATE_B = ("10.0.0.9", 2727), (ALICE, 2427), (BOB, 2427)


def mgcp_call(voice=True, described=True, refused=False, change=lambda text: text):
    """RFC 3435: connections at both gateways, ringing, both ways, hook, statistics. Media as in call()."""
    a = b"\r\n" + sdp(ALICE, 4000) if described else b""
    b = b"\r\n" + sdp(BOB, 6000) if described else b""
    end = START + 3
    said = [(0, AGENT, GATE_A, b"CRCX 1 aaln/1@a.example MGCP 1.0\r\nC: 77\r\nL: p:20, a:PCMU\r\nM: recvonly\r\n"),
            (.02, GATE_A, AGENT, b"200 1 OK\r\nI: A1\r\n" + a),
            (.1, AGENT, GATE_B, b"CRCX 2 aaln/2@b.example MGCP 1.0\r\nC: 77\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n" + a),
            (.12, GATE_B, AGENT, b"502 2 No resources\r\n" if refused else b"200 2 OK\r\nI: B1\r\n" + b)]
    if refused:
        said += [(.2, AGENT, GATE_A, b"DLCX 3 aaln/1@a.example MGCP 1.0\r\nC: 77\r\nI: A1\r\n"), (.22, GATE_A, AGENT, b"250 3 OK\r\n")]
        return numbered([udp(START + at, src, dst, change(text)) for at, src, dst, text in said])
    said += [(.3, AGENT, GATE_B, b"RQNT 3 aaln/2@b.example MGCP 1.0\r\nX: 1\r\nR: L/hd(N)\r\nS: L/rg\r\n"),
             (.32, GATE_B, AGENT, b"200 3 OK\r\n"),
             (.9, GATE_B, AGENT, b"NTFY 901 aaln/2@b.example MGCP 1.0\r\nX: 1\r\nO: L/hd\r\n"),
             (.91, AGENT, GATE_B, b"200 901 OK\r\n"),
             (.98, AGENT, GATE_A, b"MDCX 4 aaln/1@a.example MGCP 1.0\r\nC: 77\r\nI: A1\r\nM: sendrecv\r\n" + b),
             (1, GATE_A, AGENT, b"200 4 OK\r\n"),
             (2.99, GATE_A, AGENT, b"NTFY 902 aaln/1@a.example MGCP 1.0\r\nX: 2\r\nO: L/hu\r\n"),
             (2.995, AGENT, GATE_A, b"200 902 OK\r\n"),
             (3, AGENT, GATE_A, b"DLCX 5 aaln/1@a.example MGCP 1.0\r\nC: 77\r\nI: A1\r\n"),
             (3.005, AGENT, GATE_B, b"DLCX 6 aaln/2@b.example MGCP 1.0\r\nC: 77\r\nI: B1\r\n"),
             (3.02, GATE_A, AGENT, b"250 5 OK\r\nP: PS=100, OS=16000, PR=99, OR=15840, PL=1, JI=5, LA=20\r\n"),
             (3.03, GATE_B, AGENT, b"250 6 OK\r\nP: PS=100, OS=16000, PR=100, OR=16000, PL=0, JI=4, LA=20\r\n")]
    packets = [udp(START + at, src, dst, change(text)) for at, src, dst, text in said]
    return numbered(packets + (call(sip=False) if voice else []))


def sound(folder):
    """(channels, rate, samples of the left, of the right) of the one recording there."""
    names = [n for n in os.listdir(folder) if n.endswith(".wav")]
    if len(names) != 1:
        return names
    with wave.open(os.path.join(folder, names[0])) as w:
        samples = struct.unpack(f"<{w.getnframes() * w.getnchannels()}h", w.readframes(w.getnframes()))
        return w.getnchannels(), w.getframerate(), samples[::2], samples[1::2]


def recorded(t, packets, *options):
    folder = t.path("recordings")
    return t.read(frames(packets), "--record", folder, *options), sound(folder)


@feature("J03", "MGCP: a call of CRCX, MDCX and DLCX, with parties, times and outcome")
def mgcp(t):
    got = t.read(frames(mgcp_call()))
    t.equal("records", [(r["kind"], r["call_id"], r["outcome"], r["end_reason"], r["released_by"], r["partial"]) for r in got],
            [("mgcp", "77", "answered", "bye", "caller", False)])
    r = got[0]
    t.equal("parties", [(r[k]["user"], r[k]["host"]) for k in ("from", "to")], [("aaln/1", "a.example"), ("aaln/2", "b.example")])
    ms = lambda at: round((datetime_of(r[at]) - START) * 1000)
    t.equal("times", [ms(k) for k in ("started_at", "ringing_at", "answered_at", "ended_at")], [0, 300, 1000, 3005])
    t.equal("messages", r["messages"], 16)
    t.check("what the gateways count is on the time line", any("PL=1" in (e["detail"] or "") for e in r["events"]))
    failed = t.read(frames(mgcp_call(refused=True)))
    t.equal("a refused connection", [(r["kind"], r["outcome"]) for r in failed], [("mgcp", "failed")])
    broken = mgcp_call(change=lambda text: text.replace(b"MGCP 1.0", b"MGCX 1.0"))
    t.differs(got, t.read(frames(broken)), "what is no MGCP makes calls")


def datetime_of(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@feature("J03", "MGCP: media bound by SDP, quality and recording as of the same call by SIP")
def mgcp_media(t):
    by_sip, sip_sound = recorded(t, call())
    got, heard = recorded(t, mgcp_call())
    pick = lambda r: sorted(((s["party"], s["src"], s["dst"], s["codec"], s["packets"], s["lost"], s["jitter_ms"], s["mos"],
                              s["confidence"]) for s in r["streams"]), key=lambda s: s[0])
    t.equal("streams and their quality", pick(got[0]), pick(by_sip[0]))
    t.equal("the call's", got[0]["quality"], by_sip[0]["quality"])
    t.equal("recording", [(r["recording"]["result"], r["recording"]["state"], r["recording"]["channels"]) for r in got],
            [("recorded", "ready", ["caller", "callee"])])
    t.equal("form of the sound", heard[:2], (2, 8000))
    for channel, name in ((2, "caller"), (3, "callee")):
        t.check(f"{name}: two seconds of sound, the same", len(heard[channel]) >= 15900 and max(heard[channel]) > 1000 and
                heard[channel] == sip_sound[channel])
    lossy = [p for n, p in enumerate(mgcp_call()) if not (p.sport == 4000 and n % 10 == 0)]
    worse = t.read(frames(lossy))[0]
    t.counter("loss does not show", worse["quality"]["mos_min"] < got[0]["quality"]["mos_min"] and worse["quality"]["loss_ratio"] > 0)
    blind, nothing = recorded(t, mgcp_call(described=False), "--no-orphans")
    t.counter("without SDP the media is bound and recorded", blind[0]["streams"] == [] and nothing == [])


# ---- J04

SETUP, PROCEEDING, ALERTING, CONNECT, RELEASE = 5, 2, 1, 7, 0x5a


def q931(type_, back, *elements, reference=0x11):
    body = struct.pack("!BBHB", 8, 2, reference | (0x8000 if back else 0), type_)
    body += b"".join(struct.pack("!BB", id_, len(x)) + x for id_, x in elements)
    body += struct.pack("!BH", 0x7e, 9) + b"\x05\x20\x80\x06\0\x08\x91\x4a\0"  # user-user, as H.225.0 has it
    return struct.pack("!HH", 0x0300, len(body) + 4) + body


def digits(number):
    return b"\x81" + number.encode()


def h323_call(ends=(RELEASE, False, 16), answered=True, mss=1400, voice=True, change=lambda x: x, port=1720):
    c = Tcp(ALICE, 33000, BOB, port)
    c.say(START, 0, change(q931(SETUP, False, (4, b"\x80\x90\xa5"), (0x28, b"Alice"), (0x6c, digits("1001")), (0x70, digits("2002")))), mss)
    c.say(START + .05, 1, change(q931(PROCEEDING, True)), mss)
    c.say(START + .3, 1, change(q931(ALERTING, True)), mss)
    if answered:
        c.say(START + 1, 1, change(q931(CONNECT, True, (0x28, b"Bob"))), mss)
    type_, back, cause = ends
    c.say(START + 3, 1 if back else 0, change(q931(type_, back, (8, bytes([0x80, 0x80 | cause])))), mss)
    c.close(START + 3.1)
    return sorted(c.packets + (call(sip=False) if voice else []), key=lambda p: p.t)


@feature("J04", "H.323: setup, alerting, connect and release give a call with numbers and times")
def h323(t):
    packets = h323_call()
    got = t.read(frames(packets))
    calls = [r for r in got if r["kind"] == "h323"]
    t.equal("outcome", [(r["outcome"], r["released_by"], r["q850_cause"], r["messages"], r["transport"]) for r in calls],
            [("answered", "caller", 16, 5, "tcp")])
    r = calls[0]
    t.equal("caller and called", (r["from"]["user"], r["to"]["user"]), ("1001", "2002"))
    t.equal("ends", (r["src"], r["dst"]), (f"{ALICE}:33000", f"{BOB}:1720"))
    t.equal("times", [round((datetime_of(r[k]) - START) * 1000) for k in ("started_at", "ringing_at", "answered_at", "ended_at")],
            [0, 300, 1000, 3000])
    t.equal("duration", r["duration_ms"], 2000)
    t.equal("media beside it, not bound", [(x["kind"], len(x["streams"])) for x in got if x is not r], [("orphan", 2)])
    t.equal("counted as unsupported", unsupported(t, packets), {})
    for size in (5, 11):
        small = [x for x in t.read(frames(h323_call(mss=size))) if x["kind"] == "h323"]
        t.same(calls, small, f"{size} bytes a segment")
    broken = t.read(frames(h323_call(change=lambda x: x[:4] + b"\x09" + x[5:])))
    t.differs(got, broken, "what is no Q.931 makes a call")


@feature("J04", "H.323: causes of release give outcomes; another port; a call picked up in the middle")
def h323_ends(t):
    for (cause, back), outcome in {(17, True): "busy", (19, True): "no_answer", (21, True): "rejected", (16, False): "cancelled",
                                   (34, True): "failed"}.items():
        got = t.read(frames(h323_call((RELEASE, back, cause), answered=False, voice=False)))
        t.equal(f"cause {cause}", [(r["kind"], r["outcome"], r["q850_cause"]) for r in got], [("h323", outcome, cause)])
    base = t.read(frames(h323_call(voice=False)))
    t.same(base, t.read(frames(h323_call(voice=False, port=51720))), "recognised on any port")
    midway = [p for p in h323_call(voice=False) if p.t > START + 0.5]
    t.counter("the middle of a call is one", t.read(frames(midway)) == [] and unsupported(t, midway) == {"h323": 1})


# ---- J05

def iax_full(source, dest, at_ms, type_, subclass, elements=b"", out=0, in_=0):
    return struct.pack("!HHIBBBB", 0x8000 | source, dest, at_ms, out, in_, type_, subclass) + elements


def iax_element(id_, body):
    return struct.pack("!BB", id_, len(body)) + body


def iax_call(port=4569, elements=lambda e: e, source=1):
    """NEW, ACCEPT, ANSWER, voice as mini frames, HANGUP."""
    a, b = (ALICE, port), (BOB, port)
    new = elements(iax_element(0x0b, b"\0\2") + iax_element(1, b"2002") + iax_element(2, b"1001") + iax_element(9, b"\0\0\0\4"))
    out = [udp(START, a, b, iax_full(source, 0, 3, 6, 1, new)), udp(START + .01, b, a, iax_full(7, source, 9, 6, 7, iax_element(9, b"\0\0\0\4"))),
           udp(START + 1, b, a, iax_full(7, source, 999, 4, 4)), udp(START + 3, a, b, iax_full(source, 7, 3000, 6, 5)),
           udp(START + 3.01, b, a, iax_full(7, source, 3010, 6, 4))]
    voice = [udp(START + 1 + n / 50, a, b, struct.pack("!HH", source, n * 20 & 0xffff) + bytes(160)) for n in range(100)]
    return numbered(out + voice)


@feature("J05", "IAX2: recognised on its port, a flow counted once, its voice is nobody's RTP")
def iax2(t):
    t.equal("one flow", unsupported(t, iax_call()), {"iax2": 1})
    other = [replace(p, src="10.0.0.7" if p.src == ALICE else p.src, dst="10.0.0.7" if p.dst == ALICE else p.dst) for p in iax_call()]
    t.equal("two flows", unsupported(t, numbered(iax_call() + other)), {"iax2": 2})
    t.equal("records", t.read(frames(iax_call())), [])
    beside = numbered(call() + iax_call())
    t.same(t.read(frames(call())), t.read(frames(beside)), "a call beside it")
    t.counter("it is seen on any port", unsupported(t, iax_call(port=14569)) == {})
    t.counter("elements that overrun the frame pass", unsupported(t, [iax_call(elements=lambda e: e[:-1])[0]]) == {})


# ---- J06

def tcp_talk(port, *said, client=ALICE, sport=40000, change=lambda x: x):
    c = Tcp(client, sport, BOB, port)
    for n, (side, data) in enumerate(said):
        c.say(START + n * 0.1, side, change(data))
    c.close(START + len(said))
    return c.packets


def sccp(message, body=b""):
    return struct.pack("<III", 4 + len(body), 0, message) + body


def phone(sport=40000, change=lambda x: x, port=2000):
    return tcp_talk(port, (0, sccp(1, b"SEP001122334455\0" + bytes(20))), (1, sccp(0x81, bytes(24))), (0, sccp(0)), (1, sccp(0x100)),
                    (1, sccp(0x8f, bytes(76))), sport=sport, change=change)


@feature("J06", "SCCP: recognised, a connection counted once")
def skinny(t):
    t.equal("one phone", unsupported(t, phone()), {"sccp": 1})
    t.equal("two phones", unsupported(t, sorted(phone() + phone(40001), key=lambda p: p.t)), {"sccp": 2})
    t.equal("records", t.read(frames(phone())), [])
    t.same(t.read(frames(call())), t.read(frames(sorted(call() + phone(), key=lambda p: p.t))), "a call beside it")
    t.counter("a message that does not exist is one", unsupported(t, phone(change=lambda x: x[:8] + b"\xff\xff\0\0" + x[12:])) == {})
    t.counter("other ports", unsupported(t, phone(port=2323)) == {})


def camera(sport=40000, change=lambda x: x):
    url = b"rtsp://10.0.0.2/door"
    return tcp_talk(554, (0, b"OPTIONS " + url + b" RTSP/1.0\r\nCSeq: 1\r\n\r\n"), (1, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: SETUP, PLAY\r\n\r\n"),
                    (0, b"SETUP " + url + b"/1 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;client_port=4000-4001\r\n\r\n"),
                    (1, b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 1\r\n\r\n"), sport=sport, change=change)


@feature("J06", "RTSP: recognised on any port, a connection counted once")
def rtsp(t):
    t.equal("one camera", unsupported(t, camera()), {"rtsp": 1})
    t.equal("two viewers", unsupported(t, sorted(camera() + camera(40001), key=lambda p: p.t)), {"rtsp": 2})
    elsewhere = tcp_talk(8554, (0, b"DESCRIBE rtsp://10.0.0.2/x RTSP/1.0\r\nCSeq: 1\r\n\r\n"))
    t.equal("another port", unsupported(t, elsewhere), {"rtsp": 1})
    t.equal("records", t.read(frames(camera())), [])
    t.counter("HTTP is RTSP", unsupported(t, camera(change=lambda x: x.replace(b"RTSP", b"HTTP").replace(b"rtsp:", b"http:"))) == {})


# ---- D09

def compressed(upload=True, port=5060, first=0xf8, count=6):
    """SigComp of an IMS phone: bytecode in the first message, a state identifier in the others."""
    out = []
    for n in range(count):
        if upload and n == 0:
            code = bytes(range(64))
            data = struct.pack("!BH", first, len(code) << 4 | 2) + code + bytes(100)
        else:
            data = bytes([first | 1]) + b"\x5a\xc3\x71\x08\x9e\x44" + bytes(range(120))
        a, b = (("2001:db8::1", port), ("2001:db8::2", port))[::1 if n % 2 == 0 else -1]
        out.append(udp(START + n * 0.1, a, b, data))
    return numbered(out)


@feature("D09", "SigComp: recognised and counted, not decompressed")
def sigcomp(t):
    t.equal("a flow", unsupported(t, compressed()), {"sigcomp": 1})
    t.equal("without its beginning", unsupported(t, compressed(upload=False)), {"sigcomp": 1})
    t.equal("records", t.read(frames(compressed())), [])
    inside = [Frame(p.t, ether(gtpu(ip(p))), p) for p in compressed()]
    t.equal("inside GTP-U", t.counters_of(inside)['earshot_unsupported_signalling_total{proto="sigcomp"}'], 1)
    t.counter("other first bits are taken for it", unsupported(t, compressed(first=0x78)) == {})
    t.counter("it is seen on media ports", unsupported(t, compressed(port=40000)) == {})
