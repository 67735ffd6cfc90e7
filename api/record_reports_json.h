/* The part of a record's JSON that says what endpoints report (storage/record_report.h). */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* Members of the object that is open. */
void record_json_reports(struct json *j, const struct record_reports *v);
/* Of a stream's object, beside its own scores: the newest report about it that has figures; nothing without one. */
void record_json_reported(struct json *j, const struct record_reports *v, uint32_t sid);
