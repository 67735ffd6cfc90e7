/* H.265 in RTP (RFC 7798): single NAL units, aggregation packets, fragmentation units; of the
 * sequence parameter set (H.265 7.3.2.2) as much as leads to the size of the picture. Not with DONL
 * fields (sprop-max-don-diff), which nobody was seen to send. */
#include "base/cursor.h"
#include "capture/video/bits.h"
#include "capture/video/video.h"

enum { NAL_BLA = 16, NAL_CRA = 21, NAL_SPS = 33, AGGREGATE = 48, FRAGMENT = 49 };

#define UNITS_MAX 64

/* profile_tier_level(), H.265 7.3.3 */
static void skip_profile(struct video_bits *b, unsigned sub_layers)
{
    unsigned present[8][2] = {{0}};
    video_bits_skip(b, 88 + 8);
    for (unsigned i = 0; i < sub_layers; i++)
        for (unsigned k = 0; k < 2; k++)
            present[i][k] = video_bits_flag(b);
    if (sub_layers)
        video_bits_skip(b, 2 * (8 - sub_layers));
    for (unsigned i = 0; i < sub_layers; i++)
        video_bits_skip(b, 88 * present[i][0] + 8 * present[i][1]);
}

bool video_h265_sps(struct slice nal, struct video_look *look)
{
    if (nal.size < 4 || (nal.data[0] >> 1 & 0x3f) != NAL_SPS)
        return false;
    struct video_bits b = video_bits_over(slice_from(nal, 2), true);
    uint64_t crop[4] = {0};
    video_bits_skip(&b, 4);
    unsigned sub_layers = video_bits_take(&b, 3);
    video_bits_skip(&b, 1);
    skip_profile(&b, sub_layers);
    video_bits_ue(&b);
    uint32_t chroma = video_bits_ue(&b);
    if (chroma == 3 && video_bits_flag(&b))
        chroma = 0;
    uint64_t width = video_bits_ue(&b), height = video_bits_ue(&b);
    bool window = video_bits_flag(&b);
    for (unsigned i = 0; window && i < 4; i++)
        crop[i] = video_bits_ue(&b);
    uint64_t x = (crop[0] + crop[1]) * (chroma == 1 || chroma == 2 ? 2 : 1);
    uint64_t y = (crop[2] + crop[3]) * (chroma == 1 ? 2 : 1);
    return !b.failed && chroma <= 3 && x < width && y < height &&
           video_look_size(look, width - x, height - y);
}

static bool is_key(unsigned type)
{
    return type >= NAL_BLA && type <= NAL_CRA;
}

static void look_at_unit(struct slice nal, struct video_look *look)
{
    unsigned type = nal.size ? nal.data[0] >> 1 & 0x3f : 0;
    look->key |= is_key(type);
    if (type == NAL_SPS)
        video_h265_sps(nal, look);
}

void video_h265_look(struct slice payload, struct video_look *look)
{
    struct cursor c = cursor_over(payload);
    unsigned type = cursor_u16(&c) >> 9 & 0x3f;
    if (type == FRAGMENT) {
        uint8_t head = cursor_u8(&c);
        look->key |= (head & 0x80) && is_key(head & 0x3f);
    } else if (type == AGGREGATE) {
        for (unsigned i = 0; i < UNITS_MAX && cursor_left(&c); i++)
            look_at_unit(cursor_slice(&c, cursor_u16(&c)), look);
    } else if (!c.failed) {
        look_at_unit(payload, look);
    }
}
