/* Lists of user records. A query's filters name fields of the kind's table; the SQL is put together
 * from those names, which are constants, and values are only ever bound. */
#include "storage/store_db.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT_MAX 1000
#define SQL_MAX   16384
#define LIKE_MAX  520
/* Fixed parameters; those of filters follow. */
enum { P_FROM = 1, P_TO, P_AFTER_US, P_AFTER_ID, P_LIMIT, P_WEAK_KEPT, P_FILTERS };

bool store_user_filter_add(struct store_user_query *q, struct store_user_filter filter)
{
    if (q->filter_count == STORE_USER_FILTERS_MAX)
        return false;
    q->filter[q->filter_count++] = filter;
    return true;
}

/* ---- the statement ---- */

struct sql {
    char text[SQL_MAX];
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void sql_add(struct sql *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    s->size += (size_t)vsnprintf(s->text + s->size, SQL_MAX - s->size, format, args);
    va_end(args);
    assert(s->size < SQL_MAX); /* names are short and filters few */
}

/* The name as the table has it: a constant, whatever the caller's pointer is. */
static const char *column(enum user_kind kind, const char *name)
{
    const struct user_field *f = user_field(kind, name);
    assert(f != NULL);
    return f->name;
}

static void condition_add(struct sql *s, enum user_kind kind, const struct store_user_filter *f,
                          unsigned parameter)
{
    const char *names[2] = {f->field, f->or_field};
    for (int i = 0; i < 2 && names[i]; i++)
        sql_add(s, f->match == USER_CONTAINS ? "%s%s LIKE ?%u ESCAPE '\\'" : "%s%s = ?%u",
                i ? " OR " : "", column(kind, names[i]), parameter);
}

static bool same_field(const struct store_user_filter *a, const struct store_user_filter *b)
{
    return strcmp(a->field, b->field) == 0 && (a->or_field == NULL) == (b->or_field == NULL);
}

/* All filters of one field in one pair of brackets, at the place of the first of them. */
static void field_add(struct sql *s, const struct store_user_query *q, unsigned first)
{
    for (unsigned i = 0; i < first; i++)
        if (same_field(&q->filter[i], &q->filter[first]))
            return;
    sql_add(s, " AND (");
    for (unsigned i = first; i < q->filter_count; i++) {
        if (!same_field(&q->filter[i], &q->filter[first]))
            continue;
        sql_add(s, "%s", i == first ? "" : " OR ");
        condition_add(s, q->kind, &q->filter[i], P_FILTERS + i);
    }
    sql_add(s, ")");
}

static void sql_write(struct sql *s, const struct store_user_query *q)
{
    const struct user_table *t = user_table(q->kind);
    s->size = 0;
    sql_add(s, "%s WHERE 1", user_sql_select(q->kind));
    if (user_field(q->kind, "aggregate"))
        sql_add(s, " AND (aggregate = 0 OR count > ?%d)", P_WEAK_KEPT);
    if (q->from_us)
        sql_add(s, " AND %s >= ?%d", t->order, P_FROM);
    if (q->to_us)
        sql_add(s, " AND %s < ?%d", t->order, P_TO);
    if (q->after_id && t->by_day)
        sql_add(s, " AND (%s, id) < (?%d, ?%d)", t->order, P_AFTER_US, P_AFTER_ID);
    else if (q->after_id)
        sql_add(s, " AND id < ?%d", P_AFTER_ID);
    for (unsigned i = 0; i < q->filter_count; i++)
        field_add(s, q, i);
    if (t->by_day)
        sql_add(s, " ORDER BY %s DESC, id DESC LIMIT ?%d", t->order, P_LIMIT);
    else
        sql_add(s, " ORDER BY id DESC LIMIT ?%d", P_LIMIT);
}

/* %text% with the wildcards inside taken literally; overlong text is cut, which only finds more. */
static void like_of(const char *text, char out[LIKE_MAX])
{
    size_t n = 0;
    out[n++] = '%';
    for (; *text && n < LIKE_MAX - 4; text++) {
        if (*text == '%' || *text == '_' || *text == '\\')
            out[n++] = '\\';
        out[n++] = *text;
    }
    out[n++] = '%';
    out[n] = '\0';
}

static void filter_bind(sqlite3_stmt *statement, const struct store_user_query *q, unsigned i)
{
    const struct store_user_filter *f = &q->filter[i];
    int parameter = (int)(P_FILTERS + i);
    char like[LIKE_MAX];

    if (f->text == NULL) {
        sqlite3_bind_int64(statement, parameter, f->number);
    } else if (f->match == USER_CONTAINS) {
        like_of(f->text, like);
        sqlite3_bind_text(statement, parameter, like, -1, SQLITE_TRANSIENT);
    } else {
        sqlite3_bind_text(statement, parameter, f->text, -1, SQLITE_STATIC);
    }
}

/* Parameters that the text does not have are refused by SQLite, which does no harm. */
static void query_bind(sqlite3_stmt *statement, const struct store_user_query *q, unsigned limit)
{
    sqlite3_bind_int64(statement, P_FROM, q->from_us);
    sqlite3_bind_int64(statement, P_TO, q->to_us);
    sqlite3_bind_int64(statement, P_AFTER_US, q->after_us);
    sqlite3_bind_int64(statement, P_AFTER_ID, q->after_id);
    sqlite3_bind_int64(statement, P_LIMIT, limit);
    sqlite3_bind_int64(statement, P_WEAK_KEPT, USER_WEAK_KEPT);
    for (unsigned i = 0; i < q->filter_count; i++)
        filter_bind(statement, q, i);
}

/* ---- rows ---- */

static void field_read(sqlite3_stmt *row, int at, void *record, const struct user_field *f)
{
    char *value = (char *)record + f->offset;
    switch (f->type) {
    case USER_TYPE_KEY:
    case USER_TYPE_TEXT:
    case USER_TYPE_BODY:
    case USER_TYPE_JSON:
        slice_copy_to(column_bytes(row, at), value, f->size);
        break;
    case USER_TYPE_INT:
    case USER_TYPE_NUM:
    case USER_TYPE_TIME:
        *(int64_t *)value = sqlite3_column_int64(row, at);
        break;
    case USER_TYPE_REAL:
        *(double *)value =
            sqlite3_column_type(row, at) == SQLITE_NULL ? NAN : sqlite3_column_double(row, at);
        break;
    case USER_TYPE_MARK:
    case USER_TYPE_FLAG:
        *(bool *)value = sqlite3_column_int(row, at) != 0;
        break;
    }
}

struct delivery {
    const struct store_user_query *q;
    store_user_fn *fn;
    void *context;
    unsigned left;
    bool more;
};

/* Delivers what is wanted of one file; what comes beyond says that there is more. */
static int file_deliver(struct store_reader *r, const char *day, const struct sql *sql,
                        struct delivery *d)
{
    const struct user_table *t = user_table(d->q->kind);
    sqlite3_stmt *row = NULL;
    struct db *db;
    int rc;

    int err = db_get(&r->set, t->by_day ? DB_MESSAGES : DB_MAIN, day, &db, NULL);
    if (err)
        return db_gone_is_empty(err);
    void *record = calloc(1, t->size);
    if (record == NULL)
        return ERR_NOMEM;
    rc = sqlite3_prepare_v2(db->handle, sql->text, -1, &row, NULL);
    if (rc == SQLITE_OK)
        query_bind(row, d->q, d->left + 1);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        d->more = d->left == 0;
        if (d->more)
            break;
        d->left--;
        for (unsigned i = 0; i < t->count; i++)
            field_read(row, (int)i + 1, record, &t->fields[i]);
        d->fn(d->context, record, sqlite3_column_int64(row, 0));
    }
    sqlite3_finalize(row);
    free(record);
    return db_error(db, rc);
}

static bool day_matters(const struct store_user_query *q, const struct day *day)
{
    struct day from = day_of(q->from_us), to = day_of(q->to_us - 1), after = day_of(q->after_us);
    if (q->from_us && strcmp(day->text, from.text) < 0)
        return false;
    if (q->to_us && strcmp(day->text, to.text) > 0)
        return false;
    return q->after_id == 0 || strcmp(day->text, after.text) <= 0;
}

/* Row numbers are of one file: on a later day's page the one of the page before says nothing. */
static int days_deliver(struct store_reader *r, struct sql *sql, struct delivery *d)
{
    struct store_user_query q = *d->q;
    struct day *days;
    size_t count;

    int err = day_list(r->set.data_dir, DB_MESSAGES, &days, &count);
    if (err)
        return err;
    d->q = &q;
    for (size_t i = count; i > 0 && !err && !d->more; i--) {
        const struct day *day = &days[i - 1];
        if (!day_matters(&q, day))
            continue;
        if (q.after_id && strcmp(day->text, day_of(q.after_us).text) != 0)
            q.after_id = 0;
        sql_write(sql, &q);
        err = file_deliver(r, day->text, sql, d);
    }
    free(days);
    return err;
}

int store_users(struct store_reader *r, const struct store_user_query *q, store_user_fn *fn,
                void *context, bool *ret_more)
{
    unsigned limit = q->limit < 1 ? 1 : q->limit > LIMIT_MAX ? LIMIT_MAX : q->limit;
    struct delivery d = {.q = q, .fn = fn, .context = context, .left = limit};
    struct sql *sql = malloc(sizeof *sql);
    int err;

    if (sql == NULL)
        return ERR_NOMEM;
    if (user_table(q->kind)->by_day) {
        err = days_deliver(r, sql, &d);
    } else {
        sql_write(sql, q);
        err = file_deliver(r, "", sql, &d);
    }
    free(sql);
    if (!err && ret_more)
        *ret_more = d.more;
    return err;
}

/* ---- counts ---- */

static int count_rows(struct db *db, enum db_sql sql, const char *state, uint64_t *ret_count)
{
    struct bind b = bind_to(db_statement(db, sql));
    if (b.statement == NULL)
        return ERR_INVALID;
    if (state)
        bind_word(&b, state);
    int rc = sqlite3_step(b.statement);
    if (rc == SQLITE_ROW)
        *ret_count = (uint64_t)sqlite3_column_int64(b.statement, 0);
    sqlite3_reset(b.statement);
    return db_error(db, rc);
}

int store_user_counts(struct store_reader *r, struct store_user_counts *ret_counts)
{
    struct store_user_counts c = {0};
    struct db *db;
    int err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (!err)
        err = count_rows(db, SQL_REGISTERED, NULL, &c.registered);
    if (!err)
        err = count_rows(db, SQL_PEERS_IN, "up", &c.peers_up);
    if (!err)
        err = count_rows(db, SQL_PEERS_IN, "down", &c.peers_down);
    if (!err)
        *ret_counts = c;
    return err;
}
