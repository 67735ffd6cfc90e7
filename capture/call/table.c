/* The table of calls.
 *
 * Two look-ups find the call of any message, in its address space: (Call-ID, From tag) when the
 * request came from the caller's side, (Call-ID, To tag) when it came from the callee. A thousand
 * calls under one Call-ID are therefore no longer chain than one.
 *
 * When all slots are taken the first of these classes gives its oldest call: attempts that nobody
 * has answered at all, calls that only wait for late packets, media without signalling, ringing
 * calls. Answered calls never go: then the new one is refused. A flood of INVITEs so pushes out
 * nothing but itself. */
#include "capture/call/finding_note.h"
#include "capture/call/table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "capture/call/attempt.h"
#include "capture/call/ahead.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/flows.h"
#include "capture/call/held.h"
#include "capture/call/legs.h"
#include "capture/call/placing.h"
#include "capture/call/outage.h"
#include "capture/call/points.h"
#include "capture/call/relate.h"
#include "capture/call/route.h"
#include "capture/call/dtls_note.h"
#include "capture/call/sealed.h"
#include "capture/call/tap.h"
#include "capture/call/turn.h"
#include "capture/call/uid.h"
#include "capture/call/users.h"
#include "capture/finding/findings.h"

#define ARENA_FIRST   2176
#define ARENA_CEILING (64 * 1024)
/* Longer names are kept cut; the keyed hash of the whole still tells them apart. */
#define NAME_KEPT_MAX 512
#define CACHE_LINE    64

enum { LABEL_TABLE_CALLS, LABEL_TABLE_FLOWS, LABEL_TABLE_HELD = 3, LABEL_TABLE_TURN };
enum { LABEL_EVICTED_HALF_OPEN, LABEL_EVICTED_OLDEST, LABEL_EVICTED_LIMIT };

int calls_init(struct calls *c, const struct front_config *config, const struct event_sink *sink,
               struct counters *counters)
{
    *c = (struct calls){.config = *config, .sink = *sink, .counters = counters};
    c->points_max = config->flows_max + TRYING_POINTS_MAX * config->calls_max;
    c->live_free = c->points_free = c->flows_free = NO_INDEX;
    c->waiting = (struct list){NO_INDEX, NO_INDEX};
    c->expected = (struct expected_flow){.flow = NO_INDEX};
    for (unsigned i = 0; i < LIVE_CLASSES; i++)
        c->class[i] = (struct list){NO_INDEX, NO_INDEX};
    /* calloc of this size is untouched memory of the system: what is never used costs nothing */
    c->live = calloc(config->calls_max, sizeof *c->live);
    c->points = calloc(c->points_max, sizeof *c->points);
    c->flows = calloc(config->flows_max, sizeof *c->flows);
    c->wheel = timer_wheel_new(TICK_NS);
    c->held = held_new(config->held_bytes_max);
    c->turn = turn_new(&config->seed, config->turn_max, counters);
    c->sealed = sealed_new(&config->seed);
    c->dtls = dtls_new(&config->seed, dtls_note, c);
    c->tap = tap_new();
    c->ahead = ahead_new(counters);
    c->relations = relations_new(c);
    c->xml = xml_new(config->seed.k0);
    c->users = config->users ? users_new(c) : NULL;
    c->findings = config->findings.enabled ? finding_note_new(c) : NULL;
    c->outage = config->places ? outage_new() : NULL;
    if (!c->live || !c->points || !c->flows || !c->wheel || !c->held || !c->turn || !c->sealed || !c->dtls || !c->tap ||
        !c->xml || !c->ahead || !c->relations || (config->users && !c->users) ||
        (config->findings.enabled && !c->findings) || (config->places && !c->outage)) {
        calls_fini(c);
        return ERR_NOMEM;
    }
    counters_set(counters, C_TABLE_LIMIT + LABEL_TABLE_CALLS, config->calls_max);
    counters_set(counters, C_TABLE_LIMIT + LABEL_TABLE_FLOWS, config->flows_max);
    counters_set(counters, C_TABLE_LIMIT + LABEL_TABLE_HELD, config->held_bytes_max);
    counters_set(counters, C_TABLE_LIMIT + LABEL_TABLE_TURN, config->turn_max);
    return 0;
}

void calls_fini(struct calls *c)
{
    for (uint32_t i = 0; i < c->live_used; i++)
        call_free(c->live[i].call);
    for (uint32_t i = 0; i < c->points_used; i++) {
        free(c->points[i].line.codecs);
        free(c->points[i].offer.codecs);
    }
    map_fini(&c->by_key);
    map_fini(&c->by_endpoint);
    map_fini(&c->by_ufrag);
    map_fini(&c->by_tuple);
    map_fini(&c->flows_by_end);
    users_free(c->users);
    relations_free(c->relations);
    findings_free(c->findings);
    outage_free(c->outage);
    timer_wheel_free(c->wheel);
    held_free(c->held);
    turn_free(c->turn);
    sealed_free(c->sealed);
    dtls_free(c->dtls);
    free(c->tap);
    xml_free(c->xml);
    ahead_free(c->ahead);
    free(c->live);
    free(c->points);
    free(c->flows);
}

/* ---- names ---- */

uint64_t table_tag(const struct calls *c, struct slice tag)
{
    return tag.size ? hash_bytes(&c->config.seed, tag.data, tag.size) | 1 : 0;
}

static uint64_t key_of(const struct calls *c, uint64_t call_id, uint64_t tag, uint32_t space)
{
    uint64_t words[3] = {call_id, tag, space};
    return hash_words(&c->config.seed, words, 3);
}

void table_hash_names(const struct calls *c, struct sighting *s)
{
    const struct sip_msg *m = s->m;
    s->call_id = hash_bytes(&c->config.seed, m->call_id.data, m->call_id.size);
    s->from_tag = table_tag(c, m->from.tag);
    s->to_tag = table_tag(c, m->to.tag);
    s->key = key_of(c, s->call_id, s->from_tag, s->d->src.space);
    map_prefetch(&c->by_key, s->key);
}

static struct slice kept(struct slice name)
{
    return slice_sub(name, 0, NAME_KEPT_MAX);
}

/* What a message reads and writes of its call, all at once: a call that was quiet is no longer in the cache. */
static void fetch(const struct live *l)
{
    for (size_t at = 0; at < sizeof *l; at += CACHE_LINE)
        __builtin_prefetch((const char *)l + at, 1);
}

static void fetch_call(const struct call *call)
{
    for (size_t at = 0; at < sizeof *call; at += CACHE_LINE)
        __builtin_prefetch((const char *)call + at, 1);
}

/* 64 bits of a keyed hash over Call-ID, tag and space tell calls apart: nobody outside can make two of them equal. */
static struct live *find_by(struct calls *c, uint64_t key)
{
    struct map_probe p = map_probe(&c->by_key, key);
    for (uint32_t i; (i = map_next(&c->by_key, &p)) != MAP_NONE;) {
        struct live *l = &c->live[i];
        fetch(l);
        if (l->key == key) {
            fetch_call(l->call);
            return l;
        }
    }
    return NULL;
}

struct live *table_find(struct calls *c, const struct sighting *s, uint8_t *ret_transaction_of)
{
    if (c->live_count == 0)
        return NULL;
    const struct sip_msg *m = s->m;
    uint32_t space = s->d->src.space;
    struct live *l = find_by(c, s->key);
    *ret_transaction_of = CALL_CALLER;
    /* a caller who follows RFC 2543 may have no tag: then his is the To without one of a BYE */
    if (l || (m->to.tag.size == 0 && m->method != SIP_BYE))
        return l;
    l = find_by(c, key_of(c, s->call_id, s->to_tag, space));
    if (l)
        *ret_transaction_of = CALL_CALLEE;
    return l;
}

struct live *table_find_dialog(struct calls *c, struct slice call_id, struct slice caller_tag,
                               struct slice callee_tag, uint32_t space)
{
    uint64_t id = hash_bytes(&c->config.seed, call_id.data, call_id.size);
    struct live *l = c->live_count ? find_by(c, key_of(c, id, table_tag(c, caller_tag), space)) : NULL;
    uint64_t tag = table_tag(c, callee_tag);
    if (l == NULL || l->call->kind != CALL_SIP)
        return NULL;
    return tag == l->callee_tag || legs_find(l, tag) ? l : NULL;
}

/* ---- classes ---- */

static void unlink_class(struct calls *c, struct live *l)
{
    struct list *list = &c->class[l->class];
    *(l->prev == NO_INDEX ? &list->first : &c->live[l->prev].next) = l->next;
    *(l->next == NO_INDEX ? &list->last : &c->live[l->next].prev) = l->prev;
}

static void link_class(struct calls *c, struct live *l, enum live_class class)
{
    struct list *list = &c->class[class];
    uint32_t number = live_number(c, l);
    l->class = class;
    l->prev = list->last;
    l->next = NO_INDEX;
    *(list->last == NO_INDEX ? &list->first : &c->live[list->last].next) = number;
    list->last = number;
}

void table_set_class(struct calls *c, struct live *l, enum live_class class)
{
    if (l->class == class)
        return;
    unlink_class(c, l);
    link_class(c, l, class);
}

/* ---- slots ---- */

/* Ends the call that hurts least to make room; false when all that is left is worth more than a new
 * one. */
static bool evict(struct calls *c)
{
    for (unsigned class = 0; class <= LIVE_RINGING; class ++) {
        uint32_t oldest = c->class[class].first;
        if (oldest == NO_INDEX)
            continue;
        struct live *l = &c->live[oldest];
        if (class == LIVE_TRYING || class == LIVE_RINGING)
            counters_add(c->counters, C_CALLS_EVICTED + LABEL_EVICTED_HALF_OPEN, 1);
        else if (class == LIVE_ORPHAN)
            counters_add(c->counters, C_CALLS_EVICTED + LABEL_EVICTED_OLDEST, 1);
        attempt_cut(c, l, CALL_END_CUT);
        table_close(c, l);
        return true;
    }
    return false;
}

static uint32_t take_slot(struct calls *c, bool may_evict)
{
    if (c->live_free == NO_INDEX && c->live_used == c->config.calls_max && may_evict)
        evict(c);
    uint32_t number = c->live_free;
    if (number != NO_INDEX) {
        c->live_free = c->live[number].next;
        return number;
    }
    return c->live_used < c->config.calls_max ? c->live_used++ : NO_INDEX;
}

static void give_slot(struct calls *c, struct live *l)
{
    *l = (struct live){.next = c->live_free};
    c->live_free = live_number(c, l);
}

static struct live *new_live(struct calls *c, bool may_evict)
{
    uint32_t number = take_slot(c, may_evict);
    struct arena *arena = number == NO_INDEX ? NULL : arena_new(ARENA_FIRST, ARENA_CEILING);
    struct call *call = arena ? arena_alloc(arena, sizeof *call) : NULL;
    if (call == NULL) {
        counters_add(c->counters, C_CALLS_EVICTED + LABEL_EVICTED_LIMIT, 1);
        arena_free(arena);
        if (number != NO_INDEX)
            give_slot(c, &c->live[number]);
        return NULL;
    }
    struct live *l = &c->live[number];
    *l = (struct live){.call = call, .points = NO_INDEX, .flows = NO_INDEX};
    l->last_sip_ns = l->began_ns = c->steady_ns;
    call->arena = arena;
    call->number = number;
    call->outcome = CALL_OUTCOME_NONE;
    call->released_by = CALL_PARTY_UNKNOWN;
    c->live_count++;
    return l;
}

static void choose_worker(struct calls *c, struct live *l)
{
    uint64_t first;
    memcpy(&first, l->call->uid, sizeof first);
    l->worker = c->sink.workers > 1 ? (uint32_t)(first % c->sink.workers) : 0;
}

/* One that could not be entered after all. */
static void forget_new(struct calls *c, struct live *l)
{
    counters_add(c->counters, C_CALLS_EVICTED + LABEL_EVICTED_LIMIT, 1);
    call_free(l->call);
    give_slot(c, l);
    c->live_count--;
}

struct live *table_new_call(struct calls *c, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    const struct datagram *d = s->d;
    struct live *l = new_live(c, true);
    if (l == NULL)
        return NULL;
    struct call *call = l->call;
    call->kind = CALL_SIP;
    call->call_id = arena_copy(call->arena, kept(m->call_id));
    call->from.tag = arena_copy(call->arena, kept(m->from.tag));
    call->src = d->src; /* the key and what is compared with it: of one space */
    l->key = s->key;
    if (map_add(&c->by_key, l->key, live_number(c, l)) != 0) {
        forget_new(c, l);
        return NULL;
    }
    uid_of_call(c->config.id_secret, c->config.probe, m->call_id, m->from.tag, d->src.space,
                d->time_ns, call->uid);
    choose_worker(c, l);
    link_class(c, l, LIVE_TRYING);
    placing_active(c, l, true);
    return l;
}

struct live *table_new_foreign(struct calls *c, enum call_kind kind, uint64_t key,
                               struct slice call_id, const struct datagram *d)
{
    char tag[ENDPOINT_TEXT_SIZE];
    struct live *l = new_live(c, true);
    if (l == NULL)
        return NULL;
    struct call *call = l->call;
    l->key = key;
    if (map_add(&c->by_key, key, live_number(c, l)) != 0) {
        forget_new(c, l);
        return NULL;
    }
    call->kind = kind;
    call->call_id = arena_copy(call->arena, kept(call_id));
    call->src = d->src;
    call->dst = d->dst;
    call->vlan = d->vlan_outer ? d->vlan_outer : d->vlan_inner;
    call->transport = d->transport;
    call->started_ns = d->time_ns;
    l->state = DIALOG_TRYING;
    uid_of_call(c->config.id_secret, c->config.probe, call_id,
                slice_str(endpoint_text(&d->src, tag)), d->src.space, d->time_ns, call->uid);
    choose_worker(c, l);
    link_class(c, l, LIVE_TRYING);
    placing_active(c, l, true);
    placing_begin(c, l, d);
    l->attempt_due = true;
    placing_settle(c, l);
    return l;
}

struct live *table_find_foreign(struct calls *c, enum call_kind kind, uint64_t key,
                                struct slice call_id)
{
    struct map_probe p = map_probe(&c->by_key, key);
    for (uint32_t i; (i = map_next(&c->by_key, &p)) != MAP_NONE;) {
        struct live *l = &c->live[i];
        if (l->key == key && l->call->kind == kind && slice_equal(l->call->call_id, kept(call_id)))
            return l;
    }
    return NULL;
}

/* Time of the first packet that waits in `f`. */
static int64_t first_held_ns(struct calls *c, const struct flow *f)
{
    struct flow chain = *f;
    struct held_packet p;
    struct slice payload;
    struct held_chain at = {&chain.held_first, &chain.held_last, &chain.held_count};
    return held_first(c->held, at, &p, &payload) ? p.time_ns : c->time_ns;
}

struct live *table_new_orphan(struct calls *c, const struct flow *f)
{
    struct live *l = new_live(c, false);
    if (l == NULL)
        return NULL;
    struct call *call = l->call;
    call->kind = addr_is_multicast(f->dst.addr) ? CALL_PAGE : CALL_ORPHAN;
    call->state = CALL_ANSWERED;
    call->started_ns = first_held_ns(c, f);
    call->src = f->src;
    call->dst = f->dst;
    l->state = DIALOG_ANSWERED;
    uid_of_orphan(c->config.id_secret, c->config.probe, &f->src, &f->dst, f->look_ssrc,
                  call->started_ns, call->uid);
    choose_worker(c, l);
    link_class(c, l, LIVE_ORPHAN);
    placing_begin(c, l, NULL);
    emit_call(c, l, EVENT_CALL_STARTED);
    return l;
}

struct live *table_new_encrypted(struct calls *c, const struct endpoint *client,
                                 const struct endpoint *server, uint64_t key, int64_t time_ns)
{
    struct live *l = new_live(c, false);
    if (l == NULL)
        return NULL;
    struct call *call = l->call;
    l->key = key;
    if (map_add(&c->by_key, key, live_number(c, l)) != 0) {
        forget_new(c, l);
        return NULL;
    }
    call->kind = CALL_ENCRYPTED;
    call->transport = TRANSPORT_TLS;
    call->state = CALL_ANSWERED;
    call->started_ns = time_ns;
    call->src = *client;
    call->dst = *server;
    call->encrypted_media = true;
    l->state = DIALOG_ANSWERED;
    uid_of_orphan(c->config.id_secret, c->config.probe, client, server, (uint32_t)PROTO_TCP,
                  time_ns, call->uid);
    choose_worker(c, l);
    link_class(c, l, LIVE_ORPHAN);
    placing_begin(c, l, NULL);
    emit_call(c, l, EVENT_CALL_STARTED);
    return l;
}

void table_close(struct calls *c, struct live *l)
{
    struct call *call = l->call;
    assert(call != NULL);
    call->one_sided_calls = tap_one_sided_calls(c, l);
    flows_release(c, l);
    points_release(c, l);
    timer_cancel(c->wheel, &l->timer);
    if (!call_kind_is_orphan(call->kind)) {
        bool there = map_remove(&c->by_key, l->key, live_number(c, l));
        assert(there);
    }
    legs_close(c, l);
    route_attempts(call);
    counters_add(c->counters, C_ROUTE_ADVANCES, call->route_advances);
    if (!live_is_bare(l))
        attempt_count(c, l);
    relate_close(c, l);
    unlink_class(c, l);
    emit_call_ended(c, l);
    give_slot(c, l);
    c->live_count--;
}
