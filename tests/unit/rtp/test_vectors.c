/* The reference captures, and the figures that the quality reference gives for them (1.6). */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/unit/rtp/drive.h"

struct vector {
    const char *capture;
    uint32_t ssrc;
    uint64_t expected, received, lost, duplicates, reordered;
    uint32_t restarts;
    double jitter_last, jitter_mean, jitter_max;
    uint32_t rfc_expected;
    int32_t rfc_lost;
    uint32_t rfc_jitter;
};

#define FIRST_SSRC 0x11223344

static const struct vector vectors[] = {
    {"clean_wrap", FIRST_SSRC, 1000, 1000, 0, 0, 0, 0, 0, 0, 0, 999, 0, 0},
    {"dup_all", FIRST_SSRC, 1000, 1000, 0, 1000, 0, 0, 0, 0, 0, 999, -999, 0},
    {"loss10", FIRST_SSRC, 1000, 900, 100, 0, 0, 0, 0, 0, 0, 999, 100, 0},
    {"loss10_dup10", FIRST_SSRC, 1000, 900, 100, 100, 0, 0, 0, 0, 0, 999, 0, 0},
    {"loss10_marker_all", FIRST_SSRC, 1000, 900, 100, 0, 0, 0, 0, 0, 0, 999, 100, 0},
    {"marker_hides", FIRST_SSRC, 980, 800, 180, 0, 0, 0, 0, 0, 0, 979, 180, 0},
    {"dtx_nolossgap", FIRST_SSRC, 500, 500, 0, 0, 0, 0, 0, 0, 0, 499, 0, 0},
    {"reorder", FIRST_SSRC, 1000, 1000, 0, 0, 100, 0, 5.595, 4.921, 6.366, 999, 0, 44},
    {"first_two_reordered", FIRST_SSRC, 1000, 1000, 0, 0, 1, 0, 0, 0.042, 2.543, 997, 0, 0},
    {"dtmf", FIRST_SSRC, 1000, 1000, 0, 0, 0, 0, 0, 0, 0, 999, 0, 12},
    {"ts_wrap", FIRST_SSRC, 1000, 1000, 0, 0, 0, 0, 0, 0, 0, 999, 0, 0},
    {"seq_restart", FIRST_SSRC, 1000, 1000, 0, 0, 0, 1, 0, 0, 0, 499, 0, 0},
    {"ssrc_change", FIRST_SSRC, 500, 500, 0, 0, 0, 0, 0, 0, 0, 499, 0, 0},
    {"ssrc_change", 0x55667788, 500, 500, 0, 0, 0, 0, 0, 0, 0, 499, 0, 0},
    {"two_macs", FIRST_SSRC, 1000, 1000, 0, 0, 0, 0, 0, 0, 0, 999, 0, 0},
    {"wrap_lost", FIRST_SSRC, 1000, 988, 12, 0, 0, 0, 0, 0, 0, 999, 12, 0},
    {"jitter_alt10", FIRST_SSRC, 1000, 1000, 0, 0, 0, 0, 10, 9.850, 10, 999, 0, 79},
    {"opus48", FIRST_SSRC, 1000, 1000, 0, 0, 0, 0, 3.565, 3.287, 4.851, 999, 0, 171},
};

static struct rtp_codec codec_of(uint8_t payload_type)
{
    struct rtp_codec codec;
    if (payload_type == 101)
        rtp_codec_named(slice_str("telephone-event"), 101, 8000, 1, slice_none(), &codec);
    else if (payload_type == 111)
        rtp_codec_named(slice_str("opus"), 111, 48000, 2, slice_none(), &codec);
    else
        cr_assert(rtp_codec_static(payload_type, &codec));
    return codec;
}

static struct rtp_stats run(const struct vector *v, struct rtp_stream_config config)
{
    struct reference r = reference_load(v->capture, 10000);
    struct rtp_stream *s = rtp_stream_new(&config);
    for (size_t i = 0; i < r.count; i++) {
        struct rtp_packet p;
        struct slice datagram = r.packets[i].datagram;
        cr_assert(rtp_parse(datagram, datagram.size, &p));
        if (p.ssrc != v->ssrc)
            continue;
        struct rtp_codec codec = codec_of(p.payload_type);
        rtp_stream_packet(s, &p, &codec, datagram.size, p.payload.size, r.packets[i].ns);
    }
    rtp_stream_finish(s);
    struct rtp_stats t;
    rtp_stream_stats(s, &t);
    rtp_stream_free(s);
    reference_free(&r);
    return t;
}

static void expect_near(double got, double want, const char *what, const char *capture)
{
    cr_expect(fabs(got - want) <= 0.0005001, "%s: %s %.6f, not %.3f", capture, what, got, want);
}

static void expect_vector(const struct vector *v, const struct rtp_stats *t)
{
    cr_expect_eq(t->expected, v->expected, "%s: expected %lu", v->capture, t->expected);
    cr_expect_eq(t->received, v->received, "%s: received %lu", v->capture, t->received);
    cr_expect_eq(t->lost, v->lost, "%s: lost %lu", v->capture, t->lost);
    cr_expect_eq(t->media_lost, v->lost, "%s: media lost %lu", v->capture, t->media_lost);
    cr_expect_eq(t->duplicates, v->duplicates, "%s: duplicates %lu", v->capture, t->duplicates);
    cr_expect_eq(t->reordered, v->reordered, "%s: reordered %lu", v->capture, t->reordered);
    cr_expect_eq(t->restarts, v->restarts, "%s: restarts %u", v->capture, t->restarts);
    cr_expect_eq(t->conflicts, 0, "%s", v->capture);
    cr_expect_eq(t->timestamp_jumps, 0, "%s", v->capture);
    expect_near(t->jitter_ms_last, v->jitter_last, "jitter at the end", v->capture);
    expect_near(t->jitter_ms_mean, v->jitter_mean, "mean jitter", v->capture);
    expect_near(t->jitter_ms_max, v->jitter_max, "largest jitter", v->capture);
    cr_expect_eq(t->rfc_expected, v->rfc_expected, "%s: %u", v->capture, t->rfc_expected);
    cr_expect_eq(t->rfc_lost, v->rfc_lost, "%s: %d", v->capture, t->rfc_lost);
    cr_expect_eq(t->rfc_jitter_ticks, v->rfc_jitter, "%s: %u", v->capture, t->rfc_jitter_ticks);
    expect_near(t->ptime_ms, 20, "packet time", v->capture);
}

Test(rtp_vectors, announced_streams_give_the_reference_figures)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct rtp_stats t = run(&vectors[i], (struct rtp_stream_config){.announced = true});
        expect_vector(&vectors[i], &t);
    }
}

Test(rtp_vectors, simulated_playout_changes_no_counter)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct rtp_stream_config config = {.announced = i % 2, .playout = true};
        struct rtp_stats t = run(&vectors[i], config);
        expect_vector(&vectors[i], &t);
        cr_expect(t.simulated && t.discarded == 0, "%s", vectors[i].capture);
        cr_expect_eq(t.bad, t.media_lost, "%s", vectors[i].capture);
    }
}

Test(rtp_vectors, streams_on_probation_give_the_same_figures)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct rtp_stats t = run(&vectors[i], (struct rtp_stream_config){.announced = false});
        expect_vector(&vectors[i], &t);
    }
}

Test(rtp_vectors, a_wrong_packet_time_in_sdp_changes_nothing)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        if (strcmp(vectors[i].capture, "loss10_marker_all") == 0)
            continue; /* lost and marked alike: some neighbours have to be seen first */
        struct rtp_stream_config config = {.announced = true, .ptime_ms = 30};
        struct rtp_stats t = run(&vectors[i], config);
        expect_vector(&vectors[i], &t);
    }
}

Test(rtp_vectors, events_and_markers_are_counted_apart)
{
    struct vector dtmf = {.capture = "dtmf", .ssrc = FIRST_SSRC};
    struct rtp_stats t = run(&dtmf, (struct rtp_stream_config){.announced = true});
    cr_expect_eq(t.event_packets, 100);
    cr_expect_eq(t.media_expected, 900);
    cr_expect_eq(t.payload_changes, 0);
    struct vector marked = {.capture = "loss10_marker_all", .ssrc = FIRST_SSRC};
    t = run(&marked, (struct rtp_stream_config){.announced = true});
    cr_expect_eq(t.marker_count, 900);
}

Test(rtp_vectors, pauses_are_no_gaps)
{
    struct vector dtx = {.capture = "dtx_nolossgap", .ssrc = FIRST_SSRC};
    struct rtp_stats t = run(&dtx, (struct rtp_stream_config){.announced = true});
    expect_near(t.max_gap_ms, 20, "longest gap", dtx.capture);
    struct vector burst = {.capture = "marker_hides", .ssrc = FIRST_SSRC};
    t = run(&burst, (struct rtp_stream_config){.announced = true});
    expect_near(t.max_gap_ms, 420, "longest gap", burst.capture);
    cr_expect_eq(t.runs, 9);
    cr_expect_eq(t.longest_run, 20);
    cr_expect_eq(t.run_histogram[10], 9);
}
