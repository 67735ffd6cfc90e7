/* What the payload of one RTP packet of video shows without decoding it: the size of the picture, and whether it begins one
 * that needs no other (a key frame). H.264 (RFC 6184), H.265 (RFC 7798), VP8 (RFC 7741), VP9 (RFC 9628), AV1 (the payload
 * format of its authors). Pure functions of the payload, each bounded by its length; what is not understood shows nothing. */
#pragma once

#include "base/slice.h"

enum video_codec { VIDEO_NONE, VIDEO_H264, VIDEO_H265, VIDEO_VP8, VIDEO_VP9, VIDEO_AV1 };

/* A side of a picture is no longer than this, or the size was no size. */
#define VIDEO_SIDE_MAX 16384

struct video_look {
    uint16_t width, height; /* 0: not said here */
    bool key;
};

/* By the name of SDP; VIDEO_NONE for others. */
enum video_codec video_codec_named(const char *name);
void video_look(enum video_codec codec, struct slice payload, struct video_look *ret_look);
/* What SDP itself says of the size: sprop-parameter-sets, sprop-sps. False when nothing. */
bool video_look_announced(enum video_codec codec, struct slice fmtp, struct video_look *ret_look);

/* ---- the parts, for those who take payloads apart ---- */

/* Sets both sides if they are sizes. */
bool video_look_size(struct video_look *look, uint64_t width, uint64_t height);

void video_h264_look(struct slice payload, struct video_look *look);
void video_h265_look(struct slice payload, struct video_look *look);
void video_vp8_look(struct slice payload, struct video_look *look);
void video_vp9_look(struct slice payload, struct video_look *look);
void video_av1_look(struct slice payload, struct video_look *look);
/* A sequence parameter set with its NAL header. */
bool video_h264_sps(struct slice nal, struct video_look *look);
bool video_h265_sps(struct slice nal, struct video_look *look);
/* A sequence header, behind the header of its OBU. */
bool video_av1_sequence(struct slice obu, struct video_look *look);

/* What stands ahead of the frame's octets in a payload of VP8 or VP9. */
struct video_vpx_head {
    size_t size;      /* octets of the descriptor */
    bool start;       /* a frame (VP9: a layer of it) begins here */
    bool end;         /* VP9: and ends */
    bool predicted;   /* VP9: needs other pictures */
    uint8_t layer;    /* VP9: spatial */
    uint8_t partition;/* VP8 */
    uint16_t width, height; /* VP9: scalability structure; 0 none */
};
bool video_vp8_head(struct slice payload, struct video_vpx_head *ret_head);
bool video_vp9_head(struct slice payload, struct video_vpx_head *ret_head);

/* An element of a payload of AV1: an OBU or a piece of one. */
struct video_av1_walk {
    struct slice left;
    unsigned count; /* elements that the aggregation header tells; 0: all with a length */
    unsigned taken;
    bool continues; /* the first is the end of one begun before */
    bool open;      /* the last goes on in the next packet */
    bool fresh;     /* a coded video sequence begins */
    bool failed;
};
struct video_av1_walk video_av1_walk(struct slice payload);
bool video_av1_next(struct video_av1_walk *w, struct slice *ret_element);
/* leb128, at most 8 octets. */
bool video_av1_leb128(struct slice *text, uint64_t *ret_value);
/* An OBU: its type and what stands behind its header (and length, when it has one). False when it is none. */
bool video_av1_obu(struct slice element, unsigned *ret_type, struct slice *ret_body);
