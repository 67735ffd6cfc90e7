/* Packets of one flow as they wait in memory (spool_gather.c), in the form in which a chunk has them: where the part that has waited
 * long enough ends, and a walk that may shorten or take out what must not be written. Pure: no spool, no time. Private to spool_*.c. */
#pragma once

#include "storage/spool.h"

/* What stands at the front of the bytes. */
struct held_part {
    uint32_t bytes, packets;
    int64_t first_ns, last_ns;
};

/* The packets at the front that are not newer than until_ns, one at least of at most `most` bytes together (one that is larger
 * goes alone). False: there is none. */
bool held_front(struct slice bytes, int64_t until_ns, uint32_t most, struct held_part *ret_part);
/* Hands all packets since then to `fn`; returns how many bytes are left. *mark, a place in the bytes where a packet begins or they end,
 * moves with them. */
uint32_t held_change(uint8_t *bytes, uint32_t size, int64_t since_ns, spool_held_fn *fn, void *context, uint32_t *mark,
                     uint32_t *ret_packets);
