/* UDP (RFC 768): ports and a length that must fit what IP carried. */
#include "capture/net/layer.h"

#define HEADER_SIZE 8

enum net_verdict udp_decode(struct net *n, struct packet *p)
{
    struct datagram *out = p->out;
    struct cursor c;
    if (!packet_header(&p->at, HEADER_SIZE, &c))
        return net_malformed(n, p->wire < HEADER_SIZE ? REASON_LENGTH : REASON_TRUNCATED);
    out->src.port = cursor_u16(&c);
    out->dst.port = cursor_u16(&c);
    uint32_t length = cursor_u16(&c); /* behind it a checksum, not looked at */
    if (__builtin_expect(length < HEADER_SIZE || length > p->wire, 0))
        return net_malformed(n, REASON_LENGTH);
    out->payload_wire = length - HEADER_SIZE;
    out->payload = slice_sub(slice_of(p->at.at, cursor_left(&p->at)), 0, out->payload_wire);
    return NET_DATAGRAM;
}
