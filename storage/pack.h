/* Fields to bytes and back by one function: a visitor names each field once, and the same visit
 * writes or reads it. So the two sides cannot drift apart. Numbers are LEB128 (signed ones zigzag),
 * texts carry their length.
 *
 * A packed thing grows only by fields at its end: a reader that finds the bytes used up leaves the
 * rest as it was, so rows written by an older version stay readable. Damage sets `failed`. */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"

struct pack {
    struct buf *out; /* writing: NULL when reading */
    struct cursor in;
    struct arena *arena; /* reading: where texts go */
    bool strict;         /* reading: a word that this version does not know is damage */
    bool failed;
};

static inline struct pack pack_writer(struct buf *out)
{
    return (struct pack){.out = out};
}

static inline struct pack pack_reader(struct slice bytes, struct arena *arena)
{
    return (struct pack){.in = cursor_over(bytes), .arena = arena};
}

void pack_u64(struct pack *p, uint64_t *v);
void pack_i64(struct pack *p, int64_t *v);
void pack_u32(struct pack *p, uint32_t *v);
void pack_u16(struct pack *p, uint16_t *v);
void pack_u8(struct pack *p, uint8_t *v);
void pack_int(struct pack *p, int *v);
void pack_bool(struct pack *p, bool *v);
/* Exact, NAN included (as the one NAN). */
void pack_double(struct pack *p, double *v);
void pack_text(struct pack *p, struct slice *v);
/* A contract text or NULL; read back it is the constant, or a copy when this version does not know
 * it. */
void pack_word(struct pack *p, const char **v);
void pack_bytes(struct pack *p, void *v, size_t size);
void pack_endpoint(struct pack *p, struct endpoint *v);
/* The number of things that follow, each of at least one byte; 0 with failed set when that many
 * cannot be there. */
void pack_count(struct pack *p, uint32_t *v);
/* Writes the items, each by one visit, or reads so many into new zeroed ones. */
void *pack_items(struct pack *p, void *items, uint32_t *count, size_t item_bytes,
                 void (*visit)(struct pack *, void *));
bool pack_at_end(const struct pack *p);
