/* How many calls a query finds: the columns in memory say it where they know all that is asked, else
 * the days are gone along one by one. Pages have no say in it. */
#include "storage/store_way.h"

#include <stdlib.h>

static int day_count(struct store_reader *r, const char *day, const struct store_query *q,
                     uint64_t *sum)
{
    struct columns_found found;
    struct filters f;
    struct db *db;
    uint64_t count;
    int err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (err)
        return err;
    bool known = way_narrow(r, db, q, true, 0, &found);
    if (known && (found.exact || found.count == 0)) {
        *sum += found.count;
        return 0;
    }
    err = way_statement(r, day, q, SHAPE_COUNT, known && found.few ? &found : NULL, &f, &db);
    if (err)
        return err;
    err = way_count(db, &f, &count);
    *sum += count;
    return err;
}

int store_count(struct store_reader *r, const struct store_query *q, uint64_t *ret_count)
{
    struct day *days;
    size_t count;
    uint64_t sum = 0;

    int err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err; i++)
        if (day_between(&days[i], q->from_us, q->to_us))
            err = db_gone_is_empty(day_count(r, days[i].text, q, &sum));
    free(days);
    if (!err)
        *ret_count = sum;
    return err;
}
