/* GET /api/v1/calls and /api/v1/calls/{uid}. */
#include <math.h>
#include <stdio.h>

#include "api/call_filter.h"
#include "api/handlers.h"
#include "api/record_json.h"

struct list {
    struct json json;
    enum store_order order;
    struct page_cursor last;
};

static double order_value(enum store_order order, const struct call_record *r)
{
    switch (order) {
    case STORE_MOS_MIN:
        return r->mos_min;
    case STORE_DURATION:
        return r->duration_ms < 0 ? NAN : (double)r->duration_ms;
    case STORE_NEWEST:
    case STORE_OLDEST:
        break;
    }
    return (double)r->started_us;
}

static void add_call(void *context, const struct call_record *r)
{
    struct list *l = context;

    record_json(&l->json, r, RECORD_JSON_LIST, true);
    l->last.after_us = r->started_us;
    l->last.after_value = order_value(l->order, r);
    snprintf(l->last.after_uid, sizeof l->last.after_uid, "%s", r->uid);
}

static void page_json(struct exchange *x, struct list *l, const struct store_query *q, bool more)
{
    char cursor[PAGE_CURSOR_SIZE] = "";

    l->last.from_us = q->from_us;
    l->last.to_us = q->to_us;
    if (more)
        page_cursor_print(&l->last, &x->rq->query, x->api->cursor_key, cursor);
    json_key(&l->json, "page");
    json_object(&l->json);
    json_kv_str(&l->json, "next_cursor", more ? cursor : NULL);
    json_kv_bool(&l->json, "has_more", more);
    json_end(&l->json);
    json_key(&l->json, "query");
    json_object(&l->json);
    json_kv_time(&l->json, "from", q->from_us);
    json_kv_time(&l->json, "to", q->to_us);
    json_end(&l->json);
}

void handle_calls(struct exchange *x)
{
    struct call_filter filter;
    struct call_filter_error e;
    bool more = false;
    uint64_t total;

    if (!call_filter_parse(x->rq, x->api->cursor_key, &filter, &e)) {
        problem(x->rs, x->rq, 400, e.code, e.field, "%s", e.detail);
        return;
    }
    struct list l = {.order = filter.query.order};
    json_init(&l.json, &x->rs->body);
    json_object(&l.json);
    json_key(&l.json, "data");
    json_array(&l.json);
    int err = store_calls(x->reader, &filter.query, add_call, &l, &more);
    json_end(&l.json);
    page_json(x, &l, &filter.query, more);
    if (err == 0 && filter.count) {
        err = store_count(x->reader, &filter.query, &total);
        json_kv_int(&l.json, "total", err ? 0 : (int64_t)total);
    }
    json_end(&l.json);
    if (err)
        exchange_store_problem(x, err, "call");
    else
        exchange_json_done(x);
}

void handle_call(struct exchange *x)
{
    struct json j;
    struct call_record *r = exchange_call(x);

    if (r == NULL)
        return;
    json_init(&j, &x->rs->body);
    record_json(&j, r, RECORD_JSON_FULL, true);
    record_free(r);
    exchange_json_done(x);
    exchange_etag(x);
}
