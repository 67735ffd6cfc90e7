/* The lower hull of the least delay of each second. A full hull gives up the point whose loss
 * changes it least. The slope is that of the edge over the middle of the time: that line lies below
 * all points and, of all such lines, closest to them. */
#include "capture/rtp/skew.h"

#include <math.h>
#include <string.h>

#include "capture/rtp/playout.h"

enum { SLICE = 1000 * PLAYOUT_UNITS_PER_MS, SPAN_MIN_MS = 30000 };

void skew_init(struct skew *k)
{
    memset(k, 0, sizeof *k);
    k->kept_ppm = NAN;
}

/* Twice the area of the triangle; positive when b lies below the line from a to c. */
static double below(const struct skew_point *a, const struct skew_point *b,
                    const struct skew_point *c)
{
    return ((double)b->at_ms - a->at_ms) * ((double)c->delay - a->delay) -
           ((double)c->at_ms - a->at_ms) * ((double)b->delay - a->delay);
}

static void thin_out(struct skew *k)
{
    unsigned best = 1;
    double least = INFINITY;
    for (unsigned i = 1; i + 1 < k->count; i++) {
        double area = below(&k->hull[i - 1], &k->hull[i], &k->hull[i + 1]);
        if (area < least) {
            least = area;
            best = i;
        }
    }
    memmove(&k->hull[best], &k->hull[best + 1], (k->count - best - 1u) * sizeof *k->hull);
    k->count--;
}

static void push(struct skew *k, struct skew_point p)
{
    if (k->count && k->hull[k->count - 1].at_ms == p.at_ms) {
        if (k->hull[k->count - 1].delay <= p.delay)
            return;
        k->count--;
    }
    while (k->count >= 2 && below(&k->hull[k->count - 2], &k->hull[k->count - 1], &p) <= 0)
        k->count--;
    if (k->count == SKEW_POINTS)
        thin_out(k);
    k->hull[k->count++] = p;
}

static void slice_close(struct skew *k)
{
    push(k, k->least);
    k->at_sum_ms += k->least.at_ms;
    k->slices++;
}

static void start(struct skew *k, int64_t arrival, int64_t delay)
{
    k->origin_arrival = arrival;
    k->origin_delay = delay;
    k->slice_end = arrival + SLICE;
    k->least = (struct skew_point){0, 0};
    k->count = 0;
    k->at_sum_ms = 0;
    k->slices = 0;
    k->started = true;
}

void skew_packet(struct skew *k, int64_t arrival, int64_t delay)
{
    int64_t relative = delay - k->origin_delay;
    if (!k->started || relative > INT32_MAX || relative < INT32_MIN ||
        arrival - k->origin_arrival > INT64_C(20) * 86400 * SLICE) {
        skew_restart(k);
        start(k, arrival, delay);
        return;
    }
    if (arrival >= k->slice_end) {
        slice_close(k);
        k->slice_end = arrival + SLICE;
    } else if (relative >= k->least.delay) {
        return;
    }
    k->least = (struct skew_point){
        .at_ms = (int32_t)((arrival - k->origin_arrival) / PLAYOUT_UNITS_PER_MS),
        .delay = (int32_t)relative,
    };
}

static uint32_t span_ms(const struct skew *k)
{
    return k->started ? (uint32_t)(k->least.at_ms - (k->count ? k->hull[0].at_ms : 0)) : 0;
}

static double slope(const struct skew *k)
{
    struct skew now = *k;
    slice_close(&now);
    double middle = (double)now.at_sum_ms / now.slices;
    unsigned i = 1;
    while (i + 1 < now.count && now.hull[i].at_ms < middle)
        i++;
    if (now.count < 2)
        return NAN;
    const struct skew_point *a = &now.hull[i - 1], *b = &now.hull[i];
    double run_ms = (double)b->at_ms - a->at_ms;
    return ((double)b->delay - a->delay) / PLAYOUT_UNITS_PER_MS / run_ms * 1e6;
}

void skew_restart(struct skew *k)
{
    uint32_t span = span_ms(k);
    if (span >= SPAN_MIN_MS && span > k->kept_ms) {
        k->kept_ppm = (float)slope(k);
        k->kept_ms = span;
    }
    k->started = false;
}

double skew_ppm(const struct skew *k)
{
    uint32_t span = span_ms(k);
    return span >= SPAN_MIN_MS && span > k->kept_ms ? slope(k) : k->kept_ppm;
}
