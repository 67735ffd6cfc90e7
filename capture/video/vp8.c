/* VP8 in RTP (RFC 7741): the payload descriptor, and the header of a key frame (RFC 6386 9.1). */
#include "base/cursor.h"
#include "capture/video/video.h"

bool video_vp8_head(struct slice payload, struct video_vpx_head *ret_head)
{
    struct cursor c = cursor_over(payload);
    uint8_t first = cursor_u8(&c);
    uint8_t more = first & 0x80 ? cursor_u8(&c) : 0;
    if (more & 0x80 && cursor_u8(&c) & 0x80) /* a picture's number of 15 bits */
        cursor_skip(&c, 1);
    if (more & 0x40)
        cursor_skip(&c, 1);
    if (more & 0x30)
        cursor_skip(&c, 1);
    *ret_head = (struct video_vpx_head){.size = payload.size - cursor_left(&c),
                                        .start = (first & 0x10) && (first & 0x07) == 0,
                                        .partition = first & 0x07};
    return !c.failed && cursor_left(&c) > 0;
}

void video_vp8_look(struct slice payload, struct video_look *look)
{
    struct video_vpx_head head;
    if (!video_vp8_head(payload, &head) || !head.start || payload.data[head.size] & 1)
        return;
    look->key = true;
    struct cursor c = cursor_over(slice_from(payload, head.size + 3));
    uint32_t start_code = cursor_u24(&c);
    uint16_t width = cursor_u16_le(&c) & 0x3fff;
    uint16_t height = cursor_u16_le(&c) & 0x3fff;
    if (!c.failed && start_code == 0x9d012a)
        video_look_size(look, width, height);
}
