#!/usr/bin/env python3
"""Runs the feature tests: run.py EARSHOT [ID...] [--json FILE] [--times]. One line a test; exit 1 when one fails."""
import importlib, json, os, sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import feature  # noqa: E402

args = sys.argv[1:]
if not args or "--help" in args:
    sys.exit(__doc__)
out = None
if "--json" in args:
    at = args.index("--json")
    out = args[at + 1]
    del args[at:at + 2]
times = "--times" in args
if times:
    args.remove("--times")
for name in sorted(f[:-3] for f in os.listdir(here) if f.endswith(".py") and f[:-3] not in ("craft", "feature", "run")):
    importlib.import_module(name)
results = feature.run_all(os.path.abspath(args[0]), set(args[1:]))
for id_, title, error, _ in sorted(results, key=lambda r: r[2] is not None):  # what failed last, where it is seen
    print(f"{'ok  ' if error is None else 'FAIL'}  {id_:4} {title}" + (f"\n      {error}" if error else ""))
for id_, title, _, seconds in sorted(results, key=lambda r: -r[3])[:30 if times else 0]:
    print(f"{seconds:6.1f} s  {id_:4} {title}")
failed = sum(error is not None for _, _, error, _ in results)
if out:
    json.dump([{"id": i, "title": t, "error": e} for i, t, e, _ in results], open(out, "w"), indent=1)
print(f"{len(results) - failed} passed, {failed} failed")
sys.exit(1 if failed or not results else 0)
