/* The writer thread. An item is one of a few small things; the ones that somebody waits for carry a gate. */
#include "app/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/tracks.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/inbox.h"
#include "base/log.h"
#include "base/map.h"

#define BATCH_ROWS       500
#define WAKE_ITEMS       64    /* with a commit ahead anyway, fewer wait for its time */
#define BEHIND_ROWS      50000 /* while more waits: pages that many rows share are written once */
#define BEHIND_INTERVALS 5
#define KEPT_MAX         1024 /* records of a batch that are not needed unless it fails */
#define AGAIN_MAX        8192
#define AGAIN_NS         INT64_C(1000000000)

#define EARLY_WAITING_MAX 256
#define GAVE_WAY_MAX      (1u << 20) /* calls whose early row gave way; more have one */
#define KPI_FLUSH_MIN_NS INT64_C(1000000000)
#define KPI_FLUSH_MAX_NS INT64_C(60000000000)

enum item_kind { ITEM_RECORD, ITEM_RENDERED, ITEM_REQUESTED, ITEM_TRACKS, ITEM_AUDIT, ITEM_FLUSH, ITEM_DROP_DAY, ITEM_DROP_MEDIA_KEYS, ITEM_END_OPEN, ITEM_USER, ITEM_USERS_OVERDUE,
                 ITEM_DROP_KPI, ITEM_REGISTRATION, ITEM_TAGS, ITEM_TAGS_OF_MANY, ITEM_NOTE, ITEM_JOB_GONE, ITEM_DELETED, ITEM_FILES_GONE,
                 ITEM_SPOOL_MARK, ITEM_TOKEN, ITEM_TOKEN_USED, ITEM_ACCOUNT, ITEM_ACCOUNT_USED, ITEM_ACCOUNT_GONE };

struct gate { /* lives on the waiting thread's stack */
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
    int err;
};

struct item {
    enum item_kind kind;
    struct call_record *record;
    const struct store_audit *audit; /* the waiter's */
    const struct record_tags *tags;  /* the waiter's, as is `uid` */
    const char *uid;
    int64_t started_us;
    const struct writer_deletions *deletions; /* the waiter's, as are these */
    struct store_note *note;
    const struct record_tag_change *tag_change;
    struct store_tagged *tagged;
    unsigned tagged_count;
    const struct store_token *token;
    const struct store_account *account;
    bool *ret_stale; /* of the account */
    int *ret_err;    /* of what commits by itself */
    struct gate *gate;
    char job_kind[16], job_uid[40];
    struct store_day_drop *day_drop;          /* the waiter's */
    int64_t now_us;
    enum user_kind user_kind;
    void *user;
    struct writer_registration registration;
    int64_t kpi_before_us[STORE_KPI_LEVELS];
    uint32_t spool_segment;
    bool gave_way;                   /* an earlier row of the same call did */
    bool kept;                       /* the disk did not take it: the last row may stand already */
    struct item *next;               /* in the batch */
};

struct writer {
    struct writer_config config;
    struct store *store;
    struct counters *counters;
    struct inbox *inbox;
    pthread_t thread;
    bool writing;                    /* something is written and not committed */
    struct item *batch, **batch_end; /* of it what is needed again after the commit */
    unsigned batch_records;          /* and how many records are not */
    unsigned batch_kept;             /* of the batch: only for the case that it fails */
    struct item *again, **again_end; /* the disk did not take these: the same once more, each second */
    _Atomic unsigned again_count;
    int64_t again_ns;                /* mono */
    int64_t batch_since_ns;
    int64_t kpi_flushed_ns;          /* mono */
    int64_t kpi_minute;              /* of the newest end that was flushed */
    bool kpi_due;
    struct spool_marks marks;        /* as put or to be put */
    bool marks_new;
    _Atomic bool lost_call;          /* the spool has it still: no mark may pass it */
    struct map gave_way; /* calls that have STORE_OPEN_JOB in place of a row, by a hash of their uid */
    struct hash_seed seed;
    _Atomic int error;
    _Atomic unsigned users_waiting; /* in the inbox and the batch */
    _Atomic uint64_t users_lost;    /* not yet in the counters */
};

static void gate_open(struct gate *g, int err)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    g->err = err;
    pthread_cond_signal(&g->opened);
    pthread_mutex_unlock(&g->lock);
}

static int gate_wait(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    while (!g->open)
        pthread_cond_wait(&g->opened, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return g->err;
}

/* ---- writing ---- */

/* Its media stands in the spool until somebody has dealt with it. */
static bool is_spooled(const struct call_record *r)
{
    return r->recording.state && strcmp(r->recording.state, "spooling") == 0;
}

static bool wants_render(const struct call_record *r)
{
    return is_spooled(r) && !record_waits_for_request(r);
}

/* Kept while the call goes on (a crash may end it) and until its recording is made. */
static int put_media_keys(struct writer *w, const struct call_record *r)
{
    bool ended = strcmp(r->state, "ended") == 0;
    if (r->secrets.forget) /* it was open whether it would be recorded */
        return store_end_media_keys(w->store, r->uid);
    if (r->secrets.count == 0)
        return 0;
    if (!ended || !r->final || is_spooled(r))
        return store_put_media_keys(w->store, r->uid, r->started_us, &r->secrets);
    return store_end_media_keys(w->store, r->uid);
}

/* Somebody gets it when it is committed. */
static bool goes_on(const struct call_record *r)
{
    return wants_render(r) || tracks_wanted(r);
}

/* Of all calls of its conference, which is over. */
static int end_keys_of_all(struct writer *w, const struct call_record *r)
{
    const struct record_conference *c = &r->related.conference;
    int err = store_end_media_keys(w->store, r->uid);
    for (uint32_t i = 0; i < c->participant_count && err == 0; i++)
        if (c->participants[i].uid[0])
            err = store_end_media_keys(w->store, c->participants[i].uid);
    return err;
}

static int put_jobs(struct writer *w, const struct call_record *r)
{
    int err = put_media_keys(w, r);
    if (err == 0 && wants_render(r))
        err = store_put_job(w->store, "render", r->uid, r->started_us);
    if (err == 0 && record_waits_for_request(r))
        err = store_put_job(w->store, ON_DEMAND_JOB, r->uid, r->started_us);
    if (err == 0 && tracks_wanted(r))
        err = store_put_job(w->store, "tracks", r->uid, r->started_us);
    else if (err == 0 && r->final && r->secrets.count && tracks_all_left(r)) /* too few for tracks */
        err = end_keys_of_all(w, r);
    return err;
}

static int put_tracks(struct writer *w, const struct call_record *r)
{
    int err = r->tracks.count ? store_put_tracks(w->store, r->uid, r->started_us, &r->tracks) : 0;
    if (err == 0)
        err = store_end_job_for(w->store, "tracks", r->uid);
    return err ? err : end_keys_of_all(w, r);
}

/* Its figures stand already: they are counted once. */
static int put_rendered(struct writer *w, const struct call_record *r)
{
    int err = r->diagnosis.sounded ? store_put_call(w->store, r) : store_put_recording(w->store, r->uid, r->started_us, &r->recording);
    if (err == 0)
        err = store_end_job_for(w->store, "render", r->uid);
    return err == 0 && r->secrets.count && !tracks_may_come(r) ? store_end_media_keys(w->store, r->uid) : err;
}

/* What a recording or tracks were made of: deleted meanwhile, it does not come back. */
static int put_made(struct writer *w, const struct item *item)
{
    const struct call_record *r = item->record;
    bool sound = item->kind == ITEM_RENDERED, deleted = false;
    int err = store_was_deleted(w->store, r->uid, r->started_us, &deleted);
    if (err || !deleted)
        return err ? err : sound ? put_rendered(w, r) : put_tracks(w, r);
    if (w->config.unwanted)
        w->config.unwanted(w->config.context, r);
    err = store_end_job_for(w->store, sound ? "render" : "tracks", r->uid);
    return err ? err : sound ? store_end_media_keys(w->store, r->uid) : end_keys_of_all(w, r);
}

static int put_requested(struct writer *w, const struct call_record *r)
{
    int err = store_put_recording(w->store, r->uid, r->started_us, &r->recording);
    if (err == 0)
        err = store_put_job(w->store, "render", r->uid, r->started_us);
    return err ? err : store_end_job_for(w->store, ON_DEMAND_JOB, r->uid);
}

/* A row that another one of the same call will replace gives way when many wait. */
static bool gives_way(struct writer *w, const struct item *item)
{
    const struct call_record *r = item->record;
    bool many = inbox_depth(w->inbox) > EARLY_WAITING_MAX && w->gave_way.count < GAVE_WAY_MAX;
    return many && !r->final && !goes_on(r) && !item->kept;
}

static uint64_t hash_of(const struct writer *w, const char *uid)
{
    return hash_bytes(&w->seed, uid, strlen(uid));
}

/* The other half of the hash; two calls with the same are told as one, which costs a look. */
static uint32_t half_of(uint64_t hash)
{
    return (uint32_t)hash == MAP_NONE ? 0 : (uint32_t)hash;
}

/* In place of an early row: what the media of the call needs to be there after a crash. */
static int write_less(struct writer *w, const struct call_record *r)
{
    uint64_t hash = hash_of(w, r->uid);
    (void)map_remove(&w->gave_way, hash, half_of(hash)); /* each stands there once */
    int err = map_add(&w->gave_way, hash, half_of(hash));
    if (err == 0)
        err = store_put_job(w->store, STORE_OPEN_JOB, r->uid, r->started_us);
    return err ? err : put_media_keys(w, r);
}

static bool gave_way(struct writer *w, const struct call_record *r)
{
    uint64_t hash = w->gave_way.count ? hash_of(w, r->uid) : 0;
    return w->gave_way.count && map_remove(&w->gave_way, hash, half_of(hash));
}

static int write_record(struct writer *w, struct item *item)
{
    const struct call_record *r = item->record;
    if (gives_way(w, item))
        return write_less(w, r);
    int err = store_put_call(w->store, r);
    if (err == 0 && r->header_tags)
        err = store_add_tags(w->store, r->uid, r->started_us, r->header_tags);
    if (r->final && r->ended_us / KPI_MINUTE_US > w->kpi_minute) {
        w->kpi_minute = r->ended_us / KPI_MINUTE_US;
        w->kpi_due = true;
    }
    item->gave_way |= r->final && gave_way(w, r); /* also when it is written once more */
    if (err == 0 && item->gave_way)
        err = store_end_job_for(w->store, STORE_OPEN_JOB, r->uid);
    return err ? err : put_jobs(w, r);
}

static int write_deletions(struct writer *w, const struct writer_deletions *d)
{
    int err = 0;
    for (unsigned i = 0; i < d->count && err == 0; i++) {
        if (d->records[i])
            err = store_delete_recording(w->store, d->records[i], d->rows[i].time_us, d->rows[i].reason);
        else
            err = store_put_job(w->store, "delete", d->rows[i].object, d->rows[i].started_us);
        if (err == 0)
            err = store_put_deletion(w->store, &d->rows[i]);
    }
    return err;
}

static int write_item(struct writer *w, struct item *item)
{
    switch (item->kind) {
    case ITEM_RECORD:
        return write_record(w, item);
    case ITEM_RENDERED:
    case ITEM_TRACKS:
        return put_made(w, item);
    case ITEM_REQUESTED:
        return put_requested(w, item->record);
    case ITEM_JOB_GONE: {
        int err = store_end_job_for(w->store, item->job_kind, item->job_uid);
        bool of_sidecar = strcmp(item->job_kind, STORE_SIDECAR_JOB) == 0; /* of its call something may still be to be decoded */
        return err || of_sidecar ? err : store_end_media_keys(w->store, item->job_uid);
    }
    case ITEM_AUDIT:
        return store_put_audit(w->store, item->audit);
    case ITEM_TAGS:
        return store_put_tags(w->store, item->uid, item->started_us, item->tags);
    case ITEM_TAGS_OF_MANY:
        return store_change_tags(w->store, item->tag_change, item->tagged, item->tagged_count);
    case ITEM_NOTE:
        return store_change_note(w->store, item->note);
    case ITEM_FLUSH:
        w->kpi_due = true;
        w->kpi_flushed_ns = 0;
        return 0;
    case ITEM_DROP_KPI: {
        int err = store_kpi_drop(w->store, item->kpi_before_us);
        return err ? err : store_drop_deletions(w->store, item->kpi_before_us[STORE_KPI_DAY]);
    }
    case ITEM_DELETED:
        return write_deletions(w, item->deletions);
    case ITEM_TOKEN:
        return store_put_token(w->store, item->token);
    case ITEM_TOKEN_USED:
        return store_token_used(w->store, item->job_uid, item->now_us);
    case ITEM_ACCOUNT:
        return store_put_account(w->store, item->account, item->ret_stale);
    case ITEM_ACCOUNT_USED:
        return store_account_used(w->store, item->uid, item->now_us);
    case ITEM_ACCOUNT_GONE:
        return store_drop_account(w->store, item->uid);
    case ITEM_FILES_GONE:
        return store_end_deletion(w->store, item->record);
    case ITEM_SPOOL_MARK: /* all that came ahead of it is committed with it */
        w->marks.segment[item->spool_segment % SPOOL_WRITERS] = item->spool_segment;
        w->marks_new = true;
        return 0;
    case ITEM_END_OPEN: {
        unsigned count = 0;
        int err = store_end_open_calls(w->store, &count);
        if (count)
            log_warn("recover", "%u calls without anything in the spool end as restart", count);
        return err ? err : store_kpi_adopt(w->store);
    }
    case ITEM_USER:
        return store_put_user(w->store, item->user_kind, item->user);
    case ITEM_REGISTRATION: {
        const struct writer_registration *r = &item->registration;
        store_kpi_registration(w->store, r->at_us, r->trunk[0] ? r->trunk : NULL, r->success, r->code, r->rrd_ms);
        if (r->at_us / KPI_MINUTE_US > w->kpi_minute) {
            w->kpi_minute = r->at_us / KPI_MINUTE_US;
            w->kpi_due = true;
        }
        return 0;
    }
    case ITEM_USERS_OVERDUE:
        return store_users_overdue(w->store, item->now_us);
    case ITEM_DROP_DAY:
        *item->ret_err = store_drop_day(w->store, item->day_drop);
        return 0;
    case ITEM_DROP_MEDIA_KEYS:
        return store_drop_media_keys(w->store, item->now_us);
    }
    return ERR_INVALID;
}

static void put_back(struct writer *w, struct item *item)
{
    item->next = NULL;
    item->kept = true;
    *w->again_end = item;
    w->again_end = &item->next;
    atomic_fetch_add(&w->again_count, 1);
}

/* A state of a thing stays behind an older one of it that waits, or that would replace it. */
static bool stays_behind(const struct writer *w, const struct item *item)
{
    return item->kind == ITEM_USER && w->again && atomic_load(&w->again_count) < AGAIN_MAX;
}

static void commit(struct writer *w);

static void take_item(struct writer *w, struct item *item)
{
    if (stays_behind(w, item)) {
        put_back(w, item);
        return;
    }
    if (item->kind == ITEM_DROP_DAY && w->writing) /* it commits by itself: what came before would not be told that it failed */
        commit(w);
    int err = write_item(w, item);
    if (err && item->record && atomic_load(&w->error) == 0)
        log_error("writer", "cannot store call %s: %s", item->record->uid, err_text(err));
    if (!w->writing)
        w->batch_since_ns = clock_mono_ns();
    w->writing = true;
    if (item->kind == ITEM_RECORD && !goes_on(item->record) && !item->gave_way && w->batch_kept++ >= KEPT_MAX) {
        w->batch_records++;
        record_free(item->record);
        free(item);
        return;
    }
    *w->batch_end = item;
    w->batch_end = &item->next;
}

/* ---- committing ---- */

/* Of the kinds that are bounded in number. */
static bool is_user(const struct item *item)
{
    return item->kind == ITEM_USER || item->kind == ITEM_REGISTRATION;
}

static void end_item(struct writer *w, struct item *item, int err)
{
    bool record = item->kind == ITEM_RECORD || item->kind == ITEM_USER || (item->kind == ITEM_AUDIT && item->gate == NULL);
    if (err && record)
        counters_add(w->counters, C_DB_LOST, 1);
    if (err && item->kind == ITEM_RECORD)
        atomic_store(&w->lost_call, true);
    if (is_user(item))
        atomic_fetch_sub(&w->users_waiting, 1);
    free(item->user);
    if (item->gate)
        gate_open(item->gate, err);
    bool sound = item->kind == ITEM_RENDERED || item->kind == ITEM_TRACKS;
    if (sound && err == 0 && w->config.rendered)
        w->config.rendered(w->config.context, item->record);
    bool more = item->kind == ITEM_REQUESTED || (item->kind == ITEM_RECORD && goes_on(item->record));
    if (more && err == 0 && w->config.render)
        w->config.render(w->config.context, item->record);
    else
        record_free(item->record);
    free(item);
}

/* Once when it begins and when it is over, whatever the disk says in between. */
static void tell_trouble(struct writer *w, int err)
{
    int before = atomic_exchange(&w->error, err);
    if (err && !before)
        log_error("writer", "the database does not take records: %s; %u of them wait, what is beyond is lost and counted in "
                            "earshot_db_records_lost_total", err_text(err), AGAIN_MAX);
    if (before && !err)
        log_warn("writer", "the database takes records again");
}

/* The world failed, not the record: a full disk, a bad one, one that is locked. */
static bool may_pass(int err)
{
    return err == ERR_FULL || err == ERR_IO || err == ERR_BUSY || err == ERR_DENIED;
}

static bool keep_for_later(struct writer *w, struct item *item, int err)
{
    bool result = item->kind == ITEM_RENDERED || item->kind == ITEM_TRACKS || item->kind == ITEM_FILES_GONE;
    bool record = item->kind == ITEM_RECORD || item->kind == ITEM_USER || item->kind == ITEM_AUDIT;
    if (item->gate || !may_pass(err) || !(result || record) || atomic_load(&w->again_count) >= AGAIN_MAX)
        return false;
    put_back(w, item);
    return true;
}

/* After a commit. One that fails leaves the marks as they were, which costs the next start some reading; the next commit tries again. */
static void put_marks(struct writer *w)
{
    if (!w->marks_new || w->again || atomic_load(&w->lost_call))
        return;
    (void)store_put_spool_marks(w->store, &w->marks);
    w->marks_new = store_commit(w->store) != 0;
}

static void commit(struct writer *w)
{
    int64_t begin = clock_mono_ns();
    int err = store_commit(w->store);
    counters_observe(w->counters, C_DB_COMMIT, (double)(clock_mono_ns() - begin) / 1e9);
    tell_trouble(w, err);
    counters_add(w->counters, C_DB_LOST, atomic_exchange(&w->users_lost, 0));
    if (err)
        counters_add(w->counters, C_DB_LOST, w->batch_records);
    if (err && w->batch_records)
        atomic_store(&w->lost_call, true);
    if (err == 0)
        put_marks(w);
    w->batch_records = w->batch_kept = 0;
    w->writing = false;
    struct item *item = w->batch;
    w->batch = NULL;
    w->batch_end = &w->batch;
    while (item) {
        struct item *next = item->next;
        if (err == 0 || !keep_for_later(w, item, err))
            end_item(w, item, err);
        item = next;
    }
}

/* What waits goes ahead of what comes. */
static void take_again(struct writer *w)
{
    struct item *item = w->again;
    if (item == NULL || clock_mono_ns() - w->again_ns < AGAIN_NS)
        return;
    if (w->writing)
        commit(w);
    item = w->again;
    w->again = NULL;
    w->again_end = &w->again;
    atomic_store(&w->again_count, 0);
    w->again_ns = clock_mono_ns();
    while (item) {
        struct item *next = item->next;
        item->next = NULL;
        take_item(w, item);
        item = next;
    }
    commit(w);
}

static void lose_again(struct writer *w)
{
    while (w->again) {
        struct item *next = w->again->next;
        end_item(w, w->again, ERR_IO);
        w->again = next;
    }
}

static int wait_ms(const struct writer *w)
{
    if (!w->writing)
        return 1000;
    int64_t interval = w->config.commit_interval_ms * (w->config.patient ? BEHIND_INTERVALS : 1);
    int64_t left = interval - (clock_mono_ns() - w->batch_since_ns) / 1000000;
    return left < 1 ? 1 : (int)left;
}

/* When more waits behind the batch, the queue is what delays records, and larger batches shorten it: pages of indices are written
 * once for all of its rows. */
static bool commit_due(const struct writer *w, bool asked)
{
    if (!w->writing || asked)
        return w->writing;
    unsigned intervals = w->config.patient || inbox_depth(w->inbox) ? BEHIND_INTERVALS : 1;
    return store_pending(w->store) >= (intervals > 1 ? BEHIND_ROWS : BATCH_ROWS) ||
           clock_mono_ns() - w->batch_since_ns >= intervals * w->config.commit_interval_ms * INT64_C(1000000);
}

/* Each minute of packet time, but not more than once a second (a file is read faster than it was recorded), and each minute
 * of ours. */
static void flush_kpi_when_due(struct writer *w)
{
    int64_t since_ns = clock_mono_ns() - w->kpi_flushed_ns;
    if (since_ns < (w->kpi_due ? KPI_FLUSH_MIN_NS : KPI_FLUSH_MAX_NS))
        return;
    if (w->writing)
        commit(w);
    int err = store_kpi_flush(w->store);
    if (err)
        log_error("writer", "the figures of calls are not stored for now: %s", err_text(err));
    w->kpi_due = false;
    w->kpi_flushed_ns = clock_mono_ns();
}

static void *writer_main(void *context)
{
    struct writer *w = context;
    void *items[256];
    while (!inbox_is_closed_and_empty(w->inbox)) {
        bool asked = false;
        size_t want = w->writing ? WAKE_ITEMS : 1;
        size_t count = inbox_take_many(w->inbox, items, sizeof items / sizeof items[0], want, wait_ms(w));
        for (size_t i = 0; i < count; i++) {
            struct item *item = items[i];
            asked |= item->gate != NULL;
            take_item(w, item);
        }
        take_again(w);
        flush_kpi_when_due(w);
        if (commit_due(w, asked))
            commit(w);
    }
    if (w->writing)
        commit(w);
    w->again_ns = 0;
    take_again(w);
    lose_again(w);
    return NULL;
}

int writer_start(const struct writer_config *config, struct store *store, struct counters *counters,
                 struct writer **ret_writer, struct why *why)
{
    struct writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    w->config = *config;
    if (w->config.commit_interval_ms <= 0)
        w->config.commit_interval_ms = 200;
    w->store = store;
    w->counters = counters;
    w->batch_end = &w->batch;
    w->again_end = &w->again;
    w->seed = hash_seed_random();
    w->inbox = inbox_new(config->inbox_max ? config->inbox_max : 65536);
    if (w->inbox == NULL || pthread_create(&w->thread, NULL, writer_main, w) != 0) {
        why_set(why, "cannot start the writer thread");
        inbox_free(w->inbox);
        free(w);
        return ERR_FULL;
    }
    *ret_writer = w;
    return 0;
}

void writer_stop(struct writer *w)
{
    if (w == NULL)
        return;
    inbox_close(w->inbox);
    pthread_join(w->thread, NULL);
    inbox_free(w->inbox);
    store_close(w->store);
    map_fini(&w->gave_way);
    free(w);
}

/* ---- from other threads ---- */

static bool put(struct writer *w, struct item value)
{
    struct item *item = malloc(sizeof *item);
    if (item == NULL)
        return false;
    *item = value;
    bool hurry = item->gate != NULL;
    if (inbox_put_wait(w->inbox, item)) {
        if (hurry)
            inbox_hurry(w->inbox);
        return true;
    }
    free(item);
    return false;
}

static void put_record(struct writer *w, enum item_kind kind, struct call_record *record)
{
    if (put(w, (struct item){.kind = kind, .record = record}))
        return;
    atomic_store(&w->lost_call, true);
    log_error("writer", "no room to store call %s", record->uid);
    record_free(record);
}

void writer_record(struct writer *w, struct call_record *record)
{
    put_record(w, ITEM_RECORD, record);
}

void writer_spool_mark(struct writer *w, uint32_t segment)
{
    put(w, (struct item){.kind = ITEM_SPOOL_MARK, .spool_segment = segment});
}

void writer_rendered(struct writer *w, struct call_record *record)
{
    put_record(w, ITEM_RENDERED, record);
}

void writer_tracks(struct writer *w, struct call_record *record)
{
    put_record(w, ITEM_TRACKS, record);
}

void writer_job_gone(struct writer *w, const char *kind, const char *uid)
{
    struct item item = {.kind = ITEM_JOB_GONE};
    snprintf(item.job_kind, sizeof item.job_kind, "%s", kind);
    snprintf(item.job_uid, sizeof item.job_uid, "%s", uid);
    put(w, item);
}

static bool room_for_user(struct writer *w, bool wait)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    while (atomic_load(&w->users_waiting) >= WRITER_USERS_MAX) {
        if (!wait)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static bool put_user(struct writer *w, struct item item, bool wait)
{
    if (room_for_user(w, wait)) {
        atomic_fetch_add(&w->users_waiting, 1);
        if (put(w, item))
            return true;
        atomic_fetch_sub(&w->users_waiting, 1);
    }
    atomic_fetch_add(&w->users_lost, 1);
    return false;
}

void writer_user(struct writer *w, enum user_kind kind, void *record, bool wait)
{
    if (!put_user(w, (struct item){.kind = ITEM_USER, .user_kind = kind, .user = record}, wait))
        free(record);
}

void writer_registration(struct writer *w, const struct writer_registration *r, bool wait)
{
    put_user(w, (struct item){.kind = ITEM_REGISTRATION, .registration = *r}, wait);
}

void writer_users_overdue(struct writer *w, int64_t now_us)
{
    put(w, (struct item){.kind = ITEM_USERS_OVERDUE, .now_us = now_us});
}

/* False: there was no room for it; what it carries is still the caller's. Else what became of it, and what it carried has gone. */
static bool put_and_see(struct writer *w, struct item value, int *ret_err)
{
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};
    value.gate = &gate;
    bool taken = put(w, value);
    *ret_err = taken ? gate_wait(&gate) : ERR_FULL;
    pthread_cond_destroy(&gate.opened);
    pthread_mutex_destroy(&gate.lock);
    return taken;
}

/* Of what carries nothing of its own. */
static int put_and_wait(struct writer *w, struct item value)
{
    int err;
    (void)put_and_see(w, value, &err);
    return err;
}

int writer_requested(struct writer *w, struct call_record *record)
{
    int err;
    if (!put_and_see(w, (struct item){.kind = ITEM_REQUESTED, .record = record}, &err))
        record_free(record);
    return err;
}

int writer_audit(struct writer *w, const struct store_audit *entry)
{
    return put_and_wait(w, (struct item){.kind = ITEM_AUDIT, .audit = entry});
}

/* Texts stand behind the entry, in one block that the item owns. */
bool writer_audit_later(struct writer *w, const struct store_audit *entry)
{
    const char *const texts[] = {entry->actor, entry->address, entry->action, entry->object, entry->result,
                                 entry->detail ? entry->detail : ""};
    const char *copies[6];
    size_t size = sizeof *entry;
    for (unsigned i = 0; i < 6; i++)
        size += strlen(texts[i]) + 1;
    struct store_audit *e = malloc(size);
    if (e == NULL)
        return false;
    char *at = (char *)(e + 1);
    for (unsigned i = 0; i < 6; i++) {
        size = strlen(texts[i]) + 1;
        copies[i] = memcpy(at, texts[i], size);
        at += size;
    }
    *e = (struct store_audit){entry->time_us, copies[0], copies[1], copies[2], copies[3], copies[4], copies[5]};
    bool taken = put(w, (struct item){.kind = ITEM_AUDIT, .audit = e, .user = e});
    if (!taken)
        free(e);
    return taken;
}

int writer_tags(struct writer *w, const char *uid, int64_t started_us, const struct record_tags *tags)
{
    return put_and_wait(w, (struct item){.kind = ITEM_TAGS, .tags = tags, .uid = uid, .started_us = started_us});
}

int writer_tags_of_many(struct writer *w, const struct record_tag_change *change, struct store_tagged *calls, unsigned count)
{
    return put_and_wait(w, (struct item){.kind = ITEM_TAGS_OF_MANY, .tag_change = change, .tagged = calls, .tagged_count = count});
}

int writer_note(struct writer *w, struct store_note *note)
{
    return put_and_wait(w, (struct item){.kind = ITEM_NOTE, .note = note});
}

int writer_deleted(struct writer *w, const struct writer_deletions *d)
{
    return put_and_wait(w, (struct item){.kind = ITEM_DELETED, .deletions = d});
}

int writer_token(struct writer *w, const struct store_token *token)
{
    return put_and_wait(w, (struct item){.kind = ITEM_TOKEN, .token = token});
}

void writer_token_used(struct writer *w, const char *id, int64_t used_us)
{
    struct item item = {.kind = ITEM_TOKEN_USED, .now_us = used_us};
    snprintf(item.job_uid, sizeof item.job_uid, "%s", id);
    put(w, item);
}

int writer_account(struct writer *w, const struct store_account *account)
{
    bool stale = false;
    int err = put_and_wait(w, (struct item){.kind = ITEM_ACCOUNT, .account = account, .ret_stale = &stale});
    return err == 0 && stale ? ERR_EXISTS : err;
}

int writer_account_used(struct writer *w, const char *name, int64_t used_us)
{
    return put_and_wait(w, (struct item){.kind = ITEM_ACCOUNT_USED, .uid = name, .now_us = used_us});
}

int writer_account_gone(struct writer *w, const char *name)
{
    return put_and_wait(w, (struct item){.kind = ITEM_ACCOUNT_GONE, .uid = name});
}

void writer_files_gone(struct writer *w, struct call_record *record)
{
    put_record(w, ITEM_FILES_GONE, record);
}

int writer_flush(struct writer *w)
{
    return put_and_wait(w, (struct item){.kind = ITEM_FLUSH});
}

int writer_end_open_calls(struct writer *w)
{
    return put_and_wait(w, (struct item){.kind = ITEM_END_OPEN});
}

int writer_drop_day(struct writer *w, struct store_day_drop *drop)
{
    int dropped = 0;
    int err = put_and_wait(w, (struct item){.kind = ITEM_DROP_DAY, .day_drop = drop, .ret_err = &dropped});
    return dropped ? dropped : err;
}

void writer_drop_media_keys(struct writer *w, int64_t before_us)
{
    put(w, (struct item){.kind = ITEM_DROP_MEDIA_KEYS, .now_us = before_us});
}

void writer_drop_kpi(struct writer *w, const int64_t before_us[STORE_KPI_LEVELS])
{
    struct item item = {.kind = ITEM_DROP_KPI};
    memcpy(item.kpi_before_us, before_us, sizeof item.kpi_before_us);
    put(w, item);
}

size_t writer_depth(struct writer *w)
{
    return inbox_depth(w->inbox) + atomic_load(&w->again_count);
}

int writer_error(const struct writer *w)
{
    return atomic_load(&w->error);
}
