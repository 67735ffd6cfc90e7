/* Bytes a second of all calls, and bits a second of one. */
#include <criterion/criterion.h>
#include <math.h>

#include "app/bandwidth.h"

#define SECOND INT64_C(1000000000)
#define T0     (INT64_C(1700000000) * SECOND)

static struct counters_set *set;
static struct counters *worker, *gauges;
static struct bandwidth bandwidth;

static void begin(void)
{
    set = counters_set_new();
    worker = counters_block(set);
    gauges = counters_block(set);
    bandwidth_init(&bandwidth, set, gauges);
}

static void end(void)
{
    counters_set_free(set);
}

TestSuite(bandwidth, .init = begin, .fini = end);

static void bytes(unsigned trunk, unsigned direction, uint64_t n)
{
    counters_add(worker, C_RTP_BYTES + trunk * LABEL_COUNT_DIRECTION + direction, n);
}

static void tick(double seconds)
{
    bandwidth_tick(&bandwidth, T0 + (int64_t)(seconds * 1e9));
}

static uint64_t rate(unsigned trunk)
{
    return counters_sum(set, C_RTP_RATE + trunk);
}

Test(bandwidth, a_second_that_is_over_is_told_by_trunk_and_its_peak_stays)
{
    tick(0);
    bytes(1, 0, 1000);
    bytes(1, 1, 500);
    bytes(2, 0, 7000);
    tick(0.9);
    cr_expect_eq(rate(1), 0, "the second is not over");
    tick(1);
    cr_expect(rate(1) == 1500 && rate(2) == 7000);
    cr_expect_eq(counters_sum(set, C_RTP_TOTAL_PEAK), 8500);
    bytes(1, 0, 100);
    tick(2.5);
    cr_expect(rate(1) == 100 && rate(2) == 0);
    cr_expect_eq(counters_sum(set, C_RTP_RATE_PEAK + 1), 1500);
    cr_expect_eq(counters_sum(set, C_RTP_RATE_PEAK + 2), 7000);
    cr_expect_eq(counters_sum(set, C_RTP_TOTAL_PEAK), 8500);
}

Test(bandwidth, after_a_pause_nothing_is_now_though_the_peak_counts)
{
    tick(0);
    bytes(1, 0, 4000); /* then nothing for a minute */
    tick(60);
    cr_expect_eq(rate(1), 0);
    cr_expect_eq(counters_sum(set, C_RTP_RATE_PEAK + 1), 4000);
    tick(10); /* time never goes back */
    cr_expect_eq(bandwidth.second, (T0 + 60 * SECOND) / SECOND);
}

Test(bandwidth, without_an_owner_nothing_is_counted)
{
    struct bandwidth idle;
    bandwidth_init(&idle, NULL, gauges);
    bytes(1, 0, 1000);
    bandwidth_tick(&idle, T0);
    bandwidth_tick(&idle, T0 + 5 * SECOND);
    cr_expect_eq(counters_sum(set, C_RTP_RATE_PEAK + 1), 0);
}

/* ---- one call ---- */

/* A stream of `seconds` with 50 packets of 160 octets in each, from `at` on. */
static void stream(struct call_record *r, unsigned i, double at, unsigned seconds,
                   uint16_t a_second)
{
    static uint32_t steps[2][200];
    struct record_stream *s = &r->streams[i];
    s->dst = (struct endpoint){.addr = addr_v4(0x0a000001), .port = 4000};
    s->first_us = (int64_t)(at * 1e6);
    s->last_us = s->first_us + (int64_t)seconds * 1000000;
    s->packets = (uint64_t)seconds * a_second;
    s->bytes = s->packets * 172;
    s->series.start_us = s->first_us;
    s->series.step_ms = 1000;
    s->series.step_count = seconds;
    s->series.packets = steps[i];
    for (unsigned k = 0; k < seconds; k++)
        steps[i][k] = a_second;
}

static struct call_record *call(unsigned streams)
{
    struct call_record *r = record_new();
    r->streams = arena_alloc(r->arena, (streams + 1) * sizeof *r->streams);
    memset(r->streams, 0, (streams + 1) * sizeof *r->streams);
    r->stream_count = streams;
    return r;
}

Test(bandwidth, a_call_has_the_mean_over_its_streams_and_the_peak_of_its_seconds)
{
    struct call_record *r = call(2);
    stream(r, 0, 100, 20, 50);
    stream(r, 1, 110, 10, 50);
    bandwidth_of_call(r);
    /* 200 octets a packet with IPv4 and UDP: 80 kbit/s each; the second one in half of the time */
    cr_expect_float_eq(r->bits_per_s, 120000, 0.01);
    cr_expect_float_eq(r->bits_per_s_peak, 160000, 0.01);
    record_free(r);
}

Test(bandwidth, no_stream_or_a_moment_has_no_rate)
{
    struct call_record *none = call(0), *brief = call(1), *silent = call(1);
    stream(brief, 0, 100, 1, 50);
    brief->streams[0].last_us -= 1;
    bandwidth_of_call(none);
    bandwidth_of_call(brief);
    bandwidth_of_call(silent);
    cr_expect(isnan(none->bits_per_s) && isnan(brief->bits_per_s) &&
              isnan(silent->bits_per_s_peak));
    record_free(none);
    record_free(brief);
    record_free(silent);
}

Test(bandwidth, a_series_that_lies_about_its_time_stays_within_the_call)
{
    struct call_record *r = call(1);
    stream(r, 0, 100, 20, 50);
    r->streams[0].series.start_us = 0;
    bandwidth_of_call(r);
    cr_expect_eq(r->bits_per_s_peak, 0, "all of it lies before");
    r->streams[0].series.start_us = INT64_C(100000000000);
    bandwidth_of_call(r);
    cr_expect_eq(r->bits_per_s_peak, 0, "or behind");
    r->streams[0].last_us =
        INT64_C(100000000) * 1000000; /* three years: the peak of its first day */
    r->streams[0].series.start_us = r->streams[0].first_us;
    bandwidth_of_call(r);
    cr_expect_float_eq(r->bits_per_s_peak, 80000, 0.01);
    record_free(r);
}
