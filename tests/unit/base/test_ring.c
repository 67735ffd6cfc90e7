/* The ring on one thread; with two: tests/threads/ring_stress.c. */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/ring.h"

static bool put(struct ring *r, size_t size, uint8_t fill, bool vital)
{
    void *p = ring_reserve(r, size, vital);
    if (p == NULL)
        return false;
    cr_assert_eq((uintptr_t)p % 8, 0);
    memset(p, fill, size);
    ring_commit(r);
    return true;
}

Test(ring, records_come_out_as_they_went_in_over_many_turns)
{
    struct ring *r = ring_new(4096);
    uint32_t random = 1;
    uint8_t in = 0;
    uint8_t out = 0;
    size_t sizes[256];
    for (int step = 0; step < 20000; step++) {
        random = random * 1664525 + 1013904223;
        size_t size = 1 + (random >> 8) % 1000;
        if (random >> 31 && put(r, size, in, random >> 30 & 1))
            sizes[in++] = size;
        ring_publish(r);
        if (random >> 29 & 1)
            continue;
        for (struct slice s; (s = ring_next(r)).size;) {
            cr_assert_eq(s.size, sizes[out]);
            for (size_t i = 0; i < s.size; i++)
                cr_assert_eq(s.data[i], out);
            out++;
        }
        cr_assert_eq(in, out);
        ring_release(r);
        cr_assert_eq(ring_depth(r), 0);
    }
    ring_free(r);
}

Test(ring, nothing_is_seen_before_it_is_published)
{
    struct ring *r = ring_new(4096);
    put(r, 10, 1, false);
    put(r, 10, 2, false);
    cr_assert_eq(ring_next(r).size, 0);
    ring_publish(r);
    cr_assert_eq(ring_next(r).data[0], 1);
    cr_assert_eq(ring_next(r).data[0], 2);
    cr_assert_eq(ring_next(r).size, 0);
    ring_free(r);
}

Test(ring, a_reservation_without_commit_leaves_no_trace)
{
    struct ring *r = ring_new(4096);
    cr_assert_not_null(ring_reserve(r, 500, false));
    put(r, 8, 7, false);
    ring_publish(r);
    cr_assert_eq(ring_next(r).size, 8);
    cr_assert_eq(ring_next(r).size, 0);
    ring_free(r);
}

Test(ring, the_last_eighth_is_for_vital_records)
{
    struct ring *r = ring_new(64 * 1024);
    size_t ordinary = 0;
    while (put(r, 56, 1, false))
        ordinary += 64;
    ring_publish(r);
    cr_assert_eq(ordinary, 56 * 1024);
    cr_assert_eq(ring_depth(r), ordinary);
    size_t vital = 0;
    while (put(r, 56, 2, true))
        vital += 64;
    cr_assert_eq(ordinary + vital, ring_capacity(r));
    ring_publish(r);

    cr_assert_eq(ring_next(r).data[0], 1);
    cr_assert_not(put(r, 56, 3, true)); /* taken is not yet released */
    ring_release(r);
    cr_assert(put(r, 56, 3, true));
    cr_assert_not(put(r, 56, 3, false));
    ring_free(r);
}

Test(ring, sizes_are_rounded_up_and_giants_refused)
{
    struct ring *r = ring_new(5000);
    cr_assert_eq(ring_capacity(r), 8192);
    cr_assert_null(ring_reserve(r, 2049, true));
    cr_assert_null(ring_reserve(r, SIZE_MAX, true));
    cr_assert_not_null(ring_reserve(r, 2048, true));
    ring_free(r);
    ring_free(NULL);
}

Test(ring, an_empty_ring_takes_the_largest_record_at_every_offset)
{
    struct ring *r = ring_new(4096);
    for (int i = 0; i < 3000; i++) {
        put(r, 1 + (size_t)i % 50, 1, false);
        ring_publish(r);
        while (ring_next(r).size) {
        }
        ring_release(r);
        cr_assert(put(r, 1024, 2, false), "round %d", i);
        ring_publish(r);
        cr_assert_eq(ring_next(r).size, 1024);
        ring_release(r);
    }
    ring_free(r);
}

Test(ring, wait_ends_with_data_time_or_close)
{
    struct ring *r = ring_new(4096);
    int64_t before = clock_mono_ns();
    cr_assert(ring_wait(r, 20));
    cr_assert_geq(clock_mono_ns() - before, 15000000);
    cr_assert(ring_wait(r, 0));
    put(r, 8, 1, false);
    ring_publish(r);
    cr_assert(ring_wait(r, 60000));
    put(r, 8, 2, false);
    ring_close(r); /* publishes */
    cr_assert(ring_wait(r, 60000));
    cr_assert_eq(ring_next(r).data[0], 1);
    cr_assert_eq(ring_next(r).data[0], 2);
    cr_assert_not(ring_wait(r, 60000));
    ring_free(r);
}
