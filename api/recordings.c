/* Recordings: what is known of one, and its files. A file goes out as it lies on the disk, whole
 * or one byte range of it; every reading is in the audit log before its first byte. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/limit.h"
#include "api/record_files_json.h"
#include "api/record_json.h"
#include "base/clock.h"
#include "base/crypto.h"

/* What an id names: the recording of a call (`file` NULL), one of its parts, or a track or the sum
 * of a conference. */
struct found {
    struct call_record *r;
    const struct record_file *file;
};

static void recording_json(struct exchange *x, const struct found *f)
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
    struct found f = {.r = exchange_call(x)};

    if (f.r == NULL)
        return;
    if (f.r->recording.result == NULL && f.r->recording.state == NULL)
        problem(x->rs, x->rq, 404, "no_recording", NULL, "This call has no recording.");
    else
        recording_json(x, &f);
    record_free(f.r);
}

/* ---- who may hear what ---- */

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
static bool may_hear(struct exchange *x, const struct record_files *tracks,
                     const struct record_file *f)
{
    if (f->uid[0])
        return may_see_uid(x, f->uid);
    for (uint32_t i = 0; i < tracks->count; i++)
        if (tracks->items[i].uid[0] && !may_see_uid(x, tracks->items[i].uid))
            return false;
    return true;
}

#define UID_SIZE 36

static bool is_track(const struct record_file *f)
{
    return strcmp(f->kind, "track") == 0 || strcmp(f->kind, "mix") == 0;
}

/* Ids of files are those of calls and recordings with something behind it: record_files.h. */
static int find(struct exchange *x, const char *id, struct found *ret)
{
    char base[UID_SIZE + 1];
    bool part = strlen(id) > UID_SIZE && (strncmp(id + UID_SIZE, "-p", 2) == 0 || strncmp(id + UID_SIZE, "-c", 2) == 0);
    struct call_record *r = NULL;
    int err;

    snprintf(base, sizeof base, "%s", id);
    if (part || strlen(id) <= UID_SIZE)
        err = store_recording(x->reader, base, &r);
    else
        err = store_call(x->reader, base, &r);
    if (err)
        return err;
    *ret = (struct found){.r = r};
    if (strlen(id) > UID_SIZE)
        ret->file = record_file_find(r, id);
    bool track = ret->file && is_track(ret->file);
    if (strlen(id) > UID_SIZE && ret->file == NULL)
        err = ERR_NOT_FOUND;
    else if (track ? !may_hear(x, &r->tracks, ret->file) : !limit_allows_record(&x->who.limit, r))
        err = ERR_NOT_FOUND;
    if (err)
        record_free(r);
    return err;
}

static bool find_recording(struct exchange *x, struct found *ret)
{
    int err = find(x, x->rq->path_value[0], ret);

    if (err)
        exchange_store_problem(x, err, "recording");
    return err == 0;
}

void handle_recording(struct exchange *x)
{
    struct found f;

    if (!find_recording(x, &f))
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
        if (may_hear(l->x, &r->tracks, &r->tracks.items[i]))
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

/* ---- the audio ---- */

/* The path comes from our own database, but a database is a file too: it never leads out of the
 * data directory. */
static bool path_is_inside(struct slice path)
{
    struct slice rest = path;

    if (path.size == 0 || path.data[0] == '/' || memchr(path.data, '\0', path.size))
        return false;
    while (rest.size > 0)
        if (slice_is(slice_cut(&rest, '/'), ".."))
            return false;
    return true;
}

/* An open descriptor of a regular file, or -1. */
static int open_recording(const char *data_dir, struct slice path, uint64_t *ret_size)
{
    char name[4096];
    struct stat st;

    if (!path_is_inside(path))
        return -1;
    int n = snprintf(name, sizeof name, "%s/%.*s", data_dir, SLICE_ARGS(path));
    if (n < 0 || (size_t)n >= sizeof name)
        return -1;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return -1;
    }
    *ret_size = (uint64_t)st.st_size;
    return fd;
}

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

/* False with the problem set when there is no file to give. */
static bool recording_is_ready(struct exchange *x, const struct record_recording *g)
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

static const char *audio_type(struct slice format)
{
    static const struct {
        const char *format, *type;
    } TYPES[] = {
        {"wav", "audio/wav"}, {"ogg", "audio/ogg"}, {"mp3", "audio/mpeg"}, {"flac", "audio/flac"}, {"mkv", "video/x-matroska"}};

    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++)
        if (slice_is(format, TYPES[i].format))
            return TYPES[i].type;
    return "application/octet-stream";
}

/* If-Range holds only for exactly our tag; a date never matches, we send none. */
static enum http_range wanted_range(const struct http_request *rq, const char *etag, uint64_t size,
                                    uint64_t *ret_first, uint64_t *ret_count)
{
    *ret_first = 0;
    *ret_count = size;
    if (rq->head || (rq->if_range && strcmp(rq->if_range, etag) != 0))
        return HTTP_RANGE_WHOLE;
    return http_range_parse(rq->range, size, ret_first, ret_count);
}

/* A file to be sent. */
struct served {
    const char *id;
    struct slice format;
    struct slice path;
    const uint8_t *sha256;
};

static void audio_headers(struct exchange *x, const struct served *g, const char *etag)
{
    x->rs->content_type = audio_type(g->format);
    x->rs->stream = HTTP_STREAM_AUDIO;
    http_header(x->rs, "Accept-Ranges", "bytes");
    http_header(x->rs, "ETag", "%s", etag);
    http_header(x->rs, "Content-Disposition", "inline; filename=\"recording-%s.%.*s\"", g->id,
                SLICE_ARGS(g->format));
}

/* Takes over `fd`. */
static void send_file(struct exchange *x, const struct served *g, int fd, uint64_t size)
{
    char hex[65], etag[70], detail[300];
    uint64_t first, count;

    snprintf(etag, sizeof etag, "\"%s\"", crypto_hex(slice_of(g->sha256, 32), hex));
    enum http_range range = wanted_range(x->rq, etag, size, &first, &count);
    if (range == HTTP_RANGE_UNSATISFIABLE) {
        close(fd);
        problem(x->rs, x->rq, 416, "range_not_satisfiable", NULL, "The file has %llu bytes.",
                (unsigned long long)size);
        http_header(x->rs, "Content-Range", "bytes */%llu", (unsigned long long)size);
        return;
    }
    x->rs->fd = fd;
    x->rs->file_offset = first;
    x->rs->file_size = count;
    snprintf(detail, sizeof detail, "%s %llu+%llu of %llu%s%.200s", x->rq->method,
             (unsigned long long)first, (unsigned long long)count, (unsigned long long)size,
             x->rq->access_reason ? "; " : "", x->rq->access_reason ? x->rq->access_reason : "");
    if (!exchange_audit(x, "audio.read", g->id, "ok", detail))
        return; /* the response was replaced, and the file closed with it */
    audio_headers(x, g, etag);
    if (range == HTTP_RANGE_PART) {
        x->rs->status = 206;
        http_header(x->rs, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)first,
                    (unsigned long long)(first + count - 1), (unsigned long long)size);
    }
}

static bool format_is_stored(struct exchange *x, const struct served *g)
{
    const char *format = http_query_value(&x->rq->query, "format");

    if (format == NULL || slice_is(g->format, format))
        return true;
    problem(x->rs, x->rq, 400, "format_not_available", "format",
            "This recording is stored as %.*s.", SLICE_ARGS(g->format));
    return false;
}

static void send_audio(struct exchange *x, const struct served *g)
{
    uint64_t size;
    int fd = open_recording(x->api->config->data_dir, g->path, &size);
    if (fd < 0)
        problem(x->rs, x->rq, 410, "recording_gone", NULL,
                "The file of this recording is no longer there.");
    else
        send_file(x, g, fd, size);
}

void handle_audio(struct exchange *x)
{
    struct found f;

    if (!find_recording(x, &f))
        return;
    const struct record_recording *g = &f.r->recording;
    const struct record_file *file = f.file;
    struct served served = {g->id, g->format, g->path, g->sha256};
    bool track = file && is_track(file);
    if (file)
        served = (struct served){x->rq->path_value[0], slice_str(record_file_format(file)), file->path, file->sha256};
    if (track && strcmp(file->result, "deleted") == 0)
        problem(x->rs, x->rq, 410, "recording_deleted", NULL, "The recording was deleted.");
    else if (track && file->path.size == 0)
        problem(x->rs, x->rq, 404, "no_recording", NULL, "Nothing was recorded (%s).",
                file->result);
    else if ((track || recording_is_ready(x, g)) && format_is_stored(x, &served))
        send_audio(x, &served);
    record_free(f.r);
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
    const struct api_config *config = x->api->config;
    const char *id = r->recording.id[0] ? r->recording.id : r->uid;
    uint32_t files = 0;
    uint64_t bytes = 0;

    if (!exchange_audit(x, "recording.delete", id, "ok", x->rq->access_reason))
        return;
    int err = config->delete_recording
                  ? config->delete_recording(config->context, r->uid, x->who.name, &files, &bytes)
                  : ERR_UNSUPPORTED;
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

void handle_delete_recording(struct exchange *x)
{
    struct found f;

    if (!find_recording(x, &f))
        return;
    if (f.file && strcmp(f.file->kind, "part") == 0)
        problem(x->rs, x->rq, 409, "part_of_a_recording", NULL,
                "A recording is deleted with all its parts: DELETE /recordings/%s.",
                f.r->recording.id);
    else if (has_tracks(f.r) || recording_is_ready(x, &f.r->recording))
        delete_found(x, f.r);
    record_free(f.r);
}

/* ---- video ---- */

void handle_video(struct exchange *x)
{
    const char *id = x->rq->path_value[0];
    char uid[UID_SIZE + 1];
    struct call_record *r = NULL;

    snprintf(uid, sizeof uid, "%s", id);
    int err = store_call(x->reader, uid, &r);
    const struct record_film *film = err ? NULL : record_film_find(r, id);
    if (err == 0 && (film == NULL || !limit_allows_record(&x->who.limit, r)))
        err = ERR_NOT_FOUND;
    if (err) {
        exchange_store_problem(x, err, "recording");
    } else {
        struct served served = {id, slice_str("mkv"), film->path, film->sha256};
        send_audio(x, &served);
    }
    record_free(r);
}
