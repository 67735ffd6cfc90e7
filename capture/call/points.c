/* Endpoints come in with SDP and go with it. A line has one main point, which holds what SDP says
 * about it, one for RTCP, and any number of candidates, which only say that its media may come
 * there too: those of ICE, the other name of a static alias, what a connectivity check showed. A
 * candidate that the next SDP does not name is removed; a main point is retired, so late packets
 * find it.
 *
 * An endpoint may be announced several times: by the next call on the same port, by two calls
 * around a back-to-back user agent that keeps out of the media path, by both hops of a proxy. All
 * of them stand in the map (up to POINT_SHARERS_MAX). */
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

static void set_ufrag(struct calls *c, struct point *p, uint64_t ufrag)
{
    uint32_t number = (uint32_t)(p - c->points);
    if (p->ufrag == ufrag)
        return;
    if (p->ufrag)
        map_remove(&c->by_ufrag, p->ufrag, number);
    p->ufrag = ufrag && map_add(&c->by_ufrag, ufrag, number) == 0 ? ufrag : 0;
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
    set_ufrag(c, p, 0);
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

/* What goes first: of calls that are over, of those that nobody has answered, then the older. INVITEs are free: many that
 * name somebody's port take it from each other, not from the call that uses it. */
static bool is_worth_less(const struct calls *c, const struct point *p, const struct point *than)
{
    const struct live *l = &c->live[p->live], *other = &c->live[than->live];
    if (live_is_over(l) != live_is_over(other))
        return live_is_over(l);
    if (l->answered != other->answered)
        return other->answered;
    return p->serial < than->serial;
}

/* One endpoint has few sharers. */
static void limit_sharers(struct calls *c, const struct endpoint *at, uint64_t hash)
{
    struct point *least = NULL;
    unsigned count = 0;
    struct map_probe probe = map_probe(&c->by_endpoint, hash);
    for (uint32_t i; (i = map_next(&c->by_endpoint, &probe)) != MAP_NONE;) {
        struct point *p = &c->points[i];
        if (!endpoint_equal(&p->at, at))
            continue;
        count++;
        if (least == NULL || is_worth_less(c, p, least))
            least = p;
    }
    if (count >= POINT_SHARERS_MAX)
        remove_point(c, least);
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
            p->rtcp == rtcp && !p->retired && !p->candidate)
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
                              .secure = m->secure,
                              .keyed = m->crypto_count > 0};
    drop_offer(p);
    p->serial = ++c->serial;
    p->ice = a->ice;
    p->bundled = a->bundled;
    if (!p->rtcp)
        set_ufrag(c, p, a->ufrag);
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
    for (uint32_t i = l->points, next; i != NO_INDEX; i = next) {
        struct point *p = &c->points[i];
        next = p->next;
        if (p->party != party)
            continue;
        if (p->candidate && (accepted ? p->retired_by_offer : p->new_by_offer)) {
            remove_point(c, p);
            continue;
        }
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

/* ---- candidates ---- */

static bool of_line(const struct point *p, const struct announcement *a)
{
    return p->party == a->party && p->hop == a->hop && p->media_index == a->index;
}

/* What this party announces there already, for whichever line: lines of a BUNDLE group name the
 * same candidates. */
static struct point *announced_at(struct calls *c, struct live *l, const struct announcement *a,
                                  const struct endpoint *at, bool rtcp)
{
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        struct point *p = &c->points[i];
        if (p->party == a->party && p->hop == a->hop && p->rtcp == rtcp &&
            endpoint_equal(&p->at, at) && (!p->retired || (p->candidate && of_line(p, a))))
            return p;
    }
    return NULL;
}

static void limit_learned(struct calls *c, struct live *l)
{
    struct point *oldest = NULL;
    unsigned count = 0;
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        struct point *p = &c->points[i];
        if (!p->learned)
            continue;
        count++;
        if (oldest == NULL || p->serial < oldest->serial)
            oldest = p;
    }
    if (count >= LEARNED_MAX)
        remove_point(c, oldest);
}

bool point_add_candidate(struct calls *c, struct live *l, const struct announcement *a,
                         const struct endpoint *at, bool rtcp, bool learned)
{
    struct point *p = announced_at(c, l, a, at, rtcp);
    if (p) {
        if (p->candidate && of_line(p, a)) {
            p->serial = ++c->serial;
            p->learned &= learned; /* SDP names it now */
            p->retired = p->retired_by_offer = false;
        }
        return false;
    }
    if (learned)
        limit_learned(c, l);
    p = add_point(c, l, at);
    if (p == NULL)
        return false;
    p->candidate = true;
    p->learned = learned;
    p->rtcp = rtcp;
    p->party = a->party;
    p->hop = a->hop;
    p->media_index = a->index;
    p->new_by_offer = a->tentative;
    p->ice = a->ice;
    p->bundled = a->bundled;
    p->serial = ++c->serial;
    p->line = (struct media_line){.type = (uint8_t)a->type,
                                  .direction = SDP_SENDRECV,
                                  .rtcp_mux = a->rtcp_mux,
                                  .secure = a->secure};
    count_image(c, p, 1);
    return true;
}

void points_sweep(struct calls *c, struct live *l, const struct announcement *a, uint32_t serial)
{
    for (uint32_t i = l->points, next; i != NO_INDEX; i = next) {
        struct point *p = &c->points[i];
        next = p->next;
        if (!p->candidate || p->learned || !of_line(p, a) || p->serial > serial || p->retired)
            continue;
        if (a->tentative && !p->new_by_offer)
            p->retired = p->retired_by_offer = true;
        else
            remove_point(c, p);
    }
}
