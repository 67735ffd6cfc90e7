/* Each thing goes in three steps (storage/store_deletions.c): its row and a job stand, its files go, the job ends. A crash in between is
 * made good by retention_resume(). A day goes by the writer, who has it open. */
#include "app/retention_do.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "storage/spool.h"

#define DAY_US      INT64_C(86400000000)
#define PIECE_NS    (INT64_C(25) * 1000000) /* a checkpoint of the log may come on top */
#define PIECE_LEAST 16u
#define PIECE_MOST  1024u

static void row_of(const struct retention_hands *h, const struct retention_item *item,
                   struct store_deletion *ret_row)
{
    const struct record_recording *g = item->record ? &item->record->recording : NULL;
    *ret_row = (struct store_deletion){
        .time_us = clock_wall_ns() / 1000,
        .class = retention_class_text(item->class),
        .object = item->object,
        .uid = item->uid[0] ? item->uid : NULL,
        .started_us = item->since_us,
        .reason = retention_reason_text(item->reason),
        .actor = h->actor,
        .files = item->files,
        .bytes = item->bytes,
        .sha256 = g && g->id[0] ? g->sha256 : NULL,
    };
}

static int mark(const struct retention_hands *h, const struct retention_item *items, unsigned count)
{
    struct store_deletion rows[RETENTION_BATCH];
    struct call_record *records[RETENTION_BATCH];
    for (unsigned i = 0; i < count; i++) {
        row_of(h, &items[i], &rows[i]);
        records[i] = items[i].record;
    }
    return writer_deleted(h->writer, &(struct writer_deletions){count, rows, records});
}

/* ---- files of recordings ---- */

struct removal {
    const struct retention_hands *h;
    int err;
};

/* Folders of a day that is long over and has nothing in it any more. */
static void remove_folders(const struct retention_hands *h, const char *path, int64_t started_us)
{
    char full[PATH_MAX];
    if (clock_wall_ns() / 1000 - started_us < 2 * DAY_US)
        return;
    snprintf(full, sizeof full, "%s/%s", h->data_dir, path);
    for (unsigned level = 0; level < 4; level++) {
        char *slash = strrchr(full, '/');
        if (slash == NULL || slash <= full + strlen(h->data_dir) + strlen("/audio"))
            return;
        *slash = '\0';
        if (rmdir(full) != 0)
            return;
    }
}

static void remove_file(void *context, const char *path)
{
    struct removal *r = context;
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", r->h->data_dir, path);
    if (unlink(full) == 0 || errno == ENOENT)
        return;
    r->err = err_of_errno(errno);
    if (r->h->counters)
        counters_add(r->h->counters, C_RETENTION_FAILED, 1);
}

struct folders {
    const struct retention_hands *h;
    int64_t started_us;
};

static void leave_folder(void *context, const char *path)
{
    const struct folders *f = context;
    remove_folders(f->h, path, f->started_us);
}

static int remove_files(const struct retention_hands *h, const struct call_record *r)
{
    struct removal removal = {.h = h};
    struct folders folders = {h, r->started_us};
    media_files(r, remove_file, &removal);
    media_files(r, leave_folder, &folders);
    return removal.err;
}

/* What cannot be unlinked keeps its job, and is tried again at the next start. */
static int remove_recordings(const struct retention_hands *h, struct retention_item *items,
                             unsigned count)
{
    int first = 0;
    for (unsigned i = 0; i < count; i++) {
        int err = remove_files(h, items[i].record);
        first = first ? first : err;
        if (err)
            continue;
        writer_files_gone(h->writer, items[i].record);
        items[i].record = NULL;
    }
    return first;
}

/* On a full disk there may be no room to say that files go: then they go first. */
static int do_recordings(const struct retention_hands *h, struct retention_item *items,
                         unsigned count)
{
    int err = mark(h, items, count);
    if (err && items[0].reason == RETAIN_LOW_DISK) {
        for (unsigned i = 0; i < count; i++)
            (void)remove_files(h, items[i].record);
        err = mark(h, items, count);
    }
    return err ? err : remove_recordings(h, items, count);
}

/* Those that rest, ahead; the others stay. Returns how many. */
static unsigned keep_resting(const struct retention_hands *h, struct retention_item *items, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++)
        if (spool_segment_rests(h->data_dir, items[i].segment))
            items[kept++] = items[i];
    return kept;
}

/* Its job ends with its file: what cannot be unlinked keeps it, and is tried again at the next start. */
static int remove_segment(const struct retention_hands *h, const struct retention_item *item)
{
    int err = spool_segment_remove(h->data_dir, item->segment);
    if (err == 0)
        writer_job_gone(h->writer, "delete", item->object);
    else if (h->counters)
        counters_add(h->counters, C_RETENTION_FAILED, 1);
    return err;
}

/* A disk without room for a row gets room: then the segments go first. */
static int do_segments(const struct retention_hands *h, const struct retention_item *items, unsigned count)
{
    int first = 0, marked = count ? mark(h, items, count) : 0;
    for (unsigned i = 0; i < count && marked == 0; i++) {
        int err = remove_segment(h, &items[i]);
        first = first ? first : err;
    }
    if (marked == 0)
        return first;
    for (unsigned i = 0; i < count; i++)
        (void)spool_segment_remove(h->data_dir, items[i].segment);
    if (mark(h, items, count) != 0)
        log_warn("retention", "%u segments of the spool went without a row: the database does not take any", count);
    for (unsigned i = 0; i < count; i++)
        writer_job_gone(h->writer, "delete", items[i].object);
    return 0;
}

/* ---- days ---- */

static bool is_over(const struct retention_hands *h)
{
    return h->is_over && h->is_over(h->context);
}

/* Twice as many calls, or half, so that the writer is free again soon on any disk. */
static unsigned next_piece(unsigned calls, int64_t took_ns)
{
    if (took_ns > PIECE_NS)
        return calls > 2 * PIECE_LEAST ? calls / 2 : PIECE_LEAST;
    return took_ns < PIECE_NS / 3 && calls < PIECE_MOST ? calls * 2 : calls;
}

#define DAY_LEFT 1

/* What is left keeps its job: a later pass names it again, without another row, or the next start ends it. By other terms it may stay. */
static int end_day(const struct retention_hands *h, const char *object, bool left)
{
    if (!left || (h->other_terms && h->other_terms(h->context)))
        writer_job_gone(h->writer, "delete", object);
    return left ? DAY_LEFT : 0;
}

/* `imported_since_us` 0: any call that was imported keeps its day. 0, DAY_LEFT: it is over ahead of its end, or an ERR_. */
static int drop_day(const struct retention_hands *h, const char *object, int64_t start_us, int64_t imported_since_us)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    struct store_day_drop drop = {.day_us = start_us,
                                  .messages = strncmp(object, "calls-", 6) != 0,
                                  .imported_since_us = imported_since_us,
                                  .calls = 4 * PIECE_LEAST};
    int err;
    do {
        int64_t begin_ns = clock_mono_ns();
        err = writer_drop_day(h->writer, &drop);
        drop.calls = next_piece(drop.calls, clock_mono_ns() - begin_ns);
        if (err == 0 && drop.more)
            nanosleep(&pause, NULL); /* who waits for the writer gets to it */
    } while (err == 0 && drop.more && !is_over(h));
    return err ? err : end_day(h, object, drop.more);
}

static int first_of(int err, int other)
{
    return err ? err : other;
}

static int do_days(const struct retention_hands *h, struct retention_item *items, unsigned count)
{
    int err = mark(h, items, count), failed = 0;
    for (unsigned i = 0; i < count && (err == 0 || items[0].reason == RETAIN_LOW_DISK); i++) {
        int day_err = drop_day(h, items[i].object, items[i].since_us, items[i].imported_since_us);
        items[i].left = day_err == DAY_LEFT;
        failed = first_of(failed, items[i].left ? 0 : day_err);
    }
    int flush_err = writer_flush(h->writer);
    return first_of(err, first_of(failed, flush_err));
}

/* ---- all ---- */

static void count_items(const struct retention_hands *h, const struct retention_item *items,
                        unsigned count, uint64_t *ret_bytes)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned cell = items[i].class * LABEL_COUNT_DELETED + items[i].reason;
        if (items[i].left)
            continue;
        *ret_bytes += items[i].bytes;
        if (h->counters == NULL)
            continue;
        counters_add(h->counters, C_RETENTION_DELETED + cell, 1);
        counters_add(h->counters, C_RETENTION_BYTES + cell, items[i].bytes);
    }
}

int retention_do(const struct retention_hands *h, struct retention_item *items, unsigned count,
                 uint64_t *ret_bytes)
{
    int err = 0;
    *ret_bytes = 0;
    if (count == 0)
        return 0;
    if (items[0].segment) {
        count = keep_resting(h, items, count);
        err = do_segments(h, items, count);
    } else if (items[0].class == RETAIN_AUDIO) {
        err = do_recordings(h, items, count);
    } else {
        err = do_days(h, items, count);
    }
    if (err == 0)
        count_items(h, items, count, ret_bytes);
    for (unsigned i = 0; i < count; i++)
        retention_item_fini(&items[i]);
    return err;
}

/* ---- after a crash ---- */

struct jobs {
    struct store_job *items;
    unsigned count;
};

static void take_job(void *context, const struct store_job *job)
{
    struct jobs *j = context;
    if (strcmp(job->kind, "delete") != 0)
        return;
    struct store_job *more = realloc(j->items, (j->count + 1) * sizeof *more);
    if (more == NULL)
        return;
    j->items = more;
    j->items[j->count++] = *job;
}

/* False: the job is of a recording. */
static bool resume_other(const struct retention_hands *h, const struct store_job *job, int *ret_err)
{
    struct retention_item item = {.segment = retention_segment_of(job->uid)};
    *ret_err = 0;
    if (item.segment) {
        snprintf(item.object, sizeof item.object, "%s", job->uid);
        if (spool_segment_there(h->data_dir, item.segment))
            *ret_err = remove_segment(h, &item);
        else
            writer_job_gone(h->writer, "delete", job->uid);
        return true;
    }
    if (strncmp(job->uid, "calls-", 6) != 0 && strncmp(job->uid, "messages-", 9) != 0)
        return false;
    int err = drop_day(h, job->uid, job->started_us, 0); /* the next pass knows the terms */
    *ret_err = err == DAY_LEFT ? 0 : err;
    return true;
}

static int resume_one(const struct retention_hands *h, struct store_reader *reader,
                      const struct store_job *job)
{
    struct call_record *r = NULL;
    int other;
    if (resume_other(h, job, &other))
        return other;
    int err = store_call(reader, job->uid, &r);
    if (err == ERR_NOT_FOUND) {
        writer_job_gone(h->writer, "delete", job->uid);
        return 0;
    }
    if (err == 0)
        err = remove_files(h, r);
    if (err == 0)
        writer_files_gone(h->writer, r);
    else
        record_free(r);
    return err;
}

int retention_resume(const struct retention_hands *h)
{
    struct store_reader *reader;
    struct jobs jobs = {0};
    int first = store_reader_open(h->data_dir, &reader);
    if (first)
        return first;
    first = store_jobs(reader, take_job, &jobs);
    for (unsigned i = 0; i < jobs.count; i++) {
        int err = resume_one(h, reader, &jobs.items[i]);
        first = first ? first : err;
    }
    free(jobs.items);
    store_reader_close(reader);
    return first;
}
