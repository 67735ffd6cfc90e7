/* VXLAN (RFC 7348) with its policy bits, and the generic extension (VXLAN-GPE), which names what it
 * carries. The extension's flag is understood at either port, and at its own port (4790) the flag
 * may be missing, since senders forget it. */
#include "capture/net/layer.h"

#define HEADER_SIZE  8
#define HAS_ID       0x08
#define HAS_POLICY   0x80 /* then a group's number stands where the extension has its protocol */
#define HAS_PROTOCOL 0x04

enum carried { CARRIES_IP4 = 1, CARRIES_IP6 = 2, CARRIES_ETHERNET = 3 };

/* Flags, 16 bits of policy, protocol; the number of the network, a byte in reserve. */
static inline enum net_verdict decode(struct net *n, struct packet *p, bool generic)
{
    struct cursor c;
    if (!packet_header(&p->at, HEADER_SIZE, &c))
        return NET_OTHER;
    uint8_t flags = cursor_u8(&c);
    cursor_skip(&c, 2);
    uint8_t protocol = cursor_u8(&c);
    uint32_t id = cursor_u24(&c);
    if ((flags & ~(HAS_POLICY | HAS_PROTOCOL)) != HAS_ID)
        return NET_OTHER;
    if (!(flags & HAS_PROTOCOL) && (!generic || flags & HAS_POLICY || protocol == 0))
        protocol = CARRIES_ETHERNET;
    if (!net_tunnel(n, p, WRAP_VXLAN, id))
        return NET_MALFORMED;
    switch (protocol) {
    case CARRIES_ETHERNET:
        return ethernet_decode(n, p);
    case CARRIES_IP4:
        return ip4_decode(n, p);
    case CARRIES_IP6:
        return ip6_decode(n, p);
    default:
        return NET_OTHER;
    }
}

enum net_verdict vxlan_decode(struct net *n, struct packet *p)
{
    return decode(n, p, false);
}

enum net_verdict vxlan_gpe_decode(struct net *n, struct packet *p)
{
    return decode(n, p, true);
}
