/* pcapng: every kind of block in both byte orders, several interfaces and sections, the drops that
 * a file tells of, and damages named by block and byte. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"

#define T0 INT64_C(1700000000)

/* Ethernet in µs, raw IP in ns, one whose clock is an hour off and ticks in 2^-10 s. */
static void put_three_interfaces(struct writer *w)
{
    struct writer ns = {.big_endian = w->big_endian}, odd = {.big_endian = w->big_endian};
    uint8_t nine = 9, binary = 0x80 | 10;
    option_bytes(&ns, 2, "eth1", 4);
    option_bytes(&ns, 9, &nine, 1);
    option_bytes(&odd, 9, &binary, 1);
    option_u64(&odd, 14, 3600);
    ng_interface(w, LINK_ETHERNET, 65535, NULL);
    ng_interface(w, LINK_RAW, 96, &ns);
    ng_interface(w, LINK_LINUX_SLL2, 0, &odd);
    buf_fini(&ns.b);
    buf_fini(&odd.b);
}

Test(pcapng, interfaces_of_different_link_types_are_read_from_one_file_in_both_byte_orders)
{
    for (int big = 0; big < 2; big++) {
        struct writer w = {0};
        struct seen seen = {0};
        struct source_stats stats;
        struct why why = {0};
        ng_begin(&w, big);
        put_three_interfaces(&w);
        ng_enhanced(&w, 0, (uint64_t)T0 * 1000000 + 5, 1, 61, NULL);
        ng_block(&w, 0x0bad0bad, 400); /* of nobody's knowledge */
        ng_enhanced(&w, 1, (uint64_t)T0 * 1000000000 + 7, 2, 40, NULL);
        ng_enhanced(&w, 2, (uint64_t)T0 * 1024 + 512, 3, 0, NULL);
        ng_simple(&w, 4, 36, 100);
        ng_obsolete(&w, 1, 0, (uint64_t)(T0 + 1) * 1000000000, 5, 7);
        cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, &stats, &why), SOURCE_END, "%s",
                     why.text);
        static const struct seen_frame expected[] = {
            {.time_ns = T0 * SECOND + 5000,
             .link_type = LINK_ETHERNET,
             .size = 61,
             .wire = 61,
             .first = 1},
            {.time_ns = T0 * SECOND + 7, .link_type = LINK_RAW, .size = 40, .wire = 40, .first = 2},
            {.time_ns = (T0 + 3600) * SECOND + SECOND / 2, .link_type = LINK_LINUX_SLL2},
            {.time_ns = (T0 + 3600) * SECOND + SECOND / 2,
             .link_type = LINK_ETHERNET,
             .size = 36,
             .wire = 100,
             .first = 4},
            {.time_ns = (T0 + 1) * SECOND, .link_type = LINK_RAW, .size = 7, .wire = 7, .first = 5},
        };
        cr_assert_eq(seen.count, COUNT(expected));
        for (size_t i = 0; i < seen.count; i++) {
            cr_expect_eq(seen.frames[i].time_ns, expected[i].time_ns, "frame %zu", i);
            cr_expect_eq(seen.frames[i].link_type, expected[i].link_type, "frame %zu", i);
            cr_expect_eq(seen.frames[i].wire, expected[i].wire, "frame %zu", i);
            cr_expect_eq(seen.frames[i].size, expected[i].size, "frame %zu", i);
            cr_expect_eq(seen.frames[i].first, expected[i].first, "frame %zu", i);
            cr_expect_eq(seen.frames[i].iface, 0);
        }
        cr_assert_eq(stats.kernel_drops, 0);
        seen_free(&seen);
        buf_fini(&w.b);
    }
}

/* The simple packet above has no length of its own: what is captured is what the block has room
 * for. With a snaplen the padding is no part of it. */
Test(pcapng, a_simple_packet_is_cut_to_the_snaplen_and_to_what_was_on_the_wire)
{
    static const struct {
        uint32_t snaplen, size, wire, captured;
    } cases[] = {{0, 32, 32, 32}, {0, 31, 31, 31}, {33, 33, 100, 33}, {96, 40, 20, 20}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct writer w = {0};
        struct seen seen = {0};
        struct why why = {0};
        ng_begin(&w, false);
        ng_interface(&w, LINK_ETHERNET, cases[i].snaplen, NULL);
        ng_simple(&w, 9, cases[i].size, cases[i].wire);
        cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, NULL, &why), SOURCE_END, "%s", why.text);
        cr_assert_eq(seen.count, 1);
        cr_assert_eq(seen.frames[0].size, cases[i].captured, "case %zu: %u", i,
                     seen.frames[0].size);
        cr_assert_eq(seen.frames[0].wire, cases[i].wire);
        seen_free(&seen);
        buf_fini(&w.b);
    }
}

Test(pcapng, sections_of_either_byte_order_follow_each_other_and_number_their_interfaces_anew)
{
    struct writer w = {0};
    struct seen seen = {0};
    struct why why = {0};
    ng_begin(&w, false);
    ng_interface(&w, LINK_ETHERNET, 0, NULL);
    ng_enhanced(&w, 0, 1, 1, 8, NULL);
    w.big_endian = true;
    ng_section(&w);
    ng_interface(&w, LINK_IPV6, 0, NULL);
    ng_enhanced(&w, 0, 2, 2, 8, NULL);
    w.big_endian = false;
    ng_section(&w);
    ng_enhanced(&w, 0, 3, 3, 8, NULL); /* of an interface that this section does not have */
    cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, NULL, &why), SOURCE_TRUNCATED);
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(seen.frames[0].link_type, LINK_ETHERNET);
    cr_assert_eq(seen.frames[1].link_type, LINK_IPV6);
    cr_assert_eq(seen.frames[1].time_ns, 2000);
    cr_assert(strstr(why.text, "interface 0, which the file does not describe"), "%s", why.text);
    seen_free(&seen);
    buf_fini(&w.b);
}

static uint64_t drops_of(const struct writer *w)
{
    struct seen seen = {0};
    struct source_stats stats = {0};
    struct why why = {0};
    cr_assert_eq(see_file(buf_view(&w->b), NULL, &seen, &stats, &why), SOURCE_END, "%s", why.text);
    seen_free(&seen);
    return stats.kernel_drops;
}

Test(pcapng, drops_of_statistics_and_of_packets_are_counted_once)
{
    struct writer w = {0}, isb = {0}, later = {0}, three = {0}, unknown = {0};
    option_u64(&isb, 4, 1000); /* received */
    option_u64(&isb, 5, 2);
    option_u64(&isb, 7, 3);
    option_u64(&later, 5, 10);
    option_u64(&later, 7, UINT64_MAX); /* not known */
    option_u64(&three, 4, 3);
    option_u64(&unknown, 4, UINT64_MAX);
    ng_begin(&w, false);
    ng_interface(&w, LINK_ETHERNET, 0, NULL);
    ng_interface(&w, LINK_ETHERNET, 0, NULL);
    ng_enhanced(&w, 0, 1, 1, 5, NULL);
    cr_assert_eq(drops_of(&w), 0);
    ng_statistics(&w, 0, &isb);
    cr_assert_eq(drops_of(&w), 5);
    ng_enhanced(&w, 0, 1, 1, 5, &three); /* three of those five */
    cr_assert_eq(drops_of(&w), 5);
    ng_enhanced(&w, 1, 1, 1, 6, &three);
    ng_enhanced(&w, 1, 1, 1, 7, &three);
    ng_enhanced(&w, 1, 1, 1, 7, &unknown);
    cr_assert_eq(drops_of(&w), 11);
    ng_statistics(&w, 0, &later); /* totals, not additions */
    ng_statistics(&w, 7, &isb);   /* of nobody */
    cr_assert_eq(drops_of(&w), 16);
    ng_section(&w);
    ng_interface(&w, LINK_ETHERNET, 0, NULL);
    ng_obsolete(&w, 0, 4, 2, 1, 5);
    ng_obsolete(&w, 0, UINT16_MAX, 2, 1, 5); /* not known */
    cr_assert_eq(drops_of(&w), 20);
    buf_fini(&w.b);
    buf_fini(&isb.b);
    buf_fini(&later.b);
    buf_fini(&three.b);
    buf_fini(&unknown.b);
}

Test(pcapng, enormous_blocks_and_options_are_passed_over_and_the_frame_in_front_of_them_is_kept)
{
    struct writer w = {0}, comments = {0};
    struct seen seen = {0};
    struct why why = {0};
    static char text[65000];
    for (int i = 0; i < 14; i++)
        option_bytes(&comments, 1, text, sizeof text);
    ng_begin(&w, false);
    ng_interface(&w, LINK_ETHERNET, 0, NULL);
    ng_enhanced(&w, 0, 1, 1, 1000, &comments); /* 900 kB of comments */
    ng_block(&w, 10, 5 << 20);
    ng_enhanced(&w, 0, 2, 2, 1000, NULL);
    cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, NULL, &why), SOURCE_END, "%s", why.text);
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(seen.frames[1].first, 2);
    seen_free(&seen);

    size_t second = w.b.size - (32 + 1000);
    cr_assert_eq(see_file(slice_of(w.b.data, second - 100000), NULL, &seen, NULL, &why),
                 SOURCE_TRUNCATED);
    cr_assert_eq(seen.count, 1);
    cr_assert(strstr(why.text, "cut in the middle of block 4"), "%s", why.text);
    w.b.data[second - 1] ^= 1; /* the length behind the large block */
    seen_free(&seen);
    cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, NULL, &why), SOURCE_TRUNCATED);
    cr_assert_eq(seen.count, 1);
    cr_assert(strstr(why.text, "in front and"), "%s", why.text);
    seen_free(&seen);
    buf_fini(&w.b);
    buf_fini(&comments.b);
}

Test(pcapng, times_beyond_the_range_are_held_at_its_end)
{
    static const struct {
        uint8_t unit;
        uint64_t ticks;
        int64_t offset_s, time_ns;
    } cases[] = {
        {0, 5, 0, 5 * SECOND},
        {3, 5, 0, 5000000},
        {12, 5999, 0, 5},
        {27, 1000000000000000000, 0, 1},
        {127, UINT64_MAX, 0, 0},
        {0, UINT64_MAX, 0, INT64_MAX},
        {9, UINT64_MAX, 0, INT64_MAX},
        {0x80, 7, 0, 7 * SECOND},
        {0x80 | 1, 7, 0, 7 * SECOND / 2},
        {0x80 | 127, UINT64_MAX, 0, 0},
        {6, 0, INT64_MIN, INT64_MIN},
        {6, 0, INT64_MAX, INT64_MAX},
        {6, 2000000, -3, -SECOND},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct writer w = {0}, o = {0};
        struct seen seen = {0};
        struct why why = {0};
        option_bytes(&o, 9, &cases[i].unit, 1);
        option_u64(&o, 14, (uint64_t)cases[i].offset_s);
        ng_begin(&w, false);
        ng_interface(&w, LINK_ETHERNET, 0, &o);
        ng_enhanced(&w, 0, cases[i].ticks, 1, 5, NULL);
        cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, NULL, &why), SOURCE_END, "%s", why.text);
        cr_assert_eq(seen.frames[0].time_ns, cases[i].time_ns, "case %zu: %lld", i,
                     (long long)seen.frames[0].time_ns);
        seen_free(&seen);
        buf_fini(&w.b);
        buf_fini(&o.b);
    }
}

Test(pcapng, every_cut_gives_the_frames_before_it)
{
    struct writer w = {0};
    size_t ends[3]; /* of the frames */
    ng_begin(&w, true);
    put_three_interfaces(&w);
    size_t begin = w.b.size;
    for (uint32_t i = 0; i < 3; i++) {
        ng_enhanced(&w, i, 1, (uint8_t)i, 20 + i, NULL);
        ends[i] = w.b.size;
    }
    for (size_t at = begin; at <= w.b.size; at++) {
        struct seen seen = {0};
        struct why why = {0};
        size_t whole = (at >= ends[0]) + (at >= ends[1]) + (at >= ends[2]);
        bool clean = at == begin || at == ends[0] || at == ends[1] || at == ends[2];
        enum source_state state = see_file(slice_of(w.b.data, at), NULL, &seen, NULL, &why);
        cr_assert_eq(state, clean ? SOURCE_END : SOURCE_TRUNCATED, "cut at %zu", at);
        cr_assert_eq(seen.count, whole, "cut at %zu", at);
        seen_free(&seen);
    }
    buf_fini(&w.b);
}

struct damage {
    size_t at;        /* from the begin of the second packet block */
    uint32_t becomes; /* little endian */
    const char *says;
};

Test(pcapng, damaged_lengths_are_told_by_block_and_byte)
{
    static const struct damage damages[] = {
        {4, 0, "claims 0 bytes"},
        {4, 8, "claims 8 bytes"},
        {4, 61, "claims 61 bytes"},
        {4, 16, "in front and"},
        {4, 0xfffffff0, "cut in the middle of block 4"},
        {8, 1, "interface 1, which the file does not describe"},
        {20, 25, "claims a frame of 25 bytes"},
        {20, 0xffffffff, "claims a frame of 4294967295 bytes"},
        {52, 60, "claims 56 bytes in front and 60 behind"},
    };
    struct writer w = {0};
    ng_begin(&w, false);
    ng_interface(&w, LINK_ETHERNET, 0, NULL);
    ng_enhanced(&w, 0, 1, 1, 24, NULL);
    size_t block = w.b.size;
    ng_enhanced(&w, 0, 1, 1, 24, NULL);
    for (size_t i = 0; i < COUNT(damages); i++) {
        struct buf copy;
        struct seen seen = {0};
        struct why why = {0};
        buf_init(&copy, 1 << 20);
        buf_slice(&copy, buf_view(&w.b));
        for (int k = 0; k < 4; k++)
            copy.data[block + damages[i].at + (size_t)k] = (uint8_t)(damages[i].becomes >> (8 * k));
        cr_assert_eq(see_file(buf_view(&copy), NULL, &seen, NULL, &why), SOURCE_TRUNCATED);
        cr_assert_eq(seen.count, 1, "case %zu", i);
        cr_assert(strstr(why.text, damages[i].says) && strstr(why.text, "block 4"), "case %zu: %s",
                  i, why.text);
        char where[40];
        snprintf(where, sizeof where, "at byte %zu", block);
        cr_assert(strstr(why.text, where) || strstr(why.text, "cut"), "%s", why.text);
        seen_free(&seen);
        buf_fini(&copy);
    }
    buf_fini(&w.b);
}

Test(pcapng, sections_that_are_none_are_told)
{
    struct writer w = {0};
    struct seen seen = {0};
    struct why why = {0};
    ng_begin(&w, false);
    w.b.data[12] = 2; /* version */
    cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, NULL, &why), SOURCE_TRUNCATED);
    cr_assert(strstr(why.text, "version 2.0"), "%s", why.text);
    w.b.data[12] = 1;
    ng_section(&w);
    w.b.data[28 + 8] ^= 0xff; /* byte order of the second */
    cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, NULL, &why), SOURCE_TRUNCATED);
    cr_assert(strstr(why.text, "without a byte order"), "%s", why.text);
    buf_fini(&w.b);
}

Test(pcapng, interfaces_are_bounded)
{
    struct writer w = {0};
    struct seen seen = {0};
    struct why why = {0};
    ng_begin(&w, false);
    for (int i = 0; i < 4096; i++)
        ng_interface(&w, LINK_ETHERNET, 0, NULL);
    ng_enhanced(&w, 4095, 1, 1, 4, NULL);
    cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, NULL, &why), SOURCE_END, "%s", why.text);
    ng_interface(&w, LINK_ETHERNET, 0, NULL);
    cr_assert_eq(see_file(buf_view(&w.b), NULL, &seen, NULL, &why), SOURCE_TRUNCATED);
    cr_assert(strstr(why.text, "more than 4096 interfaces"), "%s", why.text);
    seen_free(&seen);
    buf_fini(&w.b);
}

Test(pcapng, a_filter_is_made_for_each_link_type)
{
    struct writer w = {0};
    struct seen seen = {0};
    struct why why = {0};
    ng_begin(&w, false);
    put_three_interfaces(&w);
    for (uint32_t i = 0; i < 30; i++)
        ng_enhanced(&w, i % 3, 1, 1, i < 15 ? 20 : 200, NULL);
    cr_assert_eq(see_file(buf_view(&w.b), "greater 100", &seen, NULL, &why), SOURCE_END, "%s",
                 why.text);
    cr_assert_eq(seen.count, 15);
    seen_free(&seen);
    cr_assert_eq(see_file(buf_view(&w.b), "udp prot 5060", &seen, NULL, &why), SOURCE_FAILED);
    cr_assert(strstr(why.text, "udp prot 5060"), "%s", why.text);
    /* An expression that one of the link types does not know. */
    cr_assert_eq(see_file(buf_view(&w.b), "ether host 1:2:3:4:5:6", &seen, NULL, &why),
                 SOURCE_FAILED);
    cr_assert_eq(seen.count, 0);
    cr_assert(strstr(why.text, "no valid BPF"), "%s", why.text);
    buf_fini(&w.b);
}
