/* Steps and windows: what they count, how they widen, and that nothing is lost without memory. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/rtp/drive.h"

static void seconds(struct drive *d, int first, int last)
{
    for (int i = first * 50; i < last * 50; i++)
        drive_packet(d, (uint16_t)i, (uint32_t)i * 160, DRIVE_START_NS + i * 20 * MS);
}

Test(series, a_step_is_a_second_and_a_window_ten)
{
    struct drive d = drive_static(0, 160);
    const struct rtp_series *series = rtp_stream_series(d.s);
    for (int i = 0; i < 2500; i++) {
        if (i % 100 == 10)
            continue;
        unsigned verdict =
            drive_packet(&d, (uint16_t)i, (uint32_t)i * 160, DRIVE_START_NS + i * 20 * MS);
        cr_expect_eq(!!(verdict & RTP_STEP), i > 0 && i % 50 == 0, "%d", i);
        cr_expect_eq(!!(verdict & RTP_WINDOW), i > 0 && i % 500 == 0, "%d", i);
    }
    cr_expect_eq(series->step_count, 49);
    cr_expect_eq(series->window_count, 4);
    for (unsigned i = 0; i < series->step_count; i++) {
        bool lossy = i % 2 == 0;
        cr_expect_eq(series->steps[i].packets, lossy ? 49 : 50);
        cr_expect_eq(series->steps[i].lost, lossy);
        cr_expect_eq(series->steps[i].max_gap_ms, lossy ? 40 : 20);
        cr_expect_eq(series->steps[i].jitter_dms, 0);
    }
    for (unsigned i = 0; i < series->window_count; i++) {
        cr_expect_eq(series->windows[i].expected, 500);
        cr_expect_eq(series->windows[i].lost, 5);
        cr_expect_eq(series->windows[i].runs, 5);
    }
    rtp_stream_finish(d.s);
    cr_expect_eq(series->step_count, 50);
    cr_expect_eq(series->window_count, 5);
    drive_stop(&d);
}

Test(series, silence_leaves_empty_steps)
{
    struct drive d = drive_static(0, 160);
    const struct rtp_series *series = rtp_stream_series(d.s);
    seconds(&d, 0, 1);
    unsigned verdict = drive_packet(&d, 50, 50 * 160 + 30 * 8000, DRIVE_START_NS + 31000 * MS);
    cr_expect(verdict & RTP_STEP && verdict & RTP_WINDOW);
    cr_expect_eq(series->step_count, 31);
    cr_expect_eq(series->window_count, 3);
    cr_expect_eq(series->windows[0].expected, 50);
    cr_expect_eq(series->windows[1].expected, 0);
    cr_expect_eq(series->steps[0].packets, 50);
    cr_expect_eq(series->steps[5].packets, 0);
    cr_expect_eq(series->steps[5].jitter_dms, UINT16_MAX);
    drive_stop(&d);
}

static uint64_t packets_in(const struct rtp_series *series)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < series->step_count; i++)
        sum += series->steps[i].packets;
    return sum;
}

static uint64_t frames_in(const struct rtp_series *series)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < series->window_count; i++)
        sum += series->windows[i].expected;
    return sum;
}

Test(series, the_step_grows_with_age)
{
    static const struct {
        int seconds;
        uint32_t step_ms, window_ms;
    } cases[] = {{600, 1000, 10000},   {602, 10000, 10000},   {6000, 10000, 10000},
                 {6011, 20000, 20000}, {12030, 40000, 40000}, {24050, 80000, 80000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct drive d = drive_static(0, 160);
        seconds(&d, 0, cases[i].seconds);
        rtp_stream_finish(d.s);
        const struct rtp_series *series = rtp_stream_series(d.s);
        cr_expect_eq(series->step_ms, cases[i].step_ms, "%d s: %u", cases[i].seconds,
                     series->step_ms);
        cr_expect_eq(series->window_ms, cases[i].window_ms, "%d s: %u", cases[i].seconds,
                     series->window_ms);
        cr_expect_leq(series->step_count, SERIES_STEPS_MAX);
        cr_expect_eq(packets_in(series), (uint64_t)cases[i].seconds * 50);
        cr_expect_eq(frames_in(series), (uint64_t)cases[i].seconds * 50);
        drive_stop(&d);
    }
}

Test(series, a_jump_of_time_by_years_ends)
{
    for (int64_t jump = 1000; jump > 0 && jump < INT64_MAX / 11; jump *= 10) {
        struct drive d = drive_static(0, 160);
        seconds(&d, 0, 15);
        int64_t ns = jump < INT64_MAX - DRIVE_START_NS ? DRIVE_START_NS + jump : INT64_MAX;
        drive_packet(&d, 750, 750 * 160, ns);
        drive_packet(&d, 751, 751 * 160, INT64_MAX);
        rtp_stream_finish(d.s);
        const struct rtp_series *series = rtp_stream_series(d.s);
        cr_expect_eq(packets_in(series), 752);
        cr_expect_leq(series->step_count, SERIES_STEPS_MAX);
        drive_stop(&d);
    }
}
