"""`earshot run` for tests, and a network of its own to run in: a wire between two interfaces (va sends, vb is listened to) and
a loopback interface, all gone with the test.

    @feature("D10", "...")
    @in_namespace
    def test(t):
        with Service(t, "vb") as s:
            send("va", frames(call()))
"""
import importlib, json, os, signal, socket, subprocess, sys, time, traceback, urllib.error, urllib.request

from feature import Failure, Test, end_children

PATIENCE_S = 90 # nobody waits for longer than it takes
HERE = os.path.dirname(os.path.abspath(__file__))


def wait_for(what, look, seconds=PATIENCE_S):
    """The first true answer of look()."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def contents(folder):
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as f:
                yield os.path.join(where, name), f.read()


def everything(folder):
    """{name: bytes} of all files there are, of one moment: once more when one goes or gets another name meanwhile."""
    for _ in range(100):
        try:
            return dict(contents(folder))
        except FileNotFoundError:
            pass
    raise Failure(f"the files of {folder} do not settle")


def spooled(data, packets, texts=()):
    """Waits until the sound of these packets, and the messages among them and of `texts` by their headers, are on the disk."""
    wanted = [p.data[12:] if p.kind == "rtp" else p.data.partition(b"\r\n\r\n")[0] for p in packets if p.kind in ("rtp", "sip")]
    wanted += [text.partition(b"\r\n\r\n")[0] for text in texts]
    wait_for("all of it is on the disk", lambda: (lambda held: all(x in held for x in wanted))(b"".join(everything(os.path.join(data, "spool")).values())))


# ---- the service

class Service:
    def __init__(self, t, interface, config="", stdin=subprocess.DEVNULL):
        """`interface` None: it reads a capture from `stdin`."""
        name = t.path("service")
        os.mkdir(name)
        self.log = os.path.join(name, "log")
        conf = os.path.join(name, "conf")
        with open(conf, "w") as f:
            f.write(f"[api]\nport = 0\n{config}")
        self.command = [t.earshot, "run", "--config", conf, "--data", os.path.join(name, "data"), *(["--interface", interface] if interface else ["--read", "-"])]
        self._start(stdin)

    def _start(self, stdin=subprocess.DEVNULL):
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.command, stdin=stdin, stderr=log)
        self.url = wait_for("earshot listens", self._listens)

    def crash(self):
        """It is killed, and started again."""
        self.process.kill()
        self.process.wait()
        self._start()

    def made(self, count):
        """So many calls have ended, and what can be made of their media is."""
        rows = [r["recording"] for r in self.get("/api/v1/calls")["data"]]
        return len(rows) == count and all(g and g["state"] != "spooling" for g in rows)

    def said(self):
        with open(self.log) as f:
            return f.read()

    def _listens(self):
        text = self.said()
        if self.process.poll() is not None:
            raise Failure(f"earshot run ended with {self.process.returncode}: {text[-400:]}")
        at = text.find("look at http://")
        return text[at + 8:].split("\n")[0].rstrip("/") if at >= 0 and "\n" in text[at:] else None

    def fetch(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as e:
            raise Failure(f"GET {path}: {e.code} {e.read().decode()[:300]}") from None

    def get(self, path):
        return json.loads(self.fetch(path))

    def records(self, count=1):
        """What has ended lately, each record in full, once so many are stored. A call that has only just ended is listed with
        the little that the live view knows: no messages."""
        return wait_for(f"{count} records", lambda: self._stored(count))

    def _stored(self, count):
        found = [self.get(f"/api/v1/calls/{r['uid']}") for kind in ("call", "orphan", "encrypted")
                 for r in self.get(f"/api/v1/calls?limit=1000&kind={kind}")["data"]]
        return found if len(found) >= count and all(r["messages"] or r["kind"] != "call" for r in found) else None

    def counter(self, name):
        """A value of /metrics; without labels the sum over all of them."""
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.fetch("/metrics").splitlines()
                   if line.startswith((name + " ", name + "{")))

    def has(self, name, value):
        wait_for(f"{name} {value}", lambda: self.counter(name) == value)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"earshot goes on after SIGTERM: {self.said()[-400:]}") from None
        if code:
            raise Failure(f"earshot ended with {code}: {self.said()[-400:]}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.end()
        elif self.process.poll() is None:
            self.process.kill()
            self.process.wait()


# ---- packets

def send(interface, frames):
    """All of them at once; their times do not matter."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        for f in frames:
            s.send(f.data)


def play(packets, enough=None):
    """UDP datagrams from real sockets, at their times from now on. What is sent is taken, so that no ICMP answers. `enough`: an
    event; once it is set no more media is sent, and what else is left at once."""
    ends = {(p.src, p.sport) for p in packets} | {(p.dst, p.dport) for p in packets}
    sockets = {}
    for end in ends:
        sockets[end] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets[end].bind(end)
    begin = time.monotonic() - packets[0].t
    for p in packets:
        late = max(0, begin + p.t - time.monotonic())
        if enough is None:
            time.sleep(late)
        elif enough.wait(late) and p.kind != "sip":
            continue
        sockets[p.src, p.sport].sendto(p.data, (p.dst, p.dport))
    for s in sockets.values():
        s.close()


# ---- a network of its own

def in_namespace(fn):
    """The test runs in a process with no network but its own."""
    def test(t):
        words = ["unshare", "--net"] + ([] if os.getuid() == 0 else ["--map-root-user"])
        words += [sys.executable, "-B", os.path.abspath(__file__), fn.__module__, fn.__name__, t.earshot, t.work]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=400)
            result = json.loads(done.stdout.splitlines()[-1])
        except (subprocess.TimeoutExpired, IndexError, ValueError) as e:
            raise Failure(f"a network of its own: {e}: {done.stderr[-400:] if 'done' in locals() else ''}") from None
        t.clauses += result["clauses"]
        t.counters += result["counters"]
        if result["error"]:
            raise Failure(result["error"])
    test.inside = fn
    return test


def build():
    for scope in ("all", "default"):
        with open(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6", "w") as f:
            f.write("1")
    for words in ("link set lo up", "link add va type veth peer name vb", "link set va up", "link set vb up"):
        subprocess.run(["ip", *words.split()], check=True)


def main(module, name, earshot, work):
    t, error = Test(earshot, work), None
    t.files = 1000
    try:
        build()
        getattr(importlib.import_module(module), name).inside(t)
    except Failure as e:
        error = str(e)
    except Exception:
        error = traceback.format_exc()[-800:]
    end_children({})
    print(json.dumps({"clauses": t.clauses, "counters": t.counters, "error": error}))


if __name__ == "__main__":
    main(*sys.argv[1:])
