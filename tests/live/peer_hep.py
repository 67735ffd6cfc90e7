"""Agents that send HEP: sngrep, Kamailio's siptrace, rtpengine. Earshot sees the calls in their
packets alone."""

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
ARRIVED_APART_US = 1000000  # what an agent sends takes its time to reach the listener
LISTEN = f"[hep]\nlisten = udp:{PROBE_IP}:{HEP_PORT}, tcp:{PROBE_IP}:{HEP_PORT}\n"
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
    check_same(binary, finish(earshot, file), calls, apart_us=ARRIVED_APART_US)
    return f"{len(calls)} calls, {sent} messages"


def hep_kamailio(lan, binary):
    earshot, file = begin(lan, binary, LISTEN, "interface =", f"udp dst port {HEP_PORT}")
    proxy.start(lan, ["HEP"], f"sip:{CALLEE_IP}:5070")
    calls = hep_calls(lan, earshot, f"{SERVER_IP}:5060")
    for call in calls:
        ends = {m[end].rsplit(":", 1)[0] for m in messages(earshot, call) for end in ("src", "dst")}
        expect(len(ends) == 3, f"{call['call_id']}: messages went between {ends}")
    check_same(binary, finish(earshot, file), calls, apart_us=ARRIVED_APART_US)
    return f"{len(calls)} calls, {sum(c['messages'] for c in calls)} messages on two legs each"


def relayed_call(lan, binary, protocol):
    """(Earshot, the capture, the call) of two baresips through Kamailio and rtpengine: RTP comes from
    the interface, SIP from Kamailio, RTCP from rtpengine."""
    earshot, file = begin(lan, binary, LISTEN, f"interface = vs\nfilter = {MEDIA}",
                          f"udp dst port {HEP_PORT} or ({MEDIA})")
    proxy.start_rtpengine(lan, protocol)
    proxy.start(lan, ["HEP", "RTPENGINE"], f"sip:{CALLEE_IP}:5060")
    wavs = [sound.speak(who, 8000, 1, lan.work) for who in ("caller", "callee")]
    clients = BaresipCall(lan, "PCMA", "g711", wavs, ("caller-hep", "callee-hep"), RTCP_CALL_S, SERVER_IP)
    lan.wait_listening(lan.callee, "udp", 5060, "callee-hep.log")
    make_calls(clients, "caller-hep.log")
    call, = ended_calls(earshot, 1)
    check_answered(call, "udp")
    expect(len(call["streams"]) == 4, f"{len(call['streams'])} streams, not 2 on each side of rtpengine")
    return earshot, file, call


def check_reports(earshot, call):
    """What rtpengine told of has reached the streams; returns a word on it."""
    sent = metric(earshot, AGENT_RTCP)
    expect(sent > 0, "rtpengine sent no RTCP")
    reports = [s["rtcp"] for s in call["streams"] if s["rtcp"]]
    expect(len(reports) > 0, f"{sent:.0f} packets of RTCP came, but no stream has figures of them")
    for sign in ("sender_reports", "receiver_reports"):
        expect(sum(r[sign] for r in reports) >= 2, f"{sign}: {reports}")
    names = {r["cname"] for r in reports}
    expect(any("caller-hep" in str(n) for n in names), f"names in the reports: {names}")
    return f"{len(call['streams'])} streams, {len(reports)} with RTCP of {sent:.0f} HEP packets"


def reports_by_stream(call):
    return {(s["src"], s["dst"], s["ssrc"]): s["rtcp"] for s in call["streams"]}


def hep_rtpengine(lan, binary):
    earshot, file, call = relayed_call(lan, binary, "udp")
    told = check_reports(earshot, call)
    read = check_same(binary, finish(earshot, file), [call], apart_us=ARRIVED_APART_US)
    live, file = reports_by_stream(call), reports_by_stream(read[0])
    expect(live == file, f"RTCP live and from the file differ: {live} {file}")
    return told


def hep_rtpengine_tcp(lan, binary):
    earshot, file, call = relayed_call(lan, binary, "tcp")
    told = check_reports(earshot, call)
    check_same(binary, finish(earshot, file), [call], apart_us=ARRIVED_APART_US)
    return told
