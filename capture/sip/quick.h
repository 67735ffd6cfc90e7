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

static inline uint64_t quick_load_8(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t quick_load_4(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

#ifdef __SSE2__
static inline __m128i quick_load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Fewer than 16 bytes, zeros behind them. Two loads that overlap, so that nothing beyond the end is
 * touched. */
static inline __m128i quick_load_short(const uint8_t *at, size_t size)
{
    uint64_t low = 0, high = 0;
    if (size >= 8) {
        low = quick_load_8(at);
        high = quick_load_8(at + size - 8) >> 1 >> (8 * (16 - size) - 1);
    } else if (size >= 4) {
        low = quick_load_4(at) | quick_load_4(at + size - 4) >> (8 * (8 - size)) << 32;
    } else if (size) {
        low = at[0] | (uint64_t)at[size / 2] << (8 * (size / 2)) |
              (uint64_t)at[size - 1] << (8 * (size - 1));
    }
    return _mm_set_epi64x((long long)high, (long long)low);
}

static inline unsigned quick_equal(__m128i v, uint8_t byte)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)byte)));
}
#endif

/* Like memchr(), for what stands near: most lines and names end within 48 bytes. */
static inline const uint8_t *quick_find(const uint8_t *at, const uint8_t *end, uint8_t byte)
{
#ifdef __SSE2__
    size_t size = (size_t)(end - at);
    if (size < 16) {
        unsigned hits = quick_equal(quick_load_short(at, size), byte) & ((1U << size) - 1);
        return hits ? at + __builtin_ctz(hits) : NULL;
    }
    for (; end - at > 16; at += 16) {
        unsigned hits = quick_equal(quick_load(at), byte);
        if (hits)
            return at + __builtin_ctz(hits);
    }
    unsigned hits = quick_equal(quick_load(end - 16), byte);
    return hits ? end - 16 + __builtin_ctz(hits) : NULL;
#else
    for (; at < end; at++) {
        if (*at == byte)
            return at;
    }
    return NULL;
#endif
}

/* slice_index() for what stands near. */
static inline size_t quick_index(struct slice s, uint8_t byte)
{
    const uint8_t *hit = s.size ? quick_find(s.data, s.data + s.size, byte) : NULL;
    return hit ? (size_t)(hit - s.data) : s.size;
}

#ifdef __SSE2__
/* The separators in `v` whose follower in `behind` is a separator or white space. */
static inline bool quick_empty_in(__m128i v, __m128i behind)
{
    const __m128i semicolon = _mm_set1_epi8(';'), comma = _mm_set1_epi8(',');
    const __m128i space = _mm_set1_epi8(' ');
    __m128i first = _mm_or_si128(_mm_cmpeq_epi8(v, semicolon), _mm_cmpeq_epi8(v, comma));
    __m128i second =
        _mm_or_si128(_mm_cmpeq_epi8(behind, semicolon), _mm_cmpeq_epi8(behind, comma));
    second = _mm_or_si128(second, _mm_cmpeq_epi8(_mm_min_epu8(behind, space), behind));
    return _mm_movemask_epi8(_mm_and_si128(first, second)) != 0;
}
#endif

/* Does a separator (';' or ',') stand in front of another, of white space or of the end? False says
 * for certain that no element of a list is empty; true is worth a closer look. */
static inline bool quick_may_be_empty(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    size_t size = (size_t)(end - at);
    for (; end - at > 16; at += 16) {
        if (quick_empty_in(quick_load(at), quick_load(at + 1)))
            return true;
    }
    __m128i last = size >= 16 ? quick_load(end - 16) : quick_load_short(at, size);
    return quick_empty_in(last, _mm_srli_si128(last, 1)); /* the end counts as a zero: a space */
#else
    for (; at < end; at++) {
        if ((*at == ';' || *at == ',') &&
            (at + 1 == end || at[1] == ';' || at[1] == ',' || at[1] <= ' '))
            return true;
    }
    return false;
#endif
}

#ifdef __SSE2__
/* A bit for each byte that is white space, a control character, '<', '>' or '?'. */
static inline unsigned quick_odd_in(__m128i v)
{
    const __m128i space = _mm_set1_epi8(' '), low = _mm_set1_epi8('<'), high = _mm_set1_epi8('?');
    __m128i between = _mm_and_si128(_mm_cmpeq_epi8(_mm_max_epu8(v, low), v),
                                    _mm_cmpeq_epi8(_mm_min_epu8(v, high), v));
    __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, space), v),
                                _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('=')), between));
    return (unsigned)_mm_movemask_epi8(hits);
}
#endif

/* Is there white space, a control character, '<', '>' or '?'? */
static inline bool quick_has_odd_byte(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    size_t size = (size_t)(end - at);
    if (size < 16)
        return (quick_odd_in(quick_load_short(at, size)) & ((1U << size) - 1)) != 0;
    for (; end - at > 16; at += 16) {
        if (quick_odd_in(quick_load(at)))
            return true;
    }
    return quick_odd_in(quick_load(end - 16)) != 0;
#else
    for (; at < end; at++) {
        if (*at <= ' ' || (*at >= '<' && *at <= '?' && *at != '='))
            return true;
    }
    return false;
#endif
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
