"""R10, R11, X47: what must not be recorded is in no file: pauses by API, keys and SIP; keys masked as events, tones and INFO; who may not pause does not."""
import io, json, math, os, random, socket, sqlite3, threading, time, urllib.error, urllib.request, wave

from all_legs import packets_of
from craft import *
from feature import feature
from keys import EVENT, offer, press, typed
from payloads import red
from recordings import goertzel, ulaw
from service import Service, everything, in_namespace, send, wait_for
from users_api import FileService

SPAN = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
RECORD = "[recording]\ndefault = record\n"
BY_SIP = RECORD + "[pause]\nsip_from = caller\n"
BY_KEYS = RECORD + "[pause]\ndtmf_from = caller\n"
SECRET_HZ = 1150
RATE = 8000


def alaw(sample):
    """ITU-T G.711."""
    sign, s = (0x80, sample) if sample >= 0 else (0, -sample - 1)
    s = min(max(s, 0), 32767) >> 3
    exponent = max(0, s.bit_length() - 5)
    code = s >> 1 if exponent == 0 else exponent << 4 | (s >> exponent) & 15
    return (sign | code) ^ 0x55


def sound(seconds, secret=(), seed=1, amplitude=500):
    """Noise, and a tone while nobody may listen."""
    r = random.Random(seed)
    out = [r.gauss(0, amplitude) for _ in range(int(seconds * RATE))]
    for a, b in secret:
        for i in range(int(a * RATE), min(int(b * RATE), len(out))):
            out[i] = 8000 * math.sin(2 * math.pi * SECRET_HZ * i / RATE)
    return out


def sent(samples, d, forth=True, ssrc=0x1111, law=ulaw, pt=0, ports=(4000, 6000), at=1.05):
    src, sport, dst, dport = (d.a, ports[0], d.b, ports[1]) if forth else (d.b, ports[1], d.a, ports[0])
    octets = bytes(law(max(-32000, min(32000, round(s)))) for s in samples)
    return [Packet(START + at + n * 0.02, src, sport, dst, dport, rtp(n + 100, 160 * n, ssrc, octets[n * 160:n * 160 + 160], pt, n == 0), kind="rtp")
            for n in range(len(octets) // 160)]


def order(d, at, headers, forth=True, cseq=10, body=b"", method="INFO"):
    """A request within the call, and its answer."""
    src, sport, dst, dport = (d.a, 5060, d.b, 5060) if forth else (d.b, 5060, d.a, 5060)
    ask = d.request(method, cseq, body, headers=headers)
    if not forth:
        ask = ask.replace(b'From: "Alice"', b"X: ").replace(b"To: ", b"Y: ").replace(b"X: ", b"To: ").replace(b"Y: ", b"From: ")
    return [Packet(START + at, src, sport, dst, dport, ask, kind="sip"),
            Packet(START + at + 0.01, dst, dport, src, sport, d.response(200, "OK", method, cseq), kind="sip")]


def talk(seconds, caller, callee, more=(), d=None, ends=None):
    d = d or Dialog()
    packets = call(d, seconds, voice=False, offer=offer(d.a, 4000), answer=offer(d.b, 6000))
    packets += sent(caller, d) + sent(callee, d, False, 0x2222) + list(more)
    packets = sorted(packets, key=lambda p: p.t)
    return [replace(p, ipid=n + 1) for n, p in enumerate(packets)]


def found(files, payloads):
    """How many of these payloads stand in some file, in whole or in a part of 40 octets."""
    return sum(any(p[60:100] in data for data in files.values()) for p in payloads)


def channels(data):
    with wave.open(io.BytesIO(data)) as w:
        samples = memoryview(w.readframes(w.getnframes())).cast("h")
    return [samples[0::2].tolist(), samples[1::2].tolist()]


def loud(samples, a, b, hz=SECRET_HZ):
    """The loudest of 50 ms within."""
    return max(goertzel(samples[i:i + 400], hz) for i in range(int(a * RATE), int(b * RATE) - 400, 200))


def level(samples, a, b):
    return max(abs(x) for x in samples[int(a * RATE):int(b * RATE)])


def recorded(t, packets, *options):
    folder = t.path("recordings")
    record, = t.read(frames(packets), "--record", folder, *options)
    names = os.listdir(folder)
    return record, channels(open(os.path.join(folder, names[0]), "rb").read()) if names else None


def pauses(record):
    return [(e["kind"][10:], e["detail"]) for e in record["events"] if e["kind"].startswith("recording_")]


def body_of(s, path):
    with urllib.request.urlopen(s.url + path, timeout=10) as answer:
        return answer.read()


def audit(s, folder):
    with sqlite3.connect(f"file:{os.path.join(folder, 'db', 'earshot.db')}?mode=ro", uri=True) as db:
        return [tuple(row) for row in db.execute("SELECT action, actor, result, detail FROM audit WHERE action LIKE 'recording.%' ORDER BY id")]


# ---- R10: from within the call

PAUSE, RESUME = "X-Record-Control: pause\r\n", "X-Record-Control: resume\r\n"


@feature("R10", "a header pauses: the payload is in no byte of the data directory, in three codecs, nor in what is exported; without it it is")
def nowhere(t):
    def capture(orders):
        packets = []
        for n, (pt, name) in enumerate(((0, "PCMU"), (8, "PCMA"), (9, "G722"))):
            d = Dialog(call_id=f"c{n}@test", from_tag=f"f{n}", to_tag=f"t{n}", branch=f"z9hG4bK{n}")
            ports = 4000 + 10 * n, 6000 + 10 * n
            packets += call(d, 8, *ports, voice=False, offer=sdp(d.a, ports[0], pt=pt, name=f"{name}/8000"),
                            answer=sdp(d.b, ports[1], pt=pt, name=f"{name}/8000"))
            packets += media(d.a, ports[0], d.b, ports[1], 8, START + 1.05, 0x1000 + n, pt) + media(d.b, ports[1], d.a, ports[0], 8, START + 1.06, 0x2000 + n, pt)
            if orders:
                packets += order(d, 3, PAUSE) + order(d, 6, RESUME, cseq=11)
        return sorted(packets, key=lambda p: p.t)

    def payloads(packets, a, b):
        return [p.data[12:] for p in packets if p.kind == "rtp" and START + a < p.t < START + b]

    for orders in (True, False):
        packets = capture(orders)
        with FileService(t, packets, BY_SIP) as s:
            rows = wait_for("three recordings", lambda: (lambda r: r if len(r) == 3 and all(c["recording"]["state"] == "ready" for c in r) else None)(
                s.get(f"/api/v1/calls?{SPAN}")["data"]))
            files = everything(s.data)
            for n, r in enumerate(rows):
                files[f"pcap {n}"] = body_of(s, f"/api/v1/calls/{r['uid']}/pcap?rtp=full")
            one = s.get(f"/api/v1/calls/{rows[0]['uid']}")
            withheld, log = s.counter("earshot_recording_withheld_packets_total"), audit(s, s.data)
        secret, rest = payloads(packets, 3.001, 6), payloads(packets, 1, 3) + payloads(packets, 6.02, 9)
        if not orders:
            t.counter("without the header all of it is there", found(files, secret) == len(secret) and len(secret) > 850 and withheld == 0)
            continue
        t.equal("what was sent in the pause", found(files, secret), 0)
        t.equal("what was sent around it", found(files, rest), len(rest))
        t.equal("numbers and times are kept: the statistics go on", [(x["packets"], x["lost"]) for x in one["streams"]], [(400, 0)] * 2)
        t.check(f"so many packets without payload: {withheld}", abs(withheld - len(secret)) <= 12)
        t.equal("on the time line", pauses(one), [("paused", "both, by sip:10.0.0.1:5060"), ("resumed", "both, by sip:10.0.0.1:5060")])
        t.equal("audited", sorted(set(log)), [("recording.pause", "sip:10.0.0.1:5060", "ok", "X-Record-Control"), ("recording.resume", "sip:10.0.0.1:5060", "ok", "X-Record-Control")])
        t.equal("all formats have the same length", {r["recording"]["duration_ms"] for r in rows}, {rows[0]["recording"]["duration_ms"]})


@feature("R10", "the silence is as long as the pause, in step: in the middle, at the begin, at the end, minutes long, one side only; all of it: paused_all")
def in_step(t):
    def run(orders, seconds=10, secret=((3, 5),), *options):
        packets = talk(seconds, sound(seconds, secret), sound(seconds, (), 2), orders)
        return recorded(t, packets, "--set", "pause.sip_from=both", *options)

    d = Dialog()
    plain, clear = run(())
    length = plain["recording"]["duration_ms"]
    t.counter("without a pause the tone is heard", loud(clear[0], 3, 5) > 4000 and not pauses(plain))
    r, (left, right) = run(order(d, 4, PAUSE) + order(d, 6.2, RESUME, cseq=11))
    t.equal("length", r["recording"]["duration_ms"], length)
    t.equal("tone and voices, in the pause", (level(left, 2.97, 5.13), level(right, 2.97, 5.13)), (0, 0))
    t.equal("what is ahead and behind is as without it, sample by sample", [a[:23000] + a[42000:] for a in (left, right)],
            [a[:23000] + a[42000:] for a in clear])
    r, (left, right) = run(order(d, 1.02, PAUSE) + order(d, 6.2, RESUME, cseq=11))
    t.equal("at the begin: length, silence", (r["recording"]["duration_ms"], level(left, 0, 5.1), left[42000:] == clear[0][42000:]), (length, 0, True))
    r, (left, right) = run(order(d, 4, PAUSE))
    t.equal("at the end it counts", (r["recording"]["duration_ms"], level(left, 2.97, 9.9), left[:23000] == clear[0][:23000]), (length, 0, True))
    t.equal("nobody resumed", [k for k, _ in pauses(r)], ["paused"])
    r, sides = run(order(d, 4, PAUSE) + order(d, 6.2, RESUME, cseq=11), 10, ((3, 5),), "--set", "pause.sides=caller")
    t.equal("one side: the other is heard", (level(sides[0], 2.97, 5.13), sides[1] == clear[1], r["recording"]["duration_ms"]), (0, True, length))
    t.equal("and said", pauses(r)[0][1], "caller, by sip:10.0.0.1:5060")
    r, sides = run(order(d, 4, PAUSE), 10, ((3, 5),), "--set", "pause.auto_resume=2s")
    t.equal("it ends by itself", (pauses(r), level(sides[0], 2.97, 4.93), sides[0][40000:] == clear[0][40000:]),
            ([("paused", "both, by sip:10.0.0.1:5060, for 2 s"), ("resumed", "both, by timer")], 0, True))
    long, sides = run(order(d, 4, PAUSE) + order(d, 144, RESUME, cseq=11), 150, ((20, 21), (100, 101)))
    t.check(f"two minutes: {long['recording']['duration_ms']}", abs(long["recording"]["duration_ms"] - 150000) <= 40)
    t.check("in step behind it", level(sides[0], 3, 142.9) == 0 and level(sides[0], 143.1, 144) > 500 and level(sides[1], 143.1, 144) > 500)
    none, sides = run(order(d, 1.01, PAUSE))
    t.equal("nothing else is left", (none["recording"]["result"], sides, none["streams"][0]["packets"]), ("paused_all", None, 500))
    sdp_, heard = run(order(d, 4, "", method="UPDATE", body=sdp(ALICE, 4000, "a=record:paused\r\n")) +
                      order(d, 6.2, "", method="UPDATE", cseq=11, body=sdp(ALICE, 4000, "a=recordpref:on\r\n")))
    t.equal("a=record and a=recordpref (RFC 7866)", ([k for k, _ in pauses(sdp_)], level(heard[0], 2.97, 5.1)), (["paused", "resumed"], 0))
    other = run(order(d, 4, "X-Record-Control: whatever\r\nX-Other: pause\r\n"))
    t.counter("another word or header pauses", other[1] == clear and not pauses(other[0]))


@feature("R10", "keys pause and resume: the recording stops ahead of the first of them, the keys are nowhere, other keys are as ever")
def by_keys(t):
    secret = ((3.2, 6.2),)
    dial = typed([press("*"), press("9")], at=4.0, ssrc=0x7777) + typed([press("5", 200), press("4")], at=5.0, ssrc=0x7777, seq=5100) + \
        typed([press("*"), press("9")], at=7.0, ssrc=0x7777, seq=5200) + typed([press("7")], at=8.0, ssrc=0x7777, seq=5300)
    packets = talk(10, sound(10, secret), sound(10, (), 2), dial)
    plain, clear = recorded(t, packets)
    t.counter("without the setting they are keys", "".join(x["digit"] for x in plain["dtmf"]) == "*954*97" and loud(clear[0], 3.3, 6) > 4000)
    with FileService(t, packets, BY_KEYS) as s:
        uid = wait_for("the recording", lambda: next((c for c in s.get(f"/api/v1/calls?{SPAN}")["data"] if (c["recording"] or {}).get("state") == "ready"), None))["uid"]
        r = s.get(f"/api/v1/calls/{uid}")
        left, right = channels(body_of(s, r["recording"]["url"]))
        pcap = body_of(s, f"/api/v1/calls/{uid}/pcap?rtp=full")
        files = everything(s.data)
        ladder = [(e["kind"], e["label"]) for e in s.get(f"/api/v1/calls/{uid}/ladder")["events"] if e["kind"] in ("dtmf", "recording")]
    t.equal("keys that are told", "".join(x["digit"] for x in r["dtmf"]), "7")
    t.equal("by whom", pauses(r), [("paused", "both, by dtmf:caller"), ("resumed", "both, by dtmf:caller")])
    t.equal("in the ladder", ladder, [("recording", "recording paused: both, by dtmf:caller"), ("recording", "recording resumed: both, by dtmf:caller"), ("dtmf", "DTMF 7, 100 ms")])
    t.equal("the secret", (level(left, 2.99, 6.1), level(right, 2.99, 6.1)), (0, 0))
    t.check("from the first key on, not from the last one: the hold gives back 200 ms", level(left, 2.5, 2.9) > 400)
    for name, data in dict(files, pcap=pcap).items():
        hits = [k for k in "*954" if any(bytes([EVENT]) + p.data[2:12] + p.data[12:] in data or p.data[1:] in data for p in dial if p.kind == "rtp" and "0123456789*#ABCD"[p.data[12]] == k)]
        t.check(f"keys {hits} in {name}", not hits)
    t.check("the key that is none of them is there", any(p.data[1:] in files[n] for n in files if n.endswith(".seg") for p in dial[-3:]))
    info = [x for n, k in enumerate("*9") for x in order(Dialog(), 4 + n / 2, "Content-Type: application/dtmf-relay\r\n", cseq=20 + n, body=f"Signal={k}\r\nDuration=160\r\n".encode())]
    told, sides = recorded(t, talk(10, sound(10, ((3.7, 9),)), sound(10, (), 2), info), "--set", "pause.dtmf_from=caller")
    t.equal("by INFO", (pauses(told), told.get("dtmf", []), [e for e in told["events"] if e["kind"] == "dtmf"], level(sides[0], 3.6, 8.9)),
            ([("paused", "both, by dtmf:caller")], [], [], 0))
    slow = recorded(t, talk(10, sound(10), sound(10, (), 2), typed([press("*")], at=3, ssrc=0x7777) + typed([press("9")], at=7, ssrc=0x7777, seq=5100)), "--set", "pause.dtmf_from=caller")[0]
    t.counter("keys four seconds apart pause", not pauses(slow) and "".join(x["digit"] for x in slow["dtmf"]) == "*9")


# ---- X47

@feature("X47", "who may not pause does not: the other side, another network, nobody at all; refusals counted and audited; who may, does")
def control_abuse(t):
    d = Dialog()
    dial = typed([press("*"), press("9")], at=4.0, ssrc=0x7777, src=BOB, sport=6000, dst=ALICE, dport=4000)
    orders = order(d, 3, PAUSE, forth=False)
    packets = talk(10, sound(10, ((3, 5),)), sound(10, (), 2), dial + orders)
    by = {}
    for name, config in (("the other side", "dtmf_from = caller\nsip_from = caller\n"), ("this side", "dtmf_from = callee\nsip_from = callee\n"),
                         ("another network", "dtmf_from = both\nsip_from = both\nnetworks = 192.0.2.0/24, 10.0.0.1\n"),
                         ("this network", "dtmf_from = both\nsip_from = both\nnetworks = 10.0.0.0/24\n"), ("nobody", "")):
        with FileService(t, packets, f"{RECORD}[pause]\n{config}") as s:
            r = wait_for("the recording", lambda: next((c for c in s.get(f"/api/v1/calls?{SPAN}")["data"] if (c["recording"] or {}).get("state") in ("ready", None)), None))
            r = s.get(f"/api/v1/calls/{r['uid']}")
            by[name] = ([k for k, _ in pauses(r)], s.counter("earshot_recording_control_refused_total"), audit(s, s.data),
                        "".join(x["digit"] for x in r.get("dtmf", [])))
    dtmf, sip = ("recording.pause", "dtmf:callee", "denied"), ("recording.pause", "sip:10.0.0.2:5060", "denied")
    t.equal("the other side", by["the other side"], ([], 2, [sip + ("X-Record-Control: not by this side",), dtmf + ("rfc4733: not by this side",)], "*9"))
    t.equal("another network", by["another network"], ([], 2, [sip + ("X-Record-Control: not from this address",), dtmf + ("rfc4733: not from this address",)], "*9"))
    t.equal("nobody is looked at", by["nobody"], ([], 0, [], "*9"))
    for name in ("this side", "this network"):
        t.counter(f"{name} may not, or keys resume what a header paused", by[name][:2] == (["paused"], 0) and [(a, x) for a, _, x, _ in by[name][2]] == [("recording.pause", "ok")] * 2)
    flood = [x for n in range(60) for x in order(d, 2 + n * 0.1, PAUSE if n % 2 else RESUME, forth=False, cseq=100 + n)]
    with FileService(t, talk(10, sound(10), sound(10, (), 2), flood), BY_SIP) as s:
        t.check("of a flood the first 32 are audited, all are counted", len(audit(s, s.data)) <= 32 and s.counter("earshot_recording_control_refused_total") >= 20)


# ---- R10: by the API, while the call goes on

def post(s, path, body=None, **headers):
    data = json.dumps(body).encode() if body is not None else b""
    request = urllib.request.Request(s.url + path, data, {"Content-Type": "application/json", **headers}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


class Player(threading.Thread):
    """Sends them, and remembers when each really went: a loaded machine is late."""

    def __init__(self, packets):
        super().__init__()
        self.packets, self.begin, self.went = packets, time.monotonic() - packets[0].t, []
        self.start()

    def run(self):
        sockets = {}
        for end in {(p.src, p.sport) for p in self.packets}:
            sockets[end] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sockets[end].bind(end)
        for p in self.packets:
            time.sleep(max(0, self.begin + p.t - time.monotonic()))
            before = time.monotonic()
            sockets[p.src, p.sport].sendto(p.data, (p.dst, p.dport))
            self.went.append((before, time.monotonic(), p))
        for s in sockets.values():
            s.close()

    def between(self, a, b, src):
        return [p.data[12:] for before, after, p in self.went if p.kind == "rtp" and p.src == src and a < before and after < b]


@feature("R10", "POST pause and resume in a live call: found in no file, live listeners hear silence, one side, duration, audit, who may, what is refused")
@in_namespace
def by_api(t):
    from listening import Ear, addresses, answered, channels as heard
    addresses()
    packets = call(seconds=9)
    with Service(t, "lo", RECORD + "[capture]\nfilter = udp\n") as s:
        data = os.path.join(os.path.dirname(s.log), "data")
        player = Player(packets)
        uid = answered(s)
        ear = Ear(f"{s.url}/api/v1/live/calls/{uid}/audio?format=wav")
        time.sleep(max(0, player.begin + START + 3.5 - time.monotonic()))
        url = f"/api/v1/calls/{uid}"
        t.equal("resume what is not paused", [post(s, f"{url}/resume")[i] for i in (0,)] + [post(s, f"{url}/resume")[1]["code"]], [409, "not_paused"])
        asked = time.monotonic()
        code, said = post(s, f"{url}/pause", {"sides": "both", "reason": "card number"})
        paused = time.monotonic()
        t.equal("paused", (code, said["paused"], said["resumes_at"]), (200, "both", None))
        t.equal("live view", s.get(f"/api/v1/live/calls/{uid}")["paused"], "both")
        time.sleep(2)
        resuming = time.monotonic()
        t.equal("resumed, one side", post(s, f"{url}/resume", {"sides": "callee"})[1]["paused"], "caller")
        resumed = time.monotonic()
        t.equal("with an end", post(s, f"{url}/pause", {"sides": "caller", "duration_s": 1})[0], 200)
        bad = [post(s, f"{url}/pause", b)[1]["code"] for b in ({"sides": "left"}, {"duration_s": 0}, {"why": 1}, [], {"reason": "x" * 201}, {"reason": "a\nb"})]
        t.equal("refused", bad, ["invalid_value"] * 3 + ["invalid_body"] + ["invalid_value"] * 2)
        t.equal("no such call", post(s, f"/api/v1/calls/{uid[:-1]}{'0' if uid[-1] != '0' else '1'}/pause")[0], 404)
        player.join()
        ear.join(20)
        record = wait_for("the recording", lambda: next((c for c in s.records() if (c["recording"] or {}).get("state") == "ready"), None))
        t.equal("a call that is over", post(s, f"{url}/pause")[1]["code"], "call_ended")
        files = everything(data)
        log = audit(s, data)
        files["pcap"] = body_of(s, f"{url}/pcap?rtp=full")
        left, right = channels(body_of(s, record["recording"]["url"]))
    sent_in = player.between
    t.check("something was sent meanwhile", len(sent_in(paused, resuming, ALICE)) > 50)
    t.equal("in no file, caller", found(files, sent_in(paused, resuming, ALICE)), 0)
    t.equal("in no file, callee", found(files, sent_in(paused, resuming, BOB)), 0)
    early = sent_in(0, asked - 1, ALICE)
    t.counter("what was sent before is not there", found(files, early) == len(early) and len(early) > 50)
    late = sent_in(resumed, resumed + 0.8, BOB)
    t.counter("nor the callee afterwards", found(files, late) == len(late) and len(late) > 20 and found(files, sent_in(resumed, resumed + 0.8, ALICE)) == 0)
    t.check(f"as long as the call: {record['recording']['duration_ms']}", abs(record["recording"]["duration_ms"] - 9000) <= 60 + 1000 * (player.went[-1][0] - player.begin - packets[-1].t))
    first = next(before for before, _, p in player.went if p.kind == "rtp")
    a, b = paused - first + 0.2, resuming - first - 0.2
    t.equal("silence in the recording", (level(left, a, b), level(right, a, b)), (0, 0))
    listened = heard(ear.bytes[44:])
    quiet = max(len(run) for side in listened[:1] for run in "".join("0" if v == 0 else "1" for v in side[RATE:]).split("1"))
    t.check(f"the listener hears silence for {quiet / RATE:.2f} s", quiet > 1.5 * RATE)
    t.equal("events", [k for k, _ in pauses(record)], ["paused", "resumed", "paused", "resumed"])
    told = [detail for _, detail in pauses(record)]
    t.check(f"by whom: {told}", told[0] == "both, by local: card number" and told[1].startswith("callee, by local") and told[3] == "caller, by timer")
    results = [(x, y) for x, _, y, _ in log]
    t.check(f"audited, a resume ahead of its effect: {results}",
            results[:7] == [("recording.resume", "asked"), ("recording.resume", "not_paused")] * 2 + [("recording.pause", "ok"), ("recording.resume", "asked"), ("recording.resume", "ok")] and
            ("recording.pause", "not_live") in results and log[4][3] == "both: card number")


@feature("R10", "pauses that a crash cut: paused throughout stays paused_all, the others are told by their packets, with their ends")
@in_namespace
def crashed(t):
    def voice(n, part):
        both = (media(ALICE, 4000 + 10 * n, BOB, 6000 + 10 * n, 1.5, START, 0x1000 + n), media(BOB, 6000 + 10 * n, ALICE, 4000 + 10 * n, 1.5, START, 0x2000 + n))
        return [p for side in both for p in side[25 * part:25 * part + 25]]

    names = ["throughout", "later", "for a while", "a key"]
    before, during, after = ([voice(n, part) for n in range(4)] for part in range(3))
    key = [replace(p, data=p.data[:1] + bytes([110]) + p.data[2:12] + bytes([5, 10, 0, 160])) for p in during[3][:5]] # of a type that no SDP names
    with Service(t, "vb", RECORD + "[record]\nmask_dtmf = yes\n") as s:
        data = os.path.join(os.path.dirname(s.log), "data")
        for n, name in enumerate(names):
            d = Dialog(call_id=name, branch=f"z9hG4bK{n}")
            send("va", frames([p for p in call(d, 1, 4000 + 10 * n, 6000 + 10 * n, voice=False) if b"CSeq: 2 BYE" not in p.data]))
        live = lambda: {c["call_id"]: c["uid"] for c in s.get("/api/v1/live/calls")["data"] if c["state"] == "answered"}
        uids = wait_for("the calls are live", lambda: len(live()) == 4 and live())
        order = lambda what, *calls: [post(s, f"/api/v1/calls/{uids[names[n]]}/{what}")[0] for n in calls]
        held = lambda packets: (lambda kept: all(p.data[:12] in kept for p in packets))(b"".join(everything(os.path.join(data, "spool")).values()))
        t.equal("paused", order("pause", 0), [200])
        send("va", frames(before[1] + before[2] + before[3] + key + after[3]))
        wait_for("what came before is kept", lambda: held(before[1] + before[2] + before[3] + key + after[3]))
        t.equal("paused", order("pause", 1, 2), [200, 200])
        send("va", frames(during[0] + during[1] + during[2]))
        wait_for("and the rest, without its payload", lambda: held(during[0] + during[1] + during[2]))
        t.equal("resumed", order("resume", 2), [200])
        send("va", frames(after[2]))
        wait_for("and what came behind it", lambda: held(after[2]))
        s.crash()
        wait_for("all is made of them that can be", lambda: s.made(4))
        records = {r["call_id"]: r for r in s.records()}
        files = everything(data)
    told = "both, told by its packets after a restart"
    t.equal("results", [records[name]["recording"]["result"] for name in names], ["paused_all", "recorded", "recorded", "recorded"])
    t.equal("a masked key is no pause", pauses(records["a key"]), [])
    t.equal("throughout", pauses(records["throughout"]), [("paused", told)])
    t.equal("later", pauses(records["later"]), [("paused", told)])
    t.equal("for a while", pauses(records["for a while"]), [("paused", told), ("resumed", told)])
    secret = [p.data[12:] for n in range(3) for p in during[n]]
    t.equal("in no file", found(files, secret), 0)
    kept = [p.data[12:] for p in before[1] + before[2]]
    t.counter("what came before is", found(files, kept) == len(kept))


# ---- R11

def fits(hz, seconds, dbm0=-12):
    from tones import PLACES, sine
    return sine(PLACES[hz], seconds, dbm0)


def dialled(keys, at, length, seconds, on=0.1, off=0.12, seed=3):
    """Noise with tones of keys in it."""
    out = sound(seconds, (), seed, 60)
    for n, k in enumerate(keys):
        begin = int((at + n * (on + off)) * RATE)
        for i, v in enumerate(fits(k, on if length is None else length)):
            out[begin + i] += v
    return out


def keys_heard(samples):
    """What a listener with a Goertzel filter makes of it: both frequencies of a key in 20 ms, 12 dB and more above all others."""
    from tones import COLUMNS, ROWS
    out = set()
    for i in range(0, len(samples) - 160, 80):
        block = samples[i:i + 160]
        if max(map(abs, block)) < 100:
            continue
        rows, columns = ([(goertzel(block, f), n) for n, f in enumerate(fs)] for fs in (ROWS, COLUMNS))
        (a, r), (b, c) = max(rows), max(columns)
        if min(a, b) > 4 * max(sorted(rows)[-2][0], sorted(columns)[-2][0]) / 2 and min(a, b) > 150:
            out.add("123A456B789C*0#D"[4 * r + c])
    return "".join(sorted(out))


MASKED = ("--set", "record.mask_dtmf=yes")


def copied(packets):
    """In RED: the frame, that of 20 ms and that of a second before."""
    out = []
    for n, p in enumerate(packets):
        blocks = [(160 * k, packets[n - k].data[12:]) for k in (50, 1) if n >= k]
        out.append(replace(p, data=p.data[:12] + red(blocks, p.data[12:])))
    return out


@feature("R11", "tones of keys are muted with 60 ms around them, in audio and in what is kept raw, PCMU, PCMA and PCMU in RED (RFC 2198) with its copies; speech stays; without the setting they are heard")
def muted(t):
    keys_ = "0123456789*#ABCD"
    for law, pt, name in ((ulaw, 0, "PCMU"), (alaw, 8, "PCMA"), (ulaw, 99, "red")):
        d = Dialog()
        samples = dialled(keys_, 1.0, None, 6)
        made = call(d, 6, voice=False, **{side: sdp(host_, port, pt=pt, name=f"{name}/8000").replace(b"AVP 99", b"AVP 99 0")
                                          for side, host_, port in (("offer", d.a, 4000), ("answer", d.b, 6000))})
        plainly = caller = sent(samples, d, law=law, pt=pt)
        callee = sent(sound(6, (), 9, 60), d, False, 0x2222, law, pt)
        if name == "red":
            caller, callee = copied(caller), copied(callee)
        packets = sorted(made + caller + callee, key=lambda p: p.t)
        plain, clear = recorded(t, packets)
        t.counter(f"{name}: without the setting the keys are heard", keys_heard(clear[0]) == "".join(sorted(keys_)))
        t.counter(f"{name}: and told", "".join(x["digit"] for x in plain["dtmf"]) == keys_)
        with FileService(t, packets, RECORD + "[record]\nmask_dtmf = yes\n") as s:
            r = wait_for("the recording", lambda: next((c for c in s.get(f"/api/v1/calls?{SPAN}")["data"] if (c["recording"] or {}).get("state") == "ready"), None))
            one = s.get(f"/api/v1/calls/{r['uid']}")
            left, right = channels(body_of(s, one["recording"]["url"]))
            files = everything(s.data)
            files["pcap"] = body_of(s, f"/api/v1/calls/{r['uid']}/pcap?rtp=full")
            muted_ = s.counter("earshot_dtmf_muted_tones_total")
        t.equal(f"{name}: heard by others", (keys_heard(left), keys_heard(right)), ("", ""))
        t.equal(f"{name}: length", one["recording"]["duration_ms"], plain["recording"]["duration_ms"])
        t.check(f"{name}: digits of the record: {one.get('dtmf')}", not any(x["digit"] != "*" for x in one.get("dtmf", [])))
        in_tone = [p.data[12:] for p in plainly if p.t - START - 1.05 >= 1.0 and p.t - START - 1.05 < 4.4]
        t.equal(f"{name}: raw sound of the keys, in files and pcap", found(files, in_tone), 0)
        ahead = [p.data[12:] for p in plainly if p.t - START - 1.05 < 0.88]
        t.equal(f"{name}: what is ahead", found(files, ahead), len(ahead))
        t.check(f"{name}: silence from 60 ms before to 60 ms behind, no longer than 150", level(left, 0.945, 4.455) <= 8 and level(left, 0.6, 0.84) > 50 and level(left, 4.56, 5.5) > 50)
        t.check(f"{name}: the other side is as it was", right == clear[1])
        t.check(f"{name}: {muted_} tones counted", 1 <= muted_ <= 16)


@feature("R11", "one long key, short ones, soft ones, twisted, in noise: none is left; speech and other tones are not touched")
def odd_tones(t):
    from tones import PLACES, sine
    def heard(samples, *options):
        d = Dialog()
        made = talk(5, samples, sound(5, (), 2, 60))
        return recorded(t, made, *options)[1][0]

    base = sound(5, (), 4, 40)
    def at(parts):
        out = list(base)
        for when, wave_ in parts:
            for i, v in enumerate(wave_):
                out[int(when * RATE) + i] += v
        return out

    row, column = PLACES["5"]
    strange = {"three seconds": at([(1, sine((row, column), 3, -12))]), "40 ms": at([(1.003 + n * 0.3, sine((row, column), 0.04, -10)) for n in range(8)]),
               "-30 dBm0": at([(1, sine((row, column), 0.2, -30))]), "twisted": at([(1, [a + b for a, b in zip(sine(row, 0.2, -14), sine(column, 0.2, -8))])]),
               "1.5 % off": at([(1, sine((row * 1.015, column * 0.985), 0.2, -10))])}
    for what, samples in strange.items():
        t.counter(f"{what}: heard without the setting", keys_heard(heard(samples)) != "")
        t.equal(f"{what}: what is left", keys_heard(heard(samples, *MASKED)), "")
    r = random.Random(5)
    voice = [v * (0.5 + 0.5 * math.sin(i / 900)) for i, v in enumerate(sum(300 * math.sin(2 * math.pi * f * i / RATE) for f in (130, 260, 390, 520, 1040)) + r.gauss(0, 300) for i in range(5 * RATE))]
    other = at([(1, sine(440, 1, -12)), (2.5, sine((350, 440), 1, -12)), (4, sine(1100, 0.5, -12))])
    for what, samples in (("a voice", voice), ("other tones", other)):
        t.check(f"{what} is not touched", heard(samples) == heard(samples, *MASKED))


@feature("R11", "events of RTP and INFO: nowhere in spool, database and pcap, of equal length where they were text; counted, by headers alone; dropped by a rule; without it all is there")
def events(t):
    dial = typed([press(k) for k in "4711"], at=2.0, ssrc=0x7777)
    info = [x for n, k in enumerate("0815") for x in order(Dialog(), 5 + n * 0.4, "Content-Type: application/dtmf-relay\r\n", cseq=20 + n, body=f"Signal={k}\r\nDuration=160\r\n".encode())]
    packets = talk(9, sound(9), sound(9, (), 2), dial + info)
    result = {}
    for name, config in (("keep", RECORD), ("count", RECORD + "[record]\nmask_dtmf = yes\n"), ("drop", "[rule r]\ncaller = *\naction = record\nmask = drop\n")):
        with FileService(t, packets, config) as s:
            r = wait_for("the recording", lambda: next((c for c in s.get(f"/api/v1/calls?{SPAN}")["data"] if (c["recording"] or {}).get("state") == "ready"), None))
            one = s.get(f"/api/v1/calls/{r['uid']}")
            files = everything(s.data)
            files["pcap"] = body_of(s, f"/api/v1/calls/{r['uid']}/pcap?rtp=full")
            texts = [m["raw"] for m in s.get(f"/api/v1/calls/{r['uid']}/messages")["data"] if m["method"] == "INFO" and m["status"] == 0] \
                if "raw" in s.get(f"/api/v1/calls/{r['uid']}/messages")["data"][0] else []
            masked = s.counter("earshot_dtmf_masked_packets_total")
        here = sum(any(p.data[1:] in data for data in files.values()) for p in dial)
        rtp_in_pcap = [data[42:] for _, data in packets_of(files["pcap"]) if data[36:38] == (6000).to_bytes(2, "big")]
        heads = [p for p in rtp_in_pcap if p[1] & 127 == EVENT]
        t.equal(f"{name}: what the pcap has of the events", heads, {"keep": [p.data for p in dial], "count": [p.data[:12] for p in dial], "drop": []}[name])
        result[name] = (here, sum(f"Signal={k}".encode() in data for k in "0815" for data in files.values()), [x["digit"] for x in one.get("dtmf", [])],
                        one.get("digits", {}).get("caller"), one["recording"]["duration_ms"], masked)
    t.counter("without the setting all of it is there", result["keep"][0] == len(dial) and result["keep"][1] >= 4 and result["keep"][3] == "47110815")
    t.equal("masked: events, texts, digits", result["count"][:4], (0, 0, ["*"] * 8, "*" * 8))
    t.equal("the recording is as long", result["count"][4], result["keep"][4])
    t.equal("dropped: nothing is told", result["drop"][:4], (0, 0, [], None))
    t.equal("packets kept out", [result[n][5] for n in ("keep", "count", "drop")], [0, len(dial), len(dial)])


@feature("R11", "events that SDP did not name are masked, too")
def unnamed_events(t):
    d = Dialog()
    dial = typed([press(k) for k in "4711"], at=2.0, ssrc=0x7777)
    other = [replace(p, data=p.data.replace(b"%d" % EVENT, b"%d" % (EVENT + 1))) if p.dport == 5060 else p for p in talk(5, sound(5), sound(5, (), 2), dial)]
    result = {}
    for name, config in (("keep", RECORD), ("count", RECORD + "[record]\nmask_dtmf = yes\n")):
        with FileService(t, other, config) as s:
            wait_for("the recording", lambda: next((c for c in s.get(f"/api/v1/calls?{SPAN}")["data"] if (c["recording"] or {}).get("state") == "ready"), None))
            result[name] = sum(any(p.data[1:] in data for data in everything(s.data).values()) for p in dial)
    t.counter("without the setting they are kept", result["keep"] == len(dial))
    t.equal("nowhere with it", result["count"], 0)


@feature("R11", "an event among the voice is silence from its first packet, as where it is kept, and not taken for loss; the same whatever the key")
def event_in_voice(t):
    d = Dialog()
    voice = sent([800 * math.sin(2 * math.pi * 300 * i / RATE) for i in range(3 * RATE)], d)
    made = call(d, 5, voice=False, offer=offer(d.a, 4000), answer=offer(d.b, 6000))
    def heard(key, *options):
        told = press(key, 400, ends=1)
        keys_ = [replace(p, data=rtp(150 + n, 8000, 0x1111, told[n][1], EVENT, n == 0)) for n, p in enumerate(voice[50:70])]
        record, sound_ = recorded(t, sorted(made + voice[:50] + keys_ + voice[70:], key=lambda p: p.t), *options)
        return "".join(x["digit"] for x in record["dtmf"]), sound_[0]

    (told, kept), (_, masked) = heard("5"), heard("5", *MASKED)
    t.counter("without the setting it is told", told == "5")
    t.check("loud ahead of it and behind it", level(kept, 0.9, 0.99) > 700 and level(kept, 1.41, 1.5) > 700)
    t.equal("silent within", level(masked, 1.001, 1.399), 0)
    t.check("as where it is kept, whatever the key", kept == masked and heard("8", *MASKED) == ("*", masked))
