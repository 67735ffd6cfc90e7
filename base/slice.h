/* A slice is borrowed bytes: a pointer and a size, never NUL-terminated, never owned.
 * It dies with what it points into; who wants to keep it copies it (arena_copy, buf_add). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct slice {
    const uint8_t *data;
    size_t size;
};

/* Arguments for printf("%.*s", SLICE_ARGS(s)). */
#define SLICE_ARGS(s) (int)(s).size, (const char *)((s).data ? (s).data : (const uint8_t *)"")

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){.data = (const uint8_t *)data, .size = size};
}

static inline struct slice slice_str(const char *text)
{
    return slice_of(text, text ? strlen(text) : 0);
}

static inline struct slice slice_none(void)
{
    return (struct slice){0};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* ASCII case-insensitive. */
static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
    return a.size == b.size &&
           (a.size == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_str(text));
}

static inline bool slice_is_nocase(struct slice a, const char *text)
{
    return slice_equal_nocase(a, slice_str(text));
}

static inline bool slice_starts(struct slice a, const char *prefix)
{
    size_t n = strlen(prefix);
    return a.size >= n && memcmp(a.data, prefix, n) == 0;
}

static inline bool slice_starts_nocase(struct slice a, const char *prefix)
{
    size_t n = strlen(prefix);
    return a.size >= n && strncasecmp((const char *)a.data, prefix, n) == 0;
}

/* Bytes [from, to), both clamped to the slice. */
static inline struct slice slice_sub(struct slice s, size_t from, size_t to)
{
    if (to > s.size)
        to = s.size;
    if (from > to)
        from = to;
    return slice_of(s.data ? s.data + from : NULL, to - from);
}

static inline struct slice slice_from(struct slice s, size_t from)
{
    return slice_sub(s, from, s.size);
}

/* Index of the first `byte`, or s.size. */
static inline size_t slice_index(struct slice s, uint8_t byte)
{
    const uint8_t *hit = s.size ? memchr(s.data, byte, s.size) : NULL;
    return hit ? (size_t)(hit - s.data) : s.size;
}

/* Without leading and trailing SP, HTAB, CR, LF. */
struct slice slice_trim(struct slice s);

/* Decimal digits only, whole slice, no sign; false when empty, malformed or above `max`. */
bool slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value);
bool slice_to_u32(struct slice s, uint32_t *ret_value);
bool slice_to_u16(struct slice s, uint16_t *ret_value);

/* Cut the part before `byte` off the front of *s (and drop the byte itself). When `byte` is
 * absent the whole rest is returned and *s becomes empty. */
struct slice slice_cut(struct slice *s, uint8_t byte);

/* Value of `key=` in a list "a=1; b=2" (keys in any case), trimmed; empty when absent. */
struct slice slice_parameter(struct slice list, const char *key);

/* NUL-terminated copy into `out`, cut to out_size - 1; returns the bytes copied. */
size_t slice_copy_to(struct slice s, char *out, size_t out_size);
