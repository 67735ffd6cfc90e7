/* A day that goes in pieces and is stopped between them. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/retention_do.h"

#define START_US INT64_C(1700000000000000)
#define CALLS    200 /* more than a piece */

struct scene {
    char dir[64];
    struct counters_set *counters;
    struct writer *writer;
    bool over, other; /* what is_over and other_terms say */
};

static void put_call(struct store *store, unsigned n)
{
    struct call_record *r = record_new();
    snprintf(r->uid, sizeof r->uid, "call %u", n);
    r->kind = "call";
    r->state = "ended";
    r->final = true;
    r->started_us = START_US + n;
    if (n == 0) { /* keeps the day */
        snprintf(r->import.id, sizeof r->import.id, "a");
        r->import.at_us = 2 * START_US;
    }
    cr_assert_eq(store_put_call(store, r), 0);
    record_free(r);
}

static void scene_open(struct scene *s)
{
    struct store *store;
    struct why why = {0};
    const struct writer_config config = {.commit_interval_ms = 1};
    *s = (struct scene){.dir = "/tmp/test_retention_do_XXXXXX"};
    cr_assert_not_null(mkdtemp(s->dir));
    s->counters = counters_set_new();
    cr_assert_eq(store_open(s->dir, counters_block(s->counters), &store, &why), 0, "%s", why.text);
    for (unsigned n = 0; n <= CALLS; n++)
        put_call(store, n);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(writer_start(&config, store, counters_block(s->counters), &s->writer, &why), 0);
}

static void scene_close(struct scene *s)
{
    char command[120];
    writer_stop(s->writer);
    counters_set_free(s->counters);
    snprintf(command, sizeof command, "rm -r %s", s->dir);
    cr_assert_eq(system(command), 0);
}

static bool is_over(void *context)
{
    return ((struct scene *)context)->over;
}

static bool other_terms(void *context)
{
    return ((struct scene *)context)->other;
}

/* What it gave back. */
static uint64_t drop(struct scene *s)
{
    const struct retention_hands hands = {
        .data_dir = s->dir, .writer = s->writer, .actor = "system", .is_over = is_over, .other_terms = other_terms, .context = s};
    struct retention_item item = {.class = RETAIN_CALLS,
                                  .reason = RETAIN_AGE,
                                  .object = "calls-20231114",
                                  .since_us = START_US,
                                  .files = 1,
                                  .bytes = 1000,
                                  .imported_since_us = 1};
    uint64_t bytes = 7;
    cr_assert_eq(retention_do(&hands, &item, 1, &bytes), 0);
    return bytes;
}

struct found {
    unsigned jobs, rows, calls;
};

static void note_job(void *context, const struct store_job *job)
{
    ((struct found *)context)->jobs += strcmp(job->kind, "delete") == 0;
}

static void note_row(void *context, const struct store_deletion *d)
{
    (void)d;
    ((struct found *)context)->rows++;
}

static void note_call(void *context, const struct call_record *r)
{
    (void)r;
    ((struct found *)context)->calls++;
}

static struct found look(struct scene *s)
{
    struct store_reader *reader;
    struct store_query q;
    struct found f = {0};
    bool more;
    store_query_defaults(&q);
    q.any_kind = true;
    q.limit = CALLS + 1;
    q.to_us = INT64_MAX;
    cr_assert_eq(store_reader_open(s->dir, &reader), 0);
    cr_assert_eq(store_jobs(reader, note_job, &f), 0);
    cr_assert_eq(store_deletions(reader, 0, INT64_MAX, 8, note_row, &f), 0);
    cr_assert_eq(store_calls(reader, &q, note_call, &f, &more), 0);
    store_reader_close(reader);
    return f;
}

Test(retention_do, a_day_that_is_left_keeps_its_job_and_counts_once_it_has_gone, .timeout = 60)
{
    struct scene s;
    scene_open(&s);
    s.over = true;
    cr_expect_eq(drop(&s), 0, "it is not done");
    struct found f = look(&s);
    cr_expect(f.jobs == 1 && f.rows == 1, "%u jobs, %u rows", f.jobs, f.rows);
    cr_expect(f.calls > 1 && f.calls <= CALLS, "%u calls", f.calls);
    s.over = false;
    cr_expect_eq(drop(&s), 1000);
    f = look(&s);
    cr_expect(f.jobs == 0 && f.rows == 1 && f.calls == 1, "%u jobs, %u rows, %u calls", f.jobs, f.rows, f.calls);
    scene_close(&s);
}

Test(retention_do, the_rest_of_a_day_stays_by_terms_that_were_put_meanwhile, .timeout = 60)
{
    struct scene s;
    scene_open(&s);
    s.over = s.other = true;
    cr_expect_eq(drop(&s), 0);
    struct found f = look(&s);
    cr_expect(f.jobs == 0 && f.rows == 1 && f.calls > 1, "%u jobs: a start would drop what is left", f.jobs);
    scene_close(&s);
}
