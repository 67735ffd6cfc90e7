/* Interarrival jitter (RFC 3550 6.4.1) in double precision over media packets in arrival order.
 *
 * Telephone-events stand outside: their timestamp is frozen, so they are no sample and the packet
 * behind them only anchors. A spacing that is off by more than a second is a jump of the timestamp
 * (or a sender that stood still), not jitter. */
#include "capture/rtp/stream_internal.h"

#include <math.h>

#define JUMP_MS 1000.0

/* Four bins an octave from 0.5 ms to 128 ms, read off exponent and mantissa of a float; the first
 * and the last bin take what is below and above. */
enum { BIN_SHIFT = 21, BIN_FIRST = 0x3f000000 >> BIN_SHIFT };

static unsigned bin_of(float ms)
{
    uint32_t bits;
    memcpy(&bits, &ms, sizeof bits);
    int bin = (int)(bits >> BIN_SHIFT) - BIN_FIRST;
    return bin < 0 ? 0 : bin >= JITTER_BINS ? JITTER_BINS - 1 : (unsigned)bin;
}

static float bin_start(unsigned bin)
{
    uint32_t bits = (BIN_FIRST + bin) << BIN_SHIFT;
    float ms;
    memcpy(&ms, &bits, sizeof ms);
    return bin ? ms : 0;
}

/* A bin is full: older samples lose half their weight. */
static void histogram_halve(uint16_t *histogram)
{
    for (unsigned i = 0; i < JITTER_BINS; i++)
        histogram[i] /= 2;
}

static void jitter_sample(struct rtp_stream *s, double d_ms)
{
    s->jitter_ms += (d_ms - s->jitter_ms) * (1.0 / 16);
    s->jitter_sum_ms += s->jitter_ms;
    s->jitter_samples++;
    float ms = (float)s->jitter_ms;
    if (ms > s->jitter_max_ms)
        s->jitter_max_ms = ms;
    uint16_t *bin = &s->jitter_histogram[bin_of(ms)];
    if (UNLIKELY(*bin == UINT16_MAX))
        histogram_halve(s->jitter_histogram);
    ++*bin;
}

void jitter_packet(struct rtp_stream *s, const struct arrival *a)
{
    if (UNLIKELY(a->kind == ARRIVAL_EVENT)) {
        s->anchored = false;
        return;
    }
    if (UNLIKELY(s->clock_hz == 0 || a->alien))
        return;
    if (LIKELY(s->anchored)) {
        double arrived_ms = (double)(a->ns - s->anchor_ns) * 1e-6;
        double d_ms = fabs(arrived_ms - (int32_t)(a->timestamp - s->anchor_ts) * s->ms_per_tick);
        if (UNLIKELY(d_ms > JUMP_MS))
            s->timestamp_jumps++;
        else
            jitter_sample(s, d_ms);
    }
    s->anchor_ns = a->ns;
    s->anchor_ts = a->timestamp;
    s->anchored = true;
}

double jitter_percentile_95(const struct rtp_stream *s)
{
    double total = 0;
    for (unsigned i = 0; i < JITTER_BINS; i++)
        total += s->jitter_histogram[i];
    double below = 0;
    unsigned bin = 0;
    while (bin < JITTER_BINS - 1 && below + s->jitter_histogram[bin] < 0.95 * total)
        below += s->jitter_histogram[bin++];
    double start = bin_start(bin);
    double end = bin == JITTER_BINS - 1 ? s->jitter_max_ms : bin_start(bin + 1);
    double inside =
        s->jitter_histogram[bin] ? (0.95 * total - below) / s->jitter_histogram[bin] : 0;
    return fmin(start + (end - start) * inside, s->jitter_max_ms);
}
