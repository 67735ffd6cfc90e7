"""L05, X57: what happens to calls as a stream of events, for one and for many, for who reads and for who does not."""
import http.client, json, os, re, socket, threading, time, urllib.parse

from craft import *
from feature import Failure, feature
from pausing import PAUSE, RESUME, order
from service import PATIENCE_S, Service, wait_for

PATH = "/api/v1/live/events"
STEPS = ("call.started", "call.answered", "call.ended")


class Fed(Service):
    """A service that reads a capture which we go on writing."""

    def __init__(self, t, config=""):
        self.path = t.path()
        theirs, self.ours = os.pipe()
        write(self.path, [])
        with open(self.path, "rb") as f:
            os.write(self.ours, f.read())
        super().__init__(t, None, config, stdin=theirs)
        os.close(theirs)
        where = urllib.parse.urlsplit(self.url)
        self.where = where.hostname, where.port
        self.admin = re.search(r"esk_\w+", self.said())[0]

    def feed(self, packets, then=2.0):
        """And a packet of nobody, by which time goes on."""
        last = max(p.t for p in packets)
        write(self.path, frames([*packets, Packet(last + then, "10.99.0.1", 1, "10.99.0.2", 2, b"x")]))
        with open(self.path, "rb") as f:
            data = f.read()[24:]
        while data:
            data = data[os.write(self.ours, data):]

    def ask(self, method, path, token=None, body=None, **headers):
        """(status, headers, JSON or None)."""
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            headers["Authorization"] = "Bearer " + token
        if body is not None:
            headers["Content-Type"] = "application/json"
        c = http.client.HTTPConnection(*self.where, timeout=20)
        c.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = c.getresponse()
        text = answer.read()
        c.close()
        return answer.status, answer.headers, json.loads(text) if "json" in answer.headers.get("Content-Type", "") and text else None

    def token(self, name, **more):
        return self.ask("POST", "/api/v1/tokens", self.admin, {"name": name, "role": "viewer", **more})[2]


class Watcher(threading.Thread):
    """Reads events: [(kind, id, data)]; `last_id` as a browser would have it."""

    def __init__(self, s, query="", source=None, **headers):
        super().__init__(daemon=True)
        self.events, self.last_id, self.ended, self.status = [], None, False, None
        self.connection = http.client.HTTPConnection(*s.where, timeout=PATIENCE_S, source_address=(source, 0) if source else None)
        self.connection.request("GET", PATH + query, headers={k.replace("_", "-"): v for k, v in headers.items()})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        if self.status != 200:
            raise Failure(f"{PATH}{query}: {self.status} {self.answer.read()[:300]}")
        self.start()
        wait_for("the stream greets", lambda: self.last_id)

    def run(self):
        block = {}
        try:
            while line := self.answer.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if line != b"\n":
                    block[name] = value
                    continue
                self.last_id = int(block.get("id", self.last_id or 0)) or None
                if "event" in block:
                    self.events.append((block["event"], int(block.get("id", 0)), json.loads(block["data"])))
                block = {}
            self.ended = True
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            self.ended = "cut"

    def close(self):
        self.connection.sock and self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.join(5)

    def of(self, *kinds, call=None):
        return [e for e in self.events if (not kinds or e[0] in kinds) and (call is None or e[2].get("call", {}).get("call_id") == call)]

    def until(self, kind, call=None, count=1):
        return wait_for(f"{count} {kind} {call or ''} among {[e[:2] for e in self.events[-8:]]}", lambda: len(self.of(kind, call=call)) >= count and self.of(kind, call=call))


def dialog(n, **more):
    return Dialog(call_id=f"c{n}@test", branch=f"z9hG4bK{n}-", from_tag=f"f{n}", to_tag=f"t{n}", **more)


def step(d, t, forth, text):
    return Packet(START + t, *((d.a, 5060, d.b, 5060) if forth else (d.b, 5060, d.a, 5060)), text, kind="sip")


def invite(d, t):
    return [step(d, t, True, d.request("INVITE", 1, sdp(d.a, 4000)))]


def ringing(d, t):
    return [step(d, t, False, d.response(180, "Ringing", "INVITE", 1))]


def answer(d, t):
    return [step(d, t, False, d.response(200, "OK", "INVITE", 1, sdp(d.b, 6000))), step(d, t + 0.01, True, d.request("ACK", 1))]


def refuse(d, t):
    return [step(d, t, False, d.response(486, "Busy Here", "INVITE", 1)), step(d, t + 0.01, True, d.request("ACK", 1, branch=d.branch + "INVITE"))]


def bye(d, t):
    return [step(d, t, True, d.request("BYE", 2)), step(d, t + 0.01, False, d.response(200, "OK", "BYE", 2))]


def seconds(text):
    from datetime import datetime
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - START


@feature("L05", "live events of a call in their order, each with the call as it stood, as the list of live calls has it; of a busy one no answer")
def order_of_events(t):
    with Fed(t) as s:
        w = Watcher(s)
        t.equal("what it is", (w.answer.headers["Content-Type"], w.answer.headers["Cache-Control"]), ("text/event-stream", "no-store"))
        d = dialog(1)
        for piece, kind in ((invite(d, 0), "call.started"), (ringing(d, 3), "call.updated"), (answer(d, 6), "call.answered")):
            s.feed(piece)
            told = w.until(kind)[0][2]["call"]
            live = wait_for("the live call", lambda: s.get("/api/v1/live/calls")["data"])[0]
            live.pop("tags")
            t.equal(f"{kind}: the call as the list has it", told, live)
        s.feed(bye(d, 20), 40)
        end = w.until("call.ended")[0]
        of = w.of(call="c1@test")
        t.equal("steps", [e[0] for e in of if e[0] in STEPS], list(STEPS))
        t.equal("states", [e[2]["call"]["state"] for e in of if e[0] in STEPS], ["trying", "answered", "ended"])
        t.check("numbers rise", [e[1] for e in of] == sorted({e[1] for e in of}))
        t.equal("times are those of the packets", [round(seconds(e[2]["at"])) for e in w.of(*STEPS[:2])], [0, 6])
        t.equal("how it ended", {k: v for k, v in end[2]["end"].items() if k != "ended_at"},
                {"outcome": "answered", "end_reason": "bye", "released_by": "caller", "duration_ms": 14000})
        uid = end[2]["call"]["uid"]
        wait_for("its record", lambda: s.ask("GET", f"/api/v1/calls/{uid}")[0] == 200)
        record = s.get(f"/api/v1/calls/{uid}")
        t.equal("as its record says", (record["ended_at"], record["outcome"], record["duration_ms"]), tuple(end[2]["end"][k] for k in ("ended_at", "outcome", "duration_ms")))
        busy = dialog(2)
        s.feed(invite(busy, 70) + refuse(busy, 71), 60)
        end = w.until("call.ended", "c2@test")[0][2]
        t.counter("a call that nobody took is told as answered", (w.of("call.answered", call="c2@test"), end["end"]["outcome"], end["end"]["duration_ms"]) == ([], "busy", None))
        t.equal("nothing comes after the end", w.of(call="c1@test")[-1][0], "call.ended")
        t.equal("the head of it", [(a, b["Content-Type"]) for a, b, _ in [s.ask("HEAD", PATH)]], [(200, "text/event-stream")])
        t.check("they are counted", s.counter('earshot_live_events_total{event="call.started"}') == 2 and s.counter("earshot_live_events_lost_total") == 0)


@feature("L05", "who comes back gets what was missed, once; who was away for more than 10,000 events, or names one that never was, is told to look again")
def resume(t):
    only = "?" + "&".join(f"event={k}" for k in STEPS)
    with Fed(t) as s:
        w = Watcher(s, only)
        first = Watcher(s, only)
        a, b, c = (dialog(n) for n in (1, 2, 3))
        s.feed(invite(a, 0))
        first.until("call.started")
        first.close()
        s.feed(answer(a, 3) + invite(b, 3.5))
        s.feed(bye(a, 9) + refuse(b, 9), 60)
        s.feed(invite(c, 80))
        w.until("call.started", "c3@test")
        w.until("call.ended", count=2)
        for how, query, headers in (("by the header", only, {"Last_Event_ID": str(first.last_id)}), ("by the parameter", f"{only}&last_event_id={first.last_id}", {}),
                                    ("by the header, whatever the address says", f"{only}&last_event_id={w.last_id}", {"Last_Event_ID": str(first.last_id)})):
            again = Watcher(s, query, **headers)
            again.until("call.started", "c3@test")
            t.equal(f"all of it, once, {how}", first.events + again.events, w.events)
            again.close()
        t.equal("six steps", len(w.events), 6)
        # a place that is no event for this watcher is one to come back to
        nobody = Watcher(s, "?from_user=nobody&event=call.started")
        t.equal("a place without events", (nobody.events, nobody.last_id >= w.last_id), ([], True))
        fresh = Watcher(s, only)
        for n, packets in enumerate([invite(dialog(f"{n}-{k}"), 100 + n) for k in range(1020)] for n in range(10)):
            s.feed([p for one in packets for p in one], 0.5)
            wait_for("they are told", lambda: len(fresh.of("call.started")) == 1020 * (n + 1))
        late = Watcher(s, only, Last_Event_ID=str(w.events[3][1]))
        t.equal("beyond the ring", wait_for("it is told", lambda: late.events)[0][0::2], ("reset", {"reason": "behind", "snapshot": "/api/v1/live/calls"}))
        unknown = Watcher(s, only, Last_Event_ID=str(fresh.last_id + 10**9))
        t.equal("one that never was", wait_for("it is told", lambda: unknown.events)[0][2]["reason"], "unknown")
        s.feed(invite(dialog("last"), 115))
        for who in (late, unknown):
            who.until("call.started", "clast@test")
            t.equal("then it goes on", [e[0] for e in who.events][:2], ["reset", "call.started"])
        t.equal("they are counted", s.counter("earshot_live_watcher_resets_total"), 2)
        t.equal("no number", [s.ask("GET", PATH, **{"Last_Event_ID": v})[0] for v in ("x", "-1", "1 2")], [400] * 3)
        near = Watcher(s, only, Last_Event_ID=str(fresh.events[-9000][1]))
        wait_for("the rest", lambda: len(near.events) >= 8999)
        t.counter("who was away for fewer is told to look again as well", not near.of("reset") and near.events == fresh.events[-len(near.events):])


@feature("L05", "with an interval of a call only the newest event; without one every step, and of states that were overtaken the newest")
def coalescing(t):
    with Fed(t) as s:
        w = Watcher(s)
        begin = w.last_id
        a, b, c = dialog(1), dialog(2), dialog(3)
        for packets in (invite(a, 0), ringing(a, 3) + invite(b, 3.5), answer(a, 6), bye(a, 12), invite(c, 80)):
            s.feed(packets, 60 if packets[0].t == START + 12 else 2)
        w.until("call.started", "c3@test")
        w.until("call.ended", "c1@test")
        few = Watcher(s, f"?min_interval_ms=60000&last_event_id={begin}")
        few.until("call.started", "c3@test")
        newest = {e[2]["call"]["call_id"]: e for e in w.of(*STEPS, "call.updated")}
        t.equal("the newest of each call, in order", [e for e in few.events if e[0] != "stats"], sorted(newest.values(), key=lambda e: e[1]))
        s.feed(ringing(c, 90))
        w.until("call.updated", "c3@test")
        every = Watcher(s, f"?last_event_id={begin}")
        every.until("call.updated", "c3@test")
        t.equal("all steps without it", every.of(*STEPS), w.of(*STEPS))
        t.check("of what is only a state the newest", every.of("call.updated", call="c1@test") == [] and s.counter("earshot_live_events_overtaken_total") > 0)
        t.check("and no more for who has to wait a minute", not few.of("call.updated", call="c3@test"))
        starts = Watcher(s, f"?min_interval_ms=1&event=call.started&last_event_id={begin}")
        t.equal("what nobody asked for takes the place of nothing", [e[2]["call"]["call_id"] for e in starts.until("call.started", count=3)], ["c1@test", "c2@test", "c3@test"])
        t.counter("as many events with it as without", len(few.of(*STEPS)) < len(every.of(*STEPS)))
        t.equal("no interval", [s.ask("GET", PATH + "?min_interval_ms=" + v)[2]["field"] for v in ("x", "60001", "-1")], ["min_interval_ms"] * 3)


PLACES = "[trunk carrier-1]\npeers = 10.1.0.0/24\n[trunk carrier-11]\npeers = 10.1.1.0/24\n[site vienna]\nnetworks = 10.2.0.0/24\n[site graz]\nnetworks = 10.2.1.0/24\n"


@feature("L05", "a filter and the limit of a token leave out what is nearly theirs: events of exactly the calls that the list shows")
def limits(t):
    with Fed(t, PLACES) as s:
        sorts = {"1": dict(a="10.1.0.5", b="10.2.0.5", from_user="+4930111"), "2": dict(a="10.1.1.5", b="10.2.1.5", from_user="+4931222"),
                 "3": dict(a="10.9.0.5", b="10.9.0.6", from_user="+493", to_user="+43111")}
        calls = [dialog(n, **more) for n, more in sorts.items()]
        limited = {"numbers": ({"number_prefixes": ["+4930"]}, "1"), "trunk": ({"trunks": ["carrier-1"]}, "1"), "site": ({"sites": ["graz"]}, "2"),
                   "two numbers": ({"number_prefixes": ["+4931", "+43111"]}, "23"), "nothing": ({"tenants": ["x"]}, "")}
        tokens = {name: s.token(name, limit=limit)["token"] for name, (limit, _) in limited.items()}
        watchers = {name: Watcher(s, Authorization="Bearer " + token) for name, token in tokens.items()}
        filters = {"?from_user=%2B4930111": "1", "?number__prefix=%2B493": "123", "?trunk=carrier-11": "2", "?site=vienna&site=graz": "12", "?q=C3@": "3",
                   "?ip=10.9.0.6": "3", "?number=%2B43111&trunk=carrier-1": "", "?call_id=c2@test&event=call.started": "2", "?direction=in&kind=call": "12"}
        filtered = {query: Watcher(s, query) for query in filters}
        both = Watcher(s, "?number__prefix=%2B4", Authorization="Bearer " + tokens["trunk"])
        everything = Watcher(s)
        s.feed([p for d in calls for p in invite(d, 0)])
        everything.until("call.started", count=3)
        seen = {name: {c["call_id"] for c in s.ask("GET", "/api/v1/live/calls", token)[2]["data"]} for name, token in tokens.items()}
        s.feed([p for d in calls for p in answer(d, 5)])
        everything.until("call.answered", count=3)
        s.feed([p for d in calls for p in bye(d, 10)], 60)
        everything.until("call.ended", count=3)
        everything.until("stats")

        def ids(w):
            return {e[2]["call"]["call_id"] for e in w.events if "call" in e[2]}

        for name, (_, wanted) in limited.items():
            w = watchers[name]
            wait_for(f"the place of {name}", lambda: not wanted or len(w.of("call.ended")) == len(wanted))
            t.equal(f"limited to {name}", ids(w), {f"c{n}@test" for n in wanted})
            t.equal(f"{name}: as in the list", ids(w), seen[name])
            t.equal(f"{name}: figures of everybody", w.of("stats"), [])
        for query, wanted in filters.items():
            w, kind = filtered[query], "call.started" if "event" in query else "call.ended"
            wait_for(query, lambda: len(w.of(kind)) == len(wanted))
            t.equal(query, ids(w), {f"c{n}@test" for n in wanted})
        t.equal("a filter within a limit", ids(both), {"c1@test"})
        t.counter("who may see all hears of some only", ids(everything) == {"c1@test", "c2@test", "c3@test"} and len(everything.of("stats")) > 0)
        for wrong in ("limit=1", "outcome=busy", "event=call", "trunk=", "ip=x", "last_event_id=x"):
            t.equal(f"a parameter that is none: {wrong}", s.ask("GET", f"{PATH}?{wrong}")[0], 400)
        auditor = s.ask("POST", "/api/v1/tokens", s.admin, {"name": "auditor", "role": "auditor"})[2]["token"]
        t.equal("without the scope", s.ask("GET", PATH, auditor)[0], 403)


@feature("L05", "a stream ends within seconds of its token or session, and no other does; all end with the service")
def revoked(t):
    with Fed(t) as s:
        mine, other = s.token("mine"), s.token("other")
        s.ask("POST", "/api/v1/users", s.admin, {"name": "ann", "password": "correct horse battery", "role": "viewer"})
        cookie = re.search("earshot_session=([^;]*)", s.ask("POST", "/api/v1/sessions", None, {"name": "ann", "password": "correct horse battery"})[1]["Set-Cookie"])[1]
        watchers = [Watcher(s, Authorization="Bearer " + k["token"]) for k in (mine, other)] + [Watcher(s, Cookie="earshot_session=" + cookie)]
        s.has('earshot_http_active_streams{kind="sse"}', 3)
        s.ask("DELETE", f"/api/v1/tokens/{mine['id']}", s.admin)
        wait_for("the revoked one ends", lambda: watchers[0].ended, 10)
        t.equal("as a whole answer, and alone", [w.ended for w in watchers], [True, False, False])
        s.ask("DELETE", "/api/v1/users/ann", s.admin)
        wait_for("the session ends", lambda: watchers[2].ended, 10)
        s.feed(invite(dialog(1), 0))
        watchers[1].until("call.started")
        t.counter("whoever was let in stays", [w.ended for w in watchers] == [True, False, True] and not watchers[0].of("call.started"))
        t.equal("the places are free", s.counter('earshot_http_active_streams{kind="sse"}'), 1)
        s.end()
        wait_for("the last one ends with the service", lambda: watchers[1].ended)
        t.equal("as a whole answer", watchers[1].ended, True)
        t.equal("its call ended before", [e[2]["end"]["end_reason"] for e in watchers[1].of("call.ended")], ["cut"])


@feature("L05", "an alert when a stream becomes poor, once; pauses of a recording by whom they were made; figures of all calls")
def alerts(t):
    def packets(d, lossy):
        return [p for p in call(d, 40.0) if not (lossy and p.kind == "rtp" and p.src == d.a and p.t > START + 15 and (p.data[3] % 5 < 2))]

    with Fed(t, "[recording]\ndefault = record\n[pause]\nsip_from = caller\n") as s:
        w = Watcher(s)
        s.feed(packets(dialog(1), True), 60)
        alert = w.until("quality.alert")[0][2]
        w.until("call.ended")
        t.equal("one alert", [(e[2]["alert"]["party"], e[2]["call"]["call_id"]) for e in w.of("quality.alert")], [("caller", "c1@test")])
        t.check(f"with what it rests on: {alert['alert']}", alert["alert"]["mos"] < 3.6 and alert["alert"]["quality"] in ("poor", "bad") and alert["alert"]["scale"] == "NB")
        d = dialog(2)
        begin = Watcher(s, "?event=stats").until("stats")[0][2]
        t.equal("figures", sorted(begin), ["at", "calls", "recording", "watchers"])
        moved = [replace(p, t=p.t + 200) for p in sorted(packets(d, False) + order(d, 10, PAUSE) + order(d, 20, RESUME, cseq=11), key=lambda p: p.t)]
        s.feed(moved, 60)
        w.until("call.ended", "c2@test")
        pauses = w.of("recording.paused", "recording.resumed")
        t.equal("pauses", [(e[0], e[2]["call"]["call_id"], e[2]["call"]["paused"], round(seconds(e[2]["at"]))) for e in pauses],
                [("recording.paused", "c2@test", "both", 210), ("recording.resumed", "c2@test", None, 220)])
        t.check(f"by whom: {pauses[0][2]['detail']}", "by sip:10.0.0.1:5060" in pauses[0][2]["detail"])
        t.counter("a call without loss is alerted as well, or one without orders paused", not w.of("quality.alert", call="c2@test") and not w.of("recording.paused", call="c1@test"))


def memory(s):
    with open(f"/proc/{s.process.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) / 1024


@feature("X57", "200 watch at once: each is told of the call; one more is refused with a time to wait; who is not told costs nothing, and the service stops with all of them there")
def many(t):
    with Fed(t, "[limits]\nwatchers = 200\n") as s:
        before = memory(s)
        watchers = [Watcher(s, source=f"127.0.0.{2 + n % 4}") for n in range(200)]
        s.has('earshot_http_active_streams{kind="sse"}', 200)
        status, headers, problem = s.ask("GET", PATH)
        t.equal("one more", (status, problem["code"], int(headers["Retry-After"]) > 0), (503, "too_many_watchers", True))
        t.equal("is counted", s.counter("earshot_live_watchers_refused_total"), 1)
        d = dialog(1)
        s.feed(invite(d, 0))
        s.feed(answer(d, 5))
        s.feed(bye(d, 10), 60)
        for w in watchers:
            w.until("call.ended")
        told = [[e for e in w.events if e[0] in STEPS] for w in watchers]
        t.check("all are told the same", all(x == told[0] for x in told) and [e[0] for e in told[0]] == list(STEPS))
        t.check(f"memory: {before:.0f} MiB before, {memory(s):.0f} MiB", memory(s) - before < 64)
        t.equal("nothing was lost", s.counter("earshot_live_events_lost_total"), 0)
        s.end()
        wait_for("all end with the service", lambda: all(w.ended is True for w in watchers))
    with Fed(t, "behind_proxy = yes\n") as s:
        token = "Bearer " + s.token("page")["token"]
        behind = [Watcher(s, Authorization=token, X_Forwarded_For="192.0.2.1") for _ in range(140)]
        t.equal("more of one address than come without a proxy", len(behind), 140)
    with Fed(t, "[limits]\nwatchers = 0\n") as s:
        t.counter("somebody watches where nobody may", s.ask("GET", PATH)[0] == 503 and s.get("/api/v1/live/calls")["data"] == [])


@feature("X57", "who does not read live events holds up nobody and costs no memory; once it reads it is told what it missed, and goes on")
def slow(t):
    with Fed(t) as s:
        fast = Watcher(s, "?event=call.started")
        lazy = []
        for _ in range(8):
            c = socket.socket()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.settimeout(60)
            c.connect(s.where)
            c.sendall(f"GET {PATH} HTTP/1.1\r\nHost: {s.where[0]}:{s.where[1]}\r\n\r\n".encode())
            lazy.append(c)
        s.has('earshot_http_active_streams{kind="sse"}', 9)
        for n in range(11):
            s.feed([p for k in range(1000) for p in invite(dialog(f"{n}-{k}"), n)], 0.5)
            wait_for("who reads is told", lambda: len(fast.events) == 1000 * (n + 1))
            before = memory(s) if n == 0 else before
            lazy[0].recv(2048)  # hardly ever, but often enough not to be taken for dead
        t.check(f"memory: {before:.0f} MiB after 1000 calls, {memory(s):.0f} MiB after 11,000", memory(s) - before < 160)
        t.equal("capture lost nothing", (s.counter("earshot_packets_dropped_total"), s.counter("earshot_live_events_lost_total")), (0, 0))
        t.counter("who reads is told to look again as well", fast.of("reset") == [])
        got = b""
        while b"event: reset" not in got:
            piece = lazy[0].recv(65536)
            if not piece:
                raise Failure(f"cut ahead of being told: {got[-300:]!r}")
            got = got[-200:] + piece
        s.feed(invite(dialog("last"), 50))
        while b"clast@test" not in got:
            got = got[-200:] + lazy[0].recv(65536)
        t.check("it was told what it missed, then of the next call", True)
        for c in lazy:
            c.close()
