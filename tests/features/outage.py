"""K09: the line is dead. A trunk or site from which nothing comes although its calls go on, and many calls that drop at once: one
finding each, with when it began and ended and which calls it took."""
from craft import START, Dialog, Packet, call, frames, rtp
from feature import feature
from findings import QUIET
from places import config
from users_api import FileService

HOUSE = "[places]\ninternal_networks = 10.0.0.0/8\n[trunk one]\npeers = 192.0.2.1\n"
SITES = "[places]\ninternal_networks = 10.0.0.0/8\n[site north]\nnetworks = 10.1.0.0/16\n[site south]\nnetworks = 10.2.0.0/16\n"


def sound(n, src, sport, dst, dport, seconds):
    """A packet a second at these whole seconds."""
    return [Packet(START + s + 0.1 + n / 1000, src, sport, dst, dport, rtp(s, 8000 * s, 0x100 * n + (src < dst), bytes(20)), kind="rtp") for s in seconds]


def talk(n, there, here=None, at=0, bye=None, a="10.0.0.1", b="192.0.2.1"):
    """Call n; `there` and `here`: seconds at which the far and the near side send. With `bye` it ends then."""
    ports = (20000 + 4 * n, 40000 + 4 * n)
    d = Dialog(a=a, b=b, call_id=f"o{n}@test", branch=f"z9hG4bKo{n}", from_tag=f"f{n}", to_tag=f"t{n}")
    packets = call(d, (bye or 9) - at - 1.0, *ports, start=START + at, voice=False)
    if bye is None:
        packets = [p for p in packets if b"BYE" not in p.data]
    return packets + sound(n, b, ports[1], a, ports[0], there) + sound(n, a, ports[0], b, ports[1], there if here is None else here)


def ticks(until):
    return [Packet(START + t, "10.99.0.1", 5060, "10.99.0.2", 5060, b"\r\n\r\n") for t in range(1, until)]


def many(count, *args, until=QUIET + 400, **kw):
    return [p for n in range(count) for p in talk(n, *args, **kw)] + ticks(until)


def found(t, packets, text=HOUSE, *more):
    lines = t.read(frames(sorted(packets, key=lambda p: p.t)), "--findings", "--no-orphans", *config(t, text), *more)
    uids = {r["uid"]: r["call_id"] for r in lines if "uid" in r}
    return [line["finding"] for line in lines if "finding" in line], uids


def after(time):
    """Seconds since START."""
    import datetime
    return datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() - START


UP, DARK = list(range(2, 60)), list(range(100, 110))


@feature("K09", "no SIP and no RTP from a trunk or a site while its calls go on: one finding, with begin, end and calls")
def silence(t):
    dark = dict(there=UP + DARK, bye=111)
    got, uids = found(t, many(3, **dark))
    t.equal("findings", [(f["detector"], f["subject"], f["severity"], f["state"], f["episodes"], f["count"]) for f in got],
            [("outage", "trunk one", "critical", "cleared", 1, 3)])
    f = got[0]
    t.check(f"begins with the last word: {f['first_at']}", 59 < after(f["first_at"]) < 59.5)
    t.check(f"told after half a minute: {f['opened_at']}", 89 <= after(f["opened_at"]) < 96)
    t.check(f"ends when it is heard: {f['updated_at']}", 100 <= after(f["updated_at"]) < 106)
    t.equal("cleared", round(after(f["cleared_at"]) - after(f["updated_at"])), QUIET)
    t.equal("calls", sorted(uids[u] for u in f["calls"]), ["o0@test", "o1@test", "o2@test"])
    t.equal("no addresses", (f["src_ip"], f["sources"], f["destinations"]), (None, [], []))
    near = list(range(2, 110))
    got, _ = found(t, many(3, there=UP + DARK, here=near, bye=111))
    t.equal("our side goes on sending", [f["subject"] for f in got], ["trunk one"])
    got, _ = found(t, many(3, there=near, here=UP + DARK, bye=111))
    t.counter("the far side is heard, ours is not: the trunk is silent", got == [])
    got, _ = found(t, many(3, there=near, here=UP + DARK, bye=111, a="10.1.0.1"), HOUSE + SITES.split("\n", 2)[2])
    t.equal("then it is the site", [(f["detector"], f["subject"]) for f in got], [("outage", "site north")])
    both, _ = found(t, many(3, a="10.1.0.1", b="10.2.0.1", **dark), SITES)
    t.equal("both sites of calls", sorted(f["subject"] for f in both), ["site north", "site south"])
    t.counter("two calls are enough", found(t, many(2, **dark))[0] == [])
    t.counter("25 s are enough", found(t, many(3, there=UP + list(range(84, 110)), bye=111))[0] == [])
    t.counter("calls that were hung up are missed", found(t, many(3, there=UP, bye=60))[0] == [])
    t.counter("without sections there is a trunk", [f["detector"] for f in found(t, many(3, **dark), "")[0]] == [])
    t.counter("it is found though it is off", found(t, many(3, **dark), HOUSE, "--set", "findings.outage=off")[0] == [])
    other = talk(9, range(2, 110), bye=111)
    t.counter("one call that is heard is not enough", found(t, many(3, **dark) + other)[0] == [])
    t.counter("where signalling alone is seen, silence is missed", found(t, [p for p in many(3, **dark) if p.kind == "sip"] + ticks(400))[0] == [])
    asks = [p for s in range(60, 110, 10) for p in talk(20 + s, [], at=s, bye=s + 2, a="192.0.2.1", b="10.0.0.1")]
    t.counter("signalling of other calls is not enough", found(t, many(3, **dark) + asks)[0] == [])


@feature("K09", "a trunk that comes and goes is one finding")
def flapping(t):
    again = dict(there=UP + DARK + list(range(150, 160)), bye=161)
    got, _ = found(t, many(3, **again))
    t.equal("twice", [(f["detector"], f["episodes"], f["state"]) for f in got], [("outage", 2, "cleared")])
    t.check(f"from the first to the last: {got[0]}", 59 < after(got[0]["first_at"]) < 60 and 150 <= after(got[0]["updated_at"]) < 156)
    once, _ = found(t, many(3, there=UP + DARK, bye=111))
    t.counter("once is twice", once[0]["episodes"] == 1)


@feature("K09", "blackout: many calls that end by time-out together are one finding, with begin, end and affected calls")
def blackout(t):
    got, uids = found(t, many(12, UP))
    t.equal("findings", sorted((f["detector"], f["subject"], f["count"], f["episodes"]) for f in got),
            [("mass_drop", "calls", 12, 1), ("outage", "trunk one", 12, 1)])
    f = next(f for f in got if f["detector"] == "mass_drop")
    t.check(f"begins with the last packets: {f['first_at']}", 59 < after(f["first_at"]) < 59.5)
    t.check(f"ends with the last call: {f['updated_at']}", 118 < after(f["updated_at"]) < 121)
    t.equal("of which trunk", f["samples"], ["trunk one"])
    t.equal("calls that it names", (len(f["calls"]), {uids[u] for u in f["calls"]} <= {f"o{n}@test" for n in range(12)}), (8, True))
    t.equal("limits", (f["threshold"], f["window_ms"], f["detector_id"]), (10, 5000, "K09"))
    off = ("--set", "findings.outage=off")
    t.equal("without places too", [f["detector"] for f in found(t, many(12, UP), "")[0]], ["mass_drop"])
    t.counter("nine are many", found(t, many(9, UP), HOUSE, *off)[0] == [])
    t.counter("calls that were hung up dropped", found(t, many(12, UP, bye=60), HOUSE, *off)[0] == [])
    one_by_one = [p for n in range(12) for p in talk(n, range(2, 40 + 2 * n))] + ticks(400)
    t.counter("one after the other is at once", found(t, one_by_one, HOUSE, *off)[0] == [])
    twice = many(12, UP) + [p for n in range(12, 24) for p in talk(n, range(162, 200), at=160)]
    got, _ = found(t, twice, HOUSE, *off)
    t.equal("twice is one finding", [(f["detector"], f["count"], f["episodes"]) for f in got], [("mass_drop", 24, 2)])
    with FileService(t, sorted(many(12, UP, until=200), key=lambda p: p.t), HOUSE) as s:
        rows = {f["detector"]: f for f in s.list("findings")}
        t.equal("from the service", sorted(rows), ["mass_drop", "outage"])
        t.equal("affected calls", len({s.get(f"/api/v1/calls/{u}")["call_id"] for u in rows["mass_drop"]["calls"]}), 8)
        t.equal("counted", s.counter('earshot_findings_total{detector="outage",severity="critical"}'), 1)
