/* Connections: how they begin, end, come again, are given up; and who has to go. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/net/tcp_wire.h"

Test(tcp_conn, end_0_is_who_sent_the_syn_whatever_is_seen_first)
{
    static const char *const cases[] = {"syn", "syn-ack", "data"};
    for (unsigned i = 0; i < 3; i++) {
        struct wire *w = wire_new(NULL);
        if (i == 0)
            wire_flags(w, CLIENT, 0, TCP_SYN);
        w->ack = 1;
        if (i < 2)
            wire_flags(w, SERVER, 0, TCP_SYN);
        wire_send(w, CLIENT, 1, "abc");
        wire_send(w, SERVER, 1, "123");
        wire_pass(w, 200 * MS);
        cr_assert_str_eq(wire_got(w, 0, 0), i < 2 ? "abc" : "~abc", "%s", cases[i]);
        cr_assert_str_eq(wire_got(w, 0, 1), i < 2 ? "123" : "~123", "%s", cases[i]);
        cr_assert(endpoint_equal(&w->log[0].peers.end[0], &w->end[CLIENT]), "%s", cases[i]);
        cr_assert_eq(w->log[0].peers.midstream, i == 2, "%s", cases[i]);
        wire_free(w);
    }
}

Test(tcp_conn, a_syn_may_carry_data_and_come_again)
{
    struct wire *w = wire_new(NULL);
    wire_bytes(w, CLIENT, 0, TCP_SYN, slice_str("abc"), 0);
    wire_bytes(w, CLIENT, 0, TCP_SYN, slice_str("abc"), 0);
    w->ack = 4;
    wire_flags(w, SERVER, 0, TCP_SYN);
    wire_send(w, CLIENT, 4, "def");
    w->ack = 4;
    wire_flags(w, SERVER, 0, TCP_SYN);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef");
    cr_assert_eq(w->conns, 1);
    cr_assert_eq(tcp_count(w->tcp), 1);
    wire_free(w);
}

Test(tcp_conn, a_syn_behind_its_data_still_tells_the_beginning)
{
    struct wire *w = wire_new(NULL);
    wire_send(w, CLIENT, 4, "def");
    wire_flags(w, CLIENT, 0, TCP_SYN);
    wire_send(w, CLIENT, 1, "abc");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef");
    cr_assert_not(w->log[0].peers.midstream);
    wire_free(w);
}

Test(tcp_conn, a_syn_ack_behind_the_data_of_the_other_side_tells_its_beginning)
{
    struct wire *w = wire_new(NULL);
    wire_send(w, CLIENT, 1, "abc"); /* waits; the consumer is told by the client's own segment */
    w->ack = 1;
    wire_flags(w, SERVER, 0, TCP_SYN);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abc");
    wire_send(w, SERVER, 1, "123");
    cr_assert_str_eq(wire_got(w, 0, SERVER), "123");
    wire_free(w);
}

Test(tcp_conn, a_syn_far_behind_its_data_changes_nothing)
{
    struct wire *w = wire_new(NULL);
    wire_send(w, CLIENT, 1, "abc");
    wire_pass(w, SECOND);
    wire_flags(w, CLIENT, 0, TCP_SYN);
    wire_send(w, CLIENT, 4, "def");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "~abcdef");
    cr_assert_eq(w->conns, 1);
    wire_free(w);
}

Test(tcp_conn, both_may_open_at_once)
{
    struct wire *w = wire_new(NULL);
    wire_flags(w, CLIENT, 0, TCP_SYN);
    wire_flags(w, SERVER, 0, TCP_SYN);
    w->ack = 1;
    wire_flags(w, CLIENT, 0, TCP_SYN);
    w->ack = 1;
    wire_flags(w, SERVER, 0, TCP_SYN);
    wire_send(w, SERVER, 1, "123");
    wire_send(w, CLIENT, 1, "abc");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abc");
    cr_assert_str_eq(wire_got(w, 0, SERVER), "123");
    cr_assert_eq(w->conns, 1);
    wire_free(w);
}

Test(tcp_conn, fin_of_both_sides_ends_it_after_a_while)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_bytes(w, CLIENT, 1, TCP_FIN, slice_str("abc"), 0);
    wire_pass(w, 60 * SECOND);
    cr_assert_eq(w->log[0].closed, 0, "half closed");
    wire_send(w, SERVER, 1, "123");
    wire_flags(w, SERVER, 4, TCP_FIN);
    wire_flags(w, SERVER, 4, TCP_FIN);
    cr_assert_str_eq(wire_got(w, 0, SERVER), "123");
    wire_pass(w, 1900 * MS);
    cr_assert_eq(w->log[0].closed, 0);
    wire_pass(w, 300 * MS);
    cr_assert_eq(w->log[0].closed, 1);
    cr_assert_eq(tcp_count(w->tcp), 0);
    wire_free(w);
}

Test(tcp_conn, a_fin_ahead_of_data_waits_for_it)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_flags(w, SERVER, 1, TCP_FIN);
    wire_bytes(w, CLIENT, 4, TCP_FIN, slice_str("def"), 0);
    wire_pass(w, 4 * SECOND);
    cr_assert_eq(tcp_count(w->tcp), 1);
    wire_send(w, CLIENT, 1, "abc");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef");
    wire_pass(w, 3 * SECOND);
    cr_assert_eq(w->log[0].closed, 1);
    wire_free(w);
}

Test(tcp_conn, bytes_missing_before_a_fin_are_lost_without_any_behind)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 1, "abc");
    wire_flags(w, CLIENT, 6, TCP_FIN);
    wire_pass(w, 6 * SECOND);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abc??");
    cr_assert_eq(w->log[0].peers.lost[CLIENT], 2);
    wire_free(w);
}

Test(tcp_conn, data_behind_a_fin_shows_that_it_was_forged)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 1, "abc");
    wire_flags(w, CLIENT, 4, TCP_FIN);
    wire_send(w, CLIENT, 4, "\x01"); /* a keep-alive of a half-closed connection is no data */
    wire_send(w, CLIENT, 4, "def");
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef");
    wire_free(w);
}

struct rst_case {
    const char *name;
    unsigned side;
    uint32_t seq;
    uint32_t ack;
    bool kills;
};

Test(tcp_conn, only_an_rst_that_fits_ends_it)
{
    static const struct rst_case cases[] = {
        {"the next byte", CLIENT, 4, 0, true},
        {"one before", CLIENT, 3, 0, false},
        {"one behind", CLIENT, 5, 0, false},
        {"far behind", CLIENT, 400000, 0, false},
        {"sequence number 0", CLIENT, 3u, 0, false},
        {"the server, with nothing sent", SERVER, 1, 4, true},
        {"the server, wrong", SERVER, 77, 4, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire *w = wire_new(NULL);
        wire_open(w);
        wire_send(w, CLIENT, 1, "abc");
        w->ack = cases[i].ack;
        wire_flags(w, cases[i].side, cases[i].seq, TCP_RST);
        wire_pass(w, 3 * SECOND);
        cr_assert_eq(w->log[0].closed, cases[i].kills, "%s", cases[i].name);
        wire_free(w);
    }
}

Test(tcp_conn, an_rst_behind_a_gap_is_believed_as_far_as_was_sent)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 4, "def");
    wire_flags(w, CLIENT, 7, TCP_RST);
    wire_pass(w, SECOND);
    wire_send(w, CLIENT, 1, "abc"); /* late, but within the linger */
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef");
    wire_pass(w, 2 * SECOND);
    cr_assert_eq(w->log[0].closed, 1);
    wire_free(w);
}

Test(tcp_conn, a_refused_connection_leaves_soon_and_silently)
{
    struct wire *w = wire_new(NULL);
    wire_flags(w, CLIENT, 0, TCP_SYN);
    w->isn[SERVER] = 0;
    w->ack = 1;
    wire_flags(w, SERVER, 0, TCP_RST);
    wire_pass(w, 3 * SECOND);
    cr_assert_eq(tcp_count(w->tcp), 0);
    cr_assert_eq(w->conns, 0);
    wire_free(w);
}

Test(tcp_conn, a_new_syn_that_is_answered_is_another_connection)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 1, "old");
    wire_send(w, CLIENT, 7, "gap");
    w->isn[CLIENT] += 123456789;
    w->isn[SERVER] += 987654321;
    wire_open(w);
    wire_send(w, CLIENT, 1, "new");
    wire_send(w, SERVER, 1, "123");
    cr_assert_eq(w->conns, 2);
    cr_assert_eq(w->log[0].closed, 1);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "old???gap");
    cr_assert_str_eq(wire_got(w, 1, CLIENT), "new");
    cr_assert_str_eq(wire_got(w, 1, SERVER), "123");
    cr_assert_not(w->log[1].peers.midstream);
    wire_free(w);
}

Test(tcp_conn, a_new_syn_is_another_connection_where_one_direction_is_seen)
{
    for (unsigned side = 0; side < 2; side++) {
        struct wire *w = wire_new(NULL);
        uint8_t flags = side == SERVER ? TCP_SYN | TCP_ACK : TCP_SYN;
        wire_flags(w, side, 0, flags);
        wire_send(w, side, 1, "old");
        w->isn[side] += 123456789;
        wire_flags(w, side, 0, flags);
        wire_send(w, side, 1, "new");
        cr_assert_eq(w->conns, 2);
        cr_assert_eq(w->log[0].closed, 1);
        wire_free(w);
    }
}

Test(tcp_conn, a_new_syn_that_nobody_answers_changes_nothing)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 1, "abc");
    w->isn[CLIENT] += 123456789;
    wire_flags(w, CLIENT, 0, TCP_SYN);
    w->isn[CLIENT] -= 123456789;
    wire_ack(w, SERVER, 1, 4); /* the challenge of RFC 5961 */
    wire_send(w, CLIENT, 4, "def");
    cr_assert_eq(w->conns, 1);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abcdef");
    wire_free(w);
}

Test(tcp_conn, ports_are_used_again_at_once_when_the_old_connection_is_over)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 1, "old");
    wire_flags(w, CLIENT, 4, TCP_RST);
    w->isn[CLIENT] += 5;
    wire_bytes(w, CLIENT, 0, TCP_SYN, slice_str("new"), 0);
    cr_assert_eq(w->conns, 2);
    cr_assert_eq(w->log[0].closed, 1);
    cr_assert_str_eq(wire_got(w, 1, CLIENT), "new");
    wire_free(w);
}

Test(tcp_conn, one_direction_alone_is_followed_to_its_end)
{
    for (unsigned side = 0; side < 2; side++) {
        struct wire *w = wire_new(NULL);
        wire_flags(w, side, 0, side == SERVER ? TCP_SYN | TCP_ACK : TCP_SYN);
        wire_send(w, side, 1, "abc");
        wire_bytes(w, side, 4, TCP_FIN, slice_str("def"), 0);
        cr_assert_str_eq(wire_got(w, 0, side), "abcdef");
        wire_pass(w, 3 * SECOND);
        cr_assert_eq(w->log[0].closed, 1);
        wire_free(w);
    }
}

Test(tcp_conn, an_ignored_connection_is_passed_over_until_it_ends)
{
    struct wire *w = wire_new(NULL);
    w->refuse = "GET";
    wire_open(w);
    wire_send(w, SERVER, 10, "waits");
    wire_send(w, CLIENT, 1, "GET / HTTP");
    cr_assert_eq(tcp_bytes(w->tcp), 0);
    wire_send(w, CLIENT, 100, "more");
    wire_send(w, SERVER, 1, "HTTP");
    cr_assert_eq(w->log[0].chunks, 1);
    cr_assert_eq(tcp_bytes(w->tcp), 0);
    wire_flags(w, CLIENT, 200, TCP_FIN);
    wire_pass(w, 3 * SECOND);
    cr_assert_eq(w->log[0].closed, 0);
    wire_flags(w, SERVER, 200, TCP_FIN);
    wire_pass(w, 3 * SECOND);
    cr_assert_eq(w->log[0].closed, 1);
    cr_assert_eq(tcp_count(w->tcp), 0);
    wire_free(w);
}

Test(tcp_conn, an_ignored_connection_gives_way_to_a_new_one_on_its_ports)
{
    struct wire *w = wire_new(NULL);
    w->refuse = "GET";
    wire_open(w);
    wire_send(w, CLIENT, 1, "GET / HTTP");
    w->isn[CLIENT] += 77777;
    w->isn[SERVER] += 7;
    wire_open(w);
    wire_send(w, CLIENT, 1, "INVITE");
    cr_assert_str_eq(wire_got(w, 1, CLIENT), "INVITE");
    cr_assert_eq(w->log[0].closed, 1);
    wire_free(w);
}

Test(tcp_conn, connections_leave_by_the_timeout_of_their_kind)
{
    struct tcp_config config = {
        .seed = {1, 2}, .idle_ns = 100 * SECOND, .half_open_ns = 10 * SECOND};
    struct wire *w = wire_new(&config);
    wire_open(w);
    wire_send(w, CLIENT, 1, "abc");
    w->end[CLIENT].port++;
    wire_open(w);
    wire_pass(w, 9 * SECOND);
    cr_assert_eq(tcp_count(w->tcp), 2);
    wire_pass(w, 2 * SECOND);
    cr_assert_eq(tcp_count(w->tcp), 1, "the one without data");
    w->end[CLIENT].port--;
    wire_ack(w, SERVER, 1, 4);
    wire_pass(w, 95 * SECOND);
    cr_assert_eq(tcp_count(w->tcp), 1);
    wire_pass(w, 6 * SECOND);
    cr_assert_eq(tcp_count(w->tcp), 0);
    cr_assert_eq(w->log[0].closed, 1);
    wire_free(w);
}

Test(tcp_conn, address_spaces_are_kept_apart)
{
    struct wire *w = wire_new(NULL);
    wire_open(w);
    wire_send(w, CLIENT, 1, "abc");
    w->end[CLIENT].space = w->end[SERVER].space = 7;
    wire_open(w);
    wire_send(w, CLIENT, 1, "xyz");
    cr_assert_eq(w->conns, 2);
    cr_assert_str_eq(wire_got(w, 0, CLIENT), "abc");
    cr_assert_str_eq(wire_got(w, 1, CLIENT), "xyz");
    wire_free(w);
}

Test(tcp_conn, a_flood_of_syns_takes_nothing_from_those_with_data)
{
    struct tcp_config config = {.seed = {1, 2}, .streams_max = 40};
    struct wire *w = wire_new(&config);
    for (uint16_t i = 0; i < 30; i++) {
        w->end[CLIENT].port = (uint16_t)(1000 + i);
        wire_open(w);
        wire_send(w, CLIENT, 1, "INVITE");
    }
    for (uint32_t i = 0; i < 100000; i++) {
        w->end[CLIENT].port = (uint16_t)i;
        w->end[CLIENT].addr = addr_v4(0x0a000000 + i);
        w->isn[CLIENT] = i * 77;
        wire_flags(w, CLIENT, 0, TCP_SYN);
        cr_assert_leq(tcp_count(w->tcp), 40);
    }
    cr_assert_eq(w->conns, 30);
    for (unsigned i = 0; i < 30; i++)
        cr_assert_eq(w->log[i].closed, 0);
    cr_assert_eq(wire_evicted(w, "half_open"), 100000 - 10);
    cr_assert_eq(wire_evicted(w, "oldest"), 0);
    wire_free(w);
}

Test(tcp_conn, a_full_table_lets_go_of_the_ignored_then_of_the_idle_longest)
{
    struct tcp_config config = {.seed = {1, 2}, .streams_max = 4};
    struct wire *w = wire_new(&config);
    w->refuse = "GET";
    const char *text[] = {"INVITE", "GET /", "REGISTER", "OPTIONS", "BYE", "ACK"};
    for (uint16_t i = 0; i < 6; i++) {
        w->end[CLIENT].port = (uint16_t)(1000 + i);
        wire_send(w, CLIENT, 1, text[i]);
        wire_pass(w, 2 * SECOND);
        if (i == 4) { /* the first one is busy again */
            w->end[CLIENT].port = 1000;
            wire_send(w, CLIENT, 7, "more");
        }
    }
    static const unsigned closed[] = {0, 1, 1, 0, 0, 0};
    for (unsigned i = 0; i < 6; i++)
        cr_assert_eq(w->log[i].closed, closed[i], "%u", i);
    cr_assert_eq(wire_evicted(w, "oldest"), 1);
    w->end[CLIENT].port = 3000;
    wire_flags(w, CLIENT, 0, TCP_SYN);
    cr_assert_eq(wire_evicted(w, "limit"), 1, "a half-open one does not get in");
    wire_free(w);
}

Test(tcp_conn, the_gauge_follows_the_table)
{
    struct wire *w = wire_new(NULL);
    unsigned cell = label_find(LABELS_TABLE, slice_str("tcp"));
    cr_assert_gt(cell, 0);
    wire_open(w);
    wire_pass(w, 100 * MS);
    cr_assert_eq(w->counters->cell[C_TABLE_SIZE + cell], 1);
    cr_assert_eq(w->counters->cell[C_TABLE_LIMIT + cell], 20000);
    wire_pass(w, 60 * SECOND);
    cr_assert_eq(w->counters->cell[C_TABLE_SIZE + cell], 0);
    wire_free(w);
}

Test(tcp_conn, what_is_unknown_and_has_no_data_opens_nothing)
{
    struct wire *w = wire_new(NULL);
    wire_ack(w, CLIENT, 100, 100);
    wire_flags(w, CLIENT, 100, TCP_RST);
    wire_flags(w, CLIENT, 100, TCP_FIN);
    wire_bytes(w, CLIENT, 100, TCP_RST, slice_str("reason"), 0);
    cr_assert_eq(tcp_count(w->tcp), 0);
    wire_free(w);
}
