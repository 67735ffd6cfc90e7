/* Properties: whatever is cut off or altered, the parsers stay inside the datagram and end; what
 * they say is consistent. */
#include "capture/sip/identity.h"
#include "capture/sip/sdp.h"
#include "tests/support/guard.h"
#include "tests/unit/sip/expect.h"

static const char *const messages[] = {
    "INVITE sip:+49301234@sbc.example.net:5060;user=phone SIP/2.0\r\n"
    "Via: SIP/2.0/UDP [2001:db8::9:1]:5060;rport;branch=z9hG4bKPj3f7a, SIP/2.0/UDP "
    "10.1.2.3;branch=z9hG4bK2\r\n"
    "From: \"Alice \\\"A\\\" Example\" <sip:+49409876@example.net;user=phone>;tag=5f0c\r\n"
    "t: <tel:+49301234;phone-context=x>\r\n"
    "Contact: <sip:alice@192.0.2.10:5060;ob>;expires=60,\r\n <sip:b@h>\r\n"
    "Call-ID: 0f7ae31a@192.0.2.10\r\n"
    "CSeq: 20451 INVITE\r\n"
    "Proxy-Authorization: Digest username=\"a\", realm=\"r,\\\"\", nonce=n\r\n"
    "Reason: SIP;cause=200, Q.850;cause=16;text=\"x\"\r\n"
    "Content-Type: multipart/mixed;boundary=\"b1\"\r\n"
    "Content-Length: 395\r\n"
    "\r\n"
    "--b1\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    "--b1\r\nContent-Type: application/sdp\r\n\r\n"
    "v=0\r\no=- 1 2 IN IP4 192.0.2.10\r\ns=call\r\nc=IN IP4 224.2.1.1/127/3\r\nt=0 "
    "0\r\na=sendonly\r\n"
    "m=audio 4000/2 RTP/AVP 8 0 96 101\r\na=rtcp:4001 IN IP6 ::1\r\na=rtpmap:96 opus/48000/2\r\n"
    "a=fmtp:101 0-16\r\na=ptime:20\r\na=ssrc:12 cname:x\r\nm=video 4002 RTP/SAVP 97\r\n"
    "a=crypto:1 AES inline:k\r\na=fingerprint:sha-1 AB\r\n"
    "--b1--\r\n",
    "SIP/2.0 200 OK\nv: SIP / 2.0 / UDP\n h;branch=1\nf: A <sip:a@b>;tag=1\nt: <sip:c@d>;tag=2\ni: "
    "x\n"
    "CSeq: 1 BYE\nl: 0\n\n",
};

static void inside(struct slice part, struct slice whole, const char *what)
{
    if (part.size)
        cr_expect(part.data >= whole.data && part.data + part.size <= whole.data + whole.size, "%s",
                  what);
}

static void look_at_sdp(struct slice body)
{
    static struct sdp s;
    if (sdp_parse(body, &s) != SDP_OK)
        return;
    cr_assert(s.media_count <= SDP_MEDIA_MAX);
    for (unsigned i = 0; i < s.media_count; i++) {
        cr_assert(s.media[i].format_count <= SDP_FORMATS_MAX &&
                  s.media[i].crypto_count <= SDP_CRYPTO_MAX);
        inside(s.media[i].proto, body, "proto");
        inside(s.media[i].mid, body, "mid");
        for (unsigned f = 0; f < s.media[i].format_count; f++)
            inside(s.media[i].formats[f].fmtp, body, "fmtp");
    }
}

/* Calls everything that the header offers. */
static enum sip_verdict look_at(struct slice datagram, struct sip_msg *m)
{
    enum sip_verdict verdict = sip_parse(datagram, m);
    cr_expect(sip_looks_like(datagram) == (verdict == SIP_OK || verdict == SIP_BAD));
    if (verdict != SIP_OK)
        return verdict;
    inside(m->whole, datagram, "whole");
    inside(m->body, datagram, "body");
    inside(m->call_id, datagram, "call_id");
    inside(m->from.tag, datagram, "tag");
    inside(m->via.branch, datagram, "branch");
    struct slice item, value;
    struct sip_addr addr;
    struct sip_via via;
    struct sip_reason reason;
    char text[64];
    for (unsigned id = 0; id <= SIP_H_OTHER; id++) {
        for (unsigned n = 0; sip_header_item(m, id, n, &item); n++) {
            inside(item, datagram, "item");
            sip_addr_parse(item, &addr);
            sip_via_parse(item, &via);
            sip_auth_param(item, "nonce", &value);
            sip_unfold(item, text, sizeof text);
        }
    }
    for (unsigned n = 0; sip_header_item(m, SIP_H_REASON, n, &item); n++)
        sip_reason_parse(item, &reason);
    struct slice sdp = sip_body_part(m, "application/sdp");
    inside(sdp, datagram, "sdp");
    look_at_sdp(sdp);
    return verdict;
}

Test(sip_robust, every_truncation_is_survived_and_tells_no_half_call_id)
{
    static struct sip_msg m;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct slice whole = slice_str(messages[i]);
        cr_assert(sip_parse(whole, &m) == SIP_OK);
        struct slice call_id = m.call_id;
        for (size_t size = 0; size <= whole.size; size++) {
            struct slice copy = guard_copy(slice_sub(whole, 0, size));
            if (look_at(copy, &m) == SIP_OK)
                cr_expect(m.call_id.size == 0 || slice_equal(m.call_id, call_id), "cut at %zu",
                          size);
            guard_free(copy);
        }
    }
}

Test(sip_robust, every_altered_byte_is_survived)
{
    static const uint8_t bytes[] = {0,   '\r', '\n', ' ', '"', '\\', '<', '>', ',',
                                    ';', ':',  '=',  '[', '/', '9',  '-', 0xff};
    static struct sip_msg m;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct slice copy = guard_copy(slice_str(messages[i]));
        uint8_t *writable = (uint8_t *)(uintptr_t)copy.data;
        for (size_t at = 0; at < copy.size; at++) {
            uint8_t kept = writable[at];
            for (size_t b = 0; b < sizeof bytes; b++) {
                writable[at] = bytes[b];
                look_at(copy, &m);
            }
            writable[at] = kept;
        }
        guard_free(copy);
    }
}

Test(sip_robust, every_removed_byte_is_survived)
{
    static struct sip_msg m;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        char text[4096];
        size_t size = strlen(messages[i]);
        for (size_t at = 0; at < size; at++) {
            memcpy(text, messages[i], at);
            memcpy(text + at, messages[i] + at + 1, size - at - 1);
            struct slice copy = guard_copy(slice_of(text, size - 1));
            look_at(copy, &m);
            guard_free(copy);
        }
    }
}

Test(sip_robust, every_truncation_of_an_sdp_is_survived)
{
    struct slice sdp = slice_str(strstr(messages[0], "v=0"));
    for (size_t size = 0; size <= sdp.size; size++) {
        struct slice copy = guard_copy(slice_sub(sdp, 0, size));
        look_at_sdp(copy);
        guard_free(copy);
    }
}
