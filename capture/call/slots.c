#include "capture/call/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define NONE UINT32_MAX

int slots_init(struct slots *s, uint32_t max, size_t item_bytes, uint8_t kind)
{
    *s = (struct slots){.max = max ? max : 1, .item_bytes = item_bytes, .clear_bytes = item_bytes, .free = NONE, .kind = kind};
    for (unsigned i = 0; i < SLOT_WORTHS; i++)
        s->oldest[i] = s->newest[i] = NONE;
    s->items = calloc(s->max, item_bytes);
    return s->items ? 0 : ERR_NOMEM;
}

void slots_fini(struct slots *s)
{
    map_fini(&s->by_hash);
    free(s->items);
    s->items = NULL;
    s->count = s->touched = 0;
}

void *slots_at(const struct slots *s, uint32_t number)
{
    assert(number < s->touched);
    return s->items + (size_t)number * s->item_bytes;
}

static struct slot *slot_at(const struct slots *s, uint32_t number)
{
    return slots_at(s, number);
}

uint32_t slots_number(const struct slots *s, const void *item)
{
    return (uint32_t)((size_t)((const char *)item - s->items) / s->item_bytes);
}

void *slots_next(const struct slots *s, struct map_probe *probe)
{
    uint32_t number = map_next(&s->by_hash, probe);
    return number == MAP_NONE ? NULL : slots_at(s, number);
}

/* ---- the two lists ---- */

static void unlink_slot(struct slots *s, struct slot *e)
{
    *(e->prev == NONE ? &s->oldest[e->worth] : &slot_at(s, e->prev)->next) = e->next;
    *(e->next == NONE ? &s->newest[e->worth] : &slot_at(s, e->next)->prev) = e->prev;
}

static void append(struct slots *s, struct slot *e, enum slot_worth worth)
{
    uint32_t number = slots_number(s, e);
    e->worth = (uint8_t)worth;
    e->prev = s->newest[worth];
    e->next = NONE;
    *(e->prev == NONE ? &s->oldest[worth] : &slot_at(s, e->prev)->next) = number;
    s->newest[worth] = number;
}

void slots_touch(struct slots *s, void *item, enum slot_worth worth)
{
    unlink_slot(s, item);
    append(s, item, worth);
}

/* ---- in and out ---- */

void *slots_victim(const struct slots *s)
{
    if (s->count < s->max)
        return NULL;
    uint32_t number = s->oldest[s->oldest[SLOT_CHEAP] == NONE ? SLOT_DEAR : SLOT_CHEAP];
    return slots_at(s, number);
}

void *slots_add(struct slots *s, uint64_t hash, enum slot_worth worth)
{
    if (s->count == s->max)
        return NULL;
    uint32_t number = s->free == NONE ? s->touched : s->free;
    if (map_add(&s->by_hash, hash, number) != 0)
        return NULL;
    if (s->free == NONE)
        s->touched++;
    else
        s->free = slot_at(s, number)->next;
    struct slot *e = slot_at(s, number);
    memset(e, 0, s->clear_bytes);
    e->hash = hash;
    e->kind = s->kind;
    e->used = true;
    append(s, e, worth);
    s->count++;
    return e;
}

void slots_remove(struct slots *s, void *item)
{
    struct slot *e = item;
    assert(e->used && !timer_is_set(&e->timer));
    bool there = map_remove(&s->by_hash, e->hash, slots_number(s, e));
    assert(there);
    unlink_slot(s, e);
    e->used = false;
    e->next = s->free;
    s->free = slots_number(s, e);
    s->count--;
}
