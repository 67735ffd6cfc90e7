"""Telephones at Kamailio as their registrar and proxy, both sides of it seen: registrations, calls over two
hops, forks, the next gateway after one that fails, gateways asked with OPTIONS.

What must be told stands above each case, times left out.
"""

import os
import re
import time

import proxy
import sipp
from expected import dialogs, like
from lan import SERVER_IP
from peer_checks import begin, check_same, ended_calls, expect, finish, messages, metric
from phones import SOFTWARE, Phone
from wire import CALLEE_IP, CALLER_IP

ALICE, BOB, KAMAILIO = f"{CALLER_IP}:5060", f"{CALLEE_IP}:5060", f"{SERVER_IP}:5060"
BOB_TOO = f"{CALLEE_IP}:5062"
GATEWAY_CALLER = f"{CALLER_IP}:5080"
GATEWAY_A, GATEWAY_B = f"{CALLEE_IP}:5071", f"{CALLEE_IP}:5072"
ATTEMPTS = 'earshot_call_attempts_total{trunk="none",direction="unknown"}'
ADVANCES = "earshot_call_route_advances_total"
STATE_LIMIT_S = 20
DOWN_LIMIT_S = 40  # three times the four seconds after which a ping is late


def until(earshot, path, expected, seconds=STATE_LIMIT_S):
    """The list at `path`, which must come to be as expected."""
    end = time.monotonic() + seconds
    while True:
        found = earshot.get(path)["data"]
        wrong = like(found, expected)
        if wrong is None:
            return found
        expect(time.monotonic() < end, f"{path} after {seconds} s: {wrong}")
        time.sleep(0.3)


def check(what, got, expected):
    wrong = like(got, expected)
    expect(wrong is None, f"{what}: {wrong}")


def check_attempts(earshot, count):
    """However many hops, branches and tries a call has."""
    counted = metric(earshot, ATTEMPTS)
    expect(counted == count, f"{counted:.0f} attempts are counted, not {count}")


def finish_quiet(earshot, file):
    """The end of a case in which nothing happened that looks like an attack or a failure."""
    found = earshot.get("/api/v1/findings")["data"]
    expect(not found, "findings: " + ", ".join(f"{f['detector']}: {f['detail']}" for f in found))
    return finish(earshot, file)


# ---- registrations, and a call over two hops ----

def registered(user, ip, ended=False):
    return {"aor": f"{user}@{SERVER_IP}", "user": user, "state": "removed" if ended else "registered",
            "ip": ip, "port": 5060,
            "registrar": KAMAILIO, "transport": "udp", "user_agent": SOFTWARE, "sip_code": 200,
            "attempts": 2 if ended else 1, "successes": 2 if ended else 1, "failures": 0, "removals": 1 if ended else 0,
            "contacts": [] if ended else [{"uri": f"~sip:{user}-0x.*@{ip}:5060"}]}


TWO_HOPS = {
    "kind": "call", "outcome": "answered", "end_reason": "bye", "released_by": "caller", "sip_code": 200,
    "partial": False,
    "from": {"user": "alice", "host": SERVER_IP}, "to": {"user": "bob", "host": SERVER_IP},
    "request_uri": f"sip:bob@{SERVER_IP}", "user_agent": SOFTWARE,
    "src": ALICE, "dst": KAMAILIO, "transport": "udp", "reinvites": 0, "holds": 0, "branches": 1, "route_advances": 0,
    "hops": [{"hop": 1, "from_hop": None, "src": ALICE, "dst": KAMAILIO, "code": 200, "latency_ms": None},
             {"hop": 2, "from_hop": 1, "src": KAMAILIO, "dst": BOB, "code": 200, "latency_ms": float,
              "request_uri": f"~sip:bob-0x.*@{BOB}"}],
    "legs": [{"hop": 2, "target": f"~sip:bob-0x.*@{BOB}", "code": 200, "end": "bye", "winner": True, "acked": True}],
    "attempts": [{"hop": 2, "dst": BOB, "code": 200, "reason": "answered"}],
}
TWO_HOPS_SAID = {
    (ALICE, KAMAILIO): "INVITE ACK BYE", (KAMAILIO, ALICE): "100 180 200 200",
    (KAMAILIO, BOB): "INVITE ACK BYE", (BOB, KAMAILIO): "180 200 200",
}


def proxy_registrar(lan, binary):
    earshot, file = begin(lan, binary)
    proxy.start(lan, [], f"sip:{CALLEE_IP}:5070")
    alice = Phone(lan, lan.caller, CALLER_IP, "alice")
    bob = Phone(lan, lan.callee, CALLEE_IP, "bob")
    until(earshot, "/api/v1/registrations", [registered("bob", CALLEE_IP), registered("alice", CALLER_IP)])
    alice.tell(f"/dial sip:bob@{SERVER_IP}")
    alice.wait_said("Call established")
    time.sleep(1)
    alice.tell("/hangup")
    bob.wait_said("terminated")
    call, = ended_calls(earshot, 1)
    check("call", call, TWO_HOPS)
    check("messages", dialogs(messages(earshot, call)), TWO_HOPS_SAID)
    latency = call["hops"][1]["latency_ms"]
    expect(0 < latency < 1000, f"the proxy took {latency} ms")
    alice.end()
    bob.end()
    until(earshot, "/api/v1/registrations", [registered("bob", CALLEE_IP, True), registered("alice", CALLER_IP, True)])
    check_attempts(earshot, 1)
    check_same(binary, finish_quiet(earshot, file), [call])
    return f"{call['messages']} messages on two hops, {latency:.2f} ms in the proxy"


# ---- the same with passwords ----

PASSWORD = "correct-horse"
PROVED = {"state": "registered", "sip_code": 200, "attempts": 1, "successes": 1, "failures": 0, "challenges": 1,
          "auth_realm": SERVER_IP}
# baresip tries its wrong password several times. A 401 is no ineffective attempt (RFC 6076 4.2).
REFUSED = {"state": "failed", "sip_code": 401, "successes": 0, "failures": 0, "timeouts": 0, "contacts": [],
           "auth_user": "mallory", "failure_codes": [{"sip_code": 401, "count": int}]}
GUESSED = {"detector": "brute_force", "state": "open", "subject": f"mallory@{SERVER_IP}", "src_ip": CALLEE_IP,
           "dst_ip": SERVER_IP, "samples": [f"mallory@{SERVER_IP}"]}
PROVED_CALL = {
    "outcome": "answered", "end_reason": "bye", "released_by": "callee", "sip_code": 200, "auth_attempts": 1,
    "route_advances": 0, "branches": 1, "from": {"user": "alice"}, "to": {"user": "bob"},
    "hops": [{"from_hop": None, "src": ALICE, "dst": KAMAILIO, "code": 407},
             {"from_hop": None, "src": ALICE, "dst": KAMAILIO, "code": 200},
             {"from_hop": 2, "src": KAMAILIO, "dst": BOB, "code": 200}],
    "attempts": [{"dst": KAMAILIO, "code": 407, "reason": "challenged"},
                 {"dst": BOB, "code": 200, "reason": "answered"}],
}
PROVED_SAID = {
    (ALICE, KAMAILIO): "INVITE ACK INVITE ACK 200", (KAMAILIO, ALICE): "407 100 180 200 BYE",
    (KAMAILIO, BOB): "INVITE ACK 200", (BOB, KAMAILIO): "180 200 BYE",
}


def account(password):
    return f";regint=60;answermode=auto;auth_pass={password}"


def proxy_passwords(lan, binary):
    """Who knows the password gets in, who does not is told of; no proof of it is kept."""
    earshot, file = begin(lan, binary)
    proxy.start(lan, ["PASSWORDS"], f"sip:{CALLEE_IP}:5070", password=PASSWORD)
    alice = Phone(lan, lan.caller, CALLER_IP, "alice", account=account(PASSWORD))
    bob = Phone(lan, lan.callee, CALLEE_IP, "bob", account=account(PASSWORD))
    Phone(lan, lan.callee, CALLEE_IP, "mallory", 5062, account=account("guess"))
    until(earshot, "/api/v1/registrations",
          [{**REFUSED, "user": "mallory"}, {**PROVED, "user": "bob", "auth_user": "bob"},
           {**PROVED, "user": "alice", "auth_user": "alice"}])
    alice.tell(f"/dial sip:bob@{SERVER_IP}")
    alice.wait_said("Call established")
    time.sleep(1)
    bob.tell("/hangup")
    alice.wait_said("terminated")
    call, = ended_calls(earshot, 1)
    check("call", call, PROVED_CALL)
    said = messages(earshot, call)
    check("messages", dialogs(said), PROVED_SAID)
    proofs = [m["raw"] for m in said if "\nProxy-Authorization:" in m["raw"]]
    expect(proofs, "no message has credentials")
    for raw in proofs:
        expect(not re.search(r'response="?[0-9a-f]{32}', raw), f"a proof of the password is kept:\n{raw}")
    check_attempts(earshot, 1)
    until(earshot, "/api/v1/findings", [GUESSED])
    check_same(binary, finish(earshot, file), [call])
    return f"challenged {call['auth_attempts']} time, {len(proofs)} proofs redacted"


# ---- a fork to two telephones of one user ----

FORK = {
    "outcome": "answered", "end_reason": "bye", "released_by": "caller", "sip_code": 200, "branches": 2,
    "route_advances": 0,
    "from": {"user": "alice"}, "to": {"user": "bob"}, "dst": KAMAILIO,
    "hops": [{"hop": 1, "from_hop": None, "src": ALICE, "dst": KAMAILIO, "code": 200},
             {"from_hop": 1, "src": KAMAILIO, "dst": BOB, "code": 200, "cancelled_at": None},
             {"from_hop": 1, "src": KAMAILIO, "dst": BOB_TOO, "code": 487, "cancelled_at": str}],
    "legs": [{"dst": BOB, "code": 200, "end": "bye", "winner": True},
             {"dst": BOB_TOO, "code": 487, "end": "cancelled", "winner": False}],
    "attempts": [{"dst": BOB, "code": 200, "reason": "answered"},
                 {"dst": BOB_TOO, "code": 487, "reason": "cancelled"}],
}
FORK_SAID = {
    (ALICE, KAMAILIO): "INVITE ACK BYE", (KAMAILIO, BOB): "INVITE ACK BYE", (BOB, KAMAILIO): "180 200 200",
    (KAMAILIO, BOB_TOO): "INVITE CANCEL ACK", (BOB_TOO, KAMAILIO): "180 200 487",
}


def by_dst(call):
    """Which branch comes first is the proxy's choice."""
    def place(x):
        return x.get("from_hop", 1) is not None, x["dst"]
    return {**call, **{k: sorted(call[k], key=place) for k in ("hops", "legs", "attempts")}}


def proxy_fork(lan, binary):
    earshot, file = begin(lan, binary)
    proxy.start(lan, [], f"sip:{CALLEE_IP}:5070")
    alice = Phone(lan, lan.caller, CALLER_IP, "alice")
    bobs = [Phone(lan, lan.callee, CALLEE_IP, "bob", port, account=";regint=60;answermode=manual")
            for port in (5060, 5062)]
    until(earshot, "/api/v1/registrations?user=bob", [{"state": "registered", "contacts": [{}, {}]}])
    alice.tell(f"/dial sip:bob@{SERVER_IP}")
    for bob in bobs:
        bob.wait_said("Incoming call from")
    time.sleep(0.5)
    bobs[0].tell("/accept")
    alice.wait_said("Call established")
    time.sleep(1)
    alice.tell("/hangup")
    bobs[0].wait_said("terminated")
    call, = ended_calls(earshot, 1)
    check("call", by_dst(call), FORK)
    said = dialogs(messages(earshot, call))
    check("messages", {way: said.get(way) for way in FORK_SAID}, FORK_SAID)
    check_attempts(earshot, 1)
    check_same(binary, finish_quiet(earshot, file), [call])
    return f"{call['messages']} messages, {len(call['legs'])} branches"


# ---- the next gateway ----

def advanced(number, code, reason):
    return {
        "outcome": "answered", "end_reason": "bye", "released_by": "caller", "sip_code": 200, "route_advances": 1,
        "to": {"user": number}, "src": GATEWAY_CALLER, "dst": KAMAILIO,
        "hops": [{"from_hop": None, "dst": KAMAILIO, "code": 200}, {"from_hop": 1, "dst": GATEWAY_A, "code": code},
                 {"from_hop": 1, "dst": GATEWAY_B, "code": 200}],
        "attempts": [{"dst": GATEWAY_A, "code": code, "reason": reason},
                     {"dst": GATEWAY_B, "code": 200, "reason": "answered"}],
    }


def advanced_said(*refused):
    return {
        (GATEWAY_CALLER, KAMAILIO): "INVITE ACK BYE", (KAMAILIO, GATEWAY_CALLER): "100 180 200 200",
        (KAMAILIO, GATEWAY_A): "INVITE ACK" if refused else "INVITE", (GATEWAY_A, KAMAILIO): " ".join(refused) or None,
        (KAMAILIO, GATEWAY_B): "INVITE ACK BYE", (GATEWAY_B, KAMAILIO): "180 200 200",
    }


REFUSES = (sipp.hear("INVITE"), sipp.tell(503, "Service Unavailable", tag="a[call_number]"), sipp.hear("ACK"))
ANSWERS = (*sipp.answers("b[call_number]"), sipp.hear("BYE"), sipp.tell(200, "OK"))
CALLER = '"Caller" <sip:caller@[local_ip]>;tag=[pid]a[call_number]'
CALLED = f"<sip:[service]@{SERVER_IP}>"
CALLS = (sipp.ask("INVITE", f"sip:[service]@{SERVER_IP}", CALLER, CALLED, 1, body=sipp.sdp()),
         sipp.hear(100, True), sipp.hear(180, True), sipp.hear(200, rrs="true"),
         sipp.ask("ACK", "[next_url]", CALLER, CALLED + "[peer_tag_param]", 1, "[routes]"), sipp.wait(1000),
         sipp.ask("BYE", "[next_url]", CALLER, CALLED + "[peer_tag_param]", 2, "[routes]"), sipp.hear(200))


def call_number(lan, number):
    name = f"caller-{number}"
    caller = sipp.start(lan, lan.caller, CALLER_IP, 5080, name, CALLS, f"{SERVER_IP}:5060", number)
    expect(caller.wait(15) == 0, f"the caller of {number} failed:\n{lan.log_tail(name + '.log')}")


def proxy_failover(lan, binary):
    earshot, file = begin(lan, binary)
    proxy.start(lan, ["FAILOVER"], f"sip:{GATEWAY_A}", second_hop=f"sip:{GATEWAY_B}")
    first = sipp.start(lan, lan.callee, CALLEE_IP, 5071, "gateway-a", REFUSES)
    sipp.start(lan, lan.callee, CALLEE_IP, 5072, "gateway-b", ANSWERS, calls=2)
    call_number(lan, "4312345")
    expect(first.wait(5) == 0, "gateway A refused no call")  # it has ended: nobody is there for the second call
    call_number(lan, "4367890")
    calls = {c["to"]["user"]: c for c in ended_calls(earshot, 2)}
    refused, silent = calls["4312345"], calls["4367890"]
    check("refused", refused, advanced("4312345", 503, "rejected"))
    check("refused: messages", dialogs(messages(earshot, refused)), advanced_said("503"))
    check("silent", silent, advanced("4367890", None, "timeout"))
    check("silent: messages", dialogs(messages(earshot, silent)), advanced_said())
    check_attempts(earshot, 2)
    expect(metric(earshot, ADVANCES) == 2, "not two route advances are counted")
    check_same(binary, finish_quiet(earshot, file), [refused, silent])
    return "after a 503, and after silence"


# ---- gateways asked with OPTIONS ----

GATEWAY = {"src_ip": SERVER_IP, "src_port": 5060, "dst_ip": CALLEE_IP, "dst_port": 5071, "transport": "udp"}
GATEWAY_UP = {**GATEWAY, "state": "up", "sip_code": 200, "misses_in_a_row": 0, "changes": 0, "missed": 0}
GATEWAY_DOWN = {**GATEWAY, "state": "down", "misses_in_a_row": 3, "changes": 1, "answers": 2}
GATEWAY_FINDING = {"detector": "trunk_down", "severity": "critical", "state": "open", "src_ip": SERVER_IP,
                   "dst_ip": CALLEE_IP, "dst_port": 5071, "count": int, "episodes": 1, "threshold": 3}
ANSWERS_PING = (sipp.hear("OPTIONS"), sipp.tell(200, "OK", tag="o[call_number]"))


def proxy_pings(lan, binary):
    """Kamailio asks every second; the gateway answers twice and is gone."""
    earshot, file = begin(lan, binary)
    with open(os.path.join(lan.work, "gateways"), "w") as f:
        f.write(f"1 sip:{GATEWAY_A}\n")
    gateway = sipp.start(lan, lan.callee, CALLEE_IP, 5071, "gateway", ANSWERS_PING, calls=2)
    proxy.start(lan, ["PINGS"], f"sip:{GATEWAY_A}")
    until(earshot, "/api/v1/hosts", [GATEWAY_UP])
    expect(gateway.wait(5) == 0, "the gateway was not asked twice")
    host, = until(earshot, "/api/v1/hosts", [GATEWAY_DOWN], DOWN_LIMIT_S)
    until(earshot, "/api/v1/findings", [GATEWAY_FINDING])
    finish(earshot, file)
    return f"up, and down after {host['requests']} pings"
