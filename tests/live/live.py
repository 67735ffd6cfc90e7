#!/usr/bin/env python3
"""Earshot on a wire with real clients, and the same traffic live and from a file.

    live.py [--earshot BIN] [--smoke] [--only CASE] [--keep]

Cases, each on the same running service:
  sipp      three calls at once that share one SSRC and one callee port, replayed by SIPp, echoed
  pcmu pcma g722 opus
            a call between two baresips, each sending speech of its own
  replay    generated calls replayed by tcpreplay: the records equal those of `earshot read`
A call must be seen while it goes on, be recorded, and each channel of the recording must correlate
with what that side sent and be in step with it. In the end the peer of the mirror interface must have
received nothing at all. --smoke takes sipp with one call, pcma and replay. Needs root. Exit codes:
0 all as it should be, 1 not, 2 wrong usage.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # leave the source tree as it is

import replay
import sound
from clients import OPUS_BITRATE, BaresipCall, SippCalls
from replay import micros
from wire import Earshot, Failure, Heartbeat, Wire, need, wait_for

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ("ip", "tc", "sysctl", "curl", "sipp", "baresip", "tcpreplay", "tcpdump", "espeak-ng", "sox",
         "soxi", "ffmpeg")

CALL_S = 6
CALL_LIMIT_S = 25
ANSWER_LIMIT_S = 20
ENDED_LIMIT_S = 1  # a call that has ended is in the list of calls
ENDED_WAIT_S = 20
READY_LIMIT_S = 5
OFFSET_LIMIT_S = 0.020
LEAST_CORRELATION = 0.98
OPUS_ALLOWANCE = 0.01
SHORTEST_STREAM_S = 4.5
MACHINE_LATE_S = 0.1

# name: (codec as baresip calls it, its module, rate of the file, channels of the file, our name)
CODECS = {
    "pcmu": ("PCMU", "g711", 8000, 1, "PCMU"),
    "pcma": ("PCMA", "g711", 8000, 1, "PCMA"),
    "g722": ("G722", "g722", 16000, 1, "G722"),
    "opus": ("opus/48000/2", "opus", 48000, 2, "opus"),
}
CASES = ["sipp", *CODECS, "replay"]
SMOKE = ["sipp", "pcma", "replay"]


def expect(equal, text):
    if not equal:
        raise Failure(text)


# ---- a call from its first packet to its recording ----


def watch_calls(earshot, clients, user, count):
    """Runs the clients; every call must be in the list of live calls, answered, and leave it."""
    clients.begin()
    end = time.monotonic() + CALL_LIMIT_S
    answered = set()
    while not clients.over():
        expect(time.monotonic() < end, f"the calls to {user} do not end")
        for call in earshot.live_calls(user):
            if call["state"] == "answered":
                answered.add(call["uid"])
        time.sleep(0.2)
    clients.finish()
    expect(clients.caller.returncode == 0, f"the caller ended with {clients.caller.returncode}, "
                                           f"see its log in {earshot.wire.work}")
    expect(len(answered) == count, f"{len(answered)} of {count} calls to {user} were seen live")
    return answered


def ended(earshot, user, uids):
    """(the calls in order of start, seconds from the end of the last one until all were listed)"""
    def look():
        calls = earshot.ended_calls(user)
        return {c["uid"] for c in calls} == uids and calls
    calls = wait_for(ENDED_WAIT_S, f"the ended calls to {user} in /calls", look)
    took = time.time() - max(micros(c["ended_at"]) for c in calls) / 1e6
    return sorted(calls, key=lambda c: c["started_at"]), took


def check_calls(earshot, user, uids, codec, wavs):
    calls, took = ended(earshot, user, uids)
    for call in calls:
        check_call(earshot, call, codec, wavs)
    expect(took <= ENDED_LIMIT_S, f"{took:.1f} s from the end of the last call until /calls lists it, "
                                  f"{ENDED_LIMIT_S} s are allowed")


def wait_ready(earshot, call):
    """(the call with a finished recording, seconds from the end of the call until it was seen)"""
    def look():
        now = earshot.get(f"/api/v1/calls/{call['uid']}")
        return (now["recording"] or {}).get("state") == "ready" and now
    now = wait_for(READY_LIMIT_S + 20, f"recording of {call['call_id']}", look)
    took = time.time() - micros(now["ended_at"]) / 1e6
    expect(took <= READY_LIMIT_S, f"the recording was ready {took:.1f} s after the end")
    return now, took


def check_record(call, codec):
    expect(call["state"] == "ended", f"state is {call['state']}")
    expect(call["outcome"] == "answered", f"outcome is {call['outcome']}")
    expect(call["end_reason"] == "bye", f"end_reason is {call['end_reason']}")
    expect(call["released_by"] == "caller", f"released_by is {call['released_by']}")
    expect(not call["partial"], "the call is partial")
    parties = sorted(s["party"] for s in call["streams"])
    expect(parties == ["callee", "caller"], f"streams are of {parties}")
    for s in call["streams"]:
        who = s["party"]
        expect(s["codec"].lower() == codec.lower(), f"{who}: codec is {s['codec']}, not {codec}")
        expect(s["lost"] == 0, f"{who}: {s['lost']} packets lost on a wire that loses none")
    recording = call["recording"]
    expect(recording["result"] == "recorded", f"recording result is {recording['result']}")
    for flag in ("one_way", "partial", "truncated", "recovered"):
        expect(not recording[flag], f"the recording is {flag}")


def check_channel(call, party, recorded, rate, sent, least):
    """What was heard of one side; returns a word on it."""
    stream = next(s for s in call["streams"] if s["party"] == party)
    media_s = stream["packets"] * sound.RTP_PACKET_S
    expect(media_s >= SHORTEST_STREAM_S, f"{party}: only {media_s:.1f} s of media")
    due = (micros(stream["first_at"]) - micros(call["recording"]["started_at"])) / 1e6
    matches = sound.compare(sent, recorded, media_s, rate)
    offsets = [later - due for _, later in matches]
    for end, (match, _), lowest, offset in zip(("beginning", "end"), matches, least, offsets):
        expect(match >= lowest, f"{party}, {end}: correlation {match:.4f} is below {lowest:.4f}")
        expect(abs(offset) <= OFFSET_LIMIT_S, f"{party}, {end}: {offset * 1000:.1f} ms off the "
                                              "media time of the first packet")
    expect(abs(offsets[0] - offsets[1]) <= OFFSET_LIMIT_S, f"{party}: beginning and end differ by "
                                                          f"{(offsets[1] - offsets[0]) * 1000:.1f} ms")
    return (f"{party} {matches[0][0]:.4f} {matches[1][0]:.4f} of {least[0]:.3f} {least[1]:.3f} "
            f"({offsets[0] * 1000:+.1f} {offsets[1] * 1000:+.1f} ms)")


def least_for(codec, wav, sent, rate, media_s, work):
    if codec != "opus":
        return [LEAST_CORRELATION] * 2
    reference = sound.samples_of(sound.through_opus(wav, OPUS_BITRATE, work), 1, rate)
    return [match - OPUS_ALLOWANCE for match, _ in sound.compare(sent, reference, media_s, rate)]


def check_call(earshot, call, codec, wavs):
    call, took = wait_ready(earshot, call)
    check_record(call, codec)
    path = os.path.join(earshot.wire.work, call["recording"]["id"] + ".wav")
    with open(path, "wb") as f:
        f.write(earshot.fetch(call["recording"]["url"]))
    rate = sound.rate_of(path)
    heard = []
    for channel, party in enumerate(("caller", "callee")):
        sent = sound.samples_of(wavs[channel], 1, rate)
        packets = next(s["packets"] for s in call["streams"] if s["party"] == party)
        least = least_for(codec, wavs[channel], sent, rate, packets * sound.RTP_PACKET_S,
                          earshot.wire.work)
        recorded = sound.samples_of(path, channel + 1)
        heard.append(check_channel(call, party, recorded, rate, sent, least))
    print(f"    {codec} at {rate} Hz, ready after {took:.1f} s; " + "; ".join(heard))


# ---- the cases ----


def call_sipp(earshot, count, attempt):
    work = earshot.wire.work
    wav = sound.speak("caller", 8000, 1, work)
    pcap = os.path.join(work, "speech.pcap")
    sound.write_pcma_pcap(pcap, wav, CALL_S)
    user = f"sipp-callee-{attempt}"
    clients = SippCalls(earshot.wire, count, pcap, CALL_S, user=user)
    time.sleep(0.5)
    uids = watch_calls(earshot, clients, user, count)
    check_calls(earshot, user, uids, "PCMA", (wav, wav))


def case_sipp(earshot, smoke):
    """SIPp and this program keep real time: where the machine let nobody run for a while, the calls are made once more."""
    for attempt in (1, 2, 3):
        heart = Heartbeat()
        try:
            return call_sipp(earshot, 1 if smoke else 3, attempt)
        except Failure as e:
            late_s = heart.stop()
            if late_s < MACHINE_LATE_S or attempt == 3:
                raise
            print(f"      sipp, attempt {attempt}: {e}; the machine was {late_s * 1000:.0f} ms late; once more", flush=True)
            earshot.wire.end_processes(but=earshot.process)
        finally:
            heart.stop()


def call_baresip(earshot, name, attempt):
    codec, module, rate, channels, ours = CODECS[name]
    wavs = [sound.speak(who, rate, channels, earshot.wire.work) for who in ("caller", "callee")]
    users = (f"caller-{name}-{attempt}", f"callee-{name}-{attempt}")
    clients = BaresipCall(earshot.wire, codec, module, wavs, users, CALL_S)
    wait_for(ANSWER_LIMIT_S, "baresip listens", clients.listening)
    uids = watch_calls(earshot, clients, users[1], 1)
    check_calls(earshot, users[1], uids, ours, wavs)


def case_baresip(earshot, name):
    """baresip feeds its encoder in real time: on a busy machine the speech it sends stutters. Two more calls tell that
    from a fault of ours."""
    for attempt in (1, 2):
        try:
            return call_baresip(earshot, name, attempt)
        except Failure as e:
            print(f"      {name}, call {attempt}: {e}; once more", flush=True)
            earshot.wire.end_processes(but=earshot.process)
    return call_baresip(earshot, name, 3)


def run_case(earshot, binary, name, smoke):
    if name == "sipp":
        case_sipp(earshot, smoke)
    elif name == "replay":
        replay.case(earshot, binary)
    else:
        case_baresip(earshot, name)


def guarded(failures, name, work, *words):
    """Runs work(*words); what goes wrong is told and kept."""
    begin = time.monotonic()
    try:
        work(*words)
        print(f"ok    {name} ({time.monotonic() - begin:.1f} s)", flush=True)
    except Failure as e:
        print(f"FAIL  {name}: {e}", flush=True)
        failures.append(name)


def check_silence(wire, before):
    sent = wire.packets_from_earshot() - before
    expect(sent == 0, f"{sent} packets came out of the capture interface")
    expect(wire.mirrored_packets() > 0, "the mirror saw nothing")


def run_all(binary, names, smoke, work):
    failures = []
    with Wire(work) as wire:
        before = wire.packets_from_earshot()
        earshot = Earshot(wire, binary)
        for name in names:
            guarded(failures, name, run_case, earshot, binary, name, smoke)
            wire.end_processes(but=earshot.process)
        guarded(failures, "SIGTERM ends it cleanly", earshot.stop)
        guarded(failures, "no packet sent", check_silence, wire, before)
    return failures


def main():
    parser = argparse.ArgumentParser(description="Earshot on a wire with real clients.")
    parser.add_argument("--earshot", default=str(ROOT / "build/dev/earshot"))
    parser.add_argument("--smoke", action="store_true", help="fewer and smaller cases")
    parser.add_argument("--only", choices=CASES, action="append", help="this case; may be repeated")
    parser.add_argument("--keep", action="store_true", help="keep the working folder")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = tempfile.mkdtemp(prefix="earshot-live-")
    failures = ["setup"]
    try:
        expect(os.geteuid() == 0, "network namespaces need root")
        expect(os.access(args.earshot, os.X_OK), f"{args.earshot}: no such program; build it first")
        need(*TOOLS)
        binary = os.path.realpath(args.earshot)
        failures = run_all(binary, args.only or (SMOKE if args.smoke else CASES), args.smoke, work)
    except Failure as e:
        print(f"FAIL  {e}")
    if args.keep:
        print(f"kept {work}")
    else:
        shutil.rmtree(work, ignore_errors=True)
    print("live: " + ("failed: " + ", ".join(failures) if failures else "all as it should be"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
