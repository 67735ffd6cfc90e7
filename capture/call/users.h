/* Signalling that is not a call: registrations, peers, subscriptions, messages, presence, software, quality reports. The
 * front shows every SIP message to users_message(), whether it belonged to a call or not; what is learned leaves as the
 * events of user_event.h. Part of struct calls, on the front's thread; time is the packets'. */
#pragma once

#include "capture/call/live.h"

struct users;

/* NULL without memory. */
struct users *users_new(struct calls *c);
void users_free(struct users *u);
void users_message(struct calls *c, const struct sighting *s);
/* Time went on to c->steady_ns. */
void users_tick(struct calls *c);
/* Tells all that is pending, and that it was the last. */
void users_finish(struct calls *c);
