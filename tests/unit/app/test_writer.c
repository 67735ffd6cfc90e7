/* The writer while the disk takes nothing: who frees what, what is kept for later and what becomes
 * of it then. The disk is a layer below SQLite whose writes fail as told. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/decoder/child.h"
#include "app/renderer.h"
#include "app/writer.h"
#include "base/error.h"

#define START_US INT64_C(1700000000000000)

/* ---- a disk ---- */

static struct {
    sqlite3_vfs *real, vfs;
    const sqlite3_io_methods *below[2]; /* of files with locks, and without */
    sqlite3_io_methods ours[2];
    _Atomic bool full, stuck, waiting;
} disk;

static int disk_write(sqlite3_file *f, const void *data, int size, sqlite3_int64 at)
{
    while (atomic_load(&disk.stuck)) {
        atomic_store(&disk.waiting, true);
        usleep(1000);
    }
    const sqlite3_io_methods *below = disk.below[f->pMethods - disk.ours];
    return atomic_load(&disk.full) ? SQLITE_FULL : below->xWrite(f, data, size, at);
}

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags,
                     int *ret_flags)
{
    int rc = disk.real->xOpen(vfs, name, f, flags, ret_flags);
    if (rc == SQLITE_OK) {
        unsigned n = disk.below[0] && disk.below[0] != f->pMethods;
        disk.below[n] = f->pMethods;
        disk.ours[n] = *f->pMethods;
        disk.ours[n].xWrite = disk_write;
        f->pMethods = &disk.ours[n];
    }
    return rc;
}

static void disk_make(void)
{
    if (disk.real)
        return;
    sqlite3_initialize();
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "disk";
    disk.vfs.pNext = NULL;
    disk.vfs.xOpen = disk_open;
    cr_assert_eq(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

/* ---- a writer ---- */

struct scene {
    char dir[64];
    struct counters_set *counters;
    struct writer *writer;
    unsigned unwanted; /* whose files were to go */
    unsigned made;     /* that were told */
};

static void note_unwanted(void *context, const struct call_record *record)
{
    (void)record;
    ((struct scene *)context)->unwanted++;
}

static void note_made(void *context, const struct call_record *record, bool tracks)
{
    (void)record;
    ((struct scene *)context)->made += tracks ? 100 : 1;
}

static void scene_open(struct scene *s)
{
    struct store *store;
    struct why why = {0};
    const struct writer_config config = {
        .commit_interval_ms = 1, .context = s, .rendered = note_made, .unwanted = note_unwanted};
    s->unwanted = s->made = 0;
    disk_make();
    snprintf(s->dir, sizeof s->dir, "/tmp/test_writer_XXXXXX");
    cr_assert_not_null(mkdtemp(s->dir));
    s->counters = counters_set_new();
    cr_assert_eq(store_open(s->dir, counters_block(s->counters), &store, &why), 0, "%s", why.text);
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

static struct call_record *a_call(const char *uid, const char *state)
{
    struct call_record *r = record_new();
    snprintf(r->uid, sizeof r->uid, "%s", uid);
    r->kind = "call";
    r->state = "ended";
    r->final = true;
    r->started_us = START_US;
    r->recording.state = state;
    r->recording.result = "recorded";
    return r;
}

/* Until nothing waits for the disk, however long the writer leaves it alone. */
static void scene_settle(struct scene *s)
{
    while (writer_depth(s->writer))
        usleep(5000);
    cr_assert_eq(writer_flush(s->writer), 0);
}

/* The disk has refused what was put, and the second try too: the next one is a second away. */
static void scene_refuse(struct scene *s)
{
    atomic_store(&disk.full, true);
    for (unsigned i = 0; i < 3; i++)
        (void)writer_flush(s->writer);
}

Test(writer, a_request_that_a_full_disk_refuses_is_freed_once, .timeout = 60)
{
    struct scene s;
    scene_open(&s);
    writer_record(s.writer, a_call("a", NULL));
    cr_assert_eq(writer_flush(s.writer), 0);
    atomic_store(&disk.full, true);
    struct call_record *r = a_call("a", "spooling");
    cr_assert_not_null(arena_alloc(r->arena, 40u << 20),
                       "so much is not there any more once it is freed");
    cr_expect_eq(writer_requested(s.writer, r), ERR_FULL);
    atomic_store(&disk.full, false);
    cr_expect_eq(writer_requested(s.writer, a_call("a", "spooling")), 0);
    scene_close(&s);
}

static void put_registration(struct scene *s, const char *state, int64_t updated_us)
{
    struct registration_record *r = calloc(1, sizeof *r);
    snprintf(r->key, sizeof r->key, "somebody");
    snprintf(r->state, sizeof r->state, "%s", state);
    r->updated_us = updated_us;
    writer_user(s->writer, USER_REGISTRATION, r, false);
}

static void note_state(void *context, const void *record, int64_t id)
{
    (void)id;
    snprintf(context, 16, "%s", ((const struct registration_record *)record)->state);
}

Test(writer, a_state_that_waited_for_the_disk_replaces_no_newer_one, .timeout = 60)
{
    struct scene s;
    struct store_reader *reader;
    char state[16] = "";
    bool more;
    scene_open(&s);
    atomic_store(&disk.full, true);
    put_registration(&s, "registered", START_US);
    scene_refuse(&s);
    atomic_store(&disk.full, false);
    put_registration(&s, "removed", START_US + 1);
    scene_settle(&s);
    cr_assert_eq(store_reader_open(s.dir, &reader), 0);
    const struct store_user_query q = {.kind = USER_REGISTRATION, .limit = 8};
    cr_assert_eq(store_users(reader, &q, note_state, state, &more), 0);
    cr_expect_str_eq(state, "removed");
    store_reader_close(reader);
    scene_close(&s);
}

static void count_entry(void *context, int64_t id, const struct store_audit *entry,
                        const uint8_t hash[32])
{
    (void)id;
    (void)entry;
    (void)hash;
    ++*(unsigned *)context;
}

Test(writer, an_entry_of_the_log_that_nobody_waits_for_comes_when_the_disk_takes_it, .timeout = 60)
{
    struct scene s;
    struct store_reader *reader;
    unsigned entries = 0;
    const struct store_audit entry = {START_US, "timer", "", "recording.resume", "a", "ok", NULL};
    const struct store_audit_query q = {.limit = 8};
    scene_open(&s);
    atomic_store(&disk.full, true);
    cr_assert(writer_audit_later(s.writer, &entry));
    scene_refuse(&s);
    cr_expect_neq(writer_audit(s.writer, &entry), 0,
                  "who waits is told, and it is not written later");
    atomic_store(&disk.full, false);
    scene_settle(&s);
    cr_assert_eq(store_reader_open(s.dir, &reader), 0);
    cr_assert_eq(store_audit_list(reader, &q, count_entry, &entries), 0);
    cr_expect_eq(entries, 1, "%u entries", entries);
    store_reader_close(reader);
    scene_close(&s);
}

static struct call_record *an_early_row(unsigned number)
{
    char uid[16];
    snprintf(uid, sizeof uid, "call %u", number);
    struct call_record *r = a_call(uid, NULL);
    r->state = "answered";
    r->final = false;
    r->started_us = START_US + number;
    r->recording.result = NULL;
    r->secrets.items = arena_alloc(r->arena, sizeof *r->secrets.items);
    memset(r->secrets.items, 7, sizeof *r->secrets.items);
    r->secrets.count = 1;
    return r;
}

static unsigned keys_of(struct store_reader *reader, unsigned number)
{
    struct call_record *r = an_early_row(number);
    r->secrets.count = 0;
    cr_assert_eq(store_media_keys(reader, r), 0);
    unsigned count = r->secrets.count;
    record_free(r);
    return count;
}

static int64_t wanted_since(struct store_reader *reader)
{
    int64_t since_us = 0;
    cr_assert_eq(store_spool_wanted(reader, START_US, &since_us), 0);
    return since_us;
}

Test(writer, an_early_row_that_gives_way_leaves_keys_and_what_keeps_its_media, .timeout = 60)
{
    enum { CALLS = 600 };
    struct scene s;
    struct store_reader *reader;
    unsigned with_keys = 0;
    scene_open(&s);
    atomic_store(&disk.stuck, true);
    writer_record(s.writer, a_call("ahead", NULL));
    while (!atomic_load(&disk.waiting))
        usleep(1000);
    for (unsigned i = 0; i < CALLS; i++)
        writer_record(s.writer, an_early_row(i));
    atomic_store(&disk.stuck, false);
    scene_settle(&s);
    cr_assert_eq(store_reader_open(s.dir, &reader), 0);
    struct call_record *row = NULL;
    cr_assert_eq(store_call(reader, "call 0", &row), ERR_NOT_FOUND, "it has given way");
    for (unsigned i = 0; i < CALLS; i++)
        with_keys += keys_of(reader, i);
    cr_expect_eq(with_keys, CALLS, "keys of %u calls", with_keys);
    cr_expect_eq(wanted_since(reader), START_US);
    struct call_record *last = an_early_row(0);
    last->final = true;
    last->state = "ended";
    writer_record(s.writer, last);
    scene_settle(&s);
    cr_expect_eq(wanted_since(reader), START_US + 1, "its last row keeps nothing");
    cr_expect_eq(keys_of(reader, 0), 0);
    cr_assert_eq(writer_end_open_calls(s.writer), 0);
    cr_expect_eq(wanted_since(reader), INT64_MAX, "after a crash nobody goes on");
    store_reader_close(reader);
    scene_close(&s);
}

static uint32_t mark_of(const struct scene *s, unsigned writer)
{
    struct store_reader *reader;
    struct spool_marks marks;
    cr_assert_eq(store_reader_open(s->dir, &reader), 0);
    cr_assert_eq(store_spool_marks(reader, &marks), 0);
    store_reader_close(reader);
    return marks.segment[writer];
}

/* What a recovery needs not read: never ahead of a record that is not committed. */
Test(writer, a_mark_of_the_spool_waits_for_the_records_ahead_of_it, .timeout = 60)
{
    struct scene s;
    scene_open(&s);
    cr_expect_eq(mark_of(&s, 3), 0, "none yet");
    writer_record(s.writer, a_call("a", NULL));
    writer_spool_mark(s.writer, 67);
    cr_assert_eq(writer_flush(s.writer), 0);
    cr_expect_eq(mark_of(&s, 3), 67);
    atomic_store(&disk.full, true);
    writer_record(s.writer, a_call("b", NULL));
    writer_spool_mark(s.writer, 131);
    scene_refuse(&s);
    atomic_store(&disk.full, false);
    cr_assert_eq(writer_flush(s.writer), 0);
    cr_expect_eq(mark_of(&s, 3), 67, "its record waits for the disk");
    scene_settle(&s);
    cr_expect_eq(mark_of(&s, 3), 131);
    scene_close(&s);
}

Test(writer, a_mark_of_the_spool_passes_no_record_that_is_lost, .timeout = 60)
{
    enum { CALLS = 10000 }; /* more than wait for the disk */
    struct scene s;
    scene_open(&s);
    atomic_store(&disk.full, true);
    for (unsigned i = 0; i < CALLS; i++)
        writer_record(s.writer, a_call("a", NULL));
    scene_refuse(&s);
    writer_spool_mark(s.writer, 67);
    atomic_store(&disk.full, false);
    scene_settle(&s);
    cr_expect_eq(mark_of(&s, 3), 0, "the spool has what was lost: the next start looks");
    scene_close(&s);
}

static void note_job(void *context, const struct store_job *job)
{
    snprintf(context, 80, "%s ", job->kind);
}

/* What is said of a call may come behind the file beside its recording, and ahead of the row that says that it is ready. */
Test(writer, what_is_said_while_a_recording_is_made_asks_for_the_file_beside_it_once_more, .timeout = 60)
{
    const struct record_tags tags = {.count = 1, .tag = {{.key = "k", .value = "v"}}};
    struct scene s;
    struct store_reader *reader;
    char job[80] = "";
    scene_open(&s);
    writer_record(s.writer, a_call("a", NULL));
    writer_record(s.writer, a_call("b", "spooling"));
    cr_assert_eq(writer_tags(s.writer, "a", START_US, &tags), 0);
    cr_assert_eq(store_reader_open(s.dir, &reader), 0);
    cr_assert_eq(store_jobs(reader, note_job, job), 0);
    cr_expect_str_eq(job, "render ", "of b: what was said of a needs nobody");
    cr_assert_eq(writer_tags(s.writer, "b", START_US, &tags), 0);
    writer_rendered(s.writer, a_call("b", "ready"));
    cr_assert_eq(writer_flush(s.writer), 0);
    cr_assert_eq(store_jobs(reader, note_job, job), 0);
    cr_expect_str_eq(job, "sidecar ", "alone, and it survives a crash: %s", job);
    writer_job_gone(s.writer, STORE_SIDECAR_JOB, "b");
    cr_assert_eq(writer_tags(s.writer, "b", START_US, &tags), 0);
    snprintf(job, sizeof job, "none");
    cr_assert_eq(store_jobs(reader, note_job, job), 0);
    cr_expect_str_eq(job, "none", "it is ready: who says it writes the file");
    store_reader_close(reader);
    scene_close(&s);
}

static void *say_of_b(void *context)
{
    const struct record_tags tags = {.count = 1, .tag = {{.key = "k", .value = "v"}}};
    struct scene *s = context;
    cr_assert_eq(writer_tags(s->writer, "b", START_US, &tags), 0);
    return NULL;
}

static void say_in_thread(struct scene *s, pthread_t *thread)
{
    size_t before = writer_depth(s->writer);
    cr_assert_eq(pthread_create(thread, NULL, say_of_b, s), 0);
    while (writer_depth(s->writer) == before)
        usleep(1000);
}

/* While the disk holds the writer up, both come into its inbox, and so into one batch. */
static void say_and_render(struct scene *s, bool said_first)
{
    pthread_t thread;
    writer_record(s->writer, a_call("b", "spooling"));
    cr_assert_eq(writer_flush(s->writer), 0);
    atomic_store(&disk.waiting, false);
    atomic_store(&disk.stuck, true);
    writer_record(s->writer, a_call("ahead", NULL));
    while (!atomic_load(&disk.waiting))
        usleep(1000);
    if (said_first)
        say_in_thread(s, &thread);
    writer_rendered(s->writer, a_call("b", "ready"));
    if (!said_first)
        say_in_thread(s, &thread);
    atomic_store(&disk.stuck, false);
    pthread_join(thread, NULL);
}

Test(writer, what_is_said_in_the_batch_of_a_recording_keeps_no_job_and_nothing_of_the_spool, .timeout = 60)
{
    for (unsigned said_first = 0; said_first < 2; said_first++) {
        struct scene s;
        struct store_reader *reader;
        struct renderer *renderer;
        struct why why = {0};
        char job[80] = "";
        scene_open(&s);
        const struct renderer_config config = {.sound = {.data_dir = s.dir},
                                               .confine = {.program.here = &decoder_here},
                                               .writer = s.writer,
                                               .counters = s.counters};
        cr_assert_eq(renderer_start(&config, &renderer, &why), 0);
        say_and_render(&s, said_first);
        cr_assert_eq(store_reader_open(s.dir, &reader), 0);
        cr_assert_eq(store_jobs(reader, note_job, job), 0);
        cr_expect_str_eq(job, "sidecar ", "the file may be without it: %s", job);
        cr_expect_eq(wanted_since(reader), INT64_MAX, "it needs nothing of the spool");
        renderer_sidecar(renderer, "b");
        cr_assert_eq(writer_flush(s.writer), 0);
        snprintf(job, sizeof job, "none");
        cr_assert_eq(store_jobs(reader, note_job, job), 0);
        cr_expect_str_eq(job, "none", "whoever wrote the file ends its job");
        renderer_stop(renderer);
        store_reader_close(reader);
        scene_close(&s);
    }
}

/* What of the call was deleted, and then what had been made of it meanwhile came. */
static void delete_while_made(struct scene *s, struct call_record *call, bool tracks)
{
    struct record_file track = {.kind = "track", .number = 1, .result = "recorded"};
    const struct store_deletion row = {.time_us = START_US + 1,
                                       .class = "audio",
                                       .object = "a",
                                       .uid = "a",
                                       .reason = "request",
                                       .actor = "somebody"};
    writer_record(s->writer, a_call("a", call->recording.state));
    cr_assert_eq(writer_flush(s->writer), 0);
    cr_assert_eq(writer_deleted(s->writer, &(struct writer_deletions){1, &row, &call}), 0);
    struct call_record *made = a_call("a", tracks ? call->recording.state : "ready");
    if (tracks) {
        made->tracks.items = arena_alloc(made->arena, sizeof track);
        memcpy(made->tracks.items, &track, sizeof track);
        made->tracks.count = 1;
        writer_tracks(s->writer, made);
    } else {
        writer_rendered(s->writer, made);
    }
    writer_files_gone(s->writer, call);
    cr_assert_eq(writer_flush(s->writer), 0);
}

Test(writer, what_was_deleted_while_it_was_made_does_not_come_back, .timeout = 60)
{
    for (unsigned tracks = 0; tracks < 2; tracks++) {
        struct scene s;
        struct store_reader *reader;
        struct call_record *row = NULL;
        char jobs[80] = "";
        scene_open(&s);
        delete_while_made(&s, a_call("a", tracks ? NULL : "spooling"), tracks);
        cr_expect_eq(s.unwanted, 1);
        cr_expect_eq(s.made, 0, "nobody is told of it");
        cr_assert_eq(store_reader_open(s.dir, &reader), 0);
        cr_assert_eq(store_call(reader, "a", &row), 0);
        cr_expect(row->recording.deleted_us == START_US + 1 && row->tracks.count == 0);
        cr_expect(tracks || strcmp(row->recording.state, "deleted") == 0);
        cr_assert_eq(store_jobs(reader, note_job, jobs), 0);
        cr_expect_str_eq(jobs, "");
        record_free(row);
        store_reader_close(reader);
        scene_close(&s);
    }
}

Test(writer, what_was_not_deleted_comes, .timeout = 60)
{
    struct scene s;
    struct store_reader *reader;
    struct call_record *row = NULL;
    scene_open(&s);
    writer_record(s.writer, a_call("a", "spooling"));
    cr_assert_eq(writer_flush(s.writer), 0);
    writer_rendered(s.writer, a_call("a", "ready"));
    cr_assert_eq(writer_flush(s.writer), 0);
    cr_assert_eq(store_reader_open(s.dir, &reader), 0);
    cr_assert_eq(store_call(reader, "a", &row), 0);
    cr_expect_str_eq(row->recording.state, "ready");
    cr_expect_eq(s.unwanted, 0);
    cr_expect_eq(s.made, 1);
    writer_tracks(s.writer, a_call("a", "ready"));
    cr_assert_eq(writer_flush(s.writer), 0);
    cr_expect_eq(s.made, 101, "tracks are told as such");
    record_free(row);
    store_reader_close(reader);
    scene_close(&s);
}
