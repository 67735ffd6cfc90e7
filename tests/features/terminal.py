"""The service from a terminal: earshot calls, call, top, export; completion of the shell."""
import csv, glob, hashlib, json, os, pty, re, select, struct, subprocess, time

from access import Guarded, two_calls
from craft import *
from feature import feature
from messages import DAY

FROM = ["--from", "2023-11-14T00:00:00Z"]
WHEN = [*FROM, "--to", "2023-11-17T00:00:00Z"]


@feature("L01", "earshot calls, call: who, when, how it sounded, what was wrong; by words as in the page; the ladder; as JSON; as who one is")
def calls_and_call(t):
    with Guarded(t, two_calls(), 2, "local = none\n") as s:
        def run(*words, token=s.first, code=0):
            env = {**os.environ, "EARSHOT_TOKEN": token} if token else {k: v for k, v in os.environ.items() if k != "EARSHOT_TOKEN"}
            done = subprocess.run([t.earshot, *words, "--url", s.url], capture_output=True, text=True, env=env, timeout=60)
            t.equal(f"{words}: {done.stderr}", done.returncode, code)
            return done.stdout if code == 0 else done.stderr
        lines = run("calls", *WHEN).splitlines()
        t.check(f"a line each under a head: {lines}", len(lines) == 3 and lines[0].split()[:3] == ["START", "CALLER", "CALLEE"] and all(n in "".join(lines) for n in ("+4930111", "+4319876")))
        def uids(*words):
            return [json.loads(line)["uid"] for line in run("calls", *WHEN, "--json", *words).splitlines()]
        both = uids()
        t.equal("words", [len(uids(w)) for w in ("+43 1", "10.0.1.1", "c1@test", "answered", "failed", "duration>3600", "has_recording=true", "kind:orphan")], [1, 1, 1, 2, 0, 0, 1, 0])
        t.equal("all must hold", uids("+43 1", "c1@test"), [])
        t.equal("so many", (len(uids("--limit", "1")), uids("--from", "2023-11-16T00:00:00Z")), (1, []))
        uid = uids("c1@test")[0]
        s.as_(s.first, f"/calls/{uid}/tags", "PUT", {"case": "47\x7e11"})
        s.as_(s.first, f"/calls/{uid}/annotations", "POST", {"text": "asks for\nthe manager", "at_ms": 1500})
        s.as_(s.first, f"/calls/{uid}/transcript", "PUT", {"segments": [{"text": "hello"}]})
        text = run("call", uid)
        t.check(f"what is attached: {text}", "Tag case: 47~11" in text and "There is a transcript." in text and "the manager (first start)" in text and "asks for\n" not in text and "hello" not in text)
        t.check(text, "+4930111 -> +4930222, answered" in text and "Call-ID c1@test" in text and "Recording: recorded" in text and "PCMU" in text)
        t.equal("as JSON", json.loads(run("call", uid, "--json"))["call_id"], "c1@test")
        ladder = run("call", uid, "--ladder")
        t.check(ladder, ladder.index("INVITE") < ladder.index("200 OK") < ladder.index("BYE"))
        t.equal("a token of a file", len(run("calls", *WHEN, "--token-file", write_token(t, s.first), token=None).splitlines()), 3)
        for words, said in ((("calls", "mos<x"), "mos<N"), (("calls", "--from", "soon"), "how long ago"), (("calls", "--limit", "0"), "1 to"), (("call", "x"), "UID"), (("top", "x"), "takes no"), (("calls", "--token-file", "/nowhere"), "/nowhere"),
                            (("calls", "--colour"), "--help")):
            t.check(f"{words}", said in run(*words, code=2))
        for words, said in ((("calls", "foo=bar"), "`foo` is not a parameter"), (("call", "00000000-0000-8000-8000-000000000000"), "no such call")):
            t.check(f"{words}", said in run(*words, code=1))
        t.check("to nobody without a token", "oken" in run("calls", token=None, code=1))
        limited = s.token("viewer", limit={"number_prefixes": ["+43"]})
        t.counter("who may see one call sees both", len(both) == 2 and len(run("calls", *WHEN, token=limited).splitlines()) == 2 and "scope" in run("call", uids("+43")[0], "--ladder", token=limited, code=1))
        done = subprocess.run([t.earshot, "calls", "--url", "http://192.0.2.1:1"], capture_output=True, text=True, env={**os.environ, "EARSHOT_TOKEN": s.first})
        t.check("no token in clear over a network", done.returncode == 2 and "https" in done.stderr)
        radio = t.path("radio.pcap")
        with open(radio, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 105) + struct.pack("<IIII", 1700000000, 0, 4, 4) + b"abcd")
        data = ("--data", f"{t.work}/none")
        for words, code, said in ((("read", radio), 0, "1 packets were not looked into"), (("read", "--workers", "x", radio), 2, "0 to 16"), (("read", "--key-log", "/nowhere", radio), 0, "cannot read the key log /nowhere"),
                                  (("run", "--exit", "--interface", "lo", *data), 2, "--read FILE"), (("--check-config", "/dev/null", radio), 2, "one file"), (("--document", "x"), 2, "settings, metrics"),
                                  (("token", "list", *data), 1, "cannot read the tokens"), (("token", "create", "--role", "viewer", "--scope", "audio", *data), 2, "leaves nothing")):
            t.check(f"{words}", said in t.run(*words, code=code).stderr)
        t.check("nor in any list of processes", all("--token " not in t.run(c, "--help").stdout for c in ("calls", "call", "top", "export", "import")))


def write_token(t, text):
    path = t.path("token")
    with open(path, "w") as f:
        f.write(text + "\n")
    return path


@feature("R07", "earshot export: calls, recordings and packets with hashes that sha256sum checks; what is not there is named; a folder that is there stays as it is")
def export(t):
    with Guarded(t, two_calls(), 2) as s:
        uid = s.as_(s.first, f"/calls?{DAY}&call_id=c1@test")["data"][0]["uid"]
        s.wait(lambda: s.as_(s.first, f"/calls/{uid}/recording")["state"] == "ready")
        to = t.path("export")
        told = json.loads(t.run("export", "--url", s.url, *FROM, "--before", "2023-11-17T00:00:00Z", "--to", to, "--audio", "--pcap", "--json").stdout)
        sums = dict(line.split("  ")[::-1] for line in open(f"{to}/SHA256SUMS").read().splitlines())
        t.equal("files", sorted(sums), sorted(os.path.basename(f) for f in glob.glob(f"{to}/*") if os.path.basename(f) not in ("SHA256SUMS", "missing.txt")))
        t.equal("told", (told["calls"], told["files"], told["more"]), (2, len(sums), False))
        t.equal("hashes", {n: hashlib.sha256(open(f"{to}/{n}", "rb").read()).hexdigest() for n in sums}, sums)
        t.equal("sha256sum agrees", subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=to, capture_output=True).returncode, 0)
        rows = list(csv.DictReader(open(f"{to}/calls.csv", newline="")))
        t.equal("a row each", sorted((r["call_id"], r["from_user"], r["outcome"]) for r in rows), [("c1@test", "+4930111", "answered"), ("c2@test", "+4312345", "answered")])
        t.equal("an object each", sorted(json.loads(line)["call_id"] for line in open(f"{to}/calls.ndjson")), ["c1@test", "c2@test"])
        sound, sha = open(f"{to}/{uid}.wav", "rb").read(), s.as_(s.first, f"/calls/{uid}/recording")["sha256"]
        t.equal("the recording as it was made", hashlib.sha256(sound).hexdigest(), sha)
        t.check("its packets", open(f"{to}/{uid}.pcap", "rb").read(4) in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d"))
        other = next(r["uid"] for r in rows if r["uid"] != uid)
        t.check(open(f"{to}/missing.txt").read(), f"{other} audio" in open(f"{to}/missing.txt").read() and uid not in open(f"{to}/missing.txt").read() and told["missing"] == 1)
        t.check("audited", {r["action"] for r in s.as_(s.token("auditor"), "/audit?limit=1000")["data"]} >= {"audio.read", "pcap.read"})
        t.check("a folder that is there", "cannot make" in t.run("export", "--url", s.url, "--to", to, code=1).stderr)
        t.check("no folder", "--to" in t.run("export", "--url", s.url, code=2).stderr)
        with open(f"{to}/{uid}.wav", "ab") as f:
            f.write(b"x")
        t.counter("a changed file passes", subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=to, capture_output=True).returncode != 0)


@feature("L01", "earshot top: once where there is no terminal; on one it refreshes, ends with q and gives the screen back")
def top(t):
    with Guarded(t, two_calls(), 2) as s:
        t.check("once", "0 calls in progress" in t.run("top", "--url", s.url).stdout)
        t.equal("as JSON", t.run("top", "--url", s.url, "--json").stdout, "")
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(t.earshot, [t.earshot, "top", "--url", s.url, "--interval", "1"])
        seen, asked, until = b"", False, time.monotonic() + 30
        while time.monotonic() < until:
            ready, _, _ = select.select([fd], [], [], 0.2)
            try:
                seen += os.read(fd, 65536) if ready else b""
            except OSError:  # its end of the terminal is closed
                break
            if seen.count(b"calls in progress") >= 2 and not asked:
                asked = os.write(fd, b"q") == 1
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        t.check(f"refreshed, ended, gave back: {seen[-200:]}", asked and os.waitstatus_to_exitcode(status) == 0 and seen.startswith(b"\x1b[?1049h") and seen.rstrip().endswith(b"\x1b[?1049l"))
        s.ask("/", token=s.first)
    t.counter("without a service it shows something", "no service answers" in t.run("top", "--url", s.url, code=1).stderr)


@feature("L01", "completion of the shell knows every command and option that --help knows")
def completion(t):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "completion", "earshot.bash")
    def complete(*words):
        text = f'source "{script}"; COMP_WORDS=({t.earshot} {" ".join(words[:-1])} "{words[-1]}"); COMP_CWORD={len(words)}; _earshot; printf "%s\\n" "${{COMPREPLY[@]}}"'
        return set(subprocess.run(["bash", "-c", text], capture_output=True, text=True).stdout.split())
    commands = set(re.findall(r"^  earshot ([a-z]+)", t.run("--help").stdout, re.M))
    t.check(f"commands: {commands}", commands >= {"read", "run", "calls", "call", "top", "export", "import", "token", "audit", "retention", "rebuild"} and complete("") >= commands)
    for command in commands:
        options = set(re.findall(r"^  (--[a-z-]+)", t.run(command, "--help").stdout, re.M))
        t.check(f"{command}: {options - complete(command, '--')}", options and options <= complete(command, "--"))
    t.equal("of what was begun", complete("cal"), {"calls", "call"})
    t.counter("what is none is offered", complete("calls", "--bogus") == set())
