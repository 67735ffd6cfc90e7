/* Open addressing from a 64-bit keyed hash to a 32-bit value, usually an index into the caller's
 * own table. The map keeps 32 bits of the hash beside each value (its tag, which also says where
 * the value belongs, so that growing and removing ask nobody for the hash); the caller compares the
 * real key:
 *
 *     struct map_probe p = map_probe(&m, h);
 *     for (uint32_t i; (i = map_next(&m, &p)) != MAP_NONE;)
 *         if (same(&items[i], key)) ...
 *
 * Linear probing, at most 3/4 full, removal by backward shift (no tombstones). A change of the map
 * ends a probe: do not call map_next() after map_add() or map_remove(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_NONE UINT32_MAX

struct map_slot {
    uint32_t tag;   /* map_tag() of the hash */
    uint32_t value; /* MAP_NONE: empty */
};

struct map {
    struct map_slot *slots;
    uint32_t mask;
    uint32_t count;
};

struct map_probe {
    uint32_t at;
    uint32_t tag;
};

/* Zeroed storage is a valid empty map. 0 or ERR_NOMEM; on ERR_NOMEM nothing changed. */
int map_add(struct map *m, uint64_t hash, uint32_t value);
/* True when the pair was there. */
bool map_remove(struct map *m, uint64_t hash, uint32_t value);
/* Room for `count` values, so that adding them neither allocates nor fails. 0 or ERR_NOMEM. */
int map_reserve(struct map *m, uint32_t count);
void map_fini(struct map *m);

static inline uint32_t map_tag(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

static inline struct map_probe map_probe(const struct map *m, uint64_t hash)
{
    uint32_t tag = map_tag(hash);
    return (struct map_probe){.at = tag & m->mask, .tag = tag};
}

static inline uint32_t map_next(const struct map *m, struct map_probe *p)
{
    if (m->slots == NULL)
        return MAP_NONE;
    for (;;) {
        const struct map_slot *s = &m->slots[p->at];
        if (s->value == MAP_NONE)
            return MAP_NONE;
        p->at = (p->at + 1) & m->mask;
        if (s->tag == p->tag)
            return s->value;
    }
}

/* Bring the slot of a hash into the cache ahead of a look-up. */
static inline void map_prefetch(const struct map *m, uint64_t hash)
{
    if (m->slots)
        __builtin_prefetch(&m->slots[map_tag(hash) & m->mask]);
}
