/* ESP with NULL encryption (RFC 4303, RFC 2410), in IP or in UDP (RFC 3948): IPsec that protects
 * without hiding. Nothing in the packet says that it is not encrypted, nor how long the check value
 * at its end is. So each size in use is tried, and what is found must agree with itself: the
 * padding counts 1, 2, 3, ..., the next header is one that we follow, and the lengths inside give
 * exactly the room that there is (TCP, which has none: its checksum). In encrypted bytes that
 * happens less than once in 2^24 packets. */
#include "capture/net/layer.h"

#define TRAILER_SIZE 2 /* padding's size, next header */

enum { NEXT_IP4 = 4, NEXT_IP6 = 41 };

static const uint8_t check_sizes[] = {12, 16, 0};

static bool ip4_fits(struct slice body)
{
    struct cursor c = cursor_over(body);
    uint8_t first = cursor_u8(&c);
    cursor_skip(&c, 1);
    return cursor_u16(&c) == body.size && first >> 4 == 4 && (first & 15) >= 5;
}

static bool ip6_fits(struct slice body)
{
    struct cursor c = cursor_over(body);
    uint32_t word = cursor_u32(&c);
    return cursor_u16(&c) + 40u == body.size && !c.failed && word >> 28 == 6;
}

static bool udp_fits(struct slice body)
{
    struct cursor c = cursor_over(body);
    cursor_skip(&c, 4);
    return cursor_u16(&c) == body.size && body.size >= 8;
}

static uint64_t sum_of(struct addr a)
{
    uint64_t sum = 0;
    if (addr_is_v4(a))
        return (a.low >> 16 & 0xffff) + (a.low & 0xffff);
    for (unsigned shift = 0; shift < 64; shift += 16)
        sum += (a.high >> shift & 0xffff) + (a.low >> shift & 0xffff);
    return sum;
}

static bool tcp_fits(const struct datagram *d, struct slice body)
{
    if (body.size < 20)
        return false;
    uint64_t sum = sum_of(d->src.addr) + sum_of(d->dst.addr) + PROTO_TCP + body.size;
    struct cursor c = cursor_over(body);
    while (cursor_left(&c) > 1)
        sum += cursor_u16(&c);
    if (cursor_left(&c))
        sum += (uint64_t)cursor_u8(&c) << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

static bool fits(const struct datagram *d, uint8_t next, struct slice body)
{
    switch (next) {
    case NEXT_IP4:
        return ip4_fits(body);
    case NEXT_IP6:
        return ip6_fits(body);
    case PROTO_UDP:
        return udp_fits(body);
    case PROTO_TCP:
        return tcp_fits(d, body);
    default:
        return false;
    }
}

static bool padding_counts(struct slice padding)
{
    for (size_t i = 0; i < padding.size; i++) {
        if (padding.data[i] != i + 1)
            return false;
    }
    return true;
}

/* The body between header and padding, if the check value takes the last `check` bytes. */
static bool open_with(const struct datagram *d, struct slice bytes, size_t check, uint8_t *ret_next,
                      struct slice *ret_body)
{
    if (bytes.size < check + TRAILER_SIZE)
        return false;
    size_t end = bytes.size - check - TRAILER_SIZE;
    size_t padding = bytes.data[end];
    if (padding > end || !padding_counts(slice_sub(bytes, end - padding, end)))
        return false;
    *ret_next = bytes.data[end + 1];
    *ret_body = slice_sub(bytes, 0, end - padding);
    return fits(d, *ret_next, *ret_body);
}

static enum net_verdict enter(struct net *n, struct packet *p, uint32_t spi, uint8_t next,
                              struct slice body)
{
    if (!net_tunnel(n, p, WRAP_ESP, spi))
        return NET_MALFORMED;
    n->trial = false; /* the lengths prove it, and in transport mode no IP header follows */
    p->at = cursor_over(body);
    p->wire = (uint32_t)body.size;
    return next == NEXT_IP4   ? ip4_decode(n, p)
           : next == NEXT_IP6 ? ip6_decode(n, p)
                              : net_proto(n, p, next);
}

enum net_verdict esp_decode(struct net *n, struct packet *p)
{
    if (cursor_left(&p->at) < p->wire) /* cut by the capture: its end is not there */
        return NET_OTHER;
    uint32_t spi = cursor_u32(&p->at); /* 0: key exchange, in UDP */
    cursor_skip(&p->at, 4);            /* sequence */
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    struct slice bytes = cursor_rest(&p->at);
    for (size_t i = 0; spi != 0 && i < sizeof check_sizes; i++) {
        uint8_t next;
        struct slice body;
        if (open_with(p->out, bytes, check_sizes[i], &next, &body))
            return enter(n, p, spi, next, body);
    }
    return NET_OTHER;
}
