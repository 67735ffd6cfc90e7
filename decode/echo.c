/* Envelopes in bins of 2 ms wait in a window as long as a piece and the longest delay; each 0.75 s
 * it is looked at. That costs about 0.5 ms a second of sound. Pieces are kept in a list of fixed
 * size: behind it nothing new is learned. */
#include "decode/echo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BIN_MS      2
#define BLOCK_BINS  5   /* of 10 ms */
#define PIECE       750 /* bins: 1.5 s */
#define HOP         375
#define DELAY_LEAST 25  /* bins: 50 ms */
#define DELAY_MOST  300 /* 600 ms */
#define WINDOW      (PIECE + DELAY_MOST)
#define TALK_LEAST  60.0 /* mean of |x| of somebody who talks: about -50 dBov */
#define ALIKE       0.5
#define LOSS_LEAST  6.0 /* dB */
#define LOSS_MOST   50.0
#define SAME_BINS   2 /* delays that differ by no more agree */
#define AGREE_LEAST 4
#define FOUND_MAX   1024

struct found {
    int64_t at; /* bin */
    float loss_db;
    uint16_t delay; /* bins */
};

struct echo {
    int bin_samples;
    int64_t begin; /* bin at which the window begins */
    unsigned count;
    float bins[2][WINDOW];
    unsigned found_count[2];
    struct found found[2][FOUND_MAX];
};

struct echo *echo_new(int rate_hz)
{
    struct echo *e = calloc(1, sizeof *e);
    if (e)
        e->bin_samples = rate_hz * BIN_MS / 1000;
    return e;
}

void echo_free(struct echo *e)
{
    free(e);
}

/* ---- one piece ---- */

struct voice {
    double mean, spread; /* spread: sum of squared deviations */
};

static struct voice voice_of(const float *x)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < PIECE; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    return (struct voice){sum / PIECE, squares - sum * sum / PIECE};
}

/* Both means taken off. */
static double together(const float *far, const struct voice *v, const float *near,
                       double *ret_alike)
{
    double products = 0, sum = 0, squares = 0;
    for (int i = 0; i < PIECE; i++) {
        products += (double)far[i] * (double)near[i];
        sum += (double)near[i];
        squares += (double)near[i] * (double)near[i];
    }
    products -= sum * v->mean;
    double spread = squares - sum * sum / PIECE;
    *ret_alike = spread > 0 && v->spread > 0 ? products / sqrt(spread * v->spread) : 0;
    return products;
}

static void look(struct echo *e, unsigned channel)
{
    const float *far = e->bins[channel], *near = e->bins[!channel];
    struct voice v = voice_of(far), other = voice_of(near + DELAY_LEAST);
    double alike[DELAY_MOST + 1], best = ALIKE, shared = 0;
    int at = 0;
    if (v.mean < TALK_LEAST || other.mean <= 0 || 2 * other.mean > v.mean)
        return;
    for (int d = DELAY_LEAST; d <= DELAY_MOST; d++) {
        double products = together(far, &v, near + d, &alike[d]);
        if (alike[d] > best) {
            best = alike[d];
            shared = products;
            at = d;
        }
    }
    if (at <= DELAY_LEAST || at >= DELAY_MOST || e->found_count[channel] == FOUND_MAX)
        return; /* a flank of something nearer or farther */
    double loss_db = -20 * log10(shared / v.spread);
    if (loss_db >= LOSS_LEAST && loss_db <= LOSS_MOST)
        e->found[channel][e->found_count[channel]++] =
            (struct found){.at = e->begin, .loss_db = (float)loss_db, .delay = (uint16_t)at};
}

/* ---- in ---- */

static float bin_of(const int16_t *pcm, int count)
{
    int64_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += abs(pcm[i]);
    return (float)sum / (float)count;
}

void echo_block(struct echo *e, const int16_t *a, const int16_t *b)
{
    for (unsigned i = 0; i < BLOCK_BINS; i++) {
        e->bins[0][e->count] = bin_of(a + i * (unsigned)e->bin_samples, e->bin_samples);
        e->bins[1][e->count] = bin_of(b + i * (unsigned)e->bin_samples, e->bin_samples);
        e->count++;
    }
    if (e->count < WINDOW)
        return;
    look(e, 0);
    look(e, 1);
    for (unsigned c = 0; c < 2; c++)
        memmove(e->bins[c], e->bins[c] + HOP, (WINDOW - HOP) * sizeof e->bins[c][0]);
    e->count -= HOP;
    e->begin += HOP;
}

/* ---- out ---- */

static bool agree(const struct found *f, int delay)
{
    return abs((int)f->delay - delay) <= SAME_BINS;
}

void echo_finish(const struct echo *e, unsigned channel, struct echo_figures *out)
{
    const struct found *all = e->found[channel];
    unsigned count = e->found_count[channel], votes[DELAY_MOST + SAME_BINS + 1] = {0}, best = 0;
    double loss = 0, delay = 0;
    *out = (struct echo_figures){.pieces = count, .delay_ms = NAN, .loss_db = NAN};
    for (unsigned i = 0; i < count; i++)
        for (int d = all[i].delay - SAME_BINS; d <= all[i].delay + SAME_BINS; d++)
            votes[d]++;
    for (unsigned d = 1; d < sizeof votes / sizeof *votes; d++)
        best = votes[d] > votes[best] ? d : best;
    if (votes[best] < AGREE_LEAST || 2 * votes[best] < count)
        return;
    for (unsigned i = 0; i < count; i++) {
        if (!agree(&all[i], (int)best))
            continue;
        if (out->agreeing++ == 0)
            out->from_ms = all[i].at * BIN_MS;
        out->to_ms = (all[i].at + PIECE) * BIN_MS;
        loss += (double)all[i].loss_db;
        delay += all[i].delay;
    }
    out->delay_ms = delay * BIN_MS / out->agreeing;
    out->loss_db = loss / out->agreeing;
}
