/* Where chunks go: the write buffer, which goes to the segment in one pwrite when it is full or
 * due, and the segments behind it.
 *
 * When the disk refuses, the write buffer stays as it is and is offered again at the same place
 * each second; chunks that find it full are dropped and counted, and chains stay whole because a
 * dropped chunk never becomes anybody's `prev`. When a segment goes on failing for another reason
 * than lack of space, the buffer is given up for a new segment: flows then go back to the last
 * chunk that really stands on the disk. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/crypto.h"
#include "storage/spool_writer.h"

#define SLOW_MS     1000
#define RETRIES_MAX 5 /* then a new segment, unless the disk is full */

/* ---- the write buffer and its segment ---- */

void spool_fail(struct spool *s, int err, enum spool_trouble at)
{
    counters_add(s->counters, C_SPOOL_ERRORS + at, 1);
    s->error = err == ERR_FULL ? ERR_FULL : ERR_IO;
    s->retry_ns = s->now_ns + RETRY_MS * MS_NS;
    s->retries++;
}

/* pwrite() of what is left of the buffer, measured. */
static ssize_t rest_write(struct spool *s)
{
    int64_t (*clock_ns)(void) = s->config.clock_ns;
    int64_t begin_ns = clock_ns ? clock_ns() : 0;
    ssize_t n = pwrite(s->fd, s->buffer + s->done, s->used - s->done, (off_t)(s->base + s->done));
    int error = errno;

    counters_add(s->counters, C_SPOOL_WRITES, 1);
    if (clock_ns) {
        int64_t took_ns = clock_ns() - begin_ns;
        s->slow_ns = took_ns > SLOW_MS * MS_NS ? s->now_ns : 0;
        counters_observe(s->counters, C_SPOOL_WRITE, (double)took_ns / 1e9);
    }
    errno = error;
    return n;
}

int buffer_write(struct spool *s)
{
    while (s->done < s->used) {
        ssize_t n = rest_write(s);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            spool_fail(s, err_of_errno(n < 0 ? errno : ENOSPC), SPOOL_AT_WRITE);
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
void segment_sync(struct spool *s)
{
    int error = spool_sync_error(s->syncer);

    if (error)
        spool_fail(s, err_of_errno(error), SPOOL_AT_SYNC);
    if (s->unsynced && s->fd >= 0)
        spool_sync_all(s->syncer, s->fd);
    s->unsynced = false;
    s->synced_ns = s->now_ns;
}

/* Creates the next segment with a number that nobody had, above all there are, and locks it: an
 * active segment is one that is locked. Its header goes through the buffer like everything. */
int segment_create(struct spool *s)
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

void segment_close(struct spool *s)
{
    if (s->fd < 0)
        return;
    (void)flock(s->fd, LOCK_UN); /* whoever waits for the disk, nobody writes it any more */
    spool_sync_close(s->syncer, s->fd, s->unsynced);
    s->unsynced = false;
    s->synced_ns = s->now_ns;
    s->fd = -1;
}

int segment_roll(struct spool *s)
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
    if (err)
        spool_fail(s, err, SPOOL_AT_OPEN);
    else
        s->error = 0;
    return err;
}

uint32_t buffer_packets(const struct spool *s)
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
        if (f->tail.segment == s->segment && !ref_before(f->tail, lost)) {
            f->tail = f->safe;
            f->lost++;
        }
    }
    s->given_up[s->given_up_count++ % GIVEN_UP] = lost;
    s->written = s->appended; /* nobody shall wait for it */
    s->used = s->done = 0;
    s->unsynced = false;
    spool_sync_close(s->syncer, s->fd, false);
    s->fd = -1;
    s->retries = 0;
}

void spool_recover(struct spool *s)
{
    if (s->fd >= 0 && buffer_write(s) == 0)
        return;
    /* Where even a new one is refused, the next would be as well. */
    bool fresh = s->base == 0 && s->done == 0;
    if (s->fd >= 0 && s->error != ERR_FULL && s->retries > RETRIES_MAX && !fresh)
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

bool spool_ref_written(const struct spool *s, struct spool_ref ref)
{
    for (unsigned i = 0; i < s->given_up_count && i < GIVEN_UP; i++)
        if (s->given_up[i].segment == ref.segment && !ref_before(ref, s->given_up[i]))
            return false;
    return ref.segment != s->segment || ref.offset < s->base;
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

uint32_t descriptor_bytes(const struct spool_flow *f)
{
    return 2 * ENDPOINT_BYTES + (uint32_t)f->info.descriptor.size;
}

static void descriptor_append(struct spool *s, struct spool_flow *f, int64_t time_ns)
{
    struct chunk_header h = {.kind = CHUNK_DESCRIPTOR, .first_ns = time_ns, .last_ns = time_ns};

    memcpy(endpoint_write(endpoint_write(s->describing, &f->info.src), &f->info.dst),
           f->info.descriptor.data ? f->info.descriptor.data : (const uint8_t *)"",
           f->info.descriptor.size);
    chunk_append(s, f, &h, slice_of(s->describing, descriptor_bytes(f)));
    f->described = s->segment;
}

bool packets_append(struct spool *s, struct spool_flow *f, struct slice body, uint32_t packets,
                    int64_t first_ns, int64_t last_ns)
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
