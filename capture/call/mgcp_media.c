/* The remote description of one connection is the local one of the other, said once more: what the
 * same party has announced already under another hop stays as it is. There are no offers and
 * answers here, each description counts at once. */
#include "capture/call/mgcp_media.h"

#include "capture/call/emit.h"
#include "capture/call/flows.h"

static bool is_known(const struct calls *c, const struct live *l, const struct announcement *a)
{
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        const struct point *p = &c->points[i];
        if (p->party == a->party && p->hop != a->hop && !p->rtcp && !p->retired &&
            endpoint_equal(&p->at, &a->rtp))
            return true;
    }
    return false;
}

static void set_endpoints(struct announcement *a, const struct endpoint *host)
{
    const struct sdp_media *m = a->media;
    a->rtp = (struct endpoint){
        .addr = m->has_address ? m->address : host->addr, .space = host->space, .port = m->port};
    a->rtcp = a->rtp;
    a->rtcp.port = m->rtcp_port ? m->rtcp_port : (uint16_t)(m->port + 1);
    if (m->rtcp_port && !addr_is_any(m->rtcp_address))
        a->rtcp.addr = m->rtcp_address;
    if (m->type == SDP_IMAGE)
        a->rtcp.port = 0;
}

static void announce_line(struct calls *c, struct live *l, struct announcement *a,
                          const struct endpoint *host)
{
    char text[ENDPOINT_TEXT_SIZE];
    const struct sdp_media *m = a->media;
    if (m->port == 0) {
        point_retire(c, l, a);
        return;
    }
    if (m->has_address && addr_is_any(m->address)) {
        point_hold(c, l, a);
        return;
    }
    set_endpoints(a, host);
    if (is_known(c, l, a))
        return;
    enum announced result = point_announce(c, l, a);
    if (result == ANNOUNCED_MOVED)
        emit_note(c, l, "media_moved", endpoint_text(&a->rtp, text));
    l->call->encrypted_media |= m->secure;
    if (result == ANNOUNCED_REFUSED)
        return;
    flows_claim(c, l, &a->rtp);
    if (a->rtcp.port)
        flows_claim(c, l, &a->rtcp);
}

bool mgcp_media_announce(struct calls *c, struct live *l, struct slice sdp, uint8_t party,
                         uint32_t hop, const struct endpoint *host)
{
    if (sdp_parse(sdp, &c->sdp) != SDP_OK)
        return false;
    for (unsigned i = 0; i < c->sdp.media_count; i++) {
        struct announcement a = {
            .media = &c->sdp.media[i], .index = (uint16_t)i, .party = party, .hop = hop};
        announce_line(c, l, &a, host);
    }
    flows_refresh(c, l);
    return true;
}
