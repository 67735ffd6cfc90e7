/* What tcp.c, tcp_stream.c, tcp_table.c and tcp_pool.c share: connections, their two directions,
 * and the blocks in which segments wait.
 *
 *     tcp ---- conns[]   a slab, found by a keyed hash of the two endpoints in either order
 *          `-- blocks[]  2 KiB each: a run of bytes that waits behind a gap
 *
 *     conn --- stream[0], stream[1]: what end[0] and end[1] sent
 *     stream - blocks, by sequence, disjoint; `next` is the first byte not handed on
 *
 * A connection is in one of four lists, oldest activity first:
 *
 *     EMPTY -- data --> WANTED -- the consumer says no --> IGNORED
 *       |`-----------------|`--------------------------------|
 *       |                  `-- RST, FIN of both --> CLOSING -+-> gone (tcp_conn_release)
 *       `-- no data for half_open_ns, idle_ns, closed_ns, or evicted
 *
 * Both slabs are address space until they are used. Everything here is O(1), but for the walk along
 * the blocks of one direction (64 by default). */
#pragma once

#include "base/map.h"
#include "base/timer.h"
#include "capture/net/tcp.h"

#define TCP_NONE          UINT32_MAX
#define TCP_BLOCK_SIZE    2048u
#define TCP_BLOCK_LEVELS  32
#define TCP_PICKUP_BLOCKS 8u /* of a direction whose beginning is not known */

enum tcp_list { TCP_EMPTY, TCP_WANTED, TCP_IGNORED, TCP_CLOSING, TCP_LISTS };

struct tcp_block_head {
    uint32_t next; /* of this direction; or free */
    uint32_t seq;
    uint32_t size;
    uint32_t cut;           /* behind `size`: bytes that were on the wire and not captured */
    int64_t since_ns;       /* steady time */
    struct datagram origin; /* the segment that began the run; its payload is gone */
};

struct tcp_block {
    struct tcp_block_head head;
    uint8_t bytes[TCP_BLOCK_SIZE - sizeof(struct tcp_block_head)];
};

struct tcp_stream {
    struct timer timer; /* set while there is a gap */
    int64_t since_ns;   /* the gap waits since; steady time */
    int64_t acked_ns;   /* acknowledged by its receiver since; INT64_MIN: it is not */
    uint32_t next;      /* first byte not handed on; not `known`: about where we are */
    uint32_t isn;
    uint32_t fin; /* sequence number of the FIN */
    uint32_t acked;
    uint32_t stray_next; /* behind the last segment out of the window */
    uint32_t reuse_isn;  /* of a SYN that may begin another connection */
    uint32_t first;      /* blocks */
    uint32_t last;
    uint32_t blocks;
    uint32_t level_older; /* streams with about as many blocks */
    uint32_t level_newer;
    uint8_t side;
    bool known; /* where it begins */
    bool syn;   /* seen, not only what it must have been */
    bool moved; /* something was handed on */
    bool has_fin;
    bool ended; /* all up to the FIN was handed on */
    bool has_acked;
    bool stray;
    bool reuse;
    bool seen; /* any segment */
};

struct tcp_conn {
    struct tcp_peers peers;
    uint64_t hash;
    int64_t seen_ns;   /* these two: steady time */
    int64_t listed_ns; /* as of its place in the list */
    uint32_t older;    /* older: also the next free one */
    uint32_t newer;
    uint8_t list;   /* enum tcp_list */
    bool ignored;   /* the consumer wants no more */
    bool announced; /* `data` was called */
    struct tcp_stream stream[2];
};

/* Connections or streams by age. */
struct tcp_ages {
    uint32_t oldest;
    uint32_t newest;
};

struct tcp {
    struct tcp_config config;
    struct tcp_consumer consumer;
    struct counters *counters;
    unsigned timeouts_cell;
    unsigned size_cell;

    int64_t now_ns; /* steady: never goes back */
    int64_t offset_ns;
    bool started;
    struct timer_wheel *wheel;

    struct map map;
    struct tcp_conn *conns;
    uint32_t conns_used; /* ever; those given back are in free_conn */
    uint32_t free_conn;
    struct tcp_ages list[TCP_LISTS];
    uint32_t list_count[TCP_LISTS];

    struct tcp_block *blocks;
    uint32_t blocks_max;
    uint32_t blocks_used;
    uint32_t free_block;
    uint32_t blocks_waiting;
    uint32_t stream_blocks_max;
    int32_t ahead_max;                       /* a segment further ahead is a stray */
    struct tcp_ages level[TCP_BLOCK_LEVELS]; /* streams with 2^n to 2^(n+1)-1 blocks */

    struct datagram origin; /* of what is handed on without a segment of its own */
};

static inline void tcp_count_cell(struct tcp *t, unsigned cell, uint64_t n)
{
    if (t->counters)
        counters_add(t->counters, cell, n);
}

static inline struct tcp_stream *tcp_stream_by_id(struct tcp *t, uint32_t id)
{
    return &t->conns[id / 2].stream[id % 2];
}

static inline struct tcp_conn *tcp_stream_conn(struct tcp_stream *s)
{
    return (struct tcp_conn *)(void *)((char *)(s - s->side) - offsetof(struct tcp_conn, stream));
}

/* Bytes of a segment: `wire` from `seq` on, of which the first bytes.size were captured. */
struct tcp_piece {
    uint32_t seq;
    uint32_t wire;
    struct slice bytes;
};

static inline int32_t tcp_distance(uint32_t from, uint32_t to)
{
    return (int32_t)(to - from);
}

static inline uint32_t tcp_block_end(const struct tcp *t, uint32_t b)
{
    return t->blocks[b].head.seq + t->blocks[b].head.size + t->blocks[b].head.cut;
}

static inline struct tcp_piece tcp_piece_from(struct tcp_piece p, uint32_t n)
{
    return (struct tcp_piece){p.seq + n, p.wire - n, slice_from(p.bytes, n)};
}

/* ---- tcp_table.c ---- */
bool tcp_table_init(struct tcp *t);
void tcp_table_fini(struct tcp *t);
uint64_t tcp_table_hash(const struct tcp *t, const struct datagram *segment);
/* NULL: none. ret_side: who sent the segment. */
struct tcp_conn *tcp_table_find(struct tcp *t, uint64_t hash, const struct datagram *segment,
                                unsigned *ret_side);
/* A connection with end[0] = first, in EMPTY; the segment's other end is end[1]. Makes room by what
 * is worth least. `with_data` false: a half-open one, which never drives out one that carries data:
 * NULL when there are only such. */
struct tcp_conn *tcp_table_add(struct tcp *t, uint64_t hash, const struct endpoint *first,
                               const struct endpoint *second, int64_t time_ns, bool with_data);
void tcp_table_move(struct tcp *t, struct tcp_conn *c, enum tcp_list list);
/* A segment came. */
void tcp_table_touch(struct tcp *t, struct tcp_conn *c, int64_t time_ns);
/* Hands on what waits, tells the consumer, forgets it. */
void tcp_conn_release(struct tcp *t, struct tcp_conn *c);
void tcp_table_expire(struct tcp *t);

/* ---- tcp_pool.c ---- */
bool tcp_pool_init(struct tcp *t);
void tcp_pool_fini(struct tcp *t);
/* A block for the stream, not linked; TCP_NONE when none is left. */
uint32_t tcp_pool_take(struct tcp *t, struct tcp_stream *s);
void tcp_pool_give(struct tcp *t, struct tcp_stream *s, uint32_t block);
/* Of the streams that hold most (by powers of two), the one that came there first; NULL when nobody
 * holds a block. */
struct tcp_stream *tcp_pool_biggest(struct tcp *t);

/* No more blocks for this direction. */
bool tcp_wait_is_full(const struct tcp *t, const struct tcp_stream *s);
/* Keeps those bytes that do not wait yet. False: no room for all of them. */
bool tcp_wait_keep(struct tcp *t, struct tcp_stream *s, struct tcp_piece piece,
                   const struct datagram *segment);
void tcp_wait_drop_first(struct tcp *t, struct tcp_stream *s);

/* ---- tcp_stream.c ---- */

enum tcp_place { TCP_INSIDE, TCP_STRAY };

void tcp_stream_init(struct tcp_stream *s, unsigned side);
/* Is [seq, seq + wire) near enough to what was seen to belong to it? */
enum tcp_place tcp_stream_place(const struct tcp *t, const struct tcp_stream *s, uint32_t seq,
                                uint32_t wire);
/* Bytes near enough: handed on, kept, or dropped as seen before. */
void tcp_stream_take(struct tcp *t, struct tcp_stream *s, struct tcp_piece piece,
                     const struct datagram *segment);
/* Everything that waits is given up for, and the stream goes on with `piece`. */
void tcp_stream_restart(struct tcp *t, struct tcp_stream *s, struct tcp_piece piece,
                        const struct datagram *segment);
/* May it, after what was seen of it, have begun with this SYN? */
bool tcp_stream_may_begin(const struct tcp *t, const struct tcp_stream *s, uint32_t isn);
/* The first byte's sequence number is isn + 1. */
void tcp_stream_begin(struct tcp *t, struct tcp_stream *s, uint32_t isn);
void tcp_stream_fin(struct tcp *t, struct tcp_stream *s, uint32_t fin);
void tcp_stream_acked(struct tcp *t, struct tcp_stream *s, uint32_t ack);
/* Gives up all gaps. */
void tcp_stream_flush(struct tcp *t, struct tcp_stream *s);
/* Forgets what waits. */
void tcp_stream_drop(struct tcp *t, struct tcp_stream *s);
/* The first byte behind all that is known to have been sent. */
uint32_t tcp_stream_reach(const struct tcp *t, const struct tcp_stream *s);
timer_fn tcp_stream_due;

/* ---- tcp.c ---- */
/* A direction came to its end. */
void tcp_conn_ended(struct tcp *t, struct tcp_conn *c);
