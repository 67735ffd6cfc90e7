/* AMR and AMR-WB payloads (RFC 4867) cut into frames: bandwidth-efficient or octet-aligned, with
 * CRCs, interleaved, or sorted for robustness, as the SDP says; where a payload fits only the other
 * of the two packings, that is what it is. */
#pragma once

#include "decode/render.h"

/* A table of contents with more entries is damage: 240 ms of four channels. */
#define AMR_FRAMES_MAX  48
#define AMR_FRAME_BYTES 64 /* header and speech of the largest is 61 */

struct amr_kind {
    const char *decoder; /* libavcodec's name */
    uint16_t sizes[16];  /* bits of each frame type */
    uint16_t reserved;   /* types that make a payload damage, a bit each */
    uint8_t sid;         /* the type of comfort noise */
    uint16_t samples;    /* of a frame */
};

extern const struct amr_kind amr_narrow, amr_wide;

struct amr_format {
    bool aligned, crc, sorted, interleaved;
    unsigned channels;
};

struct amr_frame {
    uint8_t type;
    bool good; /* Q bit */
    uint16_t bits;
    /* A header octet as in storage format (RFC 4867 5.3) and the speech bits behind it. */
    uint8_t data[AMR_FRAME_BYTES];
};

struct amr_payload {
    unsigned count;
    unsigned apart; /* from one frame block to the next: 1, or more when interleaved */
    bool closes;    /* the last of its interleaving group */
    struct amr_frame frames[AMR_FRAMES_MAX];
};

struct amr_format amr_format_of(const struct render_codec *codec);
/* False: damaged. */
bool amr_cut(const struct amr_kind *kind, const struct amr_format *format, struct slice payload,
             struct amr_payload *ret_payload);
