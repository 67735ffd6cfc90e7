/* Entries stand in a pool, found by (client, server, channel); channel 0 is the allocation itself.
 * A list from the one unused for longest to the one used last gives age and ceiling. It is put in
 * order at most once a second an entry, so a channel full of media costs one look-up a packet. */
#include "capture/call/turn.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"

#define NONE     UINT32_MAX
#define TOUCH_NS INT64_C(1000000000)

struct entry {
    struct endpoint client, server;
    struct endpoint other; /* the channel's peer, or the relayed address */
    uint64_t hash;
    int64_t used_ns; /* steady */
    uint32_t prev, next;
    uint16_t channel; /* 0: the allocation */
};

struct turn {
    struct hash_seed seed;
    struct counters *counters;
    struct map by_key;
    struct entry *entries;
    uint32_t max, used, free, count;
    uint32_t oldest, newest;
};

struct turn *turn_new(const struct hash_seed *seed, uint32_t entries_max, struct counters *counters)
{
    struct turn *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    *t = (struct turn){.seed = *seed,
                       .counters = counters,
                       .max = entries_max,
                       .free = NONE,
                       .oldest = NONE,
                       .newest = NONE};
    /* untouched memory costs nothing */
    t->entries = calloc(entries_max ? entries_max : 1, sizeof *t->entries);
    if (t->entries == NULL) {
        free(t);
        return NULL;
    }
    return t;
}

void turn_free(struct turn *t)
{
    if (t == NULL)
        return;
    map_fini(&t->by_key);
    free(t->entries);
    free(t);
}

uint32_t turn_count(const struct turn *t)
{
    return t->count;
}

/* ---- list ---- */

static void unlink_entry(struct turn *t, struct entry *e)
{
    *(e->prev == NONE ? &t->oldest : &t->entries[e->prev].next) = e->next;
    *(e->next == NONE ? &t->newest : &t->entries[e->next].prev) = e->prev;
}

static void append(struct turn *t, struct entry *e)
{
    uint32_t number = (uint32_t)(e - t->entries);
    e->prev = t->newest;
    e->next = NONE;
    *(t->newest == NONE ? &t->oldest : &t->entries[t->newest].next) = number;
    t->newest = number;
}

static void touch(struct turn *t, struct entry *e, int64_t now_ns)
{
    if (now_ns - e->used_ns < TOUCH_NS)
        return;
    e->used_ns = now_ns;
    unlink_entry(t, e);
    append(t, e);
}

static void remove_entry(struct turn *t, struct entry *e)
{
    uint32_t number = (uint32_t)(e - t->entries);
    bool there = map_remove(&t->by_key, e->hash, number);
    assert(there);
    unlink_entry(t, e);
    e->next = t->free;
    t->free = number;
    t->count--;
}

void turn_expire(struct turn *t, int64_t now_ns)
{
    while (t->oldest != NONE && t->entries[t->oldest].used_ns + TURN_TIMEOUT_NS <= now_ns)
        remove_entry(t, &t->entries[t->oldest]);
}

/* ---- entries ---- */

static uint64_t key_hash(const struct turn *t, const struct endpoint *client,
                         const struct endpoint *server, uint16_t channel)
{
    uint64_t words[3] = {endpoint_hash(&t->seed, client), endpoint_hash(&t->seed, server), channel};
    return hash_words(&t->seed, words, 3);
}

static struct entry *find(struct turn *t, const struct endpoint *client,
                          const struct endpoint *server, uint16_t channel)
{
    if (t->count == 0)
        return NULL;
    struct map_probe p = map_probe(&t->by_key, key_hash(t, client, server, channel));
    for (uint32_t i; (i = map_next(&t->by_key, &p)) != MAP_NONE;) {
        struct entry *e = &t->entries[i];
        if (e->channel == channel && endpoint_equal(&e->client, client) &&
            endpoint_equal(&e->server, server))
            return e;
    }
    return NULL;
}

static uint32_t take_slot(struct turn *t)
{
    if (t->count && t->count == t->max) {
        remove_entry(t, &t->entries[t->oldest]);
        counters_add(t->counters, C_TURN_EVICTED, 1);
    }
    if (t->free != NONE) {
        uint32_t number = t->free;
        t->free = t->entries[number].next;
        return number;
    }
    return t->used < t->max ? t->used++ : NONE;
}

static void add(struct turn *t, const struct entry *like)
{
    uint32_t number = take_slot(t);
    if (number == NONE)
        return;
    struct entry *e = &t->entries[number];
    *e = *like;
    e->hash = key_hash(t, &e->client, &e->server, e->channel);
    if (map_add(&t->by_key, e->hash, number) != 0) {
        e->next = t->free;
        t->free = number;
        return;
    }
    t->count++;
    append(t, e);
}

/* A channel means one peer for its life (RFC 8656 12): while it is in use nobody gives it another.
 */
static void enter(struct turn *t, const struct entry *like)
{
    struct entry *e = find(t, &like->client, &like->server, like->channel);
    if (e == NULL) {
        add(t, like);
        return;
    }
    bool same = endpoint_equal(&e->other, &like->other);
    if (!same && like->used_ns - e->used_ns < TURN_BUSY_NS)
        return;
    e->other = like->other;
    touch(t, e, like->used_ns);
}

void turn_learn(struct turn *t, const struct datagram *d, const struct stun_message *m,
                int64_t now_ns)
{
    struct entry e = {.used_ns = now_ns};
    turn_expire(t, now_ns);
    if (m->method == TURN_REFRESH && m->class == STUN_SUCCESS) {
        struct entry *known = find(t, &d->dst, &d->src, 0);
        if (known)
            touch(t, known, now_ns);
        return;
    }
    if (m->method == TURN_CHANNEL_BIND && m->class == STUN_REQUEST && m->channel && m->has_peer) {
        e.client = d->src;
        e.server = d->dst;
        e.other = m->peer;
        e.channel = m->channel;
    } else if (m->method == TURN_ALLOCATE && m->class == STUN_SUCCESS && m->has_relayed) {
        e.client = d->dst;
        e.server = d->src;
        e.other = m->relayed;
    } else {
        return;
    }
    e.other.space = d->src.space;
    enter(t, &e);
}

bool turn_peer(struct turn *t, const struct endpoint *src, const struct endpoint *dst,
               uint16_t channel, int64_t now_ns, struct endpoint *ret_peer, bool *ret_outward)
{
    struct entry *e = find(t, src, dst, channel);
    bool outward = e != NULL;
    if (e == NULL)
        e = find(t, dst, src, channel);
    if (e == NULL || e->used_ns + TURN_TIMEOUT_NS <= now_ns)
        return false;
    touch(t, e, now_ns);
    *ret_peer = e->other;
    *ret_outward = outward;
    return true;
}

bool turn_relayed(struct turn *t, const struct endpoint *client, const struct endpoint *server,
                  int64_t now_ns, struct endpoint *ret_relayed)
{
    struct entry *e = find(t, client, server, 0);
    if (e == NULL || e->used_ns + TURN_TIMEOUT_NS <= now_ns)
        return false;
    touch(t, e, now_ns);
    *ret_relayed = e->other;
    return true;
}
