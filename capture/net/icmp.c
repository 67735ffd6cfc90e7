/* ICMP (RFC 792, 1812) and ICMPv6 (RFC 4443): somebody says that a UDP datagram did not arrive, and
 * quotes its beginning. The quoted datagram is what is handed on; who says so and why is kept
 * beside it. A report that was not sent to the quoted sender is not believed. Everything else of
 * ICMP is no business of ours. */
#include "capture/net/layer.h"

#define ICMP_REST   4 /* behind type, code and checksum */
#define IP4_HEADER  20
#define UDP_HEADER  8
#define IP6_HEADER  40
#define OFFSET_MASK 0x1fff

enum { ICMP_UNREACHABLE = 3, ICMP6_UNREACHABLE = 1 };

static bool reason4(uint8_t code, enum net_unreached *ret)
{
    static const uint8_t reasons[] = {
        [0] = UNREACHED_NET + 1,         [1] = UNREACHED_HOST + 1, [3] = UNREACHED_PORT + 1,
        [6] = UNREACHED_NET + 1,         [7] = UNREACHED_HOST + 1, [9] = UNREACHED_PROHIBITED + 1,
        [10] = UNREACHED_PROHIBITED + 1, [11] = UNREACHED_NET + 1, [12] = UNREACHED_HOST + 1,
        [13] = UNREACHED_PROHIBITED + 1,
    };
    if (code >= sizeof reasons || reasons[code] == 0)
        return false;
    *ret = (enum net_unreached)(reasons[code] - 1);
    return true;
}

static bool reason6(uint8_t code, enum net_unreached *ret)
{
    static const uint8_t reasons[] = {
        [0] = UNREACHED_NET + 1,  [1] = UNREACHED_PROHIBITED + 1, [3] = UNREACHED_HOST + 1,
        [4] = UNREACHED_PORT + 1, [5] = UNREACHED_PROHIBITED + 1, [6] = UNREACHED_PROHIBITED + 1,
    };
    if (code >= sizeof reasons || reasons[code] == 0)
        return false;
    *ret = (enum net_unreached)(reasons[code] - 1);
    return true;
}

/* The quoted UDP header and what is there of its payload. */
static enum net_verdict quoted_udp(struct net *n, struct packet *p, struct addr src,
                                   struct addr dst)
{
    struct datagram *out = p->out;
    struct addr by = out->src.addr;
    uint16_t from = cursor_u16(&p->at), to = cursor_u16(&p->at), length = cursor_u16(&p->at);
    cursor_skip(&p->at, 2);
    if (p->at.failed || length < UDP_HEADER || !addr_equal(src, out->dst.addr))
        return NET_OTHER;
    n->unreachable.by = by;
    out->src.addr = src;
    out->dst.addr = dst;
    out->src.port = from;
    out->dst.port = to;
    out->proto = out->transport = PROTO_UDP;
    out->payload = slice_sub(cursor_rest(&p->at), 0, length - UDP_HEADER);
    out->payload_wire = length - UDP_HEADER;
    return NET_UNREACHABLE;
}

static enum net_verdict quoted4(struct net *n, struct packet *p)
{
    struct cursor c;
    if (!packet_header(&p->at, IP4_HEADER, &c))
        return NET_OTHER;
    uint8_t first = cursor_u8(&c);
    uint32_t header = (first & 15) * 4u;
    cursor_skip(&c, 3);
    uint16_t id = cursor_u16(&c), fragment = cursor_u16(&c);
    cursor_skip(&c, 1);
    uint8_t proto = cursor_u8(&c);
    cursor_skip(&c, 2);
    struct addr src = addr_v4(cursor_u32(&c)), dst = addr_v4(cursor_u32(&c));
    if (first >> 4 != 4 || header < IP4_HEADER || proto != PROTO_UDP || (fragment & OFFSET_MASK))
        return NET_OTHER;
    cursor_skip(&p->at, header - IP4_HEADER);
    p->out->ip_id = id;
    return quoted_udp(n, p, src, dst);
}

static enum net_verdict quoted6(struct net *n, struct packet *p)
{
    struct cursor c;
    if (!packet_header(&p->at, IP6_HEADER, &c))
        return NET_OTHER;
    uint32_t word = cursor_u32(&c);
    cursor_skip(&c, 2);
    uint8_t next = cursor_u8(&c);
    cursor_skip(&c, 1);
    uint64_t high = cursor_u64(&c);
    struct addr src = {.high = high, .low = cursor_u64(&c)};
    high = cursor_u64(&c);
    struct addr dst = {.high = high, .low = cursor_u64(&c)};
    return word >> 28 == 6 && next == PROTO_UDP ? quoted_udp(n, p, src, dst) : NET_OTHER;
}

enum net_verdict icmp4_decode(struct net *n, struct packet *p)
{
    uint8_t type = cursor_u8(&p->at), code = cursor_u8(&p->at);
    cursor_skip(&p->at, 2 + ICMP_REST);
    if (p->at.failed || type != ICMP_UNREACHABLE || !reason4(code, &n->unreachable.reason))
        return NET_OTHER;
    return quoted4(n, p);
}

enum net_verdict icmp6_decode(struct net *n, struct packet *p)
{
    uint8_t type = cursor_u8(&p->at), code = cursor_u8(&p->at);
    cursor_skip(&p->at, 2 + ICMP_REST);
    if (p->at.failed || type != ICMP6_UNREACHABLE || !reason6(code, &n->unreachable.reason))
        return NET_OTHER;
    return quoted6(n, p);
}
