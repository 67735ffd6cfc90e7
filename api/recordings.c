/* Recordings: what is known of one, and its file. The file goes out as it lies on the disk, whole
 * or one byte range of it; every reading is in the audit log before its first byte. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/record_json.h"
#include "base/crypto.h"

static void recording_json(struct exchange *x, const struct call_record *r)
{
    struct json j;

    json_init(&j, &x->rs->body);
    record_json_recording(&j, r, true);
    exchange_json_done(x);
    exchange_etag(x);
}

void handle_call_recording(struct exchange *x)
{
    struct call_record *r = exchange_call(x);

    if (r == NULL)
        return;
    if (r->recording.result == NULL && r->recording.state == NULL)
        problem(x->rs, x->rq, 404, "no_recording", NULL, "This call has no recording.");
    else
        recording_json(x, r);
    record_free(r);
}

static struct call_record *find_recording(struct exchange *x)
{
    struct call_record *r = NULL;
    int err = store_recording(x->reader, x->rq->path_value[0], &r);

    if (err == 0 && exchange_may_see(x, &r))
        return r;
    exchange_store_problem(x, err ? err : ERR_NOT_FOUND, "recording");
    return NULL;
}

void handle_recording(struct exchange *x)
{
    struct call_record *r = find_recording(x);

    if (r)
        recording_json(x, r);
    record_free(r);
}

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

/* False with the problem set when there is no file to give. */
static bool recording_is_ready(struct exchange *x, const struct record_recording *g)
{
    const char *state = g->state ? g->state : "";

    if (strcmp(state, "ready") == 0)
        return true;
    if (strcmp(state, "spooling") == 0 || strcmp(state, "rendering") == 0) {
        problem(x->rs, x->rq, 409, "recording_not_ready", NULL,
                "The recording is not rendered yet (state %s).", state);
        http_header(x->rs, "Retry-After", "2");
    } else if (state[0] == '\0') {
        problem(x->rs, x->rq, 404, "no_recording", NULL, "Nothing was recorded (%s).",
                g->result ? g->result : "unknown");
    } else {
        problem(x->rs, x->rq, 410, "recording_gone", NULL, "The recording is %s.", state);
    }
    return false;
}

static const char *audio_type(struct slice format)
{
    static const struct {
        const char *format, *type;
    } TYPES[] = {
        {"wav", "audio/wav"}, {"ogg", "audio/ogg"}, {"mp3", "audio/mpeg"}, {"flac", "audio/flac"}};

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

static void audio_headers(struct exchange *x, const struct record_recording *g, const char *etag)
{
    x->rs->content_type = audio_type(g->format);
    x->rs->stream = HTTP_STREAM_AUDIO;
    http_header(x->rs, "Accept-Ranges", "bytes");
    http_header(x->rs, "ETag", "%s", etag);
    http_header(x->rs, "Content-Disposition", "inline; filename=\"recording-%s.%.*s\"", g->id,
                SLICE_ARGS(g->format));
}

/* Takes over `fd`. */
static void send_file(struct exchange *x, const struct record_recording *g, int fd, uint64_t size)
{
    char hex[65], etag[70], detail[300];
    uint64_t first, count;

    snprintf(etag, sizeof etag, "\"%s\"", crypto_hex(slice_of(g->sha256, sizeof g->sha256), hex));
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

static bool format_is_stored(struct exchange *x, const struct record_recording *g)
{
    const char *format = http_query_value(&x->rq->query, "format");

    if (format == NULL || slice_is(g->format, format))
        return true;
    problem(x->rs, x->rq, 400, "format_not_available", "format",
            "This recording is stored as %.*s.", SLICE_ARGS(g->format));
    return false;
}

void handle_audio(struct exchange *x)
{
    uint64_t size;
    struct call_record *r = find_recording(x);

    if (r == NULL)
        return;
    const struct record_recording *g = &r->recording;
    if (recording_is_ready(x, g) && format_is_stored(x, g)) {
        int fd = open_recording(x->api->config->data_dir, g->path, &size);
        if (fd < 0)
            problem(x->rs, x->rq, 410, "recording_gone", NULL,
                    "The file of this recording is no longer there.");
        else
            send_file(x, g, fd, size);
    }
    record_free(r);
}
