/* ESP without encryption, and SCTP in UDP: what is told by its contents alone. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "capture/net/layer.h"
#include "tests/unit/net/packets.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char text[] = INNER_TEXT;

/* ---- ESP ---- */

/* Wraps `body` with padding to 4 bytes, trailer and a check value of `check` bytes. */
static void put_esp(struct buf *b, struct slice body, uint8_t next, size_t check)
{
    put_hex(b, "00001001 00000005");
    buf_slice(b, body);
    uint8_t padding = (uint8_t)(-(body.size + 2) & 3);
    for (uint8_t i = 1; i <= padding; i++)
        buf_u8(b, i);
    buf_u8(b, padding);
    buf_u8(b, next);
    for (size_t i = 0; i < check; i++)
        buf_u8(b, (uint8_t)(0xa7 * (i + 1)));
}

static enum net_verdict decode_esp_by(struct net *n, const char *layers, struct slice body,
                                      uint8_t next, size_t check_size, struct datagram *ret,
                                      struct buf *ret_payload)
{
    struct buf b, esp;
    buf_init(&b, 1 << 16);
    buf_init(&esp, 1 << 16);
    put_esp(&esp, body, next, check_size);
    put_wrapped(&b, layers, buf_view(&esp));
    enum net_verdict v = decode_at(n, LINK_ETHERNET, buf_view(&b), 0, ret, ret_payload);
    buf_fini(&b);
    buf_fini(&esp);
    return v;
}

static enum net_verdict decode_esp(const char *layers, struct slice body, uint8_t next,
                                   size_t check_size, struct datagram *ret, struct buf *ret_payload)
{
    struct net *n = new_net(NULL);
    enum net_verdict v = decode_esp_by(n, layers, body, next, check_size, ret, ret_payload);
    net_free(n);
    return v;
}

static void check_inner(const struct datagram *d, int version)
{
    char src[ENDPOINT_TEXT_SIZE];
    cr_assert_str_eq(endpoint_text(&d->src, src),
                     version == 4 ? "192.0.2.1:5060" : "[2001:db8::1]:5060");
    cr_assert(slice_is(d->payload, text));
    cr_assert_eq(d->wrapping, WRAP_ESP);
    cr_assert_eq(d->wrap_id, 0x1001);
    cr_assert_eq(d->wrap_depth, 1);
}

Test(esp, without_encryption_is_read_whatever_its_check_value)
{
    static const size_t checks[] = {0, 12, 16};
    static const char *const layers[] = {ETH4 "<4:32>", ETH6 "<6:32>", ETH4 "<4:11> <u:1194>"};
    struct buf body, payload;
    buf_init(&body, 1 << 16);
    buf_init(&payload, 1 << 16);
    for (size_t i = 0; i < COUNT(checks) * COUNT(layers); i++) {
        const char *outside = layers[i / COUNT(checks)];
        size_t check_size = checks[i % COUNT(checks)];
        struct datagram d;
        for (int version = 4; version <= 6; version += 2) {
            buf_clear(&body);
            put_inner(&body, version);
            cr_assert_eq(decode_esp(outside, buf_view(&body), version == 4 ? 4 : 41, check_size, &d,
                                    &payload),
                         NET_DATAGRAM);
            check_inner(&d, version);
        }
        buf_clear(&body);
        put_udp(&body, slice_str(text), 0);
        cr_assert_eq(decode_esp(outside, buf_view(&body), PROTO_UDP, check_size, &d, &payload),
                     NET_DATAGRAM);
        cr_assert_eq(d.wrapping, WRAP_ESP);
        cr_assert_eq(d.src.port, SRC_PORT);
        cr_assert(slice_is(d.payload, text));
        cr_assert(addr_equal(d.src.addr, d.wrap_src));
    }
    buf_fini(&body);
    buf_fini(&payload);
}

/* 192.168.0.1:5060 -> 192.168.0.2:5061, "hi", with its checksum. */
#define TCP_HI "13c4 13c5 00000001 00000002 5018 2000 "

Test(esp, tcp_inside_must_have_the_right_checksum)
{
    struct buf body, payload;
    buf_init(&body, 1 << 16);
    buf_init(&payload, 1 << 16);
    uint32_t sum = 0xc0a8 + 0x0001 + 0xc0a8 + 0x0002 + 6 + 22 + 0x13c4 + 0x13c5 + 1 + 2 + 0x5018 +
                   0x2000 + 0x6869;
    sum = (sum & 0xffff) + (sum >> 16);
    for (uint32_t error = 0; error < 2; error++) {
        buf_clear(&body);
        put_hex(&body, TCP_HI);
        buf_u16(&body, (uint16_t)(~sum - error));
        put_hex(&body, "0000 6869");
        struct datagram d;
        enum net_verdict v =
            decode_esp(ETH4 "<4:32>", buf_view(&body), PROTO_TCP, 12, &d, &payload);
        cr_assert_eq(v, error ? NET_OTHER : NET_SEGMENT);
    }
    buf_fini(&body);
    buf_fini(&payload);
}

Test(esp, that_does_not_agree_with_itself_is_left_alone)
{
    struct buf body;
    buf_init(&body, 1 << 16);
    struct datagram d;
    put_udp(&body, slice_str(text), 1);
    cr_assert_eq(decode_esp(ETH4 "<4:32>", buf_view(&body), PROTO_UDP, 12, &d, NULL), NET_OTHER);
    cr_assert_eq(decode_esp(ETH4 "<4:11> <u:1194>", buf_view(&body), PROTO_UDP, 12, &d, NULL),
                 NET_DATAGRAM);
    cr_assert_eq(d.dst.port, 4500);
    cr_assert_eq(d.wrapping, WRAP_NONE);
    buf_clear(&body);
    put_udp(&body, slice_str(text), 0);
    cr_assert_eq(decode_esp(ETH4 "<4:32>", buf_view(&body), 50, 12, &d, NULL), NET_OTHER);
    struct net *n = new_net(NULL);
    uint32_t random = 3;
    for (int round = 0; round < 20000; round++) {
        buf_clear(&body);
        for (int i = 0; i < 60; i++) {
            random = random * 1664525 + 1013904223;
            buf_u8(&body, (uint8_t)(random >> 24));
        }
        random = random * 1664525 + 1013904223;
        cr_assert_eq(decode_esp_by(n, ETH4 "<4:32>", buf_view(&body), (uint8_t)(random >> 24), 16,
                                   &d, NULL),
                     NET_OTHER);
    }
    net_free(n);
    buf_fini(&body);
}

/* ---- SCTP in UDP ---- */

#define SCTP_PORTS "0b59 0b5a 00000001 00000000"

Test(sctp_in_udp, it_is_sctp_when_its_chunks_fit)
{
    static const struct {
        const char *packet;
        enum net_verdict verdict;
    } packets[] = {
        {SCTP_PORTS "0003 0014 00000001 0000 0000 00000000 68696869", NET_SCTP},
        {SCTP_PORTS "0003 0013 00000001 0000 0000 00000000 686968 00", NET_SCTP},
        {SCTP_PORTS "0003 0013 00000001 0000 0000 00000000 686968", NET_SCTP},
        {SCTP_PORTS "0400 0008 00010004 0b00 0004", NET_SCTP},
        {SCTP_PORTS "c000 0008 00000001", NET_SCTP},
        {SCTP_PORTS, NET_DATAGRAM},
        {SCTP_PORTS "0003 0015 00000001 0000 0000 00000000 68696869", NET_DATAGRAM},
        {SCTP_PORTS "0003 0003 00000001", NET_DATAGRAM},
        {SCTP_PORTS "5003 0008 00000001", NET_DATAGRAM},
    };
    struct net *n = new_net(NULL);
    struct buf b, inner;
    buf_init(&b, 1 << 16);
    buf_init(&inner, 1 << 16);
    for (size_t i = 0; i < COUNT(packets); i++) {
        struct datagram d;
        buf_clear(&b);
        buf_clear(&inner);
        put_hex(&inner, packets[i].packet);
        put_wrapped(&b, ETH4 "<4:11> <u:26ab>", buf_view(&inner));
        cr_assert_eq(decode_at(n, LINK_ETHERNET, buf_view(&b), 0, &d, NULL), packets[i].verdict,
                     "%zu", i);
        bool sctp = packets[i].verdict == NET_SCTP;
        cr_assert_eq(d.src.port, sctp ? 0x0b59 : 40000);
        cr_assert_eq(d.proto, sctp ? PROTO_SCTP : PROTO_UDP);
        cr_assert_eq(d.transport, sctp ? TRANSPORT_SCTP : TRANSPORT_UDP);
        cr_assert_eq(d.payload.size, inner.size);
        cr_assert_eq(d.wrapping, WRAP_NONE);
    }
    buf_fini(&b);
    buf_fini(&inner);
    net_free(n);
}
