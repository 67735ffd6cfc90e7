/* The way of a call as JSON: hops, branches, tries, and how its end was said. Fields of the call object. */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* "media": what became of each m= line. */
void record_lines_json(struct json *j, const struct call_record *r);
void record_path_json(struct json *j, const struct call_record *r);
