/* The headers first, then the blocks; the lengths must fit. */
#include "capture/rtp/red.h"

#include "base/cursor.h"

/* The headers alone; lengths in payload.size. */
static bool read_headers(struct cursor *c, struct red_payload *red)
{
    for (red->count = 0; red->count < RED_BLOCKS_MAX; red->count++) {
        struct red_block *b = &red->blocks[red->count];
        uint8_t first = cursor_u8(c);
        *b = (struct red_block){.payload_type = first & 0x7f};
        if ((first & 0x80) == 0) {
            red->count++;
            return !c->failed;
        }
        uint32_t rest = cursor_u24(c);
        b->back = rest >> 10;
        b->payload.size = rest & 0x3ff;
    }
    return false;
}

bool red_cut(struct slice payload, struct red_payload *ret_red)
{
    struct cursor c = cursor_over(payload);
    if (!read_headers(&c, ret_red))
        return false;
    for (unsigned i = 0; i + 1 < ret_red->count; i++)
        ret_red->blocks[i].payload = cursor_slice(&c, ret_red->blocks[i].payload.size);
    ret_red->blocks[ret_red->count - 1].payload = cursor_slice(&c, cursor_left(&c));
    return !c.failed;
}

bool red_primary(struct slice payload, uint8_t *ret_payload_type)
{
    struct red_payload red;
    struct cursor c = cursor_over(payload);
    if (!read_headers(&c, &red))
        return false;
    *ret_payload_type = red.blocks[red.count - 1].payload_type;
    return true;
}
