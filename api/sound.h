/* What the API asks of the program where a recording is wanted in another form than it lies on the disk: nothing is decoded in this
 * room. */
#pragma once

#include "api/http.h"

#define API_SOUND_FILES 2

struct api_sound_want {
    struct {
        struct slice path; /* below the data directory */
        const char *codec; /* "pcm_s16le", "opus", ... */
        int channels;
    } files[API_SOUND_FILES]; /* one, or one of each side */
    unsigned file_count;
    int rate_hz;
    int64_t from, to;     /* sample frames */
    const char *format;   /* wav, flac, ogg, mp3 */
    const char *channels; /* stereo, mix, caller, callee */
};

/* Called from any HTTP thread. ERR_FULL: as many as may are under way; ERR_UNSUPPORTED: that format cannot have this rate;
 * ERR_NOT_FOUND: a file has gone; ERR_INVALID: a file is not what it should be; ERR_LATE: it took too long. */
struct api_sound_source {
    void *context;
    /* The producer makes it while it is sent. */
    int (*convert)(void *context, const struct api_sound_want *want, struct http_producer *ret_producer);
    /* Its waveform as storage/peaks.h prints it; format and channels do not count. */
    int (*peaks)(void *context, const struct api_sound_want *want, struct buf *out);
};
