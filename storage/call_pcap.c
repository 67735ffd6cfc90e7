/* Every chain of the records is a spool reader; the frame with the lowest time among their next
 * packets goes out first. Packets within a chain stand in the order they came, which a reordered
 * clock may disturb by a little: the merge does not sort.
 *
 * Datagrams are frames of their own again. Messages that came in a stream are segments of a made-up
 * TCP connection between the same ends, whatever carried them (TCP, TLS, WebSocket, SCTP). */
#include "storage/call_pcap.h"

#include <stdio.h>
#include <stdlib.h>

#include "storage/frame_head.h"

#define UDP_OVER_IPV4_MAX 65507u
#define UDP_OVER_IPV6_MAX 65527u
#define RTP_FIXED         12u
#define SEGMENT_MAX       60000u
#define STREAMS_MAX       64 /* directions that keep their sequence; more start over */
#define TRANSPORT_UDP     17
#define PAYLOAD_MAX       65535u /* spool.h */

/* A chain and its next packet. */
struct lane {
    struct spool_reader *reader;
    const struct record_chain *chain;
    struct spool_packet packet;
    uint32_t order; /* of equal times */
    unsigned call;
    bool media;
};

struct lanes {
    struct lane lane[CALL_PCAP_CHAINS_MAX];
    uint32_t count;
    uint32_t chains; /* that there ought to be */
};

/* One direction of a made-up connection. */
struct made_stream {
    struct endpoint src, dst;
    uint32_t next;
};

struct writing {
    call_pcap_out *out;
    void *context;
    struct call_pcap_form form;
    uint8_t *hidden; /* a packet without what form.hide takes out; NULL: nothing is taken out */
    uint64_t packets;
    struct made_stream streams[STREAMS_MAX];
    unsigned stream_count;
};

/* ---- a packet ---- */

/* Bytes of an RTP datagram ahead of its sound: fixed header, CSRCs, extension. */
static size_t rtp_header_bytes(struct slice d)
{
    if (d.size < RTP_FIXED || d.data[0] >> 6 != 2)
        return d.size < RTP_FIXED ? d.size : RTP_FIXED;
    size_t n = RTP_FIXED + 4 * (d.data[0] & 15u);
    if (d.data[0] & 0x10 && n + 4 <= d.size)
        n += 4 + 4 * ((size_t)d.data[n + 2] << 8 | d.data[n + 3]);
    return n < d.size ? n : d.size;
}

static bool carries_media(const struct lane *lane)
{
    return lane->media && (lane->packet.fax || (!lane->packet.rtcp && !lane->chain->rtcp));
}

/* The frame of `k` with `kept` bytes of payload, of which the wire had `wire`. */
static int frame_out(struct writing *e, const struct spool_packet *k, size_t kept, uint32_t wire,
                     const struct frame_tcp *tcp)
{
    uint8_t frame[FRAME_HEAD_MAX], head[CAPTURE_PACKET_HEAD_MAX + FRAME_HEAD_MAX], tail[CAPTURE_PACKET_TAIL_MAX];
    size_t frame_bytes = frame_head_write(frame, k, wire, k->payload.size == wire, tcp);
    uint32_t bytes = (uint32_t)(frame_bytes + kept);
    size_t n = capture_packet_head_write(head, e->form.format, k->time_ns, bytes, (uint32_t)(frame_bytes + wire));
    memcpy(head + n, frame, frame_bytes);
    int err = e->out(e->context, head, n + frame_bytes);
    if (!err && kept)
        err = e->out(e->context, k->payload.data, kept);
    n = capture_packet_tail_write(tail, e->form.format, bytes);
    if (!err && n)
        err = e->out(e->context, tail, n);
    e->packets += err == 0;
    return err;
}

static struct made_stream *made_stream(struct writing *e, const struct endpoint *src,
                                       const struct endpoint *dst)
{
    for (unsigned i = 0; i < e->stream_count; i++)
        if (endpoint_equal(&e->streams[i].src, src) && endpoint_equal(&e->streams[i].dst, dst))
            return &e->streams[i];
    struct made_stream *s = &e->streams[e->stream_count % STREAMS_MAX];
    e->stream_count += e->stream_count < STREAMS_MAX;
    *s = (struct made_stream){.src = *src, .dst = *dst, .next = 1};
    return s;
}

static int message_out(struct writing *e, const struct spool_packet *message)
{
    struct spool_packet k = *message;
    int err = 0;
    for (size_t at = 0; err == 0 && at < message->payload.size; at += k.payload.size) {
        struct made_stream *back = made_stream(e, &k.dst, &k.src);
        struct frame_tcp tcp = {.ack = back->next};
        struct made_stream *forth = made_stream(e, &k.src, &k.dst);
        tcp.seq = forth->next;
        k.payload = slice_sub(message->payload, at, at + SEGMENT_MAX);
        forth->next += (uint32_t)k.payload.size;
        err = frame_out(e, &k, k.payload.size, (uint32_t)k.payload.size, &tcp);
    }
    return err;
}

/* The packet as it goes out: it may be in the reader's memory, which other lanes are compared with. */
static struct spool_packet shown(const struct writing *e, const struct lane *lane)
{
    struct spool_packet k = lane->packet;

    if (e->hidden == NULL || k.payload.size > PAYLOAD_MAX || k.payload.size == 0)
        return k;
    memcpy(e->hidden, k.payload.data, k.payload.size);
    e->form.hide(lane->media, spool_reader_descriptor(lane->reader), &k, e->hidden);
    k.payload = slice_of(e->hidden, k.payload.size);
    return k;
}

static int packet_out(struct writing *e, const struct lane *lane)
{
    const struct spool_packet packet = shown(e, lane), *k = &packet;
    uint32_t wire = k->wire_bytes > k->payload.size ? k->wire_bytes : (uint32_t)k->payload.size;
    size_t kept = k->payload.size;
    uint32_t most = frame_is_v4(k) ? UDP_OVER_IPV4_MAX : UDP_OVER_IPV6_MAX;

    if (k->transport != TRANSPORT_UDP)
        return message_out(e, k);
    if (wire > most)
        wire = most;
    if (kept > wire)
        kept = wire;
    if (e->form.rtp == CALL_PCAP_HEADERS && carries_media(lane))
        kept = k->fax ? 0 : rtp_header_bytes(slice_sub(k->payload, 0, kept));
    return frame_out(e, k, kept, wire, NULL);
}

/* pcapng says whose packets these are. */
static int begin_write(struct writing *e, const struct call_record *const *records, unsigned count)
{
    uint8_t head[CAPTURE_BEGIN_MAX];
    char comment[CAPTURE_COMMENT_MAX] = "";
    size_t n = 0;

    for (unsigned i = 0; i < count && n < sizeof comment; i++)
        n += (size_t)snprintf(comment + n, sizeof comment - n, "%s%s", i ? " " : count > 1 ? "calls " : "call ", records[i]->uid);
    return e->out(e->context, head, capture_begin_write(head, e->form.format, slice_str(comment)));
}

/* ---- merging ---- */

static bool wanted(const struct writing *e, const struct lane *lane)
{
    return e->form.rtp != CALL_PCAP_NONE || !carries_media(lane);
}

/* The lane's next wanted packet; false at its end. */
static bool lane_advance(const struct writing *e, struct lane *lane)
{
    int n;
    while ((n = spool_reader_next(lane->reader, &lane->packet)) != 0) {
        if (n < 0)
            continue; /* a damaged chunk: the next one may be whole */
        if (lane->media && addr_is_any(lane->packet.src.addr)) {
            lane->packet.src = lane->chain->src;
            lane->packet.dst = lane->chain->dst;
        }
        if (wanted(e, lane))
            return true;
    }
    return false;
}

static bool lane_open(const char *data_dir, const struct record_chain *chain, const uint8_t uid[16],
                      struct lane *lane)
{
    *lane = (struct lane){.chain = chain, .media = chain->party != NULL};
    if (spool_reader_open(data_dir, chain->tail, &lane->reader, NULL) != 0)
        return false;
    if (memcmp(spool_reader_uid(lane->reader), uid, 16) == 0)
        return true;
    spool_reader_close(lane->reader);
    return false;
}

static void lane_drop(struct lanes *l, uint32_t i)
{
    spool_reader_close(l->lane[i].reader);
    l->lane[i] = l->lane[--l->count];
}

/* Equal times in the order of the calls and their chains. */
static bool lane_before(const struct lane *a, const struct lane *b)
{
    return a->packet.time_ns != b->packet.time_ns ? a->packet.time_ns < b->packet.time_ns
                                                  : a->order < b->order;
}

static uint32_t lane_earliest(const struct lanes *l)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < l->count; i++)
        if (lane_before(&l->lane[i], &l->lane[first]))
            first = i;
    return first;
}

/* The same packet, kept by two calls. */
static bool is_same(const struct lane *a, const struct lane *b)
{
    return a->call != b->call && a->packet.time_ns == b->packet.time_ns &&
           a->packet.ip_id == b->packet.ip_id && endpoint_equal(&a->packet.src, &b->packet.src) &&
           endpoint_equal(&a->packet.dst, &b->packet.dst) &&
           slice_equal(a->packet.payload, b->packet.payload);
}

/* Past the packets that lane `done` has just given. The lanes that end are dropped at their next
 * turn. */
static void lanes_skip(const struct writing *e, struct lanes *l, uint32_t done)
{
    for (uint32_t i = 0; i < l->count; i++) {
        struct lane *lane = &l->lane[i];
        if (i != done && is_same(lane, &l->lane[done]) && !lane_advance(e, lane))
            lane->packet.time_ns = INT64_MAX;
    }
}

static int lanes_merge(struct writing *e, struct lanes *l)
{
    int err = 0;
    for (uint32_t i = 0; i < l->count;) {
        if (lane_advance(e, &l->lane[i]))
            i++;
        else
            lane_drop(l, i);
    }
    while (l->count && !err) {
        uint32_t i = lane_earliest(l);
        if (l->lane[i].packet.time_ns == INT64_MAX)
            break; /* all that is left has ended */
        err = packet_out(e, &l->lane[i]);
        lanes_skip(e, l, i);
        if (!lane_advance(e, &l->lane[i]))
            lane_drop(l, i);
    }
    return err;
}

static void open_call(struct lanes *l, const char *data_dir, const struct call_record *r,
                      unsigned number, const uint8_t uid[16])
{
    for (uint32_t i = 0; i < r->chain_count && l->count < CALL_PCAP_CHAINS_MAX; i++) {
        struct lane *lane = &l->lane[l->count];
        if (r->chains[i].tail.segment == 0)
            continue;
        l->chains++;
        if (!lane_open(data_dir, &r->chains[i], uid, lane))
            continue;
        lane->order = l->chains;
        lane->call = number;
        l->count++;
    }
}

uint32_t call_pcap_chains(const struct call_record *const *records, unsigned count)
{
    uint32_t chains = 0;
    for (unsigned i = 0; i < count; i++)
        for (uint32_t c = 0; c < records[i]->chain_count; c++)
            chains += records[i]->chains[c].tail.segment != 0;
    return chains;
}

static int begun_merge(struct writing *e, struct lanes *l, const struct call_record *const *records, unsigned count)
{
    if (l->chains && l->count == 0)
        return ERR_NOT_FOUND;
    int err = begin_write(e, records, count);
    return err ? err : lanes_merge(e, l);
}

int call_pcap_write_as(const char *data_dir, const struct call_record *const *records, unsigned count,
                       const struct call_pcap_form *form, call_pcap_out *out, void *context, uint64_t *ret_packets)
{
    struct writing e = {.out = out, .context = context, .form = *form, .hidden = form->hide ? malloc(PAYLOAD_MAX) : NULL};
    struct lanes *l = calloc(1, sizeof *l);
    uint8_t uid[16];
    int err = l && (e.hidden || form->hide == NULL) ? 0 : ERR_NOMEM;

    for (unsigned i = 0; i < count && !err; i++) {
        if (record_uid_bytes(records[i]->uid, uid))
            open_call(l, data_dir, records[i], i, uid);
        else
            err = ERR_INVALID;
    }
    if (!err)
        err = begun_merge(&e, l, records, count);
    while (l && l->count)
        lane_drop(l, l->count - 1);
    free(l);
    free(e.hidden);
    if (!err && ret_packets)
        *ret_packets = e.packets;
    return err;
}

int call_pcap_write_all(const char *data_dir, const struct call_record *const *records,
                        unsigned count, enum call_pcap_rtp rtp, call_pcap_out *out, void *context,
                        uint64_t *ret_packets)
{
    const struct call_pcap_form form = {.rtp = rtp};

    return call_pcap_write_as(data_dir, records, count, &form, out, context, ret_packets);
}

int call_pcap_write(const char *data_dir, const struct call_record *r, enum call_pcap_rtp rtp,
                    call_pcap_out *out, void *context, uint64_t *ret_packets)
{
    return call_pcap_write_all(data_dir, &r, 1, rtp, out, context, ret_packets);
}
