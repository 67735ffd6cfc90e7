#!/usr/bin/env python3
"""What rtpproxy printed of a capture (NAME.output beside it) is what Earshot counts in the same packets, and its jitter differs only by
what the two do before the same formula: rtpproxy cuts the time of arrival to whole ticks of the clock, Earshot does not.

    rtpproxy.py EARSHOT [DIR]

DIR (default ../shared/captures, seen from the project root) holds the captures; without it the test is passed over. Three figures each:
the one that was printed, the formula on cut times (equal to its last digit, or the input is another one) and the formula on times as they
are, which is Earshot's to a thousandth of a millisecond. Exit codes: 0 equal or not given, 1 differs.
"""
import collections
import json
import re
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# output, and the captures that it was made of
INPUTS = [("DLT_NULL", "quality-loss-jitter/rtpproxy__DLT_NULL.a.rtp"),
          ("G723_1", "codecs/rtpproxy__G723_1.a.rtp"), ("G723_1", "codecs/rtpproxy__G723_1.o.rtp"),
          ("a2b_nosync", "srtp-zrtp/rtpproxy__alice_srtp.pcap"), ("a2b_nosync", "srtp-zrtp/rtpproxy__bob_srtp.pcap"),
          ("alice_to_bob_out", "srtp-zrtp/rtpproxy__alice_srtp_out.pcap"), ("alice_to_bob_out", "srtp-zrtp/rtpproxy__bob_srtp_out.pcap"),
          ("c1", "quality-loss-jitter/rtpproxy__c1.a.rtp"),
          ("lost", "quality-loss-jitter/rtpproxy__lost.a.rtp"), ("lost", "quality-loss-jitter/rtpproxy__lost.o.rtp")]
CLOCK = 8000  # of all their payload types: G.711, G.722, G.723.1, G.729, GSM
ETHERNET, NULL = 1, 0


def datagrams(path):
    """(time in us, addresses and ports, RTP) of a pcap of microseconds."""
    data = path.read_bytes()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    link, at = struct.unpack(order + "I", data[20:24])[0] & 0xffff, 24
    while at + 16 <= len(data):
        seconds, us, size, _ = struct.unpack(order + "IIII", data[at:at + 16])
        frame, at = data[at + 16:at + 16 + size], at + 16 + size
        ip = frame[14:] if link == ETHERNET else frame[4:] if link == NULL else b""
        head = (ip[0] & 15) * 4 if ip and ip[0] >> 4 == 4 else 40
        hosts, udp = (ip[12:20] if head < 40 else ip[8:40]), ip[head:]
        length = struct.unpack("!H", udp[4:6])[0]
        rtp = udp[8:length]
        if len(rtp) >= 12 and rtp[0] >> 6 == 2:
            yield seconds * 1_000_000 + us, (hosts, udp[:4]), rtp


def streams(path):
    """(SSRC, path) to [(us, timestamp)], in order of arrival."""
    found = collections.defaultdict(list)
    for us, where, rtp in datagrams(path):
        timestamp, ssrc = struct.unpack("!II", rtp[4:12])
        found[ssrc, where].append((us, timestamp))
    return found


def jitter(packets, arrival):
    """RFC 3550 6.4.1: last, mean and largest, in ticks; `arrival` makes ticks of microseconds."""
    level = total = largest = 0.0
    transits = [arrival(us) - timestamp for us, timestamp in packets]
    for before, now in zip(transits, transits[1:]):
        level += (abs(now - before) - level) / 16
        total, largest = total + level, max(largest, level)
    return level, total / max(1, len(transits) - 1), largest


def cut(us):
    return int(us / 1e6 * CLOCK)


def whole(us):
    return us * CLOCK / 1e6


def printed(text):
    """SSRC to its counts and jitters."""
    found = {}
    for block in re.split(r"(?=pcount=)", text)[1:]:
        f = dict(re.findall(r"(\w+)=(\w+(?:\.\d+)?)", block))
        if "last_jitter" in f:
            found[int(f["ssrc"], 16)] = f
    return found


def records(earshot, path):
    """SSRC to the streams that Earshot has of it."""
    out = subprocess.run([earshot, "read", "--json", "--quiet", path], capture_output=True, text=True, check=True, timeout=120).stdout
    found = collections.defaultdict(list)
    for line in out.splitlines():
        for s in json.loads(line)["streams"]:
            found[int(s["ssrc"], 16)].append(s)
    return found


def compare(earshot, directory, name, capture):
    path = directory / capture
    theirs = printed((directory / "quality-loss-jitter" / f"rtpproxy__{name}.output").read_text(encoding="utf-8"))
    ours = records(earshot, str(path))
    by_ssrc = collections.defaultdict(list)
    for (ssrc, where), packets in streams(path).items():
        by_ssrc[ssrc].append(packets)
    for ssrc in theirs.keys() & by_ssrc.keys():
        f, label = theirs[ssrc], f"{capture} 0x{ssrc:08x}"
        counts = [int(f[k]) for k in ("psent", "precvd", "plost", "duplicates")]
        said = [sum(s[k] for s in ours[ssrc]) for k in ("expected", "packets", "lost", "duplicates")]
        yield f"{label}: sent, received, lost, duplicates", counts, said
        # rtpproxy looks at the SSRC alone, Earshot at each path.
        figures = [f"{float(f[k]):.6f}" for k in ("last_jitter", "average_jitter", "max_jitter")]
        yield f"{label}: jitter as printed, ticks", figures, [f"{v:.6f}" for v in jitter(sorted(sum(by_ssrc[ssrc], [])), cut)]
        exact = sorted(tuple(round(v * 1000 / CLOCK, 3) for v in jitter(p, whole)) for p in by_ssrc[ssrc])
        told = sorted(tuple(s["jitter_ms"][k] for k in ("last", "avg", "max")) for s in ours[ssrc])
        near = len(exact) == len(told) and all(abs(a - b) < 0.0011 for x, y in zip(exact, told) for a, b in zip(x, y))
        yield f"{label}: jitter of uncut times, ms", exact, exact if near else told


def main():
    directory = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT.parent / "shared" / "captures"
    if not (directory / "quality-loss-jitter").is_dir():
        print("captures not given: passed over")
        return 0
    wrong = seen = 0
    for name, capture in INPUTS:
        before = seen
        for what, theirs, ours in compare(sys.argv[1], directory, name, capture):
            seen += 1
            if theirs != ours:
                wrong += 1
                print(f"{what}: {theirs}, not {ours}")
        if seen == before:
            wrong += 1
            print(f"{capture}: nothing of what {name} printed is in it")
    print(f"{len(INPUTS)} captures, {seen} comparisons with what rtpproxy printed, {wrong} differ")
    return 1 if wrong else 0


sys.exit(main())
