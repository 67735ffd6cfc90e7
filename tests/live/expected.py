"""What a case expects of Earshot, compared with what it told."""

import re


def like(got, expected, where=""):
    """None, or what differs. Of an object only the fields count that `expected` names; a list must be as
    long. A type asks for any value of it, a text that begins with ~ is a pattern."""
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return f"{where}: {got!r} is no object"
        return first(like(got.get(k), e, f"{where}.{k}") for k, e in expected.items())
    if isinstance(expected, (list, tuple)):
        if not isinstance(got, (list, tuple)) or len(got) != len(expected):
            return f"{where}: {len(expected)} entries expected, not {got!r}"
        return first(like(g, e, f"{where}[{n}]") for n, (g, e) in enumerate(zip(got, expected)))
    if isinstance(expected, type):
        return None if isinstance(got, expected) else f"{where}: {got!r} is no {expected.__name__}"
    if isinstance(expected, str) and expected.startswith("~"):
        return None if re.fullmatch(expected[1:], str(got)) else f"{where}: {got!r} is not like {expected[1:]}"
    return None if got == expected else f"{where}: {got!r}, expected {expected!r}"


def first(differences):
    return next((d for d in differences if d), None)


def dialogs(messages):
    """{(src, dst): methods and codes in their order}, each message once however often it was repeated."""
    said = {}
    for m in messages:
        if not m["retransmission"]:
            said.setdefault((m["src"], m["dst"]), []).append(str(m["status"] or m["method"]))
    return {way: " ".join(words) for way, words in said.items()}
