#!/usr/bin/env python3
"""Compares the records of `earshot read --json` with the truth of earshot-traffic.

    compare_truth.py TRUTH.json RECORDS.jsonl [LABEL]

Calls: call_id, outcome, sip_code, released_by equal, duration_ms within 1 ms. Streams, of calls and
orphans: packets, expected, lost, codec equal. One line for each difference; exit code 1 if any.
"""
import json
import sys

CALL_FIELDS = ("outcome", "sip_code", "released_by")
STREAM_FIELDS = ("packets", "expected", "lost", "codec")


def read_records(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def times_in_us(text):
    """RFC 3339 with microseconds, as whole microseconds since 1970."""
    if text is None:
        return None
    from datetime import datetime, timezone

    day = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    fraction = text[20:].rstrip("Z") if text[19] == "." else ""
    return int(day.timestamp()) * 1_000_000 + int((fraction + "000000")[:6])


def compare_calls(truth, records, tell):
    seen = {}
    for record in records:
        if record["kind"] == "orphan":
            continue
        if record["call_id"] in seen:
            tell(f"call {record['call_id']}: told twice")
        seen[record["call_id"]] = record
    for call in truth["calls"]:
        name = f"call {call['call_id']}"
        record = seen.pop(call["call_id"], None)
        if record is None:
            tell(f"{name}: missing ({call['outcome']})")
            continue
        for field in CALL_FIELDS:
            if record[field] != call[field]:
                tell(f"{name}: {field} is {record[field]}, truth {call[field]}")
        for field in ("started", "ringing", "answered", "ended"):
            ours = times_in_us(record[field + "_at"])
            if ours != call[field + "_us"]:
                tell(f"{name}: {field}_at is {ours}, truth {call[field + '_us']}")
        ours, theirs = record["duration_ms"], call["duration_ms"]
        if (ours is None) != (theirs is None) or (ours is not None and abs(ours - theirs) > 1):
            tell(f"{name}: duration_ms is {ours}, truth {theirs}")
        for party in ("from", "to"):
            if record[party]["user"] != call[party]:
                tell(f"{name}: {party} is {record[party]['user']}, truth {call[party]}")
    for call_id in seen:
        tell(f"call {call_id}: nobody made it")


def compare_streams(truth, records, tell):
    seen = {}
    for record in records:
        for stream in record["streams"]:
            key = (record["call_id"], stream["src"], stream["dst"], stream["ssrc"])
            if key in seen:
                tell(f"stream {key}: told twice")
            seen[key] = stream
    for stream in truth["streams"]:
        key = (stream["call_id"], stream["src"], stream["dst"], stream["ssrc"])
        name = "stream " + " ".join(str(part) for part in key)
        record = seen.pop(key, None)
        if record is None:
            tell(f"{name}: missing")
            continue
        for field in STREAM_FIELDS:
            if field == "codec" and stream["call_id"] is None and record["payload_type"] >= 96:
                continue  # nobody said what a dynamic payload type carries
            if record[field] != stream[field]:
                tell(f"{name}: {field} is {record[field]}, truth {stream[field]}")
        if stream["call_id"] and record["party"] != stream["party"]:
            tell(f"{name}: party is {record['party']}, truth {stream['party']}")
    for key in seen:
        tell(f"stream {key}: nobody sent it")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    label = sys.argv[3] + ": " if len(sys.argv) == 4 else ""
    with open(sys.argv[1], encoding="utf-8") as f:
        truth = json.load(f)
    records = read_records(sys.argv[2])
    differences = []
    compare_calls(truth, records, differences.append)
    compare_streams(truth, records, differences.append)
    for line in differences:
        print(label + line)
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
