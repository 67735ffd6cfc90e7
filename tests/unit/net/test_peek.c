/* The ends that a frame most likely has: the same as net_decode() finds, or none. */
#include <criterion/criterion.h>

#include "capture/net/peek.h"
#include "tests/support/guard.h"

static const uint8_t tagged[] =
    {
        2,    0,    0,    0,    0,    1,    2,    0, 0,    0,  0, 2,
        0x81, 0x00, 0x00, 0x14, 0x08, 0x00, /* tag 20 */
        0x45, 0xb8, 0,    32,   0,    1,    0x40, 0, 64,   17, 0, 0,
        10,   32,   0,    1,    10,   64,   0,    2, /* IPv4 */
        0x2b, 0x30, 0x4e, 0x20, 0,    12,   0,    0, 0x80, 0,  0, 1,
};

static bool peek_altered(size_t at, uint8_t value, struct net_ends *ret_ends)
{
    uint8_t bytes[sizeof tagged];
    memcpy(bytes, tagged, sizeof bytes);
    bytes[at] = value;
    struct slice s = guard_copy(slice_of(bytes, sizeof bytes));
    bool known = net_peek(s, ret_ends);
    guard_free(s);
    return known;
}

Test(peek, the_ends_of_udp_with_and_without_a_tag)
{
    struct net_ends e;
    uint8_t plain[sizeof tagged - 4 + 4] = {0}; /* a tag less, padded behind */
    memcpy(plain, tagged, 12);
    memcpy(plain + 12, tagged + 16, sizeof tagged - 16);
    cr_assert(net_peek(slice_of(tagged, sizeof tagged), &e));
    cr_assert(e.hosts == UINT64_C(0x0a2000010a400002) && e.ports == 0x2b304e20);
    e = (struct net_ends){0};
    cr_assert(net_peek(slice_of(plain, sizeof plain), &e));
    cr_assert(e.hosts == UINT64_C(0x0a2000010a400002) && e.ports == 0x2b304e20);
}

Test(peek, anything_else_is_not_guessed_at)
{
    struct net_ends e;
    cr_assert_not(peek_altered(17, 0x06, &e), "no IPv4");
    cr_assert_not(peek_altered(18, 0x46, &e), "options");
    cr_assert_not(peek_altered(24, 0x20, &e), "a fragment");
    cr_assert_not(peek_altered(27, 6, &e), "TCP");
    cr_assert(peek_altered(27, 17, &e));
}

Test(peek, every_truncation_is_safe)
{
    struct net_ends e;
    for (size_t size = 0; size <= sizeof tagged; size++) {
        struct slice s = guard_copy(slice_of(tagged, size));
        cr_assert_eq(net_peek(s, &e), size >= 42);
        guard_free(s);
    }
}
