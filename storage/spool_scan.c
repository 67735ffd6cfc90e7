/* Finds every flow that stands in the segments without any index: after a crash, the log itself
 * says what it holds. Segments are read straight through, newest first, so that the table's ceiling
 * costs the oldest flows. A damaged chunk is stepped over; after a damaged header the next chunk is
 * looked for at multiples of 8, and taken only if its header has a right checksum and names that
 * place. What follows the last whole chunk of a segment that nobody writes is cut off. */
#include "storage/spool_format.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"

#define SCAN_FLOWS_MAX (256u << 10)
#define SCAN_WINDOW    (4u << 20)

struct scan {
    const char *data_dir;
    uint8_t *window; /* SCAN_WINDOW bytes of the segment from window_at on */
    uint64_t window_at;
    size_t window_size;
    struct hash_seed seed;
    struct map map;
    struct spool_found *found;
    struct spool_ref *described; /* where the descriptor of found[i] stood */
    uint32_t count, room;
    uint64_t ignored;
};

/* `size` bytes at `offset`, or fewer at the end of the file. */
static struct slice window_get(struct scan *s, int fd, uint64_t offset, size_t size)
{
    assert(size <= SCAN_WINDOW);
    if (offset < s->window_at || offset + size > s->window_at + s->window_size) {
        int64_t n = read_at(fd, s->window, SCAN_WINDOW, offset);
        s->window_at = offset;
        s->window_size = n > 0 ? (size_t)n : 0;
    }
    size_t there = s->window_size - (size_t)(offset - s->window_at);
    return slice_of(s->window + (offset - s->window_at), there < size ? there : size);
}

/* ---- the table of flows ---- */

static uint64_t flow_hash(const struct scan *s, const struct chunk_header *h)
{
    uint64_t words[3] = {0, 0, h->flow};
    memcpy(words, h->uid, sizeof h->uid);
    return hash_words(&s->seed, words, 3);
}

static uint32_t flow_find(const struct scan *s, const struct chunk_header *h, uint64_t hash)
{
    struct map_probe p = map_probe(&s->map, hash);
    for (uint32_t i; (i = map_next(&s->map, &p)) != MAP_NONE;) {
        const struct spool_flow_info *info = &s->found[i].info;
        if (info->flow == h->flow && memcmp(info->uid, h->uid, sizeof h->uid) == 0)
            return i;
    }
    return MAP_NONE;
}

static bool table_grow(struct scan *s)
{
    uint32_t room = s->room ? s->room * 2 : 256;
    if (s->count < s->room)
        return true;
    if (s->count == SCAN_FLOWS_MAX)
        return false;
    struct spool_found *found = realloc(s->found, room * sizeof *found);
    if (found == NULL)
        return false;
    s->found = found;
    struct spool_ref *described = realloc(s->described, room * sizeof *described);
    if (described == NULL)
        return false;
    s->described = described;
    s->room = room;
    return true;
}

static uint32_t flow_add(struct scan *s, const struct chunk_header *h, uint64_t hash)
{
    if (!table_grow(s) || map_add(&s->map, hash, s->count) != 0) {
        s->ignored++;
        return MAP_NONE;
    }
    struct spool_found *f = &s->found[s->count];
    *f = (struct spool_found){.first_ns = h->first_ns, .last_ns = h->last_ns};
    memcpy(f->info.uid, h->uid, sizeof h->uid);
    f->info.flow = h->flow;
    f->info.kind = (enum spool_kind)h->flow_kind;
    s->described[s->count] = (struct spool_ref){0};
    return s->count++;
}

static void descriptor_note(struct scan *s, uint32_t i, struct spool_ref place, struct slice body)
{
    struct spool_flow_info *info = &s->found[i].info;
    struct cursor c = cursor_over(body);
    struct endpoint src = endpoint_read(&c);
    struct endpoint dst = endpoint_read(&c);
    struct slice text = cursor_rest(&c);

    if (c.failed || !ref_before(s->described[i], place))
        return;
    uint8_t *copy = malloc(text.size + 1);
    if (copy == NULL)
        return;
    if (text.size)
        memcpy(copy, text.data, text.size);
    free((void *)(uintptr_t)info->descriptor.data);
    info->descriptor = slice_of(copy, text.size);
    info->src = src;
    info->dst = dst;
    s->described[i] = place;
}

static void chunk_note(struct scan *s, const struct chunk_header *h, struct slice body)
{
    uint64_t hash = flow_hash(s, h);
    uint32_t i = flow_find(s, h, hash);
    if (i == MAP_NONE)
        i = flow_add(s, h, hash);
    if (i == MAP_NONE)
        return;
    struct spool_found *f = &s->found[i];
    if (ref_before(f->tail, h->self))
        f->tail = h->self;
    if (h->first_ns < f->first_ns)
        f->first_ns = h->first_ns;
    if (h->last_ns > f->last_ns)
        f->last_ns = h->last_ns;
    f->packets += h->packets;
    if (h->kind == CHUNK_DESCRIPTOR)
        descriptor_note(s, i, h->self, body);
}

/* ---- segments ---- */

/* The next offset from `at` on where a chunk's magic stands; `end` when there is none. */
static uint64_t magic_find(struct scan *s, int fd, uint64_t at, uint64_t end)
{
    uint8_t magic[4];
    put_u32(magic, CHUNK_MAGIC);
    while (at < end) {
        struct slice w = window_get(s, fd, at, end - at < 65536 ? (size_t)(end - at) : 65536);
        for (size_t i = 0; i + sizeof magic <= w.size; i += CHUNK_ALIGN)
            if (memcmp(w.data + i, magic, sizeof magic) == 0)
                return at + i;
        if (w.size < 65536)
            return end;
        at += w.size;
    }
    return end;
}

/* Notes the whole chunks between the header and `end`; returns where the last one ends. */
static uint64_t segment_walk(struct scan *s, int fd, uint32_t number, uint64_t end)
{
    uint64_t good = SEGMENT_HEADER;
    struct chunk_header h;

    for (uint64_t at = good; at < end;) {
        struct spool_ref place = {.segment = number, .offset = at};
        if (!chunk_header_read(window_get(s, fd, at, CHUNK_HEADER), place, &h)) {
            at = magic_find(s, fd, at + CHUNK_ALIGN, end);
            continue;
        }
        struct slice bytes = window_get(s, fd, at, CHUNK_HEADER + (size_t)h.body_bytes);
        at += chunk_span(h.body_bytes);
        struct slice body = slice_from(bytes, CHUNK_HEADER);
        if (at > end || !chunk_body_check(&h, body))
            continue;
        chunk_note(s, &h, body);
        good = at;
    }
    return good;
}

/* A segment that can be locked has no writer. */
static void torn_end_cut(int fd, uint64_t good, uint64_t end)
{
    if (good == end || flock(fd, LOCK_EX | LOCK_NB) != 0)
        return;
    struct stat st;
    if (fstat(fd, &st) == 0 && (uint64_t)st.st_size == end && ftruncate(fd, (off_t)good) != 0)
        errno = 0; /* it stays torn, which every reader copes with */
    (void)flock(fd, LOCK_UN);
}

static bool is_original(struct scan *s, int fd, uint32_t number)
{
    struct slice header = window_get(s, fd, 0, SEGMENT_HEADER);
    return header.size == SEGMENT_HEADER && segment_header_check(header.data, number) &&
           !segment_header_is_copy(header.data);
}

/* False: it was none to read. */
static bool segment_scan(struct scan *s, uint32_t number)
{
    char path[SPOOL_PATH_MAX];
    struct stat st;
    bool read = false;

    int fd = segment_path(s->data_dir, number, path) ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    s->window_size = 0;
    if (fstat(fd, &st) == 0 && st.st_size >= SEGMENT_HEADER &&
        is_original(s, fd, number)) {
        uint64_t end = (uint64_t)st.st_size;
        torn_end_cut(fd, segment_walk(s, fd, number, end), end);
        read = true;
    }
    close(fd);
    return read;
}

static int found_order(const void *a, const void *b)
{
    const struct spool_found *x = a, *y = b;
    int order = memcmp(x->info.uid, y->info.uid, sizeof x->info.uid);
    return order ? order : (x->info.flow > y->info.flow) - (x->info.flow < y->info.flow);
}

static void scan_fini(struct scan *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        free((void *)(uintptr_t)s->found[i].info.descriptor.data);
    free(s->found);
    free(s->described);
    free(s->window);
    map_fini(&s->map);
}

/* ---- how far back ---- */

/* The round (spool_segment.c) that the next segment gets. */
static uint32_t round_next(const uint32_t *numbers, size_t count)
{
    return (count ? numbers[count - 1] / SPOOL_WRITERS : 0) + 1;
}

int spool_marks_all(const char *data_dir, struct spool_marks *ret_marks)
{
    uint32_t *numbers;
    size_t count;
    int err = segment_list(data_dir, &numbers, &count);
    if (err)
        return err;
    for (uint32_t w = 0; w < SPOOL_WRITERS; w++)
        ret_marks->segment[w] = round_next(numbers, count) * SPOOL_WRITERS + w;
    free(numbers);
    return 0;
}

/* Not of a spool that was emptied, put back from a copy, or cut by a power failure: numbers begin anew there. */
static bool marks_fit(const struct spool_marks *marks, const uint32_t *numbers, size_t count)
{
    for (uint32_t w = 0; w < SPOOL_WRITERS; w++) {
        uint32_t mark = marks->segment[w];
        if (mark && (mark % SPOOL_WRITERS != w || mark / SPOOL_WRITERS > round_next(numbers, count)))
            return false;
    }
    return true;
}

/* ---- all of it ---- */

int spool_scan_since(const char *data_dir, const struct spool_since *since, spool_found_fn *fn, void *context, struct spool_looked *ret_looked)
{
    struct scan s = {.data_dir = data_dir, .seed = hash_seed_random()};
    *ret_looked = (struct spool_looked){0};
    uint32_t *numbers;
    size_t count;

    int err = segment_list(data_dir, &numbers, &count);
    if (err)
        return err;
    s.window = malloc(SCAN_WINDOW);
    if (s.window == NULL)
        err = ERR_NOMEM;
    bool marked = marks_fit(&since->marks, numbers, count);
    for (size_t i = count; !err && i > 0; i--) {
        uint32_t number = numbers[i - 1];
        bool done = marked && number < since->marks.segment[number % SPOOL_WRITERS];
        if (!done && (since->written_ns <= 0 || segment_written_ns(data_dir, number) >= since->written_ns))
            ret_looked->read += segment_scan(&s, number);
        else
            ret_looked->passed++;
    }
    free(numbers);
    if (!err && s.count) {
        qsort(s.found, s.count, sizeof *s.found, found_order);
        for (uint32_t i = 0; i < s.count; i++)
            fn(context, &s.found[i]);
    }
    scan_fini(&s);
    return err;
}

int spool_scan(const char *data_dir, spool_found_fn *fn, void *context)
{
    const struct spool_since all = {0};
    struct spool_looked looked;
    return spool_scan_since(data_dir, &all, fn, context, &looked);
}
