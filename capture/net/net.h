/* Frames to datagrams: link layers, VLAN tags, IPv4 and IPv6, fragments, tunnels, UDP. A layer is a file; each takes a
 * cursor's place in the frame and hands on to the next by the table in net.c.
 *
 * Fragments are kept in a bounded table with first-byte-wins overlap (RFC 815 in spirit, RFC 5722 for IPv6: an overlap
 * kills an IPv6 datagram); time is packet time. */
#pragma once

#include "base/counters.h"
#include "capture/net/datagram.h"
#include "capture/source/frame.h"

struct net;

/* A VLAN or a tunnel whose packets live in an address space of their own, so that equal addresses of
 * two tenants never meet. */
struct net_space {
    uint8_t wrapping; /* enum wrapping; WRAP_NONE: `id` is that of a VLAN */
    uint32_t id;      /* VLAN id, VNI, TEID, GRE key, ...; 0 for tunnels without */
    uint32_t space;   /* of the endpoints */
};

#define NET_SPACES_MAX 65536

struct net_config {
    struct hash_seed seed;
    size_t fragment_bytes_max;   /* default 32 MiB for all unfinished datagrams */
    uint32_t fragment_count_max; /* default 10000 unfinished datagrams */
    int64_t fragment_timeout_ns; /* default 30 s of packet time */
    /* Copied by net_new(), at most NET_SPACES_MAX; of several entries for the same thing the first
     * counts. A packet's space is that of the innermost VLAN or tunnel that stands here, else 0. */
    const struct net_space *spaces;
    uint32_t spaces_count;
};

enum net_verdict {
    NET_DATAGRAM,  /* UDP: *ret is filled */
    NET_SEGMENT,   /* TCP: likewise, see tcp.h */
    NET_SCTP,      /* SCTP, of its own or inside UDP: likewise, see sctp.h */
    NET_OTHER,     /* understood, but none of these (ARP, ...) */
    NET_HELD,      /* a fragment, kept or dropped by its bounds */
    NET_MALFORMED, /* counted with its reason */
    NET_UNREACHABLE, /* ICMP quotes a UDP datagram that did not arrive: *ret is that one, cut; see net_unreachable() */
};

/* What did not let it arrive. */
enum net_unreached { UNREACHED_PORT, UNREACHED_HOST, UNREACHED_NET, UNREACHED_PROHIBITED };
struct net_unreachable {
    struct addr by;
    enum net_unreached reason;
};

/* `counters` may be NULL. NULL when there is no memory, or there are too many spaces. */
struct net *net_new(const struct net_config *config, struct counters *counters);
void net_free(struct net *n);
enum net_verdict net_decode(struct net *n, const struct frame *frame, struct datagram *ret_datagram);
/* Of the frame that was decoded last, when its verdict was NET_UNREACHABLE. */
const struct net_unreachable *net_unreachable(const struct net *n);
/* Gives up fragments that are too old; called from the front's tick. */
void net_tick(struct net *n, int64_t now_ns);
