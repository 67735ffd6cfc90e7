"""X57, X52, X55: connections that come slowly, in crowds or malformed; text of strangers that would like to be markup, or a command."""
import http.client, json, os, re, socket, subprocess, time

from craft import *
from feature import Failure, feature
from live_events import Fed, Watcher, answer, bye, dialog, invite
from service import wait_for
from webhooks import Hook
import confine

JSON_TYPE = "Content-Type: application/json\r\n"


def connect(s, source=None):
    c = socket.socket()
    if source:
        c.bind((source, 0))
    c.settimeout(60)
    c.connect(s.where)
    return c


def rest(c):
    """What comes until it is closed; None: it stays open."""
    got = b""
    try:
        while piece := c.recv(65536):
            got += piece
        return got
    except ConnectionError:
        return got
    except TimeoutError:
        return None


def raw(s, text, body=b"", method="POST", path="/api/v1/sessions", wait=60):
    """The status codes of all answers to what is sent so, and whether the connection was closed."""
    c = connect(s)
    head = f"{method} {path} HTTP/1.1\r\nHost: {s.where[0]}:{s.where[1]}\r\n{text}\r\n".encode()
    try:
        c.sendall(head + body)
    except OSError:
        pass  # it was refused ahead of its end
    c.settimeout(wait)
    got = b""
    try:
        while piece := c.recv(65536):
            got += piece
        closed = True
    except ConnectionError:
        closed = True
    except TimeoutError:
        closed = False
    c.close()
    return [int(n) for n in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)], closed


def is_well(s):
    begin = time.monotonic()
    status = s.ask("GET", "/healthz")[0]
    return status == 200 and time.monotonic() - begin < 5


@feature("X57", "heads a megabyte long, bodies too large, too deep or of two lengths, and a crowd of one address: each refused, the next one served, the capture goes on")
def crowds(t):
    with Fed(t) as s:
        hidden = f"GET /smuggled HTTP/1.1\r\nHost: {s.where[0]}:{s.where[1]}\r\n\r\n".encode()
        deep, large = b"[" * 30000, b'{"name":"' + b"a" * 40000 + b'"}'
        cases = {
            "a head of a megabyte": (("X: " + "a" * 1000000 + "\r\n", b"", "GET", "/healthz"), {431}),
            "an address of a megabyte": (("", b"", "GET", "/" + "a" * 1000000), {414}),
            "10,000 fields": (("Y: b\r\n" * 10000, b"", "GET", "/healthz"), {431}),
            "a body of 40 kB": ((f"{JSON_TYPE}Content-Length: {len(large)}\r\n", large), {413}),
            "a length beyond all numbers": ((f"{JSON_TYPE}Content-Length: 99999999999999999999999\r\n", b"{}"), {413}),
            "a length below nothing": ((f"{JSON_TYPE}Content-Length: -1\r\n", b"{}"), {400}),
            "a piece beyond all numbers": ((f"{JSON_TYPE}Transfer-Encoding: chunked\r\n", b"FFFFFFFFFFFFFFFFF\r\nabc\r\n"), {413}),
            "a piece of no number": ((f"{JSON_TYPE}Transfer-Encoding: chunked\r\n", b"-1\r\nabc\r\n"), {400}),
            "a length and pieces": ((f"{JSON_TYPE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + hidden), {400}),
            "pieces and a length": ((f"{JSON_TYPE}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + hidden), {400}),
            "two lengths": ((f"{JSON_TYPE}Content-Length: 2\r\nContent-Length: {len(hidden) + 2}\r\n", b"{}" + hidden), {400}),
            "two lengths, of nothing": (("Content-Length: 0\r\nContent-Length: 40\r\n", hidden, "GET", "/healthz"), {400}),
            "a length with a space in its name": ((f"{JSON_TYPE}Content-Length : 2\r\n", b"{}" + hidden), {400}),
        }
        for what, (given, wanted) in cases.items():
            statuses, closed = raw(s, *given)
            t.check(f"{what}: {statuses}, {'closed' if closed else 'open'}", set(statuses) <= wanted and closed)  # an answer ahead of the end of what is sent may be lost with it
        statuses, _ = raw(s, f"{JSON_TYPE}Connection: close\r\nContent-Length: {len(deep)}\r\n", deep)
        t.equal("30,000 brackets", statuses, [400])
        c = connect(s)
        c.sendall(f"GET /healthz HTTP/1.1\r\nHost: {s.where[0]}:{s.where[1]}\r\n\r\n".encode() * 49 +
                  f"GET /healthz HTTP/1.1\r\nHost: {s.where[0]}:{s.where[1]}\r\nConnection: close\r\n\r\n".encode())
        t.equal("50 requests at once", (rest(c) or b"").count(b"HTTP/1.1 200 "), 50)
        crowd = [connect(s, "127.0.0.7") for _ in range(140)]

        def open_ones():
            n = 0
            for c in crowd:
                c.setblocking(False)
                try:
                    n += c.recv(1) != b""
                except BlockingIOError:
                    n += 1
                except OSError:
                    pass
            return n

        wait_for("so many of one address", lambda: open_ones() <= 128)
        t.equal("and no fewer", open_ones(), 128)
        t.check("others are served", is_well(s))
        d = dialog(1)
        s.feed(invite(d, 0) + answer(d, 2) + bye(d, 10), 60)
        wait_for("the call's record", lambda: s.ask("GET", "/api/v1/calls?from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z")[2]["data"])
        for c in crowd:
            c.close()
        wait_for("there is room again", lambda: raw(s, "Connection: close\r\n", method="GET", path="/healthz")[0] == [200])
        t.counter("what is plain is refused as well", raw(s, f"{JSON_TYPE}Connection: close\r\nContent-Length: 2\r\n", b"{}")[0] == [400] and
                  raw(s, f"{JSON_TYPE}Connection: close\r\nTransfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n")[0] == [400] and
                  raw(s, "Connection: close\r\n", method="GET", path="/healthz")[0] == [200])


@feature("X57", "who sends a byte every two seconds, or nothing, is cut off; who asks in time is not")
def slowly(t):
    with Fed(t) as s:
        quiet, drips, patient = connect(s), [connect(s) for _ in range(3)], Watcher(s)
        text = f"GET /healthz HTTP/1.1\r\nHost: {s.where[0]}:{s.where[1]}\r\nX: ".encode() + b"a" * 1000
        cut, begin = [None] * len(drips), time.monotonic()
        for at in range(40):
            for n, c in enumerate(drips):
                try:
                    if cut[n] is None:
                        c.send(text[at:at + 1])
                        c.setblocking(False)
                        cut[n] = time.monotonic() - begin if c.recv(65536) == b"" else cut[n]
                except BlockingIOError:
                    pass
                except OSError:
                    cut[n] = time.monotonic() - begin
            if None not in cut:
                break
            if at % 5 == 0:
                t.check("others are served meanwhile", is_well(s))
            time.sleep(1)
        t.check(f"cut off after {cut}", None not in cut and min(cut) > 20)
        t.equal("who says nothing, too", rest(quiet) is not None, True)
        d = dialog(1)
        s.feed(invite(d, 0))
        t.counter("who only listens is cut off as well", patient.until("call.started") and not patient.ended)


# ---- X52

TAGS = '<img src=x onerror=alert(1)>'


@feature("X52", "markup in every place that people see: text in JSON, text in text, nosniff and a policy that loads nothing; the page has no script of its own inside")
def markup(t):
    d = Dialog(call_id="<script>alert(2)</script>@x", from_user="'onmouseover=1", branch="z9hG4bK<b>")
    hostile = {b'"Alice"': b'"' + TAGS.encode() + b'"', b"User-Agent: craft": b"User-Agent: <svg onload=alert(3)>", b"s=-": b"s=<iframe src=x>",
               b"application/sdp": b"application/sdp;x=\"</script><script>alert(4)</script>\""}
    more = "Reason: SIP;cause=200;text=\"</textarea><script>alert(5)</script>\"\r\nAuthorization: Digest username=\"<b onclick=alert(6)>\", realm=\"x\"\r\n"

    def bad(data):
        for a, b in hostile.items():
            data = data.replace(a, b)
        head, _, body = data.partition(b"\r\n\r\n")
        head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head)
        return head + b"\r\n" + more.encode() + b"\r\n" + body

    with Fed(t) as s:
        w = Watcher(s)
        packets = [replace(p, data=bad(p.data)) if p.kind == "sip" else p for p in call(d, 5.0)]
        s.feed(packets, 60)
        told = w.until("call.ended")[0][2]["call"]
        t.equal("in an event", (told["from"]["display"], told["user_agent"], told["call_id"]), (TAGS, "<svg onload=alert(3)>", d.call_id))
        wait_for("the record", lambda: (s.ask("GET", f"/api/v1/calls/{told['uid']}")[2] or {}).get("messages"))
        uid, seen = told["uid"], b""
        for path in (f"/api/v1/calls?from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z", f"/api/v1/calls/{uid}", f"/api/v1/calls/{uid}/messages", f"/api/v1/calls/{uid}/messages/1",
                     f"/api/v1/calls/{uid}/ladder", f"/api/v1/calls/{uid}/ladder?format=text", f"/api/v1/calls/{uid}/messages/2/diff?with=1&format=text", f"/api/v1/calls/{uid}/legs",
                     f"/api/v1/calls/{uid}/dtmf", "/api/v1/live/calls", "/api/v1/user-agents", "/api/v1/stats/topology?from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z",
                     f"/api/v1/calls/%3Cscript%3E", f"/api/v1/calls?q=%3Cscript%3E&{TAGS.replace(' ', '%20')}=1", "/metrics"):
            c = http.client.HTTPConnection(*s.where, timeout=20)
            c.request("GET", path)
            got = c.getresponse()
            text = got.read()
            kind = got.headers["Content-Type"]
            t.check(f"{path}: {kind}", re.match(r"application/(problem\+)?json|text/plain", kind))
            t.equal(f"{path}: nothing is sniffed or loaded", (got.headers["X-Content-Type-Options"], got.headers["Content-Security-Policy"]),
                    ("nosniff", "default-src 'none'; frame-ancestors 'none'"))
            if "json" in kind:
                json.loads(text)
            seen += text
            c.close()
        t.check("what came is in the answers, as it came", all(x in seen for x in (b"alert(1)", b"alert(2)", b"alert(3)", b"alert(5)")))
        attachment = s.ask("HEAD", f"/api/v1/calls/{uid}/pcap?rtp=none")[1]
        t.equal("the name of a file is ours", attachment["Content-Disposition"], f'attachment; filename="call-{uid}.pcap"')
        page = s.fetch("/")
        c = http.client.HTTPConnection(*s.where, timeout=20)
        c.request("GET", "/")
        policy = c.getresponse().headers["Content-Security-Policy"]
        t.check(f"the page loads what is its own: {policy}", policy.startswith("default-src 'self';") and "unsafe" not in policy and "object-src 'none'" in policy)
        t.check("no script stands in the document", re.findall(r"<script(?![^>]*\ssrc=)", page) == [] and not re.search(r"\son\w+\s*=", page))
        with Fed(t) as plain:
            x = Watcher(plain)
            plain.feed(call(Dialog(), 5.0), 60)
            t.counter("a harmless caller has markup", "<" not in json.dumps(x.until("call.ended")[0][2]))


# ---- X55

SHELL = ["$(touch {0}1)", "`touch {0}2`", "; touch {0}3 ;", "| touch {0}4", "&& touch {0}5", "x' ; touch {0}6 ; '", "\" ; touch {0}7 ; \"", "-rf", "%n%s", "${{IFS}}touch${{IFS}}{0}8"]
STARTERS = ("system", "popen", "execl", "execlp", "execle", "execv", "execvp", "execvpe", "execveat", "fexecve", "wordexp", "posix_spawnp", "fork", "vfork")


def names_of_children(pid):
    found = [confine.status(int(n)) for n in os.listdir("/proc") if n.isdigit()]
    return {s["Name"] for s in found if s.get("PPid") == str(pid)}


def imports(program):
    """Names of functions that it has of the system's libraries."""
    out = subprocess.run(["nm", "-D", "--undefined-only", program], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


@feature("X55", "what callers send is never part of a command: hostile names in records, files and webhooks; the program has no way to a shell, and starts nothing but what decodes")
def commands(t):
    hook, marker = Hook(), os.path.join(t.work, "marker")
    names = [text.format(marker) for text in SHELL]
    with Fed(t, "[recording]\ndefault = record\nname = {caller}-{callee}\n"
                f"[webhook]\nurl = http://127.0.0.1:{hook.port}/\nevents = started, ended\n") as s:
        packets, children = [], set()
        for n, name in enumerate(names):
            d = dialog(n, from_user=f"u{n}$(touch${{IFS}}{marker})", to_user=f"v{n}")
            for p in call(d, 1.0, 4000 + 10 * n, 6000 + 10 * n):
                data = p.data
                if p.kind == "sip":
                    data = data.replace(b'"Alice"', b'"' + name.replace('"', '\\"').encode() + b'"').replace(b"User-Agent: craft", b"User-Agent: " + name.encode())
                packets.append(replace(p, data=data, t=p.t + n * 4))
        s.feed(packets, 60)

        def rendered():
            children.update(names_of_children(s.process.pid))
            rows = s.get("/api/v1/calls?from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z")["data"]
            return rows if len(rows) == len(names) and all((r["recording"] or {}).get("state") == "ready" for r in rows) else None

        rows = wait_for("all are recorded", rendered)
        wait_for("all is told", lambda: hook.events().count("call.ended") == len(names))
        t.equal("stored as they came", sorted(r["user_agent"] for r in rows), sorted(name.strip() for name in names))
        told = [json.loads(body)["call"]["from"]["display"].replace('\\"', '"') for *_, body in hook.got]
        t.equal("told as they came", sorted(set(told) ^ set(names)), [])
        t.check("nothing was run", not [f for f in os.listdir(t.work) if f.startswith("marker")])
        t.check(f"what was started: {children}", children <= {"decoder", "earshot-decoder"})
    there = imports(t.earshot)
    t.equal("ways to start a program by its name or by a shell", sorted(there & set(STARTERS)), [])
    t.counter("a program that can is known by that", imports("/bin/sh") & set(STARTERS) != set() and "posix_spawn" in there)
