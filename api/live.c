/* Calls that have not ended: the pipeline's snapshot as JSON. Field names are those of the call
 * object where both have them. */
#include <stdlib.h>

#include "api/handlers.h"
#include "api/limit.h"
#include "api/live_json.h"
#include "api/record_json.h"

#define LIVE_LIMIT_DEFAULT 100
#define LIVE_LIMIT_MAX     1000

/* Nothing is attached where the store cannot say. */
static void live_tags_json(struct exchange *x, struct json *j, const struct live_call *c)
{
    struct record_tags tags;

    bool known = store_tags(x->reader, c->uid, c->started_us, &tags) == 0;
    json_key(j, "tags");
    record_json_tags(j, known ? &tags : NULL);
}

static void live_call_json(struct exchange *x, struct json *j, const struct live_call *c)
{
    json_object(j);
    live_json_fields(j, c);
    live_tags_json(x, j, c);
    live_json_streams(j, c);
    json_end(j);
}

static bool may_see(const void *asker, const struct live_call *call)
{
    return limit_allows_live(asker, call);
}

/* False: the problem is set. */
static bool snapshot(struct exchange *x, const char *uid, unsigned max,
                     struct live_call **ret_calls, unsigned *ret_count)
{
    const struct live_source *live = &x->api->config->live;
    const struct live_want want = {.uid = uid, .may_see = may_see, .asker = &x->who.limit};

    *ret_calls = NULL;
    *ret_count = 0;
    if (live->snapshot == NULL ||
        live->snapshot(live->context, &want, max, ret_calls, ret_count) == 0)
        return true;
    problem(x->rs, x->rq, 503, "live_unavailable", NULL,
            "The live view does not answer; try again.");
    return false;
}

void handle_live_calls(struct exchange *x)
{
    struct live_call *calls;
    unsigned count;
    uint32_t limit;
    struct json j;

    if (!exchange_number(x, "limit", LIVE_LIMIT_DEFAULT, LIVE_LIMIT_MAX, &limit) ||
        !snapshot(x, NULL, limit + 1, &calls, &count))
        return;
    exchange_list(x, &j);
    for (unsigned i = 0; i < count && i < limit; i++)
        live_call_json(x, &j, &calls[i]);
    json_end(&j);
    json_kv_bool(&j, "has_more", count > limit);
    json_kv_time(&j, "at", x->rq->now_us);
    json_end(&j);
    free(calls);
    exchange_json_done(x);
}

struct live_call *exchange_live_call(struct exchange *x)
{
    struct live_call *calls;
    unsigned count;

    if (!snapshot(x, x->rq->path_value[0], 1, &calls, &count))
        return NULL;
    if (count == 0) {
        free(calls);
        calls = NULL;
        exchange_store_problem(x, ERR_NOT_FOUND, "live call");
    }
    return calls;
}

void handle_live_call(struct exchange *x)
{
    struct live_call *call = exchange_live_call(x);
    struct json j;

    if (call == NULL)
        return;
    json_init(&j, &x->rs->body);
    live_call_json(x, &j, call);
    exchange_json_done(x);
    free(call);
}
