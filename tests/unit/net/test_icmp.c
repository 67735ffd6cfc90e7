/* ICMP and ICMPv6 that say a UDP datagram did not arrive. */
#include <criterion/criterion.h>

#include "base/error.h"
#include "tests/unit/net/packets.h"

TestSuite(icmp, .timeout = 60);

#define QUOTED4()                                                                                  \
    "4500003c 00074000 4011"                                                                       \
    "0000" OUTER4
#define UDP_QUOTED "0fa0 1770 00b4 0000 8000 0001"
/* From the quoted destination to the quoted source. */
#define BACK4(size, type_code)                                                                     \
    "450000" size " 00000000 40010000 c0a80002 c0a80001 " type_code " 0000 00000000 "
#define QUOTED6                                                                                    \
    "60000000 00b4 11 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define BACK6(next, type_code)                                                                     \
    "60000000 0044 " next                                                                          \
    " 40 20010db8000000000000000000000002 20010db8000000000000000000000001 " type_code             \
    " 0000 00000000 "

static enum net_verdict decode(const char *hex, uint16_t link, struct datagram *ret,
                               struct net_unreachable *ret_said)
{
    struct buf b;
    struct net *n = new_net(NULL);
    buf_init(&b, 4096);
    put_hex(&b, hex);
    enum net_verdict v = decode_at(n, link, buf_view(&b), 1, ret, NULL);
    *ret_said = *net_unreachable(n);
    buf_fini(&b);
    net_free(n);
    return v;
}

Test(icmp, the_quoted_datagram_is_told_with_who_says_so_and_why)
{
    static const struct {
        const char *hex;
        uint16_t link;
        enum net_unreached reason;
    } cases[] = {
        {BACK4("44", "0303") QUOTED4() UDP_QUOTED, LINK_IPV4, UNREACHED_PORT},
        {BACK4("44", "0301") QUOTED4() UDP_QUOTED, LINK_IPV4, UNREACHED_HOST},
        {BACK4("44", "0300") QUOTED4() UDP_QUOTED, LINK_IPV4, UNREACHED_NET},
        {BACK4("44", "030d") QUOTED4() UDP_QUOTED, LINK_IPV4, UNREACHED_PROHIBITED},
        {BACK6("3a", "0104") QUOTED6 UDP_QUOTED, LINK_IPV6, UNREACHED_PORT},
        {BACK6("3a", "0101") QUOTED6 UDP_QUOTED, LINK_IPV6, UNREACHED_PROHIBITED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct datagram d;
        struct net_unreachable said;
        cr_assert_eq(decode(cases[i].hex, cases[i].link, &d, &said), NET_UNREACHABLE, "%zu", i);
        cr_expect_eq(d.src.port, 4000);
        cr_expect_eq(d.dst.port, 6000);
        cr_expect_eq(d.src.addr.low & 0xff, 1);
        cr_expect_eq(d.dst.addr.low & 0xff, 2);
        cr_expect(addr_equal(said.by, d.dst.addr));
        cr_expect_eq(said.reason, cases[i].reason);
        cr_expect_eq(d.payload.size, 4);
        cr_expect_eq(d.payload_wire, 0xb4 - 8);
    }
}

Test(icmp, what_is_no_such_report_is_none_of_ours)
{
    static const struct {
        const char *what, *hex;
        uint16_t link;
    } cases[] = {
        {"echo", BACK4("24", "0800") "00000000", LINK_IPV4},
        {"time exceeded", BACK4("44", "0b00") QUOTED4() UDP_QUOTED, LINK_IPV4},
        {"fragmentation needed", BACK4("44", "0304") QUOTED4() UDP_QUOTED, LINK_IPV4},
        {"a code that nobody knows", BACK4("44", "03ff") QUOTED4() UDP_QUOTED, LINK_IPV4},
        {"told to somebody else",
         "45000044 00000000 40010000 c0a80002 c0a80003 0303 0000 00000000" QUOTED4() UDP_QUOTED,
         LINK_IPV4},
        {"TCP is quoted", BACK4("44", "0303") "4500003c 00074000 40060000" OUTER4 UDP_QUOTED,
         LINK_IPV4},
        {"a later fragment is quoted",
         BACK4("44", "0303") "4500003c 00070010 40110000" OUTER4 UDP_QUOTED, LINK_IPV4},
        {"a header of 16 bytes", BACK4("44", "0303") "4400003c 00074000 40110000" OUTER4 UDP_QUOTED,
         LINK_IPV4},
        {"UDP of 7 bytes", BACK4("44", "0303") QUOTED4() "0fa0 1770 0007 0000", LINK_IPV4},
        {"nothing is quoted", BACK4("1c", "0303"), LINK_IPV4},
        {"half of the ports", BACK4("32", "0303") QUOTED4() "0fa0", LINK_IPV4},
        {"packet too big", BACK6("3a", "0200") QUOTED6 UDP_QUOTED, LINK_IPV6},
        {"an extension header is quoted",
         BACK6("3a", "0104") "60000000 00b4 00 40 20010db8000000000000000000000001 "
                             "20010db8000000000000000000000002" UDP_QUOTED,
         LINK_IPV6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct datagram d;
        struct net_unreachable said;
        cr_expect_eq(decode(cases[i].hex, cases[i].link, &d, &said), NET_OTHER, "%s",
                     cases[i].what);
    }
}

Test(icmp, every_truncation_is_survived)
{
    struct buf b;
    struct net *n = new_net(NULL);
    struct datagram d;
    buf_init(&b, 4096);
    put_hex(&b, BACK4("44", "0303") QUOTED4() UDP_QUOTED);
    for (size_t size = 0; size < b.size; size++) { /* decode_at() ends it at an unmapped page */
        enum net_verdict v = decode_at(n, LINK_IPV4, slice_of(b.data, size), 1, &d, NULL);
        cr_expect(size >= 56 ? v == NET_UNREACHABLE : v != NET_UNREACHABLE, "%zu", size);
    }
    buf_fini(&b);
    net_free(n);
}
