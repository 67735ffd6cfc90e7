/* A stretch of a recording in another form: another format, one side of it, both sides in one. It is made piece by piece, as fast as
 * somebody takes it, and is exactly as long as was asked: what the file lacks is silence. */
#pragma once

#include "base/buf.h"
#include "decode/encoder.h"

enum conversion_sound { CONVERSION_STEREO, CONVERSION_SUM, CONVERSION_FIRST, CONVERSION_SECOND, CONVERSION_SOUNDS };

#define CONVERSION_FILES 2
/* A step adds about so much, or makes so much of the sound. */
#define CONVERSION_BYTES   32768
#define CONVERSION_SECONDS 30

struct conversion_file {
    const char *path;
    enum audio_codec codec;
    int channels;
};

struct conversion_want {
    const char *dir;
    struct conversion_file files[CONVERSION_FILES]; /* one, or one of each side */
    unsigned file_count;
    int rate_hz;
    int64_t from, to;             /* frames */
    enum conversion_sound sound;  /* of mono files alone all is the same */
    bool waveform;                /* no file: its peaks.h, told at the end */
    enum audio_codec codec;       /* of what is made */
};

struct conversion;

/* ERR_UNSUPPORTED when that rate cannot be had in that format. */
int conversion_open(const struct conversion_want *want, struct conversion **ret_conversion, struct why *why);
/* NULL is fine. */
void conversion_free(struct conversion *c);
/* The next bytes behind what is in `out`. 1: there is more; 0: that was all; or an ERR_. */
int conversion_step(struct conversion *c, struct buf *out);
/* Of a waveform, when it is done. */
struct peaks;
const struct peaks *conversion_peaks(const struct conversion *c);
