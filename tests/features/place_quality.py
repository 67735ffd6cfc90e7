"""K08: quality of sites and trunks hour by hour, and the worst hours, against what the calls themselves say."""
from craft import START, Dialog, call, media
from feature import feature
from users_api import FileService

TEXT = "[places]\ninternal_networks = 10.0.0.0/8\n[site north]\nnetworks = 10.1.0.0/16\n[site south]\nnetworks = 10.2.0.0/16\n[trunk one]\npeers = 192.0.2.1\n"
HOUR = 3600


def talk(n, a, b, at, lost=0):
    """`lost`: of so many packets from the caller one is missing."""
    d = Dialog(a=a, b=b, call_id=f"q{n}@test", branch=f"z9hG4bKq{n}", from_tag=f"f{n}", to_tag=f"t{n}")
    ports = (20000 + 4 * n, 40000 + 4 * n)
    sound = [media(a, ports[0], b, ports[1], 5.0, START + at + 1.05, 0x10 + n), media(b, ports[1], a, ports[0], 5.0, START + at + 1.06, 0x1000 + n)]
    return call(d, 6.0, *ports, start=START + at, voice=False) + [p for i, p in enumerate(sound[0]) if not lost or i % lost or i < 5] + sound[1]


def mean(values):
    return sum(values) / len(values) if values else None


def expected(calls, of):
    """The rows of the list, made from the calls one by one."""
    rows = {}
    for c in calls:
        for place in {c["trunk"]} if of == "trunk" else {c["from_site"], c["to_site"]}:
            if place:
                rows.setdefault((c["started_at"][:13] + ":00:00.000000Z", place), []).append(c)
    return {k: (len(v), sum(c["outcome"] == "answered" for c in v), round(mean([c["quality"]["loss_ratio"] for c in v]), 6),
                round(max(c["quality"]["jitter_ms_max"] for c in v), 3), round(min(c["quality"]["mos_min"] for c in v), 2)) for k, v in rows.items()}


@feature("K08", "sites and trunks by hour equal what their calls say; the worst hours first; by time, number and ceiling")
def by_hour(t):
    north, south, far = "10.1.0.1", "10.2.0.1", "192.0.2.1"
    packets = talk(0, north, south, 0) + talk(1, north, far, 60, lost=10) + talk(2, south, far, HOUR, lost=4) + talk(3, north, "10.1.0.2", HOUR + 60)
    with FileService(t, sorted(packets, key=lambda p: p.t), TEXT) as s:
        calls = s.list("calls", **{"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"})
        t.equal("calls", len(calls), 4)
        ask = lambda **more: s.get("/api/v1/stats/quality?" + "&".join(f"{k}={v}" for k, v in {"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z", **more}.items()))
        for of in ("site", "trunk"):
            got = ask(group_by=of)
            t.equal(f"by {of}", {(r["at"], r[of]): (r["calls"], r["answered"], r["loss_ratio_avg"], r["jitter_ms_max"], r["mos"]["NB"]["min"]) for r in got["data"]}, expected(calls, of))
            t.equal("in order", [(r["at"], r[of]) for r in got["data"]], sorted((r["at"], r[of]) for r in got["data"]))
        worst = ask(order="worst")["data"]
        t.equal("the worst first", [r["r_fb_avg"] for r in worst], sorted(r["r_fb_avg"] for r in worst))
        t.equal("which is", (worst[0]["site"], worst[0]["at"]), ("south", "2023-11-14T23:00:00.000000Z"))
        one = ask(order="worst", limit=1)
        t.equal("one of them", (one["data"], one["truncated"]), (worst[:1], True))
        t.equal("the first two by time", (ask(limit=2)["data"], ask(limit=2)["truncated"]), (ask()["data"][:2], True))
        t.equal("hours with two calls", {(r["site"], r["scored"]) for r in ask(scored__gte=2)["data"]}, {("north", 2)})
        t.equal("an hour", {r["at"] for r in s.get("/api/v1/stats/quality?from=2023-11-14T23:00:00Z&to=2023-11-15T00:00:00Z")["data"]}, {"2023-11-14T23:00:00.000000Z"})
        for wrong in ("group_by=codec", "order=best", "limit=0", "limit=1001", "from=2023-01-01T00:00:00Z", "hour=1"):
            t.equal(wrong, s.status(f"/api/v1/stats/quality?{wrong}"), 400)
    clean = talk(2, south, far, HOUR)
    with FileService(t, sorted(clean, key=lambda p: p.t), TEXT) as s:
        rows = s.list("stats/quality", **{"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"})
        t.counter("without loss it is as bad", rows[0]["loss_ratio_max"] == 0 and rows[0]["r_fb_avg"] > worst[0]["r_fb_avg"])
    with FileService(t, sorted(clean, key=lambda p: p.t)) as s:
        t.counter("without sites there are rows", s.list("stats/quality", **{"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"}) == [])
