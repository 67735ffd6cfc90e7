"""A wire between two network namespaces, mirrored to a third where Earshot listens.

    NAME-a  va 10.99.7.1 ======== vb 10.99.7.2  NAME-b
                                  |  tc mirrors both directions of vb
                                  vm ======== vs  NAME-e: `earshot run --interface vs`

vm has no address and IPv6 is off, so whatever vm receives was sent by Earshot or its namespace. Names
carry the process id: runs do not meet each other. Everything is gone when the `with` block ends.
"""

import functools
import json
import os
import shutil
import signal
import subprocess
import threading
import time

CALLER_IP = "10.99.7.1"
CALLEE_IP = "10.99.7.2"
API = "http://127.0.0.1:8470"
START_LIMIT_S = 20
STOP_LIMIT_S = 20
END_LIMIT_S = 3

CONFIG = """[capture]
interface = vs
[recording]
default = record
[storage]
data_dir = {data}
[log]
level = info
"""


class Failure(Exception):
    """What differs, said for people."""


def need(*tools):
    missing = [t for t in tools if shutil.which(t) is None]
    if missing:
        raise Failure("missing tools: " + ", ".join(missing))


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@functools.cache
def priority():
    """Words ahead of a program that has to keep time: what else goes on in this machine is not what is tested. None where
    that is not allowed."""
    words = ["chrt", "-f", "20"]
    return words if subprocess.run(words + ["true"], capture_output=True).returncode == 0 else []


def promptly(words):
    return priority() + words


def wait_for(seconds, what, look, step=0.1):
    """The first true answer of look(); Failure when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(step)


class Heartbeat:
    """A thread that only sleeps for moments: how late it wakes is how late this machine lets a program run, whatever is tested."""

    MOMENT_S = 0.02

    def __init__(self):
        self.late_s, self.ended = 0, threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self):
        before = time.monotonic()
        while not self.ended.wait(self.MOMENT_S):
            now = time.monotonic()
            self.late_s = max(self.late_s, now - before - self.MOMENT_S)
            before = now

    def stop(self):
        """By how much it was late at most."""
        self.ended.set()
        return self.late_s


class Spaces:
    """Network namespaces, the links between them and the processes inside."""

    ENDS = ""

    def __init__(self, work):
        self.spaces = [f"live{os.getpid()}-{end}" for end in self.ENDS]
        self.work = work
        self.processes = []

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.end_processes()
        for space in self.spaces:
            self._end_rest(space)
            subprocess.run(["ip", "netns", "del", space], capture_output=True)

    def _end_rest(self, space):
        """What the processes left behind in a namespace, which is ours alone."""
        left = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True)
        for pid in left.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _add_spaces(self):
        for space in self.spaces:
            run("ip", "netns", "add", space)
            for scope in ("all", "default"):
                run(*self.inside(space), "sysctl", "-qw", f"net.ipv6.conf.{scope}.disable_ipv6=1")
            run("ip", "-n", space, "link", "set", "lo", "up")

    def _address(self, space, address, name):
        run("ip", "-n", space, "addr", "add", address + "/24", "dev", name)

    def _pair(self, space, name, other_space, other):
        run("ip", "-n", space, "link", "add", name, "type", "veth",
            "peer", "name", other, "netns", other_space)
        run("ip", "-n", space, "link", "set", name, "up")
        run("ip", "-n", other_space, "link", "set", other, "up")

    def _mirror(self, space, seen, directions, copy):
        run("tc", "-n", space, "qdisc", "add", "dev", seen, "clsact")
        for direction in directions:
            run("tc", "-n", space, "filter", "add", "dev", seen, direction,
                "protocol", "all", "u32", "match", "u32", "0", "0",
                "action", "mirred", "egress", "mirror", "dev", copy)

    def inside(self, space):
        return ["ip", "netns", "exec", space]

    def start(self, space, words, log, **options):
        """A process in a namespace; it is killed at the end of the wire at the latest."""
        with open(os.path.join(self.work, log), "wb") as out:
            p = subprocess.Popen(self.inside(space) + words, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, **options)
        self.processes.append(p)
        return p

    def end_processes(self, but=None):
        """SIGTERM first: servers then see to the end of their own children."""
        running = [p for p in self.processes if p is not but and p.poll() is None]
        for p in running:
            p.terminate()
        end = time.monotonic() + END_LIMIT_S
        for p in running:
            try:
                p.wait(max(0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()

    def packets_from_earshot(self):
        """What the peer of the mirror interface has received since the wire was built."""
        link = json.loads(run("ip", "-n", self.tap, "-s", "-j", "link", "show", "dev", "vm"))
        return link[0]["stats64"]["rx"]["packets"]

    def mirrored_packets(self):
        link = json.loads(run("ip", "-n", self.tap, "-s", "-j", "link", "show", "dev", "vm"))
        return link[0]["stats64"]["tx"]["packets"]

    def wait_listening(self, space, kind, port, log, limit=START_LIMIT_S):
        """Until a server listens; `kind` is udp or tcp. Failure tells the end of its log."""
        words = self.inside(space) + ["ss", "-Hln", "-u" if kind == "udp" else "-t", f"sport = :{port}"]
        try:
            wait_for(limit, f"a server on {kind} port {port}",
                     lambda: subprocess.run(words, capture_output=True).stdout.strip())
        except Failure as e:
            raise Failure(f"{e}\n{self.log_tail(log)}") from None

    def log_tail(self, log, lines=20):
        with open(os.path.join(self.work, log), errors="replace") as f:
            return "".join(f.readlines()[-lines:])


class Wire(Spaces):
    ENDS = "abe"

    def _build(self):
        self.caller, self.callee, self.probe = self.spaces
        self.tap = self.callee  # where the mirror is
        self._add_spaces()
        self._pair(self.caller, "va", self.callee, "vb")
        self._pair(self.callee, "vm", self.probe, "vs")
        self._address(self.caller, CALLER_IP, "va")
        self._address(self.callee, CALLEE_IP, "vb")
        self._mirror(self.callee, "vb", ("ingress", "egress"), "vm")


class Earshot:
    """The service under test, and its API as seen from its own namespace."""

    def __init__(self, wire, binary, config=CONFIG, patience=START_LIMIT_S):
        self.wire, self.binary = wire, binary
        path = os.path.join(wire.work, "earshot.conf")
        with open(path, "w") as f:
            f.write(config.format(data=os.path.join(wire.work, "data")))
        self.process = wire.start(wire.probe, promptly([binary, "run", "--config", path]), "earshot.log")
        wait_for(patience, "earshot is ready", self._ready)

    def _ready(self):
        if self.process.poll() is not None:
            raise Failure(f"earshot ended with {self.process.returncode}:\n{self.log_tail()}")
        done = subprocess.run(self._curl("/readyz"), capture_output=True)
        return done.returncode == 0

    def _curl(self, path):
        return self.wire.inside(self.wire.probe) + ["curl", "-sS", "--fail-with-body", API + path]

    def log_tail(self):
        return self.wire.log_tail("earshot.log")

    def fetch(self, path):
        done = subprocess.run(self._curl(path), capture_output=True)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace").strip()
            raise Failure(f"GET {path}: {said}")
        return done.stdout

    def get(self, path):
        return json.loads(self.fetch(path))

    def live_calls(self, user):
        calls = self.get("/api/v1/live/calls?limit=1000")["data"]
        return [c for c in calls if c["to"]["user"] == user]

    def ended_calls(self, user):
        return self.get(f"/api/v1/calls?limit=1000&to_user={user}")["data"]

    def stop(self):
        """SIGTERM must end it cleanly."""
        # `ip netns exec` becomes the program, so the id is Earshot's own.
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"earshot goes on {STOP_LIMIT_S} s after SIGTERM:\n{self.log_tail()}") from None
        if code != 0:
            raise Failure(f"SIGTERM: earshot ended with {code}:\n{self.log_tail()}")
