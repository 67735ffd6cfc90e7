"""F06: the pages of a fax. Two machines of spandsp talk T.38 to each other (earshot-fax); what they send is put on the wire here, with what a
network does to it."""
import glob, hashlib, os, subprocess, urllib.request

from craft import *
from fax import image, voice
from feature import feature
from transfers import A, B, Scene

MS = 0.001
_calls = {}


class FaxCall:
    """Packets [(ms, side, copies, octets)] and the pages that were sent."""

    def __init__(self, t, coding, ecm, version=0, pages=3, rows=200):
        tool = os.path.join(os.path.dirname(os.path.abspath(t.earshot)), "tests/support/fax/earshot-fax")
        sent = t.path("sent.tiff")
        done = subprocess.run([tool, "call", coding, str(int(ecm)), str(version), str(pages), str(rows), sent, t.path("received.tiff")],
                              capture_output=True, text=True, check=True)
        self.packets = [(int(ms), int(side), int(copies), bytes.fromhex(octets)) for ms, side, copies, octets in map(str.split, done.stdout.splitlines())]
        self.tool = tool
        self.sent = self.pixels(sent)
        self.ms = self.packets[-1][0]

    def pixels(self, path):
        """(width, rows, dots per inch across and down, sum of the pixels) of each page, as libtiff reads it."""
        lines = subprocess.run([self.tool, "pages", path], capture_output=True, text=True, check=True).stdout.splitlines()
        return [tuple(line.split()) for line in lines]


def call_of(t, *what, **more):
    key = what + tuple(more.items())
    if key not in _calls:
        _calls[key] = FaxCall(t, *what, **more)
    return _calls[key]


def length(octets):
    return bytes((len(octets),)) if len(octets) < 128 else struct.pack("!H", 0x8000 | len(octets))


def udptl(c, leg, start, redundancy=3, drop=lambda side, n: False):
    """The wire: each datagram repeats the `redundancy` packets before it; `drop` says which ones (side, number) do not arrive."""
    ends, sent, out = ((A, leg.media[A]), (B, leg.media[B])), ([], []), []
    for ms, side, _, octets in c.packets:
        earlier = sent[side][::-1][:redundancy]
        body = struct.pack("!H", len(sent[side])) + length(octets) + octets + b"\0" + bytes((len(earlier),)) + b"".join(length(e) + e for e in earlier)
        src, dst = ends[side], ends[1 - side]
        if not drop(side, len(sent[side])):
            out.append(Packet(START + start + ms * MS, *src, *dst, body, kind="t38"))
        sent[side].append(octets)
    return out


def scene_of(c, sound=True, direct=False, **wire):
    """Voice, then T.38 by re-INVITE; or (`direct`) a call that is a fax from its INVITE on."""
    scene = Scene()
    leg = scene.leg("pages@test", A, B)
    end = 5 + c.ms * MS
    if direct:
        leg.ask(0, A, "INVITE", image(A, leg.media[A]), tag=False)
        leg.tell(1, B, 200, "INVITE", image(B, leg.media[B]))
        leg.ask(1.01, A, "ACK")
    else:
        leg.invite(0).ring(0.2).answer(1)
        leg.ask(4, B, "INVITE", image(B, leg.media[B]))
        leg.tell(4.05, A, 200, "INVITE", image(A, leg.media[A]))
        leg.ask(4.06, B, "ACK")
    if sound and not direct:
        scene.packets += voice(leg, 1.05, 2, 100, 1000)
    scene.packets += udptl(c, leg, 4.2, **wire)
    leg.bye(end, A)
    return sorted(scene.packets, key=lambda p: p.t)


def kept(t, packets, *options):
    """(recording, path of its TIFF or None, its files)."""
    folder = t.path("recordings")
    record, = t.read(frames(packets), "--record", folder, *options)
    files = sorted(glob.glob(f"{folder}/**/*", recursive=True))
    tiff = [f for f in files if f.endswith(".tiff")]
    assert len(tiff) <= 1, tiff
    return record["recording"], tiff[0] if tiff else None, [os.path.basename(f) for f in files if os.path.isfile(f)]


@feature("F06", "pages of T.38 as TIFF, pixel for pixel: MH, MR, MMR, with and without error correction, both ways of packing fields")
def pages(t):
    for coding, ecm, version in (("mh", False, 0), ("mr", False, 1), ("mr", True, 0), ("mmr", True, 1)):
        c = call_of(t, coding, ecm, version)
        what = f"{coding}, ECM {ecm}, version {version}"
        g, path, files = kept(t, scene_of(c))
        t.check(f"{what}: a file beside the sound: {files}", path and path.endswith("-f1.tiff") and len([f for f in files if f.endswith(".wav")]) == 1)
        t.equal(f"{what}: pages, pixel for pixel", c.pixels(path), c.sent)
        fax = g["fax"]
        t.equal(f"{what}: what the record says", [(p["number"], p["picture"], p["party"], p["coding"], p["error_correction"], p["width"], p["rows"],
                                                  p["x_dpi"], p["y_dpi"], p["whole"], p["missing"], p["bad_rows"], p["answer"]) for p in fax["pages"]],
                [(n, n, "caller", coding.upper(), ecm, 1728, 200, 204, 196, True, 0, 0, "confirmed") for n in (1, 2, 3)])
        octets = open(path, "rb").read()
        t.equal(f"{what}: its file", (fax["size_bytes"], fax["sha256"], fax["format"]), (len(octets), hashlib.sha256(octets).hexdigest(), "tiff"))
        t.equal(f"{what}: its packets", (fax["packets"], fax["packets_repaired"], fax["packets_lost"], g["result"], g["format"]), (len(c.packets), 0, 0, "recorded", "wav"))
    again = kept(t, scene_of(c))[1]
    t.check("twice the same file", open(again, "rb").read() == octets)
    off, path, files = kept(t, scene_of(c), "--set", "recording.fax=no")
    t.counter("recording.fax = no", path is None and "fax" not in off and len(files) == 1)


@feature("F06", "loss that redundancy repairs costs no pixel; loss beyond repair is a page that is not whole, and says so")
def loss(t):
    for coding, ecm in (("mr", False), ("mmr", True)):
        c = call_of(t, coding, ecm, int(ecm))
        g, path, _ = kept(t, scene_of(c, drop=lambda side, n: n % 5 in (2, 3)))
        t.equal(f"{coding}: two of five lost, pixel for pixel", c.pixels(path), c.sent)
        t.check(f"{coding}: and told: {g['fax']}", g["fax"]["packets_repaired"] > 50 and g["fax"]["packets_lost"] == 0 and all(p["whole"] for p in g["fax"]["pages"]))
        middle = [n for n, (ms, side, _, octets) in enumerate(p for p in c.packets if p[1] == 0) if len(octets) > 40]
        hole = range(middle[len(middle) // 2], middle[len(middle) // 2] + 8)
        g, path, _ = kept(t, scene_of(c, drop=lambda side, n: side == 0 and n in hole))
        bad = [p for p in g["fax"]["pages"] if not p["whole"]]
        t.counter(f"{coding}: eight on end lost: {bad}", g["fax"]["packets_lost"] == 5 and len(bad) == 1 and bad[0]["missing"] > 0)
        t.check(f"{coding}: the other pages are as they were", [s for s, p in zip(c.pixels(path), g["fax"]["pages"]) if p["whole"]] ==
                [s for s, p in zip(c.sent, g["fax"]["pages"]) if p["whole"]])
        g, path, _ = kept(t, scene_of(c, redundancy=0, drop=lambda side, n: side == 0 and n == hole[0]))
        t.counter(f"{coding}: a single one, and nothing repeats it", [p["whole"] for p in g["fax"]["pages"]].count(False) == 1)
    c = call_of(t, "mr", False, 0)
    cut = [p for p in scene_of(c) if p.kind != "t38" or p.t < START + 4.2 + c.ms * MS / 2]
    t.counter("a capture that ends within a page", not kept(t, cut)[0]["fax"]["pages"][-1]["whole"])


@feature("F06", "a call of nothing but a fax has its pages as its recording; rules and pauses count for pages, too")
def rules(t):
    c = call_of(t, "mr", True, 0)
    g, path, files = kept(t, scene_of(c, direct=True))
    t.equal("pages stand in for sound", (g["result"], g["state"], g["format"], g["duration_ms"], c.pixels(path)), ("recorded", "ready", "tiff", 0, c.sent))
    t.check(f"one file: {files}", [f for f in files if not f.endswith(".json")] == [os.path.basename(path)])
    for action in ("skip", "metadata-only", "headers-only"):
        conf = t.path("conf")
        with open(conf, "w") as f:
            f.write(f"[rule none]\ncaller = alice\naction = {action}\n")
        g, path, files = kept(t, scene_of(c), "--config", conf)
        t.counter(f"{action}: no page", (path, files, g["result"], "fax" in g) == (None, [], "rule", False))
    first = next(p["started_at"] for p in kept(t, scene_of(c))[0]["fax"]["pages"])
    begin = float(first[17:26]) - 20 # s; START is 20 s past the minute
    pause = Scene()
    leg = pause.leg("pages@test", A, B)
    leg.cseq = {A: 50, B: 150}
    leg.ask(begin - 0.2, A, "INFO", headers="X-Record-Control: pause\r\n")
    g, path, _ = kept(t, sorted(scene_of(c) + pause.packets, key=lambda p: p.t), "--set", "pause.sip_from=both")
    t.counter(f"a pause ahead of the first page: {g.get('fax')}", path is None and not [p for p in g.get("fax", {}).get("pages", []) if p["rows"]])
    nothing, path, _ = kept(t, [p for p in scene_of(c) if p.kind != "t38"])
    t.counter("no packets, no page", path is None and "fax" not in nothing)


@feature("F06", "pages over the API: at the call, served whole and in ranges, gone with the recording, also where they stand in for sound")
def served(t):
    from service import wait_for
    from users_api import FileService
    c = call_of(t, "mr", True, 0)
    for direct in (False, True):
        with FileService(t, scene_of(c, direct=direct), "[recording]\ndefault = record\n") as s:
            span = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
            row = wait_for("the recording", lambda: next((r for r in s.get(f"/api/v1/calls?{span}")["data"] if (r["recording"] or {}).get("state") == "ready"), None))
            fax = s.get(f"/api/v1/calls/{row['uid']}/recording")["fax"]
            t.equal("its id", (fax["id"], fax["url"]), (f"{row['uid']}-f1", f"/api/v1/recordings/{row['uid']}-f1/fax"))
            with urllib.request.urlopen(s.url + fax["url"], timeout=10) as answer:
                body = answer.read()
                t.equal("what it is", (answer.headers["Content-Type"], len(body), hashlib.sha256(body).hexdigest()), ("image/tiff", fax["size_bytes"], fax["sha256"]))
            with urllib.request.urlopen(urllib.request.Request(s.url + fax["url"], headers={"Range": "bytes=4-35"}), timeout=10) as answer:
                t.equal("a range", (answer.status, answer.read()), (206, body[4:36]))
            stored = lambda: sorted(n[36:] for d, _, names in os.walk(os.path.join(s.data, "audio")) for n in names)
            t.equal("on the disk", stored(), ["-f1.json", "-f1.tiff"] if direct else ["-f1.tiff", ".json", ".peaks", ".wav"])
            t.counter("pages that are none are found", {s.status(f"/api/v1/recordings/{row['uid']}-{x}/fax") for x in ("f2", "f0", "f", "p1", "v1")} == {404})
            if direct:
                for of in ("audio", "peaks"):
                    t.counter(f"there is nothing to hear: {of}", s.status(f"/api/v1/recordings/{row['recording']['id']}/{of}") == 404)
                t.counter("nor to convert", s.status(f"/api/v1/recordings/{row['recording']['id']}/audio?format=mp3") == 404)
            again = urllib.request.Request(s.url + f"/api/v1/recordings/{row['recording']['id']}", method="DELETE", headers={"X-Access-Reason": "test"})
            with urllib.request.urlopen(again, timeout=10) as answer:
                t.check(f"deleted: {answer.status}", answer.status in (200, 202, 204))
            t.equal("and with it its pages", wait_for("an empty folder", lambda: not stored()), True)
