/* Any bytes as the packets of pictures of each codec of video, put together for a file. The first
 * octet says which codec, the second how long the fmtp behind it is; then packets, each two octets
 * (three flags, and its size) and its payload. Whatever holds of a picture that is said to be whole
 * is asserted. */
#include <assert.h>

#include "base/cursor.h"
#include "decode/video_unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOST = 0x8000, LAST = 0x4000, OTHER = 0x2000, SIZE_MASK = 0x1fff };

static bool begins_with_code(const uint8_t *data, size_t size)
{
    static const uint8_t code[4] = {0, 0, 0, 1};
    return size > sizeof code && memcmp(data, code, sizeof code) == 0;
}

/* OBUs with sizes, one behind the other to the end. */
static void check_av1(struct slice picture)
{
    while (picture.size) {
        struct slice body;
        unsigned type;
        assert(picture.data[0] & 2);
        assert(video_av1_obu(picture, &type, &body));
        assert(body.data + body.size <= picture.data + picture.size);
        picture = slice_from(picture, (size_t)(body.data + body.size - picture.data));
    }
}

static void check(const struct video_unit *u)
{
    bool nals = u->codec == VIDEO_H264 || u->codec == VIDEO_H265;
    assert(u->sets_size <= sizeof u->sets);
    assert(!nals || u->sets_size == 0 || begins_with_code(u->sets, u->sets_size));
    if (!u->whole)
        return;
    assert(u->size > 0 && u->size <= VIDEO_UNIT_MAX && u->size + 64 <= u->room && !u->open);
    for (size_t i = 0; i < 64; i++)
        assert(u->data[u->size + i] == 0);
    assert(u->layers <= 8 && (u->width == 0) == (u->height == 0));
    assert(!nals || begins_with_code(u->data, u->size));
    if (u->codec == VIDEO_AV1)
        check_av1(slice_of(u->data, u->size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct video_unit u;
    struct cursor c = cursor_over(slice_of(data, size));
    enum video_codec codec = VIDEO_H264 + cursor_u8(&c) % 5;
    struct slice fmtp = cursor_slice(&c, cursor_u8(&c));
    u = (struct video_unit){0};
    if (c.failed)
        return 0;
    if (fmtp.size)
        video_unit_announced(&u, codec, fmtp);
    video_unit_begin(&u, codec, false);
    while (cursor_left(&c) >= 2) {
        unsigned how = cursor_u16(&c);
        size_t most = cursor_left(&c);
        video_unit_add(&u, cursor_slice(&c, (how & SIZE_MASK) < most ? how & SIZE_MASK : most),
                       how & LOST);
        if (!(how & LAST) && cursor_left(&c) >= 2)
            continue;
        (void)video_unit_end(&u);
        check(&u);
        if (how & OTHER)
            codec = VIDEO_H264 + (codec - VIDEO_H264 + 1) % 5;
        video_unit_begin(&u, codec, how & LOST);
    }
    video_unit_fini(&u);
    return 0;
}
