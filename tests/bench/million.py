#!/usr/bin/env python3
"""A million stored calls, asked by many while calls go on.

    million.py EARSHOT [--calls N] [--data DIR] [--seconds S] [--only PART[,PART]] [--keep]

Generated calls of seven days, two fifths of them in one, go through `earshot run --read`; then the service captures
500 calls (in proportion where fewer are stored) from a wire while eight clients ask over kept connections. Printed per kind of question: how many, p50, p95, p99 in milliseconds, and the limit for p95. Besides:
/metrics with 10,000 calls in progress, 200 who watch /live/events, and 100 MB of sound over four connections against
nginx with the same file. Fails when a limit is missed or a packet is dropped.

--data keeps the stored calls in DIR, and uses what is there. Parts: lists, metrics, events, sound.
Needs root, and 12 GB for a million calls. Exit codes: 0 all as promised, 1 not, 2 wrong usage.
"""

import argparse
import collections
import ctypes
import json
import multiprocessing
import os
import random
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "live"))

from wire import Earshot, Failure, Spaces, need, promptly, run, wait_for  # noqa: E402

DAY_S = 86400
DAYS = 7
BUSY_DAY = 3  # of them, from the oldest
PIECES = 5  # of a day, each with traffic of its own kind
KINDS = (("PCMU", 0, 3), ("PCMA", 1, 10), ("G722", 0.2, 5), ("opus", 3, 20), ("PCMA", 8, 40))  # codec, loss, jitter
CLIENTS = 8
WATCHERS = 200
SOUND_BYTES = 100_000_000
START_S = 120  # what the spool of a million calls holds is looked through first
DROPS = ("earshot_capture_drops_total", "earshot_spool_dropped_packets_total")
CONFIG = """[capture]
interface = vb
[storage]
data_dir = {data}
[api]
rate = 0
[trunk one]
peers = 10.32.0.0/26
[trunk two]
peers = 10.32.0.64/26
[log]
level = warn
"""

# name: limit of p95 in ms
LIMITS = {"indexed": 50, "free": 300, "page": 100, "metrics": 20}


class Pair(Spaces):
    ENDS = "ab"

    def _build(self):
        self.sender, self.probe = self.spaces
        self._add_spaces()
        self._pair(self.sender, "va", self.probe, "vb")
        for space in self.spaces:
            run("ip", "-n", space, "link", "set", "lo", "up")


# ---- what is stored ----

def pieces_of(calls):
    """(start, calls, kind) over seven days that end an hour ago."""
    begin = int(time.time()) // DAY_S * DAY_S - DAYS * DAY_S
    usual, busy = calls * 6 // 10 // (DAYS - 1), calls * 4 // 10
    for day in range(DAYS):
        for piece in range(PIECES):
            share = (busy if day == BUSY_DAY else usual) // PIECES
            yield begin + day * DAY_S + piece * DAY_S // PIECES, share, KINDS[(day + piece) % len(KINDS)]


def fill(options, data, config):
    traffic = str(Path(options.earshot).parent / "tests/support/build/earshot-traffic")
    begin = time.monotonic()
    stored = 0
    for n, (start, calls, (codec, loss, jitter)) in enumerate(pieces_of(options.calls)):
        at_once = max(2, calls * 6 // (DAY_S // PIECES))
        maker = subprocess.Popen([traffic, "--calls", str(calls), "--concurrent", str(at_once), "--duration", "3", "--ptime", "60", "--loss",
                                  str(loss), "--jitter", str(jitter), "--codec", codec, "--outcomes", "mix", "--seed", str(n + 1), "--start",
                                  str(start), "--out", "/dev/stdout"], stdout=subprocess.PIPE)
        done = subprocess.run([options.earshot, "run", "--config", config, "--read", "-", "--exit", "--port", "0"], stdin=maker.stdout,
                              stderr=subprocess.PIPE, text=True)
        maker.stdout.close()
        if maker.wait() != 0 or done.returncode != 0:
            raise Failure(f"piece {n}: {done.stderr[-500:]}")
        stored += calls
        if sys.stderr.isatty() or n % 5 == 4:
            print(f"  {stored} calls stored, {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)


# ---- who asks ----

class Client:
    """HTTP/1.1 over one kept connection, with as little of its own as can be."""

    def __init__(self, port=8470):
        self.port, self.socket, self.rest = port, None, b""

    def get(self, path):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.rest = b""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
        head, self.rest = self.head()
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if length:
            body = self.exactly(int(length[1]))
        elif re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
            body = self.chunks()
        else:
            raise Failure(f"{path}: neither length nor chunks: {head[:200]}")
        status = int(head.split(b" ", 2)[1])
        if status != 200:
            raise Failure(f"{path}: {status} {body[:300]}")
        return body

    def more(self):
        got = self.socket.recv(1 << 18)
        if not got:
            raise Failure("the service closed the connection")
        return got

    def head(self):
        data = self.rest
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, _, rest = data.partition(b"\r\n\r\n")
        return head, rest

    def exactly(self, count):
        parts, have = [self.rest], len(self.rest)
        while have < count:
            parts.append(self.more())
            have += len(parts[-1])
        data = b"".join(parts)
        self.rest = data[count:]
        return data[:count]

    def chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.rest:
                self.rest += self.more()
            line, _, self.rest = self.rest.partition(b"\r\n")
            size = int(line, 16)
            body += self.exactly(size + 2)[:size]
            if size == 0:
                return body


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def known(space):
    """Calls of each day to ask for: [(uid, call_id, from, to, started)]."""
    enter(space)
    client = Client()
    first = int(time.time()) // DAY_S * DAY_S - DAYS * DAY_S
    found = []
    for day in range(DAYS):
        at = first + day * DAY_S
        for hour in (3, 9, 15, 21):
            page = json.loads(client.get(f"/api/v1/calls?from={stamp(at + hour * 3600)}&to={stamp(at + DAY_S)}&limit=50&order=started_at"))
            found += [(c["uid"], c["call_id"], c["from"]["user"], c["to"]["user"], at) for c in page["data"]]
    if not found:
        raise Failure("nothing is stored")
    return found


def quoted(text):
    return text.replace("+", "%2B").replace("@", "%40")


def week(now):
    return f"from={stamp(now - 8 * DAY_S)}&to={stamp(now)}"


def questions(calls, rng, now):
    """One of each, forever: (kind, name, paths)."""
    while True:
        uid, call_id, caller, callee, at = rng.choice(calls)
        span = week(now)
        day = f"from={stamp(at)}&to={stamp(at + DAY_S)}"
        yield "indexed", "newest of the week", [f"/api/v1/calls?{span}"]
        yield "indexed", "an hour", [f"/api/v1/calls?from={stamp(at + 3600 * rng.randrange(23))}&to={stamp(at + DAY_S)}&order=started_at"]
        yield "indexed", "Call-ID", [f"/api/v1/calls?{span}&call_id={quoted(call_id)}"]
        yield "indexed", "caller", [f"/api/v1/calls?{span}&from_user={quoted(caller)}"]
        yield "indexed", "number", [f"/api/v1/calls?{span}&number={quoted(callee)}"]
        yield "indexed", "number begins", [f"/api/v1/calls?{span}&number__prefix={quoted(callee[:-2])}"]
        yield "indexed", "trunk", [f"/api/v1/calls?{span}&trunk=two"]
        yield "indexed", "worst of the week", [f"/api/v1/calls?{span}&order=mos_min"]
        yield "free", "MOS and loss", [f"/api/v1/calls?{day}&mos_min__lte=1.5&scale=NB&loss_ratio__gte=0.15"]
        yield "free", "one-way", [f"/api/v1/calls?{day}&one_way=true"]
        yield "free", "busy, by address", [f"/api/v1/calls?{day}&outcome=busy&ip=10.32.0.{rng.randrange(1, 200)}"]
        yield "free", "codec and jitter", [f"/api/v1/calls?{day}&codec=opus&jitter_ms__gte=60"]
        yield "free", "text", [f"/api/v1/calls?{day}&q={quoted(caller[4:])}"]
        yield "free", "user agent", [f"/api/v1/calls?{day}&user_agent__contains=nobody+has+it"]
        yield "free", "shortest", [f"/api/v1/calls?{day}&order=duration_ms"]
        yield "free", "counted", [f"/api/v1/calls?{day}&outcome=answered&count=exact&limit=1"]
        yield "page", "a call", [f"/api/v1/calls/{uid}", f"/api/v1/calls/{uid}/ladder", f"/api/v1/calls/{uid}/legs", f"/api/v1/calls/{uid}/messages",
                                 f"/api/v1/calls/{uid}/streams/1/series"]


def ask(space, wanted, seed, calls, end, now):
    """[(kind, name, seconds)] in a namespace, of one kind of question."""
    enter(space)
    rng, client, told = random.Random(seed), Client(), []
    for kind, name, paths in questions(calls, rng, now):
        if kind != wanted:
            continue
        begin = time.monotonic()
        if begin > end:
            return told
        try:
            for path in paths:
                client.get(path)
        except Failure as e:
            if kind == "page" and "404" in str(e):  # it has no stream
                continue
            raise
        told.append((kind, name, time.monotonic() - begin))


def enter(space):
    fd = os.open(f"/run/netns/{space}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000) != 0:
        raise Failure("cannot enter the namespace")
    os.close(fd)


def scrape(space):
    enter(space)
    client, took = Client(), []
    for _ in range(100):
        begin = time.monotonic()
        client.get("/metrics")
        took.append(time.monotonic() - begin)
    return took


def watch(space, seconds):
    """(events told, who still watches)"""
    enter(space)
    selector, told, alive = selectors.DefaultSelector(), 0, 0
    for n in range(WATCHERS):
        s = socket.create_connection(("127.0.0.1", 8470), source_address=(f"127.0.0.{2 + n % 4}", 0))  # one alone may not have so many
        s.sendall(b"GET /api/v1/live/events HTTP/1.1\r\nHost: 127.0.0.1:8470\r\n\r\n")
        s.setblocking(False)
        selector.register(s, selectors.EVENT_READ, [b""])
        alive += 1
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(0.2):
            data = key.fileobj.recv(1 << 16)
            if not data:
                selector.unregister(key.fileobj)
                alive -= 1
                continue
            data = key.data[0] + data
            told += data.count(b"\nevent: call.")
            key.data[0] = data[-13:] if not data.endswith(b"\n\n") else b"\n"
    return told, alive


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))] * 1000


def report(told):
    """The limit is for all questions of a kind; what each takes is told."""
    wrong = []
    by = collections.defaultdict(list)
    for kind, name, seconds in told:
        by[kind, name].append(seconds)
        by[kind, "all"].append(seconds)
    for (kind, name), values in sorted(by.items()):
        values.sort()
        p50, p95, p99 = (percentile(values, s) for s in (0.5, 0.95, 0.99))
        limit = f"   < {LIMITS[kind]}" if name == "all" else ""
        print(f"  {kind:8} {name:22} {len(values):6}   {p50:8.1f} {p95:8.1f} {p99:8.1f}{limit}")
        if name == "all" and p95 >= LIMITS[kind]:
            wrong.append(f"{kind}: p95 is {p95:.0f} ms, {LIMITS[kind]} are allowed")
    return wrong


# ---- the parts ----

class Bench:
    def __init__(self, options, wire, earshot, work):
        self.options, self.wire, self.earshot, self.work = options, wire, earshot, work
        self.programs = Path(options.earshot).parent / "tests"
        self.wrong = []

    def generate(self, name, *words):
        path = os.path.join(self.work, name + ".pcap")
        run(str(self.programs / "support/build/earshot-traffic"), *words, "--start", str(int(time.time())), "--out", path)
        return path

    def send(self, pcap):
        return self.wire.start(self.wire.sender, promptly([str(self.programs / "bench/wire_send"), "va", pcap]), "send.log")

    def drops(self):
        text = self.earshot.fetch("/metrics").decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(DROPS))

    def calls_going_on(self, seconds):
        count = max(20, self.options.calls // 2000)
        pcap = self.generate("talk", "--calls", str(count), "--concurrent", str(count), "--duration", str(seconds), "--outcomes", "answered",
                             "--codec", "PCMA", "--rtcp", "--seed", "99")
        return count, self.send(pcap)

    def lists(self):
        """Each kind of question for itself: eight who only ask the hardest would else be what all others wait for."""
        kinds = ("indexed", "free", "page")
        seconds = self.options.seconds // len(kinds)
        count, sender = self.calls_going_on(self.options.seconds + 40)
        now, told, warm = int(time.time()), [], 0
        with multiprocessing.Pool(CLIENTS) as pool:
            calls = pool.apply(known, (self.wire.probe,))
            for kind in kinds:
                for seed, length in ((0, 4), (100, seconds)):
                    end = time.monotonic() + length
                    some = pool.starmap(ask, [(self.wire.probe, kind, seed + n, calls, end, now) for n in range(CLIENTS)])
                    if seed:
                        told += [t for one in some for t in one]
                    else:
                        warm += sum(map(len, some))
        sender.kill()
        sender.wait()
        print(f"{len(told)} questions of {CLIENTS} clients, {seconds} s each kind ({warm} before to warm up), {count} calls going on; "
              f"{self.drops():.0f} packets dropped")
        print(f"  {'':8} {'':22} {'count':>6}   {'p50':>8} {'p95':>8} {'p99':>8}   ms")
        self.wrong += report(told)

    def metrics(self):
        count = max(200, self.options.calls // 100)
        pcap = self.generate("live", "--sip-only", "--calls", str(count), "--concurrent", str(count), "--duration", "60", "--ramp", "15", "--outcomes",
                             "answered", "--seed", "98")
        sender = self.send(pcap)
        wait_for(60, f"{count} calls go on", lambda: self.live() >= count * 0.98, 0.5)
        live = self.live()
        with multiprocessing.Pool(1) as pool:
            took = sorted(pool.apply(scrape, (self.wire.probe,)))
        sender.kill()
        sender.wait()
        p95 = percentile(took, 0.95)
        print(f"/metrics with {live:.0f} calls in progress: p50 {percentile(took, .5):.1f} ms, p95 {p95:.1f} ms   < {LIMITS['metrics']}")
        if p95 >= LIMITS["metrics"]:
            self.wrong.append(f"/metrics: p95 is {p95:.0f} ms")

    def live(self):
        text = self.earshot.fetch("/metrics").decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(r"earshot_calls_active[{ ]", line))

    def events(self):
        before = self.drops()
        count, sender = self.calls_going_on(12)
        with multiprocessing.Pool(1) as pool:
            told, watching = pool.apply(watch, (self.wire.probe, 15))
        sender.wait()
        dropped = self.drops() - before
        print(f"{watching} watch /live/events, {count} calls come and go: {told} events told in all, {dropped:.0f} packets dropped")
        if dropped or watching != WATCHERS or told < WATCHERS * count:
            self.wrong.append(f"events: {dropped:.0f} packets dropped, {watching} watch, {told} events told")

    def sound(self):
        """Four connections, the same file three times over each: bytes a second of ours, and of nginx."""
        recordings = self.earshot.get(f"/api/v1/recordings?{week(int(time.time()) + DAY_S)}&limit=1")["data"]
        if not recordings:
            raise Failure("no recording is stored")
        url = f"http://127.0.0.1:8470/api/v1/recordings/{recordings[0]['id']}/audio"
        copy = os.path.join(self.work, "www", "sound.wav")
        os.makedirs(os.path.dirname(copy))
        self.curl([url], copy)
        size = os.path.getsize(copy)
        nginx = self.nginx()
        rates = {"ours": [], "nginx": []}
        for _ in range(3):
            for name, what in (("ours", url), ("nginx", "http://127.0.0.1:8480/sound.wav")):
                begin = time.monotonic()
                for p in [subprocess.Popen(self.words([what] * 3, "/dev/null")) for _ in range(4)]:
                    if p.wait() != 0:
                        raise Failure(f"curl {what} ended with {p.returncode}")
                rates[name].append(12 * size / (time.monotonic() - begin))
        nginx.terminate()
        ours, theirs = (sorted(rates[n])[1] for n in ("ours", "nginx"))
        print(f"{size / 1e6:.0f} MB of sound over 4 connections: {ours / 1e6:.0f} MB/s, nginx {theirs / 1e6:.0f} MB/s: ratio {ours / theirs:.2f}   > 0.8")
        if ours < 0.8 * theirs:
            self.wrong.append(f"sound: {ours / theirs:.2f} of what nginx sends")

    def words(self, urls, out):
        return self.wire.inside(self.wire.probe) + ["curl", "-sS", "--fail"] + [w for u in urls for w in ("-o", out, u)]

    def curl(self, urls, out):
        run(*self.words(urls, out))

    def nginx(self):
        config = os.path.join(self.work, "nginx.conf")
        with open(config, "w") as f:
            f.write(f"daemon off; pid {self.work}/nginx.pid; error_log {self.work}/nginx.log; events {{}} worker_processes 2;\n"
                    f"http {{ sendfile on; tcp_nopush on; access_log off; server {{ listen 127.0.0.1:8480; root {self.work}/www; }} }}\n"
                    "user root;\n")
        process = self.wire.start(self.wire.probe, ["nginx", "-c", config], "nginx.out")
        wait_for(10, "nginx answers", lambda: subprocess.run(self.words(["http://127.0.0.1:8480/sound.wav"], "/dev/null")).returncode == 0)
        return process


def store_sound(options, config, work):
    """One call whose recording has 100 MB, of yesterday."""
    sound = os.path.join(work, "sound.conf")
    with open(config) as f, open(sound, "w") as out:
        out.write(f.read() + "[recording]\ndefault = record\n")
    seconds = SOUND_BYTES // 32000 if options.calls >= 1000000 else 60
    traffic = str(Path(options.earshot).parent / "tests/support/build/earshot-traffic")
    pcap = os.path.join(work, "long.pcap")
    run(traffic, "--calls", "1", "--concurrent", "1", "--duration", str(seconds), "--outcomes", "answered", "--codec", "PCMA", "--seed", "77", "--start",
        str(int(time.time()) - DAY_S), "--out", pcap)
    run(options.earshot, "run", "--config", sound, "--read", pcap, "--exit", "--port", "0")
    os.unlink(pcap)


PARTS = ("lists", "metrics", "events", "sound")


def measure(options, work):
    data = os.path.abspath(options.data) if options.data else os.path.join(work, "data")
    text = CONFIG.replace("{data}", data)
    config = os.path.join(work, "fill.conf")
    with open(config, "w") as f:
        f.write(text.replace("[capture]\ninterface = vb\n", ""))
    if not os.path.exists(os.path.join(data, "filled")):
        fill(options, data, config)
        store_sound(options, config, work)
        Path(data, "filled").touch()
    with Pair(work) as wire:
        earshot = Earshot(wire, options.earshot, text, START_S)
        bench = Bench(options, wire, earshot, work)
        for part in options.only.split(","):
            getattr(bench, part)()
        if bench.drops():
            bench.wrong.append(f"{bench.drops():.0f} packets were dropped")
        earshot.stop()
    return bench.wrong


def main():
    parser = argparse.ArgumentParser(description="A million stored calls, asked by many while calls go on.")
    parser.add_argument("earshot")
    parser.add_argument("--calls", type=int, default=1000000)
    parser.add_argument("--data")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.earshot = os.path.realpath(options.earshot)
    if set(options.only.split(",")) - set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    need("ip", "curl", *(["nginx"] if "sound" in options.only else []))
    work = tempfile.mkdtemp(prefix="earshot-million-")
    try:
        wrong = measure(options, work)
    except Failure as e:
        wrong = [str(e)]
    finally:
        if options.keep:
            print(f"kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    for w in wrong:
        print(f"FAIL  {w}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
