/* Feeds the simulated buffers packet by packet, and the frame vector number by number. */
#include "capture/rtp/simulation.h"

#include <math.h>

#define JUMP        (1000 * PLAYOUT_UNITS_PER_MS) /* a timestamp jump, not a delay */
#define SPURT_PAUSE (200 * PLAYOUT_UNITS_PER_MS)  /* a talkspurt begins behind it */

#define NS_PER_UNIT     (NS_PER_MS / PLAYOUT_UNITS_PER_MS)
#define SPACING_OVER_MS 50 /* the shortest that is counted */

void simulation_init(struct rtp_stream *s, const struct rtp_stream_config *config)
{
    struct simulation *m = simulation_of(s);
    playout_init(&m->playout);
    skew_init(&m->skew);
    burst_init(&m->counts.burst, config->gap_min);
    m->talkspurts = config->talkspurts;
}

void simulation_open(struct rtp_stream *s)
{
    struct simulation *m = simulation_of(s);
    memset(m->bad, 0, sizeof m->bad);
    memset(m->other, 0, sizeof m->other);
    m->anchored = false;
}

/* ---- packets ---- */

static void set_bit(uint64_t *bits, uint32_t ext)
{
    bits[ext / 64 % (ABSENT_BITS / 64)] |= UINT64_C(1) << (ext & 63);
}

/* Delays from here on cannot be compared with those before. */
static void anchor(struct rtp_stream *s, struct simulation *m, const struct arrival *a)
{
    playout_restart(&m->playout);
    skew_restart(&m->skew);
    delays_unwatch(&m->delays);
    m->origin_ns = a->ns;
    m->ticks = 0;
    m->delay = 0;
    m->clock_hz = s->clock_hz;
    m->anchored = true;
}

static void set_ptime(struct rtp_stream *s, struct simulation *m)
{
    double ptime_ms = media_ptime_ms(s);
    m->ptime_ticks = s->ptime_ticks;
    m->ptime = (int32_t)lrint(fmin(ptime_ms, 1000) * PLAYOUT_UNITS_PER_MS);
    burst_packet_time(&m->counts.burst, ptime_ms);
}

/* The delay went up, and the timestamps of neighbours did not tell of a pause. */
static bool stands_still(const struct simulation *m, uint32_t ext, int64_t step, int32_t advance)
{
    return ext == m->ext + 1 && advance > 0 &&
           (uint32_t)advance <= m->ptime_ticks + m->ptime_ticks / 2 && step > m->ptime / 2;
}

/* Arrival less media time, rounded once. */
static int64_t delay_of(const struct rtp_stream *s, const struct simulation *m,
                        const struct arrival *a)
{
    double units = (double)(a->ns - m->origin_ns) * (1.0 / NS_PER_UNIT) -
                   (double)m->ticks * s->ms_per_tick * PLAYOUT_UNITS_PER_MS;
    return (int64_t)(units < 0 ? units - 0.5 : units + 0.5);
}

/* What the delay tells beside that of the packet before: variation, stalls, jumps. */
static void compare(struct rtp_stream *s, struct simulation *m, const struct arrival *a,
                    uint32_t ext)
{
    int32_t advance = (int32_t)(a->timestamp - m->timestamp);
    m->ticks += advance;
    int64_t delay = delay_of(s, m, a);
    int64_t difference = delay - m->delay;
    if (UNLIKELY(difference > m->ptime / 2) && stands_still(m, ext, difference, advance))
        delays_stall(&m->delays, (a->ns - m->origin_ns) / NS_PER_UNIT, m->delay, difference);
    if (UNLIKELY(difference > JUMP || difference < -JUMP)) {
        anchor(s, m, a);
        return;
    }
    delays_between(&m->delays, difference);
    m->delay = delay;
}

/* A marker, or a pause that the timestamps tell of. */
static bool begins_talkspurt(const struct rtp_stream *s, struct simulation *m,
                             const struct arrival *a)
{
    bool marked = a->marker && !m->marked;
    m->marked = a->marker;
    int32_t advance = (int32_t)(a->timestamp - m->timestamp);
    double units = advance * s->ms_per_tick * PLAYOUT_UNITS_PER_MS;
    return marked || units - m->ptime >= SPURT_PAUSE;
}

static void play(struct simulation *m, int64_t arrival, uint32_t ext)
{
    unsigned discards = playout_units(&m->playout, m->delay, arrival, m->ptime);
    delays_variation(&m->delays, playout_variation(&m->playout));
    skew_packet(&m->skew, arrival, m->delay);
    if (LIKELY(discards == 0))
        return;
    for (unsigned i = 0; i < PLAYOUT_BUFFERS; i++)
        if (discards >> i & 1)
            set_bit(m->bad[i], ext);
    m->step_discarded += discards >> PLAYOUT_AD & 1;
}

void simulation_packet(struct rtp_stream *s, const struct arrival *a, uint32_t ext)
{
    struct simulation *m = simulation_of(s);
    if (UNLIKELY(a->kind != ARRIVAL_MEDIA || a->sid)) {
        if (a->kind != ARRIVAL_VIDEO)
            set_bit(m->other, ext);
        return;
    }
    if (UNLIKELY(s->clock_hz == 0))
        return;
    if (UNLIKELY(s->ptime_ticks != m->ptime_ticks || m->ptime == 0))
        set_ptime(s, m);
    if (UNLIKELY(!m->anchored || m->clock_hz != s->clock_hz))
        anchor(s, m, a);
    else
        compare(s, m, a, ext);
    if (UNLIKELY(m->talkspurts) && begins_talkspurt(s, m, a))
        playout_talkspurt(&m->playout);
    m->timestamp = a->timestamp;
    m->ext = ext;
    int64_t arrival = (a->ns - m->origin_ns) / NS_PER_UNIT;
    if (UNLIKELY(delays_watching(&m->delays)))
        delays_watch(&m->delays, arrival, m->delay);
    play(m, arrival, ext);
}

void simulation_spacing(struct rtp_stream *s, int64_t gap_ns, bool media)
{
    struct simulation *m = simulation_of(s);
    double ptime_ms = media_ptime_ms(s);
    delays_spacing(&m->delays, gap_ns, ptime_ms, media);
    int64_t long_ns = (int64_t)((ptime_ms + SPACING_OVER_MS) * (double)NS_PER_MS);
    m->spacing_ns = m->delays.outage_ns < long_ns ? m->delays.outage_ns : long_ns;
}

/* ---- the frame vector ---- */

struct vector_word {
    uint64_t frames, lost;
    uint64_t bad[PLAYOUT_BUFFERS];
};

static struct vector_word word_of(const struct rtp_stream *s, uint32_t ext, uint64_t mask)
{
    const struct simulation *m = simulation_of(s);
    unsigned at = ext / 64 % (ABSENT_BITS / 64);
    uint64_t seen = s->seen[ext / 64 % (SEEN_BITS / 64)];
    struct vector_word w = {.frames = mask & ~m->other[at] & (seen | ~s->absent[at])};
    w.lost = w.frames & ~seen;
    for (unsigned i = 0; i < PLAYOUT_BUFFERS; i++)
        w.bad[i] = (w.frames & m->bad[i][at]) | w.lost;
    return w;
}

static void add_good(struct vector_counts *c, uint32_t frames)
{
    burst_good(&c->burst, frames);
    burst_runs_good(&c->fixed[PLAYOUT_F50]);
    burst_runs_good(&c->fixed[PLAYOUT_F200]);
}

static void add_frame(struct vector_counts *c, const struct vector_word *w, uint64_t bit)
{
    if (w->bad[PLAYOUT_AD] & bit)
        burst_bad(&c->burst, 1, !(w->lost & bit));
    else
        burst_good(&c->burst, 1);
    for (unsigned i = PLAYOUT_F50; i <= PLAYOUT_F200; i++) {
        if (w->bad[i] & bit)
            burst_runs_bad(&c->fixed[i], 1);
        else
            burst_runs_good(&c->fixed[i]);
    }
}

static void add_word(struct vector_counts *c, const struct vector_word *w)
{
    if (w->frames == 0)
        return;
    if ((w->bad[PLAYOUT_F50] | w->bad[PLAYOUT_F200] | w->bad[PLAYOUT_AD]) == 0) {
        add_good(c, (uint32_t)__builtin_popcountll(w->frames));
        return;
    }
    for (uint64_t left = w->frames; left; left &= left - 1)
        add_frame(c, w, left & -left);
}

static uint64_t word_mask(uint32_t from, uint32_t to, uint32_t *ret_count)
{
    unsigned at = from & 63;
    uint32_t count = to - from < 64 - at ? to - from : 64 - at;
    *ret_count = count;
    return (count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << at;
}

static void scan(const struct rtp_stream *s, uint32_t from, uint32_t to, struct vector_counts *c)
{
    uint32_t count;
    for (; from != to; from += count) {
        uint64_t mask = word_mask(from, to, &count);
        struct vector_word w = word_of(s, from, mask);
        add_word(c, &w);
    }
}

void simulation_settle(struct rtp_stream *s, uint32_t from, uint32_t to)
{
    struct simulation *m = simulation_of(s);
    scan(s, from, to, &m->counts);
    uint32_t count;
    for (; from != to; from += count) { /* room for the numbers that come round */
        uint64_t mask = word_mask(from, to, &count);
        unsigned at = from / 64 % (ABSENT_BITS / 64);
        m->other[at] &= ~mask;
        for (unsigned i = 0; i < PLAYOUT_BUFFERS; i++)
            m->bad[i][at] &= ~mask;
    }
}

void simulation_lost(struct rtp_stream *s, uint32_t frames)
{
    struct vector_counts *c = &simulation_of(s)->counts;
    burst_bad(&c->burst, frames, false);
    burst_runs_bad(&c->fixed[PLAYOUT_F50], frames);
    burst_runs_bad(&c->fixed[PLAYOUT_F200], frames);
}

static void close_counts(struct vector_counts *c)
{
    burst_close(&c->burst);
    burst_runs_good(&c->fixed[PLAYOUT_F50]);
    burst_runs_good(&c->fixed[PLAYOUT_F200]);
}

void simulation_close(struct rtp_stream *s)
{
    close_counts(&simulation_of(s)->counts);
}

struct vector_counts simulation_now(const struct rtp_stream *s)
{
    struct vector_counts c = simulation_of(s)->counts;
    if (s->open) {
        scan(s, s->settled_ext, s->max_ext + 1, &c);
        close_counts(&c);
    }
    return c;
}
