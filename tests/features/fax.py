"""F06: a call that turns into a fax: T.38 by re-INVITE."""
from craft import *
from feature import feature
from transfers import A, B, Scene, after

FIRST = 2.95 # s of voice before the fax
HZ = 8000


def image(addr, port):
    return (f"v=0\r\no=- 1 2 IN IP4 {addr}\r\ns=-\r\nc=IN IP4 {addr}\r\nt=0 0\r\nm=image {port} udptl t38\r\n"
            "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxMaxDatagram:262\r\n"
            "a=T38FaxUdpEC:t38UDPRedundancy\r\n").encode()


def udptl(src, sport, dst, dport, start, seconds, first=0):
    """Packets of V.21 flags: a number, the primary, no error correction. Numbers from 0x8000 on have RTP's two bits."""
    return [Packet(START + start + n * 0.03, src, sport, dst, dport, struct.pack("!H", (first + n) & 0xffff) + bytes((6, 0xc0, 1, 0x80, 0, 0, 255)) +
                   bytes(20), kind="t38") for n in range(int(seconds / 0.03))]


def voice(leg, start, seconds, seq, ts):
    out = []
    for n, (x, y) in enumerate(((A, B), (B, A))):
        out += [Packet(START + start + i * 0.02, x, leg.media[x], y, leg.media[y], rtp(seq + i, ts + 160 * i, 0x1111 + n, bytes(160), 0, i == 0), kind="rtp")
                for i in range(int(seconds * 50))]
    return out


def fax_call(code=200, to_fax=True, packets=True):
    """Voice, the callee asks for T.38, six seconds of it, voice again with the numbers that its sender goes on with."""
    scene = Scene()
    leg = scene.leg("fax@test", A, B).invite(0).ring(0.2).answer(1)
    scene.packets += voice(leg, 1.05, FIRST, 100, 1000)
    if to_fax:
        leg.ask(4, B, "INVITE", image(B, leg.media[B]))
        leg.tell(4.05, A, code, "INVITE", image(A, leg.media[A]) if code == 200 else b"")
        leg.ask(4.06, B, "ACK")
    if to_fax and packets:
        scene.packets += udptl(A, leg.media[A], B, leg.media[B], 4.2, 6) + udptl(B, leg.media[B], A, leg.media[A], 4.2, 6, 0x8000)
    if code == 200:
        leg.ask(10.5, B, "INVITE", leg.sdp(B))
        leg.tell(10.55, A, 200, "INVITE", leg.sdp(A))
        leg.ask(10.56, B, "ACK")
    n = int(FIRST * 50)
    scene.packets += voice(leg, 10.6, 2, 100 + n, 1000 + 160 * n + 52000)
    leg.bye(12.8, A)
    return scene


@feature("F06", "T.38 by re-INVITE: an event, its packets are no RTP, what the voice did not send meanwhile is no loss")
def fax(t):
    scene = fax_call()
    r = scene.read(t)["fax@test"]
    t.equal("events", [(e["kind"], e["detail"], round(after(e["at"]), 2)) for e in r["events"] if e["kind"].startswith("fax")],
            [("fax_start", "t38", 4.05), ("fax_end", "t38", 10.55)])
    t.equal("no more than two streams, nothing lost, no new segment", [(s["party"], s["packets"], s["lost"], s["media_lost"], s["restarts"], s["codec"]) for s in r["streams"]],
            [(p, 247, 0, 0, 0, "PCMU") for p in ("caller", "callee")])
    t.check(f"no spacing of seven seconds: {[s['max_gap_ms'] for s in r['streams']]}", all(s["max_gap_ms"] < 1000 for s in r["streams"]))
    t.equal("nothing is wrong with it", (r["diagnosis"], r["summary"]), ([], None))
    t.equal("packets of T.38", t.counters_of(frames(sorted(scene.packets, key=lambda p: p.t)))['earshot_decoded_packets_total{proto="t38"}'], 400)
    refused = fax_call(488, packets=False).read(t)["fax@test"]
    t.counter("refused, it is no fax", not [e for e in refused["events"] if e["kind"].startswith("fax")])
    voice_only = fax_call(to_fax=False, packets=False).read(t)["fax@test"]
    t.counter("nor is a re-INVITE for the same", not [e for e in voice_only["events"] if e["kind"].startswith("fax")])
