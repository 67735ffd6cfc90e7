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

static inline void pack_u64(struct pack *p, uint64_t *v);
static inline void pack_i64(struct pack *p, int64_t *v);
static inline void pack_u32(struct pack *p, uint32_t *v);
static inline void pack_u16(struct pack *p, uint16_t *v);
static inline void pack_u8(struct pack *p, uint8_t *v);
static inline void pack_int(struct pack *p, int *v);
static inline void pack_bool(struct pack *p, bool *v);
/* Exact, NAN included (as the one NAN). */
static inline void pack_double(struct pack *p, double *v);
static inline void pack_text(struct pack *p, struct slice *v);
/* A contract text or NULL; read back it is the constant, or a copy when this version does not know
 * it. */
static inline void pack_word(struct pack *p, const char **v);
void pack_bytes(struct pack *p, void *v, size_t size);
void pack_endpoint(struct pack *p, struct endpoint *v);
/* The number of things that follow, each of at least one byte; 0 with failed set when that many
 * cannot be there. */
void pack_count(struct pack *p, uint32_t *v);
/* Writes the items, each by one visit, or reads so many into new zeroed ones. */
void *pack_items(struct pack *p, void *items, uint32_t *count, size_t item_bytes,
                 void (*visit)(struct pack *, void *));
bool pack_at_end(const struct pack *p);

/* ---- most of a record is one byte a field, and records are written more often than read ---- */

/* Writes v if it is such a byte and there is room. */
static inline bool pack_short(struct pack *p, uint64_t v)
{
    struct buf *b = p->out;
    if (b == NULL || v >= 0x80 || b->size >= b->room || b->failed)
        return false;
    b->data[b->size++] = (uint8_t)v;
    return true;
}

static inline uint64_t pack_zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

enum { PACK_DOUBLE_NAN, PACK_DOUBLE_ZERO, PACK_DOUBLE_BITS };

/* clang-format off: a table */
#define PACK_FIELD(name, type, byte)                                                               \
    void name##_long(struct pack *p, type *v);                                                     \
    static inline void name(struct pack *p, type *v)                                               \
    {                                                                                              \
        if (!pack_short(p, byte))                                                                  \
            name##_long(p, v);                                                                     \
    }
PACK_FIELD(pack_u64, uint64_t, *v)
PACK_FIELD(pack_i64, int64_t, pack_zigzag(*v))
PACK_FIELD(pack_u32, uint32_t, *v)
PACK_FIELD(pack_u16, uint16_t, *v)
PACK_FIELD(pack_u8, uint8_t, *v)
PACK_FIELD(pack_bool, bool, *v)
PACK_FIELD(pack_int, int, pack_zigzag(*v))
PACK_FIELD(pack_double, double, *v != *v ? PACK_DOUBLE_NAN : UINT64_MAX)
PACK_FIELD(pack_text, struct slice, v->size ? UINT64_MAX : 0)
PACK_FIELD(pack_word, const char *, *v ? UINT64_MAX : 0)
#undef PACK_FIELD
/* clang-format on */
