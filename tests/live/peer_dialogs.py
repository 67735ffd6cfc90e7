"""Telephones that do more than call: hold, cancel and refuse, change the codec, send messages, tell of their presence,
and a server of two legs.

What must be told stands above each case, times left out. baresip does what it can; changing the codec is SIPp's.
"""

import os
import time

import sipp
from expected import dialogs
from lan import SERVER_IP
from peer_checks import begin, check_same, ended_calls, expect, messages
from peer_signalling import ALICE, BOB, KAMAILIO, check, check_attempts, finish_quiet, until
from phones import SOFTWARE, Phone, register_phones, uri
from wire import CALLEE_IP, CALLER_IP

# ---- hold ----

HELD = {
    "outcome": "answered", "end_reason": "bye", "released_by": "callee", "reinvites": 2, "holds": 1,
    "held_ms": float, "from": {"user": "alice"}, "to": {"user": "bob"}, "branches": 1, "route_advances": 0,
    "hops": [{"hop": 1}, {"hop": 2}],
}
HELD_SAID = {
    (ALICE, KAMAILIO): "INVITE ACK INVITE ACK INVITE ACK 200",
    (KAMAILIO, BOB): "INVITE ACK INVITE ACK INVITE ACK 200", (BOB, KAMAILIO): "180 200 200 200 BYE",
}


def phones_hold(lan, binary):
    earshot, file = begin(lan, binary)
    alice, bob = register_phones(lan, "alice", "bob")
    alice.tell(f"/dial {uri('bob')}")
    alice.wait_said("Call established")
    time.sleep(0.7)
    alice.tell("/hold")
    time.sleep(1)
    alice.tell("/resume")
    time.sleep(0.7)
    bob.tell("/hangup")
    alice.wait_said("terminated")
    call, = ended_calls(earshot, 1)
    check("call", call, HELD)
    said = dialogs(messages(earshot, call))
    check("messages", {way: said.get(way) for way in HELD_SAID}, HELD_SAID)
    expect(700 < call["held_ms"] < 3000, f"held for {call['held_ms']} ms")
    check_same(binary, finish_quiet(earshot, file), [call])
    return f"held for {call['held_ms']:.0f} ms"


# ---- nobody talks: Alice hangs up while it rings, then Bob refuses ----

CANCELLED = {
    "outcome": "cancelled", "end_reason": "cancel", "released_by": "caller", "sip_code": 487, "answered_at": None,
    "cancelled_at": str, "hops": [{"dst": KAMAILIO, "code": 487, "cancelled_at": str},
                                  {"dst": BOB, "code": 487, "cancelled_at": str}],
    "legs": [{"dst": BOB, "code": 487, "end": "cancelled", "winner": False}],
    "attempts": [{"dst": BOB, "code": 487, "reason": "cancelled"}], "streams": [],
}
BUSY = {
    "outcome": "busy", "end_reason": "rejected", "released_by": "callee", "sip_code": 486, "answered_at": None,
    "cancelled_at": None, "hops": [{"dst": KAMAILIO, "code": 486}, {"dst": BOB, "code": 486}],
    "legs": [{"dst": BOB, "code": 486, "end": "rejected", "winner": False}],
    "attempts": [{"dst": BOB, "code": 486, "reason": "rejected"}], "streams": [],
}
CANCELLED_SAID = {(ALICE, KAMAILIO): "INVITE CANCEL ACK", (KAMAILIO, BOB): "INVITE CANCEL ACK",
                  (BOB, KAMAILIO): "180 200 487"}
BUSY_SAID = {(ALICE, KAMAILIO): "INVITE ACK", (KAMAILIO, ALICE): "100 180 486", (KAMAILIO, BOB): "INVITE ACK",
             (BOB, KAMAILIO): "180 486"}


def phones_unanswered(lan, binary):
    earshot, file = begin(lan, binary)
    alice, bob = register_phones(lan, "alice", "bob", account=";regint=60;answermode=manual")
    for number, phone in enumerate((alice, bob), 1):
        alice.tell(f"/dial {uri('bob')}")
        bob.wait_said("Incoming call from", times=number)
        time.sleep(0.7)
        phone.tell("/hangup")
        bob.wait_said("session closed" if phone is alice else "rejecting incoming call")
        time.sleep(0.3)
    calls = {c["sip_code"]: c for c in ended_calls(earshot, 2)}
    for code, expected, expected_said in ((487, CANCELLED, CANCELLED_SAID), (486, BUSY, BUSY_SAID)):
        check(code, calls.get(code), expected)
        said = dialogs(messages(earshot, calls[code]))
        check(f"messages of {code}", {way: said.get(way) for way in expected_said}, expected_said)
    check_attempts(earshot, 2)
    check_same(binary, finish_quiet(earshot, file), list(calls.values()))
    return "cancelled, busy"


# ---- messages and presence ----

def subscribed(subscriber, ip, resource, notifies):
    return {"event": "presence", "state": "active", "sip_code": 200, "transport": "udp", "partial": False,
            "body_type": "application/pidf+xml", "notifies": notifies, "notify_failures": 0, "refreshes": 0,
            "user_agent": SOFTWARE, "subscriber": f"{subscriber}@{SERVER_IP}",
            "resource": f"{resource}@{SERVER_IP}", "ip": ip}


def both_subscribed(notifies):
    return [subscribed("bob", CALLEE_IP, "alice", notifies), subscribed("alice", CALLER_IP, "bob", notifies)]


def sent(sender, ip, to, text):
    return {"kind": "message", "from_aor": f"{sender}@{SERVER_IP}", "to_aor": f"{to}@{SERVER_IP}", "ip": ip,
            "sip_code": 200, "timed_out": False, "size_bytes": len(text), "content_type": "~text/plain.*",
            "count": 1, "call_uid": None, "body_kept": False}


HELLO, MORNING = "hello there", "good morning to you"
HELLO_SENT = sent("alice", CALLER_IP, "bob", HELLO)
MORNING_SENT = sent("bob", CALLEE_IP, "alice", MORNING)
ONLINE = [{"status": "active", "source": "notify", "open": True, "changes": 1, "updates": 2}]


def phones_messages(lan, binary):
    """They watch each other; both hops of a request are one."""
    earshot, file = begin(lan, binary)
    alice, bob = register_phones(lan, "alice", "bob", modules=["presence"],
                                 watch={"alice": "bob", "bob": "alice"})
    until(earshot, "/api/v1/subscriptions", both_subscribed(1))
    for phone in (alice, bob):
        phone.tell("/presence_online")
    until(earshot, "/api/v1/subscriptions", both_subscribed(2))
    alice.tell(f"/message {HELLO}")
    until(earshot, "/api/v1/messages", [HELLO_SENT])
    bob.tell(f"/message {MORNING}")
    until(earshot, "/api/v1/messages", [MORNING_SENT, HELLO_SENT])
    for user in ("alice", "bob"):
        check(user, earshot.get(f"/api/v1/aors/{user}@{SERVER_IP}")["presence"], ONLINE)
    expect(not earshot.get("/api/v1/calls")["data"], "a message became a call")
    finish_quiet(earshot, file)
    return "two subscriptions, two messages"


# ---- another codec in the middle: the stream is called after the one it had for longer ----

CODEC = {
    "outcome": "answered", "end_reason": "bye", "released_by": "caller", "reinvites": 1, "holds": 0,
    "route_advances": 0, "branches": 1, "hops": [{"hop": 1}], "messages": 9,
    "streams": [{"party": party, "codec": "PCMA", "negotiated": "PCMU", "payload_type": 8, "payload_changes": 1,
                 "lost": 0, "conflicts": 0} for party in ("caller", "callee")],
}
CALLER, CALLEE = ("caller", "a1"), ("callee", "b1")
CALLEE_AT = f"callee@{CALLEE_IP}:5071"


def caller_of_codecs(path):
    offers = [sipp.sdp(n, (payload,), port="[rtpstream_audio_port]") for n, payload in ((1, 8), (2, 0))]
    return (*sipp.invites(CALLEE_AT, CALLER, CALLEE, 1, body=offers[0]), sipp.stream(path, 8), sipp.wait(1500),
            *sipp.invites(CALLEE_AT, CALLER, CALLEE, 2, body=offers[1]), sipp.stream(path, 0), sipp.wait(700),
            sipp.within("BYE", CALLEE_AT, CALLER, CALLEE, 3), sipp.hear(200))


CALLEE_OF_CODECS = (
    *sipp.answers("b1", sipp.sdp(1, (8,))),
    sipp.hear("INVITE"), sipp.tell(200, "OK", body=sipp.sdp(2, (0,))), sipp.hear("ACK"),
    sipp.hear("BYE"), sipp.tell(200, "OK"))


def sipp_codec_change(lan, binary):
    earshot, file = begin(lan, binary)
    path = os.path.join(lan.work, "silence.raw")
    with open(path, "wb") as f:
        f.write(b"\xd5" * 80000)
    sipp.run(lan, ("callee", lan.callee, CALLEE_IP, 5071, CALLEE_OF_CODECS, "-rtp_echo"),
             ("caller", lan.caller, CALLER_IP, 5080, caller_of_codecs(path)), target=f"{CALLEE_IP}:5071")
    call, = ended_calls(earshot, 1)
    check("call", call, CODEC)
    check_same(binary, finish_quiet(earshot, file), [call])
    return " and ".join(str(s["packets"]) for s in call["streams"]) + " packets"


# ---- two legs ----

SERVER = f"{SERVER_IP}:5060"
ONE, OTHER = "431500100", "431500200"


def leg(src, dst):
    return {"outcome": "answered", "end_reason": "bye", "released_by": "caller", "sip_code": 200, "src": src,
            "dst": dst, "from": {"user": ONE}, "to": {"user": OTHER}, "branches": 1,
            "hops": [{"hop": 1, "src": src, "dst": dst, "code": 200}],
            "streams": [{"codec": "PCMU", "lost": 0}, {"codec": "PCMU", "lost": 0}]}


def leg_said(src, dst):
    return {(src, dst): "INVITE ACK BYE", (dst, src): "180 200 200"}


def found(role, src, dst):
    """A leg as the other one finds it: the same numbers at the same time is all that they have in common."""
    one = {"role": role, "src": src, "dst": dst, "caller": ONE, "callee": OTHER, "outcome": "answered"}
    if role == "self":
        return {**one, "via": None, "evidence": []}
    return {**one, "confidence": "medium", "evidence": [{"kind": "numbers", "confidence": "medium"}]}


LEGS = {
    (ALICE, SERVER): [found("self", ALICE, SERVER), found("after", SERVER, BOB)],
    (SERVER, BOB): [found("before", ALICE, SERVER), found("self", SERVER, BOB)],
}


def b2bua(lan, binary):
    """One calls the server, which calls the other with another Call-ID and puts the two together."""
    earshot, file = begin(lan, binary)
    Phone(lan, lan.server, SERVER_IP, "server", modules=["b2bua"], audio="aubridge", accounts=(
        f"<sip:{OTHER}@{SERVER_IP}>;regint=0;b2bua=inbound",
        f'<sip:outbound@{SERVER_IP}>;regint=0;outbound="sip:{BOB}";b2bua=outbound'))
    one = Phone(lan, lan.caller, CALLER_IP, ONE, server=CALLER_IP, account=";regint=0")
    other = Phone(lan, lan.callee, CALLEE_IP, OTHER, server=CALLEE_IP, account=";regint=0;answermode=auto")
    one.tell(f"/dial {uri(OTHER)}")
    other.wait_said("Call established")
    time.sleep(1.5)
    one.tell("/hangup")
    other.wait_said("session closed")
    calls = {c["src"]: c for c in ended_calls(earshot, 2)}
    for src, dst in ((ALICE, SERVER), (SERVER, BOB)):
        check(f"leg to {dst}", calls.get(src), leg(src, dst))
        check(f"messages to {dst}", dialogs(messages(earshot, calls[src])), leg_said(src, dst))
        legs = earshot.get(f"/api/v1/calls/{calls[src]['uid']}/legs")["data"]
        check(f"legs by the one to {dst}", legs, LEGS[src, dst])
    expect(calls[ALICE]["call_id"] != calls[SERVER]["call_id"], "both legs have one Call-ID")
    check_same(binary, finish_quiet(earshot, file), list(calls.values()))
    return "one leg to the server, one from it"
