/* IPv4 (RFC 791). Checksums are not looked at: network cards that compute them leave them wrong in
 * what is captured on the sending machine.
 *
 * A packet may claim more bytes than were captured, also when the capture says that it has all:
 * switches that mirror only the first bytes do that. What is there is decoded, payload_wire tells
 * the rest. */
#include "capture/net/layer.h"

#define HEADER_MIN      20
#define MORE_FRAGMENTS  0x2000
#define FRAGMENT_OFFSET 0x1fff

/* Apart from what every packet takes: inlined, it would cost each of them the saving of registers.
 */
static __attribute__((noinline, cold)) enum net_verdict
fragment_decode(struct net *n, struct packet *p, uint16_t flags, uint8_t proto)
{
    struct datagram *out = p->out;
    if (cursor_left(&p->at) < p->wire) {
        fragments_count_dropped(n->fragments, 1);
        return NET_HELD;
    }
    struct fragment fragment = {
        .src = out->src.addr,
        .dst = out->dst.addr,
        .space = out->src.space,
        .id = out->ip_id,
        .proto = proto,
        .ttl = out->ttl,
        .tos = out->tos,
        .more = flags & MORE_FRAGMENTS,
        .offset = (flags & FRAGMENT_OFFSET) * 8u,
        .bytes = cursor_rest(&p->at),
        .time_ns = out->time_ns,
    };
    return net_fragment(n, p, &fragment);
}

/* RFC 4302; of IPv6 it is one of the extension headers. */
enum net_verdict authentication_decode(struct net *n, struct packet *p)
{
    uint8_t next = cursor_u8(&p->at);
    uint32_t size = (cursor_u8(&p->at) + 2u) * 4;
    cursor_skip(&p->at, size - 2);
    if (p->at.failed || size > p->wire)
        return net_malformed(n, size > p->wire ? REASON_LENGTH : REASON_TRUNCATED);
    p->wire -= size;
    return net_proto(n, p, next);
}

enum net_verdict ip4_decode(struct net *n, struct packet *p)
{
    struct datagram *out = p->out;
    uint32_t captured = (uint32_t)cursor_left(&p->at);
    struct cursor c;
    if (!packet_header(&p->at, HEADER_MIN, &c))
        return net_malformed(n, REASON_TRUNCATED);
    uint8_t first = cursor_u8(&c);
    uint8_t tos = cursor_u8(&c);
    uint32_t total = cursor_u16(&c);
    if (__builtin_expect(first >> 4 != 4, 0))
        return net_malformed(n, REASON_VERSION);
    uint32_t header = (first & 15) * 4u;
    if (total == 0) /* left to the card to fill in (segmentation offload) */
        total = captured;
    if (__builtin_expect(header < HEADER_MIN || total < header, 0))
        return net_malformed(n, REASON_LENGTH);
    cursor_skip(&p->at, header - HEADER_MIN); /* options */
    if (__builtin_expect(p->at.failed, 0))
        return net_malformed(n, REASON_TRUNCATED);

    n->trial = false; /* from here on *out may be written: see udp.c */
    out->tos = tos;
    out->ip_id = cursor_u16(&c);
    uint16_t flags = cursor_u16(&c);
    out->ttl = cursor_u8(&c);
    uint8_t proto = cursor_u8(&c);
    cursor_skip(&c, 2); /* checksum */
    out->src.addr = addr_v4(cursor_u32(&c));
    out->dst.addr = addr_v4(cursor_u32(&c));
    packet_clip(p, total - header);
    if (__builtin_expect(flags & (MORE_FRAGMENTS | FRAGMENT_OFFSET), 0))
        return fragment_decode(n, p, flags, proto);
    return net_proto(n, p, proto);
}
