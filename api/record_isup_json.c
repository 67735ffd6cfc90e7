/* record_json.c says how JSON is written here. */
#include "api/record_isup_json.h"

#include "api/json_fields.h"

#define BODY_MAX 272

static void kv_number(struct json *j, const char *key, const struct record_isup_number *v)
{
    json_key(j, key);
    if (!v->given) {
        json_null(j);
        return;
    }
    json_object(j);
    json_kv_text(j, "digits", v->digits);
    kv_known(j, "nature", v->nature);
    kv_uint(j, "plan", v->plan);
    kv_known(j, "presentation", v->presentation);
    kv_uint(j, "screening", v->screening);
    json_end(j);
}

static void kv_hex(struct json *j, const char *key, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * BODY_MAX];
    size_t n = bytes.size < BODY_MAX ? bytes.size : BODY_MAX;
    for (size_t i = 0; i < n; i++) {
        hex[2 * i] = digits[bytes.data[i] >> 4];
        hex[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    json_kv_text(j, key, slice_of(hex, 2 * n));
}

static void isup(struct json *j, const struct record_isup *v)
{
    json_object(j);
    json_kv_time(j, "at", v->time_us);
    json_kv_str(j, "party", v->party);
    kv_known(j, "type", v->type);
    kv_known(j, "message", v->message);
    kv_number(j, "calling", &v->calling);
    kv_number(j, "called", &v->called);
    kv_positive(j, "category", v->category);
    kv_positive(j, "cause", v->cause);
    kv_known(j, "cause_text", v->cause_text);
    kv_known(j, "location", v->location);
    kv_hex(j, "body", v->body);
    json_end(j);
}

void record_json_isup(struct json *j, const struct record_isups *v)
{
    if (v->count == 0)
        return;
    json_key(j, "isup");
    json_array(j);
    for (uint32_t i = 0; i < v->count; i++)
        isup(j, &v->items[i]);
    json_end(j);
    kv_uint(j, "isup_over_limit", v->over_limit);
}
