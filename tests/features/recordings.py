"""Files of recordings: long ones in parts, many parties in tracks."""
import hashlib, math, os, struct, urllib.request, wave

from craft import *
from feature import feature


def ulaw(sample):
    """ITU-T G.711."""
    sign, s = (0x80, -sample) if sample < 0 else (0, sample)
    s = min(s, 32635) + 132
    exponent = s.bit_length() - 8
    return ~(sign | exponent << 4 | (s >> (exponent + 3)) & 15) & 0xff


def tone_media(src, sport, dst, dport, seconds, start, ssrc, hz, amplitude=6000):
    """A tone in packets of 20 ms, PCMU."""
    sound = bytes(ulaw(round(amplitude * math.sin(2 * math.pi * hz * i / 8000))) for i in range(8000))
    return [Packet(start + n * 0.02, src, sport, dst, dport, rtp(100 + n, 1000 + 160 * n, ssrc, (sound + sound)[n * 160 % 8000:][:160], 0, n == 0),
                   kind="rtp") for n in range(round(seconds * 50))]


def goertzel(samples, hz, rate=8000):
    """Amplitude of one frequency."""
    w = 2 * math.cos(2 * math.pi * hz / rate)
    a = b = 0.0
    for s in samples:
        a, b = s + w * a - b, a
    return 2 * math.sqrt(max(0.0, a * a + b * b - w * a * b)) / len(samples)


def pcm(data):
    """(channels, rate, sample frames as bytes) of a WAV."""
    import io
    with wave.open(io.BytesIO(data)) as w:
        return w.getnchannels(), w.getframerate(), w.readframes(w.getnframes())


# ---- I16

def broadcast(seconds=12.0, gap=True):
    """A call in which only the caller sends: announcements without end, with a pause of four seconds."""
    d = Dialog(to_user="broadcast")
    packets = call(d, seconds, voice=False)
    voice = media(d.a, 4000, d.b, 6000, seconds, START + 1.05, 0x1111)
    packets += [p for p in voice if not (gap and START + 5 < p.t < START + 9)]
    return frames(sorted(packets, key=lambda p: p.t))


def recorded_parts(t, packets, *options):
    """(record, [bytes of each file in order of its parts], all names)."""
    folder = t.path("recordings")
    record, = t.read(packets, "--record", folder, "--set", "recording.file_tags=none", *options)
    names = sorted(os.listdir(folder))
    first = next(n for n in names if n.count("-p") == 0)
    parts = record["recording"].get("parts") or [{"number": 1}]
    files = [first if p["number"] == 1 else first.replace(".wav", f"-p{p['number']}.wav") for p in parts]
    return record, [open(os.path.join(folder, n), "rb").read() for n in files], names


@feature("I16", "a long one-way session: files by time and by size, together bit by bit the one file")
def rollover(t):
    packets = broadcast()
    whole, (sound,), names = recorded_parts(t, packets)
    channels, rate, samples = pcm(sound)
    t.equal("one-way, one file", (whole["recording"]["one_way"], whole["recording"]["duration_ms"], channels, rate, len(names)), (True, 12000, 2, 8000, 1))
    for what, options, count, most in (("by time: five rollovers", ("--set", "recording.rollover_time=2100ms"), 6, 80 + 4 * 16800),
                                       ("by size: one rollover", ("--set", "recording.rollover_size=200000"), 2, 200000),
                                       ("the one that comes first counts", ("--set", "recording.rollover_size=200000", "--set", "recording.rollover_time=3s"), 4, 80 + 4 * 24000)):
        record, files, names = recorded_parts(t, packets, *options)
        parts, g = record["recording"]["parts"], record["recording"]
        t.equal(f"{what}: files", (len(files), len(names), [p["number"] for p in parts]), (count, count, list(range(1, count + 1))))
        t.check(f"{what}: each below the limit, all but the last full: {[len(x) for x in files]}",
                all(most - 4 < len(x) <= most for x in files[:-1]) and 80 < len(files[-1]) <= most)
        t.check(f"{what}: the samples are those of the one file", b"".join(pcm(x)[2] for x in files) == samples)
        t.equal(f"{what}: where each begins", [p["first_sample"] for p in parts], [sum(len(pcm(x)[2]) // 4 for x in files[:n]) for n in range(count)])
        t.equal(f"{what}: sizes and digests", [(p["samples"], p["size_bytes"], p["sha256"]) for p in parts],
                [(len(pcm(x)[2]) // 4, len(x), hashlib.sha256(x).hexdigest()) for x in files])
        t.equal(f"{what}: of the recording", (g["duration_ms"], g["size_bytes"], g["sha256"]), (12000, len(files[0]), parts[0]["sha256"]))
    unsplit, files, _ = recorded_parts(t, packets, "--set", "recording.rollover_time=1h")
    t.counter("a limit that is not reached splits", len(files) == 1 and "parts" not in unsplit["recording"])
    t.counter("without the setting there are parts", "parts" not in whole["recording"])


@feature("I16", "parts over the API: listed with offsets and digests, each served with ranges under its id")
def parts_served(t):
    from service import wait_for
    from users_api import FileService
    config = "[recording]\ndefault = record\nrollover_time = 2100ms\n"
    with FileService(t, [f.packet for f in broadcast()], config) as s:
        span = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
        row = wait_for("the recording", lambda: next((c for c in s.get(f"/api/v1/calls?{span}")["data"] if (c["recording"] or {}).get("state") == "ready"), None))
        t.check("a list of calls leaves the parts out", "parts" not in row["recording"])
        listed = s.get(f"/api/v1/calls/{row['uid']}/recordings")["data"]
        t.equal("ids", [p["id"] for p in listed], [row["uid"]] + [f"{row['uid']}-p{n}" for n in range(2, 7)])
        t.equal("the recording says the same", s.get(f"/api/v1/calls/{row['uid']}/recording")["parts"], listed)
        t.equal("as one by one", [s.get(f"/api/v1/recordings/{p['id']}") for p in listed[1:]], listed[1:])
        for p in listed:
            with urllib.request.urlopen(s.url + p["url"], timeout=10) as answer:
                body = answer.read()
            t.equal(f"{p['id']}: digest", hashlib.sha256(body).hexdigest(), p["sha256"])
            ranged = urllib.request.Request(s.url + p["url"], headers={"Range": "bytes=80-119"})
            with urllib.request.urlopen(ranged, timeout=10) as answer:
                t.equal(f"{p['id']}: a range", (answer.status, answer.read()), (206, body[80:120]))
        stored = [n for d, _, names in os.walk(os.path.join(s.data, "audio")) for n in names]
        t.equal("files on the disk, with the record and the waveform beside", (len([n for n in stored if n.endswith(".wav")]), len(stored)), (6, 8))
        gone = [s.status(f"/api/v1/recordings/{row['uid']}-{x}{y}") for x in ("p7", "p1", "t1", "mix", "p", "x2") for y in ("", "/audio")]
        t.counter("parts that are none are found", set(gone) == {404})


# ---- A06

TONES = (400, 700, 1000, 1300)
SPAN = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
RECORD = "[recording]\ndefault = record\n"


def party(people=4, contact=None, mute=()):
    """Calls of up to four to one focus, a tone each to it, and what it sends to them: (packets, when each begins to speak)."""
    from transfers import A, B, C, D, MIXER, ROOM, focus
    ends, begin = (A, B, C, D)[:people], []
    s = focus(contact=contact or ROOM, people=ends)
    for n, who in enumerate(ends):
        begin.append(START + 2 * n + 1.1 + 0.0037 * n)
        if n not in mute:
            s.packets += tone_media(who, 4000 + 10 * n, MIXER, 6000 + 10 * n, 18.5 - 2 * n, begin[n], 0x100 + n, TONES[n], 10000)
        s.packets += tone_media(MIXER, 6000 + 10 * n, who, 4000 + 10 * n, 18.5 - 2 * n, begin[n], 0x200 + n, 2000)
    for n, p in enumerate(s.packets):
        p.ipid = (n + 1) & 0xffff
    return sorted(s.packets, key=lambda p: p.t), begin


def party_recorded(t, packets, tracks, config=RECORD):
    """{call id: (uid, [file, its bytes])} once everything is rendered."""
    from service import wait_for
    from users_api import FileService

    def files(s):
        calls = s.get(f"/api/v1/calls?{SPAN}")["data"]
        if not calls or any((c["recording"] or {}).get("state") != "ready" and c["recording"]["result"] == "recorded" for c in calls):
            return None
        got = {c["call_id"]: (c["uid"], s.get(f"/api/v1/calls/{c['uid']}/recordings")["data"]) for c in calls}
        return got if sum(f["kind"] != "call" for _, x in got.values() for f in x) >= tracks else None

    def body(s, f):
        with urllib.request.urlopen(s.url + f["url"], timeout=10) as answer:
            return answer.read()

    with FileService(t, packets, config) as s:
        got = wait_for("the files", lambda: files(s), 30)
        return {k: (uid, [(f, body(s, f) if f["id"] else b"") for f in x]) for k, (uid, x) in got.items()}


def sounds(data):
    samples = pcm(data)[2]
    return struct.unpack(f"<{len(samples) // 2}h", samples)


def onset(samples):
    return next((n for n, s in enumerate(samples) if abs(s) > 300), None)


def at(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@feature("A06", "four at one focus: a mono track of each voice, all in step, and a file with all of them")
def four_tracks(t):
    packets, begin = party()
    got = party_recorded(t, packets, 20)
    t.equal("calls", sorted(got), ["1-alice", "2-bob", "3-carol", "4-dave"])
    lists = [[f for f, _ in x if f["kind"] != "call"] for _, x in got.values()]
    t.check("everybody's call names the same files", all(x == lists[0] for x in lists))
    files = [(f, sounds(data), data) for f, data in got["1-alice"][1] if f["kind"] != "call"]
    t.equal("four tracks and the sum", [(f["kind"], f["number"], f["channels"]) for f, _, _ in files],
            [("track", n, ["participant"]) for n in (1, 2, 3, 4)] + [("mix", None, ["all"])])
    t.equal("whose they are", [(f["participant"]["user"], f["participant"]["uid"]) for f, _, _ in files[:4]], [(k[2:], got[k][0]) for k in sorted(got)])
    t.equal("mono, on one axis", {(pcm(data)[0], f["samples"], f["started_at"], len(x)) for f, x, data in files},
            {(1, files[0][0]["samples"], files[0][0]["started_at"], files[0][0]["samples"])})
    t.equal("digests", [f["sha256"] for f, _, _ in files], [hashlib.sha256(data).hexdigest() for _, _, data in files])
    all_talk = slice(8000 * 8, 8000 * 9)
    for n, (f, x, _) in enumerate(files[:4]):
        levels = [round(goertzel(x[all_talk], hz)) for hz in (*TONES, 2000)]
        t.check(f"track {n + 1} has its own tone alone: {levels}", levels[n] > 9000 and all(v < 200 for k, v in enumerate(levels) if k != n))
        late = at(f["started_at"]) + onset(x) / 8000 - begin[n]
        t.check(f"track {n + 1} begins {late * 1000:.1f} ms late", abs(late) < 0.02)
        end = len(x) - onset(x[::-1])
        t.check(f"and ends in step: {end}", abs(at(f["started_at"]) + end / 8000 - begin[n] - 18.5 + 2 * n) < 0.02)
    mix = files[4][1]
    levels = [goertzel(mix[all_talk], hz) for hz in TONES]
    t.check(f"all tones are in the sum, equally loud: {levels}", min(levels) > 5000 and max(levels) < 1.05 * min(levels))
    t.check(f"which is not clipped: {max(map(abs, mix))}", max(map(abs, mix)) <= 29204)
    t.check("and holds nobody before he came", goertzel(mix[:8000], TONES[0]) > 5000 and all(goertzel(mix[:8000], hz) < 100 for hz in TONES[1:]))
    own = [[(f["kind"], f["channels"]) for f, _ in x if f["kind"] == "call"] for _, x in got.values()]
    t.equal("each call has its own recording as well", own, [[("call", ["caller", "callee"])]] * 4)

    plain, _ = party(contact="<sip:room1@10.0.0.9:5060>")
    kinds = lambda x: [[f["kind"] for f, _ in files] for _, files in x.values()]
    t.counter("calls to what is no focus have tracks", kinds(party_recorded(t, plain, 0)) == [["call"]] * 4)
    two = party_recorded(t, party(2)[0], 0)
    t.counter("two parties are not one stereo file each call", kinds(two) == [["call"]] * 2)


@feature("A06", "two parties: one stereo file, the caller left, the callee right")
def stereo(t):
    d = Dialog()
    packets = call(d, 3.0, voice=False) + tone_media(d.a, 4000, d.b, 6000, 3, START + 1.05, 1, 400) + tone_media(d.b, 6000, d.a, 4000, 3, START + 1.06, 2, 700)
    packets.sort(key=lambda p: p.t)
    (_, ((f, data),)), = party_recorded(t, packets, 0).values()
    x = sounds(data)
    levels = [[goertzel(x[c::2][8000:16000], hz) for hz in (400, 700)] for c in (0, 1)]
    t.equal("one file of two channels", (f["kind"], f["channels"], pcm(data)[0]), ("call", ["caller", "callee"], 2))
    t.check(f"a side each: {levels}", levels[0][0] > 5000 and levels[1][1] > 5000 and levels[0][1] < 100 and levels[1][0] < 100)
    t.counter("several parties are one stereo file", [f["kind"] for f, _ in party_recorded(t, party()[0], 20)["1-alice"][1]] != ["call"])


@feature("A06", "who says nothing has no file, but is named")
def silent_track(t):
    packets, _ = party(mute=(2,))
    files = [f for f, _ in party_recorded(t, packets, 20)["4-dave"][1] if f["kind"] != "call"]
    t.equal("results", [(f["kind"], f["number"], f["result"], f["id"] is None) for f in files],
            [("track", 1, "recorded", False), ("track", 2, "recorded", False), ("track", 3, "no_rtp", True), ("track", 4, "recorded", False),
             ("mix", None, "recorded", False)])
    t.equal("his name", files[2]["participant"]["user"], "carol")
    none = party_recorded(t, party()[0], 0, "[recording]\ndefault = metadata-only\n")
    t.counter("without recording there are files", all(x == [] for _, x in none.values()))


def metadata(people):
    """As RFC 7865 has it."""
    return ("<recording xmlns='urn:ietf:params:xml:ns:recording:1'><datamode>complete</datamode><session session_id=\"x\"/>" +
            "".join(f'<participant participant_id="p{k}"><nameID aor="sip:{n}@pbx"><name>{n}</name></nameID></participant>'
                    f'<stream stream_id="s{k}" session_id="x"><label>{90 + k}</label></stream>'
                    f'<participantstreamassoc participant_id="p{k}"><send>s{k}</send></participantstreamassoc>' for k, n in enumerate(people)) + "</recording>")


PART = "Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n"


def session(names, label=True, document=metadata, part=PART, first=False, whole="multipart/mixed"):
    """A recording client sends the voices of a call to a recorder, a stream each. `first`: the metadata stands ahead of the SDP."""
    d = Dialog(a="10.0.0.7", b="10.0.0.8", from_user="src", to_user="srs")
    order = list(reversed(range(len(names))))  # the lines stand in another order than the metadata
    lines = [f"m=audio {4000 + 10 * k} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=label:{90 + k if label else 'x'}\r\na=sendonly\r\n" for k in order]
    head = "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
    offer = (head % (d.a, d.a) + "".join(lines)).encode()
    answer = (head % (d.b, d.b) + "".join(f"m=audio {6000 + 10 * k} RTP/AVP 0\r\na=recvonly\r\n" for k in order)).encode()
    parts = ["Content-Type: application/sdp\r\n\r\n" + offer.decode(), part + "\r\n" + document(names)]
    body = ("--b\r\n" + "\r\n--b\r\n".join(parts[::-1] if first else parts) + "\r\n--b--\r\n").encode()
    packets = call(d, 4.0, voice=False, offer=body, answer=answer)
    packets[0].data = packets[0].data.replace(b"Content-Length:", f'Content-Type: {whole};boundary="b"\r\nContent-Length:'.encode(), 1)
    for k in range(len(names)):
        packets += tone_media(d.a, 4000 + 10 * k, d.b, 6000 + 10 * k, 4, START + 1.05, 0x300 + k, TONES[k])
    return sorted(packets, key=lambda p: p.t)


@feature("A06", "SIPREC: two are left and right by their names, more are a track each")
def recording_session(t):
    (_, ((f, data),)), = party_recorded(t, session(("ann", "ben")), 0).values()
    x = sounds(data)
    levels = [[goertzel(x[c::2][8000:16000], hz) for hz in TONES[:2]] for c in (0, 1)]
    t.equal("two: channels by name", f["channels"], ["ann", "ben"])
    t.check(f"two: a side each: {levels}", levels[0][0] > 5000 and levels[1][1] > 5000 and levels[0][1] < 100 and levels[1][0] < 100)
    (_, files), = party_recorded(t, session(("ann", "ben", "cleo")), 4).values()
    tracks = [(f, sounds(data)) for f, data in files if f["kind"] != "call"]
    t.equal("three: tracks by name", [(f["kind"], (f.get("participant") or {}).get("user")) for f, _ in tracks],
            [("track", "ann"), ("track", "ben"), ("track", "cleo"), ("mix", None)])
    for n, (f, x) in enumerate(tracks):
        levels = [goertzel(x[8000:16000], hz) for hz in TONES[:3]]
        t.check(f"file {n + 1}: {levels}", all((v > 4000) == (k == n or n == 3) for k, v in enumerate(levels)))
    (_, files), = party_recorded(t, session(("ann", "ben", "cleo"), label=False), 0).values()
    t.counter("streams that no label names have tracks", [f["kind"] for f, _ in files] == ["call"])


@feature("A06", "a token of one site hears the track of its own participant, not the others' nor the sum")
def tracks_of_site(t):
    import json, urllib.error, urllib.request
    from places import Fed
    from service import wait_for
    with Fed(t, frames(party()[0]), "[site desk]\nnetworks = 10.0.0.1/32\n") as s:
        rows = lambda: json.loads(s.get(f"/api/v1/calls?{SPAN}")[1])["data"]
        alice = wait_for("calls", lambda: next((c for c in rows() if c["call_id"] == "1-alice"), None), 20)["uid"]
        listed = lambda token=None: [f for f in json.loads(s.get(f"/api/v1/calls/{alice}/recordings", token)[1])["data"] if f["kind"] != "call"]
        every = wait_for("tracks", lambda: (lambda x: x if len(x) == 5 else None)(listed()), 30)
        make = lambda *words: t.run("token", "create", "--config", s.conf, "--data", s.data, "--role", "listener", *words).stdout.strip()
        desk, everybody = make("--site", "desk"), make()
        t.equal("listed", [f["participant"]["user"] for f in listed(desk)], ["alice"])
        for path, wanted in (("", [200, 404, 404, 404, 404]), ("/audio", [200, 404, 404, 404, 404])):
            t.equal(f"served{path}", [s.get(f"/api/v1/recordings/{f['id']}{path}", desk)[0] for f in every], wanted)
        def delete(id_, token):
            try:
                return urllib.request.urlopen(urllib.request.Request(f"{s.url}/api/v1/recordings/{id_}", method="DELETE", headers={"Authorization": f"Bearer {token}"})).status
            except urllib.error.HTTPError as e:
                return e.code
        made = t.run("token", "create", "--config", s.conf, "--data", s.data, "--role", "admin", "--site", "desk").stdout.strip()
        t.equal("deletes nobody's", [delete(f["id"], made) for f in every], [403, 404, 404, 404, 404])
        t.counter("a token without a limit is refused", {s.get(f["url"], everybody)[0] for f in every} == {200})
