"""Speech to send, and how much a recording resembles it.

Samples are array('h'). A recording is compared in windows of two seconds: the energy envelopes say
roughly where a window lies, the normalised correlation of the samples says exactly where and how well
it matches. The compared figure is the correlation, 1 for equal up to loudness.
"""

import math
import os
import random
import struct
import subprocess
import threading
from array import array
from operator import mul

from wire import Failure, run

WINDOW_S = 2.0
ENVELOPE_S = 0.005
FINE_S = 0.008
MOST_SPEECH_S = 0.4  # of a window, for the fine search
SEARCH_RATE = 16000
RTP_PACKET_S = 0.02

# No pause long enough to leave a window without speech.
TEXTS = {
    "caller": "Seven wizards brew a toxic potion for the queen and her jealous friend keeps watching "
              "from the high window while rain falls over the old harbour and ships come home again",
    "callee": "Nobody at this counter knows which of the yellow boxes holds the missing order so we "
              "will open every single one of them before lunch and call you back this afternoon",
}
MAKING = threading.Lock()
VOICES = {"caller": "en-us", "callee": "en-gb+f3"}


def speak(who, rate, channels, work, minutes=0):
    """A WAV file of at least eight seconds of speech, or of so many minutes that never repeat; made once."""
    path = os.path.join(work, f"{who}-{rate}-{channels}-{minutes}.wav")
    with MAKING:  # threads want the same voice at once
        if not os.path.exists(path):
            raw = os.path.join(work, f"{who}-{minutes}.wav")
            if not os.path.exists(raw):
                run("espeak-ng", "-v", VOICES[who], "-s", "150", "-w", raw, long_text(who, minutes) if minutes else TEXTS[who])
            run("sox", "-R", raw, "-b", "16", "-r", str(rate), "-c", str(channels), path,
                "gain", "-n", "-6", "pad", "0", "1")
    return path


def long_text(who, minutes):
    """The words over and over, each time in another order."""
    draw, words = random.Random(who), TEXTS[who].split()
    return " ".join(" ".join(draw.sample(words, len(words))) for _ in range(minutes * 7))


def samples_of(path, channel=1, rate=None):
    words = ["sox", "-R", path, "-t", "s16", "-c", "1"] + (["-r", str(rate)] if rate else [])
    done = subprocess.run(words + ["-", "remix", str(channel)], capture_output=True)
    if done.returncode != 0:
        raise Failure(f"sox cannot read {path}: {done.stderr.decode(errors='replace').strip()}")
    return array("h", done.stdout)


def rate_of(path):
    return int(run("soxi", "-r", path))


def through_opus(path, bitrate, work):
    """The file after the reference encoder and decoder."""
    coded, decoded = os.path.join(work, "reference.opus"), os.path.join(work, "reference.wav")
    ffmpeg = ["ffmpeg", "-v", "error", "-y"]
    run(*ffmpeg, "-i", path, "-c:a", "libopus", "-b:a", str(bitrate), "-application", "audio",
        "-frame_duration", "20", coded)
    run(*ffmpeg, "-c:a", "libopus", "-i", coded, decoded)
    return decoded


def write_pcma_pcap(path, wav, seconds):
    """RTP packets of 20 ms PCMA, as a client that replays captures wants them."""
    done = subprocess.run(["sox", "-R", wav, "-t", "al", "-r", "8000", "-c", "1", "-", "trim", "0",
                           str(seconds)], capture_output=True, check=True)
    size = int(8000 * RTP_PACKET_S)
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n in range(len(done.stdout) // size):
            payload = done.stdout[n * size:(n + 1) * size]
            rtp = struct.pack("!BBHII", 0x80, 8 | (0x80 if n == 0 else 0), n, n * size, 0x5E551017)
            udp = struct.pack("!HHHH", 6000, 6000, 8 + len(rtp) + size, 0)
            ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp) + len(rtp) + size, n, 0, 64, 17, 0,
                             0x7F000001, 0x7F000001)
            frame = bytes(12) + b"\x08\x00" + ip + udp + rtp + payload
            micros = round(n * RTP_PACKET_S * 1e6)
            f.write(struct.pack("<IIII", micros // 1000000, micros % 1000000, len(frame), len(frame)))
            f.write(frame)


def dot(a, b):
    return sum(map(mul, a, b))


def correlation(a, b):
    power = dot(a, a) * dot(b, b)
    return dot(a, b) / math.sqrt(power) if power else 0.0


def envelope(samples, step):
    """Loudness of each step, its mean taken off."""
    loud = [math.sqrt(dot(w, w) / len(w))
            for w in (samples[i:i + step] for i in range(0, len(samples) - step + 1, step))]
    mean = sum(loud) / len(loud) if loud else 0
    return [x - mean for x in loud]


def rough_place(window, recorded, step):
    a, b = envelope(window, step), envelope(recorded, step)
    if len(b) < len(a):
        return 0
    return step * max(range(len(b) - len(a) + 1), key=lambda i: correlation(a, b[i:i + len(a)]))


def loudest(window, size):
    """Start of the loudest piece: the fine search looks at that alone."""
    starts = range(0, max(1, len(window) - size), size // 4)
    return max(starts, key=lambda i: dot(window[i:i + size], window[i:i + size]))


def fine_place(window, recorded, place, rate):
    """The exact place near a rough one: every few samples first, then every one."""
    size = round(MOST_SPEECH_S * rate)
    piece_at = loudest(window, size)
    reach = round(FINE_S * rate)
    for step in (max(1, rate // SEARCH_RATE), 1):
        piece = window[piece_at:piece_at + size:step]

        def matches(p, piece=piece, step=step):
            heard = recorded[p + piece_at:p + piece_at + size:step]
            return correlation(piece, heard) if p >= 0 and len(heard) == len(piece) else -1.0

        place = max(range(place - reach, place + reach + 1, step), key=matches)
        reach = step
    return place


def find(sent, recorded, at_s, rate):
    """(correlation, seconds by which the recording is later) of the window of `sent` at at_s."""
    start, length = round(at_s * rate), round(WINDOW_S * rate)
    window = sent[start:start + length]
    place = rough_place(window, recorded, round(ENVELOPE_S * rate))
    place = fine_place(window, recorded, place, rate)
    if place < 0:
        return 0.0, (place - start) / rate
    return correlation(window, recorded[place:place + length]), (place - start) / rate


def compare(sent, recorded, media_s, rate):
    """find() near the beginning and near the end of what was sent."""
    return [find(sent, recorded, at, rate) for at in (0.2, media_s - WINDOW_S - 0.2)]
