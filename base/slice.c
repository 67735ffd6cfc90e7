/* Slices: trimming, cutting, decimal numbers. */
#include "base/slice.h"

#include <assert.h>

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.size && is_blank(s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

bool slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value)
{
    if (s.size == 0)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.size; i++) {
        unsigned digit = (unsigned)s.data[i] - '0';
        if (digit > 9)
            return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v) || v > max)
            return false;
    }
    *ret_value = v;
    return true;
}

bool slice_to_u32(struct slice s, uint32_t *ret_value)
{
    uint64_t v;
    if (!slice_to_u64(s, UINT32_MAX, &v))
        return false;
    *ret_value = (uint32_t)v;
    return true;
}

bool slice_to_u16(struct slice s, uint16_t *ret_value)
{
    uint64_t v;
    if (!slice_to_u64(s, UINT16_MAX, &v))
        return false;
    *ret_value = (uint16_t)v;
    return true;
}

struct slice slice_cut(struct slice *s, uint8_t byte)
{
    size_t at = slice_index(*s, byte);
    struct slice front = slice_sub(*s, 0, at);
    *s = slice_from(*s, at < s->size ? at + 1 : at);
    return front;
}

struct slice slice_parameter(struct slice list, const char *key)
{
    while (list.size > 0) {
        struct slice value = slice_trim(slice_cut(&list, ';'));
        struct slice name = slice_trim(slice_cut(&value, '='));
        if (slice_is_nocase(name, key))
            return slice_trim(value);
    }
    return slice_none();
}

size_t slice_copy_to(struct slice s, char *out, size_t out_size)
{
    assert(out_size > 0);
    size_t n = s.size < out_size ? s.size : out_size - 1;
    if (n)
        memcpy(out, s.data, n);
    out[n] = '\0';
    return n;
}
