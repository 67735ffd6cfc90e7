/* Reads one flow back. Opening walks the chain from its tail to its beginning over the headers
 * alone and notes where the chunks stand; then packets are delivered forward, one chunk in memory
 * at a time. Only what lies below the tail is touched, so the segment may still be written. A chain
 * never leads forward, so the walk ends. */
#include "storage/spool_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHAIN_MAX   (4u << 20) /* chunks of one flow; longer chains begin later */
#define PEEK_CHUNKS 8          /* of the newest, read with their headers: the whole signalling of most calls */
#define PEEK_BYTES  3072
#define PEEK_BEFORE 192 /* a chunk's descriptor mostly stands right ahead of it */

struct chain_link {
    uint64_t offset;
    uint32_t segment;
    uint32_t body_bytes;
    const struct peek *peek; /* what was read with its header, or NULL */
};

struct peek {
    uint64_t from;
    size_t size;
    uint8_t bytes[PEEK_BEFORE + PEEK_BYTES];
};

struct spool_reader {
    char data_dir[SPOOL_PATH_MAX];
    int fd;
    uint32_t segment;         /* that fd belongs to */
    struct chain_link *links; /* newest first; the last one is delivered first */
    size_t count, room;
    uint8_t uid[16];
    uint32_t flow;
    uint8_t *chunk; /* header and body being delivered */
    size_t chunk_room;
    struct cursor packets;
    struct endpoint src, dst;
    uint8_t *descriptor;
    size_t descriptor_size;
    unsigned peeked;        /* of `peek`; the newest belongs to the link added last */
    uint32_t peeked_segment;
    struct peek peek[PEEK_CHUNKS];
};

static int segment_use(struct spool_reader *r, uint32_t number)
{
    char path[SPOOL_PATH_MAX];
    uint8_t header[SEGMENT_HEADER];

    if (r->fd >= 0 && r->segment == number)
        return 0;
    if (r->fd >= 0)
        close(r->fd);
    r->segment = number;
    r->fd = segment_path(r->data_dir, number, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (r->fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : err_of_errno(errno);
    if (read_at(r->fd, header, sizeof header, 0) != sizeof header ||
        !segment_header_check(header, number)) {
        close(r->fd);
        r->fd = -1;
        return ERR_INVALID;
    }
    return 0;
}

static const uint8_t *peek_find(const struct peek *p, uint64_t offset, size_t size)
{
    bool there = offset >= p->from && offset - p->from + size <= p->size;
    return there ? p->bytes + (offset - p->from) : NULL;
}

/* Reads around the place. */
static int peek_at(struct spool_reader *r, struct spool_ref place, const struct peek **ret_peek)
{
    struct peek *p = &r->peek[r->peeked];
    p->from = place.offset > PEEK_BEFORE ? place.offset - PEEK_BEFORE : 0;
    int64_t n = read_at(r->fd, p->bytes, sizeof p->bytes, p->from);
    if (n < 0)
        return ERR_IO;
    p->size = (size_t)n;
    r->peeked++;
    r->peeked_segment = place.segment;
    *ret_peek = p;
    return 0;
}

/* The header at the place, and while there is room for it what stands around. */
static int header_read(struct spool_reader *r, struct spool_ref place,
                       struct chunk_header *ret_header, const struct peek **ret_peek)
{
    uint8_t header[CHUNK_HEADER];
    const uint8_t *bytes = NULL;
    int err = 0;

    *ret_peek = NULL;
    if (r->peeked < PEEK_CHUNKS) {
        err = peek_at(r, place, ret_peek);
        bytes = err ? NULL : peek_find(*ret_peek, place.offset, CHUNK_HEADER);
    } else {
        int64_t n = read_at(r->fd, header, CHUNK_HEADER, place.offset);
        err = n < 0 ? ERR_IO : 0;
        bytes = n == CHUNK_HEADER ? header : NULL;
    }
    if (err)
        return err;
    bool good = bytes && chunk_header_read(slice_of(bytes, CHUNK_HEADER), place, ret_header);
    return good ? 0 : ERR_INVALID;
}

static int header_at(struct spool_reader *r, struct spool_ref place,
                     struct chunk_header *ret_header, const struct peek **ret_peek)
{
    const struct peek *p = &r->peek[r->peeked - (r->peeked > 0)];
    bool here = r->peeked && r->peeked_segment == place.segment;
    const uint8_t *bytes = here ? peek_find(p, place.offset, CHUNK_HEADER) : NULL;

    if (bytes && chunk_header_read(slice_of(bytes, CHUNK_HEADER), place, ret_header)) {
        *ret_peek = p;
        return 0;
    }
    int err = segment_use(r, place.segment);
    return err ? err : header_read(r, place, ret_header, ret_peek);
}

static int link_add(struct spool_reader *r, const struct chain_link *link)
{
    if (r->count == r->room) {
        size_t room = r->room ? r->room * 2 : 64;
        struct chain_link *more = realloc(r->links, room * sizeof *more);
        if (more == NULL)
            return ERR_NOMEM;
        r->links = more;
        r->room = room;
    }
    r->links[r->count++] = *link;
    return 0;
}

/* Back to the beginning, or to where the chain breaks. An error only when not even the tail is
 * there. */
static int chain_walk(struct spool_reader *r, struct spool_ref tail, bool *ret_truncated)
{
    struct spool_ref place = tail;
    struct chunk_header h;
    const struct peek *peek;

    *ret_truncated = false;
    while (place.segment) {
        int err = header_at(r, place, &h, &peek);
        if (err == 0 && r->count == 0) {
            memcpy(r->uid, h.uid, sizeof r->uid);
            r->flow = h.flow;
        }
        if (err && r->count == 0)
            return err;
        bool ours = err == 0 && h.flow == r->flow && memcmp(h.uid, r->uid, sizeof r->uid) == 0;
        if (!ours || r->count == CHAIN_MAX) {
            *ret_truncated = true;
            return 0;
        }
        err = link_add(r, &(struct chain_link){.offset = place.offset,
                                               .segment = place.segment,
                                               .body_bytes = h.body_bytes,
                                               .peek = peek});
        if (err)
            return err;
        if (h.prev.segment && !ref_before(h.prev, place)) {
            *ret_truncated = true;
            return 0;
        }
        place = h.prev;
    }
    return 0;
}

static struct spool_reader *reader_new(const char *data_dir)
{
    struct spool_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->fd = -1;
    int n = snprintf(r->data_dir, sizeof r->data_dir, "%s", data_dir);
    if (n < (int)sizeof r->data_dir)
        return r;
    free(r);
    return NULL;
}

static void reader_forget(struct spool_reader *r)
{
    r->count = 0;
    r->peeked = 0;
    r->packets = (struct cursor){0};
    r->src = r->dst = (struct endpoint){0};
    r->descriptor_size = 0;
}

int spool_reader_open_next(const char *data_dir, struct spool_ref tail,
                           struct spool_reader **reader, bool *ret_truncated)
{
    if (tail.segment == 0)
        return ERR_NOT_FOUND;
    if (*reader == NULL)
        *reader = reader_new(data_dir);
    if (*reader == NULL)
        return ERR_NOMEM;
    reader_forget(*reader);
    return chain_walk(*reader, tail, ret_truncated);
}

int spool_reader_open(const char *data_dir, struct spool_ref tail, struct spool_reader **ret_reader,
                      bool *ret_truncated)
{
    struct spool_reader *r = NULL;
    bool truncated;
    int err = spool_reader_open_next(data_dir, tail, &r, &truncated);
    if (err) {
        spool_reader_close(r);
        return err;
    }
    *ret_reader = r;
    if (ret_truncated)
        *ret_truncated = truncated;
    return 0;
}

void spool_reader_close(struct spool_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        close(r->fd);
    free(r->links);
    free(r->chunk);
    free(r->descriptor);
    free(r);
}

static int descriptor_take(struct spool_reader *r, struct slice body)
{
    struct cursor c = cursor_over(body);
    struct endpoint src = endpoint_read(&c);
    struct endpoint dst = endpoint_read(&c);
    struct slice text = cursor_rest(&c);

    if (c.failed)
        return ERR_INVALID;
    uint8_t *copy = realloc(r->descriptor, text.size + 1);
    if (copy == NULL)
        return ERR_NOMEM;
    if (text.size)
        memcpy(copy, text.data, text.size);
    r->descriptor = copy;
    r->descriptor_size = text.size;
    r->src = src;
    r->dst = dst;
    return 0;
}

/* The whole chunk in memory; NULL with *ret_err where that failed. */
static const uint8_t *chunk_bytes(struct spool_reader *r, const struct chain_link *link,
                                  size_t size, int *ret_err)
{
    const uint8_t *peeked = link->peek ? peek_find(link->peek, link->offset, size) : NULL;
    if (peeked)
        return peeked;
    *ret_err = segment_use(r, link->segment);
    if (*ret_err)
        return NULL;
    if (size > r->chunk_room) {
        uint8_t *more = realloc(r->chunk, size);
        *ret_err = more ? 0 : ERR_NOMEM;
        if (more == NULL)
            return NULL;
        r->chunk = more;
        r->chunk_room = size;
    }
    int64_t n = read_at(r->fd, r->chunk, size, link->offset);
    *ret_err = n < 0 ? ERR_IO : (size_t)n != size ? ERR_INVALID : 0;
    return *ret_err ? NULL : r->chunk;
}

/* Brings the chunk at `link` into memory: packets into the cursor, a descriptor into force. */
static int chunk_load(struct spool_reader *r, const struct chain_link *link)
{
    struct spool_ref place = {.segment = link->segment, .offset = link->offset};
    size_t size = CHUNK_HEADER + (size_t)link->body_bytes;
    struct chunk_header h;
    int err;

    const uint8_t *bytes = chunk_bytes(r, link, size, &err);
    if (bytes == NULL)
        return err;
    struct slice body = slice_of(bytes + CHUNK_HEADER, link->body_bytes);
    if (chunk_header_read(slice_of(bytes, size), place, &h) && h.kind == CHUNK_BLANK)
        return 0;
    if (!chunk_header_read(slice_of(bytes, size), place, &h) || !chunk_body_check(&h, body))
        return ERR_INVALID;
    if (h.kind == CHUNK_DESCRIPTOR)
        return descriptor_take(r, body);
    r->packets = cursor_over(body);
    return 0;
}

int spool_reader_next(struct spool_reader *r, struct spool_packet *ret_packet)
{
    while (cursor_left(&r->packets) == 0) {
        if (r->count == 0)
            return 0;
        int err = chunk_load(r, &r->links[--r->count]);
        if (err)
            return err;
    }
    *ret_packet = (struct spool_packet){.src = r->src, .dst = r->dst};
    packet_read(&r->packets, ret_packet);
    if (r->packets.failed) {
        r->packets = (struct cursor){0};
        return ERR_INVALID;
    }
    return 1;
}

struct slice spool_reader_descriptor(const struct spool_reader *r)
{
    return slice_of(r->descriptor, r->descriptor_size);
}

const uint8_t *spool_reader_uid(const struct spool_reader *r)
{
    return r->uid;
}
