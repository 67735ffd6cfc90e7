/* What a call remembers of its messages beside the state machine: who and what was first said by
 * the message it begins with, then software, modifications, Reasons, session timers and headers of
 * all that are no repetition. */
#pragma once

#include "capture/call/live.h"

/* The call begins with this message. */
void facts_begin(struct call *call, const struct sighting *s);
/* Its INVITE came after its answer: nothing was missed after all. */
void facts_complete(struct call *call, const struct sip_msg *invite);
/* A message of the call, new or not its first; ahead of what it does to the state. */
void facts_note(struct calls *c, struct live *l, const struct sighting *s);
