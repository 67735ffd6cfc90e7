/* Fixed and adaptive jitter buffers, simulated.
 *
 * Fixed: a packet is due `depth` after the reference packet's delay. Later than that it is
 * discarded, and so is one that would wait more than twice the depth: the buffer is full. After a
 * pause, a restart, or half a second without a playable packet the next packet is the reference.
 *
 * Adaptive: the depth is the 97.5th percentile of delays over the least delay of the window, plus
 * one packet; it grows at once and shrinks by 2 % of a packet per packet. The percentile is kept as
 * a value with the number of packets below and at it. A packet that comes or goes moves it by a
 * neighbour at most, and only then the ring is searched for that neighbour. */
#include "capture/rtp/playout.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    UNITS = PLAYOUT_UNITS_PER_MS,
    WINDOW = PLAYOUT_WINDOW_PACKETS,
    RESYNC = 500 * UNITS, /* so long nothing could be played: a real endpoint begins anew */
    COARSE = 4 * UNITS,   /* grid of arrivals in the ring */
    WINDOW_COARSE = 10000 / 4,
    F50_DEPTH = 50 * UNITS,
    F200_DEPTH = 200 * UNITS,
    DEPTH_MIN = 20 * UNITS,
    DEPTH_MAX = 500 * UNITS,
    EMPTY = INT16_MAX,
    HIGHEST = INT16_MAX - 1,
    LEAST_AFTER_MOVE = -7000,              /* room for 140 ms less and for 795 ms more */
    LEAST_LIMIT = HIGHEST - DEPTH_MAX - 1, /* above it delays over DEPTH_MAX would not fit */
};

static_assert(PLAYOUT_PAUSE_MS / 4 < UINT8_MAX, "a step fits");

/* ---- fixed ---- */

static inline bool fixed_discards(struct playout_fixed *f, int32_t depth, int64_t delay,
                                  int64_t arrival)
{
    if (!f->anchored || (f->bad_since != INT64_MAX && arrival - f->bad_since >= RESYNC)) {
        f->anchor = delay;
        f->anchored = true;
        f->bad_since = INT64_MAX;
    }
    int64_t slack = f->anchor + depth - delay;
    if (slack >= 0 && slack <= 2 * depth) {
        f->played++;
        f->wait_sum += slack;
        f->bad_since = INT64_MAX;
        return false;
    }
    if (slack < 0)
        f->late++;
    else
        f->early++;
    if (f->bad_since == INT64_MAX)
        f->bad_since = arrival;
    return true;
}

/* ---- the window of the adaptive buffer ---- */

static int16_t clamp16(int64_t v)
{
    return (int16_t)(v < INT16_MIN ? INT16_MIN : v > HIGHEST ? HIGHEST : v);
}

static void window_clear(struct playout_adaptive *a)
{
    for (unsigned i = 0; i < WINDOW; i++)
        a->delay[i] = EMPTY;
    a->head = a->count = a->below = a->equal = a->least_count = 0;
}

static uint16_t count_equal(const struct playout_adaptive *a, int16_t v)
{
    int16_t n = 0;
    for (unsigned i = 0; i < WINDOW; i++)
        n = (int16_t)(n + (a->delay[i] == v));
    return (uint16_t)n;
}

/* The smallest delay above v: the one with the smallest distance, where those below have wrapped to
 * distances that are larger than all. Shifted by half the range, so that a signed minimum finds it.
 * There is one, or EMPTY comes out. */
static int16_t next_above(const struct playout_adaptive *a, int16_t v)
{
    uint16_t origin = (uint16_t)(v + 1 + 0x8000);
    int16_t best = INT16_MAX;
    for (unsigned i = 0; i < WINDOW; i++) {
        int16_t distance = (int16_t)(a->delay[i] - origin);
        if (distance < best)
            best = distance;
    }
    return (int16_t)(best + origin);
}

/* The largest one below v; there is one. */
static int16_t next_below(const struct playout_adaptive *a, int16_t v)
{
    uint16_t origin = (uint16_t)(v - 1 - 0x8000);
    int16_t best = INT16_MAX;
    for (unsigned i = 0; i < WINDOW; i++) {
        int16_t distance = (int16_t)(origin - a->delay[i]);
        if (distance < best)
            best = distance;
    }
    return (int16_t)(origin - best);
}

/* Delays drift away from the origin, or jump: the origin follows. What does not fit any more lies
 * over DEPTH_MAX above the least and counts as the largest. */
static void window_move(struct playout_adaptive *a, int32_t by)
{
    for (unsigned i = 0; i < WINDOW; i++)
        if (a->delay[i] != EMPTY)
            a->delay[i] = clamp16((int64_t)a->delay[i] + by);
    a->origin -= by;
    a->least = clamp16((int64_t)a->least + by);
    a->percentile = clamp16((int64_t)a->percentile + by);
    a->least_count = count_equal(a, a->least);
    a->equal = count_equal(a, a->percentile);
    uint16_t below = 0;
    for (unsigned i = 0; i < WINDOW; i++)
        below = (uint16_t)(below + (a->delay[i] < a->percentile));
    a->below = below;
}

static int16_t window_place(struct playout_adaptive *a, int64_t delay)
{
    if (a->count == 0)
        a->origin = delay;
    int64_t d = delay - a->origin;
    if (d > HIGHEST && a->least > LEAST_LIMIT)
        window_move(a, LEAST_AFTER_MOVE - a->least);
    else if (d < INT16_MIN)
        window_move(a, (int32_t)(LEAST_AFTER_MOVE - (d > INT32_MIN / 2 ? d : INT32_MIN / 2)));
    return clamp16(delay - a->origin);
}

static void window_drop(struct playout_adaptive *a)
{
    unsigned tail = (a->head + WINDOW - a->count) % WINDOW;
    int16_t d = a->delay[tail];
    a->delay[tail] = EMPTY;
    a->count--;
    a->first_arrival += a->step[(tail + 1) % WINDOW];
    a->below = (uint16_t)(a->below - (d < a->percentile));
    a->equal = (uint16_t)(a->equal - (d == a->percentile));
    a->least_count = (uint16_t)(a->least_count - (d == a->least));
}

static void window_add(struct playout_adaptive *a, int16_t d, int64_t arrival)
{
    if (a->count == 0) {
        a->first_arrival = a->last_arrival = arrival;
        a->least = a->percentile = d;
    }
    a->delay[a->head] = d;
    a->step[a->head] = (uint8_t)(arrival - a->last_arrival);
    a->head = (uint16_t)((a->head + 1) % WINDOW);
    a->last_arrival = arrival;
    a->count++;
    a->below = (uint16_t)(a->below + (d < a->percentile));
    a->equal = (uint16_t)(a->equal + (d == a->percentile));
    if (d < a->least) {
        a->least = d;
        a->least_count = 0;
    }
    a->least_count = (uint16_t)(a->least_count + (d == a->least));
}

/* The element of rank ceil(0.975 n), the least one, after packets came and went. */
static void window_settle(struct playout_adaptive *a)
{
    if (a->least_count == 0) {
        a->least = next_above(a, a->least);
        a->least_count = count_equal(a, a->least);
    }
    unsigned rank = (39u * a->count + 39) / 40;
    while (rank <= a->below) {
        a->percentile = next_below(a, a->percentile);
        a->equal = count_equal(a, a->percentile);
        a->below = (uint16_t)(a->below - a->equal);
    }
    while (rank > (unsigned)a->below + a->equal) {
        a->below = (uint16_t)(a->below + a->equal);
        a->percentile = next_above(a, a->percentile);
        a->equal = count_equal(a, a->percentile);
    }
}

/* ---- adaptive ---- */

static int32_t target_depth(const struct playout_adaptive *a, int32_t ptime)
{
    int32_t target = a->percentile - a->least + ptime;
    int32_t floor = 2 * ptime > DEPTH_MIN ? 2 * ptime : DEPTH_MIN;
    if (target < floor)
        target = floor;
    return target < DEPTH_MAX ? target : DEPTH_MAX;
}

static bool adaptive_discards(struct playout_adaptive *a, int64_t delay, int64_t arrival,
                              int32_t ptime)
{
    int64_t coarse = arrival / COARSE;
    int16_t d = window_place(a, delay);
    if (a->count == 0)
        a->depth = 3 * ptime;
    if (a->count == WINDOW)
        window_drop(a);
    window_add(a, d, coarse);
    while (coarse - a->first_arrival >= WINDOW_COARSE)
        window_drop(a);
    window_settle(a);
    bool late = d - a->least > a->depth;
    int32_t target = target_depth(a, ptime);
    int32_t smaller = a->depth - (ptime + UNITS / 2) / UNITS; /* 2 % of ptime: 0.02 x 50 units */
    a->depth = target > smaller ? target : smaller;
    a->depth_sum += a->depth;
    a->judged++;
    a->late += late;
    return late;
}

/* ---- all of them ---- */

void playout_init(struct playout *p)
{
    memset(p, 0, sizeof *p);
    playout_restart(p);
}

void playout_restart(struct playout *p)
{
    for (unsigned i = 0; i < 2; i++) {
        p->fixed[i].anchored = false;
        p->fixed[i].bad_since = INT64_MAX;
    }
    window_clear(&p->adaptive);
    p->started = false;
}

void playout_talkspurt(struct playout *p)
{
    for (unsigned i = 0; i < 2; i++)
        p->fixed[i].anchored = false;
}

unsigned playout_units(struct playout *p, int64_t delay, int64_t arrival, int32_t ptime)
{
    if (p->started) {
        if (arrival < p->last_arrival)
            arrival = p->last_arrival;
        else if (arrival - p->last_arrival > PLAYOUT_PAUSE_MS * UNITS)
            playout_restart(p);
    }
    p->last_arrival = arrival;
    p->last_delay = delay;
    p->started = true;
    unsigned discards = fixed_discards(&p->fixed[PLAYOUT_F50], F50_DEPTH, delay, arrival);
    if (fixed_discards(&p->fixed[PLAYOUT_F200], F200_DEPTH, delay, arrival))
        discards |= 1u << PLAYOUT_F200;
    if (adaptive_discards(&p->adaptive, delay, arrival, ptime))
        discards |= 1u << PLAYOUT_AD;
    return discards;
}

int64_t playout_variation(const struct playout *p)
{
    int64_t over = p->last_delay - p->adaptive.origin - p->adaptive.least;
    return over > 0 ? over : 0;
}

static unsigned count_at_most(const struct playout_adaptive *a, int16_t v)
{
    int16_t n = 0;
    for (unsigned i = 0; i < WINDOW; i++)
        n = (int16_t)(n + (a->delay[i] <= v));
    return (unsigned)n;
}

double playout_percentile_ms(const struct playout *p, double part)
{
    const struct playout_adaptive *a = &p->adaptive;
    if (a->count == 0)
        return NAN;
    unsigned rank = (unsigned)ceil(part * a->count);
    int low = a->least, high = HIGHEST; /* empty places lie above */
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (count_at_most(a, (int16_t)middle) >= rank)
            high = middle;
        else
            low = middle + 1;
    }
    return (double)(low - a->least) / UNITS;
}

static struct playout_report fixed_result(const struct playout_fixed *f, int32_t depth)
{
    return (struct playout_report){
        .judged = (uint64_t)f->played + f->late + f->early,
        .late = f->late,
        .early = f->early,
        .delay_ms = (double)depth / UNITS,
        .wait_ms = f->played ? (double)f->wait_sum / f->played / UNITS : NAN,
    };
}

void playout_result(const struct playout *p, enum playout_buffer which,
                    struct playout_report *ret_report)
{
    const struct playout_adaptive *a = &p->adaptive;
    if (which == PLAYOUT_AD)
        *ret_report = (struct playout_report){
            .judged = a->judged,
            .late = a->late,
            .delay_ms = a->judged ? (double)a->depth_sum / a->judged / UNITS : NAN,
            .wait_ms = NAN,
        };
    else
        *ret_report = fixed_result(&p->fixed[which], which == PLAYOUT_F50 ? F50_DEPTH : F200_DEPTH);
    if (ret_report->judged == 0)
        ret_report->delay_ms = NAN;
}
