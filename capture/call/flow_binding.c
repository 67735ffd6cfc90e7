/* Which flow belongs to which call: decided here, when SDP is read, when a packet comes that nobody
 * knows, and when a call ends; never per packet. */
#include "capture/call/emit.h"
#include "capture/call/flow_table.h"

/* ---- binding ---- */

static uint32_t digest_of(const struct calls *c, const struct flow_media *media)
{
    return (uint32_t)hash_bytes(&c->config.seed, media, sizeof *media);
}

/* Those that go under its number go under their own again. */
static void dismiss_followers(struct calls *c, const struct flow *f)
{
    uint32_t number = flow_number(c, f);
    for (uint32_t i = c->live[f->live].flows; i != NO_INDEX; i = c->flows[i].next) {
        if (c->flows[i].as == number)
            c->flows[i].as = i;
    }
}

/* What was refused goes with the number that it would have gone under. */
static void hand_on_refused(struct calls *c, struct flow *f)
{
    struct flow *leader = &c->flows[f->as];
    if (leader == f)
        return;
    leader->refused =
        f->refused < UINT16_MAX - leader->refused ? leader->refused + f->refused : UINT16_MAX;
    f->refused = 0;
}

void flow_leave(struct calls *c, struct flow *f)
{
    struct live *l = &c->live[f->live];
    if (f->followed)
        dismiss_followers(c, f);
    hand_on_refused(c, f);
    f->as = flow_number(c, f);
    f->followed = false;
    emit_flow_gone(c, f);
    f->refused = 0;
    flow_unlink(c, f);
    l->flow_count--;
}

/* Room in the call for one more flow. Sources that SDP did not name get half of it, so a spray of
 * packets at an announced port leaves room for the real ones, and they give way to each other alone;
 * the one that has been silent longest, for at least the linger time, goes. */
static bool make_room(struct calls *c, struct live *l, uint8_t confidence)
{
    struct flow *oldest = NULL;
    unsigned learned = 0;
    for (uint32_t i = l->flows; i != NO_INDEX; i = c->flows[i].next) {
        struct flow *f = &c->flows[i];
        learned += f->confidence != FLOW_SDP;
        if (confidence != FLOW_SDP && f->confidence == FLOW_SDP)
            continue;
        if (oldest == NULL || f->last_ns < oldest->last_ns)
            oldest = f;
    }
    if (l->flow_count < CALL_FLOWS_MAX && (confidence == FLOW_SDP || learned < CALL_FLOWS_MAX / 2))
        return true;
    if (oldest == NULL || c->steady_ns - oldest->last_ns < c->config.linger_ns)
        return false;
    flow_leave(c, oldest);
    flow_free(c, oldest);
    return true;
}

/* What SDP names; what it does not may still be media, unless it is empty (flows.c). */
static void take_types(struct flow *f, const struct flow_media *media)
{
    f->types[0] = f->types[1] = 0;
    f->single = media->announced && !media->shared && media->media_type == SDP_AUDIO;
    for (unsigned i = 0; i < media->codec_count; i++) {
        uint8_t type = media->codecs[i].payload_type & 0x7f;
        f->types[type / 64] |= UINT64_C(1) << type % 64;
    }
}

bool flow_bind(struct calls *c, struct flow *f, struct live *l, const struct flow_media *media)
{
    assert(f->state == FLOW_HELD);
    if (!make_room(c, l, media->confidence)) {
        counters_add(c->counters, C_STREAMS_OVER_LIMIT, 1);
        l->call->media_over_limit = true;
        return false;
    }
    flow_unlink(c, f);
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
    take_types(f, media);
    if (live_is_over(l))
        f->guarded = f->contested = true;
    flow_link(c, f, &l->flows, NULL);
    l->flow_count++;
    if (media->announced)
        flow_unindex_ends(c, f);
    emit_flow_bound(c, f, media);
    flow_replay(c, f);
    return true;
}

bool flow_bind_by_sdp(struct calls *c, struct flow *f, const struct binding *b)
{
    struct flow_media media;
    points_describe(c, b, &media);
    media.early = !b->live->answered;
    return flow_bind(c, f, b->live, &media);
}

void flow_describe(struct calls *c, struct flow *f)
{
    struct live *l = &c->live[f->live];
    struct flow_media media;
    struct binding b = points_bind_in(c, l, &f->src, &f->dst, false);
    if (b.live == NULL)
        b = points_bind_in(c, l, &f->src, &f->dst, true);
    if (b.live == NULL)
        return;
    points_describe(c, &b, &media);
    media.early = f->early;
    f->confidence = media.confidence;
    f->foreign &= media.confidence == FLOW_LEARNED;
    if (f->foreign) {
        media.confidence = f->was_party ? FLOW_LEARNED : FLOW_GUESSED;
        media.keep = false;
    }
    uint32_t digest = digest_of(c, &media);
    if (digest == f->digest)
        return;
    f->digest = digest;
    f->party = media.party;
    f->secure = media.secure;
    f->image = media.media_type == SDP_IMAGE;
    take_types(f, &media);
    emit_flow_bound(c, f, &media);
}

void flows_refresh(struct calls *c, struct live *l)
{
    for (uint32_t i = l->flows; i != NO_INDEX; i = c->flows[i].next)
        flow_describe(c, &c->flows[i]);
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
    flow_leave(c, f);
    f->state = FLOW_HELD;
    f->live = NO_INDEX;
    f->first_ns = c->steady_ns;
    f->rtp_seen = false;
    f->guarded = false;
    flow_link(c, f, &c->waiting.first, &c->waiting.last);
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
        if (!flow_bind_by_sdp(c, f, &b))
            return;
    }
}

void flows_release(struct calls *c, struct live *l)
{
    while (l->flows != NO_INDEX) {
        struct flow *f = &c->flows[l->flows];
        flow_leave(c, f);
        flow_free(c, f);
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
