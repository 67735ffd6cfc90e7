"""Attacks on the HTTP side by what stands in requests: X51 SQL, X54 log lines, X58 whose word a proxy's is, X56 response splitting, X60 ranges, X63 secrets."""
import json, os, re, socket, subprocess, urllib.parse

from access import Guarded, two_calls
from access_matrix import filled, raw, routes
from craft import *
from feature import feature
from messages import DAY

WIDE = "rate = 0\n"  # these ask much at once


def parameters(s):
    """{path: [names]} of what GET takes, as the description says."""
    text = s.ask("/openapi.yaml")[2].decode()
    found, path, reading = {}, None, False
    for line in text[text.index("\npaths:"):text.index("\ncomponents:")].splitlines():
        if re.fullmatch(r"  (/\S*):", line):
            path = line.strip().rstrip(":")
        elif re.fullmatch(r"    (get|put|post|delete):", line):
            reading = "get" in line
        elif reading and "in: query" in line:
            found.setdefault(path, []).append(re.search(r"name: ([^,]+)", line)[1])
    return found


# ---- X51

INJECTIONS = ["' OR '1'='1", "1; DROP TABLE calls--", "') UNION SELECT 1,2,3,password FROM accounts--", "1 OR 1=1", "%' OR 1=1 --", "\\' OR 1=1;--", "0x27", "sqlite_master",
              "id DESC, (SELECT hash FROM tokens)"]


@feature("X51", "SQL in every parameter of every route, in paths, bodies and in the headers of calls: values, and nothing else")
def sql(t):
    hostile = "x' OR '1'='1"
    d = Dialog(call_id="c3'--@test", from_user="a'b", a="10.0.2.1", b="10.0.2.2", branch="z9hG4bKq")
    packets = call(d, voice=False)
    packets = [replace(p, data=p.data.replace(b"User-Agent: craft", b"User-Agent: " + hostile.encode())) if p.kind == "sip" else p for p in packets]
    with Guarded(t, two_calls() + frames(packets), 3, WIDE) as s:
        mine = s.as_(s.first, f"/calls?{DAY}&limit=1000")["data"]
        t.equal("all of it", len(mine), 3)
        took = s.as_(s.first, f"/calls?{DAY}&user_agent__contains={urllib.parse.quote(hostile)}")["data"]
        t.equal("stored as it came", [(c["call_id"], c["from"]["user"], c["user_agent"]) for c in took], [("c3'--@test", "a'b", hostile)])
        t.equal("found by it", len(s.as_(s.first, f"/calls?{DAY}&call_id={urllib.parse.quote(d.call_id)}")["data"]), 1)
        tried = 0
        for path, names in parameters(s).items():
            if path.endswith(("/pcap", "/audio", "/video")):
                continue
            endless = "event=none&" if path.endswith("/events") else ""
            where = filled(path, mine[0]["uid"]).split("?")[0]
            for name in names:
                for text in INJECTIONS[:9 if path.endswith("/calls") else 3]:
                    span = DAY + "&" if "from" in names and name not in ("from", "to") else ""
                    status, _, got = s.ask(f"{where}?{endless}{span}{name}={urllib.parse.quote(text)}", token=s.first, root="")
                    tried += 1
                    t.check(f"{path} {name}={text}: {status} {got}", status in (200, 304, 400, 403, 404, 409, 410))
                    if status == 200 and path == "/api/v1/calls":
                        literally = text in hostile and name in ("user_agent__contains", "q")
                        t.equal(f"{name}={text} finds what it says and nothing else", [c["call_id"] for c in got["data"]], [d.call_id] if literally else [])
        t.check(f"{tried} were tried", tried > 300)
        for text in INJECTIONS:
            quoted = urllib.parse.quote(text, safe="")
            for path in (f"/calls/{quoted}", f"/recordings/{quoted}", f"/users/{quoted}", f"/tokens/{quoted}", f"/aors/{quoted}"):
                t.check(f"{path}", s.ask(path, token=s.first)[0] in (400, 404, 405))
            t.equal(f"a login as {text}", s.ask("/sessions", "POST", {"name": text, "password": text}, X_Forwarded_For="x")[0] in (401, 429), True)
            t.check("a tag", s.ask(f"/calls/{mine[0]['uid']}/tags", "PUT", {text: text}, token=s.first)[0] in (200, 400, 403))
        t.equal("all is still there", len(s.as_(s.first, f"/calls?{DAY}&limit=1000")["data"]), 3)
        t.check("the log is whole", "whole" in t.run("audit", "--verify", "--data", s.data).stdout)
        t.counter("a value finds what it names", len(s.as_(s.first, f"/calls?{DAY}&from_user=a%27b")["data"]) == 1 and len(s.as_(s.first, f"/calls?{DAY}&from_user=a")["data"]) == 0)


# ---- X58, X59: who says for whom he asks

def asked_from(s, source, lines, authorization):
    """The status of a request that comes from this address of the machine."""
    where = urllib.parse.urlsplit(s.url)
    with socket.create_connection((where.hostname, where.port), timeout=20, source_address=(source, 0)) as c:
        told = "".join(f"X-Forwarded-For: {x}\r\n" for x in lines)
        c.sendall(f"GET /api/v1/trunks HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n{told}Connection: close\r\n\r\n".encode())
        got = b""
        while b"\r\n" not in got:
            more = c.recv(4096)
            if not more:
                break
            got += more
    return int(got.split()[1]) if got else 0


@feature("X58", "only proxies that are named speak for others: what anybody else writes into X-Forwarded-For opens no door that its own address does not")
def forwarded(t):
    with Guarded(t, two_calls(), 2, "behind_proxy = yes\nproxies = 127.0.0.1, 10.0.0.0/8\n" + WIDE) as s:
        token, near = (s.as_(s.first, "/tokens", "POST", {"name": "x", "role": "viewer", "source_networks": n})["token"] for n in (["192.0.2.0/24"], ["127.0.0.2"]))
        for source, lines, wanted in (("127.0.0.1", ["192.0.2.1"], 200), ("127.0.0.1", ["192.0.2.1, 10.1.1.1"], 200), ("127.0.0.1", ["203.0.113.1, 192.0.2.1", "10.1.1.2, 10.1.1.1"], 200),
                                      ("127.0.0.1", ["192.0.2.1, 203.0.113.1, 10.1.1.1"], 403), ("127.0.0.1", ["192.0.2.1, x, 10.1.1.1"], 403), ("127.0.0.1", [f"192.0.2.{i}" for i in range(9)] + ["203.0.113.1"], 403),
                                      ("127.0.0.2", ["192.0.2.1"], 403), ("127.0.0.2", ["192.0.2.1, 127.0.0.1"], 403), ("127.0.0.2", ["127.0.0.1", "192.0.2.1"], 403), ("127.0.0.2", [], 403)):
            t.equal(f"{source} says {lines}", asked_from(s, source, lines, f"Bearer {token}"), wanted)
        t.equal("who is no proxy asks for himself, whatever he says", [asked_from(s, "127.0.0.2", lines, f"Bearer {near}") for lines in ([], ["203.0.113.1"])], [200, 200])
        refused = [r["address"] for r in s.as_(s.token("auditor"), "/audit?result=denied&limit=100")["data"]]
        t.equal("and it is he who stands in the audit log", (refused.count("127.0.0.2"), "192.0.2.1" in refused), (4, False))
    with Guarded(t, two_calls(), 2, "behind_proxy = yes\nproxies =\n") as s:
        token = s.as_(s.first, "/tokens", "POST", {"name": "x", "role": "viewer", "source_networks": ["192.0.2.0/24"]})["token"]
        t.equal("no proxies at all", asked_from(s, "127.0.0.1", ["192.0.2.1"], f"Bearer {token}"), 403)
    conf = t.path("wrong.conf")
    with open(conf, "w") as f:
        f.write("[api]\nproxies = proxy.example.com\n")
    wrong = subprocess.run([t.earshot, "--check-config", conf], capture_output=True, text=True)
    t.counter("names are no networks", wrong.returncode == 2 and "proxies" in wrong.stderr)


@feature("X59", "who guesses is known by his own address: another X-Forwarded-For each time does not help, unless a named proxy says so")
def guessing_behind(t):
    with Guarded(t, two_calls(), 2, "behind_proxy = yes\nproxies = 127.0.0.1\n" + WIDE) as s:
        def guesses(source):
            return {asked_from(s, source, [f"203.0.113.{i}"], f"Bearer esk_abcdefgh_{i:043}") for i in range(1, 131)}
        t.equal("an address of its own", guesses("127.0.0.2"), {401, 429})
        t.counter("a named proxy asks for many", guesses("127.0.0.1") == {401})


# ---- X54

@feature("X54", "line breaks, escapes and formats in names, paths and reasons: one event is one line, and none of it reaches a terminal")
def log_lines(t):
    evil = ["a\nb", "a\r\nINFO: all is well", "\x1b[2J\x1b[31mred", "%n%n%s%x", "\"}\n{\"level\":\"error\"", "\x00", "\x9b2J", "PRIORITY=0\nMESSAGE=x"]
    with Guarded(t, two_calls(), 2, WIDE) as s:
        for text in evil:
            s.ask("/sessions", "POST", {"name": text, "password": "x"}, token=None)
            s.ask("/calls?" + urllib.parse.urlencode({"q": text}), token=s.first)
            s.ask("/calls", token=s.first, X_Access_Reason=text.replace("\n", " ").replace("\r", " ").replace("\x00", ""))
        out = subprocess.run([s.earshot, "audit", "--data", s.data, "--limit", "1000"], capture_output=True).stdout
        lines = out.splitlines()
        rows = subprocess.run([s.earshot, "audit", "--data", s.data, "--limit", "1000", "--json"], capture_output=True, text=True).stdout.splitlines()
        t.check("one line each", len(rows) > 8 and all(json.loads(r)["id"] for r in rows) and len([line for line in lines if re.match(rb"\d+ \d{4}-", line)]) == len(lines))
        t.check("no control characters", not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", out))
        t.check("nor in the log", not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", open(s.log, "rb").read()))
        t.counter("nothing of it was kept", any("red" in json.loads(r)["object"] for r in rows))


# ---- X56

@feature("X56", "line breaks in paths, parameters, headers and names end up in no header of an answer")
def splitting(t):
    with Guarded(t, two_calls(), 2, WIDE) as s:
        uid = s.as_(s.first, f"/calls?{DAY}&call_id=c1@test")["data"][0]["uid"]
        evil = "%0d%0aX-Evil:%20yes%0d%0a%0d%0a<html>"
        tried = 0
        for path in ("/calls", f"/calls/{uid}", f"/calls/{uid}/pcap", f"/calls/{uid}/ladder", f"/calls/{uid}/messages/1", "/me", f"/calls/{uid}/recording"):
            for where in (f"{path}{evil}", f"{path}?x{evil}=1", f"{path}?limit={evil}", f"{path}?legs={evil}", f"{path}?cursor={evil}", f"{path}?format={evil}"):
                status, headers, _ = s.ask(where, token=s.first)
                tried += 1
                t.check(f"{where}: {headers}", "x-evil" not in headers and status < 500)
        for header in ("If-None-Match", "Range", "If-Range", "Origin", "Host", "Accept", "X-Access-Reason", "Cookie", "X-CSRF-Token", "X-Forwarded-For", "X-Request-Id"):
            status, headers, _ = s.ask(f"/calls/{uid}", token=s.first, **{header.replace("-", "_"): "a%0d%0aX-Evil: yes; a=\"b\\\" c"})
            t.check(f"{header}: {headers}", "x-evil" not in headers and status < 500)
        t.check("an obsolete line break", raw(s, f"GET /api/v1/calls HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\n X-Evil: yes\r\nConnection: close\r\n\r\n") in (200, 400))
        disposition = s.ask(f"/calls/{uid}/pcap?rtp=none", token=s.first)[1]["content-disposition"]
        t.counter("a name is not what it should be", disposition == f'attachment; filename="call-{uid}.pcap"')


# ---- X60

@feature("X60", "ranges of a recording: exact, at its ends, beyond them, nonsense; while it is deleted; not of another's")
def ranges(t):
    with Guarded(t, two_calls(), 2, WIDE) as s:
        uid = s.as_(s.first, f"/calls?{DAY}&call_id=c1@test")["data"][0]["uid"]
        recording = s.wait(lambda: (lambda r: r["id"] if r["state"] == "ready" else None)(s.as_(s.first, f"/calls/{uid}/recording")))
        path, listener = f"/recordings/{recording}/audio", s.token("listener")
        status, headers, whole = s.ask(path, token=listener)
        size, etag = len(whole), headers["etag"]
        t.equal("whole", (status, int(headers["content-length"]), headers["accept-ranges"]), (200, size, "bytes"))
        parts = {"0-0": (0, 1), "0-": (0, size), "10-19": (10, 20), f"{size - 1}-": (size - 1, size), f"{size - 5}-{size + 99}": (size - 5, size), "-1": (size - 1, size), "-5": (size - 5, size),
                 f"-{size}": (0, size), f"-{size + 1}": (0, size), "0-9223372036854775807": (0, size), "0-18446744073709551616": (0, size), " 3-4": (3, 5)}
        for text, (first, end) in parts.items():
            status, headers, got = s.ask(path, token=listener, Range=f"bytes={text}")
            t.equal(f"bytes={text}", (status, headers.get("content-range"), got == whole[first:end]), (206, f"bytes {first}-{end - 1}/{size}", True))
        for text in (f"{size}-", f"{size + 1}-", "9223372036854775807-", "9223372036854775808-", "18446744073709551616-", "-0"):
            status, headers, _ = s.ask(path, token=listener, Range=f"bytes={text}")
            t.equal(f"bytes={text}", (status, headers.get("content-range")), (416, f"bytes */{size}"))
        for text in ("bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=-1-", "bytes=1--2", "lines=0-1", "bytes 0-1", "bytes=0x0-0x1",
                     "bytes=+0-1", "bytes=0-1;2"):
            status, _, got = s.ask(path, token=listener, Range=text)
            t.equal(text[:30], (status, got == whole), (200, True))
        t.equal("if it is still the same", [s.ask(path, token=listener, Range="bytes=0-9", If_Range=e)[0] for e in (etag, '"other"', "W/" + etag, "Sat, 21 Nov 2026 10:00:00 GMT")], [206, 200, 200, 200])
        t.equal("the head", s.ask(path, "HEAD", token=listener, Range="bytes=0-9")[0], 200)
        t.equal("another's", s.ask(path, token=s.token("listener", limit={"number_prefixes": ["+43"]}), Range="bytes=0-9")[0], 404)
        c = s.connection()
        c.request("GET", "/api/v1" + path, headers={"Authorization": "Bearer " + listener, "Range": f"bytes=0-{size - 1}"})
        answer = c.getresponse()
        begin = answer.read(10)
        t.equal("deleted meanwhile", s.ask(f"/recordings/{recording}", "DELETE", token=s.first)[0], 200)
        t.check("what was begun is what was there", begin + answer.read() == whole)
        c.close()
        t.counter("it is there after all", s.ask(path, token=listener)[0] == 410)


# ---- X63

@feature("X63", "planted secrets are in no answer, file, log line, argument or dump: passwords, tokens, keys of the configuration, Digest responses")
def secrets(t):
    word, hep, digest = "plantedpassword77", "plantedhepkey78", "d1ge57d1ge57d1ge57d1ge57d1ge57ff"
    header = f'Authorization: Digest username="alice", realm="x", nonce="n", uri="sip:x", response="{digest}"\r\n'
    packets = [replace(p, data=p.data.replace(b"User-Agent:", header.encode() + b"User-Agent:", 1)) if p.kind == "sip" and not p.data.startswith(b"SIP/2.0") else p for p in call(Dialog())]
    with Guarded(t, frames(packets), 1, WIDE + f"[hep]\nauth_key = {hep}\n") as s:
        s.as_(s.first, "/users", "POST", {"name": "ann", "password": word, "role": "supervisor"})
        cookie, csrf = s.login("ann", word)
        token = s.token("supervisor")
        planted = {"password": word, "HEP key": hep, "Digest response": digest, "token": token.rsplit("_", 1)[1], "cookie": cookie}
        uid = s.as_(s.first, f"/calls?{DAY}&call_id=c1@test")["data"][0]["uid"]
        answers = b""
        for method, path in routes(s):
            if method == "GET" and not path.endswith(("/video", "/audio")):
                for who in ({"token": token}, {"token": s.first}, {}):
                    got = s.ask(filled(path, uid), root="", **who)
                    answers += repr(got[1]).encode() + (got[2] if isinstance(got[2], bytes) else json.dumps(got[2]).encode())
        t.check("something was answered", len(answers) > 20000 and uid.encode() in answers)
        answers += s.ask(f"/calls/{uid}/pcap?rtp=none", token=token)[2] + b"".join(s.ask(f"/calls/{uid}/messages/{n}", token=token)[2] for n in (1, 5))
        t.check("the header stands there", b"Digest username" in answers)
        with open(f"/proc/{s.process.pid}/cmdline", "rb") as f:
            arguments = f.read()
        with open(f"/proc/{s.process.pid}/limits") as f:
            t.check("no core", re.search(r"Max core file size +0 +0", f.read()))
        out = t.run("token", "list", "--data", s.data).stdout + t.run("audit", "--data", s.data, "--limit", "100000").stdout
        os.remove(s.conf)  # the one place where the key may stand
        files = s.files()
        for what, text in planted.items():
            for place, content in (("an answer", answers), ("the arguments", arguments), ("what commands print", out.encode()), ("the data and the log", files)):
                t.check(f"{what} in {place}", text.encode() not in content)
        t.counter("what is no secret is nowhere", b"alice" in answers and b"ann" in files and s.ask("/me", cookie=cookie)[0] == 200)
