/* The growing byte buffer: doubles up to its ceiling. One byte more than `room` is allocated, so
 * that buf_text() always has a place for its NUL. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOM_FIRST = 128 };

void buf_init(struct buf *b, size_t ceiling)
{
    *b = (struct buf){.ceiling = ceiling < SIZE_MAX / 2 ? ceiling : SIZE_MAX / 2};
}

void buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.ceiling = b->ceiling};
}

void buf_clear(struct buf *b)
{
    b->size = 0;
    b->failed = false;
}

static bool buf_grow(struct buf *b, size_t need)
{
    size_t room = b->room ? 2 * b->room : ROOM_FIRST;
    if (room < need)
        room = need;
    if (room > b->ceiling)
        room = b->ceiling;
    uint8_t *data = realloc(b->data, room + 1);
    if (data == NULL)
        return false;
    b->data = data;
    b->room = room;
    return true;
}

uint8_t *buf_reserve_more(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n > b->ceiling - b->size ||
        ((b->data == NULL || n > b->room - b->size) && !buf_grow(b, b->size + n))) {
        b->failed = true;
        return NULL;
    }
    return b->data + b->size;
}

void buf_add(struct buf *b, const void *data, size_t size)
{
    if (size == 0)
        return;
    uint8_t *p = buf_reserve(b, size);
    if (p == NULL)
        return;
    memcpy(p, data, size);
    b->size += size;
}

void buf_slice(struct buf *b, struct slice s)
{
    buf_add(b, s.data, s.size);
}

void buf_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_u16(struct buf *b, uint16_t v)
{
    v = __builtin_bswap16(v);
    buf_u16_le(b, v);
}

void buf_u32(struct buf *b, uint32_t v)
{
    buf_u32_le(b, __builtin_bswap32(v));
}

void buf_u64(struct buf *b, uint64_t v)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> (56 - 8 * i));
    buf_add(b, bytes, sizeof bytes);
}

void buf_u16_le(struct buf *b, uint16_t v)
{
    uint8_t bytes[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    buf_add(b, bytes, sizeof bytes);
}

void buf_u32_le(struct buf *b, uint32_t v)
{
    uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    buf_add(b, bytes, sizeof bytes);
}

void buf_varint(struct buf *b, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (uint8_t)(v | 0x80);
    bytes[n++] = (uint8_t)v;
    buf_add(b, bytes, n);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    if (b->failed)
        return;
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    /* First into the room that is there; only when it is too small a second time. */
    size_t left = b->data ? b->room - b->size + 1 : 0;
    int n = vsnprintf(left ? (char *)b->data + b->size : NULL, left, format, args);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n >= left) {
        uint8_t *p = buf_reserve(b, (size_t)n);
        if (p)
            vsnprintf((char *)p, (size_t)n + 1, format, again);
    }
    if (!b->failed)
        b->size += (size_t)n;
    va_end(again);
    va_end(args);
}

const char *buf_text(struct buf *b)
{
    if (b->failed || b->data == NULL)
        return "";
    b->data[b->size] = '\0';
    return (const char *)b->data;
}
