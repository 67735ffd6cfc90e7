/* Payloads that are cut by bits, not octets. A read past the end gives 0 and is remembered: read
 * all fields, then ask `failed` once. */
#pragma once

#include "base/slice.h"

struct bits {
    struct slice data;
    size_t at; /* in bits */
    bool failed;
};

static inline struct bits bits_over(struct slice data)
{
    return (struct bits){.data = data};
}

static inline size_t bits_left(const struct bits *b)
{
    return 8 * b->data.size - b->at;
}

/* The next `count` (at most 32), the first of them the most significant. */
static inline uint32_t bits_take(struct bits *b, unsigned count)
{
    uint32_t value = 0;
    if (count > bits_left(b)) {
        b->failed = true;
        b->at = 8 * b->data.size;
        return 0;
    }
    for (; count > 0; count--, b->at++)
        value = value << 1 | (b->data.data[b->at / 8] >> (7 - b->at % 8) & 1u);
    return value;
}

static inline void bits_skip(struct bits *b, size_t count)
{
    b->failed |= count > bits_left(b);
    b->at = b->failed ? 8 * b->data.size : b->at + count;
}

/* The next `count` bits to the front of `out`, zeros behind the last of them up to its octet. */
static inline void bits_copy(struct bits *b, size_t count, uint8_t *out)
{
    for (; count >= 8; count -= 8)
        *out++ = (uint8_t)bits_take(b, 8);
    if (count)
        *out = (uint8_t)(bits_take(b, (unsigned)count) << (8 - count));
}
