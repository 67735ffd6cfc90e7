/* AV1 in RTP: the aggregation header and its elements (RTP Payload Format For AV1, 4.4); OBUs, and
 * of the sequence header (AV1 bitstream specification 5.5.1) as much as leads to the size of the
 * picture. */
#include "base/cursor.h"
#include "capture/video/bits.h"
#include "capture/video/video.h"

enum { OBU_SEQUENCE = 1, OBU_FRAME_HEADER = 3, OBU_FRAME = 6 };

#define ELEMENTS_MAX 64

bool video_av1_leb128(struct slice *text, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8 && i < text->size; i++) {
        value |= (uint64_t)(text->data[i] & 0x7f) << (7 * i);
        if (text->data[i] & 0x80)
            continue;
        *text = slice_from(*text, i + 1);
        *ret_value = value;
        return true;
    }
    return false;
}

struct video_av1_walk video_av1_walk(struct slice payload)
{
    struct cursor c = cursor_over(payload);
    uint8_t head = cursor_u8(&c);
    return (struct video_av1_walk){.left = cursor_rest(&c),
                                   .count = head >> 4 & 3,
                                   .continues = head & 0x80,
                                   .open = head & 0x40,
                                   .fresh = head & 0x08,
                                   .failed = c.failed};
}

bool video_av1_next(struct video_av1_walk *w, struct slice *ret_element)
{
    uint64_t size = w->left.size;
    if (w->failed || w->left.size == 0 || w->taken >= ELEMENTS_MAX)
        return false;
    w->taken++;
    bool last = w->count && w->taken >= w->count;
    if (!last && !video_av1_leb128(&w->left, &size))
        w->failed = true;
    w->failed |= size > w->left.size;
    if (w->failed)
        return false;
    *ret_element = slice_sub(w->left, 0, (size_t)size);
    w->left = slice_from(w->left, (size_t)size);
    return true;
}

bool video_av1_obu(struct slice element, unsigned *ret_type, struct slice *ret_body)
{
    struct cursor c = cursor_over(element);
    uint8_t head = cursor_u8(&c);
    if (head & 0x04)
        cursor_skip(&c, 1);
    bool sized = head & 0x02;
    struct slice body = cursor_rest(&c);
    uint64_t size = body.size;
    if (c.failed || head & 0x80 || (sized && !video_av1_leb128(&body, &size)))
        return false;
    *ret_type = head >> 3 & 15;
    *ret_body = slice_sub(body, 0, size < body.size ? (size_t)size : body.size);
    return true;
}

/* ---- the sequence header ---- */

static void skip_uvlc(struct video_bits *b)
{
    unsigned zeros = 0;
    while (!b->failed && !video_bits_flag(b))
        zeros++;
    if (zeros < 32)
        video_bits_skip(b, zeros);
}

/* Timing and decoder model; returns how long the fields of the model are, 0: there is none. */
static unsigned skip_timing(struct video_bits *b)
{
    if (!video_bits_flag(b))
        return 0;
    video_bits_skip(b, 64);
    if (video_bits_flag(b))
        skip_uvlc(b);
    if (!video_bits_flag(b))
        return 0;
    unsigned length = video_bits_take(b, 5) + 1;
    video_bits_skip(b, 32 + 5 + 5);
    return length;
}

static void skip_points(struct video_bits *b)
{
    unsigned model = skip_timing(b);
    bool delays = video_bits_flag(b);
    unsigned points = video_bits_take(b, 5) + 1;
    for (unsigned i = 0; i < points && !b->failed; i++) {
        video_bits_skip(b, 12);
        if (video_bits_take(b, 5) > 7)
            video_bits_skip(b, 1);
        if (model && video_bits_flag(b))
            video_bits_skip(b, 2 * model + 1);
        if (delays && video_bits_flag(b))
            video_bits_skip(b, 4);
    }
}

bool video_av1_sequence(struct slice obu, struct video_look *look)
{
    struct video_bits b = video_bits_over(obu, false);
    video_bits_skip(&b, 4);
    bool reduced = video_bits_flag(&b);
    if (reduced)
        video_bits_skip(&b, 5);
    else
        skip_points(&b);
    unsigned width_bits = video_bits_take(&b, 4) + 1;
    unsigned height_bits = video_bits_take(&b, 4) + 1;
    uint64_t width = (uint64_t)video_bits_take(&b, width_bits) + 1;
    uint64_t height = (uint64_t)video_bits_take(&b, height_bits) + 1;
    return !b.failed && video_look_size(look, width, height);
}

/* A frame's first bits: whether it shows one that was there before, and its type; 0 is a key frame.
 */
static bool is_key(unsigned type, struct slice body)
{
    return (type == OBU_FRAME || type == OBU_FRAME_HEADER) && body.size &&
           (body.data[0] & 0xe0) == 0;
}

void video_av1_look(struct slice payload, struct video_look *look)
{
    struct video_av1_walk w = video_av1_walk(payload);
    struct slice element, body;
    unsigned type;
    bool rest = w.continues;
    while (video_av1_next(&w, &element)) {
        bool whole = !rest;
        rest = false;
        if (!whole || !video_av1_obu(element, &type, &body))
            continue;
        if (type == OBU_SEQUENCE)
            video_av1_sequence(body, look);
        look->key |= is_key(type, body);
    }
}
