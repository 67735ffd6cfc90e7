/* Flows found by 5-tuple, and, as long as no SDP has named them, by each end. */
#include "capture/call/flow_table.h"

struct flow *flows_find(struct calls *c, const struct endpoint *src, const struct endpoint *dst)
{
    return flow_find(c, flow_hash(c, src, dst), src, dst);
}

void flow_link(struct calls *c, struct flow *f, uint32_t *first, uint32_t *last)
{
    uint32_t number = flow_number(c, f);
    f->next = NO_INDEX;
    f->prev = last ? *last : NO_INDEX;
    if (last) { /* at the end of the waiting ones */
        *(*last == NO_INDEX ? first : &c->flows[*last].next) = number;
        *last = number;
        return;
    }
    f->next = *first;
    if (*first != NO_INDEX)
        c->flows[*first].prev = number;
    *first = number;
}

void flow_unlink(struct calls *c, struct flow *f)
{
    uint32_t *first = f->state == FLOW_HELD ? &c->waiting.first : &c->live[f->live].flows;
    *(f->prev == NO_INDEX ? first : &c->flows[f->prev].next) = f->next;
    if (f->next != NO_INDEX)
        c->flows[f->next].prev = f->prev;
    else if (f->state == FLOW_HELD)
        c->waiting.last = f->prev;
}

/* An endpoint that gathers many unannounced flows is found through the first of them only: chains
 * stay short. */
static bool index_end(struct calls *c, const struct endpoint *at, uint32_t number)
{
    uint64_t hash = endpoint_hash(&c->config.seed, at);
    unsigned count = 0;
    struct map_probe p = map_probe(&c->flows_by_end, hash);
    while (map_next(&c->flows_by_end, &p) != MAP_NONE) {
        if (++count >= END_FLOWS_MAX)
            return false;
    }
    return map_add(&c->flows_by_end, hash, number) == 0;
}

void flow_index_ends(struct calls *c, struct flow *f)
{
    f->src_indexed = index_end(c, &f->src, flow_number(c, f));
    f->dst_indexed = index_end(c, &f->dst, flow_number(c, f));
}

void flow_unindex_ends(struct calls *c, struct flow *f)
{
    uint32_t number = flow_number(c, f);
    if (f->src_indexed)
        map_remove(&c->flows_by_end, endpoint_hash(&c->config.seed, &f->src), number);
    if (f->dst_indexed)
        map_remove(&c->flows_by_end, endpoint_hash(&c->config.seed, &f->dst), number);
    f->src_indexed = f->dst_indexed = false;
}

static uint32_t take_slot(struct calls *c)
{
    if (c->flows_free != NO_INDEX) {
        uint32_t number = c->flows_free;
        c->flows_free = c->flows[number].next;
        return number;
    }
    return c->flows_used < c->config.flows_max ? c->flows_used++ : NO_INDEX;
}

struct flow *flow_new(struct calls *c, uint64_t hash, const struct datagram *d)
{
    uint32_t number = take_slot(c);
    if (number == NO_INDEX && c->waiting.first != NO_INDEX) {
        flow_drop(c, &c->flows[c->waiting.first]);
        number = take_slot(c);
    }
    if (number == NO_INDEX) {
        counters_add(c->counters, C_STREAMS_OVER_LIMIT, 1);
        return NULL;
    }
    struct flow *f = &c->flows[number];
    *f = (struct flow){.src = d->src,
                       .dst = d->dst,
                       .hash = hash,
                       .last_ns = c->steady_ns,
                       .first_ns = c->steady_ns,
                       .state = FLOW_HELD,
                       .as = number,
                       .live = NO_INDEX};
    if (map_add(&c->by_tuple, hash, number) != 0) {
        *f = (struct flow){.next = c->flows_free};
        c->flows_free = number;
        return NULL;
    }
    c->flow_count++;
    flow_link(c, f, &c->waiting.first, &c->waiting.last);
    return f;
}

void flow_free(struct calls *c, struct flow *f)
{
    assert(f->held_count == 0);
    uint32_t number = flow_number(c, f);
    flow_unindex_ends(c, f);
    bool there = map_remove(&c->by_tuple, f->hash, number);
    assert(there);
    *f = (struct flow){.next = c->flows_free};
    c->flows_free = number;
    c->flow_count--;
}
