"""R03, R22, R23, R27: which calls are recorded, by rules."""
import json, os, sqlite3, subprocess, urllib.error, urllib.request

from access import Guarded, two_calls
from craft import *
from feature import Failure, feature
from recordings import pcm
from service import Service, everything, in_namespace, send, spooled, wait_for
from users_api import FileService


def conf(t, text):
    path = t.path("conf")
    with open(path, "w") as f:
        f.write(text)
    return path


def decided(t, packets, rules, *options):
    """(rule, action, result, files) of a call under these rules; calls that none matches are not recorded."""
    folder = t.path("recordings")
    record, = t.read(frames(packets), "--record", folder, "--config", conf(t, rules), *options)
    g = record["recording"]
    return g["rule"], g["action"], g["result"], len(os.listdir(folder))


PLACES = """[places]
internal_networks = 10.0.0.1/32
[trunk carrier]
peers = 10.0.0.2
[site vienna]
networks = 10.0.0.1/32
"""

MATCHERS = [  # (fits, does not)
    ("number = bob", "number = bo"),
    ("caller = al*", "caller = bob"),
    ("callee = b?b", "callee = b?"),
    ("direction = out", "direction = in, internal"),
    ("trunk = carrier", "trunk = other"),
    ("site = vienna", "callee_site = vienna"),
    ("network = 10.0.0.0/30", "network = 10.0.1.0/24"),
    ("caller_network = 10.0.0.1", "callee_network = 10.0.0.1"),
    ("domain = 10.0.0.2", "caller_domain = 10.0.0.2"),
    ("header = X-Record: yes", "header = X-Record: no"),
    ("header = X-Record", "header = X-Other"),
    ("header = X-Record ~ ye", "header = X-Record ~ yes\nheader = X-Other"),
    ("user_agent = CRAFT", "user_agent = other*"),
    ("hours = 22:00-23:00", "hours = 08:00-18:00"),
    ("weekdays = tue", "weekdays = wed-mon"),
    ("valid_until = 2023-11-14", "valid_until = 2023-11-13"),
    ("caller = alice\ncallee = bob", "caller = alice\ncallee = carol"),
    ("longer_than = 2s", "longer_than = 4s"),
]


@feature("R03", "selective rules: every matcher, order, actions, samples, expiry; what is wrong with a rule in one sentence")
def selective(t):
    packets = [replace(p, data=p.data.replace(b"User-Agent: craft\r\n", b"User-Agent: craft\r\nX-Record: yes\r\n")) if p.data.startswith(b"INVITE") else p
               for p in call(seconds=2.5)]
    zone = "[recording]\ntime_zone = UTC\n" + PLACES
    for fits, other in MATCHERS:
        t.check(f"fits: {fits}", decided(t, packets, f"{zone}[rule r]\n{fits}\naction = skip\n")[0] == "r")
        t.counter(f"does not fit: {other}", decided(t, packets, f"{zone}[rule r]\n{other}\naction = skip\n")[0] is None)
    for zone_name, hours in (("Europe/Vienna", "23:00-24:00"), ("America/New_York", "17:00-18:00")):
        t.equal(f"the hour in {zone_name}", decided(t, packets, f"[recording]\ntime_zone = {zone_name}\n[rule r]\nhours = {hours}\naction = skip\n")[0], "r")
    two = "[rule lawyer]\ncallee = {0}\naction = skip\n[rule agent]\ncaller = alice\naction = record\n"
    t.equal("the first that fits wins", decided(t, packets, two.format("bob")), ("lawyer", "skip", "rule", 0))
    t.counter("another callee falls under the second", decided(t, packets, two.format("carol")) == ("agent", "record", "recorded", 1))
    for action, result, files in (("record", "recorded", 1), ("metadata-only", "rule", 0), ("headers-only", "rule", 0), ("skip", "rule", 0),
                                  ("on-demand", "on_demand_dropped", 0), ("on-demand-keep", "on_demand_dropped", 0)):
        t.equal(action, decided(t, packets, f"[rule r]\ncaller = *\naction = {action}\n"), ("r", action, result, files))
    record, = t.read(frames(packets), "--record", t.path("rec"), "--config", conf(t, "[rule r]\ncaller = *\naction = record\nretain = 30d\nmask = count\ntags = a, b\n"))
    g = record["recording"]
    t.equal("what the rule says stands in the recording", (g["retain_days"], g["mask"], g["tags"]), (30, "count", "a,b"))
    for bad, says in (("[rule r]\naction = recrod\n", "line 2: \"recrod\" is no value for [rule r] action"), ("[rule r]\ncaller = 1\n", "add a line such as action = record"),
                      ("[rule r]\ncaler = 1\n", "did you mean \"caller\"")):
        out = t.run("--check-config", conf(t, bad), code=2)
        t.check(f"{says}: {out.stderr}", says in out.stderr)


@feature("R27", "shortest and longest: a call under n seconds is not kept, a longer one goes on in further files without losing a sample")
def durations(t):
    packets = call(seconds=3)
    short = "[rule r]\ncaller = *\naction = record\nmin_duration = {0}\n"
    folder = t.path("recordings")
    record, = t.read(frames(packets), "--record", folder, "--config", conf(t, short.format("4s")))
    g = record["recording"]
    t.equal("shorter", (g["result"], g["reason"], g["rule"], g["action"], os.listdir(folder)), ("rule", "min_duration", "r", "record", []))
    t.counter("as long as that", decided(t, packets, short.format("3s"))[2:] == ("recorded", 1))
    t.equal("by the setting", decided(t, packets, "[recording]\nmin_duration = 4s\n")[2:], ("rule", 0))
    t.equal("a rule with a time of its own", decided(t, packets, "[recording]\nmin_duration = 4s\n" + short.format("1s"))[2:], ("recorded", 1))

    def sound(rules):
        folder = t.path("split")
        record, = t.read(frames(packets), "--record", folder, "--config", conf(t, rules))
        parts = record["recording"].get("parts") or [{}]
        files = sorted(os.listdir(folder), key=lambda n: (len(n), n))
        return len(parts), b"".join(pcm(open(os.path.join(folder, n), "rb").read())[2] for n in files)
    whole = sound("[rule r]\ncaller = *\naction = record\n")
    split = sound("[rule r]\ncaller = *\naction = record\nsplit = 1s\n")
    t.equal("files of a second, and the rest of 10 ms", (split[0], len(split[1])), (4, len(whole[1])))
    t.check("the samples are those of the one file", split[1] == whole[1])
    t.counter("without split it is one", whole[0] == 1)


# ---- the service

def ask(s, method, path, body=None, **headers):
    """(status, JSON, headers) of a request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(s.url + path, data, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as e:
        return e.code, json.load(e), e.headers


def audited(s, action):
    with sqlite3.connect(f"file:{s.data}/db/earshot.db?mode=ro", uri=True) as db:
        return db.execute("SELECT actor, object, result, detail FROM audit WHERE action = ? ORDER BY id", (action,)).fetchall()


POLICY = "/api/v1/policies/recording"
LAWYER = {"name": "lawyer", "callee": ["bob", "carol"], "action": "skip"}
AGENT = {"name": "agent", "caller": "al*", "action": "record", "header": ["X-Record: yes"]}


@feature("R03", "rules through the API: shown, put as a whole, in force after a restart, audited; which rule would match, and why not another")
@in_namespace
def through_the_api(t):
    config = "[recording]\ntime_zone = UTC\n[rule old]\ncaller = *\naction = record\nvalid_until = 2024-01-01\n[rule now]\ncaller = alice\naction = metadata-only\n"
    with FileService(t, call(seconds=2), config) as s:
        status, shown, headers = ask(s, "GET", POLICY)
        t.equal("shown", (status, shown["source"], shown["default"], [r["name"] for r in shown["rules"]], shown["rules"][0]["valid_until"]),
                (200, "configuration", "metadata-only", ["old", "now"], "2024-01-01"))
        t.equal("the first start is audited", audited(s, "policy.write"), [("earshot", "recording", "ok", "new old, new now")])
        t.equal("so is that a rule's time has run out", audited(s, "policy.expired"), [("earshot", "recording/old", "ok", "2024-01-01")])
        uid = s.list("calls", **{"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"})[0]["uid"]
        tried = ask(s, "POST", POLICY + "/test", {"uid": uid})[1]
        t.equal("a stored call", (tried["rule"], tried["action"]), ("old", "record"))
        tried = ask(s, "POST", POLICY + "/test", {"caller": "alice"})[1]
        t.equal("a call of today", (tried["rule"], [(r["name"], r["verdict"]) for r in tried["rules"]]), ("now", [("old", "expired"), ("now", "matches")]))
        for body, says in (({"rules": [{"name": "x", "action": "recrod"}]}, "\"recrod\" is no value for [rule x] action"), ({"rules": [{"name": "x"}]}, "does not say what to do"),
                           ({"rules": [LAWYER, LAWYER]}, "stands there twice"), ({"rule": []}, "the list `rules`"), ([], "the list `rules`")):
            status, problem, _ = ask(s, "PUT", POLICY, body)
            t.check(f"{body}: {problem}", status == 400 and problem["code"] == "invalid_rules" and says in problem["detail"])
        t.equal("nothing is another", ask(s, "GET", POLICY)[1], shown)
        status, _, _ = ask(s, "PUT", POLICY, {"rules": []}, **{"If-Match": "\"other\""})
        t.counter("who read something else is told", status == 412)
        status, put, _ = ask(s, "PUT", POLICY, {"default": "on-demand", "rules": [LAWYER, AGENT]}, **{"If-Match": headers["ETag"]})
        t.equal("put", (status, put["source"], put["default"], [r["name"] for r in put["rules"]], put["rules"][0]["callee"]),
                (200, "api", "on-demand", ["lawyer", "agent"], "bob, carol"))
        t.equal("audited with what changed", audited(s, "policy.write")[-1][1:], ("recording", "ok", "new lawyer, new agent, gone old, gone now, default on-demand"))
        tried = ask(s, "POST", POLICY + "/test", {"caller": "alice", "callee": "dora", "headers": ["X-Record: yes"]})[1]
        t.equal("by a header; the one before differs in its callee", (tried["rule"], tried["rules"][0]), ("agent", {"name": "lawyer", "verdict": "differs", "key": "callee", "wanted": "bob, carol"}))
        tried = ask(s, "POST", POLICY + "/test", {"caller": "alice", "callee": "dora"})[1]
        t.counter("without the header it is the default", (tried["rule"], tried["action"]) == (None, "on-demand"))
        t.equal("an unknown fact", ask(s, "POST", POLICY + "/test", {"caler": "x"})[0], 400)
        t.equal("a call that is not there", ask(s, "POST", POLICY + "/test", {"uid": "00000000-0000-8000-8000-000000000000"})[0], 404)
        data = s.data
    with Restarted(t, call(seconds=2), config, data) as s:
        t.equal("after a restart", [r["name"] for r in ask(s, "GET", POLICY)[1]["rules"]], ["lawyer", "agent"])
        t.equal("no change, no audit", len(audited(s, "policy.write")), 2)


@feature("R03", "the dry run of other rules: what would have become of the newest calls, headers of their INVITE included; checked as when they are put; nothing is changed")
@in_namespace
def tried_on_calls(t):
    packets = [p for n in range(2) for p in call(Dialog(call_id=f"d{n}@test", branch=f"z9hG4bKd{n}", from_tag=f"f{n}"), voice=False, start=START + 10 * n)]
    packets = [type(p)(p.t, p.src, p.sport, p.dst, p.dport, p.data.replace(b"Max-Forwards", (b"X-Record: yes" if b"d0@test" in p.data else b"X-Other: no") + b"\r\nMax-Forwards", 1), kind=p.kind) for p in packets]
    with FileService(t, packets, "[recording]\ndefault = record\n[rule now]\ncaller = nobody\naction = skip\n") as s:
        before = ask(s, "GET", POLICY)[1]
        proposed = {"default": "record", "rules": [{"name": "marked", "header": ["X-Record: yes"], "action": "skip"}, {"name": "rest", "caller": "*", "action": "record"}]}
        status, told, _ = ask(s, "POST", POLICY + "/test", {"policy": proposed, "newest": 50})
        t.equal("counted", (status, told["change"], told["calls"], told["different"], told["by_another_rule"], told["moves"]), (200, "new marked, new rest, gone now, default record", 2, 1, 1, [{"now": "record", "then": "skip", "calls": 1}]))
        t.equal("with an example", [(e["caller"], e["callee"], e["now"], e["then"]) for e in told["examples"]], [("alice", "bob", {"rule": None, "action": "record"}, {"rule": "marked", "action": "skip"})])
        t.equal("a whole answer", told["truncated"], False)
        t.equal("only so many calls", ask(s, "POST", POLICY + "/test", {"policy": proposed, "newest": 1})[1]["calls"], 1)
        status, problem, _ = ask(s, "POST", POLICY + "/test", {"policy": {"rules": [{"name": "x", "action": "recrod"}]}})
        t.equal("checked", (status, problem["code"], "[rule x] action" in problem["detail"]), (400, "invalid_rules", True))
        t.equal("nothing is another", ask(s, "GET", POLICY)[1], before)
        t.counter("the rules in force change nothing", (lambda d: (d["change"], d["different"], d["examples"]) == ("nothing", 0, []))(ask(s, "POST", POLICY + "/test", {"policy": {"rules": before["rules"]}})[1]))


@feature("R03", "the dry run is no way round the scope of messages: rules that look at headers of stored calls need it, and that is audited; others do not")
def headers_of_others(t):
    with Guarded(t, two_calls(), 2, "[rule marked]\nheader = X-Record: yes\naction = skip\n") as s:
        viewer, analyst = s.token("viewer"), s.token("analyst")
        uid = s.as_(s.first, "/calls?from=2023-11-14T00:00:00Z&to=2023-11-17T00:00:00Z")["data"][0]["uid"]
        asked = {"policy": {"rules": [{"name": "theirs", "header": ["Subject: merger"], "action": "skip"}]}}
        plain = {"policy": {"rules": [{"name": "plain", "caller": "alice", "action": "skip"}]}}
        def tried(token, body):
            status, _, got = s.ask("/policies/recording/test", "POST", body, token)
            return status, got.get("code")
        def searched():
            return [r["object"] for r in s.as_(s.token("auditor"), "/audit?action=messages.search&limit=1000")["data"]]
        t.equal("who may not read messages", (tried(viewer, asked), tried(viewer, {"uid": uid})), ((403, "scope"), (403, "scope")))
        t.equal("read nothing", searched(), [])
        t.equal("a call that the body describes is no stored one", tried(viewer, {"caller": "alice", "headers": ["X-Record: yes"]}), (200, None))
        t.equal("who may", (tried(analyst, asked), tried(analyst, {"uid": uid})), ((200, None), (200, None)))
        t.equal("is audited", sorted(searched()), sorted(["recording rules", uid]))
        s.as_(s.first, "/policies/recording", "PUT", {"rules": []})
        t.counter("rules that look at no header read none", (tried(viewer, plain), tried(viewer, {"uid": uid}), len(searched())) == ((200, None), (200, None), 2))


class Restarted(FileService):
    """The service over a data directory that is there already."""

    def __init__(self, t, packets, config, data):
        self.kept = data
        super().__init__(t, packets, config)

    def __setattr__(self, name, value):
        super().__setattr__(name, self.kept if name == "data" else value)


@feature("R22", "recordings on demand: kept until somebody asks, from the start or looking back; dropped, and out of the spool, when nobody does")
@in_namespace
def on_demand(t):
    config = "[recording]\non_demand_wait = 30000d\n[rule keep]\ncallee = bob\naction = on-demand-keep\n[rule look]\ncallee = carol\naction = on-demand\nlook_back = {0}\n"
    other = call(Dialog(a="10.0.0.3", b="10.0.0.4", call_id="c2@test", branch="z9hG4bK2", to_user="carol"), seconds=3)
    third = call(Dialog(a="10.0.0.5", b="10.0.0.6", call_id="c3@test", branch="z9hG4bK3", to_user="dora"), seconds=3)
    packets = sorted(call(seconds=3) + other + third, key=lambda p: p.t)
    days = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"}

    def uids(s):
        return {c["to"]["user"]: c["uid"] for c in wait_for("the calls", lambda: (lambda l: l if len(l) == 3 else None)(s.list("calls", **days)))}

    def recording(s, uid):
        return ask(s, "GET", f"/api/v1/calls/{uid}/recording")[1]

    with FileService(t, packets, config.format("99999d")) as s:
        u = uids(s)
        before = recording(s, u["bob"])
        t.equal("it waits", (before["result"], before["state"], before["action"], before["rule"]), (None, "spooling", "on-demand-keep", "keep"))
        span = "?from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
        t.equal("so it is counted", {k: v for k, v in s.get("/api/v1/coverage" + span)["results"].items() if v}, {"waiting": 2, "rule": 1})
        t.equal("asked for", ask(s, "POST", f"/api/v1/calls/{u['bob']}/recording", {})[:2], (202, {"call_uid": u["bob"], "requested_before": False}))
        done = wait_for("it is rendered", lambda: (lambda g: g if g["state"] == "ready" else None)(recording(s, u["bob"])))
        t.equal("whole", (done["result"], done["duration_ms"], done["requested_at"] is None), ("recorded", 3010, False))
        t.equal("asked for again", ask(s, "POST", f"/api/v1/calls/{u['bob']}/recording", {})[0], 200)
        t.equal("the other one still waits", recording(s, u["carol"])["state"], "spooling")
        status, problem, _ = ask(s, "POST", f"/api/v1/calls/{u['dora']}/recording", {})
        t.counter("what the rules do not keep cannot be asked for", (status, problem["code"]) == (409, "not_kept"))
        t.equal("no such call", ask(s, "POST", "/api/v1/calls/00000000-0000-8000-8000-000000000000/recording", {})[0], 404)
        t.equal("audited", [row[1] for row in audited(s, "recording.request")][:1], [u["bob"]])
    with FileService(t, packets, config.format("1s")) as s:
        u = uids(s)
        status, problem, _ = ask(s, "POST", f"/api/v1/calls/{u['carol']}/recording", {})
        t.counter("looking back does not reach it", (status, problem["code"]) == (410, "too_late"))
    with FileService(t, packets, config.format("1s").replace("30000d", "0")) as s:
        u = uids(s)
        gone = wait_for("it is dropped", lambda: (lambda g: g if g["state"] is None else None)(recording(s, u["bob"])))
        t.equal("nobody asked", gone["result"], "on_demand_dropped")
        status, problem, _ = ask(s, "POST", f"/api/v1/calls/{u['bob']}/recording", {})
        t.equal("too late", (status, problem["code"]), (410, "too_late"))
        t.check("its media has left the spool", wait_for("blanked", lambda: s.counter("earshot_spool_blanked_bytes_total") > 90000))
        voice = next(p.data for p in packets if p.kind == "rtp" and p.src == ALICE)[12:]
        held = b"".join(everything(os.path.join(s.data, "spool")).values())
        t.check("no byte of it stands there", voice not in held)
    with FileService(t, packets, config.format("99999d")) as s:
        s.end()
        held = b"".join(everything(os.path.join(s.data, "spool")).values())
        t.counter("while it waits, it does", voice in held)


# ---- R23

def transferred():
    """Alice calls agent Bob, who sends her on to the lawyer Carol: two dialogs, each with its media."""
    first = call(Dialog(call_id="1-ab"), seconds=3)
    refer = Dialog(call_id="1-ab").request("REFER", 200, headers="Refer-To: <sip:carol@10.0.0.3>\r\nReferred-By: <sip:bob@10.0.0.2>\r\n", to_tag="tt1")
    first.append(Packet(START + 3.5, BOB, 5060, ALICE, 5060, refer.replace(b"To: <sip:bob@10.0.0.2>;tag=tt1", b"To: <sip:alice@10.0.0.1>;tag=ft1")
                        .replace(b'From: "Alice" <sip:alice@10.0.0.1>;tag=ft1', b"From: <sip:bob@10.0.0.2>;tag=tt1"), kind="sip"))
    d = Dialog(b="10.0.0.3", call_id="2-ac", branch="z9hG4bK2", to_user="carol", from_tag="ft2", to_tag="tt2")
    second = [replace(p, data=p.data.replace(b"User-Agent: craft\r\n", b"User-Agent: craft\r\nReferred-By: <sip:bob@10.0.0.2>\r\n")
                      if p.data.startswith(b"INVITE") else p.data) for p in call(d, seconds=3, a_media=4100, b_media=6100, start=START + 3.6)]
    return sorted(first + second, key=lambda p: p.t)


@feature("R23", "transfers: each segment by its own rule, agent recorded and lawyer not; a new target or header changes the rest of a call")
def segments(t):
    rules = "[rule lawyer]\ncallee = {0}\naction = skip\n[rule agent]\ncaller = alice\naction = record\n"

    def results(packets, text):
        folder = t.path("recordings")
        records = t.read(frames(packets), "--record", folder, "--config", conf(t, text))
        return {r["call_id"]: r["recording"] and (r["recording"]["rule"], r["recording"]["result"]) for r in records}, len(os.listdir(folder)), records
    got, files, records = results(transferred(), rules.format("carol"))
    t.equal("agent yes, lawyer no", (got, files), ({"1-ab": ("agent", "recorded"), "2-ac": ("lawyer", "rule")}, 1))
    t.check("one conversation", {x["uid"] for r in records for x in r.get("related", [])} == {r["uid"] for r in records})
    t.counter("another lawyer", results(transferred(), rules.format("dora"))[:2] == ({"1-ab": ("agent", "recorded"), "2-ac": ("agent", "recorded")}, 2))

    # Within one dialog: a re-INVITE brings the header that ends the recording.
    d = Dialog()
    packets = call(d, seconds=4)
    again = [Packet(START + 3, ALICE, 5060, BOB, 5060, d.request("INVITE", 2, sdp(ALICE, 4000), to_tag="tt1", headers="X-Private: on\r\n", branch="z9hG4bKre"), kind="sip"),
             Packet(START + 3.01, BOB, 5060, ALICE, 5060, d.response(200, "OK", "INVITE", 2, sdp(BOB, 6000), branch="z9hG4bKre"), kind="sip"),
             Packet(START + 3.02, ALICE, 5060, BOB, 5060, d.request("ACK", 2, branch="z9hG4bKre2"), kind="sip")]
    packets = sorted([replace(p, data=p.data.replace(b"CSeq: 2 BYE", b"CSeq: 3 BYE")) for p in packets] + again, key=lambda p: p.t)
    private = "[rule private]\nheader = X-Private: on\naction = skip\n[rule all]\ncaller = alice\naction = record\n"
    folder = t.path("recordings")
    record, = t.read(frames(packets), "--record", folder, "--config", conf(t, private))
    g = record["recording"]
    t.equal("the stretch before stays", (g["result"], g["rule"]), ("recorded", "all"))
    t.check(f"what came later is not in it: {g['duration_ms']}", 1900 <= g["duration_ms"] <= 2010)
    t.equal("the change stands in the time line", [(e["kind"], e["detail"]) for e in record["events"] if e["kind"] == "recording_rule"], [("recording_rule", "skip by private")])
    plain, = t.read(frames([replace(p, data=p.data.replace(b"X-Private: on\r\n", b"")) for p in packets]), "--record", t.path("rec"), "--config", conf(t, private))
    t.counter("without the header it goes on", plain["recording"]["duration_ms"] > 3900)


@feature("R27", "a call that a crash made too short is not kept: of neither what it was nor its copy is anything in the spool")
@in_namespace
def cut_short(t):
    packets = [p for p in call(seconds=4) if not p.data.startswith(b"BYE") and b"CSeq: 2" not in p.data]
    sent = [p.data[12:] for p in packets if p.kind == "rtp"]
    for least, result in (("1h", "rule"), ("0", "recorded")):
        with Service(t, "vb", f"[recording]\ndefault = record\nmin_duration = {least}\n") as s:
            data = os.path.join(os.path.dirname(s.log), "data")
            send("va", frames(packets))
            wait_for("the call is live", lambda: s.get("/api/v1/live/calls")["data"])
            spooled(data, packets)
            s.process.kill()
            s.process.wait()
            with open(s.log, "w") as log:
                s.process = subprocess.Popen([t.earshot, "run", "--config", os.path.join(os.path.dirname(s.log), "conf"), "--data", data, "--interface", "vb"],
                                             stdin=subprocess.DEVNULL, stderr=log)
            s.url = wait_for("earshot listens again", s._listens)
            record = wait_for("its record", lambda: next((r for r in s.records() if (r["recording"] or {}).get("state") in (None, "ready")), None))
            t.equal("result", (record["end_reason"], record["recording"]["result"]), ("restart", result))
            held = lambda: sum(any(x in f for f in everything(os.path.join(data, "spool")).values()) for x in sent)
            if result == "rule":
                wait_for("nothing of it is in the spool", lambda: held() == 0)
            else:
                t.counter("of one that is kept nothing is there", held() == len(sent))
