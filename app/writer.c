/* The writer thread: items out of its inbox into one transaction, committed each so often or when somebody waits. What nobody needs again is
 * let go at once; the others end with the commit, or wait while the disk refuses. */
#include "app/writer_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define BATCH_ROWS       500
#define WAKE_ITEMS       64    /* with a commit ahead anyway, fewer wait for its time */
#define BEHIND_ROWS      50000 /* while more waits: pages that many rows share are written once */
#define BEHIND_INTERVALS 5
#define KEPT_MAX         1024 /* records of a batch that are not needed unless it fails */
#define AGAIN_MAX        8192
#define AGAIN_NS         INT64_C(1000000000)

#define KPI_FLUSH_MIN_NS INT64_C(1000000000)
#define KPI_FLUSH_MAX_NS INT64_C(60000000000)

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
    int err = writer_write(w, item);
    if (err && item->record && atomic_load(&w->error) == 0)
        log_error("writer", "cannot store call %s: %s", item->record->uid, err_text(err));
    if (!w->writing)
        w->batch_since_ns = clock_mono_ns();
    w->writing = true;
    if (item->kind == ITEM_RECORD && !writer_goes_on(item->record) && !item->gave_way && w->batch_kept++ >= KEPT_MAX) {
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
        writer_gate_open(item->gate, err);
    bool tracks = item->kind == ITEM_TRACKS, made = (item->kind == ITEM_RENDERED || tracks) && !item->unwanted;
    if (made && err == 0 && w->config.rendered)
        w->config.rendered(w->config.context, item->record, tracks);
    bool more = item->kind == ITEM_REQUESTED || (item->kind == ITEM_RECORD && writer_goes_on(item->record));
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
        log_error("writer", "the database does not take records: %s; up to %u of them wait, what is beyond is lost and counted in "
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
