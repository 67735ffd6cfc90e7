/* Which numbers are missing, which of them were media frames, and in what runs.
 *
 * `seen` has a bit for each of the last 4096 numbers. Numbers older than the reorder horizon are
 * settled: they go into the run counts and never come back. That is done a word of 64 at a time, so
 * a clean stream pays for it once in 64 packets. A gap whose timestamps tell that fewer frames than
 * numbers are missing (a middlebox ate events or comfort noise) marks the surplus in `absent`. */
#include "capture/rtp/simulation.h"

static void run_close(struct run_counts *c)
{
    if (c->open == 0)
        return;
    c->runs++;
    c->histogram[burst_run_bin(c->open)]++;
    if (c->open > c->longest)
        c->longest = c->open;
    c->open = 0;
}

static void run_extend(struct run_counts *c, uint32_t frames)
{
    c->lost += frames;
    c->open += frames;
}

static bool is_absent(const struct rtp_stream *s, uint32_t ext)
{
    return s->absent[ext / 64 % (ABSENT_BITS / 64)] >> (ext & 63) & 1;
}

static void set_absent(struct rtp_stream *s, uint32_t ext, bool absent)
{
    uint64_t *word = &s->absent[ext / 64 % (ABSENT_BITS / 64)];
    uint64_t bit = UINT64_C(1) << (ext & 63);
    *word = absent ? *word | bit : *word & ~bit;
}

static uint64_t bits_from(unsigned at, unsigned count)
{
    return (count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << at;
}

static void scan_word(uint64_t seen, uint64_t missing, uint64_t mask, struct run_counts *c)
{
    if (missing == 0) {
        if (seen & mask)
            run_close(c);
        return;
    }
    for (uint64_t left = mask; left; left &= left - 1) {
        uint64_t bit = left & -left;
        if (missing & bit)
            run_extend(c, 1);
        else if (seen & bit)
            run_close(c);
    }
}

/* Counts [from, to). */
static void scan(const struct rtp_stream *s, uint32_t from, uint32_t to, struct run_counts *c)
{
    while (from != to) {
        unsigned at = from & 63;
        uint32_t count = to - from < 64 - at ? to - from : 64 - at;
        uint64_t mask = bits_from(at, count);
        uint64_t seen = s->seen[from / 64 % (SEEN_BITS / 64)];
        uint64_t absent = s->absent[from / 64 % (ABSENT_BITS / 64)];
        scan_word(seen, ~seen & ~absent & mask, mask, c);
        from += count;
    }
}

static void settle_to(struct rtp_stream *s, uint32_t to)
{
    if ((int32_t)(to - s->settled_ext) <= 0)
        return;
    scan(s, s->settled_ext, to, &s->runs);
    if (s->simulated)
        simulation_settle(s, s->settled_ext, to);
    s->settled_ext = to;
}

void runs_settle(struct rtp_stream *s)
{
    settle_to(s, (s->max_ext - REORDER_MAX) & ~UINT32_C(63));
}

void runs_settle_all(struct rtp_stream *s)
{
    settle_to(s, s->max_ext + 1);
    run_close(&s->runs);
    if (s->simulated)
        simulation_close(s);
}

struct run_counts runs_now(const struct rtp_stream *s)
{
    struct run_counts c = s->runs;
    if (s->open) {
        scan(s, s->settled_ext, s->max_ext + 1, &c);
        run_close(&c);
    }
    return c;
}

static void forget(struct rtp_stream *s, uint32_t from, uint32_t count)
{
    if (count >= SEEN_BITS) {
        memset(s->seen, 0, sizeof s->seen);
        return;
    }
    while (count) {
        unsigned at = from & 63;
        uint32_t n = count < 64 - at ? count : 64 - at;
        s->seen[from / 64 % (SEEN_BITS / 64)] &= ~bits_from(at, n);
        from += n;
        count -= n;
    }
}

/* The surplus is taken to stand at the start of the gap. */
void runs_gap(struct rtp_stream *s, uint32_t ahead, uint32_t media)
{
    uint32_t first = s->max_ext + 1;
    uint32_t missing = ahead - 1;
    assert(ahead >= 2 && media <= missing);
    uint32_t surplus = missing - media;
    uint32_t horizon = s->max_ext + ahead - REORDER_MAX;
    bool beyond = (int32_t)(horizon - first) > 0;
    settle_to(s, beyond ? first : horizon);
    forget(s, first, missing);
    if (beyond) { /* its older part is final at once, however long it is */
        uint32_t final = horizon - first;
        uint32_t final_surplus = surplus < final ? surplus : final;
        run_extend(&s->runs, final - final_surplus);
        if (s->simulated)
            simulation_lost(s, final - final_surplus);
        surplus -= final_surplus;
        missing -= final;
        first = horizon;
        s->settled_ext = horizon;
    }
    for (uint32_t i = 0; i < missing; i++)
        set_absent(s, first + i, i < surplus);
}

/* Another missing number of the hole around `ext` with the given mark; `ext` when there is none. */
static uint32_t hole_neighbour(const struct rtp_stream *s, uint32_t ext, bool absent)
{
    for (uint32_t e = ext + 1; e != s->max_ext && !runs_seen(s, e); e++)
        if (is_absent(s, e) == absent)
            return e;
    for (uint32_t e = ext - 1; (int32_t)(e - s->settled_ext) >= 0 && !runs_seen(s, e); e--)
        if (is_absent(s, e) == absent)
            return e;
    return ext;
}

/* The surplus of a hole belongs to the hole, not to a number: when a frame fills a number marked as
 * surplus, another one of the hole takes the mark, and the other way round. */
void runs_fill(struct rtp_stream *s, uint32_t ext, bool frame)
{
    bool absent = is_absent(s, ext);
    if (absent == frame) {
        uint32_t other = hole_neighbour(s, ext, !absent);
        if (other != ext)
            set_absent(s, other, absent);
    }
    set_absent(s, ext, false);
    runs_mark(s, ext);
}

static uint32_t count_seen(const struct rtp_stream *s, uint32_t from, uint32_t count)
{
    uint32_t seen = 0;
    while (count) {
        unsigned at = from & 63;
        uint32_t n = count < 64 - at ? count : 64 - at;
        uint64_t word = s->seen[from / 64 % (SEEN_BITS / 64)] & bits_from(at, n);
        seen += (uint32_t)__builtin_popcountll(word);
        from += n;
        count -= n;
    }
    return seen;
}

int rtp_stream_missing(const struct rtp_stream *s, uint16_t from, uint16_t to)
{
    int ahead = (int16_t)(to - (uint16_t)s->max_ext);
    uint32_t count = (uint16_t)(to - from);
    if (!s->open || ahead > REORDER_MAX)
        return -1;
    uint32_t first = s->max_ext + (uint32_t)ahead - count + 1;
    uint32_t beyond = ahead > 0 ? (uint32_t)ahead : 0;
    if (beyond >= count) /* none of them has been here */
        return (int)count;
    if (s->max_ext - first >= SEEN_BITS || (int32_t)(first - s->base_ext) < 0)
        return -1;
    return (int)(count - count_seen(s, first, count - beyond));
}
