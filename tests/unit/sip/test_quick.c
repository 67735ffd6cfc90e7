/* The searches without loops against the plain ones, at every size, up to an unmapped page. */
#include <criterion/criterion.h>

#include "capture/sip/quick.h"
#include "tests/support/guard.h"

#define SIZES 70

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Mostly letters, now and then what is searched for. */
static void fill(uint8_t *bytes, size_t size, uint64_t *state)
{
    static const char some[] = ";,;,? <>=\t\r\n:@\"\\\0\x80\xff";
    for (size_t i = 0; i < size; i++) {
        uint64_t r = next_random(state);
        bytes[i] =
            r % 16 ? (uint8_t)('a' + r / 16 % 26) : (uint8_t)some[r / 16 % (sizeof some - 1)];
    }
}

static bool is_separator(uint8_t c)
{
    return c == ';' || c == ',';
}

static bool may_be_empty(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        uint8_t behind = i + 1 < s.size ? s.data[i + 1] : ' ';
        if (is_separator(s.data[i]) && (is_separator(behind) || behind <= ' '))
            return true;
    }
    return false;
}

static bool has_odd_byte(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] <= ' ' || s.data[i] == '<' || s.data[i] == '>' || s.data[i] == '?')
            return true;
    return false;
}

Test(quick, searches_are_those_of_a_loop)
{
    uint64_t state = 88172645463325252u;
    uint8_t bytes[SIZES];
    for (int round = 0; round < 200; round++) {
        for (size_t size = 0; size < SIZES; size++) {
            fill(bytes, size, &state);
            struct slice s = guard_copy(slice_of(bytes, size));
            const uint8_t *end = s.data + s.size;
            cr_assert_eq(quick_index(s, ';'), slice_index(s, ';'), "size %zu", size);
            cr_assert_eq(quick_index(s, 0), slice_index(s, 0), "size %zu", size);
            cr_assert_eq(quick_may_be_empty(s.data, end), may_be_empty(s), "size %zu", size);
            cr_assert_eq(quick_has_odd_byte(s.data, end), has_odd_byte(s), "size %zu", size);
            guard_free(s);
        }
    }
    cr_assert_eq(quick_index(slice_none(), ';'), 0);
}
