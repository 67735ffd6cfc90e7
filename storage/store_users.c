/* Writing user records. A row is named by its key, so the newest state of a thing replaces the one
 * before.
 *
 * What nothing ever answered with success is weak: a scanner makes hundreds a second under names of
 * its choice. The first USER_WEAK_KEPT of a source in an hour become rows, what follows is counted
 * in one row of that source and hour; and weak rows have a ceiling of their own, so they never push
 * out the others:
 *
 *   weak, key unknown ---> tally of (source, hour) ---> up to USER_WEAK_KEPT: a row of its own
 *   weak, its row is weak: a newer state of it          beyond: the tally alone
 *   weak, its row is not:  tally alone                  (a stranger's failures do not unmake a
 * registration)
 *
 * Ceilings are kept by a look at the oldest after every 16th part of them was written. */
#include "storage/store_db.h"

#include <stdio.h>

#define HOUR_US   INT64_C(3600000000)
#define TRIM_PART 16
#define KEY_SIZE  192

/* ---- binding ---- */

static void bind_field(struct bind *b, const void *record, const struct user_field *f)
{
    const char *text = user_text(record, f);
    switch (f->type) {
    case USER_TYPE_KEY:
        bind_word(b, text);
        break;
    case USER_TYPE_TEXT:
    case USER_TYPE_BODY:
    case USER_TYPE_JSON:
        bind_word(b, text[0] ? text : NULL);
        break;
    case USER_TYPE_INT:
        bind_int(b, user_int(record, f));
        break;
    case USER_TYPE_NUM:
    case USER_TYPE_TIME:
        bind_int_or_null(b, user_int(record, f), user_int(record, f) != 0);
        break;
    case USER_TYPE_REAL:
        bind_real(b, user_real(record, f));
        break;
    case USER_TYPE_MARK:
    case USER_TYPE_FLAG:
        bind_int(b, user_flag(record, f));
        break;
    }
}

static sqlite3_stmt *bound(struct db *db, enum user_kind kind, enum user_sql sql,
                           const void *record)
{
    const struct user_table *t = user_table(kind);
    struct bind b = bind_to(db_statement(db, SQL_USER(kind, sql)));
    for (unsigned i = 0; b.statement && i < t->count; i++)
        bind_field(&b, record, &t->fields[i]);
    return b.statement;
}

static int row_put(struct db *db, enum user_kind kind, const void *record)
{
    return db_run(db, bound(db, kind, USER_SQL_PUT, record));
}

/* ---- ceilings ---- */

static int trim(struct store *s, struct db *db, enum user_kind kind, bool weak)
{
    const struct user_table *t = user_table(kind);
    unsigned most = weak ? t->weak_max : t->strong_max;
    if (s->user_writes[kind][weak]++ < most / TRIM_PART)
        return 0;
    s->user_writes[kind][weak] = 0;
    struct bind b = bind_to(db_statement(db, SQL_USER(kind, USER_SQL_TRIM)));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_int(&b, weak);
    bind_int(&b, most);
    return db_run(db, b.statement);
}

static int put_and_trim(struct store *s, struct db *db, enum user_kind kind, const void *record,
                        bool weak)
{
    int err = row_put(db, kind, record);
    return err ? err : trim(s, db, kind, weak);
}

/* ---- the weak ---- */

enum standing { ROW_NONE, ROW_STRONG, ROW_WEAK };

static int row_standing(struct db *db, enum user_kind kind, const char *key,
                        enum standing *ret_standing)
{
    struct bind b = bind_to(db_statement(db, SQL_USER(kind, USER_SQL_WEAK)));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_word(&b, key);
    int rc = sqlite3_step(b.statement);
    *ret_standing = rc != SQLITE_ROW                          ? ROW_NONE
                    : sqlite3_column_int(b.statement, 0) != 0 ? ROW_WEAK
                                                              : ROW_STRONG;
    sqlite3_reset(b.statement);
    return db_error(db, rc);
}

/* The record becomes that of all weak ones of its source and hour; what counts one thing's own
 * history goes. */
static void make_tally(enum user_kind kind, void *record, const char *ip, int64_t time_us)
{
    const struct user_table *t = user_table(kind);
    for (unsigned i = 0; i < t->count; i++) {
        char *at = (char *)record + t->fields[i].offset;
        if (t->fields[i].type == USER_TYPE_INT && user_field(kind, "space") != &t->fields[i])
            *(int64_t *)at = 0;
        else if (t->fields[i].type == USER_TYPE_JSON || t->fields[i].type == USER_TYPE_BODY)
            at[0] = '\0';
    }
    snprintf((char *)record + user_field(kind, "key")->offset, KEY_SIZE, "#%lld %s",
             (long long)(time_us / HOUR_US), ip);
    const struct user_field *uid = user_field(kind, "uid");
    if (uid)
        ((char *)record)[uid->offset] = '\0';
    *(bool *)((char *)record + user_field(kind, "aggregate")->offset) = true;
    *(int64_t *)((char *)record + user_field(kind, "count")->offset) = 1;
}

static int tally(struct db *db, enum user_kind kind, const void *record, int64_t *ret_count)
{
    sqlite3_stmt *statement = bound(db, kind, USER_SQL_TALLY, record);
    if (statement == NULL)
        return ERR_INVALID;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        *ret_count = sqlite3_column_int64(statement, 0);
        rc = sqlite3_step(statement); /* to its end: only then is the row written */
    }
    sqlite3_reset(statement);
    return db_error(db, rc);
}

union any_record {
    struct registration_record registration;
    struct subscription_record subscription;
    struct message_record message;
};

/* Where a record in memory surely ends: the body of a message may be shorter than its field. */
static size_t head_size(enum user_kind kind)
{
    return kind == USER_MESSAGE ? offsetof(struct message_record, body) : user_table(kind)->size;
}

static int put_weak(struct store *s, struct db *db, enum user_kind kind, const void *record,
                    int64_t time_us)
{
    enum standing standing;
    union any_record sum;
    int64_t count = 0;

    int err = row_standing(db, kind, user_text(record, user_field(kind, "key")), &standing);
    if (err || standing == ROW_WEAK)
        return err ? err : row_put(db, kind, record);
    memset(&sum, 0, sizeof sum);
    memcpy(&sum, record, head_size(kind));
    make_tally(kind, &sum, user_text(record, user_field(kind, "ip")), time_us);
    err = tally(db, kind, &sum, &count);
    if (!err && count == 1)
        err = trim(s, db, kind, true);
    if (err || standing == ROW_STRONG || count > USER_WEAK_KEPT)
        return err;
    return put_and_trim(s, db, kind, record, true);
}

int store_put_user(struct store *s, enum user_kind kind, const void *record)
{
    const struct user_table *t = user_table(kind);
    bool weak = user_flag(record, user_field(kind, "weak"));
    int64_t time_us = user_int(record, user_field(kind, t->order));
    struct db *db;

    int err = store_db(s, t->by_day ? DB_MESSAGES : DB_MAIN, day_of(time_us).text, &db);
    if (err)
        return err;
    if (weak && user_field(kind, "aggregate"))
        err = put_weak(s, db, kind, record, time_us);
    else
        err = put_and_trim(s, db, kind, record, weak);
    return store_done(s, err, 1, t->name);
}

int store_findings_close(struct store *s)
{
    struct db *db;
    int err = store_db(s, DB_MAIN, "", &db);
    sqlite3_stmt *statement = err ? NULL : db_statement(db, SQL_FINDINGS_CLOSE);
    if (!err)
        err = statement ? db_run(db, statement) : ERR_INVALID;
    store_done(s, err, 0, "findings");
    int commit_err = store_commit(s);
    return err ? err : commit_err;
}

int store_findings_drop(struct store *s, int64_t before_us)
{
    struct bind b;
    struct db *db;
    if (before_us <= 0)
        return 0;
    int err = store_main(s, SQL_FINDINGS_DROP, &db, &b);
    if (err)
        return err;
    bind_int(&b, before_us);
    return store_done(s, db_run(db, b.statement), 0, "findings");
}

int store_users_overdue(struct store *s, int64_t now_us)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, SQL_USERS_OVERDUE, &db, &b);
    if (err)
        return err;
    bind_int(&b, now_us);
    return store_done(s, db_run(db, b.statement), 0, "registrations");
}
