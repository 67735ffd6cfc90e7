/* Fields of a JSON object as records have them: what is not known is null, never 0. */
#pragma once

#include "base/addr.h"
#include "base/json.h"

#define MS_DECIMALS 3

JSON_IN_LINE void kv_uint(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

/* Empty text is "not seen", so null. */
JSON_IN_LINE void kv_known(struct json *j, const char *key, struct slice text)
{
    uint8_t *at = json_room(j, key, text.size + 4);
    if (at)
        json_put_str(j, at, text.size ? text : slice_none());
}

JSON_IN_LINE void kv_natural(struct json *j, const char *key, int64_t v)
{
    uint8_t *at = json_room(j, key, JSON_INT_MAX);
    if (at && v < 0)
        json_put_str(j, at, slice_none());
    else if (at)
        json_put_int(j, at, v);
}

JSON_IN_LINE void kv_positive(struct json *j, const char *key, int64_t v)
{
    kv_natural(j, key, v == 0 ? -1 : v);
}

static inline void kv_endpoint(struct json *j, const char *key, const struct endpoint *e)
{
    char text[ENDPOINT_TEXT_SIZE];

    if (addr_is_any(e->addr) && e->port == 0)
        json_kv_null(j, key);
    else
        json_kv_str(j, key, endpoint_text(e, text));
}
