/* The part of a record's JSON that says who called whom (storage/record_identity.h). */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* Members of the object that is open. Lists that are empty are left out. */
void record_json_identity(struct json *j, const struct record_identity *d);
