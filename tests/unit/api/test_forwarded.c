/* Who asks behind a proxy. */
#include <criterion/criterion.h>

#include "api/forwarded.h"

static struct addr of(const char *text)
{
    struct addr a;
    cr_assert(addr_parse(slice_str(text), &a), "%s", text);
    return a;
}

Test(forwarded, only_named_proxies_speak_for_others_and_the_last_who_is_none_counts)
{
    static const struct {
        const char *from, *proxies, *line[3], *asks;
    } CASES[] = {
        {"127.0.0.1", "127.0.0.0/8, ::1", {"192.0.2.1"}, "192.0.2.1"},
        {"::1", "127.0.0.0/8, ::1", {"[2001:db8::1]:4711"}, "2001:db8::1"},
        {"127.0.0.1", "127.0.0.0/8", {NULL}, "127.0.0.1"},
        {"127.0.0.1", "", {"192.0.2.1"}, "127.0.0.1"},
        {"127.0.0.1", NULL, {"192.0.2.1"}, "127.0.0.1"},
        {"10.0.0.1", "127.0.0.0/8", {"192.0.2.1"}, "10.0.0.1"},
        {"203.0.113.9", "127.0.0.0/8", {"127.0.0.1"}, "203.0.113.9"},
        {"127.0.0.1", "127.0.0.1", {"203.0.113.1, 192.0.2.1"}, "192.0.2.1"},
        {"127.0.0.1", "127.0.0.1", {"203.0.113.1", "192.0.2.1"}, "192.0.2.1"},
        {"127.0.0.1", "127.0.0.1", {"192.0.2.1, 10.1.1.1"}, "10.1.1.1"},
        {"127.0.0.1", "127.0.0.1, 10.0.0.0/8", {"192.0.2.1, 10.1.1.1"}, "192.0.2.1"},
        {"127.0.0.1", "127.0.0.1, 10.0.0.0/8", {"203.0.113.1, 192.0.2.1", "10.1.1.2:80, 10.1.1.1"}, "192.0.2.1"},
        {"127.0.0.1", "127.0.0.1, 10.0.0.0/8", {"10.1.1.2", "10.1.1.1"}, "10.1.1.2"},
        {"127.0.0.1", "127.0.0.1", {"192.0.2.1, unknown"}, "::"},
        {"127.0.0.1", "127.0.0.1", {"192.0.2.1", ""}, "::"},
        {"127.0.0.1", "127.0.0.1", {"192.0.2.1,"}, "::"},
        {"127.0.0.1", "127.0.0.1", {"unknown, 192.0.2.1"}, "192.0.2.1"},
        {"127.0.0.1", "127.0.0.1, 192.0.2.1", {"unknown, 192.0.2.1"}, "::"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        unsigned count = 0;
        while (count < 3 && CASES[i].line[count])
            count++;
        struct addr got = forwarded_peer(of(CASES[i].from), CASES[i].line, count, CASES[i].proxies);
        char text[ADDR_TEXT_SIZE];
        cr_expect(addr_equal(got, of(CASES[i].asks)), "case %zu: %s", i, addr_text(got, text));
    }
}

Test(forwarded, proxies_are_networks)
{
    cr_expect(forwarded_proxies_valid(""));
    cr_expect(forwarded_proxies_valid("127.0.0.1, 2001:db8::/32,10.0.0.0/8"));
    cr_expect_not(forwarded_proxies_valid("proxy.example.com"));
    cr_expect_not(forwarded_proxies_valid("127.0.0.1,,10.0.0.1"));
    cr_expect_not(forwarded_proxies_valid("10.0.0.0/33"));
}
