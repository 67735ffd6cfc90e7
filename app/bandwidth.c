#include "app/bandwidth.h"

#include <math.h>
#include <stdlib.h>

#define SECOND_NS      INT64_C(1000000000)
#define SECOND_US      INT64_C(1000000)
#define CALL_STEPS_MAX 86400 /* seconds of a call that are looked at for its peak */

void bandwidth_init(struct bandwidth *b, struct counters_set *all, struct counters *gauges)
{
    *b = (struct bandwidth){.all = all, .gauges = gauges};
}

static uint64_t bytes_of_trunk(const struct bandwidth *b, unsigned trunk)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < LABEL_COUNT_DIRECTION; i++)
        sum += counters_sum(b->all, C_RTP_BYTES + trunk * LABEL_COUNT_DIRECTION + i);
    return sum;
}

/* Packets bring ticks: where more than a second has passed since the last one, all bytes came in
 * its second. */
static void end_second(struct bandwidth *b, bool just_now)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < LABEL_COUNT_TRUNK; i++) {
        uint64_t bytes = bytes_of_trunk(b, i), more = bytes - b->seen[i];
        b->seen[i] = bytes;
        total += more;
        counters_set(b->gauges, C_RTP_RATE + i, just_now ? more : 0);
        if (more > b->peak[i]) {
            b->peak[i] = more;
            counters_set(b->gauges, C_RTP_RATE_PEAK + i, more);
        }
    }
    if (total > b->total_peak) {
        b->total_peak = total;
        counters_set(b->gauges, C_RTP_TOTAL_PEAK, total);
    }
}

void bandwidth_tick(struct bandwidth *b, int64_t now_ns)
{
    int64_t second = now_ns / SECOND_NS;
    if (b->all == NULL || second <= b->second)
        return;
    if (b->second)
        end_second(b, second == b->second + 1);
    b->second = second;
}

/* ---- one call ---- */

static unsigned header_bytes(const struct record_stream *s)
{
    return addr_is_v4(s->dst.addr) ? IPV4_UDP_BYTES : IPV6_UDP_BYTES;
}

static double stream_bits(const struct record_stream *s)
{
    return 8.0 * ((double)s->bytes + (double)s->packets * header_bytes(s));
}

/* The stream's share of each second since `start_us`: its packets of a step, all of mean size,
 * evenly over the step. */
static void add_series(const struct record_stream *s, int64_t start_us, double *seconds,
                       size_t count)
{
    const struct record_series *v = &s->series;
    double a_packet = s->packets ? stream_bits(s) / (double)s->packets : 0;
    uint32_t width = v->step_ms / 1000 ? v->step_ms / 1000 : 1;
    for (uint32_t i = 0; i < v->step_count; i++) {
        int64_t at =
            (v->start_us + (int64_t)i * v->step_ms * 1000 - start_us + SECOND_US / 2) / SECOND_US;
        for (uint32_t k = 0; k < width; k++)
            if (at >= 0 && (size_t)at + k < count)
                seconds[(size_t)at + k] += v->packets[i] * a_packet / width;
    }
}

static double peak_of(const struct call_record *r, int64_t start_us, int64_t end_us)
{
    int64_t span = (end_us - start_us) / SECOND_US + 2;
    size_t count = span < CALL_STEPS_MAX ? (size_t)span : CALL_STEPS_MAX;
    double *seconds = calloc(count, sizeof *seconds), peak = 0;
    if (seconds == NULL)
        return NAN;
    for (uint32_t i = 0; i < r->stream_count; i++)
        add_series(&r->streams[i], start_us, seconds, count);
    for (size_t i = 0; i < count; i++)
        peak = seconds[i] > peak ? seconds[i] : peak;
    free(seconds);
    return peak;
}

void bandwidth_of_call(struct call_record *r)
{
    int64_t start_us = INT64_MAX, end_us = 0;
    double bits = 0;
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct record_stream *s = &r->streams[i];
        if (s->packets == 0)
            continue;
        start_us = s->first_us < start_us ? s->first_us : start_us;
        end_us = s->last_us > end_us ? s->last_us : end_us;
        bits += stream_bits(s);
    }
    if (end_us - start_us < SECOND_US) /* nothing, or too short for a rate */
        return;
    r->bits_per_s = bits * SECOND_US / (double)(end_us - start_us);
    r->bits_per_s_peak = peak_of(r, start_us, end_us);
}
