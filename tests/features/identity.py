"""Groups B, C, E, H of the feature table, where they say who somebody is: numbers, identity headers, chosen headers, signatures, reasons, secrets."""
import base64, json, os, signal, subprocess, time

from craft import *
from feature import Failure, feature
from service import everything, wait_for

GERMANY = "[numbers]\ncountry_code = 49\narea_code = 30\n"


def invite_with(headers, d=None, **more):
    """A call whose INVITE has these headers."""
    return [replace(p, data=p.data.replace(b"User-Agent: craft\r\n", b"User-Agent: craft\r\n" + headers.encode()))
            if p.data.startswith(b"INVITE") else p for p in call(d, **more)]


def config(t, text):
    path = t.path("conf")
    with open(path, "w") as f:
        f.write(text)
    return ["--config", path]


def one(t, packets, text=""):
    records = t.read(frames(packets), *config(t, text))
    t.equal("one call", len(records), 1)
    return records[0]


def names(record, side="caller"):
    return record[side]["number"], record[side]["source"], record[side]["raw"]


# ---- E01, E02

@feature("E01", "sip:, sips: and tel: URIs: the number by the rules of the place, beside the raw one")
def numbers(t):
    for user, number in (("0301234567", "+49301234567"), ("0049-89-22", "+498922"), ("1234567", "+49301234567"), ("201", "201"), ("+1-212-555-0123", "+12125550123"),
                         ("alice", None), ("*43#", "*43#")):
        r = one(t, call(Dialog(from_user=user, to_user=user)), GERMANY)
        t.equal(f"caller {user}", names(r), (number, "from", user))
        t.equal(f"callee {user}", names(r, "callee"), (number, "to", user))
        t.equal("From stays raw", r["from"]["user"], user)
    for uri in ("sips:0301234567@10.0.0.1", "tel:030-1234567", "tel:+49-30-1234567;ext=7"):
        packets = [replace(p, data=p.data.replace(b"<sip:alice@10.0.0.1>;tag", f"<{uri}>;tag".encode())) for p in call()]
        r = one(t, packets, GERMANY)
        t.equal(uri, (r["caller"]["number"], r["from"]["uri"]), ("+49301234567", uri))
    same = call(Dialog(from_user="0301234567"))
    t.counter("without a country code it stays as it was", names(one(t, same))[0] == "0301234567")
    t.counter("another country makes another number", names(one(t, same, "[numbers]\ncountry_code = 33\n"))[0] == "+33301234567")
    t.counter("so does a rule", names(one(t, same, GERMANY + "rules = 030 = +4171\n"))[0] == "+41711234567")
    refused = t.run("--check-config", config(t, "[numbers]\nrules = x = y\n")[1], code=None)
    t.check("a rule that is none is refused by name", refused.returncode == 2 and "numbers.rules" in refused.stderr + refused.stdout)


@feature("E02", "P-Asserted-Identity, Remote-Party-ID, From: the first that is there, in an order that can be set")
def sources(t):
    d = Dialog(from_user="0301")
    pai = 'P-Asserted-Identity: "A" <sip:alice@example.com>, <tel:+49-30-111>\r\n'
    rpid = '"B" <sip:030222222@x>;party=calling;privacy=full;screen=yes'
    every = invite_with(pai + f"Remote-Party-ID: {rpid}\r\nP-Preferred-Identity: <sip:030333333@x>\r\n", d)
    t.equal("asserted, the value that is a number", names(one(t, every, GERMANY)), ("+4930111", "pai", "+49-30-111"))
    for order, wanted in (("rpid, pai, from", ("+4930222222", "rpid", "030222222")), ("ppi, from", ("+4930333333", "ppi", "030333333")),
                          ("from", ("0301", "from", "0301"))):
        t.equal(order, names(one(t, every, GERMANY + f"caller_from = {order}\n")), wanted)
    t.check("privacy= of the one that was taken", one(t, every, GERMANY + "caller_from = rpid\n")["caller"]["privacy"])
    t.equal("From stays", one(t, every, GERMANY)["from"]["user"], "0301")
    t.counter("without the headers From names the caller", names(one(t, call(d), GERMANY)) == ("0301", "from", "0301"))
    called = invite_with("Remote-Party-ID: <sip:030222222@x>;party=called\r\n", d)
    t.counter("party=called is not the caller", names(one(t, called, GERMANY))[1] == "from")
    asked = one(t, call(Dialog(to_user="030444444")), GERMANY + "callee_from = request_uri\n")
    t.equal("the Request-URI as the callee", names(asked, "callee"), ("+4930444444", "request_uri", "030444444"))


@feature("E02", "Privacy is shown beside the number and takes nothing away")
def privacy(t):
    headers = "P-Asserted-Identity: <sip:+4930111@x>\r\n"
    hidden = one(t, invite_with(headers + "Privacy: id;critical\r\n"))
    t.equal("number, wish and header", (hidden["caller"]["number"], hidden["caller"]["privacy"], hidden["privacy"]), ("+4930111", True, "id;critical"))
    t.check("an anonymous From is a wish too", one(t, call(Dialog(from_user="anonymous")))["caller"]["privacy"])
    for plain in (one(t, invite_with(headers)), one(t, invite_with(headers + "Privacy: none\r\n"))):
        t.counter("without the wish none is shown", plain["caller"]["privacy"] is False)


@feature("E02", "Diversion, History-Info, Referred-By, number portability")
def history(t):
    headers = ('Diversion: <sip:030555555@x>;reason=no-answer;counter=2;privacy=full, <tel:+4930666666>;reason="user-busy"\r\n'
               'History-Info: <sip:bob@x?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1\r\n'
               'History-Info: <sip:030777777@x;cause=486>;index=1.1;mp=1\r\nReferred-By: "C" <sip:carol@x>\r\n')
    r = one(t, invite_with(headers, Dialog(to_user="+4930888;npdi;rn=+4930999")), GERMANY)
    t.equal("diversions", [(v["number"], v["reason"], v["counter"], v["privacy"]) for v in r["diversion"]],
            [("+4930555555", "no-answer", 2, True), ("+4930666666", "user-busy", 1, False)])
    t.equal("history", [(v["number"], v["index"], v["change"], v["changed_from"], v["cause"], v["privacy"]) for v in r["history"]],
            [(None, "1", None, None, 302, True), ("+4930777777", "1.1", "mp", "1", 486, False)])
    t.equal("referrer", r["referred_by"], "sip:carol@x")
    t.equal("ported", (r["callee"]["number"], r["callee"]["ported"], r["callee"]["routing_number"]), ("+4930888", True, "+4930999"))
    many = one(t, invite_with("".join(f"Diversion: <sip:{n}@x>\r\n" for n in range(40))))
    t.equal("bounded", len(many["diversion"]), 16)
    t.counter("without them there is no list", not {"diversion", "history", "referred_by"} & set(one(t, call())))


# ---- E09, B15

@feature("E09", "headers that the settings name are in the record; unknown ones stay in the message")
def chosen(t):
    text = "[record]\nheaders = X-Customer-Id, Subject, X-Long\n"
    packets = invite_with("x-customer-id: 4711\r\nX-Customer-Id: 4712\r\ns: folded\r\n  value\r\nX-Other: y\r\n")
    t.equal("by any case, compact form, folded, several", one(t, packets, text)["headers"], {"X-Customer-Id": "4711, 4712", "Subject": "folded value"})
    long = one(t, invite_with(f"X-Long: {'z' * 400}\r\n"), text)
    t.equal("cut and said so", (long["headers"]["X-Long"], long["headers_cut"]), ("z" * 256, True))
    t.counter("a header that is not named is not there", "headers" not in one(t, packets))
    t.counter("without the header neither", "headers" not in one(t, call(), text))
    bad = t.run("--check-config", config(t, "[record]\nheaders = Authorization\n")[1], code=None)
    t.check("credentials need a word of their own", bad.returncode == 2 and "keep_credentials" in bad.stderr + bad.stdout)


# ---- H07

@feature("H07", "Reason headers: several values, who said them, and what the cause means")
def reasons(t):
    line = b'Reason: SIP;cause=200;text="elsewhere", Q.850;cause=17;text="busy"\r\n'
    packets = [replace(p, data=p.data.replace(b"User-Agent: craft\r\n", b"User-Agent: craft\r\n" + line)) if p.data.startswith(b"BYE") else p for p in call()]
    r = one(t, packets)
    t.equal("reasons", [(v["party"], v["message"], v["protocol"], v["cause"], v["text"]) for v in r["reason_headers"]],
            [("caller", "BYE", "SIP", 200, "elsewhere"), ("caller", "BYE", "Q.850", 17, "busy")])
    t.equal("cause and its meaning", (r["q850_cause"], r["q850_text"]), (17, "user busy"))
    plain = one(t, call())
    t.counter("without the header there is none", "reason_headers" not in plain and plain["q850_text"] is None)


# ---- STIR

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A key on P-256, its certificate, and PASSporTs by it; openssl does the signing."""

    def __init__(self, t, name="sp.pem"):
        self.t, self.key, self.pem = t, t.path("key"), os.path.join(os.path.dirname(t.path("x")), name)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", self.pem,
                     "-subj", "/CN=SHAKEN", "-days", "3650")

    def openssl(self, *args, data=None):
        done = subprocess.run(["openssl", *args], input=data, capture_output=True)
        if done.returncode:
            raise Failure(f"openssl: {done.stderr.decode()[-300:]}")
        return done.stdout

    def sign(self, text):
        der, at, out = self.openssl("dgst", "-sha256", "-sign", self.key, data=text.encode()), 2, b""
        for _ in range(2):
            size = der[at + 1]
            out += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + size
        return b64(out)

    def identity(self, orig="4930111111", dest="4930222222", iat=int(START), name="sp.pem", compact=False):
        url = f"https://cr.example/{name}"
        if compact:
            header, payload = {"alg": "ES256", "typ": "passport", "x5u": url}, {"dest": {"tn": [dest]}, "iat": iat, "orig": {"tn": orig}}
        else:
            header = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": url}
            payload = {"attest": "A", "dest": {"tn": [dest]}, "iat": iat, "orig": {"tn": orig}, "origid": "de305d54-75b4-431b-adb2-eb6b9e546014"}
        text = ".".join(b64(json.dumps(x, separators=(",", ":")).encode()) for x in (header, payload))
        seal = self.sign(text)
        return f"Identity: {'..' if compact else text + '.'}{seal};info=<{url}>;alg=ES256{'' if compact else ';ppt=shaken'}\r\n"


@feature("E02", "STIR/SHAKEN: the PASSporT decoded, its signature checked by given certificates")
def stir(t):
    d = Dialog(from_user="+4930111111", to_user="+4930222222")
    signer = Signer(t)
    text = f"[stir]\ncertificates = {signer.pem}\n"

    def result(headers, text=text):
        return one(t, invite_with(headers, d), text)["passports"][0]["result"]

    good = signer.identity()
    passport = one(t, invite_with(good, d), text)["passports"][0]
    t.equal("claims", {k: passport[k] for k in ("result", "attest", "orig", "dest", "ppt", "alg", "origid", "x5u", "issued_at")},
            {"result": "verified", "attest": "A", "orig": "4930111111", "dest": "4930222222", "ppt": "shaken", "alg": "ES256",
             "origid": "de305d54-75b4-431b-adb2-eb6b9e546014", "x5u": "https://cr.example/sp.pem", "issued_at": "2023-11-14T22:13:20.000000Z"})
    t.equal("without certificates", result(good, ""), "no_certificate")
    t.equal("old", result(signer.identity(iat=int(START) - 600)), "stale")
    t.equal("old, but all ages are fine", result(signer.identity(iat=int(START) - 600), text + "max_age = 0\n"), "verified")
    t.equal("another caller", result(signer.identity(orig="4930999999")), "number_mismatch")
    t.equal("by any key that fits", result(signer.identity(name="other.pem")), "verified")
    t.equal("compact", result("Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n" + signer.identity(compact=True)), "verified")
    t.equal("no token", result("Identity: abc\r\n"), "unreadable")
    at = good.index(";info") - 20
    t.counter("a changed signature is bad", result(good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1:]) == "bad_signature")
    t.counter("without the header there is none", "passports" not in one(t, call(d), text))


# ---- secrets

@feature("E02", "Digest responses and media keys are nowhere on the disk, unless a setting keeps them")
def secrets(t):
    words = [b"6629fae49393a05397450978507c4ef1", b"c0ffee5ec2e7", b"WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"]
    d = Dialog()
    key = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{words[2].decode()}|2^20|1:4\r\n"
    packets = invite_with(f'Authorization: Digest username="alice", realm="r", nonce="n", uri="sip:b",\r\n response="{words[0].decode()}",cnonce="{words[1].decode()}"\r\n',
                          d, offer=sdp(d.a, 4000, key))

    def kept(text):
        """All bytes of all files that a service which read this call leaves behind."""
        path, data = t.path(), os.path.join(t.path("service"), "data")
        os.makedirs(os.path.dirname(data))
        write(path, frames(packets))
        conf = config(t, "[api]\nport = 0\n" + text)
        service = subprocess.Popen([t.earshot, "run", *conf, "--data", data, "--read", path], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for("the call is stored", lambda: any(b"c1@test" in b for b in everything(data).values()) and not time.sleep(1))
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(20)
        return b"".join(everything(data).values())

    t.check("sent", all(any(w in p.data for p in packets) for w in words))
    bytes_ = kept("")
    t.check("the message is there", b"User-Agent: craft" in bytes_ and b'username="alice"' in bytes_)
    t.equal("no secret is", [w for w in words if w in bytes_], [])
    t.check("as many bytes stand in its place", b'response="' + b"*" * len(words[0]) + b'"' in bytes_)
    open_ = kept("[record]\nkeep_credentials = yes\n")
    t.counter("with the setting they are there", all(w in open_ for w in words))
