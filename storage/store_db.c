/* Connections: opening with the right pragmas and modes, the small cache of open ones, statements,
 * bound values. */
#include "storage/store_db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/store_columns.h"
#include "storage/key_runs.h"
#include "storage/store_text.h"

#define BUSY_MS        5000
#define SCHEMA_BUSY_MS 30000 /* somebody else brings the file up */

/* Many rows of a commit share the pages of their indices: the cache holds what a batch touches, and
 * pages go from the log to the file only when it is as large as this, or they would be copied again
 * and again. */
#define PRAGMAS_WRITER                                                                             \
    "PRAGMA journal_mode = WAL; PRAGMA temp_store = MEMORY;"                                       \
    " PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = OFF;"                            \
    " PRAGMA trusted_schema = OFF;"
/* earshot.db is synced at each commit: an audit row must outlive a power cut. Day files may lose
 * their last commits then (the spool has the packets), never their integrity. Messages are large
 * rows that come and stay: large pages take them with few writes. */
static const char *const PRAGMAS_OF[] = {
    [DB_MAIN] = "PRAGMA page_size = 8192; PRAGMA cache_size = -16000; PRAGMA synchronous = FULL;"
                " PRAGMA secure_delete = ON;",
    [DB_CALLS] = "PRAGMA page_size = 8192; PRAGMA cache_size = -64000;"
                 " PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8000;",
    [DB_MESSAGES] = "PRAGMA page_size = 32768; PRAGMA cache_size = -16000;"
                    " PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000;",
};
#define PRAGMAS_READER                                                                             \
    "PRAGMA query_only = ON; PRAGMA cache_size = -4000; PRAGMA trusted_schema = OFF;"

bool db_path(const char *data_dir, enum db_kind kind, const char *day, char out[STORE_PATH_MAX])
{
    static const char *const FORMS[] = {"earshot", "calls-", "messages-"};
    int n = snprintf(out, STORE_PATH_MAX, "%s/db/%s%s.db", data_dir, FORMS[kind],
                     kind == DB_MAIN ? "" : day);
    return n > 0 && n < STORE_PATH_MAX;
}

int db_error(const struct db *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (db->counters)
            counters_add(db->counters, C_DB_BUSY, 1);
        return ERR_BUSY;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

static void db_close(struct db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < DB_SQL_COUNT; i++)
        sqlite3_finalize(db->fixed[i]);
    for (size_t i = 0; i < DB_LISTS; i++)
        sqlite3_finalize(db->lists[i].statement);
    key_runs_forget(db);
    if (db->writing)
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db->handle);
    free(db->noted);
    free(db);
}

/* SQLite would make the file with mode 0644; its journals take the mode of the file. */
static int file_make(const char *path, struct why *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int errnum = errno;
        why_set(why, "cannot open %s: %s; check storage.data_dir and who owns it", path,
                strerror(errnum));
        return err_of_errno(errnum);
    }
    close(fd);
    return 0;
}

static int db_set_up(struct db *db, bool read_only, const char *path, struct why *why)
{
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_extended_result_codes(db->handle, 1);
    int rc = SQLITE_OK;
    if (!read_only) /* the size of pages is settled ahead of the log */
        rc = sqlite3_exec(db->handle, PRAGMAS_OF[db->kind], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc =
            sqlite3_exec(db->handle, read_only ? PRAGMAS_READER : PRAGMAS_WRITER, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = text_holds_register(db->handle);
    if (rc != SQLITE_OK) {
        why_set(why, "cannot use %s: %s", path, sqlite3_errmsg(db->handle));
        return db_error(db, rc);
    }
    return 0;
}

static int writer_check(struct db *db, const char *path, struct why *why)
{
    sqlite3_busy_timeout(db->handle, SCHEMA_BUSY_MS);
    int err = schema_apply(db->handle, db->kind, path, why);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    return err;
}

/* It may be a moment ahead of its first schema, then it is as good as not there. ERR_UNSUPPORTED: an earlier version wrote it. */
static int reader_check(struct db *db)
{
    sqlite3_stmt *statement = NULL;
    int err = ERR_NOT_FOUND;
    int rc = sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    int64_t version = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    if (rc != SQLITE_ROW)
        err = db_error(db, rc);
    else if (version == schema_version(db->kind))
        err = 0;
    else if (version > 0 && version < schema_version(db->kind) && db->kind != DB_MAIN)
        err = ERR_UNSUPPORTED;
    sqlite3_finalize(statement);
    return err;
}

static void row_changed(void *context, int what, const char *file, const char *table, sqlite3_int64 id)
{
    (void)what, (void)file;
    if (strcmp(table, "calls") == 0)
        columns_note(context, id);
}

static int db_open(struct db_set *set, enum db_kind kind, const char *day, struct db **ret_db,
                   struct why *why)
{
    char path[STORE_PATH_MAX];
    struct stat st;
    int err;

    if (!db_path(set->data_dir, kind, day, path))
        return ERR_INVALID;
    bool makes = !set->read_only && !set->makes_none;
    err = makes ? file_make(path, why) : 0;
    if (err)
        return err;
    if (stat(path, &st) != 0)
        return err_of_errno(errno);
    struct db *db = calloc(1, sizeof *db);
    if (db == NULL)
        return ERR_NOMEM;
    db->kind = kind;
    db->device = st.st_dev;
    db->inode = st.st_ino;
    db->counters = set->counters;
    snprintf(db->day, sizeof db->day, "%s", day);
    int flags = set->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        why_set(why, "cannot open %s: %s", path, sqlite3_errstr(rc));
        err = (rc & 0xff) == SQLITE_CANTOPEN && !makes ? ERR_NOT_FOUND : db_error(db, rc);
        goto out;
    }
    err = db_set_up(db, set->read_only, path, why);
    if (!err)
        err = set->read_only ? reader_check(db) : writer_check(db, path, why);
    if (err)
        goto out;
    if (!set->read_only && kind == DB_CALLS && set->columns) {
        db->columns = set->columns;
        sqlite3_update_hook(db->handle, row_changed, db);
    }
    *ret_db = db;
    db = NULL;
out:
    db_close(db);
    return err;
}

/* A reader's connection goes on serving a file that was unlinked; this notices. */
static bool db_is_current(const struct db_set *set, const struct db *db)
{
    char path[STORE_PATH_MAX];
    struct stat st;
    return !set->read_only ||
           (db_path(set->data_dir, db->kind, db->day, path) && stat(path, &st) == 0 &&
            st.st_ino == db->inode && st.st_dev == db->device);
}

/* Where the connection is or goes. A writer's transaction in the way is committed: it was whole. */
static int set_slot(struct db_set *set, enum db_kind kind, const char *day, unsigned *ret_slot)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < DB_OPEN_MAX; i++) {
        const struct db *db = set->open[i];
        if (db && db->kind == kind && strcmp(db->day, day) == 0) {
            *ret_slot = i;
            return 0;
        }
    }
    for (unsigned i = 0; i < DB_OPEN_MAX; i++) {
        const struct db *db = set->open[i];
        if (db == NULL || (set->open[oldest] && db->used_at < set->open[oldest]->used_at))
            oldest = i;
        if (db == NULL)
            break;
    }
    struct db *victim = set->open[oldest];
    int err = 0;
    if (victim && victim->writing) {
        err = db_commit(victim);
        victim->writing = err != 0;
    }
    db_close(victim);
    set->open[oldest] = NULL;
    *ret_slot = oldest;
    return err;
}

int db_get(struct db_set *set, enum db_kind kind, const char *day, struct db **ret_db,
           struct why *why)
{
    struct why unasked;
    unsigned slot;

    if (kind == DB_MAIN)
        day = "";
    int err = set_slot(set, kind, day, &slot);
    if (err)
        return err;
    if (set->open[slot] && !db_is_current(set, set->open[slot])) {
        db_close(set->open[slot]);
        set->open[slot] = NULL;
    }
    if (set->open[slot] == NULL) {
        why = why ? why : &unasked;
        err = db_open(set, kind, day, &set->open[slot], why);
        if (err == ERR_UNSUPPORTED && set->read_only)
            err = day_bring_up(set->data_dir, kind, day, why);
        if (!err && set->open[slot] == NULL)
            err = db_open(set, kind, day, &set->open[slot], why);
        if (err)
            return err;
    }
    set->open[slot]->used_at = ++set->uses;
    *ret_db = set->open[slot];
    return 0;
}

void db_set_close(struct db_set *set, const char *day)
{
    for (unsigned i = 0; i < DB_OPEN_MAX; i++) {
        if (set->open[i] == NULL || (day && strcmp(set->open[i]->day, day) != 0))
            continue;
        db_close(set->open[i]);
        set->open[i] = NULL;
    }
}

sqlite3_stmt *db_statement(struct db *db, enum db_sql sql)
{
    sqlite3_stmt **slot = &db->fixed[sql];
    if (*slot == NULL && sqlite3_prepare_v3(db->handle, db_sql_text(sql), -1,
                                            SQLITE_PREPARE_PERSISTENT, slot, NULL) != SQLITE_OK)
        return NULL;
    sqlite3_reset(*slot);
    sqlite3_clear_bindings(*slot);
    return *slot;
}

int db_row(struct db *db, enum db_sql sql, const char *word, sqlite3_stmt **ret_row)
{
    struct bind b = bind_to(db_statement(db, sql));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_word(&b, word);
    int rc = sqlite3_step(b.statement);
    if (rc == SQLITE_ROW) {
        *ret_row = b.statement;
        return 0;
    }
    sqlite3_reset(b.statement);
    return rc == SQLITE_DONE ? ERR_NOT_FOUND : db_error(db, rc);
}

int db_number(struct db *db, enum db_sql sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = db_statement(db, sql);
    if (statement == NULL)
        return ERR_INVALID;
    int rc = sqlite3_step(statement);
    *ret_number = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return db_error(db, rc);
}

int db_run(struct db *db, sqlite3_stmt *statement)
{
    if (statement == NULL)
        return ERR_INVALID;
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_ROW ? 0 : db_error(db, rc);
}

int db_begin(struct db *db)
{
    if (db->writing)
        return 0;
    int err = db_run(db, db_statement(db, SQL_BEGIN));
    db->writing = err == 0;
    return err;
}

int db_commit(struct db *db)
{
    int err = key_runs_write(db);
    if (!err)
        err = words_tidy(db);
    if (!err)
        err = db_run(db, db_statement(db, SQL_COMMIT));
    if (!err)
        columns_done(db, true);
    return err;
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        (void)db_run(db, db_statement(db, SQL_ROLLBACK));
    columns_done(db, false);
}

void bind_int(struct bind *b, int64_t v)
{
    sqlite3_bind_int64(b->statement, ++b->at, v);
}

void bind_int_or_null(struct bind *b, int64_t v, bool known)
{
    if (known)
        bind_int(b, v);
    else
        sqlite3_bind_null(b->statement, ++b->at);
}

void bind_real(struct bind *b, double v)
{
    sqlite3_bind_double(b->statement, ++b->at, v);
}

void bind_text(struct bind *b, struct slice v)
{
    sqlite3_bind_text64(b->statement, ++b->at, v.size ? (const char *)v.data : "", v.size,
                        SQLITE_STATIC, SQLITE_UTF8);
}

void bind_word(struct bind *b, const char *v)
{
    if (v)
        bind_text(b, slice_str(v));
    else
        sqlite3_bind_null(b->statement, ++b->at);
}

void bind_blob(struct bind *b, struct slice v)
{
    sqlite3_bind_blob64(b->statement, ++b->at, v.size ? (const void *)v.data : "", v.size,
                        SQLITE_STATIC);
}

struct slice column_bytes(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    return slice_of(bytes, (size_t)sqlite3_column_bytes(statement, column));
}
