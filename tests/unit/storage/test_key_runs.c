/* Sorted runs: whatever was added in however many transactions is found by its hash and its time,
 * and the runs stay few. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "storage/key_runs.h"
#include "tests/unit/storage/record_help.h"

#define DAY "20261121"

static char dir[HELP_DIR_SIZE];
static struct db_set *set;

static struct db *day(void)
{
    struct db *db = NULL;
    struct why why = {""};
    cr_assert_eq(db_get(set, DB_CALLS, DAY, &db, &why), 0, "%s", why.text);
    return db;
}

static void setup(void)
{
    struct store *store;
    struct why why = {""};
    struct counters *counters = calloc(1, sizeof *counters);
    crypto_start();
    help_dir_make(dir);
    cr_assert_eq(store_open(dir, counters, &store, &why), 0, "%s", why.text);
    store_close(store);
    free(counters);
    set = calloc(1, sizeof *set);
    snprintf(set->data_dir, sizeof set->data_dir, "%s", dir);
}

static void teardown(void)
{
    db_set_close(set, NULL);
    free(set);
    help_dir_remove(dir);
}

TestSuite(key_runs, .init = setup, .fini = teardown, .timeout = 60);

static uint64_t hash_of(uint64_t n)
{
    return n * UINT64_C(0x9e3779b97f4a7c15) ^ n << 61;
}

static void add(struct db *db, uint64_t hash, int64_t at, int64_t call)
{
    struct key_entry e = {.hash = hash, .started_us = at, .call = call};
    cr_assert_eq(key_runs_add(db, &e), 0);
}

struct found {
    unsigned count, most;
    int64_t call[64];
};

static bool note(void *context, int64_t call)
{
    struct found *f = context;
    f->call[f->count++] = call;
    return f->count < f->most;
}

static struct found find(struct db *db, uint64_t hash, int64_t from, int64_t to)
{
    struct found f = {.most = 64};
    cr_assert_eq(key_runs_find(db, hash, from, to, note, &f), 0);
    return f;
}

static int64_t number(struct db *db, const char *sql)
{
    sqlite3_stmt *statement;
    cr_assert_eq(sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return n;
}

Test(key_runs, all_of_many_transactions_is_found_and_nothing_else)
{
    enum { TRANSACTIONS = 150, EACH = 137 };
    struct db *db = day();
    int64_t call = 0;
    for (unsigned t = 0; t < TRANSACTIONS; t++) {
        cr_assert_eq(db_begin(db), 0);
        for (unsigned i = 0; i < EACH; i++, call++)
            add(db, hash_of((uint64_t)call), 1000 + call, call);
        cr_assert_eq(db_commit(db), 0);
        db->writing = false;
    }
    for (int64_t c = 0; c < call; c++) {
        struct found f = find(db, hash_of((uint64_t)c), 0, INT64_MAX);
        cr_assert_eq(f.count, 1, "%ld is there %u times", (long)c, f.count);
        cr_assert_eq(f.call[0], c);
    }
    cr_expect_eq(find(db, hash_of((uint64_t)call), 0, INT64_MAX).count, 0);
    cr_expect_eq(find(db, 0, 1001, INT64_MAX).count, 0);
    cr_expect_eq(find(db, 1, 0, INT64_MAX).count, 0);
    cr_expect_eq(find(db, UINT64_MAX, 0, INT64_MAX).count, 0);
    cr_expect_leq(number(db, "SELECT count(*) FROM key_runs"), 24);
    cr_expect_eq(number(db, "SELECT sum(length(entries)) FROM key_blocks"), 24 * call);
}

Test(key_runs, one_hash_of_many_calls_is_found_over_all_blocks_within_its_time)
{
    struct db *db = day();
    uint64_t hash = hash_of(7);
    cr_assert_eq(db_begin(db), 0);
    for (int64_t c = 0; c < 2000; c++) {
        add(db, hash, c, c);
        add(db, hash_of(1000 + (uint64_t)c), c, c);
    }
    cr_assert_eq(db_commit(db), 0);
    db->writing = false;
    struct found f = find(db, hash, 1500, 1539);
    cr_assert_eq(f.count, 40);
    for (unsigned i = 0; i < f.count; i++)
        cr_expect_eq(f.call[i], 1500 + i);
    f = (struct found){.most = 5};
    cr_assert_eq(key_runs_find(db, hash, 0, INT64_MAX, note, &f), 0);
    cr_expect_eq(f.count, 5, "enough is enough");
}

Test(key_runs, the_same_entry_again_is_one_in_its_run)
{
    struct db *db = day();
    for (unsigned t = 0; t < 8; t++) { /* eight runs become one */
        cr_assert_eq(db_begin(db), 0);
        add(db, hash_of(1), 5, 5);
        add(db, hash_of(1), 5, 5);
        add(db, hash_of(1), 6, (int64_t)t);
        cr_assert_eq(db_commit(db), 0);
        db->writing = false;
    }
    cr_expect_eq(number(db, "SELECT count(*) FROM key_runs"), 1);
    cr_expect_eq(number(db, "SELECT level FROM key_runs"), 1);
    cr_expect_eq(find(db, hash_of(1), 5, 5).count, 1);
    cr_expect_eq(find(db, hash_of(1), 6, 6).count, 8);
}

Test(key_runs, more_than_memory_holds_are_several_runs_of_one_transaction)
{
    struct db *db = day();
    cr_assert_eq(db_begin(db), 0);
    for (int64_t c = 0; c < 70000; c++)
        add(db, hash_of((uint64_t)c), c, c);
    cr_assert_eq(db_commit(db), 0);
    db->writing = false;
    cr_expect_eq(number(db, "SELECT count(*) FROM key_runs"), 2);
    for (int64_t c = 0; c < 70000; c += 997)
        cr_expect_eq(find(db, hash_of((uint64_t)c), c, c).count, 1);
}

Test(key_runs, a_damaged_block_is_an_error_and_no_crash)
{
    struct db *db = day();
    struct found f = {.most = 64};
    cr_assert_eq(db_begin(db), 0);
    for (int64_t c = 0; c < 1000; c++)
        add(db, hash_of((uint64_t)c), c, c);
    cr_assert_eq(db_commit(db), 0);
    db->writing = false;
    cr_assert_eq(
        sqlite3_exec(db->handle, "UPDATE key_blocks SET entries = x'0102'", NULL, NULL, NULL),
        SQLITE_OK);
    cr_expect_lt(key_runs_find(db, hash_of(1), 0, INT64_MAX, note, &f), 0);
    cr_assert_eq(sqlite3_exec(db->handle, "DELETE FROM key_blocks", NULL, NULL, NULL), SQLITE_OK);
    cr_expect_lt(key_runs_find(db, hash_of(1), 0, INT64_MAX, note, &f), 0);
}
