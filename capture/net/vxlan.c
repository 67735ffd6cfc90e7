/* VXLAN (RFC 7348) with its policy bits, and the generic extension (VXLAN-GPE), which names what it
 * carries. */
#include "capture/net/layer.h"

#define HAS_ID       0x08
#define HAS_POLICY   0x80
#define HAS_PROTOCOL 0x04
#define VERSION      0x30

enum { CARRIES_IP4 = 1, CARRIES_IP6 = 2, CARRIES_ETHERNET = 3 };

/* Flags, 16 bits of policy, what is carried; the number of the network, a byte in reserve. */
static bool header(struct packet *p, uint8_t *ret_flags, uint8_t *ret_carries, uint32_t *ret_id)
{
    *ret_flags = cursor_u8(&p->at);
    cursor_skip(&p->at, 2);
    *ret_carries = cursor_u8(&p->at);
    *ret_id = cursor_u24(&p->at);
    cursor_skip(&p->at, 1);
    return !p->at.failed;
}

enum net_verdict vxlan_decode(struct net *n, struct packet *p)
{
    uint8_t flags, carries;
    uint32_t id;
    if (!header(p, &flags, &carries, &id) || (flags & ~HAS_POLICY) != HAS_ID)
        return NET_OTHER;
    return net_tunnel(n, p, WRAP_VXLAN, id) ? ethernet_decode(n, p) : NET_MALFORMED;
}

enum net_verdict vxlan_gpe_decode(struct net *n, struct packet *p)
{
    uint8_t flags, carries;
    uint32_t id;
    if (!header(p, &flags, &carries, &id) || flags & (VERSION | 0xc0) || !(flags & HAS_ID))
        return NET_OTHER;
    if (!(flags & HAS_PROTOCOL))
        carries = CARRIES_ETHERNET;
    if (carries < CARRIES_IP4 || carries > CARRIES_ETHERNET)
        return NET_OTHER;
    if (!net_tunnel(n, p, WRAP_VXLAN, id))
        return NET_MALFORMED;
    return carries == CARRIES_IP4   ? ip4_decode(n, p)
           : carries == CARRIES_IP6 ? ip6_decode(n, p)
                                    : ethernet_decode(n, p);
}
