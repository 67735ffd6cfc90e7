/* Day files: which there are, which day a time belongs to, and dropping whole days, which is what
 * deleting old calls means. */
#include "storage/store_db.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define DAY_US INT64_C(86400000000)

struct day day_of(int64_t time_us)
{
    char text[CLOCK_TEXT_SIZE];
    struct day day;
    snprintf(day.text, sizeof day.text, "%.8s", clock_day(time_us, text));
    return day;
}

bool day_between(const struct day *day, int64_t from_us, int64_t to_us)
{
    return (from_us == 0 || strcmp(day->text, day_of(from_us).text) >= 0) &&
           (to_us == 0 || strcmp(day->text, day_of(to_us - 1).text) <= 0);
}

static bool day_of_name(const char *name, const char *prefix, struct day *ret_day)
{
    size_t n = strlen(prefix);
    if (strncmp(name, prefix, n) != 0)
        return false;
    for (size_t i = 0; i < 8; i++)
        if (!isdigit((unsigned char)name[n + i]))
            return false;
    if (strcmp(name + n + 8, ".db") != 0)
        return false;
    memcpy(ret_day->text, name + n, 8);
    ret_day->text[8] = '\0';
    return true;
}

static int day_order(const void *a, const void *b)
{
    return strcmp(((const struct day *)a)->text, ((const struct day *)b)->text);
}

int day_list(const char *data_dir, enum db_kind kind, struct day **ret_days, size_t *ret_count)
{
    char path[STORE_PATH_MAX];
    struct day *days = NULL, day;
    size_t count = 0, room = 0;

    int n = snprintf(path, sizeof path, "%s/db", data_dir);
    DIR *dir = n < (int)sizeof path ? opendir(path) : NULL;
    if (dir == NULL)
        return err_of_errno(errno);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (!day_of_name(e->d_name, kind == DB_CALLS ? "calls-" : "messages-", &day))
            continue;
        if (count == room) {
            room = room ? room * 2 : 32;
            struct day *more = realloc(days, room * sizeof *more);
            if (more == NULL) {
                free(days);
                closedir(dir);
                return ERR_NOMEM;
            }
            days = more;
        }
        days[count++] = day;
    }
    closedir(dir);
    if (count)
        qsort(days, count, sizeof *days, day_order);
    *ret_days = days;
    *ret_count = count;
    return 0;
}

/* The log goes ahead of its database: a log left alone could be taken for that of a later file of
 * the same name. */
static bool file_drop(struct store *s, enum db_kind kind, const char *day)
{
    static const char *const ENDS[] = {"-wal", "-shm", ""};
    char path[STORE_PATH_MAX], one[STORE_PATH_MAX + 8];
    bool dropped = false;

    if (!db_path(s->set.data_dir, kind, day, path))
        return false;
    db_set_close(&s->set, day);
    for (size_t i = 0; i < 3; i++) {
        snprintf(one, sizeof one, "%s%s", path, ENDS[i]);
        dropped = unlink(one) == 0;
    }
    return dropped;
}

int store_day_content(struct store_reader *r, const char *day, int64_t *ret_imported_us, bool *ret_captured)
{
    struct db *db;
    int64_t captured = 0;
    int err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    *ret_imported_us = 0;
    if (!err)
        err = db_number(db, SQL_DAY_IMPORTED, ret_imported_us);
    if (!err)
        err = db_number(db, SQL_DAY_CAPTURED, &captured);
    *ret_captured = captured != 0;
    return err;
}

/* ---- what was captured goes, what was imported stays ---- */

static sqlite3_stmt *piece_statement(struct db *db, enum db_sql sql, int64_t after, int64_t last)
{
    struct bind b = bind_to(db_statement(db, sql));
    if (b.statement) {
        bind_int(&b, after);
        bind_int(&b, last);
    }
    return b.statement;
}

/* The last of the next calls; 0: there are none. */
static int piece_end(struct db *db, int64_t after, unsigned calls, int64_t *ret_last)
{
    sqlite3_stmt *statement = piece_statement(db, SQL_DAY_PIECE, after, calls);
    int rc = statement ? sqlite3_step(statement) : SQLITE_ERROR;
    *ret_last = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return db_error(db, rc);
}

static int piece_prune(struct db *db, int64_t after, int64_t last)
{
    static const enum db_sql STEPS[] = {SQL_DAY_PRUNE_TAGS, SQL_DAY_PRUNE_STREAMS, SQL_DAY_PRUNE_CALLS};
    unsigned notes;
    int err = notes_prune(db, piece_statement(db, SQL_NOTES_OF_PIECE, after, last), &notes);
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS && !err; i++)
        err = db_run(db, piece_statement(db, STEPS[i], after, last));
    return err;
}

static int nobodys_prune(struct db *db, bool *ret_more)
{
    unsigned notes = 0;
    int err = notes_prune(db, db_statement(db, SQL_NOTES_OF_NOBODY), &notes);
    *ret_more = notes > 0;
    return err ? err : db_run(db, db_statement(db, SQL_TAGS_OF_NOBODY));
}

static int day_prune(struct store *s, struct db *db, struct store_day_drop *d)
{
    int64_t last;
    int err = db_run(db, db_statement(db, SQL_DAY_WIPE));
    if (!err)
        err = piece_end(db, d->after, d->calls, &last);
    d->more = !err && last != 0;
    if (d->more)
        err = piece_prune(db, d->after, last);
    else if (!err)
        err = nobodys_prune(db, &d->more);
    if (!err && last)
        d->after = last;
    d->more &= !err;
    return store_done(s, err, 1, "calls");
}

/* ---- days go ---- */

/* Whether it stays for calls that were imported since then. One that cannot be read now stays, too: it is looked at again. What is no database
 * any more goes with its time, or it would stay for ever. */
static int day_stays(struct db *db, struct store_day_drop *d)
{
    int64_t imported_us = 0;
    int err = d->stays ? 0 : db_number(db, SQL_DAY_IMPORTED, &imported_us);
    d->stays |= !err && imported_us && imported_us >= d->imported_since_us;
    return err;
}

static int calls_drop(struct store *s, const char *day, struct store_day_drop *d)
{
    struct db *db;
    d->more = false;
    int err = store_db(s, DB_CALLS, day, &db);
    if (!err)
        err = day_stays(db, d);
    if (!err && d->stays)
        err = day_prune(s, db, d);
    bool stays = d->stays || (err && err != ERR_INVALID);
    int commit_err = store_commit(s); /* nothing else is in it, and an error ends with it */
    if (stays || (commit_err && commit_err != err))
        return err ? err : commit_err;
    d->gone = file_drop(s, DB_CALLS, day);
    return 0;
}

int store_drop_day(struct store *s, struct store_day_drop *d)
{
    struct day day = day_of(d->day_us);
    enum db_kind kind = d->messages ? DB_MESSAGES : DB_CALLS;
    char path[STORE_PATH_MAX];
    d->calls = d->calls ? d->calls : 256;
    d->gone = false;
    int err = d->messages || d->after ? 0 : store_findings_drop(s, d->day_us / DAY_US * DAY_US + DAY_US);
    int commit_err = store_commit(s);
    err = err ? err : commit_err;
    if (err || !db_path(s->set.data_dir, kind, day.text, path) || access(path, F_OK) != 0)
        return err;
    if (!d->messages)
        return calls_drop(s, day.text, d);
    d->gone = file_drop(s, DB_MESSAGES, day.text);
    return 0;
}

/* ---- reading day by day ---- */

static int rows_of_day(struct store_reader *r, const char *day, enum db_sql sql, int64_t from_us,
                       int64_t to_us, store_row_fn *fn, void *context, bool *goes_on)
{
    struct db *db;
    int rc = SQLITE_DONE, err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (err)
        return db_gone_is_empty(err);
    struct bind b = bind_to(db_statement(db, sql));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_int(&b, from_us);
    bind_int(&b, to_us);
    while (*goes_on && (rc = sqlite3_step(b.statement)) == SQLITE_ROW)
        *goes_on = fn(context, b.statement);
    sqlite3_reset(b.statement);
    return *goes_on ? db_error(db, rc) : 0;
}

int store_rows_between(struct store_reader *r, enum db_sql sql, int64_t from_us, int64_t to_us,
                       store_row_fn *fn, void *context)
{
    struct day *days, first = day_of(from_us), last = day_of(to_us - 1);
    size_t count;
    bool goes_on = true;
    int err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err && goes_on; i++)
        if (strcmp(days[i].text, first.text) >= 0 && strcmp(days[i].text, last.text) <= 0)
            err = rows_of_day(r, days[i].text, sql, from_us, to_us, fn, context, &goes_on);
    free(days);
    return err;
}
