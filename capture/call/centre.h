/* Queue and agent of a contact centre, as headers that the settings choose name them: the first
 * message of a call that has one counts, whoever sends it, 64 bytes are kept. */
#pragma once

#include "capture/call/live.h"

void centre_note(const struct front_config *config, struct call *call, const struct sighting *s);
