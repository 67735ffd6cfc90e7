/* Live listening: what is read is what the packets say, each side for itself, in time; silence
 * elsewhere. */
#include <criterion/criterion.h>

#include "decode/earpiece.h"

#define MS       INT64_C(1000000)
#define START_NS (INT64_C(1700000000) * 1000 * MS)

static const struct render_codec L16 = {
    .name = "L16", .clock_hz = 8000, .payload_type = 96, .channels = 1};

/* 20 ms of the value 1000 + n on this side. */
static void put(struct earpiece *h, unsigned side, uint16_t n, int64_t late_ns)
{
    uint8_t d[12 + 320] = {0x80, 96, (uint8_t)(n >> 8), (uint8_t)n};
    uint32_t timestamp = 160u * n;
    for (int i = 0; i < 4; i++)
        d[4 + i] = (uint8_t)(timestamp >> (24 - 8 * i));
    d[11] = (uint8_t)(side + 1);
    for (int i = 0; i < 160; i++) {
        d[12 + 2 * i] = (uint8_t)((1000 + n) >> 8);
        d[13 + 2 * i] = (uint8_t)(1000 + n);
    }
    earpiece_packet(h, side, side, START_NS + n * 20 * MS + late_ns, slice_of(d, sizeof d), &L16);
}

static struct earpiece *begun(void)
{
    struct earpiece *h = NULL;
    cr_assert_eq(earpiece_new(8000, &h), 0);
    earpiece_begin(h, START_NS);
    return h;
}

Test(earpiece, gives_what_was_said_where_it_was_said, .timeout = 60)
{
    struct earpiece *h = begun();
    int16_t out[2 * 1600];
    for (uint16_t n = 0; n < 10; n++)
        put(h, n >= 5, n, 0);
    cr_assert_eq(earpiece_read(h, START_NS + 200 * MS, out, 1600), 1600);
    for (int i = 0; i < 1600; i++) {
        int side = i >= 800;
        cr_assert_eq(out[2 * i + side], 1000 + i / 160, "frame %d", i);
        cr_assert_eq(out[2 * i + !side], 0, "frame %d", i);
    }
    cr_expect_eq(earpiece_read(h, START_NS + 200 * MS, out, 1600), 0, "no frame twice");
    earpiece_free(h);
}

Test(earpiece, packets_out_of_order_fall_into_their_place_until_they_are_read, .timeout = 60)
{
    static const uint16_t ORDER[] = {0, 1, 3, 2, 4, 6, 5, 7};
    struct earpiece *h = begun();
    int16_t out[2 * 1280];
    for (int i = 0; i < 8; i++)
        put(h, 0, ORDER[i], (i - ORDER[i]) * 20 * MS);
    cr_assert_eq(earpiece_read(h, START_NS + 160 * MS, out, 1280), 1280);
    for (int i = 0; i < 1280; i++)
        cr_assert_eq(out[2 * i], 1000 + i / 160, "frame %d", i);
    earpiece_free(h);
}

Test(earpiece, who_is_behind_can_go_on_at_the_present, .timeout = 60)
{
    struct earpiece *h = begun();
    int16_t out[2 * 160];
    for (uint16_t n = 0; n < 50; n++)
        put(h, 0, n, 0);
    cr_expect_eq(earpiece_skip(h, START_NS + 800 * MS), 6400);
    cr_expect_eq(earpiece_skip(h, START_NS + 100 * MS), 0, "never back");
    cr_assert_eq(earpiece_read(h, START_NS + 1000 * MS, out, 160), 160);
    cr_expect_eq(out[0], 1040);
    earpiece_free(h);
}

Test(earpiece, the_end_is_the_end_of_the_sound_and_strange_packets_are_passed_over, .timeout = 60)
{
    struct earpiece *h = begun();
    int16_t out[2 * 160];
    uint8_t noise[40];
    put(h, 0, 0, 0);
    for (size_t n = 0; n < sizeof noise; n++) {
        memset(noise, (int)n, sizeof noise);
        earpiece_packet(h, n & 1, 0, START_NS + (int64_t)n, slice_of(noise, n), &L16);
    }
    earpiece_packet(h, 0, 0, START_NS - 1, slice_of(noise, sizeof noise), &L16);
    earpiece_packet(h, 0, 0, INT64_MIN, slice_of(noise, sizeof noise), &L16);
    cr_expect_eq(earpiece_end(h), START_NS + 20 * MS);
    cr_expect_eq(earpiece_read(h, START_NS + 20 * MS, out, 160), 160);
    earpiece_free(h);
}
