/* Addresses, Via, parameters, credentials. */
#include "tests/unit/sip/expect.h"

static const struct {
    const char *value, *display, *uri, *scheme, *user, *host, *port, *tag;
} addresses[] = {
    {"<sip:alice@example.com>", "", "sip:alice@example.com", "sip", "alice", "example.com", "", ""},
    {"sip:alice@example.com", "", "sip:alice@example.com", "sip", "alice", "example.com", "", ""},
    {"sip:alice@example.com;tag=9", "", "sip:alice@example.com", "sip", "alice", "example.com", "",
     "9"},
    {"\"A. \\\"B\\\" <C>\" <sips:a@b:5061;lr>;x;TAG=\"q;r\"", "A. \\\"B\\\" <C>",
     "sips:a@b:5061;lr", "sips", "a", "b", "5061", "q;r"},
    {"A. Bell <sip:bell@example.com>;tag=qw", "A. Bell", "sip:bell@example.com", "sip", "bell",
     "example.com", "", "qw"},
    {"\"Open <sip:j.user@example.com>;tag=1", "Open", "sip:j.user@example.com", "sip", "j.user",
     "example.com", "", "1"},
    {"\"W, T\" < sip:t@example.org >", "W, T", "sip:t@example.org", "sip", "t", "example.org", "",
     ""},
    {"<sip:user;par=u%40h@example.com;p=1>", "", "sip:user;par=u%40h@example.com;p=1", "sip",
     "user;par=u%40h", "example.com", "", ""},
    {"<sip:a?b=c@example.com?Subject=x>", "", "sip:a?b=c@example.com?Subject=x", "sip", "a?b=c",
     "example.com", "", ""},
    {"<sip:alice:secret@example.com:5070>", "", "sip:alice:secret@example.com:5070", "sip", "alice",
     "example.com", "5070", ""},
    {"<sip:me@home.org@proxy.net;lr>", "", "sip:me@home.org@proxy.net;lr", "sip", "me@home.org",
     "proxy.net", "", ""},
    {"<sip:[2001:db8::10]:5070>", "", "sip:[2001:db8::10]:5070", "sip", "", "2001:db8::10", "5070",
     ""},
    {"<sip:u@[2001:db8::1]>", "", "sip:u@[2001:db8::1]", "sip", "u", "2001:db8::1", "", ""},
    {"sip:2001:db8::10", "", "sip:2001:db8::10", "sip", "", "2001:db8::10", "", ""},
    {"<sip:[::1", "", "sip:[::1", "sip", "", "::1", "", ""},
    {"<tel:+1-201-555-0123;phone-context=x>;tag=t", "", "tel:+1-201-555-0123;phone-context=x",
     "tel", "+1-201-555-0123", "", "", "t"},
    {"TEL:110", "", "TEL:110", "TEL", "110", "", "", ""},
    {"<urn:service:sos>", "", "urn:service:sos", "urn", "", "", "", ""},
    {"<im:bob@example.com>", "", "im:bob@example.com", "im", "bob", "example.com", "", ""},
    {"<unknown-scheme:all,opaque>", "", "unknown-scheme:all,opaque", "unknown-scheme", "", "", "",
     ""},
    {"\"\" <sip:x@y>", "", "sip:x@y", "sip", "x", "y", "", ""},
    {"*", "", "*", "", "", "*", "", ""},
    {"bob@example.com", "", "bob@example.com", "", "bob", "example.com", "", ""},
    {"<sip:a@b", "", "sip:a@b", "sip", "a", "b", "", ""},
    {"<sip:a@b>junk;tag=z", "", "sip:a@b", "sip", "a", "b", "", "z"},
    {"<sip:%61%20b@h>;tag=1;tag=2", "", "sip:%61%20b@h", "sip", "%61%20b", "h", "", "1"},
    {"<sip:@h>", "", "sip:@h", "sip", "", "h", "", ""},
    {"%", "", "%", "", "", "%", "", ""},
};

Test(sip_address, addresses_are_taken_apart)
{
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct sip_addr a;
        cr_assert(sip_addr_parse(slice_str(addresses[i].value), &a), "%s", addresses[i].value);
        EXPECT_TEXT(a.display, addresses[i].display);
        EXPECT_TEXT(a.uri, addresses[i].uri);
        EXPECT_TEXT(a.scheme, addresses[i].scheme);
        EXPECT_TEXT(a.user, addresses[i].user);
        EXPECT_TEXT(a.host, addresses[i].host);
        EXPECT_TEXT(a.port, addresses[i].port);
        EXPECT_TEXT(a.tag, addresses[i].tag);
    }
}

Test(sip_address, an_address_without_a_uri_is_refused)
{
    static const char *const values[] = {"",       "  ", "<>", "\"Bob\"", "\"Bob\" <>;tag=1",
                                         ";tag=1", "<"};
    struct sip_addr a = {.port = slice_str("kept")};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        cr_expect_not(sip_addr_parse(slice_str(values[i]), &a), "%s", values[i]);
    EXPECT_TEXT(a.port, "kept");
}

static const struct {
    const char *value, *transport, *host, *port, *branch, *received, *rport;
    bool has_rport;
} vias[] = {
    {"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "UDP", "192.0.2.1", "5060", "z9hG4bK1", "", "",
     false},
    {"SIP/2.0/UDP h;rport;branch=b;received=192.0.2.9", "UDP", "h", "", "b", "192.0.2.9", "", true},
    {"SIP/2.0/TLS h:1 ; RPORT = 77 ; Branch = \"q\"", "TLS", "h", "1", "q", "", "77", true},
    {"SIP / 2.0 / UDP\r\n  h\r\n ;branch=x", "UDP", "h", "", "x", "", "", false},
    {"SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255]", "UDP", "2001:db8::9:1", "6050",
     "", "2001:db8::9:255", "", false},
    {"SIP/2.0/UDP h : 5062;branch", "UDP", "h", "5062", "", "", "", false},
    {"SIP/7.0/WSS df7jal23ls0d.invalid;;branch=z", "WSS", "df7jal23ls0d.invalid", "", "z", "", "",
     false},
};

Test(sip_via, elements_are_taken_apart)
{
    for (size_t i = 0; i < sizeof vias / sizeof vias[0]; i++) {
        struct sip_via v;
        cr_assert(sip_via_parse(slice_str(vias[i].value), &v), "%s", vias[i].value);
        EXPECT_TEXT(v.transport, vias[i].transport);
        EXPECT_TEXT(v.host, vias[i].host);
        EXPECT_TEXT(v.port, vias[i].port);
        EXPECT_TEXT(v.branch, vias[i].branch);
        EXPECT_TEXT(v.received, vias[i].received);
        EXPECT_TEXT(v.rport, vias[i].rport);
        cr_expect(v.has_rport == vias[i].has_rport);
    }
}

Test(sip_via, an_element_without_a_host_is_refused)
{
    static const char *const values[] = {
        "", "SIP", "SIP/2.0", "SIP/2.0/UDP", "SIP/2.0/UDP ;branch=1", "///"};
    struct sip_via v;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        cr_expect_not(sip_via_parse(slice_str(values[i]), &v), "%s", values[i]);
}

Test(sip_params, values_are_found)
{
    struct slice params = slice_str("a=1; b ;c=\"x;y=\\\"z\";;=odd;D = 4 ;a=2;e=\"open;f=1"), value;
    cr_assert(sip_param(params, "a", &value));
    EXPECT_TEXT(value, "1");
    cr_assert(sip_param(params, "B", &value));
    cr_expect_eq(value.size, 0);
    cr_assert(sip_param(params, "c", &value));
    EXPECT_TEXT(value, "x;y=\\\"z");
    cr_assert(sip_param(params, "d", &value));
    EXPECT_TEXT(value, "4");
    cr_assert(sip_param(params, "e", &value));
    EXPECT_TEXT(value, "open;f=1");
    cr_expect_not(sip_param(params, "f", &value));
    cr_expect_not(sip_param(params, "y", &value));
    cr_expect_not(sip_param(slice_none(), "a", &value));
}

Test(sip_params, credentials_are_read)
{
    struct slice value,
        credentials = slice_str(
            "Digest username=\"al, ice\", realm=\"r\" ,\r\n nonce=abc,qop=auth , nc=00000001");
    cr_assert(sip_auth_param(credentials, "username", &value));
    EXPECT_TEXT(value, "al, ice");
    cr_assert(sip_auth_param(credentials, "NONCE", &value));
    EXPECT_TEXT(value, "abc");
    cr_assert(sip_auth_param(credentials, "qop", &value));
    EXPECT_TEXT(value, "auth");
    cr_assert(sip_auth_param(credentials, "nc", &value));
    EXPECT_TEXT(value, "00000001");
    cr_expect_not(sip_auth_param(credentials, "response", &value));
    cr_expect_not(sip_auth_param(slice_none(), "realm", &value));
}
