"""Films as RTP: a test picture through ffmpeg's encoders and its own RTP muxer (H.264, H.265, VP8, VP9), or cut into packets
here (AV1, which that muxer does not know); and calls that carry them."""
import os, socket, struct, subprocess, tempfile, threading
from dataclasses import dataclass, field

from craft import *

RATE, WIDTH, HEIGHT = 25, 160, 120
ENCODERS = {
    "H264": ("libx264", "-preset", "veryfast", "-bf", "2", "-g", "25", "-b:v", "150k"),
    "H265": ("libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=25:bframes=2", "-b:v", "150k"),
    "VP8": ("libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "25", "-b:v", "150k"),
    "VP9": ("libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "25", "-b:v", "150k"),
    "AV1": ("libsvtav1", "-preset", "12", "-g", "25", "-svtav1-params", "pred-struct=1"),
}
SUFFIX = {"H264": "ts", "H265": "ts", "VP8": "ivf", "VP9": "ivf", "AV1": "ivf"}
_films = {}


@dataclass
class Film:
    codec: str
    fmtp: str
    packets: list # (frame from 0, RTP packet)
    md5: list     # of each decoded picture, as ffmpeg decodes the encoder's own file
    octets: int = 0


def ffmpeg(*args):
    done = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *args], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "SVT_LOG": "0"})
    if done.returncode:
        raise RuntimeError(f"ffmpeg {' '.join(args)}: {done.stderr[-300:]}")
    return done.stdout


def picture_sums(path):
    """MD5 of each decoded picture."""
    return [line.split(",")[-1].strip() for line in ffmpeg("-i", path, "-f", "framemd5", "-").splitlines() if line and line[0] != "#"]


def by_muxer(path):
    """What ffmpeg's RTP muxer makes of a file, taken from a socket: [packet], fmtp. All of it fits into the socket's buffer."""
    for _ in range(5):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reports:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            s.bind(("127.0.0.1", 0))
            reports.bind(("127.0.0.1", 0))
            url = f"rtp://127.0.0.1:{s.getsockname()[1]}?pkt_size=1200&rtcpport={reports.getsockname()[1]}"
            text = ffmpeg("-i", path, "-c", "copy", "-strict", "experimental", "-f", "rtp", url)
            s.settimeout(0.2)
            out = []
            try:
                while True:
                    out.append(s.recv(2000))
            except TimeoutError:
                pass
        numbers = [struct.unpack_from("!H", p, 2)[0] for p in out]
        fmtp = [line.split(" ", 1)[1] for line in text.splitlines() if line.startswith("a=fmtp:")]
        if out and all((b - a) & 0xffff == 1 for a, b in zip(numbers, numbers[1:])):
            return out, fmtp[0].strip() if fmtp else ""
    raise RuntimeError("the loopback interface loses packets")


def leb128(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def obus(unit):
    """The OBUs of a temporal unit without their sizes, temporal delimiters left out."""
    at = 0
    while at < len(unit):
        head = unit[at]
        extension = unit[at + 1:at + 2] if head & 4 else b""
        at += 1 + len(extension)
        size = shift = 0
        while True:
            size |= (unit[at] & 127) << shift
            shift += 7
            at += 1
            if not unit[at - 1] & 128:
                break
        if head >> 3 & 15 != 2:
            yield bytes([head & ~2]) + extension + unit[at:at + size]
        at += size


def av1_payloads(unit, most=1100):
    """A temporal unit as payloads: an element or a piece of one in each, small ones together with a length before them."""
    out, small = [], []
    def flush():
        if small:
            out.append(bytes([0x10 * len(small)]) + b"".join(leb128(len(o)) + o for o in small[:-1]) + small[-1])
            small.clear()
    fresh = False
    for obu in obus(unit):
        fresh |= obu[0] >> 3 & 15 == 1
        if len(obu) <= 200 and len(small) < 3:
            small.append(obu)
            continue
        flush()
        pieces = [obu[i:i + most] for i in range(0, len(obu), most)]
        for n, piece in enumerate(pieces):
            if n % 2: # with a length for each element, the other form
                out.append(bytes([0x80 | (n < len(pieces) - 1) << 6]) + leb128(len(piece)) + piece)
            else:
                out.append(bytes([(n > 0) << 7 | (n < len(pieces) - 1) << 6 | 0x10]) + piece)
    flush()
    if fresh:
        out[0] = bytes([out[0][0] | 8]) + out[0][1:]
    return out


def by_hand(path):
    data = open(path, "rb").read()
    at, seq, out = 32, 700, []
    while at < len(data):
        size, pts = struct.unpack_from("<IQ", data, at)
        payloads = av1_payloads(data[at + 12:at + 12 + size])
        for n, p in enumerate(payloads):
            out.append(struct.pack("!BBHII", 0x80, 96 | (n == len(payloads) - 1) << 7, seq & 0xffff, 5000 + 3600 * pts & 0xffffffff, 0x5a) + p)
            seq += 1
        at += 12 + size
    return out


def film(codec, seconds=3, width=WIDTH, height=HEIGHT):
    """Cached: encoding is the slow part."""
    key = codec, seconds, width, height
    if key not in _films:
        with tempfile.TemporaryDirectory(prefix="earshot-film-") as work:
            path = os.path.join(work, "film." + SUFFIX[codec])
            ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={width}x{height}:r={RATE}:d={seconds}", "-pix_fmt", "yuv420p", "-c:v", *ENCODERS[codec], path)
            packets, fmtp = (by_hand(path), "") if codec == "AV1" else by_muxer(path)
            frames, out, last = -1, [], None
            for p in packets:
                ts = p[4:8]
                frames += ts != last
                last = ts
                out.append((frames, p))
            _films[key] = Film(codec, fmtp, out, picture_sums(path), sum(len(p) - 12 for _, p in out))
    return _films[key]


def video_sdp(addr, audio, video, codec, fmtp="", rtp="RTP/AVP", lines=""):
    return (sdp(addr, audio).decode() + f"m=video {video} {rtp} 96\r\na=rtpmap:96 {codec}/90000\r\n" +
            (f"a=fmtp:96 {fmtp}\r\n" if fmtp else "") + lines).encode()


def shown(f, src, sport, dst, dport, start, ssrc=0x5a, keep=lambda frame, n: True, late=0.0, after=None):
    """The film's packets: a picture each 40 ms, its packets 1 ms apart; `keep` tells which arrive, `late` is added from frame
    `after` on."""
    out, n, frame = [], 0, -1
    for number, (k, p) in enumerate(f.packets):
        n = n + 1 if k == frame else 0
        frame = k
        if keep(k, number):
            data = p[:1] + bytes([p[1] & 0x80 | 96]) + p[2:8] + struct.pack("!I", ssrc) + p[12:]
            out.append(Packet(start + k / RATE + n * 0.001 + (late if after is not None and k >= after else 0), src, sport, dst, dport, data, kind="video"))
    return out


def film_call(f, seconds=None, fmtp=True, rtp="RTP/AVP", lines="", **how):
    """Alice and Bob talk; she shows the film."""
    d = Dialog()
    seconds = seconds or f.packets[-1][0] / RATE + 1
    said = f.fmtp if fmtp else ""
    return sorted(call(d, seconds, offer=video_sdp(d.a, 4000, 4002, f.codec, said, rtp, lines),
                       answer=video_sdp(d.b, 6000, 6002, f.codec, said, rtp, lines)) +
                  shown(f, d.a, 4002, d.b, 6002, START + 1.1, **how), key=lambda p: p.t)
