/* GRE (RFC 2784, RFC 2890), also in its first form with routing (RFC 1701), and version 1 as PPTP
 * uses it (RFC 2637). What it carries is an EtherType, some of which are at home only here. */
#include "capture/net/layer.h"

#define HAS_CHECKSUM 0x8000
#define HAS_ROUTING  0x4000
#define HAS_KEY      0x2000
#define HAS_SEQUENCE 0x1000
#define HAS_ACK      0x0080 /* version 1 */
#define VERSION      0x0007

enum { TYPE_PPP = 0x880b, TYPE_WCCP = 0x883e, TYPE_ERSPAN = 0x88be, TYPE_ERSPAN3 = 0x22eb };

/* Entries of address family, offset, size and so many bytes, up to one of size 0. Each takes at
 * least four bytes of the packet. */
static void skip_routing(struct cursor *c)
{
    uint8_t size;
    do {
        cursor_skip(c, 3);
        size = cursor_u8(c);
        cursor_skip(c, size);
    } while (size != 0 && !c->failed);
}

/* Web caches (WCCP) put a header of four bytes ahead of the packet since their version 2; neither
 * says so, but no such header begins like IPv4. */
static enum net_verdict wccp_decode(struct net *n, struct packet *p)
{
    struct cursor ahead = p->at;
    if (cursor_u8(&ahead) >> 4 != 4)
        cursor_skip(&p->at, 4);
    return ip4_decode(n, p);
}

static enum net_verdict pptp_decode(struct net *n, struct packet *p, uint16_t flags, uint16_t type)
{
    uint16_t size = cursor_u16(&p->at);
    uint16_t call = cursor_u16(&p->at);
    if (flags & HAS_SEQUENCE)
        cursor_skip(&p->at, 4);
    if (flags & HAS_ACK)
        cursor_skip(&p->at, 4);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    if (!(flags & HAS_KEY) || type != TYPE_PPP)
        return net_malformed(n, REASON_SYNTAX);
    if (!(flags & HAS_SEQUENCE)) /* a mere acknowledgement */
        return NET_OTHER;
    if (!net_tunnel(n, p, WRAP_GRE, call))
        return NET_MALFORMED;
    packet_clip(p, size);
    return ppp_decode(n, p);
}

static enum net_verdict carried(struct net *n, struct packet *p, uint16_t flags, uint16_t type,
                                uint32_t key)
{
    if (type == TYPE_ERSPAN && !(flags & HAS_SEQUENCE))
        return erspan1_decode(n, p);
    if (type == TYPE_ERSPAN || type == TYPE_ERSPAN3)
        return erspan_decode(n, p);
    if (!net_tunnel(n, p, WRAP_GRE, key))
        return NET_MALFORMED;
    return type == TYPE_WCCP ? wccp_decode(n, p) : net_ethertype(n, p, type);
}

enum net_verdict gre_decode(struct net *n, struct packet *p)
{
    uint16_t flags = cursor_u16(&p->at);
    uint16_t type = cursor_u16(&p->at);
    if ((flags & VERSION) == 1)
        return pptp_decode(n, p, flags, type);
    if (flags & (HAS_CHECKSUM | HAS_ROUTING))
        cursor_skip(&p->at, 4);
    uint32_t key = flags & HAS_KEY ? cursor_u32(&p->at) : 0;
    if (flags & HAS_SEQUENCE)
        cursor_skip(&p->at, 4);
    if (flags & HAS_ROUTING)
        skip_routing(&p->at);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    if ((flags & VERSION) != 0)
        return net_malformed(n, REASON_VERSION);
    return carried(n, p, flags, type, key);
}
