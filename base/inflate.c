/* zlib asks for memory in two places: its state, which gets a piece of our stack, and a window for
 * output that comes in parts. We want all of it in one call, so the window is asked for only when
 * the output does not fit, and refusing it is the end we want. */
#include "base/inflate.h"

#include <limits.h>
#include <stddef.h>
#define ZLIB_CONST
#include <zlib.h>

#define STATE_SIZE (16u * 1024) /* zlib 1.2.13 takes 7160 bytes */

struct pool {
    _Alignas(max_align_t) uint8_t bytes[STATE_SIZE];
    size_t used;
};

static void *pool_take(void *opaque, unsigned count, unsigned size)
{
    struct pool *p = opaque;
    size_t want = ((size_t)count * size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    if (want > STATE_SIZE - p->used)
        return NULL;
    void *taken = p->bytes + p->used;
    p->used += want;
    return taken;
}

static void pool_give(void *opaque, void *taken)
{
    (void)opaque;
    (void)taken;
}

bool inflate_is_gzip(struct slice bytes)
{
    return bytes.size >= 3 && bytes.data[0] == 0x1f && bytes.data[1] == 0x8b && bytes.data[2] == 8;
}

/* RFC 1950 2.2: method 8 with a window of at most 32 KiB, and a check over the first two bytes. */
static bool is_zlib(struct slice bytes)
{
    return bytes.size >= 2 && (bytes.data[0] & 0x0f) == 8 && bytes.data[0] >> 4 <= 7 &&
           (bytes.data[0] << 8 | bytes.data[1]) % 31 == 0;
}

size_t inflate_bytes(struct slice bytes, uint8_t *out, size_t out_max)
{
    bool gzip = inflate_is_gzip(bytes);
    if (bytes.size > UINT_MAX || out_max > UINT_MAX || !(gzip || is_zlib(bytes)))
        return 0;
    struct pool pool;
    pool.used = 0;
    z_stream z = {
        .next_in = (const Bytef *)bytes.data,
        .avail_in = (unsigned)bytes.size,
        .next_out = out,
        .avail_out = (unsigned)out_max,
        .zalloc = pool_take,
        .zfree = pool_give,
        .opaque = &pool,
    };
    if (inflateInit2(&z, gzip ? 16 + MAX_WBITS : MAX_WBITS) != Z_OK)
        return 0;
    int result = inflate(&z, Z_FINISH);
    size_t size = out_max - z.avail_out;
    inflateEnd(&z);
    return result == Z_STREAM_END ? size : 0;
}
