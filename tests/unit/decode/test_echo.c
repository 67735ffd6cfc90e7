/* An echo is found with its delay and its loss; people who talk at once or in turns have none. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

#include "decode/echo.h"

TestSuite(echo, .timeout = 60);

#define RATE  8000
#define BLOCK 80
#define MOST  (60 * RATE)

static uint32_t roll(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Syllables of 60 to 300 ms, pauses between them, now and then a longer one. */
static void talk(int16_t *pcm, int count, uint32_t seed, double level)
{
    for (int at = 0; at < count;) {
        int on = RATE * (60 + (int)(roll(&seed) % 240)) / 1000,
            off = RATE * (20 + (int)(roll(&seed) % 100)) / 1000;
        double loud = level * (0.3 + roll(&seed) % 700 / 1000.0);
        if (roll(&seed) % 12 == 0)
            off += RATE / 2;
        for (int i = 0; i < on + off && at < count; i++, at++) {
            double shape = i < on ? sin(3.14159 * i / on) : 0;
            pcm[at] = (int16_t)(loud * shape * ((double)(roll(&seed) % 2001) / 1000 - 1) +
                                (double)(roll(&seed) % 41) - 20);
        }
    }
}

static void echo_of(const int16_t *a, const int16_t *b, int count, struct echo_figures of[2])
{
    struct echo *e = echo_new(RATE);
    cr_assert_not_null(e);
    for (int at = 0; at + BLOCK <= count; at += BLOCK)
        echo_block(e, a + at, b + at);
    echo_finish(e, 0, &of[0]);
    echo_finish(e, 1, &of[1]);
    echo_free(e);
}

static int16_t *room(void)
{
    int16_t *pcm = calloc(MOST, sizeof *pcm);
    cr_assert_not_null(pcm);
    return pcm;
}

Test(echo, comes_back_later_and_weaker)
{
    static const struct {
        int delay_ms;
        double loss_db;
    } cases[] = {{60, 10}, {120, 20}, {240, 30}, {400, 14}, {580, 24}};
    int16_t *a = room(), *b = room();
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct echo_figures of[2];
        int lag = cases[i].delay_ms * RATE / 1000, count = 20 * RATE;
        double gain = pow(10, -cases[i].loss_db / 20);
        talk(a, count, 77 + i, 9000);
        for (int at = 0; at < count; at++)
            b[at] = (int16_t)(at < lag ? 0 : lrint(gain * a[at - lag]));
        echo_of(a, b, count, of);
        cr_expect_geq(of[0].agreeing, 10);
        cr_expect_float_eq(of[0].delay_ms, cases[i].delay_ms, 4, "%g", of[0].delay_ms);
        cr_expect_float_eq(of[0].loss_db, cases[i].loss_db, 1, "%g", of[0].loss_db);
        cr_expect_eq(of[1].agreeing, 0, "the other one has none");
    }
    free(a);
    free(b);
}

Test(echo, is_none_where_it_would_be_too_soon_too_late_or_too_loud)
{
    static const struct {
        int delay_ms;
        double loss_db;
    } cases[] = {{10, 20}, {40, 20}, {640, 20}, {200, 0}, {200, 70}};
    int16_t *a = room(), *b = room();
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct echo_figures of[2];
        int lag = cases[i].delay_ms * RATE / 1000, count = 20 * RATE;
        talk(a, count, 5 + i, 9000);
        for (int at = 0; at < count; at++)
            b[at] = (int16_t)(at < lag ? 0 : lrint(pow(10, -cases[i].loss_db / 20) * a[at - lag]));
        echo_of(a, b, count, of);
        cr_expect_eq(of[0].agreeing, 0, "%d ms, %g dB: %u agree on %g", cases[i].delay_ms,
                     cases[i].loss_db, of[0].agreeing, of[0].delay_ms);
    }
    free(a);
    free(b);
}

Test(echo, forty_pairs_of_people_who_talk_at_once_have_none)
{
    int16_t *a = room(), *b = room();
    unsigned pieces = 0;
    for (uint32_t n = 1; n <= 40; n++) {
        struct echo_figures of[2];
        talk(a, MOST, n * 2654435761u, 9000);
        talk(b, MOST, n * 40503u + 7, n % 2 ? 4000 : 1500);
        if (n % 4 == 0) /* in turns of 3 s */
            for (int at = 0; at < MOST; at++)
                *(at / (3 * RATE) % 2 ? &a[at] : &b[at]) /= 64;
        echo_of(a, b, MOST, of);
        cr_expect(of[0].agreeing == 0 && of[1].agreeing == 0, "%u: %u, %u", n, of[0].agreeing,
                  of[1].agreeing);
        pieces += of[0].pieces + of[1].pieces;
    }
    cr_expect_gt(pieces, 20, "they do find each other now and then: %u", pieces);
    free(a);
    free(b);
}
