/* IP in IP (RFC 2003, RFC 4213, RFC 2473): no header of its own, IPv4 or IPv6 in either. */
#include "capture/net/layer.h"

enum net_verdict ipip4_decode(struct net *n, struct packet *p)
{
    return net_tunnel(n, p, WRAP_IPIP, 0) ? ip4_decode(n, p) : NET_MALFORMED;
}

enum net_verdict ipip6_decode(struct net *n, struct packet *p)
{
    return net_tunnel(n, p, WRAP_IPIP, 0) ? ip6_decode(n, p) : NET_MALFORMED;
}
