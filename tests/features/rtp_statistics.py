"""F01: the receiver statistics of RFC 3550 for a stream whose every packet is known, beside TShark's reading of the same file; and
what the same packets come to in series and with settings of the simulated buffers."""
import csv, io, random, shutil, subprocess

from craft import *
from feature import feature
from users_api import WHOLE, FileService

SECONDS = 30
FRAMES = SECONDS * 50


def header(sequence, timestamp, ssrc, marker=False, payload=bytes(160), csrc=(), extension=b"", padding=0):
    """RFC 3550 5.1: contributing sources, a header extension (whole words), padding."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extension else 0) | len(csrc)
    out = struct.pack("!BBHII", first, 0x80 if marker else 0, sequence & 0xffff, timestamp & 0xffffffff, ssrc)
    out += b"".join(struct.pack("!I", c) for c in csrc)
    if extension:
        out += struct.pack("!HH", 0xbede, len(extension) // 4) + extension
    return out + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def generated(seed=1, loss=0.03, late=0.03, copies=0.02, jitter_ms=8, first=64900):
    """One direction of a call and what is true of it."""
    rnd = random.Random(seed)
    packets, truth = [], {"expected": FRAMES, "lost": 0, "reordered": 0, "duplicates": 0, "runs": 0, "longest": 0, "markers": 0,
                          "csrc": 0, "extensions": 0, "padded": 0}
    run, origin = 0, 0xffffffff - 100000
    for i in range(FRAMES):
        edge = i < 5 or i >= FRAMES - 5
        if not edge and (rnd.random() < (0.5 if run else loss)):
            truth["lost"] += 1
            truth["runs"] += run == 0
            run += 1
            truth["longest"] = max(truth["longest"], run)
            continue
        run = 0
        more = {"marker": i == 0 or rnd.random() < 0.02}
        if rnd.random() < 0.1:
            more["csrc"] = tuple(range(1, 2 + rnd.randrange(3)))
        if rnd.random() < 0.1:
            more["extension"] = bytes(4 * rnd.randrange(1, 4))
        if rnd.random() < 0.1:
            more["padding"] = rnd.randrange(1, 9)
        at = START + 1.05 + i * 0.02 + rnd.random() * jitter_ms / 1000
        if not edge and rnd.random() < late:
            at += 0.045
        at = round(at, 6)
        data = header(first + i, origin + 160 * i, 0x51, **more)
        for copy in range(1 + (not edge and rnd.random() < copies)):
            packets.append((at + copy * 0.004, i, data, copy))
            truth["markers"] += more["marker"] and not copy
            truth["csrc"] += "csrc" in more
            truth["extensions"] += "extension" in more
            truth["padded"] += "padding" in more
            truth["duplicates"] += copy
    packets.sort(key=lambda p: p[:2])
    newest, seen, level, total, largest, before, samples, arrived, spacings = -1, set(), 0.0, 0.0, 0.0, None, 0, None, []
    for at, i, _, copy in packets:
        if copy:
            continue
        transit = at * 1000 - i * 20
        if before is not None:
            level += (abs(transit - before) - level) / 16
            total, largest, samples = total + level, max(largest, level), samples + 1
        before = transit
        truth["reordered"] += i < newest
        if i > newest:
            if arrived is not None:
                spacings.append((at - arrived) * 1000)
            arrived = at
        newest = max(newest, i)
        seen.add(i)
    truth["jitter"] = (level, total / samples, largest)
    truth["spacing"] = (min(spacings), max(spacings))
    truth["packets"] = len(seen)
    voice = [Packet(at, ALICE, 4000, BOB, 6000, data, ipid=n & 0xffff, kind="rtp") for n, (at, _, data, _) in enumerate(packets)]
    return sorted(call(voice=False, seconds=SECONDS + 2) + voice, key=lambda p: p.t), truth


def tshark_streams(t, packets):
    """What TShark says: {SSRC: (packets, lost, mean jitter, largest)}."""
    path = t.path()
    write(path, frames(packets))
    out = subprocess.run(["tshark", "-r", path, "-q", "-z", "rtp,streams"], capture_output=True, text=True, check=True, timeout=60).stdout
    found = {}
    for line in out.splitlines():
        words = line.split()
        hexes = [w for w in words if w.startswith("0x")]
        if hexes:
            at = words.index(hexes[0])
            numbers = [w for w in words[at + 1:] if w.replace(".", "").replace("-", "").isdigit()]
            lost = int(words[next(n for n, w in enumerate(words) if w.startswith("(") and w.endswith("%)")) - 1])
            found[int(hexes[0], 16)] = (int(numbers[0]), lost, *[float(n) for n in numbers[-3:]])
    return found


@feature("F01", "statistics of RFC 3550: received, expected, lost, bursts, order, copies, jitter, spacings, restarts, marks of headers")
def receiver_statistics(t):
    for seed in range(1, 5):
        packets, truth = generated(seed)
        s = t.read(frames(packets), "--set", "capture.dedupe=no")[0]["streams"][0]
        t.equal(f"{seed}: counts", {k: s[n] for k, n in (("expected", "expected"), ("packets", "packets"), ("lost", "lost"),
                                                         ("reordered", "reordered"), ("duplicates", "duplicates"), ("runs", "loss_runs"),
                                                         ("longest", "longest_loss_run"), ("markers", "marker_packets"),
                                                         ("csrc", "csrc_packets"), ("extensions", "extension_packets"),
                                                         ("padded", "padded_packets"))},
                {k: truth[k] for k in ("expected", "packets", "lost", "reordered", "duplicates", "runs", "longest", "markers", "csrc",
                                       "extensions", "padded")})
        t.equal(f"{seed}: most sources", s["csrc_max"], 3)
        t.equal(f"{seed}: as an endpoint counts", (s["rfc3550"]["expected"], s["rfc3550"]["lost"]),
                (truth["expected"] - 1, truth["lost"] - truth["duplicates"]))
        for name, want in zip(("last", "avg", "max"), truth["jitter"]):
            t.check(f"{seed}: jitter {name} {s['jitter_ms'][name]}, not {want:.3f}", abs(s["jitter_ms"][name] - want) <= 0.01 * want)
        for name, want in zip(("min_gap_ms", "max_gap_ms"), truth["spacing"]):
            t.check(f"{seed}: {name} {s[name]}, not {want:.3f}", abs(s[name] - want) < 0.0015)
        t.equal(f"{seed}: the payload is what is between headers and padding", (s["ptime_ms"], s["codec"]), (20, "PCMU"))
    clean = t.read(frames(generated(9, 0, 0, 0, 0)[0]))[0]["streams"][0]
    t.counter("none of it", (clean["lost"], clean["reordered"], clean["duplicates"], clean["jitter_ms"]["max"], clean["min_gap_ms"]) == (0, 0, 0, 0, 20))


@feature("F01", "the same SSRC begins anew, another SSRC follows, timestamps jump: told, and no loss")
def resets(t):
    voice = lambda frames_, sequence, timestamp, ssrc: [
        Packet(START + 1.05 + i * 0.02, ALICE, 4000, BOB, 6000, header(sequence + i, timestamp + 160 * i, ssrc), kind="rtp") for i in frames_]
    base = call(voice=False, seconds=22)
    read = lambda media_: t.read(frames(sorted(base + media_, key=lambda p: p.t)))[0]["streams"]
    s, = read(voice(range(500), 100, 0, 7) + voice(range(500, 1000), 30000, 1 << 30, 7))
    t.equal("anew", (s["restarts"], s["lost"], s["expected"], s["packets"], s["jitter_ms"]["max"]), (1, 0, 1000, 1000, 0))
    a, b = read(voice(range(500), 100, 0, 7) + voice(range(500, 1000), 30000, 1 << 30, 8))
    t.equal("another", (a["packets"], b["packets"], a["lost"], b["lost"], a["restarts"], b["restarts"]), (500, 500, 0, 0, 0, 0))
    s, = read(voice(range(500), 100, 0, 7) + voice(range(500, 1000), 100, 1 << 20, 7))
    t.equal("a jump", (s["timestamp_jumps"], s["restarts"], s["lost"], s["jitter_ms"]["max"]), (1, 0, 0, 0))
    s, = read(voice(range(1000), 65000, 0xffffffff - 80000, 7))
    t.counter("numbers and timestamps that wrap are none of these", (s["restarts"], s["timestamp_jumps"], s["lost"]) == (0, 0, 0))


@feature("F01", "TShark reads the same file: loss exact, jitter within 1 %")
def beside_tshark(t):
    if shutil.which("tshark") is None:
        raise AssertionError("tshark is not installed")
    for seed in (1, 2, 3):
        packets, truth = generated(seed, copies=0)  # it counts copies as received
        s = t.read(frames(packets))[0]["streams"][0]
        theirs = tshark_streams(t, packets)[0x51]
        t.equal(f"{seed}: packets, lost", (s["packets"], s["lost"]), theirs[:2])
        t.check(f"{seed}: mean jitter {s['jitter_ms']['avg']}, TShark {theirs[3]}", abs(s["jitter_ms"]["avg"] - theirs[3]) <= 0.01 * theirs[3] + 0.01)
        t.check(f"{seed}: largest {s['jitter_ms']['max']}, TShark {theirs[4]}", abs(s["jitter_ms"]["max"] - theirs[4]) <= 0.01 * theirs[4] + 0.01)
    packets, truth = generated(4, copies=0.05)
    s, theirs = t.read(frames(packets), "--set", "capture.dedupe=no")[0]["streams"][0], tshark_streams(t, packets)[0x51]
    t.counter(f"copies hide loss there: {theirs}", s["lost"] == truth["lost"] > theirs[1])
