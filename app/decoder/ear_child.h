/* Live listening, inside the process that decodes. */
#pragma once

#include "base/buf.h"

struct earpiece;

/* Takes the steps of a frame (confine/ear_steps.h), with one earpiece from EAR_OPEN on. */
void ear_take_steps(struct earpiece **ear, struct slice frame, struct buf *answer);
