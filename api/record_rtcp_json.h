/* record_rtcp.h as JSON. */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* "rtcp" of a stream: null when nobody reported on it. */
void record_json_rtcp(struct json *j, const struct record_stream *s);
/* "loss_split" of a stream: null when nothing tells where it lost packets. */
void record_json_split(struct json *j, const struct record_split *v);
