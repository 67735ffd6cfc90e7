/* JSON in: a text from outside to a tree that is asked by names; jansson behind it, met here alone.
 * Size and depth are bounded before the parser sees the text. Everything asked of what is absent, or
 * of another type, is answered with "no": callers ask through without looking at each step.
 *
 *     struct json_value *root = json_read(body, 64 * 1024, 8);
 *     bool given = json_value_int(json_value_get(root, "lost"), &lost);
 *     json_read_free(root);
 */
#pragma once

#include <stdio.h>

#include "base/slice.h"

struct json_value;

/* The tree of one object or array, to be freed by the caller. NULL: no JSON (RFC 8259), more than
 * `size_max` bytes, more than `depth_max` levels, or no memory. White space and NULs behind it are
 * forgiven. Of a name that stands twice the last counts. */
struct json_value *json_read(struct slice text, size_t size_max, unsigned depth_max);
/* A root; frees what was got from it. */
void json_read_free(struct json_value *root);

/* A member of an object; NULL when there is none. Borrowed from the root. */
const struct json_value *json_value_get(const struct json_value *object, const char *name);
/* Calls fn with each member of an object until it says false; false then, and of what is no object. */
typedef bool json_member_fn(void *context, struct slice name, const struct json_value *value);
bool json_value_members(const struct json_value *object, json_member_fn *fn, void *context);
/* Items of an array; 0 when it is none. */
size_t json_value_count(const struct json_value *array);
const struct json_value *json_value_at(const struct json_value *array, size_t index);
bool json_value_is_object(const struct json_value *value);
bool json_value_is_null(const struct json_value *value);
/* A number without a fraction. */
bool json_value_is_whole(const struct json_value *value);

/* A number; not one in quotes. */
bool json_value_real(const struct json_value *value, double *ret_real);
/* A number (a fraction is cut off), or a string that is one. */
bool json_value_int(const struct json_value *value, int64_t *ret_int);
bool json_value_bool(const struct json_value *value, bool *ret_bool);
/* A string, UTF-8, borrowed from the root. */
bool json_value_text(const struct json_value *value, struct slice *ret_text);
/* The value and a line feed; false: it could not be written. */
bool json_value_print(const struct json_value *value, FILE *out);
