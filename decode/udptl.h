/* T.38 over UDPTL: datagrams of one direction -> IFP packets, each once and in order. What was lost stands again in the datagrams
 * behind it (redundancy, T.38 9.1.4); a gap is waited for, then told. Parity FEC is not used for repair. */
#pragma once

#include "base/slice.h"

#define UDPTL_WINDOW   32   /* datagrams that wait behind a gap */
#define UDPTL_IFP_MAX  1472 /* octets of an IFP packet; a longer one is malformed */
#define UDPTL_WAIT_NS  INT64_C(500000000)

struct udptl_slot {
    bool filled;
    uint16_t size;
    uint8_t ifp[UDPTL_IFP_MAX];
};

/* The next IFP packet, or (`ifp` NULL) `lost` of them that will not come. */
typedef void udptl_fn(void *context, const struct slice *ifp, unsigned lost);

struct udptl {
    void *context;
    udptl_fn *fn;
    bool begun;
    uint16_t next;       /* number of the packet that is told next */
    unsigned ahead;      /* slots from `next` on that may be filled */
    int64_t gap_ns;      /* when the gap at `next` was seen */
    uint64_t repaired, lost, malformed;
    struct udptl_slot slots[UDPTL_WINDOW]; /* by number */
};

void udptl_init(struct udptl *u, udptl_fn *fn, void *context);
void udptl_packet(struct udptl *u, struct slice datagram, int64_t now_ns);
/* Time went on: gives up on a gap. */
void udptl_tick(struct udptl *u, int64_t now_ns);
void udptl_end(struct udptl *u);
/* The IFP packet that a datagram is about; false: it is none. */
bool udptl_primary(struct slice datagram, struct slice *ret_ifp);
