/* Every SDP announces, so a relay that rewrites it on the other side of the tap simply announces
 * more endpoints of the same party (another hop). Seeing an offer or answer twice changes nothing.
 */
#include "capture/call/negotiate.h"

#include "capture/call/announced.h"
#include "capture/call/emit.h"
#include "capture/call/flows.h"
#include "capture/call/ice.h"
#include "capture/call/keys.h"
#include "capture/call/legs.h"
#include "capture/call/lines.h"
#include "capture/call/nat.h"
#include "capture/call/relate.h"

struct slice negotiate_sdp(const struct sip_msg *m)
{
    bool carries = m->method == SIP_INVITE || m->method == SIP_UPDATE || m->method == SIP_PRACK ||
                   (m->method == SIP_ACK && m->request);
    if (!carries || m->body.size == 0 || (!m->request && m->status >= 300))
        return slice_none();
    return sip_body_part(m, "application/sdp");
}

static bool is_offer(const struct live *l, const struct sighting *s)
{
    bool invite_offers = l->invite_offers[s->transaction_of];
    switch (s->m->method) {
    case SIP_INVITE:
        return s->m->request || !invite_offers;
    case SIP_UPDATE:
        return s->m->request;
    case SIP_PRACK:
        return s->m->request && invite_offers;
    default:
        return false;
    }
}

/* The two ends of the signalling, whichever way the message goes. */
static uint32_t hop_of(const struct calls *c, const struct datagram *d)
{
    return (uint32_t)(endpoint_hash(&c->config.seed, &d->src) ^
                      endpoint_hash(&c->config.seed, &d->dst));
}

static bool is_hold(uint8_t direction)
{
    return direction == SDP_SENDONLY || direction == SDP_INACTIVE;
}

/* With ICE an address of zeros only says that the candidates tell (RFC 8839 4.2.1, 4.3.1). */
static bool has_ice(const struct sdp_media *m)
{
    return m->ice_ufrag.size || m->candidate_count;
}

static bool is_zero_hold(const struct sdp_media *m)
{
    return m->has_address && addr_is_any(m->address) && !has_ice(m);
}

/* The line whose transport this one uses: its own but for bundle-only lines (RFC 9143 6). */
static const struct sdp_media *transport_of(const struct sdp *sdp, const struct sdp_media *m)
{
    if (m->port || !m->bundle_only || !sdp_bundled(sdp, m))
        return m;
    for (unsigned i = 0; i < sdp->media_count; i++) {
        if (sdp->media[i].port && sdp_bundled(sdp, &sdp->media[i]))
            return &sdp->media[i];
    }
    return m;
}

/* Of the first line in use: what phones mean by hold. An address of zeros is the old way to say it.
 */
static uint8_t direction_of(const struct sdp *sdp)
{
    for (unsigned i = 0; i < sdp->media_count; i++) {
        const struct sdp_media *m = &sdp->media[i];
        if (m->port == 0)
            continue;
        if (is_zero_hold(m))
            return SDP_INACTIVE;
        return (uint8_t)m->direction;
    }
    return SDP_SENDRECV;
}

/* ---- endpoints ---- */

static void note_endpoint(struct calls *c, struct live *l, const char *kind,
                          const struct endpoint *at)
{
    char text[ENDPOINT_TEXT_SIZE];
    emit_note(c, l, kind, endpoint_text(at, text));
}

/* An endpoint that no packet can have, for a line that has no address of its own yet. */
static struct endpoint nowhere(const struct live *l, const struct announcement *a)
{
    return (struct endpoint){.space = UINT32_MAX - l->call->number,
                             .port = (uint16_t)(a->index << 1 | a->party)};
}

static void take_endpoints(const struct calls *c, const struct live *l, const struct sighting *s,
                           struct announcement *a)
{
    const struct sdp_media *m = transport_of(&c->sdp, a->media);
    if (m->has_address && addr_is_any(m->address)) {
        a->rtp = nowhere(l, a);
        a->rtcp = a->rtp;
        a->rtcp.port = 0;
        return;
    }
    /* a name instead of an address: most likely the one the message came from */
    a->rtp = (struct endpoint){.addr = m->has_address ? m->address : s->d->src.addr,
                               .space = s->d->src.space,
                               .port = m->port};
    a->rtcp = a->rtp;
    a->rtcp.port = m->rtcp_port ? m->rtcp_port : (uint16_t)(m->port + 1);
    if (m->rtcp_port && !addr_is_any(m->rtcp_address))
        a->rtcp.addr = m->rtcp_address;
    if (m->type == SDP_IMAGE)
        a->rtcp.port = 0;
}

/* The other name of a place that has two ([nat] alias). */
static void announce_alias(struct calls *c, struct live *l, const struct announcement *a,
                           const struct endpoint *at, bool rtcp)
{
    for (unsigned i = 0; at->port && i < c->config.alias_count; i++) {
        const struct front_alias *alias = &c->config.alias[i];
        struct endpoint other = *at;
        if (addr_equal(at->addr, alias->one))
            other.addr = alias->other;
        else if (addr_equal(at->addr, alias->other))
            other.addr = alias->one;
        else
            continue;
        if (point_add_candidate(c, l, a, &other, rtcp, false))
            flows_claim(c, l, &other);
    }
}

static struct announcement announcement_of(const struct calls *c, const struct live *l,
                                           const struct sighting *s, unsigned index, bool tentative)
{
    const struct sdp_media *m = &c->sdp.media[index];
    struct announcement a = {.media = m,
                             .index = (uint16_t)index,
                             .party = s->sender,
                             .tentative = tentative,
                             .ufrag = ice_ufrag(c, m->ice_ufrag),
                             .type = (uint8_t)m->type,
                             .ice = has_ice(m),
                             .bundled = sdp_bundled(&c->sdp, m),
                             .rtcp_mux = m->rtcp_mux,
                             .secure = m->secure,
                             .hop = hop_of(c, s->d)};
    take_endpoints(c, l, s, &a);
    return a;
}

static bool is_gone(const struct sdp *sdp, const struct sdp_media *m)
{
    return transport_of(sdp, m)->port == 0;
}

static void announce_line(struct calls *c, struct live *l, const struct announcement *a)
{
    const struct sdp_media *m = a->media;
    if (is_gone(&c->sdp, m)) {
        point_retire(c, l, a);
        return;
    }
    if (is_zero_hold(m)) {
        point_hold(c, l, a);
        return;
    }
    enum announced result = point_announce(c, l, a);
    if (result == ANNOUNCED_MOVED && !addr_is_any(a->rtp.addr))
        note_endpoint(c, l, "media_moved", &a->rtp);
    l->call->encrypted_media |= m->secure;
    if (result == ANNOUNCED_REFUSED)
        return;
    flows_claim(c, l, &a->rtp);
    if (a->rtcp.port)
        flows_claim(c, l, &a->rtcp);
}

/* All lines first: candidates take what room is left. */
static void announce(struct calls *c, struct live *l, const struct sighting *s, bool tentative)
{
    uint32_t before = c->serial;
    for (unsigned i = 0; i < c->sdp.media_count; i++) {
        struct announcement a = announcement_of(c, l, s, i, tentative);
        announce_line(c, l, &a);
    }
    for (unsigned i = 0; i < c->sdp.media_count; i++) {
        struct announcement a = announcement_of(c, l, s, i, tentative);
        if (!is_gone(&c->sdp, a.media) && !is_zero_hold(a.media)) {
            announce_alias(c, l, &a, &a.rtp, false);
            announce_alias(c, l, &a, &a.rtcp, true);
            ice_candidates(c, l, &a);
        }
        points_sweep(c, l, &a, before);
    }
}

/* ---- what it means for the call ---- */

static void change_hold(struct calls *c, struct live *l, uint8_t party, bool hold)
{
    bool before = l->holding[CALL_CALLER] || l->holding[CALL_CALLEE];
    l->holding[party] = hold;
    bool after = l->holding[CALL_CALLER] || l->holding[CALL_CALLEE];
    if (!l->answered || live_is_over(l) || before == after)
        return;
    struct call *call = l->call;
    if (after) {
        call->holds += call->holds < UINT16_MAX;
        l->hold_since_ns = c->time_ns;
        emit_note(c, l, "hold", call_party_text(party));
        return;
    }
    if (l->hold_since_ns && c->time_ns > l->hold_since_ns)
        call->held_ns += c->time_ns - l->hold_since_ns;
    l->hold_since_ns = 0;
    emit_note(c, l, "resume", call_party_text(party));
}

static void set_hold(struct calls *c, struct live *l, const struct sighting *s, bool hold)
{
    bool changes = l->holding[s->sender] != hold;
    change_hold(c, l, s->sender, hold);
    if (changes && l->answered && !live_is_over(l))
        relate_hold(c, l, s, hold);
}

static uint32_t lines_in_use(const struct sdp *sdp)
{
    uint32_t lines = 0;
    for (unsigned i = 0; i < sdp->media_count; i++)
        lines |= transport_of(sdp, &sdp->media[i])->port ? UINT32_C(1) << i : 0;
    return lines;
}

static void note_lines(struct calls *c, struct live *l, uint32_t lines, const char *kind)
{
    for (unsigned i = 0; i < c->sdp.media_count; i++) {
        char text[32];
        if ((lines >> i & 1) == 0)
            continue;
        slice_copy_to(c->sdp.media[i].type_text, text, sizeof text);
        emit_note(c, l, kind, text);
    }
}

static bool has_image(const struct sdp *sdp, uint32_t lines)
{
    for (unsigned i = 0; i < sdp->media_count; i++)
        if ((lines >> i & 1) && sdp->media[i].type == SDP_IMAGE)
            return true;
    return false;
}

/* Both sides have agreed on T.38 (or no longer); an offer that is refused changes nothing. */
static void note_fax(struct calls *c, struct live *l, bool fax)
{
    if (fax != l->fax)
        emit_note(c, l, fax ? "fax_start" : "fax_end", "t38");
    l->fax = fax;
}

static void take_offer(struct calls *c, struct live *l, const struct sighting *s)
{
    uint8_t direction = direction_of(&c->sdp);
    struct offer *offer = &l->offer[s->sender];
    lines_offer(c, l, s->sender);
    if (!offer->open || offer->cseq != s->m->cseq) /* else it is on its way behind a proxy */
        offer->held_before = l->holding[s->sender];
    offer->lines = lines_in_use(&c->sdp);
    offer->cseq = s->m->cseq;
    offer->direction = direction;
    offer->open = true;
    set_hold(c, l, s, is_hold(direction));
}

static void take_answer(struct calls *c, struct live *l, const struct sighting *s)
{
    uint8_t direction = direction_of(&c->sdp);
    uint8_t offerer = s->sender == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
    struct offer *offer = &l->offer[offerer];
    bool unseen = !s->m->request && s->m->cseq > offer->cseq;
    uint32_t agreed = offer->lines & lines_in_use(&c->sdp);
    lines_answer(c, l);
    if (unseen && direction == SDP_SENDRECV) /* nothing else answers so (RFC 3264 6.1) */
        change_hold(c, l, offerer, false);
    if (offer->direction == SDP_SENDRECV) /* else it only mirrors the offer */
        set_hold(c, l, s, is_hold(direction));
    if (l->negotiated) {
        note_lines(c, l, agreed & ~l->agreed, "media_added");
        note_lines(c, l, l->agreed & ~agreed, "media_removed");
    }
    note_fax(c, l, has_image(&c->sdp, agreed));
    l->agreed = agreed;
    l->negotiated = true;
    offer->open = false;
}

void negotiate(struct calls *c, struct live *l, const struct sighting *s)
{
    nat_message(l, s);
    if (s->m->request && s->m->method == SIP_INVITE)
        l->invite_offers[s->transaction_of] = s->sdp.size > 0;
    if (s->sdp.size == 0)
        return;
    if (sdp_parse(s->sdp, &c->sdp) != SDP_OK) {
        counters_add(
            c->counters,
            C_PARSE_ERRORS + LABEL_PROTO_SIP * LABEL_COUNT_PARSE_REASON + LABEL_PARSE_SYNTAX, 1);
        return;
    }
    if (c->sdp.limited) {
        l->call->limited = true;
        counters_add(
            c->counters,
            C_PARSE_ERRORS + LABEL_PROTO_SIP * LABEL_COUNT_PARSE_REASON + LABEL_PARSE_LIMIT, 1);
    }
    l->last_sdp_ns = c->steady_ns;
    keys_sdp(l->call, s, &c->sdp);
    bool offer = is_offer(l, s);
    bool tentative = offer && l->negotiated;
    if (offer)
        take_offer(c, l, s);
    else
        take_answer(c, l, s);
    emit_media_keys(c, l, s);
    announce(c, l, s, tentative);
    announced_note(c, l, s);
    nat_sdp(c, l, s);
    if (!offer)
        points_settle(c, l, s->sender == CALL_CALLER ? CALL_CALLEE : CALL_CALLER, true);
    flows_refresh(c, l);
}

/* ---- the answer of another leg ---- */

#define ANSWER_KEPT_MAX 4096

struct leg_answer {
    struct datagram d; /* without its payload */
    struct slice sdp;
};

void negotiate_later(struct live *l, const struct sighting *s)
{
    struct call_leg *leg = legs_find(l, s->to_tag);
    bool answers = !s->m->request && s->m->method == SIP_INVITE && s->m->status >= 200;
    if (!answers || leg == NULL || leg->answer || s->sdp.size == 0 || s->sdp.size > ANSWER_KEPT_MAX)
        return;
    struct leg_answer *a = arena_alloc(l->call->arena, sizeof *a);
    if (a == NULL)
        return;
    a->d = *s->d;
    a->d.payload = slice_none();
    a->sdp = arena_copy(l->call->arena, s->sdp);
    leg->answer = a;
}

void negotiate_moved(struct calls *c, struct live *l, const struct call_leg *leg)
{
    if (leg->answer == NULL || sdp_parse(leg->answer->sdp, &c->sdp) != SDP_OK)
        return;
    struct sighting s = {
        .d = &leg->answer->d, .sdp = leg->answer->sdp, .sender = CALL_CALLEE, .to_tag = leg->key};
    l->call->limited |= c->sdp.limited;
    change_hold(c, l, CALL_CALLEE, is_hold(direction_of(&c->sdp)));
    emit_media_keys(c, l, &s);
    announce(c, l, &s, false);
    announced_note(c, l, &s);
    nat_sdp(c, l, &s);
    flows_refresh(c, l);
}

/* ---- refusals ---- */

/* A hold that was refused is none, and so is the end of one. */
static void undo_hold(struct calls *c, struct live *l, uint8_t party)
{
    uint16_t holds = l->call->holds;
    bool held = l->holding[CALL_CALLER] || l->holding[CALL_CALLEE];
    change_hold(c, l, party, l->offer[party].held_before);
    bool holds_on = l->holding[CALL_CALLER] || l->holding[CALL_CALLEE];
    l->call->holds = held && !holds_on && holds ? holds - 1 : holds;
}

void negotiate_refused(struct calls *c, struct live *l, const struct sighting *s)
{
    struct offer *offer = &l->offer[s->transaction_of];
    if (offer->open && offer->cseq == s->m->cseq) {
        undo_hold(c, l, s->transaction_of);
        offer->open = false;
    }
    points_settle(c, l, s->transaction_of, false);
    flows_refresh(c, l);
}
