/* Copies of short text: of JSON and of addresses. Most keys and values have fewer than 32 bytes,
 * where calling memcpy() costs more than its work. Two copies that overlap do for every size
 * between one and two of their widths, so nothing is read or written beyond the text. */
#pragma once

#include "base/slice.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define QUICK_COPY(width)                                                                          \
    do {                                                                                           \
        uint8_t front[width], back[width];                                                         \
        memcpy(front, from, width);                                                                \
        memcpy(back, from + size - (width), width);                                                \
        memcpy(to, front, width);                                                                  \
        memcpy(to + size - (width), back, width);                                                  \
    } while (0)

/* At most 32 bytes. */
static inline void quick_copy_short(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= 16)
        QUICK_COPY(16);
    else if (size >= 8)
        QUICK_COPY(8);
    else if (size >= 4)
        QUICK_COPY(4);
    else if (size >= 2)
        QUICK_COPY(2);
    else if (size)
        *to = *from;
}

#undef QUICK_COPY

static inline void quick_copy(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size > 32)
        memcpy(to, from, size);
    else
        quick_copy_short(to, from, size);
}

/* What JSON takes as it is: printable ASCII but for quotes and backslashes. */
static inline bool quick_is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

#define QUICK_EACH (~UINT64_C(0) / 255) /* 0x0101... */

/* Its highest bit of a byte is set when one of eight bytes, all below 0x80, is `c`. */
static inline uint64_t quick_has(uint64_t word, uint8_t c)
{
    uint64_t difference = word ^ QUICK_EACH * c;
    return (difference - QUICK_EACH) & ~difference;
}

/* quick_is_plain() of eight bytes at once. */
static inline bool quick_word_plain(uint64_t word)
{
    uint64_t control = (word - QUICK_EACH * 0x20) & ~word;
    uint64_t odd = quick_has(word, '"') | quick_has(word, '\\') | quick_has(word, 0x7f);
    return ((word | control | odd) & QUICK_EACH << 7) == 0;
}

static inline bool quick_plain_8(uint8_t *to, const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    memcpy(to, &word, sizeof word);
    return quick_word_plain(word);
}

/* Both halves make one word of eight. */
static inline bool quick_plain_4(uint8_t *to, const uint8_t *from, size_t size)
{
    uint32_t front, back;
    memcpy(&front, from, sizeof front);
    memcpy(&back, from + size - sizeof back, sizeof back);
    memcpy(to, &front, sizeof front);
    memcpy(to + size - sizeof back, &back, sizeof back);
    return quick_word_plain((uint64_t)back << 32 | front);
}

#ifdef __SSE2__
/* Read as signed numbers the bytes of other alphabets lie below the space, like control characters.
 */
static inline bool quick_plain_16(uint8_t *to, const uint8_t *from)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
    _mm_storeu_si128((__m128i *)(void *)to, v);
    __m128i odd = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
                               _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    return _mm_movemask_epi8(odd) == 0;
}
#else
static inline bool quick_plain_16(uint8_t *to, const uint8_t *from)
{
    bool front = quick_plain_8(to, from);
    return quick_plain_8(to + 8, from + 8) && front;
}
#endif

/* Copies text; false when some of it is not plain, and then what lies at `to` means nothing. */
static inline bool quick_copy_plain(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= 16) {
        for (size_t n = 0; n + 16 < size; n += 16) {
            if (!quick_plain_16(to + n, from + n))
                return false;
        }
        return quick_plain_16(to + size - 16, from + size - 16);
    }
    if (size >= 8)
        return quick_plain_8(to, from) && quick_plain_8(to + size - 8, from + size - 8);
    if (size >= 4)
        return quick_plain_4(to, from, size);
    bool plain = true;
    for (size_t n = 0; n < size; n++) {
        to[n] = from[n];
        plain = plain && quick_is_plain(from[n]);
    }
    return plain;
}
