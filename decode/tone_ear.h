/* Listens for tones (tones.h) in a channel of any rate: what leaves the window comes in blocks of 10 ms and is brought to 8 kHz. */
#pragma once

#include "decode/resample.h"
#include "decode/tones.h"

struct tone_ear {
    struct tones tones;
    struct resampler resampler; /* not set for 8 kHz */
    int16_t pcm[2 * TONE_BLOCK];
    int filled;
    int silent; /* blocks on end without media */
};

/* False without memory: then it hears nothing. `bank` must live as long. */
bool tone_ear_init(struct tone_ear *e, const struct tone_bank *bank, int rate_hz);
void tone_ear_fini(struct tone_ear *e);
/* `count` samples, 10 ms. */
void tone_ear_block(struct tone_ear *e, enum measure_block kind, const int16_t *pcm, int count);
