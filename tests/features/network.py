"""Group H, addresses: translation, relays and other paths, spaces that overlap, several taps. And media alone, as browsers
send it to each other (J02)."""
import ipaddress, random, subprocess, zlib

from craft import *
from feature import feature
from service import Service, in_namespace, play, send

# A phone at home, one in an office, each behind a router; between them a server with an address of its own.
HOME, HOME_OUT = "192.168.1.5", "198.51.100.7"
OFFICE, OFFICE_OUT = "172.16.2.6", "203.0.113.9"
SERVER = "192.0.2.3"


def streams(record):
    return sorted((s["party"], s["src"], s["dst"], s["packets"]) for s in record["streams"])


def parties(record):
    return sorted(s["party"] for s in record["streams"])


def confidence(record):
    return {s["party"]: s["confidence"] for s in record["streams"]}


def udp(t, src, dst, data, kind=""):
    (a, aport), (b, bport) = src, dst
    return Packet(t, a, aport, b, bport, data, kind=kind)


def merged(*lists):
    out = sorted((p for l in lists for p in l), key=lambda p: p.t)
    for n, p in enumerate(out):
        p.ipid = p.ipid or n + 1 & 0xffff
    return out


# ---- H08

def translated(d, a_at=None, b_at=None, server_via="", a_media=None, b_media=None, offer=None, answer=None, seconds=2.0):
    """The call as seen in front of the server: ends sit at `a_at`, `b_at`, whatever their messages say."""
    a_at, b_at = a_at or (d.a, d.aport), b_at or (d.b, d.bport)
    a_media, b_media = a_media or (d.a, 4000), b_media or (d.b, 6000)
    out = []
    for at, forth, text in signalling(d, seconds, offer=offer or sdp(d.a, 4000), answer=answer or sdp(d.b, 6000)):
        if not forth and server_via:
            text = text.replace(b";branch=", server_via.encode() + b";branch=", 1)
        out.append(udp(at, *((a_at, b_at) if forth else (b_at, a_at)), text, "sip"))
    out += media(*a_media, *b_media, seconds, START + 1.05, 0x1111) + media(*b_media, *a_media, seconds, START + 1.06, 0x2222)
    return merged(out)


@feature("H08", "signs of translation: Via with received and rport, private SDP from a public source, other media sources")
def signs(t):
    plain = t.read(frames(call()))[0]
    t.counter("a call without translation has signs of it", not plain.get("nat"))
    public = Dialog(a=HOME_OUT, b=SERVER)
    t.counter("public addresses alone are one", not t.read(frames(translated(public)))[0].get("nat"))

    def signs_of(**change):
        return sorted(t.read(frames(translated(change.pop("d", public), **change)))[0].get("nat") or [])
    t.equal("received", signs_of(server_via=";received=198.51.100.99"), ["via_received"])
    t.equal("rport", signs_of(server_via=";rport=61234"), ["via_received"])
    t.equal("the same port", signs_of(server_via=f";rport=5060;received={HOME_OUT}"), [])
    t.equal("private SDP, public source", signs_of(offer=sdp(HOME, 4000), a_media=(HOME_OUT, 41000)),
            ["media_source", "sdp_private"])
    t.equal("another media source", signs_of(a_media=("198.51.100.8", 4000)), ["media_source"])
    whole = signs_of(d=Dialog(a=HOME, b=SERVER), a_at=(HOME_OUT, 1024), a_media=(HOME_OUT, 41000),
                     server_via=f";received={HOME_OUT};rport=1024")
    t.equal("a phone at home", whole, ["contact_private", "media_source", "sdp_private", "via_received"])


def both_behind_nat(media_of_home=41000, moved=None):
    """Home -> server -> office: two hops of one call; the server relays media on ports of its own."""
    d = dict(from_user="alice", to_user="bob")
    near_ = Dialog(a=HOME, b=SERVER, branch="z9hG4bKnear", **d)
    far = Dialog(a=SERVER, b=OFFICE, branch="z9hG4bKfar", **d)
    home, office = (HOME_OUT, 1024), (OFFICE_OUT, 1025)
    out = []
    for hop, left, right, offer, answer, lag in ((near_, home, (SERVER, 5060), sdp(HOME, 4000), sdp(SERVER, 30000), 0.0),
                                                 (far, (SERVER, 5060), office, sdp(SERVER, 30002), sdp(OFFICE, 5000), 0.005)):
        for at, forth, text in signalling(hop, offer=offer, answer=answer):
            # From, To and Call-ID are those of the first hop; requests travel away, responses back
            at += lag if forth else 0.005 - lag
            out.append(udp(at, *((left, right) if forth else (right, left)), text.replace(HOME.encode() + b">;tag=ft1",
                           b"x>;tag=ft1").replace(SERVER.encode() + b">;tag=ft1", b"x>;tag=ft1"), "sip"))
    voice = (((HOME_OUT, media_of_home), (SERVER, 30000), 0x1111), ((SERVER, 30002), (OFFICE_OUT, 51000), 0x1111),
             ((OFFICE_OUT, 51000), (SERVER, 30002), 0x2222), ((SERVER, 30000), (HOME_OUT, media_of_home), 0x2222))
    for n, (src, dst, ssrc) in enumerate(voice):
        out += media(*src, *dst, 2.0, START + 1.05 + n * 0.002, ssrc)
    return merged(out)


@feature("H08", "NAT on both sides: one call, all four legs bound, sources learned from the media")
def both_sides(t):
    packets = both_behind_nat()
    got = t.read(frames(packets))
    t.equal("records", [(r["kind"], r["outcome"], r["end_reason"]) for r in got], [("call", "answered", "bye")])
    t.equal("streams", streams(got[0]), sorted([
        ("caller", f"{HOME_OUT}:41000", f"{SERVER}:30000", 100), ("caller", f"{SERVER}:30002", f"{OFFICE_OUT}:51000", 100),
        ("callee", f"{OFFICE_OUT}:51000", f"{SERVER}:30002", 100), ("callee", f"{SERVER}:30000", f"{HOME_OUT}:41000", 100)]))
    learned = {(s["src"], s["confidence"]) for s in got[0]["streams"] if s["confidence"] == "learned"}
    t.equal("what is learned: who sends where its peer told it to", learned,
            {(f"{HOME_OUT}:41000", "learned"), (f"{OFFICE_OUT}:51000", "learned")})
    t.equal("signs", sorted(got[0]["nat"]), ["contact_private", "media_source", "sdp_private", "via_received"])
    t.equal("nobody is unheard", (got[0]["quality"]["one_way"], got[0]["quality"]["no_rtp"]), (False, False))
    silent = [replace(p, data=p.data.replace(b"m=audio 30000", b"m=audio 31000").replace(b"m=audio 30002", b"m=audio 31002"))
              for p in packets]
    lost = t.read(frames(silent))
    t.counter("media that no SDP of either side names is taken all the same",
              [len(r["streams"]) for r in lost if r["kind"] == "call"] == [0])


@feature("H08", "the table of aliases: two names of one endpoint")
def aliases(t):
    """SDP says 10.0.0.1 and 10.0.0.2; the tap of the media sees neither."""
    outside = {ALICE: "198.51.100.77", BOB: "198.51.100.88"}
    packets = [replace(p, src=outside[p.src], dst=outside[p.dst]) if p.kind == "rtp" else p for p in call()]
    pairs = [f"{b} = {a}" for a, b in outside.items()]
    got = t.read(frames(packets), "--set", "nat.alias=" + ", ".join(pairs))
    t.equal("records", [(r["kind"], confidence(r)) for r in got], [("call", {"caller": "sdp", "callee": "sdp"})])
    t.equal("streams", streams(got[0]), [("callee", "198.51.100.88:6000", "198.51.100.77:4000", 100),
                                         ("caller", "198.51.100.77:4000", "198.51.100.88:6000", 100)])
    turned = t.read(frames(packets), "--set", "nat.alias=" + ", ".join(f"{a} = {b}" for a, b in outside.items()))
    t.same(got, turned, "written the other way round")
    half = t.read(frames(packets), "--set", f"nat.alias={pairs[0]}")
    t.equal("one of them: the other end is learned", [parties(r) for r in half if r["kind"] == "call"], [["callee", "caller"]])
    without = t.read(frames(packets))
    t.counter("without aliases the media is found", sorted((r["kind"], len(r["streams"])) for r in without) == [("call", 0), ("orphan", 2)])


# ---- STUN and TURN (RFC 8489, 8656)

COOKIE = 0x2112a442
BINDING, ALLOCATE, SEND, DATA, CHANNEL_BIND = 1, 3, 6, 7, 9
REQUEST, INDICATION, SUCCESS = 0, 1, 2


def xored(at):
    addr, port = at
    return struct.pack("!BBHI", 0, 1, port ^ COOKIE >> 16, int(ipaddress.ip_address(addr)) ^ COOKIE)


def stun(method, class_=REQUEST, *attributes, fingerprint=True):
    body = b"".join(struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4) for kind, value in attributes)
    type_ = method & 0xf | (method & 0x70) << 1 | (method & 0xf80) << 2 | (class_ & 1) << 4 | (class_ & 2) << 7
    def head(size):
        return struct.pack("!HHI", type_, size, COOKIE) + b"transaction1"
    if not fingerprint:
        return head(len(body)) + body
    text = head(len(body) + 8) + body
    return text + struct.pack("!HHI", 0x8028, 4, zlib.crc32(text) ^ 0x5354554e)


def check(username, nominated=False):
    return stun(BINDING, REQUEST, (6, username.encode()), *([(0x25, b"")] if nominated else []))


def mapped(at):
    return stun(BINDING, SUCCESS, (0x20, xored(at)))


def channel(number, data):
    return struct.pack("!HH", number, len(data)) + data


def ice_sdp(addr, port, fragment, *candidates, proto="RTP/AVP", pt=0, name="PCMU/8000", more=""):
    lines = "".join(f"a=candidate:{n} 1 UDP {2130706431 - n} {c}\r\n" for n, c in enumerate(candidates, 1))
    return sdp(addr, port, f"a=ice-ufrag:{fragment}\r\na=ice-pwd:passwordpasswordpassword\r\n{lines}{more}", pt, name).replace(
        b"RTP/AVP", proto.encode())


def decoded(t, packets, *options):
    """{proto: packets} of what datagrams carried."""
    word = 'earshot_decoded_packets_total{proto="'
    return {k[len(word):-2]: int(v) for k, v in t.counters_of(frames(packets), *options).items() if k.startswith(word) and v}


@feature("H09", "STUN on media ports is no RTP: not in streams, not lost, not late")
def stun_beside(t):
    packets = call()
    base = t.read(frames(packets))
    a, b = (ALICE, 4000), (BOB, 6000)
    beside = [x for n in range(40) for x in (udp(START + 1.07 + n * 0.045, a, b, check("bbbb:aaaa")),
                                             udp(START + 1.08 + n * 0.045, b, a, mapped(a)))]
    got = t.read(frames(merged(packets, beside)))
    t.same(base, got)
    t.equal("statistics", [(s["packets"], s["bytes"], s["jitter_ms"], s["max_gap_ms"]) for s in got[0]["streams"]],
            [(s["packets"], s["bytes"], s["jitter_ms"], s["max_gap_ms"]) for s in base[0]["streams"]])
    t.equal("counted", decoded(t, merged(packets, beside)), {"sip": 7, "rtp": 200, "stun": 80})
    looks_like_rtp = [replace(p, data=bytes([0x80, p.data[1]]) + p.data[2:]) for p in beside]
    t.counter("what begins like RTP is passed over too", decoded(t, merged(packets, looks_like_rtp)).get("stun") is None)


@feature("H09", "reflexive candidates bind streams that the addresses of SDP do not name")
def reflexive(t):
    """Alice sends to Bob's reflexive address from hers; the m= lines name the hosts behind the routers."""
    d = Dialog(a=HOME, b=OFFICE)
    offer = lambda *c: ice_sdp(HOME, 4000, "aaaa", f"{HOME} 4000 typ host", *c)
    answer = lambda *c: ice_sdp(OFFICE, 6000, "bbbb", f"{OFFICE} 6000 typ host", *c)
    srflx = [f"{HOME_OUT} 41000 typ srflx raddr {HOME} rport 4000"], [f"{OFFICE_OUT} 51000 typ srflx raddr {OFFICE} rport 6000"]
    ends = dict(a_media=(HOME_OUT, 41000), b_media=(OFFICE_OUT, 51000))
    got = t.read(frames(translated(d, offer=offer(*srflx[0]), answer=answer(*srflx[1]), **ends)))
    t.equal("records", [(r["kind"], confidence(r)) for r in got], [("call", {"caller": "sdp", "callee": "sdp"})])
    t.equal("streams", streams(got[0]), [("callee", f"{OFFICE_OUT}:51000", f"{HOME_OUT}:41000", 100),
                                         ("caller", f"{HOME_OUT}:41000", f"{OFFICE_OUT}:51000", 100)])
    without = t.read(frames(translated(d, offer=offer(), answer=answer(), **ends)))
    t.differs(got, without, "without the candidates they are bound too")
    checks = [udp(START + 1.03, (HOME_OUT, 41000), (OFFICE_OUT, 51000), check("bbbb:aaaa")),
              udp(START + 1.035, (OFFICE_OUT, 51000), (HOME_OUT, 41000), mapped((HOME_OUT, 41000)))]
    shown = t.read(frames(merged(translated(d, offer=offer(), answer=answer(), **ends), checks)))
    t.same(got, shown, "a connectivity check shows what no SDP names (peer reflexive)")
    strange = [replace(p, data=check("cccc:dddd")) if p.src == HOME_OUT else p for p in checks]
    t.differs(got, t.read(frames(merged(translated(d, offer=offer(), answer=answer(), **ends), strange))), "a check of others binds")


TURN, RELAYED = (SERVER, 3478), (SERVER, 49152)
CLIENT, PEER = (HOME, 4000), (OFFICE_OUT, 6000)


def relay_dialog():
    d = Dialog(a=HOME, b=OFFICE_OUT)
    relay = f"{SERVER} 49152 typ relay raddr {HOME} rport 4000"
    more = f"{HOME} 4000 typ host", "192.168.9.9 4400 typ host"
    return d, ice_sdp(*RELAYED, "aaaa", relay, *more), ice_sdp(*PEER, "bbbb", "%s %d typ host" % PEER)


def relay_call(wrap, back, client_leg=True, peer_leg=True, bind=True, seconds=2.0):
    """Client - wrapped - relay - plain - peer, both ways."""
    d, offer, answer = relay_dialog()
    out = [udp(at, *(((d.a, d.aport), (d.b, d.bport)) if forth else ((d.b, d.bport), (d.a, d.aport))), text, "sip")
           for at, forth, text in signalling(d, seconds, offer=offer, answer=answer)]
    if bind:
        out += [udp(START - 0.5, CLIENT, TURN, stun(ALLOCATE, REQUEST, (0x19, b"\x11\0\0\0"))),
                udp(START - 0.45, TURN, CLIENT, stun(ALLOCATE, SUCCESS, (0x16, xored(RELAYED)), (0x20, xored((HOME_OUT, 1234))))),
                udp(START + 1.03, CLIENT, TURN, stun(CHANNEL_BIND, REQUEST, (0xc, struct.pack("!HH", 0x4001, 0)), (0x12, xored(PEER)))),
                udp(START + 1.035, TURN, CLIENT, stun(CHANNEL_BIND, SUCCESS))]
    there = media(*CLIENT, *PEER, seconds, START + 1.05, 0x1111)
    here = media(*PEER, *CLIENT, seconds, START + 1.06, 0x2222)
    if client_leg:
        out += [udp(p.t, CLIENT, TURN, wrap(p.data), "turn") for p in there] + [udp(p.t + 0.002, TURN, CLIENT, back(p.data), "turn") for p in here]
    if peer_leg:
        out += [udp(p.t + 0.002, RELAYED, PEER, p.data, "rtp") for p in there] + [udp(p.t, PEER, RELAYED, p.data, "rtp") for p in here]
    return merged(out)


in_channel = lambda data: channel(0x4001, data)
in_send = lambda data: stun(SEND, INDICATION, (0x12, xored(PEER)), (0x13, data))
in_data = lambda data: stun(DATA, INDICATION, (0x12, xored(PEER)), (0x13, data))
CLIENT_LEG = [("callee", "%s:%d" % PEER, "%s:%d" % CLIENT, 100), ("caller", "%s:%d" % CLIENT, "%s:%d" % PEER, 100)]
PEER_LEG = [("callee", "%s:%d" % PEER, "%s:%d" % RELAYED, 100), ("caller", "%s:%d" % RELAYED, "%s:%d" % PEER, 100)]


@feature("H09", "TURN: ChannelData, Send and Data unwrapped; both legs of the relay belong to the call")
def turn(t):
    for what, wrap, back in (("ChannelData", in_channel, in_channel), ("Send and Data", in_send, in_data)):
        got = t.read(frames(relay_call(wrap, back, peer_leg=False)))
        t.equal(f"{what}: records", [r["kind"] for r in got], ["call"])
        t.equal(f"{what}: the client's leg", streams(got[0]), CLIENT_LEG)
        t.equal(f"{what}: surely", confidence(got[0]), {"caller": "sdp", "callee": "sdp"})
        t.equal(f"{what}: counted", (decoded(t, relay_call(wrap, back, peer_leg=False))["turn"] >= 200,
                                     decoded(t, relay_call(wrap, back, peer_leg=False))["rtp"]), (True, 200))
        got = t.read(frames(relay_call(wrap, back)))
        t.equal(f"{what}: both legs", [streams(r) for r in got], [sorted(CLIENT_LEG + PEER_LEG)])
    lost = t.read(frames(relay_call(in_channel, in_channel, peer_leg=False, bind=False)))
    t.counter("a channel that nobody bound is unwrapped", [len(r["streams"]) for r in lost] == [0])
    lying = lambda data: struct.pack("!HH", 0x4001, len(data) + 9) + data
    lost = t.read(frames(relay_call(lying, lying, peer_leg=False)))
    t.counter("channel data whose length lies is unwrapped", [len(r["streams"]) for r in lost if r["kind"] == "call"] == [0])


@feature("H09", "another path in the middle of the call: from the relay to the direct one, one stream")
def path_switch(t):
    packets = relay_call(in_channel, in_channel, peer_leg=False)
    middle = START + 2.05
    wifi = ("192.168.9.9", 4400)
    direct, moved = [], []
    for p in packets:
        if p.kind != "turn" or p.t < middle:
            direct.append(p)
            moved.append(p)
        elif p.src == HOME:
            direct.append(replace(p, src=CLIENT[0], sport=CLIENT[1], dst=PEER[0], dport=PEER[1], data=p.data[4:]))
            moved.append(replace(direct[-1], src=wifi[0], sport=wifi[1]))
        else:
            direct.append(replace(p, src=PEER[0], sport=PEER[1], dst=CLIENT[0], dport=CLIENT[1], data=p.data[4:]))
            moved.append(replace(direct[-1], dst=wifi[0], dport=wifi[1]))
    checks = [udp(middle - 0.02, wifi, PEER, check("bbbb:aaaa", True)), udp(middle - 0.01, PEER, wifi, mapped(wifi))]
    base = t.read(frames(packets))
    t.same(base, t.read(frames(direct)), "from the relay to the direct path")
    got = t.read(frames(merged(moved, checks)))
    t.equal("to another interface: the call and its streams", [(r["kind"], [s[3] for s in streams(r)]) for r in got],
            [("call", [100, 100])])
    t.equal("nothing is lost on the way", [(s["lost"], s["restarts"]) for s in got[0]["streams"]], [(0, 0), (0, 0)])
    t.check("the time line tells", "media_moved" in [e["kind"] for e in got[0]["events"]])
    other = [replace(p, data=p.data[:8] + b"\0\0\x77\x77" + p.data[12:]) if wifi in ((p.src, p.sport), (p.dst, p.dport)) and
             p.data[0] == 0x80 else p for p in merged(moved, checks)]
    t.counter("another SSRC there is the same stream", len(t.read(frames(other))[0]["streams"]) > 2)


# ---- H12

def tenants(vlan_of=lambda p, n: 10 * (n + 1), ids=("same@pbx", "same@pbx"), seconds=(2.0, 1.0)):
    """Two customers with the same addresses, ports and Call-ID at the same time, each in its VLAN."""
    out = []
    for n, (call_id, length) in enumerate(zip(ids, seconds)):
        packets = call(Dialog(call_id=call_id, from_user=f"alice{n}"), length)
        for p in packets:
            p.t += n * 0.007
            if p.kind == "rtp":
                p.data = p.data[:11] + bytes([0xa0 + n]) + p.data[12:]
            p.ipid += n * 5000
        out += [Frame(p.t, ether(ip(p), [vlan_of(p, n)]), p) for p in packets]
    return out


SPACES = ("--set", "capture.tenants=vlan 10 = 1, vlan 20 = 2")


@feature("H12", "the same addresses, ports and Call-ID in two VLANs: two calls that never mix")
def overlapping(t):
    for ids in (("same@pbx", "same@pbx"), ("one@pbx", "two@pbx")):
        got = sorted(t.read(tenants(ids=ids), *SPACES), key=lambda r: r["started_at"])
        t.equal("calls", [(r["kind"], r["from"]["user"], r["vlan"], r["messages"], r["retransmissions"], r["outcome"]) for r in got],
                [("call", "alice0", 10, 7, 0, "answered"), ("call", "alice1", 20, 7, 0, "answered")])
        t.equal("tenants", [r["tenant"] for r in got], ["1", "2"])
        t.equal("media", [[(s["ssrc"][-2:], s["packets"], s["lost"], s["vlan"]) for s in sorted(r["streams"], key=lambda s: s["party"])]
                          for r in got], [[("a0", 100, 0, 10)] * 2, [("a1", 50, 0, 20)] * 2])
        t.equal("durations", [round(r["duration_ms"], -2) for r in got], [2000, 1000])
        mixed = t.read(tenants(ids=ids))
        t.differs(got, mixed, "without the setting they are told apart too")
        t.counter("without the setting there are tenants", not any(r["tenant"] for r in mixed))
    uids = [r["uid"] for r in t.read(tenants(ids=("same@pbx", "same@pbx")), *SPACES)]
    t.equal("ids", len(set(uids)), 2)
    swapped = t.read(tenants(vlan_of=lambda p, n: 20 - 10 * n), *SPACES)
    t.equal("the other way round", sorted((r["from"]["user"], r["vlan"]) for r in swapped), [("alice0", 20), ("alice1", 10)])


@feature("H12", "both directions of a tenant may have VLANs of their own; a tunnel's number is a space too")
def spaces(t):
    split = ("--set", "capture.tenants=vlan 10 = 1, vlan 11 = 1, vlan 20 = 2, vlan 21 = 2")
    both = t.read(tenants(vlan_of=lambda p, n: 10 * (n + 1) + (p.src == BOB)), *split)
    t.same(t.read(tenants(), *SPACES), both, "two VLANs a tenant")
    tunnels = [Frame(f.t, ether(vxlan(ether(ip(f.packet)), vni=5000 + f.data[15])), f.packet) for f in tenants()]
    got = t.read(tunnels, "--set", "capture.tenants=vxlan 5010 = 1, vxlan 5020 = 2")
    t.same(t.read(tenants(), *SPACES), got, "by VXLAN")
    t.differs(got, t.read(tunnels, "--set", "capture.tenants=vxlan 5010 = 1, vxlan 5020 = 1"), "one space for both")


# ---- H13

def taps(t, later=0.0, vlan=None):
    """Signalling and media in files of their own; the clock of the second tap is ahead by `later`."""
    sip, voice = t.path(), t.path()
    write(sip, frames(call(voice=False)))
    write(voice, [Frame(f.t + later, ether(ip(f.packet), [vlan] if vlan else ()), f.packet) for f in frames(call(sip=False))])
    return sip, voice


@feature("H13", "signalling and media from two taps, in two VLANs, with clocks that differ")
def two_taps(t):
    base = t.read(frames(call()))
    sip, voice = taps(t)
    t.same(base, t.read([sip, voice]), "two files")
    t.same(base, t.read([voice, sip]), "named the other way round")
    t.same(base, t.read(list(taps(t, vlan=77))), "media in a VLAN")
    sip, ahead = taps(t, later=12.5)
    t.same(base, t.read([sip, ahead], "--offset", f"{ahead}=-12.5"), "an offset")
    t.same(base, t.read([sip, ahead], "--set", f"capture.offset={ahead}=-12.5"), "an offset in the settings")
    t.differs(base, t.read([sip, ahead]), "without the offset everything fits")
    sip, behind = taps(t, later=-12.5)
    t.same(base, t.read([sip, behind], "--offset", f"{behind}=12.5"), "the other way")
    t.differs(base, t.read([sip, behind]), "without that offset everything fits")


@feature("H13", "a capture point that sees only signalling, or only media")
def one_tap(t):
    whole = t.read(frames(call()))[0]
    sip, voice = taps(t)
    got = t.read([sip], "--set", "diagnosis.no_rtp=1")
    keys = ("kind", "call_id", "outcome", "end_reason", "started_at", "answered_at", "ended_at", "messages", "partial")
    t.equal("signalling alone", [{k: r[k] for k in keys} for r in got], [{k: whole[k] for k in keys}])
    t.equal("it says that there was no media", (got[0]["quality"]["no_rtp"], got[0]["streams"]), (True, []))
    t.equal("as a label, too", [x["label"] for x in got[0]["diagnosis"]], ["no_rtp"])
    t.counter("of a call this short only when it is asked for", not t.read([sip])[0]["quality"]["no_rtp"])
    got = t.read([voice])
    t.equal("media alone", [(r["kind"], r["call_id"], len(r["streams"])) for r in got], [("orphan", None, 2)])
    facts = ("ssrc", "src", "dst", "packets", "lost", "bytes", "jitter_ms", "mos", "codec")
    pick = lambda r: sorted(({k: s[k] for k in facts} for s in r["streams"]), key=lambda s: s["ssrc"])
    t.equal("with its quality", pick(got[0]), pick(whole))
    t.counter("--no-orphans leaves it all the same", t.read([voice], "--no-orphans") == [])


@feature("H13", "two interfaces at once, live: signalling on one, media on the other")
@in_namespace
def two_interfaces(t):
    for address in (ALICE, BOB):
        subprocess.run(["ip", "addr", "add", address + "/32", "dev", "lo"], check=True)
    packets = call(seconds=0.5)
    sip = frames([p for p in packets if p.kind == "sip"])
    voice = [p for p in packets if p.kind == "rtp"]
    for interfaces, wanted in (("vb,lo", [("call", 2)]), ("vb", [("call", 0)])):
        with Service(t, interfaces) as s:
            send("va", sip[:5])
            play(voice)
            send("va", sip[5:])
            got = [(r["kind"], len(r["streams"])) for r in s.records()]
        if interfaces == "vb":
            t.counter("one interface sees what passes the other", got == wanted)
        else:
            t.equal("the call and its streams", got, wanted)


# ---- J02

def dtls(record=22, version=0xfefd, epoch=0, seq=0, body=b""):
    return struct.pack("!BHHHIH", record, version, epoch, 0, seq, len(body)) + body


def hello(seq=0):
    message = bytes([1]) + (60).to_bytes(3, "big") + struct.pack("!HHH", seq, 0, 0) + b"\0" + (60).to_bytes(2, "big") + b"\xfe\xfd" + bytes(58)
    return dtls(body=message, seq=seq)


def handshake(a, b, at):
    return [udp(at, a, b, hello()), udp(at + 0.01, b, a, dtls(body=b"\x02" + bytes(80))),
            udp(at + 0.02, a, b, dtls(20, body=b"\1")), udp(at + 0.03, b, a, dtls(20, body=b"\1"))]


def browser_media(seconds=8.0, dtls_=True, sealed=True):
    """ICE, DTLS, SRTP between two browsers, of which no SIP is seen."""
    a, b = (HOME_OUT, 41000), (OFFICE_OUT, 51000)
    checks = [x for n in range(8) for x in (udp(START + n, a, b, check("bbbb:aaaa", True)), udp(START + n + 0.01, b, a, mapped(a)))]
    noise = random.Random(5)

    def sound(src, dst, at, ssrc):
        return [replace(p, data=p.data[:12] + (noise.randbytes(80) if sealed else p.data[12:]))
                for p in media(*src, *dst, seconds, at, ssrc, pt=111)]
    return merged(checks, handshake(a, b, START + 0.2) if dtls_ else [], sound(a, b, START + 0.5, 0x1111), sound(b, a, START + 0.51, 0x2222))


@feature("J02", "media of browsers without SIP: only DTLS and SRTP, listed as an encrypted flow")
def browsers(t):
    got = t.read(frames(browser_media()))
    t.equal("records", [(r["kind"], len(r["streams"])) for r in got], [("orphan", 2)])
    t.equal("encrypted", [s["srtp"] for s in got[0]["streams"]], [True, True])
    t.equal("packets", [s["packets"] for s in got[0]["streams"]], [400, 400])
    seen = decoded(t, browser_media())
    t.equal("counted apart", (seen.get("stun"), seen.get("dtls"), seen.get("rtp", 0) + seen.get("srtp", 0)), (16, 4, 800))
    clear = t.read(frames(browser_media(dtls_=False)))
    t.counter("without the DTLS handshake it is encrypted too", not any(s["srtp"] for r in clear for s in r["streams"]))


def web_call(bundle=True):
    """SIP over WebSocket with ICE, DTLS-SRTP, rtcp-mux, BUNDLE of audio and video with RTX."""
    d = Dialog(via="WS", aport=40000, bport=8080, a=HOME_OUT, b=OFFICE_OUT)

    def body(addr, port, fragment):
        video = port if bundle else port + 2
        group = "a=group:BUNDLE 0 1\r\n" if bundle else ""
        ice = f"a=ice-ufrag:{fragment}\r\na=ice-pwd:passwordpasswordpassword\r\na=candidate:1 1 UDP 2130706431 {addr} {{0}} typ host\r\n"
        keys = "a=fingerprint:sha-256 " + ":".join(["AA"] * 32) + "\r\na=setup:actpass\r\na=rtcp-mux\r\n"
        return (f"v=0\r\no=- 1 1 IN IP4 {addr}\r\ns=-\r\nc=IN IP4 {addr}\r\nt=0 0\r\n{group}"
                f"m=audio {port} UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n{ice.format(port)}{keys}"
                f"m=video {video} UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
                f"a=fmtp:97 apt=96\r\na=ssrc-group:FID 13107 17476\r\n{ice.format(video)}{keys}").encode()
    c = Tcp(d.a, d.aport, d.b, d.bport)
    c.say(START - 0.005, 0, UPGRADE)
    c.say(START - 0.004, 1, SWITCHED)
    for at, forth, text in signalling(d, offer=body(d.a, 41000, "aaaa"), answer=body(d.b, 51000, "bbbb")):
        c.say(at, 0 if forth else 1, websocket(text, forth), 1300)
    a, b = (d.a, 41000), (d.b, 51000)
    noise = random.Random(6)
    sound = [replace(p, data=p.data[:12] + noise.randbytes(90)) for src, dst, ssrc, pt, lag in
             ((a, b, 0x1111, 111, 0), (b, a, 0x2222, 111, 0.003), (a, b, 0x3333, 96, 0.005), (b, a, 0x5555, 96, 0.006))
             for p in media(*src, *dst, 2.0, START + 1.2 + lag, ssrc, pt)]
    again = [udp(START + 1.5 + n * 0.2, a, b, rtp(50 + n, 9000, 0x4444, noise.randbytes(60), 97), "rtp") for n in range(5)]
    reports = [udp(START + 2, a, b, struct.pack("!BBHI", 0x80, 200, 6, 0x1111) + noise.randbytes(34))]
    return merged(c.packets, handshake(a, b, START + 1.1), sound, again, reports)


@feature("J02", "a WebRTC call: SIP over WebSocket, ICE, DTLS-SRTP, BUNDLE, rtcp-mux, Opus, RTX")
def webrtc_call(t):
    got = t.read(frames(web_call()))
    t.equal("calls", [(r["kind"], r["outcome"], r["end_reason"], r["transport"]) for r in got], [("call", "answered", "bye", "ws")])
    kinds = sorted((s["party"], s["ssrc"][-4:], s["codec"], s["packets"], s["srtp"]) for s in got[0]["streams"])
    t.equal("audio, video and RTX on one port", kinds, [
        ("callee", "2222", "opus", 100, True), ("callee", "5555", "VP8", 100, True), ("caller", "1111", "opus", 100, True),
        ("caller", "3333", "VP8", 100, True), ("caller", "4444", "rtx", 5, True)])
    t.equal("what is sound, what is pictures", {s["codec"]: s["media_type"] for s in got[0]["streams"] if s["codec"] != "rtx"},
            {"opus": "audio", "VP8": "video"})
    t.equal("reports on the port of the media are in no stream", decoded(t, web_call()), {"sip": 7, "srtp": 406, "dtls": 4})
    apart = t.read(frames(web_call(bundle=False)))
    t.counter("without BUNDLE video on the port of the audio is known",
              sorted(s["codec"] or "" for s in apart[0]["streams"]) != sorted(k[2] for k in kinds))
