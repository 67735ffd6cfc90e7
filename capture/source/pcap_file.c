/* Our own reader of the classic capture format: twice as fast as libpcap's, because a frame is a
 * bounds check in a window of the file and not two fread() calls.
 *
 *     file header, 24 bytes: magic (tells byte order and unit of time), version 2.4, snaplen, link
 *     type; then per frame 16 bytes: seconds, fraction, captured bytes, bytes on the wire; and the
 *     bytes
 *
 * Old and odd variants are left to libpcap (savefile.c). */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/source/filter.h"
#include "capture/source/input.h"

#define RECORD_SIZE 16

#define MAGIC_US         0xa1b2c3d4u
#define MAGIC_NS         0xa1b23c4du
#define MAGIC_US_SWAPPED 0xd4c3b2a1u
#define MAGIC_NS_SWAPPED 0x4d3cb2a1u

struct pcap_file {
    struct source source;
    struct input in;
    bool swapped;         /* written by a machine of the other byte order */
    uint32_t ns_per_unit; /* of the fraction */
    uint16_t link_type;
    uint64_t number;       /* of the frame that comes next, from 1 */
    struct filter *filter; /* NULL: all frames */
};

_Static_assert(INPUT_WANT_MAX >= SOURCE_FRAME_MAX + RECORD_SIZE, "a record fits the window");

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

static enum source_state damaged(struct pcap_file *f, uint32_t captured, struct why *why)
{
    why_set(why,
            "%s is damaged: frame %" PRIu64 ", at byte %" PRIu64
            ", claims %u bytes; the frames before it are good",
            f->source.name, f->number, input_offset(&f->in), captured);
    return SOURCE_TRUNCATED;
}

static enum source_state stopped(struct pcap_file *f, enum input_state state, struct why *why)
{
    if (state == INPUT_WOKEN)
        source_wake_clear(&f->source);
    return input_stopped(&f->in, state, false, &f->source, "frame", f->number, why);
}

static struct frame frame_at(const struct pcap_file *f, const uint8_t *record, uint32_t captured)
{
    uint32_t wire = word(record + 12, f->swapped);
    return (struct frame){
        .bytes = slice_of(record + RECORD_SIZE, captured),
        .wire_bytes = wire > captured ? wire : captured,
        .link_type = f->link_type,
        .time_ns = (int64_t)word(record, f->swapped) * 1000000000 +
                   (int64_t)word(record + 4, f->swapped) * f->ns_per_unit,
    };
}

/* The record behind the one that was passed, as far as it lies in the window. */
static struct slice next_at(const struct pcap_file *f)
{
    size_t left = f->in.end - f->in.at;
    if (left <= RECORD_SIZE)
        return slice_none();
    size_t captured = word(input_at(&f->in) + 8, f->swapped);
    left -= RECORD_SIZE;
    return slice_of(input_at(&f->in) + RECORD_SIZE, captured < left ? captured : left);
}

static enum source_state pcap_file_read(struct source *s, struct delivery *d, int timeout_ms,
                                        struct why *why)
{
    struct pcap_file *f = (struct pcap_file *)s;
    (void)timeout_ms;
    int refused = 0;
    while (d->frames < d->frames_max && refused < SOURCE_LOOKS_MAX && !source_woken(s)) {
        enum input_state state = input_want(&f->in, RECORD_SIZE);
        if (state != INPUT_OK)
            return stopped(f, state, why);
        uint32_t captured = word(input_at(&f->in) + 8, f->swapped);
        if (captured > SOURCE_FRAME_MAX)
            return damaged(f, captured, why);
        state = input_want(&f->in, RECORD_SIZE + captured);
        if (state != INPUT_OK)
            return stopped(f, state, why);
        struct frame frame = frame_at(f, input_at(&f->in), captured);
        input_pass(&f->in, RECORD_SIZE + captured);
        frame.ahead = next_at(f);
        f->number++;
        if (f->filter && !filter_passes(f->filter, &frame))
            refused++;
        else
            source_deliver(s, d, &frame);
    }
    if (source_woken(s))
        source_wake_clear(s);
    return SOURCE_MORE;
}

static double pcap_file_progress(const struct source *s)
{
    return input_progress(&((const struct pcap_file *)s)->in);
}

static void pcap_file_close(struct source *s)
{
    struct pcap_file *f = (struct pcap_file *)s;
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    input_close(&f->in);
    filter_free(f->filter);
    free(f);
}

static const struct source_kind pcap_file_kind = {
    .read = pcap_file_read,
    .progress = pcap_file_progress,
    .close = pcap_file_close,
    .lasting = true,
};

/* The head was looked at before: pcap_file_fits(). */
static void learn_head(struct pcap_file *f)
{
    uint32_t magic = word(input_at(&f->in), false);
    f->swapped = is_swapped(magic);
    f->ns_per_unit = magic == MAGIC_NS || magic == MAGIC_NS_SWAPPED ? 1 : 1000;
    f->link_type =
        (uint16_t)word(input_at(&f->in) + 20, f->swapped); /* above it: length of the FCS */
    f->number = 1;
    input_pass(&f->in, PCAP_FILE_HEAD_SIZE);
}

int pcap_file_open(struct input *in, const char *path, const struct file_options *options,
                   struct source **ret_source, struct why *why)
{
    struct pcap_file *f = calloc(1, sizeof *f);
    if (f == NULL || source_init(&f->source, &pcap_file_kind, path) != 0) {
        why_set(why, "%s: no memory to read it", path);
        input_close(in);
        free(f);
        return ERR_NOMEM;
    }
    f->in = *in;
    f->in.source = &f->source;
    learn_head(f);
    int err = filter_new(options->filter, &f->filter);
    if (err)
        why_set(why, "%s: no memory for the filter", path);
    else
        err = filter_compile(f->filter, f->link_type, path, why);
    if (!err && f->in.waits && (err = source_wake_open(&f->source)) != 0)
        why_set(why, "%s: no eventfd", path);
    if (err) {
        source_close(&f->source);
        return err;
    }
    *ret_source = &f->source;
    return 0;
}
