"""B13, B14: what endpoints send beside the call itself: keys in INFO, reports of quality."""
from craft import *
from feature import feature
from transfers import A, B, Scene, after

PROXY = "10.0.0.7"
RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"


def talking(scene, seconds=4.0, **more):
    leg = scene.leg("keys@test", A, B, **more).invite(0).ring(0.2).answer(1)
    leg.talk(1.05, seconds - 1.2, 0x1111)
    return leg


def press(leg, t, who, body, kind=RELAY, code=200, copies=1, **more):
    """One INFO; `copies`: how often it and its answer are sent."""
    for n in range(copies):
        if n:
            leg.cseq[who] -= 1
        leg.ask(t + n * 0.5, who, "INFO", body.encode(), kind=kind, **more)
        leg.tell(t + n * 0.5 + 0.01, leg.other(who), code, "INFO")


def on_next_hop(scene, packet):
    """The same message from a proxy on: another Via on top, other addresses."""
    text = packet.data.replace(b"Via: ", f"Via: SIP/2.0/UDP {PROXY}:5060;branch=z9hG4bKproxy{packet.ipid}\r\nVia: ".encode(), 1)
    scene.packets.append(replace(packet, t=packet.t + 0.002, src=PROXY, data=text, ipid=packet.ipid + 30000))


def keys(record):
    return [(d["digit"], d["duration_ms"], d["source"], d["party"]) for d in record.get("dtmf", [])]


def noted(record, kind):
    return [e["detail"] for e in record["events"] if e["kind"] == kind]


def config(t, text):
    path = t.path("conf")
    with open(path, "w") as f:
        f.write(text)
    return "--config", path


@feature("B13", "INFO: keys of dtmf-relay and dtmf, each once, masked by setting; recording control and others are events")
def info(t):
    scene = Scene()
    leg = talking(scene)
    press(leg, 1.5, A, "Signal=5\r\nDuration=160\r\n")
    press(leg, 2.0, A, "Signal=11\r\n", copies=2)
    press(leg, 2.8, B, "7", PLAIN)
    before = len(scene.packets)
    press(leg, 3.0, A, "Signal=8\r\nDuration=100\r\n")
    on_next_hop(scene, scene.packets[before])
    press(leg, 3.1, A, "Signal=9\r\nDuration=90\r\n", code=401)
    press(leg, 3.2, A, "Signal=9\r\nDuration=90\r\n", headers='Authorization: Digest username="a", response="feed"\r\n')
    press(leg, 3.3, A, "", "", headers="Record: on\r\n")
    press(leg, 3.4, B, "<media_control/>", "application/media_control+xml; charset=utf-8")
    press(leg, 3.5, A, "Signal=99\r\n")
    leg.bye(4, A)
    r = scene.read(t)["keys@test"]
    wanted = [("5", 160, "info", "caller"), ("#", None, "info", "caller"), ("7", None, "info", "callee"), ("8", 100, "info", "caller"),
              ("9", 90, "info", "caller")]
    t.equal("digits", keys(r), wanted)
    t.equal("their times", [after(d["at"]) for d in r["dtmf"]], [1.5, 2.0, 2.8, 3.0, 3.1])
    t.equal("on the time line", noted(r, "dtmf"), ["5, 160 ms, info, caller", "#, info, caller", "7, info, callee", "8, 100 ms, info, caller",
                                                  "9, 90 ms, info, caller"])
    t.equal("other INFO", noted(r, "info"), ["Record: on", "application/media_control+xml", "application/dtmf-relay"])
    file = t.path()
    write(file, frames(sorted(scene.packets, key=lambda p: p.t)))
    t.equal("counted", t.counters_of(file)['earshot_dtmf_events_total{method="info"}'], 5)
    ladder = t.run("read", "--ladder", file).stdout
    t.equal("rows of the ladder", [w in ladder for w in ("DTMF 5, 160 ms", "DTMF #", "DTMF 7", "DTMF 9, 90 ms", "DTMF 6")],
            [True, True, True, True, False])
    masked(t, scene)
    none = Scene()
    talking(none).bye(4, A)
    r = none.read(t)["keys@test"]
    t.counter("a call without INFO has digits", "dtmf" not in r and not noted(r, "dtmf") and not noted(r, "info"))
    twice = Scene()
    leg = talking(twice)
    press(leg, 2.0, A, "Signal=9\r\n")
    press(leg, 2.2, A, "Signal=9\r\n")
    leg.bye(4, A)
    t.counter("one key pressed twice counts once", [k[0] for k in keys(twice.read(t)["keys@test"])] == ["9", "9"])


def masked(t, scene):
    """No digit anywhere, and all lengths as they were."""
    from places import SPAN
    from users_api import FileService
    hide = "[record]\nmask_dtmf = yes\n"
    r = scene.read(t, *config(t, hide))["keys@test"]
    t.equal("masked digits", [k[0] for k in keys(r)], ["*"] * 5)
    t.equal("masked on the time line", [d[0] for d in noted(r, "dtmf")], ["*"] * 5)
    packets = sorted(scene.packets, key=lambda p: p.t)
    texts = {}
    for name, setting in (("masked", hide), ("open", "")):
        with FileService(t, packets, setting) as s:
            uid = s.get(f"/api/v1/calls?{SPAN}")["data"][0]["uid"]
            got = s.get(f"/api/v1/calls/{uid}/dtmf")
            digits = [d["digit"] for d in got["data"]]
            raw = [m["raw"] for m in s.get(f"/api/v1/calls/{uid}/messages?raw=1")["data"] if m["method"] == "INFO" and m["status"] in (0, None)]
            kinds = [e["label"] for e in s.get(f"/api/v1/calls/{uid}/ladder")["events"] if e["kind"] == "dtmf"]
            texts[name] = (digits, raw, kinds, got["over_limit"])
    t.equal("GET dtmf", (texts["open"][0], texts["open"][3]), (list("5#789"), 0))
    t.equal("GET dtmf, masked", texts["masked"][0], ["*"] * 5)
    t.equal("GET ladder", [x[5] for x in texts["open"][2]], list("5#789"))
    bodies = {name: [x.split("\r\n\r\n", 1)[1].split("\r\n")[0] for x in v[1]] for name, v in texts.items()}
    t.check(f"stored text: {bodies}", "Signal=5" in bodies["open"] and "Signal=*" in bodies["masked"] and
            not [b for b in bodies["masked"] if any(c.isdigit() for c in b)])
    t.equal("lengths", [len(x) for x in texts["masked"][1]], [len(x) for x in texts["open"][1]])
    t.counter("without the setting the text has no digits", texts["open"][1] != texts["masked"][1])


@feature("B13", "a flood of keys: 256 stay, all are counted, holds keep their place on the time line")
def flood(t):
    scene = Scene()
    leg = talking(scene, 9)
    for n in range(300):
        leg.ask(1.5 + n * 0.02, A, "INFO", f"Signal={n % 10}\r\n".encode(), kind=RELAY)
    leg.change(8, A, "sendonly")
    leg.bye(9, A)
    r = scene.read(t)["keys@test"]
    t.equal("kept", (len(r["dtmf"]), len(noted(r, "dtmf")) <= 150, len(noted(r, "hold"))), (256, True, 1))
    file = t.path()
    write(file, frames(sorted(scene.packets, key=lambda p: p.t)))
    c = t.counters_of(file)
    t.equal("counted", (c['earshot_dtmf_events_total{method="info"}'], c["earshot_dtmf_over_limit_total"]), (300, 44))
    few = Scene()
    leg = talking(few)
    press(leg, 2, A, "Signal=1\r\n")
    leg.bye(4, A)
    t.counter("one key reaches the limit", len(few.read(t)["keys@test"]["dtmf"]) == 1)
