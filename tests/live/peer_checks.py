"""What every case with a peer asks of Earshot: the calls as they were, and the same calls from a file."""

import json
import os
import subprocess

import sound
from lan import Capture
from replay import micros
from wire import Earshot, Failure, wait_for

CALL_LIMIT_S = 60
ENDED_WAIT_S = 30
READ_LIMIT_S = 60
TIMES_APART_US = 20000

CONFIG = """[capture]
{capture}
[storage]
data_dir = {{data}}
[log]
level = info
{more}"""


def expect(true, text):
    if not true:
        raise Failure(text)


def begin(lan, binary, more="", capture="interface = vs", beside=""):
    """(a running Earshot, a capture beside it)"""
    file = Capture(lan, expression=beside)
    return Earshot(lan, binary, CONFIG.format(capture=capture, more=more)), file


def finish(earshot, file):
    """Ends both; Earshot must end cleanly and have sent nothing where it captures. Returns the path
    of the capture."""
    earshot.stop()
    sent = earshot.wire.packets_from_earshot()
    expect(sent == 0, f"{sent} packets came out of the capture interface")
    return file.stop()


def speech(lan, seconds):
    """A capture of speech that SIPp can send."""
    path = os.path.join(lan.work, "speech.pcap")
    sound.write_pcma_pcap(path, sound.speak("caller", 8000, 1, lan.work), seconds)
    return path


def make_calls(clients, log):
    clients.begin()
    wait_for(CALL_LIMIT_S, "the calls end", clients.over)
    clients.finish()
    code = clients.caller.returncode
    expect(code == 0, f"the caller ended with {code}:\n{clients.wire.log_tail(log)}")


def all_calls(earshot):
    return earshot.get("/api/v1/calls?limit=1000&kind=call")["data"]


def ended_calls(earshot, count):
    """The `count` calls that there must be, with all their fields. A row written when the call was
    just over is short: it counts no messages yet."""
    def look():
        calls = all_calls(earshot)
        return len(calls) == count and all(c["messages"] for c in calls) and calls
    try:
        calls = wait_for(ENDED_WAIT_S, f"{count} calls in /calls", look)
    except Failure as e:
        raise Failure(f"{e}; there are {len(all_calls(earshot))}, and {describe(others(earshot))}") from None
    return [earshot.get(f"/api/v1/calls/{c['uid']}") for c in calls]


def others(earshot):
    """Records that are no calls."""
    return [c for c in earshot.get("/api/v1/calls?limit=1000")["data"] if c["kind"] != "call"]


def describe(records):
    return ", ".join(sorted(r["kind"] for r in records)) or "nothing else"


def messages(earshot, call):
    return earshot.get(f"/api/v1/calls/{call['uid']}/messages?raw=true")["data"]


def check_answered(call, transport, parties=("callee", "caller")):
    who = call["call_id"]
    expect(call["outcome"] == "answered", f"{who}: outcome is {call['outcome']}")
    expect(call["end_reason"] == "bye", f"{who}: end_reason is {call['end_reason']}")
    expect(not call["partial"], f"{who}: the call is partial")
    expect(call["transport"] == transport, f"{who}: transport is {call['transport']}, not {transport}")
    found = sorted({s["party"] for s in call["streams"]})
    expect(found == sorted(parties), f"{who}: streams are of {found}")
    for s in call["streams"]:
        expect(s["lost"] == 0, f"{who}, {s['party']}: {s['lost']} packets lost on a wire that loses none")


def metric(earshot, name):
    """The value of one line of the metrics, 0 when it is not there."""
    for line in earshot.fetch("/metrics").decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return 0


def read_file(binary, path, *options):
    """The records of `earshot read --json`."""
    done = subprocess.run([binary, "read", "--json", "--quiet", *options, path], capture_output=True,
                          text=True, timeout=READ_LIMIT_S)
    expect(done.returncode == 0, f"earshot read ended with {done.returncode}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def calls_of(records):
    return [r for r in records if r["kind"] == "call"]


def facts(call):
    """What must be equal live and from the file."""
    streams = sorted((s["party"], s["ssrc"], s["src"], s["dst"], s["packets"], s["codec"], s["lost"])
                     for s in call["streams"])
    return call["call_id"], call["transport"], call["outcome"], call["messages"], call["partial"], streams


def check_same(binary, path, live, *options, apart_us=TIMES_APART_US):
    """The calls of the file, which must be those seen live. Each socket stamps a packet's time for
    itself, so times may be apart a little."""
    read = calls_of(read_file(binary, path, *options))
    for calls in (live, read):
        calls.sort(key=lambda c: c["call_id"])
    ours, theirs = list(map(facts, live)), list(map(facts, read))
    expect(ours == theirs, f"live and from the file differ:\n  live {ours}\n  file {theirs}")
    for one, other in zip(live, read):
        for at in ("started_at", "answered_at", "ended_at"):
            expect((one[at] is None) == (other[at] is None), f"{one['call_id']}: {at} is {one[at]} and {other[at]}")
            apart = abs(micros(one[at]) - micros(other[at])) if one[at] else 0
            expect(apart <= apart_us, f"{one['call_id']}: {at} differs by {apart} us")
    return read
