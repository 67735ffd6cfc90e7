/* By segment (ITU-T G.711): the highest bit of the biased size says which, the four bits below it
 * the step. */
#include "decode/g711_code.h"

#include <assert.h>

#include "decode/codec.h"

#define ULAW_BIAS 132
#define ULAW_MAX  (32767 - ULAW_BIAS)

static uint8_t ulaw_code(int sample)
{
    int sign = sample < 0 ? 0 : 0x80;
    int size = sample < 0 ? -sample : sample;
    size = (size > ULAW_MAX ? ULAW_MAX : size) + ULAW_BIAS;
    int segment = 31 - __builtin_clz((unsigned)size) - 7;
    return (uint8_t)(sign | (~(segment << 4 | (size >> (segment + 3) & 15)) & 0x7f));
}

static uint8_t alaw_code(int sample)
{
    int sign = sample < 0 ? 0 : 0x80;
    int size = sample < 0 ? -1 - sample : sample;
    int segment = size < 256 ? 0 : 31 - __builtin_clz((unsigned)size) - 7;
    int step = size >> (segment ? segment + 3 : 4) & 15;
    return (uint8_t)((sign | segment << 4 | step) ^ 0x55);
}

void g711_code(enum audio_codec law, const int16_t *pcm, uint8_t *out, size_t count)
{
    assert(audio_is_g711(law));
    for (size_t i = 0; i < count; i++)
        out[i] = law == AUDIO_ULAW ? ulaw_code(pcm[i]) : alaw_code(pcm[i]);
}

void g711_decode(enum audio_codec law, const uint8_t *codes, int16_t *out, size_t count)
{
    const struct codec_type *type = law == AUDIO_ULAW ? &codec_pcmu : &codec_pcma;
    struct decoder d = {.channels = 1};
    assert(audio_is_g711(law));
    for (size_t at = 0, n; at < count; at += n) {
        n = count - at < CODEC_MAX_SAMPLES ? count - at : CODEC_MAX_SAMPLES;
        type->decode(&d, slice_of(codes + at, n), out + at);
    }
}
