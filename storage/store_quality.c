/* How good the calls of sites and trunks were, summed by SQLite day by day: nothing is kept for it
 * beside the calls themselves. */
#include "storage/store_db.h"

#include <math.h>
#include <stdlib.h>

static double column_real(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? NAN
                                                           : sqlite3_column_double(row, column);
}

static uint64_t column_count(sqlite3_stmt *row, int column)
{
    return (uint64_t)sqlite3_column_int64(row, column);
}

static bool row_deliver(sqlite3_stmt *row, store_quality_fn *fn, void *context)
{
    struct store_quality_row q = {
        .place = (const char *)sqlite3_column_text(row, 0),
        .hour_us = sqlite3_column_int64(row, 1),
        .calls = column_count(row, 2),
        .answered = column_count(row, 3),
        .one_way = column_count(row, 4),
        .no_rtp = column_count(row, 5),
        .scored = column_count(row, 6),
        .r_fb_avg = column_real(row, 7),
        .r_fb_min = column_real(row, 8),
        .loss_ratio_avg = column_real(row, 9),
        .loss_ratio_max = column_real(row, 10),
        .jitter_ms_avg = column_real(row, 11),
        .jitter_ms_max = column_real(row, 12),
    };
    for (int i = 0; i < STORE_SCALES; i++) {
        q.mos[i].calls = column_count(row, 13 + 3 * i);
        q.mos[i].avg = column_real(row, 14 + 3 * i);
        q.mos[i].min = column_real(row, 15 + 3 * i);
    }
    return q.place == NULL || fn(context, &q);
}

static int day_deliver(struct store_reader *r, const char *day, enum db_sql sql, int64_t from_us,
                       int64_t to_us, store_quality_fn *fn, void *context, bool *goes_on)
{
    struct db *db;
    int rc = SQLITE_DONE, err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (err)
        return err == ERR_NOT_FOUND ? 0 : err; /* the day went meanwhile */
    struct bind b = bind_to(db_statement(db, sql));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_int(&b, from_us);
    bind_int(&b, to_us);
    while (*goes_on && (rc = sqlite3_step(b.statement)) == SQLITE_ROW)
        *goes_on = row_deliver(b.statement, fn, context);
    sqlite3_reset(b.statement);
    return *goes_on ? db_error(db, rc) : 0;
}

int store_quality(struct store_reader *r, enum store_place of, int64_t from_us, int64_t to_us,
                  store_quality_fn *fn, void *context)
{
    enum db_sql sql = of == STORE_SITES ? SQL_QUALITY_SITE : SQL_QUALITY_TRUNK;
    struct day *days, first = day_of(from_us), last = day_of(to_us - 1);
    size_t count;
    bool goes_on = true;
    int err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err && goes_on; i++)
        if (strcmp(days[i].text, first.text) >= 0 && strcmp(days[i].text, last.text) <= 0)
            err = day_deliver(r, days[i].text, sql, from_us, to_us, fn, context, &goes_on);
    free(days);
    return err;
}
