"""Findings: for each detector a hit, a near miss (one less, or the harmless thing that looks like it) and a flapping case: it stops
and begins again, and stays one finding. Ids A-S* are those of docs/findings.md. Messages and times are made here, so that each
threshold is met exactly."""
import datetime

import craft
from craft import ALICE, BOB, START, Packet, frames
from calls import plain, voice
from feature import feature
from users_api import FileService

EVIL, PBX = "203.0.113.66", "10.0.0.2"
QUIET = 300


def message(start, user="100", src=EVIL, cseq=1, method="OPTIONS", branch="b", agent="", from_="", headers="", to_tag="", call_id="", vias=(),
            from_tag="f"):
    via = "".join(f"Via: SIP/2.0/UDP {v};branch=z9hG4bK{branch}{n}\r\n" for n, v in enumerate(vias or (src,)))
    return (f"{start}\r\n{via}From: {from_ or f'<sip:{user}@{PBX}>'};tag={from_tag}\r\nTo: <sip:{user}@{PBX}>{to_tag and ';tag=' + to_tag}\r\n"
            f"Call-ID: {call_id or branch}@x\r\nCSeq: {cseq} {method}\r\nContact: <sip:{user}@{src}:5060>\r\n"
            f"{f'User-Agent: {agent}' + chr(13) + chr(10) if agent else ''}{headers}Content-Length: 0\r\n\r\n").encode()


class Scene:
    """Messages between addresses; t in seconds."""

    def __init__(self):
        self.packets = []
        self.n = 0

    def send(self, t, src, dst, data):
        self.packets.append(Packet(START + t, src, 5060, dst, 5060, data, ipid=len(self.packets) & 0xffff, kind="sip"))
        return self

    def ask(self, t, method="OPTIONS", user="100", src=EVIL, dst=PBX, code=None, phrase="Whatever", rtt=0.02, answer_headers="", branch=None, **kw):
        """A request and, with a code, its answer."""
        self.n += 1
        branch = branch or f"{src}-{self.n}-{t}"
        self.send(t, src, dst, message(f"{method} sip:{user}@{dst} SIP/2.0", user, src, method=method, branch=branch, **kw))
        if code:
            kw.pop("agent", None)
            kw["headers"] = answer_headers
            kw["to_tag"] = kw.get("to_tag") or "answer"
            self.send(t + rtt, dst, src, message(f"SIP/2.0 {code} {phrase}", user, src, method=method, branch=branch, **kw))
        return self

    def tick(self, t):
        """Time passes: a harmless packet."""
        return self.send(t, "10.99.0.1", "10.99.0.2", b"\r\n\r\n")


def findings(t, packets, *options):
    packets = packets.packets if isinstance(packets, Scene) else packets
    lines = t.read(frames(sorted(packets, key=lambda p: p.t)), "--findings", "--no-orphans", *options)
    return [line["finding"] for line in lines if "finding" in line]


def only(t, what, packets, detector, *options):
    """The one finding of that detector; others must not be there."""
    got = findings(t, packets, *options)
    t.equal(f"{what}: findings", [f["detector"] for f in got], [detector])
    return got[0]


def quiet(t, what, packets, *options):
    t.counter(what + f": {[(f['detector'], f['detail']) for f in findings(t, packets, *options)]}", findings(t, packets, *options) == [])


def at(f, key):
    when = f[key]
    return when and round(datetime.datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp() - START, 2)


def flaps(t, what, make, detector, again=400, *options):
    """`make(t0)` is a hit that begins at t0. Again at once it is one finding; after a quiet time it opens again; much later it is another."""
    soon = only(t, f"{what}, again before it was cleared", make(0).packets + make(120).packets, detector, *options)
    t.equal(f"{what}: two episodes, still open", (soon["episodes"], soon["state"]), (2, "open"))
    once = only(t, f"{what}, once", make(0).tick(QUIET + 200).packets, detector, *options)
    t.equal(f"{what}: cleared after the quiet time", (once["state"], at(once, "cleared_at")), ("cleared", round(at(once, "updated_at") + QUIET, 2)))
    back = only(t, f"{what}, back after it was cleared", make(0).tick(350).packets + make(again).packets, detector, *options)
    t.equal(f"{what}: the same finding once more", (back["episodes"], back["state"], back["uid"] == once["uid"], back["first_at"]), (2, "open", True, once["first_at"]))
    late = findings(t, make(0).tick(4000).packets + make(4500).packets, *options)
    t.equal(f"{what}: long after that it is a new one", [(f["detector"], f["episodes"]) for f in late], [(detector, 1), (detector, 1)])


# ---- A-S1

@feature("A-S1", "scanner: by its User-Agent or its From")
def scanner(t):
    def scan(t0, **kw):
        return Scene().ask(t0, code=200, **kw)
    f = only(t, "friendly-scanner", scan(0, agent="friendly-scanner"), "scanner")
    t.equal("what it says", (f["detector_id"], f["severity"], f["state"], f["src_ip"], f["src_port"], f["dst_ip"], f["count"], f["samples"], f["sources"]),
            ("A-S1", "warning", "open", EVIL, 5060, PBX, 1, ["friendly-scanner"], [f"{EVIL}:5060"]))
    for agent in ("sipvicious", "sipcli/v1.8", "sipsak 0.9", "SUNDAYDDR", "VaxSIPUserAgent/3.1", "SIP Call", "SimpleSIP 1", "pplsip"):
        only(t, agent, scan(0, agent=agent), "scanner")
    for from_ in ("<sip:100@1.1.1.1>", "<sip:nm@nm>", '"sipvicious" <sip:1@x>'):
        t.equal(from_, only(t, from_, scan(0, agent="FPBX", from_=from_), "scanner")["count"], 1)
    many = Scene()
    for i in range(6):
        many.ask(i * 10, agent="friendly-scanner", code=200, dst=f"10.0.1.{i + 1}")
    f = only(t, "six requests", many, "scanner")
    t.equal("are one finding", (f["count"], f["episodes"], len(f["destinations"])), (6, 1, 6))
    for agent in ("Acme SIP Caller 2", "friendly-phone", "FPBX-16", "Cisco-SIPGateway"):
        quiet(t, agent, scan(0, agent=agent))
    quiet(t, "100 elsewhere", scan(0, from_="<sip:100@10.0.0.1>"))
    quiet(t, "a response of such software is none", Scene().send(0, EVIL, PBX, message("SIP/2.0 200 OK", agent="sipsak 0.9", to_tag="x")))
    quiet(t, "allowed network", scan(0, agent="sipvicious"), "--set", "findings.allow_networks=203.0.113.0/24")
    quiet(t, "allowed software", scan(0, agent="sipvicious"), "--set", "findings.allow_user_agents=SIPVICIOUS")
    quiet(t, "off", scan(0, agent="sipvicious"), "--set", "findings.scanner=off")
    quiet(t, "all off", scan(0, agent="sipvicious"), "--set", "findings.enabled=no")
    for wrong in ("scanner=1", "scanner=0/60s", "sweep=many", "flood_source=5/2s", "trunk_down=3/60s", "allow_networks=10.0.0.0/33", "allow_networks=x"):
        t.check(f"{wrong} is refused by name", wrong.split("=")[0] in t.run("read", "--set", f"findings.{wrong}", "x.pcap", code=2).stderr)
    only(t, "another network allowed", scan(0, agent="sipvicious"), "scanner", "--set", "findings.allow_networks=203.0.112.0/24")
    flaps(t, "scanner", lambda t0: scan(t0, agent="sipcli"), "scanner")


# ---- A-S2

@feature("A-S2", "request rate: ten in five seconds without success")
def request_rate(t):
    def burst(t0, n=10, gap=0.45, **kw):
        s = Scene()
        for i in range(n):
            s.ask(t0 + i * gap, method=("REGISTER", "OPTIONS", "INVITE")[i % 3], **kw)
        return s
    f = only(t, "ten in 4 s", burst(0), "request_rate")
    t.equal("what it says", (f["count"], at(f, "first_at"), at(f, "opened_at"), f["threshold"], f["window_ms"], f["severity"]), (10, 0, 4.05, 10, 5000, "warning"))
    t.equal("methods", sorted(f["samples"]), ["REGISTER"])
    quiet(t, "nine", burst(0, n=9))
    quiet(t, "ten in 9 s", burst(0, gap=1))
    quiet(t, "with success", Scene().ask(0, code=200).ask(2, code=200).packets + burst(0.5, n=8).packets)
    answered = burst(0, n=20)
    answered.packets += Scene().ask(1.9, code=200).ask(3.9, code=200).ask(6.1, code=200).packets
    quiet(t, "each time before it was enough, an answer", answered)
    quiet(t, "retransmissions are one request", Scene().ask(0, branch="same").packets + sum((Scene().ask(i * 0.3, branch="same").packets for i in range(12)), []))
    only(t, "a lower limit", burst(0, n=4, gap=0.5), "request_rate", "--set", "findings.request_rate=4/5s")
    flaps(t, "request rate", burst, "request_rate")


# ---- A-S3

@feature("A-S3", "enumeration: five users in a minute that there are not")
def enumeration(t):
    def walk(t0, n=5, code=404, gap=1.5, **kw):
        s = Scene()
        for i in range(n):
            s.ask(t0 + i * gap, method="REGISTER", user=f"{100 + i}", code=code, **kw)
        return s
    f = only(t, "five in 6 s", walk(0), "enumeration")
    t.equal("what it says", (f["count"], sorted(f["samples"]), f["src_ip"], f["dst_ip"]), (5, ["100", "101", "102", "103", "104"], EVIL, PBX))
    t.equal("seven", only(t, "seven", walk(0, n=7), "enumeration")["count"], 7)
    quiet(t, "four", walk(0, n=4))
    quiet(t, "five in two minutes", walk(0, gap=25))
    same = Scene()
    for i in range(8):
        same.ask(i * 2, method="REGISTER", user="100", code=404)
    quiet(t, "one user eight times", same)
    busy = Scene()
    for i in range(6):
        busy.ask(i * 2, method="INVITE", user=f"2{i}", code=200).ask(i * 2 + 0.5, method="INVITE", user=f"1{i}", code=404)
    quiet(t, "as many are there", busy)
    login = Scene()
    for i in range(8):
        login.ask(i * 0.5, method="REGISTER", user=f"u{i}", code=401).ask(i * 0.5 + 0.1, method="REGISTER", user=f"u{i}", cseq=2, code=200)
    quiet(t, "eight telephones behind one address log in", login)
    only(t, "challenged, and never came back", walk(0, n=10, code=401, gap=1.5), "enumeration")
    flaps(t, "enumeration", walk, "enumeration")


# ---- A-S4

@feature("A-S4", "sweep: ten addresses in a minute")
def sweep(t):
    def walk(t0, n=10, gap=2, **kw):
        s = Scene()
        for i in range(n):
            s.ask(t0 + i * gap, dst=f"10.0.1.{i + 1}", **kw)
        return s
    f = only(t, "ten in 18 s", walk(0), "sweep")
    t.equal("what it says", (f["count"], f["dst_ip"], f["episodes"]), (10, "10.0.1.10", 1))
    only(t, "all of them answer", walk(0, code=200), "sweep")
    quiet(t, "nine", walk(0, n=9))
    quiet(t, "ten in two minutes", walk(0, gap=12))
    server = Scene().ask(-1, src="10.5.5.5", dst=EVIL, code=200)
    quiet(t, "a server watches its telephones", server.packets + walk(0, n=15, code=200).packets)
    only(t, "a server to whom nobody answers", server.packets + walk(0).packets, "sweep")
    flaps(t, "sweep", walk, "sweep")


# ---- A-S5

CREDENTIALS = 'Authorization: Digest username="alice", realm="pbx", nonce="n", uri="sip:pbx", response="00"\r\n'
CHALLENGE = 'WWW-Authenticate: Digest realm="pbx", nonce="n"\r\n'


def guess(t0, n=10, user="alice", src=EVIL, code=401, gap=2, answer_headers=CHALLENGE, each=None):
    s = Scene()
    for i in range(n):
        s.ask(t0 + i * gap, method="REGISTER", user=each(i) if each else user, src=src, cseq=i + 1, code=code, headers=CREDENTIALS, answer_headers=answer_headers)
    return s


NO_OTHERS = ("--set", "findings.enumeration=off", "--set", "findings.request_rate=off")


@feature("A-S5", "brute force: ten wrong passwords of a user, thirty of a source, a hundred a day; success after that is critical")
def brute_force(t):
    f = only(t, "ten", guess(0), "brute_force")
    t.equal("what it says", (f["subject"], f["rule"], f["count"], f["severity"], f["src_ip"]), ("alice@10.0.0.2", "brute_force_user", 10, "warning", EVIL))
    quiet(t, "nine", guess(0, n=9))
    quiet(t, "ten in three minutes", guess(0, gap=20))
    quiet(t, "stale", guess(0, answer_headers=CHALLENGE.replace('"n"', '"n", stale=true')))
    got = findings(t, guess(0, n=30, gap=1, each=lambda i: f"user{i}"), *NO_OTHERS)
    t.equal("a source with thirty users", [(x["rule"], x["count"], x["subject"]) for x in got], [("brute_force_source", 30, None)])
    quiet(t, "twenty-nine", guess(0, n=29, gap=1, each=lambda i: f"user{i}"), *NO_OTHERS)
    slow = findings(t, guess(0, n=100, gap=600), *NO_OTHERS)
    t.equal("slowly", sorted(x["rule"] for x in slow), ["brute_force_source_slow", "brute_force_user_slow"])
    quiet(t, "ninety-nine", guess(0, n=99, gap=600), *NO_OTHERS)
    found = guess(0).ask(25, method="REGISTER", user="alice", cseq=99, headers=CREDENTIALS, code=200)
    f = only(t, "found", found, "brute_force")
    t.equal("critical", f["severity"], "critical")
    rightful = guess(0).ask(25, method="REGISTER", user="alice", src=ALICE, cseq=99, headers=CREDENTIALS, code=200)
    t.counter("the user himself, from elsewhere", only(t, "user", rightful, "brute_force")["severity"] == "warning")
    mistyped = Scene()
    for i in range(8):
        mistyped.packets += guess(i * 5, n=4, gap=0.5, user=f"u{i}").packets
        mistyped.ask(i * 5 + 3, method="REGISTER", user=f"u{i}", cseq=9, headers=CREDENTIALS, code=200)
    quiet(t, "people behind one address who mistype", mistyped, *NO_OTHERS)
    quiet(t, "allowed user", guess(0), "--set", "findings.allow_numbers=alice")
    flaps(t, "brute force", lambda t0: guess(t0), "brute_force")


# ---- A-S6

def challenged(t0=0, challenger=EVIL, by_callee=True, code=407, credentials=True, knows=False):
    """EVIL calls ALICE; ALICE hangs up and is asked for a password."""
    s = Scene()
    if knows:
        s.ask(t0 - 5, method="REGISTER", user="alice", src=ALICE, dst=challenger, code=401)
    c = f"call{t0}"
    def one(at, src, dst, start, method, cseq, tags, body_of=None, headers="", via=EVIL):
        s.send(at, src, dst, message(start, "alice", via, cseq, method, f"{c}{method}{cseq}", from_tag=tags[0], to_tag=tags[1], call_id=c, headers=headers))
    one(t0, EVIL, ALICE, f"INVITE sip:alice@{ALICE} SIP/2.0", "INVITE", 1, ("f", ""))
    one(t0 + 1, ALICE, EVIL, "SIP/2.0 200 OK", "INVITE", 1, ("f", "a"))
    one(t0 + 1.1, EVIL, ALICE, f"ACK sip:alice@{ALICE} SIP/2.0", "ACK", 1, ("f", "a"))
    tags, src, dst = (("a", "f"), ALICE, EVIL) if by_callee else (("f", "a"), EVIL, ALICE)
    for n in range(2 if credentials else 1):
        one(t0 + 5 + n, src, dst, f"BYE sip:x@{dst} SIP/2.0", "BYE", 10 + n, tags, headers=CREDENTIALS.replace("Auth", "Proxy-Auth") if n else "", via=src)
        one(t0 + 5.1 + n, dst, src, f"SIP/2.0 {200 if n else code} X", "BYE", 10 + n, tags, via=src)
    return s


@feature("A-S6", "digest leak: a callee that hangs up is asked for a password by the caller")
def digest_leak(t):
    f = only(t, "asked and given", challenged(), "digest_leak")
    t.equal("critical", (f["severity"], f["src_ip"], f["dst_ip"], len(f["calls"]), f["samples"]), ("critical", EVIL, ALICE, 1, ["BYE", "credentials sent"]))
    f = only(t, "asked only", challenged(credentials=False, code=401), "digest_leak")
    t.equal("warning", (f["severity"], f["count"]), ("warning", 1))
    quiet(t, "refused in another way", challenged(code=403, credentials=False))
    quiet(t, "a peer with whom the callee logs in", challenged(knows=True))
    quiet(t, "a request of the caller", challenged(by_callee=False))
    flaps(t, "digest leak", lambda t0: challenged(t0, credentials=False), "digest_leak")


# ---- A-S7

@feature("A-S7", "flood: over the limit from or to one address, or many times what is usual")
def flood(t):
    small = ("--set", "findings.flood_source=50/1s", "--set", "findings.flood_destination=100/1s", "--set", "findings.request_rate=off",
             "--set", "findings.sweep=off")
    def burst(t0, n=50, srcs=1, gap=0.01):
        s = Scene()
        for i in range(n):
            s.ask(t0 + i * gap, method="MESSAGE", src=f"203.0.113.{66 + i % srcs}")
        return s
    f = only(t, "fifty in half a second", burst(0), "flood", *small)
    t.equal("what it says", (f["rule"], f["severity"], f["count"], f["src_ip"]), ("flood_source", "critical", 50, EVIL))
    quiet(t, "forty-nine", burst(0, n=49), *small)
    quiet(t, "with the limits as shipped", burst(0))
    f = only(t, "from many", burst(0, n=100, srcs=100, gap=0.005), "flood", *small)
    t.equal("to one", (f["rule"], f["dst_ip"], len(f["sources"])), ("flood_destination", PBX, 1))
    more = only(t, "more of it", burst(0, n=150, srcs=150, gap=0.005), "flood", *small)
    t.equal("sources, the first eight", (more["count"], len(more["sources"])), (150, 8))
    usual = Scene()
    for i in range(90):
        usual.ask(i, method="MESSAGE")
    f = only(t, "twenty times what is usual", usual.packets + burst(91, n=25).packets, "flood", *small, "--set", "findings.flood_destination=1000/1s")
    t.equal("under the limit", (f["count"] < 50, f["rule"]), (True, "flood_source"))
    quiet(t, "without a factor", usual.packets + burst(91, n=25).packets, *small, "--set", "findings.flood_factor=0")
    quiet(t, "a trifle", usual.packets + burst(91, n=10).packets, *small)
    flaps(t, "flood", burst, "flood", 400, *small, "--set", "findings.flood_destination=1000/1s")


# ---- A-S8

@feature("A-S8", "malformed: ten in a minute, a fifth of what the source sends")
def malformed(t):
    def junk(t0, n=10, gap=2, good=0):
        s = Scene()
        for i in range(n):
            s.send(t0 + i * gap, EVIL, PBX, b"OPTIONS sip:1@x SIP/2.0\r\nnonsense\r\n\r\n")
        for i in range(good):
            s.ask(t0 + i * 0.4, method="MESSAGE", code=200)
        return s
    f = only(t, "ten", junk(0), "malformed")
    t.equal("what it says", (f["count"], f["samples"], f["severity"]), (10, ["OPTIONS sip:1@x SIP/2.0"], "warning"))
    quiet(t, "nine", junk(0, n=9))
    quiet(t, "ten in two minutes", junk(0, gap=12))
    quiet(t, "ten among many good ones", junk(0, good=60))
    lacking = Scene()
    for i in range(10):
        lacking.send(i, EVIL, PBX, message("OPTIONS sip:1@x SIP/2.0", branch=str(i)).replace(b"CSeq: 1 OPTIONS\r\n", b"").replace(b"Call-ID", b"X-Id"))
    only(t, "without Call-ID and CSeq", lacking, "malformed")
    flaps(t, "malformed", junk, "malformed")


# ---- A-S10, B04

def spoofed(goes_on=True, src=EVIL):
    s = plain(seconds=10)
    s.ask(4, src, BOB, "BYE", "x", cseq=2, to_tag="tt1")
    if not goes_on:
        s.packets = [p for p in s.packets if p.t < START + 10]
    return s.packets + voice(9.8 if goes_on else 2.9)


def cancelled(by):
    s = Scene()
    for n, (at_, src, dst, start, method, tag) in enumerate((
            (0, ALICE, BOB, f"INVITE sip:bob@{BOB} SIP/2.0", "INVITE", ""), (0.5, BOB, ALICE, "SIP/2.0 180 Ringing", "INVITE", "t"),
            (2, by, BOB, f"CANCEL sip:bob@{BOB} SIP/2.0", "CANCEL", ""), (3, BOB, ALICE, "SIP/2.0 487 X", "INVITE", "t"))):
        s.send(at_, src, dst, message(start, "bob", ALICE, 1, method, "one", to_tag=tag))
    return s


@feature("A-S10", "spoofed teardown: a BYE or CANCEL by a stranger")
def spoofed_teardown(t):
    f = only(t, "BYE", spoofed(), "spoofed_teardown")
    t.equal("what it says", (f["severity"], f["src_ip"], f["dst_ip"], f["samples"], len(f["calls"])), ("critical", EVIL, BOB, ["BYE"], 1))
    f = only(t, "CANCEL", cancelled(EVIL), "spoofed_teardown")
    t.equal("CANCEL says", (f["samples"], f["src_ip"], len(f["calls"])), (["CANCEL"], EVIL, 1))
    quiet(t, "CANCEL of the caller", cancelled(ALICE))
    quiet(t, "the media ends with it", spoofed(goes_on=False))
    quiet(t, "a party's BYE", spoofed(src=ALICE))
    def later(t0):
        s = Scene()
        s.packets = [craft.replace(p, t=p.t + t0, data=p.data.replace(b"one", b"one%d" % t0)) for p in cancelled(EVIL).packets]
        return s
    flaps(t, "spoofed teardown", later, "spoofed_teardown")


@feature("B04", "a BYE of a stranger while media goes on is a finding that names the call")
def spoofed_bye(t):
    f = only(t, "BYE", spoofed(), "spoofed_teardown")
    calls = [r for r in t.read(frames(sorted(spoofed(), key=lambda p: p.t)), "--set", "capture.probe=earshot") if "finding" not in r]
    t.equal("one call", len(calls), 1)
    t.equal("its uid is the evidence", f["calls"] and len(f["calls"][0]), len(calls[0]["uid"]))
    quiet(t, "of a party it is none", spoofed(src=ALICE))


# ---- B03

@feature("B03", "answers without ACK are a finding")
def missing_ack(t):
    f = only(t, "missing", plain(ack=False, repeats=4, seconds=20).packets, "missing_ack")
    t.equal("who should have sent it", (f["src_ip"], f["dst_ip"], f["severity"], len(f["calls"])), (ALICE, BOB, "info", 1))
    quiet(t, "sent", plain(repeats=1).packets)
    quiet(t, "not seen, but the callee is content", plain(ack=False).packets)
    def later(t0):
        s = Scene()
        s.packets = [craft.replace(p, t=p.t + t0, data=p.data.replace(b"Call-ID: ", b"Call-ID: %d" % t0)) for p in plain(ack=False, repeats=4, seconds=20).packets]
        return s
    flaps(t, "missing ACK", later, "missing_ack")


# ---- B11

def pings(t0, answered, lost, src="10.0.0.10", dst="10.0.0.20", every=40):
    s = Scene()
    for i in range(answered + lost):
        s.ask(t0 + i * every, src=src, dst=dst, code=200 if i < answered else None)
    return s


@feature("B11", "OPTIONS without answer three times is a trunk that is down, until it answers")
def trunk_down(t):
    f = only(t, "three", pings(0, 2, 3).tick(220), "trunk_down")
    t.equal("what it says", (f["severity"], f["state"], f["src_ip"], f["dst_ip"], f["count"]), ("critical", "open", "10.0.0.10", "10.0.0.20", 3))
    quiet(t, "two", pings(0, 2, 2).tick(200))
    quiet(t, "nobody ever answered", pings(0, 0, 5).tick(300))
    only(t, "nor ten times", pings(0, 0, 11).tick(500), "trunk_down")
    long = only(t, "down for long", pings(0, 2, 30).tick(1400), "trunk_down")
    t.equal("stays open", (long["state"], long["episodes"]), ("open", 1))
    up = pings(0, 2, 3).packets + pings(200, 1, 0).tick(700).packets
    t.equal("up again: cleared when it stays so", only(t, "up", up, "trunk_down")["state"], "cleared")
    shaky = sum((pings(i * 200, 1, 4).packets for i in range(4)), []) + Scene().tick(850).packets
    f = only(t, "down, up, down", shaky, "trunk_down")
    t.equal("is one finding", (f["state"], f["episodes"]), ("open", 4))


# ---- service

@feature("A-S2", "findings in the API, in the metrics and in the log that a blocker reads")
def in_service(t):
    s = Scene().ask(0, code=200, agent="friendly-scanner\" src=10.0.0.1 finding=x")
    packets = s.packets + guess(10).packets
    with FileService(t, sorted(packets, key=lambda p: p.t)) as service:
        rows = service.list("findings")
        t.equal("both", sorted(f["detector"] for f in rows), ["brute_force", "scanner"])
        f = service.one("findings", detector="scanner")
        t.equal("by its id", service.get(f"/api/v1/findings/{f['uid']}")["uid"], f["uid"])
        for query, n in (({"source": EVIL}, 2), ({"source": "10.0.0.9"}, 0), ({"severity": "critical"}, 0), ({"severity": ["critical", "warning"]}, 2),
                         ({"state": "cleared"}, 0), ({"subject": "alice@10.0.0.2"}, 1), ({"destination": PBX}, 2),
                         ({"from": "2023-11-14T22:13:25Z"}, 1), ({"to": "2023-11-14T22:13:25Z"}, 1)):
            t.equal(f"{query}", len(service.list("findings", **query)), n)
        page = service.get("/api/v1/findings?limit=1")
        rest = service.get(f"/api/v1/findings?limit=1&cursor={page['page']['next_cursor']}")
        t.equal("pages", sorted(x["data"][0]["detector"] for x in (page, rest)) + [rest["page"]["has_more"]], ["brute_force", "scanner", False])
        for path, code in (("findings?detector=none", 400), ("findings?severity=bad", 400), ("findings?source=x", 400), ("findings?what=1", 400),
                           ("findings/none", 404), ("findings?from=2023-11-15T00:00:00Z&to=2023-11-14T00:00:00Z", 400)):
            t.equal(path, service.status(f"/api/v1/{path}"), code)
        t.equal("counted", (service.counter('earshot_findings_total{detector="scanner",severity="warning"}'),
                            service.counter('earshot_findings_total{detector="sweep",severity="warning"}')), (1, 0))
        lines = [line for line in service.said().splitlines() if "finding=" in line]
        t.equal("two lines", len(lines), 2)
        t.equal("sanitised", [line[line.index("finding="):].split(" uid=")[0] for line in lines if "scanner" in line],
                [f"finding=scanner src={EVIL} dst={PBX} id=A-S1 severity=warning count=1"])
        t.check("nothing of the sender's own", all(line.count("src=") == 1 and line.count("finding=") == 1 for line in (x.replace("friendly-scanner__src_10.0.0.1_finding_x", "") for x in lines)))
    with FileService(t, s.packets, "[findings]\nscanner = off\n") as service:
        t.counter("off: nothing", service.list("findings") == [])
