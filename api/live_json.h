/* A call that goes on as JSON: the same in the list, alone and in an event. */
#pragma once

#include "api/live_events.h"
#include "base/json.h"

/* Into an open object: all but `tags` and `streams`; then `streams`. */
void live_json_fields(struct json *j, const struct live_call *c);
void live_json_streams(struct json *j, const struct live_call *c);
/* {"at", "call"} and what its kind has besides: the data of an event. */
void live_json_event(struct json *j, const struct live_event *e);
