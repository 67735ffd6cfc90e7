"""What a diagnosis says about sound, on calls that are rendered: recorded speech with one thing wrong, and with nothing wrong."""
import array, os, random, tempfile

from craft import *
from feature import feature
from service import wait_for
from sound import speech, stream
from users_api import FileService

SPAN = "from=2023-11-14T22:00:00Z&to=2023-11-15T00:00:00Z"
HERE = os.path.dirname(os.path.abspath(__file__))
ANSWERED = 0.05  # of the sound, after the answer


def recorded():
    """Speech of people, 8 kHz, at about -24 dBov while somebody talks."""
    raw = array.array("h", open(os.path.join(HERE, "..", "data", "speech", "speech-16k.raw"), "rb").read())
    low = [(raw[i] + raw[i + 1]) / 2 for i in range(0, len(raw) - 1, 2)]
    loudest = max(abs(x) for x in low)
    return [x * 12000 / loudest for x in low]


VOICE = recorded()
OTHER = [VOICE[int(i * 1.17)] for i in range(int(len(VOICE) / 1.17))]  # somebody else, who speaks faster


def voice(seconds, at=0.0, gain=1.0, floor=40, who=VOICE):
    """People talk, from second `at` of the recording on; a room is never quite silent."""
    r = random.Random(7)
    begin = int(at * 8000)
    return [gain * who[(begin + i) % len(who)] + r.uniform(-floor, floor) for i in range(int(seconds * 8000))]


def turns(seconds, first, each=4.0, at=0.0):
    """Talks for `each` seconds, then listens as long."""
    said = voice(seconds, at, who=VOICE if first else OTHER)
    r = random.Random(9)
    return [x if (int(i / 8000 / each) % 2 == 0) == first else r.uniform(-40, 40) for i, x in enumerate(said)]


def packets(caller, callee):
    seconds = max(len(caller), len(callee)) / 8000
    return sorted(call(voice=False, seconds=seconds + 0.2) + stream(ALICE, 4000, BOB, 6000, 1, caller) +
                  stream(BOB, 6000, ALICE, 4000, 2, callee), key=lambda p: p.t)


def judged(t, caller, callee, *options):
    with tempfile.TemporaryDirectory(dir=t.work) as out:
        record, = t.read(frames(packets(caller, callee)), "--record", out, *options)
    return record


def only(t, what, record, label, direction, from_s, to_s):
    """The one label, its direction and times."""
    found = record["diagnosis"]
    t.equal(f"{what}: labels", [(x["label"], x["direction"]) for x in found], [(label, direction)])
    for key, wanted in (("from_ms", from_s), ("to_ms", to_s)):
        t.check(f"{what}: {key} {found[0][key]}, not {wanted * 1000}", abs(found[0][key] - wanted * 1000) <= 1000)
    t.equal(f"{what}: side", found[0]["side"], "before_tap")
    t.check(f"{what}: sentence {record['summary']}", record["summary"])
    return found[0]


def between(samples, from_s, to_s, change):
    """`change` done to the samples of that time."""
    a, b = int(from_s * 8000), int(to_s * 8000)
    return samples[:a] + change(samples[a:b]) + samples[b:]


def frozen(samples):
    piece = voice(0.02, 3.0)
    return (piece * (len(samples) // len(piece) + 1))[:len(samples)]


def echoed(said, delay_s, loss_db):
    gain, lag = 10 ** (-loss_db / 20), int(delay_s * 8000)
    return [gain * x for x in [0.0] * lag + said[:len(said) - lag]]


def added(a, b):
    return [x + y for x, y in zip(a, b)]


@feature("K07", "diagnosis of sound: silence, clipping, frozen audio, echo and one-way by content, with direction and time")
def faults(t):
    a, b = turns(32, True), turns(32, False, at=9.0)
    zeros = lambda s: [0.0] * len(s)
    x = only(t, "silence", judged(t, between(a, 8, 22, zeros), b), "silence", "caller_to_callee", 8, 22)
    t.check(f"silence: for {x['evidence']}", abs(x["evidence"]["silent_ms"] - 14000) < 500)
    t.equal("silence: sentence", judged(t, a, between(b, 8, 22, zeros))["summary"],
            "from 00:08 to 00:22 A heard B badly: packets without sound for 14 s, before the tap")
    x = only(t, "clipping", judged(t, a, between(b, 12, 16, lambda s: [12 * v for v in s])), "clipping", "callee_to_caller", 12, 16)
    t.check(f"clipping: {x['evidence']}", x["evidence"]["clipped_percent"] >= 2)
    x = only(t, "frozen", judged(t, between(a, 16, 19, frozen), b), "frozen_audio", "caller_to_callee", 16, 19)
    t.check(f"frozen: {x['evidence']}", abs(x["evidence"]["frozen_ms"] - 3000) < 300)
    x = only(t, "one-way by content", judged(t, zeros(a), b), "one_way", "caller_to_callee", 0, 32)
    t.equal("one-way by content: cause", x["cause"], "muted")
    near_misses(t, a, b, zeros)


def near_misses(t, a, b, zeros):
    """A little less of each, and each threshold as a setting."""
    names = lambda r: [x["label"] for x in r["diagnosis"]]
    t.counter("8 s are no silence", names(judged(t, between(a, 8, 16, zeros), b)) == [])
    t.counter("unless the threshold says so", names(judged(t, between(a, 8, 16, zeros), b, "--set", "diagnosis.silence=6")) == ["silence"])
    t.counter("loud is not clipped", names(judged(t, a, between(b, 12, 16, lambda s: [2 * v for v in s]))) == [])
    t.counter("half a second is not frozen", names(judged(t, between(a, 16, 16.5, frozen), b)) == [])
    t.counter("frozen audio can be turned off", names(judged(t, between(a, 16, 19, frozen), b, "--set", "diagnosis.frozen_audio=0")) == [])
    t.counter("nor silence without measures", names(judged(t, between(a, 8, 22, zeros), b, "--set", "recording.measures=no")) == [])


@feature("K07", "diagnosis of sound: an echo is a hint with delay and loss; people who talk in turns or at once are none")
def echo(t):
    said = turns(32, True)
    quiet = speech(32, 40, 5)
    r = judged(t, said, added(quiet, echoed(said, 0.24, 18)))
    x = only(t, "echo", r, "echo", "callee_to_caller", r["diagnosis"][0]["from_ms"] / 1000, r["diagnosis"][0]["to_ms"] / 1000)
    t.check(f"echo: {x['evidence']}", abs(x["evidence"]["delay_ms"] - 240) <= 6 and abs(x["evidence"]["loss_db"] - 18) <= 2)
    t.counter("echo of 50 ms and of 600 ms is its edge", judged(t, said, added(quiet, echoed(said, 0.75, 18)))["diagnosis"] == [])
    t.counter("not so loud", judged(t, said, added(quiet, echoed(said, 0.24, 18)), "--set", "diagnosis.echo=12")["diagnosis"] == [])
    back = judged(t, added(quiet, echoed(said, 0.12, 10)), said)
    t.equal("the other way", [(x["label"], x["direction"]) for x in back["diagnosis"]], [("echo", "caller_to_callee")])


@feature("K07", "diagnosis of sound: recorded speech with nothing wrong gets no label")
def clean(t):
    for n in range(6):
        pairs = [(turns(24, True, 2 + n, n * 3), turns(24, False, 2 + n, 11 + n)), (voice(24, n * 2), voice(24, 13 + n * 2, 0.3, who=OTHER))]
        for caller, callee in pairs:
            r = judged(t, caller, callee)
            t.equal(f"clean {n}", [(x["label"], x["evidence"]) for x in r["diagnosis"]], [])
    r = judged(t, between(turns(24, True), 8, 10, frozen), turns(24, False))
    t.counter("and one with something wrong does", [x["label"] for x in r["diagnosis"]] == ["frozen_audio"])


@feature("K07", "diagnosis of sound: the service stores it after rendering, the list finds it, figures count the call once")
def stored(t):
    a, b = turns(24, True), turns(24, False, at=9.0)
    source = packets(between(a, 8, 20, lambda s: [0.0] * len(s)), b)
    with FileService(t, source, "[recording]\ndefault = record\n") as s:
        row = wait_for("the call by its label", lambda: s.get(f"/api/v1/calls?{SPAN}&label=silence")["data"])[0]
        full = s.get(f"/api/v1/calls/{row['uid']}")
        t.equal("the sentence", full["summary"], "from 00:08 to 00:20 B heard A badly: packets without sound for 12 s, before the tap")
        t.equal("its recording", (full["recording"]["state"], len(full["recording"]["sound"]["stretches"])), ("ready", 1))
        t.equal("one call", len(s.get(f"/api/v1/calls?{SPAN}")["data"]), 1)
        metrics = wait_for("the label in the metrics", lambda: (lambda text: text if 'diagnoses_total{label="silence"} 1' in text else None)(s.fetch("/metrics")))
        t.check("and no other", 'diagnoses_total{label="clipping"} 1' not in metrics)
        span = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"}
        figures = wait_for("figures", lambda: [x for x in s.list("stats/summary", **span) if x["attempts"]])
        t.equal("figures count it once", sum(x["attempts"] for x in figures), 1)
        by = s.list("stats/summary", group_by="codec", metrics="mos,loss_ratio,attempts", **span)
        codec, scale = full["codec"], full["quality"]["scale"].lower()
        t.equal("by codec", [(x["codec"], x["attempts"], x[f"mos_count_{scale}"], x["loss_ratio_denominator"]) for x in by], [(codec, 1, 1, sum(x["expected"] for x in full["streams"]))])
        t.check("its score", abs(by[0][f"mos_p05_{scale}"] - full["quality"]["mos_min"]) < 0.026 and by[0]["mos_p05_fb"] is None)
        t.counter("nothing else is found", s.get(f"/api/v1/calls?{SPAN}&label=clipping")["data"] == [])
