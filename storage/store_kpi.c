/* Figures that outlive the calls they come from (kpi.h), in earshot.db: a row a level, dimension
 * and bucket of time.
 *
 *     calls-DAY.db: calls.kpi = 7 ---+
 *     calls-DAY.db: calls.kpi = 8 --->  book in memory --flush 8--> earshot.db: rows and mark = 8,
 * in one transaction
 *
 * A call is counted once, whatever happens. The row of a finished call says to which flush it
 * belongs: the number after the mark. A flush commits the calls first and syncs them, then adds
 * what the book holds to the rows and moves the mark, both or neither. So at any moment the rows
 * are exactly the calls with a number up to the mark, and the book is no more than a cache of those
 * above it: after a crash, a failed commit or when it is full it is built again from them. A call
 * whose row has a number keeps it and is not counted again, however often it is replayed from the
 * spool or read again.
 *
 * Every flush adds to all four levels at once: nothing has to be rolled up later, and old rows of a
 * level just go. Only loads (concurrent calls) are not sums: they are added by the second in the
 * minute's row, whose most goes up. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/store_db.h"

static const int64_t STEPS_US[STORE_KPI_LEVELS] = {60000000, 900000000, 3600000000, 86400000000};

int64_t store_kpi_step_us(enum store_kpi_level level)
{
    return STEPS_US[level];
}

static int64_t bucket_of(enum store_kpi_level level, int64_t us)
{
    int64_t rest = us % STEPS_US[level];
    return us - (rest < 0 ? rest + STEPS_US[level] : rest);
}

/* ---- statements ---- */

static sqlite3_stmt *row_statement(struct db *db, enum db_sql sql, struct bind *b,
                                   enum store_kpi_level level, const char *dimension,
                                   int64_t start_us)
{
    sqlite3_stmt *statement = db_statement(db, sql);
    *b = bind_to(statement);
    if (statement) {
        bind_int(b, level);
        bind_word(b, dimension);
        bind_int(b, start_us);
    }
    return statement;
}

static int cell_read(struct slice bytes, struct kpi_cell *cell)
{
    kpi_cell_clear(cell);
    if (bytes.size == 0)
        return 0;
    struct pack p = pack_reader(bytes, NULL);
    kpi_cell_pack(&p, cell);
    return p.failed ? ERR_INVALID : 0;
}

static int load_read(struct slice bytes, struct kpi_load *load)
{
    *load = (struct kpi_load){0};
    if (bytes.size == 0)
        return 0;
    struct pack p = pack_reader(bytes, NULL);
    kpi_load_pack(&p, load);
    return p.failed ? ERR_INVALID : 0;
}

/* What the row has, by `column` of SQL_KPI_ROW: 0 cell, 1 load. Copied: the statement is reset. */
static int row_bytes(struct store *s, struct db *db, enum store_kpi_level level,
                     const char *dimension, int64_t start_us, int column)
{
    struct bind b;
    buf_clear(&s->scratch[0]);
    sqlite3_stmt *row = row_statement(db, SQL_KPI_ROW, &b, level, dimension, start_us);
    if (row == NULL)
        return ERR_INVALID;
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW)
        buf_slice(&s->scratch[0], column_bytes(row, column));
    sqlite3_reset(row);
    return s->scratch[0].failed ? ERR_NOMEM : db_error(db, rc);
}

/* ---- writing the book ---- */

struct flush {
    struct store *s;
    struct db *db;
};

static int cell_write(struct flush *f, enum store_kpi_level level, const struct kpi_entry *e)
{
    struct store *s = f->s;
    struct kpi_cell *sum = &s->kpi->cell;
    int64_t start_us = bucket_of(level, e->start_us);
    struct bind b;
    int err = row_bytes(s, f->db, level, e->dimension, start_us, 0);
    if (!err && cell_read(buf_view(&s->scratch[0]), sum) != 0) {
        counters_add(s->counters, C_KPI_ROWS_DAMAGED,
                     1); /* what it said is lost, what is added now is not */
        kpi_cell_clear(sum);
    }
    if (err)
        return err;
    kpi_merge(sum, e->cell);
    buf_clear(&s->scratch[0]);
    struct pack p = pack_writer(&s->scratch[0]);
    kpi_cell_pack(&p, sum);
    if (row_statement(f->db, SQL_KPI_CELL_PUT, &b, level, e->dimension, start_us) == NULL)
        return ERR_INVALID;
    bind_blob(&b, buf_view(&s->scratch[0]));
    return s->scratch[0].failed ? ERR_NOMEM : db_run(f->db, b.statement);
}

static int most_write(struct flush *f, enum store_kpi_level level, const char *dimension,
                      int64_t start_us, const struct kpi_load *load)
{
    struct bind b;
    if (row_statement(f->db, SQL_KPI_MOST_PUT, &b, level, dimension, bucket_of(level, start_us)) ==
        NULL)
        return ERR_INVALID;
    bind_int(&b, kpi_load_concurrent(load));
    bind_int(&b, kpi_load_started(load));
    return db_run(f->db, b.statement);
}

static int load_write(struct flush *f, const struct kpi_entry *e)
{
    struct store *s = f->s;
    struct kpi_load sum;
    struct bind b;
    int err = row_bytes(s, f->db, STORE_KPI_MINUTE, e->dimension, e->start_us, 1);
    if (!err && load_read(buf_view(&s->scratch[0]), &sum) != 0) {
        counters_add(s->counters, C_KPI_ROWS_DAMAGED, 1);
        sum = (struct kpi_load){0};
    }
    if (err)
        return err;
    kpi_load_merge(&sum, e->load);
    buf_clear(&s->scratch[0]);
    struct pack p = pack_writer(&s->scratch[0]);
    kpi_load_pack(&p, &sum);
    if (row_statement(f->db, SQL_KPI_LOAD_PUT, &b, STORE_KPI_MINUTE, e->dimension, e->start_us) ==
        NULL)
        return ERR_INVALID;
    bind_blob(&b, buf_view(&s->scratch[0]));
    err = s->scratch[0].failed ? ERR_NOMEM : db_run(f->db, b.statement);
    for (unsigned level = 0; level < STORE_KPI_LEVELS && !err; level++)
        err = most_write(f, (enum store_kpi_level)level, e->dimension, e->start_us, &sum);
    return err;
}

static int entry_write(void *context, const struct kpi_entry *e)
{
    struct flush *f = context;
    int err = 0;
    if (e->load)
        return load_write(f, e);
    for (unsigned level = 0; level < STORE_KPI_LEVELS && !err; level++)
        err = cell_write(f, (enum store_kpi_level)level, e);
    return err;
}

static int book_write(struct store *s, struct db *db)
{
    struct flush f = {.s = s, .db = db};
    int err = kpi_book_each(s->kpi->book, entry_write, &f);
    kpi_book_clear(s->kpi->book);
    return err;
}

/* ---- the mark ---- */

static int mark_write(struct db *db, int64_t mark)
{
    struct bind b = bind_to(db_statement(db, SQL_KPI_MARK_PUT));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_int(&b, mark);
    return db_run(db, b.statement);
}

/* ---- the book again from the calls ---- */

static int call_count(struct store *s, struct db *main_db, const struct call_record *r)
{
    if (kpi_book_add(s->kpi->book, r))
        return 0;
    int err = book_write(s, main_db); /* full: what it holds goes down first */
    if (err)
        return err;
    if (!kpi_book_add(s->kpi->book, r))
        counters_add(s->counters, C_KPI_CALLS_REFUSED,
                     1); /* one call alone fills it: days of minutes */
    return 0;
}

/* The next call above *kpi, *id in the order of both. */
static int counted_next(struct db *db, int64_t *kpi, int64_t *id, struct call_record **ret_record)
{
    sqlite3_stmt *statement = db_statement(db, SQL_CALLS_KPI);
    *ret_record = NULL;
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, *kpi);
    bind_int(&b, *id);
    int rc = sqlite3_step(statement);
    int err = db_error(db, rc);
    if (rc == SQLITE_ROW) {
        *id = sqlite3_column_int64(statement, 0);
        *kpi = sqlite3_column_int64(statement, sqlite3_column_count(statement) - 1);
        err = call_read(db, statement, CALL_ROW, ret_record);
    }
    sqlite3_reset(statement);
    return err;
}

static int day_count(struct store *s, struct db *main_db, const char *day, int64_t mark)
{
    struct call_record *r;
    struct db *db;
    int64_t kpi = mark + 1, id = 0;
    for (;;) {
        int err = db_get(&s->set, DB_CALLS, day, &db, NULL);
        if (!err)
            err = counted_next(db, &kpi, &id, &r);
        if (err || r == NULL)
            return err;
        r->final = true; /* its number says so, also of a row that a crash left (store_kpi_adopt) */
        err = call_count(s, main_db, r);
        record_free(r);
        if (err)
            return err;
    }
}

/* earshot.db is among the connections used last, so it stays open while days come and go: there are
 * more than two. */
static int book_rebuild(struct store *s, struct db *main_db)
{
    struct day *days;
    size_t count;
    kpi_book_clear(s->kpi->book);
    int err = days_unfinished(s->set.data_dir, s->kpi->mark, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err; i++) {
        err = day_count(s, main_db, days[i].text, s->kpi->mark);
        main_db->used_at = ++s->set.uses;
    }
    free(days);
    return err;
}

/* ---- flushing ---- */

static int flush(struct store *s)
{
    struct db *db;
    int err = store_db(s, DB_MAIN, "", &db);
    if (!err && s->kpi->doubt)
        err = book_rebuild(s, db);
    if (!err)
        err = book_write(s, db);
    if (!err)
        err = mark_write(db, s->kpi->mark + 1);
    err = store_done(s, err, 0, "jobs");
    int commit_err = store_commit(s);
    return err ? err : commit_err;
}

int store_kpi_flush(struct store *s)
{
    int err = store_commit(s);
    if (err || s->kpi == NULL || (!s->kpi->doubt && kpi_book_is_empty(s->kpi->book)))
        return err;
    err = store_calls_sync(s); /* a power cut must not take back a call that is counted */
    if (!err)
        err = flush(s);
    s->kpi->doubt = err != 0;
    if (err)
        return err;
    s->kpi->mark++;
    return 0;
}

/* ---- calls on their way to the store ---- */

int64_t store_kpi_number(struct store *s, const struct call_record *r, int64_t number)
{
    if (number >= 0 || s->kpi == NULL || !r->final || strcmp(r->state, "ended") != 0)
        return number;
    if (record_is_imported(r)) /* they are no calls of this place: counted in no flush */
        return 0;
    if (!s->kpi->doubt && !kpi_book_add(s->kpi->book, r))
        s->kpi->doubt = true;
    return s->kpi->mark + 1;
}

void store_kpi_doubt(struct store *s)
{
    if (s->kpi)
        s->kpi->doubt = true;
}

void store_kpi_registration(struct store *s, int64_t at_us, const char *trunk, bool success,
                            unsigned code, double rrd_ms)
{
    if (s->kpi && !kpi_book_add_registration(s->kpi->book, at_us, trunk, success, code, rrd_ms))
        counters_add(s->counters, C_KPI_CALLS_REFUSED, 1);
}

/* ---- beginning and end ---- */

int store_kpi_open(struct store *s, const struct kpi_book_config *config)
{
    struct db *db;
    struct kpi_book_config own = *config;
    own.step_us = KPI_MINUTE_US;
    struct store_kpi *k = calloc(1, sizeof *k);
    if (k == NULL)
        return ERR_NOMEM;
    k->doubt = true; /* what a crash left */
    k->book = kpi_book_new(&own);
    int err = k->book ? db_get(&s->set, DB_MAIN, "", &db, NULL) : ERR_NOMEM;
    if (!err)
        err = db_number(db, SQL_KPI_MARK, &k->mark);
    if (err) {
        kpi_book_free(k->book);
        free(k);
        return err;
    }
    s->kpi = k;
    return 0;
}

void store_kpi_close(struct store *s)
{
    if (s->kpi == NULL)
        return;
    kpi_book_free(s->kpi->book);
    free(s->kpi);
    s->kpi = NULL;
}

static int day_adopt(struct store *s, const char *day)
{
    struct db *db;
    int err = store_db(s, DB_CALLS, day, &db);
    struct bind b = err ? (struct bind){0} : bind_to(db_statement(db, SQL_CALLS_KPI_ADOPT));
    if (err || b.statement == NULL)
        return err ? err : store_done(s, ERR_INVALID, 0, "calls");
    bind_int(&b, s->kpi->mark + 1);
    return store_done(s, db_run(db, b.statement), 0, "calls");
}

int store_kpi_adopt(struct store *s)
{
    struct day *days;
    size_t count;
    if (s->kpi == NULL)
        return 0;
    int err = store_commit(s);
    if (!err)
        err = days_unfinished(s->set.data_dir, INT64_MAX, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err; i++) {
        err = day_adopt(s, days[i].text);
        int commit_err = store_commit(s);
        err = err ? err : commit_err;
    }
    free(days);
    s->kpi->doubt = true;
    return err;
}

int store_kpi_drop(struct store *s, const int64_t before_us[STORE_KPI_LEVELS])
{
    struct db *db;
    int err = store_db(s, DB_MAIN, "", &db);
    for (unsigned level = 0; level < STORE_KPI_LEVELS && !err; level++) {
        if (before_us[level] <= 0)
            continue;
        struct bind b = bind_to(db_statement(db, SQL_KPI_DROP));
        if (b.statement == NULL)
            return store_done(s, ERR_INVALID, 0, "jobs");
        bind_int(&b, level);
        bind_int(&b, bucket_of((enum store_kpi_level)level, before_us[level]));
        err = store_done(s, db_run(db, b.statement), 0, "jobs");
    }
    return err;
}

/* ---- reading ---- */

static int row_deliver(sqlite3_stmt *row, struct store_kpi_row *out, struct kpi_cell *cell,
                       store_kpi_fn *fn, void *context)
{
    char dimension[KPI_NAME_SIZE];
    slice_copy_to(column_bytes(row, 0), dimension, sizeof dimension);
    out->dimension = dimension;
    out->start_us = sqlite3_column_int64(row, 1);
    int err = cell_read(column_bytes(row, 2), cell);
    out->concurrent_max = (uint32_t)sqlite3_column_int64(row, 3);
    out->started_max = (uint32_t)sqlite3_column_int64(row, 4);
    if (err == 0)
        fn(context, out);
    return err;
}

int store_kpi(struct store_reader *r, enum store_kpi_level level, const char *kind, int64_t from_us,
              int64_t to_us, store_kpi_fn *fn, void *context)
{
    struct db *db;
    char low[KPI_NAME_SIZE], high[KPI_NAME_SIZE];
    int rc = SQLITE_DONE, err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (err)
        return err;
    snprintf(low, sizeof low, kind[0] ? "%s:" : "%s", kind);
    snprintf(high, sizeof high, kind[0] ? "%s;" : "!%s", kind); /* what sorts right after */
    struct kpi_cell *cell = calloc(1, sizeof *cell);
    struct bind b = bind_to(db_statement(db, SQL_KPI_ROWS));
    if (cell == NULL || b.statement == NULL) {
        free(cell);
        return cell ? ERR_INVALID : ERR_NOMEM;
    }
    bind_int(&b, level);
    bind_word(&b, low);
    bind_word(&b, high);
    bind_int(&b, from_us);
    bind_int(&b, to_us);
    while (err == 0 && (rc = sqlite3_step(b.statement)) == SQLITE_ROW)
        err = row_deliver(b.statement, &(struct store_kpi_row){.cell = cell}, cell, fn, context);
    sqlite3_reset(b.statement);
    free(cell);
    return err ? err : db_error(db, rc);
}
