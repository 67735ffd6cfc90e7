/* Media goes on over another pair of addresses when ICE chooses another pair of candidates, or when
 * a NAT gives a phone another port. It is the same stream: same SSRC, the sequence goes on. So the
 * new flow's packets go under the old one's number (flow.as), and the worker sees one stream. Not
 * so the copy of a stream on another hop: its numbers have been seen already. Between addresses
 * that ICE announced the first packet is believed; else the receiver must be the same and the old
 * source silent, since packets with a forged source know the numbers too.
 *
 * An endpoint has one talker: the source that SDP names, or, when SDP names nobody, the one who
 * came first. Another source is foreign: followed, but not kept and not counted as the party's
 * media. The endpoint passes to it once the talker has been silent for SILENCE_NS and something
 * supports that: SDP came since (music on hold from elsewhere), it is another port of the same
 * host, or the new one has sent alone for SUSTAINED_NS. When the named one talks again it is his at
 * once.
 *
 * Who was believed because he came first, and gives way to the named one, is foreign from his
 * first packet, unless he had the endpoint for PARTY_NS of the answered call. */
#include "capture/call/flow_path.h"

#include "capture/call/emit.h"
#include "capture/call/finding_note.h"
#include "capture/finding/finding.h"

#define AHEAD_MAX    3000 /* sequence numbers that may be lost on the way over: a minute */
#define MOVED_NS     INT64_C(60000000)
#define SILENCE_NS   PATH_PAUSE_NS
#define SUSTAINED_NS INT64_C(3000000000)
#define PARTY_NS     INT64_C(5000000000)
#define TELL_EACH    64 /* packets of a stranger, one by one, then so many at a time */

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

/* Another one who sends, or sent, where `f` sends, and is no stranger; the newest. NULL: nobody. */
static struct flow *talker_at(const struct calls *c, const struct flow *f)
{
    struct flow *talker = NULL;
    for (uint32_t i = c->live[f->live].flows; i != NO_INDEX; i = c->flows[i].next) {
        struct flow *g = &c->flows[i];
        if (g != f && !same_path(f, g) && g->rtp_seen && !g->image &&
            endpoint_equal(&g->dst, &f->dst) && (talker == NULL || g->last_ns > talker->last_ns))
            talker = g;
    }
    return talker;
}

/* May `f`, whom SDP does not name, have the endpoint? */
static bool may_have(const struct calls *c, const struct flow *f)
{
    const struct flow *talker = talker_at(c, f);
    if (talker == NULL)
        return true;
    int64_t now_ns = c->steady_ns;
    if (now_ns - talker->last_ns < SILENCE_NS)
        return false;
    int64_t alone_ns = talker->last_ns > f->talk_ns ? talker->last_ns : f->talk_ns;
    bool signalled = c->live[f->live].last_sdp_ns > talker->last_ns - SILENCE_NS;
    return signalled || addr_equal(f->src.addr, talker->src.addr) ||
           (f->foreign && now_ns - alone_ns >= SUSTAINED_NS);
}

static bool had_endpoint(const struct calls *c, const struct flow *g)
{
    const struct call *call = c->live[g->live].call;
    int64_t answered_ns =
        call->answered_ns ? c->steady_ns - (c->time_ns - call->answered_ns) : c->steady_ns;
    int64_t since_ns = answered_ns > g->first_ns ? answered_ns : g->first_ns;
    return c->steady_ns - since_ns >= PARTY_NS;
}

static void make_foreign(struct calls *c, struct flow *f, bool was_party)
{
    f->foreign = true;
    f->was_party |= was_party;
    f->rtp_seen = false;
    f->talk_ns = c->steady_ns;
    flow_describe(c, f);
}

/* The one whom SDP names is here: whoever was learned gives way. */
static void displace(struct calls *c, const struct flow *f)
{
    for (uint32_t i = c->live[f->live].flows; i != NO_INDEX; i = c->flows[i].next) {
        struct flow *g = &c->flows[i];
        if (g == f || same_path(f, g) || g->confidence != FLOW_LEARNED || !g->rtp_seen ||
            !endpoint_equal(&g->dst, &f->dst) || c->steady_ns - g->last_ns >= SILENCE_NS)
            continue;
        make_foreign(c, g, had_endpoint(c, g));
    }
}

/* One more packet of a stranger. */
static void count_strange(struct calls *c, struct flow *f)
{
    uint32_t n = ++f->strange;
    if (n <= TELL_EACH || n % TELL_EACH == 0)
        finding_note_media(c, &c->live[f->live], RULE_RTP_SOURCE, &f->src, &f->dst,
                           n <= TELL_EACH ? 1 : TELL_EACH);
}

bool path_first_rtp(struct calls *c, struct flow *f, uint32_t ssrc, uint16_t sequence)
{
    if (f->orphan || f->guarded || f->image)
        return true;
    struct flow *before = predecessor(c, f, ssrc, sequence);
    if (before)
        follow(c, f, before);
    bool foreign = before == NULL && f->confidence != FLOW_SDP &&
                   f->confidence != FLOW_SDP_SOURCE && !may_have(c, f);
    if (f->confidence == FLOW_SDP)
        displace(c, f);
    if (foreign && !f->foreign)
        make_foreign(c, f, false);
    if (!foreign && f->foreign) {
        f->foreign = false;
        f->was_party = true;
        flow_describe(c, f);
    }
    if (foreign)
        count_strange(c, f);
    return !foreign;
}

/* ---- between the same addresses ---- */

#define NEAR 64 /* numbers from one packet to the next */

/* Two who talk in turn, in the same payload type: not the keys or the second line of one phone. */
void path_other_ssrc(struct calls *c, struct flow *f, uint32_t ssrc, uint8_t type)
{
    if (f->talker[0] == ssrc)
        return;
    bool back = f->talker[1] == ssrc && f->talker_type == type;
    f->talker[1] = f->talker[0];
    f->talker[0] = ssrc;
    f->talker_type = type;
    if (back && f->single && !f->foreign)
        finding_note_media(c, &c->live[f->live], RULE_RTP_SSRC, &f->src, &f->dst, 1);
}

void path_jump(struct calls *c, struct flow *f, uint16_t sequence)
{
    int16_t step = (int16_t)(uint16_t)(sequence - f->newest);
    if (step >= -NEAR && step <= NEAR)
        return; /* late, or twice */
    uint16_t on = (uint16_t)(sequence - f->line);
    if (on >= 1 && on <= NEAR && f->single && !f->foreign)
        finding_note_media(c, &c->live[f->live], RULE_RTP_SEQUENCE, &f->src, &f->dst, 1);
    f->line = f->newest;
}
