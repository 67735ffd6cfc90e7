/* HEP packets: every chunk, lengths that lie, the older versions in both byte orders, RTCP in JSON.
 */
#include <criterion/criterion.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/counters.h"
#include "base/cursor.h"
#include "capture/net/hep.h"
#include "tests/support/guard.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define SECOND_NS    INT64_C(1000000000)

/* ---- building ---- */

static void chunk(struct buf *b, uint16_t vendor, uint16_t type, const char *body, size_t size)
{
    buf_u16(b, vendor);
    buf_u16(b, type);
    buf_u16(b, (uint16_t)(size + 6));
    buf_add(b, body, size);
}

static void begin(struct buf *b, const char *magic)
{
    buf_init(b, 1 << 17);
    buf_str(b, magic);
    buf_u16(b, 0);
}

static struct slice end(struct buf *b)
{
    b->data[4] = (uint8_t)(b->size >> 8);
    b->data[5] = (uint8_t)b->size;
    return buf_view(b);
}

#define CHUNK(b, type, text) chunk(b, 0, type, text, sizeof(text) - 1)

static void put_ip4(struct buf *b)
{
    CHUNK(b, 1, "\x02");
    CHUNK(b, 3, "\xc0\x00\x02\x01");
    CHUNK(b, 4, "\xc6\x33\x64\x02");
}

/* All chunks that mean something to us. */
static void put_everything(struct buf *b)
{
    begin(b, "HEP3");
    put_ip4(b);
    CHUNK(b, 2, "\x06");
    CHUNK(b, 7, "\x13\xc4");
    CHUNK(b, 8, "\x40\x00");
    CHUNK(b, 9, "\x65\x00\x00\x01");
    CHUNK(b, 10, "\x00\x01\xe2\x40");
    CHUNK(b, 11, "\x05");
    CHUNK(b, 12, "\x00\x00\x07\xd1");
    CHUNK(b, 13, "\x00\x3c");
    CHUNK(b, 14, "myHep");
    chunk(b, 4, 15, "of a vendor", 11);
    CHUNK(b, 15, "payload");
    CHUNK(b, 17, "call@example.org");
    CHUNK(b, 18, "\x10\x64");
    CHUNK(b, 19, "node");
    CHUNK(b, 23, "\x18");
    CHUNK(b, 24, "\xb8");
    CHUNK(b, 32, "\x01\xae");
    CHUNK(b, 0x1234, "");
}

static void assert_everything(const struct hep_packet *p)
{
    char text[ENDPOINT_TEXT_SIZE];
    cr_assert_eq(p->version, 3);
    cr_assert_eq(p->type, HEP_RTCP);
    cr_assert_eq(p->agent, 2001);
    cr_assert(!p->compressed && p->has_time);
    cr_assert(slice_is(p->auth_key, "myHep"));
    cr_assert(slice_is(p->node, "node"));
    cr_assert(slice_is(p->correlation_id, "call@example.org"));
    cr_assert_str_eq(endpoint_text(&p->d.src, text), "192.0.2.1:5060");
    cr_assert_str_eq(endpoint_text(&p->d.dst, text), "198.51.100.2:16384");
    cr_assert_eq(p->d.time_ns, 0x65000001 * SECOND_NS + INT64_C(123456000));
    cr_assert_eq(p->d.proto, PROTO_TCP);
    cr_assert_eq(p->d.transport, TRANSPORT_TCP);
    cr_assert_eq(p->d.vlan_outer, 100); /* the id without its priority */
    cr_assert_eq(p->d.tcp_flags, TCP_ACK | TCP_PSH);
    cr_assert_eq(p->d.tos, 0xb8);
    cr_assert_eq(p->d.wrapping, WRAP_HEP);
    cr_assert_eq(p->d.wrap_id, 2001);
    cr_assert(slice_is(p->d.payload, "payload"));
    cr_assert_eq(p->d.payload_wire, 7);
}

/* ---- HEP3 ---- */

Test(hep, every_chunk_is_read_and_unknown_ones_are_passed_over)
{
    static const char *const magics[] = {"HEP3", "EEP3"};
    for (size_t i = 0; i < COUNT(magics); i++) {
        struct buf b;
        struct hep_packet p;
        put_everything(&b);
        memcpy(b.data, magics[i], 4);
        struct slice copy = guard_copy(end(&b));
        cr_assert(hep_looks_like(copy));
        cr_assert(hep_parse(copy, &p));
        assert_everything(&p);
        guard_free(copy);
        buf_fini(&b);
    }
}

Test(hep, every_truncation_is_refused_whatever_its_length_says)
{
    struct buf b;
    struct hep_packet p;
    put_everything(&b);
    struct slice whole = end(&b);
    for (size_t n = 0; n < whole.size; n++) {
        struct slice copy = guard_copy(slice_sub(whole, 0, n));
        cr_assert_not(hep_parse(copy, &p), "%zu", n);
        guard_free(copy);
    }
    /* With a length that agrees only cuts between chunks behind the payload can pass. */
    for (size_t n = 6; n < whole.size; n++) {
        struct buf cut;
        begin(&cut, "HEP3");
        buf_slice(&cut, slice_sub(whole, 6, n));
        struct slice copy = guard_copy(end(&cut));
        if (hep_parse(copy, &p))
            cr_assert(slice_is(p.d.payload, "payload"));
        guard_free(copy);
        buf_fini(&cut);
    }
    buf_fini(&b);
}

Test(hep, no_byte_changed_makes_it_read_beyond_its_end)
{
    struct buf b;
    struct hep_packet p;
    put_everything(&b);
    struct slice copy = guard_copy(end(&b));
    uint8_t *bytes = b.data;
    for (size_t at = 0; at < b.size; at++)
        for (unsigned v = 0; v < 256; v += 3) {
            uint8_t was = bytes[at];
            bytes[at] = (uint8_t)v;
            guard_free(copy);
            copy = guard_copy(buf_view(&b));
            if (hep_parse(copy, &p))
                cr_assert(p.d.payload.data >= copy.data &&
                          p.d.payload.data + p.d.payload.size <= copy.data + copy.size);
            bytes[at] = was;
        }
    guard_free(copy);
    buf_fini(&b);
}

enum {
    WITHOUT_FAMILY = 1,
    ONLY_SOURCE = 2,
    FOUR = 4,
    SIX = 8,
    NO_PAYLOAD = 16,
    EMPTY_PAYLOAD = 32
};

static bool parses(unsigned what, uint8_t family, struct hep_packet *ret_packet, struct buf *b)
{
    char family_byte[1] = {(char)family};
    begin(b, "HEP3");
    if (!(what & WITHOUT_FAMILY))
        chunk(b, 0, 1, family_byte, 1);
    if (what & FOUR) {
        CHUNK(b, 3, "\xc0\x00\x02\x01");
        if (!(what & ONLY_SOURCE))
            CHUNK(b, 4, "\xc6\x33\x64\x02");
    }
    if (what & SIX) {
        CHUNK(b, 5, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
        if (!(what & ONLY_SOURCE))
            CHUNK(b, 6, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02");
    }
    if (!(what & NO_PAYLOAD))
        chunk(b, 0, 15, "x", what & EMPTY_PAYLOAD ? 0 : 1);
    return hep_parse(end(b), ret_packet);
}

Test(hep, addresses_must_be_there_and_of_one_family)
{
    static const struct {
        unsigned what;
        uint8_t family;
        bool good;
    } cases[] = {
        {FOUR, 2, true},
        {SIX, 10, true},
        {SIX, 30, true}, /* macOS */
        {FOUR | WITHOUT_FAMILY, 0, true},
        {SIX | WITHOUT_FAMILY, 0, true},
        {FOUR, 10, false},
        {SIX, 2, false},
        {FOUR | SIX, 2, false},
        {FOUR, 77, false},
        {0, 2, false},
        {FOUR | ONLY_SOURCE, 2, false},
        {SIX | ONLY_SOURCE, 10, false},
        {FOUR | NO_PAYLOAD, 2, false},
        {FOUR | EMPTY_PAYLOAD, 2, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b;
        struct hep_packet p;
        char text[ENDPOINT_TEXT_SIZE];
        bool good = parses(cases[i].what, cases[i].family, &p, &b);
        cr_assert_eq(good, cases[i].good, "case %zu", i);
        if (good && cases[i].what & SIX)
            cr_assert_str_eq(endpoint_text(&p.d.dst, text), "[2001:db8::2]:0");
        buf_fini(&b);
    }
}

Test(hep, chunks_of_fixed_size_with_another_are_refused)
{
    static const uint16_t fixed[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18};
    for (size_t i = 0; i < COUNT(fixed); i++) {
        for (size_t size = 0; size < 20; size += 19) {
            struct buf b;
            struct hep_packet p;
            begin(&b, "HEP3");
            chunk(&b, 0, fixed[i], "0123456789012345678", size);
            put_ip4(&b);
            CHUNK(&b, 15, "x");
            cr_assert_not(hep_parse(end(&b), &p), "chunk %u of %zu bytes", fixed[i], size);
            buf_fini(&b);
        }
    }
}

Test(hep, the_first_of_two_payloads_counts)
{
    struct buf b;
    struct hep_packet p;
    begin(&b, "HEP3");
    put_ip4(&b);
    CHUNK(&b, 16, "packed");
    CHUNK(&b, 15, "plain");
    cr_assert(hep_parse(end(&b), &p));
    cr_assert(p.compressed && slice_is(p.d.payload, "packed"));
    cr_assert_not(p.has_time);
    buf_fini(&b);
}

Test(hep, the_agent_id_of_sngrep_in_its_wrong_byte_order_is_a_number_like_any)
{
    struct buf b;
    struct hep_packet p;
    begin(&b, "HEP3");
    put_ip4(&b);
    CHUNK(&b, 12, "\xd2\x07\x00\x00");
    CHUNK(&b, 15, "x");
    cr_assert(hep_parse(end(&b), &p));
    cr_assert_eq(p.agent, 0xd2070000);
    buf_fini(&b);
}

/* ---- HEP 1 and 2 ---- */

static void put_hep2(struct buf *b, unsigned version, bool v6, uint8_t length_more,
                     size_t time_size, const char *time)
{
    uint8_t length = (uint8_t)(8 + (v6 ? 32 : 8) + length_more);
    buf_init(b, 1 << 16);
    buf_u8(b, (uint8_t)version);
    buf_u8(b, length);
    buf_u8(b, v6 ? 10 : 2);
    buf_u8(b, 17);
    buf_u16(b, 5060);
    buf_u16(b, 5080);
    if (v6)
        buf_add(
            b, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2",
            32);
    else
        buf_add(b, "\xc0\x00\x02\x01\xc6\x33\x64\x02", 8);
    buf_add(b, time, time_size);
    buf_str(b, "INVITE");
}

Test(hep, version_2_is_read_in_either_byte_order)
{
    /* 1700000000.654321, agent 2001. */
    static const char big[] = "\x65\x53\xf1\x00\x00\x09\xfb\xf1\x07\xd1\x00\x00";
    static const char little[] = "\x00\xf1\x53\x65\xf1\xfb\x09\x00\xd1\x07\x00\x00";
    static const struct {
        const char *time;
        uint8_t length_more;
        size_t time_size;
    } cases[] = {{big, 12, 12}, {little, 12, 12}, {big, 10, 10}, {little, 10, 10}, {little, 0, 12}};
    for (size_t i = 0; i < COUNT(cases) * 2; i++) {
        struct buf b;
        struct hep_packet p;
        bool v6 = i % 2;
        put_hep2(&b, 2, v6, cases[i / 2].length_more, cases[i / 2].time_size, cases[i / 2].time);
        struct slice copy = guard_copy(buf_view(&b));
        cr_assert(hep_looks_like(copy));
        cr_assert(hep_parse(copy, &p), "case %zu", i);
        char text[ENDPOINT_TEXT_SIZE];
        cr_assert_str_eq(endpoint_text(&p.d.src, text),
                         v6 ? "[2001:db8::1]:5060" : "192.0.2.1:5060");
        cr_assert_eq(p.version, 2);
        cr_assert_eq(p.type, HEP_SIP);
        cr_assert_eq(p.agent, 2001);
        cr_assert(p.has_time);
        cr_assert_eq(p.d.time_ns, 1700000000 * SECOND_NS + 654321000);
        cr_assert(slice_is(p.d.payload, "INVITE"));
        guard_free(copy);
        for (size_t n = 0; n + 6 <= b.size; n++) { /* up to an empty payload */
            copy = guard_copy(slice_sub(buf_view(&b), 0, n));
            cr_assert_not(hep_parse(copy, &p));
            guard_free(copy);
        }
        buf_fini(&b);
    }
}

Test(hep, version_1_has_no_time_and_an_unlikely_one_is_not_believed)
{
    struct buf b;
    struct hep_packet p;
    put_hep2(&b, 1, false, 0, 0, "");
    cr_assert(hep_parse(buf_view(&b), &p));
    cr_assert_not(p.has_time);
    cr_assert(slice_is(p.d.payload, "INVITE"));
    buf_fini(&b);
    put_hep2(&b, 2, false, 12, 12, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    cr_assert(hep_parse(buf_view(&b), &p));
    cr_assert_not(p.has_time);
    buf_fini(&b);
}

Test(hep, what_is_not_hep_does_not_look_like_it)
{
    static const char *const others[] = {"INVITE sip:a SIP/2.0", "HEP4xx",
                                         "\x02\x10\x03\x11zzzz", "\x03\x10\x02\x11zzzz",
                                         "\x02\x11\x02\x11zzzz", ""};
    for (size_t i = 0; i < COUNT(others); i++)
        cr_assert_not(hep_looks_like(slice_str(others[i])), "%zu", i);
}

/* ---- time and type ---- */

Test(hep, a_clock_that_is_a_day_off_is_not_believed)
{
    static const struct {
        int64_t agent_s;
        bool has_time, suspect;
    } cases[] = {
        {1700000000, true, false},         {1700000000 - 86400, true, false},
        {1700000000 + 86400, true, false}, {1700000000 - 86401, true, true},
        {1700000000 + 86401, true, true},  {0, false, false},
    };
    int64_t received = 1700000000 * SECOND_NS;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hep_packet p = {.has_time = cases[i].has_time,
                               .d = {.time_ns = cases[i].agent_s * SECOND_NS}};
        bool suspect;
        int64_t got = hep_time(&p, received, &suspect);
        bool believed = cases[i].has_time && !cases[i].suspect;
        cr_assert_eq(suspect, cases[i].suspect, "case %zu", i);
        cr_assert_eq(got, believed ? p.d.time_ns : received, "case %zu", i);
    }
}

Test(hep, types_have_their_counters)
{
    static const struct {
        uint8_t type;
        const char *label;
    } cases[] = {{1, "sip"},     {4, "rtp"},   {5, "rtcp"},   {34, "report"}, {35, "report"},
                 {38, "report"}, {100, "log"}, {53, "other"}, {0, "other"},   {255, "other"}};
    for (size_t i = 0; i < COUNT(cases); i++)
        cr_assert_str_eq(label_text(LABELS_HEP_TYPE, hep_type_label(cases[i].type)),
                         cases[i].label);
}

/* ---- compressed payloads ---- */

Test(hep, a_payload_is_inflated_from_zlib_and_gzip_and_not_beyond_its_bound)
{
    static uint8_t plain[60000], packed[61000], out[60000];
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i % 251 * (i / 251 % 7));
    for (int gzip = 0; gzip < 2; gzip++) {
        z_stream z = {.next_in = plain,
                      .avail_in = sizeof plain,
                      .next_out = packed,
                      .avail_out = sizeof packed};
        cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, gzip ? 31 : 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
        cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        size_t size = sizeof packed - z.avail_out;
        deflateEnd(&z);
        cr_assert_eq(hep_inflate(slice_of(packed, size), out, sizeof out), sizeof plain);
        cr_assert_eq(memcmp(out, plain, sizeof plain), 0);
        cr_assert_eq(hep_inflate(slice_of(packed, size), out, sizeof out - 1), 0);
        for (size_t n = 0; n < size; n += 7) {
            struct slice copy = guard_copy(slice_of(packed, n));
            cr_assert_eq(hep_inflate(copy, out, sizeof out), 0, "cut at %zu", n);
            guard_free(copy);
        }
    }
    cr_assert_eq(hep_inflate(slice_str("INVITE sip:"), out, sizeof out), 0);
}
