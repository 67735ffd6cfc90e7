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


# ---- B02, B03: INVITE and ACK

def plain(seconds=4, answer_headers="", offer=True, retransmits=0, ack=True, repeats=0, bye_headers="", bye_from=ALICE, invite_headers=""):
    """INVITE at 0, 180 at 0.3, 200 at 1, ACK at 1.1, BYE after `seconds`; A and B directly."""
    s = Scene()
    for n in range(1 + retransmits):
        s.ask(n / 2, ALICE, BOB, "INVITE", "i", body=sdp(ALICE, 4000) if offer else b"", headers=invite_headers, contact=f"sip:alice@{ALICE}")
    s.tell(0.3, BOB, ALICE, 180, "i", to_tag="tt1", contact=f"sip:bob@{BOB}")
    for n in range(1 + repeats):
        s.tell(1 + (2 ** n - 1) / 2, BOB, ALICE, 200, "i", to_tag="tt1", contact=f"sip:bob@{BOB}", body=sdp(BOB, 6000), headers=answer_headers, phrase="OK")
    if ack:
        s.ask(1.1, ALICE, BOB, "ACK", "a", to_tag="tt1", body=b"" if offer else sdp(ALICE, 4000))
    if seconds:
        other = BOB if bye_from == ALICE else ALICE
        tags = {"to_tag": "tt1"} if bye_from == ALICE else {"from_tag": "tt1", "to_tag": "ft1"}
        s.ask(1 + seconds, bye_from, other, "BYE", "b", cseq=2, headers=bye_headers, **tags)
        s.tell(1.02 + seconds, other, bye_from, 200, "b", cseq=2, method="BYE", **tags)
    return s


def voice(seconds, start=1.2):
    return media(ALICE, 4000, BOB, 6000, seconds, START + start, 0x1111) + media(BOB, 6000, ALICE, 4000, seconds, START + start, 0x2222)


def kinds(record):
    return [e["kind"] for e in record["events"]]


@feature("B02", "an INVITE sent six times is one attempt; a re-INVITE is told by its To tag")
def invite(t):
    s = plain(retransmits=5)
    got = s.read(t)
    t.equal("one call, one hop, one leg", (len(got), got[0]["retransmissions"], len(got[0]["hops"]), len(got[0]["legs"]), len(got[0]["attempts"])), (1, 5, 1, 1, 1))
    t.equal("one attempt", s.counters(t)["earshot_call_attempts_total"], 1)
    t.equal("started with the first", after(got[0]["started_at"]), 0)
    again = plain()
    again.ask(2, ALICE, BOB, "INVITE", "re", cseq=2, to_tag="tt1", body=sdp(ALICE, 4000)).tell(2.1, BOB, ALICE, 200, "re", cseq=2, to_tag="tt1", body=sdp(BOB, 6000))
    re_invited = again.read(t)[0]
    t.equal("re-INVITE", (re_invited["reinvites"], len(re_invited["hops"]), len(re_invited["legs"]), again.counters(t)["earshot_call_attempts_total"]), (1, 1, 1, 1))
    t.counter("without a To tag and with a new CSeq it is no re-INVITE", plain().read(t)[0]["reinvites"] == 0)


@feature("B02", "responses that a mirror delivers ahead of their INVITE belong to the call")
def early_responses(t):
    def swapped(code, ahead):
        s = Scene()
        s.ask(0.001 if ahead else 0, ALICE, BOB, "INVITE", "i", body=sdp(ALICE, 4000))
        s.tell(0.0005, BOB, ALICE, 100, "i").tell(0.0007, BOB, ALICE, code, "i", to_tag="tt1", body=sdp(BOB, 6000) if code == 200 else b"")
        if code < 200:
            s.tell(1, BOB, ALICE, 200, "i", to_tag="tt1", body=sdp(BOB, 6000))
        if code <= 200:
            s.ask(3, ALICE, BOB, "BYE", "b", cseq=2, to_tag="tt1")
        return s
    for code, outcome in ((180, "answered"), (404, "failed"), (200, "answered")):
        a, b = swapped(code, True).read(t), swapped(code, False).read(t)
        t.equal(f"{code}: as in order", part(a, "outcome", "sip_code", "partial", "branches", "messages"), part(b, "outcome", "sip_code", "partial", "branches", "messages"))
        t.equal(f"{code}", part(a, "outcome", "partial"), [(outcome, False)])
        t.equal(f"{code}: attempts", (swapped(code, True).counters(t)["earshot_call_attempts_total"], part(a[0]["attempts"], "code")), (1, part(b[0]["attempts"], "code")))
        t.check(f"{code}: no time before the start", all(a[0][k] is None or a[0][k] >= a[0]["started_at"] for k in ("ringing_at", "answered_at", "ended_at")))
    values = swapped(180, True).counters(t)
    t.equal("counted", values['earshot_sip_early_responses_total{result="matched"}'], 2)
    late = swapped(404, True)
    late.packets = [replace(p, t=p.t + 2) if p.data.startswith(b"INVITE") else p for p in late.packets]
    t.counter("two seconds ahead it is somebody else's", late.read(t)[0]["outcome"] == "lost")


@feature("B03", "the ACK closes the INVITE; SDP that it carries is the answer to a late offer; a missing ACK shows")
def ack(t):
    late = plain(offer=False).read(t, media=voice(3))
    t.equal("late offer: both directions are bound", sorted(part(late[0]["streams"], "party", "confidence", "codec")), [("callee", "sdp", "PCMU"), ("caller", "sdp", "PCMU")])
    t.equal("acknowledged", (after(late[0]["acked_at"]), late[0]["ack_missing"], late[0]["legs"][0]["acked"]), (1.1, False, True))
    missing = plain(ack=False, repeats=4, seconds=20).read(t)[0]
    t.equal("no ACK, 2xx repeated", (missing["ack_missing"], missing["acked_at"], missing["legs"][0]["answer_repeats"], "ack_missing" in kinds(missing)), (True, None, 4, True))
    short = plain(ack=False, repeats=1, seconds=2).read(t)[0]
    t.equal("also in a short call", short["ack_missing"], True)
    t.equal("an ACK that we did not see but the callee did is not missing", plain(ack=False).read(t)[0]["ack_missing"], False)
    nothing = plain(offer=False, ack=False).read(t, media=voice(3))[0]
    t.counter("without the ACK's SDP nobody announced where the caller receives", [s["confidence"] for s in nothing["streams"]] != ["sdp", "sdp"])
    t.counter("with the ACK nothing is missing", not plain(repeats=1).read(t)[0]["ack_missing"])


# ---- B04: BYE

@feature("B04", "a BYE of a stranger while media goes on ends nothing; of no dialog, crossing ones")
def bye(t):
    mallory = "10.9.9.9"
    def spoofed(media_goes_on, src=mallory):
        s = plain(seconds=10)
        s.ask(4, src, BOB, "BYE", "x", cseq=2, to_tag="tt1").tell(4.01, BOB, src, 200, "x", cseq=2, method="BYE", to_tag="tt1")
        if not media_goes_on:
            s.packets = [p for p in s.packets if p.t < START + 10]
        return s, voice(9.8 if media_goes_on else 2.9)
    s, sound = spoofed(True)
    got = s.read(t, media=sound)
    t.equal("the call goes on", (len(got), after(got[0]["ended_at"]), got[0]["end_reason"], got[0]["duration_ms"]), (1, 11.0, "bye", 10000))
    t.equal("all of its media belongs to it", part(got[0]["streams"], "packets"), [(490,), (490,)])
    t.equal("the BYE is remembered", (got[0]["spoofed_bye"]["src"], after(got[0]["spoofed_bye"]["at"]), "bye_spoofed" in kinds(got[0])), (f"{mallory}:5060", 4.0, True))
    values = t.counters_of(frames(sorted(s.packets + sound, key=lambda p: p.t)))
    t.equal("and counted", values["earshot_spoofed_byes_total"], 1)
    s, sound = spoofed(False)
    quiet = s.read(t, media=sound)[0]
    t.equal("when the media stops, it was the end", (after(quiet["ended_at"]), quiet["end_reason"], quiet["spoofed_bye"]), (4.0, "bye", None))
    s, sound = spoofed(True, src=ALICE)
    t.counter("from the caller's address it ends the call", after(s.read(t, media=sound)[0]["ended_at"]) == 4.0)
    alone = Scene("nobody@test").ask(0, ALICE, BOB, "BYE", "b", to_tag="x")
    t.equal("a BYE without dialog is no call", alone.read(t), [])
    t.equal("but counted", alone.counters(t)["earshot_alone_byes_total"], 1)
    t.equal("those of dialogs are not", plain().counters(t)["earshot_alone_byes_total"], 0)
    crossing = plain()
    crossing.ask(5.001, BOB, ALICE, "BYE", "c", from_tag="tt1", to_tag="ft1").tell(5.02, ALICE, BOB, 200, "c", method="BYE", from_tag="tt1", to_tag="ft1")
    t.equal("crossing BYEs end it once", part(crossing.read(t), "end_reason", "released_by", "duration_ms"), [("bye", "caller", 4000)])
    t.counter("alone, the other side's counts", plain(bye_from=BOB).read(t)[0]["released_by"] == "callee")


# ---- B05: CANCEL

def cancel(code=487, answer=None):
    s = Scene()
    s.ask(0, ALICE, BOB, "INVITE", "i").tell(0.3, BOB, ALICE, 180, "i", to_tag="tt1")
    s.ask(4.3, ALICE, BOB, "CANCEL", "i", headers='Reason: SIP;cause=487;text="changed my mind", Q.850;cause=31\r\n').tell(4.31, BOB, ALICE, 200, "i", method="CANCEL", to_tag="tt1")
    s.tell(4.32, BOB, ALICE, answer or code, "i", to_tag="tt1").ask(4.33, ALICE, BOB, "ACK", "i" if not answer else "a", to_tag="tt1")
    return s.ask(4.4, ALICE, BOB, "BYE", "b", cseq=2, to_tag="tt1") if answer else s


@feature("B05", "CANCEL: outcome cancelled with its 487, ring time; what crosses it")
def cancelled(t):
    got = cancel().read(t)
    t.equal("cancelled", part(got, "outcome", "end_reason", "released_by", "sip_code"), [("cancelled", "cancel", "caller", 487)])
    t.equal("times", (after(got[0]["cancelled_at"]), abs(got[0]["ring_ms"] - 4020) <= 1), (4.3, True))
    t.equal("branch, try and hop say so", (got[0]["legs"][0]["end"], got[0]["attempts"][0]["reason"], after(got[0]["hops"][0]["cancelled_at"])), ("cancelled", "cancelled", 4.3))
    t.equal("its reasons, with text", part(got[0]["reasons"], "protocol", "cause", "text"), [("Q.850", 31, None), ("SIP", 487, "changed my mind")])
    lost = cancel()
    lost.packets = lost.packets[:4]
    t.equal("also without the 487", part(lost.read(t), "outcome", "end_reason"), [("cancelled", "cancel")])
    t.equal("a 486 that crosses it counts", part(cancel(486).read(t), "outcome", "sip_code"), [("busy", 486)])
    t.counter("an answer that crosses it counts", part(cancel(answer=200).read(t), "outcome", "end_reason") == [("answered", "bye")])


# ---- B06: UPDATE, session timers

@feature("B06", "UPDATE: a codec change before and after the answer; session timers, their refresh and their end")
def update(t):
    s = Scene()
    s.ask(0, ALICE, BOB, "INVITE", "i", body=sdp(ALICE, 4000)).tell(0.1, BOB, ALICE, 183, "i", to_tag="tt1", body=sdp(BOB, 6000))
    s.ask(0.5, ALICE, BOB, "UPDATE", "u", cseq=2, to_tag="tt1", body=sdp(ALICE, 4000, pt=8, name="PCMA/8000"))
    s.tell(0.52, BOB, ALICE, 200, "u", cseq=2, method="UPDATE", to_tag="tt1", body=sdp(BOB, 6000, pt=8, name="PCMA/8000"))
    s.tell(2, BOB, ALICE, 200, "i", to_tag="tt1").ask(2.1, ALICE, BOB, "ACK", "a", to_tag="tt1").ask(5, ALICE, BOB, "BYE", "b", cseq=3, to_tag="tt1")
    sound = media(ALICE, 4000, BOB, 6000, 4, START + 0.9, 0x1111, pt=8) + media(BOB, 6000, ALICE, 4000, 4, START + 0.9, 0x2222, pt=8)
    got = s.read(t, media=sound)
    t.equal("one call, one UPDATE", part(got, "outcome", "updates", "reinvites"), [("answered", 1, 0)])
    t.equal("the new codec", sorted(part(got[0]["streams"], "party", "codec", "negotiated")), [("callee", "PCMA", "PCMA"), ("caller", "PCMA", "PCMA")])
    t.equal("on the time line", "update" in kinds(got[0]), True)
    without = Scene()
    without.packets = [p for p in s.packets if b"UPDATE" not in p.data]
    t.counter("without it the codec is another", without.read(t, media=sound)[0]["streams"][0]["negotiated"] != "PCMA")
    timer = "Session-Expires: 90;refresher=uas\r\n"
    def timed(refreshes, headers=timer, seconds=None, sound=()):
        c = plain(seconds=seconds, answer_headers=headers)
        for n in range(refreshes):
            at = 46 + 45 * n
            c.ask(at, BOB, ALICE, "UPDATE", f"r{n}", cseq=10 + n, from_tag="tt1", to_tag="ft1", headers="Session-Expires: 90;refresher=uac\r\n")
            c.tell(at + 0.1, ALICE, BOB, 200, f"r{n}", cseq=10 + n, method="UPDATE", from_tag="tt1", to_tag="ft1", headers="Session-Expires: 90;refresher=uac\r\n")
        c.ask(400, ALICE, BOB, "OPTIONS", "o", cseq=50)
        return c.read(t, media=sound)[0]
    missed = timed(0)
    t.equal("nobody refreshed, nothing else was heard", (missed["session_timer"], missed["end_reason"], "session_expired" in kinds(missed), missed["partial"]),
            ({"expires_s": 90, "refresher": "callee", "expired": True}, "sip_timeout", True, True))
    kept = timed(3, seconds=170)
    t.equal("refreshed", (kept["session_timer"]["expired"], kept["session_timer"]["refresher"], kept["end_reason"], kept["updates"]), (False, "callee", "bye", 3))
    talking = timed(0, seconds=120, sound=voice(118))
    t.equal("media that goes on keeps the call, the note stays", (talking["session_timer"]["expired"], talking["end_reason"], talking["duration_ms"]), (True, "bye", 120000))
    t.counter("without a timer nothing expires", timed(0, headers="", seconds=170)["session_timer"] is None)


# ---- B12: PRACK

@feature("B12", "PRACK: no new call; offers and answers in it and its 200 are honoured")
def prack(t):
    def scene(method="PRACK"):
        s = Scene()
        s.ask(0, ALICE, BOB, "INVITE", "i", headers="Require: 100rel\r\n")
        s.tell(0.1, BOB, ALICE, 183, "i", to_tag="tt1", body=sdp(BOB, 6000), headers="Require: 100rel\r\nRSeq: 1\r\n")
        s.ask(0.15, ALICE, BOB, method, "p", cseq=2, to_tag="tt1", body=sdp(ALICE, 4000), headers="RAck: 1 1 INVITE\r\n")
        s.tell(0.2, BOB, ALICE, 200, "p", cseq=2, method=method, to_tag="tt1")
        s.tell(1, BOB, ALICE, 200, "i", to_tag="tt1").ask(1.1, ALICE, BOB, "ACK", "a", to_tag="tt1")
        return s.ask(5, ALICE, BOB, "BYE", "b", cseq=3, to_tag="tt1")
    got = scene().read(t, media=voice(3))
    t.equal("one call, answered by the 200 to the INVITE", [(c["outcome"], after(c["answered_at"]), c["branches"], len(c["hops"])) for c in got], [("answered", 1, 1, 1)])
    t.equal("both sides announced", sorted(part(got[0]["streams"], "party", "confidence")), [("callee", "sdp"), ("caller", "sdp")])
    t.equal("one attempt", scene().counters(t)["earshot_call_attempts_total"], 1)
    offer = Scene()
    offer.ask(0, ALICE, BOB, "INVITE", "i", body=sdp(ALICE, 4000)).tell(0.1, BOB, ALICE, 183, "i", to_tag="tt1", body=sdp(BOB, 6000))
    offer.ask(0.15, ALICE, BOB, "PRACK", "p", cseq=2, to_tag="tt1", body=sdp(ALICE, 4100, pt=8, name="PCMA/8000"))
    offer.tell(0.2, BOB, ALICE, 200, "p", cseq=2, method="PRACK", to_tag="tt1", body=sdp(BOB, 6100, pt=8, name="PCMA/8000"))
    offer.tell(1, BOB, ALICE, 200, "i", to_tag="tt1").ask(5, ALICE, BOB, "BYE", "b", cseq=3, to_tag="tt1")
    sound = media(ALICE, 4100, BOB, 6100, 3, START + 1.2, 0x1111, pt=8) + media(BOB, 6100, ALICE, 4100, 3, START + 1.2, 0x2222, pt=8)
    t.equal("a new offer in the PRACK, its answer in the 200", sorted(part(offer.read(t, media=sound)[0]["streams"], "party", "negotiated")), [("callee", "PCMA"), ("caller", "PCMA")])
    t.equal("a PRACK of no call is none", Scene("none@test").ask(0, ALICE, BOB, "PRACK", "p", to_tag="x").read(t), [])
    other = scene("INFO").read(t, media=voice(3))[0]
    t.counter("SDP in another method says nothing", sorted(part(other["streams"], "party", "confidence")) != [("callee", "sdp"), ("caller", "sdp")])


# ---- B15: other methods

@feature("B15", "an unknown method is counted as other, kept in the flow, and breaks no dialog")
def unknown_method(t):
    s = plain()
    name = "!interesting-Method0123456789_*+`.%indeed'~"
    s.ask(2, ALICE, BOB, name, "x", cseq=2, to_tag="tt1").tell(2.1, BOB, ALICE, 501, "x", cseq=2, method=name, to_tag="tt1")
    s.packets = [replace(p, data=p.data.replace(b"CSeq: 2 BYE", b"CSeq: 3 BYE")) for p in s.packets]
    got = s.read(t)
    t.equal("the call is as without it", part(got, "outcome", "sip_code", "end_reason", "duration_ms"), part(plain().read(t), "outcome", "sip_code", "end_reason", "duration_ms"))
    t.equal("kept", got[0]["messages"], 8)
    values = s.counters(t)
    t.equal("counted", (values['earshot_sip_requests_total{method="other"}'], values['earshot_sip_responses_total{method="other",code="501"}']), (1, 1))
    t.equal("alone it begins nothing", Scene("odd@test").ask(0, ALICE, BOB, name, "x").read(t), [])
    t.counter("without it there are two messages less", plain().read(t)[0]["messages"] == 6)


# ---- A05, A07: ends

@feature("A05", "every way to end says its reason, who, code, Reason header and an exact duration")
def ends(t):
    def one(s, **more):
        got = s.read(t, **more)
        t.equal("one call", len(got), 1)
        return got[0]
    keys = "outcome", "end_reason", "released_by", "sip_code"
    q850 = 'Reason: Q.850;cause=16;text="Normal call clearing"\r\n'
    by_caller, by_callee = one(plain(bye_headers=q850)), one(plain(bye_from=BOB, bye_headers="Reason: SIP ;cause=200 ;text=\"Call completed elsewhere\"\r\n"))
    t.equal("BYE of the caller", part([by_caller], *keys), [("answered", "bye", "caller", 200)])
    t.equal("its Reason", (by_caller["q850_cause"], by_caller["reasons"]), (16, [{"protocol": "Q.850", "cause": 16, "text": "Normal call clearing"}]))
    t.equal("BYE of the callee", part([by_callee], *keys), [("answered", "bye", "callee", 200)])
    t.equal("its Reason", by_callee["reasons"], [{"protocol": "SIP", "cause": 200, "text": "Call completed elsewhere"}])
    t.check("duration to 20 ms", abs(by_caller["duration_ms"] - 4000) <= 20)
    for code, wanted in ((486, ("busy", "rejected", "callee")), (603, ("rejected", "rejected", "callee")), (404, ("failed", "rejected", "network")),
                         (503, ("failed", "rejected", "network")), (302, ("redirected", "redirected", "callee")), (407, ("rejected", "rejected", "network"))):
        s = Scene().ask(0, ALICE, BOB, "INVITE", "i")
        s.tell(1, BOB, ALICE, code, "i", to_tag="tt1", headers='Reason: Q.850;cause=17;text="User busy"\r\n' if code == 486 else "")
        got = one(s.ask(1.1, ALICE, BOB, "ACK", "i", to_tag="tt1"))
        t.equal(f"{code}", part([got], *keys), [(*wanted, code)])
        t.equal(f"{code}: when", after(got["ended_at"]), 1.1 if code == 407 else 1)  # a challenge waits for the next INVITE
        t.equal(f"{code}: cause", got["q850_cause"], 17 if code == 486 else None)
    t.equal("CANCEL", part([one(cancel())], *keys), [("cancelled", "cancel", "caller", 487)])
    silent = Scene().ask(0, ALICE, BOB, "INVITE", "i").ask(500, ALICE, BOB, "OPTIONS", "o")
    t.equal("no response at all", part([one(silent)], *keys), [("lost", "sip_timeout", "unknown", None)])
    t.counter("another reason, another record", by_caller["released_by"] != by_callee["released_by"])


@feature("A07", "a BYE that was lost, an INVITE that was not seen: time closes the call, partial says so")
def unfinished(t):
    lost = plain(seconds=None)
    lost.packets += media(ALICE, 9, BOB, 9, 0.02, START + 300, 5)  # time goes on
    got = [c for c in lost.read(t, media=voice(10)) if c["kind"] == "call"]
    t.equal("no BYE", part(got, "outcome", "end_reason", "partial"), [("answered", "media_timeout", True)])
    t.check("as of the last packet", abs(after(got[0]["ended_at"]) - 11.18) < 0.02)
    t.equal("its leg", part(got[0]["legs"], "end", "winner"), [("timeout", True)])
    limited = [c for c in lost.read(t, "--set", "calls.max_duration=5s", media=voice(10)) if c["kind"] == "call"]
    t.equal("longest duration", part(limited, "end_reason", "partial"), [("max_duration", True)])
    middle = plain()
    middle.packets = [p for p in middle.packets if not p.data.startswith(b"INVITE") and b" 180 " not in p.data]
    picked = middle.read(t, media=voice(3))
    t.equal("no INVITE", part(picked, "outcome", "end_reason", "partial"), [("answered", "bye", True)])
    t.equal("nothing invented", part(picked, "post_dial_delay_ms", "setup_ms", "hops", "attempts"), [(None, None, [], [])])
    t.equal("its leg", part(picked[0]["legs"], "to_tag", "winner", "hop"), [("tt1", True, None)])
    told = plain()
    told.packets = [p for p in told.packets if not p.data.startswith(b"BYE")]
    t.equal("the answer to a BYE that was not captured", part(told.read(t, media=voice(3)), "outcome", "end_reason", "released_by", "partial"),
            [("answered", "bye", "caller", True)])
    half = plain()
    half.packets = [p for p in half.packets if p.src == ALICE]
    t.equal("one direction of the mirror alone", part(half.read(t), "outcome", "end_reason", "partial", "sip_code"), [("answered", "bye", True, 200)])
    t.counter("with INVITE and BYE nothing is partial", plain().read(t, media=voice(3))[0]["partial"] is False)
