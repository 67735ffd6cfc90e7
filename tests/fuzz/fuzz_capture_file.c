/* Capture files from memory: pcap, pcapng, old variants, gzip and zstd. The first byte says with or
 * without a filter, and alone or merged with itself; the rest is the file. */
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/source/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
    uint64_t frames;
    uint64_t bytes;
    uint8_t sum;
};

static void on_frame(void *context, const struct frame *frame)
{
    struct tally *t = context;
    assert(frame->bytes.size <= SOURCE_FRAME_MAX);
    assert(frame->wire_bytes >= frame->bytes.size);
    t->frames++;
    t->bytes += frame->bytes.size;
    for (size_t i = 0; i < frame->bytes.size; i++)
        t->sum ^= frame->bytes.data[i];
}

/* A source over these bytes, or NULL. */
static struct source *open_bytes(const uint8_t *data, size_t size, const char *filter)
{
    struct source *s = NULL;
    struct why why;
    struct file_options options = {.filter = filter, .unpack_max = 4 << 20};
    int fd = memfd_create("capture", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return file_open_fd(fd, "capture", &options, &s, &why) == 0 ? s : NULL;
}

static struct tally read_all(struct source *s)
{
    struct tally t = {0};
    struct source_stats stats;
    struct why why = {0};
    enum source_state state;
    while ((state = source_dispatch(s, 7, 0, on_frame, &t, &why)) == SOURCE_MORE)
        ;
    assert(state != SOURCE_IDLE);
    assert(state == SOURCE_END || why.text[0]);
    source_stats(s, &stats);
    assert(stats.frames == t.frames && source_progress(s) <= 1);
    source_close(s);
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *filter = data[0] & 1 ? "len > 40" : NULL;
    struct source *one = open_bytes(data + 1, size - 1, filter);
    if (one == NULL)
        return 0;
    struct tally alone = read_all(one);
    if ((data[0] & 2) == 0)
        return 0;
    struct source_input twice[2] = {
        {.source = open_bytes(data + 1, size - 1, filter)},
        {.source = open_bytes(data + 1, size - 1, filter), .offset_ns = 1000}};
    struct source *merge = NULL;
    struct why why;
    if (source_open_merge(twice, 2, NULL, NULL, &merge, &why) != 0)
        abort();
    struct tally merged = read_all(merge);
    assert(merged.frames == 2 * alone.frames && merged.bytes == 2 * alone.bytes && merged.sum == 0);
    return 0;
}
