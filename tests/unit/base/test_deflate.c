#include <criterion/criterion.h>
#include <string.h>

#include "base/deflate.h"
#include "base/inflate.h"

static uint8_t text[100000], packed[100000], again[100000];

static void fill(void)
{
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)"{\"call_id\":null,"[i * i / 7 % 16];
}

Test(deflate, what_is_packed_comes_back_whatever_stands_in_its_head)
{
    static const size_t SIZES[] = {0, 1, 1024, 65536, sizeof text};

    fill();
    for (unsigned padding = 0; padding <= DEFLATE_PADDING_MAX; padding += 16)
        for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
            size_t size = deflate_gzip(slice_of(text, SIZES[i]), padding, packed, sizeof packed);
            cr_assert(size > 0 && inflate_is_gzip(slice_of(packed, size)));
            size_t back = inflate_bytes(slice_of(packed, size), again, sizeof again);
            cr_expect_eq(back, SIZES[i]);
            cr_expect_eq(memcmp(again, text, back), 0);
        }
}

Test(deflate, each_byte_of_padding_is_one_more)
{
    fill();
    size_t none = deflate_gzip(slice_of(text, 5000), 0, packed, sizeof packed);
    for (unsigned padding = 1; padding <= DEFLATE_PADDING_MAX; padding++)
        cr_expect_eq(deflate_gzip(slice_of(text, 5000), padding, packed, sizeof packed), none + padding);
}

Test(deflate, what_does_not_fit_is_nothing)
{
    fill();
    size_t size = deflate_gzip(slice_of(text, 5000), 7, packed, sizeof packed);
    for (size_t most = 0; most < size; most++)
        cr_expect_eq(deflate_gzip(slice_of(text, 5000), 7, packed, most), 0, "into %zu", most);
    cr_expect_eq(deflate_gzip(slice_of(text, 5000), 7, packed, size), size);
}
