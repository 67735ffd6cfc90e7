#!/usr/bin/env python3
"""Innermost UDP, TCP and SCTP packets of captures: ours (the program `decap`) against tshark's.

usage: decap.py DECAP [FILE_OR_DIRECTORY...]

Without files: ../shared/captures/decap-generic and encapsulated-voip. Prints a line a file and each
packet that differs; the exit code is 1 when one does that is not in the list EXPLAINED below.
"""
import collections
import glob
import os
import shutil
import subprocess
import sys

DEFAULT = [os.path.join(os.path.dirname(__file__), "../../../shared/captures", d)
           for d in ("decap-generic", "encapsulated-voip")]
FIELDS = ["frame.number", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
          "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport", "sctp.srcport", "sctp.dstport"]
NUMBERS = {"udp": 17, "tcp": 6, "sctp": 132}
# (file, packet): why we are right to differ, or do not follow.
EXPLAINED = {
    ("zeek__pdp_ctx_messages.pcapng", 13): "GTP of version 0 (port 3386) is not followed",
    ("zeek__pdp_ctx_messages.pcapng", 14): "GTP of version 0 (port 3386) is not followed",
    ("arkime__arkime_synthetic.pcap", 818): "UDP length 0: tshark calls it bogus, we refuse the packet",
}


def tshark(path):
    command = ["tshark", "-n", "-o", "esp.enable_null_encryption_decode_heuristic:TRUE", "-r", path, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]
    for field in FIELDS:
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, text=True).stdout  # fails on files cut short
    for line in out.splitlines():
        yield dict(zip(FIELDS, line.split("|")))


def innermost(row):
    """(protocol, source, destination), or None: the last transport that is not quoted by ICMP."""
    protocols = row["frame.protocols"].split(":")
    names = [p for p in protocols if p in ("udp", "tcp", "sctp", "ip", "ipv6", "icmp", "icmpv6")]
    if "icmp" in names or "icmpv6" in names or not names or names[-1] not in NUMBERS:
        return None
    transport = names[-1]
    network = [p for p in names if p in ("ip", "ipv6")][-1]
    last = lambda field: row[field].split(",")[-1]
    ends = []
    for side in ("src", "dst"):
        address, port = last(f"{network}.{side}"), last(f"{transport}.{side}port")
        ends.append(f"[{address}]:{port}" if network == "ipv6" else f"{address}:{port}")
    return (NUMBERS[transport], *ends)


def ours(decap, path):
    out = subprocess.run([decap, path], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        words = line.split()
        yield int(words[0]), None if words[1] == "verdict" else (int(words[1]), words[2], words[3]), line


def compare(decap, path):
    name = os.path.basename(path)
    theirs = {int(row["frame.number"]): (innermost(row), row["frame.protocols"]) for row in tshark(path)}
    counts, unexplained = collections.Counter(), 0
    for number, mine, line in ours(decap, path):
        their, protocols = theirs[number]
        counts["packets"] += 1
        counts["ours"] += mine is not None
        counts["theirs"] += their is not None
        if mine == their:
            counts["equal"] += mine is not None
            continue
        counts["differ"] += 1
        why = EXPLAINED.get((name, number)) or EXPLAINED.get((name, None))
        unexplained += why is None
        if why is None and counts["differ"] <= 8:
            print(f"  {name} {number}: tshark {their} ({protocols}), ours {line}")
    print(f"{name}: " + ", ".join(f"{counts[k]} {k}" for k in ("packets", "ours", "theirs", "equal", "differ")))
    return unexplained


def files(arguments):
    for argument in arguments:
        if os.path.isdir(argument):
            yield from sorted(p for p in glob.glob(os.path.join(argument, "*")) if p.endswith((".pcap", ".pcapng")))
        elif os.path.exists(argument):
            yield argument
        else:
            print(f"{argument}: not given")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if shutil.which("tshark") is None:
        sys.exit(print("tshark: not given"))
    differences = sum(compare(sys.argv[1], path) for path in files(sys.argv[2:] or DEFAULT))
    print(f"{differences} packets differ unexplained")
    sys.exit(differences > 0)


main()
