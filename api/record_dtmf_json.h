/* record_dtmf.h as JSON. */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* The array. */
void record_json_digits(struct json *j, const struct record_dtmf *v);
/* "digits": what each side dialled. */
void record_json_dialled(struct json *j, const struct record_dtmf *v);
/* "dtmf" and "digits" of the call object; nothing when no key was pressed. */
void record_json_dtmf(struct json *j, const struct call_record *r);
