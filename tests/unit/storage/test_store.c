/* The store's promises: every field comes back; lists filter, order and page right over days;
 * readers see what was committed, at once; a crash costs at most the transaction under way. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "tests/unit/storage/record_help.h"

static char dir[HELP_DIR_SIZE];
static struct counters *counters;
static struct store *store;
static struct store_reader *reader;

static void setup(void)
{
    struct why why = {""};
    crypto_start();
    help_dir_make(dir);
    counters = calloc(1, sizeof *counters);
    cr_assert_eq(store_open(dir, counters, &store, &why), 0, "%s", why.text);
    cr_assert_eq(store_reader_open(dir, &reader), 0);
}

static void teardown(void)
{
    store_reader_close(reader);
    store_close(store);
    help_dir_remove(dir);
    free(counters);
}

TestSuite(store, .init = setup, .fini = teardown, .timeout = 60);

static void put(struct call_record *r)
{
    cr_assert_eq(store_put_call(store, r), 0);
    record_free(r);
}

struct seen {
    unsigned count;
    char uid[64][40];
};

static void note(void *context, const struct call_record *r)
{
    struct seen *seen = context;
    snprintf(seen->uid[seen->count++ % 64], 40, "%s", r->uid);
}

static struct seen list(const struct store_query *q, bool *more)
{
    struct seen seen = {0};
    bool ignored;
    cr_assert_eq(store_calls(reader, q, note, &seen, more ? more : &ignored), 0);
    return seen;
}

Test(store, gives_back_every_field)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct call_record *r = help_record(seed), *back = NULL;
        cr_assert_eq(store_put_call(store, r), 0);
        cr_assert_eq(store_commit(store), 0);
        cr_assert_eq(store_call(reader, r->uid, &back), 0);
        const char *field = help_record_differs(r, back, true);
        cr_assert_null(field, "seed %d: %s", (int)seed, field);
        record_free(back);
        char id[40];
        snprintf(id, sizeof id, "rec-%d", (int)seed);
        cr_assert_eq(store_recording(reader, id, &back), 0);
        cr_assert_str_eq(back->uid, r->uid);
        record_free(back);
        record_free(r);
    }
}

Test(store, gives_back_an_empty_record)
{
    struct call_record *r = record_new(), *back;
    snprintf(r->uid, sizeof r->uid, "x");
    r->started_us = HELP_T0_US;
    cr_assert_eq(store_put_call(store, r), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_call(reader, "x", &back), 0);
    cr_assert_null(help_record_differs(r, back, true));
    cr_assert_eq(store_call(reader, "y", &back), ERR_NOT_FOUND);
    record_free(back);
    record_free(r);
}

Test(store, lists_an_ended_call_as_soon_as_it_is_committed)
{
    struct store_query q;
    store_query_defaults(&q);
    put(help_call(1, HELP_T0_US));
    cr_assert_eq(list(&q, NULL).count, 0);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(list(&q, NULL).count, 1);
}
