/* Render threads over an inbox. The first thread also looks after jobs that did not find room in it. */
#include "app/renderer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/tracks.h"
#include "base/clock.h"
#include "base/inbox.h"
#include "base/log.h"
#include "storage/media_dir.h"

#define QUEUE_MAX   4096
#define IDLE_MS     500
#define THREADS_MAX 16

/* How long the records of a conference may take to be stored, and how often we look. */
#define TRACKS_WAIT_NS INT64_C(30000000000)
#define TRACKS_LOOK_NS 50000000

struct job {
    struct call_record *record; /* to be rendered; NULL: the tracks of the conference that ended with `uid` */
    char uid[40];
    int64_t since_ns;
};

struct thread {
    struct renderer *renderer;
    struct counters *counters;
    pthread_t id;
    bool first;
};

struct renderer {
    struct renderer_config config;
    struct inbox *inbox;
    struct thread threads[THREADS_MAX];
    unsigned count;
    _Atomic bool stopping;
    _Atomic bool missed; /* a job found no room: look into the store once idle */
    _Atomic unsigned busy;
};

static void count_result(struct counters *c, const struct call_record *r)
{
    counters_add(c, C_RECORDINGS + label_find(LABELS_RECORDING, slice_str(r->recording.result)), 1);
}

/* False when it has to be tried again: the job stays. */
static bool render(struct thread *t, struct call_record *r)
{
    struct why why = {0};
    char path[MEDIA_PATH_MAX];
    struct sound_config config = t->renderer->config.sound;
    config.counters = t->counters;
    int err = media_path(r->started_us, r->uid, "wav", path);
    if (err == 0)
        err = media_make_dirs(config.data_dir, path, &why);
    if (err == 0)
        err = sound_render(r, &config, config.data_dir, path, &why);
    if (err) {
        log_error("render", "call %s could not be rendered: %s", r->uid, why.text[0] ? why.text : err_text(err));
        if (err == ERR_FULL || err == ERR_NOMEM)
            return false;
    }
    count_result(t->counters, r);
    return true;
}

static void do_call(struct thread *t, struct job *job)
{
    struct renderer *r = t->renderer;
    if (render(t, job->record)) {
        counters_observe(t->counters, C_FINALIZE, (double)(clock_mono_ns() - job->since_ns) / 1e9);
        writer_rendered(r->config.writer, job->record);
    } else {
        atomic_store(&r->missed, true);
        record_free(job->record);
    }
    free(job);
}

/* ---- the tracks of a conference ---- */

static int tracks(struct thread *t, struct job *job, struct call_record **ret_record, struct why *why)
{
    struct store_reader *reader = NULL;
    struct sound_config config = t->renderer->config.sound;
    config.counters = t->counters;
    bool wait = clock_mono_ns() - job->since_ns < TRACKS_WAIT_NS;
    int err = store_reader_open(config.data_dir, &reader);
    if (err == 0)
        err = store_call(reader, job->uid, ret_record);
    if (err == 0)
        err = tracks_render(*ret_record, reader, &config, wait, why);
    store_reader_close(reader);
    return err;
}

/* Records come through several workers: those of the others may be a moment behind. */
static void tracks_later(struct renderer *r, struct job *job)
{
    const struct timespec pause = {.tv_nsec = TRACKS_LOOK_NS};
    nanosleep(&pause, NULL);
    if (inbox_put(r->inbox, job))
        return;
    atomic_store(&r->missed, true);
    free(job);
}

static void do_tracks(struct thread *t, struct job *job)
{
    struct renderer *r = t->renderer;
    struct call_record *record = NULL;
    struct why why = {0};
    int err = tracks(t, job, &record, &why);
    if (err == TRACKS_UNREADY) {
        record_free(record);
        tracks_later(r, job);
        return;
    }
    if (err)
        log_error("render", "the conference of call %s could not be rendered: %s", job->uid, why.text[0] ? why.text : err_text(err));
    if (err == ERR_FULL || err == ERR_NOMEM) { /* the job stays */
        atomic_store(&r->missed, true);
        record_free(record);
    } else if (record) {
        writer_tracks(r->config.writer, record);
    }
    free(job);
}

static void do_job(struct thread *t, struct job *job)
{
    atomic_fetch_add(&t->renderer->busy, 1);
    if (job->record)
        do_call(t, job);
    else
        do_tracks(t, job);
    atomic_fetch_sub(&t->renderer->busy, 1);
}

/* ---- the queue ---- */

static bool put_job(struct renderer *r, struct job value)
{
    struct job *job = malloc(sizeof *job);
    value.since_ns = clock_mono_ns();
    if (job)
        *job = value;
    if (job && inbox_put(r->inbox, job))
        return true;
    atomic_store(&r->missed, true);
    free(job);
    return false;
}

/* Takes the record. */
static void put_call(struct renderer *r, struct call_record *record)
{
    if (!put_job(r, (struct job){.record = record}))
        record_free(record);
}

static void put_tracks(struct renderer *r, const char *uid)
{
    struct job job = {0};
    snprintf(job.uid, sizeof job.uid, "%s", uid);
    put_job(r, job);
}

/* ---- jobs of the store ---- */

struct loading {
    struct renderer *renderer;
    struct store_reader *reader;
};

static void load_job(void *context, const struct store_job *job)
{
    struct loading *l = context;
    struct call_record *record = NULL;
    if (strcmp(job->kind, "render") == 0 && store_call(l->reader, job->uid, &record) == 0)
        put_call(l->renderer, record);
    else if (strcmp(job->kind, "tracks") == 0)
        put_tracks(l->renderer, job->uid);
}

static void load_jobs(struct renderer *r)
{
    struct loading l = {.renderer = r};
    atomic_store(&r->missed, false);
    if (store_reader_open(r->config.sound.data_dir, &l.reader) != 0)
        return;
    store_jobs(l.reader, load_job, &l);
    store_reader_close(l.reader);
}

static void *thread_main(void *context)
{
    struct thread *t = context;
    struct renderer *r = t->renderer;
    while (!inbox_is_closed_and_empty(r->inbox)) {
        void *item;
        if (inbox_take(r->inbox, &item, 1, IDLE_MS) == 1) {
            struct job *job = item;
            if (atomic_load(&r->stopping)) {
                record_free(job->record);
                free(job);
            } else {
                do_job(t, job);
            }
        } else if (t->first && atomic_load(&r->missed) && atomic_load(&r->busy) == 0 && !atomic_load(&r->stopping)) {
            load_jobs(r);
        }
    }
    return NULL;
}

int renderer_start(const struct renderer_config *config, struct renderer **ret_renderer, struct why *why)
{
    struct renderer *r = calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_NOMEM;
    r->config = *config;
    r->inbox = inbox_new(QUEUE_MAX);
    unsigned wanted = config->threads ? config->threads : 1;
    for (unsigned i = 0; r->inbox && i < wanted && i < THREADS_MAX; i++) {
        struct thread *t = &r->threads[i];
        *t = (struct thread){.renderer = r, .first = i == 0, .counters = counters_block(config->counters)};
        if (t->counters == NULL || pthread_create(&t->id, NULL, thread_main, t) != 0)
            break;
        r->count++;
    }
    if (r->count == 0) {
        why_set(why, "cannot start a render thread");
        inbox_free(r->inbox);
        free(r);
        return ERR_FULL;
    }
    load_jobs(r);
    *ret_renderer = r;
    return 0;
}

void renderer_stop(struct renderer *r, bool drain)
{
    if (r == NULL)
        return;
    if (!drain)
        atomic_store(&r->stopping, true);
    inbox_close(r->inbox);
    for (unsigned i = 0; i < r->count; i++)
        pthread_join(r->threads[i].id, NULL);
    inbox_free(r->inbox);
    free(r);
}

void renderer_put(struct renderer *r, struct call_record *record)
{
    if (tracks_wanted(record))
        put_tracks(r, record->uid);
    if (record->recording.state && strcmp(record->recording.state, "spooling") == 0)
        put_call(r, record);
    else
        record_free(record);
}

size_t renderer_depth(struct renderer *r)
{
    return inbox_depth(r->inbox) + atomic_load(&r->busy);
}
