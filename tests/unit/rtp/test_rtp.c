/* RTP and RTCP headers. */
#include <criterion/criterion.h>

#include "capture/rtp/rtp.h"
#include "tests/support/guard.h"

static bool parse(struct slice bytes, size_t wire, struct rtp_packet *ret_packet)
{
    struct slice copy = guard_copy(bytes);
    bool ok = rtp_parse(copy, wire, ret_packet);
    guard_free(copy);
    return ok;
}

/* Two CSRCs, an extension of one word, 4 octets of payload, 2 of padding. */
static const uint8_t full[] = {0xb2, 0xe5, 0x12, 0x34, 1,    2,    3, 4, 0xaa, 0xbb, 0xcc, 0xdd,
                               0,    0,    0,    1,    0,    0,    0, 2, 0xbe, 0xde, 0,    1,
                               1,    2,    3,    4,    0x11, 0x22, 3, 4, 0,    2};

Test(rtp, every_field_is_read)
{
    struct rtp_packet p;
    cr_assert(rtp_parse(slice_of(full, sizeof full), sizeof full, &p));
    cr_expect_eq(p.payload_type, 101);
    cr_expect(p.marker);
    cr_expect(p.padding);
    cr_expect_eq(p.csrc_count, 2);
    cr_expect_eq(p.sequence, 0x1234);
    cr_expect_eq(p.timestamp, 0x01020304);
    cr_expect_eq(p.ssrc, 0xaabbccdd);
    cr_expect(slice_equal(p.extension, slice_of(full + 20, 8)));
    cr_expect(slice_equal(p.payload, slice_of(full + 28, 4)));
    cr_expect_eq(rtp_payload_wire(&p, slice_of(full, sizeof full), sizeof full), 4);
}

Test(rtp, every_truncation_is_refused)
{
    struct rtp_packet p;
    for (size_t cut = 0; cut < sizeof full; cut++) {
        bool header = cut >= 28;
        uint8_t last = cut ? full[cut - 1] : 0;
        bool padded = header && last > 0 && last <= cut - 28;
        cr_expect_eq(parse(slice_of(full, cut), cut, &p), padded, "%zu octets of the wire", cut);
        cr_expect_eq(parse(slice_of(full, cut), sizeof full, &p), header, "%zu octets captured",
                     cut);
    }
}

Test(rtp, a_cut_capture_keeps_the_size_on_the_wire)
{
    struct rtp_packet p;
    struct slice cut = slice_of(full, 30);
    cr_assert(rtp_parse(cut, 200, &p));
    cr_expect_eq(p.payload.size, 2);
    cr_expect_eq(rtp_payload_wire(&p, cut, 200), 172);
}

Test(rtp, padding_of_nothing_or_too_much_is_refused)
{
    uint8_t bytes[sizeof full];
    for (unsigned pad = 0; pad < 256; pad++) {
        struct rtp_packet p;
        memcpy(bytes, full, sizeof full);
        bytes[sizeof bytes - 1] = (uint8_t)pad;
        cr_expect_eq(parse(slice_of(bytes, sizeof bytes), sizeof bytes, &p), pad >= 1 && pad <= 6,
                     "%u", pad);
    }
}

Test(rtp, other_versions_are_refused)
{
    for (unsigned version = 0; version < 4; version++) {
        uint8_t bytes[12] = {(uint8_t)(version << 6)};
        struct rtp_packet p;
        cr_expect_eq(parse(slice_of(bytes, 12), 12, &p), version == 2);
    }
}

Test(rtp, first_octets_tell_the_protocols_apart)
{
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second += 31) {
            uint8_t bytes[5] = {(uint8_t)first, (uint8_t)second};
            enum media_kind want = first <= 3                      ? MEDIA_STUN
                                   : first >= 16 && first <= 19    ? MEDIA_OTHER
                                   : first >= 20 && first <= 63    ? MEDIA_DTLS
                                   : first >= 64 && first <= 79    ? MEDIA_TURN_CHANNEL
                                   : first < 128 || first > 191    ? MEDIA_OTHER
                                   : second >= 192 && second < 224 ? MEDIA_RTCP
                                                                   : MEDIA_RTP;
            cr_expect_eq(media_kind_of(slice_of(bytes, 5)), want, "%u %u", first, second);
        }
    }
    cr_expect_eq(media_kind_of(slice_none()), MEDIA_KEEPALIVE);
    cr_expect_eq(media_kind_of(slice_of("\x80\0\0\0", 4)), MEDIA_KEEPALIVE);
    cr_expect_eq(media_kind_of(slice_str("\r\n\r\n")), MEDIA_KEEPALIVE);
    cr_expect_eq(media_kind_of(slice_of("\x10\0\0\1ZRTP\0\0\0\0", 12)), MEDIA_ZRTP);
    cr_expect_eq(media_kind_of(slice_of("\x10\0\0\1ZRTQ\0\0\0\0", 12)), MEDIA_OTHER);
}

/* ---- RTCP ---- */

static const uint8_t compound[] = {
    /* SR with one block */
    0x81, 200, 0, 12, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 0, 0, 0, 10, 0, 0, 0, 11, 0,
    0, 0, 2, 64, 0xff, 0xff, 0xff, 0, 1, 0, 5, 0, 0, 0, 80, 3, 4, 5, 6, 0, 0, 0x80, 0,
    /* SDES: NAME "x", CNAME "ab" */
    0x81, 202, 0, 3, 0, 0, 0, 1, 2, 1, 'x', 1, 2, 'a', 'b', 0,
    /* BYE */
    0x81, 203, 0, 1, 0, 0, 0, 1};

Test(rtcp, a_compound_is_walked_to_its_end)
{
    struct slice copy = guard_copy(slice_of(compound, sizeof compound));
    struct rtcp_walk w = rtcp_walk(copy);
    struct rtcp_packet p;
    cr_assert(rtcp_next(&w, &p));
    cr_expect_eq(p.type, RTCP_SR);
    cr_expect_eq(p.ssrc, 1);
    struct rtcp_sender_info info;
    cr_assert(rtcp_sender_info(&p, &info));
    cr_expect_eq(info.ntp, UINT64_C(0x0102030405060708));
    cr_expect_eq(info.timestamp, 9);
    cr_expect_eq(info.packets, 10);
    cr_expect_eq(info.octets, 11);
    struct rtcp_block b;
    cr_assert(rtcp_block(&p, 0, &b));
    cr_expect_not(rtcp_block(&p, 1, &b));
    cr_expect_eq(b.ssrc, 2);
    cr_expect_eq(b.fraction_lost, 64);
    cr_expect_eq(b.cumulative_lost, -1);
    cr_expect_eq(b.highest_sequence, 65541);
    cr_expect_eq(b.jitter_ticks, 80);
    cr_expect_eq(b.last_sr, 0x03040506);
    cr_expect_eq(b.delay_since_sr, 0x8000);
    struct rtcp_description said;
    cr_expect_not(rtcp_description(&p, 0, &said));
    cr_assert(rtcp_next(&w, &p));
    cr_expect_eq(p.ssrc, 1);
    cr_assert(rtcp_description(&p, 0, &said));
    cr_expect(slice_is(said.cname, "ab"));
    cr_expect_not(rtcp_sender_info(&p, &info));
    cr_assert(rtcp_next(&w, &p));
    cr_expect_eq(p.type, RTCP_BYE);
    cr_expect_eq(p.ssrc, 1);
    cr_expect_not(rtcp_next(&w, &p));
    cr_expect_not(w.failed);
    guard_free(copy);
}

static void read_everything(const struct rtcp_packet *p)
{
    struct rtcp_sender_info info;
    struct rtcp_block block;
    struct rtcp_description said;
    rtcp_sender_info(p, &info);
    for (unsigned n = 0; rtcp_block(p, n, &block); n++)
        cr_assert_lt(n, 31);
    rtcp_description(p, 0, &said);
}

Test(rtcp, every_truncation_is_refused)
{
    static const size_t ends[] = {0, 52, 68, sizeof compound};
    for (size_t cut = 0; cut <= sizeof compound; cut++) {
        struct slice copy = guard_copy(slice_of(compound, cut));
        struct rtcp_walk w = rtcp_walk(copy);
        struct rtcp_packet p;
        unsigned whole = 0;
        while (rtcp_next(&w, &p)) {
            read_everything(&p);
            whole++;
        }
        unsigned want = 0;
        while (want < 3 && ends[want + 1] <= cut)
            want++;
        cr_expect_eq(whole, want, "%zu octets", cut);
        cr_expect_eq(w.failed, cut != ends[want], "%zu octets", cut);
        guard_free(copy);
    }
}

Test(rtcp, thirty_one_blocks_are_read_and_no_more)
{
    uint8_t rr[8 + 31 * 24] = {0x80 | 31, 201, 0, 187};
    rr[3] = (sizeof rr / 4 - 1) & 0xff;
    rr[2] = (sizeof rr / 4 - 1) >> 8;
    for (unsigned i = 0; i < 31; i++)
        rr[8 + i * 24 + 3] = (uint8_t)i;
    struct rtcp_walk w = rtcp_walk(slice_of(rr, sizeof rr));
    struct rtcp_packet p;
    struct rtcp_block b;
    cr_assert(rtcp_next(&w, &p));
    for (unsigned i = 0; i < 31; i++) {
        cr_assert(rtcp_block(&p, i, &b));
        cr_expect_eq(b.ssrc, i);
    }
    cr_expect_not(rtcp_block(&p, 31, &b));
}

Test(rtcp, a_report_without_room_for_its_blocks_is_refused)
{
    uint8_t rr[] = {0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0,    0, 5,
                    0,    0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0};
    struct rtcp_walk w = rtcp_walk(slice_of(rr, sizeof rr));
    struct rtcp_packet p;
    struct rtcp_block b;
    cr_assert(rtcp_next(&w, &p));
    cr_expect(rtcp_block(&p, 0, &b));
    cr_expect_eq(b.cumulative_lost, 5);
    cr_expect_not(rtcp_block(&p, 1, &b));
    for (uint8_t count = 2; count < 32; count++) {
        rr[0] = 0x80 | count;
        w = rtcp_walk(slice_of(rr, sizeof rr));
        cr_expect(!rtcp_next(&w, &p) && w.failed, "%u blocks", count);
    }
    const uint8_t sr[] = {0x80, 200, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0,
                          0,    0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    w = rtcp_walk(slice_of(sr, sizeof sr));
    cr_expect(!rtcp_next(&w, &p) && w.failed);
}

Test(rtcp, cumulative_loss_is_signed_over_its_whole_range)
{
    static const struct {
        uint8_t octets[3];
        int32_t lost;
    } cases[] = {{{0, 0, 0}, 0},
                 {{0x7f, 0xff, 0xff}, 8388607},
                 {{0x80, 0, 0}, -8388608},
                 {{0xff, 0xff, 0xff}, -1},
                 {{0xff, 0xfc, 0x19}, -999}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t rr[32] = {0x81, 201, 0, 7};
        memcpy(rr + 13, cases[i].octets, 3);
        struct rtcp_walk w = rtcp_walk(slice_of(rr, sizeof rr));
        struct rtcp_packet p;
        struct rtcp_block b;
        cr_assert(rtcp_next(&w, &p) && rtcp_block(&p, 0, &b));
        cr_expect_eq(b.cumulative_lost, cases[i].lost);
    }
}

Test(rtcp, reduced_size_and_empty_packets_are_accepted)
{
    const uint8_t feedback[] = {0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
    struct rtcp_walk w = rtcp_walk(slice_of(feedback, sizeof feedback));
    struct rtcp_packet p;
    cr_assert(rtcp_next(&w, &p));
    cr_expect_eq(p.type, RTCP_PSFB);
    cr_expect_eq(p.body.size, 4);
    const uint8_t bye[] = {0x80, 203, 0, 0};
    w = rtcp_walk(slice_of(bye, sizeof bye));
    cr_assert(rtcp_next(&w, &p));
    cr_expect_eq(p.ssrc, 0);
    const uint8_t rr[] = {0x80, 201, 0, 0};
    w = rtcp_walk(slice_of(rr, sizeof rr));
    cr_expect_not(rtcp_next(&w, &p));
    cr_expect(w.failed);
}

Test(rtcp, only_the_last_packet_may_be_padded)
{
    const uint8_t last[] = {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4};
    struct rtcp_walk w = rtcp_walk(slice_of(last, sizeof last));
    struct rtcp_packet p;
    cr_assert(rtcp_next(&w, &p));
    cr_expect_eq(p.body.size, 0);
    const uint8_t first[] = {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0x80, 203, 0, 0};
    w = rtcp_walk(slice_of(first, sizeof first));
    cr_expect_not(rtcp_next(&w, &p));
    cr_expect(w.failed);
    const uint8_t odd[] = {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3};
    w = rtcp_walk(slice_of(odd, sizeof odd));
    cr_expect_not(rtcp_next(&w, &p));
}
