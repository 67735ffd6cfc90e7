/* gzip by zlib, zstd by libzstd. Both formats may be repeated: several members (gzip) or frames
 * (zstd) make one file, as `cat a.gz b.gz` and parallel packers write them. */
#include "capture/source/unpack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#define ZLIB_CONST /* input is not written to */
#include <zlib.h>
#include <zstd.h>

/* Memory for the history of a zstd frame: 128 MiB is what its own tools allow unasked. */
#define ZSTD_WINDOW_LOG 27
#define GZIP_ONLY       (16 + MAX_WBITS)

struct unpack {
    enum unpack_kind kind;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool complete; /* between members or frames */
    bool padding;  /* behind the last gzip member only zeros may follow */
    bool begun;
    uint64_t in_bytes;
    uint64_t out_bytes;
    uint64_t max_bytes;
    char reason[120];
};

enum unpack_kind unpack_kind_of(struct slice head)
{
    if (head.size >= 2 && memcmp(head.data, "\x1f\x8b", 2) == 0)
        return UNPACK_GZIP;
    if (head.size >= 4 && memcmp(head.data, "\x28\xb5\x2f\xfd", 4) == 0)
        return UNPACK_ZSTD;
    /* A skippable frame: parallel packers begin with one. */
    if (head.size >= 4 && head.data[0] >> 4 == 5 && memcmp(head.data + 1, "\x2a\x4d\x18", 3) == 0)
        return UNPACK_ZSTD;
    return UNPACK_NONE;
}

const char *unpack_kind_name(enum unpack_kind kind)
{
    return kind == UNPACK_GZIP ? "gzip" : "zstd";
}

struct unpack *unpack_new(enum unpack_kind kind, uint64_t max_bytes)
{
    struct unpack *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->kind = kind;
    u->max_bytes = max_bytes;
    if (kind == UNPACK_GZIP) {
        if (inflateInit2(&u->gzip, GZIP_ONLY) != Z_OK) {
            free(u);
            return NULL;
        }
        return u;
    }
    u->zstd = ZSTD_createDStream();
    if (u->zstd == NULL) {
        free(u);
        return NULL;
    }
    ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    return u;
}

void unpack_free(struct unpack *u)
{
    if (u == NULL)
        return;
    if (u->kind == UNPACK_GZIP)
        inflateEnd(&u->gzip);
    ZSTD_freeDStream(u->zstd);
    free(u);
}

static enum unpack_state damaged(struct unpack *u, const char *detail)
{
    snprintf(u->reason, sizeof u->reason, "%s", detail);
    return UNPACK_DAMAGED;
}

/* Behind the end of a gzip member: another one, padding, or something that does not belong there.
 */
static enum unpack_state after_member(struct unpack *u, struct slice *in)
{
    while (in->size > 0 && in->data[0] == 0) {
        *in = slice_from(*in, 1);
        u->padding = true;
    }
    if (in->size == 0)
        return UNPACK_WANT;
    if (u->padding || in->data[0] != 0x1f)
        return damaged(u, "other bytes follow its end");
    inflateReset(&u->gzip);
    u->complete = false;
    return UNPACK_OK;
}

static enum unpack_state step_gzip(struct unpack *u, struct slice *in, uint8_t *out, size_t room,
                                   size_t *ret_size)
{
    if (u->complete) {
        enum unpack_state state = after_member(u, in);
        if (state != UNPACK_OK)
            return state;
    }
    z_stream *z = &u->gzip;
    z->next_in = in->data;
    z->avail_in = (uInt)in->size;
    z->next_out = out;
    z->avail_out = (uInt)room;
    int result = inflate(z, Z_NO_FLUSH);
    *ret_size = room - z->avail_out;
    *in = slice_from(*in, in->size - z->avail_in);
    if (result == Z_STREAM_END)
        u->complete = true;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        return damaged(u, z->msg ? z->msg : result == Z_MEM_ERROR ? "no memory" : "not readable");
    return UNPACK_OK;
}

static enum unpack_state step_zstd(struct unpack *u, struct slice *in, uint8_t *out, size_t room,
                                   size_t *ret_size)
{
    ZSTD_inBuffer from = {.src = in->data, .size = in->size};
    ZSTD_outBuffer to = {.dst = out, .size = room};
    if (u->complete && in->size == 0)
        return UNPACK_WANT;
    size_t result = ZSTD_decompressStream(u->zstd, &to, &from);
    *ret_size = to.pos;
    *in = slice_from(*in, from.pos);
    if (ZSTD_isError(result))
        return damaged(u, ZSTD_getErrorName(result));
    u->complete = result == 0;
    return UNPACK_OK;
}

static enum unpack_state check_bounds(struct unpack *u)
{
    if (u->out_bytes > UNPACK_FREE && u->out_bytes / UNPACK_RATIO > u->in_bytes) {
        snprintf(u->reason, sizeof u->reason, "unpacks to more than %d times its size",
                 UNPACK_RATIO);
        return UNPACK_TOO_MUCH;
    }
    if (u->max_bytes && u->out_bytes > u->max_bytes) {
        snprintf(u->reason, sizeof u->reason,
                 "unpacks to more than the %" PRIu64 " bytes that are allowed", u->max_bytes);
        return UNPACK_TOO_MUCH;
    }
    return UNPACK_OK;
}

enum unpack_state unpack_step(struct unpack *u, struct slice *in, uint8_t *out, size_t room,
                              size_t *ret_size)
{
    size_t before = in->size;
    *ret_size = 0;
    enum unpack_state state = u->kind == UNPACK_GZIP ? step_gzip(u, in, out, room, ret_size)
                                                     : step_zstd(u, in, out, room, ret_size);
    u->begun = u->begun || before > 0;
    u->in_bytes += before - in->size;
    u->out_bytes += *ret_size;
    if (state != UNPACK_OK)
        return state;
    state = check_bounds(u);
    if (state == UNPACK_OK && *ret_size == 0 && in->size == before)
        return UNPACK_WANT;
    return state;
}

bool unpack_complete(const struct unpack *u)
{
    return u->complete || !u->begun;
}

const char *unpack_reason(const struct unpack *u)
{
    return u->reason;
}

const char *unpack_name(const struct unpack *u)
{
    return unpack_kind_name(u->kind);
}
