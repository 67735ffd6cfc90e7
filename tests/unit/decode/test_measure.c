/* Sound of which everything is known, and what the measures say of it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "decode/hearing.h"
#include "decode/measure.h"

#define RATE  8000
#define BLOCK (RATE / 100)

struct generator {
    unsigned seed;
    int64_t at;
};

/* Speech-like: noise in bursts of 1 s with pauses of 1 s; never the same frame twice. */
static int16_t burst(struct generator *g, double amplitude)
{
    bool on = g->at++ / RATE % 2 == 0;
    double noise = (double)(rand_r(&g->seed) % 20001 - 10000) / 10000;
    return (int16_t)lrint(noise * 32767 * (on ? amplitude : 0.0003));
}

static int16_t tone(struct generator *g, double amplitude, double hz)
{
    return (int16_t)lrint(32767 * amplitude * sin(2 * M_PI * hz * (double)g->at++ / RATE));
}

/* As G.711 would deliver it: 14 significant bits, coarser where it is loud. */
static int16_t coarse(int16_t x)
{
    int size = abs(x), step = 4;
    while (size > 16 * 2 * step * 2)
        step *= 2;
    return (int16_t)((x < 0 ? -1 : 1) * (size / step * step));
}

#define FEED(m, blocks, expression)                                                                \
    for (int b_ = 0; b_ < (blocks); b_++) {                                                        \
        int16_t pcm_[BLOCK];                                                                       \
        for (int i_ = 0; i_ < BLOCK; i_++)                                                         \
            pcm_[i_] = (expression);                                                               \
        measure_block(m, MEASURE_SOUND, pcm_);                                                     \
    }

static struct measure *begun(void)
{
    struct measure *m = calloc(1, sizeof *m);
    measure_init(m, RATE);
    return m;
}

static struct measure_figures ended(struct measure *m)
{
    struct measure_figures f;
    measure_finish(m, &f);
    free(m);
    return f;
}

/* Blocks without media. */
static void nothing(struct measure *m, int64_t blocks)
{
    for (; blocks > 0; blocks--)
        measure_block(m, MEASURE_NOTHING, NULL);
}

Test(measure, speech_and_pauses_are_told_apart)
{
    struct measure *m = begun();
    struct generator g = {.seed = 1};
    FEED(m, 2000, burst(&g, 0.2))
    struct measure_figures f = ended(m);
    cr_assert_float_eq(f.silence_ratio, 0.4, 0.02, "%f: half, less the hangover", f.silence_ratio);
    cr_assert_float_eq(f.active_dbov, 20 * log10(0.2 / sqrt(3)), 1.5, "%f", f.active_dbov);
    cr_assert_float_eq(f.noise_dbov, 20 * log10(0.0003 / sqrt(3)), 1.0, "%f", f.noise_dbov);
    cr_assert_eq(f.spurts, 10);
    cr_assert_float_eq(f.spurt_ms, 1200, 30);
    cr_assert_eq(f.clip_events, 0);
    cr_assert_eq(f.frozen_ms, 0);
    cr_assert_eq(f.heard_ms, 20000);
}

Test(measure, digital_silence_is_a_class_of_its_own)
{
    struct measure *m = begun();
    FEED(m, 500, 0)
    FEED(m, 500, (int16_t)(i_ & 1 ? 8 : -8))  /* A-law's quietest codes */
    struct measure_figures f = ended(m);
    cr_assert_eq(f.digital_silence_ratio, 1);
    cr_assert_eq(f.silence_ratio, 1);
    cr_assert(isnan(f.active_dbov) && isnan(f.noise_dbov));
    m = begun();
    struct generator g = {0};
    FEED(m, 500, (int16_t)(tone(&g, 0.3, 210) < 0 ? -3000 : -2990)) /* negative all along, but no silence */
    cr_assert_eq(ended(m).digital_silence_ratio, 0);
}

Test(measure, what_we_filled_in_says_nothing_of_the_sender)
{
    struct measure *m = begun();
    struct generator g = {.seed = 3};
    int16_t loud[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        loud[i] = 32124;
    FEED(m, 1000, burst(&g, 0.1))
    for (int b = 0; b < 300; b++)
        measure_block(m, MEASURE_FILLED, loud);
    nothing(m, 700);
    struct measure_figures f = ended(m);
    cr_assert_eq(f.clip_events, 0);
    cr_assert(f.heard_ms == 10000 && f.filled_ms == 3000);
    cr_assert_float_eq(f.active_dbov, 20 * log10(0.1 / sqrt(3)), 1.5);
}

Test(measure, clipping_is_runs_at_the_end_of_the_scale)
{
    struct measure *m = begun();
    struct generator g = {0};
    FEED(m, 100, (int16_t)fmin(32124, fmax(-32124, 3.0 * tone(&g, 0.9, 300))))
    struct measure_figures f = ended(m);
    cr_assert_float_eq((double)f.clip_events, 600, 3, "%d: twice a period", (int)f.clip_events);
    cr_assert_gt(f.clipped_ratio, 0.5);
    m = begun();
    g.at = 0;
    FEED(m, 100, tone(&g, 0.85, 997))
    cr_assert_eq(ended(m).clip_events, 0, "loud and whole");
    m = begun();
    g.at = 0;
    FEED(m, 100, (int16_t)fmin(20000, fmax(-20000, 3.0 * tone(&g, 0.9, 300))))
    cr_assert_eq(ended(m).clip_events, 0, "flat far below the end is the sender's own compressor");
}

Test(measure, a_frame_that_repeats_is_frozen_audio)
{
    struct measure *m = begun();
    struct generator g = {.seed = 5};
    int16_t frame[2][BLOCK];
    for (int i = 0; i < 2 * BLOCK; i++)
        frame[i / BLOCK][i % BLOCK] = (int16_t)(rand_r(&g.seed) % 8000 - 4000);
    FEED(m, 200, burst(&g, 0.1))
    for (int b = 0; b < 100; b++)
        measure_block(m, MEASURE_SOUND, frame[b % 2]);
    FEED(m, 200, burst(&g, 0.1))
    struct measure_figures f = ended(m);
    cr_assert_float_eq((double)f.frozen_ms, 980, 21, "%d", (int)f.frozen_ms);
    cr_assert_eq(f.frozen_ms, f.frozen_longest_ms);
}

Test(measure, tones_are_not_frozen)
{
    static const double pairs[][2] = {{400, 450}, {350, 450}, {425, 425}, {440, 480}, {1000, 1000}, {1100, 1100}, {2100, 2100}, {697, 1209}};
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        struct measure *m = begun();
        struct generator a = {0}, b = {0};
        FEED(m, 300, coarse((int16_t)(tone(&a, 0.2, pairs[k][0]) + tone(&b, 0.2, pairs[k][1]))))
        cr_assert_eq(ended(m).frozen_ms, 0, "%.0f + %.0f Hz", pairs[k][0], pairs[k][1]);
    }
}

Test(measure, windows_double_in_length_when_they_are_too_many)
{
    struct measure *m = begun();
    struct generator g = {.seed = 9};
    FEED(m, MEASURE_WINDOW_BLOCKS, burst(&g, 0.1))
    nothing(m, (int64_t)MEASURE_WINDOW_BLOCKS * (MEASURE_WINDOWS_MAX + 20));
    cr_assert_eq(m->window_scale, 2);
    cr_assert_eq(m->window_count, (MEASURE_WINDOWS_MAX + 20) / 2);
    cr_assert_eq(m->windows[0].heard, 500);
    cr_assert_eq(m->windows[1].level_cdbov, INT16_MIN);
    free(m);
}

/* ---- both channels ---- */

static void say(struct hearing *h, int blocks, bool a, bool b, unsigned *seed, int64_t *at)
{
    for (int n = 0; n < blocks; n++, *at += BLOCK) {
        int16_t frames[2 * BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            frames[2 * i] = (int16_t)(a ? rand_r(seed) % 4000 - 2000 : 0);
            frames[2 * i + 1] = (int16_t)(b ? rand_r(seed) % 4000 - 2000 : 0);
        }
        hearing_mark(h, 0, *at, BLOCK, MEASURE_SOUND);
        hearing_mark(h, 1, *at, BLOCK, MEASURE_SOUND);
        hearing_take(h, frames, 33);
        hearing_take(h, frames + 66, BLOCK - 33);
    }
}

Test(hearing, double_talk_and_dead_air_need_both_channels)
{
    struct hearing *h = hearing_new(2, RATE);
    static struct hearing_report r;
    unsigned seed = 1;
    int64_t at = 0;
    say(h, 300, true, false, &seed, &at);
    say(h, 300, true, true, &seed, &at);
    say(h, 800, false, false, &seed, &at); /* 8 s, less the hangover of 0.2 s */
    say(h, 300, false, true, &seed, &at);
    say(h, 400, false, false, &seed, &at); /* too short */
    hearing_finish(h, &r);
    hearing_free(h);
    cr_assert_eq(r.dead_air_count, 1);
    cr_assert_float_eq((double)r.dead_air[0].at_ms, 6200, 20);
    cr_assert_float_eq((double)r.dead_air[0].length_ms, 7800, 20);
    cr_assert_float_eq(r.double_talk_ratio, 320.0 / 2100, 0.01);
    cr_assert_float_eq(r.of[0].silence_ratio, 1 - 620.0 / 2100, 0.01);
}

Test(hearing, a_block_that_was_filled_in_part_is_filled)
{
    struct hearing *h = hearing_new(1, RATE);
    static struct hearing_report r;
    int16_t frames[4 * BLOCK] = {0};
    hearing_mark(h, 0, 0, 2 * BLOCK + 10, MEASURE_SOUND);
    hearing_mark(h, 0, 2 * BLOCK + 10, BLOCK, MEASURE_FILLED);
    hearing_take(h, frames, 4 * BLOCK);
    hearing_skip(h, RATE);
    hearing_finish(h, &r);
    hearing_free(h);
    cr_assert_eq(r.of[0].heard_ms, 20);
    cr_assert_eq(r.of[0].filled_ms, 20);
}
