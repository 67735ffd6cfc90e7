/* Steps join in pairs, so what stands for one is always exact. */
#include "decode/peaks.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_PER_S 100

bool peaks_init(struct peaks *p, unsigned channels, int rate_hz)
{
    *p = (struct peaks){.channels = channels < PEAKS_CHANNELS ? channels : PEAKS_CHANNELS,
                        .rate_hz = rate_hz,
                        .step = rate_hz / STEPS_PER_S};
    p->values = malloc((size_t)PEAKS_MAX * p->channels * 2);
    return p->values != NULL;
}

void peaks_fini(struct peaks *p)
{
    free(p->values);
    *p = (struct peaks){0};
}

static int8_t *step_values(struct peaks *p, uint32_t step)
{
    return p->values + (size_t)step * p->channels * 2;
}

static void join_pairs(struct peaks *p)
{
    for (uint32_t i = 0; i < p->count / 2; i++) {
        const int8_t *a = step_values(p, 2 * i), *b = step_values(p, 2 * i + 1);
        int8_t *to = step_values(p, i);
        for (unsigned v = 0; v < p->channels * 2; v += 2) {
            int8_t low = a[v] < b[v] ? a[v] : b[v],
                   high = a[v + 1] > b[v + 1] ? a[v + 1] : b[v + 1];
            to[v] = low;
            to[v + 1] = high;
        }
    }
    p->count /= 2;
    p->step *= 2;
}

static void end_step(struct peaks *p)
{
    int8_t *to = step_values(p, p->count++);
    for (unsigned c = 0; c < p->channels; c++) {
        to[2 * c] = (int8_t)(p->low[c] / 256);
        to[2 * c + 1] = (int8_t)(p->high[c] / 256);
    }
    p->in_step = 0;
}

/* A full table: its steps join, and the next ones are as long. */
static void open_step(struct peaks *p)
{
    if (p->count == PEAKS_MAX)
        join_pairs(p);
    for (unsigned c = 0; c < p->channels; c++) {
        p->low[c] = INT16_MAX;
        p->high[c] = INT16_MIN;
    }
}

static void look(struct peaks *p, const int16_t *frames, int64_t count)
{
    for (unsigned c = 0; c < p->channels; c++) {
        int16_t low = p->low[c], high = p->high[c];
        for (int64_t i = 0; i < count; i++) {
            int16_t v = frames[i * p->channels + c];
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
        p->low[c] = low;
        p->high[c] = high;
    }
}

void peaks_take(struct peaks *p, const int16_t *frames, int64_t count)
{
    while (count > 0) {
        if (p->in_step == 0)
            open_step(p);
        int64_t n = p->step - p->in_step < count ? p->step - p->in_step : count;
        look(p, frames, n);
        frames += n * p->channels;
        count -= n;
        p->frames += n;
        p->in_step += n;
        if (p->in_step == p->step)
            end_step(p);
    }
}

void peaks_skip(struct peaks *p, int64_t count)
{
    static const int16_t zeros[PEAKS_CHANNELS * 4096];
    while (count > 0) {
        int64_t n = count < 4096 ? count : 4096;
        peaks_take(p, zeros, n);
        count -= n;
    }
}

void peaks_finish(struct peaks *p)
{
    if (p->in_step > 0)
        end_step(p);
}
