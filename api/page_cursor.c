/* A cursor is base64url of 68 bytes of position and a 16-byte keyed hash over them and the
 * request's filters. So a cursor cannot be altered, and following pages cannot silently belong to
 * another question. */
#include <assert.h>
#include <string.h>

#include "api/call_filter.h"
#include "base/crypto.h"
#include "base/cursor.h"

#define UID_BYTES      36
#define POSITION_BYTES (4 * 8 + UID_BYTES)
#define MAC_BYTES      16
#define CURSOR_BYTES   (POSITION_BYTES + MAC_BYTES)
#define FILTERS_MAX    (HTTP_PARAMS_MAX * (HTTP_PARAM_BYTES_MAX + 64))

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static_assert(CURSOR_BYTES % 3 == 0, "no padding to think of");
static_assert(CURSOR_BYTES / 3 * 4 < PAGE_CURSOR_SIZE, "room for the text");

static void base64_print(const uint8_t *in, size_t size, char *out)
{
    for (; size > 0; in += 3, size -= 3) {
        uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = ALPHABET[v >> shift & 63];
    }
    *out = '\0';
}

static bool base64_parse(const char *text, uint8_t *out, size_t size)
{
    if (strlen(text) != size / 3 * 4)
        return false;
    for (; *text; out += 3) {
        uint32_t v = 0;
        for (int i = 0; i < 4; i++) {
            const char *digit = strchr(ALPHABET, *text++);
            if (digit == NULL)
                return false;
            v = v << 6 | (uint32_t)(digit - ALPHABET);
        }
        out[0] = (uint8_t)(v >> 16);
        out[1] = (uint8_t)(v >> 8);
        out[2] = (uint8_t)v;
    }
    return true;
}

/* What may differ from page to page, or stands in the cursor itself. */
static bool is_page_param(const char *name)
{
    static const char *const NAMES[] = {"cursor", "limit", "count", "from", "to"};

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return false;
}

/* False without memory: no cursor is good then. */
static bool cursor_mac(const uint8_t *position, const struct http_query *filters,
                       const uint8_t key[32], uint8_t ret_mac[MAC_BYTES])
{
    struct buf b;

    buf_init(&b, POSITION_BYTES + FILTERS_MAX);
    buf_add(&b, position, POSITION_BYTES);
    for (unsigned i = 0; i < filters->count; i++) {
        if (is_page_param(filters->param[i].name))
            continue;
        buf_add(&b, filters->param[i].name, strlen(filters->param[i].name) + 1);
        buf_add(&b, filters->param[i].value, strlen(filters->param[i].value) + 1);
    }
    bool ok = !b.failed;
    if (ok)
        crypto_keyed_id(key, buf_view(&b), ret_mac);
    buf_fini(&b);
    return ok;
}

void page_cursor_print(const struct page_cursor *c, const struct http_query *filters,
                       const uint8_t key[32], char out[PAGE_CURSOR_SIZE])
{
    struct buf b;
    uint64_t value;

    memcpy(&value, &c->after_value, sizeof value);
    buf_init(&b, CURSOR_BYTES);
    buf_u64(&b, (uint64_t)c->from_us);
    buf_u64(&b, (uint64_t)c->to_us);
    buf_u64(&b, (uint64_t)c->after_us);
    buf_u64(&b, value);
    buf_add(&b, c->after_uid, UID_BYTES);
    uint8_t *mac = buf_reserve(&b, MAC_BYTES);
    out[0] = '\0';
    if (mac && cursor_mac(b.data, filters, key, mac))
        base64_print(b.data, CURSOR_BYTES, out);
    buf_fini(&b);
}

bool page_cursor_parse(const char *text, const struct http_query *filters, const uint8_t key[32],
                       struct page_cursor *ret_cursor)
{
    uint8_t bytes[CURSOR_BYTES], mac[MAC_BYTES];

    if (!base64_parse(text, bytes, sizeof bytes) || !cursor_mac(bytes, filters, key, mac) ||
        !crypto_equal(mac, bytes + POSITION_BYTES, MAC_BYTES))
        return false;
    struct cursor c = cursor_over(slice_of(bytes, POSITION_BYTES));
    *ret_cursor = (struct page_cursor){0};
    ret_cursor->from_us = (int64_t)cursor_u64(&c);
    ret_cursor->to_us = (int64_t)cursor_u64(&c);
    ret_cursor->after_us = (int64_t)cursor_u64(&c);
    uint64_t value = cursor_u64(&c);
    memcpy(&ret_cursor->after_value, &value, sizeof value);
    memcpy(ret_cursor->after_uid, cursor_take(&c, UID_BYTES), UID_BYTES);
    return true;
}

bool page_cursor_refuse(struct call_filter_error *e)
{
    return filter_refuse(e, "invalid_cursor", "cursor",
                         "This cursor does not belong to this query (or to an earlier run of the service): start again at the first page.");
}

bool page_cursor_window(const struct page_cursor *c, const struct http_query *params, int64_t *from_us, int64_t *to_us,
                        struct call_filter_error *e)
{
    bool other_from = http_query_value(params, "from") && *from_us != c->from_us;
    bool other_to = http_query_value(params, "to") && *to_us != c->to_us;

    if (other_from || other_to)
        return filter_refuse(e, "invalid_cursor", other_from ? "from" : "to", "The cursor was made for another time range.");
    *from_us = c->from_us;
    *to_us = c->to_us;
    return true;
}
