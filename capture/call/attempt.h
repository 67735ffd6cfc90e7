/* What happens to one call attempt: the times of its messages, its end, and its share in the
 * counters. */
#pragma once

#include "capture/call/live.h"

/* Carries out the actions of a step (state.h) for the message at hand. */
void attempt_apply(struct calls *c, struct live *l, const struct sighting *s,
                   struct dialog_step step);
/* For signalling that has other steps: the call goes to this state; tells the world. */
void attempt_move(struct calls *c, struct live *l, enum dialog_state state);
/* The call is over now, as of `ended_ns`. */
void attempt_end(struct calls *c, struct live *l, enum call_outcome outcome,
                 enum call_end_reason reason, enum call_party by, int64_t ended_ns);
/* An open call must go: evicted, or we are stopped. A call that has ended already keeps its end;
 * one that was challenged and waits ends by that. */
void attempt_cut(struct calls *c, struct live *l, enum call_end_reason reason);
/* A call leaves the table: outcome counters and histograms. */
void attempt_count(struct calls *c, const struct live *l);
