/* The counters that endpoints report, against a plain rendering of A.1, A.3 and A.8. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/unit/rtp/drive.h"

struct literal {
    bool first_seen, has_transit;
    uint32_t probation, base, max, cycles, bad, received;
    uint32_t transit, jitter;
};

static void literal_init(struct literal *l, uint16_t sequence)
{
    l->base = l->max = sequence;
    l->bad = 65537;
    l->cycles = l->received = 0;
}

static bool literal_sequence(struct literal *l, uint16_t sequence)
{
    if (!l->first_seen) {
        l->first_seen = true;
        literal_init(l, sequence);
        l->max = (uint16_t)(sequence - 1);
        l->probation = 2;
    }
    uint32_t delta = (uint16_t)(sequence - l->max);
    if (l->probation) {
        if (sequence != (uint16_t)(l->max + 1)) {
            l->probation = 1;
            l->max = sequence;
            return false;
        }
        l->max = sequence;
        if (--l->probation)
            return false;
        literal_init(l, sequence);
    } else if (delta < 3000) {
        if (sequence < l->max)
            l->cycles += 65536;
        l->max = sequence;
    } else if (delta <= 65536 - 100) {
        if (sequence != l->bad) {
            l->bad = (uint16_t)(sequence + 1);
            return false;
        }
        literal_init(l, sequence);
    }
    l->received++;
    return true;
}

static void literal_packet(struct literal *l, uint16_t sequence, uint32_t timestamp, int64_t ns,
                           uint32_t clock)
{
    if (!literal_sequence(l, sequence))
        return;
    uint32_t arrival = (uint32_t)((unsigned __int128)ns * clock / 1000000000);
    uint32_t transit = arrival - timestamp;
    if (l->has_transit) {
        int64_t d = (int32_t)(transit - l->transit);
        if (d < 0)
            d = -d;
        l->jitter += (uint32_t)d - ((l->jitter + 8) >> 4);
    }
    l->transit = transit;
    l->has_transit = true;
}

static void expect_same(const struct drive *d, const struct literal *l, unsigned trial)
{
    struct rtp_stats t = drive_stats(d);
    uint32_t expected = l->cycles + l->max - l->base + 1;
    cr_expect_eq(t.rfc_expected, expected, "%u: %u, not %u", trial, t.rfc_expected, expected);
    cr_expect_eq(t.rfc_received, l->received, "%u", trial);
    cr_expect_eq(t.rfc_lost, (int32_t)(expected - l->received), "%u", trial);
    cr_expect_eq(t.rfc_jitter_ticks, l->jitter >> 4, "%u: %u, not %u", trial, t.rfc_jitter_ticks,
                 l->jitter >> 4);
}

Test(rfc3550, equal_to_the_appendix_on_random_streams)
{
    for (unsigned trial = 0; trial < 200; trial++) {
        uint64_t state = (trial + 1) * UINT64_C(0x2545f4914f6cdd1d);
        bool wide = trial % 2;
        struct drive d = wide ? drive_named("opus", 48000, 80) : drive_static(0, 160);
        uint32_t ticks = wide ? 960 : 160;
        struct literal l = {0};
        uint16_t sequence = (uint16_t)draw(&state);
        uint32_t timestamp = draw(&state);
        int64_t ns = DRIVE_START_NS;
        for (int i = 0; i < 3000; i++) {
            uint16_t back = chance(&state, .05) ? (uint16_t)(draw(&state) % 150) : 0;
            ns += (int64_t)(draw(&state) % 40000000);
            literal_packet(&l, (uint16_t)(sequence - back), timestamp - back * ticks, ns,
                           d.codec.clock_hz);
            drive_packet(&d, (uint16_t)(sequence - back), timestamp - back * ticks, ns);
            uint16_t ahead = (uint16_t)(1 + (chance(&state, .1) ? draw(&state) % 20 : 0));
            if (chance(&state, .002))
                ahead = (uint16_t)draw(&state);
            sequence = (uint16_t)(sequence + ahead);
            timestamp += ahead * ticks;
        }
        expect_same(&d, &l, trial);
        drive_stop(&d);
    }
}

Test(rfc3550, nothing_is_reported_on_probation)
{
    struct drive d = drive_static(0, 160);
    drive_packet(&d, 7, 0, DRIVE_START_NS);
    cr_expect_eq(drive_stats(&d).rfc_expected, 0);
    cr_expect_eq(drive_stats(&d).expected, 1);
    drive_stop(&d);
}

/* |D| = c from the second packet on: J after k samples is c * (1 - (15/16)^k). */
Test(jitter, follows_the_closed_form)
{
    static const struct {
        int samples;
        double ticks;
    } cases[] = {{10, 38.043}, {50, 76.826}, {100, 79.874}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct drive d = drive_static(0, 160);
        for (int k = 0; k <= cases[i].samples; k++)
            drive_packet(&d, (uint16_t)k, (uint32_t)k * 160,
                         DRIVE_START_NS + k * 20 * MS + (k & 1) * 10 * MS);
        double got = drive_stats(&d).jitter_ms_last * 8;
        cr_expect_float_eq(got, 80 * (1 - pow(15.0 / 16, cases[i].samples)), 1e-9);
        cr_expect_float_eq(got, cases[i].ticks, 0.0005);
        drive_stop(&d);
    }
}

Test(jitter, the_95th_percentile_lies_where_it_should)
{
    struct drive d = drive_static(0, 160);
    uint64_t state = 5;
    static double all[20000];
    int n = 0;
    for (int k = 0; k <= 20000; k++) {
        drive_packet(&d, (uint16_t)k, (uint32_t)k * 160,
                     DRIVE_START_NS + k * 20 * MS + draw(&state) % 15000000);
        if (k)
            all[n++] = drive_stats(&d).jitter_ms_last;
    }
    int above = 0;
    struct rtp_stats t = drive_stats(&d);
    for (int k = 0; k < n; k++)
        above += all[k] > t.jitter_ms_p95;
    cr_expect(above > n / 40 && above < n / 10, "%d of %d above", above, n);
    cr_expect_leq(t.jitter_ms_p95, t.jitter_ms_max);
    drive_stop(&d);
}
