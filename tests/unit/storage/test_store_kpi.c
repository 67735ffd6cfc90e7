/* Figures in the store: every finished call is counted once, whenever the program dies and however
 * often a call is written again; they stay when the calls go; levels and loads agree. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "tests/unit/storage/record_help.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define CALLS  12

static char dir[HELP_DIR_SIZE];
static struct counters *counters;

static void setup(void)
{
    crypto_start();
    help_dir_make(dir);
    counters = calloc(1, sizeof *counters);
}

static void teardown(void)
{
    help_dir_remove(dir);
    free(counters);
}

TestSuite(store_kpi, .init = setup, .fini = teardown, .timeout = 60);

static struct store *open_store(uint32_t cells_max)
{
    struct kpi_book_config config = {.cells_max = cells_max};
    struct store *s;
    struct why why = {""};
    kpi_rules_defaults(&config.rules);
    cr_assert_eq(store_open(dir, counters, &s, &why), 0, "%s", why.text);
    cr_assert_eq(store_kpi_open(s, &config), 0);
    return s;
}

/* Call n begins n minutes after 10:00 and was answered for n + 1 s after 2 s. */
static struct call_record *call(unsigned n)
{
    struct call_record *r = help_call(n, HELP_T0_US + (int64_t)n * MINUTE);
    r->kind = "call";
    r->state = "ended";
    r->outcome = "answered";
    r->end_reason = "bye";
    r->released_by = "caller";
    r->direction = n % 2 ? "in" : "out";
    r->final = true;
    r->sip_code = 200;
    r->processed_us = r->started_us;
    r->ringing_us = r->progress_us = r->started_us + SECOND;
    r->answered_us = r->started_us + 2 * SECOND;
    r->acked_us = r->answered_us + 1000;
    r->bye_us = r->ended_us = r->answered_us + (int64_t)(n + 1) * SECOND;
    r->disconnect_delay_ms = 5;
    r->post_dial_delay_ms = 1000;
    return r;
}

static void put(struct store *s, struct call_record *r)
{
    cr_assert_eq(store_put_call(s, r), 0);
    record_free(r);
}

struct sum {
    struct kpi_cell cell;
    unsigned rows;
    uint32_t concurrent, started;
};

static void add(void *context, const struct store_kpi_row *row)
{
    struct sum *sum = context;
    kpi_merge(&sum->cell, row->cell);
    sum->rows++;
    sum->concurrent = row->concurrent_max > sum->concurrent ? row->concurrent_max : sum->concurrent;
    sum->started = row->started_max > sum->started ? row->started_max : sum->started;
}

static void read_all(enum store_kpi_level level, const char *kind, struct sum *sum)
{
    struct store_reader *reader;
    memset(sum, 0, sizeof *sum);
    cr_assert_eq(store_reader_open(dir, &reader), 0);
    cr_assert_eq(store_kpi(reader, level, kind, 0, INT64_MAX, add, sum), 0);
    store_reader_close(reader);
}

static void expect(unsigned calls)
{
    static struct sum sum;
    static const char *const kinds[] = {"", "direction", "codec"};
    for (unsigned level = 0; level < STORE_KPI_LEVELS; level++) {
        for (unsigned i = 0; i < 3; i++) {
            read_all((enum store_kpi_level)level, kinds[i], &sum);
            cr_assert_eq(sum.cell.counts[KPI_ATTEMPTS], calls, "level %u \"%s\": %d of %u", level,
                         kinds[i], (int)sum.cell.counts[KPI_ATTEMPTS], calls);
            cr_assert_eq(sum.cell.delays[KPI_DELAY_TALK].sum_us,
                         (int64_t)calls * (calls + 1) / 2 * SECOND);
        }
    }
}

Test(store_kpi, all_levels_and_dimensions_hold_the_same_calls)
{
    static struct sum sum;
    struct store *s = open_store(0);
    for (unsigned n = 0; n < CALLS; n++) {
        put(s, call(n));
        if (n % 5 == 4)
            cr_assert_eq(store_kpi_flush(s), 0);
    }
    store_close(s);
    expect(CALLS);
    read_all(STORE_KPI_MINUTE, "", &sum);
    cr_assert_eq(sum.rows, CALLS);
    read_all(STORE_KPI_QUARTER, "", &sum);
    cr_assert_eq(sum.rows, 1);
    read_all(STORE_KPI_DAY, "direction", &sum);
    cr_assert_eq(sum.rows, 2);
    read_all(STORE_KPI_DAY, "trunk", &sum);
    cr_assert_eq(sum.rows, 0);
}

/* Names of codecs come from whoever calls: a thousand of them are one row. */
Test(store_kpi, codecs_are_those_of_a_list_and_others)
{
    static const struct {
        const char *text, *group;
    } CASES[] = {{"PCMA", "codec:PCMA"}, {"pcma", "codec:PCMA"}, {"OPUS", "codec:opus"}, {"", "codec:none"}, {"x-mine-1", "codec:other"},
                 {"a name that is longer than any name of a dimension can be", "codec:other"}};
    char names[KPI_DIMENSIONS_MAX][KPI_NAME_SIZE];
    struct kpi_rules rules;
    kpi_rules_defaults(&rules);
    (void)kpi_rules_prefixes(&rules, "+49");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct call_record *r = call(1);
        r->codec = help_text(r->arena, CASES[i].text);
        r->trunk = r->site = help_text(r->arena, "a");
        cr_assert_eq(kpi_dimensions(&rules, r, names), KPI_DIMENSIONS_MAX, "all that a call can have");
        cr_assert_str_eq(names[KPI_DIMENSIONS_MAX - 1], CASES[i].group);
        record_free(r);
    }
}

/* What a program does that dies after `steps` of its steps; then nothing more of it is heard. */
static void live_and_die(unsigned steps)
{
    struct store *s = open_store(0);
    for (unsigned i = 0; i < steps; i++) {
        unsigned n = i / 3;
        switch (i % 3) {
        case 0: {
            struct call_record *early = call(n); /* its early row, then the last one */
            early->final = false;
            store_put_call(s, early);
            early->final = true;
            if (n % 4 != 3) /* every fourth dies without one */
                store_put_call(s, early);
            record_free(early);
            break;
        }
        case 1:
            store_commit(s);
            break;
        default:
            if (n % 2)
                store_kpi_flush(s);
        }
    }
    _exit(0);
}

Test(store_kpi, a_call_is_counted_once_wherever_the_program_dies)
{
    for (unsigned steps = 0; steps <= 3 * CALLS; steps++) {
        int status = 1;
        pid_t pid = fork();
        if (pid == 0)
            live_and_die(steps);
        waitpid(pid, &status, 0);
        cr_assert_eq(status, 0);
        struct store *s = open_store(0);
        cr_assert_eq(store_kpi_adopt(s), 0);
        for (unsigned n = 0; n < CALLS; n++) /* the spool is replayed, or the capture read again */
            put(s, call(n));
        cr_assert_eq(store_kpi_flush(s), 0);
        expect(CALLS);
        store_close(s);
        expect(CALLS);
        help_dir_remove(dir);
        help_dir_make(dir);
    }
}

Test(store_kpi, rolled_back_calls_are_not_counted)
{
    struct store *s = open_store(0), *again;
    sqlite3 *other;
    char path[300];
    put(s, call(0));
    cr_assert_eq(store_kpi_flush(s), 0);
    snprintf(path, sizeof path, "%s/db/calls-20261121.db", dir);
    put(s, call(1));
    /* a trigger that refuses call 2: the transaction with 1 and 2 goes */
    cr_assert_eq(store_commit(s), 0);
    cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other,
                              "CREATE TRIGGER no BEFORE INSERT ON calls WHEN NEW.duration_ms = 4711"
                              " BEGIN SELECT RAISE(ABORT, 'no'); END",
                              NULL, NULL, NULL),
                 SQLITE_OK);
    struct call_record *refused = call(3);
    refused->duration_ms = 4711;
    put(s, call(2));
    cr_assert_neq(store_put_call(s, refused), 0);
    cr_assert_neq(store_commit(s), 0);
    cr_assert_eq(store_kpi_flush(s), 0);
    expect(2);
    sqlite3_exec(other, "DROP TRIGGER no", NULL, NULL, NULL);
    sqlite3_close(other);
    record_free(refused);
    put(s, call(2));
    store_close(s);
    again = open_store(0);
    store_close(again);
    expect(3);
}

Test(store_kpi, an_early_row_does_not_replace_a_counted_one)
{
    struct store *s = open_store(0), *again;
    struct call_record *early = call(0), *back;
    struct store_reader *reader;
    put(s, call(0));
    cr_assert_eq(store_commit(s), 0);
    store_kpi_adopt(s); /* what the book holds is to be made from the rows */
    early->final = false;
    early->state = "answered";
    cr_assert_eq(store_put_call(s, early), 0);
    cr_assert_eq(store_kpi_flush(s), 0);
    expect(1);
    cr_assert_eq(store_reader_open(dir, &reader), 0);
    cr_assert_eq(store_call(reader, early->uid, &back), 0);
    cr_expect_str_eq(back->state, "ended");
    record_free(back);
    record_free(early);
    store_reader_close(reader);
    store_close(s);
    again = open_store(0);
    store_close(again);
    expect(1);
}

Test(store_kpi, a_full_book_loses_nothing)
{
    struct store *s = open_store(6); /* two minutes of three dimensions */
    for (unsigned n = 0; n < CALLS; n++)
        put(s, call(n));
    cr_assert_eq(store_kpi_flush(s), 0);
    expect(CALLS);
    store_close(s);
}

Test(store_kpi, calls_that_were_imported_are_in_no_figure)
{
    struct store *s = open_store(0);
    for (unsigned n = 0; n < CALLS; n++)
        put(s, call(n));
    for (unsigned n = 0; n < CALLS; n++) {
        struct call_record *r = call(CALLS + n);
        strcpy(r->import.id, "a");
        put(s, r);
    }
    cr_assert_eq(store_kpi_flush(s), 0);
    expect(CALLS);
    store_close(s);
}

Test(store_kpi, figures_stay_when_the_calls_go)
{
    struct store *s = open_store(0);
    for (unsigned n = 0; n < CALLS; n++)
        put(s, call(n));
    cr_assert_eq(store_kpi_flush(s), 0);
    cr_assert_eq(help_drop_days(s, HELP_T0_US + 2 * HELP_DAY_US, 0, 0), 1);
    expect(CALLS);
    store_close(s);
    expect(CALLS);
}

Test(store_kpi, each_level_has_its_own_age)
{
    static struct sum sum;
    struct store *s = open_store(0);
    for (unsigned n = 0; n < CALLS; n++)
        put(s, call(n));
    cr_assert_eq(store_kpi_flush(s), 0);
    int64_t before[STORE_KPI_LEVELS] = {HELP_T0_US + 10 * MINUTE, 0, HELP_T0_US + HELP_DAY_US, 0};
    cr_assert_eq(store_kpi_drop(s, before), 0);
    store_close(s);
    read_all(STORE_KPI_MINUTE, "", &sum);
    cr_assert_eq(sum.cell.counts[KPI_ATTEMPTS], 2);
    read_all(STORE_KPI_QUARTER, "", &sum);
    cr_assert_eq(sum.cell.counts[KPI_ATTEMPTS], CALLS);
    read_all(STORE_KPI_HOUR, "", &sum);
    cr_assert_eq(sum.rows, 0);
    read_all(STORE_KPI_DAY, "", &sum);
    cr_assert_eq(sum.cell.counts[KPI_ATTEMPTS], CALLS);
}

Test(store_kpi, concurrent_calls_meet_over_flushes_and_levels)
{
    static struct sum sum;
    struct store *s = open_store(0);
    for (unsigned n = 0; n < 3; n++) { /* 0 to 180 s, 60 to 240 s, 120 to 300 s */
        struct call_record *r = call(n);
        r->bye_us = r->ended_us = r->started_us + 180 * SECOND;
        put(s, r);
        cr_assert_eq(store_kpi_flush(s), 0);
    }
    for (unsigned level = 0; level < STORE_KPI_LEVELS; level++) {
        read_all((enum store_kpi_level)level, "", &sum);
        cr_assert_eq(sum.concurrent, 3, "level %u: %u", level, sum.concurrent);
        cr_assert_eq(sum.started, 1);
        read_all((enum store_kpi_level)level, "direction", &sum);
        cr_assert_eq(sum.concurrent, 2); /* 0 and 2 go out */
    }
    store_close(s);
}

Test(store_kpi, a_damaged_row_begins_again)
{
    struct store *s = open_store(0);
    sqlite3 *other;
    char path[300];
    put(s, call(0));
    store_close(s);
    snprintf(path, sizeof path, "%s/db/earshot.db", dir);
    cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "UPDATE kpi SET cell = x'ffffffffff'", NULL, NULL, NULL),
                 SQLITE_OK);
    sqlite3_close(other);
    s = open_store(0);
    struct call_record *r = call(1);
    r->started_us = HELP_T0_US; /* the same minute */
    put(s, r);
    cr_assert_eq(store_kpi_flush(s), 0);
    cr_assert_gt(counters->cell[C_KPI_ROWS_DAMAGED], 0);
    store_close(s);
}
