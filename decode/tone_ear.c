/* The filter of the resampler lags by less than a block; what it still holds when the media ends
 * comes out with the first silent block, so tones end where they did. Longer silence does not pass
 * it. */
#include "decode/tone_ear.h"

#include <string.h>

bool tone_ear_init(struct tone_ear *e, const struct tone_bank *bank, int rate_hz)
{
    *e = (struct tone_ear){0};
    tones_init(&e->tones, bank);
    return rate_hz == TONE_RATE ||
           resampler_init(&e->resampler, rate_hz, TONE_RATE, MEASURE_BLOCK_MAX);
}

void tone_ear_fini(struct tone_ear *e)
{
    if (e->resampler.up)
        resampler_fini(&e->resampler);
}

static void resampled(struct tone_ear *e, enum measure_block kind, const int16_t *pcm, int count)
{
    e->filled +=
        resampler_run(&e->resampler, pcm, count, e->pcm + e->filled, 2 * TONE_BLOCK - e->filled);
    if (e->filled < TONE_BLOCK)
        return;
    tones_block(&e->tones, kind, e->pcm);
    e->filled -= TONE_BLOCK;
    memmove(e->pcm, e->pcm + TONE_BLOCK, (size_t)e->filled * sizeof *e->pcm);
}

void tone_ear_block(struct tone_ear *e, enum measure_block kind, const int16_t *pcm, int count)
{
    e->silent = kind == MEASURE_NOTHING ? e->silent + 1 : 0;
    if (e->resampler.up && e->silent < 2)
        resampled(e, e->silent ? MEASURE_SOUND : kind, pcm, count);
    else
        tones_block(&e->tones, kind, pcm);
}
