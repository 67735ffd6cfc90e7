/* Events are built on the stack and borrowed by the sink for the time of the push. */
#include "capture/call/emit.h"

#include <assert.h>

#include "base/crypto.h"
#include "capture/sip/sdp_crypto.h"

#define WEAK_TAG_BYTES 4

static void push(struct calls *c, unsigned worker, const struct event *event)
{
    c->sink.push(c->sink.context, worker, event);
}

static void add_text(struct call_brief *b, enum call_brief_text which, struct slice text)
{
    size_t most = which == BRIEF_CALL_ID ? CALL_BRIEF_NAME_MAX : CALL_BRIEF_TEXT_MAX;
    if (text.size == 0)
        return;
    b->text[which] = b->size;
    b->size += (uint16_t)(slice_copy_to(text, (char *)b + b->size, most + 1) + 1);
}

static void fill_texts(const struct call *call, struct call_brief *b)
{
    b->size = sizeof *b;
    add_text(b, BRIEF_CALL_ID, call->call_id);
    add_text(b, BRIEF_FROM_USER, call->from.user);
    add_text(b, BRIEF_FROM_HOST, call->from.host);
    add_text(b, BRIEF_FROM_DISPLAY, call->from.display);
    add_text(b, BRIEF_TO_USER, call->to.user);
    add_text(b, BRIEF_TO_HOST, call->to.host);
    add_text(b, BRIEF_USER_AGENT, call->user_agent);
}

static void fill_brief(const struct call *call, struct call_brief *b)
{
    memset(b, 0, sizeof *b);
    memcpy(b->uid, call->uid, sizeof b->uid);
    memcpy(b->group, call->group, sizeof b->group);
    b->grouped = call->grouped;
    b->kind = call->kind;
    b->transport = call->transport;
    b->state = call->state;
    b->partial = call->partial;
    b->outcome = (uint8_t)call->outcome;
    b->end_reason = (uint8_t)call->end_reason;
    b->released_by = (uint8_t)call->released_by;
    b->direction = (uint8_t)call->direction;
    b->place = call->place;
    b->sip_code = call->sip_code;
    b->q850_cause = call->q850_cause;
    b->started_ns = call->started_ns;
    b->processed_ns = call->processed_ns;
    b->ringing_ns = call->ringing_ns;
    b->answered_ns = call->answered_ns;
    b->ended_ns = call->ended_ns;
    b->src = call->src;
    b->dst = call->dst;
    fill_texts(call, b);
}

void emit_call(struct calls *c, struct live *l, enum event_kind kind)
{
    struct call_brief_room room;
    struct call_brief *brief = &room.brief;
    fill_brief(l->call, brief);
    brief->label = l->label;
    brief->over = l->state == DIALOG_OVER;
    struct event e = {
        .kind = (uint8_t)kind,
        .call = live_number(c, l),
        .time_ns = c->time_ns,
        .body = slice_of(brief, brief->size),
    };
    push(c, l->worker, &e);
}

void emit_call_ended(struct calls *c, struct live *l)
{
    assert(l->flows == NO_INDEX);
    struct event e = {
        .kind = EVENT_CALL_ENDED,
        .call = live_number(c, l),
        .time_ns = c->time_ns,
        .ended = {.call = l->call},
    };
    l->call = NULL;
    push(c, l->worker, &e);
}

void emit_sip(struct calls *c, struct live *l, const struct sighting *s, bool over_limit)
{
    const struct datagram *d = s->d;
    struct event e = {
        .kind = EVENT_SIP,
        .call = live_number(c, l),
        .time_ns = d->time_ns,
        .body = over_limit ? slice_none() : slice_sub(s->m->whole, 0, UINT16_MAX),
        .sip = {.src = d->src,
                .dst = d->dst,
                .ip_id = d->ip_id,
                .vlan_outer = d->vlan_outer,
                .vlan_inner = d->vlan_inner,
                .ttl = d->ttl,
                .tos = d->tos,
                .wire_bytes = (uint32_t)s->m->whole.size,
                .transport = d->transport,
                .retransmission = s->retransmission,
                .over_limit = over_limit},
    };
    push(c, l->worker, &e);
}

void emit_flow_bound(struct calls *c, const struct flow *f, const struct flow_media *media)
{
    struct event e = {
        .kind = EVENT_FLOW_BOUND,
        .call = f->live,
        .flow = flow_number(c, f),
        .time_ns = c->time_ns,
        .body = slice_of(media, sizeof *media),
        .bound = {.src = f->src, .dst = f->dst},
    };
    push(c, f->worker, &e);
}

void emit_control(struct calls *c, struct live *l, const struct event_control *control)
{
    struct event e = {
        .kind = EVENT_CONTROL,
        .call = live_number(c, l),
        .time_ns = c->time_ns,
        .body = slice_of(control, sizeof *control),
    };
    push(c, l->worker, &e);
}

void emit_flow_gone(struct calls *c, const struct flow *f)
{
    struct event e = {
        .kind = EVENT_FLOW_GONE,
        .call = f->live,
        .flow = flow_number(c, f),
        .time_ns = c->time_ns,
        .missed = {.frames = f->refused, .until_ns = f->last_ns + (c->time_ns - c->steady_ns)},
    };
    push(c, f->worker, &e);
}

void emit_media_key(struct calls *c, struct live *l, const struct media_key *key)
{
    struct event e = {
        .kind = EVENT_MEDIA_KEY,
        .call = live_number(c, l),
        .flow = NO_INDEX,
        .time_ns = c->time_ns,
        .body = slice_of(key, sizeof *key),
    };
    push(c, l->worker, &e);
}

static uint8_t told(const struct media_key *key, const struct datagram *d)
{
    bool clear = d->transport != TRANSPORT_TLS && d->transport != TRANSPORT_WSS;
    bool weak = key->cipher == MEDIA_CIPHER_NULL || key->tag_bytes <= WEAK_TAG_BYTES;
    return (uint8_t)(CALL_KEYS_TOLD | (clear ? CALL_KEYS_IN_CLEAR : 0) | (weak ? CALL_KEYS_WEAK : 0));
}

void emit_media_keys(struct calls *c, struct live *l, const struct sighting *s)
{
    struct media_key keys[SDP_CRYPTO_MAX], shape;
    for (unsigned i = 0; i < c->sdp.media_count; i++) {
        const struct sdp_media *m = &c->sdp.media[i];
        for (unsigned k = 0; k < m->crypto_count; k++) {
            if (sdp_crypto_shape(m->crypto[k], &shape))
                l->call->keys_told |= told(&shape, s->d);
            unsigned count = sdp_crypto_keys(m->crypto[k], keys, SDP_CRYPTO_MAX);
            for (unsigned n = 0; n < count; n++) {
                keys[n].party = s->sender;
                emit_media_key(c, l, &keys[n]);
            }
            crypto_wipe(keys, count * sizeof *keys);
        }
    }
}

void emit_capture_lost(struct calls *c, uint64_t frames, int64_t since_ns)
{
    struct event e = {
        .kind = EVENT_CAPTURE_LOST,
        .call = NO_INDEX,
        .flow = NO_INDEX,
        .time_ns = c->time_ns,
        .missed = {.frames = frames, .since_ns = since_ns},
    };
    for (unsigned i = 0; i < c->sink.workers; i++)
        push(c, i, &e);
}

bool emit_refused(struct calls *c, const struct flow *f, uint64_t frames)
{
    struct event e = {
        .kind = EVENT_CAPTURE_LOST,
        .call = f->live,
        .flow = f->as,
        .time_ns = c->time_ns,
        .missed = {.frames = frames},
    };
    return c->sink.push(c->sink.context, f->worker, &e);
}

void emit_tick(struct calls *c)
{
    struct event e = {
        .kind = EVENT_TICK, .call = NO_INDEX, .flow = NO_INDEX, .time_ns = c->time_ns};
    for (unsigned i = 0; i < c->sink.workers; i++)
        push(c, i, &e);
}

void emit_note(struct calls *c, struct live *l, const char *kind, const char *detail)
{
    struct call *call = l->call;
    if (call->event_count >= CALL_EVENTS_MAX)
        return;
    struct call_event *e = arena_alloc(call->arena, sizeof *e);
    if (e == NULL)
        return;
    e->time_ns = c->time_ns;
    e->kind = kind;
    if (detail)
        e->detail = arena_copy(call->arena, slice_str(detail));
    struct call_event **end = &call->events;
    while (*end)
        end = &(*end)->next;
    *end = e;
    call->event_count++;
}
