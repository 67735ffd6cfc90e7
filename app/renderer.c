/* Render threads over a queue, each with a process that decodes for it. The first thread also looks after jobs that did not find room in it. */
#include "app/renderer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/media_drop.h"
#include "app/render_queue.h"
#include "app/sidecar.h"
#include "app/tracks.h"
#include "base/clock.h"
#include "base/log.h"
#include "storage/media_name.h"

#define QUEUE_MAX   4096
#define IDLE_MS     500
#define THREADS_MAX 16
#define NEWS_NS     INT64_C(60000000000)

/* How long the records of a conference may take to be stored, and how often we look: less and less. */
#define TRACKS_WAIT_NS  INT64_C(30000000000)
#define TRACKS_PAUSE_NS INT64_C(50000000)
#define PAUSE_MAX_NS    INT64_C(2000000000)
#define FAILED_MAX_NS   INT64_C(60000000000) /* what the disk refuses is not better two seconds later */

struct thread {
    struct renderer *renderer;
    struct counters *counters;
    struct confined *decoder;
    pthread_t id;
    int64_t said_ns; /* mono; that something waits */
    bool first;
};

struct renderer {
    struct renderer_config config;
    struct render_queue *queue;
    struct thread threads[THREADS_MAX];
    unsigned count;
    _Atomic bool missed; /* a job found no room: look into the store once idle */
    _Atomic bool gone;   /* a job without a call was seen, and said */
    _Atomic unsigned busy;
};

static const char *const kind_text[] = {[RENDER_CALL] = "render", [RENDER_TRACKS] = "tracks", [RENDER_SIDECAR] = STORE_SIDECAR_JOB};

static int read_call(struct renderer *r, const char *uid, struct call_record **ret_record)
{
    struct store_reader *reader = NULL;
    int err = store_reader_open(r->config.sound.data_dir, &reader);
    if (err == 0)
        err = store_call(reader, uid, ret_record);
    if (err == 0)
        err = store_media_keys(reader, *ret_record);
    store_reader_close(reader);
    return err;
}

/* After a crash nobody remembers the keys of the call but the store. */
static int fetch_keys(struct renderer *r, struct call_record *record)
{
    struct store_reader *reader = NULL;
    bool from_store = record->recording.recovered || record->recording.requested_us;
    if (!from_store || record->secrets.count)
        return 0;
    int err = store_reader_open(r->config.sound.data_dir, &reader);
    if (err == 0)
        err = store_media_keys(reader, record);
    store_reader_close(reader);
    return err;
}

/* A job whose call is not in the store, its day gone with time: it ends, or it would stay for ever. A job may be committed a
 * moment ahead of its call, which is why we look again behind the commit. */
static void end_if_gone(struct thread *t, const struct render_job *job)
{
    struct renderer *r = t->renderer;
    struct call_record *record = NULL;
    int err = writer_flush(r->config.writer);
    if (err == 0)
        err = read_call(r, job->uid, &record);
    record_free(record);
    if (err != ERR_NOT_FOUND) {
        atomic_store(&r->missed, true);
        return;
    }
    counters_add(t->counters, C_RENDER_GONE, 1);
    if (!atomic_exchange(&r->gone, true))
        log_warn("render", "call %s waits to be rendered and is not in the store any more; this and others like it are counted in "
                           "earshot_recording_jobs_gone_total", job->uid);
    writer_job_gone(r->config.writer, kind_text[job->kind], job->uid);
}

static void count_result(struct counters *c, const struct call_record *r)
{
    const struct record_sound *sound = &r->recording.sound;
    counters_add(c, C_RECORDINGS + label_find(LABELS_RECORDING, slice_str(r->recording.result)), 1);
    for (uint32_t i = 0; i < sound->channel_count; i++)
        if (sound->channels[i].silence_ratio > 0) /* not NAN */
            counters_add(c, C_SILENCE_SECONDS, (uint64_t)(sound->channels[i].silence_ratio * (double)sound->channels[i].heard_ms / 1000));
}

/* Files of a side have none of their own name beside them that would keep others from it: they carry the uid. */
static int name_files(const struct call_record *r, const struct sound_config *config, char path[MEDIA_PATH_MAX], struct why *why)
{
    const char *container = audio_container(sound_codec(r, config));
    if (config->name == NULL || config->name[0] == '\0') {
        int err = media_path(r->started_us, r->uid, container, path);
        return err ? err : media_make_dirs(config->data_dir, path, why);
    }
    const struct media_name name = {.started_us = r->started_us,
                                    .uid = r->uid,
                                    .caller = r->from.user,
                                    .callee = r->to.user,
                                    .dir = slice_str(r->direction ? r->direction : "unknown"),
                                    .trunk = r->trunk,
                                    .rule = r->recording.rule,
                                    .call_id = r->call_id,
                                    .with_uid = config->layout == RENDER_SIDES};
    return media_name_take(config->data_dir, config->name, &name, container, path, why);
}

/* What waits is tried twice a second: that it still waits is said once a minute. */
static bool is_news(struct thread *t)
{
    int64_t now_ns = clock_mono_ns();
    if (t->said_ns && now_ns - t->said_ns < NEWS_NS)
        return false;
    t->said_ns = now_ns;
    return true;
}

static void look_later(struct renderer *r, struct render_job job, int64_t pause_max_ns)
{
    job.pause_ns = job.pause_ns ? job.pause_ns * 2 : TRACKS_PAUSE_NS;
    if (job.pause_ns > pause_max_ns)
        job.pause_ns = pause_max_ns;
    job.not_before_ns = clock_mono_ns() + job.pause_ns;
    if (!render_queue_put(r->queue, &job))
        atomic_store(&r->missed, true);
}

/* ---- the file beside a recording ---- */

static void tell_stale(struct thread *t, const char *uid, int err, const struct why *why)
{
    counters_add(t->counters, C_SIDECAR_FAILED, 1);
    if (is_news(t))
        log_warn("render", "the file beside the recording of call %s is not up to date: %s; it is tried again", uid,
                 why->text[0] ? why->text : err_text(err));
}

/* Its job is committed with the recording. */
static void try_beside_again(struct renderer *r, const char *uid)
{
    struct render_job job = {.kind = RENDER_SIDECAR, .since_ns = clock_mono_ns(), .failed = true};
    snprintf(job.uid, sizeof job.uid, "%s", uid);
    look_later(r, job, FAILED_MAX_NS);
}

static void do_sidecar(struct thread *t, struct render_job *job)
{
    struct renderer *r = t->renderer;
    struct why why = {0};
    int err = sidecar_refresh(r->config.sound.data_dir, job->uid, &why);
    if (err == 0) {
        writer_job_gone(r->config.writer, kind_text[job->kind], job->uid);
        return;
    }
    if (err != SIDECAR_UNREADY)
        tell_stale(t, job->uid, err, &why);
    job->failed = err != SIDECAR_UNREADY;
    look_later(r, *job, err == SIDECAR_UNREADY ? PAUSE_MAX_NS : FAILED_MAX_NS);
}

/* ---- a recording ---- */

/* False when it has to be tried again: the job stays. */
static bool render(struct thread *t, struct call_record *r)
{
    struct why why = {0};
    char path[MEDIA_PATH_MAX];
    struct sound_config config = t->renderer->config.sound;
    config.counters = t->counters;
    config.peaks = true;
    int err = name_files(r, &config, path, &why);
    bool named = err == 0;
    if (err == 0 && media_left_behind(config.data_dir, path)) /* a crash cut the one who began it */
        r->recording.recovered = true;
    if (err == 0)
        err = confined_render(t->decoder, r, &config, config.data_dir, path, &why);
    bool unheard = r->recording.path.size == 0 || slice_is(r->recording.format, "tiff");
    if (named && (err || (unheard && r->recording.film_count == 0)))
        media_name_release(config.data_dir, path);
    if (err == ERR_BUSY) /* we stop */
        return false;
    bool later = err == ERR_FULL || err == ERR_NOMEM;
    if (err && (!later || is_news(t)))
        log_error("render", "call %s could not be rendered%s: %s", r->uid, later ? " yet" : "", why.text[0] ? why.text : err_text(err));
    if (later)
        return false;
    count_result(t->counters, r);
    coverage_count(t->counters, r);
    int beside = err ? 0 : sidecar_write(config.data_dir, r, &why);
    r->recording.sidecar_due = beside != 0;
    if (beside)
        tell_stale(t, r->uid, beside, &why);
    return true;
}

static bool is_waiting(const struct call_record *r)
{
    return r->recording.state && strcmp(r->recording.state, "spooling") == 0 && !record_waits_for_request(r);
}

/* What was spooled goes; what became of the call stands already. False when it has to be tried again: the job stays. */
static bool drop(struct thread *t, struct call_record *r)
{
    int err = media_drop(r, t->renderer->config.sound.data_dir, t->counters);
    bool later = err && err != ERR_INVALID && err != ERR_IO;
    if (later && is_news(t))
        log_error("render", "media of call %s, which the rules do not keep, cannot be taken out of the spool yet: %s", r->uid, err_text(err));
    if (later)
        return false;
    if (err)
        log_error("render", "media of call %s, which the rules do not keep, is damaged and stays in the spool until retention: %s", r->uid, err_text(err));
    r->recording.state = NULL;
    coverage_count(t->counters, r);
    return true;
}

/* The job stays; where it may help, it is tried again ahead of the next start. */
static void tell_unread(struct thread *t, const char *uid, int err)
{
    bool later = err == ERR_NOMEM || err == ERR_BUSY || err == ERR_IO || err == ERR_FULL;
    if (!later || is_news(t))
        log_error("render", "call %s, which is to be rendered, cannot be read%s: %s", uid, later ? " yet" : "", err_text(err));
    if (later)
        atomic_store(&t->renderer->missed, true);
}

static void do_call(struct thread *t, struct render_job *job)
{
    struct renderer *r = t->renderer;
    int err = job->record ? fetch_keys(r, job->record) : read_call(r, job->uid, &job->record);
    if (err == ERR_NOT_FOUND) {
        end_if_gone(t, job);
    } else if (err) {
        tell_unread(t, job->uid, err);
    } else if (!is_waiting(job->record)) { /* done; a crash kept the job */
        writer_rendered(r->config.writer, job->record);
        job->record = NULL;
    } else if (record_to_be_dropped(job->record)) {
        if (drop(t, job->record)) {
            writer_rendered(r->config.writer, job->record);
            job->record = NULL;
        } else {
            atomic_store(&r->missed, true);
        }
    } else if (render(t, job->record)) {
        bool beside_due = job->record->recording.sidecar_due;
        counters_observe(t->counters, C_FINALIZE, (double)(clock_mono_ns() - job->since_ns) / 1e9);
        writer_rendered(r->config.writer, job->record);
        job->record = NULL;
        if (beside_due)
            try_beside_again(r, job->uid);
    } else {
        atomic_store(&r->missed, true);
    }
}

/* ---- the tracks of a conference ---- */

static int tracks(struct thread *t, const struct render_job *job, struct call_record **ret_record, struct why *why)
{
    struct store_reader *reader = NULL;
    struct sound_config config = t->renderer->config.sound;
    config.counters = t->counters;
    bool wait = clock_mono_ns() - job->since_ns < TRACKS_WAIT_NS;
    int err = store_reader_open(config.data_dir, &reader);
    if (err == 0)
        err = store_call(reader, job->uid, ret_record);
    if (err == 0)
        err = tracks_render(t->decoder, *ret_record, reader, &config, wait, why);
    store_reader_close(reader);
    return err;
}

static void do_tracks(struct thread *t, struct render_job *job)
{
    struct renderer *r = t->renderer;
    struct why why = {0};
    int err = tracks(t, job, &job->record, &why);
    if (err == TRACKS_UNREADY) {
        record_free(job->record);
        job->record = NULL;
        look_later(r, *job, PAUSE_MAX_NS); /* records come through several workers: those of the others may be a moment behind */
        return;
    }
    if (err == ERR_NOT_FOUND && job->record == NULL) {
        end_if_gone(t, job);
        return;
    }
    if (err == ERR_BUSY) /* we stop: the job stays */
        return;
    if (err)
        log_error("render", "the conference of call %s could not be rendered: %s", job->uid, why.text[0] ? why.text : err_text(err));
    if (err == ERR_FULL || err == ERR_NOMEM) { /* the job stays */
        atomic_store(&r->missed, true);
    } else if (job->record) {
        writer_tracks(r->config.writer, job->record);
        job->record = NULL;
    }
}

static void do_job(struct thread *t, struct render_job *job)
{
    atomic_fetch_add(&t->renderer->busy, 1);
    switch (job->kind) {
    case RENDER_CALL:
        do_call(t, job);
        break;
    case RENDER_TRACKS:
        do_tracks(t, job);
        break;
    case RENDER_SIDECAR:
        do_sidecar(t, job);
        break;
    }
    record_free(job->record);
    free(job);
    atomic_fetch_sub(&t->renderer->busy, 1);
}

/* ---- the queue ---- */

/* Takes the record; NULL: of the call in the store. */
static void put_job(struct renderer *r, enum render_kind kind, const char *uid, struct call_record *record)
{
    struct render_job job = {.kind = kind, .record = record, .since_ns = clock_mono_ns()};
    snprintf(job.uid, sizeof job.uid, "%s", uid);
    if (render_queue_put(r->queue, &job))
        return;
    atomic_store(&r->missed, true);
    record_free(record);
}

static void load_job(void *context, const struct store_job *job)
{
    for (enum render_kind kind = RENDER_CALL; kind <= RENDER_SIDECAR; kind++) {
        if (strcmp(job->kind, kind_text[kind]) == 0)
            put_job(context, kind, job->uid, NULL);
    }
}

/* Jobs of the store. */
static void load_jobs(struct renderer *r)
{
    struct store_reader *reader;
    atomic_store(&r->missed, false);
    if (store_reader_open(r->config.sound.data_dir, &reader) != 0)
        return;
    store_jobs(reader, load_job, r);
    store_reader_close(reader);
}

static void *thread_main(void *context)
{
    struct thread *t = context;
    struct renderer *r = t->renderer;
    struct why why = {0};
    if (confined_start(t->decoder, t->first ? t->counters : NULL, &why) != 0)
        log_error("render", "%s; it is tried again with each recording", why.text);
    while (!render_queue_is_closed(r->queue)) {
        struct render_job *job = render_queue_take(r->queue, IDLE_MS);
        if (job)
            do_job(t, job);
        else if (t->first && atomic_load(&r->missed) && render_queue_is_empty(r->queue) && atomic_load(&r->busy) == 0)
            load_jobs(r);
    }
    return NULL;
}

static void renderer_free(struct renderer *r)
{
    render_queue_free(r->queue);
    if (r->config.confine.stop_fd >= 0)
        close(r->config.confine.stop_fd);
    free(r);
}

int renderer_start(const struct renderer_config *config, struct renderer **ret_renderer, struct why *why)
{
    struct renderer *r = calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_NOMEM;
    r->config = *config;
    r->config.confine.stop_fd = eventfd(0, EFD_CLOEXEC);
    r->queue = render_queue_new(QUEUE_MAX);
    unsigned wanted = config->threads ? config->threads : 1;
    for (unsigned i = 0; r->queue && i < wanted && i < THREADS_MAX; i++) {
        struct thread *t = &r->threads[i];
        *t = (struct thread){.renderer = r, .first = i == 0, .counters = counters_block(config->counters)};
        t->decoder = confined_new(&r->config.confine);
        if (t->counters == NULL || t->decoder == NULL || pthread_create(&t->id, NULL, thread_main, t) != 0) {
            confined_free(t->decoder);
            break;
        }
        r->count++;
    }
    if (r->count == 0) {
        why_set(why, "cannot start a render thread");
        renderer_free(r);
        return ERR_FULL;
    }
    load_jobs(r);
    *ret_renderer = r;
    return 0;
}

void renderer_stop(struct renderer *r)
{
    if (r == NULL)
        return;
    render_queue_close(r->queue);
    (void)eventfd_write(r->config.confine.stop_fd, 1);
    for (unsigned i = 0; i < r->count; i++) {
        pthread_join(r->threads[i].id, NULL);
        confined_free(r->threads[i].decoder);
    }
    renderer_free(r);
}

void renderer_put(struct renderer *r, struct call_record *record)
{
    if (tracks_wanted(record))
        put_job(r, RENDER_TRACKS, record->uid, NULL);
    if (is_waiting(record))
        put_job(r, RENDER_CALL, record->uid, record);
    else
        record_free(record);
}

/* Rendering may have been committed with what was said, or since: then nobody else ends the job. What fails is told by the thread that tries it
 * again. */
void renderer_sidecar(struct renderer *r, const char *uid)
{
    struct why why;
    if (sidecar_refresh(r->config.sound.data_dir, uid, &why) == 0)
        writer_job_gone(r->config.writer, STORE_SIDECAR_JOB, uid);
    else
        put_job(r, RENDER_SIDECAR, uid, NULL);
}

size_t renderer_depth(struct renderer *r)
{
    return render_queue_depth(r->queue) + atomic_load(&r->busy);
}
