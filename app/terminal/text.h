/* Members of an answer as words on a terminal: what came from the wire commands no terminal. All write into `out` and return it; what
 * is not there is "-". Words: json_word(). */
#pragma once

#include <stdio.h>

#include "base/json_word.h"

#define TEXT_CELL JSON_WORD_SIZE

/* Times `factor`. */
const char *text_number(const struct json_value *object, const char *path, double factor, int decimals, char out[TEXT_CELL]);
/* "2025-11-21 10:00:00" in the zone of whoever looks. */
const char *text_time(const struct json_value *object, const char *path, char out[TEXT_CELL]);
/* Milliseconds as "1:02:03" or "2:03.4". */
const char *text_length(int64_t ms, char out[TEXT_CELL]);
/* The user, else the host. */
const char *text_party(const struct json_value *call, const char *party, char out[TEXT_CELL]);
/* NAN: it is not there. */
double text_real(const struct json_value *object, const char *path);
int64_t text_int(const struct json_value *object, const char *path, int64_t otherwise);
