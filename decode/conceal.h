/* What is heard where frames were lost: the last pitch periods again, fading out; and the noise
 * between talk spurts. Works on samples of the file, so it serves every codec. */
#pragma once

#include <stdint.h>

#define CONCEAL_HISTORY_MS 40
/* Longer than this is silence. */
#define CONCEAL_MAX_MS 60

/* Fills out[0, count) as the continuation of history[0, CONCEAL_HISTORY_MS); starts to fade after
 * 10 ms. */
void conceal_extend(const int16_t *history, int rate_hz, int16_t *out, int count);

struct noise {
    uint32_t state;
    int amplitude;
};

/* `dbov` dB below overload (RFC 3389); louder than 30 below is taken as 30. */
void noise_set(struct noise *n, int dbov);
void noise_fill(struct noise *n, int16_t *out, int count);
