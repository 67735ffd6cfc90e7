/* Blocks become runs, runs become bursts with exact frequencies and edges. Most blocks of speech
 * and all silence cost no more than their energy and the bank; fits are made where two blocks on
 * end look like the same key, or many like the same tone. */
#include "decode/tones.h"

#include <math.h>
#include <string.h>

#define QUIET_ENERGY    (130.0f * 130 * TONE_BLOCK) /* -48 dBov */
#define KEY_SHARE       0.55f
#define KEY_SHARE_EACH  0.03f
#define TONE_SHARE      0.4f
#define V21_SHARE       0.6f
#define FILLED_MAX      12
#define V21_HOLD_BLOCKS 5
#define EDGE            20 /* samples: how exactly a beginning or an end is told */
#define KEY_OFF         0.025
#define KEY_TWIST_UP    5.0 /* dB, column over row */
#define KEY_TWIST_DOWN  (-9.0)
#define KEY_LEAST_DBM0  (-40.0)
#define KEY_REST        0.12 /* of two blocks; noise 9 dB below the key */
#define KEY_REST_WHOLE  0.15 /* of the whole key, edges within */
#define KEY_WHOLE       (6 * TONE_BLOCK)
#define KEY_JUDGED      10 /* blocks: while its beginning still is in the history */
#define TONE_REST       0.15
#define PHASE_TURNED    2.1 /* radians in a block; 15 Hz off are 0.9 */

struct tone_rule {
    int misses; /* blocks that do not end the run */
    int blocks; /* after so many it is looked at; and again after as many, until it is right */
    double hz, off;
};

static const struct tone_rule rules[] = {
    [TONE_LOW] = {4, 12, 0, 0}, /* frequencies of their own below */
    [TONE_950] = {1, 10, 950, 50},   [TONE_1100] = {2, 10, 1100, 38},
    [TONE_1400] = {1, 10, 1400, 50}, [TONE_1800] = {1, 10, 1800, 50},
    [TONE_2100] = {4, 10, 2100, 15},
};
#define KEY_MISSES 2

/* ---- one block ---- */

static unsigned most(const float *shares, unsigned from, unsigned to)
{
    unsigned best = from;
    for (unsigned i = from + 1; i < to; i++)
        best = shares[i] > shares[best] ? i : best;
    return best;
}

static uint8_t class_of(const float shares[TONE_BINS], float *ret_share)
{
    static const uint8_t single[TONE_BINS] = {
        [BIN_697] = TONE_NONE,  [BIN_770] = TONE_NONE,  [BIN_852] = TONE_NONE,
        [BIN_941] = TONE_950,   [BIN_1209] = TONE_NONE, [BIN_1336] = TONE_1400,
        [BIN_1477] = TONE_1400, [BIN_1633] = TONE_V21,  [BIN_400] = TONE_LOW,
        [BIN_450] = TONE_LOW,   [BIN_985] = TONE_950,   [BIN_1100] = TONE_1100,
        [BIN_1400] = TONE_1400, [BIN_1800] = TONE_1800, [BIN_1850] = TONE_V21,
        [BIN_2100] = TONE_2100,
    };
    unsigned row = most(shares, BIN_697, BIN_1209), column = most(shares, BIN_1209, BIN_400);
    *ret_share = shares[row] + shares[column];
    if (*ret_share >= KEY_SHARE && shares[row] >= KEY_SHARE_EACH &&
        shares[column] >= KEY_SHARE_EACH)
        return (uint8_t)(4 * row + column - BIN_1209);
    unsigned best = most(shares, 0, TONE_BINS);
    *ret_share = shares[best];
    if (*ret_share >= TONE_SHARE)
        return single[best];
    return shares[BIN_1633] + shares[BIN_1850] >= V21_SHARE ? TONE_V21 : TONE_NONE;
}

static float energy_of(const int16_t *pcm)
{
    int64_t sum = 0;
    for (int i = 0; i < TONE_BLOCK; i++)
        sum += pcm[i] * pcm[i];
    return (float)sum;
}

/* ---- what was heard before ---- */

static int64_t oldest(const struct tones *t)
{
    int64_t first = (t->block + 1 - TONE_HISTORY) * TONE_BLOCK;
    return first > 0 ? first : 0;
}

/* Samples from `at` on; false when they are gone, or not there yet. */
static bool heard(const struct tones *t, int64_t at, int count, int16_t *out)
{
    if (at < oldest(t) || at + count > (t->block + 1) * TONE_BLOCK)
        return false;
    for (int i = 0; i < count; i++)
        out[i] = t->history[(at + i) % (TONE_HISTORY * TONE_BLOCK)];
    return true;
}

/* ---- keys ---- */

static const double key_hz[8] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};

/* `slack` widens the limits of what is estimated from little. */
static bool key_is_right(const struct tone_model *m, uint8_t key, double slack)
{
    double row = key_hz[key / 4], column = key_hz[4 + key % 4];
    double low = tone_dbm0(tone_amplitude(m, 0)), high = tone_dbm0(tone_amplitude(m, 1));
    return fabs(m->hz[0] / row - 1) <= slack * KEY_OFF &&
           fabs(m->hz[1] / column - 1) <= slack * KEY_OFF && high - low <= slack * KEY_TWIST_UP &&
           high - low >= slack * KEY_TWIST_DOWN && low >= KEY_LEAST_DBM0 && high >= KEY_LEAST_DBM0;
}

/* Begins at the frequencies that `m` has. */
static bool fit_key(const struct tones *t, int64_t at, int count, double rest_max,
                    struct tone_model *m)
{
    int16_t pcm[TONE_FIT_MAX];
    return heard(t, at, count, pcm) && tone_fit(m, pcm, count) && m->rest <= rest_max;
}

/* How many samples the model, made at sample `at`, goes on from there: forth (step EDGE) or back
 * (-EDGE), at most `limit`. */
static int reach(const struct tones *t, const struct tone_model *m, int64_t at, int64_t from,
                 int step, int limit)
{
    int16_t pcm[EDGE];
    int far = 0;
    while (far < limit) {
        int64_t piece = step > 0 ? from + far : from - far - EDGE;
        double model, rest;
        if (!heard(t, piece, EDGE, pcm))
            break;
        tone_goes_on(m, pcm, (int)(piece - at), EDGE, &model, &rest);
        if (rest > model / 2)
            break;
        far += EDGE;
    }
    return far;
}

/* Two blocks on end look like the key: is it one, and since when? */
static void confirm_key(struct tones *t)
{
    struct tone_run *r = &t->run;
    int64_t at = (t->block - 1) * TONE_BLOCK;
    r->model =
        (struct tone_model){.count = 2, .hz = {key_hz[r->class / 4], key_hz[4 + r->class % 4]}};
    if (!fit_key(t, at, 2 * TONE_BLOCK, KEY_REST, &r->model) ||
        !key_is_right(&r->model, r->class, 1.5))
        return;
    r->confirmed = true;
    r->from = at - reach(t, &r->model, at, at, -EDGE, 2 * TONE_BLOCK);
}

/* Its first 60 ms, or what there is before its end or an interruption, hold it to the limits. */
static void judge_key(struct tones *t, int64_t to)
{
    struct tone_run *r = &t->run;
    struct tone_model whole = r->model;
    int64_t end = r->solid && r->solid < to ? r->solid : to,
            count = end - r->from < KEY_WHOLE ? end - r->from : KEY_WHOLE;
    bool fits = fit_key(t, r->from, (int)count / 2 * 2, KEY_REST_WHOLE, &whole);
    r->judged = true;
    r->right = key_is_right(fits ? &whole : &r->model, r->class, 1) && (fits || r->holes);
}

/* The last two blocks of the run say where it ends; where they were none, its last block does. */
static int64_t key_end(const struct tones *t)
{
    const struct tone_run *r = &t->run;
    int64_t at = (r->last - 1) * TONE_BLOCK, end = (r->last + 1) * TONE_BLOCK;
    struct tone_model m = r->model;
    if (!fit_key(t, at, 2 * TONE_BLOCK, KEY_REST, &m))
        return end;
    return end + reach(t, &m, at, end, EDGE, TONE_BLOCK);
}

static void end_key(struct tones *t)
{
    struct tone_run *r = &t->run;
    if (!r->confirmed)
        return;
    int64_t to = key_end(t);
    if (!r->judged)
        judge_key(t, to);
    if (!r->right)
        return;
    double row = tone_amplitude(&r->model, 0), column = tone_amplitude(&r->model, 1);
    tone_meaning_key(&t->meaning,
                     &(struct tone_burst){.class = r->class,
                                          .level_dbm0 = tone_dbm0(row > column ? row : column),
                                          .from = r->from,
                                          .to = to});
}

/* ---- single tones and pairs below 500 Hz ---- */

struct guess {
    double hz[2], off;
};

/* Sections of TONE_FIT_MAX samples at most; the frequencies are refined from here. */
static const struct guess low_guesses[] = {
    {{425, 0}, 40},
    {{440, 480}, 8},
    {{400, 450}, 8},
};

static bool fit_tone(const struct tones *t, const struct guess *g, double off, int64_t at,
                     int count, struct tone_model *ret)
{
    int16_t pcm[TONE_FIT_MAX];
    *ret = (struct tone_model){.count = g->hz[1] > 0 ? 2 : 1, .hz = {g->hz[0], g->hz[1]}};
    if (!heard(t, at, count, pcm) || (ret->count == 1 && !tone_fit(ret, pcm, 2 * TONE_BLOCK)) ||
        !tone_fit(ret, pcm, count) || ret->rest > TONE_REST)
        return false;
    for (unsigned k = 0; k < ret->count; k++)
        if (fabs(ret->hz[k] - g->hz[k]) > off)
            return false;
    double twist =
        ret->count == 2 ? tone_dbm0(tone_amplitude(ret, 1)) - tone_dbm0(tone_amplitude(ret, 0)) : 0;
    return fabs(twist) <= 6;
}

/* Enough of it was heard. What a phase reversal spoils is tried again with the next block. */
static void confirm_tone(struct tones *t)
{
    struct tone_run *r = &t->run;
    const struct tone_rule *rule = &rules[r->class];
    int count = r->class == TONE_LOW ? TONE_FIT_MAX : 5 * TONE_BLOCK;
    int64_t at = t->block * TONE_BLOCK - count;
    r->from = r->first * TONE_BLOCK;
    if (r->class != TONE_LOW) {
        r->confirmed =
            fit_tone(t, &(struct guess){.hz = {rule->hz}}, rule->off, at, count, &r->model);
        return;
    }
    for (unsigned i = 0; i < sizeof low_guesses / sizeof *low_guesses && !r->confirmed; i++)
        r->confirmed = fit_tone(t, &low_guesses[i], low_guesses[i].off, at,
                                low_guesses[i].hz[1] > 0 ? count : count / 2, &r->model);
}

/* ANSam: amplitude sways by a fifth, so power by two fifths; its deviation is 0.28 of the mean. */
static bool sways(const struct tone_run *r)
{
    double mean = r->share_sum / r->hits, square = r->share_squares / r->hits;
    return mean > 0 && sqrt(fmax(0, square - mean * mean)) > 0.15 * mean;
}

static void end_tone(struct tones *t)
{
    const struct tone_run *r = &t->run;
    const struct tone_model *m = &r->model;
    if (!r->confirmed)
        return;
    tone_meaning_burst(&t->meaning,
                       &(struct tone_burst){.class = r->class,
                                            .sways = sways(r),
                                            .turns = r->turns,
                                            .hz = {m->hz[0], m->count > 1 ? m->hz[1] : 0},
                                            .level_dbm0 = tone_dbm0(tone_amplitude(m, 0)),
                                            .from = r->from,
                                            .to = (r->last + 1) * TONE_BLOCK});
}

/* ---- runs ---- */

static void end_run(struct tones *t)
{
    if (t->run.class < TONE_KEYS)
        end_key(t);
    else if (t->run.class != TONE_NONE)
        end_tone(t);
    t->run = (struct tone_run){.class = TONE_NONE};
}

static void begin_run(struct tones *t, uint8_t class, int64_t first, int blocks)
{
    t->run = (struct tone_run){.class = class, .first = first, .last = t->block, .hits = blocks};
}

/* Each 450 ms the phase turns by half a circle where echo cancellers are to go off (V.25, V.8). */
static void follow_phase(struct tones *t)
{
    struct tone_run *r = &t->run;
    double hz = rules[TONE_2100].hz,
           phase = tone_phase(hz, t->history + t->block % TONE_HISTORY * TONE_BLOCK, TONE_BLOCK);
    double on = 2 * M_PI * hz / TONE_RATE * TONE_BLOCK * (double)(t->block - r->last);
    if (r->hits > 5 && fabs(remainder(phase - r->phase - on, 2 * M_PI)) > PHASE_TURNED)
        r->turns++;
    r->phase = phase;
}

static void hit(struct tones *t, double power)
{
    struct tone_run *r = &t->run;
    if (r->class == TONE_2100)
        follow_phase(t);
    r->misses = 0;
    r->filled = 0;
    r->hits++;
    r->last = t->block;
    r->share_sum += power;
    r->share_squares += power * power;
    if (r->class < TONE_KEYS && r->confirmed && !r->judged && t->block - r->first >= KEY_JUDGED)
        judge_key(t, t->block * TONE_BLOCK);
    if (r->confirmed)
        return;
    if (r->class < TONE_KEYS && t->streak >= 2)
        confirm_key(t);
    else if (r->class >= TONE_KEYS && r->hits % rules[r->class].blocks == 0)
        confirm_tone(t);
}

static void miss(struct tones *t)
{
    struct tone_run *r = &t->run;
    int allowed = r->class < TONE_KEYS ? KEY_MISSES : rules[r->class].misses;
    bool other = t->streak_class != TONE_NONE && t->streak >= 2;
    if (r->solid == 0)
        r->solid = t->block * TONE_BLOCK;
    if (++r->misses <= allowed && !other)
        return;
    end_run(t);
    if (t->streak_class != TONE_NONE)
        begin_run(t, t->streak_class, t->block + 1 - t->streak, t->streak);
}

static void run_block(struct tones *t, uint8_t class, double power)
{
    if (class == TONE_V21)
        class = TONE_NONE;
    t->streak = class == t->streak_class ? t->streak + 1 : 1;
    t->streak_class = class;
    if (t->run.class == TONE_NONE && class != TONE_NONE)
        begin_run(t, class, t->block, 0);
    if (t->run.class == TONE_NONE)
        return;
    if (class == t->run.class)
        hit(t, power);
    else
        miss(t);
}

/* ---- */

static void v21_block_of(struct tones *t, uint8_t class, const int16_t *pcm, float energy)
{
    if (class == TONE_V21)
        t->v21_hold = V21_HOLD_BLOCKS;
    else if (t->v21_hold == 0 || --t->v21_hold == 0)
        v21_reset(&t->v21);
    if (t->v21_hold && v21_block(&t->v21, pcm, t->block * TONE_BLOCK))
        tone_meaning_preamble(&t->meaning, t->v21.from, t->v21.to,
                              tone_dbm0(sqrt(2.0 * (double)energy / TONE_BLOCK)));
}

/* Packets were lost here: neither sound nor the end of one. */
static void filled_block(struct tones *t)
{
    t->streak = 0;
    t->streak_class = TONE_NONE;
    t->run.holes = true;
    if (t->run.class != TONE_NONE && ++t->run.filled > FILLED_MAX)
        end_run(t);
}

void tones_init(struct tones *t, const struct tone_bank *bank)
{
    memset(t, 0, sizeof *t);
    t->bank = bank;
    t->run.class = TONE_NONE;
    t->streak_class = TONE_NONE;
}

void tones_block(struct tones *t, enum measure_block kind, const int16_t *pcm)
{
    int16_t *room = t->history + t->block % TONE_HISTORY * TONE_BLOCK;
    float energy = 0, share = 0;
    uint8_t class = TONE_NONE;
    if (kind == MEASURE_SOUND) {
        memcpy(room, pcm, TONE_BLOCK * sizeof *pcm);
        energy = energy_of(pcm);
    } else {
        memset(room, 0, TONE_BLOCK * sizeof *pcm);
    }
    if (energy >= QUIET_ENERGY) {
        float shares[TONE_BINS];
        tone_bank_shares(t->bank, pcm, energy, shares);
        class = class_of(shares, &share);
    }
    if (class == TONE_V21 || t->v21_hold)
        v21_block_of(t, class, room, energy);
    if (kind == MEASURE_FILLED)
        filled_block(t);
    else if (class != TONE_NONE || t->run.class != TONE_NONE)
        run_block(t, class, (double)(share * energy));
    else
        t->streak = 0;
    t->block++;
}

void tones_finish(struct tones *t)
{
    end_run(t);
}
