/* Who talked to whom over the calls of one chain (storage/segments.h), as a part of the answer of /legs. */
#pragma once

#include "api/handlers.h"
#include "storage/correlate.h"

/* "segments": over the call asked for and those legs that belong to its group. */
void legs_segments_json(struct exchange *x, struct json *j, const struct legs *l, struct call_record *call);
