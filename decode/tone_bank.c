/* All bins in step, four lanes at a time: the inner loop has no dependency but its own sums, which
 * stay in registers. */
#include "decode/tone_bank.h"

#include <math.h>

typedef float lanes __attribute__((vector_size(16)));
#define VECTORS (2 * TONE_BINS / 4)

static const float bin_hz[TONE_BINS] = {697, 770, 852, 941,  1209, 1336, 1477, 1633,
                                        400, 450, 985, 1100, 1400, 1800, 1850, 2100};

void tone_bank_init(struct tone_bank *bank)
{
    for (unsigned n = 0; n < TONE_BLOCK; n++) {
        for (unsigned b = 0; b < TONE_BINS; b++) {
            double phase = 2 * M_PI * (double)bin_hz[b] * n / TONE_RATE;
            bank->waves[n][2 * b] = (float)cos(phase);
            bank->waves[n][2 * b + 1] = (float)sin(phase);
        }
    }
}

void tone_bank_shares(const struct tone_bank *bank, const int16_t *pcm, float energy,
                      float ret_shares[TONE_BINS])
{
    lanes sums[VECTORS] = {0};
    for (unsigned n = 0; n < TONE_BLOCK; n++) {
        const lanes *waves = (const lanes *)bank->waves[n];
        float sample = pcm[n];
        lanes x = {sample, sample, sample, sample};
        for (unsigned v = 0; v < VECTORS; v++)
            sums[v] += x * waves[v];
    }
    const float scale = 2.0f / (TONE_BLOCK * energy);
    for (unsigned b = 0; b < TONE_BINS; b++) {
        float re = sums[b / 2][b % 2 * 2], im = sums[b / 2][b % 2 * 2 + 1];
        ret_shares[b] = (re * re + im * im) * scale;
    }
}
