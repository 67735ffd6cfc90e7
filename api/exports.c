/* The table of exports, their thread, and what it removes: a file whose time is over, or that stands in the way of recordings; what a
 * crash left. A running export is a copy of its row: the row is found again by its id each time, and when it is gone nobody wants the
 * export any more.
 *
 * Where the disk does not take how an export stands, a restart finds it as it stood before: then it fails, and its file goes. */
#include "api/exports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "api/export_internal.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "storage/disk.h"

#define SECOND_US    INT64_C(1000000)
#define KNOWN_US     (7 * 24 * 3600 * SECOND_US) /* what has failed or expired is told of so long */
#define ROOM_SPARE   ((uint64_t)64 << 20)        /* retention looks each second: exports are gone before it acts */
#define IOPRIO_LOW   (2 << 13 | 7)
#define ID_DIGITS    (EXPORT_ID_SIZE - 1)

int export_fail(struct export *e, int err, const char *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    snprintf(e->error, sizeof e->error, "%s", error);
    vsnprintf(e->detail, sizeof e->detail, format, args);
    va_end(args);
    return err;
}

void export_owner(const struct identity *who, char out[EXPORT_OWNER_SIZE])
{
    if (who->owner.token[0])
        snprintf(out, EXPORT_OWNER_SIZE, "token:%s", who->owner.token);
    else
        snprintf(out, EXPORT_OWNER_SIZE, "%s", who->name);
}

const char *export_suffix(const struct export *e)
{
    return e->ask.container == EXPORT_BARE ? EXPORT_KIND_NAMES[e->ask.kind] : EXPORT_CONTAINER_NAMES[e->ask.container];
}

void export_path(const struct export *e, char out[64])
{
    snprintf(out, 64, EXPORTS_DIR "/%s.%s", e->id, export_suffix(e));
}

static bool is_over(const struct export *e)
{
    return e->state == EXPORT_READY || e->state == EXPORT_FAILED || e->state == EXPORT_EXPIRED;
}

/* ---- files ---- */

static void remove_file(const struct exports *all, const char *name, const char *end)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s.%s", all->dir, name, end);
    (void)unlink(path);
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

/* ---- the table; the lock is held ---- */

static struct export *find(const struct exports *all, const char *id)
{
    for (unsigned i = 0; i < all->count; i++)
        if (strcmp(all->item[i]->id, id) == 0)
            return all->item[i];
    return NULL;
}

static void forget(struct exports *all, struct export *e)
{
    unsigned i = 0;
    while (all->item[i] != e)
        i++;
    memmove(&all->item[i], &all->item[i + 1], (all->count - i - 1) * sizeof all->item[0]);
    all->count--;
    free(e);
}

static void count_gone(struct exports *all, const char *why, uint64_t bytes)
{
    unsigned cell = label_find(LABELS_STORED, slice_str("exports")) * LABEL_COUNT_DELETED + label_find(LABELS_DELETED, slice_str(why));
    counters_add(all->counters, C_RETENTION_DELETED + cell, 1);
    counters_add(all->counters, C_RETENTION_BYTES + cell, bytes);
}

static void expire(struct exports *all, struct export *e, const char *why, const char *detail)
{
    remove_file(all, e->id, export_suffix(e));
    count_gone(all, why, e->bytes);
    counters_add(all->counters, C_EXPORTS + label_find(LABELS_EXPORT, slice_str("expired")), 1);
    e->state = EXPORT_EXPIRED;
    (void)export_fail(e, 0, "expired", "%s", detail);
    (void)export_state_write(all->dir, e);
}

/* Rows of which nothing is left but what became of them. */
static bool forget_oldest(struct exports *all)
{
    for (unsigned i = 0; i < all->count; i++) {
        struct export *e = all->item[i];
        if (e->state != EXPORT_FAILED && e->state != EXPORT_EXPIRED)
            continue;
        remove_file(all, e->id, "json");
        forget(all, e);
        return true;
    }
    return false;
}

static unsigned count_waiting(const struct exports *all, const char *owner)
{
    unsigned n = 0;
    for (unsigned i = 0; i < all->count; i++)
        n += !is_over(all->item[i]) && (owner == NULL || strcmp(all->item[i]->owner, owner) == 0);
    return n;
}

static struct export *oldest_ready(const struct exports *all)
{
    for (unsigned i = 0; i < all->count; i++)
        if (all->item[i]->state == EXPORT_READY)
            return all->item[i];
    return NULL;
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
    pthread_mutex_lock(&all->lock);
    for (struct export *e; room < ROOM_SPARE && (e = oldest_ready(all)) != NULL; room = free_room(all))
        expire(all, e, "low_disk", "It was removed before its time: the disk was nearly full.");
    pthread_mutex_unlock(&all->lock);
    return room;
}

/* Of the others; the file that is being made counts itself. */
static uint64_t ready_bytes(struct exports *all)
{
    uint64_t bytes = 0;
    pthread_mutex_lock(&all->lock);
    for (unsigned i = 0; i < all->count; i++)
        bytes += all->item[i]->state == EXPORT_READY ? all->item[i]->bytes : 0;
    pthread_mutex_unlock(&all->lock);
    return bytes;
}

int exports_room(struct exports *all, struct export *e, uint64_t more)
{
    const struct exports_config *c = &all->config;
    if (e->bytes + more > c->max_bytes)
        return export_fail(e, ERR_FULL, "too_large", "It would have more than %llu bytes ([exports] max_size): ask for fewer calls.", (unsigned long long)c->max_bytes);
    uint64_t others = ready_bytes(all);
    if (others + e->bytes + more > c->max_all_bytes)
        return export_fail(e, ERR_FULL, "no_room", "Other exports have %llu of the %llu bytes there are for all ([exports] max_total): delete some.", (unsigned long long)others,
                           (unsigned long long)c->max_all_bytes);
    if (make_room(all) < ROOM_SPARE + more)
        return export_fail(e, ERR_FULL, "disk_full", "The disk is nearly full: what is free is kept for new recordings.");
    return 0;
}

/* ---- the thread ---- */

bool exports_tell(struct exports *all, const struct export *e)
{
    pthread_mutex_lock(&all->lock);
    struct export *row = find(all, e->id);
    if (row)
        *row = *e;
    pthread_mutex_unlock(&all->lock);
    return row && !atomic_load(&all->stopping);
}

static void sweep(struct exports *all)
{
    int64_t now_us = clock_wall_ns() / 1000;
    pthread_mutex_lock(&all->lock);
    for (unsigned i = all->count; i-- > 0;) {
        struct export *e = all->item[i];
        if (e->state == EXPORT_READY && e->expires_us <= now_us)
            expire(all, e, "age", "Its time is over.");
        else if (is_over(e) && e->state != EXPORT_READY && e->ended_us + KNOWN_US <= now_us) {
            remove_file(all, e->id, "json");
            forget(all, e);
        }
    }
    all->used_bytes = folder_bytes(all);
    counters_set(all->counters, C_STORAGE_USED + label_find(LABELS_STORED, slice_str("exports")), all->used_bytes);
    pthread_mutex_unlock(&all->lock);
    (void)make_room(all);
}

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

/* The lock is held, so that who sees how it ended finds it counted. */
static void count_end(struct exports *all, const struct export *e, bool wanted)
{
    const char *result = !wanted ? "cancelled" : e->state == EXPORT_READY ? "ready" : "failed";
    counters_add(all->counters, C_EXPORTS + label_find(LABELS_EXPORT, slice_str(result)), 1);
    counters_add(all->counters, C_EXPORT_BYTES, wanted && e->state == EXPORT_READY ? e->bytes : 0);
}

/* How it ended, into its row; where that is gone meanwhile, nothing stays of it. */
static void finish(struct exports *all, struct export *e, int err)
{
    e->ended_us = clock_wall_ns() / 1000;
    if (err != ERR_NOT_FOUND && audit_end(all, e, err == 0) != 0 && err == 0)
        err = export_fail(e, ERR_IO, "audit_unavailable", "The audit log cannot be written, so nothing that must be audited is given out.");
    e->state = err ? EXPORT_FAILED : EXPORT_READY;
    e->expires_us = err ? 0 : e->ended_us + all->config.keep_us;
    pthread_mutex_lock(&all->lock);
    struct export *row = find(all, e->id);
    if (row) {
        *row = *e;
        (void)export_state_write(all->dir, row);
    }
    if (err || row == NULL)
        remove_file(all, e->id, export_suffix(e));
    count_end(all, e, row != NULL);
    pthread_mutex_unlock(&all->lock);
}

/* The one that waits longest. */
static bool take_next(struct exports *all, struct export *ret_export)
{
    bool found = false;
    pthread_mutex_lock(&all->lock);
    for (unsigned i = 0; i < all->count && !found; i++) {
        struct export *e = all->item[i];
        if (e->state != EXPORT_QUEUED)
            continue;
        e->state = EXPORT_RUNNING;
        e->began_us = clock_wall_ns() / 1000;
        (void)export_state_write(all->dir, e);
        *ret_export = *e;
        found = true;
    }
    pthread_mutex_unlock(&all->lock);
    return found;
}

static void wait_a_second(struct exports *all)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    pthread_mutex_lock(&all->lock);
    if (!atomic_load(&all->stopping) && count_waiting(all, NULL) == 0)
        pthread_cond_timedwait(&all->changed, &all->lock, &until);
    pthread_mutex_unlock(&all->lock);
}

static void *thread_main(void *context)
{
    struct exports *all = context;
    struct export *e = malloc(sizeof *e);
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
    (void)syscall(SYS_ioprio_set, 1 /* this thread */, 0, IOPRIO_LOW);
    while (e && !atomic_load(&all->stopping)) {
        sweep(all);
        if (take_next(all, e)) {
            int err = export_make(all, e);
            if (err && atomic_load(&all->stopping))
                break; /* its state file says that it was running: the next start ends it */
            finish(all, e, err);
        } else {
            wait_a_second(all);
        }
    }
    free(e);
    return NULL;
}

/* ---- start and stop ---- */

static bool is_id(const char *name)
{
    return strspn(name, "0123456789abcdef") == ID_DIGITS;
}

/* UINT64_MAX: it is not there. */
static uint64_t size_of_file(const struct exports *all, const struct export *e)
{
    char path[700];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s.%s", all->dir, e->id, export_suffix(e));
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : UINT64_MAX;
}

/* What was not done when the service ended never will be. */
static void end_interrupted(struct exports *all, struct export *e)
{
    bool lost = e->state == EXPORT_READY && size_of_file(all, e) != e->bytes;
    if (is_over(e) && !lost)
        return;
    e->state = EXPORT_FAILED;
    e->ended_us = clock_wall_ns() / 1000;
    e->expires_us = 0;
    (void)export_fail(e, 0, lost ? "file_lost" : "interrupted", "%s",
                      lost ? "Its file is not there any more, or is not whole: make it again."
                           : "The service was stopped or crashed before it was done: make it again.");
    counters_add(all->counters, C_EXPORTS + label_find(LABELS_EXPORT, slice_str("failed")), 1);
    (void)export_state_write(all->dir, e);
}

static void adopt(struct exports *all, const char *name)
{
    struct export *e = all->count < EXPORTS_MAX ? malloc(sizeof *e) : NULL;
    if (e == NULL || export_state_read(all->dir, name, e) != 0 || !is_id(e->id)) {
        free(e);
        return;
    }
    end_interrupted(all, e);
    all->item[all->count++] = e;
}

static int by_creation(const void *a, const void *b)
{
    const struct export *const *x = a, *const *y = b;
    return (*x)->created_us < (*y)->created_us ? -1 : (*x)->created_us > (*y)->created_us;
}

/* A file belongs here when a row that is ready names it. */
static bool is_ours(const struct exports *all, const char *name)
{
    char id[EXPORT_ID_SIZE];
    snprintf(id, sizeof id, "%s", name);
    const struct export *e = is_id(name) && strlen(name) > ID_DIGITS && name[ID_DIGITS] == '.' ? find(all, id) : NULL;
    const char *end = name + strlen(id) + 1;
    return e && (strcmp(end, "json") == 0 || (e->state == EXPORT_READY && strcmp(end, export_suffix(e)) == 0));
}

static void each_file(struct exports *all, void (*fn)(struct exports *all, const char *name))
{
    DIR *dir = opendir(all->dir);
    for (struct dirent *d; dir && (d = readdir(dir)) != NULL;)
        if (d->d_name[0] != '.')
            fn(all, d->d_name);
    if (dir)
        closedir(dir);
}

static void adopt_state(struct exports *all, const char *name)
{
    size_t size = strlen(name);
    if (size > 5 && strcmp(name + size - 5, ".json") == 0)
        adopt(all, name);
}

static void remove_stray(struct exports *all, const char *name)
{
    char path[900];
    if (is_ours(all, name))
        return;
    snprintf(path, sizeof path, "%s/%s", all->dir, name);
    (void)unlink(path);
}

static int open_folder(struct exports *all, struct why *why)
{
    snprintf(all->dir, sizeof all->dir, "%.580s/" EXPORTS_DIR, all->config.data_dir);
    if (mkdir(all->dir, 0700) != 0 && errno != EEXIST) {
        why_set(why, "cannot make %s: %s", all->dir, strerror(errno));
        return err_of_errno(errno);
    }
    each_file(all, adopt_state);
    qsort(all->item, all->count, sizeof all->item[0], by_creation);
    each_file(all, remove_stray);
    return 0;
}

int exports_start(const struct exports_config *config, struct exports **ret_exports, struct why *why)
{
    struct exports *all = calloc(1, sizeof *all);
    if (all == NULL)
        return ERR_NOMEM;
    all->config = *config;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->changed, NULL);
    all->counters = counters_block(config->counters);
    int err = all->counters ? open_folder(all, why) : ERR_NOMEM;
    all->started = err == 0 && pthread_create(&all->thread, NULL, thread_main, all) == 0;
    if (!all->started) {
        exports_stop(all);
        return err ? err : ERR_NOMEM;
    }
    *ret_exports = all;
    return 0;
}

void exports_stop(struct exports *all)
{
    if (all == NULL)
        return;
    pthread_mutex_lock(&all->lock);
    atomic_store(&all->stopping, true);
    pthread_cond_signal(&all->changed);
    pthread_mutex_unlock(&all->lock);
    if (all->started)
        pthread_join(all->thread, NULL);
    for (unsigned i = 0; i < all->count; i++)
        free(all->item[i]);
    pthread_cond_destroy(&all->changed);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

/* ---- from other threads ---- */

int exports_add(struct exports *all, struct export *e)
{
    uint8_t id[(EXPORT_ID_SIZE - 1) / 2];
    struct export *row = malloc(sizeof *row);
    if (row == NULL)
        return ERR_NOMEM;
    crypto_random(id, sizeof id);
    crypto_hex(slice_of(id, sizeof id), e->id);
    pthread_mutex_lock(&all->lock);
    bool full = count_waiting(all, NULL) >= EXPORTS_WAITING || count_waiting(all, e->owner) >= EXPORTS_WAITING / 4 ||
                (all->count == EXPORTS_MAX && !forget_oldest(all));
    int err = full ? ERR_BUSY : export_state_write(all->dir, e);
    if (err == 0) {
        *row = *e;
        all->item[all->count++] = row;
        pthread_cond_signal(&all->changed);
    }
    pthread_mutex_unlock(&all->lock);
    if (err)
        free(row);
    return err;
}

bool exports_get(struct exports *all, const char *id, struct export *ret_export)
{
    pthread_mutex_lock(&all->lock);
    const struct export *e = find(all, id);
    if (e)
        *ret_export = *e;
    pthread_mutex_unlock(&all->lock);
    return e != NULL;
}

int exports_list(struct exports *all, const char *owner, struct export **ret_list, unsigned *ret_count)
{
    unsigned n = 0;
    pthread_mutex_lock(&all->lock);
    struct export *list = malloc((all->count + 1) * sizeof *list);
    for (unsigned i = all->count; list && i-- > 0;)
        if (owner == NULL || strcmp(all->item[i]->owner, owner) == 0)
            list[n++] = *all->item[i];
    pthread_mutex_unlock(&all->lock);
    *ret_list = list;
    *ret_count = n;
    return list ? 0 : ERR_NOMEM;
}

bool exports_remove(struct exports *all, const char *id)
{
    pthread_mutex_lock(&all->lock);
    struct export *e = find(all, id);
    if (e) {
        remove_file(all, e->id, "json");
        remove_file(all, e->id, export_suffix(e)); /* of one that is being made its thread removes what there is */
        forget(all, e);
    }
    pthread_mutex_unlock(&all->lock);
    return e != NULL;
}

unsigned exports_waiting(struct exports *all)
{
    pthread_mutex_lock(&all->lock);
    unsigned n = count_waiting(all, NULL);
    pthread_mutex_unlock(&all->lock);
    return n;
}

void exports_use(struct exports *all, struct exports_use *ret_use)
{
    pthread_mutex_lock(&all->lock);
    *ret_use = (struct exports_use){.bytes = all->used_bytes, .max_bytes = all->config.max_all_bytes, .keep_s = all->config.keep_us / SECOND_US};
    pthread_mutex_unlock(&all->lock);
}
