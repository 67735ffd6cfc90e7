#!/usr/bin/env python3
"""Compares Earshot with captures it did not make: calls, final status, streams, packets, loss, jitter.

    compare.py [--earshot BIN] [--all] [DIR]

DIR (default ../shared/captures, seen from the project root) holds folders of captures, each capture
with a NAME.truth.json beside it. Compared are all of them, malformed ones and those whose truth does
not speak of what is inside (HEP) apart. A difference that stands in differences.tsv, with
the same two values, is accepted, but for no more than 5 % of the streams (of jitter, where the two differ in what they sample, 15 %); a line of that file that no
longer differs fails too, so that the list stays true. Exit codes: 0 equal or not given, 1 differs,
2 wrong usage.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DIFFERENCES = HERE / "differences.tsv"

# The truth knows the outer UDP of HEP alone.
NOT_COMPARED = {"hep"}
# Heuristic streams of these folders are partly false: their truth speaks of calls alone.
NO_STREAM_TRUTH = {"webrtc-ott", "noise-not-voip", "decap-generic"}
SMALLEST_STREAM = 10  # packets; below that the truth's heuristic does not look
ACCEPTED_SHARE, ACCEPTED_JITTER_SHARE = 0.05, 0.15
JITTER_SHARE, JITTER_LEAST_MS = 0.01, 0.0015  # both are printed to a thousandth
TIME_LIMIT_S = 120

CAPTURE_MAGICS = {
    bytes.fromhex(m)
    for m in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "0a0d0d0a")
}


# ---- what the truth says ----


def is_compared(folder):
    return not folder.startswith("malformed-") and folder not in NOT_COMPARED


def true_calls(truth):
    """Call-ID to final status (None: no final response was seen)."""
    calls = {}
    for call in (truth.get("sip") or {}).get("list") or []:
        if call.get("is_call"):
            status = call.get("final_status")
            calls[call["call_id"]] = int(status) if status else None
    return calls


def endpoint(text):
    """host:port, without the brackets that IPv6 has in some notations."""
    host, _, port = text.rpartition(":")
    return f"{host.strip('[]')}:{port}"


def key_of(stream):
    return endpoint(stream["src"]), endpoint(stream["dst"]), int(stream["ssrc"], 16)


def true_streams(truth):
    """(src, dst, ssrc) to (packets, lost); lost is None where the truth cannot say."""
    streams = {}
    for s in truth.get("rtp_rfc3550") or []:
        streams[key_of(s)] = (s["unique"], s["lost"])
    for s in (truth.get("rtp_sdp") or []) + (truth.get("rtp_heur") or []):
        if s["packets"] >= SMALLEST_STREAM:
            streams.setdefault(key_of(s), (s["packets"], None))
    return streams


def true_jitter(truth):
    """(src, dst, ssrc) to {last, mean, max} in ms, as a second reading of the packets gave them."""
    return {key_of(s): s["jitter_ms"] for s in truth.get("rtp_rfc3550") or [] if s.get("jitter_ms")}


def printed_streams(path):
    """SSRC to (packets, lost) as rtpproxy printed them for this capture, if it did."""
    output = path.with_name(path.name.split(".")[0] + ".output")
    if path.suffix != ".rtp" or not output.exists():
        return {}
    figures = dict(re.findall(r"(\w+)=(\w+)", output.read_text(encoding="utf-8")))
    return {int(figures["ssrc"], 16): (int(figures["precvd"]), int(figures["plost"]))}


# ---- what Earshot says ----


def read_records(earshot, path):
    """The records of one file and what went wrong while reading it, or None."""
    command = [str(earshot), "read", "--json", "--quiet", str(path)]
    try:
        run = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return [], f"no end after {TIME_LIMIT_S} s"
    records, trouble = [], None
    for line in run.stdout.splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            trouble = f"a line that is no JSON: {line[:80]!r}"
    if run.returncode not in (0, 3):  # 3: the file is cut; what lay before it counts
        last = run.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        trouble = f"exit {run.returncode}: {last[0] if last else ''}"
    return records, trouble


def our_calls(records):
    """Call-ID to the list of final codes, one a record."""
    calls = {}
    for r in records:
        if r["kind"] != "call":
            continue
        code = r["sip_code"]
        calls.setdefault(r["call_id"], []).append(code if code and code >= 200 else None)
    return calls


def our_streams(records):
    streams = {}
    for r in records:
        for s in r["streams"]:
            packets, lost = streams.get(key_of(s), (0, 0))
            streams[key_of(s)] = (packets + s["packets"], lost + s["lost"])
    return streams


def our_jitter(records):
    """Of streams that stand in one record: those cut in two (an orphan's two paths) have no jitter as a whole."""
    found = {}
    for r in records:
        for s in r["streams"]:
            found.setdefault(key_of(s), []).append(s["jitter_ms"])
    return {key: j[0] for key, j in found.items() if len(j) == 1}


def without_addresses(streams, ssrcs):
    """The streams of these SSRCs summed up over their addresses, the others as they are."""
    merged = {}
    for key, counts in streams.items():
        key = ("any", "any", key[2]) if key[2] in ssrcs else key
        before = merged.get(key, (0, 0))
        merged[key] = (before[0] + counts[0], before[1] + counts[1])
    return merged


# ---- both side by side ----


def compare_calls(theirs, ours):
    for call_id in sorted(theirs.keys() | ours.keys(), key=str):
        codes = ours.get(call_id)
        if codes is None:
            yield f"call {call_id}", theirs[call_id] or "no final", "no call"
        elif call_id not in theirs:
            yield f"call {call_id}", "no call", codes[0] or "no final"
        elif len(codes) > 1:
            yield f"call {call_id} records", 1, len(codes)
        elif codes[0] != theirs[call_id]:
            yield f"call {call_id} status", theirs[call_id] or "no final", codes[0] or "no final"


def compare_streams(theirs, ours):
    for key in sorted(theirs.keys() | ours.keys()):
        name = f"stream {key[0]}>{key[1]} 0x{key[2]:08x}"
        if key not in ours:
            yield name, f"{theirs[key][0]} packets", "no stream"
        elif key not in theirs:
            yield name, "no stream", f"{ours[key][0]} packets"
        else:
            for i, what in enumerate(("packets", "lost")):
                if theirs[key][i] is not None and theirs[key][i] != ours[key][i]:
                    yield f"{name} {what}", theirs[key][i], ours[key][i]


def compare_jitter(theirs, ours):
    for key in sorted(theirs.keys() & ours.keys()):
        for what, name in (("mean", "avg"), ("max", "max"), ("last", "last")):
            truth, said = theirs[key].get(what), ours[key][name]
            apart = (truth is None) != (said is None) or (truth is not None and abs(truth - said) > max(JITTER_SHARE * truth, JITTER_LEAST_MS))
            if apart:
                yield f"stream {key[0]}>{key[1]} 0x{key[2]:08x} jitter {what}", truth, said


class Sums:
    def __init__(self):
        self.jitters = self.files = self.calls = self.streams = self.packets = self.refused = 0


def compare_file(earshot, path, truth, sums):
    """All differences of one capture as (field, theirs, ours)."""
    with open(path, "rb") as f:
        magic = f.read(4)
    records, trouble = read_records(earshot, path)
    if magic not in CAPTURE_MAGICS and magic[:2] != b"\x1f\x8b":  # a format of its own: to be refused, in one sentence
        sums.refused += 1
        if trouble is None or not trouble.startswith(("exit 1:", "exit 2:")):
            yield "read", "refused: no pcap or pcapng", trouble or "read"
        return
    sums.files += 1
    if trouble:
        yield "read", "read to its end", trouble
    calls = true_calls(truth)
    streams = {} if path.parent.name in NO_STREAM_TRUTH else true_streams(truth)
    ours = our_streams(records)
    if not streams:  # tshark saw none: what rtpproxy printed, which knows no addresses
        streams = {("any", "any", ssrc): s for ssrc, s in printed_streams(path).items()}
        ours = without_addresses(ours, {ssrc for _, _, ssrc in streams})
    sums.calls += len(calls)
    sums.streams += len(streams)
    sums.packets += sum(packets for packets, _ in streams.values())
    yield from compare_calls(calls, our_calls(records))
    if path.parent.name not in NO_STREAM_TRUTH:
        yield from compare_streams(streams, ours)
        theirs, said = true_jitter(truth), our_jitter(records)
        sums.jitters += len(theirs.keys() & said.keys())
        yield from compare_jitter(theirs, said)


def accepted_differences():
    """(file, field) to (theirs, ours); the proof is for people."""
    accepted = {}
    if not DIFFERENCES.exists():
        return accepted
    for line in DIFFERENCES.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#") or line.startswith("file\t"):
            continue
        columns = line.split("\t")
        if len(columns) != 5 or not columns[4].strip():
            sys.exit(f"{DIFFERENCES}: five columns are needed, a proof among them: {line}")
        accepted[columns[0], columns[1]] = (columns[2], columns[3])
    return accepted


def stream_of(name, field):
    return (name, " ".join(field.split()[:3])) if field.startswith("stream ") else None


def captures_below(directory):
    for truth_path in sorted(directory.glob("*/*.truth.json")):
        path = truth_path.with_name(truth_path.name.removesuffix(".truth.json"))
        truth = json.loads(truth_path.read_text(encoding="utf-8"))
        if path.exists() and is_compared(path.parent.name):
            yield path, truth


def compare(earshot, directory, show_all):
    accepted = accepted_differences()
    sums, unexplained, explained, seen = Sums(), 0, 0, set()
    accepted_streams, accepted_jitters, names = set(), set(), set()
    for path, truth in captures_below(directory):
        name = f"{path.parent.name}/{path.name}"
        names.add(name)
        for field, theirs, ours in compare_file(earshot, path, truth, sums):
            theirs, ours = str(theirs), str(ours)
            known = accepted.get((name, field)) == (theirs, ours)
            seen.add((name, field))
            explained += known
            unexplained += not known
            if known and stream_of(name, field):
                (accepted_jitters if " jitter " in field else accepted_streams).add(stream_of(name, field))
            if show_all or not known:
                print(name, field, theirs, ours, sep="\t")
    stale = sorted(k for k in accepted if k[0] in names and k not in seen)
    for name, field in stale:
        print(name, field, "stands in differences.tsv", "does not differ", sep="\t")
    return report(sums, unexplained, explained, len(stale), len(accepted_streams), len(accepted_jitters))


def report(sums, unexplained, explained, stale, accepted_streams, accepted_jitters):
    most, most_jitters = int(sums.streams * ACCEPTED_SHARE), int(sums.jitters * ACCEPTED_JITTER_SHARE)
    print(
        f"{sums.files} captures, {sums.calls} calls, {sums.streams} streams ({sums.jitters} with jitter), {sums.packets} packets: "
        f"{unexplained} differences unexplained, {explained} explained "
        f"({accepted_streams} streams, at most {most}; jitter of {accepted_jitters}, at most {most_jitters}), {stale} out of date; "
        f"{sums.refused} files of another format refused"
    )
    if sums.files == 0:
        print("no capture with a truth file was found")
    return 1 if unexplained or stale or accepted_streams > most or accepted_jitters > most_jitters or sums.files == 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--earshot", type=Path, default=ROOT / "build/dev/earshot")
    parser.add_argument("--all", action="store_true", help="print accepted differences too")
    parser.add_argument("dir", nargs="?", type=Path, default=ROOT / "../shared/captures")
    options = parser.parse_args()
    if not options.dir.is_dir():
        print(f"captures not given: {options.dir}")
        return 0
    if not os.access(options.earshot, os.X_OK):
        print(f"no program at {options.earshot}", file=sys.stderr)
        return 2
    return compare(options.earshot, options.dir, options.all)


if __name__ == "__main__":
    sys.exit(main())
