/* Statements are put together in sql_write(); what is looked at before one is chosen stands below it. */
#include "storage/store_way.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SQL_MAX 11776
#define FEW     2000 /* calls of a day */
/* So many calls of a day with a tag are not looked up one by one: along the index of times, which tells the uid, the first page is near, and to its
 * end it takes no longer. */
#define TAGGED_MANY 10000
/* Shorter spans are few calls of a day, which are all looked at. */
#define WORST_SPAN_US (3 * INT64_C(3600000000))

static const struct {
    const char *head;
    const char *tail;
} SHAPES[] = {
    [SHAPE_NEWEST] = {"SELECT id, started_us, uid, 0.0",
                      " ORDER BY started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_OLDEST] = {"SELECT id, started_us, uid, 0.0", " ORDER BY started_us, uid LIMIT ?120"},
    [SHAPE_MOS] = {"SELECT id, started_us, uid, ifnull(mos_min, 1e300)",
                   " ORDER BY 4, started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_WORST] =
        {"SELECT id, started_us, uid, mos_min",
         " AND mos_min IS NOT NULL ORDER BY mos_min, started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_UNSCORED] = {"SELECT id, started_us, uid, 1e300",
                        " AND mos_min IS NULL ORDER BY started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_DURATION] = {"SELECT id, started_us, uid, ifnull(duration_ms, 1e300)",
                        " ORDER BY 4, started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_LONGEST] = {"SELECT id, started_us, uid, ifnull(-duration_ms, 1e300)",
                       " ORDER BY 4, started_us DESC, uid DESC LIMIT ?120"},
    [SHAPE_COUNT] = {"SELECT count(*)", ""},
    /* ?123 blocks of 25 ids in the middles of equal parts of the ?122 from ?121 on. One statement,
     * so that what filters look up in other tables is looked up once. */
    [SHAPE_SAMPLE] =
        {"SELECT count(*)",
         " AND id IN (WITH RECURSIVE s(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM s WHERE i + 1 < 25 * ?123)"
         " SELECT ?121 + (2 * (i / 25) + 1) * ?122 / (2 * ?123) - 12 + i % 25 FROM s)"},
};

/* ---- the statement ---- */

static void sql_write(char out[SQL_MAX], enum shape shape, uint64_t asked)
{
    bool by_id = shape == SHAPE_SAMPLE || asked >> F_AMONG & 1;
    const char *along = by_id ? " NOT INDEXED" : "";
    size_t n = (size_t)snprintf(out, SQL_MAX, "%s FROM calls%s WHERE state = 'ended'",
                                SHAPES[shape].head, along);
    for (enum filter i = 0; i < F_COUNT; i++)
        if (asked >> i & 1)
            n += (size_t)snprintf(out + n, SQL_MAX - n, "%s", filter_sql(i));
    n += (size_t)snprintf(out + n, SQL_MAX - n, "%s", SHAPES[shape].tail);
    assert(n < SQL_MAX); /* all pieces together fit */
}

static sqlite3_stmt *statement_for(struct db *db, enum shape shape, uint64_t asked)
{
    char sql[SQL_MAX];
    sqlite3_stmt *statement;

    for (size_t i = 0; i < DB_LISTS; i++) {
        if (db->lists[i].statement && db->lists[i].asked == asked && db->lists[i].shape == shape) {
            sqlite3_reset(db->lists[i].statement);
            sqlite3_clear_bindings(db->lists[i].statement);
            return db->lists[i].statement;
        }
    }
    sql_write(sql, shape, asked);
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    unsigned at = db->list_next++ % DB_LISTS;
    sqlite3_finalize(db->lists[at].statement);
    db->lists[at].statement = statement;
    db->lists[at].asked = asked;
    db->lists[at].shape = shape;
    return statement;
}

/* ---- which way ---- */

#define BIT(name) FILTER_BIT(F_##name)

/* Are there so few calls whose numbers begin so that looking them up beats going along? */
static int few_begin(struct db *db, const char *prefix, bool *ret_few)
{
    char end[FILTER_PREFIX_MAX];
    sqlite3_stmt *statement = db_statement(db, SQL_NUMBERS_BEGIN);
    if (statement == NULL)
        return ERR_INVALID;
    filter_prefix_end(prefix, end);
    struct bind b = bind_to(statement);
    bind_word(&b, prefix);
    bind_word(&b, end);
    bind_int(&b, FEW);
    int rc = sqlite3_step(statement);
    *ret_few = rc == SQLITE_ROW && sqlite3_column_int64(statement, 0) < FEW;
    sqlite3_reset(statement);
    return rc == SQLITE_ROW ? 0 : db_error(db, rc);
}

/* Have so many calls the tag that looking them up would take longer? */
static int tagged_begin(struct db *db, const struct store_query *q, bool *ret_many)
{
    sqlite3_stmt *statement = db_statement(db, SQL_TAGGED);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, TAGGED_MANY);
    for (int i = 0; i < STORE_VALUES_MAX; i++)
        bind_word(&b, q->tag[i]);
    int rc = sqlite3_step(statement);
    *ret_many = rc == SQLITE_ROW && sqlite3_column_int64(statement, 0) >= TAGGED_MANY;
    sqlite3_reset(statement);
    return rc == SQLITE_ROW ? 0 : db_error(db, rc);
}

static bool has_tag(const struct store_query *q)
{
    for (int i = 0; i < STORE_VALUES_MAX; i++)
        if (q->tag[i])
            return true;
    return false;
}

bool way_worst_are_near(const struct store_query *q)
{
    uint64_t passing = BIT(KIND) | BIT(FROM) | BIT(TO) | BIT(AFTER_MOS) | BIT(MOS) |
                       BIT(MOS_SCALE) | BIT(OUTCOME);
    bool long_enough = q->from_us == 0 || q->to_us == 0 || q->to_us - q->from_us >= WORST_SPAN_US;
    struct filters f = {0};
    if (q->order != STORE_MOS_MIN || !long_enough)
        return false;
    filters_visit(&f, q, true);
    return (f.asked & ~passing) == 0;
}

/* What is looked at in memory as exactly as in the file; and what only leaves out. */
#define IN_MEMORY                                                                                  \
    (BIT(KIND) | BIT(FROM) | BIT(TO) | BIT(DURATION_GTE) | BIT(DURATION_LTE) | BIT(MOS_SCALE) |    \
     BIT(ONE_WAY) | BIT(NO_RTP) | BIT(HAS_RECORDING) | BIT(ENCRYPTED) | BIT(PARTIAL) |             \
     BIT(OUTCOME) | BIT(SIP_CODE) | BIT(Q850) | BIT(DIRECTION))
#define LEAVES_OUT                                                                                 \
    (BIT(MOS) | BIT(R_FB) | BIT(LOSS) | BIT(JITTER) | BIT(USER_AGENT) | BIT(IP) | BIT(CODEC) |     \
     (IN_MEMORY & ~(BIT(KIND) | BIT(FROM) | BIT(TO))))
/* These have an index of their own. */
#define FOUND_AT_ONCE                                                                              \
    (BIT(CALL_ID) | BIT(FROM_USER) | BIT(TO_USER) | BIT(NUMBER) | BIT(NUMBER_PREFIX) | BIT(UID) |  \
     BIT(IMPORT) | BIT(TAG) | BIT(WORDS) | BIT(WORDS_TRANSCRIPT) | BIT(WORDS_ANNOTATIONS))

/* Nearly all are calls. */
static bool is_rare_kind(const struct store_query *q)
{
    return !q->any_kind && q->kind && strcmp(q->kind, "call") != 0;
}

bool way_narrow(struct store_reader *r, struct db *db, const struct store_query *q, bool counted,
                size_t limit, struct columns_found *ret_found)
{
    struct filters f = {0};
    bool by_duration = q->order == STORE_DURATION || q->order == STORE_LONGEST;
    if (r->set.columns == NULL)
        return false;
    filters_visit(&f, q, false);
    bool whole = (f.asked & ~IN_MEMORY) == 0;
    bool leaves_out = f.asked & LEAVES_OUT || is_rare_kind(q);
    if (f.asked & FOUND_AT_ONCE || !(leaves_out || (whole && (counted || by_duration))))
        return false;
    return columns_find(r->set.columns, db, q, whole, counted ? 0 : limit, ret_found);
}

int way_statement(struct store_reader *r, const char *day, const struct store_query *q,
                  enum shape shape, const struct columns_found *among, struct filters *f,
                  struct db **ret_db)
{
    bool paged = shape != SHAPE_COUNT && shape != SHAPE_SAMPLE;
    bool few = false, tagged = false;
    int err = db_get(&r->set, DB_CALLS, day, ret_db, NULL);
    if (err == 0 && q->number_prefix && q->number_prefix[0])
        err = few_begin(*ret_db, q->number_prefix, &few);
    if (err == 0 && (shape == SHAPE_NEWEST || shape == SHAPE_OLDEST) && has_tag(q))
        err = tagged_begin(*ret_db, q, &tagged);
    if (err)
        return err;
    *f = (struct filters){.few = few,
                          .tagged = tagged,
                          .worst = shape == SHAPE_WORST,
                          .unscored = shape == SHAPE_UNSCORED,
                          .among = among};
    filters_visit(f, q, paged);
    f->statement = statement_for(*ret_db, shape, f->asked);
    if (f->statement == NULL)
        return ERR_INVALID;
    filters_visit(f, q, paged);
    return 0;
}

int way_count(struct db *db, struct filters *f, uint64_t *ret_count)
{
    int rc = sqlite3_step(f->statement);
    *ret_count = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(f->statement, 0) : 0;
    sqlite3_reset(f->statement);
    return db_error(db, rc);
}
