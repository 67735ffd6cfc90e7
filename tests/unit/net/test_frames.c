/* Link layers, IP headers and UDP: frames of every link type, and every way to be wrong. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "capture/net/layer.h"
#include "tests/unit/net/packets.h"

static const char text[] = "OPTIONS sip:a@b SIP/2.0";

struct link_case {
    const char *name;
    uint16_t link_type;
    const char *header;
    int version; /* of IP */
    uint16_t vlan_outer;
    uint16_t vlan_inner;
};

static const struct link_case link_cases[] = {
    {"Ethernet", LINK_ETHERNET, MACS "0800", 4, 0, 0},
    {"Ethernet, IPv6", LINK_ETHERNET, MACS "86dd", 6, 0, 0},
    {"802.1Q", LINK_ETHERNET, MACS "8100a064 0800", 4, 100, 0},
    {"priority tag", LINK_ETHERNET, MACS "8100a000 0800", 4, 0, 0},
    {"802.1ad", LINK_ETHERNET, MACS "88a80065 81000066 86dd", 6, 101, 102},
    {"QinQ of old", LINK_ETHERNET, MACS "91000fff 81000001 0800", 4, 4095, 1},
    {"three tags", LINK_ETHERNET, MACS "88a80001 81000002 81000003 0800", 4, 1, 2},
    {"802.3 SNAP", LINK_ETHERNET, MACS "0047 aaaa03 000000 0800", 4, 0, 0},
    {"802.3 SNAP, tagged", LINK_ETHERNET, MACS "81000007 0047 aaaa03 000000 86dd", 6, 7, 0},
    {"802.3 LLC", LINK_ETHERNET, MACS "0040 060603", 4, 0, 0},
    {"cooked", LINK_LINUX_SLL, "0004 0001 0006 0200000000010000 0800", 4, 0, 0},
    {"cooked, tagged", LINK_LINUX_SLL, "0004 0001 0006 0200000000010000 8100 0009 86dd", 6, 9, 0},
    {"cooked 2", LINK_LINUX_SLL2, "86dd 0000 00000002 0001 04 06 0200000000010000", 6, 0, 0},
    {"raw 4", LINK_RAW, "", 4, 0, 0},
    {"raw 6", LINK_RAW, "", 6, 0, 0},
    {"raw by its DLT number", 12, "", 4, 0, 0},
    {"raw by OpenBSD's DLT number", 14, "", 6, 0, 0},
    {"IPv4", LINK_IPV4, "", 4, 0, 0},
    {"IPv6", LINK_IPV6, "", 6, 0, 0},
    {"null, little endian", LINK_NULL, "02000000", 4, 0, 0},
    {"null, big endian", LINK_NULL, "00000002", 4, 0, 0},
    {"null, macOS", LINK_NULL, "1e000000", 6, 0, 0},
    {"null, FreeBSD, big endian", LINK_NULL, "0000001c", 6, 0, 0},
    {"null with an EtherType", LINK_NULL, "00000800", 4, 0, 0},
    {"loop", LINK_LOOP, "00000018", 6, 0, 0},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void build(struct buf *b, const struct link_case *c)
{
    struct buf udp;
    buf_init(&udp, 1 << 16);
    put_udp(&udp, slice_str(text), 0);
    buf_clear(b);
    put_hex(b, c->header);
    if (c->version == 4)
        put_ip4(b, &(struct ip4_fields){.id = 77}, buf_view(&udp));
    else
        put_ip6(b, PROTO_UDP, buf_view(&udp));
    buf_fini(&udp);
}

static void check(const struct link_case *c, const struct datagram *d, size_t payload_size)
{
    char src[ENDPOINT_TEXT_SIZE];
    char dst[ENDPOINT_TEXT_SIZE];
    endpoint_text(&d->src, src);
    endpoint_text(&d->dst, dst);
    cr_assert_str_eq(src, c->version == 4 ? "192.0.2.1:5060" : "[2001:db8::1]:5060", "%s", c->name);
    cr_assert_str_eq(dst, c->version == 4 ? "198.51.100.2:16384" : "[2001:db8::2]:16384");
    cr_assert_eq(d->vlan_outer, c->vlan_outer, "%s", c->name);
    cr_assert_eq(d->vlan_inner, c->vlan_inner, "%s", c->name);
    cr_assert_eq(d->ip_id, c->version == 4 ? 77 : 0);
    cr_assert_eq(d->ttl, 61);
    cr_assert_eq(d->tos, 0xb8);
    cr_assert_eq(d->proto, PROTO_UDP);
    cr_assert_eq(d->iface, 3);
    cr_assert_eq(d->time_ns, 5);
    cr_assert_not(d->fragmented);
    cr_assert_eq(d->payload_wire, strlen(text));
    cr_assert(slice_equal(d->payload, slice_of(text, payload_size)), "%s", c->name);
}

Test(net, every_link_type_gives_the_same_datagram)
{
    struct net *n = new_net(NULL);
    struct buf b;
    struct buf payload;
    buf_init(&b, 1 << 16);
    buf_init(&payload, 1 << 16);
    for (size_t i = 0; i < COUNT(link_cases); i++) {
        struct datagram d;
        build(&b, &link_cases[i]);
        cr_assert_eq(decode_at(n, link_cases[i].link_type, buf_view(&b), 5, &d, &payload),
                     NET_DATAGRAM, "%s", link_cases[i].name);
        check(&link_cases[i], &d, strlen(text));
        put_hex(&b, "00000000 deadbeef"); /* padding and a frame check sequence */
        cr_assert_eq(decode_at(n, link_cases[i].link_type, buf_view(&b), 5, &d, &payload),
                     NET_DATAGRAM);
        check(&link_cases[i], &d, strlen(text));
    }
    buf_fini(&b);
    buf_fini(&payload);
    net_free(n);
}

Test(net, every_truncation_is_refused_or_gives_the_bytes_that_are_there)
{
    struct counters *counters = calloc(1, sizeof *counters);
    struct net *n = new_net(counters);
    struct buf b;
    struct buf payload;
    buf_init(&b, 1 << 16);
    buf_init(&payload, 1 << 16);
    uint64_t refused = 0;
    for (size_t i = 0; i < COUNT(link_cases); i++) {
        build(&b, &link_cases[i]);
        size_t headers = b.size - strlen(text);
        for (size_t cut = 0; cut < b.size; cut++) {
            struct datagram d;
            enum net_verdict v =
                decode_at(n, link_cases[i].link_type, slice_of(b.data, cut), 5, &d, &payload);
            if (cut < headers) {
                cr_assert_eq(v, NET_MALFORMED, "%s cut at %zu", link_cases[i].name, cut);
                refused++;
            } else {
                cr_assert_eq(v, NET_DATAGRAM, "%s cut at %zu", link_cases[i].name, cut);
                check(&link_cases[i], &d, cut - headers);
            }
        }
    }
    cr_assert_eq(parse_errors(counters, "truncated"), refused);
    buf_fini(&b);
    buf_fini(&payload);
    net_free(n);
    free(counters);
}

struct odd_case {
    const char *name;
    uint16_t link_type;
    const char *frame;
    enum net_verdict verdict;
    const char *reason; /* counted, when malformed */
};

#define ADDRESSES "c0000201c6336402"
#define UDP_EMPTY "13c4 4000 0008 0000"
#define V6        "20010db8000000000000000000000001 20010db8000000000000000000000002"

static const struct odd_case odd_cases[] = {
    {"unknown link type", 147, "00210000", NET_MALFORMED, "unsupported"},
    {"ARP", LINK_ETHERNET, MACS "0806 0001", NET_OTHER, NULL},
    {"spanning tree", LINK_ETHERNET, MACS "0026 424203 0000", NET_OTHER, NULL},
    {"SNAP of another organisation", LINK_ETHERNET, MACS "0026 aaaa03 00000c 2000", NET_OTHER,
     NULL},
    {"tags without end", LINK_ETHERNET,
     MACS
     "81000001 81000001 81000001 81000001 81000001 81000001 81000001 81000001 81000001 81000001 "
     "81000001 81000001 81000001 81000001 81000001 81000001 81000001 81000001",
     NET_MALFORMED, "limit"},
    {"another address family", LINK_NULL, "07000000 45", NET_OTHER, NULL},
    {"raw of version 5", LINK_RAW, "55000000", NET_MALFORMED, "version"},
    {"ICMP", LINK_IPV4, "45000014 00000000 40010000" ADDRESSES, NET_OTHER, NULL},
    {"TCP without a header", LINK_IPV4, "45000014 00000000 40060000" ADDRESSES, NET_MALFORMED,
     "length"},
    {"version 6 where 4 should be", LINK_IPV4, "65000014 00000000 40110000" ADDRESSES,
     NET_MALFORMED, "version"},
    {"header of 16 bytes", LINK_IPV4, "4400001c 00000000 40110000" ADDRESSES UDP_EMPTY,
     NET_MALFORMED, "length"},
    {"total below the header", LINK_IPV4, "45000013 00000000 40110000" ADDRESSES UDP_EMPTY,
     NET_MALFORMED, "length"},
    {"no room for UDP", LINK_IPV4, "4500001b 00000000 40110000" ADDRESSES UDP_EMPTY, NET_MALFORMED,
     "length"},
    {"options that are not there", LINK_IPV4, "4f00003c 00000000 40110000" ADDRESSES UDP_EMPTY,
     NET_MALFORMED, "truncated"},
    {"options", LINK_IPV4, "46000020 00000000 40110000" ADDRESSES "01010101" UDP_EMPTY,
     NET_DATAGRAM, NULL},
    {"total left to the card", LINK_IPV4, "45000000 00000000 40110000" ADDRESSES UDP_EMPTY,
     NET_DATAGRAM, NULL},
    {"UDP shorter than its header", LINK_IPV4,
     "4500001c 00000000 40110000" ADDRESSES "13c4 4000 0007 0000", NET_MALFORMED, "length"},
    {"UDP longer than IP", LINK_IPV4,
     "4500001c 00000000 40110000" ADDRESSES "13c4 4000 0009 0000 00", NET_MALFORMED, "length"},
    {"UDP shorter than IP", LINK_IPV4, "4500001e 00000000 40110000" ADDRESSES UDP_EMPTY "ffff",
     NET_DATAGRAM, NULL},
    {"IPv6, length 0 of UDP", LINK_IPV6, "60000000 0008 11 40" V6 "13c4 4000 0000 0000",
     NET_MALFORMED, "length"},
    {"IPv6, hop by hop, routing, destination, AH", LINK_IPV6,
     "60000000 0038 00 40" V6
     "2b00010400000000 3c01 0000 00000000 0000000000000000 3300010400000000 "
     "1102 0000 00000000 00000000 00000000" UDP_EMPTY,
     NET_DATAGRAM, NULL},
    {"IPv6, header beyond the payload", LINK_IPV6,
     "60000000 0008 00 40" V6 "1101010400000000" UDP_EMPTY, NET_MALFORMED, "truncated"},
    {"IPv6, nine headers", LINK_IPV6,
     "60000000 0050 00 40" V6 "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 "
     "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 "
     "1100010400000000" UDP_EMPTY,
     NET_MALFORMED, "limit"},
    {"IPv6, nothing behind", LINK_IPV6, "60000000 0000 3b 40" V6, NET_OTHER, NULL},
    {"IPv6, atomic fragment", LINK_IPV6, "60000000 0010 2c 40" V6 "1100 0000 00000001" UDP_EMPTY,
     NET_DATAGRAM, NULL},
    {"IPv6, fragment in a fragment", LINK_IPV6,
     "60000000 0018 2c 40" V6 "2c00 0000 00000001 1100 0000 00000001" UDP_EMPTY, NET_MALFORMED,
     "limit"},
    {"IPv6, version 4", LINK_IPV6, "40000000 0008 11 40" V6 UDP_EMPTY, NET_MALFORMED, "version"},
};

Test(net, odd_frames_get_their_verdict_and_reason)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < COUNT(odd_cases); i++) {
        const struct odd_case *c = &odd_cases[i];
        struct counters *counters = calloc(1, sizeof *counters);
        struct net *n = new_net(counters);
        struct datagram d;
        buf_clear(&b);
        put_hex(&b, c->frame);
        cr_assert_eq(decode_at(n, c->link_type, buf_view(&b), 0, &d, NULL), c->verdict, "%s",
                     c->name);
        if (c->reason)
            cr_assert_eq(parse_errors(counters, c->reason), 1, "%s", c->name);
        if (c->verdict == NET_DATAGRAM)
            cr_assert_eq(d.payload_wire, 0, "%s", c->name);
        net_free(n);
        free(counters);
    }
    buf_fini(&b);
}

Test(net, reasons_stand_in_the_order_of_their_labels)
{
    static const char *const names[] = {"truncated", "version", "length",
                                        "syntax",    "limit",   "unsupported"};
    for (unsigned i = REASON_TRUNCATED; i <= REASON_UNSUPPORTED; i++)
        cr_assert_str_eq(label_text(LABELS_PARSE_REASON, i), names[i]);
}

Test(net, changed_bytes_never_read_beyond_the_frame)
{
    struct net *n = new_net(NULL);
    struct buf b;
    buf_init(&b, 1 << 16);
    uint32_t random = 1;
    for (size_t i = 0; i < COUNT(link_cases); i++) {
        build(&b, &link_cases[i]);
        for (int round = 0; round < 300; round++) {
            uint8_t kept[4];
            size_t at[4];
            for (int k = 0; k < 4; k++) {
                random = random * 1664525 + 1013904223;
                at[k] = (random >> 8) % b.size;
                kept[k] = b.data[at[k]];
                b.data[at[k]] = (uint8_t)(random >> 24);
            }
            struct datagram d;
            if (decode_at(n, link_cases[i].link_type, buf_view(&b), round, &d, NULL) ==
                NET_DATAGRAM)
                cr_assert_leq(d.payload.size, d.payload_wire);
            for (int k = 3; k >= 0; k--)
                b.data[at[k]] = kept[k];
        }
    }
    buf_fini(&b);
    net_free(n);
}
