"""Transfers: a telephone sends its caller on, and one sends a caller to whom it has asked before.

What must be told stands above each case, times left out. The attended one is SIPp's: baresip has none.
"""

import time

import sipp
from expected import dialogs
from lan import SERVER_IP
from peer_checks import begin, check_same, ended_calls, expect, messages
from peer_signalling import ALICE, BOB, BOB_TOO, KAMAILIO, check, finish_quiet
from phones import register_phones, uri
from wire import CALLEE_IP, CALLER_IP

CAROL = BOB_TOO  # another telephone beside Bob's

# ---- Bob sends Alice on to Carol ----

BLIND = {
    "bob": {"outcome": "answered", "end_reason": "bye", "from": {"user": "alice"}, "to": {"user": "bob"},
            "branches": 1, "route_advances": 0},
    "carol": {"outcome": "answered", "end_reason": "bye", "released_by": "callee",
              "from": {"user": "alice"}, "to": {"user": "carol"}, "branches": 1, "route_advances": 0},
}
# What each call tells of the others; their names stand for their uids.
BLIND_TIES = {
    "bob": {"related": [{"kind": "transfer_blind", "uid": "carol", "evidence": "~.*refer_to.*"}],
            "transfers": [{"kind": "blind", "referrer": "callee", "refer_to": uri("carol"), "replaces_call_id": None,
                           "sip_code": 202, "notify_code": 200, "outcome": "success", "uid": "carol"}]},
    "carol": {"related": [{"kind": "transfer_blind", "uid": "bob", "evidence": "~.*refer_to.*"}], "transfers": None},
}
BLIND_SAID = {
    "bob": {(ALICE, KAMAILIO): "INVITE ACK 202 NOTIFY NOTIFY 200",
            (BOB, KAMAILIO): "180 200 REFER 200 200 BYE"},
    "carol": {(ALICE, KAMAILIO): "INVITE ACK 200", (KAMAILIO, CAROL): "INVITE ACK 200",
              (CAROL, KAMAILIO): "180 200 BYE"},
}


def check_ties(calls, ties):
    """`calls` and `ties` have the same names, and one group."""
    uids = {name: call["uid"] for name, call in calls.items()}
    for name, expected in ties.items():
        related = sorted(calls[name]["related"], key=lambda r: (r["kind"], r["uid"]))
        wanted = [{**r, "uid": uids[r["uid"]]} for r in expected["related"]]
        check(f"{name}: related", related, sorted(wanted, key=lambda r: (r["kind"], r["uid"])))
        wanted = expected["transfers"] and [{**t, "uid": uids[t["uid"]]} for t in expected["transfers"]]
        check(f"{name}: transfers", calls[name].get("transfers"), wanted)
    groups = {call["group_id"] for call in calls.values()}
    first = min(calls.values(), key=lambda c: c["started_at"])
    expect(groups == {first["uid"]}, f"the calls are of the groups {groups}")


def phones_blind_transfer(lan, binary):
    earshot, file = begin(lan, binary)
    alice, bob, carol = register_phones(lan, "alice", "bob", "carol")
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
    for user, expected in BLIND.items():
        check(f"to {user}", calls.get(user), expected)
        said = dialogs(messages(earshot, calls[user]))
        check(f"messages to {user}", {way: said.get(way) for way in BLIND_SAID[user]}, BLIND_SAID[user])
    check_ties(calls, BLIND_TIES)
    check_same(binary, finish_quiet(earshot, file), list(calls.values()))
    return "Alice to Bob, Alice to Carol"


# ---- Alice asks Carol while Bob waits, then sends Bob to Carol in her own place ----

A_IP, B_IP, C_IP = CALLER_IP, CALLEE_IP, SERVER_IP
A_PORT, B_PORT, C_PORT = 5080, 5071, 5072
A, B, C = (f"{ip}:{port}" for ip, port in ((A_IP, A_PORT), (B_IP, B_PORT), (C_IP, C_PORT)))
TO_A, TO_B, TO_C = (sipp.send_to(ip, port)
                    for ip, port in ((A_IP, A_PORT), (B_IP, B_PORT), (C_IP, C_PORT)))
ASKS, REPLACES = "c///", "t///"  # the dialogs of Alice with Carol, of Bob with Carol

# Who speaks, with which tag; they are chosen here, so that all three know them.
ALICE_TO_BOB, BOB_TO_ALICE = ("alice", "a1"), ("bob", "b1")
ALICE_TO_CAROL, CAROL_TO_ALICE = ("alice", "a2"), ("carol", "c2")
BOB_TO_CAROL, CAROL_TO_BOB = ("bob", "b3"), ("carol", "c3")
REFERRED_BY = f"Referred-By: {sipp.who('alice')}"
REFER_TO = f"Refer-To: <sip:carol@{C}?Replaces={ASKS}[call_id]%3Bto-tag%3Dc2%3Bfrom-tag%3Da2>"
REPLACE = f"Replaces: {ASKS}[call_id];to-tag=c2;from-tag=a2"


def notifies(cseq, state, line):
    """What Bob tells Alice of the call he was sent to make."""
    return (sipp.within("NOTIFY", f"alice@{A}", BOB_TO_ALICE, ALICE_TO_BOB, cseq, "Event: refer",
                        f"Subscription-State: {state}", body=line + "\n"), sipp.hear(200))


TRANSFEROR = (
    *sipp.invites(f"bob@{B}", ALICE_TO_BOB, BOB_TO_ALICE, 1), sipp.wait(500),
    *sipp.invites(f"bob@{B}", ALICE_TO_BOB, BOB_TO_ALICE, 2, body=sipp.sdp(2, direction="sendonly")), TO_C,
    *sipp.invites(f"carol@{C}", ALICE_TO_CAROL, CAROL_TO_ALICE, 1, dialog=ASKS), sipp.wait(500), TO_B,
    sipp.within("REFER", f"bob@{B}", ALICE_TO_BOB, BOB_TO_ALICE, 3, REFER_TO, REFERRED_BY), sipp.hear(202),
    sipp.hear("NOTIFY"), sipp.tell(200, "OK"), sipp.hear("NOTIFY"), sipp.tell(200, "OK"),
    sipp.hear("BYE"), TO_C, sipp.tell(200, "OK"), TO_B,
    sipp.within("BYE", f"bob@{B}", ALICE_TO_BOB, BOB_TO_ALICE, 4), sipp.hear(200))
TRANSFEREE = (
    *sipp.answers("b1"),
    sipp.hear("INVITE"), sipp.tell(200, "OK", body=sipp.sdp(2, direction="recvonly")), sipp.hear("ACK"),
    sipp.hear("REFER"), sipp.tell(202, "Accepted"), *notifies(1, "active;expires=60", "SIP/2.0 100 Trying"), TO_C,
    *sipp.invites(f"carol@{C}", BOB_TO_CAROL, CAROL_TO_BOB, 1, REPLACE, REFERRED_BY, dialog=REPLACES), TO_A,
    *notifies(2, "terminated;reason=noresource", "SIP/2.0 200 OK"),
    sipp.hear("BYE"), sipp.tell(200, "OK"), sipp.wait(700), TO_C,
    sipp.within("BYE", f"carol@{C}", BOB_TO_CAROL, CAROL_TO_BOB, 2, dialog=REPLACES), sipp.hear(200))
TARGET = (
    *sipp.answers("c2"),
    sipp.hear("INVITE"), TO_B, sipp.tell(200, "OK", tag="c3", body=sipp.sdp(session=2)), sipp.hear("ACK"),
    sipp.wait(400), TO_A,
    sipp.within("BYE", f"alice@{A}", CAROL_TO_ALICE, ALICE_TO_CAROL, 1, dialog=ASKS), sipp.hear(200),
    sipp.hear("BYE"), TO_B, sipp.tell(200, "OK"))

ATTENDED = {
    ("alice", "bob"): {"outcome": "answered", "end_reason": "bye", "released_by": "caller", "src": A, "dst": B,
                       "reinvites": 1, "holds": 1},
    ("alice", "carol"): {"outcome": "answered", "end_reason": "bye", "released_by": "callee", "src": A,
                         "dst": C, "reinvites": 0, "holds": 0},
    ("bob", "carol"): {"outcome": "answered", "end_reason": "bye", "released_by": "caller", "src": B, "dst": C,
                       "referred_by": "sip:alice@test", "reinvites": 0},
}
BOBS, ASKED, RESULT = ("alice", "bob"), ("alice", "carol"), ("bob", "carol")
ATTENDED_TIES = {
    BOBS: {"related": [{"kind": "transfer_attended", "uid": ASKED, "evidence": "~.*replaces.*"},
                       {"kind": "transfer_attended", "uid": RESULT, "evidence": "~.*replaces.*"}],
           "transfers": [{"kind": "attended", "referrer": "caller", "refer_to": f"sip:carol@{C}",
                          "replaces_call_id": f"~{ASKS}.*", "sip_code": 202, "notify_code": 200,
                          "outcome": "success", "uid": RESULT}]},
    ASKED: {"related": [{"kind": "transfer_attended", "uid": BOBS}, {"kind": "replaces", "uid": RESULT}],
            "transfers": None},
    RESULT: {"related": [{"kind": "replaces", "uid": ASKED}, {"kind": "transfer_attended", "uid": BOBS}],
             "transfers": None},
}
ATTENDED_SAID = {
    ("alice", "bob"): {(A, B): "INVITE ACK INVITE ACK REFER 200 200 BYE",
                       (B, A): "180 200 200 202 NOTIFY NOTIFY 200"},
    ("alice", "carol"): {(A, C): "INVITE ACK 200", (C, A): "180 200 BYE"},
    ("bob", "carol"): {(B, C): "INVITE ACK BYE", (C, B): "200 200"},
}


def sipp_attended_transfer(lan, binary):
    earshot, file = begin(lan, binary)
    sipp.run(lan, ("target", lan.server, C_IP, C_PORT, TARGET), ("transferee", lan.callee, B_IP, B_PORT, TRANSFEREE),
             ("transferor", lan.caller, A_IP, A_PORT, TRANSFEROR), target=B)
    calls = {(c["from"]["user"], c["to"]["user"]): c for c in ended_calls(earshot, 3)}
    for pair, expected in ATTENDED.items():
        check(pair, calls.get(pair), expected)
        check(f"messages of {pair}", dialogs(messages(earshot, calls[pair])), ATTENDED_SAID[pair])
    check_ties(calls, ATTENDED_TIES)
    check_same(binary, finish_quiet(earshot, file), list(calls.values()))
    return "Alice to Bob, Alice to Carol, Bob to Carol in Alice's place"
