/* One flow of a call's video -> Matroska files, without decoding: packets back in order, pictures put together, those that lack a
 * packet left out. A file begins with a key frame, its times are those of the RTP clock from there; it is tied to arrivals anew
 * when the two are more than a second apart. Another codec begins another file. Of several SSRCs one is followed until it has
 * been silent for a second: simulcast gives one film. */
#pragma once

#include "base/error.h"
#include "decode/render.h"

struct video_made {
    unsigned number; /* from 1 */
    const char *path;
    const char *codec;
    uint16_t width, height; /* of the first picture */
    uint64_t pictures, dropped; /* dropped since the file before: not whole, or ahead of the first key frame */
    int64_t start_ns;       /* arrival of the first picture */
    int64_t length_ns;      /* up to the last one */
    int64_t size_bytes;
    uint8_t sha256[32];
};

struct video_request {
    const char *dir;  /* the path stays below it */
    const char *stem; /* of all files: "a-v" gives "a-v3.mkv" */
    unsigned first;   /* the number in the name of the first */
    unsigned most;    /* files; what comes then is not kept */
    int64_t from_ns;  /* pictures ahead of it are not wanted; what they say of the codec is */
    struct render_flow flow;
    void *context;
    void (*made)(void *context, const struct video_made *made);
};

/* 0 also when there is no picture in it; else what the disk said, and nothing is left of the open file. */
int video_render(const struct video_request *request, struct why *why);
