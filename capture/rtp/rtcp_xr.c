/* The walk over XR blocks, and those of RFC 3611. A block's length is checked against what its type
 * needs before any field is read; a block of another length is named misshapen and stepped over. */
#include "capture/rtp/rtcp_xr_internal.h"

#include <math.h>

enum { ANY = 0xffff };

/* Length field (words behind the header): at least, at most, in steps of; does it begin with the
 * SSRC. */
struct shape {
    uint8_t type;
    uint16_t least, most;
    uint8_t step;
    bool names_ssrc;
};

static const struct shape shapes[] = {
    {XR_LOSS_RLE, 2, ANY, 1, true},
    {XR_DUPLICATE_RLE, 2, ANY, 1, true},
    {XR_RECEIPT_TIMES, 2, ANY, 1, true},
    {XR_REFERENCE_TIME, 2, 2, 1, false},
    {XR_DLRR, 0, ANY, 3, false},
    {XR_STATISTICS, 9, 9, 1, true},
    {XR_VOIP, 8, 8, 1, true},
    {XR_MEASUREMENT, 7, 7, 1, true},
    {XR_DELAY_VARIATION, 4, 4, 1, true},
    {XR_DELAY, 6, 6, 1, true},
    {XR_BURST_LOSS_SUMMARY, 3, 3, 1, true},
    {XR_BURST_DISCARD_SUMMARY, 2, 2, 1, true},
    {XR_FRAMES, 6, 6, 1, true},
    {XR_BURST_LOSS, 5, 5, 1, true},
    {XR_BURST_DISCARD, 3, 3, 1, true},
    {XR_BUFFER, 3, 3, 1, true},
    {XR_DISCARDS, 2, 2, 1, true},
    {XR_DISCARD_RLE, 2, ANY, 1, true},
    {XR_BYTES_DISCARDED, 2, 2, 1, true},
    {XR_MOS, 1, ANY, 1, true},
    {XR_CONCEALMENT, 6, 6, 1, true},
    {XR_CONCEALED_SECONDS, 4, 4, 1, true},
    {XR_OWN_BURST_DISCARD, 5, 5, 1, true},
};

struct xr_walk xr_walk(const struct rtcp_packet *p)
{
    struct slice blocks = p->type == RTCP_XR ? p->body : slice_none();
    return (struct xr_walk){.left = blocks};
}

static void know(struct xr_block *b)
{
    uint16_t words = (uint16_t)(b->body.size / 4);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct shape *s = &shapes[i];
        if (s->type != b->type)
            continue;
        b->known = words >= s->least && words <= s->most && words % s->step == 0;
        b->misshapen = !b->known;
        if (b->known && s->names_ssrc) {
            struct cursor c = cursor_over(b->body);
            b->ssrc = cursor_u32(&c);
        }
        return;
    }
}

bool xr_next(struct xr_walk *w, struct xr_block *ret_block)
{
    if (w->failed || w->left.size == 0)
        return false;
    struct cursor c = cursor_over(w->left);
    struct xr_block b = {.type = cursor_u8(&c), .specific = cursor_u8(&c)};
    uint16_t words = cursor_u16(&c);
    b.body = cursor_slice(&c, (size_t)words * 4);
    if (c.failed) {
        w->failed = true;
        return false;
    }
    know(&b);
    w->left = cursor_rest(&c);
    *ret_block = b;
    return true;
}

struct cursor xr_fields(const struct xr_block *b)
{
    struct cursor c = cursor_over(b->body);
    cursor_skip(&c, 4);
    return c;
}

/* ---- VoIP metrics ---- */

static double ratio_u8(struct cursor *c)
{
    return cursor_u8(c) / 256.0;
}

static double ms_or_nan(struct cursor *c)
{
    uint16_t ms = cursor_u16(c);
    return ms ? ms : NAN;
}

static double level(struct cursor *c)
{
    int8_t dbm0 = (int8_t)cursor_u8(c);
    return dbm0 == 127 ? NAN : dbm0;
}

static double within(uint8_t value, uint8_t low, uint8_t high, double scale)
{
    return value >= low && value <= high ? value / scale : NAN;
}

bool xr_voip(const struct xr_block *b, struct xr_voip *ret_metrics)
{
    if (b->type != XR_VOIP || !b->known)
        return false;
    struct cursor c = xr_fields(b);
    struct xr_voip v;
    v.loss_ratio = ratio_u8(&c);
    v.discard_ratio = ratio_u8(&c);
    v.burst_density = ratio_u8(&c);
    v.gap_density = ratio_u8(&c);
    v.burst_ms = cursor_u16(&c);
    v.gap_ms = cursor_u16(&c);
    v.round_trip_ms = ms_or_nan(&c);
    v.end_system_ms = ms_or_nan(&c);
    v.signal_dbm0 = level(&c);
    v.noise_dbm0 = level(&c);
    v.rerl_db = within(cursor_u8(&c), 0, 126, 1);
    v.gmin = cursor_u8(&c);
    v.r = within(cursor_u8(&c), 0, 100, 1);
    v.r_external = within(cursor_u8(&c), 0, 100, 1);
    v.mos_lq = within(cursor_u8(&c), 10, 50, 10);
    v.mos_cq = within(cursor_u8(&c), 10, 50, 10);
    uint8_t receiver = cursor_u8(&c);
    v.plc = receiver >> 6;
    v.buffer = receiver >> 4 & 3;
    v.buffer_rate = receiver & 15;
    cursor_skip(&c, 1);
    v.buffer_nominal_ms = cursor_u16(&c);
    v.buffer_max_ms = cursor_u16(&c);
    v.buffer_limit_ms = cursor_u16(&c);
    *ret_metrics = v;
    return true;
}

/* ---- reference times ---- */

bool xr_reference_time(const struct xr_block *b, uint32_t *ret_mid32)
{
    if (b->type != XR_REFERENCE_TIME || !b->known)
        return false;
    struct cursor c = cursor_over(b->body);
    *ret_mid32 = (uint32_t)(cursor_u64(&c) >> 16);
    return true;
}

bool xr_dlrr(const struct xr_block *b, unsigned n, struct xr_dlrr *ret_dlrr)
{
    if (b->type != XR_DLRR || !b->known || n >= b->body.size / 12)
        return false;
    struct cursor c = cursor_over(b->body);
    cursor_skip(&c, (size_t)n * 12);
    ret_dlrr->ssrc = cursor_u32(&c);
    ret_dlrr->last_rr = cursor_u32(&c);
    ret_dlrr->delay = cursor_u32(&c);
    return true;
}

/* ---- statistics summary ---- */

static int64_t given_u32(struct cursor *c, bool given)
{
    int64_t v = cursor_u32(c);
    return given ? v : -1;
}

static int given_u8(struct cursor *c, bool given)
{
    int v = cursor_u8(c);
    return given ? v : -1;
}

bool xr_statistics(const struct xr_block *b, struct xr_statistics *ret_statistics)
{
    if (b->type != XR_STATISTICS || !b->known)
        return false;
    bool loss = b->specific & 0x80, duplicates = b->specific & 0x40, jitter = b->specific & 0x20;
    bool ttl = b->specific >> 3 & 3;
    struct cursor c = xr_fields(b);
    struct xr_statistics s;
    s.begin = cursor_u16(&c);
    s.end = cursor_u16(&c);
    s.lost = given_u32(&c, loss);
    s.duplicates = given_u32(&c, duplicates);
    s.jitter_min = given_u32(&c, jitter);
    s.jitter_max = given_u32(&c, jitter);
    s.jitter_mean = given_u32(&c, jitter);
    s.jitter_deviation = given_u32(&c, jitter);
    s.ttl_min = given_u8(&c, ttl);
    s.ttl_max = given_u8(&c, ttl);
    s.ttl_mean = given_u8(&c, ttl);
    s.ttl_deviation = given_u8(&c, ttl);
    *ret_statistics = s;
    return true;
}

/* ---- run lengths, receipt times ---- */

static bool is_rle(uint8_t type)
{
    return type == XR_LOSS_RLE || type == XR_DUPLICATE_RLE || type == XR_DISCARD_RLE;
}

/* A chunk is a run (0, value, 14 bits of length) or 15 bits one by one (1, bits); 0 ends. */
static void chunk_add(struct xr_rle *r, uint16_t chunk, uint32_t room)
{
    if (chunk & 0x8000) {
        uint32_t bits = room < 15 ? room : 15;
        r->covered += bits;
        r->ones += (uint32_t)__builtin_popcount((chunk & 0x7fffu) >> (15 - bits));
        return;
    }
    uint32_t run = chunk & 0x3fff;
    run = run < room ? run : room;
    r->covered += run;
    r->ones += chunk & 0x4000 ? run : 0;
}

bool xr_rle(const struct xr_block *b, struct xr_rle *ret_rle)
{
    if (!is_rle(b->type) || !b->known)
        return false;
    struct cursor c = xr_fields(b);
    struct xr_rle r = {.thinning = b->specific & 15};
    r.begin = cursor_u16(&c);
    r.end = cursor_u16(&c);
    /* With thinning T only every 2^T-th number is reported. */
    uint32_t numbers =
        ((uint32_t)(uint16_t)(r.end - r.begin) + (1u << r.thinning) - 1) >> r.thinning;
    while (cursor_left(&c) >= 2 && r.covered < numbers) {
        uint16_t chunk = cursor_u16(&c);
        if (chunk == 0)
            break;
        chunk_add(&r, chunk, numbers - r.covered);
    }
    *ret_rle = r;
    return true;
}

bool xr_receipt_time(const struct xr_block *b, unsigned n, uint16_t *ret_sequence,
                     uint32_t *ret_ticks)
{
    if (b->type != XR_RECEIPT_TIMES || !b->known || n >= b->body.size / 4 - 2)
        return false;
    unsigned thinning = b->specific & 15;
    struct cursor c = xr_fields(b);
    *ret_sequence = (uint16_t)(cursor_u16(&c) + (n << thinning));
    cursor_skip(&c, 2 + (size_t)n * 4);
    *ret_ticks = cursor_u32(&c);
    return true;
}
