/* Codecs that no library frames as RTP does, written from RFC 3551, and AMR payloads from RFC 4867.
 */
#include <string.h>

#include "tests/support/encode/encode.h"

bool encode_l8(const struct encode_as *as, const int16_t *pcm, size_t count, struct encoded *out)
{
    uint8_t frame[ENCODED_BYTES];
    size_t step = (size_t)as->frame;
    for (size_t at = 0; at + step <= count; at += step) {
        for (size_t i = 0; i < step; i++)
            frame[i] = (uint8_t)((pcm[at + i] >> 8) + 128);
        if (!encode_put(out, frame, step))
            return false;
    }
    return true;
}

struct dvi {
    int predict, index;
};

static int dvi_code(struct dvi *s, int sample)
{
    static const int moves[8] = {-1, -1, -1, -1, 2, 4, 6, 8};
    static const int16_t steps[89] = {
        7,     8,     9,     10,    11,    12,    13,    14,    16,    17,    19,   21,    23,
        25,    28,    31,    34,    37,    41,    45,    50,    55,    60,    66,   73,    80,
        88,    97,    107,   118,   130,   143,   157,   173,   190,   209,   230,  253,   279,
        307,   337,   371,   408,   449,   494,   544,   598,   658,   724,   796,  876,   963,
        1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,  2272,  2499,  2749, 3024,  3327,
        3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,  9493, 10442, 11487,
        12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767};
    int code = sample < s->predict ? 8 : 0, step = steps[s->index];
    int left = code ? s->predict - sample : sample - s->predict, change = step >> 3;
    for (int bit = 4; bit; bit >>= 1, step >>= 1)
        if (left >= step) {
            code |= bit;
            left -= step;
            change += step;
        }
    s->predict += code & 8 ? -change : change;
    s->predict = s->predict > 32767 ? 32767 : s->predict < -32768 ? -32768 : s->predict;
    s->index += moves[code & 7];
    s->index = s->index < 0 ? 0 : s->index > 88 ? 88 : s->index;
    return code;
}

bool encode_dvi4(const struct encode_as *as, const int16_t *pcm, size_t count, struct encoded *out)
{
    struct dvi s = {0};
    size_t step = (size_t)as->frame;
    for (size_t at = 0; at + step <= count; at += step) {
        uint8_t frame[ENCODED_BYTES] = {(uint8_t)(s.predict >> 8), (uint8_t)s.predict,
                                        (uint8_t)s.index};
        for (size_t i = 0; i < step; i++)
            frame[4 + i / 2] |= (uint8_t)(dvi_code(&s, pcm[at + i]) << (i % 2 ? 0 : 4));
        if (!encode_put(out, frame, 4 + step / 2))
            return false;
    }
    return true;
}

/* ---- AMR ---- */

static void add_bits(uint8_t *out, size_t *at, const uint8_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++, ++*at)
        if (from[i / 8] >> (7 - i % 8) & 1)
            out[*at / 8] |= (uint8_t)(0x80 >> *at % 8);
}

size_t encode_amr_payload(const struct encoded *e, unsigned first, unsigned count, bool wide,
                          bool aligned, uint8_t *out)
{
    static const uint16_t sizes[2][16] = {{95, 103, 118, 134, 148, 159, 204, 244, 39},
                                          {132, 177, 253, 285, 317, 365, 397, 461, 477, 40}};
    size_t at = aligned ? 8 : 4;
    memset(out, 0, 8 + 64 * count);
    out[0] = 0xf0;
    for (unsigned i = 0; i < count; i++) {
        uint8_t entry = (e->data[first + i][0] & 0x7c) | (i + 1 < count ? 0x80 : 0);
        add_bits(out, &at, &entry, aligned ? 8 : 6);
    }
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *frame = e->data[first + i];
        add_bits(out, &at, frame + 1, sizes[wide][frame[0] >> 3 & 15]);
        if (aligned)
            at = (at + 7) / 8 * 8;
    }
    return (at + 7) / 8;
}

/* ---- AAC ---- */

static void add_number(uint8_t *out, size_t *at, unsigned value, unsigned count)
{
    for (unsigned i = count; i-- > 0; ++*at)
        if (value >> i & 1)
            out[*at / 8] |= (uint8_t)(0x80 >> *at % 8);
}

static size_t all_units(const struct encoded *e, unsigned first, unsigned count)
{
    size_t all = 0;
    for (unsigned i = first; i < first + count; i++)
        all += e->size[i];
    return all;
}

size_t encode_hbr_payload(const struct encoded *e, unsigned first, unsigned count, uint8_t *out)
{
    size_t at = 0;
    memset(out, 0, 2 + 2 * count + all_units(e, first, count));
    add_number(out, &at, 16 * count, 16);
    for (unsigned i = first; i < first + count; i++)
        add_number(out, &at, e->size[i] << 3u, 16); /* index 0, or delta 0 */
    for (unsigned i = first; i < first + count; i++)
        add_bits(out, &at, e->data[i], 8u * e->size[i]);
    return at / 8;
}

size_t encode_latm_payload(const struct encoded *e, unsigned first, unsigned count, bool in_band,
                           unsigned rate_index, uint8_t *out)
{
    size_t at = 0;
    memset(out, 0, 32 + 20 * count + all_units(e, first, count));
    if (in_band) {
        add_number(out, &at, 1, 3); /* not as before, version 0, all of one time */
        add_number(out, &at, count - 1, 6);
        add_number(out, &at, 0, 7);
        add_number(out, &at, 2u << 11 | rate_index << 7 | 1 << 3, 16);
        add_number(out, &at, 0xff << 2, 13);
    }
    for (unsigned i = first; i < first + count; i++) {
        unsigned left = e->size[i];
        for (; left >= 255; left -= 255)
            add_number(out, &at, 255, 8);
        add_number(out, &at, left, 8);
        add_bits(out, &at, e->data[i], 8u * e->size[i]);
    }
    return (at + 7) / 8;
}
