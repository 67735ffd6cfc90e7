"""C05, C06, C07 through the service: whose message it is and how it came, two of them side by side, messages by a header's
value, and the delays of a call as record and histogram."""
import base64, gzip, http.client, json, urllib.parse

from craft import *
from feature import feature
from syntax import Served, at, changed, delays

DAY = "from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z"


def ask(s, path, method="GET", body=None, **headers):
    """Status, headers and text, whatever the status."""
    where = urllib.parse.urlsplit(s.url)
    c = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
    c.request(method, "/api/v1" + path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = c.getresponse()
    got = answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read().decode()
    c.close()
    return got


def refused(t, s, path, status, code, field):
    got = ask(s, path)
    problem = json.loads(got[2])
    t.equal(path, (got[0], problem["code"], problem["field"], got[1]["content-type"].split(";")[0]),
            (status, code, field, "application/problem+json"))


# ---- C06

def close(a, b):
    return a is not None and abs(a - b) < 0.002


@feature("C06", "trying delay; each delay stands in the histogram of its own, in the right bucket")
def delay_histograms(t):
    steps = ((0.01, 0.25, 1.5, 0.02), (0.1, 3.125, 30.75, 0.5), (0.0005, 0.002, 0.004, 0.001))
    for trying, ringing, answer, bye_ok in steps:
        got = t.read(frames(delays(trying, ringing, answer, bye_ok)))[0]
        t.check(f"trying {got['trying_delay_ms']}", close(got["trying_delay_ms"], trying * 1000))
        m = t.counters_of(frames(delays(trying, ringing, answer, bye_ok)))
        for name, seconds in (("trying_delay", trying), ("post_dial_delay", ringing), ("call_setup", answer), ("session_disconnect_delay", bye_ok)):
            family = f"earshot_{name}_seconds"
            t.equal(f"{family} count", m[family + "_count"], 1)
            t.check(f"{family} sum {m[family + '_sum']}", abs(m[family + "_sum"] - seconds) < 2e-6)
            buckets = {float(k[len(family) + 12:-2]): v for k, v in m.items() if k.startswith(family + "_bucket{le=") and "Inf" not in k}
            t.equal(f"{family} buckets", buckets, {le: float(seconds <= le + 1e-9) for le in buckets})
    silent = [p for p in delays(0.01, 0.25, 1.5, 0.02) if b"100 Trying" not in p.data]
    t.equal("no 100", t.read(frames(silent))[0]["trying_delay_ms"], None)
    t.equal("picked up in the middle", [t.read(frames(delays(0.01, 0.25, 1.5, 0.02)[1:]))[0][k] for k in ("trying_delay_ms", "post_dial_delay_ms", "setup_ms")], [None] * 3)
    t.counter("without a 100 there is a trying delay", t.counters_of(frames(silent)).get("earshot_trying_delay_seconds_count", 0) == 0)


# ---- C07

def proxied(d, hop="10.1.0.9"):
    """The call through a proxy: each message on both of its links."""
    out = []
    for n, (when, forth, text) in enumerate(signalling(d)):
        near, far = ((d.a, d.aport), (hop, 5060)), ((hop, 5060), (d.b, d.bport))
        first, second = (near, far) if forth else ((far[1], far[0]), (near[1], near[0]))
        via = f"Via: SIP/2.0/UDP {hop}:5060;branch=z9hG4bKhop{text.split(b'CSeq: ')[1].split()[1].decode()}\r\n".encode()
        relayed = text.replace(b"Via:", via + b"Via:", 1)
        one, two = (text, relayed) if forth else (relayed, text)
        out.append(Packet(when, *first[0], *first[1], one, ipid=2 * n + 1, kind="sip"))
        out.append(Packet(when + 0.001, *second[0], *second[1], two, ipid=2 * n + 2, kind="sip"))
    return out


SIDES = ["caller", "callee", "callee", "callee", "caller", "caller", "callee"]


@feature("C07", "each message has its side, behind a proxy too, its VLANs outer and inner, its transport")
def message_directions(t):
    d = Dialog(a="10.1.0.1", b="10.1.0.2", call_id="side@test", branch="z9hG4bKside")
    by_callee = [replace(p, src=p.dst, sport=p.dport, dst=p.src, dport=p.sport,
                         data=p.data.replace(b"From: \"Alice\" <sip:alice@10.1.0.1>;tag=ft1\r\nTo: <sip:bob@10.1.0.2>;tag=tt1",
                                             b"From: <sip:bob@10.1.0.2>;tag=tt1\r\nTo: <sip:alice@10.1.0.1>;tag=ft1"))
                 if b" BYE\r\n" in p.data else p for p in call(d, voice=False)]
    cases = {
        "plain": (frames(call(d, voice=False)), SIDES, (None, None), "udp"),
        "ended by the callee": (frames(by_callee), SIDES[:5] + ["callee", "caller"], (None, None), "udp"),
        "one tag": (frames(call(d, voice=False), lambda i, p: ether(i, [100])), SIDES, (100, None), "udp"),
        "two tags": (frames(call(d, voice=False), lambda i, p: ether(i, [100, 200])), SIDES, (100, 200), "udp"),
        "proxy": (frames(proxied(d)), [x for x in SIDES for _ in range(2)], (None, None), "udp"),
        "TCP": (frames(tcp_call(Dialog(via="TCP", aport=40000, call_id="side@test"), wrap=lambda text, forth: text)), SIDES, (None, None), "tcp"),
    }
    seen = {}
    for what, (packets, sides, vlans, transport) in cases.items():
        with Served(t, packets, 1) as s:
            got = s.get(f"/calls/{s.calls[0]['uid']}/messages?raw=false")["data"]
        t.equal(f"{what}: sides", [m["direction"] for m in got], sides)
        t.equal(f"{what}: VLANs", {(m["vlan"], m["vlan_inner"]) for m in got}, {vlans})
        t.equal(f"{what}: transport", {m["transport"] for m in got}, {transport})
        sent = sorted((round(f.t, 3), f"{f.packet.src}:{f.packet.sport}", f"{f.packet.dst}:{f.packet.dport}") for f in packets if f.packet.kind == "sip" and f.packet.proto == 17)
        if sent:
            t.equal(f"{what}: ends", [(m["src"], m["dst"]) for m in got], [x[1:] for x in sent])
        seen[what] = got
    t.counter("who hangs up makes no difference", seen["plain"][5]["direction"] != seen["ended by the callee"][5]["direction"])
    t.counter("the second tag is lost", seen["one tag"][0]["vlan_inner"] is None and seen["two tags"][0]["vlan_inner"] == 200)
    stray = [replace(p, data=p.data.replace(b";tag=ft1", b"").replace(b";tag=tt1", b"")) for p in call(d, voice=False)]
    with Served(t, frames(stray), 1) as s:
        got = s.get(f"/calls/{s.calls[0]['uid']}/messages?raw=false")["data"]
    t.equal("without tags by addresses", [m["direction"] for m in got][:2], SIDES[:2])


# ---- C05

COMPARED = (Dialog(call_id="diff@test", branch="z9hG4bKdiff"))


def compact(text):
    """The same message with compact names, folds and other cases."""
    for name, short in ((b"Via:", b"v:"), (b"From:", b"F :"), (b"To:", b"t:\r\n"), (b"Call-ID:", b"i:"), (b"Contact:", b"m:"), (b"Content-Length:", b"l:"),
                        (b"Content-Type:", b"c:"), (b"User-Agent:", b"USER-agent:\r\n\t")):
        text = text.replace(b"\r\n" + name, b"\r\n" + short)
    return text


def changes(diff):
    return [(h["op"], h["name"], h["a"], h["b"]) for h in diff["headers"] if h["op"] != "same"]


@feature("C05", "two messages of a call side by side, as JSON and as text")
def message_diffs(t):
    d = COMPARED
    again = d.request("INVITE", 2, sdp(d.a, 4002, "a=sendonly\r\n"), to_tag="tt1", branch="z9hG4bKre", headers="Supported: timer\r\n").replace(b"Max-Forwards: 70\r\n", b"")
    packets = [p for p in call(d, voice=False) if b"BYE" not in p.data] + [at(1.5, True, again, d), at(1.6, True, compact(again).replace(b"z9hG4bKre", b"z9hG4bKr2"), d)]
    with Served(t, frames(packets), 0) as s:
        live = s.wait(lambda: s.get(f"/calls?{DAY}")["data"])
        uid = live[0]["uid"]
        path = f"/calls/{uid}/messages"
        sent = s.get(path)["data"]
        t.equal("messages", [m["n"] for m in sent], list(range(1, 8)))
        diff = s.get(f"{path}/1/diff?with=6")
        t.equal("of which", (diff["call_uid"], diff["a"]["n"], diff["b"]["n"], diff["b"]["cseq"], diff["exact"], diff["equal"]), (uid, 1, 6, 2, True, False))
        t.equal("start line", diff["start_line"], {"op": "same", "a": "INVITE sip:bob@10.0.0.2 SIP/2.0", "b": "INVITE sip:bob@10.0.0.2 SIP/2.0"})
        via = "SIP/2.0/UDP 10.0.0.1:5060;branch="
        sizes = tuple(str(len(m["raw"].split("\r\n\r\n", 1)[1])) for m in (sent[0], sent[5]))
        t.equal("fields", changes(diff), [("changed", "Via", via + "z9hG4bKdiffINVITE", via + "z9hG4bKre"), ("changed", "To", "<sip:bob@10.0.0.2>", "<sip:bob@10.0.0.2>;tag=tt1"),
                ("changed", "CSeq", "1 INVITE", "2 INVITE"), ("removed", "Max-Forwards", "70", None), ("added", "Supported", None, "timer"), ("changed", "Content-Length", *sizes)])
        t.equal("order kept", [h["name"] for h in diff["headers"]], ["Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "User-Agent", "Supported", "Content-Type", "Content-Length"])
        body = [(x["op"], x["text"]) for x in diff["body"]]
        t.equal("body", [x for x in body if x[0] != "same"], [("removed", "m=audio 4000 RTP/AVP 0"), ("added", "m=audio 4002 RTP/AVP 0"), ("added", "a=sendonly")])
        t.equal("body as sent", [x[1] for x in body if x[0] != "added"], sent[0]["raw"].split("\r\n\r\n", 1)[1].split("\r\n")[:-1])
        t.equal("other way round", [(x["op"], x["text"]) for x in s.get(f"{path}/6/diff?with=1")["body"] if x["op"] == "removed"], [("removed", "m=audio 4002 RTP/AVP 0"), ("removed", "a=sendonly")])
        t.equal("request and response", (s.get(f"{path}/1/diff?with=4")["start_line"]["op"], s.get(f"{path}/1/diff?with=4")["start_line"]["b"]), ("changed", "SIP/2.0 200 OK"))
        written = s.get(f"{path}/6/diff?with=7")
        t.equal("compact names and folds are no difference", [x[:2] for x in changes(written)], [("changed", "Via")])
        itself = s.get(f"{path}/3/diff?with=3")
        t.counter("a message differs from itself", itself["equal"] and {h["op"] for h in itself["headers"]} == {"same"} and not written["equal"])
        text = ask(s, f"/calls/{uid}/messages/1/diff?with=6", Accept="text/plain")
        t.equal("asked for by Accept", (text[0], text[1]["content-type"]), (200, "text/plain; charset=utf-8"))
        lines = text[2].splitlines()
        t.equal("heads", lines[:3], ["--- message 1, 10.0.0.1:5060 -> 10.0.0.2:5060", "+++ message 6, 10.0.0.1:5060 -> 10.0.0.2:5060", " INVITE sip:bob@10.0.0.2 SIP/2.0"])
        t.check("marks", "-CSeq: 1 INVITE" in lines and "+CSeq: 2 INVITE" in lines and "+a=sendonly" in lines and " v=0" in lines)
        t.equal("by format", s.text(f"{path}/1/diff?with=6&format=text").decode(), text[2])
        t.equal("format rules", ask(s, f"{path}/1/diff?with=6&format=json", Accept="text/plain")[1]["content-type"].split(";")[0], "application/json")
        refused(t, s, f"{path}/1/diff", 400, "missing_parameter", "with")
        refused(t, s, f"{path}/1/diff?with=0", 400, "invalid_value", "with")
        refused(t, s, f"{path}/1/diff?with=2&format=xml", 400, "invalid_value", "format")
        refused(t, s, f"{path}/1/diff?with=2&x=1", 400, "unknown_parameter", "x")
        refused(t, s, f"{path}/1/diff?with=99", 404, "not_found", None)
        refused(t, s, f"{path}/99/diff?with=1", 404, "not_found", None)
        refused(t, s, f"{path}/0/diff?with=1", 404, "not_found", None)


def marked(n, headers, change=lambda x: x):
    d = Dialog(a="10.5.0.1", b="10.5.0.2", call_id=f"{n}@mark", branch=f"z9hG4bKm{n}-", from_tag=f"m{n}")
    packets = [at(n, True, d.request("INVITE", 1, headers=headers), d), at(n + 0.1, False, d.response(486, "Busy", "INVITE", 1), d),
               at(n + 0.2, True, d.request("ACK", 1, branch=d.branch + "INVITE"), d)]
    return [replace(p, data=change(p.data)) for p in packets]


@feature("C05", "messages by a header's value: of one call, and over calls")
def header_searches(t):
    calls = [marked(0, "X-Room: Blue Room\r\n"), marked(1, "x-room: red\r\n  room\r\n"), marked(2, "X-Room: 100%\r\nX-Room: green_room\r\n"), marked(3, "X-Other: blue room\r\n"),
             marked(4, "Subject: blue room\r\n", compact), marked(5, "s: a blue\r\n\troom\r\n"), marked(6, "Subject: X-Room: blue room\r\n")]
    with Served(t, frames([p for c in calls for p in c]), len(calls)) as s:
        uid = {int(c["call_id"].split("@")[0]): c["uid"] for c in s.calls}

        def over(query):
            return sorted(int(c["call_id"].split("@")[0]) for c in s.get(f"/calls?{DAY}&{query}")["data"])

        def within(n, query):
            return [m["n"] for m in s.get(f"/calls/{uid[n]}/messages?{query}")["data"]]
        for query, wanted in (("header=X-Room&{}=blue%20room", [0]), ("header=x-ROOM&{}=BLUE", [0]), ("header=X-Room&{}=red%20room", [1]), ("header=X-Room&{}=room", [0, 1, 2]),
                              ("header=X-Room&{}=100%25", [2]), ("header=X-Room&{}=%25", [2]), ("header=X-Room&{}=_", [2]), ("header=X-Room&{}=.*", []), ("header=X-Room", [0, 1, 2]),
                              ("header=Subject&{}=blue%20room", [4, 5, 6]), ("header=s&{}=blue%20room", [4, 5, 6]), ("header=f&{}=tag%3Dm4", [4]), ("header=To&{}=bob", [0, 1, 2, 3, 4, 5, 6]),
                              ("header=X-None", []), ("header=X-Room&{}=" + "a" * 255, [])):
            t.equal(query, over(query.format("header_value__contains")), wanted)
            t.equal("in one: " + query, [n for n in range(7) if within(n, query.format("value"))], wanted)
        t.equal("which messages", (within(0, "header=X-Room&value=blue"), within(0, "header=CSeq&value=ack"), within(0, "header=cseq&value=invite")), ([1], [3], [1, 2]))
        t.equal("with other filters", (over("header=To&outcome=busy&call_id=3@mark"), over("header=To&outcome=answered")), ([3], []))
        first = s.get(f"/calls?{DAY}&header=Subject&header_value__contains=blue&limit=2")
        t.equal("a page", ([c["call_id"][0] for c in first["data"]], first["page"]["has_more"], first["search"]), (["6", "5"], True, {"calls_looked_at": 2, "truncated": False}))
        rest = s.get(f"/calls?{DAY}&header=Subject&header_value__contains=blue&limit=2&cursor={first['page']['next_cursor']}")
        t.equal("the next", ([c["call_id"][0] for c in rest["data"]], rest["page"]["has_more"], rest["search"]), (["4"], False, {"calls_looked_at": 5, "truncated": False}))
        t.check("without header there is no search in the answer", "search" not in s.get(f"/calls?{DAY}"))
        t.counter("the value does not matter", over("header=Subject&header_value__contains=blue") != over("header=Subject&header_value__contains=red"))
        refused(t, s, f"/calls?{DAY}&header_value__contains=x", 400, "missing_parameter", "header")
        refused(t, s, f"/calls?{DAY}&header=a%20b", 400, "invalid_value", "header")
        refused(t, s, f"/calls?{DAY}&header=", 400, "invalid_value", "header")
        refused(t, s, f"/calls?{DAY}&header=To&header=From", 400, "repeated_parameter", "header")
        refused(t, s, f"/calls?{DAY}&header=To&header_value__contains=", 400, "invalid_value", "header_value__contains")
        refused(t, s, f"/calls?{DAY}&header=To&count=exact", 400, "invalid_value", "count")
        refused(t, s, f"/calls?{DAY}&header=To&count=estimate", 400, "invalid_value", "count")
        refused(t, s, "/calls?from=2023-10-01T00:00:00Z&to=2023-11-15T00:00:00Z&header=To", 400, "invalid_span", "from")
        refused(t, s, f"/calls/{uid[0]}/messages?value=x", 400, "missing_parameter", "header")
        refused(t, s, f"/calls/{uid[0]}/messages?header=a:b", 400, "invalid_value", "header")
        refused(t, s, f"/calls/{uid[0]}/messages?header=To&value=", 400, "invalid_value", "value")


@feature("C05", "the search over calls has a ceiling, says so, and goes on behind it")
def search_ceiling(t):
    many = 2300
    packets = [p for n in range(many) for p in marked(n, "X-Room: last\r\n" if n == 3 else "")[:2]]
    for n, p in enumerate(packets):
        p.t = START + n * 0.01
    with Served(t, frames(packets), 1000) as s:
        s.wait(lambda: s.get(f"/calls?{DAY}&count=exact&limit=1")["total"] == many)
        first = s.get(f"/calls?{DAY}&header=X-Room&header_value__contains=last")
        t.equal("stopped", (first["data"], first["search"], first["page"]["has_more"]), ([], {"calls_looked_at": 2000, "truncated": True}, True))
        rest = s.get(f"/calls?{DAY}&header=X-Room&header_value__contains=last&cursor={first['page']['next_cursor']}")
        t.equal("went on", ([c["call_id"] for c in rest["data"]], rest["search"], rest["page"]["has_more"]), (["3@mark"], {"calls_looked_at": 300, "truncated": False}, False))
        whole = s.get(f"/calls?{DAY}&header=X-Room&order=started_at&limit=1")
        t.counter("what is found early is truncated", [c["call_id"] for c in whole["data"]] == ["3@mark"] and not whole["search"]["truncated"])
