"""What was on the wire, decoded without Earshot: RTP out of a capture, through ffmpeg.

The sender's own packets are what its encoder made of its speech, so their sound is the most that any recording of them can
be like what was sent; and when the sender itself stuttered, it shows here.
"""

import collections
import os
import struct
import subprocess

from wire import Failure

Packet = collections.namedtuple("Packet", "time sequence timestamp payload_type payload")

DTLS_HANDSHAKE, SERVER_HELLO = 22, 2

# Of each codec: how ffmpeg is told what it gets.
RAW = {
    "PCMU": ["-f", "mulaw", "-ar", "8000", "-ac", "1"],
    "PCMA": ["-f", "alaw", "-ar", "8000", "-ac", "1"],
    "G722": ["-f", "g722"],
    "GSM": ["-f", "gsm", "-ar", "8000"],
    "CODEC2": ["-f", "codec2raw", "-mode", "2400"],
    "AMR": ["-f", "amr"],
    "AMR-WB": ["-f", "amr"],
    "opus": ["-c:a", "libopus", "-f", "ogg"],
    # This telephone packs the first code word into the high bits, which RFC 3551 has for AAL2-G726-xx alone.
    **{f"G726-{bits * 8}": ["-f", "g726", "-code_size", str(bits), "-ar", "8000"] for bits in (2, 3, 4, 5)},
}


def ip_datagrams(path):
    """(time, source, destination, UDP payload) of a capture, fragments put together."""
    pieces = collections.defaultdict(dict)
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at + 16 <= len(data):
        second, micro, size = struct.unpack_from("<III", data, at)
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if len(frame) < 34 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
            continue
        total, number, place = struct.unpack_from("!HHH", frame, 16)
        body = frame[14 + (frame[14] & 15) * 4:14 + total]
        addresses = [".".join(map(str, frame[i:i + 4])) for i in (26, 30)]
        parts = pieces[addresses[0], number]
        parts[(place & 0x1FFF) * 8] = (body, bool(place & 0x2000))
        whole = joined(parts)
        if whole is not None:
            del pieces[addresses[0], number]
            ports = struct.unpack_from("!HH", whole)
            yield (second + micro / 1e6, f"{addresses[0]}:{ports[0]}", f"{addresses[1]}:{ports[1]}", whole[8:])


def joined(parts):
    """All of a datagram; None while some is missing."""
    whole = b""
    while len(whole) in parts:
        body, more = parts[len(whole)]
        whole += body
        if not more:
            return whole
        if not body:
            return None
    return None


def flows_of(path):
    """{(source, destination): its RTP packets in order of arrival}"""
    flows = collections.defaultdict(list)
    for time, src, dst, payload in ip_datagrams(path):
        if len(payload) > 12 and payload[0] == 0x80 and not 72 <= payload[1] & 127 <= 76:
            sequence, timestamp = struct.unpack_from("!HI", payload, 2)
            flows[src, dst].append(Packet(time, sequence, timestamp, payload[1] & 127, payload[12:]))
    return flows


def agreed_at(path):
    """{ends of a flow: when its DTLS server said hello}: nothing before that can be protected. A hello is in the clear."""
    agreed = {}
    for time, src, dst, payload in ip_datagrams(path):
        if len(payload) > 13 and payload[0] == DTLS_HANDSHAKE and payload[13] == SERVER_HELLO:
            agreed.setdefault(frozenset((src, dst)), time)
    return agreed


# ---- Opus in Ogg, RFC 7845 and 3533 ----

def ogg_sum(data):
    register = 0
    for octet in data:
        register ^= octet << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register & 0x80000000 else 0)) & 0xFFFFFFFF
    return register


def ogg_page(number, packet, granule, first=False):
    sizes = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, 2 if first else 0, granule, 1, number, 0, len(sizes))
    page = head + sizes + packet
    return page[:22] + struct.pack("<I", ogg_sum(page)) + page[26:]


def ogg(packets, ticks):
    pages = [ogg_page(0, struct.pack("<8sBBHIhB", b"OpusHead", 1, 2, 0, 48000, 0, 0), 0, True),
             ogg_page(1, struct.pack("<8sI4sI", b"OpusTags", 4, b"none", 0), 0)]
    return b"".join(pages + [ogg_page(n + 2, p, (n + 1) * ticks) for n, p in enumerate(packets)])


def amr(codec, payloads):
    """Octet-aligned RFC 4867, a frame a packet, to the storage format."""
    return f"#!{codec}\n".encode() + b"".join(bytes([p[1] & 0x7C]) + p[2:] for p in payloads)


def stream_of(codec, packets, ticks):
    payloads = [p.payload for p in packets]
    if codec.startswith("AMR"):
        return amr(codec, payloads)
    return ogg(payloads, ticks) if codec == "opus" else b"".join(payloads)


def decode(codec, clock, channels, packets, rate, path, encode):
    """Mono samples of that rate into a file, by RTP time from the first packet on. Seconds of it. `encode`: earshot-encode."""
    words = RAW.get(codec) or ["-f", "s16be", "-ar", str(clock), "-ac", str(channels)]
    start, ticks = packets[0].timestamp, (packets[1].timestamp - packets[0].timestamp) & 0xFFFFFFFF
    program = ["ffmpeg", "-v", "error", "-nostdin", *words, "-i", "-", "-f", "s16le", "-ac", "1", "-ar", str(rate), "-"]
    if codec == "G726-40":  # of which ffmpeg makes noise
        program = [encode, "back", "g726", "5"]
    done = subprocess.run(program, input=stream_of(codec, packets, ticks), capture_output=True)
    if done.returncode != 0 or not done.stdout:
        raise Failure(f"{program[0]} cannot decode {codec}: {done.stderr.decode(errors='replace').strip()[:200]}")
    size = round(ticks * rate / clock) * 2
    out = bytearray()
    for n, packet in enumerate(packets):
        place = round(((packet.timestamp - start) & 0xFFFFFFFF) * rate / clock) * 2
        out += bytes(max(0, place - len(out)))
        out[place:place + size] = done.stdout[n * size:(n + 1) * size]
    with open(path, "wb") as f:
        f.write(out)
    return len(out) / 2 / rate


def write_mono(wav, rate, path):
    """A WAV as raw mono of that rate."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", wav, "-f", "s16le", "-ac", "1", "-ar", str(rate), path],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"ffmpeg cannot read {wav}: {done.stderr.strip()}")


def write_channel(wav, channel, path):
    """One channel of a WAV as raw mono; its rate."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    words = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", wav, "-af", f"pan=mono|c0=c{channel}", "-f", "s16le", path]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"ffmpeg cannot read {wav}: {done.stderr.strip()}")
