/* The call's list and the worker's array become one array in order of time. */
#include "app/summarise_dtmf.h"

#include "app/worker_keys.h"
#include "capture/call/info.h"

static struct record_digit of_info(struct arena *a, const struct call_digit *d)
{
    return (struct record_digit){
        .time_us = d->time_ns / 1000,
        .digit = arena_copy(a, slice_of(&d->digit, 1)),
        .duration_ms = d->duration_ms,
        .source = call_digit_source_text((enum call_digit_source)d->source),
        .party = call_party_text((enum call_party)d->party),
    };
}

static struct record_digit of_packets(struct arena *a, const struct wkey *k, bool masked)
{
    return (struct record_digit){
        .time_us = k->time_ns / 1000,
        .digit = masked ? slice_str("*") : arena_copy(a, slice_of(&k->digit, 1)),
        .duration_ms = k->duration_ms,
        .source = call_digit_source_text((enum call_digit_source)k->source),
        .party = call_party_text((enum call_party)k->party),
        .payload_type = k->payload_type,
        .volume = k->source == CALL_DIGIT_INBAND ? 0 : (uint8_t)(k->volume + 1),
    };
}

/* Both are in order but for packets that came late. */
static void insert(struct record_dtmf *v, struct record_digit d)
{
    uint32_t at = v->count++;
    for (; at && v->digits[at - 1].time_us > d.time_us; at--)
        v->digits[at] = v->digits[at - 1];
    v->digits[at] = d;
}

void summarise_dtmf(struct call_record *r, const struct call *c, const struct wcall *wc,
                    bool masked)
{
    struct record_dtmf *v = &r->dtmf;
    const struct wkeys *keys = wc->keys;
    uint32_t count = (c->digits ? c->digits->count : 0) + (keys ? keys->count : 0);
    if (count)
        v->digits = arena_alloc(r->arena, count * sizeof *v->digits);
    if (v->digits == NULL)
        return;
    v->over_limit = (c->digits ? c->digits->over_limit : 0) + (keys ? keys->over_limit : 0);
    for (const struct call_digit *d = c->digits ? c->digits->first : NULL; d; d = d->next)
        insert(v, of_info(r->arena, d));
    for (uint32_t i = 0; keys && i < keys->count; i++)
        insert(v, of_packets(r->arena, &keys->items[i], masked));
}
