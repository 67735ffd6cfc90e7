/* Copies of a mirror port, and everything that only looks like one. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/buf.h"
#include "capture/net/dedupe.h"
#include "tests/support/guard.h"

#define MS INT64_C(1000000)

static bool dedupe_seen(struct dedupe *d, const struct datagram *datagram)
{
    return dedupe_look(d, dedupe_digest(d, datagram), datagram->time_ns);
}

static const struct hash_seed seed = {.k0 = 5, .k1 = 6};

static struct datagram packet(uint8_t proto, const void *payload, size_t size)
{
    return (struct datagram){
        .src = {.addr = addr_v4(0xc0000201), .port = 5060},
        .dst = {.addr = addr_v4(0xc6336402), .port = 16384},
        .payload = slice_of(payload, size),
        .payload_wire = (uint32_t)size,
        .time_ns = 1000 * MS,
        .ip_id = 7,
        .proto = proto,
        .transport = proto,
        .ttl = 64,
    };
}

static void media(uint8_t payload[172], uint16_t sequence)
{
    memset(payload, 0xd5, 172);
    payload[0] = 0x80;
    payload[1] = 8;
    payload[2] = (uint8_t)(sequence >> 8);
    payload[3] = (uint8_t)sequence;
}

Test(dedupe, a_copy_is_known_whatever_the_hops_changed)
{
    struct dedupe *d = dedupe_new(&seed, 0, 0);
    uint8_t bytes[172];
    media(bytes, 1);
    struct datagram p = packet(PROTO_UDP, bytes, sizeof bytes);
    cr_assert_not(dedupe_seen(d, &p));
    p.ttl--;
    p.tos = 0xb8;
    p.vlan_outer = 100;
    p.vlan_inner = 7;
    p.iface = 1;
    p.fragmented = true;
    p.wrapping = WRAP_ERSPAN;
    p.wrap_depth = 1;
    p.wrap_id = 99;
    p.time_ns += 3 * MS;
    cr_assert(dedupe_seen(d, &p));
    cr_assert(dedupe_seen(d, &p), "a third");
    dedupe_free(d);
}

enum change {
    SRC,
    SRC_HIGH,
    DST,
    DST_HIGH,
    SRC_PORT,
    DST_PORT,
    SWAPPED,
    ID,
    WIRE,
    PROTO,
    SEQ,
    ACK,
    FLAGS,
    SPACE,
    CHANGES
};

static void change(struct datagram *p, enum change what)
{
    struct endpoint src = p->src;
    switch (what) {
    case SRC:
        p->src.addr.low++;
        break;
    case SRC_HIGH:
        p->src.addr.high++;
        break;
    case DST:
        p->dst.addr.low++;
        break;
    case DST_HIGH:
        p->dst.addr.high++;
        break;
    case SRC_PORT:
        p->src.port++;
        break;
    case DST_PORT:
        p->dst.port++;
        break;
    case SWAPPED:
        p->src = p->dst;
        p->dst = src;
        break;
    case ID:
        p->ip_id++;
        break;
    case WIRE:
        p->payload_wire++;
        break;
    case PROTO:
        p->proto = p->proto == PROTO_TCP ? PROTO_SCTP : PROTO_TCP;
        break;
    case SEQ:
        p->tcp_seq++;
        break;
    case ACK:
        p->tcp_ack++;
        break;
    case FLAGS:
        p->tcp_flags ^= TCP_PSH;
        break;
    case SPACE:
        p->src.space = p->dst.space = 1;
        break;
    case CHANGES:
        break;
    }
}

Test(dedupe, any_other_field_or_byte_makes_another_packet)
{
    static const uint8_t protos[] = {PROTO_UDP, PROTO_TCP, PROTO_SCTP};
    uint8_t bytes[700];
    for (size_t k = 0; k < 3; k++) {
        for (size_t size = 1; size <= sizeof bytes; size += size < 70 ? 1 : 63) {
            struct dedupe *d = dedupe_new(&seed, 0, 4096);
            for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)("SIP/2.0 200 OK"[i % 14]);
            struct datagram p = packet(protos[k], bytes, size);
            cr_assert_not(dedupe_seen(d, &p));
            for (enum change c = 0; c < CHANGES; c++) {
                struct datagram other = p;
                change(&other, c);
                bool tcp_only = (c == SEQ || c == ACK || c == FLAGS) && protos[k] != PROTO_TCP;
                cr_assert_eq(dedupe_seen(d, &other), tcp_only, "change %d, proto %u", (int)c,
                             protos[k]);
            }
            for (size_t i = 0; i < size; i++) {
                bytes[i] ^= 1;
                cr_assert_not(dedupe_seen(d, &p), "byte %zu of %zu", i, size);
                bytes[i] ^= 1;
            }
            dedupe_free(d);
        }
    }
}

Test(dedupe, rtp_is_told_by_its_first_32_bytes)
{
    struct dedupe *d = dedupe_new(&seed, 0, 4096);
    uint8_t bytes[172];
    media(bytes, 1);
    struct datagram p = packet(PROTO_UDP, bytes, sizeof bytes);
    p.ip_id = 0;
    cr_assert_not(dedupe_seen(d, &p));
    for (size_t i = 1; i < sizeof bytes; i++) {
        bytes[i] ^= 1;
        cr_assert_eq(dedupe_seen(d, &p), i >= 32, "byte %zu", i);
        bytes[i] ^= 1;
    }
    dedupe_free(d);
}

Test(dedupe, payloads_of_every_size_are_read_to_their_end_and_no_further)
{
    struct dedupe *d = dedupe_new(&seed, 0, 0);
    uint8_t bytes[100];
    memset(bytes, 0x80, sizeof bytes);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct slice copy = guard_copy(slice_of(bytes, size));
        struct datagram p = packet(PROTO_UDP, copy.data, size);
        cr_assert_not(dedupe_seen(d, &p), "%zu", size);
        cr_assert(dedupe_seen(d, &p), "%zu", size);
        guard_free(copy);
    }
    dedupe_free(d);
}

Test(dedupe, the_window_is_of_packet_time_and_ends)
{
    struct dedupe *d = dedupe_new(&seed, 0, 0);
    struct datagram p = packet(PROTO_UDP, "OPTIONS", 7);
    cr_assert_not(dedupe_seen(d, &p));
    p.time_ns += 100 * MS;
    cr_assert(dedupe_seen(d, &p));
    p.time_ns += 3 * MS; /* its units are a millisecond, nearly */
    cr_assert_not(dedupe_seen(d, &p), "counted from the first");
    p.time_ns += 500 * MS; /* SIP's T1 */
    cr_assert_not(dedupe_seen(d, &p));
    dedupe_free(d);
}

Test(dedupe, time_may_step_back)
{
    struct dedupe *d = dedupe_new(&seed, 0, 0);
    struct datagram p = packet(PROTO_UDP, "OPTIONS", 7);
    cr_assert_not(dedupe_seen(d, &p));
    p.time_ns -= 50 * MS;
    cr_assert(dedupe_seen(d, &p));
    p.time_ns -= 100 * MS;
    cr_assert_not(dedupe_seen(d, &p), "another day");
    p.time_ns -= INT64_C(3600000) * MS;
    cr_assert_not(dedupe_seen(d, &p));
    p.time_ns = 0;
    p.payload = slice_str("ANOTHER");
    cr_assert_not(dedupe_seen(d, &p), "an empty entry is no packet of 1970");
    dedupe_free(d);
}

Test(dedupe, acknowledgements_without_payload_are_never_copies)
{
    struct dedupe *d = dedupe_new(&seed, 0, 0);
    struct datagram p = packet(PROTO_TCP, NULL, 0);
    for (int i = 0; i < 3; i++)
        cr_assert_not(dedupe_seen(d, &p));
    dedupe_free(d);
}

static size_t copies_found(uint32_t delay)
{
    enum { RATE_NS = 2000, PACKETS = 100000 }; /* 500,000 packets a second */
    struct dedupe *d = dedupe_new(&seed, 0, 0);
    uint8_t bytes[172];
    size_t found = 0;
    for (uint32_t i = 0; i < PACKETS; i++) {
        for (int copy = 0; copy < 2; copy++) {
            if (copy && i < delay)
                continue;
            uint32_t number = copy ? i - delay : i;
            media(bytes, (uint16_t)(number >> 8));
            bytes[11] = (uint8_t)number;
            struct datagram p = packet(PROTO_UDP, bytes, sizeof bytes);
            p.time_ns += (int64_t)i * RATE_NS;
            bool seen = dedupe_seen(d, &p);
            cr_assert(copy || !seen, "no packet is taken for another");
            found += seen;
        }
    }
    dedupe_free(d);
    return found * 1000 / (PACKETS - delay); /* per mille */
}

Test(dedupe, half_a_million_packets_a_second_fit_the_default_table)
{
    cr_assert_eq(copies_found(5), 1000);
    cr_assert_geq(copies_found(1000), 999, "2 ms late");
    cr_assert_geq(copies_found(2500), 980, "5 ms late");
}

Test(dedupe, sizes_are_rounded_and_bounded)
{
    static const uint32_t entries[] = {1, 3, 4, 5, 1000};
    for (size_t k = 0; k < 5; k++) {
        struct dedupe *d = dedupe_new(&seed, MS, entries[k]);
        cr_assert(d);
        struct datagram p = packet(PROTO_SCTP, "abc", 3);
        for (uint16_t i = 0; i < 5000; i++) {
            p.ip_id = i;
            cr_assert_not(dedupe_seen(d, &p));
            cr_assert(dedupe_seen(d, &p));
        }
        dedupe_free(d);
    }
    dedupe_free(NULL);
}
