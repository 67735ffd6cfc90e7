/* What a stream has come to: the counters as callers see them. */
#include "capture/rtp/simulation.h"

#include <math.h>

uint64_t stats_expected(const struct rtp_stream *s)
{
    return s->expected_closed + (s->open ? s->max_ext - s->base_ext + 1 : 0);
}

uint64_t stats_frames_received(const struct rtp_stream *s)
{
    return s->received - s->event_packets - s->noise_packets;
}

static void jitter_report(const struct rtp_stream *s, struct rtp_stats *t)
{
    t->jitter_ms_last = t->jitter_ms_mean = t->jitter_ms_max = t->jitter_ms_p95 = NAN;
    if (s->jitter_samples == 0)
        return;
    t->jitter_ms_last = s->jitter_ms;
    t->jitter_ms_mean = s->jitter_sum_ms / s->jitter_samples;
    t->jitter_ms_max = s->jitter_max_ms;
    t->jitter_ms_p95 = jitter_percentile_95(s);
}

static void runs_report(const struct rtp_stream *s, struct rtp_stats *t)
{
    struct run_counts runs = runs_now(s);
    t->media_lost = runs.lost;
    t->media_expected = stats_frames_received(s) + runs.lost;
    t->runs = runs.runs;
    t->longest_run = runs.longest;
    static_assert(sizeof t->run_histogram == sizeof runs.histogram, "the same bins");
    memcpy(t->run_histogram, runs.histogram, sizeof runs.histogram);
    t->bad = runs.lost;
    t->bad_runs = runs.runs;
}

static void simulated_report(const struct rtp_stream *s, struct rtp_stats *t)
{
    struct playout_report ad;
    playout_result(&simulation_of(s)->playout, PLAYOUT_AD, &ad);
    if (ad.judged == 0)
        return;
    struct vector_counts c = simulation_now(s);
    t->simulated = true;
    t->discarded = ad.late;
    t->bad = c.burst.runs.bad;
    t->bad_runs = c.burst.runs.runs;
}

void rtp_stream_stats(const struct rtp_stream *s, struct rtp_stats *ret_stats)
{
    struct rtp_stats t = {
        .received = s->received,
        .expected = stats_expected(s),
        .duplicates = s->duplicates,
        .reordered = s->reordered,
        .restarts = s->restarts,
        .conflicts = s->conflicts,
        .timestamp_jumps = s->timestamp_jumps,
        .payload_changes = s->payload_changes,
        .marker_count = s->marker_count,
        .event_packets = s->event_packets,
        .noise_packets = s->noise_packets,
        .bytes = s->bytes,
        .first_ns = s->first_ns,
        .last_ns = s->last_ns,
        .clock_hz = s->clock_hz,
        .max_gap_ms = s->gap_max_us / 1000.0,
        .min_gap_ms = s->gap_min_ns < UINT32_MAX ? s->gap_min_ns / (double)NS_PER_MS : NAN,
    };
    t.lost = t.expected - t.received;
    if (s->ptime_ticks && s->clock_hz)
        t.ptime_ms = s->ptime_ticks * s->ms_per_tick;
    else
        t.ptime_ms = s->sdp_ptime_ms;
    runs_report(s, &t);
    if (s->simulated)
        simulated_report(s, &t);
    jitter_report(s, &t);
    rfc_report(&s->rfc, &t);
    *ret_stats = t;
}

bool rtp_stream_playout(const struct rtp_stream *s, struct rtp_playout *ret_playout)
{
    if (!s->simulated)
        return false;
    const struct simulation *m = simulation_of(s);
    struct vector_counts c = simulation_now(s);
    struct rtp_playout t = {.skew_ppm = skew_ppm(&m->skew)};
    for (unsigned i = 0; i < PLAYOUT_BUFFERS; i++)
        playout_result(&m->playout, (enum playout_buffer)i, &t.buffers[i]);
    if (t.buffers[PLAYOUT_AD].judged == 0)
        return false;
    for (unsigned i = PLAYOUT_F50; i <= PLAYOUT_F200; i++) {
        t.bad[i] = c.fixed[i].bad;
        t.runs[i] = c.fixed[i].runs;
    }
    burst_result(&c.burst, media_ptime_ms(s), &t.burst);
    t.bad[PLAYOUT_AD] = t.burst.bad;
    t.runs[PLAYOUT_AD] = t.burst.runs;
    delays_result(&m->delays, &t.delays);
    *ret_playout = t;
    return true;
}

const struct rtp_series *rtp_stream_series(const struct rtp_stream *s)
{
    return &s->series;
}

uint32_t rtp_stream_highest(const struct rtp_stream *s)
{
    return s->max_ext - SEGMENT_ORIGIN;
}

int64_t rtp_stream_first_ns(const struct rtp_stream *s)
{
    return s->first_ns;
}

double rtp_stream_clock_hz(const struct rtp_stream *s)
{
    return s->clock_hz;
}

uint32_t rtp_stream_duplicates(const struct rtp_stream *s)
{
    return s->duplicates;
}
