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

/* The same with the length of the key, which the compiler knows of most. */
void json_key_of(struct json *j, struct slice key);
void json_kv_text_of(struct json *j, struct slice key, struct slice text);
void json_kv_int_of(struct json *j, struct slice key, int64_t v);
void json_kv_double_of(struct json *j, struct slice key, double v, int decimals);
void json_kv_bool_of(struct json *j, struct slice key, bool v);
void json_kv_null_of(struct json *j, struct slice key);
void json_kv_time_of(struct json *j, struct slice key, int64_t time_us);

static inline void json_key(struct json *j, const char *key)
{
    json_key_of(j, slice_str(key));
}

static inline void json_kv_text(struct json *j, const char *key, struct slice text)
{
    json_kv_text_of(j, slice_str(key), text);
}

static inline void json_kv_str(struct json *j, const char *key, const char *text)
{
    if (text)
        json_kv_text_of(j, slice_str(key), slice_str(text));
    else
        json_kv_null_of(j, slice_str(key));
}

static inline void json_kv_int(struct json *j, const char *key, int64_t v)
{
    json_kv_int_of(j, slice_str(key), v);
}

static inline void json_kv_double(struct json *j, const char *key, double v, int decimals)
{
    json_kv_double_of(j, slice_str(key), v, decimals);
}

static inline void json_kv_bool(struct json *j, const char *key, bool v)
{
    json_kv_bool_of(j, slice_str(key), v);
}

static inline void json_kv_null(struct json *j, const char *key)
{
    json_kv_null_of(j, slice_str(key));
}

static inline void json_kv_time(struct json *j, const char *key, int64_t time_us)
{
    json_kv_time_of(j, slice_str(key), time_us);
}

#pragma GCC visibility pop
