/* The window between the channels and the files: the last seconds stay open, so that the
 * channels (and late packets) may write in any order; what falls out of the window goes to the file
 * in large pieces. Positions are sample frames from the start of the file. Unwritten is silence. */
#pragma once

#include "decode/hearing.h"
#include "decode/output.h"
#include "decode/peaks.h"

struct mix {
    struct output *output;
    int channels;
    int16_t *ring;  /* interleaved, a power of two of frames */
    int64_t frames; /* in the ring */
    int64_t base;   /* oldest open frame, a multiple of half the ring */
    int64_t end;    /* behind the last frame ever placed */
    int err;        /* sticky: what the disk said first */
    struct hearing *hearing; /* listens to what leaves the window; owned; NULL: nobody does */
    struct peaks *peaks;     /* of what leaves the window; borrowed; NULL: nobody asks */
};

/* `output` NULL: the window is only read. */
int mix_init(struct mix *m, struct output *output, int channels, int rate_hz);
void mix_fini(struct mix *m);
/* Writes `count` samples of a channel at `at`, sent or filled in, cross-fading the first `blend` with what stands
 * there. What lies before the window is lost. */
void mix_place(struct mix *m, unsigned channel, int64_t at, const int16_t *pcm, int64_t count,
               int64_t blend, enum measure_block kind);
/* The samples [at, at + count) as they stand; outside the window 0. */
void mix_read(const struct mix *m, unsigned channel, int64_t at, int16_t *out, int64_t count);
/* The rest of the window to the file; returns the sticky error. */
int mix_flush(struct mix *m);
