/* RTCP: one packet after the other out of a compound (RFC 3550 6.4) or a reduced-size datagram
 * (RFC 5506), and the fields that statistics need. A count in a header is a promise: a report that
 * has no room for its blocks ends the walk. */
#include "capture/rtp/rtp.h"

#include "base/cursor.h"

enum {
    SENDER_INFO_SIZE = 20,
    BLOCK_SIZE = 24,
    SDES_CNAME = 1,
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

bool rtcp_cname(const struct rtcp_packet *p, struct slice *ret_cname)
{
    if (p->type != RTCP_SDES || p->count == 0)
        return false;
    struct cursor c = cursor_over(p->body);
    cursor_skip(&c, 4); /* whose chunk it is */
    for (;;) {
        uint8_t item = cursor_u8(&c);
        if (c.failed || item == 0)
            return false;
        struct slice text = cursor_slice(&c, cursor_u8(&c));
        if (c.failed)
            return false;
        if (item == SDES_CNAME) {
            *ret_cname = text;
            return true;
        }
    }
}
