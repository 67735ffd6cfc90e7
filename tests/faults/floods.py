#!/usr/bin/env python3
"""Floods of what fills tables: bogus fragments, half-open connections, data without a connection, SSRCs, tunnels.

    floods.py EARSHOT [--count N] [--only NAME]

Each flood of N packets (default 1,000,000) surrounds a call. The call must come out as without the flood, the packets a
CPU second must be at least 30 % of those of ordinary RTP, measured in the same run, and memory stays under its cap."""
import argparse, json, os, random, struct, subprocess, sys, tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "features"))
from craft import *  # noqa: E402
from feature import shape  # noqa: E402

SHARE = 0.30
RSS_MAX_MB = 512
SPACING = 3.0  # seconds of packet time that the flood lasts


def addr(n):
    return bytes([10, 200 + (n >> 16 & 31), n >> 8 & 255, n & 255])


def head4(src, proto, size, ipid=0, frag=0, dst=b"\x0a\0\0\2"):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, ipid & 0xffff, frag, 64, proto, 0, src, dst)


def ordinary(n, rnd):
    """RTP of 200 streams."""
    k = n % 200
    body = rtp(n // 200, 160 * (n // 200), 0x5000 + k)
    return head4(addr(k), 17, 8 + len(body)) + struct.pack("!HHHH", 20000 + 2 * k, 30000 + 2 * k, 8 + len(body), 0) + body


def fragments(n, rnd):
    """First fragments whose rest never comes, each of another datagram."""
    body = bytes(160)
    return head4(addr(n), 17, 8 + len(body), n, 0x2000) + struct.pack("!HHHH", 5060, 5060, 3000, 0) + body


def half_open(n, rnd):
    return head4(addr(n), 6, 20) + tcp_header(1024 + n % 60000, 5060, rnd.getrandbits(32), 0, 2, b"")


def no_handshake(n, rnd):
    body = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n" + bytes(100)
    return head4(addr(n), 6, 20 + len(body)) + tcp_header(1024 + n % 60000, 5060, rnd.getrandbits(32), 1, 0x18, body)


def ssrcs(n, rnd):
    """A new SSRC in every packet, towards one port that nobody announced."""
    body = rtp(rnd.getrandbits(16), rnd.getrandbits(32), rnd.getrandbits(32))
    return head4(addr(n % 50), 17, 8 + len(body)) + struct.pack("!HHHH", 4444, 5555, 8 + len(body), 0) + body


def spray(n, rnd):
    """RTP to every port of a neighbour."""
    body = rtp(rnd.getrandbits(16), rnd.getrandbits(32), n)
    return head4(addr(n), 17, 8 + len(body), dst=b"\x0a\0\0\3") + struct.pack("!HHHH", n & 0xffff or 1, n * 7 & 0xffff or 1, 8 + len(body), 0) + body


# name: (packets, share of ordinary throughput that is asked; None: only survival, since each packet opens something)
FLOODS = {"fragments": (fragments, SHARE), "half_open": (half_open, SHARE), "no_handshake": (no_handshake, None),
          "ssrcs": (ssrcs, SHARE),
          "spray": (spray, None)}
ETHER = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0"


def make(path, make_packet, count, control):
    """The call's packets among `count` others, all in order of time."""
    rnd = random.Random(1)
    calls = sorted(frames(control), key=lambda f: f.t)
    start, step, at = START - 0.5, (SPACING + 1.0) / count, 0
    with open(path, "wb", buffering=1 << 20) as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))

        def put(t, data):
            s = int(t)
            f.write(struct.pack("<IIII", s, int((t - s) * 1e9), len(data), len(data)) + data)
        for n in range(count):
            t = start + n * step
            while at < len(calls) and calls[at].t <= t:
                put(calls[at].t, calls[at].data)
                at += 1
            put(t, ETHER + make_packet(n, rnd))
        for c in calls[at:]:
            put(c.t, c.data)


def read(earshot, path):
    """Records, CPU seconds, peak memory in MB."""
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen([earshot, "read", "--json", "--quiet", path], stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        if status:
            sys.exit(f"earshot read: status {status}")
        out.seek(0)
        records = [json.loads(line) for line in out]
    return records, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("earshot")
    p.add_argument("--count", type=int, default=1_000_000)
    p.add_argument("--only")
    a = p.parse_args()
    control = call(Dialog(call_id="control@test"))
    bad = 0
    with tempfile.TemporaryDirectory(prefix="earshot-floods-") as work:
        path = os.path.join(work, "flood.pcap")
        write(path, frames(control))
        wanted = shape(read(a.earshot, path)[0])
        make(path, ordinary, a.count, control)
        _, base_cpu, _ = read(a.earshot, path)
        print(f"{'ordinary RTP':14} {base_cpu / a.count * 1e9:7.0f} ns a packet")
        for name, (packets, share) in FLOODS.items():
            if a.only and name != a.only:
                continue
            make(path, packets, a.count, control)
            records, cpu, rss = read(a.earshot, path)
            got = shape([r for r in records if r["call_id"] == "control@test"])
            ratio = base_cpu / cpu
            faults = []
            if got != wanted:
                faults.append(f"the call differs: {got}")
            if share and ratio < share:
                faults.append(f"less than {share:.0%} of ordinary throughput")
            if rss > RSS_MAX_MB:
                faults.append(f"more than {RSS_MAX_MB} MB")
            bad += bool(faults)
            print(f"{name:14} {cpu / a.count * 1e9:7.0f} ns a packet, {ratio:4.0%} of ordinary throughput, {rss:4.0f} MB"
                  + "".join(f"\n    FAIL {x}" for x in faults))
    sys.exit(1 if bad else 0)


main()
