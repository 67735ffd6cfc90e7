"""Signalling that is not a call: registrations, peers, messages, subscriptions, presence, software. What `earshot read` shows
of them; storage and API are asked elsewhere."""
import os

from craft import *
from feature import feature
from service import everything

NONCE = 'WWW-Authenticate: Digest realm="r", nonce="n1"\r\n'
BOUND = "Contact: <sip:alice@10.0.0.1:5060>;expires=60\r\n"


def auth(nonce="n1"):
    return f'Authorization: Digest username="alice-auth", realm="r", nonce="{nonce}", response="cafe0123cafe0123"\r\n'


def message(t, method, cseq, status=None, src=ALICE, dst=BOB, headers="", body=b"", call="u1@test", to="bob", tag=None, sender="alice",
            branch=None, kind="", ftag="ft"):
    """One message at START + t; a response when `status` is given. No Contact but what `headers` says."""
    a, b = (src, dst) if status is None else (dst, src)  # the request went from a to b
    start = f"{method} sip:{to}@example.com SIP/2.0" if status is None else f"SIP/2.0 {status} Phrase"
    tag = tag or ("tt" if status else None)
    text = (f"{start}\r\nVia: SIP/2.0/UDP {a}:5060;branch={branch or f'z9hG4bK{method}{call}{cseq}'}\r\n"
            f"From: <sip:{sender}@example.com>;tag={ftag}\r\nTo: <sip:{to}@Example.COM>{';tag=' + tag if tag else ''}\r\nCall-ID: {call}\r\n"
            f"CSeq: {cseq} {method}\r\n{headers}{f'Content-Type: {kind}' + chr(13) + chr(10) if kind else ''}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    return Packet(START + t, src, 5060, dst, 5060, text, ipid=int(t * 1000) % 65000 + 1, kind="sip")


def register(t, cseq, status=200, contact="<sip:alice@10.0.0.1:5060>;expires=60", headers="", answer=BOUND, rtt=0.02, src=ALICE, call="r1@test"):
    """REGISTER and its answer."""
    lines = (f"Contact: {contact}\r\n" if contact else "") + headers
    out = [message(t, "REGISTER", cseq, src=src, headers=lines + "User-Agent: Phone/1.2.3\r\n", to="alice", call=call)]
    if status:
        out.append(message(t + rtt, "REGISTER", cseq, status, src=BOB, dst=src, headers=answer, to="alice", call=call))
    return out


def tick(t):
    """Time goes on: something harmless."""
    return [Packet(START + t, "10.77.0.1", 9, "10.77.0.2", 9, b"x")]


def shown(t, packets, what, *options, name=None):
    """The objects of a kind that `earshot read --json` shows behind the calls."""
    got = t.read(frames(sorted(packets, key=lambda p: p.t)), f"--{what}", *options)
    name = name or what.rstrip("s")
    return [r[name] for r in got if name in r]


def one(t, packets, what, *options, name=None):
    got = shown(t, packets, what, *options, name=name)
    t.equal(f"objects of {what}", len(got), 1)
    return got[0]


def ms(t, what, got, wanted):
    t.check(f"{what}: {got}, not {wanted}", got is not None and abs(got - wanted) < 0.01)


# ---- B01: registrations

@feature("B01", "a registration: user, contact, source, software, credentials' user; a challenge and its answer are one attempt (RRD)")
def registration(t):
    packets = register(0, 1, 401, answer=NONCE) + register(0.05, 2, headers=auth(), rtt=0.03) + tick(5)
    r = one(t, packets, "registrations")
    t.equal("user", r["aor"], "alice@example.com")
    t.equal("state", (r["state"], r["attempts"], r["successes"], r["failures"], r["challenges"]), ("registered", 1, 1, 0, 1))
    t.equal("where from", (r["ip"], r["port"], r["transport"]), (ALICE, 5060, "udp"))
    t.equal("software and user", (r["user_agent"], r["auth_user"], r["auth_realm"]), ("Phone/1.2.3", "alice-auth", "r"))
    t.equal("contacts", [c["uri"] for c in r["contacts"]], ["sip:alice@10.0.0.1:5060"])
    t.equal("expiry", r["expires_s"], 60)
    ms(t, "RRD of the REGISTER that was accepted", r["rrd_ms"], 30)
    ms(t, "RRD of RFC 6076 4.1, challenge included", r["rrd_full_ms"], 80)
    t.check("the digest response is nowhere", "cafe0123" not in str(r))
    values = t.counters_of(frames(packets))
    t.equal("counted", values['earshot_registrations_total{result="registered"}'], 1)
    t.equal("RRD measured", values["earshot_registration_delay_seconds_count"], 1)
    refused = one(t, register(0, 1, 401, answer=NONCE) + register(0.05, 2, 403, headers=auth(), answer="") + tick(5), "registrations")
    t.counter("403 instead of 200 is a failure", (refused["state"], refused["failures"], refused["sip_code"]) == ("failed", 1, 403))


@feature("B01", "refresh, removal by expires=0 and by Contact: *, expiry by the clock, 423, fetch")
def registration_life(t):
    first = register(0, 1)
    r = one(t, first + register(40, 2) + tick(90), "registrations")
    t.equal("refreshed", (r["state"], r["refreshes"], r["attempts"]), ("registered", 1, 2))
    r = one(t, first + tick(61), "registrations")
    t.equal("expired without it", (r["state"], r["contacts"]), ("expired", []))
    t.check("when it ended", r["ended_at"].startswith("2023-11-14T22:14:20.0"))
    t.counter("the clock decides", one(t, first + tick(59), "registrations")["state"] == "registered")
    gone = register(10, 2, contact="<sip:alice@10.0.0.1:5060>;expires=0", answer="")
    r = one(t, first + gone + tick(20), "registrations")
    t.equal("expires=0", (r["state"], r["removals"], r["contacts"]), ("removed", 1, []))
    star = register(10, 2, contact="*", headers="Expires: 0\r\n", answer="")
    two = register(0, 1, answer=BOUND + "Contact: <sip:alice@10.0.0.8>;expires=60\r\n")
    t.equal("two devices", len(one(t, two + tick(5), "registrations")["contacts"]), 2)
    t.equal("star removes both", one(t, two + star + tick(20), "registrations")["state"], "removed")
    brief = register(0, 1, 423, answer="Min-Expires: 60\r\n") + register(0.1, 2) + tick(5)
    r = one(t, brief, "registrations")
    t.equal("423 and the retry", (r["attempts"], r["too_brief"], r["successes"], r["failures"]), (1, 1, 1, 0))
    t.equal("a question for bindings is none", shown(t, register(0, 1, contact=None) + tick(5), "registrations"), [])
    r = one(t, register(0, 1, status=None) + tick(40), "registrations")
    t.equal("nobody answers: timer F", (r["state"], r["timeouts"], r["failures"], r["sip_code"]), ("failed", 1, 1, None))
    again = register(0, 1, status=None) + [message(0.5, "REGISTER", 1, headers=BOUND, to="alice", call="r1@test")]
    r = one(t, again + tick(40), "registrations")
    t.equal("a copy is no attempt", (r["attempts"], r["retransmissions"]), (1, 1))


@feature("B01", "ineffective attempts (RFC 6076 4.2): 4xx but 401, 402, 407 and 423, 5xx, 6xx, timeout")
def ineffective(t):
    for code, bad in ((400, 1), (403, 1), (404, 1), (500, 1), (503, 1), (603, 1), (402, 0), (302, 0)):
        r = one(t, register(0, 1, code, answer="") + tick(5), "registrations")
        t.equal(f"{code}", (r["attempts"], r["failures"], r["successes"], r["sip_code"]), (1, bad, 0, code))
    wrong = register(0, 1, 401, answer=NONCE) + register(0.1, 2, 401, headers=auth(), answer=NONCE.replace("n1", "n2")) + tick(5)
    r = one(t, wrong, "registrations")
    t.equal("a wrong password", (r["attempts"], r["failures"], r["state"], r["sip_code"]), (1, 0, "failed", 401))
    t.equal("is counted apart", t.counters_of(frames(wrong))['earshot_registrations_total{result="unauthorized"}'], 1)
    stale = register(0, 1, 401, answer=NONCE) + register(0.1, 2, 401, headers=auth(), answer=NONCE.replace('n1"', 'n2", stale=true')) + \
        register(0.2, 3, headers=auth("n2")) + tick(5)
    t.counter("a stale nonce is none", one(t, stale, "registrations")["state"] == "registered")


@feature("H15", "a user who comes from changing addresses stays one user, with the addresses")
def roaming(t):
    packets = []
    for n in range(10):
        packets += register(n * 5, 1, src=f"198.51.100.{n + 1}", call=f"roam{n}")
    r = one(t, packets + tick(60), "registrations")
    t.equal("one user", (r["aor"], r["attempts"], r["refreshes"]), ("alice@example.com", 10, 9))
    t.equal("the last eight addresses, newest first", [s["at"] for s in r["sources"]], [f"198.51.100.{n}:5060" for n in range(10, 2, -1)])
    t.equal("changes", r["source_changes"], 9)
    same = [p for n in range(10) for p in register(n * 5, 1, call=f"roam{n}")]
    t.counter("from one address there is no change", one(t, same + tick(60), "registrations")["source_changes"] == 0)


@feature("H03", "the registrar's table: who is where, with what; a failure leaves others alone")
def location(t):
    packets = register(0, 1) + [message(1, "REGISTER", 1, headers="Contact: <sip:bob@10.0.0.7>\r\nUser-Agent: Desk 2.0\r\n", src="10.0.0.7", dst=BOB,
                                        sender="bob", to="bob", call="b"),
                                message(1.1, "REGISTER", 1, 404, src=BOB, dst="10.0.0.7", sender="bob", to="bob", call="b")] + tick(5)
    got = {r["aor"]: (r["state"], r["ip"], r["user_agent"]) for r in shown(t, packets, "registrations")}
    t.equal("table", got, {"alice@example.com": ("registered", ALICE, "Phone/1.2.3"), "bob@example.com": ("failed", "10.0.0.7", "Desk 2.0")})
    t.counter("without the 404 bob is still trying", {r["aor"]: r["state"] for r in shown(t, [p for p in packets if b"404" not in p.data], "registrations")}
              ["bob@example.com"] == "trying")


# ---- B11: OPTIONS

def ping(t, cseq, status=200, rtt=0.012):
    out = [message(t, "OPTIONS", cseq, call="p")]
    return out + ([message(t + rtt, "OPTIONS", cseq, status, src=BOB, dst=ALICE, call="p")] if status else [])


@feature("B11", "a peer is up while it answers OPTIONS, down after three that were missed")
def peers(t):
    p = one(t, ping(0, 1) + tick(3), "peers")
    t.equal("up", (p["state"], p["requests"], p["answers"], p["misses_in_a_row"], p["sip_code"]), ("up", 1, 1, 0, 200))
    ms(t, "round trip", p["rtt_ms"], 12)
    lost = ping(0, 1) + ping(10, 2, None) + ping(20, 3, None) + ping(30, 4, None)
    p = one(t, lost + tick(70), "peers")
    t.equal("down", (p["state"], p["misses_in_a_row"], p["missed"], p["changes"]), ("down", 3, 3, 1))
    t.counter("two are no outage", one(t, ping(0, 1) + ping(10, 2, None) + ping(20, 3, None) + tick(60), "peers")["state"] == "up")
    t.equal("and an answer brings it back", one(t, lost + ping(80, 5, 503) + tick(90), "peers")["state"], "up")
    t.equal("counted", t.counters_of(frames(lost + tick(70)))["earshot_options_missed_total"], 3)


# ---- B10, I05, I06, I10: messages

def text(t, cseq, status=200, body=b"see you", kind="text/plain", call="m1", sender="alice", delay=0.05):
    out = [message(t, "MESSAGE", cseq, body=body, kind=kind, call=call, sender=sender)]
    return out + ([message(t + delay, "MESSAGE", cseq, status, src=BOB, dst=ALICE, call=call, sender=sender)] if status else [])


@feature("B10", "a message: from, to, time, type, size, code; its text only by setting")
def messages(t):
    for status in (200, 202, 404, 603):
        m = one(t, text(0, 1, status), "messages")
        t.equal(f"{status}", (m["sip_code"], m["from_aor"], m["to_aor"], m["content_type"], m["size_bytes"], m["kind"]),
                (status, "alice@example.com", "bob@example.com", "text/plain", 7, "message"))
        ms(t, "delay", m["delay_ms"], 50)
        t.check("time", m["sent_at"] == "2023-11-14T22:13:20.000000Z")
        t.check("no text", "see you" not in str(m))
    kept = one(t, text(0, 1), "messages", "--set", "messages.keep_body=yes")
    t.counter("with the setting the text is there", kept["body"] == "see you")
    m = one(t, text(0, 1, 407) + text(0.2, 2, 200), "messages")
    t.equal("a challenge is no second message", (m["sip_code"], m["challenges"]), (200, 1))
    m = one(t, text(0, 1, None) + tick(40), "messages")
    t.equal("nobody answers", (m["sip_code"], m["timed_out"]), (None, True))


@feature("I05", "typing and receipts are told apart from messages; a session of MSRP is noted")
def no_messages(t):
    typing = b"<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'><state>active</state></isComposing>"
    receipt = (b"From: <sip:b@x>\r\nTo: <sip:a@x>\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n<imdn xmlns='urn:ietf:params:xml:ns:imdn'>"
               b"<message-id>34jk</message-id><display-notification><status><displayed/></status></display-notification></imdn>")
    packets = text(0, 1, call="a") + text(1, 1, body=typing, kind="application/im-iscomposing+xml", call="b") + \
        text(2, 1, body=receipt, kind="message/cpim", call="c")
    got = shown(t, packets, "messages")
    t.equal("kinds", [m["kind"] for m in got], ["message", "composing", "imdn"])
    t.equal("receipt", (got[2]["imdn"], got[2]["imdn_id"]), ("displayed", "34jk"))
    t.check("typing", got[1]["composing"])
    t.equal("one message is counted", t.counters_of(frames(packets))['earshot_messages_total{kind="message"}'], 1)
    d = Dialog()
    offer = sdp(d.a, 4000) + b"m=message 2855 TCP/MSRP *\r\na=path:msrp://10.0.0.1:2855/x;tcp\r\n"
    m = one(t, call(d, offer=offer), "messages")
    t.equal("session", (m["kind"], m["sip_code"], m["call_id"]), ("session", 200, d.call_id))
    t.counter("a call without such a line has none", shown(t, call(d), "messages") == [])


@feature("I06", "SMS: the content type or the service centre says so; numbers of its RP and TP layer")
def sms(t):
    pdu = bytes.fromhex("01050791947122222 2f20015040c919471103254760000521112010000000 2e834".replace(" ", ""))
    m = one(t, text(0, 1, body=pdu, kind="application/vnd.3gpp.sms"), "messages")
    t.equal("deliver", (m["kind"], m["sms_type"], m["sms_from"]), ("sms", "deliver", "+491701234567"))
    m = one(t, text(0, 1, sender="smsc"), "messages")
    t.equal("text of a centre", (m["kind"], m["sms_type"]), ("sms", "text"))
    t.counter("the same text of a person is a message", one(t, text(0, 1), "messages")["kind"] == "message")


@feature("I10", "files: a link in a message, file-selector of a session; metadata alone")
def files(t):
    m = one(t, text(0, 1, body=b"https://u:p@files.example.com/a/cat.jpg?token=1"), "messages")
    t.equal("link", (m["kind"], m["file_name"], m["file_url"]), ("file", "cat.jpg", "https://files.example.com/a/cat.jpg"))
    offer = (b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=message 2855 TCP/MSRP *\r\n"
             b'a=file-selector:name:"cat.jpg" type:image/jpeg size:4092 hash:sha-1:72:24:5F\r\n')
    m = one(t, call(offer=offer, answer=offer), "messages")
    t.equal("selector", (m["kind"], m["file_name"], m["file_type"], m["file_bytes"], m["file_hash"]),
            ("file", "cat.jpg", "image/jpeg", 4092, "sha-1:72:24:5F"))
    t.counter("a text without a link is none", one(t, text(0, 1), "messages")["file_url"] is None)


RCS = (b'<file xmlns="urn:gsma:params:xml:ns:rcs:rcs:fthttp"><file-info type="thumbnail"><file-size>9</file-size><content-type>image/png</content-type>'
       b'<data url="https://files.example.com/thumb"/></file-info><file-info type="file"><file-size>12345</file-size><file-name>trip.mp4</file-name>'
       b'<content-type>video/mp4</content-type><data url="https://files.example.com/d/7?key=secret" until="2030-01-01T00:00:00Z"/></file-info></file>')
PICTURE = b"\xff\xd8\xff\xe0 bytes of a picture \xff\xd9"
OFFERED = (b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=message 2855 TCP/MSRP *\r\na=accept-types:*\r\n")
SELECTOR = b'a=file-selector:name:"my%20cat.jpg" type:image/jpeg size:4092 hash:sha-1:72:24:5F:E8\r\n'


def stored(data, content):
    """Files below the data directory that hold these bytes."""
    return [os.path.basename(name) for name, held in everything(data).items() if content in held]


@feature("I10", "files through the API: name, size, type and hash of an MSRP offer, of RCS and of a picture; the content is not stored")
def files_served(t):
    from users_api import FileService
    rcs, picture = "application/vnd.gsma.rcs-ft-http+xml", "image/jpeg"
    packets = call(offer=OFFERED + SELECTOR, answer=OFFERED) + text(10, 1, body=RCS, kind=rcs, call="rcs") + text(11, 1, body=PICTURE, kind=picture, call="pic") + \
        text(12, 1, body=b"http://files.example.com/notes.pdf", call="link") + text(13, 1, body=b"see http://files.example.com/x.pdf", call="talk")
    packets.sort(key=lambda p: p.t)
    keys = ("kind", "file_name", "file_type", "file_bytes", "file_hash", "file_url")
    span = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-15T23:00:00Z"}
    with FileService(t, packets) as s:
        got = {m["call_id"]: tuple(m[k] for k in keys) for m in s.list("messages", **span)}
        t.equal("kinds by filter", sorted(m["call_id"] for m in s.list("messages", kind="file", **span)), ["c1@test", "link", "pic", "rcs"])
        t.equal("nothing of the picture on the disk", stored(s.data, b"bytes of a picture"), [])
        t.equal("nor the key of a link", stored(s.data, b"key=secret"), [])
    t.equal("MSRP", got["c1@test"], ("file", "my%20cat.jpg", "image/jpeg", 4092, "sha-1:72:24:5F:E8", None))
    t.equal("RCS: the file, not its thumbnail", got["rcs"], ("file", "trip.mp4", "video/mp4", 12345, None, "https://files.example.com/d/7"))
    t.equal("a picture in the message", got["pic"], ("file", None, "image/jpeg", len(PICTURE), None, None))
    t.equal("a link alone", got["link"], ("file", "notes.pdf", None, None, None, "http://files.example.com/notes.pdf"))
    t.counter("a text with a link in it stays a text", got["talk"][0] == "message")
    plain = one(t, call(offer=OFFERED, answer=OFFERED), "messages")
    t.counter("without file-selector it is a session, of nothing in particular", (plain["kind"], plain["file_name"], plain["file_hash"]) == ("session", None, None))
    other = one(t, call(offer=OFFERED + SELECTOR.replace(b"4092", b"17").replace(b"72:24", b"00:11"), answer=OFFERED), "messages")
    t.counter("another file has another size and hash", (other["file_bytes"], other["file_hash"]) == (17, "sha-1:00:11:5F:E8"))
    broken = one(t, text(0, 1, body=RCS[:-9], kind=rcs), "messages")
    t.counter("XML that breaks off says nothing", (broken["kind"], broken["file_name"]) == ("file", None))
    t.equal("and is counted", t.counters_of(frames(text(0, 1, body=RCS[:-9], kind=rcs)))['earshot_parse_errors_total{proto="xml",reason="syntax"}'], 1)
    with FileService(t, packets, "[messages]\nkeep_body = yes\n") as s:
        t.counter("the setting keeps the content", stored(s.data, b"bytes of a picture") != [])


# ---- B08, B09, I08: subscriptions

def subscribe(t, cseq, event, expires=600, status=200):
    lines = f"Event: {event}\r\nExpires: {expires}\r\n"
    return [message(t, "SUBSCRIBE", cseq, headers=lines, call="s1", tag="tt" if cseq > 1 else None),
            message(t + 0.01, "SUBSCRIBE", cseq, status, src=BOB, dst=ALICE, call="s1", headers=f"Expires: {expires}\r\n")]


def notify(t, cseq, event, state="active;expires=599", kind="", body=b""):
    lines = f"Event: {event}\r\nSubscription-State: {state}\r\n"
    return [message(t, "NOTIFY", cseq, src=BOB, dst=ALICE, headers=lines, call="s1", sender="bob", to="alice", ftag="tt", tag="ft", kind=kind, body=body),
            message(t + 0.01, "NOTIFY", cseq, 200, call="s1", sender="bob", to="alice", ftag="tt", tag="ft")]


MWI = b"Messages-Waiting: yes\r\nMessage-Account: sip:vm@example.com\r\nVoice-Message: 3/5 (1/0)\r\n"
DIALOGS = (b"<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='0' state='full' entity='sip:bob@example.com'>"
           b"<dialog id='1'><state>confirmed</state></dialog></dialog-info>")


def pidf(basic="open", activity=""):
    more = f"<dm:person id='p'><rpid:activities><rpid:{activity}/></rpid:activities></dm:person>" if activity else ""
    return (f"<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' "
            f"xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' entity='pres:bob@example.com'><tuple id='1'><status><basic>{basic}</basic></status>"
            f"</tuple>{more}</presence>").encode()


@feature("B08", "a subscription: event, who about whom, expiry; refused, refreshed, over")
def subscriptions(t):
    for event in ("presence", "dialog", "message-summary"):
        s = one(t, subscribe(0, 1, event) + notify(1, 1, event) + tick(5), "subscriptions")
        t.equal(event, (s["event"], s["state"], s["subscriber"], s["resource"], s["expires_s"], s["notifies"]),
                (event, "active", "alice@example.com", "bob@example.com", 600, 1))
    s = one(t, subscribe(0, 1, "presence", status=489) + tick(2), "subscriptions")
    t.equal("refused", (s["state"], s["reason"], s["sip_code"]), ("terminated", "refused", 489))
    s = one(t, subscribe(0, 1, "dialog", 30) + tick(60), "subscriptions")
    t.equal("expired", (s["state"], s["reason"]), ("terminated", "expired"))
    s = one(t, subscribe(0, 1, "dialog", 30) + subscribe(25, 2, "dialog", 600) + tick(60), "subscriptions")
    t.counter("a refresh keeps it", s["state"] != "terminated" and s["refreshes"] == 1)


@feature("B09", "NOTIFY: sipfrag, presence, dialogs and waiting messages are read")
def notifications(t):
    s = one(t, notify(0, 1, "refer", "terminated;reason=noresource", "message/sipfrag;version=2.0", b"SIP/2.0 486 Busy Here\r\n") + tick(1), "subscriptions")
    t.equal("sipfrag", (s["refer_code"], s["reason"], s["partial"]), (486, "noresource", True))
    s = one(t, notify(0, 1, "dialog", kind="application/dialog-info+xml", body=DIALOGS) + tick(1), "subscriptions")
    t.equal("dialogs", (s["dialog_state"], s["dialog_count"]), ("confirmed", 1))
    p = one(t, notify(0, 1, "presence", kind="application/pidf+xml", body=pidf("closed")) + tick(1), "subscriptions", name="presence")
    t.equal("presence", (p["aor"], p["status"], p["source"]), ("bob@example.com", "offline", "notify"))
    s = one(t, notify(0, 1, "message-summary") + tick(1), "subscriptions")
    t.counter("without a body nothing waits", s["mwi"] is None)


@feature("I08", "message waiting: counts of the newest NOTIFY")
def waiting(t):
    first = subscribe(0, 1, "message-summary") + notify(1, 1, "message-summary", kind="application/simple-message-summary", body=MWI)
    s = one(t, first + tick(5), "subscriptions")
    t.equal("counts", s["mwi"], {"waiting": True, "new": 3, "old": 5, "urgent_new": 1, "urgent_old": 0, "account": "vm@example.com"})
    later = notify(2, 2, "message-summary", kind="application/simple-message-summary", body=b"Messages-Waiting: no\r\nVoice-Message: 0/8 (0/0)\r\n")
    s = one(t, first + later + tick(5), "subscriptions")
    t.counter("they were heard", (s["mwi"]["waiting"], s["mwi"]["new"], s["mwi"]["old"]) == (False, 0, 8))


@feature("I07", "presence: active, idle, busy, away; the newest word and the changes")
def presence(t):
    def publish(at, cseq, body, status=200):
        return [message(at, "PUBLISH", cseq, headers="Event: presence\r\nExpires: 600\r\n", sender="bob", call="pub", kind="application/pidf+xml", body=body),
                message(at + 0.01, "PUBLISH", cseq, status, src=BOB, dst=ALICE, sender="bob", call="pub")]
    packets = publish(0, 1, pidf()) + publish(10, 2, pidf("open", "busy")) + publish(20, 3, pidf("open", "away"))
    p = one(t, packets + tick(30), "subscriptions", name="presence")
    t.equal("newest", (p["aor"], p["status"], p["activity"], p["changes"]), ("bob@example.com", "away", "away", 2))
    history = shown(t, packets + tick(30), "subscriptions", name="presence_change")
    t.equal("history", [(c["before"], c["status"]) for c in history], [("unknown", "active"), ("active", "busy"), ("busy", "away")])
    refused = publish(0, 1, pidf()) + publish(10, 2, pidf("open", "busy"), 403)
    t.counter("a publication that is refused changes nothing", one(t, refused + tick(30), "subscriptions", name="presence")["status"] == "active")


# ---- E03: software

@feature("E03", "software: product, version, first and last seen, count; the table is bounded")
def software(t):
    a = one(t, register(0, 1) + register(20, 2) + tick(30), "peers", name="agent")
    t.equal("name", (a["name"], a["product"], a["version"], a["requests"]), ("Phone/1.2.3", "Phone", "1.2.3", 2))
    t.check("times", a["first_at"] < a["updated_at"])
    def crowd(n):
        return [message(i * 0.001, "OPTIONS", 1, headers=f"User-Agent: Random {i}\r\n", call=f"c{i}") for i in range(n)]
    got = shown(t, crowd(10000), "peers", name="agent")
    t.equal("names kept", len([a for a in got if not a["other"]]), 1000)
    t.equal("the rest together", [a["requests"] for a in got if a["other"]], [9000])
    t.equal("counted", t.counters_of(frames(crowd(10000)))['earshot_user_agent_messages_total{agent="other"}'], 9000)
    t.counter("a hundred names all have room", len(shown(t, crowd(100), "peers", name="agent")) == 100)


# ---- G04, G07: how they are protected

def digest(nonce="n1", nc=None, more=""):
    count = f", qop=auth, nc={nc}, cnonce=\"5ec2e7c0ffee\"" if nc else ""
    return f'Authorization: Digest username="alice-auth", realm="r", nonce="{nonce}", uri="sip:r", response="cafe0123cafe0123"{count}{more}\r\n'


def asked(nonce="n1", more=""):
    return f'WWW-Authenticate: Digest realm="r", nonce="{nonce}"{more}\r\n'


@feature("G04", "Digest of registrations: scheme, realm, user, algorithm, qop, old and reused nonces, failures; response and cnonce nowhere on the disk")
def digests(t):
    def seen(packets):
        r = one(t, packets + tick(30), "registrations")
        return tuple(r[k] for k in ("auth_scheme", "auth_realm", "auth_user", "auth_algorithm", "auth_qop", "stales", "nonce_reuses", "auth_failures"))
    good = register(0, 1, 401, answer=asked(more=', qop="auth", algorithm=SHA-256')) + register(0.1, 2, headers=digest(nc="00000001", more=", algorithm=SHA-256"))
    t.equal("SHA-256 with a count", seen(good), ("Digest", "r", "alice-auth", "SHA-256", "auth", 0, 0, 0))
    old = register(0, 1, 401, answer=asked()) + register(0.1, 2, headers=digest())
    t.equal("RFC 2069: MD5, no qop", seen(old), ("Digest", "r", "alice-auth", "MD5", None, 0, 0, 0))
    t.equal("asked only", seen(register(0, 1, 401, answer=asked(more=", algorithm=AKAv1-MD5")))[:4], ("Digest", None, None, "AKAv1-MD5"))
    t.equal("Basic", seen(register(0, 1, headers="Authorization: Basic YTpi\r\n"))[0], "Basic")
    t.equal("a stale nonce is no failure", seen(good + register(10, 3, 401, headers=digest(nc="00000002"), answer=asked("n2", ", stale=TRUE")) + register(10.1, 4, headers=digest("n2", "00000001")))[5:], (1, 0, 0))
    t.equal("the same nonce, a higher count", seen(good + register(10, 3, headers=digest(nc="0000000a")))[6], 0)
    t.equal("the same nonce and count again", seen(good + register(10, 3, headers=digest(nc="00000001")))[6], 1)
    t.equal("the same nonce without a count", seen(old + register(10, 3, headers=digest()))[6], 1)
    t.equal("a wrong password", seen(register(0, 1, 401, answer=asked()) + register(0.1, 2, 401, headers=digest(), answer=asked("n2")))[7], 1)
    path, data = t.path(), t.path("data")
    write(path, frames(good + tick(30)))
    t.run("run", "--read", path, "--exit", "--data", data, "--port", "0")
    bytes_ = b"".join(everything(data).values())
    t.check("what is told is there", b"alice-auth" in bytes_ and b"SHA-256" in bytes_)
    t.equal("secrets are not", [w for w in (b"cafe0123cafe0123", b"5ec2e7c0ffee") if w in bytes_], [])
    t.counter("MD5 looks like SHA-256", seen(good)[3] != seen(old)[3])


@feature("G07", "registrations that were accepted without any challenge are listed")
def unchallenged(t):
    open_ = register(0, 1)
    closed = [replace(p, data=p.data.replace(b"alice", b"carol"), t=p.t + 1) for p in register(0, 1, 401, answer=NONCE, call="r2@test") + register(0.1, 2, headers=auth(), call="r2@test")]
    cached = [replace(p, data=p.data.replace(b"alice", b"dora"), t=p.t + 2) for p in register(0, 1, headers=auth(), call="r3@test")]
    refused = [replace(p, data=p.data.replace(b"alice", b"eve"), t=p.t + 3) for p in register(0, 1, 403, answer="", call="r4@test")]
    got = {r["user"]: r["unchallenged"] for r in shown(t, open_ + closed + cached + refused + tick(30), "registrations")}
    t.equal("who", got, {"alice": True, "carol": False, "dora": False, "eve": False})
    from users_api import FileService
    with FileService(t, open_ + closed + cached + tick(10)) as s:
        t.equal("listed", ([r["user"] for r in s.list("registrations", unchallenged="true")], len(s.list("registrations", unchallenged="false"))), (["alice"], 2))
        t.equal("by algorithm", sorted(r["user"] for r in s.list("registrations", auth_algorithm="MD5")), ["carol", "dora"])
        t.counter("one that was asked is listed", "carol" not in [r["user"] for r in s.list("registrations", unchallenged="true")])
