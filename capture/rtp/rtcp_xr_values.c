/* A block as the numbers that base/xr_fields.c names, in its order: nothing that a receiver says of
 * a stream is read in vain. */
#include <math.h>

#include "capture/rtp/rtcp_xr.h"

enum { FIRST_WITH_SPAN = XR_DELAY_VARIATION };

static double natural(int64_t v)
{
    return v < 0 ? NAN : (double)v;
}

static bool runs(const struct xr_block *b, double *v)
{
    struct xr_rle r;
    if (!xr_rle(b, &r))
        return false;
    v[0] = r.begin, v[1] = r.end, v[2] = r.thinning, v[3] = r.covered, v[4] = r.ones;
    return true;
}

static bool receipt_times(const struct xr_block *b, double *v)
{
    uint16_t first, last;
    uint32_t first_ticks, last_ticks;
    unsigned count =
        b->known ? (unsigned)(b->body.size / 4) - 2 : 0; /* of that type at least two words */
    if (count == 0 || !xr_receipt_time(b, 0, &first, &first_ticks) ||
        !xr_receipt_time(b, count - 1, &last, &last_ticks))
        return false;
    v[0] = first, v[1] = count, v[2] = first_ticks, v[3] = last_ticks;
    return true;
}

static bool statistics(const struct xr_block *b, double *v)
{
    struct xr_statistics s;
    if (!xr_statistics(b, &s))
        return false;
    const int64_t all[] = {s.begin,      s.end,        s.lost,        s.duplicates,
                           s.jitter_min, s.jitter_max, s.jitter_mean, s.jitter_deviation,
                           s.ttl_min,    s.ttl_max,    s.ttl_mean,    s.ttl_deviation};
    for (unsigned i = 0; i < XR_VALUES; i++)
        v[i] = natural(all[i]);
    return true;
}

static bool measurement(const struct xr_block *b, double *v)
{
    struct xr_measurement m;
    if (!xr_measurement(b, &m))
        return false;
    v[0] = m.first, v[1] = m.interval_first, v[2] = m.last, v[3] = m.interval_s, v[4] = m.total_s;
    return true;
}

static bool delay_variation(const struct xr_block *b, double *v)
{
    struct xr_delay_variation d;
    if (!xr_delay_variation(b, &d))
        return false;
    v[0] = d.positive_ms, v[1] = d.positive_percent;
    v[2] = d.negative_ms, v[3] = d.negative_percent, v[4] = d.mean_ms;
    return true;
}

static bool delay(const struct xr_block *b, double *v)
{
    struct xr_delay d;
    if (!xr_delay(b, &d))
        return false;
    v[0] = d.mean_ms, v[1] = d.min_ms, v[2] = d.max_ms, v[3] = d.end_system_ms;
    return true;
}

static bool burst_summary(const struct xr_block *b, double *v)
{
    struct xr_burst_summary s;
    if (!xr_burst_summary(b, &s))
        return false;
    v[0] = s.burst_ratio, v[1] = s.gap_ratio, v[2] = s.mean_ms, v[3] = s.variance_ms2;
    return true;
}

static bool frames(const struct xr_block *b, double *v)
{
    struct xr_frames f;
    if (!xr_frames(b, &f))
        return false;
    v[0] = f.begin, v[1] = f.end, v[2] = f.discarded;
    v[3] = f.duplicated, v[4] = f.lost, v[5] = f.lost_partly;
    return true;
}

static bool bursts(const struct xr_block *b, double *v)
{
    struct xr_bursts s;
    if (!xr_bursts(b, &s))
        return false;
    unsigned n = 0;
    v[n++] = s.threshold;
    if (b->type != XR_BURST_DISCARD)
        v[n++] = natural(s.burst_ms);
    v[n++] = natural(s.packets);
    v[n++] = natural(s.expected);
    if (b->type == XR_BURST_DISCARD)
        return true;
    v[n++] = natural(s.bursts);
    v[n++] = natural(b->type == XR_BURST_LOSS ? s.squares_ms2 : s.discards);
    return true;
}

static bool buffer(const struct xr_block *b, double *v)
{
    struct xr_buffer s;
    if (!xr_buffer(b, &s))
        return false;
    v[0] = s.nominal_ms, v[1] = s.max_ms, v[2] = s.high_ms, v[3] = s.low_ms;
    return true;
}

static bool discards(const struct xr_block *b, double *v)
{
    struct xr_discards d;
    if (!xr_discards(b, &d))
        return false;
    v[0] = natural(d.count);
    return true;
}

/* The first segment, and how many there are. */
static bool mos(const struct xr_block *b, double *v)
{
    struct xr_mos m;
    if (!xr_mos(b, 0, &m))
        return false;
    v[0] = m.algorithm, v[1] = m.payload_type, v[2] = m.channel, v[3] = m.mos;
    v[4] = (double)(b->body.size / 4 - 1);
    return true;
}

static bool concealment(const struct xr_block *b, double *v)
{
    struct xr_concealment c;
    if (!xr_concealment(b, &c))
        return false;
    v[0] = natural(c.played_ms), v[1] = natural(c.concealed_ms), v[2] = natural(c.adjusted_ms);
    v[3] = natural(c.interrupts), v[4] = natural(c.mean_interrupt_ms);
    return true;
}

static bool concealed_seconds(const struct xr_block *b, double *v)
{
    struct xr_concealed_seconds s;
    if (!xr_concealed_seconds(b, &s))
        return false;
    v[0] = natural(s.unimpaired), v[1] = natural(s.concealed), v[2] = natural(s.severe);
    v[3] = s.threshold_ms;
    return true;
}

static uint8_t kind_of(const struct xr_block *b)
{
    switch (b->type) {
    case XR_DELAY_VARIATION:
        return b->specific >> 2 & 15;
    case XR_DISCARDS:
    case XR_CONCEALMENT:
    case XR_CONCEALED_SECONDS:
        return b->specific >> 4 & 3;
    case XR_DISCARD_RLE:
        return b->specific >> 4 & 1;
    case XR_BUFFER:
    case XR_BYTES_DISCARDED:
        return b->specific >> 5 & 1;
    default:
        return 0;
    }
}

static bool has_span(uint8_t type)
{
    return type >= FIRST_WITH_SPAN && type != XR_FRAMES && type != XR_DISCARD_RLE;
}

bool xr_values(const struct xr_block *b, struct xr_values *ret_values)
{
    static bool (*const readers[])(const struct xr_block *, double *) = {
        runs,     receipt_times, statistics,  measurement,      delay_variation,
        delay,    burst_summary, frames,      bursts,           buffer,
        discards, mos,           concealment, concealed_seconds};
    struct xr_values v = {.type = b->type, .kind = kind_of(b)};
    v.span = has_span(b->type) ? b->specific >> 6 : 0;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (!readers[i](b, v.values))
            continue;
        *ret_values = v;
        return true;
    }
    return false;
}
