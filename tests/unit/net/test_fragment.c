/* Fragments: any order, copies, contradictions, bounds and time. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/net/packets.h"

#define SECOND         INT64_C(1000000000)
#define MORE           0x2000
#define FRAGMENTS_ROOM 64

struct frame_copy {
    uint8_t bytes[2048];
    size_t size;
};

struct set {
    struct frame_copy frame[FRAGMENTS_ROOM];
    unsigned count;
};

struct fixture {
    struct counters *counters;
    struct net *net;
    struct buf payload; /* what was sent */
    struct buf got;
    struct datagram datagram;
};

static struct fixture *fixture_new(const struct net_config *config, size_t payload_size)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct net_config defaults = {.seed = {.k0 = 3, .k1 = 4}};
    f->counters = calloc(1, sizeof *f->counters);
    f->net = net_new(config ? config : &defaults, f->counters);
    buf_init(&f->payload, 1 << 17);
    buf_init(&f->got, 1 << 17);
    put_pattern(&f->payload, payload_size);
    return f;
}

static void fixture_free(struct fixture *f)
{
    net_free(f->net);
    free(f->counters);
    buf_fini(&f->payload);
    buf_fini(&f->got);
    free(f);
}

static void put_fragment(struct set *set, bool ip6, uint32_t id, uint32_t offset, bool more,
                         struct slice bytes)
{
    struct buf b;
    buf_init(&b, 1 << 17);
    if (ip6) {
        struct buf inner;
        buf_init(&inner, 1 << 17);
        put_hex(&inner, "1100");
        buf_u16(&inner, (uint16_t)(offset | more));
        buf_u32(&inner, id);
        buf_slice(&inner, bytes);
        put_ip6(&b, 44, buf_view(&inner));
        buf_fini(&inner);
    } else {
        struct ip4_fields fields = {.id = (uint16_t)id,
                                    .flags_offset = (uint16_t)(offset / 8 | (more ? MORE : 0))};
        put_ip4(&b, &fields, bytes);
    }
    struct frame_copy *copy = &set->frame[set->count++];
    cr_assert_leq(b.size, sizeof copy->bytes);
    memcpy(copy->bytes, b.data, b.size);
    copy->size = b.size;
    buf_fini(&b);
}

/* The payload in a UDP header, in pieces of `size`. */
static struct set split(const struct fixture *f, bool ip6, uint32_t id, uint32_t size)
{
    struct set set = {.count = 0};
    struct buf udp;
    buf_init(&udp, 1 << 17);
    put_udp(&udp, buf_view(&f->payload), 0);
    for (uint32_t at = 0; at < udp.size; at += size)
        put_fragment(&set, ip6, id, at, at + size < udp.size,
                     slice_sub(buf_view(&udp), at, at + size));
    buf_fini(&udp);
    return set;
}

static enum net_verdict give(struct fixture *f, const struct frame_copy *frame, int64_t time_ns)
{
    return decode_at(f->net, LINK_RAW, slice_of(frame->bytes, frame->size), time_ns, &f->datagram,
                     &f->got);
}

static void assert_whole(const struct fixture *f)
{
    cr_assert(f->datagram.fragmented);
    cr_assert_eq(f->datagram.proto, PROTO_UDP);
    cr_assert_eq(f->datagram.src.port, SRC_PORT);
    cr_assert_eq(f->datagram.ttl, 61);
    cr_assert_eq(f->datagram.tos, 0xb8);
    cr_assert_eq(f->datagram.payload_wire, f->payload.size);
    cr_assert(slice_equal(f->datagram.payload, buf_view(&f->payload)));
}

static uint64_t table_size(const struct fixture *f)
{
    return f->counters->cell[C_TABLE_SIZE + label_find(LABELS_TABLE, slice_str("fragments"))];
}

static uint64_t dropped(const struct fixture *f)
{
    return f->counters->cell[C_DROPS + label_find(LABELS_STAGE, slice_str("reassembly"))];
}

static uint64_t timeouts(const struct fixture *f)
{
    return f->counters->cell[C_REASSEMBLY_TIMEOUTS + label_find(LABELS_LAYER, slice_str("ip"))];
}

Test(fragment, nine_kilobytes_in_seven_fragments_out_of_order_with_duplicates)
{
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct fixture *f = fixture_new(NULL, 9000);
        struct set set = split(f, ip6, 1234, 1448);
        cr_assert_eq(set.count, 7);
        static const unsigned order[] = {6, 2, 2, 0, 5, 6, 1, 0, 4};
        for (size_t i = 0; i < sizeof order / sizeof *order; i++)
            cr_assert_eq(give(f, &set.frame[order[i]], 0), NET_HELD);
        cr_assert_eq(table_size(f), 1);
        cr_assert_eq(give(f, &set.frame[3], 7), NET_DATAGRAM);
        assert_whole(f);
        cr_assert_eq(f->datagram.time_ns, 7);
        cr_assert_eq(f->datagram.ip_id, ip6 ? 0 : 1234);
        cr_assert_eq(table_size(f), 0);
        fixture_free(f);
    }
}

/* Heap's way to all orders, without recursion. */
static bool next_order(unsigned *order, unsigned *state, unsigned n, unsigned *i)
{
    while (*i < n) {
        if (state[*i] < *i) {
            unsigned other = *i % 2 ? state[*i] : 0;
            unsigned kept = order[other];
            order[other] = order[*i];
            order[*i] = kept;
            state[*i]++;
            *i = 0;
            return true;
        }
        state[(*i)++] = 0;
    }
    return false;
}

Test(fragment, any_order_gives_the_same_datagram)
{
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct fixture *f = fixture_new(NULL, 3001);
        unsigned order[6] = {0, 1, 2, 3, 4, 5};
        unsigned state[6] = {0};
        unsigned i = 0;
        uint32_t id = 0;
        do {
            struct set set = split(f, ip6, ++id, 504);
            cr_assert_eq(set.count, 6);
            for (unsigned k = 0; k < 5; k++)
                cr_assert_eq(give(f, &set.frame[order[k]], 0), NET_HELD);
            cr_assert_eq(give(f, &set.frame[order[5]], 0), NET_DATAGRAM);
            assert_whole(f);
        } while (next_order(order, state, 6, &i));
        cr_assert_eq(id, 720);
        fixture_free(f);
    }
}

Test(fragment, copies_of_a_finished_datagram_open_nothing_and_new_content_does)
{
    struct fixture *f = fixture_new(NULL, 3000);
    struct set set = split(f, false, 9, 1480);
    unsigned whole = 0;
    for (unsigned i = 0; i < set.count; i++) {
        whole += give(f, &set.frame[i], 0) == NET_DATAGRAM;
        whole += give(f, &set.frame[i], 1000) == NET_DATAGRAM; /* the mirror port's second copy */
    }
    cr_assert_eq(whole, 1);
    cr_assert_eq(table_size(f), 0);

    f->payload.data[0] ^= 1; /* same identification, another datagram */
    set = split(f, false, 9, 1480);
    cr_assert_eq(give(f, &set.frame[0], 2000), NET_HELD);
    cr_assert_eq(table_size(f), 1);
    fixture_free(f);
}

Test(fragment, finished_datagrams_are_forgotten_after_a_while)
{
    struct fixture *f = fixture_new(NULL, 3000);
    struct set set = split(f, false, 9, 1480);
    for (int64_t round = 0; round < 3; round++) {
        for (unsigned i = 0; i < set.count; i++) {
            enum net_verdict v = give(f, &set.frame[i], round * SECOND);
            cr_assert_eq(v, i + 1 == set.count ? NET_DATAGRAM : NET_HELD);
        }
        assert_whole(f);
    }
    fixture_free(f);
}

Test(fragment, the_first_byte_wins_in_ipv4)
{
    struct fixture *f = fixture_new(NULL, 3000);
    struct set set = split(f, false, 9, 1480);
    struct set liar = {.count = 0};
    uint8_t zeros[1000] = {0};
    put_fragment(&liar, false, 9, 800, true, slice_of(zeros, sizeof zeros));
    cr_assert_eq(give(f, &set.frame[0], 0), NET_HELD);
    cr_assert_eq(give(f, &set.frame[1], 0), NET_HELD);
    cr_assert_eq(give(f, &liar.frame[0], 0), NET_HELD);
    cr_assert_eq(give(f, &set.frame[2], 0), NET_DATAGRAM);
    assert_whole(f);
    fixture_free(f);
}

Test(fragment, an_overlap_kills_an_ipv6_datagram)
{
    struct fixture *f = fixture_new(NULL, 3000);
    struct set set = split(f, true, 9, 1448);
    struct set liar = {.count = 0};
    uint8_t zeros[1000] = {0};
    put_fragment(&liar, true, 9, 800, true, slice_of(zeros, sizeof zeros));
    cr_assert_eq(give(f, &set.frame[0], 0), NET_HELD);
    cr_assert_eq(give(f, &liar.frame[0], 0), NET_MALFORMED);
    cr_assert_eq(give(f, &set.frame[1], 0), NET_HELD);
    cr_assert_eq(give(f, &set.frame[2], 0), NET_HELD);
    cr_assert_eq(give(f, &set.frame[0], 0), NET_HELD);
    cr_assert_eq(parse_errors(f->counters, "syntax"), 1);
    net_tick(f->net, 31 * SECOND);
    cr_assert_eq(table_size(f), 0);
    cr_assert_eq(timeouts(f), 0);
    fixture_free(f);
}

struct bad_case {
    const char *name;
    bool ip6;
    uint32_t offset[2];
    bool more[2];
    uint32_t size[2];
    const char *reason;
};

/* Two fragments of which the second is refused (or the first, where the second has no size). */
static const struct bad_case bad_cases[] = {
    {"two ends", false, {1480, 1480}, {0, 0}, {100, 96}, "syntax"},
    {"beyond the end", false, {1480, 1600}, {0, 1}, {96, 800}, "syntax"},
    {"an end before what is there", false, {1480, 800}, {1, 0}, {800, 100}, "syntax"},
    {"an end before what is there, IPv6", true, {1480, 800}, {1, 0}, {800, 100}, "syntax"},
    {"larger than 65535", false, {65528, 0}, {0, 0}, {100, 0}, "length"},
    {"odd size, IPv6", true, {0, 0}, {1, 0}, {101, 0}, "length"},
    {"below a unit", false, {8, 0}, {1, 0}, {7, 0}, "length"},
    {"empty end", false, {8, 0}, {0, 0}, {0, 0}, "length"},
};

Test(fragment, contradictions_and_impossible_sizes_are_refused)
{
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        const struct bad_case *c = &bad_cases[i];
        struct fixture *f = fixture_new(NULL, 2000);
        struct set set = {.count = 0};
        unsigned last = c->size[1] ? 1 : 0;
        for (unsigned k = 0; k <= last; k++) {
            put_fragment(&set, c->ip6, 5, c->offset[k], c->more[k],
                         slice_sub(buf_view(&f->payload), 0, c->size[k]));
            cr_assert_eq(give(f, &set.frame[k], 0), k == last ? NET_MALFORMED : NET_HELD, "%s",
                         c->name);
        }
        cr_assert_eq(parse_errors(f->counters, c->reason), 1, "%s", c->name);
        fixture_free(f);
    }
}

Test(fragment, the_unfinished_are_given_up_by_packet_time)
{
    struct fixture *f = fixture_new(NULL, 3000);
    struct set set = split(f, false, 9, 1480);
    give(f, &set.frame[0], 0);
    net_tick(f->net, 30 * SECOND);
    cr_assert_eq(table_size(f), 1);
    net_tick(f->net, 30 * SECOND + 1);
    cr_assert_eq(table_size(f), 0);
    cr_assert_eq(timeouts(f), 1);
    /* The same without a tick: the next fragment finds it too old. */
    give(f, &set.frame[0], 100 * SECOND);
    give(f, &set.frame[1], 100 * SECOND);
    cr_assert_eq(give(f, &set.frame[2], 131 * SECOND), NET_HELD);
    cr_assert_eq(timeouts(f), 2);
    fixture_free(f);
}

Test(fragment, cut_fragments_are_counted_and_not_used)
{
    struct fixture *f = fixture_new(NULL, 3000);
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct set set = split(f, ip6, 9, 1448);
        set.frame[0].size -= 100;
        cr_assert_eq(give(f, &set.frame[0], 0), NET_HELD);
    }
    cr_assert_eq(table_size(f), 0);
    cr_assert_eq(dropped(f), 2);
    fixture_free(f);
}

Test(fragment, the_table_is_bounded_and_the_oldest_goes)
{
    struct net_config config = {.seed = {.k0 = 1}, .fragment_count_max = 16};
    struct fixture *f = fixture_new(&config, 3000);
    for (uint32_t id = 0; id < 1000; id++) {
        struct set set = split(f, false, id, 1480);
        give(f, &set.frame[0], id);
    }
    cr_assert_eq(table_size(f), 16);
    cr_assert_eq(dropped(f), 1000 - 16);
    for (uint32_t id = 984; id < 1000; id++) {
        struct set set = split(f, false, id, 1480);
        cr_assert_eq(give(f, &set.frame[1], 1000), NET_HELD);
        cr_assert_eq(give(f, &set.frame[2], 1000), NET_DATAGRAM);
        assert_whole(f);
    }
    fixture_free(f);
}

Test(fragment, memory_is_bounded_and_the_largest_datagram_still_fits)
{
    struct net_config config = {.seed = {.k0 = 1}, .fragment_bytes_max = 1};
    struct fixture *f = fixture_new(&config, 65507 - 8);
    /* Strangers' tiny fragments, each in a block of its own. */
    uint8_t tiny[8] = {0};
    for (uint32_t id = 100; id < 300; id++) {
        struct set set = {.count = 0};
        put_fragment(&set, false, id, 8 * id, true, slice_of(tiny, sizeof tiny));
        give(f, &set.frame[0], 0);
    }
    cr_assert_leq(table_size(f), 32);
    struct set set = split(f, false, 1, 1480);
    for (unsigned i = set.count - 1; i > 0; i--)
        cr_assert_eq(give(f, &set.frame[i], 0), NET_HELD);
    cr_assert_eq(give(f, &set.frame[0], 0), NET_DATAGRAM);
    assert_whole(f);
    fixture_free(f);
}

Test(fragment, random_fragments_keep_the_table_sound)
{
    struct net_config config = {
        .seed = {.k0 = 1}, .fragment_count_max = 8, .fragment_bytes_max = 100000};
    struct fixture *f = fixture_new(&config, 2000);
    uint32_t random = 7;
    for (int i = 0; i < 50000; i++) {
        random = random * 1664525 + 1013904223;
        struct set set = {.count = 0};
        uint32_t offset = (random >> 8) % 500 * 8;
        uint32_t size = (random >> 17) % 190 * 8 + (random >> 30);
        put_fragment(&set, random >> 29 & 1, random >> 25 & 15, offset, random >> 24 & 1,
                     slice_sub(buf_view(&f->payload), 0, size));
        enum net_verdict v = give(f, &set.frame[0], (int64_t)i * SECOND / 100);
        cr_assert_neq(v, NET_OTHER);
        cr_assert_leq(table_size(f), 8);
    }
    net_tick(f->net, INT64_MAX);
    cr_assert_eq(table_size(f), 0);
    fixture_free(f);
}
