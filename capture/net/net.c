/* The tables that say which layer comes next, and the entry to them. */
#include "capture/net/net.h"

#include <stdlib.h>

#include "capture/net/layer.h"

#define FRAGMENT_BYTES_DEFAULT   (32u << 20)
#define FRAGMENT_COUNT_DEFAULT   10000
#define FRAGMENT_TIMEOUT_DEFAULT INT64_C(30000000000)

struct layer {
    uint16_t number;
    layer_fn *decode;
};

/* Each in order of frequency: they are searched from the top. */
static const struct layer link_layers[] = {
    {LINK_ETHERNET, ethernet_decode},
    {LINK_LINUX_SLL, cooked_decode},
    {LINK_LINUX_SLL2, cooked2_decode},
    {LINK_RAW, ip_decode},
    {LINK_NULL, null_decode},
    {LINK_LOOP, null_decode},
    {LINK_IPV4, ip4_decode},
    {LINK_IPV6, ip6_decode},
    {12, ip_decode}, /* LINK_RAW in files that give the DLT_ number of their system */
    {14, ip_decode},
    {9, ppp_decode},          /* PPP */
    {50, ppp_decode},         /* PPP_HDLC: PPP, or Cisco's framing, in HDLC */
    {51, pppoe_decode},       /* PPP_ETHER: from the PPPoE header on */
    {104, cisco_hdlc_decode}, /* C_HDLC */
};

static const struct layer ethertypes[] = {
    {0x0800, ip4_decode},
    {0x86dd, ip6_decode},
    {0x8100, ethernet_tag}, /* 802.1Q */
    {0x88a8, ethernet_tag}, /* 802.1ad, the outer tag of QinQ */
    {0x9100, ethernet_tag}, /* the same before it had a standard */
    {0x9200, ethernet_tag},
    {0x8847, mpls_decode},
    {0x8848, mpls_decode}, /* multicast, or labels of the upstream's choice */
    {0x8864, pppoe_decode},
    {0x6558, ethernet_decode}, /* transparent Ethernet bridging: in GRE and GENEVE */
    {0x880b, ppp_decode},      /* in GRE */
    {0x88e7, backbone_decode}, /* 802.1ah */
    {0x8909, security_tag_decode},
    {0x8926, port_tag_decode},
};

static const struct layer protocols[] = {
    {PROTO_UDP, udp_decode}, {PROTO_TCP, tcp_decode}, {PROTO_SCTP, sctp_decode},
    {47, gre_decode},        {4, ipip4_decode},       {41, ipip6_decode},
    {50, esp_decode},        {115, l2tp3_decode},     {PROTO_ICMP, icmp4_decode},
    {58, icmp6_decode},      {51, authentication_decode},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static inline layer_fn *find(const struct layer *table, size_t count, uint16_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].number == number)
            return table[i].decode;
    }
    return NULL;
}

enum net_verdict net_malformed(struct net *n, enum net_reason reason)
{
    if (n->counters && !n->trial)
        counters_add(n->counters, n->errors_cell + reason, 1);
    return NET_MALFORMED;
}

/* One more layer; unknown numbers are somebody else's traffic and no error. */
static inline enum net_verdict enter(struct net *n, struct packet *p, layer_fn *decode)
{
    if (decode == NULL)
        return NET_OTHER;
    if (__builtin_expect(++p->layers > LAYERS_MAX, 0))
        return net_malformed(n, REASON_LIMIT);
    return decode(n, p);
}

enum net_verdict net_ethertype(struct net *n, struct packet *p, uint16_t type)
{
    return enter(n, p, find(ethertypes, COUNT(ethertypes), type));
}

enum net_verdict net_proto(struct net *n, struct packet *p, uint8_t proto)
{
    p->out->proto = proto;
    p->out->transport = proto;
    return enter(n, p, find(protocols, COUNT(protocols), proto));
}

enum net_verdict net_fragment(struct net *n, struct packet *p, const struct fragment *fragment)
{
    struct fragment_whole whole;
    switch (fragments_add(n->fragments, fragment, &whole)) {
    case FRAGMENT_HELD:
        return NET_HELD;
    case FRAGMENT_LENGTH:
        return net_malformed(n, REASON_LENGTH);
    case FRAGMENT_SYNTAX:
        return net_malformed(n, REASON_SYNTAX);
    case FRAGMENT_WHOLE:
        break;
    }
    p->at = cursor_over(whole.bytes);
    p->wire = (uint32_t)whole.bytes.size;
    p->out->ttl = whole.ttl;
    p->out->tos = whole.tos;
    p->out->fragmented = true;
    return fragment->ip6 ? ip6_chain(n, p, whole.proto) : net_proto(n, p, whole.proto);
}

/* Field by field: for the whole struct the compiler takes a string instruction, which alone costs
 * as much as all layers of a plain packet. */
static inline void clear(struct datagram *d)
{
    d->src = (struct endpoint){0};
    d->dst = (struct endpoint){0};
    d->payload = slice_none();
    d->payload_wire = 0;
    d->vlan_outer = 0;
    d->vlan_inner = 0;
    d->ip_id = 0;
    d->proto = 0;
    d->transport = 0;
    d->wrapping = WRAP_NONE;
    d->wrap_depth = 0;
    d->ttl = 0;
    d->tos = 0;
    d->priority = 0;
    d->fragmented = false;
}

enum net_verdict net_decode_layers(struct net *n, const struct frame *frame,
                                   struct datagram *ret_datagram)
{
    layer_fn *decode = find(link_layers, COUNT(link_layers), frame->link_type);
    if (decode == NULL)
        return net_malformed(n, REASON_UNSUPPORTED);
    clear(ret_datagram);
    ret_datagram->time_ns = frame->time_ns;
    ret_datagram->iface = (uint8_t)frame->iface;
    struct packet p = {.at = cursor_over(frame->bytes), .out = ret_datagram};
    n->trial = false;
    return decode(n, &p);
}

enum net_verdict net_decode(struct net *n, const struct frame *frame, struct datagram *ret_datagram)
{
    if (__builtin_expect(plain_decode(n, frame, ret_datagram), 1))
        return NET_DATAGRAM;
    return net_decode_layers(n, frame, ret_datagram);
}

const struct net_unreachable *net_unreachable(const struct net *n)
{
    return &n->unreachable;
}

void net_tick(struct net *n, int64_t now_ns)
{
    fragments_expire(n->fragments, now_ns);
}

struct net *net_new(const struct net_config *config, struct counters *counters)
{
    struct net *n = calloc(1, sizeof *n);
    if (n == NULL)
        return NULL;
    n->counters = counters;
    n->errors_cell = C_PARSE_ERRORS + label_find(LABELS_PROTO, slice_str("other")) *
                                          (unsigned)LABEL_COUNT_PARSE_REASON;
    n->fragments = fragments_new(
        &config->seed,
        config->fragment_bytes_max ? config->fragment_bytes_max : FRAGMENT_BYTES_DEFAULT,
        config->fragment_count_max ? config->fragment_count_max : FRAGMENT_COUNT_DEFAULT,
        config->fragment_timeout_ns ? config->fragment_timeout_ns : FRAGMENT_TIMEOUT_DEFAULT,
        counters);
    if (n->fragments == NULL || net_spaces_set(n, config->spaces, config->spaces_count) != 0) {
        net_free(n);
        return NULL;
    }
    return n;
}

void net_free(struct net *n)
{
    if (n == NULL)
        return;
    fragments_free(n->fragments);
    free(n->spaces);
    free(n);
}
