/* The byte ring between two threads.
 *
 *     released <= taken <= published <= head      positions in bytes, never wrapped
 *                                                 (offset = position & mask)
 *
 * A record is an 8-byte header (its size) and its bytes, rounded up to 8. Where one would pass the
 * end of the memory a filler takes the rest, so records are contiguous. Each side keeps what it
 * writes in cache lines of its own and a copy of the other side's index, which it reads again only
 * when the copy says "full" or "empty".
 *
 * Sleep: the consumer announces it in `sleeping`, looks again and sleeps on a futex. The producer's
 * store of `published` and its look at `sleeping` are sequentially consistent, as are the
 * consumer's two in reverse order; one of them sees the other, so no wake-up is lost and none is
 * paid for while the consumer is awake. */
#include "base/ring.h"

#include <assert.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SIZE_MIN = 4096, CACHE_LINE = 64, HEADER_SIZE = 8 };

struct header {
    uint32_t size;   /* of the record, or what to skip */
    uint32_t filler; /* 1: no record */
};

struct ring {
    uint8_t *data;
    size_t size;
    size_t mask;

    /* Producer's */
    _Alignas(CACHE_LINE) uint64_t head;
    uint64_t reserved; /* end of the reserved record, fillers included; 0: none */
    uint64_t sent;     /* what `published` says */
    uint64_t released_seen;

    /* Producer's, read by the consumer */
    _Alignas(CACHE_LINE) _Atomic uint64_t published;
    _Atomic bool closed;

    /* Consumer's */
    _Alignas(CACHE_LINE) uint64_t taken;
    uint64_t published_seen;

    /* Consumer's, read by the producer */
    _Alignas(CACHE_LINE) _Atomic uint64_t released;
    _Alignas(CACHE_LINE) _Atomic uint32_t sleeping;
};

struct ring *ring_new(size_t size_bytes)
{
    size_t size = SIZE_MIN;
    while (size < size_bytes && size <= SIZE_MAX / 4)
        size *= 2;
    struct ring *r = aligned_alloc(CACHE_LINE, sizeof *r);
    if (r == NULL)
        return NULL;
    memset(r, 0, sizeof *r);
    r->data = aligned_alloc(CACHE_LINE, size);
    if (r->data == NULL) {
        free(r);
        return NULL;
    }
    r->size = size;
    r->mask = size - 1;
    return r;
}

void ring_free(struct ring *r)
{
    if (r == NULL)
        return;
    free(r->data);
    free(r);
}

static struct header *header_at(const struct ring *r, uint64_t position)
{
    return (struct header *)(void *)(r->data + (position & r->mask));
}

/* ---- producer ---- */

/* True when the ring may be filled up to position `end`. */
static bool has_room(struct ring *r, uint64_t end, bool vital)
{
    uint64_t limit = vital ? r->size : r->size - r->size / 8;
    if (end - r->released_seen <= limit)
        return true;
    r->released_seen = atomic_load_explicit(&r->released, memory_order_acquire);
    return end - r->released_seen <= limit;
}

void *ring_reserve(struct ring *r, size_t size, bool vital)
{
    assert(size > 0); /* an empty slice is ring_next()'s "nothing" */
    r->reserved = 0;
    if (size > r->size / 4)
        return NULL;
    size_t need = HEADER_SIZE + ((size + 7) & ~(size_t)7);
    size_t to_end = r->size - (r->head & r->mask);
    size_t skip = need > to_end ? to_end : 0;
    uint64_t end = r->head + skip + need;
    if (!has_room(r, end, vital))
        return NULL;
    if (skip)
        *header_at(r, r->head) =
            (struct header){.size = (uint32_t)(skip - HEADER_SIZE), .filler = 1};
    struct header *h = header_at(r, r->head + skip);
    *h = (struct header){.size = (uint32_t)size};
    r->reserved = end;
    return h + 1;
}

void ring_commit(struct ring *r)
{
    assert(r->reserved != 0);
    r->head = r->reserved;
    r->reserved = 0;
}

static void wake_consumer(struct ring *r)
{
    if (atomic_load(&r->sleeping) == 0)
        return;
    atomic_store(&r->sleeping, 0);
    syscall(SYS_futex, &r->sleeping, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void ring_publish(struct ring *r)
{
    if (r->sent == r->head)
        return;
    r->sent = r->head;
    atomic_store(&r->published, r->head);
    wake_consumer(r);
}

void ring_close(struct ring *r)
{
    ring_publish(r);
    atomic_store(&r->closed, true);
    wake_consumer(r);
}

/* ---- consumer ---- */

static bool is_empty(struct ring *r)
{
    if (r->taken != r->published_seen)
        return false;
    r->published_seen = atomic_load(&r->published);
    return r->taken == r->published_seen;
}

struct slice ring_next(struct ring *r)
{
    while (!is_empty(r)) {
        struct header *h = header_at(r, r->taken);
        r->taken += HEADER_SIZE + (((uint64_t)h->size + 7) & ~UINT64_C(7));
        if (!h->filler)
            return slice_of(h + 1, h->size);
    }
    return slice_none();
}

void ring_release(struct ring *r)
{
    if (atomic_load_explicit(&r->released, memory_order_relaxed) != r->taken)
        atomic_store_explicit(&r->released, r->taken, memory_order_release);
}

static void sleep_while_announced(struct ring *r, int timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    syscall(SYS_futex, &r->sleeping, FUTEX_WAIT_PRIVATE, 1, timeout_ms < 0 ? NULL : &timeout, NULL,
            0);
}

bool ring_wait(struct ring *r, int timeout_ms)
{
    if (!is_empty(r))
        return true;
    atomic_store(&r->sleeping, 1);
    /* `closed` is asked first: what was published before it was set is seen by is_empty(). */
    bool closed = atomic_load(&r->closed);
    bool empty = is_empty(r);
    if (empty && !closed && timeout_ms != 0) {
        sleep_while_announced(r, timeout_ms);
        closed = atomic_load(&r->closed);
        empty = is_empty(r);
    }
    atomic_store(&r->sleeping, 0);
    return !(closed && empty);
}

/* ---- anybody ---- */

size_t ring_depth(const struct ring *r)
{
    /* The older index first: the difference is never negative. */
    uint64_t released = atomic_load_explicit(&r->released, memory_order_acquire);
    return (size_t)(atomic_load_explicit(&r->published, memory_order_acquire) - released);
}

size_t ring_capacity(const struct ring *r)
{
    return r->size;
}
