/* H.264 in RTP (RFC 6184): single NAL units, STAP-A, FU-A; of the sequence parameter set
 * (H.264 7.3.2.1.1) as much as leads to the size of the picture. */
#include "base/cursor.h"
#include "capture/video/bits.h"
#include "capture/video/video.h"

enum { NAL_IDR = 5, NAL_SPS = 7, STAP_A = 24, FU_A = 28 };

#define UNITS_MAX 64 /* of an aggregate that are looked at */

static void skip_scaling_list(struct video_bits *b, unsigned count)
{
    uint32_t last = 8, next = 8;
    for (unsigned i = 0; i < count && next && !b->failed; i++) {
        uint32_t code = video_bits_ue(b); /* se(v): odd is positive */
        uint32_t delta = code & 1 ? (code + 1) / 2 : 0u - code / 2;
        next = (last + delta) & 255;
        last = next ? next : last;
    }
}

/* Profiles that say their chroma format; returns it, 0 monochrome to 3. */
static uint32_t high_profile(struct video_bits *b)
{
    uint32_t chroma = video_bits_ue(b);
    bool separate = chroma == 3 && video_bits_flag(b);
    video_bits_ue(b); /* bit depths */
    video_bits_ue(b);
    video_bits_skip(b, 1);
    if (video_bits_flag(b))
        for (unsigned i = 0; i < (chroma == 3 ? 12 : 8) && !b->failed; i++)
            if (video_bits_flag(b))
                skip_scaling_list(b, i < 6 ? 16 : 64);
    b->failed |= chroma > 3;
    return separate ? 0 : chroma;
}

static bool is_high(uint32_t profile)
{
    static const uint8_t high[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
    return memchr(high, (int)profile, sizeof high) != NULL;
}

static void skip_order_count(struct video_bits *b)
{
    uint32_t type = video_bits_ue(b);
    if (type == 0)
        video_bits_ue(b);
    if (type != 1)
        return;
    video_bits_skip(b, 1);
    video_bits_ue(b);
    video_bits_ue(b);
    uint32_t cycle = video_bits_ue(b);
    b->failed |= cycle > 255;
    for (uint32_t i = 0; i < cycle && !b->failed; i++)
        video_bits_ue(b);
}

/* What is cut off at the borders is counted in units of the chroma format. */
static bool cropped(struct video_bits *b, uint32_t chroma, bool frames_only, uint64_t width,
                    uint64_t height, struct video_look *look)
{
    uint64_t crop[4] = {0};
    bool has = video_bits_flag(b);
    for (unsigned i = 0; has && i < 4; i++)
        crop[i] = video_bits_ue(b);
    uint64_t x = (crop[0] + crop[1]) * (chroma == 1 || chroma == 2 ? 2 : 1);
    uint64_t y = (crop[2] + crop[3]) * (chroma == 1 ? 2 : 1) * (frames_only ? 1 : 2);
    return !b->failed && x < width && y < height && video_look_size(look, width - x, height - y);
}

bool video_h264_sps(struct slice nal, struct video_look *look)
{
    if (nal.size < 4 || (nal.data[0] & 0x1f) != NAL_SPS)
        return false;
    struct video_bits b = video_bits_over(slice_from(nal, 1), true);
    uint32_t profile = video_bits_take(&b, 8);
    video_bits_skip(&b, 16);
    video_bits_ue(&b);
    uint32_t chroma = is_high(profile) ? high_profile(&b) : 1;
    video_bits_ue(&b);
    skip_order_count(&b);
    video_bits_ue(&b);
    video_bits_skip(&b, 1);
    uint64_t width = ((uint64_t)video_bits_ue(&b) + 1) * 16;
    uint64_t height = ((uint64_t)video_bits_ue(&b) + 1) * 16;
    bool frames_only = video_bits_flag(&b);
    video_bits_skip(&b, frames_only ? 1 : 2);
    return cropped(&b, chroma, frames_only, width, frames_only ? height : 2 * height, look);
}

static void look_at_unit(struct slice nal, struct video_look *look)
{
    unsigned type = nal.size ? nal.data[0] & 0x1f : 0;
    look->key |= type == NAL_IDR;
    if (type == NAL_SPS)
        video_h264_sps(nal, look);
}

void video_h264_look(struct slice payload, struct video_look *look)
{
    struct cursor c = cursor_over(payload);
    unsigned type = cursor_u8(&c) & 0x1f;
    if (type == FU_A) {
        uint8_t head = cursor_u8(&c);
        look->key |= (head & 0x80) && (head & 0x1f) == NAL_IDR;
    } else if (type == STAP_A) {
        for (unsigned i = 0; i < UNITS_MAX && cursor_left(&c); i++)
            look_at_unit(cursor_slice(&c, cursor_u16(&c)), look);
    } else {
        look_at_unit(payload, look);
    }
}
