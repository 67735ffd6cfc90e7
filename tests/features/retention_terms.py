"""R06: terms of retention through the API: tried, put, kept, audited."""
import copy, glob, os, sqlite3, subprocess

from craft import *
from feature import feature
from retention import RECORD, audio, blocks, calls, conf, listed, recordings, rows, sounds
from rules import Restarted, ask, audited
from service import Service, in_namespace, wait_for
from users_api import FileService

TERMS = "/api/v1/policies/retention"
CLASSES = ("audio", "spool", "calls", "messages")


def terms(shown):
    """What of it can be put."""
    return {"classes": {c: {k: v for k, v in shown["classes"][c].items() if k.startswith("max_")} for c in CLASSES},
            "min_free_bytes": shown["min_free_bytes"]}


def changed(body, class_, name, value):
    body = copy.deepcopy(body)
    body["classes"][class_][name] = value
    return body


def without(body, *path):
    body = copy.deepcopy(body)
    at = body
    for word in path[:-1]:
        at = at[word]
    del at[path[-1]]
    return body


def refused(t, s, now):
    huge = 1 << 61
    for body, field in ((changed(now, "audio", "max_age_s", "30d"), "classes.audio.max_age_s"), (changed(now, "audio", "max_age_s", 0), "classes.audio.max_age_s"),
                        (changed(now, "audio", "max_age_s", 1.5), "classes.audio.max_age_s"),
                        (changed(now, "audio", "max_age_s", None), "classes.audio.max_age_s"), (changed(now, "calls", "max_age_s", 86400), "classes.audio.max_age_s"),
                        (changed(now, "spool", "max_bytes", 4096), "classes.spool.max_bytes"), (changed(now, "messages", "max_bytes", -1), "classes.messages.max_bytes"),
                        (changed(now, "messages", "max_bytes", huge), "classes.messages.max_bytes"), (changed(now, "calls", "max_days", 1), "classes.max_days"),
                        (without(now, "classes", "calls", "max_bytes"), "classes.calls.max_bytes"), (without(now, "classes", "messages"), "classes.messages.max_age_s"),
                        (without(now, "min_free_bytes"), "min_free_bytes"), ({**now, "min_free_bytes": "1G"}, "min_free_bytes"), ({**now, "min_free": 1}, "min_free"),
                        ({**now, "classes": []}, "classes"), ({**now, "classes": {"video": {}}}, "classes.video"), ({**now, "classes": {"audio": 7}}, "classes.audio"), ([], None)):
        for method, path in (("PUT", TERMS), ("POST", TERMS + "/test")):
            status, problem, _ = ask(s, method, path, body)
            if body != [] and status == 400 and problem["code"] != "invalid_terms":
                status = problem["code"]
            t.equal(f"{method} {field}: {problem.get('detail')}", (status, problem.get("field")), (400, field))


@feature("R06", "PUT of the terms: refused by field, shortened only with the tag of its dry run, which says exactly what then goes; kept, audited")
def put_terms(t):
    count = 6
    with FileService(t, calls(count), RECORD) as s:
        recordings(s)
        status, shown, headers = ask(s, "GET", TERMS)
        now = terms(shown)
        t.equal("those of the configuration", (status, shown["source"], now["classes"]["audio"]), (200, "configuration", {"max_age_s": 90 * 86400, "max_bytes": None}))
        t.equal("those shipped are no change", audited(s, "policy.write"), [])
        refused(t, s, now)
        t.equal("nothing is another", (terms(ask(s, "GET", TERMS)[1]), ask(s, "GET", TERMS)[2]["ETag"]), (now, headers["ETag"]))

        size = blocks(s.data)
        less = changed(now, "audio", "max_bytes", size * 45 // 100)
        for what, tag, want in (("without a tag", None, 428), ("with any", "*", 412), ("with that of the terms in force", headers["ETag"], 428), ("with another", '"00"', 412)):
            status, problem, _ = ask(s, "PUT", TERMS, less, **({"If-Match": tag} if tag else {}))
            t.equal(f"shorter {what}", (status, problem["field"]), (want, "If-Match"))
        status, tried, tag = ask(s, "POST", TERMS + "/test", less)
        t.equal("tried", (status, tried["shorter"], tried["complete"], tried["etag"] == tag["ETag"], tried["change"]),
                (200, True, True, True, f"audio bytes none -> {less['classes']['audio']['max_bytes']}"))
        would = tried["would_go"]["audio"]
        t.check(f"something would go: {would}", 0 < would["things"] < count and 0 < would["bytes"] < size)
        t.equal("and of the rest nothing", [tried["would_go"][c]["things"] for c in CLASSES[1:]], [0, 0, 0])
        status, problem, _ = ask(s, "PUT", TERMS, changed(now, "audio", "max_bytes", size // 10), **{"If-Match": tag["ETag"]})
        t.counter("the tag of one serves for another", (status, problem["code"]) == (412, "changed_meanwhile"))
        t.equal("nothing went, nothing is audited", (blocks(s.data), len(sounds(s.data)), audited(s, "policy.write")), (size, count, []))

        files = audio(s.data)
        status, put, _ = ask(s, "PUT", TERMS, less, **{"If-Match": tag["ETag"]})
        t.equal("put", (status, put["source"], terms(put)), (200, "api", less))
        wait_for("they go", lambda: s.counter('earshot_retention_deleted_total{class="audio",reason="quota"}') == would["things"])
        wait_for("their files", lambda: len(files) - len(audio(s.data)) >= would["files"])
        t.equal("what the dry run told went", (len(files) - len(audio(s.data)), size - blocks(s.data)), (would["files"], would["bytes"]))
        gone = recordings(s)[:would["things"]]
        t.equal("the oldest, in order", rows(s.data, "SELECT object, reason FROM deletions ORDER BY id"), [(r["recording"]["id"], "quota") for r in gone])
        t.equal("from, to", (tried["would_go"]["audio"]["oldest_at"], tried["would_go"]["audio"]["newest_at"]), (gone[0]["started_at"], gone[-1]["started_at"]))
        t.equal("the tag again", ask(s, "PUT", TERMS, less, **{"If-Match": tag["ETag"]})[0], 412)

        longer = {"classes": {c: {"max_age_s": None, "max_bytes": None} for c in CLASSES}, "min_free_bytes": None}
        status, put, _ = ask(s, "PUT", TERMS, {**put, **longer, "classes": {c: {**put["classes"][c], **longer["classes"][c]} for c in CLASSES}})
        t.equal("longer needs no tag, and what is shown can be put", (status, terms(put)), (200, longer))
        t.equal("each audited, before and after", [a[1:] for a in audited(s, "policy.write")], [("retention", "ok", tried["change"]), ("retention", "ok",
                f"audio age 90d -> none, spool age 7d -> none, calls age 90d -> none, messages age 30d -> none, audio bytes {less['classes']['audio']['max_bytes']} -> none, "
                "spool bytes 20G -> none, free 1G -> none")])
        data = s.data
        where = conf(s)
    t.counter("the terms of the configuration delete all", listed(t, "--dry-run", *where) == [])
    with Restarted(t, calls(1), RECORD, data) as s:
        t.equal("after a restart", (lambda g: (g["source"], terms(g)))(ask(s, "GET", TERMS)[1]), ("api", longer))
        t.equal("no change, no audit", len(audited(s, "policy.write")), 2)
    os.unlink(data + "/retention-terms.json")
    t.check("those of the configuration again", len(listed(t, "--dry-run", *where)) > 0)
    with open(data + "/retention-terms.json", "w") as f:
        f.write('{"classes":{},"min_free_bytes":nul')
    said = t.run("retention", "--dry-run", *where, code=1).stderr
    t.check(f"a file that is broken stops it, rather than delete by other terms: {said}", "retention-terms.json" in said)


def rows_of_calls(data):
    count = 0
    for path in glob.glob(data + "/db/calls-*.db"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            count += db.execute("SELECT count(*) FROM calls").fetchone()[0]
    return count


class Over(Service):
    """The service over a directory that is there, listening on an interface."""

    def __init__(self, t, data, config=""):
        name = t.path("service")
        os.mkdir(name)
        self.log, self.data = os.path.join(name, "log"), data
        path = os.path.join(name, "conf")
        with open(path, "w") as f:
            f.write(f"[api]\nport = 0\n{config}")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([t.earshot, "run", "--config", path, "--data", data, "--interface", "lo"], stdin=subprocess.DEVNULL, stderr=log)
        self.url = wait_for("earshot listens", self._listens)


@feature("R06", "PUT of the terms beside capture: an age is in force at once, and what the configuration says otherwise is audited at the start")
@in_namespace
def put_ages(t):
    forever = "[retention]\ncalls = 0\nmessages = 0\naudio_age = 0\nspool_age = 0\n"
    with FileService(t, calls(3), RECORD) as s:
        recordings(s)
        data = s.data
    with Over(t, data, RECORD + forever) as s:
        t.equal("what the configuration changed", audited(s, "policy.write"),
                [("earshot", "retention", "ok", "audio age 90d -> none, spool age 7d -> none, calls age 90d -> none, messages age 30d -> none")])
        now = terms(ask(s, "GET", TERMS)[1])
        body = changed(now, "audio", "max_age_s", 86400)
        status, tried, tag = ask(s, "POST", TERMS + "/test", body)
        t.equal("tried", (status, tried["would_go"]["audio"]["things"], tried["shorter"]), (200, 3, True))
        t.counter("without a term something would go", ask(s, "POST", TERMS + "/test", now)[1]["would_go"]["audio"]["things"] == 0)
        t.equal("nothing went", len(sounds(data)), 3)
        t.equal("put", ask(s, "PUT", TERMS, body, **{"If-Match": tag["ETag"]})[0], 200)
        wait_for("they go", lambda: s.counter('earshot_retention_deleted_total{class="audio",reason="age"}') == 3)
        wait_for("and their files", lambda: sounds(data) == [])
        t.equal("records stay", rows_of_calls(data), 3)
        t.equal("the dry run on the command line", listed(t, "--dry-run", *("--config", os.path.join(os.path.dirname(s.log), "conf"), "--data", data)), [])
