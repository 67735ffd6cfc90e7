/* The live view: asks the workers for what they follow now. Implements api/live.h over a pipeline. */
#pragma once

#include "api/live.h"
#include "app/pipeline.h"

/* struct live_source.snapshot with a struct pipeline as its context. */
int live_view_snapshot(void *pipeline, const struct live_want *want, unsigned max, struct live_call **ret_calls, unsigned *ret_count);
