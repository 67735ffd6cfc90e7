/* Tones of a recording that are no keys, as JSON. */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* "tones" of the call object; nothing when none was heard. */
void record_json_tones(struct json *j, const struct call_record *r);
