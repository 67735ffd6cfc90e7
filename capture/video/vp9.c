/* VP9 in RTP (RFC 9628): the payload descriptor with its scalability structure, and the header of a
 * key frame (VP9 bitstream specification 6.2). */
#include "base/cursor.h"
#include "capture/video/bits.h"
#include "capture/video/video.h"

enum {
    HAS_ID = 0x80,
    PREDICTED = 0x40,
    HAS_LAYERS = 0x20,
    FLEXIBLE = 0x10,
    START = 8,
    END = 4,
    HAS_STRUCTURE = 2
};

/* Sizes of all spatial layers, the last is the largest; then how pictures depend on each other. */
static void structure(struct cursor *c, struct video_vpx_head *head)
{
    uint8_t first = cursor_u8(c);
    for (unsigned i = 0; first & 0x10 && i <= first >> 5; i++) {
        head->width = cursor_u16(c);
        head->height = cursor_u16(c);
    }
    unsigned pictures = first & 0x08 ? cursor_u8(c) : 0;
    for (unsigned i = 0; i < pictures && !c->failed; i++)
        cursor_skip(c, cursor_u8(c) >> 2 & 3);
}

bool video_vp9_head(struct slice payload, struct video_vpx_head *ret_head)
{
    struct cursor c = cursor_over(payload);
    uint8_t first = cursor_u8(&c);
    struct video_vpx_head head = {
        .start = first & START, .end = first & END, .predicted = first & PREDICTED};
    if (first & HAS_ID && cursor_u8(&c) & 0x80)
        cursor_skip(&c, 1);
    if (first & HAS_LAYERS) {
        head.layer = cursor_u8(&c) >> 1 & 7;
        cursor_skip(&c, first & FLEXIBLE ? 0 : 1);
    }
    bool more = first & FLEXIBLE && first & PREDICTED;
    for (unsigned i = 0; more && i < 3; i++)
        more = cursor_u8(&c) & 1;
    if (first & HAS_STRUCTURE)
        structure(&c, &head);
    head.size = payload.size - cursor_left(&c);
    *ret_head = head;
    return !c.failed && cursor_left(&c) > 0;
}

static void skip_colours(struct video_bits *b, unsigned profile)
{
    if (profile >= 2)
        video_bits_skip(b, 1);
    bool rgb = video_bits_take(b, 3) == 7;
    if (!rgb)
        video_bits_skip(b, 1);
    if (profile & 1)
        video_bits_skip(b, rgb ? 1 : 3);
}

static void key_header(struct slice frame, struct video_look *look)
{
    struct video_bits b = video_bits_over(frame, false);
    bool marked = video_bits_take(&b, 2) == 2;
    unsigned profile = video_bits_flag(&b);
    profile |= (unsigned)video_bits_flag(&b) << 1;
    if (profile == 3)
        video_bits_skip(&b, 1);
    bool other = video_bits_flag(&b); /* shows a picture that was there before */
    other |= video_bits_flag(&b);     /* not a key frame */
    if (b.failed || !marked || other)
        return;
    look->key = true;
    video_bits_skip(&b, 2);
    bool sync = video_bits_take(&b, 24) == 0x498342;
    skip_colours(&b, profile);
    uint64_t width = (uint64_t)video_bits_take(&b, 16) + 1;
    uint64_t height = (uint64_t)video_bits_take(&b, 16) + 1;
    if (!b.failed && sync)
        video_look_size(look, width, height);
}

void video_vp9_look(struct slice payload, struct video_look *look)
{
    struct video_vpx_head head;
    if (!video_vp9_head(payload, &head))
        return;
    if (!head.start || head.predicted || head.layer > 0)
        return;
    key_header(slice_from(payload, head.size),
               look); /* not all senders set the bit of the descriptor */
    video_look_size(look, head.width,
                    head.height); /* of the largest layer, where there are several */
}
