/* JSON out by appending to a buf; commas and escaping are taken care of. Text from the wire is not
 * always UTF-8: invalid bytes are written as U+FFFD. Compact output, one value.
 *
 *     json_object(&j); json_key(&j, "lost"); json_int(&j, 3); json_end(&j);
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"

/* jansson, which json_read.c meets, has functions of some of these names. Hidden, ours cannot
 * stand in for them when the program is loaded. */
#pragma GCC visibility push(hidden)

#define JSON_DEPTH_MAX 16

struct json {
    struct buf *out;
    struct clock_last last; /* times of one object lie near each other */
    uint8_t depth;
    bool comma[JSON_DEPTH_MAX];
    char close[JSON_DEPTH_MAX];
};

void json_init(struct json *j, struct buf *out);
void json_object(struct json *j);
void json_array(struct json *j);
void json_end(struct json *j); /* closes the innermost object or array */
/* `key` stands there as it is: a name of ours, without anything to escape. */
static inline void json_key(struct json *j, const char *key);

void json_text(struct json *j, struct slice text);
void json_str(struct json *j, const char *text); /* NULL: null */
void json_int(struct json *j, int64_t v);
void json_uint(struct json *j, uint64_t v);
/* At most `decimals` digits after the point, trailing zeros cut; NaN and infinities are null. */
void json_double(struct json *j, double v, int decimals);
void json_null(struct json *j);
/* Already valid JSON, verbatim. */
void json_raw(struct json *j, struct slice json);

/* key and value in one: the common case. */
static inline void json_kv_text(struct json *j, const char *key, struct slice text);
static inline void json_kv_str(struct json *j, const char *key, const char *text);
static inline void json_kv_int(struct json *j, const char *key, int64_t v);
static inline void json_kv_double(struct json *j, const char *key, double v, int decimals);
static inline void json_kv_bool(struct json *j, const char *key, bool v);
static inline void json_kv_null(struct json *j, const char *key);
/* RFC 3339 UTC with microseconds; 0 is null. */
static inline void json_kv_time(struct json *j, const char *key, int64_t time_us);

/* ---- a key and its value, in line ----
 * Most keys are literals: their comma, quotes and letters become a few stores of constants. The value goes to `at`, the place
 * behind the key, where json_room() made room for it; the functions that put one there count both in. */
#define JSON_IN_LINE static inline __attribute__((always_inline))

#define JSON_INT_MAX  21 /* bytes of a number */
#define JSON_TIME_MAX (CLOCK_TEXT_SIZE + 2)

void json_put_text(struct json *j, uint8_t *at, struct slice text); /* with room for two bytes more than it has */
void json_put_str(struct json *j, uint8_t *at, struct slice text); /* the same with four; null where `data` is NULL */
void json_put_int(struct json *j, uint8_t *at, int64_t v);
void json_put_double(struct json *j, uint8_t *at, double v, int decimals); /* room for JSON_INT_MAX bytes */
void json_put_time(struct json *j, uint8_t *at, int64_t time_us);

/* Key and colon, with room for `more` bytes behind them; NULL without memory. */
JSON_IN_LINE uint8_t *json_room(struct json *j, const char *key, size_t more)
{
    size_t size = strlen(key);
    uint8_t *p = buf_reserve(j->out, size + 4 + more);
    if (p == NULL)
        return NULL;
    *p = ',';
    p += j->comma[j->depth];
    *p++ = '"';
    memcpy(p, key, size);
    p += size;
    *p++ = '"';
    *p++ = ':';
    return p;
}

/* What was written ends at `end`. */
JSON_IN_LINE void json_put_end(struct json *j, const uint8_t *end)
{
    j->out->size = (size_t)(end - j->out->data);
    j->comma[j->depth] = true;
}

JSON_IN_LINE void json_key(struct json *j, const char *key)
{
    uint8_t *at = json_room(j, key, 0);
    if (at)
        json_put_end(j, at);
    j->comma[j->depth] = false; /* its value follows without one */
}

JSON_IN_LINE void json_kv_null(struct json *j, const char *key)
{
    uint8_t *at = json_room(j, key, 4);
    if (at == NULL)
        return;
    memcpy(at, "null", 4);
    json_put_end(j, at + 4);
}

JSON_IN_LINE void json_kv_text(struct json *j, const char *key, struct slice text)
{
    uint8_t *at = json_room(j, key, text.size + 2);
    if (at)
        json_put_text(j, at, text);
}

JSON_IN_LINE void json_kv_str(struct json *j, const char *key, const char *text)
{
    struct slice value = slice_str(text);
    uint8_t *at = json_room(j, key, value.size + 4);
    if (at)
        json_put_str(j, at, value);
}

JSON_IN_LINE void json_kv_int(struct json *j, const char *key, int64_t v)
{
    uint8_t *at = json_room(j, key, JSON_INT_MAX);
    if (at)
        json_put_int(j, at, v);
}

JSON_IN_LINE void json_kv_double(struct json *j, const char *key, double v, int decimals)
{
    uint8_t *at = json_room(j, key, JSON_INT_MAX);
    if (at)
        json_put_double(j, at, v, decimals);
}

JSON_IN_LINE void json_kv_bool(struct json *j, const char *key, bool v)
{
    uint8_t *at = json_room(j, key, 5);
    if (at == NULL)
        return;
    memcpy(at, v ? "true" : "fals", 4);
    at[4] = 'e';
    json_put_end(j, at + 5 - v);
}

JSON_IN_LINE void json_kv_time(struct json *j, const char *key, int64_t time_us)
{
    uint8_t *at = json_room(j, key, JSON_TIME_MAX);
    if (at)
        json_put_time(j, at, time_us);
}

#pragma GCC visibility pop
