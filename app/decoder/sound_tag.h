/* What a recording says of itself to a player. */
#pragma once

#include "app/sound.h"

void sound_tag(const struct call_record *r, enum sound_tags which, struct audio_tags *ret_tags);
