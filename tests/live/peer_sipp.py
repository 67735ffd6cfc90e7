"""SIPp calls SIPp: over UDP, over TCP in one connection, and many calls interleaved in it."""

from clients import SippCalls
from peer_checks import (begin, check_answered, check_same, ended_calls, expect, finish, make_calls,
                         messages, speech)

CALL_S = 3
MANY = 12


def sipp(lan, binary, sipp_transport, transport, count):
    earshot, file = begin(lan, binary)
    clients = SippCalls(lan, count, speech(lan, CALL_S), CALL_S, sipp_transport)
    lan.wait_listening(lan.callee, transport, 5070, "sipp-uas.log")
    make_calls(clients, "sipp-uac.log")
    calls = ended_calls(earshot, count)
    for call in calls:
        check_answered(call, transport)
    flows = {(m["src"], m["dst"]) for call in calls for m in messages(earshot, call)}
    expect(len(flows) == 2, f"messages of the calls went between more than two places: {flows}")
    check_same(binary, finish(earshot, file), calls)
    return f"{count} calls, {sum(c['messages'] for c in calls)} messages"


def sipp_udp(lan, binary):
    return sipp(lan, binary, "u1", "udp", 2)


def sipp_tcp(lan, binary):
    return sipp(lan, binary, "t1", "tcp", 1)


def sipp_tcp_many(lan, binary):
    return sipp(lan, binary, "t1", "tcp", MANY)
