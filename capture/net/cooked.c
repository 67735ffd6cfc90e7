/* Link types that carry hardly more than a protocol number: Linux "cooked" captures (device "any",
 * both versions), the loopback of the BSDs, raw IP. */
#include "capture/net/layer.h"

enum net_verdict cooked_decode(struct net *n, struct packet *p)
{
    cursor_skip(&p->at, 14); /* packet type, hardware type, address length, address */
    uint16_t type = cursor_u16(&p->at);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    return net_ethertype(n, p, type);
}

enum net_verdict cooked2_decode(struct net *n, struct packet *p)
{
    uint16_t type = cursor_u16(&p->at);
    cursor_skip(&p->at, 18); /* reserved, interface, hardware type, packet type, address */
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    return net_ethertype(n, p, type);
}

/* An address family in the byte order of the machine that captured, as are the numbers: those of
 * IPv6 differ between the systems. */
enum net_verdict null_decode(struct net *n, struct packet *p)
{
    uint32_t family = cursor_u32(&p->at);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    switch (family) {
    case 2:
        return ip4_decode(n, p);
    case 10: /* Linux */
    case 23: /* Windows */
    case 24: /* NetBSD, OpenBSD */
    case 28: /* FreeBSD */
    case 30: /* macOS */
        return ip6_decode(n, p);
    default: /* some tools write an EtherType there, which no family's number reaches */
        return net_ethertype(n, p, (uint16_t)family);
    }
}

enum net_verdict ip_decode(struct net *n, struct packet *p)
{
    struct cursor ahead = p->at;
    uint8_t first = cursor_u8(&ahead);
    if (ahead.failed)
        return net_malformed(n, REASON_TRUNCATED);
    if (first >> 4 == 4)
        return ip4_decode(n, p);
    if (first >> 4 == 6)
        return ip6_decode(n, p);
    return net_malformed(n, REASON_VERSION);
}
