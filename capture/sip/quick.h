/* The inner loops that the profile asked for: clearing, a search for near bytes, comparing names
 * without case. A message is mostly short names and short distances, where calling memchr() or
 * strncasecmp() costs more than their work; together they were a third of the time. */
#pragma once

#include "base/slice.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* For a constant size the compiler writes "rep stos", whose start alone costs more than clearing
 * 500 bytes: the size is hidden from it. */
static inline void quick_clear(void *start, size_t size)
{
    __asm__("" : "+r"(size));
    memset(start, 0, size);
}

/* Like memchr(), for what stands near: most lines and names end within 48 bytes. */
static inline const uint8_t *quick_find(const uint8_t *at, const uint8_t *end, uint8_t byte)
{
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi8((char)byte);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted));
        if (hits)
            return at + __builtin_ctz(hits);
    }
#endif
    for (; at < end; at++) {
        if (*at == byte)
            return at;
    }
    return NULL;
}

/* Does a separator (';' or ',') stand in front of another, of white space or of the end? False says
 * for certain that no element of a list is empty; true is worth a closer look. */
static inline bool quick_may_be_empty(const uint8_t *at, const uint8_t *end)
{
    if (at == end)
        return false;
    const uint8_t *last = end - 1;
#ifdef __SSE2__
    const __m128i semicolon = _mm_set1_epi8(';'), comma = _mm_set1_epi8(',');
    const __m128i space = _mm_set1_epi8(' ');
    for (; last - at >= 16; at += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(at + 1));
        __m128i first = _mm_or_si128(_mm_cmpeq_epi8(a, semicolon), _mm_cmpeq_epi8(a, comma));
        __m128i second = _mm_or_si128(_mm_cmpeq_epi8(b, semicolon), _mm_cmpeq_epi8(b, comma));
        second = _mm_or_si128(second, _mm_cmpeq_epi8(_mm_min_epu8(b, space), b));
        if (_mm_movemask_epi8(_mm_and_si128(first, second)))
            return true;
    }
#endif
    for (; at < last; at++) {
        if ((*at == ';' || *at == ',') && (at[1] == ';' || at[1] == ',' || at[1] <= ' '))
            return true;
    }
    return *last == ';' || *last == ',';
}

/* Is there white space, a control character, '<', '>' or '?'? */
static inline bool quick_has_odd_byte(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(' '), low = _mm_set1_epi8('<'), high = _mm_set1_epi8('?');
    const __m128i equals = _mm_set1_epi8('=');
    for (; end - at >= 16; at += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i between = _mm_and_si128(_mm_cmpeq_epi8(_mm_max_epu8(a, low), a),
                                        _mm_cmpeq_epi8(_mm_min_epu8(a, high), a));
        __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(a, space), a),
                                    _mm_andnot_si128(_mm_cmpeq_epi8(a, equals), between));
        if (_mm_movemask_epi8(hits))
            return true;
    }
#endif
    for (; at < end; at++) {
        if (*at <= ' ' || (*at >= '<' && *at <= '?' && *at != '='))
            return true;
    }
    return false;
}

/* Bit 5 is the case of a byte where `known` has a letter (bit 6 set); elsewhere it must agree like
 * any other bit. */
static inline bool same_eight(const uint8_t *text, const char *known)
{
    uint64_t a, b;
    memcpy(&a, text, sizeof a);
    memcpy(&b, known, sizeof b);
    uint64_t cases = (b & UINT64_C(0x4040404040404040)) >> 1;
    return ((a ^ b) & ~cases) == 0;
}

static inline bool same_four(const uint8_t *text, const char *known)
{
    uint32_t a, b;
    memcpy(&a, text, sizeof a);
    memcpy(&b, known, sizeof b);
    uint32_t cases = (b & UINT32_C(0x40404040)) >> 1;
    return ((a ^ b) & ~cases) == 0;
}

/* `known` consists of letters, digits, '-' and '.', and is `size` bytes long like the text. */
static inline bool same_name(const uint8_t *text, const char *known, size_t size)
{
    size_t at = 0;
    if (size >= 8) {
        for (; at + 8 < size; at += 8) {
            if (!same_eight(text + at, known + at))
                return false;
        }
        return same_eight(text + size - 8, known + size - 8);
    }
    if (size >= 4)
        return same_four(text, known) && same_four(text + size - 4, known + size - 4);
    for (; at < size; at++) {
        if (((text[at] ^ (uint8_t)known[at]) & ~((known[at] & 0x40) >> 1)) != 0)
            return false;
    }
    return true;
}

/* For literals: their length is known when compiling. */
#define SAME(slice, literal)                                                                       \
    ((slice).size == sizeof(literal) - 1 && same_name((slice).data, literal, sizeof(literal) - 1))
