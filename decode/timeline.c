/* timeline_next() decides in this order: another clock or restart; too early; the packet behind one
 * in doubt; a rush that ended; a step up. Each ends in go_on() (keep the anchor) or anchor_anew().
 */
#include "decode/timeline.h"

#define MS INT64_C(1000000)

#define EARLY_MAX_NS (1000 * MS) /* more media than time: the bound on a channel's length */
#define STEP_MAX_NS  (200 * MS)  /* of lateness, from one packet to the next */
/* A jump that ends this near to where the sound ended goes on there, without a seam. */
#define JOIN_MAX_NS        (100 * MS)
#define BASE_OPEN_NS       (5000 * MS)
#define WINDOW_NS          (1000 * MS)
#define DOUBTS_MAX         4
#define WINDOW_PACKETS_MIN 10
#define STUMBLE_NS         (40 * MS)
#define STUMBLE_WINDOWS    5 /* below the base; above it one is enough */
#define SKEW_NS            (4 * MS)
#define SKEW_WINDOWS       10
#define PACE_PACKETS       10 /* tell another rate */
#define PACE_PACKETS_FEW   4  /* where more of them do not come */
#define PACE_PACKETS_MAX   100
#define PACE_TICKS_MAX     100000 /* of a step: a second of the fastest clock */
#define PACE_PART          128    /* less than that part off is skew, or rounding */

static int64_t magnitude(int64_t v)
{
    return v < 0 ? -v : v;
}

static int64_t ns_of(struct timeline_rate rate, int64_t ticks)
{
    return ticks / rate.ticks * rate.ns + ticks % rate.ticks * rate.ns / rate.ticks;
}

static struct timeline_rate rate_of(uint32_t clock_hz)
{
    return (struct timeline_rate){clock_hz, 1000 * MS};
}

static int64_t media_ns(const struct timeline *t)
{
    return t->anchor_ns + ns_of(t->rate, t->ticks);
}

static void anchor(struct timeline *t, const struct timeline_step *step, int64_t at_ns)
{
    bool same_clock = t->clock_hz == step->clock_hz;
    *t = (struct timeline){.clock_hz = step->clock_hz,
                           .rate = same_clock ? t->rate : rate_of(step->clock_hz),
                           .last_ts = step->timestamp,
                           .anchor_ns = at_ns,
                           .last_length_ns = step->length_ns,
                           .last_late_ns = step->arrival_ns - at_ns,
                           .last_arrival_ns = step->arrival_ns,
                           .end_ns = at_ns + step->length_ns,
                           .base_ns = step->arrival_ns - at_ns,
                           .base_open_until_ns = step->arrival_ns + BASE_OPEN_NS};
}

/* A sender that only changed its numbers goes on where its sound ended. */
static struct timeline_place anchor_anew(struct timeline *t, const struct timeline_step *step)
{
    int64_t at_ns = step->arrival_ns - t->base_ns;
    if (t->clock_hz && magnitude(at_ns - t->end_ns) < JOIN_MAX_NS)
        at_ns = t->end_ns;
    if (at_ns - step->arrival_ns > EARLY_MAX_NS)
        at_ns = step->arrival_ns;
    anchor(t, step, at_ns);
    return (struct timeline_place){.verdict = TIMELINE_NEW, .at_ns = at_ns};
}

static void move_anchor(struct timeline *t, int64_t by_ns)
{
    t->anchor_ns += by_ns;
    t->last_late_ns -= by_ns;
    t->run_windows = 0;
    t->window_packets = 0;
}

/* A window's smallest lateness is the network's and the clocks' alone, jitter apart. */
static void judge_window(struct timeline *t, int64_t min_ns)
{
    int64_t off_ns = min_ns - t->base_ns;
    int side = off_ns > SKEW_NS ? 1 : off_ns < -SKEW_NS ? -1 : 0;
    if (side == 0 || side != t->run_side)
        t->run_windows = 0;
    t->run_side = side;
    if (side == 0)
        return;
    if (t->run_windows++ == 0 || magnitude(off_ns) < magnitude(t->run_ns))
        t->run_ns = off_ns;
    bool stumbles = magnitude(t->run_ns) > STUMBLE_NS;
    unsigned enough = stumbles ? STUMBLE_WINDOWS : SKEW_WINDOWS;
    if (off_ns > STUMBLE_NS)
        move_anchor(t, off_ns);
    else if (t->run_windows >= enough)
        move_anchor(t, t->run_ns);
}

static void follow_drift(struct timeline *t, int64_t now_ns, int64_t late_ns)
{
    if (now_ns < t->base_open_until_ns && late_ns < t->base_ns)
        t->base_ns = late_ns;
    if (t->window_packets == 0 || late_ns < t->window_min_ns)
        t->window_min_ns = late_ns;
    if (t->window_packets++ == 0)
        t->window_start_ns = now_ns;
    if (now_ns - t->window_start_ns < WINDOW_NS || t->window_packets < WINDOW_PACKETS_MIN)
        return;
    t->window_packets = 0;
    judge_window(t, t->window_min_ns);
}

static struct timeline_place go_on(struct timeline *t, const struct timeline_step *step,
                                   int64_t late_ns)
{
    int64_t at_ns = media_ns(t);
    t->last_late_ns = late_ns;
    t->end_ns = at_ns + step->length_ns;
    follow_drift(t, step->arrival_ns, late_ns);
    return (struct timeline_place){.verdict = TIMELINE_ON, .at_ns = at_ns};
}

/* The packet behind the one in doubt. `gap_ns` between their arrivals, `media_step` between their
 * RTP times. */
static struct timeline_place resolve(struct timeline *t, const struct timeline_step *step,
                                     int64_t gap_ns, int64_t media_step_ns)
{
    int64_t shift = 0;
    t->doubts = 0;
    if (gap_ns < media_step_ns / 2) {
        t->rush = true;
    } else {
        shift = t->last_late_ns - t->base_ns;
        move_anchor(t, shift);
    }
    int64_t late_ns = step->arrival_ns - media_ns(t);
    struct timeline_place place =
        late_ns < -EARLY_MAX_NS ? anchor_anew(t, step) : go_on(t, step, late_ns);
    place.shift_ns = shift;
    return place;
}

/* While a rush lasts, lateness falls; where it stays high the sender's clock had stood still after
 * all. */
static bool rush_is_over(struct timeline *t, int64_t late_ns, int64_t gap_ns, int64_t media_step_ns)
{
    int64_t above = late_ns - t->base_ns;
    if (above < STEP_MAX_NS)
        t->rush = false;
    return t->rush && gap_ns >= media_step_ns / 2 && gap_ns < STEP_MAX_NS && above > EARLY_MAX_NS;
}

static int64_t off_base(const struct timeline *t, const struct timeline_step *step)
{
    return magnitude(step->arrival_ns - media_ns(t) - t->base_ns);
}

/* Media time goes on by what the time stamps say, or by its length while they stand still. Once
 * they go on they may have counted that time or not: what fits the arrival is true. */
static void advance(struct timeline *t, const struct timeline_step *step)
{
    int32_t passed = (int32_t)(step->timestamp - t->last_ts);
    bool still = passed == 0 && step->length_ns > 0 && t->last_length_ns > 0;
    int64_t length = t->last_length_ns * t->rate.ticks / t->rate.ns;
    t->last_ts = step->timestamp;
    t->last_length_ns = step->length_ns;
    t->ticks += still ? length : passed;
    if (still) {
        t->still_ticks += length;
        return;
    }
    struct timeline counted = *t;
    counted.ticks -= t->still_ticks;
    if (t->still_ticks && off_base(&counted, step) < off_base(t, step))
        t->ticks = counted.ticks;
    t->still_ticks = 0;
}

/* ---- the clock's rate ---- */

static bool agree(int64_t a, int64_t b)
{
    return magnitude(a - b) * PACE_PART <= b;
}

static bool same_pace(const struct timeline_pace *p, int64_t ticks, int64_t length_ns)
{
    return agree(ticks * p->length_ns, p->ticks * length_ns);
}

/* `before`: the timeline ahead of this step. */
static void judge_pace(struct timeline *t, const struct timeline_step *step,
                       const struct timeline *before)
{
    struct timeline_pace *p = &t->pace;
    int32_t ticks = (int32_t)(step->timestamp - before->last_ts);
    int64_t length_ns = before->last_length_ns;
    int64_t gap_ns = step->arrival_ns - before->last_arrival_ns;
    bool tells = !step->hole && length_ns > 0;
    if (ticks <= 0 || ticks > PACE_TICKS_MAX || (!tells && gap_ns > STEP_MAX_NS))
        p->packets = 0;
    if (!tells || ticks <= 0 || ticks > PACE_TICKS_MAX)
        return;
    if (p->packets == 0 || p->packets == PACE_PACKETS_MAX || !same_pace(p, ticks, length_ns))
        *p = (struct timeline_pace){
            .from_ns = media_ns(before), .from_ticks = before->ticks, .base_ns = before->base_ns};
    p->packets++;
    p->ticks += ticks;
    p->length_ns += length_ns;
    p->gap_ns += gap_ns;
}

/* Packets took a time that fits this claim and not the other one. */
static bool fits(int64_t gap_ns, int64_t claim_ns, int64_t other_ns)
{
    int64_t apart = magnitude(claim_ns - other_ns);
    return magnitude(gap_ns - claim_ns) < (apart < claim_ns ? apart : claim_ns) / 4;
}

static struct timeline_rate rate_heard(const struct timeline *t)
{
    const struct timeline_pace *p = &t->pace;
    int64_t said_ns = ns_of(rate_of(t->clock_hz), p->ticks);
    if (agree(said_ns, p->length_ns) || fits(p->gap_ns, said_ns, p->length_ns))
        return rate_of(t->clock_hz);
    if (fits(p->gap_ns, p->length_ns, said_ns))
        return (struct timeline_rate){p->ticks, p->length_ns};
    return t->rate;
}

/* Reads RTP time by the rate that the last packets tell, if `enough` of them tell another one. */
static bool change_rate(struct timeline *t, unsigned enough, struct timeline_place *ret_told)
{
    struct timeline_pace *p = &t->pace;
    if (p->packets < enough)
        return false;
    struct timeline_rate is = rate_heard(t);
    if (agree(ns_of(is, p->ticks), ns_of(t->rate, p->ticks)))
        return false;
    *ret_told = (struct timeline_place){.from_ns = p->from_ns, .was = t->rate, .is = is};
    t->rate = is;
    t->anchor_ns = p->from_ns;
    t->ticks -= p->from_ticks;
    t->base_ns = p->base_ns;
    t->window_packets = t->run_windows = 0;
    p->packets = 0;
    return true;
}

/* So far it looks as if the rate were another one. */
static bool rate_in_doubt(const struct timeline *t)
{
    const struct timeline_pace *p = &t->pace;
    int64_t media = ns_of(t->rate, p->ticks);
    return p->packets > 0 && p->packets < PACE_PACKETS && !agree(media, p->length_ns) &&
           magnitude(p->gap_ns - p->length_ns) < magnitude(p->gap_ns - media);
}

static struct timeline_place wait_for_rate(struct timeline *t, const struct timeline_step *step,
                                           int64_t late_ns)
{
    t->last_late_ns = late_ns;
    t->end_ns = media_ns(t) + step->length_ns;
    return (struct timeline_place){.verdict = TIMELINE_WAIT, .at_ns = media_ns(t)};
}

static struct timeline_place go_on_at_rate(struct timeline *t, const struct timeline_step *step,
                                           const struct timeline_place *told)
{
    int64_t late_ns = step->arrival_ns - media_ns(t);
    struct timeline_place place =
        late_ns < -EARLY_MAX_NS ? anchor_anew(t, step) : go_on(t, step, late_ns);
    place.from_ns = told->from_ns;
    place.was = told->was;
    place.is = told->is;
    t->doubts = 0;
    return place;
}

/* ---- steps ---- */

struct timeline_place timeline_next(struct timeline *t, const struct timeline_step *step)
{
    if (t->clock_hz != step->clock_hz || step->restart)
        return anchor_anew(t, step);
    struct timeline before = *t;
    struct timeline_place told;
    int64_t gap_ns = step->arrival_ns - t->last_arrival_ns;
    advance(t, step);
    t->last_arrival_ns = step->arrival_ns;
    judge_pace(t, step, &before);
    int64_t media_step_ns = media_ns(t) - media_ns(&before);
    int64_t late_ns = step->arrival_ns - media_ns(t);
    bool early = late_ns < -EARLY_MAX_NS;
    if (change_rate(t, early ? PACE_PACKETS_FEW : PACE_PACKETS, &told))
        return go_on_at_rate(t, step, &told);
    if (early)
        return anchor_anew(t, step);
    int64_t rise = late_ns - t->last_late_ns;
    bool steps_up = rise > STEP_MAX_NS && gap_ns >= STEP_MAX_NS;
    if (t->doubts && (!steps_up || t->doubts == DOUBTS_MAX))
        return resolve(t, step, gap_ns, media_step_ns);
    if (rush_is_over(t, late_ns, gap_ns, media_step_ns))
        return anchor_anew(t, step);
    if (t->rush && gap_ns < media_step_ns / 2)
        t->window_packets = 0; /* lateness that falls says nothing of the clocks */
    if (rise <= STEP_MAX_NS && rate_in_doubt(t))
        return wait_for_rate(t, step, late_ns);
    if (rise <= STEP_MAX_NS || t->rush)
        return go_on(t, step, late_ns);
    if (gap_ns < STEP_MAX_NS) /* the clock stepped back by itself */
        return anchor_anew(t, step);
    struct timeline_place place = go_on(t, step, late_ns);
    place.verdict = TIMELINE_DOUBT;
    t->doubts++;
    return place;
}

int64_t timeline_moved(const struct timeline_place *told, int64_t at_ns, int64_t arrival_ns)
{
    int64_t moved_ns = at_ns + told->shift_ns;
    if (told->is.ticks && at_ns >= told->from_ns) {
        struct timeline_rate back = {.ticks = told->was.ns, .ns = told->was.ticks};
        moved_ns = told->from_ns + ns_of(told->is, ns_of(back, at_ns - told->from_ns));
    }
    int64_t latest_ns = arrival_ns + EARLY_MAX_NS;
    return moved_ns < latest_ns ? moved_ns : latest_ns;
}

struct timeline_place timeline_settle(struct timeline *t)
{
    struct timeline_place told = {.verdict = TIMELINE_ON};
    if (t->clock_hz && !t->doubts)
        change_rate(t, PACE_PACKETS_FEW, &told);
    if (t->doubts)
        told.shift_ns = t->last_late_ns - t->base_ns;
    t->doubts = 0;
    return told;
}
