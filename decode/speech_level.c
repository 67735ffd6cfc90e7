/* P.56 asks at each sample which of 15 thresholds are in force: those that the envelope reached
 * within the last 200 ms. They are nested, so one number says it: the highest in force. Samples in
 * a row that reach the same one are counted together; the activity of a threshold is the sum over
 * all numbers from it on. */
#include "decode/speech_level.h"

#include <math.h>
#include <string.h>

#define SMOOTHING_S 0.03
#define HANGOVER_S  0.2
#define MARGIN_DB   15.9
#define FULL_SCALE  32768.0
#define NOTHING     0x1p-60 /* far below all thresholds */

void speech_level_init(struct speech_level *s, int rate_hz)
{
    *s = (struct speech_level){.g = exp(-1 / (rate_hz * SMOOTHING_S)),
                               .hangover = (int64_t)(rate_hz * HANGOVER_S + 0.5),
                               .highest = -1};
    for (int j = 0; j < SPEECH_THRESHOLDS; j++)
        s->seen[j] = INT64_MIN / 2;
}

/* Index of the highest threshold that `q` reaches, -1 none: they are powers of two, so the exponent
 * tells. */
static int reached(double q)
{
    uint64_t bits;
    memcpy(&bits, &q, sizeof bits);
    int j = (int)(bits >> 52) - 1023 + SPEECH_THRESHOLDS;
    return j < 0 ? -1 : j < SPEECH_THRESHOLDS ? j : SPEECH_THRESHOLDS - 1;
}

/* What reaches `j` and no higher one lies from here on, and below the same of j + 1. */
static double least(int j)
{
    return j < 0 ? 0 : j == SPEECH_THRESHOLDS ? INFINITY : ldexp(1, j - SPEECH_THRESHOLDS);
}

/* The threshold in force was not reached for the hangover: the next lower one that was. */
static int lower(const struct speech_level *s)
{
    int j = s->highest - 1;
    while (j >= 0 && s->count - s->seen[j] > s->hangover)
        j--;
    return j;
}

/* `n` samples at which the envelope reaches threshold `j`. */
static void take_run(struct speech_level *s, int j, int64_t n)
{
    while (n > 0) {
        int64_t stays = n;
        if (j >= s->highest)
            s->highest = j;
        else if (s->seen[s->highest] + s->hangover + 1 - s->count < n)
            stays = s->seen[s->highest] + s->hangover + 1 - s->count;
        if (j >= 0)
            s->seen[j] = stays > 0 ? s->count + stays - 1 : s->count;
        if (stays <= 0) {
            s->highest = lower(s);
            continue;
        }
        if (s->highest >= 0)
            s->active[s->highest] += stays;
        s->count += stays;
        n -= stays;
    }
}

/* The samples in a row that reach one threshold. */
struct run {
    int j;
    int64_t count;
    double least, most; /* of the envelope */
};

static void change_run(struct speech_level *s, struct run *r, double q)
{
    take_run(s, r->j, r->count);
    int j = reached(q);
    *r = (struct run){.j = j, .least = least(j), .most = least(j + 1)};
}

void speech_level_take(struct speech_level *s, const int16_t *pcm, int count)
{
    struct run r = {.j = -1, .most = least(0)};
    double p = s->p, q = s->q, squares = 0;
    const double g = s->g, rest = 1 - g;
    for (int i = 0; i < count; i++) {
        double x = pcm[i] / FULL_SCALE;
        squares += x * x;
        p = g * p + rest * fabs(x);
        q = g * q + rest * p;
        if (q < r.least || q >= r.most)
            change_run(s, &r, q);
        r.count++;
    }
    take_run(s, r.j, r.count);
    bool gone = p < NOTHING && q < NOTHING; /* smaller numbers yet are a hundred times as slow */
    s->p = gone ? 0 : p;
    s->q = gone ? 0 : q;
    s->squares += squares;
}

static double db(double power)
{
    return 10 * log10(power);
}

void speech_level_figures(const struct speech_level *s, struct speech_figures *ret_figures)
{
    struct speech_figures f = {.active_dbov = NAN, .long_term_dbov = NAN};
    int64_t active[SPEECH_THRESHOLDS], sum = 0;
    double level_before = 0, over_before = 0;
    for (int j = SPEECH_THRESHOLDS - 1; j >= 0; j--)
        active[j] = sum += s->active[j];
    if (s->count && s->squares > 0)
        f.long_term_dbov = db(s->squares / (double)s->count);
    for (int j = 0; j < SPEECH_THRESHOLDS && active[j] && s->squares > 0; j++) {
        double level = db(s->squares / (double)active[j]);
        double over = level - 20 * log10(ldexp(1, j - SPEECH_THRESHOLDS));
        if (over <= MARGIN_DB) {
            if (j == 0)
                break;
            double part = (over_before - MARGIN_DB) / (over_before - over);
            f.active_dbov = level_before + part * (level - level_before);
            f.activity = pow(10, (f.long_term_dbov - f.active_dbov) / 10);
            break;
        }
        level_before = level;
        over_before = over;
    }
    *ret_figures = f;
}
