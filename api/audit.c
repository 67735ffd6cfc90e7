/* GET /audit: who did what, newest first. That it was read is a row, too. */
#include <stdio.h>

#include "api/call_filter.h"
#include "api/handlers.h"
#include "api/page_count.h"
#include "base/crypto.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define SPAN_US       (INT64_C(86400) * 1000000)

struct list {
    struct json json;
    unsigned count, limit;
    int64_t last;
    bool more;
};

static void row_json(void *context, int64_t id, const struct store_audit *e, const uint8_t hash[32])
{
    struct list *l = context;
    char hex[65];

    if (l->count == l->limit) {
        l->more = true;
        return;
    }
    l->count++;
    l->last = id;
    json_object(&l->json);
    json_kv_int(&l->json, "id", id);
    json_kv_time(&l->json, "at", e->time_us);
    json_kv_str(&l->json, "actor", e->actor);
    json_kv_str(&l->json, "address", e->address);
    json_kv_str(&l->json, "action", e->action);
    json_kv_str(&l->json, "object", e->object);
    json_kv_str(&l->json, "result", e->result);
    json_kv_str(&l->json, "detail", e->detail);
    json_kv_str(&l->json, "hash", crypto_hex(slice_of(hash, 32), hex));
    json_end(&l->json);
}

static bool bad_value(struct exchange *x, const char *name, const char *what)
{
    problem(x->rs, x->rq, 400, "invalid_value", name, "%s", what);
    return false;
}

static bool read_time(struct exchange *x, const char *name, int64_t *ret_us)
{
    const char *text = http_query_value(&x->rq->query, name);

    if (text == NULL || clock_parse_rfc3339(text, ret_us) == 0)
        return true;
    return bad_value(x, name, "This is a time like 2026-11-21T10:00:00Z.");
}

static bool read_query(struct exchange *x, struct store_audit_query *q)
{
    const struct {
        const char *name, **value;
    } texts[] = {{"actor", &q->actor},
                 {"action", &q->action},
                 {"object", &q->object},
                 {"result", &q->result},
                 {"address", &q->address}};
    const char *cursor = http_query_value(&x->rq->query, "cursor");
    uint32_t limit;
    uint64_t before;

    *q = (struct store_audit_query){.to_us = x->rq->now_us + 1};
    if (!read_time(x, "to", &q->to_us))
        return false;
    q->from_us = q->to_us - SPAN_US;
    if (!read_time(x, "from", &q->from_us) ||
        !exchange_number(x, "limit", LIMIT_DEFAULT, LIMIT_MAX, &limit))
        return false;
    if (cursor && (!slice_to_u64(slice_str(cursor), INT64_MAX, &before) || before == 0))
        return bad_value(x, "cursor", "This is no cursor of this list.");
    q->before = cursor ? (int64_t)before : 0;
    q->limit = limit + 1;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i].value = http_query_value(&x->rq->query, texts[i].name);
    return true;
}

static void end_json(struct list *l, const struct store_audit_query *q)
{
    char cursor[24];

    snprintf(cursor, sizeof cursor, "%lld", (long long)l->last);
    json_end(&l->json);
    page_json(&l->json, l->more ? cursor : NULL, NULL);
    page_window_json(&l->json, q->from_us, q->to_us);
    json_end(&l->json);
}

void handle_audit(struct exchange *x)
{
    struct store_audit_query q;
    struct list l = {0};

    if (!read_query(x, &q))
        return;
    const char *object = q.object ? q.object : q.actor ? q.actor : "all";
    if (!exchange_audit_read(x, "log.read", object, NULL))
        return;
    l.limit = q.limit - 1;
    exchange_list(x, &l.json);
    int err = store_audit_list(x->reader, &q, row_json, &l);
    end_json(&l, &q);
    if (err)
        exchange_store_problem(x, err, "audit log");
    else
        exchange_json_done(x);
}
