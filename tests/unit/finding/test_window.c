#include <criterion/criterion.h>
#include <stdio.h>

#include "capture/finding/allow.h"
#include "capture/finding/watched.h"

#define SECOND INT64_C(1000000000)
#define T0     (INT64_C(1700000000) * SECOND)

Test(window, a_count_is_never_older_than_the_window_nor_looked_at_for_less_than_seven_eighths)
{
    struct window w = {0};
    cr_assert_eq(window_add(&w, T0, 8 * SECOND, 5), 5);
    cr_assert_eq(window_add(&w, T0 + 7 * SECOND - 1, 8 * SECOND, 1), 6);
    cr_assert_eq(window_add(&w, T0 + 8 * SECOND, 8 * SECOND, 0), 1);
    cr_assert_eq(window_add(&w, T0 + 100 * SECOND, 8 * SECOND, 2), 2);
    window_take(&w, 1);
    cr_assert_eq(w.sum, 1);
    window_take(&w, 9);
    cr_assert_eq(w.sum, 0);
}

Test(window, the_sum_is_that_of_the_parts_whatever_comes)
{
    struct window w = {0};
    uint32_t x = 7;
    int64_t now = T0;
    for (int i = 0; i < 20000; i++) {
        x = x * 1103515245 + 12345;
        now += (int64_t)(x >> 12) * 1000;
        if (x >> 30 == 3)
            window_take(&w, x % 5);
        window_add(&w, now, SECOND, x >> 8 & 3);
        uint32_t sum = 0;
        for (int k = 0; k < WINDOW_PARTS; k++)
            sum += w.count[k];
        cr_assert_eq(sum, w.sum);
    }
}

Test(window, different_things_count_once_and_the_oldest_goes)
{
    struct distinct d = {0};
    bool fresh;
    for (uint32_t i = 1; i <= 40; i++) {
        distinct_put(&d, i, 0, T0 + i * SECOND, 60 * SECOND, &fresh);
        cr_assert(fresh);
    }
    distinct_put(&d, 40, 0, T0 + 41 * SECOND, 60 * SECOND, &fresh);
    cr_assert_not(fresh);
    cr_assert_eq(distinct_count(&d, 1, T0 + 41 * SECOND, 60 * SECOND, 0), DISTINCT_MAX);
    cr_assert_eq(distinct_count(&d, 2, T0 + 41 * SECOND, 60 * SECOND, 0), 0);
    cr_assert_eq(distinct_count(&d, 1, T0 + 80 * SECOND, 60 * SECOND, 0), 20);
    cr_assert_eq(distinct_count(&d, 1, T0 + 41 * SECOND, 60 * SECOND, 11 * SECOND), 22);
    distinct_remove(&d, 40);
    distinct_mark(&d, 39, 1);
    cr_assert_eq(distinct_count(&d, 1, T0 + 41 * SECOND, 60 * SECOND, 0), DISTINCT_MAX - 2);
}

Test(window, what_was_removed_comes_anew_and_what_lay_there_before_means_nothing)
{
    struct distinct d;
    bool fresh;
    memset(&d, 0xa5, sizeof d);
    d.used = 0;
    cr_assert_eq(distinct_count(&d, ~0u, T0, 60 * SECOND, 0), 0);
    for (int round = 0; round < 2; round++) {
        distinct_put(&d, UINT32_C(0xa5a5a5a5), 1, T0, 60 * SECOND, &fresh);
        cr_assert(fresh);
        cr_assert_eq(d.used, 1);
        cr_assert_eq(distinct_count(&d, 1u << 1, T0, 60 * SECOND, 0), 1);
        distinct_remove(&d, UINT32_C(0xa5a5a5a5));
    }
}

Test(window, what_is_usual_follows_slowly_and_does_not_learn_from_floods)
{
    struct rate r = {0};
    int64_t second = 1000;
    for (int i = 0; i < 600; i++, second++)
        for (int k = 0; k < 10; k++)
            rate_add(&r, second, 100);
    cr_assert(r.usual > 9 && r.usual <= 10 && r.known >= 599);
    for (int i = 0; i < 60; i++, second++)
        for (int k = 0; k < 500; k++)
            rate_add(&r, second, 100);
    cr_assert(r.usual <= 10);
    rate_add(&r, second + 300, 100);
    cr_assert(r.usual < 1);
}

/* ---- who is watched ---- */

static struct endpoint host(unsigned n)
{
    return (struct endpoint){.addr = addr_v4(0x0a000000 + n), .port = 5060};
}

Test(watched, a_flood_of_addresses_pushes_out_its_own_and_no_server)
{
    static const struct hash_seed seed = {3, 4};
    struct watched w;
    bool is_new;
    cr_assert_eq(watched_init(&w, &seed, 16), 0);
    struct endpoint server = host(1);
    struct address *a = watched_address(&w, &server, &is_new);
    a->server = true;
    watched_touch(&w, a);
    for (unsigned i = 2; i < 5000; i++) {
        struct endpoint e = host(i);
        struct address *x = watched_address(&w, &e, &is_new);
        cr_assert(x && is_new);
        cr_assert_leq(w.addresses.count, 16);
    }
    cr_assert_eq(watched_address(&w, &server, &is_new), a);
    cr_assert_not(is_new);
    server.space = 7;
    cr_assert_neq(watched_address(&w, &server, &is_new), a, "another tenant's");
    watched_fini(&w);
}

Test(watched, a_new_address_has_nothing_of_the_one_whose_place_it_takes)
{
    const struct hash_seed seed = {1, 2};
    struct watched w;
    struct endpoint at = {.addr = {0, 1}}, other = {.addr = {0, 2}};
    bool is_new, fresh;
    cr_assert_eq(watched_init(&w, &seed, 16), 0);
    for (uint64_t i = 0; i < 100; i++) {
        at.addr.low = 100 + 2 * i;
        other.addr.low = 101 + 2 * i;
        watched_expect(&w, &at, &other); /* a hash that is known already is that of the look-up */
        watched_fetch(&w);
        struct address *a = watched_address(&w, &at, &is_new);
        cr_assert(a && is_new);
        cr_assert(a->users.used == 0 && a->places.used == 0 && a->probed.used == 0);
        cr_assert(a->sent.count == 0 && a->scans.sum == 0 && a->recent[0] == 0);
        for (unsigned n = 0; n < WATCHED_TRIED; n++)
            cr_assert_str_eq(a->tried[n], "");
        distinct_put(&a->users, 5, 0, T0, SECOND, &fresh);
        cr_assert(fresh);
        distinct_put(&a->probed, 6, 0, T0, SECOND, &fresh);
        a->sent.count = a->scans.sum = 7;
        memset(a->tried, 'x', sizeof a->tried);
        cr_assert(watched_address(&w, &other, &is_new) && is_new);
        cr_assert(watched_address(&w, &at, &is_new) == a && !is_new);
    }
    watched_fini(&w);
}

Test(watched, the_two_found_last_stay_even_when_the_table_is_full_of_servers)
{
    static const struct hash_seed seed = {3, 4};
    struct watched w;
    bool is_new;
    cr_assert_eq(watched_init(&w, &seed, 16), 0);
    for (unsigned i = 0; i < 15; i++) {
        struct endpoint e = host(i);
        struct address *a = watched_address(&w, &e, &is_new);
        a->server = true;
        watched_touch(&w, a);
    }
    struct endpoint one = host(100), two = host(101);
    struct address *a = watched_address(&w, &one, &is_new);
    cr_assert_not_null(a);
    cr_assert_null(watched_address(&w, &two, &is_new), "the first is in use");
    cr_assert(addr_equal(a->addr, one.addr));
    watched_fini(&w);
}

Test(watched, users_have_a_ceiling_too)
{
    static const struct hash_seed seed = {3, 4};
    struct watched w;
    char aor[32];
    cr_assert_eq(watched_init(&w, &seed, 16), 0);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(aor, sizeof aor, "user%u@x", i);
        cr_assert_not_null(watched_user(&w, aor, 0, true));
    }
    cr_assert_eq(w.users.count, 16);
    cr_assert_null(watched_user(&w, "user1@x", 0, false));
    cr_assert_not_null(watched_user(&w, "user999@x", 0, false));
    watched_fini(&w);
}

/* ---- who causes none ---- */

Test(allow, networks_of_both_families_by_their_bits)
{
    struct finding_config c = {.network_count = 2};
    struct addr a;
    c.network[0] = (struct finding_network){addr_v4(0xc6336400), 96 + 24};
    cr_assert(addr_parse(slice_str("2001:db8::"), &c.network[1].addr));
    c.network[1].bits = 32;
    cr_assert(allow_address(&c, addr_v4(0xc63364ff)));
    cr_assert_not(allow_address(&c, addr_v4(0xc6336500)));
    cr_assert(addr_parse(slice_str("2001:db8:1::9"), &a) && allow_address(&c, a));
    cr_assert(addr_parse(slice_str("2001:db9::1"), &a) && !allow_address(&c, a));
}

Test(allow, software_by_a_part_and_users_whole)
{
    struct finding_config c = {
        .agent_count = 1, .number_count = 1, .agent = {"Monitor"}, .number = {"alice"}};
    cr_assert(allow_software(&c, slice_str("my monitor/2")));
    cr_assert_not(allow_software(&c, slice_str("monito")));
    cr_assert(allow_user(&c, slice_str("alice")) && allow_user(&c, slice_str("alice@x")));
    cr_assert_not(allow_user(&c, slice_str("alice2")));
}
