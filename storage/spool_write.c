/* The writer of one worker. A packet is copied once into the gather buffer of its flow, where it
 * waits for hold_ms. Each SPOOL_STEP_MS what has waited so long is sealed as a chunk and copied
 * into the write buffer, which goes to the segment in one pwrite when it is full or flush_ms old.
 *
 *   packet -> flow's gather buffer -(hold_ms old, tail asked)-> write buffer -(full, due, flush)->
 * segment
 *
 * Gather buffers come from a pool and go back when they are empty, so idle flows hold none; a flow
 * that fills its own (video) gets a larger one, up to SPOOL_HELD_MAX. At a ceiling packets are
 * sealed early. Flows that gather stand in one of two lists in the order in which they are due, so
 * a tick looks only at those that are: `fresh` since their first packet came, `going` since they
 * were sealed last.
 *
 * When the disk refuses, the write buffer stays as it is and is offered again at the same place
 * each second; chunks that find it full are dropped and counted, and chains stay whole because a
 * dropped chunk never becomes anybody's `prev`. When a segment goes on failing for another reason
 * than lack of space, the buffer is given up for a new segment: flows then go back to the last
 * chunk that really stands on the disk.
 *
 * One owner, one thread. No clock: time is what spool_tick() brings. What can wait for the disk's
 * motion, write-out and sync, goes to the syncer's thread (spool_sync.h). */
#include "storage/spool_format.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "storage/spool_held.h"
#include "storage/spool_sync.h"

#define MS_NS          INT64_C(1000000)
#define DAY_NS         (86400000 * MS_NS)
#define RETRY_MS       1000
#define RETRIES_MAX    5          /* then a new segment, unless the disk is full */
#define POOL_BYTES_MAX (1u << 30) /* of gather buffers; only touched pages count as memory */
#define POOL_SLAB      64
#define AHEAD_MS       1000 /* packet time that is so far ahead of ours waits for nothing */

struct pool_slab {
    struct pool_slab *next;
    uint8_t *bytes;
};

struct gather_list {
    struct spool_flow *first, *last;
};

struct spool_flow {
    struct spool_flow *next, *prev; /* all flows */
    struct spool_flow *gather_next, *gather_prev;
    struct gather_list *list; /* that it stands in */
    uint8_t *gather;          /* NULL: nothing gathered */
    uint32_t gathered, gather_room;
    uint32_t packets;
    int64_t since_ns;             /* tick time when it came into its list */
    struct slice next_descriptor; /* ours: in force from describe_at on; data NULL: none */
    uint32_t describe_at;
    struct spool_ref tail;
    struct spool_ref safe; /* newest chunk known to be written when `tail` went to the buffer */
    uint32_t described;    /* segment that has the present descriptor; 0: none */
    struct spool_flow_info info; /* info.descriptor is a copy of ours */
};

struct spool {
    struct spool_config config;
    char data_dir[SPOOL_PATH_MAX];
    struct counters *counters;
    unsigned written_cell;
    int64_t now_ns;

    int fd; /* of the active segment, -1: none could be made */
    uint32_t segment;
    int64_t day;   /* of the segment's first tick, from 1970 on; 0: none yet */
    uint64_t base; /* segment offset of buffer[0]: all before it is written */
    uint8_t *buffer;
    uint32_t used, room;
    uint32_t done; /* bytes of the buffer that a short write got rid of */
    int64_t buffer_since_ns;
    struct spool_sync *syncer;
    int64_t synced_ns;
    bool unsynced; /* written since the last sync was asked for */
    int error;
    unsigned retries;
    int64_t retry_ns;
    uint64_t appended, written;

    struct spool_flow *flows;
    struct gather_list fresh, going;
    uint64_t large_bytes; /* in gather buffers that are not of the pool */
    struct pool_slab *slabs;
    uint8_t **pool; /* free gather buffers */
    uint32_t pool_free, pool_total, pool_max;
    uint8_t *big; /* for a packet larger than a gather buffer */
};

/* ---- pool of gather buffers ---- */

static bool pool_grow(struct spool *s)
{
    if (s->pool_total + POOL_SLAB > s->pool_max)
        return false;
    struct pool_slab *slab = malloc(sizeof *slab);
    uint8_t *bytes = malloc((size_t)POOL_SLAB * s->config.chunk_bytes);
    if (slab == NULL || bytes == NULL) {
        free(slab);
        free(bytes);
        return false;
    }
    *slab = (struct pool_slab){.next = s->slabs, .bytes = bytes};
    s->slabs = slab;
    for (uint32_t i = 0; i < POOL_SLAB; i++)
        s->pool[s->pool_free++] = bytes + (size_t)i * s->config.chunk_bytes;
    s->pool_total += POOL_SLAB;
    return true;
}

static void pool_fini(struct spool *s)
{
    while (s->slabs) {
        struct pool_slab *slab = s->slabs;
        s->slabs = slab->next;
        free(slab->bytes);
        free(slab);
    }
    free(s->pool);
}

/* ---- the write buffer and its segment ---- */

static void spool_fail(struct spool *s, int errnum)
{
    int err = err_of_errno(errnum);
    s->error = err == ERR_FULL ? ERR_FULL : ERR_IO;
    s->retry_ns = s->now_ns + RETRY_MS * MS_NS;
    s->retries++;
}

/* Offers the buffer once. After a short write the rest is offered again; the buffer is free when
 * all of it is written. */
static int buffer_write(struct spool *s)
{
    while (s->done < s->used) {
        ssize_t n =
            pwrite(s->fd, s->buffer + s->done, s->used - s->done, (off_t)(s->base + s->done));
        counters_add(s->counters, C_SPOOL_WRITES, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            spool_fail(s, n < 0 ? errno : ENOSPC);
            return s->error;
        }
        s->done += (uint32_t)n;
        s->written += (uint32_t)n;
        s->unsynced = true;
        counters_add(s->counters, s->written_cell, (uint64_t)n);
    }
    if (s->used && s->config.sync_ms)
        spool_sync_out(s->syncer, s->fd, s->base, s->used);
    s->base += s->used;
    s->used = s->done = 0;
    s->error = 0;
    s->retries = 0;
    return 0;
}

/* The syncer reports at the next tick how the last one went. */
static void segment_sync(struct spool *s)
{
    int error = spool_sync_error(s->syncer);

    if (error)
        spool_fail(s, error);
    if (s->unsynced && s->fd >= 0)
        spool_sync_all(s->syncer, s->fd);
    s->unsynced = false;
    s->synced_ns = s->now_ns;
}

/* Creates the next segment with a number that nobody had, above all there are, and locks it: an
 * active segment is one that is locked. Its header goes through the buffer like everything. */
static int segment_create(struct spool *s)
{
    char path[SPOOL_PATH_MAX];
    uint32_t *numbers;
    size_t count;
    int err = segment_list(s->data_dir, &numbers, &count);
    if (err)
        return err;
    uint32_t round = (count ? numbers[count - 1] / SPOOL_WRITERS : 0) + 1;
    free(numbers);
    if (round >= UINT32_MAX / SPOOL_WRITERS)
        return ERR_FULL;
    uint32_t number = round * SPOOL_WRITERS + s->config.writer;
    if (!segment_path(s->data_dir, number, path))
        return ERR_INVALID;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? ERR_BUSY : err_of_errno(errno);
    (void)flock(fd, LOCK_EX | LOCK_NB);
    assert(s->used == 0);
    s->fd = fd;
    s->segment = number;
    s->day = s->now_ns / DAY_NS;
    s->base = 0;
    segment_header_write(s->buffer, number, s->config.copy);
    s->used = SEGMENT_HEADER;
    s->appended += SEGMENT_HEADER;
    s->buffer_since_ns = s->now_ns;
    return 0;
}

static void segment_close(struct spool *s)
{
    if (s->fd < 0)
        return;
    (void)flock(s->fd, LOCK_UN); /* whoever waits for the disk, nobody writes it any more */
    spool_sync_close(s->syncer, s->fd, s->unsynced);
    s->unsynced = false;
    s->synced_ns = s->now_ns;
    s->fd = -1;
}

/* Writes out, closes, opens the next. Without a next one fd stays -1 until spool_tick() tries
 * again. */
static int segment_roll(struct spool *s)
{
    if (s->fd >= 0 && s->used > 0) {
        int err = buffer_write(s);
        if (err)
            return err;
    }
    segment_close(s);
    int err = segment_create(s);
    if (err == ERR_BUSY)
        err = segment_create(s);
    if (err) {
        s->error = err == ERR_FULL ? ERR_FULL : ERR_IO;
        s->retry_ns = s->now_ns + RETRY_MS * MS_NS;
    } else {
        s->error = 0;
    }
    return err;
}

static uint32_t buffer_packets(const struct spool *s)
{
    uint32_t packets = 0;
    struct chunk_header h;
    for (uint32_t at = s->base == 0 ? SEGMENT_HEADER : 0; at < s->used;) {
        struct spool_ref place = {.segment = s->segment, .offset = s->base + at};
        if (!chunk_header_read(slice_of(s->buffer + at, s->used - at), place, &h))
            break;
        packets += h.packets;
        at += (uint32_t)chunk_span(h.body_bytes);
    }
    return packets;
}

/* The segment takes nothing any more: gives up what waits for it. */
static void segment_abandon(struct spool *s)
{
    struct spool_ref lost = {.segment = s->segment, .offset = s->base};

    counters_add(s->counters, C_SPOOL_DROPPED, buffer_packets(s));
    for (struct spool_flow *f = s->flows; f; f = f->next) {
        if (f->tail.segment == s->segment && !ref_before(f->tail, lost))
            f->tail = f->safe;
    }
    s->written = s->appended; /* nobody shall wait for it */
    s->used = s->done = 0;
    s->unsynced = false;
    spool_sync_close(s->syncer, s->fd, false);
    s->fd = -1;
    s->retries = 0;
}

static void spool_recover(struct spool *s)
{
    if (s->fd >= 0 && buffer_write(s) == 0)
        return;
    if (s->fd >= 0 && s->error != ERR_FULL && s->retries > RETRIES_MAX)
        segment_abandon(s);
    if (s->fd < 0)
        (void)segment_roll(s);
}

/* Room for `span` bytes in buffer and segment, rolling or writing as needed. */
static bool buffer_make_room(struct spool *s, uint64_t span)
{
    if (s->error && (s->fd < 0 || s->used + span > s->room))
        return false; /* the next retry is up to spool_tick() */
    bool fresh = s->base + s->used <= SEGMENT_HEADER;
    if (s->fd < 0 || (!fresh && s->base + s->used + span > s->config.segment_bytes)) {
        if (s->error || segment_roll(s) != 0)
            return false;
    }
    if (s->used + span > s->room)
        (void)buffer_write(s);
    return s->used + span <= s->room;
}

/* ---- chunks ---- */

static void chunk_append(struct spool *s, struct spool_flow *f, struct chunk_header *h,
                         struct slice body)
{
    uint32_t span = (uint32_t)chunk_span((uint32_t)body.size);
    struct spool_ref self = {.segment = s->segment, .offset = s->base + s->used};
    uint8_t *out = s->buffer + s->used;

    assert(s->used + span <= s->room);
    h->body_bytes = (uint32_t)body.size;
    h->body_crc = crypto_crc32c(0, body.data, body.size);
    h->flow_kind = (uint8_t)f->info.kind;
    h->flow = f->info.flow;
    memcpy(h->uid, f->info.uid, sizeof h->uid);
    h->prev = f->tail;
    h->self = self;
    chunk_header_write(out, h);
    memcpy(out + CHUNK_HEADER, body.data, body.size);
    memset(out + CHUNK_HEADER + body.size, 0, span - CHUNK_HEADER - body.size);
    if (s->used == 0)
        s->buffer_since_ns = s->now_ns;
    s->used += span;
    s->appended += span;
    struct spool_ref written = {.segment = s->segment, .offset = s->base};
    if (f->tail.segment && ref_before(f->tail, written))
        f->safe = f->tail;
    f->tail = self;
}

static uint32_t descriptor_bytes(const struct spool_flow *f)
{
    return 2 * ENDPOINT_BYTES + (uint32_t)f->info.descriptor.size;
}

static void descriptor_append(struct spool *s, struct spool_flow *f, int64_t time_ns)
{
    struct chunk_header h = {.kind = CHUNK_DESCRIPTOR, .first_ns = time_ns, .last_ns = time_ns};

    memcpy(endpoint_write(endpoint_write(s->big, &f->info.src), &f->info.dst),
           f->info.descriptor.data ? f->info.descriptor.data : (const uint8_t *)"",
           f->info.descriptor.size);
    chunk_append(s, f, &h, slice_of(s->big, descriptor_bytes(f)));
    f->described = s->segment;
}

/* A chunk of packets, behind the flow's descriptor where the segment does not have it. False: no
 * room. */
static bool packets_append(struct spool *s, struct spool_flow *f, struct slice body,
                           uint32_t packets, int64_t first_ns, int64_t last_ns)
{
    uint64_t span = chunk_span((uint32_t)body.size);
    uint64_t both = span + chunk_span(descriptor_bytes(f));

    if (!buffer_make_room(s, f->described == s->segment ? span : both))
        return false;
    if (f->described != s->segment) {
        if (!buffer_make_room(s, both)) /* rolled just now */
            return false;
        descriptor_append(s, f, first_ns);
    }
    struct chunk_header h = {
        .kind = CHUNK_PACKETS, .packets = packets, .first_ns = first_ns, .last_ns = last_ns};
    chunk_append(s, f, &h, body);
    return true;
}

/* ---- gathering ---- */

static void gather_link(struct spool *s, struct spool_flow *f, struct gather_list *list)
{
    f->list = list;
    f->since_ns = s->now_ns;
    f->gather_prev = list->last;
    f->gather_next = NULL;
    *(list->last ? &list->last->gather_next : &list->first) = f;
    list->last = f;
}

static void gather_unlink(struct spool_flow *f)
{
    *(f->gather_prev ? &f->gather_prev->gather_next : &f->list->first) = f->gather_next;
    *(f->gather_next ? &f->gather_next->gather_prev : &f->list->last) = f->gather_prev;
    f->gather_prev = f->gather_next = NULL;
    f->list = NULL;
}

static bool is_large(const struct spool *s, const struct spool_flow *f)
{
    return f->gather_room > s->config.chunk_bytes;
}

static void gather_give_back(struct spool *s, struct spool_flow *f)
{
    if (is_large(s, f)) {
        s->large_bytes -= f->gather_room;
        free(f->gather);
    } else {
        s->pool[s->pool_free++] = f->gather;
    }
    f->gather = NULL;
    f->gather_room = 0;
}

/* The packets ahead are sealed: what comes has the new descriptor. */
static void descriptor_follow(struct spool_flow *f)
{
    free((void *)(uintptr_t)f->info.descriptor.data);
    f->info.descriptor = f->next_descriptor;
    f->next_descriptor = slice_none();
    f->described = 0;
}

/* Seals from the front, in chunks, what is not newer than that; what is left moves up. */
static bool gather_seal_until(struct spool *s, struct spool_flow *f, int64_t until_ns)
{
    struct held_part part;
    uint32_t done = 0;
    bool kept = true;
    for (;;) {
        uint32_t end = f->next_descriptor.data ? f->describe_at : f->gathered;
        if (done == end && f->next_descriptor.data) {
            descriptor_follow(f);
            continue;
        }
        if (!held_front(slice_of(f->gather + done, end - done), until_ns, s->config.chunk_bytes,
                        &part))
            break;
        if (!packets_append(s, f, slice_of(f->gather + done, part.bytes), part.packets,
                            part.first_ns, part.last_ns)) {
            counters_add(s->counters, C_SPOOL_DROPPED, part.packets);
            kept = false;
        }
        done += part.bytes;
        f->packets -= part.packets;
    }
    if (done && done < f->gathered)
        memmove(f->gather, f->gather + done, f->gathered - done);
    f->gathered -= done;
    f->describe_at -= f->next_descriptor.data ? done : 0;
    return kept;
}

/* Seals what is due and takes the flow's place among those that wait. */
static bool gather_step(struct spool *s, struct spool_flow *f, int64_t until_ns)
{
    bool kept = gather_seal_until(s, f, until_ns);
    gather_unlink(f);
    if (f->gathered)
        gather_link(s, f, &s->going);
    else
        gather_give_back(s, f);
    return kept;
}

/* Seals all that is gathered. */
static bool gather_seal(struct spool *s, struct spool_flow *f)
{
    return f->gather == NULL || gather_step(s, f, INT64_MAX);
}

static bool gather_begin(struct spool *s, struct spool_flow *f)
{
    if (s->pool_free == 0 && !pool_grow(s)) {
        struct spool_flow *oldest = s->going.first ? s->going.first : s->fresh.first;
        if (oldest == NULL || is_large(s, oldest))
            return false;
        counters_add(s->counters, C_SPOOL_HOLD_CUT, oldest->packets);
        (void)gather_seal(s, oldest);
    }
    f->gather = s->pool[--s->pool_free];
    f->gather_room = s->config.chunk_bytes;
    f->gathered = f->packets = 0;
    gather_link(s, f, &s->fresh);
    return true;
}

/* Twice the room; false at a ceiling. */
static bool gather_grow(struct spool *s, struct spool_flow *f)
{
    uint32_t room = 2 * f->gather_room;
    if (room > SPOOL_HELD_MAX || s->large_bytes + room > POOL_BYTES_MAX)
        return false;
    uint8_t *more = malloc(room);
    if (more == NULL)
        return false;
    memcpy(more, f->gather, f->gathered);
    gather_give_back(s, f);
    f->gather = more;
    f->gather_room = room;
    s->large_bytes += room;
    return true;
}

/* Room for one more of `size`, which a buffer can hold: what has waited goes, else the buffer
 * grows, else all that waits goes early. */
static bool gather_make_room(struct spool *s, struct spool_flow *f, uint32_t size, int64_t time_ns)
{
    if (f->gather && f->gathered + size > f->gather_room)
        (void)gather_step(s, f, time_ns - s->config.hold_ms * MS_NS);
    while (f->gather && f->gathered + size > f->gather_room) {
        if (gather_grow(s, f))
            continue;
        counters_add(s->counters, C_SPOOL_HOLD_CUT, f->packets);
        (void)gather_seal(s, f);
    }
    return f->gather || gather_begin(s, f);
}

void spool_flow_held(struct spool *s, struct spool_flow *f, int64_t since_ns, spool_held_fn *fn,
                     void *context)
{
    if (f->gather)
        f->gathered = held_change(f->gather, f->gathered, since_ns, fn, context, &f->describe_at,
                                  &f->packets);
    if (f->gather && f->gathered == 0)
        (void)gather_seal(s, f);
}

static bool packet_refuse(struct spool *s)
{
    counters_add(s->counters, C_SPOOL_DROPPED, 1);
    return false;
}

/* Larger than a gather buffer: a chunk of its own. */
static bool packet_alone(struct spool *s, struct spool_flow *f, const struct spool_packet *p,
                         bool endpoints)
{
    (void)gather_seal(s, f);
    /* `big` is also where a descriptor is put together, so the packet stands behind that. */
    uint8_t *start = s->big + DESCRIPTOR_MAX + 2 * ENDPOINT_BYTES;
    uint8_t *end = packet_write(start, p, endpoints);
    struct slice body = slice_of(start, (size_t)(end - start));
    return packets_append(s, f, body, 1, p->time_ns, p->time_ns) || packet_refuse(s);
}

bool spool_flow_packet(struct spool *s, struct spool_flow *f, const struct spool_packet *p)
{
    bool endpoints = f->info.kind == SPOOL_SIGNALLING;
    uint32_t size = packet_bytes(p, endpoints);

    assert(p->payload.size <= UINT16_MAX);
    if (__builtin_expect(s->error != 0, 0) &&
        s->used + chunk_span(s->config.chunk_bytes) + chunk_span(descriptor_bytes(f)) > s->room)
        return packet_refuse(s);
    if (size > s->config.chunk_bytes)
        return packet_alone(s, f, p, endpoints);
    if (!gather_make_room(s, f, size, p->time_ns))
        return packet_refuse(s);
    (void)packet_write(f->gather + f->gathered, p, endpoints);
    f->gathered += size;
    f->packets++;
    return true;
}

/* ---- flows ---- */

/* A copy; data NULL without memory. */
static struct slice descriptor_copy(struct slice descriptor)
{
    if (descriptor.size > DESCRIPTOR_MAX)
        descriptor.size = DESCRIPTOR_MAX;
    uint8_t *copy = malloc(descriptor.size ? descriptor.size : 1);
    if (copy == NULL)
        return slice_none();
    if (descriptor.size)
        memcpy(copy, descriptor.data, descriptor.size);
    return slice_of(copy, descriptor.size);
}

struct spool_flow *spool_flow_open(struct spool *s, const struct spool_flow_info *info,
                                   int64_t now_ns)
{
    struct spool_flow *f = calloc(1, sizeof *f);

    if (s->now_ns == 0)
        s->now_ns = now_ns;
    if (f == NULL) {
        counters_add(s->counters, C_SPOOL_DROPPED, 1);
        return NULL;
    }
    f->info = *info;
    f->info.descriptor = descriptor_copy(info->descriptor);
    if (f->info.descriptor.data == NULL) {
        counters_add(s->counters, C_SPOOL_DROPPED, 1);
        free(f);
        return NULL;
    }
    f->next = s->flows;
    if (s->flows)
        s->flows->prev = f;
    s->flows = f;
    return f;
}

/* In force behind what is gathered; a second one so soon sends that off early. */
void spool_flow_describe(struct spool *s, struct spool_flow *f, struct slice descriptor,
                         int64_t now_ns)
{
    (void)now_ns;
    struct slice copy = descriptor_copy(descriptor);
    if (copy.data == NULL)
        return;
    if (f->next_descriptor.data)
        (void)gather_seal(s, f);
    f->next_descriptor = copy;
    f->describe_at = f->gathered;
    if (f->gather == NULL)
        descriptor_follow(f);
}

struct spool_ref spool_flow_tail(struct spool *s, struct spool_flow *f)
{
    (void)gather_seal(s, f);
    return f->tail;
}

struct spool_ref spool_flow_close(struct spool *s, struct spool_flow *f)
{
    struct spool_ref tail = spool_flow_tail(s, f);

    if (f->prev)
        f->prev->next = f->next;
    else
        s->flows = f->next;
    if (f->next)
        f->next->prev = f->prev;
    free((void *)(uintptr_t)f->info.descriptor.data);
    free((void *)(uintptr_t)f->next_descriptor.data);
    free(f);
    return tail;
}

/* ---- time ---- */

/* Time that ran backwards makes everything due, and so do packets whose own time is far ahead. */
static void gather_tick(struct spool *s, struct gather_list *list, int64_t wait_ns)
{
    int64_t hold_ns = s->config.hold_ms * MS_NS;
    for (struct spool_flow *f; (f = list->first) != NULL;) {
        bool backwards = f->since_ns > s->now_ns;
        if (!backwards && s->now_ns - f->since_ns < wait_ns)
            break;
        struct held_part part;
        bool odd = held_front(slice_of(f->gather, f->gathered), INT64_MAX, 0, &part) &&
                   part.first_ns > s->now_ns + AHEAD_MS * MS_NS;
        (void)gather_step(s, f, backwards || odd ? INT64_MAX : s->now_ns - hold_ns);
    }
}

/* Forward only: captures of other days that are read in turns make no segment each. */
static void day_turn(struct spool *s)
{
    int64_t day = s->now_ns / DAY_NS;
    bool empty = s->base + s->used <= SEGMENT_HEADER;
    if (!s->config.daily || s->error || s->fd < 0 || day <= s->day)
        return;
    if (empty)
        s->day = day;
    else
        (void)segment_roll(s);
}

void spool_tick(struct spool *s, int64_t now_ns)
{
    s->now_ns = now_ns;
    if (s->error && (now_ns >= s->retry_ns || now_ns < s->retry_ns - 2 * RETRY_MS * MS_NS))
        spool_recover(s);
    gather_tick(s, &s->going, SPOOL_STEP_MS * MS_NS);
    gather_tick(s, &s->fresh, (s->config.hold_ms + SPOOL_STEP_MS) * MS_NS);
    day_turn(s);
    if (s->used && !s->error &&
        (now_ns < s->buffer_since_ns || now_ns - s->buffer_since_ns >= s->config.flush_ms * MS_NS))
        (void)buffer_write(s);
    if (s->synced_ns == 0 || now_ns < s->synced_ns)
        s->synced_ns = now_ns;
    if (s->config.sync_ms && s->unsynced && now_ns - s->synced_ns >= s->config.sync_ms * MS_NS)
        segment_sync(s);
}

int spool_flush(struct spool *s)
{
    while (s->going.first)
        (void)gather_seal(s, s->going.first);
    while (s->fresh.first)
        (void)gather_seal(s, s->fresh.first);
    if (s->fd < 0)
        return segment_roll(s);
    return s->used ? buffer_write(s) : s->error;
}

uint64_t spool_appended(const struct spool *s)
{
    return s->appended;
}

uint64_t spool_written(const struct spool *s)
{
    return s->written;
}

int spool_error(const struct spool *s)
{
    return s->error;
}

/* ---- opening ---- */

static uint32_t number_or(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

static void config_complete(struct spool_config *c)
{
    uint32_t largest =
        PACKET_MAX + DESCRIPTOR_MAX + 2 * (CHUNK_HEADER + CHUNK_ALIGN + ENDPOINT_BYTES);

    if (c->segment_bytes == 0)
        c->segment_bytes = 256u << 20;
    c->chunk_bytes = number_or(c->chunk_bytes, 16u << 10);
    if (c->chunk_bytes > 256u << 10)
        c->chunk_bytes = 256u << 10;
    if (c->chunk_bytes < 256)
        c->chunk_bytes = 256;
    c->hold_ms = number_or(c->hold_ms, 500);
    c->flush_ms = number_or(c->flush_ms, 100);
    c->buffer_bytes = number_or(c->buffer_bytes, 512u << 10);
    if (c->buffer_bytes < largest + c->chunk_bytes)
        c->buffer_bytes = largest + c->chunk_bytes;
}

static int spool_allocate(struct spool *s)
{
    s->pool_max = POOL_BYTES_MAX / s->config.chunk_bytes;
    if (s->pool_max < 2 * POOL_SLAB)
        s->pool_max = 2 * POOL_SLAB;
    s->room = s->config.buffer_bytes;
    s->buffer = malloc(s->room);
    s->big = malloc(DESCRIPTOR_MAX + 2 * ENDPOINT_BYTES + PACKET_MAX);
    s->pool = malloc(s->pool_max * sizeof *s->pool);
    return s->buffer && s->big && s->pool && pool_grow(s) ? 0 : ERR_NOMEM;
}

static int spool_make_dir(const char *data_dir, char out[SPOOL_PATH_MAX], struct why *why)
{
    if (!spool_dir_path(data_dir, out)) {
        why_set(why, "the data directory's name is too long");
        return ERR_INVALID;
    }
    if ((mkdir(data_dir, 0700) != 0 && errno != EEXIST) ||
        (mkdir(out, 0700) != 0 && errno != EEXIST)) {
        int errnum = errno;
        why_set(why, "cannot make %s: %s; check storage.data_dir", out, strerror(errnum));
        return err_of_errno(errnum);
    }
    return 0;
}

int spool_open(const struct spool_config *config, struct counters *counters,
               struct spool **ret_spool, struct why *why)
{
    char dir[SPOOL_PATH_MAX];
    int err;

    assert(config->writer < SPOOL_WRITERS);
    struct spool *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->fd = -1;
    s->config = *config;
    s->counters = counters;
    s->written_cell = C_WRITTEN_BYTES + label_find(LABELS_WRITTEN, slice_str("spool"));
    config_complete(&s->config);
    err = spool_make_dir(config->data_dir, dir, why);
    if (err)
        goto out;
    snprintf(s->data_dir, sizeof s->data_dir, "%s", config->data_dir);
    s->config.data_dir = s->data_dir;
    err = spool_allocate(s);
    if (err) {
        why_set(why, "no memory for the spool's buffers");
        goto out;
    }
    s->syncer = spool_sync_start();
    if (s->syncer == NULL) {
        err = ERR_NOMEM;
        why_set(why, "cannot start the spool's sync thread");
        goto out;
    }
    err = segment_create(s);
    if (err == ERR_BUSY)
        err = segment_create(s);
    if (err) {
        why_set(why, "cannot make a spool segment in %s: %s", dir, err_text(err));
        goto out;
    }
    *ret_spool = s;
    s = NULL;
out:
    spool_close(s);
    return err;
}

void spool_close(struct spool *s)
{
    if (s == NULL)
        return;
    while (s->flows)
        (void)spool_flow_close(s, s->flows);
    if (s->fd >= 0 && s->used && buffer_write(s) != 0)
        counters_add(s->counters, C_SPOOL_DROPPED, buffer_packets(s));
    segment_close(s);
    spool_sync_stop(s->syncer);
    pool_fini(s);
    free(s->buffer);
    free(s->big);
    free(s);
}
