"""Figures against the truth: generated calls through `earshot read --kpi --json`, every figure compared.

    python3 run.py EARSHOT [COUNT] [SEED]

Counts, ratios, sums, smallest and largest values must be equal; a quantile may be off by 1/32 of the value, or 0.05 ms."""
import json, math, os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def compare(truth, row):
    wrong, looked = [], 0

    def same(name, ours, theirs, slack=1e-9):
        nonlocal looked
        looked += 1
        if ours is None or theirs is None:
            if ours is not theirs:
                wrong.append(f"{name}: {ours}, should be {theirs}")
        elif abs(ours - theirs) > slack:
            wrong.append(f"{name}: {ours}, should be {theirs}")

    for name, value in truth["counts"].items():
        same(name, row[name], value)
    for name, (numerator, denominator) in truth["ratios"].items():
        same(name + "_numerator", row[name + "_numerator"], numerator)
        same(name + "_denominator", row[name + "_denominator"], denominator)
        same(name, row[name], numerator / denominator if denominator else None, 1e-6)
    for name, values in truth["delays"].items():
        n = len(values)
        same(name + "_count", row[name + "_count"], n)
        same(name + "_total_ms", row[name + "_total_ms"], sum(values) / 1000, 1e-4)
        same(name + "_ms", row[name + "_ms"], sum(values) / n / 1000 if n else None, 1e-5)
        same(name + "_min_ms", row[name + "_min_ms"], values[0] / 1000 if n else None, 1e-6)
        same(name + "_max_ms", row[name + "_max_ms"], values[-1] / 1000 if n else None, 1e-6)
        for q in (50, 95, 99):
            exact = values[max(1, math.ceil(q * n / 100)) - 1] / 1000 if n else None
            same(f"{name}_p{q}_ms", row[f"{name}_p{q}_ms"], exact, max(exact / 32, 0.05) if n else 0)
    same("concurrent_max", row["concurrent_max"], truth["concurrent_max"])
    same("cps_max", row["cps_max"], truth["cps_max"])
    for field, key, mine in (("codes", "code", "codes"), ("q850", "cause", "causes")):
        theirs = {str(x[key]): x["count"] for x in row["by_code"][field]}
        looked += 1
        if theirs != truth[mine]:
            both = sorted(set(theirs) | set(truth[mine]))
            wrong.append(f"{field}: " + ", ".join(f"{k}: {theirs.get(k, 0)} for {truth[mine].get(k, 0)}" for k in both
                                                  if theirs.get(k, 0) != truth[mine].get(k, 0)))
    return wrong, looked


def main():
    earshot, count = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "1000"
    seed = sys.argv[3] if len(sys.argv) > 3 else "6076"
    with tempfile.TemporaryDirectory() as work:
        pcap, expected = os.path.join(work, "calls.pcap"), os.path.join(work, "truth.json")
        subprocess.run([sys.executable, os.path.join(HERE, "generate.py"), count, pcap, expected, seed], check=True)
        with open(expected) as f:
            truth = json.load(f)
        out = subprocess.run([earshot, "read", "--kpi", "--json", "--quiet", "--set", "calls.no_media_timeout=60s", pcap],
                             capture_output=True, text=True, check=True)
    rows = {r["dimension"]: r for r in json.loads(out.stdout)["data"]}
    wrong, looked = compare(truth, rows[""])
    print(f"{count} calls, {truth['counts']['attempts']} attempts: {looked} figures compared, {len(wrong)} differ")
    for line in wrong:
        print("  " + line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
