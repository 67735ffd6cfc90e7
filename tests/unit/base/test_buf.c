#include <criterion/criterion.h>

#include "base/buf.h"

Test(buf, numbers_have_the_byte_order_of_their_name)
{
    static const uint8_t expected[] = {0x01, 0x12, 0x34, 0x12, 0x34, 0x56, 0x78, 1,    2,    3,   4,
                                       5,    6,    7,    8,    0x34, 0x12, 0x78, 0x56, 0x34, 0x12};
    struct buf b;
    buf_init(&b, 1000);
    buf_u8(&b, 1);
    buf_u16(&b, 0x1234);
    buf_u32(&b, 0x12345678);
    buf_u64(&b, UINT64_C(0x0102030405060708));
    buf_u16_le(&b, 0x1234);
    buf_u32_le(&b, 0x12345678);
    cr_assert(slice_equal(buf_view(&b), slice_of(expected, sizeof expected)));
    buf_fini(&b);
}

static uint64_t read_varint(struct slice s, size_t *ret_used)
{
    uint64_t v = 0;
    size_t i = 0;
    do {
        v |= (uint64_t)(s.data[i] & 0x7f) << (7 * i);
    } while (s.data[i++] & 0x80);
    *ret_used = i;
    return v;
}

Test(buf, varints_come_back)
{
    struct buf b;
    buf_init(&b, 100);
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int step = -1; step <= 1; step++) {
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)step;
            size_t used;
            buf_clear(&b);
            buf_varint(&b, v);
            cr_assert_eq(read_varint(buf_view(&b), &used), v);
            cr_assert_eq(used, b.size);
        }
    }
    buf_fini(&b);
}

Test(buf, every_ceiling_is_kept_to_the_byte)
{
    for (size_t ceiling = 0; ceiling < 300; ceiling++) {
        struct buf b;
        buf_init(&b, ceiling);
        for (size_t i = 0; i < ceiling; i++)
            buf_char(&b, 'x');
        cr_assert_not(b.failed);
        cr_assert_eq(strlen(buf_text(&b)), ceiling);
        buf_char(&b, 'y');
        cr_assert(b.failed);
        cr_assert_eq(b.size, ceiling);
        cr_assert_str_eq(buf_text(&b), "");
        buf_fini(&b);
    }
}

Test(buf, printf_fits_exactly_or_fails_whole)
{
    for (size_t ceiling = 0; ceiling < 20; ceiling++) {
        struct buf b;
        buf_init(&b, ceiling);
        buf_printf(&b, "%s-%d", "abcde", 1234);
        cr_assert_eq(b.failed, ceiling < 10);
        cr_assert_str_eq(buf_text(&b), ceiling < 10 ? "" : "abcde-1234");
        buf_fini(&b);
    }
}

Test(buf, printf_grows_as_needed)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 3000; i++)
        buf_printf(&b, "%04d;", i);
    cr_assert_eq(b.size, 15000);
    cr_assert(slice_is(slice_sub(buf_view(&b), 12345, 12350), "2469;"));
    buf_printf(&b, "%s", "");
    cr_assert_eq(b.size, 15000);
    buf_fini(&b);
}

Test(buf, errors_stick_until_cleared)
{
    struct buf b;
    buf_init(&b, 8);
    buf_str(&b, "123456789");
    cr_assert(b.failed);
    buf_str(&b, "1");
    cr_assert_eq(b.size, 0);
    cr_assert_null(buf_reserve(&b, 0));
    buf_clear(&b);
    buf_slice(&b, slice_str("12345678"));
    cr_assert_str_eq(buf_text(&b), "12345678");
    cr_assert_null(buf_reserve(&b, SIZE_MAX));
    buf_fini(&b);
    buf_fini(&b);
}
