/* Tones made at the limits of ITU-T Q.24, inside and outside, with and without noise; and what is
 * no tone. */
#include <criterion/criterion.h>
#include <math.h>
#include <spandsp.h>
#include <stdlib.h>
#include <string.h>

#include "decode/tone_ear.h"

static const double rows[4] = {697, 770, 852, 941}, columns[4] = {1209, 1336, 1477, 1633};
static const char keys[] = "123A456B789C*0#D";

struct bench {
    struct tone_bank bank;
    struct tones t;
    int16_t block[TONE_BLOCK];
    int filled;
    int64_t at; /* samples so far */
    enum measure_block kind;
    double noise; /* standard deviation */
    uint64_t seed;
};

static struct bench *begun(void)
{
    struct bench *b = calloc(1, sizeof *b);
    tone_bank_init(&b->bank);
    tones_init(&b->t, &b->bank);
    b->kind = MEASURE_SOUND;
    b->seed = 88172645463325252u;
    return b;
}

static void restart(struct bench *b)
{
    tones_init(&b->t, &b->bank);
    b->filled = 0;
    b->at = 0;
}

static double draw(struct bench *b)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        b->seed ^= b->seed << 13;
        b->seed ^= b->seed >> 7;
        b->seed ^= b->seed << 17;
        sum += (double)(b->seed >> 11) / (double)(UINT64_C(1) << 53);
    }
    return sum - 6;
}

/* As G.711 leaves it: 4 bits behind the exponent. */
static int16_t coarse(double x)
{
    int size = (int)fmin(fabs(x), 32124) + 132, step = 8;
    while (size >= 32 * step)
        step *= 2;
    size = size / step * step + step / 2 - 132;
    return (int16_t)(x < 0 ? -size : size);
}

static void put(struct bench *b, double x)
{
    b->block[b->filled++] = coarse(x + b->noise * draw(b));
    b->at++;
    if (b->filled < TONE_BLOCK)
        return;
    tones_block(&b->t, b->kind, b->block);
    b->filled = 0;
}

static double amplitude(double dbm0)
{
    return 32768 * pow(10, (dbm0 - 3.14) / 20);
}

/* `twist`: column over row; the louder one has the level. */
static void sound(struct bench *b, double row, double column, double dbm0, double twist, double ms)
{
    double low = amplitude(dbm0 - (twist > 0 ? twist : 0)),
           high = amplitude(dbm0 + (twist < 0 ? twist : 0));
    for (int i = 0; i < ms * 8; i++)
        put(b, low * sin(2 * M_PI * row * i / TONE_RATE) +
                   high * sin(2 * M_PI * column * i / TONE_RATE + 1));
}

static void quiet(struct bench *b, double ms)
{
    for (int i = 0; i < ms * 8; i++)
        put(b, 0);
}

static void ended(struct bench *b)
{
    quiet(b, 100);
    tones_finish(&b->t);
}

struct limits {
    double off; /* of the frequencies, percent; rows and columns the same way, or opposed */
    double dbm0, twist;
    double ms;
    double snr; /* dB, of the pair over the noise of 4 kHz; 0: none */
};

/* Each key at six places between blocks; how many are found as what they are. */
static int found_of_96(struct bench *b, const struct limits *l)
{
    int found = 0;
    for (int key = 0; key < 16; key++) {
        for (int place = 0; place < 6; place++) {
            double row = rows[key / 4] * (1 + l->off / 100),
                   column = columns[key % 4] * (1 + (place & 1 ? l->off : -l->off) / 100);
            double low = amplitude(l->dbm0 - (l->twist > 0 ? l->twist : 0)),
                   high = amplitude(l->dbm0 + (l->twist < 0 ? l->twist : 0));
            restart(b);
            b->noise = l->snr > 0 ? sqrt((low * low + high * high) / 2) * pow(10, -l->snr / 20) : 0;
            quiet(b, 100 + place * 10 / 6.0);
            sound(b, row, column, l->dbm0, l->twist, l->ms);
            ended(b);
            cr_assert_leq(b->t.meaning.key_count, 1, "%c came twice", keys[key]);
            found += b->t.meaning.key_count == 1 && b->t.meaning.keys[0].digit == keys[key];
        }
    }
    return found;
}

static void all_found(struct bench *b, struct limits l)
{
    int found = found_of_96(b, &l);
    cr_assert_eq(found, 96, "%.1f %% %.0f dBm0 twist %.0f dB %.0f ms SNR %.0f dB: %d of 96", l.off,
                 l.dbm0, l.twist, l.ms, l.snr, found);
}

Test(tones, keys_within_the_limits_are_all_found)
{
    static const double offs[] = {0, 1.5, -1.5}, twists[] = {0, 4, -8}, levels[] = {0, -10, -25},
                        noises[] = {0, 24, 18, 15};
    struct bench *b = begun();
    for (int o = 0; o < 3; o++)
        for (int w = 0; w < 3; w++)
            for (int v = 0; v < 3; v++)
                for (int n = 0; n < 4; n++)
                    all_found(b, (struct limits){offs[o], levels[v], twists[w], 40, noises[n]});
    all_found(b, (struct limits){1.5, -10, 4, 65, 15});
    all_found(b, (struct limits){-1.5, -25, -8, 500, 15});
    free(b);
}

Test(tones, keys_beyond_a_limit_are_none)
{
    static const struct limits beyond[] = {
        {3.5, -10, 0, 100, 0},   {-3.5, -10, 0, 100, 0},  {3.5, -10, 0, 100, 15},
        {-3.5, -10, 0, 100, 15}, {4.5, -10, 0, 100, 0},   {-6, -10, 0, 100, 0},
        {0, -10, 6, 100, 0},     {0, -10, -10, 100, 0},   {0, -10, 6, 100, 15},
        {0, -10, -10, 100, 15},  {3.5, -10, 0, 2000, 0},  {0, -10, 6, 2000, 15},
        {0, -55, 0, 100, 0},     {0, -10, 0, 23, 0},      {0, -10, 0, 23, 15},
        {1.5, -10, 4, 23, 15},   {-1.5, -10, -8, 23, 15}, {0, -10, 0, 10, 0},
    };
    struct bench *b = begun();
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        const struct limits *l = &beyond[i];
        int found = found_of_96(b, l);
        cr_assert_eq(found, 0, "%.1f %% %.0f dBm0 twist %.0f dB %.0f ms SNR %.0f dB: %d of 96",
                     l->off, l->dbm0, l->twist, l->ms, l->snr, found);
    }
    free(b);
}

static char *pressed(const struct bench *b, char *ret)
{
    for (unsigned i = 0; i < b->t.meaning.key_count; i++)
        ret[i] = b->t.meaning.keys[i].digit;
    ret[b->t.meaning.key_count] = 0;
    return ret;
}

Test(tones, a_pause_of_40_ms_parts_keys_and_an_interruption_of_10_ms_does_not)
{
    struct bench *b = begun();
    char got[TONES_KEYS_MAX + 1];
    for (int place = 0; place < 10; place++) {
        restart(b);
        quiet(b, 50 + place);
        for (int n = 0; n < 10; n++) {
            sound(b, 770, 1336, -10, 0, 40);
            quiet(b, 40);
        }
        ended(b);
        cr_assert_str_eq(pressed(b, got), "5555555555", "%d ms further", place);
        restart(b);
        quiet(b, 50 + place);
        for (int n = 0; n < 10; n++) {
            sound(b, 770, 1336, -10, 0, 45);
            quiet(b, 10);
            sound(b, 770, 1336, -10, 0, 45);
            quiet(b, 40);
        }
        ended(b);
        cr_assert_str_eq(pressed(b, got), "5555555555", "interrupted, %d ms further", place);
        cr_assert_float_eq(b->t.meaning.keys[3].length_ms, 100, 4, "%d",
                           b->t.meaning.keys[3].length_ms);
    }
    free(b);
}

Test(tones, keys_follow_each_other_without_a_pause_and_say_when_how_long_and_how_loud)
{
    struct bench *b = begun();
    char got[TONES_KEYS_MAX + 1];
    quiet(b, 203);
    for (int key = 0; key < 16; key++)
        sound(b, rows[key / 4], columns[key % 4], -7, 0, 103);
    ended(b);
    cr_assert_str_eq(pressed(b, got), keys);
    for (int key = 0; key < 16; key++) {
        const struct tone_key *k = &b->t.meaning.keys[key];
        cr_assert_float_eq((double)k->at_ms, 203 + 103 * key, 4, "%c at %lld", keys[key],
                           (long long)k->at_ms);
        cr_assert_float_eq(k->length_ms, 103, 6, "%c: %d", keys[key], k->length_ms);
        cr_assert_eq(k->level_dbm0, -7);
    }
    free(b);
}

Test(tones, lost_packets_within_a_key_neither_end_nor_make_one)
{
    struct bench *b = begun();
    char got[TONES_KEYS_MAX + 1];
    quiet(b, 100);
    sound(b, 852, 1477, -10, 0, 100);
    b->kind = MEASURE_FILLED;
    sound(b, 852, 1477, -10, 0, 40);
    b->kind = MEASURE_SOUND;
    sound(b, 852, 1477, -10, 0, 100);
    quiet(b, 100);
    b->kind = MEASURE_FILLED;
    sound(b, 697, 1209, -10, 0, 100);
    b->kind = MEASURE_SOUND;
    ended(b);
    cr_assert_str_eq(pressed(b, got), "9");
    free(b);
}

Test(tones, a_flood_of_keys_is_counted)
{
    struct bench *b = begun();
    for (int n = 0; n < TONES_KEYS_MAX + 20; n++) {
        sound(b, 770, 1336, -10, 0, 40);
        quiet(b, 40);
    }
    ended(b);
    cr_assert_eq(b->t.meaning.key_count, TONES_KEYS_MAX);
    cr_assert_eq(b->t.meaning.keys_over_limit, 20);
    free(b);
}

/* ---- fax and modem, as others make them ---- */

static void of_modem(struct bench *b, int kind, double ms)
{
    modem_connect_tones_tx_state_t *tx = modem_connect_tones_tx_init(NULL, kind);
    int16_t pcm[80];
    for (double at = 0; at < ms; at += 10) {
        int got = modem_connect_tones_tx(tx, pcm, 80);
        for (int i = 0; i < 80; i++)
            put(b, i < got ? pcm[i] : 0);
    }
    modem_connect_tones_tx_free(tx);
}

static const struct tone_event *only(const struct bench *b, unsigned kind)
{
    const struct tone_meaning *m = &b->t.meaning;
    cr_assert_eq(m->event_count, 1, "%u events, %s first", m->event_count,
                 m->event_count ? tone_kind_text(m->events[0].kind) : "none");
    cr_assert_eq(m->events[0].kind, kind, "%s, not %s", tone_kind_text(m->events[0].kind),
                 tone_kind_text(kind));
    cr_assert_eq(m->key_count, 0);
    return &m->events[0];
}

Test(tones, a_fax_that_calls)
{
    struct bench *b = begun();
    for (int noisy = 0; noisy < 2; noisy++) {
        restart(b);
        b->noise = noisy ? 500 : 0;
        quiet(b, 500);
        of_modem(b, MODEM_CONNECT_TONES_FAX_CNG, 10000);
        ended(b);
        const struct tone_event *e = only(b, TONE_CNG);
        cr_assert(e->bursts >= 3, "%d", e->bursts);
        cr_assert_float_eq(e->burst_ms, 500, 20);
        cr_assert_float_eq(e->pause_ms, 3000, 20);
    }
    free(b);
}

Test(tones, answers_of_fax_and_modem_are_told_apart)
{
    static const struct {
        int made;
        unsigned kind;
        bool reversed;
    } cases[] = {
        {MODEM_CONNECT_TONES_ANS, TONE_CED, false},
        {MODEM_CONNECT_TONES_ANS_PR, TONE_CED, true},
        {MODEM_CONNECT_TONES_ANSAM, TONE_ANSAM, false},
        {MODEM_CONNECT_TONES_ANSAM_PR, TONE_ANSAM, true},
    };
    struct bench *b = begun();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        restart(b);
        b->noise = 300;
        quiet(b, 333);
        of_modem(b, cases[i].made, 6000);
        ended(b);
        const struct tone_event *e = only(b, cases[i].kind);
        cr_assert_eq(e->reversed, cases[i].reversed, "%zu", i);
        cr_assert(e->length_ms > 2500 && e->length_ms < 5100, "%zu: %lld", i,
                  (long long)e->length_ms);
    }
    free(b);
}

/* 01111110, for ever. */
static int flag_bit(void *at)
{
    int *bit = at;
    return ++*bit % 8 > 1;
}

Test(tones, the_preamble_of_a_fax)
{
    int16_t pcm[80];
    struct bench *b = begun();
    for (int noisy = 0; noisy < 2; noisy++) {
        restart(b);
        b->noise = noisy ? 400 : 0;
        quiet(b, 400);
        int bit = 0;
        fsk_tx_state_t *tx = fsk_tx_init(NULL, &preset_fsk_specs[FSK_V21CH2], flag_bit, &bit);
        for (int n = 0; n < 100; n++) {
            fsk_tx(tx, pcm, 80);
            for (int i = 0; i < 80; i++)
                put(b, pcm[i]);
        }
        fsk_tx_free(tx);
        ended(b);
        const struct tone_event *e = only(b, TONE_PREAMBLE);
        cr_assert_float_eq((double)e->length_ms, 1000, 60, "%lld", (long long)e->length_ms);
    }
    free(b);
}

/* ---- progress of a call ---- */

static void cadence(struct bench *b, double low, double high, const int *steps, int count,
                    int times)
{
    for (int n = 0; n < times; n++) {
        for (int i = 0; i < count; i += 2) {
            if (high > 0)
                sound(b, low, high, -13, 0, steps[i]);
            else
                sound(b, low, low, -99, 0, 0);
            if (high <= 0)
                for (int k = 0; k < steps[i] * 8; k++)
                    put(b, amplitude(-13) * sin(2 * M_PI * low * k / TONE_RATE));
            quiet(b, steps[i + 1]);
        }
    }
}

Test(tones, what_rings_and_what_is_busy)
{
    static const struct {
        double low, high;
        int steps[4], count, times;
        unsigned kind, bursts;
    } cases[] = {
        {425, 0, {1000, 4000}, 2, 3, TONE_RINGBACK, 3},            /* Germany and many others */
        {440, 0, {1500, 3500}, 2, 2, TONE_RINGBACK, 2},            /* France */
        {450, 0, {1000, 4000}, 2, 2, TONE_RINGBACK, 2},            /* China */
        {440, 480, {2000, 4000}, 2, 2, TONE_RINGBACK, 2},          /* North America */
        {440, 480, {1000, 2000}, 2, 2, TONE_RINGBACK, 2},          /* Korea */
        {400, 450, {400, 200, 400, 2000}, 4, 3, TONE_RINGBACK, 6}, /* Britain */
        {425, 0, {480, 480}, 2, 5, TONE_BUSY, 5},
        {425, 0, {240, 240}, 2, 6, TONE_BUSY, 6},
    };
    struct bench *b = begun();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        restart(b);
        b->noise = 40;
        quiet(b, 300);
        cadence(b, cases[i].low, cases[i].high, cases[i].steps, cases[i].count, cases[i].times);
        ended(b);
        const struct tone_event *e = only(b, cases[i].kind);
        cr_assert_eq(e->bursts, cases[i].bursts, "%zu: %d bursts", i, e->bursts);
        cr_assert_float_eq(e->at_ms, 300, 21, "%zu: %lld", i, (long long)e->at_ms);
        cr_assert_float_eq(e->burst_ms, cases[i].steps[0], 21, "%zu: %d", i, e->burst_ms);
    }
    free(b);
}

static void single(struct bench *b, double hz, double ms)
{
    for (int k = 0; k < ms * 8; k++)
        put(b, amplitude(-16) * sin(2 * M_PI * hz * k / TONE_RATE));
}

Test(tones, three_rising_tones_are_special_information)
{
    static const double sets[][6] = {{950, 330, 1400, 330, 1800, 330},
                                     {985.2, 380, 1428.5, 274, 1776.7, 380},
                                     {913.8, 274, 1370.6, 380, 1776.7, 380}};
    struct bench *b = begun();
    for (int i = 0; i < 3; i++) {
        restart(b);
        quiet(b, 77);
        for (int k = 0; k < 6; k += 2)
            single(b, sets[i][k], sets[i][k + 1]);
        ended(b);
        only(b, TONE_SIT);
    }
    restart(b);
    single(b, 1800, 330); /* falling */
    single(b, 1400, 330);
    single(b, 950, 330);
    ended(b);
    cr_assert_eq(b->t.meaning.event_count, 0);
    free(b);
}

Test(tones, what_is_near_them_is_none)
{
    struct bench *b = begun();
    static const int once[2] = {500, 3000}, endless[2] = {9000, 100};
    cadence(b, 1160, 0, once, 2, 3);    /* no CNG: 60 Hz off */
    cadence(b, 2140, 0, endless, 2, 1); /* no CED */
    cadence(b, 425, 0, endless, 2, 1);  /* a dial tone */
    cadence(b, 1100, 0, endless, 2, 1);
    ended(b);
    cr_assert_eq(b->t.meaning.event_count, 0, "%s", tone_kind_text(b->t.meaning.events[0].kind));
    restart(b);
    b->noise = 3000;
    quiet(b, 60000);
    ended(b);
    cr_assert_eq(b->t.meaning.key_count + b->t.meaning.event_count, 0);
    free(b);
}

/* ---- at other rates ---- */

Test(tones, a_channel_of_any_rate_is_heard)
{
    static const int rates[] = {8000, 16000, 24000, 44100, 48000};
    static struct tone_bank bank;
    struct tone_ear *e = calloc(1, sizeof *e);
    int16_t pcm[MEASURE_BLOCK_MAX];
    tone_bank_init(&bank);
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        int count = rates[r] / 100;
        cr_assert(tone_ear_init(e, &bank, rates[r]));
        for (int block = 0; block < 400; block++) {
            bool on = (block >= 20 && block < 30) ||
                      (block >= 330 && block < 340); /* 300 blocks without media between */
            for (int i = 0; i < count; i++) {
                double t = 2 * M_PI * (block * count + i) / rates[r];
                pcm[i] = (int16_t)(on ? 4000 * sin(852 * t) + 4000 * sin(1477 * t) : 0);
            }
            tone_ear_block(e, block >= 30 && block < 330 ? MEASURE_NOTHING : MEASURE_SOUND, pcm,
                           count);
        }
        tones_finish(&e->tones);
        const struct tone_meaning *m = &e->tones.meaning;
        cr_assert_eq(m->key_count, 2, "%d Hz: %u keys", rates[r], m->key_count);
        for (unsigned k = 0; k < 2; k++) {
            cr_assert_eq(m->keys[k].digit, '9');
            cr_assert_float_eq((double)m->keys[k].at_ms, k ? 3300 : 200, 8, "%d Hz: at %lld",
                               rates[r], (long long)m->keys[k].at_ms);
            cr_assert_float_eq(m->keys[k].length_ms, 100, 8, "%d Hz: %d ms", rates[r],
                               m->keys[k].length_ms);
        }
        tone_ear_fini(e);
    }
    free(e);
}
