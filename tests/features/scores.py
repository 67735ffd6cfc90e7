"""K03: scores through the whole program, against the vectors of the E-model's reference implementation."""
import json, os

from craft import *
from feature import feature

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/reference/emodel_vectors.json")
FRAMES = 100
LOST = {0: (), 1: (50,), 2: (30, 70), 5: (10, 30, 50, 70, 90)}  # percent: frames that are missing, each alone

# Row of the vectors, payload type, rtpmap, fmtp, payload, clock ticks of 20 ms.
CODECS = (
    ("G.711 (PLC, App I/G.711)", 0, "PCMU/8000", "", bytes(160), 160),
    ("G.711 (PLC, App I/G.711)", 8, "PCMA/8000", "", bytes(160), 160),
    ("G.729A (+VAD)", 18, "G729/8000", "", bytes(20), 160),
    ("GSM-FR 06.10", 3, "GSM/8000", "", b"\xd0" + bytes(32), 160),
    ("iLBC 20/30 ms", 97, "iLBC/8000", "mode=20", bytes(38), 160),
    ("G.722 64", 9, "G722/8000", "", bytes(160), 160),
    ("AMR-WB 12.65", 98, "AMR-WB/16000", "octet-align=1", b"\xf0\x14" + bytes(32), 320),
    ("EVS-SWB 24.4", 99, "EVS/16000", "", bytes(61), 320),
    ("Opus >=24 kbit/s", 111, "opus/48000/2", "", b"\x78" + bytes(59), 960),
)


def voice(codec, missing, payload=None):
    _, pt, name, fmtp, own, ticks = codec
    lines = f"a=fmtp:{pt} {fmtp}\r\n" if fmtp else ""
    offer, answer = sdp(ALICE, 4000, lines, pt, name), sdp(BOB, 6000, lines, pt, name)
    signals = call(voice=False, offer=offer, answer=answer, seconds=3)
    return sorted(signals + [Packet(START + 1.05 + i * 0.02, ALICE, 4000, BOB, 6000,
                                    rtp(i, ticks * i, 7, payload(i) if payload else own, pt), kind="rtp")
                             for i in range(FRAMES) if i not in missing], key=lambda p: p.t)


def stream(t, packets, *options):
    found, = t.read(frames(packets), *options)
    return found["streams"][0]


@feature("K03", "MOS of nine codecs on three scales at four losses: the reference's figures; no value where nobody knows one")
def golden_points(t):
    with open(VECTORS) as f:
        rows = {row["codec"]: row for row in json.load(f)["codecs"]}
    for codec in CODECS:
        want = rows[codec[0]]
        for loss, missing in LOST.items():
            s = stream(t, voice(codec, missing))
            what = f"{codec[2]} at {loss} %"
            t.equal(what, (s["media_lost"], s["mos"]["scale"]), (loss, want["scale"]))
            t.check(f"{what}: R {s['r']}, not {want[f'R@{loss}']:.4f}", abs(s["r"] - want[f"R@{loss}"]) < 0.006)
            t.check(f"{what}: MOS {s['mos']['lq']}, not {want[f'MOS@{loss}']:.4f}", abs(s["mos"]["lq"] - want[f"MOS@{loss}"]) < 0.006)
            provisional = want["basis"] == "P" or (loss and want["basis"] != "S") or (loss and codec[2].startswith("AMR-WB"))
            t.equal(f"{what}: basis", s["mos"]["basis"], "provisional" if provisional else "standard")
    nobody = stream(t, voice(("", 100, "SILK/8000", "", bytes(40), 160), ()))
    t.equal("unknown codec", (nobody["mos"]["lq"], nobody["r"], nobody["mos"]["basis"], nobody["mos"]["cq"]), (None, None, "none", None))
    many = stream(t, voice(CODECS[0], range(5, 95, 9)))
    t.counter(f"10 % loss gives {many['mos']['lq']}, far from 4.5", many["media_lost"] == 10 and abs(many["mos"]["lq"] - 3.4112) < 0.006)


@feature("K03", "bit rates that change within a call weigh by their frames; own values of codecs go ahead of the table")
def modes_and_own_values(t):
    amr = CODECS[6]
    low = b"\xf0\x04" + bytes(17)
    mixed = stream(t, voice(amr, (), lambda i: low if i < 25 else amr[4]))
    t.check(f"R {mixed['r']} of a quarter at 6.60", abs(mixed["r"] - (129 - (0.25 * 41 + 0.75 * 13))) < 0.006)
    path = t.path("conf")
    with open(path, "w") as f:
        f.write("[quality]\ncodecs = opus FB 5 15\n")
    own = stream(t, voice(CODECS[8], ()), "--config", path)
    t.equal("own values", (own["r"], own["mos"]["basis"]), (143.0, "operator"))
    t.counter("without them it is G.113's", stream(t, voice(CODECS[8], ()))["r"] != own["r"])
    with open(path, "w") as f:
        f.write("[quality]\ncodecs = opus FB\n")
    wrong = t.run("--check-config", path, code=None)
    t.check(f"a line that gives no values is named: {wrong.stderr}", wrong.returncode != 0 and "opus FB" in wrong.stderr)


@feature("K03", "conversational scores need a delay and say where it comes from")
def conversation(t):
    with open(VECTORS) as f:
        rows = {row["Ta"]: row for row in json.load(f)["delay"]}
    without = stream(t, voice(CODECS[0], ()))["mos"]
    t.equal("nobody says the delay", (without["cq"], without["delay_ms"], without["delay_basis"]), (None, None, "none"))
    for ms in (100, 150, 300):
        m = stream(t, voice(CODECS[0], ()), "--set", f"quality.delay={ms}ms")["mos"]
        t.equal(f"{ms} ms", (m["delay_ms"], m["delay_basis"]), (ms, "assumed"))
        t.check(f"{ms} ms: {m['cq']}, not {rows[ms]['MOS']:.4f}", abs(m["cq"] - rows[ms]["MOS"]) < 0.0006 and m["lq"] == without["lq"])
        m = stream(t, voice(CODECS[0], ()), "--set", f"quality.delay={ms}ms", "--set", "quality.echo=none")["mos"]
        t.check(f"{ms} ms without echo: {m['cq']}", abs(m["cq"] - rows[ms]["MOS_echofree"]) < 0.0006)
    t.counter("delay makes no difference", m["cq"] < m["lq"])


@feature("K03", "what is encrypted tells no bit rates: its score does not hang on the cipher text")
def encrypted_modes(t):
    def sealed(forms):
        """A quarter of each stream's payloads looks like 6.60 kbit/s when read as clear text."""
        packets = voice(CODECS[6], (), lambda i: forms[i % 4])
        for p in packets:
            if p.kind == "sip":
                key = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + b"A" * 40 + b"\r\n"
                body = p.data.split(b"\r\n\r\n", 1)
                if len(body) == 2 and body[1]:
                    text = body[1].replace(b"RTP/AVP", b"RTP/SAVP") + key
                    head = body[0].replace(b"Content-Length: %d" % len(body[1]), b"Content-Length: %d" % len(text))
                    p.data = head + b"\r\n\r\n" + text
        return packets

    low, high, tag = b"\xf0\x04" + bytes(17), CODECS[6][4], bytes(10)
    one, other = stream(t, sealed([high + tag] * 4)), stream(t, sealed([low + tag] + [high + tag] * 3))
    t.equal("encrypted", (one["srtp"], other["srtp"]), (True, True))
    t.equal("R and MOS", (one["r"], one["mos"]), (other["r"], other["mos"]))
    clear = stream(t, voice(CODECS[6], (), lambda i: low if i % 4 == 0 else high))
    t.counter("in clear text it makes no difference", clear["r"] != stream(t, voice(CODECS[6], ()))["r"])
