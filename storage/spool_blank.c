/* Takes the packets of one flow out of the spool: each of its chunks becomes a hole of the same length, so everything around it stays
 * where it is and the segment still explains itself. First the bytes go, then the header says so: a crash between the two leaves a
 * damaged chunk, which every reader steps over. A chunk that is damaged itself does not end the walk. Other flows, and a segment that is being written, are not touched. */
#include "storage/spool_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crypto.h"

#define ZEROS_BYTES  4096u
#define SEARCH_BYTES 65536u /* a multiple of CHUNK_ALIGN */

static const uint8_t zeros[ZEROS_BYTES];

static int write_at(int fd, const void *data, size_t size, uint64_t offset)
{
    const uint8_t *at = data;
    while (size) {
        ssize_t n = pwrite(fd, at, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_of_errno(errno) : ERR_IO;
        at += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

/* A hole where the file system can make one, else zeros. */
static int body_clear(int fd, uint64_t offset, uint32_t size)
{
    if (size == 0 || fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) == 0)
        return 0;
    int err = 0;
    for (uint32_t done = 0; done < size && err == 0; done += ZEROS_BYTES)
        err = write_at(fd, zeros, size - done < ZEROS_BYTES ? size - done : ZEROS_BYTES, offset + done);
    return err;
}

static uint32_t crc_of_zeros(uint32_t size)
{
    uint32_t crc = 0;
    for (uint32_t done = 0; done < size; done += ZEROS_BYTES)
        crc = crypto_crc32c(crc, zeros, size - done < ZEROS_BYTES ? size - done : ZEROS_BYTES);
    return crc;
}

static int chunk_clear(int fd, struct chunk_header *h, uint64_t *bytes)
{
    uint8_t header[CHUNK_HEADER];
    int err = body_clear(fd, h->self.offset + CHUNK_HEADER, h->body_bytes);
    if (err)
        return err;
    *bytes += h->body_bytes;
    h->kind = CHUNK_BLANK;
    h->packets = 0;
    h->body_crc = crc_of_zeros(h->body_bytes);
    chunk_header_write(header, h);
    return write_at(fd, header, sizeof header, h->self.offset);
}

struct blanking {
    const char *data_dir;
    const uint8_t *uid; /* 16 bytes */
    uint32_t flow;      /* known from its tail on */
    bool flow_known;
    int fd;
    bool changed; /* what fd is open to, since it was */
    uint32_t segment;
    uint64_t bytes;
};

/* What went is gone on the disk as well. */
static int segment_leave(struct blanking *b)
{
    int err = b->fd >= 0 && b->changed && fdatasync(b->fd) != 0 ? err_of_errno(errno) : 0;
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
    b->changed = false;
    return err;
}

static int segment_open(struct blanking *b, uint32_t number)
{
    char path[SPOOL_PATH_MAX];
    if (b->fd >= 0 && b->segment == number)
        return 0;
    int err = segment_leave(b);
    if (err)
        return err;
    b->segment = number;
    b->fd = segment_path(b->data_dir, number, path) ? open(path, O_RDWR | O_CLOEXEC) : -1;
    return b->fd >= 0 ? 0 : err_of_errno(errno);
}

static struct spool_ref before(const struct chunk_header *h)
{
    return h->prev.segment && ref_before(h->prev, h->self) ? h->prev : (struct spool_ref){0};
}

static bool is_of_flow(const struct blanking *b, const struct chunk_header *h)
{
    return memcmp(h->uid, b->uid, sizeof h->uid) == 0 && b->flow_known && h->flow == b->flow;
}

/* Where a damaged header stands, the one before it is looked for in its segment: a header names its own place. None: whatever is
 * older in the segments before stays. */
static struct spool_ref find_before(const struct blanking *b, struct spool_ref place)
{
    uint8_t bytes[SEARCH_BYTES + CHUNK_HEADER];
    struct chunk_header h;
    for (uint64_t from, to = place.offset & ~(uint64_t)(CHUNK_ALIGN - 1); to > SEGMENT_HEADER; to = from) {
        from = to - SEGMENT_HEADER > SEARCH_BYTES ? to - SEARCH_BYTES : SEGMENT_HEADER;
        int64_t size = read_at(b->fd, bytes, to - from + CHUNK_HEADER, from);
        for (uint64_t at = to - CHUNK_ALIGN; at >= from; at -= CHUNK_ALIGN) {
            struct spool_ref here = {.segment = place.segment, .offset = at};
            if (size >= (int64_t)(at - from + CHUNK_HEADER) && chunk_header_read(slice_of(bytes + (at - from), CHUNK_HEADER), here, &h) &&
                is_of_flow(b, &h))
                return here;
        }
    }
    return (struct spool_ref){0};
}

/* The chunk at `place`, and where the one before it stands, also when this one is damaged. */
static int blank_chunk(struct blanking *b, struct spool_ref place, struct spool_ref *ret_prev)
{
    uint8_t header[CHUNK_HEADER];
    struct chunk_header h;
    int err = segment_open(b, place.segment);
    if (err)
        return err;
    bool read = read_at(b->fd, header, sizeof header, place.offset) == (int64_t)sizeof header;
    if (!read || !chunk_header_read(slice_of(header, sizeof header), place, &h)) {
        *ret_prev = find_before(b, place);
        return ERR_INVALID;
    }
    if (memcmp(h.uid, b->uid, sizeof h.uid) != 0)
        return ERR_INVALID;
    b->flow = h.flow;
    b->flow_known = true;
    *ret_prev = before(&h);
    if (h.kind != CHUNK_PACKETS)
        return 0;
    b->changed = true;
    return chunk_clear(b->fd, &h, &b->bytes);
}

/* Of this chunk alone: nobody will read or write it better later. */
static bool is_damage(int err)
{
    return err == ERR_INVALID || err == ERR_IO;
}

int spool_blank(const char *data_dir, struct spool_ref tail, const uint8_t uid[16], uint64_t *ret_bytes)
{
    struct blanking b = {.data_dir = data_dir, .uid = uid, .fd = -1};
    int err = 0, damage = 0;
    for (struct spool_ref place = tail, prev; place.segment && err == 0; place = prev) {
        prev = (struct spool_ref){0};
        err = blank_chunk(&b, place, &prev);
        damage = damage == 0 && is_damage(err) ? err : damage;
        err = is_damage(err) ? 0 : err;
    }
    int leave_err = segment_leave(&b);
    *ret_bytes = b.bytes;
    err = err == ERR_NOT_FOUND ? 0 : err; /* the rest went with its segment */
    return err ? err : damage ? damage : leave_err;
}
