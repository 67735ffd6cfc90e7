/* See letters.h. A write that fails halfway is taken back by cutting the file; one that a crash
 * cuts short is found by its checksum. */
#include "storage/letters.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/hash.h"

#define MAGIC       "ESLETTR1"
#define MAGIC_BYTES LETTERS_EMPTY

struct letters {
    int fd;
    uint64_t bytes; /* of whole entries and the magic */
    uint64_t next;
    char path[600];
};

struct entry {
    uint64_t number;
    struct slice body;
};

/* Not against an enemy: who writes here may write anything. */
static uint32_t checksum(uint64_t number, struct slice body)
{
    struct hash_seed seed = {number, body.size};
    return (uint32_t)hash_bytes(&seed, body.data, body.size);
}

static void put(struct buf *batch, uint64_t number, struct slice body)
{
    buf_u32(batch, (uint32_t)body.size);
    buf_u32(batch, checksum(number, body));
    buf_u64(batch, number);
    buf_slice(batch, body);
}

void letters_add(struct buf *batch, uint64_t number, struct slice body)
{
    assert(body.size && body.size <= LETTER_BODY_MAX);
    put(batch, number, body);
}

void letters_cross_off(struct buf *batch, uint64_t number)
{
    put(batch, number, slice_none());
}

/* ---- reading ---- */

static bool next_entry(struct cursor *c, struct entry *ret)
{
    uint32_t size = cursor_u32(c), sum = cursor_u32(c);
    ret->number = cursor_u64(c);
    if (size > LETTER_BODY_MAX)
        return false;
    ret->body = cursor_slice(c, size);
    return !c->failed && checksum(ret->number, ret->body) == sum;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_among(const uint64_t *crossed, size_t count, uint64_t number)
{
    return count && bsearch(&number, crossed, count, sizeof number, by_number);
}

/* Numbers that are crossed off, sorted; how far the file is whole. */
static int survey(struct letters *l, struct slice file, uint64_t **ret_crossed, size_t *ret_count)
{
    struct cursor c = cursor_over(slice_from(file, MAGIC_BYTES));
    size_t room = 0, count = 0;
    uint64_t *crossed = NULL;
    for (struct entry e; next_entry(&c, &e); l->bytes = (uint64_t)(c.at - file.data)) {
        l->next = e.number >= l->next ? e.number + 1 : l->next;
        if (e.body.size)
            continue;
        if (count == room) {
            room = room ? 2 * room : 256;
            uint64_t *bigger = realloc(crossed, room * sizeof *crossed);
            if (bigger == NULL) {
                free(crossed);
                return ERR_NOMEM;
            }
            crossed = bigger;
        }
        crossed[count++] = e.number;
    }
    if (count)
        qsort(crossed, count, sizeof *crossed, by_number);
    *ret_crossed = crossed;
    *ret_count = count;
    return 0;
}

static int deliver(struct letters *l, struct slice file, letters_fn *fn, void *context)
{
    uint64_t *crossed;
    size_t count;
    int err = survey(l, file, &crossed, &count);
    if (err)
        return err;
    struct cursor c = cursor_over(slice_sub(file, MAGIC_BYTES, l->bytes));
    for (struct entry e; next_entry(&c, &e);)
        if (e.body.size && !is_among(crossed, count, e.number))
            fn(context, e.number, e.body);
    free(crossed);
    return 0;
}

static int begin_file(struct letters *l)
{
    l->bytes = MAGIC_BYTES;
    if (ftruncate(l->fd, 0) != 0 || pwrite(l->fd, MAGIC, MAGIC_BYTES, 0) != MAGIC_BYTES)
        return err_of_errno(errno);
    return 0;
}

static int read_file(struct letters *l, letters_fn *fn, void *context)
{
    struct stat st;
    if (fstat(l->fd, &st) != 0)
        return err_of_errno(errno);
    size_t size = (size_t)st.st_size;
    void *at = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, l->fd, 0) : NULL;
    if (at == MAP_FAILED)
        return err_of_errno(errno);
    bool ours = size >= MAGIC_BYTES && memcmp(at, MAGIC, MAGIC_BYTES) == 0;
    l->bytes = MAGIC_BYTES;
    int err = ours ? deliver(l, slice_of(at, size), fn, context) : begin_file(l);
    if (err == 0 && ours && l->bytes < size && ftruncate(l->fd, (off_t)l->bytes) != 0)
        err = err_of_errno(errno);
    if (at)
        munmap(at, size);
    return err;
}

/* ---- open, write ---- */

static int open_file(struct letters *l)
{
    char *slash = strrchr(l->path, '/');
    if (slash) {
        *slash = '\0';
        int made = mkdir(l->path, 0700);
        *slash = '/';
        if (made != 0 && errno != EEXIST)
            return err_of_errno(errno);
    }
    l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return l->fd < 0 ? err_of_errno(errno) : 0;
}

int letters_open(const char *path, letters_fn *fn, void *context, struct letters **ret_letters,
                 struct why *why)
{
    struct letters *l = calloc(1, sizeof *l);
    if (l == NULL)
        return ERR_NOMEM;
    l->fd = -1;
    l->next = 1;
    int err =
        (size_t)snprintf(l->path, sizeof l->path, "%s", path) < sizeof l->path ? 0 : ERR_INVALID;
    if (err == 0)
        err = open_file(l);
    if (err == 0)
        err = read_file(l, fn, context);
    if (err) {
        why_set(why, "%s cannot be used: %s", path, err_text(err));
        letters_close(l);
        return err;
    }
    *ret_letters = l;
    return 0;
}

void letters_close(struct letters *l)
{
    if (l == NULL)
        return;
    if (l->fd >= 0)
        close(l->fd);
    free(l);
}

uint64_t letters_next(const struct letters *l)
{
    return l->next;
}

uint64_t letters_bytes(const struct letters *l)
{
    return l->bytes;
}

static int write_all(int fd, struct slice s, uint64_t at)
{
    while (s.size) {
        ssize_t n = pwrite(fd, s.data, s.size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_of_errno(errno) : ERR_IO;
        s = slice_from(s, (size_t)n);
        at += (uint64_t)n;
    }
    return fdatasync(fd) == 0 ? 0 : err_of_errno(errno);
}

int letters_write(struct letters *l, struct slice batch)
{
    int err = write_all(l->fd, batch, l->bytes);
    if (err == 0)
        l->bytes += batch.size;
    else if (ftruncate(l->fd, (off_t)l->bytes) != 0)
        err = err_of_errno(errno); /* what is there of it has no checksum that fits, or is whole:
                                      then it comes twice */
    return err;
}

/* All or nothing: a new file takes the name of the old one. */
static int write_new(struct letters *l, struct slice batch)
{
    char path[sizeof l->path + 8];
    snprintf(path, sizeof path, "%s.new", l->path);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_of_errno(errno);
    int err = write_all(fd, slice_of(MAGIC, MAGIC_BYTES), 0);
    if (err == 0)
        err = write_all(fd, batch, MAGIC_BYTES);
    if (err == 0 && rename(path, l->path) != 0)
        err = err_of_errno(errno);
    if (err) {
        close(fd);
        (void)unlink(path);
        return err;
    }
    close(l->fd);
    l->fd = fd;
    l->bytes = MAGIC_BYTES + batch.size;
    return 0;
}

int letters_replace(struct letters *l, struct slice batch)
{
    if (batch.size)
        return write_new(l, batch);
    if (ftruncate(l->fd, MAGIC_BYTES) != 0)
        return err_of_errno(errno);
    l->bytes = MAGIC_BYTES;
    return 0;
}
