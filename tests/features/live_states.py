"""A01: a call while it goes on, as the API tells it; I15: media to many."""
import subprocess, threading, time

from craft import *
from feature import feature
from service import Service, in_namespace, play, wait_for

ENDS = ("10.0.0.1", "10.0.0.2")


def slow_call(last=None):
    """INVITE, ringing after 0.6 s, answered after 1.2 s, over after 2 s; `last`: how many messages of it."""
    d = Dialog()
    steps = [(0, True, d.request("INVITE", 1, sdp(d.a, 4000))), (0.05, False, d.response(100, "Trying", "INVITE", 1, tag=False)),
             (0.6, False, d.response(180, "Ringing", "INVITE", 1)), (1.2, False, d.response(200, "OK", "INVITE", 1, sdp(d.b, 6000))),
             (1.22, True, d.request("ACK", 1)), (2.0, True, d.request("BYE", 2)), (2.01, False, d.response(200, "OK", "BYE", 2))]
    return [Packet(START + at, *((d.a, 5060, d.b, 5060) if forth else (d.b, 5060, d.a, 5060)), text, kind="sip") for at, forth, text in steps[:last]]


def watched(s, packets):
    """[(state, seconds after the INVITE was sent)] as polls of the API saw them, and the times that it told last."""
    seen, told, begin = [], {}, time.monotonic()
    player = threading.Thread(target=play, args=(packets,))
    player.start()
    while time.monotonic() < begin + 6:
        for c in s.get("/api/v1/live/calls")["data"]:
            told = c
            if not seen or seen[-1][0] != c["state"]:
                seen.append((c["state"], time.monotonic() - begin))
        if not player.is_alive() and (told == {} or seen[-1][0] == "ended" or time.monotonic() > begin + 4):
            break
        time.sleep(0.02)
    player.join()
    return seen, told


@feature("A01", "a call in GET /live/calls: trying, ringing, answered, ended, each within a second; times are the packets'")
@in_namespace
def states(t):
    for address in ENDS:
        subprocess.run(["ip", "addr", "add", address + "/32", "dev", "lo"], check=True)
    pcap = t.path("pcap")
    dump = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-w", pcap, "udp"], stderr=subprocess.PIPE, text=True)
    dump.stderr.readline()
    with Service(t, "lo") as s:
        seen, told = watched(s, slow_call())
        t.equal("states in their order", [x for x, _ in seen][:3], ["trying", "ringing", "answered"])
        for (state, at), wanted in zip(seen, (0, 0.6, 1.2)):
            t.check(f"{state} was shown {at - wanted:.2f} s after its packet", at - wanted < 1)
        record = s.records()[0]
    dump.terminate()
    dump.wait()
    offline = t.read(pcap)[0]
    t.equal("it ended", (record["state"], record["end_reason"]), ("ended", "bye"))
    t.equal("times equal those of a capture beside it", [micros(record[k], offline[k]) for k in ("started_at", "ringing_at", "answered_at", "ended_at")], [True] * 4)
    t.equal("and those that were told live", [micros(told[k], offline[k]) for k in ("started_at", "ringing_at", "answered_at")], [True] * 3)
    with Service(t, "lo") as s:
        seen, _ = watched(s, slow_call(3))
        t.counter("a call that nobody answers is shown as answered", [x for x, _ in seen] == ["trying", "ringing"])


def micros(a, b):
    """Equal within a millisecond."""
    from datetime import datetime
    return abs(datetime.fromisoformat(a.replace("Z", "+00:00")) - datetime.fromisoformat(b.replace("Z", "+00:00"))).total_seconds() <= 0.001


@feature("I15", "RTP to a multicast address: followed once, without signalling and with it")
def multicast(t):
    page = media("10.0.0.9", 5000, "239.1.2.3", 5004, 3.0, START, 0x99)
    got = t.read(frames(page))
    t.equal("a page without SIP", [(r["kind"], len(r["streams"]), r["streams"][0]["dst"], r["streams"][0]["packets"]) for r in got],
            [("page", 1, "239.1.2.3:5004", 150)])
    six = media("2001:db8::9", 5000, "ff15::1", 5004, 3.0, START, 0x99)
    t.equal("IPv6", [(r["kind"], len(r["streams"])) for r in t.read(frames(six))], [("page", 1)])
    signalled = call(Dialog(), voice=False, answer=sdp("239.1.2.3", 5004)) + media(ALICE, 4000, "239.1.2.3", 5004, 2.0, START + 1.1, 0x99)
    r = t.read(frames(sorted(signalled, key=lambda p: p.t)))
    t.equal("a call to a group", [(x["kind"], [(s["dst"], s["confidence"]) for s in x["streams"]]) for x in r], [("call", [("239.1.2.3:5004", "sdp")])])
    t.counter("any orphan is a page", t.read(frames(media("10.0.0.9", 5000, "10.1.2.3", 5004, 3.0, START, 0x99)))[0]["kind"] == "orphan")
