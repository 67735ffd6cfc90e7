"""Figures of the service: generated calls read by `earshot run`, /stats compared with the truth; then a service that is killed
in the middle, started again and given the same capture: each call is still counted once.

    python3 service.py EARSHOT [COUNT]"""
import json, os, signal, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

from run import HERE, compare

SPAN = "from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z"


class Service:
    def __init__(self, earshot, work, data, pcap):
        self.log = os.path.join(work, "log")
        conf = os.path.join(work, "conf")
        with open(conf, "w") as f:
            f.write("[calls]\nno_media_timeout = 60s\n[kpi]\nprefixes = +490, +49000, +1\n")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([earshot, "run", "--config", conf, "--data", data, "--port", "0", "--read", pcap],
                                            stdin=subprocess.DEVNULL, stderr=log)
        self.url = self.wait(self.address)

    def wait(self, look):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            time.sleep(0.01)
        raise SystemExit("the service is too slow: " + open(self.log).read()[-500:])

    def address(self):
        text = open(self.log).read()
        at = text.find("look at http://")
        return text[at + 8:].split("\n")[0].rstrip("/") if at >= 0 and "\n" in text[at:] else None

    def ask(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def get(self, path):
        status, text = self.ask("/api/v1/stats/" + path)
        if status != 200:
            raise SystemExit(f"{path}: {status} {text}")
        return json.loads(text)

    def counted(self, calls):
        """The capture is read and what it holds is stored; a moment later too there is nothing more."""
        self.wait(lambda: json.loads(self.ask("/readyz")[1])["source_finished"] and standing(self) >= calls)
        time.sleep(1.5)

    def attempts(self):
        for line in self.ask("/metrics")[1].splitlines():
            if line.startswith("earshot_call_attempts_total"):
                return float(line.split()[-1])
        return 0

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(30)


def check(what, good, said=""):
    if not good:
        raise SystemExit(f"{what}: {said}")


def total(rows, name):
    return sum(r[name] for r in rows)


def every_view(s, truth):
    """The same calls whichever way they are asked for."""
    row = s.get("summary?" + SPAN)["data"]
    codes = s.get("codes?" + SPAN)["data"]
    check("one row over all", len(row) == len(codes) == 1, row)
    wrong, looked = compare(truth, {**row[0], "by_code": codes[0]})
    check("figures are the truth", not wrong, "\n".join(wrong))
    attempts = truth["counts"]["attempts"]
    for groups in ("minute", "quarter", "hour", "day", "direction", "direction,minute", "prefix", "prefix,hour", "hour,direction", "codec", "codec,hour"):
        rows = s.get(f"summary?{SPAN}&group_by={groups}&metrics=attempts,asr,pdd")["data"]
        check(groups, total(rows, "attempts") == attempts, total(rows, "attempts"))
        check(groups, total(rows, "asr_numerator") == truth["counts"]["answered"])
        check(groups, "ner" not in rows[0] and "pdd_p95_ms" in rows[0], rows[0])
        if "minute" in groups or "hour" in groups:
            check(groups, all("at" in r for r in rows), rows[0])
    groups = {r["prefix"]: r["attempts"] for r in s.get(f"summary?{SPAN}&group_by=prefix")["data"]}
    check("number groups", set(groups) <= {"+490", "+49000", "+1", "other"} and groups["+49000"] == attempts, groups)
    minutes = s.get(f"summary?{SPAN}&group_by=minute&metrics=concurrent_max,cps")["data"]
    check("most at once", max(m["concurrent_max"] for m in minutes) == truth["concurrent_max"])
    check("no trunks, no rows", s.get(f"summary?{SPAN}&group_by=trunk")["data"] == [])
    empty = s.get("summary?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z")["data"]
    check("nothing is no ratio", empty[0]["attempts"] == 0 and empty[0]["asr"] is None and empty[0]["acd_ms"] is None, empty)
    return looked


def refusals(s):
    for path, field in (("summary?group_by=user", "group_by"), ("summary?group_by=trunk,codec", "group_by"), ("summary?group_by=hour,day", "group_by"),
                        ("summary?group_by=trunk,site", "group_by"), ("summary?metrics=asr,nothing", "metrics"),
                        ("summary?from=yesterday", "from"), ("summary?from=2023-01-02T00:00:00Z&to=2023-01-01T00:00:00Z", "to"),
                        ("summary?group_by=minute&from=2020-01-01T00:00:00Z&to=2023-01-01T00:00:00Z", "group_by"),
                        ("codes?metrics=asr", "metrics"), ("summary?site=a", "site")):
        status, text = s.ask("/api/v1/stats/" + path)
        check(path, status == 400 and json.loads(text).get("field") == field, f"{status} {text}")


def standing(s):
    row = s.get("summary?" + SPAN)["data"][0]
    return sum(row[n] for n in ("attempts", "challenged", "partial", "unfinished"))


def main():
    earshot, count = os.path.realpath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "1000"
    with tempfile.TemporaryDirectory() as work:
        pcap, expected = os.path.join(work, "calls.pcap"), os.path.join(work, "truth.json")
        subprocess.run([sys.executable, os.path.join(HERE, "generate.py"), count, pcap, expected, "11"], check=True)
        truth = json.load(open(expected))
        s = Service(earshot, work, os.path.join(work, "data"), pcap)
        s.counted(int(count))
        looked = every_view(s, truth)
        refusals(s)
        s.end()
        s = Service(earshot, work, os.path.join(work, "data"), pcap)  # the same again
        s.counted(int(count))
        every_view(s, truth)
        s.end()
        for part in (0.2, 0.6, 0.95):
            data = os.path.join(work, f"killed{part}")
            s = Service(earshot, work, data, pcap)
            s.wait(lambda: s.attempts() > part * int(count) * 0.95)
            s.end(signal.SIGKILL)
            s = Service(earshot, work, data, pcap)
            s.counted(int(count))
            check(f"killed at {part}", standing(s) == int(count), f"{standing(s)} calls of {count}")
            s.end()
    print(f"{count} calls: {looked} figures of the service equal the truth, once, read again, and after three kills")


if __name__ == "__main__":
    main()
