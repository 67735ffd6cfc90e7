/* What a recording sounds like, as JSON. */
#pragma once

#include "base/json.h"
#include "storage/record_sound.h"

/* An object, or null when nothing was measured; with `windows` its columns too. */
void record_sound_json(struct json *j, const struct record_sound *s, bool windows);
/* Two fields: `speech_ms`, and `segments` as [at_ms, length_ms]: those in [from_ms, to_ms), cut to it, their times from from_ms. */
void record_speech_segments_json(struct json *j, const struct record_speech *v, int64_t from_ms, int64_t to_ms);
/* Both channels, of the whole recording. */
void record_speech_json(struct json *j, const struct record_sound *s);
