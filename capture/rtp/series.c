/* Steps and windows: a stream's life in at most SERIES_STEPS_MAX pieces each.
 *
 * The open step is counted in the stream; when it ends it is appended. A full series is widened
 * instead: neighbours are merged and the step grows 1000 -> 10000 -> 20000 -> 40000 ms ..., and
 * what does not fill a wider step goes back into the open one. No memory is treated the same way,
 * so that nothing that was counted is ever lost. Windows are differences of running totals, the one
 * between what has happened and what is booked; window_ms is always a multiple of step_ms. */
#include "capture/rtp/simulation.h"

#include <stdlib.h>

enum {
    STEP_FIRST_MS = 1000,
    WINDOW_FIRST_MS = 10000,
    ROOM_FIRST = 16,
};

/* Steps stop growing here (12 days): then the last one stays open for ever. */
#define STEP_LAST_MS (UINT32_C(1) << 30)

static uint16_t saturate(uint64_t v)
{
    return v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

static uint16_t add_saturated(uint16_t a, uint16_t b)
{
    return saturate((uint32_t)a + b);
}

static void set_step_end(struct rtp_stream *s)
{
    const struct rtp_series *t = &s->series;
    int64_t length_ns = ((int64_t)t->step_count + 1) * t->step_ms * NS_PER_MS;
    if (t->step_ms >= STEP_LAST_MS ||
        __builtin_add_overflow(s->first_ns, length_ns, &s->step_end_ns))
        s->step_end_ns = INT64_MAX;
}

void series_start(struct rtp_stream *s)
{
    s->series.step_ms = STEP_FIRST_MS;
    s->series.window_ms = WINDOW_FIRST_MS;
    set_step_end(s);
}

/* Room for one more entry; false: at the ceiling, or no memory. */
static bool has_room(void **array, size_t entry_size, uint16_t count, uint16_t *room)
{
    if (count < *room)
        return true;
    if (*room == SERIES_STEPS_MAX)
        return false;
    unsigned more = *room ? *room * 2u : ROOM_FIRST;
    if (more > SERIES_STEPS_MAX)
        more = SERIES_STEPS_MAX;
    void *grown = realloc(*array, more * entry_size);
    if (grown == NULL)
        return false;
    *array = grown;
    *room = (uint16_t)more;
    return true;
}

static bool steps_have_room(struct rtp_series *t)
{
    void *array = t->steps;
    bool ok = has_room(&array, sizeof *t->steps, t->step_count, &t->step_room);
    t->steps = array;
    return ok;
}

static bool windows_have_room(struct rtp_series *t)
{
    void *array = t->windows;
    bool ok = has_room(&array, sizeof *t->windows, t->window_count, &t->window_room);
    t->windows = array;
    return ok;
}

static uint16_t larger(uint16_t a, uint16_t b)
{
    return a == UINT16_MAX ? b : b == UINT16_MAX || a > b ? a : b;
}

static struct rtp_window merge_windows(const struct rtp_window *w)
{
    struct rtp_window sum = {
        .expected = add_saturated(w[0].expected, w[1].expected),
        .lost = add_saturated(w[0].lost, w[1].lost),
        .runs = add_saturated(w[0].runs, w[1].runs),
        .discarded = add_saturated(w[0].discarded, w[1].discarded),
        .bad_runs = add_saturated(w[0].bad_runs, w[1].bad_runs),
        .pdv_p95 = larger(w[0].pdv_p95, w[1].pdv_p95),
    };
    for (unsigned i = PLAYOUT_F50; i <= PLAYOUT_F200; i++) {
        sum.fixed_bad[i] = add_saturated(w[0].fixed_bad[i], w[1].fixed_bad[i]);
        sum.fixed_runs[i] = add_saturated(w[0].fixed_runs[i], w[1].fixed_runs[i]);
    }
    return sum;
}

static void unbook_simulated(struct rtp_stream *s, const struct rtp_window *left)
{
    if (!s->simulated)
        return;
    struct simulation *m = simulation_of(s);
    m->booked_discarded -= left->discarded;
    m->booked_runs -= left->bad_runs;
    for (unsigned i = PLAYOUT_F50; i <= PLAYOUT_F200; i++) {
        m->booked_fixed_bad[i] -= left->fixed_bad[i];
        m->booked_fixed_runs[i] -= left->fixed_runs[i];
    }
}

static void widen_windows(struct rtp_stream *s)
{
    struct rtp_series *t = &s->series;
    for (unsigned i = 0; i < t->window_count / 2u; i++)
        t->windows[i] = merge_windows(&t->windows[2 * i]);
    if (t->window_count % 2) { /* half a window: open again */
        struct rtp_window *left = &t->windows[t->window_count - 1];
        s->booked_expected -= left->expected;
        s->booked_lost -= left->lost;
        s->booked_runs -= left->runs;
        unbook_simulated(s, left);
    }
    t->window_count /= 2;
    t->window_ms *= 2;
}

static struct rtp_step merge_steps(const struct rtp_step *step, unsigned count)
{
    struct rtp_step sum = step[0];
    for (unsigned i = 1; i < count; i++) {
        sum.packets = add_saturated(sum.packets, step[i].packets);
        sum.lost = add_saturated(sum.lost, step[i].lost);
        sum.discarded = add_saturated(sum.discarded, step[i].discarded);
        if (step[i].max_gap_ms > sum.max_gap_ms)
            sum.max_gap_ms = step[i].max_gap_ms;
        if (step[i].jitter_dms != UINT16_MAX)
            sum.jitter_dms = step[i].jitter_dms;
    }
    return sum;
}

static void reopen_step(struct rtp_stream *s, const struct rtp_step *step)
{
    s->step_packets += step->packets;
    s->step_lost += step->lost;
    if (s->simulated)
        simulation_of(s)->step_discarded += step->discarded;
    if (step->max_gap_ms * NS_PER_MS > s->step_gap_ns)
        s->step_gap_ns = step->max_gap_ms * NS_PER_MS;
}

static void widen_steps(struct rtp_stream *s)
{
    struct rtp_series *t = &s->series;
    unsigned factor = t->step_ms == STEP_FIRST_MS ? 10 : 2;
    unsigned whole = t->step_count / factor;
    for (unsigned i = 0; i < whole; i++)
        t->steps[i] = merge_steps(&t->steps[i * factor], factor);
    for (unsigned i = whole * factor; i < t->step_count; i++)
        reopen_step(s, &t->steps[i]);
    t->step_count = (uint16_t)whole;
    t->step_ms *= factor;
    while (t->window_ms < t->step_ms)
        widen_windows(s);
    set_step_end(s);
}

/* The part of `now` that is not booked yet. A packet that comes late, after its window ended, makes
 * a total shrink: then the window before is put right. */
static uint16_t book(uint32_t *booked, uint64_t now, uint16_t *before)
{
    int32_t more = (int32_t)((uint32_t)now - *booked);
    if (more >= 0) {
        *booked += (uint32_t)more;
        return saturate((uint32_t)more);
    }
    if (before && *before != UINT16_MAX) {
        uint32_t less = (uint32_t)-more < *before ? (uint32_t)-more : *before;
        *before = (uint16_t)(*before - less);
        *booked -= less;
    }
    return 0;
}

static void book_simulated(struct rtp_stream *s, struct rtp_window *w, struct rtp_window *before)
{
    if (!s->simulated) {
        w->bad_runs = w->runs;
        w->pdv_p95 = UINT16_MAX;
        return;
    }
    struct simulation *m = simulation_of(s);
    struct vector_counts c = simulation_now(s);
    struct playout_report r;
    playout_result(&m->playout, PLAYOUT_AD, &r);
    w->discarded = book(&m->booked_discarded, r.late, before ? &before->discarded : NULL);
    w->bad_runs = book(&m->booked_runs, c.burst.runs.runs, before ? &before->bad_runs : NULL);
    for (unsigned i = PLAYOUT_F50; i <= PLAYOUT_F200; i++) {
        w->fixed_bad[i] =
            book(&m->booked_fixed_bad[i], c.fixed[i].bad, before ? &before->fixed_bad[i] : NULL);
        w->fixed_runs[i] =
            book(&m->booked_fixed_runs[i], c.fixed[i].runs, before ? &before->fixed_runs[i] : NULL);
    }
    double p95_ms = playout_percentile_ms(&m->playout, 0.95);
    w->pdv_p95 = p95_ms >= 0 ? saturate((uint64_t)(p95_ms * 10 + 0.5)) : UINT16_MAX;
}

static struct rtp_window book_window(struct rtp_stream *s)
{
    struct rtp_series *t = &s->series;
    struct rtp_window *before = t->window_count ? &t->windows[t->window_count - 1] : NULL;
    struct run_counts runs = runs_now(s);
    uint64_t frames = stats_frames_received(s) + runs.lost;
    struct rtp_window w = {
        .expected = book(&s->booked_expected, frames, before ? &before->expected : NULL),
        .lost = book(&s->booked_lost, runs.lost, before ? &before->lost : NULL),
        .runs = book(&s->booked_runs, runs.runs, before ? &before->runs : NULL),
    };
    book_simulated(s, &w, before);
    return w;
}

static unsigned end_window(struct rtp_stream *s)
{
    struct rtp_series *t = &s->series;
    if (!windows_have_room(t)) {
        widen_windows(s);
        return 0; /* the open window is part of a wider one now */
    }
    t->windows[t->window_count] = book_window(s);
    t->window_count++;
    return RTP_WINDOW;
}

static uint16_t jitter_now(const struct rtp_stream *s)
{
    if (s->jitter_samples == 0 || s->step_packets == 0)
        return UINT16_MAX;
    double dms = s->jitter_ms * 10 + 0.5;
    return dms < UINT16_MAX - 1 ? (uint16_t)dms : UINT16_MAX - 1;
}

static void append_step(struct rtp_stream *s)
{
    uint32_t *discarded = s->simulated ? &simulation_of(s)->step_discarded : NULL;
    s->series.steps[s->series.step_count++] = (struct rtp_step){
        .packets = saturate(s->step_packets),
        .lost = saturate(s->step_lost),
        .max_gap_ms = saturate((uint64_t)(s->step_gap_ns + NS_PER_MS / 2) / NS_PER_MS),
        .jitter_dms = jitter_now(s),
        .discarded = discarded ? saturate(*discarded) : 0,
    };
    if (discarded)
        *discarded = 0;
    s->step_packets = 0;
    s->step_lost = 0;
    s->step_gap_ns = 0;
}

static unsigned end_step(struct rtp_stream *s)
{
    struct rtp_series *t = &s->series;
    if (!steps_have_room(t)) {
        widen_steps(s);
        return 0;
    }
    append_step(s);
    set_step_end(s);
    uint64_t end_ms = (uint64_t)t->step_count * t->step_ms;
    uint64_t window_end_ms = ((uint64_t)t->window_count + 1) * t->window_ms;
    return RTP_STEP | (end_ms >= window_end_ms ? end_window(s) : 0);
}

unsigned series_advance(struct rtp_stream *s, int64_t ns)
{
    unsigned ended = 0;
    while (ns >= s->step_end_ns && s->step_end_ns != INT64_MAX)
        ended |= end_step(s);
    return ended;
}

static void finish_steps(struct rtp_stream *s)
{
    struct rtp_series *t = &s->series;
    if (s->step_packets == 0 && s->step_lost == 0)
        return;
    while (!steps_have_room(t) && t->step_ms < STEP_LAST_MS)
        widen_steps(s);
    if (t->step_count < t->step_room)
        append_step(s);
}

static void finish_windows(struct rtp_stream *s)
{
    struct rtp_series *t = &s->series;
    while (!windows_have_room(t) && t->window_ms < STEP_LAST_MS)
        widen_windows(s);
    if (t->window_count == t->window_room)
        return;
    struct rtp_window last = book_window(s);
    if (last.expected || last.lost || last.runs)
        t->windows[t->window_count++] = last;
}

void series_finish(struct rtp_stream *s)
{
    finish_steps(s);
    finish_windows(s);
    s->step_end_ns = INT64_MAX;
}

void series_unlose(struct rtp_stream *s)
{
    struct rtp_series *t = &s->series;
    struct rtp_step *last = t->step_count ? &t->steps[t->step_count - 1] : NULL;
    if (s->step_lost)
        s->step_lost--;
    else if (last && last->lost && last->lost != UINT16_MAX)
        last->lost--;
}
