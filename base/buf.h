/* A growing byte buffer that gets its ceiling at birth. Errors stick: append as much as you like,
 * then ask `failed` once. */
#pragma once

#include "base/slice.h"

struct buf {
    uint8_t *data;
    size_t size;
    size_t room;
    size_t ceiling;
    bool failed;
};

void buf_init(struct buf *b, size_t ceiling);
void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory, forgets the error */
/* Room for n more bytes (not yet counted in size), or NULL. */
static inline uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *data, size_t size);
void buf_slice(struct buf *b, struct slice s);
void buf_str(struct buf *b, const char *text);
static inline void buf_char(struct buf *b, char c);
static inline void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v); /* network byte order */
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_u16_le(struct buf *b, uint16_t v);
void buf_u32_le(struct buf *b, uint32_t v);
/* LEB128, for packed columns. */
void buf_varint(struct buf *b, uint64_t v);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *format, ...);
/* NUL-terminated view (the NUL is not counted in size); "" after an error. */
const char *buf_text(struct buf *b);

uint8_t *buf_reserve_more(struct buf *b, size_t n); /* of buf_reserve() */

static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
    if (b->data && !b->failed && n <= b->room - b->size)
        return b->data + b->size;
    return buf_reserve_more(b, n);
}

static inline void buf_u8(struct buf *b, uint8_t v)
{
    uint8_t *p = buf_reserve(b, 1);
    if (p == NULL)
        return;
    *p = v;
    b->size++;
}

static inline void buf_char(struct buf *b, char c)
{
    buf_u8(b, (uint8_t)c);
}

static inline struct slice buf_view(const struct buf *b)
{
    return slice_of(b->data, b->size);
}
