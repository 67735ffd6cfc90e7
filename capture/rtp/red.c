/* The headers first, then the blocks; the lengths must fit. */
#include "capture/rtp/red.h"

#include "base/cursor.h"

unsigned red_blocks(struct slice payload, struct red_block ret_blocks[RED_BLOCKS_MAX])
{
    struct cursor c = cursor_over(payload);
    size_t sizes[RED_BLOCKS_MAX];
    unsigned count = 0;
    for (bool more = true; more;) {
        uint8_t first = cursor_u8(&c);
        more = first >> 7;
        if (c.failed || count == RED_BLOCKS_MAX)
            return 0;
        uint32_t rest = more ? cursor_u24(&c) : 0;
        sizes[count] = rest & 0x3ff;
        ret_blocks[count++] =
            (struct red_block){.payload_type = first & 0x7f, .behind = (uint16_t)(rest >> 10)};
    }
    for (unsigned i = 0; i + 1 < count; i++)
        ret_blocks[i].payload = cursor_slice(&c, sizes[i]);
    ret_blocks[count - 1].payload = cursor_rest(&c);
    return c.failed ? 0 : count;
}
