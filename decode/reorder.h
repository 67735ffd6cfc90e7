/* Puts the packets of one SSRC back into sequence: a packet behind a hole waits (1 s or 64 packets
 * at most) for what is missing. What comes twice or too late is dropped.
 *
 * Numbers that have nothing to do with the line that was followed so far (a jump, or old ones again)
 * are another line: of a sender who began anew, or of somebody who sends under his name. Who began
 * anew is silent on the old line. So packets of another line wait, and it is followed once there are
 * two of them (RFC 3550 A.1) and the old line has been silent for 100 ms; for a second where
 * both were heard side by side before. When the old line goes on they are dropped. */
#pragma once

#include "base/slice.h"

#define REORDER_SLOTS   64
#define REORDER_PAYLOAD 4096 /* a larger payload does not wait */
#define REORDER_JUMPS   8    /* packets of another line that wait */

struct media {
    int64_t arrival_ns;
    uint32_t timestamp;
    uint16_t sequence;
    uint8_t format; /* index among the source's payload formats */
    struct slice payload;
    unsigned lost; /* packets missing in front of this one */
    bool restart;  /* the sequence numbers began anew: not loss */
    bool withheld; /* the payload was not kept: silence */
    bool marker;   /* of the RTP header: of video a picture ends, of LATM an element */
    bool red;      /* the payload is of several blocks (capture/rtp/red.h); `format` is the last one's */
};

struct reorder {
    bool started;
    uint16_t next;
    uint16_t late_run; /* packets behind `next` in a row */
    unsigned held;
    uint16_t newest;                   /* number of the line that came last */
    int64_t line_ns;                   /* and its arrival */
    int64_t oldest_ns;                 /* arrival of the longest waiting */
    struct media slots[REORDER_SLOTS]; /* by sequence number; payload.data NULL: empty */
    struct media jump[REORDER_JUMPS];  /* the newest packets of another line, a ring */
    unsigned jump_at, jumps;           /* place of its oldest; how many */
    unsigned refuted;                  /* packets of other lines that were dropped */
    uint8_t *store;                    /* payloads of the slots; made when first needed */
};

typedef void reorder_deliver(void *context, const struct media *m);

void reorder_fini(struct reorder *r);
void reorder_push(struct reorder *r, const struct media *m, reorder_deliver *deliver,
                  void *context);
/* Keeps the packet until one is pushed; of those kept so the newest 64 numbers stay. */
void reorder_wait(struct reorder *r, const struct media *m);
/* Of those kept: what arrived until then is not wanted any more. */
void reorder_forget(struct reorder *r, int64_t until_ns);
/* Delivers all that waits and forgets the numbering. */
void reorder_flush(struct reorder *r, reorder_deliver *deliver, void *context);
