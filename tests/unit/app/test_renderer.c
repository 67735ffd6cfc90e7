/* The queue of render jobs, and jobs whose call has gone. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/decoder/child.h"
#include "app/render_queue.h"
#include "app/renderer.h"
#include "base/clock.h"
#include "base/error.h"
#include "storage/spool_format.h"

#define MS INT64_C(1000000)

static bool put(struct render_queue *q, const char *uid, int64_t not_before_ns)
{
    struct render_job job = {.kind = RENDER_TRACKS, .not_before_ns = not_before_ns};
    snprintf(job.uid, sizeof job.uid, "%s", uid);
    return render_queue_put(q, &job);
}

/* "" for none. */
static const char *take(struct render_queue *q, int timeout_ms)
{
    static char uid[40];
    struct render_job *job = render_queue_take(q, timeout_ms);
    snprintf(uid, sizeof uid, "%s", job ? job->uid : "");
    free(job);
    return uid;
}

Test(renderer, a_job_that_waits_holds_up_none_behind_it, .timeout = 60)
{
    struct render_queue *q = render_queue_new(8);
    int64_t begin_ns = clock_mono_ns();
    cr_assert(put(q, "waits", begin_ns + 300 * MS));
    cr_assert(put(q, "first", 0) && put(q, "second", 0));
    cr_expect_str_eq(take(q, 0), "first");
    cr_expect_str_eq(take(q, 0), "second");
    cr_expect_str_eq(take(q, 10), "");
    cr_expect_eq(render_queue_depth(q), 1);
    cr_expect_str_eq(take(q, 50000), "waits");
    cr_expect(clock_mono_ns() - begin_ns >= 300 * MS);
    render_queue_free(q);
}

Test(renderer, what_has_become_due_comes_in_the_order_of_its_time, .timeout = 60)
{
    struct render_queue *q = render_queue_new(8);
    put(q, "c", 3);
    put(q, "a", 1);
    put(q, "b", 2);
    put(q, "now", 0);
    cr_expect_str_eq(take(q, 0), "now");
    cr_expect_str_eq(take(q, 0), "a");
    cr_expect_str_eq(take(q, 0), "b");
    cr_expect_str_eq(take(q, 0), "c");
    cr_expect_eq(render_queue_depth(q), 0);
    render_queue_free(q);
}

Test(renderer, a_full_or_closed_queue_takes_nothing, .timeout = 60)
{
    struct render_queue *q = render_queue_new(2);
    cr_expect(put(q, "a", 0) && put(q, "b", INT64_MAX));
    cr_expect_not(put(q, "c", 0));
    cr_expect_str_eq(take(q, 0), "a");
    cr_expect(put(q, "d", 0));
    render_queue_close(q);
    cr_expect_str_eq(take(q, 50000), "");
    cr_expect_not(put(q, "e", 0));
    cr_expect_eq(render_queue_depth(q), 2, "what is left stands in the store");
    render_queue_free(q);
}

/* ---- jobs of the store ---- */

struct scene {
    char dir[64];
    struct counters_set *counters;
    struct writer *writer;
    struct renderer *renderer;
};

static void put_call(struct store *store, const char *uid, const char *state)
{
    struct call_record *r = record_new();
    snprintf(r->uid, sizeof r->uid, "%s", uid);
    r->kind = "call";
    r->state = "ended";
    r->final = true;
    r->started_us = INT64_C(1700000000000000);
    r->recording.state = state;
    r->recording.result = "recorded";
    cr_assert_eq(store_put_call(store, r), 0);
    record_free(r);
}

/* One call that waits, one that a crash left its job to; the rest of the jobs are of calls that
 * retention took. */
static void open_scene(struct scene *s)
{
    struct store *store;
    struct why why = {0};
    int64_t long_ago_us = INT64_C(1600000000000000);
    snprintf(s->dir, sizeof s->dir, "/tmp/test_renderer_XXXXXX");
    cr_assert_not_null(mkdtemp(s->dir));
    s->counters = counters_set_new();
    cr_assert_eq(store_open(s->dir, counters_block(s->counters), &store, &why), 0, "%s", why.text);
    put_call(store, "here", "spooling");
    put_call(store, "done", "ready");
    store_put_job(store, "render", "here", INT64_C(1700000000000000));
    store_put_job(store, "render", "done", INT64_C(1700000000000000));
    store_put_job(store, "render", "gone", long_ago_us);
    store_put_job(store, "tracks", "gone", long_ago_us);
    store_put_job(store, "tracks", "gone too", long_ago_us);
    cr_assert_eq(store_commit(store), 0);
    const struct writer_config writer = {.commit_interval_ms = 1};
    cr_assert_eq(writer_start(&writer, store, counters_block(s->counters), &s->writer, &why), 0);
    const struct renderer_config renderer = {.sound = {.data_dir = s->dir},
                                             .confine = {.program.here = &decoder_here},
                                             .threads = 2,
                                             .writer = s->writer,
                                             .counters = s->counters};
    cr_assert_eq(renderer_start(&renderer, &s->renderer, &why), 0);
}

static void close_scene(struct scene *s)
{
    char command[120];
    renderer_stop(s->renderer);
    writer_stop(s->writer);
    counters_set_free(s->counters);
    snprintf(command, sizeof command, "rm -r %s", s->dir);
    cr_assert_eq(system(command), 0);
}

static void count_job(void *context, const struct store_job *job)
{
    (void)job;
    ++*(unsigned *)context;
}

Test(renderer, a_job_whose_call_has_gone_ends_and_is_counted, .timeout = 60)
{
    struct scene s;
    struct store_reader *reader;
    struct call_record *record = NULL;
    unsigned jobs = 0;
    open_scene(&s);
    while (renderer_depth(s.renderer))
        usleep(5000);
    cr_assert_eq(writer_flush(s.writer), 0);
    cr_assert_eq(store_reader_open(s.dir, &reader), 0);
    cr_assert_eq(store_jobs(reader, count_job, &jobs), 0);
    cr_expect_eq(jobs, 0, "%u jobs are left", jobs);
    cr_expect_eq(counters_sum(s.counters, C_RENDER_GONE), 3);
    cr_assert_eq(store_call(reader, "done", &record), 0);
    cr_expect_str_eq(record->recording.state, "ready", "it is not rendered a second time");
    record_free(record);
    cr_assert_eq(store_call(reader, "here", &record), 0);
    cr_expect_str_eq(record->recording.result, "no_rtp");
    record_free(record);
    store_reader_close(reader);
    close_scene(&s);
}

/* In the place of the segment that the call's media stands in: a program that runs, which nobody
 * may write to. */
static pid_t occupy_segment(const char *dir)
{
    char path[SPOOL_PATH_MAX], command[SPOOL_PATH_MAX + 200];
    cr_assert(segment_path(dir, 1, path));
    snprintf(command, sizeof command, "mkdir -p $(dirname %s) && cp /bin/sleep %s && chmod 700 %s",
             path, path, path);
    cr_assert_eq(system(command), 0);
    pid_t child = fork();
    if (child == 0) {
        execl(path, "sleep", "100", (char *)NULL);
        _exit(1);
    }
    cr_assert_gt(child, 0);
    for (int fd; (fd = open(path, O_RDWR | O_CLOEXEC)) >= 0; usleep(1000)) /* until it runs */
        close(fd);
    return child;
}

static struct call_record *a_call_to_drop(const char *uid)
{
    struct call_record *r = record_new();
    snprintf(r->uid, sizeof r->uid, "%s", uid);
    r->kind = "call";
    r->state = "ended";
    r->final = true;
    r->started_us = INT64_C(1700000000000000);
    r->recording.state = "spooling";
    r->recording.result = "rule";
    r->chains = arena_alloc(r->arena, sizeof *r->chains);
    r->chains[0] = (struct record_chain){
        .tail = {.segment = 1, .offset = 64}, .party = "caller", .packets = 1};
    r->chain_count = 1;
    return r;
}

Test(renderer, media_that_cannot_go_yet_keeps_its_job_and_what_is_damaged_does_not, .timeout = 60)
{
    struct scene s;
    struct store_reader *reader;
    unsigned jobs = 0;
    open_scene(&s);
    pid_t child = occupy_segment(s.dir);
    writer_record(s.writer, a_call_to_drop("drop"));
    cr_assert_eq(writer_flush(s.writer), 0);
    renderer_put(s.renderer, a_call_to_drop("drop"));
    while (renderer_depth(s.renderer))
        usleep(5000);
    cr_assert_eq(writer_flush(s.writer), 0);
    cr_assert_eq(store_reader_open(s.dir, &reader), 0);
    cr_assert_eq(store_jobs(reader, count_job, &jobs), 0);
    cr_expect_eq(jobs, 1, "%u jobs", jobs);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    do { /* it is tried again by itself */
        jobs = 0;
        usleep(20000);
        cr_assert_eq(store_jobs(reader, count_job, &jobs), 0);
    } while (jobs);
    store_reader_close(reader);
    close_scene(&s);
}

/* Ready, told of while that was made, and where the file beside it belongs is something else. */
static void put_told(struct scene *s)
{
    const struct record_tags tags = {.count = 1, .tag = {{.key = "k", .value = "v"}}};
    struct call_record *r = record_new();
    snprintf(r->uid, sizeof r->uid, "told");
    r->kind = "call";
    r->state = "ended";
    r->final = true;
    r->started_us = INT64_C(1700000000000000);
    r->recording.state = "spooling";
    r->recording.result = "recorded";
    writer_record(s->writer, r);
    cr_assert_eq(writer_tags(s->writer, "told", INT64_C(1700000000000000), &tags), 0);
    struct store_reader *reader;
    cr_assert_eq(store_reader_open(s->dir, &reader), 0);
    cr_assert_eq(store_call(reader, "told", &r), 0);
    store_reader_close(reader);
    r->recording.state = "ready";
    r->recording.path = slice_str("audio/told.wav");
    writer_rendered(s->writer, r);
    cr_assert_eq(writer_flush(s->writer), 0);
}

static unsigned jobs_of(const struct scene *s)
{
    struct store_reader *reader;
    unsigned jobs = 0;
    cr_assert_eq(store_reader_open(s->dir, &reader), 0);
    cr_assert_eq(store_jobs(reader, count_job, &jobs), 0);
    store_reader_close(reader);
    return jobs;
}

Test(renderer, a_file_beside_a_recording_that_cannot_be_written_keeps_its_job_until_it_can, .timeout = 60)
{
    struct scene s;
    char path[100], command[120];
    open_scene(&s);
    while (renderer_depth(s.renderer))
        usleep(5000);
    snprintf(path, sizeof path, "%s/audio/told.json", s.dir);
    snprintf(command, sizeof command, "mkdir -p %s", path);
    cr_assert_eq(system(command), 0);
    put_told(&s);
    renderer_sidecar(s.renderer, "told");
    while (counters_sum(s.counters, C_SIDECAR_FAILED) < 2)
        usleep(5000);
    cr_assert_eq(writer_flush(s.writer), 0);
    cr_expect_eq(jobs_of(&s), 1);
    cr_assert_eq(rmdir(path), 0);
    while (jobs_of(&s))
        usleep(5000);
    cr_expect_eq(access(path, R_OK), 0, "what was said is in it now");
    close_scene(&s);
}
