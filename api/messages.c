/* The SIP messages of a call: as a list and, one by one, as they were on the wire. Each reading is
 * audited: they hold numbers, names and addresses. */
#include <stdio.h>

#include "api/handlers.h"
#include "api/record_json.h"

struct message_list {
    struct json json;
    bool raw;
};

static void add_message(void *context, const struct record_message *m)
{
    struct message_list *l = context;

    record_json_message(&l->json, m, l->raw);
}

void handle_messages(struct exchange *x)
{
    struct message_list l = {0};
    struct call_record *r;

    if (!exchange_flag(x, "raw", true, &l.raw) || (r = exchange_call(x)) == NULL)
        return;
    if (!exchange_audit(x, "messages.read", r->uid, "ok", x->rq->access_reason)) {
        record_free(r);
        return;
    }
    json_init(&l.json, &x->rs->body);
    json_object(&l.json);
    json_kv_str(&l.json, "call_uid", r->uid);
    json_kv_int(&l.json, "over_limit", r->messages_over_limit);
    json_key(&l.json, "data");
    json_array(&l.json);
    int err = store_messages(x->reader, r->uid, add_message, &l);
    json_end(&l.json);
    json_end(&l.json);
    record_free(r);
    if (err && err != ERR_NOT_FOUND)
        exchange_store_problem(x, err, "call");
    else
        exchange_json_done(x);
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
        err = store_messages(x->reader, r->uid, pick_message, &p);
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
    exchange_audit(x, "messages.read", object, "ok", x->rq->access_reason);
}
