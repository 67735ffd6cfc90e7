/* One entry a flow and reason, counted; a call keeps the first CALL_UNREACHABLE_MAX. */
#include "capture/call/unreachable.h"

#include "capture/call/flows.h"
#include "capture/call/signal.h"

/* The entry of this flow, a new one, or NULL: there is no room. */
static struct call_unreachable *entry_of(struct call *call, const struct datagram *d,
                                         const struct net_unreachable *u)
{
    struct call_unreachable **end = &call->unreachable, *e;
    unsigned count = 0;
    for (; (e = *end) != NULL; end = &e->next, count++)
        if (e->reason == u->reason && endpoint_equal(&e->src, &d->src) &&
            endpoint_equal(&e->dst, &d->dst))
            return e;
    e = count < CALL_UNREACHABLE_MAX ? arena_alloc(call->arena, sizeof *e) : NULL;
    if (e == NULL)
        return NULL;
    *e = (struct call_unreachable){.src = d->src,
                                   .dst = d->dst,
                                   .by = u->by,
                                   .reason = (uint8_t)u->reason,
                                   .first_ns = d->time_ns};
    *end = e;
    return e;
}

void unreachable_note(struct calls *c, const struct datagram *quoted,
                      const struct net_unreachable *u)
{
    struct flow *f = flows_find(c, &quoted->src, &quoted->dst);
    bool media = f && f->state == FLOW_BOUND;
    struct live *l = media                             ? &c->live[f->live]
                     : sip_looks_like(quoted->payload) ? signal_find(c, quoted)
                                                       : NULL;
    struct call_unreachable *e = l ? entry_of(l->call, quoted, u) : NULL;
    if (e == NULL)
        return;
    e->media = media;
    e->count++;
    e->last_ns = quoted->time_ns;
}
