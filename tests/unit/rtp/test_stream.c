/* The table of what a packet may be, line by line, and what streams go through. */
#include <criterion/criterion.h>
#include <math.h>

#include "capture/rtp/stream_internal.h"
#include "tests/unit/rtp/drive.h"

/* Packets first..last in order, 20 ms of G.711 each, as part of a regular stream. */
static void regular(struct drive *d, int first, int last)
{
    for (int i = first; i <= last; i++)
        drive_packet(d, (uint16_t)(1000 + i), (uint32_t)i * 160, DRIVE_START_NS + i * 20 * MS);
}

static unsigned one(struct drive *d, int sequence, int timestamp, int at_ms)
{
    return drive_packet(d, (uint16_t)(1000 + sequence), (uint32_t)timestamp,
                        DRIVE_START_NS + at_ms * MS);
}

/* 0..99 in order, then one packet that differs. */
static const struct {
    const char *what;
    int sequence, packets_of_timestamp, at_ms;
    unsigned verdict;
    uint64_t expected, received;
} lines[] = {
    {"the next", 100, 100, 2000, RTP_TAKEN | RTP_STEP, 101, 101},
    {"fifty ahead at once", 149, 149, 1999, RTP_TAKEN, 150, 101},
    {"sixty ahead, too early to be loss", 159, 159, 1999, RTP_PENDING, 100, 100},
    {"sixty ahead, in time", 159, 159, 3180, RTP_TAKEN | RTP_STEP, 160, 101},
    {"3100 ahead, in time", 3199, 3199, 63980, RTP_TAKEN | RTP_STEP | RTP_WINDOW, 3200, 101},
    {"3100 ahead, much too late", 3199, 3199, 90000, RTP_PENDING | RTP_STEP | RTP_WINDOW, 100, 100},
    {"the newest again", 99, 99, 1990, RTP_DUPLICATE, 100, 100},
    {"an old one again", 50, 50, 1990, RTP_DUPLICATE, 100, 100},
    {"the newest with another timestamp", 99, 77, 1990, RTP_PENDING, 100, 100},
    {"an old one with another timestamp", 50, 60, 1990, RTP_PENDING, 100, 100},
    {"before the start, too late for that", -1, -1, 1990, RTP_LATE, 100, 100},
    {"far behind", -2000, -2000, 1990, RTP_PENDING, 100, 100},
};

Test(rtp_stream, every_line_of_the_table_holds)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct drive d = drive_static(0, 160);
        regular(&d, 0, 99);
        unsigned verdict =
            one(&d, lines[i].sequence, lines[i].packets_of_timestamp * 160, lines[i].at_ms);
        struct rtp_stats t = drive_stats(&d);
        cr_expect_eq(verdict, lines[i].verdict, "%s: %x", lines[i].what, verdict);
        cr_expect_eq(t.expected, lines[i].expected, "%s: %lu", lines[i].what, t.expected);
        cr_expect_eq(t.received, lines[i].received, "%s: %lu", lines[i].what, t.received);
        drive_stop(&d);
    }
}

Test(rtp_stream, a_late_packet_fills_its_gap)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 49);
    regular(&d, 52, 60);
    cr_expect_eq(drive_stats(&d).media_lost, 2);
    cr_expect_eq(one(&d, 50, 50 * 160, 1210), RTP_TAKEN | RTP_LATE);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.lost, 1);
    cr_expect_eq(t.media_lost, 1);
    cr_expect_eq(t.reordered, 1);
    cr_expect_eq(one(&d, 50, 50 * 160, 1215), RTP_DUPLICATE);
    drive_stop(&d);
}

Test(rtp_stream, a_restart_counts_its_first_packet)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 99);
    cr_expect_eq(one(&d, 20000, 5000000, 1999), RTP_PENDING);
    cr_expect_eq(one(&d, 20000, 5000000, 1999), RTP_DUPLICATE, "of the candidate");
    cr_expect_eq(one(&d, 98, 98 * 160, 1999), RTP_DUPLICATE, "of the old segment: refutes nothing");
    cr_expect_eq(one(&d, 20001, 5000160, 1999), RTP_TAKEN | RTP_RESTART);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.expected, 102);
    cr_expect_eq(t.received, 102);
    cr_expect_eq(t.restarts, 1);
    cr_expect_eq(t.duplicates, 2);
    cr_expect_eq(t.timestamp_jumps, 0);
    drive_stop(&d);
}

Test(rtp_stream, a_candidate_is_refuted_by_the_next_packet_in_order)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 99);
    one(&d, 20000, 1, 1999);
    regular(&d, 100, 100);
    cr_expect_eq(one(&d, 20001, 161, 2010), RTP_PENDING);
    cr_expect_eq(drive_stats(&d).restarts, 0);
    drive_stop(&d);
}

Test(rtp_stream, two_senders_with_one_ssrc_are_conflicts_not_loss)
{
    struct drive d = drive_static(0, 160);
    for (int i = 0; i < 500; i++) {
        regular(&d, i, i);
        one(&d, i, i * 160 + 777777777, i * 20 + 5);
    }
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.received, 500);
    cr_expect_eq(t.lost, 0);
    cr_expect_eq(t.conflicts, 500);
    cr_expect_eq(t.restarts, 0);
    drive_stop(&d);
}

Test(rtp_stream, an_old_duplicate_is_known_for_4096_packets)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 5000);
    cr_expect_eq(one(&d, 1000, 1000 * 160, 100020), RTP_DUPLICATE);
    cr_expect_eq(one(&d, 900, 900 * 160, 100020), RTP_PENDING);
    drive_stop(&d);
}

Test(rtp_stream, probation_holds_two_packets_and_counts_them_later)
{
    struct rtp_stream_config config = {.announced = false};
    struct drive d = drive_static(0, 160);
    rtp_stream_free(d.s);
    d.s = rtp_stream_new(&config);
    cr_expect_eq(one(&d, 1, 160, 20), RTP_PENDING);
    cr_expect_eq(one(&d, 0, 0, 21), RTP_PENDING);
    cr_expect_eq(drive_stats(&d).received, 0);
    cr_expect_eq(one(&d, 0, 0, 22), RTP_DUPLICATE);
    cr_expect_eq(one(&d, 2, 320, 40), RTP_TAKEN);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.received, 3);
    cr_expect_eq(t.expected, 3);
    cr_expect_eq(t.reordered, 1);
    cr_expect_eq(t.first_ns, DRIVE_START_NS + 20 * MS);
    drive_stop(&d);
}

Test(rtp_stream, noise_never_leaves_probation)
{
    struct rtp_stream_config config = {.announced = false};
    struct drive d = drive_static(0, 160);
    rtp_stream_free(d.s);
    d.s = rtp_stream_new(&config);
    for (int i = 0; i < 1000; i++)
        cr_expect_eq(one(&d, i * 7919, i, i), RTP_PENDING);
    rtp_stream_finish(d.s);
    cr_expect_eq(drive_stats(&d).received, 0);
    cr_expect_eq(drive_stats(&d).expected, 0);
    cr_expect(isnan(drive_stats(&d).jitter_ms_last));
    drive_stop(&d);
}

static unsigned with_codec(struct drive *d, const struct rtp_codec *codec, int sequence,
                           int timestamp, int at_ms, size_t payload_bytes)
{
    struct rtp_codec was = d->codec;
    d->codec = *codec;
    d->payload_bytes = payload_bytes;
    unsigned verdict = one(d, sequence, timestamp, at_ms);
    d->codec = was;
    return verdict;
}

Test(rtp_stream, a_payload_change_is_an_event_and_no_loss)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 99);
    struct rtp_codec pcma, opus;
    rtp_codec_static(8, &pcma);
    rtp_codec_named(slice_str("opus"), 96, 48000, 2, slice_none(), &opus);
    cr_expect(with_codec(&d, &pcma, 100, 16000, 2000, 160) & RTP_PAYLOAD_CHANGE);
    cr_expect_not(with_codec(&d, &pcma, 101, 16160, 2020, 160) & RTP_PAYLOAD_CHANGE);
    cr_expect_eq(drive_stats(&d).timestamp_jumps, 0);
    for (int i = 102; i < 200; i++)
        with_codec(&d, &opus, i, 777 + i * 960, i * 20, 80);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.payload_changes, 2);
    cr_expect_eq(t.lost, 0);
    cr_expect_eq(t.timestamp_jumps, 0);
    cr_expect_eq(t.clock_hz, 48000);
    cr_expect_float_eq(t.ptime_ms, 20, 1e-9);
    cr_expect_float_eq(t.jitter_ms_max, 0, 1e-9);
    drive_stop(&d);
}

Test(rtp_stream, a_timestamp_jump_is_no_jitter)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 99);
    for (int i = 100; i < 200; i++)
        one(&d, i, i * 160 + 1000000, i * 20);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.timestamp_jumps, 1);
    cr_expect_float_eq(t.jitter_ms_max, 0, 1e-9);
    cr_expect_eq(t.lost, 0);
    drive_stop(&d);
}

Test(rtp_stream, numbers_that_a_middlebox_ate_are_no_media_loss)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 99);
    /* ten numbers missing, 60 ms of timestamps: two frames at most */
    one(&d, 110, 102 * 160, 2040);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.lost, 10);
    cr_expect_eq(t.media_lost, 2);
    cr_expect_eq(t.runs, 1);
    drive_stop(&d);
}

Test(rtp_stream, comfort_noise_is_no_frame_and_its_pause_no_gap)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 49);
    struct rtp_codec noise;
    rtp_codec_static(13, &noise);
    with_codec(&d, &noise, 50, 50 * 160, 1000, 1);
    for (int i = 0; i < 50; i++)
        one(&d, 51 + i, (150 + i) * 160, 3000 + i * 20);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.noise_packets, 1);
    cr_expect_eq(t.media_expected, 100);
    cr_expect_eq(t.payload_changes, 0);
    cr_expect_float_eq(t.max_gap_ms, 20, 1e-6);
    drive_stop(&d);
}

Test(rtp_stream, a_sender_that_stands_still_is_a_gap)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 49);
    for (int i = 50; i < 60; i++)
        one(&d, i, i * 160, i * 20 + 500);
    cr_expect_float_eq(drive_stats(&d).max_gap_ms, 520, 1e-6);
    drive_stop(&d);
}

Test(rtp_stream, time_that_runs_backwards_is_clamped)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 49);
    one(&d, 50, 50 * 160, -100000);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.received, 51);
    cr_expect_eq(t.last_ns, DRIVE_START_NS + 980 * MS);
    drive_stop(&d);
}

/* Many packets a frame, as video has them, and nobody who says what the clock is. */
Test(rtp_stream, without_a_clock_a_gap_is_told_by_its_timestamps)
{
    struct drive d = drive_named("X-Own", 0, 100);
    for (int i = 0; i < 40; i++)
        one(&d, i, i / 4 * 3600, i / 4 * 40);
    one(&d, 149, 20 * 3600, 800); /* 109 packets and 10 frames later: 400 ms have passed */
    one(&d, 150, 20 * 3600, 801);
    cr_expect_eq(drive_stats(&d).lost, 109);
    cr_expect_eq(drive_stats(&d).restarts, 0);
    one(&d, 300, 1 << 30, 840); /* three hours of media in 40 ms: somebody began anew */
    one(&d, 301, 1 << 30, 841);
    cr_expect_eq(drive_stats(&d).lost, 109);
    cr_expect_eq(drive_stats(&d).restarts, 1);
    drive_stop(&d);
}

static const uint32_t clocks[] = {8000,  11025, 12000, 16000, 22050,
                                  24000, 32000, 44100, 48000, 90000};

Test(rtp_stream, an_unknown_clock_is_measured)
{
    for (size_t c = 0; c < sizeof clocks / sizeof *clocks; c++) {
        struct drive d = drive_named("X-Own", 0, 100);
        uint64_t state = c + 1;
        for (int i = 0; i < 99; i++)
            one(&d, i, (int)(clocks[c] / 50) * i, i * 20);
        cr_expect(isnan(drive_stats(&d).jitter_ms_last));
        cr_expect_eq(drive_stats(&d).clock_hz, 0);
        for (int i = 99; i < 1000; i++)
            one(&d, i, (int)(clocks[c] / 50) * i, i * 20 + (int)(draw(&state) % 5));
        struct rtp_stats t = drive_stats(&d);
        cr_expect_eq(t.clock_hz, clocks[c], "%u: %f", clocks[c], t.clock_hz);
        cr_expect(t.jitter_ms_last > 0.5 && t.jitter_ms_last < 5, "%f", t.jitter_ms_last);
        cr_expect_float_eq(t.ptime_ms, 20, 0.1);
        drive_stop(&d);
    }
}

Test(rtp_stream, an_odd_clock_stays_unknown)
{
    struct drive d = drive_named("X-Own", 0, 100);
    for (int i = 0; i < 2000; i++)
        one(&d, i, 200 * i, i * 20); /* 10000 Hz */
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.clock_hz, 0);
    cr_expect(isnan(t.jitter_ms_mean));
    cr_expect_eq(t.lost, 0);
    drive_stop(&d);
}

Test(rtp_stream, the_packet_time_follows_the_sender)
{
    struct drive d = drive_static(0, 160);
    regular(&d, 0, 99);
    for (int i = 0; i < 60; i++)
        one(&d, 100 + i, 16000 + i * 240, 2000 + i * 30);
    cr_expect_float_eq(drive_stats(&d).ptime_ms, 30, 1e-9);
    drive_stop(&d);
}

Test(rtp_stream, the_state_is_at_most_one_kibibyte)
{
    cr_expect_leq(rtp_stream_size(false), 1024);
}

Test(rtp_stream, extended_sequence_counts_the_wraps)
{
    struct drive d = drive_static(0, 160);
    for (int i = 0; i < 70000; i++)
        drive_packet(&d, (uint16_t)(65000 + i), (uint32_t)i * 160, DRIVE_START_NS + i * 20 * MS);
    cr_expect_eq(rtp_stream_highest(d.s), 65000u + 69999);
    cr_expect_eq(drive_stats(&d).expected, 70000);
    drive_stop(&d);
}

/* 8.64 million packets, 131 sequence wraps, a timestamp wrap at 48 kHz, one in a hundred lost. */
Test(rtp_stream, two_days_are_counted_exactly_and_take_no_more_memory)
{
    struct drive d = drive_named("opus", 48000, 80);
    const struct rtp_series *series = rtp_stream_series(d.s);
    uint64_t state = 48, lost = 0, total = 48 * 3600 * 50;
    for (uint64_t i = 0; i < total; i++) {
        if (i > 2 && i + 1 < total && chance(&state, .01))
            lost++;
        else
            drive_packet(&d, (uint16_t)(i + 5), (uint32_t)(i * 960 + 99),
                         DRIVE_START_NS + (int64_t)i * 20 * MS);
        cr_assert(series->step_room <= SERIES_STEPS_MAX && series->window_room <= SERIES_STEPS_MAX);
    }
    rtp_stream_finish(d.s);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.expected, total);
    cr_expect_eq(t.lost, lost);
    cr_expect_eq(t.media_lost, lost);
    cr_expect_eq(t.restarts, 0);
    cr_expect_float_eq(t.jitter_ms_max, 0, 1e-9);
    cr_expect_eq(series->step_ms, 320000);
    cr_expect_eq(series->window_ms, 320000);
    uint64_t packets = 0, frames_lost = 0;
    for (unsigned i = 0; i < series->step_count; i++)
        packets += series->steps[i].packets;
    for (unsigned i = 0; i < series->window_count; i++)
        frames_lost += series->windows[i].lost;
    cr_expect_eq(packets, t.received);
    cr_expect_eq(frames_lost, lost);
    drive_stop(&d);
}

/* Keys of a payload type that nothing announced: four octets that stand still in time beside the media. */
Test(rtp_stream, a_key_that_is_not_announced_is_no_frame)
{
    struct drive d = drive_static(0, 160);
    struct rtp_codec unnamed = {.payload_type = 101, .kind = CODEC_UNKNOWN};
    regular(&d, 0, 99);
    d.payload[0] = 5;
    d.payload[1] = 0x0a;
    for (int i = 100; i < 112; i++)
        with_codec(&d, &unnamed, i, 16000, i * 20, 4);
    regular(&d, 112, 199);
    struct rtp_stats t = drive_stats(&d);
    cr_expect_eq(t.event_packets, 12);
    cr_expect_eq(t.payload_changes, 0);
    cr_expect_eq(t.timestamp_jumps, 0);
    cr_expect_eq(t.media_expected, 188);
    cr_expect_eq(t.lost, 0);
    cr_expect_float_eq(t.jitter_ms_max, 0, 1e-9);
    d.payload[0] = 0x78; /* no event that keys make: some codec's frame */
    with_codec(&d, &unnamed, 200, 32000, 4000, 4);
    cr_expect_eq(drive_stats(&d).payload_changes, 1);
    drive_stop(&d);
}
