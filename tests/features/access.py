"""Who may do what: R08 tokens, users, sessions, limits, audit."""
import http.client, json, os, re, signal, subprocess, time, urllib.parse

from craft import *
from feature import Failure, feature
from messages import DAY
from service import everything
from syntax import Served

PASSWORD = "correct horse battery"


class Guarded(Served):
    """The service over a capture, with a configuration of its own; asked as whoever one is."""

    def __init__(self, t, frames_, calls, config="", env=None):
        path, self.dir = t.path(), t.path("guarded")
        write(path, frames_)
        os.mkdir(self.dir)
        self.log, conf, self.data = (os.path.join(self.dir, n) for n in ("log", "conf", "data"))
        with open(conf, "w") as f:
            f.write(f"[recording]\ndefault = record\n[api]\nport = 0\n{config}")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([t.earshot, "run", "--config", conf, "--read", path, "--data", self.data], stdout=log, stderr=log, env=env)
        self.earshot, self.conf = t.earshot, conf
        self.url = self.wait(lambda: re.search(r"look at (http\S*://\S+)/\s", open(self.log).read()))[1].replace("0.0.0.0", "127.0.0.1")
        self.first = self.wait(lambda: re.search(r"shown this once: (\S+)", open(self.log).read()))[1]
        self.wait(lambda: len(self.as_(self.first, f"/calls?{DAY}&limit=1000")["data"]) >= calls)

    def ask(self, path, method="GET", body=None, token=None, cookie=None, csrf=None, root="/api/v1", **headers):
        """(status, headers, JSON or text)."""
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            headers["Authorization"] = "Bearer " + token
        if cookie:
            headers["Cookie"] = "earshot_session=" + cookie
        if csrf:
            headers["X-CSRF-Token"] = csrf
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        c = self.connection()
        c.request(method, root + path, body=body, headers=headers)
        answer = c.getresponse()
        text = answer.read()
        got = answer.status, {k.lower(): v for k, v in answer.getheaders()}, text
        c.close()
        return got[0], got[1], json.loads(text) if re.search(r"[/+]json", got[1].get("content-type", "")) and text else text

    def connection(self):
        where = urllib.parse.urlsplit(self.url)
        return http.client.HTTPConnection(where.hostname, where.port, timeout=20)

    def as_(self, token, path, method="GET", body=None):
        status, _, got = self.ask(path, method, body, token)
        if status >= 300:
            raise Failure(f"{method} {path}: {status} {got}")
        return got

    def token(self, role, **more):
        return self.as_(self.first, "/tokens", "POST", {"name": f"the {role}", "role": role, **more})["token"]

    def user(self, name, role, **more):
        return self.as_(self.first, "/users", "POST", {"name": name, "password": PASSWORD, "role": role, **more})

    def login(self, name, password=PASSWORD):
        """(cookie, csrf word)."""
        status, headers, got = self.ask("/sessions", "POST", {"name": name, "password": password})
        if status != 201:
            raise Failure(f"login of {name}: {status} {got}")
        return re.search("earshot_session=([^;]*)", headers["set-cookie"])[1], got["csrf_token"]

    def files(self):
        """Every byte of the data directory and the log, once no recording is made any more: files get other names then."""
        settled = lambda: all((c["recording"] or {}).get("state") not in ("spooling", "rendering") for c in self.as_(self.first, f"/calls?{DAY}&limit=1000")["data"])
        self.wait(settled)
        return b"".join(everything(self.dir).values())


def two_calls(shift=0):
    """Of numbers of two countries."""
    packets = call(Dialog(from_user="+4930111", to_user="+4930222", call_id="c1@test")) + \
        call(Dialog(a="10.0.1.1", b="10.0.1.2", from_user="+4312345", to_user="+4319876", call_id="c2@test", branch="z9hG4bKo"), voice=False)
    return frames([replace(p, t=p.t + shift) for p in packets])


ROLES = {
    "metrics": {"metrics"}, "viewer": {"meta"}, "analyst": {"meta", "messages"},
    "listener": {"meta", "messages", "audio", "live"}, "supervisor": {"meta", "messages", "audio", "live", "export", "control"},
    "admin": {"metrics", "meta", "messages", "export", "control", "delete", "admin"}, "probe": {"probe"}, "auditor": {"audit"}}
EVERYTHING = set().union(*ROLES.values())


@feature("R08", "tokens: made, shown once, listed without their secret, narrowed, bound to networks, expired, revoked")
def tokens(t):
    with Guarded(t, two_calls(), 2) as s:
        for role, scopes in ROLES.items():
            me = s.as_(s.token(role), "/me")
            t.equal(role, (me["kind"], me["role"], set(me["scopes"]), me["limit"], me["session"]), ("token", role, scopes, None, False))
        me = s.as_(None, "/me")
        t.equal("from the machine itself", (me["kind"], set(me["scopes"])), ("local", EVERYTHING))
        made = s.as_(s.first, "/tokens", "POST", {"name": "narrow", "role": "supervisor", "scopes": ["meta", "audio"], "source_networks": ["127.0.0.0/8", "2001:db8::/32"],
                                                  "expires_in_s": 3600})
        text, secret = made["token"], made["token"].rsplit("_", 1)[1]
        t.equal("made", (made["role"], made["scopes"], made["source_networks"], made["revoked"], len(secret)), ("supervisor", ["meta", "audio"], ["127.0.0.0/8", "2001:db8::/32"], False, 43))
        t.equal("a narrowed one", (s.ask(f"/calls?{DAY}", token=text)[0], s.ask("/calls/x/messages", token=text)[0], s.ask("/calls/x/pause", "POST", {}, text)[0]), (200, 403, 403))
        listed = s.as_(s.first, "/tokens")["data"]
        t.check("the list has no secrets", all("token" not in k and "hash" not in k for k in listed) and secret not in json.dumps(listed))
        t.check("the secret is nowhere on the disk", secret.encode() not in s.files())
        s.wait(lambda: [k for k in s.as_(s.first, "/tokens")["data"] if k["id"] == made["id"]][0]["last_used_at"])
        elsewhere = s.token("viewer", source_networks=["192.0.2.0/24"])
        status, _, problem = s.ask("/calls", token=elsewhere)
        t.equal("from another address", (status, problem["code"]), (403, "source_address"))
        short = s.token("viewer", expires_in_s=1)
        s.wait(lambda: s.ask("/calls", token=short)[2].get("code") == "token_expired")
        t.equal("revoked", (s.ask(f"/tokens/{made['id']}", "DELETE", token=s.first)[0], s.ask("/calls", token=text)[2]["code"]), (204, "token_invalid"))
        for wrong in ({"name": "x"}, {"role": "viewer"}, {"name": "x", "role": "root"}, {"name": "local", "role": "viewer"}, {"name": "user:eve", "role": "viewer"},
                      {"name": "x", "role": "viewer", "scopes": ["everything"]}, {"name": "x", "role": "viewer", "scopes": ["audio"]}, {"name": "x", "role": "viewer", "source_networks": ["10.0.0.0/33"]},
                      {"name": "x", "role": "viewer", "expires_in_s": 0}, {"name": "x", "role": "viewer", "hash": "00"}, {"name": "a\nb", "role": "viewer"},
                      {"name": "x", "role": "viewer", "limit": {"number_prefixes": ["%"]}}, {"name": "x", "role": "viewer", "limit": {"sites": "a"}}, []):
            t.equal(f"{wrong}", s.ask("/tokens", "POST", wrong, s.first)[0], 400)
        t.counter("whoever holds another role may the same", s.ask("/tokens", token=s.token("supervisor"))[0] == 403 and s.ask("/tokens", token=s.first)[0] == 200)


@feature("R08", "earshot token: made with role, scopes, networks, limit, days; listed; revoked beside a service that runs")
def token_command(t):
    with Guarded(t, two_calls(), 2) as s:
        def command(*words, code=0):
            return t.run("token", *words, "--data", s.data, code=code)
        made = re.search(r"esk_\w+", command("create", "--role", "supervisor", "--name", "box", "--scope", "meta, audio", "--network", "127.0.0.0/8", "--prefix", "+43", "--max-age", "99999999999"[:9],
                                              "--days", "3").stdout)[0]
        me = s.as_(made, "/me")
        t.equal("made", (me["name"], me["role"], set(me["scopes"]), me["limit"]["number_prefixes"], me["limit"]["max_age_s"]), ("box", "supervisor", {"meta", "audio"}, ["+43"], 999999999))
        t.equal("what it sees", [c["call_id"] for c in s.as_(made, f"/calls?{DAY}")["data"]], ["c2@test"])
        listed = next(line for line in command("list").stdout.splitlines() if "name box" in line)
        t.check(listed, all(word in listed for word in ("role supervisor", "scope meta,audio", "network 127.0.0.0/8", "prefix +43", "max-age 999999999")) and made.rsplit("_", 1)[1] not in listed)
        for wrong in (["--role", "king"], ["--role", "viewer", "--scope", "all"], ["--role", "viewer", "--network", "1.2.3"], ["--role", "viewer", "--prefix", "%"], ["--role", "viewer", "--max-age", "-1"],
                      ["--role", "viewer", "--name", "local"]):
            command("create", *wrong, code=2)
        command("revoke", made.split("_")[1])
        t.counter("a revoked one is as good", s.ask("/me", token=made)[2].get("code") == "token_invalid")


@feature("R08", "users: Argon2id, a session by cookie, its word for changes, logout, an account that changes or goes")
def users(t):
    with Guarded(t, two_calls(), 2) as s:
        made = s.user("ann.b@example", "listener")
        t.equal("made", (made["name"], made["role"], set(made["scopes"]), made["disabled"], made["last_login_at"]), ("ann.b@example", "listener", ROLES["listener"], False, None))
        t.equal("twice", s.ask("/users", "POST", {"name": "ann.b@example", "password": PASSWORD, "role": "viewer"}, s.first)[2]["code"], "user_exists")
        t.check("the password is nowhere, Argon2id is", PASSWORD.encode() not in s.files() and b"$argon2id$v=19$m=30720,t=3,p=1$" in s.files())
        status, headers, me = s.ask("/sessions", "POST", {"name": "ann.b@example", "password": PASSWORD})
        attributes = {a.strip() for a in headers["set-cookie"].split(";")[1:]}
        t.equal("logged in", (status, me["kind"], me["name"], me["session"], attributes), (201, "user", "ann.b@example", True, {"Path=/", "HttpOnly", "Secure", "SameSite=Strict", "Max-Age=43200"}))
        cookie, csrf = re.search("earshot_session=([^;]*)", headers["set-cookie"])[1], me["csrf_token"]
        t.check("the cookie is not stored", cookie.encode() not in s.files())
        t.equal("reads", (s.ask(f"/calls?{DAY}", cookie=cookie)[0], s.ask("/me", cookie=cookie)[2]["csrf_token"]), (200, csrf))
        uid = s.as_(s.first, f"/calls?{DAY}&call_id=c1@test")["data"][0]["uid"]
        boss, word = s.login(s.user("boss", "supervisor")["name"])
        t.equal("changes with the word", s.ask(f"/calls/{uid}/tags", "PUT", {"a": "b"}, cookie=boss, csrf=word)[0], 200)
        for wrong in (None, csrf, word[:-1] + ("a" if word[-1] != "a" else "b"), ""):
            t.equal(f"changes with {wrong}", s.ask(f"/calls/{uid}/tags", "PUT", {"a": "c"}, cookie=boss, csrf=wrong)[2]["code"], "csrf")
        t.equal("not what the role lacks", s.ask("/users", cookie=boss)[2]["code"], "scope")
        for wrong in ("A" * 43, "short", "A" * 44):
            t.equal("a cookie of nobody, though from the machine itself", s.ask("/calls", cookie=wrong)[2]["code"], "session_over")
        t.equal("out", (s.ask("/sessions", "DELETE", cookie=cookie)[0], s.ask("/sessions", "DELETE", cookie=cookie, csrf=csrf)[0], s.ask("/calls", cookie=cookie)[0]), (403, 204, 401))
        again, _ = s.login("ann.b@example")
        changed = s.as_(s.first, "/users/ann.b@example", "PUT", {"role": "viewer"})
        t.equal("changed, so out", (set(changed["scopes"]), s.ask("/calls", cookie=again)[0]), ({"meta"}, 401))
        again, word = s.login("ann.b@example")
        t.equal("one's own password", [s.ask("/me/password", "PUT", {"password": p, "new_password": n}, cookie=again, csrf=word)[0]
                                       for p, n in (("wrong password", PASSWORD + "2"), (PASSWORD, "short"), (PASSWORD, PASSWORD + "2"))], [401, 400, 204])
        t.equal("ends the session", s.ask("/calls", cookie=again)[0], 401)
        t.equal("the old one", s.ask("/sessions", "POST", {"name": "ann.b@example", "password": PASSWORD})[2]["code"], "login_refused")
        again, _ = s.login("ann.b@example", PASSWORD + "2")
        s.as_(s.first, "/users/ann.b@example", "PUT", {"disabled": True})
        t.equal("disabled", (s.ask("/calls", cookie=again)[0], s.ask("/sessions", "POST", {"name": "ann.b@example", "password": PASSWORD + "2"})[0]), (401, 401))
        admin, word = s.login(s.user("root", "admin")["name"])
        t.equal("nobody changes oneself", [s.ask("/users/root", m, b, cookie=admin, csrf=word)[0] for m, b in (("PUT", {"role": "admin"}), ("DELETE", None))], [409, 409])
        t.equal("deleted", (s.ask("/users/boss", "DELETE", cookie=admin, csrf=word)[0], s.ask("/calls", cookie=boss)[0], s.ask("/users/boss", cookie=admin)[0]), (204, 401, 404))
        t.equal("an administrator hears nobody", s.ask(f"/recordings/{uid}/audio", cookie=admin)[2]["code"], "scope")
        status, headers, me = s.ask("/sessions", "POST", {"token": s.first})
        t.equal("with a token", (status, me["kind"], me["role"], me["session"]), (201, "token", "admin", True))
        t.counter("a password more or less is as good", s.ask("/sessions", "POST", {"name": "root", "password": PASSWORD + "x"})[0] == 401
                  and s.ask("/sessions", "POST", {"name": "root", "password": PASSWORD})[0] == 201)


@feature("R08", "who is shut out while changing the password stays shut out; two changes at once: the later one is told to look again")
def crossing(t):
    import threading
    with Guarded(t, two_calls(), 2) as s:
        codes = []
        for n in range(4):
            name = s.user(f"ann{n}", "listener")["name"]
            cookie, word = s.login(name)
            change = threading.Thread(target=lambda: codes.append(s.ask("/me/password", "PUT", {"password": PASSWORD, "new_password": PASSWORD + "2"}, cookie=cookie, csrf=word)[0]))
            change.start()
            time.sleep(0.02 * n)
            shut = s.ask(f"/users/{name}", "PUT" if n % 2 else "DELETE", {"disabled": True} if n % 2 else None, s.first)[0]
            change.join()
            t.check(f"{n}: one of both comes first: {shut}, {codes}", shut in (200, 204, 409) and codes[-1] in (204, 401, 404, 409))
            if shut != 409:
                t.equal(f"{n}: and is out", s.ask(f"/users/{name}", token=s.first)[2].get("disabled" if n % 2 else "code"), True if n % 2 else "not_found")
        s.user("bob", "viewer")
        t.counter("a change alone is refused", s.ask("/users/bob", "PUT", {"role": "listener"}, s.first)[0] == 200)


@feature("R08", "a session ends when nothing is asked for long enough, and after its time in any case")
def session_ends(t):
    for config, used in (("session_idle = 1s\n", False), ("session_max = 1s\n", True)):
        with Guarded(t, two_calls(), 2, config) as s:
            s.user("ann", "viewer")
            cookie, _ = s.login("ann")
            if not used:
                time.sleep(1.1)
                t.equal(config, s.ask("/me", cookie=cookie)[2]["code"], "session_over")
            t.check(config, s.wait(lambda: s.ask("/me", cookie=cookie)[0] == 401))
            t.counter("another one does not begin", s.ask("/sessions", "POST", {"name": "ann", "password": PASSWORD})[0] == 201)


@feature("R08", "without a token or login: what [api] local says, and nothing else")
def local(t):
    for role, scopes in (("viewer", ROLES["viewer"]), ("auditor", ROLES["auditor"]), ("none", None)):
        with Guarded(t, two_calls(), 2, f"local = {role}\n") as s:
            status, _, me = s.ask("/me")
            t.equal(role, (status, set(me["scopes"]) if status == 200 else me["code"]), (200, scopes) if scopes else (401, "token_missing"))
            t.equal(f"{role}: calls", s.ask(f"/calls?{DAY}")[0], {"viewer": 200, "auditor": 403, "none": 401}[role])
            t.equal(f"{role}: users", s.ask("/users")[0], 401 if scopes is None else 403)
            t.counter("a token does not count", s.ask("/users", token=s.first)[0] == 200)


@feature("R08", "the audit log: who heard, read, searched, logged in and changed what, from where and why; listed by filters; repeated readings merged; the chain verified")
def audit_log(t):
    with Guarded(t, two_calls(), 2) as s:
        auditor, listener = s.token("auditor"), s.token("listener", name="ears")
        uid = s.as_(s.first, f"/calls?{DAY}&call_id=c1@test")["data"][0]["uid"]
        recording = s.wait(lambda: (lambda r: r["id"] if r["state"] == "ready" else None)(s.as_(s.first, f"/calls/{uid}/recording")))
        def rows(query):
            return s.as_(auditor, f"/audit?limit=1000&{query}")["data"]
        for first in range(0, 1000, 100):
            t.equal("heard", s.ask(f"/recordings/{recording}/audio", token=listener, Range=f"bytes={first}-{first + 99}", X_Access_Reason="complaint 42")[0], 206)
        heard = rows("action=audio.read")
        t.check(f"ten pieces are a row, and one more when a minute ended meanwhile: {heard}", 1 <= len(heard) <= 4 and all(
            (r["actor"], r["address"], r["object"], r["result"]) == ("ears", "127.0.0.1", recording, "ok") and "complaint 42" in r["detail"] for r in heard))
        t.check("with its bytes", heard[-1]["detail"].startswith("bytes 0+100 of "))
        s.ask(f"/calls/{uid}/messages", token=listener)
        s.ask(f"/calls/{uid}/pcap", token=listener)
        s.ask(f"/calls?{DAY}&number=%2B4930111", token=listener)
        for list_, query in (("recordings", "number=%2B4930112"), ("registrations", "user=ann"), ("messages", "from_user=bob"), ("registrations", "")):
            s.ask(f"/{list_}?{query}" + (f"&{DAY}" if list_ != "registrations" else ""), token=listener)
        s.ask("/users", token=listener)
        s.user("ann", "viewer")
        s.ask("/sessions", "POST", {"name": "ann", "password": "wrong"})
        cookie, csrf = s.login("ann")
        s.ask("/sessions", "DELETE", cookie=cookie, csrf=csrf)
        for action, wanted in (("messages.read", ("ears", uid, "ok")), ("pcap.read", ("ears", uid, "ok")), ("calls.search", ("ears", "number=+4930111", "ok")),
                               ("recordings.search", ("ears", "number=+4930112", "ok")), ("users.search", ("ears", "user=ann", "ok")), ("messages.search", ("ears", "from_user=bob", "ok")), ("auth.failed", ("ears", "/api/v1/users", "denied")),
                               ("user.create", ("first start", "ann", "ok")), ("login", ("user:ann", "ann", "ok")), ("logout", ("user:ann", "user:ann", "ok"))):
            t.equal(action, [(r["actor"], r["object"], r["result"]) for r in rows(f"action={action}")][:1], [wanted])
        t.equal("a login that failed", [(r["actor"], r["object"]) for r in rows("action=login&result=denied")], [("anonymous", "ann")])
        t.equal("made", len(rows("action=token.create")), 2)
        t.check("by actor", {r["actor"] for r in rows("actor=ears")} == {"ears"} and rows("actor=ears&address=192.0.2.1") == [])
        all_ = rows("")
        t.equal("pages", [r["id"] for r in all_], sorted((r["id"] for r in all_), reverse=True))
        page = s.as_(auditor, "/audit?limit=3")
        more = s.as_(auditor, f"/audit?limit=3&cursor={page['page']['next_cursor']}")
        t.check("a page and the next", page["page"]["has_more"] and more["data"][0]["id"] == page["data"][-1]["id"] - 1)
        t.equal("in time", (rows("from=2024-01-01T00:00:00Z&to=2024-01-02T00:00:00Z"), s.ask("/audit?from=x", token=auditor)[0], s.ask("/audit?cursor=x", token=auditor)[0]), ([], 400, 400))
        t.check("that it was read", any(r["object"] == "all" for r in rows("action=log.read")))
        t.equal("who may not", [s.ask("/audit", token=k)[0] for k in (listener, s.first)], [403, 403])
        whole = t.run("audit", "--verify", "--data", s.data).stdout
        t.check(whole, whole.startswith("the chain is whole: "))
        t.check("as text and as JSON", "audio.read" in t.run("audit", "--data", s.data, "--action", "audio.read").stdout
                and json.loads(t.run("audit", "--data", s.data, "--json", "--limit", "1", "--actor", "ears").stdout)["actor"] == "ears")
    import sqlite3
    db = sqlite3.connect(f"{s.data}/db/earshot.db")
    t.check("a row cannot be changed", refused(db, "UPDATE audit SET actor = 'nobody' WHERE id = 3") and refused(db, "DELETE FROM audit WHERE id = 3"))
    db.executescript("DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'nobody' WHERE id = 3")
    db.close()
    broken = t.run("audit", "--verify", "--data", s.data, code=1).stdout
    t.counter("a changed row is not found", broken.startswith("the chain is broken at row 3 of "))


def refused(db, sql):
    import sqlite3
    try:
        db.execute(sql)
    except sqlite3.DatabaseError:
        return True
    return False


@feature("R08", "links for media elements: one object, a minute, no longer than who asked may; audited as theirs")
def links(t):
    with Guarded(t, two_calls(), 2, "local = none\n") as s:
        uid = s.as_(s.first, f"/calls?{DAY}&call_id=c1@test")["data"][0]["uid"]
        recording = s.wait(lambda: (lambda r: r["id"] if r["state"] == "ready" else None)(s.as_(s.first, f"/calls/{uid}/recording")))
        path = f"/api/v1/recordings/{recording}/audio"
        listener = s.token("listener", name="ears")
        made = s.as_(listener, "/links", "POST", {"path": path})
        url = made["url"]
        t.check(url, url.startswith(path + "?sig=") and listener.rsplit("_", 1)[1] not in url)
        whole = s.ask(path, token=listener, root="")[2]
        t.equal("without a header", [s.ask(url, root="", **h)[2] for h in ({}, {"Range": "bytes=0-99"})], [whole, whole[:100]])
        t.equal("not by another site", s.ask(url, root="", Sec_Fetch_Site="cross-site")[2]["code"], "link")
        sig = url.split("sig=")[1]
        until = sig.split("-")[0]
        for what, wrong in (("later", sig.replace(until, str(int(until) + 60))), ("somebody else", sig.replace("-t-", "-l-")), ("cut", sig[:-1]), ("changed", sig[:-1] + ("0" if sig[-1] != "0" else "1")),
                            ("empty", ""), ("nonsense", "x"), ("a token", listener)):
            t.equal(what, s.ask(f"{path}?sig={wrong}", root="")[0], 403)
        for other in (f"/api/v1/recordings/{recording}-p1/audio", f"/api/v1/recordings/{recording}/video", "/api/v1/recordings/00000000-0000-8000-8000-000000000000/audio", f"/api/v1/live/calls/{uid}/audio", "/api/v1/calls", "/metrics"):
            t.equal(other, s.ask(f"{other}?sig={sig}", root="")[0], 403)
        t.equal("more parameters", s.ask(f"{url}&format=wav", root="")[0], 403)
        t.equal("only to read", s.ask(f"/api/v1/recordings/{recording}?sig={sig}", "DELETE", root="")[0], 403)
        for wrong in ("/api/v1/calls", "/api/v1/users", "/nothing", path + "/..", "//" + path, path + "?sig=x", "http://evil.example/", "", f"/api/v1/recordings/{recording}"):
            t.equal(f"a link to {wrong}", s.ask("/links", "POST", {"path": wrong}, listener)[0], 400)
        t.equal("who may not hear", s.ask("/links", "POST", {"path": path}, s.first)[2]["code"], "scope")
        limited = s.token("listener", limit={"number_prefixes": ["+43"]})
        t.equal("who may not see it", s.ask(s.as_(limited, "/links", "POST", {"path": path})["url"], root="")[0], 404)
        s.user("ann", "listener")
        cookie, csrf = s.login("ann")
        hers = s.ask("/links", "POST", {"path": path}, cookie=cookie, csrf=csrf)[2]["url"]
        t.equal("in a session", (s.ask(hers, root="")[0], s.ask("/sessions", "DELETE", cookie=cookie, csrf=csrf)[0], s.ask(hers, root="")[0]), (200, 204, 403))
        heard = s.as_(s.token("auditor"), f"/audit?action=audio.read&limit=1000&object={recording}")["data"]
        t.equal("audited", {r["actor"] for r in heard}, {"ears", "user:ann"})
        s.as_(s.first, f"/tokens/{listener[4:].split('_')[0]}", "DELETE")
        t.counter("it outlives the token", s.ask(url, root="")[0] == 403)


# ---- TLS, names, rates

def certificate(t, folder, name):
    """A new one for 127.0.0.1, in the place where the service looks."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


class Encrypted(Guarded):
    def connection(self):
        import ssl
        where = urllib.parse.urlsplit(self.url)
        context = ssl.create_default_context(cafile=self.trusted)
        context.minimum_version, context.maximum_version = self.versions
        c = http.client.HTTPSConnection(where.hostname, where.port, timeout=20, context=context)
        return c

    def name(self):
        """Of the certificate that is given out now."""
        import socket, ssl
        where = urllib.parse.urlsplit(self.url)
        context = ssl.create_default_context(cafile=self.trusted)
        with socket.create_connection((where.hostname, where.port), timeout=20) as c, context.wrap_socket(c, server_hostname="127.0.0.1") as tls:
            return dict(x[0] for x in tls.getpeercert()["subject"])["commonName"], tls.version()


@feature("M06", "API, page and sound from afar by HTTPS: TLS 1.2 and 1.3, nothing older; a certificate that is read again on SIGHUP, a bad one is not; sound by ranges; beyond loopback")
def encrypted(t):
    import ssl
    folder = t.path("tls")
    os.mkdir(folder)
    cert, key = certificate(t, folder, "one")
    Encrypted.trusted, Encrypted.versions = cert, (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    with Encrypted(t, two_calls(), 2, f"bind = 0.0.0.0\ncertificate = {cert}\nprivate_key = {key}\nhosts = calls.example\n") as s:
        s.trusted = cert
        t.equal("nobody is local", s.ask("/calls")[2]["code"], "token_missing")
        status, headers, _ = s.ask(f"/calls?{DAY}", token=s.first)
        t.equal("with a token", (status, headers["strict-transport-security"]), (200, "max-age=31536000"))
        for version, works in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_1, False)):
            s.versions = version, version
            try:
                t.equal(version.name, (s.ask("/healthz", root="")[0] == 200, works), (True, True))
            except (ssl.SSLError, OSError):
                t.check(f"{version.name} is refused", not works)
        s.versions = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        for host, wanted in (("calls.example", 200), ("calls.example:8470", 421), ("192.0.2.7", 200), ("evil.example", 421), ("calls.example.evil.example", 421), ("[2001:db8::1]:443", 200)):
            t.equal(f"Host: {host}", s.ask("/healthz", root="", Host=host)[0], wanted)
        plain = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlsplit(s.url).port, timeout=20)
        try:
            plain.request("GET", "/healthz")
            t.check("no clear text", plain.getresponse().status >= 400)
        except (OSError, http.client.HTTPException):
            pass
        status, headers, _ = s.ask("/", root="")
        t.equal("the page, for whoever has no token yet", (status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        listener = s.token("listener")
        uid = s.as_(listener, f"/calls?{DAY}&call_id=c1@test")["data"][0]["uid"]
        recording = s.wait(lambda: (lambda r: r["id"] if r["state"] == "ready" else None)(s.as_(s.first, f"/calls/{uid}/recording")))
        whole = s.ask(f"/recordings/{recording}/audio", token=listener)[2]
        t.equal("sound", s.ask(f"/recordings/{recording}/audio", token=listener, Range="bytes=100-50099")[2], whole[100:50100])
        t.equal("the certificate", s.name()[0], "one")
        old = open(cert).read()
        certificate(t, folder, "two")
        s.process.send_signal(signal.SIGHUP)
        s.trusted = os.path.join(folder, "both.pem")
        with open(s.trusted, "w") as f:
            f.write(old + open(cert).read())
        s.wait(lambda: s.name()[0] == "two")
        with open(key, "w") as f:
            f.write("no key\n")
        s.process.send_signal(signal.SIGHUP)
        s.wait(lambda: "stays in use" in open(s.log).read())
        t.equal("a bad one is not taken", (s.name()[0], s.ask(f"/calls?{DAY}", token=s.first)[0]), ("two", 200))
    path = t.path()
    write(path, two_calls())
    conf = t.path("conf")
    with open(conf, "w") as f:
        f.write(f"[api]\nport = 0\nbind = 0.0.0.0\ncertificate = {cert}\nprivate_key = {key}\n")
    done = t.run("run", "--config", conf, "--read", path, "--exit", "--data", t.path("data"), code=None)
    t.counter("it starts with a key that is none", done.returncode != 0 and "key.pem cannot be used" in done.stderr)


@feature("R08", "so many requests a second of one address and of one actor, then 429 and Retry-After; others are served")
def rates(t):
    with Guarded(t, two_calls(), 0, "rate = 1\n") as s:
        def ask(from_, **who):
            c = s.connection()
            c.source_address = (from_, 0)
            s.connection, kept = (lambda: c), s.connection
            try:
                return s.ask("/me", **who)
            finally:
                s.connection = kept
        def until_refused(from_, **who):
            """How many go through, and the answer to the one that does not."""
            for n in range(2000):
                got = ask(from_(n), **who)
                if got[0] != 200:
                    return n, got
            return n, got
        n, (status, headers, problem) = until_refused(lambda n: "127.0.0.5")
        t.check(f"ten seconds' worth: {n}, then {status}", n >= 10 and (status, problem["code"]) == (429, "too_many_requests") and 1 <= int(headers["retry-after"]) <= 11)
        t.equal("somebody else from elsewhere", ask("127.0.0.6", token=s.first)[0], 200)
        n, (status, _, _) = until_refused(lambda n: f"127.0.{1 + n // 250}.{1 + n % 250}", token=s.first)
        t.check(f"one actor from everywhere: {n}, then {status}", n >= 5 and status == 429)
    with Guarded(t, two_calls(), 0, "rate = 0\n") as s:
        t.counter("without a limit there is one", all(s.ask("/me")[0] == 200 for _ in range(60)))
