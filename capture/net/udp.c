/* UDP (RFC 768): ports and a length that must fit what IP carried. Some ports stand for tunnels.
 *
 * A port is no proof: calls take their ports from ranges that hold those of tunnels. So a tunnel is
 * tried (n->trial), and when its header is not right, or it leads to no IP header, the datagram is
 * what it was: a datagram. Once there is an IP header, what is found behind it stands, good or bad.
 */
#include "capture/net/layer.h"

#define HEADER_SIZE 8

#define TUNNEL_PORTS(X)                                                                            \
    X(4789, vxlan_decode)                                                                          \
    X(8472, vxlan_decode) /* what Linux takes, since before there was a number */                  \
    X(4790, vxlan_gpe_decode)                                                                      \
    X(6081, geneve_decode)                                                                         \
    X(2152, gtpu_decode)                                                                           \
    X(37008, tzsp_decode)                                                                          \
    X(1701, l2tp_udp_decode)                                                                       \
    X(3544, teredo_decode)                                                                         \
    X(4500, esp_decode)                                                                            \
    X(9899, sctp_udp_decode)

/* Two ports of one slot would be an error of the compiler (-Woverride-init). */
#define SLOT(port)       UDP_TUNNEL_SLOT(port)
#define PORT(port, ...)  [SLOT(port)] = (port),
#define LAYER(port, ...) [SLOT(port)] = (__VA_ARGS__),

const uint16_t udp_tunnel_ports[UDP_TUNNEL_SLOTS] = {TUNNEL_PORTS(PORT)};
static layer_fn *const tunnel_layers[UDP_TUNNEL_SLOTS] = {TUNNEL_PORTS(LAYER)};

/* What layers write ahead of the first IP header. */
struct kept {
    uint32_t src_space;
    uint32_t dst_space;
    uint16_t vlan_outer;
    uint16_t vlan_inner;
    uint16_t ip_id;
    uint8_t priority;
    uint8_t wrapping;
    uint8_t wrap_depth;
};

static inline struct kept keep(const struct datagram *d)
{
    return (struct kept){
        .src_space = d->src.space,
        .dst_space = d->dst.space,
        .vlan_outer = d->vlan_outer,
        .vlan_inner = d->vlan_inner,
        .ip_id = d->ip_id,
        .priority = d->priority,
        .wrapping = d->wrapping,
        .wrap_depth = d->wrap_depth,
    };
}

static void restore(struct datagram *d, const struct kept *kept)
{
    d->src.space = kept->src_space;
    d->dst.space = kept->dst_space;
    d->vlan_outer = kept->vlan_outer;
    d->vlan_inner = kept->vlan_inner;
    d->ip_id = kept->ip_id;
    d->priority = kept->priority;
    d->wrapping = kept->wrapping;
    d->wrap_depth = kept->wrap_depth;
}

/* True when the datagram is a tunnel of this port; *ret is then what it leads to. */
static inline bool try_tunnel(struct net *n, const struct packet *p, unsigned port,
                              enum net_verdict *ret_verdict)
{
    if (!udp_tunnel_port(port) || port == 0)
        return false;
    struct kept kept = keep(p->out);
    struct packet inner = *p;
    inner.at = cursor_over(p->out->payload);
    inner.wire = p->out->payload_wire;
    n->trial = true;
    *ret_verdict = tunnel_layers[SLOT(port)](n, &inner);
    if (!n->trial)
        return true;
    n->trial = false;
    restore(p->out, &kept);
    return false;
}

static __attribute__((noinline)) enum net_verdict tunnel_or_not(struct net *n,
                                                                const struct packet *p)
{
    unsigned src = p->out->src.port;
    unsigned dst = p->out->dst.port;
    enum net_verdict verdict;
    if (try_tunnel(n, p, dst, &verdict) || (src != dst && try_tunnel(n, p, src, &verdict)))
        return verdict;
    return NET_DATAGRAM;
}

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
    if (__builtin_expect(udp_tunnel_port(out->src.port) || udp_tunnel_port(out->dst.port), 0))
        return tunnel_or_not(n, p);
    return NET_DATAGRAM;
}
