/* The header comes first but its lengths are known last, so room is left for it and it is written
 * at the end; the digest is then taken by reading the file once more, which the page cache makes
 * cheap against the hashing itself. */
#include "decode/wav.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"

#define HASH_CHUNK ((size_t)64 * 1024)

static int failed(const char *what, const char *path, struct why *why)
{
    int errnum = errno;
    why_set(why, "cannot %s %s: %s", what, path, strerror(errnum));
    return err_of_errno(errnum);
}

int wav_open(struct wav *w, const char *path, int channels, int rate_hz, struct why *why)
{
    *w = (struct wav){.fd = -1, .channels = channels, .rate_hz = rate_hz};
    w->path = strdup(path);
    if (w->path == NULL || asprintf(&w->part, "%s.part", path) < 0) {
        w->part = NULL;
        wav_abandon(w);
        why_set(why, "no memory for the recording %s", path);
        return ERR_NOMEM;
    }
    w->fd = open(w->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->fd < 0 || lseek(w->fd, WAV_HEADER_BYTES, SEEK_SET) < 0) {
        int err = failed("create", w->part, why);
        wav_abandon(w);
        return err;
    }
    return 0;
}

int wav_write(struct wav *w, const void *data, size_t size)
{
    const uint8_t *at = data;
    w->data_bytes += (int64_t)size;
    w->hole = w->hole && size == 0;
    while (size > 0) {
        ssize_t n = write(w->fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_of_errno(n < 0 ? errno : ENOSPC);
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int wav_skip(struct wav *w, int64_t size)
{
    w->data_bytes += size;
    w->hole = true;
    return lseek(w->fd, size, SEEK_CUR) < 0 ? err_of_errno(errno) : 0;
}

static void add_chunk(struct buf *b, const char *id, uint32_t size)
{
    buf_add(b, id, 4);
    buf_u32_le(b, size);
}

static void add_u64_le(struct buf *b, uint64_t v)
{
    buf_u32_le(b, (uint32_t)v);
    buf_u32_le(b, (uint32_t)(v >> 32));
}

/* RIFF with a JUNK chunk; RF64 with ds64 in its place when the lengths do not fit 32 bits. */
static void header(const struct wav *w, struct buf *b)
{
    uint64_t riff = (uint64_t)w->data_bytes + WAV_HEADER_BYTES - 8;
    bool large = riff > UINT32_MAX;
    uint16_t block = (uint16_t)(2 * w->channels);
    add_chunk(b, large ? "RF64" : "RIFF", large ? UINT32_MAX : (uint32_t)riff);
    buf_add(b, "WAVE", 4);
    add_chunk(b, large ? "ds64" : "JUNK", 28);
    add_u64_le(b, large ? riff : 0);
    add_u64_le(b, large ? (uint64_t)w->data_bytes : 0);
    add_u64_le(b, large ? (uint64_t)w->data_bytes / block : 0);
    buf_u32_le(b, 0);
    add_chunk(b, "fmt ", 16);
    buf_u16_le(b, 1); /* PCM */
    buf_u16_le(b, (uint16_t)w->channels);
    buf_u32_le(b, (uint32_t)w->rate_hz);
    buf_u32_le(b, (uint32_t)w->rate_hz * block);
    buf_u16_le(b, block);
    buf_u16_le(b, 16);
    add_chunk(b, "data", large ? UINT32_MAX : (uint32_t)w->data_bytes);
}

static int write_header(struct wav *w)
{
    struct buf b;
    buf_init(&b, 2 * WAV_HEADER_BYTES);
    header(w, &b);
    int err = b.failed ? ERR_NOMEM : 0;
    if (err == 0) {
        assert(b.size == WAV_HEADER_BYTES);
        ssize_t n = pwrite(w->fd, b.data, b.size, 0);
        if (n != (ssize_t)b.size)
            err = err_of_errno(n < 0 ? errno : ENOSPC);
    }
    buf_fini(&b);
    return err;
}

static int digest(struct wav *w, uint8_t ret_sha256[32])
{
    uint8_t *chunk = malloc(HASH_CHUNK);
    if (chunk == NULL)
        return ERR_NOMEM;
    struct crypto_sha256_state sha;
    crypto_sha256_init(&sha);
    int err = 0;
    for (off_t at = 0;;) {
        ssize_t n = pread(w->fd, chunk, HASH_CHUNK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = err_of_errno(errno);
        if (n <= 0)
            break;
        crypto_sha256_update(&sha, slice_of(chunk, (size_t)n));
        at += n;
    }
    crypto_sha256_final(&sha, ret_sha256);
    free(chunk);
    return err;
}

int wav_finish(struct wav *w, int64_t *ret_size_bytes, uint8_t ret_sha256[32], struct why *why)
{
    int err = 0;
    if (w->hole && ftruncate(w->fd, w->data_bytes + WAV_HEADER_BYTES) != 0)
        err = err_of_errno(errno);
    if (err == 0)
        err = write_header(w);
    if (err == 0)
        err = digest(w, ret_sha256);
    if (err)
        why_set(why, "cannot complete %s: %s", w->part, err_text(err));
    if (err == 0 && fsync(w->fd) != 0)
        err = failed("sync", w->part, why);
    if (err == 0 && rename(w->part, w->path) != 0)
        err = failed("rename", w->part, why);
    if (err == 0) {
        *ret_size_bytes = w->data_bytes + WAV_HEADER_BYTES;
        free(w->part); /* nothing left to delete */
        w->part = NULL;
    }
    wav_abandon(w);
    return err;
}

void wav_abandon(struct wav *w)
{
    if (w->fd >= 0) {
        close(w->fd);
        if (w->part)
            unlink(w->part);
    }
    free(w->part);
    free(w->path);
    *w = (struct wav){.fd = -1};
}
