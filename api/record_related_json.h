/* The parts of a record's JSON that say what it has to do with other calls. Nothing of it stands in a
 * call that has nothing to do with any. */
#pragma once

#include "base/json.h"
#include "storage/record_related.h"

/* Also in lists: group_id, and the figures of a contact centre. */
void record_json_group(struct json *j, const struct record_related *v);
/* Links, transfers and the conference. */
void record_json_related(struct json *j, const struct record_related *v);
