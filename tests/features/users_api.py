"""Users, devices and peers through the API: the service reads a capture and is asked. Times are those of the packets, so hours
pass in a moment."""
import json, os, re, subprocess, time, urllib.parse, urllib.request, urllib.error

import craft
from craft import ALICE, BOB, START, Packet, frames
from feature import Failure, feature
from service import Service, everything, wait_for

PHONE, PBX = ALICE, BOB
WHOLE = "from=2023-11-14T00:00:00Z&to=2023-11-17T00:00:00Z"


class FileService(Service):
    """The service over a capture that has been read to its end."""

    def __init__(self, t, packets, config=""):
        name = t.path("service")
        os.mkdir(name)
        path = t.path()
        craft.write(path, frames(packets))
        self.log = os.path.join(name, "log")
        self.data = os.path.join(name, "data")
        conf = os.path.join(name, "conf")
        with open(conf, "w") as f:
            f.write(f"[api]\nport = 0\n{config}")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([t.earshot, "run", "--config", conf, "--data", self.data, "--read", path],
                                            stdin=subprocess.DEVNULL, stderr=log)
        self.url = wait_for("earshot listens", self._listens)
        wait_for("the file is read", lambda: self.get("/readyz")["source_finished"])
        wait_for("the records are written", self._quiet)

    def _quiet(self):
        """Nothing was written for longer than a commit waits."""
        before = self.counter("earshot_db_rows_written_total")
        time.sleep(0.4)
        return before > 0 and self.counter("earshot_db_rows_written_total") == before

    def list(self, path, **params):
        query = urllib.parse.urlencode(params, doseq=True)
        return self.get(f"/api/v1/{path}" + (f"?{query}" if query else ""))["data"]

    def one(self, path, **params):
        rows = wait_for(f"a row of {path} {params}", lambda: self.list(path, **params), 5)
        if len(rows) != 1:
            raise Failure(f"{path} {params}: {len(rows)} rows: {json.dumps(rows)[:400]}")
        return rows[0]

    def status(self, path, token=None):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}"} if token else {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as e:
            return e.code


# ---- messages by hand

def sip(start, method, call_id, cseq, from_, to, headers="", body=b"", branch=None, to_tag=""):
    return (f"{start}\r\nVia: SIP/2.0/UDP {PHONE}:5060;branch={branch or f'z9hG4bK{call_id}{cseq}'}\r\n"
            f"From: <sip:{from_}>;tag=f{call_id}\r\nTo: <sip:{to}>{to_tag}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n"
            f"Max-Forwards: 70\r\n{headers}Content-Length: {len(body)}\r\n\r\n").encode() + body


def ask(t, method, call_id, cseq, from_, to, headers="", body=b"", src=PHONE, dst=PBX, uri=None):
    return Packet(START + t, src, 5060, dst, 5060, sip(f"{method} sip:{uri or to} SIP/2.0", method, call_id, cseq, from_, to, headers, body))


def answer(t, code, method, call_id, cseq, from_, to, headers="", src=PHONE, dst=PBX):
    return Packet(START + t, dst, 5060, src, 5060, sip(f"SIP/2.0 {code} Whatever", method, call_id, cseq, from_, to, headers, to_tag=";tag=t1"))


AUTH = 'Authorization: Digest username="alice-auth", realm="pbx", nonce="n1", uri="sip:pbx", response="0"\r\n'
CHALLENGE = 'WWW-Authenticate: Digest realm="pbx", nonce="n1"\r\n'


def register(t, cseq, code=200, expires=600, user="alice", contact=None, agent="Phone/1.2", headers="", src=PHONE, call_id=None, reply_s=0.05,
             answered=""):
    contact = contact or f"<sip:{user}@{src}:5060>"
    aor, call_id = f"{user}@example.com", call_id or f"reg-{user}"
    asked = f"Contact: {contact}\r\nExpires: {expires}\r\nUser-Agent: {agent}\r\n{headers}"
    bound = f"Contact: {contact};expires={expires}\r\n" if code == 200 and expires and contact != "*" else ""
    out = [ask(t, "REGISTER", call_id, cseq, aor, aor, asked, src=src, uri="example.com")]
    if code:
        out.append(answer(t + reply_s, code, "REGISTER", call_id, cseq, aor, aor, bound + answered, src=src))
    return out


def challenged(t, user="alice"):
    return register(t, 1, code=401, user=user, answered=CHALLENGE) + register(t + 0.1, 2, user=user, headers=AUTH)


def tick(t):
    """Something else goes on: packet time moves."""
    return [ask(t, "OPTIONS", f"tick{t}", 1, "x@x", "y@y", src="10.9.9.1", dst="10.9.9.2")]


# ---- registrations

@feature("B01", "API: registrations with contact, expiry, source, agent, credentials, state and counters")
def registrations(t):
    with FileService(t, challenged(0) + register(60, 3, headers=AUTH) + tick(61)) as s:
        r = s.one("registrations", aor="alice@example.com")
        t.equal("state", r["state"], "registered")
        t.equal("contact", [c["uri"] for c in r["contacts"]], [f"sip:alice@{PHONE}:5060"])
        t.equal("granted", r["expires_s"], 600)
        t.check(f"it ends 10 minutes after the refresh: {r['expires_at']}", r["expires_at"].startswith("2023-11-14T22:24:20"))
        t.equal("source", (r["ip"], r["port"], r["registrar"], r["transport"]), (PHONE, 5060, f"{PBX}:5060", "udp"))
        t.equal("agent", r["user_agent"], "Phone/1.2")
        t.equal("auth user", (r["auth_user"], r["auth_realm"]), ("alice-auth", "pbx"))
        t.equal("attempts: a challenge and its answer are one", (r["attempts"], r["successes"], r["failures"], r["challenges"], r["refreshes"]),
                (2, 2, 0, 1, 1))
        t.equal("RRD of RFC 6076", round(r["rrd_ms"]), 50)
        t.equal("registered now", s.counter("earshot_registrations_active"), 1)
        t.equal("filters", [len(s.list("registrations", **q)) for q in
                            ({"user": "alice"}, {"ip": PHONE}, {"state": "registered"}, {"user_agent__contains": "one/1"})], [1, 1, 1, 1])
        t.equal("filters that do not hold", [len(s.list("registrations", **q)) for q in
                                             ({"user": "bob"}, {"ip": PBX}, {"state": "failed"}, {"user_agent__contains": "fone"})], [0, 0, 0, 0])
        t.equal("unknown parameter and state", (s.status("/api/v1/registrations?usr=a"), s.status("/api/v1/registrations?state=up")), (400, 400))
    with FileService(t, register(0, 1, code=403) + tick(1)) as s:
        r = s.one("registrations", aor="alice@example.com")
        t.counter("a 403 is no registration", (r["state"], r["sip_code"], r["successes"], r["failures"]) == ("failed", 403, 0, 1))
        t.counter("nobody is registered", s.counter("earshot_registrations_active") == 0)
    for what, more in (("expires=0", register(30, 3, expires=0, headers=AUTH)), ("Contact: *", register(30, 3, expires=0, contact="*", headers=AUTH))):
        with FileService(t, challenged(0) + more + tick(31)) as s:
            r = s.one("registrations", aor="alice@example.com")
            t.counter(f"{what} removes it", (r["state"], r["removals"], r["contacts"]) == ("removed", 1, []))
    with FileService(t, challenged(0) + tick(300) + tick(599) + tick(605) + tick(640)) as s:
        t.counter("without a refresh it expires by the clock", s.one("registrations", aor="alice@example.com")["state"] == "expired")


@feature("H03", "API: where an extension is registered, and how well its registrar does")
def registrar(t):
    moved = register(30, 5, src="10.0.0.9", call_id="other-place", agent="Soft/2")
    with FileService(t, challenged(0) + register(5, 1, user="200", agent="Desk/7") + moved + tick(40)) as s:
        t.equal("an extension's address and software", [(r["ip"], r["user_agent"]) for r in s.list("registrations", user="200")], [(PHONE, "Desk/7")])
        r = s.one("registrations", user="alice")
        t.equal("the newest place", (r["ip"], r["user_agent"], r["source_changes"]), ("10.0.0.9", "Soft/2", 1))
        t.equal("both places", [x["at"] for x in r["sources"]], ["10.0.0.9:5060", f"{PHONE}:5060"])
        t.equal("all registrations of the registrar succeed", [r["successes"] / r["attempts"] for r in s.list("registrations")], [1, 1])
    with FileService(t, challenged(0) + register(5, 1, code=503, user="200") + tick(40)) as s:
        r = s.one("registrations", user="200")
        t.counter("a registrar that refuses", (r["state"], r["successes"], r["failure_codes"]) == ("failed", 0, [{"sip_code": 503, "count": 1}]))


@feature("B01", "API: a flood of refused registrations is a few rows")
def flood(t):
    packets = register(0, 1) + [p for i in range(2000) for p in register(10 + i * 0.01, 1, code=403, user=f"scan{i}", src="198.51.100.7", reply_s=0.001)]
    with FileService(t, packets + tick(60)) as s:
        sums = s.list("registrations", aggregate="true")
        t.equal("the rest of the hour is one row", [(r["ip"], r["aggregate"], r["state"]) for r in sums], [("198.51.100.7", True, "failed")])
        t.check(f"it says how many: {sums[0]['count']}", 1990 <= sums[0]["count"] <= 2000)
        t.equal("rows of the scanner", len(s.list("registrations", ip="198.51.100.7", limit=1000)), 33)
        t.equal("who is registered stays", s.one("registrations", user="alice")["state"], "registered")
    with FileService(t, register(0, 1) + register(1, 1, code=403, user="bob") + tick(5)) as s:
        t.counter("one failure is no sum", s.list("registrations", aggregate="true") == [] and len(s.list("registrations")) == 2)


# ---- subscriptions and presence

def subscribe(t=0, event="presence", code=202, expires=300):
    a, b = "alice@example.com", "bob@example.com"
    head = f"Event: {event}\r\nExpires: {expires}\r\nContact: <sip:alice@{PHONE}>\r\nUser-Agent: Phone/1.2\r\n"
    return [ask(t, "SUBSCRIBE", "sub1", 1, a, b, head), answer(t + 0.02, code, "SUBSCRIBE", "sub1", 1, a, b, f"Expires: {expires}\r\nContact: <sip:{PBX}>\r\n")]


def notify(t, cseq, body, kind, event="presence", state="active;expires=290"):
    head = (f"NOTIFY sip:alice@{PHONE} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX}:5060;branch=z9hG4bKn{cseq}\r\nFrom: <sip:bob@example.com>;tag=t1\r\n"
            f"To: <sip:alice@example.com>;tag=fsub1\r\nCall-ID: sub1\r\nCSeq: {cseq} NOTIFY\r\nEvent: {event}\r\nSubscription-State: {state}\r\n"
            f"Content-Type: {kind}\r\nContact: <sip:{PBX}>\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
    ok = head.split(b"\r\n", 1)[1].split(b"Event:")[0]
    return [Packet(START + t, PBX, 5060, PHONE, 5060, head),
            Packet(START + t + 0.01, PHONE, 5060, PBX, 5060, b"SIP/2.0 200 OK\r\n" + ok + b"Content-Length: 0\r\n\r\n")]


def pidf(basic):
    return (f'<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:bob@example.com">'
            f'<tuple id="a"><status><basic>{basic}</basic></status></tuple></presence>').encode()


@feature("B08", "API: subscriptions with package, expiry, both ends and state")
def subscriptions(t):
    mwi = b"Messages-Waiting: yes\r\nMessage-Account: sip:alice@example.com\r\nVoice-Message: 2/8 (0/2)\r\n"
    with FileService(t, subscribe(event="message-summary") + notify(0.1, 1, mwi, "application/simple-message-summary", "message-summary") + tick(5)) as s:
        r = s.one("subscriptions", event="message-summary")
        t.equal("ends", (r["subscriber"], r["resource"], r["ip"]), ("alice@example.com", "bob@example.com", PHONE))
        t.equal("state", (r["state"], r["sip_code"], r["notifies"]), ("active", 202, 1))
        t.check(f"expiry: {r['expires_at']}", (r["expires_at"] or "").startswith("2023-11-14T22:18:"))
        t.equal("voice messages", (r["mwi"]["waiting"], r["mwi"]["new"], r["mwi"]["old"]), (True, 2, 8))
        t.equal("by either end", (len(s.list("subscriptions", user="alice")), len(s.list("subscriptions", user="bob")), len(s.list("subscriptions", user="eve"))), (1, 1, 0))
    with FileService(t, subscribe(code=403) + tick(40)) as s:
        r = s.one("subscriptions")
        t.counter("a refused one", (r["state"], r["sip_code"], r["mwi"]) == ("terminated", 403, None))


@feature("B09", "API: presence out of NOTIFY, and how it changed")
def notifications(t):
    shown = subscribe() + notify(0.1, 1, pidf("open"), "application/pidf+xml")
    with FileService(t, shown + notify(30, 2, pidf("closed"), "application/pidf+xml") + tick(40)) as s:
        view = s.get(f"/api/v1/aors/bob@example.com?{WHOLE}")
        t.equal("now", [(p["status"], p["source"]) for p in view["presence"]], [("offline", "notify")])
        t.equal("history, newest first", [(p["before"], p["status"]) for p in view["presence_changes"]], [("active", "offline"), ("unknown", "active")])
        t.equal("of the subscription", s.one("subscriptions")["notifies"], 2)
    with FileService(t, shown + tick(40)) as s:
        view = s.get(f"/api/v1/aors/bob@example.com?{WHOLE}")
        t.counter("without the second one", [p["status"] for p in view["presence"]] == ["active"] and len(view["presence_changes"]) == 1)


# ---- messages

def message(t, n, code=200, body=b"what nobody else should read", kind="text/plain", from_="alice", to="bob"):
    a, b = f"{from_}@example.com", f"{to}@example.com"
    out = [ask(t, "MESSAGE", f"im{n}", 1, a, b, f"Content-Type: {kind}\r\nUser-Agent: Phone/1.2\r\n", body)]
    return out + ([answer(t + 0.03, code, "MESSAGE", f"im{n}", 1, a, b)] if code else [])


@feature("B10", "API: messages with parties, time, type, size and delivery; bodies only by setting and scope")
def messages(t):
    packets = message(0, 1) + message(1, 2, code=202, to="carol") + message(2, 3, code=404, to="nobody") + tick(50)
    with FileService(t, packets) as s:
        rows = s.list("messages", **dict(p.split("=") for p in WHOLE.split("&")))
        t.equal("newest first, with their delivery", [(m["from_user"], m["to_user"], m["sip_code"]) for m in rows],
                [("alice", "nobody", 404), ("alice", "carol", 202), ("alice", "bob", 200)])
        m = rows[2]
        t.equal("content", (m["content_type"], m["size_bytes"], m["kind"], m["body_kept"]), ("text/plain", 28, "message", False))
        t.equal("time", (m["sent_at"], round(m["delay_ms"])), ("2023-11-14T22:13:20.000000Z", 30))
        t.equal("filters", [len(s.list("messages", **dict(p.split("=") for p in WHOLE.split("&")), **q)) for q in
                            ({"to_user": "bob"}, {"user": "carol"}, {"sip_code": [404, 202]}, {"kind": "sms"}, {"from_user": "bob"})], [1, 1, 2, 0, 0])
        t.equal("only the last 15 minutes without a time", s.list("messages"), [])
        first = s.get(f"/api/v1/messages?{WHOLE}&limit=2")
        rest = s.get(f"/api/v1/messages?{WHOLE}&limit=2&cursor={first['page']['next_cursor']}")
        t.equal("pages", (len(first["data"]), first["page"]["has_more"], len(rest["data"]), rest["page"]["has_more"]), (2, True, 1, False))
        t.equal("a cursor of another list", s.status(f"/api/v1/registrations?cursor={first['page']['next_cursor']}"), 400)
        asked = s.get(f"/api/v1/messages?{WHOLE}&body=true&to_user=bob")["data"]
        t.counter("no body without the setting", asked[0]["body"] is None)
        disk = b"".join(everything(os.path.join(s.data, "db")).values())
        t.counter("not even on the disk", b"what nobody else should read" not in disk)
    with FileService(t, packets, "[messages]\nkeep_body = yes\n") as s:
        t.equal("the body, where it is kept and asked for", s.get(f"/api/v1/messages?{WHOLE}&body=true&to_user=bob")["data"][0]["body"],
                "what nobody else should read")
        t.counter("not without asking", "body" not in s.get(f"/api/v1/messages?{WHOLE}")["data"][0])


# ---- peers

def ping(t, n, code=200, reply_s=0.02):
    out = [ask(t, "OPTIONS", f"ping{n}", 1, "sbc@a", "pbx@b", "User-Agent: SBC/3\r\n")]
    return out + ([answer(t + reply_s, code, "OPTIONS", f"ping{n}", 1, "sbc@a", "pbx@b", "Server: PBX/9\r\n")] if code else [])


@feature("B11", "API: peers that ask with OPTIONS: up and down, round trip, last code")
def peers(t):
    alive = [p for i in range(3) for p in ping(i * 10, i)]
    with FileService(t, alive) as s:
        r = s.one("hosts", ip=PBX)
        t.equal("pair", (r["src_ip"], r["dst_ip"]), (PHONE, PBX))
        t.equal("state", (r["state"], r["sip_code"], round(r["rtt_ms"]), r["requests"], r["answers"]), ("up", 200, 20, 3, 3))
        t.equal("software", (r["user_agent"], r["server"]), ("SBC/3", "PBX/9"))
        t.equal("metric", s.counter('earshot_peers{state="up"}'), 1)
        t.equal("nobody else", s.list("hosts", ip="10.7.7.7"), [])
    lost = [p for i in range(3, 7) for p in ping(i * 10, i, code=None)]
    with FileService(t, alive + lost + tick(110)) as s:
        r = s.one("hosts", ip=PBX)
        t.counter("three without an answer", r["state"] == "down" and r["misses_in_a_row"] >= 3 and s.list("hosts", ip=PBX, state="up") == [])
        t.counter("in the metrics too", s.counter('earshot_peers{state="down"}') == 1)


# ---- software

@feature("E03", "API: an inventory of software with versions, first and last seen; 10,000 random names do not grow it")
def agents(t):
    known = register(0, 1, agent="Yealink SIP-T46S 66.86.0.15") + register(40, 2, agent="Yealink SIP-T46S 66.86.0.15")
    with FileService(t, known + tick(50)) as s:
        r = s.one("user-agents", name__contains="Yealink")
        t.equal("name and version", (r["product"], r["version"]), ("Yealink SIP-T46S", "66.86.0.15"))
        t.equal("seen", (r["first_at"][:19], r["updated_at"][:19], r["requests"]), ("2023-11-14T22:13:20", "2023-11-14T22:14:00", 2))
        t.counter("no other names, no sum of others", [a["other"] for a in s.list("user-agents")] == [False])
    random = [ask(60 + i * 0.01, "OPTIONS", f"r{i}", 1, "a@a", "b@b", f"User-Agent: random-{i * 7919 % 10007}\r\n", src="198.51.100.9") for i in range(10000)]
    with FileService(t, known + random + tick(200)) as s:
        rows = wait_for("the others", lambda: [r for r in all_pages(s, "user-agents") if r["other"]], 10)
        every = all_pages(s, "user-agents")
        t.check(f"the table is capped: {len(every)}", 900 <= len(every) <= 1001)
        t.check(f"the others are counted together: {rows[0]['requests']}", len(rows) == 1 and rows[0]["requests"] >= 8990)
        t.equal("who is known stays", s.one("user-agents", name__contains="Yealink")["requests"], 2)
        t.check("the metric of others grows", s.counter('earshot_user_agent_messages_total{agent="other"}') >= 8990)


def all_pages(s, path):
    rows, cursor = [], None
    while True:
        page = s.get(f"/api/v1/{path}?limit=400" + (f"&cursor={cursor}" if cursor else ""))
        rows += page["data"]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            return rows


# ---- one view

@feature("I17", "API: one view of a user: calls, messages, presence, registrations, subscriptions")
def view(t):
    packets = (challenged(0) + craft.call() + message(20, 1) + message(21, 2, from_="eve", to="alice") + subscribe(22) +
               notify(22.5, 1, pidf("open"), "application/pidf+xml") + tick(60))
    with FileService(t, packets) as s:
        v = s.get(f"/api/v1/aors/alice@example.com?{WHOLE}")
        t.equal("registration", [r["state"] for r in v["registrations"]], ["registered"])
        t.equal("messages of either direction", [(m["from_user"], m["to_user"]) for m in v["messages"]], [("eve", "alice"), ("alice", "bob")])
        t.equal("calls", [c["from"]["user"] for c in v["calls"]], ["alice"])
        t.equal("subscriptions", [r["event"] for r in v["subscriptions"]], ["presence"])
        t.check("bodies are not shown here", all("body" not in m for m in v["messages"]))
        bob = s.get(f"/api/v1/aors/sip:bob@EXAMPLE.com?{WHOLE}")
        t.equal("another's presence, whatever the writing", [p["status"] for p in bob["presence"]], ["active"])
        escaped = s.get(f"/api/v1/aors/{urllib.parse.quote('alice@example.com')}?{WHOLE}")
        t.equal("an escaped @", len(escaped["messages"]), 2)
        t.equal("by the name alone", len(s.get(f"/api/v1/aors/alice?{WHOLE}")["registrations"]), 1)
        t.counter("somebody of another host", s.status(f"/api/v1/aors/alice2@example.com?{WHOLE}") == 404)
        t.counter("the message's other end alone", [m["from_user"] for m in s.get(f"/api/v1/aors/eve?{WHOLE}")["messages"]] == ["eve"])
        t.counter("another time range", s.get("/api/v1/aors/alice@example.com")["messages"] == [])


# ---- ceilings

@feature("L05", "API: every ceiling with what is used of it, the most there was, and how often it was met, as /metrics has it and the settings say")
def ceilings(t):
    half_open = [Packet(START + 0.1 * n, ALICE, 5060, BOB, 5060, craft.Dialog(call_id=f"h{n}@test", branch=f"z9hG4bKh{n}", from_tag=f"f{n}").request("INVITE", 1)) for n in range(12)]
    with FileService(t, half_open + craft.call(start=START + 5) + challenged(10) + tick(60), "[limits]\ncalls = 5\nuser_agents = 16\n") as s:
        rows = s.list("limits")
        by = {r["name"]: r for r in rows}
        t.equal("each once", len(by), len(rows))
        calls = by["calls"]
        t.equal("calls", (calls["limit"], calls["highest"], calls["setting"], calls["counter"]), (5, 5, "[limits] calls", "earshot_calls_evicted_total"))
        evicted = sum(s.counter(f'earshot_calls_evicted_total{{reason="{r}"}}') or 0 for r in ("half_open", "oldest", "limit"))
        t.check(f"{calls['met']} had to go, by the counters {evicted}", calls["met"] == evicted >= 7)
        t.equal("a setting that was changed, one that was not, one that is fixed", (by["user_agents"]["limit"], by["registrations"]["limit"], by["dialogs"]["setting"]), (16, 20000, None))
        t.equal("registrations", (by["registrations"]["used"] <= by["registrations"]["highest"], by["registrations"]["highest"], by["registrations"]["met"]), (True, 1, 0))
        t.equal("of one call nothing is followed", (by["call_messages"]["limit"], by["call_messages"]["used"], by["call_messages"]["met"]), (2000, None, 0))
        t.check("who asks is a connection", 1 <= by["connections"]["used"] <= by["connections"]["highest"] <= 512)
        metrics = s.fetch("/metrics")
        t.check("the most of each in /metrics", 'earshot_table_entries_peak{table="calls"} 5' in metrics)
        told = {r["setting"] for r in rows} - {None}
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../app/settings.def")) as f:
            there = {f"[{section}] {name}" for section, name in re.findall(r"^SETTING\((\w+), (\w+)", f.read(), re.M)}
        t.equal("settings that there are not", told - there, set())
        t.equal("limits that are not told of", {x for x in there if x.startswith("[limits]")} - told, {"[limits] fragments", "[limits] import_time"})
        t.counter("nothing is at its ceiling but calls", [r["name"] for r in rows if r["met"] and r["name"] not in ("calls",)] == [])
