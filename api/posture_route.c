/* GET /stats/posture: how well the calls of a time range are protected, and who registers how. Registrations belong to no tenant's calls,
 * so the route is not for limited tokens. */
#include "api/call_filter.h"
#include "api/call_walk.h"
#include "api/posture.h"

static int take_call(void *context, const struct call_record *r)
{
    posture_call(context, r);
    return 0;
}

static int take_registration(void *context, const struct registration_record *r)
{
    posture_registration(context, r);
    return 0;
}

void handle_stats_posture(struct exchange *x)
{
    struct call_filter filter, again;
    struct call_filter_error e;
    struct posture p = {0};
    struct store_query *q = &filter.query;
    bool truncated = false;
    struct json j;

    if (!call_filter_parse(x->rq, x->api->cursor_key, &filter, &e)) {
        exchange_filter_problem(x, &e);
        return;
    }
    again = filter;
    again.query.kind = "encrypted";
    int err = call_walk(x, q, take_call, &p, &truncated);
    err = err ? err : call_walk(x, &again.query, take_call, &p, &truncated);
    err = err ? err : registration_walk(x, q->from_us, q->to_us, take_registration, &p, &truncated);
    if (err) {
        exchange_store_problem(x, err, "report");
        return;
    }
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_time(&j, "from", q->from_us);
    json_kv_time(&j, "to", q->to_us);
    json_kv_bool(&j, "truncated", truncated);
    posture_json(&j, &p);
    json_end(&j);
    exchange_json_done(x);
}
