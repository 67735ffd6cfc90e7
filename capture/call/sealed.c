/* Each pair has one cell, chosen by its keyed hash; the whole hash is kept, so another pair is
 * taken for it once in 2^64. */
#include "capture/call/sealed.h"

#include <stdlib.h>

#define CELLS 4096

struct cell {
    uint64_t hash;
    int64_t seen_ns; /* 0: empty */
};

struct sealed {
    struct hash_seed seed;
    struct cell cell[CELLS];
};

struct sealed *sealed_new(const struct hash_seed *seed)
{
    struct sealed *s = calloc(1, sizeof *s);
    if (s)
        s->seed = *seed;
    return s;
}

void sealed_free(struct sealed *s)
{
    free(s);
}

/* The same for both directions. */
static uint64_t pair_hash(const struct sealed *s, const struct endpoint *a,
                          const struct endpoint *b)
{
    return endpoint_hash(&s->seed, a) + endpoint_hash(&s->seed, b);
}

void sealed_note(struct sealed *s, const struct endpoint *a, const struct endpoint *b,
                 int64_t now_ns)
{
    uint64_t hash = pair_hash(s, a, b);
    s->cell[hash % CELLS] = (struct cell){.hash = hash, .seen_ns = now_ns};
}

bool sealed_seen(const struct sealed *s, const struct endpoint *a, const struct endpoint *b,
                 int64_t now_ns)
{
    uint64_t hash = pair_hash(s, a, b);
    const struct cell *cell = &s->cell[hash % CELLS];
    return cell->seen_ns && cell->hash == hash && now_ns - cell->seen_ns < SEALED_NS;
}
