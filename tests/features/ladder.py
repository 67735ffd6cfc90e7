"""A08: a call as a ladder of messages and media, over HTTP and on the terminal, and its packets for other analysers."""
import json, subprocess

from craft import *
from feature import feature
from syntax import Served

LABELS = ["INVITE", "100 Trying", "180 Ringing", "200 OK", "ACK", "BYE", "200 OK"]


def rtcp(src, sport, dst, dport, seconds, ssrc, fraction):
    """A receiver report with that share of 256 lost."""
    body = struct.pack("!BBHIIBBHIIII", 0x81, 201, 7, 7, ssrc, fraction, 0, 0, 100, 0, 0, 0)
    return Packet(START + seconds, src, sport, dst, dport, body)


def call_with_reports(fraction=64):
    return sorted(call(seconds=4.0) + [rtcp("10.0.0.1", 4001, "10.0.0.2", 6001, 2.0, 2, fraction)], key=lambda p: p.t)


def arrows(text):
    """[(label, to the right)] of the rows of a drawn ladder."""
    rows = [line for line in text.splitlines() if line[:13].strip().replace(".", "").isdigit() and "|" in line]
    return [(line[13:].split("|", 1)[1].rsplit("|", 1)[0].strip("-=.<> "), ">" in line) for line in rows]


@feature("A08", "the ladder: messages and media in the order of capture, to the microsecond; as JSON and as text")
def ladder(t):
    packets = call_with_reports()
    sent = [p for p in packets if p.kind == "sip"]
    with Served(t, frames(packets), 1) as s:
        uid = s.calls[0]["uid"]
        got = s.get(f"/calls/{uid}/ladder?rtcp=1")
        text = s.text(f"/calls/{uid}/ladder?rtcp=1&format=text").decode()
        bare = s.get(f"/calls/{uid}/ladder?rtp=0")
        pcap = t.path()
        with open(pcap, "wb") as f:
            f.write(s.text(f"/calls/{uid}/pcap"))
    sip = [e for e in got["events"] if e["kind"] == "sip"]
    t.equal("labels", [e["label"] for e in sip], LABELS)
    t.check("times", all(abs(e["t_us"] - (p.t - sent[0].t) * 1e6) <= 1 for e, p in zip(sip, sent)))
    t.equal("order", [e["t_us"] for e in got["events"]], sorted(e["t_us"] for e in got["events"]))
    hosts = {h["id"]: h["addr"] for h in got["hosts"]}
    t.equal("between", [(hosts[e["src"]], hosts[e["dst"]]) for e in sip], [(p.src, p.dst) for p in sent])
    t.equal("media", sorted(e["kind"] for e in got["events"] if e["kind"].startswith("rtp_")), ["rtp_start"] * 2 + ["rtp_stop"] * 2)
    t.equal("RTCP", [e["label"] for e in got["events"] if e["kind"] == "rtcp"], ["RR, 25.0 % lost"])
    drawn = arrows(text)
    t.equal("as text", [(label.removesuffix(" (SDP)"), right) for label, right in drawn if "PCMU" not in label and "RR" not in label],
            [(label, p.src == sent[0].src) for label, p in zip(LABELS, sent)])
    t.check("the report is drawn", any(label.startswith("RR, 25.0") for label, _ in drawn))
    counted = subprocess.run(["tshark", "-r", pcap, "-Y", "sip", "-T", "fields", "-e", "frame.number"], capture_output=True, text=True, check=True)
    t.equal("messages that tshark finds in its pcap", len(counted.stdout.split()), len(sent))
    t.counter("media stands where it was not asked for", {e["kind"] for e in bare["events"]} == {"sip"})


@feature("A08", "earshot read --ladder: the same on the terminal, without a service")
def read_ladder(t):
    packets = call_with_reports()
    path = t.path()
    write(path, frames(packets))
    text = t.run("read", "--quiet", "--ladder", path).stdout
    t.equal("rows", [label.removesuffix(" (SDP)") for label, _ in arrows(text) if "PCMU" not in label and "RR" not in label], LABELS)
    one = [json.loads(line) for line in t.run("read", "--quiet", "--ladder", "--json", path).stdout.splitlines()]
    t.equal("as JSON", [e["label"] for e in one[0]["events"] if e["kind"] == "sip"], LABELS)
    missing = t.path()
    write(missing, frames([p for p in packets if b"BYE" not in p.data[:3]]))
    less = arrows(t.run("read", "--quiet", "--ladder", missing).stdout)
    t.counter("a BYE that was not sent is drawn", not any(label == "BYE" for label, _ in less))


@feature("A08", "media that pauses is a gap in the ladder")
def gap(t):
    packets = call(seconds=8.0)
    silent = [p for p in packets if p.kind == "sip" or not START + 3 < p.t < START + 5.5 or p.sport != 4000]
    def gaps(x):
        path = t.path()
        write(path, frames(x))
        one = json.loads(t.run("read", "--quiet", "--ladder", "--json", path).stdout.splitlines()[0])
        return [e["label"] for e in one["events"] if e["kind"] == "rtp_gap"]
    t.equal("one gap", gaps(silent), ["no RTP for 2.5 s"])
    t.counter("a gap without a pause", gaps(packets) == [])
