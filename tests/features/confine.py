"""X43, X44: decoders run in a process of their own. What it may not do is tried by itself (`earshot --check-decoder`) and read
from /proc; a decoder that crashes costs a piece of one recording."""
import glob, os, signal, subprocess, time

from craft import *
from feature import Failure, feature
from listening import HEADER, RATE, Ear, addresses, answered, channels, play_along
from recordings import pcm, tone_media
from service import Service, in_namespace, wait_for

SPAN = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
SECONDS = 600  # of the call whose decoding is disturbed
FRAME = 160 * 4  # bytes of 20 ms of both channels


def status(pid):
    try:
        with open(f"/proc/{pid}/status") as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    except OSError:
        return {}


def decoders(parent):
    """Processes that decode for this one."""
    found = [int(n) for n in os.listdir("/proc") if n.isdigit()]
    return [pid for pid in found if (lambda s: s.get("PPid") == str(parent) and s.get("Name") == "decoder")(status(pid))]


class Fed(Service):
    """A service that reads a capture which we write when we like: its header is there from the beginning."""

    def __init__(self, t, config):
        self.header, self.path = 24, t.path()
        write(self.path, [])
        theirs, self.ours = os.pipe()
        with open(self.path, "rb") as f:
            os.write(self.ours, f.read())
        super().__init__(t, None, "[recording]\ndefault = record\n" + config, stdin=theirs)
        os.close(theirs)

    def feed(self, packets):
        write(self.path, frames(sorted(packets, key=lambda p: p.t)))
        with open(self.path, "rb") as f, os.fdopen(self.ours, "wb") as out:
            f.seek(self.header)
            out.write(f.read())

    def nothing(self):
        os.close(self.ours)


def decoder_of(s):
    return wait_for("a process that decodes", lambda: decoders(s.process.pid))[0]


# ---- X43

REFUSED = {"write a recording": "possible", "write to the spool": "refused", "read the database": "refused", "read /etc/passwd": "refused",
           "open a socket": "ended (seccomp)", "start a program": "ended (seccomp)", "start a process": "ended (seccomp)",
           "look into another process": "ended (seccomp)", "send a signal": "ended (seccomp)", "make code": "ended (seccomp)",
           "raise its limits": "ended (seccomp)", "take 4 GiB of memory": "refused", "take the CPU for ever": "ended (cpu)"}


@feature("X43", "the process that decodes has no network, no other files, no way to other processes, and budgets of memory and CPU")
def walls(t):
    conf = t.path("conf")
    with open(conf, "w") as f:
        data = t.path("data")
        f.write(f"[storage]\ndata_dir = {data}\n")
    done = subprocess.run([t.earshot, "--check-decoder", conf], capture_output=True, text=True, timeout=300)
    t.check("who asks leaves nothing", not os.path.exists(data))
    said = {line[:29].strip(): line[29:] for line in done.stdout.splitlines()}
    for what, wanted in REFUSED.items():
        t.check(f"{what}: {said.get(what)}", said.get(what, "").startswith(wanted))
    t.equal("all that was tried is known here", sorted(said), sorted(REFUSED))
    t.equal("exit code", done.returncode, 0)
    t.counter("writing a recording is refused as well", said["write a recording"] == "possible")


@feature("X43", "the decoder of a service: no new privileges, a filter of system calls, no capabilities; each thread has one")
def in_service(t):
    with Fed(t, "render_threads = 2\n") as s:
        pids = wait_for("two decoders", lambda: (lambda x: x if len(x) == 2 else None)(decoders(s.process.pid)))
        s.has("earshot_decoder_confined", 3)  # its process, seccomp, Landlock
        for pid in pids:
            found = wait_for("its walls stand", lambda: (lambda x: x if x.get("Seccomp") == "2" else None)(status(pid)))
            t.equal("walls", [found[k] for k in ("Seccomp", "NoNewPrivs", "CapEff", "CapPrm", "CapAmb", "Threads")],
                    ["2", "1", "0" * 16, "0" * 16, "0" * 16, "1"])
            if os.getuid() == 0:
                t.equal("its environment is empty, so is its list of files but for four",
                        (open(f"/proc/{pid}/environ", "rb").read(), sorted(int(n) for n in os.listdir(f"/proc/{pid}/fd"))), (b"", [0, 1, 2, 3, 4]))
        t.counter("the service itself is as confined", status(s.process.pid)["Seccomp"] == "0")
        s.nothing()
    wait_for("decoders end with their service", lambda: not any(status(pid) for pid in pids))
    with Fed(t, "confine = no\n") as s:
        s.has("earshot_decoder_confined", 1)  # its process
        found = status(decoder_of(s))
        t.counter("confine = no has walls", (found["Seccomp"], found["NoNewPrivs"]) == ("0", "0"))
        s.nothing()


def libraries(program):
    return subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout


@feature("X43", "codec libraries are in the program that decodes alone, and nothing of network or databases is in there")
def apart(t):
    decoder = os.path.join(os.path.dirname(t.earshot), "earshot-decoder")
    codecs, others = ("libavcodec", "libavformat", "libswresample"), ("libsqlite3", "libcurl", "libmicrohttpd", "libpcap")
    ours, theirs = libraries(t.earshot), libraries(decoder)
    t.equal("codecs in earshot", [name for name in codecs if name in ours], [])
    t.equal("network and databases in earshot-decoder", [name for name in others if name in theirs], [])
    t.counter("a program without either passes too", all(name in theirs for name in codecs) and all(name in ours for name in others))
    alone = subprocess.run([decoder], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    t.check(f"by hand it says what it is: {alone.stderr}", alone.returncode == 2 and "started by earshot" in alone.stderr)


@feature("X43", "without the program that decodes: one sentence that says what to do, at the start and when asked; calls are kept, and recorded once it is there")
def missing(t):
    absent, conf = t.path(), t.path("conf")
    with open(conf, "w") as f:
        f.write(f"[storage]\ndata_dir = {t.path('data')}\n[recording]\ndecoder = {absent}\n")
    wanted = f"the program that decodes, {absent}, is not there: install it, or say in [recording] decoder where it is"
    done = subprocess.run([t.earshot, "--check-decoder", conf], capture_output=True, text=True)
    t.equal("--check-decoder", (done.returncode, done.stdout, done.stderr), (1, "", f"earshot: {wanted}\n"))
    packets = short_call(1)
    pcap = t.path()
    write(pcap, frames(sorted(packets, key=lambda p: p.t)))
    done = subprocess.run([t.earshot, "read", "--quiet", "--config", conf, "--record", t.path("out"), pcap], capture_output=True, text=True)
    t.equal("read --record", (done.returncode, done.stderr), (1, f"earshot: {wanted}\n"))
    with Fed(t, f"decoder = {absent}\n") as s:
        wait_for("the sentence", lambda: wanted in s.said())
        s.feed(packets)
        wait_for("the call", lambda: any((r["recording"] or {}).get("state") == "spooling" for r in s.get(f"/api/v1/calls?{SPAN}")["data"]))
        os.symlink(os.path.join(os.path.dirname(t.earshot), "earshot-decoder"), absent)
        wait_for("the recording", lambda: any((r["recording"] or {}).get("state") == "ready" for r in s.get(f"/api/v1/calls?{SPAN}")["data"]), 30)
    done = subprocess.run([t.earshot, "--check-decoder", conf], capture_output=True, text=True)
    t.counter("a program that is there is missed too", "possible" in done.stdout and wanted not in done.stderr)
    with open(conf, "w") as f:
        f.write(f"[storage]\ndata_dir = {t.path('data')}\n[recording]\ndecoder = /bin/true\n")
    done = subprocess.run([t.earshot, "--check-decoder", conf], capture_output=True, text=True)
    t.check(f"another program: {done.stderr}", done.returncode == 1 and "ended before it began" in done.stderr)


# ---- X44

def long_call():
    d = Dialog(from_user="long")
    packets = call(d, SECONDS, voice=False)
    packets += tone_media(d.a, 4000, d.b, 6000, SECONDS, START + 1.05, 1, 400) + tone_media(d.b, 6000, d.a, 4000, SECONDS, START + 1.05, 2, 700)
    return packets


def short_call(n):
    d = Dialog(f"10.0.1.{n}", f"10.0.2.{n}", from_user=f"short{n}", call_id=f"short-{n}")
    return call(d, 3.0, voice=False, start=START + 100 * n) + tone_media(d.a, 4000, d.b, 6000, 3, START + 100 * n + 1.05, n, 500)


def large(data, ending):
    """A file of sound with this ending is larger than what a short call makes."""
    for name in glob.glob(f"{data}/audio/**/*{ending}", recursive=True):
        try:
            if os.path.getsize(name) > 1 << 20:
                return True
        except FileNotFoundError:
            pass # it got its name meanwhile
    return False


def stop_within(s, pid, data):
    """Lets the decoder run in small steps until it stands in the middle of the long call; False: it was through before."""
    for _ in range(20000):
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.001)
        os.kill(pid, signal.SIGSTOP)
        wait_for("it stands", lambda: status(pid).get("State", "T")[0] == "T")
        if large(data, ".part"):
            return True
        if large(data, ".wav"):
            return False
    raise Failure("the decoder did not come to the long call")


def disturbed(t, packets, how):
    """The service's calls by their caller, the sound of the long one, counters; `how` is done to the decoder in the middle of it."""
    with Fed(t, "") as s:
        data = os.path.join(os.path.dirname(s.log), "data")
        pid = decoder_of(s)
        os.kill(pid, signal.SIGSTOP)
        s.feed(packets)
        hit = stop_within(s, pid, data)
        if hit:
            how(pid)
        os.kill(pid, signal.SIGCONT)
        rows = wait_for("the recordings", lambda: (lambda x: x if len(x) == 4 and all((r["recording"] or {}).get("state") in ("ready", "damaged")
                        for r in x) else None)(s.get(f"/api/v1/calls?{SPAN}")["data"]), 120)
        if not hit:
            return None
        rows = {r["from"]["user"]: s.get(f"/api/v1/calls/{r['uid']}")["recording"] for r in rows}
        sound = {user: pcm(open(n, "rb").read())[2] for user, r in rows.items() for n in glob.glob(f"{data}/audio/**/{r['call_uid']}.wav", recursive=True)}
        said = {name: s.counter(name) for name in ("earshot_decoder_crashes_total", "earshot_recordings_damaged_total")}
        for r in rows.values():
            wait_for("the file beside each recording", lambda: glob.glob(f"{data}/audio/**/{r['call_uid']}.json", recursive=True))
        left = glob.glob(data + "/audio/**/*.part", recursive=True)
        return rows, sound, said, left, pid, decoders(s.process.pid), s.said()


def crash(pid):
    os.kill(pid, signal.SIGSEGV)


def until_hit(t, packets, how):
    for _ in range(4):
        found = disturbed(t, packets, how)
        if found:
            return found
    raise Failure("the decoder was through with the call each time before it could be disturbed")


@feature("X44", "kill -SEGV of the decoder within a recording: that one is damaged, 200 ms of one side are missing, all else is there and in step")
def segv(t):
    packets = long_call() + [p for n in (1, 2, 3) for p in short_call(n)]
    rows, sound, said, left, pid, now, log = until_hit(t, packets, crash)
    t.equal("states", {user: (r["state"], r["result"], r.get("damaged_pieces")) for user, r in rows.items()},
            {"long": ("damaged", "recorded", 1), **{f"short{n}": ("ready", "recorded", None) for n in (1, 2, 3)}})
    t.equal("counted", (said["earshot_decoder_crashes_total"], said["earshot_recordings_damaged_total"]), (1, 1))
    t.equal("nothing half is left", left, [])
    t.check("a new process went on", now and pid not in now)
    t.check("the log names the call", rows["long"]["call_uid"] in log and "decoder" in log)
    folder = t.path("whole")
    t.read(frames(sorted(packets, key=lambda p: p.t)), "--record", folder)
    whole = {user: pcm(open(glob.glob(f"{folder}/*_{user}_*.wav")[0], "rb").read())[2] for user in rows}
    t.equal("length", len(sound["long"]), len(whole["long"]))
    t.check("the short ones are as they should be", all(sound[user] == whole[user] for user in whole if user != "long"))
    other = [i for i in range(0, len(whole["long"]), FRAME) if sound["long"][i:i + FRAME] != whole["long"][i:i + FRAME]]
    t.check(f"some 200 ms differ, in one piece: {len(other)} pieces of 20 ms", 1 <= len(other) <= 20 and other[-1] - other[0] <= 25 * FRAME)
    sides = [any(sound["long"][i + 2 * c:i + FRAME:4] != whole["long"][i + 2 * c:i + FRAME:4] or sound["long"][i + 2 * c + 1:i + FRAME:4] !=
                 whole["long"][i + 2 * c + 1:i + FRAME:4] for i in other) for c in (0, 1)]
    t.equal("of one side", sum(sides), 1)
    rows, sound, said, *_ = until_hit(t, packets, lambda pid: None)
    t.counter("a decoder that only stood still is taken for one that crashed", rows["long"]["state"] == "ready" and
              "damaged_pieces" not in rows["long"] and sound["long"] == whole["long"] and said["earshot_decoder_crashes_total"] == 0)


@feature("X44", "a decoder killed from outside (SIGKILL, as the kernel does without memory) is replaced; nothing of the recording is left out")
def killed(t):
    packets = long_call() + [p for n in (1, 2, 3) for p in short_call(n)]
    rows, sound, said, left, pid, now, _ = until_hit(t, packets, lambda pid: os.kill(pid, signal.SIGKILL))
    t.equal("the recording is whole", (rows["long"]["state"], rows["long"].get("damaged_pieces"), len(sound["long"])), ("ready", None, SECONDS * 8000 * 4))
    t.equal("counted", (said["earshot_decoder_crashes_total"], said["earshot_recordings_damaged_total"]), (1, 0))
    t.counter("what the first one left is there", left == [] and now and pid not in now)


# ---- budgets

HUNGRY = "decode_memory = 64M\ndecode_cpu_base = 1s\n"


def hungry_call(n, word):
    """A second of both sides; with a word, one packet of the caller asks the decoder for all it can get (tests/support/hungry)."""
    d = Dialog(f"10.0.1.{n}", f"10.0.2.{n}", from_user=word or "plain", call_id=f"hungry-{n}")
    sound = tone_media(d.a, 4000, d.b, 6000, 1, START + 10 * n + 1.05, n, 500) + tone_media(d.b, 6000, d.a, 4000, 1, START + 10 * n + 1.05, 99 - n, 700)
    if word:
        sound[20] = replace(sound[20], data=sound[20].data[:12] + word.encode().ljust(160, b"\xff"))
    return call(d, 1.2, voice=False, start=START + 10 * n) + sound


@feature("X44", "decoders that take CPU or memory beyond their budget in the middle of a recording: a piece of that one is missing, counted; others are whole")
def budgets(t):
    hungry = os.path.join(os.path.dirname(os.path.abspath(t.earshot)), "tests/support/hungry/earshot-hungry")
    words = ["EAT-CPU", "EAT-ALL", "EAT-BIG"]
    packets = [p for n, word in enumerate([None, *words, None], 1) for p in hungry_call(n, word)]

    with Fed(t, f"{HUNGRY}decoder = {hungry}\n") as s:
        s.feed(packets)
        rows = wait_for("the recordings", lambda: (lambda x: x if len(x) == 5 and all((r["recording"] or {}).get("state") in ("ready", "damaged")
                        for r in x) else None)(s.get(f"/api/v1/calls?{SPAN}")["data"]), 120)
        data = os.path.join(os.path.dirname(s.log), "data")
        rows = [(r["from"]["user"], s.get(f"/api/v1/calls/{r['uid']}")["recording"]) for r in sorted(rows, key=lambda r: r["started_at"])]
        states = [(user, r["state"], r.get("damaged_pieces")) for user, r in rows]
        sound = [pcm(open(n, "rb").read())[2] for _, r in rows for n in glob.glob(f"{data}/audio/**/{r['call_uid']}.wav", recursive=True)]
        counts = {label: s.counter(f'earshot_decoder_crashes_total{{reason="{label}"}}') for label in ("cpu", "memory", "signal", "answer", "seccomp")}
        damaged, left = s.counter("earshot_recordings_damaged_total"), glob.glob(data + "/audio/**/*.part", recursive=True)
    folder = t.path("whole")
    records = t.read(frames(sorted(packets, key=lambda p: p.t)), "--record", folder)
    whole = [pcm(open(n, "rb").read())[2] for n in sorted(glob.glob(f"{folder}/*.wav"))]
    t.equal("states", states, [("plain", "ready", None), *((word, "damaged", 1) for word in words), ("plain", "ready", None)])
    t.equal("counted", (counts, damaged, left), ({"cpu": 1, "memory": 1, "signal": 1, "answer": 0, "seccomp": 0}, 3, []))
    t.check("the others are whole", sound[0] == whole[0] and sound[4] == whole[4])
    for n in (1, 2, 3):
        other = [i for i in range(0, len(whole[n]), FRAME) if sound[n][i:i + FRAME] != whole[n][i:i + FRAME]]
        t.check(f"{words[n - 1]}: as long, and 200 ms differ from the packet on: {other[:1]} {len(other)}", len(sound[n]) == len(whole[n]) and
                1 <= len(other) <= 15 and 18 * FRAME <= other[0] <= 21 * FRAME and other[-1] - other[0] <= 20 * FRAME)
        t.check("of one side", all(sound[n][i + 2:i + FRAME:4] == whole[n][i + 2:i + FRAME:4] for i in other))
    t.counter("decoders that take what they need are stopped too", all(r["recording"]["state"] == "ready" for r in records))


@feature("X44", "the decoder of a live listener is killed: he hears the call on, the recording is whole, nothing else notices")
@in_namespace
def listener(t):
    addresses()
    with Service(t, "lo", "[recording]\ndefault = record\n[capture]\nfilter = udp\n") as s:
        before = wait_for("the recordings' decoder", lambda: decoders(s.process.pid))
        player, enough = play_along(call(Dialog(a="10.0.0.1", b="10.0.0.2"), 60.0))
        uid = answered(s)
        ear = Ear(f"{s.url}/api/v1/live/calls/{uid}/audio")
        wait_for("sound", lambda: len(ear.bytes) > HEADER + 4 * RATE)
        own = [pid for pid in decoders(s.process.pid) if pid not in before]
        t.equal("a process of his own, without rights", [status(pid)["Seccomp"] for pid in own], ["2"])
        os.kill(own[0], signal.SIGSEGV)
        wait_for("another one", lambda: [pid for pid in decoders(s.process.pid) if pid not in before + own])
        at = HEADER + (len(ear.bytes) - HEADER) // 4 * 4
        wait_for("he hears both again", lambda: all(sum(v != 0 for v in side) > RATE for side in channels(ear.bytes[at:])) or not ear.is_alive())
        enough.set()
        player.join()
        ear.join(20)
        t.check(f"the stream ends with the call: {ear.failed}", not ear.is_alive() and ear.failed is None)
        heard = channels(ear.bytes[at:])
        t.check("both are heard again", all(any(side) for side in heard))
        s.has("earshot_decoder_crashes_total", 1)
        r = wait_for("the recording", lambda: next((c for c in s.records() if (c["recording"] or {}).get("state") in ("ready", "damaged")), None))
        t.equal("the recording", (r["recording"]["state"], decoders(s.process.pid)), ("ready", before))
        t.counter("with his decoder he lost all that came later", all(sum(v != 0 for v in side) > RATE for side in heard))
