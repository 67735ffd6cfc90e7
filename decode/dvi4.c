/* DVI4 (RFC 3551 4.5.1): IMA ADPCM, four bits a sample, the first of two in the high bits. Each
 * packet begins with the state before its first sample, so a lost one harms no other:
 *
 *     | predicted value 16 | step index 8 | reserved 8 | two samples | ...
 */
#include "base/cursor.h"
#include "decode/codec.h"

#define STEPS 89

static const int16_t steps[STEPS] = {
    7,     8,     9,     10,    11,    12,    13,    14,    16,    17,    19,   21,    23,
    25,    28,    31,    34,    37,    41,    45,    50,    55,    60,    66,   73,    80,
    88,    97,    107,   118,   130,   143,   157,   173,   190,   209,   230,  253,   279,
    307,   337,   371,   408,   449,   494,   544,   598,   658,   724,   796,  876,   963,
    1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,  2272,  2499,  2749, 3024,  3327,
    3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,  9493, 10442, 11487,
    12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767};

static int clamp(int v, int least, int most)
{
    return v < least ? least : v > most ? most : v;
}

static int16_t next_sample(int *predicted, int *index, unsigned code)
{
    static const int8_t moves[8] = {-1, -1, -1, -1, 2, 4, 6, 8};
    int step = steps[*index], change = step >> 3;
    for (unsigned bit = 4; bit; bit >>= 1, step >>= 1)
        if (code & bit)
            change += step;
    *predicted = clamp(*predicted + (code & 8 ? -change : change), -32768, 32767);
    *index = clamp(*index + moves[code & 7], 0, STEPS - 1);
    return (int16_t)*predicted;
}

static int decode_dvi4(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    (void)d;
    struct cursor c = cursor_over(payload);
    int predicted = (int16_t)cursor_u16(&c), index = cursor_u8(&c), n = 0;
    cursor_skip(&c, 1);
    if (c.failed || index >= STEPS)
        return -1;
    while (cursor_left(&c) && n + 2 <= CODEC_MAX_SAMPLES) {
        uint8_t pair = cursor_u8(&c);
        out[n++] = next_sample(&predicted, &index, pair >> 4);
        out[n++] = next_sample(&predicted, &index, pair & 15);
    }
    return n;
}

const struct codec_type codec_dvi4 = {.name = "DVI4", .label = "other", .decode = decode_dvi4};
