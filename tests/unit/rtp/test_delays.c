/* Delay variation, long spacings, senders that stand still, and the skew of their clocks. */
#include <criterion/criterion.h>
#include <math.h>

#include "capture/rtp/delays.h"
#include "capture/rtp/skew.h"
#include "tests/unit/rtp/drive.h"

/* 20 ms G.711 with playout; at_us(i): arrival. */
static struct rtp_playout play(unsigned count, double (*at_ms)(unsigned))
{
    struct rtp_stream_config config = {.announced = true, .playout = true};
    struct drive d = drive_static(0, 160);
    rtp_stream_free(d.s);
    d.s = rtp_stream_new(&config);
    for (unsigned i = 0; i < count; i++)
        drive_packet(&d, (uint16_t)(65000 + i), 4294900000u + i * 160,
                     DRIVE_START_NS + (int64_t)llrint(at_ms(i) * 1e6));
    rtp_stream_finish(d.s);
    struct rtp_playout p;
    cr_assert(rtp_stream_playout(d.s, &p));
    drive_stop(&d);
    return p;
}

static double steady(unsigned i)
{
    return i * 20.0;
}

static double alternating(unsigned i)
{
    return i * 20.0 + (i % 2 ? 10 : 0);
}

static double slow_clock(unsigned i)
{
    return i * 20.0 * 1.0002;
}

static double fast_clock(unsigned i)
{
    return i * 20.0 * (1 - 80e-6) + i * 37 % 41; /* under jitter of up to 40 ms */
}

static double stood_still(unsigned i)
{
    return i * 20.0 + (i >= 500 ? 400 : 0);
}

static double network_stalls(unsigned i)
{
    unsigned phase = i % 100;
    return i > 50 && phase < 15 ? (i - phase) * 20.0 + 300 + phase * 0.1 : i * 20.0;
}

static uint32_t bin(const struct rtp_playout *p, int ms)
{
    for (unsigned i = 0; i < DELAYS_IPDV_BINS; i++)
        if (delays_ipdv_ms(i) == ms)
            return p->delays.ipdv[i];
    return 0;
}

Test(rtp_delays, a_steady_stream_has_no_variation)
{
    struct rtp_playout p = play(2000, steady);
    cr_expect_eq(p.delays.max, 0);
    cr_expect_eq(p.delays.p99, 0);
    cr_expect_eq(bin(&p, 0), 1999);
    cr_expect_eq(p.delays.spacings[0], 0);
    cr_expect_float_eq(p.delays.max_outage_ms, 20, 1e-9);
    cr_expect_float_eq(p.skew_ppm, 0, 1e-9);
    cr_expect_eq(p.delays.stalls, 0);
}

Test(rtp_delays, variation_is_over_the_least_and_from_packet_to_packet)
{
    struct rtp_playout p = play(1000, alternating);
    cr_expect_float_eq(p.delays.max, 10, 1e-9);
    cr_expect_float_eq(p.delays.p95, 10, 1);
    cr_expect_leq(p.delays.p50, 0.625);
    cr_expect_eq(bin(&p, 10), 500);
    cr_expect_eq(bin(&p, -10), 499);
    cr_expect(isnan(p.skew_ppm), "20 s are too few");
}

Test(rtp_delays, each_bin_has_its_name)
{
    int before = -501;
    for (unsigned i = 0; i < DELAYS_IPDV_BINS; i++) {
        cr_expect_gt(delays_ipdv_ms(i), before);
        before = delays_ipdv_ms(i);
    }
    static const struct {
        int64_t units;
        int ms;
    } cases[] = {{0, 0},       {24, 0},        {25, 1},        {-25, -1},
                 {2524, 50},   {2525, 75},     {-2550, -75},   {5000, 75},
                 {5050, 150},  {10000, 150},   {10050, 350},   {25000, 350},
                 {25050, 500}, {-25050, -500}, {1 << 30, 500}, {-(1 << 30), -500}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct delays d = {0};
        delays_between(&d, cases[i].units);
        struct rtp_playout p;
        delays_result(&d, &p.delays);
        cr_expect_eq(bin(&p, cases[i].ms), 1, "%ld units", (long)cases[i].units);
    }
}

Test(rtp_delays, long_spacings_are_counted_by_length)
{
    struct delays d = {0};
    struct delays_report r;
    static const double gaps_ms[] = {70, 70.1, 120.1, 220.1, 520.1, 2000};
    for (size_t i = 0; i < sizeof gaps_ms / sizeof *gaps_ms; i++)
        delays_spacing(&d, (int64_t)llrint(gaps_ms[i] * 1e6), 20, i < 5);
    delays_result(&d, &r);
    cr_expect_eq(r.spacings[0], 5);
    cr_expect_eq(r.spacings[1], 4);
    cr_expect_eq(r.spacings[2], 3);
    cr_expect_eq(r.spacings[3], 2);
    cr_expect_float_eq(r.max_outage_ms, 520.1, 1e-6);
}

Test(rtp_delays, a_sender_that_stood_still_is_told_from_a_network_that_did)
{
    struct rtp_playout p = play(1000, stood_still);
    cr_expect_eq(p.delays.stalls, 1, "%u", p.delays.stalls);
    cr_expect_float_eq(p.delays.stall_ms, 400, 0.1);
    p = play(1000, network_stalls); /* it catches up: nothing stood still but the network */
    cr_expect_eq(p.delays.stalls, 0, "%u", p.delays.stalls);
    cr_expect_eq(p.delays.spacings[2], 9, "%u", p.delays.spacings[2]);
}

Test(rtp_delays, skew_is_the_slope_under_the_jitter)
{
    cr_expect_float_eq(play(3000, slow_clock).skew_ppm, 200, 2);
    double ppm = play(3000, fast_clock).skew_ppm;
    cr_expect_float_eq(ppm, -80, 5, "%f", ppm);
}

Test(rtp_delays, the_hull_stays_small_and_below_all_points)
{
    uint64_t state = 1;
    struct skew k;
    skew_init(&k);
    for (unsigned i = 0; i < 360000; i++) { /* 2 h, a bow of delays that never is a line */
        double t = i / 360000.0;
        int64_t delay = (int64_t)(t * t * 50000) + draw(&state) % 500;
        skew_packet(&k, (int64_t)i * 1000, delay);
        cr_assert_leq(k.count, SKEW_POINTS);
    }
    /* the tangent in the middle of 0 .. 1 s over 7200 s */
    cr_expect_float_eq(skew_ppm(&k), 139, 25, "%f", skew_ppm(&k));
}

Test(rtp_delays, a_restart_keeps_the_longest_stretch)
{
    struct skew k;
    skew_init(&k);
    cr_expect(isnan(skew_ppm(&k)));
    for (unsigned i = 0; i < 3000; i++)
        skew_packet(&k, i * 1000, i / 10); /* 100 ppm */
    cr_expect_float_eq(skew_ppm(&k), 100, 3, "%f", skew_ppm(&k));
    skew_restart(&k);
    for (unsigned i = 0; i < 2000; i++)
        skew_packet(&k, i * 1000, -(int64_t)i / 5);
    cr_expect_float_eq(skew_ppm(&k), 100, 3, "%f", skew_ppm(&k));
    for (unsigned i = 2000; i < 5000; i++)
        skew_packet(&k, i * 1000, -(int64_t)i / 5);
    cr_expect_float_eq(skew_ppm(&k), -200, 3, "%f", skew_ppm(&k));
}

Test(rtp_delays, a_stream_with_playout_takes_four_kibibytes)
{
    cr_expect_leq(rtp_stream_size(true), 4096);
    cr_expect_leq(rtp_stream_size(false), 1024);
}

Test(rtp_delays, without_playout_nothing_is_told)
{
    struct drive d = drive_static(0, 160);
    struct rtp_playout p;
    drive_packet(&d, 1, 160, DRIVE_START_NS);
    drive_packet(&d, 3, 480, DRIVE_START_NS + 40 * MS);
    cr_expect_not(rtp_stream_playout(d.s, &p));
    struct rtp_stats t = drive_stats(&d);
    cr_expect_not(t.simulated);
    cr_expect_eq(t.bad, 1);
    cr_expect_eq(t.bad_runs, 1);
    drive_stop(&d);
}
