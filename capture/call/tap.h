/* Does the tap see both directions of a host's media? A mirror of one direction of a port makes every call look one-way; that is
 * no fault of the calls. So each host is remembered with the number of calls in which it only sent, or only received, since
 * it was last seen doing the other. */
#pragma once

#include "capture/call/live.h"

struct tap_host {
    uint64_t key;         /* keyed hash of address and space; 0: free */
    uint64_t call[2];     /* the newest that counts: as sender, as receiver */
    uint16_t alone[2];    /* calls in a row in which it was only that */
};

#define TAP_HOSTS 4096 /* a newer host takes the place of an older one */

/* NULL without memory. */
struct tap_host *tap_new(void);
/* The first RTP of a flow. */
void tap_media(struct calls *c, const struct live *l, const struct flow *f);
/* Nothing came of one side of this call: in how many calls in a row, this one among them, one of its hosts was seen doing half. 0:
 * both sides came, or none. While its flows are still there. */
uint16_t tap_one_sided_calls(const struct calls *c, const struct live *l);
