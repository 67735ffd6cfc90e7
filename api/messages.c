/* The SIP messages of a call: as a list and, one by one, as they were on the wire. Each reading is
 * audited: they hold numbers, names and addresses. */
#include <stdio.h>

#include "api/handlers.h"
#include "api/header_search.h"
#include "api/record_json.h"
#include "api/sip_text.h"

struct message_list {
    struct json json;
    struct header_search search;
    bool searching;
    bool raw;
};

static void add_message(void *context, const struct record_message *m)
{
    struct message_list *l = context;

    if (!l->searching || header_search_matches(&l->search, m))
        record_json_message(&l->json, m, l->raw);
}

/* False: the problem is set. */
static bool parse_search(struct exchange *x, struct message_list *l)
{
    const char *name = http_query_value(&x->rq->query, "header");
    const char *value = http_query_value(&x->rq->query, "value");

    if (value && name == NULL)
        problem(x->rs, x->rq, 400, "missing_parameter", "header",
                "`value` needs `header`: the field that it stands in.");
    else if (value && *value == '\0')
        problem(x->rs, x->rq, 400, "invalid_value", "value", "`value` is empty.");
    else if (name && !sip_name_is_valid(slice_str(name)))
        problem(x->rs, x->rq, 400, "invalid_value", "header",
                "`header` is the name of a header field.");
    else {
        l->searching = name != NULL;
        header_search_init(&l->search, name ? name : "", value);
        return true;
    }
    return false;
}

static void list_messages(struct exchange *x, struct message_list *l, const struct call_record *r)
{
    json_init(&l->json, &x->rs->body);
    json_object(&l->json);
    json_kv_str(&l->json, "call_uid", r->uid);
    json_kv_int(&l->json, "over_limit", r->messages_over_limit);
    json_key(&l->json, "data");
    json_array(&l->json);
    int err = store_messages(x->reader, r, add_message, l);
    json_end(&l->json);
    json_end(&l->json);
    if (err && err != ERR_NOT_FOUND)
        exchange_store_problem(x, err, "call");
    else
        exchange_json_done(x);
}

void handle_messages(struct exchange *x)
{
    struct message_list l = {0};
    struct call_record *r;

    if (!exchange_flag(x, "raw", true, &l.raw) || !parse_search(x, &l))
        return;
    r = exchange_call(x);
    if (r && exchange_audit_read(x, "messages.read", r->uid, NULL))
        list_messages(x, &l, r);
    record_free(r);
    header_search_fini(&l.search);
}

struct message_pick {
    struct buf *body;
    uint32_t n;
    bool found;
};

static void pick_message(void *context, const struct record_message *m)
{
    struct message_pick *p = context;

    if (m->n != p->n)
        return;
    p->found = true;
    buf_slice(p->body, m->raw);
}

void handle_message(struct exchange *x)
{
    struct message_pick p = {.body = &x->rs->body};
    struct call_record *r = exchange_call(x);
    char object[96];

    if (r == NULL)
        return;
    snprintf(object, sizeof object, "%s/%s", r->uid, x->rq->path_value[1]);
    int err = 0;
    if (slice_to_u32(slice_str(x->rq->path_value[1]), &p.n))
        err = store_messages(x->reader, r, pick_message, &p);
    record_free(r);
    if (err && err != ERR_NOT_FOUND) {
        exchange_store_problem(x, err, "message");
        return;
    }
    if (!p.found) {
        exchange_store_problem(x, ERR_NOT_FOUND, "message");
        return;
    }
    x->rs->content_type = "text/plain; charset=utf-8";
    exchange_audit_read(x, "messages.read", object, NULL);
}
