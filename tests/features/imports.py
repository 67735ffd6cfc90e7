"""R33: captures that are brought over the API (POST /imports/pcap)."""
import contextlib, gzip, hashlib, json, os, re, signal, socket, sqlite3, subprocess, time, urllib.parse

from access import Guarded, two_calls
from confine import decoders
from craft import *
from feature import Failure, feature
from messages import DAY
from service import wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = "application/octet-stream"
OWN = ("uid", "source", "import_id", "recording", "links", "tags", "group_id", "has_transcript", "annotation_count")  # what a call that was imported says otherwise, and what only the store knows
YEARS_AGO = 6 * 365 * 86400


class Importing(Guarded):
    """The service over two calls of its own; what is brought is asked for as whoever one is."""

    def __init__(self, t, config="", frames_=None, calls=2):
        super().__init__(t, frames_ or two_calls(), calls, config)
        self.files() # what is made of its own calls is made

    def bring(self, data, name="a.pcap", type_=BINARY, token=None, **headers):
        return self.ask("/imports/pcap?" + urllib.parse.urlencode({"name": name}), "POST", data, token=token, Content_Type=type_, **headers)

    def brought(self, data, name="a.pcap"):
        """Brought, and read to its end: the import."""
        status, headers, got = self.bring(data, name)
        if status != 202 or headers["location"] != f"/api/v1/imports/{got['id']}":
            raise Failure(f"{name}: {status} {headers} {got}")
        return self.over(got["id"])

    def over(self, id_):
        return wait_for(f"import {id_} is over", lambda: (lambda i: i if i["state"] in ("done", "failed") else None)(self.get(f"/imports/{id_}")))

    def calls_of(self, id_, kinds=("call",), **params):
        rows = [r for kind in kinds for r in self.get(f"/calls?import={id_}&limit=1000&kind={kind}&order=started_at&" + urllib.parse.urlencode(params))["data"]]
        return [self.get(f"/calls/{r['uid']}") for r in rows]

    def has_result(self, result, count):
        wait_for(f"{count} {result}", lambda: self.values("earshot_imports_total").get(f'earshot_imports_total{{result="{result}"}}') == str(count))

    def values(self, *names):
        """Of /metrics, but for what every request changes."""
        text = self.ask("/metrics", root="")[2].decode()
        return {line.rsplit(" ", 1)[0]: line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(names)}


def capture(t, packets):
    path = t.path()
    write(path, packets if packets and isinstance(packets[0], Frame) else frames(packets))
    with open(path, "rb") as f:
        return f.read(), path


def shifted(packets, seconds):
    return [replace(p, t=p.t + seconds) for p in packets]


def told(record):
    """What the call was, without what an import has of its own. Streams without what only the store links."""
    own = {k: v for k, v in record.items() if k not in OWN}
    own["streams"] = [{k: v for k, v in s.items() if k not in ("series_url",)} for s in record["streams"]]
    return json.loads(json.dumps(own))


def by_call(records):
    return {(r["kind"], r["call_id"], r["started_at"], r["src"]): told(r) for r in records}


def differences(mine, offline):
    """[(call, field, imported, read)]"""
    a, b = by_call(mine), by_call(offline)
    found = [(k, "there", k in a, k in b) for k in a.keys() ^ b.keys()]
    return found + [(k[1], f, a[k].get(f), b[k].get(f)) for k in a.keys() & b.keys() for f in a[k].keys() | b[k].keys() if a[k].get(f) != b[k].get(f)]


@feature("R33", "a capture that is brought: the calls of earshot read, with recording, messages and pcap, found by their import; figures, counters and live state do not notice")
def same_calls(t):
    brought = shifted(call(Dialog(call_id="i1@test", from_user="+4930777")), -YEARS_AGO) + \
        shifted(call(Dialog(a="10.0.1.1", b="10.0.1.2", call_id="i2@test", branch="z9hG4bKi"), voice=False), 3 - YEARS_AGO)
    data, path = capture(t, brought)
    offline = t.read(path, "--record", t.path("audio"))
    with Importing(t) as s:
        counted = ("earshot_capture", "earshot_sip", "earshot_rtp", "earshot_calls", "earshot_decoded", "earshot_coverage", "earshot_table", "earshot_webhooks")
        before, figures = s.values(*counted), [s.get(f"/{p}?from=2017-01-01T00:00:00Z&to=2018-01-01T00:00:00Z") for p in ("stats/summary", "coverage", "stats/posture")]
        own = s.get(f"/calls?{DAY}")["data"]
        i = s.brought(data, "trunk 7.pcap")
        t.equal("what became of it", (i["state"], i["name"], i["actor"], i["size_bytes"], i["sha256"], i["calls"], i["packets"], i["progress"], i["attempts"], i["error"]),
                ("done", "trunk 7.pcap", "local", len(data), hashlib.sha256(data).hexdigest(), 2, len(brought), 1, 1, None))
        t.equal("nothing was lost", (set(i["dropped"].values()), i["partial"]), ({0}, False))
        t.equal("when its calls were", (i["first_call_at"], i["last_call_at"]), tuple(sorted(r["started_at"] for r in offline)))
        mine = s.calls_of(i["id"])
        t.equal("the calls that earshot read makes", differences(mine, offline), [])
        t.equal("they say where they come from", {(c["source"], c["import_id"]) for c in mine}, {("import", i["id"])})
        t.equal("those of before do not", {(c["source"], c["import_id"]) for c in own}, {("capture", None)})
        t.check("the link leads there", s.ask(i["links"]["calls"], root="")[2]["data"][0]["uid"] in {c["uid"] for c in mine})
        t.equal("by source", [len(s.get(f"/calls?from=2017-01-01T00:00:00Z&to=2018-01-01T00:00:00Z&source={x}")["data"]) for x in ("import", "capture")], [2, 0])
        first = next(c for c in mine if c["call_id"] == "i1@test")
        ready = wait_for("its recording", lambda: (lambda r: r if (r["recording"] or {}).get("state") == "ready" else None)(s.get(f"/calls/{first['uid']}")))
        read = next(r for r in offline if r["call_id"] == "i1@test")
        t.equal("recorded by the rules, as read", *[[r["recording"][k] for k in ("duration_ms", "size_bytes", "result", "channels")] for r in (ready, read)])
        t.equal("its messages", [m["method"] for m in s.get(f"/calls/{first['uid']}/messages")["data"]][:1], ["INVITE"])
        t.check("its packets", len(s.ask(f"/calls/{first['uid']}/pcap")[2]) > 10000)
        t.equal("no counter of what is live moved", sorted(set(s.values(*counted).items()) ^ set(before.items())), [])
        t.equal("nor any figure of that time", [s.get(f"/{p}?from=2017-01-01T00:00:00Z&to=2018-01-01T00:00:00Z") for p in ("stats/summary", "coverage", "stats/posture")], figures)
        t.equal("nor any call of before", s.get(f"/calls?{DAY}")["data"], own)
        t.equal("nothing of it stays behind", sorted(os.listdir(os.path.join(s.data, "imports"))), [i["id"] + ".info"])
        t.equal("and it was audited", [(a["actor"], a["object"], a["detail"]) for a in s.get("/audit?action=import.create")["data"]],
                [("local", i["id"], f"trunk 7.pcap, {len(data)} bytes, sha256 {i['sha256']}")])
        status, headers, got = s.bring(data)
        t.equal("the same bytes once more", (status, got["code"], headers["location"]), (409, "already_imported", f"/api/v1/imports/{i['id']}"))
        t.equal("it goes", [s.ask(f"/imports/{i['id']}", "DELETE")[0], s.ask(f"/imports/{i['id']}")[0], s.get("/imports")["data"]], [204, 404, []])
        t.equal("its calls stay", len(s.calls_of(i["id"])), 2)
        again = s.brought(gzip.compress(data), "b.pcap.gz")
        t.equal("packed, they are calls of another import", (again["calls"], len(s.calls_of(again["id"])), len(s.calls_of(i["id"]))), (2, 2, 2))
        other = s.brought(capture(t, brought[:-4])[0], "c.pcap")
        t.counter("a capture with less in it makes the same calls", differences(s.calls_of(other["id"]), offline) != [])


@feature("R33", "what is no capture, too large, too much, of nobody who may: each is refused with a sentence, and nothing of it stays")
def refusals(t):
    data, path = capture(t, two_calls())
    with Importing(t, "[limits]\nimport_size = 4M\nimports = 1\n") as s:
        def refused(what, wanted, *args, **more):
            status, _, got = s.bring(*args, **more)
            t.equal(what, (status, got["code"]), wanted)
            return got["detail"]
        no = (415, "not_a_capture")
        t.check("the sentence says what is taken", "pcapng" in refused("a text", no, b"hello, world"))
        refused("nothing", no, b"")
        refused("a byte", no, b"\xa1")
        refused("packed, but no capture", no, gzip.compress(b"no capture at all" * 50))
        refused("packed, and broken", no, b"\x1f\x8b" + bytes(100))
        refused("no capture of a MB", no, bytes(900 << 10))
        refused("a head of pcap and no more", no, data[:10])
        refused("as a form sends it", (415, "content_type"), data, type_="multipart/form-data; boundary=x")
        refused("as text", (415, "content_type"), data, type_="text/plain")
        refused("a name with folders", (400, "invalid_value"), data, name="../../etc/passwd")
        refused("a name that is too long", (400, "invalid_value"), data, name="x" * 129)
        refused("encoded on its way", (415, "content_encoding"), data, Content_Encoding="gzip")
        t.equal("another parameter", s.ask("/imports/pcap?nmae=x", "POST", data, Content_Type=BINARY)[2]["code"], "unknown_parameter")
        refused("a token of nobody", (401, "token_invalid"), data, token="esk_x_" + 43 * "a")
        for role in ("viewer", "analyst", "listener", "auditor"):
            refused(f"{role} may not", (403, "scope"), data, token=s.token(role))
        limited = s.token("supervisor", name="one of them", limit={"number_prefixes": ["+49"]})
        refused("who may see some calls only", (403, "limited_token"), data, token=limited)
        big = data + bytes(4 << 20)
        t.equal("too large, and said so ahead", answered(s, len(big)), (413, "capture_too_large"))
        t.equal("too large, and not said", answered(s, None, big), (413, "capture_too_large"))
        t.equal("asked before it sends (Expect), not by nobody", answered(s, len(data), expect=True, token="esk_x_" + 43 * "a"), (401, "token_invalid"))
        t.equal("nothing of all that stays", (os.listdir(os.path.join(s.data, "imports")), s.get("/imports")["data"]), ([], []))
        with socket.create_connection(urllib.parse.urlsplit(s.url).netloc.split(":")) as c:  # one that comes slowly takes the one place
            c.sendall(head(s, len(data)) + data[:300])
            wait_for("its file", lambda: os.listdir(os.path.join(s.data, "imports")))
            status, headers, got = s.bring(data)
            t.equal("more than may wait", (status, got["code"], "retry-after" in headers), (429, "too_many_imports", True))
        wait_for("who hangs up leaves nothing", lambda: not os.listdir(os.path.join(s.data, "imports")))
        cut = s.brought(data[:-50], "cut.pcap")
        t.equal("a capture that ends in the middle is read up to there", (cut["state"], cut["partial"], cut["calls"]), ("done", True, 2))
        t.check(f"and that is said without our folders: {cut['error']}", "cut.pcap" in cut["error"] and "imports/" not in cut["error"])
        t.equal("those refused are audited", len(s.get("/audit?action=auth.failed")["data"]) > 0, True)
        supervisor = s.token("supervisor")
        status, _, got = s.bring(data, token=supervisor)
        t.equal("a supervisor may", (status, s.over(got["id"])["actor"]), (202, "the supervisor"))
        with_limit = s.as_(limited, f"/calls?import={got['id']}")["data"]
        t.equal("who may see some calls sees some of it", (len(with_limit), len(s.calls_of(got["id"]))), (1, 2))
    with Importing(t, "[limits]\nimport_size = 0\n") as s:
        t.equal("none are taken", (s.bring(data)[2]["code"], s.get("/imports")["max_bytes"]), ("imports_off", 0))
    with Importing(t) as s:
        t.counter("a capture is refused whatever it is", s.brought(data)["calls"] == 2)


def head(s, length, expect=False, token=None):
    more = (f"Content-Length: {length}\r\n" if length is not None else "Transfer-Encoding: chunked\r\n") + ("Expect: 100-continue\r\n" if expect else "") + \
        (f"Authorization: Bearer {token}\r\n" if token else "")
    return f"POST /api/v1/imports/pcap HTTP/1.1\r\nHost: {urllib.parse.urlsplit(s.url).netloc}\r\nContent-Type: {BINARY}\r\n{more}\r\n".encode()


def answered(s, length, body=b"", **more):
    """(status, code) of an upload, heard while the body is still to come."""
    with socket.create_connection(urllib.parse.urlsplit(s.url).netloc.split(":")) as c:
        c.sendall(head(s, length, **more))
        if length is None:
            for at in range(0, len(body), 65536):
                piece = body[at:at + 65536]
                c.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            c.sendall(b"0\r\n\r\n")
        got = b""
        while b"request_id" not in got:
            more_ = c.recv(65536)
            if not more_:
                raise Failure(f"no answer: {got[:200]}")
            got += more_
    return int(got.split()[1]), re.search(rb'"code":"([a-z_]+)"', got)[1].decode()


def many(count, shift=0):
    """Calls one after the other, each with two seconds of media."""
    out = []
    for n in range(count):
        out += shifted(call(Dialog(a=f"10.{n >> 8}.{n & 255}.1", b=f"10.{n >> 8}.{n & 255}.2", call_id=f"m{n}@test", branch=f"z9hG4bKm{n}")), 0.5 * n + shift)
    return sorted(out, key=lambda p: p.t)


class Stalled(Importing):
    """The service with a decoder that stands still, so that a capture with many recordings stands in the middle; killed and started again."""

    def __init__(self, t, config=""):
        self.own = t.path()
        write(self.own, frames([]))
        super().__init__(t, config)

    def stall(self):
        for pid in wait_for("the decoder", lambda: decoders(self.process.pid)):
            os.kill(pid, signal.SIGSTOP)

    def stands(self, id_):
        """It is read, and does not get on: its calls so far."""
        def settled():
            before = self.get(f"/imports/{id_}")
            time.sleep(0.1)
            return before if before["state"] == "running" and before["calls"] > 20 and before == self.get(f"/imports/{id_}") else None
        return wait_for(f"import {id_} stands", settled)

    def kill(self):
        left = decoders(self.process.pid)
        self.process.kill()
        self.process.wait()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):  # it has ended with its parent
                os.kill(pid, signal.SIGKILL)

    def again(self):
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([self.earshot, "run", "--config", self.conf, "--read", self.own, "--data", self.data], stdout=log, stderr=log)
        self.url = self.wait(lambda: re.search(r"look at (http\S*://\S+)/\s", open(self.log).read()))[1]

    def folder(self):
        return sorted(f.rsplit(".", 1)[1] for f in os.listdir(os.path.join(self.data, "imports")))


def many(count, start):
    """Calls with a little media, one after the other."""
    out = []
    for n in range(count):
        out += shifted(call(Dialog(a=f"10.1.{n}.1", b=f"10.1.{n}.2", call_id=f"m{n}@test", branch=f"z9hG4bKm{n}"), seconds=0.4), 3 * n + start)
    return sorted(out, key=lambda p: p.t)


@feature("R33", "kill -9 while a capture is read: the next start reads it again, no call is there twice or half, each recording once; deleted while it is read")
def killed(t):
    data, path = capture(t, many(90, -YEARS_AGO))
    offline = t.read(path)
    with Stalled(t) as s:
        s.stall()
        status, _, i = s.bring(data)
        t.equal("it stands in the middle", (status, s.stands(i["id"])["calls"] < len(offline)), (202, True))
        before = {c["uid"]: c["call_id"] for c in s.calls_of(i["id"])}
        s.kill()
        t.equal("the file waits for the next start", s.folder(), ["cap", "info"])
        s.again()
        now = s.over(i["id"])
        t.equal("read again, from its beginning", (now["state"], now["attempts"], now["calls"]), ("done", 2, len(offline)))
        mine = s.calls_of(i["id"])
        t.equal("the calls that earshot read makes, each once", (len(mine), differences(mine, offline)), (len(offline), []))
        t.check("those of before are still the same", before.items() <= {c["uid"]: c["call_id"] for c in mine}.items() and len(before) > 20)
        ready = wait_for("all are recorded", lambda: (lambda c: c if all((r["recording"] or {}).get("state") == "ready" for r in c) else None)(s.calls_of(i["id"])))
        sounds = [f for w, _, names in os.walk(os.path.join(s.data, "audio")) for f in names if f.endswith(".wav") and f[:36] in {c["uid"] for c in ready}]
        t.equal("each once", len(sounds), len(offline))
        t.equal("what recovery found was not of it", [c["end_reason"] for c in mine if c["end_reason"] == "restart"], [])
        t.equal("and no other call came", len(s.get(f"/calls?from=2017-01-01T00:00:00Z&to=2018-01-01T00:00:00Z&limit=1000")["data"]), len(offline))
        s.stall()
        other = s.bring(gzip.compress(data), "b.gz")[2]
        made = s.stands(other["id"])["calls"]
        t.equal("deleted while it is read", (s.ask(f"/imports/{other['id']}", "DELETE")[0], s.ask(f"/imports/{other['id']}")[0]), (204, 404))
        wait_for("its file has gone", lambda: s.folder() == ["info"])
        t.equal("what it made stays, and no more comes", len(s.calls_of(other["id"])), made)
        s.has_result("cancelled", 1)
        t.counter("an import that is deleted goes on", made < len(offline))
        last = s.bring(gzip.compress(data, 1), "c.gz")[2]
        wait_for("it is read", lambda: s.get(f"/imports/{last['id']}")["state"] == "running")
        t.equal("deleted, and killed at once", s.ask(f"/imports/{last['id']}", "DELETE")[0], 204)
        s.kill()
        s.again()
        t.equal("it does not come back", (s.ask(f"/imports/{last['id']}")[0], s.folder()), (404, ["info"]))


@feature("R33", "what takes longer than [limits] import_time has failed, with a sentence; its calls until then stay, and the next one is read")
def late(t):
    data, _ = capture(t, many(90, -YEARS_AGO))
    with Stalled(t, "[limits]\nimport_time = 1s\nimports = 1\n") as s:
        s.stall()
        slow = decoders(s.process.pid)
        i = s.over(s.bring(data)[2]["id"])
        for pid in slow:
            os.kill(pid, signal.SIGCONT)
        t.equal("it has failed", (i["state"], "longer than 1 s ([limits] import_time)" in i["error"], 0 < i["progress"] < 1), ("failed", True, True))
        t.check("what it made stays", 20 < len(s.calls_of(i["id"])) == i["calls"])
        wait_for("nothing waits", lambda: all((c["recording"] or {}).get("state") == "ready" for c in s.calls_of(i["id"])))
        t.counter("a place stays taken", s.brought(capture(t, two_calls())[0], "next.pcap")["state"] == "done")


@feature("R33", "a stop puts the reading off; a file that the service crashes on three times is left alone; one that is not whole is failed")
def attempts(t):
    data, _ = capture(t, many(90, -YEARS_AGO))
    with Stalled(t) as s:
        s.stall()
        i = s.bring(data)[2]
        s.stands(i["id"])
        slow = decoders(s.process.pid)
        s.process.send_signal(signal.SIGTERM)
        def put_off():
            with open(os.path.join(s.data, "imports", i["id"] + ".info")) as f:
                return "state 0\n" in f.read()
        wait_for("it is put off", put_off)
        for pid in slow:
            os.kill(pid, signal.SIGCONT)
        t.equal("a stop in the middle is an orderly one", s.process.wait(20), 0)
        s.again()
        now = s.over(i["id"])
        t.equal("after which it is read", (now["state"], now["attempts"], now["calls"]), ("done", 2, 90))
        t.equal("and deleted", s.ask(f"/imports/{i['id']}", "DELETE")[0], 204)
        wait_for("all is recorded", lambda: all((r["recording"] or {}).get("state") == "ready" for r in s.calls_of(i["id"])))
        s.stall()
        i = s.bring(data)[2]
        s.stands(i["id"])
        for attempt in (2, 3):
            s.kill()
            s.again()
            s.stall()
            wait_for(f"attempt {attempt}", lambda: (lambda x: x["state"] == "running" and x["attempts"] == attempt)(s.get(f"/imports/{i['id']}")))
        s.kill()
        s.again()
        now = s.over(i["id"])
        t.equal("not a fourth time", (now["state"], now["attempts"], "crashed 3 times" in now["error"], s.folder()), ("failed", 3, True, ["info"]))
        s.stall()
        queued = s.bring(data)[2]
        wait_for("it is read", lambda: s.get(f"/imports/{queued['id']}")["state"] == "running")
        s.kill()
        cap = os.path.join(s.data, "imports", queued["id"] + ".cap")
        os.truncate(cap, 1000)
        s.again()
        now = s.over(queued["id"])
        t.equal("half a file", (now["state"], "not whole" in now["error"]), ("failed", True))
        t.counter("whole it is read", s.brought(data)["state"] == "done")


@feature("R33", "earshot import: a file to the service, waited for, as words and as JSON; exit codes of what fails")
def command(t):
    data, path = capture(t, shifted(call(), -YEARS_AGO))
    with Importing(t) as s:
        said = t.run("import", "--url", s.url, "--wait", path).stdout
        id_ = re.match(r"import (\S+) is done: 1 calls and 0 others of", said)[1]
        t.equal("the line that lists them does", len(json.loads(t.run(*re.search(r"earshot (calls .*)", said)[1].split(), "--url", s.url, "--json").stdout.splitlines()[0])), len(s.calls_of(id_)) and
                len(s.get(f"/calls?import={id_}")["data"][0]))
        t.equal("under its own name", s.get(f"/imports/{id_}")["name"], os.path.basename(path))
        t.check("the same once more", "imported before" in t.run("import", "--url", s.url, path, code=1).stderr)
        half = t.path("half & half.pcap")
        with open(half, "wb") as f:
            f.write(data[:-20])
        told = json.loads(t.run("import", "--url", s.url, "--wait", "--json", half, code=3).stdout)
        t.equal("read in part, as JSON", (told["name"], told["partial"], told["calls"]), (os.path.basename(half), True, 1))
        t.check("no file", "cannot read" in t.run("import", "--url", s.url, "/nowhere.pcap", code=1).stderr)
        t.check("no capture", "no capture file" in t.run("import", "--url", s.url, s.conf, code=1).stderr)
        t.check("two of them", "one FILE" in t.run("import", path, path, code=2).stderr)
        t.counter("without --wait it is read already", json.loads(t.run("import", "--url", s.url, "--json", "--name", "other", shorter(t, data)).stdout)["state"] != "done")


def shorter(t, data):
    path = t.path()
    with open(path, "wb") as f:
        f.write(data[:-300])
    return path


def one(call_id, day, n=1):
    """A call of that day, counted from the one of the service's own calls."""
    return shifted(call(Dialog(a=f"10.2.{n}.1", b=f"10.2.{n}.2", call_id=call_id, branch="z9hG4bK" + call_id.replace("@", "")), voice=n == 1), day * 86400)


@feature("R33", "retention: what was imported ages since then; of a day that is too old what was captured goes and what was imported stays, with its recording; more than 64 days are left out")
def ages(t):
    days = sorted((p for n in range(70) for p in one(f"d{n}@test", n - 2000, n + 2)), key=lambda p: p.t)
    with Importing(t, "[retention]\ncalls = 30d\naudio_age = 30d\n") as s:
        same = s.brought(capture(t, one("same@test", 0))[0], "same-day.pcap")["id"]
        s.brought(capture(t, one("later@test", 2))[0], "later.pcap")  # the newest day always stays
        many_days = s.brought(capture(t, days)[0], "days.pcap")
        t.equal("a file of the database for 64 days, no more", (many_days["calls"], many_days["dropped"]["calls_of_other_days"]), (64, 6))
        recorded = wait_for("its recording", lambda: (lambda c: c if (c["recording"] or {}).get("state") == "ready" else None)(s.calls_of(same)[0]))
        own = s.get(f"/calls?{DAY}&source=capture")["data"]
    def kept(*options):
        return t.run("retention", "--config", s.conf, "--data", s.data, *options).stdout
    planned = [json.loads(line) for line in kept("--dry-run", "--json").splitlines() if line.startswith("{")]
    t.check("of days only the one with what was captured is named", [i["object"] for i in planned if str(i.get("object", "")).startswith("calls-")] == ["calls-20231114"])
    kept()
    def service():
        write(path := t.path(), frames([]))
        with open(s.log, "w") as log:
            s.process = subprocess.Popen([t.earshot, "run", "--config", s.conf, "--read", path, "--data", s.data], stdout=log, stderr=log)
        s.url = s.wait(lambda: re.search(r"look at (http\S*://\S+)/\s", open(s.log).read()))[1]
    with sqlite3.connect(os.path.join(s.data, "db", "calls-20231114.db")) as c:
        t.equal("what was captured has gone", (len(own), c.execute("SELECT count(*) FROM calls WHERE import_id IS NULL").fetchone(), c.execute("SELECT count(*) FROM calls").fetchone()), (2, (0,), (1,)))
    c.close()
    service()
    with s:
        stays = s.calls_of(same)
        t.equal("what was imported stays, with its recording", [(c["call_id"], c["recording"]["state"], c["recording"]["sha256"]) for c in stays],
                [("same@test", "ready", recorded["recording"]["sha256"])])
        t.equal("and those of five years ago", len(s.calls_of(many_days["id"])), 64)
    db = [os.path.join(s.data, "db", f) for f in os.listdir(os.path.join(s.data, "db")) if re.fullmatch(r"calls-\d+\.db", f)]
    for path in db: # as if all had been imported two months ago
        with sqlite3.connect(path) as c:
            c.execute("UPDATE calls SET imported_us = imported_us - 60 * 86400000000 WHERE import_id IS NOT NULL")
        c.close()
    kept()
    service()
    with s:
        t.counter("what was imported stays for ever", s.calls_of(same) == [] and s.calls_of(many_days["id"]) == [])


@feature("R33", "a trunk that was named through the API places the calls of what is brought from then on, for rules too")
def placed(t):
    brought = shifted(call(Dialog(b="192.0.2.1", call_id="p@test", branch="z9hG4bKp")), -YEARS_AGO)
    with Importing(t, "[places]\ninternal_networks = 10.0.0.0/8\n[rule away]\ntrunk = carrier_1\naction = skip\n") as s:
        def placed_as(data):
            c, = s.calls_of(s.brought(data)["id"])
            return c["trunk"], c["recording"]["rule"], c["recording"]["action"]
        before = placed_as(capture(t, brought)[0])
        t.equal("a trunk is made", s.ask("/trunks", "POST", {"name": "carrier_1", "peers": ["192.0.2.1"]})[0], 201)
        t.equal("its call, and the rule for it", placed_as(gzip.compress(capture(t, brought)[0])), ("carrier_1", "away", "skip"))
        t.counter("before it was named so too", before[:2] == (None, None))


CAPTURES = os.environ.get("CAPTURES", os.path.join(ROOT, "..", "shared", "captures"))
KINDS = ("call", "orphan", "page", "encrypted", "mgcp", "h323")


def foreign(t):
    """Captures that nobody here made, a few of each kind; without the folder those of the project alone."""
    reference = os.path.join(ROOT, "tests", "data", "reference")
    found = [os.path.join(reference, n) for n in ("dtmf.pcap", "loss10.pcap", "nat_rebind.pcap") if os.path.exists(os.path.join(reference, n))]
    for folder in ("sip-calls-udp", "sip-tcp", "codecs", "webrtc-ott", "fax-t38", "file-formats"):
        where = os.path.join(CAPTURES, folder)
        names = sorted(n for n in (os.listdir(where) if os.path.isdir(where) else ()) if re.search(r"\.(pcap|pcapng|cap)(\.gz)?$", n))
        found += [os.path.join(where, n) for n in names if os.path.getsize(os.path.join(where, n)) < 2 << 20][:4]
    return found


@feature("R33", "captures that others made become the calls of earshot read, field by field")
def others(t):
    count = 0
    with Importing(t) as s:
        for path in foreign(t):
            offline = t.read(path, code=None)
            with open(path, "rb") as f:
                data = f.read()
            status, _, got = s.bring(data, os.path.basename(path))
            if status != 202:
                t.check(f"{path}: {status} {got}, but it can be read", status in (409, 415) and not offline)
                continue
            i = s.over(got["id"])
            t.equal(f"{path}: calls", (i["state"], i["calls"] + i["others"]), ("done", len(offline)))
            mine = s.calls_of(i["id"], KINDS)
            t.equal(f"{path}: call by call", [d[:2] for d in differences(mine, offline)], [])
            count += len(mine)
        t.counter("there is nothing to compare", count > 0)
