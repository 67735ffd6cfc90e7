#!/usr/bin/env python3
"""Many calls at once on a wire, recorded while they go on: nothing may be dropped.

    live.py EARSHOT [--calls N] [--seconds S] [--most-mb MB] [--keep]

Generated calls of two G.711 streams each, with RTCP, go over a veth pair into `earshot run` with recording on: 1,000 calls
are 100,000 packets a second. In the end it must be true that the kernel, the ring between the threads and the spool dropped
nothing; that every call is there, with every packet, and its recording is ready and as long as its media; and that the
service never held more than 200 MB. Printed besides: CPU time, how late the sender was, how busy the machine was with
others. Needs root. Exit codes: 0 all as it should be, 1 not, 2 wrong usage.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "live"))

from wire import Earshot, Failure, Spaces, need, promptly, run, wait_for  # noqa: E402

CONFIG = """[capture]
interface = vb
[recording]
default = record
[storage]
data_dir = {data}
[log]
level = info
"""
DROPS = ("earshot_capture_drops_total", "earshot_spool_dropped_packets_total", "earshot_rtp_held_dropped_packets_total")
LENGTH_MS = 60  # a recording and its media differ by this at most


class Pair(Spaces):
    ENDS = "ab"

    def _build(self):
        self.sender, self.probe = self.spaces
        self._add_spaces()
        self._pair(self.sender, "va", self.probe, "vb")


def processes(pid):
    """The service and its children."""
    try:
        tasks = [p for t in Path(f"/proc/{pid}/task").iterdir() for p in (t / "children").read_text().split()]
    except OSError:
        tasks = []
    return [pid] + [int(p) for p in tasks]


def held_kb(pid):
    """What the service and its children have for themselves (RssAnon and RssShmem), and RSS of the service, in which the ring of
    the kernel and the libraries are."""
    own = rss = 0
    for p in processes(pid):
        try:
            fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path(f"/proc/{p}/status").read_text(), re.M))
        except OSError:
            continue
        own += int(fields.get("RssAnon", 0)) + int(fields.get("RssShmem", 0))
        rss = rss or int(fields.get("VmRSS", 0))
    return own, rss


class Watch(threading.Thread):
    """Peaks of memory, twenty times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.own, self.rss, self.over = pid, 0, 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            own, rss = held_kb(self.pid)
            self.own, self.rss = max(self.own, own), max(self.rss, rss)


def cpu_s(pid):
    """Of the service and its children, those that ended included."""
    total = 0
    for p in processes(pid):
        try:
            fields = Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15] if p == pid else fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def busy_s():
    """CPU seconds of all the machine."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]))
    return sum(fields[:3] + fields[5:8]) / os.sysconf("SC_CLK_TCK")


def metrics(earshot):
    return earshot.fetch("/metrics").decode()


def total_of(text, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(name + r"[{ ]", line))


def all_calls(earshot):
    calls, cursor = [], ""
    while cursor is not None:
        page = earshot.get("/api/v1/calls?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
        calls += page["data"]
        cursor = page["page"]["next_cursor"] if page["page"]["has_more"] else None
    return calls


def ready(earshot, count):
    """All rows, once each one is rendered."""
    calls = all_calls(earshot)
    done = [c for c in calls if c["state"] == "ended" and (c["recording"] or {}).get("state") in ("ready", "damaged")]
    return calls if len(done) >= count else None


def check_calls(calls, truth):
    wrong = []
    streams = {}
    for s in truth["streams"]:
        streams.setdefault(s["call_id"], []).append(s["packets"])
    found = {c["call_id"]: c for c in calls}
    for call in truth["calls"]:
        mine = found.get(call["call_id"])
        if mine is None:
            wrong.append(f"{call['call_id']} is not there")
            continue
        packets = sorted(s["packets"] for s in mine["streams"])
        if packets != sorted(streams[call["call_id"]]) or any(s["lost"] for s in mine["streams"]):
            wrong.append(f"{call['call_id']}: packets {packets}, sent were {sorted(streams[call['call_id']])}")
        recording = mine["recording"]
        media_ms = max(packets, default=0) * 20
        if recording["result"] != "recorded" or abs((recording["duration_ms"] or 0) - media_ms) > LENGTH_MS or mine["end_reason"] != "bye":
            wrong.append(f"{call['call_id']}: ended by {mine['end_reason']}, {recording['result']}, {recording['duration_ms']} ms of {media_ms}")
    if len(calls) != len(truth["calls"]):
        wrong.append(f"{len(calls)} calls, made were {len(truth['calls'])}")
    return wrong


def measure(options, work):
    programs = Path(options.earshot).parent / "tests"
    pcap, truth = os.path.join(work, "calls.pcap"), os.path.join(work, "truth.json")
    run(str(programs / "support/build/earshot-traffic"), "--calls", str(options.calls), "--concurrent", str(options.calls), "--duration",
        str(options.seconds), "--outcomes", "answered", "--codec", "PCMA", "--rtcp", "--seed", "3", "--out", pcap, "--truth", truth)
    with open(truth) as f:
        made = json.load(f)
    with Pair(work) as wire:
        earshot = Earshot(wire, options.earshot, CONFIG)
        watch = Watch(earshot.process.pid)
        busy, own, begin = busy_s(), cpu_s(earshot.process.pid), time.monotonic()
        sender = wire.start(wire.sender, promptly([str(programs / "bench/wire_send"), "va", pcap]), "send.log")
        if sender.wait(options.seconds + 120) != 0:
            raise Failure("wire_send: " + wire.log_tail("send.log"))
        sent, _, late_ms = wire.log_tail("send.log").split()
        wire_s = time.monotonic() - begin
        capture_cpu = cpu_s(earshot.process.pid) - own
        others = busy_s() - busy - capture_cpu
        calls = wait_for(120 + options.calls * options.seconds / 200, "all recordings", lambda: ready(earshot, options.calls), 0.5)
        render_s = time.monotonic() - begin - wire_s
        all_cpu = cpu_s(earshot.process.pid) - own
        text = metrics(earshot)
        watch.over.set()
        wrong = check_calls([earshot.get(f"/api/v1/calls/{c['uid']}") for c in calls], made)
        earshot.stop()
    for name in DROPS:
        if total_of(text, name):
            wrong.append(f"{name} is {total_of(text, name):.0f}")
    peak_mb = max(watch.own, watch.rss) * 1024 / 1e6
    if peak_mb > options.most_mb:
        wrong.append(f"{peak_mb:.0f} MB held, {options.most_mb} are allowed")
    print(f"calls                 {options.calls} at once, {options.seconds} s each, two G.711 streams and RTCP")
    print(f"packets               {sent} in {wire_s:.0f} s; the sender was {late_ms} ms late at most")
    print(f"drops                 {sum(total_of(text, n) for n in DROPS):.0f}")
    print(f"memory                {peak_mb:.0f} MB at most (RSS {watch.rss * 1024 / 1e6:.0f}, own of all processes {watch.own * 1024 / 1e6:.0f})")
    print(f"CPU while they talk   {capture_cpu:.1f} s, {capture_cpu / wire_s * 100:.0f} % of a core; others {others / wire_s * 100:.0f} %, "
          "the sender and the wire among them")
    print(f"CPU of all            {all_cpu:.1f} s; last recording {render_s:.1f} s behind the last packet")
    return wrong


def main():
    parser = argparse.ArgumentParser(description="Many calls at once, recorded live.")
    parser.add_argument("earshot")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--most-mb", type=int, default=200)
    parser.add_argument("--keep", action="store_true", help="keep the working folder")
    options = parser.parse_args()
    options.earshot = os.path.realpath(options.earshot)
    work = tempfile.mkdtemp(prefix="earshot-many-")
    try:
        need("ip", "curl")
        wrong = measure(options, work)
    except Failure as e:
        wrong = [str(e)]
    finally:
        if options.keep:
            print(f"kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    for w in wrong[:10]:
        print("FAIL  " + w)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
