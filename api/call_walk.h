/* All calls and registrations of a time range, page by page, for reports over them: the newest first, up to a ceiling. */
#pragma once

#include "api/handlers.h"

typedef int call_walk_fn(void *context, const struct call_record *r);
typedef int registration_walk_fn(void *context, const struct registration_record *r);

/* Both end with the first ERR_ code of `fn` and set *truncated when there is more than the ceiling. `query` says which calls; its page is
 * overwritten. */
int call_walk(struct exchange *x, struct store_query *query, call_walk_fn *fn, void *context, bool *ret_truncated);
/* Those that were there between the two times. */
int registration_walk(struct exchange *x, int64_t from_us, int64_t to_us, registration_walk_fn *fn, void *context, bool *ret_truncated);
