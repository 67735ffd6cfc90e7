/* What several handlers do with an exchange. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/filter_value.h"
#include "api/handlers.h"
#include "api/limit.h"
#include "base/crypto.h"
#include "base/json_read.h"

void exchange_json_done(struct exchange *x)
{
    if (x->rs->body.failed) {
        problem(x->rs, x->rq, 500, "too_large", NULL,
                "The answer is too large; ask for less of it.");
        return;
    }
    x->rs->content_type = "application/json; charset=utf-8";
}

void exchange_list(struct exchange *x, struct json *ret_json)
{
    json_init(ret_json, &x->rs->body);
    json_object(ret_json);
    json_key(ret_json, "data");
    json_array(ret_json);
}

void exchange_list_done(struct exchange *x, struct json *j)
{
    json_end(j);
    json_end(j);
    exchange_json_done(x);
}

void exchange_tag_of(struct slice body, char out[EXCHANGE_TAG_SIZE])
{
    uint8_t digest[32];
    char hex[33];

    crypto_sha256(body, digest);
    snprintf(out, EXCHANGE_TAG_SIZE, "\"%s\"", crypto_hex(slice_of(digest, 16), hex));
}

void exchange_etag(struct exchange *x)
{
    char etag[EXCHANGE_TAG_SIZE];

    if (x->rs->status != 200)
        return;
    exchange_tag_of(buf_view(&x->rs->body), etag);
    http_header(x->rs, "ETag", "%s", etag);
    if (x->rq->if_none_match && http_etag_matches(x->rq->if_none_match, etag)) {
        x->rs->status = 304;
        buf_clear(&x->rs->body);
    }
}

static bool audit_unavailable(struct exchange *x)
{
    problem(x->rs, x->rq, 503, "audit_unavailable", NULL,
            "The audit log cannot be written, so nothing that must be audited is given out.");
    return false;
}

bool exchange_audit(struct exchange *x, const char *action, const char *object, const char *result,
                    const char *detail)
{
    char text[600]; /* a reason is the client's: as much of it as fits into half of this */
    if (detail)
        snprintf(text, sizeof text, "%.*s", detail == x->rq->access_reason ? 299 : 599, detail);
    const struct store_audit entry = {.time_us = x->rq->now_us,
                                      .actor = x->who.name,
                                      .address = x->rq->peer_text,
                                      .action = action,
                                      .object = object,
                                      .result = result,
                                      .detail = detail ? text : NULL};

    if (x->api->config->audit(x->api->config->context, &entry) == 0)
        return true;
    return audit_unavailable(x);
}

bool exchange_audit_file(struct exchange *x, const char *action, const char *object, const char *note, const struct audit_bytes *bytes)
{
    const struct audit_bytes none = {0};
    const char *reason = x->rq->access_reason;
    char detail[201];
    const struct store_audit entry = {.time_us = x->rq->now_us,
                                      .actor = x->who.name,
                                      .address = x->rq->peer_text,
                                      .action = action,
                                      .object = object,
                                      .result = "ok",
                                      .detail = note || reason ? detail : NULL};

    snprintf(detail, sizeof detail, "%.100s%s%s", note ? note : "", note && reason ? "; " : "", reason ? reason : "");
    if (audit_merge_put(x->api->merge, &entry, bytes ? bytes : &none) == 0)
        return true;
    return audit_unavailable(x);
}

bool exchange_audit_read(struct exchange *x, const char *action, const char *object,
                         const struct audit_bytes *bytes)
{
    return exchange_audit_file(x, action, object, NULL, bytes);
}

bool exchange_audit_search(struct exchange *x, const char *action)
{
    static const char *const NAMES[] = {"number", "number__prefix", "from_user", "to_user", "q",       "text",
                                        "aor",    "user",           "subscriber", "resource"};
    const struct http_query *q = &x->rq->query;
    char object[200] = "";
    size_t n = 0;

    for (unsigned i = 0; i < q->count; i++)
        for (size_t k = 0; k < sizeof NAMES / sizeof NAMES[0] && n < sizeof object; k++)
            if (strcmp(q->param[i].name, NAMES[k]) == 0)
                n += (size_t)snprintf(object + n, sizeof object - n, "%s%s=%s", n ? "&" : "", NAMES[k],
                                      q->param[i].value);
    return n == 0 || exchange_audit_read(x, action, object, NULL);
}

bool exchange_may_search(struct exchange *x, const struct store_query *q)
{
    if (q->words == NULL || q->words_in == STORE_WORDS_ANNOTATIONS || (x->who.scopes & SCOPE_AUDIO))
        return true;
    problem(x->rs, x->rq, 403, "scope", "text",
            "`text` in transcripts needs the scope `audio`, which %s does not hold; text_in=annotations does not.", x->who.name);
    return false;
}

struct json_value *exchange_object(struct exchange *x, unsigned depth_max)
{
    struct json_value *root = json_read(x->rq->body, HTTP_UPLOAD_MAX, depth_max);

    if (root && json_value_is_object(root))
        return root;
    json_read_free(root);
    problem(x->rs, x->rq, 400, "invalid_body", NULL, "The body is a JSON object.");
    return NULL;
}

void exchange_filter_problem(struct exchange *x, const struct call_filter_error *e)
{
    problem(x->rs, x->rq, 400, e->code, e->field, "%s", e->detail);
}

bool exchange_limit(struct exchange *x, struct limit_query *ret_limit, struct store_query *q)
{
    if (limit_query_fill(ret_limit, &x->who.limit, q))
        return true;
    problem(x->rs, x->rq, 403, "limited_token", NULL, "This token's limit cannot be read.");
    return false;
}

void exchange_store_problem(struct exchange *x, int err, const char *what)
{
    if (err == ERR_NOT_FOUND)
        problem(x->rs, x->rq, 404, "not_found", NULL, "There is no such %s.", what);
    else if (err == ERR_BUSY)
        problem(x->rs, x->rq, 503, "database_busy", NULL, "The database is busy; try again.");
    else
        problem(x->rs, x->rq, 500, "database", NULL, "The database could not be read: %s.",
                err_text(err));
}

/* UUID text in lower case, the only form we give out. */
static bool is_uuid(const char *text)
{
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (text[i] == '\0' ||
            (dash ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL))
            return false;
    }
    return text[36] == '\0';
}

bool exchange_may_see(struct exchange *x, struct call_record **record)
{
    if (limit_allows_record(&x->who.limit, *record))
        return true;
    record_free(*record);
    *record = NULL;
    return false;
}

struct call_record *exchange_call(struct exchange *x)
{
    struct call_record *r = NULL;
    int err = is_uuid(x->rq->path_value[0]) ? store_call(x->reader, x->rq->path_value[0], &r)
                                            : ERR_NOT_FOUND;

    if (err == 0 && exchange_may_see(x, &r))
        return r;
    exchange_store_problem(x, err ? err : ERR_NOT_FOUND, "call");
    return NULL;
}

static void name_set(struct call_name *name, const char *uid, int64_t started_us)
{
    snprintf(name->uid, sizeof name->uid, "%s", uid);
    name->started_us = started_us;
}

bool exchange_call_name(struct exchange *x, struct call_name *ret_name)
{
    struct call_record *r = exchange_call(x);

    if (r) {
        name_set(ret_name, r->uid, r->started_us);
        record_free(r);
        return true;
    }
    if (x->rs->status != 404)
        return false;
    http_response_fini(x->rs);
    http_response_init(x->rs);
    struct live_call *c = exchange_live_call(x);
    if (c)
        name_set(ret_name, c->uid, c->started_us);
    free(c);
    return c != NULL;
}

bool exchange_flag(struct exchange *x, const char *name, bool fallback, bool *ret_flag)
{
    const char *value = http_query_value(&x->rq->query, name);

    *ret_flag = fallback;
    if (value == NULL)
        return true;
    *ret_flag = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    if (*ret_flag || strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
        return true;
    problem(x->rs, x->rq, 400, "invalid_value", name, "`%s` is true or false.", name);
    return false;
}

bool exchange_number(struct exchange *x, const char *name, uint32_t fallback, uint32_t max,
                     uint32_t *ret_number)
{
    const char *value = http_query_value(&x->rq->query, name);
    uint64_t n;

    *ret_number = fallback;
    if (value == NULL)
        return true;
    if (!slice_to_u64(slice_str(value), max, &n) || n == 0) {
        problem(x->rs, x->rq, 400, "invalid_value", name, "`%s` is a number from 1 to %u.", name,
                max);
        return false;
    }
    *ret_number = (uint32_t)n;
    return true;
}

bool exchange_wants_text(struct exchange *x, bool *ret_text)
{
    const char *format = http_query_value(&x->rq->query, "format");
    const char *accept = x->rq->accept ? x->rq->accept : "";

    *ret_text = format ? strcmp(format, "text") == 0
                       : strstr(accept, "text/plain") && !strstr(accept, "json");
    if (format == NULL || *ret_text || strcmp(format, "json") == 0)
        return true;
    problem(x->rs, x->rq, 400, "invalid_value", "format", "`format` is json or text.");
    return false;
}
