#!/usr/bin/env python3
"""Rules, alerts and dashboards of packaging/ against the table of metrics: check.py [PROJECT].

Every expression parses (promtool), uses only metrics that docs/metrics.md or the recording rules name, and of each only labels it has;
the dashboards are what their generator makes; the rule tests pass. Exit codes: 0 all true, 1 not."""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
PACKAGING = ROOT / "packaging"
SCRAPED = {"site", "instance", "job", "le"}
OF_PROMETHEUS = {"up": {"instance", "job"}}
WORDS = set("sum avg min max count by without on ignoring group_left group_right and or unless offset rate increase histogram_quantile "
            "topk bottomk sort round time predict_linear deriv bool".split())
wrong = []


def documented():
    """{name: labels}"""
    found = {}
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        m = re.match(r"\| `(\w+)` \| (\w+) \| ([^|]*) \|", line)
        if m:
            labels = {x.strip() for x in m[3].split(",")} - {""}
            names = [m[1] + s for s in ("_bucket", "_sum", "_count")] if m[2] == "histogram" else [m[1]]
            for name in names:
                found[name] = found.get(name, set()) | labels
    return found


def rule_files():
    return [PACKAGING / "prometheus" / name for name in ("earshot.rules.yml", "earshot.alerts.yml")]


def rules():
    """(record or alert, expression) of each rule; the files are simple enough for this."""
    for path in rule_files():
        lines = path.read_text().splitlines()
        for i, line in enumerate(lines):
            m = re.match(r"\s+- (record|alert): (\S+)", line)
            if not m:
                continue
            at = i + 1
            expr = lines[at].split("expr:", 1)[1].strip()
            indent = len(lines[at]) - len(lines[at].lstrip())
            while expr in ("|", "") or expr.startswith("| "):
                expr = ""
                for more in lines[at + 1:]:
                    if len(more) - len(more.lstrip()) <= indent:
                        break
                    expr += " " + more.strip()
            yield m[1], m[2], expr


def told(path):
    """Every alert says what is the matter and where to look."""
    for block in re.split(r"\n\s+- alert: ", path.read_text())[1:]:
        for word in ("summary", "description"):
            if f"{word}: \"" not in block:
                wrong.append(f"alert {block.split()[0]}: no {word}")


def uses(expr):
    """Names of metrics with the labels asked of each in braces, and labels of `by (...)`."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expr)
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    grouped = {x.strip() for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", bare) for x in group.split(",")} - {""}
    bare = re.sub(r"\b(?:by|on)\s*\([^)]*\)", "", bare)
    bare = re.sub(r"offset\s+\w+", "", bare)
    for name, braces in re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?", bare):
        if name not in WORDS:
            yield name, set(re.findall(r"(\w+)\s*[=!]", braces)), grouped


def look(where, expr, known):
    names = list(uses(expr))
    if not names:
        wrong.append(f"{where}: no metric in {expr}")
    grouped_known = set()
    for name, labels, grouped in names:
        if name not in known:
            wrong.append(f"{where}: there is no metric {name}")
            continue
        missing = labels - known[name] - SCRAPED
        if missing:
            wrong.append(f"{where}: {name} has no label {', '.join(sorted(missing))}")
        grouped_known |= known[name]
    for name, _, grouped in names:
        missing = grouped - grouped_known - SCRAPED
        if missing:
            wrong.append(f"{where}: nothing in it has the label {', '.join(sorted(missing))}")
            break


def labels_of_record(expr):
    """What a recording rule leaves of labels: those of its first `by`."""
    m = re.search(r"\bby\s*\(([^)]*)\)", expr)
    return {x.strip() for x in m[1].split(",")} - {"le"} if m else set()


def parse_all(exprs):
    """promtool reads them as recording rules, all at once."""
    text = "groups:\n- name: all\n  rules:\n"
    for i, (where, expr) in enumerate(exprs):
        for variable, value in (("$__rate_interval", "5m"), ("$__range", "6h")):
            expr = expr.replace(variable, value)
        text += f"  - record: x:n{i}\n    expr: {json.dumps(expr)}\n"
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
        f.write(text)
        f.flush()
        run(["promtool", "check", "rules", f.name])


def run(words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        wrong.append(f"{' '.join(map(str, words[:3]))}: {(done.stdout + done.stderr).strip()[-1500:]}")


def main():
    known = documented() | OF_PROMETHEUS
    records = [(name, expr) for kind, name, expr in rules() if kind == "record"]
    known |= {name: labels_of_record(expr) for name, expr in records}
    exprs = [(f"rule {name}", expr) for _, name, expr in rules()]
    for path in sorted((PACKAGING / "grafana").glob("*.json")):
        board = json.loads(path.read_text())
        exprs += [(f"{path.name}, {p['title']}", t["expr"]) for p in board["panels"] for t in p["targets"]]
    for where, expr in exprs:
        look(where, expr, known)
    parse_all(exprs)
    told(rule_files()[1])
    run(["promtool", "check", "rules", *rule_files()])
    run(["promtool", "test", "rules", *sorted((PACKAGING / "prometheus").glob("*.test.yml"))])
    run([sys.executable, "-B", PACKAGING / "grafana" / "make.py", "--check"])
    if len(exprs) < 100 or len(records) < 20:
        wrong.append(f"only {len(exprs)} expressions and {len(records)} rules were found: this check does not see them all")
    for w in wrong:
        print(f"FAIL  {w}")
    print(f"{len(exprs)} expressions, {len(known)} metrics, {len(wrong)} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
