/* What a recording sounds like, as JSON. */
#pragma once

#include "base/json.h"
#include "storage/record_sound.h"

/* An object, or null when nothing was measured; with `windows` its columns too. */
void record_sound_json(struct json *j, const struct record_sound *s, bool windows);
