"""What people say about calls and what was said in them: R19, and of R07 the search for words."""
import glob, http.client, json, os, socket, urllib.parse

from access import Guarded, two_calls
from craft import *
from feature import feature
from messages import DAY

SAID = {"language": "en", "engine": "ears 1", "segments": [
    {"start_ms": 1500, "end_ms": 2000, "party": "callee", "text": "Our refund policy says no."},
    {"start_ms": 0, "end_ms": 1400, "party": "caller", "text": "I want my money back, Herr Müller"}]}


def uids(s):
    return {c["call_id"]: c["uid"] for c in s.wait(lambda: (lambda d: d if any((c["recording"] or {}).get("state") == "ready" for c in d) else None)(
        s.as_(s.first, f"/calls?{DAY}")["data"]))}


def found(s, text, token=None, path="/calls", **more):
    got = s.as_(token or s.first, f"{path}?{DAY}&" + urllib.parse.urlencode({"text": text, **more}))
    return [c.get("call_id") or c["id"] for c in got["data"]]


def announced(s, path, token, size):
    """What is said to who only tells how large the body would be."""
    c = s.connection()
    c.putrequest("PUT", "/api/v1" + path)
    for name, value in (("Authorization", "Bearer " + token), ("Content-Type", "text/plain"), ("Content-Length", str(size))):
        c.putheader(name, value)
    c.endheaders()
    answer = c.getresponse()
    got = answer.status, json.loads(answer.read())["code"]
    c.close()
    return got


def held_upload(s, path, address="127.0.0.1", sent=40000):
    """A body of nobody that does not come, or only to there."""
    where = urllib.parse.urlsplit(s.url)
    c = socket.create_connection((where.hostname, where.port), source_address=(address, 0))
    c.sendall(f"PUT /api/v1{path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: text/plain\r\nContent-Length: 500000\r\n\r\n".encode() + b"x" * sent)
    return c


def put_from(s, address, path, body, token):
    """The status."""
    where = urllib.parse.urlsplit(s.url)
    c = http.client.HTTPConnection(where.hostname, where.port, source_address=(address, 0))
    c.request("PUT", f"/api/v1{path}", json.dumps(body), {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    status = c.getresponse().status
    c.close()
    return status


def code(answer):
    return answer[0], answer[2].get("code"), answer[2].get("field")


@feature("R19", "annotations: of a call or a moment of it, with author and times, changed, taken away; so many and no more; in the call's JSON; audited")
def annotations(t):
    with Guarded(t, two_calls(), 2) as s:
        one = uids(s)["c1@test"]
        at = f"/calls/{one}/annotations"
        ann = s.token("supervisor", name="ann")
        made = s.as_(ann, at, "POST", {"text": "asks for a refund\n<b>bold</b>", "at_ms": -200, "length_ms": 1500})
        t.equal("one", {k: made[k] for k in ("n", "at_ms", "length_ms", "text", "author", "edited_by")},
                {"n": 1, "at_ms": -200, "length_ms": 1500, "text": "asks for a refund\n<b>bold</b>", "author": "ann", "edited_by": None})
        t.equal("made then", made["created_at"], made["updated_at"])
        whole = s.as_(ann, at, "POST", {"text": "später"})
        t.equal("of the whole call", (whole["n"], whole["at_ms"], whole["length_ms"]), (2, None, None))
        changed = s.as_(s.first, f"{at}/1", "PUT", {"text": "asked", "at_ms": 0})
        t.equal("changed", (changed["text"], changed["at_ms"], changed["length_ms"], changed["author"], changed["edited_by"], changed["created_at"] == made["created_at"],
                            changed["updated_at"] > made["updated_at"]), ("asked", 0, 0, "ann", "first start", True, True))
        t.equal("listed", [(a["n"], a["text"]) for a in s.as_(s.token("viewer"), at)["data"]], [(1, "asked"), (2, "später")])
        t.equal("counted in the call", (s.as_(ann, f"/calls/{one}")["annotation_count"], [c["annotation_count"] for c in s.as_(ann, f"/calls?{DAY}&call_id=c1@test")["data"]]), (2, [2]))
        t.equal("taken away", (s.ask(f"{at}/1", "DELETE", token=ann)[0], s.ask(f"{at}/1", "DELETE", token=ann)[0], [a["n"] for a in s.as_(ann, at)["data"]]), (204, 404, [2]))
        t.equal("what is not there", [s.ask(f"{at}/{n}", "PUT", {"text": "x"}, ann)[0] for n in ("1", "0", "99999999999999", "x")], [404] * 4)
        for bad, field in (({}, "text"), ({"text": ""}, "text"), ({"text": " \n"}, "text"), ({"text": 1}, "text"), ({"text": "a\x01"}, "text"), ({"text": "x" * 4097}, "text"),
                           ({"text": "x", "at_ms": 1.5}, "at_ms"), ({"text": "x", "at_ms": 10 ** 12}, "at_ms"), ({"text": "x", "length_ms": 5}, "length_ms"),
                           ({"text": "x", "at_ms": 1, "length_ms": -1}, "length_ms"), ({"text": "x", "at": 1}, None)):
            t.equal(f"{bad}"[:60], code(s.ask(at, "POST", bad, ann)), (400, "invalid_value", field))
        t.equal("no object", code(s.ask(at, "POST", [], ann)), (400, "invalid_body", None))
        for _ in range(99):
            s.as_(ann, at, "POST", {"text": "x"})
        t.equal("the 101st", code(s.ask(at, "POST", {"text": "x"}, ann)), (409, "too_many_annotations", None))
        audit = [(e["actor"], e["action"], e["object"]) for e in s.as_(s.token("auditor"), f"/audit?object={one}&limit=1000")["data"]]
        t.equal("audited", [audit.count(("ann", a, one)) for a in ("annotation.write", "annotation.delete")], [101, 1])
        t.check("what was said is not in the log", "refund" not in json.dumps(s.as_(s.token("auditor"), "/audit?limit=1000")))
        t.equal("who may not", s.ask(at, "POST", {"text": "x"}, s.token("listener"))[0], 403)
        t.counter("another call has them too", s.as_(ann, f"/calls/{uids(s)['c2@test']}/annotations")["data"] == [])


@feature("R19", "a transcript is brought as JSON, WebVTT or text, replaced, read by who may hear the call, and goes with its recording without a trace")
def transcripts(t):
    with Guarded(t, two_calls(), 2) as s:
        one = uids(s)["c1@test"]
        at, boss, hears, admin = f"/calls/{one}/transcript", s.token("supervisor", name="robot"), s.token("listener"), s.token("admin")
        t.equal("none yet", code(s.ask(at, token=hears)), (404, "no_transcript", None))
        t.equal("brought", s.as_(boss, at, "PUT", SAID), {"call_uid": one, "segments": 2})
        got = s.as_(hears, at)
        t.equal("read", (got["language"], got["engine"], got["author"], got["segments"]), ("en", "ears 1", "robot", SAID["segments"][::-1]))
        t.equal("the call says that there is one", s.as_(hears, f"/calls/{one}")["has_transcript"], True)
        t.equal("who may not hear may not read, who may not change may not bring", [s.ask(at, token=k)[0] for k in (admin, s.token("analyst"))] +
                [s.ask(at, "PUT", SAID, hears)[0], s.ask(at, "DELETE", token=boss)[0]], [403] * 4)
        vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v caller>good &amp; bad</v>\n"
        s.ask(f"{at}?language=de&engine=vtt", "PUT", vtt, boss, Content_Type="text/vtt")
        got = s.as_(hears, at)
        t.equal("WebVTT replaces it", (got["language"], got["engine"], got["segments"]), ("de", "vtt", [{"start_ms": 1000, "end_ms": 2000, "party": "caller", "text": "good & bad"}]))
        s.ask(at, "PUT", "caller: hello\nand more\n", boss, Content_Type="text/plain; charset=utf-8")
        t.equal("lines", [(x["start_ms"], x["party"], x["text"]) for x in s.as_(hears, at)["segments"]], [(None, "caller", "hello"), (None, "unknown", "and more")])
        for bad in ({}, {"segments": []}, {"segments": [{"text": "x", "party": "me"}]}, {"segments": [{"text": "x", "start_ms": 2, "end_ms": 1}]}, {"segmnets": []}, []):
            t.equal(f"{bad}", s.ask(at, "PUT", bad, boss)[0], 400)
        t.equal("of another kind", s.ask(at, "PUT", "x", boss, Content_Type="application/pdf")[0], 415)
        large = {"segments": [{"start_ms": n, "end_ms": n, "text": "word" * 30} for n in range(5000)]}
        t.equal("800 kB", s.as_(boss, at, "PUT", large)["segments"], 5000)
        t.equal("more than a MiB", announced(s, at, boss, (1 << 20) + 1), (413, "body_too_large"))
        held = [held_upload(s, at, sent=1) for _ in range(20)]
        t.equal("who announces much and sends little has no place", [s.ask(at, "PUT", large, boss)[0] for _ in range(3)], [200] * 3)
        held += [held_upload(s, at, "127.0.0.2") for _ in range(9)]
        t.equal("one address has two places, no more", s.wait(lambda: put_from(s, "127.0.0.2", at, large, boss) == 503), True)
        t.equal("others have theirs", [s.ask(at, "PUT", large, boss)[0] for _ in range(3)], [200] * 3)
        held += [held_upload(s, at, f"127.0.0.{3 + n // 2}") for n in range(6)]
        t.equal("as many as may come in at once", s.wait(lambda: s.ask(at, "PUT", large, boss)[0] == 503), True)
        t.equal("others go on", (s.ask(f"/calls/{one}/tags", "PUT", {"a": "b"}, boss)[0], s.ask(at, "PUT", SAID, boss)[0]), (200, 200))
        for c in held:
            c.close()
        t.equal("and when they are through, again", s.wait(lambda: s.ask(at, "PUT", large, boss)[0] == 200), True)
        t.equal("other bodies stay small", s.ask(f"/calls/{one}/tags", "PUT", b"x" * 40000, boss)[0], 413)
        s.as_(boss, at, "PUT", {"segments": [{"text": "the password is swordfish"}]})
        t.equal("found", found(s, "swordfish", boss), ["c1@test"])
        (beside,) = glob.glob(f"{s.data}/audio/**/*.json", recursive=True)
        recording = s.as_(hears, f"/calls/{one}/recording")["id"]
        s.as_(s.first, f"/calls/{one}/annotations", "POST", {"text": "asked for a password"})
        t.equal("the recording goes", s.ask(f"/recordings/{recording}", "DELETE", token=admin)[0], 200)
        t.equal("and what was said", (s.ask(at, token=hears)[0], found(s, "swordfish", boss), s.as_(hears, f"/calls/{one}")["has_transcript"], os.path.exists(beside)), (404, [], False, False))
        before = written(s, one)
        t.equal("it does not come back", code(s.ask(at, "PUT", SAID, boss)), (409, "recording_deleted", None))
        t.equal("an annotation stays with the call", found(s, "password", boss), ["c1@test"])
        other = f"/calls/{uids_all(s)['c2@test']}/transcript"
        s.as_(boss, other, "PUT", {"segments": [{"text": "a call without sound"}]})
        t.equal("deleted", [s.ask(other, "DELETE", token=admin)[0], s.ask(other, "DELETE", token=admin)[0]], [204, 404])
        log = s.as_(s.token("auditor"), "/audit?limit=1000")["data"]
        actions = [e["action"] for e in log]
        t.equal("what was refused is not in the log as done", (actions.count("transcript.delete"), written(s, one)), (1, before))
        t.check("audited", {"transcript.read", "transcript.write", "transcript.delete"} <= set(actions))
        data = s.data
    t.counter("no byte of it is left in the database", not any(b"swordfish" in open(p, "rb").read() for p in glob.glob(f"{data}/db/calls-*")))


def written(s, uid):
    return len(s.as_(s.token("auditor"), f"/audit?action=transcript.write&object={uid}&limit=1000")["data"])


def uids_all(s):
    return {c["call_id"]: c["uid"] for c in s.as_(s.first, f"/calls?{DAY}")["data"]}


@feature("R07", "calls and recordings are found by words of transcripts and annotations, with other filters, over pages; what is typed is no syntax; not by who may not read them")
def words(t):
    with Guarded(t, two_calls(), 2) as s:
        uid = uids(s)
        one, two = uid["c1@test"], uid["c2@test"]
        hears = s.token("listener")
        s.as_(s.first, f"/calls/{one}/transcript", "PUT", SAID)
        s.as_(s.first, f"/calls/{two}/transcript", "PUT", {"segments": [{"text": "policy first, then a refund"}]})
        s.as_(s.first, f"/calls/{two}/annotations", "POST", {"text": "Kündigung angedroht"})
        both = {"c1@test", "c2@test"}
        for text, want in (("refund", both), ("REFUND Policy", both), ('"refund policy"', {"c1@test"}), ("muller", {"c1@test"}), ("MÜLLER", {"c1@test"}), ("mull*", {"c1@test"}), ("kundigung", {"c2@test"}),
                           ("refun", set()), ("refund kündigung", set()), ("back refund", {"c1@test"}), ('"müller our"', {"c1@test"}), ("nothing", set())):
            t.equal(text, set(found(s, text, hears)), want)
        t.equal("in annotations", (found(s, "refund", hears, text_in="annotations"), found(s, "kündigung", hears, text_in="annotations"), found(s, "kündigung", hears, text_in="transcripts")),
                ([], ["c2@test"], []))
        t.equal("with other filters", (found(s, "refund", hears, number__prefix="+49"), found(s, "refund", hears, q="c2@"), found(s, "refund", hears, one_way="true", number="1")),
                (["c1@test"], ["c2@test"], []))
        t.equal("counted", s.as_(hears, f"/calls?{DAY}&text=refund&count=exact")["total"], 2)
        first = s.as_(hears, f"/calls?{DAY}&text=refund&limit=1")
        second = s.as_(hears, f"/calls?{DAY}&text=refund&limit=1&cursor={first['page']['next_cursor']}")
        t.equal("over pages", ({c["call_id"] for c in first["data"] + second["data"]}, second["page"]["has_more"]), (both, False))
        t.equal("recordings", found(s, "refund", hears, "/recordings"), [s.as_(hears, f"/calls/{one}/recording")["id"]])
        hostile = ['"', '""', '"refund', 'refund"', 'a" OR "refund', "NEAR(refund policy)", "NEAR(", "refund NOT policy", "text:refund", "{text}:refund", "^refund", "-refund", "(refund", "refund)",
                   "*", "**", "refund**", '"re"*', "' OR 1=1 --", "'; DROP TABLE words; --", "refund\\", "%", "_", "?1", ":a", "\u2014", "\U0001f600", "\u0301", "refund\t\n\x01policy", "AND", "OR", "NOT", "rank",
                   "a" * 320, "refund " * 16]
        for text in hostile:
            status = s.ask(f"/calls?{DAY}&" + urllib.parse.urlencode({"text": text}), token=hears)[0]
            t.check(f"{text[:30]!r}: {status}", status in (200, 400))
        t.equal("operators are words", (found(s, "refund OR zebra", hears), found(s, "refund NOT policy", hears)), ([], []))
        for bad in ("text=", "text=-", "text=a*", "text=" + "a+" * 17, "text=refund&text=policy", "text_in=annotations", "text=a&text_in=all", "text=%FF", "text=a%00b", "text=" + "a" * 10240):
            t.check(f"{bad[:30]} is refused", s.ask(f"/calls?{DAY}&{bad}", token=hears)[0] in (400, 413, 414, 431))
        for path in ("/calls", "/recordings"):
            for role in ("viewer", "analyst", "admin"):
                for more in ("", "&text_in=transcripts"):
                    t.equal(f"{role} {path} {more}", code(s.ask(f"{path}?{DAY}&text=refund{more}", token=s.token(role))), (403, "scope", "text"))
        admin = s.token("admin")
        for role in (admin, s.token("supervisor", scopes=["meta", "export"])):
            asked = lambda more: code(s.ask("/exports", "POST", {"kind": "csv", "filter": {"text": "refund", "from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z", **more}}, role))[:2]
            t.equal("an export is no way round", (asked({}), asked({"text_in": "transcripts"}), asked({"text_in": "annotations"})[0]), ((403, "scope"), (403, "scope"), 202))
        t.equal("nor are tags", (code(s.ask(f"/calls/tags?{DAY}&text=refund", "POST", {"add": {"a": "b"}, "dry_run": True}, admin)),
                                 s.ask(f"/calls/tags?{DAY}&text=refund", "POST", {"add": {"a": "b"}, "dry_run": True}, s.token("supervisor"))[2]["changed"]), ((403, "scope", "text"), 2))
        t.equal("a narrowed listener", s.ask(f"/calls?{DAY}&text=refund&count=exact", token=s.token("listener", scopes=["meta"]))[0], 403)
        t.equal("annotations are for all who see the call", found(s, "kündigung", s.token("viewer"), text_in="annotations"), ["c2@test"])
        german = s.token("listener", limit={"number_prefixes": ["+49"]})
        t.equal("who sees some calls finds no other", (found(s, "refund", german), found(s, "kündigung", german, text_in="annotations"), s.ask(f"/calls/{two}/transcript", token=german)[0]), (["c1@test"], [], 404))
        t.check("the search is in the log", any(e["action"] == "calls.search" and "text=refund" in e["object"] for e in s.as_(s.token("auditor"), "/audit?limit=1000")["data"]))
        s.as_(s.first, f"/calls/{one}/transcript", "PUT", {"segments": [{"text": "something else"}]})
        t.counter("words of what was replaced are found", found(s, "muller", hears) == [] and found(s, "something", hears) == ["c1@test"])


@feature("R19", "tags of many calls at once: by a search, tried first, so many and no more, once more where it stopped, audited; of calls that one may see")
def many_tags(t):
    packets = sorted((p for n in range(6) for p in call(Dialog(from_user=f"+49300{n}", call_id=f"m{n}@test", branch=f"z9hG4bKm{n}"), voice=False, start=START + n)), key=lambda p: p.t)
    with Guarded(t, frames(packets), 6) as s:
        boss = s.token("supervisor", name="boss")
        change = lambda body, more="", token=boss: s.as_(token, f"/calls/tags?{DAY}{more}", "POST", body)
        tags = lambda: {c["call_id"][:2]: c["tags"] for c in s.as_(boss, f"/calls?{DAY}")["data"]}
        told = lambda got: tuple(got[k] for k in ("looked_at", "changed", "unchanged", "full", "more"))
        t.equal("tried", told(change({"add": {"case": "1"}, "dry_run": True})), (6, 6, 0, 0, False))
        t.equal("nothing happened", set(map(str, tags().values())), {"{}"})
        got = change({"add": {"case": "1"}, "max": 4})
        t.equal("four of them, the oldest", (told(got), [k for k, v in sorted(tags().items()) if v], got["next_from"] is not None), ((4, 4, 0, 0, True), ["m0", "m1", "m2", "m3"], True))
        t.equal("once more goes on", told(change({"add": {"case": "1"}, "max": 4})), (6, 2, 4, 0, False))
        t.equal("found by it", s.as_(boss, f"/calls?{DAY}&tag=case:1&count=exact")["total"], 6)
        t.equal("by a search", (told(change({"add": {"vip": "yes", "case": "2"}}, "&number__prefix=%2B493001")), tags()["m1"], tags()["m2"]), ((1, 1, 0, 0, False), {"case": "2", "vip": "yes"}, {"case": "1"}))
        t.equal("taken away, changed while they are searched by it", (told(change({"remove": ["case"]}, "&tag=case:1&tag=case:2")), tags()["m1"], tags()["m2"]), ((6, 6, 0, 0, False), {"vip": "yes"}, {}))
        uid = uids_all(s)["m5@test"]
        s.as_(boss, f"/calls/{uid}/tags", "PUT", {f"k{n}": "x" for n in range(16)})
        t.equal("one has no room", (told(change({"add": {"more": "x"}})), "more" in tags()["m5"]), ((6, 5, 0, 1, False), False))
        t.equal("but for what replaces", (told(change({"add": {"more": "x"}, "remove": ["k3"]})), "more" in tags()["m5"]), ((6, 1, 5, 0, False), True))
        limited = s.token("supervisor", limit={"number_prefixes": ["+493002"]})
        t.equal("who sees some calls changes no other", (told(change({"add": {"mine": "x"}}, token=limited)), [k for k, v in tags().items() if "mine" in v]), ((1, 1, 0, 0, False), ["m2"]))
        for bad, field in (({}, "add"), ({"add": {}}, "add"), ({"add": {"a b": "x"}}, None), ({"add": {"a": 1}}, "a"), ({"add": []}, "add"), ({"remove": []}, "remove"), ({"remove": ["a b"]}, "remove"),
                           ({"remove": "a"}, "remove"), ({"add": {"a": "b"}, "max": 0}, "max"), ({"add": {"a": "b"}, "max": 2001}, "max"), ({"add": {"a": "b"}, "dry_run": 1}, "dry_run"), ({"set": {}}, None)):
            answer = s.ask(f"/calls/tags?{DAY}", "POST", bad, boss)
            t.equal(f"{bad}", (answer[0], answer[2].get("field")), (400, field))
        for more in ("&limit=5", "&header=X", "&nonsense=1", "&tag=x"):
            t.equal(more, s.ask(f"/calls/tags?{DAY}{more}", "POST", {"add": {"a": "b"}}, boss)[0], 400)
        t.equal("who may not", [s.ask(f"/calls/tags?{DAY}", "POST", {"add": {"a": "b"}}, k)[0] for k in (s.token("listener"), s.token("supervisor", scopes=["control"]))], [403, 403])
        rows = [e for e in s.as_(s.token("auditor"), "/audit?action=tags.change&limit=1000")["data"] if e["actor"] == "boss"]
        t.equal("audited, ahead and behind", [(e["result"], e["detail"]) for e in rows[-4:]], [("ok", "2 of 6 calls"), ("asked", "+case"), ("ok", "4 of 4 calls"), ("asked", "+case")])
        t.counter("an attempt changes something", not any("a" in v for v in tags().values()))


@feature("R19", "tags from headers of the INVITE: by any case, found by them; what is no text of a tag is none")
def header_tags(t):
    def with_header(n, headers, voice=False):
        d = Dialog(call_id=f"h{n}@test", branch=f"z9hG4bKh{n}")
        packets = call(d, voice=voice, start=START + n)
        packets[0].data = d.request("INVITE", 1, sdp(d.a, 4000), headers=headers)
        return packets
    packets = with_header(0, "x-customer-id:  4711 \r\nX-Campaign: M\u00fcller & Co\r\nX-Other: no\r\n") + with_header(1, "") + with_header(2, "X-Campaign: \x01\r\nX-Customer-Id: " + "x" * 300 + "\r\n")
    setting = "[record]\ntag_headers = customer: X-Customer-Id, campaign: X-Campaign\n"
    for config, want in ((setting, {"h0": {"customer": "4711", "campaign": "M\u00fcller & Co"}, "h1": {}, "h2": {"customer": "x" * 256}}), ("", {"h0": {}, "h1": {}, "h2": {}})):
        with Guarded(t, frames(sorted(packets, key=lambda p: p.t)), 3, config) as s:
            calls = {c["call_id"][:2]: c for c in s.as_(s.first, f"/calls?{DAY}")["data"]}
            t.equal(f"tags {config[:8]}", {k: c["tags"] for k, c in calls.items()}, want)
            t.equal("found", [c["call_id"] for c in s.as_(s.first, f"/calls?{DAY}&tag=customer:4711")["data"]], ["h0@test"] if config else [])
    for wrong in ("customer", "a b: X", "customer: ", "a: Authorization", ", ".join(f"k{n}: X-{n}" for n in range(9))):
        t.check(f"{wrong} is refused", "record.tag_headers" in t.run("read", "--set", f"record.tag_headers={wrong}", "/dev/null", code=2).stderr)
    t.counter("without the setting they are tagged too", not any(c["tags"] for c in calls.values()))


@feature("R19", "retention takes a transcript with its recording, not without; what was said of the call stays")
def retained(t):
    from retention import RECORD, blocks, calls, recordings
    from retention_terms import TERMS, changed, terms
    from rules import ask
    from service import wait_for
    from users_api import FileService
    with FileService(t, calls(3), RECORD) as s:
        uid = [r["uid"] for r in recordings(s)]
        for u in uid:
            ask(s, "PUT", f"/api/v1/calls/{u}/transcript", SAID)
            ask(s, "POST", f"/api/v1/calls/{u}/annotations", {"text": "a remark"})
        less = changed(terms(ask(s, "GET", TERMS)[1]), "audio", "max_bytes", blocks(s.data) * 80 // 100)
        _, tried, tag = ask(s, "POST", TERMS + "/test", less)
        t.equal("one would go", tried["would_go"]["audio"]["things"], 1)
        t.equal("put", ask(s, "PUT", TERMS, less, **{"If-Match": tag["ETag"]})[0], 200)
        wait_for("the oldest goes", lambda: ask(s, "GET", f"/api/v1/calls/{uid[0]}")[1]["recording"]["state"] == "deleted")
        t.equal("with what was said, and no other", [ask(s, "GET", f"/api/v1/calls/{u}/transcript")[0] for u in uid], [404, 200, 200])
        found = ask(s, "GET", "/api/v1/calls?from=2023-11-14T00:00:00Z&to=2023-11-16T00:00:00Z&text=refund&count=exact")[1]["total"]
        t.equal("nor is it found by its words", found, 2)
        t.counter("annotations go too", [len(ask(s, "GET", f"/api/v1/calls/{u}/annotations")[1]["data"]) for u in uid] == [1, 1, 1])
