/* About how many calls a query finds, for what a large page costs at most.
 *
 * Where few calls began in the time range they are counted. Else a sample is looked at: of at most
 * so many days, spread over the range, blocks of neighbouring ids, spread over the day. Ids of a day
 * are given one after the other, so the span of its ids is how many calls it has, which costs two
 * looks; an id that is no more, or whose call is outside of the range, is one that does not match,
 * so gaps do no harm. Days that were not looked at have as many as their file is large.
 *
 * Who may see some calls alone gets all of those counted: how many of anybody's began in the range
 * would show in the kind of the answer, and in how far a sample is off.
 *
 * The blocks stand where arithmetic puts them, not chance: the same question has the same answer. */
#include "storage/store_way.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct estimate {
    struct store_reader *reader;
    const struct store_query *query;
    struct day days[STORE_ESTIMATE_DAYS]; /* that are looked at */
    unsigned count;
    double looked_bytes, all_bytes;
};

static double file_bytes(const struct estimate *e, const char *day)
{
    char path[STORE_PATH_MAX];
    struct stat st;
    bool there = db_path(e->reader->set.data_dir, DB_CALLS, day, path) && stat(path, &st) == 0;
    return there ? (double)st.st_size : 0;
}

static void choose_days(struct estimate *e, const struct day *days, size_t count)
{
    size_t chosen = count < STORE_ESTIMATE_DAYS ? count : STORE_ESTIMATE_DAYS;
    for (size_t i = 0; i < count; i++)
        e->all_bytes += file_bytes(e, days[i].text);
    for (size_t i = 0; i < chosen; i++) {
        e->days[e->count++] = days[i * count / chosen];
        e->looked_bytes += file_bytes(e, days[i * count / chosen].text);
    }
}

/* ---- are there few? ---- */

static int at_most(struct estimate *e, const char *day, uint64_t most, uint64_t *ret_count)
{
    const struct store_query *q = e->query;
    struct db *db;
    int err = db_get(&e->reader->set, DB_CALLS, day, &db, NULL);
    *ret_count = 0;
    if (err)
        return db_gone_is_empty(err);
    struct bind b = bind_to(db_statement(db, SQL_CALLS_AT_MOST));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_int(&b, q->from_us);
    bind_int(&b, q->to_us ? q->to_us : INT64_MAX);
    bind_int(&b, (int64_t)most);
    int rc = sqlite3_step(b.statement);
    if (rc == SQLITE_ROW)
        *ret_count = (uint64_t)sqlite3_column_int64(b.statement, 0);
    sqlite3_reset(b.statement);
    return db_error(db, rc);
}

static int are_few(struct estimate *e, bool *ret_few)
{
    uint64_t sum = 0, one;
    int err = 0;
    for (unsigned i = 0; i < e->count && sum <= STORE_ESTIMATE_EXACT && !err; i++) {
        err = at_most(e, e->days[i].text, STORE_ESTIMATE_EXACT + 1 - sum, &one);
        sum += one;
    }
    *ret_few = sum <= STORE_ESTIMATE_EXACT;
    return err;
}

/* ---- the sample ---- */

static int ids_of(struct estimate *e, const char *day, int64_t *ret_first, int64_t *ret_count)
{
    struct db *db;
    int err = db_get(&e->reader->set, DB_CALLS, day, &db, NULL);
    *ret_first = *ret_count = 0;
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_CALLS_IDS);
    int rc = statement ? sqlite3_step(statement) : SQLITE_ERROR;
    if (rc == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
        *ret_first = sqlite3_column_int64(statement, 0);
        *ret_count = sqlite3_column_int64(statement, 1) - *ret_first + 1;
    }
    sqlite3_reset(statement);
    return db_error(db, rc);
}

/* So many blocks of neighbouring ids, spread over `ids` of them, of which there are more than that. */
struct blocks {
    int64_t first, ids, count;
};

/* Those of the blocks alone; NULL: all of the day. */
static int count_in(struct estimate *e, const char *day, const struct blocks *blocks, uint64_t *ret_count)
{
    struct filters f;
    struct db *db;
    int err = way_statement(e->reader, day, e->query, blocks ? SHAPE_SAMPLE : SHAPE_COUNT, NULL, &f, &db);
    if (err)
        return err;
    if (blocks) {
        sqlite3_bind_int64(f.statement, WAY_SAMPLE, blocks->first);
        sqlite3_bind_int64(f.statement, WAY_SAMPLE + 1, blocks->ids);
        sqlite3_bind_int64(f.statement, WAY_SAMPLE + 2, blocks->count);
    }
    return way_count(db, &f, ret_count);
}

/* Neighbours share pages of the file, so it is blocks of them. A day that has no more is counted. */
static int sample_day(struct estimate *e, const char *day, int64_t blocks, double *ret_matching)
{
    struct blocks b = {.count = blocks};
    uint64_t found = 0;
    int err = ids_of(e, day, &b.first, &b.ids);
    bool whole = b.ids <= blocks * WAY_BLOCK;
    if (!err)
        err = count_in(e, day, whole ? NULL : &b, &found);
    *ret_matching = whole ? (double)found : (double)found / (double)(blocks * WAY_BLOCK) * (double)b.ids;
    return db_gone_is_empty(err);
}

static int sample(struct estimate *e, uint64_t *ret_count)
{
    int64_t blocks = STORE_ESTIMATE_SAMPLE / WAY_BLOCK / e->count;
    double sum = 0, one = 0;
    int err = 0;
    for (unsigned i = 0; i < e->count && !err; i++) {
        err = sample_day(e, e->days[i].text, blocks, &one);
        sum += one;
    }
    if (e->looked_bytes > 0)
        sum *= e->all_bytes / e->looked_bytes;
    *ret_count = (uint64_t)(sum + 0.5);
    return err;
}

static bool is_limited(const struct store_query *q)
{
    return q->only_tenant[0] || q->only_site[0] || q->only_trunk[0] || q->only_prefix[0];
}

int store_estimate(struct store_reader *r, const struct store_query *q, uint64_t *ret_count, bool *ret_exact)
{
    struct estimate e = {.reader = r, .query = q};
    struct day *days;
    size_t count, matter = 0;
    bool few = true;

    *ret_exact = true;
    if (is_limited(q))
        return store_count(r, q, ret_count);
    int err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++)
        if (day_between(&days[i], q->from_us, q->to_us))
            days[matter++] = days[i];
    choose_days(&e, days, matter);
    free(days);
    if (matter > STORE_ESTIMATE_DAYS)
        few = false;
    else
        err = are_few(&e, &few);
    *ret_exact = few;
    if (err)
        return err;
    return few ? store_count(r, q, ret_count) : sample(&e, ret_count);
}
