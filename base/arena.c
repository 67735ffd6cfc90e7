/* Bump allocation from a list of chunks, each half of all before it, until the ceiling.
 *
 * The newest chunk is not always the one in use: a request too large for the usual chunk gets one
 * of its own and the rest of the current chunk goes on serving the small ones. */
#include "base/arena.h"

#include <stdlib.h>

struct chunk {
    struct chunk *next;
    size_t size; /* bytes of data */
    size_t used;
    _Alignas(8) uint8_t data[];
};

struct arena {
    struct chunk *chunks; /* all of them, for arena_free() */
    struct chunk *current;
    size_t held;
    size_t ceiling;
};

enum { CHUNK_MIN = 256 };

static size_t align8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static void *chunk_take(struct chunk *c, size_t size)
{
    if (c->size - c->used < size)
        return NULL;
    void *p = c->data + c->used;
    c->used += size;
    return p;
}

static struct chunk *chunk_new(size_t size)
{
    struct chunk *c = malloc(sizeof *c + size);
    if (c)
        *c = (struct chunk){.size = size};
    return c;
}

struct arena *arena_new(size_t first_bytes, size_t ceiling_bytes)
{
    size_t size = first_bytes < CHUNK_MIN ? CHUNK_MIN : first_bytes;
    if (size > ceiling_bytes && ceiling_bytes > CHUNK_MIN)
        size = ceiling_bytes;
    size = size > SIZE_MAX / 4 ? SIZE_MAX / 4 : align8(size) - sizeof(struct chunk);
    struct chunk *c = chunk_new(size);
    if (c == NULL)
        return NULL;
    struct arena *a = chunk_take(c, align8(sizeof *a));
    *a = (struct arena){
        .chunks = c,
        .current = c,
        .held = sizeof *c + size,
        .ceiling = ceiling_bytes,
    };
    return a;
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    struct chunk *c = a->chunks; /* `a` lives in one of them */
    while (c) {
        struct chunk *next = c->next;
        free(c);
        c = next;
    }
}

/* A chunk with room for `size` bytes: half of what is held, less when the ceiling is near. */
static struct chunk *arena_grow(struct arena *a, size_t size)
{
    size_t left = a->ceiling > a->held ? a->ceiling - a->held : 0;
    if (left < sizeof(struct chunk) || left - sizeof(struct chunk) < size)
        return NULL;
    left -= sizeof(struct chunk);
    size_t half = align8(a->held / 2) - sizeof(struct chunk);
    size_t room = half > size ? half : size;
    if (room > left)
        room = left;
    struct chunk *c = chunk_new(room);
    if (c == NULL)
        return NULL;
    c->next = a->chunks;
    a->chunks = c;
    a->held += sizeof *c + room;
    return c;
}

static void *arena_take(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = align8(size ? size : 1);
    void *p = chunk_take(a->current, size);
    if (p)
        return p;
    struct chunk *c = arena_grow(a, size);
    if (c == NULL)
        return NULL;
    p = chunk_take(c, size);
    if (c->size - c->used > a->current->size - a->current->used)
        a->current = c;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    void *p = arena_take(a, size);
    if (p)
        memset(p, 0, size);
    return p;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    if (s.size == SIZE_MAX)
        return slice_none();
    uint8_t *p = arena_take(a, s.size + 1);
    if (p == NULL)
        return slice_none();
    if (s.size)
        memcpy(p, s.data, s.size);
    p[s.size] = '\0';
    return slice_of(p, s.size);
}

const char *arena_str(struct arena *a, struct slice s)
{
    struct slice copy = arena_copy(a, s);
    return copy.data ? (const char *)copy.data : "";
}

size_t arena_held(const struct arena *a)
{
    return a->held;
}
