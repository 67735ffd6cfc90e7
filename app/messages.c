/* Reads a call's signalling chain and writes the messages with what a list of them shows. */
#include "app/messages.h"

#include "capture/net/datagram.h"
#include "capture/sip/sip.h"

struct gathering {
    struct arena *arena;
    const struct call_record *call;
    struct record_message *messages;
    unsigned count, room;
};

#define TEXT_MAX ((size_t)1 << 20)

static bool grow(struct gathering *g)
{
    if (g->count < g->room)
        return true;
    unsigned room = g->room ? g->room * 2 : 16;
    struct record_message *more = arena_alloc(g->arena, room * sizeof *more);
    if (more == NULL)
        return false;
    if (g->count)
        memcpy(more, g->messages, g->count * sizeof *more);
    g->messages = more;
    g->room = room;
    return true;
}

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
    if (sip_parse(m->raw, &sip) != SIP_OK)
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

static bool add(struct gathering *g, const struct spool_packet *p)
{
    if (!grow(g))
        return false;
    struct record_message *m = &g->messages[g->count];
    record_message_init(m);
    m->n = g->count + 1;
    m->time_us = p->time_ns / 1000;
    m->src = p->src;
    m->dst = p->dst;
    m->transport = transport_text(p->transport);
    m->vlan_outer = p->vlan_outer;
    m->vlan_inner = p->vlan_inner;
    m->retransmission = p->retransmission;
    m->raw = arena_copy(g->arena, p->payload);
    if (m->raw.size != p->payload.size)
        return false;
    describe(g->call, m);
    g->count++;
    return true;
}

static void gather(struct gathering *g, struct spool_reader *reader)
{
    struct spool_packet p;
    for (int got; (got = spool_reader_next(reader, &p)) != 0;)
        if (got > 0 && !add(g, &p))
            return;
}

static bool open_signalling(const char *data_dir, struct spool_reader **reader, const struct call_record *r)
{
    bool truncated;
    for (uint32_t k = 0; k < r->chain_count; k++)
        if (r->chains[k].party == NULL && spool_reader_open_next(data_dir, r->chains[k].tail, reader, &truncated) == 0)
            return true;
    return false;
}

/* All of them into an arena that the caller frees; NULL: there are none. */
static struct arena *gather_all(const char *data_dir, struct spool_reader **reader, const struct call_record *r,
                                struct gathering *g)
{
    if (!open_signalling(data_dir, reader, r))
        return NULL;
    *g = (struct gathering){.arena = arena_new(16384, 4 * TEXT_MAX), .call = r};
    if (g->arena)
        gather(g, *reader);
    return g->arena;
}

int messages_store(struct store *store, const char *data_dir, struct spool_reader **reader, const struct call_record *r)
{
    struct gathering g = {0};
    int err = 0;
    gather_all(data_dir, reader, r, &g);
    if (g.count)
        err = store_put_messages(store, r->uid, r->started_us, g.messages, g.count);
    arena_free(g.arena);
    return err;
}

void messages_each(const char *data_dir, const struct call_record *r, messages_fn *fn, void *context)
{
    struct gathering g = {0};
    struct spool_reader *reader = NULL;
    gather_all(data_dir, &reader, r, &g);
    spool_reader_close(reader);
    for (unsigned i = 0; i < g.count; i++)
        fn(context, &g.messages[i]);
    arena_free(g.arena);
}
