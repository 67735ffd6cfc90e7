/* One direction: order, overlap, gaps, what the capture cut, pick-up in the middle. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/net/tcp_wire.h"

struct part {
    uint32_t seq;
    const char *text; /* NULL: a second passes */
};

struct order_case {
    const char *name;
    struct part part[6];
    const char *got; /* before any gap is given up */
    const char *end; /* after the end; NULL: the same */
};

static const struct order_case orders[] = {
    {"in order", {{1, "abc"}, {4, "def"}}, "abcdef", NULL},
    {"swapped", {{4, "def"}, {1, "abc"}}, "abcdef", NULL},
    {"backwards", {{7, "ghi"}, {4, "def"}, {1, "abc"}}, "abcdefghi", NULL},
    {"two gaps", {{9, "ij"}, {4, "def"}, {1, "abc"}, {7, "gh"}}, "abcdefghij", NULL},
    {"sent again", {{1, "abc"}, {1, "abc"}, {4, "def"}, {1, "abcdef"}}, "abcdef", NULL},
    {"sent again in larger segments", {{1, "ab"}, {1, "abcd"}, {1, "abcdef"}}, "abcdef", NULL},
    {"rewritten after it was handed on", {{1, "abc"}, {2, "XYdef"}}, "abcdef", NULL},
    {"rewritten while it waits", {{4, "def"}, {2, "XYZW"}, {1, "abc"}}, "aXYdef", NULL},
    {"the first wins in the middle", {{3, "cd"}, {1, "ABXYEF"}}, "ABcdEF", NULL},
    {"the first wins at two places", {{3, "c"}, {5, "e"}, {1, "ABCDEFG"}}, "ABcDeFG", NULL},
    {"rewrites that wait", {{3, "cde"}, {5, "EFG"}, {2, "BCDEFGH"}, {1, "a"}}, "aBcdeFGH", NULL},
    {"a keep-alive", {{1, "abc"}, {3, "\x01"}, {4, "def"}}, "abcdef", NULL},
    {"lost in the middle", {{1, "abc"}, {7, "ghi"}}, "abc", "abc???ghi"},
    {"lost at the start", {{4, "def"}}, "", "???def"},
    {"two losses", {{1, "a"}, {3, "c"}, {5, "e"}}, "a", "a?c?e"},
    {"half of a gap", {{6, "f"}, {1, "abc"}}, "abc", "abc??f"},
};

Test(tcp_stream, segments_of_any_order_and_overlap_become_one_stream)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        const struct order_case *o = &orders[i];
        struct wire *w = wire_new(NULL);
        wire_open(w);
        wire_send(w, SERVER, 1, "x"); /* so that there is a log */
        for (const struct part *p = o->part; p->seq; p++)
            wire_send(w, CLIENT, p->seq, p->text);
        cr_assert_str_eq(wire_got(w, 0, CLIENT), o->got, "%s", o->name);
        tcp_finish(w->tcp);
        const char *end = o->end ? o->end : o->got;
        cr_assert_str_eq(wire_got(w, 0, CLIENT), end, "%s", o->name);
        cr_assert_str_eq(wire_got(w, 0, SERVER), "x");
        cr_assert_eq(tcp_bytes(w->tcp), 0);
        cr_assert_eq(w->log[0].peers.bytes[CLIENT], strlen(end));
        wire_free(w);
    }
}

Test(tcp_stream, bytes_in_order_are_not_copied)
{
    struct wire *w = wire_new(NULL);
    uint8_t page[8] = "abcdefg";
    struct datagram d = {.src = w->end[0],
                         .dst = w->end[1],
                         .payload = slice_of(page, 7),
                         .payload_wire = 7,
                         .time_ns = w->time_ns,
                         .tcp_seq = w->isn[0] + 1};
    wire_open(w);
    tcp_segment(w->tcp, &d);
    cr_assert_eq(w->log[0].last_data, page);
    wire_free(w);
}

Test(tcp_stream, a_gap_is_given_up_after_its_time_and_counted)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 1, "abc");
    wire_pass(w, SECOND);
    int64_t sent_ns = w->time_ns;
    wire_send(w, CLIENT, 7, "ghi");
    wire_pass(w, 4900 * MS);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abc");
    cr_assert_eq(wire_timeouts(w), 0);
    cr_assert_eq(tcp_bytes(w->tcp), 2048);
    wire_pass(w, 200 * MS);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abc???ghi");
    cr_assert_eq(wire_timeouts(w), 1);
    cr_assert_eq(w->counters->cell[C_TCP_LOST_BYTES], 3);
    cr_assert_eq(w->log[0].peers.lost[CLIENT], 3);
    cr_assert_eq(w->log[0].peers.bytes[CLIENT], 9);
    cr_assert_eq(w->log[0].newest_ns, sent_ns, "its own segment, not the tick");
    cr_assert_eq(w->log[0].segment.ttl, 64);
    cr_assert_eq(tcp_bytes(w->tcp), 0);
    wire_send(w, CLIENT, 4, "DEF"); /* too late */
    wire_send(w, CLIENT, 10, "jkl");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abc???ghijkl");
    wire_free(w);
}

Test(tcp_stream, gaps_that_opened_together_are_given_up_together)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 2, "b");
    wire_send(w, CLIENT, 4, "d");
    wire_pass(w, 2 * SECOND);
    wire_send(w, CLIENT, 6, "f");
    wire_pass(w, 3100 * MS);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "?b?d");
    wire_pass(w, 2 * SECOND);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "?b?d?f");
    cr_assert_eq(wire_timeouts(w), 3);
    wire_free(w);
}

Test(tcp_stream, a_gap_that_the_receiver_has_acknowledged_is_given_up_sooner)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 4, "def");
    wire_pass(w, SECOND);
    wire_ack(w, SERVER, 1, 2); /* not all of the gap */
    wire_pass(w, SECOND);
    cr_assert_eq(w->conns, 0);
    wire_ack(w, SERVER, 1, 7);
    wire_pass(w, 400 * MS);
    cr_assert_eq(w->conns, 0, "the mirror may be late with the segment");
    wire_pass(w, 200 * MS);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "???def");
    wire_free(w);
}

Test(tcp_stream, an_acknowledgment_ahead_of_the_data_loses_nothing)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_ack(w, SERVER, 1, 7);
    wire_pass(w, 300 * MS);
    wire_send(w, CLIENT, 4, "def");
    wire_pass(w, 300 * MS);
    wire_send(w, CLIENT, 1, "abc");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef");
    wire_free(w);
}

Test(tcp_stream, what_the_capture_cut_is_lost)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_bytes(w, CLIENT, 1, 0, slice_str("abcdef"), 2);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcd??", "at once: the rest will not come");
    wire_bytes(w, CLIENT, 10, 0, slice_str("jkl"), 1);
    wire_bytes(w, CLIENT, 13, 0, slice_str("mno"), 3);
    wire_bytes(w, CLIENT, 16, 0, slice_str("pq"), 2);
    wire_bytes(w, CLIENT, 7, 0, slice_str("ghi"), 0);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcd??ghijk??????");
    cr_assert_eq(w->log[0].peers.lost[CLIENT], 8);
    cr_assert_eq(w->log[0].peers.bytes[CLIENT], 17);
    wire_free(w);
}

static void send_pattern(struct wire *w, unsigned side, uint32_t from, uint32_t to, uint32_t step)
{
    uint8_t bytes[4096];
    for (uint32_t at = from; at < to; at += step) {
        for (uint32_t i = 0; i < step; i++)
            bytes[i] = (uint8_t)('a' + (at + i) % 23);
        wire_bytes(w, side, at, 0, slice_of(bytes, step), 0);
    }
}

static void assert_pattern(struct wire *w, unsigned conn, unsigned side, uint32_t from, uint32_t to)
{
    struct slice got = buf_view(&w->log[conn].bytes[side]);
    cr_assert_eq(got.size, to - 1);
    for (uint32_t at = 1; at < to; at++)
        cr_assert_eq(got.data[at - 1], at < from ? '?' : 'a' + at % 23, "byte %u", at);
}

Test(tcp_stream, at_the_cap_of_a_direction_the_gap_is_given_up)
{
    struct tcp_config config = {.seed = {1, 2}, .stream_bytes_max = 64 << 10};
    struct wire *w = wire_new(&config);
    wire_open(w);
    send_pattern(w, CLIENT, 1001, 1001 + 50 * 1000, 1000);
    cr_assert_eq(w->conns, 0);
    cr_assert_leq(tcp_bytes(w->tcp), 64 << 10);
    send_pattern(w, CLIENT, 51001, 51001 + 30 * 1000, 1000);
    cr_assert_eq(tcp_bytes(w->tcp), 0);
    assert_pattern(w, 0, CLIENT, 1001, 81001);
    cr_assert_eq(wire_timeouts(w), 0);
    wire_free(w);
}

Test(tcp_stream, a_segment_larger_than_the_cap_is_not_lost)
{
    struct tcp_config config = {.seed = {1, 2}, .stream_bytes_max = 4096, .bytes_max = 4096};
    struct wire *w = wire_new(&config);
    uint8_t large[60000];
    memset(large, 'z', sizeof large);
    wire_open(w);
    wire_bytes(w, CLIENT, 11, 0, slice_of(large, sizeof large), 0);
    cr_assert_eq(w->log[0].bytes[CLIENT].size, 10 + sizeof large);
    cr_assert_eq(w->log[0].peers.lost[CLIENT], 10);
    wire_free(w);
}

Test(tcp_stream, single_bytes_share_a_block)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    send_pattern(w, CLIENT, 2, 1500, 1);
    cr_assert_eq(tcp_bytes(w->tcp), 2048);
    send_pattern(w, CLIENT, 1, 2, 1);
    assert_pattern(w, 0, CLIENT, 0, 1500);
    wire_free(w);
}

Test(tcp_stream, at_the_cap_of_all_the_stream_with_most_gives_way)
{
    struct tcp_config config = {.seed = {1, 2}, .bytes_max = 32 << 10};
    struct wire *w = wire_new(&config);
    wire_open(w);
    send_pattern(w, SERVER, 1001, 2001, 1000); /* holds one block */
    send_pattern(w, CLIENT, 1001, 40001, 1000);
    cr_assert_leq(tcp_bytes(w->tcp), 32 << 10);
    cr_assert_str_eq(wire_got(w, 0, SERVER), "");
    assert_pattern(w, 0, CLIENT, 1001, 40001);
    send_pattern(w, SERVER, 1, 1001, 1000);
    assert_pattern(w, 0, SERVER, 0, 2001);
    wire_free(w);
}

Test(tcp_stream, a_stream_picked_up_in_the_middle_begins_with_an_unknown_loss)
{
    struct wire *w = wire_new(NULL);
    wire_send(w, CLIENT, 5000, "abc");
    cr_assert_eq(w->conns, 0, "something older may come yet");
    wire_pass(w, 50 * MS);
    wire_send(w, CLIENT, 4997, "xyz");
    wire_send(w, CLIENT, 5003, "def");
    wire_pass(w, 200 * MS);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "~xyzabcdef");
    cr_assert(w->log[0].peers.midstream);
    cr_assert_eq(w->log[0].peers.lost[CLIENT], 0);
    wire_send(w, CLIENT, 4990, "older"); /* too late now */
    wire_send(w, CLIENT, 5006, "ghi");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "~xyzabcdefghi");
    wire_send(w, SERVER, 99, "other side");
    wire_pass(w, 200 * MS);
    cr_assert_str_eq(wire_got(w, 0, SERVER), "~other side");
    wire_free(w);
}

Test(tcp_stream, a_keep_alive_does_not_begin_a_stream)
{
    struct wire *w = wire_new(NULL);
    wire_send(w, CLIENT, 499, "\x01");
    cr_assert_eq(tcp_count(w->tcp), 0);
    wire_send(w, SERVER, 700, "abc");
    wire_send(w, CLIENT, 499, "\x01");
    wire_pass(w, 200 * MS);
    wire_send(w, CLIENT, 500, "INVITE");
    wire_pass(w, 200 * MS);
    cr_assert_str_eq(wire_got(w, 0, SERVER), "~INVITE");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "~abc");
    wire_free(w);
}

Test(tcp_stream, a_busy_stream_in_the_middle_waits_for_its_first_blocks_only)
{
    struct wire *w = wire_new(NULL);
    send_pattern(w, CLIENT, 1000, 31000, 1000);
    cr_assert_eq(w->conns, 1);
    cr_assert_eq(w->log[0].bytes[CLIENT].size, 1 + 30000);
    cr_assert_eq(tcp_bytes(w->tcp), 0);
    wire_free(w);
}

Test(tcp_stream, one_stray_segment_is_passed_over_and_two_move_the_stream)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 1, "abc");
    wire_send(w, CLIENT, 400000000, "junk");
    wire_send(w, CLIENT, 4, "def");
    wire_pass(w, 10 * SECOND);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef");
    wire_send(w, CLIENT, 400000000, "gone");
    wire_send(w, CLIENT, 400000004, "on");
    wire_send(w, CLIENT, 400000006, "ward");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef~onward");
    wire_free(w);
}

Test(tcp_stream, both_directions_are_followed_on_their_own)
{
    struct wire *w = wire_new(NULL);
    w->vlan = 100; /* another one each way */
    wire_open(w);
    wire_send(w, SERVER, 4, "456");
    wire_send(w, CLIENT, 4, "def");
    wire_send(w, CLIENT, 1, "abc");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef");
    cr_assert_str_eq(wire_got(w, 0, SERVER), "");
    wire_send(w, SERVER, 1, "123");
    cr_assert_str_eq(wire_got(w, 0, SERVER), "123456");
    cr_assert_eq(w->conns, 1);
    wire_free(w);
}

Test(tcp_stream, time_set_back_neither_closes_nor_holds_for_ever)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 1, "abc");
    wire_pass(w, SECOND);
    w->time_ns -= 1000 * SECOND;
    w->tick_ns = w->time_ns;
    wire_send(w, CLIENT, 7, "ghi");
    wire_pass(w, 4 * SECOND);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abc");
    wire_pass(w, 2 * SECOND);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abc???ghi");
    wire_free(w);
}
