/* The parser of jansson behind a few questions. `struct json_value` is its json_t under another
 * name, so that no caller needs its header. */
#include "base/json_read.h"

#include <jansson.h>

static const json_t *of(const struct json_value *v)
{
    return (const json_t *)v;
}

/* Brackets outside strings never nest deeper than this? The parser's own limit is far too high for
 * input from strangers, and fixed when it was built. */
static bool depth_within(struct slice text, unsigned depth_max)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > depth_max)
            return false;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return true;
}

struct json_value *json_read(struct slice text, size_t size_max, unsigned depth_max)
{
    while (text.size && text.data[text.size - 1] == '\0')
        text.size--;
    if (text.size == 0 || text.size > size_max || !depth_within(text, depth_max))
        return NULL;
    json_error_t error;
    return (struct json_value *)json_loadb((const char *)text.data, text.size, 0, &error);
}

void json_read_free(struct json_value *root)
{
    json_decref((json_t *)root);
}

const struct json_value *json_value_get(const struct json_value *object, const char *name)
{
    return (const struct json_value *)json_object_get(of(object), name);
}

bool json_value_members(const struct json_value *object, json_member_fn *fn, void *context)
{
    json_t *whole; /* the library iterates over what it could change */
    memcpy(&whole, &object, sizeof whole);
    bool good = json_is_object(whole);
    for (void *at = good ? json_object_iter(whole) : NULL; at && good;
         at = json_object_iter_next(whole, at)) {
        const char *name = json_object_iter_key(at);
        good = fn(context, slice_str(name), (const struct json_value *)json_object_iter_value(at));
    }
    return good;
}

size_t json_value_count(const struct json_value *array)
{
    return json_array_size(of(array));
}

const struct json_value *json_value_at(const struct json_value *array, size_t index)
{
    return (const struct json_value *)json_array_get(of(array), index);
}

bool json_value_is_object(const struct json_value *value)
{
    return json_is_object(of(value));
}

bool json_value_is_null(const struct json_value *value)
{
    return json_is_null(of(value));
}

bool json_value_is_whole(const struct json_value *value)
{
    return json_is_integer(of(value));
}

static bool int_of_real(double real, int64_t *ret_int)
{
    if (!(real > -0x1p63 && real < 0x1p63))
        return false;
    *ret_int = (int64_t)real;
    return true;
}

/* Janus writes 64-bit and NTP numbers in quotes. */
static bool int_of_text(struct slice text, int64_t *ret_int)
{
    bool negative = slice_starts(text, "-");
    uint64_t magnitude;
    if (!slice_to_u64(slice_from(text, negative), INT64_MAX, &magnitude))
        return false;
    *ret_int = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

bool json_value_int(const struct json_value *value, int64_t *ret_int)
{
    struct slice text;
    if (json_is_integer(of(value))) {
        *ret_int = json_integer_value(of(value));
        return true;
    }
    if (json_is_real(of(value)))
        return int_of_real(json_real_value(of(value)), ret_int);
    return json_value_text(value, &text) && int_of_text(text, ret_int);
}

bool json_value_real(const struct json_value *value, double *ret_real)
{
    if (!json_is_number(of(value)))
        return false;
    *ret_real = json_number_value(of(value));
    return true;
}

bool json_value_text(const struct json_value *value, struct slice *ret_text)
{
    const char *text = json_string_value(of(value));
    if (text == NULL)
        return false;
    *ret_text = slice_of(text, json_string_length(of(value)));
    return true;
}

bool json_value_bool(const struct json_value *value, bool *ret_bool)
{
    if (!json_is_boolean(of(value)))
        return false;
    *ret_bool = json_is_true(of(value));
    return true;
}

bool json_value_print(const struct json_value *value, FILE *out)
{
    return json_dumpf(of(value), out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) == 0 && putc('\n', out) != EOF;
}
