/* RTCP: one packet after the other out of a compound (RFC 3550 6.4) or a reduced-size datagram
 * (RFC 5506), and the fields that statistics need. A count in a header is a promise: a report that
 * has no room for its blocks ends the walk. */
#include "capture/rtp/rtp.h"

#include "base/cursor.h"

enum {
    SENDER_INFO_SIZE = 20,
    BLOCK_SIZE = 24,
    SDES_CNAME = 1,
    SDES_TOOL = 6,
    SRTCP_INDEX_MAX = 1 << 22, /* a stream has sent fewer reports than that */
};

struct rtcp_walk rtcp_walk(struct slice datagram)
{
    return (struct rtcp_walk){.left = datagram, .failed = false};
}

/* Only the last packet of a compound may be padded, in multiples of four. */
static bool strip_padding(struct slice *body, bool last)
{
    size_t pad = body->size ? body->data[body->size - 1] : 0;
    if (!last || pad == 0 || pad % 4 != 0 || pad > body->size)
        return false;
    body->size -= pad;
    return true;
}

static bool keeps_ssrc_in_body(uint8_t type)
{
    return type == RTCP_SDES || type == RTCP_BYE;
}

static bool holds_its_blocks(const struct rtcp_packet *p)
{
    size_t info = p->type == RTCP_SR ? SENDER_INFO_SIZE : 0;
    bool report = p->type == RTCP_SR || p->type == RTCP_RR;
    return !report || p->body.size >= info + (size_t)p->count * BLOCK_SIZE;
}

static bool rtcp_one(struct slice *left, struct rtcp_packet *ret_packet)
{
    struct cursor c = cursor_over(*left);
    uint8_t first = cursor_u8(&c);
    uint8_t type = cursor_u8(&c);
    uint16_t words = cursor_u16(&c);
    struct slice body = cursor_slice(&c, (size_t)words * 4);
    if (c.failed || first >> 6 != 2 || type < 192 || type > 223)
        return false;
    bool last = cursor_left(&c) == 0;
    if ((first & 0x20) && !strip_padding(&body, last))
        return false;
    struct cursor in = cursor_over(body);
    uint32_t ssrc = cursor_u32(&in);
    bool may_lack_ssrc = keeps_ssrc_in_body(type) && (first & 0x1f) == 0;
    if (in.failed && !may_lack_ssrc)
        return false;
    struct rtcp_packet p = {
        .type = type,
        .count = first & 0x1f,
        .ssrc = ssrc,
        .body = keeps_ssrc_in_body(type) ? body : cursor_rest(&in),
    };
    if (!holds_its_blocks(&p))
        return false;
    *ret_packet = p;
    *left = cursor_rest(&c);
    return true;
}

bool rtcp_next(struct rtcp_walk *w, struct rtcp_packet *ret_packet)
{
    if (w->failed || w->left.size == 0)
        return false;
    if (rtcp_one(&w->left, ret_packet))
        return true;
    w->failed = true;
    return false;
}

bool rtcp_sender_info(const struct rtcp_packet *p, struct rtcp_sender_info *ret_info)
{
    if (p->type != RTCP_SR)
        return false;
    struct cursor c = cursor_over(p->body);
    struct rtcp_sender_info info;
    info.ntp = cursor_u64(&c);
    info.timestamp = cursor_u32(&c);
    info.packets = cursor_u32(&c);
    info.octets = cursor_u32(&c);
    if (c.failed)
        return false;
    *ret_info = info;
    return true;
}

bool rtcp_block(const struct rtcp_packet *p, unsigned n, struct rtcp_block *ret_block)
{
    if ((p->type != RTCP_SR && p->type != RTCP_RR) || n >= p->count)
        return false;
    struct cursor c = cursor_over(p->body);
    cursor_skip(&c, (p->type == RTCP_SR ? SENDER_INFO_SIZE : 0) + (size_t)n * BLOCK_SIZE);
    struct rtcp_block b;
    b.ssrc = cursor_u32(&c);
    b.fraction_lost = cursor_u8(&c);
    uint32_t lost = cursor_u24(&c);
    b.cumulative_lost = (int32_t)(lost ^ 0x800000) - 0x800000;
    b.highest_sequence = cursor_u32(&c);
    b.jitter_ticks = cursor_u32(&c);
    b.last_sr = cursor_u32(&c);
    b.delay_since_sr = cursor_u32(&c);
    if (c.failed)
        return false;
    *ret_block = b;
    return true;
}

/* One item of a chunk; false at the chunk's end, which is a zero octet, or where the text is short.
 */
static bool next_item(struct cursor *c, uint8_t *ret_type, struct slice *ret_text)
{
    *ret_type = cursor_u8(c);
    if (c->failed || *ret_type == 0)
        return false;
    *ret_text = cursor_slice(c, cursor_u8(c));
    return !c->failed;
}

/* Items and the zeros up to the next word; `c` begins at the SSRC, and so at a word. */
static bool read_chunk(struct cursor *c, struct rtcp_description *ret_description)
{
    const uint8_t *start = c->at;
    struct rtcp_description d = {.ssrc = cursor_u32(c)};
    struct slice text;
    uint8_t type;
    while (next_item(c, &type, &text)) {
        if (type == SDES_CNAME && d.cname.size == 0)
            d.cname = text;
        else if (type == SDES_TOOL && d.tool.size == 0)
            d.tool = text;
    }
    *ret_description = d;
    if (c->failed)
        return false;
    cursor_skip(c, (4 - (size_t)(c->at - start) % 4) % 4);
    return true;
}

bool rtcp_description(const struct rtcp_packet *p, unsigned n,
                      struct rtcp_description *ret_description)
{
    if (p->type != RTCP_SDES || n >= p->count)
        return false;
    struct cursor c = cursor_over(p->body);
    for (unsigned i = 0; i <= n; i++)
        if (!read_chunk(&c, ret_description))
            return false;
    return true;
}

bool rtcp_leaves(const struct rtcp_packet *p, unsigned n, uint32_t *ret_ssrc)
{
    if (p->type != RTCP_BYE || n >= p->count)
        return false;
    struct cursor c = cursor_over(p->body);
    cursor_skip(&c, (size_t)n * 4);
    *ret_ssrc = cursor_u32(&c);
    return !c.failed;
}

struct slice rtcp_bye_reason(const struct rtcp_packet *p)
{
    if (p->type != RTCP_BYE)
        return slice_none();
    struct cursor c = cursor_over(p->body);
    cursor_skip(&c, (size_t)p->count * 4);
    struct slice reason = cursor_slice(&c, cursor_u8(&c));
    return c.failed ? slice_none() : reason;
}

bool rtcp_app_name(const struct rtcp_packet *p, struct slice *ret_name)
{
    if (p->type != RTCP_APP || p->body.size < 4)
        return false;
    *ret_name = slice_of(p->body.data, 4);
    return true;
}

/* ---- SRTCP ---- */

static bool begins_like_rtcp(struct slice s)
{
    struct cursor c = cursor_over(s);
    uint8_t first = cursor_u8(&c);
    uint8_t type = cursor_u8(&c);
    size_t body = (size_t)cursor_u16(&c) * 4;
    return !c.failed && first >> 6 == 2 && type >= 192 && type <= 223 && body <= cursor_left(&c);
}

/* E bit and 31 bits of index, `from_end` octets before the end. */
static bool trailer_at(struct slice s, size_t from_end)
{
    if (s.size < from_end)
        return false;
    struct cursor c = cursor_over(slice_of(s.data + s.size - from_end, 4));
    uint32_t word = cursor_u32(&c);
    return word >> 31 && (word & 0x7fffffff) < SRTCP_INDEX_MAX;
}

bool rtcp_is_protected(struct slice datagram)
{
    struct cursor c = cursor_over(datagram);
    cursor_skip(&c, 2);
    cursor_skip(&c, (size_t)cursor_u16(&c) * 4);
    struct slice rest = cursor_rest(&c);
    if (c.failed || rest.size == 0 || begins_like_rtcp(rest))
        return false;
    /* Tags of 80 and of 32 bits (RFC 3711 5.2), of 128 (RFC 7714). */
    return trailer_at(rest, 14) || trailer_at(rest, 8) || trailer_at(rest, 4);
}
