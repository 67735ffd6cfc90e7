/* Pages of a list. First the keys (row, order value, time, uid) of at most limit + 1 calls, then
 * their records. By time the days follow each other; by value the best of each day are merged.
 * Only ended calls are listed, the others are live. */
#include "storage/store_way.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MAX 1000

/* ---- first half: keys ---- */

struct hit {
    struct day day;
    int64_t id;
    int64_t started_us;
    double value;
    char uid[40];
};

struct hits {
    struct hit *items;
    size_t count;
    size_t wanted;
};

/* Lower values first, then newer ones. */
static int hit_order(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    if (x->started_us != y->started_us)
        return x->started_us > y->started_us ? -1 : 1;
    return strcmp(y->uid, x->uid);
}

static int collect_as(struct store_reader *r, const char *day, const struct store_query *q,
                      enum shape shape, const struct columns_found *among, size_t limit,
                      struct hits *hits)
{
    struct filters f;
    struct db *db;
    int err = way_statement(r, day, q, shape, among, &f, &db), rc;
    if (err)
        return err;
    sqlite3_bind_int64(f.statement, WAY_LIMIT, (int64_t)limit);
    while ((rc = sqlite3_step(f.statement)) == SQLITE_ROW) {
        struct hit *hit = &hits->items[hits->count++];
        *hit = (struct hit){.id = sqlite3_column_int64(f.statement, 0),
                            .started_us = sqlite3_column_int64(f.statement, 1),
                            .value = sqlite3_column_double(f.statement, 3)};
        slice_copy_to(column_bytes(f.statement, 2), hit->uid, sizeof hit->uid);
        memcpy(hit->day.text, day, sizeof hit->day.text);
    }
    sqlite3_reset(f.statement);
    return db_error(db, rc);
}

/* Where it is known that few can be meant those alone are looked at. */
static int collect_few(struct store_reader *r, const char *day, const struct store_query *q,
                       size_t limit, struct hits *hits)
{
    struct columns_found found;
    struct db *db;
    int err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (err)
        return err;
    bool known = way_narrow(r, db, q, false, limit, &found);
    if (known && found.count == 0)
        return 0;
    bool few = known && found.few;
    return collect_as(r, day, q, (enum shape)q->order, few ? &found : NULL, limit, hits);
}

static int day_collect(struct store_reader *r, const char *day, const struct store_query *q,
                       size_t limit, struct hits *hits)
{
    size_t before = hits->count;
    bool behind = q->after_uid[0] && isnan(q->after_value); /* all with a score were given */
    int err = 0;
    if (!way_worst_are_near(q))
        return collect_few(r, day, q, limit, hits);
    if (!behind)
        err = collect_as(r, day, q, SHAPE_WORST, NULL, limit, hits);
    size_t missing = limit - (hits->count - before);
    if (err == 0 && missing && isnan(q->mos_min_lte))
        err = collect_as(r, day, q, SHAPE_UNSCORED, NULL, missing, hits);
    return err;
}

/* True when the day can hold calls of the query and of its next page, by time. */
static bool day_matters(const struct store_query *q, const struct day *day)
{
    struct day after = day_of(q->after_us);
    bool paged = q->after_uid[0] != '\0';
    if (!day_between(day, q->from_us, q->to_us))
        return false;
    if (paged && q->order == STORE_NEWEST && strcmp(day->text, after.text) > 0)
        return false;
    return !(paged && q->order == STORE_OLDEST && strcmp(day->text, after.text) < 0);
}

static int collect(struct store_reader *r, const struct store_query *q, const struct day *days,
                   size_t count, struct hits *hits)
{
    bool by_value = filter_by_value(q->order);
    int err = 0;

    for (size_t i = 0; i < count && !err; i++) {
        const struct day *day = &days[q->order == STORE_OLDEST ? i : count - 1 - i];
        size_t missing = by_value ? hits->wanted : hits->wanted - hits->count;
        if (missing == 0)
            break;
        if (!day_matters(q, day))
            continue;
        err = db_gone_is_empty(day_collect(r, day->text, q, missing, hits));
        if (by_value && !err) {
            qsort(hits->items, hits->count, sizeof *hits->items, hit_order);
            if (hits->count > hits->wanted)
                hits->count = hits->wanted;
        }
    }
    return err;
}

/* ---- second half: records ---- */

static int hit_deliver(struct store_reader *r, const struct hit *hit, bool brief, store_record_fn *fn,
                       void *context)
{
    struct call_record *record = NULL;
    struct db *db;
    int err = db_get(&r->set, DB_CALLS, hit->day.text, &db, NULL);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, brief ? SQL_CALL_BRIEF : SQL_CALL_BY_ID);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, hit->id);
    int rc = sqlite3_step(statement);
    err = rc == SQLITE_ROW ? call_read(db, statement, brief ? CALL_BRIEF : CALL_ROW, &record) : db_error(db, rc);
    sqlite3_reset(statement);
    if (record)
        fn(context, record);
    record_free(record);
    return err;
}

int store_calls(struct store_reader *r, const struct store_query *q, store_record_fn *fn,
                void *context, bool *ret_more)
{
    size_t limit = q->limit < 1 ? 1 : q->limit > LIMIT_MAX ? LIMIT_MAX : q->limit;
    struct hits hits = {.wanted = limit + 1};
    struct day *days;
    size_t count;

    int err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    hits.items = malloc(2 * hits.wanted * sizeof *hits.items);
    err = hits.items ? collect(r, q, days, count, &hits) : ERR_NOMEM;
    free(days);
    for (size_t i = 0; i < hits.count && i < limit && !err; i++)
        err = db_gone_is_empty(hit_deliver(r, &hits.items[i], q->brief, fn, context));
    if (!err && ret_more)
        *ret_more = hits.count > limit;
    free(hits.items);
    return err;
}

double store_order_value(enum store_order order, const struct call_record *r)
{
    switch (order) {
    case STORE_MOS_MIN:
        return r->mos_min;
    case STORE_DURATION:
    case STORE_LONGEST:
        return r->duration_ms < 0 ? NAN : (double)r->duration_ms;
    case STORE_NEWEST:
    case STORE_OLDEST:
        break;
    }
    return (double)r->started_us;
}
