#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "capture/call/place.h"

static struct place_table *table;

static unsigned add(enum place_kind kind, const char *name)
{
    unsigned number = 0;
    cr_assert_eq(place_add(table, kind, slice_str(name), &number), 0);
    return number;
}

static void net(enum place_kind kind, unsigned number, const char *text)
{
    struct place_network n;
    cr_assert(place_peer_parse(slice_str(text), &n), "%s", text);
    cr_assert_eq(place_add_network(table, kind, number, &n), 0);
}

static struct endpoint at(const char *text)
{
    struct endpoint e = {.port = 5060};
    cr_assert(addr_parse(slice_str(text), &e.addr), "%s", text);
    return e;
}

static struct place_answer between(const char *caller, const char *callee)
{
    struct place_question q = {.caller.at = at(caller), .callee.at = at(callee)};
    return place_ask(table, &q);
}

static void begin(void)
{
    table = place_table_new();
    cr_assert_not_null(table);
}

static void end(void)
{
    place_table_free(table);
}

TestSuite(place, .init = begin, .fini = end);

Test(place, networks_and_peers_are_read_or_refused)
{
    static const struct {
        const char *text;
        int length, port; /* length -1: refused */
    } cases[] = {
        {"10.0.0.0/8", 104, 0},
        {"10.1.2.3", 128, 0},
        {"0.0.0.0/0", 96, 0},
        {"2001:db8::/32", 32, 0},
        {"::/0", 0, 0},
        {"::1", 128, 0},
        {"10.1.2.3:5060", 128, 5060},
        {"[2001:db8::1]:5061", 128, 5061},
        {"[2001:db8::1]", 128, 0},
        {"10.0.0.0/33", -1, 0},
        {"10.0.0.0/", -1, 0},
        {"10.0.0/8", -1, 0},
        {"10.0.0.1:0", -1, 0},
        {"10.0.0.1:65536", -1, 0},
        {"", -1, 0},
        {"::/129", -1, 0},
        {"10.0.0.0/-1", -1, 0},
        {"host", -1, 0},
        {":5060", -1, 0},
        {"2001:db8:0:0:0:0:0:0:5060", -1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct place_network n;
        bool good = place_peer_parse(slice_str(cases[i].text), &n);
        cr_assert_eq(good, cases[i].length >= 0, "%s", cases[i].text);
        if (good) {
            cr_expect_eq(n.length, cases[i].length, "%s: %d", cases[i].text, n.length);
            cr_expect_eq(n.port, cases[i].port, "%s", cases[i].text);
        }
    }
}

Test(place, words_are_checked)
{
    cr_expect(place_domain_valid(slice_str("*.a.example")) && place_domain_valid(slice_str(".a")));
    cr_expect_not(place_domain_valid(slice_str("a..b")) || place_domain_valid(slice_str("*")) ||
                  place_domain_valid(slice_str("a b")) || place_domain_valid(slice_str("")));
    cr_expect(place_prefix_valid(slice_str("+43*#9")));
    cr_expect_not(place_prefix_valid(slice_str("4+3")) || place_prefix_valid(slice_str("")) ||
                  place_prefix_valid(slice_str("a")));
    cr_expect(place_name_valid(slice_str("carrier-1_b")));
    cr_expect_not(place_name_valid(slice_str("a.b")) || place_name_valid(slice_str("")) ||
                  place_name_valid(slice_str("123456789012345678901234567890123")));
}

Test(place, a_table_of_nothing_knows_nothing)
{
    struct place_question q = {.caller.at = at("10.0.0.1")};
    place_table_seal(table);
    cr_expect_eq(place_ask(NULL, &q).direction, CALL_DIR_UNKNOWN);
    cr_expect_eq(between("10.0.0.1", "10.0.0.2").direction, CALL_DIR_UNKNOWN);
}

Test(place, every_prefix_length_finds_its_network_and_the_longest_wins)
{
    struct addr a = at("10.171.205.239").addr;
    unsigned site[33];
    for (unsigned length = 8; length <= 32; length++) {
        char text[64], name[16], addr[ADDR_TEXT_SIZE];
        snprintf(name, sizeof name, "s%u", length);
        snprintf(text, sizeof text, "%s/%u", addr_text(a, addr), length);
        site[length] = add(PLACE_SITE, name);
        net(PLACE_SITE, site[length], text);
    }
    place_table_seal(table);
    for (unsigned length = 8; length <= 32; length++) { /* the first bit behind it is another one */
        struct endpoint e = {
            .addr = addr_v4((uint32_t)a.low ^ (length < 32 ? 1u << (31 - length) : 0))};
        struct place_question q = {.caller.at = e};
        cr_assert_eq(place_ask(table, &q).site[0], site[length], "/%u", length);
    }
}

Test(place, a_network_of_all_ipv6_holds_no_ipv4)
{
    unsigned six = add(PLACE_SITE, "six"), four = add(PLACE_SITE, "four");
    net(PLACE_SITE, six, "::/0");
    net(PLACE_SITE, four, "0.0.0.0/0");
    place_table_seal(table);
    struct place_answer a = between("2001:db8::1", "192.0.2.1");
    cr_expect_eq(a.site[0], six);
    cr_expect_eq(a.site[1], four);
}

Test(place, a_peer_with_a_port_is_nearer_than_one_without_and_a_stranger_to_other_ports)
{
    unsigned any = add(PLACE_TRUNK, "any"), one = add(PLACE_TRUNK, "one");
    net(PLACE_TRUNK, any, "192.0.2.1");
    net(PLACE_TRUNK, one, "192.0.2.1:5060");
    place_table_seal(table);
    struct place_question q = {.callee.at = at("192.0.2.1")};
    cr_expect_eq(place_ask(table, &q).trunk, one);
    q.callee.at.port = 5062;
    cr_expect_eq(place_ask(table, &q).trunk, any);
}

Test(place, what_belongs_to_a_tenant_counts_for_that_one_only)
{
    unsigned acme = add(PLACE_TENANT, "acme"), bolt = add(PLACE_TENANT, "bolt");
    unsigned of_acme = add(PLACE_TRUNK, "a"), of_bolt = add(PLACE_TRUNK, "b");
    cr_assert_eq(place_add_space(table, acme, 7), 0);
    cr_assert_eq(place_add_space(table, bolt, 8), 0);
    place_set_tenant(table, PLACE_TRUNK, of_acme, acme);
    place_set_tenant(table, PLACE_TRUNK, of_bolt, bolt);
    net(PLACE_TRUNK, of_acme, "10.0.0.9");
    net(PLACE_TRUNK, of_bolt, "10.0.0.9");
    place_table_seal(table);
    struct place_question q = {.caller.at = at("10.0.0.1"), .callee.at = at("10.0.0.9")};
    cr_expect_eq(place_ask(table, &q).trunk, 0);
    q.caller.at.space = q.callee.at.space = 7;
    cr_expect_eq(place_ask(table, &q).trunk, of_acme);
    cr_expect_eq(place_ask(table, &q).tenant, acme);
    q.caller.at.space = q.callee.at.space = 8;
    cr_expect_eq(place_ask(table, &q).trunk, of_bolt);
    q.caller.at.space = q.callee.at.space = 9;
    cr_expect_eq(place_ask(table, &q).tenant, 0, "a space that is nobody's");
}

Test(place, each_table_has_its_ceiling)
{
    char name[16];
    unsigned number;
    static const unsigned most[] = {0, PLACE_TRUNKS_MAX, PLACE_SITES_MAX, PLACE_TENANTS_MAX};
    for (unsigned kind = PLACE_TRUNK; kind < PLACE_KINDS; kind++) {
        for (unsigned i = 0; i < most[kind]; i++) {
            snprintf(name, sizeof name, "n%u", i);
            add((enum place_kind)kind, name);
        }
        cr_expect_eq(place_add(table, (enum place_kind)kind, slice_str("more"), &number),
                     ERR_NOMEM);
    }
    struct place_network n = {.length = 128};
    for (unsigned i = 0; i < PLACE_NETWORKS_MAX; i++) {
        n.addr = addr_v4(i + 1);
        cr_assert_eq(place_add_network(table, PLACE_SITE, 1 + i % PLACE_SITES_MAX, &n), 0);
    }
    cr_expect_eq(place_add_network(table, PLACE_SITE, 1, &n), ERR_NOMEM);
    for (unsigned i = 0; i < PLACE_TEXTS_MAX; i++)
        cr_assert_eq(place_add_prefix(table, 1 + i % PLACE_TRUNKS_MAX, slice_str("12")), 0);
    cr_expect_eq(place_add_prefix(table, 1, slice_str("12")), ERR_NOMEM);
    place_table_seal(table);
    for (unsigned i = 0; i < PLACE_NETWORKS_MAX; i++) {
        struct place_question q = {.caller.at.addr = addr_v4(i + 1)};
        cr_assert_eq(place_ask(table, &q).site[0], 1 + i % PLACE_SITES_MAX);
    }
}

Test(place, tables_that_follow_one_another_share_names_and_numbers)
{
    struct place_names *names = place_names_new();
    unsigned one = 0, two = 0, again = 0, mark[PLACE_KINDS];
    struct place_turn turn = {.next = NULL, .now = place_table_new_of(names)};
    struct place_table *next;

    cr_assert_eq(place_add(turn.now, PLACE_TRUNK, slice_str("one"), &one), 0);
    cr_assert_eq(place_add(turn.now, PLACE_TRUNK, slice_str("two"), &two), 0);
    place_table_seal(turn.now);
    const char *name = place_name(turn.now, PLACE_TRUNK, one);
    cr_expect_not(place_turn_take(&turn), "nothing came");
    next = place_table_new_of(names);
    cr_assert_eq(place_add(next, PLACE_TRUNK, slice_str("two"), &again), 0);
    place_table_seal(next);
    place_turn_put(&turn, place_table_new_of(names)); /* never taken */
    place_turn_put(&turn, next);
    cr_expect(place_turn_take(&turn));
    cr_expect_not(place_turn_take(&turn));
    cr_expect_eq(again, two);
    cr_expect_eq(place_find(turn.now, PLACE_TRUNK, slice_str("one")), 0u, "is gone");
    cr_expect_eq(place_find(turn.now, PLACE_TRUNK, slice_str("two")), two);
    cr_expect_eq(place_name(turn.now, PLACE_TRUNK, one), name, "a call that goes on still has its name");
    cr_expect_str_eq(name, "one");
    place_names_mark(names, mark);
    next = place_table_new_of(names);
    cr_assert_eq(place_add(next, PLACE_TRUNK, slice_str("three"), &again), 0);
    cr_expect_eq(again, 3u);
    place_table_free(next);
    place_names_back(names, mark);
    next = place_table_new_of(names);
    cr_assert_eq(place_add(next, PLACE_TRUNK, slice_str("four"), &again), 0);
    cr_expect_eq(again, 3u, "what was only tried takes no number");
    place_table_free(next);
    place_turn_fini(&turn);
    place_names_free(names);
}
