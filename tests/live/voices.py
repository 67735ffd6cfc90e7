#!/usr/bin/env python3
"""Every codec that real telephones have, protected media, hold and transfers: all calls at once on one wire.

    voices.py [--earshot BIN] [--full] [--only CALL] [--list] [--keep]

Pairs of baresips talk side by side, each with speech of its own. Every call must be recorded, each channel of its recording
be as much like what that side sent as its own packets are when others decode them (less 0.01), for what keeps the wave form
0.98 at least, and be in step with it at both ends. The hold lasts 10 s, with --full 60 s; without it, too, only some of the
25 codecs. A telephone that stutters makes packets that are not like its speech, comes late by its own time, or begins to talk
ahead of its DTLS handshake, in the clear, when that takes a second try: tcpdump tells, and such a call is made once more.
Needs root.
Exit codes: 0 all as it should be, 1 not, 2 wrong usage.
"""

import argparse
import collections
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True  # leave the source tree as it is

import reference
import sound
from peer_tls import make_certificate, make_shim
from phones import Phone
from replay import micros
from lan import SERVER_IP, Lan
from wire import CALLEE_IP, CALLER_IP, Earshot, Failure, need, promptly, wait_for

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ("ip", "tc", "sysctl", "curl", "baresip", "tcpdump", "espeak-ng", "sox", "ffmpeg", "gcc", "openssl")
CONFIG = """[capture]
interface = vs
[recording]
default = record
[storage]
data_dir = {{data}}
[tls]
key_log = {secrets}
[log]
level = info
"""

TALK_S = 5.5
HOLD_S, FULL_HOLD_S = 10, 60
BESIDE_S = 2.5  # with one, while the other waits
READY_LIMIT_S = 90  # all end at once
OFFSET_LIMIT_S = 0.020
ALLOWANCE = 0.01
WAVE_FORM = 0.98
EDGE_S = 0.2
WINDOW_S = 2.0
STEP_S = 0.3  # between windows, where a telephone does not keep its own time: one of them must be right
LAZY_S = 0.04
LAZY_WINDOW_S = 0.5
TRIES = 3

# As baresip names it, its module; our name; rate and channels of its file; RTP clock; what its packets must be like the speech at least,
# or the telephone stuttered.
Codec = collections.namedtuple("Codec", "baresip module ours rate channels clock least")
CODECS = {
    "pcmu": Codec("PCMU", "g711", "PCMU", 8000, 1, 8000, WAVE_FORM),
    "pcma": Codec("PCMA", "g711", "PCMA", 8000, 1, 8000, WAVE_FORM),
    "g722": Codec("G722/16000", "g722", "G722", 16000, 1, 8000, WAVE_FORM),
    "g726-40": Codec("G726-40", "g726", "G726-40", 8000, 1, 8000, WAVE_FORM),
    "g726-32": Codec("G726-32", "g726", "G726-32", 8000, 1, 8000, 0.96),
    "g726-24": Codec("G726-24", "g726", "G726-24", 8000, 1, 8000, 0.93),
    "g726-16": Codec("G726-16", "g726", "G726-16", 8000, 1, 8000, 0.88),
    "gsm": Codec("GSM", "gsm", "GSM", 8000, 1, 8000, 0.85),
    "amr": Codec("AMR", "amr", "AMR", 8000, 1, 8000, 0.75),
    "amr-wb": Codec("AMR-WB/16000", "amr", "AMR-WB", 16000, 1, 16000, 0.85),
    "codec2": Codec("CODEC2", "codec2", "CODEC2", 8000, 1, 8000, 0.5),
    "opus": Codec("opus/48000/2", "opus", "opus", 48000, 2, 48000, 0.9),
    **{f"l16-{rate}-{channels}": Codec(f"L16/{rate}/{channels}", "l16", "L16", rate, channels, rate, WAVE_FORM)
       for rate in (8000, 16000, 32000, 44100, 48000) for channels in (1, 2)},
    "mpa": Codec("MPA/48000/2", "mpa", "MPA", 48000, 2, 90000, None),
    "aptx": Codec("aptx/48000/2", "aptx", "aptx", 48000, 2, 48000, None),
    "opus-multistream": Codec("opus_multistream/48000/2", "opus_multistream", "opus_multistream", 48000, 2, 48000, None),
}
VOCODERS = ("CODEC2",)
OPUS_SETTINGS = ("opus_bitrate 48000", "opus_stereo yes", "opus_sprop_stereo yes")

# name: (codec, kind, options)
CALLS = {
    **{name: (name, "talk", {}) for name in CODECS},
    "sdes": ("pcma", "talk", {"media": "srtp-mand"}),
    "sdes-g722": ("g722", "talk", {"media": "srtp-mand"}),
    "sdes-tls": ("pcma", "talk", {"media": "srtp-mand", "transport": "tls"}),
    "dtls": ("pcma", "talk", {"media": "dtls_srtp"}),
    "dtls-opus": ("opus", "talk", {"media": "dtls_srtp"}),
    "tcp": ("pcmu", "talk", {"transport": "tcp"}),
    "hold": ("pcma", "hold", {}),
    "hold-sdes": ("pcmu", "hold", {"media": "srtp-mand"}),
    "blind": ("pcma", "blind", {}),
    "consult": ("pcmu", "consult", {}),
}
SMOKE = ["gsm", "amr", "amr-wb", "codec2", "l16-16000-1", "l16-48000-2", "mpa", "sdes", "sdes-tls", "dtls", "dtls-opus", "hold",
         "blind", "consult"]


def expect(equal, text):
    if not equal:
        raise Failure(text)


class Stutter(Failure):
    """Of the telephone, not ours."""


# ---- the telephones ----

class Stage:
    """The wire with Earshot on it, and what all calls share."""

    def __init__(self, wire, earshot, secrets, minutes, hold_s):
        self.wire, self.earshot, self.minutes, self.hold_s = wire, earshot, minutes, hold_s
        self.certificate = make_certificate(wire)
        self.environment = {**os.environ, "LD_PRELOAD": make_shim(wire), "SSLKEYLOGFILE": secrets}
        support = Path(earshot.binary).parent / "tests/support"
        self.alike, self.encode = str(support / "alike/earshot-alike"), str(support / "encode/earshot-encode")
        self.ports = iter(range(5100, 5600, 2))
        self.lock = threading.Lock()
        self.dump_number = 0

    def port(self):
        with self.lock:
            return next(self.ports)

    def listen(self):
        """tcpdump on the mirror; the file that it writes."""
        self.dump_number += 1
        self.seen = os.path.join(self.wire.work, f"seen{self.dump_number}.pcap")
        self.dump = self.wire.start(self.wire.probe, promptly(["tcpdump", "-Z", "root", "-i", "vs", "-U", "-B", "65536", "-w", self.seen, "udp"]),
                                    "tcpdump.log")
        wait_for(20, "tcpdump listens", lambda: os.path.exists(self.seen) and os.path.getsize(self.seen) >= 24)

    def listened(self):
        time.sleep(1.2)  # tcpdump takes blocks of up to a second
        self.dump.terminate()
        self.dump.wait(30)
        self.agreed = reference.agreed_at(self.seen)
        return reference.flows_of(self.seen)


class Call:
    """A call between telephones of its own: `prepare`, `hold_it` in a thread, then the checks."""

    def __init__(self, stage, name, attempt=0):
        self.stage, self.name = stage, name
        codec, self.kind, self.options = CALLS[name]
        self.codec = CODECS[codec]
        self.label = f"{name}-{attempt}" if attempt else name

    def phone(self, who, voice):
        port, codec, lan = self.stage.port(), self.codec, self.stage.wire
        space, ip = {"alice": (lan.caller, CALLER_IP), "bob": (lan.callee, CALLEE_IP), "carol": (lan.server, SERVER_IP)}[who]
        media = self.options.get("media")
        modules = [codec.module] + (["srtp" if media.startswith("srtp") else media] if media else [])
        account = f"<sip:{who}-{self.label}@{ip}:{port}>;regint=0;answermode=auto;audio_codecs={codec.baresip}"
        account += f";mediaenc={media}" if media else ""
        speech = sound.speak(voice, codec.rate, codec.channels, self.stage.wire.work, self.stage.minutes)
        settings = OPUS_SETTINGS if codec.module == "opus" else ()
        if self.options.get("transport") == "tls" or media == "dtls_srtp":
            settings += (f"sip_certificate {self.stage.certificate}",)
        return Phone(self.stage.wire, space, ip, f"{who}-{self.label}", port, accounts=[account], codecs=modules, speech=speech,
                     settings=settings, environment=self.stage.environment)

    def prepare(self):
        self.alice, self.bob = self.phone("alice", "caller"), self.phone("bob", "callee")
        if self.kind in ("blind", "consult"):
            self.carol = self.phone("carol", "callee")

    def uri(self, phone):
        transport = self.options.get("transport")
        return f"sip:{phone.user}@{phone.ip}:{phone.port + (transport == 'tls')}" + (f";transport={transport}" if transport else "")

    def run(self):
        self.alice.tell(f"/dial {self.uri(self.bob)}")
        self.bob.wait_said("Call established")
        getattr(self, "do_" + self.kind)()

    def do_talk(self):
        time.sleep(TALK_S)
        self.alice.tell("/hangup")

    def do_hold(self):
        time.sleep(TALK_S)
        self.bob.tell("/hold")
        time.sleep(self.stage.hold_s)
        self.bob.tell("/resume")
        time.sleep(TALK_S)
        self.alice.tell("/hangup")

    def do_blind(self):
        """Bob sends Alice on to Carol."""
        time.sleep(TALK_S)
        self.bob.tell(f"/transfer {self.uri(self.carol)}")
        self.carol.wait_said("Call established")
        time.sleep(TALK_S)
        self.carol.tell("/hangup")
        self.alice.wait_said("terminated")
        self.bob.tell("/hangup")

    def do_consult(self):
        """Bob lets Alice wait, asks Carol, then sends Alice to her."""
        time.sleep(TALK_S)
        self.bob.tell("/hold")
        self.bob.tell(f"/dial {self.uri(self.carol)}")
        self.carol.wait_said("Call established")
        time.sleep(TALK_S)
        self.bob.tell("/hangup")
        self.carol.wait_said("terminated")
        time.sleep(0.3)
        self.bob.tell("/resume")
        time.sleep(BESIDE_S)
        self.bob.tell(f"/transfer {self.uri(self.carol)}")
        self.carol.wait_said("Call established", 2)
        time.sleep(TALK_S)
        self.carol.tell("/hangup")
        self.alice.wait_said("terminated")
        self.bob.tell("/hangup")

    def callees(self):
        return [self.bob] + ([self.carol] if self.kind in ("blind", "consult") else [])


# ---- what was heard of them ----

class Ear:
    """Compares one recording with what its two sides sent."""

    def __init__(self, stage, codec, call, flows):
        self.stage, self.codec, self.call, self.flows = stage, codec, call, flows
        self.folder = os.path.join(stage.wire.work, "ear-" + call["uid"])

    def alike(self, rate, sent, heard, places, window_s=WINDOW_S, envelope=None):
        """[(correlation, ms later)] of pieces of `sent` from `at` on, looked for in `heard` at + due."""
        envelope = self.codec.ours in VOCODERS if envelope is None else envelope
        words = [self.stage.alike] + (["--envelope"] if envelope else []) + [str(rate), str(window_s), sent, heard]
        done = subprocess.run(words + [f"{x:.6f}" for place in places for x in place], capture_output=True, text=True)
        expect(done.returncode == 0, f"earshot-alike: {done.stderr.strip()}")
        return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]

    def path(self, name):
        return os.path.join(self.folder, name)

    def fetch(self):
        os.makedirs(self.folder, exist_ok=True)
        with open(self.path("recording.wav"), "wb") as f:
            f.write(self.stage.earshot.fetch(self.call["recording"]["url"]))
        return sound.rate_of(self.path("recording.wav"))

    def side(self, channel, stream, rate, speech):
        """(text, media seconds) of one side."""
        who, start_us = stream["party"], micros(self.call["recording"]["started_at"])
        sent, heard, wire = (self.path(f"{who}.{what}") for what in ("sent", "heard", "wire"))
        reference.write_mono(speech, rate, sent)
        reference.write_channel(self.path("recording.wav"), channel, heard)
        due = (micros(stream["first_at"]) - start_us) / 1e6
        packets = self.flows.get((stream["src"], stream["dst"]), [])
        expect(stream["packets"] == len(packets), f"{who}: {stream['packets']} packets, tcpdump saw {len(packets)}")
        if self.protected():
            self.check_sealed(who, stream, packets)
            media_s = ((packets[-1].timestamp - packets[0].timestamp) & 0xFFFFFFFF) / self.codec.clock + sound.RTP_PACKET_S
        else:
            media_s = reference.decode(self.codec.ours, self.codec.clock, self.codec.channels, packets, rate, wire, self.stage.encode)
        ends = self.ends(media_s, packets)
        ours = self.alike(rate, sent, heard, [(at, due) for at in ends])
        theirs = None if self.protected() else self.alike(rate, sent, wire, [(at, 0) for at in ends])
        try:
            if self.codec.ours in VOCODERS:
                return self.judge_vocoder(who, ours, self.alike(rate, wire, heard, [(at, due) for at in ends], envelope=False))
            return self.judge(who, ours, theirs)
        except Stutter:
            raise
        except Failure as e:
            late_s = self.lateness(packets)
            if late_s <= LAZY_S:
                raise Failure(f"{e}; {media_s:.2f} s of it, due at {due:+.2f} s of the recording") from None
            try:
                return self.lazy(who, media_s, lambda at: self.alike(rate, sent, heard, [(at, due)], LAZY_WINDOW_S)[0])
            except Failure as lazy:
                raise Stutter(f"{lazy}, and its packets came up to {late_s * 1000:.0f} ms late by their own time") from None

    def judge_vocoder(self, who, speech, decoded):
        """What it decodes is like the speech in its envelope only; but the recording is what the same packets are when they are
        decoded by others, sample for sample but for the noise in it, which is another each time."""
        for n, ((envelope, _), (match, late_ms)) in enumerate(zip(speech, decoded)):
            where = f"{who}, place {n + 1} of {len(speech)}"
            expect(match >= WAVE_FORM, f"{where}: correlation {match:.4f} with its packets decoded by others is below {WAVE_FORM}")
            expect(abs(late_ms) <= OFFSET_LIMIT_S * 1000, f"{where}: {late_ms:.1f} ms off the media time of the first packet")
            expect(envelope >= self.codec.least, f"{where}: its envelope is like the speech by {envelope:.4f}, {self.codec.least} is usual")
        return f"{who} " + " ".join(f"{m:.4f} of its packets {late:+.1f}ms" for m, late in decoded)

    def check_sealed(self, who, stream, packets):
        """This telephone begins when the handshake for RTCP is over, even if that for RTP is not."""
        agreed = self.stage.agreed.get(frozenset((stream["src"], stream["dst"])), 0)
        early = sum(p.time < agreed for p in packets)
        if early:
            raise Stutter(f"{who}: the telephone sent {early} packets in the clear ahead of its DTLS handshake")

    def lateness(self, packets):
        """By how much a packet comes later than its own time says, at most."""
        late = [p.time - ((p.timestamp - packets[0].timestamp) & 0xFFFFFFFF) / self.codec.clock for p in packets]
        return max(late) - min(late)

    def lazy(self, who, media_s, alike):
        """The telephone sends later and later, and its clock says otherwise: the recording follows in steps, so that both
        sides stay together. Between two steps it must be like what was sent."""
        told = []
        for begin in (EDGE_S, media_s - WINDOW_S - EDGE_S - 3 * STEP_S):
            match, late_ms = max(alike(max(0, begin + n * STEP_S)) for n in range(4))
            told.append(f"{match:.4f} {late_ms:+.1f}ms")
            expect(match >= self.codec.least, f"{who}: correlation {match:.4f} is below {self.codec.least}")
        return f"{who} late by itself, " + " ".join(told)

    def protected(self):
        return any(s["srtp"] not in (None, False, "none") for s in self.call["streams"])

    def ends(self, media_s, packets):
        """Where windows begin: at the beginning and the end; behind and ahead of a pause, too."""
        ends, clock = [EDGE_S, media_s - WINDOW_S - EDGE_S], self.codec.clock
        for a, b in zip(packets, packets[1:]):
            if (b.timestamp - a.timestamp) & 0xFFFFFFFF > clock:  # a second
                ends += [((a.timestamp - packets[0].timestamp) & 0xFFFFFFFF) / clock - WINDOW_S - EDGE_S,
                         ((b.timestamp - packets[0].timestamp) & 0xFFFFFFFF) / clock + EDGE_S]
        return [at for at in sorted(ends) if at >= 0]

    def judge(self, who, ours, theirs):
        nominal = self.codec.least
        if theirs and min(match for match, _ in theirs) < nominal:
            raise Stutter(f"{who}: the telephone's own packets are like its speech by {theirs}, {nominal} is usual")
        least = [max(WAVE_FORM, 0) if nominal == WAVE_FORM else t[0] - ALLOWANCE for t in theirs or ours]
        if nominal != WAVE_FORM and not theirs:
            least = [nominal] * len(ours)
        for n, ((match, late_ms), lowest) in enumerate(zip(ours, least)):
            where = f"{who}, place {n + 1} of {len(ours)}"
            expect(match >= lowest, f"{where}: correlation {match:.4f} is below {lowest:.4f}")
            expect(abs(late_ms) <= OFFSET_LIMIT_S * 1000, f"{where}: {late_ms:.1f} ms off the media time of the first packet")
        told = " ".join(f"{m:.4f}{f'/{t[0]:.4f}' if theirs else ''} {late:+.1f}ms" for (m, late), t in zip(ours, theirs or ours))
        return f"{who} {told}"


def ended_call(stage, phone, other=None):
    def look():
        calls = [c for c in stage.earshot.ended_calls(phone.user) if c["state"] == "ended" and c["recording"]]
        calls = [c for c in calls if other is None or c["from"]["user"] == other.user]
        return calls and calls[0]["recording"]["state"] not in ("spooling", "rendering") and calls[0]
    call = wait_for(READY_LIMIT_S, f"the recording of the call to {phone.user}", look)
    return stage.earshot.get(f"/api/v1/calls/{call['uid']}")


def check_record(call, codec, protected):
    expect(call["outcome"] == "answered" and call["end_reason"] == "bye", f"{call['outcome']}, ended by {call['end_reason']}")
    parties = sorted(s["party"] for s in call["streams"])
    expect(parties == ["callee", "caller"], f"streams are of {parties}")
    for s in call["streams"]:
        expect(s["codec"].lower() == codec.ours.lower(), f"{s['party']}: codec is {s['codec']}, not {codec.ours}")
        expect(s["lost"] == 0, f"{s['party']}: {s['lost']} packets lost on a wire that loses none")
        expect((s["srtp"] not in (None, False, "none")) == protected, f"{s['party']}: srtp is {s['srtp']}")
    recording, result = call["recording"], "recorded" if codec.least else "undecodable"
    expect(recording["result"] == result, f"recording result is {recording['result']}, not {result}")
    for flag in ("one_way", "partial", "truncated", "recovered"):
        expect(not recording[flag], f"the recording is {flag}")


def check(item, flows, caller, callee):
    """A word on the call of `caller` to `callee`."""
    call = ended_call(item.stage, callee, caller)
    check_record(call, item.codec, "media" in item.options)
    if not item.codec.least:
        return f"{item.codec.ours} is not decoded, and said so"
    ear = Ear(item.stage, item.codec, call, flows)
    rate = ear.fetch()
    streams = {s["party"]: s for s in call["streams"]}
    heard = [ear.side(channel, streams[party], rate, phone.speech)
             for channel, (party, phone) in enumerate((("caller", caller), ("callee", callee)))]
    return f"{rate} Hz; " + "; ".join(heard)


def check_item(item, flows):
    told = [check(item, flows, item.alice, item.bob)]
    if item.kind in ("blind", "consult"):
        told.append(check(item, flows, item.alice, item.carol))
    if item.kind == "consult":
        told.append(check(item, flows, item.bob, item.carol))
    return "\n        ".join(told)


# ---- all of them ----

def guarded(work, *words):
    """(what it gives, None) or (None, what went wrong)"""
    try:
        return work(*words), None
    except Failure as e:
        return None, e


class Clock:
    def __init__(self):
        self.at = time.monotonic()

    def tell(self, what):
        now = time.monotonic()
        print(f"      {what}: {now - self.at:.1f} s", flush=True)
        self.at = now


def make_calls(stage, names, attempt):
    """Names of calls whose telephone stuttered, {name: what is wrong}."""
    items = [Call(stage, name, attempt) for name in names]
    stage.listen()
    clock = Clock()
    with ThreadPoolExecutor(8) as pool:
        prepared = list(pool.map(lambda i: guarded(i.prepare), items))
    clock.tell("telephones")
    with ThreadPoolExecutor(len(items)) as pool:
        made = list(pool.map(lambda i: guarded(i.run), items))
    clock.tell("calls")
    flows = stage.listened()
    stutters, wrong = [], {}
    with ThreadPoolExecutor(2) as pool:
        checked = list(pool.map(lambda i: guarded(check_item, i, flows), items))
    clock.tell("checks")
    for item, *outcomes in zip(items, prepared, made, checked):
        error = next((e for _, e in outcomes if e), None)
        if error is None:
            print(f"ok    {item.label}: {outcomes[2][0]}", flush=True)
        elif (isinstance(error, Stutter) or outcomes[2][1] is not error) and attempt + 1 < TRIES:  # of the telephones
            print(f"      {item.label}: {error}; once more", flush=True)
            stutters.append(item.name)
        else:
            print(f"FAIL  {item.label}: {error}", flush=True)
            wrong[item.name] = str(error)
    stage.wire.end_processes(but=stage.earshot.process)
    return stutters, wrong


def run_all(binary, names, full, work):
    secrets = os.path.join(work, "secrets")
    open(secrets, "w").close()
    failures = {}
    with Lan(work) as wire:
        before = wire.packets_from_earshot()
        earshot = Earshot(wire, binary, CONFIG.format(secrets=secrets))
        stage = Stage(wire, earshot, secrets, 2 if full else 1, FULL_HOLD_S if full else HOLD_S)
        attempt = 0
        while names:
            names, wrong = make_calls(stage, names, attempt)
            failures.update(wrong)
            attempt += 1
        _, error = guarded(earshot.stop)
        failures.update({"SIGTERM": str(error)} if error else {})
        sent = wire.packets_from_earshot() - before
        failures.update({"silence": f"{sent} packets came out of the capture interface"} if sent else {})
    return failures


def main():
    parser = argparse.ArgumentParser(description="Every codec of real telephones, protected media, hold and transfers.")
    parser.add_argument("--earshot", default=str(ROOT / "build/dev/earshot"))
    parser.add_argument("--full", action="store_true", help="all calls, a hold of a minute")
    parser.add_argument("--only", choices=CALLS, action="append", help="this call; may be repeated")
    parser.add_argument("--list", action="store_true", help="name the calls")
    parser.add_argument("--keep", action="store_true", help="keep the working folder")
    args = parser.parse_args()
    if args.list:
        print("\n".join(CALLS))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = tempfile.mkdtemp(prefix="earshot-voices-")
    begin = time.monotonic()
    try:
        expect(os.geteuid() == 0, "network namespaces need root")
        expect(os.access(args.earshot, os.X_OK), f"{args.earshot}: no such program; build it first")
        need(*TOOLS)
        names = args.only or (list(CALLS) if args.full else SMOKE)
        failures = run_all(os.path.realpath(args.earshot), names, args.full, work)
    except Failure as e:
        failures = {"setup": str(e)}
        print(f"FAIL  {e}")
    if args.keep:
        print(f"kept {work}")
    else:
        shutil.rmtree(work, ignore_errors=True)
    print(f"voices: {time.monotonic() - begin:.0f} s, " + ("failed: " + ", ".join(failures) if failures else "all as it should be"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
