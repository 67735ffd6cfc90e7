"""The bench on which defects of other programs are shown: a register of them, voice and RTCP made by hand, and the truth that the
maker of a capture knows without reading it. Packets are those of tests/features/craft.py."""
import json, math, os, random, struct, subprocess, sys
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../data/reference")
sys.path.insert(0, os.path.join(HERE, "../features"))

from craft import *
from feature import Test

DEFECTS = []


@dataclass
class Defect:
    id: str
    kind: str  # class of the evidence: M measured, X its function computed, C read in its source, I an issue of its own
    wrong: str
    theirs: str  # what it says instead; "" when it is run here
    show: object  # show(bench) yields Figures


@dataclass
class Figure:
    what: str
    ours: object
    truth: object
    theirs: object = None

    def good(self):
        return same(self.ours, self.truth)


def same(a, b):
    if isinstance(b, list):
        return isinstance(a, list) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(b, float) and isinstance(a, (int, float)):
        return abs(a - b) <= 0.0006  # three decimals are printed
    return a == b


class NotYet(Exception):
    """Why a defect cannot be shown."""


def defect(id_, kind, wrong, theirs=""):
    def add(fn):
        DEFECTS.append(Defect(id_, kind, wrong, theirs, fn))
        return fn
    return add


# ---- voice

PCMU = (0, "PCMU/8000", "", bytes([0x7f]) * 160, 160)
G729 = (18, "G729/8000", "annexb=yes", bytes([0x11]) * 20, 160)
GSM = (3, "GSM/8000", "", b"\xd1" * 33, 160)
G723 = (4, "G723/8000", "", b"\x10" * 24, 240)
AMR = (96, "AMR/8000", "octet-align=1", b"\xf0\x3c" + b"\x55" * 31, 160)
G722 = (9, "G722/8000", "", b"\xfa" * 160, 160)
OPUS = (111, "opus/48000/2", "", b"\x78" * 80, 960)
EVS = (99, "EVS/16000", "", bytes(61), 320)

# Scale, Ie and Bpl as ITU-T G.113 has them (4.3 where it has no Bpl).
QUALITY = {PCMU: ("NB", 0, 25.1), G729: ("NB", 11, 19.0), GSM: ("NB", 20, 4.3), G723: ("NB", 15, 16.1), AMR: ("NB", 5, 10.0),
           G722: ("WB", 13, 4.3), OPUS: ("FB", 10.2, 10.0), EVS: ("FB", 7.2, 11.4)}
PORTS = ALICE, 4000, BOB, 6000


def voice(n, codec=PCMU, lost=(), late=lambda i: 0.0, ptime=0.02, marker=lambda i: False, seq=1000, ssrc=0x1111, at=1.05, timestamp=0, payload=None):
    """n packets of the caller, without those in `lost`; `late`: seconds that one comes behind its time."""
    pt, _, _, own, ticks = codec
    return [Packet(START + at + i * ptime + late(i), *PORTS, rtp(seq + i, timestamp + ticks * i, ssrc, payload or own, pt, marker(i)), kind="rtp")
            for i in range(n) if i not in lost]


def with_call(packets, codec=PCMU, extra="", **more):
    """The packets and the call that announces them, until their end."""
    pt, name, fmtp = codec[:3]
    lines = (f"a=fmtp:{pt} {fmtp}\r\n" if fmtp else "") + extra
    end = max(p.t for p in packets) - START
    signals = call(voice=False, offer=sdp(ALICE, 4000, lines, pt, name), answer=sdp(BOB, 6000, lines, pt, name), seconds=end, **more)
    return sorted(signals + packets, key=lambda p: p.t)


def losses(n, share, seed=1):
    """That share of n, at random, each packet for itself; first and last stay."""
    return set(random.Random(seed).sample(range(10, n - 10), round(n * share)))


# ---- the truth

def runs_of(lost):
    """Lengths of runs of consecutive numbers."""
    out = []
    for i in sorted(lost):
        if out and i - 1 in lost:
            out[-1] += 1
        else:
            out.append(1)
    return out


def mos_of_r(r):
    return 1.0 if r <= 0 else 4.5 if r >= 100 else max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def clean_r():
    """R of G.107 without impairments, as its reference implementation has it."""
    with open(os.path.join(DATA, "emodel_vectors.json")) as f:
        return json.load(f)["codecs"][0]["R@0"]


def r_of(codec, n, lost=()):
    scale, ie, bpl = QUALITY[codec]
    ppl, runs = 100 * len(lost) / n, len(runs_of(lost))
    burst = min(8, max(1, len(lost) / runs * (1 - len(lost) / n))) if runs and bpl >= 16 else 1
    best, ceiling = {"NB": (clean_r(), 95), "WB": (129, 95), "FB": (148, 132)}[scale]
    return best - ie - (ceiling - ie) * ppl / (ppl / burst + bpl)


def mos(codec, n, lost=()):
    return mos_of_r(r_of(codec, n, lost) / {"NB": 1, "WB": 1.29, "FB": 1.48}[QUALITY[codec][0]])


def r_with_delay(r, ta):
    """R of a conversation over `ta` ms, with the echo that G.107's defaults leave. Formulas of 7.2 to 7.4."""
    power = lambda x: 10 ** (x / 10)
    sender = 35 - 8 - 3 - 100 + 0.004 * (35 - 10 - 3 - 14) ** 2
    room = 35 + 10 * math.log10(1 + power(10 - 18))
    no = 10 * math.log10(power(-70) + power(sender) + power(2 - 121 + room + 0.008 * (room - 35) ** 2) + power(-64 + 2))
    ro = 15 - 1.5 * (8 + no)

    def impaired(ta):
        terv = 65 - 40 * math.log10((1 + ta / 10) / (1 + ta / 150)) + 6 * math.exp(-0.3 * ta * ta)
        gap = (-1.5 * (no - 2) - (80 + 2.5 * (terv - 14))) / 2
        talker = (gap + math.sqrt(gap * gap + 100) - 1) * (1 - math.exp(-ta)) if ta >= 1 else 0
        half = (ro - 10.5 * (110 + 7) * (2 * ta + 1) ** -0.25) / 2
        x = math.log2(ta / 100) if ta > 100 else 0
        absolute = 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
        return talker + half + math.sqrt(half * half + 169) + absolute
    return r + impaired(0) - impaired(ta)


def lateness(late, n, limit):
    """Packets that a fixed buffer of `limit` seconds cannot play: the first one sets the time of all."""
    return {i for i in range(n) if late(i) - late(0) > limit}


# ---- RTCP

def ntp(t):
    seconds = t + 2208988800
    return int(seconds) & 0xffffffff, int(seconds % 1 * 2**32)


def block(ssrc, highest, fraction=0, cumulative=0, jitter=0, lsr=0, dlsr=0):
    return struct.pack("!IB3sIIII", ssrc, fraction, (cumulative & 0xffffff).to_bytes(3, "big"), highest, jitter, lsr, dlsr)


def rtcp(kind, count, body):
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def receiver_report(*blocks, sender=0x2222):
    return rtcp(201, len(blocks), struct.pack("!I", sender) + b"".join(blocks))


def sender_report(t, *blocks, sender=0x2222, packets=50):
    return rtcp(200, len(blocks), struct.pack("!IIIIII", sender, *ntp(t), 8000, packets, packets * 160) + b"".join(blocks))


def description(cname, sender=0x2222):
    item = struct.pack("!IBB", sender, 1, len(cname)) + cname
    return rtcp(202, 1, item + bytes(4 - len(item) % 4))


XR_FIELDS = dict(loss=0, discard=0, burst_density=0, gap_density=0, burst_ms=0, gap_ms=0, round_trip=0, end_system=0, signal=127, noise=127, rerl=127, gmin=16,
                 r=127, r_external=127, mos_lq=127, mos_cq=127, config=0, reserved=0, nominal=0, maximum=0, limit=0)


def voip_metrics(ssrc, **fields):
    values = dict(XR_FIELDS, **fields)
    return struct.pack("!BBHI4B4HbbBBBBBBBBHHH", 7, 0, 8, ssrc, *values.values())


def extended_report(*blocks, sender=0x2222):
    return rtcp(207, 0, struct.pack("!I", sender) + b"".join(blocks))


def from_bob(at, *parts):
    """One compound of the callee."""
    return Packet(START + at, BOB, 6001, ALICE, 4001, b"".join(parts), kind="rtcp")


def from_alice(at, *parts):
    return Packet(START + at, ALICE, 4001, BOB, 6001, b"".join(parts), kind="rtcp")


# ---- reading

class Bench(Test):
    """One capture after the other: what Earshot says of it, and TShark."""

    def calls(self, packets, *options):
        source = packets if isinstance(packets, str) else frames(packets)
        return [r for r in self.read(source, *options) if r["kind"] == "call"]

    def streams(self, packets, *options):
        return [s for r in self.calls(packets, *options) for s in r["streams"]]

    def stream(self, packets, *options):
        """The only stream there is."""
        found, = self.streams(packets, *options)
        return found

    def tshark(self, path):
        """The first row of its table of RTP streams, by column."""
        out = subprocess.run(["tshark", "-r", path, "-q", "-z", "rtp,streams"], capture_output=True, text=True, timeout=60)
        row = next(line for line in out.stdout.splitlines() if " 0x" in line).split()
        columns = row[row.index(next(x for x in row if x.startswith("0x"))) + 2:]
        # The clock of the payload may have a blank in its name; figures are counted from the end.
        columns = [x for x in columns if x != "X"][-9:]
        keys = ("packets", "lost", "share", "min_delta", "mean_delta", "max_delta", "min_jitter", "mean_jitter", "max_jitter")
        return dict(zip(keys, columns)), out.stdout


def reference(name):
    """A capture that lies here ready."""
    return os.path.join(DATA, f"{name}.pcap")


def rtp_in(path):
    """(sequence, timestamp, payload type, SSRC) of every RTP packet of a reference capture: its frames have a fixed form."""
    with open(path, "rb") as f:
        data = f.read()
    out, at = [], 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        udp = data[at + 16 + 34:at + 16 + size]
        if udp[:2] == struct.pack("!H", 10000):
            _, kind, seq, timestamp, ssrc = struct.unpack_from("!BBHII", udp, 8)
            out.append((seq, timestamp, kind & 0x7f, ssrc))
        at += 16 + size
    return out


def distinct(path):
    return len({(p[0], p[3]) for p in rtp_in(path)})


def decimals(text):
    return float(text) if "." in text else int(text)
