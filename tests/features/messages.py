"""C05, C06, C07 through the service: whose message it is and how it came, two of them side by side, messages by a header's
value, and the delays of a call as record and histogram."""
import base64, gzip, http.client, json, urllib.parse

from craft import *
from feature import feature
from syntax import Served, at, changed, delays

DAY = "from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z"


def ask(s, path, method="GET", body=None, **headers):
    """Status, headers and text, whatever the status."""
    where = urllib.parse.urlsplit(s.url)
    c = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
    c.request(method, "/api/v1" + path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = c.getresponse()
    got = answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read().decode()
    c.close()
    return got


def refused(t, s, path, status, code, field):
    got = ask(s, path)
    problem = json.loads(got[2])
    t.equal(path, (got[0], problem["code"], problem["field"], got[1]["content-type"].split(";")[0]),
            (status, code, field, "application/problem+json"))


# ---- C06

def close(a, b):
    return a is not None and abs(a - b) < 0.002


@feature("C06", "trying delay; each delay stands in the histogram of its own, in the right bucket")
def delay_histograms(t):
    steps = ((0.01, 0.25, 1.5, 0.02), (0.1, 3.125, 30.75, 0.5), (0.0005, 0.002, 0.004, 0.001))
    for trying, ringing, answer, bye_ok in steps:
        got = t.read(frames(delays(trying, ringing, answer, bye_ok)))[0]
        t.check(f"trying {got['trying_delay_ms']}", close(got["trying_delay_ms"], trying * 1000))
        m = t.counters_of(frames(delays(trying, ringing, answer, bye_ok)))
        for name, seconds in (("trying_delay", trying), ("post_dial_delay", ringing), ("call_setup", answer), ("session_disconnect_delay", bye_ok)):
            family = f"earshot_{name}_seconds"
            t.equal(f"{family} count", m[family + "_count"], 1)
            t.check(f"{family} sum {m[family + '_sum']}", abs(m[family + "_sum"] - seconds) < 2e-6)
            buckets = {float(k[len(family) + 12:-2]): v for k, v in m.items() if k.startswith(family + "_bucket") and "Inf" not in k}
            t.equal(f"{family} buckets", buckets, {le: float(seconds <= le + 1e-9) for le in buckets})
    silent = [p for p in delays(0.01, 0.25, 1.5, 0.02) if b"100 Trying" not in p.data]
    t.equal("no 100", t.read(frames(silent))[0]["trying_delay_ms"], None)
    t.equal("picked up in the middle", [t.read(frames(delays(0.01, 0.25, 1.5, 0.02)[1:]))[0][k] for k in ("trying_delay_ms", "post_dial_delay_ms", "setup_ms")], [None] * 3)
    t.counter("without a 100 there is a trying delay", t.counters_of(frames(silent)).get("earshot_trying_delay_seconds_count", 0) == 0)


# ---- C07

def proxied(d, hop="10.1.0.9"):
    """The call through a proxy: each message on both of its links."""
    out = []
    for n, (when, forth, text) in enumerate(signalling(d)):
        near, far = ((d.a, d.aport), (hop, 5060)), ((hop, 5060), (d.b, d.bport))
        first, second = (near, far) if forth else ((far[1], far[0]), (near[1], near[0]))
        via = f"Via: SIP/2.0/UDP {hop}:5060;branch=z9hG4bKhop{text.split(b'CSeq: ')[1].split()[1].decode()}\r\n".encode()
        relayed = text.replace(b"Via:", via + b"Via:", 1)
        one, two = (text, relayed) if forth else (relayed, text)
        out.append(Packet(when, *first[0], *first[1], one, ipid=2 * n + 1, kind="sip"))
        out.append(Packet(when + 0.001, *second[0], *second[1], two, ipid=2 * n + 2, kind="sip"))
    return out


SIDES = ["caller", "callee", "callee", "callee", "caller", "caller", "callee"]


@feature("C07", "each message has its side, behind a proxy too, its VLANs outer and inner, its transport")
def message_directions(t):
    d = Dialog(a="10.1.0.1", b="10.1.0.2", call_id="side@test", branch="z9hG4bKside")
    by_callee = [replace(p, src=p.dst, sport=p.dport, dst=p.src, dport=p.sport,
                         data=p.data.replace(b"From: \"Alice\" <sip:alice@10.1.0.1>;tag=ft1\r\nTo: <sip:bob@10.1.0.2>;tag=tt1",
                                             b"From: <sip:bob@10.1.0.2>;tag=tt1\r\nTo: <sip:alice@10.1.0.1>;tag=ft1"))
                 if b" BYE\r\n" in p.data else p for p in call(d, voice=False)]
    cases = {
        "plain": (frames(call(d, voice=False)), SIDES, (None, None), "udp"),
        "ended by the callee": (frames(by_callee), SIDES[:5] + ["callee", "caller"], (None, None), "udp"),
        "one tag": (frames(call(d, voice=False), lambda i, p: ether(i, [100])), SIDES, (100, None), "udp"),
        "two tags": (frames(call(d, voice=False), lambda i, p: ether(i, [100, 200])), SIDES, (100, 200), "udp"),
        "proxy": (frames(proxied(d)), [x for x in SIDES for _ in range(2)], (None, None), "udp"),
        "TCP": (frames(tcp_call(Dialog(via="TCP", aport=40000, call_id="side@test"), wrap=lambda text, forth: text)), SIDES, (None, None), "tcp"),
    }
    seen = {}
    for what, (packets, sides, vlans, transport) in cases.items():
        with Served(t, packets, 1) as s:
            got = s.get(f"/calls/{s.calls[0]['uid']}/messages?raw=false")["data"]
        t.equal(f"{what}: sides", [m["direction"] for m in got], sides)
        t.equal(f"{what}: VLANs", {(m["vlan"], m["vlan_inner"]) for m in got}, {vlans})
        t.equal(f"{what}: transport", {m["transport"] for m in got}, {transport})
        sent = sorted((round(f.t, 3), f"{f.packet.src}:{f.packet.sport}", f"{f.packet.dst}:{f.packet.dport}") for f in packets if f.packet.kind == "sip" and f.packet.proto == 17)
        if sent:
            t.equal(f"{what}: ends", [(m["src"], m["dst"]) for m in got], [x[1:] for x in sent])
        seen[what] = got
    t.counter("who hangs up makes no difference", seen["plain"][5]["direction"] != seen["ended by the callee"][5]["direction"])
    t.counter("the second tag is lost", seen["one tag"][0]["vlan_inner"] is None and seen["two tags"][0]["vlan_inner"] == 200)
    stray = [replace(p, data=p.data.replace(b";tag=ft1", b"").replace(b";tag=tt1", b"")) for p in call(d, voice=False)]
    with Served(t, frames(stray), 1) as s:
        got = s.get(f"/calls/{s.calls[0]['uid']}/messages?raw=false")["data"]
    t.equal("without tags by addresses", [m["direction"] for m in got][:2], SIDES[:2])
