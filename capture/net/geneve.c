/* GENEVE (RFC 8926): a header that names an EtherType, and options, which do not matter here. */
#include "capture/net/layer.h"

enum net_verdict geneve_decode(struct net *n, struct packet *p)
{
    uint8_t first = cursor_u8(&p->at); /* version, size of the options in words */
    cursor_skip(&p->at, 1);
    uint16_t type = cursor_u16(&p->at);
    uint32_t id = cursor_u24(&p->at);
    cursor_skip(&p->at, 1);
    cursor_skip(&p->at, (first & 0x3f) * 4u);
    if (p->at.failed || first >> 6 != 0)
        return NET_OTHER;
    return net_tunnel(n, p, WRAP_GENEVE, id) ? net_ethertype(n, p, type) : NET_MALFORMED;
}
