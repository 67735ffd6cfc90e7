/* What stands behind the rows of a page: whether more follow, and how many there are in all, where that was asked (`count` of /calls and
 * /recordings). */
#pragma once

#include "api/handlers.h"
#include "storage/store.h"

enum page_count_kind { PAGE_COUNT_NONE, PAGE_COUNT_EXACT, PAGE_COUNT_ESTIMATE };

struct page_count {
    enum page_count_kind kind; /* what it is, which may be better than what was asked for */
    uint64_t value;
};

/* False for a word that is none of them. */
bool page_count_parse(const char *text, enum page_count_kind *ret_kind);
/* After a page of `rows` of the same query, behind which `more` follow or not. */
int page_count(struct store_reader *reader, const struct store_query *q, enum page_count_kind asked, uint64_t rows, bool more,
               struct page_count *ret_count);
/* "page": `next_cursor` NULL: nothing follows; `count` NULL or of NONE: nothing is said of it. */
void page_json(struct json *j, const char *next_cursor, const struct page_count *count);
/* "query": the window that it was. */
void page_window_json(struct json *j, int64_t from_us, int64_t to_us);
/* Beside it, of count=exact alone; there since before there were estimates. */
void page_count_total_json(struct json *j, enum page_count_kind asked, const struct page_count *count);
