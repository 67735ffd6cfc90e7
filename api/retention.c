/* /policies/retention: the terms in force and what they are about; what would go by others; others in their place; and a look now.
 * Terms by which something may go that stays by those in force are put only with the tag of their own dry run: who shortens has seen
 * what it costs, and nobody has changed anything since. */
#include <stdio.h>
#include <string.h>

#include "api/exports.h"
#include "api/handlers.h"
#include "api/json_fields.h"

#define CHANGE_MAX 4096
#define TAG_SIZE   40

static void kv_bound(struct json *j, const char *name, int64_t v)
{
    if (v)
        json_kv_int(j, name, v);
    else
        json_kv_null(j, name);
}

static const struct api_retention_source *source(struct exchange *x)
{
    const struct api_retention_source *r = &x->api->config->retention;

    if (r->show)
        return r;
    problem(x->rs, x->rq, 503, "unavailable", NULL, "Nothing is stored here.");
    return NULL;
}

static void show_classes(struct json *j, const struct api_retention *r)
{
    json_key(j, "classes");
    json_object(j);
    for (unsigned c = 0; c < API_RETENTION_CLASSES; c++) {
        json_key(j, label_text(LABELS_STORED, c));
        json_object(j);
        kv_bound(j, "max_age_s", r->classes[c].max_age_s);
        kv_bound(j, "max_bytes", (int64_t)r->classes[c].max_bytes);
        json_kv_int(j, "bytes", (int64_t)r->classes[c].bytes);
        json_kv_int(j, "protected_bytes", (int64_t)r->classes[c].protected_bytes);
        json_end(j);
    }
    json_end(j);
}

static void show_exports(struct json *j, struct exports *exports)
{
    struct exports_use use;

    json_key(j, "exports");
    if (exports == NULL) {
        json_null(j);
        return;
    }
    exports_use(exports, &use);
    json_object(j);
    json_kv_int(j, "max_age_s", use.keep_s);
    json_kv_int(j, "max_bytes", (int64_t)use.max_bytes);
    json_kv_int(j, "bytes", (int64_t)use.bytes);
    json_end(j);
}

void handle_retention(struct exchange *x)
{
    const struct api_retention_source *from = source(x);
    struct api_retention r = {0};
    struct json j;

    if (from == NULL)
        return;
    if (from->show(from->context, &r) != 0) {
        problem(x->rs, x->rq, 503, "unavailable", NULL, "What is stored could not be looked at; try again.");
        return;
    }
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "source", r.source);
    show_classes(&j, &r);
    show_exports(&j, x->api->config->exports);
    kv_bound(&j, "min_free_bytes", (int64_t)r.min_free_bytes);
    json_kv_int(&j, "free_bytes", (int64_t)r.free_bytes);
    json_kv_bool(&j, "low", r.low);
    json_end(&j);
    exchange_json_done(x);
    http_header(x->rs, "ETag", "\"%s\"", r.tag);
}

void handle_retention_run(struct exchange *x)
{
    const struct api_retention_source *from = &x->api->config->retention;
    struct json j;

    if (!exchange_audit(x, "retention.run", "retention", "ok", x->rq->access_reason))
        return;
    if (from->run)
        from->run(from->context);
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_bool(&j, "accepted", true);
    json_end(&j);
    exchange_json_done(x);
    x->rs->status = 202;
}

/* ---- other terms ---- */

static bool read_terms(struct exchange *x, const struct api_retention_source *from, struct api_terms *terms)
{
    struct why why = {0};

    if (from->read(from->context, x->rq->body, terms, &why) == 0)
        return true;
    problem(x->rs, x->rq, 400, "invalid_terms", terms->field[0] ? terms->field : NULL, "%s",
            why.text[0] ? why.text : "These terms cannot be read now.");
    return false;
}

static void show_would_go(struct json *j, const struct api_would_go would[API_RETENTION_CLASSES])
{
    json_key(j, "would_go");
    json_object(j);
    for (unsigned c = 0; c < API_RETENTION_CLASSES; c++) {
        json_key(j, label_text(LABELS_STORED, c));
        json_object(j);
        json_kv_int(j, "things", (int64_t)would[c].things);
        json_kv_int(j, "files", (int64_t)would[c].files);
        json_kv_int(j, "bytes", (int64_t)would[c].bytes);
        json_kv_time(j, "oldest_at", would[c].oldest_us);
        json_kv_time(j, "newest_at", would[c].newest_us);
        json_end(j);
    }
    json_end(j);
}

typedef void terms_fn(struct exchange *x, const struct api_retention_source *from, const struct api_terms *terms);

/* Those of the request, if they can be. */
static void with_terms(struct exchange *x, terms_fn *fn)
{
    const struct api_retention_source *from = source(x);
    struct api_terms terms = {0};
    struct buf change;

    if (from == NULL)
        return;
    buf_init(&change, CHANGE_MAX);
    terms.change = &change;
    if (read_terms(x, from, &terms)) {
        fn(x, from, &terms);
        from->let_go(&terms);
    }
    buf_fini(&change);
}

static void try_terms(struct exchange *x, const struct api_retention_source *from, const struct api_terms *terms)
{
    struct api_would_go would[API_RETENTION_CLASSES] = {0};
    char etag[TAG_SIZE];
    bool complete = false;
    struct json j;

    if (from->dry_run(from->context, terms, would, &complete) != 0) {
        problem(x->rs, x->rq, 503, "unavailable", NULL, "What is stored could not be looked at; try again.");
        return;
    }
    snprintf(etag, sizeof etag, "\"%s\"", terms->tag_tried);
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "etag", etag);
    json_kv_bool(&j, "shorter", terms->shorter);
    json_kv_str(&j, "change", terms->change->size ? buf_text(terms->change) : NULL);
    show_would_go(&j, would);
    json_kv_bool(&j, "complete", complete);
    json_end(&j);
    exchange_json_done(x);
    http_header(x->rs, "ETag", "%s", etag);
}

void handle_retention_test(struct exchange *x)
{
    with_terms(x, try_terms);
}

static bool has_tag(const struct exchange *x, const char *tag)
{
    char etag[TAG_SIZE];

    snprintf(etag, sizeof etag, "\"%s\"", tag);
    return x->rq->if_match && strchr(x->rq->if_match, '*') == NULL && http_etag_matches(x->rq->if_match, etag);
}

/* False: the problem is set. */
static bool is_deliberate(struct exchange *x, const struct api_terms *terms)
{
    if (has_tag(x, terms->tag_tried) || (!terms->shorter && (x->rq->if_match == NULL || has_tag(x, terms->tag_now))))
        return true;
    if (x->rq->if_match && !has_tag(x, terms->tag_now)) {
        problem(x->rs, x->rq, 412, "changed_meanwhile", "If-Match",
                "The terms in force, or those that are put, are not those of that tag: read or try them again.");
        return false;
    }
    problem(x->rs, x->rq, 428, "dry_run_first", "If-Match",
            "By these terms something may go that stays now. POST /policies/retention/test tells what, and the tag to send as If-Match.");
    return false;
}

static void put_terms(struct exchange *x, const struct api_retention_source *from, const struct api_terms *terms)
{
    const char *change = terms->change->size ? buf_text(terms->change) : "nothing";
    int err;

    if (!is_deliberate(x, terms) || !exchange_audit(x, "policy.write", "retention", "ok", change))
        return;
    err = from->put(from->context, terms);
    if (err == ERR_BUSY)
        problem(x->rs, x->rq, 412, "changed_meanwhile", "If-Match", "The terms in force were changed meanwhile: read them again.");
    else if (err)
        problem(x->rs, x->rq, 503, "not_stored", NULL, "The terms could not be stored: %s.", err_text(err));
    else
        handle_retention(x);
}

void handle_put_retention(struct exchange *x)
{
    with_terms(x, put_terms);
}
