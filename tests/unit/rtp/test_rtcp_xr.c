/* Extended reports: every block type, every length, every value that means "not known". */
#include <criterion/criterion.h>

#include <math.h>

#include "capture/rtp/rtcp_xr.h"
#include "tests/support/guard.h"

/* An XR packet of SSRC 1 around the blocks. */
static struct slice xr_packet(uint8_t *room, const uint8_t *blocks, size_t size)
{
    uint8_t head[8] = {0x80, 207, 0, (uint8_t)(1 + size / 4), 0, 0, 0, 1};
    memcpy(room, head, sizeof head);
    memcpy(room + 8, blocks, size);
    return slice_of(room, 8 + size);
}

static bool only_block(const uint8_t *block, size_t size, struct xr_block *ret_block)
{
    static uint8_t room[1024];
    struct rtcp_walk packets = rtcp_walk(xr_packet(room, block, size));
    struct rtcp_packet p;
    cr_assert(rtcp_next(&packets, &p));
    struct xr_walk w = xr_walk(&p);
    return xr_next(&w, ret_block);
}

#define BLOCK(bytes, ret) cr_assert(only_block(bytes, sizeof bytes, ret))

static const uint8_t voip[36] = {
    7,    0,    0,    8,    0x11, 0x22, 0x33, 0x44,  /* SSRC */
    64,   32,   128,  16,                            /* loss, discard, densities */
    0x01, 0x2c, 0x0b, 0xb8, 0x00, 0x64, 0x00, 0x28,  /* durations, delays */
    0xeb, 0xc4, 60,   16,   93,   80,   43,   41,    /* levels .. MOS-LQ, MOS-CQ */
    0xb3, 0,    0x00, 0x28, 0x00, 0x50, 0x00, 0xf0}; /* configuration, buffer */

Test(xr, all_fields_of_voip_metrics_are_read)
{
    struct xr_block b;
    struct xr_voip v;
    BLOCK(voip, &b);
    cr_expect_eq(b.ssrc, 0x11223344);
    cr_assert(xr_voip(&b, &v));
    cr_expect_eq(v.loss_ratio, 0.25);
    cr_expect_eq(v.discard_ratio, 0.125);
    cr_expect_eq(v.burst_density, 0.5);
    cr_expect_eq(v.gap_density, 0.0625);
    cr_expect_eq(v.burst_ms, 300);
    cr_expect_eq(v.gap_ms, 3000);
    cr_expect_eq(v.round_trip_ms, 100);
    cr_expect_eq(v.end_system_ms, 40);
    cr_expect_eq(v.signal_dbm0, -21);
    cr_expect_eq(v.noise_dbm0, -60);
    cr_expect_eq(v.rerl_db, 60);
    cr_expect_eq(v.gmin, 16);
    cr_expect_eq(v.r, 93);
    cr_expect_eq(v.r_external, 80);
    cr_expect_eq(v.plc, 2);
    cr_expect_eq(v.buffer, 3);
    cr_expect_eq(v.buffer_rate, 3);
    cr_expect_eq(v.buffer_nominal_ms, 40);
    cr_expect_eq(v.buffer_max_ms, 80);
    cr_expect_eq(v.buffer_limit_ms, 240);
}

Test(xr, octet_26_is_listening_quality_and_127_is_no_score)
{
    struct xr_block b;
    struct xr_voip v;
    BLOCK(voip, &b);
    cr_assert(xr_voip(&b, &v));
    cr_expect_eq(v.mos_lq, 4.3);
    cr_expect_eq(v.mos_cq, 4.1);
    for (unsigned value = 0; value < 256; value++) {
        uint8_t block[36];
        memcpy(block, voip, sizeof block);
        block[24] = block[25] = block[26] = block[27] = block[22] = (uint8_t)value;
        BLOCK(block, &b);
        cr_assert(xr_voip(&b, &v));
        cr_expect_eq(isnan(v.mos_lq), value < 10 || value > 50, "%u", value);
        cr_expect_eq(isnan(v.mos_cq), value < 10 || value > 50, "%u", value);
        cr_expect_eq(isnan(v.r), value > 100, "%u", value);
        cr_expect_eq(isnan(v.r_external), value > 100, "%u", value);
        cr_expect_eq(isnan(v.rerl_db), value > 126, "%u", value);
    }
}

Test(xr, levels_of_127_and_delays_of_0_are_not_known)
{
    struct xr_block b;
    struct xr_voip v;
    uint8_t block[36];
    memcpy(block, voip, sizeof block);
    block[20] = block[21] = 127;
    memset(block + 16, 0, 4);
    BLOCK(block, &b);
    cr_assert(xr_voip(&b, &v));
    cr_expect(isnan(v.signal_dbm0) && isnan(v.noise_dbm0));
    cr_expect(isnan(v.round_trip_ms) && isnan(v.end_system_ms));
}

Test(xr, a_block_that_is_not_as_long_as_its_type_is_stepped_over)
{
    uint8_t blocks[8 + 36] = {7, 0, 0, 1, 0x11, 0x22, 0x33, 0x44};
    uint8_t room[64];
    struct rtcp_packet p;
    struct xr_block b;
    struct xr_voip v;
    memcpy(blocks + 8, voip, sizeof voip);
    struct rtcp_walk packets = rtcp_walk(xr_packet(room, blocks, sizeof blocks));
    cr_assert(rtcp_next(&packets, &p));
    struct xr_walk w = xr_walk(&p);
    cr_assert(xr_next(&w, &b));
    cr_expect(b.misshapen && !b.known);
    cr_expect_not(xr_voip(&b, &v));
    cr_assert(xr_next(&w, &b));
    cr_expect(xr_voip(&b, &v));
    cr_expect_not(xr_next(&w, &b));
    cr_expect_not(w.failed);
}

Test(xr, unknown_types_are_stepped_over_by_length)
{
    uint8_t blocks[4 + 12 + 36] = {0, 9, 0, 0, 200, 1, 0, 2};
    uint8_t room[64];
    struct rtcp_packet p;
    struct xr_block b;
    memcpy(blocks + 16, voip, sizeof voip);
    struct rtcp_walk packets = rtcp_walk(xr_packet(room, blocks, sizeof blocks));
    cr_assert(rtcp_next(&packets, &p));
    struct xr_walk w = xr_walk(&p);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert(xr_next(&w, &b));
        cr_expect(!b.known && !b.misshapen);
    }
    cr_assert(xr_next(&w, &b));
    cr_expect_eq(b.type, XR_VOIP);
    cr_expect(b.known);
}

Test(xr, an_extended_report_behind_others_is_found)
{
    uint8_t compound[8 + 12 + 8 + 36] = {0x80, 201, 0, 1,  0, 0, 0, 1,               /* RR */
                                         0x81, 202, 0, 2,  0, 0, 0, 1, 1, 1, 'a', 0, /* SDES */
                                         0x80, 207, 0, 10, 0, 0, 0, 1};              /* XR */
    struct rtcp_packet p;
    struct xr_block b;
    struct xr_voip v;
    memcpy(compound + 28, voip, sizeof voip);
    struct rtcp_walk packets = rtcp_walk(slice_of(compound, sizeof compound));
    for (unsigned i = 0; i < 3; i++)
        cr_assert(rtcp_next(&packets, &p));
    struct xr_walk w = xr_walk(&p);
    cr_assert(xr_next(&w, &b) && xr_voip(&b, &v));
}

Test(xr, reference_times_and_their_answers)
{
    const uint8_t rrtr[] = {4, 0, 0, 2, 0x83, 0xaa, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc};
    const uint8_t dlrr[] = {5,    0,    0, 6, 0, 0, 0, 7, 0x12, 0x34, 0x56, 0x78, 0, 0,
                            0x33, 0x33, 0, 0, 0, 8, 0, 0, 0,    0,    0,    0,    0, 0};
    struct xr_block b;
    struct xr_dlrr d;
    uint32_t mid32;
    BLOCK(rrtr, &b);
    cr_assert(xr_reference_time(&b, &mid32));
    cr_expect_eq(mid32, 0x12345678);
    BLOCK(dlrr, &b);
    cr_assert(xr_dlrr(&b, 0, &d));
    cr_expect_eq(d.ssrc, 7);
    cr_expect_eq(d.last_rr, 0x12345678);
    cr_expect_eq(d.delay, 0x3333);
    cr_assert(xr_dlrr(&b, 1, &d));
    cr_expect_eq(d.ssrc, 8);
    cr_expect_not(xr_dlrr(&b, 2, &d));
    cr_expect_not(xr_reference_time(&b, &mid32));
}

Test(xr, statistics_hold_what_their_flags_say)
{
    uint8_t block[40] = {6, 0xe8, 0, 9, 0, 0, 0, 2, 0, 10, 0, 20, 0, 0, 0, 3, 0,  0,  0,  4,
                         0, 0,    0, 5, 0, 0, 0, 6, 0, 0,  0, 7,  0, 0, 0, 8, 60, 64, 62, 1};
    struct xr_block b;
    struct xr_statistics s;
    BLOCK(block, &b);
    cr_assert(xr_statistics(&b, &s));
    cr_expect_eq(s.begin, 10);
    cr_expect_eq(s.end, 20);
    cr_expect_eq(s.lost, 3);
    cr_expect_eq(s.duplicates, 4);
    cr_expect_eq(s.jitter_min, 5);
    cr_expect_eq(s.jitter_deviation, 8);
    cr_expect_eq(s.ttl_min, 60);
    cr_expect_eq(s.ttl_deviation, 1);
    block[1] = 0;
    BLOCK(block, &b);
    cr_assert(xr_statistics(&b, &s));
    cr_expect_eq(s.lost, -1);
    cr_expect_eq(s.duplicates, -1);
    cr_expect_eq(s.jitter_mean, -1);
    cr_expect_eq(s.ttl_max, -1);
}

Test(xr, run_lengths_count_what_arrived)
{
    /* 100 received, 5 lost, 15 by one of which 13 were received: 120 numbers. */
    const uint8_t loss[] = {1, 0,   0,    4,   0,    0, 0,    9,    0, 50,
                            0, 170, 0x40, 100, 0x00, 5, 0xff, 0xfc, 0, 0};
    struct xr_block b;
    struct xr_rle r;
    BLOCK(loss, &b);
    cr_assert(xr_rle(&b, &r));
    cr_expect_eq(r.begin, 50);
    cr_expect_eq(r.end, 170);
    cr_expect_eq(r.covered, 120);
    cr_expect_eq(r.ones, 113);
}

Test(xr, run_lengths_say_no_more_than_their_range)
{
    uint8_t block[] = {2, 0, 0, 3, 0, 0, 0, 9, 0xff, 0xfe, 0, 8, 0x7f, 0xff, 0x7f, 0xff};
    struct xr_block b;
    struct xr_rle r;
    BLOCK(block, &b);
    cr_assert(xr_rle(&b, &r));
    cr_expect_eq(r.covered, 10);
    cr_expect_eq(r.ones, 10);
    block[1] = 2; /* every fourth number */
    block[12] = 0xff;
    BLOCK(block, &b);
    cr_assert(xr_rle(&b, &r));
    cr_expect_eq(r.covered, 3);
    cr_expect_eq(r.ones, 3);
    block[0] = 25;
    BLOCK(block, &b);
    cr_expect(xr_rle(&b, &r));
}

Test(xr, receipt_times_belong_to_numbers)
{
    const uint8_t block[] = {3, 1, 0, 4, 0, 0, 0, 9, 0xff, 0xff, 0, 3, 0, 0, 0, 7, 0, 0, 0, 8};
    struct xr_block b;
    uint16_t sequence;
    uint32_t ticks;
    BLOCK(block, &b);
    cr_assert(xr_receipt_time(&b, 1, &sequence, &ticks));
    cr_expect_eq(sequence, 1);
    cr_expect_eq(ticks, 8);
    cr_expect_not(xr_receipt_time(&b, 2, &sequence, &ticks));
}

Test(xr, measurement_information_and_delays)
{
    const uint8_t information[] = {14, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5,  0,    1, 0, 5,
                                   0,  1, 1, 5, 0, 5, 0, 0, 0, 0, 0, 60, 0x80, 0, 0, 0};
    const uint8_t delay[] = {16,   0xc0, 0,    6,    0,    0,    0, 9, 0, 0, 0x80, 0, 0, 0,
                             0x40, 0,    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0};
    const uint8_t variation[] = {15,   0xc4, 0,    4,    0,    0,    0,    9,    0x01, 0x40,
                                 0x5f, 0,    0x7f, 0xff, 0xff, 0xff, 0xff, 0xf0, 0,    0};
    struct xr_block b;
    struct xr_measurement m;
    struct xr_delay d;
    struct xr_delay_variation v;
    BLOCK(information, &b);
    cr_assert(xr_measurement(&b, &m));
    cr_expect_eq(m.first, 5);
    cr_expect_eq(m.interval_first, 0x10005);
    cr_expect_eq(m.last, 0x10105);
    cr_expect_eq(m.interval_s, 5);
    cr_expect_eq(m.total_s, 60.5);
    BLOCK(delay, &b);
    cr_assert(xr_delay(&b, &d));
    cr_expect_eq(d.mean_ms, 500);
    cr_expect_eq(d.min_ms, 250);
    cr_expect(isnan(d.max_ms));
    cr_expect_eq(d.end_system_ms, 250);
    BLOCK(variation, &b);
    cr_assert(xr_delay_variation(&b, &v));
    cr_expect_eq(v.kind, 1);
    cr_expect_eq(v.positive_ms, 20);
    cr_expect_eq(v.positive_percent, 95);
    cr_expect(isnan(v.negative_ms) && isnan(v.negative_percent));
    cr_expect_eq(v.mean_ms, -1);
}

Test(xr, bursts_of_loss_and_of_discards)
{
    const uint8_t loss[] = {20, 0xc0, 0,  5, 0, 0,   0, 9,    16, 0, 0x03, 0xe8,
                            0,  0,    50, 0, 0, 200, 0, 0x31, 0,  0, 0,    2};
    const uint8_t discard[] = {21, 0xc0, 0, 3, 0, 0, 0, 9, 16, 0, 0, 5, 0, 0, 25, 0};
    const uint8_t own[] = {35, 0xc0, 0, 5, 0, 0, 0, 9,  16, 0, 0, 40,
                           0,  0,    6, 0, 2, 0, 0, 30, 0,  0, 0, 11};
    const uint8_t summary[] = {17, 0xc0, 0, 3, 0, 0, 0, 9, 0x40, 0, 0x20, 0, 0, 80, 0xff, 0xff};
    const uint8_t discards[] = {18, 0xc0, 0, 2, 0, 0, 0, 9, 0x80, 0, 0xff, 0xfe};
    struct xr_block b;
    struct xr_bursts v;
    struct xr_burst_summary s;
    BLOCK(loss, &b);
    cr_assert(xr_bursts(&b, &v));
    cr_expect_eq(v.threshold, 16);
    cr_expect_eq(v.burst_ms, 1000);
    cr_expect_eq(v.packets, 50);
    cr_expect_eq(v.expected, 200);
    cr_expect_eq(v.bursts, 3);
    cr_expect_eq(v.squares_ms2, INT64_C(0x100000002));
    cr_expect_eq(v.discards, -1);
    BLOCK(discard, &b);
    cr_assert(xr_bursts(&b, &v));
    cr_expect_eq(v.packets, 5);
    cr_expect_eq(v.expected, 25);
    cr_expect_eq(v.bursts, -1);
    BLOCK(own, &b);
    cr_assert(xr_bursts(&b, &v));
    cr_expect_eq(v.burst_ms, 40);
    cr_expect_eq(v.packets, 6);
    cr_expect_eq(v.bursts, 2);
    cr_expect_eq(v.expected, 30);
    cr_expect_eq(v.discards, 11);
    BLOCK(summary, &b);
    cr_assert(xr_burst_summary(&b, &s));
    cr_expect_eq(s.burst_ratio, 0.25);
    cr_expect_eq(s.gap_ratio, 0.125);
    cr_expect_eq(s.mean_ms, 80);
    cr_expect(isnan(s.variance_ms2));
    BLOCK(discards, &b);
    cr_assert(xr_burst_summary(&b, &s));
    cr_expect_eq(s.burst_ratio, 0.5);
    cr_expect(isnan(s.gap_ratio) && isnan(s.mean_ms));
}

Test(xr, frames_buffers_and_discards)
{
    const uint8_t frames[] = {19, 0, 0, 6, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0,
                              0,  3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6};
    const uint8_t buffer[] = {23, 0xe0, 0, 3, 0, 0, 0, 9, 0, 40, 0, 80, 0, 60, 0xff, 0xff};
    const uint8_t packets[] = {24, 0xe0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 12};
    const uint8_t bytes[] = {26, 0xa0, 0, 2, 0, 0, 0, 9, 0, 0, 1, 0};
    struct xr_block b;
    struct xr_frames f;
    struct xr_buffer v;
    struct xr_discards d;
    BLOCK(frames, &b);
    cr_assert(xr_frames(&b, &f));
    cr_expect_eq(f.begin, 1);
    cr_expect_eq(f.end, 9);
    cr_expect_eq(f.discarded, 3);
    cr_expect_eq(f.duplicated, 4);
    cr_expect_eq(f.lost, 5);
    cr_expect_eq(f.lost_partly, 6);
    BLOCK(buffer, &b);
    cr_assert(xr_buffer(&b, &v));
    cr_expect(v.adaptive);
    cr_expect_eq(v.nominal_ms, 40);
    cr_expect_eq(v.max_ms, 80);
    cr_expect_eq(v.high_ms, 60);
    cr_expect(isnan(v.low_ms));
    BLOCK(packets, &b);
    cr_assert(xr_discards(&b, &d));
    cr_expect(!d.early && d.late && !d.interval);
    cr_expect_eq(d.count, 12);
    BLOCK(bytes, &b);
    cr_assert(xr_discards(&b, &d));
    cr_expect(d.early && !d.late && d.interval);
    cr_expect_eq(d.count, 256);
}

Test(xr, opinion_scores_and_concealment)
{
    const uint8_t mos[] = {29,   0xc0, 0,    3,    0,    0,    0,    9,
                           0x01, 0x88, 0x04, 0x40, 0x81, 0x08, 0x24, 0x00};
    const uint8_t concealment[] = {30, 0xd0, 0, 6, 0, 0,  0, 9, 0, 0, 0x27, 0x10, 0,    0,
                                   0,  200,  0, 0, 0, 60, 0, 2, 0, 0, 0xff, 0xff, 0xff, 0xff};
    const uint8_t seconds[] = {31, 0xd0, 0, 4, 0, 0, 0, 9, 0, 0, 0, 50, 0, 0, 0, 10, 0, 3, 0, 100};
    struct xr_block b;
    struct xr_mos m;
    struct xr_concealment v;
    struct xr_concealed_seconds s;
    BLOCK(mos, &b);
    cr_assert(xr_mos(&b, 0, &m));
    cr_expect_eq(m.algorithm, 3);
    cr_expect_eq(m.payload_type, 8);
    cr_expect_eq(m.channel, 0);
    cr_expect_eq(m.mos, 4.25);
    cr_assert(xr_mos(&b, 1, &m));
    cr_expect_eq(m.channel, 1);
    cr_expect_eq(m.mos, 4);
    cr_expect_not(xr_mos(&b, 2, &m));
    BLOCK(concealment, &b);
    cr_assert(xr_concealment(&b, &v));
    cr_expect_eq(v.plc, 1);
    cr_expect_eq(v.played_ms, 10000);
    cr_expect_eq(v.concealed_ms, 200);
    cr_expect_eq(v.adjusted_ms, 60);
    cr_expect_eq(v.interrupts, 2);
    cr_expect_eq(v.mean_interrupt_ms, -1);
    BLOCK(seconds, &b);
    cr_assert(xr_concealed_seconds(&b, &s));
    cr_expect_eq(s.unimpaired, 50);
    cr_expect_eq(s.concealed, 10);
    cr_expect_eq(s.severe, 3);
    cr_expect_eq(s.threshold_ms, 100);
}

/* Asks a block for everything; each reader answers only for its own type. */
static unsigned ask_all(const struct xr_block *b)
{
    struct xr_voip voip_metrics;
    struct xr_dlrr dlrr;
    struct xr_statistics statistics;
    struct xr_rle rle;
    struct xr_measurement measurement;
    struct xr_delay_variation variation;
    struct xr_delay delay;
    struct xr_bursts bursts;
    struct xr_burst_summary summary;
    struct xr_frames frames;
    struct xr_buffer buffer;
    struct xr_discards discards;
    struct xr_mos mos;
    struct xr_concealment concealment;
    struct xr_concealed_seconds seconds;
    uint32_t word;
    uint16_t number;
    unsigned answers = xr_voip(b, &voip_metrics) + xr_reference_time(b, &word) +
                       xr_statistics(b, &statistics) + xr_rle(b, &rle) +
                       xr_measurement(b, &measurement) + xr_delay_variation(b, &variation) +
                       xr_delay(b, &delay) + xr_bursts(b, &bursts) + xr_burst_summary(b, &summary) +
                       xr_frames(b, &frames) + xr_buffer(b, &buffer) + xr_discards(b, &discards) +
                       xr_concealment(b, &concealment) + xr_concealed_seconds(b, &seconds);
    for (unsigned n = 0;
         xr_dlrr(b, n, &dlrr) || xr_mos(b, n, &mos) || xr_receipt_time(b, n, &number, &word); n++)
        answers = 1;
    /* Whatever a reader answers to stands in the table of numbers too, but these. */
    struct xr_values values;
    bool apart = b->type == XR_VOIP || b->type == XR_REFERENCE_TIME || b->type == XR_DLRR;
    bool told = xr_values(b, &values);
    cr_expect_eq(told, answers > 0 && !apart, "type %u", b->type);
    cr_expect(!told || xr_field_set(b->type));
    return answers;
}

Test(xr, every_type_with_every_length_is_survived)
{
    for (unsigned type = 0; type < 256; type++) {
        for (unsigned words = 0; words < 14; words++) {
            uint8_t bytes[8 + 4 + 56] = {0x80,          207,  0, (uint8_t)(2 + words), 0, 0, 0, 1,
                                         (uint8_t)type, 0xff, 0, (uint8_t)words};
            struct slice copy = guard_copy(slice_of(bytes, 12 + words * 4));
            struct rtcp_walk packets = rtcp_walk(copy);
            struct rtcp_packet p;
            struct xr_block b;
            cr_assert(rtcp_next(&packets, &p));
            struct xr_walk w = xr_walk(&p);
            cr_assert(xr_next(&w, &b));
            cr_expect_leq(ask_all(&b), b.known, "type %u, %u words", type, words);
            guard_free(copy);
        }
    }
}

Test(xr, every_truncation_is_survived)
{
    for (size_t cut = 0; cut <= sizeof voip; cut++) {
        uint8_t room[64];
        struct slice whole = xr_packet(room, voip, sizeof voip);
        room[3] = (uint8_t)(1 + cut / 4); /* the packet ends there, the block says it goes on */
        struct slice copy = guard_copy(slice_of(whole.data, 8 + cut / 4 * 4));
        struct rtcp_walk packets = rtcp_walk(copy);
        struct rtcp_packet p;
        struct xr_block b;
        cr_assert(rtcp_next(&packets, &p));
        struct xr_walk w = xr_walk(&p);
        bool found = xr_next(&w, &b);
        cr_expect_eq(found, cut == sizeof voip, "%zu octets", cut);
        cr_expect_eq(w.failed, cut >= 4 && cut < sizeof voip, "%zu octets", cut);
        if (found)
            ask_all(&b);
        guard_free(copy);
    }
}
