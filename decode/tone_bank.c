/* All bins in step, eight lanes at a time, or twice four where the processor has no AVX2: the inner
 * loop has no dependency but its own sums, of even and of odd samples, which stay in registers. */
#include "decode/tone_bank.h"

#include <math.h>
#include <string.h>

typedef float lanes __attribute__((vector_size(32), aligned(16)));
#define VECTORS (2 * TONE_BINS / 8)

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

static inline __attribute__((always_inline)) void
sum_up(const struct tone_bank *bank, const int16_t *pcm, float ret_sums[2 * TONE_BINS])
{
    lanes even[VECTORS] = {0}, odd[VECTORS] = {0};
    for (unsigned n = 0; n < TONE_BLOCK; n += 2) {
        const lanes *waves = (const lanes *)bank->waves[n];
        const float sample = pcm[n], next = pcm[n + 1];
        for (unsigned v = 0; v < VECTORS; v++) {
            even[v] += sample * waves[v];
            odd[v] += next * waves[VECTORS + v];
        }
    }
    for (unsigned v = 0; v < VECTORS; v++)
        even[v] += odd[v];
    memcpy(ret_sums, even, sizeof even);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static void
sum_up_avx2(const struct tone_bank *bank, const int16_t *pcm, float ret_sums[2 * TONE_BINS])
{
    sum_up(bank, pcm, ret_sums);
}
#endif

static void sums_of(const struct tone_bank *bank, const int16_t *pcm, float ret_sums[2 * TONE_BINS])
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        sum_up_avx2(bank, pcm, ret_sums);
        return;
    }
#endif
    sum_up(bank, pcm, ret_sums);
}

void tone_bank_shares(const struct tone_bank *bank, const int16_t *pcm, float energy,
                      float ret_shares[TONE_BINS])
{
    float sums[2 * TONE_BINS];
    const float scale = 2.0f / (TONE_BLOCK * energy);
    sums_of(bank, pcm, sums);
    for (unsigned b = 0; b < TONE_BINS; b++)
        ret_shares[b] = (sums[2 * b] * sums[2 * b] + sums[2 * b + 1] * sums[2 * b + 1]) * scale;
}
