/* GET /stats/topology: the calls of a time range, newest first, as a graph. Registrations belong to
 * no tenant's calls, so a limited token sees the graph of its calls alone. */
#include <string.h>

#include "api/call_filter.h"
#include "api/handlers.h"
#include "api/limit.h"
#include "api/topology.h"

#define PAGE_CALLS         1000
#define CALLS_MAX          20000
#define REGISTRATIONS_MAX  10000
#define REGISTRATIONS_PAGE 1000

struct drawing {
    struct topology *t;
    struct store_query *query;
    uint64_t calls;
    int64_t registration_us, registration_id;
    int64_t from_us, to_us;
    int err;
};

static void take_call(void *context, const struct call_record *r)
{
    struct drawing *d = context;
    if (d->err == 0)
        d->err = topology_call(d->t, r);
    d->calls++;
    d->query->after_us = r->started_us;
    memcpy(d->query->after_uid, r->uid, sizeof d->query->after_uid);
}

static int draw_calls(struct exchange *x, struct drawing *d, bool *ret_truncated)
{
    bool more = true;
    d->query->order = STORE_NEWEST;
    d->query->limit = PAGE_CALLS;
    while (more && d->calls < CALLS_MAX && d->err == 0) {
        uint64_t before = d->calls;
        int err = store_calls(x->reader, d->query, take_call, d, &more);
        if (err)
            return err;
        more &= d->calls > before;
    }
    *ret_truncated = more;
    return d->err;
}

static void take_registration(void *context, const void *record, int64_t id)
{
    const struct registration_record *r = record;
    struct drawing *d = context;
    if (d->err == 0 && r->first_us < d->to_us && r->updated_us >= d->from_us)
        d->err = topology_registration(d->t, r);
    d->registration_us = user_int(record, user_field(USER_REGISTRATION, "updated_us"));
    d->registration_id = id;
}

static int draw_registrations(struct exchange *x, struct drawing *d, bool *ret_truncated)
{
    struct store_user_query q = {.kind = USER_REGISTRATION, .limit = REGISTRATIONS_PAGE};
    bool more = true;
    for (unsigned n = 0; more && n < REGISTRATIONS_MAX && d->err == 0; n += REGISTRATIONS_PAGE) {
        int err = store_users(x->reader, &q, take_registration, d, &more);
        if (err)
            return err;
        q.after_us = d->registration_us;
        q.after_id = d->registration_id;
    }
    *ret_truncated |= more;
    return d->err;
}

/* Neither the token nor the filters leave out calls. */
static bool is_of_everything(const struct exchange *x, const struct store_query *q)
{
    return !limit_is_set(&x->who.limit) && !q->tenant[0] && !q->trunk[0] && !q->site[0] &&
           !q->direction[0];
}

static void give(struct exchange *x, const struct drawing *d, bool truncated, unsigned nodes_max)
{
    struct json j;
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_time(&j, "from", d->from_us);
    json_kv_time(&j, "to", d->to_us);
    json_kv_bool(&j, "truncated", truncated);
    int err = topology_json(&j, d->t, nodes_max);
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
        problem(x->rs, x->rq, 400, e.code, e.field, "%s", e.detail);
        return;
    }
    if (!limit_query_fill(&limit, &x->who.limit, &filter.query)) {
        problem(x->rs, x->rq, 403, "limited_token", NULL, "This token's limit cannot be read.");
        return;
    }
    unsigned nodes_max = filter.query.limit;
    struct drawing d = {.t = topology_new(hash_seed_random()),
                        .query = &filter.query,
                        .from_us = filter.query.from_us,
                        .to_us = filter.query.to_us};
    int err = d.t ? draw_calls(x, &d, &truncated) : ERR_NOMEM;
    if (!err && is_of_everything(x, &filter.query))
        err = draw_registrations(x, &d, &truncated);
    if (err)
        exchange_store_problem(x, err, "graph");
    else
        give(x, &d, truncated, nodes_max);
    topology_free(d.t);
}
