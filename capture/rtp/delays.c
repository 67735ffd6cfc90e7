/* Histograms and extremes of delay variation. */
#include "capture/rtp/delays.h"

#include <math.h>
#include <string.h>

#include "capture/rtp/playout.h"

enum {
    UNITS = PLAYOUT_UNITS_PER_MS,
    IPDV_REACH = 50,
    IPDV_ZERO = 4 + IPDV_REACH,
    WATCH = 1000 * UNITS,
    /* four bins an octave are read off exponent and mantissa of a float */
    BIN_SHIFT = 21,
    BIN_FIRST = 0x3f000000 >> BIN_SHIFT,
};

static const int coarse_ms[] = {100, 200, 500};

static unsigned pdv_bin(float ms)
{
    uint32_t bits;
    memcpy(&bits, &ms, sizeof bits);
    int bin = (int)(bits >> BIN_SHIFT) - BIN_FIRST;
    return bin < 0 ? 0 : bin >= DELAYS_PDV_BINS ? DELAYS_PDV_BINS - 1 : (unsigned)bin;
}

static double pdv_start(unsigned bin)
{
    uint32_t bits = (BIN_FIRST + bin) << BIN_SHIFT;
    float ms;
    memcpy(&ms, &bits, sizeof ms);
    return bin ? (double)ms : 0;
}

void delays_variation(struct delays *d, int64_t over_least)
{
    d->pdv[pdv_bin((float)over_least * (1.0f / UNITS))]++;
    if (over_least > d->pdv_max)
        d->pdv_max = over_least;
}

static unsigned ipdv_bin(int64_t difference)
{
    bool sooner = difference < 0;
    int64_t units = sooner ? -difference : difference;
    int ms = units < 501 * UNITS ? (int)(units + UNITS / 2) / UNITS : 501;
    unsigned away = (unsigned)ms;
    if (ms > IPDV_REACH) {
        away = IPDV_REACH + 1;
        for (unsigned i = 0; i < 3; i++)
            away += ms > coarse_ms[i];
    }
    return sooner ? IPDV_ZERO - away : IPDV_ZERO + away;
}

void delays_between(struct delays *d, int64_t difference)
{
    d->ipdv[ipdv_bin(difference)]++;
}

int delays_ipdv_ms(unsigned bin)
{
    static const int middle[] = {75, 150, 350, 500};
    int away = (int)bin - IPDV_ZERO;
    if (away > IPDV_REACH)
        return middle[away - IPDV_REACH - 1];
    return away < -IPDV_REACH ? -middle[-away - IPDV_REACH - 1] : away;
}

void delays_spacing(struct delays *d, int64_t gap_ns, double ptime_ms, bool media)
{
    static const int over_ms[DELAYS_SPACINGS] = {50, 100, 200, 500};
    if (media && gap_ns > d->outage_ns)
        d->outage_ns = gap_ns;
    double over = (double)gap_ns * 1e-6 - ptime_ms;
    for (unsigned i = 0; i < DELAYS_SPACINGS && over > over_ms[i]; i++)
        d->spacings[i]++;
}

/* ---- a sender that stood still ---- */

static void stall_count(struct delays *d, int64_t step)
{
    d->stalls++;
    d->stall_sum += step;
}

void delays_stall(struct delays *d, int64_t arrival, int64_t before, int64_t step)
{
    if (step > WATCH) { /* delays are anchored anew then */
        stall_count(d, step);
        return;
    }
    if (delays_watching(d))
        return;
    d->stall_from = before;
    d->stall_step = step;
    d->stall_until = arrival + WATCH;
}

void delays_watch(struct delays *d, int64_t arrival, int64_t delay)
{
    if (delay < d->stall_from + d->stall_step / 2) {
        d->stall_until = 0;
    } else if (arrival >= d->stall_until) {
        stall_count(d, d->stall_step);
        d->stall_until = 0;
    }
}

void delays_unwatch(struct delays *d)
{
    d->stall_until = 0;
}

/* ---- what it comes to ---- */

static double percentile(const struct delays *d, double total, double part)
{
    double below = 0;
    unsigned bin = 0;
    while (bin < DELAYS_PDV_BINS - 1 && below + d->pdv[bin] < part * total)
        below += d->pdv[bin++];
    double max = (double)d->pdv_max / UNITS;
    double start = pdv_start(bin);
    double end = bin == DELAYS_PDV_BINS - 1 ? max : pdv_start(bin + 1);
    double inside = d->pdv[bin] ? (part * total - below) / d->pdv[bin] : 0;
    return fmin(start + (end - start) * inside, max);
}

void delays_result(const struct delays *d, struct delays_report *ret_report)
{
    double total = 0;
    for (unsigned i = 0; i < DELAYS_PDV_BINS; i++)
        total += d->pdv[i];
    *ret_report = (struct delays_report){
        .p50 = total > 0 ? percentile(d, total, 0.50) : NAN,
        .p95 = total > 0 ? percentile(d, total, 0.95) : NAN,
        .p99 = total > 0 ? percentile(d, total, 0.99) : NAN,
        .max = total > 0 ? (double)d->pdv_max / UNITS : NAN,
        .max_outage_ms = d->outage_ns > 0 ? (double)d->outage_ns * 1e-6 : NAN,
        .stalls = d->stalls,
        .stall_ms = (double)d->stall_sum / UNITS,
    };
    memcpy(ret_report->ipdv, d->ipdv, sizeof d->ipdv);
    memcpy(ret_report->spacings, d->spacings, sizeof d->spacings);
}
