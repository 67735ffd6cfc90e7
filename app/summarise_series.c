/* The steps and windows of capture/rtp as columns of the record. A window has three scores, one for
 * each jitter buffer; those that are suspect have none. Where packets were lost is told by reports,
 * which come when they come: an interval counts in the window in which it ended, and a window in
 * which none ended is not known. */
#include "app/summarise_series.h"

#include <math.h>

#include "app/stream_score.h"
#include "app/summarise.h"
#include "base/burst_ratio.h"

static struct score window_score(const struct wstream *s, const struct rtp_window *v)
{
    return stream_score(s, v->expected, (uint64_t)v->lost + v->discarded, v->bad_runs, NAN);
}

double stream_window_score(const struct wstream *s, double *ret_r, const char **ret_scale)
{
    const struct rtp_series *series = rtp_stream_series(s->rtp);
    *ret_r = NAN;
    *ret_scale = NULL;
    if (series->window_count == 0 ||
        suspect_window(stream_suspect(s), s->rtp, series->window_count - 1u))
        return NAN;
    struct score score = window_score(s, &series->windows[series->window_count - 1]);
    *ret_r = score.r;
    *ret_scale = score.scale;
    return score.mos_lq;
}

/* ---- steps ---- */

static bool steps_room(struct arena *a, struct record_series *out, uint32_t steps)
{
    out->packets = arena_alloc(a, steps * sizeof *out->packets);
    out->lost = arena_alloc(a, steps * sizeof *out->lost);
    out->discarded = arena_alloc(a, steps * sizeof *out->discarded);
    out->max_gap_ms = arena_alloc(a, steps * sizeof *out->max_gap_ms);
    out->jitter_ms = arena_alloc(a, steps * sizeof *out->jitter_ms);
    return out->packets && out->lost && out->discarded && out->max_gap_ms && out->jitter_ms;
}

static void fill_steps(const struct rtp_series *in, struct record_series *out)
{
    out->step_ms = in->step_ms;
    out->step_count = in->step_count;
    for (unsigned i = 0; i < in->step_count; i++) {
        const struct rtp_step *step = &in->steps[i];
        out->packets[i] = step->packets;
        out->lost[i] = step->lost;
        out->discarded[i] = step->discarded;
        out->max_gap_ms[i] = step->max_gap_ms;
        out->jitter_ms[i] = step->jitter_dms == UINT16_MAX ? NAN : (float)step->jitter_dms / 10;
    }
}

/* ---- windows ---- */

static bool windows_room(struct arena *a, struct record_series *out, uint32_t windows)
{
    float **const columns[] = {&out->mos, &out->r,       &out->mos_f50,   &out->mos_f200,
                               &out->ppl, &out->burst_r, &out->pdv_p95_ms};
    bool all = true;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        *columns[i] = arena_alloc(a, windows * sizeof **columns[i]);
        all &= *columns[i] != NULL;
    }
    return all;
}

static double fixed_score(const struct wstream *s, const struct rtp_window *v,
                          enum playout_buffer which)
{
    return stream_score(s, v->expected, v->fixed_bad[which], v->fixed_runs[which], NAN).mos_lq;
}

static void fill_window(const struct wstream *s, const struct rtp_window *v, bool suspect,
                        unsigned i, struct record_series *out)
{
    uint64_t bad = (uint64_t)v->lost + v->discarded;
    bool simulated = v->pdv_p95 != UINT16_MAX;
    bool scored = !suspect && v->expected;
    struct score score = window_score(s, v);
    out->mos[i] = scored ? (float)score.mos_lq : NAN;
    out->r[i] = scored ? (float)score.r : NAN;
    out->mos_f50[i] = scored && simulated ? (float)fixed_score(s, v, PLAYOUT_F50) : NAN;
    out->mos_f200[i] = scored && simulated ? (float)fixed_score(s, v, PLAYOUT_F200) : NAN;
    out->ppl[i] = scored ? (float)(100.0 * (double)bad / v->expected) : NAN;
    out->burst_r[i] = scored ? (float)burst_ratio(v->expected, bad, v->bad_runs) : NAN;
    out->pdv_p95_ms[i] = simulated ? (float)v->pdv_p95 / 10 : NAN;
}

static void fill_windows(const struct wstream *s, const struct rtp_series *in,
                         struct record_series *out)
{
    out->window_ms = in->window_ms;
    out->window_count = in->window_count;
    for (unsigned i = 0; i < in->window_count; i++)
        fill_window(s, &in->windows[i], suspect_window(stream_suspect(s), s->rtp, i), i, out);
}

/* ---- where it was lost ---- */

static void place(uint32_t *column, unsigned window, uint16_t packets)
{
    column[window] = column[window] == SERIES_UNKNOWN ? packets : column[window] + packets;
}

static uint32_t *unknown(struct arena *a, uint32_t count)
{
    uint32_t *column = arena_alloc(a, count * sizeof *column);
    for (uint32_t i = 0; column && i < count; i++)
        column[i] = SERIES_UNKNOWN;
    return column;
}

static void fill_places(struct arena *a, const struct wstream *s, int64_t first_ns,
                        struct record_series *out)
{
    unsigned count = 0;
    const struct rtcp_interval *v = s->rtcp ? rtcp_tap_intervals(s->rtcp->tap, &count) : NULL;
    if (count == 0 || out->window_count == 0)
        return;
    uint32_t *before = unknown(a, out->window_count), *after = unknown(a, out->window_count);
    uint32_t *ours = unknown(a, out->window_count);
    if (before == NULL || after == NULL || ours == NULL)
        return;
    for (unsigned i = 0; i < count; i++) {
        int64_t ms = (v[i].end_ns - 1 - first_ns) / 1000000;
        int64_t window = ms < 0 ? 0 : ms / out->window_ms;
        unsigned at = window < out->window_count ? (unsigned)window : out->window_count - 1;
        place(before, at, v[i].before_tap);
        place(after, at, v[i].after_tap);
        place(ours, at, v[i].capture);
    }
    out->lost_before = before;
    out->lost_after = after;
    out->lost_capture = ours;
}

void summarise_series(struct arena *a, const struct wstream *s, int64_t first_ns,
                      struct record_series *out)
{
    const struct rtp_series *in = rtp_stream_series(s->rtp);
    if (!steps_room(a, out, in->step_count) || !windows_room(a, out, in->window_count))
        return;
    out->start_us = first_ns / 1000;
    fill_steps(in, out);
    fill_windows(s, in, out);
    fill_places(a, s, first_ns, out);
}
