/* From an id to what it names, as far as the asker may hear it. */
#include "api/recording.h"

#include <stdio.h>
#include <string.h>

#include "api/limit.h"
#include "base/clock.h"

static bool may_see_uid(struct exchange *x, const char *uid)
{
    struct call_record *r = NULL;
    if (!limit_is_set(&x->who.limit))
        return true;
    bool may = store_call(x->reader, uid, &r) == 0 && exchange_may_see(x, &r);
    record_free(r);
    return may;
}

/* A track is of one call; in the sum is everybody. */
bool recording_may_hear(struct exchange *x, const struct record_files *tracks,
                        const struct record_file *f)
{
    if (f->uid[0])
        return may_see_uid(x, f->uid);
    for (uint32_t i = 0; i < tracks->count; i++)
        if (tracks->items[i].uid[0] && !may_see_uid(x, tracks->items[i].uid))
            return false;
    return true;
}

bool recording_is_track(const struct record_file *f)
{
    return strcmp(f->kind, "track") == 0 || strcmp(f->kind, "mix") == 0;
}

const struct record_file *recording_file(const struct recording *f)
{
    const struct record_files *parts = &f->r->recording.files;

    return f->file ? f->file : parts->count ? &parts->items[0] : NULL;
}

/* Ids of files are those of calls and recordings with something behind it: record_files.h. */
int recording_find(struct exchange *x, const char *id, struct recording *ret)
{
    char base[RECORDING_UID + 1];
    bool part = strlen(id) > RECORDING_UID && (strncmp(id + RECORDING_UID, "-p", 2) == 0 ||
                                               strncmp(id + RECORDING_UID, "-c", 2) == 0);
    struct call_record *r = NULL;
    int err;

    snprintf(base, sizeof base, "%s", id);
    if (part || strlen(id) <= RECORDING_UID)
        err = store_recording(x->reader, base, &r);
    else
        err = store_call(x->reader, base, &r);
    if (err)
        return err;
    *ret = (struct recording){.r = r};
    if (strlen(id) > RECORDING_UID)
        ret->file = record_file_find(r, id);
    bool track = ret->file && recording_is_track(ret->file);
    if (strlen(id) > RECORDING_UID && ret->file == NULL)
        err = ERR_NOT_FOUND;
    else if (track ? !recording_may_hear(x, &r->tracks, ret->file)
                   : !limit_allows_record(&x->who.limit, r))
        err = ERR_NOT_FOUND;
    if (err)
        record_free(r);
    return err;
}

bool recording_of_path(struct exchange *x, struct recording *ret)
{
    int err = recording_find(x, x->rq->path_value[0], ret);

    if (err)
        exchange_store_problem(x, err, "recording");
    return err == 0;
}

/* ---- is there a file? ---- */

static void gone(struct exchange *x, const struct record_recording *g)
{
    static const struct {
        const char *why, *text;
    } WHY[] = {{"age", "its time was over"},
               {"quota", "recordings had taken all the room they may take"},
               {"low_disk", "the disk was nearly full"},
               {"request", "somebody asked for that"}};
    char when[CLOCK_TEXT_SIZE];

    for (size_t i = 0; g->deleted_why && i < sizeof WHY / sizeof WHY[0]; i++)
        if (strcmp(g->deleted_why, WHY[i].why) == 0) {
            problem(x->rs, x->rq, 410, "recording_deleted", NULL,
                    "The recording was deleted at %s: %s.", clock_rfc3339_us(g->deleted_us, when),
                    WHY[i].text);
            return;
        }
    problem(x->rs, x->rq, 410, "recording_gone", NULL, "The recording is %s.", g->state);
}

bool recording_is_ready(struct exchange *x, const struct record_recording *g)
{
    const char *state = g->state ? g->state : "";

    if (strcmp(state, "ready") == 0 || strcmp(state, "damaged") == 0)
        return true;
    if (strcmp(state, "spooling") == 0 || strcmp(state, "rendering") == 0) {
        problem(x->rs, x->rq, 409, "recording_not_ready", NULL,
                "The recording is not rendered yet (state %s).", state);
        http_header(x->rs, "Retry-After", "2");
    } else if (state[0] == '\0') {
        problem(x->rs, x->rq, 404, "no_recording", NULL, "Nothing was recorded (%s).",
                g->result ? g->result : "unknown");
    } else {
        gone(x, g);
    }
    return false;
}

static bool track_is_there(struct exchange *x, const struct record_file *track)
{
    if (strcmp(track->result, "deleted") == 0)
        problem(x->rs, x->rq, 410, "recording_deleted", NULL, "The recording was deleted.");
    else if (track->path.size == 0)
        problem(x->rs, x->rq, 404, "no_recording", NULL, "Nothing was recorded (%s).", track->result);
    return x->rs->status == 200;
}

bool recording_has_file(struct exchange *x, const struct recording *f)
{
    if (f->file && recording_is_track(f->file))
        return track_is_there(x, f->file);
    const struct record_recording *g = &f->r->recording;
    if (!recording_is_ready(x, g))
        return false;
    if (slice_is(g->format, "tiff"))
        problem(x->rs, x->rq, 404, "no_recording", NULL, "Nothing was to be heard: the call was a fax.");
    else if (g->path.size == 0 && g->files.count == 0)
        problem(x->rs, x->rq, 404, "no_recording", NULL, "There are films alone: of the sound, %s.", g->result ? g->result : "nothing");
    return x->rs->status == 200;
}
