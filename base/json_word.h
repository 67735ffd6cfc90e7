/* Members of a JSON tree by their path, as words of one line without control characters: for tables and terminals. */
#pragma once

#include "base/json_read.h"

#define JSON_WORD_SIZE 400

/* By a path: "from.user". NULL: not there. */
const struct json_value *json_at(const struct json_value *object, const char *path);
/* A text or a whole number, written into `out`, which it returns; what is not there is "-". */
const char *json_word(const struct json_value *object, const char *path, char out[JSON_WORD_SIZE]);
