"""H06, H14: trunks and aliases through the API, while calls are captured and for good."""
import concurrent.futures, http.client, os

from craft import *
from feature import feature
from live_events import Fed
from rules import Restarted, ask, audited
from service import wait_for
from users import message
from users_api import FileService

TRUNK, ALIAS = "/api/v1/trunks", "/api/v1/aliases"
HOME = "[places]\ninternal_networks = 10.0.0.0/8\n"
CONFIG = HOME + "[trunk fixed]\npeers = 198.51.100.1\n[alias 10.0.0.0/8]\nname = \"The house\"\n"
NEW = {"name": "carrier_1", "peers": ["192.0.2.1", "192.0.2.16/28"], "prefixes": ["+43", "0043"], "capacity_calls": 4}


def gone(s, path, **headers):
    """The status of a DELETE; its answer has no body."""
    c = http.client.HTTPConnection(*s.url.split("//")[1].split(":"), timeout=20)
    c.request("DELETE", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    status = c.getresponse().status
    c.close()
    return status


@feature("H06", "trunks through the API: made, shown, changed, deleted; tags, refusals, audit; those of the configuration stay; all of it after a restart")
def trunks(t):
    with FileService(t, call(seconds=2), CONFIG) as s:
        t.equal("of the configuration", [(r["name"], r["source"], r["peers"], r["calls"]) for r in s.list("trunks")], [("fixed", "configuration", ["198.51.100.1"], 0)])
        status, made, headers = ask(s, "POST", TRUNK, NEW)
        t.equal("made", (status, made, headers["Location"]), (201, {"source": "api", "domains": [], "tenant": None, **NEW}, TRUNK + "/carrier_1"))
        status, shown, headers = ask(s, "GET", TRUNK + "/carrier_1")
        t.equal("shown", (status, shown), (200, made))
        t.equal("in the list, with its load", [(r["name"], r["source"], r["capacity_calls"], r["capacity_ratio"], r["up"]) for r in s.list("trunks")], [("fixed", "configuration", None, None, None), ("carrier_1", "api", 4, 0, None)])
        t.equal("in the metrics", s.counter('earshot_trunk_capacity_calls{trunk="carrier_1"}'), 4)
        for body, code, field in (({}, "invalid_body", "name"), ({"name": "x"}, "invalid_body", "peers"), ({**NEW, "name": "y", "peers": ["nonsense"]}, "invalid_value", None),
                                  ({**NEW, "name": "none"}, "invalid_value", None), ({**NEW, "name": "a b"}, "invalid_value", None), ({**NEW, "name": "y", "tenant": "nobody"}, "invalid_value", None),
                                  ({**NEW, "name": "y", "capacity_calls": 0}, "invalid_body", "capacity_calls"), ({**NEW, "name": "y", "peers": ["192.0.2.1\n[trunk z]"]}, "invalid_body", "peers"),
                                  ({**NEW, "name": "y", "peers": "192.0.2.1"}, "invalid_body", "peers"), ({**NEW, "name": "y", "more": 1}, "invalid_body", None), ([], "invalid_body", None)):
            status, problem, _ = ask(s, "POST", TRUNK, body)
            t.equal(f"{body}", (status, problem["code"], problem["field"]), (400, code, field))
        t.equal("twice", [ask(s, "POST", TRUNK, {**NEW, "name": n})[1]["code"] for n in ("carrier_1", "fixed")], ["exists", "exists"])
        t.equal("what is configured stays", [ask(s, "PUT", TRUNK + "/fixed", {"peers": ["192.0.2.1"]})[1]["code"], gone(s, TRUNK + "/fixed")], ["configured", 409])
        t.equal("there is none", (ask(s, "PUT", TRUNK + "/nobody", {"peers": ["192.0.2.1"]})[0], gone(s, TRUNK + "/nobody")), (404, 404))
        changed = {**shown, "peers": ["192.0.2.9"], "prefixes": [], "capacity_calls": None}
        t.equal("another name is another trunk", ask(s, "PUT", TRUNK + "/carrier_1", {**changed, "name": "z"})[1]["field"], "name")
        status, put, _ = ask(s, "PUT", TRUNK + "/carrier_1", changed, **{"If-Match": "W/" + headers["ETag"]})
        t.equal("changed as a whole, with the tag as it stands over what is packed", (status, put), (200, changed))
        t.equal("who read what stood before is told", (ask(s, "PUT", TRUNK + "/carrier_1", changed, **{"If-Match": headers["ETag"]})[1]["code"], gone(s, TRUNK + "/carrier_1", If_Match=headers["ETag"])), ("changed_meanwhile", 412))
        t.equal("audited, with what changed", audited(s, "trunk.write"), [("local", "carrier_1", "ok", "peers none -> 192.0.2.1, 192.0.2.16/28, prefixes none -> +43, 0043, capacity none -> 4"),
                                                                         ("local", "carrier_1", "ok", "peers 192.0.2.1, 192.0.2.16/28 -> 192.0.2.9, prefixes +43, 0043 -> none, capacity 4 -> none")])
        t.equal("a second one", ask(s, "POST", TRUNK, {"name": "away", "domains": ["*.example.com"]})[0], 201)
        t.equal("goes", (gone(s, TRUNK + "/away"), ask(s, "GET", TRUNK + "/away")[0], audited(s, "trunk.delete")), (204, 404, [("local", "away", "ok", "domains *.example.com -> none")]))
        data = s.data
    with Restarted(t, call(seconds=2), CONFIG + "[trunk further]\npeers = 198.51.100.2\n", data) as s:
        t.equal("after a restart", [(r["name"], r["source"]) for r in s.list("trunks")], [("fixed", "configuration"), ("further", "configuration"), ("carrier_1", "api")])
    with Restarted(t, call(seconds=2), CONFIG + "[trunk carrier_1]\npeers = 198.51.100.2\n", data) as s:
        t.counter("the configuration counts where both name the same", [(r["name"], r["source"], r["peers"]) for r in s.list("trunks")][1:] == [("carrier_1", "configuration", ["198.51.100.2"])])
        t.equal("no more than 64 names", [ask(s, "POST", TRUNK, {"name": f"t{n}", "peers": ["192.0.2.1"]})[0] for n in range(63)], [201] * 62 + [400])
        t.equal("what was refused is not there", len(s.list("trunks")), 64)
        t.equal("one of them goes", gone(s, TRUNK + "/t7"), 204)
        status, got, _ = ask(s, "POST", TRUNK, {"name": "newcomer", "peers": ["192.0.2.1"]})
        t.equal("its name counts on, and that is said", (status, "names that are gone count until the next start" in got["detail"]), (400, True))
        t.equal("under its own name it may come back", ask(s, "POST", TRUNK, {"name": "t7", "peers": ["192.0.2.1"]})[0], 201)
        t.equal("and go again", gone(s, TRUNK + "/t7"), 204)
    with Restarted(t, call(seconds=2), CONFIG, data) as s:
        t.equal("after a restart there is room for another", ask(s, "POST", TRUNK, {"name": "newcomer", "peers": ["192.0.2.1"]})[0], 201)


@feature("H06", "of many who change the same trunk at once, all having read the same, one does and the others are told")
def at_once(t):
    with FileService(t, call(seconds=1), HOME) as s, concurrent.futures.ThreadPoolExecutor(6) as pool:
        ask(s, "POST", TRUNK, NEW)
        for turn in range(4):
            tag = ask(s, "GET", TRUNK + "/carrier_1")[2]["ETag"]
            got = sorted(pool.map(lambda n: ask(s, "PUT", TRUNK + "/carrier_1", {**NEW, "capacity_calls": n}, **{"If-Match": tag})[0], range(10 + 10 * turn, 16 + 10 * turn)))
            t.equal("one of them", got, [200] + 5 * [412])
        t.counter("without a tag the last counts", sorted(pool.map(lambda n: ask(s, "PUT", TRUNK + "/carrier_1", {**NEW, "capacity_calls": n})[0], range(60, 62))) == [200, 200])


@feature("H06", "a trunk of the API takes the calls that begin from then on; one that goes keeps those that go on; its peers are up at once")
def at_work(t):
    def begun(n, at, b="192.0.2.1"):
        return [f.packet if hasattr(f, "packet") else f for f in call(Dialog(a="10.0.0.1", b=b, call_id=f"n{n}@test", branch=f"z9hG4bKn{n}", from_tag=f"f{n}"), voice=False, start=START + at)][:4]
    def live(s):
        return {c["call_id"]: c["trunk"] for c in s.get("/api/v1/live/calls?limit=100")["data"]}
    with Fed(t, HOME) as s:
        s.feed([*[p for n in range(2) for p in (message(20 + n, "OPTIONS", n + 1, src="10.0.0.1", dst="192.0.2.1", call=f"o{n}@test"), message(20.02 + n, "OPTIONS", n + 1, 200, src="192.0.2.1", dst="10.0.0.1", call=f"o{n}@test"))],
                *begun(1, 23)])
        wait_for("the first call", lambda: live(s) == {"n1@test": None})
        t.equal("made", ask(s, "POST", TRUNK, NEW | {"prefixes": []})[0], 201)
        s.feed(begun(2, 30))
        wait_for("the second call is the trunk's, the first still of none", lambda: live(s) == {"n1@test": None, "n2@test": "carrier_1"})
        row = s.get(TRUNK)["data"][0]
        t.equal("its load, and the peer that was asked before it had a name", (row["calls"], row["up"], row["peers_up"]), (1, True, 1))
        t.equal("moved away", ask(s, "PUT", TRUNK + "/carrier_1", {"peers": ["192.0.2.99"]})[0], 200)
        s.feed(begun(3, 40) + begun(4, 41, "192.0.2.99"))
        wait_for("only its new peer's are its", lambda: live(s) == {"n1@test": None, "n2@test": "carrier_1", "n3@test": None, "n4@test": "carrier_1"})
        t.equal("deleted", gone(s, TRUNK + "/carrier_1"), 204)
        s.feed(begun(5, 50, "192.0.2.99"))
        wait_for("no more of them", lambda: live(s).get("n5@test", 0) is None)
        t.counter("what goes on keeps its name", live(s)["n4@test"] == "carrier_1" and s.get(TRUNK)["data"] == [])


@feature("H14", "an alias names a host or a network: in ladders, the graph of hosts and the list of hosts; the longest prefix; made, changed and deleted like trunks")
def aliases(t):
    packets = sorted(call(seconds=2) + [p for n in range(2) for p in (message(1 + n, "OPTIONS", n + 1, src="10.0.0.1", dst="10.0.0.2", call=f"o{n}@test"), message(1.02 + n, "OPTIONS", n + 1, 200, src="10.0.0.2", dst="10.0.0.1", call=f"o{n}@test"))], key=lambda p: p.t)
    with FileService(t, packets, CONFIG) as s:
        uid = s.list("calls", **{"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"})[0]["uid"]
        def named():
            graph = s.get("/api/v1/stats/topology?from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z")
            host = s.list("hosts")[0]
            return ({h["addr"]: h["alias"] for h in s.get(f"/api/v1/calls/{uid}/ladder?rtp=0")["hosts"]}, {n["addr"]: n["alias"] for n in graph["nodes"] if n["addr"]}, {host["src_ip"]: host["src_alias"], host["dst_ip"]: host["dst_alias"]})
        t.equal("by the configuration", named(), ({ALICE: "The house", BOB: "The house"},) * 3)
        status, made, headers = ask(s, "POST", ALIAS, {"network": f"{ALICE}/32", "name": "SBC Wien, Süd #1"})
        t.equal("made", (status, made, headers["Location"]), (201, {"id": ALICE, "network": ALICE, "source": "api", "name": "SBC Wien, Süd #1"}, f"{ALIAS}/{ALICE}"))
        t.equal("a network", ask(s, "POST", ALIAS, {"network": "10.0.0.7/24", "name": "Racks"})[1]["id"], "10.0.0.0-24")
        t.equal("of IPv6", ask(s, "POST", ALIAS, {"network": "2001:db8::/32", "name": "Elsewhere"})[2]["Location"], ALIAS + "/2001:db8::-32")
        t.equal("the longest prefix", named(), ({ALICE: "SBC Wien, Süd #1", BOB: "Racks"},) * 3)
        etag = ask(s, "GET", f"{ALIAS}/10.0.0.0-24")[2]["ETag"]
        t.equal("changed", (ask(s, "PUT", f"{ALIAS}/10.0.0.0-24", {"name": "Shelves"}, **{"If-Match": etag})[1]["name"], ask(s, "PUT", f"{ALIAS}/10.0.0.0-24", {"name": "Racks"}, **{"If-Match": etag})[0]), ("Shelves", 412))
        for body in ({"network": "10.0.0.300", "name": "x"}, {"network": "10.0.0.9"}, {"network": "10.0.0.9", "name": ""}, {"network": "10.0.0.9", "name": "a\nb"}, {"network": "10.0.0.9", "name": "a ; b"}, {"network": "10.0.0.9", "name": "x" * 65}):
            t.equal(f"{body}", ask(s, "POST", ALIAS, body)[0], 400)
        t.equal("there, and configured", [ask(s, "POST", ALIAS, {"network": n, "name": "x"})[0] for n in (ALICE, "10.0.0.0/8")] + [ask(s, "PUT", f"{ALIAS}/10.0.0.0-8", {"name": "x"})[0], gone(s, f"{ALIAS}/10.0.0.0-8"), gone(s, f"{ALIAS}/x")], [409, 409, 409, 409, 404])
        t.equal("audited", [(r[1], r[3]) for r in audited(s, "alias.write")][-1], ("10.0.0.0/24", "name Racks -> Shelves"))
        t.equal("gone", (gone(s, f"{ALIAS}/2001%3Adb8%3A%3A-32"), [r["id"] for r in s.list("aliases")]), (204, ["10.0.0.0-8", ALICE, "10.0.0.0-24"]))
        data = s.data
        t.equal("the file is its owner's", os.stat(os.path.join(data, "named-places.conf")).st_mode & 0o777, 0o600)
    with Restarted(t, packets, "", data) as s:
        t.counter("after a restart, and without the configuration", {r["network"]: r["name"] for r in s.list("aliases")} == {ALICE: "SBC Wien, Süd #1", "10.0.0.0/24": "Shelves"})
