/* Which family writes what, and what is common to them. */
#include "decode/encoder.h"

#include <assert.h>

static const struct encoder_type *const TYPES[AUDIO_CODECS] = {
    [AUDIO_PCM] = &encoder_wav, [AUDIO_ULAW] = &encoder_wav, [AUDIO_ALAW] = &encoder_wav,
    [AUDIO_FLAC] = &encoder_av, [AUDIO_OPUS] = &encoder_av,  [AUDIO_MP3] = &encoder_av,
};

int encoder_open(struct encoder *e, const struct audio_spec *spec, const struct audio_sink *sink)
{
    assert(spec->channels == 1 || spec->channels == 2);
    *e = (struct encoder){.type = TYPES[spec->codec], .spec = *spec, .sink = *sink};
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
