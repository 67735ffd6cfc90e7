/* A recording in another form, inside the process that decodes. */
#pragma once

#include "base/buf.h"

struct conversion;

/* Takes a step (confine/convert_steps.h): one conversion at a time, from CONVERT_OPEN on. */
void convert_take_step(struct conversion **conversion, struct slice frame, struct buf *answer);
