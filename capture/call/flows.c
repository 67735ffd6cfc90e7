/* Flows.
 *
 *          unknown packet                    SDP names an end
 *   FREE ------------------> HELD ---------------------------------> BOUND ----> FREE when the call
 * is closed \                       |  looks like RTP, nobody named it       ^ \ +------------->
 * orphan call -------------+
 *       +-- SDP named an end before ------------------------------------+
 *
 * A bound flow costs a packet one keyed hash, one probe and one event. What belongs to a call is
 * decided when the flow is bound and when SDP changes, never per packet. The exception are guarded
 * flows: their call is over, or another call has announced the same ports. Then the SSRC tells late
 * packets from the next call's. */
#include "capture/call/flows.h"

#include <assert.h>

#include "base/cursor.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/held.h"
#include "capture/call/orphan.h"
#include "capture/rtp/rtp.h"

enum {
    LABEL_SIP,
    LABEL_RTP,
    LABEL_RTCP,
    LABEL_SRTP,
    LABEL_DTLS,
    LABEL_T38,
    LABEL_STUN,
    LABEL_OTHER = 8
};
enum { LABEL_STAGE_RING = 2 };

/* ---- map and pool ---- */

/* Of every packet: IPv4 without spaces, nearly all there is, takes two words instead of six. */
static inline uint64_t tuple_hash(const struct calls *c, const struct endpoint *src,
                                  const struct endpoint *dst)
{
    uint64_t ports = (uint64_t)src->port << 16 | dst->port;
    if (__builtin_expect(
            addr_is_v4(src->addr) && addr_is_v4(dst->addr) && !(src->space | dst->space), 1)) {
        uint64_t words[2] = {src->addr.low << 32 | (dst->addr.low & UINT32_MAX), ports};
        return hash_words(&c->config.seed, words, 2);
    }
    uint64_t words[6] = {src->addr.high,
                         src->addr.low,
                         dst->addr.high,
                         dst->addr.low,
                         (uint64_t)src->space << 32 | dst->space,
                         ports};
    return hash_words(&c->config.seed, words, 6);
}

/* One comparison without branches: the whole key, padding included (addr.h: it is always 0). */
static inline bool same_tuple(const struct flow *f, const struct endpoint *src,
                              const struct endpoint *dst)
{
    static_assert(sizeof *src == 24, "endpoints have no padding");
    return memcmp(&f->dst, dst, sizeof *dst) == 0 && memcmp(&f->src, src, sizeof *src) == 0;
}

/* The newest flow of the 5-tuple is in no way special: callers that care walk all of them. */
static inline struct flow *find_hashed(struct calls *c, uint64_t hash, const struct endpoint *src,
                                       const struct endpoint *dst)
{
    struct map_probe p = map_probe(&c->by_tuple, hash);
    for (uint32_t i; (i = map_next(&c->by_tuple, &p)) != MAP_NONE;) {
        if (c->sink.prepare) /* the worker's cache misses run beside ours */
            c->sink.prepare(c->sink.context, i);
        if (same_tuple(&c->flows[i], src, dst))
            return &c->flows[i];
    }
    return NULL;
}

struct flow *flows_find(struct calls *c, const struct endpoint *src, const struct endpoint *dst)
{
    return find_hashed(c, tuple_hash(c, src, dst), src, dst);
}

static void link_flow(struct calls *c, struct flow *f, uint32_t *first, uint32_t *last)
{
    uint32_t number = flow_number(c, f);
    f->next = NO_INDEX;
    f->prev = last ? *last : NO_INDEX;
    if (last) { /* at the end of the waiting ones */
        *(*last == NO_INDEX ? first : &c->flows[*last].next) = number;
        *last = number;
        return;
    }
    f->next = *first;
    if (*first != NO_INDEX)
        c->flows[*first].prev = number;
    *first = number;
}

static void unlink_flow(struct calls *c, struct flow *f)
{
    uint32_t *first = f->state == FLOW_HELD ? &c->waiting.first : &c->live[f->live].flows;
    *(f->prev == NO_INDEX ? first : &c->flows[f->prev].next) = f->next;
    if (f->next != NO_INDEX)
        c->flows[f->next].prev = f->prev;
    else if (f->state == FLOW_HELD)
        c->waiting.last = f->prev;
}

/* An endpoint that gathers many unannounced flows is found through the first of them only: chains
 * stay short. */
static bool index_end(struct calls *c, const struct endpoint *at, uint32_t number)
{
    uint64_t hash = endpoint_hash(&c->config.seed, at);
    unsigned count = 0;
    struct map_probe p = map_probe(&c->flows_by_end, hash);
    while (map_next(&c->flows_by_end, &p) != MAP_NONE) {
        if (++count >= END_FLOWS_MAX)
            return false;
    }
    return map_add(&c->flows_by_end, hash, number) == 0;
}

static void index_ends(struct calls *c, struct flow *f)
{
    f->src_indexed = index_end(c, &f->src, flow_number(c, f));
    f->dst_indexed = index_end(c, &f->dst, flow_number(c, f));
}

static void unindex_ends(struct calls *c, struct flow *f)
{
    uint32_t number = flow_number(c, f);
    if (f->src_indexed)
        map_remove(&c->flows_by_end, endpoint_hash(&c->config.seed, &f->src), number);
    if (f->dst_indexed)
        map_remove(&c->flows_by_end, endpoint_hash(&c->config.seed, &f->dst), number);
    f->src_indexed = f->dst_indexed = false;
}

static uint32_t take_slot(struct calls *c)
{
    if (c->flows_free != NO_INDEX) {
        uint32_t number = c->flows_free;
        c->flows_free = c->flows[number].next;
        return number;
    }
    return c->flows_used < c->config.flows_max ? c->flows_used++ : NO_INDEX;
}

/* A flow nobody owns yet. When the table is full the oldest waiting flow makes room; bound flows
 * stay. */
static struct flow *new_flow(struct calls *c, uint64_t hash, const struct datagram *d)
{
    uint32_t number = take_slot(c);
    if (number == NO_INDEX && c->waiting.first != NO_INDEX) {
        flow_drop(c, &c->flows[c->waiting.first]);
        number = take_slot(c);
    }
    if (number == NO_INDEX) {
        counters_add(c->counters, C_STREAMS_OVER_LIMIT, 1);
        return NULL;
    }
    struct flow *f = &c->flows[number];
    *f = (struct flow){.src = d->src,
                       .dst = d->dst,
                       .hash = hash,
                       .last_ns = c->steady_ns,
                       .first_ns = c->steady_ns,
                       .state = FLOW_HELD,
                       .live = NO_INDEX};
    if (map_add(&c->by_tuple, hash, number) != 0) {
        *f = (struct flow){.next = c->flows_free};
        c->flows_free = number;
        return NULL;
    }
    c->flow_count++;
    link_flow(c, f, &c->waiting.first, &c->waiting.last);
    return f;
}

static void free_flow(struct calls *c, struct flow *f)
{
    assert(f->held_count == 0);
    uint32_t number = flow_number(c, f);
    unindex_ends(c, f);
    bool there = map_remove(&c->by_tuple, f->hash, number);
    assert(there);
    *f = (struct flow){.next = c->flows_free};
    c->flows_free = number;
    c->flow_count--;
}

/* ---- delivery ---- */

static bool knows_ssrc(const struct flow *f, uint32_t ssrc)
{
    if (!f->ssrc_known)
        return false;
    if (f->ssrc == ssrc)
        return true;
    for (unsigned i = 0; i < FLOW_SSRC_MAX - 1; i++) {
        if (f->other_ssrc[i] == ssrc)
            return true;
    }
    return false;
}

/* The newest comes first, the oldest is forgotten. */
static void note_ssrc(struct flow *f, uint32_t ssrc)
{
    if (f->ssrc_known && f->ssrc == ssrc)
        return;
    if (!f->ssrc_known) {
        for (unsigned i = 0; i < FLOW_SSRC_MAX - 1; i++)
            f->other_ssrc[i] = ssrc;
    } else if (!knows_ssrc(f, ssrc)) {
        memmove(f->other_ssrc + 1, f->other_ssrc, sizeof f->other_ssrc - sizeof f->other_ssrc[0]);
        f->other_ssrc[0] = f->ssrc;
    } else {
        for (unsigned i = 0; i < FLOW_SSRC_MAX - 1; i++) {
            if (f->other_ssrc[i] == ssrc)
                f->other_ssrc[i] = f->ssrc;
        }
    }
    f->ssrc = ssrc;
    f->ssrc_known = true;
}

static bool ssrc_of(struct slice payload, bool rtcp, uint32_t *ret_ssrc)
{
    struct cursor at = cursor_over(payload);
    cursor_skip(&at, rtcp ? 4 : 8);
    uint32_t ssrc = cursor_u32(&at);
    if (at.failed)
        return false;
    *ret_ssrc = ssrc;
    return true;
}

/* First RTP of a flow: what the call wants to know about its media. */
static void first_media(struct calls *c, struct flow *f, int64_t time_ns)
{
    struct live *l = &c->live[f->live];
    struct call *call = l->call;
    f->rtp_seen = true;
    if (!l->media_seen) { /* from now on silence ends the call sooner */
        l->media_seen = true;
        expire_schedule(c, l);
    }
    if (f->party <= CALL_CALLEE)
        call->media_seen[f->party] = true;
    bool early = call->answered_ns ? time_ns < call->answered_ns : !live_is_over(l);
    if (call->kind == CALL_SIP && f->party == CALL_CALLEE && early && !call->partial &&
        (call->early_media_ns == 0 || time_ns < call->early_media_ns))
        call->early_media_ns = time_ns;
}

static void push_media(struct calls *c, const struct flow *f, const struct event *e)
{
    if (__builtin_expect(c->sink.push(c->sink.context, f->worker, e), 1))
        return;
    counters_add(c->counters, C_DROPS + LABEL_STAGE_RING, 1);
    c->live[f->live].call->capture_suspect = true;
}

static void count_foreign(struct calls *c, const struct flow *f, enum media_kind kind)
{
    unsigned label = f && f->image        ? LABEL_T38
                     : kind == MEDIA_STUN ? LABEL_STUN
                     : kind == MEDIA_DTLS ? LABEL_DTLS
                                          : LABEL_OTHER;
    counters_add(c->counters, C_DECODED + label, 1);
}

static void deliver(struct calls *c, struct flow *f, const struct datagram *d, enum media_kind kind)
{
    f->last_ns = c->steady_ns;
    bool rtcp = kind == MEDIA_RTCP;
    uint32_t ssrc;
    if (__builtin_expect(kind != MEDIA_RTP && !rtcp, 0) || !ssrc_of(d->payload, rtcp, &ssrc)) {
        count_foreign(c, f, kind);
        return;
    }
    if (__builtin_expect(f->image, 0) && !knows_ssrc(f, ssrc)) { /* T.38 that looks like RTP */
        count_foreign(c, f, kind);
        return;
    }
    if (__builtin_expect(!f->ssrc_known || f->ssrc != ssrc, 0))
        note_ssrc(f, ssrc);
    if (__builtin_expect(!f->rtp_seen && !rtcp, 0))
        first_media(c, f, d->time_ns);
    counters_add(c->counters,
                 C_DECODED + (f->secure ? LABEL_SRTP
                              : rtcp    ? LABEL_RTCP
                                        : LABEL_RTP),
                 1);
    /* Field by field: clearing the whole struct first would cost as much as all the rest. */
    struct event e;
    e.kind = EVENT_MEDIA;
    e.call = f->live;
    e.flow = flow_number(c, f);
    e.time_ns = d->time_ns;
    e.body = d->payload;
    e.media = (struct event_media){.wire_bytes = d->payload_wire,
                                   .ip_id = d->ip_id,
                                   .vlan_outer = d->vlan_outer,
                                   .vlan_inner = d->vlan_inner,
                                   .ttl = d->ttl,
                                   .tos = d->tos,
                                   .rtcp = rtcp};
    push_media(c, f, &e);
    if (__builtin_expect(f->orphan, 0) && !rtcp)
        counters_add(c->counters, C_RTP_ORPHAN, 1);
}

/* ---- waiting ---- */

static struct held_chain chain_of(struct flow *f)
{
    return (struct held_chain){&f->held_first, &f->held_last, &f->held_count};
}

static void drop_oldest_of(struct calls *c, struct flow *f)
{
    held_drop(c->held, chain_of(f));
    counters_add(c->counters, C_RTP_HELD_DROPPED, 1);
}

/* Makes room in the ring: the flow of its oldest packet becomes an orphan if it may, else it loses
 * that packet. */
static void relieve(struct calls *c, size_t size)
{
    uint32_t number;
    while (!held_fits(c->held, size) && held_oldest(c->held, &number)) {
        struct flow *oldest = &c->flows[number];
        if (!orphan_promote(c, oldest))
            drop_oldest_of(c, oldest);
    }
}

static void hold(struct calls *c, struct flow *f, const struct datagram *d, bool rtcp)
{
    uint32_t number = flow_number(c, f);
    relieve(c, d->payload.size);
    f = &c->flows[number];
    if (f->state != FLOW_HELD) { /* it was its own oldest packet and is an orphan's now */
        deliver(c, f, d, rtcp ? MEDIA_RTCP : MEDIA_RTP);
        return;
    }
    if (f->held_count >= c->config.held_packets_max) {
        if (orphan_promote(c, f)) {
            deliver(c, f, d, rtcp ? MEDIA_RTCP : MEDIA_RTP);
            return;
        }
        drop_oldest_of(c, f);
    }
    counters_add(c->counters, C_DECODED + (rtcp ? LABEL_RTCP : LABEL_RTP), 1);
    struct held_packet p = {.time_ns = d->time_ns,
                            .flow = number,
                            .wire_bytes = d->payload_wire,
                            .ip_id = d->ip_id,
                            .vlan_outer = d->vlan_outer,
                            .vlan_inner = d->vlan_inner,
                            .ttl = d->ttl,
                            .tos = d->tos,
                            .rtcp = rtcp};
    f->last_ns = c->steady_ns;
    if (!held_add(c->held, &p, d->payload, chain_of(f)))
        counters_add(c->counters, C_RTP_HELD_DROPPED, 1);
}

static void replay_one(struct calls *c, struct flow *f, const struct held_packet *p,
                       struct slice payload)
{
    uint32_t ssrc;
    if (ssrc_of(payload, p->rtcp, &ssrc))
        note_ssrc(f, ssrc);
    if (!f->rtp_seen && !p->rtcp)
        first_media(c, f, p->time_ns);
    if (f->orphan && !p->rtcp)
        counters_add(c->counters, C_RTP_ORPHAN, 1);
    struct event e = {
        .kind = EVENT_MEDIA,
        .call = f->live,
        .flow = flow_number(c, f),
        .time_ns = p->time_ns,
        .body = payload,
        .media = {.wire_bytes = p->wire_bytes,
                  .ip_id = p->ip_id,
                  .vlan_outer = p->vlan_outer,
                  .vlan_inner = p->vlan_inner,
                  .ttl = p->ttl,
                  .tos = p->tos,
                  .rtcp = p->rtcp,
                  .held = true},
    };
    push_media(c, f, &e);
}

static void replay(struct calls *c, struct flow *f)
{
    struct held_packet p;
    struct slice payload;
    while (held_first(c->held, chain_of(f), &p, &payload)) {
        replay_one(c, f, &p, payload);
        held_drop(c->held, chain_of(f));
    }
}

void flow_drop(struct calls *c, struct flow *f)
{
    assert(f->state == FLOW_HELD);
    while (f->held_count)
        drop_oldest_of(c, f);
    unlink_flow(c, f);
    free_flow(c, f);
}

/* ---- binding ---- */

static uint32_t digest_of(const struct calls *c, const struct flow_media *media)
{
    return (uint32_t)hash_bytes(&c->config.seed, media, sizeof *media);
}

static void gone(struct calls *c, struct flow *f)
{
    struct live *l = &c->live[f->live];
    emit_flow_gone(c, f);
    unlink_flow(c, f);
    l->flow_count--;
}

/* Room in the call for one more flow. Sources that SDP did not name get half of it, so a spray of
 * packets at an announced port leaves room for the real ones; the one that has been silent longest,
 * for at least the linger time, gives way. */
static bool make_room(struct calls *c, struct live *l, uint8_t confidence)
{
    struct flow *oldest = NULL;
    unsigned learned = 0;
    for (uint32_t i = l->flows; i != NO_INDEX; i = c->flows[i].next) {
        learned += c->flows[i].confidence != FLOW_SDP;
        if (oldest == NULL || c->flows[i].last_ns < oldest->last_ns)
            oldest = &c->flows[i];
    }
    if (l->flow_count < CALL_FLOWS_MAX && (confidence == FLOW_SDP || learned < CALL_FLOWS_MAX / 2))
        return true;
    if (c->steady_ns - oldest->last_ns < c->config.linger_ns)
        return false;
    gone(c, oldest);
    free_flow(c, oldest);
    return true;
}

bool flow_bind(struct calls *c, struct flow *f, struct live *l, const struct flow_media *media)
{
    assert(f->state == FLOW_HELD);
    if (!make_room(c, l, media->confidence)) {
        counters_add(c->counters, C_STREAMS_OVER_LIMIT, 1);
        return false;
    }
    unlink_flow(c, f);
    f->state = FLOW_BOUND;
    f->live = live_number(c, l);
    f->worker = (uint16_t)l->worker;
    f->party = media->party;
    f->early = media->early;
    f->secure = media->secure;
    f->confidence = media->confidence;
    f->orphan = !media->announced;
    f->image = media->media_type == SDP_IMAGE;
    f->digest = digest_of(c, media);
    if (live_is_over(l))
        f->guarded = f->contested = true;
    link_flow(c, f, &l->flows, NULL);
    l->flow_count++;
    if (media->announced)
        unindex_ends(c, f);
    emit_flow_bound(c, f, media);
    replay(c, f);
    return true;
}

static bool bind_by_sdp(struct calls *c, struct flow *f, const struct binding *b)
{
    struct flow_media media;
    points_describe(c, b, &media);
    media.early = !b->live->answered;
    return flow_bind(c, f, b->live, &media);
}

void flows_refresh(struct calls *c, struct live *l)
{
    struct flow_media media;
    for (uint32_t i = l->flows; i != NO_INDEX; i = c->flows[i].next) {
        struct flow *f = &c->flows[i];
        struct binding b = points_bind_in(c, l, &f->src, &f->dst, false);
        if (b.live == NULL)
            b = points_bind_in(c, l, &f->src, &f->dst, true);
        if (b.live == NULL)
            continue;
        points_describe(c, &b, &media);
        media.early = f->early;
        uint32_t digest = digest_of(c, &media);
        if (digest == f->digest)
            continue;
        f->digest = digest;
        f->party = media.party;
        f->secure = media.secure;
        f->confidence = media.confidence;
        f->image = media.media_type == SDP_IMAGE;
        emit_flow_bound(c, f, &media);
    }
}

/* ---- guards ---- */

void flows_guard(struct calls *c, struct live *l)
{
    for (uint32_t i = l->flows; i != NO_INDEX; i = c->flows[i].next)
        c->flows[i].guarded = c->flows[i].contested = true;
}

void flows_unguard(struct calls *c, struct live *l)
{
    for (uint32_t i = l->flows; i != NO_INDEX; i = c->flows[i].next)
        c->flows[i].guarded = false;
}

static void guard_at(struct calls *c, struct live *other, const struct endpoint *at)
{
    for (uint32_t i = other->flows; i != NO_INDEX; i = c->flows[i].next) {
        struct flow *f = &c->flows[i];
        if (endpoint_equal(&f->src, at) || endpoint_equal(&f->dst, at))
            f->guarded = f->contested = true;
    }
}

/* An orphan's flow goes over to the call that announces it. */
static void leave_orphan(struct calls *c, struct flow *f)
{
    struct live *orphan = &c->live[f->live];
    if (f->last_ns > orphan->last_sip_ns)
        orphan->last_sip_ns = f->last_ns; /* its end, once no flow is left to tell */
    gone(c, f);
    f->state = FLOW_HELD;
    f->live = NO_INDEX;
    f->first_ns = c->steady_ns;
    f->rtp_seen = false;
    f->guarded = false;
    link_flow(c, f, &c->waiting.first, &c->waiting.last);
}

/* A flow that waits, or is an orphan's, at this endpoint. */
static struct flow *find_unclaimed(struct calls *c, const struct endpoint *at)
{
    struct map_probe p = map_probe(&c->flows_by_end, endpoint_hash(&c->config.seed, at));
    for (uint32_t i; (i = map_next(&c->flows_by_end, &p)) != MAP_NONE;) {
        struct flow *f = &c->flows[i];
        if (endpoint_equal(&f->src, at) || endpoint_equal(&f->dst, at))
            return f;
    }
    return NULL;
}

void flows_claim(struct calls *c, struct live *l, const struct endpoint *at)
{
    struct map_probe p = map_probe(&c->by_endpoint, endpoint_hash(&c->config.seed, at));
    for (uint32_t i; (i = map_next(&c->by_endpoint, &p)) != MAP_NONE;) {
        const struct point *shared = &c->points[i];
        if (endpoint_equal(&shared->at, at) && shared->live != live_number(c, l))
            guard_at(c, &c->live[shared->live], at);
    }
    for (struct flow *f; (f = find_unclaimed(c, at)) != NULL;) {
        struct binding b = points_bind(c, &f->src, &f->dst, f->rtcp_only, NULL);
        if (b.live == NULL || b.live->flow_count >= CALL_FLOWS_MAX)
            return;
        if (f->state == FLOW_BOUND)
            leave_orphan(c, f);
        if (!bind_by_sdp(c, f, &b))
            return;
    }
}

void flows_release(struct calls *c, struct live *l)
{
    while (l->flows != NO_INDEX) {
        struct flow *f = &c->flows[l->flows];
        gone(c, f);
        free_flow(c, f);
    }
}

int64_t flows_last_seen(const struct calls *c, const struct live *l)
{
    int64_t last_ns = 0;
    for (uint32_t i = l->flows; i != NO_INDEX; i = c->flows[i].next) {
        if (c->flows[i].last_ns > last_ns)
            last_ns = c->flows[i].last_ns;
    }
    return last_ns;
}

/* ---- packets ---- */

/* Nothing is known about this 5-tuple, or what is known does not fit: bind it, let it wait, or
 * leave it. */
static void unknown_packet(struct calls *c, uint64_t hash, const struct datagram *d,
                           enum media_kind kind, const struct live *except)
{
    bool media = kind == MEDIA_RTP || kind == MEDIA_RTCP;
    if (!media && c->image_points == 0) {
        count_foreign(c, NULL, kind);
        return;
    }
    bool rtcp = kind == MEDIA_RTCP;
    struct binding b = points_bind(c, &d->src, &d->dst, rtcp, except);
    if (b.live == NULL && (!media || !orphan_may_wait(d, rtcp))) {
        count_foreign(c, NULL, kind);
        return;
    }
    struct flow *f = new_flow(c, hash, d);
    if (f == NULL)
        return;
    f->contested = except != NULL; /* not alone */
    f->rtcp_only = rtcp;
    if (b.live) {
        if (bind_by_sdp(c, f, &b))
            deliver(c, f, d, kind);
        else
            flow_drop(c, f);
        return;
    }
    index_ends(c, f);
    orphan_look(f, d, rtcp);
    if (rtcp && orphan_join_rtcp(c, f))
        deliver(c, f, d, kind);
    else
        hold(c, f, d, rtcp);
}

static void waiting_packet(struct calls *c, struct flow *f, const struct datagram *d,
                           enum media_kind kind)
{
    if (kind != MEDIA_RTP && kind != MEDIA_RTCP) {
        count_foreign(c, f, kind);
        return;
    }
    if (!f->src_indexed ||
        !f->dst_indexed) { /* an SDP could not find it: look the other way round */
        struct binding b = points_bind(c, &f->src, &f->dst, kind == MEDIA_RTCP, NULL);
        if (b.live && bind_by_sdp(c, f, &b)) {
            deliver(c, f, d, kind);
            return;
        }
    }
    orphan_look(f, d, kind == MEDIA_RTCP);
    hold(c, f, d, kind == MEDIA_RTCP);
}

/* The 5-tuple has its fill of flows: the oldest that is guarded goes. */
static void limit_rivals(struct calls *c, uint64_t hash, const struct datagram *d)
{
    struct flow *oldest = NULL;
    unsigned count = 0;
    struct map_probe p = map_probe(&c->by_tuple, hash);
    for (uint32_t i; (i = map_next(&c->by_tuple, &p)) != MAP_NONE;) {
        struct flow *f = &c->flows[i];
        if (!same_tuple(f, &d->src, &d->dst))
            continue;
        count++;
        if (f->guarded && (oldest == NULL || f->first_ns < oldest->first_ns))
            oldest = f;
    }
    if (count < FLOW_RIVALS_MAX || oldest == NULL)
        return;
    gone(c, oldest);
    free_flow(c, oldest);
}

/* More than one call may have a say: the SSRC decides between those that know it; a new SSRC goes
 * to the call that announced the ports last. */
static void contested_packet(struct calls *c, uint64_t hash, const struct datagram *d,
                             enum media_kind kind)
{
    bool rtcp = kind == MEDIA_RTCP;
    uint32_t ssrc = 0;
    bool has_ssrc = (kind == MEDIA_RTP || rtcp) && ssrc_of(d->payload, rtcp, &ssrc);
    struct flow *guarded = NULL, *open = NULL, *waiting = NULL;
    unsigned count = 0;
    struct map_probe p = map_probe(&c->by_tuple, hash);
    for (uint32_t i; (i = map_next(&c->by_tuple, &p)) != MAP_NONE;) {
        struct flow *f = &c->flows[i];
        if (!same_tuple(f, &d->src, &d->dst))
            continue;
        count++;
        if (f->state == FLOW_HELD)
            waiting = f;
        else if (!has_ssrc || knows_ssrc(f, ssrc)) {
            deliver(c, f, d, kind);
            return;
        } else if (f->guarded)
            guarded = f;
        else
            open = f;
    }
    if (open) {
        open->contested = count > 1; /* its rivals may be gone by now */
        deliver(c, open, d, kind);
        return;
    }
    if (waiting) {
        waiting_packet(c, waiting, d, kind);
        return;
    }
    struct live *owner = &c->live[guarded->live];
    struct binding b = points_bind(c, &d->src, &d->dst, rtcp, NULL);
    if (!live_is_over(owner) && (b.live == NULL || b.live == owner)) {
        deliver(c, guarded, d, kind);
        return;
    }
    limit_rivals(c, hash, d);
    unknown_packet(c, hash, d, kind, owner);
}

void flows_packet(struct calls *c, const struct datagram *d)
{
    uint64_t hash = tuple_hash(c, &d->src, &d->dst);
    enum media_kind kind = media_kind_of(d->payload);
    struct flow *f = find_hashed(c, hash, &d->src, &d->dst);
    if (__builtin_expect(f != NULL && f->state == FLOW_BOUND && !f->contested, 1))
        deliver(c, f, d, kind);
    else if (f == NULL)
        unknown_packet(c, hash, d, kind, NULL);
    else if (f->contested)
        contested_packet(c, hash, d, kind);
    else
        waiting_packet(c, f, d, kind);
}
