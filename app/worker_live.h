/* News of calls for those who watch (api/live_events.h). Nothing is made of it while nobody does. */
#pragma once

#include "app/worker.h"

/* The call as it stands now is another; `over` once it was handed over with its end. */
void worker_live_call(struct worker *w, struct wcall *wc, const struct call *over, int64_t at_ns);
/* A scoring window of a stream has ended. */
void worker_live_window(struct worker *w, struct wstream *s, double r, const char *scale, const char *band);
/* Its recording was paused or goes on; `detail` as in its record. */
void worker_live_pause(struct worker *w, const struct wcall *wc, bool resumed, int64_t at_ns, const char *detail);
