/* What of a call nobody could open, and what is not looked at. */
#include <criterion/criterion.h>

#include "app/decoder/sound_sealed.h"

#define MS INT64_C(1000000)

/* One packet each 20 ms from `from_ms` until `to_ms`. */
static void packets(struct sound_sealed *s, int64_t from_ms, int64_t to_ms, bool opened)
{
    for (int64_t at_ms = from_ms; at_ms < to_ms; at_ms += 20)
        sound_sealed_packet(s, at_ms * MS, opened);
}

Test(sound_sealed, a_second_in_a_row_is_missing_and_less_is_not)
{
    struct sound_sealed s = {0};
    int64_t from_ns, to_ns;
    packets(&s, 1000, 2000, true);
    packets(&s, 2000, 2900, false);
    packets(&s, 2900, 4000, true);
    cr_expect_not(sound_sealed_lacks(&s, &from_ns, &to_ns));
    packets(&s, 4000, 5100, false);
    packets(&s, 5100, 6000, true);
    cr_assert(sound_sealed_lacks(&s, &from_ns, &to_ns));
    cr_expect_eq(from_ns, 4000 * MS);
    cr_expect_eq(to_ns, 5080 * MS);
}

Test(sound_sealed, forged_packets_among_others_are_not_missed)
{
    struct sound_sealed s = {0};
    int64_t from_ns, to_ns;
    for (int64_t at_ms = 1000; at_ms < 9000; at_ms += 20) {
        sound_sealed_packet(&s, at_ms * MS, true);
        packets(&s, at_ms, at_ms + 20, false);
    }
    sound_sealed_packet(&s, 20000 * MS, false); /* in a silence */
    sound_sealed_packet(&s, 30000 * MS, false);
    cr_expect_not(sound_sealed_lacks(&s, &from_ns, &to_ns));
    struct sound_sealed stray = {0};
    packets(&stray, 1000, 1000 + 20 * (SEALED_PACKETS_MIN - 1), false);
    cr_expect_not(sound_sealed_lacks(&stray, &from_ns, &to_ns));
}

Test(sound_sealed, a_flow_that_never_opened_is_missing_unless_another_one_was_heard_meanwhile)
{
    struct sound_sealed sealed = {0}, relayed = {0}, before = {0};
    int64_t from_ns, to_ns;
    packets(&sealed, 1000, 1500, false);
    cr_assert(sound_sealed_lacks(&sealed, &from_ns, &to_ns));
    packets(&relayed, 1010, 1400, true);
    packets(&before, -2000, -500, true);
    cr_expect(sound_sealed_stands_in(&relayed, from_ns, to_ns));
    cr_expect_not(sound_sealed_stands_in(&before, from_ns, to_ns));
    cr_expect_not(sound_sealed_stands_in(&sealed, from_ns, to_ns));
}
