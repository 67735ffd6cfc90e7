/* GET /live/events: who may watch, from where on, what of it. The stream itself: live_watch.h. */
#include <stdlib.h>

#include "api/handlers.h"
#include "api/live_watch.h"
#include "base/error.h"

#define INTERVAL_MS_MAX 60000
#define ID_MAX          (UINT64_MAX / 2)

static bool refuse_value(struct exchange *x, const char *field, const char *what)
{
    problem(x->rs, x->rq, 400, "invalid_value", field, "%s", what);
    return false;
}

static bool read_interval(struct exchange *x, struct live_watch_config *c)
{
    const char *text = http_query_value(&x->rq->query, "min_interval_ms");
    uint64_t ms = 0;

    if (text && !slice_to_u64(slice_str(text), INTERVAL_MS_MAX, &ms))
        return refuse_value(x, "min_interval_ms", "`min_interval_ms` is a number from 0 to 60000.");
    c->interval_ns = (int64_t)ms * 1000000;
    return true;
}

/* A browser that comes again says it in the header, and its address stays as it was: the header
 * counts. */
static bool read_place(struct exchange *x, struct live_watch_config *c)
{
    const char *given = http_query_value(&x->rq->query, "last_event_id");
    const char *text = x->rq->last_event_id ? x->rq->last_event_id : given;

    if (text == NULL || (text[0] == '\0' && text != given))
        return true;
    c->resumes = slice_to_u64(slice_str(text), ID_MAX, &c->last_id);
    return c->resumes || refuse_value(x, x->rq->last_event_id ? "Last-Event-ID" : "last_event_id",
                                      "The last event is named by its `id`, a number.");
}

static void refuse(struct exchange *x, int err)
{
    if (err == ERR_FULL)
        problem(x->rs, x->rq, 503, "too_many_watchers", NULL,
                "As many watch live events as may; ask for snapshots instead, or try again later.");
    else
        problem(x->rs, x->rq, 503, "live_unavailable", NULL,
                "Live events cannot be watched at the moment; try again.");
    http_header(x->rs, "Retry-After", "%d", err == ERR_FULL ? 30 : 5);
}

void handle_live_events(struct exchange *x)
{
    struct live_events *events = x->api->config->live_events;
    struct live_watch_config config = {.who = x->who};
    struct call_filter_error e;

    if (!read_interval(x, &config) || !read_place(x, &config))
        return;
    if (!live_filter_parse(x->rq, &config.filter, &e)) {
        exchange_filter_problem(x, &e);
        return;
    }
    int err = x->rq->head ? 0
              : events    ? live_watch_open(events, &config, &x->rs->watcher)
                          : ERR_BUSY;
    if (err || x->rq->head)
        live_filter_fini(&config.filter);
    if (err) {
        refuse(x, err);
        return;
    }
    x->rs->content_type = "text/event-stream";
    x->rs->stream = x->rq->head ? HTTP_STREAM_NONE : HTTP_STREAM_SSE;
    http_header(x->rs, "X-Accel-Buffering", "no"); /* a proxy in front passes it on as it comes */
}
