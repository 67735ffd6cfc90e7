/* /calls/{uid}/transcript: what was said, as an engine of somebody else heard it. To read it is to hear the call, so it takes the
 * scope `audio`, and each reading is audited; to bring one takes `control`, as other notes do, and shows nothing of the one before. */
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/note_json.h"
#include "api/transcript_text.h"

#define DEPTH_MAX 8 /* engines put lists of words into a segment */
#define ARENA_MAX (24u << 20)

static void answer(struct exchange *x, const struct call_name *call)
{
    struct record_notes notes;
    struct json j;
    struct arena *arena = arena_new(4096, ARENA_MAX);
    int err = arena ? store_notes(x->reader, call->uid, call->started_us, STORE_TRANSCRIPT, arena, &notes) : ERR_NOMEM;

    if (err == 0 && notes.transcript == NULL)
        problem(x->rs, x->rq, 404, "no_transcript", NULL, "This call has no transcript.");
    else if (err)
        exchange_store_problem(x, err, "call");
    else if (exchange_audit_read(x, "transcript.read", call->uid, NULL)) {
        json_init(&j, &x->rs->body);
        transcript_json(&j, call->uid, notes.transcript);
        exchange_json_done(x);
    }
    arena_free(arena);
}

void handle_transcript(struct exchange *x)
{
    struct call_name call;

    if (exchange_call_name(x, &call))
        answer(x, &call);
}

/* ---- changes ---- */

static bool refused(struct exchange *x, int why)
{
    if (why == ERR_EXISTS)
        problem(x->rs, x->rq, 409, "recording_deleted", NULL,
                "The recording of this call was deleted; what was said in it is not kept either.");
    else if (why == ERR_NOT_FOUND)
        problem(x->rs, x->rq, 404, "no_transcript", NULL, "This call has no transcript.");
    else if (why)
        exchange_store_problem(x, why, "call");
    return why != 0;
}

static int was_deleted(struct exchange *x, const char *uid)
{
    struct call_record *r = NULL;
    int err = store_call(x->reader, uid, &r);
    bool deleted = err == 0 && r->recording.deleted_us;

    record_free(r);
    if (err == ERR_NOT_FOUND)
        return 0; /* it goes on */
    return deleted ? ERR_EXISTS : err;
}

static int has_none(struct exchange *x, const struct store_note *note)
{
    struct record_notes notes;
    struct arena *arena = arena_new(4096, ARENA_MAX);
    int err = arena ? store_notes(x->reader, note->uid, note->started_us, STORE_TRANSCRIPT, arena, &notes) : ERR_NOMEM;

    if (err == 0 && notes.transcript == NULL)
        err = ERR_NOT_FOUND;
    arena_free(arena);
    return err;
}

/* What cannot be done does not come into the audit log as done; the store has the last word. False: the problem is set. */
static bool possible(struct exchange *x, const struct store_note *note)
{
    return !refused(x, note->what == STORE_TRANSCRIPT_PUT ? was_deleted(x, note->uid) : has_none(x, note));
}

/* Audited and done. False: the problem is set. */
static bool change(struct exchange *x, const char *action, const char *detail, struct store_note *note)
{
    const struct api_config *config = x->api->config;

    if (!possible(x, note))
        return false;
    if (!exchange_audit(x, action, note->uid, "ok", x->rq->access_reason ? x->rq->access_reason : detail))
        return false;
    int err = config->put_note(config->context, note);
    if (err)
        problem(x->rs, x->rq, 503, "database_busy", NULL, "The transcript could not be stored: %s.", err_text(err));
    return err == 0 && !refused(x, note->refused);
}

static bool take_param(struct exchange *x, const char *name, struct slice *ret_name)
{
    const char *value = http_query_value(&x->rq->query, name);

    if (value && !note_name_valid(slice_str(value))) {
        problem(x->rs, x->rq, 400, "invalid_value", name, "`%s` is a name of at most 64 bytes.", name);
        return false;
    }
    if (value && value[0])
        *ret_name = slice_str(value);
    return true;
}

static bool read_body(struct exchange *x, struct transcript_reading *r, struct json_value **ret_root)
{
    struct slice body = x->rq->body;

    if (http_content_is(x->rq, "text/vtt"))
        return transcript_read_vtt(r, body);
    if (http_content_is(x->rq, "text/plain"))
        return transcript_read_plain(r, body);
    *ret_root = json_read(body, HTTP_TRANSCRIPT_MAX, DEPTH_MAX);
    return transcript_read_json(r, *ret_root);
}

/* False: the problem is set. */
static bool read_transcript(struct exchange *x, struct transcript_reading *r, struct json_value **ret_root)
{
    struct record_transcript *t = &r->transcript;

    if (!read_body(x, r, ret_root)) {
        problem(x->rs, x->rq, 400, r->field ? "invalid_value" : "invalid_body", r->field, "%s", r->wrong);
        return false;
    }
    t->author = slice_str(x->who.name);
    t->created_us = t->updated_us = x->rq->now_us;
    return take_param(x, "language", &t->language) && take_param(x, "engine", &t->engine);
}

static void stored_json(struct exchange *x, const char *uid, const struct record_transcript *t)
{
    struct json j;

    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "call_uid", uid);
    json_kv_int(&j, "segments", t->segment_count);
    json_end(&j);
    exchange_json_done(x);
}

void handle_put_transcript(struct exchange *x)
{
    struct transcript_reading r = {.arena = arena_new(4096, ARENA_MAX)};
    struct json_value *root = NULL;
    struct call_name call;
    struct store_note note = {.what = STORE_TRANSCRIPT_PUT, .uid = call.uid, .transcript = &r.transcript};
    char detail[40];

    if (r.arena == NULL)
        problem(x->rs, x->rq, 503, "database_busy", NULL, "There is no memory for it.");
    else if (exchange_call_name(x, &call) && read_transcript(x, &r, &root)) {
        note.started_us = call.started_us;
        snprintf(detail, sizeof detail, "%u segments", r.transcript.segment_count);
        if (change(x, "transcript.write", detail, &note))
            stored_json(x, call.uid, &r.transcript);
    }
    json_read_free(root);
    arena_free(r.arena);
}

void handle_delete_transcript(struct exchange *x)
{
    struct call_name call;
    struct store_note note = {.what = STORE_TRANSCRIPT_DROP, .uid = call.uid};

    if (!exchange_call_name(x, &call))
        return;
    note.started_us = call.started_us;
    if (change(x, "transcript.delete", NULL, &note))
        x->rs->status = 204;
}
