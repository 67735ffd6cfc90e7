/* Sessions and failures by address: both tables are told what time it is. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "api/attempts.h"
#include "api/sessions.h"
#include "base/crypto.h"

#define S        INT64_C(1000000)
#define BEGIN_US (INT64_C(1795255200) * S)

static struct counters *counters;
static struct counters_set *set;

static void setup(void)
{
    cr_assert_eq(crypto_start(), 0);
    set = counters_set_new();
    counters = counters_block(set);
}

static void teardown(void)
{
    counters_set_free(set);
}

TestSuite(sessions, .init = setup, .fini = teardown, .timeout = 60);
TestSuite(attempts, .init = setup, .fini = teardown, .timeout = 60);

static struct session_owner owner(const char *name)
{
    struct session_owner o = {.changed_us = 7};
    snprintf(o.account, sizeof o.account, "%s", name);
    return o;
}

static struct session open_one(struct sessions *s, const char *name, int64_t now_us,
                               char secret[SESSION_SECRET_SIZE])
{
    struct session session;
    struct session_owner o = owner(name);
    sessions_open(s, &o, now_us, counters, secret, &session);
    return session;
}

static bool find(struct sessions *s, const char *secret, int64_t now_us)
{
    struct session session;
    return sessions_find(s, slice_str(secret), now_us, counters, &session);
}

Test(sessions, a_session_lasts_while_it_is_used_but_not_for_ever)
{
    struct sessions *s = sessions_new(10 * S, 25 * S);
    char secret[SESSION_SECRET_SIZE];
    struct session made = open_one(s, "ann", BEGIN_US, secret), found;

    cr_expect_eq(strlen(secret), SESSION_SECRET_DIGITS);
    cr_expect_str_neq(secret, made.csrf);
    cr_assert(sessions_find(s, slice_str(secret), BEGIN_US + 9 * S, counters, &found));
    cr_expect_eq(found.serial, made.serial);
    cr_expect_str_eq(found.owner.account, "ann");
    cr_expect_eq(found.owner.changed_us, 7);
    cr_expect(find(s, secret, BEGIN_US + 18 * S), "used at 9");
    cr_expect(sessions_alive(s, made.serial, BEGIN_US + 24 * S));
    cr_expect(!find(s, secret, BEGIN_US + 25 * S), "however used");
    cr_expect(!sessions_alive(s, made.serial, BEGIN_US + 25 * S));
    made = open_one(s, "ann", BEGIN_US, secret);
    cr_expect(!find(s, secret, BEGIN_US + 10 * S), "not used for its time");
    cr_expect(!find(s, secret, BEGIN_US), "and it stays over");
    sessions_free(s);
}

Test(sessions, only_its_own_secret_finds_it_and_it_can_be_closed)
{
    struct sessions *s = sessions_new(10 * S, 25 * S);
    char secret[SESSION_SECRET_SIZE], other[SESSION_SECRET_SIZE];
    struct session made = open_one(s, "ann", BEGIN_US, secret);

    for (size_t i = 0; i < SESSION_SECRET_DIGITS; i++) {
        memcpy(other, secret, sizeof other);
        other[i] = other[i] == '0' ? '1' : '0';
        cr_expect(!find(s, other, BEGIN_US), "byte %zu", i);
        other[i] = '\0';
        cr_expect(!find(s, other, BEGIN_US), "cut at %zu", i);
    }
    cr_expect(!find(s, made.csrf, BEGIN_US), "the word of changes is not the secret");
    sessions_close(s, made.serial, counters);
    cr_expect(!find(s, secret, BEGIN_US));
    sessions_close(s, made.serial, counters);
    sessions_close(s, 0, counters);
    sessions_free(s);
}

Test(sessions, the_table_is_bounded_and_what_was_not_used_for_longest_gives_way)
{
    struct sessions *s = sessions_new(1000000 * S, 1000000 * S);
    char secret[SESSION_SECRET_SIZE], first[SESSION_SECRET_SIZE], ann[SESSION_SECRET_SIZE],
        name[16];

    open_one(s, "ann", BEGIN_US, ann);
    for (int i = 0; i < SESSIONS_OF_ONE_MAX; i++)
        open_one(s, "bob", BEGIN_US + i, i == 0 ? first : secret);
    cr_expect(find(s, first, BEGIN_US + 100), "as many as one may have");
    open_one(s, "bob", BEGIN_US + 200, secret);
    cr_expect(find(s, first, BEGIN_US + 201), "it was used since");
    cr_expect_eq(sessions_count(s, BEGIN_US + 202), SESSIONS_OF_ONE_MAX + 1u,
                 "an own one gave way");
    for (int i = 0; i < SESSIONS_MAX; i++) {
        snprintf(name, sizeof name, "u%d", i);
        open_one(s, name, BEGIN_US + 300 + i, secret);
        if (i == 100)
            cr_expect(find(s, ann, BEGIN_US + 300 + SESSIONS_MAX));
    }
    cr_expect_eq(sessions_count(s, BEGIN_US + 1000), (unsigned)SESSIONS_MAX);
    cr_expect(find(s, ann, BEGIN_US + 1000), "used late");
    cr_expect(!find(s, first, BEGIN_US + 1000));
    sessions_free(s);
}

static unsigned fails_until_locked(struct attempts *a, struct addr from, int64_t *now_us,
                                   unsigned weight)
{
    unsigned n = 0;
    while (attempts_wait(a, from, *now_us) == 0 && n < 1000) {
        attempts_failed(a, from, *now_us, weight);
        *now_us += 1000;
        n++;
    }
    return n;
}

Test(attempts, five_passwords_or_a_hundred_tokens_then_each_waits_twice_as_long)
{
    struct attempts *a = attempts_new();
    struct addr from = addr_v4(0xc0000201), other = addr_v4(0xc0000202);
    int64_t now = BEGIN_US;

    cr_expect_eq(fails_until_locked(a, from, &now, ATTEMPT_PASSWORD), 5);
    for (unsigned i = 0, expected = 2; i < 12;
         i++, expected = expected < 512 ? expected * 2 : 900) {
        unsigned wait = attempts_wait(a, from, now);
        cr_expect_eq(wait, expected);
        now += wait * S;
        cr_expect_eq(attempts_wait(a, from, now), 0u);
        attempts_failed(a, from, now, ATTEMPT_PASSWORD);
    }
    cr_expect_eq(attempts_wait(a, other, now), 0, "another address is free");
    now += 3600 * S;
    cr_expect_eq(attempts_wait(a, from, now), 0);
    cr_expect_eq(fails_until_locked(a, from, &now, ATTEMPT_PASSWORD), 5, "all is forgiven");
    now = BEGIN_US;
    cr_expect_eq(fails_until_locked(a, other, &now, ATTEMPT_TOKEN), 100);
    attempts_free(a);
}

Test(attempts, one_failure_a_minute_is_forgiven_for_ever)
{
    struct attempts *a = attempts_new();
    struct addr from = addr_v4(0xc0000201);

    for (int i = 0; i < 500; i++) {
        cr_assert_eq(attempts_wait(a, from, BEGIN_US + i * 60 * S), 0, "%d", i);
        attempts_failed(a, from, BEGIN_US + i * 60 * S, ATTEMPT_PASSWORD);
    }
    attempts_free(a);
}

Test(attempts, of_ipv6_a_whole_network_is_one_and_many_addresses_open_no_lock)
{
    struct attempts *a = attempts_new();
    struct addr from, near, far;
    int64_t now = BEGIN_US;

    addr_parse(slice_str("2001:db8::1"), &from);
    addr_parse(slice_str("2001:db8::ffff:1"), &near);
    addr_parse(slice_str("2001:db8:0:1::1"), &far);
    fails_until_locked(a, from, &now, ATTEMPT_PASSWORD);
    cr_expect_gt(attempts_wait(a, near, now), 0u);
    cr_expect_eq(attempts_wait(a, far, now), 0u);
    for (uint32_t i = 0; i < 20000; i++)
        attempts_failed(a, addr_v4(0x0a000000 + i), now, ATTEMPT_PASSWORD);
    cr_expect_gt(attempts_wait(a, from, now), 0u, "a locked one gives way last");
    attempts_free(a);
}
