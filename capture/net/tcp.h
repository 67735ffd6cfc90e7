/* TCP segments to byte streams, in bounded memory (RFC 9293). Sees both directions of a connection, in whatever order the tap
 * delivers; hands each direction's bytes on in order, once, without copying them when nothing is missing before them. Where segments
 * overlap the first byte seen wins. What stays missing is given up after a while and reported as lost.
 *
 * One owner, one thread; time is packet time. Nothing is allocated per segment in order. */
#pragma once

#include "base/counters.h"
#include "capture/net/datagram.h"

struct tcp;

struct tcp_config {
    struct hash_seed seed;
    uint32_t streams_max;       /* default 20000 connections; at the cap the least wanted goes: ignored, then idle longest */
    size_t bytes_max;           /* default 64 MiB of segments that wait, all together; at the cap the stream with most gives up its gap */
    uint32_t stream_bytes_max;  /* default 128 KiB of them a direction; at the cap the gap is given up */
    int64_t gap_ns;             /* default 5 s: a missing segment is given up (REASSEMBLY_TIMEOUTS{layer="tcp"}) */
    int64_t half_open_ns;       /* default 30 s for a connection that never carried data */
    int64_t idle_ns;            /* default 1 h */
    int64_t closed_ns;          /* default 2 s of linger after FIN of both sides or RST, for late segments */
};

/* The public part of a connection: end[0] sent the SYN, or what was seen first when that was missed. */
struct tcp_peers {
    struct endpoint end[2];
    int64_t first_ns;
    int64_t last_ns;
    uint64_t bytes[2];      /* delivered or given up, by sender */
    uint64_t lost[2];       /* given up, as far as known how many */
    bool midstream;         /* neither the SYN nor the SYN-ACK was seen */
    void *user;             /* the consumer's own */
};

struct tcp_chunk {
    unsigned side;              /* sender: end[side] */
    uint32_t lost;              /* bytes missing directly before `bytes`; UINT32_MAX: not known how many (the first chunk of a
                                 * direction whose SYN was not seen, and where the stream went on somewhere else) */
    struct slice bytes;         /* valid during the call; empty when only a loss is to be told (cut by the capture, before a FIN) */
    const struct datagram *segment; /* the one that made this deliverable: its time, addresses, VLAN, TTL. When a gap was given up,
                                     * the one that brought these bytes, with the time of its own (its payload is `bytes`) */
};

struct tcp_consumer {
    void *context;
    /* New bytes in order. False: nothing more of this connection is wanted (its segments are then passed over cheaply). Neither this
     * nor `closed` may call a function of this file. */
    bool (*data)(void *context, struct tcp_peers *peers, const struct tcp_chunk *chunk);
    /* The connection is forgotten: the consumer ends what hangs on peers->user. Called once for each connection that had `data`, ignored ones too. */
    void (*closed)(void *context, struct tcp_peers *peers);
};

/* Zero values mean the defaults. 0 or ERR_NOMEM. `counters` may be NULL. */
int tcp_new(const struct tcp_config *config, const struct tcp_consumer *consumer, struct counters *counters, struct tcp **ret_tcp);
/* Closes all connections first. */
void tcp_free(struct tcp *t);
/* A datagram with proto TCP as net_decode() gives it. */
void tcp_segment(struct tcp *t, const struct datagram *segment);
/* Gives up gaps and connections that are too old. */
void tcp_tick(struct tcp *t, int64_t now_ns);
/* Delivers what waits behind gaps and closes everything. */
void tcp_finish(struct tcp *t);
uint32_t tcp_count(const struct tcp *t);
size_t tcp_bytes(const struct tcp *t);
