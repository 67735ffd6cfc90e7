/* The way along the calls of one day that is short for a query, and the statement that goes it. Private to store*.c.
 *
 *   numbers by their beginning, tags   looked up while few calls have them, else a condition on the way
 *   the worst calls of hours           along the index of scores, behind them what has no score
 *   what columns in memory tell        the few calls that they leave, by their ids (store_columns.h)
 *   all others                         along the index of times, or the one that a filter has of its own
 *
 * SQLite cannot know which way is short, so we say: a filter stands as it is or, with the sign of a
 * unary plus, so that no index serves it. The last statements of a connection are kept for queries of the same shape. */
#pragma once

#include "storage/store_db.h"
#include "storage/store_filters.h"

#define WAY_LIMIT  120 /* parameters that the caller binds: how many calls of a list */
#define WAY_SAMPLE 121 /* of a sample: its first id, of so many ids, so many blocks */
#define WAY_BLOCK  25  /* neighbouring ids */

/* The order of a list: what is selected as its value, and how it ends. */
enum shape {
    SHAPE_NEWEST, /* as enum store_order */
    SHAPE_OLDEST,
    SHAPE_MOS,
    SHAPE_DURATION,
    SHAPE_LONGEST,
    SHAPE_COUNT,
    SHAPE_SAMPLE, /* a count of those with these ids */
    SHAPE_WORST,
    SHAPE_UNSCORED
};

/* Nothing else is asked than the worst of hours: along the index of scores the first that fit are
 * near. */
bool way_worst_are_near(const struct store_query *q);
/* Which few calls can be meant; by an order of duration the first `limit` alone. False: all have to be looked at in the file. */
bool way_narrow(struct store_reader *r, struct db *db, const struct store_query *q, bool counted,
                size_t limit, struct columns_found *ret_found);
/* The connection of a day with its statement ready and bound, of a list but for WAY_LIMIT, of a sample but for WAY_SAMPLE; the
 * values live in `f`. `among`: of these alone; NULL: of all. */
int way_statement(struct store_reader *r, const char *day, const struct store_query *q,
                  enum shape shape, const struct columns_found *among, struct filters *f,
                  struct db **ret_db);
/* The number that a statement of SHAPE_COUNT or SHAPE_SAMPLE gives. */
int way_count(struct db *db, struct filters *f, uint64_t *ret_count);
