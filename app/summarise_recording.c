/* Where the packets of a call stand in the spool, and so whether they will be sound. */
#include "app/summarise_recording.h"

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

void summarise_secrets(struct call_record *r, const struct wcall *wc)
{
    const struct wsecrets *keys = &wc->secrets;
    size_t size = keys->count * sizeof *keys->items;
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

/* Each answered call ends with a recording or with the reason why there is none. */
void summarise_recording(struct call_record *r, const struct wcall *wc,
                         const struct worker_config *config)
{
    struct record_recording *g = &r->recording;
    bool answered = r->answered_us != 0;
    bool orphan = strcmp(r->kind, "orphan") == 0 || strcmp(r->kind, "page") == 0;
    if (!answered && !orphan)
        return;
    wanted(r, &wc->decision);
    g->partial = r->partial;
    g->one_way = r->one_way;
    g->recovered = config->recovered;
    if (!config->record_media)
        g->result = "rule";
    else if (r->stream_count == 0 || came_without_sound(r))
        g->result = "no_rtp";
    else if (all_encrypted(r) && r->secrets.count == 0 && !config->recovered) /* recovered: the store may know the keys */
        g->result = "encrypted";
    else if (!media_kept(r))
        g->result = "disk";
    else {
        g->result = "recorded";
        g->state = "spooling";
        snprintf(g->id, sizeof g->id, "%s", r->uid);
        g->format = slice_str(rule_format_text(wc->decision.format));
    }
}
