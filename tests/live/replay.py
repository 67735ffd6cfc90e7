"""Generated calls replayed on the wire: the service's records equal those that `earshot read` makes of
the file. Equal: who, what happened, codecs, packet counters. Times from the first call on, jitter and
scores may differ by what the clocks of sender and kernel add.

tcpreplay oversleeps at each packet and never makes up for it: 100 to 200 ms late after 3,000 packets.
So it gets a copy of the file whose pauses are shorter by what it oversleeps, measured with tcpdump on
the mirror, and may try again. When it still does not keep time, what must be equal is compared
with the file, and what may differ a little with what tcpdump saw on the wire.
"""

import calendar
import json
import math
import os
import struct
import subprocess
import time
from pathlib import Path

from wire import Failure, run, wait_for

CALLS = 4
SECONDS = 8
TRAFFIC = ["--calls", str(CALLS), "--concurrent", str(CALLS), "--duration", str(SECONDS),
           "--outcomes", "answered", "--codec", "PCMA", "--rtcp", "--loss", "2", "--burst", "2",
           "--jitter", "3", "--duplicate", "1"]
TRIES = 3
FIRST_SEED = 11
OVERSLEEP_US = 66  # at each packet, as a start

TIME_LIMIT_MS = 20
JITTER_LIMIT_MS = 0.2
SCORE_LIMIT = 0.02
ENDED_LIMIT_S = 20

CALL_EQUAL = ("kind", "state", "outcome", "end_reason", "released_by", "partial", "call_id", "from",
              "to", "request_uri", "user_agent", "server", "src", "dst", "vlan", "direction", "sip_code",
              "reason_phrase", "q850_cause", "auth_attempts", "reinvites", "updates", "branches",
              "holds", "messages", "retransmissions", "codec")
CALL_TIMES = ("started_at", "progress_at", "ringing_at", "early_media_at", "answered_at", "acked_at",
              "cancelled_at", "bye_at", "ended_at")
CALL_SPANS = ("duration_ms", "ring_ms", "post_dial_delay_ms", "setup_ms", "disconnect_delay_ms")
STREAM_EQUAL = ("party", "media_type", "ssrc", "src", "dst", "vlan", "codec", "negotiated",
                "payload_type", "clock_hz", "ptime_ms", "packets", "bytes", "expected", "lost",
                "media_expected", "media_lost", "reordered", "duplicates", "restarts", "conflicts",
                "payload_changes", "timestamp_jumps", "event_packets", "noise_packets", "loss_runs",
                "longest_loss_run", "dscp", "srtp", "early", "announced", "orphan")
STREAM_TIMES = ("first_at", "last_at")
SCORES = ("lq", "cq")


def micros(text):
    """An API time in microseconds since the epoch."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return seconds * 1000000 + int(fraction.ljust(6, "0"))


def near(a, b, limit):
    if a is None or b is None:
        return a is b
    return math.fabs(a - b) <= limit


class Comparison:
    """Of calls in a file and on the wire: what differs, and the largest of the small differences."""

    def __init__(self, file, live, exact, near):
        self.exact, self.near = exact, near
        self.wrong, self.largest = [], {}
        zeros = [min(micros(r["started_at"]) for r in calls.values()) for calls in (file, live)]
        for call_id, record in sorted(file.items()):
            if call_id in live:
                self.call(record, live[call_id], zeros)
            else:
                self.wrong.append(f"{call_id}: in the file, not live")

    def equal(self, where, fields, file, live):
        for f in fields if self.exact else ():
            if file.get(f) != live.get(f):
                self.wrong.append(f"{where} {f}: {file.get(f)} in the file, {live.get(f)} live")

    def close(self, where, kind, limit, file, live):
        if self.near and not near(file, live, limit):
            self.wrong.append(f"{where}: {file} in the file, {live} live")
        if file is not None and live is not None:
            self.largest[kind] = max(self.largest.get(kind, 0), math.fabs(file - live))

    def times(self, where, fields, file, live, zeros):
        for f in fields:
            at = [None if r.get(f) is None else (micros(r[f]) - zero) / 1000
                  for r, zero in zip((file, live), zeros)]
            self.close(f"{where} {f}, ms", "times", TIME_LIMIT_MS, *at)

    def stream(self, where, file, live, zeros):
        self.equal(where, STREAM_EQUAL, file, live)
        self.times(where, STREAM_TIMES, file, live, zeros)
        for f in file["jitter_ms"]:
            self.close(f"{where} jitter {f}", "jitter", JITTER_LIMIT_MS, file["jitter_ms"][f],
                       live["jitter_ms"][f])
        for f in SCORES:
            self.close(f"{where} mos {f}", "mos", SCORE_LIMIT, file["mos"][f], live["mos"][f])

    def call(self, file, live, zeros):
        where = file["call_id"]
        self.equal(where, CALL_EQUAL, file, live)
        self.times(where, CALL_TIMES, file, live, zeros)
        for f in CALL_SPANS:
            self.close(f"{where} {f}", "times", TIME_LIMIT_MS, file[f], live[f])
        streams = [{(s["src"], s["dst"], s["ssrc"]): s for s in r["streams"]} for r in (file, live)]
        if streams[0].keys() != streams[1].keys():
            self.wrong.append(f"{where}: streams {list(streams[0])} in the file, {list(streams[1])} live")
            return
        for key, s in streams[0].items():
            self.stream(f"{where} {key[0]}", s, streams[1][key], zeros)


def make(binary, path, seed):
    traffic = Path(binary).parent / "tests/support/build/earshot-traffic"
    if not os.access(traffic, os.X_OK):
        raise Failure(f"{traffic}: no such program; build it first")
    run(str(traffic), *TRAFFIC, "--seed", str(seed), "--out", path)


def read_file(binary, path):
    done = subprocess.run([binary, "read", "--json", path], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"earshot read ended with {done.returncode}: {done.stderr.strip()}")
    return {r["call_id"]: r for r in map(json.loads, done.stdout.splitlines()) if r["kind"] == "call"}


def records_of(path):
    """(header, [(microseconds, record behind its time)]) of a little-endian pcap."""
    data = Path(path).read_bytes()
    records, at = [], 24
    while at + 16 <= len(data):
        seconds, micro, size = struct.unpack_from("<III", data, at)
        records.append((seconds * 1000000 + micro, data[at + 8:at + 16 + size]))
        at += 16 + size
    return data[:24], records


def hurry(path, out, oversleep_us):
    """A copy with each pause shorter by that."""
    header, records = records_of(path)
    now = last = records[0][0]
    with open(out, "wb") as f:
        f.write(header)
        for at, rest in records:
            now += max(0, at - last - round(oversleep_us))
            last = at
            f.write(struct.pack("<II", now // 1000000, now % 1000000) + rest)


def lateness_us(path, seen):
    """How much later than in the file the last packet came, and the number of packets."""
    sent, got = ([at for at, _ in records_of(p)[1]] for p in (path, seen))
    if len(sent) != len(got):
        raise Failure(f"{len(sent)} packets were replayed, tcpdump saw {len(got)}")
    return (got[-1] - got[0]) - (sent[-1] - sent[0]), len(sent)


def send(wire, path, seen):
    dump = wire.start(wire.probe, ["tcpdump", "-Z", "root", "-i", "vs", "-U", "-w", seen], "tcpdump.log")
    wait_for(20, "tcpdump listens", lambda: os.path.exists(seen) and os.path.getsize(seen) >= 24)
    prompt = ["chrt", "-f", "50"]
    if subprocess.run(prompt + ["true"], capture_output=True).returncode != 0:
        prompt = []
    run(*wire.inside(wire.caller), *prompt, "tcpreplay", "-q", "-K", "--timer=nano", "-i", "va", path)
    time.sleep(1.5)  # tcpdump takes blocks of up to a second
    dump.terminate()
    dump.wait(30)


def records_live(earshot, wanted):
    """The final rows: an early one says within a second that the call is over, but nothing yet of its recording."""
    def look():
        calls = earshot.get("/api/v1/calls?limit=1000")["data"]
        uids = {c["call_id"]: c["uid"] for c in calls if c["call_id"] in wanted and c["recording"]}
        return len(uids) == len(wanted) and uids
    uids = wait_for(ENDED_LIMIT_S, f"the {len(wanted)} replayed calls", look)
    return {call_id: earshot.get(f"/api/v1/calls/{uid}") for call_id, uid in uids.items()}


def told(what, comparison):
    if comparison.wrong:
        raise Failure(f"live differs from {what}:\n    " + "\n    ".join(comparison.wrong[:40]))
    figures = ", ".join(f"{k} {v:.3g}{'' if k == 'mos' else ' ms'}" for k, v in comparison.largest.items())
    print(f"    live equals {what}; largest differences: {figures}")


def case(earshot, binary):
    work = earshot.wire.work
    path, hurried, seen = (os.path.join(work, f"replay{end}.pcap") for end in ("", "-sent", "-seen"))
    oversleep_us = OVERSLEEP_US
    for number in range(TRIES):
        make(binary, path, FIRST_SEED + number)
        file = read_file(binary, path)
        if len(file) != CALLS:
            raise Failure(f"earshot read finds {len(file)} calls of {CALLS}")
        hurry(path, hurried, oversleep_us)
        if os.path.exists(seen):
            os.unlink(seen)
        send(earshot.wire, hurried, seen)
        live = records_live(earshot, file)
        exact = Comparison(file, live, exact=True, near=False)
        whole = Comparison(file, live, exact=True, near=True)
        if exact.wrong or not whole.wrong:
            told("the file", whole)
            return
        late_us, packets = lateness_us(path, seen)
        print(f"    tcpreplay was {late_us / 1000:.1f} ms late in the end, {whole.wrong[0]}")
        oversleep_us += late_us / packets
    told("the file but for times, jitter and scores", exact)
    told("what tcpdump saw", Comparison(read_file(binary, seen), live, exact=True, near=True))
