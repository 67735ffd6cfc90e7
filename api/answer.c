/* What an answer gets on its way out, behind its handler: an ETag if it is JSON, gzip if it is text
 * and the client takes it. What is asked for again and again (a page that looks every few seconds,
 * /metrics) costs its bytes only when there is something new.
 *
 * Only what is read with GET: secrets that are shown once (tokens, links, sessions) are answered to
 * POST, and /me, which tells the token of a session, is left as it is.
 * docs/decisions/answers-packed.md says why lengths may tell of the rest.
 *
 * The tag names what is told, not its bytes, which differ with gzip: so that of packed ones is a
 * weak one (RFC 9110 8.8.3.3). We compare without regard to that, also for If-Match: nothing but
 * the form of the bytes lies between the two. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "base/crypto.h"
#include "base/deflate.h"
#include "base/hash.h"

#define PACKED_MIN                                                                                 \
    1024 /* what fits into one packet of the network is not faster for being smaller */
/* A page of 1000 calls is 10 MB and becomes 1 MB. The room for it comes on top of the answer. */
#define PACKED_FROM_MAX (16u << 20)
#define PACKED_MAX      (4u << 20)

static bool is_json(const struct http_response *rs)
{
    return rs->content_type && strncmp(rs->content_type, "application/json", 16) == 0;
}

static bool is_text(const struct http_response *rs)
{
    return is_json(rs) || (rs->content_type && strncmp(rs->content_type, "text/", 5) == 0);
}

/* The page's files have been packed by the build; what is made while it is sent, and files, go as
 * they are. */
static bool is_ours(const struct exchange *x)
{
    const struct http_request *rq = x->rq;
    const struct http_response *rs = x->rs;

    return rq->route && strcmp(rq->route->method, "GET") == 0 &&
           !(rq->route->flags & ROUTE_QUICK) && rq->route->scope != SCOPE_KNOWN &&
           (rs->status == 200 || rs->status == 304) && is_text(rs) && rs->producer.run == NULL &&
           rs->watcher == NULL && rs->fd < 0 && rs->constant.data == NULL;
}

static struct http_header *tag_of(struct http_response *rs)
{
    for (unsigned i = 0; i < rs->header_count; i++)
        if (strcmp(rs->header[i].name, "ETag") == 0)
            return &rs->header[i];
    return NULL;
}

/* A seed that is known keeps the tag over a restart. Nobody gains by two bodies with one tag: a quick hash does. */
static void add_tag(struct exchange *x)
{
    static const struct hash_seed SEED = {UINT64_C(0x6561727368), UINT64_C(0x6f74)};
    struct slice body = buf_view(&x->rs->body);
    char tag[40];

    snprintf(tag, sizeof tag, "\"%016" PRIx64 "%08x\"", hash_bytes(&SEED, body.data, body.size), (unsigned)body.size);
    http_header(x->rs, "ETag", "W/%s", tag);
    if (x->rq->if_none_match && http_etag_matches(x->rq->if_none_match, tag)) {
        x->rs->status = 304;
        buf_clear(&x->rs->body);
    }
}

static void weaken(struct http_header *tag)
{
    size_t size = strlen(tag->value) + 1;

    if (strncmp(tag->value, "W/", 2) == 0 || size + 2 > sizeof tag->value)
        return;
    memmove(tag->value + 2, tag->value, size);
    memcpy(tag->value, "W/", 2);
}

/* Not at all when there is no memory for it, when it saves less than a quarter, or when it is large
 * even so. */
static void pack(struct http_response *rs)
{
    size_t quarters = rs->body.size - rs->body.size / 4;
    size_t most = quarters < PACKED_MAX ? quarters : PACKED_MAX;
    struct http_header *tag = tag_of(rs);
    struct buf packed;
    uint8_t padding;

    crypto_random(&padding, 1);
    buf_init(&packed, most);
    uint8_t *out = buf_reserve(&packed, most);
    packed.size =
        out ? deflate_gzip(buf_view(&rs->body), padding % DEFLATE_PADDING_MAX, out, most) : 0;
    if (packed.size == 0) {
        buf_fini(&packed);
        return;
    }
    buf_fini(&rs->body);
    rs->body = packed;
    http_header(rs, "Content-Encoding", "gzip");
    if (tag)
        weaken(tag);
}

void answer_finish(struct exchange *x)
{
    if (!is_ours(x))
        return;
    http_header(x->rs, "Vary", "Accept-Encoding");
    if (x->rs->status == 200 && is_json(x->rs) && tag_of(x->rs) == NULL)
        add_tag(x);
    if (x->rs->status == 200 && x->rs->body.size > PACKED_MIN &&
        x->rs->body.size <= PACKED_FROM_MAX && http_takes_gzip(x->rq->accept_encoding))
        pack(x->rs);
}
