/* The part of a record's JSON that says what ISUP the call's messages carried (storage/record_isup.h). */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* Members of the object that is open; nothing without any. */
void record_json_isup(struct json *j, const struct record_isups *v);
