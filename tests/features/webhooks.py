"""I14: another program is told of calls while they happen, and attaches what it knows of them."""
import hashlib, hmac, http.server, json, os, socket, ssl, subprocess, threading, time, urllib.error, urllib.request

from craft import *
from description import Description
from feature import Failure, feature
from findings import EVIL, PBX, message
from service import Service, in_namespace, play, wait_for

ENDS = ("10.0.0.1", "10.0.0.2")
SECRET = b"screen pop 4711"
HOOK_KEYS = {"event", "id", "time", "probe", "call"}


class Hook:
    """A program that is told: keeps what came with its time, answers with the statuses of `answers`, then with 204."""

    def __init__(self, answers=(), tls=None, headers=(), port=0):
        self.got, self.answers = [], list(answers)
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = hook.answers.pop(0) if hook.answers else 204
                hook.got.append((time.monotonic(), status, self.path, dict(self.headers), body))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self, taken=True):
        return [json.loads(b)["event"] for _, status, _, _, b in self.got if not taken or status < 300]

    def body(self, event):
        return next(json.loads(b) for _, _, _, _, b in self.got if json.loads(b)["event"] == event)

    def at(self, event):
        return next(when for when, _, _, _, b in self.got if json.loads(b)["event"] == event)


def short_call(answer=True):
    """INVITE, ringing at once, answered after 0.5 s, over after 1.2 s."""
    d = Dialog(from_user="03012345", to_user="+4940777")
    steps = [(0, True, d.request("INVITE", 1, sdp(d.a, 4000))), (0.05, False, d.response(180, "Ringing", "INVITE", 1))]
    if answer:
        steps += [(0.5, False, d.response(200, "OK", "INVITE", 1, sdp(d.b, 6000))), (0.52, True, d.request("ACK", 1)),
                  (1.2, True, d.request("BYE", 2)), (1.21, False, d.response(200, "OK", "BYE", 2))]
    return [Packet(START + at, *((d.a, 5060, d.b, 5060) if forth else (d.b, 5060, d.a, 5060)), text, kind="sip") for at, forth, text in steps]


def secret_file(t, mode=0o600):
    path = t.path("secret")
    with open(path, "wb") as f:
        f.write(SECRET + b"\n")
    os.chmod(path, mode)
    return path


def config(hook, more="", scheme="http", host="127.0.0.1", sections=""):
    return f"[numbers]\ncountry_code = 49\n{sections}\n[webhook]\nurl = {scheme}://{host}:{hook.port}/hook\n{more}\n"


def put(s, uid, tags):
    request = urllib.request.Request(f"{s.url}/api/v1/calls/{uid}/tags", method="PUT", data=json.dumps(tags).encode(),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def addresses():
    for address in ENDS:
        subprocess.run(["ip", "addr", "add", address + "/32", "dev", "lo"], check=True)


class Again(Service):
    """Another run over what an earlier one has stored."""

    def __init__(self, t, before):
        self.log = before.log + ".again"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([t.earshot, "run", "--config", os.path.join(os.path.dirname(before.log), "conf"), "--data",
                                             os.path.join(os.path.dirname(before.log), "data"), "--interface", "lo"],
                                            stdin=subprocess.DEVNULL, stderr=log)
        self.url = wait_for("earshot listens", self._listens)


@feature("I14", "webhooks while a call is set up, within a second of the INVITE, signed, with numbers and tags; tags of live and stored calls")
@in_namespace
def screen_pop(t):
    addresses()
    hook = Hook()
    with Service(t, "lo", config(hook, f"events = started, ringing, answered, ended\nsecret_file = {secret_file(t)}")) as s:
        begin = time.monotonic()
        player = threading.Thread(target=play, args=(short_call(),))
        player.start()
        wait_for("ringing is told", lambda: "call.ringing" in hook.events())
        uid = hook.body("call.ringing")["call"]["uid"]
        t.equal("tags of a call that rings", put(s, uid, {"customer": "4711", "name": "Müller"}), {"customer": "4711", "name": "Müller"})
        t.equal("shown in the live view", s.get(f"/api/v1/live/calls/{uid}")["tags"]["customer"], "4711")
        player.join()
        wait_for("the end is told", lambda: "call.ended" in hook.events())
        t.equal("each once, in their order", hook.events(), ["call.started", "call.ringing", "call.answered", "call.ended"])
        t.check(f"started {hook.at('call.started') - begin:.2f} s after the INVITE", hook.at("call.started") - begin < 1)
        t.check(f"ringing {hook.at('call.ringing') - begin:.2f} s after the INVITE", hook.at("call.ringing") - begin < 1)
        told(t, hook)
        r = s.records()[0]
        t.equal("the stored call has the tags", r["tags"], {"customer": "4711", "name": "Müller"})
        t.equal("it is found by them", [c["uid"] for c in s.get("/api/v1/calls?tag=customer:4711")["data"]], [uid])
        t.equal("not by others", s.get("/api/v1/calls?tag=customer:4712")["data"], [])
        t.equal("delivered", s.counter('earshot_webhooks_total{result="delivered"}'), 4)
        put(s, uid, {"customer": "0815"})
        t.equal("replaced after the call", s.get(f"/api/v1/calls/{uid}")["tags"], {"customer": "0815"})
    with Again(t, s) as again:
        t.equal("kept over a restart", again.get(f"/api/v1/calls/{uid}")["tags"], {"customer": "0815"})
        t.counter("a call has tags that nobody gave it", "tags" in again.get(f"/api/v1/calls/{uid}") and again.get("/api/v1/calls?tag=name:M%C3%BCller")["data"] == [])


def told(t, hook):
    """What stands in them."""
    ringing, answered, ended = (hook.body(f"call.{x}") for x in ("ringing", "answered", "ended"))
    t.equal("fields", set(ringing), HOOK_KEYS)
    t.equal("who calls, as sent and as E.164", (ringing["call"]["from"]["user"], ringing["call"]["from"]["number"]), ("03012345", "+493012345"))
    t.equal("whom", ringing["call"]["to"]["number"], "+4940777")
    t.equal("the event's id", ringing["id"], ringing["call"]["uid"] + "/ringing")
    t.equal("its time", ringing["time"], ringing["call"]["ringing_at"])
    t.equal("tags as of then", (ringing["call"]["tags"], answered["call"]["tags"]["customer"]), ({}, "4711"))
    t.equal("how it ended", (ended["call"]["outcome"], ended["call"]["end_reason"], ended["call"]["sip_code"]), ("answered", "bye", 200))
    for _, _, path, headers, body in hook.got:
        wanted = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        t.equal("signature, event and type", (path, headers["X-Earshot-Signature"], headers["X-Earshot-Event"], headers["Content-Type"]),
                ("/hook", wanted, json.loads(body)["event"], "application/json"))


@feature("I14", "webhooks: what does not arrive is tried again in order, what is refused is not; no redirect is followed, certificates are checked")
@in_namespace
def trouble(t):
    addresses()
    busy = Hook(answers=[500, 503])
    with Service(t, "lo", config(busy, "events = ringing, ended")) as s:
        play(short_call(answer=False)[:2])
        play([Packet(p.t, p.src, p.sport, p.dst, p.dport, p.data, kind="sip") for p in cancelled()])
        wait_for("both arrive", lambda: len(busy.events()) == 2)
        t.equal("in order, after retries", (busy.events(), len(busy.got)), (["call.ringing", "call.ended"], 4))
        t.equal("retries", s.counter("earshot_webhook_retries_total"), 2)
        t.counter("unsigned without a secret", "X-Earshot-Signature" not in busy.got[0][3])
    elsewhere = Hook()
    moved = Hook(answers=[307], headers=[("Location", f"http://127.0.0.1:{elsewhere.port}/other")])
    with Service(t, "lo", config(moved, "events = ringing")) as s:
        play(short_call()[:2])
        s.has('earshot_webhooks_total{result="refused"}', 1)
        t.equal("nobody else is asked", (len(moved.got), elsewhere.got), (1, []))
    certificate = own_certificate(t)
    hook = Hook(tls=certificate)
    with Service(t, "lo", config(hook, f"events = ringing\nca_file = {certificate[0]}", "https", "localhost")) as s:
        play(short_call()[:2])
        s.has('earshot_webhooks_total{result="delivered"}', 1)
        t.equal("over TLS", hook.events(), ["call.ringing"])
    with Service(t, "lo", config(hook, "events = ringing\nretry_for = 100ms", "https", "localhost")) as s:
        play(short_call()[:2])
        s.has('earshot_webhooks_total{result="expired"}', 1)
        t.counter("a certificate that nobody vouches for is taken", hook.events() == ["call.ringing"])


def cancelled():
    d = Dialog(from_user="03012345", to_user="+4940777")
    steps = [(0, True, d.request("CANCEL", 1, to_tag="", branch="z9hG4bK1INVITE")), (0.01, False, d.response(200, "OK", "CANCEL", 1, branch="z9hG4bK1INVITE")),
             (0.02, False, d.response(487, "Request Terminated", "INVITE", 1)), (0.03, True, d.request("ACK", 1, branch="z9hG4bK1INVITE"))]
    return [Packet(START + at, *((d.a, 5060, d.b, 5060) if forth else (d.b, 5060, d.a, 5060)), text, kind="sip") for at, forth, text in steps]


def own_certificate(t):
    key, certificate = t.path("key"), t.path("pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@feature("I14", "webhooks: an address, a secret or events that are not safe or not there are refused with the setting's name")
def refused(t):
    for lines, word in (("url = ftp://127.0.0.1/", "url"), ("url = http://user@127.0.0.1/", "url"), ("url = http://192.0.2.1/", "clear text"),
                        ("url = https://crm.example/\nevents = ringing, hold", "hold"), ("url = https://", "url"), ("timeout = 2min", "timeout")):
        path = t.path("conf")
        with open(path, "w") as f:
            f.write(f"[webhook]\n{lines}\n")
        out = t.run("--check-config", path, code=2)
        t.check(f"{lines!r} is refused by name: {out.stderr[-200:]}", word in out.stderr)
    path = t.path("conf")
    with open(path, "w") as f:
        f.write("[webhook]\nurl = http://192.0.2.1/\nclear_text = yes\nevents = started\n")
    t.counter("clear text is refused even where it is allowed", t.run("--check-config", path).returncode == 0)
    with open(path, "w") as f:
        f.write(f"[api]\nport = 0\n[webhook]\nurl = http://127.0.0.1:9/\nsecret_file = {secret_file(t, 0o644)}\n")
    pcap = t.path()
    write(pcap, frames(call()))
    out = t.run("run", "--config", path, "--data", t.path("data"), "--read", pcap, code=1)
    t.check(f"a secret that everybody can read: {out.stderr[-200:]}", "secret_file" in out.stderr)


def steps(d, at, *messages):
    """(seconds after `at`, from the caller?, text) as packets."""
    return [Packet(START + at + s, *((d.a, 5060, d.b, 5060) if forth else (d.b, 5060, d.a, 5060)), text, kind="sip") for s, forth, text in messages]


def challenged_bye(at):
    """The BYE after 1 s is asked for credentials, the one after 8 s counts."""
    d = Dialog(call_id="challenged@test")
    return steps(d, at, (0, True, d.request("INVITE", 1, sdp(d.a, 4000))), (0.1, False, d.response(200, "OK", "INVITE", 1, sdp(d.b, 6000))),
                 (0.2, True, d.request("ACK", 1)), (1, True, d.request("BYE", 2)), (1.1, False, d.response(401, "Unauthorized", "BYE", 2)),
                 (8, True, d.request("BYE", 3, branch="z9hG4bK2BYE")), (8.1, False, d.response(200, "OK", "BYE", 3, branch="z9hG4bK2BYE")))


def tried_again(at, code, reason, again=True):
    """Refused after 0.1 s; a second INVITE of the same call after 0.2 s is answered, the call is over after 5 s."""
    d = Dialog(call_id=f"{code}@test", from_tag=f"f{code}")
    first = [(0, True, d.request("INVITE", 1, sdp(d.a, 4000))), (0.1, False, d.response(code, reason, "INVITE", 1)), (0.12, True, d.request("ACK", 1, branch=d.branch + "INVITE"))]
    d.to_tag = "tt2"
    second = [(0.2, True, d.request("INVITE", 2, sdp(d.a, 4000), branch="z9hG4bK2INVITE")),
              (0.5, False, d.response(200, "OK", "INVITE", 2, sdp(d.b, 6000), branch="z9hG4bK2INVITE")), (0.52, True, d.request("ACK", 2)),
              (5, True, d.request("BYE", 3)), (5.1, False, d.response(200, "OK", "BYE", 3))]
    return steps(d, at, *first, *(second if again else []))


@feature("I14", "webhooks: an end that is taken back is not told; the real one is, once, with its outcome")
@in_namespace
def taken_back(t):
    """In packet time, so that the order of events does not hang on the machine: a call that begins later marks the moment."""
    hook = Hook()
    d = Dialog(call_id="mark@test", from_tag="m")
    mark = steps(d, 4, (0, True, d.request("INVITE", 1, sdp(d.a, 4100))))
    refusals = {302: "Moved Temporarily", 422: "Session Interval Too Small", 488: "Not Acceptable Here", 491: "Request Pending"}
    packets = challenged_bye(0) + mark + tried_again(0, 486, "Busy Here", again=False)
    packets += sum((tried_again(0, code, reason) for code, reason in refusals.items()), [])
    pcap = t.path()
    write(pcap, frames(sorted(packets, key=lambda p: p.t)))
    with open(pcap, "rb") as file, Service(t, None, config(hook, "events = started, ended"), stdin=file) as s:
        ends = wait_for("all ends are told", lambda: ended_calls(hook, 7))
        t.equal("each call ends once", sorted(ends), ["302@test", "422@test", "486@test", "488@test", "491@test", "challenged@test", "mark@test"])
        t.equal("an end is told once", len(hook.events()), 14)
        for code in refusals:
            t.equal(f"what became of the call that first got {code}", outcome(ends[f"{code}@test"]), ("answered", "bye", 200, 4500))
        t.equal("the BYE that counted", outcome(ends["challenged@test"]), ("answered", "bye", 200, 7900))
        t.equal("its time", ends["challenged@test"]["ended_at"][-10:], "28.000000Z")
        order = [(json.loads(b)["event"], json.loads(b)["call"]["call_id"]) for *_, b in hook.got]
        begun = order.index(("call.started", "mark@test"))
        t.check("nothing is told when the end is not the end", all(order.index(("call.ended", c)) > begun for c in ("challenged@test", *(f"{c}@test" for c in refusals))))
        t.counter("a refusal that stands is told before that", order.index(("call.ended", "486@test")) < begun)
        t.equal("what it came to", outcome(ends["486@test"]), ("busy", "rejected", 486, None))


def ended_calls(hook, count):
    ends = [json.loads(b)["call"] for *_, b in hook.got if json.loads(b)["event"] == "call.ended"]
    return {c["call_id"]: c for c in ends} if len(ends) >= count else None


def outcome(call):
    return call["outcome"], call["end_reason"], call["sip_code"], call["duration_ms"]


class Nobody:
    """A port at which nobody listens."""

    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]


def kept(s):
    """Letters in the file, and its size."""
    with open(os.path.join(os.path.dirname(s.log), "data", "webhooks", "queue"), "rb") as f:
        content = f.read()
    return content.count(b'{"event":"'), len(content)


def waits(s):
    return s.counter('earshot_queue_depth{queue="webhooks"}')


@feature("I14", "webhooks: a receiver that is down gets all of it once it is up, once and in order per call, over a crash and a restart")
@in_namespace
def down(t):
    nobody, names = Nobody(), [f"d{n}@test" for n in range(6)]
    told = ["call.started", "call.ringing", "call.answered", "call.ended"]
    packets = []
    for n, name in enumerate(names):
        packets += call(Dialog(call_id=name, from_tag=f"f{n}", to_tag=f"t{n}", branch=f"z9hG4bKd{n}"), 1.0, 4000 + 4 * n, 6000 + 4 * n, voice=False, start=START + n / 10)
    pcap = t.path()
    write(pcap, frames(sorted(packets, key=lambda p: p.t)))
    more = f"events = started, ringing, answered, ended\nsecret_file = {secret_file(t)}"
    with open(pcap, "rb") as file:
        crashed = Service(t, None, config(nobody, more), stdin=file)
    try:
        wait_for("all are on the disk", lambda: kept(crashed)[0] == 24)
        t.equal("all wait", (waits(crashed), crashed.counter("earshot_webhooks_total")), (24, 0))
    finally:
        crashed.process.kill()
        crashed.process.wait()
    with Again(t, crashed) as still:
        t.equal("they wait again", waits(still), 24)
        wait_for("it is tried", lambda: still.counter("earshot_webhook_retries_total") >= 1)
    hook = Hook(port=nobody.port)
    with Again(t, crashed) as up:
        up.has('earshot_webhooks_total{result="delivered"}', 24)
        wait_for("nothing is left on the disk", lambda: kept(up) == (0, 8))
        t.equal("nothing was given up", up.counter("earshot_webhooks_total"), 24)
        for name in names:
            of_call = [json.loads(b) for *_, b in hook.got if json.loads(b)["call"]["call_id"] == name]
            t.equal(f"{name}: each once, in order", [e["event"] for e in of_call], told)
        t.equal("signed", all(h["X-Earshot-Signature"] == "sha256=" + hmac.new(SECRET, b, hashlib.sha256).hexdigest() for *_, h, b in hook.got), True)
        t.equal("what was known then is in it", {json.loads(b)["call"]["outcome"] for *_, b in hook.got if b'"call.ended"' in b}, {"answered"})
        times = {json.loads(b)["time"] for *_, b in hook.got if b'"call.started"' in b}
        t.equal("with the time at which it happened", len(times), 6)
    with Again(t, crashed) as later:
        t.counter("they come again", waits(later) == 0 and len(hook.got) == 24)


@feature("I14", "webhooks: the queue is bounded; the oldest go, and what is not delivered is counted by its reason")
@in_namespace
def dead_letters(t):
    nobody = Nobody()
    packets = sum((call(Dialog(call_id=f"b{n}@test", from_tag=f"f{n}", to_tag=f"t{n}", branch=f"z9hG4bKb{n}"), 1.0, 4000 + 4 * n, 6000 + 4 * n, voice=False, start=START + n / 10)
                   for n in range(6)), [])
    pcap = t.path()
    write(pcap, frames(sorted(packets, key=lambda p: p.t)))
    with open(pcap, "rb") as file:
        s = Service(t, None, config(nobody, "events = ended", sections="[limits]\nwebhooks = 2"), stdin=file)
    with s:
        wait_for("two are on the disk", lambda: waits(s) in (2, 3) and kept(s)[0] >= 2 and s.counter('earshot_webhooks_total{result="dropped"}') >= 3)
        t.equal("all are accounted for", waits(s) + s.counter('earshot_webhooks_total{result="dropped"}'), 6)
        t.check("and it is said once", s.said().count("[limits] webhooks") == 1)
    hook = Hook(port=nobody.port, answers=[400])
    with Again(t, s) as up:
        wait_for("one is refused, the other taken", lambda: len(hook.got) >= 2)
        up.has('earshot_webhooks_total{result="refused"}', 1)
        names = [json.loads(b)["call"]["call_id"] for *_, b in hook.got]
        t.equal("the newest", names[-2:], ["b4@test", "b5@test"])
        t.counter("the refused one comes again", len(set(names)) == len(names))


def recorded_call(start):
    """Answered, with two seconds of sound, paused by the caller's software on its way; and a scanner beside it."""
    scan = message(f"OPTIONS sip:100@{PBX} SIP/2.0", agent="friendly-scanner")
    d = Dialog()
    talk = call(d, 2.0, start=start)
    info = d.request("INFO", 3, headers="X-Record-Control: pause\r\n")
    return talk + [Packet(start + 2, d.a, 5060, d.b, 5060, info, kind="sip"), Packet(start + 0.5, EVIL, 5060, PBX, 5060, scan, kind="sip")]


@feature("R20", "webhooks on start, answer, end, pause, a recording that is there, an alert: after a crash, in order, once, signed")
@in_namespace
def all_kinds(t):
    nobody = Nobody()
    told = ["call.started", "call.answered", "call.paused", "call.ended", "call.recorded"]
    pcap = t.path()
    write(pcap, frames(sorted(recorded_call(time.time() - 60), key=lambda p: p.t)))
    more = f"events = started, answered, ended, paused, recorded, alert\nsecret_file = {secret_file(t)}"
    sections = "[recording]\ndefault = record\n[pause]\nsip_from = caller\n"
    with open(pcap, "rb") as file:
        crashed = Service(t, None, config(nobody, more, sections=sections), stdin=file)
    try:
        wait_for("all are on the disk", lambda: kept(crashed)[0] == 6)
    finally:
        crashed.process.kill()
        crashed.process.wait()
    hook = Hook(port=nobody.port)
    with Again(t, crashed) as up:
        up.has('earshot_webhooks_total{result="delivered"}', 6)
        got = [json.loads(b) for *_, b in hook.got]
        t.equal("of the call, in order, each once", [e["event"] for e in got if "call" in e], told)
        t.equal("signed", all(h["X-Earshot-Signature"] == "sha256=" + hmac.new(SECRET, b, hashlib.sha256).hexdigest() for *_, h, b in hook.got), True)
        recording = hook.body("call.recorded")["call"]["recording"]
        with urllib.request.urlopen(up.url + recording["url"], timeout=10) as sound:
            t.equal("the file is the one that was told", hashlib.sha256(sound.read()).hexdigest(), recording["sha256"])
        alert, = (e for e in got if e["event"] == "alert")
        finding, = up.get("/api/v1/findings")["data"]
        t.equal("the alert is the finding", (alert["finding"]["detector"], alert["finding"]["src_ip"], alert["id"].split("/")[0]), ("scanner", EVIL, finding["uid"]))
        t.counter("an alert has a call", "call" not in alert and "tags" not in alert)
    quiet = Hook()
    with open(pcap, "rb") as file, Service(t, None, config(quiet, "events = ended", sections=sections), stdin=file) as s:
        wait_for("it is recorded", lambda: s.counter("earshot_recording_seconds_total"))
        t.equal("who asked for the end alone gets it alone", wait_for("the end is told", quiet.events), ["call.ended"])


def ask_for_test(s, name="webhook"):
    """Status and what was answered."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{s.url}/api/v1/webhooks/{name}/test", method="POST", data=b"", headers={"Content-Type": "application/json"}), timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def standing(t, s):
    """How it stands, which is as the description says and tells no secret."""
    text = s.fetch("/api/v1/webhooks")
    t.check("neither the secret nor the path", SECRET.decode() not in text and "hook/" not in text and "/hook\"" not in text)
    d = Description()
    t.equal("as described", d.wrong(d.schema_of(d.raw["paths"]["/api/v1/webhooks"]["get"], 200, "application/json"), json.loads(text)), None)
    return json.loads(text)["data"]


@feature("R20", "webhooks: how they stand, without secrets; a test goes the way of all others, signed, once, over a crash; audited, one at a time")
@in_namespace
def tried(t):
    nobody = Nobody()
    pcap = t.path()
    write(pcap, frames(short_call()))
    more = f"events = ended\nsecret_file = {secret_file(t)}"
    with open(pcap, "rb") as file:
        crashed = Service(t, None, config(nobody, more), stdin=file)
    try:
        wait_for("the end waits on the disk", lambda: kept(crashed)[0] == 1)
        status, first = ask_for_test(crashed)
        t.equal("taken", (status, first["event"], first["id"][:5]), (202, "test", "test/"))
        t.equal("one at a time", (lambda a: (a[0], a[1]["code"]))(ask_for_test(crashed)), (409, "test_waits"))
        wait_for("both are on the disk", lambda: kept(crashed)[0] == 2)
        hook = wait_for("nobody takes it", lambda: [h for h in standing(t, crashed) if h["failing"] and h["retries"]])[0]
        t.equal("where it leads, what is told", (hook["name"], hook["origin"], hook["events"], hook["signed"]), ("webhook", f"http://127.0.0.1:{nobody.port}", ["call.ended"], True))
        t.equal("what waits", (hook["waiting"], hook["waiting_on_disk"], hook["delivered"], hook["last_success_at"]), (2, 2, 0, None))
        t.check("why, in a sentence", hook["last_failure"]["status"] is None and len(hook["last_failure"]["detail"]) > 5)
    finally:
        crashed.process.kill()
        crashed.process.wait()
    there = Hook(port=nobody.port, answers=[204, 204, 400])
    with Again(t, crashed) as up:
        up.has('earshot_webhooks_total{result="delivered"}', 2)
        got = [(h, b) for *_, h, b in there.got if b'"test"' in b]
        t.equal("it came once, as it was", [(json.loads(b)["id"], h["X-Earshot-Event"]) for h, b in got], [(first["id"], "test")])
        t.equal("signed", got[0][0]["X-Earshot-Signature"], "sha256=" + hmac.new(SECRET, got[0][1], hashlib.sha256).hexdigest())
        hook, = standing(t, up)
        t.equal("all is well", (hook["waiting"], hook["failing"], hook["delivered"], hook["last_failure"]), (0, False, 2, None))
        t.check("since now", hook["last_success_at"] is not None)
        t.equal("and once more", ask_for_test(up)[0], 202)
        up.has('earshot_webhooks_total{result="refused"}', 1)
        hook, = standing(t, up)
        t.equal("what was answered", (hook["last_failure"]["status"], hook["last_failure"]["detail"], hook["refused"], hook["waiting"]), (400, "it answers 400", 1, 0))
        t.equal("audited", [r["object"] for r in up.get("/api/v1/audit?action=webhook.test")["data"]], ["webhook"] * 3)
        t.counter("one of another name", ask_for_test(up, "other")[0] == 404)
