"""F07: what was shown, as Matroska beside the audio: nothing encoded anew, the sound untouched."""
import glob, hashlib, json, os, shutil

from craft import *
from feature import feature
from film import *
from film import _films
from protect import Protector


def kept(t, packets, *options, video="yes"):
    """(record, {name: bytes} of its files, their folder)."""
    folder = t.path("recordings")
    record, = t.read(frames(packets), "--record", folder, "--set", f"recording.video={video}", *options)
    return record, {n: open(os.path.join(folder, n), "rb").read() for n in sorted(os.listdir(folder))}, folder


def only_film(files):
    names = [n for n in files if n.endswith(".mkv")]
    return names[0] if len(names) == 1 else None


def probe(path):
    done = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,width,height,nb_read_packets:format=duration,format_name",
                           "-of", "json", path], capture_output=True, text=True, check=True)
    got = json.loads(done.stdout)
    s = got["streams"][0]
    return s["codec_name"], s["width"], s["height"], int(s["nb_read_packets"]), float(got["format"]["duration"])


@feature("F07", "Matroska of H.264, H.265, VP8, VP9, AV1: each picture that ffmpeg decodes from it is that of the encoder's own file")
def matroska(t):
    names = {"H264": "h264", "H265": "hevc", "VP8": "vp8", "VP9": "vp9", "AV1": "av1"}
    for codec in ENCODERS:
        f = film(codec)
        count = f.packets[-1][0] + 1
        record, files, folder = kept(t, film_call(f))
        name = only_film(files)
        t.check(f"{codec}: one film: {list(files)}", name and name.endswith("-v1.mkv"))
        v, = record["recording"]["films"]
        t.equal(f"{codec}: what the record says", (v["party"], v["codec"], v["width"], v["height"], v["frames"], v["dropped"], v["format"]),
                ("caller", codec, WIDTH, HEIGHT, count, 0, "mkv"))
        t.equal(f"{codec}: its file", (v["size_bytes"], v["sha256"]), (len(files[name]), hashlib.sha256(files[name]).hexdigest()))
        path = os.path.join(folder, name)
        kind, width, height, packets, seconds = probe(path)
        t.equal(f"{codec}: what ffprobe says", (kind, width, height, packets), (names[codec], WIDTH, HEIGHT, count))
        t.check(f"{codec}: {seconds} s", abs(seconds - count / RATE) < 0.1 and abs(v["duration_ms"] / 1000 - (count - 1) / RATE) < 0.05)
        t.equal(f"{codec}: pictures", picture_sums(path) == f.md5 and len(f.md5) == count, True)
    none, files, _ = kept(t, film_call(f), video="no")
    t.counter("off by default", only_film(files) is None and "films" not in none["recording"] and len(files) == 1)


@feature("F07", "sound is byte for byte the same with films and without; the same call gives the same film")
def beside(t):
    f = film("H264")
    with_film, a, _ = kept(t, film_call(f))
    without, b, _ = kept(t, film_call(f), video="no")
    _, again, _ = kept(t, film_call(f))
    wav = [n for n in a if n.endswith(".wav")]
    t.check("one file of sound, equal", len(wav) == 1 and a[wav[0]] == b[wav[0]])
    t.equal("and all that is said of it", {k: v for k, v in with_film["recording"].items() if k != "films"}, without["recording"])
    t.check("twice the same film", again[only_film(again)] == a[only_film(a)])
    alone, c, _ = kept(t, [p for p in film_call(f) if p.kind != "video"])
    t.counter("without pictures there is no film", only_film(c) is None and "films" not in alone["recording"] and c[wav[0]] == a[wav[0]])


@feature("F07", "films with loss: pictures that lack a packet are left out, the others are there; reordered packets cost none")
def loss(t):
    f = film("VP8")
    count = f.packets[-1][0] + 1
    per = [sum(1 for k, _ in f.packets if k == n) for n in range(count)]
    hit = 30
    number = sum(per[:hit])
    record, files, folder = kept(t, film_call(f, keep=lambda k, n: n != number))
    v, = record["recording"]["films"]
    t.equal("one picture less", (v["frames"], v["dropped"]), (count - 1, 0 if per[hit] == 1 else 1))
    t.equal("in the file as well", probe(os.path.join(folder, only_film(files)))[3], count - 1)
    packets = film_call(f)
    shown_ = [n for n, p in enumerate(packets) if p.kind == "video"]
    x, y = shown_[number - 1], shown_[number]
    swapped = list(packets)
    swapped[x], swapped[y] = replace(packets[y], t=packets[x].t), replace(packets[x], t=packets[y].t)
    record, files, folder = kept(t, swapped)
    t.equal("two packets that changed places: all pictures", record["recording"]["films"][0]["frames"], count)
    t.equal("and as they were", picture_sums(os.path.join(folder, only_film(files))) == f.md5, True)
    late = kept(t, film_call(f, keep=lambda k, n: k > 3))[0]["recording"]["films"][0]
    t.counter("without the first key frame the film begins with the next", late["frames"] < count - 4 and late["dropped"] > 0)


@feature("F07", "a stream that changes its codec gives two films, numbered through, beside those of the other side; one that does not gives one")
def codecs(t):
    first, second = film("VP8"), film("H264")
    d = Dialog()
    begin = START + 1.1 + first.packets[-1][0] / RATE + 1.5

    def both(addr, audio, video):
        text = video_sdp(addr, audio, video, "VP8").replace(b" 96\r\n", b" 96 97\r\n", 1)
        return text + f"a=rtpmap:97 H264/90000\r\na=fmtp:97 {second.fmtp}\r\n".encode()

    def packets(of_both):
        later = [replace(p, data=p.data[:1] + bytes([p.data[1] & 0x80 | 97]) + p.data[2:]) for p in shown(second, d.a, 4002, d.b, 6002, begin, 0x5b)]
        back = shown(first, d.b, 6002, d.a, 4002, START + 1.1, 0x5c)
        return sorted(call(d, 10, offer=both(d.a, 4000, 4002), answer=both(d.b, 6000, 6002)) + shown(first, d.a, 4002, d.b, 6002, START + 1.1) + back +
                      (later if of_both else []), key=lambda p: p.t)

    record, files, folder = kept(t, packets(True))
    films = record["recording"]["films"]
    t.equal("what the record says", [(v["party"], v["codec"], v["frames"]) for v in films],
            [("caller", "VP8", 75), ("caller", "H264", 75), ("callee", "VP8", 75)])
    t.equal("their files", [n[n.rindex("-v"):] for n in files if n.endswith(".mkv")], ["-v1.mkv", "-v2.mkv", "-v3.mkv"])
    t.equal("each is what it is said to be", [v["sha256"] for v in films], [hashlib.sha256(files[n]).hexdigest() for n in files if n.endswith(".mkv")])
    t.equal("pictures", [picture_sums(os.path.join(folder, n)) == f.md5 for n, f in zip([n for n in files if n.endswith(".mkv")], (first, second, first))], [True] * 3)
    t.counter("without the change there are three", len(kept(t, packets(False))[0]["recording"]["films"]) == 2)


@feature("F07", "protected video opens with its key; without it there is no film")
def sealed(t):
    f = film("VP8")
    a, b = Protector("AES_CM_128_HMAC_SHA1_80", "a"), Protector("AES_CM_128_HMAC_SHA1_80", "b")
    packets = film_call(f, rtp="RTP/SAVP", lines=a.attribute())
    packets = [replace(p, data=a.packet(p.data)) if p.kind == "video" else p for p in packets]
    record, files, folder = kept(t, packets)
    t.check(f"a film: {record['recording'].get('films')}", only_film(files))
    t.equal("of the same pictures", picture_sums(os.path.join(folder, only_film(files))) == f.md5, True)
    other = Protector("AES_CM_128_HMAC_SHA1_80", "other")
    wrong = film_call(f, rtp="RTP/SAVP", lines=other.attribute())
    wrong = [replace(p, data=a.packet(p.data)) if p.kind == "video" else p for p in wrong]
    t.counter("with another key", only_film(kept(t, wrong)[1]) is None)


@feature("F07", "films over the API: listed at the call, served whole and in ranges, gone with the recording")
def served(t):
    import urllib.error, urllib.request
    from service import wait_for
    from users_api import FileService
    f = film("VP8")
    with FileService(t, film_call(f), "[recording]\ndefault = record\nvideo = yes\n") as s:
        span = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
        row = wait_for("the recording", lambda: next((c for c in s.get(f"/api/v1/calls?{span}")["data"] if (c["recording"] or {}).get("state") == "ready"), None))
        v, = s.get(f"/api/v1/calls/{row['uid']}/recording")["films"]
        t.equal("its id", (v["id"], v["url"]), (f"{row['uid']}-v1", f"/api/v1/recordings/{row['uid']}-v1/video"))
        with urllib.request.urlopen(s.url + v["url"], timeout=10) as answer:
            body = answer.read()
            t.equal("what it is", (answer.headers["Content-Type"], len(body), hashlib.sha256(body).hexdigest()), ("video/x-matroska", v["size_bytes"], v["sha256"]))
        with urllib.request.urlopen(urllib.request.Request(s.url + v["url"], headers={"Range": "bytes=4-35"}), timeout=10) as answer:
            t.equal("a range", (answer.status, answer.read()), (206, body[4:36]))
        stored = lambda: sorted(n[36:] for d, _, names in os.walk(os.path.join(s.data, "audio")) for n in names)
        t.equal("on the disk", [n for n in stored() if n not in (".json", ".peaks")], ["-v1.mkv", ".wav"])
        t.counter("films that are none are found", {s.status(f"/api/v1/recordings/{row['uid']}-{x}/video") for x in ("v2", "v0", "v", "p1")} == {404})
        again = urllib.request.Request(s.url + f"/api/v1/recordings/{row['recording']['id']}", method="DELETE", headers={"X-Access-Reason": "test"})
        try:
            with urllib.request.urlopen(again, timeout=10) as answer:
                t.check(f"deleted: {answer.status}", answer.status in (200, 202, 204))
        except urllib.error.HTTPError as e:
            t.check(f"deleted: {e.code} {e.read()[:300]}", False)
        t.equal("and with it its film", wait_for("an empty folder", lambda: not stored()), True)


@feature("F07", "a film of a recording that looks back begins with the first key frame within it, as its sound does; else with the first of all")
def looks_back(t):
    import time, urllib.request
    from rules import ask
    from service import wait_for
    from users_api import FileService
    f = film("H264") # a key frame each 25
    packets = film_call(f, seconds=25, late=20, after=30) # whenever it is asked for, look_back ends within these 20 s
    whole, = kept(t, packets)[0]["recording"]["films"]
    t.counter("without looking back all of it is there", whole["frames"] == 75)
    shift = time.time() - START - 26
    packets = [replace(p, t=p.t + shift) for p in packets]
    with FileService(t, packets, "[recording]\nvideo = yes\non_demand_wait = 1d\n[rule look]\ncallee = bob\naction = on-demand\nlook_back = 20s\n") as s:
        row = wait_for("the call", lambda: s.get("/api/v1/calls")["data"])[0]
        path = f"/api/v1/calls/{row['uid']}/recording"
        t.equal("asked for", ask(s, "POST", path, {})[0], 202)
        g = wait_for("the recording", lambda: (lambda g: g if g["state"] == "ready" else None)(ask(s, "GET", path)[1]))
        v, = g["films"]
        t.equal("pictures of the film, and those behind the look-back that lack their key frame", (v["frames"], v["dropped"]), (25, 20))
        t.check(f"sound from {g['started_at']}, pictures from {v['started_at']}", g["started_at"] < v["started_at"])
        out = t.path("film.mkv")
        with open(out, "wb") as file:
            file.write(urllib.request.urlopen(s.url + v["url"], timeout=10).read())
        t.check("they are the last of them", picture_sums(out) == f.md5[50:])


@feature("F07", "a film whose sound cannot be decoded is a recording: it keeps its name from the next call, is served, and goes with DELETE")
def silent(t):
    import urllib.request
    from service import wait_for
    from users_api import FileService
    f = film("VP8")

    def one(n, begin, film_of):
        d = Dialog(call_id=f"c{n}@test", from_tag=f"f{n}", to_tag=f"t{n}", branch=f"z9hG4bK{n}")
        audio = {k: video_sdp(a, p, p + 2, "VP8").replace(b"RTP/AVP 0", b"RTP/AVP 97").replace(b"rtpmap:0 PCMU/8000", b"rtpmap:97 NOBODY/8000")
                 for k, a, p in (("offer", d.a, 4000 + 10 * n), ("answer", d.b, 6000 + 10 * n))} if film_of else {}
        packets = call(d, 4, 4000 + 10 * n, 6000 + 10 * n, start=begin, **audio)
        if film_of:
            packets = [replace(p, data=p.data[:1] + bytes([p.data[1] & 0x80 | 97]) + p.data[2:]) if p.kind == "rtp" else p for p in packets]
            packets += shown(film_of, d.a, 4002 + 10 * n, d.b, 6002 + 10 * n, begin + 1.1)
        return packets

    packets = sorted(one(0, START, f) + one(1, START + 20, None) + one(2, START + 40, f), key=lambda p: p.t)
    with FileService(t, packets, "[recording]\ndefault = record\nvideo = yes\nname = {caller}\n") as s:
        span = "from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z"
        rows = wait_for("three recordings", lambda: (lambda r: r if len(r) == 3 and all(c["recording"]["state"] == "ready" for c in r) else None)(
            sorted(s.get(f"/api/v1/calls?{span}")["data"], key=lambda c: c["started_at"])))
        details = [s.get(f"/api/v1/calls/{r['uid']}/recording") for r in rows]
        stored = lambda: sorted(os.path.join(d, n) for d, _, names in os.walk(os.path.join(s.data, "audio")) for n in names)
        t.equal("what they are", [(r["result"], r["url"] is None, len(r.get("films", []))) for r in details],
                [("undecodable", True, 1), ("recorded", False, 0), ("undecodable", True, 1)])
        t.equal("no sound", s.status(f"/api/v1/recordings/{rows[0]['recording']['id']}/audio"), 404)
        for n in (0, 2):
            v, = details[n]["films"]
            with urllib.request.urlopen(s.url + v["url"], timeout=10) as answer:
                t.equal("each film is that of its call", hashlib.sha256(answer.read()).hexdigest(), v["sha256"])
        t.equal("a file each", len([n for n in stored() if n.endswith(".mkv")]), 2)
        ids = [r["recording"]["id"] for r in rows]
        for n in (0, 2, 1):
            t.check("the film is there", n == 1 or s.status(details[n]["films"][0]["url"]) == 200)
            again = urllib.request.Request(s.url + f"/api/v1/recordings/{ids[n]}", method="DELETE", headers={"X-Access-Reason": "test"})
            with urllib.request.urlopen(again, timeout=10) as answer:
                t.equal("deleted", answer.status, 200)
            if n == 2:
                t.counter("the recording with sound goes as well", wait_for("films gone", lambda: not [x for x in stored() if x.endswith(".mkv")]) and
                          [x for x in stored() if x.endswith(".wav")])
        t.equal("nothing is left of any of them", wait_for("an empty folder", lambda: not stored()), True)
