/* Pointers between hops become numbers: 1 for the first. */
#include "app/summarise_path.h"

#include "app/summarise.h"

#include "capture/net/datagram.h"

static uint32_t hop_number(const struct call *c, const struct call_hop *wanted)
{
    uint32_t n = 1;
    for (const struct call_hop *h = c->hops; h; h = h->next, n++) {
        if (h == wanted)
            return n;
    }
    return 0;
}

static void fill_hops(struct arena *a, const struct call *c, struct record_path *out)
{
    out->hops = arena_alloc(a, c->hop_count * sizeof *out->hops);
    for (const struct call_hop *h = c->hops; h && out->hops; h = h->next)
        out->hops[out->hop_count++] = (struct record_hop){
            .from = hop_number(c, h->from),
            .src = h->src,
            .dst = h->dst,
            .transport = transport_text(h->transport),
            .vlan = h->vlan,
            .cseq = h->cseq,
            .request_uri = arena_copy(a, h->request_uri),
            .invite_us = us(h->invite_ns),
            .response_us = us(h->response_ns),
            .final_us = us(h->final_ns),
            .cancelled_us = us(h->cancelled_ns),
            .code = h->code,
        };
}

static void fill_legs(struct arena *a, const struct call *c, struct record_path *out)
{
    out->legs = arena_alloc(a, c->leg_count * sizeof *out->legs);
    for (const struct call_leg *g = c->legs; g && out->legs; g = g->next)
        out->legs[out->leg_count++] = (struct record_leg){
            .hop = hop_number(c, g->hop),
            .tag = arena_copy(a, g->tag),
            .target = arena_copy(a, g->target),
            .reason_phrase = arena_copy(a, g->reason_phrase),
            .progress_us = us(g->progress_ns),
            .ringing_us = us(g->ringing_ns),
            .answered_us = us(g->answered_ns),
            .ended_us = us(g->ended_ns),
            .code = g->code,
            .end = call_leg_end_text((enum call_leg_end)g->end),
            .repeats = g->repeats,
            .winner = g->winner,
            .acked = g->acked,
        };
}

static void fill_attempts(struct arena *a, const struct call *c, struct record_path *out)
{
    out->attempts = arena_alloc(a, c->attempt_count * sizeof *out->attempts);
    for (unsigned i = 0; i < c->attempt_count && out->attempts; i++)
        out->attempts[out->attempt_count++] = (struct record_attempt){
            .hop = hop_number(c, c->attempts[i].hop),
            .ended_us = us(c->attempts[i].ended_ns),
            .reason = call_attempt_reason_text((enum call_attempt_reason)c->attempts[i].reason),
        };
}

static void fill_end(struct arena *a, const struct call *c, struct record_path *out)
{
    out->ack_missing = c->ack_missing;
    out->session_expires_s = c->session_expires_s;
    if (c->session_expires_s && c->session_refresher <= CALL_CALLEE)
        out->session_refresher = call_party_text((enum call_party)c->session_refresher);
    out->session_expired = c->session_expired;
    out->spoofed_bye_us = us(c->spoofed_bye_ns);
    out->spoofed_bye_src = c->spoofed_bye_src;
    if (c->causes == NULL)
        return;
    out->q850_text = arena_copy(a, c->causes[0].text);
    out->sip_cause = c->causes[1].cause;
    out->sip_cause_text = arena_copy(a, c->causes[1].text);
}

void summarise_path(struct call_record *r, const struct call *c)
{
    struct record_path *out = &r->path;
    if (c->hop_count)
        fill_hops(r->arena, c, out);
    if (c->leg_count)
        fill_legs(r->arena, c, out);
    if (c->attempt_count)
        fill_attempts(r->arena, c, out);
    out->hops_over_limit = c->hops_over_limit;
    out->route_advances = c->route_advances;
    fill_end(r->arena, c, out);
}
