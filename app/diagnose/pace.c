/* Packets that come unevenly, not at all for a while, or by another clock than they say. */
#include "app/diagnose/parts.h"

#include <math.h>

#define NEAR_MS         5000
#define JITTER_LEAST_MS 3000 /* one late packet is no jitter */

static double skew_of(const struct record_stream *s)
{
    return s->playout.given ? s->playout.skew_ppm : NAN;
}

static int64_t step_at(const struct record_series *t, uint32_t step)
{
    return t->start_us + (int64_t)step * t->step_ms * 1000;
}

/* The longest stretch of steps with that much jitter, small dents left in. */
static bool find_jitter(const struct record_series *t, double least, uint32_t *ret_first,
                        uint32_t *ret_last)
{
    uint32_t first = 0, last = 0, best = 0;
    uint32_t near = t->step_ms && t->step_ms < NEAR_MS ? NEAR_MS / t->step_ms : 1;
    bool open = false;
    for (uint32_t i = 0; i < t->step_count; i++) {
        if (isnan(t->jitter_ms[i]) || (double)t->jitter_ms[i] < least)
            continue;
        if (!open || i - last > near)
            first = i;
        open = true;
        last = i;
        if (last - first + 1 > best) {
            best = last - first + 1;
            *ret_first = first;
            *ret_last = last;
        }
    }
    /* a long step knows only what the jitter was at its end: one alone does not last */
    return best * t->step_ms >= JITTER_LEAST_MS && (best > 1 || t->step_ms < JITTER_LEAST_MS);
}

static void look_jitter(struct look *k, const struct record_stream *s)
{
    const struct record_series *t = &s->series;
    double worst = 0;
    uint32_t first = 0, last = 0, discarded = 0, packets = 0;
    if (fabs(skew_of(s)) >= DIAGNOSE_OTHER_CLOCK_PPM) /* jitter is reckoned by that clock */
        return;
    if (!label_on(k, DIAGNOSE_jitter) ||
        !find_jitter(t, (double)k->config->threshold[DIAGNOSE_jitter], &first, &last))
        return;
    for (uint32_t i = first; i <= last; i++) {
        worst = fmax(worst, (double)t->jitter_ms[i]);
        discarded += t->discarded[i];
        packets += t->packets[i];
    }
    struct span at = {step_at(t, first), step_at(t, last + 1)};
    struct record_label *l = label_add_stream(k, DIAGNOSE_jitter, s, at);
    evidence_number(l, "jitter_ms", worst);
    if (l == NULL)
        return;
    l->side = side_of_loss(k, s, at);
    if (discarded == 0) /* what a playout buffer would make of it is not known */
        return;
    evidence_number(l, "discarded", discarded);
    l->mos_with = mos_at(s, packets, discarded, discarded);
    l->mos_without = mos_at(s, packets, 0, 0);
}

/* The gap that ended in step `i`: somewhere in it, nobody knows nearer. */
static struct span gap_in(const struct record_series *t, uint32_t i)
{
    int64_t end_us = step_at(t, i) + 500 * t->step_ms;
    return (struct span){end_us - (int64_t)(1000 * (double)t->max_gap_ms[i]), end_us};
}

/* The longest one that is no hold. */
static void look_gap(struct look *k, const struct record_stream *s)
{
    const struct record_series *t = &s->series;
    struct span at = {0};
    if (!label_on(k, DIAGNOSE_long_gap))
        return;
    for (uint32_t i = 0; i < t->step_count; i++) {
        struct span gap = gap_in(t, i);
        if (gap.to_us - gap.from_us > at.to_us - at.from_us && !held_during(k, gap))
            at = gap;
    }
    int64_t gap_us = at.to_us - at.from_us;
    if (gap_us == 0 || gap_us < k->config->threshold[DIAGNOSE_long_gap] * 1000)
        return;
    struct record_label *l = label_add_stream(k, DIAGNOSE_long_gap, s, at);
    if (l)
        l->side = side_of_loss(k, s, at);
    evidence_number(l, "gap_ms", (double)gap_us / 1000);
}

static void look_drift(struct look *k, const struct record_stream *s)
{
    double skew = skew_of(s);
    if (!label_on(k, DIAGNOSE_clock_drift) || isnan(skew) ||
        fabs(skew) < (double)k->config->threshold[DIAGNOSE_clock_drift])
        return;
    struct record_label *l = label_add_stream(k, DIAGNOSE_clock_drift, s, life(s));
    evidence_number(l, "skew_ppm", skew);
    if (l)
        l->side = "before_tap";
}

void look_pace(struct look *k)
{
    for (uint32_t i = 0; i < k->r->stream_count; i++) {
        const struct record_stream *s = &k->r->streams[i];
        if (strcmp(s->media_type, "audio") != 0 || record_stream_foreign(s))
            continue;
        look_jitter(k, s);
        look_gap(k, s);
        look_drift(k, s);
    }
}
