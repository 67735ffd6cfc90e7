/* A check names both sides: USERNAME is the receiver's user fragment, a colon, the sender's (RFC
 * 8445 7.1.2). Both must be known, of the two parties of one call: browsers' fragments have 24
 * bits, so one alone would soon fit a stranger's. Message integrity is not verified; who can read
 * the SDP can write a check. So what checks show is bounded (LEARNED_MAX), and counts like any
 * other endpoint. */
#include "capture/call/ice.h"

#include "capture/call/flows.h"

#define NAMESAKES_MAX 16 /* points of one user fragment that are looked at */

uint64_t ice_ufrag(const struct calls *c, struct slice ufrag)
{
    return ufrag.size ? hash_bytes(&c->config.seed, ufrag.data, ufrag.size) | 1 : 0;
}

/* ---- candidates ---- */

static void candidate(struct calls *c, struct live *l, const struct announcement *a,
                      struct addr address, uint16_t port, bool rtcp)
{
    struct endpoint at = {.addr = address, .space = a->rtp.space, .port = port};
    if (port && !addr_is_any(address) && point_add_candidate(c, l, a, &at, rtcp, false))
        flows_claim(c, l, &at);
}

void ice_candidates(struct calls *c, struct live *l, const struct announcement *a)
{
    const struct sdp_media *m = a->media;
    for (unsigned i = 0; i < m->candidate_count; i++) {
        const struct sdp_candidate *one = &m->candidates[i];
        bool rtcp = one->component == 2;
        candidate(c, l, a, one->address, one->port, rtcp);
        candidate(c, l, a, one->base_address, one->base_port, rtcp);
    }
}

/* ---- checks ---- */

static bool is_announced(const struct calls *c, const struct live *l, uint8_t party,
                         const struct endpoint *at)
{
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        const struct point *p = &c->points[i];
        if (p->party == party && !p->retired && endpoint_equal(&p->at, at))
            return true;
    }
    return false;
}

/* `at` is one more endpoint of the line that `p` belongs to. */
static void learn(struct calls *c, const struct point *p, const struct endpoint *at)
{
    if (p->live == NO_INDEX || is_announced(c, &c->live[p->live], p->party, at))
        return;
    struct live *l = &c->live[p->live];
    struct announcement a = {.index = p->media_index,
                             .party = p->party,
                             .hop = p->hop,
                             .type = p->line.type,
                             .ice = p->ice,
                             .bundled = p->bundled,
                             .rtcp_mux = p->line.rtcp_mux,
                             .secure = p->line.secure};
    if (!point_add_candidate(c, l, &a, at, p->rtcp, true))
        return;
    flows_claim(c, l, at);
    flows_refresh(c, l);
}

static const struct point *partner(const struct calls *c, const struct point *p, uint64_t ufrag)
{
    const struct live *l = &c->live[p->live];
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        const struct point *other = &c->points[i];
        if (other->party != p->party && other->ufrag == ufrag)
            return other;
    }
    return NULL;
}

/* The newest point of that user fragment whose call has the sender's too. */
static const struct point *receiver_of(const struct calls *c, uint64_t theirs, uint64_t ours,
                                       const struct point **ret_sender)
{
    const struct point *best = NULL;
    unsigned looked = 0;
    struct map_probe probe = map_probe(&c->by_ufrag, theirs);
    for (uint32_t i; (i = map_next(&c->by_ufrag, &probe)) != MAP_NONE && looked < NAMESAKES_MAX;) {
        const struct point *p = &c->points[i];
        looked++;
        if (p->ufrag != theirs || live_is_over(&c->live[p->live]) ||
            (best && p->serial < best->serial))
            continue;
        const struct point *sender = partner(c, p, ours);
        if (sender == NULL)
            continue;
        best = p;
        *ret_sender = sender;
    }
    return best;
}

void ice_check(struct calls *c, const struct datagram *d, struct slice username)
{
    if (c->by_ufrag.count == 0)
        return;
    size_t colon = slice_index(username, ':');
    uint64_t theirs = ice_ufrag(c, slice_sub(username, 0, colon));
    uint64_t ours = ice_ufrag(c, slice_from(username, colon + 1));
    const struct point *sender = NULL;
    const struct point *receiver = theirs && ours ? receiver_of(c, theirs, ours, &sender) : NULL;
    if (receiver == NULL || c->live[receiver->live].call->src.space != d->src.space)
        return;
    learn(c, receiver, &d->dst);
    learn(c, sender, &d->src);
}

void ice_relayed(struct calls *c, const struct endpoint *relayed, const struct endpoint *client)
{
    const struct point *found[POINT_SHARERS_MAX];
    unsigned count = 0;
    struct map_probe probe = map_probe(&c->by_endpoint, endpoint_hash(&c->config.seed, relayed));
    for (uint32_t i;
         (i = map_next(&c->by_endpoint, &probe)) != MAP_NONE && count < POINT_SHARERS_MAX;) {
        const struct point *p = &c->points[i];
        if (endpoint_equal(&p->at, relayed) && !p->retired && !live_is_over(&c->live[p->live]))
            found[count++] = p;
    }
    for (unsigned i = 0; i < count; i++)
        learn(c, found[i], client);
}
