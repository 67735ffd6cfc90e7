/* Counting within a sliding time: how many, and how many different ones. No allocation. A window is exact to an eighth of
 * its length: what is counted is never older than the window, and never less than seven eighths of it are looked at.
 * Lengths are those of the rule and the same at every call. Times are steady. */
#pragma once

#include "base/slice.h"

#define WINDOW_PARTS 8

struct window {
    int64_t part; /* number of the newest part */
    uint32_t sum;
    uint32_t count[WINDOW_PARTS];
};

/* Adds and returns the sum. */
uint32_t window_add(struct window *w, int64_t now_ns, int64_t window_ns, uint32_t n);
/* Takes back up to `n`, newest first. */
void window_take(struct window *w, uint32_t n);
static inline void window_clear(struct window *w)
{
    *w = (struct window){0};
}

#define DISTINCT_MAX 32 /* a rule that asks for more is never met beyond it */

/* Different things, each with a mark and the time at which it came; after the window it comes anew. */
struct distinct {
    uint32_t key[DISTINCT_MAX]; /* keyed hashes; 0: free */
    uint32_t second[DISTINCT_MAX];
    uint8_t mark[DISTINCT_MAX];
    uint8_t used; /* none is used from here: what stands there means nothing */
};

/* Enters it if it is not there or out of the window (`fresh`); the oldest goes when it is full. */
void distinct_put(struct distinct *d, uint32_t key, uint8_t mark, int64_t now_ns, int64_t window_ns, bool *ret_fresh);
/* Changes the mark of a key that is there. */
void distinct_mark(struct distinct *d, uint32_t key, uint8_t mark);
void distinct_remove(struct distinct *d, uint32_t key);
/* How many are within the window, at least `age_ns` old and have one of the `marks` (bits 1 << mark). */
unsigned distinct_count(const struct distinct *d, unsigned marks, int64_t now_ns, int64_t window_ns, int64_t age_ns);

/* Messages a second, whole seconds, and what is usual: a mean that follows slowly. */
struct rate {
    int64_t second;
    uint32_t count;  /* of that second */
    uint32_t known;  /* seconds that the mean is made of */
    float usual;
};

/* Counts one in that second. Seconds with more than `most_usual` are not learned from: a flood must not become usual. */
void rate_roll(struct rate *r, int64_t second, uint32_t most_usual);
static inline uint32_t rate_add(struct rate *r, int64_t second, uint32_t most_usual)
{
    if (__builtin_expect(r->second != second, 0))
        rate_roll(r, second, most_usual);
    return ++r->count;
}
