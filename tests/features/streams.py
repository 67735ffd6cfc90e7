"""D02 beyond reading: a call over TCP survives a crash of the service and is exported as TCP."""
import os, subprocess, urllib.request

from craft import *
from feature import feature
from service import Service, in_namespace, send, spooled, wait_for


def open_call(via):
    """The packets of a call that nobody has ended yet, and its messages."""
    d = Dialog(via=via.upper(), aport=40000 if via == "tcp" else 5060)
    messages = signalling(d, seconds=60)[:5]
    if via == "udp":
        return [p for p in call(d, 60, voice=False) if not p.data.startswith(b"BYE") and b"CSeq: 2" not in p.data] + voice(d), [text for *_, text in messages]
    c = Tcp(d.a, d.aport, d.b, d.bport)
    for when, forth, text in messages:
        c.say(when, 0 if forth else 1, text, 100)
    return c.packets + voice(d), [text for *_, text in messages]


def voice(d):
    return media(d.a, 4000, d.b, 6000, 2, START + 1.05, 1) + media(d.b, 6000, d.a, 4000, 2, START + 1.06, 2)


RECORD = "[recording]\ndefault = record\n"


def crash_and_return(t, via):
    """The call's record after kill -9 and a new start on the same data, and its exported capture."""
    with Service(t, "vb", RECORD) as s:
        packets, texts = open_call(via)
        send("va", frames(sorted(packets, key=lambda p: p.t)))
        wait_for("the call is live", lambda: s.get("/api/v1/live/calls")["data"])
        data = os.path.join(os.path.dirname(s.log), "data")
        spooled(data, voice(Dialog()), texts)
        s.process.kill()
        s.process.wait()
        # The same command on the same data, behind the same object.
        with open(s.log, "w") as log:
            s.process = subprocess.Popen([t.earshot, "run", "--config", os.path.join(os.path.dirname(s.log), "conf"), "--data", data,
                                          "--interface", "vb"], stdin=subprocess.DEVNULL, stderr=log)
        s.url = wait_for("earshot listens again", s._listens)
        record = s.records()[0]
        messages = s.get(f"/api/v1/calls/{record['uid']}/messages")["data"]
        path = t.path()
        with open(path, "wb") as f:
            f.write(urllib.request.urlopen(f"{s.url}/api/v1/calls/{record['uid']}/pcap", timeout=10).read())
    return record, messages, path


def fields(path, *names):
    out = subprocess.run(["tshark", "-r", path, "-Y", "sip", "-T", "fields", *[x for n in names for x in ("-e", n)]],
                         capture_output=True, text=True, timeout=60)
    return [tuple(line.split("\t")) for line in out.stdout.splitlines()]


@feature("D02", "TCP: a call survives a crash of the service, and is exported as TCP that others read")
@in_namespace
def crash(t):
    record, messages, path = crash_and_return(t, "tcp")
    t.equal("end", (record["state"], record["end_reason"], record["transport"]), ("ended", "restart", "tcp"))
    t.equal("messages", [(m["method"], m["status"], m["transport"]) for m in messages],
            [("INVITE", None, "tcp"), ("INVITE", 100, "tcp"), ("INVITE", 180, "tcp"), ("INVITE", 200, "tcp"), ("ACK", None, "tcp")])
    t.equal("recording", (record["recording"]["result"], record["recording"]["recovered"]), ("recorded", True))
    t.equal("what tshark reads", [x[0] for x in fields(path, "tcp.srcport")], ["40000", "5060", "5060", "5060", "40000"])
    record, messages, path = crash_and_return(t, "udp")
    t.counter("the same call over UDP is exported as TCP", record["transport"] == "udp" and not any(x[0] for x in fields(path, "tcp.srcport")))
