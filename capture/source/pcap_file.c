/* Our own reader of the classic capture format, for regular files without a filter: twice as fast
 * as libpcap's, because a frame is a bounds check in a window of the file and not two fread()
 * calls.
 *
 *     file header, 24 bytes: magic (tells byte order and unit of time), version 2.4, snaplen, link
 * type then per frame 16 bytes: seconds, fraction, captured bytes, bytes on the wire; and the bytes
 *
 * The window is filled by read() and not mapped: a file that another process cuts while we read it
 * is then a truncated file, where a mapping would end us with SIGBUS. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/source/reader.h"

#define WINDOW_BYTES (1u << 20)
#define RECORD_SIZE  16

#define MAGIC_US         0xa1b2c3d4u
#define MAGIC_NS         0xa1b23c4du
#define MAGIC_US_SWAPPED 0xd4c3b2a1u
#define MAGIC_NS_SWAPPED 0x4d3cb2a1u

struct pcap_file {
    struct source source;
    int fd;
    bool swapped;         /* written by a machine of the other byte order */
    uint32_t ns_per_unit; /* of the fraction */
    uint16_t link_type;
    uint64_t size_bytes; /* of the file when it was opened */
    uint64_t offset;     /* in the file, of the window's first byte */
    size_t at;           /* in the window: the next record */
    size_t end;          /* in the window: what was read */
    uint8_t *window;
};

_Static_assert(WINDOW_BYTES >= 2 * (SOURCE_FRAME_MAX + RECORD_SIZE), "a record fits the window");

/* The byte order is that of the machine that wrote the file, so the cursor's fixed orders do not
 * serve. */
static uint32_t word(const uint8_t *at, bool swapped)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return swapped ? __builtin_bswap32(v) : v;
}

static bool is_swapped(uint32_t magic)
{
    return magic == MAGIC_US_SWAPPED || magic == MAGIC_NS_SWAPPED;
}

bool pcap_file_fits(struct slice head)
{
    if (head.size < PCAP_FILE_HEAD_SIZE)
        return false;
    uint32_t magic = word(head.data, false);
    if (magic != MAGIC_US && magic != MAGIC_NS && !is_swapped(magic))
        return false;
    uint16_t major;
    uint16_t minor;
    memcpy(&major, head.data + 4, sizeof major);
    memcpy(&minor, head.data + 6, sizeof minor);
    if (is_swapped(magic)) {
        major = __builtin_bswap16(major);
        minor = __builtin_bswap16(minor);
    }
    return major == 2 && minor == 4; /* older ones had other lengths: libpcap knows them */
}

/* Makes `need` bytes available at f->at. 1: they are there; 0: the file ends before; ERR_IO. */
static int fill(struct pcap_file *f, size_t need)
{
    memmove(f->window, f->window + f->at, f->end - f->at);
    f->offset += f->at;
    f->end -= f->at;
    f->at = 0;
    while (f->end < need) {
        ssize_t n = read(f->fd, f->window + f->end, WINDOW_BYTES - f->end);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? ERR_IO : 0;
        f->end += (size_t)n;
    }
    return 1;
}

static inline int want(struct pcap_file *f, size_t need)
{
    return __builtin_expect(f->end - f->at >= need, 1) ? 1 : fill(f, need);
}

/* want() did not give 1: why, and what that means. */
static enum source_state stopped(struct pcap_file *f, int result, struct why *why)
{
    if (result < 0) {
        why_set(why, "%s cannot be read on from byte %llu: %s", f->source.name,
                (unsigned long long)(f->offset + f->end), strerror(errno));
        return SOURCE_FAILED;
    }
    if (f->at == f->end)
        return SOURCE_END;
    why_set(why,
            "%s is cut in the middle of frame %llu, at byte %llu; the frames before it are good",
            f->source.name, (unsigned long long)f->source.stats.frames + 1,
            (unsigned long long)(f->offset + f->end));
    return SOURCE_TRUNCATED;
}

static enum source_state damaged(struct pcap_file *f, uint32_t captured, struct why *why)
{
    why_set(
        why,
        "%s is damaged: frame %llu, at byte %llu, claims %u bytes; the frames before it are good",
        f->source.name, (unsigned long long)f->source.stats.frames + 1,
        (unsigned long long)(f->offset + f->at), captured);
    return SOURCE_TRUNCATED;
}

static enum source_state pcap_file_read(struct source *s, struct delivery *d, int timeout_ms,
                                        struct why *why)
{
    struct pcap_file *f = (struct pcap_file *)s;
    (void)timeout_ms;
    while (d->frames < d->frames_max && !source_woken(s)) {
        int result = want(f, RECORD_SIZE);
        if (result != 1)
            return stopped(f, result, why);
        uint32_t captured = word(f->window + f->at + 8, f->swapped);
        if (captured > SOURCE_FRAME_MAX)
            return damaged(f, captured, why);
        result = want(f, RECORD_SIZE + captured);
        if (result != 1)
            return stopped(f, result, why);
        const uint8_t *record = f->window + f->at;
        uint32_t wire = word(record + 12, f->swapped);
        struct frame frame = {
            .bytes = slice_of(record + RECORD_SIZE, captured),
            .wire_bytes = wire > captured ? wire : captured,
            .link_type = f->link_type,
            .time_ns = (int64_t)word(record, f->swapped) * 1000000000 +
                       (int64_t)word(record + 4, f->swapped) * f->ns_per_unit,
        };
        f->at += RECORD_SIZE + captured;
        source_deliver(s, d, &frame);
    }
    atomic_store_explicit(&s->woken, false, memory_order_relaxed);
    return SOURCE_MORE;
}

static double pcap_file_progress(const struct source *s)
{
    const struct pcap_file *f = (const struct pcap_file *)s;
    double share = (double)(f->offset + f->at) / (double)f->size_bytes;
    return share > 1 ? 1 : share; /* it grew since */
}

static void pcap_file_close(struct source *s)
{
    struct pcap_file *f = (struct pcap_file *)s;
    close(f->fd);
    free(f->window);
    free(f);
}

static const struct source_kind pcap_file_kind = {
    .read = pcap_file_read,
    .progress = pcap_file_progress,
    .close = pcap_file_close,
};

/* The head was looked at before: pcap_file_fits(). */
static void learn_head(struct pcap_file *f)
{
    uint32_t magic = word(f->window, false);
    f->swapped = is_swapped(magic);
    f->ns_per_unit = magic == MAGIC_NS || magic == MAGIC_NS_SWAPPED ? 1 : 1000;
    f->link_type = (uint16_t)word(f->window + 20, f->swapped); /* above it: length of the FCS */
    f->at = PCAP_FILE_HEAD_SIZE;
}

int pcap_file_open(int fd, const char *path, uint64_t size_bytes, struct source **ret_source,
                   struct why *why)
{
    struct pcap_file *f = calloc(1, sizeof *f);
    if (f)
        f->window = malloc(WINDOW_BYTES);
    if (f == NULL || f->window == NULL || source_init(&f->source, &pcap_file_kind, path) != 0) {
        why_set(why, "%s: no memory to read it", path);
        goto fail;
    }
    f->fd = fd;
    f->size_bytes = size_bytes;
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (fill(f, PCAP_FILE_HEAD_SIZE) != 1) {
        why_set(why, "%s cannot be read", path);
        source_close(&f->source);
        return ERR_IO;
    }
    learn_head(f);
    *ret_source = &f->source;
    return 0;
fail:
    close(fd);
    if (f)
        free(f->window);
    free(f);
    return ERR_NOMEM;
}
