/* The question is asked with the caller's end as the first INVITE shows it and the callee's end as
 * the last hop shows it that was seen before anybody answered: so a call through a proxy belongs to
 * the trunk behind it. A hop that leads to a trunk is not taken back by one that does not. */
#include "capture/call/placing.h"

#include "capture/call/hops.h"
#include "capture/call/outage.h"
#include "capture/call/place.h"
#include "capture/call/user_parts.h"

static struct slice uri_part(struct slice uri, bool host)
{
    struct sip_addr a;
    if (uri.size == 0 || !sip_addr_parse(uri, &a))
        return slice_none();
    return host ? a.host : a.user;
}

static void question_wire(struct place_question *q, const struct call *call,
                          const struct datagram *d)
{
    q->vlan[0] = call->vlan;
    if (d) {
        q->vlan[0] = d->vlan_outer;
        q->vlan[1] = d->vlan_inner;
    }
    if (call->wrapping == WRAP_VXLAN || call->wrapping == WRAP_GENEVE)
        q->vni = call->wrap_id;
}

static unsigned label_of(const struct place_answer *a)
{
    bool outside = a->direction == CALL_DIR_IN || a->direction == CALL_DIR_OUT;
    unsigned trunk = a->trunk ? a->trunk : outside ? LABEL_COUNT_TRUNK - 1 : 0;
    return trunk * LABEL_COUNT_DIRECTION + (unsigned)a->direction;
}

static void take(struct calls *c, struct live *l, const struct place_answer *a)
{
    const struct place_table *t = c->config.places;
    struct call *call = l->call;
    bool active = !live_is_bare(l) && call->state != CALL_ENDED;
    if (active)
        placing_active(c, l, false);
    l->label = (uint16_t)label_of(a);
    if (active)
        placing_active(c, l, true);
    l->site[CALL_CALLER] = (uint16_t)a->site[0];
    l->site[CALL_CALLEE] = (uint16_t)a->site[1];
    call->direction = a->direction;
    call->place = (struct call_place){
        .tenant = place_name(t, PLACE_TENANT, a->tenant),
        .trunk = place_name(t, PLACE_TRUNK, a->trunk),
        .site = place_name(t, PLACE_SITE, place_our_site(a)),
        .sites = {place_name(t, PLACE_SITE, a->site[0]), place_name(t, PLACE_SITE, a->site[1])},
    };
}

static struct place_answer ask(const struct calls *c, const struct call *call,
                               const struct endpoint *callee, struct slice target,
                               const struct datagram *d)
{
    struct slice host = uri_part(target, true), user = uri_part(target, false);
    struct place_question q = {
        .caller = {.at = call->src, .host = call->from.host},
        .callee = {.at = *callee, .host = host.size ? host : call->to.host},
        .called = user.size ? user : call->to.user,
    };
    question_wire(&q, call, d);
    return place_ask(c->config.places, &q);
}

void placing_look(struct calls *c)
{
    if (c->config.turn == NULL || !place_turn_take(c->config.turn))
        return;
    c->config.places = c->config.turn->now;
    if (c->outage == NULL)
        c->outage = outage_new(); /* without memory silence of places is not noticed */
    if (c->users)
        peers_placed(c->users);
}

void placing_begin(struct calls *c, struct live *l, const struct datagram *d)
{
    const struct call *call = l->call;
    placing_look(c);
    if (c->config.places == NULL)
        return;
    struct place_answer a = ask(c, call, &call->dst, call->request_uri, d);
    take(c, l, &a);
}

static void ask_again(struct calls *c, struct live *l, const struct endpoint *callee,
                      struct slice target, const struct datagram *d)
{
    struct place_answer a = ask(c, l->call, callee, target, d);
    if (a.trunk || l->call->place.trunk == NULL)
        take(c, l, &a);
}

void placing_message(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    const struct datagram *d = s->d;
    if (!l->attempt_due || m->method != SIP_INVITE || s->transaction_of != CALL_CALLER)
        return;
    bool first_hop = !hops_is_relay(l, s->hop ? s->hop : hops_find(l, s), m->cseq);
    if (m->request && !first_hop && c->config.places)
        ask_again(c, l, &d->dst, m->request_uri, d);
    if (m->request || m->status == 100)
        return;
    if (first_hop && c->config.places && !endpoint_equal(&d->src, &l->call->dst))
        ask_again(c, l, &d->src, l->call->request_uri, d);
    placing_settle(c, l);
}

void placing_settle(struct calls *c, struct live *l)
{
    if (l->attempt_due)
        counters_add(c->counters, C_CALL_ATTEMPTS + l->label, 1);
    l->attempt_due = false;
}

unsigned placing_trunk(const struct calls *c, const struct endpoint *src, const struct endpoint *dst)
{
    const struct place_table *t = c->config.places;
    uint64_t trunks = place_trunks_at(t, dst);
    if (trunks == 0)
        trunks = place_trunks_at(t, src);
    return trunks ? (unsigned)__builtin_ctzll(trunks) + 1 : 0;
}

static void note_peak(struct calls *c, int change)
{
    c->calls_now += change;
    if (c->calls_now <= c->calls_peak)
        return;
    c->calls_peak = c->calls_now;
    counters_set(c->counters, C_CALLS_PEAK, (uint64_t)c->calls_peak);
}

void placing_active(struct calls *c, const struct live *l, bool active)
{
    unsigned cell = C_CALLS_ACTIVE + l->label;
    unsigned trunk = l->label / LABEL_COUNT_DIRECTION;
    if (active)
        counters_add(c->counters, cell, 1);
    else
        counters_sub(c->counters, cell, 1);
    note_peak(c, active ? 1 : -1);
    c->trunk_calls[trunk] += active ? 1 : -1;
    if (c->trunk_calls[trunk] > c->trunk_peak[trunk]) {
        c->trunk_peak[trunk] = c->trunk_calls[trunk];
        counters_set(c->counters, C_TRUNK_PEAK + trunk, (uint64_t)c->trunk_peak[trunk]);
    }
}
