/* TCP and SCTP as far as a single packet goes: ports, sequence, flags. What comes after is put
 * together by tcp.h and sctp.h. */
#include "capture/net/layer.h"

#define TCP_HEADER_SIZE  20
#define SCTP_HEADER_SIZE 12

enum net_verdict tcp_decode(struct net *n, struct packet *p)
{
    struct datagram *out = p->out;
    struct cursor c;
    if (!packet_header(&p->at, TCP_HEADER_SIZE, &c))
        return net_malformed(n, p->wire < TCP_HEADER_SIZE ? REASON_LENGTH : REASON_TRUNCATED);
    out->src.port = cursor_u16(&c);
    out->dst.port = cursor_u16(&c);
    out->tcp_seq = cursor_u32(&c);
    out->tcp_ack = cursor_u32(&c);
    uint32_t header = (uint32_t)(cursor_u8(&c) >> 4) * 4;
    out->tcp_flags = cursor_u8(&c) & 0x1f;
    if (header < TCP_HEADER_SIZE || header > p->wire)
        return net_malformed(n, REASON_LENGTH);
    (void)cursor_take(&p->at, header - TCP_HEADER_SIZE);
    if (p->at.failed)
        return net_malformed(n, REASON_TRUNCATED);
    out->payload_wire = p->wire - header;
    out->payload = slice_of(p->at.at, cursor_left(&p->at));
    return NET_SEGMENT;
}

enum net_verdict sctp_decode(struct net *n, struct packet *p)
{
    struct datagram *out = p->out;
    struct cursor c = p->at;
    out->proto = PROTO_SCTP;
    out->transport = TRANSPORT_SCTP;
    out->src.port = cursor_u16(&c);
    out->dst.port = cursor_u16(&c);
    if (cursor_left(&p->at) < SCTP_HEADER_SIZE)
        return net_malformed(n, p->wire < SCTP_HEADER_SIZE ? REASON_LENGTH : REASON_TRUNCATED);
    out->payload_wire = p->wire;
    out->payload = slice_of(p->at.at, cursor_left(&p->at));
    return NET_SCTP;
}
