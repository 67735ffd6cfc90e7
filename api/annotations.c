/* /calls/{uid}/annotations: what people and programs say about a call, or about a moment of it; while it goes on, or later. The
 * audit log has that it was done, not what was said. */
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/note_json.h"
#include "base/json_read.h"

#define DEPTH_MAX 2 /* a nested value is refused by name, not as syntax */
#define ARENA_MAX (4u << 20)

/* ---- reading ---- */

static void list_json(struct exchange *x, const struct call_name *call, const struct record_notes *notes)
{
    struct json j;

    json_init(&j, &x->rs->body);
    annotations_json(&j, call->uid, notes);
    exchange_json_done(x);
}

static void one_json(struct exchange *x, uint32_t n, const struct record_notes *notes)
{
    struct json j;

    json_init(&j, &x->rs->body);
    for (uint32_t i = 0; i < notes->annotation_count; i++)
        if (notes->annotations[i].n == n) {
            annotation_json(&j, &notes->annotations[i]);
            exchange_json_done(x);
            return;
        }
    exchange_store_problem(x, ERR_NOT_FOUND, "annotation"); /* somebody took it away again */
}

/* All of them, or with a number that one, as the store has it. */
static void answer(struct exchange *x, const struct call_name *call, uint32_t n)
{
    struct record_notes notes;
    struct arena *arena = arena_new(4096, ARENA_MAX);
    int err = arena ? store_notes(x->reader, call->uid, call->started_us, STORE_ANNOTATIONS, arena, &notes) : ERR_NOMEM;

    if (err)
        exchange_store_problem(x, err, "call");
    else if (n)
        one_json(x, n, &notes);
    else
        list_json(x, call, &notes);
    arena_free(arena);
}

void handle_annotations(struct exchange *x)
{
    struct call_name call;

    if (exchange_call_name(x, &call))
        answer(x, &call, 0);
}

/* ---- the body ---- */

struct reading {
    struct exchange *x;
    struct record_annotation annotation;
    bool long_; /* length_ms is given */
};

static bool refuse(struct reading *r, const char *field, const char *what)
{
    problem(r->x->rs, r->x->rq, 400, "invalid_value", field, "%s", what);
    return false;
}

static bool take_ms(struct reading *r, const struct json_value *value, int64_t min, const char *field, const char *what, int64_t *ret_ms)
{
    int64_t ms;

    if (!json_value_is_whole(value) || !json_value_int(value, &ms) || ms < min || ms > NOTE_TIME_MAX_MS)
        return refuse(r, field, what);
    *ret_ms = ms;
    return true;
}

static bool take_member(void *context, struct slice key, const struct json_value *value)
{
    struct reading *r = context;
    struct record_annotation *a = &r->annotation;

    if (slice_is(key, "text"))
        return (json_value_text(value, &a->text) && note_text_valid(a->text, NOTE_TEXT_MAX)) ||
               refuse(r, "text", "`text` is 1 to 4096 bytes of text; of control characters only tabs and line feeds.");
    if (!slice_is(key, "at_ms") && !slice_is(key, "length_ms"))
        return refuse(r, NULL, "The members are `text`, `at_ms` and `length_ms`.");
    if (json_value_is_null(value))
        return true;
    if (slice_is(key, "at_ms")) {
        a->timed = true;
        return take_ms(r, value, -NOTE_TIME_MAX_MS, "at_ms", "`at_ms` is a whole number of milliseconds since the answer, of a call without one since its INVITE.", &a->at_ms);
    }
    r->long_ = true;
    return take_ms(r, value, 0, "length_ms", "`length_ms` is a whole number of milliseconds.", &a->length_ms);
}

static bool check(struct reading *r)
{
    if (r->annotation.text.size == 0)
        return refuse(r, "text", "`text` is missing.");
    if (r->long_ && !r->annotation.timed)
        return refuse(r, "length_ms", "`length_ms` needs `at_ms`.");
    return true;
}

/* False: the problem is set. The text borrows from the tree. */
static bool read_body(struct reading *r, struct json_value **ret_root)
{
    struct json_value *root = exchange_object(r->x, DEPTH_MAX);

    *ret_root = root;
    return root && json_value_members(root, take_member, r) && check(r);
}

/* ---- changes ---- */

static bool refused(struct exchange *x, int why)
{
    if (why == ERR_FULL)
        problem(x->rs, x->rq, 409, "too_many_annotations", NULL, "A call has at most %d annotations.", NOTE_ANNOTATIONS_MAX);
    else if (why)
        exchange_store_problem(x, why, "annotation");
    return why != 0;
}

/* What cannot be done does not come into the audit log as done; the store has the last word. False: the problem is set. */
static bool possible(struct exchange *x, const struct store_note *note)
{
    struct record_notes notes;
    struct arena *arena = arena_new(4096, ARENA_MAX);
    int err = arena ? store_notes(x->reader, note->uid, note->started_us, STORE_ANNOTATIONS, arena, &notes) : ERR_NOMEM;
    bool there = false;

    for (uint32_t i = 0; err == 0 && i < notes.annotation_count; i++)
        there |= notes.annotations[i].n == note->n;
    if (err == 0 && note->what == STORE_ANNOTATION_ADD)
        err = notes.annotation_count >= NOTE_ANNOTATIONS_MAX ? ERR_FULL : 0;
    else if (err == 0 && !there)
        err = ERR_NOT_FOUND;
    arena_free(arena);
    return !refused(x, err);
}

/* Audited and done. False: the problem is set. */
static bool change(struct exchange *x, const char *action, struct store_note *note)
{
    const struct api_config *config = x->api->config;

    if (!possible(x, note))
        return false;
    if (!exchange_audit(x, action, note->uid, "ok", x->rq->access_reason))
        return false;
    int err = config->put_note(config->context, note);
    if (err)
        problem(x->rs, x->rq, 503, "database_busy", NULL, "The annotation could not be stored: %s.", err_text(err));
    return err == 0 && !refused(x, note->refused);
}

static uint32_t number_of_path(struct exchange *x)
{
    uint64_t n;

    return slice_to_u64(slice_str(x->rq->path_value[1]), UINT32_MAX, &n) ? (uint32_t)n : 0;
}

static void write(struct exchange *x, enum store_note_change what, uint32_t n)
{
    struct reading r = {.x = x};
    struct json_value *root = NULL;
    struct call_name call;
    struct store_note note = {.what = what, .uid = call.uid, .n = n, .annotation = &r.annotation};

    if (exchange_call_name(x, &call) && read_body(&r, &root)) {
        r.annotation.author = slice_str(x->who.name);
        r.annotation.created_us = r.annotation.updated_us = x->rq->now_us;
        note.started_us = call.started_us;
        if (change(x, "annotation.write", &note))
            answer(x, &call, note.n);
    }
    json_read_free(root);
}

void handle_add_annotation(struct exchange *x)
{
    write(x, STORE_ANNOTATION_ADD, 0);
    if (x->rs->status == 200)
        x->rs->status = 201;
}

void handle_put_annotation(struct exchange *x)
{
    uint32_t n = number_of_path(x);

    if (n)
        write(x, STORE_ANNOTATION_PUT, n);
    else
        exchange_store_problem(x, ERR_NOT_FOUND, "annotation");
}

void handle_delete_annotation(struct exchange *x)
{
    struct call_name call;
    struct store_note note = {.what = STORE_ANNOTATION_DROP, .uid = call.uid, .n = number_of_path(x)};

    if (!exchange_call_name(x, &call))
        return;
    note.started_us = call.started_us;
    if (note.n == 0)
        exchange_store_problem(x, ERR_NOT_FOUND, "annotation");
    else if (change(x, "annotation.delete", &note))
        x->rs->status = 204;
}
