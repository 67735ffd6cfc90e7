/* The files of recordings: as they lie on the disk (stored_file.h), or in another form. */
#include <stdio.h>
#include <string.h>

#include "api/limit.h"
#include "api/record_files_json.h"
#include "api/recording_convert.h"
#include "api/stored_file.h"

/* A file to be sent. */
struct served {
    const char *id;
    struct slice format;
    struct slice path;
    const uint8_t *sha256;
};

static void send_audio(struct exchange *x, const struct served *g)
{
    struct stored_file f = {
        .action = "audio.read", .id = g->id, .type = sound_type(g->format), .sha256 = g->sha256, .stream = HTTP_STREAM_AUDIO};
    uint64_t size;
    int fd = stored_file_open(x->api->config->data_dir, g->path, &size);
    snprintf(f.disposition, sizeof f.disposition, "inline; filename=\"recording-%s.%.*s\"", g->id, SLICE_ARGS(g->format));
    if (fd < 0)
        problem(x->rs, x->rq, 410, "recording_gone", NULL, "The file of this recording is no longer there.");
    else
        stored_file_send(x, &f, fd, size);
}

static void send_sound(struct exchange *x, const struct recording *f, const struct sound_ask *ask)
{
    const struct record_recording *g = &f->r->recording;
    const struct record_file *file = f->file;
    struct served served = {g->id, g->format, g->path, g->sha256};

    if (file)
        served = (struct served){x->rq->path_value[0], slice_str(record_file_format(file)), file->path, file->sha256};
    if (sound_ask_is_stored(ask, g, recording_file(f)))
        send_audio(x, &served);
    else
        send_converted(x, f, ask);
}

void handle_audio(struct exchange *x)
{
    struct recording f;
    struct sound_ask ask;

    if (!sound_ask_parse(x, &ask) || !recording_of_path(x, &f))
        return;
    if (recording_has_file(x, &f))
        send_sound(x, &f, &ask);
    record_free(f.r);
}

/* ---- beside the sound ---- */

/* The call of a file whose id begins with its uid. */
static int call_of_file(struct exchange *x, const char *id, struct call_record **ret_record)
{
    char uid[RECORDING_UID + 1];
    snprintf(uid, sizeof uid, "%s", id);
    int err = store_call(x->reader, uid, ret_record);
    return err == 0 && !limit_allows_record(&x->who.limit, *ret_record) ? ERR_NOT_FOUND : err;
}

void handle_fax(struct exchange *x)
{
    const char *id = x->rq->path_value[0];
    char own[RECORD_FILE_ID_SIZE] = "";
    struct call_record *r = NULL;
    int err = call_of_file(x, id, &r);
    if (err == 0)
        record_fax_id(r, own, sizeof own);
    const struct record_fax *fax = err == 0 && strcmp(own, id) == 0 ? &r->recording.fax : NULL;
    if (fax == NULL || fax->path.size == 0) {
        exchange_store_problem(x, err ? err : ERR_NOT_FOUND, "recording");
    } else {
        struct served served = {id, slice_str("tiff"), fax->path, fax->sha256};
        send_audio(x, &served);
    }
    record_free(r);
}

void handle_video(struct exchange *x)
{
    const char *id = x->rq->path_value[0];
    struct call_record *r = NULL;
    int err = call_of_file(x, id, &r);
    const struct record_film *film = err ? NULL : record_film_find(r, id);
    if (film == NULL) {
        exchange_store_problem(x, err ? err : ERR_NOT_FOUND, "recording");
    } else {
        struct served served = {id, slice_str("mkv"), film->path, film->sha256};
        send_audio(x, &served);
    }
    record_free(r);
}
