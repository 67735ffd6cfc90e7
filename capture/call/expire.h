/* Time: when a call is given up, and when what waits has waited long enough. */
#pragma once

#include "capture/call/live.h"

/* The call's deadline may have changed: after every message. Media only moves it away, which is
 * noticed when it fires. */
void expire_schedule(struct calls *c, struct live *l);
/* Packet time went on to c->steady_ns: fires what is due. */
void expire_advance(struct calls *c);
/* Ends everything: orphans are made of what waits, open calls end with `reason`. */
void expire_all(struct calls *c, enum call_end_reason reason);
