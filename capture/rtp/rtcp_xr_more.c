/* XR blocks of the documents after RFC 3611. Most have two values at the end of their range that
 * say "more than that" and "not measured": both are no figure. */
#include "capture/rtp/rtcp_xr_internal.h"

#include <math.h>

enum {
    INTERVAL = 2, /* values of I (RFC 6792): sampled 1, interval 2, cumulative 3 */
    DISCARD_EARLY = 1,
    DISCARD_LATE = 2,
    DISCARD_ANY = 3,
};

static bool is(const struct xr_block *b, enum xr_type type)
{
    return b->type == type && b->known;
}

static double u16_or_nan(uint16_t v, double scale)
{
    return v < 0xfffe ? v * scale : NAN;
}

static int64_t u16_or_none(uint16_t v)
{
    return v < 0xfffe ? v : -1;
}

static int64_t u24_or_none(uint32_t v)
{
    return v < 0xfffffe ? (int64_t)v : -1;
}

static int64_t u32_or_none(uint32_t v)
{
    return v < 0xfffffffe ? (int64_t)v : -1;
}

static uint64_t u40(struct cursor *c)
{
    uint64_t high = cursor_u8(c);
    return high << 32 | cursor_u32(c);
}

bool xr_measurement(const struct xr_block *b, struct xr_measurement *ret_measurement)
{
    if (!is(b, XR_MEASUREMENT))
        return false;
    struct cursor c = xr_fields(b);
    struct xr_measurement m;
    cursor_skip(&c, 2);
    m.first = cursor_u16(&c);
    m.interval_first = cursor_u32(&c);
    m.last = cursor_u32(&c);
    m.interval_s = cursor_u32(&c) / 65536.0;
    m.total_s = cursor_u32(&c);
    m.total_s += cursor_u32(&c) / 4294967296.0;
    *ret_measurement = m;
    return true;
}

/* Signed, 4 bits behind the point. */
static double s11_4(struct cursor *c)
{
    int16_t v = (int16_t)cursor_u16(c);
    return v >= 0x7ffe || v == INT16_MIN ? NAN : v / 16.0;
}

bool xr_delay_variation(const struct xr_block *b, struct xr_delay_variation *ret_variation)
{
    if (!is(b, XR_DELAY_VARIATION))
        return false;
    struct cursor c = xr_fields(b);
    struct xr_delay_variation v = {.kind = b->specific >> 2 & 15};
    v.positive_ms = s11_4(&c);
    v.positive_percent = u16_or_nan(cursor_u16(&c), 1 / 256.0);
    v.negative_ms = s11_4(&c);
    v.negative_percent = u16_or_nan(cursor_u16(&c), 1 / 256.0);
    v.mean_ms = s11_4(&c);
    *ret_variation = v;
    return true;
}

static double mid32_ms(struct cursor *c)
{
    uint32_t v = cursor_u32(c);
    return v < 0xfffffffe ? v * 1000.0 / 65536 : NAN;
}

bool xr_delay(const struct xr_block *b, struct xr_delay *ret_delay)
{
    if (!is(b, XR_DELAY))
        return false;
    struct cursor c = xr_fields(b);
    struct xr_delay d;
    d.mean_ms = mid32_ms(&c);
    d.min_ms = mid32_ms(&c);
    d.max_ms = mid32_ms(&c);
    uint64_t end = cursor_u64(&c);
    d.end_system_ms = end < UINT64_MAX - 1 ? (double)end * 1000 / 4294967296.0 : NAN;
    *ret_delay = d;
    return true;
}

static void burst_loss(struct cursor *c, struct xr_bursts *v)
{
    v->packets = u24_or_none(cursor_u24(c));
    v->expected = u24_or_none(cursor_u24(c));
    uint16_t packed = cursor_u16(c); /* 12 bits of bursts, 4 of the sum of squares */
    v->bursts = packed >> 4 < 0xffe ? packed >> 4 : -1;
    uint64_t squares = (uint64_t)(packed & 15) << 32 | cursor_u32(c);
    v->squares_ms2 = squares < UINT64_C(0xffffffffe) ? (int64_t)squares : -1;
}

static void own_burst_discard(struct cursor *c, struct xr_bursts *v)
{
    v->packets = u24_or_none(cursor_u24(c));
    uint64_t packed = u40(c); /* 16 bits of bursts, 24 of expected packets */
    v->bursts = u16_or_none((uint16_t)(packed >> 24));
    v->expected = u24_or_none((uint32_t)packed & 0xffffff);
    v->discards = u32_or_none(cursor_u32(c));
}

bool xr_bursts(const struct xr_block *b, struct xr_bursts *ret_bursts)
{
    struct xr_bursts v = {.burst_ms = -1, .bursts = -1, .squares_ms2 = -1, .discards = -1};
    struct cursor c = xr_fields(b);
    v.threshold = cursor_u8(&c);
    if (is(b, XR_BURST_DISCARD)) {
        v.packets = u24_or_none(cursor_u24(&c));
        v.expected = u24_or_none(cursor_u24(&c));
    } else if (is(b, XR_BURST_LOSS)) {
        v.burst_ms = u24_or_none(cursor_u24(&c));
        burst_loss(&c, &v);
    } else if (is(b, XR_OWN_BURST_DISCARD)) {
        v.burst_ms = u24_or_none(cursor_u24(&c));
        own_burst_discard(&c, &v);
    } else {
        return false;
    }
    *ret_bursts = v;
    return true;
}

bool xr_burst_summary(const struct xr_block *b, struct xr_burst_summary *ret_summary)
{
    bool loss = is(b, XR_BURST_LOSS_SUMMARY);
    if (!loss && !is(b, XR_BURST_DISCARD_SUMMARY))
        return false;
    struct cursor c = xr_fields(b);
    struct xr_burst_summary s = {.mean_ms = NAN, .variance_ms2 = NAN};
    s.burst_ratio = u16_or_nan(cursor_u16(&c), 1 / 65536.0);
    s.gap_ratio = u16_or_nan(cursor_u16(&c), 1 / 65536.0);
    if (loss) {
        s.mean_ms = u16_or_nan(cursor_u16(&c), 1);
        s.variance_ms2 = u16_or_nan(cursor_u16(&c), 1);
    }
    *ret_summary = s;
    return true;
}

bool xr_frames(const struct xr_block *b, struct xr_frames *ret_frames)
{
    if (!is(b, XR_FRAMES))
        return false;
    struct cursor c = xr_fields(b);
    ret_frames->begin = cursor_u16(&c);
    ret_frames->end = cursor_u16(&c);
    ret_frames->discarded = cursor_u32(&c);
    ret_frames->duplicated = cursor_u32(&c);
    ret_frames->lost = cursor_u32(&c);
    ret_frames->lost_partly = cursor_u32(&c);
    return true;
}

bool xr_buffer(const struct xr_block *b, struct xr_buffer *ret_buffer)
{
    if (!is(b, XR_BUFFER))
        return false;
    struct cursor c = xr_fields(b);
    struct xr_buffer v = {.adaptive = b->specific & 0x20};
    v.nominal_ms = u16_or_nan(cursor_u16(&c), 1);
    v.max_ms = u16_or_nan(cursor_u16(&c), 1);
    v.high_ms = u16_or_nan(cursor_u16(&c), 1);
    v.low_ms = u16_or_nan(cursor_u16(&c), 1);
    *ret_buffer = v;
    return true;
}

bool xr_discards(const struct xr_block *b, struct xr_discards *ret_discards)
{
    bool packets = is(b, XR_DISCARDS);
    if (!packets && !is(b, XR_BYTES_DISCARDED))
        return false;
    struct cursor c = xr_fields(b);
    unsigned kind = b->specific >> 4 & 3;
    struct xr_discards d = {.interval = b->specific >> 6 == INTERVAL};
    if (packets) {
        d.early = kind == DISCARD_EARLY || kind == DISCARD_ANY;
        d.late = kind == DISCARD_LATE || kind == DISCARD_ANY;
    } else {
        d.early = b->specific & 0x20;
        d.late = !d.early;
    }
    d.count = u32_or_none(cursor_u32(&c));
    *ret_discards = d;
    return true;
}

bool xr_mos(const struct xr_block *b, unsigned n, struct xr_mos *ret_mos)
{
    if (!is(b, XR_MOS) || n >= b->body.size / 4 - 1)
        return false;
    struct cursor c = xr_fields(b);
    cursor_skip(&c, (size_t)n * 4);
    uint32_t segment = cursor_u32(&c);
    bool many = segment >> 31;
    uint32_t value = many ? segment & 0x1fff : segment & 0xffff;
    double mos = value / 256.0;
    *ret_mos = (struct xr_mos){
        .algorithm = segment >> 23 & 0xff,
        .payload_type = segment >> 16 & 0x7f,
        .channel = many ? segment >> 13 & 7 : 0,
        .mos = mos >= 1 && mos <= 5 ? mos : NAN,
    };
    return true;
}

bool xr_concealment(const struct xr_block *b, struct xr_concealment *ret_concealment)
{
    if (!is(b, XR_CONCEALMENT))
        return false;
    struct cursor c = xr_fields(b);
    struct xr_concealment v = {.plc = b->specific >> 4 & 3};
    v.played_ms = u32_or_none(cursor_u32(&c));
    v.concealed_ms = u32_or_none(cursor_u32(&c));
    v.adjusted_ms = u32_or_none(cursor_u32(&c));
    v.interrupts = u16_or_none(cursor_u16(&c));
    cursor_skip(&c, 2);
    v.mean_interrupt_ms = u32_or_none(cursor_u32(&c));
    *ret_concealment = v;
    return true;
}

bool xr_concealed_seconds(const struct xr_block *b, struct xr_concealed_seconds *ret_seconds)
{
    if (!is(b, XR_CONCEALED_SECONDS))
        return false;
    struct cursor c = xr_fields(b);
    struct xr_concealed_seconds v = {.plc = b->specific >> 4 & 3};
    v.unimpaired = u32_or_none(cursor_u32(&c));
    v.concealed = u32_or_none(cursor_u32(&c));
    v.severe = u16_or_none(cursor_u16(&c));
    cursor_skip(&c, 1);
    v.threshold_ms = cursor_u8(&c);
    *ret_seconds = v;
    return true;
}
