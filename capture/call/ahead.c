/* A small ring. What nobody fetches is forgotten when its place is wanted. */
#include "capture/call/ahead.h"

#include <stdlib.h>

enum { LABEL_MATCHED, LABEL_LATE, LABEL_LIMIT };

struct slot {
    uint64_t key; /* 0: free */
    int64_t steady_ns;
    struct datagram d;
    uint8_t bytes[AHEAD_BYTES];
};

struct ahead {
    struct counters *counters;
    unsigned next;
    unsigned waiting;
    struct slot slot[AHEAD_SLOTS];
};

struct ahead *ahead_new(struct counters *counters)
{
    struct ahead *e = calloc(1, sizeof *e);
    if (e)
        e->counters = counters;
    return e;
}

void ahead_free(struct ahead *e)
{
    free(e);
}

static void count(struct ahead *e, unsigned label)
{
    counters_add(e->counters, C_EARLY_RESPONSES + label, 1);
}

static void forget(struct ahead *e, struct slot *s, unsigned label)
{
    s->key = 0;
    e->waiting--;
    count(e, label);
}

void ahead_keep(struct ahead *e, uint64_t key, int64_t now_ns, const struct datagram *d)
{
    struct slot *s = &e->slot[e->next];
    if (d->payload.size > AHEAD_BYTES || key == 0) {
        count(e, LABEL_LIMIT);
        return;
    }
    if (s->key)
        forget(e, s, now_ns - s->steady_ns > AHEAD_WINDOW_NS ? LABEL_LATE : LABEL_LIMIT);
    e->next = (e->next + 1) % AHEAD_SLOTS;
    e->waiting++;
    s->key = key;
    s->steady_ns = now_ns;
    s->d = *d;
    memcpy(s->bytes, d->payload.data, d->payload.size);
    s->d.payload = slice_of(s->bytes, d->payload.size);
}

bool ahead_take(struct ahead *e, uint64_t key, int64_t now_ns, struct datagram *ret_d)
{
    for (unsigned i = 0; e->waiting && i < AHEAD_SLOTS; i++) {
        struct slot *s = &e->slot[(e->next + i) % AHEAD_SLOTS];
        if (s->key != key || key == 0)
            continue;
        bool late = now_ns - s->steady_ns > AHEAD_WINDOW_NS;
        forget(e, s, late ? LABEL_LATE : LABEL_MATCHED);
        if (late)
            continue;
        *ret_d = s->d;
        return true;
    }
    return false;
}
