/* A datagram: what the IP layer delivered, from whatever wrapping it came in. It borrows the frame's bytes, or the
 * reassembly buffer's: valid until the next net_decode(). */
#pragma once

#include "base/addr.h"

enum ip_proto { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_SCTP = 132 };

struct datagram {
    struct endpoint src;
    struct endpoint dst;
    struct slice payload;   /* behind the UDP header */
    uint32_t payload_wire;  /* size on the wire; > payload.size when the capture cut it (snaplen) */
    int64_t time_ns;
    uint16_t vlan_outer;    /* 802.1Q id, 0: none; outer and inner of QinQ */
    uint16_t vlan_inner;
    uint16_t ip_id;         /* IPv4 identification; 0 for IPv6 */
    uint8_t proto;          /* enum ip_proto */
    uint8_t ttl;            /* or hop limit */
    uint8_t tos;            /* DSCP is its upper six bits */
    uint8_t iface;
    bool fragmented;        /* was reassembled from fragments */
};
