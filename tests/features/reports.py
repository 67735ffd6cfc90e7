"""B13, B14, H07: what endpoints and gateways send beside the call itself: keys in INFO, reports of quality, ISUP."""
import os, urllib.request

from craft import *
from feature import feature
from transfers import A, B, C, Scene, after

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


def kpml(digits, code=200):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\r\n<kpml-response xmlns="urn:ietf:params:xml:ns:kpml-response" version="1.0" code="{code}" '
            f'text="OK" digits="{digits}" tag="dtmf"/>\r\n').encode()


def tell_keys(leg, t, who, digits, event="kpml", copies=1, code=200, kind="application/kpml-response+xml"):
    for n in range(copies):
        leg.cseq[who] -= n > 0
        leg.ask(t + n * 0.5, who, "NOTIFY", kpml(digits), kind=kind, headers=f"Event: {event}\r\nSubscription-State: active\r\n")
        leg.tell(t + n * 0.5 + 0.01, leg.other(who), code, "NOTIFY")


def event_of(leg, ours, theirs, quote=""):
    q = lambda x: f"{quote}{x}{quote}"
    return f"kpml;call-id={q(leg.call_id)};local-tag={q(leg.tags[ours])};remote-tag={q(leg.tags[theirs])}"


@feature("F05", "KPML: keys that NOTIFY tells in the call's dialog, or beside it in one that names it, each once, masked by setting")
def keys_told(t):
    from places import SPAN
    from users_api import FileService
    def scene_of(event=event_of, **more):
        scene = Scene()
        leg = talking(scene, 6)
        tell_keys(leg, 1.5, A, "12#", copies=2, **more)
        before = len(scene.packets)
        tell_keys(leg, 2.2, B, "7", **more)
        on_next_hop(scene, scene.packets[before])
        tell_keys(leg, 2.5, A, "", code=200, **more)
        beside = scene.leg("subscription@test", A, C)
        tell_keys(beside, 3.0, A, "98", event(leg, A, B), copies=2, **more)
        tell_keys(beside, 4.0, A, "6", event(leg, B, A, '"'), **more)
        press(leg, 4.4, B, "Signal=5\r\n")
        tell_keys(leg, 5, B, "5", **more)
        leg.bye(6, A)
        return scene
    scene = scene_of()
    r = scene.read(t)["keys@test"]
    wanted = [(d, None, "kpml", p) for d, p in (("1", "caller"), ("2", "caller"), ("#", "caller"), ("7", "callee"), ("9", "caller"), ("8", "caller"), ("6", "caller"))]
    wanted += [("5", None, "info", "callee"), ("5", None, "kpml", "callee")]
    t.equal("digits", keys(r), wanted)
    t.equal("what INFO told, too, is a copy", [d["copy"] for d in r["dtmf"]], [False] * 8 + [True])
    t.equal("what each dialled", r["digits"], {"caller": "12#986", "callee": "75"})
    t.equal("their times", [after(d["at"]) for d in r["dtmf"]], [1.5, 1.5, 1.5, 2.2, 3.0, 3.0, 4.0, 4.4, 5.0])
    t.equal("on the time line", noted(r, "dtmf")[:4], ["1, kpml, caller", "2, kpml, caller", "#, kpml, caller", "7, kpml, callee"])
    file = t.path()
    write(file, frames(sorted(scene.packets, key=lambda p: p.t)))
    t.equal("counted", t.counters_of(file)['earshot_dtmf_events_total{method="kpml"}'], 8)
    ladder = t.run("read", "--ladder", file).stdout
    t.equal("rows of the ladder", [w in ladder for w in ("DTMF 7", "DTMF 9", "DTMF 3")], [True, True, False])
    unnamed = scene_of(event=lambda *_: "kpml").read(t)["keys@test"]
    t.counter("a dialog that names no call gives it no keys", [k[0] for k in keys(unnamed)] == list("12#755"))
    other = scene_of(kind="application/xml").read(t)["keys@test"]
    t.counter("another document tells none", [k[2] for k in keys(other)] == ["info"])
    packets, texts = sorted(scene.packets, key=lambda p: p.t), {}
    for name, setting in (("masked", "[record]\nmask_dtmf = yes\n"), ("open", "")):
        with FileService(t, packets, setting + "[recording]\ndefault = record\n") as s:
            uid = next(c["uid"] for c in s.get(f"/api/v1/calls?{SPAN}")["data"] if c["call_id"] == "keys@test")
            digits = [d["digit"] for d in s.get(f"/api/v1/calls/{uid}/dtmf")["data"]]
            raw = [m["raw"] for m in s.get(f"/api/v1/calls/{uid}/messages?raw=1")["data"] if m["method"] == "NOTIFY" and not m["status"]]
            labels = [e["label"] for e in s.get(f"/api/v1/calls/{uid}/ladder")["events"] if e["kind"] == "dtmf"]
            pcap = urllib.request.urlopen(f"{s.url}/api/v1/calls/{uid}/pcap", timeout=10).read()
            spool = b"".join(open(os.path.join(s.data, "spool", n), "rb").read() for n in os.listdir(os.path.join(s.data, "spool")))
            texts[name] = digits, [x.count('digits="12#"') for x in raw], labels, [b'digits="12#"' in x for x in (pcap, spool)], [len(x) for x in raw]
    t.equal("masked: digits", texts["masked"][0], ["*"] * 9)
    t.equal("masked: neither text, ladder, pcap nor spool has them", (sum(texts["masked"][1]), [x for x in texts["masked"][2] if any(c.isdigit() for c in x)], texts["masked"][3]),
            (0, [], [False, False]))
    t.equal("lengths", texts["masked"][4], texts["open"][4])
    t.counter("without the setting they are there", sum(texts["open"][1]) >= 1 and texts["open"][3] == [True, True] and texts["open"][0][:3] == list("12#"))


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


# ---- B14

COLLECTOR = "10.0.0.5"
TAGS = ";to-tag=t-keys@test;from-tag=f-keys@test"
METRICS = "SessionDesc: PT=0 PD=PCMU SR=8000 FMTP=\"x=y z\"\r\nPacketLoss: NLR=5.0 JDR=2.0\r\nDelay: RTD=200 ESD=140 SOWD=240 IAJ=2 MAJ=3\r\n" \
          "Signal: SL=-21 NL=-64 RERL=127\r\n"


def report(who=A, local="0x1111", remote="0x1112", scores="RLQ=90 RCQ=85 EXTRI=127 MOSLQ=4.2 MOSCQ=3.9", call_id="keys@test", tags=TAGS, dialog="keys@test",
           far="", first="VQSessionReport: CallTerm", ports=None, metrics=METRICS):
    """What the telephone of `who` says; `local` and `remote`: SSRC of what it sends and of what it receives."""
    other = B if who == A else A
    ports = ports or {A: 4000, B: 6000}
    text = [first, f"CallID: {call_id}", f"LocalID: <sip:{'alice' if who == A else 'bob'}@{who}>", f"RemoteID: <sip:{'bob' if who == A else 'alice'}@{other}>",
            f"OrigID: <sip:alice@{A}>", f"LocalAddr: IP={who} PORT={ports[who]} SSRC={local}", f"RemoteAddr: IP={other} PORT={ports[other]} SSRC={remote}",
            f"LocalMetrics:\r\n{metrics}QualityEst: {scores}"]
    if far:
        text.append(f"RemoteMetrics:\r\nQualityEst: {far}")
    if dialog:
        text.append(f"DialogID: {dialog}{tags}")
    return "\r\n".join(text) + "\r\n"


def publish(t, body, method="PUBLISH", n=1, src=A, kind="application/vq-rtcpxr"):
    """One request to a collector and its answer; its own Call-ID."""
    out = []
    for forth, start in ((True, f"{method} sip:collector@{COLLECTOR} SIP/2.0"), (False, "SIP/2.0 200 OK")):
        content = body.encode() if forth else b""
        lines = f"Event: vq-rtcpxr\r\nContent-Type: {kind}\r\n" if forth else ""
        if method == "NOTIFY" and forth:
            lines += "Subscription-State: active\r\n"
        text = (f"{start}\r\nVia: SIP/2.0/UDP {src}:5060;branch=z9hG4bKvq{n}\r\nFrom: <sip:phone@{src}>;tag=vq{n}\r\nTo: <sip:collector@{COLLECTOR}>"
                f"{'' if forth else ';tag=x'}\r\nCall-ID: vq{n}@{src}\r\nCSeq: 1 {method}\r\nUser-Agent: Telephone 1\r\n{lines}Content-Length: {len(content)}\r\n\r\n")
        a, b = (src, COLLECTOR) if forth else (COLLECTOR, src)
        out.append(Packet(START + t + (0 if forth else 0.01), a, 5060, b, 5060, text.encode() + content, ipid=5000 + 2 * n + forth, kind="sip"))
    return out


def with_reports(*bodies, at=5.2, end=5.0, **more):
    scene = Scene()
    talking(scene, end).bye(end, A)
    for n, body in enumerate(bodies):
        scene.packets += publish(at + n * 0.05, body, n=n + 1, **more)
    return scene


def stream(record, party):
    return next(s for s in record["streams"] if s["party"] == party)


def figures_of(t, scene):
    file = t.path()
    write(file, frames(sorted(scene.packets, key=lambda p: p.t)))
    c = t.counters_of(file)
    return {k.split('"')[3]: v for k, v in c.items() if k.startswith('earshot_quality_reports_total{source="vq_rtcpxr"') and v}


@feature("B14", "PUBLISH and NOTIFY with a quality report: the remote MOS stands beside our own, at the stream that its reporter received")
def remote_mos(t):
    for method in ("PUBLISH", "NOTIFY"):
        r = with_reports(report(far="MOSLQ=3.1 MOSCQ=127"), method=method).read(t)["keys@test"]
        heard, sent = stream(r, "callee"), stream(r, "caller")
        t.check(f"{method}: our own MOS stays", heard["mos"]["lq"] > 4.0 and heard["mos"]["lq"] != 4.2)
        t.equal(f"{method}: what the caller received came from the callee", (heard["reported"]["mos_lq"], heard["reported"]["mos_cq"], heard["reported"]["side"]),
                (4.2, 3.9, "local"))
        t.equal(f"{method}: what it sent, as it was told", (sent["reported"]["mos_lq"], sent["reported"]["mos_cq"], sent["reported"]["side"]), (3.1, None, "remote"))
        near, far = r["reports"]
        t.equal("who", (near["party"], near["reporter"], near["user_agent"], near["source"], near["kind"]),
                ("caller", f"phone@{A}", "Telephone 1", "vq_rtcpxr", "session"))
        t.equal("stream", (near["sid"], near["match"], near["reported_ssrc"], near["reported_src"], near["reported_dst"]),
                (heard["sid"], "ssrc", "0x00001112", f"{B}:6000", f"{A}:4000"))
        t.equal("figures", [near["reported_" + k] for k in ("loss_ratio", "discard_ratio", "rtt_ms", "end_system_ms", "one_way_ms", "jitter_ms", "signal_dbm0",
                                                           "r_lq", "r_cq", "codec")], [0.05, 0.02, 200, 140, 240, 2, -21, 90, 85, "PCMU"])
        t.equal("127 and what is not said", (near["reported_echo_db"], near["reported_r_external_in"], near["reported_burst_ms"]), (None, None, None))
        t.equal("measured loss is not what was reported", (heard["lost"], heard["loss_ratio"]), (0, 0))
    turned = with_reports(report(local="0x1112", remote="0x1111", ports={A: 1, B: 2})).read(t)["keys@test"]
    t.counter("with the SSRCs exchanged it is about the other direction", "reported" not in stream(turned, "callee") and
              stream(turned, "caller")["reported"]["mos_lq"] == 4.2)
    t.counter("without a report there is none", "reports" not in with_reports().read(t)["keys@test"])
    other = with_reports(report(), kind="application/pidf+xml").read(t)["keys@test"]
    t.counter("another body is none", "reports" not in other)


@feature("B14", "SSRCs in any notation, else addresses; scores out of range are not said; a reporter outside of the call")
def matching(t):
    def one(body, **more):
        r = with_reports(body, **more).read(t)["keys@test"]
        v = r.get("reports", [None])[0]
        return v and (v["match"], v["reported_mos_lq"], "reported" in stream(r, "callee"), "reported" in stream(r, "caller"))
    t.equal("hexadecimal without 0x", one(report(local="1111", remote="1112")), ("ssrc", 4.2, True, False))
    t.equal("decimal", one(report(local=str(0x1111), remote=str(0x1112))), ("ssrc", 4.2, True, False))
    t.equal("of nobody: by the addresses", one(report(local="0xdead", remote="0xbeef")), ("addresses", 4.2, True, False))
    t.equal("no stream at all", one(report(local="0xdead", remote="0xbeef", ports={A: 1, B: 2})), (None, 4.2, False, False))
    for bad in ("127", "0.9", "5.0"):
        t.equal(f"MOSLQ={bad}", one(report(scores=f"MOSLQ={bad} MOSCQ=127")), ("ssrc", None, True, False))
    t.equal("the largest score", one(report(scores="MOSLQ=4.9"))[1], 4.9)
    r = with_reports(report(scores="MOSLQ=127 MOSCQ=127")).read(t)["keys@test"]
    t.equal("127 is null beside our own", (stream(r, "callee")["reported"]["mos_lq"], stream(r, "callee")["reported"]["mos_cq"]), (None, None))
    # who reports: by the dialog alone, by the addresses alone, from elsewhere
    t.equal("the callee", [(v["party"], v["match"]) for v in with_reports(report(who=B, local="0x1112", remote="0x1111"), src=B).read(t)["keys@test"]["reports"]],
            [("callee", "ssrc")])
    t.equal("a dialog instead of the Call-ID", one(report(call_id="another@x")), ("ssrc", 4.2, True, False))
    t.equal("addresses alone", one(report(call_id="another@x", dialog="")), ("ssrc", 4.2, True, False))
    t.equal("a probe that is no party", one(report(call_id="another@x", dialog=""), src="10.0.0.77")[:2], ("ssrc", 4.2))
    elsewhere = report(call_id="another@x", dialog="", ports={A: 1, B: 2})
    t.counter("neither dialog nor addresses fit", one(elsewhere) is None)
    t.equal("and it is counted", figures_of(t, with_reports(elsewhere)), {"no_call": 1})


@feature("B14", "reports over the limit, the same one twice, late ones and broken ones are counted; interval reports and alerts")
def many_reports(t):
    bodies = [report(scores=f"MOSLQ={1 + n / 10}") for n in range(12)]
    scene = with_reports(*bodies, report(scores="MOSLQ=1.0"))
    r = scene.read(t)["keys@test"]
    t.equal("kept", ([v["reported_mos_lq"] for v in r["reports"]], r["reports_over_limit"]), ([1 + n / 10 for n in range(8)], 4))
    t.equal("counted", figures_of(t, scene), {"kept": 8, "over_limit": 4, "repeated": 1})
    late = with_reports(report(), at=30)
    t.counter("a late one is not in the call", "reports" not in late.read(t)["keys@test"])
    t.equal("late", figures_of(t, late), {"no_call": 1})
    broken = with_reports("VQNoReport\r\nCallID: keys@test\r\n")
    t.counter("a broken one is none", "reports" not in broken.read(t)["keys@test"])
    file = t.path()
    write(file, frames(sorted(broken.packets, key=lambda p: p.t)))
    t.equal("broken", t.counters_of(file)['earshot_parse_errors_total{proto="vq_rtcpxr",reason="syntax"}'], 1)
    kinds = with_reports(report(first="VQIntervalReport", scores="MOSLQ=2.5"), report(first="VQAlertReport: Type=NLR Severity=Critical Dir=local", scores="MOSLQ=2.0"),
                         report(scores="MOSLQ=4.0"), at=2.0).read(t)["keys@test"]
    t.equal("kinds", [(v["kind"], v["alert"]) for v in kinds["reports"]],
            [("interval", None), ("alert", "Type=NLR Severity=Critical Dir=local"), ("session", None)])
    t.equal("the one on the session counts", stream(kinds, "callee")["reported"]["mos_lq"], 4.0)


@feature("B14", "X-RTP-Stat of BYE and of its answer: sent and received as each side counted it, in the right direction")
def phone_statistics(t):
    first = "X-RTP-Stat: CS=1;PS=140;OS=22400;PR=139;OR=22240;PL=1,2;JI=3,4;LA=5;EN=PCMU/8000;DE=PCMU/8000;IP=10.0.0.1:4000,10.0.0.2:6000\r\n"
    second = 'RTP-RxStat: Dur=3,Pkt=138,Oct=22080,LatePkt=1,LostPkt=2,AvgJit=0.5,VQMetrics="MLQK=4.1"\r\nRTP-TxStat: Dur=3,Pkt=139,Oct=22240\r\n'

    def of(bye="", ok="", method="BYE"):
        scene = Scene()
        leg = talking(scene)
        leg.ask(4, A, method, headers=bye)
        leg.tell(4.01, B, 200, method, headers=ok)
        if method != "BYE":
            leg.bye(4.5, A)
        return scene.read(t)["keys@test"]
    r = of(first, second)
    got = [(v["party"], v["side"], v["match"], v["sid"]) for v in r["reports"]]
    a, b = stream(r, "caller")["sid"], stream(r, "callee")["sid"]
    t.equal("whose", got, [("caller", "local", "addresses", b), ("caller", "remote", "addresses", a), ("callee", "local", "party", a), ("callee", "remote", "party", b)])
    keys = ("packets_received", "packets_sent", "octets_received", "octets_sent", "lost", "discarded", "jitter_ms", "mos_lq", "codec")
    t.equal("figures", [[v["reported_" + k] for k in keys] for v in r["reports"]],
            [[139, None, 22240, None, 1, None, 3, None, "PCMU"], [None, 140, None, 22400, 2, None, 4, None, "PCMU"],
             [138, None, 22080, None, 2, 1, 0.5, 4.1, None], [None, 139, None, 22240, None, None, None, None, None]])
    t.equal("beside our own", (stream(r, "caller")["reported"]["mos_lq"], stream(r, "caller")["reported"]["side"], stream(r, "callee")["reported"]["lost"]),
            (4.1, "local", 1))
    t.equal("in INFO too", len(of(first, method="INFO")["reports"]), 2)
    t.counter("without the header there is none", "reports" not in of())
    t.counter("a header without figures is none", "reports" not in of("X-RTP-Stat: hello\r\n"))
    t.counter("from the other side it is the other direction", of("", first.replace("IP=10.0.0.1:4000,10.0.0.2:6000", "X=1"))["reports"][0]["sid"] == a)


@feature("B14", "the API shows it, in the call and beside the streams; presence publications stay presence")
def through_the_api(t):
    from places import SPAN
    from users_api import FileService
    packets = sorted(with_reports(report()).packets, key=lambda p: p.t)
    with FileService(t, packets, "") as s:
        row = s.get(f"/api/v1/calls?{SPAN}")["data"][0]
        t.equal("in a row", [x["reported"]["mos_lq"] for x in row["streams"] if "reported" in x], [4.2])
        t.check("a row has no list of them", "reports" not in row)
        r = s.get(f"/api/v1/calls/{row['uid']}")
        t.equal("the list", [(v["reported_mos_lq"], v["reported_mos_cq"], v["reporter"], v["match"]) for v in r["reports"]], [(4.2, 3.9, f"phone@{A}", "ssrc")])
    with FileService(t, sorted(with_reports().packets, key=lambda p: p.t), "") as s:
        row = s.get(f"/api/v1/calls?{SPAN}")["data"][0]
        t.counter("without a report there is none", "reports" not in s.get(f"/api/v1/calls/{row['uid']}") and not [x for x in row["streams"] if "reported" in x])
    presence = ("<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:bob@example.com'><tuple id='1'><status><basic>open</basic></status></tuple></presence>")
    scene = with_reports(presence, kind="application/pidf+xml")
    scene.packets = [replace(p, data=p.data.replace(b"Event: vq-rtcpxr", b"Event: presence")) for p in scene.packets]
    file = t.path()
    write(file, frames(sorted(scene.packets, key=lambda p: p.t)))
    got = [r["presence"]["status"] for r in t.read(file, "--subscriptions") if "presence" in r]
    t.equal("presence", got, ["active"])


# ---- H07

MIXED = "multipart/mixed;boundary=unique-1"


def number(digits, nature, presentation=0):
    """Contents of a called or calling party number: 1 E.164 in the plan."""
    odd = len(digits) % 2
    padded = digits + "0" * odd
    return bytes([odd << 7 | nature, 0x10 | presentation << 2 | 3]) + bytes(int(padded[i + 1] + padded[i], 16) for i in range(0, len(padded), 2))


def iam(called="4930123456", calling="0301112", nature=4, restricted=1):
    to, by = number(called, nature), number(calling, 3, restricted)
    return bytes([1, 0, 0x20, 1, 0x0a, 0, 2, 2 + len(to), len(to)]) + to + bytes([0x0a, len(by)]) + by + b"\0"


def rel(cause, location=4):
    return bytes([0x0c, 2, 0, 2, 0x80 | location, 0x80 | cause])


ACM, ANM, RLC = b"\x06\x16\x04\x00", b"\x09\x00", b"\x10"


def mixed(isup, sdp_body=b"", base="itu-t92+"):
    parts = [b"Content-Type: application/sdp\r\n\r\n" + sdp_body] if sdp_body else []
    parts.append(f"Content-Type: application/ISUP;version=nxv3;base={base}\r\nContent-Disposition: signal;handling=optional\r\n\r\n".encode() + isup)
    return b"".join(b"--unique-1\r\n" + p + b"\r\n" for p in parts) + b"--unique-1--\r\n"


def interworking(scene=None, first=None, refuse=None, reason="", released=None, base="itu-t92+", call_id="keys@test", t=0):
    """A call of SIP-I: answered and released, or refused with the cause `refuse`."""
    scene = scene or Scene()
    leg = scene.leg(call_id, A, B)
    leg.ask(t, A, "INVITE", mixed(iam() if first is None else first, sdp(A, 4000), base), tag=False, kind=MIXED)
    leg.tell(t + 0.01, B, 100, "INVITE", tag=False)
    leg.tell(t + 0.2, B, 183, "INVITE", mixed(ACM), kind=MIXED)
    if refuse is not None:
        leg.tell(t + 1, B, 486, "INVITE", mixed(rel(refuse)) if refuse else b"", headers=reason, kind=MIXED if refuse else "")
        leg.ask(t + 1.01, A, "ACK")
        return scene
    leg.tell(t + 1, B, 200, "INVITE", mixed(ANM, sdp(B, 6000)), kind=MIXED)
    leg.ask(t + 1.01, A, "ACK")
    leg.talk(t + 1.05, 2.0, 0x1111)
    leg.ask(t + 4, B, "BYE", mixed(rel(16, 0)) if released is None else released, headers=reason, kind=MIXED if released is None else "application/isup")
    leg.tell(t + 4.01, A, 200, "BYE", mixed(RLC), kind=MIXED)
    return scene


@feature("H07", "SIP-I: IAM, ACM, ANM, REL and RLC of a call with their numbers, and the SDP beside them")
def isup(t):
    scene = interworking()
    on_next_hop(scene, scene.packets[0])
    r = scene.read(t)["keys@test"]
    t.equal("each once, by whom, in what", [(m["type"], m["party"], m["message"]) for m in r["isup"]],
            [("IAM", "caller", "INVITE"), ("ACM", "callee", "183"), ("ANM", "callee", "200"), ("REL", "callee", "BYE"), ("RLC", "caller", "200")])
    first, release = r["isup"][0], r["isup"][3]
    t.equal("called", first["called"], {"digits": "4930123456", "nature": "international", "plan": 1, "presentation": "allowed", "screening": 3})
    t.equal("calling", first["calling"], {"digits": "0301112", "nature": "national", "plan": 1, "presentation": "restricted", "screening": 3})
    t.equal("category, body and time", (first["category"], first["body"], after(first["at"])), (10, iam().hex(), 0.0))
    t.equal("release", (release["cause"], release["cause_text"], release["location"], release["calling"]), (16, "normal clearing", "user", None))
    t.equal("its cause is the call's", (r["q850_cause"], r["q850_text"], r["released_by"]), (16, "normal clearing", "callee"))
    t.equal("the SDP beside it", sorted((s["party"], s["codec"], s["confidence"]) for s in r["streams"]), [("callee", "PCMU", "sdp"), ("caller", "PCMU", "sdp")])
    t.equal("a body ends where its part does", len(r["isup"][1]["body"]), 2 * len(ACM))
    bare = interworking(released=rel(31)).read(t)["keys@test"]
    t.equal("a body that is nothing else", (bare["isup"][3]["cause"], bare["q850_cause"]), (31, 31))
    plain = Scene()
    talking(plain).bye(4, A)
    t.counter("a call without ISUP has none", "isup" not in plain.read(t)["keys@test"])


@feature("H07", "causes: of Reason: Q.850;cause=17 and of a REL, in the record, in lists and in the statistics")
def causes(t):
    from places import SPAN
    from users_api import FileService
    header = "Reason: Q.850;cause=17;text=\"busy\"\r\n"
    r = interworking(refuse=0, reason=header).read(t)["keys@test"]
    t.equal("Reason", (r["outcome"], r["q850_cause"], r["q850_text"], r["reason_headers"][0]["text"]), ("busy", 17, "user busy", "busy"))
    r = interworking(refuse=17).read(t)["keys@test"]
    t.equal("REL", (r["q850_cause"], r["q850_text"], r["isup"][-1]["location"]), (17, "user busy", "public_remote"))
    r = interworking(refuse=34, reason=header).read(t)["keys@test"]
    t.equal("Reason goes before REL", (r["q850_cause"], r["isup"][-1]["cause"]), (17, 34))
    t.counter("with neither there is no cause", interworking(refuse=0).read(t)["keys@test"]["q850_cause"] is None)
    scene = Scene()
    for n, (refuse, reason) in enumerate(((17, ""), (0, header), (0, header), (34, ""), (0, ""))):
        interworking(scene, refuse=refuse, reason=reason, call_id=f"c{n}", t=n * 10)
    with FileService(t, sorted(scene.packets, key=lambda p: p.t), "") as s:
        rows = s.get(f"/api/v1/stats/codes?{SPAN}")["data"]
        t.equal("statistics", [(row["attempts"], sorted((c["cause"], c["count"]) for c in row["q850"] if c["cause"])) for row in rows], [(5, [(17, 3), (34, 1)])])
        t.equal("lists by cause", sorted(c["call_id"] for c in s.get(f"/api/v1/calls?{SPAN}&q850=17")["data"]), ["c0", "c1", "c2"])
        t.counter("no list of another cause", s.get(f"/api/v1/calls?{SPAN}&q850=16")["data"] == [])
        uid = next(c["uid"] for c in s.get(f"/api/v1/calls?{SPAN}")["data"] if c["call_id"] == "c0")
        served = s.get(f"/api/v1/calls/{uid}")
        t.equal("served", [(m["type"], m["cause"], m["cause_text"]) for m in served["isup"]], [("IAM", None, None), ("ACM", None, None), ("REL", 17, "user busy")])
        t.equal("number served", served["isup"][0]["called"]["digits"], "4930123456")


@feature("H07", "ISUP that is broken, of ANSI or of an unknown kind is counted and not half read; a flood of it is bounded")
def broken_isup(t):
    def of(scene):
        file = t.path()
        write(file, frames(sorted(scene.packets, key=lambda p: p.t)))
        c = t.counters_of(file)
        types = [m["type"] for m in scene.read(t)["keys@test"].get("isup", [])]
        return types, {k.split('"')[3]: v for k, v in c.items() if k.startswith('earshot_parse_errors_total{proto="isup"') and v}
    whole = ["IAM", "ACM", "ANM", "REL", "RLC"]
    t.equal("whole", of(interworking()), (whole, {}))
    t.counter("a called number that leads out of the message", of(interworking(first=iam()[:12])) == (whole[1:], {"syntax": 1}))
    t.counter("no cause", of(interworking(released=b"\x0c\x02\x00\x09\x83")) == (whole[:3] + whole[4:], {"syntax": 1}))
    t.counter("an unknown type", of(interworking(first=b"\xfe\x00\x01")) == (whole[1:], {"unsupported": 1}))
    t.counter("ANSI", of(interworking(base="ansi88"))[1] == {"unsupported": 1})
    r = interworking(first=iam()[:12]).read(t)["keys@test"]
    t.equal("the call is whole all the same", (r["outcome"], len(r["streams"]), r["q850_cause"]), ("answered", 2, 16))
    flood = Scene()
    leg = talking(flood)
    for n in range(40):
        leg.ask(1.5 + n * 0.02, A, "INFO", b"\x2c\x01\x00", kind="application/isup")
    leg.bye(4, A)
    r = flood.read(t)["keys@test"]
    t.equal("bounded", (len(r["isup"]), r["isup_over_limit"]), (16, 24))
