/* What the ends of a 5-tuple say, and what runs between them.
 *
 * A flow goes to the call that announced both of its ends, then to the newest. So an SDP takes a
 * port over, and a stranger who announces somebody's port gets no flow whose other end he does not
 * know too. Lines of a BUNDLE group share one transport (RFC 9143): such a flow has the codecs of
 * all of them, and the payload type tells the line. */
#include "capture/call/points.h"

#include "capture/call/codecs.h"

static uint8_t other_party(uint8_t party)
{
    return party == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
}

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

/* Who of the call announced `at`, as bits. */
static unsigned parties_at(const struct calls *c, const struct live *l, const struct endpoint *at,
                           uint64_t hash)
{
    unsigned parties = 0;
    uint32_t number = live_number(c, l);
    struct map_probe probe = map_probe(&c->by_endpoint, hash);
    for (uint32_t i; (i = map_next(&c->by_endpoint, &probe)) != MAP_NONE;) {
        const struct point *p = &c->points[i];
        if (p->live == number && endpoint_equal(&p->at, at))
            parties |= 1u << p->party;
    }
    return parties;
}

/* One party at each end. Who alone names both, in one SDP, knows nothing of what the other said. */
static bool both_named(const struct calls *c, const struct live *l, const struct point *src,
                       const struct point *dst)
{
    if (src == NULL || dst == NULL || src->party != dst->party)
        return src && dst;
    unsigned from = parties_at(c, l, &src->at, src->hash), to = parties_at(c, l, &dst->at, dst->hash);
    return from != to || (from & (from - 1)) != 0;
}

/* A call that goes on before one that is over, both ends known before one, one in use before one
 * retired, the destination before the source, then the newest. */
static uint64_t rank(const struct calls *c, const struct live *l, const struct point *src,
                     const struct point *dst)
{
    const struct point *first = dst ? dst : src;
    uint64_t both = both_named(c, l, src, dst);
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
        uint64_t r = rank(c, l, from, to);
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

#define LINES_MAX 8 /* m= lines that share a transport; further ones are not described */

/* The newest line of that index that `party` announced, of the same hop when there is one. */
static const struct point *line_of(const struct calls *c, const struct live *l, uint8_t party,
                                   uint16_t index, uint32_t hop)
{
    const struct point *best = NULL;
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        const struct point *p = &c->points[i];
        if (p->party != party || p->media_index != index || p->rtcp || p->candidate)
            continue;
        if (best == NULL || (p->hop == hop) > (best->hop == hop) ||
            ((p->hop == hop) == (best->hop == hop) && better_in_call(p, best, false)))
            best = p;
    }
    return best;
}

static bool is_rtp(const struct point *p)
{
    return p->line.type == SDP_AUDIO || p->line.type == SDP_VIDEO || p->line.type == SDP_TEXT;
}

/* An offer of a group counts once the other side accepts it. */
static bool group_agreed(const struct calls *c, const struct live *l, uint8_t party)
{
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        const struct point *p = &c->points[i];
        if (p->party == other_party(party) && p->bundled && !p->retired)
            return true;
    }
    return false;
}

struct lines {
    uint16_t index[LINES_MAX]; /* in rising order */
    unsigned count;
};

static void add_line(struct lines *lines, uint16_t index)
{
    unsigned at = 0;
    while (at < lines->count && lines->index[at] < index)
        at++;
    if (lines->count == LINES_MAX || (at < lines->count && lines->index[at] == index))
        return;
    memmove(lines->index + at + 1, lines->index + at, (lines->count - at) * sizeof *lines->index);
    lines->index[at] = index;
    lines->count++;
}

/* The lines whose media runs where `known` was announced: that of `known` first of all, and those
 * that share its port or its group. */
static void gather(const struct calls *c, const struct live *l, const struct point *known,
                   struct lines *lines)
{
    const struct point *main = line_of(c, l, known->party, known->media_index, known->hop);
    *lines = (struct lines){.index = {known->media_index}, .count = 1};
    if (main == NULL || main->retired || main->line.type == SDP_IMAGE)
        return;
    if (!is_rtp(main)) /* a data channel: it has nothing to say about RTP */
        lines->count = 0;
    bool group = known->bundled && group_agreed(c, l, known->party);
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        const struct point *p = &c->points[i];
        if (p->party != known->party || p->hop != known->hop || p->rtcp || p->candidate ||
            p->retired || !is_rtp(p))
            continue;
        if ((group && p->bundled) || endpoint_equal(&p->at, &main->at))
            add_line(lines, p->media_index);
    }
    if (lines->count == 0)
        add_line(lines, known->media_index);
}

/* Of a line that stands alone at its port the very endpoint speaks, retired or not. */
static const struct point *receiver_at(const struct binding *b, const struct lines *lines)
{
    const struct point *dst = b->dst;
    bool own = dst && !dst->rtcp && !dst->candidate && lines->count == 1 &&
               lines->index[0] == dst->media_index;
    return own ? dst : NULL;
}

void points_describe(const struct calls *c, const struct binding *b, struct flow_media *media)
{
    const struct live *l = b->live;
    const struct point *known = b->dst ? b->dst : b->src;
    const struct point *receiver = NULL, *sender = NULL;
    struct codec_pair pairs[LINES_MAX];
    struct lines lines;
    gather(c, l, known, &lines);
    for (unsigned i = lines.count; i-- > 0;) { /* those of the first line remain */
        receiver = receiver_at(b, &lines);
        if (receiver == NULL)
            receiver = line_of(c, l, other_party(b->sender), lines.index[i], known->hop);
        sender = line_of(c, l, b->sender, lines.index[i], known->hop);
        pairs[i] = (struct codec_pair){receiver ? receiver->line.codecs : NULL,
                                       sender ? sender->line.codecs : NULL};
    }
    const struct point *main = line_of(c, l, known->party, lines.index[0], known->hop);
    bool own = !known->candidate && lines.index[0] == known->media_index;
    const struct media_line *line = own || main == NULL ? &known->line : &main->line;
    memset(media, 0, sizeof *media);
    media->party = b->sender;
    media->media_type = line->type;
    media->direction = receiver ? receiver->line.direction : SDP_SENDRECV;
    media->confidence = b->confidence;
    /* keys of both sides beside a profile without protection: they agreed on it all the same */
    media->secure = line->secure || (receiver && sender && receiver->line.keyed && sender->line.keyed);
    media->shared = lines.count > 1 || known->bundled;
    media->announced = true;
    media->keep = true;
    media->rtcp_mux = line->rtcp_mux;
    media->media_index = lines.index[0];
    media->ptime_ms = receiver ? receiver->line.ptime_ms : line->ptime_ms;
    codec_lists_fill(pairs, lines.count, media);
}
