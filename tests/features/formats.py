"""Files of recordings in each format: what ffprobe says of them, and that they sound like the WAV of the same call."""
import json, math, os, struct, subprocess

from craft import *
from feature import feature
from recordings import goertzel, tone_media

EXTENSION = {"wav": "wav", "wav-g711": "wav", "flac": "flac", "ogg": "ogg", "mp3": "mp3"}


def spoken(seconds=6.0, callee_pt=0, change_at=None):
    """Both talk: the caller low, the callee high, with a pause of a second; from change_at on the caller sends another codec."""
    d = Dialog()
    packets = call(d, seconds, voice=False)
    a = tone_media(d.a, 4000, d.b, 6000, seconds, START + 1.05, 0x1111, 400)
    b = tone_media(d.b, 6000, d.a, 4000, seconds, START + 1.05, 0x2222, 1000, 4000)
    for p in a if change_at else []:
        if p.t > START + 1.05 + change_at:
            retype(p, 8)
    for p in b if callee_pt else []:
        retype(p, callee_pt)
    return frames(sorted(packets + silent_for_a_second(a) + silent_for_a_second(b), key=lambda p: p.t))


def retype(p, payload_type):
    p.data = p.data[:1] + bytes([payload_type | p.data[1] & 0x80]) + p.data[2:]


def silent_for_a_second(packets):
    """Nothing is sent, so no number is missing."""
    kept = [p for p in packets if not START + 3 < p.t < START + 4]
    for n, p in enumerate(kept):
        p.data = p.data[:2] + struct.pack(">H", 100 + n) + p.data[4:]
    return kept


def recorded(t, packets, *options):
    """(record, {name: path})"""
    folder = t.path("recordings")
    record, = t.read(packets, "--record", folder, *options)
    t.check("nothing half-made is left", not [n for n in os.listdir(folder) if "part" in n.split(".")])
    return record, {n: os.path.join(folder, n) for n in sorted(os.listdir(folder))}


def probe(path):
    out = subprocess.run(["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path], capture_output=True, check=True)
    found = json.loads(out.stdout)
    return found["format"], found["streams"][0]


def decoded(path, rate=8000, channels=2):
    """Sample frames as ffmpeg hears the file."""
    out = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ar", str(rate), "-ac", str(channels), "-"], capture_output=True, check=True)
    return struct.unpack(f"<{len(out.stdout) // 2}h", out.stdout)


def alike(a, b):
    """Correlation."""
    n = min(len(a), len(b))
    ab = sum(x * y for x, y in zip(a[:n], b[:n]))
    return ab / math.sqrt(sum(x * x for x in a[:n]) * sum(y * y for y in b[:n]) or 1)


def tags_of(format_, stream):
    return {k.lower(): v for k, v in {**stream.get("tags", {}), **format_.get("tags", {})}.items()}


def as_set(t, name):
    return "--set", f"recording.format={name}"


@feature("R17", "each format: container, codec, channels, length, tags as ffprobe sees them; it sounds like the WAV")
def formats(t):
    packets = spoken()
    _, files = recorded(t, packets)
    (wav,) = files.values()
    reference = decoded(wav)
    frames_ = len(reference) // 2
    for name, container, codec, exact in (("wav", "wav", "pcm_s16le", True), ("wav-g711", "wav", "pcm_mulaw", True), ("flac", "flac", "flac", True),
                                          ("ogg", "ogg", "opus", False), ("mp3", "mp3", "mp3", False)):
        record, files = recorded(t, packets, *as_set(t, name), "--set", "recording.file_tags=numbers")
        (path,), (file,) = files.values(), files
        format_, stream = probe(path)
        g = record["recording"]
        t.equal(f"{name}: what the record says", (g["format"], g["codec"], g["channels"], file.rsplit(".")[-1]), (container, codec, ["caller", "callee"], EXTENSION[name]))
        t.equal(f"{name}: what is in it", (format_["format_name"], stream["codec_name"], stream["channels"]), (container, codec, 2))
        t.equal(f"{name}: its size", g["size_bytes"], os.path.getsize(path))
        tags = tags_of(format_, stream)
        t.equal(f"{name}: tags", (tags.get("title"), tags.get("artist"), tags.get("comment"), tags.get("date", "")[:10]),
                (f"{record['from']['user']} to {record['to']['user']}", record["from"]["user"], record["uid"], record["started_at"][:10]))
        sound = decoded(path)
        if exact:
            t.equal(f"{name}: to the last bit", sound == reference, True)
        else:
            t.check(f"{name}: its length in samples: {len(sound) // 2} of {frames_}", abs(len(sound) // 2 - frames_) <= 1)
            t.check(f"{name}: duration {format_['duration']}", abs(float(format_["duration"]) * 8000 - frames_) < 1700)
            for channel in range(2):
                likeness = alike(sound[channel::2], reference[channel::2])
                t.check(f"{name}: channel {channel} sounds like it: {likeness:.4f}", likeness > 0.98)
        if name != "wav":
            t.check(f"{name}: smaller", os.path.getsize(path) < os.path.getsize(wav))
            t.counter("the format changes nothing", open(path, "rb").read() != open(wav, "rb").read())


@feature("R17", "code words as they came: every byte of both payloads; another codec in between makes samples of it")
def g711(t):
    packets = spoken()
    record, files = recorded(t, packets, *as_set(t, "wav-g711"), "--set", "recording.file_tags=none")
    (path,) = files.values()
    data = open(path, "rb").read()[80:]
    first = tone_media("10.0.0.1", 1, "10.0.0.2", 2, 1, START, 1, 400)
    sent = b"".join(p.data[12:] for p in first)
    t.equal("the first second of the caller is its payload", data[0::2][:8000], sent)
    t.check("the pause is silence", set(data[0::2][8000 * 2 + 400:8000 * 3 - 800]) == {0xff})
    _, a = recorded(t, packets)
    reference = decoded(*a.values())
    for what, other in (("the callee has the other law", spoken(callee_pt=8)), ("the caller changes", spoken(change_at=4))):
        record, files = recorded(t, other, *as_set(t, "wav-g711"))
        plain, same = recorded(t, other)
        t.equal(f"{what}: samples, and the record says so", (record["recording"]["format"], record["recording"]["codec"]), ("wav", "pcm_s16le"))
        t.check(f"{what}: they are those of the WAV", decoded(*files.values()) == decoded(*same.values()))
        t.counter(f"{what}: heard as if it were not there", decoded(*files.values()) != reference)
    record, files = recorded(t, spoken(callee_pt=8), *as_set(t, "wav-g711"), "--set", "recording.channels=parties")
    t.equal("in a file of its own each law stays what it is", [p["codec"] for p in record["recording"]["parts"]], ["pcm_mulaw", "pcm_alaw"])


@feature("R17", "stereo, one channel with both, a file of each side")
def channels(t):
    packets = spoken()
    _, files = recorded(t, packets)
    stereo = decoded(*files.values())
    for name in ("wav", "flac"):
        record, files = recorded(t, packets, *as_set(t, name), "--set", "recording.channels=mix")
        t.equal(f"{name}: mix: channels", (record["recording"]["channels"], probe(*files.values())[1]["channels"]), (["all"], 1))
        t.check(f"{name}: mix: the sum", decoded(*files.values(), channels=1) == tuple(max(-32768, min(32767, a + b)) for a, b in zip(stereo[::2], stereo[1::2])))
        record, files = recorded(t, packets, *as_set(t, name), "--set", "recording.channels=parties")
        g = record["recording"]
        t.equal(f"{name}: parties: files", ([n.rsplit("-", 1)[1] for n in files], [p["channels"] for p in g["parts"]], [p["id"][36:] for p in g["parts"]]),
                ([f"callee.{name}", f"caller.{name}"], [["caller"], ["callee"]], ["-caller", "-callee"]))
        t.equal(f"{name}: parties: both are there", g["channels"], ["caller", "callee"])
        callee, caller = (decoded(p, channels=1) for p in files.values())
        t.check(f"{name}: parties: each is its channel", caller == stereo[::2] and callee == stereo[1::2])
        t.counter("both files are the same", caller != callee)
        t.check("and hears nobody else", goertzel(caller[:8000], 1000) < 20 < 2000 < goertzel(caller[:8000], 400))
    record, files = recorded(t, packets, "--set", "recording.channels=parties", "--set", "recording.rollover_time=2500ms")
    t.equal("parties in parts", [(p["number"], p["channels"][0], p["first_sample"]) for p in record["recording"]["parts"]],
            [(n, side, (n - 1) * 20000) for n in (1, 2, 3) for side in ("caller", "callee")])


@feature("R17", "what a file says of itself is what the operator allows")
def tags(t):
    packets = spoken(2)
    sizes = {}
    for level, has in (("none", set()), ("ids", {"date", "comment"}), ("numbers", {"date", "comment", "title", "artist"})):
        for name in ("wav", "ogg", "mp3", "flac"):
            before = sizes.get(name)
            record, files = recorded(t, packets, *as_set(t, name), "--set", f"recording.file_tags={level}")
            found = set(tags_of(*probe(*files.values()))) - {"encoder"}
            t.equal(f"{name} with {level}", found, has)
            raw = open(*files.values(), "rb").read()
            t.equal(f"{name} with {level}: the number is in it", record["from"]["user"].encode() in raw, level == "numbers")
            t.counter("tags take no room", before != len(raw))
            sizes[name] = len(raw)
