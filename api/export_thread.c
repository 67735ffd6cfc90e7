/* The thread of exports: makes one after the other, and removes files whose time is over or that stand in the way of recordings.
 *
 *     queued ─take_next()─► running ─export_make(), finish()─► ready ─expire()─► expired ─► forgotten after a week
 *                                                          └─► failed ──────────────────►
 *
 * A row may be taken away at any of these steps (DELETE). Whoever writes how an export stands looks afterwards whether there is
 * still a row, and removes what was written if not. */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "api/export_internal.h"
#include "base/clock.h"
#include "storage/disk.h"

#define SECOND_US  INT64_C(1000000)
#define SECOND_NS  INT64_C(1000000000)
#define KNOWN_US   (7 * 24 * 3600 * SECOND_US) /* what has failed or expired is told of so long */
#define ROOM_SPARE ((uint64_t)64 << 20)        /* retention looks each second: exports are gone before it acts */
#define IOPRIO_LOW (2 << 13 | 7)

int export_fail(struct export *e, int err, const char *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    snprintf(e->error, sizeof e->error, "%s", error);
    vsnprintf(e->detail, sizeof e->detail, format, args);
    va_end(args);
    return err;
}

/* ---- how one stands, told ---- */

static bool is_there(struct exports *all, const char *id)
{
    pthread_mutex_lock(&all->lock);
    bool there = exports_find(all, id) != NULL;
    pthread_mutex_unlock(&all->lock);
    return there;
}

/* On the disk. Where that does not take it, a restart finds how it stood before: then it fails, and its file goes. */
static void note(struct exports *all, const struct export *e)
{
    (void)export_state_write(all->dir, e);
    if (!is_there(all, e->id))
        exports_remove_file(all, e->id, "json");
}

static void count_result(struct exports *all, const char *result)
{
    counters_add(all->counters, C_EXPORTS + label_find(LABELS_EXPORT, slice_str(result)), 1);
}

/* ---- what goes ---- */

typedef bool export_test(const struct export *e, int64_t now_us);

static bool is_due(const struct export *e, int64_t now_us)
{
    return e->state == EXPORT_READY && e->expires_us <= now_us;
}

static bool is_ready(const struct export *e, int64_t now_us)
{
    (void)now_us;
    return e->state == EXPORT_READY;
}

static bool is_old(const struct export *e, int64_t now_us)
{
    return (e->state == EXPORT_FAILED || e->state == EXPORT_EXPIRED) && e->ended_us + KNOWN_US <= now_us;
}

static struct export *first(const struct exports *all, export_test *test, int64_t now_us)
{
    for (unsigned i = 0; i < all->count; i++)
        if (test(all->item[i], now_us))
            return all->item[i];
    return NULL;
}

static void count_gone(struct exports *all, const char *why, uint64_t bytes)
{
    unsigned cell = label_find(LABELS_STORED, slice_str("exports")) * LABEL_COUNT_DELETED + label_find(LABELS_DELETED, slice_str(why));
    counters_add(all->counters, C_RETENTION_DELETED + cell, 1);
    counters_add(all->counters, C_RETENTION_BYTES + cell, bytes);
    count_result(all, "expired");
}

/* The first that the test names; false: none does. Its file goes ahead of the word that it has gone. */
static bool expire(struct exports *all, export_test *test, const char *why, const char *detail)
{
    struct export e = {0};
    pthread_mutex_lock(&all->lock);
    const struct export *row = first(all, test, clock_wall_ns() / 1000);
    if (row)
        e = *row;
    pthread_mutex_unlock(&all->lock);
    if (row == NULL)
        return false;
    exports_remove_file(all, e.id, export_suffix(&e));
    count_gone(all, why, e.bytes);
    e.state = EXPORT_EXPIRED;
    (void)export_fail(&e, 0, "expired", "%s", detail);
    note(all, &e);
    (void)exports_tell(all, &e);
    return true;
}

/* A number of files that is bounded by the table. */
static uint64_t folder_bytes(const struct exports *all)
{
    uint64_t bytes = 0;
    struct stat st;
    DIR *dir = opendir(all->dir);
    for (struct dirent *d; dir && (d = readdir(dir)) != NULL;)
        if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_blocks * 512;
    if (dir)
        closedir(dir);
    return bytes;
}

static void forget_old(struct exports *all, int64_t now_us)
{
    char id[EXPORT_ID_SIZE];
    for (bool found = true; found;) {
        pthread_mutex_lock(&all->lock);
        struct export *row = first(all, is_old, now_us);
        found = row != NULL;
        if (row) {
            memcpy(id, row->id, sizeof id);
            exports_forget(all, row);
        }
        pthread_mutex_unlock(&all->lock);
        if (found)
            exports_remove_file(all, id, "json");
    }
}

/* ---- room ---- */

static uint64_t free_room(const struct exports *all)
{
    uint64_t room = 0;
    if (all->config.room)
        return all->config.room(all->config.context);
    return disk_free(all->dir, &room, NULL) == 0 ? room : 0;
}

/* Old exports give way to new recordings. */
static uint64_t make_room(struct exports *all)
{
    uint64_t room = free_room(all);
    while (room < ROOM_SPARE && expire(all, is_ready, "low_disk", "It was removed before its time: the disk was nearly full."))
        room = free_room(all);
    return room;
}

/* Of the others; the file that is being made counts itself. */
static uint64_t ready_bytes(struct exports *all, const char *owner)
{
    uint64_t bytes = 0;
    pthread_mutex_lock(&all->lock);
    for (unsigned i = 0; i < all->count; i++)
        if (all->item[i]->state == EXPORT_READY && (owner == NULL || strcmp(all->item[i]->owner, owner) == 0))
            bytes += all->item[i]->bytes;
    pthread_mutex_unlock(&all->lock);
    return bytes;
}

static int total_room(struct exports *all, struct export *e, uint64_t more)
{
    uint64_t max = all->config.max_all_bytes, share = max / EXPORTS_BYTES_SHARE;
    uint64_t own = ready_bytes(all, e->owner), others = ready_bytes(all, NULL);
    if (own + e->bytes + more > share)
        return export_fail(e, ERR_FULL, "no_room", "Your other exports have %llu of the %llu bytes one owner may have (half of [exports] max_total): delete some, or ask for fewer calls.",
                           (unsigned long long)own, (unsigned long long)share);
    if (others + e->bytes + more > max)
        return export_fail(e, ERR_FULL, "no_room", "Other exports have %llu of the %llu bytes there are for all ([exports] max_total): delete some.", (unsigned long long)others,
                           (unsigned long long)max);
    return 0;
}

int exports_room(struct exports *all, struct export *e, uint64_t more)
{
    const struct exports_config *c = &all->config;
    if (e->bytes + more > c->max_bytes)
        return export_fail(e, ERR_FULL, "too_large", "It would have more than %llu bytes ([exports] max_size): ask for fewer calls.", (unsigned long long)c->max_bytes);
    int err = total_room(all, e, more);
    if (err)
        return err;
    if (make_room(all) < ROOM_SPARE + more)
        return export_fail(e, ERR_FULL, "disk_full", "The disk is nearly full: what is free is kept for new recordings.");
    return 0;
}

static void sweep(struct exports *all)
{
    int64_t now_us = clock_wall_ns() / 1000;
    all->swept_us = now_us;
    while (expire(all, is_due, "age", "Its time is over."))
        ;
    forget_old(all, now_us);
    (void)make_room(all);
    uint64_t bytes = folder_bytes(all);
    counters_set(all->counters, C_STORAGE_USED + label_find(LABELS_STORED, slice_str("exports")), bytes);
    pthread_mutex_lock(&all->lock);
    all->used_bytes = bytes;
    pthread_mutex_unlock(&all->lock);
}

bool exports_tell(struct exports *all, const struct export *e)
{
    pthread_mutex_lock(&all->lock);
    struct export *row = exports_find(all, e->id);
    if (row)
        *row = *e;
    pthread_mutex_unlock(&all->lock);
    /* However long one takes, others go when they should. */
    if (e->state == EXPORT_RUNNING && clock_wall_ns() / 1000 - all->swept_us > SECOND_US)
        sweep(all);
    return row && !atomic_load(&all->stopping);
}

/* ---- one after the other ---- */

static int audit_end(struct exports *all, const struct export *e, bool ready)
{
    char detail[400];
    if (ready)
        snprintf(detail, sizeof detail, "%llu calls, %llu files, %llu bytes, %llu missing%s", (unsigned long long)e->calls, (unsigned long long)e->files,
                 (unsigned long long)e->bytes, (unsigned long long)e->missing, e->truncated ? ", truncated" : "");
    else
        snprintf(detail, sizeof detail, "%s: %s", e->error, e->detail);
    const struct store_audit entry = {.time_us = clock_wall_ns() / 1000, .actor = e->actor, .address = e->address, .action = "export.end",
                                      .object = e->id, .result = ready ? "ok" : "failed", .detail = detail};
    return all->config.audit(all->config.context, &entry);
}

/* Into its row, counted as it is told: who sees how it ended finds it counted. False: there is no row. */
static bool publish_end(struct exports *all, const struct export *e)
{
    pthread_mutex_lock(&all->lock);
    struct export *row = exports_find(all, e->id);
    if (row)
        *row = *e;
    count_result(all, row == NULL ? "cancelled" : e->state == EXPORT_READY ? "ready" : "failed");
    counters_add(all->counters, C_EXPORT_BYTES, row && e->state == EXPORT_READY ? e->bytes : 0);
    pthread_mutex_unlock(&all->lock);
    return row != NULL;
}

static void finish(struct exports *all, struct export *e, int err)
{
    e->ended_us = clock_wall_ns() / 1000;
    bool cancelled = err && !is_there(all, e->id); /* whatever it looks like: it was ended from outside */
    if (!cancelled && audit_end(all, e, err == 0) != 0 && err == 0)
        err = export_fail(e, ERR_IO, "audit_unavailable", "The audit log cannot be written, so nothing that must be audited is given out.");
    e->state = err ? EXPORT_FAILED : EXPORT_READY;
    e->expires_us = err ? 0 : e->ended_us + all->config.keep_us;
    if (err)
        exports_remove_file(all, e->id, export_suffix(e));
    note(all, e);
    if (publish_end(all, e))
        return;
    exports_remove_file(all, e->id, "json");
    exports_remove_file(all, e->id, export_suffix(e));
}

/* The one that waits longest. */
static bool take_next(struct exports *all, struct export *ret_export)
{
    struct export *row = NULL;
    pthread_mutex_lock(&all->lock);
    for (unsigned i = 0; i < all->count && row == NULL; i++)
        row = all->item[i]->state == EXPORT_QUEUED ? all->item[i] : NULL;
    if (row) {
        row->state = EXPORT_RUNNING;
        row->began_us = clock_wall_ns() / 1000;
        *ret_export = *row;
    }
    pthread_mutex_unlock(&all->lock);
    if (row)
        note(all, ret_export);
    return row != NULL;
}

static void wait_a_second(struct exports *all)
{
    int64_t until_ns = clock_mono_ns() + SECOND_NS;
    const struct timespec until = {.tv_sec = until_ns / SECOND_NS, .tv_nsec = until_ns % SECOND_NS};
    pthread_mutex_lock(&all->lock);
    if (!atomic_load(&all->stopping) && exports_count_waiting(all, NULL) == 0)
        pthread_cond_timedwait(&all->changed, &all->lock, &until);
    pthread_mutex_unlock(&all->lock);
}

void *exports_thread(void *context)
{
    struct exports *all = context;
    struct export *e = malloc(sizeof *e);
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
    (void)syscall(SYS_ioprio_set, 1 /* this thread */, 0, IOPRIO_LOW);
    while (e && !atomic_load(&all->stopping)) {
        sweep(all);
        if (!take_next(all, e)) {
            wait_a_second(all);
            continue;
        }
        int err = export_make(all, e);
        if (err && atomic_load(&all->stopping))
            break; /* its state file says that it was running: the next start ends it */
        finish(all, e, err);
    }
    free(e);
    return NULL;
}
