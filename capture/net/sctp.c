/* SCTP packets: the common header, chunk after chunk, fragments to messages.
 *
 *   packet -> INIT, INIT ACK: the tag in it begins anew     ABORT, SHUTDOWN COMPLETE: it ends
 *          -> DATA, I-DATA -> TSN seen before? -> whole: given out in place
 *                                              -> a fragment: kept (sctp_table.c); when its run has
 *                                                 beginning and end, put together and given out */
#include "capture/net/sctp.h"

#include <stdlib.h>

#include "base/error.h"
#include "capture/net/layer.h"
#include "capture/net/sctp_table.h"

#define CHUNK_HEADER    4u
#define REFLECTED       1u /* T bit: the tag is that of the other direction */
#define ASSOCIATIONS    4096u
#define BYTES_MAX       (8u << 20)
#define MESSAGE_MAX     (128u << 10)
#define BUNDLED_MAX     64u /* fragments kept of one packet: more are a waste of our time */
#define GAP_NS          INT64_C(5000000000)
#define GROUP_I_DATA    (UINT64_C(1) << 63)
#define GROUP_UNORDERED (UINT64_C(1) << 62)

enum chunk_type {
    CHUNK_DATA = 0,
    CHUNK_INIT = 1,
    CHUNK_INIT_ACK = 2,
    CHUNK_ABORT = 6,
    CHUNK_SHUTDOWN_COMPLETE = 14,
    CHUNK_I_DATA = 64,
};

/* A packet on its way through the chunks. */
struct arrival {
    struct datagram message; /* what a message of this packet looks like */
    uint32_t tag;
    uint32_t association; /* SCTP_NONE: not looked up */
    uint32_t fragments;   /* kept so far */
};

struct chunk {
    uint8_t type;
    uint8_t flags;
    struct slice body;
};

static void refuse(const struct sctp *s, enum net_reason reason)
{
    if (s->counters)
        counters_add(s->counters, s->errors_cell + reason, 1);
}

static void make_key(uint32_t tag, const struct endpoint *src, const struct endpoint *dst,
                     uint64_t ret_key[SCTP_KEY_WORDS])
{
    bool addresses = tag == 0;
    ret_key[0] = (uint64_t)tag << 32 | (uint32_t)src->port << 16 | dst->port;
    ret_key[1] = src->space;
    ret_key[2] = addresses ? src->addr.high : 0;
    ret_key[3] = addresses ? src->addr.low : 0;
    ret_key[4] = addresses ? dst->addr.high : 0;
    ret_key[5] = addresses ? dst->addr.low : 0;
}

/* ---- messages ---- */

static void give_out(struct sctp *s, struct arrival *a, uint32_t protocol, struct slice message)
{
    a->message.payload = message;
    a->message.payload_wire = (uint32_t)message.size;
    s->fn(s->context, &a->message, protocol);
}

/* One stream, one sequence number: else somebody's fragments do not belong together. */
static bool same_message(const struct sctp_fragment *a, const struct sctp_fragment *b)
{
    return a->stream == b->stream;
}

/* Puts the run together when it has both ends. */
static void try_run(struct sctp *s, struct arrival *a, uint32_t any)
{
    uint32_t first = sctp_run_first(s, any), last = first;
    const struct sctp_fragment *f = sctp_fragment_at(s, first);
    if (!(f->flags & SCTP_BEGIN))
        return;
    uint32_t protocol = f->protocol;
    size_t size = 0;
    bool fits = true, same = true;
    for (uint32_t i = first; i != SCTP_NONE; i = sctp_run_next(s, i)) {
        const struct sctp_fragment *part = sctp_fragment_at(s, i);
        fits = fits && part->size <= s->config.message_max - size;
        same = same && same_message(f, part);
        if (fits && same)
            size += part->size;
        last = i;
    }
    bool ended = sctp_fragment_at(s, last)->flags & SCTP_END;
    if (fits && same && !ended)
        return;
    size = 0;
    for (uint32_t i = first; fits && same && i != SCTP_NONE; i = sctp_run_next(s, i)) {
        sctp_fragment_copy(s, i, s->whole + size);
        size += sctp_fragment_at(s, i)->size;
    }
    sctp_run_release(s, first);
    if (fits && same)
        give_out(s, a, protocol, slice_of(s->whole, size));
    else
        refuse(s, same ? REASON_LIMIT : REASON_SYNTAX);
}

static void take_data(struct sctp *s, struct arrival *a, uint32_t tsn, struct sctp_fragment *f,
                      struct slice bytes)
{
    uint64_t key[SCTP_KEY_WORDS];
    if (a->association == SCTP_NONE) {
        make_key(a->tag, &a->message.src, &a->message.dst, key);
        a->association = sctp_association_take(s, key, a->message.time_ns);
    }
    if (!sctp_association_new_tsn(&s->associations[a->association], tsn))
        return;
    bool whole = (f->flags & (SCTP_BEGIN | SCTP_END)) == (SCTP_BEGIN | SCTP_END);
    if (bytes.size > s->config.message_max || (!whole && ++a->fragments > BUNDLED_MAX)) {
        refuse(s, REASON_LIMIT);
        return;
    }
    if (whole) {
        give_out(s, a, f->protocol, bytes);
        return;
    }
    f->association = a->association;
    f->time_ns = a->message.time_ns;
    uint32_t i = sctp_fragment_add(s, f, bytes);
    if (i != SCTP_NONE)
        try_run(s, a, i);
}

/* ---- chunks ---- */

static void data_chunk(struct sctp *s, struct arrival *a, const struct chunk *chunk)
{
    struct cursor c = cursor_over(chunk->body);
    uint32_t tsn = cursor_u32(&c);
    uint32_t stream = cursor_u16(&c);
    uint32_t sequence = cursor_u16(&c);
    if (chunk->flags & SCTP_UNORDERED)
        sequence = 0; /* says nothing then */
    struct sctp_fragment f = {.order = tsn,
                              .stream = stream << 16 | sequence,
                              .protocol = cursor_u32(&c),
                              .flags = chunk->flags};
    struct slice bytes = cursor_rest(&c);
    if (c.failed || bytes.size == 0)
        refuse(s, REASON_LENGTH);
    else
        take_data(s, a, tsn, &f, bytes);
}

static void i_data_chunk(struct sctp *s, struct arrival *a, const struct chunk *chunk)
{
    struct cursor c = cursor_over(chunk->body);
    bool begin = chunk->flags & SCTP_BEGIN;
    uint32_t tsn = cursor_u32(&c);
    uint64_t stream = cursor_u16(&c);
    cursor_skip(&c, 2);
    uint64_t message = cursor_u32(&c);
    uint32_t number = cursor_u32(&c); /* the first fragment has its protocol in place of a 0 */
    struct sctp_fragment f = {.group = GROUP_I_DATA | stream << 32 | message |
                                       (chunk->flags & SCTP_UNORDERED ? GROUP_UNORDERED : 0),
                              .order = begin ? 0 : number,
                              .protocol = begin ? number : 0,
                              .flags = chunk->flags};
    struct slice bytes = cursor_rest(&c);
    if (c.failed || bytes.size == 0)
        refuse(s, REASON_LENGTH);
    else
        take_data(s, a, tsn, &f, bytes);
}

static void end_association(struct sctp *s, struct arrival *a, uint32_t tag, bool reflected)
{
    uint64_t key[SCTP_KEY_WORDS];
    const struct datagram *m = &a->message;
    make_key(tag, reflected ? &m->dst : &m->src, reflected ? &m->src : &m->dst, key);
    uint32_t i = sctp_association_find(s, key);
    if (i != SCTP_NONE)
        sctp_association_release(s, i, false);
    a->association = SCTP_NONE;
}

/* The tag that it brings is that of packets the other way; none were sent with it before. */
static void init_chunk(struct sctp *s, struct arrival *a, const struct chunk *chunk)
{
    struct cursor c = cursor_over(chunk->body);
    uint32_t tag = cursor_u32(&c);
    if (c.failed)
        refuse(s, REASON_LENGTH);
    else
        end_association(s, a, tag, true);
}

static void take_chunk(struct sctp *s, struct arrival *a, const struct chunk *chunk)
{
    switch (chunk->type) {
    case CHUNK_DATA:
        data_chunk(s, a, chunk);
        break;
    case CHUNK_I_DATA:
        i_data_chunk(s, a, chunk);
        break;
    case CHUNK_INIT:
    case CHUNK_INIT_ACK:
        init_chunk(s, a, chunk);
        break;
    case CHUNK_ABORT:
    case CHUNK_SHUTDOWN_COMPLETE:
        end_association(s, a, a->tag, chunk->flags & REFLECTED);
        break;
    default:
        break;
    }
}

/* `cut`: bytes of the packet that the capture left out. */
static bool next_chunk(const struct sctp *s, struct cursor *c, uint32_t cut,
                       struct chunk *ret_chunk)
{
    if (cursor_left(c) < CHUNK_HEADER) {
        if (cursor_left(c) || cut)
            refuse(s, cut ? REASON_TRUNCATED : REASON_LENGTH);
        return false;
    }
    ret_chunk->type = cursor_u8(c);
    ret_chunk->flags = cursor_u8(c);
    uint32_t size = cursor_u16(c);
    if (size < CHUNK_HEADER || size - CHUNK_HEADER > cursor_left(c)) {
        bool there = size >= CHUNK_HEADER && size - CHUNK_HEADER <= cursor_left(c) + (size_t)cut;
        refuse(s, there ? REASON_TRUNCATED : REASON_LENGTH);
        return false;
    }
    ret_chunk->body = cursor_slice(c, size - CHUNK_HEADER);
    size_t padding = -size % 4; /* the last one's may be missing */
    cursor_skip(c, padding < cursor_left(c) ? padding : cursor_left(c));
    return true;
}

/* ---- for others ---- */

void sctp_packet(struct sctp *s, const struct datagram *packet)
{
    struct arrival a = {.message = *packet, .association = SCTP_NONE};
    struct cursor c = cursor_over(packet->payload);
    uint32_t cut = packet->payload_wire > packet->payload.size
                       ? packet->payload_wire - (uint32_t)packet->payload.size
                       : 0;
    sctp_table_expire(s, packet->time_ns);
    a.message.src.port = cursor_u16(&c);
    a.message.dst.port = cursor_u16(&c);
    a.message.proto = PROTO_SCTP;
    a.message.transport = TRANSPORT_SCTP;
    a.tag = cursor_u32(&c);
    cursor_skip(&c, 4); /* the checksum */
    if (c.failed) {
        refuse(s, cut ? REASON_TRUNCATED : REASON_LENGTH);
        return;
    }
    struct chunk chunk;
    while (next_chunk(s, &c, cut, &chunk))
        take_chunk(s, &a, &chunk);
}

void sctp_tick(struct sctp *s, int64_t now_ns)
{
    sctp_table_expire(s, now_ns);
}

uint32_t sctp_count(const struct sctp *s)
{
    return s->count;
}

static void set_counters(struct sctp *s, struct counters *counters)
{
    unsigned table = label_find(LABELS_TABLE, slice_str("sctp"));
    unsigned other = label_find(LABELS_PROTO, slice_str("other"));
    s->counters = counters;
    s->errors_cell = C_PARSE_ERRORS + other * LABEL_COUNT_PARSE_REASON;
    s->dropped_cell = C_DROPS + label_find(LABELS_STAGE, slice_str("reassembly"));
    s->timeouts_cell = C_REASSEMBLY_TIMEOUTS + label_find(LABELS_LAYER, slice_str("sctp"));
    s->size_cell = C_TABLE_SIZE + table;
    if (counters)
        counters_set(counters, C_TABLE_LIMIT + table, s->config.associations_max);
}

static void set_defaults(struct sctp_config *config)
{
    if (config->associations_max == 0)
        config->associations_max = ASSOCIATIONS;
    if (config->bytes_max == 0)
        config->bytes_max = BYTES_MAX;
    if (config->message_max == 0)
        config->message_max = MESSAGE_MAX;
    if (config->gap_ns == 0)
        config->gap_ns = GAP_NS;
}

int sctp_new(const struct sctp_config *config, sctp_message_fn *fn, void *context,
             struct counters *counters, struct sctp **ret_sctp)
{
    struct sctp *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->config = *config;
    s->fn = fn;
    s->context = context;
    set_defaults(&s->config);
    set_counters(s, counters);
    int err = sctp_table_init(s);
    if (err) {
        sctp_free(s);
        return err;
    }
    *ret_sctp = s;
    return 0;
}

void sctp_free(struct sctp *s)
{
    if (s == NULL)
        return;
    sctp_table_fini(s);
    free(s);
}
