"""K02: DSCP of signalling and of media, by direction; marks that change on the way or are not what was agreed."""
from craft import *
from feature import feature

RELAY_IN, RELAY_OUT = "10.0.0.8", "10.0.0.9"


def marked(packets, rtp=None, sip=None):
    """`rtp(packet)`, `sip(packet)`: DSCP of a packet."""
    return [replace(p, tos=(rtp if p.kind == "rtp" else sip)(p) << 2) for p in packets]


def plain(p):
    return 46


def signalling_mark(p):
    return 24 if p.src == ALICE else 26


def labels(record, *only):
    return [x for x in record["diagnosis"] if x["label"] in only]


def of(record, party):
    return next(s for s in record["streams"] if s["party"] == party)


def marks(s):
    return s["dscp_first"], s["dscp_min"], s["dscp_max"], s["dscp_changes"]


def read(t, packets, *options):
    return t.read(frames(packets), *options)[0]


@feature("K02", "DSCP and 802.1p of SIP and RTP by direction, marks changed in time or between hops, marks against a policy")
def dscp(t):
    directions(t)
    tagged(t)
    in_time(t)
    between_hops(t)
    policy(t)


def directions(t):
    r = read(t, marked(call(seconds=4), lambda p: 46 if p.src == ALICE else 34, signalling_mark))
    untagged = {"pcp_min": None, "pcp_max": None}
    t.equal("of SIP", r["sip_dscp"], {"caller": {"first": 24, "min": 24, "max": 24, **untagged}, "callee": {"first": 26, "min": 26, "max": 26, **untagged}})
    t.equal("of RTP", (marks(of(r, "caller")), marks(of(r, "callee"))), ((46, 46, 46, 0), (34, 34, 34, 0)))
    t.equal("TTL", (of(r, "caller")["ttl_min"], of(r, "caller")["ttl_max"]), (64, 64))
    t.equal("nothing was changed", labels(r, "dscp_remark", "dscp_mismatch"), [])
    far = read(t, [replace(p, ttl=61) if p.kind == "rtp" and p.t > START + 2.5 else p for p in call(seconds=4)])
    t.counter("another way takes more hops", (of(far, "caller")["ttl_min"], of(far, "caller")["ttl_max"]) == (61, 64))


def tagged(t):
    """802.1p: media of priority 5, signalling of 3; the callee's media loses it after 3 s. The inner tag of two says nothing."""
    def tag(packet, p):
        lost = p.kind == "rtp" and p.src == BOB and p.t > START + 4
        priority = 0 if lost else 5 if p.kind == "rtp" else 3
        return ether(packet, (priority << 13 | 7, 1 << 13 | 8) if two else (priority << 13 | 7,))
    for two in (False, True):
        r = t.read(frames(call(seconds=6), link=tag))[0]
        t.equal("priority of RTP", [(of(r, k)["pcp_min"], of(r, k)["pcp_max"]) for k in ("caller", "callee")], [(5, 5), (0, 5)])
        t.equal("priority of SIP", [(r["sip_dscp"][k]["pcp_min"], r["sip_dscp"][k]["pcp_max"]) for k in ("caller", "callee")], [(3, 3)] * 2)
    r = read(t, call(seconds=4))
    t.counter("no tag, no priority", (of(r, "caller")["pcp_min"], of(r, "caller")["pcp_max"]) == (None, None))


def in_time(t):
    """46 becomes 0 after 3 s, one way."""
    changed = marked(call(seconds=6), lambda p: 0 if p.src == ALICE and p.t >= START + 4.05 else 46, plain)
    r = read(t, changed)
    t.equal("marks", (marks(of(r, "caller")), marks(of(r, "callee"))), ((46, 0, 46, 1), (46, 46, 46, 0)))
    found = labels(r, "dscp_remark")
    t.equal("remarked", [(x["direction"], x["side"], x["sid"], x["evidence"]) for x in found],
            [("caller_to_callee", "before_tap", of(r, "caller")["sid"], {"before": 46, "after": 0})])
    t.check("nobody hears that", r["summary"] is None)
    t.equal("counted", t.counters_of(frames(changed))['earshot_call_diagnoses_total{label="dscp_remark"}'], 1)
    t.counter("46 to the end", not labels(read(t, marked(call(seconds=6), plain, plain)), "dscp_remark"))
    t.counter("off", not labels(read(t, changed, "--set", "diagnosis.dscp_remark=0"), "dscp_remark"))


def relayed(after):
    """A call through a proxy and a media relay, which sends what it passes on with the mark `after`."""
    d = Dialog()
    sip = signalling(d, 5.0, offer=sdp(ALICE, 4000), answer=sdp(RELAY_IN, 5000))
    far = signalling(replace(d, branch="z9hG4bK2"), 5.0, offer=sdp(RELAY_OUT, 5002), answer=sdp(BOB, 6000))
    packets = []
    for n, ((at, forth, near), (_, _, beyond)) in enumerate(zip(sip, far)):
        way = [(ALICE, RELAY_IN, near), (RELAY_OUT, BOB, beyond)] if forth else [(BOB, RELAY_OUT, beyond), (RELAY_IN, ALICE, near)]
        packets += [Packet(at + 0.002 * hop, src, 5060, dst, 5060, text, ipid=2 * n + hop + 1, tos=46 << 2, kind="sip")
                    for hop, (src, dst, text) in enumerate(way)]
    for src, sport, dst, dport, start, ssrc, mark in (
            (ALICE, 4000, RELAY_IN, 5000, 1.05, 0x1111, 46), (RELAY_OUT, 5002, BOB, 6000, 1.051, 0x1111, after),
            (BOB, 6000, RELAY_OUT, 5002, 1.06, 0x2222, 46), (RELAY_IN, 5000, ALICE, 4000, 1.061, 0x2222, 46)):
        packets += [replace(p, tos=mark << 2, ipid=(n * 4 + dport) & 0xffff or 1)
                    for n, p in enumerate(media(src, sport, dst, dport, 5, START + start, ssrc))]
    return sorted(packets, key=lambda p: p.t)


def between_hops(t):
    r = read(t, relayed(0))
    t.equal("four streams", sorted((s["party"], s["dscp_first"]) for s in r["streams"]),
            [("callee", 46), ("callee", 46), ("caller", 0), ("caller", 46)])
    t.equal("the relay changed the mark of one direction", [(x["direction"], x["evidence"]) for x in labels(r, "dscp_remark")],
            [("caller_to_callee", {"before": 46, "after": 0})])
    t.counter("a relay that keeps it", not labels(read(t, relayed(46)), "dscp_remark"))


def policy(t):
    """What the settings allow."""
    packets = marked(call(seconds=4), lambda p: 46 if p.src == ALICE else 0, signalling_mark)
    rules = ("--set", "diagnosis.dscp_rtp=46, 34", "--set", "diagnosis.dscp_sip=24")
    found = labels(read(t, packets, *rules), "dscp_mismatch")
    t.equal("both kinds", sorted((x["direction"], *x["evidence"].items()) for x in found),
            [("callee_to_caller", ("dscp", 0)), ("callee_to_caller", ("sip_dscp", 26))])
    t.equal("a counter of streams", t.counters_of(frames(packets), *rules)["earshot_rtp_dscp_mismatch_total"], 1)
    t.counter("no policy, no mismatch", not labels(read(t, packets), "dscp_mismatch"))
    t.counter("a wider policy", not labels(read(t, packets, "--set", "diagnosis.dscp_rtp=0, 46", "--set", "diagnosis.dscp_sip=24, 26"),
                                           "dscp_mismatch"))
    path = t.path()
    write(path, frames(packets))
    t.run("read", "--set", "diagnosis.dscp_rtp=64", path, code=2)
