"""F05: keys that are pressed in a call, however they are told: events in RTP (RFC 4733, RFC 2833), INFO, tones."""
import subprocess, tempfile, urllib.request

from craft import *
from feature import feature
from transfers import after
from users_api import FileService

NAMES = "0123456789*#ABCD!"
EVENT = 101
SPAN = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
RECORD = "[recording]\ndefault = record\n"


def offer(addr, port, profile="RTP/AVP", event="telephone-event", more=""):
    return (f"v=0\r\no=- 1 1 IN IP4 {addr}\r\ns=-\r\nc=IN IP4 {addr}\r\nt=0 0\r\nm=audio {port} {profile} 0 {EVENT} 121\r\n"
            f"a=rtpmap:0 PCMU/8000\r\na=rtpmap:{EVENT} {event}/8000\r\na=fmtp:{EVENT} 0-16\r\na=rtpmap:121 red/8000\r\n{more}").encode()


def report(event, duration, end=False, volume=10):
    return struct.pack("!BBH", event, (0x80 if end else 0) | volume, min(duration, 0xffff))


def press(key, held=100, ends=3, volume=10):
    """[(ms after its beginning, payload)] of one press: a report each 20 ms, the last one `ends` times."""
    event = NAMES.index(key)
    updates = [(ms, report(event, ms * 8, volume=volume)) for ms in range(20, held, 20)]
    return updates + [(held, report(event, held * 8, True, volume))] * ends


def typed(keys, src=ALICE, sport=4000, dst=BOB, dport=6000, ssrc=0x1111, gap=100, at=1.2, seq=5000, lost=lambda key, n: False, pt=EVENT, wrap=bytes):
    """Presses one behind the other on an own SSRC; `lost(n of the key, n of its packet)`: not seen."""
    out = []
    for k, told in enumerate(keys):
        ts = int(at * 8000)
        for n, (ms, payload) in enumerate(told):
            if not lost(k, n):
                out.append(Packet(START + at + ms / 1000 + n * 1e-4, src, sport, dst, dport, rtp(seq, ts, ssrc, wrap(payload), pt, n == 0), kind="rtp"))
            seq += 1
        at += (told[-1][0] + gap) / 1000
    return out


def talk(events, seconds=4.0, profile="RTP/AVP", event="telephone-event"):
    made = call(seconds=seconds, offer=offer(ALICE, 4000, profile, event), answer=offer(BOB, 6000, profile, event)) + events
    return frames([replace(p, ipid=n + 1) for n, p in enumerate(sorted(made, key=lambda p: p.t))])


def keys(record):
    return [(d["digit"], d["duration_ms"], d["party"]) for d in record.get("dtmf", []) if d["source"] == "rfc4733"]


def dialled(t, events, *options, **more):
    record, = t.read(talk(events, **more), *options)
    return "".join(k[0] for k in keys(record))


@feature("F05", "keys in RTP: each once, whatever of its packets is lost, late or repeated; time, length, level, who; flash; long presses")
def events(t):
    record, = t.read(talk(typed([press(k) for k in "0123456789"], at=1.2)))
    t.equal("ten digits", keys(record), [(k, 100, "caller") for k in "0123456789"])
    t.equal("as dialled", record["digits"], {"caller": "0123456789", "callee": None})
    first = record["dtmf"][0]
    t.equal("source, payload type, level", (first["source"], first["payload_type"], first["volume_dbm0"], first["copy"]), ("rfc4733", EVENT, -10, False))
    t.equal("when", [round(after(d["at"]), 2) for d in record["dtmf"][:3]], [1.2, 1.4, 1.6])
    rest = "".join(k for k in NAMES[10:])
    t.equal("the other keys and flash, by the callee", (lambda r: (keys(r), r["digits"]))(t.read(talk(
        typed([press(k) for k in rest], BOB, 6000, ALICE, 4000, 0x3333)))[0]), ([(k, 100, "callee") for k in rest], {"caller": None, "callee": rest}))
    for name, lost in (("all ends", lambda k, n: n >= 4), ("all but the last end", lambda k, n: n < 6), ("the marked one", lambda k, n: n == 0),
                       ("every other", lambda k, n: n % 2)):
        t.equal(f"lost: {name}", dialled(t, typed([press("5")] * 10, lost=lost)), "5" * 10)
    t.counter("a key of which nothing came is none", dialled(t, typed([press("5")] * 10, lost=lambda k, n: k == 3)) == "5" * 9)
    t.equal("ends ten times", dialled(t, typed([press("7", ends=10)] * 10)), "7" * 10)
    shuffled = typed([press(k) for k in "12345"])
    for n in range(3, len(shuffled) - 1, 5):
        shuffled[n], shuffled[n + 1] = replace(shuffled[n + 1], t=shuffled[n].t), replace(shuffled[n], t=shuffled[n + 1].t)
    t.equal("reordered", dialled(t, shuffled), "12345")
    t.equal("each packet twice", dialled(t, [replace(p, t=p.t + dt) for p in typed([press(k) for k in "12345"]) for dt in (0, 0.003)]), "12345")
    t.equal("with its voice as one stream", dialled(t, typed([press(k) for k in "112"], ssrc=0x1111, seq=300)), "112")
    path = t.path()
    write(path, talk(typed([press(k) for k in "123#"])))
    t.equal("counted", t.counters_of(path)['earshot_dtmf_events_total{method="rfc4733"}'], 4)
    ladder = t.run("read", "--ladder", path).stdout
    t.equal("the ladder", [f"DTMF {k}, 100 ms" in ladder for k in "123#4"], [True] * 4 + [False])


@feature("F05", "long presses, senders that do it wrong, several in a packet, redundancy, both sides of a relay, encryption")
def odd(t):
    held, = t.read(talk([Packet(START + 1.2 + ms / 1000, ALICE, 4000, BOB, 6000, rtp(5000 + n, 9600 + (0xffff if ms * 8 > 0xffff else 0), 7, (
        lambda d: report(9, d - 0xffff if d > 0xffff else d, ms == 9000))(ms * 8), EVENT, n == 0)) for n, ms in enumerate(range(20, 9020, 20))], 12.0))
    t.equal("nine seconds in two segments", keys(held), [("9", 9000, "caller")])
    wrong = [Packet(START + 1.2 + n / 50, ALICE, 4000, BOB, 6000, rtp(5000 + n, 9600 + 160 * n, 7, report(4, 160 * (n + 1), n > 6), EVENT, n == 0)) for n in range(9)]
    t.equal("timestamps that go on", dialled(t, wrong), "4")
    t.equal("an event that is no key", dialled(t, typed([[(20, report(36, 160))], press("3")])), "3")
    several = report(1, 800, True) + report(2, 800, True) + report(3, 480)
    t.equal("several in one packet", dialled(t, typed([[(20, several)]])), "123")
    t.equal("padding is none", dialled(t, typed([[(20, report(1, 800, True) + bytes(8))]])), "1")
    first, second = report(1, 800, True), report(2, 320)
    red = struct.pack("!BHB", 0x80 | EVENT, 1600 << 2 | 0, 4) + bytes([EVENT]) + first + second
    t.equal("redundant", dialled(t, typed([[(20, red)]], pt=121)), "12")
    two = typed([press(k) for k in "42"])
    relay = [replace(p, t=p.t + 0.004, src="10.0.0.7", sport=7000, data=p.data[:4] + bytes(4) + p.data[8:]) for p in two]
    t.equal("on both sides of a relay", dialled(t, two + relay), "42")
    t.counter("encrypted events cannot be read", dialled(t, typed([press("5")]), profile="RTP/SAVP") == "")
    t.counter("the same packets of another format are none", dialled(t, typed([press("5")]), event="x-other") == "")
    flood, = t.read(talk(typed([[(20, report(n % 10, 160, True))] for n in range(300)], gap=20), 14.0))
    t.equal("256 stay", len(keys(flood)), 256)


@feature("F05", "the same key told twice counts once in what was dialled; masked; over the API")
def sources(t):
    d = Dialog()
    infos = [Packet(START + 1.5 + n / 2, ALICE, 5060, BOB, 5060, d.request("INFO", 2 + n, headers="", body=b"").replace(
        b"Content-Length: 0\r\n\r\n", b"Content-Type: application/dtmf-relay\r\nContent-Length: 24\r\n\r\nSignal=%c\r\nDuration=160\r\n" % k))
        for n, k in enumerate(b"577")]
    both = typed([press(k) for k in "57"], at=1.4, gap=400) + infos
    record, = t.read(talk(both))
    t.equal("each with its source", [(x["digit"], x["source"], x["copy"]) for x in record["dtmf"]],
            [("5", "rfc4733", False), ("5", "info", True), ("7", "rfc4733", False), ("7", "info", True), ("7", "info", False)])
    t.equal("as dialled", record["digits"], {"caller": "577", "callee": None})
    later, = t.read(talk(typed([press(k) for k in "57"], at=3.2, gap=400) + infos))
    t.counter("presses that are more than a second apart are others", later["digits"] == {"caller": "57757", "callee": None})
    masked, = t.read(talk(both), "--set", "record.mask_dtmf=yes")
    t.equal("masked", ({x["digit"] for x in masked["dtmf"]}, masked["digits"]["caller"]), ({"*"}, "***"))
    with FileService(t, sorted(call(offer=offer(ALICE, 4000), answer=offer(BOB, 6000)) + typed([press(k) for k in "90"]), key=lambda p: p.t), RECORD) as s:
        uid = s.get(f"/api/v1/calls?{SPAN}")["data"][0]["uid"]
        got = s.get(f"/api/v1/calls/{uid}/dtmf")
        t.equal("GET dtmf", ([x["digit"] for x in got["data"]], got["digits"]["caller"], got["data"][0]["volume_dbm0"]), (["9", "0"], "90", -10))
        t.equal("GET ladder", [e["label"] for e in s.get(f"/api/v1/calls/{uid}/ladder")["events"] if e["kind"] == "dtmf"], ["DTMF 9, 100 ms", "DTMF 0, 100 ms"])


def tshark(path, *args):
    """Lines, with what it checks by itself."""
    return subprocess.run(["tshark", "-r", path, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", *args], capture_output=True, text=True, check=True).stdout.split("\n")[:-1]


@feature("F05", "a capture that is given away with redact=dtmf: no key that was told is left, in RTP, redundant audio or INFO; sizes and checksums as before; as pcapng")
def taken_out(t):
    d = Dialog()
    infos = [Packet(START + 3 + n / 4, ALICE, 5060, BOB, 5060, d.request("INFO", 2 + n, headers="", body=b"").replace(
        b"Content-Length: 0\r\n\r\n", b"Content-Type: application/dtmf-relay\r\nContent-Length: 24\r\n\r\nSignal=%c\r\nDuration=160\r\n" % k))
        for n, k in enumerate(b"57")]
    red = lambda p: struct.pack("!I", 0x80000000 | EVENT << 24 | 160 << 10 | len(p)) + bytes([EVENT]) + p + p
    pressed = typed([press(k) for k in "90"]) + typed([press(k) for k in "42"], at=2, ssrc=0x2222, pt=121, wrap=red) + infos
    with FileService(t, sorted(call(offer=offer(ALICE, 4000), answer=offer(BOB, 6000), seconds=4) + pressed, key=lambda p: p.t), RECORD) as s:
        uid = s.get(f"/api/v1/calls?{SPAN}")["data"][0]["uid"]
        path = {}
        for query in ("", "redact=dtmf", "format=pcapng", "format=pcapng&redact=dtmf"):
            path[query] = t.path("pcapng" if "ng" in query else "pcap")
            with urllib.request.urlopen(f"{s.url}/api/v1/calls/{uid}/pcap?{query}", timeout=10) as answer, open(path[query], "wb") as f:
                t.equal(f"{query}: its kind", answer.headers["Content-Type"], "application/x-pcapng" if "ng" in query else "application/vnd.tcpdump.pcap")
                f.write(answer.read())
        t.equal("what there is to take out", [s.status(f"/api/v1/calls/{uid}/pcap?{wrong}") for wrong in ("redact=sound", "format=cap")], [400, 400])
    sizes = {q: tshark(p, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "ip.src", "-e", "udp.srcport") for q, p in path.items()}
    t.check(f"the same packets in all: {[len(x) for x in sizes.values()]}", len(sizes[""]) > 400 and all(x == sizes[""] for x in sizes.values()))
    t.equal("right checksums", {q: tshark(p, "-Y", 'udp.checksum.status != "Good" || ip.checksum.status != "Good"') for q, p in path.items()}, {q: [] for q in path})
    t.check("the call in the comment", f"call {uid}" in subprocess.run(["capinfos", path["format=pcapng"]], capture_output=True, text=True, check=True).stdout)
    told = {}
    for q, p in path.items():
        record, = t.read(p)
        told[q] = sorted(x["digit"] for x in record["dtmf"] if not x["copy"])
        sent = {x for line in tshark(p, "-Y", "rtpevent", "-T", "fields", "-e", "rtpevent.event_id") for x in line.split(",")}
        t.equal(f"{q}: events", sent, {"255"} if "redact" in q else set("9042"))
        data = open(p, "rb").read()
        t.equal(f"{q}: redundant events", [red(report(k, 160)) in data for k in (4, 2, 255)], [False, False, True] if "redact" in q else [True, True, False])
        t.equal(f"{q}: INFO", [data.count(b"Signal=%c\r" % k) for k in b"57*"], [0, 0, 2] if "redact" in q else [1, 1, 0])
    t.equal("no key is left", {q: set(k) for q, k in told.items() if "redact" in q}, {q: {"*"} for q in told if "redact" in q})
    t.counter("they are there without it", told[""] == told["format=pcapng"] == sorted("904257"))
