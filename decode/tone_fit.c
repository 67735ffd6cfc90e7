/* About the middle of a stretch cosines and sines do not disturb each other, and what two cosines
 * have in common is a sum in closed form: so a fit is one sum over the samples for each part and
 * two sets of at most two equations. A frequency that is a little wrong turns the phase of the
 * second half against the first by the same angle: that is the correction, and a few rounds of it
 * settle both frequencies even where they disturb each other. */
#include "decode/tone_fit.h"

#include <math.h>
#include <string.h>

#include "decode/tone_bank.h"

#define ROUNDS 6

static double radians(double hz)
{
    return 2 * M_PI * hz / TONE_RATE;
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

/* Sum of cos(w t) over `samples` whole steps about the middle. */
static double cosines(double w, int samples)
{
    double below = sin(w / 2);
    return fabs(below) < 1e-9 ? samples : sin(w / 2 * samples) / below;
}

/* Amplitudes of one part, cosine (sign 1) or sine (-1), from what each sinusoid has in common with
 * the sound. False: the frequencies are the same. */
static bool solve(const struct tone_model *m, int samples, double sign, const double common[2],
                  double ret[2])
{
    double w[2] = {radians(m->hz[0]), radians(m->hz[1])};
    double g0 = (samples + sign * cosines(2 * w[0], samples)) / 2;
    if (m->count == 1) {
        ret[0] = common[0] / g0;
        return g0 > 1e-6;
    }
    double g1 = (samples + sign * cosines(2 * w[1], samples)) / 2;
    double both = (cosines(w[0] - w[1], samples) + sign * cosines(w[0] + w[1], samples)) / 2;
    double det = g0 * g1 - both * both;
    ret[0] = (common[0] * g1 - common[1] * both) / det;
    ret[1] = (common[1] * g0 - common[0] * both) / det;
    return det > 1e-6;
}

/* Amplitudes at the frequencies as they are. */
static bool fit_parts(struct tone_model *m, const int16_t *pcm, int samples)
{
    double cosine[2] = {0}, sine[2] = {0}, energy = 0, found = 0;
    struct turning t;
    m->middle = (samples - 1) / 2.0;
    turning_at(&t, m, -m->middle);
    for (int i = 0; i < samples; i++) {
        double x = pcm[i];
        for (unsigned k = 0; k < m->count; k++) {
            cosine[k] += t.re[k] * x;
            sine[k] += t.im[k] * x;
        }
        energy += x * x;
        turn(&t, m->count);
    }
    if (energy <= 0 || !solve(m, samples, 1, cosine, m->cosine) ||
        !solve(m, samples, -1, sine, m->sine))
        return false;
    for (unsigned k = 0; k < m->count; k++)
        found += m->cosine[k] * cosine[k] + m->sine[k] * sine[k];
    m->rest = 1 - found / energy;
    return true;
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

bool tone_fit(struct tone_model *model, const int16_t *pcm, int samples)
{
    const double given[2] = {model->hz[0], model->hz[1]}, reach = (double)TONE_RATE / samples;
    double moved = 1;
    for (unsigned i = 0; i < ROUNDS && moved > 0.02; i++) {
        moved = better(model, pcm, samples / 2);
        if (moved < 0)
            return false;
        for (unsigned k = 0; k < model->count; k++)
            if (fabs(model->hz[k] - given[k]) > reach)
                return false;
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
