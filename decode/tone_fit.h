/* The exact look at a stretch of sound: one or two sinusoids in least squares, their frequencies from how the phase moves between
 * its halves. Good to a tenth of a Hertz in 20 ms at 15 dB above noise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TONE_FIT_MAX 960 /* samples */

struct tone_model {
    unsigned count;     /* sinusoids, 1 or 2 */
    double hz[2];
    double cosine[2];   /* about the middle of the stretch */
    double sine[2];
    double middle;      /* sample position of it, 0: the stretch's first */
    double rest;        /* share of the energy that is no part of the model */
};

/* Starts from the frequencies in model->hz and betters them; they may be off by less than 4000 / samples Hz (50 of 20 ms).
 * False: the stretch is silent, or the frequencies run away. */
bool tone_fit(struct tone_model *model, const int16_t *pcm, int samples);
/* Phase of one frequency at the first sample. */
double tone_phase(double hz, const int16_t *pcm, int samples);
double tone_amplitude(const struct tone_model *model, unsigned tone);
/* The model goes on, forth or back: energy of `samples` from position `at` of it, and of what differs from it there. */
void tone_goes_on(const struct tone_model *model, const int16_t *pcm, int at, int samples, double *ret_model, double *ret_rest);
/* dBm0 of a sinusoid of this amplitude: full scale is 3.14. */
double tone_dbm0(double amplitude);
