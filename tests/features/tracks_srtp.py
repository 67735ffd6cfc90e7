"""A06, G01: the voices of a conference and of a recording session, each under a key of its own."""
import os, sqlite3

from craft import *
from feature import feature
from protect import Protector
from recordings import RECORD, TONES, goertzel, party, party_recorded, session, sounds
from users_api import FileService

SUITE = "AES_CM_128_HMAC_SHA1_80"


def keyed(packet, lines):
    """The message with these lines of a=crypto behind its media lines, in their order; the profile and the lengths follow."""
    head, _, body = packet.data.partition(b"\r\n\r\n")
    at, out = 0, []
    for row in body.split(b"\r\n"):
        out.append(row.replace(b"RTP/AVP", b"RTP/SAVP"))
        if row.startswith(b"m=audio"):
            out += lines[at].encode().split(b"\r\n")[:-1]
            at += 1
    body = b"\r\n".join(out)
    rows = [b"Content-Length: %d" % len(body) if r.lower().startswith(b"content-length:") else r for r in head.split(b"\r\n")]
    return replace(packet, data=b"\r\n".join(rows) + b"\r\n\r\n" + body)


def protected_party(wrong=()):
    """The conference of recordings.py: every end under a key of its own, the focus under one for each; `wrong`: who tells another key than he has."""
    packets, begin = party()
    keys, out = {}, []
    key = lambda name: keys.setdefault(name, Protector(SUITE, name))
    for p in packets:
        if p.kind == "rtp":
            out.append(replace(p, data=key((p.src, p.sport)).packet(p.data)))
        elif b"m=audio" in p.data:
            port = int(p.data.split(b"m=audio ")[1].split()[0])
            told = Protector(SUITE, "another") if (p.src, port) in wrong else key((p.src, port))
            out.append(keyed(p, [told.attribute()]))
        else:
            out.append(p)
    return out, begin


def protected_session(names, wrong=()):
    """The recording session of recordings.py, a key for each line."""
    keys, out = [Protector(SUITE, f"voice {k}") for k in range(len(names))], []
    order = list(reversed(range(len(names))))  # the lines stand so
    for p in session(names):
        if p.kind == "rtp":
            out.append(replace(p, data=keys[(p.sport - 4000) // 10].packet(p.data)))
        elif b"m=audio" in p.data:
            forth = p.src == "10.0.0.7"
            out.append(keyed(p, [(Protector(SUITE, f"another {k}") if k in wrong or not forth else keys[k]).attribute() for k in order]))
        else:
            out.append(p)
    return out


def result(got, name):
    return [(f["kind"], f["number"], f["result"], f["id"] is None) for f, _ in got[name][1] if f["kind"] != "call"]


def levels(x, span, tones=TONES):
    return [round(goertzel(x[span], hz)) for hz in tones]


@feature("A06", "a conference under SRTP: each track opened with the keys of its own call, the sum too; a wrong key is said, and is no noise")
def conference(t):
    span = slice(8000 * 8, 8000 * 9)
    plain = party_recorded(t, party()[0], 20)
    got = party_recorded(t, protected_party()[0], 20)
    for name in sorted(got):
        t.equal(f"{name}: the same files", result(got, name), result(plain, name))
    tracks = lambda calls: [sounds(data) for f, data in calls["1-alice"][1] if f["kind"] != "call"]
    for n, (x, wanted) in enumerate(zip(tracks(got), tracks(plain))):
        t.equal(f"file {n + 1} sounds as in the clear", x == wanted, True)
    got = party_recorded(t, protected_party(wrong=(("10.0.0.3", 4020),))[0], 20)
    carol = next(k for k in got if "carol" in k)
    t.counter(f"a wrong key makes a file: {result(got, carol)}", result(got, carol)[2] == ("track", 3, "encrypted", True))
    t.equal("the others' are there", [r[2:] for n, r in enumerate(result(got, carol)) if n != 2], [("recorded", False)] * 4)
    files = [sounds(data) for f, data in got[carol][1] if f["kind"] != "call" and f["id"]]
    t.check(f"the sum has no noise: {levels(files[3], span)}", levels(files[3], span)[2] < 100 and max(map(abs, files[3])) <= 29204)
    for n, hz in ((0, 0), (1, 1), (2, 3)):
        v = levels(files[n], span)
        t.check(f"track of {TONES[hz]} Hz: {v}", v[hz] > 9000 and all(x < 200 for k, x in enumerate(v) if k != hz))


@feature("A06", "SIPREC under SRTP: two streams are left and right, more are a track each, each with the key of its line; a wrong key is said")
def recording_session(t):
    (_, ((f, data),)), = party_recorded(t, protected_session(("ann", "ben")), 0).values()
    x = sounds(data)
    two = [levels(x[c::2], slice(8000, 16000), TONES[:2]) for c in (0, 1)]
    t.equal("two: channels by name", (f["channels"], f["result"]), (["ann", "ben"], "recorded"))
    t.check(f"two: a side each: {two}", two[0][0] > 5000 and two[1][1] > 5000 and two[0][1] < 100 and two[1][0] < 100)
    for wrong in ((), (1,)):
        (_, files), = party_recorded(t, protected_session(("ann", "ben", "cleo"), wrong), 3).values()
        tracks = [(f, sounds(data) if data else None) for f, data in files if f["kind"] != "call"]
        t.equal(f"{wrong}: by name", [(f["kind"], (f.get("participant") or {}).get("user"), f["result"]) for f, _ in tracks],
                [("track", n, "encrypted" if k in wrong else "recorded") for k, n in enumerate(("ann", "ben", "cleo"))] + [("mix", None, "recorded")])
        for n, (_, x) in enumerate(tracks):
            if n in wrong:
                t.counter("a wrong key makes a file", x is None)
                continue
            v = levels(x, slice(8000, 16000), TONES[:3])
            t.check(f"{wrong}: file {n + 1}: {v}", all((v > 4000) == ((k == n or n == 3) and k not in wrong) for k, v in enumerate(v)))


@feature("G01", "keys of a conference wait for its tracks, and go with them")
def wiped(t):
    packets, _ = protected_party()
    with FileService(t, packets, RECORD) as s:
        from service import wait_for
        keys = lambda: sqlite3.connect(f"file:{s.data}/db/earshot.db?mode=ro", uri=True).execute("SELECT count(*) FROM media_keys").fetchone()[0]
        mixes = lambda: [f for c in s.get("/api/v1/calls?from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z")["data"]
                         for f in s.get(f"/api/v1/calls/{c['uid']}/recordings")["data"] if f["kind"] == "mix"]
        wait_for("the tracks", lambda: len(mixes()) == 4)
        wait_for("no key is left", lambda: keys() == 0)
        master = [Protector(SUITE, (who, port)).master for who, port in (("10.0.0.1", 4000), ("10.0.0.2", 4010))]
        t.counter("these are no keys of it", all(k.inline().encode() in b"".join(p.data for p in packets) for k in (Protector(SUITE, ("10.0.0.1", 4000)),)))
    with open(os.path.join(s.data, "db", "earshot.db"), "rb") as f:
        text = f.read()
    t.equal("nor in the file", [m for m in master if m in text], [])
