/* What a segment means for its connection: SYN, RST, FIN, another connection on the same ports. The
 * bytes are tcp_stream.c's, the table tcp_table.c's.
 *
 * Begins: with a SYN, a SYN-ACK (whose acknowledgment tells where the other direction began), or
 * with data. Anything else about a connection that is not known is passed over.
 *
 * Another connection (ports used again): a SYN with another initial sequence number, at once when
 * the old one is over, ignored or never was answered. A stranger could forge it in the middle of a
 * live one, and the peers would not listen (RFC 5961 4): there it must be confirmed, by its SYN-ACK
 * or by the sender going on from it.
 *
 * RST: believed when its sequence number lies between what was handed on and the furthest that
 * was sent as far as we know (waiting, acknowledged, FIN): exactly the next one when nothing is
 * missing (RFC 5961 3). From a side that sent nothing yet: when it acknowledges what the other side
 * sent, give or take 64 KiB, or has the number that the other side acknowledged.
 *
 * Stray data, too far from where the stream is: passed over; when the next stray follows it
 * closely, the stream goes on there (a capture with a long hole, ports used again with no SYN
 * seen), and what it missed is of unknown size.
 *
 * Time is packet time made steady: it stands still when packets are late, and goes on from where it
 * was when their clock is set back. */
#include "capture/net/tcp_table.h"

#include <stdlib.h>

#include "base/error.h"

#define SECOND       INT64_C(1000000000)
#define TICK_NS      (SECOND / 100)
#define CLOCK_SET_NS (10 * SECOND)
#define TIME_MAX_NS  (INT64_MAX / 2) /* the year 2116; two of them fit */
#define NEAR         (INT32_C(64) << 10)

/* ---- time ---- */

static void pass_time(struct tcp *t, int64_t time_ns)
{
    if (time_ns < 0 || time_ns > TIME_MAX_NS)
        return;
    if (!t->started) {
        t->started = true;
        t->now_ns = time_ns;
    }
    int64_t now_ns = time_ns + t->offset_ns;
    if (now_ns > t->now_ns)
        t->now_ns = now_ns < TIME_MAX_NS ? now_ns : TIME_MAX_NS;
    else if (t->now_ns - now_ns >= CLOCK_SET_NS)
        t->offset_ns = t->now_ns - time_ns;
}

/* ---- closing ---- */

static void linger(struct tcp *t, struct tcp_conn *c)
{
    if (c->list != TCP_CLOSING)
        tcp_table_move(t, c, TCP_CLOSING);
}

/* Of a capture of one direction, the other has no say. */
void tcp_conn_ended(struct tcp *t, struct tcp_conn *c)
{
    const struct tcp_stream *s = c->stream;
    if ((s[0].ended || !s[0].seen) && (s[1].ended || !s[1].seen))
        linger(t, c);
}

static bool is_near(uint32_t a, uint32_t b)
{
    int32_t d = (int32_t)(a - b);
    return d >= -NEAR && d <= NEAR;
}

static bool rst_is_real(const struct tcp *t, const struct tcp_stream *s,
                        const struct tcp_stream *other, const struct datagram *segment)
{
    if (s->known || s->first != TCP_NONE) {
        uint32_t from = s->known ? s->next : t->blocks[s->first].head.seq;
        return segment->tcp_seq - from <= tcp_stream_reach(t, s) - from;
    }
    if ((segment->tcp_flags & TCP_ACK) && other->known)
        return is_near(segment->tcp_ack, other->next);
    return s->has_acked && segment->tcp_seq == s->acked;
}

/* ---- beginning ---- */

enum relation { SAME, ANOTHER, SUSPECT };

static enum relation relation_of_syn(const struct tcp *t, struct tcp_conn *c, unsigned side,
                                     const struct datagram *segment)
{
    struct tcp_stream *s = &c->stream[side], *other = &c->stream[1 - side];
    if ((segment->tcp_flags & TCP_ACK) && other->reuse &&
        segment->tcp_ack - (other->reuse_isn + 1) <= (uint32_t)NEAR)
        return ANOTHER;
    if (s->known && segment->tcp_seq == s->isn)
        return SAME;
    /* The other side would not have sent data before, unless its SYN-ACK came, which knows our
     * number. */
    bool too_late = !s->known && s->first == TCP_NONE && other->moved && !other->syn;
    if (!too_late && tcp_stream_may_begin(t, s, segment->tcp_seq))
        return SAME;
    if (c->list == TCP_CLOSING || c->ignored || (c->list == TCP_EMPTY && !other->seen))
        return ANOTHER;
    s->reuse = true;
    s->reuse_isn = segment->tcp_seq;
    return SUSPECT;
}

static enum relation relation_of(const struct tcp *t, struct tcp_conn *c, unsigned side,
                                 const struct datagram *segment)
{
    const struct tcp_stream *s = &c->stream[side];
    if (segment->tcp_flags & TCP_RST)
        return SAME;
    if (segment->tcp_flags & TCP_SYN)
        return relation_of_syn(t, c, side, segment);
    return s->reuse && segment->tcp_seq == s->reuse_isn + 1 ? ANOTHER : SAME;
}

static void begin(struct tcp *t, struct tcp_conn *c, unsigned side, const struct datagram *segment)
{
    struct tcp_stream *s = &c->stream[side], *other = &c->stream[1 - side];
    uint32_t isn = segment->tcp_seq;
    if (!s->syn && tcp_stream_may_begin(t, s, isn)) {
        c->peers.midstream &= c->announced;
        tcp_stream_begin(t, s, isn);
    }
    s->syn |= s->isn == isn;
    if ((segment->tcp_flags & TCP_ACK) && !other->known &&
        tcp_stream_may_begin(t, other, segment->tcp_ack - 1))
        tcp_stream_begin(t, other, segment->tcp_ack - 1);
}

/* NULL: not worth a connection, or there is no room for one. `isn_known`: an earlier SYN told that
 * the segment is the first behind it. */
static struct tcp_conn *open_conn(struct tcp *t, uint64_t hash, const struct datagram *segment,
                                  bool isn_known, unsigned *ret_side)
{
    bool syn = segment->tcp_flags & TCP_SYN;
    bool answer = syn && (segment->tcp_flags & TCP_ACK);
    bool data = !syn && segment->payload_wire > 1; /* one byte: a keep-alive probe */
    if ((segment->tcp_flags & TCP_RST) || !(syn || data || isn_known))
        return NULL;
    struct tcp_conn *c =
        tcp_table_add(t, hash, answer ? &segment->dst : &segment->src,
                      answer ? &segment->src : &segment->dst, segment->time_ns, data);
    if (c == NULL)
        return NULL;
    *ret_side = answer;
    c->peers.midstream = !syn && !isn_known;
    if (isn_known) {
        tcp_stream_begin(t, &c->stream[0], segment->tcp_seq - 1);
        c->stream[0].syn = true;
    }
    return c;
}

/* ---- segments ---- */

/* All that an ignored connection is asked: is it over? */
static void pass_over(struct tcp *t, struct tcp_conn *c, struct tcp_stream *s, uint8_t flags)
{
    if (flags & TCP_RST) {
        linger(t, c);
    } else if (flags & TCP_FIN) {
        s->ended = true;
        tcp_conn_ended(t, c);
    }
}

static void take_stray(struct tcp *t, struct tcp_stream *s, struct tcp_piece piece,
                       const struct datagram *segment)
{
    if (s->stray && piece.seq - s->stray_next < (uint32_t)NEAR) {
        tcp_stream_restart(t, s, piece, segment);
        return;
    }
    s->stray = true;
    s->stray_next = piece.seq + piece.wire;
}

static void follow(struct tcp *t, struct tcp_conn *c, unsigned side, const struct datagram *segment)
{
    struct tcp_stream *s = &c->stream[side];
    uint8_t flags = segment->tcp_flags;
    if (flags & TCP_SYN)
        begin(t, c, side, segment);
    struct tcp_piece piece = {.seq = segment->tcp_seq + ((flags & TCP_SYN) != 0),
                              .wire = segment->payload_wire,
                              .bytes = slice_sub(segment->payload, 0, segment->payload_wire)};
    uint32_t end = piece.seq + piece.wire;
    if (tcp_stream_place(t, s, piece.seq, piece.wire) == TCP_STRAY) {
        if (piece.wire > 0)
            take_stray(t, s, piece, segment);
        return;
    }
    if (flags & TCP_ACK)
        tcp_stream_acked(t, &c->stream[1 - side], segment->tcp_ack);
    if (piece.wire > 0) {
        if (c->list == TCP_EMPTY)
            tcp_table_move(t, c, TCP_WANTED);
        tcp_stream_take(t, s, piece, segment);
    }
    if ((flags & TCP_FIN) && !c->ignored)
        tcp_stream_fin(t, s, end);
    if (s->ended)
        tcp_conn_ended(t, c);
}

void tcp_segment(struct tcp *t, const struct datagram *segment)
{
    unsigned side = 0;
    bool isn_known = false;
    pass_time(t, segment->time_ns);
    uint64_t hash = tcp_table_hash(t, segment);
    struct tcp_conn *c = tcp_table_find(t, hash, segment, &side);
    if (c) {
        enum relation relation = relation_of(t, c, side, segment);
        if (relation == SUSPECT)
            return;
        if (relation == ANOTHER) {
            isn_known = !(segment->tcp_flags & TCP_SYN);
            tcp_conn_release(t, c);
            c = NULL;
        }
    }
    if (c == NULL)
        c = open_conn(t, hash, segment, isn_known, &side);
    if (c == NULL)
        return;
    struct tcp_stream *s = &c->stream[side];
    s->seen = true;
    tcp_table_touch(t, c, segment->time_ns);
    if (c->ignored)
        pass_over(t, c, s, segment->tcp_flags);
    else if (!(segment->tcp_flags & TCP_RST))
        follow(t, c, side, segment);
    else if (rst_is_real(t, s, &c->stream[1 - side], segment))
        linger(t, c);
}

void tcp_tick(struct tcp *t, int64_t now_ns)
{
    pass_time(t, now_ns);
    if (t->now_ns >= timer_wheel_next_tick(t->wheel))
        timer_wheel_advance(t->wheel, t->now_ns, tcp_stream_due, t);
    tcp_table_expire(t);
    if (t->counters)
        counters_set_level(t->counters, t->size_cell, COUNTERS_TABLE_UP, tcp_count(t));
}

void tcp_finish(struct tcp *t)
{
    for (unsigned list = 0; list < TCP_LISTS; list++)
        while (t->list[list].oldest != TCP_NONE)
            tcp_conn_release(t, &t->conns[t->list[list].oldest]);
    if (t->counters)
        counters_set(t->counters, t->size_cell, 0);
}

uint32_t tcp_count(const struct tcp *t)
{
    return t->map.count;
}

size_t tcp_bytes(const struct tcp *t)
{
    return (size_t)t->blocks_waiting * TCP_BLOCK_SIZE;
}

/* ---- birth and end ---- */

static void set_defaults(struct tcp_config *c)
{
    if (c->streams_max == 0)
        c->streams_max = 20000;
    if (c->bytes_max == 0)
        c->bytes_max = (size_t)64 << 20;
    if (c->stream_bytes_max == 0)
        c->stream_bytes_max = 128 << 10;
    if (c->gap_ns == 0)
        c->gap_ns = 5 * SECOND;
    if (c->half_open_ns == 0)
        c->half_open_ns = 30 * SECOND;
    if (c->idle_ns == 0)
        c->idle_ns = 3600 * SECOND;
    if (c->closed_ns == 0)
        c->closed_ns = 2 * SECOND;
}

static void set_counters(struct tcp *t, struct counters *counters)
{
    unsigned table = label_find(LABELS_TABLE, slice_str("tcp"));
    t->counters = counters;
    t->timeouts_cell = C_REASSEMBLY_TIMEOUTS + label_find(LABELS_LAYER, slice_str("tcp"));
    t->size_cell = C_TABLE_SIZE + table;
    if (counters)
        counters_set(counters, C_TABLE_LIMIT + table, t->config.streams_max);
}

/* A stray must be further ahead than what may wait. */
static int32_t ahead_max(uint32_t stream_bytes_max)
{
    uint32_t ahead =
        stream_bytes_max < UINT32_C(1) << 28 ? 4 * stream_bytes_max : UINT32_C(1) << 30;
    return ahead > UINT32_C(1) << 20 ? (int32_t)ahead : INT32_C(1) << 20;
}

int tcp_new(const struct tcp_config *config, const struct tcp_consumer *consumer,
            struct counters *counters, struct tcp **ret_tcp)
{
    struct tcp *t = calloc(1, sizeof *t);
    if (t == NULL)
        return ERR_NOMEM;
    t->config = *config;
    t->consumer = *consumer;
    set_defaults(&t->config);
    set_counters(t, counters);
    t->ahead_max = ahead_max(t->config.stream_bytes_max);
    t->wheel = timer_wheel_new(TICK_NS);
    if (!tcp_table_init(t) || !tcp_pool_init(t) || t->wheel == NULL) {
        tcp_free(t);
        return ERR_NOMEM;
    }
    *ret_tcp = t;
    return 0;
}

void tcp_free(struct tcp *t)
{
    if (t == NULL)
        return;
    if (t->map.count > 0)
        tcp_finish(t);
    tcp_table_fini(t);
    tcp_pool_fini(t);
    timer_wheel_free(t->wheel);
    free(t);
}
