/* Which packets the opener of protected media opens, and from which one on. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <srtp2/srtp.h>
#include <string.h>

#include "decode/srtp.h"

#define SSRC    0x5e551017u
#define HEADER  12
#define PAYLOAD 160
#define ROOM    (HEADER + PAYLOAD + 32)

struct sender {
    srtp_t session;
    struct media_key key;
    uint16_t sequence;
    uint8_t packet[ROOM];
};

static struct media_key key_of(uint8_t first)
{
    struct media_key k = {
        .cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 16, .salt_bytes = 14, .tag_bytes = 10};
    memset(k.bytes, first, 30);
    return k;
}

static struct sender sender_of(uint8_t first, uint16_t sequence)
{
    struct sender s = {.key = key_of(first), .sequence = sequence};
    srtp_policy_t policy = {.ssrc = {.type = ssrc_specific, .value = SSRC}, .key = s.key.bytes};
    struct srtp_held *held = srtp_hold();
    srtp_crypto_policy_set_rtp_default(&policy.rtp);
    srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
    cr_assert(eq(int, srtp_create(&s.session, &policy), srtp_err_status_ok));
    srtp_release(held);
    return s;
}

/* The next packet, in the clear or protected. */
static struct slice next(struct sender *s, int payload, bool clear)
{
    int size = HEADER + payload;
    const uint8_t head[HEADER] = {
        0x80, 8,          (uint8_t)(s->sequence >> 8), (uint8_t)s->sequence, 0,          0, 0,
        0,    SSRC >> 24, (SSRC >> 16) & 0xff,         (SSRC >> 8) & 0xff,   SSRC & 0xff};
    s->sequence++;
    memcpy(s->packet, head, HEADER);
    memset(s->packet + HEADER, 0xd5, (size_t)payload);
    if (!clear)
        cr_assert(eq(int, srtp_protect(s->session, s->packet, &size), srtp_err_status_ok));
    return slice_of(s->packet, (size_t)size);
}

static enum srtp_verdict verdict(struct srtp_opener *o, struct slice packet)
{
    struct slice opened;
    return srtp_opener_packet(o, packet, &opened);
}

/* Packets up to the first that is opened, itself with them; `limit` when none is. */
static unsigned opened_after(struct srtp_opener *o, struct sender *s, int payload, unsigned limit)
{
    unsigned n = 1;
    while (n < limit && verdict(o, next(s, payload, false)) != SRTP_OPENED)
        n++;
    return n;
}

static unsigned after_clear(unsigned clear, int clear_payload, int payload)
{
    struct sender s = sender_of(7, 4000);
    struct media_key keys[] = {key_of(3), s.key};
    struct srtp_opener *o = srtp_opener_new(keys, 2, 0);
    for (unsigned i = 0; i < clear; i++)
        cr_assert(eq(int, verdict(o, next(&s, clear_payload, true)), SRTP_UNOPENED));
    unsigned n = opened_after(o, &s, payload, 1000);
    srtp_opener_free(o);
    srtp_dealloc(s.session);
    return n;
}

Test(srtp_opener, the_first_protected_packet_behind_some_in_the_clear_is_opened)
{
    static const unsigned counts[] = {0, 1, 7, 8, 9, 49, 63, 300, 511, 600, 5000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        cr_assert(eq(uint, after_clear(counts[i], PAYLOAD, PAYLOAD), 1), "%u in the clear",
                  counts[i]);
}

Test(srtp_opener, at_most_seven_packets_are_missed_where_all_have_one_size)
{
    for (unsigned clear = 8; clear < 100; clear++)
        cr_assert(le(uint, after_clear(clear, PAYLOAD + 10, PAYLOAD), 8), "%u in the clear", clear);
}

Test(srtp_opener, a_sender_that_wraps_is_followed)
{
    struct sender s = sender_of(9, 65500);
    struct srtp_opener *o = srtp_opener_new(&s.key, 1, 0);
    for (unsigned i = 0; i < 200; i++)
        cr_assert(eq(int, verdict(o, next(&s, PAYLOAD, false)), SRTP_OPENED), "%u", i);
    srtp_opener_free(o);
    srtp_dealloc(s.session);
}

Test(srtp_opener, without_the_key_nothing_is_opened)
{
    struct sender s = sender_of(9, 1);
    struct media_key other = key_of(4);
    struct srtp_opener *o = srtp_opener_new(&other, 1, 0);
    cr_assert(eq(uint, opened_after(o, &s, PAYLOAD, 200), 200));
    srtp_opener_free(o);
    srtp_dealloc(s.session);
}
