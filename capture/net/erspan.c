/* ERSPAN: frames that a switch mirrors through GRE. Type I has no header at all, type II one of 8
 * bytes, type III one of 12 and perhaps 8 more about the platform. Mirrored frames can be cut short
 * (the "size" bits say so); what is there is decoded like any cut frame. */
#include "capture/net/layer.h"

enum version { TYPE_II = 1, TYPE_III = 2 };
enum frame_type { FRAME_ETHERNET = 0, FRAME_IP = 2 };

#define SESSION     0x03ff
#define TAG_REMOVED 2 /* type II: the VLAN id stands in our header alone */

enum net_verdict erspan1_decode(struct net *n, struct packet *p)
{
    return net_tunnel(n, p, WRAP_ERSPAN, 0) ? ethernet_decode(n, p) : NET_MALFORMED;
}

/* Index of the port, behind the first word. */
static enum net_verdict type_2(struct net *n, struct packet *p, uint32_t word)
{
    cursor_skip(&p->at, 4);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    if (!net_tunnel(n, p, WRAP_ERSPAN, word & SESSION))
        return NET_MALFORMED;
    if ((word >> 11 & 3) == TAG_REMOVED)
        net_vlan(n, p, (word >> 16) & 0x0fff);
    return ethernet_decode(n, p);
}

/* Time stamp, security group, then bits: what is inside, and whether the platform adds a header. */
static enum net_verdict type_3(struct net *n, struct packet *p, uint32_t word)
{
    cursor_skip(&p->at, 4 + 2);
    uint16_t bits = cursor_u16(&p->at);
    if (bits & 1)
        cursor_skip(&p->at, 8);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    unsigned inside = bits >> 10 & 31;
    if (inside != FRAME_ETHERNET && inside != FRAME_IP)
        return NET_OTHER;
    if (!net_tunnel(n, p, WRAP_ERSPAN, word & SESSION))
        return NET_MALFORMED;
    return inside == FRAME_ETHERNET ? ethernet_decode(n, p) : ip_decode(n, p);
}

enum net_verdict erspan_decode(struct net *n, struct packet *p)
{
    uint32_t word = cursor_u32(&p->at); /* version, VLAN, class, flags, session */
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    switch (word >> 28) {
    case TYPE_II:
        return type_2(n, p, word);
    case TYPE_III:
        return type_3(n, p, word);
    default:
        return net_malformed(n, REASON_VERSION);
    }
}
