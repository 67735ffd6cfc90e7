"""Calls that are more than one dialog: branches, hops, tries; and how calls end."""
import dataclasses, datetime

from craft import *
from feature import feature

PROXY, DESK, PHONE, GATEWAY_A, GATEWAY_B = "10.0.0.9", "10.0.0.21", "10.0.0.22", "10.0.0.31", "10.0.0.32"


class Scene:
    """Messages between named ends, each with its time in seconds after START."""

    def __init__(self, call_id="c1@test"):
        self.packets = []
        self.call_id = call_id

    def say(self, t, src, dst, text, sport=5060, dport=5060):
        self.packets.append(Packet(START + t, src, sport, dst, dport, text, ipid=len(self.packets) + 1, kind="sip"))
        return self

    def message(self, start, method, cseq, branch, to_tag=None, from_tag="ft1", contact=None, headers="", body=b"", via=None, forwards=70):
        tag = f";tag={to_tag}" if to_tag else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        vias = "".join(f"Via: SIP/2.0/UDP {v}:5060;branch=z9hG4bK{branch}{n or ''}\r\n" for n, v in enumerate(via.split()))
        contact = f"Contact: <{contact}>\r\n" if contact else ""
        return (f"{start}\r\n{vias}From: <sip:alice@a.test>;tag={from_tag}\r\nTo: <sip:bob@b.test>{tag}\r\nCall-ID: {self.call_id}\r\n"
                f"CSeq: {cseq} {method}\r\nMax-Forwards: {forwards}\r\n{contact}{headers}{kind}Content-Length: {len(body)}\r\n\r\n").encode() + body

    def ask(self, t, src, dst, method, branch, cseq=1, uri="sip:bob@b.test", **more):
        return self.say(t, src, dst, self.message(f"{method} {uri} SIP/2.0", method, cseq, branch, **{"via": src, **more}))

    def tell(self, t, src, dst, code, branch, cseq=1, method="INVITE", phrase="Phrase", **more):
        return self.say(t, src, dst, self.message(f"SIP/2.0 {code} {phrase}", method, cseq, branch, **{"via": dst, **more}))

    def read(self, t, *options, media=()):
        return t.read(frames(sorted(self.packets + list(media), key=lambda p: p.t)), *options)

    def counters(self, t):
        return t.counters_of(frames(sorted(self.packets, key=lambda p: p.t)))


def part(things, *keys):
    return [tuple(x[k] for k in keys) for x in things]


def after(time):
    """Seconds after START, to a millisecond."""
    return None if time is None else round(datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() - START, 3)


# ---- C02: several 2xx

def two_answers(second=True, loser="tt2"):
    s = Scene()
    s.ask(0, ALICE, PROXY, "INVITE", "1", body=sdp(ALICE, 4000))
    for n, (tag, contact) in enumerate((("tt1", f"sip:bob@{DESK}"), ("tt2", f"sip:bob@{PHONE}"))[:2 if second else 1]):
        s.tell(0.2 + n / 10, PROXY, ALICE, 180, "1", to_tag=tag, contact=contact)
        s.tell(1 + n / 10, PROXY, ALICE, 200, "1", to_tag=tag, contact=contact, body=sdp((DESK, PHONE)[n], 6000), phrase="OK")
        s.ask(1.02 + n / 10, ALICE, PROXY, "ACK", f"ack{n}", to_tag=tag)
    if second:
        s.ask(1.2, ALICE, PROXY, "BYE", "b2", cseq=2, to_tag=loser)
        s.tell(1.21, PROXY, ALICE, 200, "b2", cseq=2, method="BYE", to_tag=loser)
    s.ask(4, ALICE, PROXY, "BYE", "b1", cseq=3, to_tag="tt1" if loser == "tt2" else "tt2")
    return s


@feature("C02", "several 2xx: an answered leg each, with tag, target and times; a BYE ends its leg alone")
def several_answers(t):
    got = two_answers().read(t)
    t.equal("one call", part(got, "outcome", "end_reason", "branches"), [("answered", "bye", 2)])
    legs = got[0]["legs"]
    t.equal("legs", part(legs, "to_tag", "target", "code", "end", "winner", "acked"),
            [("tt1", f"sip:bob@{DESK}", 200, "bye", True, True), ("tt2", f"sip:bob@{PHONE}", 200, "bye", False, True)])
    t.equal("their times", [(after(x["ringing_at"]), after(x["answered_at"]), after(x["ended_at"])) for x in legs],
            [(0.2, 1, 4), (0.3, 1.1, 1.2)])
    t.equal("the call ends with the winner", (got[0]["to"]["tag"], after(got[0]["ended_at"])), ("tt1", 4))
    other = two_answers(loser="tt1").read(t)[0]
    t.equal("when the first one is released, the call is the other", (other["to"]["tag"], after(other["ended_at"]), part(other["legs"], "winner")),
            ("tt2", 4, [(False,), (True,)]))
    t.equal("one attempt", two_answers().counters(t)["earshot_call_attempts_total"], 1)
    t.counter("one answer, one leg", len(two_answers(second=False).read(t)[0]["legs"]) == 1)


# ---- H02: forks

def parallel(answers="desk"):
    s = Scene()
    s.ask(0, ALICE, PROXY, "INVITE", "u", contact=f"sip:alice@{ALICE}")
    s.ask(0.005, PROXY, DESK, "INVITE", "d1", uri=f"sip:bob@{DESK}", via=f"{PROXY} {ALICE}", forwards=69)
    s.ask(0.006, PROXY, PHONE, "INVITE", "d2", uri=f"sip:bob@{PHONE}", via=f"{PROXY} {ALICE}", forwards=69)
    for n, (who, tag, b) in enumerate(((DESK, "desk", "d1"), (PHONE, "phone", "d2"))):
        s.tell(0.1 + n / 100, who, PROXY, 180, b, to_tag=tag, contact=f"sip:bob@{who}")
        s.tell(0.105 + n / 100, PROXY, ALICE, 180, "u", to_tag=tag, contact=f"sip:bob@{who}")
    who, tag, b = (DESK, "desk", "d1") if answers == "desk" else (PHONE, "phone", "d2")
    lost, lost_tag, lost_b = (PHONE, "phone", "d2") if answers == "desk" else (DESK, "desk", "d1")
    s.tell(2, who, PROXY, 200, b, to_tag=tag, phrase="OK", contact=f"sip:bob@{who}")
    s.tell(2.005, PROXY, ALICE, 200, "u", to_tag=tag, phrase="OK", contact=f"sip:bob@{who}")
    s.ask(2.006, PROXY, lost, "CANCEL", lost_b, uri=f"sip:bob@{lost}")
    s.tell(2.01, lost, PROXY, 200, lost_b, method="CANCEL", to_tag=lost_tag)
    s.tell(2.02, lost, PROXY, 487, lost_b, to_tag=lost_tag, phrase="Request Terminated")
    s.ask(2.03, ALICE, PROXY, "ACK", "ack", to_tag=tag).ask(5, ALICE, PROXY, "BYE", "bye", cseq=2, to_tag=tag)
    return s


@feature("H02", "a parallel fork: branches listed, who answered, the others cancelled")
def parallel_fork(t):
    got = parallel().read(t)
    t.equal("one call", part(got, "outcome", "sip_code", "branches", "route_advances", "end_reason"), [("answered", 200, 2, 0, "bye")])
    keys = "to_tag", "request_uri", "dst", "code", "reason_phrase", "end", "winner"
    t.equal("branches", part(got[0]["legs"], *keys),
            [("desk", f"sip:bob@{DESK}", f"{DESK}:5060", 200, "OK", "bye", True),
             ("phone", f"sip:bob@{PHONE}", f"{PHONE}:5060", 487, "Request Terminated", "cancelled", False)])
    t.equal("the CANCEL stands with its hop", [h["cancelled_at"] is not None for h in got[0]["hops"]], [False, False, True])
    t.equal("hops", part(got[0]["hops"], "from_hop", "src", "code"), [(None, f"{ALICE}:5060", 200), (1, f"{PROXY}:5060", 200), (1, f"{PROXY}:5060", 487)])
    t.equal("attempts", part(got[0]["attempts"], "dst", "reason"), [(f"{DESK}:5060", "answered"), (f"{PHONE}:5060", "cancelled")])
    t.equal("one attempt", parallel().counters(t)["earshot_call_attempts_total"], 1)
    other = parallel("phone").read(t)[0]
    t.counter("when the other one answers, the other one wins", part(other["legs"], "end", "winner") == [("cancelled", False), ("bye", True)])


def serial(first=486, cancelled=False):
    s = Scene()
    s.ask(0, ALICE, PROXY, "INVITE", "u").ask(0.005, PROXY, DESK, "INVITE", "d1", uri=f"sip:bob@{DESK}", via=f"{PROXY} {ALICE}")
    s.tell(0.1, DESK, PROXY, 180, "d1", to_tag="desk").tell(0.105, PROXY, ALICE, 180, "u", to_tag="desk")
    if cancelled:
        s.ask(9.9, PROXY, DESK, "CANCEL", "d1")
    s.tell(10, DESK, PROXY, first, "d1", to_tag="desk")
    if first >= 300:
        s.ask(10.01, PROXY, PHONE, "INVITE", "d2", uri=f"sip:bob@{PHONE}", via=f"{PROXY} {ALICE}")
        s.tell(10.1, PHONE, PROXY, 180, "d2", to_tag="phone").tell(12, PHONE, PROXY, 200, "d2", to_tag="phone")
        s.tell(12.005, PROXY, ALICE, 200, "u", to_tag="phone")
    else:
        s.tell(10.005, PROXY, ALICE, first, "u", to_tag="desk")
    return s.ask(15, ALICE, PROXY, "BYE", "bye", cseq=2, to_tag="phone" if first >= 300 else "desk")


@feature("H02", "a serial fork: one after the other, each with its end; the call is one")
def serial_fork(t):
    got = serial().read(t)
    t.equal("one call", part(got, "outcome", "branches", "route_advances"), [("answered", 2, 1)])
    t.equal("branches", part(got[0]["legs"], "to_tag", "code", "end", "winner"), [("desk", 486, "rejected", False), ("phone", 200, "bye", True)])
    t.equal("attempts", [(a["dst"], a["code"], a["reason"], after(a["started_at"]), after(a["ended_at"])) for a in got[0]["attempts"]],
            [(f"{DESK}:5060", 486, "rejected", 0.005, 10), (f"{PHONE}:5060", 200, "answered", 10.01, 12)])
    rang = serial(487, cancelled=True).read(t)[0]
    t.equal("one that only rang is cancelled", (part(rang["legs"], "end"), part(rang["attempts"], "reason")), ([("cancelled",), ("bye",)], [("timeout",), ("answered",)]))
    t.counter("answered at once there is no second branch", len(serial(200).read(t)[0]["legs"]) == 1)


# ---- H01: hops

def through(hops=3, call_id="c1@test", answer=200, before=None):
    """A call through proxies 10.1.0.1, 10.1.0.2, ...; each takes 10 ms forth and 5 ms back. `before`: that hop is captured first."""
    s = Scene(call_id)
    nodes = [ALICE] + [f"10.1.0.{n}" for n in range(1, hops)] + [BOB]
    def forth(t, method, cseq, to_tag=None):
        for n in range(hops):
            s.ask(t + n * 0.01, nodes[n], nodes[n + 1], method, f"{method}{n}", cseq=cseq, to_tag=to_tag, via=" ".join(reversed(nodes[:n + 1])), forwards=70 - n)
    def back(t, code, method, cseq):
        for n in reversed(range(hops)):
            s.tell(t + (hops - n) * 0.005, nodes[n + 1], nodes[n], code, f"{method}{n}", cseq=cseq, method=method, to_tag="tt1", via=" ".join(reversed(nodes[:n + 1])))
    forth(0, "INVITE", 1)
    back(0.5, 180, "INVITE", 1)
    back(2, answer, "INVITE", 1)
    if answer == 200:
        forth(2.1, "ACK", 1, "tt1")
        forth(6, "BYE", 2, "tt1")
        back(6.1, 200, "BYE", 2)
    return s


@feature("H01", "both sides of proxies: one call with hops, latencies and codes; no double counting")
def proxies(t):
    s = through()
    got = s.read(t)
    t.equal("one call", part(got, "outcome", "retransmissions", "branches", "route_advances", "end_reason"), [("answered", 0, 1, 0, "bye")])
    hops = [{**h, **{k: h[k] and round(h[k]) for k in ("latency_ms", "response_ms", "final_ms")}} for h in got[0]["hops"]]
    t.equal("hops", part(hops, "hop", "from_hop", "src", "dst", "transport", "latency_ms", "response_ms", "final_ms", "code"),
            [(1, None, "10.0.0.1:5060", "10.1.0.1:5060", "udp", None, 515.0, 2015.0, 200), (2, 1, "10.1.0.1:5060", "10.1.0.2:5060", "udp", 10.0, 500.0, 2000.0, 200),
             (3, 2, "10.1.0.2:5060", "10.0.0.2:5060", "udp", 10.0, 485.0, 1985.0, 200)])
    t.equal("the one branch is the last hop's", part(got[0]["legs"], "to_tag", "hop", "winner"), [("tt1", 3, True)])
    t.equal("one target", part(got[0]["attempts"], "dst", "reason"), [("10.0.0.2:5060", "answered")])
    values = s.counters(t)
    t.equal("counted once", (values["earshot_call_attempts_total"], values['earshot_calls_ended_total{outcome="answered"}'], values["earshot_post_dial_delay_seconds_count"]), (1, 1, 1))
    refused = through(answer=486)
    t.equal("refused on all hops, once", part(refused.read(t), "outcome", "sip_code"), [("busy", 486)])
    t.equal("and counted once", refused.counters(t)['earshot_calls_ended_total{outcome="busy"}'], 1)
    tagged = frames(s.packets, lambda packet, p: ether(packet, vlans=(7,) if p.src == ALICE or p.dst == ALICE else (9,)))
    t.equal("VLAN of each hop", part(t.read(tagged)[0]["hops"], "vlan"), [(7,), (9,), (9,)])
    t.counter("one side only, one hop", len(through(1).read(t)[0]["hops"]) == 1)
    both = Scene()
    both.packets = through().packets + [replace(p, ipid=p.ipid + 500, data=p.data.replace(b"c1@test", b"c2@test")) for p in through().packets]
    t.counter("another Call-ID is another call", len(both.read(t)) == 2)


@feature("H01", "hops whose INVITEs come out of order are put in order by address, Via and Max-Forwards")
def hops_out_of_order(t):
    s = through()
    invites = [p for p in s.packets if p.data.startswith(b"INVITE")]
    same = dataclasses.replace  # all three at one time, the last hop first
    moved = [same(p, t=START + 0.001 * (2 - n)) for n, p in enumerate(invites)]
    s.packets = [p for p in s.packets if not p.data.startswith(b"INVITE")] + moved
    got = s.read(t)
    t.equal("one call, answered", part(got, "outcome", "retransmissions"), [("answered", 0)])
    t.equal("each hop continues the right one", sorted((h["src"], h["dst"], (got[0]["hops"][h["from_hop"] - 1]["src"] if h["from_hop"] else None)) for h in got[0]["hops"]),
            [("10.0.0.1:5060", "10.1.0.1:5060", None), ("10.1.0.1:5060", "10.1.0.2:5060", "10.0.0.1:5060"), ("10.1.0.2:5060", "10.0.0.2:5060", "10.1.0.1:5060")])
    refused = through(answer=503)
    refused.packets = [p for p in refused.packets if not p.data.startswith(b"INVITE")] + moved
    t.equal("a failure on its way back ends it once", part(refused.read(t), "outcome", "sip_code", "route_advances"), [("failed", 503, 0)])
    t.counter("in order the latencies are known", got[0]["hops"][1]["latency_ms"] != through().read(t)[0]["hops"][1]["latency_ms"])


# ---- H11: route advance

def failover(code=503, same_cseq=True, second=200, src=PROXY):
    s = Scene()
    s.ask(0, src, GATEWAY_A, "INVITE", "a", uri=f"sip:bob@{GATEWAY_A}")
    if code:
        s.tell(0.05, GATEWAY_A, src, 100, "a").tell(0.2, GATEWAY_A, src, code, "a", to_tag="ga")
        s.ask(0.21, src, GATEWAY_A, "ACK", "a", to_tag="ga")
    start, cseq = 0.3 if code else 4, 1 if same_cseq else 2
    if second:
        s.ask(start, src, GATEWAY_B, "INVITE", "b", cseq=cseq, uri=f"sip:bob@{GATEWAY_B}")
        s.tell(start + 0.5, GATEWAY_B, src, 180, "b", cseq=cseq, to_tag="gb").tell(start + 2, GATEWAY_B, src, second, "b", cseq=cseq, to_tag="gb")
    if second == 200:
        s.ask(start + 2.1, src, GATEWAY_B, "ACK", "b2", cseq=cseq, to_tag="gb").ask(start + 5, src, GATEWAY_B, "BYE", "b3", cseq=cseq + 1, to_tag="gb")
    return s


@feature("H11", "route advance: the next gateway after a failure, one call with its attempts")
def route_advance(t):
    for code, reason in ((503, "rejected"), (408, "timeout"), (500, "rejected"), (0, "timeout")):
        for same in (True, False):
            s = failover(code, same)
            got = s.read(t)
            what = f"{code}, CSeq {'the same' if same else '+1'}"
            t.equal(what, part(got, "outcome", "sip_code", "route_advances", "end_reason"), [("answered", 200, 1, "bye")])
            t.equal(f"{what}: attempts", part(got[0]["attempts"], "dst", "request_uri", "code", "reason"),
                    [(f"{GATEWAY_A}:5060", f"sip:bob@{GATEWAY_A}", code or None, reason), (f"{GATEWAY_B}:5060", f"sip:bob@{GATEWAY_B}", 200, "answered")])
            values = s.counters(t)
            t.equal(f"{what}: counted", (values["earshot_call_attempts_total"], values["earshot_call_route_advances_total"]), (1, 1))
    both = failover(503, second=486).read(t)
    t.equal("the last one's refusal is the call's", part(both, "outcome", "sip_code"), [("busy", 486)])
    t.equal("and both are told", part(both[0]["attempts"], "code", "reason"), [(503, "rejected"), (486, "rejected")])
    silent = failover(0, second=486).read(t)
    t.equal("also when the first one was silent", part(silent, "outcome", "sip_code", "route_advances"), [("busy", 486, 1)])
    alone = failover(503, second=None).read(t)
    t.counter("without a second gateway the call failed", part(alone, "outcome", "sip_code", "route_advances") == [("failed", 503, 0)])


@feature("H11", "behind a proxy: both sides tapped; credentials and redirections are no advance")
def route_advance_behind(t):
    s = Scene()
    s.ask(0, ALICE, PROXY, "INVITE", "u1").tell(0.01, PROXY, ALICE, 407, "u1", to_tag="p").ask(0.02, ALICE, PROXY, "ACK", "u1", to_tag="p")
    s.ask(0.1, ALICE, PROXY, "INVITE", "u2", cseq=2)
    for n, (gateway, code) in enumerate(((GATEWAY_A, 503), (GATEWAY_B, 200))):
        s.ask(0.11 + n, PROXY, gateway, "INVITE", f"d{n}", cseq=2, via=f"{PROXY} {ALICE}", uri=f"sip:bob@{gateway}")
        s.tell(0.5 + n, gateway, PROXY, code, f"d{n}", cseq=2, to_tag=f"g{n}")
    s.tell(1.51, PROXY, ALICE, 200, "u2", cseq=2, to_tag="g1").ask(4, ALICE, PROXY, "BYE", "b", cseq=3, to_tag="g1")
    got = s.read(t)
    t.equal("one call", part(got, "outcome", "auth_attempts", "route_advances"), [("answered", 1, 1)])
    t.equal("attempts", part(got[0]["attempts"], "dst", "code", "reason"),
            [(f"{PROXY}:5060", 407, "challenged"), (f"{GATEWAY_A}:5060", 503, "rejected"), (f"{GATEWAY_B}:5060", 200, "answered")])
    redirected = failover(302, same_cseq=False)
    t.equal("a redirection", part(redirected.read(t), "outcome", "route_advances"), [("answered", 0)])
    t.equal("is an attempt of the same call", part(redirected.read(t)[0]["attempts"], "reason"), [("redirected",), ("answered",)])
    t.equal("and none of the counter's", redirected.counters(t)["earshot_call_attempts_total"], 1)
    smaller = failover(422, same_cseq=False)
    t.equal("a session interval too small", part(smaller.read(t)[0]["attempts"], "reason"), [("adjusted",), ("answered",)])
    t.counter("a failure is an advance", failover(503, same_cseq=False).read(t)[0]["route_advances"] == 1)
