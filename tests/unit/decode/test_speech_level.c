/* P.56 against the vectors of the reference and against the ITU's own tool, on signals that anybody can make. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "decode/speech_level.h"

#define RATE 8000

struct piece {
    double amplitude, seconds;
};

static struct speech_figures measured(const struct piece *pieces, unsigned count, unsigned times, int rate)
{
    struct speech_level s;
    struct speech_figures f;
    speech_level_init(&s, rate);
    for (unsigned t = 0; t < times; t++)
        for (unsigned k = 0; k < count; k++) {
            int n = (int)(rate * pieces[k].seconds);
            int16_t *pcm = malloc((size_t)n * sizeof *pcm);
            for (int i = 0; i < n; i++)
                pcm[i] = (int16_t)lrint(32768 * pieces[k].amplitude * sin(2 * M_PI * 1000 * i / rate));
            speech_level_take(&s, pcm, n / 3);
            speech_level_take(&s, pcm + n / 3, n - n / 3);
            free(pcm);
        }
    speech_level_figures(&s, &f);
    return f;
}

#define MEASURED(times, ...)                                                                       \
    measured((const struct piece[]){__VA_ARGS__},                                                  \
             sizeof((const struct piece[]){__VA_ARGS__}) / sizeof(struct piece), times, RATE)
#define LEVEL(f, active, activity_)                                                                \
    do {                                                                                           \
        cr_assert_float_eq((f).active_dbov, active, 0.005, "%f", (f).active_dbov);                 \
        cr_assert_float_eq((f).activity, activity_, 0.0005, "%f", (f).activity);                   \
    } while (0)

Test(speech_level, vectors_of_the_reference_are_met)
{
    LEVEL(MEASURED(1, {0.5, 10}), -9.020, 0.9976);
    LEVEL(MEASURED(1, {0.1, 10}), -23.000, 0.9976);
    LEVEL(MEASURED(5, {0.5, 1}, {0, 1}), -10.084, 0.6372);
    LEVEL(MEASURED(50, {0.5, 0.1}, {0, 0.1}), -12.033, 0.9981);
    LEVEL(MEASURED(1, {0.5, 3}, {0.001, 7}), -9.406, 0.3271);
}

/* `actlev` of the ITU-T software tool library prints these for the same signals. */
Test(speech_level, agrees_with_the_tool_of_the_itu)
{
    cr_assert_float_eq(MEASURED(1, {0.5, 10}).active_dbov, -9.020, 0.01);
    cr_assert_float_eq(MEASURED(5, {0.5, 1}, {0, 1}).active_dbov, -10.076, 0.01);
    cr_assert_float_eq(MEASURED(50, {0.5, 0.1}, {0, 0.1}).active_dbov, -12.033, 0.01);
    cr_assert_float_eq(MEASURED(1, {0.5, 3}, {0.001, 7}).active_dbov, -9.408, 0.01);
}

Test(speech_level, silence_has_no_level)
{
    struct speech_figures f = MEASURED(1, {0, 5});
    cr_assert(isnan(f.active_dbov) && isnan(f.long_term_dbov) && f.activity == 0);
    struct speech_level s;
    speech_level_init(&s, RATE);
    speech_level_figures(&s, &f);
    cr_assert(isnan(f.active_dbov));
}

Test(speech_level, the_rate_makes_no_difference)
{
    struct piece pieces[] = {{0.5, 1}, {0, 1}};
    struct speech_figures wide = measured(pieces, 2, 5, 16000);
    cr_assert_float_eq(wide.active_dbov, MEASURED(5, {0.5, 1}, {0, 1}).active_dbov, 0.02);
}

/* The plain way of the Recommendation: 15 counters at each sample. */
static double literal(const int16_t *pcm, int n, int rate)
{
    double g = exp(-1 / (rate * 0.03)), p = 0, q = 0, sq = 0, before = 0, over_before = 0;
    int64_t a[15] = {0}, h[15], hang = (int64_t)(0.2 * rate + 0.5);
    for (int j = 0; j < 15; j++)
        h[j] = hang;
    for (int i = 0; i < n; i++) {
        double x = pcm[i] / 32768.0;
        sq += x * x;
        p = g * p + (1 - g) * fabs(x);
        q = g * q + (1 - g) * p;
        for (int j = 0; j < 15; j++) {
            if (q >= ldexp(1, j - 15)) {
                a[j]++;
                h[j] = 0;
            } else if (h[j] < hang) {
                a[j]++;
                h[j]++;
            } else {
                break;
            }
        }
    }
    for (int j = 0; j < 15 && a[j]; j++) {
        double level = 10 * log10(sq / (double)a[j]), over = level - 20 * log10(ldexp(1, j - 15));
        if (over <= 15.9)
            return j ? before + (over_before - 15.9) / (over_before - over) * (level - before) : NAN;
        before = level;
        over_before = over;
    }
    return NAN;
}

Test(speech_level, equals_the_recommendation_taken_literally_on_noise_bursts)
{
    enum { SAMPLES = 5 * RATE };
    static int16_t pcm[SAMPLES];
    unsigned seed = 1;
    for (int round = 0; round < 20; round++) {
        int left = 0, amplitude = 0;
        for (int i = 0; i < SAMPLES; i++) {
            if (left-- <= 0) {
                left = rand_r(&seed) % 4000;
                amplitude = 1 << rand_r(&seed) % 15;
            }
            pcm[i] = (int16_t)(rand_r(&seed) % (2 * amplitude) - amplitude);
        }
        struct speech_level s;
        struct speech_figures f;
        speech_level_init(&s, RATE);
        speech_level_take(&s, pcm, SAMPLES);
        speech_level_figures(&s, &f);
        cr_assert_float_eq(f.active_dbov, literal(pcm, SAMPLES, RATE), 1e-9, "round %d", round);
    }
}
