"""R02: each answered call is counted once, under what became of its recording."""
import json, os, signal

from confine import decoder_of
from craft import *
from disks import Stream, ticks
from feature import feature
from pausing import order
from protect import Protector
from rtcp import pcapng
from service import in_namespace, wait_for
from users_api import FileService
from srtp import both, protect, secured


def numbered(packets, number):
    """The same call as another one: its own Call-ID, addresses and time."""
    mine = lambda addr: addr.rsplit(".", 1)[0] + f".{int(addr.rsplit('.', 1)[1]) + 2 * number}"
    text = lambda data: data.replace(b"c1@test", b"c%d@test" % number).replace(b"z9hG4bK", b"z9hG4bK%d" % number) if b"SIP/2.0" in data else data
    swap = lambda data: text(data).replace(ALICE.encode(), mine(ALICE).encode()).replace(BOB.encode(), mine(BOB).encode())
    sized = lambda data: refit(swap(data)) if b"SIP/2.0" in data else data
    return [replace(p, t=p.t + number * 0.001, src=mine(p.src), dst=mine(p.dst), data=sized(p.data)) for p in packets]


def refit(message):
    """Content-Length of a message whose body has changed."""
    head, _, body = message.partition(b"\r\n\r\n")
    lines = [b"Content-Length: %d" % len(body) if line.startswith(b"Content-Length:") else line for line in head.split(b"\r\n")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def evs():
    return [replace(p, data=p.data.replace(b"PCMU/8000", b"EVS/16000").replace(b"AVP 0\r\n", b"AVP 97\r\n").replace(b"rtpmap:0 ", b"rtpmap:97 "))
            if p.kind == "sip" else replace(p, data=p.data[:1] + bytes([p.data[1] & 0x80 | 97]) + p.data[2:]) for p in call(seconds=4)]


DAYS = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"}


def mixed():
    """(kind, packets): calls that end in each way that needs no rule and no broken disk."""
    a, b = (Protector("AES_CM_128_HMAC_SHA1_80", x) for x in "ab")
    refused = [p for p in call(voice=False) if p.kind == "sip"][:1]
    busy = Packet(START + 0.5, BOB, 5060, ALICE, 5060, Dialog().response(486, "Busy Here", "INVITE", 1), kind="sip")
    return ([("recorded", call(seconds=4))] * 3 + [("recorded", secured(a.attribute(), b.attribute()) + protect(both(), a, b))] +
            [("encrypted", secured("", "") + protect(both(), a, b))] * 2 + [("no_rtp", call(voice=False, seconds=4))] * 4 +
            [("undecodable", [replace(p, data=refit(p.data)) if p.kind == "sip" else p for p in evs()])] * 2 + [(None, refused + [busy])] * 5)


@feature("R02", "coverage: a mix of answered calls, each counted once under its reason; refused ones are none of them")
@in_namespace
def coverage(t):
    calls = mixed()
    packets = sorted([p for n, (_, c) in enumerate(calls) for p in numbered(c, n)], key=lambda p: p.t)
    truth = {}
    for result, _ in calls:
        if result:
            truth[result] = truth.get(result, 0) + 1
    span = "?from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
    with FileService(t, packets, "[recording]\ndefault = record\n") as s:
        wait_for("all are rendered", lambda: len(s.list("calls", **DAYS)) == len(calls) and s.get("/api/v1/coverage" + span)["results"]["waiting"] == 0)
        found = s.get("/api/v1/coverage" + span)
        t.equal("results", {k: v for k, v in found["results"].items() if v}, truth)
        t.equal("their sum", sum(found["results"].values()), found["answered"])
        t.equal("answered", found["answered"], sum(truth.values()))
        t.equal("ratio", found["recorded_ratio"], round(truth["recorded"] / sum(truth.values()), 6))
        t.equal("another day", s.get("/api/v1/coverage?from=2023-11-16T00:00:00Z&to=2023-11-17T00:00:00Z")["answered"], 0)
        t.equal("bad time", s.status("/api/v1/coverage?from=never"), 400)
        t.equal("unknown parameter", s.status("/api/v1/coverage?form=1"), 400)
    with FileService(t, packets, "[recording]\ndefault = metadata-only\n") as s:
        wait_for("all are there", lambda: len(s.list("calls", **DAYS)) == len(calls))
        results = s.get("/api/v1/coverage" + span)["results"]
        t.counter("what the rules leave out is called otherwise", results["rule"] == sum(truth.values()) and results["recorded"] == 0)


# ---- every reason

def placed(packets, number, at, to=None):
    """The same call as another one, at another time; with `to` another callee."""
    def text(data):
        data = data.replace(b"c1@test", b"c%d@test" % number).replace(b"z9hG4bK", b"z9hG4bK%d" % number)
        return data.replace(b"sip:bob@", b"sip:%s@" % to.encode()) if to else data
    return [replace(p, t=p.t + at, data=text(p.data) if p.kind == "sip" else p.data) for p in packets]


def one_sided():
    return [p for p in call(seconds=12) if not (p.kind == "rtp" and p.src == BOB)]


def headless():
    """Seen from the ACK on."""
    return [p for p in call(seconds=2) if p.t > START + 1.01]


RULES = """[recording]
default = record
on_demand_wait = 0
time_zone = UTC
[limits]
flows = 16
[pause]
sip_from = caller
[retention]
min_free = 0
[rule lawyer]
callee = lawyer
action = skip
[rule figures]
callee = figures
action = headers-only
[rule ask]
callee = ask
action = on-demand
[rule brief]
callee = brief
action = record
min_duration = 10s
"""


def paused():
    """From the answer on, to the end."""
    return call(seconds=2) + order(Dialog(), 1.01, "X-Record-Control: pause\r\n")


def beheaded():
    """Seen from the first response on."""
    return [p for p in call(seconds=2) if p.t > START]


class Mix:
    """Two hundred calls and what becomes of them: [(result, flags, packets)], one after the other, 30 s apart, in four parts."""

    def __init__(self):
        a, b = (Protector("AES_CM_128_HMAC_SHA1_80", x) for x in "ab")
        self.drops, self.count = {}, 0
        plain = call(seconds=2)
        single = one_sided() # among others that are whole: else it is the mirror port that shows one side alone
        kinds = [("recorded", (), plain, None)] * 10 + [("recorded", (), plain, None), ("recorded", ("one_way",), single, None), ("recorded", (), plain, None)] * 13
        kinds += [("recorded", ("partial",), beheaded(), None)] * 2
        kinds += [("rule", (), plain, "lawyer")] * 20
        kinds += [("rule", (), plain, "figures")] * 10 + [("rule", (), plain, "brief")] * 10 + [("on_demand_dropped", (), plain, "ask")] * 20
        kinds += [("no_rtp", (), call(voice=False, seconds=2), None)] * 24 + [("encrypted", (), secured("", "") + protect(both(), a, b), None)] * 12
        kinds += [("undecodable", (), [replace(p, data=refit(p.data)) if p.kind == "sip" else p for p in evs()], None)] * 12
        kinds += [("paused_all", (), paused(), None)] * 8
        self.healthy = self.placed(kinds)
        self.healthy += self.lossy(self.placed([("capture_drop", (), call(voice=False, seconds=2), None)] * 3))
        self.first = self.placed([("recorded", (), plain, None)])
        self.damaged = self.placed([("failed", ("truncated",), plain, None)] * 4)
        self.refused = self.placed([("disk", ("truncated",), plain, None)] * 5)
        crowd = [replace(p, t=p.t + 30 * self.count) for p in plain] # twenty at once, of which sixteen find room, with one side each
        self.crowd = [("recorded" if n < 16 else "over_limit", ("truncated",), [replace(p, t=p.t - 0.0009 * (n + 1)) for p in numbered(crowd, n + 1)]) for n in range(20)]
        self.calls = self.healthy + self.first + self.damaged + self.refused + self.crowd

    def placed(self, kinds):
        out = [(result, flags, placed(packets, 1000 + self.count + n, 30 * (self.count + n), to)) for n, (result, flags, packets, to) in enumerate(kinds)]
        self.count += len(kinds)
        return out

    def lossy(self, calls):
        for _, _, packets in calls:
            packets.sort(key=lambda p: p.t)
            self.drops[id(packets[3])] = 200
            packets += ticks(packets[3].t + 0.01, packets[3].t + 1.2, 0.002) # what a file says of drops is looked at now and then
        return calls

    def all(self):
        return sorted([p for _, _, c in self.calls for p in c], key=lambda p: p.t)


def followed(calls):
    """Their packets, and time going on for a while."""
    packets = sorted([p for _, _, c in calls for p in c], key=lambda p: p.t)
    return packets + ticks(packets[-1].t + 0.1, packets[-1].t + 16)


def truth_of(calls, flagged=False):
    found = {}
    for result, marks, _ in calls:
        key = (result, marks) if flagged else result
        found[key] = found.get(key, 0) + 1
    return found


def results_of(records):
    """{(result, flags): calls} of records."""
    out = {}
    for r in records:
        g = r["recording"]
        if g:
            key = g["result"], tuple(f for f in ("one_way", "partial", "truncated", "recovered") if g[f])
            out[key] = out.get(key, 0) + 1
    return out


def zeroed(path, since):
    with open(path, "r+b") as f:
        f.seek(0, 2)
        end = f.tell()
        f.seek(since)
        f.write(bytes(end - since))


def through(s, mix):
    """The four parts: on a disk that is well; with media that is damaged before it is decoded; on a full disk; well again."""
    path = "/api/v1/coverage?from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"

    def settled(calls, waiting=0):
        return wait_for(f"{calls} are settled", lambda: (lambda c: c if c["answered"] == calls and c["results"]["waiting"] == waiting else None)(s.get(path)), 60)

    s.feed(followed(mix.healthy), mix.drops)
    done = len(mix.healthy)
    settled(done)
    decoder = decoder_of(s)
    os.kill(decoder, signal.SIGSTOP)
    s.feed(followed(mix.first))
    settled(done + 1, 1)
    segment, size = s.media_segment()
    s.feed(followed(mix.damaged))
    done += 1 + len(mix.damaged)
    settled(done, 1 + len(mix.damaged))
    zeroed(segment, size)
    os.kill(decoder, signal.SIGCONT)
    settled(done)
    before = s.counter("earshot_spool_errors_total")
    s.fill()
    s.feed(followed(mix.refused))
    wait_for("the disk refuses", lambda: s.counter("earshot_spool_errors_total") > before + 10)
    s.empty()
    settled(done + len(mix.refused))
    s.feed(followed(mix.crowd))
    s.finish()
    return settled(len(mix.calls))


@feature("R02", "coverage: two hundred calls with every reason there is; list, table, metric, report and their sums say the same")
@in_namespace
def every_reason(t):
    mix = Mix()
    t.equal("calls", len(mix.calls), 200)
    truth = truth_of(mix.calls)
    with Stream(t, RULES, megabytes=64) as s:
        table = through(s, mix)
        t.equal("the table", {k: v for k, v in table["results"].items() if v}, truth)
        t.equal("every reason that there is", sorted(truth), sorted(r for r in table["results"] if r != "waiting"))
        t.equal("its sum is the number of answered calls", (sum(table["results"].values()), table["answered"]), (200, 200))
        counted = {r: s.counter(f'earshot_coverage_calls_total{{result="{r}"}}') for r in table["results"] if r != "waiting"}
        t.equal("the metric", {k: v for k, v in counted.items() if v}, truth)
        t.equal("flags", results_of(s.list("calls", limit=1000, **DAYS)), truth_of(mix.calls, True))
        wanted = 200 - truth["rule"]
        t.equal("ratio", table["recorded_ratio"], round(truth["recorded"] / wanted, 6))
        t.equal("no record was lost", s.counter("earshot_db_records_lost_total"), 0)
    path = t.path()
    pcapng(path, mix.all(), {n: mix.drops[id(p)] for n, p in enumerate(mix.all()) if id(p) in mix.drops})
    conf = t.path("conf")
    with open(conf, "w") as f:
        f.write(RULES)
    for r in ("disk", "failed"): # where the disk is well
        truth["recorded"] += truth.pop(r)
    report = json.loads(t.run("read", "--coverage", "--json", "--config", conf, "--record", t.path("audio"), path).stdout)
    t.equal("the report", ({k: v for k, v in report["results"].items() if v}, report["answered"]), (truth, 200))
    text = t.run("read", "--coverage", "--config", conf, "--record", t.path("audio"), path).stdout
    t.check(f"for people: {text}", all(any(line.split()[:2] == [result, str(n)] for line in text.splitlines()) for result, n in truth.items()))
    roomy = t.run("read", "--coverage", "--json", "--config", conf, "--set", "limits.flows=1000", "--record", t.path("audio"), path).stdout
    t.counter("with room for all nothing is over the limit", json.loads(roomy)["results"]["over_limit"] == 0)


@feature("R02", "what our own capture lost is capture_drop, a call whose beginning is not there is partial")
def lost_by_ourselves(t):
    silent = call(voice=False, seconds=2)
    folder = t.path("audio")
    told = t.path("pcapng")
    pcapng(told, silent, {3: 200, len(silent) - 2: 200})
    lost, = t.read(told, "--record", folder)
    t.equal("frames were lost by the capture", lost["recording"]["result"], "capture_drop")
    kept, = t.read(frames(silent), "--record", t.path("audio"))
    t.counter("nothing was lost", kept["recording"]["result"] == "no_rtp")
    part = [r for r in t.read(frames(headless()), "--record", t.path("audio")) if r["recording"]]
    t.check(f"partial: {part}", part and all(r["recording"]["partial"] for r in part if r["kind"] == "call"))
