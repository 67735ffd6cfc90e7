/* Presses as senders tell them, with what the way does to their packets. */
#include <criterion/criterion.h>

#include "capture/rtp/red.h"
#include "capture/rtp/telephone_event.h"
#include "tests/support/guard.h"

#define STEP 160 /* 20 ms */

struct typist {
    struct telephone t;
    unsigned pressed, held, missed;
};

static void tell(struct typist *y, uint32_t timestamp, uint8_t event, uint16_t duration, bool end,
                 bool marker, bool late)
{
    const struct telephone_event e = {
        .event = event, .volume = 10, .end = end, .duration = duration};
    enum telephone_step step = telephone_take(&y->t, timestamp, marker, late, &e);
    y->pressed += step == TELEPHONE_PRESSED;
    y->held += step == TELEPHONE_HELD;
    y->missed += step == TELEPHONE_MISSED;
}

/* A press of `packets` updates and three ends; `seen` says which of them arrive (bit 0 is the
 * first). */
static void press(struct typist *y, uint32_t timestamp, uint8_t event, unsigned packets,
                  uint64_t seen)
{
    for (unsigned i = 0; i < packets + 3; i++) {
        unsigned steps = i < packets ? i + 1 : packets + 1;
        if (seen >> i & 1)
            tell(y, timestamp, event, (uint16_t)(steps * STEP), i >= packets, i == 0, false);
    }
}

Test(telephone_event, ten_presses_are_ten_whichever_packets_arrive)
{
    for (uint64_t seen = 1; seen < 1 << 8; seen++) { /* five updates and three ends */
        struct typist y = {0};
        for (uint32_t n = 0; n < 10; n++)
            press(&y, 1000 + n * 1600, 5, 5, seen);
        cr_assert_eq(y.pressed, 10, "%u of packets %02x", y.pressed, (unsigned)seen);
        cr_assert_eq(y.missed, 0);
        unsigned last = 63 - (unsigned)__builtin_clzll(seen);
        cr_assert_eq(y.t.duration, (last < 5 ? last + 1 : 6) * STEP);
    }
}

Test(telephone_event, a_long_press_in_segments_is_one)
{
    for (int lost_end = 0; lost_end < 2; lost_end++) {
        struct typist y = {0};
        uint32_t start = UINT32_MAX - 70000; /* the timestamp wraps on the way */
        for (uint32_t d = STEP; d < 0xffff; d += STEP)
            tell(&y, start, 3, (uint16_t)d, false, d == STEP, false);
        if (!lost_end)
            tell(&y, start, 3, 0xffff, false, false, false);
        for (uint32_t d = STEP; d < 4000; d += STEP)
            tell(&y, start + 0xffff, 3, (uint16_t)d, false, false, false);
        for (int i = 0; i < 3; i++)
            tell(&y, start + 0xffff, 3, 4000, true, false, false);
        tell(&y, start, 3, 0xff00, false, false, true);
        cr_assert_eq(y.pressed, 1, "%u", y.pressed);
        cr_assert_eq(y.t.duration, 0xffff + 4000);
        tell(&y, start + 0xffff + 4000, 3, STEP, false, true, false);
        cr_assert_eq(y.pressed, 2, "behind its end the same key begins anew");
    }
}

Test(telephone_event, who_advances_the_timestamp_of_each_packet_presses_once)
{
    struct typist y = {0};
    for (uint32_t n = 0; n < 6; n++)
        tell(&y, 5000 + n * STEP, 7, (uint16_t)((n + 1) * STEP), false, n == 0, false);
    for (uint32_t n = 6; n < 9; n++)
        tell(&y, 5000 + n * STEP, 7, 7 * STEP, true, false, false);
    cr_assert_eq(y.pressed, 1);
}

Test(telephone_event, who_never_changes_the_timestamp_is_told_by_the_marker)
{
    struct typist y = {0};
    for (unsigned n = 0; n < 3; n++)
        press(&y, 777, 4, 4, ~0u);
    cr_assert_eq(y.pressed, 3);
    tell(&y, 777, 4, STEP, false, true, true);
    cr_assert_eq(y.pressed, 3, "a late packet is no other press");
}

Test(telephone_event, late_packets_belong_to_what_was_pressed_before)
{
    struct typist y = {0};
    press(&y, 1000, 1, 5, 0x1f);
    press(&y, 3000, 2, 5, 0xff);
    tell(&y, 1000, 1, 6 * STEP, true, false, true);
    cr_assert_eq(y.pressed, 2);
    cr_assert_eq(y.t.event, 2, "the newest one stays the newest");
    press(&y, 5000, 3, 5, 0xff);
    tell(&y, 2000, 9, 300, true, false, true);
    cr_assert_eq(y.missed, 1, "all that came of it came late");
    tell(&y, 2000, 9, 320, true, false, true);
    tell(&y, 500, 9, 320, true, false, true);
    cr_assert_eq(y.missed, 1);
    cr_assert_eq(y.pressed, 3);
}

Test(telephone_event, timestamps_that_begin_anew_are_other_presses)
{
    struct typist y = {0};
    press(&y, 900000, 1, 5, 0xff);
    press(&y, 100, 1, 5, 0xff);
    cr_assert_eq(y.pressed, 2);
}

Test(telephone_event, keys_have_the_numbers_of_the_rfc)
{
    const char keys[] = "0123456789*#ABCD!";
    for (unsigned i = 0; i < 256; i++)
        cr_assert_eq(telephone_key((uint8_t)i), i < 17 ? keys[i] : 0);
}

Test(telephone_event, reports_are_read_one_by_one_and_no_truncation_is)
{
    const uint8_t bytes[] = {11, 0x8a, 3, 0x20, 16, 0x3f, 0xff, 0xff, 5};
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct slice copy = guard_copy(slice_of(bytes, size)), rest = copy;
        struct telephone_event e;
        unsigned count = 0;
        while (telephone_event_next(&rest, &e)) {
            cr_assert_eq(e.event, count ? 16 : 11);
            cr_assert_eq(e.end, !count);
            cr_assert_eq(e.volume, count ? 63 : 10);
            cr_assert_eq(e.duration, count ? 0xffff : 800);
            count++;
        }
        cr_assert_eq(count, size / 4);
        guard_free(copy);
    }
}
