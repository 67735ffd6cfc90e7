/* Ethernet II, its VLAN tags, MAC-in-MAC (802.1ah), what Cisco's switches add to frames (and leave in what they mirror), and IP in
 * the LLC and SNAP headers of 802.3. */
#include "capture/net/layer.h"

#define ETHERTYPE_MIN 0x0600 /* below: a length, and LLC follows */
#define SAP_IP        0x06
#define SAP_SNAP      0xaa
#define LLC_UI        0x03 /* unnumbered information */

/* Destination and source service access point, control; with SNAP also an organisation and an
 * EtherType. */
static enum net_verdict llc_decode(struct net *n, struct packet *p)
{
    uint8_t dsap = cursor_u8(&p->at);
    uint8_t ssap = cursor_u8(&p->at);
    uint8_t control = cursor_u8(&p->at);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    if (control != LLC_UI || dsap != ssap)
        return NET_OTHER; /* spanning tree and its like */
    if (dsap == SAP_IP)
        return ip4_decode(n, p);
    if (dsap != SAP_SNAP)
        return NET_OTHER;
    uint32_t organisation = cursor_u24(&p->at);
    uint16_t type = cursor_u16(&p->at);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    return organisation == 0 ? net_ethertype(n, p, type) : NET_OTHER;
}

/* What the two bytes before the payload say: an EtherType, or an 802.3 length. */
static inline enum net_verdict type_or_length(struct net *n, struct packet *p)
{
    uint16_t type = cursor_u16(&p->at);
    if (__builtin_expect(p->at.failed, 0))
        return net_malformed(n, REASON_TRUNCATED);
    if (__builtin_expect(type < ETHERTYPE_MIN, 0))
        return llc_decode(n, p);
    return net_ethertype(n, p, type);
}

enum net_verdict ethernet_decode(struct net *n, struct packet *p)
{
    cursor_skip(&p->at, 12); /* the two addresses */
    return type_or_length(n, p);
}

enum net_verdict ethernet_tag(struct net *n, struct packet *p)
{
    uint16_t tag = cursor_u16(&p->at);
    if (p->tags == 0)
        p->out->priority = (uint8_t)((tag >> 13) + 1);
    net_vlan(n, p, tag & 0x0fff);
    return type_or_length(n, p);
}

/* The service instance's tag (flags and a number), then the customer's frame from its addresses on.
 */
enum net_verdict backbone_decode(struct net *n, struct packet *p)
{
    cursor_skip(&p->at, 4);
    return ethernet_decode(n, p);
}

/* Version, length, one option: the security group. */
enum net_verdict security_tag_decode(struct net *n, struct packet *p)
{
    cursor_skip(&p->at, 6);
    return type_or_length(n, p);
}

/* VN-Tag: the ports of a fabric extender. */
enum net_verdict port_tag_decode(struct net *n, struct packet *p)
{
    cursor_skip(&p->at, 4);
    return type_or_length(n, p);
}

bool ethernet_likely(struct cursor c)
{
    cursor_skip(&c, 12);
    uint16_t type = cursor_u16(&c);
    for (int tags = 0; tags < 3 && (type == 0x8100 || type == 0x88a8); tags++) {
        cursor_skip(&c, 2);
        type = cursor_u16(&c);
    }
    unsigned version = cursor_u8(&c) >> 4;
    return (type == 0x0800 && version == 4) || (type == 0x86dd && version == 6);
}
