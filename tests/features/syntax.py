"""Group C of the feature table: requests, responses, receipts, syntax."""
import dataclasses, json, os, re, signal, subprocess, time, urllib.request

import attacks
from craft import *
from feature import Failure, feature
from service import PATIENCE_S


def at(t, forth, text, d=None):
    """One message of a dialog at a time after START."""
    d = d or Dialog()
    src, dst = ((d.a, d.aport), (d.b, d.bport))[::1 if forth else -1]
    return Packet(START + t, *src, *dst, text, ipid=int(t * 10000) & 0xffff or 1, kind="sip")


def failed(code, reason="X", d=None, headers=""):
    d = d or Dialog()
    return [at(0, True, d.request("INVITE", 1, sdp(d.a, 4000)), d), at(0.05, False, d.response(100, "Trying", "INVITE", 1, tag=False), d),
            at(0.5, False, d.response(code, reason, "INVITE", 1, headers=headers), d), at(0.51, True, d.request("ACK", 1, branch=d.branch + "INVITE"), d)]


def changed(packets, change):
    return [replace(p, data=change(p.data)) if p.kind == "sip" else p for p in packets]


# ---- C01

@feature("C01", "every final code from 300 to 699 is stored with its phrase, and counted")
def final_codes(t):
    codes = [300, 301, 302, 305, 380, 400, 402, 403, 404, 405, 406, 408, 410, 413, 415, 416, 420, 480, 481, 482, 483, 484, 485, 486, 488, 491, 493, 499,
             500, 501, 502, 503, 504, 505, 513, 555, 580, 600, 603, 604, 606, 607, 608, 699]
    packets = []
    for n, code in enumerate(codes):
        d = Dialog(call_id=f"{code}@codes", branch=f"z9hG4bK{code}", from_tag=f"f{code}")
        packets += [replace(p, t=p.t + n) for p in failed(code, f"Phrase {code}", d)]
    got = t.read(frames(packets))
    t.equal("codes", sorted((c["call_id"], c["sip_code"], c["reason_phrase"]) for c in got), sorted((f"{c}@codes", c, f"Phrase {c}") for c in codes))
    t.check("no failure counts as answered", all(c["outcome"] != "answered" and c["answered_at"] is None for c in got))
    values = t.counters_of(frames(packets))
    t.equal("486 counted", values['earshot_sip_responses_total{method="INVITE",code="486"}'], 1)
    t.equal("unnamed codes counted together", values['earshot_sip_responses_total{method="INVITE",code="other"}'], 2)
    t.counter("with another code the record says another", t.read(frames(failed(486)))[0]["sip_code"] != t.read(frames(failed(503)))[0]["sip_code"])


@feature("C01", "provisional responses are stored; none of them is final")
def provisional(t):
    d = Dialog()
    def ringing(code):
        return [at(0, True, d.request("INVITE", 1, sdp(d.a, 4000))), at(0.2, False, d.response(code, "P", "INVITE", 1)),
                at(1, False, d.response(486, "Busy", "INVITE", 1)), at(1.01, True, d.request("ACK", 1, branch="z9hG4bK1INVITE"))]
    for code in (100, 180, 181, 182, 183, 199):
        got = t.read(frames(ringing(code)))
        t.equal(f"{code}", [(c["sip_code"], c["messages"], c["outcome"]) for c in got], [(486, 4, "busy")])
    t.check("180 rings, 100 does not", t.read(frames(ringing(180)))[0]["ringing_at"] and t.read(frames(ringing(100)))[0]["ringing_at"] is None)
    t.counter("200 in place of 183 answers", t.read(frames(ringing(200)))[0]["outcome"] == "answered")


def chain(hops=3, d=None):
    """A call through proxies: the same dialog on every hop, each with a branch and addresses of its own."""
    packets = []
    for hop in range(hops):
        here = dataclasses.replace(d or Dialog(), a=f"10.0.{hop}.1", b=f"10.0.{hop}.2", branch=f"z9hG4bKhop{hop}")
        for n, (when, forth, text) in enumerate(signalling(d=here)):
            src, dst = ((here.a, 5060), (here.b, 5060))[::1 if forth else -1]
            late = hop if forth else hops - hop
            packets.append(Packet(when + late * 0.002, *src, *dst, text, ipid=hop * 100 + n + 1, kind="sip"))
    return sorted(packets, key=lambda p: p.t)


@feature("C01", "three proxies, one Call-ID, three branches: one call, one attempt, no retransmission")
def proxies(t):
    packets = chain()
    got = t.read(frames(packets))
    t.equal("one call", [(c["outcome"], c["sip_code"], c["messages"], c["retransmissions"], c["end_reason"]) for c in got], [("answered", 200, 21, 0, "bye")])
    t.equal("one attempt", t.counters_of(frames(packets))['earshot_call_attempts_total{trunk="none",direction="unknown"}'], 1)
    again = packets + [replace(p, t=p.t + 0.5, ipid=p.ipid + 7000) for p in packets if p.data.startswith(b"INVITE")]
    t.counter("the same branches again are retransmissions", t.read(frames(again))[0]["retransmissions"] == 3)


@feature("C01", "transactions without a branch, in the manner of RFC 2543")
def without_branch(t):
    base = t.read(frames(call()))
    old = changed(call(), lambda x: re.sub(rb";branch=[^\r]*", b"", x))
    t.same(base, t.read(frames(old)), "no branch")
    t.same(base, t.read(frames(changed(call(), lambda x: re.sub(rb";branch=[^\r]*", b";branch=1", x)))), "a branch without the cookie, the same everywhere")
    again = old + [replace(p, t=p.t + 0.5, ipid=p.ipid + 7000) for p in old if p.data.startswith(b"INVITE")]
    t.equal("retransmissions", t.read(frames(again))[0]["retransmissions"], 1)
    t.counter("a request with another CSeq is a retransmission too",
              t.read(frames(old + [at(0.5, True, Dialog().request("INVITE", 2))]))[0]["retransmissions"] == 0)


@feature("C01", "the final code of each attempt: 401, then 200")
def attempts(t):
    d = Dialog()
    challenge = failed(401, "Unauthorized", headers='WWW-Authenticate: Digest realm="x", nonce="y"\r\n')
    rest = [replace(p, t=p.t + 1, ipid=p.ipid + 500, data=p.data.replace(b"CSeq: 1 ", b"CSeq: 2 ").replace(b"branch=z9hG4bK1", b"branch=z9hG4bK2")) for p in call(d) if p.kind == "sip"]
    got = t.read(frames(challenge + rest))
    t.equal("one call", [(c["outcome"], c["sip_code"], c["auth_attempts"], c["messages"]) for c in got], [("answered", 200, 1, 11)])
    t.equal("answered after the second INVITE", got[0]["answered_at"][:22], "2023-11-14T22:13:22.00")
    only = t.read(frames(challenge))
    t.counter("without the second attempt 401 is final", [(c["outcome"] != "answered", c["sip_code"]) for c in only] == [(True, 401)])


# ---- C02

@feature("C02", "only a 2xx to the INVITE answers; its ACK has a time")
def answered(t):
    got = t.read(frames(call()))[0]
    t.equal("answer and ACK", (got["answered_at"][20:23], got["acked_at"][20:22]), ("000", "01"))
    d = Dialog()
    begin = [at(0, True, d.request("INVITE", 1, sdp(d.a, 4000))), at(0.3, False, d.response(180, "Ringing", "INVITE", 1))]
    end = [at(2, True, d.request("CANCEL", 1, branch="z9hG4bK1INVITE")), at(2.01, False, d.response(200, "OK", "CANCEL", 1, branch="z9hG4bK1INVITE")),
           at(2.02, False, d.response(487, "Request Terminated", "INVITE", 1)), at(2.03, True, d.request("ACK", 1, branch="z9hG4bK1INVITE"))]
    for method in ("UPDATE", "PRACK", "INFO", "OPTIONS"):
        middle = [at(0.5, True, d.request(method, 2, to_tag=d.to_tag)), at(0.51, False, d.response(200, "OK", method, 2))]
        t.equal(f"200 to {method}", [(c["outcome"], c["answered_at"]) for c in t.read(frames(begin + middle + end))], [("cancelled", None)])
    for code in (200, 202, 299):
        t.equal(f"{code} to INVITE", t.read(frames(begin + [at(0.5, False, d.response(code, "OK", "INVITE", 1, sdp(d.b, 6000)))]))[0]["outcome"], "answered")
    t.counter("no answer, no call", t.read(frames(begin + end))[0]["outcome"] == "cancelled")


@feature("C02", "two 2xx of a forked call: several branches, the first one's parties talk")
def forked(t):
    d, other = Dialog(), Dialog(to_tag="tt2")
    def fork(second):
        p = [at(0, True, d.request("INVITE", 1, sdp(d.a, 4000))), at(0.1, False, d.response(180, "Ringing", "INVITE", 1)),
             at(1, False, d.response(200, "OK", "INVITE", 1, sdp(d.b, 6000))), at(1.02, True, d.request("ACK", 1))]
        if second:
            p += [at(0.2, False, other.response(180, "Ringing", "INVITE", 1)), at(1.1, False, other.response(200, "OK", "INVITE", 1, sdp(d.b, 6100))),
                  at(1.12, True, other.request("ACK", 1, branch="z9x")), at(1.2, True, other.request("BYE", 2, branch="z9y")),
                  at(1.21, False, other.response(200, "OK", "BYE", 2, branch="z9y"))]
        return sorted(p + [q for q in call(d) if q.kind == "rtp" or b"CSeq: 2 BYE" in q.data], key=lambda q: q.t)
    got = t.read(frames(fork(True)))
    t.equal("the call", [(c["outcome"], c["branches"], c["to"]["tag"], c["end_reason"], c["ended_at"][17:22], len(c["streams"])) for c in got],
            [("answered", 2, "tt1", "bye", "23.00", 2)])
    t.counter("one answer, one branch", t.read(frames(fork(False)))[0]["branches"] == 1)


# ---- C03

COMPACT = {b"Via": b"v", b"From": b"f", b"To": b"t", b"Call-ID": b"i", b"Contact": b"m", b"Content-Type": b"c", b"Content-Length": b"l"}


def compact(text):
    for name, short in COMPACT.items():
        text = text.replace(b"\r\n" + name + b":", b"\r\n" + short + b":")
    return text


def head(change):
    """Changes the header section and leaves the start line and the body alone."""
    def f(text):
        top, body = text.split(b"\r\n\r\n", 1)
        start, rest = top.split(b"\r\n", 1)
        return start + b"\r\n" + change(rest) + b"\r\n\r\n" + body
    return f


def any_case(rest):
    return b"\r\n".join(name.swapcase() + b":" + value for name, value in (line.split(b":", 1) for line in rest.split(b"\r\n")))


WRITINGS = {"folded": head(lambda r: r.replace(b": ", b":\r\n ").replace(b";", b"\r\n\t; ")), "compact": compact, "any case": head(any_case),
            "white space": head(lambda r: r.replace(b": ", b"  :   ").replace(b"=", b" = ")), "LF only": lambda x: x.split(b"\r\n\r\n")[0].replace(b"\r\n", b"\n") + b"\n\n" + x.split(b"\r\n\r\n")[1],
            "comma lists": head(lambda r: r.replace(b"Via: ", b"Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKtop, ") + b"\r\nAllow: INVITE,ACK , BYE"),
            "lower case": lambda x: x.replace(b"SIP/2.0 ", b"sip/2.0 "), "leading line ends": lambda x: b"\r\n\r\n" + x,
            "unknown headers": head(lambda r: b"X-Odd: ;;,,\"\r\n" + r + b"\r\nEmpty:"), "without spaces": head(lambda r: r.replace(b": ", b":")),
            "version in any case": lambda x: x.replace(b" SIP/2.0\r\n", b" Sip/2.0\r\n")}


@feature("C03", "folding, compact names, any case, white space, LF, comma lists: the same call")
def writings(t):
    base = t.read(frames(call()))
    for what, change in WRITINGS.items():
        t.same(base, t.read(frames(changed(call(), change))), what)
    t.same(base, t.read(frames(changed(call(), lambda x: compact(WRITINGS["white space"](x))))), "several at once")
    t.differs(base, t.read(frames(changed(call(), lambda x: x.replace(b"Call-ID", b"Cal-ID").replace(b"CSeq", b"CSek")))), "names that are none are read too")


@feature("C03", "display names: quoted, escaped, UTF-8, without quotes; URIs of every kind")
def names(t):
    cases = [(b'"Bell, Alexander" <sip:bell@x.com>', "Bell, Alexander", "bell", "x.com"), (b'"A \\"B\\" C\\\\" <sip:a@x>', None, "a", "x"),
             ('"Jürgen 佐藤" <sip:j@x>'.encode(), "Jürgen 佐藤", "j", "x"), ("Jürgen <sip:j@x>".encode(), "Jürgen", "j", "x"), (b"Anna  Lang<sip:l@x>", None, "l", "x"),
             (b"sip:plain@x", None, "plain", "x"), (b"<sips:a%20b@[2001:db8::1]:5061;transport=tls>", None, "a%20b", "2001:db8::1"), (b"<tel:+43-1-234;phone-context=x>", None, "+43-1-234", None),
             (b"<sip:a;b=c@x>", None, "a;b=c", "x"), (b'"" <sip:e@x>', None, "e", "x"), (b"<sip:user:secret@x>", None, "user", "x")]
    for value, display, user, host_ in cases:
        got = t.read(frames(changed(call(voice=False), lambda x: re.sub(rb"From: [^\r]*;tag", b"From: " + value.replace(b"\\", b"\\\\") + b";tag", x))))
        t.equal(f"{value}: user, host", [(c["from"]["user"], c["from"]["host"], c["from"]["tag"]) for c in got], [(user, host_, "ft1")])
        if display:
            t.equal(f"{value}: display", got[0]["from"]["display"], display)
    broken = t.read(frames(changed(call(voice=False), lambda x: re.sub(rb"From: [^\r]*;tag", b"From: \xff\xfe <sip:a@x>;tag", x))))
    t.check("bytes that are no UTF-8 become replacement signs", "\ufffd" in broken[0]["from"]["display"])
    t.counter("another name, another record", t.read(frames(call(voice=False)))[0]["from"]["user"] == "alice")


@feature("C03", "RFC 4475 and RFC 5118: every valid INVITE begins its call, with its parties")
def torture_calls(t):
    rows = [r for r in attacks.torture_table() if r["method"] == "INVITE" and r["status"] == "-" and r["call_id"] != "-"]
    t.check("more than 15", len(rows) > 15)
    got = {c["call_id"]: c for c in t.read(attacks.messages([attacks.torture(r) for r in rows]))}
    for r in rows:
        tag = got.get(r["call_id"], {"from": {"tag": "no call"}})["from"]["tag"]
        t.equal(r["name"], tag, None if r["from_tag"] == "-" else r["from_tag"])
    refused = [r for r in attacks.torture_table() if r["verdict"] == "bad"]
    t.counter("what is refused begins one too", t.read(attacks.messages([attacks.torture(r) for r in refused])) == [])


# ---- C04

def multipart(parts, boundary=b"b0undary"):
    body = b"".join(b"--" + boundary + b"\r\nContent-Type: " + kind + b"\r\n\r\n" + text + b"\r\n" for kind, text in parts)
    return b"multipart/mixed;boundary=" + boundary, body + b"--" + boundary + b"--\r\n"


def offer_as(kind, body, headers=b""):
    """The call whose INVITE carries this body; the answer is SDP as ever."""
    def change(text):
        if not text.startswith(b"INVITE"):
            return text
        top = text.split(b"\r\n\r\n", 1)[0].split(b"\r\nContent-Type")[0]
        return top + b"\r\n" + headers + b"Content-Type: " + kind + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    return frames(changed(call(), change))


def confidence(records):
    return sorted(s["confidence"] for c in records for s in c["streams"])


@feature("C04", "SDP in any part of a multipart body; ISUP, SIPREC metadata, nested; the boundary quoted")
def multipart_bodies(t):
    base = t.read(frames(call()))
    own = sdp(ALICE, 4000)
    text, isup, xml = (b"text/plain", b"hello"), (b"application/isup;version=itu-t92+", bytes(range(256))), (b"application/rs-metadata+xml", b"<recording/>" * 20)
    plain_sdp = (b"application/sdp", own)
    inner, nested = multipart([text, plain_sdp], b"inner")
    cases = {"first": multipart([plain_sdp, text]), "second": multipart([text, plain_sdp]), "behind ISUP": multipart([isup, plain_sdp]), "ahead of ISUP": multipart([plain_sdp, isup]),
             "with SIPREC metadata": multipart([xml, plain_sdp]), "third": multipart([text, xml, plain_sdp]), "nested": multipart([text, (inner, nested)]),
             "any case": multipart([(b"Application/SDP; charset=utf-8", own)])}
    for what, (kind, body) in cases.items():
        got = t.read(offer_as(kind, body))
        t.same(base, got, what)
        t.equal(f"{what}: both streams by SDP", confidence(got), ["sdp", "sdp"])
    kind, body = cases["second"]
    quoted = t.read(offer_as(kind.replace(b"=b0undary", b'="b0undary"'), body))
    t.equal("quoted boundary", confidence(quoted), ["sdp", "sdp"])
    t.counter("a body without SDP says the same", confidence(t.read(offer_as(*multipart([text, isup])))) != ["sdp", "sdp"])


@feature("C04", "Content-Encoding is flagged, not followed; Content-Length is respected; the message is kept")
def encodings(t):
    own = sdp(ALICE, 4000)
    packed = offer_as(b"application/sdp", own, b"Content-Encoding: gzip\r\n")
    t.equal("kept", [(c["outcome"], c["messages"]) for c in t.read(packed)], [("answered", 7)])
    t.check("not looked into", confidence(t.read(packed)) != ["sdp", "sdp"])
    unsupported = 'earshot_parse_errors_total{proto="sip",reason="unsupported"}'
    t.equal("flagged", t.counters_of(packed).get(unsupported, 0), 1)
    trailing = changed(call(), lambda x: x + b"m=audio 9999 RTP/AVP 8\r\n" if b"application/sdp" in x else x)
    t.same(t.read(frames(call())), t.read(frames(trailing)), "what stands behind the body is not read")
    identity = offer_as(b"application/sdp", own, b"Content-Encoding: identity\r\n")
    t.equal("identity", (confidence(t.read(identity)), t.counters_of(identity).get(unsupported, 0)), (["sdp", "sdp"], 0))
    cut = frames(changed(call(), lambda x: attacks.set_length(x, b"20") if x.startswith(b"INVITE") else x))
    t.counter("a length of 20 leaves the SDP whole", confidence(t.read(cut)) != ["sdp", "sdp"])


# ---- C05, C07: the service

class Served:
    """The service over a capture file, until it has read it."""

    def __init__(self, t, frames_, calls):
        path, name = t.path(), t.path("served")
        write(path, frames_)
        os.mkdir(name)
        self.log = os.path.join(name, "log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([t.earshot, "run", "--read", path, "--data", os.path.join(name, "data"), "--port", "0"], stdout=log, stderr=log)
        self.url = self.wait(lambda: re.search(r"look at (http://\S+)/\s", open(self.log).read()))[1]
        self.calls = self.wait(lambda: (lambda d: d if len(d) >= calls else None)(self.get("/calls?from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z&limit=1000")["data"]))

    def wait(self, look):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            time.sleep(0.025)
        self.process.kill()
        raise Failure(f"the service did not come so far: {open(self.log).read()[-300:]}")

    def text(self, path):
        with urllib.request.urlopen(self.url + "/api/v1" + path, timeout=PATIENCE_S) as answer:
            return answer.read()

    def get(self, path):
        return json.loads(self.text(path))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(20) != 0 and kind is None:  # else something went wrong already, and is told
            raise Failure(f"the service ended with {self.process.returncode}: {open(self.log).read()[-300:]}")


@feature("C05", "the raw messages of a call, byte for byte; its ladder; its packets")
def raw_messages(t):
    packets = call()
    other = call(Dialog(a="10.0.1.1", b="10.0.1.2", call_id="c2@test", branch="z9hG4bKo"), voice=False)
    sent = [p.data.decode() for p in packets if p.kind == "sip"]
    with Served(t, frames(packets + other), 2) as s:
        uid = {c["call_id"]: c["uid"] for c in s.calls}
        got = s.get(f"/calls/{uid['c1@test']}/messages")
        t.equal("raw", [m["raw"] for m in got["data"]], sent)
        t.equal("one alone", s.text(f"/calls/{uid['c1@test']}/messages/4").decode(), sent[3])
        t.equal("start lines", [(m["method"], m["status"], m["cseq"]) for m in got["data"]],
                [("INVITE", None, 1), ("INVITE", 100, 1), ("INVITE", 180, 1), ("INVITE", 200, 1), ("ACK", None, 1), ("BYE", None, 2), ("BYE", 200, 2)])
        ladder = s.get(f"/calls/{uid['c1@test']}/ladder")
        t.equal("ladder", [e["label"] for e in ladder["events"] if e["kind"] == "sip"], ["INVITE", "100 Trying", "180 Ringing", "200 OK", "ACK", "BYE", "200 OK"])
        pcap = s.text(f"/calls/{uid['c1@test']}/pcap")
        t.check("each message stands in the pcap", all(x.encode() in pcap for x in sent))
        found = s.get("/calls?from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z&call_id=c2@test")["data"]
        t.equal("found by Call-ID", [c["call_id"] for c in found], ["c2@test"])
        second = s.get(f"/calls/{uid['c2@test']}/messages")["data"]
        t.counter("another call has the same messages", [m["raw"] for m in second] != sent and "c2@test" in second[0]["raw"])


# ---- C06

def delays(trying, ringing, answer, bye_ok):
    d = Dialog()
    return [at(0, True, d.request("INVITE", 1, sdp(d.a, 4000))), at(trying, False, d.response(100, "Trying", "INVITE", 1, tag=False)), at(ringing, False, d.response(180, "Ringing", "INVITE", 1)),
            at(answer, False, d.response(200, "OK", "INVITE", 1, sdp(d.b, 6000))), at(answer + 0.01, True, d.request("ACK", 1)),
            at(answer + 5, True, d.request("BYE", 2)), at(answer + 5 + bye_ok, False, d.response(200, "OK", "BYE", 2))]


@feature("C06", "post-dial, answer and disconnect delay, ring time and duration, to the millisecond")
def reply_times(t):
    def close(a, b):
        return a is not None and abs(a - b) < 0.002
    for trying, ringing, answer, bye_ok in ((0.01, 0.25, 1.5, 0.02), (0.1, 3.125, 30.75, 0.5), (0.001, 0.002, 0.004, 0.001)):
        got = t.read(frames(delays(trying, ringing, answer, bye_ok)))[0]
        what = f"{ringing} {answer}"
        t.check(f"{what}: PDD {got['post_dial_delay_ms']}", close(got["post_dial_delay_ms"], ringing * 1000))
        t.check(f"{what}: answer {got['setup_ms']}", close(got["setup_ms"], answer * 1000))
        t.check(f"{what}: disconnect {got['disconnect_delay_ms']}", close(got["disconnect_delay_ms"], bye_ok * 1000))
        t.check(f"{what}: ring {got['ring_ms']}", abs(got["ring_ms"] - (answer - ringing) * 1000) <= 1)
        t.equal(f"{what}: duration", got["duration_ms"], 5000)
    a, b = t.counters_of(frames(delays(0.01, 0.25, 1.5, 0.02))), t.counters_of(frames(delays(0.01, 0.25, 7.5, 0.02)))
    t.equal("histogram", (a['earshot_call_setup_seconds_bucket{le="2"}'], b['earshot_call_setup_seconds_bucket{le="2"}'], b["earshot_call_setup_seconds_count"]), (1, 0, 1))
    t.counter("other delays, other figures", t.read(frames(delays(0.01, 0.3, 1.5, 0.02)))[0]["post_dial_delay_ms"] != t.read(frames(delays(0.01, 0.25, 1.5, 0.02)))[0]["post_dial_delay_ms"])


# ---- C07

@feature("C07", "every message with its source, destination and transport; the record with parties, VLAN, user agents")
def who_sent_what(t):
    d = Dialog(a="10.1.0.1", b="10.1.0.2", aport=5071, bport=5082, call_id="who@test")
    def tagged(link):
        return frames(changed(call(d, voice=False), lambda x: x.replace(b"User-Agent: craft", b"Server: pbx/2") if x.startswith(b"SIP") else x.replace(b"craft", b"phone/1")), link)
    record = t.read(tagged(lambda ip_, p: ether(ip_, [100])))[0]
    t.equal("record", [record[k] for k in ("src", "dst", "vlan", "transport", "user_agent", "server")], ["10.1.0.1:5071", "10.1.0.2:5082", 100, "udp", "phone/1", "pbx/2"])
    t.equal("released by", record["released_by"], "caller")
    with Served(t, tagged(lambda ip_, p: ether(ip_)), 1) as s:
        got = s.get(f"/calls/{s.calls[0]['uid']}/messages")["data"]
    forth, back = ("10.1.0.1:5071", "10.1.0.2:5082", "udp"), ("10.1.0.2:5082", "10.1.0.1:5071", "udp")
    t.equal("messages", [(m["src"], m["dst"], m["transport"]) for m in got], [forth, back, back, back, forth, forth, back])
    tcp = t.read(frames(tcp_call()))[0]
    t.equal("TCP", tcp["transport"], "tcp")
    untagged = t.read(tagged(lambda ip_, p: ether(ip_)))[0]
    t.counter("without a tag there is a VLAN", untagged["vlan"] is None and record["vlan"] == 100)
