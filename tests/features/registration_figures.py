"""Registration request delay and ineffective registration attempts (RFC 6076 4.1, 4.2), as figures of all that was read."""
import json

from craft import *
from feature import feature
from service import wait_for
from users import BOUND, NONCE, auth, register, tick
from users_api import FileService

SPAN = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-15T00:00:00Z"}


def attempts():
    """Six: two accepted (one after a challenge), 503, 404, nobody answers, credentials refused."""
    def user(name, at, cseq, status, **more):
        return register(at, cseq, status, call=f"{name}@test", contact=f"<sip:{name}@10.0.0.1>", **more)
    packets = user("a", 0, 1, 200, rtt=0.04)
    packets += user("b", 1, 1, 401, answer=NONCE, rtt=0.01) + user("b", 1.5, 2, 200, headers=auth(), rtt=0.06)
    packets += user("c", 2, 1, 503, answer="") + user("d", 3, 1, 404, answer="") + user("e", 4, 1, None)
    packets += user("f", 5, 1, 401, answer=NONCE) + user("f", 5.2, 2, 401, headers=auth(), answer=NONCE.replace("n1", "n2"))
    return sorted(packets + tick(60) + tick(130), key=lambda p: p.t)


def figures(t, packets):
    path = t.path()
    write(path, frames(packets))
    return json.loads(t.run("read", "--quiet", "--kpi", "--json", path).stdout)["data"][0]


@feature("B01", "RRD and IRA over all attempts: earshot read --kpi")
def read_kpi(t):
    f = figures(t, attempts())
    t.equal("IRA: 503, 404 and silence of five", (f["ira"], f["ira_numerator"], f["ira_denominator"]), (0.6, 3, 5))
    t.equal("refused for want of credentials", f["registrations_challenged"], 1)
    t.equal("RRD of two", f["rrd_count"], 2)
    t.check(f"RRD {f['rrd_min_ms']}, {f['rrd_max_ms']}", abs(f["rrd_min_ms"] - 40) < 0.1 and abs(f["rrd_max_ms"] - 560) < 0.1)
    better = figures(t, [p for p in attempts() if b"c@test" not in p.data and b"d@test" not in p.data])
    t.counter("two failures less are the same ratio", (better["ira_numerator"], better["ira_denominator"]) == (1, 3))


@feature("C06", "registration delay: in /stats and as a histogram, to the millisecond")
def served(t):
    with FileService(t, attempts()) as s:
        row = wait_for("figures", lambda: (lambda d: d[0] if d and d[0]["registrations"] == 5 else None)(s.list("stats/summary", **SPAN)))
        histogram = s.counter("earshot_registration_delay_seconds_sum")
    t.check(f"mean {row['rrd_ms']}", abs(row["rrd_ms"] - 300) < 1)
    t.check(f"histogram {histogram}", abs(histogram - 0.6) < 0.001)
    t.equal("IRA", row["ira"], 0.6)
    with FileService(t, call()) as s:
        t.counter("registrations where there was none", all(r["registrations"] == 0 for r in s.list("stats/summary", **SPAN)))
