/* The map's slow half: adding, removing, growing. */
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { SLOTS_FIRST = 64 };
#define SLOTS_MAX (UINT64_C(1) << 31)

/* There is always an empty slot: at most 3/4 are taken. */
static void put(struct map_slot *slots, uint32_t mask, struct map_slot item)
{
    uint32_t at = item.tag & mask;
    while (slots[at].value != MAP_NONE)
        at = (at + 1) & mask;
    slots[at] = item;
}

static int resize(struct map *m, uint64_t count)
{
    struct map_slot *slots = malloc(count * sizeof *slots);
    if (slots == NULL)
        return ERR_NOMEM;
    memset(slots, 0xff, count * sizeof *slots); /* MAP_NONE everywhere */
    uint32_t mask = (uint32_t)(count - 1);
    for (uint64_t i = 0; m->slots && i <= m->mask; i++)
        if (m->slots[i].value != MAP_NONE)
            put(slots, mask, m->slots[i]);
    free(m->slots);
    m->slots = slots;
    m->mask = mask;
    return 0;
}

int map_reserve(struct map *m, uint32_t count)
{
    uint64_t slots = m->slots ? (uint64_t)m->mask + 1 : 0;
    uint64_t need = slots ? slots : SLOTS_FIRST;
    while (need - need / 4 < count)
        need *= 2;
    if (need == slots)
        return 0;
    return need > SLOTS_MAX ? ERR_NOMEM : resize(m, need);
}

int map_add(struct map *m, uint64_t hash, uint32_t value)
{
    assert(value != MAP_NONE);
    int err = map_reserve(m, m->count + 1);
    if (err)
        return err;
    put(m->slots, m->mask, (struct map_slot){.tag = map_tag(hash), .value = value});
    m->count++;
    return 0;
}

/* Slot `at` is free: bring back what only lies further on because `at` was taken. */
static void close_gap(struct map *m, uint32_t at)
{
    uint32_t next = at;
    for (;;) {
        next = (next + 1) & m->mask;
        struct map_slot s = m->slots[next];
        if (s.value == MAP_NONE)
            break;
        uint32_t from_home = (next - s.tag) & m->mask;
        uint32_t from_gap = (next - at) & m->mask;
        if (from_home < from_gap)
            continue; /* it belongs behind the gap */
        m->slots[at] = s;
        at = next;
    }
    m->slots[at] = (struct map_slot){.tag = MAP_NONE, .value = MAP_NONE};
}

bool map_remove(struct map *m, uint64_t hash, uint32_t value)
{
    if (m->slots == NULL)
        return false;
    uint32_t tag = map_tag(hash);
    for (uint32_t at = tag & m->mask; m->slots[at].value != MAP_NONE; at = (at + 1) & m->mask) {
        if (m->slots[at].tag != tag || m->slots[at].value != value)
            continue;
        close_gap(m, at);
        m->count--;
        return true;
    }
    return false;
}

void map_fini(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}
