#include <criterion/criterion.h>
#include <stdio.h>

#include "capture/finding/engine.h"

#define SECOND INT64_C(1000000000)
#define T0     (INT64_C(1700000000) * SECOND)

static struct finding_config config;
static struct finding_engine engine;
static struct counters_set *set;
static struct finding told[64]; /* newest words */
static unsigned told_count;
static bool full; /* nobody takes events */

static bool tell(void *context, const struct finding *f)
{
    (void)context;
    if (full)
        return false;
    told[told_count++ % 64] = *f;
    return true;
}

static void make_uid(void *context, const struct finding *f, uint8_t uid[16])
{
    (void)context;
    memset(uid, (int)(f->opened_ns / SECOND), 16);
}

static void at(double seconds)
{
    engine.time_ns = engine.steady_ns = T0 + (int64_t)(seconds * 1e9);
    finding_engine_tick(&engine);
}

static void start(uint32_t max)
{
    static const struct hash_seed seed = {1, 2};
    struct finding_sink sink = {.tell = tell, .make_uid = make_uid};
    finding_config_defaults(&config);
    config.findings_max = max;
    set = counters_set_new();
    told_count = 0;
    full = false;
    cr_assert_eq(finding_engine_init(&engine, &config, &seed, &sink, counters_block(set)), 0);
    at(0);
}

static void setup(void)
{
    start(8);
}

static void teardown(void)
{
    finding_engine_fini(&engine);
    counters_set_free(set);
}

TestSuite(engine, .init = setup, .fini = teardown);

static struct endpoint host(unsigned n)
{
    return (struct endpoint){.addr = addr_v4(0xc0000200 + n), .port = 5060};
}

static const struct finding *hit(unsigned src, enum finding_severity severity, bool lasts)
{
    struct endpoint a = host(src), b = host(200);
    struct finding_hit h = {.rule = RULE_SCANNER,
                            .src = &a,
                            .dst = &b,
                            .count = 1,
                            .severity = severity,
                            .lasts = lasts};
    return finding_hit(&engine, &h);
}

static uint64_t counted(unsigned cell)
{
    return counters_sum(set, cell);
}

static const struct finding *newest(void)
{
    return &told[(told_count - 1) % 64];
}

Test(engine, what_is_new_is_told_at_once_and_more_of_it_once_a_second)
{
    hit(1, FINDING_INFO, false);
    cr_assert_eq(told_count, 1);
    cr_assert_eq(told[0].news, FINDING_OPENED);
    for (int i = 1; i < 10; i++) {
        at(i * 0.05);
        hit(1, FINDING_INFO, false);
    }
    cr_assert_eq(told_count, 1);
    at(1.5);
    cr_assert_eq(told_count, 2);
    cr_assert_eq(newest()->news, FINDING_UPDATED);
    cr_assert_eq(newest()->count, 10);
    cr_assert_eq(newest()->episodes, 1);
}

Test(engine, what_gets_worse_is_told_at_once_and_never_gets_better)
{
    hit(1, FINDING_INFO, false);
    hit(1, FINDING_CRITICAL, false);
    cr_assert_eq(told_count, 2);
    cr_assert_eq(newest()->news, FINDING_WORSE);
    at(2);
    hit(1, FINDING_INFO, false);
    cr_assert_eq(newest()->severity, FINDING_CRITICAL);
    cr_assert_eq(counted(C_FINDINGS + FINDING_SCANNER * LABEL_COUNT_SEVERITY + FINDING_WARNING), 1);
    cr_assert_eq(counted(C_FINDINGS + FINDING_SCANNER * LABEL_COUNT_SEVERITY + FINDING_CRITICAL),
                 1);
}

Test(engine, quiet_clears_it_and_what_comes_back_is_the_same_until_it_is_forgotten)
{
    hit(1, FINDING_INFO, false);
    at(299);
    cr_assert_eq(newest()->state, FINDING_OPEN);
    at(500);
    cr_assert_eq(newest()->state, FINDING_CLEARED);
    cr_assert_eq(newest()->cleared_ns, T0 + 300 * SECOND, "whenever it was noticed");
    cr_assert_eq(counted(C_FINDINGS_OPEN + FINDING_SCANNER), 0);
    hit(1, FINDING_INFO, false);
    cr_assert_eq(newest()->news, FINDING_OPENED);
    cr_assert_eq(newest()->episodes, 2);
    cr_assert_eq(newest()->opened_ns, T0);
    cr_assert_eq(newest()->cleared_ns, 0);
    at(500 + 300 + 3600 + 1);
    cr_assert_eq(engine.table.count, 0);
    hit(1, FINDING_INFO, false);
    cr_assert_eq(newest()->episodes, 1);
    cr_assert_eq(counted(C_FINDINGS + FINDING_SCANNER * LABEL_COUNT_SEVERITY + FINDING_WARNING), 2);
}

Test(engine, on_and_off_is_one_finding)
{
    for (int i = 0; i < 20; i++) {
        at(i * 100);
        hit(1, FINDING_INFO, false);
    }
    at(1901);
    cr_assert_eq(engine.table.count, 1);
    cr_assert_eq(newest()->episodes, 20);
    cr_assert_eq(newest()->state, FINDING_OPEN);
    cr_assert_eq(counted(C_FINDINGS + FINDING_SCANNER * LABEL_COUNT_SEVERITY + FINDING_WARNING), 1);
}

Test(engine, what_lasts_stays_open_until_it_is_over_and_quiet)
{
    struct endpoint a = host(1), b = host(200);
    struct finding_hit h = {.rule = RULE_SCANNER, .src = &a, .dst = &b};
    hit(1, FINDING_INFO, true);
    at(5000);
    cr_assert_eq(newest()->state, FINDING_OPEN);
    cr_assert_not_null(finding_find(&engine, &h));
    finding_over(&engine, &h);
    at(5299);
    cr_assert_eq(newest()->state, FINDING_OPEN);
    at(5301);
    cr_assert_eq(newest()->state, FINDING_CLEARED);
    cr_assert_null(finding_find(&engine, &h));
}

Test(engine, the_one_without_a_sign_for_longest_goes_and_cleared_ones_first)
{
    for (unsigned i = 0; i < 8; i++) {
        at(i * 50);
        hit(i, FINDING_INFO, false);
    }
    hit(1, FINDING_INFO, false); /* used again: not the oldest */
    at(361);                     /* 0 is cleared, 1 is not */
    struct endpoint a = host(0), b = host(200);
    struct finding_hit h = {.rule = RULE_SCANNER, .src = &a, .dst = &b};
    cr_assert_null(finding_find(&engine, &h));
    hit(20, FINDING_INFO, false);
    cr_assert_eq(engine.table.count, 8);
    hit(21, FINDING_INFO, false);
    a = host(2);
    cr_assert_null(finding_find(&engine, &h), "the oldest that is open");
    a = host(1);
    cr_assert_not_null(finding_find(&engine, &h));
    cr_assert_eq(counted(C_FINDINGS_OPEN + FINDING_SCANNER), 8);
}

Test(engine, only_so_many_are_opened_in_a_minute)
{
    for (unsigned i = 0; i < 100; i++)
        hit(i, FINDING_INFO, false);
    cr_assert_eq(counted(C_FINDINGS + FINDING_SCANNER * LABEL_COUNT_SEVERITY + FINDING_WARNING),
                 FINDING_OPENINGS_MAX);
    cr_assert_eq(counted(C_FINDINGS_SUPPRESSED + FINDING_SCANNER), 100 - FINDING_OPENINGS_MAX);
    at(61);
    cr_assert_not_null(hit(150, FINDING_INFO, false));
}

Test(engine, news_that_found_no_room_are_told_again)
{
    full = true;
    hit(1, FINDING_INFO, false);
    at(0.5);
    hit(1, FINDING_INFO, false);
    full = false;
    at(2);
    cr_assert_eq(told_count, 1);
    cr_assert_eq(told[0].news, FINDING_OPENED);
    cr_assert_eq(told[0].count, 2);
}

Test(engine, evidence_is_the_first_eight_and_each_once)
{
    struct endpoint a = host(1);
    for (unsigned i = 0; i < 40; i++) {
        char text[8];
        uint8_t uid[16] = {(uint8_t)(i / 2)};
        struct endpoint b = host(100 + i / 2);
        snprintf(text, sizeof text, "%u", i / 2);
        struct finding_hit h = {.rule = RULE_SCANNER,
                                .src = &a,
                                .dst = &b,
                                .call = uid,
                                .sample = slice_str(text),
                                .count = 1};
        finding_hit(&engine, &h);
    }
    at(2);
    const struct finding *f = newest();
    cr_assert_eq(f->count, 40);
    cr_assert_eq(f->call_count + f->destination_count + f->sample_count, 24);
    cr_assert_eq(f->source_count, 1);
    cr_assert_str_eq(f->sample[7], "7");
    cr_assert_eq(f->destination[7].addr.low, host(107).addr.low);
}

Test(engine, at_the_end_what_is_open_is_told_for_the_last_time)
{
    hit(1, FINDING_INFO, false);
    hit(2, FINDING_INFO, false);
    finding_engine_finish(&engine);
    cr_assert_eq(told_count, 4);
    cr_assert(told[2].last && told[3].last);
    cr_assert_eq(told[3].state, FINDING_OPEN);
}

/* ---- the table ---- */

Test(findings_table, labels_are_the_detectors_and_severities)
{
    cr_assert_eq((int)FINDING_DETECTORS, (int)LABEL_COUNT_DETECTOR);
    for (unsigned i = 0; i < FINDING_DETECTORS; i++)
        cr_expect_str_eq(label_text(LABELS_DETECTOR, i), finding_detector(i)->name);
    cr_assert_eq((int)FINDING_SEVERITIES, (int)LABEL_COUNT_SEVERITY);
    for (unsigned i = 0; i < FINDING_SEVERITIES; i++)
        cr_expect_str_eq(label_text(LABELS_SEVERITY, i), finding_severity_text(i));
}
