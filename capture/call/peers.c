/* Liveness by OPTIONS: who asks whom, and whether an answer comes. One entry a pair of addresses
 * (ports of UDP and TCP clients change); an OPTIONS within a dialog says nothing about a peer.
 *
 *   an answer but 408                                              UP, no misses
 *   none within timer F, or none for 4 s when it asks again; 408   a miss; the third in a row: DOWN
 *
 * Of several without an answer the oldest counts when it asks again. What was asked before the
 * newest answer is lost, but in no row: one short outage of a peer asked every second is three
 * timeouts half a minute later. 408 is what a proxy in between makes of silence. A pair is told
 * once it was answered, missed or asked twice: a scanner that asks thousands once each makes no
 * event a probe, only one for each that nobody answered. */
#include "capture/call/finding_note.h"
#include "capture/call/place.h"
#include "capture/call/user_parts.h"

#define EVERY_NS   USER_SECOND
#define DOWN_AFTER 3
#define SLOW_NS    (4 * USER_SECOND)

struct peer {
    struct entry entry;
    struct user_peer p;
    uint64_t trunks; /* that are asked, as bits */
    uint32_t open; /* transaction of the OPTIONS that is waited for; NO_INDEX: none */
};

size_t peers_bytes(void)
{
    return sizeof(struct peer);
}

static void tell(struct users *u, struct peer *e, bool urgent)
{
    if (e->p.answers + e->p.missed == 0 && e->p.requests < 2)
        return;
    if (user_may_tell(u, &e->entry, urgent, EVERY_NS))
        user_push(u, EVENT_PEER, &e->p, sizeof e->p);
    user_set_timer(u, &e->entry, user_told_due(&e->entry, EVERY_NS));
}

void peers_due(struct users *u, struct entry *entry)
{
    tell(u, (struct peer *)(void *)entry, false);
}

/* One more or less in this state for each of its trunks. */
static void count_trunks(struct users *u, const struct peer *e, int change)
{
    if (e->p.state != PEER_UP && e->p.state != PEER_DOWN)
        return;
    for (uint64_t left = e->trunks; left; left &= left - 1) {
        unsigned trunk = (unsigned)__builtin_ctzll(left) + 1;
        unsigned cell = C_TRUNK_PEERS + trunk * LABEL_COUNT_PEER + (e->p.state == PEER_DOWN);
        counters_add(u->c->counters, cell, (uint64_t)(int64_t)change);
    }
}

void peers_placed(struct users *u)
{
    struct slots *table = &u->table[PART_PEER];
    for (uint32_t i = 0; i < table->touched; i++) {
        struct peer *e = slots_at(table, i);
        if (!e->entry.slot.used)
            continue;
        count_trunks(u, e, -1);
        e->trunks = place_trunks_at(u->c->config.places, &e->p.dst);
        count_trunks(u, e, 1);
    }
}

void peers_last(struct users *u, struct entry *entry)
{
    struct peer *e = (struct peer *)(void *)entry;
    e->p.last = true;
    if (entry->told)
        user_push(u, EVENT_PEER, &e->p, sizeof e->p);
}

void peers_forget(struct users *u, struct entry *entry)
{
    count_trunks(u, (struct peer *)(void *)entry, -1);
}

static struct peer *find(struct users *u, const struct endpoint *src, const struct endpoint *dst)
{
    struct slots *table = &u->table[PART_PEER];
    uint64_t words[5] = {src->addr.high, src->addr.low, dst->addr.high, dst->addr.low, src->space};
    uint64_t hash = hash_words(&u->c->config.seed, words, 5);
    struct map_probe probe = slots_probe(table, hash);
    for (struct peer *e; (e = slots_next(table, &probe)) != NULL;)
        if (addr_equal(e->p.src.addr, src->addr) && addr_equal(e->p.dst.addr, dst->addr) &&
            e->p.src.space == src->space)
            return e;
    struct peer *e = user_add(u, PART_PEER, hash, SLOT_CHEAP);
    if (e == NULL)
        return NULL;
    e->p = (struct user_peer){.rtt_ns = -1, .rtt_min_ns = -1, .rtt_max_ns = -1};
    e->p.first_ns = e->p.since_ns = u->c->time_ns;
    e->trunks = place_trunks_at(u->c->config.places, dst);
    e->open = NO_INDEX;
    return e;
}

static void change(struct users *u, struct peer *e, enum peer_state state)
{
    if (e->p.state == state)
        return;
    e->p.changes += e->p.state != PEER_UNKNOWN;
    count_trunks(u, e, -1);
    e->p.state = (uint8_t)state;
    count_trunks(u, e, 1);
    e->p.since_ns = u->c->time_ns;
}

static void miss(struct users *u, struct peer *e, struct transaction *t)
{
    uint8_t before = e->p.state;
    if (t->missed)
        return;
    t->missed = true;
    e->p.missed++;
    counters_add(u->c->counters, C_OPTIONS_MISSED, 1);
    bool in_row = t->sent_ns >= e->p.answered_ns;
    e->p.misses += in_row && e->p.misses < UINT16_MAX;
    if (e->p.misses >= DOWN_AFTER)
        change(u, e, PEER_DOWN);
    if (in_row)
        finding_note_peer(u->c, &e->p.src, &e->p.dst, e->p.misses, e->p.answers > 0);
    tell(u, e, e->p.state != before);
}

/* The OPTIONS that is waited for, when nobody has answered it yet. */
static struct transaction *pending(struct users *u, struct peer *e)
{
    struct slots *table = &u->table[PART_TRANSACTION];
    if (e->open == NO_INDEX || e->open >= table->touched)
        return NULL;
    struct transaction *t = slots_at(table, e->open);
    bool own = t->slot.used && t->owner_serial == e->entry.serial && !t->answered;
    return own ? t : NULL;
}

static void ask(struct users *u, const struct user_sight *w)
{
    const struct datagram *d = w->s->d;
    struct peer *e = find(u, &d->src, &d->dst);
    if (e == NULL)
        return;
    struct transaction *before = pending(u, e);
    bool wait = before && before->sent_steady_ns + SLOW_NS > u->c->steady_ns;
    if (before && !wait)
        miss(u, e, before);
    e->p.src = d->src;
    e->p.dst = d->dst;
    e->p.transport = d->transport;
    e->p.requests++;
    e->p.asked_ns = d->time_ns;
    user_text(user_software(w->s->m), e->p.user_agent, sizeof e->p.user_agent);
    user_own(u, PART_PEER, e, w->t);
    if (!wait)
        e->open = w->t ? slots_number(&u->table[PART_TRANSACTION], w->t) : NO_INDEX;
    slots_touch(&u->table[PART_PEER], e, e->p.answers > 1 ? SLOT_DEAR : SLOT_CHEAP);
    tell(u, e, false);
}

static void measure(struct user_peer *p, int64_t rtt_ns)
{
    p->rtt_ns = rtt_ns;
    p->rtt_sum_ns += rtt_ns;
    if (p->rtt_min_ns < 0 || rtt_ns < p->rtt_min_ns)
        p->rtt_min_ns = rtt_ns;
    if (rtt_ns > p->rtt_max_ns)
        p->rtt_max_ns = rtt_ns;
}

static void answer(struct users *u, struct peer *e, const struct user_sight *w)
{
    const struct sip_msg *m = w->s->m;
    uint8_t before = e->p.state;
    uint16_t code = e->p.code;
    e->p.code = m->status;
    if (m->status == 408) {
        miss(u, e, w->t);
        return;
    }
    e->p.answers++;
    e->p.misses = 0;
    e->p.answered_ns = w->s->d->time_ns;
    measure(&e->p, w->s->d->time_ns - w->t->sent_ns);
    user_text(user_software(m), e->p.server, sizeof e->p.server);
    if (e->p.state == PEER_DOWN)
        finding_note_peer(u->c, &e->p.src, &e->p.dst, 0, true);
    change(u, e, PEER_UP);
    tell(u, e, e->p.state != before || e->p.code != code);
}

/* The hops behind the first belong to the one that asked. */
void peers_see(struct users *u, const struct user_sight *w)
{
    if (w->s->m->request && w->s->to_tag)
        return;
    struct peer *e;
    switch (w->verdict) {
    case TRANSACTION_NEW:
        ask(u, w);
        break;
    case TRANSACTION_FINAL:
        e = user_owner(u, PART_PEER, w->t);
        if (e)
            answer(u, e, w);
        break;
    default:
        break;
    }
}

void peers_timeout(struct users *u, struct transaction *t)
{
    struct peer *e = user_owner(u, PART_PEER, t);
    if (e)
        miss(u, e, t);
}
