/* Forty attempts and a dozen registrations, written by hand from the clauses of RFC 6076, ITU-T E.411 and E.425, each with
 * what it must count for. Nothing here is shared with the generator of tests/kpi.
 *
 * A line reads: what happened, as times in ms after t0 (0: did not), and in which numerators and denominators it stands. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "storage/kpi.h"

#define T0_US INT64_C(1795255200000000)

/* Membership, as the clauses say it. */
enum {
    NONE = 0,
    ASR = 1 << 0,    /* answered: E.411 */
    NER = 1 << 1,    /* E.425: reached the user, whatever he did */
    SEER = 1 << 2,   /* 4.7: 2xx 480 486 600 603 */
    ISA = 1 << 3,    /* 4.8: 408 500 503 504, time-out */
    SCR = 1 << 4,    /* 4.9: completed */
    IS_3XX = 1 << 5, /* 4.6, 4.7: out of the denominator */
    SDDF = 1 << 6,   /* 4.4: the BYE was not answered with 2xx */
    APART = 1 << 7,  /* no attempt */
};

struct attempt {
    const char *what;
    const char *outcome, *end;
    int code, cause;
    int invite; /* t0' after t0 */
    int progress, ringing, answered, acked, bye, bye_ok, ended;
    unsigned in;
    /* ms; -1: has none */
    int srd, srd_failed, sdd, sdt, sdt_failed, acd, pdd;
};

#define NO -1
/* The media time-out is 60 s, Timer F 32 s. */
static const struct attempt ATTEMPTS[] = {
    /* 4.3.1, 4.4, 4.5.1, 4.9: set up, acknowledged, released, released well */
    {"180, 200, BYE of the caller", "answered", "bye", 200, 0, 0, 300, 300, 2000, 2010, 62000, 62040, 62000,
     ASR | NER | SEER | SCR, 300, NO, 40, 60000, NO, 60000, 300},
    {"200 at once: it is the status itself", "answered", "bye", 200, 0, 0, 0, 0, 150, 160, 1150, 1155, 1150,
     ASR | NER | SEER | SCR, 150, NO, 5, 1000, NO, 1000, 150},
    {"181 tells of a status, 180 is heard", "answered", "bye", 200, 0, 0, 100, 900, 3000, 3001, 5000, 5100, 5000,
     ASR | NER | SEER | SCR, 100, NO, 100, 2000, NO, 2000, 900},
    {"100 alone is none: the 200 counts", "answered", "bye", 200, 0, 0, 0, 0, 7000, 7010, 9999, 10000, 9999,
     ASR | NER | SEER | SCR, 7000, NO, 1, 2999, NO, 2999, 7000},
    {"challenged first: SRD from the second INVITE, the user waits from the first", "answered", "bye", 200, 0, 80, 400,
     400, 1000, 1010, 11000, 11010, 11000, ASR | NER | SEER | SCR, 320, NO, 10, 10000, NO, 10000, 400},
    {"180 before the redirection says nothing of the try that was answered", "answered", "bye", 200, 0, 500, 200, 200,
     1500, 1510, 4500, 4510, 4500, ASR | NER | SEER | SCR, 1000, NO, 10, 3000, NO, 3000, 200},
    {"Reason in the BYE does not take an answer back", "answered", "bye", 200, 31, 0, 200, 200, 900, 910, 5900, 5910, 5900,
     ASR | NER | SEER | SCR, 200, NO, 10, 5000, NO, 5000, 200},
    {"202 and the like are 2xx", "answered", "bye", 202, 0, 0, 50, 0, 500, 510, 1500, 1501, 1500,
     ASR | NER | SEER | SCR, 50, NO, 1, 1000, NO, 1000, 500},
    /* 4.9: not completed; 4.5.2 and the failed form of 4.4 */
    {"no ACK was seen", "answered", "bye", 200, 0, 0, 300, 300, 2000, 0, 4000, 4020, 4000, ASR | NER | SEER, 300, NO, 20,
     2000, NO, 2000, 300},
    {"nobody answers the BYE: Timer F", "answered", "bye", 200, 0, 0, 300, 300, 2000, 2010, 12000, 0, 12000,
     ASR | NER | SEER | SDDF, 300, NO, NO, NO, 42000, 10000, 300},
    {"481 to the BYE is no 2xx", "answered", "bye", 200, 0, 0, 300, 300, 2000, 2010, 3000, 0, 3000,
     ASR | NER | SEER | SDDF, 300, NO, NO, NO, 33000, 1000, 300},
    {"no BYE at all: last sign of life and the time-out", "answered", "media_timeout", 200, 0, 0, 300, 300, 2000, 2010, 0,
     0, 30000, ASR | NER | SEER, 300, NO, NO, NO, 88000, 28000, 300},
    {"we stopped in the middle of it", "answered", "cut", 200, 0, 0, 300, 300, 2000, 2010, 0, 0, 30000,
     ASR | NER | SEER, 300, NO, NO, NO, NO, NO, 300},
    {"longer than we follow", "answered", "max_duration", 200, 0, 0, 300, 300, 2000, 2010, 0, 0, 86400000,
     ASR | NER | SEER, 300, NO, NO, NO, NO, NO, 300},
    /* 4.6, 4.7: users */
    {"486", "busy", "rejected", 486, 0, 0, 0, 0, 0, 0, 0, 0, 700, NER | SEER, NO, 700, NO, NO, NO, NO, NO},
    {"600", "busy", "rejected", 600, 0, 0, 0, 0, 0, 0, 0, 0, 40, NER | SEER, NO, 40, NO, NO, NO, NO, NO},
    {"603 after ringing", "rejected", "rejected", 603, 0, 0, 200, 200, 0, 0, 0, 0, 5000, NER | SEER, NO, 5000, NO, NO, NO,
     NO, 200},
    {"480 without ringing", "rejected", "rejected", 480, 0, 0, 0, 0, 0, 0, 0, 0, 60, NER | SEER, NO, 60, NO, NO, NO, NO, NO},
    {"480 after ringing: nobody came", "no_answer", "rejected", 480, 0, 0, 200, 200, 0, 0, 0, 0, 30000, NER | SEER, NO,
     30000, NO, NO, NO, NO, 200},
    {"607 unwanted: the user's word, but not of SEER's list", "rejected", "rejected", 607, 0, 0, 0, 0, 0, 0, 0, 0, 90, NER,
     NO, 90, NO, NO, NO, NO, NO},
    {"608 refused for the user", "rejected", "rejected", 608, 0, 0, 0, 0, 0, 0, 0, 0, 91, NER, NO, 91, NO, NO, NO, NO, NO},
    {"404: the network, or a wrong number", "failed", "rejected", 404, 0, 0, 0, 0, 0, 0, 0, 0, 33, NONE, NO, 33, NO, NO, NO,
     NO, NO},
    {"403", "failed", "rejected", 403, 0, 0, 0, 0, 0, 0, 0, 0, 12, NONE, NO, 12, NO, NO, NO, NO, NO},
    {"420: not in SEER's numerator", "failed", "rejected", 420, 0, 0, 0, 0, 0, 0, 0, 0, 13, NONE, NO, 13, NO, NO, NO, NO, NO},
    {"488", "rejected", "rejected", 488, 0, 0, 0, 0, 0, 0, 0, 0, 14, NONE, NO, 14, NO, NO, NO, NO, NO},
    {"604: nowhere", "failed", "rejected", 604, 0, 0, 0, 0, 0, 0, 0, 0, 15, NONE, NO, 15, NO, NO, NO, NO, NO},
    /* 4.6, 4.7: 3xx */
    {"302 that nobody followed", "redirected", "redirected", 302, 0, 0, 0, 0, 0, 0, 0, 0, 25, IS_3XX, NO, NO, NO, NO, NO, NO,
     NO},
    {"380 after ringing", "redirected", "redirected", 380, 0, 0, 100, 100, 0, 0, 0, 0, 250, IS_3XX, NO, NO, NO, NO, NO, NO,
     100},
    /* 4.3.2: 401, 402, 407 are no failures of the session request */
    {"407 again: wrong password", "rejected", "rejected", 407, 0, 50, 0, 0, 0, 0, 0, 0, 60, NONE, NO, NO, NO, NO, NO, NO, NO},
    {"402", "failed", "rejected", 402, 0, 0, 0, 0, 0, 0, 0, 0, 61, NONE, NO, NO, NO, NO, NO, NO, NO},
    /* 4.8 */
    {"408 of a proxy", "failed", "rejected", 408, 0, 0, 0, 0, 0, 0, 0, 0, 9000, ISA, NO, 9000, NO, NO, NO, NO, NO},
    {"500", "failed", "rejected", 500, 0, 0, 0, 0, 0, 0, 0, 0, 71, ISA, NO, 71, NO, NO, NO, NO, NO},
    {"503", "failed", "rejected", 503, 0, 0, 0, 0, 0, 0, 0, 0, 72, ISA, NO, 72, NO, NO, NO, NO, NO},
    {"504 after ringing", "failed", "rejected", 504, 0, 0, 30, 30, 0, 0, 0, 0, 73, ISA, NO, 73, NO, NO, NO, NO, 30},
    {"502 is not of the list", "failed", "rejected", 502, 0, 0, 0, 0, 0, 0, 0, 0, 74, NONE, NO, 74, NO, NO, NO, NO, NO},
    {"Timer B: no response at all", "lost", "sip_timeout", 0, 0, 0, 0, 0, 0, 0, 0, 0, 31500, ISA, NO, NO, NO, NO, NO, NO,
     NO},
    /* E.425: the cause is the better witness; the caller who gives up */
    {"cancelled while it rings", "cancelled", "cancel", 487, 0, 0, 300, 300, 0, 0, 0, 0, 8000, NER, NO, 8000, NO, NO, NO, NO,
     300},
    {"cancelled before it rings: nobody was reached", "cancelled", "cancel", 487, 0, 0, 0, 0, 0, 0, 0, 0, 4000, NONE, NO,
     4000, NO, NO, NO, NO, NO},
    {"500 with cause 17: the gateway found the user busy", "failed", "rejected", 500, 17, 0, 0, 0, 0, 0, 0, 0, 80, NER | ISA,
     NO, 80, NO, NO, NO, NO, NO},
    {"486 with cause 34: no circuit, not the user", "busy", "rejected", 486, 34, 0, 0, 0, 0, 0, 0, 0, 81, SEER, NO, 81, NO,
     NO, NO, NO, NO},
    {"404 with cause 16 and no ringing", "failed", "rejected", 404, 16, 0, 0, 0, 0, 0, 0, 0, 82, NONE, NO, 82, NO, NO, NO, NO,
     NO},
    {"404 with cause 16 after ringing", "failed", "rejected", 404, 16, 0, 20, 20, 0, 0, 0, 0, 83, NER, NO, 83, NO, NO, NO, NO,
     20},
};
#define COUNT (sizeof ATTEMPTS / sizeof ATTEMPTS[0])

static int64_t at(int ms)
{
    return ms ? T0_US + (int64_t)ms * 1000 : 0;
}

static struct call_record *record_of(const struct attempt *a)
{
    struct call_record *r = record_new();
    int heard = a->ringing ? a->ringing : a->answered;
    r->final = true;
    r->kind = "call";
    r->state = "ended";
    r->outcome = a->outcome;
    r->end_reason = a->end;
    r->released_by = "caller";
    r->direction = "in";
    r->sip_code = a->code;
    r->q850_cause = a->cause;
    r->auth_attempts = a->invite ? 1 : 0;
    r->started_us = T0_US;
    r->processed_us = T0_US + (int64_t)a->invite * 1000;
    r->progress_us = at(a->progress);
    r->ringing_us = at(a->ringing);
    r->answered_us = at(a->answered);
    r->acked_us = at(a->acked);
    r->bye_us = at(a->bye);
    r->ended_us = at(a->ended);
    if (a->bye_ok)
        r->disconnect_delay_ms = a->bye_ok - a->bye;
    if (heard)
        r->post_dial_delay_ms = heard;
    return r;
}

static void cell_of(const struct call_record *r, struct kpi_cell *cell)
{
    struct kpi_rules rules;
    struct kpi_sample sample;
    kpi_rules_defaults(&rules);
    cr_assert(kpi_sample_of(&rules, r, &sample));
    kpi_add(cell, &sample);
}

static void expect_count(const struct attempt *a, const struct kpi_cell *cell, enum kpi_count which, bool in)
{
    cr_expect_eq(cell->counts[which], in, "%s: %s is %d", a->what, kpi_count_text(which), (int)cell->counts[which]);
}

static void expect_delay(const struct attempt *a, const struct kpi_cell *cell, enum kpi_delay which, int ms)
{
    const struct kpi_histogram *h = &cell->delays[which];
    cr_expect_eq(h->count, ms >= 0, "%s: %s", a->what, kpi_delay_text(which));
    if (h->count)
        cr_expect_eq(h->sum_us, (int64_t)ms * 1000, "%s: %s is %d us", a->what, kpi_delay_text(which), (int)h->sum_us);
}

Test(kpi_clauses, each_attempt_counts_where_its_clause_says)
{
    static struct kpi_cell cell;
    cr_assert_geq(COUNT, 40);
    for (size_t i = 0; i < COUNT; i++) {
        const struct attempt *a = &ATTEMPTS[i];
        struct call_record *r = record_of(a);
        kpi_cell_clear(&cell);
        cell_of(r, &cell);
        expect_count(a, &cell, KPI_ATTEMPTS, true);
        expect_count(a, &cell, KPI_ANSWERED, a->in & ASR);
        expect_count(a, &cell, KPI_EFFECTIVE, a->in & NER);
        expect_count(a, &cell, KPI_USER_EFFECTIVE, a->in & SEER);
        expect_count(a, &cell, KPI_INEFFECTIVE, a->in & ISA);
        expect_count(a, &cell, KPI_COMPLETED, a->in & SCR);
        expect_count(a, &cell, KPI_ENDED_3XX, a->in & IS_3XX);
        expect_count(a, &cell, KPI_SDD_FAILED, a->in & SDDF);
        expect_delay(a, &cell, KPI_DELAY_SRD, a->srd);
        expect_delay(a, &cell, KPI_DELAY_SRD_FAILED, a->srd_failed);
        expect_delay(a, &cell, KPI_DELAY_SDD, a->sdd);
        expect_delay(a, &cell, KPI_DELAY_SDT, a->sdt);
        expect_delay(a, &cell, KPI_DELAY_SDT_FAILED, a->sdt_failed);
        expect_delay(a, &cell, KPI_DELAY_TALK, a->acd);
        expect_delay(a, &cell, KPI_DELAY_PDD, a->pdd);
        record_free(r);
    }
}

/* The sums, counted by eye from the table above: 42 attempts, 14 of them answered, 2 ended with 3xx. */
Test(kpi_clauses, the_ratios_of_all_of_them)
{
    static const struct {
        const char *name;
        uint64_t numerator, denominator;
    } EXPECTED[] = {
        {"asr", 14, 42},  {"ner", 14 + 7 + 3, 42}, {"ser", 14, 40},          {"seer", 14 + 6, 40},
        {"isa", 6, 42},   {"scr", 8, 42},          {"abandon_ratio", 2, 42}, {"short_3s_ratio", 6, 12},
        {"short_5s_ratio", 7, 12}, {"short_10s_ratio", 8, 12},
    };
    static struct kpi_cell cell;
    struct kpi_ratio ratios[KPI_RATIOS];
    kpi_cell_clear(&cell);
    for (size_t i = 0; i < COUNT; i++) {
        struct call_record *r = record_of(&ATTEMPTS[i]);
        cell_of(r, &cell);
        record_free(r);
    }
    kpi_ratios(&cell, ratios);
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        const struct kpi_ratio *found = NULL;
        for (unsigned k = 0; k < KPI_RATIOS; k++)
            if (strcmp(ratios[k].name, EXPECTED[i].name) == 0)
                found = &ratios[k];
        cr_assert_not_null(found);
        cr_expect_eq(found->numerator, EXPECTED[i].numerator, "%s: %d", found->name, (int)found->numerator);
        cr_expect_eq(found->denominator, EXPECTED[i].denominator, "%s: of %d", found->name, (int)found->denominator);
    }
}

Test(kpi_clauses, what_is_no_attempt_is_counted_apart)
{
    static struct kpi_cell cell;
    struct attempt a = ATTEMPTS[0];
    struct call_record *r = record_of(&a);
    kpi_cell_clear(&cell);
    r->processed_us = 0; /* the INVITE was not seen */
    cell_of(r, &cell);
    cr_expect_eq(cell.counts[KPI_PARTIAL], 1);
    r->processed_us = r->started_us;
    r->outcome = "rejected"; /* asked for credentials, and that was the last of it */
    r->end_reason = "rejected";
    r->sip_code = 401;
    cell_of(r, &cell);
    cr_expect_eq(cell.counts[KPI_CHALLENGED], 1);
    r->outcome = "lost"; /* still ringing when we stopped */
    r->end_reason = "cut";
    r->sip_code = 0;
    cell_of(r, &cell);
    cr_expect_eq(cell.counts[KPI_UNFINISHED], 1);
    cr_expect_eq(cell.counts[KPI_ATTEMPTS], 0);
    cr_expect_eq(cell.codes.used, 0);
    struct kpi_ratio ratios[KPI_RATIOS];
    kpi_ratios(&cell, ratios);
    for (unsigned i = 0; i < KPI_RATIOS; i++)
        cr_expect(isnan(kpi_ratio_value(&ratios[i])), "%s: no denominator, no ratio", ratios[i].name);
    record_free(r);
}

Test(kpi_clauses, early_rows_and_other_kinds_are_not_counted)
{
    struct kpi_rules rules;
    struct kpi_sample sample;
    struct call_record *r = record_of(&ATTEMPTS[0]);
    kpi_rules_defaults(&rules);
    cr_expect(kpi_sample_of(&rules, r, &sample));
    r->final = false;
    cr_expect_not(kpi_sample_of(&rules, r, &sample));
    r->final = true;
    r->kind = "orphan";
    cr_expect_not(kpi_sample_of(&rules, r, &sample));
    r->kind = "call";
    r->state = "answered";
    cr_expect_not(kpi_sample_of(&rules, r, &sample));
    record_free(r);
}

Test(kpi_clauses, ner_follows_the_configured_codes)
{
    struct kpi_rules rules;
    struct kpi_sample sample;
    kpi_rules_defaults(&rules);
    cr_assert_eq(kpi_rules_codes(&rules, "404, 486"), 0);
    for (size_t i = 0; i < COUNT; i++) {
        struct call_record *r = record_of(&ATTEMPTS[i]);
        cr_assert(kpi_sample_of(&rules, r, &sample));
        bool effective = sample.counts >> KPI_EFFECTIVE & 1;
        if (r->sip_code == 404 && r->q850_cause == 0)
            cr_expect(effective);
        if (r->sip_code == 603)
            cr_expect_not(effective);
        record_free(r);
    }
    cr_expect_eq(kpi_rules_codes(&rules, "4O4"), ERR_INVALID);
    cr_expect_eq(kpi_rules_codes(&rules, "200"), ERR_INVALID);
    cr_expect_eq(kpi_rules_causes(&rules, "0"), ERR_INVALID);
    cr_expect_eq(rules.ner_code_count, 2);
    cr_expect_eq(kpi_rules_prefixes(&rules, "+49,0041 00"), 0);
    cr_expect_eq(rules.prefix_count, 3);
    cr_expect_eq(kpi_rules_prefixes(&rules, "+"), ERR_INVALID);
    cr_expect_eq(kpi_rules_prefixes(&rules, "+4x"), ERR_INVALID);
    cr_expect_eq(rules.prefix_count, 3);
}

/* 4.1, 4.2 */
Test(kpi_clauses, registrations)
{
    static const struct {
        bool success;
        unsigned code;
        double rrd_ms;
        bool counts, failed;
    } REGISTRATIONS[] = {
        {true, 200, 12.5, true, false},   {true, 200, 100, true, false},   {false, 403, NAN, true, true},
        {false, 404, NAN, true, true},    {false, 500, NAN, true, true},   {false, 503, NAN, true, true},
        {false, 600, NAN, true, true},    {false, 0, NAN, true, true}, /* Timer F */
        {false, 408, NAN, true, true},    {false, 401, NAN, false, false}, {false, 407, NAN, false, false},
        {false, 423, NAN, false, false}, {false, 302, NAN, true, false},
    };
    static struct kpi_cell cell;
    uint64_t all = 0, failed = 0;
    kpi_cell_clear(&cell);
    for (size_t i = 0; i < sizeof REGISTRATIONS / sizeof REGISTRATIONS[0]; i++) {
        kpi_add_registration(&cell, REGISTRATIONS[i].success, REGISTRATIONS[i].code, REGISTRATIONS[i].rrd_ms);
        all += REGISTRATIONS[i].counts;
        failed += REGISTRATIONS[i].failed;
    }
    cr_expect_eq(cell.counts[KPI_REGISTRATIONS], all);
    cr_expect_eq(cell.counts[KPI_REGISTRATIONS_FAILED], failed);
    cr_expect_eq(cell.counts[KPI_REGISTRATIONS_CHALLENGED], 3);
    cr_expect_eq(cell.delays[KPI_DELAY_RRD].count, 2);
    cr_expect_eq(cell.delays[KPI_DELAY_RRD].sum_us, 112500);
}

/* ---- cells ---- */

static struct kpi_sample talk_of(int64_t us)
{
    struct kpi_sample s = {.standing = KPI_IS_ATTEMPT, .counts = 1};
    for (unsigned i = 0; i < KPI_DELAY_COUNT; i++)
        s.delay_us[i] = -1;
    s.delay_us[KPI_DELAY_TALK] = us;
    return s;
}

Test(kpi_cell, quantiles_are_within_the_promised_error)
{
    static struct kpi_cell cell;
    for (int64_t us = 1; us < INT64_C(86400000000); us = us * 21 / 20 + 1) {
        kpi_cell_clear(&cell);
        struct kpi_sample s = talk_of(us), far = talk_of(us * 2), zero = talk_of(0);
        kpi_add(&cell, &zero);
        kpi_add(&cell, &s);
        kpi_add(&cell, &far);
        double found = kpi_quantile_ms(&cell.delays[KPI_DELAY_TALK], 0.5) * 1000;
        double error = fabs(found - (double)us), allowed = fmax((double)us / 32, 50);
        cr_assert_leq(error, allowed, "%lld us: %f", (long long)us, found);
    }
}

Test(kpi_cell, merging_and_packing_lose_nothing)
{
    static struct kpi_cell whole, half[2], back;
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    for (unsigned i = 0; i < COUNT; i++) {
        struct call_record *r = record_of(&ATTEMPTS[i]);
        cell_of(r, &whole);
        cell_of(r, &half[i % 2]);
        record_free(r);
    }
    kpi_merge(&half[0], &half[1]);
    cr_assert_eq(memcmp(&whole, &half[0], sizeof whole), 0);
    struct pack out = pack_writer(&bytes);
    kpi_cell_pack(&out, &whole);
    struct pack in = pack_reader(buf_view(&bytes), NULL);
    kpi_cell_pack(&in, &back);
    cr_assert_not(in.failed);
    cr_assert_eq(memcmp(&whole, &back, sizeof whole), 0);
    for (size_t n = 0; n < bytes.size; n++) { /* cut anywhere: refused or shorter, never out of bounds */
        in = pack_reader(slice_of(bytes.data, n), NULL);
        kpi_cell_clear(&back);
        kpi_cell_pack(&in, &back);
    }
    buf_fini(&bytes);
}

/* Damage may say so much as a number holds. */
Test(kpi_cell, more_buckets_than_there_are_is_damage)
{
    static struct kpi_cell back;
    uint64_t some = 1;
    int64_t us = 100;
    uint32_t none = 0, one = 1, most = UINT32_MAX;
    struct buf bytes;
    buf_init(&bytes, 64);
    struct pack out = pack_writer(&bytes);
    pack_u32(&out, &none); /* counts */
    pack_u32(&out, &one);  /* of one delay */
    pack_u64(&out, &some);
    for (int i = 0; i < 3; i++)
        pack_i64(&out, &us);
    pack_u32(&out, &most);
    struct pack in = pack_reader(buf_view(&bytes), NULL);
    kpi_cell_clear(&back);
    kpi_cell_pack(&in, &back);
    cr_expect(in.failed);
    buf_fini(&bytes);
}

/* 100 calls, 1.02 to 3.00 of them narrowband, one wideband, one without a score; and what a row of a version before has. */
Test(kpi_cell, scores_stand_apart_by_scale_and_older_rows_have_none)
{
    static struct kpi_cell cell, back;
    struct buf bytes;
    struct record_stream streams[3] = {{.media_type = "audio", .expected = 100, .lost = 4}, {.media_type = "video", .expected = 900, .lost = 900}, {.media_type = "audio", .expected = 100}};
    kpi_cell_clear(&cell);
    for (unsigned i = 0; i < 102; i++) {
        struct call_record *r = record_of(&ATTEMPTS[0]);
        r->mos_min = i < 100 ? 1.02 + 0.02 * i : i == 100 ? 4.4 : NAN;
        r->mos_scale = i < 100 ? "NB" : i == 100 ? "WB" : NULL;
        r->stream_count = 3;
        r->streams = streams;
        cell_of(r, &cell);
        r->stream_count = 0;
        record_free(r);
    }
    cr_expect_eq(cell.scores[0].count, 100);
    cr_expect_float_eq(kpi_mos_mean(&cell.scores[0]), 2.01, 1e-9);
    cr_expect_float_eq(kpi_mos_quantile(&cell.scores[0], 0.05), 1.10, 0.0251);
    cr_expect_float_eq(kpi_mos_quantile(&cell.scores[0], 0.5), 2.00, 0.0251);
    cr_expect_float_eq(kpi_mos_quantile(&cell.scores[1], 0.05), 4.4, 0.0251);
    cr_expect(isnan(kpi_mos_mean(&cell.scores[2])) && isnan(kpi_mos_quantile(&cell.scores[2], 0.5)));
    cr_expect(cell.packets_expected == 102 * 200 && cell.packets_lost == 102 * 4, "of sound alone");
    buf_init(&bytes, 1 << 20);
    struct pack out = pack_writer(&bytes);
    kpi_cell_pack(&out, &cell);
    struct pack in = pack_reader(buf_view(&bytes), NULL);
    kpi_cell_clear(&back);
    kpi_cell_pack(&in, &back);
    cr_assert(!in.failed && memcmp(&cell, &back, sizeof cell) == 0);
    cell.packets_expected = cell.packets_lost = 0; /* these and three counts of nought are five bytes at the end */
    memset(cell.scores, 0, sizeof cell.scores);
    buf_clear(&bytes);
    out = pack_writer(&bytes);
    kpi_cell_pack(&out, &cell);
    in = pack_reader(slice_of(bytes.data, bytes.size - 5), NULL);
    kpi_cell_clear(&back);
    kpi_cell_pack(&in, &back);
    cr_assert(!in.failed && memcmp(&cell, &back, sizeof cell) == 0);
    buf_fini(&bytes);
}

Test(kpi_cell, a_tally_that_is_full_says_how_many_others)
{
    static struct kpi_cell cell;
    kpi_cell_clear(&cell);
    for (unsigned code = 300; code < 400; code++) {
        struct kpi_sample s = talk_of(-1);
        s.code = (uint16_t)code;
        kpi_add(&cell, &s);
    }
    cr_assert_eq(cell.codes.used, KPI_CODES_MAX);
    cr_assert_eq(cell.codes.other, 100 - KPI_CODES_MAX);
}

Test(kpi_load, a_second_counts_every_call_that_touches_it)
{
    struct kpi_load load = {0};
    struct kpi_sample a = {.start_us = T0_US + 900000, .end_us = T0_US + 1100000};
    struct kpi_sample b = {.start_us = T0_US - 5000000, .end_us = T0_US + 70000000};
    struct kpi_sample c = {.start_us = T0_US + 2000000, .end_us = T0_US + 2000000};
    kpi_load_add(&load, T0_US, &a);
    kpi_load_add(&load, T0_US, &b);
    kpi_load_add(&load, T0_US, &c);
    cr_expect_eq(load.active[0], 2);
    cr_expect_eq(load.active[1], 2);
    cr_expect_eq(load.active[2], 2);
    cr_expect_eq(load.active[3], 1);
    cr_expect_eq(load.active[59], 1);
    cr_expect_eq(load.started[0], 1);
    cr_expect_eq(load.started[2], 1);
    cr_expect_eq(kpi_load_started(&load), 1);
    cr_expect_eq(kpi_load_concurrent(&load), 2);
}
