/* Sound into the bytes of an audio file: frames of 16 bits in, bytes out into a sink, which is a file or somebody who waits for a
 * stream. One small .c a family: encoder_wav.c (PCM and G.711), encoder_av.c (FLAC, Opus, MP3). */
#pragma once

#include "base/error.h"

enum audio_codec { AUDIO_PCM, AUDIO_ULAW, AUDIO_ALAW, AUDIO_FLAC, AUDIO_OPUS, AUDIO_MP3, AUDIO_CODECS };

/* What a file says of itself; "" says nothing. */
struct audio_tags {
    char title[168], artist[80], date[40], comment[80];
};

struct audio_spec {
    enum audio_codec codec;
    int channels; /* 1 or 2 */
    int rate_hz;
    int64_t frames;                /* so many will come, for a sink that cannot seek; 0: not known */
    const struct audio_tags *tags; /* NULL: none */
};

/* Both 0 or what the disk said. */
struct audio_sink {
    void *context;
    int (*write)(void *context, const void *data, size_t size);
    int (*seek)(void *context, int64_t at); /* NULL: it only goes forward */
};

struct encoder {
    const struct encoder_type *type; /* NULL: not open */
    struct audio_spec spec;
    struct audio_sink sink;
    int64_t frames; /* taken */
    void *state;    /* of the type */
};

struct encoder_type {
    int (*open)(struct encoder *e);
    int (*write)(struct encoder *e, const int16_t *frames, int64_t count);
    int (*skip)(struct encoder *e, int64_t count);
    int (*finish)(struct encoder *e);
    void (*close)(struct encoder *e);
};

/* ERR_UNSUPPORTED when the library lacks it or the rate does not fit. The tags must live as long. */
int encoder_open(struct encoder *e, const struct audio_spec *spec, const struct audio_sink *sink);
int encoder_write(struct encoder *e, const int16_t *frames, int64_t count);
/* Silence. */
int encoder_skip(struct encoder *e, int64_t count);
/* The rest, and what a header says only at the end. */
int encoder_finish(struct encoder *e);
/* Harmless on a zeroed struct. */
void encoder_close(struct encoder *e);

/* "wav", "wav-g711", "flac", "ogg", "mp3"; of "wav-g711" the law is not known yet: AUDIO_ULAW. */
bool audio_format_find(const char *text, enum audio_codec *ret_codec);
/* "pcm_s16le", "pcm_mulaw", ...: what ffprobe calls it. */
const char *audio_codec_text(enum audio_codec codec);
/* "wav", "flac", "ogg", "mp3": of the file, and the end of its name. */
const char *audio_container(enum audio_codec codec);
static inline bool audio_is_g711(enum audio_codec codec)
{
    return codec == AUDIO_ULAW || codec == AUDIO_ALAW;
}
/* The rate that a file of this codec has when the sound has rate_hz (codec_rate_known()). */
int audio_rate(enum audio_codec codec, int rate_hz);

extern const struct encoder_type encoder_wav, encoder_av;
