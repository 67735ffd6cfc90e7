/* L2TP. Version 2 (RFC 2661) carries PPP in UDP. Version 3 (RFC 3931) in UDP or IP carries what was
 * agreed at its start, behind a cookie of a size that was agreed too: Ethernet is looked for at
 * each place where it can begin. */
#include "capture/net/layer.h"

#define IS_CONTROL   0x8000
#define HAS_LENGTH   0x4000
#define HAS_SEQUENCE 0x0800
#define HAS_OFFSET   0x0200
#define VERSION      0x000f
#define BEFORE_MAX   12 /* cookie of 8 and sublayer of 4 bytes */

/* Behind the session's number. */
static enum net_verdict session_decode(struct net *n, struct packet *p, uint32_t session)
{
    for (size_t skip = 0; skip <= BEFORE_MAX; skip += 4) {
        struct cursor inner = p->at;
        cursor_skip(&inner, skip);
        if (!ethernet_likely(inner))
            continue;
        p->at = inner;
        return net_tunnel(n, p, WRAP_L2TP, session) ? ethernet_decode(n, p) : NET_MALFORMED;
    }
    return NET_OTHER;
}

enum net_verdict l2tp3_decode(struct net *n, struct packet *p)
{
    uint32_t session = cursor_u32(&p->at); /* 0: control */
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    return session != 0 ? session_decode(n, p, session) : NET_OTHER;
}

static enum net_verdict version_2(struct net *n, struct packet *p, uint16_t flags)
{
    if (flags & HAS_LENGTH && cursor_u16(&p->at) > p->wire)
        return NET_OTHER;
    cursor_skip(&p->at, 2); /* tunnel */
    uint16_t session = cursor_u16(&p->at);
    if (flags & HAS_SEQUENCE)
        cursor_skip(&p->at, 4);
    if (flags & HAS_OFFSET)
        cursor_skip(&p->at, cursor_u16(&p->at));
    if (p->at.failed)
        return NET_OTHER;
    return net_tunnel(n, p, WRAP_L2TP, session) ? ppp_decode(n, p) : NET_MALFORMED;
}

enum net_verdict l2tp_udp_decode(struct net *n, struct packet *p)
{
    uint16_t flags = cursor_u16(&p->at);
    if (p->at.failed || flags & IS_CONTROL)
        return NET_OTHER;
    if ((flags & VERSION) == 2)
        return version_2(n, p, flags);
    if (flags != 3 || cursor_u16(&p->at) != 0)
        return NET_OTHER;
    return l2tp3_decode(n, p);
}
