/* Parts and tracks: how they are named, kept and found. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/unit/storage/record_help.h"

static struct store *store;
static struct store_reader *reader;
static struct counters *counters;
static char dir[HELP_DIR_SIZE];

static void open_store(void)
{
    help_store_begin(dir, &counters, &store, &reader);
}

static void close_store(void)
{
    help_store_end(dir, counters, store, reader);
}

TestSuite(record_files, .init = open_store, .fini = close_store, .timeout = 60);

Test(record_files, ids_name_one_file_each)
{
    struct call_record *r = record_new();
    struct record_file parts[3] = {{.kind = "part", .number = 1},
                                   {.kind = "part", .number = 2},
                                   {.kind = "part", .number = 13}};
    struct record_file tracks[2] = {{.kind = "track", .number = 2}, {.kind = "mix"}};
    const char *const ids[] = {"r", "r-p2", "r-p13", "u-t2", "u-mix"};
    char id[RECORD_FILE_ID_SIZE];
    snprintf(r->uid, sizeof r->uid, "u");
    snprintf(r->recording.id, sizeof r->recording.id, "r");
    r->recording.files = (struct record_files){3, parts};
    r->tracks = (struct record_files){2, tracks};
    for (unsigned i = 0; i < 5; i++) {
        const struct record_file *wanted = i < 3 ? &parts[i] : &tracks[i - 3];
        record_file_id(r, wanted, id);
        cr_expect_str_eq(id, ids[i]);
        cr_expect_eq(record_file_find(r, ids[i]), wanted);
    }
    cr_expect_null(record_file_find(r, "r-p3"));
    cr_expect_null(record_file_find(r, "u-t1"));
    cr_expect_null(record_file_find(r, "v-mix"));
    cr_expect_null(record_file_find(r, ""));
    record_free(r);
}

static void put_group(uint64_t seed, const char *group, uint32_t tracks)
{
    struct call_record *r = help_record(seed);
    snprintf(r->related.group_id, sizeof r->related.group_id, "%s", group);
    help_files(r, &r->tracks, tracks);
    for (uint32_t i = 0; i < tracks; i++)
        snprintf(r->tracks.items[i].uid, sizeof r->tracks.items[i].uid, "call-%u", i);
    cr_assert_eq(store_put_call(store, r), 0);
    if (tracks)
        cr_assert_eq(store_put_tracks(store, r->uid, r->started_us, &r->tracks), 0);
    cr_assert_eq(store_commit(store), 0);
    struct call_record *back;
    cr_assert_eq(store_call(reader, r->uid, &back), 0);
    cr_assert_null(help_files_differ(&r->tracks, &back->tracks));
    cr_assert_null(help_record_differs(r, back, true));
    record_free(back);
    record_free(r);
}

struct found {
    unsigned count;
    uint32_t tracks;
};

static void take(void *context, const struct call_record *r)
{
    struct found *f = context;
    f->count++;
    f->tracks += r->tracks.count;
}

static struct found tracks_of_call(const char *group, const char *uid, int days_away)
{
    struct found f = {0};
    struct call_record *r = record_new();
    r->started_us = HELP_T0_US + days_away * INT64_C(86400000000);
    snprintf(r->uid, sizeof r->uid, "%s", uid);
    snprintf(r->related.group_id, sizeof r->related.group_id, "%s", group);
    cr_assert_eq(store_tracks(reader, r, take, &f), 0);
    record_free(r);
    return f;
}

static struct found tracks_of(const char *group, const char *uid)
{
    return tracks_of_call(group, uid, 0);
}

/* A file of a day that is no database. */
static void break_day(int days_away)
{
    char path[160], text[CLOCK_TEXT_SIZE];
    clock_day(HELP_T0_US + days_away * INT64_C(86400000000), text);
    snprintf(path, sizeof path, "%s/db/calls-%.8s.db", dir, text);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    for (int i = 0; i < 4096; i++)
        fputc('x', f);
    fclose(f);
}

Test(record_files, tracks_are_looked_for_in_the_days_around_the_call)
{
    put_group(1, "first", 3);
    break_day(-5);
    break_day(7);
    cr_expect_eq(tracks_of_call("first", "call-2", -1).tracks, 3, "ended the next day");
    cr_expect_eq(tracks_of_call("first", "call-2", 1).tracks, 3, "began the day before");
    cr_expect_eq(tracks_of_call("first", "call-2", 2).count, 0);
    cr_expect_eq(tracks_of("other", "call-2").count, 0, "days far away need not be readable");
}

Test(record_files, tracks_are_found_by_the_calls_of_the_conference)
{
    put_group(1, "first", 3);
    put_group(2, "first", 0);
    put_group(3, "second", 2);
    cr_expect_eq(tracks_of("first", "call-2").tracks, 3);
    cr_expect_eq(tracks_of("second", "call-1").tracks, 2);
    cr_expect_eq(tracks_of("second", "call-2").count, 0, "a call that has no track in it");
    cr_expect_eq(tracks_of("third", "call-0").count, 0);
    cr_expect_eq(tracks_of("", "call-0").count, 0, "a call that stands alone");
}
