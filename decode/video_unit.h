/* The packets of one picture -> its octets as a container takes them: H.264 and H.265 as NAL units behind start codes (Annex B),
 * VP8 and VP9 as the frame, AV1 as OBUs with their sizes. Nothing is decoded and nothing encoded anew. A picture that lacks a
 * packet, or does not hold together, is not whole. */
#pragma once

#include "capture/video/video.h"

#define VIDEO_UNIT_MAX (8u << 20) /* octets of a picture; what is larger is not whole */
#define VIDEO_SETS_MAX 2048       /* of parameter sets (H.264, H.265) or a sequence header (AV1) */

struct video_unit {
    enum video_codec codec;
    uint8_t *data; /* 64 octets more than `size` can be read: zeros */
    size_t size, room;
    bool whole;
    bool key;
    bool doubt;     /* packets ahead of it are missing: its first must be its beginning */
    bool open;      /* a fragmented NAL unit or OBU goes on */
    size_t obu;     /* AV1: where the open OBU begins */
    unsigned layers; /* VP9: frames, each in a piece of its own: */
    size_t layer_at[8];
    uint16_t width, height; /* 0: not said in this picture */
    uint8_t sets[VIDEO_SETS_MAX]; /* those that came last, of this picture or one before, as a container's header has them */
    size_t sets_size;
};

void video_unit_fini(struct video_unit *u);
/* A new picture. `lost`: packets are missing ahead of its first. */
void video_unit_begin(struct video_unit *u, enum video_codec codec, bool lost);
/* Its next packet; `lost`: some are missing in front of it. */
void video_unit_add(struct video_unit *u, struct slice payload, bool lost);
/* No more packets: whether it is whole. */
bool video_unit_end(struct video_unit *u);
/* Parameter sets that SDP tells, for senders that do not send them (sprop-parameter-sets, sprop-vps, -sps, -pps). */
void video_unit_announced(struct video_unit *u, enum video_codec codec, struct slice fmtp);
