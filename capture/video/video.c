/* Which parser a payload goes to, and what SDP says ahead of any. */
#include "capture/video/video.h"

#include "base/base64.h"

#define SETS_MAX 512 /* octets of a parameter set in SDP */

enum video_codec video_codec_named(const char *name)
{
    static const char *const names[] = {"", "H264", "H265", "VP8", "VP9", "AV1"};
    for (enum video_codec c = VIDEO_H264; c <= VIDEO_AV1; c++)
        if (strcasecmp(name, names[c]) == 0)
            return c;
    return VIDEO_NONE;
}

bool video_look_size(struct video_look *look, uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0 || width > VIDEO_SIDE_MAX || height > VIDEO_SIDE_MAX)
        return false;
    look->width = (uint16_t)width;
    look->height = (uint16_t)height;
    return true;
}

void video_look(enum video_codec codec, struct slice payload, struct video_look *ret_look)
{
    *ret_look = (struct video_look){0};
    switch (codec) {
    case VIDEO_H264:
        video_h264_look(payload, ret_look);
        break;
    case VIDEO_H265:
        video_h265_look(payload, ret_look);
        break;
    case VIDEO_VP8:
        video_vp8_look(payload, ret_look);
        break;
    case VIDEO_VP9:
        video_vp9_look(payload, ret_look);
        break;
    case VIDEO_AV1:
        video_av1_look(payload, ret_look);
        break;
    case VIDEO_NONE:
        break;
    }
}

bool video_look_announced(enum video_codec codec, struct slice fmtp, struct video_look *ret_look)
{
    uint8_t set[SETS_MAX];
    bool avc = codec == VIDEO_H264;
    *ret_look = (struct video_look){0};
    if (!avc && codec != VIDEO_H265)
        return false;
    struct slice sets = slice_parameter(fmtp, avc ? "sprop-parameter-sets" : "sprop-sps");
    while (sets.size) {
        size_t size = base64_decode(slice_cut(&sets, ','), set, sizeof set);
        struct slice nal = slice_of(set, size <= sizeof set ? size : 0);
        if (avc ? video_h264_sps(nal, ret_look) : video_h265_sps(nal, ret_look))
            return true;
    }
    return false;
}
