/* GET /webhooks, POST /webhooks/{name}/test: where others are told of calls, whether it works, and one event to try it. */
#include "api/handlers.h"

#include "base/error.h"

void handle_webhooks(struct exchange *x)
{
    const struct api_webhook_source *s = &x->api->config->webhooks;
    struct json j;

    exchange_list(x, &j);
    if (s->list)
        s->list(s->context, &j);
    exchange_list_done(x, &j);
}

static void answer(struct exchange *x, const char *id)
{
    struct json j;

    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "event", "test");
    json_kv_str(&j, "id", id);
    json_end(&j);
    exchange_json_done(x);
    x->rs->status = 202;
}

void handle_test_webhook(struct exchange *x)
{
    const struct api_webhook_source *s = &x->api->config->webhooks;
    const char *name = x->rq->path_value[0];
    char id[API_WEBHOOK_ID_SIZE];

    if (s->known == NULL || !s->known(name)) {
        problem(x->rs, x->rq, 404, "not_found", NULL, "There is no such webhook.");
        return;
    }
    if (!exchange_audit(x, "webhook.test", name, "ok", x->rq->access_reason))
        return;
    int err = s->test(s->context, name, x->who.name, id);
    if (err == ERR_EXISTS)
        problem(x->rs, x->rq, 409, "test_waits", NULL, "A test of before still waits to be sent: see last_failure of /webhooks.");
    else if (err)
        problem(x->rs, x->rq, 503, "out_of_memory", NULL, "There is no memory for this; try again.");
    else
        answer(x, id);
}
