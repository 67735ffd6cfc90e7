"""G01, X45: SRTP with the keys of a=crypto. The sound of a protected call is compared with that of the same call in the clear."""
import glob, os, random, sqlite3, tempfile, time, wave

from craft import *
from feature import feature
from protect import Protector, SUITES, extracted
from recordings import ulaw
from service import Service, in_namespace, send, spooled, wait_for
from sound import speech


MEDIA = (4000, 6000)


def voice(src, sport, dst, dport, ssrc, seconds=3, first=100, start=START + 1.05):
    octets = bytes(ulaw(round(s)) for s in speech(seconds, 8000, ssrc))
    return [Packet(start + i * 0.02, src, sport, dst, dport, rtp(first + i, 160 * i, ssrc, octets[160 * i:160 * i + 160], 0, i == 0), kind="rtp")
            for i in range(50 * seconds)]


def secured(lines_a, lines_b, profile="RTP/SAVP", ports=MEDIA, **more):
    offer = sdp(ALICE, ports[0], lines_a).replace(b"RTP/AVP", profile.encode())
    answer = sdp(BOB, ports[1], lines_b).replace(b"RTP/AVP", profile.encode())
    return call(voice=False, seconds=4, offer=offer, answer=answer, **more)


def changed(d, ports, lines_a, lines_b, at):
    """New keys, or new ports, by re-INVITE."""
    offer, answer = (sdp(who, port, lines).replace(b"AVP", b"SAVP") for who, port, lines in ((ALICE, ports[0], lines_a), (BOB, ports[1], lines_b)))
    return [Packet(at, ALICE, 5060, BOB, 5060, d.request("INVITE", 5, offer, to_tag="tt1", branch=d.branch + "re"), ipid=71, kind="sip"),
            Packet(at + 0.03, BOB, 5060, ALICE, 5060, d.response(200, "OK", "INVITE", 5, answer, branch=d.branch + "re"), ipid=72, kind="sip"),
            Packet(at + 0.04, ALICE, 5060, BOB, 5060, d.request("ACK", 5, branch=d.branch + "rea"), ipid=73, kind="sip")]


def both(first=100, ports=MEDIA, seconds=3):
    return (voice(ALICE, ports[0], BOB, ports[1], 0x1111, seconds, first) + voice(BOB, ports[1], ALICE, ports[0], 0x2222, seconds, first))


def protect(packets, a, b):
    """What Alice sends under her key, what Bob sends under his."""
    return [replace(p, data=(a if p.src == ALICE else b).packet(p.data)) for p in packets]


def sound_of(t, packets, *options):
    """The record and the samples of its file (None: there is no file)."""
    with tempfile.TemporaryDirectory(dir=t.work) as out:
        record, = t.read(frames(sorted(packets, key=lambda p: p.t)), "--record", out, *options)
        names = glob.glob(out + "/**/*.wav", recursive=True)
        return record, wave.open(names[0]).readframes(1 << 24) if names else None


def lacking(record):
    return tuple(record["recording"][k] for k in ("result", "truncated", "undecodable"))


def clear(t, first=100):
    return sound_of(t, call(voice=False, seconds=4) + both(first))[1]


@feature("G01", "SRTP by SDES: every suite opens to the same sound as the call in the clear")
def suites(t):
    wanted = clear(t)
    for suite in SUITES:
        a, b = Protector(suite, "a"), Protector(suite, "b")
        record, sound = sound_of(t, secured(a.attribute(), b.attribute()) + protect(both(), a, b))
        t.equal(f"{suite}: sound", sound == wanted, True)
        t.equal(f"{suite}: flags", [s["srtp"] for s in record["streams"]], [True, True])
        t.equal(f"{suite}: result", lacking(record), ("recorded", False, None))
        t.equal(f"{suite}: packets by their headers", sorted(s["packets"] for s in record["streams"]), [150, 150])
    a, b, other = (Protector("AES_CM_128_HMAC_SHA1_80", name) for name in "abx")
    record, sound = sound_of(t, secured(other.attribute(), other.attribute()) + protect(both(), a, b))
    t.counter(f"a wrong key makes noise: {record['recording']}", sound is None and record["recording"]["result"] == "encrypted")
    record, sound = sound_of(t, secured("", "") + protect(both(), a, b))
    t.counter(f"no key makes noise: {record['recording']}", sound is None and record["recording"]["result"] == "encrypted")
    t.equal("without a key: quality from headers", [(s["srtp"], s["packets"], s["lost"]) for s in record["streams"]], [(True, 150, 0)] * 2)


@feature("G01", "SRTP by SDES: one key of two, several offered, MKI, parameters, keys beside a plain profile")
def negotiation(t):
    wanted = clear(t)
    suite = "AES_CM_128_HMAC_SHA1_80"
    a, b, c = (Protector(suite, name) for name in "abc")
    strong = Protector("AES_256_CM_HMAC_SHA1_80", "strong")
    lines = strong.attribute(1) + a.attribute(2)
    t.equal("the second of two offers", sound_of(t, secured(lines, b.attribute(2)) + protect(both(), a, b))[1] == wanted, True)
    named = [Protector(suite, name, mki=(value, 4)) for name, value in (("a", 7), ("b", 8))]
    t.equal("MKI", sound_of(t, secured(*(p.attribute() for p in named)) + protect(both(), *named))[1] == wanted, True)
    bare = [Protector(suite, name, encrypt=False) for name in "ab"]
    t.equal("authenticated only", sound_of(t, secured(*(p.attribute(1, " UNENCRYPTED_SRTP") for p in bare)) + protect(both(), *bare))[1] == wanted, True)
    unproved = [Protector(suite, name, prove=False) for name in "ab"]
    t.equal("encrypted only", sound_of(t, secured(*(p.attribute(1, " UNAUTHENTICATED_SRTP") for p in unproved)) + protect(both(), *unproved))[1] == wanted, True)
    t.equal("keys beside RTP/AVP", sound_of(t, secured(a.attribute(), b.attribute(), "RTP/AVP") + protect(both(), a, b))[1] == wanted, True)
    record, sound = sound_of(t, secured(a.attribute(), "", "RTP/AVP") + both())
    t.counter("keys that were not taken up are used", sound == wanted and not record["streams"][0]["srtp"])
    record, sound = sound_of(t, secured(a.attribute(), c.attribute()) + protect(both(), a, b))
    t.counter("one side without its key is heard all the same", sound is not None and sound != wanted)
    left = memoryview(sound).cast("h")[::2]
    t.equal("one side without its key is told", lacking(record), ("recorded", True, "SRTP"))
    packets = protect(both(), *(Protector(suite, x) for x in "ab"))
    few = [replace(p, data=p.data[:-1] + b"?") for p in packets[:40]]
    record, _ = sound_of(t, secured(a.attribute(), b.attribute()) + few + packets[40:])
    t.equal("less than a second is not", lacking(record), ("recorded", False, None))
    t.equal("and the other side is heard whole", sum(map(abs, left)) > 1000000 and list(left)[8000:9000] == list(memoryview(wanted).cast("h")[::2])[8000:9000], True)


@feature("G01", "SRTP: sequence numbers wrap, packets repeat and come late, capture begins late, keys change in the call")
def roll(t):
    suite = "AES_CM_128_HMAC_SHA1_80"
    a, b = Protector(suite, "a"), Protector(suite, "b")
    wanted = clear(t, first=65500)
    packets = protect(both(first=65500), a, b)
    t.equal("over the wrap", sound_of(t, secured(a.attribute(), b.attribute()) + packets)[1] == wanted, True)
    a, b = Protector(suite, "a"), Protector(suite, "b")
    wanted = clear(t)
    packets = protect(both(), a, b)
    again = [replace(p, t=p.t + 0.003, ipid=p.ipid + 7) for p in packets[::10]]
    t.equal("repeated packets", sound_of(t, secured(a.attribute(), b.attribute()) + packets + again)[1] == wanted, True)
    late = [replace(p, t=p.t + 0.05) if i % 40 == 20 else p for i, p in enumerate(packets)]
    t.equal("late ones", len(sound_of(t, secured(a.attribute(), b.attribute()) + late)[1]) == len(wanted), True)
    deep = [replace(p, data=(a if p.src == ALICE else b).packet(p.data, roll=17)) for p in both()]
    sound = sound_of(t, secured(a.attribute(), b.attribute()) + deep)[1]
    t.equal("a counter that was high when we came", sound is not None and len(sound) >= len(wanted) - 4 * 8000 * 0.1, True)
    a2, b2 = Protector(suite, "a2"), Protector(suite, "b2")
    change = changed(Dialog(), MEDIA, a2.attribute(), b2.attribute(), START + 2.0)
    old = [p for p in both() if p.t < START + 2.05]
    new = [p for p in both() if p.t >= START + 2.05]
    mixed = protect(old, a, b) + protect(new, a2, b2)
    t.equal("new keys by re-INVITE", sound_of(t, secured(a.attribute(), b.attribute()) + change + mixed)[1] == wanted, True)
    record, sound = sound_of(t, secured(a.attribute(), b.attribute()) + mixed)
    t.counter("without the re-INVITE's keys", sound != wanted)
    t.equal("which is told", lacking(record), ("recorded", True, "SRTP"))
    other = (4100, 6100)
    moved = [p for p in both() if p.t < START + 2.05] + protect([p for p in both(ports=other) if p.t >= START + 2.05], a2, b2)
    record, _ = sound_of(t, call(voice=False, seconds=4) + changed(Dialog(), other, "", "", START + 2.0) + moved)
    t.equal("protected from there on, and no key at all", lacking(record), ("recorded", True, "SRTP"))


@feature("X45", "a flood of SRTP with wrong tags: the recording goes on, each one is counted")
def flood(t):
    suite = "AES_CM_128_HMAC_SHA1_80"
    a, b = Protector(suite, "a"), Protector(suite, "b")
    wanted = clear(t)
    r = random.Random(1)
    forged = [Packet(START + 1.06 + i * 0.000028, ALICE, 4000, BOB, 6000, rtp(r.randrange(65536), r.randrange(1 << 32), 0x1111, r.randbytes(170)), ipid=i & 0xffff, kind="rtp")
              for i in range(100000)]
    packets = secured(a.attribute(), b.attribute()) + protect(both(), a, b) + forged
    record, sound = sound_of(t, packets)
    t.equal("the sound of the call", sound == wanted, True)
    t.equal("result", lacking(record), ("recorded", False, None))
    ahead = [replace(p, t=p.t - 0.001, ipid=p.ipid + 9, data=p.data[:12] + r.randbytes(170)) for p in both() if p.src == ALICE]
    record, sound = sound_of(t, secured(a.attribute(), b.attribute()) + protect(both(), *(Protector(suite, x) for x in "ab")) + ahead)
    t.equal("a forged one ahead of each packet, with its number", sound == wanted, True)
    t.counter("forged packets are heard without protection", sound_of(t, call(voice=False, seconds=4) + both() + forged)[1] != wanted)


@feature("G01", "keys of SRTP go into no message, pcap or file")
def secrets(t):
    a, b = Protector("AES_CM_128_HMAC_SHA1_80", "a"), Protector("AES_CM_128_HMAC_SHA1_80", "b")
    packets = sorted(secured(a.attribute(), b.attribute()) + protect(both(), a, b), key=lambda p: p.t)
    needles = [k.inline()[len("inline:"):].encode() for k in (a, b)] + [a.master, b.master]
    with tempfile.TemporaryDirectory(dir=t.work) as out:
        t.read(frames(packets), "--record", out)
        data = b"".join(open(os.path.join(where, name), "rb").read() for where, _, names in os.walk(out) for name in names)
    t.check("there is something to look at", len(data) > 10000)
    t.equal("keys in files", [n for n in needles if n in data], [])
    t.counter("the needles are in the capture", all(n in b"".join(p.data for p in packets) for n in needles[:2]))


def database_of(s):
    return os.path.join(os.path.dirname(s.log), "data", "db", "earshot.db")


def keys_kept(s):
    con = sqlite3.connect(f"file:{database_of(s)}?mode=ro", uri=True)
    try:
        return [keys for keys, in con.execute("SELECT keys FROM media_keys")]
    finally:
        con.close()


def unended(packets):
    return [p for p in packets if b"CSeq: 2 BYE" not in p.data]


def dialog(name, number):
    return Dialog(call_id=name, branch=f"z9hG4bK{number}")


def late_offer(d, ports, a, b):
    """The callee offers, the ACK answers."""
    offer, answer = (sdp(who, port, p.attribute()).replace(b"AVP", b"SAVP") for who, port, p in ((BOB, ports[1], b), (ALICE, ports[0], a)))
    return [Packet(START, ALICE, 5060, BOB, 5060, d.request("INVITE", 1), ipid=81, kind="sip"),
            Packet(START + 1, BOB, 5060, ALICE, 5060, d.response(200, "OK", "INVITE", 1, offer), ipid=82, kind="sip"),
            Packet(START + 1.02, ALICE, 5060, BOB, 5060, d.request("ACK", 1, answer), ipid=83, kind="sip")]


def keyed_calls():
    """Open calls of one second: {Call-ID: (packets, secrets)}. One of each suite, and of each way to come by keys."""
    calls, suite = {}, "AES_CM_128_HMAC_SHA1_80"
    ports = lambda: (4000 + 10 * len(calls), 6000 + 10 * len(calls))
    sound = lambda: both(ports=ports(), seconds=1)
    for name in SUITES:
        a, b = Protector(name, "a"), Protector(name, "b")
        calls[name] = (unended(secured(a.attribute(), b.attribute(), ports=ports(), d=dialog(name, len(calls)))) + protect(sound(), a, b), (a, b))
    keys = a, b, a2, b2 = [Protector(suite, name) for name in ("ca", "cb", "ca2", "cb2")]
    d = dialog("changed", len(calls))
    old, new = ([p for p in sound() if (p.t < START + 1.6) == first] for first in (True, False))
    calls["changed"] = (unended(secured(a.attribute(), b.attribute(), ports=ports(), d=d)) + changed(d, ports(), a2.attribute(), b2.attribute(), START + 1.55) +
                        protect(old, a, b) + protect(new, a2, b2), keys)
    a, b = Protector(suite, "la"), Protector(suite, "lb")
    calls["late"] = (late_offer(dialog("late", len(calls)), ports(), a, b) + protect(sound(), a, b), (a, b))
    a, b, _ = extracted(1, b"m" * 48, True)
    calls["dtls"] = (unended(dtls_call(1, sound(), ports=ports(), d=dialog("dtls", len(calls)))), (a, b))
    return calls


@feature("G01", "protected calls that a crash ends, one of each suite and with keys from wherever they come, are recorded whole with the keys that were kept for them; they are wiped then")
@in_namespace
def crash(t):
    calls = keyed_calls()
    packets = sorted((p for ps, _ in calls.values() for p in ps), key=lambda p: p.t)
    masters = [k.master for _, keys in calls.values() for k in keys]
    with Service(t, "vb", f"[recording]\ndefault = record\n[tls]\nkey_log = {key_log(t)}\n") as s:
        home = os.path.dirname(s.log)
        send("va", frames(packets))
        wait_for("all keys are kept", lambda: (lambda kept: all(m in kept for m in masters))(b"".join(keys_kept(s))))
        spooled(os.path.join(home, "data"), packets)
        s.crash()
        wait_for("all is made of them that can be", lambda: s.made(len(calls)))
        records = {r["call_id"]: r for r in s.records()}
        for name in calls:
            r = records[name]
            t.equal(f"{name}: result", (r["end_reason"], r["recording"]["result"], r["recording"]["recovered"]), ("restart", "recorded", True))
            t.check(f"{name}: length {r['recording']['duration_ms']}", r["recording"]["duration_ms"] > 900)
        t.equal("packets that no key opened", s.counter("earshot_srtp_unopened_packets_total"), 0)
        wait_for("the keys are wiped", lambda: not keys_kept(s))
        with open(database_of(s), "rb") as f:
            held = f.read()
        t.equal("and not in the file", [m.hex() for m in masters if m in held], [])
    with Service(t, "vb", "[recording]\ndefault = metadata-only\n") as s:
        send("va", frames(packets))
        wait_for("the calls are live", lambda: s.get("/api/v1/live/calls")["data"])
        time.sleep(0.5)
        t.counter("keys are kept though nothing is recorded", not keys_kept(s))


def dtls_call(profile, sound=None, *, order="client", secret=b"m" * 48, ports=MEDIA, **more):
    """Packets of a WebRTC-like call: setup by fingerprint, hellos on the media path, media under the keys they agreed on."""
    a, b, packets = extracted(profile, secret, order == "client")
    lines = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\na=setup:actpass\r\na=rtcp-mux\r\n"
    out = secured(lines, lines, "UDP/TLS/RTP/SAVPF", ports, **more)
    for i, (forth, data) in enumerate(packets):
        src, sport, dst, dport = (ALICE, ports[0], BOB, ports[1]) if forth else (BOB, ports[1], ALICE, ports[0])
        out.append(Packet(START + 1.03 + i * 0.003, src, sport, dst, dport, data, ipid=900 + i, kind="dtls"))
    return out + protect(sound or both(), a, b)


def key_log(t, secret=b"m" * 48):
    path = t.path("keys")
    with open(path, "w") as f:
        f.write(f"CLIENT_RANDOM {(b'c' * 32).hex()} {secret.hex()}\n")
    return path


@feature("G02", "DTLS-SRTP: labelled, opened with the key log of either side as client, silent without")
def dtls(t):
    wanted = clear(t)
    for profile in (1, 2, 7, 8):
        for order in ("client", "server"):
            record, sound = sound_of(t, dtls_call(profile, order=order), "--set", "tls.key_log=" + key_log(t))
            t.equal(f"profile {profile}, {order} calls: sound", sound == wanted, True)
            t.equal("flags", [s["srtp"] for s in record["streams"]], [True, True])
    record, sound = sound_of(t, dtls_call(1))
    t.counter(f"without a key log: {record['recording']}", sound is None and record["recording"]["result"] == "encrypted")
    t.equal("label and quality all the same", [(s["srtp"], s["packets"], s["lost"]) for s in record["streams"]], [(True, 150, 0)] * 2)
    record, sound = sound_of(t, dtls_call(1), "--set", "tls.key_log=" + key_log(t, b"x" * 48))
    t.counter("a wrong secret makes noise", sound is None)
