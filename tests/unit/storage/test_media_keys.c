/* Keys of SRTP go with the media that they open, no sooner: not while the call goes on, not while
 * somebody is to make a recording of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/storage/record_help.h"

#define HOUR_US INT64_C(3600000000)
#define AGE_US  (10 * HOUR_US)
#define NOW_US                                                                                     \
    (HELP_T0_US + 20 * HOUR_US) /* what began at HELP_T0_US is old, an hour ago it is not */

static char dir[HELP_DIR_SIZE];
static struct counters *counters;
static struct store *store;
static struct store_reader *reader;

static void setup(void)
{
    help_store_begin(dir, &counters, &store, &reader);
}

static void teardown(void)
{
    help_store_end(dir, counters, store, reader);
}

TestSuite(media_keys, .init = setup, .fini = teardown, .timeout = 60);

static void put_keys(unsigned n, int64_t started_us)
{
    struct call_record *r = help_call(n, started_us);
    r->secrets.items = arena_alloc(r->arena, sizeof *r->secrets.items);
    memset(r->secrets.items, 7, sizeof *r->secrets.items);
    r->secrets.count = 1;
    cr_assert_eq(store_put_media_keys(store, r->uid, r->started_us, &r->secrets), 0);
    record_free(r);
}

static void put_call(unsigned n, int64_t started_us, bool open)
{
    struct call_record *r = help_call(n, started_us);
    r->final = !open;
    r->state = open ? "answered" : "ended";
    cr_assert_eq(store_put_call(store, r), 0);
    record_free(r);
}

static bool has_keys(unsigned n)
{
    struct call_record *r = help_call(n, HELP_T0_US);
    cr_assert_eq(store_media_keys(reader, r), 0);
    bool has = r->secrets.count > 0;
    record_free(r);
    return has;
}

/* As the housekeeping does. */
static void drop(void)
{
    int64_t before_us = 0;
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_spool_begins(reader, NOW_US, AGE_US, &before_us), 0);
    cr_assert_eq(store_drop_media_keys(store, before_us), 0);
    cr_assert_eq(store_commit(store), 0);
}

Test(media_keys, go_with_the_spool_when_nobody_needs_them)
{
    put_keys(1, HELP_T0_US);
    put_call(1, HELP_T0_US, false);
    put_keys(2, NOW_US - HOUR_US);
    drop();
    cr_expect_not(has_keys(1));
    cr_expect(has_keys(2), "it is young");
}

Test(media_keys, stay_while_their_call_goes_on)
{
    put_keys(1, HELP_T0_US);
    put_call(1, HELP_T0_US, true);
    drop();
    cr_expect(has_keys(1));
    put_call(1, HELP_T0_US, false);
    drop();
    cr_expect_not(has_keys(1));
}

Test(media_keys, stay_while_a_job_waits_even_when_it_came_after_the_look)
{
    struct call_record *r = help_call(1, HELP_T0_US);
    put_keys(1, HELP_T0_US);
    cr_assert_eq(store_put_job(store, "render", r->uid, HELP_T0_US), 0);
    drop();
    cr_expect(has_keys(1));
    cr_assert_eq(store_drop_media_keys(store, NOW_US), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_expect(has_keys(1), "whatever age is said");
    cr_assert_eq(store_end_job_for(store, "render", r->uid), 0);
    drop();
    cr_expect_not(has_keys(1));
    record_free(r);
}

Test(media_keys, go_with_a_recording_that_is_deleted_before_it_was_made)
{
    struct call_record *r = help_call(1, HELP_T0_US);
    put_keys(1, HELP_T0_US);
    put_call(1, HELP_T0_US, false);
    cr_assert_eq(store_put_job(store, "render", r->uid, HELP_T0_US), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_delete_recording(store, r, NOW_US, "request"), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_expect_not(has_keys(1));
    record_free(r);
}

/* One batch: a file beside one call is done, another call is rendered, and the first is to be done once more. */
Test(media_keys, go_though_another_end_of_the_batch_is_taken_back)
{
    struct call_record *noted = help_call(1, HELP_T0_US), *rendered = help_call(2, HELP_T0_US);
    put_keys(2, HELP_T0_US);
    cr_assert_eq(store_put_job(store, "render", rendered->uid, HELP_T0_US), 0);
    cr_assert_eq(store_put_job(store, STORE_SIDECAR_JOB, noted->uid, HELP_T0_US), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_end_job_for(store, STORE_SIDECAR_JOB, noted->uid), 0);
    cr_assert_eq(store_end_job_for(store, "render", rendered->uid), 0);
    cr_assert_eq(store_end_media_keys(store, rendered->uid), 0);
    cr_assert_eq(store_put_job(store, STORE_SIDECAR_JOB, noted->uid, HELP_T0_US), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_expect_not(has_keys(2));
    record_free(noted);
    record_free(rendered);
}

Test(media_keys, of_calls_that_a_crash_cut_go_when_nothing_is_recovered_of_them)
{
    struct call_record *without_row = help_call(2, HELP_T0_US), *recovered = help_call(3, HELP_T0_US);
    for (unsigned n = 1; n <= 4; n++)
        put_keys(n, HELP_T0_US);
    put_call(1, HELP_T0_US, true);
    cr_assert_eq(store_put_job(store, STORE_OPEN_JOB, without_row->uid, HELP_T0_US), 0);
    cr_assert_eq(store_put_job(store, STORE_OPEN_JOB, recovered->uid, HELP_T0_US), 0);
    cr_assert_eq(store_put_job(store, "render", recovered->uid, HELP_T0_US), 0);
    put_call(4, HELP_T0_US, false); /* its conference goes on */
    cr_assert_eq(store_end_open_calls(store, NULL), 0);
    cr_expect_not(has_keys(1), "its row was open");
    cr_expect_not(has_keys(2), "its row had given way");
    cr_expect(has_keys(3), "its recording is to be made");
    cr_expect(has_keys(4), "its tracks may be");
    record_free(without_row);
    record_free(recovered);
}
