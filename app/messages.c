/* See messages.h. */
#include "app/messages.h"

#include "capture/net/datagram.h"
#include "capture/sip/sip.h"

/* Tags tell it behind any number of proxies: a request carries its sender's in From, a response the other's. */
static const char *party_by_tags(const struct call_record *r, const struct sip_msg *sip)
{
    struct slice caller = r->from.tag;
    if (caller.size == 0)
        return NULL;
    bool from_caller = slice_equal(sip->from.tag, caller);
    if (!from_caller && !slice_equal(sip->to.tag, caller))
        return NULL;
    return from_caller == sip->request ? "caller" : "callee";
}

static const char *party_by_addresses(const struct call_record *r, const struct record_message *m)
{
    if (endpoint_equal(&m->src, &r->src) || endpoint_equal(&m->dst, &r->dst))
        return "caller";
    if (endpoint_equal(&m->src, &r->dst) || endpoint_equal(&m->dst, &r->src))
        return "callee";
    return "unknown";
}

void message_describe(const struct call_record *r, const struct spool_packet *packet, struct record_message *m)
{
    struct sip_msg sip;
    m->transport = transport_text(packet->transport);
    m->party = party_by_addresses(r, m);
    if (sip_outline(m->raw, &sip) != SIP_OK)
        return;
    const char *party = party_by_tags(r, &sip);
    if (party)
        m->party = party;
    m->method = sip.request || sip.cseq_method.size == 0 ? sip.method_text : sip.cseq_method;
    m->status = sip.request ? 0 : sip.status;
    m->reason_phrase = sip.reason_phrase;
    m->cseq = sip.cseq;
    m->has_sdp = sip_body_part(&sip, "application/sdp").size > 0;
}
