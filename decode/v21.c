/* Which of the two frequencies is louder, 800 times a second; from the lengths of both the flags
 * are read. */
#include "decode/v21.h"

#include <math.h>
#include <string.h>

#include "decode/tone_bank.h"

#define FLAGS_MIN 7 /* 187 ms */
/* Hops; six bits are 16, two are 5.3. */
#define MARK_MIN  13
#define MARK_MAX  19
#define SPACE_MIN 3
#define SPACE_MAX 8

static void prepare(struct v21 *v)
{
    for (unsigned n = 0; n < V21_WINDOW; n++) {
        double mark = 2 * M_PI * 1650 * n / TONE_RATE, space = 2 * M_PI * 1850 * n / TONE_RATE;
        v->waves[n][0] = (float)cos(mark);
        v->waves[n][1] = (float)sin(mark);
        v->waves[n][2] = (float)cos(space);
        v->waves[n][3] = (float)sin(space);
    }
    v->ready = true;
}

void v21_reset(struct v21 *v)
{
    v->length = 0;
    v->flags = 0;
    v->mark_fits = false;
}

static bool is_mark(const struct v21 *v)
{
    float sums[4] = {0};
    for (unsigned n = 0; n < V21_WINDOW; n++)
        for (unsigned k = 0; k < 4; k++)
            sums[k] += v->window[n] * v->waves[n][k];
    return sums[0] * sums[0] + sums[1] * sums[1] > sums[2] * sums[2] + sums[3] * sums[3];
}

/* The frequency has changed at sample `at`. */
static void changed(struct v21 *v, int64_t at)
{
    if (v->mark) {
        v->mark_fits = v->length >= MARK_MIN && v->length <= MARK_MAX;
    } else if (v->mark_fits && v->length >= SPACE_MIN && v->length <= SPACE_MAX) {
        if (v->flags++ == 0)
            v->from = at - (16 + 5) * V21_HOP;
        v->to = at;
        v->mark_fits = false;
        return;
    }
    if (!v->mark || !v->mark_fits)
        v->flags = 0;
}

bool v21_block(struct v21 *v, const int16_t *pcm, int64_t at)
{
    bool found = false;
    if (!v->ready)
        prepare(v);
    for (int hop = 0; hop < TONE_BLOCK; hop += V21_HOP) {
        memmove(v->window, v->window + V21_HOP, sizeof v->window - V21_HOP * sizeof *v->window);
        memcpy(v->window + V21_WINDOW - V21_HOP, pcm + hop, V21_HOP * sizeof *pcm);
        bool mark = is_mark(v);
        if (mark != v->mark) {
            changed(v, at + hop);
            v->mark = mark;
            v->length = 0;
        }
        v->length++;
        found |= v->flags >= FLAGS_MIN;
    }
    return found;
}
