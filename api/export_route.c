/* /exports: asked for, looked at, fetched, deleted. An export is its owner's, and an administrator's who may see all calls; what is in
 * it asks for the same scopes as where it is had one by one, each time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/exports.h"
#include "api/handlers.h"
#include "api/json_fields.h"
#include "api/limit.h"
#include "api/stored_file.h"
#include "base/crypto.h"

#define RETRY_S 2

static struct exports *exports_of(struct exchange *x)
{
    if (x->api->config->exports == NULL)
        problem(x->rs, x->rq, 503, "unavailable", NULL, "Nothing is exported here.");
    return x->api->config->exports;
}

/* ---- who may ---- */

static bool sees_all(const struct exchange *x)
{
    return (x->who.scopes & SCOPE_ADMIN) && !limit_is_set(&x->who.limit);
}

/* The one of {id}; false: the problem is set. */
static bool export_of_path(struct exchange *x, struct exports *exports, struct export *ret_export)
{
    char owner[EXPORT_OWNER_SIZE];
    export_owner(&x->who, owner);
    if (exports_get(exports, x->rq->path_value[0], ret_export) && (strcmp(owner, ret_export->owner) == 0 || sees_all(x)))
        return true;
    problem(x->rs, x->rq, 404, "not_found", NULL, "There is no such export.");
    return false;
}

/* What is in it; false: the problem is set. */
static bool may_have(struct exchange *x, const struct export_ask *ask)
{
    unsigned lacking = export_scopes(ask) & ~x->who.scopes;
    if (lacking == 0)
        return true;
    const char *scope = auth_scope_name((enum scope)(lacking & -lacking));
    bool by_rtp = export_has_pcap(ask) && !export_has_audio(ask) && (lacking & SCOPE_AUDIO);
    problem(x->rs, x->rq, 403, "scope", by_rtp ? "rtp" : "kind", "This export needs the scope `%s`, which %s does not hold%s.", scope, x->who.name,
            by_rtp ? "; ask for rtp headers or none" : "");
    return false;
}

/* Calls that who asks may see no more are in no file for them. */
static bool within_limit(const struct exchange *x, const struct export *e)
{
    const struct store_limit *a = &x->who.limit, *b = &e->limit;
    if (!limit_is_set(a))
        return true;
    return strcmp(a->tenants, b->tenants) == 0 && strcmp(a->sites, b->sites) == 0 && strcmp(a->trunks, b->trunks) == 0 &&
           strcmp(a->prefixes, b->prefixes) == 0 && (e->calls == 0 || e->oldest_us >= a->since_us);
}

/* ---- as JSON ---- */

static void error_json(struct json *j, const struct export *e)
{
    json_key(j, "error");
    if (e->error[0] == '\0') {
        json_null(j);
        return;
    }
    json_object(j);
    json_kv_str(j, "code", e->error);
    json_kv_str(j, "detail", e->detail);
    json_end(j);
}

static void export_json(struct json *j, const struct export *e)
{
    bool ready = e->state == EXPORT_READY;
    char hex[65], url[80];
    json_object(j);
    json_kv_str(j, "id", e->id);
    json_kv_str(j, "state", EXPORT_STATE_NAMES[e->state]);
    error_json(j, e);
    json_kv_str(j, "actor", e->actor);
    export_ask_json(j, &e->ask);
    json_kv_time(j, "from", e->from_us);
    json_kv_time(j, "to", e->to_us);
    json_kv_time(j, "created_at", e->created_us);
    json_kv_time(j, "started_at", e->began_us);
    json_kv_time(j, "ended_at", e->ended_us);
    json_kv_time(j, "expires_at", e->expires_us);
    json_key(j, "progress");
    json_object(j);
    json_kv_int(j, "calls_done", (int64_t)e->done);
    kv_natural(j, "calls_total", e->calls_total);
    json_end(j);
    json_kv_int(j, "calls", (int64_t)e->calls);
    json_kv_bool(j, "truncated", e->truncated);
    json_kv_int(j, "files", (int64_t)e->files);
    json_kv_int(j, "missing", (int64_t)e->missing);
    json_kv_int(j, "size_bytes", (int64_t)e->bytes);
    json_kv_str(j, "sha256", ready ? crypto_hex(slice_of(e->sha256, sizeof e->sha256), hex) : NULL);
    snprintf(url, sizeof url, "/api/v1/exports/%s/download", e->id);
    json_kv_str(j, "url", ready ? url : NULL);
    json_end(j);
}

static void answer(struct exchange *x, const struct export *e)
{
    struct json j;
    json_init(&j, &x->rs->body);
    export_json(&j, e);
    exchange_json_done(x);
}

/* ---- POST ---- */

/* By the parser of GET /calls; from and to are what they mean now. */
static bool read_filter(struct exchange *x, struct export *e)
{
    struct http_request rq = {.now_us = x->rq->now_us};
    struct call_filter filter;
    struct call_filter_error error = {0};
    struct limit_query limit;
    char field[100];
    char *text = export_filter_params(&e->ask, &rq.query);
    bool good = text && call_filter_parse(&rq, x->api->cursor_key, &filter, &error);
    if (good) {
        e->from_us = filter.query.from_us;
        e->to_us = filter.query.to_us;
        good = exchange_limit(x, &limit, &filter.query);
    } else {
        snprintf(field, sizeof field, "filter.%.80s", error.field ? error.field : "");
        problem(x->rs, x->rq, 400, error.code ? error.code : "invalid_value", field, "%s", error.detail);
    }
    free(text);
    return good;
}

static bool read_export(struct exchange *x, struct export *e)
{
    struct export_ask_error error = {0};
    if (!export_ask_parse(x->rq->body, EXPORT_CALLS_MAX, &e->ask, &error)) {
        problem(x->rs, x->rq, 400, error.code, error.field[0] ? error.field : NULL, "%s", error.detail);
        return false;
    }
    e->created_us = x->rq->now_us;
    e->calls_total = -1;
    e->limit = x->who.limit;
    export_owner(&x->who, e->owner);
    snprintf(e->actor, sizeof e->actor, "%s", x->who.name);
    snprintf(e->address, sizeof e->address, "%s", x->rq->peer_text);
    snprintf(e->reason, sizeof e->reason, "%s", x->rq->access_reason ? x->rq->access_reason : "");
    return may_have(x, &e->ask) && read_filter(x, e);
}

static bool audit_creation(struct exchange *x, const struct export *e)
{
    char detail[600];
    snprintf(detail, sizeof detail, "%s, at most %u calls, filter %.300s%s%s", EXPORT_KIND_NAMES[e->ask.kind], e->ask.max_calls,
             e->ask.filter[0] ? e->ask.filter : "none", e->reason[0] ? "; " : "", e->reason);
    return exchange_audit(x, "export.create", e->id, "ok", detail);
}

static void add(struct exchange *x, struct exports *exports, struct export *e)
{
    int err = exports_add(exports, e);
    if (err == ERR_BUSY) {
        problem_wait(x->rs, x->rq, "too_many_exports", RETRY_S);
        return;
    }
    if (err == ERR_FULL) {
        problem(x->rs, x->rq, 429, "too_many_exports", NULL, "%s has %d exports, as many as one may have: delete some. The oldest is %s.", x->who.name, EXPORTS_MAX / EXPORTS_SHARE,
                e->id);
        return;
    }
    if (err) {
        problem(x->rs, x->rq, 503, "not_stored", NULL, "The export could not be noted: %s.", err_text(err));
        return;
    }
    if (!audit_creation(x, e)) {
        exports_remove(exports, e->id);
        return;
    }
    answer(x, e);
    x->rs->status = 202;
    http_header(x->rs, "Location", "/api/v1/exports/%s", e->id);
    http_header(x->rs, "Retry-After", "%d", RETRY_S);
}

void handle_create_export(struct exchange *x)
{
    struct exports *exports = exports_of(x);
    struct export *e = exports ? calloc(1, sizeof *e) : NULL;
    if (exports && e == NULL)
        problem(x->rs, x->rq, 503, "out_of_memory", NULL, "There is no memory for this; try again.");
    else if (e && read_export(x, e))
        add(x, exports, e);
    free(e);
}

/* ---- GET ---- */

void handle_exports(struct exchange *x)
{
    struct exports *exports = exports_of(x);
    char owner[EXPORT_OWNER_SIZE];
    struct export *list = NULL;
    unsigned count = 0;
    struct json j;
    if (exports == NULL)
        return;
    export_owner(&x->who, owner);
    if (exports_list(exports, sees_all(x) ? NULL : owner, &list, &count) != 0) {
        problem(x->rs, x->rq, 503, "out_of_memory", NULL, "There is no memory for this; try again.");
        return;
    }
    exchange_list(x, &j);
    for (unsigned i = 0; i < count; i++)
        export_json(&j, &list[i]);
    free(list);
    exchange_list_done(x, &j);
}

/* An export is some kilobytes: not for the stack of each. */
static struct export *export_asked_for(struct exchange *x, struct exports **ret_exports)
{
    struct exports *exports = exports_of(x);
    struct export *e = exports ? malloc(sizeof *e) : NULL;
    *ret_exports = exports;
    if (exports && e == NULL)
        problem(x->rs, x->rq, 503, "out_of_memory", NULL, "There is no memory for this; try again.");
    if (e && export_of_path(x, exports, e))
        return e;
    free(e);
    return NULL;
}

void handle_export(struct exchange *x)
{
    struct exports *exports;
    struct export *e = export_asked_for(x, &exports);
    if (e == NULL)
        return;
    answer(x, e);
    if (e->state == EXPORT_QUEUED || e->state == EXPORT_RUNNING)
        http_header(x->rs, "Retry-After", "%d", RETRY_S);
    free(e);
}

/* ---- its file ---- */

static bool is_ready(struct exchange *x, const struct export *e)
{
    if (e->state == EXPORT_QUEUED || e->state == EXPORT_RUNNING) {
        problem(x->rs, x->rq, 409, "export_not_ready", NULL, "The export is %s.", EXPORT_STATE_NAMES[e->state]);
        http_header(x->rs, "Retry-After", "%d", RETRY_S);
    } else if (e->state != EXPORT_READY) {
        problem(x->rs, x->rq, 410, e->state == EXPORT_FAILED ? "export_failed" : "export_expired", NULL, "%s", e->detail);
    } else if (e->expires_us <= x->rq->now_us) {
        problem(x->rs, x->rq, 410, "export_expired", NULL, "Its time is over.");
    }
    return x->rs->status == 200;
}

static const char *type_of(const struct export *e)
{
    static const char *const TYPES[] = {[EXPORT_ZIP] = "application/zip", [EXPORT_TAR] = "application/x-tar"};
    if (e->ask.container != EXPORT_BARE)
        return TYPES[e->ask.container];
    return e->ask.kind == EXPORT_CSV ? "text/csv; charset=utf-8" : "application/x-ndjson";
}

static void send_export(struct exchange *x, const struct export *e)
{
    struct stored_file f = {.action = "export.read", .id = e->id, .type = type_of(e), .sha256 = e->sha256, .stream = HTTP_STREAM_EXPORT};
    char path[64], note[80], when[32];
    uint64_t size = 0;
    time_t seconds = (time_t)(e->created_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm);
    export_path(e, path);
    snprintf(note, sizeof note, "%s, %" PRIu64 " calls", EXPORT_KIND_NAMES[e->ask.kind], e->calls);
    f.note = note;
    snprintf(f.disposition, sizeof f.disposition, "attachment; filename=\"earshot-%s-%s.%s\"", EXPORT_KIND_NAMES[e->ask.kind], when, export_suffix(e));
    int fd = stored_file_open(x->api->config->data_dir, slice_str(path), &size);
    if (fd >= 0 && size == e->bytes) {
        stored_file_send(x, &f, fd, size);
        return;
    }
    if (fd >= 0)
        close(fd);
    problem(x->rs, x->rq, 410, "export_expired", NULL, "Its file is no longer there.");
}

void handle_export_download(struct exchange *x)
{
    struct exports *exports;
    struct export *e = export_asked_for(x, &exports);
    if (e == NULL)
        return;
    if (!within_limit(x, e))
        problem(x->rs, x->rq, 403, "limited_token", NULL, "It holds calls that %s may see no more: make it again.", x->who.name);
    else if (may_have(x, &e->ask) && is_ready(x, e))
        send_export(x, e);
    free(e);
}

/* ---- DELETE ---- */

void handle_delete_export(struct exchange *x)
{
    struct exports *exports;
    struct export *e = export_asked_for(x, &exports);
    if (e == NULL)
        return;
    if (exchange_audit(x, "export.delete", e->id, "ok", x->rq->access_reason)) {
        exports_remove(exports, e->id);
        x->rs->status = 204;
    }
    free(e);
}
