/* Times in which our capture missed frames. */
#include <criterion/criterion.h>

#include "app/suspect.h"

#define S INT64_C(1000000000)

Test(suspect, spans_that_touch_are_one)
{
    struct suspect s = {.count = 0};
    suspect_add(&s, 10 * S, 11 * S, 5);
    suspect_add(&s, 11 * S, 12 * S, 3);
    cr_expect_eq(s.count, 1);
    cr_expect_eq(s.spans[0].frames, 8);
    suspect_add(&s, 12 * S, 13 * S, 0);
    suspect_add(&s, 13 * S, 14 * S, 9);
    cr_expect_eq(s.spans[0].frames, 0); /* nobody knows any more */
    suspect_add(&s, 30 * S, 31 * S, 1);
    cr_expect_eq(s.count, 2);
    cr_expect(suspect_overlaps(&s, 13 * S, 20 * S));
    cr_expect(suspect_overlaps(&s, 0, 10 * S + 1));
    cr_expect_not(suspect_overlaps(&s, 0, 10 * S));
    cr_expect_not(suspect_overlaps(&s, 15 * S, 29 * S));
    cr_expect_not(suspect_overlaps(NULL, 0, INT64_MAX));
}

Test(suspect, spans_are_bounded_and_the_newest_grows)
{
    struct suspect s = {.count = 0};
    for (int i = 0; i < 100; i++)
        suspect_add(&s, 10 * i * S, (10 * i + 1) * S, 1);
    cr_expect_eq(s.count, SUSPECT_SPANS_MAX);
    cr_expect(suspect_overlaps(&s, 985 * S, 986 * S));
    cr_expect_not(suspect_overlaps(&s, 5 * S, 6 * S));
    suspect_add(&s, 2000 * S, 1000 * S, 1); /* time that ran backwards */
    cr_expect_eq(s.spans[SUSPECT_SPANS_MAX - 1].to_ns, 1000 * S);
}

static void send(struct rtp_stream *stream, uint16_t sequence)
{
    uint8_t payload[160] = {0};
    struct rtp_codec codec;
    rtp_codec_static(0, &codec);
    struct rtp_packet p = {.sequence = sequence,
                           .timestamp = sequence * 160u,
                           .ssrc = 1,
                           .payload = slice_of(payload, sizeof payload)};
    rtp_stream_packet(stream, &p, &codec, 172, 160, 1000 * S + sequence * (S / 50));
}

Test(suspect, windows_and_lost_numbers_in_them_are_taken_off)
{
    struct rtp_stream_config config = {.announced = true};
    struct rtp_stream *stream = rtp_stream_new(&config);
    struct suspect s = {.count = 0};
    for (uint16_t n = 0; n < 2000; n++)
        if ((n < 250 || n >= 260) && (n < 1250 || n >= 1300)) /* at 5 s and at 25 s */
            send(stream, n);
    rtp_stream_finish(stream);
    suspect_add(&s, 1025 * S, 1026 * S, 80);
    struct rtp_stats t;
    rtp_stream_stats(stream, &t);
    cr_expect_eq(t.lost, 60);
    suspect_take_off(&s, stream, &t);
    cr_expect_eq(t.lost, 10);
    cr_expect_eq(t.media_lost, 10);
    cr_expect_eq(t.runs, 1);
    cr_expect_eq(t.media_expected, 1500);
    cr_expect(suspect_window(&s, stream, 2));
    cr_expect_not(suspect_window(&s, stream, 1));
    s.spans[0].frames = 20; /* no more can be ours */
    cr_expect_eq(suspect_sums(&s, stream).most, 20);
    cr_expect_eq(suspect_sums(&s, stream).missing, 50);
    rtp_stream_free(stream);
}

Test(suspect, what_a_stream_has_beside_its_call_counts_as_well)
{
    struct suspect call = {.count = 0}, own = {.also = &call};
    suspect_add(&call, 10 * S, 11 * S, 5);
    suspect_add(&own, 30 * S, 35 * S, 7);
    cr_expect(suspect_overlaps(&own, 10 * S, 11 * S));
    cr_expect(suspect_overlaps(&own, 34 * S, 40 * S));
    cr_expect_not(suspect_overlaps(&call, 34 * S, 40 * S));
    cr_expect_not(suspect_overlaps(&own, 12 * S, 30 * S));
}
