/* IPv6 (RFC 8200): the fixed header, then a chain of extension headers, of which the fragment
 * header leads to fragment.c. Jumbograms are not known here: nothing that carries calls is larger
 * than 65,535 bytes. */
#include "capture/net/layer.h"

#define HEADER_SIZE 40
#define HEADERS_MAX 8

enum {
    NEXT_HOP_BY_HOP = 0,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_AUTHENTICATION = 51,
    NEXT_DESTINATION = 60,
    NEXT_MOBILITY = 135,
    NEXT_HOST_IDENTITY = 139,
    NEXT_SHIM6 = 140,
};

static enum net_verdict fragment_decode(struct net *n, struct packet *p)
{
    struct datagram *out = p->out;
    uint8_t next = cursor_u8(&p->at);
    cursor_skip(&p->at, 1);
    uint16_t flags = cursor_u16(&p->at);
    uint32_t id = cursor_u32(&p->at);
    if (p->at.failed)
        return net_malformed(n, p->wire < 8 ? REASON_LENGTH : REASON_TRUNCATED);
    p->wire -= 8;
    bool more = flags & 1;
    uint32_t offset = flags & 0xfff8;
    if (!more && offset == 0) /* atomic, RFC 6946: no business of other fragments */
        return ip6_chain(n, p, next);
    if (cursor_left(&p->at) < p->wire) {
        fragments_count_dropped(n->fragments, 1);
        return NET_HELD;
    }
    struct fragment fragment = {
        .src = out->src.addr,
        .dst = out->dst.addr,
        .space = out->src.space,
        .id = id,
        .ip6 = true,
        .proto = next,
        .ttl = out->ttl,
        .tos = out->tos,
        .more = more,
        .offset = offset,
        .bytes = cursor_rest(&p->at),
        .time_ns = out->time_ns,
    };
    return net_fragment(n, p, &fragment);
}

/* Reads one extension header; `unit` bytes are what its length counts, `extra` units come on top.
 * Returns the number of the header behind it. */
static uint8_t skip_header(struct packet *p, uint32_t unit, uint32_t extra)
{
    uint8_t next = cursor_u8(&p->at);
    uint32_t size = (cursor_u8(&p->at) + extra) * unit;
    cursor_skip(&p->at, size - 2);
    if (size > p->wire)
        p->at.failed = true;
    else
        p->wire -= size;
    return next;
}

enum net_verdict ip6_chain(struct net *n, struct packet *p, uint8_t next)
{
    for (int i = 0; i < HEADERS_MAX; i++) {
        switch (next) {
        case NEXT_HOP_BY_HOP:
        case NEXT_ROUTING:
        case NEXT_DESTINATION:
        case NEXT_MOBILITY:
        case NEXT_HOST_IDENTITY:
        case NEXT_SHIM6:
            next = skip_header(p, 8, 1);
            break;
        case NEXT_AUTHENTICATION:
            next = skip_header(p, 4, 2);
            break;
        case NEXT_FRAGMENT:
            if (p->fragments++ > 0) /* inside another: nobody sends that in earnest */
                return net_malformed(n, REASON_LIMIT);
            return fragment_decode(n, p);
        default:
            return net_proto(n, p, next);
        }
        if (p->at.failed)
            return net_malformed(n, REASON_TRUNCATED);
    }
    return net_malformed(n, REASON_LIMIT);
}

enum net_verdict ip6_decode(struct net *n, struct packet *p)
{
    struct datagram *out = p->out;
    struct cursor c;
    if (!packet_header(&p->at, HEADER_SIZE, &c))
        return net_malformed(n, REASON_TRUNCATED);
    uint32_t word = cursor_u32(&c); /* version, traffic class, flow label */
    uint32_t payload = cursor_u16(&c);
    uint8_t next = cursor_u8(&c);
    uint8_t ttl = cursor_u8(&c);
    if (__builtin_expect(word >> 28 != 6, 0))
        return net_malformed(n, REASON_VERSION);

    n->trial = false; /* from here on *out may be written: see udp.c */
    out->tos = (uint8_t)(word >> 20);
    out->ttl = ttl;
    uint64_t high = cursor_u64(&c);
    out->src.addr = (struct addr){.high = high, .low = cursor_u64(&c)};
    high = cursor_u64(&c);
    out->dst.addr = (struct addr){.high = high, .low = cursor_u64(&c)};
    if (payload == 0) /* left to the card to fill in (segmentation offload) */
        payload = (uint32_t)cursor_left(&p->at);
    packet_clip(p, payload);
    return ip6_chain(n, p, next);
}
