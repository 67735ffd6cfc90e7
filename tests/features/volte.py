"""J01: VoLTE: IPv6, preconditions with 183, PRACK and UPDATE, IMS headers, AMR-WB in its bandwidth-efficient form, EVS, signalling in
ESP without encryption, registration with AKA."""
import random

from craft import *
from feature import feature
from findings import PBX, findings, only
from payloads import WB_BITS, amr, encoded, pack_bits, pitch, recorded, sine

UE, CORE = "2001:db8:1::10", "2001:db8:2::20"
ACCESS = "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=2620100010019B01\r\n"
CHARGING = "P-Charging-Vector: icid-value=5f2a-volte-1;orig-ioi=home1.example\r\n"
CODECS = [(104, "AMR-WB/16000", "mode-change-capability=2;max-red=0"), (97, "telephone-event/16000", "0-15")]
EVS = [(105, "EVS/16000", "br=5.9-24.4;bw=nb-swb"), (97, "telephone-event/16000", "0-15")]


def body(addr, port, codecs, current, confirm=False):
    """SDP with preconditions (RFC 3312): what is reserved so far, here and there."""
    text = (f"v=0\r\no=- 1 {1 + (current != 'none')} IN IP6 {addr}\r\ns=-\r\nc=IN IP6 {addr}\r\nb=AS:41\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {' '.join(str(c[0]) for c in codecs)}\r\nb=AS:41\r\n")
    for pt, name, fmtp in codecs:
        text += f"a=rtpmap:{pt} {name}\r\na=fmtp:{pt} {fmtp}\r\n"
    return (text + f"a=curr:qos local {current}\r\na=curr:qos remote none\r\na=des:qos mandatory local sendrecv\r\n"
            "a=des:qos mandatory remote sendrecv\r\n" + ("a=conf:qos remote sendrecv\r\n" if confirm else "") + "a=ptime:20\r\na=maxptime:240\r\n").encode()


def dialog(codecs=CODECS, preconditions=True, headers=True, seconds=3):
    """[Packet] of the signalling: INVITE 183 PRACK 200 UPDATE 200 180 PRACK 200 200 ACK ... BYE."""
    d = Dialog(a=UE, b=CORE, call_id="volte@test", from_user="+4915100000001", to_user="+4915100000002")
    ims = ACCESS + CHARGING + "P-Asserted-Identity: <tel:+4915100000001>\r\nP-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.mmtel\r\nSupported: 100rel, precondition\r\n" if headers else ""
    back = "P-Charging-Vector: icid-value=5f2a-volte-1\r\nP-Asserted-Identity: <tel:+4915100000002>\r\n" if headers else ""
    reliable = "Require: 100rel\r\nRSeq: {}\r\n"
    offer, answer = (body(a, p, codecs, "none", n) for n, (a, p) in enumerate(((UE, 4000), (CORE, 6000))))
    met, agreed = body(UE, 4000, codecs, "sendrecv"), body(CORE, 6000, codecs, "sendrecv")
    steps = [(0.0, 1, d.request("INVITE", 1, offer, headers=ims)), (0.02, 0, d.response(100, "Trying", "INVITE", 1, tag=False)),
             (0.3, 0, d.response(183, "Session Progress", "INVITE", 1, answer, headers=reliable.format(1) + back))]
    if preconditions:
        steps += [(0.32, 1, d.request("PRACK", 2, headers="RAck: 1 1 INVITE\r\n" + ims)), (0.34, 0, d.response(200, "OK", "PRACK", 2)),
                  (0.6, 1, d.request("UPDATE", 3, met, headers=ims)), (0.62, 0, d.response(200, "OK", "UPDATE", 3, agreed))]
    steps += [(0.8, 0, d.response(180, "Ringing", "INVITE", 1, headers=reliable.format(2) + back)),
              (0.82, 1, d.request("PRACK", 4, headers="RAck: 2 1 INVITE\r\n", branch="z9hG4bKpr2")),
              (0.84, 0, d.response(200, "OK", "PRACK", 4, branch="z9hG4bKpr2")),
              (1.0, 0, d.response(200, "OK", "INVITE", 1, headers=back)), (1.02, 1, d.request("ACK", 1)),
              (1.2 + seconds, 1, d.request("BYE", 5, headers=ims)), (1.22 + seconds, 0, d.response(200, "OK", "BYE", 5))]
    return [Packet(START + t, *((UE, 5060, CORE, 5060) if forth else (CORE, 5060, UE, 5060)), text, kind="sip") for t, forth, text in steps]


def voice(payloads, pt=104):
    return [Packet(START + 1.1 + i * 0.02 + n * 0.003, *ends, rtp(100 + i, 1000 + 320 * i, 0x1111 + n, p, pt, i == 0), kind="rtp")
            for n, ends in enumerate(((UE, 4000, CORE, 6000), (CORE, 6000, UE, 4000))) for i, p in enumerate(payloads)]


def in_order(packets):
    return sorted(packets, key=lambda p: p.t)


@feature("J01", "a VoLTE call: IPv6, 183 with PRACK and UPDATE for preconditions, IMS headers, AMR-WB bandwidth-efficient")
def volte_call(t):
    speech = [amr(f, WB_BITS) for f in encoded(t, sine(16000, 3), "amrwb", 16000, 320, 2)]
    record, rate, left, right = recorded(t, in_order(dialog() + voice(speech)))
    t.equal("one call, answered", (record["outcome"], record["end_reason"], record["sip_code"], record["updates"], record["retransmissions"]),
            ("answered", "bye", 200, 1, 0))
    t.equal("over IPv6", (record["src"], [s["src"] for s in record["streams"]]), (f"[{UE}]:5060", [f"[{UE}]:4000", f"[{CORE}]:6000"]))
    t.equal("who is asserted", record["asserted_identity"], "<tel:+4915100000001>")
    t.equal("AMR-WB both ways", [(s["codec"], s["packets"], s["lost"], s["early"]) for s in record["streams"]], [("AMR-WB", 150, 0, False)] * 2)
    t.check(f"a score of wideband: {record['streams'][0]['mos']}", record["streams"][0]["mos"]["scale"] == "WB" and record["streams"][0]["mos"]["lq"] > 3)
    t.equal("a recording of 16 kHz", (record["recording"]["result"], rate), ("recorded", 16000))
    t.check("the tone of each side", pitch(left[8000:24000], rate) == 440 and pitch(right[8000:24000], rate) == 440)
    t.equal("nothing is wrong with it", (record["diagnosis"], record["findings"] if "findings" in record else []), ([], []))
    t.check("setup is told from ringing", record["post_dial_delay_ms"] is not None and record["setup_ms"] is not None)
    bare = t.read(frames(in_order(dialog(headers=False) + voice(speech))))[0]
    t.counter("without its header nobody is asserted", bare["asserted_identity"] is None and bare["outcome"] == "answered")
    plain = t.read(frames(in_order(dialog(preconditions=False) + voice(speech))))[0]
    t.counter("without the UPDATE none is counted", plain["updates"] == 0)


@feature("J01", "EVS is named, measured and kept, not decoded")
def evs(t):
    payloads = [random.Random(n).randbytes(33) for n in range(150)]  # 13.2 kbit/s, compact
    record, _, sound, _ = recorded(t, in_order(dialog(EVS) + voice(payloads, 105)))
    t.equal("codec and packets", [(s["codec"], s["packets"], s["lost"]) for s in record["streams"]], [("EVS", 150, 0)] * 2)
    t.equal("the recording says why there is none", (record["recording"]["result"], record["recording"]["undecodable"], sound), ("undecodable", "EVS", None))
    speech = [amr(f, WB_BITS) for f in encoded(t, sine(16000, 3), "amrwb", 16000, 320, 2)]
    t.counter("AMR-WB is decoded", recorded(t, in_order(dialog() + voice(speech)))[0]["recording"]["result"] == "recorded")


def esp6(p, spi, seq, sealed=False, check=12):
    """RFC 4303, transport mode, as phones and the P-CSCF speak it (TS 33.203): UDP inside, HMAC of 12 or 16 octets."""
    inner = l4(p)
    pad = -(len(inner) + 2) % 4
    text = inner + bytes(range(1, pad + 1)) + bytes([pad, 17])
    if sealed:
        text = random.Random(seq).randbytes(len(text))
    return ether(ip6(p.src, p.dst, 50, struct.pack("!II", spi, seq) + text + random.Random(seq).randbytes(check)))


@feature("J01", "signalling in ESP with NULL encryption is read; encrypted it is not")
def esp(t):
    speech = voice([bytes(33)] * 100)
    def wrapped(**how):
        return frames(in_order(dialog() + speech), link=lambda packet, p: esp6(p, 0x77000001, int(p.t * 1000) & 0xffffff, **how) if p.kind == "sip" else ether(packet))
    wanted = t.read(frames(in_order(dialog() + speech)))
    for check in (12, 16):
        got = t.read(wrapped(check=check))
        t.same(wanted, got, f"the call as without ESP, a check value of {check} octets")
        t.equal("by its wrapping", got[0]["tunnel"]["kind"], "esp")
    sealed = t.read(wrapped(sealed=True))
    t.counter("encrypted ESP gives a call", not [r for r in sealed if r["kind"] == "call"])


def register(at, user, resync=False, good=True):
    """A registration with AKA: challenged always, with a new SQN when the card asks for it; all of it by way of one P-CSCF."""
    out, call, cseq = [], f"reg-{user}@ue", 0
    def exchange(dt, authorization, code, challenge=""):
        nonlocal cseq
        cseq += 1
        head = (f"Via: SIP/2.0/UDP [{UE}]:5060;branch=z9hG4bK{user}{cseq}\r\nFrom: <sip:{user}@ims.example>;tag={user}\r\nTo: <sip:{user}@ims.example>{{}}\r\n"
                f"Call-ID: {call}\r\nCSeq: {cseq} REGISTER\r\n")
        ask = (f"REGISTER sip:ims.example SIP/2.0\r\n" + head.format("") + f"Max-Forwards: 70\r\nContact: <sip:{user}@[{UE}]:5060>;expires=600000\r\n{ACCESS}"
               f"Authorization: Digest username=\"{user}@ims.example\",realm=\"ims.example\",uri=\"sip:ims.example\",{authorization}\r\nContent-Length: 0\r\n\r\n")
        phrase = {200: "OK", 401: "Unauthorized", 403: "Forbidden"}[code]
        say = f"SIP/2.0 {code} {phrase}\r\n" + head.format(";tag=r") + (f"Contact: <sip:{user}@[{UE}]:5060>;expires=600000\r\n" if code == 200 else "") + challenge + "Content-Length: 0\r\n\r\n"
        out.extend([Packet(START + at + dt, UE, 5060, CORE, 5060, ask.encode(), kind="sip"), Packet(START + at + dt + 0.03, CORE, 5060, UE, 5060, say.encode(), kind="sip")])
    def challenge(n):
        return f'WWW-Authenticate: Digest realm="ims.example",nonce="{n}AAECAwQFBgcICQoLDA0ODw==",algorithm=AKAv1-MD5,qop="auth"\r\n'
    exchange(0, 'nonce="",response=""', 401, challenge("a"))
    if resync:
        exchange(0.1, 'nonce="aAAECAwQFBgcICQoLDA0ODw==",response="00",algorithm=AKAv1-MD5,auts="pAh1Lu8nyOUZ5J5cpHg="', 401, challenge("b"))
    exchange(0.2, 'nonce="aAAECAwQFBgcICQoLDA0ODw==",response="4f0d",algorithm=AKAv1-MD5,qop=auth,nc=00000001,cnonce="x"', 200 if good else 401, "" if good else challenge("c"))
    return out


@feature("J01", "registrations with AKA, also many at once and with a new sequence number, are no attack")
def aka(t):
    users = [f"26201{n:010d}" for n in range(60)]
    many = [p for n, user in enumerate(users) for p in register(n * 0.4, user, resync=n % 5 == 0)]
    got = findings(t, in_order(many))
    t.equal("60 phones behind one P-CSCF", [(f["detector"], f["detail"]) for f in got], [])
    refused = [p for n in range(14) for p in register(n * 2, "262010000000000", good=False)]
    t.counter("a response that is wrong each time is none", findings(t, in_order(refused)) != [])
