"""The ladder and the packets of a whole conversation: all legs of a call in one, merged by time."""
import json, struct

from correlation import A_CALL, B_CALL, CARRIER, DAYS, PBX, RULES, leg, two
from craft import ALICE, START, Frame, ether, frames, ip, media
from feature import feature
from places import Fed
from service import wait_for
from users_api import FileService

CID = {"headers": "X-CID: conversation-4242\r\n"}
SPAN = "from=2023-11-14T00:00:00Z&to=2023-11-17T00:00:00Z&limit=1000"


def packets_of(pcap):
    """[(time in ns, bytes of the frame)]"""
    out, at = [], 24
    while at < len(pcap):
        s, ns, size, _ = struct.unpack_from("<IIII", pcap, at)
        out.append((s * 1_000_000_000 + ns, pcap[at + 16:at + 16 + size]))
        at += 16 + size
    return out


def sip_of(packets, ids):
    return [p for p in packets if p.kind == "sip" and any(i.encode() in p.data for i in ids)]


def us(t_us):
    """Times are written as floats: the last microsecond is not theirs."""
    return round(t_us / 10) * 10


@feature("A08", "the ladder of all legs: one time line in the order of capture, to the microsecond; each row says its leg")
def ladder(t):
    packets = two(CID, CID)
    sent = sip_of(packets, (A_CALL, B_CALL))
    with FileService(t, packets, RULES) as s:
        uids = {c["call_id"]: c["uid"] for c in s.list("calls", **DAYS)}
        get = lambda of, query: s.get(f"/api/v1/calls/{uids[of]}/ladder{query}")
        for of in (A_CALL, B_CALL):
            got = get(of, "?legs=all")
            t.equal("asked for", got["call_uid"], uids[of])
            t.equal("legs, by their beginnings", [(l["leg"], l["uid"], l["call_id"]) for l in got["legs"]], [(0, uids[A_CALL], A_CALL), (1, uids[B_CALL], B_CALL)])
            hosts = {h["id"]: h["addr"] for h in got["hosts"]}
            rows = [(us(e["t_us"]), hosts[e["src"]], hosts[e["dst"]], e["leg"]) for e in got["events"] if e["kind"] == "sip"]
            wanted = [(us((p.t - START) * 1e6), p.src, p.dst, 0 if A_CALL.encode() in p.data else 1) for p in sent]
            t.equal("rows", sorted(rows), sorted(wanted))
            t.equal("order", [r[0] for r in rows], sorted(r[0] for r in rows))
            t.equal("a message of its leg", s.get(f"/api/v1/calls/{got['legs'][1]['uid']}/messages?raw=false")["data"][0]["n"], 1)
        text = s.fetch(f"/api/v1/calls/{uids[A_CALL]}/ladder?legs=all&format=text")
        t.check(f"as text: {text[:300]}", f"[0] {A_CALL}" in text and f"[1] {B_CALL}" in text and "[1] INVITE" in text and "[0] INVITE" in text)
        own = get(A_CALL, "")
        t.equal("own is what it is without", get(A_CALL, "?legs=own"), own)
        t.counter("without legs=all the other leg is there", [l["uid"] for l in own["legs"]] == [uids[A_CALL]] and all(e["leg"] == 0 for e in own["events"]))
        for wrong in ("legs=both", "legs=", "legs=1", "min_confidence=sure"):
            t.equal(wrong, s.status(f"/api/v1/calls/{uids[A_CALL]}/ladder?{wrong}"), 400)
            t.equal(wrong, s.status(f"/api/v1/calls/{uids[A_CALL]}/pcap?{wrong}"), 400)
    with FileService(t, two(CID), RULES) as s:
        uids = {c["call_id"]: c["uid"] for c in s.list("calls", **DAYS)}
        t.counter("a call that shares nothing is a leg", len(s.get(f"/api/v1/calls/{uids[A_CALL]}/ladder?legs=all")["legs"]) == 1)


@feature("A08", "the packets of all legs in one file: by time, each once; the same for signalling and media")
def pcap(t):
    ports = {"first": (21000, 21002), "second": (22000, 22002)}
    packets = two({**CID, "ports": ports["first"]}, {**CID, "ports": ports["second"]})
    sound = media(ALICE, 21000, PBX, 21002, 1.0, START + 1.3, 0x11) + media(PBX, 22000, CARRIER, 22002, 1.0, START + 1.301, 0x11)
    packets = sorted(packets + sound, key=lambda p: p.t)
    sent = sip_of(packets, (A_CALL, B_CALL)) + sound
    with FileService(t, packets, RULES + "[recording]\ndefault = record\n") as s:
        uids = {c["call_id"]: c["uid"] for c in s.list("calls", **DAYS)}
        import urllib.request
        fetch = lambda query, of=A_CALL: packets_of(urllib.request.urlopen(f"{s.url}/api/v1/calls/{uids[of]}/pcap{query}", timeout=10).read())
        both = fetch("?legs=all")
        t.equal("frames", len(both), len(sent))
        t.equal("order", [x for x, _ in both], sorted(x for x, _ in both))
        t.equal("times", sorted(us(x / 1000) for x, _ in both), sorted(us(p.t * 1e6) for p in sent))
        t.equal("each once", len(set(both)), len(both))
        t.check("bytes", all(any(frame.endswith(p.data) for _, frame in both) for p in sent))
        t.equal("from the other leg the same", fetch("?legs=all", B_CALL), both)
        t.equal("both apart make it", sorted(fetch("") + fetch("", B_CALL)), sorted(both))
        t.equal("signalling alone", len(fetch("?legs=all&rtp=none")), len(sip_of(packets, (A_CALL, B_CALL))))
        t.counter("one leg has all frames", len(fetch("")) == len(sip_of(packets, (A_CALL,))) + 50)


@feature("H05", "legs that a token may not see are in no ladder and no file")
def limited(t):
    f = [Frame(p.t, ether(ip(p), [10 if A_CALL.encode() in p.data else 20]), p) for p in two(CID, CID)]
    with Fed(t, f, RULES + "[tenant acme]\nvlans = 10\n[tenant bolt]\nvlans = 20\n") as s:
        calls = wait_for("three calls", lambda: (lambda d: d if len(d) == 3 and all(c["messages"] for c in d) else None)(json.loads(s.get(f"/api/v1/calls?{SPAN}")[1])["data"]))
        uids = {c["call_id"]: c["uid"] for c in calls}
        acme = t.run("token", "create", "--config", s.conf, "--data", s.data, "--role", "listener", "--tenant", "acme").stdout.strip()
        ladder = lambda token=None: json.loads(s.get(f"/api/v1/calls/{uids[A_CALL]}/ladder?legs=all", token)[1])
        wait_for("messages of both", lambda: len({e["leg"] for e in ladder()["events"]}) == 2)
        pcap = lambda token=None: s.get(f"/api/v1/calls/{uids[A_CALL]}/pcap?legs=all&rtp=none", token)[1]
        t.equal("all legs for all", [l["call_id"] for l in ladder()["legs"]], [A_CALL, B_CALL])
        t.equal("for one", [l["call_id"] for l in ladder(acme)["legs"]], [A_CALL])
        t.check("nothing of the other", B_CALL not in json.dumps(ladder(acme)) and B_CALL.encode() not in pcap(acme))
        t.counter("a token without a limit does not see it", B_CALL.encode() in pcap())
        t.equal("the other leg itself", s.get(f"/api/v1/calls/{uids[B_CALL]}/ladder?legs=all", acme)[0], 404)
