/* Files of days that an earlier version wrote. A start only looks whether any is of a newer one, and lets them be: some steps take seconds in a
 * large file, and capture does not wait for them. Whoever then opens such a file brings it to the present schema first, so nobody
 * ever sees half of it or a list without it: the writer, a reader, or store_bring_up(), which goes through all of them. SQLite's own
 * lock says who of several does it; the others wait and find it done. */
#include "storage/store_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const enum db_kind DAYS[] = {DB_CALLS, DB_MESSAGES};
#define DAY_KINDS (sizeof DAYS / sizeof *DAYS)

/* A look into a file, whatever its schema. Not read-only: what a crash left in a journal has to be taken back first. */
static int raw_open(const char *data_dir, enum db_kind kind, const char *day, char path[STORE_PATH_MAX], sqlite3 **ret_handle)
{
    *ret_handle = NULL;
    if (!db_path(data_dir, kind, day, path))
        return ERR_INVALID;
    if (sqlite3_open_v2(path, ret_handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return ERR_IO;
    sqlite3_busy_timeout(*ret_handle, 5000);
    return 0;
}

/* Whether it is older than we are; refuses what is newer, or no database. */
static int day_look(const char *data_dir, enum db_kind kind, const char *day, bool *ret_old, struct why *why)
{
    char path[STORE_PATH_MAX];
    sqlite3 *handle;
    int64_t version = 0;
    int err = raw_open(data_dir, kind, day, path, &handle);
    if (err == ERR_IO && access(path, F_OK) != 0)
        err = ERR_NOT_FOUND;
    if (err)
        why_set(why, "cannot open %s: %s", path, handle ? sqlite3_errmsg(handle) : "no memory");
    else
        err = schema_check(handle, schema_version(kind), path, &version, why);
    sqlite3_close(handle);
    *ret_old = err == 0 && version < schema_version(kind);
    return err;
}

int days_check(const char *data_dir, struct why *why)
{
    char path[STORE_PATH_MAX];
    bool old;
    int err = 0;
    for (size_t k = 0; k < DAY_KINDS && !err; k++) {
        struct day *days;
        size_t count;
        err = day_list(data_dir, DAYS[k], &days, &count);
        if (err)
            return err;
        for (size_t i = 0; i < count && !err; i++)
            if (db_path(data_dir, DAYS[k], days[i].text, path) && schema_peek(path) != schema_version(DAYS[k]))
                err = day_look(data_dir, DAYS[k], days[i].text, &old, why);
        free(days);
    }
    return err;
}

int day_bring_up(const char *data_dir, enum db_kind kind, const char *day, struct why *why)
{
    struct db *db;
    struct db_set *set = calloc(1, sizeof *set);
    if (set == NULL)
        return ERR_NOMEM;
    snprintf(set->data_dir, sizeof set->data_dir, "%s", data_dir);
    set->makes_none = true; /* retention may have taken it */
    int err = db_get(set, kind, day, &db, why);
    db_set_close(set, NULL);
    free(set);
    return err;
}

/* ---- all of them ---- */

struct old_day {
    enum db_kind kind;
    struct day day;
};

static int old_newest_first(const void *a, const void *b)
{
    return strcmp(((const struct old_day *)b)->day.text, ((const struct old_day *)a)->day.text);
}

static int old_of_kind(const char *data_dir, enum db_kind kind, struct old_day **old, size_t *count, struct why *why)
{
    struct day *days;
    size_t there;
    int err = day_list(data_dir, kind, &days, &there);
    struct old_day *more = err ? NULL : realloc(*old, (*count + there + 1) * sizeof *more);
    if (more)
        *old = more;
    else if (!err)
        err = ERR_NOMEM;
    for (size_t i = 0; i < there && !err; i++) {
        bool is_old;
        err = day_look(data_dir, kind, days[i].text, &is_old, why);
        if (err == ERR_NOT_FOUND) /* it went meanwhile */
            err = 0;
        if (!err && is_old)
            (*old)[(*count)++] = (struct old_day){kind, days[i]};
    }
    free(days);
    return err;
}

int store_bring_up(const char *data_dir, store_brought_fn *fn, void *context, struct why *why)
{
    struct old_day *old = NULL;
    char path[STORE_PATH_MAX];
    size_t count = 0;
    int err = 0;
    for (size_t k = 0; k < DAY_KINDS && !err; k++)
        err = old_of_kind(data_dir, DAYS[k], &old, &count, why);
    if (!err && count)
        qsort(old, count, sizeof *old, old_newest_first);
    bool goes_on = true;
    for (size_t i = 0; i < count && !err && goes_on; i++) {
        (void)db_path(data_dir, old[i].kind, old[i].day.text, path);
        goes_on = fn(context, strrchr(path, '/') + 1, (unsigned)i, (unsigned)count);
        if (goes_on)
            err = day_bring_up(data_dir, old[i].kind, old[i].day.text, why);
        if (err == ERR_NOT_FOUND)
            err = 0;
    }
    if (!err && goes_on && count)
        (void)fn(context, NULL, (unsigned)count, (unsigned)count);
    free(old);
    return err;
}

/* ---- days that something is left to do in ---- */

static bool day_is_unfinished(const char *data_dir, const char *day, int64_t mark)
{
    char path[STORE_PATH_MAX];
    sqlite3 *handle;
    sqlite3_stmt *statement = NULL;
    bool unfinished = true; /* in doubt, and where the columns are not there yet: the one who writes looks properly */
    if (raw_open(data_dir, DB_CALLS, day, path, &handle) == 0 &&
        sqlite3_prepare_v2(handle, db_sql_text(SQL_DAY_UNFINISHED), -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, mark);
        if (sqlite3_step(statement) == SQLITE_ROW)
            unfinished = sqlite3_column_int(statement, 0) != 0;
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return unfinished;
}

int days_unfinished(const char *data_dir, int64_t mark, struct day **ret_days, size_t *ret_count)
{
    size_t count, left = 0;
    int err = day_list(data_dir, DB_CALLS, ret_days, &count);
    for (size_t i = 0; i < count && !err; i++)
        if (day_is_unfinished(data_dir, (*ret_days)[i].text, mark))
            (*ret_days)[left++] = (*ret_days)[i];
    *ret_count = left;
    return err;
}
