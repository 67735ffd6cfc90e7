"""What somebody sees and hears of a recording: its waveform, when who speaks."""
import glob, json, math, os, sqlite3, struct, subprocess, urllib.error, urllib.request

from craft import *
from feature import feature
from formats import probe
from recordings import broadcast, pcm
from sidecar import CONFIG, SPAN, databases, ready, rebuild, service_over, start_again
from sound import speech, stream


def talk(caller, callee, missing=()):
    """A call in which these samples are said."""
    seconds = max(len(caller), len(callee)) / 8000
    packets = call(voice=False, seconds=seconds + 1) + stream(ALICE, 4000, BOB, 6000, 1, caller, missing) + stream(BOB, 6000, ALICE, 4000, 2, callee)
    return sorted(packets, key=lambda p: p.t)


def body_of(s, path, **headers):
    with urllib.request.urlopen(urllib.request.Request(s.url + path, headers=headers), timeout=30) as answer:
        return answer.read()


def stereo_of(data):
    """[caller's samples, callee's samples]"""
    channels, _, sound = pcm(data)
    samples = struct.unpack(f"<{len(sound) // 2}h", sound)
    return [samples[c::channels] for c in range(channels)]


# ---- the waveform

def expected(samples, points, step=80):
    """Lowest and highest of the steps that each point touches, a byte each."""
    low, high, n = [], [], len(samples)
    for i in range(points):
        begin, end = i * n // points, (i + 1) * n // points
        begin, end = begin // step * step, -(-max(end, begin + 1) // step) * step
        low.append(int(min(samples[begin:end]) / 256))
        high.append(int(max(samples[begin:end]) / 256))
    return low, high


def problem(s, path):
    try:
        with urllib.request.urlopen(s.url + path, timeout=10):
            return 200, None
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)["code"]


@feature("R09", "the waveform: what any number of points says is what the sound says, each channel, each part, and again behind a rebuild")
def waveform(t):
    packets = talk(speech(9, 9000, 1, lambda x: x < 4 or x > 6), speech(9, 3000, 2, lambda x: 3 < x < 8))
    with service_over(t, packets, CONFIG) as s:
        uid = ready(s)
        sides = stereo_of(body_of(s, f"/api/v1/recordings/{uid}/audio"))
        for points in (1, 7, 90, 900, 2000, 8192):
            said = s.get(f"/api/v1/recordings/{uid}/peaks?points={points}")
            t.equal(f"{points} points: its frame", [said[k] for k in ("id", "points", "channels", "sample_rate_hz", "samples", "step_samples", "duration_ms")],
                    [uid, points, ["caller", "callee"], 8000, len(sides[0]), 80, len(sides[0]) // 8])
            for c in (0, 1):
                t.check(f"{points} points, channel {c}", (said["min"][c], said["max"][c]) == expected(sides[c], points))
        t.equal("2000 unless asked", s.get(f"/api/v1/recordings/{uid}/peaks")["points"], 2000)
        t.check("90 points of 9 s are of 100 ms, exactly", s.get(f"/api/v1/recordings/{uid}/peaks?points=90")["min"][0] ==
                [int(min(sides[0][i * 800:(i + 1) * 800]) / 256) for i in range(90)])
        t.counter("one channel looks like the other", said["max"][0] != said["max"][1])
        t.counter("a sample more or less changes nothing", expected(sides[0][400:], 90) != expected(sides[0], 90))
        t.equal("what is no number of points", [problem(s, f"/api/v1/recordings/{uid}/peaks?points={p}") for p in ("0", "8193", "-1", "x")],
                [(400, "invalid_value")] * 4)
        t.equal("no such recording", problem(s, f"/api/v1/recordings/{uid}-p2/peaks")[0], 404)
        before, spoken, data = s.fetch(f"/api/v1/recordings/{uid}/peaks"), s.fetch(f"/api/v1/recordings/{uid}/speech"), s.data
    for path in databases(data):
        os.remove(path)
    rebuild(t, data)
    with start_again(t, data) as s:
        t.equal("the database made again", s.fetch(f"/api/v1/recordings/{uid}/peaks"), before)
        t.equal("and the index of speech", s.fetch(f"/api/v1/recordings/{uid}/speech"), spoken)


@feature("R09", "the waveform of a recording in parts: each part its own")
def waveform_of_parts(t):
    with service_over(t, [f.packet for f in broadcast()], CONFIG + "rollover_time = 2100ms\n") as s:
        uid = ready(s)
        for part in s.get(f"/api/v1/calls/{uid}/recordings")["data"]:
            said = s.get(f"/api/v1/recordings/{part['id']}/peaks?points=21")
            sides = stereo_of(body_of(s, part["url"]))
            t.equal(f"{part['id']}: where it lies", (said["first_sample"], said["samples"]), (part["first_sample"], len(sides[0])))
            t.check(f"{part['id']}: the caller", (said["min"][0], said["max"][0]) == expected(sides[0], 21))
            t.equal(f"{part['id']}: the callee is silent", (set(said["min"][1]), set(said["max"][1])), ({0}, {0}))
        t.counter("the second part looks like the first", s.get(f"/api/v1/recordings/{uid}/peaks?points=21")["first_sample"] == 0 != said["first_sample"])


# ---- speech

TURNS = (((1.0, 2.0), (2.2, 3.0), (4.0, 4.5), (7.0, 10.0)), ((0.5, 0.9), (5.0, 6.5)))
WANTED = ([[1000, 2000], [4000, 500], [7000, 3000]], [[500, 400], [5000, 1500]])


def spoken_at(turns):
    return lambda x: any(a <= x < b for a, b in turns)


def index_of(s, uid):
    return [c["segments"] for c in s.get(f"/api/v1/recordings/{uid}/speech")["speech"]]


def close(got, wanted, tolerance=20):
    return len(got) == len(wanted) and all(abs(a - x) <= tolerance and abs(a + b - x - y) <= tolerance for (a, b), (x, y) in zip(got, wanted))


def quiet(seconds, level=20):
    """What a line sounds like when nobody speaks."""
    return speech(seconds, level, 9)


def over(noise, said):
    return [a + b for a, b in zip(noise, said)]


@feature("R32", "when who speaks: segments of each channel to 20 ms, also over noise; in the file beside the sound; nothing is left out for it")
def index(t):
    said = [speech(11, 5000, c + 1, spoken_at(turns)) for c, turns in enumerate(TURNS)]
    click = [9000 if 6.0 <= i / 8000 < 6.03 else x for i, x in enumerate(said[0])]
    with service_over(t, talk(click, said[1])) as s:
        uid = ready(s)
        got = index_of(s, uid)
        t.check(f"the caller, a pause of 200 ms within, a click left out: {got[0]}", close(got[0], WANTED[0]))
        t.check(f"the callee: {got[1]}", close(got[1], WANTED[1]))
        answer = s.get(f"/api/v1/recordings/{uid}/speech")
        t.equal("of whom, and how coarse", [(c["channel"], c["gap_ms"], c["speech_ms"]) for c in answer["speech"]],
                [("caller", 300, sum(n for _, n in got[0])), ("callee", 300, sum(n for _, n in got[1]))])
        t.equal("the sound is as long as the call's", len(stereo_of(body_of(s, f"/api/v1/recordings/{uid}/audio"))[0]), 11 * 8000)
        (beside,) = glob.glob(f"{s.data}/audio/**/*.json", recursive=True)
        t.equal("beside the sound", [c["segments"] for c in json.load(open(beside))["speech"]], got)
    with service_over(t, talk(over(quiet(11), said[0]), over(quiet(11), said[1]))) as s:
        got = index_of(s, ready(s))
        t.check(f"over noise: {got}", close(got[0], WANTED[0]) and close(got[1], WANTED[1]))
    with service_over(t, talk(quiet(11), said[1])) as s:
        got = index_of(s, ready(s))
        t.counter(f"noise alone is speech: {got[0]}", got[0] == [] and close(got[1], WANTED[1]))
    with service_over(t, talk(said[0], said[1]), CONFIG + "measures = no\n") as s:
        t.counter("who does not listen knows it, too", problem(s, f"/api/v1/recordings/{ready(s)}/speech") == (404, "no_speech_index"))


@feature("R32", "of a recording in parts each has its own, and together they are the whole")
def index_of_parts(t):
    said = [speech(11, 5000, c + 1, spoken_at(turns)) for c, turns in enumerate(TURNS)]
    with service_over(t, talk(*said), CONFIG + "rollover_time = 2500ms\n") as s:
        uid = ready(s)
        parts = [s.get(f"/api/v1/recordings/{p['id']}/speech") for p in s.get(f"/api/v1/calls/{uid}/recordings")["data"]]
        together = [[[at + p["first_sample"] // 8, n] for p in parts for at, n in p["speech"][c]["segments"]] for c in (0, 1)]
        wanted = [[[1000, 1500], [2500, 500], [4000, 500], [7000, 500], [7500, 2500]], [[500, 400], [5000, 1500]]]
        t.check(f"caller {together[0]}, callee {together[1]}", all(close(together[c], wanted[c]) for c in (0, 1)))
        t.counter("the first part has all of it", sum(c["speech_ms"] for c in parts[0]["speech"]) < sum(c["speech_ms"] for p in parts for c in p["speech"]))


# ---- another form

def asked(s, path, method="GET", **headers):
    """(code, headers, body)"""
    try:
        with urllib.request.urlopen(urllib.request.Request(s.url + path, method=method, headers=headers), timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


def heard(t, data, ending, channels, rate=8000):
    """A list of samples for each channel, as ffmpeg hears it."""
    path = t.path(ending)
    with open(path, "wb") as f:
        f.write(data)
    out = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ar", str(rate), "-ac", str(channels), "-"], capture_output=True, check=True).stdout
    samples = struct.unpack(f"<{len(out) // 2}h", out)
    return [samples[c::channels] for c in range(channels)], path


def correlation(a, b, lag=0):
    a, b = (a[lag:], b) if lag >= 0 else (a, b[-lag:])
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    power = math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b)) / power if power else 0


def melody(seconds, first):
    """Tones that change each 100 ms, so that no piece sounds like another."""
    return [6000 * math.sin(2 * math.pi * (first + 170 * (i // 800 * 7 % 11)) * i / 8000) for i in range(int(seconds * 8000))]


FORMATS = {"wav": ("pcm_s16le", 0.9999), "flac": ("flac", 0.9999), "ogg": ("opus", 0.9), "mp3": ("mp3", 0.9)}
STRETCHES = ((1230, 1430), (5500, 9000))


MP3_DELAY = 1105  # of encoder and decoder, where no tag says so


def matches(t, what, got, wanted, least, mp3):
    """As long as asked, and the same sound; an MP3 begins late by its encoder's delay."""
    delay = MP3_DELAY if mp3 else 0
    t.check(f"{what}: {len(got)} frames, not {len(wanted)}", 0 <= len(got) - len(wanted) - delay <= (1152 if mp3 else 0))
    alike = correlation(got, wanted, delay)
    t.check(f"{what}: correlation {alike:.4f}", alike >= least)


def formed(said, formats):
    """A call for each format, all at once, and the rules that make them so."""
    packets = []
    for n, form in enumerate(formats):
        d = Dialog(call_id=f"{n}@formed", branch=f"z9hG4bK{n}", from_tag=f"f{n}", to_tag=f"t{n}", to_user=form)
        packets += call(d, len(said[0]) / 8000 + 1, 4000 + 10 * n, 6000 + 10 * n, voice=False)
        packets += stream(ALICE, 4000 + 10 * n, BOB, 6000 + 10 * n, 10 + n, said[0]) + stream(BOB, 6000 + 10 * n, ALICE, 4000 + 10 * n, 20 + n, said[1])
    rules = "".join(f"[rule {f}]\ncallee = {f}\naction = record\nformat = {f}\n" for f in formats)
    return sorted(packets, key=lambda p: p.t), "[recording]\ndefault = skip\n" + rules


def wanted_forms(t, s, path, stored, asks):
    ending = stored.split("-")[0]
    whole, _ = heard(t, body_of(s, path), ending, 2)
    whole = [side[:48000] for side in whole]
    mixed = [max(-32768, min(32767, a + b)) for a, b in zip(*whole)]
    sides = {"caller": [whole[0]], "callee": [whole[1]], "mix": [mixed], "stereo": whole}
    for form, channels, begin, end in asks:
        code, headers, body = asked(s, f"{path}?format={form}&channels={channels}&start_ms={begin}&end_ms={end}", Range="bytes=0-10")
        wanted = [side[begin * 8:end * 8] for side in sides[channels]]
        what = f"{stored} as {form}, {channels}, {begin}-{end}"
        t.equal(f"{what}: answer", (code, headers["Content-Type"], headers["Accept-Ranges"], headers["Content-Length"]),
                (200, {"mp3": "audio/mpeg"}.get(form, f"audio/{form}"), "none", None))
        got, file = heard(t, body, form, len(wanted))
        found = probe(file)[1]
        t.equal(f"{what}: ffprobe", (found["codec_name"], found["channels"]), (FORMATS[form][0], len(wanted)))
        least = min(FORMATS[form][1], 0.99 if stored == "ogg" else 1)  # two decoders of Opus at two rates
        for a, b in zip(got, wanted):
            matches(t, what, a, b, least, form == "mp3")
    return whole


@feature("R09", "in another format, one side, both in one, a stretch: as long as was asked and the same sound, from each stored format")
def converted(t):
    packets, config = formed((melody(6, 300), melody(6, 700)), ("wav", "flac", "ogg", "mp3", "wav-g711"))
    from service import wait_for
    with service_over(t, packets, config) as s:
        rows = wait_for("five recordings", lambda: (lambda d: d if len(d) == 5 else None)(s.get(f"/api/v1/recordings?{SPAN}&state=ready")["data"]))
        for row in rows:
            stored = s.get(f"/api/v1/calls/{row['call_uid']}")["to"]["user"]
            path = f"/api/v1/recordings/{row['id']}/audio"
            asks = [(f, c, 1230, 3450) for f, c in zip(FORMATS, ("caller", "mix", "stereo", "callee"))] if stored == "wav" else \
                [("wav", "stereo", a, b) for a, b in STRETCHES]
            whole = wanted_forms(t, s, path, stored, asks)
            if stored == "wav":
                t.counter("the other side is the same sound", correlation(heard(t, asked(s, path + "?channels=callee")[2], "wav", 1)[0][0], whole[0]) < 0.5)
                t.counter("a stretch that begins elsewhere is the same sound",
                          correlation(heard(t, asked(s, path + "?start_ms=1330&end_ms=3450")[2], "wav", 2)[0][0], whole[0][1230 * 8:]) < 0.5)
                refusals(t, s, row["id"], path)


def refusals(t, s, uid, path):
    t.equal("as stored, in other words", [asked(s, path + q)[2] == body_of(s, path) for q in ("?format=wav", "?channels=stereo", "?format=wav&channels=stereo&start_ms=0")],
            [True] * 3)
    t.equal("the stored form has ranges", asked(s, path + "?format=wav", Range="bytes=4-7")[0], 206)
    for q, field in (("format=aac", "format"), ("channels=left", "channels"), ("start_ms=-1", "start_ms"), ("start_ms=6000", "start_ms"),
                     ("start_ms=2000&end_ms=2000", "end_ms"), ("end_ms=x", "end_ms"), ("start_ms=1e3", "start_ms"), ("start_ms=99999999999999999999", "start_ms")):
        code, _, body = asked(s, f"{path}?{q}")
        t.equal(q, (code, json.loads(body).get("field")), (400, field))
    code, headers, body = asked(s, path + "?format=ogg", "HEAD")
    t.equal("HEAD", (code, headers["Content-Type"], body), (200, "audio/ogg", b""))
    t.equal("a parameter that is none", asked(s, path + "?speed=2")[0], 400)
    t.check("each is counted", s.counter("earshot_conversions_total") > 3)


@feature("R09", "sides in files of their own are put together or had alone; a sum has no sides")
def converted_sides(t):
    said = melody(3, 300), melody(3, 700)
    with service_over(t, talk(*said), CONFIG) as s:
        whole = stereo_of(body_of(s, f"/api/v1/recordings/{ready(s)}/audio"))
    with service_over(t, talk(*said), CONFIG + "channels = parties\n") as s:
        uid = ready(s)
        path = f"/api/v1/recordings/{uid}"
        t.equal("both", stereo_of(asked(s, f"{path}/audio?channels=stereo")[2]), whole)
        t.equal("the callee", stereo_of(asked(s, f"{path}/audio?channels=callee")[2]), whole[1:])
        t.equal("and as the file of his own", stereo_of(asked(s, f"{path}-callee/audio?channels=callee&end_ms=1000")[2]), [whole[1][:8000]])
        t.counter("a side's file has the other side", asked(s, f"{path}-callee/audio?channels=caller")[0] == 400)
        for id_, names, wanted in ((f"{uid}-caller", ["caller"], whole[:1]), (f"{uid}-callee", ["callee"], whole[1:])):
            said = s.get(f"/api/v1/recordings/{id_}/peaks?points=30")
            t.equal(f"{id_}: waveform", (said["channels"], list(zip(said["min"], said["max"]))), (names, [expected(w, 30) for w in wanted]))
    with service_over(t, talk(melody(3, 300), melody(3, 700)), CONFIG + "channels = mix\n") as s:
        path = f"/api/v1/recordings/{ready(s)}/audio"
        t.equal("a sum", (asked(s, path + "?channels=mix")[2], asked(s, path + "?channels=caller")[0], asked(s, path + "?channels=stereo")[0]), (body_of(s, path), 400, 400))


@feature("R09", "so many at once; without any the stored form is all there is; a waveform that is lost is made again from the sound")
def conversions(t):
    with service_over(t, talk(melody(3, 300), melody(3, 700)), CONFIG + "[limits]\nconversions = 0\n") as s:
        uid = ready(s)
        path = f"/api/v1/recordings/{uid}/audio"
        code, headers, body = asked(s, path + "?format=ogg")
        t.counter("none is made", (code, json.loads(body)["code"], headers["Retry-After"]) == (503, "too_many_conversions", "5"))
        t.equal("and that is counted", s.counter("earshot_conversions_refused_total"), 1)
        t.equal("the stored form", asked(s, path)[0], 200)
        data = s.data
    with start_again(t, data) as s:
        before = s.get(f"/api/v1/recordings/{uid}/peaks?points=70")
        (file,) = glob.glob(f"{data}/audio/**/*.peaks", recursive=True)
        os.rename(file, file + ".x")
        t.equal("from the sound", s.get(f"/api/v1/recordings/{uid}/peaks?points=70"), before)
        t.equal("which a process of its own has read", s.counter("earshot_conversions_total"), 1)
        with open(file, "wb") as f:
            f.write(b"PEAK" * 100)
        t.equal("a damaged one is none", s.get(f"/api/v1/recordings/{uid}/peaks?points=70"), before)
        os.rename(file + ".x", file)
        t.equal("from beside it", s.get(f"/api/v1/recordings/{uid}/peaks?points=70"), before)
        t.equal("no process was asked", s.counter("earshot_conversions_total"), 2)


# ---- the list

def talks():
    """Five calls, a minute apart, of 2 to 6 s; the callee of each has a name and a format."""
    packets = []
    for n, to in enumerate(("wav", "flac", "ogg", "mp3", "wav")):
        d = Dialog(call_id=f"{n}@list", branch=f"z9hG4bK{n}", from_tag=f"f{n}", to_tag=f"t{n}", to_user=f"{to}{n}")
        packets += call(d, 2 + n, 4000 + 10 * n, 6000 + 10 * n, START + 60 * n)
    return sorted(packets, key=lambda p: p.t)


@feature("R09", "the list of recordings: filters, pages and refusals as for calls")
def listed(t):
    from service import wait_for
    rules = "".join(f"[rule {f}]\ncallee = {f}*\naction = record\nformat = {f}\n" for f in ("wav", "flac", "ogg", "mp3"))
    with service_over(t, talks(), "[recording]\ndefault = skip\n" + rules) as s:
        def look(q=""):
            return s.get(f"/api/v1/recordings?{SPAN}{q}")
        wait_for("five recordings", lambda: len(look("&state=ready")["data"]) == 5)
        rows = look()["data"]
        calls = {c["uid"]: c for c in s.get(f"/api/v1/calls?{SPAN}")["data"]}
        t.equal("the newest first", [calls[r["call_uid"]]["to"]["user"] for r in rows], ["wav4", "mp33", "ogg2", "flac1", "wav0"])
        for r in rows:
            said = s.get(f"/api/v1/recordings/{r['id']}")
            t.equal("a row is the recording", {k: said[k] for k in r}, r)
            t.equal("complete", sorted(k for k in ("id", "call_uid", "format", "codec", "channels", "sample_rate_hz", "duration_ms", "size_bytes", "sha256", "started_at",
                                                    "state", "storage") if r[k] is None), [])
        t.equal("the oldest first", look("&order=started_at")["data"], rows[::-1])
        t.equal("formats", [[r["format"] for r in look(q)["data"]] for q in ("&format=ogg", "&format=wav", "&format=mp3&format=flac")],
                [["ogg"], ["wav", "wav"], ["mp3", "flac"]])
        t.equal("one call", look(f"&call_uid={rows[2]['call_uid']}")["data"], rows[2:3])
        lengths = [r["duration_ms"] for r in rows]
        t.equal("lengths", [[r["duration_ms"] for r in look(f"&duration_ms__gte={lengths[2]}")["data"]], [r["duration_ms"] for r in look(f"&duration_ms__lte={lengths[2] - 1}")["data"]]],
                [lengths[:3], lengths[3:]])
        t.equal("who", len(look("&to_user=ogg2&from_user=alice")["data"]), 1)
        t.equal("a time", len(s.get("/api/v1/recordings?from=2023-11-14T00:00:00Z&to=2023-11-14T22:14:21Z")["data"]), 2)
        pages, cursor = [], ""
        while cursor is not None:
            page = look("&limit=2&format=wav&format=flac&format=ogg" + cursor)
            pages.append([r["id"] for r in page["data"]])
            cursor = page["page"]["next_cursor"] and f"&cursor={page['page']['next_cursor']}"
        t.equal("pages", pages, [[rows[0]["id"], rows[2]["id"]], [rows[3]["id"], rows[4]["id"]]])
        t.equal("how many", look("&count=exact&limit=1")["total"], 5)
        delete = urllib.request.Request(f"{s.url}/api/v1/recordings/{rows[1]['id']}", method="DELETE")
        with urllib.request.urlopen(delete, timeout=10) as answer:
            t.equal("one is deleted", answer.status, 200)
        t.counter("what is deleted is listed", len(look()["data"]) == 4 and [(r["id"], r["storage"]) for r in look("&state=deleted")["data"]] == [(rows[1]["id"], None)])
        t.counter("a filter that fits none finds some", look("&format=ogg&duration_ms__lte=1")["data"] == [])
        for q, field in (("format=aac", "format"), ("state=gone", "state"), ("order=mos_min", "order"), ("limit=0", "limit"), ("duration_ms__gte=x", "duration_ms__gte"),
                         ("codec=PCMU", "codec"), ("cursor=abc", "cursor"), ("from=x", "from")):
            code, _, body = asked(s, f"/api/v1/recordings?{q}")
            t.equal(q, (code, json.loads(body)["field"]), (400, field))
        data = s.data
    for file in glob.glob(f"{data}/db/calls-*.db"):
        db = sqlite3.connect(file)
        db.execute("UPDATE calls SET recording_format = NULL, recording_ms = NULL")  # as an older version left it
        db.commit()
        db.close()
    with start_again(t, data) as s:
        t.equal("rows of a version before", [[r["format"] for r in s.get(f"/api/v1/recordings?{SPAN}{q}")["data"]] for q in ("&format=ogg", f"&duration_ms__gte={lengths[1]}")],
                [["ogg"], ["wav"]])


# ---- ranges

def parts_of(headers, body):
    """[(Content-Range, bytes)] of a body of several ranges."""
    boundary = headers["Content-Type"].split("boundary=")[1].encode()
    pieces = body.split(b"--" + boundary)
    assert pieces[0] == b"" and pieces[-1] == b"--\r\n"
    out = []
    for piece in pieces[1:-1]:
        head, data = piece[2:-2].split(b"\r\n\r\n", 1)
        out.append((dict(line.split(": ") for line in head.decode().split("\r\n"))["Content-Range"], data))
    return out


@feature("X60", "range requests: whole, one, several, suffixes, what lies behind the end, numbers beyond all files, tags that do not match")
def ranges(t):
    with service_over(t, talk(melody(2, 300), melody(2, 700))) as s:
        uid = ready(s)
        path = f"/api/v1/recordings/{uid}/audio"
        _, headers, whole = asked(s, path)
        n, tag = len(whole), headers["ETag"]
        t.equal("the whole says that there are ranges", headers["Accept-Ranges"], "bytes")
        for text, first, end in (("0-0", 0, 1), ("0-", 0, n), (f"{n - 1}-", n - 1, n), ("-1", n - 1, n), (f"-{n * 9}", 0, n), (f"5-{1 << 63}", 5, n), ("10-19", 10, 20),
                                 ("-18446744073709551616", 0, n)):
            code, headers, body = asked(s, path, Range=f"bytes={text}")
            t.equal(text, (code, headers["Content-Range"], headers["Content-Length"], body), (206, f"bytes {first}-{end - 1}/{n}", str(end - first), whole[first:end]))
        for text in (f"{n}-", f"{1 << 63}-", "-0", f"{n}-,{n + 5}-"):
            code, headers, body = asked(s, path, Range=f"bytes={text}")
            t.equal(text, (code, headers["Content-Range"], json.loads(body)["code"]), (416, f"bytes */{n}", "range_not_satisfiable"))
        for text in ("bytes=-1-", "bytes=5-4", "bytes=", "bytes=a-b", "bytes=0-1,", "lines=0-1", "bytes=0x1-2", "bytes=" + ",".join(["0-0"] * 1000), "bytes=" + ",".join(["0-1"] * 17),
                     f"bytes=0-{n - 1},0-{n - 1}"):
            code, _, body = asked(s, path, Range=text)
            t.equal(text[:40], (code, body == whole), (200, True))
        several = ("0-43,100-199,-5", [(0, 44), (100, 200), (n - 5, n)]), ("10-29,20-39", [(10, 30), (20, 40)]), (f"{n}-,7-7,3-3", [(7, 8), (3, 4)]), \
                  (",".join(f"{i * 8}-{i * 8 + 3}" for i in range(16)), [(i * 8, i * 8 + 4) for i in range(16)])
        for text, wanted in several:
            code, headers, body = asked(s, path, Range=f"bytes={text}")
            t.equal(f"{text[:30]}: head", (code, headers["Content-Range"], headers["Content-Length"], headers["Content-Type"].split(";")[0]),
                    (206, None, str(len(body)), "multipart/byteranges"))
            t.equal(f"{text[:30]}: parts", parts_of(headers, body), [(f"bytes {a}-{b - 1}/{n}", whole[a:b]) for a, b in wanted])
        code, headers, body = asked(s, path, Range=f"bytes={n}-,7-7")
        t.equal("one that is left is no list", (code, headers["Content-Range"], body), (206, f"bytes 7-7/{n}", whole[7:8]))
        t.equal("If-Range that fits", asked(s, path, **{"Range": "bytes=0-9", "If-Range": tag})[0], 206)
        for other in ('"x"', "W/" + tag, "Tue, 14 Nov 2023 22:13:20 GMT"):
            t.counter(f"If-Range {other[:5]} fits", asked(s, path, **{"Range": "bytes=0-9,20-29", "If-Range": other})[0] == 200)
        t.equal("HEAD has no ranges", asked(s, path, "HEAD", Range="bytes=0-9,20-29")[0], 200)
        t.counter("nothing outside of the file is read", asked(s, f"/api/v1/recordings/{uid}-p9/audio", Range="bytes=0-9")[0] == 404)
