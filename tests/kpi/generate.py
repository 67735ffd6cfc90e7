"""Calls of known outcome as a capture, and every figure they must give, computed here from what was decided for each call
and from the definitions (RFC 6076, E.425), never from the product.

    python3 generate.py COUNT OUT.pcap OUT.json [SEED]

Of each call are drawn: what becomes of it, how it is routed (one hop, or a proxy with the tap on both sides), whether it is
challenged or redirected first, how it rings, who hangs up, which messages come twice, which are lost."""
import json, math, random, struct, sys

US = 1_000_000
START = 1_700_000_000 * US
PROXY = "10.0.0.10"

BUSY = {486, 600}
REJECTED = {406, 415, 433, 488, 493, 603, 606, 607, 608}
FAILURES = [403, 404, 406, 408, 410, 415, 480, 480, 484, 486, 486, 486, 488, 500, 501, 502, 503, 503, 504, 513, 600, 603, 604,
            606, 607, 608]
NER_CODES = {480, 486, 600, 603, 607, 608}
NER_CAUSES = {17, 18, 19, 20, 21, 22, 28}  # and 16 after ringing
CAUSES = [1, 3, 16, 17, 18, 19, 21, 27, 31, 34, 38, 41, 102]
SDP = (b"v=0\r\no=- 1 1 IN IP4 10.9.9.9\r\ns=-\r\nc=IN IP4 10.9.9.9\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n")


class Call:
    """The messages of one call, and what is true of it."""

    def __init__(self, n, rng, start):
        self.n, self.rng, self.t0 = n, rng, start
        self.packets = []
        self.a = f"10.1.{n >> 8 & 255}.{n & 255}"
        self.b = f"10.2.{n >> 8 & 255}.{n & 255}"
        self.proxied = rng.random() < 0.25
        self.id = f"{n}-{rng.randrange(1 << 40):x}@gen"
        self.cseq = 0
        self.tag = f"b{n}"
        self.truth = dict(standing="attempt", outcome=None, code=0, cause=0, by="unknown", t0=start, invite=None, progress=None,
                          ring=None, answer=None, ack=False, bye=None, bye_ok=None, end=None, timed_out=False, own=False)

    # -- wire

    def put(self, t, src, dst, data, port=5060):
        self.packets.append((t, src, dst, data))
        if data.startswith(b"OPTIONS") or self.rng.random() >= 0.04:
            return
        self.packets.append((t + self.rng.randrange(400, 900) * 1000, src, dst, data))  # again: nobody may count it

    def text(self, first, method, cseq, branch, to_tag, extra="", body=b"", hops=1, swap=False):
        vias = f"Via: SIP/2.0/UDP {self.a}:5060;branch=z9hG4bK{branch}\r\n"
        if hops == 2:
            vias = f"Via: SIP/2.0/UDP {PROXY}:5060;branch=z9hG4bKp{branch}\r\n" + vias
        caller = f"<sip:1{self.n:06d}@gen>;tag=a{self.n}"
        callee = f"<sip:+49{self.n:07d}@gen>" + (f";tag={to_tag}" if to_tag else "")
        one, two = (callee, caller) if swap else (caller, callee)
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (f"{first}\r\n{vias}From: {one}\r\nTo: {two}\r\nCall-ID: {self.id}\r\nCSeq: {cseq} {method}\r\n{extra}{kind}"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def send(self, t, method, cseq, branch, to_tag="", extra="", body=b"", inner=True, swap=False):
        """A request of the caller (of the callee: swap); on both hops when there is a proxy that passes it on (`inner`)."""
        line = f"{method} sip:+49{self.n:07d}@gen SIP/2.0"
        first, last = (self.b, self.a) if swap else (self.a, self.b)
        if not self.proxied:
            self.put(t, first, last, self.text(line, method, cseq, branch, to_tag, extra, body, 1, swap))
            return t
        self.put(t, first, PROXY, self.text(line, method, cseq, branch, to_tag, extra, body, 1, swap))
        if inner:
            self.put(t + 300, PROXY, last, self.text(line, method, cseq, branch, to_tag, extra, body, 2, swap))
        return t

    def reply(self, t, code, method, cseq, branch, to_tag=None, extra="", body=b"", inner=True, swap=False):
        """The response: when the caller's hop shows it. `inner`: it comes from behind the proxy."""
        to_tag = self.tag if to_tag is None else to_tag
        last, first = (self.b, self.a) if swap else (self.a, self.b)
        words = f"SIP/2.0 {code} R"
        if not self.proxied:
            self.put(t, first, last, self.text(words, method, cseq, branch, to_tag, extra, body, 1, swap))
            return t
        if inner:
            self.put(t - 300, first, PROXY, self.text(words, method, cseq, branch, to_tag, extra, body, 2, swap))
        self.put(t, PROXY, last, self.text(words, method, cseq, branch, to_tag, extra, body, 1, swap))
        return t

    def seen(self, t, inner=True):
        """When the tap first shows a response that the caller's hop has at t."""
        return t - 300 if self.proxied and inner else t

    def later(self, low_ms, high_ms):
        return self.rng.randrange(low_ms * 1000, high_ms * 1000)

    # -- stories

    def invite(self, t, inner=True, extra=""):
        self.cseq += 1
        self.branch = f"{self.n}i{self.cseq}"
        self.truth["invite"] = t
        self.send(t, "INVITE", self.cseq, self.branch, extra=extra, body=SDP, inner=inner)
        return t

    def challenge(self, t):
        t = self.reply(t + self.later(2, 40), 407, "INVITE", self.cseq, self.branch, f"p{self.cseq}", inner=False)
        self.send(t + 1000, "ACK", self.cseq, self.branch, f"p{self.cseq}", inner=False)
        return t + 1000

    def refuse(self, t, code, extra="", to_tag=None):
        t = self.reply(t, code, "INVITE", self.cseq, self.branch, to_tag, extra=extra)
        self.send(t + 1000, "ACK", self.cseq, self.branch, self.tag if to_tag is None else to_tag)
        return t

    def begin(self, t):
        """Up to the INVITE that is processed, by way of a challenge or a redirection."""
        way = self.rng.random()
        if way < 0.30:
            self.invite(t, inner=False)
            t = self.challenge(t) + self.later(5, 60)
            return self.invite(t, extra='Proxy-Authorization: Digest username="u", response="0"\r\n')
        if way < 0.36:
            self.invite(t)
            t = self.refuse(t + self.later(5, 300), 302, to_tag=f"m{self.n}") + self.later(5, 50)
            return self.invite(t)
        return self.invite(t)

    def ring(self, t, sure=False):
        """100, then no, one or several provisional responses; when the last of them came."""
        rng, truth = self.rng, self.truth
        if rng.random() < 0.8:
            self.reply(t + 1500, 100, "INVITE", self.cseq, self.branch, "", inner=False)
        how = rng.random() if not sure else 0.0
        if how > 0.85:
            return t + 2000
        if rng.random() < 0.15:  # forwarded or queued: a status, but no ringing
            t += self.later(20, 400)
            self.reply(t, rng.choice([181, 182, 183]), "INVITE", self.cseq, self.branch)
            truth["progress"] = truth["progress"] or self.seen(t)
        for i in range(rng.choice([1, 1, 1, 2, 3])):
            t += self.later(30, 2500)
            early = rng.random() < 0.3
            fork = f"{self.tag}f{i}" if rng.random() < 0.1 else None
            self.reply(t, 183 if early else 180, "INVITE", self.cseq, self.branch, fork, body=SDP if early else b"")
            truth["progress"] = truth["progress"] or self.seen(t)
            truth["ring"] = truth["ring"] or self.seen(t)
        return t

    def answer(self, t, ack=True):
        t += self.later(50, 12000)
        self.reply(t, 200, "INVITE", self.cseq, self.branch, body=SDP)
        self.truth.update(outcome="answered", code=200, answer=self.seen(t), ack=ack)
        self.last = t
        if ack:
            self.send(t + 2000, "ACK", self.cseq, self.branch + "k", self.tag)
            self.last = t + 2000 + (300 if self.proxied else 0)
        return t

    def talk(self, t):
        """Until somebody hangs up; some put the other on hold meanwhile."""
        rng = self.rng
        length = rng.choice([self.later(500, 3000), self.later(3000, 10000), self.later(10000, 50000), self.later(1000, 55000)])
        if length > 20 * US and rng.random() < 0.4:
            at = t + length // 2
            self.send(at, "INVITE", self.cseq + 1, f"{self.n}r", self.tag, body=SDP)
            self.reply(at + 9000, 200, "INVITE", self.cseq + 1, f"{self.n}r", body=SDP)
            self.send(at + 12000, "ACK", self.cseq + 1, f"{self.n}rk", self.tag)
        return t + length

    def hang_up(self, t, answer=200):
        by_callee = self.rng.random() < 0.5
        cseq = 1 if by_callee else self.cseq + 2
        self.send(t, "BYE", cseq, f"{self.n}b", self.tag, swap=by_callee)
        self.truth.update(bye=t, end=t, by="callee" if by_callee else "caller")
        if answer is None:
            for wait in (500, 1500, 3500):
                self.packets.append((t + wait * 1000, *self.packets_of(b"BYE")))
            return
        ok = t + self.later(2, 400)
        self.reply(ok, answer, "BYE", cseq, f"{self.n}b", swap=by_callee)
        if answer == 200:
            self.truth["bye_ok"] = self.seen(ok)

    def packets_of(self, method):
        return next(p[1:] for p in self.packets if p[3].startswith(method))

    def story(self):
        weights = dict(answered=48, refused=22, cancelled=10, redirected=3, timeout=3, lost_bye=3, deaf_bye=3, refused_bye=2,
                       no_ack=2, scanner=3, wrong_password=2, middle=2, early_bye=1)
        kind = self.rng.choices(list(weights), list(weights.values()))[0]
        getattr(self, kind)()
        return self

    def answered(self):
        self.hang_up(self.talk(self.answer(self.ring(self.begin(self.t0)))))

    def refused_bye(self):
        self.hang_up(self.talk(self.answer(self.ring(self.begin(self.t0)))), 481)

    def deaf_bye(self):
        self.hang_up(self.talk(self.answer(self.ring(self.begin(self.t0)))), None)

    def no_ack(self):
        self.hang_up(self.talk(self.answer(self.ring(self.begin(self.t0)), ack=False)))

    def lost_bye(self):
        self.answer(self.ring(self.begin(self.t0)))
        self.truth["end"] = None  # the last message: put in when all are known

    def refused(self):
        rng, truth = self.rng, self.truth
        code = rng.choice(FAILURES)
        t = self.ring(self.begin(self.t0)) + self.later(20, 9000)
        cause = rng.choice(CAUSES) if rng.random() < 0.3 else 0
        t = self.refuse(t, code, f'Reason: Q.850;cause={cause};text="x"\r\n' if cause else "")
        rang = truth["ring"] is not None
        if code in BUSY:
            outcome = "busy"
        elif code in (408, 480) and rang:
            outcome = "no_answer"
        elif code in REJECTED or code == 480:
            outcome = "rejected"
        else:
            outcome = "failed"
        by = "network" if outcome == "failed" or code == 408 else "callee"
        truth.update(outcome=outcome, code=code, cause=cause, by=by, end=t)

    def cancelled(self):
        t = self.ring(self.begin(self.t0), sure=self.rng.random() < 0.6) + self.later(100, 9000)
        self.send(t, "CANCEL", self.cseq, self.branch)
        self.reply(t + 4000, 200, "CANCEL", self.cseq, self.branch)
        t = self.refuse(t + self.later(5, 200), 487)
        self.truth.update(outcome="cancelled", code=487, by="caller", end=t)

    def early_bye(self):
        t = self.ring(self.begin(self.t0), sure=True) + self.later(100, 5000)
        self.tag_of_last = self.tag
        self.proxied_before = self.proxied
        self.send(t, "CANCEL", self.cseq, self.branch)
        self.truth.update(outcome="cancelled", code=0, by="caller", end=t)  # the 487 is lost: the CANCEL is all there is

    def redirected(self):
        t = self.ring(self.invite(self.t0)) + self.later(10, 500)
        t = self.refuse(t, self.rng.choice([300, 301, 302, 305, 380]))
        code = int(self.packets_of(b"SIP/2.0 3")[2].split(b" ")[1])
        self.truth.update(outcome="redirected", code=code, by="callee", end=t)

    def timeout(self):
        t = self.invite(self.begin_lost())
        for wait in (500, 1500, 3500, 7500, 15500, 31500):
            self.packets.append((t + wait * 1000, *self.packets_of(b"INVITE")))
        self.truth.update(outcome="lost", timed_out=True)

    def begin_lost(self):
        self.proxied = False
        return self.t0

    def scanner(self):
        self.invite(self.t0, inner=False)
        self.challenge(self.t0)
        self.truth.update(standing="challenged", code=407)

    def wrong_password(self):
        self.invite(self.t0, inner=False)
        t = self.challenge(self.t0) + self.later(5, 60)
        self.invite(t, inner=False, extra='Proxy-Authorization: Digest username="u", response="1"\r\n')
        self.challenge(t)
        self.truth.update(outcome="rejected", code=407, by="network")

    def middle(self):
        """We came late: a re-INVITE is the first that is seen."""
        self.cseq = 5
        self.send(self.t0, "INVITE", 6, f"{self.n}r", self.tag, body=SDP)
        self.reply(self.t0 + 9000, 200, "INVITE", 6, f"{self.n}r", body=SDP)
        self.send(self.t0 + 12000, "ACK", 6, f"{self.n}rk", self.tag)
        self.hang_up(self.t0 + self.later(2000, 30000))
        self.truth["standing"] = "partial"

    def finish(self):
        truth = self.truth
        if truth["end"] is None:
            truth["end"] = max(p[0] for p in self.packets)
        return truth


# -- figures

def effective(c):
    rang = c["progress"] is not None
    if c["outcome"] == "answered":
        return True
    if c["cause"]:
        return c["cause"] in NER_CAUSES or (c["cause"] == 16 and rang)
    code = c["code"] or (487 if c["outcome"] == "cancelled" else 0)
    return code in NER_CODES or (code == 487 and rang)


def gap(a, b):
    return b - a if a is not None and b is not None else None


def delays(c, media_timeout):
    ok = c["outcome"] == "answered"
    done = ok and c["bye_ok"] is not None
    heard = c["ring"] if c["ring"] is not None else c["answer"]
    status = c["progress"] if c["progress"] is not None and c["progress"] >= c["invite"] else c["answer"]
    fails = not ok and c["code"] >= 400 and c["code"] not in (401, 402, 407)
    out = {
        "pdd": gap(c["t0"], heard),
        "srd": gap(c["invite"], status) if ok else None,
        "srd_failed": gap(c["invite"], c["end"]) if fails else None,
        "sdd": gap(c["bye"], c["bye_ok"]) if done else None,
        "sdt": gap(c["answer"], c["bye"]) if done else None,
        "sdt_failed": None,
        "acd": gap(c["answer"], c["bye"] if c["bye"] is not None else c["end"]) if ok else None,
        "ring": gap(c["ring"], c["answer"] if ok else c["end"]),
        "setup": gap(c["t0"], c["answer"]),
        "holding": gap(c["t0"], c["end"]),
    }
    if ok and not done:
        out["sdt_failed"] = c["bye"] + 32 * US - c["answer"] if c["bye"] is not None else c["end"] + media_timeout - c["answer"]
    return out


def most_at_once(calls):
    seconds, starts = {}, {}
    for c in calls:
        for s in range(c["t0"] // US, c["end"] // US + 1):
            seconds[s] = seconds.get(s, 0) + 1
        if c["standing"] != "partial":
            starts[c["t0"] // US] = starts.get(c["t0"] // US, 0) + 1
    return max(seconds.values()), max(starts.values())


def figures(calls, media_timeout):
    tries = [c for c in calls if c["standing"] == "attempt"]
    n = len(tries)
    count = lambda test: sum(1 for c in tries if test(c))
    outcome = lambda name: count(lambda c: c["outcome"] == name)
    answered, redirected = outcome("answered"), count(lambda c: 300 <= c["code"] < 400)
    times = [delays(c, media_timeout) for c in tries]
    talks = [d["acd"] for d in times if d["acd"] is not None]
    counts = {"attempts": n, **{o: outcome(o) for o in ("answered", "busy", "no_answer", "cancelled", "rejected", "redirected",
                                                        "failed", "lost")},
              "ended_3xx": redirected, "timed_out": count(lambda c: c["timed_out"]),
              "rang": count(lambda c: c["ring"] is not None), "talked": len(talks),
              "sdd_failed": count(lambda c: c["outcome"] == "answered" and c["bye"] is not None and c["bye_ok"] is None),
              **{f"released_by_{p}": count(lambda c: c["by"] == p) for p in ("caller", "callee", "network", "unknown")},
              **{s: sum(1 for c in calls if c["standing"] == s) for s in ("challenged", "partial", "unfinished")}}
    user = lambda c: c["outcome"] == "answered" or c["code"] in (480, 486, 600, 603)
    ineffective = lambda c: c["code"] in (408, 500, 503, 504) or c["timed_out"]
    complete = lambda c: c["outcome"] == "answered" and c["ack"] and c["bye_ok"] is not None
    ratios = {"asr": (answered, n), "ner": (count(effective), n), "ser": (answered, n - redirected),
              "seer": (count(user), n - redirected), "isa": (count(ineffective), n), "scr": (count(complete), n),
              "abandon_ratio": (outcome("cancelled"), n),
              **{f"short_{s}s_ratio": (sum(1 for t in talks if t < s * US), len(talks)) for s in (3, 5, 10)}}
    codes, causes = {}, {}
    for c in tries:
        codes[c["code"]] = codes.get(c["code"], 0) + 1
        if c["cause"]:
            causes[c["cause"]] = causes.get(c["cause"], 0) + 1
    concurrent, cps = most_at_once(calls)
    return {"counts": counts, "ratios": ratios, "codes": codes, "causes": causes,
            "delays": {k: sorted(d[k] for d in times if d[k] is not None) for k in times[0]},
            "concurrent_max": concurrent, "cps_max": cps}


# -- the capture

def frame(src, dst, data, ipid):
    udp = struct.pack("!HHHH", 5060, 5060, 8 + len(data), 0) + data
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), ipid & 0xffff, 0x4000, 64, 17, 0,
                     bytes(map(int, src.split("."))), bytes(map(int, dst.split("."))))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + ip[12:]
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + udp


def write(path, packets):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, (t, src, dst, data) in enumerate(packets):
            raw = frame(src, dst, data, i)
            f.write(struct.pack("<IIII", t // US, t % US, len(raw), len(raw)) + raw)


def main():
    count, out, truth_out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 6076)
    t, calls, packets = START, [], []
    for n in range(count):
        t += rng.randrange(2000, 180_000)
        call = Call(n + 1, rng, t).story()
        calls.append(call.finish())
        packets += call.packets
    packets.sort(key=lambda p: p[0])
    end = packets[-1][0]
    ping = b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.0.1;branch=z9hG4bKz\r\nFrom: <sip:z@z>;tag=z\r\nTo: <sip:x@x>\r\n" \
           b"Call-ID: last\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    packets += [(end + s * US, "10.9.0.1", "10.9.0.2", ping) for s in range(10, 400, 10)]  # time goes on
    write(out, packets)
    with open(truth_out, "w") as f:
        json.dump(figures(calls, 60 * US), f)


if __name__ == "__main__":
    main()
