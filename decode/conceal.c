/* The pitch is the lag at which the last 8 ms are most like what was before them (normalised
 * correlation); that many samples are repeated, at full level for 10 ms and fading until 60 ms. */
#include "decode/conceal.h"

#include <math.h>

#define FULL_MS    10 /* at full level */
#define LOUDEST    30 /* comfort noise is never louder than this, in dB below overload */
#define MATCH_MS   8
#define LAG_MIN_HZ 400 /* pitch */
#define LAG_MAX_HZ 66

/* How well the last `match` samples are like those `lag` before; every stride-th sample. */
static float likeness(const int16_t *end, int lag, int match, int stride)
{
    float dot = 0, energy = 1;
    for (int i = 1; i <= match; i += stride) {
        float then = end[-i - lag];
        dot += then * end[-i];
        energy += then * then;
    }
    return dot <= 0 ? 0 : dot * dot / energy;
}

static int best_lag(const int16_t *end, int from, int to, int step, int match, int stride)
{
    int best = to;
    float most = -1;
    for (int lag = from; lag <= to; lag += step) {
        float like = likeness(end, lag, match, stride);
        if (like > most) {
            most = like;
            best = lag;
        }
    }
    return best;
}

/* Coarse at about 8 kHz, then the neighbours one by one. */
static int pitch_lag(const int16_t *end, int rate_hz)
{
    int stride = rate_hz / 8000 > 0 ? rate_hz / 8000 : 1;
    int match = rate_hz / 1000 * MATCH_MS;
    int lag = best_lag(end, rate_hz / LAG_MIN_HZ, rate_hz / LAG_MAX_HZ, stride, match, stride);
    if (stride == 1)
        return lag;
    return best_lag(end, lag - stride + 1, lag + stride - 1, 1, match, stride);
}

void conceal_extend(const int16_t *history, int rate_hz, int16_t *out, int count)
{
    const int16_t *end = history + rate_hz * CONCEAL_HISTORY_MS / 1000;
    int lag = pitch_lag(end, rate_hz);
    int full = rate_hz * FULL_MS / 1000, stop = rate_hz * CONCEAL_MAX_MS / 1000;
    for (int i = 0, at = 0; i < count; i++, at = at + 1 < lag ? at + 1 : 0) {
        int32_t gain = i < full ? 4096 : i < stop ? 4096 * (stop - i) / (stop - full) : 0;
        out[i] = (int16_t)(end[at - lag] * gain / 4096);
    }
}

void noise_set(struct noise *n, int dbov)
{
    if (dbov < LOUDEST)
        dbov = LOUDEST;
    double rms = 32768 * pow(10, -dbov / 20.0);
    n->amplitude =
        (int)(rms * sqrt(6)); /* the sum of two uniform halves has 1/sqrt(6) of its peak */
    if (n->state == 0)
        n->state = 0x9e3779b9;
}

void noise_fill(struct noise *n, int16_t *out, int count)
{
    uint32_t x = n->state;
    for (int i = 0; i < count; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        int32_t sum = (int32_t)(x & 0xffff) + (int32_t)(x >> 16) - 0xffff; /* -65535 .. 65535 */
        out[i] = (int16_t)((int64_t)sum * n->amplitude / 65536);
    }
    n->state = x;
}
