/* URIs of people and telephones, headers of identity, secrets overwritten. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "capture/sip/identity.h"
#include "capture/sip/redact.h"
#include "capture/sip/uri.h"
#include "tests/support/guard.h"

static const struct {
    const char *text, *user, *host, *port, *params, *headers, *digits;
    enum uri_scheme scheme;
} uris[] = {
    {"sip:alice@example.com:5070;transport=tcp?Subject=x", "alice", "example.com", "5070",
     "transport=tcp", "Subject=x", "", URI_SIP},
    {"sips:bob:secret@[2001:db8::1]:5061", "bob", "2001:db8::1", "5061", "", "", "", URI_SIPS},
    {"tel:+1-201-555-0123;ext=7", "+1-201-555-0123;ext=7", "", "", "", "", "+12015550123", URI_TEL},
    {"sip:+49(30)123;rn=5@gw;user=phone", "+49(30)123;rn=5", "gw", "", "user=phone", "", "+4930123",
     URI_SIP},
    {"sip:*43%23@pbx", "*43%23", "pbx", "", "", "", "*43#", URI_SIP},
    {"sip:abba@example.com", "abba", "example.com", "", "", "", "", URI_SIP},
    {"sip:ab1@example.com;user=phone", "ab1", "example.com", "", "user=phone", "", "AB1", URI_SIP},
    {"sip:example.com", "", "example.com", "", "", "", "", URI_SIP},
    {"201@pbx", "201", "pbx", "", "", "", "201", URI_SIP},
    {"urn:service:sos", "", "", "", "", "", "", URI_OTHER},
    {"SIP:me@home@proxy;lr", "me@home", "proxy", "", "lr", "", "", URI_SIP},
};

Test(sip_identity, uris_are_taken_apart)
{
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        struct slice text = guard_copy(slice_str(uris[i].text));
        struct sip_uri u;
        cr_assert(sip_uri_parse(text, &u), "%s", uris[i].text);
        cr_expect_eq(u.scheme, uris[i].scheme, "%s", uris[i].text);
        cr_expect(slice_is(u.user, uris[i].user) && slice_is(u.host, uris[i].host) &&
                      slice_is(u.port, uris[i].port) && slice_is(u.params, uris[i].params) &&
                      slice_is(u.headers, uris[i].headers),
                  "%s: user %.*s host %.*s", uris[i].text, SLICE_ARGS(u.user), SLICE_ARGS(u.host));
        cr_expect_str_eq(u.digits, uris[i].digits, "%s", uris[i].text);
        guard_free(text);
    }
}

Test(sip_identity, a_telephone_number_keeps_what_portability_says)
{
    struct sip_uri u;
    cr_assert(sip_uri_parse(
        slice_str("tel:+12015550123;npdi;rn=+1-201-555-0000;cic=+1-0288;isub=9;ext=4"), &u));
    cr_expect(u.ported && u.global && u.user_phone);
    cr_expect(slice_is(u.routing_number, "+1-201-555-0000") && slice_is(u.carrier, "+1-0288") &&
              slice_is(u.isub, "9") && slice_is(u.ext, "4"));
}

Test(sip_identity, headers_say_who_diverted_and_why)
{
    struct sip_diversion d;
    struct sip_history h;
    struct sip_remote_party p;
    struct sip_signed s;
    cr_assert(sip_diversion_parse(
        slice_str("\"Bob\" <sip:201@pbx>;reason=\"no-answer\";counter=3;privacy=full"), &d));
    cr_expect(slice_is(d.reason, "no-answer") && d.counter == 3 && slice_is(d.privacy, "full"));
    cr_assert(sip_history_parse(
        slice_str("<sip:b@x?Privacy=history&Reason=SIP%3Bcause%3D302>;index=1.2;mp=1.1"), &h));
    cr_expect(slice_is(h.index, "1.2") && h.cause == 302 && h.hidden && h.why == 'm' &&
              slice_is(h.from, "1.1"));
    cr_assert(sip_history_parse(slice_str("<sip:b@x;cause=486>;index=1"), &h));
    cr_expect(h.cause == 486 && !h.hidden && h.why == 0);
    cr_assert(
        sip_remote_party_parse(slice_str("<sip:7@x>;party=called;screen=yes;privacy=off"), &p));
    cr_expect(p.called && !p.hidden && slice_is(p.screen, "yes"));
    cr_assert(
        sip_signed_parse(slice_str("a.b.c;info=<https://x/y.pem>;alg=ES256;ppt=\"shaken\""), &s));
    cr_expect(slice_is(s.token, "a.b.c") && slice_is(s.info, "https://x/y.pem") &&
              slice_is(s.ppt, "shaken"));
    cr_expect(sip_privacy_hides(slice_str("critical; id")) &&
              !sip_privacy_hides(slice_str("none")));
}

/* Text, and the text as it may be stored. */
static const char *const secrets[][2] = {
    {"Authorization: Digest username=\"a\", response=\"0123\", cnonce=\"q\"\r\n",
     "Authorization: Digest username=\"a\", response=\"****\", cnonce=\"*\"\r\n"},
    {"proxy-authorization : Digest a=b,\r\n response=0123,c=d\r\n",
     "proxy-authorization : Digest a=b,\r\n response=****,c=d\r\n"},
    {"Authorization: Basic YWJj\r\n", "Authorization: Basic ****\r\n"},
    {"Authorization: Bearer abc.def", "Authorization: Bearer *******"},
    {"Authorization: Digest response=\"01", "Authorization: Digest response=\"**"},
    {"Authentication-Info: qop=auth, rspauth=\"ab\"\n",
     "Authentication-Info: qop=auth, rspauth=\"**\"\n"},
    {"WWW-Authenticate: Digest nonce=\"n\", ik=\"12\", ck=\"34\"\n",
     "WWW-Authenticate: Digest nonce=\"n\", ik=\"**\", ck=\"**\"\n"},
    {"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJD|2^20|1:4;inline:REVG\r\n",
     "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:****|2^20|1:4;inline:****\r\n"},
    {"k=clear:pw\r\n", "k=clear:**\r\n"},
    {"a=key-mgmt:mikey AQAF\r\n", "a=key-mgmt:mikey ****\r\n"},
    {"From: <sip:response=1@x>\r\nX: response=\"2\"\r\na=rtpmap:0 PCMU/8000\r\n", NULL},
    {"Allow: INVITE\r\nP-Asserted-Identity: <sip:a@b>\r\n", NULL},
};

Test(sip_redact, secrets_go_and_lengths_stay)
{
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        struct slice text = guard_copy(slice_str(secrets[i][0]));
        const char *wanted = secrets[i][1] ? secrets[i][1] : secrets[i][0];
        cr_expect_eq(sip_secret_at(text) == text.size, secrets[i][1] == NULL, "%s", secrets[i][0]);
        uint8_t *copy = malloc(text.size);
        memcpy(copy, text.data, text.size);
        sip_redact(copy, text.size);
        cr_expect(slice_is(slice_of(copy, text.size), wanted), "%.*s", (int)text.size, copy);
        free(copy);
        guard_free(text);
    }
}

Test(sip_redact, every_truncation_is_read_within_its_bounds)
{
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        for (size_t n = 0; n < strlen(secrets[i][0]); n++) {
            struct slice text = guard_copy(slice_of(secrets[i][0], n));
            struct sip_uri u;
            struct sip_history h;
            sip_secret_at(text);
            sip_uri_parse(text, &u);
            sip_history_parse(text, &h);
            guard_free(text);
        }
}
