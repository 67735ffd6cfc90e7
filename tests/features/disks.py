"""A service that reads a capture which is written as the test goes on, on a disk that does what the test wants: a small one of
its own, or one that refuses or is slow (tests/faults/faulty_disk.c)."""
import mmap, os, struct, subprocess

from craft import *
from service import Service, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
NONE, REFUSES, READ_ONLY, FULL, SLOW, SYNC_FAILS, KILLS = range(7)  # as in faulty_disk.c
ALL, SPOOL, ELSEWHERE, EXPORTS = range(4)


def block(type_, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", type_, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


HEAD = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 262144))


def captured(p, dropped=0):
    """A packet as pcapng has it; `dropped`: frames that the capture lost since the one before."""
    data, us = ether(ip(p)), int(round(p.t * 1e6))
    body = struct.pack("<IIIII", 0, us >> 32, us & 0xffffffff, len(data), len(data)) + data + bytes(-len(data) % 4)
    return block(6, body + (struct.pack("<HHQHH", 4, 8, dropped, 0, 0) if dropped else b""))


def ticks(begin, end, apart=0.1):
    """Something else goes on, so time does."""
    return [Packet(begin + n * apart, "10.99.0.1", 5060, "10.99.0.2", 5060, b"\r\n\r\n") for n in range(int((end - begin) / apart))]


def faulty_disk(t):
    library = t.path("faulty.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, os.path.join(HERE, "..", "faults", "faulty_disk.c"), "-ldl"], check=True)
    return library


class Stream(Service):
    """`megabytes`: its data directory is a disk of that size; `faulty`: what is wrong with its disk is said by wrong()."""

    def __init__(self, t, config, megabytes=None, faulty=False):
        name = t.path("service")
        os.mkdir(name)
        self.log, self.data, self.tmpfs = os.path.join(name, "log"), os.path.join(name, "data"), megabytes
        conf, mode = os.path.join(name, "conf"), os.path.join(name, "mode")
        os.mkdir(self.data)
        with open(conf, "w") as f:
            f.write(f"[api]\nport = 0\n[capture]\nworkers = 1\n{config}")
        with open(mode, "wb") as f:
            f.write(bytes(4096))
        with open(mode, "r+b") as f:
            self.mode = mmap.mmap(f.fileno(), 4096)
        words = [t.earshot, "run", "--config", conf, "--data", self.data, "--read", "-"]
        if megabytes:
            root = [] if os.getuid() == 0 else ["--map-root-user"]
            words = ["unshare", "--mount", *root, "sh", "-c", f'mount -t tmpfs -o size={megabytes}m none "$0" && exec "$@"', self.data, *words]
        env = dict(os.environ)
        if faulty:
            env |= {"LD_PRELOAD": faulty_disk(t), "FAULTY_DISK": self.data, "FAULTY_DISK_MODE": mode, "ASAN_OPTIONS": "verify_asan_link_order=0"}
        theirs, ours = os.pipe()
        self.pipe = os.fdopen(ours, "wb", buffering=0)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(words, stdin=theirs, stderr=log, env=env)
        os.close(theirs)
        self.pipe.write(HEAD)
        self.url = wait_for("earshot listens", self._listens)

    def feed(self, packets, drops={}):
        """In the order of their time; `drops`: id of a packet -> frames lost ahead of it."""
        data = b"".join(captured(p, drops.get(id(p), 0)) for p in sorted(packets, key=lambda p: p.t))
        view = memoryview(data)
        while view:
            view = view[self.pipe.write(view):]

    def finish(self):
        self.pipe.close()

    def wrong(self, what, ms=0, where=ALL):
        """From now on."""
        self.mode[0:8] = struct.pack("<BBHI", what, where, 0, ms)

    def disk(self, name=""):
        return f"/proc/{self.process.pid}/root{self.data}/{name}" if self.tmpfs else os.path.join(self.data, name)

    def fill(self):
        with open(self.disk("filler"), "ab", buffering=0) as f:
            try:
                while f.write(bytes(1 << 16)):
                    pass
            except OSError:
                pass

    def empty(self):
        os.unlink(self.disk("filler"))

    def media_segment(self):
        """The one that is being written: path and size."""
        names = [n for n in os.listdir(self.disk("spool")) if int(n[:8], 16) % 64 == 0]
        path = self.disk(f"spool/{max(names)}")
        return path, os.path.getsize(path)

    def list(self, path, **params):
        query = "&".join(f"{k}={v}" for k, v in params.items())
        return self.get(f"/api/v1/{path}" + (f"?{query}" if query else ""))["data"]
