/* Reason: Q.850;cause=16;text="Normal", SIP;cause=200;text="Call completed elsewhere" */
#include "capture/call/causes.h"

#include "capture/sip/identity.h"

#define REASONS_MAX 8 /* of one message are looked at */

enum { CAUSE_Q850, CAUSE_SIP, CAUSES };

/* The newest one stays, in the same place: a peer that changes its mind makes nothing grow. */
static void keep(struct call_cause *c, const struct sip_reason *reason)
{
    c->cause = reason->cause;
    c->text = slice_sub(reason->text, 0, sizeof c->kept);
    if (c->text.size)
        memcpy(c->kept, c->text.data, c->text.size);
    c->text.data = (const uint8_t *)c->kept;
}

static void take_one(struct call *call, struct slice item)
{
    struct sip_reason reason;
    if (!sip_reason_parse(item, &reason) || reason.cause == 0)
        return;
    bool q850 = slice_is_nocase(reason.protocol, "Q.850");
    bool known = q850 || slice_is_nocase(reason.protocol, "SIP");
    if (!known || reason.cause > (q850 ? 127 : 699))
        return;
    if (q850)
        call->q850_cause = reason.cause;
    if (call->causes == NULL)
        call->causes = arena_alloc(call->arena, CAUSES * sizeof *call->causes);
    if (call->causes)
        keep(&call->causes[q850 ? CAUSE_Q850 : CAUSE_SIP], &reason);
}

void causes_take(struct call *call, const struct sip_msg *m)
{
    struct slice item;
    for (unsigned n = 0; n < REASONS_MAX && sip_header_item(m, SIP_H_REASON, n, &item); n++)
        take_one(call, item);
}

void causes_forget(struct call *call)
{
    call->q850_cause = 0;
    if (call->causes)
        memset(call->causes, 0, CAUSES * sizeof *call->causes);
}
