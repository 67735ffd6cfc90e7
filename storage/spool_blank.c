/* Takes the packets of one flow out of the spool: each of its chunks becomes a hole of the same length, so everything around it stays
 * where it is and the segment still explains itself. First the bytes go, then the header says so: a crash between the two leaves a
 * damaged chunk, which every reader steps over. Other flows, and a segment that is being written, are not touched. */
#include "storage/spool_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crypto.h"

#define ZEROS_BYTES 4096u

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
    int fd;
    uint32_t segment;
};

static int segment_open(struct blanking *b, uint32_t number)
{
    char path[SPOOL_PATH_MAX];
    if (b->fd >= 0 && b->segment == number)
        return 0;
    if (b->fd >= 0)
        close(b->fd);
    b->segment = number;
    b->fd = segment_path(b->data_dir, number, path) ? open(path, O_RDWR | O_CLOEXEC) : -1;
    return b->fd >= 0 ? 0 : errno == ENOENT ? ERR_NOT_FOUND : err_of_errno(errno);
}

/* The chunk at `place`, and where the one before it stands. */
static int blank_chunk(struct blanking *b, struct spool_ref place, const uint8_t uid[16], uint64_t *bytes, struct spool_ref *ret_prev)
{
    uint8_t header[CHUNK_HEADER];
    struct chunk_header h;
    int err = segment_open(b, place.segment);
    if (err)
        return err;
    if (read_at(b->fd, header, sizeof header, place.offset) != (int64_t)sizeof header ||
        !chunk_header_read(slice_of(header, sizeof header), place, &h) || memcmp(h.uid, uid, sizeof h.uid) != 0)
        return ERR_INVALID;
    *ret_prev = h.prev.segment && ref_before(h.prev, place) ? h.prev : (struct spool_ref){0};
    return h.kind == CHUNK_PACKETS ? chunk_clear(b->fd, &h, bytes) : 0;
}

int spool_blank(const char *data_dir, struct spool_ref tail, const uint8_t uid[16], uint64_t *ret_bytes)
{
    struct blanking b = {.data_dir = data_dir, .fd = -1};
    uint64_t bytes = 0;
    int err = 0;
    for (struct spool_ref place = tail, prev; place.segment && err == 0; place = prev)
        err = blank_chunk(&b, place, uid, &bytes, &prev);
    if (b.fd >= 0)
        close(b.fd);
    *ret_bytes = bytes;
    return err == ERR_NOT_FOUND ? 0 : err; /* the rest went with its segment */
}
