#!/usr/bin/env python3
"""HEP of others: packets in captures by what they carry, and what sngrep sends, against our count.

usage: hep.py HEP_COUNT [CAPTURES]

CAPTURES is the directory of captures, by default ../shared/captures. In its folder hep/ each file is counted here, from
the bytes, and by the program hep_count. Then sngrep replays captures with SIP as an agent would, and what
arrives is compared with the SIP messages that tshark sees. What is not installed or not given is said and left out.
"""
import collections
import glob
import json
import os
import shutil
import struct
import subprocess
import sys

LABELS = {1: "sip", 4: "rtp", 5: "rtcp", 34: "report", 35: "report", 36: "report", 37: "report", 38: "report", 100: "log"}


def payloads(path):
    out = subprocess.run(["tshark", "-n", "-r", path, "-Y", "udp", "-T", "fields", "-e", "udp.payload"],
                         capture_output=True, text=True).stdout
    return [bytes.fromhex(line) for line in out.split()]


def theirs(path):
    n = collections.Counter()
    for data in payloads(path):
        if data[:4] not in (b"HEP3", b"EEP3"):
            continue
        n["packets"] += 1
        at = 6
        while at < len(data):
            vendor, kind, size = struct.unpack(">HHH", data[at:at + 6])
            if vendor == 0 and kind == 11:
                n[LABELS.get(data[at + 6], "other")] += 1
            if vendor == 0 and kind == 15:
                n["payload_bytes"] += size - 6
            at += size
    return n


def check(what, ours, expected):
    wrong = [f"{k}: {ours[k]}, not {v}" for k, v in expected.items() if ours[k] != v]
    print(("differs" if wrong else "same   "), what, ", ".join(wrong) or dict(expected))
    return not wrong


def check_files(program, captures):
    good = True
    for path in sorted(glob.glob(os.path.join(captures, "hep", "*.pcap"))):
        ours = json.loads(subprocess.run([program, "--read", path], capture_output=True, text=True, check=True).stdout)
        expected = theirs(path)
        for key in ("packets", "payload_bytes", *LABELS.values(), "other"):
            expected[key] += 0
        expected["malformed"] = 0
        good &= check(os.path.basename(path), ours, expected)
    return good


def sip_messages(path):
    out = subprocess.run(["tshark", "-n", "-r", path, "-Y", "sip && udp && !ip.fragment && !icmp", "-T", "fields", "-e", "udp.payload"],
                         capture_output=True, text=True).stdout.split()
    return len(out), sum(len(x) // 2 for x in out)


def check_sngrep(program, captures, carrier):
    good = True
    for name in ("sngrep__aaa.pcap", "sipnab__sip-proxy.pcap", "sipnab__codec-negotiation.pcap"):
        path = os.path.join(captures, "sip-calls-udp", name)
        if not os.path.exists(path):
            continue
        counter = subprocess.Popen([program, "--listen", carrier, "2"], stdout=subprocess.PIPE, text=True)
        port = counter.stdout.readline().strip()
        subprocess.run(["timeout", "20", "sngrep", "-H", f"{carrier}:127.0.0.1:{port}", "-N", "-I", path, "-q"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ours = json.loads(counter.communicate()[0])
        count, size = sip_messages(path)
        good &= check(f"sngrep by {carrier}, {name}", ours,
                      {"packets": count, "sip": count, "payload_bytes": size, "malformed": 0, "drops": 0})
    return good


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    captures = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(__file__), "../../../shared/captures")
    if not os.path.isdir(captures):
        print("captures: not given")
        return
    good = check_files(sys.argv[1], captures)
    if shutil.which("sngrep"):
        good &= check_sngrep(sys.argv[1], captures, "udp")
    else:
        print("sngrep: not installed")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
