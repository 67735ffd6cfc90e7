"""G03: how well calls and registrations are protected, over all of a capture and over the API."""
from craft import *
from feature import feature
from messages import DAY
from protect import Protector
from srtp import both, protect, secured
from tls import tls_call
from users import NONCE, auth, register, tick
from users_api import FileService

NOTHING = {"calls": 0, "signalling": (0, 0, 0), "media": (0, 0), "keys": (0, 0, 0), "registrations": (0, 0, 0, 0, 0)}


def brief(r):
    s, m, k, g = r["signalling"], r["media"], r["keys"], r["registrations"]
    return {"calls": r["calls"], "signalling": (s["clear"], s["protected"], s["unreadable_connections"]), "media": (m["clear"], m["protected"]),
            "keys": (k["calls"], k["in_clear"], k["weak_suite"]), "registrations": (g["count"], g["basic"], g["md5"], g["without_qop"], g["unchallenged"])}


def keyed(suite):
    a, b = Protector(suite, "a"), Protector(suite, "b")
    return secured(a.attribute(), b.attribute()) + protect(both(), a, b)


@feature("G03", "posture: clear signalling and media, keys in the clear, weak suites, Basic, MD5 and RFC 2069, registrations that nobody is asked for")
def posture(t):
    def seen(packets, *options):
        got, = t.read(frames(sorted(packets, key=lambda p: p.t)), "--posture", *options)
        return got
    def says(what, packets, *options, **wanted):
        got = brief(seen(packets, *options))
        t.equal(what, got, {**NOTHING, **wanted})
        return got
    plain = says("all in the clear", call(), calls=1, signalling=(1, 0, 0), media=(1, 0))
    says("keys in the clear", keyed("AES_CM_128_HMAC_SHA1_80"), calls=1, signalling=(1, 0, 0), media=(0, 1), keys=(1, 1, 0))
    says("a tag of 32 bits", keyed("AES_CM_128_HMAC_SHA1_32"), calls=1, signalling=(1, 0, 0), media=(0, 1), keys=(1, 1, 1))
    null = secured(*[Protector("AES_CM_128_HMAC_SHA1_80", n).attribute().replace("AES_CM_128", "NULL") for n in "ab"])
    says("no encryption at all", null, calls=1, signalling=(1, 0, 0), keys=(1, 1, 1))
    log = t.path("keys")
    packets, _ = tls_call(t, key_log=log)
    says("TLS that is read", packets, "--key-log", log, calls=1, signalling=(0, 1, 0), media=(1, 0))
    says("TLS that is not", [p for p in packets if p.kind != "rtp"], signalling=(0, 0, 1))
    says("a registration that nobody is asked for", register(0, 1) + tick(30), registrations=(1, 0, 0, 0, 1))
    says("MD5 of RFC 2069", register(0, 1, 401, answer=NONCE) + register(0.1, 2, headers=auth()) + tick(30), registrations=(1, 0, 1, 1, 0))
    says("Basic", register(0, 1, headers="Authorization: Basic YTpi\r\n") + tick(30), registrations=(1, 1, 0, 0, 0))
    says("one that failed is none", register(0, 1, 403, answer="") + tick(30))
    t.equal("shares", [seen(p)[k][r] for p in (call(), keyed("AES_CM_128_HMAC_SHA1_80")) for k, r in (("signalling", "clear_ratio"), ("media", "clear_ratio"), ("keys", "in_clear_ratio"))], [1, 1, None, 1, 0, 1])
    everything = call(Dialog(a="10.0.1.1", b="10.0.1.2", call_id="other@test", branch="z9hG4bKo")) + keyed("AES_CM_128_HMAC_SHA1_32") + register(0, 1) + tick(30)
    with FileService(t, sorted(everything, key=lambda p: p.t)) as s:
        got = s.get(f"/api/v1/stats/posture?{DAY}")
        t.equal("over the API the same", ({k: v for k, v in got.items() if k not in ("from", "to", "truncated")}, got["truncated"]), (seen(everything), False))
        t.equal("two calls", (got["calls"], got["signalling"]["clear_ratio"], got["media"]["clear_ratio"], got["keys"]["weak_suite"]), (2, 1, 0.5, 1))
        t.equal("of another time", brief(s.get("/api/v1/stats/posture?from=2023-11-13T00:00:00Z&to=2023-11-13T01:00:00Z")), NOTHING)
    t.counter("protected media looks like the clear one", plain["media"] != brief(seen(keyed("AES_CM_128_HMAC_SHA1_80")))["media"])
