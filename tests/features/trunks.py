"""K06: how many bits a second a call, a trunk and all of them take, and how many calls there are at once; H06: whether a trunk
answers, how full it is, who registers with it."""
from craft import START, Dialog, Packet, call, frames, media
from feature import feature
from places import TRUNKS, config
from users import message, register
from users_api import FileService

PACKET = 12 + 160 + 28  # RTP, PCMU of 20 ms, UDP and IPv4
SECOND = 50 * PACKET    # bytes of a direction


def talk(n, at, seconds=4.0, a="10.0.0.1", b="192.0.2.1"):
    """A call with sound both ways from the middle of a packet's time on, so that each second has 50 packets of each."""
    ports = (20000 + 4 * n, 20002 + 4 * n)
    d = Dialog(a=a, b=b, call_id=f"b{n}@test", branch=f"z9hG4bKb{n}", from_tag=f"f{n}", to_tag=f"t{n}")
    packets = call(d, seconds, *ports, start=START + at, voice=False)
    packets += media(a, ports[0], b, ports[1], seconds - 1, START + at + 1.005, 0x100 + n)
    return packets + media(b, ports[1], a, ports[0], seconds - 1, START + at + 1.007, 0x200 + n)


def ordered(packets):
    return frames(sorted(packets, key=lambda p: p.t))


@feature("K06", "bits a second of each call, of each trunk and of all, now and at most; most calls at once")
def bandwidth(t):
    packets = talk(0, 0) + talk(1, 0.5) + talk(2, 1) + talk(3, 20) + talk(4, 20, b="198.51.100.1")
    conf = config(t, TRUNKS)
    for r in t.read(ordered(packets), *conf):
        t.check(f"a call: {r['bits_per_s']}", abs(r["bits_per_s"] - 16 * SECOND) < 16 * SECOND * 0.01)
        t.equal("its peak", r["bits_per_s_peak"], 16 * SECOND)
    m = t.counters_of(ordered(packets), *conf)
    of = lambda name, trunk: m.get(f'earshot_{name}{{trunk="{trunk}"}}')
    t.equal("bytes of a trunk", m['earshot_rtp_bytes_total{trunk="one",direction="out"}'], 4 * 2 * 150 * PACKET)
    t.equal("bytes elsewhere", m['earshot_rtp_bytes_total{trunk="other",direction="out"}'], 2 * 150 * PACKET)
    t.equal("peak of a trunk: three calls", of("rtp_peak_bytes_per_second", "one"), 3 * 2 * SECOND)
    t.equal("of another", of("rtp_peak_bytes_per_second", "other"), 2 * SECOND)
    t.equal("of one without calls", of("rtp_peak_bytes_per_second", "two"), 0)
    t.equal("of all", m["earshot_rtp_total_peak_bytes_per_second"], 3 * 2 * SECOND)
    t.equal("calls at once", (m["earshot_calls_peak"], of("trunk_calls_peak", "one"), of("trunk_calls_peak", "other")), (3, 3, 1))
    apart = talk(0, 0) + talk(1, 10) + talk(2, 20)
    other = t.counters_of(ordered(apart), *conf)
    t.counter("calls after each other are as much at once", other['earshot_rtp_peak_bytes_per_second{trunk="one"}'] == 2 * SECOND and other["earshot_calls_peak"] == 1)
    six = t.read(ordered(talk(0, 0, a="2001:db8::1", b="2001:db8::2")))[0]
    t.counter("IPv6 takes as much as IPv4", six["bits_per_s_peak"] == 16 * 50 * (PACKET + 20))
    slow = t.read(ordered([p for p in talk(0, 0) if p.kind == "sip" or not START + 2 < p.t < START + 3]))[0]
    t.counter("a second of silence changes the peak, not the mean", slow["bits_per_s_peak"] == 16 * SECOND and slow["bits_per_s"] < 16 * SECOND * 0.7)
    silent = t.read(ordered([p for p in talk(0, 0) if p.kind == "sip"]))[0]
    t.equal("without media", (silent["bits_per_s"], silent["bits_per_s_peak"]), (None, None))


def options(t, dst, answered, src="10.0.0.1", cseq=1, port=5060):
    """OPTIONS and, perhaps, its answer."""
    out = [message(t, "OPTIONS", cseq, src=src, dst=dst, call=f"o{dst}{t}@test")]
    if answered:
        out.append(message(t + 0.02, "OPTIONS", cseq, 200, src=dst, dst=src, call=f"o{dst}{t}@test"))
    for p in out:
        p.dport, p.sport = (port, 5060) if p.dst == dst else (5060, port)
    return out


def watched(answers, dst="192.0.2.1", port=5060):
    return [p for n, ok in enumerate(answers) for p in options(60 * n, dst, ok, cseq=n + 1, port=port)] + [Packet(START + 60 * len(answers), "10.77.0.1", 9, "10.77.0.2", 9, b"x")]


@feature("H06", "a trunk is up while a peer of it answers OPTIONS, down when none does, and neither while nobody asks")
def reachable(t):
    conf = config(t, TRUNKS)
    def state(packets):
        m = t.counters_of(ordered(packets), *conf)
        return {trunk: tuple(m[f'earshot_trunk_peers{{trunk="{trunk}",state="{s}"}}'] for s in ("up", "down")) for trunk in ("one", "three", "four")}
    none = {"one": (0, 0), "three": (0, 0), "four": (0, 0)}
    t.equal("answers", state(watched([True] * 3)), {**none, "one": (1, 0)})
    t.equal("three times no answer", state(watched([True] + [False] * 3)), {**none, "one": (0, 1)})
    t.equal("and it is back", state(watched([True] + [False] * 3 + [True])), {**none, "one": (1, 0)})
    t.equal("two misses are none yet", state(watched([True] + [False] * 2)), {**none, "one": (1, 0)})
    t.equal("one of two peers", state(watched([False] * 4) + watched([True] * 4, "192.0.2.2", 5070)), {**none, "one": (1, 1)})
    t.equal("one peer of two trunks", state(watched([True] * 2, "192.0.2.3")), {**none, "three": (1, 0), "four": (1, 0)})
    t.counter("another port of a peer counts", state(watched([True] * 2, "192.0.2.2", 5060)) == none)
    t.counter("nobody asks", state(talk(0, 0)) == none)


@feature("H06", "load and capacity of each trunk, its state, and registrations with it, from the service")
def served(t):
    here = register(0, 1) # alice with Bob's address as the registrar: no trunk
    there = register(5, 1, call="r2@test")
    for p in there:
        p.src, p.dst = p.src.replace("10.0.0.2", "192.0.2.1"), p.dst.replace("10.0.0.2", "192.0.2.1")
    packets = here + there + watched([True] * 3) + talk(0, 0) + talk(1, 0.5)
    with FileService(t, sorted(packets, key=lambda p: p.t), TRUNKS) as s:
        rows = {r["name"]: r for r in s.list("trunks")}
        t.equal("trunks", sorted(rows), ["five", "four", "one", "three", "two"])
        one = rows["one"]
        t.equal("load", {k: one[k] for k in ("calls", "calls_peak", "capacity_calls", "capacity_ratio", "capacity_peak_ratio")},
                {"calls": 0, "calls_peak": 2, "capacity_calls": 10, "capacity_ratio": 0, "capacity_peak_ratio": 0.2})
        t.equal("bits a second", one["bits_per_s_peak"], 2 * 16 * SECOND)
        t.equal("state", (one["up"], one["peers_up"], one["peers_down"]), (True, 1, 0))
        t.equal("nobody asks", (rows["two"]["up"], rows["two"]["capacity_calls"], rows["two"]["capacity_ratio"]), (None, None, None))
        text = s.fetch("/metrics")
        t.check("registrations", 'earshot_registrations_total{trunk="one",result="refreshed"} 1' in text)
        t.check("the other is of no trunk", 'earshot_registrations_total{trunk="none",result="registered"} 1' in text)
        figures = lambda: {r["trunk"]: r["registrations"] for r in s.list("stats/summary", group_by="trunk", **{"from": "2023-11-14T00:00:00Z", "to": "2023-11-15T00:00:00Z"})}
        from service import wait_for
        t.equal("in the figures", wait_for("figures", figures), {"one": 1})
    with FileService(t, sorted(packets, key=lambda p: p.t)) as s:
        t.counter("without sections there are trunks", s.list("trunks") == [])
