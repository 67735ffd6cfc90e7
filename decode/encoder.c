/* Which family writes what, and what is common to them. */
#include "decode/encoder.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *format, *codec, *container;
    const struct encoder_type *type;
} CODECS[AUDIO_CODECS] = {
    [AUDIO_PCM] = {"wav", "pcm_s16le", "wav", &encoder_wav},
    [AUDIO_ULAW] = {"wav-g711", "pcm_mulaw", "wav", &encoder_wav},
    [AUDIO_ALAW] = {"wav-g711", "pcm_alaw", "wav", &encoder_wav},
    [AUDIO_FLAC] = {"flac", "flac", "flac", &encoder_av},
    [AUDIO_OPUS] = {"ogg", "opus", "ogg", &encoder_av},
    [AUDIO_MP3] = {"mp3", "mp3", "mp3", &encoder_av},
};

bool audio_format_find(const char *text, enum audio_codec *ret_codec)
{
    for (enum audio_codec c = AUDIO_PCM; c < AUDIO_CODECS; c++)
        if (strcmp(text, CODECS[c].format) == 0) {
            *ret_codec = c;
            return true;
        }
    return false;
}

const char *audio_codec_text(enum audio_codec codec)
{
    return CODECS[codec].codec;
}

const char *audio_container(enum audio_codec codec)
{
    return CODECS[codec].container;
}

int audio_rate(enum audio_codec codec, int rate_hz)
{
    static const int OPUS[] = {8000, 12000, 16000, 24000, 48000};
    if (codec != AUDIO_OPUS)
        return rate_hz;
    for (size_t i = 0; i < sizeof OPUS / sizeof *OPUS; i++)
        if (rate_hz <= OPUS[i])
            return OPUS[i];
    return 48000;
}

int encoder_open(struct encoder *e, const struct audio_spec *spec, const struct audio_sink *sink)
{
    assert(spec->channels == 1 || spec->channels == 2);
    *e = (struct encoder){.type = CODECS[spec->codec].type, .spec = *spec, .sink = *sink};
    int err = e->type->open(e);
    if (err)
        encoder_close(e);
    return err;
}

int encoder_write(struct encoder *e, const int16_t *frames, int64_t count)
{
    e->frames += count;
    return e->type->write(e, frames, count);
}

int encoder_skip(struct encoder *e, int64_t count)
{
    e->frames += count;
    return e->type->skip(e, count);
}

int encoder_finish(struct encoder *e)
{
    return e->type->finish(e);
}

void encoder_close(struct encoder *e)
{
    if (e->type && e->state)
        e->type->close(e);
    *e = (struct encoder){0};
}
