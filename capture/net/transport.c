/* TCP and SCTP as far as a single packet goes: ports, sequence, flags. What comes after is put
 * together by tcp.h and sctp.h. SCTP also comes inside UDP (RFC 6951). */
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

/* RFC 9260 and its extensions: DATA to ECN, SHUTDOWN COMPLETE; AUTH, I-DATA, address changes,
 * padding, forward TSN and re-configuration. */
static bool is_chunk_type(uint8_t type)
{
    static const uint8_t extensions[] = {0x0f, 0x40, 0x80, 0x82, 0x84, 0xc0, 0xc1, 0xc2};
    return type <= 14 || memchr(extensions, type, sizeof extensions) != NULL;
}

/* Known chunks one behind the other up to the end; of a packet cut by the capture, up to the cut.
 */
static bool are_chunks(struct cursor c, bool cut)
{
    bool any = false;
    while (cursor_left(&c) >= 4) {
        uint8_t type = cursor_u8(&c);
        cursor_skip(&c, 1);
        size_t size = cursor_u16(&c);
        if (!is_chunk_type(type) || size < 4)
            return false;
        if (size - 4 > cursor_left(&c))
            return cut;
        cursor_skip(&c, size - 4);
        cursor_skip(&c,
                    (4 - size % 4) % 4 < cursor_left(&c) ? (4 - size % 4) % 4 : cursor_left(&c));
        any = true;
    }
    return any && (cut || cursor_left(&c) == 0);
}

enum net_verdict sctp_udp_decode(struct net *n, struct packet *p)
{
    struct cursor c = p->at;
    cursor_skip(&c, SCTP_HEADER_SIZE);
    if (c.failed || !are_chunks(c, cursor_left(&p->at) < p->wire))
        return NET_OTHER;
    n->trial = false;
    return sctp_decode(n, p);
}
