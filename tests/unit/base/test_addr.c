#include <criterion/criterion.h>

#include "base/addr.h"
#include "tests/support/guard.h"

Test(addr, text_and_back)
{
    static const struct {
        const char *in;
        const char *out; /* NULL: refused */
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:db8::1", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"", NULL},
        {"[]", NULL},
        {"[192.0.2.1]", NULL},
        {"[2001:db8::1", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.1:5060", NULL},
        {" 192.0.2.1", NULL},
        {"fe80::1%eth0", NULL},
        {"example.com", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice in = guard_copy(slice_str(cases[i].in));
        struct addr a;
        bool good = addr_parse(in, &a);
        cr_expect_eq(good, cases[i].out != NULL, "%s", cases[i].in);
        char text[ADDR_TEXT_SIZE];
        if (good && cases[i].out)
            cr_expect_str_eq(addr_text(a, text), cases[i].out);
        guard_free(in);
    }
}

Test(addr, a_nul_inside_is_no_address)
{
    struct addr a;
    cr_assert_not(addr_parse(slice_of("192.0.2.1\0", 10), &a));
}

Test(addr, bytes_and_back)
{
    uint8_t in[16];
    uint8_t out[16];
    for (uint8_t i = 0; i < 16; i++)
        in[i] = (uint8_t)(i * 17);
    addr_to_v6(addr_v6(in), out);
    cr_assert_arr_eq(in, out, 16);
    addr_to_v6(addr_v4(0xc0000201), out);
    cr_assert(addr_is_v4(addr_v6(out)));
}

static struct addr of(const char *text)
{
    struct addr a = {0};
    cr_assert(addr_parse(slice_str(text), &a), "%s", text);
    return a;
}

Test(addr, classes_hold_at_their_borders)
{
    static const struct {
        const char *text;
        bool is_private, multicast, loopback, any;
    } cases[] = {
        {"9.255.255.255", false, false, false, false},
        {"10.0.0.0", true, false, false, false},
        {"10.255.255.255", true, false, false, false},
        {"172.15.255.255", false, false, false, false},
        {"172.16.0.0", true, false, false, false},
        {"172.31.255.255", true, false, false, false},
        {"172.32.0.0", false, false, false, false},
        {"192.168.0.1", true, false, false, false},
        {"192.169.0.1", false, false, false, false},
        {"100.63.255.255", false, false, false, false},
        {"100.64.0.0", true, false, false, false},
        {"100.127.255.255", true, false, false, false},
        {"100.128.0.0", false, false, false, false},
        {"169.254.1.1", true, false, false, false},
        {"223.255.255.255", false, false, false, false},
        {"224.0.0.1", false, true, false, false},
        {"239.255.255.255", false, true, false, false},
        {"240.0.0.0", false, false, false, false},
        {"127.0.0.1", false, false, true, false},
        {"0.0.0.0", false, false, false, true},
        {"::", false, false, false, true},
        {"::1", false, false, true, false},
        {"fe80::1", true, false, false, false},
        {"febf::1", true, false, false, false},
        {"fec0::1", false, false, false, false},
        {"fc00::1", true, false, false, false},
        {"fdff::1", true, false, false, false},
        {"fe00::1", false, false, false, false},
        {"ff02::1", false, true, false, false},
        {"2001:db8::1", false, false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct addr a = of(cases[i].text);
        cr_expect_eq(addr_is_private(a), cases[i].is_private, "%s", cases[i].text);
        cr_expect_eq(addr_is_multicast(a), cases[i].multicast, "%s", cases[i].text);
        cr_expect_eq(addr_is_loopback(a), cases[i].loopback, "%s", cases[i].text);
        cr_expect_eq(addr_is_any(a), cases[i].any, "%s", cases[i].text);
    }
}

Test(addr, endpoints_print_with_their_port)
{
    char text[ENDPOINT_TEXT_SIZE];
    struct endpoint e = {.addr = of("192.0.2.1"), .port = 5060};
    cr_assert_str_eq(endpoint_text(&e, text), "192.0.2.1:5060");
    e.addr = of("2001:db8::1");
    cr_assert_str_eq(endpoint_text(&e, text), "[2001:db8::1]:5060");
    e = (struct endpoint){.addr = of("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
                          .port = 65535};
    cr_assert_str_eq(endpoint_text(&e, text), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

Test(addr, spaces_keep_equal_addresses_apart)
{
    struct hash_seed seed = {3, 4};
    struct endpoint a = {.addr = of("10.0.0.1"), .port = 5060};
    struct endpoint b = a;
    cr_assert(endpoint_equal(&a, &b));
    cr_assert_eq(endpoint_hash(&seed, &a), endpoint_hash(&seed, &b));
    b.space = 7;
    cr_assert_not(endpoint_equal(&a, &b));
    cr_assert_neq(endpoint_hash(&seed, &a), endpoint_hash(&seed, &b));
}
