/* Where the packets of a call stand in the spool, and so whether they will be sound. */
#include "app/summarise_recording.h"

#include "app/worker_pause.h"
#include "app/worker_rules.h"

#include <stdio.h>
#include <string.h>

/* ---- chains: where the packets stand in the spool ---- */

static bool same_flow(const struct record_stream *s, const struct record_chain *c)
{
    return endpoint_equal(&s->src, &c->src) && endpoint_equal(&s->dst, &c->dst);
}

static void link_streams(struct call_record *r)
{
    for (uint32_t i = 0; i < r->stream_count; i++)
        for (uint32_t k = 0; k < r->chain_count; k++)
            if (r->chains[k].party && same_flow(&r->streams[i], &r->chains[k]))
                r->streams[i].flow_chain = k + 1;
}

bool summarise_chains(struct call_record *r, const struct wcall *wc)
{
    unsigned count = wc->signalling_tail.segment != 0;
    for (const struct wflow *f = wc->flows; f; f = f->next)
        count += f->tail.segment != 0;
    r->chains = arena_alloc(r->arena, (count + 1) * sizeof *r->chains);
    if (r->chains == NULL)
        return false;
    if (wc->signalling_tail.segment)
        r->chains[r->chain_count++] =
            (struct record_chain){.tail = wc->signalling_tail, .packets = wc->signalling_messages};
    for (const struct wflow *f = wc->flows; f; f = f->next) {
        if (f->tail.segment == 0)
            continue;
        r->chains[r->chain_count++] = (struct record_chain){
            .tail = f->tail,
            .src = f->src,
            .dst = f->dst,
            .party = call_party_text(f->party),
            .rtcp = f->rtcp_seen && !f->rtp_seen,
            .packets = f->spooled,
        };
    }
    link_streams(r);
    return true;
}

/* ---- what becomes of it ---- */

bool summarise_keeps_secrets(const struct wcall *wc)
{
    return wc->spooled_sound || wc->decision->keep == RULE_KEEP_ALL;
}

void summarise_secrets(struct call_record *r, const struct wcall *wc)
{
    const struct wsecrets *keys = &wc->secrets;
    size_t size = keys->count * sizeof *keys->items;
    if (!summarise_keeps_secrets(wc)) {
        r->secrets.forget = keys->count > 0;
        return;
    }
    r->secrets.items = size ? arena_alloc(r->arena, size) : NULL;
    if (r->secrets.items == NULL)
        return;
    memcpy(r->secrets.items, keys->items, size);
    r->secrets.count = keys->count;
}

static bool is_sound(const struct record_stream *s)
{
    return strcmp(s->media_type, "audio") == 0 && !record_stream_foreign(s);
}

/* Of a call that was answered. The media of H.323 is announced nowhere that we read: it comes as orphans. */
static bool came_without_sound(const struct call_record *r)
{
    if (r->answered_us == 0 || (strcmp(r->kind, "call") != 0 && strcmp(r->kind, "mgcp") != 0))
        return false;
    for (uint32_t i = 0; i < r->stream_count; i++)
        if (is_sound(&r->streams[i]) && r->streams[i].last_us >= r->answered_us)
            return false;
    return true;
}

static bool all_encrypted(const struct call_record *r)
{
    bool sound = false;
    for (uint32_t i = 0; i < r->stream_count; i++) {
        if (!is_sound(&r->streams[i]))
            continue;
        sound = true;
        if (!r->streams[i].srtp)
            return false;
    }
    return sound;
}

static bool media_kept(const struct call_record *r)
{
    for (uint32_t k = 0; k < r->chain_count; k++)
        if (r->chains[k].party && !r->chains[k].rtcp)
            return true;
    return false;
}

/* What the rules wanted, whatever became of it. */
static void wanted(struct call_record *r, const struct rule_decision *d)
{
    struct record_recording *g = &r->recording;
    g->rule = arena_copy(r->arena, slice_str(d->rule));
    g->tags = arena_copy(r->arena, slice_str(d->tags));
    g->action = rule_action_text(d->action);
    g->mask = rule_mask_text(d->mask);
    g->retain_days = d->retain_days;
    g->split_ms = d->split_ns / 1000000;
}

static int64_t lasted_ns(const struct call_record *r)
{
    int64_t from_us = r->answered_us ? r->answered_us : r->started_us;
    return r->ended_us > from_us ? (r->ended_us - from_us) * 1000 : 0;
}

/* Why nothing can be heard although the rules want it; NULL: it can. */
static const char *missing(const struct call_record *r, const struct wcall *wc, const struct call *call,
                           const struct worker_config *config)
{
    if (wc->fax_packets == 0 && (r->stream_count == 0 || came_without_sound(r))) {
        if (call->media_over_limit || wc->streams_refused)
            return "over_limit";
        return r->capture_suspect ? "capture_drop" : "no_rtp";
    }
    if (wc->fax_packets == 0 && all_encrypted(r) && r->secrets.count == 0 && !config->recovered) /* recovered: the store may know the keys */
        return "encrypted";
    if (worker_pause_took_all(wc))
        return "paused_all";
    return media_kept(r) ? NULL : wc->spool_refused ? "disk" : "rule"; /* nothing spools: a file that is only read */
}

/* Nothing is to be heard, but some of it was spooled while that was not known: it goes with a job. */
static void leave_out(struct call_record *r, const char *result, const char *reason)
{
    struct record_recording *g = &r->recording;
    g->result = result;
    g->reason = reason;
    g->state = media_kept(r) ? "spooling" : NULL;
}

static bool is_on_demand(const struct rule_decision *d)
{
    return d->action == RULE_ON_DEMAND || d->action == RULE_ON_DEMAND_KEEP;
}

/* Media waits for somebody to ask, or somebody has. */
static void on_demand(struct call_record *r, const struct wcall *wc, const struct rule_decision *d, const struct worker_config *config)
{
    struct record_recording *g = &r->recording;
    if (wc->requested_ns == 0 && config->on_demand_wait_ns == 0) {
        leave_out(r, "on_demand_dropped", NULL);
        return;
    }
    g->look_back_ms = d->action == RULE_ON_DEMAND ? d->look_back_ns / 1000000 : 0;
    g->state = "spooling";
    if (d->format_given) /* else the setting decides */
        g->format = slice_str(rule_format_text(d->format));
    if (wc->requested_ns)
        record_on_demand(r, wc->requested_ns / 1000);
}

static void record_it(struct call_record *r, const struct rule_decision *d)
{
    struct record_recording *g = &r->recording;
    g->result = "recorded";
    g->state = "spooling";
    snprintf(g->id, sizeof g->id, "%s", r->uid);
    if (d->format_given) /* else the setting decides */
        g->format = slice_str(rule_format_text(d->format));
}

/* Each answered call ends with a recording or with the reason why there is none. */
void summarise_recording(struct call_record *r, const struct wcall *wc, const struct call *call, const struct worker_config *config)
{
    struct record_recording *g = &r->recording;
    bool orphan = strcmp(r->kind, "orphan") == 0 || strcmp(r->kind, "page") == 0;
    g->fax.packets = wc->fax_packets;
    worker_rules_events(r, wc);
    if (r->answered_us == 0 && !orphan)
        return;
    struct rule_decision d = worker_rules_final(wc, r, config);
    wanted(r, &d);
    g->partial = r->partial;
    g->one_way = r->one_way;
    g->recovered = config->recovered;
    g->truncated = wc->spool_refused || wc->streams_refused || call->media_over_limit;
    if (rule_action_keeps(d.action) != RULE_KEEP_ALL) {
        bool open = wc->spooled_sound; /* kept while a rule was open */
        leave_out(r, "rule", NULL);
        if (!open)
            g->state = NULL;
        return;
    }
    const char *why_not = missing(r, wc, call, config);
    if (d.min_ns && lasted_ns(r) < d.min_ns)
        leave_out(r, "rule", "min_duration");
    else if (why_not)
        g->result = why_not;
    else if (is_on_demand(&d))
        on_demand(r, wc, &d, config);
    else
        record_it(r, &d);
}
