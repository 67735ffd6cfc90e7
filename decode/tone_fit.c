/* One fit is a set of linear equations, at most 4 x 4, for the cosine and sine part of each
 * sinusoid. A frequency that is a little wrong turns the phase of the second half against the first
 * by the same angle: that is the correction, and a few rounds of it settle both frequencies even
 * where they disturb each other. */
#include "decode/tone_fit.h"

#include <math.h>
#include <string.h>

#include "decode/tone_bank.h"

#define PARTS  4
#define ROUNDS 6

static double radians(double hz)
{
    return 2 * M_PI * hz / TONE_RATE;
}

/* Gaussian elimination with pivots; false: singular. */
static int solve(double m[PARTS][PARTS + 1], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned best = i;
        for (unsigned k = i + 1; k < n; k++)
            best = fabs(m[k][i]) > fabs(m[best][i]) ? k : best;
        if (fabs(m[best][i]) < 1e-9)
            return 0;
        for (unsigned c = 0; c <= n; c++) {
            double swap = m[i][c];
            m[i][c] = m[best][c];
            m[best][c] = swap;
        }
        for (unsigned k = 0; k < n; k++) {
            double f = k == i ? 0 : m[k][i] / m[i][i];
            for (unsigned c = i; c <= n && f != 0; c++)
                m[k][c] -= f * m[i][c];
        }
    }
    for (unsigned i = 0; i < n; i++)
        m[i][n] /= m[i][i];
    return 1;
}

/* Cosine and sine of each sinusoid, sample by sample, by rotation. */
struct turning {
    double re[2], im[2], step_re[2], step_im[2];
};

static void turning_at(struct turning *t, const struct tone_model *m, double from)
{
    for (unsigned k = 0; k < m->count; k++) {
        double w = radians(m->hz[k]);
        t->re[k] = cos(w * from);
        t->im[k] = sin(w * from);
        t->step_re[k] = cos(w);
        t->step_im[k] = sin(w);
    }
}

static void turn(struct turning *t, unsigned count)
{
    for (unsigned k = 0; k < count; k++) {
        double re = t->re[k] * t->step_re[k] - t->im[k] * t->step_im[k];
        t->im[k] = t->re[k] * t->step_im[k] + t->im[k] * t->step_re[k];
        t->re[k] = re;
    }
}

/* Amplitudes at the frequencies as they are. */
static int fit_parts(struct tone_model *m, const int16_t *pcm, int samples)
{
    double e[PARTS][PARTS + 1] = {{0}}, energy = 0;
    unsigned n = 2 * m->count;
    struct turning t;
    m->middle = (samples - 1) / 2.0;
    turning_at(&t, m, -m->middle);
    for (int i = 0; i < samples; i++) {
        double basis[PARTS] = {t.re[0], t.im[0], t.re[1], t.im[1]}, x = pcm[i];
        for (unsigned r = 0; r < n; r++) {
            for (unsigned c = r; c < n; c++)
                e[r][c] += basis[r] * basis[c];
            e[r][n] += basis[r] * x;
        }
        energy += x * x;
        turn(&t, m->count);
    }
    double right[PARTS], found = 0;
    for (unsigned r = 0; r < n; r++) {
        right[r] = e[r][n];
        for (unsigned c = 0; c < r; c++)
            e[r][c] = e[c][r];
    }
    if (energy <= 0 || !solve(e, n))
        return 0;
    for (unsigned k = 0; k < m->count; k++) {
        m->cosine[k] = e[2 * k][n];
        m->sine[k] = e[2 * k + 1][n];
    }
    for (unsigned r = 0; r < n; r++)
        found += right[r] * e[r][n];
    m->rest = 1 - found / energy;
    return 1;
}

/* Moves the frequencies by what the halves say; the largest move in Hz, negative: no fit. */
static double better(struct tone_model *m, const int16_t *pcm, int half)
{
    struct tone_model first = *m, second = *m;
    double most = 0;
    if (!fit_parts(&first, pcm, half) || !fit_parts(&second, pcm + half, half))
        return -1;
    for (unsigned k = 0; k < m->count; k++) {
        double expected = radians(m->hz[k]) * half;
        double before = atan2(-first.sine[k], first.cosine[k]),
               after = atan2(-second.sine[k], second.cosine[k]);
        double off = remainder(after - before - expected, 2 * M_PI) / half * TONE_RATE / (2 * M_PI);
        m->hz[k] += off;
        most = fabs(off) > most ? fabs(off) : most;
    }
    return most;
}

int tone_fit(struct tone_model *model, const int16_t *pcm, int samples)
{
    const double given[2] = {model->hz[0], model->hz[1]}, reach = (double)TONE_RATE / samples;
    double moved = 1;
    for (unsigned i = 0; i < ROUNDS && moved > 0.02; i++) {
        moved = better(model, pcm, samples / 2);
        if (moved < 0)
            return 0;
        for (unsigned k = 0; k < model->count; k++)
            if (fabs(model->hz[k] - given[k]) > reach)
                return 0;
    }
    return fit_parts(model, pcm, samples);
}

double tone_phase(double hz, const int16_t *pcm, int samples)
{
    const struct tone_model m = {.count = 1, .hz = {hz}};
    struct turning t;
    double re = 0, im = 0;
    turning_at(&t, &m, 0);
    for (int i = 0; i < samples; i++) {
        re += pcm[i] * t.re[0];
        im -= pcm[i] * t.im[0];
        turn(&t, 1);
    }
    return atan2(im, re);
}

double tone_amplitude(const struct tone_model *model, unsigned tone)
{
    return hypot(model->cosine[tone], model->sine[tone]);
}

void tone_goes_on(const struct tone_model *model, const int16_t *pcm, int at, int samples,
                  double *ret_model, double *ret_rest)
{
    struct turning t;
    turning_at(&t, model, at - model->middle);
    *ret_model = *ret_rest = 0;
    for (int i = 0; i < samples; i++) {
        double x = 0;
        for (unsigned k = 0; k < model->count; k++)
            x += model->cosine[k] * t.re[k] + model->sine[k] * t.im[k];
        *ret_model += x * x;
        *ret_rest += (pcm[i] - x) * (pcm[i] - x);
        turn(&t, model->count);
    }
}

double tone_dbm0(double amplitude)
{
    return amplitude > 0 ? 20 * log10(amplitude / 32768) + 3.14 : -99;
}
