/* Recordings: what is known of one, of those of a call; deleting one. */
#include <stdio.h>
#include <string.h>

#include "api/limit.h"
#include "api/record_files_json.h"
#include "api/record_json.h"
#include "api/recording.h"

static void recording_json(struct exchange *x, const struct recording *f)
{
    struct json j;

    json_init(&j, &x->rs->body);
    if (f->file)
        record_file_json(&j, f->r, f->file, true);
    else
        record_json_recording(&j, f->r, true, true);
    exchange_json_done(x);
    exchange_etag(x);
}

void handle_call_recording(struct exchange *x)
{
    struct recording f = {.r = exchange_call(x)};

    if (f.r == NULL)
        return;
    if (f.r->recording.result == NULL && f.r->recording.state == NULL)
        problem(x->rs, x->rq, 404, "no_recording", NULL, "This call has no recording.");
    else
        recording_json(x, &f);
    record_free(f.r);
}

void handle_recording(struct exchange *x)
{
    struct recording f;

    if (!recording_of_path(x, &f))
        return;
    recording_json(x, &f);
    record_free(f.r);
}

/* ---- all files of a call ---- */

struct files_list {
    struct exchange *x;
    struct json *j;
};

static void list_tracks(void *context, const struct call_record *r)
{
    struct files_list *l = context;
    for (uint32_t i = 0; i < r->tracks.count; i++)
        if (recording_may_hear(l->x, &r->tracks, &r->tracks.items[i]))
            record_file_json(l->j, r, &r->tracks.items[i], true);
}

void handle_call_recordings(struct exchange *x)
{
    struct json j;
    struct files_list l = {.x = x, .j = &j};
    struct call_record *r = exchange_call(x);

    if (r == NULL)
        return;
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "call_uid", r->uid);
    json_key(&j, "data");
    json_array(&j);
    for (uint32_t i = 0; i < r->recording.files.count; i++)
        record_file_json(&j, r, &r->recording.files.items[i], true);
    int err = 0;
    if (record_files_have(&r->tracks, r->uid))
        list_tracks(&l, r);
    else
        err = store_tracks(x->reader, r, list_tracks, &l);
    json_end(&j);
    json_end(&j);
    record_free(r);
    if (err) {
        exchange_store_problem(x, err, "recording");
        return;
    }
    exchange_json_done(x);
    exchange_etag(x);
}

/* ---- DELETE ---- */

static void deleted_json(struct exchange *x, const char *id, const char *uid, uint32_t files, uint64_t bytes)
{
    struct json j;

    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "id", id);
    json_kv_str(&j, "call_uid", uid);
    json_kv_int(&j, "files", files);
    json_kv_int(&j, "bytes", (int64_t)bytes);
    json_end(&j);
    exchange_json_done(x);
}

static bool has_tracks(const struct call_record *r)
{
    for (uint32_t i = 0; i < r->tracks.count; i++)
        if (r->tracks.items[i].path.size && strcmp(r->tracks.items[i].result, "deleted") != 0)
            return true;
    return false;
}

/* With its parts, the tracks of the conference that ended with it, and what lies beside them. */
static void delete_found(struct exchange *x, const struct call_record *r)
{
    const struct api_retention_source *from = &x->api->config->retention;
    const char *id = r->recording.id[0] ? r->recording.id : r->uid;
    uint32_t files = 0;
    uint64_t bytes = 0;

    if (!exchange_audit(x, "recording.delete", id, "ok", x->rq->access_reason))
        return;
    int err = from->delete_recording ? from->delete_recording(from->context, r->uid, x->who.name, &files, &bytes) : ERR_UNSUPPORTED;
    if (err) {
        problem(x->rs, x->rq, 503, "not_deleted", NULL,
                "The recording could not be deleted: %s; try again.", err_text(err));
        return;
    }
    unsigned cell = label_find(LABELS_STORED, slice_str("audio")) * LABEL_COUNT_DELETED +
                    label_find(LABELS_DELETED, slice_str("request"));
    counters_add(x->counters, C_RETENTION_DELETED + cell, 1);
    counters_add(x->counters, C_RETENTION_BYTES + cell, bytes);
    deleted_json(x, id, r->uid, files, bytes);
}

/* With it go the tracks of all who took part: whoever may not see one of them deletes none. False: the problem is set. */
static bool may_delete(struct exchange *x, const struct call_record *r)
{
    bool may = limit_allows_record(&x->who.limit, r);
    for (uint32_t i = 0; i < r->tracks.count && may; i++)
        may = recording_may_hear(x, &r->tracks, &r->tracks.items[i]);
    if (!may)
        problem(x->rs, x->rq, 403, "others_sound", NULL,
                "With this recording the sound of calls would go that are beyond the limit of %s.", x->who.name);
    return may;
}

void handle_delete_recording(struct exchange *x)
{
    struct recording f;

    if (!recording_of_path(x, &f))
        return;
    if (f.file && strcmp(f.file->kind, "part") == 0)
        problem(x->rs, x->rq, 409, "part_of_a_recording", NULL,
                "A recording is deleted with all its parts: DELETE /recordings/%s.",
                f.r->recording.id);
    else if (may_delete(x, f.r) && (has_tracks(f.r) || recording_is_ready(x, &f.r->recording)))
        delete_found(x, f.r);
    record_free(f.r);
}
