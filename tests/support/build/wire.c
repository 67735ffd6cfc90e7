/* Headers below the payload: link layer, 802.1Q, IPv4 and IPv6, UDP, and fragments of both. */
#include <assert.h>

#include "tests/support/build/internal.h"

#define ETHERTYPE_IP4  0x0800
#define ETHERTYPE_IP6  0x86dd
#define ETHERTYPE_VLAN 0x8100
#define PROTO_UDP      17
#define PROTO_FRAGMENT 44
#define FAMILY_IP6_BSD 30 /* what a loopback capture of macOS says; IPv4 is 2 everywhere */

static uint32_t sum16(const uint8_t *p, size_t size, uint32_t sum)
{
    for (; size > 1; p += 2, size -= 2)
        sum += (uint32_t)(p[0] << 8 | p[1]);
    return size ? sum + (uint32_t)(p[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_mac(uint8_t *p, const struct side *s, bool v6)
{
    p[0] = 0x02; /* locally administered */
    p[1] = 0x00;
    memcpy(p + 2, v6 ? s->ip + 12 : s->ip, 4);
}

static uint8_t *put_ethernet(uint8_t *p, const struct side *from, const struct side *to, bool v6)
{
    put_mac(p, to, v6);
    put_mac(p + 6, from, v6);
    p += 12;
    if (from->vlan) {
        put16(p, ETHERTYPE_VLAN);
        put16(p + 2, from->vlan);
        p += 4;
    }
    put16(p, v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4);
    return p + 2;
}

static uint8_t *put_link(uint8_t *p, uint16_t link_type, const struct side *from,
                         const struct side *to, bool v6)
{
    uint32_t ethertype = v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4;

    switch (link_type) {
    case LINK_ETHERNET:
        return put_ethernet(p, from, to, v6);
    case LINK_LINUX_SLL:
        put16(p + 2, 1); /* ARPHRD_ETHER */
        put16(p + 4, 6);
        put_mac(p + 6, from, v6);
        put16(p + 14, ethertype);
        return p + 16;
    case LINK_LINUX_SLL2:
        put16(p, ethertype);
        put32(p + 4, 2); /* interface */
        put16(p + 8, 1);
        p[11] = 6;
        put_mac(p + 12, from, v6);
        return p + 20;
    case LINK_NULL:
        p[0] = v6 ? FAMILY_IP6_BSD : 2; /* in the byte order of the file, which is little endian */
        return p + 4;
    default:
        return p;
    }
}

static uint8_t *put_ip4(struct wire_head *h, uint8_t *p, const struct side *from,
                        const struct side *to)
{
    p[0] = 0x45;
    p[1] = 46 << 2; /* EF */
    p[8] = 64;
    p[9] = PROTO_UDP;
    memcpy(p + 12, from->ip, 4);
    memcpy(p + 16, to->ip, 4);
    h->ip_sum = sum16(p, 20, 0);
    return p + 20;
}

static uint8_t *put_ip6(uint8_t *p, const struct side *from, const struct side *to)
{
    put32(p, 0x60000000 | 46u << 22);
    p[6] = PROTO_UDP;
    p[7] = 64;
    memcpy(p + 8, from->ip, 16);
    memcpy(p + 24, to->ip, 16);
    return p + 40;
}

void wire_head_make(struct wire_head *h, uint16_t link_type, bool v6, const struct side *from,
                    const struct side *to, uint16_t src_port, uint16_t dst_port)
{
    *h = (struct wire_head){.v6 = v6};
    uint8_t *p = put_link(h->bytes, link_type, from, to, v6);
    h->ip_at = (uint8_t)(p - h->bytes);
    p = v6 ? put_ip6(p, from, to) : put_ip4(h, p, from, to);
    h->udp_at = (uint8_t)(p - h->bytes);
    put16(p, src_port);
    put16(p + 2, dst_port);
    h->size = (uint8_t)(h->udp_at + 8);
    assert(h->size <= HEAD_MAX);
}

static void finish_ip(const struct wire_head *h, uint8_t *frame, size_t ip_payload, uint16_t ip_id,
                      uint16_t fragment)
{
    uint8_t *ip = frame + h->ip_at;
    if (h->v6) {
        put16(ip + 4, (uint32_t)ip_payload);
        return;
    }
    uint32_t total = (uint32_t)ip_payload + 20;
    put16(ip + 2, total);
    put16(ip + 4, ip_id);
    put16(ip + 6, fragment);
    put16(ip + 10, fold(h->ip_sum + total + ip_id + fragment));
}

void wire_udp(const struct wire_head *h, uint8_t *udp, size_t size)
{
    const uint8_t *ip = h->bytes + h->ip_at;
    memcpy(udp, h->bytes + h->udp_at, 4);
    put16(udp + 4, (uint32_t)size);
    put16(udp + 6, 0);
    uint32_t sum = h->v6 ? sum16(ip + 8, 32, 0) : sum16(ip + 12, 8, 0);
    uint16_t check = fold(sum16(udp, size, sum + PROTO_UDP + (uint32_t)size));
    put16(udp + 6, check ? check : 0xffff);
}

/* RTP over IPv4 goes without UDP checksum, as many phones send it; IPv6 demands one. */
size_t wire_seal(const struct wire_head *h, uint16_t ip_id, uint8_t *out, size_t payload_size)
{
    memcpy(out, h->bytes, h->size);
    finish_ip(h, out, payload_size + 8, ip_id, 0);
    if (h->v6)
        wire_udp(h, out + h->udp_at, payload_size + 8);
    else
        put16(out + h->udp_at + 4, (uint32_t)payload_size + 8);
    return h->size + payload_size;
}

size_t wire_fragment(const struct wire_head *h, uint16_t ip_id, const uint8_t *udp, size_t size,
                     size_t *offset, uint8_t *out)
{
    size_t header = h->v6 ? 48 : 20;
    size_t room = (MTU_BYTES - header) & ~(size_t)7;
    size_t left = size - *offset;
    bool whole = size <= MTU_BYTES - (h->v6 ? 40 : 20);
    size_t part = whole || left <= room ? left : room;
    bool more = part < left;
    uint8_t *p = out + h->udp_at;

    memcpy(out, h->bytes, h->udp_at);
    if (h->v6 && !whole) {
        out[h->ip_at + 6] = PROTO_FRAGMENT;
        put16(p, PROTO_UDP << 8);
        put16(p + 2, (uint32_t)*offset | more);
        put32(p + 4, ip_id);
        p += 8;
    }
    memcpy(p, udp + *offset, part);
    size_t after_ip = (size_t)(p - (out + h->udp_at)) + part;
    finish_ip(h, out, after_ip, ip_id, (uint16_t)(*offset >> 3 | (more ? 0x2000 : 0)));
    *offset += part;
    return h->udp_at + after_ip;
}
