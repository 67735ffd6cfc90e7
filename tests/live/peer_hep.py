"""Agents that send HEP: sngrep, Kamailio's siptrace, rtpengine. Earshot sees the calls in their packets alone."""

import proxy
import sound
from clients import BaresipCall, SippCalls
from lan import HEP_PORT, PROBE_IP, SERVER_IP
from peer_checks import (begin, check_answered, check_same, ended_calls, expect, finish, make_calls, messages,
                         metric, speech)
from wire import CALLEE_IP, wait_for

CALLS = 2
CALL_S = 3
RTCP_CALL_S = 8  # baresip reports every five seconds
READY_LIMIT_S = 20
LISTEN = f"[hep]\nlisten = udp:{PROBE_IP}:{HEP_PORT}\n"
AGENT_SIP = 'earshot_hep_packets_total{type="sip"}'
AGENT_RTCP = 'earshot_hep_packets_total{type="rtcp"}'
MEDIA = "udp portrange 20000-41000 and udp[1] & 1 = 0"  # RTP without its RTCP


def hep_calls(lan, earshot, target):
    """SIPp's calls, with signalling alone in what Earshot gets."""
    clients = SippCalls(lan, CALLS, speech(lan, CALL_S), CALL_S, target=target)
    lan.wait_listening(lan.callee, "udp", 5070, "sipp-uas.log")
    make_calls(clients, "sipp-uac.log")
    calls = ended_calls(earshot, CALLS)
    for call in calls:
        check_answered(call, "udp", parties=())
        expect(call["tunnel"]["kind"] == "hep", f"tunnel is {call['tunnel']}")
    return calls


def start_sngrep(lan):
    lan.start(lan.callee, ["sngrep", "-N", "-q", "-d", "vb", "-H", f"udp:{PROBE_IP}:{HEP_PORT}",
                           "port", "5070"], "sngrep.log", env={"TERM": "xterm", "HOME": lan.work})
    wait_for(READY_LIMIT_S, "sngrep captures", lambda: packet_sockets(lan))


def packet_sockets(lan):
    """Is anybody capturing in the callee's namespace?"""
    with open(f"/proc/{lan.processes[-1].pid}/net/packet") as f:
        return len(f.readlines()) > 1


def hep_sngrep(lan, binary):
    earshot, file = begin(lan, binary, LISTEN, "interface =", f"udp dst port {HEP_PORT}")
    start_sngrep(lan)
    calls = hep_calls(lan, earshot, f"{CALLEE_IP}:5070")
    sent = sum(c["messages"] for c in calls)
    expect(metric(earshot, AGENT_SIP) == sent, f"{sent} messages, but {metric(earshot, AGENT_SIP)} by HEP")
    check_same(binary, finish(earshot, file), calls)
    return f"{len(calls)} calls, {sent} messages"


def hep_kamailio(lan, binary):
    earshot, file = begin(lan, binary, LISTEN, "interface =", f"udp dst port {HEP_PORT}")
    proxy.start(lan, ["HEP"], f"sip:{CALLEE_IP}:5070")
    calls = hep_calls(lan, earshot, f"{SERVER_IP}:5060")
    for call in calls:
        ends = {m[end].rsplit(":", 1)[0] for m in messages(earshot, call) for end in ("src", "dst")}
        expect(len(ends) == 3, f"{call['call_id']}: messages went between {ends}")
    check_same(binary, finish(earshot, file), calls)
    return f"{len(calls)} calls, {sum(c['messages'] for c in calls)} messages on two legs each"


def reported(call):
    return [s["rtcp"] for s in call["streams"] if s["rtcp"]]


def hep_rtpengine(lan, binary):
    """RTP comes from the interface, SIP from Kamailio, RTCP from rtpengine."""
    earshot, file = begin(lan, binary, LISTEN, f"interface = vs\nfilter = {MEDIA}",
                          f"udp dst port {HEP_PORT} or ({MEDIA})")
    proxy.start_rtpengine(lan)
    proxy.start(lan, ["HEP", "RTPENGINE"], f"sip:{CALLEE_IP}:5060")
    wavs = [sound.speak(who, 8000, 1, lan.work) for who in ("caller", "callee")]
    clients = BaresipCall(lan, "PCMA", "g711", wavs, ("caller-hep", "callee-hep"), RTCP_CALL_S, SERVER_IP)
    lan.wait_listening(lan.callee, "udp", 5060, "callee-hep.log")
    make_calls(clients, "caller-hep.log")
    call, = ended_calls(earshot, 1)
    check_answered(call, "udp")
    sent = metric(earshot, AGENT_RTCP)
    expect(sent > 0, "rtpengine sent no RTCP")
    reports = reported(call)
    expect(len(reports) > 0, f"{sent:.0f} packets of RTCP came, but no stream has figures of them")
    expect(any(r["sender_reports"] and r["jitter_ms"] is not None for r in reports), f"reports: {reports}")
    check_same(binary, finish(earshot, file), [call])
    return f"{len(call['streams'])} streams, {len(reports)} with RTCP of {sent:.0f} HEP packets"
