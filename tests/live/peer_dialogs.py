"""Telephones that do more than call: hold, transfers, another codec in the middle, messages, presence, a server of two legs.

What must be told stands above each case, times left out. baresip does what it can; attended transfers and changes of the
codec are SIPp's.
"""

import os
import time

import proxy
import sipp
from expected import dialogs
from lan import SERVER_IP
from peer_checks import begin, ended_calls, expect, finish, messages
from peer_signalling import ALICE, BOB, BOB_TOO, KAMAILIO, check, until
from phones import Phone
from wire import CALLEE_IP, CALLER_IP

CAROL = BOB_TOO  # another telephone beside Bob's


def uri(user):
    return f"sip:{user}@{SERVER_IP}"


def phones(lan, *who, **options):
    """Alice at the caller's, the others side by side at the callee's, all registered."""
    proxy.start(lan, [], f"sip:{CALLEE_IP}:5070")
    found = []
    for n, user in enumerate(who):
        space, ip, port = (lan.caller, CALLER_IP, 5060) if n == 0 else (lan.callee, CALLEE_IP, 5058 + 2 * n)
        found.append(Phone(lan, space, ip, user, port, **{k: v(user) for k, v in options.items()}))
    for phone in found:
        phone.wait_said("200 OK")
    return found


# ---- hold ----

HELD = {
    "outcome": "answered", "end_reason": "bye", "released_by": "callee", "reinvites": 2, "holds": 1, "held_ms": float,
    "from": {"user": "alice"}, "to": {"user": "bob"}, "branches": 1, "route_advances": 0, "hops": [{"hop": 1}, {"hop": 2}],
}
HELD_SAID = {
    (ALICE, KAMAILIO): "INVITE ACK INVITE ACK INVITE ACK 200", (KAMAILIO, BOB): "INVITE ACK INVITE ACK INVITE ACK 200",
    (BOB, KAMAILIO): "180 200 200 200 BYE",
}


def phones_hold(lan, binary):
    earshot, file = begin(lan, binary)
    alice, bob = phones(lan, "alice", "bob")
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
    finish(earshot, file)
    return f"held for {call['held_ms']:.0f} ms"


# ---- messages and presence ----

SUBSCRIBED = {
    "event": "presence", "state": "active", "sip_code": 200, "transport": "udp", "body_type": "application/pidf+xml", "notifies": 1,
    "notify_failures": 0, "refreshes": 0, "partial": False, "user_agent": "baresip v1.0.0 (x86_64/linux)",
}


def subscribed(subscriber, ip, resource):
    return {**SUBSCRIBED, "subscriber": f"{subscriber}@{SERVER_IP}", "resource": f"{resource}@{SERVER_IP}", "ip": ip}


def sent(sender, ip, to, text):
    return {"kind": "message", "from_aor": f"{sender}@{SERVER_IP}", "to_aor": f"{to}@{SERVER_IP}", "ip": ip, "sip_code": 200,
            "timed_out": False, "size_bytes": len(text), "content_type": "~text/plain.*", "count": 1, "call_uid": None}


def phones_messages(lan, binary):
    earshot, file = begin(lan, binary)
    other = {"alice": "bob", "bob": "alice"}
    alice, bob = phones(lan, "alice", "bob", modules=lambda _: ["presence"],
                        contacts=lambda user: [f'"Other" <{uri(other[user])}>;presence=p2p'])
    until(earshot, "/api/v1/subscriptions", [subscribed("bob", CALLEE_IP, "alice"), subscribed("alice", CALLER_IP, "bob")])
    for phone in (alice, bob):
        phone.tell("/presence_online")
    until(earshot, "/api/v1/subscriptions", [{"state": "active", "notifies": 2}, {"state": "active", "notifies": 2}])
    alice.tell(f"/message hello there")
    until(earshot, "/api/v1/messages", [sent("alice", CALLER_IP, "bob", "hello there")])
    bob.tell(f"/message good morning to you")
    until(earshot, "/api/v1/messages", [sent("bob", CALLEE_IP, "alice", "good morning to you"),
                                        sent("alice", CALLER_IP, "bob", "hello there")])
    for user in ("alice", "bob"):
        aor = earshot.get(f"/api/v1/aors/{user}@{SERVER_IP}")
        check(user, aor["presence"], [{"status": "active", "source": "notify", "open": True, "changes": 1, "updates": 2}])
    expect(not earshot.get("/api/v1/calls")["data"], "a message became a call")
    finish(earshot, file)
    return "two subscriptions, two messages"


# ---- transfers ----

REFERRED = {"outcome": "answered", "end_reason": "bye", "from": {"user": "alice"}, "to": {"user": "bob"}}
TRANSFERRED = {"outcome": "answered", "end_reason": "bye", "from": {"user": "alice"}, "to": {"user": "carol"}}
BLIND_SAID = {
    "bob": {(ALICE, KAMAILIO): "INVITE ACK 202 NOTIFY NOTIFY 200", (BOB, KAMAILIO): "180 200 REFER 200 200 BYE"},
    "carol": {(ALICE, KAMAILIO): "INVITE ACK 200", (KAMAILIO, CAROL): "INVITE ACK 200", (CAROL, KAMAILIO): "180 200 BYE"},
}


def phones_blind_transfer(lan, binary):
    """Bob sends Alice on to Carol."""
    earshot, file = begin(lan, binary)
    alice, bob, carol = phones(lan, "alice", "bob", "carol")
    alice.tell(f"/dial {uri('bob')}")
    bob.wait_said("Call established")
    time.sleep(0.7)
    bob.tell(f"/transfer {uri('carol')}")
    carol.wait_said("Call established")
    time.sleep(1)
    carol.tell("/hangup")
    alice.wait_said("terminated")
    bob.tell("/hangup")
    calls = {c["to"]["user"]: c for c in ended_calls(earshot, 2)}
    check("to Bob", calls["bob"], REFERRED)
    check("to Carol", calls["carol"], TRANSFERRED)
    for user in ("bob", "carol"):
        said = dialogs(messages(earshot, calls[user]))
        check(f"messages to {user}", {way: said.get(way) for way in BLIND_SAID[user]}, BLIND_SAID[user])
    finish(earshot, file)
    return "Alice to Bob, Alice to Carol"


# Alice asks Carol while Bob waits, then sends Bob to Carol in her own place. Tags are chosen, so that all three know them.
A_IP, B_IP, C_IP = CALLER_IP, CALLEE_IP, SERVER_IP
A_PORT, B_PORT, C_PORT = 5080, 5071, 5072
A, B, C = (f"{ip}:{port}" for ip, port in ((A_IP, A_PORT), (B_IP, B_PORT), (C_IP, C_PORT)))
TO_A, TO_B, TO_C = (sipp.send_to(ip, port) for ip, port in ((A_IP, A_PORT), (B_IP, B_PORT), (C_IP, C_PORT)))
SECOND, THIRD = "c///", "t///"  # Alice to Carol, Bob to Carol; Alice to Bob has none


def who(name, tag=""):
    return f"<sip:{name}@test>" + (f";tag={tag}" if tag else "")


def within(method, uri, sender, to, cseq, *headers, dialog="", body=""):
    return sipp.ask(method, f"sip:{uri}", who(*sender), who(*to), cseq, *headers, dialog=dialog, body=body)


def invites(uri, sender, to, cseq, *headers, dialog="", body=None):
    """INVITE, its responses, ACK. `to` has a tag where the dialog exists; the ACK has it in any case."""
    name, tag, known = to
    body = body or sipp.sdp()
    return (within("INVITE", uri, sender, (name, tag if known else ""), cseq, *headers, dialog=dialog, body=body),
            sipp.hear(100, True), sipp.hear(180, True), sipp.hear(200), within("ACK", uri, sender, (name, tag), cseq, dialog=dialog))


ALICE_1, ALICE_2, BOB_1, BOB_3, CAROL_2, CAROL_3 = ("alice", "a1"), ("alice", "a2"), ("bob", "b1"), ("bob", "b3"), ("carol", "c2"), ("carol", "c3")
REPLACES = "Replaces: " + SECOND + "[call_id];to-tag=c2;from-tag=a2"
REFER_TO = f"Refer-To: <sip:carol@{C}?Replaces=" + SECOND + "[call_id]%3Bto-tag%3Dc2%3Bfrom-tag%3Da2>"


def notified(uri, sender, to, cseq, state, line):
    return (within("NOTIFY", uri, sender, to, cseq, "Event: refer", f"Subscription-State: {state}", body=line + "\n"), sipp.hear(200))


TRANSFEROR = (
    *invites(f"bob@{B}", ALICE_1, (*BOB_1, False), 1), sipp.wait(500),
    *invites(f"bob@{B}", ALICE_1, (*BOB_1, True), 2, body=sipp.sdp(2, direction="sendonly")), TO_C,
    *invites(f"carol@{C}", ALICE_2, (*CAROL_2, False), 1, dialog=SECOND), sipp.wait(500), TO_B,
    within("REFER", f"bob@{B}", ALICE_1, BOB_1, 3, REFER_TO, f"Referred-By: {who('alice')}"), sipp.hear(202),
    sipp.hear("NOTIFY"), sipp.tell(200, "OK"), sipp.hear("NOTIFY"), sipp.tell(200, "OK"),
    sipp.hear("BYE"), TO_C, sipp.tell(200, "OK"), TO_B,
    within("BYE", f"bob@{B}", ALICE_1, BOB_1, 4), sipp.hear(200))
TRANSFEREE = (
    sipp.hear("INVITE"), sipp.tell(180, "Ringing", tag="b1"), sipp.tell(200, "OK", tag="b1", body=sipp.sdp()), sipp.hear("ACK"),
    sipp.hear("INVITE"), sipp.tell(200, "OK", body=sipp.sdp(2, direction="recvonly")), sipp.hear("ACK"),
    sipp.hear("REFER"), sipp.tell(202, "Accepted"),
    *notified(f"alice@{A}", BOB_1, ALICE_1, 1, "active;expires=60", "SIP/2.0 100 Trying"), TO_C,
    *invites(f"carol@{C}", BOB_3, (*CAROL_3, False), 1, REPLACES, f"Referred-By: {who('alice')}", dialog=THIRD), TO_A,
    *notified(f"alice@{A}", BOB_1, ALICE_1, 2, "terminated;reason=noresource", "SIP/2.0 200 OK"),
    sipp.hear("BYE"), sipp.tell(200, "OK"), sipp.wait(700), TO_C,
    within("BYE", f"carol@{C}", BOB_3, CAROL_3, 2, dialog=THIRD), sipp.hear(200))
TARGET = (
    sipp.hear("INVITE"), sipp.tell(180, "Ringing", tag="c2"), sipp.tell(200, "OK", tag="c2", body=sipp.sdp()), sipp.hear("ACK"),
    sipp.hear("INVITE"), TO_B, sipp.tell(200, "OK", tag="c3", body=sipp.sdp(session=2)), sipp.hear("ACK"), sipp.wait(400), TO_A,
    within("BYE", f"alice@{A}", CAROL_2, ALICE_2, 1, dialog=SECOND), sipp.hear(200),
    sipp.hear("BYE"), TO_B, sipp.tell(200, "OK"))

ATTENDED = {
    ("alice", "bob"): {"outcome": "answered", "end_reason": "bye", "released_by": "caller", "src": A, "dst": B, "reinvites": 1,
                       "holds": 1},
    ("alice", "carol"): {"outcome": "answered", "end_reason": "bye", "released_by": "callee", "src": A, "dst": C, "reinvites": 0},
    ("bob", "carol"): {"outcome": "answered", "end_reason": "bye", "released_by": "caller", "src": B, "dst": C,
                       "referred_by": "sip:alice@test"},
}
ATTENDED_SAID = {
    ("alice", "bob"): {(A, B): "INVITE ACK INVITE ACK REFER 200 200 BYE", (B, A): "180 200 200 202 NOTIFY NOTIFY 200"},
    ("alice", "carol"): {(A, C): "INVITE ACK 200", (C, A): "180 200 BYE"},
    ("bob", "carol"): {(B, C): "INVITE ACK BYE", (C, B): "200 200"},
}


def sipp_attended_transfer(lan, binary):
    earshot, file = begin(lan, binary)
    parties = [sipp.start(lan, lan.server, C_IP, C_PORT, "target", TARGET),
               sipp.start(lan, lan.callee, B_IP, B_PORT, "transferee", TRANSFEREE),
               sipp.start(lan, lan.caller, A_IP, A_PORT, "transferor", TRANSFEROR, B)]
    for party, name in zip(parties, ("target", "transferee", "transferor")):
        expect(party.wait(15) == 0, f"the {name} failed:\n{lan.log_tail(name + '.log', 40)}")
    calls = {(c["from"]["user"], c["to"]["user"]): c for c in ended_calls(earshot, 3)}
    for pair, expected in ATTENDED.items():
        check(pair, calls.get(pair), expected)
        check(f"messages of {pair}", dialogs(messages(earshot, calls[pair])), ATTENDED_SAID[pair])
    finish(earshot, file)
    return "Alice to Bob, Alice to Carol, Bob to Carol in Alice's place"


# ---- another codec in the middle: the stream is called after the one it had for longer ----

CODEC = {
    "outcome": "answered", "end_reason": "bye", "released_by": "caller", "reinvites": 1, "holds": 0, "route_advances": 0, "branches": 1,
    "hops": [{"hop": 1}], "messages": 9,
    "streams": [{"party": party, "codec": "PCMA", "negotiated": "PCMU", "payload_type": 8, "payload_changes": 1, "lost": 0, "conflicts": 0}
                for party in ("caller", "callee")],
}


def caller_of_codecs(path):
    to, known = (*BOB_1, False), (*BOB_1, True)
    offers = [sipp.sdp(n, (payload,), port="[rtpstream_audio_port]") for n, payload in ((1, 8), (2, 0))]
    return (*invites(f"bob@{B}", ALICE_1, to, 1, body=offers[0]), sipp.stream(path, 8), sipp.wait(1500),
            *invites(f"bob@{B}", ALICE_1, known, 2, body=offers[1]), sipp.stream(path, 0), sipp.wait(700),
            within("BYE", f"bob@{B}", ALICE_1, BOB_1, 3), sipp.hear(200))


CALLEE_OF_CODECS = (
    sipp.hear("INVITE"), sipp.tell(180, "Ringing", tag="b1"), sipp.tell(200, "OK", tag="b1", body=sipp.sdp(1, (8,))), sipp.hear("ACK"),
    sipp.hear("INVITE"), sipp.tell(200, "OK", body=sipp.sdp(2, (0,))), sipp.hear("ACK"),
    sipp.hear("BYE"), sipp.tell(200, "OK"))


def sipp_codec_change(lan, binary):
    earshot, file = begin(lan, binary)
    path = os.path.join(lan.work, "silence.raw")
    with open(path, "wb") as f:
        f.write(b"\xd5" * 80000)
    callee = sipp.start(lan, lan.callee, B_IP, B_PORT, "callee", CALLEE_OF_CODECS, options=("-rtp_echo", "-mi", B_IP, "-mp", "6000"))
    caller = sipp.start(lan, lan.caller, A_IP, A_PORT, "caller", caller_of_codecs(path), B, options=("-mi", A_IP))
    for party, name in ((caller, "caller"), (callee, "callee")):
        expect(party.wait(15) == 0, f"the {name} failed:\n{lan.log_tail(name + '.log', 40)}")
    call, = ended_calls(earshot, 1)
    check("call", call, CODEC)
    finish(earshot, file)
    return f"{[s['packets'] for s in call['streams']]} packets"


# ---- two legs ----

SERVER = f"{SERVER_IP}:5060"


def leg(src, dst):
    return {"outcome": "answered", "end_reason": "bye", "released_by": "caller", "sip_code": 200, "src": src, "dst": dst, "from": {"user": "alice"},
            "to": {"user": "bob"}, "hops": [{"hop": 1, "src": src, "dst": dst, "code": 200}], "branches": 1,
            "streams": [{"codec": "PCMU", "lost": 0}, {"codec": "PCMU", "lost": 0}]}


LEG_SAID = "INVITE ACK BYE", "180 200 200"


def b2bua(lan, binary):
    """Alice calls the server, which calls Bob with another Call-ID and puts the two together."""
    earshot, file = begin(lan, binary)
    Phone(lan, lan.server, SERVER_IP, "server", modules=["b2bua"], audio="aubridge", accounts=(
        f"<sip:bob@{SERVER_IP}>;regint=0;b2bua=inbound",
        f'<sip:outbound@{SERVER_IP}>;regint=0;outbound="sip:{BOB}";b2bua=outbound'))
    alice = Phone(lan, lan.caller, CALLER_IP, "alice", server=CALLER_IP, account=";regint=0")
    bob = Phone(lan, lan.callee, CALLEE_IP, "bob", server=CALLEE_IP, account=";regint=0;answermode=auto")
    alice.tell(f"/dial {uri('bob')}")
    bob.wait_said("Call established")
    time.sleep(1.5)
    alice.tell("/hangup")
    bob.wait_said("session closed")
    calls = {c["src"]: c for c in ended_calls(earshot, 2)}
    for src, dst in ((ALICE, SERVER), (SERVER, BOB)):
        check(f"leg to {dst}", calls.get(src), leg(src, dst))
        there, back = LEG_SAID
        check(f"messages to {dst}", dialogs(messages(earshot, calls[src])), {(src, dst): there, (dst, src): back})
    expect(calls[ALICE]["call_id"] != calls[SERVER]["call_id"], "both legs have one Call-ID")
    finish(earshot, file)
    return "Alice to the server, the server to Bob"
