/* From the codec's rate to the file's: a linear-phase polyphase filter over a stream of blocks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct resampler {
    int up, down;   /* out rate : in rate in lowest terms; up 0: not set */
    int taps;       /* of one phase */
    int phase;      /* 0 .. up - 1 */
    int ahead;      /* input samples until the next output */
    int delay;      /* output samples that the filter lags behind */
    float *filter;  /* up * taps */
    float *history; /* taps - 1 old samples, then a block */
    int block_room;
};

/* Both rates of codec_rate_known(). False without memory. `block_max`: input samples of the largest
 * block. */
bool resampler_init(struct resampler *r, int in_hz, int out_hz, int block_max);
void resampler_fini(struct resampler *r);
/* Forgets the signal, not the filter. */
void resampler_reset(struct resampler *r);
/* At most `room` samples come out, all there are when room >= count * up / down + 1. */
int resampler_run(struct resampler *r, const int16_t *in, int count, int16_t *out, int room);
/* The tail that still is in the filter. */
int resampler_drain(struct resampler *r, int16_t *out, int room);
