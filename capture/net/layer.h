/* What one layer hands to the next. A layer reads its header from the packet's cursor, writes what
 * it learned into the datagram, and returns the verdict of the layer it calls next. */
#pragma once

#include "base/cursor.h"
#include "capture/net/fragment.h"
#include "capture/net/net.h"

/* Headers in a frame before we stop believing it: tags, labels, LLC, IP, tunnels. */
#define LAYERS_MAX 16
/* Of these, tunnels (see enum wrapping). */
#define TUNNELS_MAX 5

/* Why something is malformed. */
enum net_reason {
    REASON_TRUNCATED = LABEL_PARSE_TRUNCATED,
    REASON_VERSION = LABEL_PARSE_VERSION,
    REASON_LENGTH = LABEL_PARSE_LENGTH,
    REASON_SYNTAX = LABEL_PARSE_SYNTAX,
    REASON_LIMIT = LABEL_PARSE_LIMIT,
    REASON_UNSUPPORTED = LABEL_PARSE_UNSUPPORTED,
};

struct net {
    struct fragments *fragments;
    struct counters *counters;
    unsigned errors_cell; /* PARSE_ERRORS{proto="other"}, first reason */
    /* Set while we only believe, by its port, that a UDP datagram is a tunnel. The first good IP
     * header inside proves it and clears this. Until then nothing is counted, and the datagram may
     * turn out to be one after all (udp.c). */
    bool trial;
    struct net_unreachable unreachable; /* icmp.c */
    struct space_entry *spaces; /* sorted, see tunnel.c */
    uint32_t spaces_count;
};

struct packet {
    struct cursor
        at;         /* captured bytes of the layer that is called, up to the end of what holds it */
    uint32_t wire;  /* behind an IP header: bytes of its payload that were on the wire */
    uint8_t layers; /* passed so far */
    uint8_t tags;   /* VLAN tags among them */
    uint8_t fragments; /* fragment headers of this IPv6 packet */
    uint8_t tunnels;   /* passed so far */
    struct datagram *out;
};

typedef enum net_verdict layer_fn(struct net *n, struct packet *p);

/* net.c: the tables. */
enum net_verdict net_ethertype(struct net *n, struct packet *p, uint16_t type);
enum net_verdict net_proto(struct net *n, struct packet *p, uint8_t proto);
/* Adds a fragment; goes on with the whole when it was the last that missed. */
enum net_verdict net_fragment(struct net *n, struct packet *p, const struct fragment *fragment);
/* Counts it; returns NET_MALFORMED. */
enum net_verdict net_malformed(struct net *n, enum net_reason reason);

/* tunnel.c */
/* What follows is somebody else's packet; `id` is the tunnel's number, 0 when it has none. False
 * when there are too many: that is counted, the packet is malformed. */
bool net_tunnel(struct net *n, struct packet *p, enum wrapping wrapping, uint32_t id);
/* Notes a VLAN id. */
void net_vlan(struct net *n, struct packet *p, uint16_t id);
/* Takes a copy. 0 or ERR_NOMEM. */
int net_spaces_set(struct net *n, const struct net_space *spaces, uint32_t count);

/* One file each. */
layer_fn ethernet_decode;
layer_fn ethernet_tag; /* behind the EtherType of a VLAN tag */
layer_fn security_tag_decode;
layer_fn port_tag_decode;
layer_fn cooked_decode;
layer_fn cooked2_decode;
layer_fn null_decode;
layer_fn ip_decode; /* raw IP: by its version */
layer_fn ip4_decode;
layer_fn authentication_decode; /* in IPv4 */
layer_fn ip6_decode;
layer_fn udp_decode;
layer_fn icmp4_decode;
layer_fn icmp6_decode;
layer_fn tcp_decode;
layer_fn sctp_decode;
layer_fn backbone_decode; /* behind the EtherType of 802.1ah */
layer_fn mpls_decode;
layer_fn pppoe_decode;
layer_fn ppp_decode;
layer_fn cisco_hdlc_decode;
/* Tunnels in IP. */
layer_fn ipip4_decode;
layer_fn ipip6_decode;
layer_fn gre_decode;
layer_fn erspan1_decode; /* these two: behind the GRE header */
layer_fn erspan_decode;
layer_fn esp_decode;
layer_fn l2tp3_decode;
/* Tunnels in UDP: called with the UDP payload in p->at, its size on the wire in p->wire, and
 * n->trial set. */
layer_fn vxlan_decode;
layer_fn vxlan_gpe_decode;
layer_fn geneve_decode;
layer_fn gtpu_decode;
layer_fn tzsp_decode;
layer_fn l2tp_udp_decode;
layer_fn teredo_decode;
layer_fn sctp_udp_decode;
/* Does it look like an Ethernet frame with IP in it? Where no header says so. */
bool ethernet_likely(struct cursor c);
/* The extension headers from `next` on. */
enum net_verdict ip6_chain(struct net *n, struct packet *p, uint8_t next);

/* A header of fixed size, and a cursor over it. False when it is not all there. The compiler sees
 * the size and drops the cursor's checks: that halves the time of a plain packet. */
static inline bool packet_header(struct cursor *from, size_t size, struct cursor *ret_header)
{
    if (__builtin_expect(cursor_left(from) < size, 0)) {
        from->failed = true;
        from->at = from->end;
        return false;
    }
    *ret_header = (struct cursor){.at = from->at, .end = from->at + size};
    from->at += size;
    return true;
}

/* Cuts what lies behind the IP packet (Ethernet padding, an FCS), given its payload's size on the
 * wire. */
static inline void packet_clip(struct packet *p, uint32_t wire)
{
    p->wire = wire;
    if (cursor_left(&p->at) > wire)
        p->at.end = p->at.at + wire;
}

/* net.c: the long way, for every frame. */
enum net_verdict net_decode_layers(struct net *n, const struct frame *frame,
                                   struct datagram *ret_datagram);
/* plain.c: the short way for frames that are nothing special. False: not one of them, *out is as it
 * was. */
bool plain_decode(const struct net *n, const struct frame *frame, struct datagram *out);

/* udp.c: may a tunnel be behind this port? A hash without collisions, so one look tells. */
#define UDP_TUNNEL_SLOTS      32
#define UDP_TUNNEL_SLOT(port) (((port) ^ (port) >> 7) % UDP_TUNNEL_SLOTS)
extern const uint16_t udp_tunnel_ports[UDP_TUNNEL_SLOTS];

static inline bool udp_tunnel_port(unsigned port)
{
    return udp_tunnel_ports[UDP_TUNNEL_SLOT(port)] == port;
}
