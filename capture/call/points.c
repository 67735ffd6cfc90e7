/* An endpoint may be announced several times: by the next call on the same port, by two calls
 * around a back-to-back user agent that keeps out of the media path, by both hops of a proxy. All
 * of them stand in the map (up to POINT_SHARERS_MAX); a flow goes to the call that announced both
 * of its ends, then to the newest. So an SDP takes a port over, and a stranger who announces
 * somebody's port gets no flow whose other end he does not know too. */
#include "capture/call/points.h"

#include <assert.h>
#include <stdlib.h>

#include "capture/call/codecs.h"

/* ---- pool and map ---- */

static void unmap(struct calls *c, struct point *p)
{
    bool there = map_remove(&c->by_endpoint, p->hash, (uint32_t)(p - c->points));
    assert(there);
}

/* T.38 is looked for only while some SDP speaks of it. */
static void count_image(struct calls *c, const struct point *p, int by)
{
    if (p->line.type == SDP_IMAGE)
        c->image_points += (uint32_t)by;
}

static void give_back(struct calls *c, struct point *p)
{
    count_image(c, p, -1);
    free(p->line.codecs);
    free(p->offer.codecs);
    *p = (struct point){.live = NO_INDEX, .next = c->points_free};
    c->points_free = (uint32_t)(p - c->points);
}

static void remove_point(struct calls *c, struct point *p)
{
    struct live *l = &c->live[p->live];
    uint32_t number = (uint32_t)(p - c->points);
    uint32_t *link = &l->points;
    while (*link != number)
        link = &c->points[*link].next;
    *link = p->next;
    l->point_count--;
    unmap(c, p);
    give_back(c, p);
}

void points_release(struct calls *c, struct live *l)
{
    while (l->points != NO_INDEX)
        remove_point(c, &c->points[l->points]);
}

static struct point *oldest_of(struct calls *c, struct live *l, bool retired_only)
{
    struct point *oldest = NULL;
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        struct point *p = &c->points[i];
        if ((p->retired || !retired_only) && (oldest == NULL || p->serial < oldest->serial))
            oldest = p;
    }
    return oldest;
}

/* One endpoint has few sharers; the oldest goes. */
static void limit_sharers(struct calls *c, const struct endpoint *at, uint64_t hash)
{
    struct point *oldest = NULL;
    unsigned count = 0;
    struct map_probe probe = map_probe(&c->by_endpoint, hash);
    for (uint32_t i; (i = map_next(&c->by_endpoint, &probe)) != MAP_NONE;) {
        struct point *p = &c->points[i];
        if (!endpoint_equal(&p->at, at))
            continue;
        count++;
        if (oldest == NULL || p->serial < oldest->serial)
            oldest = p;
    }
    if (count >= POINT_SHARERS_MAX)
        remove_point(c, oldest);
}

static struct point *take_point(struct calls *c)
{
    if (c->points_free != NO_INDEX) {
        struct point *p = &c->points[c->points_free];
        c->points_free = p->next;
        return p;
    }
    return c->points_used < c->points_max ? &c->points[c->points_used++] : NULL;
}

/* Room for one more in the call: what was retired goes first, an unanswered call gets no more than
 * its share. */
static bool make_room(struct calls *c, struct live *l)
{
    unsigned most = l->class == LIVE_TRYING ? TRYING_POINTS_MAX : CALL_POINTS_MAX;
    if (l->point_count < most)
        return true;
    struct point *p = oldest_of(c, l, true);
    if (p)
        remove_point(c, p);
    return p != NULL;
}

static struct point *add_point(struct calls *c, struct live *l, const struct endpoint *at)
{
    uint64_t hash = endpoint_hash(&c->config.seed, at);
    limit_sharers(c, at, hash);
    struct point *p = make_room(c, l) ? take_point(c) : NULL;
    if (p == NULL) {
        counters_add(c->counters, C_STREAMS_OVER_LIMIT, 1);
        return NULL;
    }
    *p = (struct point){.at = *at, .hash = hash, .live = NO_INDEX};
    if (map_add(&c->by_endpoint, hash, (uint32_t)(p - c->points)) != 0) {
        give_back(c, p);
        return NULL;
    }
    p->live = live_number(c, l);
    p->next = l->points;
    l->points = (uint32_t)(p - c->points);
    l->point_count++;
    return p;
}

/* ---- announcing ---- */

static struct point *current_point(struct calls *c, struct live *l, const struct announcement *a,
                                   bool rtcp)
{
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        struct point *p = &c->points[i];
        if (p->party == a->party && p->hop == a->hop && p->media_index == a->index &&
            p->rtcp == rtcp && !p->retired)
            return p;
    }
    return NULL;
}

static void drop_offer(struct point *p)
{
    free(p->offer.codecs);
    p->offer = (struct media_line){0};
    p->has_offer = false;
}

static void take_line(struct calls *c, struct point *p, struct media_line line)
{
    count_image(c, p, -1);
    if (line.codecs == NULL) { /* without memory the old list is better than none */
        line.codecs = p->line.codecs;
        p->line.codecs = NULL;
    }
    free(p->line.codecs);
    p->line = line;
    count_image(c, p, 1);
}

static void refresh(struct calls *c, struct point *p, const struct announcement *a, bool tentative)
{
    const struct sdp_media *m = a->media;
    struct media_line line = {.codecs = p->rtcp ? NULL : codec_list_new(m),
                              .ptime_ms = m->ptime_ms,
                              .type = (uint8_t)m->type,
                              .direction = (uint8_t)m->direction,
                              .rtcp_mux = m->rtcp_mux,
                              .secure = m->secure};
    drop_offer(p);
    p->serial = ++c->serial;
    if (tentative) {
        p->offer = line;
        p->has_offer = true;
    } else {
        take_line(c, p, line);
    }
}

static enum announced announce_one(struct calls *c, struct live *l, const struct announcement *a,
                                   bool rtcp)
{
    const struct endpoint *at = rtcp ? &a->rtcp : &a->rtp;
    struct point *old = current_point(c, l, a, rtcp);
    if (old && endpoint_equal(&old->at, at)) {
        refresh(c, old, a, a->tentative && !old->new_by_offer);
        return ANNOUNCED_SAME;
    }
    if (old) {
        old->retired = true;
        old->retired_by_offer = a->tentative && !old->new_by_offer;
    }
    struct point *p = add_point(c, l, at);
    if (p == NULL)
        return ANNOUNCED_REFUSED;
    p->rtcp = rtcp;
    p->party = a->party;
    p->hop = a->hop;
    p->media_index = a->index;
    p->new_by_offer = a->tentative;
    refresh(c, p, a, false);
    return old ? ANNOUNCED_MOVED : ANNOUNCED_NEW;
}

enum announced point_announce(struct calls *c, struct live *l, const struct announcement *a)
{
    enum announced result = announce_one(c, l, a, false);
    if (!endpoint_equal(&a->rtp, &a->rtcp) && a->rtcp.port)
        announce_one(c, l, a, true);
    return result;
}

void point_hold(struct calls *c, struct live *l, const struct announcement *a)
{
    struct point *p = current_point(c, l, a, false);
    if (p)
        refresh(c, p, a, a->tentative && !p->new_by_offer);
}

static void retire(struct point *p, bool tentative)
{
    if (p == NULL)
        return;
    p->retired = true;
    p->retired_by_offer = tentative && !p->new_by_offer;
}

void point_retire(struct calls *c, struct live *l, const struct announcement *a)
{
    retire(current_point(c, l, a, false), a->tentative);
    retire(current_point(c, l, a, true), a->tentative);
}

void points_settle(struct calls *c, struct live *l, uint8_t party, bool accepted)
{
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        struct point *p = &c->points[i];
        if (p->party != party)
            continue;
        if (p->has_offer && accepted) {
            take_line(c, p, p->offer);
            p->offer.codecs = NULL;
        }
        if (!accepted && p->new_by_offer)
            p->retired = true;
        if (!accepted && p->retired_by_offer)
            p->retired = false;
        drop_offer(p);
        p->new_by_offer = p->retired_by_offer = false;
    }
}

/* ---- binding ---- */

/* Does `p` serve this kind of packet? RTCP also comes to the RTP port (mux, or a phone that does
 * not care). */
static bool serves(const struct point *p, bool rtcp)
{
    return rtcp || !p->rtcp;
}

/* In one call: what is in use before what is retired, the exact kind before the other, then the
 * newest. */
static bool better_in_call(const struct point *p, const struct point *than, bool rtcp)
{
    if (than == NULL)
        return true;
    if (p->retired != than->retired)
        return !p->retired;
    if (p->rtcp != than->rtcp)
        return p->rtcp == rtcp;
    return p->serial > than->serial;
}

static const struct point *find_in(const struct calls *c, const struct live *l,
                                   const struct endpoint *at, uint64_t hash, bool rtcp)
{
    const struct point *best = NULL;
    uint32_t number = live_number(c, l);
    struct map_probe probe = map_probe(&c->by_endpoint, hash);
    for (uint32_t i; (i = map_next(&c->by_endpoint, &probe)) != MAP_NONE;) {
        const struct point *p = &c->points[i];
        if (p->live == number && endpoint_equal(&p->at, at) && serves(p, rtcp) &&
            better_in_call(p, best, rtcp))
            best = p;
    }
    return best;
}

static uint8_t other_party(uint8_t party)
{
    return party == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
}

static struct binding conclude(struct live *l, const struct point *src, const struct point *dst)
{
    struct binding b = {.live = l, .src = src, .dst = dst};
    if (dst) {
        b.sender = other_party(dst->party);
        b.confidence = src ? FLOW_SDP : FLOW_LEARNED;
        /* a relay that announced one port to both sides: the source tells them apart */
        if (src && src->party == dst->party && endpoint_equal(&src->at, &dst->at))
            b.confidence = FLOW_LEARNED;
    } else {
        b.sender = src->party;
        b.confidence = FLOW_SDP_SOURCE;
    }
    return b;
}

struct binding points_bind_in(struct calls *c, struct live *l, const struct endpoint *src,
                              const struct endpoint *dst, bool rtcp)
{
    const struct point *to = find_in(c, l, dst, endpoint_hash(&c->config.seed, dst), rtcp);
    const struct point *from = find_in(c, l, src, endpoint_hash(&c->config.seed, src), rtcp);
    return to || from ? conclude(l, from, to) : (struct binding){0};
}

/* A call that goes on before one that is over, both ends known before one, one in use before one
 * retired, the destination before the source, then the newest. */
static uint64_t rank(const struct live *l, const struct point *src, const struct point *dst)
{
    const struct point *first = dst ? dst : src;
    uint64_t both = src && dst;
    return (uint64_t)!live_is_over(l) << 35 | both << 34 | (uint64_t)!first->retired << 33 |
           (uint64_t)(dst != NULL) << 32 | first->serial;
}

/* Looks at the calls that announced `at`; keeps the best in *best. */
static void consider(struct calls *c, const struct endpoint *at, const struct endpoint *src,
                     const struct endpoint *dst, bool rtcp, const struct live *except,
                     struct binding *best, uint64_t *best_rank)
{
    uint64_t src_hash = endpoint_hash(&c->config.seed, src);
    uint64_t dst_hash = endpoint_hash(&c->config.seed, dst);
    struct map_probe probe = map_probe(&c->by_endpoint, at == src ? src_hash : dst_hash);
    for (uint32_t i; (i = map_next(&c->by_endpoint, &probe)) != MAP_NONE;) {
        const struct point *p = &c->points[i];
        struct live *l = &c->live[p->live];
        if (!endpoint_equal(&p->at, at) || l == except)
            continue;
        const struct point *from = find_in(c, l, src, src_hash, rtcp);
        const struct point *to = find_in(c, l, dst, dst_hash, rtcp);
        if ((from == NULL && to == NULL) || (live_is_over(l) && (from == NULL || to == NULL)))
            continue;
        uint64_t r = rank(l, from, to);
        if (best->live == NULL || r > *best_rank) {
            *best = conclude(l, from, to);
            *best_rank = r;
        }
    }
}

struct binding points_bind(struct calls *c, const struct endpoint *src, const struct endpoint *dst,
                           bool rtcp, const struct live *except)
{
    struct binding best = {0};
    uint64_t best_rank = 0;
    if (c->by_endpoint.count == 0)
        return best;
    consider(c, dst, src, dst, rtcp, except, &best, &best_rank);
    consider(c, src, src, dst, rtcp, except, &best, &best_rank);
    return best;
}

/* ---- description ---- */

/* The newest line of that index that `party` announced, of the same hop when there is one. */
static const struct point *line_of(const struct calls *c, const struct live *l, uint8_t party,
                                   uint16_t index, uint32_t hop)
{
    const struct point *best = NULL;
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        const struct point *p = &c->points[i];
        if (p->party != party || p->media_index != index || p->rtcp)
            continue;
        if (best == NULL || (p->hop == hop) > (best->hop == hop) ||
            ((p->hop == hop) == (best->hop == hop) && better_in_call(p, best, false)))
            best = p;
    }
    return best;
}

void points_describe(const struct calls *c, const struct binding *b, struct flow_media *media)
{
    const struct live *l = b->live;
    const struct point *known = b->dst ? b->dst : b->src;
    const struct point *receiver =
        b->dst && !b->dst->rtcp
            ? b->dst
            : line_of(c, l, other_party(b->sender), known->media_index, known->hop);
    const struct point *sender = line_of(c, l, b->sender, known->media_index, known->hop);
    memset(media, 0, sizeof *media);
    media->party = b->sender;
    media->media_type = known->line.type;
    media->direction = receiver ? receiver->line.direction : SDP_SENDRECV;
    media->confidence = b->confidence;
    media->secure = known->line.secure;
    media->announced = true;
    media->keep = true;
    media->rtcp_mux = known->line.rtcp_mux;
    media->media_index = known->media_index;
    media->ptime_ms = receiver ? receiver->line.ptime_ms : known->line.ptime_ms;
    codec_list_fill(receiver ? receiver->line.codecs : NULL, sender ? sender->line.codecs : NULL,
                    media);
}
