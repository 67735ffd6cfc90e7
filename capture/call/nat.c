/* A private address that comes from a public one was translated on the way; so was a source that a
 * Via does not name. Names instead of addresses say nothing. */
#include "capture/call/nat.h"

#define SIP_PORT 5060

static bool literal(struct slice host, struct addr *ret_addr)
{
    return host.size && addr_parse(host, ret_addr);
}

static bool is_private_abroad(struct addr named, struct addr source)
{
    return addr_is_private(named) && !addr_is_private(source) && !addr_is_loopback(source);
}

static uint16_t sent_by_port(const struct sip_via *via)
{
    uint16_t port;
    return slice_to_u16(via->port, &port) ? port : SIP_PORT;
}

/* A request comes from the sender of its topmost Via; a response tells what its receiver saw. */
static bool via_differs(const struct sighting *s)
{
    const struct sip_via *via = &s->m->via;
    struct addr sent_by, seen;
    uint16_t rport;
    if (!literal(via->host, &sent_by))
        return false;
    if (s->m->request)
        return !addr_equal(sent_by, s->d->src.addr);
    if (literal(via->received, &seen) && !addr_equal(sent_by, seen))
        return true;
    bool udp = s->d->proto == PROTO_UDP; /* a TCP client's port is any */
    return udp && slice_to_u16(via->rport, &rport) && rport != sent_by_port(via);
}

void nat_message(struct live *l, const struct sighting *s)
{
    struct slice value;
    struct sip_addr contact;
    struct addr host;
    if (!(l->call->nat & CALL_NAT_VIA_RECEIVED) && via_differs(s))
        l->call->nat |= CALL_NAT_VIA_RECEIVED;
    struct addr source = s->d->src.addr;
    if (addr_is_private(source) || addr_is_loopback(source)) /* nothing was translated so far */
        return;
    if (sip_header_item(s->m, SIP_H_CONTACT, 0, &value) && sip_addr_parse(value, &contact) &&
        literal(contact.host, &host) && is_private_abroad(host, source))
        l->call->nat |= CALL_NAT_CONTACT_PRIVATE;
}

void nat_sdp(const struct calls *c, struct live *l, const struct sighting *s)
{
    for (unsigned i = 0; i < c->sdp.media_count; i++) {
        const struct sdp_media *m = &c->sdp.media[i];
        if (m->port && m->has_address && is_private_abroad(m->address, s->d->src.addr))
            l->call->nat |= CALL_NAT_SDP_PRIVATE;
    }
}

void nat_media(const struct calls *c, struct live *l, const struct flow *f)
{
    bool announced = false, private = false;
    if (f->orphan)
        return;
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        const struct point *p = &c->points[i];
        if (p->party != f->party || p->rtcp || addr_is_any(p->at.addr))
            continue;
        if (addr_equal(p->at.addr, f->src.addr))
            return;
        announced = true;
        private |= is_private_abroad(p->at.addr, f->src.addr);
    }
    if (announced)
        l->call->nat |= CALL_NAT_MEDIA_SOURCE;
    if (private)
        l->call->nat |= CALL_NAT_SDP_PRIVATE;
}
