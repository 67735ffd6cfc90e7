/* Missing frames: in which stretches, how thick, and what they cost. A step of the series is bad
 * when the seconds around it lost enough; bad steps that lie near each other are one stretch. */
#include "app/diagnose/parts.h"

#include <math.h>

#define AROUND      2 /* steps on each side that count for one */
#define NEAR_MS     5000
#define LOST_LEAST  5 /* in a stretch: a single lost packet is no loss rate */
#define INNER_STEPS 5
#define STRETCHES   4 /* of a stream */

struct stretch {
    uint32_t first, last; /* steps that lost something */
    uint64_t packets, lost;
};

static bool is_bad(const struct record_series *t, uint32_t at, double share)
{
    uint64_t packets = 0, lost = 0;
    uint32_t from = at > AROUND ? at - AROUND : 0;
    if (t->lost[at] == 0)
        return false;
    for (uint32_t i = from; i <= at + AROUND && i < t->step_count; i++) {
        packets += t->packets[i];
        lost += t->lost[i];
    }
    return (double)lost >= share * (double)(packets + lost);
}

static void take(const struct record_series *t, struct stretch *x, uint32_t to)
{
    for (uint32_t i = x->last + 1; i <= to; i++) {
        x->packets += t->packets[i];
        x->lost += t->lost[i];
    }
    x->last = to;
}

static struct stretch begin(const struct record_series *t, uint32_t at)
{
    return (struct stretch){at, at, t->packets[at], t->lost[at]};
}

static bool counts(const struct stretch *x, double share)
{
    return x->lost >= LOST_LEAST && (double)x->lost >= share * (double)(x->packets + x->lost);
}

/* The next stretch from step *at on. */
static bool next_stretch(const struct record_series *t, double share, uint32_t *at,
                         struct stretch *ret)
{
    uint32_t near = NEAR_MS / t->step_ms + 1;
    bool open = false;
    for (; *at < t->step_count; ++*at) {
        if (open && *at - ret->last > near) {
            if (counts(ret, share))
                return true;
            open = false;
        }
        if (!is_bad(t, *at, share))
            continue;
        if (open)
            take(t, ret, *at);
        else
            *ret = begin(t, *at);
        open = true;
    }
    return open && counts(ret, share);
}

/* How much of an edge step belongs to the stretch: as much as its loss is of what the inner steps
 * lose. */
static double edge_part(const struct record_series *t, uint32_t at, double inner)
{
    double due = (double)t->packets[at] + t->lost[at];
    return due > 0 && inner > 0 ? fmin(1, (double)t->lost[at] / (due * inner)) : 1;
}

/* A long outage is booked where it ended: more was due then than a step holds, so it began earlier.
 */
static int64_t began_earlier_us(const struct record_stream *s, uint32_t step)
{
    const struct record_series *t = &s->series;
    double over_ms = ((double)t->packets[step] + t->lost[step]) * s->ptime_ms - t->step_ms;
    return over_ms > s->ptime_ms ? (int64_t)(1000 * over_ms) : 0;
}

/* What was due and lost within, and when: nearer than a step where there are steps within. */
struct extent {
    struct span at;
    double due, lost;
};

static struct extent extent_of(const struct record_stream *s, const struct stretch *x)
{
    const struct record_series *t = &s->series;
    int64_t step_us = (int64_t)t->step_ms * 1000;
    struct extent e = {
        .at = {t->start_us + x->first * step_us, t->start_us + (x->last + 1) * step_us},
        .due = (double)(x->packets + x->lost),
        .lost = (double)x->lost};
    e.at.from_us -= began_earlier_us(s, x->first);
    if (e.at.to_us > s->last_us)
        e.at.to_us = s->last_us;
    if (x->last - x->first < 2)
        return e;
    double first = (double)t->packets[x->first] + t->lost[x->first];
    double last = (double)t->packets[x->last] + t->lost[x->last];
    double inner = (e.lost - t->lost[x->first] - t->lost[x->last]) / (e.due - first - last);
    double begins = edge_part(t, x->first, inner), ends = edge_part(t, x->last, inner);
    e.due -= (1 - begins) * first + (1 - ends) * last;
    if (x->last - x->first > INNER_STEPS &&
        inner > 0) /* they tell the rate better than the edges */
        e.due = e.lost / inner;
    e.at.from_us += (int64_t)((1 - begins) * (double)step_us);
    e.at.to_us -= (int64_t)((1 - ends) * (double)(e.at.to_us - (t->start_us + x->last * step_us)));
    return e;
}

/* Numbers that were missing but no frames (events that a middlebox took out) cost nothing. */
static void score(struct record_label *l, const struct record_stream *s, const struct extent *e)
{
    double frames = s->lost ? e->lost * (double)s->media_lost / (double)s->lost : 0;
    double run = s->runs ? (double)s->media_lost / (double)s->runs : 1;
    l->mos_with = mos_at(s, e->due, frames, fmax(1, frames / run));
    l->mos_without = mos_at(s, e->due, 0, 0);
}

static void label_loss(struct look *k, const struct record_stream *s, const struct stretch *x)
{
    struct extent e = extent_of(s, x);
    struct record_label *l = label_add_stream(k, DIAGNOSE_loss, s, e.at);
    if (l == NULL)
        return;
    l->side = side_of_loss(k, s, e.at);
    evidence_number(l, "loss_percent", 100 * e.lost / e.due);
    evidence_number(l, "lost", e.lost);
    evidence_number(l, "run", s->runs ? (double)s->media_lost / (double)s->runs : 1);
    evidence_number(l, "longest_run", s->longest_run);
    score(l, s, &e);
}

/* A long run stands in the step that lost most. */
static void label_burst(struct look *k, const struct record_stream *s)
{
    const struct record_series *t = &s->series;
    uint32_t worst = 0;
    if (!label_on(k, DIAGNOSE_burst_loss) ||
        s->longest_run < k->config->threshold[DIAGNOSE_burst_loss] || t->step_count == 0)
        return;
    for (uint32_t i = 1; i < t->step_count; i++)
        if (t->lost[i] > t->lost[worst])
            worst = i;
    struct stretch x = begin(t, worst);
    struct extent e = extent_of(s, &x);
    struct record_label *l = label_add_stream(k, DIAGNOSE_burst_loss, s, e.at);
    if (l == NULL)
        return;
    l->side = side_of_loss(k, s, e.at);
    evidence_number(l, "longest_run", s->longest_run);
    evidence_number(l, "burst_r", s->quality.burst_r);
    evidence_number(l, "lost", (double)s->lost);
    score(l, s, &e);
}

/* Reports of the receiver that tell of more than was missing here. */
static void label_after_tap(struct look *k, const struct record_stream *s)
{
    double here = s->expected ? (double)s->lost / (double)s->expected : 0;
    double beyond = s->rtcp.loss_ratio - here;
    if (!label_on(k, DIAGNOSE_loss) || s->rtcp.receiver_reports < 2 || isnan(beyond) ||
        100 * beyond < (double)k->config->threshold[DIAGNOSE_loss])
        return;
    struct record_label *l = label_add_stream(k, DIAGNOSE_loss, s, life(s));
    if (l == NULL)
        return;
    double frames = (double)s->media_expected, lost = (double)s->media_lost;
    double run = s->runs ? lost / (double)s->runs : 1, all = frames * fmin(1, s->rtcp.loss_ratio);
    l->side = "after_tap";
    evidence_number(l, "loss_percent", 100 * beyond);
    evidence_number(l, "reported_percent", 100 * s->rtcp.loss_ratio);
    l->mos_with = mos_at(s, frames, all, all / run); /* what nobody saw comes in runs as here */
    l->mos_without = mos_at(s, frames, lost, (double)s->runs);
}

static void look_stream(struct look *k, const struct record_stream *s)
{
    struct stretch x = {0};
    uint32_t at = 0;
    double share = (double)k->config->threshold[DIAGNOSE_loss] / 100;
    for (unsigned n = 0; n < STRETCHES && label_on(k, DIAGNOSE_loss); n++) {
        if (!next_stretch(&s->series, share, &at, &x))
            break;
        label_loss(k, s, &x);
    }
    label_burst(k, s);
    label_after_tap(k, s);
}

void look_loss(struct look *k)
{
    for (uint32_t i = 0; i < k->r->stream_count; i++)
        if (strcmp(k->r->streams[i].media_type, "audio") == 0 &&
            !record_stream_foreign(&k->r->streams[i]) &&
            k->r->streams[i].media_lost + k->r->streams[i].rtcp.receiver_reports)
            look_stream(k, &k->r->streams[i]);
}
