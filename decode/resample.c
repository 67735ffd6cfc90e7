/* A windowed sinc, one row of taps for each of the `up` phases between two input samples. The
 * file's usual ratios (8 to 16 to 48 kHz) have few phases; 44.1 kHz has hundreds, still a small
 * table. */
#include "decode/resample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HALF_TAPS 16   /* each side, at the lower of the two rates */
#define ROLL_OFF  0.94 /* of the lower Nyquist frequency */

static int common_divisor(int a, int b)
{
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Windowed sinc (Blackman), `x` in input samples from the centre. */
static double kernel(double x, double cutoff, double half)
{
    if (fabs(x) >= half)
        return 0;
    double w = 0.42 + 0.5 * cos(M_PI * x / half) + 0.08 * cos(2 * M_PI * x / half);
    double a = M_PI * x * cutoff;
    return w * cutoff * (fabs(a) < 1e-9 ? 1 : sin(a) / a);
}

static void design(struct resampler *r)
{
    double cutoff = ROLL_OFF * (r->up < r->down ? (double)r->up / r->down : 1);
    int half = r->taps / 2;
    for (int p = 0; p < r->up; p++) {
        float *row = r->filter + (size_t)p * (size_t)r->taps;
        double sum = 0;
        for (int k = 0; k < r->taps; k++)
            sum += kernel((double)p / r->up + half - 1 - k, cutoff, half);
        for (int k = 0; k < r->taps; k++)
            row[k] = (float)(kernel((double)p / r->up + half - 1 - k, cutoff, half) / sum);
    }
}

bool resampler_init(struct resampler *r, int in_hz, int out_hz, int block_max)
{
    int divisor = common_divisor(in_hz, out_hz);
    *r = (struct resampler){
        .up = out_hz / divisor, .down = in_hz / divisor, .block_room = block_max};
    int stretch = r->up < r->down ? (r->down + r->up - 1) / r->up : 1;
    r->taps = 2 * HALF_TAPS * stretch;
    r->delay = (int)(((int64_t)r->taps / 2 * r->up + r->down / 2) / r->down);
    r->filter = calloc((size_t)r->up * (size_t)r->taps, sizeof *r->filter);
    r->history = calloc((size_t)(r->taps + block_max), sizeof *r->history);
    if (r->filter == NULL || r->history == NULL) {
        resampler_fini(r);
        return false;
    }
    design(r);
    return true;
}

void resampler_fini(struct resampler *r)
{
    free(r->filter);
    free(r->history);
    *r = (struct resampler){0};
}

void resampler_reset(struct resampler *r)
{
    r->phase = 0;
    r->ahead = 0;
    memset(r->history, 0, (size_t)(r->taps - 1) * sizeof *r->history);
}

static int16_t to_int16(float v)
{
    return v >= 32767 ? 32767 : v <= -32768 ? -32768 : (int16_t)lrintf(v);
}

int resampler_run(struct resampler *r, const int16_t *in, int count, int16_t *out, int room)
{
    assert(count <= r->block_room);
    float *block = r->history + r->taps - 1;
    for (int i = 0; i < count; i++)
        block[i] = in[i];
    int n = 0;
    while (r->ahead < count && n < room) {
        const float *row = r->filter + (size_t)r->phase * (size_t)r->taps;
        const float *x = r->history + r->ahead;
        float y = 0;
        for (int k = 0; k < r->taps; k++)
            y += row[k] * x[k];
        out[n++] = to_int16(y);
        r->phase += r->down;
        r->ahead += r->phase / r->up;
        r->phase %= r->up;
    }
    r->ahead = r->ahead > count ? r->ahead - count : 0;
    memmove(r->history, r->history + count, (size_t)(r->taps - 1) * sizeof *r->history);
    return n;
}

int resampler_drain(struct resampler *r, int16_t *out, int room)
{
    static const int16_t silence[HALF_TAPS * 8];
    int left = r->taps / 2, n = 0;
    while (left > 0) {
        int step = left < HALF_TAPS * 8 ? left : HALF_TAPS * 8;
        n += resampler_run(r, silence, step, out + n, room - n);
        left -= step;
    }
    return n;
}
