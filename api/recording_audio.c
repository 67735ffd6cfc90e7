/* The files of recordings. One goes out as it lies on the disk, whole or in byte ranges; every reading is in the audit log before
 * its first byte. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/byte_ranges.h"
#include "api/limit.h"
#include "api/record_files_json.h"
#include "api/recording_convert.h"
#include "base/crypto.h"

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

/* If-Range holds only for exactly our tag; a date never matches, we send none. */
static enum http_range wanted_ranges(const struct http_request *rq, const char *etag, uint64_t size,
                                     struct byte_ranges *ret_ranges)
{
    if (rq->head || (rq->if_range && strcmp(rq->if_range, etag) != 0))
        return HTTP_RANGE_WHOLE;
    return byte_ranges_parse(rq->range, size, ret_ranges);
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
    x->rs->content_type = sound_type(g->format);
    x->rs->stream = HTTP_STREAM_AUDIO;
    http_header(x->rs, "Accept-Ranges", "bytes");
    http_header(x->rs, "ETag", "%s", etag);
    http_header(x->rs, "Content-Disposition", "inline; filename=\"recording-%s.%.*s\"", g->id,
                SLICE_ARGS(g->format));
}

/* One range as it is, several as parts of one body. False: no memory. */
static bool take_ranges(struct exchange *x, const struct served *g, const struct byte_ranges *ranges, uint64_t size)
{
    const struct byte_range *r = &ranges->range[0];
    char word[33];
    uint8_t bytes[16];

    x->rs->status = 206;
    if (ranges->count == 1) {
        x->rs->file_offset = r->first;
        x->rs->file_size = r->count;
        http_header(x->rs, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)r->first,
                    (unsigned long long)(r->first + r->count - 1), (unsigned long long)size);
        return true;
    }
    crypto_random(bytes, sizeof bytes);
    x->rs->multipart = multipart_new(ranges, size, sound_type(g->format), crypto_hex(slice_of(bytes, sizeof bytes), word));
    http_header(x->rs, "Content-Type", "multipart/byteranges; boundary=%s", word);
    x->rs->content_type = NULL;
    return x->rs->multipart != NULL;
}

static bool audit_file(struct exchange *x, const struct served *g, const struct byte_ranges *ranges, uint64_t size)
{
    struct audit_bytes bytes = {.count = x->rq->head ? 0 : size, .size = size};

    if (ranges->count == 0)
        return exchange_audit_read(x, "audio.read", g->id, &bytes);
    for (unsigned i = 0; i < ranges->count; i++) {
        bytes.first = ranges->range[i].first;
        bytes.count = ranges->range[i].count;
        if (!exchange_audit_read(x, "audio.read", g->id, &bytes))
            return false;
    }
    return true;
}

/* Takes over `fd`. */
static void send_file(struct exchange *x, const struct served *g, int fd, uint64_t size)
{
    char hex[65], etag[70];
    struct byte_ranges ranges = {0};

    snprintf(etag, sizeof etag, "\"%s\"", crypto_hex(slice_of(g->sha256, 32), hex));
    enum http_range range = wanted_ranges(x->rq, etag, size, &ranges);
    if (range == HTTP_RANGE_UNSATISFIABLE) {
        close(fd);
        problem(x->rs, x->rq, 416, "range_not_satisfiable", NULL, "The file has %llu bytes.",
                (unsigned long long)size);
        http_header(x->rs, "Content-Range", "bytes */%llu", (unsigned long long)size);
        return;
    }
    if (range == HTTP_RANGE_WHOLE)
        ranges.count = 0;
    x->rs->fd = fd;
    x->rs->file_size = size;
    if (!audit_file(x, g, &ranges, size))
        return; /* the response was replaced, and the file closed with it */
    audio_headers(x, g, etag);
    if (range == HTTP_RANGE_PART && !take_ranges(x, g, &ranges, size)) {
        http_response_fini(x->rs);
        http_response_init(x->rs);
        problem(x->rs, x->rq, 503, "overloaded", NULL, "There is no memory for so many ranges.");
    }
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
