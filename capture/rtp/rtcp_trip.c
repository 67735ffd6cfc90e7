/* Round trips. A sender report passes the tap at t1; the receiver's block that echoes it passes at
 * t2 and says how long it was held: t2 - t1 - DLSR is the way from here to the receiver and back.
 * The same with reference times (RRTR) and their answers (DLRR) gives the way to the sender. Two
 * sender reports that echo each other give the whole way without the tap. Arithmetic of NTP is
 * modulo 2^32. */
#include "capture/rtp/rtcp_tap_internal.h"

#include <math.h>
#include <stdlib.h>

#define NS_PER_MS 1e6
#define MID32_MS  (1000.0 / 65536)
#define SLIGHTLY  5.0     /* ms below zero that are rounding and jitter of stamps */
#define LONGEST   10000.0 /* ms; more is no round trip */
#define PAIR_NS   INT64_C(30000000000)
#define ROW       3 /* so many in a row convict */
#define UNTOLD_MS 1000.0
#define MOVED                                                                                      \
    250.0 /* ms by which the time it was held must differ; networks seldom do that in a row */
#define CONFLICT_MS    20.0
#define CONFLICT_PART  0.30
#define CONFLICT_LEAST 2.0 /* ms; less is the grain of the figures */

static void spread_add(struct spread *s, double value)
{
    float v = (float)value;
    if (s->count == 0 || v < s->min)
        s->min = v;
    if (s->count == 0 || v > s->max)
        s->max = v;
    if (s->skip == 0)
        s->skip = 1;
    if (s->count++ % s->skip)
        return;
    if (s->used == SPREAD_KEPT) {
        if (s->skip > UINT16_MAX / 2)
            return;
        for (unsigned i = 0; i < SPREAD_KEPT / 2; i++)
            s->kept[i] = s->kept[2 * i];
        s->used = SPREAD_KEPT / 2;
        s->skip *= 2;
        if ((s->count - 1) % s->skip)
            return;
    }
    s->kept[s->used++] = v;
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static struct rtcp_spread spread_of(const struct spread *s)
{
    struct rtcp_spread r = {.min = NAN, .median = NAN, .max = NAN, .count = s->count};
    if (s->count == 0)
        return r;
    float sorted[SPREAD_KEPT];
    memcpy(sorted, s->kept, sizeof sorted);
    qsort(sorted, s->used, sizeof *sorted, ascending);
    unsigned half = s->used / 2;
    r.min = s->min;
    r.max = s->max;
    r.median = s->used % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2.0;
    return r;
}

/* Clamped to 0 where it is slightly below; NAN where it is no round trip. */
static double plausible(double ms)
{
    if (ms < -SLIGHTLY || ms > LONGEST)
        return NAN;
    return ms > 0 ? ms : 0;
}

void trips_init(struct trips *t)
{
    t->last_ns = INT64_MIN;
}

/* ---- sender reports ---- */

void trips_sender_report(struct trips *t, const struct rtcp_packet *sr, int64_t ns)
{
    struct rtcp_sender_info info;
    struct rtcp_block b;
    if (!rtcp_sender_info(sr, &info))
        return;
    struct trip_sr one = {.ns = ns, .mid32 = (uint32_t)(info.ntp >> 16)};
    for (unsigned n = 0; one.peer_lsr == 0 && rtcp_block(sr, n, &b); n++) {
        one.peer = b.ssrc;
        one.peer_lsr = b.last_sr;
        one.peer_dlsr = b.delay_since_sr;
    }
    t->sr[t->sr_count++ % SENDER_REPORTS_KEPT] = one;
}

/* The newest with that time: a repeated one was held from its last copy on. */
static const struct trip_sr *find_sr(const struct trips *t, uint32_t mid32)
{
    uint32_t kept = t->sr_count < SENDER_REPORTS_KEPT ? t->sr_count : SENDER_REPORTS_KEPT;
    for (uint32_t i = 1; i <= kept; i++) {
        const struct trip_sr *sr = &t->sr[(t->sr_count - i) % SENDER_REPORTS_KEPT];
        if (sr->mid32 == mid32)
            return sr;
    }
    return NULL;
}

/* ---- receivers that do not say how long they held a report ---- */

static void row(uint8_t *count, bool goes_on)
{
    *count = goes_on ? (uint8_t)(*count + 1) : 0;
}

/* Three in a row that are negative, or that grow and shrink as the report was held longer or
 * shorter, or whose holding time is 0 although it was long. Once proven, always. */
static bool doubtful(struct doubt *d, double ms, double elapsed_ms, bool untold)
{
    double moved = elapsed_ms - d->elapsed_ms;
    double followed = ms - d->ms;
    bool first = d->elapsed_ms <= 0;
    bool moves = !first && fabs(moved) > MOVED;
    row(&d->negative, ms < -SLIGHTLY);
    if (moves)
        row(&d->growing, fabs(followed - moved) < 0.1 * fabs(moved));
    row(&d->untold, untold && elapsed_ms > UNTOLD_MS);
    d->ms = (float)ms;
    d->elapsed_ms = (float)elapsed_ms;
    d->proven |= d->negative >= ROW || d->growing >= ROW || d->untold >= ROW;
    return d->proven;
}

/* By the clocks of both ends. */
static void add_chain(struct trips *t, const struct rtcp_packet *report, const struct rtcp_block *b,
                      const struct trip_sr *sr)
{
    struct rtcp_sender_info info;
    if (sr->peer_lsr == 0 || sr->peer != report->ssrc || !rtcp_sender_info(report, &info))
        return;
    uint32_t elapsed = (uint32_t)(info.ntp >> 16) - sr->peer_lsr;
    int32_t way = (int32_t)(elapsed - sr->peer_dlsr - b->delay_since_sr);
    bool untold = sr->peer_dlsr == 0 || b->delay_since_sr == 0;
    if (t->ends.proven || doubtful(&t->ends, way * MID32_MS, elapsed * MID32_MS, untold)) {
        t->chain = (struct spread){.count = 0};
        return;
    }
    double ms = plausible(way * MID32_MS);
    if (!isnan(ms))
        spread_add(&t->chain, ms);
}

static void add_total(struct trips *t, const struct trips *opposite, double ms, int64_t ns)
{
    if (opposite == NULL || opposite->last_ns == INT64_MIN || ns - opposite->last_ns > PAIR_NS)
        return;
    spread_add(&t->total, ms + opposite->last_ms);
}

static void add_here(struct trips *t, const struct rtcp_block *b, const struct trip_sr *sr,
                     const struct trips *opposite, int64_t ns)
{
    double elapsed_ms = (double)(ns - sr->ns) / NS_PER_MS;
    double ms = elapsed_ms - b->delay_since_sr * MID32_MS;
    if (t->here.proven || doubtful(&t->here, ms, elapsed_ms, b->delay_since_sr == 0)) {
        t->receiver = t->total = (struct spread){.count = 0};
        t->last_ns = INT64_MIN;
        return;
    }
    ms = plausible(ms);
    if (isnan(ms))
        return;
    spread_add(&t->receiver, ms);
    t->last_ms = (float)ms;
    t->last_ns = ns;
    add_total(t, opposite, ms, ns);
}

void trips_block(struct trips *t, const struct rtcp_packet *report, const struct rtcp_block *b,
                 int64_t ns, const struct trips *opposite)
{
    const struct trip_sr *sr = b->last_sr ? find_sr(t, b->last_sr) : NULL;
    if (sr == NULL)
        return;
    add_here(t, b, sr, opposite, ns);
    add_chain(t, report, b, sr);
}

/* ---- reference times of parties that only receive ---- */

void trips_reference_time(struct trips *t, uint32_t receiver, uint32_t mid32, int64_t ns)
{
    t->rrtr[t->rrtr_count++ % REFERENCE_TIMES_KEPT] =
        (struct trip_rrtr){.ns = ns, .mid32 = mid32, .receiver = receiver};
}

static const struct trip_rrtr *find_rrtr(const struct trips *t, const struct xr_dlrr *answer)
{
    uint32_t kept = t->rrtr_count < REFERENCE_TIMES_KEPT ? t->rrtr_count : REFERENCE_TIMES_KEPT;
    for (uint32_t i = 1; i <= kept; i++) {
        const struct trip_rrtr *r = &t->rrtr[(t->rrtr_count - i) % REFERENCE_TIMES_KEPT];
        if (r->mid32 == answer->last_rr && r->receiver == answer->ssrc)
            return r;
    }
    return NULL;
}

void trips_answer(struct trips *t, const struct xr_dlrr *answer, int64_t ns)
{
    const struct trip_rrtr *r = answer->last_rr ? find_rrtr(t, answer) : NULL;
    if (r == NULL)
        return;
    double elapsed_ms = (double)(ns - r->ns) / NS_PER_MS;
    double ms = elapsed_ms - answer->delay * MID32_MS;
    if (t->there.proven || doubtful(&t->there, ms, elapsed_ms, answer->delay == 0)) {
        t->sender = (struct spread){.count = 0};
        return;
    }
    ms = plausible(ms);
    if (!isnan(ms))
        spread_add(&t->sender, ms);
}

/* ---- figures ---- */

static bool conflicts(const struct rtcp_spread *chain, const struct rtcp_spread *total)
{
    if (chain->count == 0 || total->count == 0)
        return false;
    double apart = fabs(chain->median - total->median);
    return apart > CONFLICT_MS || (apart > CONFLICT_LEAST && apart > CONFLICT_PART * total->median);
}

/* The ends may be right where we are not: stamps of a capture that came in heaps. */
void trips_figures(const struct trips *t, struct rtcp_round_trips *ret_trips)
{
    static const struct spread none;
    bool ends_agree = t->chain.count > 0;
    bool stamps = t->here.proven && ends_agree;
    *ret_trips = (struct rtcp_round_trips){
        .receiver = spread_of(&t->receiver),
        .sender = spread_of(stamps ? &none : &t->sender),
        .total = spread_of(&t->total),
        .chain = spread_of(&t->chain),
        .dlsr_broken = (t->here.proven && !ends_agree) || t->ends.proven,
    };
    ret_trips->conflict = stamps || conflicts(&ret_trips->chain, &ret_trips->total);
}
