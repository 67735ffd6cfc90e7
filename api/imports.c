/* Captures that are brought: POST /imports/pcap, and what became of them. */
#include "api/imports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json_fields.h"
#include "base/counters.h"

static const char *const STATES[] = {"queued", "running", "done", "failed"};

/* ---- as JSON ---- */

static void dropped_json(struct json *j, const struct api_import *i)
{
    json_key(j, "dropped");
    json_object(j);
    json_kv_int(j, "capture_packets", (int64_t)i->missed_packets);
    json_kv_int(j, "media_packets", (int64_t)i->unkept_packets);
    json_kv_int(j, "calls_over_limit", (int64_t)i->evicted_calls);
    json_kv_int(j, "calls_of_other_days", (int64_t)i->skipped_calls);
    json_end(j);
}

static void times_json(struct json *j, const struct api_import *i)
{
    json_kv_time(j, "received_at", i->received_us);
    json_kv_time(j, "started_at", i->started_us);
    json_kv_time(j, "ended_at", i->ended_us);
    json_kv_time(j, "first_call_at", i->first_us);
    json_kv_time(j, "last_call_at", i->last_us);
}

static void import_json(struct json *j, const struct api_import *i)
{
    char calls[80];

    snprintf(calls, sizeof calls, "/api/v1/calls?import=%s", i->id);
    json_object(j);
    json_kv_str(j, "id", i->id);
    json_kv_str(j, "state", STATES[i->state]);
    json_kv_str(j, "name", i->name);
    json_kv_str(j, "actor", i->actor);
    json_kv_int(j, "size_bytes", (int64_t)i->bytes);
    json_kv_str(j, "sha256", i->sha256);
    times_json(j, i);
    json_kv_int(j, "attempts", i->attempts);
    json_kv_double(j, "progress", i->progress, 3);
    json_kv_int(j, "packets", (int64_t)i->packets);
    json_kv_int(j, "calls", (int64_t)i->calls);
    json_kv_int(j, "others", (int64_t)i->others);
    dropped_json(j, i);
    json_kv_bool(j, "partial", i->partial);
    json_kv_str(j, "error", i->error[0] ? i->error : NULL);
    json_key(j, "links");
    json_object(j);
    json_kv_str(j, "calls", calls);
    json_end(j);
    json_end(j);
}

static void answer(struct exchange *x, const struct api_import *i)
{
    struct json j;

    json_init(&j, &x->rs->body);
    import_json(&j, i);
    exchange_json_done(x);
}

static const struct api_import_source *source_of(struct exchange *x)
{
    return &x->api->config->imports;
}

/* ---- what is refused ---- */

static const struct refusal {
    unsigned status, wait_s;
    const char *code;
} REFUSALS[] = {
    [API_IMPORT_OFF] = {403, 0, "imports_off"},          [API_IMPORT_TOO_MANY] = {429, 30, "too_many_imports"},
    [API_IMPORT_NO_ROOM] = {507, 0, "no_room"},          [API_IMPORT_TOO_LARGE] = {413, 0, "capture_too_large"},
    [API_IMPORT_NO_CAPTURE] = {415, 0, "not_a_capture"}, [API_IMPORT_KNOWN] = {409, 0, "already_imported"},
    [API_IMPORT_TROUBLE] = {503, 0, "import_failed"},
};

static void refuse(struct exchange *x, enum api_import_answer a, const struct why *why)
{
    const struct refusal *r = &REFUSALS[a];

    problem(x->rs, x->rq, r->status, r->code, NULL, "%s", why->text);
    if (r->wait_s)
        http_header(x->rs, "Retry-After", "%u", r->wait_s);
}

/* None that a form of another site can send without being asked for. */
static bool type_is_of_a_file(const char *type)
{
    static const char *const TYPES[] = {"application/octet-stream", "application/vnd.tcpdump.pcap", "application/x-pcapng",
                                        "application/pcapng",       "application/x-pcap",           "application/pcap",
                                        "application/cap",          "application/gzip",             "application/x-gzip",
                                        "application/zstd"};
    struct slice rest = slice_str(type ? type : "");
    struct slice name = slice_trim(slice_cut(&rest, ';'));

    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (slice_is_nocase(name, TYPES[i]))
            return true;
    return false;
}

/* ---- the file comes ---- */

static bool take_piece(struct exchange *x, void *context, struct slice piece)
{
    struct why why = {0};
    enum api_import_answer a = source_of(x)->write(context, piece, &why);

    if (a != API_IMPORT_TAKEN)
        refuse(x, a, &why);
    return a == API_IMPORT_TAKEN;
}

/* What cannot be audited is not read. */
static bool audit_new(struct exchange *x, const struct api_import *i)
{
    char detail[320];

    snprintf(detail, sizeof detail, "%s, %llu bytes, sha256 %s", i->name, (unsigned long long)i->bytes, i->sha256);
    if (exchange_audit(x, "import.create", i->id, "ok", detail))
        return true;
    (void)source_of(x)->remove(source_of(x)->context, i->id);
    return false;
}

static void end_upload(struct exchange *x, void *context)
{
    struct api_import i;
    struct why why = {0};
    enum api_import_answer a = source_of(x)->finish(context, &i, &why);

    if (a == API_IMPORT_KNOWN || a == API_IMPORT_TAKEN) {
        if (a == API_IMPORT_KNOWN)
            refuse(x, a, &why);
        else if (!audit_new(x, &i))
            return;
        http_header(x->rs, "Location", "/api/v1/imports/%s", i.id);
        if (a == API_IMPORT_TAKEN) {
            x->rs->status = 202;
            answer(x, &i);
        }
        return;
    }
    refuse(x, a, &why);
}

/* "/" and what else is no part of a name of a file. */
static bool name_is_good(const char *name)
{
    size_t n = strlen(name);

    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '/' || *c == '\\')
            return false;
    return n > 0 && n < IMPORT_NAME_SIZE;
}

void handle_import_pcap(struct exchange *x)
{
    const struct api_import_source *s = source_of(x);
    const char *name = http_query_value(&x->rq->query, "name");
    struct api_import_begin ask = {.name = name ? name : "capture", .actor = x->who.name, .announced_bytes = x->rq->announced_bytes};
    struct import_upload *u = NULL;
    struct why why = {0};

    if (name && !name_is_good(name)) {
        problem(x->rs, x->rq, 400, "invalid_value", "name", "`name` is the name of a file, without folders, of at most %d bytes.", IMPORT_NAME_SIZE - 1);
        return;
    }
    if (!type_is_of_a_file(x->rq->content_type)) {
        problem(x->rs, x->rq, 415, "content_type", "Content-Type",
                "This takes a capture file: send Content-Type: application/octet-stream, application/vnd.tcpdump.pcap or application/gzip.");
        return;
    }
    why_set(&why, "This service takes no captures ([limits] import_size, imports).");
    enum api_import_answer a = s->begin && s->max_bytes ? s->begin(s->context, &ask, &u, &why) : API_IMPORT_OFF;
    if (a != API_IMPORT_TAKEN)
        refuse(x, a, &why);
    else
        x->rs->upload = (struct http_upload){.context = u, .max_bytes = s->max_bytes, .write = take_piece, .end = end_upload,
                                             .drop = s->drop};
}

/* ---- what became of them ---- */

static void list_one(void *context, const struct api_import *i)
{
    import_json(context, i);
}

void handle_imports(struct exchange *x)
{
    const struct api_import_source *s = source_of(x);
    struct json j;

    exchange_list(x, &j);
    if (s->list)
        s->list(s->context, list_one, &j);
    json_end(&j);
    json_kv_int(&j, "max_bytes", s->begin ? (int64_t)s->max_bytes : 0);
    json_end(&j);
    exchange_json_done(x);
}

static void not_there(struct exchange *x)
{
    problem(x->rs, x->rq, 404, "not_found", NULL, "There is no such import.");
}

void handle_import(struct exchange *x)
{
    const struct api_import_source *s = source_of(x);
    struct api_import i;

    if (s->get == NULL || s->get(s->context, x->rq->path_value[0], &i) != 0)
        not_there(x);
    else
        answer(x, &i);
}

void handle_delete_import(struct exchange *x)
{
    const struct api_import_source *s = source_of(x);
    struct api_import i;

    if (s->get == NULL || s->get(s->context, x->rq->path_value[0], &i) != 0) {
        not_there(x);
        return;
    }
    if (!exchange_audit(x, "import.delete", i.id, "ok", i.name))
        return;
    int err = s->remove(s->context, i.id);
    if (err == ERR_NOT_FOUND)
        not_there(x);
    else if (err)
        problem(x->rs, x->rq, 503, "import_failed", NULL, "It could not be deleted: %s.", err_text(err));
    else
        x->rs->status = 204;
}
