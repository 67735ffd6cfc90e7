/* What was heard while a recording was rendered, into its record. */
#pragma once

#include "base/arena.h"
#include "decode/hearing.h"
#include "storage/record_sound.h"

void sound_report(struct arena *a, const struct hearing_report *in, struct record_sound *out);
