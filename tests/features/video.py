"""F07: video: which codec, how large, how often, how much of it; key frames and freezes; what stays hidden when it is protected."""
from craft import *
from feature import feature
from film import *


# of 352x288, in parameters of more than 104 characters
SETS = "packetization-mode=1;sprop-parameter-sets=Z2QADay0CwS2AiAAAAMAIAAABlHihVQ=,aO8Pyw==;profile-level-id=64000D;max-br=2000;max-mbps=40500"


def pictures(records):
    """The video stream of the only call."""
    streams = [s for s in records[0]["streams"] if s["media_type"] == "video"]
    return streams[0] if streams else None


@feature("F07", "H.264, H.265, VP8, VP9, AV1: codec, size, frame rate, bit rate, key frames, beside loss and jitter")
def figures(t):
    for codec in ENCODERS:
        f = film(codec)
        s = pictures(t.read(frames(film_call(f))))
        v = s["video"]
        t.equal(f"{codec}: who shows what", (s["codec"], s["party"], s["media_type"], s["packets"], s["lost"]), (codec, "caller", "video", len(f.packets), 0))
        t.equal(f"{codec}: size", (v["width"], v["height"], v["size_changes"]), (WIDTH, HEIGHT, 0))
        t.equal(f"{codec}: pictures", (v["frames"], v["key_frames"], v["freezes"]), (f.packets[-1][0] + 1, 3, 0))
        t.check(f"{codec}: {v['fps']} a second", abs(v["fps"] - RATE) < 0.5)
        wanted = f.octets * 8 / 1000 / ((f.packets[-1][0] + 1) / RATE)
        t.check(f"{codec}: {v['bitrate_kbps']} kbit/s, not {wanted:.1f}", abs(v["bitrate_kbps"] - wanted) < 0.05 * wanted)
        hole = pictures(t.read(frames(film_call(f, keep=lambda k, n: n != 20))))
        t.counter(f"{codec}: a packet less is seen", (hole["lost"], hole["packets"]) == (1, len(f.packets) - 1))
    voice = t.read(frames(call()))
    t.counter("a call without video has none", pictures(voice) is None and all("video" not in s for s in voice[0]["streams"]))


@feature("F07", "another size is another size; half the pictures are half the rate")
def changes(t):
    f, small = film("VP8"), film("VP8", 2, 96, 64)
    at, seq, ts = f.packets[-1][0] + 1, struct.unpack_from("!H", f.packets[-1][1], 2)[0] + 1, struct.unpack_from("!I", f.packets[-1][1], 4)[0] + 3600
    first = struct.unpack_from("!I", small.packets[0][1], 4)[0]
    behind = [(k + at, p[:2] + struct.pack("!HI", seq + n & 0xffff, ts + struct.unpack_from("!I", p, 4)[0] - first & 0xffffffff) + p[8:])
              for n, (k, p) in enumerate(small.packets)]
    v = pictures(t.read(frames(film_call(Film("VP8", "", f.packets + behind, [])))))["video"]
    t.equal("the newest size", (v["width"], v["height"], v["size_changes"], v["frames"]), (96, 64, 1, at + 50))
    one = pictures(t.read(frames(film_call(f))))["video"]
    t.counter("one size", (one["size_changes"], one["width"]) == (0, WIDTH))
    few = [(k, p) for k, p in f.packets if k % 2 == 0]
    renumbered = [(k, p[:2] + struct.pack("!H", n) + p[4:]) for n, (k, p) in enumerate(few)]
    half = pictures(t.read(frames(film_call(Film("VP8", "", renumbered, [])))))["video"]
    t.check(f"half the rate: {half['fps']}", abs(half["fps"] - RATE / 2) < 0.4)


@feature("F07", "freezes: pictures that come far too late; a sender that rests is none")
def freezes(t):
    f = film("H264")
    v = pictures(t.read(frames(film_call(f, late=0.8, after=40))))["video"]
    t.equal("one", v["freezes"], 1)
    t.check(f"of 840 ms: {v['longest_freeze_ms']}", abs(v["longest_freeze_ms"] - 840) < 5 and abs(v["frozen_ms"] - 840) < 5)
    rested = pictures(t.read(frames(film_call(f, seconds=12, late=6.0, after=40))))["video"]
    t.counter("after six seconds with nothing lost", (rested["freezes"], rested["frozen_ms"]) == (0, 0))
    t.check(f"which do not count as time: {rested['fps']}", abs(rested["fps"] - RATE) < 1)
    even = pictures(t.read(frames(film_call(f))))["video"]
    t.counter("evenly, none", even["freezes"] == 0)


@feature("F07", "of protected video the headers tell: pictures and bit rate, neither size nor key frames")
def protected(t):
    f = film("H264")
    plain = pictures(t.read(frames(film_call(f))))["video"]
    secure = {"rtp": "RTP/SAVP", "lines": "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"}
    s = pictures(t.read(frames(film_call(f, fmtp=False, **secure))))
    t.equal("flagged", s["srtp"], True)
    t.equal("not its size nor its key frames", (s["video"]["width"], s["video"]["height"], s["video"]["key_frames"]), (None, None, None))
    t.equal("its pictures", (s["video"]["frames"], s["video"]["fps"], s["video"]["bitrate_kbps"]), (plain["frames"], plain["fps"], plain["bitrate_kbps"]))
    said = Film("H264", SETS, f.packets, [])
    v = pictures(t.read(frames(film_call(said, **secure))))["video"]
    t.equal("but what SDP says of its size", (v["width"], v["height"], v["key_frames"]), (352, 288, None))
    t.counter("in the clear, all of it", (plain["width"], plain["key_frames"]) == (WIDTH, 3))


@feature("F07", "the sound of the call is the same with video and without")
def sound_undisturbed(t):
    f = film("VP8")
    both = film_call(f)
    alone = [p for p in both if p.kind != "video"]
    with_film, without = (t.read(frames(x))[0] for x in (both, alone))
    heard = lambda r: [s for s in r["streams"] if s["media_type"] == "audio"]
    t.equal("streams of sound", [{k: v for k, v in s.items() if k != "sid"} for s in heard(with_film)],
            [{k: v for k, v in s.items() if k != "sid"} for s in heard(without)])
    t.counter("the film is there", len(with_film["streams"]) == 3 and len(without["streams"]) == 2)
