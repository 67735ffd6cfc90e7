/* Which signalling is it? One example each, and what looks like it. */
#include <criterion/criterion.h>

#include "capture/foreign/foreign.h"
#include "capture/foreign/seen.h"
#include "tests/support/guard.h"

/* Cases name the fields they care about. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct example {
    const char *name;
    const char *bytes;
    size_t size;
    uint16_t port_a, port_b;
    enum foreign_proto proto;
};

#define BYTES(text) text, sizeof text - 1

static const struct example datagrams[] = {
    {"MGCP on its port", BYTES("RSIP 3 *@gw MGCP 1.0\r\n"), 2427, 2727, FOREIGN_MGCP},
    {"MGCP elsewhere", BYTES("RSIP 3 *@gw MGCP 1.0\r\n"), 40000, 40001, FOREIGN_MGCP},
    {"MGCP response", BYTES("200 26662136 \n"), 2427, 2427, FOREIGN_MGCP},
    {"a number elsewhere", BYTES("200 26662136 \n"), 40000, 40001, FOREIGN_NONE},
    {"IAX2 NEW", BYTES("\x80\x01\0\0\0\0\0\x03\0\0\x06\x01\x0b\x02\0\x02\x01\x01s"), 4569, 40000,
     FOREIGN_IAX2},
    {"IAX2 ACK", BYTES("\x80\x01\0\x02\0\0\0\x03\0\x01\x06\x04"), 4569, 4569, FOREIGN_IAX2},
    {"IAX2 elsewhere", BYTES("\x80\x01\0\x02\0\0\0\x03\0\x01\x06\x04"), 4570, 40000, FOREIGN_NONE},
    {"IAX2 voice", BYTES("\x80\x01\0\x02\0\0\0\x03\0\x01\x02\x04voice"), 4569, 4569, FOREIGN_NONE},
    {"IAX2 mini frame", BYTES("\x00\x01\0\x02voice of a call"), 4569, 4569, FOREIGN_NONE},
    {"IAX2 element too long", BYTES("\x80\x01\0\0\0\0\0\x03\0\0\x06\x01\x0b\x09\0\x02"), 4569, 4569,
     FOREIGN_NONE},
    {"RTP on that port", BYTES("\x80\x00\x12\x34\0\0\x01\x00\xaa\xbb\xcc\xdd\xd5\xd5\xd5\xd5"),
     4569, 4000, FOREIGN_NONE},
    {"RAS registration", BYTES("\x0e\x80\x04\x07\x06\x00\x08\x91\x4a\x00\x04\x80\x00"), 1719, 40000,
     FOREIGN_H323},
    {"RAS elsewhere", BYTES("\x0e\x80\x04\x07\x06\x00\x08\x91\x4a\x00\x04\x80\x00"), 1721, 40000,
     FOREIGN_NONE},
    {"other bytes on its port", BYTES("\x0e\x80\x04\x07\x06\x00\x08\x91\x4a\x01\x04\x80\x00"), 1719,
     40000, FOREIGN_NONE},
    {"SigComp with state",
     BYTES("\xf9"
           "abcdef"
           "compressed"),
     5060, 5060, FOREIGN_SIGCOMP},
    {"SigComp with feedback",
     BYTES("\xfd\x81x"
           "abcdef"
           "compressed"),
     5060, 40000, FOREIGN_SIGCOMP},
    {"SigComp with code",
     BYTES("\xf8\x00\x41"
           "codemessage"),
     5060, 40000, FOREIGN_SIGCOMP},
    {"its code does not fit",
     BYTES("\xf8\x10\x41"
           "code"),
     5060, 40000, FOREIGN_NONE},
    {"its destination is reserved",
     BYTES("\xf8\x00\x40"
           "code"),
     5060, 40000, FOREIGN_NONE},
    {"a keep-alive of ones", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), 5060, 5060, FOREIGN_NONE},
    {"SigComp elsewhere",
     BYTES("\xf9"
           "abcdef"
           "compressed"),
     5070, 40000, FOREIGN_NONE},
    {"SIP", BYTES("OPTIONS sip:a@b SIP/2.0\r\n\r\n"), 5060, 5060, FOREIGN_NONE},
    {"SIP on MGCP's port", BYTES("NOTIFY sip:a@b SIP/2.0\r\n\r\n"), 2427, 5060, FOREIGN_NONE},
    {"RTSP over UDP", BYTES("OPTIONS rtsp://a RTSP/1.0\r\n\r\n"), 554, 40000, FOREIGN_NONE},
    {"DNS", BYTES("\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0\x03www\x02it\0\0\x01\0\x01"), 53, 40000,
     FOREIGN_NONE},
    {"TFTP",
     BYTES("\0\x01"
           "CRCX 1\0octet\0"),
     69, 2427, FOREIGN_NONE},
    {"STUN",
     BYTES("\x00\x01\x00\x00\x21\x12\xa4\x42"
           "abcdefghijkl"),
     1719, 40000, FOREIGN_NONE},
    {"RTCP",
     BYTES("\x80\xc8\x00\x06"
           "abcdefghijklmnopqrstuvwx"),
     4001, 5061, FOREIGN_NONE},
};

static const struct example streams[] = {
    {"RTSP", BYTES("DESCRIBE rtsp://cam/1 RTSP/1.0\r\nCSeq: 1\r\n"), 40000, 8554, FOREIGN_RTSP},
    {"RTSP for all", BYTES("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n"), 40000, 554, FOREIGN_RTSP},
    {"RTSP answer", BYTES("RTSP/1.0 200 OK\r\n"), 554, 40000, FOREIGN_RTSP},
    {"SIP OPTIONS", BYTES("OPTIONS sip:a@b SIP/2.0\r\n"), 5060, 40000, FOREIGN_NONE},
    {"HTTP OPTIONS", BYTES("OPTIONS * HTTP/1.1\r\n"), 80, 554, FOREIGN_NONE},
    {"SCCP", BYTES("\x0c\0\0\0\x14\0\0\0\x49\0\0\0\x03\0\0\0"), 2000, 49399, FOREIGN_SCCP},
    {"SCCP keep-alive", BYTES("\x04\0\0\0\0\0\0\0\0\0\0\0"), 49399, 2000, FOREIGN_SCCP},
    {"SCCP elsewhere", BYTES("\x0c\0\0\0\x14\0\0\0\x49\0\0\0\x03\0\0\0"), 2001, 49399,
     FOREIGN_NONE},
    {"size of zero", BYTES("\x01\0\0\0\x14\0\0\0\x49\0\0\0"), 2000, 49399, FOREIGN_NONE},
    {"H.225", BYTES("\x03\0\0\x0e\x08\x02\0\x01\x05\x7e\0\x02\x05\x20"), 40000, 1720, FOREIGN_H323},
    {"H.225 elsewhere", BYTES("\x03\0\0\x0e\x08\x02\0\x01\x05\x7e\0\x02\x05\x20"), 40000, 1730,
     FOREIGN_H323},
    {"Q.931 without H.225's part", BYTES("\x03\0\0\x09\x08\x02\0\x01\x05"), 40000, 1730,
     FOREIGN_NONE},
    {"an empty TPKT to a web server", BYTES("\x03\0\0\x04"), 31337, 80, FOREIGN_NONE},
    {"MGCP has no streams", BYTES("RSIP 3 *@gw MGCP 1.0\r\n"), 2427, 2427, FOREIGN_NONE},
    {"TLS", BYTES("\x16\x03\x01\x00\x05\x01\0\0\x01\x03"), 2000, 1720, FOREIGN_NONE},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static enum foreign_proto judge(const struct example *e, struct slice bytes, bool stream)
{
    struct datagram d = {.proto = PROTO_UDP, .payload = bytes};
    d.src.port = e->port_a;
    d.dst.port = e->port_b;
    return stream ? foreign_stream_guess(bytes, e->port_a, e->port_b) : foreign_datagram(&d);
}

static void judge_all(const struct example *table, size_t count, bool stream)
{
    for (size_t i = 0; i < count; i++) {
        struct example e = table[i];
        struct slice copy = guard_copy(slice_of(e.bytes, e.size));
        cr_assert_eq(judge(&e, copy, stream), e.proto, "%s", e.name);
        uint16_t a = e.port_a;
        e.port_a = e.port_b;
        e.port_b = a;
        cr_assert_eq(judge(&e, copy, stream), e.proto, "%s, the other way", e.name);
        guard_free(copy);
    }
}

static void cut_all(const struct example *table, size_t count, bool stream)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < table[i].size; n++) {
            struct slice copy = guard_copy(slice_of(table[i].bytes, n));
            enum foreign_proto p = judge(&table[i], copy, stream), whole = table[i].proto;
            cr_assert(whole == FOREIGN_NONE || p == FOREIGN_NONE || p == whole, "%s",
                      table[i].name);
            guard_free(copy);
        }
    }
}

Test(foreign, datagrams_are_told_by_what_is_in_them)
{
    judge_all(datagrams, COUNT(datagrams), false);
}

Test(foreign, streams_are_told_by_their_first_bytes)
{
    judge_all(streams, COUNT(streams), true);
}

Test(foreign, no_beginning_is_taken_for_another_protocol)
{
    cut_all(datagrams, COUNT(datagrams), false);
    cut_all(streams, COUNT(streams), true);
}

Test(foreign, rtp_is_never_signalling)
{
    uint8_t packet[172] = {0x80};
    uint32_t random = 1;
    for (unsigned i = 0; i < 200000; i++) {
        for (unsigned k = 1; k < 32; k++)
            packet[k] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
        struct datagram d = {.proto = PROTO_UDP, .payload = slice_of(packet, sizeof packet)};
        d.src.port = (uint16_t)(random >> 8);
        d.dst.port = i % 2 ? 5060 : 2427;
        cr_assert_eq(foreign_datagram(&d), FOREIGN_NONE);
    }
}

/* ---- what was seen ---- */

Test(seen, an_item_stays_until_it_was_silent_for_too_long)
{
    struct seen *s = seen_new(16, 100);
    bool pushed;
    seen_put(s, 7, 1000, &pushed)->value[0] = 42;
    cr_assert(!pushed);
    cr_assert_eq(seen_find(s, 7, 1100)->value[0], 42);
    cr_assert_null(seen_find(s, 8, 1000));
    cr_assert_null(seen_find(s, 7, 1101));
    cr_assert_eq(seen_put(s, 7, 1050, &pushed)->value[0], 42);
    cr_assert_not_null(seen_find(s, 7, 1150));
    cr_assert_eq(seen_put(s, 7, 2000, &pushed)->value[0], 0, "it begins anew");
    seen_free(s);
}

Test(seen, a_full_set_gives_up_what_was_silent_longest_and_says_so)
{
    struct seen *s = seen_new(4, 1000);
    bool pushed = true;
    for (unsigned i = 0; i < 4; i++) {
        seen_put(s, 10 + i, i, &pushed);
        cr_assert(!pushed);
    }
    seen_put(s, 10, 5, &pushed);
    cr_assert(!pushed);
    seen_put(s, 99, 6, &pushed);
    cr_assert(pushed);
    cr_assert_null(seen_find(s, 11, 6));
    cr_assert_not_null(seen_find(s, 10, 6));
    seen_put(s, 100, 5000, &pushed);
    cr_assert(!pushed, "what is too old goes without loss");
    seen_free(s);
}

Test(seen, the_key_zero_is_a_key)
{
    struct seen *s = seen_new(4, 10);
    seen_put(s, 0, 1, NULL)->value[1] = 3;
    cr_assert_eq(seen_find(s, 0, 1)->value[1], 3);
    seen_free(s);
}
