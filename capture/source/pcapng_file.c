/* Our reader of pcapng. A file is a chain of blocks, each with its length in front and behind:
 *
 *     section header   byte order of what follows; what was described before counts no more
 *     interface        link type, unit and offset of its time stamps; numbered from 0
 *     packets          enhanced, simple, and the obsolete kind that it began with
 *     statistics       among them what an interface dropped while the capture was made
 *
 * and others, which are passed over. Interfaces may differ in link type, which is why this is not
 * left to libpcap: it takes one link type a file. Drops that the file tells of, in statistics or
 * with the packets (whichever is more, for they tell of the same), count like those of a kernel. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/source/filter.h"
#include "capture/source/input.h"

#define BLOCK_SECTION    0x0a0d0d0au
#define BLOCK_INTERFACE  1u
#define BLOCK_PACKET     2u
#define BLOCK_SIMPLE     3u
#define BLOCK_STATISTICS 5u
#define BLOCK_ENHANCED   6u

#define ORDER_MAGIC         0x1a2b3c4du
#define ORDER_MAGIC_SWAPPED 0x4d3c2b1au

#define OPTION_IF_NAME     2
#define OPTION_IF_TSRESOL  9
#define OPTION_IF_TSOFFSET 14
#define OPTION_ISB_IFDROP  5
#define OPTION_ISB_OSDROP  7
#define OPTION_EPB_DROPS   4

#define BLOCK_MIN      12u /* type, length, length */
#define TRAILER        4u
#define SECTION_MIN    28u
#define INTERFACE_MIN  20u
#define STATISTICS_MIN 24u
#define PACKET_HEAD    28u
#define SIMPLE_HEAD    12u

#define INTERFACES_MAX 4096 /* of a section: a table that the file makes grow */
#define NAME_MAX_BYTES 24

struct interface {
    uint16_t link_type;
    uint32_t snaplen;  /* 0: no limit */
    uint64_t multiply; /* time stamp to ns: times this, */
    uint64_t divide;   /* by this, */
    uint8_t shift;     /* and to the right by this */
    int64_t offset_s;
    uint64_t drops_counted;  /* sum of what the packets say */
    uint64_t drops_reported; /* by the last statistics */
    char name[NAME_MAX_BYTES];
};

struct pcapng_file {
    struct source source;
    struct input in;
    bool swapped;
    bool ill;             /* a filter could not be made: no further frames */
    uint64_t number;      /* of the block that comes next, from 1 */
    uint64_t pending;     /* of a block not yet left: bytes to pass over before its trailer */
    uint32_t open_length; /* of that block; 0: there is none */
    int64_t last_ns;      /* simple packets have no time: they get that of the packet before */
    uint64_t past_drops;  /* of sections before this one */
    struct interface *interfaces;
    uint32_t interface_count;
    uint32_t interface_room;
    struct filter *filter;
};

/* A block whose first `size` bytes are in the window; all of it unless it is enormous. */
struct block {
    const uint8_t *at;
    uint32_t type;
    uint32_t length;
    uint32_t size; /* without the trailer */
};

_Static_assert(INPUT_WANT_MAX > SOURCE_FRAME_MAX + PACKET_HEAD + TRAILER, "a packet fits");

static uint16_t half(const struct pcapng_file *f, const uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return f->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t word(const struct pcapng_file *f, const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return f->swapped ? __builtin_bswap32(v) : v;
}

static uint64_t dword(const struct pcapng_file *f, const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return f->swapped ? __builtin_bswap64(v) : v;
}

static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* ---- options ---- */

struct option {
    uint16_t code;
    struct slice value;
};

/* The next option of *list; false at their end, and where they make no sense. */
static bool next_option(const struct pcapng_file *f, struct slice *list, struct option *ret_option)
{
    if (list->size < 4)
        return false;
    uint16_t code = half(f, list->data);
    size_t size = half(f, list->data + 2);
    size_t padded = (size + 3) / 4 * 4;
    if (code == 0 || padded > list->size - 4)
        return false;
    *ret_option = (struct option){.code = code, .value = slice_of(list->data + 4, size)};
    *list = slice_from(*list, 4 + padded);
    return true;
}

static struct slice options_from(const struct block *b, uint32_t at)
{
    return at < b->size ? slice_of(b->at + at, b->size - at) : slice_none();
}

/* ---- interfaces ---- */

/* 10^-n or, with the highest bit set, 2^-n seconds. */
static void set_unit(struct interface *i, uint8_t unit)
{
    unsigned n = unit & 0x7f;
    i->multiply = i->divide = 1;
    i->shift = 0;
    if (unit & 0x80) {
        i->multiply = 1000000000;
        i->shift = (uint8_t)n;
        return;
    }
    for (; n < 9; n++)
        i->multiply *= 10;
    for (; n > 9 && i->divide < UINT64_MAX / 10; n--)
        i->divide *= 10;
    if (n > 9)
        i->multiply = 0; /* a whole range of such ticks is less than a nanosecond */
}

/* What does not fit is held at the end of the range. */
static int64_t time_of(const struct interface *i, uint64_t ticks)
{
    unsigned __int128 ns = (unsigned __int128)ticks * i->multiply >> i->shift;
    if (i->divide != 1)
        ns /= i->divide;
    __int128 sum = (__int128)i->offset_s * 1000000000 +
                   (__int128)(ns > UINT64_MAX ? (unsigned __int128)UINT64_MAX : ns);
    return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
}

static void learn_option(const struct pcapng_file *f, struct interface *i, const struct option *o)
{
    switch (o->code) {
    case OPTION_IF_NAME:
        slice_copy_to(o->value, i->name, sizeof i->name);
        for (char *c = i->name; *c; c++)
            if (*c < 0x20 || *c == 0x7f)
                *c = '?'; /* it stands in sentences for people */
        break;
    case OPTION_IF_TSRESOL:
        if (o->value.size >= 1)
            set_unit(i, o->value.data[0]);
        break;
    case OPTION_IF_TSOFFSET:
        if (o->value.size >= 8)
            i->offset_s = (int64_t)dword(f, o->value.data);
        break;
    default:
        break;
    }
}

static struct interface *new_interface(struct pcapng_file *f)
{
    if (f->interface_count == f->interface_room) {
        uint32_t room = f->interface_room ? f->interface_room * 2 : 8;
        struct interface *grown = realloc(f->interfaces, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        f->interfaces = grown;
        f->interface_room = room;
    }
    struct interface *i = &f->interfaces[f->interface_count];
    *i = (struct interface){0};
    return i;
}

static uint64_t drops_of(const struct pcapng_file *f)
{
    uint64_t sum = f->past_drops;
    for (uint32_t k = 0; k < f->interface_count; k++) {
        const struct interface *i = &f->interfaces[k];
        sum = add(sum, i->drops_counted > i->drops_reported ? i->drops_counted : i->drops_reported);
    }
    return sum;
}

/* ---- what is wrong ---- */

__attribute__((format(printf, 3, 4))) static enum source_state
damaged(struct pcapng_file *f, struct why *why, const char *format, ...)
{
    char detail[160];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    why_set(why,
            "%s is damaged: block %" PRIu64 ", at byte %" PRIu64
            ", %s; the frames before it are good",
            f->source.name, f->number, input_offset(&f->in), detail);
    return SOURCE_TRUNCATED;
}

static enum source_state stopped(struct pcapng_file *f, enum input_state state, struct why *why)
{
    if (state == INPUT_WOKEN)
        source_wake_clear(&f->source);
    return input_stopped(&f->in, state, f->open_length > 0, &f->source, "block", f->number, why);
}

/* ---- blocks: SOURCE_MORE when all is well ---- */

static enum source_state on_section(struct pcapng_file *f, const struct block *b, struct why *why)
{
    if (b->length < SECTION_MIN)
        return damaged(f, why, "is a section header of %u bytes", b->length);
    uint16_t major = half(f, b->at + 12);
    if (major != 1)
        return damaged(f, why, "is of version %u.%u of the format, which is not known", major,
                       half(f, b->at + 14));
    f->past_drops = drops_of(f);
    f->interface_count = 0;
    return SOURCE_MORE;
}

static enum source_state on_interface(struct pcapng_file *f, const struct block *b, struct why *why)
{
    if (b->length < INTERFACE_MIN)
        return damaged(f, why, "describes an interface in %u bytes", b->length);
    if (f->interface_count == INTERFACES_MAX)
        return damaged(f, why, "describes more than %d interfaces", INTERFACES_MAX);
    struct interface *i = new_interface(f);
    if (i == NULL) {
        why_set(why, "%s: no memory for its interfaces", f->source.name);
        return SOURCE_FAILED;
    }
    i->link_type = half(f, b->at + 8);
    i->snaplen = word(f, b->at + 12);
    set_unit(i, 6);
    struct slice options = options_from(b, 16);
    for (struct option o; next_option(f, &options, &o);)
        learn_option(f, i, &o);
    if (filter_compile(f->filter, i->link_type, f->source.name, why) != 0) {
        f->ill = true;
        return SOURCE_FAILED;
    }
    f->interface_count++;
    return SOURCE_MORE;
}

static enum source_state on_statistics(struct pcapng_file *f, const struct block *b)
{
    uint32_t index = b->length < STATISTICS_MIN ? UINT32_MAX : word(f, b->at + 8);
    if (index >= f->interface_count)
        return SOURCE_MORE; /* nothing of it is needed to go on */
    uint64_t drops = 0;
    struct slice options = options_from(b, 20);
    for (struct option o; next_option(f, &options, &o);) {
        bool is_drop = o.code == OPTION_ISB_IFDROP || o.code == OPTION_ISB_OSDROP;
        uint64_t count = is_drop && o.value.size >= 8 ? dword(f, o.value.data) : UINT64_MAX;
        if (count != UINT64_MAX) /* all ones: not known */
            drops = add(drops, count);
    }
    if (drops > f->interfaces[index].drops_reported)
        f->interfaces[index].drops_reported = drops;
    return SOURCE_MORE;
}

static void count_drops(const struct pcapng_file *f, struct interface *i, const struct block *b,
                        uint32_t options_at)
{
    if (b->type == BLOCK_PACKET) {
        uint16_t drops = half(f, b->at + 10);
        i->drops_counted = add(i->drops_counted, drops == UINT16_MAX ? 0 : drops);
        return;
    }
    struct slice options = options_from(b, options_at);
    for (struct option o; next_option(f, &options, &o);)
        if (o.code == OPTION_EPB_DROPS && o.value.size >= 8 && dword(f, o.value.data) != UINT64_MAX)
            i->drops_counted = add(i->drops_counted, dword(f, o.value.data));
}

/* Enhanced and obsolete packets differ in four bytes only. */
static enum source_state on_packet(struct pcapng_file *f, const struct block *b,
                                   struct frame *ret_frame, struct why *why)
{
    if (b->length < PACKET_HEAD + TRAILER)
        return damaged(f, why, "is a packet of %u bytes", b->length);
    uint32_t index = b->type == BLOCK_PACKET ? half(f, b->at + 8) : word(f, b->at + 8);
    uint32_t captured = word(f, b->at + 20);
    uint32_t wire = word(f, b->at + 24);
    if (captured > SOURCE_FRAME_MAX || captured > b->length - PACKET_HEAD - TRAILER)
        return damaged(f, why, "of %u bytes, claims a frame of %u bytes", b->length, captured);
    if (index >= f->interface_count)
        return damaged(f, why, "is of interface %u, which the file does not describe", index);
    struct interface *i = &f->interfaces[index];
    uint32_t options_at = PACKET_HEAD + (captured + 3) / 4 * 4;
    if (b->type == BLOCK_PACKET || options_at < b->size)
        count_drops(f, i, b, options_at);
    *ret_frame = (struct frame){
        .bytes = slice_of(b->at + PACKET_HEAD, captured),
        .wire_bytes = wire > captured ? wire : captured,
        .link_type = i->link_type,
        .time_ns = time_of(i, (uint64_t)word(f, b->at + 12) << 32 | word(f, b->at + 16)),
    };
    f->last_ns = ret_frame->time_ns;
    return SOURCE_MORE;
}

static enum source_state on_simple(struct pcapng_file *f, const struct block *b,
                                   struct frame *ret_frame, struct why *why)
{
    if (b->length < SIMPLE_HEAD + TRAILER)
        return damaged(f, why, "is a packet of %u bytes", b->length);
    if (f->interface_count == 0)
        return damaged(f, why, "is of interface 0, which the file does not describe");
    uint32_t wire = word(f, b->at + 8);
    uint32_t captured = b->length - SIMPLE_HEAD - TRAILER;
    uint32_t snaplen = f->interfaces[0].snaplen;
    if (captured > wire)
        captured = wire;
    if (snaplen && captured > snaplen)
        captured = snaplen;
    if (captured > SOURCE_FRAME_MAX)
        return damaged(f, why, "claims a frame of %u bytes", captured);
    *ret_frame = (struct frame){
        .bytes = slice_of(b->at + SIMPLE_HEAD, captured),
        .wire_bytes = wire,
        .link_type = f->interfaces[0].link_type,
        .time_ns = f->last_ns,
    };
    return SOURCE_MORE;
}

static bool is_known(uint32_t type)
{
    return type == BLOCK_SECTION || (type >= BLOCK_INTERFACE && type <= BLOCK_SIMPLE) ||
           type == BLOCK_STATISTICS || type == BLOCK_ENHANCED;
}

/* ---- the chain ---- */

/* Sets the byte order of the section that begins here. */
static bool learn_order(struct pcapng_file *f, const uint8_t *at)
{
    uint32_t magic;
    memcpy(&magic, at + 8, sizeof magic);
    if (magic != ORDER_MAGIC && magic != ORDER_MAGIC_SWAPPED)
        return false;
    f->swapped = magic == ORDER_MAGIC_SWAPPED;
    return true;
}

/* The next block, as far as it is wanted. SOURCE_MORE when it is there. */
static enum source_state next_block(struct pcapng_file *f, struct block *b, struct why *why)
{
    b->at = NULL; /* woken: SOURCE_MORE without a block */
    enum input_state state = input_want(&f->in, BLOCK_MIN);
    if (state != INPUT_OK)
        return stopped(f, state, why);
    b->type = word(f, input_at(&f->in));
    if (b->type == BLOCK_SECTION && !learn_order(f, input_at(&f->in)))
        return damaged(f, why, "is a section header without a byte order");
    b->length = word(f, input_at(&f->in) + 4);
    if (b->length < BLOCK_MIN || b->length % 4 != 0)
        return damaged(f, why, "claims %u bytes", b->length);
    uint32_t wanted = !is_known(b->type)           ? BLOCK_MIN
                      : b->length > INPUT_WANT_MAX ? INPUT_WANT_MAX
                                                   : b->length;
    state = input_want(&f->in, wanted);
    if (state != INPUT_OK)
        return stopped(f, state, why);
    b->at = input_at(&f->in);
    b->size = wanted < b->length ? wanted : wanted - TRAILER;
    return SOURCE_MORE;
}

static enum source_state wrong_trailer(struct pcapng_file *f, uint32_t length, uint32_t trailer,
                                       struct why *why)
{
    return damaged(f, why, "claims %u bytes in front and %u behind", length, trailer);
}

/* Goes on behind the block: at once, or with the next read() where it is not all in the window,
 * for the frame in it must stay. */
static void leave_block(struct pcapng_file *f, const struct block *b)
{
    if (f->in.end - f->in.at >= b->length) {
        input_pass(&f->in, b->length);
        f->number++;
        return;
    }
    f->pending = b->length - TRAILER;
    f->open_length = b->length;
}

static enum source_state leave_open_block(struct pcapng_file *f, struct why *why)
{
    enum input_state state = input_skip(&f->in, &f->pending);
    if (state == INPUT_OK)
        state = input_want(&f->in, TRAILER);
    if (state != INPUT_OK)
        return stopped(f, state, why);
    uint32_t trailer = word(f, input_at(&f->in));
    if (trailer != f->open_length)
        return wrong_trailer(f, f->open_length, trailer, why);
    input_pass(&f->in, TRAILER);
    f->open_length = 0;
    f->number++;
    return SOURCE_MORE;
}

static enum source_state take_block(struct pcapng_file *f, const struct block *b,
                                    struct frame *ret_frame, bool *ret_is_frame, struct why *why)
{
    switch (b->type) {
    case BLOCK_ENHANCED:
    case BLOCK_PACKET:
        *ret_is_frame = true;
        return on_packet(f, b, ret_frame, why);
    case BLOCK_SIMPLE:
        *ret_is_frame = true;
        return on_simple(f, b, ret_frame, why);
    case BLOCK_SECTION:
        return on_section(f, b, why);
    case BLOCK_INTERFACE:
        return on_interface(f, b, why);
    case BLOCK_STATISTICS:
        return on_statistics(f, b);
    default:
        return SOURCE_MORE;
    }
}

/* One block; a frame in it is valid until the next step. */
static enum source_state step(struct pcapng_file *f, struct frame *ret_frame, bool *ret_is_frame,
                              struct why *why)
{
    struct block b;
    *ret_is_frame = false;
    if (f->open_length) {
        enum source_state state = leave_open_block(f, why);
        if (state != SOURCE_MORE || f->open_length)
            return state;
    }
    enum source_state state = next_block(f, &b, why);
    if (state != SOURCE_MORE || b.at == NULL)
        return state;
    if (f->in.end - f->in.at >= b.length) {
        uint32_t trailer = word(f, b.at + b.length - TRAILER);
        if (trailer != b.length)
            return wrong_trailer(f, b.length, trailer, why);
    }
    state = take_block(f, &b, ret_frame, ret_is_frame, why);
    if (state == SOURCE_MORE)
        leave_block(f, &b);
    return state;
}

static enum source_state pcapng_file_read(struct source *s, struct delivery *d, int timeout_ms,
                                          struct why *why)
{
    struct pcapng_file *f = (struct pcapng_file *)s;
    (void)timeout_ms;
    for (int looks = 0;
         d->frames < d->frames_max && looks < SOURCE_LOOKS_MAX && !source_woken(s);) {
        struct frame frame;
        bool is_frame;
        enum source_state state = step(f, &frame, &is_frame, why);
        if (state != SOURCE_MORE)
            return f->ill ? SOURCE_FAILED : state;
        if (is_frame && (f->filter == NULL || filter_passes(f->filter, &frame)))
            source_deliver(s, d, &frame);
        else
            looks++;
    }
    if (source_woken(s))
        source_wake_clear(s);
    return SOURCE_MORE;
}

/* ---- the source ---- */

static void pcapng_file_stats(struct source *s)
{
    s->stats.kernel_drops = drops_of((struct pcapng_file *)s);
}

static double pcapng_file_progress(const struct source *s)
{
    return input_progress(&((const struct pcapng_file *)s)->in);
}

static void pcapng_file_close(struct source *s)
{
    struct pcapng_file *f = (struct pcapng_file *)s;
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    input_close(&f->in);
    filter_free(f->filter);
    free(f->interfaces);
    free(f);
}

static const struct source_kind pcapng_file_kind = {
    .read = pcapng_file_read,
    .stats = pcapng_file_stats,
    .progress = pcapng_file_progress,
    .close = pcapng_file_close,
    .lasting = true,
};

bool pcapng_file_fits(struct slice head)
{
    uint32_t type;
    struct pcapng_file order;
    if (head.size < BLOCK_MIN)
        return false;
    memcpy(&type, head.data, sizeof type);
    return type == BLOCK_SECTION && learn_order(&order, head.data);
}

/* The first interface is looked at when the file is opened: a filter that is no filter is then
 * known. Cuts and damages are left for the first read. */
static int look_ahead(struct pcapng_file *f, struct why *why)
{
    struct frame frame;
    bool is_frame;
    struct why ignored;
    if (f->filter == NULL || step(f, &frame, &is_frame, &ignored) != SOURCE_MORE ||
        input_want(&f->in, BLOCK_MIN) != INPUT_OK || word(f, input_at(&f->in)) != BLOCK_INTERFACE)
        return 0;
    step(f, &frame, &is_frame, why);
    return f->ill ? ERR_INVALID : 0;
}

int pcapng_file_open(struct input *in, const char *path, const struct file_options *options,
                     struct source **ret_source, struct why *why)
{
    struct pcapng_file *f = calloc(1, sizeof *f);
    if (f == NULL || source_init(&f->source, &pcapng_file_kind, path) != 0) {
        why_set(why, "%s: no memory to read it", path);
        input_close(in);
        free(f);
        return ERR_NOMEM;
    }
    f->in = *in;
    f->in.source = &f->source;
    f->number = 1;
    int err = filter_new(options->filter, &f->filter);
    if (!err && f->in.waits)
        err = source_wake_open(&f->source);
    if (err)
        why_set(why, "%s: no memory or descriptor to read it", path);
    else
        err = look_ahead(f, why);
    if (err) {
        source_close(&f->source);
        return err;
    }
    *ret_source = &f->source;
    return 0;
}
