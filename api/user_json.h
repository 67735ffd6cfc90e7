/* User records as JSON, by their fields: `x_us` is shown as `x_at`, what is not known is null. */
#pragma once

#include "base/json.h"
#include "storage/user_record.h"

/* The members alone, into the object that is open. */
void user_fields_json(struct json *j, enum user_kind kind, const void *record, bool body);
/* `body`: the reader may see what a message said. */
void user_json(struct json *j, enum user_kind kind, const void *record, bool body);
