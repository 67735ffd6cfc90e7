#!/usr/bin/env python3
"""Reads the captures of tests/data/reference with Earshot and compares every figure of reference.tsv.

    reference.py [--earshot BIN] [--data DIR]

Their duplicates are the network's, though they look like copies of a mirror port: those are not removed here. Counters must be equal, jitter equal to the digits that the table prints. Exit codes: 0 equal,
1 differs, 2 wrong usage.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIME_LIMIT_S = 60

# The column of reference.tsv and the field of a stream, as a path.
FIELDS = {
    "restarts": ("restarts",),
    "expected": ("expected",),
    "received": ("packets",),
    "lost": ("lost",),
    "duplicates": ("duplicates",),
    "reordered": ("reordered",),
    "jitter_end_ms": ("jitter_ms", "last"),
    "jitter_mean_ms": ("jitter_ms", "avg"),
    "jitter_max_ms": ("jitter_ms", "max"),
    "rfc_expected": ("rfc3550", "expected"),
    "rfc_lost": ("rfc3550", "lost"),
    "rfc_jitter_ticks": ("rfc3550", "jitter_ticks"),
}


def table(path):
    """One dict a line; lines that start with # are for people."""
    text = path.read_text(encoding="utf-8").splitlines()
    lines = [line.split("\t") for line in text if line and not line.startswith("#")]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def streams_of(earshot, capture):
    """SSRC to the streams that have it."""
    run = subprocess.run(
        [str(earshot), "read", "--json", "--set", "capture.dedupe=no", "--quiet", str(capture)],
        capture_output=True,
        timeout=TIME_LIMIT_S,
        check=True,
    )
    streams = {}
    for line in run.stdout.splitlines():
        for s in json.loads(line)["streams"]:
            streams.setdefault(int(s["ssrc"], 16), []).append(s)
    return streams


def value_of(stream, field):
    for step in FIELDS[field]:
        stream = stream[step]
    return stream


def is_equal(printed, value):
    """Equal to the digits printed: 4.921 is anything that rounds to it."""
    if value is None:
        return False
    _, _, decimals = printed.partition(".")
    return abs(float(printed) - value) <= 0.5000001 * 10 ** -len(decimals) if decimals else int(printed) == value


def compare_row(row, streams):
    """All differences of one stream as (field, theirs, ours)."""
    found = streams.get(int(row["ssrc"], 16), [])
    if len(found) != 1:
        yield "streams", 1, len(found)
        return
    for field in FIELDS:
        ours = value_of(found[0], field)
        if not is_equal(row[field], ours):
            yield field, row[field], ours


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--earshot", type=Path, default=ROOT / "build/dev/earshot")
    parser.add_argument("--data", type=Path, default=ROOT / "tests/data/reference")
    options = parser.parse_args()
    if not os.access(options.earshot, os.X_OK):
        print(f"no program at {options.earshot}", file=sys.stderr)
        return 2
    rows = table(HERE / "reference.tsv")
    listed = {row["pcap"] for row in rows}
    differences = 0
    by_capture = {}
    for name in sorted(p.stem for p in options.data.glob("*.pcap")):
        by_capture[name] = streams_of(options.earshot, options.data / f"{name}.pcap")
        if name not in listed:
            print(name, "reference.tsv", "no line", "a capture", sep="\t")
            differences += 1
    for row in rows:
        for field, theirs, ours in compare_row(row, by_capture.get(row["pcap"], {})):
            print(row["pcap"], row["ssrc"], field, theirs, ours, sep="\t")
            differences += 1
    figures = len(rows) * len(FIELDS)
    print(f"{len(by_capture)} captures, {len(rows)} streams, {figures} figures: {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
