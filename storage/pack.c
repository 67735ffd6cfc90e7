/* See pack.h. */
#include "storage/pack.h"

#include <endian.h>
#include <math.h>

#include "storage/record.h"

enum { ENDPOINT_NONE, ENDPOINT_V4, ENDPOINT_V6 };

bool pack_at_end(const struct pack *p)
{
    return p->out == NULL && cursor_left(&p->in) == 0;
}

static uint64_t read_varint(struct pack *p)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = cursor_u8(&p->in);
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    p->failed = true;
    return 0;
}

void pack_u64_long(struct pack *p, uint64_t *v)
{
    if (p->out) {
        buf_varint(p->out, *v);
    } else if (!pack_at_end(p)) {
        uint64_t value = read_varint(p);
        p->failed |= p->in.failed;
        if (!p->failed)
            *v = value;
    }
}

void pack_i64_long(struct pack *p, int64_t *v)
{
    uint64_t zigzag = pack_zigzag(*v);
    pack_u64(p, &zigzag);
    if (p->out == NULL)
        *v = (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
}

#define PACK_UNSIGNED(name, type, max)                                                             \
    void name(struct pack *p, type *v)                                                             \
    {                                                                                              \
        uint64_t value = *v;                                                                       \
        pack_u64(p, &value);                                                                       \
        if (value > (max))                                                                         \
            p->failed = true;                                                                      \
        else                                                                                       \
            *v = (type)value;                                                                      \
    }
PACK_UNSIGNED(pack_u32_long, uint32_t, UINT32_MAX)
PACK_UNSIGNED(pack_u16_long, uint16_t, UINT16_MAX)
PACK_UNSIGNED(pack_u8_long, uint8_t, UINT8_MAX)
PACK_UNSIGNED(pack_bool_long, bool, 1)

void pack_int_long(struct pack *p, int *v)
{
    int64_t value = *v;
    pack_i64(p, &value);
    if (value < INT32_MIN || value > INT32_MAX)
        p->failed = true;
    else
        *v = (int)value;
}

void pack_bytes(struct pack *p, void *v, size_t size)
{
    if (p->out) {
        buf_add(p->out, v, size);
    } else if (!pack_at_end(p)) {
        const uint8_t *bytes = cursor_take(&p->in, size);
        if (bytes)
            memcpy(v, bytes, size);
        p->failed |= bytes == NULL;
    }
}

void pack_double_long(struct pack *p, double *v)
{
    uint8_t form = isnan(*v) ? PACK_DOUBLE_NAN : *v == 0 && !signbit(*v) ? PACK_DOUBLE_ZERO : PACK_DOUBLE_BITS;
    uint64_t bits;

    pack_u8(p, &form);
    if (form == PACK_DOUBLE_NAN)
        *v = NAN;
    else if (form == PACK_DOUBLE_ZERO)
        *v = 0;
    else {
        memcpy(&bits, v, sizeof bits);
        bits = htole64(bits);
        pack_bytes(p, &bits, sizeof bits);
        bits = le64toh(bits);
        memcpy(v, &bits, sizeof bits);
    }
}

void pack_text_long(struct pack *p, struct slice *v)
{
    uint64_t size = v->size;
    if (pack_at_end(p))
        return;
    pack_u64(p, &size);
    if (p->out) {
        buf_slice(p->out, *v);
        return;
    }
    struct slice bytes = cursor_slice(&p->in, (size_t)size);
    p->failed |= p->in.failed;
    *v = bytes.size ? arena_copy(p->arena, bytes) : slice_none();
    p->failed |= v->size != bytes.size;
}

void pack_word_long(struct pack *p, const char **v)
{
    struct slice text = slice_str(*v);
    uint8_t there = *v != NULL;

    if (pack_at_end(p))
        return;
    pack_u8(p, &there);
    if (!there) {
        *v = NULL;
        return;
    }
    pack_text(p, &text);
    if (p->out)
        return;
    const char *known = record_text_of(text);
    *v = known ? known : arena_str(p->arena, text);
    p->failed |= *v == NULL || (p->strict && known == NULL);
}

void pack_endpoint(struct pack *p, struct endpoint *v)
{
    bool none = v->addr.high == 0 && v->addr.low == 0 && v->port == 0 && v->space == 0;
    uint8_t form = none ? ENDPOINT_NONE : addr_is_v4(v->addr) ? ENDPOINT_V4 : ENDPOINT_V6;
    uint32_t v4 = (uint32_t)v->addr.low;

    if (pack_at_end(p))
        return;
    pack_u8(p, &form);
    if (p->out == NULL)
        *v = (struct endpoint){0};
    if (form == ENDPOINT_NONE)
        return;
    if (form == ENDPOINT_V4) {
        pack_u32(p, &v4);
        v->addr = addr_v4(v4);
    } else {
        pack_u64(p, &v->addr.high);
        pack_u64(p, &v->addr.low);
    }
    pack_u32(p, &v->space);
    pack_u16(p, &v->port);
}

void pack_count(struct pack *p, uint32_t *v)
{
    pack_u32(p, v);
    if (p->out == NULL && *v > cursor_left(&p->in)) {
        p->failed = true;
        *v = 0;
    }
}

void *pack_items(struct pack *p, void *items, uint32_t *count, size_t item_bytes,
                        void (*visit)(struct pack *, void *))
{
    pack_count(p, count);
    if (p->out == NULL && *count)
        items = p->failed ? NULL : arena_alloc(p->arena, *count * item_bytes);
    p->failed |= *count && items == NULL;
    for (uint32_t i = 0; i < *count && !p->failed; i++)
        visit(p, (char *)items + i * item_bytes);
    if (p->failed)
        *count = 0;
    return items;
}
