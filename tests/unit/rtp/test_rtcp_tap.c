/* Round trips and remote figures, with the vectors of the quality reference. */
#include <math.h>

#include "capture/rtp/rtcp_tap.h"
#include "tests/unit/rtp/drive.h"
#include "tests/unit/rtp/rtcp_wire.h"

#define A 0xaaaau
#define B 0xbbbbu

static int64_t at(double s)
{
    return (int64_t)(s * 1e9);
}

/* A sends a report; its block echoes B. */
static void sender_report(struct rtcp_tap *t, double s, uint32_t mid32, uint32_t lsr, uint32_t dlsr)
{
    struct report r = {.block = {.ssrc = B, .last_sr = lsr, .delay_since_sr = dlsr}};
    report_parse(&r, A, mid32);
    rtcp_tap_sender_report(t, &r.packet, at(s));
}

/* B reports on A, out of a sender report when `mid32` is given. */
static void block(struct rtcp_tap *t, const struct rtcp_tap *opposite, double s, uint32_t mid32,
                  uint32_t lsr, uint32_t dlsr)
{
    struct report r = {.block = {.ssrc = A, .last_sr = lsr, .delay_since_sr = dlsr}};
    struct rtcp_sight sight = {.ns = at(s), .opposite = opposite};
    report_parse(&r, B, mid32);
    rtcp_tap_block(t, &r.packet, &r.block, &sight);
}

static struct rtcp_round_trips trips(struct rtcp_tap *t)
{
    struct rtcp_round_trips r;
    rtcp_tap_round_trips(t, &r);
    return r;
}

#define NEAR(actual, wanted) cr_expect(fabs((actual) - (wanted)) < 0.001, "%f", (double)(actual))

Test(rtcp_tap, the_way_to_the_receiver_is_what_passed_less_what_it_held)
{
    struct rtcp_tap *t = rtcp_tap_new();
    cr_expect_leq(rtcp_tap_size(), 1536);
    sender_report(t, 100, 0x12345678, 0, 0);
    block(t, NULL, 100.250, 0, 0x12345678, 0x3333);
    struct rtcp_round_trips r = trips(t);
    NEAR(r.receiver.median, 50.003);
    cr_expect_eq(r.receiver.count, 1);
    cr_expect(r.total.count == 0 && isnan(r.total.median));
    cr_expect(r.sender.count == 0 && isnan(r.sender.min));
    rtcp_tap_free(t);
}

Test(rtcp_tap, two_ends_that_echo_each_other_tell_the_whole_way)
{
    static const struct {
        uint32_t b1, dlsr_a, dlsr_b, b2;
        double ms;
    } cases[] = {{0x00010000, 0x8000, 0x4000, 0x0001D99A, 100.006},
                 {0xFFFFC000, 0x2000, 0x2000, 0x00001000, 62.500}};
    for (size_t i = 0; i < 2; i++) {
        struct rtcp_tap *t = rtcp_tap_new();
        sender_report(t, 100, 0x5000, cases[i].b1, cases[i].dlsr_a);
        block(t, NULL, 101, cases[i].b2, 0x5000, cases[i].dlsr_b);
        struct rtcp_round_trips r = trips(t);
        cr_expect_eq(r.chain.count, 1);
        NEAR(r.chain.median, cases[i].ms);
        rtcp_tap_free(t);
    }
}

Test(rtcp_tap, the_total_takes_both_sides_and_no_old_one)
{
    struct rtcp_tap *t = rtcp_tap_new(), *back = rtcp_tap_new();
    sender_report(back, 99, 0x1000, 0, 0);
    block(back, NULL, 99.530, 0, 0x1000, 0x8000); /* 30 ms */
    sender_report(t, 100, 0x2000, 0, 0);
    block(t, back, 100.520, 0, 0x2000, 0x8000); /* 20 ms */
    NEAR(trips(t).total.median, 50);
    sender_report(t, 130, 0x3000, 0, 0);
    block(t, back, 130.520, 0, 0x3000, 0x8000);
    cr_expect_eq(trips(t).total.count, 1);
    cr_expect_eq(trips(t).receiver.count, 2);
    rtcp_tap_free(t);
    rtcp_tap_free(back);
}

Test(rtcp_tap, a_chain_far_from_the_total_is_a_conflict)
{
    for (unsigned apart = 0; apart < 2; apart++) {
        struct rtcp_tap *t = rtcp_tap_new(), *back = rtcp_tap_new();
        sender_report(back, 99, 0x1000, 0, 0);
        block(back, NULL, 99.530, 0, 0x1000, 0x8000);
        sender_report(t, 100, 0x2000, 0x10000, 0x8000);
        /* the chain is 0.050 s or 0.150 s */
        block(t, back, 100.520, 0x10000 + 0x8000 + 0x8000 + (apart ? 9830 : 3277), 0x2000, 0x8000);
        cr_expect_eq(trips(t).conflict, apart);
        rtcp_tap_free(t);
        rtcp_tap_free(back);
    }
}

Test(rtcp_tap, only_the_last_sixteen_reports_are_echoed)
{
    struct rtcp_tap *t = rtcp_tap_new();
    for (uint32_t i = 1; i <= 17; i++)
        sender_report(t, i, i << 16, 0, 0);
    block(t, NULL, 17.1, 0, 1 << 16, 0x10000);
    cr_expect_eq(trips(t).receiver.count, 0);
    block(t, NULL, 17.1, 0, 2 << 16, 15 * 0x10000);
    NEAR(trips(t).receiver.median, 100);
    block(t, NULL, 17.1, 0, 0, 0); /* has seen no report */
    cr_expect_eq(trips(t).receiver.count, 1);
    rtcp_tap_free(t);
}

Test(rtcp_tap, what_is_no_round_trip_is_dropped)
{
    struct rtcp_tap *t = rtcp_tap_new();
    sender_report(t, 100, 0x1000, 0, 0);
    block(t, NULL, 100.100, 0, 0x1000, 6881); /* 105 ms held: -5 ms */
    cr_expect_eq(trips(t).receiver.count, 1);
    cr_expect_eq(trips(t).receiver.max, 0);
    block(t, NULL, 100.100, 0, 0x1000, 0x2000); /* 125 ms */
    block(t, NULL, 110.200, 0, 0x1000, 0);      /* longer than 10 s */
    cr_expect_eq(trips(t).receiver.count, 1);
    cr_expect_not(trips(t).dlsr_broken);
    rtcp_tap_free(t);
}

/* Holding times in s; the delay that the receiver writes is `unit` per second. */
static struct rtcp_round_trips broken(double unit, double rtt_s)
{
    static const double held[] = {0.4, 3.1, 1.2, 4.4, 2.0, 0.9, 3.7};
    struct rtcp_tap *t = rtcp_tap_new();
    for (unsigned i = 0; i < 7; i++) {
        sender_report(t, 10 * i, (i + 1) << 16, 0, 0);
        block(t, NULL, 10 * i + held[i] + rtt_s, 0, (i + 1) << 16, (uint32_t)(held[i] * unit));
    }
    struct rtcp_round_trips r = trips(t);
    rtcp_tap_free(t);
    return r;
}

Test(rtcp_tap, receivers_that_do_not_tell_how_long_they_held_a_report)
{
    cr_expect_not(broken(65536, 0.05).dlsr_broken);
    cr_expect_eq(broken(65536, 0.05).receiver.count, 7);
    cr_expect(broken(1000, 0.05).dlsr_broken); /* in ms */
    cr_expect(broken(0, 0.05).dlsr_broken);
    cr_expect(broken(90000, 0.05).dlsr_broken); /* too long: negative */
    cr_expect_eq(broken(1000, 0.05).receiver.count, 0);
    cr_expect(isnan(broken(0, 0.05).receiver.median));
}

Test(rtcp_tap, a_long_way_that_changes_is_not_taken_for_a_broken_receiver)
{
    struct rtcp_tap *t = rtcp_tap_new();
    for (unsigned i = 0; i < 20; i++) { /* answers at once, 600 to 700 ms */
        sender_report(t, 5 * i, (i + 1) << 16, 0, 0);
        block(t, NULL, 5 * i + 0.6 + 0.1 * (i % 2), 0, (i + 1) << 16, 3 + i % 3);
    }
    cr_expect_not(trips(t).dlsr_broken);
    cr_expect_eq(trips(t).receiver.count, 20);
    rtcp_tap_free(t);
}

Test(rtcp_tap, the_median_of_very_many_is_near_theirs)
{
    struct rtcp_tap *t = rtcp_tap_new();
    uint64_t state = 7;
    for (uint32_t i = 0; i < 10000; i++) {
        double held = 0.5 + (draw(&state) % 1000) / 1000.0;
        double rtt = 0.050 + (draw(&state) % 20) / 1000.0;
        sender_report(t, 5.0 * i, (i + 1) << 16, 0, 0);
        block(t, NULL, 5.0 * i + held + rtt, 0, (i + 1) << 16, (uint32_t)lround(held * 65536));
    }
    struct rtcp_round_trips r = trips(t);
    cr_expect_eq(r.receiver.count, 10000);
    cr_expect(r.receiver.median > 54 && r.receiver.median < 66, "%f", r.receiver.median);
    cr_expect(r.receiver.min >= 49.9 && r.receiver.max <= 69.1);
    rtcp_tap_free(t);
}

Test(rtcp_tap, reference_times_tell_the_way_to_the_sender)
{
    struct rtcp_tap *t = rtcp_tap_new();
    struct xr_dlrr answer = {.ssrc = B, .last_rr = 0x12345678, .delay = 0x8000};
    struct xr_dlrr other = {.ssrc = A, .last_rr = 0x12345678, .delay = 0x8000};
    rtcp_tap_reference_time(t, B, 0x12345678, at(10));
    rtcp_tap_answer(t, &other, at(10.525));
    cr_expect_eq(trips(t).sender.count, 0);
    rtcp_tap_answer(t, &answer, at(10.525));
    NEAR(trips(t).sender.median, 25);
    answer.last_rr = 0;
    rtcp_tap_answer(t, &answer, at(11));
    cr_expect_eq(trips(t).sender.count, 1);
    rtcp_tap_free(t);
}

/* ---- what the receiver says of itself ---- */

static void say(struct rtcp_tap *t, const struct rtp_stream *s, uint32_t highest, int32_t lost,
                uint8_t fraction, uint32_t ticks)
{
    struct report r = {.block = {.ssrc = A,
                                 .highest_sequence = highest,
                                 .cumulative_lost = lost,
                                 .fraction_lost = fraction,
                                 .jitter_ticks = ticks}};
    struct rtcp_sight sight = {.stream = s};
    report_parse(&r, B, 0);
    rtcp_tap_block(t, &r.packet, &r.block, &sight);
}

static struct rtcp_remote remote(struct rtcp_tap *t)
{
    struct rtcp_remote r;
    rtcp_tap_remote(t, &r);
    return r;
}

Test(rtcp_tap, jitter_is_in_ms_of_the_reported_streams_clock)
{
    static const struct {
        const char *name;
        uint32_t clock;
        uint32_t ticks;
    } cases[] = {{"opus", 48000, 480}, {"PCMU", 8000, 80}, {"G722", 8000, 80}};
    for (size_t i = 0; i < 3; i++) {
        struct rtcp_tap *t = rtcp_tap_new();
        struct drive d = drive_named(cases[i].name, cases[i].clock, 80);
        for (uint16_t n = 0; n < 50; n++)
            drive_packet(&d, n, n * cases[i].clock / 50, DRIVE_START_NS + n * 20 * MS);
        say(t, d.s, 40, 0, 0, cases[i].ticks);
        cr_expect_eq(remote(t).jitter_ms, 10.0, "%s %f", cases[i].name, remote(t).jitter_ms);
        drive_stop(&d);
        rtcp_tap_free(t);
    }
}

Test(rtcp_tap, figures_are_weighted_by_the_packets_they_are_about)
{
    struct rtcp_tap *t = rtcp_tap_new();
    struct drive d = drive_static(0, 160);
    for (uint16_t n = 0; n < 2100; n++)
        drive_packet(&d, n, n * 160u, DRIVE_START_NS + n * 20 * MS);
    say(t, d.s, 1000, 10, 0, 0);
    say(t, d.s, 1010, 15, 128, 800); /* 10 packets, half of them lost, 100 ms */
    say(t, d.s, 2000, 15, 0, 8);     /* 990 packets, none lost, 1 ms */
    struct rtcp_remote r = remote(t);
    NEAR(r.loss_ratio, 0.005);
    NEAR(r.fraction_lost, 0.005);
    NEAR(r.jitter_ms, 1.99);
    NEAR(r.jitter_max_ms, 100);
    cr_expect_eq(r.cumulative_lost, 15);
    cr_expect_eq(r.reports, 3);
    drive_stop(&d);
    rtcp_tap_free(t);
}

Test(rtcp_tap, one_report_speaks_of_all_before_it_and_none_of_nothing)
{
    struct rtcp_tap *t = rtcp_tap_new();
    struct rtcp_remote r = remote(t);
    cr_expect(isnan(r.loss_ratio) && isnan(r.jitter_ms) && isnan(r.jitter_max_ms));
    say(t, NULL, 1000, -1, 64, 80);
    r = remote(t);
    cr_expect_eq(r.loss_ratio, 0.25);
    cr_expect(isnan(r.jitter_ms)); /* nobody knows the clock */
    cr_expect_eq(r.cumulative_lost, -1);
    rtcp_tap_free(t);
}

Test(rtcp_tap, a_report_that_was_overtaken_is_left_out)
{
    struct rtcp_tap *t = rtcp_tap_new();
    say(t, NULL, 1000, 10, 0, 0);
    say(t, NULL, 1500, 20, 0, 0);
    say(t, NULL, 1250, 15, 0, 0);
    say(t, NULL, 2000, 30, 0, 0);
    cr_expect_eq(remote(t).reports, 3);
    NEAR(remote(t).loss_ratio, 0.02);
    rtcp_tap_free(t);
}

Test(rtcp_tap, metrics_of_extended_reports_are_kept)
{
    struct rtcp_tap *t = rtcp_tap_new();
    uint8_t bytes[8 + 36 + 12 + 12] = {0x80, 207, 0, 16, 0, 0, 0, 1, 7, 0, 0, 8};
    const uint8_t discards[] = {24, 0xb0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 12};
    bytes[34] = 43; /* MOS-LQ */
    bytes[35] = 127;
    memcpy(bytes + 44, discards, 12);
    memcpy(bytes + 56, discards, 12);
    struct rtcp_walk packets = rtcp_walk(slice_of(bytes, sizeof bytes));
    struct rtcp_packet p;
    struct xr_block b;
    cr_assert(rtcp_next(&packets, &p));
    struct xr_walk w = xr_walk(&p);
    while (xr_next(&w, &b))
        rtcp_tap_metrics(t, &b);
    struct rtcp_extended e;
    rtcp_tap_extended(t, &e);
    cr_expect_eq(e.reports, 1);
    cr_expect_eq(e.voip.mos_lq, 4.3);
    cr_expect(isnan(e.voip.mos_cq));
    cr_expect_eq(e.discarded, 24); /* two intervals */
    cr_expect(isnan(e.mos) && e.concealed_ms == -1);
    rtcp_tap_free(t);
}

Test(rtcp_tap, of_each_type_and_kind_the_last_block_is_kept_and_no_more_than_a_few)
{
    struct rtcp_tap *t = rtcp_tap_new();
    const uint8_t types[] = {1,  2,  3,  6,  14, 15, 16, 17, 18, 19,
                             20, 21, 23, 24, 25, 26, 29, 30, 31, 35};
    static const uint8_t words[36] = {
        [1] = 2,  [2] = 2,  [3] = 3,  [6] = 9,  [14] = 7, [15] = 4, [16] = 6,
        [17] = 3, [18] = 2, [19] = 6, [20] = 5, [21] = 3, [23] = 3, [24] = 2,
        [25] = 2, [26] = 2, [29] = 2, [30] = 6, [31] = 4, [35] = 5};
    for (unsigned n = 0; n < 16 * sizeof types; n++) {
        uint8_t type = types[n % sizeof types], body[36] = {0, 0, 0, 1};
        struct xr_block b = {.type = type,
                             .known = true,
                             .specific = (uint8_t)(n / sizeof types * 4),
                             .body = slice_of(body, words[type] * 4u)};
        rtcp_tap_metrics(t, &b);
    }
    unsigned kept = 0;
    for (const struct rtcp_xr_seen *s = rtcp_tap_blocks(t); s; s = s->next)
        kept++;
    cr_expect_eq(kept, XR_BLOCKS);
    cr_expect_eq(rtcp_tap_blocks(t)->reports, 16);
    rtcp_tap_free(t);
}
