"""SIPp scenarios as short lists of steps, and SIPp running them.

A step is text of a scenario. `dialog` sets the dialogs of one scenario apart: their Call-IDs end alike,
which is how SIPp knows that they belong together.
"""

import os
import subprocess

from wire import Failure

RUN_LIMIT_S = 40
HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="steps">\n'
HERE = "<sip:[service]@[local_ip]:[local_port]>"
SDP = """v=0
o=- {session} {version} IN IP4 {ip}
s=-
c=IN IP4 {ip}
t=0 0
m=audio {port} RTP/AVP {payloads}
{rtpmaps}a={direction}
"""
CODECS = {0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000"}


def sdp(version=1, payloads=(8,), direction="sendrecv", ip="[local_ip]", port=6000, session=1):
    maps = "".join(f"a=rtpmap:{p} {CODECS[p]}\n" for p in payloads)
    return SDP.format(session=session, version=version, ip=ip, port=port, direction=direction, rtpmaps=maps,
                      payloads=" ".join(map(str, payloads)))


def _send(lines, body, attributes):
    kind = "application/sdp" if body.startswith("v=0") else "message/sipfrag"
    rest = [f"Content-Type: {kind}"] * bool(body) + ["Content-Length: [len]", "", body]
    return f"<send{attributes}><![CDATA[\n" + "\n".join(lines + rest) + "\n]]></send>\n"


def ask(method, uri, sender, to, cseq, *headers, dialog="", body=""):
    """A request. `sender` and `to` are From and To as they stand; `headers` come in addition."""
    lines = [f"{method} {uri} SIP/2.0", "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
             f"From: {sender}", f"To: {to}", f"Call-ID: {dialog}[call_id]", f"CSeq: {cseq} {method}",
             "Max-Forwards: 70", f"Contact: {HERE}", *headers]
    return _send(lines, body, "" if method == "ACK" else ' retrans="500"')


def tell(code, phrase, *headers, tag="", body=""):
    """A response to the request received last; `tag` goes to its To where there is none yet."""
    lines = [f"SIP/2.0 {code} {phrase}", "[last_Via:]", "[last_From:]", "[last_To:]" + (f";tag={tag}" if tag else ""),
             "[last_Call-ID:]", "[last_CSeq:]", "[last_Record-Route:]", f"Contact: {HERE}", *headers]
    return _send(lines, body, "")


def hear(what, optional=False, **attributes):
    """A request (its method) or a response (its code) that must come, or may."""
    kind = "response" if isinstance(what, int) else "request"
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<recv {kind}="{what}"{" optional=" + chr(34) + "true" + chr(34) if optional else ""}{more}/>\n'


def wait(ms):
    return f'<pause milliseconds="{ms}"/>\n'


def send_to(ip, port):
    """Whom the requests after it go to."""
    return f'<nop><action><setdest host="{ip}" port="{port}" protocol="udp"/></action></nop>\n'


def stream(path, payload):
    """Sends what stands in a file as payload type `payload`, over and over."""
    return f'<nop><action><exec rtp_stream="{path},-1,{payload},{CODECS[payload]}"/></action></nop>\n'


# ---- parts of scenarios, of parties (name, tag) whose tags are chosen ----

def who(name, tag=""):
    return f"<sip:{name}@test>" + (f";tag={tag}" if tag else "")


def within(method, uri, sender, to, cseq, *headers, dialog="", body=""):
    """A request within a dialog."""
    return ask(method, f"sip:{uri}", who(*sender), who(*to), cseq, *headers, dialog=dialog, body=body)


def invites(uri, sender, to, cseq, *headers, dialog="", body=None):
    """INVITE, its responses, ACK. The one with CSeq 1 is the first of its dialog."""
    known = to if cseq > 1 else (to[0], "")
    return (within("INVITE", uri, sender, known, cseq, *headers, dialog=dialog, body=body or sdp()),
            hear(100, True), hear(180, True), hear(200), within("ACK", uri, sender, to, cseq, dialog=dialog))


def answers(tag, body=None):
    """The first INVITE of a dialog rings, and is answered at once."""
    return (hear("INVITE"), tell(180, "Ringing", tag=tag), tell(200, "OK", tag=tag, body=body or sdp()), hear("ACK"))


# ---- SIPp itself ----

def start(lan, space, ip, port, name, steps, target="", service="", calls=1, options=()):
    """SIPp running `steps`; it calls `target` where there is one and ends after `calls` calls."""
    path = os.path.join(lan.work, f"{name}.xml")
    with open(path, "w") as f:
        f.write(HEAD + "".join(steps) + "</scenario>\n")
    words = ["sipp", "-sf", path, "-i", ip, "-p", str(port), "-mi", ip, "-m", str(calls), "-nostdin", "-nd",
             "-cid_str", "%u-%p-steps", "-trace_err", "-error_file", os.path.join(lan.work, name + ".err"),
             *options, *(["-s", service] if service else []), *([target] if target else [])]
    process = lan.start(space, words, name + ".log", cwd=lan.work)
    if not target:
        lan.wait_listening(space, "udp", port, name + ".log")
    return process


def run(lan, *parties, target):
    """Parties (name, space, ip, port, steps, options...), the last of which calls `target`, until all are through."""
    started = []
    for n, (name, space, ip, port, steps, *options) in enumerate(parties, 1):
        called = target if n == len(parties) else ""
        started.append((name, start(lan, space, ip, port, name, steps, called, options=options)))
    for name, process in reversed(started):
        try:
            code = process.wait(RUN_LIMIT_S)
        except subprocess.TimeoutExpired:
            code = f"nothing in {RUN_LIMIT_S} s"
        if code != 0:
            raise Failure(f"the {name} ended with {code}:\n{lan.log_tail(name + '.log', 40)}")
