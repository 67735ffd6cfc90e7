#!/usr/bin/env python3
"""Whole behaviours: a capture in, JSON out. Each case is a line of cases.tsv (name, options of earshot-traffic); what
`earshot read --json` says of it stands in expected/<name>.json. `run.py EARSHOT --accept` writes those files anew: read
the difference before committing it."""
import difflib, json, os, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
earshot = sys.argv[1]
accept = "--accept" in sys.argv
traffic = os.path.join(os.path.dirname(os.path.abspath(earshot)), "tests/support/build/earshot-traffic")
bad = 0
cases = [line.rstrip("\n").split("\t") for line in open(os.path.join(here, "cases.tsv")) if line.strip() and line[0] != "#"]
with tempfile.TemporaryDirectory() as work:
    for name, options in cases:
        pcap = os.path.join(work, name + ".pcap")
        subprocess.run([traffic, *options.split(), "--out", pcap, "--truth", pcap + ".json"], check=True, stdout=subprocess.DEVNULL)
        out = subprocess.run([earshot, "read", "--json", pcap], check=True, capture_output=True, text=True).stdout
        records = sorted((json.loads(line) for line in out.splitlines()), key=lambda r: (r["started_at"], r["uid"]))
        got = json.dumps(records, indent=1, sort_keys=True) + "\n"
        path = os.path.join(here, "expected", name + ".json")
        if accept:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").write(got)
        elif not os.path.exists(path) or open(path).read() != got:
            was = open(path).read() if os.path.exists(path) else ""
            print(f"{name}: differs from expected/{name}.json")
            sys.stdout.writelines(list(difflib.unified_diff(was.splitlines(True), got.splitlines(True), "expected", "now", n=1))[:30])
            bad += 1
print(f"{len(cases)} cases, {bad} differ")
sys.exit(1 if bad or not cases else 0)
