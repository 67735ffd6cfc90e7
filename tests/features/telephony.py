"""I01: VoIP telephony as a whole. One scenario through the whole service: a telephone registers and calls through a proxy, hears early
media, presses a key, holds, is transferred; both ends report; everything is recorded. Of each group of features the essential field."""
import io, urllib.parse, urllib.request, wave

from craft import *
from feature import feature
from service import wait_for
from transfers import Scene, after, notes
from users import register
from users_api import FileService

A, B, C, P = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.8"
SPAN = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
RECORD = "[recording]\ndefault = record\n"


def through_proxy(packets):
    """The same messages as two hops around P, which puts its Via on top of requests and takes it off responses."""
    out = []
    for p in packets:
        line, rest = p.data.split(b"\r\n", 1)
        branch = rest.split(b"branch=", 1)[1].split(b"\r\n", 1)[0]
        far = line + b"\r\nVia: SIP/2.0/UDP " + P.encode() + b":5060;branch=" + branch + b"p\r\n" + rest
        near, beyond = (far, p.data) if line.startswith(b"SIP/2.0") else (p.data, far)
        out += [replace(p, dst=P, data=near), replace(p, t=p.t + 0.002, src=P, data=beyond)]
    return [replace(p, ipid=n + 1) for n, p in enumerate(out)]


def reports(at):
    """Each end about what it sends and what it hears; nothing was lost."""
    out = []
    for src, sport, dst, dport, own, other, seen in ((A, 4001, B, 6001, 0x1111, 0x2222, 100), (B, 6001, A, 4001, 0x2222, 0x1111, 100)):
        block = struct.pack("!IIIIII", other, 0, seen + int((at - 3) * 50), 16, 0, 0)
        out.append(Packet(START + at, src, sport, dst, dport, struct.pack("!BBHIIIIII", 0x81, 200, 12, own, 1, 2, 3, 4, 5) + block, kind="rtcp"))
    return out


def scenario(hold=True, key=True, transfer=True, early=True, lost=(), last=12.4):
    s = Scene()
    one = s.leg("1-ab", A, B).invite(1)
    if early:
        one.tell(1.3, B, 183, "INVITE", one.sdp(B))
    else:
        one.ring(1.3)
    one.answer(3)
    if key:
        one.ask(6, A, "INFO", b"Signal=7\r\nDuration=160\r\n", kind="application/dtmf-relay")
        one.tell(6.01, B, 200, "INFO")
    if hold:
        one.change(8, A, "sendonly").change(10, A)
    if transfer:
        one.refer(11, B, f"<sip:carol@{C}>").notify(11.02, A, 100)
        two = s.leg("2-ac", A, C, 4002, 6002).invite(11.1, f"Referred-By: <sip:bob@{B}>\r\n", uri=f"sip:carol@{C}").ring(11.2).answer(12)
        one.notify(12.05, A, 200, over=True)
        two.bye(17, C)
    one.bye(last, B)
    packets = through_proxy(s.packets) + [p for r in (register(0.2, 1),) for p in r]
    packets += [p for n, p in enumerate(media(A, 4000, B, 6000, 9.3, START + 3.05, 0x1111)) if n not in lost]
    packets += media(B, 6000, A, 4000, 11 if early else 9.3, START + (1.35 if early else 3.05), 0x2222)
    if transfer:
        packets += media(A, 4002, C, 6002, 4.9, START + 12.05, 0x3333) + media(C, 6002, A, 4002, 4.9, START + 12.06, 0x4444)
    return sorted(packets + reports(5) + reports(9), key=lambda p: p.t)


def sound(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        with wave.open(io.BytesIO(answer.read())) as w:
            return w.getnchannels(), w.getframerate(), round(w.getnframes() / w.getframerate())


@feature("I01", "telephony as a whole: registration, proxy, early media, key, hold, transfer, RTCP and recording through the service")
def telephony(t):
    with FileService(t, scenario(), RECORD) as s:
        rows = wait_for("both recordings", lambda: (lambda found: found if len(found) == 2 and all(
            (r["recording"] or {}).get("state") == "ready" for r in found) else None)(s.get(f"/api/v1/calls?{SPAN}")["data"]))
        got = {r["call_id"]: s.get(f"/api/v1/calls/{r['uid']}") for r in rows}
        one, two = got["1-ab"], got["2-ac"]
        life(t, s, one, two)
        methods(t, s, one, two)
        messages(t, s, one)
        names(t, one, two)
        voice(t, s, one)
        good(t, s, one)
    without(t)


def life(t, s, one, two):
    """A"""
    t.equal("A: how they went", [(r["state"], r["outcome"], r["end_reason"], r["released_by"]) for r in (one, two)],
            [("ended", "answered", "bye", "callee")] * 2)
    t.equal("A: when", ([after(one[k]) for k in ("started_at", "answered_at", "ended_at")], one["duration_ms"]), ([1.0, 3.0, 12.4], 9400))
    ladder = s.get(f"/api/v1/calls/{one['uid']}/ladder")
    t.check("A: a ladder over three hosts", {A, B, P} <= {h["addr"].rsplit(":", 1)[0] for h in ladder["hosts"]})


def methods(t, s, one, two):
    """B"""
    x, = one["transfers"]
    t.equal("B: the transfer", (x["kind"], x["referrer"], x["outcome"], x["uid"]), ("blind", "callee", "success", two["uid"]))
    t.equal("B: one group", two["group_id"], one["uid"])
    r, = s.get("/api/v1/registrations")["data"]
    t.equal("B: who is registered", (r["user"], r["ip"], r["successes"]), ("alice", A, 1))


def messages(t, s, one):
    """C and D"""
    listed = s.get(f"/api/v1/calls/{one['uid']}/messages")["data"]
    t.equal("C: as many as were sent", (len(listed), one["messages"]), (len(through_proxy([p for p in sip_of("1-ab")])),) * 2)
    t.check("C: each kind", {"INVITE", "ACK", "BYE", "INFO", "REFER", "NOTIFY"} <= {m["method"] for m in listed})
    t.equal("C: delays", (round(one["setup_ms"]), round(one["post_dial_delay_ms"])), (2000, 300))
    t.equal("C: two hops", [(h["src"], h["dst"]) for h in one["hops"]][:2], [(f"{A}:5060", f"{P}:5060"), (f"{P}:5060", f"{B}:5060")])
    t.equal("D: transport", (one["transport"], {m["transport"] for m in listed}), ("udp", {"udp"}))


def sip_of(call_id):
    """Messages of the call, each once."""
    seen = {}
    for p in scenario():
        if p.kind == "sip" and call_id.encode() in p.data and p.dst == P:
            seen[p.data] = p
    return seen.values()


def names(t, one, two):
    """E"""
    t.equal("E: who called whom", [(r["from"]["user"], r["to"]["user"]) for r in (one, two)], [("alice", "bob"), ("alice", "carol")])
    t.equal("E: what was agreed", [(x["type"], x["state"], x["agreed"]) for x in one["media"]], [("audio", "active", "PCMU")])
    t.equal("E: where to", [(p["party"], p["media"]) for p in one["media_points"]][:2], [("caller", f"{A}:4000"), ("callee", f"{B}:6000")])


def voice(t, s, one):
    """F"""
    streams = {x["party"]: x for x in one["streams"]}
    t.equal("F: packets", [(streams[k]["packets"], streams[k]["lost"], streams[k]["codec"]) for k in ("caller", "callee")],
            [(465, 0, "PCMU"), (550, 0, "PCMU")])
    t.equal("F: reports", [(streams[k]["rtcp"]["sender_reports"], streams[k]["rtcp"]["receiver_reports"]) for k in ("caller", "callee")], [(2, 2)] * 2)
    t.equal("F: early media", (after(one["early_media_at"]), streams["callee"]["early"]), (1.35, True))
    t.equal("F: a hold", (one["holds"], round(one["held_ms"] / 100), notes(one, "hold", "resume")),
            (1, 20, [("hold", "caller", 8.0), ("resume", "caller", 10.0)]))
    t.equal("F: a key", [(d["digit"], d["source"], d["party"]) for d in one["dtmf"]], [("7", "info", "caller")])
    t.equal("F: the recording", sound(f"{s.url}/api/v1/recordings/{one['recording']['id']}/audio"), (2, 8000, 11))


def good(t, s, one):
    """And nothing was wrong with it."""
    t.equal("no label", (one["diagnosis"], one["summary"]), ([], None))
    t.equal("found by label", s.get(f"/api/v1/calls?{SPAN}&label=loss&label=one_way")["data"], [])
    t.equal("an unknown label", s.status(f"/api/v1/calls?{SPAN}&label=nonsense"), 400)


def without(t):
    """Each part taken away shows."""
    def first(**less):
        return next(r for r in t.read(frames(scenario(**less))) if r["call_id"] == "1-ab")
    t.counter("no hold", first(hold=False)["holds"] == 0)
    t.counter("no key", "dtmf" not in first(key=False))
    t.counter("no transfer", "transfers" not in first(transfer=False) and "group_id" not in first(transfer=False))
    t.counter("no early media", first(early=False)["early_media_at"] is None)
    lost = set(range(100, 300, 10))
    with FileService(t, scenario(lost=lost), "") as s:
        row = wait_for("the call by its label", lambda: s.get(f"/api/v1/calls?{SPAN}&label=one_way&label=loss")["data"])[0]
        t.counter("a bad call is found by its label and told in a sentence", row["call_id"] == "1-ab" and "B heard A badly" in row["summary"])
        t.counter("and in the metrics", 'earshot_call_diagnoses_total{label="loss"} 1' in s.fetch("/metrics"))
