/* The file beside a recording while others change and delete what it tells. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/media_drop.h"
#include "app/sidecar.h"
#include "app/writer.h"
#include "base/error.h"

#define START_US INT64_C(1700000000000000)

struct scene {
    char dir[64], file[100];
    struct counters_set *counters;
    struct writer *writer;
    _Atomic bool stop;
};

static struct call_record *a_recording(void)
{
    struct call_record *r = record_new();
    snprintf(r->uid, sizeof r->uid, "a");
    r->kind = "call";
    r->state = "ended";
    r->final = true;
    r->started_us = START_US;
    r->recording.state = "ready";
    r->recording.result = "recorded";
    r->recording.path = slice_str("audio/a.wav");
    return r;
}

static void scene_open(struct scene *s)
{
    struct store *store;
    struct why why = {0};
    const struct writer_config config = {.commit_interval_ms = 1};
    char command[120];
    snprintf(s->dir, sizeof s->dir, "/tmp/test_sidecar_XXXXXX");
    cr_assert_not_null(mkdtemp(s->dir));
    snprintf(s->file, sizeof s->file, "%s/audio/a.json", s->dir);
    snprintf(command, sizeof command, "mkdir %s/audio", s->dir);
    cr_assert_eq(system(command), 0);
    s->counters = counters_set_new();
    cr_assert_eq(store_open(s->dir, counters_block(s->counters), &store, &why), 0, "%s", why.text);
    cr_assert_eq(writer_start(&config, store, counters_block(s->counters), &s->writer, &why), 0);
    writer_record(s->writer, a_recording());
    cr_assert_eq(writer_flush(s->writer), 0);
    atomic_store(&s->stop, false);
}

static void scene_close(struct scene *s)
{
    char command[120];
    writer_stop(s->writer);
    counters_set_free(s->counters);
    snprintf(command, sizeof command, "rm -r %s", s->dir);
    cr_assert_eq(system(command), 0);
}

static void *refresh(void *context)
{
    struct scene *s = context;
    struct why why;
    while (!atomic_load(&s->stop))
        sidecar_refresh(s->dir, "a", &why);
    return NULL;
}

static void delete_it(struct scene *s)
{
    struct call_record *r = a_recording();
    const struct store_deletion row = {.time_us = START_US + 1,
                                       .class = "audio",
                                       .object = "a",
                                       .uid = "a",
                                       .reason = "request",
                                       .actor = "somebody"};
    cr_assert_eq(writer_deleted(s->writer, &(struct writer_deletions){1, &row, &r}), 0);
    media_remove(r, s->dir);
    record_free(r);
}

Test(sidecar, a_file_that_is_written_while_its_recording_goes_does_not_stay, .timeout = 60)
{
    for (unsigned round = 0; round < 4; round++) {
        struct scene s;
        pthread_t thread;
        scene_open(&s);
        cr_assert_eq(pthread_create(&thread, NULL, refresh, &s), 0);
        while (access(s.file, F_OK) != 0)
            usleep(1000);
        delete_it(&s);
        atomic_store(&s.stop, true);
        pthread_join(thread, NULL);
        cr_expect_neq(access(s.file, F_OK), 0);
        scene_close(&s);
    }
}

static void *refresh_often(void *context)
{
    struct scene *s = context;
    struct why why = {0};
    for (unsigned i = 0; i < 40; i++)
        if (sidecar_refresh(s->dir, "a", &why) != 0 || why.text[0])
            atomic_store(&s->stop, true);
    return NULL;
}

Test(sidecar, two_that_write_it_at_once_do_not_take_it_from_each_other, .timeout = 60)
{
    struct scene s;
    pthread_t threads[2];
    scene_open(&s);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, refresh_often, &s), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_expect_not(atomic_load(&s.stop), "one of them found its file gone");
    cr_expect_eq(access(s.file, F_OK), 0);
    scene_close(&s);
}
