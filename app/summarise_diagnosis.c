/* From the call's list to the record's array. */
#include "app/summarise_diagnosis.h"

#include "app/summarise_lines.h"
#include "capture/net/net.h"

static void fill(const struct call_announced *in, struct record_announced *out)
{
    *out = (struct record_announced){
        .time_us = in->time_ns / 1000,
        .party = call_party_text((enum call_party)in->party),
        .at = {.addr = in->addr, .port = in->port},
        .abroad = in->abroad,
        .types = {in->types[0], in->types[1]},
        .line = in->index,
        .ptime_ms = in->ptime_ms,
        .direction = sdp_direction_text(in->direction),
    };
}

static void fill_suspect(struct arena *a, const struct suspect *s, struct record_diagnosis *d)
{
    d->suspect = s ? arena_alloc(a, s->count * sizeof *d->suspect) : NULL;
    for (unsigned i = 0; d->suspect && i < s->count; i++)
        d->suspect[d->suspect_count++] =
            (struct record_suspect){s->spans[i].from_ns / 1000, s->spans[i].to_ns / 1000};
}

static void fill_unreachable(struct arena *a, const struct call *c, struct record_diagnosis *d)
{
    static const char *const reasons[] = {[UNREACHED_PORT] = "port",
                                          [UNREACHED_HOST] = "host",
                                          [UNREACHED_NET] = "net",
                                          [UNREACHED_PROHIBITED] = "prohibited"};
    d->unreachable =
        c->unreachable ? arena_alloc(a, CALL_UNREACHABLE_MAX * sizeof *d->unreachable) : NULL;
    for (const struct call_unreachable *u = c->unreachable;
         u && d->unreachable && d->unreachable_count < CALL_UNREACHABLE_MAX; u = u->next)
        d->unreachable[d->unreachable_count++] = (struct record_unreachable){
            .src = u->src,
            .dst = u->dst,
            .by = u->by,
            .what = u->media ? "media" : "sip",
            .reason = reasons[u->reason],
            .count = u->count,
            .first_us = u->first_ns / 1000,
            .last_us = u->last_ns / 1000,
        };
}

void summarise_announced(struct call_record *r, const struct call *c, const struct wcall *wc)
{
    struct record_diagnosis *d = &r->diagnosis;
    d->one_sided_calls = c->one_sided_calls;
    d->announced = arena_alloc(r->arena, (c->announced_count + 1) * sizeof *d->announced);
    for (const struct call_announced *a = c->announced; a && d->announced; a = a->next)
        fill(a, &d->announced[d->announced_count++]);
    fill_suspect(r->arena, wc->suspect, d);
    fill_unreachable(r->arena, c, d);
    for (unsigned i = 0; i < 2; i++) {
        d->dscp[i] = (struct record_dscp){c->dscp[i].seen, c->dscp[i].first, c->dscp[i].least,
                                          c->dscp[i].most, c->dscp[i].priority_least,
                                          c->dscp[i].priority_most};
        d->unseen[i] = (struct record_unseen){wc->unseen[i].reports, wc->unseen[i].empty,
                                              wc->unseen[i].blocks};
    }
}
