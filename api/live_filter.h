/* What a watcher of live events wants to see: the filters of /calls as far as they can be said of a call that goes on, and kinds of
 * events. It owns its texts: it outlives the request. */
#pragma once

#include "api/call_filter.h"
#include "api/live_events.h"

struct live_filter {
    struct store_query query; /* its texts lie in `texts` */
    unsigned kinds;           /* bits of enum live_event_kind and LIVE_STATS; 0: all */
    char *texts;
};
#define LIVE_STATS (1u << LIVE_EVENT_KINDS)

/* False with the error. */
bool live_filter_parse(const struct http_request *rq, struct live_filter *ret_filter, struct call_filter_error *ret_error);
void live_filter_fini(struct live_filter *f);
bool live_filter_wants(const struct live_filter *f, const struct live_event *e);
