"""H14: the graph of who talks to whom, from a file and from the service; what each clause says, as one whole answer."""
import contextlib, json, os, sqlite3

from craft import ALICE, BOB, START, Dialog, Frame, Packet, call, ether, frames, ip, media, sdp, signalling
from feature import feature
from network import tenants
from places import SPAN, TENANTS, Fed, config
from service import wait_for
from users import register

PBX, RELAY, GATEWAY = "10.0.0.5", "10.0.0.6", "192.0.2.1"
HOUSE = "[places]\ninternal_networks = 10.0.0.0/8\n[trunk carrier]\npeers = 192.0.2.1\n[site home]\nnetworks = 10.0.0.0/8\n"


def through(callee, at, call_id, number="bob", agent="Bob/2", streams=(), code=None):
    """A call of Alice's through the PBX; with `code` the PBX refuses it."""
    first = Dialog(a=ALICE, b=PBX, call_id=call_id, branch="z9hG4bKa", to_user=number)
    second = Dialog(a=PBX, b=callee, call_id=call_id, branch="z9hG4bKp", to_user=number)
    out = []
    for d, late in ((first, 0), (second, 0.002)):
        if code and d is second:
            continue
        steps = signalling(first, 60.0, start=START + at, offer=sdp(ALICE, 4000), answer=sdp(callee, 6000))
        if code:
            steps = steps[:2] + [(START + at + 0.1, False, first.response(code, "No", "INVITE", 1)), (START + at + 0.12, True, first.request("ACK", 1))]
        for t, forth, text in steps:
            if d is second and b" 100 " in text[:16]:
                continue
            if d is second and forth:
                text = text.replace(b"\r\nVia:", f"\r\nVia: SIP/2.0/UDP {PBX}:5060;branch=z9hG4bKp{call_id}\r\nVia:".encode(), 1)
            if d is second and not forth:
                text = text.replace(b"\r\nVia:", f"\r\nVia: SIP/2.0/UDP {PBX}:5060;branch=z9hG4bKp{call_id}\r\nVia:".encode(), 1)
            if not forth:
                text = text.replace(b"User-Agent: craft", f"Server: {agent}".encode()).replace(f"<sip:alice@{ALICE}:5060>\r\nServer".encode(), f"<sip:{number}@{callee}>\r\nServer".encode())
            else:
                text = text.replace(b"User-Agent: craft", b"User-Agent: Alice/1")
            late_ = late if forth else -late
            out.append(Packet(t + late_, *((d.a, 5060, d.b, 5060) if forth else (d.b, 5060, d.a, 5060)), text, kind="sip"))
    for n, (src, sport, dst, dport, lost) in enumerate(streams):
        got = media(src, sport, dst, dport, 60.0, START + at + 1.05, 0x1000 + n)
        out += [p for i, p in enumerate(got) if not lost or i % 100 or i == 0]
    return out


def scene():
    """Registrations, a call between two telephones, one to the trunk through a media relay, one that the PBX refuses."""
    out = register(0, 1)
    for p in out:  # at the PBX, by Bob's telephone; register() has Bob as the registrar
        p.src, p.dst = p.src.replace(BOB, PBX), p.dst.replace(BOB, PBX)
    out += through(BOB, 10, "c1@test", streams=[(ALICE, 4000, BOB, 6000, True), (BOB, 6000, ALICE, 4000, False)])
    out += through(GATEWAY, 100, "c2@test", number="0043", agent="Carrier/9", streams=[
        (ALICE, 4000, RELAY, 7000, False), (RELAY, 7002, GATEWAY, 6000, False), (GATEWAY, 6000, RELAY, 7002, False), (RELAY, 7000, ALICE, 4000, False)])
    out += through(BOB, 200, "c3@test", number="nobody", code=404)
    return frames(sorted(out, key=lambda p: p.t))


def node(id_, addr, *roles, calls, agent=None, site=None, trunk=None):
    return {"id": id_, "addr": addr, "space": 0, "roles": list(roles), "user_agent": agent, "tenant": None, "site": site, "trunk": trunk, "calls": calls, "alias": None}


def way(src, dst, calls, answered, minutes):
    return {"kind": "sip", "src": src, "dst": dst, "calls": calls, "answered": answered, "minutes": minutes}


def voice(src, dst, packets, loss, mos):
    return {"kind": "media", "src": src, "dst": dst, "calls": 1, "minutes": 1, "streams": 1, "packets": packets, "loss_ratio": loss,
            "mos": mos and {"NB": {"avg": round(mos, 2), "min": round(mos, 2), "streams": 1}}}


def golden(mos):
    """The whole answer over scene(); mos: (src, dst) -> score of that stream, as the calls' own records have it."""
    nodes = [node(0, ALICE, "ua", calls=3, agent="Alice/1", site="home"), node(1, PBX, "proxy", "registrar", calls=3),
             node(2, BOB, "ua", calls=1, agent="Bob/2", site="home"), node(3, RELAY, "media_relay", calls=1),
             node(4, GATEWAY, "gateway", calls=1, agent="Carrier/9", trunk="carrier")]
    addr = [n["addr"] for n in nodes]
    heard = lambda src, dst, packets=3000, loss=0: voice(src, dst, packets, loss, mos[addr[src], addr[dst]])
    return {"calls": 3, "nodes": nodes, "edges": [
        way(0, 1, 3, 2, 2), way(1, 2, 1, 1, 1), way(1, 4, 1, 1, 1),
        heard(0, 2, 2971, 0.009667), heard(0, 3), heard(2, 0), heard(3, 0), heard(3, 4), heard(4, 3)]}


def scores(records):
    ip_ = lambda end: end.rsplit(":", 1)[0]
    return {(ip_(s["src"]), ip_(s["dst"])): s["mos"]["lq"] for r in records for s in r["streams"]}


@feature("H14", "the graph of a capture: roles, software, places of each node; calls, minutes and scores of each edge")
def of_file(t):
    conf = config(t, HOUSE)
    path = t.path()
    from craft import write
    write(path, scene())
    mos = scores(t.read(path, *conf))
    draw = lambda *more: json.loads(t.run("read", "--topology", *more, path).stdout)
    t.equal("the graph", draw(*conf), golden(mos))
    bare = draw()
    t.counter("without the trunk there is a gateway", "gateway" not in str(bare) and bare["nodes"][4]["roles"] == ["ua"])
    other = t.path()
    write(other, [f for f in scene() if f.packet.kind == "sip"])
    silent = json.loads(t.run("read", "--topology", *conf, other).stdout)
    t.counter("without media there are its edges", [e["kind"] for e in silent["edges"]] == ["sip"] * 3 and len(silent["nodes"]) == 4)


def crowd(data, count):
    """So many copies of a registration in the store."""
    with contextlib.closing(sqlite3.connect(os.path.join(data, "db", "earshot.db"), timeout=20)) as db, db:
        names = [c[1] for c in db.execute("PRAGMA table_info(registrations)") if c[1] not in ("id", "key")]
        db.execute(f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
            INSERT INTO registrations(key, {','.join(names)}) SELECT 'copy ' || i, {','.join(names)}
            FROM n, (SELECT * FROM registrations ORDER BY id LIMIT 1)""")


@feature("H14", "the same from the service, by time, trunk and site, with a ceiling; a token of a tenant sees its own nodes alone")
def of_service(t):
    from craft import write
    path = t.path()
    write(path, scene())
    mos = scores(t.read(path, *config(t, HOUSE)))
    with Fed(t, scene(), HOUSE) as s:
        draw = lambda more="": json.loads(s.get(f"/api/v1/stats/topology?{SPAN}{more}")[1])
        got = wait_for("three calls", lambda: (lambda d: d if d["calls"] == 3 and "registrar" in str(d) else None)(draw()))
        t.equal("the span and that it is whole", (got.pop("from"), got.pop("to"), got.pop("truncated")),
                ("2023-11-14T00:00:00.000000Z", "2023-11-15T23:00:00.000000Z", False))
        t.equal("the graph", got, golden(mos))
        carrier = draw("&trunk=carrier")
        t.equal("one trunk", (carrier["calls"], sorted(n["addr"] for n in carrier["nodes"])), (1, sorted([ALICE, PBX, RELAY, GATEWAY])))
        late = json.loads(s.get("/api/v1/stats/topology?from=2023-11-14T22:14:00Z&to=2023-11-15T00:00:00Z")[1])
        t.equal("a part of the time", (late["calls"], len(late["nodes"])), (2, 4))
        few = draw("&limit=2")
        t.equal("a ceiling", [(n["addr"], n["roles"]) for n in few["nodes"]], [(ALICE, ["ua"]), (PBX, ["proxy", "registrar"]), (None, ["other"])])
        t.equal("what is behind it", {(e["kind"], e["src"], e["dst"]): e["calls"] for e in few["edges"]},
                {("sip", 0, 1): 3, ("sip", 1, 2): 2, ("media", 0, 2): 2, ("media", 2, 0): 2, ("media", 2, 2): 2})
        for wrong in ("&limit=0", "&direction=up", "&group=1", "&from=yesterday"):
            t.equal(wrong, s.get(f"/api/v1/stats/topology?{SPAN}{wrong}" if "from" not in wrong else "/api/v1/stats/topology?from=yesterday")[0], 400)
        crowd(s.data, 10001)
        t.equal("more registrations than are drawn: it says so", (draw()["truncated"], draw("&trunk=carrier")["truncated"]), (True, False))
        empty = json.loads(s.get("/api/v1/stats/topology?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z")[1])
        t.counter("at another time there are calls", empty["calls"] == 0 and empty["edges"] == [])
    with Fed(t, tenants(ids=("a@pbx", "b@pbx")), TENANTS) as s:
        acme = t.run("token", "create", "--config", s.conf, "--data", s.data, "--role", "viewer", "--tenant", "acme").stdout.strip()
        draw = lambda token=None: json.loads(s.get(f"/api/v1/stats/topology?{SPAN}", token)[1])
        both = wait_for("two calls", lambda: (lambda d: d if d["calls"] == 2 else None)(draw()))
        t.equal("equal addresses of two tenants are different nodes", [(n["addr"], n["tenant"]) for n in both["nodes"]].count((ALICE, "acme")), 1)
        t.equal("tenants", sorted({n["tenant"] for n in both["nodes"]}), ["acme", "bolt"])
        t.counter("another tenant's are seen", {n["tenant"] for n in draw(acme)["nodes"]} == {"acme"} and draw(acme)["calls"] == 1)
