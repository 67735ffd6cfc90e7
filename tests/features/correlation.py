"""Group H of the feature table, where one conversation is several calls: legs behind B2BUAs and session border controllers,
found by what they share, through the API of the service."""
import hashlib, json

from craft import *
from feature import feature
from users_api import FileService

PBX, CARRIER, STRANGER = "10.0.0.50", "203.0.113.9", "10.7.7.7"
A_CALL, B_CALL = "first-leg-0001@phone", "second-leg-9999@pbx"
RULES = "[correlation]\nheaders = X-CID, X-Call-ID, In-Reply-To\ncall_id_chars = 16\n"
ALICE_HALF, BOB_HALF = "ab30317f1a784dc48ff824d0d3715d86", "47755a9de7794ba387653f2099600ef2"


def leg(call_id, a, b, start, seconds=3.0, headers="", answers="", numbers=("alice", "bob"), origin=None, ports=None, n=[0]):
    """Signalling of one leg; requests carry `headers`, responses `answers`."""
    n[0] += 1
    d = Dialog(a=a, b=b, call_id=call_id, branch=f"z9hG4bKleg{n[0]}", from_tag=f"f{n[0]}", to_tag=f"t{n[0]}", from_user=numbers[0], to_user=numbers[1])
    ports = ports or (20000 + 4 * n[0], 20002 + 4 * n[0])
    bodies = [f"v=0\r\no={origin or f'- {770000 + 10 * n[0] + k} 1 IN IP4 {host}'}\r\ns=-\r\nc=IN IP4 {at}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n".encode()
              for k, (host, at, port) in enumerate(((a, a, ports[0]), (b, b, ports[1])))]
    packets = []
    for t, forth, text in signalling(d, seconds, start=start, offer=bodies[0], answer=bodies[1]):
        more = headers if text[:3] != b"SIP" else answers
        text = text.replace(b"User-Agent: craft\r\n", b"User-Agent: craft\r\n" + more.encode())
        src, sport, dst, dport = (d.a, d.aport, d.b, d.bport) if forth else (d.b, d.bport, d.a, d.aport)
        packets.append(Packet(t, src, sport, dst, dport, text, ipid=(1000 * n[0] + len(packets)) & 0xffff, kind="sip"))
    return packets


def two(first={}, second={}, ids=(A_CALL, B_CALL)):
    """Phone to PBX, PBX to carrier, 0.2 s later; other numbers on the second leg, so that only what is given ties them. A third
    call goes on beside them."""
    return sorted(leg(ids[0], ALICE, PBX, START, **first) + leg(ids[1], PBX, CARRIER, START + 0.2, **{"numbers": ("trunk", "4711"), **second}) +
                  leg("third-party-5555@else", STRANGER, PBX, START + 0.1, numbers=("eve", "mallory")), key=lambda p: p.t)


DAYS = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-17T00:00:00Z", "limit": 1000}


def ask(t, s, uid, query=""):
    """{Call-ID: leg} as the service tells them."""
    found = s.get(f"/api/v1/calls/{uid}/legs{query}")
    t.equal("whose legs", found["call_uid"], uid)
    return {l["call_id"]: l for l in found["data"]}


def legs(t, packets, config=RULES, of=A_CALL, query=""):
    """The legs and the keys of one call."""
    with FileService(t, packets, config) as s:
        uid = next(c["uid"] for c in s.list("calls", **DAYS) if c["call_id"] == of)
        return ask(t, s, uid, query), s.get(f"/api/v1/calls/{uid}")["keys"]


def kinds(leg):
    return {e["kind"]: e["confidence"] for e in leg["evidence"]}


def tied(t, what, packets, evidence, confidence, config=RULES):
    """Both legs and no third one, from either end, by this evidence."""
    with FileService(t, packets, config) as s:
        uids = {c["call_id"]: c["uid"] for c in s.list("calls", **DAYS)}
        for of, other in ((A_CALL, B_CALL), (B_CALL, A_CALL)):
            found = ask(t, s, uids[of])
            t.equal(f"{what}: legs of {of}", sorted(found), [A_CALL, B_CALL])
            t.equal(f"{what}: evidence", kinds(found[other]), evidence)
            t.equal(f"{what}: confidence", found[other]["confidence"], confidence)
            t.equal(f"{what}: role", (found[A_CALL]["role"], found[B_CALL]["role"]), ("self", "after") if of == A_CALL else ("before", "self"))
            t.equal(f"{what}: via", found[other]["via"], uids[of])


def alone(t, what, packets, config=RULES, of=A_CALL, query=""):
    t.counter(what, sorted(legs(t, packets, config, of, query)[0]) == [of])


@feature("H05", "Session-ID (RFC 7989): both halves whatever their order, the far one filled in later")
def session_id(t):
    forth, back = (f"Session-ID: {x};remote={y}\r\n" for x, y in ((ALICE_HALF, BOB_HALF), (BOB_HALF, ALICE_HALF)))
    early = f"Session-ID: {ALICE_HALF};remote={'0' * 32}\r\n"
    both = two({"headers": forth, "answers": back}, {"headers": back, "answers": forth})
    tied(t, "swapped halves", both, {"session_id": "high"}, "high")
    later = two({"headers": early, "answers": back}, {"headers": early, "answers": back})
    tied(t, "a half that comes with the answer", later, {"session_id": "high"}, "high")
    keys = legs(t, later)[1]
    t.equal("as a key", [k["value"] for k in keys if k["kind"] == "session_id"], [f"{BOB_HALF};{ALICE_HALF}"])
    other = forth.replace(ALICE_HALF, "1" * 32).replace(BOB_HALF, "2" * 32)
    alone(t, "other halves tie nothing", two({"headers": forth, "answers": back}, {"headers": other}))
    zeros = f"Session-ID: {'0' * 32};remote={'0' * 32}\r\n"
    alone(t, "halves of zeros tie nothing", two({"headers": zeros}, {"headers": zeros}))
    alone(t, "what is no session id ties nothing", two({"headers": "Session-ID: none;remote=none\r\n"}, {"headers": "Session-ID: none;remote=none\r\n"}))


@feature("H05", "headers of the settings: equal, or one leg names the Call-ID of the other; In-Reply-To")
def header_rules(t):
    tied(t, "X-CID equal", two({"headers": "X-CID: conversation-4242\r\n"}, {"headers": "X-CID: conversation-4242\r\n"}), {"header": "high"}, "high")
    tied(t, "X-Call-ID names it", two({}, {"headers": f"X-Call-ID: {A_CALL}\r\n"}), {"header": "high"}, "high")
    tied(t, "without host, among others", two({}, {"headers": "In-Reply-To: nobody-0000@x,\r\n first-leg-0001\r\n"}), {"header": "high"}, "high")
    keys = legs(t, two({"headers": "X-CID: conversation-4242\r\n"}))[1]
    t.check(f"a key has the header's name: {keys}", {"kind": "x-cid", "value": "conversation-4242"} in keys)
    long = "y" * 300
    value = [k["value"] for k in legs(t, two({"headers": f"X-CID: {long}\r\n"}))[1] if k["kind"] == "x-cid"]
    t.equal("a long value is cut and hashed", value, ["y" * 63 + "~" + hashlib.sha256(long.encode()).hexdigest()])
    tied(t, "and still compared", two({"headers": f"X-CID: {long}\r\n"}, {"headers": f"X-CID: {long}\r\n"}), {"header": "high"}, "high")
    alone(t, "long values that differ at their end", two({"headers": f"X-CID: {long}\r\n"}, {"headers": f"X-CID: {long}z\r\n"}))
    alone(t, "other values tie nothing", two({"headers": "X-CID: conversation-4242\r\n"}, {"headers": "X-CID: conversation-4243\r\n"}))
    alone(t, "a short value ties nothing", two({"headers": "X-CID: 42\r\n"}, {"headers": "X-CID: 42\r\n"}))
    alone(t, "a header that no setting names", two({"headers": "X-Vendor: conversation-4242\r\n"}, {"headers": "X-Vendor: conversation-4242\r\n"}))
    vendor = two({"headers": "X-Vendor: conversation-4242\r\n"}, {"headers": "X-Vendor: conversation-4242\r\n"})
    tied(t, "a vendor's header that the setting names", vendor, {"header": "high"}, "high", RULES.replace("X-CID", "X-Vendor"))


@feature("H05", "P-Charging-Vector: icid-value of requests, for the whole dialog")
def icid(t):
    vector = 'P-Charging-Vector: icid-value="AyretyU0dm+6O2IrT5tAFrbHLso=";icid-generated-at=10.0.0.50;orig-ioi=a{}.example\r\n'
    tied(t, "icid", two({"headers": vector.format(1)}, {"headers": vector.format(2)}), {"icid": "high"}, "high")
    alone(t, "another icid", two({"headers": vector.format(1)}, {"headers": vector.format(1).replace("Ayrety", "Byrety")}))
    alone(t, "of responses alone", two({"headers": vector.format(1)}, {"answers": vector.format(1)}))


@feature("H05", "a Call-ID that holds the other one's beginning")
def call_id_part(t):
    ids = ("0123456789abcdef-phone@10.0.0.1", "b2b-0123456789abcdef-phone@10.0.0.50")
    found, _ = legs(t, two(ids=ids), of=ids[0])
    t.equal("the whole of it", (sorted(found), kinds(found[ids[1]])), (sorted(ids), {"call_id_part": "high"}))
    ids = (ids[0], "0123456789abcdef.2@10.0.0.50")
    found, _ = legs(t, two(ids=ids), of=ids[0])
    t.equal("its first 16 characters", (sorted(found), kinds(found[ids[1]])), (sorted(ids), {"call_id_part": "medium"}))
    alone(t, "at high it is not enough", two(ids=ids), of=ids[0], query="?min_confidence=high")
    alone(t, "with 30 characters wanted", two(ids=ids), RULES.replace("16", "30"), ids[0])
    alone(t, "switched off", two(ids=ids), RULES.replace("16", "0"), ids[0])


@feature("H05", "Replaces names the call that it takes the place of")
def replaces(t):
    tied(t, "Replaces", two({}, {"headers": f"Replaces: {A_CALL};to-tag=x;from-tag=y\r\n"}), {"transfer": "high"}, "high")
    alone(t, "of a call that is not there", two({}, {"headers": "Replaces: nobody@phone;to-tag=x;from-tag=y\r\n"}))


@feature("H05", "SDP origin and media that pass the B2BUA unchanged, and both with numbers")
def sdp_and_media(t):
    origin = "alice 77001122 {} IN IP4 10.0.0.1"
    tied(t, "origin", two({"origin": origin.format(1)}, {"origin": origin.format(2)}), {"sdp_origin": "medium"}, "medium")
    through = {"origin": origin.format(1), "ports": (31000, 31002)}
    same = [replace(p, data=p.data.replace(b"c=IN IP4 10.0.0.50", b"c=IN IP4 10.0.0.1")) for p in two(through, through)]
    tied(t, "origin and media", same, {"sdp_origin": "medium", "media": "medium"}, "high")
    keys = {k["kind"]: k["value"] for k in legs(t, two(through))[1]}
    t.equal("as keys", (keys["sdp_origin"], keys["media"].split(":")[0] in (ALICE, PBX)), ("77001122 10.0.0.1", True))
    alone(t, "at high the origin is not enough", two({"origin": origin.format(1)}, {"origin": origin.format(1)}), query="?min_confidence=high")
    alone(t, "an origin of zeros says nothing", two({"origin": "- 0 0 IN IP4 10.0.0.1"}, {"origin": "- 0 0 IN IP4 10.0.0.1"}))
    alone(t, "nor does one with another address", two({"origin": origin.format(1)}, {"origin": "alice 77001122 1 IN IP4 10.0.0.2"}))


@feature("H05", "numbers after the number plan, time and a machine in common: medium at most, and only when nothing else fits")
def numbers(t):
    plan = RULES + "[numbers]\ncountry_code = 49\n"
    raw, full = ("030111222", "0897654321"), ("+4930111222", "+49897654321")
    chain = two({"numbers": raw}, {"numbers": full})
    tied(t, "numbers", chain, {"numbers": "medium"}, "medium", plan)
    alone(t, "at high they are not enough", chain, plan, query="?min_confidence=high")
    alone(t, "without the number plan they differ", chain)
    alone(t, "with another end", two({"numbers": raw}, {"numbers": full, "seconds": 9.0}), plan)
    elsewhere = [replace(p, src=STRANGER if p.src == PBX and p.dst == CARRIER else p.src, dst=STRANGER if p.dst == PBX and p.src == CARRIER else p.dst)
                 for p in chain]
    alone(t, "from a machine that the first leg did not reach", elsewhere, plan)
    found, _ = legs(t, elsewhere, plan, query="?min_confidence=low")
    t.equal("which is worth little", kinds(found[B_CALL]), {"numbers": "low"})
    rival = sorted(chain + leg("rival-3333@pbx", PBX, "203.0.113.10", START + 0.3, numbers=full), key=lambda p: p.t)
    alone(t, "when two calls fit, neither does", rival, plan)


@feature("H05", "three legs in a row, each tied in another way; a closer look changes nothing that is stored")
def closure(t):
    third = "leg-three-77777@carrier"
    packets = sorted(two({"headers": "X-CID: conversation-4242\r\n"}, {"headers": "X-CID: conversation-4242\r\n", "origin": "- 880011 1 IN IP4 10.0.0.50"}) +
                     leg(third, CARRIER, "198.51.100.3", START + 0.4, numbers=("x", "y"), origin="- 880011 1 IN IP4 10.0.0.50"), key=lambda p: p.t)
    with FileService(t, packets, RULES) as s:
        calls = {c["call_id"]: c["uid"] for c in s.list("calls", **DAYS)}
        before = s.get(f"/api/v1/calls/{calls[third]}")
        found = s.get(f"/api/v1/calls/{calls[A_CALL]}/legs")["data"]
        t.equal("in order of time", [l["call_id"] for l in found], [A_CALL, B_CALL, third])
        t.equal("as sure as the weakest step", [l["confidence"] for l in found], ["high", "high", "medium"])
        t.equal("by way of the second", found[2]["via"], calls[B_CALL])
        sure = s.get(f"/api/v1/calls/{calls[A_CALL]}/legs?min_confidence=high")["data"]
        t.counter("the third is not found at high", [l["call_id"] for l in sure] == [A_CALL, B_CALL])
        t.equal("the record is what it was", s.get(f"/api/v1/calls/{calls[third]}"), before)
        t.equal("four calls", len(calls), 4)
        t.equal("another word", s.status(f"/api/v1/calls/{calls[third]}/legs?min_confidence=sure"), 400)
        t.equal("another call", s.status("/api/v1/calls/00000000-0000-8000-8000-000000000000/legs"), 404)


@feature("H05", "1,000 similar calls in one second: none is joined at high")
def false_merges(t):
    packets = []
    for i in range(1000):
        pair = i // 2 if i < 800 else 1000 + i // 100
        packets += leg(f"dialler-{i:05d}-{(i * 7919) % 100003}@pbx", ALICE, PBX, START + (i % 900) / 1000, seconds=5 + i % 60,
                       numbers=(f"+4930{pair}", f"+4940{pair}"), origin=f"- 20890844526 1 IN IP4 192.0.2.{pair % 250}", ports=(10000 + 4 * i, 10002 + 4 * i))
    twin = [leg(f"true-{k}-77777@x", *ends, START + 0.5 + k / 10, headers="X-CID: conversation-4242\r\n", numbers=("+49301", "+49401"))
            for k, ends in enumerate(((ALICE, PBX), (PBX, CARRIER)))]
    packets = sorted(packets + twin[0] + twin[1], key=lambda p: p.t)
    with FileService(t, packets, RULES) as s:
        calls = s.list("calls", **DAYS) + s.list("calls", **DAYS, order="started_at")
        uids = {c["uid"]: c["call_id"] for c in calls}
        t.equal("all are there", len(uids), 1002)
        joined = 0
        true = []
        for uid, call_id in uids.items():
            found = s.get(f"/api/v1/calls/{uid}/legs?min_confidence=high")["data"]
            if call_id.startswith("true"):
                true.append(sorted(l["call_id"] for l in found))
            else:
                joined += len(found) - 1
        t.equal("wrong merges", joined, 0)
        t.counter("two that do belong together are joined", true == [["true-0-77777@x", "true-1-77777@x"]] * 2)
