"""F04, R01: what was sent when, and where it stands in the recording. Each side marks its sound with clicks, so that every
one of them can be found again to the sample."""
import array, os, struct, sys

from craft import *
from feature import feature
from recordings import at as when, pcm, ulaw

RATE = 8000
MEDIA = START + 1.05  # the first packet
CLICK = bytes(ulaw(20000 if i % 2 else -20000) for i in range(16))
QUIET = bytes([0xff]) * 160
BEAT = CLICK + QUIET[16:]


def ticking(src, sport, dst, dport, ssrc, seconds, start=MEDIA, ppm=0.0, skip=lambda second: False, seq=100, ts=1000, pt=0, every=50, sound=None):
    """Packets of 20 ms by a clock that is `ppm` slow, a click at the beginning of each `every`th; none in the seconds that `skip` names
    (lost on the way)."""
    head, beat, quiet = struct.Struct("!BBHII"), *(sound or (BEAT, QUIET))
    return [Packet(start + n * 0.02 * (1 + ppm * 1e-6), src, sport, dst, dport,
                   head.pack(0x80, pt, seq + n & 0xffff, ts + 160 * n & 0xffffffff, ssrc) + (quiet if n % every else beat), kind="rtp")
            for n in range(round(seconds * 50)) if not skip(n * 0.02)]


def write_fast(path, packets):
    """As craft.write() does, for hundreds of thousands of small packets: heads of the same ends are made once."""
    heads, out = {}, [struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1)]
    for p in sorted(packets, key=lambda p: p.t):
        key = (p.src, p.sport, p.dst, p.dport, len(p.data))
        if key not in heads:
            heads[key] = ether(ip(p))[:-len(p.data)]
        size, ns = len(heads[key]) + len(p.data), round(p.t * 1e6) * 1000
        out += (struct.pack("<IIII", ns // 10**9, ns % 10**9, size, size), heads[key], p.data)
    with open(path, "wb") as f:
        f.write(b"".join(out))
    return path


class Recorded:
    """A call's record and its recording."""

    def __init__(self, t, packets, *options):
        folder = t.path("recordings")
        self.records = t.read(write_fast(t.path(), packets), "--record", folder, "--set", "recording.measures=no", *options)
        self.record = self.records[0]
        self.names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        self.seconds, self.side = 0, ((), ())
        if len(self.names) != 1:
            return
        with open(os.path.join(folder, self.names[0]), "rb") as f:
            _, self.rate, x = pcm(f.read())
        x = array.array("h", x)
        if sys.byteorder == "big":
            x.byteswap()
        self.begin = when(self.record["recording"]["started_at"])
        self.side = x[0::2], x[1::2]
        self.seconds = len(x) / 2 / self.rate

    def late(self, side, sent, within=0.15):
        """How much later than it was sent this click stands in the recording; None: it does not."""
        first = max(0, round((sent - within - self.begin) * self.rate))
        for i, x in enumerate(self.side[side][first:first + round(2 * within * self.rate)]):
            if abs(x) > 10000:
                return self.begin + (first + i) / self.rate - sent
        return None

    def loudest(self, side, begin, end):
        part = self.side[side][max(0, round((begin - self.begin) * self.rate)):max(0, round((end - self.begin) * self.rate))]
        return max(map(abs, part), default=0)


@feature("F04", "an hour, clocks 50 ppm slow and 50 ppm fast, gaps of 200 ms: both sides in step within 20 ms to the end")
def drift(t):
    d, hour = Dialog(), 3600
    gap = lambda second: second % 60 > 29.99 and second % 60 < 30.19
    packets = call(d, hour + 1, voice=False)
    packets += ticking(d.a, 4000, d.b, 6000, 1, hour, ppm=50, skip=gap, every=500)
    packets += ticking(d.b, 6000, d.a, 4000, 2, hour, ppm=-50, skip=lambda second: gap(second + 7), every=500)
    r = Recorded(t, packets)
    late = [[r.late(k, MEDIA + 10 * n * (1 + ppm * 1e-6)) for n in range(hour // 10)] for k, ppm in ((0, 50), (1, -50))]
    found = [[x for x in side if x is not None] for side in late]
    t.equal("clicks that were sent and are there", [len(x) for x in found], [300, 360])
    t.check(f"each side: {[(min(x), max(x)) for x in found]}", all(abs(v) < 0.01 for x in found for v in x))
    apart = [abs(a - b) for a, b in zip(*late) if a is not None and b is not None]
    t.check(f"in step: {max(apart)} s apart at worst, {apart[-1]} at the end", max(apart) < 0.02 and apart[-1] < 0.02)
    t.check(f"length {r.seconds}", abs(r.seconds - hour * (1 + 50e-6)) < 0.04)
    t.equal("no loss but the gaps", [s["lost"] for s in r.record["streams"]], [600, 600])
    t.counter("what was lost on the way is there", late[0][3] is None and r.loudest(0, MEDIA + 30.0, MEDIA + 30.18) < 500)
