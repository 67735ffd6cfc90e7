"""I04, R21: a call heard while it goes on, and again afterwards."""
import array, ctypes, glob, http.client, json, os, re, socket, struct, sqlite3, subprocess, tempfile, threading, time, urllib.error, urllib.request, wave

from craft import *
from feature import Failure, feature
from payloads import red
from protect import Protector
from recordings import ulaw
from service import Service, in_namespace, play, wait_for
from sound import speech

SECONDS = 20.0 # of a call; it is over once enough was heard of it, however late that is on this machine
ENOUGH_S = 4.0
HEADER = 44
RATE = 8000
SLICE = 2000  # samples that are looked for in the recording: random, so they are there once


def play_along(packets):
    """(who plays it, the event that ends the call)"""
    enough = threading.Event()
    player = threading.Thread(target=play, args=(packets, enough), daemon=True)
    player.start()
    return player, enough


def spoken():
    return call(Dialog(a="10.0.0.1", b="10.0.0.2"), SECONDS)


class Ear(threading.Thread):
    """Reads a live stream: the bytes, and how many were there when."""

    def __init__(self, url, **headers):
        super().__init__()
        self.headers = headers
        self.url, self.bytes, self.marks, self.failed = url, b"", [], None
        self.start()

    def run(self):
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url, headers=self.headers), timeout=20) as answer:
                self.type = answer.headers["Content-Type"]
                while piece := answer.read1(65536):
                    self.bytes += piece
                    self.marks.append((time.monotonic(), (len(self.bytes) - HEADER) // 4))
        except (OSError, http.client.HTTPException) as e:
            self.failed = str(e) or "cut"


def channels(data):
    samples = array.array("h", data[:len(data) // 4 * 4])
    return samples[0::2], samples[1::2]


def position(live, stored):
    """Where in the recording the sound of the live channel stands: (offset of live sample 0, sample from which on it is compared)."""
    first = next((i for i, v in enumerate(live) if v), None)
    if first is None:
        raise Failure("the live stream is silent")
    needle = live[first + 400:first + 400 + SLICE].tobytes()
    at = stored.tobytes().find(needle)
    while at >= 0 and at % 2:
        at = stored.tobytes().find(needle, at + 1)
    if at < 0:
        raise Failure("what was heard live is not in the recording")
    return at // 2 - (first + 400), first + 400


def audit(s, action):
    path = os.path.join(os.path.dirname(s.log), "data", "db", "earshot.db")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return db.execute("SELECT actor, object, result, detail FROM audit WHERE action = ?", (action,)).fetchall()


def status(s, path, **headers):
    request = urllib.request.Request(s.url + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def addresses():
    for address in ("10.0.0.1", "10.0.0.2"):
        subprocess.run(["ip", "addr", "add", address + "/32", "dev", "lo"], check=True)


def heard_enough(ear, seconds=ENOUGH_S):
    """So much of a WAV stream has come."""
    wait_for(f"{seconds} s of sound", lambda: len(ear.bytes) > HEADER + 4 * RATE * seconds or not ear.is_alive())


def answered(s):
    def look():
        calls = s.get("/api/v1/live/calls")["data"]
        return calls[0]["uid"] if calls and calls[0]["state"] == "answered" and calls[0]["streams"] else None
    return wait_for("the call is answered", look)


@feature("I04", "a live call as WAV while it goes on: the recording's samples, less than 2 s late, audited; then played back by range")
@in_namespace
def live(t):
    addresses()
    with Service(t, "lo", "[recording]\ndefault = record\n[capture]\nfilter = udp\n") as s:
        packets = spoken()
        begin = time.monotonic() - packets[0].t
        player, enough = play_along(packets)
        uid = answered(s)
        ear = Ear(f"{s.url}/api/v1/live/calls/{uid}/audio?format=wav")
        wait_for("somebody listens", lambda: s.counter('earshot_http_active_streams{kind="live"}') == 1)
        t.equal("one more call is none", status(s, f"/api/v1/live/calls/{uid[:-1]}x/audio")[0], 404)
        admin = re.search(r"esk_\w+", s.said())[0]
        t.equal("the administrator hears nobody", [status(s, f"/api/v1/live/calls/{uid}{x}", Authorization=f"Bearer {admin}")[0] for x in ("", "/audio")], [200, 403])
        t.equal("another format", status(s, f"/api/v1/live/calls/{uid}/audio?format=mp3")[0], 400)
        heard_enough(ear)
        enough.set()
        player.join()
        ear.join(20)
        t.check(f"the stream ends with the call: {ear.failed}", not ear.is_alive() and ear.failed is None)
        compare(t, s, ear, uid, begin, min(p.t for p in packets if p.kind == "rtp"))
        t.equal("the beginning is audited", [(a, o, r) for a, o, r, _ in audit(s, "live.listen")], [("local", uid, "ok")])
        ends = audit(s, "live.listen_end")
        t.equal("the end too", [(a, o) for a, o, _, _ in ends], [("local", uid)])
        t.check(f"how long it was: {ends[0][3]}", int(ends[0][3].split()[0]) > 2000)
        t.equal("no packet was lost on the way", s.counter("earshot_live_audio_dropped_packets_total"), 0)
        t.counter("a call that is over can be heard live", status(s, f"/api/v1/live/calls/{uid}/audio")[0] == 404)


def compare(t, s, ear, uid, begin, first_rtp):
    t.equal("a stereo WAV stream", (ear.type, ear.bytes[:4], ear.bytes[8:12], ear.bytes[22:24], ear.bytes[24:28]),
            ("audio/wav", b"RIFF", b"WAVE", b"\2\0", RATE.to_bytes(4, "little")))
    r = wait_for("the recording", lambda: next((c for c in s.records() if (c["recording"] or {}).get("state") == "ready"), None))
    url = r["recording"]["url"]
    code, whole = status(s, url)
    data = whole.find(b"data")
    stored, heard = channels(whole[data + 8:][:int.from_bytes(whole[data + 4:data + 8], "little")]), channels(ear.bytes[HEADER:])
    delays = []
    for side in range(2):
        offset, start = position(heard[side], stored[side])
        both = min(len(heard[side]), len(stored[side]) - offset)
        differ = sum(heard[side][i] != stored[side][offset + i] for i in range(start, both))
        t.check(f"side {side}: {both - start} samples, {differ} differ", both - start > 2 * RATE and differ == 0)
        t.check(f"side {side}: to the end", len(stored[side]) - (offset + both) < RATE // 10)
        sent = begin + first_rtp
        delays += [at - (sent + (offset + n) / RATE) for at, n in ear.marks if n > start]
    delays.sort()
    t.check(f"delay {delays[len(delays) // 2]:.2f} s, at most {delays[-1]:.2f} s", delays[len(delays) // 2] < 2)
    t.equal("playback by range", status(s, url, Range="bytes=1000-1999"), (206, whole[1000:2000]))
    t.equal("to the end", status(s, url, Range="bytes=-100"), (206, whole[-100:]))


def leave(s, uid):
    """Somebody who hangs up while the call goes on."""
    host, port = s.url.split("//")[1].split(":")
    with socket.create_connection((host, int(port))) as c:
        c.sendall(f"GET /api/v1/live/calls/{uid}/audio HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        c.recv(4096)
        c.recv(4096)
    s.has('earshot_http_active_streams{kind="live"}', 0)


@feature("I04", "live listening: so many at once, none by setting; who leaves makes room")
@in_namespace
def limits(t):
    addresses()
    with Service(t, "lo", "[capture]\nfilter = udp\n[limits]\nlisteners = 1\n") as s:
        player, enough = play_along(spoken())
        uid = answered(s)
        leave(s, uid)
        wait_for("his leaving is audited", lambda: audit(s, "live.listen_end"))
        ear = Ear(f"{s.url}/api/v1/live/calls/{uid}/audio?format=wav")
        wait_for("somebody listens", lambda: s.counter('earshot_http_active_streams{kind="live"}') == 1)
        t.equal("one more is refused", status(s, f"/api/v1/live/calls/{uid}/audio")[0], 503)
        heard_enough(ear)
        enough.set()
        player.join()
        ear.join(20)
        t.check("heard without a recording", len(ear.bytes) > RATE * 4 and any(ear.bytes[HEADER:]))
        t.equal("the place is free again", s.counter('earshot_http_active_streams{kind="live"}'), 0)
    with Service(t, "lo", "[capture]\nfilter = udp\n[limits]\nlisteners = 0\n") as s:
        player, enough = play_along(spoken())
        t.counter("somebody listens where nobody may", status(s, f"/api/v1/live/calls/{answered(s)}/audio")[0] == 503)
        enough.set()
        player.join()


@feature("I04", "live listening ends when the token is revoked, for its listener alone")
@in_namespace
def revoked(t):
    addresses()
    with Service(t, "lo", "[capture]\nfilter = udp\n") as s:
        files = ("--config", os.path.join(os.path.dirname(s.log), "conf"), "--data", os.path.join(os.path.dirname(s.log), "data"))
        token = t.run("token", "create", *files, "--role", "listener").stdout.strip()
        threading.Thread(target=play, args=(call(Dialog(a="10.0.0.1", b="10.0.0.2"), 60.0),), daemon=True).start()
        url = f"{s.url}/api/v1/live/calls/{answered(s)}/audio?format=wav"
        local, ear = Ear(url), Ear(url, Authorization=f"Bearer {token}")
        wait_for("both listen", lambda: len(ear.bytes) > HEADER and len(local.bytes) > HEADER)
        t.run("token", "revoke", token.split("_")[1], *files)
        ear.join(20)
        t.check(f"the stream is cut: {ear.failed}", not ear.is_alive() and ear.failed)
        ends = wait_for("its end is audited", lambda: audit(s, "live.listen_end"))
        t.equal("and why", [(a, r, d.split("; ")[1]) for a, _, r, d in ends], [("listener", "denied", "who listens may not any more")])
        t.counter("who listens without it is cut too", local.is_alive() and s.counter('earshot_http_active_streams{kind="live"}') == 1)


# ---- R21

def voice(src, sport, dst, dport, ssrc):
    """Bob says nothing every other second and a half."""
    octets = bytes(ulaw(0 if ssrc == 0x2222 and i // 12000 % 2 else round(v)) for i, v in enumerate(speech(int(SECONDS), RATE, ssrc)))
    return [Packet(START + 1.05 + i * 0.02, src, sport, dst, dport, rtp(100 + i, 160 * i, ssrc, octets[160 * i:160 * i + 160], 0, i == 0), kind="rtp")
            for i in range(len(octets) // 160)]


RED = "a=rtpmap:99 red/8000\r\na=fmtp:99 0/0\r\n"


def in_red(packets):
    """With the frame before."""
    return [replace(p, data=p.data[:1] + bytes([p.data[1] & 128 | 99]) + p.data[2:12] + red([(160, packets[n - 1].data[12:])] if n else [], p.data[12:]))
            for n, p in enumerate(packets)]


def forged(packets):
    """By somebody without the key, ahead of each that is genuine."""
    return [replace(p, t=p.t - 0.002, data=p.data[:12] + bytes(len(p.data) - 12)) for p in packets]


def talk(lines=("", ""), keys=None, hard=False):
    """Speech both ways; with `keys` protected. Alice is 10.0.0.1. `hard`: what she says is in RED, what Bob says comes behind forgeries."""
    a, b = "10.0.0.1", "10.0.0.2"
    profile = (lambda body: body.replace(b"RTP/AVP", b"RTP/SAVP" + b" 99" * hard)) if keys or lines[0] else (lambda body: body)
    signalling = [p for p in call(Dialog(a=a, b=b), SECONDS, voice=False, offer=profile(sdp(a, 4000, lines[0])), answer=profile(sdp(b, 6000, lines[1])))]
    sound = (in_red if hard else list)(voice(a, 4000, b, 6000, 0x1111)) + voice(b, 6000, a, 4000, 0x2222)
    if keys:
        sound = [replace(p, data=keys[p.src == b].packet(p.data)) for p in sound]
    if hard:
        sound += forged([p for p in sound if p.src == b])
    return sorted(signalling + sound, key=lambda p: p.t)


def pages(data):
    """[(flags, granule, serial, sequence, [packet])]; packets do not go over pages here."""
    out = []
    while data:
        magic, version, flags, granule, serial, sequence, crc, count = struct.unpack("<4sBBqIIIB", data[:27])
        sizes, packets, size = data[27:27 + count], [], 0
        body = data[27 + count:27 + count + sum(sizes)]
        for n in sizes:
            size += n
            if n < 255:
                packets.append(body[:size])
                body, size = body[size:], 0
        if magic != b"OggS" or version or body:
            raise Failure(f"no page: {data[:40]}")
        out.append((flags, granule, serial, sequence, packets))
        data = data[27 + count + sum(sizes):]
    return out


def decoded(packets, rate=RATE):
    """Interleaved samples, by libopus itself."""
    opus = ctypes.CDLL("libopus.so.0")
    opus.opus_decoder_create.restype = ctypes.c_void_p
    error, out, room = ctypes.c_int(), array.array("h"), (ctypes.c_int16 * 11520)()
    decoder = ctypes.c_void_p(opus.opus_decoder_create(rate, 2, ctypes.byref(error)))
    for p in packets:
        n = opus.opus_decode(decoder, p, len(p), room, 5760, 0)
        if n < 0:
            raise Failure(f"libopus refuses a packet: {n}")
        out.extend(room[:2 * n])
    opus.opus_decoder_destroy(decoder)
    return out


def lateness(ear, found):
    """How much later than its place in the stream each page came, in seconds, counted from the first."""
    first, size, out = ear.marks[0][0], 0, []
    for _, granule, _, _, packets in found:
        size += 27 + sum(len(p) // 255 + 1 + len(p) for p in packets)
        at = next((at for at, n in ear.marks if 4 * n + HEADER + 4 > size), ear.marks[-1][0])
        out.append(at - first - granule / 48000)
    return out


def loudness(samples, piece=RATE // 10):
    return [sum(v * v for v in samples[i:i + piece]) ** 0.5 for i in range(0, len(samples) - piece, piece)]


SHIFTS = [(k, j) for k in range(20) for j in range(20) if k == 0 or j == 0]


def alike(a, b, shifts=SHIFTS):
    """The best correlation of two envelopes over shifts of up to 2 s, and with which shift."""
    def r(x, y):
        n = min(len(x), len(y))
        if n < 15:
            return 0
        x, y = x[:n], y[:n]
        mx, my = sum(x) / n, sum(y) / n
        xy = sum((p - mx) * (q - my) for p, q in zip(x, y))
        return xy / ((sum((p - mx) ** 2 for p in x) * sum((q - my) ** 2 for q in y)) ** 0.5 + 1e-9)
    return max((r(a[k:], b[j:]), (k, j)) for k, j in shifts)


@feature("R21", "live as Ogg Opus, for many at once; one who does not read costs nobody else anything; audited")
@in_namespace
def opus(t):
    addresses()
    with Service(t, "lo", "[capture]\nfilter = udp\n[limits]\nlisteners = 4\n") as s:
        packets = talk()
        player, enough = play_along(packets)
        uid = answered(s)
        url = f"{s.url}/api/v1/live/calls/{uid}/audio"
        t.equal("of the head", (lambda a: (a.status, a.headers["Content-Type"]))(urllib.request.urlopen(urllib.request.Request(url, method="HEAD"))), (200, "audio/ogg"))
        host, port = s.url.split("//")[1].split(":")
        lazy = socket.create_connection((host, int(port)))
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(f"GET /api/v1/live/calls/{uid}/audio?format=wav HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        ears = [Ear(url), Ear(url + "?format=ogg"), Ear(url + "?format=wav")]
        wait_for("all listen", lambda: s.counter('earshot_http_active_streams{kind="live"}') == 4)
        heard_enough(ears[2])
        enough.set()
        player.join()
        for ear in ears:
            ear.join(20)
        lazy.close()
        t.check(f"all hear the end: {[e.failed for e in ears]}", not any(e.is_alive() or e.failed for e in ears))
        t.equal("types", [e.type for e in ears], ["audio/ogg", "audio/ogg", "audio/wav"])
        wav = channels(ears[2].bytes[HEADER:])
        for ear in ears[:2]:
            found = pages(ear.bytes)
            t.equal("begin and end", (found[0][0], found[-1][0] & 4, len({p[2] for p in found})), (2, 4, 1))
            t.equal("pages follow each other", [p[3] for p in found], list(range(len(found))))
            head = found[0][4][0]
            t.equal("what it is", (head[:8], head[8], head[9], struct.unpack("<I", head[12:16])[0], found[1][4][0][:8]),
                    (b"OpusHead", 1, 2, RATE, b"OpusTags"))
            t.check("granules go on", all(a[1] <= b[1] for a, b in zip(found[2:], found[3:])))
            sound = decoded([p for page in found[2:] for p in page[4]])
            heard = sound[0::2], sound[1::2]
            t.check(f"as long as its pages say, {len(heard[0])} of {found[-1][1]}", len(heard[0]) > 2 * RATE and abs(len(heard[0]) * 48000 // RATE - found[-1][1]) < 5760)
            least = min(len(heard[0]), len(wav[0])) # whenever each began, they end together
            heard, plain = ([loudness(side[-least:]) for side in x] for x in (heard, wav))
            same = [alike(heard[c], plain[c]) for c in range(2)]
            t.check(f"the same voices: {same}", min(same)[0] > 0.95)
            t.counter("the sides are the same", alike(heard[0], plain[1], [same[0][1]])[0] < 0.8)
            late, slow = sorted(lateness(ear, found)), sorted(at - ears[2].marks[0][0] - n / RATE for at, n in ears[2].marks)
            late, slow = late[len(late) // 2], slow[len(slow) // 2]
            t.check(f"{late:.2f} s behind, plain samples {slow:.2f} s", late < 2 + max(0, slow))
        wait_for("all ends are audited", lambda: len(audit(s, "live.listen_end")) == 4)
        t.equal("each is audited", len(audit(s, "live.listen")), 4)
        t.equal("the capture lost nothing", s.counter("earshot_packets_dropped_total"), 0)


@feature("R21", "a protected call is heard with its keys, in RED and behind forged packets, too, and refused without")
@in_namespace
def protected(t):
    addresses()
    a, b = Protector("AES_CM_128_HMAC_SHA1_80", "a"), Protector("AES_CM_128_HMAC_SHA1_80", "b")
    lines = (a.attribute(), b.attribute())
    with Service(t, "lo", "[recording]\ndefault = record\n[capture]\nfilter = udp\n") as s:
        player, enough = play_along(talk([RED + x for x in lines], (a, b), hard=True))
        uid = answered(s)
        ear = Ear(f"{s.url}/api/v1/live/calls/{uid}/audio?format=wav")
        heard_enough(ear, 1.5)
        enough.set()
        player.join()
        ear.join(20)
        heard = channels(ear.bytes[HEADER:])
        r = wait_for("the recording", lambda: next((c for c in s.records() if (c["recording"] or {}).get("state") == "ready"), None))
        whole = status(s, r["recording"]["url"])[1]
        stored = channels(whole[whole.find(b"data") + 8:])
        for side in range(2):
            offset, start = position(heard[side], stored[side])
            t.check(f"side {side}: a quarter of a second of it stands in the recording at {offset + start}", offset + start >= 0)
    with Service(t, "lo", "[recording]\ndefault = record\n[capture]\nfilter = udp\n") as s:
        player, enough = play_along(talk(("", ""), (a, b)))
        code, problem = status(s, f"/api/v1/live/calls/{answered(s)}/audio")
        t.counter(f"noise is heard without a key: {code}", (code, json.loads(problem)["code"]) == (409, "encrypted"))
        t.equal("nobody listened", audit(s, "live.listen"), [])
        enough.set()
        player.join()


def files_with(s, needles):
    """Where in the data directory one of them stands: files, their logs, what is written beside them."""
    data, found = os.path.join(os.path.dirname(s.log), "data"), set()
    for where, _, names in os.walk(data):
        for name in names:
            try:
                with open(os.path.join(where, name), "rb") as f:
                    text = f.read()
            except FileNotFoundError:
                continue
            found |= {name for needle in needles if needle in text}
    return sorted(found)


@feature("R21", "a protected call that a rule does not record is heard with its keys, which stand in no file; one that is recorded keeps them until it is made")
@in_namespace
def protected_only_heard(t):
    addresses()
    suite = "AES_CM_128_HMAC_SHA1_80"
    with tempfile.TemporaryDirectory(dir=t.work) as out:
        t.read(frames(talk()), "--record", out)
        with wave.open(glob.glob(out + "/**/*.wav", recursive=True)[0]) as f:
            clear = channels(f.readframes(1 << 24))
    rule = "[recording]\ndefault = record\n[capture]\nfilter = udp\n[rule quiet]\ncaller = *\naction = {}\n"
    for action in ("metadata-only", "record"):
        a, b = Protector(suite, "a"), Protector(suite, "b")
        needles = [n for k in (a, b) for n in (k.inline()[len("inline:"):].encode(), k.master, k.master.hex().encode())]
        with Service(t, "lo", rule.format(action)) as s:
            player, enough = play_along(talk((a.attribute(), b.attribute()), (a, b)))
            uid = answered(s)
            ear = Ear(f"{s.url}/api/v1/live/calls/{uid}/audio?format=wav")
            heard_enough(ear, 1.5)
            if action == "record":
                wait_for("its row is written", lambda: files_with(s, needles))
            meanwhile = files_with(s, needles)
            enough.set()
            player.join()
            ear.join(20)
            heard = channels(ear.bytes[HEADER:])
            for side in range(2):
                offset, start = position(heard[side], clear[side])
                t.check(f"{action}, side {side}: a quarter of a second of what was said is heard, {offset + start} samples from its beginning", offset + start >= 0)
            r, = s.records()
            if action == "record":
                t.counter(f"keys of a recorded call are in no file: {meanwhile}", meanwhile != [])
                continue
            t.equal("by rule", (r["recording"]["result"], r["recording"]["state"], r["recording"]["rule"], [x["srtp"] for x in r["streams"]]),
                    ("rule", None, "quiet", [True, True]))
            t.equal("keys in files, while it goes on and behind it", (meanwhile, files_with(s, needles)), ([], []))
            t.equal("each listener is audited", len(audit(s, "live.listen")), 1)
        if action == "metadata-only":
            t.equal("and when the service has ended", files_with(s, needles), [])
