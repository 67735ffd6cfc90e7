/* /calls/{uid}/tags: what people and programs attach to a call, while it goes on or later. PUT
 * replaces all of them; what was there and what came is not in the audit log, only that it was done
 * and how many. */
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/record_json.h"
#include "base/json_read.h"

#define DEPTH_MAX 2 /* a nested value is refused by name, not as syntax */

static void answer(struct exchange *x, const struct record_tags *tags)
{
    struct json j;

    json_init(&j, &x->rs->body);
    record_json_tags(&j, tags);
    exchange_json_done(x);
}

void handle_tags(struct exchange *x)
{
    struct call_name call;
    struct record_tags tags;

    if (!exchange_call_name(x, &call))
        return;
    int err = store_tags(x->reader, call.uid, call.started_us, &tags);
    if (err)
        exchange_store_problem(x, err, "call");
    else
        answer(x, &tags);
}

/* ---- PUT ---- */

struct reading {
    struct exchange *x;
    struct record_tags tags;
};

static bool refuse(struct exchange *x, const char *code, struct slice key, const char *what)
{
    char name[RECORD_TAG_KEY_MAX + 1];

    slice_copy_to(key, name, sizeof name);
    problem(x->rs, x->rq, 400, code, record_tag_key_valid(key) ? name : NULL, "%s", what);
    return false;
}

bool tags_take(struct exchange *x, struct record_tags *tags, struct slice key, const struct json_value *value)
{
    struct slice text;

    if (!record_tag_key_valid(key))
        return refuse(x, "invalid_key", key,
                      "A key has 1 to 32 letters, digits, dots, dashes and underscores.");
    if (!json_value_text(value, &text) || !record_tag_value_valid(text))
        return refuse(x, "invalid_value", key,
                      "A value is a text of 1 to 256 bytes without control characters.");
    if (record_tags_set(tags, key, text))
        return true;
    return refuse(x, "too_many_tags", key, "A call has at most 16 tags.");
}

static bool take_tag(void *context, struct slice key, const struct json_value *value)
{
    struct reading *r = context;

    return tags_take(r->x, &r->tags, key, value);
}

/* False: the problem is set. */
static bool read_tags(struct reading *r)
{
    struct http_request *rq = r->x->rq;
    struct json_value *root = json_read(rq->body, HTTP_UPLOAD_MAX, DEPTH_MAX);
    bool good = root && json_value_is_object(root);

    if (good)
        good = json_value_members(root, take_tag, r);
    else
        problem(r->x->rs, rq, 400, "invalid_body", NULL,
                "The body is a JSON object: a text for each key.");
    json_read_free(root);
    return good;
}

static int put(struct exchange *x, const struct call_name *call, const struct record_tags *tags)
{
    const struct api_config *config = x->api->config;

    return config->put_tags(config->context, call->uid, call->started_us, tags);
}

void handle_put_tags(struct exchange *x)
{
    struct reading r = {.x = x};
    struct call_name call;
    char count[32];

    if (!read_tags(&r) || !exchange_call_name(x, &call))
        return;
    snprintf(count, sizeof count, "%u tags", r.tags.count);
    if (!exchange_audit(x, "tags.write", call.uid, "ok",
                        x->rq->access_reason ? x->rq->access_reason : count))
        return;
    int err = put(x, &call, &r.tags);
    if (err)
        problem(x->rs, x->rq, 503, "database_busy", NULL, "The tags could not be stored: %s.",
                err_text(err));
    else
        answer(x, &r.tags);
}
