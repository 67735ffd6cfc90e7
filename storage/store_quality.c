/* How good the calls of sites and trunks were, summed by SQLite day by day: nothing is kept for it
 * beside the calls themselves. */
#include "storage/store_db.h"

#include <math.h>

static double column_real(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? NAN
                                                           : sqlite3_column_double(row, column);
}

static uint64_t column_count(sqlite3_stmt *row, int column)
{
    return (uint64_t)sqlite3_column_int64(row, column);
}

struct asking {
    store_quality_fn *fn;
    void *context;
};

static bool row_deliver(void *context, sqlite3_stmt *row)
{
    const struct asking *asking = context;
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
    return q.place == NULL || asking->fn(asking->context, &q);
}

int store_quality(struct store_reader *r, enum store_place of, int64_t from_us, int64_t to_us,
                  store_quality_fn *fn, void *context)
{
    struct asking asking = {fn, context};
    return store_rows_between(r, of == STORE_SITES ? SQL_QUALITY_SITE : SQL_QUALITY_TRUNK, from_us,
                              to_us, row_deliver, &asking);
}
