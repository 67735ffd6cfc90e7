"""F03, F11, X43: what codecs carry, through the whole program: encoders of others (earshot-encode), packets by hand, the
recording read back."""
import glob, math, os, random, struct, subprocess, urllib.request, wave

from craft import *
from feature import feature
from recordings import goertzel, ulaw

TONE, AMPLITUDE = 440, 8000


def sine(rate, seconds, hz=TONE):
    return struct.pack(f"<{int(rate * seconds)}h", *(round(AMPLITUDE * math.sin(2 * math.pi * hz * i / rate)) for i in range(int(rate * seconds))))


def encoded(t, pcm, encoder, rate, frame, *more):
    """Frames of an encoder that is not part of the program."""
    tool = os.path.join(os.path.dirname(os.path.abspath(t.earshot)), "tests/support/encode/earshot-encode")
    out = subprocess.run([tool, encoder, str(rate), str(frame), *map(str, more)], input=pcm, capture_output=True, check=True).stdout
    frames_, at = [], 0
    while at < len(out):
        size = struct.unpack_from("!H", out, at)[0]
        frames_.append(out[at + 2:at + 2 + size])
        at += 2 + size
    return frames_


def pack_bits(fields):
    """[(value, bits)] to octets, zeros behind."""
    text = "".join(format(v, f"0{n}b") for v, n in fields if n)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))


AMR_BITS = {0: 95, 1: 103, 2: 118, 3: 134, 4: 148, 5: 159, 6: 204, 7: 244, 8: 39, 15: 0}
WB_BITS = {0: 132, 1: 177, 2: 253, 3: 285, 4: 317, 5: 365, 6: 397, 7: 461, 8: 477, 9: 40, 15: 0}


def amr(frame, sizes=AMR_BITS, aligned=False):
    """A frame in storage format as a payload of RFC 4867."""
    kind = frame[0] >> 3 & 15
    if aligned:
        return b"\xf0" + frame
    bits = sizes[kind]
    speech = int.from_bytes(frame[1:], "big") >> (-bits % 8) if bits else 0
    return pack_bits([(15, 4), (0, 1), (kind, 4), (1, 1), (speech, bits)])


def offer(codecs, addr=ALICE, port=4000):
    """codecs: (payload type, rtpmap, fmtp)"""
    lines = "".join(f"a=rtpmap:{pt} {name}\r\n" + (f"a=fmtp:{pt} {fmtp}\r\n" if fmtp else "") for pt, name, fmtp in codecs)
    return (f"v=0\r\no=- 1 1 IN IP4 {addr}\r\ns=-\r\nc=IN IP4 {addr}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {' '.join(str(c[0]) for c in codecs)}\r\n{lines}").encode()


def dialog(codecs, seconds=2.0):
    return call(voice=False, seconds=seconds, offer=offer(codecs), answer=offer(codecs, BOB, 6000))


def sender(payloads, ticks, ms, pt, ssrc=0x1111, seq=100, ts=1000, start=START + 1.05, forth=True):
    """(payload or None for one that never came) to packets."""
    src, dst = ((ALICE, 4000), (BOB, 6000)) if forth else ((BOB, 6000), (ALICE, 4000))
    return [Packet(start + i * ms / 1000, *src, *dst, rtp(seq + i, ts + i * ticks, ssrc, p, pt, i == 0), kind="rtp")
            for i, p in enumerate(payloads) if p is not None]


def recorded(t, packets, *options):
    """(record, rate, samples of the caller, samples of the callee), sound None without a file."""
    folder = t.path("recordings")
    record, = t.read(frames(sorted(packets, key=lambda p: p.t)), "--record", folder, *options)
    files = glob.glob(os.path.join(folder, "*.wav"))
    if not files:
        return record, 0, None, None
    with wave.open(files[0]) as w:
        rate, data = w.getframerate(), w.readframes(w.getnframes())
    both = struct.unpack(f"<{len(data) // 2}h", data)
    return record, rate, both[0::2], both[1::2]


def pitch(samples, rate):
    """Of a pure tone: by what of it lies at a frequency."""
    return max(range(300, 600, 10), key=lambda hz: goertzel(samples, hz, rate))


# rtpmap, fmtp, encoder and its arguments, ticks, ms, tolerance of the level, payload of a frame
GOLDEN = [
    ("PCMU/8000", "", ("pcm_mulaw", 8000, 160), 160, 20, 0.02, None),
    ("PCMA/8000", "", ("pcm_alaw", 8000, 160), 160, 20, 0.02, None),
    ("PCMA/16000", "", ("pcm_alaw", 16000, 320), 320, 20, 0.02, None),
    ("PCMU/11025", "", ("pcm_mulaw", 11025, 441), 441, 40, 0.02, None),
    ("PCMU/8000/2", "", ("pcm_mulaw", 8000, 160), 160, 20, 0.02, lambda f: bytes(x for octet in f for x in (octet, octet))),
    ("L16/16000", "", ("pcm_s16be", 16000, 320), 320, 20, 0.01, None),
    ("L8/8000", "", ("l8", 8000, 160), 160, 20, 0.03, None),
    ("DVI4/8000", "", ("dvi4", 8000, 160), 160, 20, 0.03, None),
    ("G722/8000", "", ("g722", 16000, 320, 64000), 160, 20, 0.05, None),
    ("G726-16/8000", "", ("g726le", 8000, 160, 2), 160, 20, 0.3, None),
    ("G726-24/8000", "", ("g726le", 8000, 160, 3), 160, 20, 0.2, None),
    ("G726-32/8000", "", ("g726le", 8000, 160, 4), 160, 20, 0.1, None),
    ("G726-40/8000", "", ("g726le", 8000, 160, 5), 160, 20, 0.1, None),
    ("AAL2-G726-32/8000", "", ("g726", 8000, 160, 4), 160, 20, 0.1, None),
    ("G723/8000", "", ("g723_1", 8000, 240, 6300), 240, 30, 0.3, None),
    ("G729/8000", "annexb=no", ("g729", 8000, 80), 80, 10, 0.3, None),
    ("GSM/8000", "", ("libgsm", 8000, 160, 13000), 160, 20, 0.25, None),
    ("AMR/8000", "octet-align=1", ("amrnb", 8000, 160, 7), 160, 20, 0.3, lambda f: amr(f, aligned=True)),
    ("AMR/8000", "mode-set=4", ("amrnb", 8000, 160, 4), 160, 20, 0.3, amr),
    ("AMR-WB/16000", "octet-align=1", ("amrwb", 16000, 320, 8), 320, 20, 0.4, lambda f: amr(f, WB_BITS, True)),
    ("AMR-WB/16000", "", ("amrwb", 16000, 320, 2), 320, 20, 0.4, lambda f: amr(f, WB_BITS)),
    ("opus/48000/2", "useinbandfec=1", ("libopus direct", 48000, 960, 32000), 960, 20, 0.2, None),
    ("speex/8000", "", ("libspeex", 8000, 160, 15000), 160, 20, 0.35, None),
    ("speex/16000", "", ("libspeex", 16000, 320, 27800), 320, 20, 0.35, None),
    ("speex/32000", "", ("libspeex", 32000, 640, 36000), 640, 20, 0.35, None),
    ("CODEC2/8000", "", ("libcodec2", 8000, 160, 1), 160, 20, None, None),
    ("mpeg4-generic/32000", "mode=AAC-hbr;config=1288;sizelength=13;indexlength=3;indexdeltalength=3", ("aac", 32000, 1024, 48000), 1024, 32, 0.1,
     lambda f: struct.pack("!HH", 16, len(f) << 3) + f),
    ("MP4A-LATM/90000", "cpresent=0;config=400025103fc0", ("aac", 32000, 1024, 48000), 2880, 32, 0.1,
     lambda f: b"\xff" * (len(f) // 255) + bytes([len(f) % 255]) + f),
]


def tone_call(t, row):
    name, fmtp, encoder, ticks, ms, tolerance, pack = row
    payloads = encoded(t, sine(encoder[1], 1.6), *encoder)
    payloads = [pack(p) for p in payloads] if pack else payloads
    return payloads, recorded(t, dialog([(97, name, fmtp)]) + sender(payloads, ticks, ms, 97))


@feature("F03", "each codec: a tone through an encoder of others is recorded with its pitch, its level and its length")
def golden(t):
    for row in GOLDEN:
        name, fmtp, encoder, ticks, ms, tolerance, _ = row
        payloads, (record, rate, caller, callee) = tone_call(t, row)
        what = f"{name} {fmtp}"
        t.equal(f"{what}: result", (record["recording"]["result"], record["recording"]["undecodable"]), ("recorded", None))
        t.equal(f"{what}: codec", record["streams"][0]["codec"].lower(), name.split("/")[0].lower())
        t.equal(f"{what}: rate", rate, encoder[1])
        t.check(f"{what}: length {len(caller)}", abs(len(caller) - len(payloads) * ms * rate / 1000) <= 1)
        t.equal(f"{what}: nobody else is heard", max(callee), 0)
        part = caller[rate // 2:rate]
        if tolerance is None:
            continue
        level = goertzel(part, TONE, rate)
        t.equal(f"{what}: pitch", pitch(part[:rate // 8], rate), TONE)
        t.check(f"{what}: level {level:.0f}", abs(level / AMPLITUDE - 1) <= tolerance)
        rms = math.sqrt(sum(s * s for s in part) / len(part)) * math.sqrt(2)
        t.check(f"{what}: {level:.0f} of {rms:.0f} is the tone", level / rms > 0.9)
    pcm, clock = sine(8000, 2.0), "PCMU/8000"
    payloads = encoded(t, pcm, "pcm_mulaw", 8000, 1600)
    record, rate, caller, _ = recorded(t, dialog([(0, clock, "")], 3.0) + sender(payloads, 1600, 200, 0))
    t.check("packets of 200 ms are heard to their end", len(caller) == 16000 and min(goertzel(caller[i:i + 800], TONE) for i in range(0, 16000, 800)) > AMPLITUDE * 0.98)
    wrong = list(next(row for row in GOLDEN if row[0].startswith("G726-40")))
    wrong[0] = "G726-24/8000"
    _, (record, rate, caller, _) = tone_call(t, wrong)
    t.counter("the size of code words does not matter", goertzel(caller[4000:8000], TONE) < AMPLITUDE * 0.8)


@feature("F03", "LATM: an element over several packets of one timestamp sounds as in one packet; one that lacks a packet is left out as a whole")
def latm_pieces(t):
    row = next(r for r in GOLDEN if r[0].startswith("MP4A-LATM"))
    name, fmtp, encoder, ticks, ms, _, pack = row
    elements = [pack(p) for p in encoded(t, sine(encoder[1], 1.6), *encoder)]

    def heard(size, lost=()):
        """Elements in packets of `size` octets, the last of each marked; `lost`: (element, packet of it)."""
        packets, seq = [], 100
        for i, e in enumerate(elements):
            cut = [e[k:k + size] for k in range(0, len(e), size)]
            for k, piece in enumerate(cut):
                if (i, k) not in lost:
                    packets.append(Packet(START + 1.05 + i * ms / 1000, ALICE, 4000, BOB, 6000,
                                          rtp(seq, 1000 + i * ticks, 0x1111, piece, 97, k + 1 == len(cut)), kind="rtp"))
                seq += 1
        record, rate, caller, _ = recorded(t, dialog([(97, name, fmtp)]) + packets)
        return caller, record["streams"][0]["packets"]

    whole, count = heard(4096)
    cut, pieces = heard(60)
    t.check(f"{pieces} packets for {count}", pieces > 2 * count)
    t.check("the same sound, to the sample", len(cut) == len(whole) and max(abs(a - b) for a, b in zip(cut, whole)) == 0)
    hole, _ = heard(60, {(20, 1)})
    at = [i for i, (a, b) in enumerate(zip(hole, whole)) if a != b]
    t.counter("a packet of an element lost", at and 19 * 1024 <= at[0] and at[-1] < 24 * 1024 and len(hole) == len(whole))


@feature("F03", "G.726 in the order of bits that its name does not tell (baresip sends AAL2's as G726-32): heard in the right one, and said")
def g726_order(t):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/speech/speech-16k.raw"), "rb") as f:
        data = f.read()
    speech = struct.pack(f"<{len(data) // 4}h", *struct.unpack(f"<{len(data) // 2}h", data)[::2])
    def both(name, bits, pcm):
        """The caller packs by RFC 3551, the callee by I.366.2."""
        sent = [sender(encoded(t, pcm, way, 8000, 160, bits), 160, 20, 97, ssrc=ssrc, forth=forth)
                for way, ssrc, forth in (("g726le", 1, True), ("g726", 2, False))]
        return recorded(t, dialog([(97, name + "/8000", "")], 3.5) + sent[0] + sent[1])
    for bits in (2, 3, 4, 5):
        names = f"G726-{8 * bits}", f"AAL2-G726-{8 * bits}"
        low, high = (both(name, bits, speech) for name in names)
        t.equal(f"{names[0]}: the callee packs otherwise", low[0]["recording"].get("packing"), f"callee {names[0]} as {names[1]}")
        t.equal(f"{names[1]}: the caller packs otherwise", high[0]["recording"].get("packing"), f"caller {names[1]} as {names[0]}")
        t.check(f"{8 * bits} kbit/s: something is heard", max(map(abs, low[2])) > 2000)
        t.check(f"{8 * bits} kbit/s: the same sound under either name, from the first sample to the last", low[2:] == high[2:])
    record, _, caller, _ = both("G726-32", 4, bytes(16000))
    t.counter("silence tells an order", "packing" not in record["recording"] and max(map(abs, caller)) < 20)


@feature("F03", "pauses: SID of G.729 and AMR, comfort noise by RFC 3389, and Opus DTX are quiet noise of the right length")
def pauses(t):
    r = random.Random(3)
    speech = sine(8000, 1.0) + struct.pack("<24000h", *(r.randint(-40, 40) for _ in range(24000))) + sine(8000, 0.5)
    for name, fmtp, encoder, ticks, ms, size in (("G729/8000", "", ("g729", 8000, 80, "dtx"), 80, 10, lambda f: len(f)),
                                                 ("AMR/8000", "octet-align=1", ("amrnb", 8000, 160, 7, "dtx"), 160, 20, lambda f: len(f) - 1)):
        payloads = encoded(t, speech, *encoder)
        sent = [None if size(p) == 0 else amr(p, aligned=True) if "AMR" in name else p for p in payloads]
        t.check(f"{name}: a pause is not sent: {sent.count(None)} of {len(sent)}", sent.count(None) > len(sent) / 3)
        packets = sender(sent, ticks, ms, 97)
        for n, p in enumerate(packets):  # what was not sent has no number
            p.data = p.data[:2] + struct.pack("!H", n) + p.data[4:]
        record, rate, caller, _ = recorded(t, dialog([(97, name, fmtp)], 4.0) + packets)
        last = max(i for i, p in enumerate(sent) if p is not None)
        t.check(f"{name}: length {len(caller)}", abs(len(caller) - (last + 1) * ms * 8) <= ms * 8 + 1)
        t.check(f"{name}: speech", goertzel(caller[2000:6000], TONE) > 4000)
        t.check(f"{name}: pause {max(map(abs, caller[16000:24000]))}", max(map(abs, caller[16000:24000])) < 400)
        t.equal(f"{name}: no loss", record["streams"][0]["lost"], 0)
    speech = [bytes(ulaw(s) for s in struct.unpack("<160h", sine(8000, 1.0)[i:i + 320])) for i in range(0, 16000, 320)]
    quiet, loud = [], []
    for level, out in ((70, quiet), (40, loud)):
        packets = sender(speech, 160, 20, 0) + sender([bytes([level])], 160, 20, 13, seq=150, ts=1000 + 8000, start=START + 2.05)
        packets += sender(speech, 160, 20, 0, seq=151, ts=1000 + 16000, start=START + 3.05)
        record, rate, caller, _ = recorded(t, dialog([(0, "PCMU/8000", ""), (13, "CN/8000", "")], 4.0) + packets)
        t.equal(f"noise of {level} dB: length", len(caller), 24000)
        rms = math.sqrt(sum(s * s for s in caller[9000:15000]) / 6000)
        out.append(20 * math.log10(rms / 32768))
        t.check(f"noise of {level} dB: {out[0]:.1f}", abs(out[0] + level) < 2)
    t.counter("the level of the noise does not matter", abs(quiet[0] - loud[0]) > 25)


@feature("F03", "EVS and what nobody knows: named, counted, the packets kept")
def undecodable(t):
    from service import wait_for
    from users_api import FileService
    payloads = [bytes(33)] * 50
    for name, label in (("EVS/16000", "EVS"), ("SILK/16000", "SILK"), ("G7221/16000", "G7221"), ("X-Unheard/8000", "X-Unheard")):
        record, _, caller, _ = recorded(t, dialog([(97, name, "")]) + sender(payloads, 320, 20, 97))
        t.equal(f"{name}: result", (record["recording"]["result"], record["recording"]["undecodable"], caller), ("undecodable", label, None))
    packets = sorted(dialog([(97, "EVS/16000", "")]) + sender(payloads, 320, 20, 97), key=lambda p: p.t)
    with FileService(t, packets, "[recording]\ndefault = record\n") as s:
        span = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
        row = wait_for("the render", lambda: next((c for c in s.get(f"/api/v1/calls?{span}")["data"] if (c["recording"] or {}).get("result") == "undecodable"), None))
        with urllib.request.urlopen(f"{s.url}/api/v1/calls/{row['uid']}/pcap", timeout=10) as answer:
            kept = answer.read()
        t.equal("every packet of the sound is kept as it came", sum(kept.count(p.data) for p in packets if p.kind == "rtp"), 50)
    counters = t.counters_of(frames(sorted(dialog([(97, "EVS/16000", "")]) + sender(payloads, 320, 20, 97), key=lambda p: p.t)), "--record", t.path("recordings"))
    t.equal("counted", counters['earshot_undecodable_packets_total{codec="EVS"}'], 50)
    record, _, caller, _ = recorded(t, dialog([(97, "PCMU/8000", "")]) + sender([bytes([200]) * 160] * 50, 160, 20, 97))
    t.counter("a codec on the list is named as well", record["recording"]["undecodable"] is None and record["recording"]["result"] == "recorded")


def ulaw_tone(hz, seconds):
    octets = bytes(ulaw(round(AMPLITUDE * math.sin(2 * math.pi * hz * i / 8000))) for i in range(round(8000 * seconds)))
    return [octets[i:i + 160] for i in range(0, len(octets), 160)]


# ---- F11

def red(blocks, new, pt=0):
    """blocks: (ticks behind, payload), the oldest first."""
    heads = b"".join(struct.pack("!I", 0x80000000 | pt << 24 | behind << 10 | len(p)) for behind, p in blocks)
    return heads + bytes([pt]) + b"".join(p for _, p in blocks) + new


LOST = (30, 31, 60)


def red_call(t, blocks, lost=LOST):
    sound = ulaw_tone(440, 2.0)
    payloads = [red([(160 * k, sound[i - k]) for k in range(blocks, 0, -1) if i >= k], p) for i, p in enumerate(sound)] if blocks else sound
    codecs = [(99, "red/8000", "0/0"), (0, "PCMU/8000", "")]
    kept = [None if i in lost else p for i, p in enumerate(payloads)]
    return recorded(t, dialog(codecs, 3.0) + sender(kept, 160, 20, 99 if blocks else 0))


@feature("F11", "RED: what was lost is heard from later packets; the stream is that of the codec inside, its packets are lost all the same")
def redundancy(t):
    whole = red_call(t, 0, ())
    record, rate, caller, _ = red_call(t, 2)
    t.check("the sound of what was not lost, to the sample", caller == whole[2])
    t.equal("told", (record["recording"]["repaired_frames"], record["recording"]["undecodable"]), (3, None))
    s, = record["streams"]
    t.equal("codec, packets, loss, ptime", (s["codec"], s["redundancy"], s["packets"], s["lost"], s["ptime_ms"]), ("PCMU", "red", 97, 3, 20))
    t.equal("no payload type changed, nothing twice", (s["payload_changes"], s["duplicates"], s["restarts"]), (0, 0, 0))
    t.check("and judged as it", s["mos"]["lq"] is not None)
    record, _, caller, _ = red_call(t, 1)
    t.check("one copy mends single losses only", record["recording"]["repaired_frames"] == 2 and caller != whole[2] and len(caller) == len(whole[2]))
    bare, _, caller, _ = red_call(t, 0)
    t.counter("without it the sound is the same", caller != whole[2] and "repaired_frames" not in bare["recording"])
    t.counter("without it the stream says so", "redundancy" not in bare["streams"][0])


@feature("F11", "Opus: the copy of a lost frame in the next packet is heard, and that it was agreed on is told")
def inband(t):
    r = random.Random(5)
    pcm = struct.pack("<96000h", *(round(6000 * math.sin(2 * math.pi * (150 + 40 * math.sin(i / 9000)) * i / 48000) * (0.3 + abs(math.sin(i / 7000))) + r.uniform(-300, 300))
                                   for i in range(96000)))
    repaired = {}
    for fec in ("fec", None):
        payloads = encoded(t, pcm, "libopus direct", 48000, 960, 24000, *([fec] if fec else []))
        kept = [None if i % 10 == 5 else p for i, p in enumerate(payloads)]
        codecs = [(111, "opus/48000/2", f"minptime=10;useinbandfec={1 if fec else 0}")]
        record, rate, caller, _ = recorded(t, dialog(codecs, 3.0) + sender(kept, 960, 20, 111))
        t.equal(f"length with {fec}", len(caller), 96000)
        repaired[fec] = record["recording"].get("repaired_frames", 0)
        t.equal(f"said, with {fec}", record["streams"][0].get("redundancy"), "inband" if fec else None)
    t.check(f"heard: {repaired['fec']} of 10", repaired["fec"] >= 3)
    t.counter("frames come back without copies", repaired[None] == 0)


@feature("F11", "RTX and FEC are streams of their own: not heard, not judged, nothing of the call's loss")
def apart(t):
    sound = ulaw_tone(440, 2.0)
    codecs = [(0, "PCMU/8000", ""), (98, "rtx/8000", "apt=0"), (116, "ulpfec/8000", "")]
    kept = [None if i in LOST else p for i, p in enumerate(sound)]
    again = [Packet(START + 1.15 + i * 0.02, ALICE, 4000, BOB, 6000, rtp(900 + 7 * n, 1000 + 160 * i, 0x3333, struct.pack("!H", 100 + i) + sound[i], 98), kind="rtp")
             for n, i in enumerate(LOST)]
    mend = sender([bytes(40)] * 10, 1600, 200, 116, ssrc=0x4444)
    record, rate, caller, _ = recorded(t, dialog(codecs, 3.0) + sender(kept, 160, 20, 0) + again + mend)
    alone, _, without, _ = recorded(t, dialog(codecs, 3.0) + sender(kept, 160, 20, 0))
    t.check("the sound is that of the stream alone", caller == without)
    t.equal("nothing is undecodable", record["recording"]["undecodable"], None)
    t.equal("streams", sorted((s["ssrc"], s["codec"], s["media_type"], s["packets"]) for s in record["streams"]),
            [("0x00001111", "PCMU", "audio", 97), ("0x00003333", "rtx", "repair", 3), ("0x00004444", "ulpfec", "repair", 10)])
    for key in ("loss_ratio", "mos_min", "jitter_ms_max", "max_gap_ms", "one_way", "no_rtp"):
        t.equal(f"of the call: {key}", record["quality"][key], alone["quality"][key])
    t.equal("codec of the call", record["codec"], "PCMU")
    t.equal("labels of the call", [d["label"] for d in record["diagnosis"]], [d["label"] for d in alone["diagnosis"]])
    plain = [Packet(p.t, p.src, p.sport, p.dst, p.dport, p.data[:1] + bytes([8]) + p.data[2:], kind="rtp") for p in again]
    record, _, caller, _ = recorded(t, dialog([(0, "PCMU/8000", ""), (8, "PCMA/8000", "")], 3.0) + sender(kept, 160, 20, 0) + plain)
    t.counter("a stream of sound is left out as well", sum(s["media_type"] == "audio" for s in record["streams"]) == 2)


# ---- X43

@feature("X43", "payload bombs: a packet gives 240 ms at most, whatever it claims to hold; the recording is no longer than the call")
def bombs(t):
    amr_bomb = b"\xf0" + b"\x84" * 99 + b"\x04" + bytes(13 * 100)
    for name, fmtp, pt, payload, most in (("G729/8000", "", 18, bytes(1400), 0.24), ("opus/48000/2", "", 111, b"\x1b\x82" + bytes(400), 0.12),
                                          ("AMR/8000", "octet-align=1", 97, amr_bomb, 0), ("PCMU/8000", "", 0, b"\x55" * 2400, 0.24),
                                          ("GSM/8000", "", 3, (b"\xd0" + bytes(32)) * 40, 0.24), ("CODEC2/8000", "", 98, bytes(1200), 0.24),
                                          ("red/8000", "0/0", 99, b"\x80\0\0\0" * 300, 0)):
        codecs = [(pt, name, fmtp)] + ([(0, "PCMU/8000", "")] if pt else [])
        good = ulaw_tone(440, 0.2)
        packets = dialog(codecs) + sender([payload], 160, 20, pt)
        record, rate, caller, callee = recorded(t, packets)
        length = len(caller) / rate if caller else 0
        t.check(f"{name}: {length:.3f} s", abs(length - most) < 0.001)
        flood = dialog(codecs) + sender([payload] * 50, 160, 20, pt) + sender(good, 160, 20, 0, ssrc=0x2222, forth=False)
        record, rate, caller, callee = recorded(t, flood)
        t.check(f"{name}: fifty of them: {len(caller) / rate:.3f} s", len(caller) / rate <= 1.0 + 0.24)
        t.check(f"{name}: the other side is heard", goertzel(callee[:int(0.1 * rate)], 440, rate) > 7000)
    record, rate, caller, _ = recorded(t, dialog([(0, "PCMU/8000", "")]) + sender([b"\x55" * 640], 160, 20, 0))
    t.counter("a packet of 80 ms is cut", len(caller) == 640)
