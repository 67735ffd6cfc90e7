"""Attacks on parsers and protocol state (X02..X13 of the table). Every case mixes the attack with a healthy call and holds the
program to the same oracle: it ends with the exit code of a whole input, within its memory and its time, the healthy call is told as
without the attack, and counters explain what came in."""
import gzip, os, struct, subprocess, time

import craft
from craft import *
from feature import Failure, feature, shape

RSS_MAX_KIB = 256 * 1024
CONTROL = "control@healthy"
TORTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "torture")


def control():
    """The healthy call: addresses and ports of its own, two seconds of media."""
    return frames(call(Dialog(a="10.9.0.1", b="10.9.0.2", call_id=CONTROL, branch="z9hG4bKctl", from_tag="cf", to_tag="ct")))


def metrics_of(path):
    values = {}
    for line in open(path):
        if line.startswith("earshot_"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    return values


class Outcome:
    def __init__(self, records, metrics, base, cpu, rss, stderr):
        self.records, self.metrics, self.base, self.cpu, self.rss, self.stderr = records, metrics, base, cpu, rss, stderr

    def more(self, name):
        """What the attack added to a counter, all cells whose name begins so taken together."""
        def total(values):
            return sum(v for k, v in values.items() if k == name or k.startswith(name))
        return total(self.metrics) - total(self.base)

    def errors(self, proto, reason=""):
        if reason:
            return self.more(f'earshot_parse_errors_total{{proto="{proto}",reason="{reason}"}}')
        return self.more(f'earshot_parse_errors_total{{proto="{proto}"')

    def calls(self):
        return [r for r in self.records if r["kind"] == "call"]


def measured(t, path, *options, codes=(0,)):
    """Runs earshot read on a file: (records, metrics, CPU seconds, KiB at most resident, stderr)."""
    metrics, out, err = t.path("metrics"), t.path("json"), t.path("log")
    with open(out, "wb") as o, open(err, "wb") as e:
        child = subprocess.Popen([t.earshot, "read", "--json", "--metrics", metrics, *options, path], stdout=o, stderr=e)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    stderr = open(err, errors="replace").read()
    if child.returncode not in codes:
        raise Failure(f"exit {child.returncode}, not {codes}: {stderr[-300:]}")
    return t_records(out), metrics_of(metrics), usage.ru_utime + usage.ru_stime, usage.ru_maxrss, stderr


def t_records(path):
    import json
    return [json.loads(line) for line in open(path)]


def alone(t):
    if not hasattr(t, "healthy"):
        path = t.path()
        write(path, control())
        records, metrics, _, _, _ = measured(t, path)
        t.equal("healthy call alone", [(r["outcome"], len(r["streams"])) for r in records], [("answered", 2)])
        t.healthy = records, metrics
    return t.healthy


def attacked(t, what, attack, *options, cpu=5.0, rss=RSS_MAX_KIB):
    """The attack (frames) together with the healthy call; the oracle of every row."""
    base, base_metrics = alone(t)
    path = t.path()
    write(path, control() + attack)
    records, metrics, seconds, kib, err = measured(t, path, *options)
    os.unlink(path)
    t.same(base, [r for r in records if r["call_id"] == CONTROL], f"{what}: the healthy call")
    t.check(f"{what}: {kib} KiB resident", kib <= rss)
    t.check(f"{what}: {seconds:.2f} s of CPU", seconds <= cpu)
    return Outcome([r for r in records if r["call_id"] != CONTROL], metrics, base_metrics, seconds, kib, err)


def spread(packets, begin=START + 0.4, end=START + 2.6):
    """Frames of datagrams (or IP packets), evenly over the time of the healthy call."""
    step = (end - begin) / max(1, len(packets))
    return [Frame(begin + n * step, ether(p) if isinstance(p, bytes) else ether(ip(p))) for n, p in enumerate(packets)]


def bound_by(outcome):
    """How each stream was found: by the SDP of both, or learned."""
    return sorted(s["confidence"] for c in outcome.calls() for s in c["streams"])


def udp(data, src="10.6.6.6", dst="10.6.6.7", sport=5060, dport=5060, ipid=0):
    return Packet(0, src, sport, dst, dport, data, ipid=ipid)


def messages(texts):
    return spread([udp(x, ipid=n & 0xffff) for n, x in enumerate(texts)])


def with_header(line, method="OPTIONS", call_id="x@attack", body=b""):
    """A request with one more header, or with a line in place of its own of the same name."""
    text = Dialog(a="10.6.6.6", b="10.6.6.7", call_id=call_id, branch="z9hG4bK" + call_id[:40]).request(method, 1, body)
    name = line.split(b":")[0].lower() + b":"
    lines = text.split(b"\r\n")
    for n, old in enumerate(lines):
        if old.lower().startswith(name):
            lines[n] = line
            return b"\r\n".join(lines)
    return b"\r\n".join(lines[:2] + [line] + lines[2:])


# ---- X02

def torture_table():
    rows = [line.rstrip("\n").split("\t") for line in open(os.path.join(TORTURE, "table.tsv"))]
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def torture(row):
    return open(os.path.join(TORTURE, row["name"] + ".sip"), "rb").read()


SYNTAX = {"syntax", "call_id", "cseq", "from", "to", "duplicate", "mismatch"}


@feature("X02", "the torture messages of RFC 4475 and RFC 5118: the verdicts of the table, through the whole program")
def torture_messages(t):
    rows = torture_table()
    t.equal("messages", len(rows), 61)
    got = attacked(t, "all", messages([torture(r) for r in rows]))
    read = [r for r in rows if r["verdict"] == "ok"]
    t.equal("messages seen", got.more('earshot_decoded_packets_total{proto="sip"}'), len(rows))
    for method in {r["method"] for r in read}:
        wanted = sum(r["method"] == method and r["status"] == "-" for r in read)
        t.equal(f"requests {method}", got.more(f'earshot_sip_requests_total{{method="{method}"}}'), wanted)
    t.equal("responses", got.more("earshot_sip_responses_total"), sum(r["status"] != "-" for r in read))
    for reason, flags in (("syntax", SYNTAX), ("truncated", {"truncated"}), ("length", {"content_length"})):
        wanted = sum(bool(flags & set(r["flags"].split(","))) for r in read) + (reason == "syntax") * (len(rows) - len(read))
        t.equal(f"errors {reason}", got.errors("sip", reason), wanted)
    invites = {r["call_id"] for r in read if r["method"] == "INVITE" and r["status"] == "-" and r["call_id"] != "-"}
    t.equal("calls of the INVITEs", invites - {c["call_id"] for c in got.calls()}, set())
    tame = attacked(t, "valid ones", messages([torture(r) for r in rows if r["kind"] == "valid"]))
    t.counter("valid messages count as errors", tame.errors("sip") == 0 and got.errors("sip") > 0)


def anomalies():
    """Values in the manner of protocol test suites: too long, empty, wrong type, wrong signs, format strings, odd bytes."""
    out = [b"", b" ", b"\t", b"\0", b"\xff" * 9, b"\xc0\xaf", b"%s%n%x" * 9, b"%00", b"\\", b'"', b'"' * 33, b"<", b">", b"<" * 65, b"<>", b";" * 65,
           b"," * 65, b"=" * 33, b":" * 65, b"@" * 65, b"[", b"[::", b"]", b"/", b"../" * 40, b"-1", b"0", b"00000000000000000001", b"65536",
           b"4294967295", b"4294967296", b"18446744073709551616", b"9" * 400, b"1e9", b"0x10", b"sip:", b"sip:@", b"sip:a@[", b"\r\n \r\n ", b"\r", b"\n x"]
    return out + [b"a" * n for n in (1, 63, 64, 65, 255, 256, 257, 1023, 1025, 8191, 8192, 8193, 20000)]


def mutated():
    """Every field of an INVITE in turn replaced by every anomaly."""
    fields = ["m", "u", "v", "Via-transport", "Via-host", "Via-branch", "From", "From-tag", "To", "Call-ID", "CSeq-number", "CSeq-method", "Max-Forwards",
              "Contact", "Content-Type", "Content-Length", "Unknown", "name", "o", "c", "media", "port", "format", "rtpmap"]
    plain_values = dict(m="INVITE", u="sip:b@10.6.6.7", v="SIP/2.0", name="X", **{
        "Via-transport": "UDP", "Via-host": "10.6.6.6:5060", "Via-branch": "z9hG4bKx", "From": "<sip:a@10.6.6.6>", "From-tag": "1",
        "To": "<sip:b@10.6.6.7>", "Call-ID": "mutant", "CSeq-number": "1", "CSeq-method": "INVITE", "Max-Forwards": "70",
        "Contact": "<sip:a@10.6.6.6>", "Content-Type": "application/sdp", "Content-Length": "150", "Unknown": "x", "o": "1 1 IN IP4 10.6.6.6",
        "c": "IN IP4 10.6.6.6", "media": "audio", "port": "4000", "format": "0", "rtpmap": "0 PCMU/8000"})
    form = ("{m} {u} {v}\r\nVia: SIP/2.0/{Via-transport} {Via-host};branch={Via-branch}\r\nFrom: {From};tag={From-tag}\r\nTo: {To}\r\n"
            "Call-ID: {Call-ID}\r\nCSeq: {CSeq-number} {CSeq-method}\r\nMax-Forwards: {Max-Forwards}\r\nContact: {Contact}\r\n{name}: {Unknown}\r\n"
            "Content-Type: {Content-Type}\r\nContent-Length: {Content-Length}\r\n\r\nv=0\r\no=- {o}\r\ns=-\r\nc={c}\r\nt=0 0\r\n"
            "m={media} {port} RTP/AVP {format}\r\na=rtpmap:{rtpmap}\r\n")
    for name in fields:
        for n, value in enumerate(anomalies()):
            values = dict(plain_values, **{"Call-ID": f"{name}.{n}@mutant"})
            values[name] = value.decode("latin-1")
            yield name, form.format(**values).encode("latin-1")


@feature("X02", "an INVITE with every field in turn replaced by every anomaly")
def field_anomalies(t):
    texts = list(mutated())
    t.check("more than a thousand", len(texts) > 1000)
    got = attacked(t, "mutants", messages([text for _, text in texts]))
    seen = got.more('earshot_decoded_packets_total{proto="sip"}')
    lost = len(texts) - seen
    in_line = sum(name in "muv" for name, _ in texts)
    t.check(f"{lost} of {in_line} with a broken start line are no SIP, all others are", lost <= in_line)
    read = got.more("earshot_sip_requests_total") + got.errors("sip", "syntax")
    t.check("each message is read, or counted as an error, or both", read >= seen)
    untouched = attacked(t, "unchanged", messages([with_header(b"X: %d" % n, call_id=f"{n}@x") for n in range(100)]))
    t.counter("healthy messages count as errors", untouched.errors("sip") == 0 and got.errors("sip") > 500)


# ---- X03

@feature("X03", "giant values over UDP: Call-ID, From tag, Via, one line, folding bombs")
def giant_values(t):
    big = "c" * 60000
    same = [with_header(f"Call-ID: {big}{end}".encode(), "INVITE") for end in "12"]
    got = attacked(t, "Call-ID", messages(same))
    t.equal("two Call-IDs that differ in their last byte are two calls", len(got.calls()), 2)
    t.check("their names are cut", all(len(c["call_id"]) < 9000 for c in got.calls()))
    t.equal("flagged", got.errors("sip", "limit"), 2)
    tags = [with_header(f"From: <sip:a@b>;tag={big}{end}".encode(), "INVITE", "tags@attack") for end in "12"]
    got = attacked(t, "From tag", messages(tags))
    t.equal("two From tags that differ in their last byte are two calls", len(got.calls()), 2)
    bombs = {"Via": b"Via: SIP/2.0/UDP h;branch=z9hG4bK" + b"v" * 60000, "one line": b"Subject: " + b"s" * 60000,
             "User-Agent": b"User-Agent: " + b"u" * 60000, "folding": b"Subject: x" + b"\r\n y" * 14000,
             "From of quotes": b"From: " + b'"' * 59999 + b"<sip:a@b>;tag=1", "Contact of brackets": b"Contact: " + b"<" * 60000,
             "Route of commas": b"Route: " + b"," * 60000, "parameters": b"To: <sip:a@b>" + b";a=1" * 15000}
    got = attacked(t, "lines", messages([with_header(line, "INVITE", f"{n}@attack") for n, line in enumerate(bombs.values())]))
    t.equal("calls", len(got.calls()), len(bombs))
    t.equal("flagged", got.errors("sip", "limit"), len(bombs))
    small = attacked(t, "8 KiB", messages([with_header(b"Subject: " + b"s" * 8000, "INVITE", "s@attack")]))
    t.counter("8 kB are over the limit too", small.errors("sip", "limit") == 0 and len(small.calls()) == 1)


@feature("X03", "10,000 headers, 1,000 Via, a start line of 64 KiB")
def many_headers(t):
    d = Dialog(a="10.6.6.6", b="10.6.6.7", call_id="many@attack")
    def between(lines):
        head, rest = d.request("INVITE", 1).split(b"\r\n", 1)
        return head + b"\r\n" + lines + rest
    texts = [between(b"".join(b"X%d:\r\n" % n for n in range(6500))), between(b"Via: SIP/2.0/UDP hop.example.com;branch=z9hG4bKhop\r\n" * 1000),
             between(b"a:\r\n" * 10000), between(b":\r\n" * 15000), between(b"no colon\r\n" * 5000)]
    got = attacked(t, "lines", messages(texts))
    t.equal("one call, its INVITE seen five times", [(c["call_id"], c["messages"]) for c in got.calls()], [("many@attack", 5)])
    t.equal("flagged", got.errors("sip", "limit"), 3)
    long_line = d.request("INVITE", 1).replace(b"sip:bob@", b"sip:" + b"b" * 62000 + b"@", 1)
    got = attacked(t, "start line", messages([long_line]))
    t.equal("a start line of 62 kB begins no call", len(got.calls()), 0)
    few = attacked(t, "few", messages([between(b"X: y\r\n" * 100)]))
    t.counter("100 more headers are over the limit", few.errors("sip", "limit") == 0 and len(few.calls()) == 1)


# ---- X04

LENGTHS = {"negative": b"-1", "2^32+32": b"4294967328", "2^63": b"9223372036854775808", "2^64+4": b"18446744073709551620", "+5": b"+5", "text": b"five",
           "empty": b"", "hex": b"0x20", "larger": b"5000", "two": b"10\r\nContent-Length: 20"}


def set_length(text, value):
    head, body = text.split(b"\r\n\r\n", 1)
    at = head.index(b"Content-Length:")
    new = b"Content-Length: " + value if value is not None else b"X: y"
    return head[:at] + new + b"\r\n\r\n" + body


@feature("X04", "Content-Length that lies, over UDP: the body is bounded by the datagram")
def lengths_udp(t):
    def lying(value, to=b"INVITE sip:"):
        packets = call(Dialog(a="10.6.6.6", b="10.6.6.7", call_id="length@attack"), a_media=4400, b_media=6600)
        for p in packets:
            if p.kind == "sip" and p.data.startswith(to):
                p.data = set_length(p.data, value)
        return frames(packets)
    honest = attacked(t, "honest", lying(b"107"))
    for what, value in list(LENGTHS.items()) + [("missing", None)]:
        got = attacked(t, what, lying(value))
        if what == "two":  # the first counts: 10 bytes of SDP
            t.equal("two: one call", [c["outcome"] for c in got.calls()], ["answered"])
        else:
            t.same(honest.records, got.records, f"{what}: the call with its media")
        t.check(f"{what}: counted", got.errors("sip") == (0 if what == "missing" else 1))
    short = attacked(t, "smaller", lying(b"20"))
    t.counter("a length of 20 cuts nothing off the body", bound_by(short) != bound_by(honest) == ["sdp", "sdp"])


@feature("X04", "Content-Length that lies, over TCP: the next message is found")
def lengths_tcp(t):
    d = Dialog(a="10.6.6.6", b="10.6.6.7", via="TCP", aport=40000, call_id="length@attack")
    honest = attacked(t, "honest", frames(tcp_call(d)))
    t.equal("honest", [(c["outcome"], c["end_reason"], len(c["streams"])) for c in honest.calls()], [("answered", "bye", 2)])
    for what, value in list(LENGTHS.items()) + [("missing", None), ("smaller", b"0")]:
        value = b"150" if what == "larger" else value  # what is longer than all that follows cannot be told from a message to come
        change = lambda text, forth: set_length(text, value) if text.startswith(b"SIP/2.0 180") else text
        got = attacked(t, what, frames(tcp_call(d, wrap=change)))
        t.same(honest.records, got.records, f"{what}: the messages behind it")
    gone = attacked(t, "without the answer", frames(tcp_call(d, wrap=lambda text, forth: b"" if text.startswith(b"SIP/2.0 200 OK") else text)))
    t.counter("messages that are lost are not missed", shape(gone.records) != shape(honest.records))


# ---- X05

@feature("X05", "empty values, empty lines, NUL bytes, lone CR and LF: counted, the message is kept")
def empty_values(t):
    names = [b"Warning", b"Subject", b"Contact", b"Via", b"To", b"User-Agent", b"Content-Type", b"Reason", b"Authorization", b"Identity", b"Refer-To",
             b"Diversion", b"P-Asserted-Identity", b"P-Charging-Function-Addresses", b"Session-ID", b"Date", b"RSeq", b"RAck", b"Replaces"]
    ends = (b"", b" ", b'"', b"%", b"\0", b"\r", b" text", b"\r\n ")
    texts = [with_header(name + b":" + end, "INVITE", f"{n}.{k}@attack") for n, name in enumerate(names) for k, end in enumerate(ends)]
    got = attacked(t, "values", messages(texts))
    t.equal("calls", len(got.calls()), len(texts))
    for what, line in (("Call-ID", b"Call-ID:"), ("From", b"From:"), ("CSeq", b"CSeq:")):
        one = attacked(t, what, messages([with_header(line, "INVITE", "e@attack")]))
        t.equal(f"empty {what} is counted", (one.errors("sip", "syntax"), one.more('earshot_sip_requests_total{method="INVITE"}')), (1, 1))
    odd = [b"\r\n" * 8 + with_header(b"X: y", "INVITE", "crlf@attack"), with_header(b"X: a\rY: b", "INVITE", "cr@attack"),
           with_header(b"X: y", "INVITE", "lf@attack").replace(b"\r\n", b"\n"), with_header(b"X: \0\0", "INVITE", "nul@attack"),
           with_header(b"X: y\r\n\r", "INVITE", "cut@attack")]
    got = attacked(t, "ends", messages(odd))
    t.equal("all begin their calls", {c["call_id"] for c in got.calls()}, {"crlf@attack", "cr@attack", "lf@attack", "nul@attack", "cut@attack"})
    junk = attacked(t, "no messages", messages([b"\r\n\r\n", b"\0" * 4, b"\r", b"\n" * 1000, b"\0" * 60000]))
    t.counter("keep-alives count as messages", junk.more("earshot_sip_requests_total") == 0 and junk.errors("sip") == 0 and junk.calls() == [])


@feature("X05", "broken SDP: m=X at the end, a=fmtp with NUL, payload type 4294967296, ports 70000 and -1")
def broken_sdp(t):
    base = sdp("10.6.6.6", 4400).decode()
    def offer(change):
        return change(base).encode("latin-1")
    bodies = {"m=X": lambda s: s + "m=X", "m=": lambda s: s + "m=\r\n", "m alone": lambda s: s + "m", "fmtp": lambda s: s + "a=fmtp:\0\r\na=fmtp\0",
              "rtpmap": lambda s: s + "a=rtpmap:0\r\na=rtpmap:\r\na=rtpmap:0 /\r\na=rtpmap:999 x/0\r\n", "ptime": lambda s: s + "a=ptime:-1\r\na=maxptime:99999999999\r\n",
              "crypto": lambda s: s + "a=crypto:\r\na=crypto:1\r\na=crypto:99999999999 AES_CM_128_HMAC_SHA1_80 inline:\r\n",
              "candidate": lambda s: s + "a=candidate:\r\na=candidate:1 1 udp\r\na=candidate:1 1 udp 1 ::: 70000 typ\r\n",
              "c without address": lambda s: s + "c=\r\nc=IN\r\nc=IN IP4\r\nc=IN IP6 :::\r\n", "empty lines": lambda s: "\r\n" * 50 + s + "\r\n" * 50,
              "no line ends": lambda s: s.rstrip("\r\n"), "lone LF": lambda s: s.replace("\r\n", "\n")}
    refused = {"type": lambda s: s + "m=audio 4402 RTP/AVP 4294967296 4294967295 -1 256\r\n", "port 70000": lambda s: s + "m=audio 70000 RTP/AVP 0\r\n",
               "port -1": lambda s: s + "m=audio -1 RTP/AVP 0\r\n", "port 2^32": lambda s: s + "m=audio 4294967296 RTP/AVP 0\r\n"}
    def packets(body):
        return frames(call(Dialog(a="10.6.6.6", b="10.6.6.7", call_id="sdp@attack"), a_media=4400, b_media=6600, offer=body))
    honest = attacked(t, "honest", packets(base.encode()))
    for what, change in {**bodies, **refused}.items():
        got = attacked(t, what, packets(offer(change)))
        t.same(honest.records, got.records, f"{what}: the call with the media it did announce")
    none = attacked(t, "no SDP", packets(b"v=0\r\n"))
    t.counter("an offer without media announces it", bound_by(none) != bound_by(honest) == ["sdp", "sdp"])


# ---- X06

@feature("X06", "SDP with 2,500 m= lines, 12,000 a= lines, 1 MB over TCP: 32 media and 512 attributes are read")
def giant_sdp(t):
    d = dict(a="10.6.6.6", b="10.6.6.7")
    base = sdp("10.6.6.6", 4400)
    def packets(body, seconds=2.0):
        return frames(call(Dialog(**d, call_id="sdp@attack"), seconds, a_media=4400, b_media=6600, offer=body))
    honest = attacked(t, "honest", packets(base))
    for what, body in (("media", base + b"m=audio 1 RTP/AVP 0\r\n" * 2500), ("attributes", base + b"a=x\r\n" * 12000),
                       ("formats", base + b"m=audio 4402 RTP/AVP" + b" 96" * 15000 + b"\r\n"), ("candidates", base + b"a=candidate:1 1 udp 1 10.6.6.6 4400 typ host\r\n" * 1200)):
        got = attacked(t, what, packets(body))
        t.same(honest.records, got.records, f"{what}: the call with its media")
        t.check(f"{what}: said to be limited", what == "formats" or got.errors("sip", "limit") == 1)
        t.equal(f"{what}: the record says so", [c.get("limited", False) for c in got.calls() if c["call_id"] == "sdp@attack"], [what != "formats"])
    tcp = Dialog(**d, via="TCP", aport=40000, call_id="mega@attack")
    mega = sdp("10.6.6.6", 4000) + b"a=" + b"\r\na=".join([b"x" * 998] * 1000) + b"\r\n"
    got = attacked(t, "1 MB", frames(tcp_call(tcp, offer=mega)))
    t.equal("1 MB: the rest of the call", [(c["call_id"], c["end_reason"]) for c in got.calls()], [("mega@attack", "bye")])
    small = attacked(t, "small", packets(base + b"a=x\r\n" * 100))
    t.counter("100 attributes are over the limit", small.errors("sip", "limit") == 0 and not any(c.get("limited") for c in small.calls()))


# ---- X07

@feature("X07", "RTP and RTCP whose lengths lie, on the ports of a call: dropped and counted")
def lying_media(t):
    A, B = ("10.9.0.1", 4000), ("10.9.0.2", 6000)  # the healthy call's own media
    count = iter(range(1, 60000))  # identical packets would be copies of a mirror port

    def onto(data, plus=0):
        return udp(data, A[0], B[0], A[1] + plus, B[1] + plus, next(count))
    rtp_lies = [b"\x8f" + rtp(1, 1, 0x1111, b"")[1:], b"\x90" + rtp(1, 1, 0x1111, b"")[1:], b"\x90" + rtp(1, 1, 0x1111, b"\xbe\xde\xff\xff")[1:],
                b"\xa0" + rtp(1, 1, 0x1111, b"\xff")[1:], b"\xa0" + rtp(1, 1, 0x1111, b"\0" * 7 + b"\xfe")[1:], rtp(1, 1, 0x1111, b"")[:11], b"\x80", b"\x80\0\0",
                b"\xbf" + rtp(1, 1, 0x1111, b"\0" * 40 + b"\xff")[1:]]
    got = attacked(t, "RTP", spread([onto(x) for x in rtp_lies * 50], START + 1.2, START + 2.9))
    short = got.more('earshot_decoded_packets_total{proto="other"}'), got.more('earshot_decoded_packets_total{proto="keepalive"}')
    t.equal("lies, what is too short for RTP, what is too short for anything", (got.errors("rtp"), *short), (300, 50, 100))
    def rtcp(pt, body, words=None, count=0):
        return struct.pack("!BBH", 0x80 | count, pt, len(body) // 4 if words is None else words) + body
    rr = rtcp(201, struct.pack("!I", 0x1111))
    lies = [rtcp(200, b"\0" * 24, 0xffff), rtcp(200, b"\0" * 4), rtcp(201, b"\0" * 4, count=31), rtcp(202, b"\0\0\0\1\1\xff\0\0", count=1), rr + rtcp(207, b"\0" * 8, 0xfff),
            rr[:3], rtcp(200, b"", 0), rr + b"\x80", rtcp(203, b"\0" * 4, count=31), rtcp(201, b"\0" * 28, count=2)]
    got = attacked(t, "RTCP", spread([onto(x, 1) for x in lies * 50], START + 1.2, START + 2.9))
    t.equal("lies, and two without a header", (got.errors("rtcp", "length"), got.more('earshot_decoded_packets_total{proto="keepalive"}')), (300, 100))
    blocks = [rr + rtcp(207, struct.pack("!IBBH", 0x1111, kind, 0, words) + b"\0" * 8) for kind in (1, 2, 3, 4, 5, 6, 7, 255) for words in (0, 1, 3, 0xffff)]
    attacked(t, "XR blocks", spread([onto(x, 1) for x in blocks * 10], START + 1.2, START + 2.9))
    fine = attacked(t, "good RTCP", spread([onto(rr, 1)] * 5, START + 1.2, START + 2.9))
    t.counter("a good report counts as an error", fine.errors("rtcp") == 0)


# ---- X08

def fragment(ipid, at, data, more, src="10.6.6.6", proto=17):
    return ip4(src, "10.6.6.7", proto, data, ipid=ipid & 0xffff, flags=(0x2000 if more else 0) | at // 8)


def fragment_floods():
    eight, kilo = b"f" * 8, b"F" * 1000
    yield "never finished", [fragment(n, 0, kilo, True, f"10.6.{n >> 16}.{n & 255}") for n in range(20000)]
    yield "teardrop", [x for n in range(5000) for x in (fragment(n, 0, b"t" * 40, True), fragment(n, 24, b"t" * 8, False))]
    yield "overlaps", [fragment(n, at, b"o" * 64, True) for n in range(600) for at in range(0, 256, 8)]
    yield "tiny", [fragment(n >> 5, (n & 31) * 8, eight, True) for n in range(20000)]
    yield "beyond 65,535", [fragment(n, 65528, kilo, False) for n in range(5000)]
    yield "same place", [fragment(7, 8, eight, True)] * 20000


@feature("X08", "fragment floods: never finished, overlapping, tiny, beyond the end")
def fragment_attacks(t):
    for what, packets in fragment_floods():
        late = [Frame(START + 60, ether(ip(udp(b"\r\n\r\n"))))]
        got = attacked(t, what, spread(packets) + late, cpu=3.0)
        t.check(f"{what}: no call and no stream comes of it", got.records == [])
        explained = got.more("earshot_reassembly_timeouts_total") + got.errors("other") + got.more("earshot_duplicate_packets_total") + got.more("earshot_capture_drops_total")
        t.check(f"{what}: counted", explained > 0)
    honest = fragmented_options(range(300))
    got = attacked(t, "honest fragments", honest)
    t.equal("whole datagrams arrive", got.more('earshot_sip_requests_total{method="OPTIONS"}'), 300)
    overlap = []
    for n in range(50):  # the first byte wins: the rewritten method is not seen
        data = l4(udp(with_header(b"X: " + b"y" * 900, call_id=f"{n}@overlap"), ipid=n))
        overlap += [fragment(n, 0, data[:512], True), fragment(n, 8, data[8:512].replace(b"OPTIONS", b"MESSAGE"), True), fragment(n, 512, data[512:], False)]
    got = attacked(t, "rewriting", spread(overlap))
    t.equal("rewritten", got.more('earshot_sip_requests_total{method="MESSAGE"}'), 0)
    lossy = attacked(t, "one fragment lost", [f for n, f in enumerate(honest) if n % 2])
    t.counter("datagrams without their first fragment arrive", lossy.more("earshot_sip_requests_total") == 0)


def fragmented_options(numbers):
    packets = []
    for n in numbers:
        packets += ip4_fragments(udp(with_header(b"X: " + b"y" * 900, call_id=f"{n}@fragments"), ipid=n), 800)
    return spread(packets)


# ---- X09

def segment(sport, seq, data=b"", flags=0x18, src="10.6.6.6", ack=1):
    return ip4(src, "10.6.6.7", 6, tcp_header(sport, 5060, seq, ack, flags, data), ipid=seq & 0xffff)


@feature("X09", "TCP: SYN flood, data without SYN, idle connections, huge gaps, an endless line")
def tcp_floods(t):
    def address(n):
        return f"10.{60 + (n >> 16)}.{n >> 8 & 255}.{n & 255}"
    junk = b"J" * 1000
    floods = {"SYN": [segment(1024 + n % 50000, n, b"", 2, address(n)) for n in range(20000)],
              "no SYN": [segment(1024 + n % 50000, n * 7, junk, 0x18, address(n)) for n in range(20000)],
              "idle, the table full": [segment(1024, 1, b"OPTIONS sip:x", 0x18, address(n)) for n in range(30000)],
              "gaps": [segment(2000 + n, 1 + (0 if k == 0 else 100000 * k), b"INVITE sip:a@b SIP/2.0\r\n" if k == 0 else junk) for n in range(500) for k in range(20)],
              "endless line": [segment(3000, 1 + n * 1000, junk) for n in range(10000)],
              "endless headers": [segment(3001, 1 + n * 1000, b"INVITE sip:a@b SIP/2.0\r\n" + b"X: y\r\n" * 162 + b"\r\n"[:4] if n == 0 else b"X: yy\r\n" * 142 + b"X: yy\n"[:6]) for n in range(10000)]}
    for what, packets in floods.items():
        got = attacked(t, what, spread(packets), cpu=4.0)
        t.check(f"{what}: no call comes of it", got.calls() == [])
    full = attacked(t, "table", spread(floods["idle, the table full"]))
    t.check("what goes at the ceiling is counted", full.more("earshot_tcp_evicted_total") > 0)
    few = attacked(t, "ten connections", spread(floods["idle, the table full"][:10]))
    t.counter("ten connections fill the table", few.more("earshot_tcp_evicted_total") == 0)


@feature("X09", "TCP: overlapping rewrites, the first byte wins; sequence numbers that wrap")
def tcp_rewrites(t):
    d = Dialog(a="10.6.6.6", b="10.6.6.7", via="TCP", aport=40000, call_id="tcp@attack")
    honest = attacked(t, "honest", frames(tcp_call(d, mss=300)))
    packets = []
    for p in tcp_call(d, mss=300):
        packets.append(p)
        if p.proto == 6 and len(p.data) > 60:
            packets.append(replace(p, t=p.t + 1e-6, data=p.data[:20] + b"Z" * (len(p.data) - 20), ipid=p.ipid + 7000))
    t.same(honest.records, attacked(t, "rewritten", frames(packets)).records, "rewritten behind the first copy")
    first = [replace(p, t=p.t - 2e-6, data=p.data[:20] + b"Z" * (len(p.data) - 20), ipid=p.ipid + 7000) for p in tcp_call(d, mss=300) if p.proto == 6 and len(p.data) > 60]
    t.counter("rewritten ahead of the first copy changes nothing", shape(attacked(t, "ahead", frames(first + tcp_call(d, mss=300))).records) != shape(honest.records))


# ---- X10

@feature("X10", "WebSocket, HEP and TLS whose lengths lie, 1,000 nested encapsulations")
def lying_lengths(t):
    d = Dialog(a="10.6.6.6", b="10.6.6.7", via="WS", aport=40000)
    lies = []
    for n, frame in enumerate((b"\x81\x7f" + b"\xff" * 8, b"\x81\xff" + struct.pack("!Q", 1 << 63) + b"abcd", b"\x81\xfe\xff\xffabcd" + b"x" * 100, b"\x89\xff" + b"\xff" * 12,
                               b"\x01\x00" * 5000, b"\x00\x00" * 5000, b"\xff\xff\xff\xff")):
        c = Tcp(d.a, 41000 + n, d.b, 80)
        c.say(START + 0.5, 0, UPGRADE)
        c.say(START + 0.51, 1, SWITCHED)
        for k in range(20):
            c.say(START + 0.6 + k * 0.05, 0, frame)
        lies += frames(c.packets)
    t.check("WebSocket: no call", attacked(t, "WebSocket", lies).calls() == [])
    good = hep3(udp(with_header(b"X: y", "INVITE", "hep@attack")))
    bad = [good[:4] + struct.pack("!H", n) + good[6:] for n in (0, 5, 6, 7, len(good) - 1, len(good) + 1, 65535)]
    bad += [good[:6] + struct.pack("!HHH", 0, 1, n) + good[12:] for n in (0, 1, 5, 6, 0xffff)] + [good[:n] for n in range(4, len(good), 7)]
    got = attacked(t, "HEP", spread([udp(x, dport=9060) for x in bad]))
    t.check("HEP: no call", got.calls() == [])
    records = []
    for n, hello in enumerate((b"\x16\x03\x01\xff\xff\x01\0\0\1", b"\x16\x03\x01\0\x05\x01\xff\xff\xff\xff", b"\x16\x03\x01\0\0" * 3000, b"\x17\x03\x03\x40\x00" + b"\0" * 1000, b"\x16\x03\x01\0\x2a\x01\0\0\x26\3\3" + b"\xff" * 36)):
        c = Tcp(d.a, 42000 + n, d.b, 5061)
        for k in range(20):
            c.say(START + 0.5 + k * 0.05, k & 1, hello)
        records += frames(c.packets)
    t.check("TLS: no call", attacked(t, "TLS", records).calls() == [])
    nested = ip(udp(with_header(b"X: y", "INVITE", "deep@attack")))
    shallow = nested
    for n in range(1000):
        nested = gre(nested)
        shallow = nested if n == 3 else shallow
    got = attacked(t, "nested", spread([nested] * 200))
    t.equal("nested: counted, no call", (got.errors("other", "limit"), got.calls()), (200, []))
    tags = b"\2\0\0\0\0\2\2\0\0\0\0\1" + b"\x81\0\0\1" * 5000 + b"\x08\0"
    attacked(t, "VLAN tags", [Frame(START + 1, tags)] * 50)
    attacked(t, "MPLS labels", [Frame(START + 1, ether(struct.pack("!I", 5 << 12 | 64) * 8000, type_=0x8847))] * 50)
    t.counter("four encapsulations are too many", len(attacked(t, "shallow", spread([shallow, ip(udp(good, dport=9060))])).calls()) == 2)


# ---- X12

@feature("X12", "packed bodies are not unpacked; a bomb for a capture file is refused")
def bombs(t):
    packed = gzip.compress(sdp("10.6.6.6", 4400))
    d = Dialog(a="10.6.6.6", b="10.6.6.7", call_id="packed@attack")
    def invite(encoding):
        text = d.request("INVITE", 1, packed, headers=encoding + "Content-Type: application/sdp\r\n")
        return messages([text])
    got = attacked(t, "gzip body", invite("Content-Encoding: gzip\r\n"))
    t.equal("flagged and kept", (got.errors("sip", "unsupported"), len(got.calls()), got.calls()[0]["streams"]), (1, 1, []))
    plain = attacked(t, "no encoding", messages([d.request("INVITE", 1, sdp("10.6.6.6", 4400))]))
    t.counter("a plain body is flagged", plain.errors("sip", "unsupported") == 0)
    sigcomp = attacked(t, "SigComp", spread([udp(bytes([0xf8 | n & 7]) + os.urandom(200)) for n in range(500)]))
    t.check("SigComp: no call", sigcomp.calls() == [])
    base, _ = alone(t)
    path = t.path("pcap.gz")
    whole = t.path()
    write(whole, control())
    with gzip.open(path, "wb", compresslevel=1) as f:
        f.write(open(whole, "rb").read())
        chunk = struct.pack("<IIII", int(START) + 5, 0, 65536 - 16, 65536 - 16) + bytes(65536 - 16)
        for _ in range(32):
            f.write(chunk * 128)  # 8 MiB of idle bytes a time
    small = os.path.getsize(path)
    records, metrics, cpu, rss, err = measured(t, path, codes=(3,))
    t.check(f"bomb of {small} bytes: {rss} KiB, {cpu:.1f} s", rss <= RSS_MAX_KIB and cpu < 5)
    t.check(f"its error says so: {err[-200:]}", "times" in err or "unpack" in err)
    t.same(base, [r for r in records if r["call_id"] == CONTROL], "the healthy call in front of it")
    honest = t.path("pcap.gz")
    with gzip.open(honest, "wb", compresslevel=1) as f:
        f.write(open(whole, "rb").read())
    records, *_ = measured(t, honest)
    t.counter("an honest file is refused", len(records) == 1)


# ---- X13

@feature("X13", "bait for endless loops: zero lengths and chains; a packet costs at most 1 ms")
def endless_loops(t):
    stun = struct.pack("!HHI12s", 1, 400, 0x2112a442, b"s" * 12)
    zero_geneve = struct.pack("!BBHI", 63, 0, 0x6558, 7 << 8) + bytes(252)
    sctp_zero = struct.pack("!HHII", 5060, 5060, 1, 0) + struct.pack("!BBH", 0, 3, 0) * 300
    chain = b""
    for _ in range(160):
        chain = struct.pack("!BB6s", 60, 0, b"\1\4\0\0\0\0") + chain
    bait = {"STUN": udp(stun + struct.pack("!HH", 6, 0) * 100, dport=3478), "STUN long": udp(stun + struct.pack("!HH", 6, 0xffff) * 100, dport=3478),
            "HEP": udp(b"HEP3" + struct.pack("!H", 606) + struct.pack("!HHH", 0, 1, 0) * 100, dport=9060), "GENEVE": udp(zero_geneve, dport=6081),
            "TZSP": udp(bytes([1, 0, 0, 1]) + b"\x0a\0" * 600, dport=37008), "SCTP": Packet(0, "10.6.6.6", 0, "10.6.6.7", 0, sctp_zero, proto=132),
            "XR": udp(struct.pack("!BBHI", 0x80, 207, 300, 1) + bytes(1200), sport=4401, dport=6601), "SDES": udp(struct.pack("!BBH", 0x9f, 202, 300) + bytes(1200), sport=4401, dport=6601),
            "SDP": udp(with_header(b"X: y", "INVITE", "loop@attack", b"v=0\r\n" + b"\r\n" * 600)), "multipart": udp(with_header(b"Content-Type: multipart/mixed;boundary=a", "INVITE", "mime@attack", b"--a\r\n" * 250)),
            "multipart nested": udp(with_header(b"Content-Type: multipart/mixed;boundary=a", "INVITE", "nest@attack", b"--a\r\nContent-Type: multipart/mixed;boundary=a\r\n\r\n" * 25)),
            "folding": udp(with_header(b"X: y" + b"\r\n " * 400, "INVITE", "fold@attack")), "Route": udp(with_header(b"Route: " + b"<a>," * 300, "INVITE", "route@attack")),
            "quotes": udp(with_header(b"To: " + b'"\\' * 600, "INVITE", "quote@attack")), "crypto": udp(with_header(b"X: y", "INVITE", "crypto@attack", sdp("10.6.6.6", 4400) + b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:|||||;;;;;" * 20 + b"\r\n")),
            "IPv6 chain": ip6("2001:db8::6", "2001:db8::7", 60, chain), "IPv6 jumbo": ip6("2001:db8::6", "2001:db8::7", 0, struct.pack("!BB", 17, 255) + bytes(1300)),
            "IPv4 options": b"\x4f" + ip(udp(b""))[1:20] + b"\x83\0" * 20, "DNS-like": udp(b"\xc0\x0c" * 300, dport=53), "SIP of spaces": udp(b"INVITE " + b" " * 1300 + b"SIP/2.0\r\n\r\n")}
    t.equal("baits", len(bait), 20)
    idle = attacked(t, "idle", [], cpu=1.0)
    for what, packet in bait.items():
        n = 300
        many = [replace(packet, ipid=k + 1, data=packet.data) if isinstance(packet, Packet) else packet[:4] + struct.pack("!H", k + 1) + packet[6:]
                if packet[0] >> 4 == 4 else packet for k in range(n)]
        got = attacked(t, what, spread(many), "--set", "capture.dedupe=no", cpu=10)
        t.check(f"{what}: {(got.cpu - idle.cpu) / n * 1e6:.0f} us a packet", (got.cpu - idle.cpu) / n < 1e-3)
    t.counter("the healthy call is not in the way", idle.records == [])


# ---- X11

SIPREC = """<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns='urn:ietf:params:xml:ns:recording:1'><datamode>complete</datamode>
 <session session_id="hVpd7YQgRW2nD22h7q60JQ=="><sipSessionID>ab30317f1a784dc48ff824d0d3715d86</sipSessionID></session>
 <participant participant_id="p1"><nameID aor="sip:bob@biloxi.com"><name xml:lang="it">Bob &amp; Co</name></nameID></participant>
 <participant participant_id="p2"><nameID aor="sip:paul@biloxi.com"/></participant>
 <stream stream_id="s1" session_id="hVpd7YQgRW2nD22h7q60JQ=="><label>96</label></stream>
 <stream stream_id="s2" session_id="hVpd7YQgRW2nD22h7q60JQ=="><label>97</label></stream>
 <participantstreamassoc participant_id="p1"><send>s1</send><recv>s2</recv></participantstreamassoc>
 <participantstreamassoc participant_id="p2"><send>s2</send><recv>s1</recv></participantstreamassoc>
</recording>"""


def laughs():
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f"<!DOCTYPE recording [{entities}]><recording><session session_id='&a9;'/></recording>"


XML_BOMBS = {  # document, reason
    "entity expansion": (laughs(), "unsupported"),
    "an external entity": ('<!DOCTYPE recording [<!ENTITY x SYSTEM "file:///etc/passwd">]><recording><session>&x;</session></recording>',
                           "unsupported"),
    "an external document type": ('<!DOCTYPE recording SYSTEM "http://127.0.0.1:9/x.dtd"><recording/>', "unsupported"),
    "an entity that nobody declared": ("<recording>&a;</recording>", "syntax"),
    "10,000 levels": ("<recording>" + "<a>" * 10_000 + "</a>" * 10_000 + "</recording>", "limit"),
    "33 levels": ("<recording>" + "<a>" * 32 + "</a>" * 32 + "</recording>", "limit"),
    "100 KB": ("<recording>" + "<!-- a comment -->" * 5_500 + "</recording>", "limit"),
    "1 MB": ("<recording>" + "<!-- a comment -->" * 60_000 + "</recording>", "syntax"),  # the message was cut before
    "20,000 elements": ("<recording>" + "<a/>" * 15_000 + "</recording>", "limit"),
    "3,000 attributes": ("<recording " + " ".join(f"a{n}=''" for n in range(3000)) + "/>", "limit"),
    "cut in the middle": (SIPREC[:len(SIPREC) // 2], "syntax"),
}


def siprec_call(document, n=0):
    """A recording session over TCP: INVITE with SDP and metadata, answered, ended; no media."""
    d = Dialog(a="10.6.6.6", b="10.6.6.7", via="TCP", call_id=f"siprec{n}@attack", branch=f"z9hG4bKsr{n}", to_tag=f"sr{n}", from_tag=f"sf{n}")
    offer = sdp(d.a, 4000, "a=label:96\r\na=sendonly\r\n")
    body = (b"--b\r\nContent-Type: application/sdp\r\n\r\n" + offer + b"\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n"
            b"Content-Disposition: recording-session\r\n\r\n" + document.encode() + b"\r\n--b--\r\n")
    connection = Tcp(d.a, 20000 + n, d.b, 5060, start=START + 0.39)
    for k, (t, forth, text) in enumerate(signalling(d, 1.0, offer=body, start=START + 0.4)):
        if k == 0:
            text = text.replace(b"Content-Length:", b'Content-Type: multipart/mixed;boundary="b"\r\nContent-Length:', 1)
        connection.say(t, 0 if forth else 1, text)
    return connection.packets


def siprec_of(t, record):
    s = record.get("siprec")
    if s is None:
        return None
    return ([(p["aor"], p["name"]) for p in s["participants"]], [(x["label"], x["participant_id"]) for x in s["streams"]],
            s["session_id"], s["sip_session_id"], s["complete"])


@feature("X11", "XML bombs in the metadata of a SIPREC INVITE: the call is kept, the verdict counted, the time bounded")
def x11(t):
    plain = attacked(t, "plain metadata", frames(siprec_call(SIPREC)))
    told = ([("sip:bob@biloxi.com", "Bob & Co"), ("sip:paul@biloxi.com", None)], [("96", "p1"), ("97", "p2")],
            "hVpd7YQgRW2nD22h7q60JQ==", "ab30317f1a784dc48ff824d0d3715d86", True)
    t.equal("plain: what it records", [siprec_of(t, r) for r in plain.calls()], [told])
    t.equal("plain: nothing is wrong", plain.errors("xml"), 0)
    for name, (document, reason) in XML_BOMBS.items():
        bomb = attacked(t, name, frames(siprec_call(document)), cpu=2.0)
        t.equal(f"{name}: the call", [(r["outcome"], r["call_id"]) for r in bomb.calls()], [("answered", "siprec0@attack")])
        t.equal(f"{name}: messages", [r["messages"] for r in bomb.calls()], [7])
        t.equal(f"{name}: counted as {reason}", (bomb.errors("xml", reason), bomb.errors("xml")), (1, 1))
        t.counter(f"{name}: no metadata", [siprec_of(t, r) for r in bomb.calls()] == [None] != [told])


PIDF = """<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:bob@10.6.6.7"><tuple id="t1"><status><basic>open</basic></status></tuple></presence>"""


def notify(document):
    """Presence over TCP, from the server of somebody to who watches."""
    text = ("NOTIFY sip:alice@10.6.6.6 SIP/2.0\r\nVia: SIP/2.0/TCP 10.6.6.7;branch=z9hG4bKn1\r\nFrom: <sip:bob@10.6.6.7>;tag=n1\r\n"
            "To: <sip:alice@10.6.6.6>;tag=n2\r\nCall-ID: notify@attack\r\nCSeq: 2 NOTIFY\r\nEvent: presence\r\n"
            "Subscription-State: active;expires=600\r\nContact: <sip:bob@10.6.6.7>\r\nMax-Forwards: 70\r\nContent-Type: application/pidf+xml\r\n"
            f"Content-Length: {len(document)}\r\n\r\n{document}").encode()
    ok = (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 10.6.6.7;branch=z9hG4bKn1\r\nFrom: <sip:bob@10.6.6.7>;tag=n1\r\n"
          b"To: <sip:alice@10.6.6.6>;tag=n2\r\nCall-ID: notify@attack\r\nCSeq: 2 NOTIFY\r\nContent-Length: 0\r\n\r\n")
    connection = Tcp("10.6.6.7", 20000, "10.6.6.6", 5060, start=START + 0.39)
    connection.say(START + 0.4, 0, text)
    connection.say(START + 0.45, 1, ok)
    return connection.packets


@feature("X11", "XML bombs in presence: the NOTIFY is counted as one, its document is refused, the time bounded")
def x11_presence(t):
    requests = 'earshot_sip_requests_total{method="NOTIFY"}'
    plain = attacked(t, "plain presence", frames(notify(PIDF)))
    t.equal("plain: nothing is wrong", plain.errors("xml"), 0)
    for name, (document, reason) in XML_BOMBS.items():
        document = document.replace("recording", "presence")
        bomb = attacked(t, f"presence with {name}", frames(notify(document)), cpu=2.0)
        t.equal(f"{name}: the NOTIFY", (bomb.more(requests), plain.more(requests)), (1, 1))
        t.counter(f"{name} is read", bomb.errors("xml", reason) == bomb.errors("xml") == 1)


@feature("X11", "a thousand calls with XML bombs cost what a thousand calls with plain metadata cost, a few times over")
def x11_many(t):
    plain = attacked(t, "1,000 plain", [f for n in range(1000) for f in frames(siprec_call(SIPREC, n))], cpu=10)
    t.equal("plain: all told", len([r for r in plain.calls() if r.get("siprec")]), 1000)
    for name in ("entity expansion", "an external entity", "33 levels"):
        document, reason = XML_BOMBS[name]
        many = attacked(t, f"1,000 with {name}", [f for n in range(1000) for f in frames(siprec_call(document, n))],
                        cpu=3 * plain.cpu + 1)
        t.equal(f"{name}: each is counted", many.errors("xml", reason), 1000)
        t.equal(f"{name}: each call is kept", len(many.calls()), 1000)
        t.counter(f"{name}: none is told", len([r for r in many.calls() if r.get("siprec")]) == 0)
