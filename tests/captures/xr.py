#!/usr/bin/env python3
"""Every VoIP-metrics block of a real call reaches the record: what Earshot tells of extended reports against a reading of the
same datagrams here, octet by octet (RFC 3611 4.7).

    xr.py EARSHOT [DIR]

DIR (default ../shared/captures, seen from the project root) holds the captures; without it, or without tshark, the test is
passed over. Exit codes: 0 equal or not given, 1 differs.
"""
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# capture with its signalling, VoIP-metrics blocks in it
CAPTURES = [("codecs/pcaptoparquet__MERGED_ott_opus_call.pcap", 87)]


def payloads(path):
    out = subprocess.run(["tshark", "-r", path, "-Y", "rtcp", "-T", "fields", "-e", "udp.payload"],
                         capture_output=True, text=True, check=True, timeout=120).stdout
    return [bytes.fromhex(line.replace(":", "")) for line in out.split() if line]


def metrics_blocks(datagram):
    """(SSRC, the 36 octets) of each."""
    at = 0
    while at + 4 <= len(datagram):
        size = 4 * (1 + struct.unpack_from("!H", datagram, at + 2)[0])
        block = at + 8
        while datagram[at + 1] == 207 and block + 4 <= at + size:
            length = 4 * (1 + struct.unpack_from("!H", datagram, block + 2)[0])
            if datagram[block] == 7 and length == 36:
                yield struct.unpack_from("!I", datagram, block + 4)[0], datagram[block:block + 36]
            block += length
        at += size


def fields(block):
    """What the record should say of a block."""
    mos = [v / 10 if 10 <= v <= 50 else None for v in block[26:28]]
    rtt, end = struct.unpack_from("!HH", block, 16)
    return {"loss_ratio": round(block[8] / 256, 6), "discard_ratio": round(block[9] / 256, 6),
            "burst_ms": struct.unpack_from("!H", block, 12)[0], "gap_ms": struct.unpack_from("!H", block, 14)[0],
            "round_trip_ms": rtt or None, "end_system_ms": end or None, "gmin": block[23],
            "r": block[24] if block[24] <= 100 else None, "mos_lq": mos[0], "mos_cq": mos[1]}


def main():
    directory = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT.parent / "shared" / "captures"
    if shutil.which("tshark") is None or not directory.is_dir():
        print("captures or tshark not given: passed over")
        return 0
    wrong = 0
    for name, count in CAPTURES:
        path = str(directory / name)
        there = {}
        for datagram in payloads(path):
            for ssrc, block in metrics_blocks(datagram):
                there.setdefault(f"0x{ssrc:08x}", []).append(fields(block))
        out = subprocess.run([sys.argv[1], "read", "--json", path], capture_output=True, text=True, timeout=120)
        streams = [s for line in out.stdout.splitlines() for s in json.loads(line).get("streams", [])]
        told = {s["ssrc"]: s["rtcp"]["xr"]["voip_metrics"] for s in streams if s["rtcp"] and s["rtcp"]["xr"]}
        if sum(len(blocks) for blocks in there.values()) != count:
            print(f"{name}: {there.keys()} hold other than {count} blocks")
            wrong = 1
        for ssrc, blocks in there.items():
            got = told.get(ssrc) or {}
            want = {"reports": len(blocks), **blocks[-1]}
            if {k: got.get(k) for k in want} != want:
                print(f"{name} {ssrc}: {got} is not {want}")
                wrong = 1
        print(f"{name}: {sum(v['reports'] for v in told.values())} of {count} blocks read")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
