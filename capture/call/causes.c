/* Reason: Q.850;cause=16;text="Normal", SIP;cause=200;text="Call completed elsewhere" */
#include "capture/call/causes.h"

#define TEXT_KEPT_MAX 128
#define REASONS_MAX   8 /* of one message are looked at */

enum { CAUSE_Q850, CAUSE_SIP, CAUSES };

static void take_one(struct call *call, struct slice item)
{
    size_t semicolon = slice_index(item, ';');
    struct slice protocol = slice_trim(slice_sub(item, 0, semicolon));
    struct slice params = slice_from(item, semicolon), value, text = slice_none();
    bool q850 = slice_is_nocase(protocol, "Q.850");
    uint16_t cause;
    if ((!q850 && !slice_is_nocase(protocol, "SIP")) || !sip_param(params, "cause", &value) ||
        !slice_to_u16(value, &cause) || cause == 0 || cause > (q850 ? 127 : 699))
        return;
    if (call->causes == NULL)
        call->causes = arena_alloc(call->arena, CAUSES * sizeof *call->causes);
    if (q850)
        call->q850_cause = cause;
    if (call->causes == NULL)
        return;
    sip_param(params, "text", &text);
    text = slice_sub(text, 0, TEXT_KEPT_MAX);
    struct call_cause *c = &call->causes[q850 ? CAUSE_Q850 : CAUSE_SIP];
    if (c->cause == cause && slice_equal(c->text, text)) /* the same on every hop */
        return;
    c->cause = cause;
    c->text = arena_copy(call->arena, text);
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
