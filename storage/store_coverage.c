/* Was every call recorded that should be: counted by SQLite, day by day, over the calls themselves.
 */
#include "storage/store_db.h"

struct asking {
    store_coverage_fn *fn;
    void *context;
};

static bool row_deliver(void *context, sqlite3_stmt *row)
{
    const struct asking *asking = context;
    struct store_coverage_row c = {
        .result = (const char *)sqlite3_column_text(row, 0),
        .waiting = sqlite3_column_int(row, 1) != 0,
        .calls = (uint64_t)sqlite3_column_int64(row, 2),
    };
    return asking->fn(asking->context, &c);
}

int store_coverage(struct store_reader *r, int64_t from_us, int64_t to_us, store_coverage_fn *fn,
                   void *context)
{
    struct asking asking = {fn, context};
    return store_rows_between(r, SQL_COVERAGE, from_us, to_us, row_deliver, &asking);
}
