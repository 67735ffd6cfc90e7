/* Tokens that may see only some calls (struct store_limit). Every way to a call's data asks here: lists
 * by their query, single objects and live calls one by one. A call outside the limit is not there. */
#pragma once

#include "api/live.h"
#include "storage/store.h"

bool limit_is_set(const struct store_limit *l);
bool limit_allows_record(const struct store_limit *l, const struct call_record *r);
bool limit_allows_live(const struct store_limit *l, const struct live_call *c);

/* The names of a limit as a query takes them; the query borrows from it. */
struct limit_query {
    struct store_limit text;
};
/* False when a list does not fit a query: then nothing may be shown. */
bool limit_query_fill(struct limit_query *lq, const struct store_limit *l, struct store_query *q);
