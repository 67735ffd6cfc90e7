/* Redundant audio (RFC 2198): a payload that holds what it says once more, for when an earlier
 * packet was lost.
 *
 *     | 1 | payload type 7 | timestamp offset 14 | length 10 |  each earlier block
 *     | 0 | payload type 7 |                                    the primary: the rest
 *     | earlier block | ... | primary |
 */
#pragma once

#include "base/slice.h"

/* What holds more is damage. */
#define RED_BLOCKS_MAX 8

struct red_block {
    uint8_t payload_type;
    uint32_t back; /* RTP ticks before the packet's timestamp */
    struct slice payload;
};

struct red_payload {
    unsigned count; /* the last one is the primary */
    struct red_block blocks[RED_BLOCKS_MAX];
};

/* False: damaged. */
bool red_cut(struct slice payload, struct red_payload *ret_red);
/* The payload type of the primary, even of a payload that the capture cut. */
bool red_primary(struct slice payload, uint8_t *ret_payload_type);
