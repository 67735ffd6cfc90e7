"""Every route with everybody: R08 and X58 to X62. The routes come from the API's own description; one that nobody has said anything
about here fails, so a new route begins its life with somebody's decision who may."""
import json, os, re, socket, time, urllib.parse

from access import EVERYTHING, Guarded, PASSWORD, ROLES, two_calls
from craft import *
from feature import Failure, feature
from messages import DAY

# What a route needs; "limited": shows single calls, and only those of who may see some.
ROUTES = {
    "GET /api/v1/calls": "meta limited", "GET /api/v1/calls/{uid}": "meta limited", "GET /api/v1/calls/{uid}/messages": "messages limited",
    "GET /api/v1/calls/{uid}/messages/{n}": "messages limited", "GET /api/v1/calls/{uid}/messages/{n}/diff": "messages limited",
    "GET /api/v1/calls/{uid}/legs": "meta limited", "GET /api/v1/calls/{uid}/ladder": "messages limited", "GET /api/v1/calls/{uid}/dtmf": "meta limited",
    "GET /api/v1/calls/{uid}/tags": "meta limited", "PUT /api/v1/calls/{uid}/tags": "control limited", "POST /api/v1/calls/{uid}/pause": "control limited",
    "POST /api/v1/calls/tags": "control limited",
    "GET /api/v1/calls/{uid}/annotations": "meta limited", "POST /api/v1/calls/{uid}/annotations": "control limited",
    "PUT /api/v1/calls/{uid}/annotations/{n}": "control limited", "DELETE /api/v1/calls/{uid}/annotations/{n}": "control limited",
    "GET /api/v1/calls/{uid}/transcript": "audio limited", "PUT /api/v1/calls/{uid}/transcript": "control limited", "DELETE /api/v1/calls/{uid}/transcript": "delete limited",
    "POST /api/v1/calls/{uid}/resume": "control limited", "GET /api/v1/calls/{uid}/streams/{sid}/series": "meta limited",
    "GET /api/v1/calls/{uid}/pcap": "messages limited", "GET /api/v1/calls/{uid}/recording": "meta limited",
    "POST /api/v1/calls/{uid}/recording": "control limited", "GET /api/v1/calls/{uid}/recordings": "meta limited",
    "GET /api/v1/recordings": "meta limited", "GET /api/v1/recordings/{id}": "meta limited", "DELETE /api/v1/recordings/{id}": "delete limited",
    "GET /api/v1/recordings/{id}/audio": "audio limited", "GET /api/v1/recordings/{id}/video": "audio limited", "GET /api/v1/recordings/{id}/fax": "audio limited", "GET /api/v1/recordings/{id}/peaks": "audio limited",
    "GET /api/v1/recordings/{id}/speech": "meta limited",
    "GET /api/v1/exports": "export limited", "POST /api/v1/exports": "export limited", "GET /api/v1/exports/{id}": "export limited", "DELETE /api/v1/exports/{id}": "export limited",
    "GET /api/v1/exports/{id}/download": "export limited",
    "GET /api/v1/live/calls": "meta limited", "GET /api/v1/live/events": "meta limited", "GET /api/v1/live/calls/{uid}": "meta limited", "GET /api/v1/live/calls/{uid}/audio": "live limited",
    "GET /api/v1/stats/summary": "meta", "GET /api/v1/stats/codes": "meta", "GET /api/v1/stats/topology": "meta limited", "GET /api/v1/stats/quality": "meta", "GET /api/v1/stats/posture": "meta",
    "POST /api/v1/imports/pcap": "control", "GET /api/v1/imports": "meta", "GET /api/v1/imports/{id}": "meta", "DELETE /api/v1/imports/{id}": "control",
    "GET /api/v1/coverage": "meta", "GET /api/v1/policies/recording": "meta", "PUT /api/v1/policies/recording": "admin",
    "POST /api/v1/policies/recording/test": "meta", "GET /api/v1/policies/retention": "meta", "PUT /api/v1/policies/retention": "admin",
    "POST /api/v1/policies/retention/run": "admin", "POST /api/v1/policies/retention/test": "admin",
    "GET /api/v1/trunks": "meta", "POST /api/v1/trunks": "admin", "GET /api/v1/trunks/{trunk}": "meta", "PUT /api/v1/trunks/{trunk}": "admin", "DELETE /api/v1/trunks/{trunk}": "admin",
    "GET /api/v1/aliases": "meta", "POST /api/v1/aliases": "admin", "GET /api/v1/aliases/{alias}": "meta", "PUT /api/v1/aliases/{alias}": "admin", "DELETE /api/v1/aliases/{alias}": "admin",
    "GET /api/v1/registrations": "meta", "GET /api/v1/subscriptions": "meta", "GET /api/v1/messages": "meta",
    "GET /api/v1/hosts": "meta", "GET /api/v1/user-agents": "meta", "GET /api/v1/findings": "meta", "GET /api/v1/findings/{id}": "meta",
    "GET /api/v1/aors/{aor}": "meta",
    "POST /api/v1/links": "known limited", "POST /api/v1/sessions": "public", "DELETE /api/v1/sessions": "known limited", "GET /api/v1/me": "known limited", "PUT /api/v1/me/password": "known limited",
    "GET /api/v1/users": "admin", "POST /api/v1/users": "admin", "GET /api/v1/users/{user}": "admin", "PUT /api/v1/users/{user}": "admin",
    "DELETE /api/v1/users/{user}": "admin", "GET /api/v1/audit": "audit", "GET /api/v1/tokens": "admin", "POST /api/v1/tokens": "admin", "DELETE /api/v1/tokens/{id}": "admin",
    "GET /api/v1/limits": "meta", "GET /api/v1/webhooks": "admin", "POST /api/v1/webhooks/{name}/test": "admin", "GET /api/v1/openapi.yaml": "public", "GET /api/v1/openapi.json": "public", "GET /api/v1/docs": "public", "GET /metrics": "metrics", "GET /healthz": "public", "GET /readyz": "public",
    "GET /": "public", "GET /assets/{asset}": "public", "GET /page.js": "public", "GET /page.css": "public",
}
NOWHERE = "00000000-0000-8000-8000-000000000000"


def routes(s):
    """[(method, path)] of the description."""
    text = s.ask("/openapi.yaml")[2].decode()
    found, path = [], None
    for line in text[text.index("\npaths:"):text.index("\ncomponents:")].splitlines():
        if re.fullmatch(r"  (/\S*):", line):
            path = line.strip().rstrip(":")
        elif path and re.fullmatch(r"    (get|put|post|delete):", line):
            found.append((line.strip(" :").upper(), path))
    return found


def filled(path, uid=NOWHERE):
    path += {"diff": "?with=1", "pcap": "?rtp=headers", "events": "?event=none"}.get(path.rsplit("/", 1)[-1], "")
    return re.sub(r"\{(\w+)\}", lambda m: {"uid": uid, "id": uid, "n": "1", "sid": "1", "aor": "a@b", "user": "nobody", "trunk": "nobody", "alias": "10.1.1.5", "asset": "none.js", "name": "webhook"}[m[1]], path)


def try_(s, method, path, **who):
    body = "[]" if method in ("PUT", "POST") else None
    status, _, got = s.ask(path, method, body, root="", **who)
    return status, got.get("code") if isinstance(got, dict) else None


def wanted(need, scopes):
    """Is it refused for who holds these scopes (None: nobody)?"""
    need = need.split()[0]
    if need == "public":
        return None
    if scopes is None:
        return (401, "token_missing")
    return None if need == "known" or need in scopes else (403, "scope")


@feature("R08", "each route of the description with each role, as a token and as a session, with nobody, and with who sees some calls only")
def matrix(t):
    with Guarded(t, two_calls(), 2) as s:
        there = [f"{m} {p}" for m, p in routes(s)]
        t.check("the description has routes", len(there) > 50 and len(set(there)) == len(there))
        t.equal("routes about which nothing is said here: who may?", [r for r in there if r not in ROUTES], [])
        people = {role: ({"token": s.token(role)}, scopes) for role, scopes in ROLES.items()}
        for role in ("listener", "admin", "auditor"):
            s.user(role, role)
            cookie, csrf = s.login(role)
            people[f"{role}, logged in"] = {"cookie": cookie, "csrf": csrf}, ROLES[role]
        people["nobody"] = {"X_Forwarded_For": "192.0.2.1"}, None
        people["the machine"] = {}, EVERYTHING
        refused = let_in = 0
        for route in there:
            method, path = route.split()
            for name, (who, scopes) in people.items():
                if route == "DELETE /api/v1/sessions" and "cookie" in who:
                    continue
                want, got = wanted(ROUTES[route], scopes), try_(s, method, filled(path), **who)
                if want:
                    refused += 1
                    t.equal(f"{route} by {name}", got, want)
                else:
                    let_in += 1
                    t.check(f"{route} by {name}: {got}", got[0] not in (401, 403) and got[1] not in ("scope", "limited_token"))
        limited = s.token("supervisor", limit={"number_prefixes": ["+49"]}), s.token("admin", limit={"number_prefixes": ["+49"]})
        for route in there:
            need, (method, path) = ROUTES[route].split(), route.split()
            token = next((k for k, role in zip(limited, ("supervisor", "admin")) if need[0] in ROLES[role] | {"public", "known"}), None)
            if token and need[0] != "public":
                got = try_(s, method, filled(path), token=token)
                t.equal(f"{route} for some calls: {got}", got == (403, "limited_token"), "limited" not in need)
        t.counter(f"everybody is refused, or nobody ({refused}, {let_in})", refused > 200 and let_in > 200)


@feature("X62", "who may see some calls sees no other: each route about a call, lists, counts, searches, figures, by number, trunk, site, tenant and age")
def foreign_objects(t):
    now = int(time.time()) - 1700000000  # START of the calls is in 2023
    packets = sorted([*two_calls(now - 120)], key=lambda f: f.t)
    with Guarded(t, packets, 0) as s:
        both = s.wait(lambda: (lambda d: d if len(d) == 2 and any(c["recording"] and c["recording"]["state"] == "ready" for c in d) else None)(
            s.as_(s.first, "/calls")["data"]))
        uid = {c["call_id"]: c["uid"] for c in both}
        mine, other = uid["c1@test"], uid["c2@test"]
        all_ = s.token("supervisor")
        recording = next(c["recording"]["id"] for c in both if c["uid"] == mine)
        german, austrian = (s.token("supervisor", limit={"number_prefixes": [p]}) for p in ("+49", "+43"))
        for token, own, foreign in ((german, mine, other), (austrian, other, mine)):
            for path in ("/calls", "/calls?limit=1", "/calls?count=exact", "/calls?count=estimate", "/calls?kind=call&order=started_at", "/calls?q=%2B4"):
                got = s.as_(token, path)
                t.equal(f"list {path}", ([c["uid"] for c in got["data"]], got.get("total", 1)), ([own], 1))
            t.equal("asked for by name", s.as_(token, f"/calls?call_id={'c2' if own == mine else 'c1'}%40test")["data"], [])
            for route, need in ROUTES.items():
                method, path = route.split()
                if "limited" in need and "{uid}" in path and need.split()[0] in ROLES["supervisor"]:
                    body = "{}" if method != "GET" else None
                    hidden = s.ask(filled(path, foreign), method, body, token, root="")
                    nowhere = s.ask(filled(path), method, body, token, root="")
                    same = [{k: v for k, v in g[2].items() if k not in ("request_id", "instance")} if isinstance(g[2], dict) else g[2] for g in (hidden, nowhere)]
                    t.equal(f"{route} of another's call", (hidden[0], same[0]), (404, same[1]))
        for path in ("", "/audio", "/audio?format=wav"):
            got = [s.ask(f"/recordings/{recording}{path}", token=k)[0] for k in (german, austrian, all_)]
            t.equal(f"recording {path}", got, [200, 404, 200])
        t.equal("the part of an id", s.ask(f"/recordings/{recording}-p1/audio", token=austrian)[0], 404)
        nodes = json.dumps(s.as_(austrian, "/stats/topology"))
        t.check("the graph has nobody else's hosts", "10.0.1.1" in nodes and '"10.0.0.1' not in nodes)
        for limit, seen in (({"trunks": ["x"]}, 0), ({"sites": ["x"]}, 0), ({"tenants": ["x"]}, 0), ({"max_age_s": 60}, 0), ({"max_age_s": 3600}, 2),
                            ({"number_prefixes": ["+49", "+43"]}, 2), ({"number_prefixes": ["+49"], "trunks": ["x"]}, 0), ({"number_prefixes": ["+493022"]}, 1)):
            token = s.token("viewer", limit=limit)
            t.equal(f"{limit}", (len(s.as_(token, "/calls")["data"]), s.ask(f"/calls/{mine}", token=token)[0]), (seen, 200 if seen else 404))
        s.user("ann", "viewer", limit={"number_prefixes": ["+43"]})
        cookie, _ = s.login("ann")
        t.equal("logged in", [s.ask(f"/calls/{u}", cookie=cookie)[0] for u in (mine, other)], [404, 200])
        t.counter("who may see all is told the same", s.ask(f"/calls/{other}", token=all_)[0] == 200 and len(s.as_(all_, "/calls")["data"]) == 2)


# ---- X58

def raw(s, text):
    """The status of a request that no library would send."""
    host, port = s.url.split("//")[1].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as c:
        c.sendall(text.replace("HOST", f"{host}:{port}").encode())
        got = b""
        while b"\r\n" not in got:
            more = c.recv(4096)
            if not more:
                break
            got += more
    return int(got.split()[1]) if got else 0


@feature("X58", "no way round: missing, empty, wrong and cut tokens, schemes, paths, methods, tokens in the query, in a proxy's place; replay")
def bypass(t):
    with Guarded(t, two_calls(), 2, "local = none\n") as s:
        token = s.token("viewer")
        id_, secret = token[4:].split("_")
        wrong = ["", " ", "Bearer", "Bearer ", "Bearer  ", f"Basic {token}", token, f"Token {token}", f"Bearer{token}", f"Bearer {token}x", f"Bearer x{token}", f"Bearer {token[:-1]}",
                 f"Bearer esk_{id_}_", f"Bearer esk__{secret}", f"Bearer esk_{id_.lower()}_{secret.lower()}", f"Bearer esk_{id_}", f"Bearer {token},{token}", f"Bearer null",
                 f"Bearer esk_{id_}_{'0' * 43}", f"Bearer esk_%_{secret}", f"Bearer esk_{id_}' OR '1'='1_{secret}", "Bearer " + "A" * 20000]
        for header in wrong:
            got = s.ask("/calls", Authorization=header)
            t.equal(f"Authorization: {header[:60]}", (got[0], b"uid" in json.dumps(got[2]).encode() if isinstance(got[2], dict) else False), (401, False))
        t.equal("none at all", s.ask("/calls")[2]["code"], "token_missing")
        for query in (f"token={token}", f"access_token={token}", f"authorization=Bearer%20{token}", f"sig={token}"):
            t.equal(query[:20], s.ask(f"/calls?{query}")[0], 403 if query.startswith("sig") else 401)
            t.equal(f"{query[:20]}, beside a good one", s.ask(f"/calls?{query}", token=token)[0], 400)
        for path in ("//api/v1/calls", "/api//v1/calls", "/api/v1//calls", "/api/v1/./calls", "/api/v1/../v1/calls", "/api/v1/calls/..;/calls", "/api/v1/%63alls", "/api%2Fv1%2Fcalls",
                     "/api/v1/calls%00", "/api/v1/calls%2e", "/api/v1/calls;x=y", "/API/v1/calls", "/api/V1/calls", "/api/v1/Calls", "/api/v1/calls/", "\\api\\v1\\calls",
                     "/page.js/../api/v1/calls", "/healthz/../metrics", "/healthz/..;/metrics", "http://HOST/api/v1/calls", "*"):
            for method in ("GET", "HEAD"):
                status = raw(s, f"{method} {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
                t.check(f"{method} {path}: {status}", status in (400, 401, 404))
        for method in ("HEAD", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "GETX", "PROPFIND"):
            status = raw(s, f"{method} /api/v1/calls HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
            t.check(f"{method}: {status}", status in (400, 401, 405, 501))
        for header in ("X-Forwarded-For: 127.0.0.1", "X-Original-URL: /healthz", "X-Rewrite-URL: /healthz", "X-HTTP-Method-Override: OPTIONS", "X-Forwarded-User: admin",
                       "Authorization : Bearer " + token):
            t.check(header, raw(s, f"GET /api/v1/calls HTTP/1.1\r\nHost: HOST\r\n{header}\r\nConnection: close\r\n\r\n") in (400, 401))
        s.user("ann", "viewer")
        cookie, csrf = s.login("ann")
        t.equal("replayed after the logout", (s.ask("/sessions", "DELETE", cookie=cookie, csrf=csrf)[0], s.ask("/calls", cookie=cookie)[0]), (204, 401))
        t.counter("a good token is refused too", s.ask("/calls", token=token)[0] == 200 and raw(s, f"GET /api/v1/calls HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n") == 200)


@feature("X58", "beyond loopback it refuses to start without encryption, and without a token or user")
def exposed(t):
    path = t.path()
    write(path, two_calls())
    for more, word in (("", "behind_proxy"), ("behind_proxy = yes\n", "first")):
        conf = t.path("conf")
        with open(conf, "w") as f:
            f.write(f"[api]\nport = 0\nbind = 0.0.0.0\n{more}")
        done = t.run("run", "--config", conf, "--read", path, "--exit", "--data", t.path("data"), code=None)
        if more:
            t.check(f"with a token of its own: {done.stderr}", done.returncode == 0)
        else:
            t.check(f"{more}: {done.stderr}", done.returncode != 0 and word in done.stderr)
    with open(conf, "w") as f:
        f.write("[api]\nport = 0\n")
    t.counter("it never starts", t.run("run", "--config", conf, "--read", path, "--exit", "--data", t.path("data")).returncode == 0)


@feature("X58", "a name that does not exist takes as long as one that does")
def timing(t):
    with Guarded(t, two_calls(), 2) as s:
        s.user("ann", "viewer")
        def cpu():
            with open(f"/proc/{s.process.pid}/stat") as f:
                return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
        def took(body, wanted):
            """CPU time of two attempts: what a clock on the wall says is others' as well."""
            begin = cpu()
            t.equal("refused", [s.ask("/sessions", "POST", body)[0] for _ in range(2)], [wanted] * 2)
            return cpu() - begin
        known, unknown = (took({"name": name, "password": "x" * 20}, 401) for name in ("ann", "bob"))
        t.check(f"{known:.3f} s, {unknown:.3f} s", known / 2 <= unknown <= known * 2)
        t.counter("what is no attempt takes as long", took({"name": "ann"}, 400) < known / 2)


# ---- X59

@feature("X59", "who guesses waits longer and longer; only they do, and the name is not locked; counted and audited")
def guessing(t):
    with Guarded(t, two_calls(), 2) as s:
        s.user("ann", "viewer")
        def guess(from_="127.0.0.9", password="wrong password"):
            where = s.connection()
            where.source_address = (from_, 0)
            s.connection, kept = (lambda: where), s.connection
            try:
                return s.ask("/sessions", "POST", {"name": "ann", "password": password})
            finally:
                s.connection = kept

        def locked():
            """Guesses until nobody looks: how many were looked at, Retry-After, since when it is so at most, and what the right password
            gets as long as it is certainly so (None: this machine was too slow for that)."""
            looked_at = 0
            while looked_at < 20:
                sent = time.monotonic()
                status, headers, _ = guess()
                if status == 401:
                    looked_at, failed = looked_at + 1, sent
                elif looked_at:
                    wait, since = int(headers["retry-after"]), time.monotonic() - failed
                    status, _, problem = guess(password=PASSWORD)
                    return looked_at, wait, since, (status, problem.get("code")) if time.monotonic() < failed + wait else None
                else:
                    time.sleep(0.025)
            raise Failure("nobody waits")

        begin, rounds = time.monotonic(), [locked()]
        t.equal("another address may, and the account is not locked", guess("127.0.0.10", PASSWORD)[0], 201)
        t.check(f"five are free, and one more a minute: {rounds}", 5 <= rounds[0][0] <= 6 + (time.monotonic() - begin) // 60)
        while len(rounds) < 2 or rounds[-1][3] is None and len(rounds) < 5:
            rounds.append(locked())
        t.equal(f"then nobody looks at the password: {rounds}", {right for *_, right in rounds if right}, {(429, "too_many_failures")})
        if all(n == 1 for n, *_ in rounds[1:]):
            t.check(f"Retry-After says 2 s, then 4: {rounds}", all(wait <= lock <= wait + since for (_, wait, since, _), lock in zip(rounds, (2, 4, 8, 16, 32))))
        bad = "esk_abc_" + "0" * 43
        begin, tokens = time.monotonic(), 0
        while tokens < 400 and s.ask("/calls", token=bad)[0] == 401:
            tokens += 1
        t.check(f"tokens: {tokens}", 100 <= tokens <= 101 + (time.monotonic() - begin) / 3)
        t.equal("a right one goes through", s.ask("/calls", token=s.first)[0], 200)
        metrics = s.ask("/metrics", root="", token=s.first)[2].decode()
        refused = sum(n for n, *_ in rounds)
        t.check("counted", 'earshot_logins_total{result="locked"}' in metrics and f'earshot_logins_total{{result="refused"}} {refused}\n' in metrics
                and re.search(r'earshot_auth_failures_total\{reason="locked"\} [1-9]', metrics))
        t.counter("an address that guesses nothing waits", guess("127.0.0.11", PASSWORD)[0] == 201)


# ---- X61

@feature("X61", "pages of other sites: forged requests, other names for us, frames, reading across origins")
def other_sites(t):
    with Guarded(t, two_calls(), 2) as s:
        s.user("ann", "supervisor")
        cookie, csrf = s.login("ann")
        uid = s.as_(s.first, f"/calls?{DAY}&call_id=c1@test")["data"][0]["uid"]
        tags = f"/calls/{uid}/tags"
        t.equal("a change without the word", s.ask(tags, "PUT", {"a": "b"}, cookie=cookie)[2]["code"], "csrf")
        for site in ("cross-site", "same-site"):
            t.equal(f"{site} with all of it", s.ask(tags, "PUT", {"a": "b"}, cookie=cookie, csrf=csrf, Sec_Fetch_Site=site)[0], 403)
            t.equal(f"{site} reading", s.ask(tags, cookie=cookie, Sec_Fetch_Site=site)[0], 403)
            t.equal(f"{site} from the machine itself", s.ask(tags, Sec_Fetch_Site=site)[0], 401)
            t.equal(f"{site} logging in", s.ask("/sessions", "POST", {"name": "ann", "password": PASSWORD}, Sec_Fetch_Site=site)[0], 403)
        for origin in ("http://evil.example", "null", "https://127.0.0.1.evil.example", "file://"):
            t.equal(f"Origin: {origin}", s.ask(tags, "PUT", {"a": "b"}, cookie=cookie, csrf=csrf, Origin=origin)[0], 403)
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
            t.equal(f"a form: {kind}", s.ask(tags, "PUT", '{"a":"b"}', Content_Type=kind)[0], 415)
            t.equal(f"a login by form: {kind}", s.ask("/sessions", "POST", "name=ann", Content_Type=kind)[0], 415)
        for host in ("evil.example", "evil.example:8470", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1"):
            t.equal(f"Host: {host}", s.ask("/calls", Host=host)[2]["code"], "host_not_allowed")
            t.equal(f"Host: {host}, with a token", s.ask("/calls", token=s.first, Host=host)[0], 421)
        for path, root in (("/calls", "/api/v1"), ("/nothing", "/api/v1"), ("/", ""), ("/metrics", ""), (f"/calls/{uid}/messages/1", "/api/v1"), ("/me", "/api/v1")):
            status, headers, _ = s.ask(path, root=root, Origin=s.url)
            t.check(f"{path}: {headers}", "frame-ancestors 'none'" in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"
                    and not any(h.startswith("access-control") for h in headers) and "unsafe" not in headers["content-security-policy"])
        preflight = s.ask("/calls", "OPTIONS", Origin="http://evil.example", Access_Control_Request_Method="GET")
        t.check("a preflight gets nothing", preflight[0] == 405 and not any(h.startswith("access-control") for h in preflight[1]))
        t.counter("our own page is refused too", s.ask(tags, "PUT", {"a": "b"}, cookie=cookie, csrf=csrf, Sec_Fetch_Site="same-origin", Origin=s.url)[0] == 200
                  and s.ask(tags, Sec_Fetch_Site="same-origin")[0] == 200)


@feature("X58", "behind a proxy: nobody is local, and who asks is what the proxy said last; what says no address is nobody's")
def proxied(t):
    with Guarded(t, two_calls(), 2, "behind_proxy = yes\n") as s:
        t.equal("from the machine itself", [s.ask(f"/calls?{DAY}", **more)[0] for more in ({}, {"X_Forwarded_For": "127.0.0.1"})], [401, 401])
        token = s.as_(s.first, "/tokens", "POST", {"name": "site", "role": "viewer", "source_networks": ["192.0.2.0/24", "2001:db8::/32"]})["token"]
        def asked(*lines):
            return raw(s, f"GET /api/v1/calls HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer {token}\r\n" + "".join(f"X-Forwarded-For: {x}\r\n" for x in lines) + "Connection: close\r\n\r\n")
        for lines, wanted in ((("192.0.2.1",), 200), (("192.0.2.1:4711",), 200), (("[2001:db8::1]:4711",), 200), (("2001:db8::1",), 200), (("203.0.113.1, 192.0.2.1",), 200), (("203.0.113.1", "192.0.2.1"), 200),
                              ((), 403), (("192.0.2.1, 203.0.113.1",), 403), (("192.0.2.1", "203.0.113.1"), 403), (("192.0.2.1", "10.1.1.1, 203.0.113.1"), 403),
                              (("192.0.2.1", "unknown"), 403), (("192.0.2.1", ""), 403), (("192.0.2.1, ",), 403), (("[192.0.2.1",), 403)):
            t.equal(f"{lines}", asked(*lines), wanted)
        t.equal("the audit log says so", {r["address"] for r in s.as_(s.token("auditor"), "/audit?result=denied")["data"]} >= {"203.0.113.1"}, True)
    with Guarded(t, two_calls(), 2) as s:
        t.counter("without a proxy it is not local", s.ask(f"/calls?{DAY}")[0] == 200)


@feature("X58", "a limit of numbers is not what the request says: uids of others, doubled, with numbers among them")
def limit_of_numbers(t):
    with Guarded(t, two_calls(), 2) as s:
        mine, other = (s.as_(s.first, f"/calls?{DAY}&call_id={c}@test")["data"][0]["uid"] for c in ("c2", "c1"))
        limited = s.token("listener", limit={"number_prefixes": ["+43"]})
        s.wait(lambda: len(s.as_(s.first, f"/recordings?{DAY}")["data"]) == 1)
        for uids in ([other], ["x", other, "+49", "4"], [other, "+", "4930111"] * 2, [mine, other, ""]):
            query = "&".join(f"call_uid={urllib.parse.quote(u)}" for u in uids)
            t.equal(f"{uids}", (s.ask(f"/recordings?{DAY}&{query}", token=limited)[2].get("data") or [], s.ask(f"/recordings?{DAY}&{query}&number__prefix=4", token=limited)[2].get("data") or []), ([], []))
        t.counter("who has no limit does not see it", [r["call_uid"] for r in s.as_(s.first, f"/recordings?{DAY}&call_uid=x&call_uid={other}")["data"]] == [other])
