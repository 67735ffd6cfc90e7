/* The table of exports: what a restart finds of it, and what handlers ask. */
#include "api/exports.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/export_internal.h"
#include "base/clock.h"
#include "base/crypto.h"

#define SECOND_US INT64_C(1000000)
#define ID_DIGITS (EXPORT_ID_SIZE - 1)

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

bool export_is_over(const struct export *e)
{
    return e->state == EXPORT_READY || e->state == EXPORT_FAILED || e->state == EXPORT_EXPIRED;
}

void exports_remove_file(const struct exports *all, const char *id, const char *end)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s.%s", all->dir, id, end);
    (void)unlink(path);
}

/* ---- rows ---- */

struct export *exports_find(const struct exports *all, const char *id)
{
    for (unsigned i = 0; i < all->count; i++)
        if (strcmp(all->item[i]->id, id) == 0)
            return all->item[i];
    return NULL;
}

void exports_forget(struct exports *all, struct export *e)
{
    unsigned i = 0;
    while (all->item[i] != e)
        i++;
    memmove(&all->item[i], &all->item[i + 1], (all->count - i - 1) * sizeof all->item[0]);
    all->count--;
    free(e);
}

unsigned exports_count_waiting(const struct exports *all, const char *owner)
{
    unsigned n = 0;
    for (unsigned i = 0; i < all->count; i++)
        n += !export_is_over(all->item[i]) && (owner == NULL || strcmp(all->item[i]->owner, owner) == 0);
    return n;
}

/* ---- what a restart finds ---- */

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
    if (export_is_over(e) && !lost)
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
    size_t size = strlen(name);
    bool state = size > 5 && strcmp(name + size - 5, ".json") == 0;
    struct export *e = state && all->count < EXPORTS_MAX ? malloc(sizeof *e) : NULL;
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
    if (!is_id(name) || name[ID_DIGITS] != '.')
        return false;
    snprintf(id, sizeof id, "%s", name);
    const struct export *e = exports_find(all, id);
    const char *end = name + ID_DIGITS + 1;
    return e && (strcmp(end, "json") == 0 || (e->state == EXPORT_READY && strcmp(end, export_suffix(e)) == 0));
}

static void remove_stray(struct exports *all, const char *name)
{
    char path[900];
    if (is_ours(all, name))
        return;
    snprintf(path, sizeof path, "%s/%s", all->dir, name);
    (void)unlink(path);
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

static int open_folder(struct exports *all, struct why *why)
{
    snprintf(all->dir, sizeof all->dir, "%.580s/" EXPORTS_DIR, all->config.data_dir);
    if (mkdir(all->dir, 0700) != 0 && errno != EEXIST) {
        why_set(why, "cannot make %s: %s", all->dir, strerror(errno));
        return err_of_errno(errno);
    }
    each_file(all, adopt);
    if (all->count)
        qsort(all->item, all->count, sizeof all->item[0], by_creation);
    each_file(all, remove_stray);
    return 0;
}

/* ---- start and stop ---- */

int exports_start(const struct exports_config *config, struct exports **ret_exports, struct why *why)
{
    struct exports *all = calloc(1, sizeof *all);
    pthread_condattr_t monotonic;
    if (all == NULL)
        return ERR_NOMEM;
    all->config = *config;
    pthread_mutex_init(&all->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&all->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    all->counters = counters_block(config->counters);
    int err = all->counters ? open_folder(all, why) : ERR_NOMEM;
    all->started = err == 0 && pthread_create(&all->thread, NULL, exports_thread, all) == 0;
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

/* ---- what handlers ask ---- */

static bool is_of(const struct export *e, const char *owner)
{
    return owner == NULL || strcmp(e->owner, owner) == 0;
}

/* Of which nothing is left but what became of it. */
static struct export *oldest_gone(const struct exports *all, const char *owner)
{
    for (unsigned i = 0; i < all->count; i++)
        if (is_of(all->item[i], owner) && (all->item[i]->state == EXPORT_FAILED || all->item[i]->state == EXPORT_EXPIRED))
            return all->item[i];
    return NULL;
}

static bool has_all_of_share(const struct exports *all, const char *owner)
{
    unsigned n = 0;
    for (unsigned i = 0; i < all->count; i++)
        n += is_of(all->item[i], owner);
    return n >= EXPORTS_MAX / EXPORTS_SHARE;
}

static const char *oldest_of(const struct exports *all, const char *owner)
{
    unsigned i = 0;
    while (!is_of(all->item[i], owner))
        i++;
    return all->item[i]->id;
}

/* What is ready goes for no other: its owner may not have fetched it yet, and says which one they can do without. What has failed
 * or expired goes. 0 or an ERR_ of exports_add(); `ret_gone`: one that has to make place, or NULL. */
static int find_place(const struct exports *all, const char *owner, struct export **ret_gone)
{
    bool share = has_all_of_share(all, owner);
    *ret_gone = NULL;
    if (exports_count_waiting(all, NULL) >= EXPORTS_WAITING || exports_count_waiting(all, owner) >= EXPORTS_WAITING / 4)
        return ERR_BUSY;
    if (!share && all->count < EXPORTS_MAX)
        return 0;
    *ret_gone = oldest_gone(all, share ? owner : NULL);
    return *ret_gone ? 0 : share ? ERR_FULL : ERR_BUSY;
}

/* Before anything is written for it: who has no place costs no disk. */
static int ask_place(struct exports *all, struct export *e)
{
    struct export *gone;
    pthread_mutex_lock(&all->lock);
    int err = find_place(all, e->owner, &gone);
    if (err == ERR_FULL)
        memcpy(e->id, oldest_of(all, e->owner), EXPORT_ID_SIZE);
    pthread_mutex_unlock(&all->lock);
    return err;
}

/* 0: the row is the table's. `ret_gone`: the id of one that made place, or "". */
static int put_row(struct exports *all, struct export *row, char ret_gone[EXPORT_ID_SIZE])
{
    struct export *gone;
    ret_gone[0] = '\0';
    pthread_mutex_lock(&all->lock);
    int err = find_place(all, row->owner, &gone);
    if (err == 0 && gone) {
        memcpy(ret_gone, gone->id, EXPORT_ID_SIZE);
        exports_forget(all, gone);
    }
    if (err == 0) {
        all->item[all->count++] = row;
        pthread_cond_signal(&all->changed);
    }
    pthread_mutex_unlock(&all->lock);
    return err;
}

static int store_row(struct exports *all, struct export *row)
{
    char gone[EXPORT_ID_SIZE];
    int err = export_state_write(all->dir, row);
    if (err)
        return err;
    err = put_row(all, row, gone);
    if (err)
        exports_remove_file(all, row->id, "json");
    else if (gone[0])
        exports_remove_file(all, gone, "json");
    return err == ERR_FULL ? ERR_BUSY : err; /* others of the same owner were quicker: asked again it is told which */
}

int exports_add(struct exports *all, struct export *e)
{
    uint8_t id[ID_DIGITS / 2];
    int err = ask_place(all, e);
    struct export *row = err ? NULL : malloc(sizeof *row);
    if (row == NULL)
        return err ? err : ERR_NOMEM;
    crypto_random(id, sizeof id);
    crypto_hex(slice_of(id, sizeof id), e->id);
    *row = *e;
    err = store_row(all, row);
    if (err)
        free(row);
    return err;
}

bool exports_get(struct exports *all, const char *id, struct export *ret_export)
{
    pthread_mutex_lock(&all->lock);
    const struct export *e = exports_find(all, id);
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

/* Of one that is being made its thread removes what there is. */
bool exports_remove(struct exports *all, const char *id)
{
    struct export gone;
    pthread_mutex_lock(&all->lock);
    struct export *e = exports_find(all, id);
    if (e) {
        gone = *e;
        exports_forget(all, e);
    }
    pthread_mutex_unlock(&all->lock);
    if (e == NULL)
        return false;
    exports_remove_file(all, gone.id, "json");
    exports_remove_file(all, gone.id, export_suffix(&gone));
    return true;
}

unsigned exports_waiting(struct exports *all)
{
    pthread_mutex_lock(&all->lock);
    unsigned n = exports_count_waiting(all, NULL);
    pthread_mutex_unlock(&all->lock);
    return n;
}

void exports_use(struct exports *all, struct exports_use *ret_use)
{
    pthread_mutex_lock(&all->lock);
    *ret_use = (struct exports_use){.bytes = all->used_bytes, .max_bytes = all->config.max_all_bytes, .keep_s = all->config.keep_us / SECOND_US};
    pthread_mutex_unlock(&all->lock);
}
