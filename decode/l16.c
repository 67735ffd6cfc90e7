/* L16 (RFC 3551 4.5.11): big-endian samples, channels interleaved; mixed to mono. An incomplete
 * last frame is dropped. */
#include "decode/codec.h"

static int decode_l16(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    size_t channels = (size_t)d->channels;
    size_t frames = payload.size / (2 * channels);
    if (frames == 0)
        return -1;
    if (frames > CODEC_MAX_SAMPLES)
        frames = CODEC_MAX_SAMPLES;
    const uint8_t *at = payload.data;
    for (size_t i = 0; i < frames; i++) {
        int32_t sum = 0;
        for (size_t c = 0; c < channels; c++, at += 2)
            sum += (int16_t)(at[0] << 8 | at[1]);
        out[i] = (int16_t)(sum / (int32_t)channels);
    }
    return (int)frames;
}

const struct codec_type codec_l16 = {"L16", "L16", 0, 0, NULL, decode_l16};
