"""D04: SIP inside TLS. The connections are real: OpenSSL on both ends, over memory or a socket, its bytes put into TCP
segments by hand. One call, three who listen: without keys, with them, with those of somebody else."""
import datetime, fcntl, os, socket, ssl, subprocess, termios, time

from craft import *
from feature import Failure, feature
from service import Service, in_namespace, send, wait_for

NAME = "sip.example"
ONE_POINT_TWO, ONE_POINT_THREE = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def certificate(t):
    """(certificate, private key) of a server, once a test."""
    pem, key = os.path.join(t.work, "server.pem"), os.path.join(t.work, "server.key")
    if not os.path.exists(pem):
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                               "-keyout", key, "-out", pem], capture_output=True, text=True)
        if made.returncode:
            raise Failure(f"openssl req: {made.stderr[-300:]}")
    return pem, key


def contexts(t, version=None, suites=None, key_log=None):
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(*certificate(t))
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    for c in (server, client):
        if version:
            c.minimum_version = c.maximum_version = version
        if suites:
            c.set_ciphers(suites)
    if key_log:
        client.keylog_filename = key_log
    return client, server


class Session:
    """A TLS connection inside a TCP connection; `said` is the plain bytes of client and server."""

    def __init__(self, tcp, client, server, start, name=NAME, resume=None):
        self.tcp, self.said = tcp, [0, 0]
        self.bio = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in (0, 1)]
        self.end = [client.wrap_bio(*self.bio[0], server_hostname=name, session=resume),
                    server.wrap_bio(*self.bio[1], server_side=True)]
        done = [False, False]
        for step in range(12):
            side = step % 2
            try:
                if not done[side]:
                    self.end[side].do_handshake()
                    done[side] = True
            except ssl.SSLWantReadError:
                pass
            self.carry(start + step * 0.005, side)
            if all(done) and step > 5:
                break

    def carry(self, at, side, mss=1400):
        data = self.bio[side][1].read()
        if data:
            self.tcp.say(at, side, data, mss)
            self.bio[1 - side][0].write(data)

    def say(self, at, side, text, mss=1400):
        self.said[side] += len(text)
        self.end[side].write(text)
        self.carry(at, side, mss)
        got = b""
        while len(got) < len(text):
            got += self.end[1 - side].read(65536)
        if got != text:
            raise Failure("the TLS connection made for the test is broken")


def clear_call(port=5061):
    return tcp_call(Dialog(via="TLS", aport=40000, bport=port, call_id="c0@test"))


def tls_call(t, version=None, suites=None, key_log=None, port=5061, mss=1400, web=False, number=0, voice=True):
    """([packet], session): the call of clear_call() with its signalling inside TLS."""
    d = Dialog(via="WSS" if web else "TLS", aport=40000 + number, bport=port, call_id=f"c{number}@test")
    tcp = Tcp(d.a, d.aport, d.b, d.bport, start=START - 0.21)
    s = Session(tcp, *contexts(t, version, suites, key_log), START - 0.2)
    if web:
        s.say(START - 0.05, 0, UPGRADE)
        s.say(START - 0.04, 1, SWITCHED)
    messages = signalling(d)
    for at, forth, text in messages:
        s.say(at, 0 if forth else 1, websocket(text, forth) if web else text, mss)
    tcp.close(messages[-1][0] + 0.1)
    return sorted(tcp.packets + call(d, sip=False, voice=voice), key=lambda p: p.t), s


def lines_of(key_log):
    with open(key_log) as f:
        return [line for line in f.read().splitlines() if line and line[0] != "#"]


def flows(t, packets, *options):
    """{visibility: flows} of what was counted."""
    got = t.counters_of(frames(packets), *options)
    word = 'earshot_signalling_flows_total{visibility="'
    return {k[len(word):-2]: v for k, v in got.items() if k.startswith(word) and v}


def kinds(records):
    return sorted(r["kind"] for r in records)


def application_bytes(tcp, side, overhead):
    """In records of application data, without nonce, type and tag."""
    stream = b"".join(p.data[20:] for p in tcp.packets if (p.src, p.sport) == tcp.end[side])
    at = total = 0
    while at < len(stream):
        size = int.from_bytes(stream[at + 3:at + 5], "big")
        total += size - overhead if stream[at] == 23 else 0
        at += 5 + size
    return total


# ---- without keys

def blind(t, version, text, certificate_name):
    packets, s = tls_call(t, version)
    got = t.read(frames(packets))
    t.equal("kinds", kinds(got), ["encrypted", "orphan"])
    flow = [r for r in got if r["kind"] == "encrypted"][0]
    t.equal("peers", (flow["src"], flow["dst"]),
            ({"addr": ALICE, "port": 40000}, {"addr": BOB, "port": 5061}) if isinstance(flow["src"], dict) else
            (f"{ALICE}:40000", f"{BOB}:5061"))
    tls = flow["tls"]
    t.equal("version, names", (tls["version"], tls["server_name"], tls["certificate_name"], tls["wrong_key"]),
            (text, NAME, certificate_name, False))
    t.equal("suite", tls["suite"], SUITES[s.end[0].cipher()[0]])
    bytes_ = [application_bytes(s.tcp, side, 24 if version == ONE_POINT_TWO else 17) for side in (0, 1)]
    t.equal("bytes by client and server", [tls["client_bytes"], tls["server_bytes"]], bytes_)
    if version == ONE_POINT_TWO:  # in TLS 1.3 an onlooker cannot tell certificates and tickets from data
        t.equal("these are what was said", bytes_, s.said)
    t.equal("times", (near_second(flow["started_at"]), near_second(flow["ended_at"])), (START - 0.21, START + 3.11))
    t.equal("transport", flow["transport"], "tls")
    t.equal("counted", flows(t, packets), {"blind": 1})
    t.counter("a connection in clear is listed as encrypted",
              kinds(t.read(frames(clear_call()))) == ["call"] and flows(t, clear_call()) == {"clear": 1})


SUITES = {"TLS_AES_256_GCM_SHA384": 0x1302, "TLS_AES_128_GCM_SHA256": 0x1301, "TLS_CHACHA20_POLY1305_SHA256": 0x1303,
          "ECDHE-RSA-AES256-GCM-SHA384": 0xc030, "ECDHE-RSA-AES128-GCM-SHA256": 0xc02f,
          "ECDHE-RSA-CHACHA20-POLY1305": 0xcca8}


def near_second(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp(), 2)


@feature("D04", "TLS 1.2 without a key: a flow with peers, SNI, certificate, bytes and times, counted as blind")
def blind_12(t):
    blind(t, ONE_POINT_TWO, "1.2", NAME)


@feature("D04", "TLS 1.3 without a key: the same, but for the certificate, which is encrypted")
def blind_13(t):
    blind(t, ONE_POINT_THREE, "1.3", None)


@feature("D04", "on a port that is not listed an unreadable connection leaves nothing")
def other_port(t):
    packets, _ = tls_call(t, port=443)
    t.equal("kinds", kinds(t.read(frames(packets))), ["orphan"])
    t.equal("counted", flows(t, packets), {})
    t.counter("tls.ports does not list it", kinds(t.read(frames(packets), "--set", "tls.ports=443")) ==
              ["encrypted", "orphan"])


# ---- with the key log

OPENED = {
    "1.2 AES-128-GCM": (ONE_POINT_TWO, "ECDHE-RSA-AES128-GCM-SHA256"),
    "1.2 AES-256-GCM": (ONE_POINT_TWO, "ECDHE-RSA-AES256-GCM-SHA384"),
    "1.2 ChaCha20": (ONE_POINT_TWO, "ECDHE-RSA-CHACHA20-POLY1305"),
    "1.2 AES-128-CBC": (ONE_POINT_TWO, "ECDHE-RSA-AES128-SHA@SECLEVEL=0"),
    "1.2 AES-256-CCM-8": (ONE_POINT_TWO, "DHE-RSA-AES256-CCM8:AES256-CCM8@SECLEVEL=0"),
    "1.3": (ONE_POINT_THREE, None),
}


@feature("D04", "with the key log: the call as in clear, TLS 1.2 and 1.3, six suites")
def key_log(t):
    base = t.read(frames(clear_call()))
    t.equal("calls in clear", [(c["outcome"], c["transport"]) for c in base], [("answered", "tcp")])
    for what, (version, suites) in OPENED.items():
        log = t.path("keys")
        packets, _ = tls_call(t, version, suites, log)
        got = t.read(frames(packets), "--key-log", log)
        t.same(base, got, what)
        t.equal(f"{what}: transport", [c["transport"] for c in got], ["tls"])
        t.equal(f"{what}: visibility", flows(t, packets, "--key-log", log), {"decrypted": 1})
        t.differs(base, t.read(frames(packets)), f"{what} is read without a key")
    small = tls_call(t, ONE_POINT_THREE, key_log=log, mss=9)[0]
    t.same(base, t.read(frames(small), "--key-log", log), "9 bytes a segment")


@feature("D04", "with the key log SIP inside TLS is found on any port")
def any_port(t):
    log = t.path("keys")
    packets, _ = tls_call(t, ONE_POINT_THREE, key_log=log, port=4443)
    got = t.read(frames(packets), "--key-log", log)
    t.same(t.read(frames(clear_call(4443))), got)
    t.equal("transport", [c["transport"] for c in got], ["tls"])
    empty = t.path("keys")
    open(empty, "w").close()
    t.counter("an empty key log does as well", kinds(t.read(frames(packets), "--key-log", empty)) == ["orphan"])


@feature("D04", "a wrong key: the flow says so, nothing is made up")
def wrong_key(t):
    for version in (ONE_POINT_TWO, ONE_POINT_THREE):
        log, lying = t.path("keys"), t.path("keys")
        packets, _ = tls_call(t, version, key_log=log)
        with open(lying, "w") as f:
            for line in lines_of(log):
                head, secret = line.rsplit(" ", 1)
                f.write(f"{head} {'%02x' % (int(secret[:2], 16) ^ 1)}{secret[2:]}\n")
        got = t.read(frames(packets), "--key-log", lying)
        t.equal("kinds", kinds(got), ["encrypted", "orphan"])
        t.equal("said so", [r["tls"]["wrong_key"] for r in got if r["kind"] == "encrypted"], [True])
        t.equal("counted", flows(t, packets, "--key-log", lying), {"blind": 1})
        t.counter("the right key is called wrong", kinds(t.read(frames(packets), "--key-log", log)) == ["call"])
        strange = t.path("keys")
        tls_call(t, version, key_log=strange)  # the keys of another connection fit no client random here
        got = t.read(frames(packets), "--key-log", strange)
        t.equal("keys of others", [r["tls"]["wrong_key"] for r in got if r["kind"] == "encrypted"], [False])


@feature("X09", "halves of messages inside TLS are under the ceiling of all halves; the connection goes on to be read")
def half_inside_tls(t):
    log = t.path("keys")
    d = Dialog(via="TLS", aport=40000, bport=5061, call_id="c0@test")
    tcp = Tcp(d.a, d.aport, d.b, d.bport, start=START - 0.21)
    s = Session(tcp, *contexts(t, ONE_POINT_THREE, key_log=log), START - 0.2)
    messages = signalling(d)
    s.say(START - 0.1, 0, b"MESSAGE sip:b SIP/2.0\r\nContent-Length: 60000\r\n\r\n" + b"a line of text\r\n" * 2000)
    for at, forth, text in messages:
        s.say(at, 0 if forth else 1, text)
    tcp.close(messages[-1][0] + 0.1)
    packets = frames(sorted(tcp.packets + call(d, sip=False), key=lambda p: p.t))
    small = ("--key-log", log, "--set", "limits.tcp_memory=16k")
    dropped = "earshot_stream_halves_dropped_total"
    t.equal("dropped", t.counters_of(packets, *small).get(dropped), 1)
    t.equal("the rest is read", kinds(t.read(packets, *small)), ["call"])
    t.counter("dropped with room enough", not t.counters_of(packets, "--key-log", log).get(dropped))


# ---- keys that come while it runs

def ended(s, count):
    """What is told of the calls, whose times are those of the moment here."""
    return sorted((r["kind"], r["transport"], r["outcome"], r["end_reason"], r["messages"], r["partial"]) for r in s.records(count))


CALL_READ = ("call", "tls", "answered", "bye", 7, False)


@feature("D04", "keys that come after the traffic: the call is read from what waited")
@in_namespace
def late_keys(t):
    early, late = t.path("keys"), t.path("keys")
    packets = [p for n, version in enumerate((ONE_POINT_TWO, ONE_POINT_THREE))
               for p in tls_call(t, version, key_log=early, number=n, voice=False)[0]]
    open(late, "w").close()
    with Service(t, "vb", f"[tls]\nkey_log = {late}\n") as s:
        send("va", frames(packets[:-2]))  # the second connection stays open
        s.has("earshot_capture_packets_total", len(packets) - 2)
        t.counter("there is a call before there is a key", s.counter('earshot_signalling_flows_total{visibility="decrypted"}') == 0)
        with open(late, "w") as f:
            f.write("\n".join(lines_of(early)) + "\n")
        s.has('earshot_signalling_flows_total{visibility="decrypted"}', 2)
        t.equal("calls", ended(s, 2), [CALL_READ, CALL_READ])


@feature("D04", "the key log may be a pipe; without a line from it the flow stays blind")
@in_namespace
def key_pipe(t):
    log, pipe = t.path("keys"), t.path("pipe")
    one = tls_call(t, ONE_POINT_THREE, key_log=log, voice=False)[0]
    other = tls_call(t, ONE_POINT_THREE, number=1, voice=False)[0]
    os.mkfifo(pipe)
    with Service(t, "vb", f"[tls]\nkey_log = {pipe}\n") as s:
        with open(pipe, "w") as f:
            f.write("\n".join(lines_of(log)) + "\n")
        s.has('earshot_table_entries{table="tls_secrets"}', 1)
        send("va", frames(one + other))
        got = ended(s, 2)
    t.equal("with lines", got[0], CALL_READ)
    t.counter("without lines there is a call", got[1][0] == "encrypted")


@feature("D04", "keys that come while `tcpdump -w - |` is silent are taken all the same")
@in_namespace
def keys_beside_a_silent_pipe(t):
    early, late = t.path("keys"), t.path("keys")
    packets, _ = tls_call(t, ONE_POINT_THREE, key_log=early, voice=False)
    open(late, "w").close()
    capture = t.path("pcap")
    write(capture, frames(packets[:-2]))  # the connection stays open
    out, into = os.pipe()
    with open(capture, "rb") as f:
        os.write(into, f.read())
    with Service(t, None, f"[tls]\nkey_log = {late}\n", stdin=out) as s:
        s.has('earshot_table_entries{table="tcp"}', 1)
        time.sleep(0.5)
        t.counter("there is a call before there is a key", s.counter('earshot_signalling_flows_total{visibility="decrypted"}') == 0)
        with open(late, "w") as f:
            f.write("\n".join(lines_of(early)) + "\n")
        s.has('earshot_signalling_flows_total{visibility="decrypted"}', 1)
        t.equal("frames", s.counter("earshot_capture_packets_total"), len(packets) - 2)
        os.close(into)
    os.close(out)


# ---- the server's RSA key

@feature("D04", "the RSA private key opens RSA key exchange, and nothing else")
def rsa_key(t):
    base = t.read(frames(clear_call()))
    _, key = certificate(t)
    for suite in ("AES128-SHA", "AES128-GCM-SHA256", "AES256-SHA256"):
        packets, _ = tls_call(t, ONE_POINT_TWO, suite + "@SECLEVEL=0")
        got = t.read(frames(packets), "--set", f"tls.private_keys={key}")
        t.same(base, got, suite)
        t.equal(f"{suite}: visibility", flows(t, packets, "--set", f"tls.private_keys={key}"), {"decrypted": 1})
        t.differs(base, t.read(frames(packets)), f"{suite} is read without the key")
    packets, _ = tls_call(t, ONE_POINT_TWO, "ECDHE-RSA-AES128-GCM-SHA256")
    got = t.read(frames(packets), "--set", f"tls.private_keys={key}")
    t.equal("forward secrecy", kinds(got), ["encrypted", "orphan"])


# ---- longer lives

@feature("D04", "TLS 1.2 and 1.3 sessions that are resumed")
def resumed(t):
    for version in (ONE_POINT_TWO, ONE_POINT_THREE):
        log = t.path("keys")
        client, server = contexts(t, version, key_log=log)
        first = Session(Tcp(ALICE, 39999, BOB, 5061, start=START - 5), client, server, START - 4.9)
        first.say(START - 4.5, 1, b"\r\n")  # with it the client gets its tickets
        d = Dialog(via="TLS", aport=40000, bport=5061, call_id="c0@test")
        tcp = Tcp(d.a, d.aport, d.b, d.bport, start=START - 0.21)
        s = Session(tcp, client, server, START - 0.2, resume=first.end[0].session)
        t.check("OpenSSL resumed it", s.end[0].session_reused)
        for at, forth, text in signalling(d):
            s.say(at, 0 if forth else 1, text)
        packets = sorted(first.tcp.packets + tcp.packets + call(d, sip=False), key=lambda p: p.t)
        calls = [r for r in t.read(frames(packets), "--key-log", log) if r["kind"] == "call"]
        t.same(t.read(frames(clear_call())), calls, str(version))
        t.counter("without keys", "call" not in kinds(t.read(frames(packets))))


class Updating:
    """A client that changes its keys: `openssl s_client`, where the line K does that, to a server of ours on a socket.
    What passes is written down in both directions."""

    def __init__(self, t, log):
        self.passed, self.incoming, self.outgoing = ([], []), ssl.MemoryBIO(), ssl.MemoryBIO()
        _, context = contexts(t, ONE_POINT_THREE)
        listener = socket.create_server(("127.0.0.1", 0))
        self.client = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % listener.getsockname()[1], "-tls1_3",
                                        "-servername", NAME, "-keylogfile", log],
                                       stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        listener.settimeout(10)
        self.socket = listener.accept()[0]
        listener.close()
        self.socket.settimeout(10)
        self.server = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.until(self.server.do_handshake)
        self.send()

    def send(self):
        data = self.outgoing.read()
        if data:
            self.socket.sendall(data)
            self.passed[1].append(data)

    def until(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.send()
                data = self.socket.recv(65536)
                if not data:
                    raise Failure("openssl s_client hung up")
                self.passed[0].append(data)
                self.incoming.write(data)

    def say(self, side, text):
        if side == 1:
            self.server.write(text)
            self.send()
            return
        self.client.stdin.write(text)
        self.client.stdin.flush()
        got = b""
        while len(got) < len(text):
            got += self.until(lambda: self.server.read(65536))

    def update(self):
        self.client.stdin.write(b"K\n")
        self.client.stdin.flush()
        wait_for("the command is read, by itself", lambda: fcntl.ioctl(self.client.stdin, termios.FIONREAD, bytes(4)) == bytes(4))

    def take(self):
        """[(side, bytes)] since the last time."""
        out = [(side, b"".join(self.passed[side])) for side in (0, 1) if self.passed[side]]
        self.passed = ([], [])
        return out

    def end(self):
        self.client.kill()
        self.client.wait()
        self.socket.close()


@feature("D04", "TLS 1.3 keys that are updated in the middle of the call")
def key_update(t):
    log = t.path("keys")
    d = Dialog(via="TLS", aport=40000, bport=5061, call_id="c0@test")
    tcp = Tcp(d.a, d.aport, d.b, d.bport, start=START - 0.21)
    u = Updating(t, log)
    try:
        for side, data in u.take():
            tcp.say(START - 0.2 + side * 0.01, side, data)
        for at, forth, text in signalling(d):
            if text.startswith((b"ACK", b"BYE")):
                u.update()
            u.say(0 if forth else 1, text)
            for side, data in u.take():
                tcp.say(at, side, data)
    finally:
        u.end()
    packets = sorted(tcp.packets + call(d, sip=False), key=lambda p: p.t)
    first = t.path("keys")
    with open(first, "w") as f:
        f.write("".join(line + "\n" for line in lines_of(log) if "_SECRET_N" not in line))
    t.equal("updates that OpenSSL made", sum("CLIENT_TRAFFIC_SECRET_N" in line for line in lines_of(log)), 2)
    for keys in (log, first):
        t.same(t.read(frames(clear_call())), t.read(frames(packets), "--key-log", keys))
    bent = [replace(p, data=p.data[:-1] + bytes([p.data[-1] ^ 1])) if p.proto == 6 and p.t > START + 1 and len(p.data) > 50 else p
            for p in packets]
    t.differs(t.read(frames(packets), "--key-log", log), t.read(frames(bent), "--key-log", log), "damaged records are read")


# ---- WebSocket inside

@feature("D05", "WSS: WebSocket inside TLS, opened by the key log")
def wss(t):
    log = t.path("keys")
    base = t.read(frames(clear_call(8089)))
    for version in (ONE_POINT_TWO, ONE_POINT_THREE):
        packets, _ = tls_call(t, version, key_log=log, port=8089, web=True)
        got = t.read(frames(packets), "--key-log", log)
        t.same(base, got)
        t.equal("transport", [c["transport"] for c in got], ["wss"])
        t.equal("visibility", flows(t, packets, "--key-log", log), {"decrypted": 1})
        t.counter("without keys it is read too", kinds(t.read(frames(packets))) == ["encrypted", "orphan"])
