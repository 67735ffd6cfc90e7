/* Active speech level and activity factor: ITU-T P.56 method B. The level of speech while somebody speaks, pauses left out: a bank
 * of 15 thresholds, 6 dB apart, each with a hangover of 200 ms, and between them the one that lies 15.9 dB below the level it
 * yields. Constant cost a sample, exact interpolation between thresholds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SPEECH_THRESHOLDS 15 /* 2^-15 ... 2^-1 of full scale */

struct speech_level {
    double g;      /* smoothing per sample, 30 ms */
    double p, q;   /* first and second stage of the envelope */
    double squares;
    int64_t count; /* samples taken */
    int64_t hangover;
    int64_t seen[SPEECH_THRESHOLDS];   /* sample at which the envelope last stood between this threshold and the next */
    int64_t active[SPEECH_THRESHOLDS]; /* samples for which this was the highest threshold in force */
    int highest;   /* threshold in force; -1 none */
};

struct speech_figures {
    double active_dbov;    /* NAN: no speech */
    double long_term_dbov; /* over all samples; NAN: none, or digital silence */
    double activity;       /* 0 to 1 */
};

void speech_level_init(struct speech_level *s, int rate_hz);
void speech_level_take(struct speech_level *s, const int16_t *pcm, int count);
void speech_level_figures(const struct speech_level *s, struct speech_figures *ret_figures);
