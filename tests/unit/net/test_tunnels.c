/* Everything that wraps packets: each wrapping leads to the same datagram inside; what only looks
 * like a tunnel stays what it was. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "capture/net/layer.h"
#include "tests/unit/net/packets.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char text[] = INNER_TEXT;

/* ---- wrapping ---- */

/* Layers up to the packet inside, which is UDP in IP of `version`. */
struct wrap_case {
    const char *name;
    const char *layers; /* as put_wrapped() takes them */
    int version;
    uint8_t wrapping;
    uint8_t depth;
    uint32_t id;
    uint16_t vlan_outer;
    uint16_t vlan_inner;
    uint16_t link_type; /* 0: Ethernet */
};

static const struct wrap_case cases[] = {
    {"MPLS", MACS "8847 000101ff", 4, 0, 0, 0, 0, 0, 0},
    {"MPLS, three labels, IPv6", MACS "8100 0007 8848 000100ff 000110ff 000121ff", 6, 0, 0, 0, 7, 0,
     0},
    {"pseudowire", MACS "8847 000101ff" ETH4, 4, 0, 0, 0, 0, 0, 0},
    {"pseudowire, control word", MACS "8847 000101ff 00000000" MACS "8100 0009 86dd", 6, 0, 0, 0, 9,
     0, 0},
    {"pseudowire to an address like IPv4", MACS "8847 000101ff 400000000001 020000000002 0800", 4,
     0, 0, 0, 0, 0, 0},
    {"pseudowire to an address like IPv6", MACS "8847 000101ff 600000000001 020000000002 0800", 4,
     0, 0, 0, 0, 0, 0},
    {"PPPoE", MACS "8864 11 00 0001 ffff 0021", 4, 0, 0, 0, 0, 0, 0},
    {"PPPoE, IPv6", MACS "8864 11 00 0001 ffff 0057", 6, 0, 0, 0, 0, 0, 0},
    {"PPPoE, MPLS", MACS "8864 11 00 0001 ffff 0281 000101ff", 4, 0, 0, 0, 0, 0, 0},
    {"PPP", "ff03 0021", 4, 0, 0, 0, 0, 0, 9},
    {"PPP, short protocol", "21", 4, 0, 0, 0, 0, 0, 9},
    {"PPP in HDLC", "ff03 0057", 6, 0, 0, 0, 0, 0, 50},
    {"Cisco's framing as PPP", "0f00 0800", 4, 0, 0, 0, 0, 0, 50},
    {"PPPoE as link", "11 00 0001 ffff 0021", 4, 0, 0, 0, 0, 0, 51},
    {"Cisco HDLC", "0f00 86dd", 6, 0, 0, 0, 0, 0, 104},
    {"802.1ah", MACS "88a8 0005 88e7 00000123" MACS "8100 0006 0800", 4, 0, 0, 0, 5, 6, 0},
    {"security tag", MACS "8909 0101 0001 0007 0800", 4, 0, 0, 0, 0, 0, 0},
    {"VN-Tag, VLAN", MACS "8926 00010002 8100 0005 86dd", 6, 0, 0, 0, 5, 0, 0},
    {"AH in IPv4", ETH4 "<4:33> 0404 0000 00000001 00000001 000000000000000000000000", 4, WRAP_IPIP, 1, 0, 0, 0, 0},
    {"IPv4 in IPv4", ETH4 "<4:04>", 4, WRAP_IPIP, 1, 0, 0, 0, 0},
    {"6in4", ETH4 "<4:29>", 6, WRAP_IPIP, 1, 0, 0, 0, 0},
    {"4in6", ETH6 "<6:04>", 4, WRAP_IPIP, 1, 0, 0, 0, 0},
    {"6in6", ETH6 "<6:29>", 6, WRAP_IPIP, 1, 0, 0, 0, 0},
    {"GRE", ETH4 "<4:2f> 0000 0800", 4, WRAP_GRE, 1, 0, 0, 0, 0},
    {"GRE in IPv6", ETH6 "<6:2f> 0000 86dd", 6, WRAP_GRE, 1, 0, 0, 0, 0},
    {"GRE, checksum", ETH4 "<4:2f> 8000 0800 12340000", 4, WRAP_GRE, 1, 0, 0, 0, 0},
    {"GRE, key", ETH4 "<4:2f> 2000 0800 00000929", 4, WRAP_GRE, 1, 0x929, 0, 0, 0},
    {"GRE, all", ETH4 "<4:2f> f000 86dd 12340000 80000001 00000002 0800 0004 0a000001 0000 0000", 6,
     WRAP_GRE, 1, 0x80000001, 0, 0, 0},
    {"GRE, Ethernet", ETH4 "<4:2f> 0000 6558" MACS "8100 0003 0800", 4, WRAP_GRE, 1, 0, 3, 0, 0},
    {"GRE, MPLS", ETH4 "<4:2f> 0000 8847 000101ff", 4, WRAP_GRE, 1, 0, 0, 0, 0},
    {"GRE, PPP", ETH4 "<4:2f> 0000 880b ff03 0021", 4, WRAP_GRE, 1, 0, 0, 0, 0},
    {"PPTP", ETH4 "<4:2f> 3081 880b ffff 0011 00000001 00000002 ff03 0021", 4, WRAP_GRE, 1, 0x11, 0,
     0, 0},
    {"WCCP 1", ETH4 "<4:2f> 0000 883e", 4, WRAP_GRE, 1, 0, 0, 0, 0},
    {"WCCP 2", ETH4 "<4:2f> 0000 883e 00010001", 4, WRAP_GRE, 1, 0, 0, 0, 0},
    {"ERSPAN I", ETH4 "<4:2f> 0000 88be" ETH4, 4, WRAP_ERSPAN, 1, 0, 0, 0, 0},
    {"ERSPAN II", ETH4 "<4:2f> 1000 88be 00000001 1000 0064 00000000" ETH6, 6, WRAP_ERSPAN, 1, 100,
     0, 0, 0},
    {"ERSPAN II, tag kept",
     ETH4 "<4:2f> 1000 88be 00000001 1065 1864 00000000" MACS "8100 0065 0800", 4, WRAP_ERSPAN, 1,
     100, 101, 0, 0},
    {"ERSPAN II, tag removed", ETH4 "<4:2f> 1000 88be 00000001 1065 1064 00000000" ETH4, 4,
     WRAP_ERSPAN, 1, 100, 101, 0, 0},
    {"ERSPAN II, tagged outside",
     MACS "8100 0001 0800"
          "<4:2f> 1000 88be 00000001 1065 1864 00000000" MACS "8100 0065 0800",
     4, WRAP_ERSPAN, 1, 100, 1, 0, 0},
    {"ERSPAN III", ETH4 "<4:2f> 1000 22eb 00000001 2000 0007 00000000 0000 0000" ETH4, 4,
     WRAP_ERSPAN, 1, 7, 0, 0, 0},
    {"ERSPAN III, platform",
     ETH4 "<4:2f> 1000 22eb 00000001 2000 0007 00000000 0000 0001 0000000000000000" ETH4, 4,
     WRAP_ERSPAN, 1, 7, 0, 0, 0},
    {"ERSPAN III, IP", ETH4 "<4:2f> 1000 22eb 00000001 2000 0007 00000000 0000 0800", 6,
     WRAP_ERSPAN, 1, 7, 0, 0, 0},
    {"ERSPAN III, short frame", ETH4 "<4:2f> 1000 22eb 00000001 2000 0807 00000000 0000 0000" ETH4,
     4, WRAP_ERSPAN, 1, 7, 0, 0, 0},
    {"VXLAN", ETH4 "<4:11> <u:12b5> 08000000 00138800" ETH4, 4, WRAP_VXLAN, 1, 5000, 0, 0, 0},
    {"VXLAN of Linux, in IPv6", ETH6 "<6:11> <u:2118> 08000000 00000100" ETH6, 6, WRAP_VXLAN, 1, 1,
     0, 0, 0},
    {"VXLAN, policy", ETH4 "<4:11> <u:12b5> 88000001 00000100" MACS "88a8 0007 8100 0008 0800", 4,
     WRAP_VXLAN, 1, 1, 7, 8, 0},
    {"VXLAN, tagged outside",
     MACS "8100 0002 8100 0003 0800"
          "<4:11> <u:12b5> 08000000 00000100" MACS "88a8 0007 8100 0008 0800",
     4, WRAP_VXLAN, 1, 1, 2, 3, 0},
    {"VXLAN-GPE, IPv4", ETH4 "<4:11> <u:12b6> 0c000001 00000100", 4, WRAP_VXLAN, 1, 1, 0, 0, 0},
    {"VXLAN-GPE, IPv6", ETH4 "<4:11> <u:12b6> 0c000002 00000100", 6, WRAP_VXLAN, 1, 1, 0, 0, 0},
    {"VXLAN-GPE, Ethernet", ETH4 "<4:11> <u:12b6> 0c000003 00000100" ETH4, 4, WRAP_VXLAN, 1, 1, 0,
     0, 0},
    {"VXLAN-GPE without its flag", ETH4 "<4:11> <u:12b6> 08000001 00000100", 4, WRAP_VXLAN, 1, 1, 0,
     0, 0},
    {"VXLAN-GPE at VXLAN's port", ETH4 "<4:11> <u:12b5> 0c000003 00000100" ETH4, 4, WRAP_VXLAN, 1,
     1, 0, 0, 0},
    {"GENEVE", ETH4 "<4:11> <u:17c1> 0000 6558 00000a00" ETH4, 4, WRAP_GENEVE, 1, 10, 0, 0, 0},
    {"GENEVE, options, IPv6", ETH4 "<4:11> <u:17c1> 0240 86dd 00000b00 0102030405060708", 6,
     WRAP_GENEVE, 1, 11, 0, 0, 0},
    {"GTP-U", ETH4 "<4:11> <u:0868> 30ff 0000 000000aa", 4, WRAP_GTPU, 1, 0xaa, 0, 0, 0},
    {"GTP-U, sequence", ETH4 "<4:11> <u:0868> 32ff 0004 000000aa 00010000", 6, WRAP_GTPU, 1, 0xaa,
     0, 0, 0},
    {"GTP-U, two extensions",
     ETH4 "<4:11> <u:0868> 34ff 0010 fffffffe 00000085 01 000085 01 100900", 4, WRAP_GTPU, 1,
     0xfffffffe, 0, 0, 0},
    {"TZSP", ETH4 "<4:11> <u:9090> 01 00 0001 01" ETH4, 4, WRAP_TZSP, 1, 0, 0, 0, 0},
    {"TZSP, fields", ETH4 "<4:11> <u:9090> 01 01 0001 00 0a 01 c4 28 04 00000001 01" ETH6, 6,
     WRAP_TZSP, 1, 0, 0, 0, 0},
    {"L2TP", ETH4 "<4:11> <u:06a5> 0002 0001 0005 ff03 0021", 4, WRAP_L2TP, 1, 5, 0, 0, 0},
    {"L2TP, length, sequence, offset",
     ETH4 "<4:11> <u:06a5> 4a02 0020 0001 0005 0001 0001 0002 ffff ff03 0057", 6, WRAP_L2TP, 1, 5,
     0, 0, 0},
    {"L2TPv3 in UDP", ETH4 "<4:11> <u:06a5> 0003 0000 00000abc 1122334455667788" ETH4, 4, WRAP_L2TP,
     1, 0xabc, 0, 0, 0},
    {"L2TPv3 in IP", ETH4 "<4:73> 00000abc" ETH4, 4, WRAP_L2TP, 1, 0xabc, 0, 0, 0},
    {"L2TPv3 in IPv6, cookie, sublayer",
     ETH6 "<6:73> 00000abc 11223344 40000001" MACS "8100 0004 86dd", 6, WRAP_L2TP, 1, 0xabc, 4, 0,
     0},
    {"Teredo", ETH4 "<4:11> <u:0dd8>", 6, WRAP_TEREDO, 1, 0, 0, 0, 0},
    {"Teredo, origin", ETH4 "<4:11> <u:0dd8> 0000 1234 0a000001", 6, WRAP_TEREDO, 1, 0, 0, 0, 0},
    {"Teredo, authentication, origin",
     ETH4 "<4:11> <u:0dd8> 0001 02 03 aabb ccddee 0000000000000001 00 0000 1234 0a000001", 6,
     WRAP_TEREDO, 1, 0, 0, 0, 0},
    {"five tunnels",
     ETH4 "<4:04> <4:2f> 0000 0800 <4:29> <6:11> <u:12b5> 08000000 00000100" ETH4
          "<4:11> <u:0868> 30ff 0000 000000aa",
     4, WRAP_IPIP, 5, 0, 0, 0, 0},
};

static void build(struct buf *b, const struct wrap_case *c)
{
    struct buf inner;
    buf_init(&inner, 1 << 16);
    put_inner(&inner, c->version);
    buf_clear(b);
    put_wrapped(b, c->layers, buf_view(&inner));
    buf_fini(&inner);
}

static void check_endpoint(const struct wrap_case *c, const struct endpoint *e, const char *want)
{
    char got[ENDPOINT_TEXT_SIZE];
    cr_assert_str_eq(endpoint_text(e, got), want, "%s: %s", c->name, got);
}

static void check_outer(const struct wrap_case *c, const struct datagram *d)
{
    bool ip6 = strstr(c->layers, "<6:") &&
               (!strstr(c->layers, "<4:") || strstr(c->layers, "<6:") < strstr(c->layers, "<4:"));
    char got[ADDR_TEXT_SIZE];
    cr_assert_eq(d->wrap_id, c->id, "%s: %u", c->name, d->wrap_id);
    cr_assert_str_eq(addr_text(d->wrap_src, got), ip6 ? "fd00::1" : "192.168.0.1", "%s", c->name);
    cr_assert_str_eq(addr_text(d->wrap_dst, got), ip6 ? "fd00::2" : "192.168.0.2", "%s", c->name);
}

static void check(const struct wrap_case *c, const struct datagram *d, size_t payload_size)
{
    check_endpoint(c, &d->src, c->version == 4 ? "192.0.2.1:5060" : "[2001:db8::1]:5060");
    check_endpoint(c, &d->dst, c->version == 4 ? "198.51.100.2:16384" : "[2001:db8::2]:16384");
    cr_assert_eq(d->vlan_outer, c->vlan_outer, "%s", c->name);
    cr_assert_eq(d->vlan_inner, c->vlan_inner, "%s", c->name);
    cr_assert_eq(d->wrapping, c->wrapping, "%s", c->name);
    cr_assert_eq(d->wrap_depth, c->depth, "%s", c->name);
    if (c->wrapping)
        check_outer(c, d);
    cr_assert_eq(d->ip_id, c->version == 4 ? 77 : 0, "%s", c->name);
    cr_assert_eq(d->ttl, 61, "%s", c->name);
    cr_assert_eq(d->tos, 0xb8, "%s", c->name);
    cr_assert_eq(d->proto, PROTO_UDP);
    cr_assert_not(d->fragmented);
    cr_assert_eq(d->payload_wire, strlen(text), "%s", c->name);
    cr_assert(slice_equal(d->payload, slice_of(text, payload_size)), "%s", c->name);
}

static uint16_t link_of(const struct wrap_case *c)
{
    return c->link_type ? c->link_type : LINK_ETHERNET;
}

Test(tunnels, every_wrapping_gives_the_datagram_inside)
{
    struct net *n = new_net(NULL);
    struct buf b, payload;
    buf_init(&b, 1 << 16);
    buf_init(&payload, 1 << 16);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct datagram d;
        build(&b, &cases[i]);
        cr_assert_eq(decode_at(n, link_of(&cases[i]), buf_view(&b), 5, &d, &payload), NET_DATAGRAM,
                     "%s", cases[i].name);
        check(&cases[i], &d, strlen(text));
        put_hex(&b, "00000000 deadbeef"); /* padding and a frame check sequence */
        cr_assert_eq(decode_at(n, link_of(&cases[i]), buf_view(&b), 5, &d, &payload), NET_DATAGRAM);
        check(&cases[i], &d, strlen(text));
    }
    buf_fini(&b);
    buf_fini(&payload);
    net_free(n);
}

/* Cut anywhere: the datagram inside with what is there, or an outer datagram that nothing proves to
 * be a tunnel, or nothing. Never somebody else's bytes. */
Test(tunnels, every_truncation_is_safe_and_honest)
{
    struct net *n = new_net(NULL);
    struct buf b, payload;
    buf_init(&b, 1 << 16);
    buf_init(&payload, 1 << 16);
    for (size_t i = 0; i < COUNT(cases); i++) {
        build(&b, &cases[i]);
        size_t headers = b.size - strlen(text);
        for (size_t cut = 0; cut < b.size; cut++) {
            struct datagram d;
            enum net_verdict v =
                decode_at(n, link_of(&cases[i]), slice_of(b.data, cut), 5, &d, &payload);
            if (cut >= headers) {
                cr_assert_eq(v, NET_DATAGRAM, "%s cut at %zu", cases[i].name, cut);
                check(&cases[i], &d, cut - headers);
            } else if (v == NET_DATAGRAM) {
                cr_assert_eq(d.src.port, 40000, "%s cut at %zu", cases[i].name, cut);
                cr_assert_lt(d.wrap_depth, cases[i].depth);
                cr_assert(strstr(cases[i].layers, "<u:"));
            } else {
                cr_assert(v == NET_MALFORMED || v == NET_OTHER);
            }
        }
    }
    buf_fini(&b);
    buf_fini(&payload);
    net_free(n);
}

Test(tunnels, changed_bytes_never_read_beyond_the_frame)
{
    struct net *n = new_net(NULL);
    struct buf b;
    buf_init(&b, 1 << 16);
    uint32_t random = 7;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (int round = 0; round < 200; round++) {
            build(&b, &cases[i]);
            for (int k = 0; k < 3; k++) {
                random = random * 1664525 + 1013904223;
                b.data[(random >> 8) % b.size] = (uint8_t)(random >> 24);
            }
            struct datagram d;
            if (decode_at(n, link_of(&cases[i]), buf_view(&b), round, &d, NULL) == NET_DATAGRAM)
                cr_assert(d.payload.size <= d.payload_wire || d.fragmented);
            cr_assert_leq(d.wrap_depth, TUNNELS_MAX);
        }
    }
    buf_fini(&b);
    net_free(n);
}

/* ---- what is refused, and what is no tunnel ---- */

struct other_case {
    const char *name;
    const char *layers; /* as above */
    const char *inner;  /* hex */
    enum net_verdict verdict;
    const char *reason;
};

#define VXLAN     ETH4 "<4:11> <u:12b5>"
#define INNER4    "4500 001c 0000 0000 40 11 0000" OUTER4 "0001 0002 0008 0000"
#define INNER4_ID "4500 001c 0000 0000 40 11 0000" OUTER4
#define RTP       "8008 0001 00000001 deadbeef d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5"

static const struct other_case others[] = {
    {"RTP at VXLAN's port", VXLAN, RTP, NET_DATAGRAM, NULL},
    {"RTP at VXLAN-GPE's port", ETH4 "<4:11> <u:12b6>", RTP, NET_DATAGRAM, NULL},
    {"RTP at VXLAN's port of Linux", ETH4 "<4:11> <u:2118>", RTP, NET_DATAGRAM, NULL},
    {"RTP at GENEVE's port", ETH4 "<4:11> <u:17c1>", RTP, NET_DATAGRAM, NULL},
    {"RTP at GTP-U's port", ETH4 "<4:11> <u:0868>", RTP, NET_DATAGRAM, NULL},
    {"RTP at TZSP's port", ETH4 "<4:11> <u:9090>", RTP, NET_DATAGRAM, NULL},
    {"RTP at L2TP's port", ETH4 "<4:11> <u:06a5>", RTP, NET_DATAGRAM, NULL},
    {"RTP at Teredo's port", ETH4 "<4:11> <u:0dd8>", RTP, NET_DATAGRAM, NULL},
    {"RTP at the port of ESP", ETH4 "<4:11> <u:1194>", RTP, NET_DATAGRAM, NULL},
    {"RTP at SCTP's port", ETH4 "<4:11> <u:26ab>", RTP, NET_DATAGRAM, NULL},
    {"nothing at VXLAN's port", VXLAN, "", NET_DATAGRAM, NULL},
    {"ARP in VXLAN", VXLAN "08000000 00000100", MACS "0806 0001", NET_DATAGRAM, NULL},
    {"VXLAN without the flag", VXLAN "00000000 00000100" MACS "0800", INNER4, NET_DATAGRAM, NULL},
    {"VXLAN with IP of version 5", VXLAN "08000000 00000100" MACS "0800", "5500001c", NET_DATAGRAM,
     NULL},
    {"VXLAN with a lying header", VXLAN "08000000 00000100" MACS "0800",
     "4400 001c 0000 0000 40 11 0000" OUTER4, NET_DATAGRAM, NULL},
    {"VXLAN with a broken datagram", VXLAN "08000000 00000100" MACS "0800",
     INNER4_ID "0001 0002 0007 0000", NET_MALFORMED, "length"},
    {"VXLAN-GPE with a service header", ETH4 "<4:11> <u:12b6> 0c000004 00000100", INNER4,
     NET_DATAGRAM, NULL},
    {"GENEVE, options that are not there", ETH4 "<4:11> <u:17c1> 3f00 0800 00000100", INNER4,
     NET_DATAGRAM, NULL},
    {"GENEVE of version 1", ETH4 "<4:11> <u:17c1> 4000 0800 00000100", INNER4, NET_DATAGRAM, NULL},
    {"GTP-U, echo", ETH4 "<4:11> <u:0868> 3201 0004 00000000 00010000", "", NET_DATAGRAM, NULL},
    {"GTP-U, too long", ETH4 "<4:11> <u:0868> 30ff 0100 00000001", INNER4, NET_DATAGRAM, NULL},
    {"GTP-U, extension of size 0", ETH4 "<4:11> <u:0868> 34ff 0010 00000001 00000085 00000000",
     INNER4, NET_DATAGRAM, NULL},
    {"GTP', the charging protocol", ETH4 "<4:11> <u:0868> 20ff 0010 00000001", INNER4, NET_DATAGRAM,
     NULL},
    {"TZSP without end", ETH4 "<4:11> <u:9090> 01 00 0001 0a 01 00 00 00", "0a", NET_DATAGRAM,
     NULL},
    {"TZSP, wireless", ETH4 "<4:11> <u:9090> 01 00 0012 01" ETH4, INNER4, NET_DATAGRAM, NULL},
    {"L2TP, control", ETH4 "<4:11> <u:06a5> c802 000c 0001 0000 0000 0000", "", NET_DATAGRAM, NULL},
    {"L2TP, longer than UDP", ETH4 "<4:11> <u:06a5> 4002 00ff 0001 0005 ff03 0021", INNER4,
     NET_DATAGRAM, NULL},
    {"L2TPv3, control", ETH4 "<4:73> 00000000 c803", "", NET_OTHER, NULL},
    {"Teredo, longer than UDP", ETH4 "<4:11> <u:0dd8> 60000000 ffff 11 40", OUTER6, NET_DATAGRAM,
     NULL},
    {"key exchange at the port of ESP", ETH4 "<4:11> <u:1194> 00000000 0000000000000001", "",
     NET_DATAGRAM, NULL},
    {"keep-alive at the port of ESP", ETH4 "<4:11> <u:1194>", "ff", NET_DATAGRAM, NULL},
    {"encrypted", ETH4 "<4:32> 00000001 00000001",
     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", NET_OTHER, NULL},
    {"ESP without anything", ETH4 "<4:32>", "00000001", NET_MALFORMED, "truncated"},
    {"OSPF in GRE", ETH4 "<4:2f> 0000 0800", "4500 0014 0000 0000 01 59 0000" OUTER4, NET_OTHER,
     NULL},
    {"keep-alive of GRE", ETH4 "<4:2f> 0000 0000", "", NET_OTHER, NULL},
    {"GRE of version 2", ETH4 "<4:2f> 0002 0800", INNER4, NET_MALFORMED, "version"},
    {"GRE, routing without end", ETH4 "<4:2f> 4000 0800 00000000 0800 00ff", "00", NET_MALFORMED,
     "truncated"},
    {"PPTP, acknowledgement", ETH4 "<4:2f> 2081 880b 0000 0011 00000002", "", NET_OTHER, NULL},
    {"PPTP without a key", ETH4 "<4:2f> 1001 880b 0000 0011 00000002", "", NET_MALFORMED, "syntax"},
    {"PPTP, encrypted", ETH4 "<4:2f> 3001 880b 0008 0011 00000002 00fd", "010203040506", NET_OTHER,
     NULL},
    {"ERSPAN of version 7", ETH4 "<4:2f> 1000 88be 00000001 70000064 00000000", "", NET_MALFORMED,
     "version"},
    {"ERSPAN III, wireless frame", ETH4 "<4:2f> 1000 22eb 00000001 2000 0007 00000000 0000 0c00",
     "", NET_OTHER, NULL},
    {"ERSPAN III, no platform header",
     ETH4 "<4:2f> 1000 22eb 00000001 2000 0007 00000000 0000 0001", "00", NET_MALFORMED,
     "truncated"},
    {"labels without bottom",
     MACS "8847 000100ff 000100ff 000100ff 000100ff 000100ff 000100ff 000100ff 000100ff 000100ff "
          "000100ff 000100ff 000100ff 000100ff 000100ff 000100ff 000100ff",
     "000101ff 45", NET_MALFORMED, "limit"},
    {"labels that end", MACS "8847 000100ff 0001", "", NET_MALFORMED, "truncated"},
    {"a pseudowire of another kind", MACS "8847 000101ff", "0102030405060708090a0b0c0d0e0f10",
     NET_OTHER, NULL},
    {"PPPoE, discovery", MACS "8863 11 09 0000 0000", "", NET_OTHER, NULL},
    {"PPPoE, discovery's code in a session", MACS "8864 11 a7 0001 0000", "", NET_OTHER, NULL},
    {"PPPoE of version 2", MACS "8864 21 00 0001 0002 0021", "", NET_MALFORMED, "version"},
    {"PPPoE, shorter than its packet", MACS "8864 11 00 0001 0003 0021", INNER4, NET_MALFORMED,
     "truncated"},
    {"PPP, link control", MACS "8864 11 00 0001 0008 c021", "010100060000", NET_OTHER, NULL},
    {"six tunnels in IP", ETH4 "<4:04> <4:04> <4:04> <4:04> <4:04> <4:04>", INNER4, NET_MALFORMED,
     "limit"},
    {"six tunnels, the last in UDP",
     ETH4 "<4:04> <4:04> <4:04> <4:04> <4:04> <4:11> <u:12b5> 08000000 00000100" MACS "0800",
     INNER4, NET_MALFORMED, "limit"},
    {"RTP at VXLAN's port in five tunnels",
     ETH4 "<4:04> <4:04> <4:04> <4:04> <4:04> <4:11> <u:12b5>", RTP, NET_DATAGRAM, NULL},
};

Test(tunnels, what_is_no_tunnel_stays_a_datagram_and_errors_count_once)
{
    struct buf b, inner;
    buf_init(&b, 1 << 16);
    buf_init(&inner, 1 << 16);
    for (size_t i = 0; i < COUNT(others); i++) {
        const struct other_case *c = &others[i];
        struct counters *counters = calloc(1, sizeof *counters);
        struct net *n = new_net(counters);
        struct datagram d;
        buf_clear(&b);
        buf_clear(&inner);
        put_hex(&inner, c->inner);
        put_wrapped(&b, c->layers, buf_view(&inner));
        cr_assert_eq(decode_at(n, LINK_ETHERNET, buf_view(&b), 0, &d, NULL), c->verdict, "%s",
                     c->name);
        uint64_t errors = 0;
        for (unsigned r = REASON_TRUNCATED; r <= REASON_UNSUPPORTED; r++)
            errors += parse_errors(counters, label_text(LABELS_PARSE_REASON, r));
        cr_assert_eq(errors, c->reason ? 1 : 0, "%s", c->name);
        if (c->reason)
            cr_assert_eq(parse_errors(counters, c->reason), 1, "%s", c->name);
        if (c->verdict == NET_DATAGRAM) {
            cr_assert_eq(d.src.port, 40000, "%s", c->name);
            cr_assert_eq(d.wrapping, strstr(c->layers, "<4:04>") ? WRAP_IPIP : WRAP_NONE, "%s",
                         c->name);
            cr_assert(addr_is_v4(d.src.addr) && d.vlan_outer == 0 && d.ip_id == 0x63, "%s",
                      c->name);
        }
        net_free(n);
        free(counters);
    }
    buf_fini(&b);
    buf_fini(&inner);
}

static void refuse_nested(const char *layer, int times)
{
    struct counters *counters = calloc(1, sizeof *counters);
    struct net *n = new_net(counters);
    struct buf b, inner;
    buf_init(&b, 1 << 16);
    buf_init(&inner, 1 << 16);
    put_inner(&inner, 4);
    for (int i = 0; i < times; i++) {
        buf_clear(&b);
        put_wrapped(&b, layer, buf_view(&inner));
        buf_clear(&inner);
        buf_slice(&inner, buf_view(&b));
    }
    struct datagram d;
    cr_assert_eq(decode_at(n, LINK_RAW, buf_view(&b), 0, &d, NULL), NET_MALFORMED, "%s", layer);
    cr_assert_eq(parse_errors(counters, "limit"), 1, "%s", layer);
    cr_assert_leq(d.wrap_depth, TUNNELS_MAX);
    buf_fini(&b);
    buf_fini(&inner);
    net_free(n);
    free(counters);
}

Test(tunnels, a_thousand_in_each_other_are_refused)
{
    refuse_nested("<4:04>", 1000);
    refuse_nested("<6:29>", 1000);
    refuse_nested("<4:2f> 0000 0800", 1000);
    refuse_nested("<4:11> <u:12b5> 08000000 00000100" ETH4, 1000);
    refuse_nested("<4:11> <u:17c1> 0000 0800 00000100", 1000);
    refuse_nested("<4:11> <u:0868> 30ff 0000 00000001", 1000);
}
