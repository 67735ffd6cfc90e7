#!/usr/bin/env python3
"""kill -9 in the middle of recording, again and again.

    kill.py EARSHOT [--smoke | --full] [--moments N] [--lanes N] [--calls N] [--seed N] [--keep]

A lane is a pair of network namespaces with a service of its own. In each round calls come and go on the wire, so that
some are recorded, some rendered, some finished when the service is killed at a random moment; then it is killed once
more, while it recovers and renders what the first one left. After that it is left alone, and it must be true that

  - each call that the kill cut ends as `restart`, and not more than a second of any of its streams
    is missing, measured against what tcpdump saw of it until the kill, and nothing from within;
  - it is flagged recovered, as is each one whose rendering was cut, and none that was over long before;
  - each call that had said BYE on the wire a while before the kill is whole: to the last packet;
  - every file opens as ffprobe opens it, and has the length that the record states; no .part is left;
  - the databases are whole, no row is open, and /coverage counts exactly these recordings.

Default: 20 moments; --smoke 4, --full 200 with three lanes at once. Needs root. Exit codes: 0 all as it should be,
1 not, 2 wrong usage.
"""

import argparse
import collections
import json
import multiprocessing
import os
import random
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "live"))

from wire import Failure, Spaces, promptly, run, wait_for  # noqa: E402

CALL_S = 4
CODECS = ("PCMA", "opus")  # in turns: Opus takes long enough to be rendered that a kill meets it
LOST_LIMIT_S = 1.0
FRESH_S = 3.0  # from the end of a file to the commit of its row, on a busy machine
SETTLED_S = 6.0  # from the BYE to the final row: late packets have 2 s of it, three lanes on two cores the rest
LATE_MS = 20  # what was not cut begins and ends this close to what the wire had
PTIME_S = 0.02  # of both codecs as earshot-traffic sends them
LENGTH_LIMIT_S = 0.1  # between a recording and the packets it is made of
FIRST_KILL_S = (2.5, 11.0)
SECOND_KILL_S = (0.0, 0.6)
START_LIMIT_S = 30
DONE_LIMIT_S = 60
API = "http://127.0.0.1:8470"

Round = collections.namedtuple("Round", "number calls cut lost_s parts wrong")


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


# ---- what was on the wire ----

class Flow:
    """RTP of one sender to one receiver until the kill."""

    def __init__(self):
        self.first = self.last = None
        self.packets = 0

    def late_s(self):
        """By how much the sender was slower than its packets of 20 ms say."""
        return max(0, self.last - self.first - (self.packets - 1) * 0.02)

    def add(self, at):
        self.first = at if self.first is None else self.first
        self.last = at
        self.packets += 1


def udp_of(frame):
    """(source, destination, payload) of IPv4 in Ethernet."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    head = 14 + (frame[14] & 15) * 4
    ports = struct.unpack_from("!HH", frame, head)
    address = [".".join(map(str, frame[at:at + 4])) for at in (26, 30)]
    return f"{address[0]}:{ports[0]}", f"{address[1]}:{ports[1]}", frame[head + 8:]


def wire_until(path, killed):
    """{(source, destination): Flow}, {Call-ID: when its BYE was seen}, both ahead of the kill."""
    flows, byes = collections.defaultdict(Flow), {}
    data = Path(path).read_bytes()
    at = 24
    while at + 16 <= len(data):
        second, micro, size = struct.unpack_from("<III", data, at)
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        udp = udp_of(frame)
        when = second + micro / 1e6
        if udp is None or when > killed:
            continue
        src, dst, payload = udp
        if payload[:4] == b"BYE ":
            byes[call_id(payload)] = when
        elif len(payload) >= 12 and payload[0] >> 6 == 2 and not 200 <= payload[1] <= 204:
            flows[src, dst].add(when)
    return flows, byes


def call_id(message):
    for line in message.split(b"\r\n"):
        if line.lower().startswith(b"call-id:"):
            return line[8:].strip().decode()
    return ""


# ---- a lane ----

class Lane(Spaces):
    ENDS = "ab"

    def __init__(self, work, earshot, pcaps):
        super().__init__(work)
        self.earshot, self.pcaps = earshot, pcaps

    def _build(self):
        self.sender, self.probe = self.spaces
        self._add_spaces()
        self._pair(self.sender, "va", self.probe, "vb")

    def serve(self):
        config = os.path.join(self.work, "conf")
        Path(config).write_text("[spool]\nsegment_size = 1M\n")  # several until the kill: what recovery need not read grows meanwhile
        self.service = self.start(self.probe, promptly([self.earshot, "run", "--config", config, "--data", self.data, "--record", "--port", "8470",
                                                        "--interface", "vb"]), "earshot.log")

    def ask(self, path):
        done = subprocess.run(self.inside(self.probe) + ["curl", "-sS", "--fail-with-body", API + path], capture_output=True)
        if done.returncode != 0:
            if self.service.poll() is not None:
                raise Failure(f"the service ended by itself with {self.service.returncode}:\n{self.log_tail('earshot.log')}")
            return None
        return json.loads(done.stdout)

    def wait_up(self):
        wait_for(START_LIMIT_S, "the service answers", lambda: self.ask("/api/v1/live/calls"), 0.05)

    def kill(self):
        """When, just before it."""
        now = time.time()
        self.service.kill()
        self.service.wait()
        return now

    def calls(self):
        rows, path = [], "/api/v1/calls?limit=1000"
        while path:
            page = self.ask(path)
            rows += page["data"]
            cursor = page["page"].get("next_cursor")
            path = cursor and f"/api/v1/calls?limit=1000&cursor={cursor}"
        return rows

    def rendered(self):
        """All rows, once nothing waits to be rendered any more."""
        rows = self.calls()
        return rows if rows and not any(map(self.waits, rows)) else None

    def wait_rendered(self):
        try:
            return wait_for(DONE_LIMIT_S, "all calls are rendered", self.rendered)
        except Failure as e:
            left = [(r["call_id"], r["state"], r["end_reason"], r["recording"]) for r in self.calls() if self.waits(r)]
            raise Failure(f"{e}: {left[:3]}\n{self.log_tail('earshot.log')}") from None

    @staticmethod
    def waits(row):
        return (row["recording"] or {}).get("state") in ("spooling", "rendering") or row["state"] != "ended"

    def unfinished(self):
        """Calls whose rendering the kill cut; the JSON beside a recording is written when that is whole."""
        return {p.name.split(".")[0] for p in Path(self.data).rglob("*.part") if not p.name.endswith(".json.part")}

    def fresh(self):
        """Calls whose files are so new that the kill may have cut off the row which says that they are finished."""
        return {p.stem for p in Path(self.data).rglob("*.wav") if time.time() - p.stat().st_mtime < FRESH_S}

    def round(self, number, rng):
        self.data = os.path.join(self.work, f"data{number}")
        seen = os.path.join(self.work, "seen.pcap")
        self.serve()
        self.wait_up()
        dump = self.start(self.probe, ["tcpdump", "-Z", "root", "-i", "vb", "-U", "-B", "65536", "-w", seen, "udp"], "tcpdump.log")
        wait_for(20, "tcpdump listens", lambda: os.path.exists(seen) and os.path.getsize(seen) >= 24)
        replay = self.start(self.sender, promptly(["tcpreplay", "-q", "--timer=nano", "-i", "va", self.pcaps[number % 2]]), "tcpreplay.log")
        time.sleep(rng.uniform(*FIRST_KILL_S))
        killed = self.kill()
        time.sleep(0.1)
        replay.kill()
        replay.wait()
        time.sleep(0.3)
        dump.terminate()
        dump.wait()
        parts = self.unfinished()
        fresh = self.fresh()
        self.serve()
        time.sleep(rng.uniform(*SECOND_KILL_S))
        self.kill()
        parts |= self.unfinished()
        fresh |= self.fresh()
        self.serve()
        self.wait_up()
        rows = self.wait_rendered()
        flows, byes = wire_until(seen, killed)
        found = Check(self.data, rows, flows, byes, killed, parts, fresh)
        found.coverage(self.ask("/api/v1/coverage"))
        self.service.terminate()
        if self.service.wait(START_LIMIT_S) != 0:
            found.wrong.append(f"SIGTERM: the service ended with {self.service.returncode}")
        found.files()
        os.unlink(seen)
        if not found.wrong:
            shutil.rmtree(self.data)
        return Round(number, len(rows), found.cut, found.lost_s, len(parts), found.wrong)


class Check:
    """What a round left, against the wire."""

    def __init__(self, data, rows, flows, byes, killed, parts, fresh):
        self.data, self.rows, self.flows, self.byes, self.killed = data, rows, flows, byes, killed
        self.parts, self.fresh = parts, fresh  # unfinished files at the kills, and those just finished
        self.wrong, self.cut, self.lost_s = [], 0, 0.0
        for row in rows:
            self.call(row)
        missing = [i for i, at in byes.items() if i not in {r["call_id"] for r in rows}]
        if missing:
            self.wrong.append(f"calls that ended with a BYE are not there: {missing[:4]}")
        if self.cut == 0:
            self.wrong.append("the kill cut no call")

    def call(self, row):
        recording, where = row["recording"], f"call {row['call_id']}"
        cut = row["end_reason"] == "restart"
        self.cut += cut
        if row["answered_at"] is None:
            return
        before = self.killed - seconds(row["answered_at"])
        if cut and row["call_id"] in self.byes and self.killed - self.byes[row["call_id"]] > LOST_LIMIT_S:
            self.wrong.append(f"{where} ends as restart, its BYE came {self.killed - self.byes[row['call_id']]:.2f} s before the kill")
        if recording is None or recording.get("state") != "ready":
            if before > LOST_LIMIT_S:  # later ones have nothing on the disk yet
                self.wrong.append(f"{where}, answered {before:.2f} s before the kill: recording is {recording}")
            return
        since_bye = self.killed - self.byes.get(row["call_id"], self.killed)
        if not recording["recovered"] and (cut or row["uid"] in self.parts):
            self.wrong.append(f"{where}, end {row['end_reason']}, is not flagged recovered")
        if recording["recovered"] and since_bye > SETTLED_S and row["uid"] not in self.parts | self.fresh:
            self.wrong.append(f"{where} is flagged recovered, {since_bye:.1f} s after its BYE")
        if recording["result"] != "recorded":
            self.wrong.append(f"{where}: result is {recording['result']}")
        for stream in row["streams"]:
            self.stream(where, recording["recovered"] and since_bye < LOST_LIMIT_S, stream)
        self.length(where, row)

    def stream(self, where, torn, stream):
        flow = self.flows.get((stream["src"], stream["dst"]))
        if flow is None:
            self.wrong.append(f"{where}: {stream['src']} sent nothing before the kill")
            return
        missing = flow.last - seconds(stream["last_at"])
        limit = LOST_LIMIT_S if torn else LATE_MS / 1000
        self.lost_s = max(self.lost_s, missing)
        if missing > limit:
            self.wrong.append(f"{where}: {missing:.2f} s of {stream['src']} missing at the end")
        if abs(seconds(stream["first_at"]) - flow.first) > LATE_MS / 1000 or stream["lost"]:
            self.wrong.append(f"{where}: {stream['src']} begins {seconds(stream['first_at']) - flow.first:.3f} s late, {stream['lost']} lost within")

    def length(self, where, row):
        """By the media clock at least; tcpreplay falls behind on a busy machine, and the recording may follow it as far as the
        wire says."""
        begin = min(seconds(s["first_at"]) for s in row["streams"])
        span = max(seconds(s["first_at"]) - begin + s["packets"] * PTIME_S for s in row["streams"])
        late_s = max((self.flows[s["src"], s["dst"]].late_s() for s in row["streams"] if (s["src"], s["dst"]) in self.flows), default=0)
        off = row["recording"]["duration_ms"] / 1000 - span
        if not -LENGTH_LIMIT_S <= off <= LENGTH_LIMIT_S + late_s:
            self.wrong.append(f"{where}: recording lasts {row['recording']['duration_ms']} ms, its packets {span * 1000:.0f} ms, "
                              f"sent up to {late_s * 1000:.0f} ms late")

    def coverage(self, told):
        answered = [r for r in self.rows if r["answered_at"] is not None]
        results = dict(collections.Counter((r["recording"] or {}).get("result") for r in answered))
        counted = {k: n for k, n in told["results"].items() if n}
        if told["answered"] != len(answered) or counted != results:
            self.wrong.append(f"coverage says {told}, the calls are {results}")

    def files(self):
        for path in sorted(Path(self.data, "db").glob("*.db")):
            state = sqlite3.connect(path).execute("pragma integrity_check").fetchone()[0]
            if state != "ok":
                self.wrong.append(f"{path.name}: {state}")
        left = [p.name for p in Path(self.data).rglob("*.part")]
        if left:
            self.wrong.append(f"left behind: {left[:4]}")
        lengths = sorted(r["recording"]["duration_ms"] for r in self.rows if (r["recording"] or {}).get("state") == "ready")
        found = sorted(lengths_of(sorted(Path(self.data).rglob("*.wav"))))
        if len(found) != len(lengths) or any(abs(a - b) > 10 for a, b in zip(found, lengths)):
            self.wrong.append(f"files are {found} ms, records say {lengths}")


def lengths_of(paths):
    """Milliseconds of each file as libavformat finds them, one process for all: ffprobe takes longer to start than to
    look. A file that does not open is told of by ffprobe."""
    if not paths:
        return []
    inputs = [word for path in paths for word in ("-i", str(path))]
    said = subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", *inputs], capture_output=True, text=True).stderr
    found = re.findall(r"^  Duration: (\d+):(\d+):(\d+\.\d+)", said, re.M)
    if len(found) == len(paths):
        return [round((int(h) * 3600 + int(m) * 60 + float(s)) * 1000) for h, m, s in found]
    return [probe_ms(path) for path in paths]


def probe_ms(path):
    """-1: it does not open."""
    done = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)],
                          capture_output=True, text=True)
    try:
        return round(float(done.stdout) * 1000)
    except ValueError:
        return -1


# ---- all of them ----

def drive(args):
    """The rounds of one lane; each is told as it ends."""
    numbers, options, pcaps, work = args
    rounds = []
    os.makedirs(work)
    with Lane(work, options.earshot, pcaps) as lane:
        for number in numbers:
            try:
                r = lane.round(number, random.Random(options.seed * 100003 + number))
            except Failure as e:
                lane.end_processes()
                r = Round(number, 0, 0, 0.0, 0, [str(e)])
            print(f"{'ok  ' if not r.wrong else 'FAIL'}  moment {r.number}: {r.calls} calls, {r.cut} cut, at most {r.lost_s:.2f} s lost, "
                  f"{r.parts} .part" + "".join("\n      " + w for w in r.wrong[:8]), flush=True)
            rounds.append(r)
    return rounds


def run_all(options, work):
    traffic = Path(options.earshot).parent / "tests/support/build/earshot-traffic"
    pcaps = [os.path.join(work, codec + ".pcap") for codec in CODECS]
    for codec, pcap in zip(CODECS, pcaps):
        halves = [f"{pcap}.{n}" for n in range(2)]  # generated calls keep step: these two groups do not
        for n, half in enumerate(halves):
            run(str(traffic), "--calls", str(options.calls * 3 // 2), "--concurrent", str(options.calls // 2), "--duration", str(CALL_S),
                "--outcomes", "answered", "--codec", codec, "--seed", str(5 + n), "--start", str(1700000000 + 3 * n), "--out", half)
        run("mergecap", "-F", "pcap", "-w", pcap, *halves)
    lanes = [(range(n, options.moments, options.lanes), options, pcaps, os.path.join(work, f"lane{n}"))
             for n in range(min(options.lanes, options.moments))]
    with multiprocessing.Pool(len(lanes)) as pool:
        return [r for rounds in pool.map(drive, lanes, 1) for r in rounds]


def main():
    parser = argparse.ArgumentParser(description="kill -9 in the middle of recording.")
    parser.add_argument("earshot")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--moments", type=int)
    parser.add_argument("--lanes", type=int)
    parser.add_argument("--calls", type=int, default=20, help="at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the working folder")
    options = parser.parse_args()
    options.earshot = os.path.realpath(options.earshot)
    options.moments = options.moments or (4 if options.smoke else 200 if options.full else 20)
    options.lanes = options.lanes or (2 if options.smoke else 4)
    work = tempfile.mkdtemp(prefix="earshot-kill-")
    try:
        rounds = run_all(options, work)
    finally:
        if options.keep:
            print(f"kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    bad = sum(1 for r in rounds if r.wrong)
    print(f"{len(rounds)} moments, {sum(r.calls for r in rounds)} calls, {sum(r.cut for r in rounds)} cut, at most "
          f"{max(r.lost_s for r in rounds):.2f} s lost, {sum(r.parts for r in rounds)} renders cut; {bad} moments with faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
