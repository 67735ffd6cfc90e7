/* STUN and TURN: vectors of RFC 5769, built messages, every truncation, lengths that lie. */
#include <criterion/criterion.h>

#include "capture/net/stun.h"
#include "tests/support/guard.h"
#include "tests/unit/net/packets.h"

#define ID "b7e7a701bc34d686fa87dfae"

static const char request[] =
    "00010058 2112a442" ID "80220010 5354554e207465737420636c69656e74 00240004 6e0001ff"
    "80290008 932ff9b151263b36 00060009 6576746a3a68367659202020"
    "00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf";
static const char answer_v4[] =
    "0101003c 2112a442" ID "8022000b 7465737420766563746f7220"
    "00200008 0001a147e112a643"
    "00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96";
static const char answer_v6[] =
    "01010048 2112a442" ID "8022000b 7465737420766563746f7220"
    "00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c";

static bool parse(const char *hex, struct stun_message *m)
{
    static struct slice copy; /* what the slices of the newest message point to */
    struct buf b;
    buf_init(&b, 1 << 16);
    put_hex(&b, hex);
    guard_free(copy);
    copy = guard_copy(buf_view(&b));
    buf_fini(&b);
    return stun_parse(copy, m);
}

static void expect_endpoint(struct endpoint at, const char *text)
{
    char out[ENDPOINT_TEXT_SIZE];
    cr_expect_str_eq(endpoint_text(&at, out), text);
}

Test(stun, the_vectors_of_rfc_5769_are_read)
{
    struct stun_message m;
    cr_assert(parse(request, &m));
    cr_expect(m.class == STUN_REQUEST && m.method == STUN_BINDING && m.controlled);
    cr_expect(slice_is(m.username, "evtj:h6vY"));
    cr_expect(!m.has_mapped && !m.has_peer && !m.has_data && !m.use_candidate && !m.controlling);
    cr_assert(parse(answer_v4, &m));
    cr_expect(m.class == STUN_SUCCESS && m.has_mapped);
    expect_endpoint(m.mapped, "192.0.2.1:32853");
    cr_assert(parse(answer_v6, &m));
    expect_endpoint(m.mapped, "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
    cr_expect_eq(m.transaction[0], 0xb7);
    cr_expect_eq(m.transaction[11], 0xae);
}

Test(stun, turn_methods_carry_peers_channels_and_data)
{
    struct stun_message m;
    cr_assert(parse("00090014 2112a442" ID "000c0004 40010000 00120008 0001329a e112a662", &m));
    cr_expect(m.method == TURN_CHANNEL_BIND && m.class == STUN_REQUEST && m.has_peer);
    cr_expect_eq(m.channel, 0x4001);
    expect_endpoint(m.peer, "192.0.2.32:5000");
    cr_assert(parse("00160014 2112a442" ID "00120008 0001329ae112a662 00130003 61626300", &m));
    cr_expect(m.method == TURN_SEND && m.class == STUN_INDICATION && m.has_data);
    cr_expect(slice_is(m.data, "abc"));
    cr_assert(parse("0103000c 2112a442" ID "00160008 0001329ae112a662", &m));
    cr_expect(m.method == TURN_ALLOCATE && m.class == STUN_SUCCESS && m.has_relayed);
    expect_endpoint(m.relayed, "192.0.2.32:5000");
    cr_assert(parse("00010010 2112a442" ID "00250000 802a0008 0000000000000001", &m));
    cr_expect(m.use_candidate && m.controlling);
    cr_assert(parse("01130000 2112a442" ID, &m));
    cr_expect(m.class == STUN_ERROR && m.method == TURN_ALLOCATE);
}

Test(stun, the_old_protocol_is_read_without_its_cookie)
{
    struct stun_message m;
    cr_assert(parse("0101000c 00112233" ID "00010008 00011388c0000201", &m));
    cr_expect(m.class == STUN_SUCCESS && m.has_mapped);
    expect_endpoint(m.mapped, "192.0.2.1:5000");
    cr_expect(parse("00020000 00112233" ID, &m), "Shared Secret");
    cr_expect_not(parse("00030000 00112233" ID, &m), "Allocate came with the cookie");
    cr_expect_not(parse("00110000 00112233" ID, &m), "indications too");
}

Test(stun, what_lies_about_its_length_is_refused)
{
    static const char *const bad[] = {
        "",
        "00",
        "00010000",
        "00010000 2112a442 b7e7a701bc34d686fa87df",
        "80010000 2112a442" ID,                     /* the first two bits */
        "00010004 2112a442" ID,                     /* more than there is */
        "00010000 2112a442" ID "00",                /* less */
        "00010003 2112a442" ID "000000",            /* not in words */
        "00010004 2112a442" ID "00060004",          /* an attribute past the end */
        "00010008 2112a442" ID "00060005 61626364", /* or its padding */
        "01010004 00112233" ID "00010008",
    };
    struct stun_message m;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(parse(bad[i], &m), "%s", bad[i]);
    cr_assert(parse("0101000c 2112a442" ID "00200008 0003a147e112a643", &m));
    cr_expect_not(m.has_mapped, "an unknown family is no address");
    cr_assert(parse("01010008 2112a442" ID "00200004 0001a147", &m));
    cr_expect_not(m.has_mapped, "nor is half of one");
}

Test(stun, every_truncation_is_refused)
{
    struct buf b;
    struct stun_message m;
    buf_init(&b, 1 << 16);
    put_hex(&b, request);
    for (size_t n = 0; n < b.size; n++) {
        struct slice cut = guard_copy(slice_of(b.data, n));
        cr_expect_not(stun_parse(cut, &m), "%zu", n);
        guard_free(cut);
    }
    buf_fini(&b);
}

struct channel_case {
    const char *hex;
    size_t wire; /* 0: as it is */
    int size;    /* -1: none */
};

Test(stun, channel_data_is_told_by_its_number_and_length)
{
    static const struct channel_case cases[] = {
        {"40010003 616263", 0, 3},
        {"4fff0000", 0, 0},
        {"40000003 61626300", 0, 3},
        {"40000001 61000000", 0, 1},
        {"40000001 6100000000", 0, -1},
        {"40000004 616263", 0, -1},
        {"3fff0003 616263", 0, -1},
        {"50000003 616263", 0, -1},
        {"400100", 0, -1},
        {"40010064 616263", 104, 3},
        {"40010064 616263", 103, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 1 << 16);
        put_hex(&b, cases[i].hex);
        struct slice copy = guard_copy(buf_view(&b)), data;
        uint16_t channel;
        size_t wire = 0;
        bool is = cases[i].wire ? turn_channel_data_cut(copy, cases[i].wire, &channel, &data, &wire)
                                : turn_channel_data(copy, &channel, &data);
        cr_expect_eq(is, cases[i].size >= 0, "%s", cases[i].hex);
        cr_expect(!is || data.size == (size_t)cases[i].size, "%s", cases[i].hex);
        cr_expect(!is || cases[i].wire == 0 || wire == 100);
        guard_free(copy);
        buf_fini(&b);
    }
}
