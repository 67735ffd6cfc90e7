/* See the header for what it is good for. */
#include "capture/foreign/seen.h"

#include <assert.h>
#include <stdlib.h>

#define PLACES 4

struct seen {
    uint32_t mask; /* of the sets */
    int64_t timeout_ns;
    struct seen_item item[];
};

struct seen *seen_new(uint32_t count, int64_t timeout_ns)
{
    assert(count >= PLACES && (count & (count - 1)) == 0);
    struct seen *s = calloc(1, sizeof *s + count * sizeof s->item[0]);
    if (s == NULL)
        return NULL;
    s->mask = count / PLACES - 1;
    s->timeout_ns = timeout_ns;
    return s;
}

void seen_free(struct seen *s)
{
    free(s);
}

static struct seen_item *set_of(struct seen *s, uint64_t key)
{
    return &s->item[(size_t)((uint32_t)(key >> 32) & s->mask) * PLACES];
}

static bool is_fresh(const struct seen *s, const struct seen_item *item, int64_t now_ns)
{
    return item->key && now_ns - item->last_ns <= s->timeout_ns;
}

struct seen_item *seen_find(struct seen *s, uint64_t key, int64_t now_ns)
{
    key = key ? key : 1; /* 0 is a free place */
    struct seen_item *set = set_of(s, key);
    for (unsigned i = 0; i < PLACES; i++) {
        if (set[i].key == key && is_fresh(s, &set[i], now_ns))
            return &set[i];
    }
    return NULL;
}

/* One place a key, also when what it held is too old: the same key never stands twice. */
static struct seen_item *place_for(struct seen_item *set, uint64_t key)
{
    struct seen_item *oldest = &set[0];
    for (unsigned i = 0; i < PLACES; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].key == 0 || (oldest->key && set[i].last_ns < oldest->last_ns))
            oldest = &set[i];
    }
    return oldest;
}

struct seen_item *seen_put(struct seen *s, uint64_t key, int64_t now_ns, bool *ret_pushed)
{
    key = key ? key : 1;
    struct seen_item *item = place_for(set_of(s, key), key);
    bool known = item->key == key && is_fresh(s, item, now_ns);
    if (ret_pushed)
        *ret_pushed = item->key != key && is_fresh(s, item, now_ns);
    if (!known)
        *item = (struct seen_item){.key = key};
    item->last_ns = now_ns;
    return item;
}
