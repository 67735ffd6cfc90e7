/* Redundant audio (RFC 2198): a payload that says once more what earlier packets said, for when one
 * of them was lost.
 *
 *     | 1 | payload type 7 | timestamp offset 14 | length 10 |   each earlier block
 *     | 0 | payload type 7 |                                     the new one: the rest
 *     | earlier block | ... | new block |
 */
#pragma once

#include "base/slice.h"

/* What holds more is none. */
#define RED_BLOCKS_MAX 8

struct red_block {
    uint8_t payload_type;
    uint16_t behind; /* ticks before the packet's timestamp; 0: the new one */
    struct slice payload;
};

/* Number of blocks, oldest first as sent; 0: not of this form. */
unsigned red_blocks(struct slice payload, struct red_block ret_blocks[RED_BLOCKS_MAX]);
