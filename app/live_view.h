/* The live view: asks the workers for what they follow now. Implements api/live.h over a pipeline. */
#pragma once

#include "api/live.h"
#include "app/pipeline.h"

/* The call of this uid that the worker follows, if it may be seen; NULL. In the worker's thread. */
struct wcall *live_view_find(struct worker *w, const struct live_want *want);

/* struct live_source.snapshot with a struct pipeline as its context. */
int live_view_snapshot(void *pipeline, const struct live_want *want, unsigned max, struct live_call **ret_calls, unsigned *ret_count);
/* struct live_source.pause, likewise. */
int live_view_pause(void *pipeline, const struct live_want *want, const struct live_pause *ask, struct live_call *ret_call);
