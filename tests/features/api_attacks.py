"""Attacks on the API that a stranger's text makes: bodies that come packed, and filter values that look like patterns."""
import gzip, json, time, urllib.parse

from craft import *
from feature import feature
from messages import DAY, ask
from syntax import Served, at


# ---- X12

@feature("X12", "a request body with Content-Encoding is refused with 415, whatever it says and whatever it packs")
def packed_requests(t):
    bomb = gzip.compress(bytes(1 << 20))
    with Served(t, frames(call(voice=False)), 1) as s:
        for method in ("GET", "POST", "PUT", "DELETE"):
            for encoding in ("gzip", "deflate", "br", "zstd", "GZIP, gzip", "x", ""):
                status, headers, text = ask(s, "/calls", method, bomb, Content_Encoding=encoding)
                problem = json.loads(text)
                t.equal(f"{method} {encoding}", (status, problem["code"], problem["field"], headers["content-type"].split(";")[0], headers.get("accept-encoding")),
                        (415, "content_encoding", "Content-Encoding", "application/problem+json", "identity"))
        t.equal("without a body", ask(s, "/calls", Content_Encoding="gzip")[0], 415)
        t.equal("a path that is not there", ask(s, "/nothing", "POST", bomb, Content_Encoding="gzip")[0], 415)
        t.counter("a plain body is refused for its encoding", ask(s, "/calls?" + DAY, "GET", b"x" * 1000)[0] == 200 and ask(s, "/calls", "POST", b"x")[0] == 405)


# ---- X14

PATTERNS = ["(a+)+$", "%", "_", "*", "\\", "\\%", "%%%%", "?", "[a-z]", "^", ".*", "a{1,9999}", "' OR '1'='1", "\"", "(?=a)", "a|b", "%_%_%_%"]
WINDOW = "from=2023-11-14T22:13:20Z&to="


def refusal(n, user, agent, when=None):
    """A call that is over at once."""
    d = Dialog(a="10.4.0.1", b="10.4.0.2", call_id=f"{n}@pattern", branch=f"z9hG4bK{n}-", from_tag=f"f{n}", from_user=user)
    def say(text):
        return text.replace(b"User-Agent: craft", b"User-Agent: " + agent.encode())
    when = n * 0.01 if when is None else when
    return [at(when, True, say(d.request("INVITE", 1)), d), at(when + 0.001, False, say(d.response(486, "Busy", "INVITE", 1)), d),
            at(when + 0.002, True, say(d.request("ACK", 1, branch=d.branch + "INVITE")), d)]


def found(s, name, value, more=""):
    got = s.get(f"/calls?{DAY}&limit=1000&{name}={urllib.parse.quote(value)}{more}")
    return sorted(c["call_id"] for c in got["data"])


def median_time(fn, runs=7):
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        fn()
        times.append(time.perf_counter() - begin)
    return sorted(times)[runs // 2]


@feature("X14", "values that look like patterns are taken literally: in contains, prefix, equality and q")
def literal_filters(t):
    agents = [f"Ua {p} x" for p in PATTERNS] + ["aaaaaaaa", "plain Agent/1.0"]
    packets = [p for n, a in enumerate(agents) for p in refusal(n, f"u{n}", a)]
    numbers = ["100%25", "100%5F5", "10055", "100*", "100"]  # users as SIP escapes them
    packets += [p for n, u in enumerate(numbers) for p in refusal(100 + n, u, "number")]
    with Served(t, frames(packets), len(agents) + len(numbers)) as s:
        for p in PATTERNS:
            wanted = sorted(f"{n}@pattern" for n, a in enumerate(agents) if p.lower() in a.lower())
            t.equal(f"contains {p}", found(s, "user_agent__contains", p), wanted)
            by_q = sorted(f"{n}@pattern" for n, a in list(enumerate(agents)) + [(100 + i, u) for i, u in enumerate(numbers)] if p.lower() in a.lower())
            t.equal(f"q {p}", found(s, "q", p), by_q)
            t.equal(f"call_id {p}", found(s, "call_id", p), [])
        for prefix in ("100%25", "100%5", "100*", "100", "1", "100_", "%", "_", "*", "100\\", "1%"):
            t.equal(f"prefix {prefix}", found(s, "number__prefix", prefix), sorted(f"{100 + n}@pattern" for n, u in enumerate(numbers) if u.startswith(prefix)))
        t.equal("4 kB of a", ask(s, f"/calls?{DAY}&user_agent__contains=" + "a" * 4096)[0], 400)
        t.equal("at the limit", found(s, "user_agent__contains", "a" * 255), [])
        t.counter("a pattern finds what it would match", found(s, "user_agent__contains", "a") != [] and found(s, "user_agent__contains", "(a+)+$") == ["0@pattern"]
                  and found(s, "user_agent__contains", "aaaaaaaa") == [f"{len(PATTERNS)}@pattern"])


@feature("X14", "the time of a filter grows linearly with its length and with the calls it looks at")
def linear_filters(t):
    calls = 1000
    packets = [p for n in range(calls) for p in refusal(n, "u", "a" * 1200)]
    packets += refusal(calls, "u", "a" * 100 + "b")
    with Served(t, frames(packets), 1000) as s:
        s.wait(lambda: s.get(f"/calls?{DAY}&count=exact&limit=1")["total"] == calls + 1)
        evil = {n: "a" * (n - 1) + "b" for n in (31, 62, 124, 248)}
        t.equal("finds what ends so", found(s, "user_agent__contains", evil[62]), [f"{calls}@pattern"])
        t.equal("finds nothing", found(s, "user_agent__contains", evil[248]), [])
        took = {n: median_time(lambda: found(s, "user_agent__contains", e)) for n, e in evil.items()}
        t.check(f"by length: {took}", all(took[2 * n] <= 6 * took[n] + 0.02 for n in (31, 62, 124)) and took[248] < 2)
        half = median_time(lambda: s.get(f"/calls?{WINDOW}2023-11-14T22:13:25Z&user_agent__contains={evil[248]}"))
        whole = median_time(lambda: s.get(f"/calls?{WINDOW}2023-11-14T22:13:30Z&user_agent__contains={evil[248]}"))
        t.check(f"by calls: {half:.4f} s, {whole:.4f} s", whole <= 6 * half + 0.02)
        quantified = median_time(lambda: found(s, "user_agent__contains", "(a+)+$"))
        t.check(f"(a+)+$: {quantified:.4f} s", quantified < 0.5)
        t.counter("the filter looks at nothing", len(found(s, "user_agent__contains", "a" * 248)) == calls)
