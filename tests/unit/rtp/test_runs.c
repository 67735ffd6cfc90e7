/* Runs of lost frames, the burst ratio, and the Gilbert parameters that follow from them
 * (3.1, 3.4, 3.6). */
#include <criterion/criterion.h>

#include "base/burst_ratio.h"
#include "tests/unit/rtp/drive.h"

struct piece {
    const char *frames;
    int times;
};

static const struct {
    struct piece pieces[9];
    double p, q, raw;
} patterns[] = {
    {{{"R", 100}}, 0, 1, 1},
    {{{"R", 50}, {"L", 1}, {"R", 49}}, 0.010101, 1, 0.99},
    {{{"R", 30}, {"L", 1}, {"R", 20}, {"L", 1}, {"R", 48}}, 0.020408, 1, 0.98},
    {{{"R", 40}, {"LRL", 1}, {"R", 57}}, 0.020408, 1, 0.98},
    {{{"R", 40}, {"L", 5}, {"R", 55}}, 0.010526, 0.2, 4.75},
    {{{"R", 40}, {"L", 1}, {"R", 15}, {"L", 1}, {"R", 43}}, 0.020408, 1, 0.98},
    {{{"R", 40}, {"L", 1}, {"R", 16}, {"L", 1}, {"R", 42}}, 0.020408, 1, 0.98},
    {{{"R", 30}, {"LLRL", 1}, {"R", 30}, {"L", 1}, {"R", 30}, {"L", 3}, {"R", 20}},
     0.036036,
     0.571429,
     1.64619},
    {{{"RRRRRRRRRL", 99}, {"RRRRRRRRRR", 1}}, 0, 0, 0},
    {{{"R", 1}, {"L", 48}, {"R", 1}}, 0.5, 0.0208333, 1.92},
};

static size_t unfold(const struct piece *pieces, char *out)
{
    size_t n = 0;
    for (unsigned i = 0; i < 9 && pieces[i].frames; i++)
        for (int k = 0; k < pieces[i].times; k++)
            for (const char *c = pieces[i].frames; *c; c++)
                out[n++] = *c;
    return n;
}

struct want {
    uint64_t lost, runs;
    uint32_t longest;
    uint32_t histogram[13];
};

static struct want runs_of(const char *frames, size_t count)
{
    struct want w = {0};
    uint32_t run = 0;
    for (size_t i = 0; i <= count; i++) {
        if (i < count && frames[i] == 'L') {
            run++;
            continue;
        }
        if (run) {
            w.lost += run;
            w.runs++;
            w.longest = run > w.longest ? run : w.longest;
            w.histogram[run < 10 ? run - 1 : run < 20 ? 9 : run < 50 ? 10 : run < 100 ? 11 : 12]++;
        }
        run = 0;
    }
    return w;
}

/* Sequence and timestamp run on through what is lost; time as well, so that a long loss is
 * credible. */
static struct rtp_stats play(const char *frames, size_t count)
{
    struct drive d = drive_static(0, 160);
    for (size_t i = 0; i < count; i++)
        if (frames[i] == 'R')
            drive_packet(&d, (uint16_t)(65500 + i), (uint32_t)i * 160,
                         DRIVE_START_NS + (int64_t)i * 20 * MS);
    rtp_stream_finish(d.s);
    struct rtp_stats t = drive_stats(&d);
    drive_stop(&d);
    return t;
}

static void expect_runs(const struct rtp_stats *t, const struct want *w, size_t what)
{
    cr_expect_eq(t->media_lost, w->lost, "%zu: %lu lost, not %lu", what, t->media_lost, w->lost);
    cr_expect_eq(t->runs, w->runs, "%zu: %lu runs, not %lu", what, t->runs, w->runs);
    cr_expect_eq(t->longest_run, w->longest, "%zu", what);
    cr_expect_arr_eq(t->run_histogram, w->histogram, sizeof w->histogram, "%zu", what);
}

Test(runs, patterns_give_their_gilbert_parameters)
{
    static char frames[2000];
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        size_t count = unfold(patterns[i].pieces, frames);
        struct rtp_stats t = play(frames, count);
        struct want w = runs_of(frames, count);
        expect_runs(&t, &w, i);
        cr_expect_eq(t.media_expected, count);
        if (patterns[i].raw == 0)
            continue;
        double n = (double)t.media_expected, b = (double)t.media_lost, r = (double)t.runs;
        double raw = b > 0 ? b / r * (1 - b / n) : 1;
        cr_expect_float_eq(r / (n - b), patterns[i].p, 1e-6, "%zu", i);
        cr_expect_float_eq(b > 0 ? r / b : 1, patterns[i].q, 1e-6, "%zu", i);
        cr_expect_float_eq(raw, patterns[i].raw, 1e-5, "%zu", i);
        double clamped = raw < 1 ? 1 : raw > 8 ? 8 : raw;
        cr_expect_float_eq(burst_ratio(t.media_expected, t.media_lost, t.runs), clamped, 1e-12);
    }
}

Test(runs, random_patterns_of_any_run_length_are_counted_exactly)
{
    static char frames[20000];
    for (unsigned trial = 0; trial < 60; trial++) {
        uint64_t state = trial + 77;
        double begin = trial % 3 == 0 ? .3 : .01;
        double stay = trial % 5 == 0 ? .99 : trial % 5 == 1 ? .9 : .3;
        bool lost = false;
        size_t count = sizeof frames;
        for (size_t i = 0; i < count; i++) {
            lost = chance(&state, lost ? stay : begin);
            frames[i] = lost && i > 10 && i + 1 < count ? 'L' : 'R';
        }
        struct rtp_stats t = play(frames, count);
        struct want w = runs_of(frames, count);
        expect_runs(&t, &w, trial);
        cr_expect_eq(t.restarts, 0);
    }
}

Test(runs, long_runs_have_their_bins)
{
    static const uint32_t lengths[] = {1, 9, 10, 19, 20, 49, 50, 99, 100, 128, 164, 700, 2900};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        static char frames[4000];
        memset(frames, 'R', sizeof frames);
        memset(frames + 300, 'L', lengths[i]);
        struct rtp_stats t = play(frames, sizeof frames);
        struct want w = runs_of(frames, sizeof frames);
        expect_runs(&t, &w, lengths[i]);
    }
}

Test(runs, the_burst_ratio_is_one_without_loss_and_at_most_eight)
{
    cr_expect_eq(burst_ratio(0, 0, 0), 1);
    cr_expect_eq(burst_ratio(1000, 0, 0), 1);
    cr_expect_eq(burst_ratio(1000, 100, 100), 1);
    cr_expect_eq(burst_ratio(1000, 100, 1), 8);
    cr_expect_float_eq(burst_ratio(100, 5, 1), 4.75, 1e-12);
}
