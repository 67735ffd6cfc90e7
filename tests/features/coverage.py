"""R02: each answered call is counted once, under what became of its recording."""
from craft import *
from feature import feature
from protect import Protector
from service import in_namespace, wait_for
from users_api import FileService
from srtp import both, protect, secured


def numbered(packets, number):
    """The same call as another one: its own Call-ID, addresses and time."""
    mine = lambda addr: addr.rsplit(".", 1)[0] + f".{int(addr.rsplit('.', 1)[1]) + 2 * number}"
    text = lambda data: data.replace(b"c1@test", b"c%d@test" % number).replace(b"z9hG4bK", b"z9hG4bK%d" % number) if b"SIP/2.0" in data else data
    swap = lambda data: text(data).replace(ALICE.encode(), mine(ALICE).encode()).replace(BOB.encode(), mine(BOB).encode())
    sized = lambda data: refit(swap(data)) if b"SIP/2.0" in data else data
    return [replace(p, t=p.t + number * 0.001, src=mine(p.src), dst=mine(p.dst), data=sized(p.data)) for p in packets]


def refit(message):
    """Content-Length of a message whose body has changed."""
    head, _, body = message.partition(b"\r\n\r\n")
    lines = [b"Content-Length: %d" % len(body) if line.startswith(b"Content-Length:") else line for line in head.split(b"\r\n")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def evs():
    return [replace(p, data=p.data.replace(b"PCMU/8000", b"EVS/16000").replace(b"AVP 0\r\n", b"AVP 97\r\n").replace(b"rtpmap:0 ", b"rtpmap:97 "))
            if p.kind == "sip" else replace(p, data=p.data[:1] + bytes([p.data[1] & 0x80 | 97]) + p.data[2:]) for p in call(seconds=4)]


DAYS = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"}


def mixed():
    """(kind, packets): calls that end in each way that needs no rule and no broken disk."""
    a, b = (Protector("AES_CM_128_HMAC_SHA1_80", x) for x in "ab")
    refused = [p for p in call(voice=False) if p.kind == "sip"][:1]
    busy = Packet(START + 0.5, BOB, 5060, ALICE, 5060, Dialog().response(486, "Busy Here", "INVITE", 1), kind="sip")
    return ([("recorded", call(seconds=4))] * 3 + [("recorded", secured(a.attribute(), b.attribute()) + protect(both(), a, b))] +
            [("encrypted", secured("", "") + protect(both(), a, b))] * 2 + [("no_rtp", call(voice=False, seconds=4))] * 4 +
            [("undecodable", [replace(p, data=refit(p.data)) if p.kind == "sip" else p for p in evs()])] * 2 + [(None, refused + [busy])] * 5)


@feature("R02", "coverage: a mix of answered calls, each counted once under its reason; refused ones are none of them")
@in_namespace
def coverage(t):
    calls = mixed()
    packets = sorted([p for n, (_, c) in enumerate(calls) for p in numbered(c, n)], key=lambda p: p.t)
    truth = {}
    for result, _ in calls:
        if result:
            truth[result] = truth.get(result, 0) + 1
    span = "?from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
    with FileService(t, packets, "[recording]\ndefault = record\n") as s:
        wait_for("all are rendered", lambda: len(s.list("calls", **DAYS)) == len(calls) and s.get("/api/v1/coverage" + span)["results"]["waiting"] == 0)
        found = s.get("/api/v1/coverage" + span)
        t.equal("results", {k: v for k, v in found["results"].items() if v}, truth)
        t.equal("their sum", sum(found["results"].values()), found["answered"])
        t.equal("answered", found["answered"], sum(truth.values()))
        t.equal("ratio", found["recorded_ratio"], round(truth["recorded"] / sum(truth.values()), 6))
        t.equal("another day", s.get("/api/v1/coverage?from=2023-11-16T00:00:00Z&to=2023-11-17T00:00:00Z")["answered"], 0)
        t.equal("bad time", s.status("/api/v1/coverage?from=never"), 400)
        t.equal("unknown parameter", s.status("/api/v1/coverage?form=1"), 400)
    with FileService(t, packets, "[recording]\ndefault = metadata-only\n") as s:
        wait_for("all are there", lambda: len(s.list("calls", **DAYS)) == len(calls))
        results = s.get("/api/v1/coverage" + span)["results"]
        t.counter("what the rules leave out is called otherwise", results["rule"] == sum(truth.values()) and results["recorded"] == 0)
