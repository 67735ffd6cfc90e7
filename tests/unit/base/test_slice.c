/* Slices and cursors: clamping, numbers, cutting, and that no read passes the end. */
#include <criterion/criterion.h>

#include "base/cursor.h"
#include "tests/support/guard.h"

Test(slice, trim_takes_blanks_from_both_ends_only)
{
    cr_assert(slice_is(slice_trim(slice_str(" \t a b\r\n")), "a b"));
    cr_assert_eq(slice_trim(slice_str(" \r\n")).size, 0);
    cr_assert_eq(slice_trim(slice_none()).size, 0);
}

Test(slice, numbers_are_digits_only_and_bounded)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {"1 ", false, 0},
        {"1a", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t v = 0;
        cr_expect_eq(slice_to_u64(slice_str(cases[i].text), UINT64_MAX, &v), cases[i].good, "%s",
                     cases[i].text);
        cr_expect_eq(v, cases[i].value, "%s", cases[i].text);
    }
}

Test(slice, narrow_numbers_refuse_what_does_not_fit)
{
    uint16_t small = 1;
    uint32_t wide = 1;
    cr_assert(slice_to_u16(slice_str("65535"), &small) && small == 65535);
    cr_assert(!slice_to_u16(slice_str("65536"), &small) && small == 65535);
    cr_assert(slice_to_u32(slice_str("4294967295"), &wide) && wide == UINT32_MAX);
    cr_assert_not(slice_to_u32(slice_str("4294967296"), &wide));
}

Test(slice, cut_gives_the_parts_in_order)
{
    struct slice s = slice_str("a;;bc");
    cr_assert(slice_is(slice_cut(&s, ';'), "a"));
    cr_assert(slice_is(slice_cut(&s, ';'), ""));
    cr_assert(slice_is(slice_cut(&s, ';'), "bc"));
    cr_assert_eq(s.size, 0);
    cr_assert(slice_is(slice_cut(&s, ';'), ""));
}

Test(slice, copy_to_always_ends_with_nul)
{
    char out[4];
    cr_assert_eq(slice_copy_to(slice_str("abcdef"), out, sizeof out), 3);
    cr_assert_str_eq(out, "abc");
    cr_assert_eq(slice_copy_to(slice_none(), out, sizeof out), 0);
    cr_assert_str_eq(out, "");
}

Test(slice, comparisons_never_read_past_the_end)
{
    struct slice s = guard_copy(slice_str("INVITE"));
    cr_assert_not(slice_starts(s, "INVITE sip:"));
    cr_assert_not(slice_starts_nocase(s, "invite sip:"));
    cr_assert(slice_is_nocase(s, "invite"));
    cr_assert(slice_starts_nocase(s, "inv"));
    cr_assert_eq(slice_index(s, ' '), s.size);
    cr_assert_eq(slice_sub(s, 4, 99).size, 2);
    cr_assert_eq(slice_sub(s, 9, 3).size, 0);
    guard_free(s);
}

Test(cursor, reads_straight_through)
{
    static const uint8_t bytes[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};
    struct slice s = guard_copy(slice_of(bytes, sizeof bytes));
    struct cursor c = cursor_over(s);
    cr_assert_eq(cursor_u8(&c), 1);
    cr_assert_eq(cursor_u16(&c), 0x0203);
    cr_assert_eq(cursor_u24(&c), 0x040506);
    cr_assert_eq(cursor_u32(&c), 0x0708090a);
    cr_assert_eq(cursor_u64(&c), UINT64_C(0x0b0c0d0e0f101112));
    cr_assert_eq(cursor_u16_le(&c), 0x1413);
    cr_assert_eq(cursor_u32_le(&c), 0x18171615);
    cr_assert_eq(cursor_left(&c), 0);
    cr_assert_not(c.failed);
    guard_free(s);
}

Test(cursor, one_failure_empties_it_for_good)
{
    struct slice s = guard_copy(slice_str("abc"));
    struct cursor c = cursor_over(s);
    cr_assert_eq(cursor_u32(&c), 0);
    cr_assert(c.failed);
    cr_assert_eq(cursor_u8(&c), 0);
    cr_assert_eq(cursor_rest(&c).size, 0);
    cr_assert(c.failed);
    guard_free(s);
}

Test(cursor, an_enormous_skip_does_not_wrap)
{
    struct cursor c = cursor_over(slice_str("abc"));
    cursor_skip(&c, SIZE_MAX);
    cr_assert(c.failed);
    cr_assert_eq(cursor_left(&c), 0);
}
