/* A table with a ceiling: entries of one size, found by a keyed hash, kept in order of use. Each entry begins with a
 * `struct slot`. There are two lists: the oldest of SLOT_CHEAP goes before any of SLOT_DEAR when room is needed.
 * The room is made once; what is never used of it is untouched memory of the system. */
#pragma once

#include "base/map.h"
#include "base/timer.h"

enum slot_worth { SLOT_CHEAP, SLOT_DEAR, SLOT_WORTHS };

struct slot {
    struct timer timer; /* of the entry's owner; cancelled by whoever removes it */
    uint64_t hash;
    uint32_t prev, next;
    uint8_t worth; /* enum slot_worth */
    uint8_t kind;  /* enum of the owner, for a timer that fires */
    bool used;
};

struct slots {
    char *items;
    size_t item_bytes;
    size_t clear_bytes; /* of a new entry; all of it unless the owner says less: then the rest is what the one before left */
    uint32_t max, touched, count, free;
    uint32_t oldest[SLOT_WORTHS], newest[SLOT_WORTHS];
    uint8_t kind;
    struct map by_hash;
};

/* 0 or ERR_NOMEM; zeroed storage may be given to slots_fini() too. */
int slots_init(struct slots *s, uint32_t max, size_t item_bytes, uint8_t kind);
void slots_fini(struct slots *s);

void *slots_at(const struct slots *s, uint32_t number);
uint32_t slots_number(const struct slots *s, const void *item);
/* Entries of that hash, one after the other; NULL at the end. The caller compares the key. */
void *slots_next(const struct slots *s, struct map_probe *probe);
static inline struct map_probe slots_probe(const struct slots *s, uint64_t hash)
{
    return map_probe(&s->by_hash, hash);
}

/* Who has to go before slots_add() can give anything: NULL while there is room. */
void *slots_victim(const struct slots *s);
/* A zeroed entry (but for its slot), the newest of `worth`. NULL when full or without memory. */
void *slots_add(struct slots *s, uint64_t hash, enum slot_worth worth);
void slots_remove(struct slots *s, void *item);
/* Was used: becomes the newest of `worth`. */
void slots_touch(struct slots *s, void *item, enum slot_worth worth);
