/* A wire with TCP segments and a consumer that writes down what it is given. Sequence numbers are
 * relative: 0 is the SYN, 1 the first byte; the initial ones lie just before the wrap. */
#pragma once

#include "base/buf.h"
#include "capture/net/tcp.h"

#define CLIENT 0u
#define SERVER 1u
#define SECOND INT64_C(1000000000)
#define MS     INT64_C(1000000)
#define CONNS  64u

/* What came of one connection. Missing bytes are written as '?', an unknown number as '~'. */
struct conn_log {
    struct buf bytes[2];
    struct tcp_peers peers; /* as of the last call */
    unsigned chunks;
    unsigned closed;
    int64_t newest_ns; /* time of the segment of the last chunk */
    struct datagram segment;
    const uint8_t *last_data;
};

struct wire {
    struct counters *counters;
    struct tcp *tcp;
    struct endpoint end[2];
    uint32_t isn[2];
    uint32_t ack; /* of the next segment, relative to the other side; 0: no ACK flag */
    uint16_t vlan;
    int64_t time_ns;
    int64_t tick_ns; /* next tick */
    const char *refuse; /* the consumer wants no more when bytes begin with this */
    struct conn_log log[CONNS];
    unsigned conns;
};

struct wire *wire_new(const struct tcp_config *config);
void wire_free(struct wire *w);
/* Packet time goes on, with a tick each 100 ms. */
void wire_pass(struct wire *w, int64_t ns);
void wire_bytes(struct wire *w, unsigned side, uint32_t seq, uint8_t flags, struct slice bytes,
                uint32_t cut);
void wire_send(struct wire *w, unsigned side, uint32_t seq, const char *text);
void wire_flags(struct wire *w, unsigned side, uint32_t seq, uint8_t flags);
void wire_ack(struct wire *w, unsigned side, uint32_t seq, uint32_t ack);
/* SYN, SYN-ACK, ACK. */
void wire_open(struct wire *w);
/* What connection `conn` (in order of their first data) has from `side`. */
const char *wire_got(struct wire *w, unsigned conn, unsigned side);
uint64_t wire_timeouts(const struct wire *w);
uint64_t wire_evicted(const struct wire *w, const char *reason);
