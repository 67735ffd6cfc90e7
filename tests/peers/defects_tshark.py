"""Defects of TShark's table of RTP streams: it runs here, beside Earshot."""
from defect_bench import *

NETWORKS_OWN = ("--set", "capture.dedupe=no")  # these duplicates are the network's, though they look like those of a mirror port


def both(b, name, *options):
    """Earshot's only stream and TShark's row of a capture that lies ready."""
    path = reference(name)
    return b.stream(path, *options), b.tshark(path)[0], path


@defect("W1", "M", "duplicates count as received: loss is negative, or hidden")
def duplicates(b):
    for name in ("dup_all", "loss10_dup10"):
        ours, theirs, path = both(b, name, *NETWORKS_OWN)
        lost = 1000 - distinct(path)
        yield Figure(f"{name}: lost", ours["lost"], lost, decimals(theirs["lost"]))
        yield Figure(f"{name}: duplicates", ours["duplicates"], len(rtp_in(path)) - distinct(path))


@defect("W2", "M", "a sender that starts anew with the same SSRC has lost tens of thousands, with absurd jitter")
def restart(b):
    ours, theirs, path = both(b, "seq_restart")
    yield Figure("lost", ours["lost"], 1000 - distinct(path), decimals(theirs["lost"]))
    yield Figure("restarts", ours["restarts"], 1)
    yield Figure("largest jitter, ms", ours["jitter_ms"]["max"], 0, decimals(theirs["max_jitter"]))


@defect("W3", "M", "each digit of RFC 4733 adds jitter that was never there")
def digits(b):
    ours, theirs, _ = both(b, "dtmf")
    yield Figure("mean jitter, ms", ours["jitter_ms"]["avg"], 0, decimals(theirs["mean_jitter"]))
    yield Figure("largest jitter, ms", ours["jitter_ms"]["max"], 0, decimals(theirs["max_jitter"]))


@defect("W4", "M", "a stream whose first two packets come exchanged has negative loss")
def exchanged(b):
    ours, theirs, path = both(b, "first_two_reordered")
    yield Figure("lost", ours["lost"], 1000 - distinct(path), decimals(theirs["lost"]))
    yield Figure("reordered", ours["reordered"], 1)


@defect("W5", "M", "packets with the marker bit have no part in jitter, so a stream that marks all has none")
def marked(b):
    """Every second packet 10 ms late, all marked."""
    n = 600
    path = b.path()
    write(path, frames(with_call(voice(n, late=lambda i: 0.01 * (i % 2), marker=lambda i: True))))
    theirs, ours = b.tshark(path)[0], b.stream(path)["jitter_ms"]
    truth = [10 * (1 - (15 / 16) ** k) for k in range(n)]
    yield Figure("largest jitter, ms", ours["max"], max(truth), decimals(theirs["max_jitter"]))
    yield Figure("last jitter, ms", ours["last"], truth[-1])


@defect("W6", "C", "no discards, bursts or scores")
def figures_missing(b):
    """The callee hears 5 % of all packets 80 ms late."""
    behind = losses(3000, 0.05, 9)
    late = lambda i: 0.08 if i in behind else 0.0
    path = b.path()
    write(path, frames(with_call(voice(3000, late=late))))
    table = b.tshark(path)[1].lower()
    known = [word for word in ("discard", "burst", "mos") if word in table]
    s = b.stream(path)
    gone = lateness(late, 3000, 0.05)
    yield Figure("discarded by 50 ms", s["playout"]["f50"]["late"], len(gone), f"of discard, burst, MOS: {', '.join(known) or 'none'}")
    yield Figure("its MOS", s["mos_f50"], mos(PCMU, 3000, gone))
    gone = {100, 101, 102, 104} | set(range(400, 410))
    burst = b.stream(with_call(voice(800, lost=gone)))["burst"]
    yield Figure("bursts, mean ms", [burst["bursts"], burst["mean_ms"]], [2, (5 + 10) / 2 * 20])
