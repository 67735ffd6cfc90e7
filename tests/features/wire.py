"""Groups D and H of the feature table: what a mirror port delivers, and in which wrapping."""
from craft import *
from feature import feature


def plain(t):
    return t.read(frames(call()))


def wrapped(t, link, linktype=1):
    t.same(plain(t), t.read(frames(call(), link), linktype=linktype))


@feature("D02", "SIP over TCP: message over many segments")
def tcp_small_segments(t):
    base = t.read(frames(tcp_call()))
    t.equal("calls", len(base), 1)
    t.equal("transport", base[0]["transport"], "tcp")
    t.equal("outcome", base[0]["outcome"], "answered")
    t.equal("streams", len(base[0]["streams"]), 2)
    t.same(base, t.read(frames(tcp_call(mss=7))), "7 bytes a segment")
    packets = tcp_call(mss=100)
    missing = [p for n, p in enumerate(packets) if n != 4]
    t.differs(base, t.read(frames(missing)), "a lost segment of the INVITE changes nothing")


@feature("D07", "VXLAN")
def vxlan_call(t):
    wrapped(t, lambda p, k: ether(vxlan(ether(p))))
    got = t.read(frames(call(), lambda p, k: ether(vxlan(ether(p), vni=7))))
    t.equal("tunnel", got[0]["tunnel"], {"kind": "vxlan", "id": 7, "src": "192.0.2.1", "dst": "192.0.2.2"})
    broken = frames(call(), lambda p, k: ether(udp_ip(b"\0" * 8 + ether(p), 4789)))
    t.differs(plain(t), t.read(broken), "a VXLAN header without its flag is taken all the same")
