/* From the call's list to the record's array. */
#include "app/summarise_dtmf.h"

#include "capture/call/info.h"

void summarise_dtmf(struct call_record *r, const struct call *c)
{
    struct record_dtmf *v = &r->dtmf;
    if (c->digits == NULL)
        return;
    v->over_limit = c->digits->over_limit;
    v->digits = arena_alloc(r->arena, c->digits->count * sizeof *v->digits);
    for (const struct call_digit *d = c->digits->first; d && v->digits; d = d->next)
        v->digits[v->count++] = (struct record_digit){
            .time_us = d->time_ns / 1000,
            .digit = arena_copy(r->arena, slice_of(&d->digit, 1)),
            .duration_ms = d->duration_ms,
            .source = call_digit_source_text((enum call_digit_source)d->source),
            .party = call_party_text((enum call_party)d->party),
        };
}
