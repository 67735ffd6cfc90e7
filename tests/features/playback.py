"""What somebody sees and hears of a recording: its waveform, when who speaks."""
import json, os, struct, urllib.error, urllib.request

from craft import *
from feature import feature
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
    import glob
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
