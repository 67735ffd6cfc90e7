/* record_diagnosis.h as JSON. */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* "summary" and "diagnosis" of the call object. */
void record_json_diagnosis(struct json *j, const struct record_diagnosis *d);
/* "media_points" and "sip_dscp": what the signalling said. Of the full object. */
void record_json_announced(struct json *j, const struct record_diagnosis *d);
