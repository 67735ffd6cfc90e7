"""Packets by hand: calls as lists of datagrams, and every wrapping that carries them, down to pcap bytes. Written from the
RFCs, without the product's own builder, so that the two check each other.

    p = call()                         # datagrams of one call: INVITE .. BYE with RTP both ways
    write("x.pcap", frames(p))         # Ethernet, IPv4, UDP
    write("x.pcap", frames(p, link=lambda ip, k: vxlan(ether(ip), vni=7)))
"""
import ipaddress, random, struct, zlib
from dataclasses import dataclass, field, replace

START = 1_700_000_000.0
ALICE, BOB = "10.0.0.1", "10.0.0.2"


@dataclass
class Packet:
    """A datagram: where, when, what. `proto` 17 UDP, 6 TCP, 132 SCTP (then `data` is everything behind IP)."""
    t: float
    src: str
    sport: int
    dst: str
    dport: int
    data: bytes
    proto: int = 17
    ttl: int = 64
    tos: int = 0
    ipid: int = 0
    kind: str = ""  # "sip", "rtp", "rtcp": what made it, for tests that change one of them


# ---- SIP and SDP

def sdp(addr, port, lines="", pt=0, name="PCMU/8000"):
    family = "IP6" if ":" in addr else "IP4"
    return (f"v=0\r\no=- 1 1 IN {family} {addr}\r\ns=-\r\nc=IN {family} {addr}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {pt}\r\na=rtpmap:{pt} {name}\r\n{lines}").encode()


def host(addr):
    return f"[{addr}]" if ":" in addr else addr


@dataclass
class Dialog:
    """Writes the messages of one call between two ends."""
    a: str = ALICE
    b: str = BOB
    aport: int = 5060
    bport: int = 5060
    via: str = "UDP"
    call_id: str = "c1@test"
    branch: str = "z9hG4bK1"
    from_user: str = "alice"
    to_user: str = "bob"
    from_tag: str = "ft1"
    to_tag: str = "tt1"

    def request(self, method, cseq, body=b"", to_tag=None, headers="", branch=None):
        tag = self.to_tag if to_tag is None and method in ("ACK", "BYE", "UPDATE", "INFO", "PRACK") else (to_tag or "")
        to = f"<sip:{self.to_user}@{host(self.b)}>" + (f";tag={tag}" if tag else "")
        return self.text(f"{method} sip:{self.to_user}@{host(self.b)} SIP/2.0", method, cseq, to, body, headers, branch)

    def response(self, code, reason, method, cseq, body=b"", headers="", branch=None, tag=True):
        to = f"<sip:{self.to_user}@{host(self.b)}>" + (f";tag={self.to_tag}" if tag else "")
        return self.text(f"SIP/2.0 {code} {reason}", method, cseq, to, body, headers, branch)

    def text(self, start, method, cseq, to, body, headers, branch):
        kind = "Content-Type: application/sdp\r\n" if body.startswith(b"v=0") else ""
        return (f"{start}\r\nVia: SIP/2.0/{self.via} {host(self.a)}:{self.aport};branch={branch or self.branch + method}\r\n"
                f"From: \"Alice\" <sip:{self.from_user}@{host(self.a)}>;tag={self.from_tag}\r\nTo: {to}\r\nCall-ID: {self.call_id}\r\n"
                f"CSeq: {cseq} {method}\r\nMax-Forwards: 70\r\nContact: <sip:{self.from_user}@{host(self.a)}:{self.aport}>\r\n"
                f"User-Agent: craft\r\n{headers}{kind}Content-Length: {len(body)}\r\n\r\n").encode() + body


def rtp(seq, ts, ssrc, payload=bytes(160), pt=0, marker=False):
    return struct.pack("!BBHII", 0x80, pt | (marker << 7), seq & 0xffff, ts & 0xffffffff, ssrc) + payload


def media(src, sport, dst, dport, seconds, start, ssrc, pt=0, seq=100):
    n = int(seconds * 50)
    tone = random.Random(ssrc)
    return [Packet(start + i * 0.02, src, sport, dst, dport,
                   rtp(seq + i, 1000 + 160 * i, ssrc, bytes(tone.randrange(256) for _ in range(160)), pt, i == 0), kind="rtp")
            for i in range(n)]


def signalling(d=None, seconds=2.0, a_media=4000, b_media=6000, start=START, offer=None, answer=None):
    """[(time, from the caller?, message)] of a call that is answered after 1 s."""
    d = d or Dialog()
    offer = sdp(d.a, a_media) if offer is None else offer
    answer = sdp(d.b, b_media) if answer is None else answer
    end = start + 1.0 + seconds
    return [(start, True, d.request("INVITE", 1, offer)),
            (start + 0.05, False, d.response(100, "Trying", "INVITE", 1, tag=False)),
            (start + 0.3, False, d.response(180, "Ringing", "INVITE", 1)),
            (start + 1.0, False, d.response(200, "OK", "INVITE", 1, answer)),
            (start + 1.02, True, d.request("ACK", 1)),
            (end, True, d.request("BYE", 2)),
            (end + 0.01, False, d.response(200, "OK", "BYE", 2))]


def call(d=None, seconds=2.0, a_media=4000, b_media=6000, start=START, sip=True, voice=True, **more):
    """A whole call over UDP: signalling and 50 RTP packets a second in each direction."""
    d = d or Dialog()
    packets = []
    if sip:
        for n, (t, forth, text) in enumerate(signalling(d, seconds, a_media, b_media, start, **more)):
            src, sport, dst, dport = (d.a, d.aport, d.b, d.bport) if forth else (d.b, d.bport, d.a, d.aport)
            packets.append(Packet(t, src, sport, dst, dport, text, ipid=100 + n, kind="sip"))
    if voice:
        packets += media(d.a, a_media, d.b, b_media, seconds, start + 1.05, 0x1111)
        packets += media(d.b, b_media, d.a, a_media, seconds, start + 1.06, 0x2222)
    for n, p in enumerate(packets):
        p.ipid = p.ipid or (1000 + n) & 0xffff
    return sorted(packets, key=lambda p: p.t)


# ---- TCP: messages to segments

def tcp_header(sport, dport, seq, ack, flags, data):
    return struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, 5 << 4, flags, 65535, 0, 0) + data


class Tcp:
    """One connection: say() what each side sends, get its segments as packets."""

    def __init__(self, a, aport, b, bport, isn=(1000, 5000), handshake=True, start=START - 0.01):
        self.end = ((a, aport), (b, bport))
        self.seq = list(isn)
        self.packets = []
        if handshake:
            self.segment(start, 0, b"", 0x02, 1)
            self.segment(start + 0.001, 1, b"", 0x12, 1)
            self.segment(start + 0.002, 0, b"", 0x10, 0)

    def segment(self, t, side, data, flags=0x18, count=None, seq=None):
        (src, sport), (dst, dport) = self.end[side], self.end[1 - side]
        at = self.seq[side] if seq is None else seq
        self.packets.append(Packet(t, src, sport, dst, dport, tcp_header(sport, dport, at, self.seq[1 - side], flags, data),
                                   proto=6, ipid=len(self.packets) + 1, kind="sip"))
        if seq is None:
            self.seq[side] = (at + (len(data) if count is None else count)) & 0xffffffff

    def say(self, t, side, data, mss=1400):
        for n, at in enumerate(range(0, len(data), mss)):
            self.segment(t + n * 1e-5, side, data[at:at + mss])

    def close(self, t):
        self.segment(t, 0, b"", 0x11, 1)
        self.segment(t + 0.001, 1, b"", 0x11, 1)


def tcp_call(d=None, mss=1400, seconds=2.0, wrap=lambda text, forth: text, **more):
    """The call with its signalling in one TCP connection; `wrap` changes a message into what the stream carries."""
    d = d or Dialog(via="TCP", aport=40000)
    c = Tcp(d.a, d.aport, d.b, d.bport)
    messages = signalling(d, seconds, **more)
    for t, forth, text in messages:
        c.say(t, 0 if forth else 1, wrap(text, forth), mss)
    c.close(messages[-1][0] + 0.1)
    return sorted(c.packets + call(d, seconds, sip=False), key=lambda p: p.t)


# ---- IP and below

def checksum(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def l4(p):
    return struct.pack("!HHHH", p.sport, p.dport, 8 + len(p.data), 0) + p.data if p.proto == 17 else p.data


def ip4(src, dst, proto, body, ttl=64, tos=0, ipid=0, flags=0x4000):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(body), ipid, flags, ttl, proto, 0,
                       ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ip6(src, dst, proto, body, ttl=64, tos=0):
    return struct.pack("!IHBB16s16s", 6 << 28 | tos << 20, len(body), proto, ttl,
                       ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed) + body


def ip(p):
    if ":" in p.src:
        return ip6(p.src, p.dst, p.proto, l4(p), p.ttl, p.tos)
    return ip4(p.src, p.dst, p.proto, l4(p), p.ttl, p.tos, p.ipid)


def ip4_fragments(p, size):
    body, out = l4(p), []
    for at in range(0, len(body), size):
        more = 0x2000 if at + size < len(body) else 0
        out.append(ip4(p.src, p.dst, p.proto, body[at:at + size], p.ttl, p.tos, p.ipid, more | at // 8))
    return out


def ip6_fragments(p, size):
    body, out = l4(p), []
    for at in range(0, len(body), size):
        more = 1 if at + size < len(body) else 0
        out.append(ip6(p.src, p.dst, 44, struct.pack("!BBHI", p.proto, 0, at | more, 7000 + p.ipid) + body[at:at + size]))
    return out


def ethertype(packet):
    return 0x86dd if packet[0] >> 4 == 6 else 0x0800


def ether(packet, vlans=(), type_=None, src=b"\2\0\0\0\0\1", dst=b"\2\0\0\0\0\2"):
    """vlans: ids from the outside, the outer of two as 802.1ad."""
    tags = b""
    for n, v in enumerate(vlans):
        tags += struct.pack("!HH", 0x88a8 if len(vlans) > 1 and n == 0 else 0x8100, v)
    return dst + src + tags + struct.pack("!H", type_ or ethertype(packet)) + packet


def udp_ip(body, dport, src="192.0.2.1", dst="192.0.2.2", sport=50000):
    return ip(Packet(0, src, sport, dst, dport, body, ipid=random.randrange(65536)))


# Tunnels: an outer IP packet around `inner`, which is a frame or an IP packet as the tunnel has it.

def vxlan(frame, vni=7):
    return udp_ip(struct.pack("!II", 0x08000000, vni << 8) + frame, 4789)


def geneve(frame, vni=7, options=b""):
    return udp_ip(struct.pack("!BBHI", len(options) // 4, 0, 0x6558, vni << 8) + options + frame, 6081)


def gre(packet, key=None, seq=None, proto=None):
    flags = (0x2000 if key is not None else 0) | (0x1000 if seq is not None else 0)
    head = struct.pack("!HH", flags, proto or ethertype(packet))
    for v in (key, seq):
        head += struct.pack("!I", v) if v is not None else b""
    return ip4("192.0.2.1", "192.0.2.2", 47, head + packet, ipid=random.randrange(65536))


def erspan1(frame):
    return gre(frame, proto=0x88be)


def erspan2(frame, session=5, vlan=0):
    return gre(struct.pack("!HHI", 1 << 12 | vlan, session, 0) + frame, seq=1, proto=0x88be)


def erspan3(frame, session=5, vlan=0):
    return gre(struct.pack("!HHIHH", 2 << 12 | vlan, session, 0, 0, 0) + frame, seq=1, proto=0x22eb)


def gtpu(packet, teid=9):
    return udp_ip(struct.pack("!BBHI", 0x30, 255, len(packet), teid) + packet, 2152, sport=2152)


def tzsp(frame):
    return udp_ip(bytes([1, 0, 0, 1, 1]) + frame, 37008)


def ipip(packet):
    outer = 41 if packet[0] >> 4 == 6 else 4
    return ip4("192.0.2.1", "192.0.2.2", outer, packet, ipid=random.randrange(65536))


def mpls(packet, labels=(100, 200)):
    stack = b"".join(struct.pack("!I", v << 12 | (0x100 if n == len(labels) - 1 else 0) | 64) for n, v in enumerate(labels))
    return ether(stack + packet, type_=0x8847)


def pppoe(packet, session=3):
    proto = 0x57 if packet[0] >> 4 == 6 else 0x21
    return ether(struct.pack("!BBHHH", 0x11, 0, session, len(packet) + 2, proto) + packet, type_=0x8864)


def l2tp(packet, tunnel=1, session=2):
    return udp_ip(struct.pack("!HHHBB", 0x0002, tunnel, session, 0xff, 3) + struct.pack("!H", 0x0021) + packet, 1701, sport=1701)


def esp_null(packet, spi=0x1234, seq=1):
    pad = -(len(packet) + 2) % 4
    return ip4("192.0.2.1", "192.0.2.2", 50, struct.pack("!II", spi, seq) + packet + bytes(range(1, pad + 1)) +
               bytes([pad, 4]) + bytes(12), ipid=random.randrange(65536))


# ---- SCTP, WebSocket, HEP

def sctp(sport, dport, tsn, message, flags=3, ppid=0, stream=0, ssn=0):
    n = 16 + len(message)
    chunk = struct.pack("!BBHIHHI", 0, flags, n, tsn, stream, ssn, ppid) + message + b"\0" * (-n % 4)
    return struct.pack("!HHII", sport, dport, 0xabcd, 0) + chunk


def websocket(message, masked, opcode=1, fin=True):
    n = len(message)
    head = bytes([(0x80 if fin else 0) | opcode])
    mask = 0x80 if masked else 0
    head += bytes([mask | n]) if n < 126 else bytes([mask | 126]) + struct.pack("!H", n) if n < 65536 else \
        bytes([mask | 127]) + struct.pack("!Q", n)
    if masked:
        key = b"\x11\x22\x33\x44"
        return head + key + bytes(c ^ key[i % 4] for i, c in enumerate(message))
    return head + message


UPGRADE = (b"GET /ws HTTP/1.1\r\nHost: pbx\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n")
SWITCHED = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n")


def hep3(p, type_=1, payload=None, agent=42, key=None, correlation=None, compress=False):
    def chunk(id_, body):
        return struct.pack("!HHH", 0, id_, 6 + len(body)) + body
    v6 = ":" in p.src
    body = chunk(1, bytes([10 if v6 else 2])) + chunk(2, bytes([p.proto]))
    body += chunk(5 if v6 else 3, ipaddress.ip_address(p.src).packed) + chunk(6 if v6 else 4, ipaddress.ip_address(p.dst).packed)
    body += chunk(7, struct.pack("!H", p.sport)) + chunk(8, struct.pack("!H", p.dport))
    body += chunk(9, struct.pack("!I", int(p.t))) + chunk(10, struct.pack("!I", round(p.t % 1 * 1e6) % 1000000))
    body += chunk(11, bytes([type_])) + chunk(12, struct.pack("!I", agent))
    if key:
        body += chunk(14, key)
    if correlation:
        body += chunk(17, correlation)
    data = p.data if payload is None else payload
    body += chunk(16, zlib.compress(data)) if compress else chunk(15, data)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


def hep2(p):
    a, b = ipaddress.ip_address(p.src).packed, ipaddress.ip_address(p.dst).packed
    v6 = len(a) == 16
    return struct.pack("!BBBBHH", 2, 52 if v6 else 28, 10 if v6 else 2, p.proto, p.sport, p.dport) + a + b + \
        struct.pack("!IIHH", int(p.t), round(p.t % 1 * 1e6) % 1000000, 42, 0) + p.data


# ---- frames and files

@dataclass
class Frame:
    t: float
    data: bytes
    packet: Packet = field(default=None, repr=False)


def frames(packets, link=lambda packet, p: ether(packet)):
    """`link(ip packet, packet)` gives the bytes of the frame."""
    return [Frame(p.t, link(ip(p), p), p) for p in packets]


def write(path, frames_, linktype=1, snaplen=262144):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, snaplen, linktype))
        for x in sorted(frames_, key=lambda x: x.t):
            s, ns = int(x.t), round((x.t - int(x.t)) * 1e9)
            kept = x.data[:snaplen]
            f.write(struct.pack("<IIII", s + ns // 10**9, ns % 10**9, len(kept), len(x.data)) + kept)
