/* Sums over a ring of eight parts; different things in a small array that is searched through. */
#include "capture/finding/window.h"

#define SECOND      INT64_C(1000000000)
#define RATE_WEIGHT (1.0F / 64) /* the mean follows within a few minutes */
#define SILENCE_MAX 256         /* seconds of silence after which it is as good as 0 */

static int64_t part_of(int64_t now_ns, int64_t window_ns)
{
    int64_t part_ns = window_ns / WINDOW_PARTS;
    return now_ns / (part_ns > 0 ? part_ns : 1);
}

/* Parts that are out of the window are emptied. */
static void advance(struct window *w, int64_t part)
{
    int64_t gone = part - w->part;
    w->part = part;
    if (gone >= WINDOW_PARTS || gone < 0) {
        memset(w->count, 0, sizeof w->count);
        w->sum = 0;
        return;
    }
    for (int64_t i = 0; i < gone; i++) {
        uint32_t *old = &w->count[(uint64_t)(part - i) % WINDOW_PARTS];
        w->sum -= *old;
        *old = 0;
    }
}

uint32_t window_add(struct window *w, int64_t now_ns, int64_t window_ns, uint32_t n)
{
    int64_t part = part_of(now_ns, window_ns);
    if (part != w->part)
        advance(w, part);
    w->count[(uint64_t)part % WINDOW_PARTS] += n;
    w->sum += n;
    return w->sum;
}

void window_take(struct window *w, uint32_t n)
{
    for (int i = 0; i < WINDOW_PARTS && n; i++) {
        uint32_t *count = &w->count[(uint64_t)(w->part - i) % WINDOW_PARTS];
        uint32_t less = *count < n ? *count : n;
        *count -= less;
        w->sum -= less;
        n -= less;
    }
}

/* ---- different things ---- */

static bool is_within(const struct distinct *d, unsigned i, uint32_t now, uint32_t window)
{
    return now - d->second[i] < window;
}

static uint32_t seconds(int64_t ns)
{
    return (uint32_t)(ns / SECOND);
}

static unsigned place_of(struct distinct *d, uint32_t key, uint32_t now)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < d->used; i++) {
        if (d->key[i] == key)
            return i;
        if (now - d->second[i] > now - d->second[oldest])
            oldest = i;
    }
    if (d->used == DISTINCT_MAX)
        return oldest;
    d->key[d->used] = 0; /* whatever stood there */
    return d->used++;
}

void distinct_put(struct distinct *d, uint32_t key, uint8_t mark, int64_t now_ns, int64_t window_ns,
                  bool *ret_fresh)
{
    uint32_t now = seconds(now_ns);
    unsigned i = place_of(d, key, now);
    *ret_fresh = d->key[i] != key || !is_within(d, i, now, seconds(window_ns));
    if (!*ret_fresh)
        return;
    d->key[i] = key;
    d->second[i] = now;
    d->mark[i] = mark;
}

void distinct_mark(struct distinct *d, uint32_t key, uint8_t mark)
{
    for (unsigned i = 0; i < d->used; i++)
        if (d->key[i] == key)
            d->mark[i] = mark;
}

void distinct_remove(struct distinct *d, uint32_t key)
{
    for (unsigned i = 0; i < d->used; i++) {
        if (d->key[i] != key)
            continue;
        d->used--;
        d->key[i] = d->key[d->used];
        d->second[i] = d->second[d->used];
        d->mark[i] = d->mark[d->used];
        return;
    }
}

unsigned distinct_count(const struct distinct *d, unsigned marks, int64_t now_ns, int64_t window_ns,
                        int64_t age_ns)
{
    uint32_t now = seconds(now_ns), window = seconds(window_ns), age = seconds(age_ns);
    unsigned n = 0;
    for (unsigned i = 0; i < d->used; i++)
        n += is_within(d, i, now, window) && now - d->second[i] >= age && (marks >> d->mark[i] & 1);
    return n;
}

/* ---- rates ---- */

void rate_roll(struct rate *r, int64_t second, uint32_t most_usual)
{
    int64_t silent = second - r->second - 1;
    bool first = r->second == 0;
    if (!first && r->count <= most_usual) {
        r->usual += ((float)r->count - r->usual) * RATE_WEIGHT;
        r->known += r->known < UINT32_MAX;
    }
    for (int64_t i = 0; !first && i < silent && i < SILENCE_MAX; i++) {
        r->usual -= r->usual * RATE_WEIGHT;
        r->known += r->known < UINT32_MAX;
    }
    r->second = second;
    r->count = 0;
}
