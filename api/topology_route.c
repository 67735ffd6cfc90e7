/* GET /stats/topology: the calls of a time range, newest first, as a graph. Registrations belong to
 * no tenant's calls, so a limited token sees the graph of its calls alone. */
#include "api/call_filter.h"
#include "api/call_walk.h"
#include "api/limit.h"
#include "api/topology.h"

static int take_call(void *context, const struct call_record *r)
{
    return topology_call(context, r);
}

static int take_registration(void *context, const struct registration_record *r)
{
    return topology_registration(context, r);
}

/* Neither the token nor the filters leave out calls. */
static bool is_of_everything(const struct exchange *x, const struct store_query *q)
{
    return !limit_is_set(&x->who.limit) && !q->tenant[0] && !q->trunk[0] && !q->site[0] &&
           !q->direction[0];
}

static void give(struct exchange *x, const struct topology *t, const struct store_query *q, bool truncated, unsigned nodes_max)
{
    struct json j;
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_time(&j, "from", q->from_us);
    json_kv_time(&j, "to", q->to_us);
    json_kv_bool(&j, "truncated", truncated);
    int err = topology_json(&j, t, nodes_max, &x->api->config->named);
    json_end(&j);
    if (err)
        exchange_store_problem(x, err, "graph");
    else
        exchange_json_done(x);
}

void handle_stats_topology(struct exchange *x)
{
    struct call_filter filter;
    struct call_filter_error e;
    struct limit_query limit;
    bool truncated = false;

    if (!call_filter_parse(x->rq, x->api->cursor_key, &filter, &e)) {
        exchange_filter_problem(x, &e);
        return;
    }
    if (!exchange_limit(x, &limit, &filter.query))
        return;
    unsigned nodes_max = filter.query.limit;
    struct store_query *q = &filter.query;
    struct topology *t = topology_new(hash_seed_random());
    int err = t ? call_walk(x, q, take_call, t, &truncated) : ERR_NOMEM;
    if (!err && is_of_everything(x, q))
        err = registration_walk(x, q->from_us, q->to_us, take_registration, t, &truncated);
    if (err)
        exchange_store_problem(x, err, "graph");
    else
        give(x, t, q, truncated, nodes_max);
    topology_free(t);
}
