/* The short way for what nearly every frame is: Ethernet without tags, IPv4 without options or
 * fragments, UDP; and the same once more inside VXLAN, as clouds mirror it. The headers are read at
 * one go with one look at the size, which takes a third of the instructions that the way through
 * the layers takes. Whatever is odd goes that way; it says the same of plain frames (a test
 * compares). */
#include "capture/net/layer.h"

#define ETHERNET_SIZE  14
#define IP4_SIZE       20
#define UDP_SIZE       8
#define HEADERS        (ETHERNET_SIZE + IP4_SIZE + UDP_SIZE)
#define TYPE_IP4       0x0800
#define VERSION_LENGTH 0x45
#define FRAGMENT_BITS  0x3fff /* more, offset */
#define VXLAN_PORT     4789
#define VXLAN_SIZE     8
#define VXLAN_HAS_ID   0x08

struct plain {
    uint32_t src, dst;
    uint16_t src_port, dst_port;
    uint16_t id;
    uint8_t tos, ttl;
    uint32_t wire; /* of the payload */
    struct slice payload;
};

static inline bool plain_read(struct slice bytes, struct plain *p)
{
    if (bytes.size < HEADERS)
        return false;
    struct cursor c = {.at = bytes.data + 12, .end = bytes.data + HEADERS};
    uint16_t type = cursor_u16(&c);
    uint8_t first = cursor_u8(&c);
    p->tos = cursor_u8(&c);
    uint32_t total = cursor_u16(&c);
    p->id = cursor_u16(&c);
    uint16_t flags = cursor_u16(&c);
    p->ttl = cursor_u8(&c);
    uint8_t proto = cursor_u8(&c);
    if (type != TYPE_IP4 || first != VERSION_LENGTH || flags & FRAGMENT_BITS || proto != PROTO_UDP)
        return false;
    cursor_skip(&c, 2);
    p->src = cursor_u32(&c);
    p->dst = cursor_u32(&c);
    p->src_port = cursor_u16(&c);
    p->dst_port = cursor_u16(&c);
    uint32_t length = cursor_u16(&c);
    if (length < UDP_SIZE || length + IP4_SIZE > total)
        return false;
    p->wire = length - UDP_SIZE;
    size_t there = bytes.size - HEADERS;
    p->payload = slice_of(bytes.data + HEADERS, there < p->wire ? there : p->wire);
    return true;
}

static inline bool may_be_tunnel(const struct plain *p)
{
    return udp_tunnel_port(p->src_port) || udp_tunnel_port(p->dst_port);
}

static inline void plain_write(const struct frame *frame, const struct plain *p,
                               struct datagram *out)
{
    out->src = (struct endpoint){.addr = addr_v4(p->src), .port = p->src_port};
    out->dst = (struct endpoint){.addr = addr_v4(p->dst), .port = p->dst_port};
    out->payload = p->payload;
    out->payload_wire = p->wire;
    out->time_ns = frame->time_ns;
    out->iface = (uint8_t)frame->iface;
    out->vlan_outer = out->vlan_inner = 0;
    out->ip_id = p->id;
    out->proto = PROTO_UDP;
    out->transport = TRANSPORT_UDP;
    out->ttl = p->ttl;
    out->tos = p->tos;
    out->priority = 0;
    out->fragmented = false;
    out->wrapping = WRAP_NONE;
    out->wrap_depth = 0;
}

/* `outer` carries a plain frame in plain VXLAN. */
static bool plain_vxlan(const struct net *n, const struct frame *frame, const struct plain *outer,
                        struct datagram *out)
{
    struct plain inner;
    struct cursor c = cursor_over(outer->payload);
    if (outer->dst_port != VXLAN_PORT || n->spaces_count > 0 ||
        outer->payload.size < VXLAN_SIZE + HEADERS)
        return false;
    uint32_t flags = cursor_u32(&c);
    uint32_t id = cursor_u24(&c);
    cursor_skip(&c, 1);
    if (flags >> 24 != VXLAN_HAS_ID || !plain_read(cursor_rest(&c), &inner) ||
        may_be_tunnel(&inner))
        return false;
    plain_write(frame, &inner, out);
    out->wrapping = WRAP_VXLAN;
    out->wrap_depth = 1;
    out->wrap_id = id;
    out->wrap_src = addr_v4(outer->src);
    out->wrap_dst = addr_v4(outer->dst);
    return true;
}

bool plain_decode(const struct net *n, const struct frame *frame, struct datagram *out)
{
    struct plain p;
    if (frame->link_type != LINK_ETHERNET || !plain_read(frame->bytes, &p))
        return false;
    if (__builtin_expect(may_be_tunnel(&p), 0))
        return plain_vxlan(n, frame, &p, out);
    plain_write(frame, &p, out);
    return true;
}
