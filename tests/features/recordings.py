"""Files of recordings: long ones in parts, many parties in tracks."""
import hashlib, math, os, struct, urllib.request, wave

from craft import *
from feature import feature


def ulaw(sample):
    """ITU-T G.711."""
    sign, s = (0x80, -sample) if sample < 0 else (0, sample)
    s = min(s, 32635) + 132
    exponent = s.bit_length() - 8
    return ~(sign | exponent << 4 | (s >> (exponent + 3)) & 15) & 0xff


def tone_media(src, sport, dst, dport, seconds, start, ssrc, hz, amplitude=6000):
    """A tone in packets of 20 ms, PCMU."""
    sound = bytes(ulaw(round(amplitude * math.sin(2 * math.pi * hz * i / 8000))) for i in range(8000))
    return [Packet(start + n * 0.02, src, sport, dst, dport, rtp(100 + n, 1000 + 160 * n, ssrc, (sound + sound)[n * 160 % 8000:][:160], 0, n == 0),
                   kind="rtp") for n in range(round(seconds * 50))]


def goertzel(samples, hz, rate=8000):
    """Amplitude of one frequency."""
    w = 2 * math.cos(2 * math.pi * hz / rate)
    a = b = 0.0
    for s in samples:
        a, b = s + w * a - b, a
    return 2 * math.sqrt(max(0.0, a * a + b * b - w * a * b)) / len(samples)


def pcm(data):
    """(channels, rate, sample frames as bytes) of a WAV."""
    import io
    with wave.open(io.BytesIO(data)) as w:
        return w.getnchannels(), w.getframerate(), w.readframes(w.getnframes())


# ---- I16

def broadcast(seconds=12.0, gap=True):
    """A call in which only the caller sends: announcements without end, with a pause of four seconds."""
    d = Dialog(to_user="broadcast")
    packets = call(d, seconds, voice=False)
    voice = media(d.a, 4000, d.b, 6000, seconds, START + 1.05, 0x1111)
    packets += [p for p in voice if not (gap and START + 5 < p.t < START + 9)]
    return frames(sorted(packets, key=lambda p: p.t))


def recorded_parts(t, packets, *options):
    """(record, [bytes of each file in order of its parts], all names)."""
    folder = t.path("recordings")
    record, = t.read(packets, "--record", folder, *options)
    names = sorted(os.listdir(folder))
    first = next(n for n in names if n.count("-p") == 0)
    parts = record["recording"].get("parts") or [{"number": 1}]
    files = [first if p["number"] == 1 else first.replace(".wav", f"-p{p['number']}.wav") for p in parts]
    return record, [open(os.path.join(folder, n), "rb").read() for n in files], names


@feature("I16", "a long one-way session: files by time and by size, together bit by bit the one file")
def rollover(t):
    packets = broadcast()
    whole, (sound,), names = recorded_parts(t, packets)
    channels, rate, samples = pcm(sound)
    t.equal("one-way, one file", (whole["recording"]["one_way"], whole["recording"]["duration_ms"], channels, rate, len(names)), (True, 12000, 2, 8000, 1))
    for what, options, count, most in (("by time: five rollovers", ("--set", "recording.rollover_time=2100ms"), 6, 80 + 4 * 16800),
                                       ("by size: one rollover", ("--set", "recording.rollover_size=200000"), 2, 200000),
                                       ("the one that comes first counts", ("--set", "recording.rollover_size=200000", "--set", "recording.rollover_time=3s"), 4, 80 + 4 * 24000)):
        record, files, names = recorded_parts(t, packets, *options)
        parts, g = record["recording"]["parts"], record["recording"]
        t.equal(f"{what}: files", (len(files), len(names), [p["number"] for p in parts]), (count, count, list(range(1, count + 1))))
        t.check(f"{what}: each below the limit, all but the last full: {[len(x) for x in files]}",
                all(most - 4 < len(x) <= most for x in files[:-1]) and 80 < len(files[-1]) <= most)
        t.check(f"{what}: the samples are those of the one file", b"".join(pcm(x)[2] for x in files) == samples)
        t.equal(f"{what}: where each begins", [p["first_sample"] for p in parts], [sum(len(pcm(x)[2]) // 4 for x in files[:n]) for n in range(count)])
        t.equal(f"{what}: sizes and digests", [(p["samples"], p["size_bytes"], p["sha256"]) for p in parts],
                [(len(pcm(x)[2]) // 4, len(x), hashlib.sha256(x).hexdigest()) for x in files])
        t.equal(f"{what}: of the recording", (g["duration_ms"], g["size_bytes"], g["sha256"]), (12000, len(files[0]), parts[0]["sha256"]))
    unsplit, files, _ = recorded_parts(t, packets, "--set", "recording.rollover_time=1h")
    t.counter("a limit that is not reached splits", len(files) == 1 and "parts" not in unsplit["recording"])
    t.counter("without the setting there are parts", "parts" not in whole["recording"])


@feature("I16", "parts over the API: listed with offsets and digests, each served with ranges under its id")
def parts_served(t):
    from service import wait_for
    from users_api import FileService
    config = "[recording]\ndefault = record\nrollover_time = 2100ms\n"
    with FileService(t, [f.packet for f in broadcast()], config) as s:
        span = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
        row = wait_for("the recording", lambda: next((c for c in s.get(f"/api/v1/calls?{span}")["data"] if (c["recording"] or {}).get("state") == "ready"), None))
        t.check("a list of calls leaves the parts out", "parts" not in row["recording"])
        listed = s.get(f"/api/v1/calls/{row['uid']}/recordings")["data"]
        t.equal("ids", [p["id"] for p in listed], [row["uid"]] + [f"{row['uid']}-p{n}" for n in range(2, 7)])
        t.equal("the recording says the same", s.get(f"/api/v1/calls/{row['uid']}/recording")["parts"], listed)
        t.equal("as one by one", [s.get(f"/api/v1/recordings/{p['id']}") for p in listed[1:]], listed[1:])
        for p in listed:
            with urllib.request.urlopen(s.url + p["url"], timeout=10) as answer:
                body = answer.read()
            t.equal(f"{p['id']}: digest", hashlib.sha256(body).hexdigest(), p["sha256"])
            ranged = urllib.request.Request(s.url + p["url"], headers={"Range": "bytes=80-119"})
            with urllib.request.urlopen(ranged, timeout=10) as answer:
                t.equal(f"{p['id']}: a range", (answer.status, answer.read()), (206, body[80:120]))
        stored = [n for d, _, names in os.walk(os.path.join(s.data, "audio")) for n in names]
        t.equal("files on the disk", len(stored), 6)
        gone = [s.status(f"/api/v1/recordings/{row['uid']}-{x}{y}") for x in ("p7", "p1", "t1", "mix", "p", "x2") for y in ("", "/audio")]
        t.counter("parts that are none are found", set(gone) == {404})
