/* A datagram: what the IP layer delivered, from whatever wrapping it came in. It borrows the frame's bytes, or the
 * reassembly buffer's: valid until the next net_decode(). */
#pragma once

#include "base/addr.h"

enum ip_proto { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_SCTP = 132 };

/* What carried a message. Where it is an IP protocol the numbers are the same. */
enum transport {
    TRANSPORT_TCP = PROTO_TCP,
    TRANSPORT_UDP = PROTO_UDP,
    TRANSPORT_SCTP = PROTO_SCTP,
    TRANSPORT_TLS = 200,
    TRANSPORT_WS = 201,
    TRANSPORT_WSS = 202,
};

/* "udp", "tcp", "tls", "sctp", "ws", "wss"; "" for other numbers. */
const char *transport_text(unsigned transport);

/* Tunnels: layers that carry somebody else's packets. VLAN tags, MPLS labels and PPPoE are none: they wrap one hop. */
enum wrapping {
    WRAP_NONE,
    WRAP_IPIP, /* IPv4 or IPv6 in either */
    WRAP_GRE,
    WRAP_ERSPAN,
    WRAP_VXLAN,
    WRAP_GENEVE,
    WRAP_GTPU,
    WRAP_TZSP,
    WRAP_L2TP,
    WRAP_ESP, /* with NULL encryption */
    WRAP_TEREDO,
    WRAP_HEP,
    WRAPPINGS,
};

/* "ipip", "gre", ...; "" for WRAP_NONE. */
const char *wrapping_text(unsigned wrapping);

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

struct datagram {
    struct endpoint src;
    struct endpoint dst;
    struct slice payload;   /* behind the UDP or TCP header; of SCTP the whole packet, common header and all */
    uint32_t payload_wire;  /* size on the wire; > payload.size when the capture cut it (snaplen) */
    int64_t time_ns;
    uint16_t vlan_outer;    /* 802.1Q id, 0: none; outer and inner of QinQ. Ahead of the outermost tunnel; where */
    uint16_t vlan_inner;    /* none are there, those of the first packet inside that has some (a mirrored frame's) */
    uint16_t ip_id;         /* IPv4 identification; 0 for IPv6 */
    uint8_t proto;          /* enum ip_proto */
    uint8_t transport;      /* enum transport: as proto, until a stream says more */
    uint8_t ttl;            /* or hop limit */
    uint8_t tos;            /* DSCP is its upper six bits */
    uint8_t iface;
    uint8_t priority;       /* 802.1p of the tag that vlan_outer is from, plus 1; 0: no tag */
    bool fragmented;        /* was reassembled from fragments, or what carried it was */
    /* ---- tunnels; the rest of this group is set only when there is one */
    uint8_t wrapping;       /* enum wrapping of the outermost; WRAP_NONE: none */
    uint8_t wrap_depth;     /* tunnels passed */
    uint32_t wrap_id;       /* of the outermost: VNI, TEID, GRE key, session id; 0: it has none */
    struct addr wrap_src;   /* its outer addresses */
    struct addr wrap_dst;
    /* ---- TCP: set only then */
    uint32_t tcp_seq;
    uint32_t tcp_ack;
    uint8_t tcp_flags;      /* enum tcp_flag */
};
