/* What straight.c reads is what address.c, via.c and odd.c say: for thousands of texts, most of
 * them altered by a byte or two, in front of an unmapped page. */
#include "capture/sip/grammar.h"
#include "tests/support/guard.h"
#include "tests/unit/sip/expect.h"

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#define PICK(state, list) list[next_random(state) % (sizeof list / sizeof list[0])]

static size_t some_address(char *out, size_t size, uint64_t *state)
{
    static const char *const front[] = {
        "", "", "\"Bob\"", "\"+4930110000001\" ", "\"A. \\\"B\\\" <C>\"", "\"W, T\"", "Bell ", " "};
    static const char *const scheme[] = {
        "sip:", "sip:", "sip:", "SIP:", "sips:", "tel:", "si:", ""};
    static const char *const user[] = {"+4930110000001@", "alice@", "bob@",     "", "alice;x=1@",
                                       "a:secret@",       "a?b@",   "me@home@", "@"};
    static const char *const host[] = {
        "10.32.0.1", "example.com", "a.b.c", "[2001:db8::1]", "2001:db8::1", "", "a=b", "h"};
    static const char *const port[] = {"", "", ":5060", ":", ":5:6", ":50=60"};
    static const char *const params[] = {"",       "",  ";user=phone", ";lr;transport=udp",
                                         ";x=a@b", ";", ";a:b",        "?h=v"};
    static const char *const close[] = {">", ">", ">", "", " >", "> "};
    static const char *const behind[] = {
        "",         "",         ";tag=1",     ";tag=a1b965f4", ";TAG=x",  ";tag=",   ";tag=\"q\"",
        ";x;tag=1", ";tag=1;x", "junk;tag=z", ",<sip:b@c>",    ";;tag=1", "; tag=1", ";tag"};
    int n = snprintf(out, size, "%s<%s%s%s%s%s%s%s", PICK(state, front), PICK(state, scheme),
                     PICK(state, user), PICK(state, host), PICK(state, port), PICK(state, params),
                     PICK(state, close), PICK(state, behind));
    return (size_t)n;
}

static size_t some_via(char *out, size_t size, uint64_t *state)
{
    static const char *const front[] = {"SIP/2.0/UDP ",     "SIP/2.0/UDP ", "sip/2.0/tcp ",
                                        "SIP / 2.0 / UDP ", "SIP/2.0/ ",    "SIP/3.0/UDP ",
                                        "SIP/2.0/UDP  "};
    static const char *const host[] = {"10.32.0.1", "example.com", "[2001:db8::1]", "2001:db8::1",
                                       "",          "h!"};
    static const char *const port[] = {"", "", ":5060", ":", ":5:6", " : 5060"};
    static const char *const params[] = {";branch=z9hG4bKa1b965f41.0",
                                         ";branch=z9hG4bK;rport",
                                         ";rport=5;received=1.2.3.4",
                                         ";received=[::1]",
                                         ";BRANCH=1;maddr=x;ttl=1",
                                         ";;branch=1",
                                         "; branch=1",
                                         ";branch",
                                         ";branch=",
                                         ";branch=a=b",
                                         "",
                                         ";",
                                         ";branch=\"x\"",
                                         ",SIP/2.0/UDP b",
                                         ";=1",
                                         ";branch=1 "};
    int n =
        snprintf(out, size, "%s%s%s%s%s", PICK(state, front), PICK(state, host), PICK(state, port),
                 PICK(state, params), next_random(state) % 2 ? PICK(state, params) : "");
    return (size_t)n;
}

static void alter(char *text, size_t size, uint64_t *state)
{
    static const char some[] = "<>\"@:;=?,[]\\! \t\r\n\x01\x80x";
    for (uint64_t times = next_random(state) % 4; times > 1 && size; times--)
        text[next_random(state) % size] = some[next_random(state) % (sizeof some - 1)];
}

#define EXPECT_SAME(a, b, field)                                                                   \
    cr_assert((a).field.data == (b).field.data && (a).field.size == (b).field.size,                \
              #field " of %.*s", SLICE_ARGS(s))

static bool compare_address(struct slice s)
{
    struct sip_addr a, b;
    memset(&a, 0xa5, sizeof a);
    if (!sip_addr_straight(s, &a))
        return false;
    cr_assert(sip_addr_parse_any(s, &b), "%.*s", SLICE_ARGS(s));
    cr_assert_not(sip_odd_address(s), "%.*s", SLICE_ARGS(s));
    EXPECT_SAME(a, b, display);
    EXPECT_SAME(a, b, uri);
    EXPECT_SAME(a, b, scheme);
    EXPECT_SAME(a, b, user);
    EXPECT_SAME(a, b, host);
    EXPECT_SAME(a, b, port);
    EXPECT_SAME(a, b, tag);
    EXPECT_SAME(a, b, params);
    return true;
}

static bool compare_via(struct slice s)
{
    struct sip_via a, b;
    struct slice rest = s, item;
    memset(&a, 0xa5, sizeof a);
    if (!sip_via_straight(s, &a))
        return false;
    cr_assert(sip_list_next(&rest, &item) && slice_equal(item, s), "%.*s", SLICE_ARGS(s));
    cr_assert(sip_via_parse_any(item, &b), "%.*s", SLICE_ARGS(s));
    cr_assert_not(sip_odd_list(s), "%.*s", SLICE_ARGS(s));
    EXPECT_SAME(a, b, transport);
    EXPECT_SAME(a, b, host);
    EXPECT_SAME(a, b, port);
    EXPECT_SAME(a, b, branch);
    EXPECT_SAME(a, b, received);
    EXPECT_SAME(a, b, rport);
    cr_assert_eq(a.has_rport, b.has_rport, "%.*s", SLICE_ARGS(s));
    return true;
}

static unsigned straight_ones(size_t (*make)(char *, size_t, uint64_t *),
                              bool (*compare)(struct slice))
{
    uint64_t state = 88172645463325252u;
    unsigned straight = 0;
    for (int round = 0; round < 200000; round++) {
        char text[256], *at = text;
        size_t size = make(text, sizeof text, &state);
        if (next_random(&state) % 8 == 0)
            size = next_random(&state) % (size + 1);
        alter(text, size, &state);
        struct slice s = slice_of(text, size);
        if (round % 50 == 0)
            s = guard_copy(s);
        straight += compare(s);
        if (s.data != (const uint8_t *)at)
            guard_free(s);
    }
    return straight;
}

Test(sip_straight, addresses_are_what_the_long_way_gives)
{
    cr_assert_gt(straight_ones(some_address, compare_address), 200);
}

Test(sip_straight, vias_are_what_the_long_way_gives)
{
    cr_assert_gt(straight_ones(some_via, compare_via), 1000);
}

Test(sip_straight, what_devices_write_goes_the_short_way)
{
    static const char *const addresses[] = {
        "\"+4930110000001\" <sip:+4930110000001@10.32.0.1:5060>;tag=a1b965f4",
        "<sip:+4989220000001@10.64.0.1:5060>",
        "\"Alice \xc3\x84rger\" <sip:alice@example.com;user=phone>;tag=1",
        "<sip:10.64.0.1:5060;lr>",
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        cr_expect(compare_address(slice_str(addresses[i])), "%s", addresses[i]);
    cr_expect(compare_via(slice_str("SIP/2.0/UDP 10.32.0.1:5060;branch=z9hG4bKa1b965f41.0")));
    cr_expect(compare_via(
        slice_str("SIP/2.0/TLS example.com;rport=1;branch=z9hG4bK1;received=10.0.0.1")));
    cr_expect_not(compare_address(slice_str("<sip:alice@example.com>;expires=60")));
    cr_expect_not(compare_via(slice_str("SIP/2.0/UDP 10.32.0.1:5060;branch=a,SIP/2.0/UDP b")));
}
