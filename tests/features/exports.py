"""R07: exports that the service puts together: tables, sound, packets, archives with hashes; who may have them; how they end."""
import csv, glob, hashlib, io, json, os, signal, subprocess, tarfile, time, zipfile

from access import Guarded, two_calls
from all_legs import CID
from correlation import A_CALL, B_CALL, RULES, two
from craft import *
from disks import EXPORTS, FULL, HEAD, SLOW, Stream
from feature import Failure, feature
from recordings import RECORD, broadcast, party
from service import wait_for
from users_api import FileService

WHEN = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-17T00:00:00Z"}
QUERY = "from=2023-11-14T00:00:00Z&to=2023-11-17T00:00:00Z"
TERMINAL = ["--from", WHEN["from"], "--before", WHEN["to"]]


class Exporting(Guarded):
    def make(self, kind, token=None, until=("ready",), filter=WHEN, **more):
        """The export once it stands so."""
        status, headers, made = self.ask("/exports", "POST", {"kind": kind, "filter": filter, **more}, token or self.first_all)
        if status != 202 or headers["location"] != f"/api/v1/exports/{made['id']}":
            raise Failure(f"{kind} {more}: {status} {made}")
        def look():
            now = self.as_(token or self.first_all, f"/exports/{made['id']}")
            return now if now["state"] in until or now["state"] in ("failed", "expired") else None
        now = self.wait(look)
        if now["state"] not in until:
            raise Failure(f"{kind} {more}: {now}")
        return now

    def fetch(self, made, token=None, method="GET", **headers):
        """(status, headers, bytes; a problem as JSON)"""
        c = self.connection()
        c.request(method, f"/api/v1/exports/{made['id']}/download", headers={"Authorization": "Bearer " + (token or self.first_all), **headers})
        answer = c.getresponse()
        data = answer.read()
        c.close()
        headers = {k.lower(): v for k, v in answer.getheaders()}
        return answer.status, headers, json.loads(data) if "problem" in headers.get("content-type", "") else data

    def files(self, made, token=None):
        """{name: bytes}"""
        status, headers, data = self.fetch(made, token)
        if status != 200 or hashlib.sha256(data).hexdigest() != made["sha256"] or len(data) != made["size_bytes"]:
            raise Failure(f"{made}: {status} {headers} {len(data)}")
        if data[:2] == b"PK":
            z = zipfile.ZipFile(io.BytesIO(data))
            return {n: z.read(n) for n in z.namelist()} if z.testzip() is None else None
        t = tarfile.open(fileobj=io.BytesIO(data))
        return {m.name: t.extractfile(m).read() for m in t.getmembers()}

    def settled(self):
        rows = self.as_(None, f"/calls?{QUERY}&limit=1000")["data"]
        return rows if all((c["recording"] or {}).get("state") in (None, "ready") for c in rows) and any(c["recording"] for c in rows) else None

    def left(self):
        return sorted(os.path.basename(p) for p in glob.glob(self.data + "/exports/*"))


def exporting(t, packets, calls, config="", **more):
    s = Exporting(t, packets, calls, config, **more)
    s.first_all = s.token("supervisor")
    s.rows = {c["call_id"]: c for c in s.wait(s.settled)}
    return s


def packets_of(t, data):
    path = t.path()
    with open(path, "wb") as f:
        f.write(data)
    return subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.time_epoch", "-e", "udp.srcport", "-e", "frame.len"], capture_output=True, text=True).stdout.splitlines()


def formula():
    """A call whose numbers are formulas of a spreadsheet."""
    return call(Dialog(a="10.0.2.1", b="10.0.2.2", from_user="=1+1", to_user="@SUM(A1)", call_id="c3@test", branch="z9hG4bKf"), voice=False)


@feature("R07", "exports: tables as the terminal writes them, sound and packets as they are had one by one, in ZIP and TAR, with hashes that sha256sum checks")
def kinds(t):
    with exporting(t, sorted([*two_calls(), *frames(formula())], key=lambda f: f.t), 3) as s:
        uid = s.rows["c1@test"]["uid"]
        s.as_(s.first_all, f"/calls/{uid}/annotations", "POST", {"text": "paid twice"})
        s.as_(s.first_all, f"/calls/{uid}/transcript", "PUT", {"segments": [{"text": "a refund", "party": "caller"}]})
        here = t.path("here")
        t.run("export", "--url", s.url, *TERMINAL, "--to", here)
        tables = {n: open(f"{here}/calls.{n}", "rb").read() for n in ("csv", "ndjson")}
        for kind, type_ in (("csv", "text/csv; charset=utf-8"), ("ndjson", "application/x-ndjson")):
            made = s.make(kind)
            status, headers, data = s.fetch(made)
            t.check(f"{kind} as the terminal's", data == tables[kind])
            t.equal("its headers", (status, headers["content-type"], headers["cache-control"], headers["etag"], headers["accept-ranges"], int(headers["content-length"])),
                    (200, type_, "no-store", f'"{made["sha256"]}"', "bytes", len(data)))
            again = s.fetch(made, **{"Accept-Encoding": "gzip"})
            t.equal("as it lies there to who takes gzip", (again[2] == data, again[1].get("content-encoding"), again[1]["etag"]), (True, None, headers["etag"]))
            t.check(headers["content-disposition"], headers["content-disposition"].startswith(f'attachment; filename="earshot-{kind}-2') and headers["content-disposition"].endswith(f'.{kind}"'))
            t.equal("what is told", (made["calls"], made["progress"], made["error"], made["container"], made["truncated"], made["filter"], hashlib.sha256(data).hexdigest()),
                    (3, {"calls_done": 3, "calls_total": 3}, None, "none", False, WHEN, made["sha256"]))
        t.check("no formulas", "'=1+1" in (cells := {r["from_user"] for r in csv.DictReader(io.StringIO(tables["csv"].decode()))}) and "=1+1" not in cells)
        sound, pcap = (s.ask(p, token=s.first_all)[2] for p in (f"/recordings/{s.rows['c1@test']['recording']['id']}/audio", f"/calls/{uid}/pcap"))
        headers_only = s.ask(f"/calls/{uid}/pcap?rtp=headers", token=s.first_all)[2]
        for container in ("zip", "tar"):
            made = s.make("full", container=container)
            got = s.files(made)
            where = t.path(container)
            os.mkdir(where)
            for name, data in got.items():
                with open(f"{where}/{name}", "wb") as f:
                    f.write(data)
            t.equal("sha256sum agrees", subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=where, capture_output=True, text=True).stderr, "")
            manifest = json.loads(got["manifest.json"])
            t.equal("every file is in it", sorted([f["name"] for f in manifest["files"]] + ["SHA256SUMS", "manifest.json"]), sorted(got))
            t.equal("with its hash and size", [(f["sha256"], f["size_bytes"]) for f in manifest["files"]], [(hashlib.sha256(got[f["name"]]).hexdigest(), len(got[f["name"]])) for f in manifest["files"]])
            t.check("tables", (got["calls.csv"], got["calls.ndjson"]) == (tables["csv"], tables["ndjson"]))
            t.check("sound as it is had by itself", got[f"{uid}.wav"] == sound)
            t.check("packets too", got[f"{uid}.pcap"] == pcap)
            t.equal("the record", json.loads(got[f"{uid}.json"]), s.as_(s.first_all, f"/calls/{uid}"))
            for what in ("annotations", "transcript"):
                t.equal(what, json.loads(got[f"{uid}.{what}.json"]), s.as_(s.first_all, f"/calls/{uid}/{what}"))
            t.equal("of others there are none", sum(n.endswith((".annotations.json", ".transcript.json")) for n in got), 2)
            t.equal("what is not there is named", sorted((m["call_uid"], m["what"], m["code"]) for m in manifest["missing"]),
                    sorted((s.rows[c]["uid"], "audio", "no_recording") for c in ("c2@test", "c3@test")))
            t.equal("and counted", (made["missing"], made["files"], manifest["calls"]), (2, len(got), 3))
            t.equal("whose", {f["call_uid"] for f in manifest["files"]}, {None, *(c["uid"] for c in s.rows.values())})
        t.check("an analyser opens it", len(packets_of(t, got[f"{uid}.pcap"])) > 20 and packets_of(t, got[f"{uid}.pcap"]) == packets_of(t, pcap))
        one = {**WHEN, "call_id": ["c1@test", "c2@test"]}
        got = s.files(s.make("audio", filter=one, container="tar"))
        t.equal("sound alone", sorted(got), sorted(["SHA256SUMS", "calls.csv", "calls.ndjson", "manifest.json", f"{uid}.wav"]))
        got = s.files(s.make("pcap", filter={**WHEN, "call_id": "c1@test"}, rtp="headers", legs="all"))
        t.check("without what is said", got[f"{uid}.pcap"] == headers_only)
        got = s.files(s.make("csv", container="zip", max_calls=1))
        packed = {i.filename: i.compress_size < i.file_size / 2 for i in zipfile.ZipFile(io.BytesIO(s.fetch(s.make("ndjson", container="zip"))[2])).infolist()}
        t.check("a table is compressed there", packed["calls.ndjson"])
        t.equal("a table in an archive", (sorted(got), json.loads(got["manifest.json"])["truncated"]), (["SHA256SUMS", "calls.csv", "manifest.json"], True))
        by_header = s.make("ndjson", filter={**WHEN, "header": "Call-ID", "header_value__contains": "c2@"})
        t.equal("by a header field", [json.loads(line)["call_id"] for line in s.fetch(by_header)[2].splitlines()], ["c2@test"])
        t.equal("nothing fits", s.make("csv", filter={**WHEN, "number": "+1"})["calls"], 0)
        whole = s.fetch(made)[2]
        status, headers, data = s.fetch(made, Range="bytes=100-199")
        t.equal("a range", (status, headers["content-range"], data), (206, f"bytes 100-199/{len(whole)}", whole[100:200]))
        t.equal("one beyond it", s.fetch(made, Range=f"bytes={len(whole)}-")[0], 416)
        t.equal("its head", s.fetch(made, method="HEAD")[1]["content-length"], str(len(whole)))
        metrics = s.ask("/metrics", root="", token=s.first)[2].decode()
        listed = s.as_(s.first_all, "/exports")["data"]
        counted = [f'earshot_exports_total{{result="ready"}} {len(listed)}\n', 'earshot_queue_capacity{queue="exports"} 16\n', f"earshot_export_bytes_total {sum(e['size_bytes'] for e in listed)}\n"]
        t.equal("counted", [line for line in counted if line not in metrics], [])
        s.wait(lambda: 'earshot_storage_used_bytes{class="exports"}' in s.ask("/metrics", root="", token=s.first)[2].decode())
        t.check("the disk's accounts know them", s.as_(s.first, "/policies/retention")["exports"]["bytes"] > 0)
        audit = [(a["action"], a["object"], a["detail"] or "") for a in s.as_(s.token("auditor"), "/audit?limit=1000")["data"]]
        t.check("audited", any(a == "export.create" and o == made["id"] and "full" in d for a, o, d in audit) and any(a == "export.end" and o == made["id"] and d.startswith("3 calls") for a, o, d in audit)
                and any(a == "export.read" and o == made["id"] and "3 calls" in d for a, o, d in audit) and any(a == "audio.read" and made["id"] in d for a, o, d in audit) and any(a == "transcript.read" and made["id"] in d for a, o, d in audit) and any(a == "pcap.read" and o == uid and made["id"] in d for a, o, d in audit))
        t.equal("deleted", (s.ask(f"/exports/{made['id']}", "DELETE", token=s.first_all)[0], s.fetch(made)[0], [n for n in s.left() if made["id"] in n]), (204, 404, []))
        with open(f"{where}/{uid}.wav", "ab") as f:
            f.write(b"x")
        t.counter("a changed file passes", subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=where, capture_output=True).returncode != 0)


def ask(s, method, path, body=None, token=None, raw=False):
    """As the machine itself, or by a token."""
    head = ["-H", "Authorization: Bearer " + token] if token else []
    body = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body is not None else []
    done = subprocess.run(["curl", "-s", "-X", method, s.url + "/api/v1" + path, *head, *body], capture_output=True, timeout=30)
    return done.stdout if raw else json.loads(done.stdout) if done.stdout else None


def archive(s, token=None, **body):
    """({name: bytes}, the manifest)"""
    made = ask(s, "POST", "/exports", {"filter": WHEN, **body}, token)
    wait_for(f"the export of {body}: {made}", lambda: ask(s, "GET", f"/exports/{made['id']}", token=token)["state"] == "ready")
    z = zipfile.ZipFile(io.BytesIO(ask(s, "GET", f"/exports/{made['id']}/download", token=token, raw=True)))
    if len(set(z.namelist())) != len(z.namelist()):
        raise Failure(f"names that stand twice: {z.namelist()}")
    return {n: z.read(n) for n in z.namelist()}, json.loads(z.read("manifest.json"))


@feature("R07", "exports of what is more than a file a call: parts of a long recording, tracks of a conference, the packets of all legs; tracks of others are named, not given")
def many_files(t):
    with FileService(t, [f.packet for f in broadcast()], RECORD + "rollover_time = 2100ms\n") as s:
        call = wait_for("the recording", lambda: next((c for c in s.list("calls", **WHEN) if (c["recording"] or {}).get("state") == "ready"), None))
        parts = s.get(f"/api/v1/calls/{call['uid']}/recordings")["data"]
        got, manifest = archive(s, kind="audio")
        t.equal("every part", ({p["id"] + ".wav": p["sha256"] for p in parts}, len(parts)), ({f["name"]: f["sha256"] for f in manifest["files"] if f["what"] == "audio"}, 6))
    with FileService(t, party()[0], RECORD) as s:
        ready = lambda rows: len(rows) == 4 and all((c["recording"] or {}).get("state") in ("ready", None) for c in rows) and rows
        files = lambda c: [f for f in s.get(f"/api/v1/calls/{c['uid']}/recordings")["data"] if f["kind"] != "call"]
        rows = wait_for("the tracks", lambda: (lambda rows: rows if rows and len(files(rows[0])) == 5 and all(f["id"] for f in files(rows[0])) else None)(ready(s.list("calls", **WHEN))))
        tracks, keeper = files(rows[0]), files(rows[0])[0]["id"][:36]
        got, manifest = archive(s, kind="audio")
        wanted = {f["id"] + ".wav": f["sha256"] for f in tracks} | {f["participant"]["uid"] + "-track.wav": f["sha256"] for f in tracks[:4] if f["participant"]["uid"] != keeper}
        t.equal("tracks and their sum with the call that has them, with the others their own", {f["name"]: f["sha256"] for f in manifest["files"] if f["what"] in ("track", "mix")}, wanted)
        who = next(f["participant"]["user"] for f in tracks[:4] if f["participant"]["uid"] == keeper)
        token = ask(s, "POST", "/tokens", {"name": "one", "role": "supervisor", "limit": {"number_prefixes": [who]}})["token"]
        got, manifest = archive(s, token, kind="audio")
        t.equal("to one of them", (manifest["calls"], [f["sha256"] for f in manifest["files"] if f["what"] == "track"], sorted({(m["what"], m["code"]) for m in manifest["missing"] if m["code"] == "not_permitted"}),
                                   sum(m["code"] == "not_permitted" for m in manifest["missing"])),
                (1, [f["sha256"] for f in tracks[:4] if f["participant"]["uid"] == keeper], [("mix", "not_permitted"), ("track", "not_permitted")], 4))
    with FileService(t, two(CID, CID), RULES) as s:
        uid = {c["call_id"]: c["uid"] for c in s.list("calls", **WHEN)}
        alone, _ = archive(s, kind="pcap")
        both, _ = archive(s, kind="pcap", legs="all")
        whole = ask(s, "GET", f"/calls/{uid[A_CALL]}/pcap?legs=all", raw=True)
        t.check("all legs", [both[uid[c] + ".pcap"] for c in (A_CALL, B_CALL)] == [whole, whole])
        t.counter("without legs=all the other leg is there", alone[uid[A_CALL] + ".pcap"] == ask(s, "GET", f"/calls/{uid[A_CALL]}/pcap", raw=True) != whole)


@feature("R07", "who may export: scopes of what is in it, one's own calls and exports alone, again when it is fetched; a body that says something else is refused")
def permitted(t):
    with exporting(t, sorted([*two_calls(), *frames(formula())], key=lambda f: f.t), 3) as s:
        table, sound, heads = {"kind": "csv", "filter": WHEN}, {"kind": "audio", "filter": WHEN}, {"kind": "pcap", "filter": WHEN, "rtp": "headers"}
        full, packets = {"kind": "full", "filter": WHEN}, {"kind": "pcap", "filter": WHEN}
        admin, narrow, blind = s.token("admin"), s.token("supervisor", scopes=["meta", "export"]), s.token("supervisor", scopes=["export"])
        status = lambda body, token: s.ask("/exports", "POST", body, token)[0]
        t.equal("the administrator hears nobody", [status(b, admin) for b in (table, heads, sound, packets, full)], [202, 202, 403, 403, 403])
        t.equal("tables alone", [status(b, narrow) for b in (table, heads, sound)], [202, 403, 403])
        t.equal("no calls at all", status(table, blind), 403)
        t.equal("a search in messages needs their scope", (status({"kind": "csv", "filter": {**WHEN, "header": "Call-ID"}}, narrow), s.ask("/exports", "POST", table, s.token("listener"))[2]["code"]), (403, "scope"))
        words = [status({"kind": "csv", "filter": {**WHEN, "text": "refund", **more}}, narrow) for more in ({}, {"text_in": "transcripts"}, {"text_in": "annotations"})]
        t.equal("one in what was said that of sound", words, [403, 403, 202])
        german = s.token("supervisor", limit={"number_prefixes": ["+49"]}, name="german")
        mine = s.make("full", german)
        got = s.files(mine, german)
        t.equal("calls that one may see", [json.loads(line)["call_id"] for line in got["calls.ndjson"].splitlines()], ["c1@test"])
        t.check("and nothing of others", not any(s.rows[c]["uid"].encode() in data for data in got.values() for c in ("c2@test", "c3@test")))
        theirs = s.make("csv")
        t.equal("others' exports are not there", (s.fetch(theirs, german)[0], s.ask(f"/exports/{theirs['id']}", token=german)[0], s.ask(f"/exports/{theirs['id']}", "DELETE", token=german)[0]), (404, 404, 404))
        t.equal("one's own list", [e["id"] for e in s.as_(german, "/exports")["data"]], [mine["id"]])
        listed = {e["id"] for e in s.as_(admin, "/exports")["data"]}
        t.check("an administrator's is everybody's", {mine["id"], theirs["id"]} <= listed)
        t.equal("who may fetch a table, not what is heard", (s.fetch(theirs, admin)[0], s.fetch(mine, admin)[0]), (200, 403))
        s.wait(lambda: all(e["state"] == "ready" for e in s.as_(admin, "/exports")["data"]))
        token = next(k["id"] for k in s.as_(s.first, "/tokens")["data"] if k["name"] == "german")
        s.as_(s.first, f"/tokens/{token}", "DELETE")
        t.equal("a token that was revoked", s.fetch(mine, german)[0], 401)
        s.user("anna", "supervisor", limit={"number_prefixes": ["+43"]})
        cookie, csrf = s.login("anna")
        made = s.ask("/exports", "POST", table, cookie=cookie, csrf=csrf)[2]
        ready = s.wait(lambda: (lambda e: e if e["state"] == "ready" else None)(s.ask(f"/exports/{made['id']}", cookie=cookie)[2]))
        t.equal("in a session", (ready["calls"], ready["actor"], s.ask(f"/exports/{made['id']}/download", cookie=cookie)[0]), (1, "user:anna", 200))
        account = s.as_(s.first, "/users/anna")
        s.as_(s.first, "/users/anna", "PUT", {"role": "supervisor", "limit": {"number_prefixes": ["+49"]}})
        cookie, csrf = s.login("anna")
        t.equal("whose limit is another now", s.ask(f"/exports/{made['id']}/download", cookie=cookie)[2]["code"], "limited_token")
        for body, field in (({}, "kind"), ({"kind": "mp4"}, "kind"), ({"kind": "audio", "container": "none"}, "container"), ({"kind": "csv", "container": "rar"}, "container"), ({"kind": "csv", "legs": "all"}, "legs"),
                            ({"kind": "audio", "rtp": "none"}, "rtp"), ({"kind": "csv", "max_calls": 0}, "max_calls"), ({"kind": "csv", "max_calls": 10**6}, "max_calls"), ({"kind": "csv", "filter": []}, "filter"),
                            ({"kind": "csv", "filter": {"limit": 3}}, "filter.limit"), ({"kind": "csv", "filter": {"cursor": "x"}}, "filter.cursor"), ({"kind": "csv", "filter": {"colour": "red"}}, "filter.colour"),
                            ({"kind": "csv", "filter": {"sip_code": 1000}}, "filter.sip_code"), ({"kind": "csv", "filter": {"from": "then"}}, "filter.from"), ({"kind": "csv", "filter": {"number": {"a": 1}}}, "filter"),
                            ({"kind": "csv", "filter": {"number": ["1"] * 9}}, "filter.number"), ({"kind": "csv", "filter": {"number": "x" * 4000}}, "filter"), ({"kind": "csv", "filter": {"mos_min__lte": 3}}, "filter.scale"),
                            ({"kind": "csv", "colour": 1}, None), ([], None)):
            code, _, problem = s.ask("/exports", "POST", body, s.first_all)
            t.equal(f"{body}: {problem}", (code, problem.get("field")), (400, field))
        t.counter("nobody may, or all", status(table, s.first_all) == 202 and s.ask("/exports", "POST", table, X_Forwarded_For="192.0.2.1")[0] == 401)


@feature("R07", "how exports end: their time, a ceiling, a full disk, deletion while they are made, kill -9; nothing of them stays, and each says why")
def ends(t):
    with exporting(t, two_calls(), 2, "[exports]\nkeep = 1s\nmax_size = 24k\n") as s:
        made = s.make("csv", until=("ready", "expired"))
        gone = s.wait(lambda: (lambda e: e if e["state"] == "expired" else None)(s.as_(s.first_all, f"/exports/{made['id']}")))
        t.equal("its time is over", (gone["error"]["code"], gone["url"], s.fetch(made)[2]["code"], s.left()), ("expired", None, "export_expired", [made["id"] + ".json"]))
        large = s.make("full", until=("failed",))
        t.equal("larger than may be", (large["error"]["code"], s.fetch(large)[2]["code"]), ("too_large", "export_failed"))
        s.wait(lambda: not [n for n in s.left() if not n.endswith(".json")])
        t.check("counted", all(f'earshot_exports_total{{result="{r}"}} 1\n' in s.ask("/metrics", root="", token=s.first)[2].decode() for r in ("failed", "expired", "ready")))
        t.check("as deletions too", 'earshot_retention_deleted_total{class="exports",reason="age"} 1\n' in s.ask("/metrics", root="", token=s.first)[2].decode())
    def left(s):
        return sorted(os.listdir(s.disk("exports")))
    def state(s, e):
        return ask(s, "GET", f"/exports/{e['id']}").get("state")
    packets = [p for p in call(Dialog(call_id="c1@test"))]
    with Stream(t, "", faulty=True) as s:
        s.feed(packets)
        s.finish()
        wait_for("the call is there", lambda: s.list("calls", **WHEN))
        s.wrong(SLOW, 150, EXPORTS)
        first = ask(s, "POST", "/exports", {"kind": "full", "filter": WHEN})
        wait_for("it is being made", lambda: state(s, first) == "running" and first["id"] + ".part" in left(s))
        second = ask(s, "POST", "/exports", {"kind": "csv", "filter": WHEN})
        t.equal("not ready yet", (ask(s, "GET", f"/exports/{first['id']}/download")["code"], state(s, second)), ("export_not_ready", "queued"))
        t.equal("deleted", (ask(s, "DELETE", f"/exports/{second['id']}"), ask(s, "DELETE", f"/exports/{first['id']}"), ask(s, "GET", "/exports")["data"]), (None, None, []))
        wait_for("nothing of it stays", lambda: left(s) == [])
        s.has('earshot_exports_total{result="cancelled"}', 1)
        s.wrong(FULL, 0, EXPORTS)
        full = ask(s, "POST", "/exports", {"kind": "full", "filter": WHEN})
        wait_for("it ends", lambda: state(s, full) == "failed")
        t.equal("a disk that is full", (ask(s, "GET", f"/exports/{full['id']}")["error"], left(s)), ({"code": "disk_full", "detail": "The disk is full."}, [full["id"] + ".json"]))
        ask(s, "DELETE", f"/exports/{full['id']}")
        s.wrong(SLOW, 60000, EXPORTS)
        cut = ask(s, "POST", "/exports", {"kind": "full", "filter": WHEN})
        wait_for("it is being made", lambda: state(s, cut) == "running" and cut["id"] + ".part" in left(s))
        waiting = [ask(s, "POST", "/exports", {"kind": "csv", "filter": WHEN}) for _ in range(4)]
        t.equal("so many of one owner", [w.get("code") for w in waiting], [None, None, None, "too_many_exports"])
        s.process.send_signal(signal.SIGKILL)
        s.process.wait()
        with open(os.path.join(s.data, "exports", "0" * 32 + ".zip"), "w") as f:
            f.write("a file of nobody")
        again = subprocess.Popen([t.earshot, "run", "--read", "-", "--data", s.data, "--port", "0"], stdin=subprocess.PIPE, stderr=open(s.log, "w"))
        again.stdin.write(HEAD)
        again.stdin.flush()
        s.process = again
        s.url = wait_for("earshot listens", s._listens)
        listed = ask(s, "GET", "/exports")["data"]
        t.equal("each says why", [(e["state"], e["error"]["code"]) for e in listed], [("failed", "interrupted")] * 4)
        t.equal("and nothing else stays", left(s), sorted(e["id"] + ".json" for e in listed))
        new = ask(s, "POST", "/exports", {"kind": "csv", "filter": WHEN})
        wait_for("others are made", lambda: state(s, new) == "ready")
        again.stdin.close()
    with Stream(t, "", megabytes=40) as s:
        s.feed(packets)
        s.finish()
        wait_for("the call is there", lambda: s.list("calls", **WHEN))
        full = ask(s, "POST", "/exports", {"kind": "csv", "filter": WHEN})
        wait_for("it ends", lambda: state(s, full) == "failed")
        t.counter("a disk that is nearly full is filled", ask(s, "GET", f"/exports/{full['id']}")["error"]["code"] == "disk_full" and left(s) == [full["id"] + ".json"])
