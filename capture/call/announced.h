/* What each SDP said about where its sender receives media, kept with the call: the diagnosis lays it beside what came. */
#pragma once

#include "capture/call/live.h"

/* The SDP at hand (calls.sdp), which came with this message. What it only repeats is not kept again. */
void announced_note(const struct calls *c, struct live *l, const struct sighting *s);
