/* Puts the packets of one SSRC back into sequence: a packet behind a hole waits (1 s or 64 packets
 * at most) for what is missing. What comes twice or too late is dropped; a jump of the numbers,
 * confirmed by a second packet (RFC 3550 A.1), is a restart of the sender. */
#pragma once

#include "base/slice.h"

#define REORDER_SLOTS   64
#define REORDER_PAYLOAD 4096 /* a larger payload does not wait */

struct media {
    int64_t arrival_ns;
    uint32_t timestamp;
    uint16_t sequence;
    uint8_t format; /* index among the source's payload formats */
    struct slice payload;
    unsigned lost; /* packets missing in front of this one */
    bool restart;  /* the sequence numbers began anew: not loss */
};

struct reorder {
    bool started;
    uint16_t next;
    uint16_t late_run; /* packets behind `next` in a row */
    unsigned held;
    int64_t oldest_ns;                 /* arrival of the longest waiting */
    struct media slots[REORDER_SLOTS]; /* by sequence number; payload.data NULL: empty */
    struct media jump;                 /* first packet of what may be a restart */
    uint8_t *store;                    /* payloads of the slots; made when first needed */
};

typedef void reorder_deliver(void *context, const struct media *m);

void reorder_fini(struct reorder *r);
void reorder_push(struct reorder *r, const struct media *m, reorder_deliver *deliver,
                  void *context);
/* Begins with this packet but keeps it until more is pushed. */
void reorder_begin_held(struct reorder *r, const struct media *m);
/* Delivers all that waits and forgets the numbering. */
void reorder_flush(struct reorder *r, reorder_deliver *deliver, void *context);
