/* Headers are made anew: Ethernet with the VLAN tags, IP, UDP or TCP, with their checksums. MAC
 * addresses were never kept, so frames carry locally administered ones made of the IP addresses:
 * 02:... for what stood in the clear, 06:... for what was decrypted. */
#include "storage/frame_head.h"

#define ETHER_VLAN 0x8100
#define ETHER_QINQ 0x88a8
#define ETHER_IPV4 0x0800
#define ETHER_IPV6 0x86dd
#define UDP_BYTES  8
#define TCP_BYTES  20

/* As in the spool's packets (spool.h). */
enum {
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    TRANSPORT_UDP = 17,
    TRANSPORT_TLS = 200,
    TRANSPORT_WSS = 202
};

/* ---- bytes in network order ---- */

static uint8_t *net_u16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static uint8_t *net_bytes(uint8_t *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

static uint32_t sum_bytes(uint32_t sum, const uint8_t *p, size_t n)
{
    for (; n > 1; p += 2, n -= 2)
        sum += (uint32_t)p[0] << 8 | p[1];
    if (n)
        sum += (uint32_t)p[0] << 8;
    return sum; /* 65535 bytes of payload stay below 2^32 */
}

static uint16_t sum_fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* ---- a frame ---- */

static uint8_t proto_of(const struct spool_packet *k)
{
    return k->transport == TRANSPORT_UDP ? PROTO_UDP : PROTO_TCP;
}

bool frame_is_v4(const struct spool_packet *k)
{
    return addr_is_v4(k->src.addr) && addr_is_v4(k->dst.addr);
}

static uint8_t *mac_write(uint8_t *p, struct addr a, bool decrypted)
{
    p[0] = decrypted ? 0x06 : 0x02; /* locally administered */
    p[1] = (uint8_t)(a.low >> 32);
    for (int i = 0; i < 4; i++)
        p[2 + i] = (uint8_t)(a.low >> (24 - 8 * i));
    return p + 6;
}

static uint8_t *ether_write(uint8_t *p, const struct spool_packet *k, bool v4)
{
    bool decrypted = k->transport == TRANSPORT_TLS || k->transport == TRANSPORT_WSS;
    p = mac_write(mac_write(p, k->dst.addr, decrypted), k->src.addr, decrypted);
    if (k->vlan_outer && k->vlan_inner)
        p = net_u16(net_u16(p, ETHER_QINQ), k->vlan_outer);
    else if (k->vlan_outer)
        p = net_u16(net_u16(p, ETHER_VLAN), k->vlan_outer);
    if (k->vlan_inner)
        p = net_u16(net_u16(p, ETHER_VLAN), k->vlan_inner);
    return net_u16(p, v4 ? ETHER_IPV4 : ETHER_IPV6);
}

static uint8_t *ipv4_write(uint8_t *start, const struct spool_packet *k, unsigned l4_bytes)
{
    uint8_t addresses[8];
    uint8_t *p = addresses;
    p = net_u16(net_u16(p, (unsigned)(k->src.addr.low >> 16) & 0xffff),
                (unsigned)k->src.addr.low & 0xffff);
    net_u16(net_u16(p, (unsigned)(k->dst.addr.low >> 16) & 0xffff),
            (unsigned)k->dst.addr.low & 0xffff);
    p = start;
    *p++ = 0x45;
    *p++ = k->tos;
    p = net_u16(net_u16(p, 20 + l4_bytes), k->ip_id);
    p = net_u16(p, 0x4000); /* don't fragment */
    *p++ = k->ttl;
    *p++ = proto_of(k);
    p = net_u16(p, 0);
    p = net_bytes(p, addresses, sizeof addresses);
    net_u16(start + 10, sum_fold(sum_bytes(0, start, 20)));
    return p;
}

static uint8_t *ipv6_write(uint8_t *p, const struct spool_packet *k, unsigned l4_bytes)
{
    uint8_t address[16];
    p = net_u16(net_u16(p, 0x6000u | (unsigned)k->tos << 4), 0);
    p = net_u16(p, l4_bytes);
    *p++ = proto_of(k);
    *p++ = k->ttl;
    addr_to_v6(k->src.addr, address);
    p = net_bytes(p, address, sizeof address);
    addr_to_v6(k->dst.addr, address);
    return net_bytes(p, address, sizeof address);
}

/* Of what the frame shows whole; of a cut one it stays 0, "not computed". */
static void checksum_write(uint8_t *at, const uint8_t *addresses, size_t address_bytes,
                           unsigned proto, const uint8_t *header, size_t header_bytes,
                           struct slice payload)
{
    uint32_t sum = proto + (uint32_t)(header_bytes + payload.size);
    sum = sum_bytes(sum, addresses, address_bytes);
    sum = sum_bytes(sum_bytes(sum, header, header_bytes), payload.data, payload.size);
    uint16_t checksum = sum_fold(sum);
    net_u16(at, checksum || proto == PROTO_TCP ? checksum : 0xffff);
}

static uint8_t *udp_write(uint8_t *start, const struct spool_packet *k, const uint8_t *addresses,
                          size_t address_bytes, unsigned udp_bytes, bool whole)
{
    uint8_t *p = net_u16(net_u16(start, k->src.port), k->dst.port);
    p = net_u16(net_u16(p, udp_bytes), 0);
    if (whole)
        checksum_write(start + 6, addresses, address_bytes, PROTO_UDP, start, UDP_BYTES,
                       k->payload);
    return p;
}

static uint8_t *tcp_write(uint8_t *start, const struct spool_packet *k, const uint8_t *addresses,
                          size_t address_bytes, const struct frame_tcp *tcp)
{
    uint8_t *p = net_u16(net_u16(start, k->src.port), k->dst.port);
    p = net_u16(net_u16(p, tcp->seq >> 16), tcp->seq & 0xffff);
    p = net_u16(net_u16(p, tcp->ack >> 16), tcp->ack & 0xffff);
    p = net_u16(p, 0x5018); /* five words of header; PSH, ACK */
    p = net_u16(p, 0xffff);
    p = net_u16(net_u16(p, 0), 0);
    checksum_write(start + 16, addresses, address_bytes, PROTO_TCP, start, TCP_BYTES, k->payload);
    return p;
}

size_t frame_head_write(uint8_t out[FRAME_HEAD_MAX], const struct spool_packet *k, uint32_t wire,
                        bool whole, const struct frame_tcp *tcp)
{
    bool v4 = frame_is_v4(k);
    unsigned l4_bytes = (tcp ? TCP_BYTES : UDP_BYTES) + wire;
    uint8_t *ip = ether_write(out, k, v4);
    uint8_t *l4 = v4 ? ipv4_write(ip, k, l4_bytes) : ipv6_write(ip, k, l4_bytes);
    const uint8_t *addresses = ip + (v4 ? 12 : 8);
    size_t address_bytes = v4 ? 8 : 32;
    uint8_t *end = tcp ? tcp_write(l4, k, addresses, address_bytes, tcp)
                       : udp_write(l4, k, addresses, address_bytes, l4_bytes, whole);
    return (size_t)(end - out);
}
