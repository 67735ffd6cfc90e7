/* Opening the store for writing, and its transaction: it begins in a file with the first write
 * there, and store_commit() ends it in all files. The first error sticks; from then on writes are
 * refused until the commit, which rolls back. One thread. */
#include "storage/store_db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCRATCH_MAX (64u << 20)

int store_db(struct store *s, enum db_kind kind, const char *day, struct db **ret_db)
{
    if (s->error)
        return s->error;
    int err = db_get(&s->set, kind, day, ret_db, NULL);
    if (!err)
        err = db_begin(*ret_db);
    s->error = err;
    return err;
}

int store_main(struct store *s, enum db_sql sql, struct db **ret_db, struct bind *ret_bind)
{
    int err = store_db(s, DB_MAIN, "", ret_db);
    if (err)
        return err;
    *ret_bind = bind_to(db_statement(*ret_db, sql));
    return ret_bind->statement ? 0 : store_done(s, ERR_INVALID, 0, "jobs");
}

int store_done(struct store *s, int err, unsigned rows, const char *table)
{
    if (err) {
        s->error = s->error ? s->error : err;
        return s->error;
    }
    s->pending += rows;
    counters_add(s->counters, C_DB_ROWS + label_find(LABELS_DB_TABLE, slice_str(table)), rows);
    return 0;
}

/* The files of one kind; `err` rolls back instead. */
static int commit_files(struct store *s, enum db_kind kind, int err)
{
    for (unsigned i = 0; i < DB_OPEN_MAX; i++) {
        struct db *db = s->set.open[i];
        if (db == NULL || !db->writing || db->kind != kind)
            continue;
        int commit_err = err ? err : db_commit(db);
        if (commit_err) {
            err = err ? err : commit_err;
            db_rollback(db);
        }
        db->key_count = 0;
        db->writing = false;
        db->unsynced |= commit_err == 0;
    }
    return err;
}

/* earshot.db outlives a power cut, the last commits of days need not: what ends in it must not be ahead of what it was for. */
static int sync_files(struct store *s)
{
    int err = 0;
    for (unsigned i = 0; i < DB_OPEN_MAX && err == 0; i++) {
        struct db *db = s->set.open[i];
        if (db == NULL || db->kind != DB_CALLS || !db->unsynced)
            continue;
        err = store_day_sync(s, db->day);
        db->unsynced = err != 0;
    }
    return err;
}

int store_commit(struct store *s)
{
    /* What a crash between two of them leaves is made good at the next start (store_jobs.c). */
    int err = commit_files(s, DB_MAIN, s->error);
    err = commit_files(s, DB_MESSAGES, err);
    err = commit_files(s, DB_CALLS, err);
    if (err == 0 && s->ending_count)
        err = sync_files(s);
    if (err) {
        s->ending_count = 0;
        store_kpi_doubt(s);
    } else if (s->ending_count) {
        err = commit_files(s, DB_MAIN, store_endings_do(s));
    }
    s->error = 0;
    s->pending = 0;
    return err;
}

unsigned store_pending(const struct store *s)
{
    return s->pending;
}

static int directory_make(const char *path, struct why *why)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    int errnum = errno;
    why_set(why, "cannot make %s: %s; check storage.data_dir and who owns it", path,
            strerror(errnum));
    return err_of_errno(errnum);
}

int store_open(const char *data_dir, struct counters *counters, struct store **ret_store,
               struct why *why)
{
    char path[STORE_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/db", data_dir);

    /* Nobody asks what it counts under a lock of all threads; too late in a second store. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (n >= (int)sizeof path - 32) {
        why_set(why, "the data directory's name is too long");
        return ERR_INVALID;
    }
    int err = directory_make(data_dir, why);
    if (!err)
        err = directory_make(path, why);
    if (!err)
        err = days_check(data_dir, why);
    if (err)
        return err;
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    struct db *db;
    snprintf(s->set.data_dir, sizeof s->set.data_dir, "%s", data_dir);
    s->set.counters = s->counters = counters;
    for (size_t i = 0; i < sizeof s->scratch / sizeof *s->scratch; i++)
        buf_init(&s->scratch[i], SCRATCH_MAX);
    err = db_get(&s->set, DB_MAIN, "", &db, why);
    if (err) {
        store_close(s);
        return err;
    }
    *ret_store = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    (void)store_kpi_flush(s);
    store_kpi_close(s);
    db_set_close(&s->set, NULL);
    free(s->endings);
    for (size_t i = 0; i < sizeof s->scratch / sizeof *s->scratch; i++)
        buf_fini(&s->scratch[i]);
    free(s);
}

void store_shares(struct store *s, struct columns *columns)
{
    s->set.columns = columns;
}

void store_reader_shares(struct store_reader *r, struct columns *columns)
{
    r->set.columns = columns;
}

int store_reader_open(const char *data_dir, struct store_reader **ret_reader)
{
    char path[STORE_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/db", data_dir);
    if (n >= (int)sizeof path - 32)
        return ERR_INVALID;
    if (access(path, R_OK | X_OK) != 0)
        return err_of_errno(errno);
    struct store_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_NOMEM;
    snprintf(r->set.data_dir, sizeof r->set.data_dir, "%s", data_dir);
    r->set.read_only = true;
    *ret_reader = r;
    return 0;
}

void store_reader_close(struct store_reader *r)
{
    if (r == NULL)
        return;
    db_set_close(&r->set, NULL);
    free(r);
}
