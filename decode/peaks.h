/* The waveform of a recording while it is made: the lowest and the highest sample of each channel in steps of equal length. There
 * are so many steps at most: at first of 10 ms, twice as long each time they are full, so an hour has steps of 320 ms and memory
 * does not grow with the call. One byte a value, of 256 sample values each, towards zero. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PEAKS_CHANNELS 2
#define PEAKS_MAX      16384 /* steps */

struct peaks {
    unsigned channels;
    int rate_hz;
    int64_t step;    /* frames */
    int64_t frames;  /* taken */
    int64_t in_step; /* of the step that is open */
    uint32_t count;  /* steps that are full */
    int16_t low[PEAKS_CHANNELS], high[PEAKS_CHANNELS]; /* of the open one */
    int8_t *values;  /* low and high of the first channel, of the second, and so on, step by step */
};

/* False without memory. */
bool peaks_init(struct peaks *p, unsigned channels, int rate_hz);
/* Harmless on a zeroed struct. */
void peaks_fini(struct peaks *p);
/* The next frames of all channels, interleaved. */
void peaks_take(struct peaks *p, const int16_t *frames, int64_t count);
/* Frames in which there is nothing. */
void peaks_skip(struct peaks *p, int64_t count);
/* The step that is open is one too, though it is short. */
void peaks_finish(struct peaks *p);
