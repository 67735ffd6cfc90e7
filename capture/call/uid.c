/* Each field is preceded by its length, so no two different inputs give the same bytes. */
#include "capture/call/uid.h"

#include "base/buf.h"
#include "base/crypto.h"

#define UID_INPUT_MAX (64 * 1024)

static void add_field(struct buf *b, struct slice s)
{
    buf_u32(b, (uint32_t)s.size);
    buf_slice(b, s);
}

static void add_endpoint(struct buf *b, const struct endpoint *e)
{
    buf_u64(b, e->addr.high);
    buf_u64(b, e->addr.low);
    buf_u32(b, e->space);
    buf_u16(b, e->port);
}

static void finish(const uint8_t secret[32], struct buf *b, uint8_t ret_uid[16])
{
    crypto_keyed_id(secret, buf_view(b), ret_uid);
    ret_uid[6] = (uint8_t)((ret_uid[6] & 0x0f) | 0x80); /* version 8 */
    ret_uid[8] = (uint8_t)((ret_uid[8] & 0x3f) | 0x80); /* variant */
    buf_fini(b);
}

void uid_of_call(const uint8_t secret[32], const char *probe, struct slice call_id,
                 struct slice tag, uint32_t space, int64_t time_ns, uint8_t ret_uid[16])
{
    struct buf b;
    buf_init(&b, UID_INPUT_MAX);
    buf_str(&b, "call");
    add_field(&b, slice_str(probe));
    add_field(&b, call_id);
    add_field(&b, tag);
    if (space)
        buf_u32(&b, space);
    buf_u64(&b, (uint64_t)(time_ns / 1000));
    finish(secret, &b, ret_uid);
}

void uid_of_orphan(const uint8_t secret[32], const char *probe, const struct endpoint *src,
                   const struct endpoint *dst, uint32_t ssrc, int64_t time_ns, uint8_t ret_uid[16])
{
    struct buf b;
    buf_init(&b, UID_INPUT_MAX);
    buf_str(&b, "orphan");
    add_field(&b, slice_str(probe));
    add_endpoint(&b, src);
    add_endpoint(&b, dst);
    buf_u32(&b, ssrc);
    buf_u64(&b, (uint64_t)(time_ns / 1000));
    finish(secret, &b, ret_uid);
}

void uid_of_message(const uint8_t secret[32], const char *probe, struct slice call_id,
                    struct slice tag, uint32_t space, uint32_t cseq, int64_t time_ns,
                    uint8_t ret_uid[16])
{
    struct buf b;
    buf_init(&b, UID_INPUT_MAX);
    buf_str(&b, "message");
    add_field(&b, slice_str(probe));
    add_field(&b, call_id);
    add_field(&b, tag);
    buf_u32(&b, space);
    buf_u32(&b, cseq);
    buf_u64(&b, (uint64_t)(time_ns / 1000));
    finish(secret, &b, ret_uid);
}
