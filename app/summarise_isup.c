/* From the call's list to the record's array; codes become words. */
#include "app/summarise_isup.h"

#include <stdio.h>

#include "capture/body/isup.h"
#include "capture/sip/sip.h"

static void fill_number(struct arena *a, const struct call_isup_number *in,
                        struct record_isup_number *out)
{
    if (!in->given)
        return;
    *out = (struct record_isup_number){
        .given = true,
        .digits = arena_copy(a, in->digits),
        .nature = slice_str(isup_nature_text(in->nature)),
        .presentation = slice_str(isup_presentation_text(in->presentation)),
        .plan = in->plan,
        .screening = in->screening,
    };
}

static struct slice message_of(struct arena *a, const struct call_isup *v)
{
    char code[8];
    if (v->status == 0)
        return slice_str(sip_method_name((enum sip_method)v->method));
    snprintf(code, sizeof code, "%u", v->status);
    return arena_copy(a, slice_str(code));
}

static void fill(struct arena *a, const struct call_isup *in, struct record_isup *out)
{
    out->time_us = in->time_ns / 1000;
    out->party = call_party_text((enum call_party)in->party);
    out->type = slice_str(in->type);
    out->message = message_of(a, in);
    out->category = in->category;
    out->cause = in->cause;
    if (in->cause) {
        out->cause_text = slice_str(sip_q850_text(in->cause));
        out->location = slice_str(isup_location_text(in->location));
    }
    out->body = arena_copy(a, in->body);
    fill_number(a, &in->calling, &out->calling);
    fill_number(a, &in->called, &out->called);
}

void summarise_isup(struct call_record *r, const struct call *c)
{
    struct record_isups *out = &r->isup;
    if (c == NULL || c->isup == NULL)
        return;
    out->over_limit = c->isup->over_limit;
    out->items = arena_alloc(r->arena, (c->isup->count + 1) * sizeof *out->items);
    for (const struct call_isup *v = c->isup->first; v && out->items; v = v->next)
        fill(r->arena, v, &out->items[out->count++]);
}
