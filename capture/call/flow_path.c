/* Media goes on over another pair of addresses when ICE chooses another pair of candidates, or when
 * a NAT gives a phone another port. It is the same stream: same SSRC, the sequence goes on. So the
 * new flow's packets go under the old one's number (flow.as), and the worker sees one stream. Not
 * so the copy of a stream on another hop: its numbers have been seen already. Between addresses
 * that ICE announced the first packet is believed; else the receiver must be the same and the old
 * source silent, since packets with a forged source know the numbers too.
 *
 * An endpoint has one talker. While one that SDP names sends there, or, when SDP names nobody, the
 * one who came first, another source is foreign: followed, but not kept and not counted as the
 * party's media, until the other has been silent for SILENCE_NS (music on hold from elsewhere). */
#include "capture/call/flow_path.h"

#include "capture/call/emit.h"

#define AHEAD_MAX  3000 /* sequence numbers that may be lost on the way over: a minute */
#define MOVED_NS   INT64_C(60000000)
#define SILENCE_NS INT64_C(1000000000)

static bool same_path(const struct flow *f, const struct flow *g)
{
    return f->as == g->as;
}

/* Does `f` go on where `g` stopped? */
static bool goes_on(const struct flow *f, const struct flow *g, uint32_t ssrc, uint16_t sequence)
{
    int16_t ahead = (int16_t)(uint16_t)(sequence - g->newest);
    return g->rtp_seen && !g->image && g->party == f->party && g->ssrc == ssrc && ahead > 0 &&
           ahead <= AHEAD_MAX;
}

static bool by_ice(struct calls *c, const struct flow *f)
{
    struct binding b = points_bind_in(c, &c->live[f->live], &f->src, &f->dst, false);
    return b.confidence == FLOW_SDP && b.dst && b.dst->ice && b.src && b.src->ice;
}

static struct flow *predecessor(struct calls *c, const struct flow *f, uint32_t ssrc,
                                uint16_t sequence)
{
    struct flow *best = NULL;
    for (uint32_t i = c->live[f->live].flows; i != NO_INDEX; i = c->flows[i].next) {
        struct flow *g = &c->flows[i];
        if (g == f || same_path(f, g) || !goes_on(f, g, ssrc, sequence) ||
            (best && g->last_ns < best->last_ns))
            continue;
        bool rebound = endpoint_equal(&f->dst, &g->dst) && c->steady_ns - g->last_ns >= MOVED_NS;
        if (rebound || by_ice(c, f))
            best = g;
    }
    return best;
}

static void follow(struct calls *c, struct flow *f, const struct flow *before)
{
    char text[ENDPOINT_TEXT_SIZE];
    bool same_dst = endpoint_equal(&f->dst, &before->dst);
    f->as = before->as;
    c->flows[f->as].followed = true;
    emit_note(c, &c->live[f->live], "media_moved",
              endpoint_text(same_dst ? &f->src : &f->dst, text));
}

/* Somebody else is sending where `f` sends. */
static bool is_busy(const struct calls *c, const struct flow *f)
{
    for (uint32_t i = c->live[f->live].flows; i != NO_INDEX; i = c->flows[i].next) {
        const struct flow *g = &c->flows[i];
        if (g != f && !same_path(f, g) && g->rtp_seen && !g->image &&
            endpoint_equal(&g->dst, &f->dst) && c->steady_ns - g->last_ns < SILENCE_NS)
            return true;
    }
    return false;
}

/* The one whom SDP names is here: whoever was learned gives way. */
static void displace(struct calls *c, const struct flow *f)
{
    for (uint32_t i = c->live[f->live].flows; i != NO_INDEX; i = c->flows[i].next) {
        struct flow *g = &c->flows[i];
        if (g == f || same_path(f, g) || g->confidence != FLOW_LEARNED || !g->rtp_seen ||
            !endpoint_equal(&g->dst, &f->dst) || c->steady_ns - g->last_ns >= SILENCE_NS)
            continue;
        g->foreign = true;
        g->rtp_seen = false;
        flow_describe(c, g);
    }
}

bool path_first_rtp(struct calls *c, struct flow *f, uint32_t ssrc, uint16_t sequence)
{
    if (f->orphan || f->guarded || f->image)
        return true;
    struct flow *before = predecessor(c, f, ssrc, sequence);
    if (before)
        follow(c, f, before);
    bool foreign = before == NULL && f->confidence == FLOW_LEARNED && is_busy(c, f);
    if (f->confidence == FLOW_SDP)
        displace(c, f);
    if (foreign != f->foreign) {
        f->foreign = foreign;
        flow_describe(c, f);
    }
    return !foreign;
}
