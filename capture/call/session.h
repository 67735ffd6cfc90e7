/* Session timers (RFC 4028): the 2xx to an INVITE or UPDATE says for how long the session stands
 * and who refreshes it; the next such 2xx begins it anew. When nobody has done so in time the call
 * is marked, and ends if no media says that it goes on. */
#pragma once

#include "capture/call/live.h"

void session_take(struct calls *c, struct live *l, const struct sighting *s);
/* Steady time at which the session is over; INT64_MAX: never. */
int64_t session_deadline(const struct live *l);
/* It is: ends the call if nothing shows that it goes on. */
void session_expire(struct calls *c, struct live *l);
