/* Connections: found by their endpoints, aged in lists, and who has to go when there is no room.
 *
 * Lists are kept in order of activity to the second: a busy connection is moved once a second, not
 * for every segment; who expires is decided by the exact time.
 *
 * Who goes, first to last: ignored, closing, without data, idle longest with data. Two things keep
 * a SYN flood from others: once half of the table is without data, a half-open newcomer takes the
 * place of the oldest of these; and it never takes that of a connection with data. */
#include "capture/net/tcp_table.h"

#include <assert.h>
#include <stdlib.h>

#define RELIST_NS INT64_C(1000000000)

enum { EVICTED_HALF_OPEN, EVICTED_OLDEST, EVICTED_LIMIT }; /* label set EVICTED */

/* ---- lists ---- */

static uint32_t index_of(const struct tcp *t, const struct tcp_conn *c)
{
    return (uint32_t)(c - t->conns);
}

static void list_add(struct tcp *t, struct tcp_conn *c, enum tcp_list list)
{
    struct tcp_ages *ages = &t->list[list];
    uint32_t i = index_of(t, c);
    c->list = (uint8_t)list;
    c->listed_ns = t->now_ns;
    c->older = ages->newest;
    c->newer = TCP_NONE;
    *(ages->newest != TCP_NONE ? &t->conns[ages->newest].newer : &ages->oldest) = i;
    ages->newest = i;
    t->list_count[list]++;
}

static void list_remove(struct tcp *t, struct tcp_conn *c)
{
    struct tcp_ages *ages = &t->list[c->list];
    *(c->older != TCP_NONE ? &t->conns[c->older].newer : &ages->oldest) = c->newer;
    *(c->newer != TCP_NONE ? &t->conns[c->newer].older : &ages->newest) = c->older;
    t->list_count[c->list]--;
}

void tcp_table_move(struct tcp *t, struct tcp_conn *c, enum tcp_list list)
{
    list_remove(t, c);
    list_add(t, c, list);
}

void tcp_table_touch(struct tcp *t, struct tcp_conn *c, int64_t time_ns)
{
    c->peers.last_ns = time_ns;
    c->seen_ns = t->now_ns;
    if (t->now_ns - c->listed_ns > RELIST_NS && c->list != TCP_CLOSING)
        tcp_table_move(t, c, c->list);
}

/* ---- finding ---- */

static bool endpoint_before(const struct endpoint *a, const struct endpoint *b)
{
    if (a->addr.low != b->addr.low)
        return a->addr.low < b->addr.low;
    if (a->port != b->port)
        return a->port < b->port;
    if (a->addr.high != b->addr.high)
        return a->addr.high < b->addr.high;
    return a->space < b->space;
}

/* The same for both directions. */
uint64_t tcp_table_hash(const struct tcp *t, const struct datagram *segment)
{
    const struct endpoint *a = &segment->src, *b = &segment->dst;
    if (endpoint_before(b, a)) {
        a = &segment->dst;
        b = &segment->src;
    }
    uint32_t spaces = a->space * 31 + b->space; /* ours, not a stranger's choice */
    uint64_t words[5] = {a->addr.high, a->addr.low, b->addr.high, b->addr.low,
                         (uint64_t)spaces << 32 | (uint32_t)a->port << 16 | b->port};
    return hash_words(&t->config.seed, words, 5);
}

struct tcp_conn *tcp_table_find(struct tcp *t, uint64_t hash, const struct datagram *segment,
                                unsigned *ret_side)
{
    struct map_probe probe = map_probe(&t->map, hash);
    for (uint32_t i; (i = map_next(&t->map, &probe)) != MAP_NONE;) {
        struct tcp_conn *c = &t->conns[i];
        for (unsigned side = 0; side < 2; side++) {
            if (!endpoint_equal(&c->peers.end[side], &segment->src) ||
                !endpoint_equal(&c->peers.end[1 - side], &segment->dst))
                continue;
            *ret_side = side;
            return c;
        }
    }
    return NULL;
}

/* ---- leaving ---- */

void tcp_conn_release(struct tcp *t, struct tcp_conn *c)
{
    for (unsigned side = 0; side < 2; side++)
        tcp_stream_flush(t, &c->stream[side]);
    if (c->announced && t->consumer.closed)
        t->consumer.closed(t->consumer.context, &c->peers);
    list_remove(t, c);
    bool there = map_remove(&t->map, c->hash, index_of(t, c));
    assert(there);
    c->older = t->free_conn;
    t->free_conn = index_of(t, c);
}

static const int64_t *limit_of(const struct tcp *t, enum tcp_list list)
{
    return list == TCP_EMPTY     ? &t->config.half_open_ns
           : list == TCP_CLOSING ? &t->config.closed_ns
                                 : &t->config.idle_ns;
}

void tcp_table_expire(struct tcp *t)
{
    for (unsigned list = 0; list < TCP_LISTS; list++) {
        int64_t limit_ns = *limit_of(t, list);
        uint32_t i;
        while ((i = t->list[list].oldest) != TCP_NONE &&
               t->now_ns - t->conns[i].listed_ns > limit_ns) {
            struct tcp_conn *c = &t->conns[i];
            if (list != TCP_CLOSING && t->now_ns - c->seen_ns <= limit_ns)
                tcp_table_move(t, c, list);
            else
                tcp_conn_release(t, c);
        }
    }
}

static void evict(struct tcp *t, uint32_t i, int reason)
{
    if (reason >= 0)
        tcp_count_cell(t, C_TCP_EVICTED + (unsigned)reason, 1);
    tcp_conn_release(t, &t->conns[i]);
}

static bool make_room(struct tcp *t, bool with_data)
{
    uint32_t empty = t->list[TCP_EMPTY].oldest, i;
    if (!with_data && empty != TCP_NONE && t->list_count[TCP_EMPTY] >= t->config.streams_max / 2) {
        evict(t, empty, EVICTED_HALF_OPEN);
    } else if ((i = t->list[TCP_IGNORED].oldest) != TCP_NONE ||
               (i = t->list[TCP_CLOSING].oldest) != TCP_NONE) {
        evict(t, i, -1); /* nothing is lost with it */
    } else if (empty != TCP_NONE) {
        evict(t, empty, EVICTED_HALF_OPEN);
    } else if (with_data) {
        evict(t, t->list[TCP_WANTED].oldest, EVICTED_OLDEST);
    } else {
        tcp_count_cell(t, C_TCP_EVICTED + EVICTED_LIMIT, 1);
        return false;
    }
    return true;
}

/* ---- coming ---- */

struct tcp_conn *tcp_table_add(struct tcp *t, uint64_t hash, const struct endpoint *first,
                               const struct endpoint *second, int64_t time_ns, bool with_data)
{
    uint32_t i = t->free_conn;
    if (i == TCP_NONE && t->conns_used == t->config.streams_max) {
        if (!make_room(t, with_data))
            return NULL;
        i = t->free_conn;
    }
    if (i != TCP_NONE)
        t->free_conn = t->conns[i].older;
    else
        i = t->conns_used++;
    struct tcp_conn *c = &t->conns[i];
    *c = (struct tcp_conn){.peers = {.end = {*first, *second}, .first_ns = time_ns},
                           .hash = hash,
                           .seen_ns = t->now_ns};
    for (unsigned side = 0; side < 2; side++)
        tcp_stream_init(&c->stream[side], side);
    int err = map_add(&t->map, hash, i);
    assert(err == 0); /* reserved */
    list_add(t, c, TCP_EMPTY);
    return c;
}

/* ---- birth and end ---- */

bool tcp_table_init(struct tcp *t)
{
    t->free_conn = TCP_NONE;
    for (unsigned list = 0; list < TCP_LISTS; list++)
        t->list[list] = (struct tcp_ages){TCP_NONE, TCP_NONE};
    /* Not written before they are used. */
    t->conns = malloc((size_t)t->config.streams_max * sizeof *t->conns);
    return t->conns != NULL && map_reserve(&t->map, t->config.streams_max) == 0;
}

void tcp_table_fini(struct tcp *t)
{
    map_fini(&t->map);
    free(t->conns);
}
