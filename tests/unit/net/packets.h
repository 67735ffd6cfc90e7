/* Builders of packets, outermost layer last: the payload goes into a UDP header, that into IP, that
 * behind a link header. */
#pragma once

#include "base/buf.h"
#include "capture/net/net.h"

#define SRC4     0xc0000201u /* 192.0.2.1 */
#define DST4     0xc6336402u /* 198.51.100.2 */
#define SRC_PORT 5060
#define DST_PORT 16384

#define MACS         "020000000001020000000002"
#define OUTER4       "c0a80001 c0a80002" /* 192.168.0.1, .2 */
#define OUTER6       "fd000000000000000000000000000001 fd000000000000000000000000000002"
#define ETH4 MACS "0800"
#define ETH6 MACS "86dd"

#define INNER_TEXT "OPTIONS sip:a@b SIP/2.0"

struct ip4_fields {
    uint16_t id;
    uint16_t flags_offset; /* as on the wire */
    uint8_t options;       /* bytes, a multiple of 4 */
    uint8_t proto;         /* 0: UDP */
    int total_more;        /* added to the total length */
};

void put_hex(struct buf *b, const char *hex);
void put_udp(struct buf *b, struct slice payload, int length_more);
void put_ip4(struct buf *b, const struct ip4_fields *fields, struct slice payload);
void put_ip6(struct buf *b, uint8_t next, struct slice payload);
/* UDP with INNER_TEXT in IP of `version`. */
void put_inner(struct buf *b, int version);
/* `layers` around `inner`: hex, "<4:pp>" for IPv4 of protocol pp, "<6:pp>" for IPv6, "<u:pppp>" for
 * UDP from port 40000 to pppp. IP and UDP get their length from what lies in them. */
void put_wrapped(struct buf *b, const char *layers, struct slice inner);
/* n bytes that differ from place to place. */
void put_pattern(struct buf *b, size_t n);

struct net *new_net(struct counters *counters);
/* Decodes a copy that ends at an unmapped page; the datagram's payload is copied into
 * `ret_payload`, when it is not NULL, since the copy goes. */
enum net_verdict decode_at(struct net *n, uint16_t link_type, struct slice bytes, int64_t time_ns,
                           struct datagram *ret_datagram, struct buf *ret_payload);
uint64_t parse_errors(struct counters *c, const char *reason);
