/* PPP (RFC 1661, RFC 1662) and what carries it over Ethernet (PPPoE, RFC 2516); Cisco's framing of
 * serial lines, which shares link types with it. */
#include "capture/net/layer.h"

#define PPPOE_VERSION_TYPE 0x11
#define ALL_STATIONS       0xff03 /* address and control of HDLC; often left away */
#define CISCO_UNICAST      0x0f00
#define CISCO_BROADCAST    0x8f00

enum { PPP_IP4 = 0x0021, PPP_IP6 = 0x0057, PPP_MPLS = 0x0281, PPP_MPLS_MULTICAST = 0x0283 };

static uint16_t peek_u16(const struct cursor *c)
{
    struct cursor ahead = *c;
    return cursor_u16(&ahead);
}

/* One byte when it is odd, else two. */
static uint16_t protocol(struct cursor *c)
{
    uint16_t number = cursor_u8(c);
    return number & 1 ? number : (uint16_t)(number << 8 | cursor_u8(c));
}

enum net_verdict ppp_decode(struct net *n, struct packet *p)
{
    uint16_t first = peek_u16(&p->at);
    if (first == CISCO_UNICAST || first == CISCO_BROADCAST)
        return cisco_hdlc_decode(n, p);
    if (first == ALL_STATIONS)
        cursor_skip(&p->at, 2);
    uint16_t number = protocol(&p->at);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    switch (number) {
    case PPP_IP4:
        return ip4_decode(n, p);
    case PPP_IP6:
        return ip6_decode(n, p);
    case PPP_MPLS:
    case PPP_MPLS_MULTICAST:
        return mpls_decode(n, p);
    default: /* link control, authentication, compressed or encrypted */
        return NET_OTHER;
    }
}

/* Address and control, then an EtherType. */
enum net_verdict cisco_hdlc_decode(struct net *n, struct packet *p)
{
    cursor_skip(&p->at, 2);
    uint16_t type = cursor_u16(&p->at);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    return net_ethertype(n, p, type);
}

/* A session's packets (code 0). The length cuts Ethernet's padding. */
enum net_verdict pppoe_decode(struct net *n, struct packet *p)
{
    uint8_t version_type = cursor_u8(&p->at);
    uint8_t code = cursor_u8(&p->at);
    cursor_skip(&p->at, 2); /* session */
    uint16_t length = cursor_u16(&p->at);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    if (version_type != PPPOE_VERSION_TYPE)
        return net_malformed(n, REASON_VERSION);
    if (code != 0)
        return NET_OTHER;
    packet_clip(p, length);
    return ppp_decode(n, p);
}
