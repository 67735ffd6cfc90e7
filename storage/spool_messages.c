/* The SIP messages of a call, read where they were kept as they came: from the chain of its
 * signalling. What a list shows of a message stands in its text, so nothing about it is stored a
 * second time. */
#include "storage/spool.h"

/* Whose chain it is says its uid: a tail that is damaged must not show the messages of another. */
static bool is_chain_of(const struct spool_reader *reader, const struct call_record *call)
{
    uint8_t uid[16];
    return record_uid_bytes(call->uid, uid) &&
           memcmp(uid, spool_reader_uid(reader), sizeof uid) == 0;
}

static struct spool_reader *chain_open(const char *data_dir, const struct call_record *call)
{
    struct spool_reader *reader;
    for (uint32_t k = 0; k < call->chain_count; k++) {
        const struct record_chain *c = &call->chains[k];
        if (c->party || spool_reader_open(data_dir, c->tail, &reader, NULL) != 0)
            continue;
        if (is_chain_of(reader, call))
            return reader;
        spool_reader_close(reader);
    }
    return NULL;
}

static void message_of(const struct spool_packet *p, uint32_t n, struct record_message *m)
{
    record_message_init(m);
    m->n = n;
    m->time_us = p->time_ns / 1000;
    m->src = p->src;
    m->dst = p->dst;
    m->vlan_outer = p->vlan_outer;
    m->vlan_inner = p->vlan_inner;
    m->retransmission = p->retransmission;
    m->raw = p->payload;
}

int spool_messages(const char *data_dir, const struct call_record *call,
                   message_describe_fn *describe, message_fn *fn, void *context)
{
    struct spool_reader *reader = chain_open(data_dir, call);
    struct spool_packet p;
    struct record_message m;
    uint32_t n = 0;
    size_t text = 0;

    if (reader == NULL)
        return ERR_NOT_FOUND;
    for (int got; (got = spool_reader_next(reader, &p)) != 0;) {
        if (got < 0)
            continue; /* a damaged chunk was skipped */
        text += p.payload.size;
        if (text > CALL_TEXT_MAX)
            break;
        message_of(&p, ++n, &m);
        if (describe)
            describe(call, &p, &m);
        fn(context, &m);
    }
    spool_reader_close(reader);
    return 0;
}
