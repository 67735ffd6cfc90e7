/* One direction of a connection: what to hand on, what to keep, what to give up.
 *
 *                 next              next: the first byte not handed on
 *     ....handed on|   gap   [block][block]  gap  [block]   gap   FIN
 *
 * A segment at `next` is handed on as it is, and then what waits right behind it. What lies further
 * on is copied to blocks, but only the bytes that are not there yet: the first byte seen wins. What
 * lies before `next` was seen.
 *
 * The first gap is given up (its bytes are `lost`)
 *   - gap_ns after the stream last came forward, whatever the receiver says;
 *   - ACKED_NS after its receiver acknowledged all of it: it was sent, and missed here.
 *     Not at once, because a mirror may give one direction later than the other;
 *   - when the direction has its fill of blocks, or all together have and it holds most;
 *   - when the connection ends.
 *
 * A direction whose SYN was not seen begins with a gap of unknown size: its first segments wait
 * PICKUP_NS or TCP_PICKUP_BLOCKS, so that those which come a little late still take their place.
 * One byte alone does not begin it, that would be a keep-alive probe (RFC 9293 3.8.4), whose byte
 * is junk.
 *
 * Sequence numbers are compared by their signed distance; see tcp_stream_place() for what is
 * near enough. */
#include "capture/net/tcp_table.h"

#include <assert.h>

#define ACKED_NS      INT64_C(500000000)
#define PICKUP_NS     INT64_C(100000000)
#define PICKUP_BACK   (INT32_C(64) << 10)
#define BEHIND_MAX    (INT32_C(1) << 24) /* retransmissions */
#define ACK_AHEAD_MAX (INT32_C(1) << 30) /* the largest window, RFC 7323 */
#define BEGIN_BACK    (UINT32_C(64) << 10)
#define NOT_ACKED     INT64_MIN
#define UNKNOWN_LOST  UINT32_MAX

/* ---- handing on ---- */

static void ignore(struct tcp *t, struct tcp_conn *c)
{
    c->ignored = true;
    for (unsigned side = 0; side < 2; side++)
        tcp_stream_drop(t, &c->stream[side]);
    if (c->list != TCP_CLOSING)
        tcp_table_move(t, c, TCP_IGNORED);
}

/* A stand-in for the segment of which nothing is left. */
static const struct datagram *no_segment(struct tcp *t, const struct tcp_stream *s,
                                         const struct tcp_conn *c)
{
    t->origin = (struct datagram){.src = c->peers.end[s->side],
                                  .dst = c->peers.end[1 - s->side],
                                  .time_ns = c->peers.last_ns,
                                  .proto = PROTO_TCP,
                                  .transport = TRANSPORT_TCP};
    return &t->origin;
}

static void hand_on(struct tcp *t, struct tcp_stream *s, uint32_t lost, struct slice bytes,
                    const struct datagram *segment)
{
    struct tcp_conn *c = tcp_stream_conn(s);
    if (c->ignored || (lost == 0 && bytes.size == 0))
        return;
    uint32_t known = lost == UNKNOWN_LOST ? 0 : lost;
    s->moved = true;
    c->peers.bytes[s->side] += bytes.size + known;
    c->peers.lost[s->side] += known;
    if (known)
        tcp_count_cell(t, C_TCP_LOST_BYTES, known);
    c->announced = true;
    struct tcp_chunk chunk = {.side = s->side,
                              .lost = lost,
                              .bytes = bytes,
                              .segment = segment ? segment : no_segment(t, s, c)};
    if (!t->consumer.data(t->consumer.context, &c->peers, &chunk))
        ignore(t, c);
}

static void hand_on_cut(struct tcp *t, struct tcp_stream *s, uint32_t lost, struct slice bytes,
                        uint32_t cut, const struct datagram *segment)
{
    hand_on(t, s, lost, bytes, segment);
    hand_on(t, s, cut, slice_none(), segment);
}

/* What waits at `next`. With no segment that made it deliverable, each run comes with its own. */
static void drain(struct tcp *t, struct tcp_stream *s, uint32_t lost,
                  const struct datagram *segment)
{
    uint32_t b;
    while ((b = s->first) != TCP_NONE && t->blocks[b].head.seq == s->next) {
        struct tcp_block *block = &t->blocks[b];
        struct slice bytes = slice_of(block->bytes, block->head.size);
        s->next = tcp_block_end(t, b);
        s->first = block->head.next;
        if (s->first == TCP_NONE)
            s->last = TCP_NONE;
        block->head.origin.payload = bytes;
        block->head.origin.payload_wire = block->head.size + block->head.cut;
        hand_on_cut(t, s, lost, bytes, block->head.cut, segment ? segment : &block->head.origin);
        lost = 0;
        tcp_pool_give(t, s, b);
    }
    s->ended = s->known && s->has_fin && s->next == s->fin;
}

/* ---- gaps ---- */

static bool has_gap(const struct tcp_stream *s)
{
    return s->first != TCP_NONE || (s->has_fin && s->known && !s->ended);
}

static uint32_t gap_end(const struct tcp *t, const struct tcp_stream *s)
{
    return s->first != TCP_NONE ? t->blocks[s->first].head.seq : s->fin;
}

static bool gap_acked(const struct tcp *t, const struct tcp_stream *s)
{
    int32_t beyond = tcp_distance(gap_end(t, s), s->acked);
    return s->known && s->has_acked && beyond >= 0 && beyond < ACK_AHEAD_MAX;
}

/* The timer follows the first gap. */
static void watch(struct tcp *t, struct tcp_stream *s)
{
    if (tcp_stream_conn(s)->ignored || !has_gap(s)) {
        timer_cancel(t->wheel, &s->timer);
        return;
    }
    int64_t due_ns = s->since_ns + (s->known ? t->config.gap_ns : PICKUP_NS);
    if (!gap_acked(t, s))
        s->acked_ns = NOT_ACKED;
    else if (s->acked_ns == NOT_ACKED)
        s->acked_ns = t->now_ns;
    else if (s->acked_ns < s->since_ns)
        s->acked_ns = s->since_ns; /* as for the gap before it */
    if (s->acked_ns != NOT_ACKED && s->acked_ns + ACKED_NS < due_ns)
        due_ns = s->acked_ns + ACKED_NS;
    timer_set(t->wheel, &s->timer, due_ns);
}

/* The stream came forward. */
static void restart_watch(struct tcp *t, struct tcp_stream *s)
{
    if (!has_gap(s) && !timer_is_set(&s->timer))
        return;
    s->since_ns = t->now_ns;
    s->acked_ns = NOT_ACKED;
    watch(t, s);
}

static void give_up(struct tcp *t, struct tcp_stream *s)
{
    uint32_t end = gap_end(t, s);
    uint32_t lost = s->known ? end - s->next : UNKNOWN_LOST;
    if (!s->known)
        s->isn = end - 1;
    s->known = true;
    s->next = end;
    if (s->first == TCP_NONE)
        hand_on(t, s, lost, slice_none(), NULL);
    drain(t, s, lost, NULL);
    s->since_ns = s->first != TCP_NONE ? t->blocks[s->first].head.since_ns : t->now_ns;
    watch(t, s);
    if (s->ended)
        tcp_conn_ended(t, tcp_stream_conn(s));
}

void tcp_stream_due(void *context, struct timer *timer, int64_t now_ns)
{
    struct tcp *t = context;
    struct tcp_stream *s =
        (struct tcp_stream *)(void *)((char *)timer - offsetof(struct tcp_stream, timer));
    (void)now_ns;
    if (!has_gap(s))
        return;
    tcp_count_cell(t, t->timeouts_cell, 1);
    give_up(t, s);
}

void tcp_stream_flush(struct tcp *t, struct tcp_stream *s)
{
    while (has_gap(s))
        give_up(t, s);
    timer_cancel(t->wheel, &s->timer);
}

void tcp_stream_drop(struct tcp *t, struct tcp_stream *s)
{
    while (s->first != TCP_NONE)
        tcp_wait_drop_first(t, s);
    timer_cancel(t->wheel, &s->timer);
}

/* ---- taking ---- */

static void make_room(struct tcp *t, struct tcp_stream *s)
{
    struct tcp_stream *victim = tcp_wait_is_full(t, s) ? s : tcp_pool_biggest(t);
    assert(victim != NULL);
    give_up(t, victim);
}

/* At `next`. */
static void take_in_order(struct tcp *t, struct tcp_stream *s, struct tcp_piece piece,
                          uint32_t lost, const struct datagram *segment)
{
    struct tcp_conn *c = tcp_stream_conn(s);
    while (piece.wire > 0 && !c->ignored) {
        uint32_t n = piece.wire;
        if (s->first != TCP_NONE && t->blocks[s->first].head.seq - s->next < n)
            n = t->blocks[s->first].head.seq - s->next;
        struct slice bytes = slice_sub(piece.bytes, 0, n);
        s->next += n;
        hand_on_cut(t, s, lost, bytes, n - (uint32_t)bytes.size, segment);
        lost = 0;
        if (s->first != TCP_NONE)
            drain(t, s, 0, segment);
        int32_t done = tcp_distance(piece.seq, s->next);
        piece = tcp_piece_from(piece, (uint32_t)done < piece.wire ? (uint32_t)done : piece.wire);
    }
    s->ended = s->has_fin && s->next == s->fin;
    if (!c->ignored)
        restart_watch(t, s);
}

/* A byte that may be a keep-alive's where `next` does not tell: ahead of all, or in place of a FIN.
 */
static bool is_probe(const struct tcp *t, const struct tcp_stream *s, struct tcp_piece piece)
{
    if (piece.wire != 1)
        return false;
    if (s->known)
        return s->has_fin && piece.seq == s->fin;
    return s->first == TCP_NONE || tcp_distance(piece.seq, t->blocks[s->first].head.seq) > 0;
}

void tcp_stream_take(struct tcp *t, struct tcp_stream *s, struct tcp_piece piece,
                     const struct datagram *segment)
{
    struct tcp_conn *c = tcp_stream_conn(s);
    if (is_probe(t, s, piece))
        return;
    s->stray = false;
    if (s->has_fin && tcp_distance(s->fin, piece.seq + piece.wire) > 0)
        s->has_fin = s->ended = false; /* there is more behind it: it was not theirs */
    if (!s->known && s->first == TCP_NONE)
        s->next = piece.seq;
    while (!c->ignored) {
        int32_t seen = s->known ? tcp_distance(piece.seq, s->next) : 0;
        if (seen > 0 && (uint32_t)seen >= piece.wire)
            return;
        if (seen > 0)
            piece = tcp_piece_from(piece, (uint32_t)seen);
        if (s->known && piece.seq == s->next) {
            take_in_order(t, s, piece, 0, segment);
            return;
        }
        bool had_gap = has_gap(s);
        if (tcp_wait_keep(t, s, piece, segment)) {
            if (!had_gap)
                restart_watch(t, s);
            else if (s->known)
                watch(t, s);
            return;
        }
        make_room(t, s);
    }
}

void tcp_stream_restart(struct tcp *t, struct tcp_stream *s, struct tcp_piece piece,
                        const struct datagram *segment)
{
    tcp_stream_flush(t, s);
    s->known = true;
    s->has_fin = s->ended = s->stray = false;
    s->next = piece.seq;
    take_in_order(t, s, piece, UNKNOWN_LOST, segment);
}

/* ---- SYN, FIN, ACK ---- */

void tcp_stream_init(struct tcp_stream *s, unsigned side)
{
    *s = (struct tcp_stream){
        .side = (uint8_t)side, .first = TCP_NONE, .last = TCP_NONE, .acked_ns = NOT_ACKED};
}

enum tcp_place tcp_stream_place(const struct tcp *t, const struct tcp_stream *s, uint32_t seq,
                                uint32_t wire)
{
    if (!s->known && s->first == TCP_NONE)
        return TCP_INSIDE;
    int32_t from = tcp_distance(s->next, seq);
    int32_t to = tcp_distance(s->next, seq + wire);
    if (from > t->ahead_max || to < (s->known ? -BEHIND_MAX : -PICKUP_BACK))
        return TCP_STRAY;
    return TCP_INSIDE;
}

bool tcp_stream_may_begin(const struct tcp *t, const struct tcp_stream *s, uint32_t isn)
{
    if (!s->known && s->first == TCP_NONE)
        return true;
    if (!s->known)
        return t->blocks[s->first].head.seq - (isn + 1) < BEGIN_BACK;
    return !s->syn && !s->moved && s->next - (isn + 1) < BEGIN_BACK;
}

void tcp_stream_begin(struct tcp *t, struct tcp_stream *s, uint32_t isn)
{
    s->isn = isn;
    s->next = isn + 1;
    s->known = true;
    drain(t, s, 0, NULL); /* the SYN may be the other side's */
    restart_watch(t, s);
}

void tcp_stream_fin(struct tcp *t, struct tcp_stream *s, uint32_t fin)
{
    if (s->has_fin || (s->known && tcp_distance(s->next, fin) < 0))
        return;
    if (s->last != TCP_NONE && tcp_distance(tcp_block_end(t, s->last), fin) < 0)
        return;
    bool had_gap = has_gap(s);
    if (!s->known && s->first == TCP_NONE) {
        s->known = true;
        s->next = fin;
        s->isn = fin - 1;
    }
    s->has_fin = true;
    s->fin = fin;
    s->ended = s->known && s->next == fin;
    if (!had_gap)
        restart_watch(t, s);
}

void tcp_stream_acked(struct tcp *t, struct tcp_stream *s, uint32_t ack)
{
    if (s->has_acked && tcp_distance(s->acked, ack) <= 0)
        return;
    s->acked = ack;
    s->has_acked = true;
    if (s->known && has_gap(s))
        watch(t, s);
}

uint32_t tcp_stream_reach(const struct tcp *t, const struct tcp_stream *s)
{
    uint32_t reach = s->last != TCP_NONE ? tcp_block_end(t, s->last) : s->next;
    if (s->has_fin && tcp_distance(reach, s->fin + 1) > 0)
        reach = s->fin + 1;
    int32_t acked = s->has_acked ? tcp_distance(reach, s->acked) : 0;
    return acked > 0 && acked < t->ahead_max ? s->acked : reach;
}
