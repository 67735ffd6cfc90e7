#!/usr/bin/env python3
"""Where other programs are wrong: each defect on a capture of its own, with what the other one says, what Earshot says and the truth.

    defects.py [--earshot BIN] [--document] [--check FILE] [ID...]

What the other one says is measured here for TShark; for the others it is what was measured, computed from its function (X), read
in its source (C) or reported to its authors (I). Ours is read from the program, the truth is computed by what makes the capture.
--document prints the table as Markdown; --check says whether FILE holds just that. Exit codes: 0 Earshot is right everywhere (and
FILE is current), 1 not, 2 wrong usage.
"""
import argparse
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile

from defect_bench import DEFECTS, Bench, Figure, NotYet
import defects_homer, defects_rtpengine, defects_sngrep, defects_tshark, defects_voipmonitor  # they fill DEFECTS

TSHARK = "4.0.17"
PEERS = {"V": "VoIPmonitor sniffer 2026.04.0", "W": f"TShark {TSHARK}", "R": "rtpengine e8b82121", "H": "Homer: heplify 8d33a94, heplify-server 0112e4d, captagent 3873e01",
         "S": "sngrep 1ff74ee"}
COUNTS = {"V": 20, "W": 6, "R": 8, "H": 6, "S": 5}

HEAD = """# Where others are wrong

Each line is a defect of a program that measures calls, shown on a capture that is made for it. *There* is what that program says;
the letter is how that is known: M measured with the program, X the arithmetic of its function, C read in its source, I an issue
of its own. *Here* is what `earshot read --json` says of the capture, *truth* what the maker of the capture knows. The last two are
computed by `tests/peers/defects.py`, which prints this page (`--document`) and fails where they differ; TShark runs beside it.
"""


def version():
    """TShark's; None without one."""
    if not shutil.which("tshark"):
        return None
    out = subprocess.run(["tshark", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"[0-9]+\.[0-9]+\.[0-9]+", out)
    return found and found[0]


def order(d):
    return list(PEERS).index(d.id[0]), int(d.id[1:])


def run(earshot, number):
    """Figures of one defect, and why there are none, or what went wrong."""
    with tempfile.TemporaryDirectory(prefix="earshot-defect-") as work:
        figures = []
        try:
            for figure in DEFECTS[number].show(Bench(earshot, work)):
                figures.append(figure)
        except NotYet as e:
            return figures, str(e), None
        except Exception as e:
            return figures, None, f"{type(e).__name__}: {e}"
    return figures, None, None


def said(value):
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, (list, tuple)):
        return ", ".join(said(v) for v in value)
    return str(value)


def row(d, figures, reason):
    """What goes wrong, there, class, figure, here, truth."""
    theirs = d.theirs or "; ".join(said(f.theirs) for f in figures if f.theirs is not None)
    whats = "; ".join(f.what for f in figures)
    here = "; ".join(said(f.ours) for f in figures)
    truth = "; ".join(said(f.truth) for f in figures)
    return [d.id, d.wrong, theirs, d.kind, whats, here + (("; " if here else "") + f"not computed: {reason}" if reason else ""), truth]


def document(rows):
    out = [HEAD]
    for letter, peer in PEERS.items():
        out.append(f"## {peer}\n\n| id | what goes wrong | there | class | figure | here | truth |\n| --- | --- | --- | --- | --- | --- | --- |")
        out += ["| " + " | ".join(r) + " |" for r in rows if r[0][0] == letter]
        out.append("")
    return "\n".join(out)


def comparable(text):
    """Another TShark may say something else; then its words are not compared."""
    if version() == TSHARK:
        return text
    return re.sub(r"^(\| W[0-9]+ \|[^|]*\|)[^|]*\|", r"\1|", text, flags=re.M)


def check(path, text):
    with open(path) as f:
        held = f.read()
    if comparable(held) == comparable(text):
        return True
    print(f"{path} is not what is computed: tests/peers/defects.py --document > {path}")
    for a, b in zip(comparable(held).splitlines(), comparable(text).splitlines()):
        if a != b:
            print(f"  - {a}\n  + {b}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--earshot", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/dev/earshot"))
    parser.add_argument("--document", action="store_true")
    parser.add_argument("--check", metavar="FILE")
    parser.add_argument("ids", nargs="*")
    options = parser.parse_args()
    DEFECTS.sort(key=order)
    chosen = [n for n, d in enumerate(DEFECTS) if not options.ids or d.id in options.ids]
    counts = {letter: len({d.id for d in DEFECTS if d.id[0] == letter}) for letter in PEERS}
    assert counts == COUNTS, counts
    with multiprocessing.get_context("fork").Pool(os.cpu_count() or 1) as pool:
        results = pool.starmap(run, [(os.path.abspath(options.earshot), n) for n in chosen], chunksize=1)
    wrong, rows = [], []
    for n, (figures, reason, error) in zip(chosen, results):
        d = DEFECTS[n]
        rows.append(row(d, figures, reason))
        wrong += [f"{d.id}: {f.what}: {said(f.ours)}, not {said(f.truth)}" for f in figures if not f.good()]
        if error:
            wrong.append(f"{d.id}: {error}")
    if options.document:
        print(document(rows), end="")
    else:
        for r in rows:
            print("\t".join(r))
    current = options.check is None or check(options.check, document(rows))
    for line in wrong:
        print("wrong", line, file=sys.stderr)
    missing = sum(1 for _, reason, _ in results if reason)
    print(f"{len(rows)} defects, {sum(len(r[0]) for r in results)} figures, {len(wrong)} wrong, {missing} not computed in full", file=sys.stderr)
    return 1 if wrong or not current else 0


if __name__ == "__main__":
    sys.exit(main())
