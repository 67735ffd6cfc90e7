/* MPLS (RFC 3032): a stack of labels, and nothing that says what lies below. IP shows itself by its
 * version; everything else is taken for an Ethernet pseudowire (RFC 4448) when there is a frame
 * with IP in it, either at once or behind a control word, whose first four bits are 0. A frame
 * whose destination address begins like an IP header is told by the header's length field. */
#include "capture/net/layer.h"

#define BOTTOM       0x100
#define CONTROL_WORD 4

/* Does the rest begin with an IP header of this version that makes sense? */
static bool is_ip(struct cursor c, unsigned version)
{
    uint8_t first = cursor_u8(&c);
    cursor_skip(&c, 1);
    uint16_t total = cursor_u16(&c);
    if (c.failed || first >> 4 != version)
        return false;
    unsigned header = (first & 15) * 4u;
    return version == 6 || (header >= 20 && (total == 0 || total >= header));
}

static enum net_verdict below(struct net *n, struct packet *p)
{
    struct cursor inner = p->at;
    cursor_skip(&inner, CONTROL_WORD);
    if (inner.failed)
        return net_malformed(n, REASON_TRUNCATED);
    if (is_ip(p->at, 4))
        return ip4_decode(n, p);
    if (is_ip(p->at, 6) && !ethernet_likely(p->at))
        return ip6_decode(n, p);
    if (*p->at.at >> 4 == 0 && ethernet_likely(inner)) {
        p->at = inner;
        return ethernet_decode(n, p);
    }
    return ethernet_likely(p->at) ? ethernet_decode(n, p) : NET_OTHER;
}

enum net_verdict mpls_decode(struct net *n, struct packet *p)
{
    for (int labels = 0; labels < LAYERS_MAX; labels++) {
        uint32_t entry = cursor_u32(&p->at);
        if (p->at.failed)
            return net_malformed(n, REASON_TRUNCATED);
        if (entry & BOTTOM)
            return below(n, p);
    }
    return net_malformed(n, REASON_LIMIT);
}
