/* Keys and tones that were heard (decode/tone_meaning.h), as they are kept with the recording. */
#pragma once

#include "decode/hearing.h"
#include "storage/record.h"

/* Behind the times of the recording: digits have a time of day. */
void sound_tones(struct record_recording *g, struct arena *arena, const struct hearing_report *in, bool masked);
