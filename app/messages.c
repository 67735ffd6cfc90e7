/* Reads a call's signalling chain and writes the messages with what a list of them shows. */
#include "app/messages.h"

#include "capture/net/datagram.h"
#include "capture/sip/sip.h"

#define TEXT_MAX ((size_t)4 << 20) /* of one call: what comes behind is not listed */

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

static void describe(const struct call_record *r, struct record_message *m)
{
    struct sip_msg sip;
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

static void message_of(const struct call_record *r, const struct spool_packet *p, uint32_t n, struct record_message *m)
{
    record_message_init(m);
    m->n = n;
    m->time_us = p->time_ns / 1000;
    m->src = p->src;
    m->dst = p->dst;
    m->transport = transport_text(p->transport);
    m->vlan_outer = p->vlan_outer;
    m->vlan_inner = p->vlan_inner;
    m->retransmission = p->retransmission;
    m->raw = p->payload;
    describe(r, m);
}

static bool open_signalling(const char *data_dir, struct spool_reader **reader, const struct call_record *r)
{
    bool truncated;
    for (uint32_t k = 0; k < r->chain_count; k++)
        if (r->chains[k].party == NULL && spool_reader_open_next(data_dir, r->chains[k].tail, reader, &truncated) == 0)
            return true;
    return false;
}

/* Each lives until the next is read: nothing is copied on the way. */
static void walk(const char *data_dir, struct spool_reader **reader, const struct call_record *r, messages_fn *fn,
                 void *context)
{
    struct spool_packet p;
    struct record_message m;
    uint32_t n = 0;
    size_t text = 0;
    if (!open_signalling(data_dir, reader, r))
        return;
    for (int got; (got = spool_reader_next(*reader, &p)) != 0;) {
        if (got < 0)
            continue;
        text += p.payload.size;
        if (text > TEXT_MAX)
            return;
        message_of(r, &p, ++n, &m);
        fn(context, &m);
    }
}

static void store_one(void *context, const struct record_message *m)
{
    store_messages_add(context, m);
}

int messages_store(struct store *store, const char *data_dir, struct spool_reader **reader, const struct call_record *r)
{
    store_messages_begin(store);
    walk(data_dir, reader, r, store_one, store);
    return store_messages_end(store, r->uid, r->started_us);
}

void messages_each(const char *data_dir, const struct call_record *r, messages_fn *fn, void *context)
{
    struct spool_reader *reader = NULL;
    walk(data_dir, &reader, r, fn, context);
    spool_reader_close(reader);
}
