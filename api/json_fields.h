/* Fields of a JSON object as records have them: what is not known is null, never 0. */
#pragma once

#include "base/addr.h"
#include "base/json.h"

#define MS_DECIMALS 3

static inline void kv_uint(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

/* Empty text is "not seen", so null. */
static inline void kv_known(struct json *j, const char *key, struct slice text)
{
    if (text.size == 0)
        json_kv_null(j, key);
    else
        json_kv_text(j, key, text);
}

static inline void kv_natural(struct json *j, const char *key, int64_t v)
{
    if (v < 0)
        json_kv_null(j, key);
    else
        json_kv_int(j, key, v);
}

static inline void kv_positive(struct json *j, const char *key, int64_t v)
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
