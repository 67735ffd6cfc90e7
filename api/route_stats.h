/* What was asked over HTTP: answers by route, method and status code, and how long each route took to its answer's head. Routes are
 * those of the table; what none has counts as "other". One thread notes (the accepting one), any may put the text out. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

struct route;
struct route_stats;

struct route_stats *route_stats_new(void); /* NULL: no memory */
void route_stats_free(struct route_stats *t);
/* `route`: of routes(), or NULL. `head`: the method was HEAD. */
void route_stats_note(struct route_stats *t, const struct route *route, bool head, unsigned status, int64_t ns);
/* earshot_http_requests_total and earshot_http_request_seconds, as Prometheus reads them. */
void route_stats_render(const struct route_stats *t, struct buf *out);
