#include "api/stored_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/byte_ranges.h"
#include "base/crypto.h"

/* It never leads out of the data directory. */
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

int stored_file_open(const char *data_dir, struct slice path, uint64_t *ret_size)
{
    char name[4096];
    struct stat st;

    if (!path_is_inside(path))
        return -1;
    int n = snprintf(name, sizeof name, "%s/%.*s", data_dir, SLICE_ARGS(path));
    if (n < 0 || (size_t)n >= sizeof name)
        return -1;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a FIFO would keep us */
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

static void send_headers(struct exchange *x, const struct stored_file *f, const char *etag)
{
    x->rs->content_type = f->type;
    x->rs->stream = f->stream;
    http_header(x->rs, "Accept-Ranges", "bytes");
    http_header(x->rs, "ETag", "%s", etag);
    http_header(x->rs, "Content-Disposition", "%s", f->disposition);
}

/* One range as it is, several as parts of one body. False: no memory. */
static bool take_ranges(struct exchange *x, const struct stored_file *f, const struct byte_ranges *ranges, uint64_t size)
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
    x->rs->multipart = multipart_new(ranges, size, f->type, crypto_hex(slice_of(bytes, sizeof bytes), word));
    http_header(x->rs, "Content-Type", "multipart/byteranges; boundary=%s", word);
    x->rs->content_type = NULL;
    return x->rs->multipart != NULL;
}

static bool audit_file(struct exchange *x, const struct stored_file *f, const struct byte_ranges *ranges, uint64_t size)
{
    struct audit_bytes bytes = {.count = x->rq->head ? 0 : size, .size = size};

    if (ranges->count == 0)
        return exchange_audit_file(x, f->action, f->id, f->note, &bytes);
    for (unsigned i = 0; i < ranges->count; i++) {
        bytes.first = ranges->range[i].first;
        bytes.count = ranges->range[i].count;
        if (!exchange_audit_file(x, f->action, f->id, f->note, &bytes))
            return false;
    }
    return true;
}

void stored_file_send(struct exchange *x, const struct stored_file *f, int fd, uint64_t size)
{
    char hex[65], etag[70];
    struct byte_ranges ranges = {0};

    snprintf(etag, sizeof etag, "\"%s\"", crypto_hex(slice_of(f->sha256, 32), hex));
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
    if (!audit_file(x, f, &ranges, size))
        return; /* the response was replaced, and the file closed with it */
    send_headers(x, f, etag);
    if (range == HTTP_RANGE_PART && !take_ranges(x, f, &ranges, size)) {
        http_response_fini(x->rs);
        http_response_init(x->rs);
        problem(x->rs, x->rq, 503, "overloaded", NULL, "There is no memory for so many ranges.");
    }
}

