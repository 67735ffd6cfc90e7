/* The table of imports and the thread that reads them, the oldest first. */
#include "app/importer_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "storage/disk.h"

#define NICE         15
#define IOPRIO_LOW   (2 << 13 | 7) /* as retention.c */
#define CRASHES_MAX  3 /* what ended the service so often is not read once more */
#define SECOND_NS    1000000000

/* ---- the table ---- */

static bool waits(const struct api_import *i)
{
    return i->state == API_IMPORT_QUEUED || i->state == API_IMPORT_RUNNING;
}

/* Removed, though its reading has not ended yet. */
static bool is_gone(const struct importer *m, const struct api_import *i)
{
    return m->cut && strcmp(m->reading, i->id) == 0;
}

unsigned importer_waiting(const struct importer *m)
{
    unsigned n = m->receiving;
    for (unsigned i = 0; i < m->count; i++)
        n += waits(m->items[i]);
    return n;
}

uint64_t importer_min_free(const struct importer *m)
{
    uint64_t free_bytes, total_bytes = 0, wanted = (uint64_t)m->config.settings->retain_min_free;
    if (disk_free(m->config.settings->data_dir, &free_bytes, &total_bytes) != 0)
        return wanted;
    return wanted < total_bytes / 8 ? wanted : total_bytes / 8;
}

static unsigned find(const struct importer *m, const char *id)
{
    unsigned i = 0;
    while (i < m->count && strcmp(m->items[i]->id, id) != 0)
        i++;
    return i;
}

/* Of the table. Its files are unlinked without the lock, unless they are small: whoever brings something waits for it. */
static void take_out(struct importer *m, unsigned at)
{
    free(m->items[at]);
    m->count--;
    memmove(&m->items[at], &m->items[at + 1], (m->count - at) * sizeof *m->items);
}

/* Of those that are over the oldest is forgotten; its calls stay. */
static void make_room(struct importer *m)
{
    unsigned at = 0;
    while (at < m->count && waits(m->items[at]))
        at++;
    if (m->count < IMPORTS_LIST_MAX || at == m->count)
        return;
    import_unlink(m, m->items[at]->id);
    take_out(m, at);
}

static const struct api_import *find_content(const struct importer *m, const char *sha256)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->items[i]->state != API_IMPORT_FAILED && !is_gone(m, m->items[i]) && strcmp(m->items[i]->sha256, sha256) == 0)
            return m->items[i];
    return NULL;
}

static bool put_last(struct importer *m, const struct api_import *i)
{
    make_room(m);
    struct api_import *copy = m->count < IMPORTS_LIST_MAX ? malloc(sizeof *copy) : NULL;
    if (copy == NULL)
        return false;
    *copy = *i;
    m->items[m->count++] = copy;
    return true;
}

int importer_add(struct importer *m, const struct api_import *i, struct api_import *ret_known)
{
    int err = 0;
    pthread_mutex_lock(&m->lock);
    const struct api_import *known = ret_known ? find_content(m, i->sha256) : NULL;
    if (known) {
        *ret_known = *known;
        err = ERR_EXISTS;
    } else if (!put_last(m, i)) {
        err = ERR_NOMEM;
    }
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    return err;
}

bool importer_known(struct importer *m, const char *sha256, struct api_import *ret_import)
{
    pthread_mutex_lock(&m->lock);
    const struct api_import *known = find_content(m, sha256);
    if (known)
        *ret_import = *known;
    pthread_mutex_unlock(&m->lock);
    return known != NULL;
}

/* ---- one of them ---- */

static bool goes_on(void *context)
{
    struct importer *m = context;
    pthread_mutex_lock(&m->lock);
    bool on = !m->stopping && !m->cut;
    pthread_mutex_unlock(&m->lock);
    return on;
}

static void take_news(void *context, const struct api_import *news)
{
    struct importer *m = context;
    pthread_mutex_lock(&m->lock);
    unsigned at = find(m, news->id);
    if (at < m->count)
        *m->items[at] = *news;
    pthread_mutex_unlock(&m->lock);
}

/* Sentences name the file by what whoever brought it called it. */
static void set_error(struct api_import *i, const char *path, int err, const struct why *why)
{
    const char *text = why->text[0] ? why->text : err ? err_text(err) : "";
    const char *at = strstr(text, path);
    if (at)
        snprintf(i->error, sizeof i->error, "%.*s%s%s", (int)(at - text), text, i->name, at + strlen(path));
    else
        snprintf(i->error, sizeof i->error, "%s", text);
    for (char *c = i->error; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
}

/* The state that stands on the disk says that it began: if that ends us, the next start knows. */
static int begin(struct api_import *i, const char *path)
{
    struct stat st;
    i->state = API_IMPORT_RUNNING;
    i->attempts++;
    i->started_us = clock_wall_ns() / 1000;
    i->progress = 0;
    i->packets = i->calls = i->others = 0;
    i->first_us = i->last_us = 0;
    i->missed_packets = i->unkept_packets = i->evicted_calls = i->skipped_calls = 0;
    return stat(path, &st) == 0 && (uint64_t)st.st_size == i->bytes ? 0 : ERR_TRUNCATED;
}

/* Of the one that is read, unless it was removed: that was answered, and stays so. */
static int write_reading(struct importer *m, const struct api_import *i)
{
    pthread_mutex_lock(&m->saying);
    pthread_mutex_lock(&m->lock);
    bool cut = m->cut;
    pthread_mutex_unlock(&m->lock);
    int err = cut ? 0 : import_write(m, i);
    pthread_mutex_unlock(&m->saying);
    return err;
}

/* The file goes once it is written that nobody needs it any more: between the two it would be missed. */
static void write_over(struct importer *m, const struct api_import *i, const char *path)
{
    if (write_reading(m, i) == 0)
        (void)unlink(path);
    else
        log_error("import", "what became of import %s cannot be written", i->id);
}

static void over(struct importer *m, struct api_import *i, const char *path, int err, const struct why *why)
{
    i->state = err ? API_IMPORT_FAILED : API_IMPORT_DONE;
    i->ended_us = clock_wall_ns() / 1000;
    i->progress = err ? i->progress : 1;
    set_error(i, path, err, why);
    if (err == 0 && !i->partial)
        i->error[0] = '\0';
    write_over(m, i, path);
}

/* We are stopped, which is no fault of the file: it waits for the next start. */
static void put_off(struct importer *m, struct api_import *i)
{
    i->state = API_IMPORT_QUEUED;
    if (write_reading(m, i) != 0)
        log_error("import", "that import %s waits for the next start cannot be written", i->id);
}

/* What became of it is said, and it is not read any more, in one step: whoever removes it finds the one or the other. False: it was removed. */
static bool end_reading(struct importer *m, const struct api_import *i)
{
    pthread_mutex_lock(&m->lock);
    unsigned at = find(m, i->id);
    bool stays = !m->cut;
    if (at < m->count && stays)
        *m->items[at] = *i;
    else if (at < m->count)
        take_out(m, at);
    m->reading[0] = '\0';
    m->cut = false;
    pthread_mutex_unlock(&m->lock);
    if (!stays)
        import_unlink(m, i->id);
    return stays;
}

static void tell_end(const struct importer *m, const struct api_import *i, bool stays)
{
    const char *result = !stays ? "cancelled" : i->state == API_IMPORT_DONE ? "done" : "failed";
    if (stays && i->state == API_IMPORT_QUEUED)
        return;
    counters_add(m->config.counters, C_IMPORTS + label_find(LABELS_IMPORT, slice_str(result)), 1);
    log_info("import", "import %s is %s: %llu calls of %llu packets%s%s", i->id, result, (unsigned long long)i->calls,
             (unsigned long long)i->packets, i->error[0] ? "; " : "", i->error);
}

static void read_one(struct importer *m, struct api_import *i)
{
    char path[600];
    struct why why = {0};
    import_path(m, i->id, ".cap", path);
    int err = begin(i, path);
    if (err)
        why_set(&why, "The file is not whole: the machine stopped before it was written.");
    if (err == 0)
        err = write_reading(m, i);
    take_news(m, i);
    const struct import_run_config config = {.importer = m, .path = path, .goes_on = goes_on, .tell = take_news, .context = m};
    if (err == 0)
        err = import_run(&config, i, &why);
    if (err == ERR_BUSY && !goes_on(m))
        put_off(m, i);
    else
        over(m, i, path, err, &why);
    tell_end(m, i, end_reading(m, i));
}

/* ---- the thread ---- */

/* Waits for one; false: stop. */
static bool next(struct importer *m, struct api_import *ret_import)
{
    bool found = false;
    pthread_mutex_lock(&m->lock);
    while (!m->stopping && !found) {
        for (unsigned i = 0; i < m->count && !found; i++)
            if (m->items[i]->state == API_IMPORT_QUEUED) {
                *ret_import = *m->items[i];
                m->items[i]->state = API_IMPORT_RUNNING;
                snprintf(m->reading, sizeof m->reading, "%s", ret_import->id);
                found = true;
            }
        if (!found)
            pthread_cond_wait(&m->changed, &m->lock);
    }
    found &= !m->stopping;
    pthread_mutex_unlock(&m->lock);
    return found;
}

static void *importer_main(void *context)
{
    struct importer *m = context;
    struct api_import i;
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    (void)syscall(SYS_ioprio_set, 1 /* this thread */, 0, IOPRIO_LOW);
    while (next(m, &i))
        read_one(m, &i);
    return NULL;
}

/* ---- start ---- */

/* A reading that we were stopped in begins again; one that ended us too often is over. */
static void adopt(struct importer *m, struct api_import *i)
{
    char path[600];
    import_path(m, i->id, ".cap", path);
    i->crashes += i->state == API_IMPORT_RUNNING;
    if (i->state == API_IMPORT_RUNNING && i->crashes >= CRASHES_MAX) {
        struct why why;
        why_set(&why, "The service crashed %u times while it read this file; it is not tried again.", i->crashes);
        i->state = API_IMPORT_FAILED;
        i->ended_us = clock_wall_ns() / 1000;
        set_error(i, path, 0, &why);
        write_over(m, i, path);
    } else if (i->state == API_IMPORT_RUNNING) {
        i->state = API_IMPORT_QUEUED;
    } else if (!waits(i)) {
        (void)unlink(path); /* a crash came between the two steps of write_over() */
    }
    (void)importer_add(m, i, NULL);
}

static int by_time(const void *a, const void *b)
{
    const struct api_import *x = *(struct api_import *const *)a, *y = *(struct api_import *const *)b;
    return (x->received_us > y->received_us) - (x->received_us < y->received_us);
}

/* A file without a word about it is what an upload left that never ended. */
static void adopt_file(struct importer *m, const char *name)
{
    struct api_import i;
    char id[40];
    const char *dot = strchr(name, '.');
    if (dot == NULL || dot - name != 36)
        return;
    snprintf(id, sizeof id, "%.36s", name);
    bool known = import_read(m, id, &i);
    if (!known)
        import_unlink(m, id);
    else if (strcmp(dot, ".info") == 0)
        adopt(m, &i);
}

static int adopt_all(struct importer *m, struct why *why)
{
    char dir[600];
    import_path(m, "", "", dir);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        why_set(why, "cannot make the folder %s: %s", dir, strerror(errno));
        return err_of_errno(errno);
    }
    DIR *d = opendir(dir);
    if (d == NULL)
        return err_of_errno(errno);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        adopt_file(m, e->d_name);
    closedir(d);
    if (m->count)
        qsort(m->items, m->count, sizeof *m->items, by_time);
    return 0;
}

int importer_start(const struct importer_config *config, struct importer **ret_importer, struct why *why)
{
    struct importer *m = calloc(1, sizeof *m);
    if (m == NULL)
        return ERR_NOMEM;
    m->config = *config;
    m->pipeline = *config->pipeline;
    pthread_mutex_init(&m->saying, NULL);
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->changed, NULL);
    int err = adopt_all(m, why);
    if (err == 0 && pthread_create(&m->thread, NULL, importer_main, m) != 0) {
        why_set(why, "cannot start the thread that reads captures");
        err = ERR_FULL;
    }
    m->started = err == 0;
    if (err) {
        importer_free(m);
        return err;
    }
    *ret_importer = m;
    return 0;
}

void importer_quit(struct importer *m)
{
    if (m == NULL || !m->started)
        return;
    pthread_mutex_lock(&m->lock);
    m->stopping = true;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    m->started = false;
}

void importer_free(struct importer *m)
{
    if (m == NULL)
        return;
    importer_quit(m);
    pthread_mutex_lock(&m->lock);
    while (m->receiving > 0)
        pthread_cond_wait(&m->changed, &m->lock);
    pthread_mutex_unlock(&m->lock);
    for (unsigned i = 0; i < m->count; i++)
        free(m->items[i]);
    pthread_mutex_destroy(&m->saying);
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->changed);
    free(m);
}

/* ---- for the API ---- */

static enum api_import_answer begin_upload(void *context, const struct api_import_begin *ask, struct import_upload **ret_upload, struct why *why)
{
    return import_upload_begin(context, ask, ret_upload, why);
}

static void list(void *context, api_import_fn *fn, void *fn_context)
{
    struct importer *m = context;
    pthread_mutex_lock(&m->lock);
    for (unsigned i = m->count; i > 0; i--)
        if (!is_gone(m, m->items[i - 1]))
            fn(fn_context, m->items[i - 1]);
    pthread_mutex_unlock(&m->lock);
}

static int get(void *context, const char *id, struct api_import *ret_import)
{
    struct importer *m = context;
    pthread_mutex_lock(&m->lock);
    unsigned at = find(m, id);
    bool found = at < m->count && !is_gone(m, m->items[at]);
    if (found)
        *ret_import = *m->items[at];
    pthread_mutex_unlock(&m->lock);
    return found ? 0 : ERR_NOT_FOUND;
}

static bool is_there(struct importer *m, const char *id)
{
    pthread_mutex_lock(&m->lock);
    unsigned at = find(m, id);
    bool there = at < m->count && !is_gone(m, m->items[at]);
    pthread_mutex_unlock(&m->lock);
    return there;
}

/* The one that is read is taken out by the thread that reads it, a moment later. True: it is not read. */
static bool cut_or_take_out(struct importer *m, const char *id)
{
    pthread_mutex_lock(&m->lock);
    unsigned at = find(m, id);
    bool read = strcmp(m->reading, id) == 0;
    if (read)
        m->cut = true;
    else if (at < m->count)
        take_out(m, at);
    pthread_mutex_unlock(&m->lock);
    return !read;
}

/* The disk knows first: what was answered holds after a crash. */
static int remove_one(void *context, const char *id)
{
    struct importer *m = context;
    bool out = false;
    pthread_mutex_lock(&m->saying);
    int err = is_there(m, id) ? import_forget(m, id) : ERR_NOT_FOUND;
    if (err == 0)
        out = cut_or_take_out(m, id);
    pthread_mutex_unlock(&m->saying);
    if (out)
        import_unlink(m, id);
    return err;
}

struct api_import_source importer_source(struct importer *m)
{
    return (struct api_import_source){
        .context = m,
        .max_bytes = (uint64_t)m->config.settings->import_size,
        .begin = begin_upload,
        .write = import_upload_write,
        .finish = import_upload_finish,
        .drop = import_upload_drop,
        .list = list,
        .get = get,
        .remove = remove_one,
    };
}
