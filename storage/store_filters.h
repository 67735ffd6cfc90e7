/* What a list is asked: the filters of a query as bits, as pieces of SQL and as bound values. Private to store*.c.
 *
 * SQL is put together from the constant pieces of one table, a piece a filter that was asked for; values are only
 * ever bound. A filter's parameters have fixed numbers, so the order of pieces does not matter, and a statement
 * serves each query with the same bits. */
#pragma once

#include <assert.h>
#include <sqlite3.h>

#include "base/addr.h"
#include "storage/store_columns.h"

#define FILTER_PREFIX_MAX 512

enum filter {
    /* one value */
    F_KIND,
    F_FROM,
    F_TO,
    F_FROM_ON_THE_WAY, /* while the worst are gone along */
    F_TO_ON_THE_WAY,
    F_NUMBER_PREFIX,
    F_NUMBER_PREFIX_FEW,
    F_DURATION_GTE,
    F_DURATION_LTE,
    F_MOS,
    F_MOS_SCALE,
    F_R_FB,
    F_LOSS,
    F_JITTER,
    F_ONE_WAY,
    F_NO_RTP,
    F_HAS_RECORDING,
    F_ENCRYPTED,
    F_PARTIAL,
    F_USER_AGENT,
    F_TEXT,
    F_WORDS,
    F_WORDS_TRANSCRIPT,
    F_WORDS_ANNOTATIONS,
    /* up to eight */
    F_CALL_ID,
    F_FROM_USER,
    F_TO_USER,
    F_NUMBER,
    F_IP,
    F_OUTCOME,
    F_CODEC,
    F_SIP_CODE,
    F_Q850,
    F_TENANT,
    F_TRUNK,
    F_SITE,
    F_DIRECTION,
    F_TAG,
    F_TAG_ON_THE_WAY,
    F_LABEL,
    F_UID,
    F_RECORDING_STATE,
    F_RECORDING_FORMAT,
    F_RECORDING_GTE,
    F_RECORDING_LTE,
    F_IMPORT,
    F_IMPORTED,
    F_ONLY_TENANT,
    F_ONLY_TRUNK,
    F_ONLY_SITE,
    F_ONLY_PREFIX,
    /* where the page before ended */
    F_AFTER_NEWEST,
    F_AFTER_OLDEST,
    F_AFTER_MOS,
    F_AFTER_WORST,
    F_AFTER_DURATION,
    F_AFTER_LONGEST,
    /* those alone that can be meant (store_columns.h) */
    F_AMONG,
    F_COUNT,
};
static_assert(F_COUNT <= 64, "a filter is a bit");
#define FILTER_BIT(filter) (UINT64_C(1) << (filter))

/* One pass over the query does either: with a statement it binds, without it only notes what is
 * asked. Bound values live here, and in the query. */
struct filters {
    uint64_t asked; /* bit per filter */
    bool worst;     /* along the index of scores */
    bool unscored;  /* what follows behind those */
    bool few;       /* calls whose numbers begin so: they are looked up */
    bool tagged;    /* so many calls have the tag that they are not */
    sqlite3_stmt *statement;
    const struct columns_found *among; /* NULL: any */
    char prefix_end[FILTER_PREFIX_MAX];
    char ip[STORE_VALUES_MAX][ADDR_TEXT_SIZE];
};
/* `paged`: with where the page before ended. */
void filters_visit(struct filters *f, const struct store_query *q, bool paged);
/* " AND ..." */
const char *filter_sql(enum filter filter);
/* Numbers that begin so are those in [prefix, end): a range, which an index serves. */
void filter_prefix_end(const char *prefix, char ret_end[FILTER_PREFIX_MAX]);
/* Else it goes by time. */
bool filter_by_value(enum store_order order);
