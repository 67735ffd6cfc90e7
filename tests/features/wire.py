"""Group D of the feature table: transports and wrappings that a mirror port delivers."""
import struct

from craft import *
from feature import feature


def plain(t):
    return t.read(frames(call()))


def big_call(size=9000, **more):
    """The INVITE carries so many bytes of SDP attributes."""
    lines = "".join(f"a=x-filler:{n:04d}{'x' * 80}\r\n" for n in range(size // 96))
    return call(offer=sdp(more.get("a", ALICE), 4000, lines), d=Dialog(**more))


def fragmented(packets, size, cut=ip4_fragments, order=lambda parts: parts):
    out = []
    for p in packets:
        parts = cut(p, size) if len(p.data) > size else [ip(p)]
        out += [Frame(p.t + n * 1e-5, ether(part), p) for n, part in enumerate(order(parts))]
    return out


# ---- D01

@feature("D01", "UDP: a 9 kB INVITE in 7 IPv4 fragments, out of order, with duplicates")
def ipv4_fragments(t):
    packets = big_call()
    invite = packets[0]
    t.equal("fragments", len(ip4_fragments(invite, 1480)), 7)
    whole = t.read(frames(packets))
    t.equal("calls", len(whole), 1)
    t.same(whole, t.read(fragmented(packets, 1480)), "in order")
    t.same(whole, t.read(fragmented(packets, 1480, order=lambda parts: parts[::-1])), "backwards")
    t.same(whole, t.read(fragmented(packets, 1480, order=lambda parts: [x for x in parts[3:] + parts[:4] for _ in (0, 1)])),
           "out of order, each twice")
    t.differs(whole, t.read(fragmented(packets, 1480, order=lambda parts: parts[:2] + parts[3:] if len(parts) > 2 else parts)),
              "a fragment that never came")


@feature("D01", "UDP: IPv6 fragments")
def ipv6_fragments(t):
    packets = big_call(a="2001:db8::1", b="2001:db8::2")
    whole = t.read(frames(packets))
    t.equal("streams", len(whole[0]["streams"]), 2)
    t.same(whole, t.read(fragmented(packets, 1448, ip6_fragments)), "in order")
    t.same(whole, t.read(fragmented(packets, 1448, ip6_fragments, lambda parts: parts[::-1])), "backwards")
    t.differs(whole, t.read(fragmented(packets, 1448, ip6_fragments, lambda parts: parts[1:] if len(parts) > 1 else parts)),
              "a fragment that never came")


@feature("D01", "SIP is recognised by content on any port")
def any_port(t):
    packets = call(Dialog(aport=33333, bport=44444))
    t.equal("calls", [(c["outcome"], len(c["streams"])) for c in t.read(frames(packets))], [("answered", 2)])
    for p in packets:
        if p.kind == "sip":
            p.data = p.data.replace(b"SIP/2.0", b"SIX/2.0")
    t.counter("bytes that are no SIP make a call", all(c["kind"] == "orphan" for c in t.read(frames(packets))))


# ---- D02

def tcp_reference(t):
    base = t.read(frames(tcp_call()))
    t.equal("calls", len(base), 1)
    t.equal("transport", base[0]["transport"], "tcp")
    t.equal("outcome", base[0]["outcome"], "answered")
    t.equal("streams", len(base[0]["streams"]), 2)
    return base


@feature("D02", "TCP: a message over many segments, out of order, twice, overlapping")
def tcp_segments(t):
    base = tcp_reference(t)
    t.same(base, t.read(frames(tcp_call(mss=7))), "7 bytes a segment")
    packets = tcp_call(mss=100)
    sip = [n for n, p in enumerate(packets) if p.proto == 6 and len(p.data) > 20]
    swapped = list(packets)
    for a, b in zip(sip, sip[1:]):
        if packets[b].t - packets[a].t > 1e-3 or swapped[a] is not packets[a]:
            continue
        swapped[a], swapped[b] = replace(packets[b], t=packets[a].t), replace(packets[a], t=packets[b].t)
    t.same(base, t.read(frames(swapped)), "segments swapped")
    doubled = packets + [replace(packets[n], t=packets[n].t + 0.2, ipid=9) for n in sip]
    t.same(base, t.read(frames(doubled)), "every segment retransmitted")
    t.differs(base, t.read(frames([p for n, p in enumerate(packets) if n != sip[1]])), "a lost segment changes nothing")


@feature("D02", "TCP: several messages in a segment, keep-alive CRLFs, pick-up in the middle")
def tcp_framing(t):
    base = tcp_reference(t)
    d = Dialog(via="TCP", aport=40000)
    messages = signalling(d)
    c = Tcp(d.a, d.aport, d.b, d.bport)
    c.say(messages[0][0] - 0.005, 0, b"\r\n\r\n")
    c.say(messages[0][0], 0, messages[0][2])
    c.say(messages[1][0], 1, b"\r\n" + messages[1][2])
    c.say(messages[2][0], 1, messages[2][2])
    c.say(messages[3][0], 1, messages[3][2])
    c.say(messages[4][0], 0, messages[4][2] + messages[5][2])  # ACK and BYE in one segment
    c.say(messages[6][0], 1, messages[6][2])
    got = t.read(frames(sorted(c.packets + call(d, sip=False), key=lambda p: p.t)))
    t.equal("outcome and end", (got[0]["outcome"], got[0]["end_reason"], got[0]["messages"]), ("answered", "bye", 7))
    midway = [p for p in tcp_call() if p.t > START + 1.01]
    got = t.read(frames(midway))
    t.check("the BYE of a connection picked up in the middle is seen", got is not None)
    no_handshake = [p for p in tcp_call() if not (p.proto == 6 and p.data[13] & 2)]
    t.same(base, t.read(frames(no_handshake)), "without the handshake")
    cut = [replace(p, data=p.data[:-1]) if p.proto == 6 and len(p.data) > 200 else p for p in tcp_call()]
    t.differs(base, t.read(frames(cut)), "bytes missing from every segment")


@feature("D02", "TCP: Content-Length in other writings, LF ends, sequence wrap, FIN and RST")
def tcp_odd(t):
    base = tcp_reference(t)
    for what, change in (("lower case", lambda x: x.replace(b"Content-Length:", b"content-length :")),
                         ("compact", lambda x: x.replace(b"Content-Length:", b"l:"))):
        t.same(base, t.read(frames(tcp_call(wrap=lambda text, forth: change(text)))), what)
    d = Dialog(via="TCP", aport=40000)
    c = Tcp(d.a, d.aport, d.b, d.bport, isn=(0xffffff80, 0xfffffff0))
    for when, forth, text in signalling(d):
        c.say(when, 0 if forth else 1, text, 50)
    t.same(base, t.read(frames(sorted(c.packets + call(d, sip=False), key=lambda p: p.t))), "sequence numbers that wrap")
    reset = list(tcp_call())
    end = START + 1.5
    early = [p for p in reset if p.proto != 6 or p.t < end]
    c = Tcp(d.a, d.aport, d.b, d.bport, handshake=False)
    early.append(Packet(end, d.a, d.aport, d.b, d.bport, tcp_header(d.aport, d.bport, 0, 0, 4, b""), proto=6))
    t.differs(base, t.read(frames(sorted(early, key=lambda p: p.t))), "a connection that was reset before the BYE")


# ---- D03

def sctp_call(d=None, fragment=0, encapsulated=False, drop=None, reverse=False):
    d = d or Dialog(via="SCTP")
    packets, tsn = [], [0xfffffffe, 10]
    for n, (when, forth, text) in enumerate(signalling(d)):
        side = 0 if forth else 1
        (src, sport), (dst, dport) = ((d.a, d.aport), (d.b, d.bport)) if forth else ((d.b, d.bport), (d.a, d.aport))
        parts = [text[i:i + fragment] for i in range(0, len(text), fragment)] if fragment else [text]
        made = []
        for i, part in enumerate(parts):
            flags = (2 if i == 0 else 0) | (1 if i == len(parts) - 1 else 0)
            body = sctp(sport, dport, tsn[side], part, flags, ppid=n, ssn=n)
            tsn[side] = (tsn[side] + 1) & 0xffffffff
            made.append(Packet(when + i * 1e-5, src, 9899, dst, 9899, body, ipid=i + n * 50) if encapsulated else
                        Packet(when + i * 1e-5, src, 0, dst, 0, body, proto=132, ipid=i + n * 50))
        if reverse:
            made = [replace(p, t=q.t) for p, q in zip(made[::-1], made)]
        if drop is not None and n == drop[0]:
            del made[drop[1]]
        packets += made
    return sorted(packets + call(d, sip=False), key=lambda p: p.t)


@feature("D03", "SCTP: whole, fragmented, out of order, inside UDP")
def sctp_calls(t):
    base = t.read(frames(sctp_call()))
    t.equal("transport", [(c["transport"], c["outcome"], len(c["streams"])) for c in base], [("sctp", "answered", 2)])
    t.same(base, t.read(frames(sctp_call(fragment=100))), "fragments of 100 bytes, TSN wraps")
    t.same(base, t.read(frames(sctp_call(fragment=100, reverse=True))), "fragments backwards")
    t.same(base, t.read(frames(sctp_call(encapsulated=True))), "in UDP port 9899")
    t.differs(base, t.read(frames(sctp_call(fragment=100, drop=(0, 2)))), "a fragment that never came")


# ---- D05

def ws_call(mask=True, fragment=0, ping=False, upgrade=True, subopcode=1):
    d = Dialog(via="WS", aport=40000, bport=8080)

    def wrap(text, forth):
        if not fragment:
            return websocket(text, forth and mask, subopcode)
        parts = [text[i:i + fragment] for i in range(0, len(text), fragment)]
        out = b""
        for n, part in enumerate(parts):
            out += websocket(part, forth and mask, subopcode if n == 0 else 0, n == len(parts) - 1)
            if ping:
                out += websocket(b"still there?", forth and mask, 9)
        return out
    c = Tcp(d.a, d.aport, d.b, d.bport)
    if upgrade:
        c.say(START - 0.005, 0, UPGRADE)
        c.say(START - 0.004, 1, SWITCHED)
    for when, forth, text in signalling(d):
        c.say(when, 0 if forth else 1, wrap(text, forth), 300)
    return sorted(c.packets + call(d, sip=False), key=lambda p: p.t)


@feature("D05", "SIP over WebSocket: masked, fragmented, control frames between")
def websocket_calls(t):
    base = t.read(frames(ws_call()))
    t.equal("calls", [(c["transport"], c["outcome"], len(c["streams"])) for c in base], [("ws", "answered", 2)])
    t.same(base, t.read(frames(ws_call(fragment=90))), "fragments")
    t.same(base, t.read(frames(ws_call(fragment=90, ping=True))), "a ping after every fragment")
    t.same(base, t.read(frames(ws_call(subopcode=2))), "binary frames")
    t.differs(base, t.read(frames(ws_call(upgrade=False))), "masked frames are read without the upgrade")
    c = Tcp("10.6.6.6", 41000, "10.6.6.7", 80)
    c.say(START, 0, UPGRADE)
    c.say(START + 0.01, 1, SWITCHED)
    for n in range(3):
        c.say(START + 0.1 + n, 0, bytes([0xc1]) + websocket(b"OPTIONS", True)[1:])
    unread = 'earshot_parse_errors_total{proto="other",reason="unsupported"}'
    t.equal("compressed messages are passed over, and counted", t.counters_of(frames(c.packets))[unread] - t.counters_of(frames(c.packets[:-3])).get(unread, 0), 3)


# ---- D06, D07, D09

def wrapped(t, link, linktype=1, tunnel=None):
    base = plain(t)
    got = t.read(frames(call(), link), linktype=linktype)
    t.same(base, got)
    t.equal("tunnel", (got[0].get("tunnel") or {}).get("kind"), tunnel)
    # The counter-case: the innermost IP header says another version, so there is nothing inside.
    def broken(packet, p):
        return link(bytes([packet[0] ^ 0x70]) + packet[1:], p)
    t.differs(base, t.read(frames(call(), broken), linktype=linktype), "a broken packet inside is taken all the same")


def sll(packet, p):
    return struct.pack("!HHH8sH", 0, 1, 6, bytes(8), ethertype(packet)) + packet


def sll2(packet, p):
    return struct.pack("!HHIHBB8s", ethertype(packet), 0, 2, 1, 0, 6, bytes(8)) + packet


LINKS = {
    "Ethernet": (1, lambda p, k: ether(p)),
    "802.1Q": (1, lambda p, k: ether(p, [10])),
    "QinQ": (1, lambda p, k: ether(p, [10, 20])),
    "three tags": (1, lambda p, k: ether(p, [10, 20, 30])),
    "Linux cooked": (113, sll),
    "Linux cooked 2": (276, sll2),
    "raw IP": (101, lambda p, k: p),
    "null": (0, lambda p, k: struct.pack("<I", 2) + p),
    "loop": (108, lambda p, k: struct.pack(">I", 2) + p),
    "PPPoE": (1, lambda p, k: pppoe(p)),
    "MPLS": (1, lambda p, k: mpls(p)),
    "MPLS pseudowire": (1, lambda p, k: ether(struct.pack("!I", 100 << 12 | 0x100 | 64) + ether(p), type_=0x8847)),
    "MPLS pseudowire with control word": (1, lambda p, k: ether(struct.pack("!II", 100 << 12 | 0x100 | 64, 0) + ether(p), type_=0x8847)),
    "PPP": (9, lambda p, k: struct.pack("!BBH", 0xff, 3, 0x21) + p),
    "Cisco HDLC": (104, lambda p, k: struct.pack("!BBH", 0x0f, 0, 0x0800) + p),
}
TUNNELS = {
    "IP in IP": ("ipip", lambda p, k: ether(ipip(p))),
    "GRE": ("gre", lambda p, k: ether(gre(p))),
    "GRE with key": ("gre", lambda p, k: ether(gre(p, key=77))),
    "GRE with key and sequence": ("gre", lambda p, k: ether(gre(p, key=77, seq=5))),
    "GRE with Ethernet": ("gre", lambda p, k: ether(gre(ether(p), proto=0x6558))),
    "ERSPAN I": ("erspan", lambda p, k: ether(erspan1(ether(p)))),
    "ERSPAN II": ("erspan", lambda p, k: ether(erspan2(ether(p)))),
    "ERSPAN III": ("erspan", lambda p, k: ether(erspan3(ether(p)))),
    "VXLAN": ("vxlan", lambda p, k: ether(vxlan(ether(p)))),
    "VXLAN with a VLAN inside": ("vxlan", lambda p, k: ether(vxlan(ether(p, [10])))),
    "GENEVE": ("geneve", lambda p, k: ether(geneve(ether(p)))),
    "GENEVE with options": ("geneve", lambda p, k: ether(geneve(ether(p), options=bytes(8)))),
    "TZSP": ("tzsp", lambda p, k: ether(tzsp(ether(p)))),
    "L2TP": ("l2tp", lambda p, k: ether(l2tp(p))),
    "ESP with NULL encryption": ("esp", lambda p, k: ether(esp_null(p))),
    "GRE in VXLAN": ("vxlan", lambda p, k: ether(vxlan(ether(gre(p))))),
    "VXLAN in VXLAN in QinQ": ("vxlan", lambda p, k: ether(vxlan(ether(vxlan(ether(p)))), [10, 20])),
}


def add_link(name, linktype, link):
    @feature("D06", name)
    def test(t):
        wrapped(t, link, linktype)


def add_tunnel(name, kind, link):
    @feature("D07", name)
    def test(t):
        wrapped(t, link, tunnel=kind)


for name, (linktype, link) in LINKS.items():
    add_link(name, linktype, link)
for name, (kind, link) in TUNNELS.items():
    add_tunnel(name, kind, link)


@feature("D06", "IPv6 with extension headers, IPv4 with options")
def extension_headers(t):
    packets = call(Dialog(a="2001:db8::1", b="2001:db8::2"))
    base = t.read(frames(packets))
    t.equal("calls", [(c["outcome"], len(c["streams"])) for c in base], [("answered", 2)])

    def extended(packet, p):
        hop = struct.pack("!BB6s", 60, 0, b"\1\4\0\0\0\0")
        dst = struct.pack("!BB6s", p.proto, 0, b"\1\4\0\0\0\0")
        return ether(ip6(p.src, p.dst, 0, hop + dst + l4(p)))
    t.same(base, t.read(frames(packets, extended)), "hop-by-hop and destination options")
    unknown = lambda packet, p: ether(ip6(p.src, p.dst, 254, l4(p)))
    t.differs(base, t.read(frames(packets, unknown)), "an unknown header is passed over")


@feature("D07", "five tunnels are followed, six are not")
def depth_limit(t):
    def nested(n):
        def link(packet, p):
            for _ in range(n):
                packet = gre(packet)
            return ether(packet)
        return link
    t.same(plain(t), t.read(frames(call(), nested(5))), "five")
    t.counter("six are followed too", t.read(frames(call(), nested(6))) == [])


@feature("D07", "tunnel and VLAN stand with the call")
def tunnel_facts(t):
    got = t.read(frames(call(), lambda p, k: ether(vxlan(ether(p), vni=4711), [33])))
    t.equal("tunnel", got[0]["tunnel"], {"kind": "vxlan", "id": 4711, "src": "192.0.2.1", "dst": "192.0.2.2"})
    t.equal("vlan", got[0]["vlan"], 33)
    t.counter("a call without a tunnel has one", "tunnel" not in plain(t)[0])


@feature("D07", "HEP 2 and 3 in captured frames, compressed too")
def hep_frames(t):
    base = plain(t)
    packets = call(voice=False)
    reference = t.read(frames(packets))
    for what, make in (("HEP 3", lambda p: hep3(p)), ("compressed", lambda p: hep3(p, compress=True)), ("HEP 2", hep2)):
        carried = [Frame(p.t + 0.001, ether(udp_ip(make(p), 9060)), p) for p in packets]
        got = t.read(carried)
        t.equal(what, [(c["outcome"], c["end_reason"], c["started_at"], c["messages"], c["tunnel"]["kind"]) for c in got],
                [(c["outcome"], c["end_reason"], c["started_at"], c["messages"], "hep") for c in reference])
    lying = [Frame(p.t, ether(udp_ip(hep3(p)[:4] + b"\0\7" + hep3(p)[6:], 9060)), p) for p in packets]
    t.differs(base, t.read(lying), "HEP whose length lies")


@feature("D09", "GTP-U")
def gtp_u(t):
    wrapped(t, lambda p, k: ether(gtpu(p)), tunnel="gtpu")


# ---- D08

@feature("D08", "a span port that delivers everything twice: second VLAN, TTL - 1")
def duplicates(t):
    base = t.read(frames(call()))
    once = frames(call())
    router = [Frame(f.t + 0.0004, ether(ip(replace(f.packet, ttl=63))), f.packet) for f in once]
    vlan = [Frame(f.t + 0.0004, ether(ip(f.packet), [20]), f.packet) for f in once]
    for what, copies in (("TTL - 1", router), ("another VLAN", vlan), ("both", router + vlan)):
        got = t.read(once + copies)
        t.equal(what, [(c["messages"], c["retransmissions"], [(s["packets"], s["lost"], s["duplicates"]) for s in c["streams"]]) for c in got],
                [(c["messages"], c["retransmissions"], [(s["packets"], s["lost"], s["duplicates"]) for s in c["streams"]]) for c in base])
    t.equal("counted apart", t.counters_of(once + router)["earshot_duplicate_packets_total"], len(once))
    off = t.read(once + router, "--set", "capture.dedupe=no")
    t.counter("switched off, the copies are not seen", off[0]["streams"][0]["duplicates"] > 0 and off[0]["messages"] == 14)


@feature("D08", "what a sender repeats is no copy of the mirror port")
def no_duplicates(t):
    packets = call()
    again = [replace(p, t=p.t + 0.5, ipid=p.ipid + 5000) for p in packets if p.data.startswith(b"INVITE")]
    got = t.read(frames(sorted(packets + again, key=lambda p: p.t)))
    t.equal("retransmissions", got[0]["retransmissions"], 1)
    t.counter("without the repetition", t.read(frames(packets))[0]["retransmissions"] == 0)
