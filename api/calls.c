/* GET /api/v1/calls and /api/v1/calls/{uid}.
 *
 * With `header` the calls that the other filters leave are gone through one after the other, and
 * their messages with them. One answer looks at so many calls and bytes, then it says that it
 * stopped; its cursor leads on behind the last call looked at. */
#include <stdio.h>

#include "api/call_filter.h"
#include "api/handlers.h"
#include "api/page_count.h"
#include "api/header_search.h"
#include "api/limit.h"
#include "api/record_json.h"

#define SEARCH_CALLS_MAX 2000
#define SEARCH_BYTES_MAX (64u << 20)
#define SEARCH_BATCH     250

struct list {
    struct json json;
    bool brief;
    enum store_order order;
    struct page_cursor last;
    /* Of a search by header: */
    struct header_search search;
    struct store_reader *reader;
    unsigned limit, found, looked_at;
    bool stopped; /* the page or the answer has its fill */
    bool skipped; /* ... and there were more calls */
    int err;
};

static void note_position(struct list *l, const struct call_record *r)
{
    l->last.after_us = r->started_us;
    l->last.after_value = store_order_value(l->order, r);
    snprintf(l->last.after_uid, sizeof l->last.after_uid, "%s", r->uid);
}

static void row_json(struct list *l, const struct call_record *r)
{
    if (l->brief)
        record_json_brief(&l->json, r);
    else
        record_json(&l->json, r, RECORD_JSON_LIST, true);
}

static void add_call(void *context, const struct call_record *r)
{
    struct list *l = context;

    row_json(l, r);
    l->found++;
    note_position(l, r);
}

/* ---- by a header ---- */

static void try_message(void *context, const struct record_message *m)
{
    struct header_search *s = context;

    if (!s->found)
        s->found = header_search_matches(s, m);
}

static void try_call(void *context, const struct call_record *r)
{
    struct list *l = context;

    if (l->stopped) {
        l->skipped = true;
        return;
    }
    l->search.found = false;
    int err = store_messages(l->reader, r, try_message, &l->search);
    if (err && err != ERR_NOT_FOUND)
        l->err = err;
    l->looked_at++;
    if (l->search.found) {
        row_json(l, r);
        l->found++;
    }
    note_position(l, r);
    l->stopped = l->err || l->found == l->limit || l->looked_at == SEARCH_CALLS_MAX ||
                 l->search.bytes >= SEARCH_BYTES_MAX;
}

static int search_calls(struct list *l, const struct store_query *query, bool *ret_more)
{
    struct store_query q = *query;
    bool more = true;
    int err = 0;

    l->limit = q.limit;
    q.limit = SEARCH_BATCH;
    while (more && !l->stopped && !err) {
        unsigned before = l->looked_at;
        err = store_calls(l->reader, &q, try_call, l, &more);
        if (l->looked_at == before)
            break; /* nothing left that can be read */
        q.after_us = l->last.after_us;
        q.after_value = l->last.after_value;
        snprintf(q.after_uid, sizeof q.after_uid, "%s", l->last.after_uid);
    }
    *ret_more = l->looked_at > 0 && (more || l->skipped);
    return err ? err : l->err;
}

static void search_json(struct list *l, bool more)
{
    json_key(&l->json, "search");
    json_object(&l->json);
    json_kv_int(&l->json, "calls_looked_at", l->looked_at);
    json_kv_bool(&l->json, "truncated", more && l->found < l->limit);
    json_end(&l->json);
}

/* What stands in messages is for those who may read them, and its reading is audited. */
static bool may_search(struct exchange *x, const struct call_filter *filter)
{
    char object[96];

    if ((x->who.scopes & SCOPE_MESSAGES) == 0) {
        problem(x->rs, x->rq, 403, "scope", "header",
                "`header` needs the scope `messages`, which %s does not hold.", x->who.name);
        return false;
    }
    snprintf(object, sizeof object, "header %s", filter->header);
    return exchange_audit(x, "messages.search", object, "ok", x->rq->access_reason);
}

/* ---- the answer ---- */

static void end_page(struct exchange *x, struct list *l, const struct store_query *q, bool more, const struct page_count *count)
{
    char cursor[PAGE_CURSOR_SIZE] = "";

    l->last.from_us = q->from_us;
    l->last.to_us = q->to_us;
    if (more)
        page_cursor_print(&l->last, &x->rq->query, x->api->cursor_key, cursor);
    page_json(&l->json, more ? cursor : NULL, count);
    page_window_json(&l->json, q->from_us, q->to_us);
}

static int list_calls(struct list *l, const struct call_filter *filter, bool *ret_more)
{
    if (filter->header == NULL)
        return store_calls(l->reader, &filter->query, add_call, l, ret_more);
    header_search_init(&l->search, filter->header, filter->header_value);
    int err = search_calls(l, &filter->query, ret_more);
    header_search_fini(&l->search);
    return err;
}

void handle_calls(struct exchange *x)
{
    struct call_filter filter;
    struct call_filter_error e;
    bool more = false;
    struct page_count count = {0};

    if (!call_filter_parse(x->rq, x->api->cursor_key, &filter, &e)) {
        exchange_filter_problem(x, &e);
        return;
    }
    if (filter.header && !may_search(x, &filter))
        return;
    if (!exchange_may_search(x, &filter.query))
        return;
    if (!exchange_audit_search(x, "calls.search"))
        return;
    struct limit_query limit;
    if (!exchange_limit(x, &limit, &filter.query))
        return;
    struct list l = {.brief = filter.brief, .order = filter.query.order, .reader = x->reader};
    exchange_list(x, &l.json);
    int err = list_calls(&l, &filter, &more);
    json_end(&l.json);
    if (err == 0)
        err = page_count(x->reader, &filter.query, filter.count, l.found, more, &count);
    end_page(x, &l, &filter.query, more, &count);
    if (filter.header)
        search_json(&l, more);
    page_count_total_json(&l.json, filter.count, &count);
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
