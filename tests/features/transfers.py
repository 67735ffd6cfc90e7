"""Calls that belong together: transfers, Replaces and Join, conferences; holding; queues and agents."""
import datetime
from urllib.parse import quote

from craft import *
from feature import feature

A, B, C, D, MIXER = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.9"
NAMES = {A: "alice", B: "bob", C: "carol", D: "dave", MIXER: "room1"}


class Leg:
    """One dialog between two of the ends above; every message has its time in seconds after START."""

    def __init__(self, scene, call_id, a, b, a_media=4000, b_media=6000, users=None):
        self.scene, self.call_id, self.a, self.b = scene, call_id, a, b
        self.tags = {a: f"f-{call_id}", b: f"t-{call_id}"}
        self.media = {a: a_media, b: b_media}
        self.users = users or {}
        self.cseq = {a: 0, b: 100}

    def user(self, who):
        return self.users.get(who, NAMES[who])

    def party(self, who, tag):
        return f"<sip:{self.user(who)}@{who}>" + (f";tag={self.tags[who]}" if tag else "")

    def other(self, who):
        return self.b if who == self.a else self.a

    def sdp(self, who, lines="", address=None):
        body = sdp(address or who, self.media[who], lines)
        return body

    def say(self, t, who, start, cseq, method, body=b"", headers="", tag=True, caller=None, contact="", kind=""):
        caller = caller or who
        callee = self.other(caller)
        kind = kind or ("application/sdp" if body.startswith(b"v=0") else "")
        kind = f"Content-Type: {kind}\r\n" if kind else ""
        contact = contact or f"<sip:{self.user(who)}@{who}:5060>"
        text = (f"{start}\r\nVia: SIP/2.0/UDP {caller}:5060;branch=z9hG4bK{self.call_id}{method}{cseq}\r\n"
                f"From: {self.party(caller, True)}\r\nTo: {self.party(callee, tag)}\r\nCall-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n"
                f"Max-Forwards: 70\r\nContact: {contact}\r\n{headers}{kind}Content-Length: {len(body)}\r\n\r\n").encode() + body
        p = self.scene.packets
        p.append(Packet(START + t, who, 5060, self.other(who), 5060, text, ipid=len(p) + 1, kind="sip"))

    def ask(self, t, who, method, body=b"", headers="", tag=True, uri=None, **more):
        self.cseq[who] += method != "ACK"
        uri = uri or f"sip:{self.user(self.other(who))}@{self.other(who)}"
        self.say(t, who, f"{method} {uri} SIP/2.0", self.cseq[who], method, body, headers, tag, **more)

    def tell(self, t, who, code, method, body=b"", headers="", tag=True, **more):
        caller = self.other(who)
        self.say(t, who, f"SIP/2.0 {code} Phrase", self.cseq[caller], method, body, headers, tag, caller, **more)

    def invite(self, t, headers="", uri=None, **more):
        self.ask(t, self.a, "INVITE", self.sdp(self.a), headers, tag=False, uri=uri, **more)
        self.tell(t + 0.01, self.b, 100, "INVITE", tag=False)
        return self

    def ring(self, t):
        self.tell(t, self.b, 180, "INVITE")
        return self

    def answer(self, t, **more):
        self.tell(t, self.b, 200, "INVITE", self.sdp(self.b), **more)
        self.ask(t + 0.01, self.a, "ACK")
        return self

    def bye(self, t, who):
        self.ask(t, who, "BYE")
        self.tell(t + 0.01, self.other(who), 200, "BYE")
        return self

    def change(self, t, who, direction="sendrecv", address=None, method="INVITE", answer=None):
        mirror = {"sendonly": "recvonly", "inactive": "inactive", "recvonly": "sendonly"}.get(direction, "sendrecv")
        self.ask(t, who, method, self.sdp(who, f"a={direction}\r\n", address))
        self.tell(t + 0.01, self.other(who), 200, method, self.sdp(self.other(who), f"a={answer or mirror}\r\n"))
        if method == "INVITE":
            self.ask(t + 0.02, who, "ACK")
        return self

    def refer(self, t, who, to, code=202, headers=""):
        self.ask(t, who, "REFER", headers=f"Refer-To: {to}\r\nReferred-By: <sip:{self.user(who)}@{who}>\r\n{headers}")
        self.tell(t + 0.01, self.other(who), code, "REFER")
        return self

    def notify(self, t, who, status, over=False):
        state = "terminated;reason=noresource" if over else "active;expires=60"
        self.ask(t, who, "NOTIFY", f"SIP/2.0 {status} Phrase\r\n".encode(), f"Event: refer\r\nSubscription-State: {state}\r\n",
                 kind="message/sipfrag;version=2.0")
        self.tell(t + 0.005, self.other(who), 200, "NOTIFY")
        return self

    def name(self, seen_by):
        """Value of Replaces or Join as it goes to `seen_by`."""
        return f"{self.call_id};to-tag={self.tags[seen_by]};from-tag={self.tags[self.other(seen_by)]}"

    def talk(self, t, seconds, ssrc):
        for n, (x, y) in enumerate(((self.a, self.b), (self.b, self.a))):
            self.scene.packets += media(x, self.media[x], y, self.media[y], seconds, START + t, ssrc + n)
        return self


class Scene:
    def __init__(self):
        self.packets = []

    def leg(self, call_id, a, b, *more, **named):
        return Leg(self, call_id, a, b, *more, **named)

    def read(self, t, *options):
        got = t.read(frames(sorted(self.packets, key=lambda p: p.t)), *options)
        return {r["call_id"]: r for r in got if r["kind"] == "call"}


def after(time):
    return None if time is None else round(datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() - START, 3)


def groups(got):
    return [got[k].get("group_id") for k in sorted(got)]


def links(got, of):
    names = {r["uid"]: k for k, r in got.items()}
    return sorted((x["kind"], names.get(x["uid"]), x["evidence"]) for x in got[of].get("related", []))


def notes(record, *kinds):
    return [(e["kind"], e["detail"], after(e["at"])) for e in record["events"] if e["kind"] in kinds]


# ---- B07, I09: blind

def blind(result=200, referred_by=True, target="carol", code=202, notify=True, caller=None, bye=True):
    s = Scene()
    one = s.leg("1-ab", A, B).invite(0).ring(0.2).answer(1)
    one.refer(5, B, f"<sip:carol@{C}>", code)
    if code >= 300:
        one.bye(20, A)
        return s
    if notify:
        one.notify(5.02, A, 100)
    two = s.leg("2-ac", A, C, 4002, 6002, users={C: target, **(caller or {})})
    two.invite(5.1, f"Referred-By: <sip:bob@{B}>\r\n" if referred_by else "", uri=f"sip:{target}@{C}").ring(5.3)
    if bye:
        one.bye(5.4, B)
    if result == 200:
        two.answer(15)
        if notify:
            one.notify(15.05, A, 200, over=True)
        two.bye(30, C)
    else:
        two.tell(15, C, result, "INVITE")
        two.ask(15.01, A, "ACK")
        if notify:
            one.notify(15.05, A, result, over=True)
    if not bye:
        one.bye(40, A)
    return s


@feature("B07", "REFER: who transfers whom where, blind; what NOTIFY reports; the call it leads to is linked")
def blind_transfer(t):
    got = blind().read(t)
    one, two = got["1-ab"], got["2-ac"]
    x, = one["transfers"]
    t.equal("the transfer", [x[k] for k in ("kind", "referrer", "refer_to", "sip_code", "notify_code", "outcome", "uid")],
            ["blind", "callee", f"sip:carol@{C}", 202, 200, "success", two["uid"]])
    t.equal("its times", (after(x["at"]), after(x["done_at"])), (5, 15))
    t.equal("a group of the first call's name", groups(got), [one["uid"]] * 2)
    t.equal("links", (links(got, "1-ab"), links(got, "2-ac")),
            ([("transfer_blind", "2-ac", "refer_to, referred_by, referee")], [("transfer_blind", "1-ab", "refer_to, referred_by, referee")]))
    t.equal("the time line", notes(one, "transfer_blind", "transfer_success"), [("transfer_blind", "callee", 5), ("transfer_success", "callee", 15)])
    t.equal("each call keeps its end", [(r["outcome"], after(r["ended_at"])) for r in (one, two)], [("answered", 5.4), ("answered", 30)])
    t.equal("read again, the same names", groups(blind().read(t)), groups(got))
    by_leg = blind(notify=False).read(t)["1-ab"]["transfers"][0]
    t.equal("without NOTIFY the call it led to tells", (by_leg["outcome"], by_leg["notify_code"], after(by_leg["done_at"])), ("success", None, 15))
    plain = blind(referred_by=False).read(t)
    t.equal("without Referred-By the caller tells", links(plain, "2-ac"), [("transfer_blind", "1-ab", "refer_to, referee")])
    other = blind(referred_by=False, caller={A: "eve"}).read(t)
    t.counter("a stranger's call to the same target is not linked", links(other, "2-ac") == [] and groups(other) == [None, None])
    other = blind(target="dora").read(t)
    t.counter("another target is not linked", links(other, "2-ac") == [] and other["1-ab"]["transfers"][0]["uid"] is None)


@feature("B07", "a transfer that fails: refused REFER, busy target")
def failed_transfer(t):
    busy = blind(486, bye=False).read(t)
    x, = busy["1-ab"]["transfers"]
    t.equal("the target is busy", (x["outcome"], x["notify_code"], x["uid"]), ("failed", 486, busy["2-ac"]["uid"]))
    t.equal("the first call goes on", (busy["1-ab"]["outcome"], after(busy["1-ab"]["ended_at"])), ("answered", 40))
    t.equal("still one chain", groups(busy), [busy["1-ab"]["uid"]] * 2)
    refused, = blind(code=603).read(t)["1-ab"]["transfers"]
    t.equal("a refused REFER", (refused["sip_code"], refused["outcome"], refused["uid"]), (603, "failed", None))
    x, = blind(486, notify=False, bye=False).read(t)["1-ab"]["transfers"]
    t.equal("without NOTIFY", (x["outcome"], x["notify_code"]), ("failed", None))
    t.counter("one that is answered", blind().read(t)["1-ab"]["transfers"][0]["outcome"] == "success")


# ---- I09: attended

def attended(replaces=True, tag=None):
    """A and B talk, B asks C, then A and C talk."""
    s = Scene()
    one = s.leg("1-ab", A, B).invite(0).answer(1).talk(1.1, 3.8, 0x1000)
    one.change(5, B, "sendonly")
    two = s.leg("2-bc", B, C, 6010, 6002).invite(6).answer(7).talk(7.1, 2.8, 0x2000)
    two.change(10, B, "sendonly")
    name = two.name(C).replace("to-tag=t", f"to-tag={tag}") if tag else two.name(C)
    one.refer(11, B, f"<sip:carol@{C}?Replaces={quote(name, safe='')}>" if replaces else f"<sip:carol@{C}>")
    three = s.leg("3-ac", A, C, 4010, 6012)
    three.invite(11.1, f"Referred-By: <sip:bob@{B}>\r\n" + (f"Replaces: {name}\r\n" if replaces else ""), uri=f"sip:carol@{C}").answer(11.3)
    three.talk(11.4, 3.5, 0x3000)
    two.bye(11.4, C)
    one.notify(11.5, A, 200, over=True)
    one.bye(11.6, B)
    three.bye(15, A)
    return s


@feature("I09", "attended transfer: three calls are one chain; who talks to whom; which dialog was replaced")
def attended_transfer(t):
    got = attended().read(t)
    first = got["1-ab"]["uid"]
    t.equal("one chain", groups(got), [first] * 3)
    x, = got["1-ab"]["transfers"]
    t.equal("the transfer", [x[k] for k in ("kind", "referrer", "refer_to", "replaces_call_id", "outcome", "uid")],
            ["attended", "callee", f"sip:carol@{C}", "2-bc", "success", got["3-ac"]["uid"]])
    both = "refer_to, replaces"
    t.equal("links of the new call", links(got, "3-ac"), [("replaces", "2-bc", "replaces"), ("transfer_attended", "1-ab", both)])
    t.equal("links of the one that was asked", links(got, "2-bc"), [("replaces", "3-ac", "replaces"), ("transfer_attended", "1-ab", both)])
    t.equal("links of the one that was transferred", links(got, "1-ab"), [("transfer_attended", "2-bc", both), ("transfer_attended", "3-ac", both)])
    t.equal("no call is destroyed", [(r["outcome"], r["end_reason"]) for r in got.values()], [("answered", "bye")] * 3)
    wrong = attended(tag="x").read(t)
    t.counter("tags of no dialog name none", groups(wrong)[1] is None and ("replaces", "2-bc", "replaces") not in links(wrong, "3-ac"))
    t.counter("without Replaces it is a blind one", attended(False).read(t)["1-ab"]["transfers"][0]["kind"] == "blind")


# ---- Replaces: pickup

def pickup(replaces=True, over=False):
    s = Scene()
    one = s.leg("1-ab", A, B).invite(0).ring(0.2)
    if over:
        one.ask(1, A, "CANCEL", tag=False)
        one.cseq[A] -= 1
        one.tell(1.01, B, 487, "INVITE")
        one.ask(1.02, A, "ACK")
    two = s.leg("2-ca", C, A, 6002, 4010)
    two.invite(10 if over else 2, f"Replaces: {one.name(A)};early-only\r\n" if replaces else "").answer(10.5 if over else 2.5)
    if not over:
        one.ask(2.6, A, "CANCEL", tag=False)
        one.tell(2.61, B, 487, "INVITE")
    two.bye(20, C)
    return s


@feature("I09", "Replaces in an INVITE: a ringing call is picked up elsewhere; also one that is lately over")
def picked_up(t):
    got = pickup().read(t)
    t.equal("one chain", groups(got), [got["1-ab"]["uid"]] * 2)
    t.equal("links", (links(got, "2-ca"), links(got, "1-ab")), ([("replaces", "1-ab", "replaces, early")], [("replaces", "2-ca", "replaces, early")]))
    t.equal("the one that rang was cancelled", (got["1-ab"]["outcome"], got["2-ca"]["outcome"]), ("cancelled", "answered"))
    late = pickup(over=True).read(t)
    t.equal("over for 9 s", (links(late, "2-ca"), late["2-ca"].get("group_id")), ([("replaces", "1-ab", "replaces, early")], late["1-ab"]["uid"]))
    t.counter("without the header they are two calls", groups(pickup(False).read(t)) == [None, None])


# ---- A04: join, local mix, focus

def joined(join=True):
    s = Scene()
    one = s.leg("1-ab", A, B).invite(0).answer(1)
    two = s.leg("2-cb", C, B, 6002, 6010)
    two.invite(5, f"Join: {one.name(B)}\r\n" if join else "").answer(5.5)
    two.bye(20, C)
    one.bye(25, A)
    return s


def mixed(resume=10.0, swap=False, user="bob", third=C):
    """B talks to A, holds, calls C, takes A back: three talk."""
    s = Scene()
    one = s.leg("1-ab", A, B).invite(0).answer(1)
    one.change(4, B, "sendonly")
    two = s.leg("2-bc", B, third, 6010, 6002, users={B: user}).invite(5).answer(6)
    if swap:
        two.change(resume - 0.1 if swap == "first" else resume + 0.3, B, "sendonly")
    one.change(resume, B)
    two.bye(20, B)
    one.bye(25, A)
    return s


@feature("A04", "a third one: INVITE with Join; a phone that mixes two calls itself")
def three_way(t):
    got = joined().read(t)
    t.equal("Join: one group", groups(got), [got["1-ab"]["uid"]] * 2)
    t.equal("Join: links", (links(got, "2-cb"), links(got, "1-ab")), ([("join", "1-ab", "join")], [("join", "2-cb", "join")]))
    t.counter("without Join", groups(joined(False).read(t)) == [None, None])
    got = mixed().read(t)
    t.equal("local mix: one group", groups(got), [got["1-ab"]["uid"]] * 2)
    t.equal("local mix: links", links(got, "2-bc"), [("conference", "1-ab", "local_mix")])
    t.equal("local mix: the time line", notes(got["1-ab"], "conference"), [("conference", "local_mix", 11)])
    t.counter("who holds one of two calls mixes none", groups(mixed(swap="first").read(t)) == [None, None])
    t.counter("nor who holds the other a moment later", groups(mixed(swap="then").read(t)) == [None, None])
    t.counter("nor two users at one address", groups(mixed(user="eve").read(t)) == [None, None])


ROOM = '<sip:room1@10.0.0.9:5060>;isfocus'
INFO = """<?xml version="1.0"?><conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:room1@10.0.0.9" state="full" version="%d">
<conference-state><user-count>%d</user-count></conference-state><users>%s</users></conference-info>"""
USER = '<user entity="sip:%s@%s"><endpoint entity="sip:%s"><status>%s</status></endpoint></user>'


def focus(contact=ROOM, room="room1", people=(A, B, C, D), info=(), again=None):
    s = Scene()
    for n, who in enumerate(people):
        leg = s.leg(f"{n + 1}-{NAMES[who]}", who, MIXER, 4000 + 10 * n, 6000 + 10 * n, users={MIXER: room if n % 2 else "room1"})
        leg.invite(n * 2).answer(n * 2 + 1, contact=contact.replace("room1", room) if n % 2 else contact)
        leg.bye(20 + n, who if n % 2 else MIXER)
    for t, status in info:
        user = USER % ("erin", "far.test", "erin@far.test", status)
        body = (INFO % (int(t), len(people) + 1, user)).encode()
        s.leg("sub", MIXER, A).ask(t, MIXER, "NOTIFY", body, "Event: conference\r\nSubscription-State: active\r\n",
                                   kind="application/conference-info+xml")
    return s


@feature("I03", "conferences: the focus, its participants with when they joined and left, one group")
def conference(t):
    got = focus().read(t)
    first = got["1-alice"]["uid"]
    t.equal("one group", groups(got), [first] * 4)
    last = got["4-dave"]["conference"]
    t.equal("the focus", last["focus_uri"], "sip:room1@10.0.0.9:5060")
    t.equal("participants", [(p["user"], after(p["joined_at"]), after(p["left_at"]), p["uid"]) for p in last["participants"]],
            [(k[2:], 2 * n + 1, 20 + n, got[k]["uid"]) for n, k in enumerate(sorted(got))])
    early = got["1-alice"]["conference"]["participants"]
    t.equal("who left first knows who was still there", [(p["user"], after(p["left_at"])) for p in early],
            [("alice", 20), ("bob", None), ("carol", None), ("dave", None)])
    t.equal("links lead to the first", links(got, "3-carol"), [("conference", "1-alice", "focus")])
    told = focus(info=((8, "connected"), (15, "disconnected"))).read(t)["4-dave"]["conference"]["participants"]
    t.equal("whom only the focus knows", [(p["user"], p["uri"], p["uid"], after(p["joined_at"]), after(p["left_at"])) for p in told if p["user"] == "erin"],
            [("erin", "erin@far.test", None, 8, 15)])
    plain = focus(contact="<sip:room1@10.0.0.9:5060>").read(t)
    t.counter("without isfocus there is none", groups(plain) == [None] * 4 and "conference" not in plain["1-alice"])
    two = focus(room="room2").read(t)
    t.counter("two rooms are two groups", len(set(groups(two))) == 2 and two["1-alice"]["group_id"] == two["3-carol"]["group_id"])


# ---- I13

CENTRE = ("--set", "contact_centre.queues=sales = 8001, help = 81*", "--set", "contact_centre.agents=bob the agent = bob, desk = 3*",
          "--set", "contact_centre.queue_headers=X-Queue", "--set", "contact_centre.agent_headers=X-Agent")


def held(style):
    s = Scene()
    one = s.leg("1", A, B, users={B: "8001"}).invite(0).ring(0.5).answer(3, headers="X-Agent: Anna\r\n")
    if style == "inactive":
        one.change(5, B, "inactive")
    elif style == "zero":
        one.change(5, B, address="0.0.0.0")
    elif style == "update":
        one.change(5, B, "sendonly", method="UPDATE")
    elif style == "answer":
        one.change(5, A, "sendrecv", answer="sendonly")
    elif style:
        one.change(5, B, style)
    if style:
        one.change(9, A if style == "answer" else B, method="UPDATE" if style == "update" else "INVITE")
    one.bye(13, A)
    return s


def queued(end="answer", headers="", user="8001", agent="", how=None):
    s = Scene()
    one = s.leg("1", A, B, users={B: user}).invite(0, headers).ring(0.5)
    if end == "answer":
        one.answer(4)
        if how == "update":
            one.change(10, B, method="UPDATE")
            one.ask(12, B, "INFO", headers=agent)
            one.tell(12.01, A, 200, "INFO")
        one.bye(20, A)
    elif end == "cancel":
        one.ask(8, A, "CANCEL", tag=False)
        one.cseq[A] -= 1
        one.tell(8.5, B, 487, "INVITE")
        one.ask(8.52, A, "ACK")
    else:
        one.tell(8, B, end, "INVITE")
        one.ask(8.02, A, "ACK")
    return s


KEYS = ("queue", "agent", "wait_ms", "talk_ms", "hold_ms", "abandoned")


def figures(record):
    centre = record.get("contact_centre")
    return centre and tuple(centre[k] for k in KEYS)


@feature("I13", "queue and agent by header and number; waiting, talking, holding in every style; abandoned")
def contact_centre(t):
    def one(scene, *options):
        return figures(scene.read(t, *CENTRE, *options)["1"])
    for style in ("sendonly", "inactive", "zero", "update", "answer"):
        t.equal(f"hold by {style}", one(held(style)), ("sales", "Anna", 3000, 6000, 4000, False))
    t.counter("without hold there is none", one(held(None)) == ("sales", "Anna", 3000, 10000, 0, False))
    t.counter("recvonly is no hold", one(held("recvonly")) == ("sales", "Anna", 3000, 10000, 0, False))
    t.equal("queue by header", one(queued(headers="X-Queue: Gold\r\n", user="bob"))[:2], ("Gold", "bob the agent"))
    t.equal("a prefix of numbers", one(queued(user="8177"))[0], "help")
    t.equal("agent alone", one(queued(user="345")), (None, "desk", 4000, 16000, 0, False))
    t.equal("abandoned", one(queued("cancel")), ("sales", None, 8500, None, None, True))
    t.equal("refused is not abandoned", one(queued(503)), ("sales", None, 8000, None, None, False))
    t.counter("another number is no queue", one(queued("cancel", user="9001")) is None)
    t.counter("without settings there is none", "contact_centre" not in queued().read(t)["1"])
    own = ("--set", "contact_centre.queue_answers=yes")
    t.equal("the queue answers, then the agent", one(queued(how="update", agent="X-Agent: Anna\r\n"), *own), ("sales", "Anna", 12000, 8000, 0, False))
    t.equal("the queue answers, nobody comes", one(queued(), *own), ("sales", None, 20000, None, None, True))
    t.counter("who answers is an agent unless the queue does", one(queued()) == ("sales", None, 4000, 16000, 0, False))


# ---- A02, A03: a session that changes

def moved(change=True):
    """Both ends go to other addresses and ports in the middle."""
    s = Scene()
    one = s.leg("1", A, B).invite(0).answer(1).talk(1.1, 4, 0x5000)
    if change:
        one.media = {A: 4100, B: 6100}
        one.ask(5.1, A, "INVITE", sdp(C, 4100))
        one.tell(5.12, B, 200, "INVITE", sdp(D, 6100))
        one.ask(5.13, A, "ACK")
        late = media(A, 4000, B, 6000, 0.1, START + 5.1, 0x5000, seq=300)
        s.packets += late
        for x, xp, y, yp, ssrc in ((C, 4100, D, 6100, 0x5000), (D, 6100, C, 4100, 0x5001)):
            s.packets += media(x, xp, y, yp, 4, START + 5.2, ssrc, seq=305 if ssrc == 0x5000 else 300)
    one.bye(10, A)
    return s


@feature("A02", "a re-INVITE with other addresses and ports: one call, the new flows beside the old, late packets kept")
def addresses_change(t):
    got = moved().read(t)
    t.equal("one call", list(got), ["1"])
    one = got["1"]
    t.equal("re-INVITE noted", (one["reinvites"], one["outcome"]), (1, "answered"))
    packets = {(x["src"], x["dst"]): x["packets"] for x in one["streams"]}
    total = {p: sum(x["packets"] for x in one["streams"] if x["party"] == p) for p in ("caller", "callee")}
    t.equal("all packets belong to it, the late ones too", total, {"caller": 405, "callee": 400})
    t.check(f"flows to the new places: {packets}", any(src.startswith(C) and dst.startswith(D) for src, dst in packets) or
            bool(notes(one, "media_moved")))
    t.equal("nothing is lost", sum(x["lost"] for x in one["streams"]), 0)
    still = moved(False).read(t)["1"]
    t.counter("without the change there are the old flows alone",
              still["reinvites"] == 0 and not notes(still, "media_moved") and len(still["streams"]) == 2)


def video(added=True, removed=True):
    s = Scene()
    one = s.leg("1", A, B).invite(0).answer(1).talk(1.1, 8, 0x6000)
    for t, with_video in ((3, added), (6, added and not removed)):
        if not added:
            continue
        port = 1 if with_video else 0
        lines = "m=video {} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        one.ask(t, A, "INVITE", sdp(A, 4000, lines.format(4020 * port)))
        one.tell(t + 0.01, B, 200, "INVITE", sdp(B, 6000, lines.format(6020 * port)))
        one.ask(t + 0.02, A, "ACK")
    if added:
        s.packets += media(A, 4020, B, 6020, 2, START + 3.1, 0x7000, pt=96)
    one.bye(10, A)
    return s


@feature("A03", "video comes and goes: media_added, media_removed, times of its stream; the call goes on")
def media_lines(t):
    one = video().read(t)["1"]
    t.equal("the time line", notes(one, "media_added", "media_removed"), [("media_added", "video", 3.01), ("media_removed", "video", 6.01)])
    t.equal("port 0 does not end the call", (one["outcome"], after(one["ended_at"])), ("answered", 10))
    stream, = [x for x in one["streams"] if x["media_type"] == "video"]
    t.equal("the video stream", (stream["party"], stream["packets"], after(stream["first_at"]), after(stream["last_at"])), ("caller", 100, 3.1, 5.08))
    sound = [x["packets"] for x in one["streams"] if x["media_type"] == "audio"]
    t.equal("sound goes on", sound, [400, 400])
    t.counter("not removed", notes(video(removed=False).read(t)["1"], "media_removed") == [])
    t.counter("not added", notes(video(added=False).read(t)["1"], "media_added", "media_removed") == [])


# ---- segments, asked through the API

def conversation(t, scene):
    """([(from, to, people)], {call: audio offsets}) of /legs, in seconds after START."""
    from service import wait_for
    from users_api import FileService
    def seconds(text):
        return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - START, 1)
    with FileService(t, sorted(scene.packets, key=lambda p: p.t), "[recording]\ndefault = record\n") as s:
        span = "from=2023-11-14T00:00:00Z&to=2023-11-15T00:00:00Z"
        calls = wait_for("the calls", lambda: (lambda d: d if d and all(c["messages"] and (c["recording"] or {}).get("state") != "spooling" for c in d) else None)(s.get(f"/api/v1/calls?{span}")["data"]))
        first = min(calls, key=lambda c: c["started_at"])
        got = s.get(f"/api/v1/calls/{first['uid']}/legs")
        names = {c["uid"]: c["call_id"] for c in calls}
    segments = [(seconds(x["from"]), seconds(x["to"]), sorted(x["users"])) for x in got["segments"]]
    offsets = [[(names[c["uid"]], c["audio_ms"]) for c in x["calls"]] for x in got["segments"]]
    return segments, offsets


@feature("I09", "A, B and C as one conversation: who talked to whom when, and where that is in each recording")
def segments(t):
    got, offsets = conversation(t, attended())
    t.equal("who talked to whom", got, [(1, 5, ["alice", "bob"]), (7, 10, ["bob", "carol"]), (11.3, 15, ["alice", "carol"])])
    t.equal("in which recording", [[name for name, _ in x] for x in offsets], [["1-ab"], ["2-bc"], ["3-ac"]])
    t.check(f"and where: {offsets}", all(ms is not None and 0 <= ms < 200 for x in offsets for _, ms in x))
    alone, _ = conversation(t, attended(replaces=False, tag=None))
    t.counter("a consultation that nothing ties to it is of the conversation", ["bob", "carol"] not in [people for _, _, people in alone])
