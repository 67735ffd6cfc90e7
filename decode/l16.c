/* L16 (RFC 3551 4.5.11): big-endian samples; L8 (4.5.10): octets with 128 as zero. Channels
 * interleaved; mixed to mono. An incomplete last frame is dropped. */
#include "decode/codec.h"

static int16_t sample_at(const uint8_t *at, size_t octets)
{
    return (int16_t)(octets == 2 ? at[0] << 8 | at[1] : (at[0] - 128) * 256);
}

static int decode_linear(struct decoder *d, struct slice payload, size_t octets, int16_t *out)
{
    size_t channels = (size_t)d->channels;
    size_t frames = payload.size / (octets * channels);
    if (frames == 0)
        return -1;
    if (frames > CODEC_MAX_SAMPLES)
        frames = CODEC_MAX_SAMPLES;
    const uint8_t *at = payload.data;
    for (size_t i = 0; i < frames; i++) {
        int32_t sum = 0;
        for (size_t c = 0; c < channels; c++, at += octets)
            sum += sample_at(at, octets);
        out[i] = (int16_t)(sum / (int32_t)channels);
    }
    return (int)frames;
}

static int decode_l16(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    return decode_linear(d, payload, 2, out);
}

static int decode_l8(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    return decode_linear(d, payload, 1, out);
}

const struct codec_type codec_l16 = {.name = "L16", .label = "L16", .decode = decode_l16};
const struct codec_type codec_l8 = {.name = "L8", .label = "other", .decode = decode_l8};
