/* What a worker copies for a listener: in order, bounded, counted where there is no room. */
#include <criterion/criterion.h>

#include "app/sound_tap.h"

static void put(struct sound_tap *t, uint32_t number, size_t size)
{
    static uint8_t bytes[1500];
    struct sound_tap_packet head = {.time_ns = number, .flow = number, .channel = number & 1};
    bytes[0] = (uint8_t)number;
    sound_tap_put(t, &head, slice_of(bytes, size));
}

Test(sound_tap, gives_packets_in_their_order, .timeout = 60)
{
    struct sound_tap *t = sound_tap_new();
    struct sound_tap_packet head;
    struct slice datagram;
    cr_assert_not_null(t);
    cr_expect_not(sound_tap_next(t, &head, &datagram));
    for (uint32_t i = 0; i < 10; i++)
        put(t, i, 100 + i);
    for (uint32_t i = 0; i < 10; i++) {
        cr_assert(sound_tap_next(t, &head, &datagram));
        cr_expect_eq(head.flow, i);
        cr_expect_eq(head.channel, i & 1);
        cr_expect_eq(datagram.size, 100 + i);
        cr_expect_eq(datagram.data[0], i);
    }
    cr_expect_not(sound_tap_next(t, &head, &datagram));
    cr_expect_eq(atomic_load(&t->dropped), 0);
    sound_tap_free(t);
}

Test(sound_tap, a_listener_who_does_not_read_costs_no_more_than_its_ring, .timeout = 60)
{
    struct sound_tap *t = sound_tap_new();
    struct sound_tap_packet head;
    struct slice datagram;
    unsigned kept = 0;
    for (uint32_t i = 0; i < 5000; i++)
        put(t, i, 172);
    while (sound_tap_next(t, &head, &datagram))
        cr_assert_eq(head.flow, kept++, "the newest are left out");
    cr_expect_gt(kept, 200);
    cr_expect_eq(kept + atomic_load(&t->dropped), 5000);
    ring_release(t->ring);
    put(t, 77, 172);
    cr_assert(sound_tap_next(t, &head, &datagram));
    cr_expect_eq(head.flow, 77, "it goes on with what comes");
    sound_tap_let_go(t);
    ring_release(t->ring);
    cr_expect_not(ring_wait(t->ring, 0), "and ends");
    cr_expect(atomic_load(&t->let_go));
    sound_tap_free(t);
}
