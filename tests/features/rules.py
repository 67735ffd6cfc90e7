"""R03, R22, R23, R27: which calls are recorded, by rules."""
import json, os, urllib.error, urllib.request

from craft import *
from feature import Failure, feature
from recordings import pcm
from service import in_namespace, wait_for
from users_api import FileService


def conf(t, text):
    path = t.path("conf")
    with open(path, "w") as f:
        f.write(text)
    return path


def decided(t, packets, rules, *options):
    """(rule, action, result, files) of a call under these rules; calls that none matches are not recorded."""
    folder = t.path("recordings")
    record, = t.read(frames(packets), "--record", folder, "--config", conf(t, rules), *options)
    g = record["recording"]
    return g["rule"], g["action"], g["result"], len(os.listdir(folder))


PLACES = """[places]
internal_networks = 10.0.0.1/32
[trunk carrier]
peers = 10.0.0.2
[site vienna]
networks = 10.0.0.1/32
"""

MATCHERS = [  # (fits, does not)
    ("number = bob", "number = bo"),
    ("caller = al*", "caller = bob"),
    ("callee = b?b", "callee = b?"),
    ("direction = out", "direction = in, internal"),
    ("trunk = carrier", "trunk = other"),
    ("site = vienna", "callee_site = vienna"),
    ("network = 10.0.0.0/30", "network = 10.0.1.0/24"),
    ("caller_network = 10.0.0.1", "callee_network = 10.0.0.1"),
    ("domain = 10.0.0.2", "caller_domain = 10.0.0.2"),
    ("header = X-Record: yes", "header = X-Record: no"),
    ("header = X-Record", "header = X-Other"),
    ("header = X-Record ~ ye", "header = X-Record ~ yes\nheader = X-Other"),
    ("user_agent = CRAFT", "user_agent = other*"),
    ("hours = 22:00-23:00", "hours = 08:00-18:00"),
    ("weekdays = tue", "weekdays = wed-mon"),
    ("valid_until = 2023-11-14", "valid_until = 2023-11-13"),
    ("caller = alice\ncallee = bob", "caller = alice\ncallee = carol"),
    ("longer_than = 2s", "longer_than = 4s"),
]


@feature("R03", "selective rules: every matcher, order, actions, samples, expiry; what is wrong with a rule in one sentence")
def selective(t):
    packets = [replace(p, data=p.data.replace(b"User-Agent: craft\r\n", b"User-Agent: craft\r\nX-Record: yes\r\n")) if p.data.startswith(b"INVITE") else p
               for p in call(seconds=2.5)]
    zone = "[recording]\ntime_zone = UTC\n" + PLACES
    for fits, other in MATCHERS:
        t.check(f"fits: {fits}", decided(t, packets, f"{zone}[rule r]\n{fits}\naction = skip\n")[0] == "r")
        t.counter(f"does not fit: {other}", decided(t, packets, f"{zone}[rule r]\n{other}\naction = skip\n")[0] is None)
    for zone_name, hours in (("Europe/Vienna", "23:00-24:00"), ("America/New_York", "17:00-18:00")):
        t.equal(f"the hour in {zone_name}", decided(t, packets, f"[recording]\ntime_zone = {zone_name}\n[rule r]\nhours = {hours}\naction = skip\n")[0], "r")
    two = "[rule lawyer]\ncallee = {0}\naction = skip\n[rule agent]\ncaller = alice\naction = record\n"
    t.equal("the first that fits wins", decided(t, packets, two.format("bob")), ("lawyer", "skip", "rule", 0))
    t.counter("another callee falls under the second", decided(t, packets, two.format("carol")) == ("agent", "record", "recorded", 1))
    for action, result, files in (("record", "recorded", 1), ("metadata-only", "rule", 0), ("headers-only", "rule", 0), ("skip", "rule", 0),
                                  ("on-demand", "on_demand_dropped", 0), ("on-demand-keep", "on_demand_dropped", 0)):
        t.equal(action, decided(t, packets, f"[rule r]\ncaller = *\naction = {action}\n"), ("r", action, result, files))
    record, = t.read(frames(packets), "--record", t.path("rec"), "--config", conf(t, "[rule r]\ncaller = *\naction = record\nretain = 30d\nmask = count\ntags = a, b\n"))
    g = record["recording"]
    t.equal("what the rule says stands in the recording", (g["retain_days"], g["mask"], g["tags"]), (30, "count", "a,b"))
    for bad, says in (("[rule r]\naction = recrod\n", "line 2: \"recrod\" is no value for [rule r] action"), ("[rule r]\ncaller = 1\n", "add a line such as action = record"),
                      ("[rule r]\ncaler = 1\n", "did you mean \"caller\"")):
        out = t.run("--check-config", conf(t, bad), code=2)
        t.check(f"{says}: {out.stderr}", says in out.stderr)


@feature("R27", "shortest and longest: a call under n seconds is not kept, a longer one goes on in further files without losing a sample")
def durations(t):
    packets = call(seconds=3)
    short = "[rule r]\ncaller = *\naction = record\nmin_duration = {0}\n"
    folder = t.path("recordings")
    record, = t.read(frames(packets), "--record", folder, "--config", conf(t, short.format("4s")))
    g = record["recording"]
    t.equal("shorter", (g["result"], g["reason"], g["rule"], g["action"], os.listdir(folder)), ("rule", "min_duration", "r", "record", []))
    t.counter("as long as that", decided(t, packets, short.format("3s"))[2:] == ("recorded", 1))
    t.equal("by the setting", decided(t, packets, "[recording]\nmin_duration = 4s\n")[2:], ("rule", 0))
    t.equal("a rule with a time of its own", decided(t, packets, "[recording]\nmin_duration = 4s\n" + short.format("1s"))[2:], ("recorded", 1))

    def sound(rules):
        folder = t.path("split")
        record, = t.read(frames(packets), "--record", folder, "--config", conf(t, rules))
        parts = record["recording"].get("parts") or [{}]
        files = sorted(os.listdir(folder), key=lambda n: (len(n), n))
        return len(parts), b"".join(pcm(open(os.path.join(folder, n), "rb").read())[2] for n in files)
    whole = sound("[rule r]\ncaller = *\naction = record\n")
    split = sound("[rule r]\ncaller = *\naction = record\nsplit = 1s\n")
    t.equal("files of a second, and the rest of 10 ms", (split[0], len(split[1])), (4, len(whole[1])))
    t.check("the samples are those of the one file", split[1] == whole[1])
    t.counter("without split it is one", whole[0] == 1)
