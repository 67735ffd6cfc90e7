/* Where packets were lost: a sender, a tap and a receiver with known losses between them, reports
 * of the receiver as RFC 3550 has them, and what is told from these alone. */
#include <stdlib.h>

#include "capture/rtp/rtcp_tap.h"
#include "tests/unit/rtp/drive.h"
#include "tests/unit/rtp/rtcp_wire.h"

#define SSRC     0xaaaau
#define TO_TAP   (10 * MS)
#define TO_END   (30 * MS)
#define PTIME_NS (20 * MS)

/* A receiver that counts as RFC 3550 A.1 and A.3 do. */
struct receiver {
    uint32_t base, highest, received;
    bool began;
};

static void receive(struct receiver *r, uint32_t sequence)
{
    if (!r->began || (int32_t)(sequence - r->highest) > 0)
        r->highest = sequence;
    if (!r->began)
        r->base = sequence;
    r->began = true;
    r->received++;
}

/* Losses come independently (burst 1) or in runs of that mean length. */
struct lossy {
    double ratio, burst;
    bool bad;
};

static bool loses(struct lossy *l, uint64_t *state)
{
    if (l->ratio <= 0)
        return false;
    double leave = 1 / l->burst;
    double enter = leave * l->ratio / (1 - l->ratio);
    l->bad = l->burst <= 1 ? chance(state, l->ratio)
             : l->bad      ? !chance(state, leave)
                           : chance(state, enter);
    return l->bad;
}

struct scenario {
    struct lossy before, after, capture;
    double duplicates; /* before the tap */
    double swapped;    /* late by one packet behind the tap */
    uint32_t packets, first;
    uint32_t report_every;
    bool admitted; /* our capture tells how many it dropped */
};

struct outcome {
    struct rtcp_places truth, in_time; /* `in_time`: summed over the intervals */
    struct rtcp_split split;
    unsigned intervals;
};

struct run {
    struct drive d;
    struct rtcp_tap *tap;
    struct receiver r;
    uint64_t state;
    uint32_t held; /* swapped with the next */
    bool holds;
};

static void report(struct run *run, int64_t ns)
{
    struct report one = {.block = {.ssrc = SSRC,
                                   .highest_sequence = run->r.highest,
                                   .cumulative_lost = (int32_t)(run->r.highest - run->r.base + 1 -
                                                                run->r.received)}};
    struct rtcp_sight sight = {.ns = ns, .stream = run->d.s};
    if (!run->r.began)
        return;
    report_parse(&one, 0xbbbb, 0);
    rtcp_tap_block(run->tap, &one.packet, &one.block, &sight);
}

static void arrive(struct run *run, const struct scenario *c, uint32_t sequence)
{
    if (!run->holds && chance(&run->state, c->swapped)) {
        run->held = sequence;
        run->holds = true;
        return;
    }
    receive(&run->r, sequence);
    if (run->holds)
        receive(&run->r, run->held);
    run->holds = false;
}

static void one_packet(struct run *run, struct scenario *c, uint32_t n, struct rtcp_places *truth)
{
    uint32_t sequence = c->first + n;
    int64_t ns = DRIVE_START_NS + n * PTIME_NS + TO_TAP;
    if (loses(&c->before, &run->state)) {
        truth->before_tap++;
        return;
    }
    unsigned copies = 1 + chance(&run->state, c->duplicates);
    bool missed = loses(&c->capture, &run->state);
    bool lost = loses(&c->after, &run->state);
    if (missed) {
        truth->capture++;
        rtcp_tap_capture_lost(run->tap, c->admitted);
    }
    for (unsigned i = 0; i < copies; i++) {
        if (!missed)
            drive_packet(&run->d, (uint16_t)sequence, n * 160, ns);
        if (!lost)
            arrive(run, c, sequence);
    }
    truth->after_tap += lost;
}

static struct outcome play(struct scenario c, uint64_t seed)
{
    struct run run = {
        .d = drive_static(0, 160), .tap = rtcp_tap_new(), .state = seed * 2654435761u + 1};
    struct outcome o = {.truth = {0}};
    for (uint32_t n = 0; n < c.packets; n++) {
        one_packet(&run, &c, n, &o.truth);
        if ((n + 1) % c.report_every == 0 || n == 1)
            report(&run, DRIVE_START_NS + n * PTIME_NS + TO_TAP + 2 * TO_END);
    }
    rtcp_tap_split(run.tap, &o.split);
    const struct rtcp_interval *v = rtcp_tap_intervals(run.tap, &o.intervals);
    for (unsigned i = 0; i < o.intervals; i++) {
        o.in_time.before_tap += v[i].before_tap;
        o.in_time.after_tap += v[i].after_tap;
        o.in_time.capture += v[i].capture;
        cr_expect(i == 0 || v[i].end_ns > v[i - 1].end_ns);
    }
    rtcp_tap_free(run.tap);
    drive_stop(&run.d);
    return o;
}

static void within_2_percent(const char *what, int64_t told, int64_t truth, uint32_t packets)
{
    cr_expect(llabs(told - truth) * 50 <= packets, "%s: %lld told, %lld true, %u packets", what,
              (long long)told, (long long)truth, packets);
}

static const struct scenario patterns[] = {
    {.before = {.05, 1}},
    {.after = {.07, 1}},
    {.before = {.05, 1}, .after = {.07, 1}},
    {.before = {.03, 4}, .after = {.08, 6}},
    {.before = {.20, 1}, .after = {.01, 1}},
    {.before = {.01, 1}, .after = {.20, 10}},
    {.before = {.05, 3}, .after = {.05, 3}, .duplicates = .02},
    {.before = {.02, 1}, .after = {.02, 1}, .swapped = .05},
    {.swapped = .1},
    {.duplicates = .1},
};

Test(rtcp_split, loss_before_and_behind_the_tap_is_told_apart)
{
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct scenario c = patterns[i];
            c.packets = 3000;
            c.first = seed % 2 ? 65000 : 100; /* over a wrap and without */
            c.report_every = seed % 3 ? 250 : 131;
            struct outcome o = play(c, seed * 100 + i);
            within_2_percent("before", o.split.best.before_tap, o.truth.before_tap, c.packets);
            within_2_percent("after", o.split.best.after_tap, o.truth.after_tap, c.packets);
            cr_expect_eq(o.split.skipped, 0);
            cr_expect_eq(o.in_time.before_tap, o.split.best.before_tap);
            cr_expect_eq(o.in_time.after_tap, o.split.best.after_tap);
            cr_expect_eq(o.in_time.capture, o.split.best.capture);
            cr_expect_leq(o.split.best.capture, 60, "pattern %zu: %lld", i,
                          (long long)o.split.best.capture);
        }
    }
}

Test(rtcp_split, what_comes_to_the_receiver_and_not_to_us_is_ours)
{
    struct scenario c = {.capture = {.10, 1}, .packets = 3000, .first = 1, .report_every = 250};
    struct outcome o = play(c, 3);
    within_2_percent("capture", o.split.best.capture, o.truth.capture, c.packets);
    cr_expect_eq(o.split.best.after_tap, 0);
    cr_expect(o.split.suspect > 0 && o.split.best.before_tap <= 60);
}

static void contains(const char *what, int64_t lower, int64_t truth, int64_t upper, size_t pattern)
{
    /* The first report and the last packets are not compared. */
    const int64_t edges = 30;
    cr_expect(lower <= truth && truth <= upper + edges, "%s of %zu: %lld <= %lld <= %lld", what,
              pattern, (long long)lower, (long long)truth, (long long)upper);
}

Test(rtcp_split, bounds_contain_the_truth_when_our_capture_drops_too)
{
    static const struct scenario mixed[] = {
        {.before = {.05, 1}, .capture = {.05, 1}, .admitted = true},
        {.after = {.05, 1}, .capture = {.05, 1}, .admitted = true},
        {.before = {.04, 3}, .after = {.06, 3}, .capture = {.03, 8}, .admitted = true},
        {.before = {.04, 3}, .after = {.06, 3}, .capture = {.03, 8}},
        {.after = {.10, 2}, .capture = {.02, 1}},
        {.before = {.10, 2}, .capture = {.20, 20}},
    };
    for (size_t i = 0; i < sizeof mixed / sizeof *mixed; i++) {
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct scenario c = mixed[i];
            c.packets = 3000;
            c.first = 60000;
            c.report_every = 200;
            struct outcome o = play(c, seed * 10 + i);
            const struct rtcp_split *s = &o.split;
            contains("before", s->lower.before_tap, o.truth.before_tap, s->upper.before_tap, i);
            contains("after", s->lower.after_tap, o.truth.after_tap, s->upper.after_tap, i);
            contains("capture", s->lower.capture, o.truth.capture, s->upper.capture, i);
            cr_expect_gt(s->suspect, 0);
        }
    }
}

Test(rtcp_split, drops_that_our_capture_admits_narrow_the_bounds)
{
    struct scenario c = {
        .before = {.05, 1}, .capture = {.01, 1}, .packets = 3000, .first = 1, .report_every = 250};
    struct outcome blind = play(c, 9);
    c.admitted = true;
    struct outcome told = play(c, 9);
    cr_expect_lt(told.split.upper.capture, blind.split.upper.capture);
    cr_expect_geq(told.split.lower.before_tap, blind.split.lower.before_tap);
}

Test(rtcp_split, a_long_call_is_told_in_a_bounded_number_of_pieces)
{
    struct scenario c = {
        .before = {.05, 1}, .after = {.05, 1}, .packets = 60000, .first = 1, .report_every = 20};
    struct outcome o = play(c, 11);
    cr_expect_gt(o.split.intervals, RTCP_INTERVALS_MAX);
    cr_expect(o.intervals > RTCP_INTERVALS_MAX / 2 && o.intervals <= RTCP_INTERVALS_MAX);
    cr_expect_eq(o.in_time.before_tap, o.split.best.before_tap);
    cr_expect_eq(o.in_time.after_tap, o.split.best.after_tap);
}

/* ---- intervals that say nothing ---- */

static void say(struct rtcp_tap *t, const struct rtp_stream *s, uint32_t highest, int32_t lost)
{
    struct report r = {
        .block = {.ssrc = SSRC, .highest_sequence = highest, .cumulative_lost = lost}};
    struct rtcp_sight sight = {.stream = s};
    report_parse(&r, 1, 0);
    rtcp_tap_block(t, &r.packet, &r.block, &sight);
}

Test(rtcp_split, what_cannot_be_compared_is_skipped)
{
    static const struct {
        const char *why;
        uint32_t highest;
        int32_t lost;
        unsigned skipped;
    } cases[] = {
        {"compared", 5900, 0, 0},
        {"more lost than sent", 5900, 500, 1},
        {"further ahead than we", 6500, 0, 1},
        {"another life of the receiver", 500, 0, 1},
        {"cycles of its own", 5900 + 7 * 65536, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rtcp_tap *t = rtcp_tap_new();
        struct drive d = drive_static(0, 160);
        struct rtcp_split s;
        for (uint16_t n = 0; n < 6000; n++)
            drive_packet(&d, n, n * 160u, DRIVE_START_NS + n * PTIME_NS);
        say(t, d.s, 5700, 0);
        say(t, d.s, cases[i].highest, cases[i].lost);
        rtcp_tap_split(t, &s);
        cr_expect_eq(s.skipped, cases[i].skipped, "%s", cases[i].why);
        cr_expect_eq(s.intervals, 1 - cases[i].skipped, "%s", cases[i].why);
        cr_expect(s.best.after_tap == 0 && s.best.capture == 0, "%s", cases[i].why);
        rtcp_tap_free(t);
        drive_stop(&d);
    }
}

Test(rtcp_split, reports_about_a_stream_that_was_not_seen_compare_nothing)
{
    struct rtcp_tap *t = rtcp_tap_new();
    struct rtcp_split s;
    say(t, NULL, 100, 0);
    say(t, NULL, 350, 50);
    rtcp_tap_split(t, &s);
    cr_expect_eq(s.intervals, 0);
    cr_expect_eq(s.skipped, 1);
    rtcp_tap_free(t);
}

Test(rtcp_split, missing_numbers_are_counted_over_a_wrap)
{
    struct drive d = drive_static(0, 160);
    for (uint32_t n = 0; n < 5000; n++)
        if (n % 10)
            drive_packet(&d, (uint16_t)(63000 + n), n * 160, DRIVE_START_NS + n * PTIME_NS);
    uint16_t last = (uint16_t)(63000 + 4999);
    cr_expect_eq(rtp_stream_missing(d.s, (uint16_t)(last - 1000), last), 100);
    cr_expect_eq(rtp_stream_missing(d.s, (uint16_t)(last - 4000), last), 400);
    cr_expect_eq(rtp_stream_missing(d.s, (uint16_t)(last - 4100), last), -1);
    cr_expect_eq(rtp_stream_missing(d.s, last, (uint16_t)(last + 50)), 50);
    cr_expect_eq(rtp_stream_missing(d.s, (uint16_t)(last - 5), (uint16_t)(last + 50)), 50);
    cr_expect_eq(rtp_stream_missing(d.s, last, (uint16_t)(last + 101)), -1);
    drive_stop(&d);
}
