/* Flows: the path of a packet, and where it waits.
 *
 *          unknown packet              SDP names an end
 *   FREE -----------------> HELD --------------------------> BOUND ---> FREE: the call is closed
 *     |                      |                                 ^
 *     |                      +--> orphan call: looks like RTP -+
 *     +--> SDP had named an end before ------------------------+
 *
 * A bound flow costs a packet one keyed hash, one probe and one event. What belongs to a call is
 * decided when the flow is bound and when SDP changes, never per packet. The exception are guarded
 * flows: their call is over, or another call has announced the same ports. Then the SSRC tells late
 * packets from the next call's. */
#include "capture/call/flow_table.h"

#include "base/cursor.h"
#include "capture/call/beside.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/finding_note.h"
#include "capture/call/flow_path.h"
#include "capture/call/held.h"
#include "capture/call/nat.h"
#include "capture/call/orphan.h"
#include "capture/call/tap.h"
#include "capture/rtp/rtp.h"

#define PROBE_STEPS 3 /* from packet to packet: more would be a stream, or something else */
#define NEXT_NEAR 8              /* numbers from one packet to the next that need no second look */
#define EMPTY_MAX (12 + 4 * 15) /* octets: RTP of all sources and no payload */

enum { LABEL_STAGE_RING = 2 };

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

/* At least the fixed header is there. */
static uint16_t sequence_of(struct slice payload)
{
    return (uint16_t)(payload.data[2] << 8 | payload.data[3]);
}

/* RTP without anything in it, of a payload type that SDP does not name: it only keeps a binding
 * open (RFC 6263 4.6). Where nothing is named the first packets of a stream look like that too. */
static bool is_keepalive(const struct flow *f, struct slice payload, uint32_t wire_bytes)
{
    uint8_t first = payload.data[0], type = payload.data[1] & 0x7f;
    bool named = f->types[0] | f->types[1];
    return named && (first & 0x30) == 0 && wire_bytes == 12 + 4u * (first & 0x0f) &&
           (f->types[type / 64] >> type % 64 & 1) == 0;
}

/* First RTP of a flow: what the call wants to know about its media. */
static void first_media(struct calls *c, struct flow *f, int64_t time_ns, struct slice payload)
{
    struct live *l = &c->live[f->live];
    struct call *call = l->call;
    if (!path_first_rtp(c, f, f->ssrc, sequence_of(payload)))
        return;
    f->rtp_seen = true;
    nat_media(c, l, f);
    tap_media(c, l, f);
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

static void push_media(struct calls *c, struct flow *f, const struct event *e)
{
    /* What was refused is told before what comes after it. */
    if (__builtin_expect(f->refused, 0) && emit_refused(c, f, f->refused))
        f->refused = 0;
    if (__builtin_expect(c->sink.push(c->sink.context, f->worker, e), 1))
        return;
    if (f->refused < UINT16_MAX)
        f->refused++;
    counters_add(c->counters, C_DROPS + LABEL_STAGE_RING, 1);
    c->live[f->live].call->capture_suspect = true;
}

static void count_foreign(struct calls *c, const struct flow *f, enum media_kind kind)
{
    static const uint8_t labels[] = {
        [MEDIA_STUN] = LABEL_PROTO_STUN,           [MEDIA_DTLS] = LABEL_PROTO_DTLS,
        [MEDIA_ZRTP] = LABEL_PROTO_ZRTP,           [MEDIA_TURN_CHANNEL] = LABEL_PROTO_TURN,
        [MEDIA_KEEPALIVE] = LABEL_PROTO_KEEPALIVE, [MEDIA_OTHER] = LABEL_PROTO_OTHER,
        [MEDIA_RTP] = LABEL_PROTO_OTHER,           [MEDIA_RTCP] = LABEL_PROTO_OTHER,
    };
    bool fax = f && f->image && kind != MEDIA_KEEPALIVE;
    counters_add(c->counters, C_DECODED + (fax ? LABEL_PROTO_T38 : labels[kind]), 1);
}

static struct event media_event(const struct flow *f, const struct datagram *d, bool rtcp)
{
    return (struct event){.kind = EVENT_MEDIA,
                          .call = f->live,
                          .flow = f->as,
                          .time_ns = d->time_ns,
                          .body = d->payload,
                          .media = {.wire_bytes = d->payload_wire,
                                    .ip_id = d->ip_id,
                                    .vlan_outer = d->vlan_outer,
                                    .vlan_inner = d->vlan_inner,
                                    .ttl = d->ttl,
                                    .tos = d->tos,
                                    .priority = d->priority,
                                    .rtcp = rtcp}};
}

/* No RTP. What comes where a fax was agreed on is one. */
static void deliver_other(struct calls *c, struct flow *f, const struct datagram *d, enum media_kind kind)
{
    count_foreign(c, f, kind);
    if (!f->image || kind == MEDIA_KEEPALIVE)
        return;
    struct event e = media_event(f, d, false);
    e.media.fax = true;
    push_media(c, f, &e);
}

static void deliver(struct calls *c, struct flow *f, const struct datagram *d, enum media_kind kind)
{
    /* After a pause the endpoint may be another's. */
    bool paused = c->steady_ns - f->last_ns > PATH_PAUSE_NS;
    f->last_ns = c->steady_ns;
    bool rtcp = kind == MEDIA_RTCP;
    uint32_t ssrc;
    if (__builtin_expect(kind != MEDIA_RTP && !rtcp, 0) || !ssrc_of(d->payload, rtcp, &ssrc)) {
        deliver_other(c, f, d, kind);
        return;
    }
    if (__builtin_expect(f->image, 0) && !knows_ssrc(f, ssrc)) { /* T.38 that looks like RTP */
        deliver_other(c, f, d, kind);
        return;
    }
    if (__builtin_expect(d->payload_wire <= EMPTY_MAX, 0) && !rtcp &&
        is_keepalive(f, d->payload, d->payload_wire)) {
        count_foreign(c, f, MEDIA_KEEPALIVE);
        return;
    }
    bool other = !f->ssrc_known || f->ssrc != ssrc;
    if (__builtin_expect(other, 0)) {
        note_ssrc(f, ssrc);
        if (!rtcp)
            path_other_ssrc(c, f, ssrc, d->payload.data[1] & 0x7f);
    }
    if (__builtin_expect(paused && !rtcp, 0))
        f->rtp_seen = false;
    if (__builtin_expect(!f->rtp_seen && !rtcp, 0))
        first_media(c, f, d->time_ns, d->payload);
    if (!rtcp) {
        uint16_t sequence = sequence_of(d->payload);
        if (__builtin_expect((uint16_t)(sequence - f->newest - 1) >= NEXT_NEAR && !other, 0))
            path_jump(c, f, sequence);
        f->newest = sequence;
    }
    counters_add(c->counters,
                 C_DECODED + (f->secure ? LABEL_PROTO_SRTP
                              : rtcp    ? LABEL_PROTO_RTCP
                                        : LABEL_PROTO_RTP),
                 1);
    /* Field by field: clearing the whole struct first would cost as much as all the rest. */
    struct event e;
    e.kind = EVENT_MEDIA;
    e.call = f->live;
    e.flow = f->as;
    e.time_ns = d->time_ns;
    e.body = d->payload;
    e.media = (struct event_media){.wire_bytes = d->payload_wire,
                                   .ip_id = d->ip_id,
                                   .vlan_outer = d->vlan_outer,
                                   .vlan_inner = d->vlan_inner,
                                   .ttl = d->ttl,
                                   .tos = d->tos,
                                   .priority = d->priority,
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
    counters_add(c->counters, C_DECODED + (rtcp ? LABEL_PROTO_RTCP : LABEL_PROTO_RTP), 1);
    struct held_packet p = {.time_ns = d->time_ns,
                            .flow = number,
                            .wire_bytes = d->payload_wire,
                            .ip_id = d->ip_id,
                            .vlan_outer = d->vlan_outer,
                            .vlan_inner = d->vlan_inner,
                            .ttl = d->ttl,
                            .tos = d->tos,
                            .priority = d->priority,
                            .rtcp = rtcp};
    f->last_ns = c->steady_ns;
    if (!held_add(c->held, &p, d->payload, chain_of(f)))
        counters_add(c->counters, C_RTP_HELD_DROPPED, 1);
}

static void replay_one(struct calls *c, struct flow *f, const struct held_packet *p,
                       struct slice payload)
{
    uint32_t ssrc;
    if (!p->rtcp && is_keepalive(f, payload, p->wire_bytes))
        return;
    if (ssrc_of(payload, p->rtcp, &ssrc)) {
        note_ssrc(f, ssrc);
        if (!p->rtcp)
            path_other_ssrc(c, f, ssrc, payload.data[1] & 0x7f);
    }
    if (!f->rtp_seen && !p->rtcp)
        first_media(c, f, p->time_ns, payload);
    if (!p->rtcp)
        f->newest = sequence_of(payload);
    if (f->orphan && !p->rtcp)
        counters_add(c->counters, C_RTP_ORPHAN, 1);
    struct event e = {
        .kind = EVENT_MEDIA,
        .call = f->live,
        .flow = f->as,
        .time_ns = p->time_ns,
        .body = payload,
        .media = {.wire_bytes = p->wire_bytes,
                  .ip_id = p->ip_id,
                  .vlan_outer = p->vlan_outer,
                  .vlan_inner = p->vlan_inner,
                  .ttl = p->ttl,
                  .tos = p->tos,
                  .priority = p->priority,
                  .rtcp = p->rtcp,
                  .held = true},
    };
    push_media(c, f, &e);
}

void flow_replay(struct calls *c, struct flow *f)
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
    if (f->looked && f->good + f->odd < PROBE_STEPS)
        finding_note_probe(c, &f->src, &f->dst);
    while (f->held_count)
        drop_oldest_of(c, f);
    flow_unlink(c, f);
    flow_free(c, f);
}

/* ---- packets ---- */

static bool is_fax(const struct binding *b)
{
    const struct point *named = b->dst ? b->dst : b->src;
    return named && named->line.type == SDP_IMAGE;
}

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
    if (!media && !is_fax(&b)) {
        count_foreign(c, NULL, kind);
        return;
    }
    if (b.live == NULL && !orphan_may_wait(d, rtcp)) {
        count_foreign(c, NULL, kind);
        return;
    }
    struct flow *f = flow_new(c, hash, d);
    if (f == NULL) {
        if (b.live)
            b.live->call->media_over_limit = true;
        return;
    }
    f->contested = except != NULL; /* not alone */
    f->rtcp_only = rtcp;
    if (b.live) {
        if (flow_bind_by_sdp(c, f, &b))
            deliver(c, f, d, kind);
        else
            flow_drop(c, f);
        return;
    }
    flow_index_ends(c, f);
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
        if (b.live && flow_bind_by_sdp(c, f, &b)) {
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
        if (!flow_is(f, &d->src, &d->dst))
            continue;
        count++;
        if (f->guarded && (oldest == NULL || f->first_ns < oldest->first_ns))
            oldest = f;
    }
    if (count < FLOW_RIVALS_MAX || oldest == NULL)
        return;
    flow_leave(c, oldest);
    flow_free(c, oldest);
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
        if (!flow_is(f, &d->src, &d->dst))
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

static inline void media_packet(struct calls *c, const struct datagram *d, enum media_kind kind)
{
    uint64_t hash = flow_hash(c, &d->src, &d->dst);
    struct flow *f = flow_find(c, hash, &d->src, &d->dst);
    if (__builtin_expect(f != NULL && f->state == FLOW_BOUND && !f->contested, 1))
        deliver(c, f, d, kind);
    else if (f == NULL)
        unknown_packet(c, hash, d, kind, NULL);
    else if (f->contested)
        contested_packet(c, hash, d, kind);
    else
        waiting_packet(c, f, d, kind);
}

void flows_media(struct calls *c, const struct datagram *d, enum media_kind kind)
{
    media_packet(c, d, kind);
}

void flows_packet(struct calls *c, const struct datagram *d)
{
    enum media_kind kind = media_kind_of(d->payload);
    if (__builtin_expect(kind >= MEDIA_STUN, 0))
        beside_packet(c, d, kind);
    else
        media_packet(c, d, kind);
}
