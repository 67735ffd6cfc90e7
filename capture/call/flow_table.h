/* The pool of flows, the map from 5-tuples into it and the lists they stand in. For flows.c and
 * flow_binding.c. */
#pragma once

#include <assert.h>

#include "capture/call/flows.h"

/* Of every packet: IPv4 without spaces, nearly all there is, takes two words instead of six. */
static inline uint64_t flow_hash_v4(const struct calls *c, uint64_t hosts, uint64_t ports)
{
    uint64_t words[2] = {hosts, ports};
    return hash_words(&c->config.seed, words, 2);
}

static inline uint64_t flow_hash(const struct calls *c, const struct endpoint *src,
                                 const struct endpoint *dst)
{
    uint64_t ports = (uint64_t)src->port << 16 | dst->port;
    if (__builtin_expect(
            addr_is_v4(src->addr) && addr_is_v4(dst->addr) && !(src->space | dst->space), 1)) {
        uint64_t hosts = src->addr.low << 32 | (dst->addr.low & UINT32_MAX);
        const struct expected_flow *e = &c->expected;
        if (e->flow != NO_INDEX && e->ends.hosts == hosts && e->ends.ports == ports)
            return e->hash;
        return flow_hash_v4(c, hosts, ports);
    }
    uint64_t words[6] = {src->addr.high,
                         src->addr.low,
                         dst->addr.high,
                         dst->addr.low,
                         (uint64_t)src->space << 32 | dst->space,
                         ports};
    return hash_words(&c->config.seed, words, 6);
}

/* One comparison without branches: the whole key, padding included (addr.h: it is always 0). */
static inline bool flow_is(const struct flow *f, const struct endpoint *src,
                           const struct endpoint *dst)
{
    static_assert(sizeof *src == 24, "endpoints have no padding");
    return memcmp(&f->dst, dst, sizeof *dst) == 0 && memcmp(&f->src, src, sizeof *src) == 0;
}

/* The newest flow of the 5-tuple is in no way special: callers that care walk all of them. */
static inline struct flow *flow_find(struct calls *c, uint64_t hash, const struct endpoint *src,
                                     const struct endpoint *dst)
{
    struct map_probe p = map_probe(&c->by_tuple, hash);
    for (uint32_t i; (i = map_next(&c->by_tuple, &p)) != MAP_NONE;) {
        if (c->sink.prepare && i != c->expected.flow) /* the worker's cache misses run beside ours */
            c->sink.prepare(c->sink.context, i);
        if (flow_is(&c->flows[i], src, dst))
            return &c->flows[i];
    }
    return NULL;
}

/* With thousands of flows nothing of one is in the cache when its packet comes. So the ends of the next frame are looked at while
 * this one is read, and memory is asked for ahead of its use: the place in the map, then the flow and the worker's half of it, then
 * what that points to. Three steps, because each says where the next one is. */
static inline struct expected_flow flow_expect(const struct calls *c, struct slice frame)
{
    struct expected_flow e = {.flow = NO_INDEX};
    if (c->by_tuple.count == 0 || !net_peek(frame, &e.ends))
        return e;
    e.hash = flow_hash_v4(c, e.ends.hosts, e.ends.ports);
    e.flow = 0;
    map_prefetch(&c->by_tuple, e.hash);
    return e;
}

static inline void flow_prepare(struct calls *c, const struct expected_flow *next)
{
    c->expected.flow = NO_INDEX;
    if (next->flow == NO_INDEX)
        return;
    struct map_probe p = map_probe(&c->by_tuple, next->hash);
    uint32_t i = map_next(&c->by_tuple, &p);
    if (i == MAP_NONE)
        return;
    c->expected = *next;
    c->expected.flow = i;
    __builtin_prefetch(&c->flows[i], 1);
    __builtin_prefetch(&c->flows[i].src);
    if (c->sink.prepare)
        c->sink.prepare(c->sink.context, i);
}

static inline void flow_fetch(const struct calls *c)
{
    if (c->expected.flow != NO_INDEX && c->sink.fetch)
        c->sink.fetch(c->sink.context, c->expected.flow);
}

/* A flow nobody owns yet, among the waiting ones. When the table is full the oldest waiting flow
 * makes room; bound flows stay. NULL: counted. */
struct flow *flow_new(struct calls *c, uint64_t hash, const struct datagram *d);
/* It is in no list any more and nothing of it waits. */
void flow_free(struct calls *c, struct flow *f);
/* In front of a list, or at its end when `last` is given. */
void flow_link(struct calls *c, struct flow *f, uint32_t *first, uint32_t *last);
/* Out of the waiting ones or out of its call, by its state. */
void flow_unlink(struct calls *c, struct flow *f);
/* Lets SDP find a flow that nobody announced by either of its ends. */
void flow_index_ends(struct calls *c, struct flow *f);
void flow_unindex_ends(struct calls *c, struct flow *f);
/* Bound, and leaves its call: FLOW_GONE. */
void flow_leave(struct calls *c, struct flow *f);
/* Says anew what the flow carries, if that has changed; a foreign one is not kept. */
void flow_describe(struct calls *c, struct flow *f);
/* Media that waited goes to the call it is bound to now. */
void flow_replay(struct calls *c, struct flow *f);
/* Binds a waiting flow as SDP says. */
bool flow_bind_by_sdp(struct calls *c, struct flow *f, const struct binding *b);
