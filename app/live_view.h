/* The live view: asks the workers for what they follow now. Implements api/live.h over a pipeline. */
#pragma once

#include "api/live.h"
#include "app/pipeline.h"
#include "app/settings.h"

/* Of [limits] watchers: 0 or ERR_INVALID with a sentence. */
int live_view_check(const struct settings *s, struct why *why);
/* A call as it stands, all but its streams beyond LIVE_STREAMS_MAX. In the worker's thread. `out` is zeroed. */
void live_view_copy(const struct wcall *wc, struct live_call *out);
/* The call of this uid that the worker follows, if it may be seen; NULL. In the worker's thread. */
struct wcall *live_view_find(struct worker *w, const struct live_want *want);

/* struct live_source.snapshot with a struct pipeline as its context. */
int live_view_snapshot(void *pipeline, const struct live_want *want, unsigned max, struct live_call **ret_calls, unsigned *ret_count);
/* struct live_source.pause, likewise. */
int live_view_pause(void *pipeline, const struct live_want *want, const struct live_pause *ask, struct live_call *ret_call);
