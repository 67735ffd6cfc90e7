/* /policies/retention: the terms in force and what they are about; and a look now. Terms are
 * changed in the configuration. */
#include "api/handlers.h"
#include "api/json_fields.h"

static void kv_bound(struct json *j, const char *name, int64_t v)
{
    if (v)
        json_kv_int(j, name, v);
    else
        json_kv_null(j, name);
}

void handle_retention(struct exchange *x)
{
    const struct api_config *config = x->api->config;
    struct api_retention r = {0};
    struct json j;

    if (config->retention == NULL || config->retention(config->context, &r) != 0) {
        problem(x->rs, x->rq, 503, "unavailable", NULL,
                "What is stored could not be looked at; try again.");
        return;
    }
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_key(&j, "classes");
    json_object(&j);
    for (unsigned c = 0; c < LABEL_COUNT_STORED; c++) {
        json_key(&j, label_text(LABELS_STORED, c));
        json_object(&j);
        kv_bound(&j, "max_age_s", r.classes[c].max_age_s);
        kv_bound(&j, "max_bytes", (int64_t)r.classes[c].max_bytes);
        json_kv_int(&j, "bytes", (int64_t)r.classes[c].bytes);
        json_kv_int(&j, "protected_bytes", (int64_t)r.classes[c].protected_bytes);
        json_end(&j);
    }
    json_end(&j);
    kv_bound(&j, "min_free_bytes", (int64_t)r.min_free_bytes);
    json_kv_int(&j, "free_bytes", (int64_t)r.free_bytes);
    json_kv_bool(&j, "low", r.low);
    json_end(&j);
    exchange_json_done(x);
}

void handle_retention_run(struct exchange *x)
{
    const struct api_config *config = x->api->config;
    struct json j;

    if (!exchange_audit(x, "retention.run", "retention", "ok", x->rq->access_reason))
        return;
    if (config->retention_run)
        config->retention_run(config->context);
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_bool(&j, "accepted", true);
    json_end(&j);
    exchange_json_done(x);
    x->rs->status = 202;
}
