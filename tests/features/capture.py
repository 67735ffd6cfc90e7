"""D10: where packets are taken from. One call, seen by a mirror port, on the host of the PBX itself, by the mirror of a cloud."""
import subprocess

from craft import *
from feature import feature, near, shape
from service import Service, in_namespace, play, wait_for


def cooked2(packet, p, index=2, kind=0):
    """Linux cooked 2, as `any` has it: the interface's index, and whether it came in (0) or went out (4)."""
    return struct.pack("!HHIHBB8s", ethertype(packet), 0, index, 1, kind, 6, bytes(8)) + packet


def on_any(packets):
    """Each packet as a router's `any` sees it: in on one interface, out on another 30 us later, with a TTL less."""
    out = []
    for p in packets:
        out += [Frame(p.t, cooked2(ip(p), p, 2, 0), p), Frame(p.t + 3e-5, cooked2(ip(replace(p, ttl=63)), p, 3, 4), p)]
    return out


def counted(records):
    return [(r["messages"], r["retransmissions"], [(s["packets"], s["lost"], s["duplicates"], s["reordered"]) for s in r["streams"]])
            for r in records]


@feature("D10", "the same call from a mirror port, from `any` (every packet twice), from a cloud's mirror: the same record")
def three_modes(t):
    packets = call()
    base = t.read(frames(packets))
    t.equal("the call", [(r["outcome"], r["end_reason"], len(r["streams"])) for r in base], [("answered", "bye", 2)])
    cloud = lambda packet, p: ether(vxlan(ether(packet), vni=99))
    modes = {"any": t.read(on_any(packets), linktype=276), "VXLAN": t.read(frames(packets, cloud)),
             "VXLAN from both ends": t.read(frames(packets, cloud) + [Frame(p.t + 2e-4, cloud(ip(p), p), p) for p in packets]),
             "GRE": t.read(frames(packets, lambda packet, p: ether(gre(packet))))}
    for what, got in modes.items():
        t.same(base, got, what)
        t.equal(what, counted(got), counted(base))
    t.equal("copies are counted apart", t.counters_of(on_any(packets), linktype=276)["earshot_duplicate_packets_total"], len(packets))
    twice = t.read(on_any(packets), "--set", "capture.dedupe=no", linktype=276)
    t.counter("with dedupe off the copies do not show", counted(twice) != counted(base))


def facts(records):
    """A record without its times: they are those of the day."""
    out = shape(records)
    for r in out:
        for at in ("started_at", "answered_at", "ended_at"):
            del r[at]
    return out


def spans(r):
    return [near(r[at]) - near(r["started_at"]) for at in ("answered_at", "ended_at")]


def on_host(t, interface):
    """The call between two addresses of this host, and what is written down of it."""
    packets = call(seconds=0.5)
    wanted = t.read(frames(packets))
    with Service(t, interface) as s:
        for _ in range(20):
            s.get("/api/v1/live/calls")
        t.equal(f"{interface}: the API's own packets", s.counter("earshot_capture_packets_total"), 0)
        play(packets)
        s.has("earshot_capture_packets_total", len(packets))
        got = s.records()
        t.equal(f"{interface}: packets, and none of the API's", s.counter("earshot_capture_packets_total"), len(packets))
        t.equal(f"{interface}: copies", s.counter("earshot_duplicate_packets_total"), 0)
    t.equal(f"{interface}: the record", facts(got), facts(wanted))
    t.check(f"{interface}: its times {spans(got[0])}", all(abs(a - b) < 0.5 for a, b in zip(spans(got[0]), spans(wanted[0]))))


@feature("D10", "on the PBX's own host, live from lo and from any: the same record, the API's own traffic left out")
@in_namespace
def own_host(t):
    for address in (ALICE, BOB):
        subprocess.run(["ip", "addr", "add", address + "/32", "dev", "lo"], check=True)
    on_host(t, "lo")
    on_host(t, "any")
    with Service(t, "lo", "[capture]\nexclude_own = no\n") as s:
        s.get("/api/v1/live/calls")
        t.counter("capture.exclude_own = no leaves it out all the same",
                  wait_for("packets of the API", lambda: s.counter("earshot_capture_packets_total") > 0))
