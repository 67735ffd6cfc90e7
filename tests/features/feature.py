"""The frame of the feature tests. A feature is a function with an id of docs/features.md:

    @feature("D05", "SIP over WebSocket: masked, fragmented, control frames between")
    def websocket_call(t):
        t.same(baseline(), t.read(frames(...)))   # every clause of the row's "must"
        t.counter(t.read(frames without it))      # and a case in which the result must differ

A feature without a counter-case fails: a test that cannot fail proves nothing."""
import datetime, json, os, re, signal, subprocess, tempfile, time

FEATURES = []  # (id, title, function)
NOWHERE = re.compile(r'\{trunk="none"(,direction="unknown")?|,trunk="none",direction="unknown"(?=\})')


def feature(id_, title):
    def add(fn):
        FEATURES.append((id_, title, fn))
        return fn
    return add


def near(time):
    """To 10 ms: a message that comes in many pieces is there with the last of them."""
    if time is None:
        return None
    at = datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()
    return round(at, 2)


def shape(records):
    """What a capture says whatever carried it: calls with their outcome, parties, times and streams."""
    out = []
    for r in records:
        streams = sorted((s["party"], s["codec"], s["packets"], s["lost"], s["src"], s["dst"]) for s in r.get("streams", []))
        out.append({"kind": r["kind"], "call_id": r["call_id"], "outcome": r["outcome"], "end_reason": r["end_reason"],
                    "released_by": r["released_by"], "sip_code": r["sip_code"], "from": (r["from"] or {}).get("user"),
                    "to": (r["to"] or {}).get("user"), "started_at": near(r["started_at"]), "answered_at": near(r["answered_at"]),
                    "ended_at": near(r["ended_at"]), "partial": r["partial"], "streams": streams})
    return sorted(out, key=lambda c: (c["started_at"], str(c["call_id"])))


class Failure(Exception):
    pass


class Test:
    def __init__(self, earshot, work):
        self.earshot = earshot
        self.work = work
        self.clauses = 0
        self.counters = 0
        self.files = 0

    def path(self, suffix="pcap"):
        self.files += 1
        return os.path.join(self.work, f"{self.files}.{suffix}")

    def run(self, *args, code=0, **kw):
        out = subprocess.run([self.earshot, *args], capture_output=True, text=kw.pop("text", True), timeout=300, **kw)
        if code is not None and out.returncode != code:
            raise Failure(f"earshot {' '.join(args)}: exit {out.returncode}, not {code}: {out.stderr[-400:]}")
        return out

    def read(self, frames, *options, linktype=1, code=0):
        """The records of these frames (or of a file's name, or several), as earshot read --json tells them."""
        from craft import write
        paths = [frames] if isinstance(frames, str) else frames if frames and isinstance(frames[0], str) else None
        if paths is None:
            paths = [self.path()]
            write(paths[0], frames, linktype)
        out = self.run("read", "--json", *options, *paths, code=code)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def counters_of(self, frames, *options, linktype=1):
        """Values of /metrics after reading: {name{labels}: number}. What belongs to no trunk and has no direction also stands
        under its name without those labels."""
        from craft import write
        path = frames if isinstance(frames, str) else self.path()
        if path is not frames:
            write(path, frames, linktype)
        out = self.run("read", "--json", "--metrics", "-", *options, path)
        values = {}
        for line in out.stdout.splitlines():
            if line.startswith("earshot_"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
                values.setdefault(NOWHERE.sub(lambda m: m[0][0].strip(","), name).replace("{,", "{").replace("{}", ""), float(value))
        return values

    def check(self, what, condition):
        self.clauses += 1
        if not condition:
            raise Failure(what)

    def equal(self, what, got, wanted):
        self.check(f"{what}: {got!r}, not {wanted!r}", got == wanted)

    def same(self, wanted, got, what="the call as without the wrapping"):
        self.clauses += 1
        a, b = shape(wanted), shape(got)
        if a != b:
            raise Failure(f"{what}:\n    wanted {json.dumps(a)[:1500]}\n    got    {json.dumps(b)[:1500]}")

    def counter(self, what, condition):
        """The counter-case: with the thing in question removed the result is another."""
        self.counters += 1
        if not condition:
            raise Failure(f"counter-case: {what}")

    def differs(self, a, b, what="without it the records are the same"):
        self.counter(what, shape(a) != shape(b))


def run_one(earshot, number):
    """(Error or None, how many seconds it took)."""
    begin = time.monotonic()
    return judge(earshot, number), time.monotonic() - begin


def children():
    """{pid: when it began} of ours."""
    found = {}
    for n in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{n}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found[int(n)] = fields[19]
    return found


def end_children(but):
    """What a test that failed has left: a service that goes on writes into a folder that is to be removed, and takes the time of others."""
    for pid, began in children().items():
        if but.get(pid) == began:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except OSError:
            pass # it has ended meanwhile


def judge(earshot, number):
    before = children()
    with tempfile.TemporaryDirectory(prefix="earshot-feature-", ignore_cleanup_errors=True) as work:
        error = outcome(FEATURES[number][2], Test(earshot, work))
        end_children(before)
    return error


def outcome(fn, t):
    try:
        fn(t)
    except Failure as e:
        return str(e)
    except Exception as e:
        return f"{type(e).__name__}: {e}"
    if t.clauses == 0 or t.counters == 0:
        return f"{t.clauses} clauses and {t.counters} counter-cases: a test needs both"
    return None


def run_all(earshot, only=()):
    """[(id, title, error or None, seconds)], in the order of the files. As many at a time as there are cores, and one more: most of
    them wait for a service now and then. What failed beside others is tried once more alone, and that is said: a machine under
    load is no fault of the program, a fault stays one."""
    import multiprocessing
    chosen = [n for n, (id_, _, _) in enumerate(FEATURES) if not only or id_ in only]
    with multiprocessing.get_context("fork").Pool((os.cpu_count() or 1) + 1) as pool:
        results = pool.starmap(run_one, [(earshot, n) for n in chosen], chunksize=1)
    for i, n in enumerate(chosen):
        if results[i][0] is not None:
            print(f"again {FEATURES[n][0]:4} {FEATURES[n][1]}, beside others: {results[i][0]}", flush=True)
            results[i] = run_one(earshot, n)
    return [(FEATURES[n][0], FEATURES[n][1], *result) for n, result in zip(chosen, results)]
