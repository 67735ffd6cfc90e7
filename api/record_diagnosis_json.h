/* record_diagnosis.h as JSON. */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* "summary" and "diagnosis" of the call object. */
void record_json_diagnosis(struct json *j, const struct record_diagnosis *d);
/* 802.1p plus 1; null for 0: no tag. */
void record_json_priority(struct json *j, const char *key, uint8_t priority);
/* "media_points" and "sip_dscp": what the signalling said. Of the full object. */
void record_json_announced(struct json *j, const struct record_diagnosis *d);
