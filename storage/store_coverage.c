/* Was every call recorded that should be: counted by SQLite, day by day, over the calls themselves. */
#include <stdlib.h>

#include "storage/store_db.h"

static int day_deliver(struct store_reader *r, const char *day, int64_t from_us, int64_t to_us,
                       store_coverage_fn *fn, void *context, bool *goes_on)
{
    struct db *db;
    int rc = SQLITE_DONE, err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (err)
        return err == ERR_NOT_FOUND ? 0 : err; /* the day went meanwhile */
    struct bind b = bind_to(db_statement(db, SQL_COVERAGE));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_int(&b, from_us);
    bind_int(&b, to_us);
    while (*goes_on && (rc = sqlite3_step(b.statement)) == SQLITE_ROW) {
        struct store_coverage_row row = {
            .result = (const char *)sqlite3_column_text(b.statement, 0),
            .waiting = sqlite3_column_int(b.statement, 1) != 0,
            .calls = (uint64_t)sqlite3_column_int64(b.statement, 2),
        };
        *goes_on = fn(context, &row);
    }
    sqlite3_reset(b.statement);
    return *goes_on ? db_error(db, rc) : 0;
}

int store_coverage(struct store_reader *r, int64_t from_us, int64_t to_us, store_coverage_fn *fn,
                   void *context)
{
    struct day *days, first = day_of(from_us), last = day_of(to_us - 1);
    size_t count;
    bool goes_on = true;
    int err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err && goes_on; i++)
        if (strcmp(days[i].text, first.text) >= 0 && strcmp(days[i].text, last.text) <= 0)
            err = day_deliver(r, days[i].text, from_us, to_us, fn, context, &goes_on);
    free(days);
    return err;
}
