/* Calls that drop together and places that fall silent, as the detector is told of them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "capture/finding/findings.h"

#define SECOND INT64_C(1000000000)
#define T0     (INT64_C(1700000000) * SECOND)

static struct findings *findings;
static struct counters_set *set;
static struct finding newest[2]; /* outage, mass drop */
static unsigned told;

static bool tell(void *context, const struct finding *f)
{
    (void)context;
    newest[f->detector == FINDING_MASS_DROP] = *f;
    told++;
    return true;
}

static void make_uid(void *context, const struct finding *f, uint8_t uid[16])
{
    (void)context;
    memset(uid, (int)(f->opened_ns / SECOND), 16);
}

static int64_t at(double seconds)
{
    int64_t ns = T0 + (int64_t)(seconds * 1e9);
    findings_time(findings, ns, ns);
    findings_tick(findings);
    return ns;
}

static void start(uint32_t drops)
{
    static const struct hash_seed seed = {1, 2};
    struct finding_sink sink = {.tell = tell, .make_uid = make_uid};
    struct finding_config config;
    finding_config_defaults(&config);
    config.rule[RULE_MASS_DROP].threshold = drops;
    set = counters_set_new();
    told = 0;
    memset(newest, 0, sizeof newest);
    findings = findings_new(&config, &seed, &sink, counters_block(set));
    cr_assert_not_null(findings);
    at(0);
}

static void stop(void)
{
    findings_free(findings);
    counters_set_free(set);
}

/* Call `n` dropped; its last sign of life was `silent` seconds ago. */
static void drop(uint8_t n, double seconds, double silent)
{
    uint8_t uid[16];
    memset(uid, n, sizeof uid);
    findings_dropped(findings, uid, "trunk one", at(seconds) - (int64_t)(silent * 1e9));
}

Test(drops, those_that_come_together_are_one_finding_with_all_that_were_kept)
{
    start(10);
    for (uint8_t n = 1; n <= 9; n++)
        drop(n, 100, 60);
    cr_assert_eq(told, 0, "nine are not many");
    drop(10, 101, 62);
    const struct finding *f = &newest[1];
    at(103); /* the others are told within a second */
    cr_assert(f->count == 10 && f->state == FINDING_OPEN && f->episodes == 1);
    cr_assert_str_eq(f->subject, "calls");
    cr_assert_eq(f->call_count, FINDING_EVIDENCE_MAX);
    cr_assert_eq(f->call[0][0], 3, "the newest eight");
    cr_assert_str_eq(f->sample[0], "trunk one");
    cr_assert_eq(f->first_ns, T0 + 39 * SECOND, "62 s before the tenth");
    for (uint8_t n = 11; n <= 14; n++)
        drop(n, 103, 60);
    at(105);
    cr_assert_eq(f->count, 14);
    stop();
}

Test(drops, the_begin_is_that_of_these_calls_and_not_of_one_that_dropped_long_before)
{
    start(3);
    drop(1, 10, 9);
    drop(2, 300, 200);
    for (uint8_t n = 3; n <= 5; n++)
        drop(n, 1000, 60);
    cr_assert_eq(newest[1].count, 3);
    cr_assert_eq(newest[1].first_ns, T0 + 940 * SECOND, "%lld s",
                 (long long)((newest[1].first_ns - T0) / SECOND));
    stop();
}

Test(drops, the_ring_of_what_is_kept_goes_round)
{
    start(3);
    for (uint8_t n = 0; n < 20; n++)
        drop(n, 100 * n, 50); /* alone, each */
    cr_assert_eq(told, 0);
    for (uint8_t n = 20; n < 23; n++)
        drop(n, 3000, n);
    at(3002);
    cr_assert(newest[1].call_count == 3 && newest[1].call[0][0] == 20 &&
              newest[1].call[2][0] == 22);
    cr_assert_eq(newest[1].first_ns, T0 + 2978 * SECOND);
    stop();
}

Test(silence, lasts_until_the_place_is_heard_and_names_the_calls)
{
    static const uint8_t one[16] = {1}, other[16] = {2};
    start(10);
    int64_t now_ns = at(100);
    findings_silent(findings, "site north", now_ns - 30 * SECOND, one, 2);
    findings_silent(findings, "site north", now_ns - 30 * SECOND, other, 0);
    at(2000);
    const struct finding *f = &newest[0];
    cr_assert(f->state == FINDING_OPEN && f->count == 2 && f->call_count == 2, "however quiet");
    cr_assert_str_eq(f->subject, "site north");
    cr_assert_eq(f->first_ns, now_ns - 30 * SECOND);
    findings_heard(findings, "site south");
    at(3000);
    cr_assert_eq(f->state, FINDING_OPEN, "another place was heard");
    findings_heard(findings, "site north");
    at(4000);
    cr_assert_eq(f->state, FINDING_CLEARED);
    stop();
}
