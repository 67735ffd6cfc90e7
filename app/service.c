/* Start and stop of everything, left to right and right to left. */
#include "app/service.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/exports.h"
#include "api/server.h"
#include "app/conversions.h"
#include "app/importer.h"
#include "app/limits.h"
#include "app/listen.h"
#include "app/live_view.h"
#include "app/media_drop.h"
#include "app/key_hide.h"
#include "app/messages.h"
#include "app/on_demand.h"
#include "app/named.h"
#include "app/policies.h"
#include "app/recover.h"
#include "app/renderer.h"
#include "app/retention.h"
#include "app/retention_terms.h"
#include "app/setup.h"
#include "app/finding_store.h"
#include "app/upgrade.h"
#include "app/user_store.h"
#include "app/webhook.h"
#include "app/wire.h"
#include "app/writer.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "capture/call/user_event.h"
#include "storage/store_columns.h"
#include "storage/disk.h"

#define LISTEN_LOOK_MS 400
#define DISK_LOW_BYTES ((uint64_t)64 << 20)
#define FILE_RECORDS_WAITING 512 /* where the front may wait, no more memory than that */
/* Whoever is followed is told apart by its own clock; this is for those who are not any more. */
#define OVERDUE_AFTER_US (60 * INT64_C(1000000))

struct service {
    const struct settings *settings;
    struct service_config config;
    int lock_fd;
    struct counters_set *counters_set;
    struct counters *counters;      /* of the thread that runs the service */
    struct counters *gauges;        /* of whoever asks for /metrics; set, never added */
    struct store_reader *gauge_reader; /* of the same */
    struct kpi_book_config kpi;
    struct writer *writer;
    struct renderer *renderer;
    struct confine_config confine; /* of the renderer and of listeners */
    struct retention *retention;
    /* Of renderer, retention and webhook, against the writer's thread: it tells them as long as they are there, and outlives them. Taken while
     * they are told, which waits for nothing. */
    pthread_mutex_t told_lock;
    pthread_mutex_t pipeline_lock; /* HTTP threads look into the pipeline only while it is there */
    struct pipeline *pipeline;
    struct wire *wire;
    struct listening *listening;
    struct conversions *conversions;
    struct importer *importer; /* NULL: without the API */
    struct policies *policies;
    struct named_places *named;
    struct webhook *webhook; /* NULL: nobody is told */
    struct columns *columns; /* of lists; NULL: none are kept */
    struct live_events *live_events; /* NULL: without the API */
    struct exports *exports;         /* the same */
    struct api_server *api;
    struct upgrade *upgrade;
    struct spool_config spool;
    struct source_stats source_stats; /* at the last look */
    int64_t looked_ns;                /* packet time of that look */
    _Atomic int64_t last_packet_ns;
    _Atomic bool capturing;
    _Atomic bool finished;
    char first_token[80];
};

/* ---- what HTTP asks ---- */

/* 64 MiB, of a small disk an eighth. */
static bool disk_has_room(const char *data_dir)
{
    uint64_t free_bytes, total_bytes;
    if (disk_free(data_dir, &free_bytes, &total_bytes) != 0)
        return false;
    return free_bytes >= (DISK_LOW_BYTES < total_bytes / 8 ? DISK_LOW_BYTES : total_bytes / 8);
}

static void health(void *context, struct api_health *ret)
{
    struct service *s = context;
    uint64_t refused = counters_sum(s->counters_set, C_SPOOL_FAILING), slow = counters_sum(s->counters_set, C_SPOOL_SLOW);
    bool room = disk_has_room(s->settings->data_dir);
    *ret = (struct api_health){
        .capture_up = atomic_load(&s->capturing),
        .finished = atomic_load(&s->finished),
        .database_ok = writer_error(s->writer) == 0,
        .disk_ok = room && refused == 0 && slow == 0,
        .last_packet_us = atomic_load(&s->last_packet_ns) / 1000,
    };
    if (!ret->database_ok)
        snprintf(ret->detail, sizeof ret->detail, "the database does not take records: %s",
                 err_text(writer_error(s->writer)));
    else if (refused)
        snprintf(ret->detail, sizeof ret->detail, "the disk does not take media: %.120s/spool cannot be written",
                 s->settings->data_dir);
    else if (slow)
        snprintf(ret->detail, sizeof ret->detail, "the disk is slow: a write to %.120s/spool took more than a second",
                 s->settings->data_dir);
    else if (!room)
        snprintf(ret->detail, sizeof ret->detail, "hardly anything is free in %.120s", s->settings->data_dir);
    else if (!ret->capture_up && !ret->finished)
        snprintf(ret->detail, sizeof ret->detail, "capture on %.120s has stopped", s->config.source_name);
}

static void refresh_user_gauges(struct service *s)
{
    struct store_user_counts c;
    if (s->gauge_reader == NULL || store_user_counts(s->gauge_reader, &c) != 0)
        return;
    counters_set(s->gauges, C_REGISTRATIONS_ACTIVE, c.registered);
    counters_set(s->gauges, C_PEERS + 0, c.peers_up);
    counters_set(s->gauges, C_PEERS + 1, c.peers_down);
}

static void refresh_gauges(void *context)
{
    struct service *s = context;
    uint64_t free_bytes = 0;
    size_t depth = 0, capacity = 0;
    pthread_mutex_lock(&s->pipeline_lock);
    if (s->pipeline)
        pipeline_depth(s->pipeline, &depth, &capacity);
    pthread_mutex_unlock(&s->pipeline_lock);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 0, COUNTERS_QUEUE_UP, depth);
    counters_set(s->gauges, C_QUEUE_CAPACITY + 0, capacity);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 1, COUNTERS_QUEUE_UP, writer_depth(s->writer));
    counters_set(s->gauges, C_QUEUE_CAPACITY + 1, 65536);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 2, COUNTERS_QUEUE_UP, renderer_depth(s->renderer));
    counters_set(s->gauges, C_QUEUE_CAPACITY + 2, 4096);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 3, COUNTERS_QUEUE_UP, s->webhook ? webhook_depth(s->webhook) : 0);
    counters_set(s->gauges, C_QUEUE_CAPACITY + 3, s->webhook ? (uint64_t)s->settings->webhook_queue : 0);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 4, COUNTERS_QUEUE_UP, exports_waiting(s->exports));
    counters_set(s->gauges, C_QUEUE_CAPACITY + 4, EXPORTS_WAITING);
    limits_refresh(s->settings, s->counters_set, s->gauges, conversions_busy(s->conversions),
                   s->columns ? columns_bytes(s->columns) : 0);
    if (disk_free(s->settings->data_dir, &free_bytes, NULL) == 0)
        counters_set(s->gauges, C_STORAGE_FREE, free_bytes);
    refresh_user_gauges(s);
}

static void limits(void *context, struct json *j)
{
    struct service *s = context;
    limits_json(j, s->settings, s->counters_set);
}

static void webhook_list(void *context, struct json *j)
{
    struct service *s = context;
    if (s->webhook)
        webhook_json(s->webhook, j);
}

static bool webhook_known(void *context, const char *name)
{
    return ((struct service *)context)->webhook && strcmp(name, WEBHOOK_NAME) == 0;
}

static int webhook_try(void *context, const char *name, const char *actor, char ret_id[API_WEBHOOK_ID_SIZE])
{
    (void)name;
    return webhook_test(((struct service *)context)->webhook, actor, ret_id);
}

static int audit(void *context, const struct store_audit *entry)
{
    struct service *s = context;
    return writer_audit(s->writer, entry);
}

static int put_token(void *context, const struct store_token *token)
{
    return writer_token(((struct service *)context)->writer, token);
}

static void token_used(void *context, const char *id, int64_t used_us)
{
    writer_token_used(((struct service *)context)->writer, id, used_us);
}

static int put_account(void *context, const struct store_account *account)
{
    return writer_account(((struct service *)context)->writer, account);
}

static int account_used(void *context, const char *name, int64_t used_us)
{
    return writer_account_used(((struct service *)context)->writer, name, used_us);
}

static int drop_account(void *context, const char *name)
{
    return writer_account_gone(((struct service *)context)->writer, name);
}

static int delete_recording(void *context, const char *uid, const char *actor, uint32_t *ret_files, uint64_t *ret_bytes)
{
    struct service *s = context;
    return retention_delete(s->retention, uid, actor, ret_files, ret_bytes);
}

static int retention(void *context, struct api_retention *ret)
{
    struct service *s = context;
    struct retention_limits limits;
    struct retention_use use;
    int err = retention_look(s->retention, &limits, &use);
    if (err)
        return err;
    for (unsigned c = 0; c < RETAIN_CLASSES; c++) {
        ret->classes[c].max_age_s = limits.age_us[c] / 1000000;
        ret->classes[c].max_bytes = limits.bytes[c];
        ret->classes[c].bytes = use.bytes[c];
        ret->classes[c].protected_bytes = use.protected_bytes[c];
    }
    ret->min_free_bytes = limits.min_free;
    ret->free_bytes = use.free_bytes;
    ret->low = retention_is_low(&limits, &use);
    ret->source = limits.from_api ? "api" : "configuration";
    terms_tag(&limits, NULL, ret->tag);
    return 0;
}

/* Terms as a request puts them, and those that they were compared with. */
struct terms_of_request {
    struct retention_limits before, after;
};

static int read_terms(void *context, struct slice body, struct api_terms *ret, struct why *why)
{
    struct service *s = context;
    struct terms_of_request *q = calloc(1, sizeof *q);
    if (q == NULL)
        return ERR_NOMEM;
    retention_terms(s->retention, &q->before);
    int err = terms_parse(body, &q->before, &q->after, ret->field, why);
    if (err) {
        free(q);
        return err;
    }
    terms_tell_change(&q->before, &q->after, ret->change);
    ret->shorter = terms_are_shorter(&q->before, &q->after);
    terms_tag(&q->before, NULL, ret->tag_now);
    terms_tag(&q->before, &q->after, ret->tag_tried);
    ret->terms = q;
    return 0;
}

static int try_terms(void *context, const struct api_terms *terms, struct api_would_go ret[API_RETENTION_CLASSES], bool *ret_complete)
{
    struct service *s = context;
    const struct terms_of_request *q = terms->terms;
    struct retention_would would;
    int err = retention_try(s->retention, &q->after, &would);
    for (unsigned c = 0; c < RETAIN_CLASSES && err == 0; c++)
        ret[c] = (struct api_would_go){would.classes[c].things, would.classes[c].files, would.classes[c].bytes, would.classes[c].oldest_us,
                                       would.classes[c].newest_us};
    *ret_complete = would.complete;
    return err;
}

static int put_terms(void *context, const struct api_terms *terms)
{
    struct service *s = context;
    const struct terms_of_request *q = terms->terms;
    return retention_put_terms(s->retention, &q->before, &q->after);
}

static void drop_terms(void *context, struct api_terms *terms)
{
    (void)context;
    free(terms->terms);
}

/* What retention would not take from something else. */
static uint64_t export_room(void *context)
{
    struct service *s = context;
    struct retention_limits terms;
    struct retention_use use = {0};
    retention_terms(s->retention, &terms);
    if (disk_free(s->settings->data_dir, &use.free_bytes, &use.total_bytes) != 0)
        return 0;
    uint64_t kept = retention_free_least(&terms, &use);
    return use.free_bytes > kept ? use.free_bytes - kept : 0;
}

static void retention_run(void *context)
{
    struct service *s = context;
    retention_wake(s->retention);
}

static int put_tags(void *context, const char *uid, int64_t started_us, const struct record_tags *tags)
{
    struct service *s = context;
    int err = writer_tags(s->writer, uid, started_us, tags);
    if (err == 0)
        renderer_sidecar(s->renderer, uid);
    return err;
}

static int change_tags(void *context, const struct record_tag_change *change, struct store_tagged *calls, unsigned count)
{
    struct service *s = context;
    int err = writer_tags_of_many(s->writer, change, calls, count);
    for (unsigned i = 0; i < count && err == 0; i++)
        if (calls[i].recorded && calls[i].verdict == RECORD_TAGS_CHANGED)
            renderer_sidecar(s->renderer, calls[i].uid);
    return err;
}

static int put_note(void *context, struct store_note *note)
{
    struct service *s = context;
    int err = writer_note(s->writer, note);
    if (err == 0 && note->refused == 0)
        renderer_sidecar(s->renderer, note->uid);
    return err;
}

/* ---- rules ---- */

static void rules_show(void *context, struct buf *json)
{
    policies_show(((struct service *)context)->policies, json);
}

static int rules_read(void *context, struct slice body, void **ret_set, struct buf *change, struct why *why)
{
    struct rules *set = NULL;
    int err = policies_read(((struct service *)context)->policies, body, &set, change, why);
    *ret_set = set;
    return err;
}

static int rules_put(void *context, void *set, struct why *why)
{
    int err = policies_put(((struct service *)context)->policies, set, why);
    rules_let_go(set);
    return err;
}

static void rules_drop(void *context, void *set)
{
    (void)context;
    rules_let_go(set);
}

static int rules_try(void *context, struct slice body, const struct call_record *r, struct slice invite, struct buf *json, struct why *why)
{
    return policies_try(((struct service *)context)->policies, body, r, invite, json, why);
}

static bool rules_by_headers(void *context)
{
    return policies_by_headers(((struct service *)context)->policies);
}

static bool rules_compare_by_headers(const void *compare)
{
    return policies_compare_by_headers(compare);
}

static int rules_compare(void *context, struct slice body, void **ret_compare, struct why *why)
{
    struct policies_compare *c = NULL;
    int err = policies_compare_begin(((struct service *)context)->policies, body, &c, why);
    *ret_compare = c;
    return err;
}

static void rules_compare_call(void *compare, const struct call_record *r, struct slice invite)
{
    policies_compare_call(compare, r, invite);
}

static void rules_compare_end(void *compare, bool truncated, struct buf *json)
{
    policies_compare_end(compare, truncated, json);
}

static_assert((int)API_REQUEST_FAILED == (int)ON_DEMAND_FAILED && (int)API_REQUEST_TOO_LATE == (int)ON_DEMAND_TOO_LATE, "the same order");

static enum api_request_answer request_live(void *context, const struct live_want *want)
{
    struct service *s = context;
    struct on_demand_live live = {.want = want, .answer = ON_DEMAND_NO_CALL};
    pthread_mutex_lock(&s->pipeline_lock);
    if (s->pipeline)
        pipeline_look(s->pipeline, on_demand_look, &live, LISTEN_LOOK_MS);
    pthread_mutex_unlock(&s->pipeline_lock);
    return (enum api_request_answer)live.answer;
}

static enum api_request_answer request_stored(void *context, struct call_record *r)
{
    struct service *s = context;
    return (enum api_request_answer)on_demand_stored(s->writer, r, s->settings->on_demand_wait, clock_wall_ns() / 1000);
}

/* Between the end of a file and the stop there is no pipeline to look into. */
static int live_snapshot(void *context, const struct live_want *want, unsigned max, struct live_call **ret_calls,
                         unsigned *ret_count)
{
    struct service *s = context;
    int err = 0;
    *ret_calls = NULL;
    *ret_count = 0;
    pthread_mutex_lock(&s->pipeline_lock);
    if (s->pipeline)
        err = live_view_snapshot(s->pipeline, want, max, ret_calls, ret_count);
    pthread_mutex_unlock(&s->pipeline_lock);
    return err;
}

static bool look_for_listener(void *context, pipeline_look_fn *look, void *look_context)
{
    struct service *s = context;
    pthread_mutex_lock(&s->pipeline_lock);
    bool done = s->pipeline == NULL || pipeline_look(s->pipeline, look, look_context, LISTEN_LOOK_MS);
    pthread_mutex_unlock(&s->pipeline_lock);
    return done;
}

static int live_listen(void *context, const struct live_want *want, struct live_audio *ret_audio)
{
    struct service *s = context;
    return listening_open(s->listening, want, ret_audio);
}

static int live_pause(void *context, const struct live_want *want, const struct live_pause *ask, struct live_call *ret_call)
{
    struct service *s = context;
    pthread_mutex_lock(&s->pipeline_lock);
    struct live_pause now = *ask;
    now.not_before_us = s->config.lossless ? 0 : clock_wall_ns() / 1000;
    int err = s->pipeline ? live_view_pause(s->pipeline, want, &now, ret_call) : ERR_NOT_FOUND;
    pthread_mutex_unlock(&s->pipeline_lock);
    return err;
}

/* ---- what records do ---- */

static void take_record(void *context, struct call_record *record)
{
    struct service *s = context;
    writer_record(s->writer, record);
}

static void take_spool_mark(void *context, uint32_t segment)
{
    struct service *s = context;
    writer_spool_mark(s->writer, segment);
}

static void take_call_event(void *context, enum worker_call_event event, struct call_record *record)
{
    struct service *s = context;
    webhook_put(s->webhook, event, record);
    record_free(record);
}

static void take_render(void *context, struct call_record *record)
{
    struct service *s = context;
    pthread_mutex_lock(&s->told_lock);
    if (s->renderer)
        renderer_put(s->renderer, record);
    else
        record_free(record); /* its job stands in the store: the renderer takes it at its start */
    pthread_mutex_unlock(&s->told_lock);
}

static void take_rendered(void *context, const struct call_record *record, bool tracks)
{
    struct service *s = context;
    bool told = !record_is_imported(record);
    pthread_mutex_lock(&s->told_lock);
    if (s->retention) /* else it is found by the first walk */
        retention_rendered(s->retention, record);
    if (told && tracks)
        webhook_put_tracks(s->webhook, record);
    else if (told)
        webhook_put(s->webhook, WEBHOOK_RECORDED, record);
    pthread_mutex_unlock(&s->told_lock);
}

static void take_unwanted(void *context, const struct call_record *record)
{
    struct service *s = context;
    media_remove(record, s->settings->data_dir);
}

/* A database that takes nothing keeps no row of a resume, so there is none. */
static bool take_control(void *context, const struct worker_control *c)
{
    struct service *s = context;
    const struct store_audit entry = {.time_us = clock_wall_ns() / 1000,
                                      .actor = c->actor,
                                      .address = "",
                                      .action = c->resume ? "recording.resume" : "recording.pause",
                                      .object = c->uid,
                                      .result = c->accepted ? "ok" : "denied",
                                      .detail = c->detail};
    if (c->resume && c->accepted && writer_error(s->writer))
        return false;
    return writer_audit_later(s->writer, &entry);
}

static void take_user(void *context, enum user_kind kind, void *record)
{
    struct service *s = context;
    writer_user(s->writer, kind, record, s->config.lossless);
}

static void take_registration(struct service *s, const struct user_register_done *d)
{
    struct writer_registration r = {.at_us = d->at_ns / 1000,
                                    .rrd_ms = d->rrd_ns < 0 ? NAN : (double)d->rrd_ns / 1e6,
                                    .code = d->code,
                                    .success = d->success};
    if (d->trunk)
        snprintf(r.trunk, sizeof r.trunk, "%s", d->trunk);
    writer_registration(s->writer, &r, s->config.lossless);
}

static void tell_finding(struct service *s, const struct finding *finding, const char *line)
{
    struct finding_record record;
    log_warn("finding", "%s", line);
    if (webhook_events(s->webhook) == 0)
        return;
    finding_record_fill(&record, finding);
    webhook_alert(s->webhook, &record);
}

static void take_user_event(void *context, const struct event *event)
{
    char line[FINDING_LINE_SIZE];
    if (event->kind == EVENT_REGISTER_DONE) {
        take_registration(context, (const void *)event->body.data);
        return;
    }
    if (event->kind == EVENT_FINDING && finding_line((const void *)event->body.data, line))
        tell_finding(context, (const void *)event->body.data, line);
    user_store_event(event, take_user, context);
}

/* ---- starting ---- */

static int lock_data_dir(struct service *s, struct why *why)
{
    char path[600];
    const char *dir = s->settings->data_dir;
    int err = disk_check_writable(dir, why);
    if (err)
        return err;
    snprintf(path, sizeof path, "%s/lock", dir);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) {
        why_set(why, "cannot write to the data directory %s: %s; make it writable for this user or set [storage] data_dir",
                dir, strerror(errno));
        return err_of_errno(errno);
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        why_set(why, "another earshot uses the data directory %s; stop it or set another [storage] data_dir", dir);
        return ERR_BUSY;
    }
    return 0;
}

static int make_first_token(struct service *s, struct store *store)
{
    struct store_reader *reader = NULL;
    struct store_token token;
    unsigned count = 0;
    int err = store_reader_open(s->settings->data_dir, &reader);
    if (err == 0)
        err = store_token_count(reader, &count);
    store_reader_close(reader);
    if (err || count)
        return err;
    api_token_make("first start", "admin", clock_wall_ns() / 1000, s->first_token, &token);
    err = store_put_token(store, &token);
    return err ? err : store_commit(store);
}

static int start_storage(struct service *s, struct pipeline_config *pipeline, struct why *why)
{
    struct store *store = NULL;
    int err = store_open(s->settings->data_dir, s->counters, &store, why);
    if (err)
        return err;
    if (s->settings->list_memory && s->settings->api_enabled)
        s->columns = columns_new((size_t)s->settings->list_memory);
    store_shares(store, s->columns);
    err = setup_kpi(s->settings, &s->kpi, why);
    if (err == 0)
        err = store_kpi_open(store, &s->kpi);
    if (err == 0)
        err = store_secret(store, "id_secret", pipeline->front.id_secret);
    if (err == 0)
        err = make_first_token(s, store);
    struct writer_config writer = {
        .commit_interval_ms = (int)(s->settings->commit_interval / 1000000),
        .inbox_max = s->config.lossless ? FILE_RECORDS_WAITING : 0,
        .patient = s->config.lossless,
        .context = s,
        .render = take_render,
        .rendered = take_rendered,
        .unwanted = take_unwanted,
    };
    if (err == 0)
        err = writer_start(&writer, store, counters_block(s->counters_set), &s->writer, why);
    if (err)
        store_close(store);
    return err;
}

static int start_recovery(struct service *s, const struct pipeline_config *pipeline, struct why *why)
{
    unsigned calls = 0;
    struct retention_limits terms;
    int err = terms_in_force(s->settings, s->settings->data_dir, &terms, why);
    int64_t age_us = err || s->config.lossless ? 0 : terms.age_us[RETAIN_CALLS];
    struct recover_config config = {
        .data_dir = s->settings->data_dir,
        .pipeline = pipeline,
        .spool = &s->spool,
        .writer = s->writer,
        .counters = s->counters,
        .gone_us = age_us ? clock_wall_ns() / 1000 - age_us : 0,
    };
    if (err == 0)
        err = recover_calls(&config, &calls, why);
    if (err == 0 && calls)
        log_warn("recover", "%u calls were cut by a crash; they end as restart", calls);
    return err;
}

static int start_retention(struct service *s, struct why *why)
{
    struct retention_config config = {
        .data_dir = s->settings->data_dir,
        .writer = s->writer,
        .counters = s->counters_set,
        .live = !s->config.lossless,
    };
    int err = terms_in_force(s->settings, s->settings->data_dir, &config.limits, why);
    if (err)
        return err;
    terms_begin(s->settings->data_dir, s->writer, &config.limits);
    return retention_start(&config, &s->retention, why);
}

/* In the order of the setting. */
static const char *const LOCAL_ROLES[] = {"all", "none", "viewer", "analyst", "listener", "supervisor", "admin", "auditor"};

/* Who listens to live calls, and who gets a recording in another form. */
static int start_sound(struct service *s)
{
    const struct listening_config listening = {
        .max = (unsigned)s->settings->listeners_max,
        .counters = counters_block(s->counters_set),
        .confine = &s->confine,
        .context = s,
        .look = look_for_listener,
    };
    const struct conversions_config conversions = {
        .max = (unsigned)s->settings->conversions_max,
        .counters = counters_block(s->counters_set),
        .confine = &s->confine,
        .data_dir = s->settings->data_dir,
    };
    s->listening = listening.counters ? listening_new(&listening) : NULL;
    s->conversions = conversions.counters ? conversions_new(&conversions) : NULL;
    return s->listening && s->conversions ? 0 : ERR_NOMEM;
}

static int start_exports(struct service *s, struct why *why)
{
    const struct exports_config exports = {
        .data_dir = s->settings->data_dir,
        .counters = s->counters_set,
        .describe = message_describe,
        .version = EARSHOT_VERSION,
        .max_bytes = (uint64_t)s->settings->exports_max_size,
        .max_all_bytes = (uint64_t)s->settings->exports_max_total,
        .keep_us = s->settings->exports_keep / 1000,
        .context = s,
        .audit = audit,
        .room = export_room,
    };
    return exports_start(&exports, &s->exports, why);
}

static int start_http(struct service *s, struct why *why)
{
    if (!s->settings->api_enabled)
        return 0;
    int err = store_reader_open(s->settings->data_dir, &s->gauge_reader);
    if (err == 0)
        err = start_sound(s);
    if (err == 0)
        err = start_exports(s, why);
    if (err)
        return err;
    struct api_config config = {
        .bind_address = s->settings->api_bind,
        .behind_proxy = s->settings->api_behind_proxy,
        .proxies = s->settings->api_proxies,
        .tls_certificate = s->settings->api_certificate,
        .tls_private_key = s->settings->api_private_key,
        .hosts = s->settings->api_hosts,
        .rate = (unsigned)s->settings->api_rate,
        .port = (uint16_t)s->settings->api_port,
        .data_dir = s->settings->data_dir,
        .web_root = s->settings->api_web_root,
        .counters = s->counters_set,
        .live = {.context = s, .snapshot = live_snapshot, .listen = live_listen, .pause = live_pause},
        .live_events = s->live_events,
        .context = s,
        .health = health,
        .refresh_gauges = refresh_gauges,
        .limits = limits,
        .audit = audit,
        .put_tags = put_tags,
        .change_tags = change_tags,
        .put_note = put_note,
        .access = {.put_token = put_token, .token_used = token_used, .put_account = put_account, .account_used = account_used, .drop_account = drop_account},
        .session_idle_us = s->settings->api_session_idle / 1000,
        .session_max_us = s->settings->api_session_max / 1000,
        .local_role = LOCAL_ROLES[s->settings->api_local],
        .describe = message_describe,
        .hide_keys = key_hide,
        .delete_recording = delete_recording,
        .retention = {.show = retention, .run = retention_run, .read = read_terms, .dry_run = try_terms, .put = put_terms, .let_go = drop_terms},
        .policies = {.context = s, .show = rules_show, .read = rules_read, .put = rules_put, .let_go = rules_drop, .dry_run = rules_try,
                     .by_headers = rules_by_headers, .compare_by_headers = rules_compare_by_headers, .compare = rules_compare, .compare_call = rules_compare_call, .compare_end = rules_compare_end,
                     .request_live = request_live, .request_stored = request_stored},
        .named = {.context = s->named, .each = named_each, .change = named_change, .alias_of = named_alias_of, .network = places_network},
        .exports = s->exports,
        .sound = {.context = s->conversions, .convert = conversions_open, .peaks = conversions_peaks},
        .imports = importer_source(s->importer),
        .webhooks = {.context = s, .list = webhook_list, .known = webhook_known, .test = webhook_try},
        .columns = s->columns,
        .version = EARSHOT_VERSION,
        .kpi_rules = &s->kpi.rules,
    };
    return api_start(&config, &s->api, why);
}

static int start_webhook(struct service *s, struct why *why)
{
    struct webhook_config config;
    int err = webhook_configure(s->settings, &config, why);
    if (err == 0)
        err = webhook_start(&config, s->settings->data_dir, s->counters_set, &s->webhook, why);
    crypto_wipe(config.secret, sizeof config.secret);
    return err;
}

/* Recovery and imports tell nobody: their calls are over. */
static void tell_webhook(struct service *s, struct worker_config *worker)
{
    worker->call_events = webhook_events(s->webhook);
    worker->call_event = worker->call_events ? take_call_event : NULL;
}

/* Neither here. */
static int start_live_events(struct service *s, struct worker_config *worker)
{
    if (!s->settings->api_enabled)
        return 0;
    worker->live = s->live_events = live_events_new((unsigned)s->settings->watchers_max);
    return s->live_events ? 0 : ERR_NOMEM;
}

/* It knows nothing of who is told of live calls. */
static int start_importer(struct service *s, const struct pipeline_config *pipeline, struct why *why)
{
    const struct importer_config config = {
        .settings = s->settings,
        .pipeline = pipeline,
        .spool = &s->spool,
        .named = s->named,
        .writer = s->writer,
        .renderer = s->renderer,
        .counters = counters_block(s->counters_set),
    };
    if (!s->settings->api_enabled)
        return 0;
    return config.counters ? importer_start(&config, &s->importer, why) : ERR_NOMEM;
}

static int start_pipeline(struct service *s, struct pipeline_config *config, struct why *why)
{
    config->workers = (unsigned)s->settings->workers;
    config->lossless = s->config.lossless;
    config->worker.spool = &s->spool;
    config->worker.early_rows = !s->config.batch;
    config->worker.spool_mark = take_spool_mark;
    int err = pipeline_new(config, &s->pipeline, why);
    if (err == 0)
        err = wire_start(s->wire, s->pipeline, why);
    atomic_store(&s->capturing, err == 0);
    return err;
}

/* Decoders write recordings and nothing else. */
static int configure_confine(struct service *s, struct confine_config *ret_config)
{
    char audio[4096];
    snprintf(audio, sizeof audio, "%s/audio", s->settings->data_dir);
    int err = confine_configure(s->settings, &s->config.decoder, s->settings->data_dir, audio, &s->confine);
    *ret_config = s->confine;
    return err;
}

static int start_places(struct service *s, struct why *why)
{
    const struct named_config named = {.data_dir = s->settings->data_dir, .settings = s->settings};
    int err = named_open(&named, &s->named, why);
    if (err == 0)
        err = wire_open_with(s->settings, named_all(s->named), &s->wire, why);
    if (err == 0)
        named_begin(s->named, s->wire, s->counters_set, s->gauges);
    return err;
}

static int start_all(struct service *s, struct why *why)
{
    struct pipeline_config pipeline;
    s->counters_set = counters_set_new();
    s->counters = s->counters_set ? counters_block(s->counters_set) : NULL;
    s->gauges = s->counters_set ? counters_block(s->counters_set) : NULL;
    if (s->gauges == NULL)
        return ERR_NOMEM;
    if (s->config.ifaces == NULL)
        counters_name_iface(s->counters_set, 0, s->config.source_name);
    for (unsigned i = 0; s->config.ifaces && i < s->config.iface_count; i++)
        counters_name_iface(s->counters_set, i, s->config.ifaces[i]);
    setup_spool(s->settings, s->settings->data_dir, &s->spool);
    setup_pipeline(s->settings, NULL, &pipeline);
    pipeline.front.seed = hash_seed_random();
    pipeline.counters = s->counters_set;
    pipeline.worker.context = s;
    pipeline.worker.emit = take_record;
    pipeline.worker.user_event = take_user_event;
    pipeline.worker.control = take_control;
    pipeline.worker.hold_keys = s->settings->api_enabled && s->settings->listeners_max > 0;
    struct renderer_config renderer = {
        .sound = setup_sound(s->settings, s->settings->data_dir),
        .threads = (unsigned)s->settings->render_threads,
        .counters = s->counters_set,
    };
    int err = configure_confine(s, &renderer.confine);
    if (err == 0)
        err = lock_data_dir(s, why);
    if (err == 0)
        err = start_places(s, why);
    if (err)
        return err;
    wire_configure(s->wire, &pipeline.front);
    const struct policies_config rules = {.data_dir = s->settings->data_dir, .settings = s->settings};
    pipeline.worker.identity.stir = wire_stir(s->wire);
    wire_label_counters(s->wire, s->counters_set, s->gauges);
    counters_limit_series(s->counters_set, (uint64_t)s->settings->metrics_max_series);
    err = policies_open(&rules, &s->policies, why);
    pipeline.worker.book = s->policies ? policies_book(s->policies) : NULL;
    if (err == 0)
        err = start_storage(s, &pipeline, why);
    if (err == 0)
        policies_begin(s->policies, s->writer);
    if (err == 0)
        err = start_recovery(s, &pipeline, why);
    renderer.writer = s->writer;
    if (err == 0)
        err = start_retention(s, why);
    if (err == 0)
        err = start_webhook(s, why);
    if (err == 0)
        err = renderer_start(&renderer, &s->renderer, why);
    if (err == 0)
        err = start_importer(s, &pipeline, why);
    tell_webhook(s, &pipeline.worker);
    if (err == 0)
        err = start_live_events(s, &pipeline.worker);
    if (err == 0)
        err = start_pipeline(s, &pipeline, why);
    if (err == 0)
        err = start_http(s, why);
    if (err == 0)
        err = upgrade_start(s->settings->data_dir, &s->upgrade, why);
    return err;
}

int service_start(const struct service_config *config, struct service **ret_service, struct why *why)
{
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->config = *config;
    s->settings = config->settings;
    s->lock_fd = -1;
    pthread_mutex_init(&s->told_lock, NULL);
    pthread_mutex_init(&s->pipeline_lock, NULL);
    int err = start_all(s, why);
    if (err) {
        if (why->text[0] == '\0')
            why_set(why, "cannot start: %s", err_text(err));
        service_stop(s);
        return err;
    }
    *ret_service = s;
    return 0;
}

/* ---- running ---- */

void service_frame(struct service *s, const struct frame *frame)
{
    atomic_store_explicit(&s->last_packet_ns, frame->time_ns, memory_order_relaxed);
    pipeline_frame(s->pipeline, frame);
}

void service_tick(struct service *s, int64_t now_ns)
{
    pipeline_tick(s->pipeline, now_ns);
}

void service_poll(struct service *s)
{
    wire_poll(s->wire, s->pipeline);
}

void service_source_stats(struct service *s, const struct source_stats *now)
{
    const struct source_stats *then = &s->source_stats;
    if (now->kernel_drops > then->kernel_drops) {
        counters_add(s->counters, C_DROPS + 0, now->kernel_drops - then->kernel_drops);
        pipeline_capture_lost(s->pipeline, now->kernel_drops - then->kernel_drops, s->looked_ns);
        log_warn("capture", s->config.lossless ? "%llu frames are missing: the capture itself says that it dropped them"
                                               : "%llu frames dropped by the kernel since the last look; a larger [capture] ring_size helps",
                 (unsigned long long)(now->kernel_drops - then->kernel_drops));
    }
    if (now->nic_drops > then->nic_drops)
        counters_add(s->counters, C_DROPS + 1, now->nic_drops - then->nic_drops);
    for (unsigned i = 0; i < SOURCE_REFUSALS; i++)
        counters_add(s->counters, C_HEP_REFUSED + i, now->refused[i] - then->refused[i]);
    s->source_stats = *now;
    s->looked_ns = atomic_load_explicit(&s->last_packet_ns, memory_order_relaxed);
}

/* Nobody looks into the pipeline from here on; what is open ends as `cut`. */
static void end_pipeline(struct service *s)
{
    pthread_mutex_lock(&s->pipeline_lock);
    struct pipeline *p = s->pipeline;
    s->pipeline = NULL;
    pthread_mutex_unlock(&s->pipeline_lock);
    pipeline_finish(p, CALL_END_CUT);
    if (s->writer)
        writer_flush(s->writer);
}

/* Whoever reads that it is finished finds all of it. */
void service_finish_input(struct service *s)
{
    end_pipeline(s);
    atomic_store(&s->finished, true);
    atomic_store(&s->capturing, false);
}

bool service_busy(struct service *s)
{
    return renderer_depth(s->renderer) > 0 || writer_depth(s->writer) > 0;
}

static int64_t day_before(int64_t now_us, int64_t age_ns)
{
    return age_ns ? now_us - age_ns / 1000 : 0;
}

/* Keys of media that is there no more; 0: none go, or it is not known now. */
static int64_t keys_before(const struct service *s, int64_t now_us, int64_t age_us)
{
    struct store_reader *reader = NULL;
    int64_t before_us = 0;
    int err = age_us ? store_reader_open(s->settings->data_dir, &reader) : 0;
    if (err == 0 && reader)
        err = store_spool_begins(reader, now_us, age_us, &before_us);
    store_reader_close(reader);
    return err ? 0 : before_us;
}

void service_reload(struct service *s)
{
    struct why why = {0};
    if (s->api == NULL)
        return;
    if (api_reload(s->api, &why) != 0)
        log_error("api", "%s; the certificate from before stays in use", why.text);
    else if (s->settings->api_certificate[0])
        log_warn("api", "the certificate was read again");
}

void service_housekeeping(struct service *s, int64_t now_us)
{
    const struct settings *t = s->settings;
    struct retention_limits terms;
    retention_terms(s->retention, &terms);
    policies_tick(s->policies, now_us);
    on_demand_sweep(s->writer, t->data_dir, t->on_demand_wait, now_us);
    writer_users_overdue(s->writer, now_us - OVERDUE_AFTER_US);
    writer_drop_media_keys(s->writer, keys_before(s, now_us, terms.age_us[RETAIN_SPOOL]));
    const int64_t kpi_before_us[STORE_KPI_LEVELS] = {
        day_before(now_us, t->kpi_keep_minutes),
        day_before(now_us, t->kpi_keep_quarters),
        day_before(now_us, t->kpi_keep_hours),
        day_before(now_us, t->kpi_keep_days),
    };
    writer_drop_kpi(s->writer, kpi_before_us);
}

/* The writer may have something left to tell that the disk refused until now: it finds nobody, here and below. */
static void stop_renderer(struct service *s)
{
    pthread_mutex_lock(&s->told_lock);
    struct renderer *renderer = s->renderer;
    s->renderer = NULL;
    pthread_mutex_unlock(&s->told_lock);
    renderer_stop(renderer);
}

static void stop_told(struct service *s)
{
    pthread_mutex_lock(&s->told_lock);
    struct retention *retention = s->retention;
    struct webhook *webhook = s->webhook;
    s->retention = NULL;
    s->webhook = NULL;
    pthread_mutex_unlock(&s->told_lock);
    retention_stop(retention);
    webhook_stop(webhook);
}

void service_stop(struct service *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->capturing, false);
    end_pipeline(s);
    importer_quit(s->importer);
    upgrade_stop(s->upgrade);
    conversions_stop(s->conversions); /* the API's threads wait for some of them */
    api_stop(s->api);
    exports_stop(s->exports);
    importer_free(s->importer);
    listening_free(s->listening);
    conversions_free(s->conversions);
    store_reader_close(s->gauge_reader);
    stop_renderer(s);
    confine_config_free(&s->confine);
    if (s->writer)
        writer_flush(s->writer); /* both are told of the last renders */
    stop_told(s);
    live_events_free(s->live_events);
    writer_stop(s->writer);
    columns_free(s->columns);
    wire_close(s->wire);
    policies_close(s->policies);
    named_close(s->named);
    counters_set_free(s->counters_set);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    pthread_mutex_destroy(&s->pipeline_lock);
    pthread_mutex_destroy(&s->told_lock);
    free(s);
}

uint16_t service_port(const struct service *s)
{
    return s->api ? api_port(s->api) : 0;
}

const char *service_first_token(const struct service *s)
{
    return s->first_token;
}
