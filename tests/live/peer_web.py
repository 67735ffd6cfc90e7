"""JsSIP in two Chromiums that call each other through Kamailio's WebSocket: in the clear, and in TLS.

The browsers' media (ICE, DTLS, SRTP) goes between them; the signalling of both legs goes over the server.
"""

import fcntl
import os
import shutil
import subprocess

import proxy
from lan import SERVER_IP
from peer_checks import (CALL_LIMIT_S, begin, check_answered, check_same, ended_calls, expect,
                         finish, messages, metric, read_file)
from peer_tls import check_open, make_certificate
from wire import CALLEE_IP, Failure, run, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
INSTALLED = os.path.join(HERE, "../../build/live-peers")
CHROMIUM = "/usr/bin/chromium"
TALK_MS = 3000
BEGIN_LIMIT_S = 30
PLAIN = f"ws://{SERVER_IP}:8080"
SECURE = f"wss://{SERVER_IP}:8089"


def install():
    """The packages of package-lock.json and the page's script, in the build folder; once, though several cases may ask."""
    os.makedirs(INSTALLED, exist_ok=True)
    with open(os.path.join(INSTALLED, "lock"), "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        install_here()


def install_here():
    lock = os.path.join(INSTALLED, "package-lock.json")
    for name in ("package.json", "phone.js", "browser.mjs"):
        shutil.copy(os.path.join(HERE, name), INSTALLED)
    wanted = read(os.path.join(HERE, "package-lock.json"))
    if not os.path.exists(lock) or read(lock) != wanted or not os.path.isdir(INSTALLED + "/node_modules"):
        shutil.copy(os.path.join(HERE, "package-lock.json"), lock)
        environment = {**os.environ, "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix",
                               INSTALLED], capture_output=True, text=True, env=environment)
        expect(done.returncode == 0, f"npm ci: {done.stderr.strip()}")
    run(f"{INSTALLED}/node_modules/.bin/esbuild", f"{INSTALLED}/phone.js", "--bundle", "--log-level=error",
        f"--outfile={INSTALLED}/phone.bundle.js")


def read(path):
    with open(path) as f:
        return f.read()


class Browser:
    """A telephone: it registers, and answers or calls. It says so in its log, a line each."""

    def __init__(self, lan, space, user, server, call="", secrets=None):
        self.lan, self.log = lan, user + ".log"
        folder = os.path.join(lan.work, user)
        os.makedirs(folder)
        environment = {**os.environ, "HOME": folder, "TMPDIR": folder}
        if secrets:
            environment["SSLKEYLOGFILE"] = secrets
        self.process = lan.start(space, [
            "node", f"{INSTALLED}/browser.mjs", CHROMIUM, server, user, SERVER_IP, call, str(TALK_MS)],
            self.log, env=environment, cwd=INSTALLED)

    def said(self, word):
        if self.process.poll() not in (None, 0):
            raise Failure(f"the browser ended with {self.process.returncode}:\n"
                          f"{self.lan.log_tail(self.log)}")
        return word in read(os.path.join(self.lan.work, self.log)).splitlines()

    def wait(self, word, limit=BEGIN_LIMIT_S):
        try:
            wait_for(limit, f"the browser says \"{word}\"", lambda: self.said(word))
        except Failure as e:
            raise Failure(f"{e}\n{self.lan.log_tail(self.log)}\n"
                          f"{self.lan.log_tail('kamailio.log')}") from None


def browsers_call(lan, server, secrets=None):
    """A message and a call from one browser to the other."""
    callee = Browser(lan, lan.callee, "callee-web", PLAIN)
    callee.wait("registered")
    caller = Browser(lan, lan.caller, "caller-web", server, "callee-web", secrets)
    caller.wait("registered")
    caller.wait("message sent", CALL_LIMIT_S)
    caller.wait("ended", CALL_LIMIT_S)
    callee.wait("ended", CALL_LIMIT_S)


def check_call(earshot, call, transport):
    check_answered(call, transport)
    listed = messages(earshot, call)
    expect({m["transport"] for m in listed} <= {"ws", transport}, f"messages: {listed}")
    methods = {m["method"] for m in listed}
    expect({"INVITE", "ACK", "BYE"} <= methods, f"methods are {methods}")
    for method in ("REGISTER", "MESSAGE"):
        seen = metric(earshot, f'earshot_sip_requests_total{{method="{method}"}}')
        expect(seen >= 2, f"{seen:.0f} requests {method}")
    for s in call["streams"]:
        expect(s["srtp"], f"the stream of {s['party']} is no SRTP")


def start_all(lan, binary, more=""):
    install()
    earshot, file = begin(lan, binary, more)
    proxy.start(lan, ["TLS", "WEBSOCKET"], f"sip:{CALLEE_IP}:5060", make_certificate(lan))
    lan.wait_listening(lan.server, "tcp", 8080, "kamailio.log")
    return earshot, file


def websocket_jssip(lan, binary):
    earshot, file = start_all(lan, binary)
    browsers_call(lan, PLAIN)
    call, = ended_calls(earshot, 1)
    check_call(earshot, call, "ws")
    check_same(binary, finish(earshot, file), [call])
    return f"{call['messages']} messages, {len(call['streams'])} streams"


def websocket_tls_jssip(lan, binary):
    secrets = os.path.join(lan.work, "secrets")
    open(secrets, "w").close()
    earshot, file = start_all(lan, binary, f"[tls]\nkey_log = {secrets}\n")
    browsers_call(lan, SECURE, secrets)
    call, = ended_calls(earshot, 1)
    check_call(earshot, call, "wss")
    check_open(earshot, 1)
    path = finish(earshot, file)
    check_same(binary, path, [call], "--key-log", secrets)
    blind = [r["tls"] for r in read_file(binary, path) if r["kind"] == "encrypted"]
    expect(len(blind) == 1 and blind[0]["client_bytes"] > 1000, f"without secrets: {blind}")
    return f"{call['messages']} messages, {len(call['streams'])} streams"
