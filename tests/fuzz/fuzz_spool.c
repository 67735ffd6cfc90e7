/* A segment as a crash or a bad disk left it: scan and readers must survive any
 * bytes, and what a scan finds must be readable without a damaged packet in
 * front. The input is the segment's content behind a right header; its
 * checksums are mended where a chunk header stands in place, so that mutations
 * reach the code behind them (first byte of the input even: mend). */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "storage/spool_format.h"

#define SEGMENT   64u
#define INPUT_MAX (256u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void dir_remove(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/spool/%08x.seg", dir, SEGMENT);
    unlink(path);
    snprintf(path, sizeof path, "%s/spool", dir);
    rmdir(path);
    rmdir(dir);
    dir[0] = '\0';
}

static void dir_make(void)
{
    char path[128];
    if (dir[0])
        return;
    snprintf(dir, sizeof dir, "%s/earshot-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(dir) == NULL)
        abort();
    snprintf(path, sizeof path, "%s/spool", dir);
    mkdir(path, 0700);
}

/* Makes each chunk that follows the one before believable. */
static void mend(uint8_t *segment, size_t size)
{
    for (size_t at = SEGMENT_HEADER; at + CHUNK_HEADER <= size;) {
        uint8_t *h = segment + at;
        uint32_t body = (uint32_t)(h[4] | h[5] << 8);
        if (body > size - at - CHUNK_HEADER)
            body = (uint32_t)(size - at - CHUNK_HEADER);
        put_u32(put_u32(h, CHUNK_MAGIC), body);
        put_u32(h + 8, crypto_crc32c(0, h + CHUNK_HEADER, body));
        h[12] = (uint8_t)(1 + (h[12] & 1));
        put_u64(put_u32(h + 68, SEGMENT), at);
        put_u32(h + CHUNK_HEADER - 4, crypto_crc32c(0, h, CHUNK_HEADER - 4));
        at += chunk_span(body);
    }
}

static void read_back(void *context, const struct spool_found *found)
{
    struct spool_reader *r;
    struct spool_packet p;
    bool truncated;
    int err = spool_reader_open(dir, found->tail, &r, &truncated);
    (void)context;
    assert(err == 0); /* the scan saw this chunk whole */
    uint64_t bytes = 0;
    for (int n; (n = spool_reader_next(r, &p)) != 0;)
        if (n == 1)
            for (size_t i = 0; i < p.payload.size; i++)
                bytes += p.payload.data[i];
    bytes += spool_reader_descriptor(r).size;
    spool_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    if (size < 1 || size > INPUT_MAX)
        return 0;
    dir_make();
    size_t total = SEGMENT_HEADER + size - 1;
    uint8_t *segment = malloc(total);
    segment_header_write(segment, SEGMENT, false);
    memcpy(segment + SEGMENT_HEADER, data + 1, size - 1);
    if (data[0] % 2 == 0)
        mend(segment, total);
    snprintf(path, sizeof path, "%s/spool/%08x.seg", dir, SEGMENT);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(fd >= 0);
    ssize_t n = write(fd, segment, total);
    assert(n == (ssize_t)total);
    close(fd);
    free(segment);
    int err = spool_scan(dir, read_back, NULL);
    assert(err == 0);
    for (uint64_t offset = 0; offset < 4096; offset += 64) {
        struct spool_found guess = {.tail = {.segment = SEGMENT, .offset = offset}};
        struct spool_reader *r;
        if (spool_reader_open(dir, guess.tail, &r, NULL) == 0)
            spool_reader_close(r);
    }
    dir_remove();
    return 0;
}
