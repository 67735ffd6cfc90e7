/* A BYE whose tags fit but whose sender is nobody that this call has shown: neither an end of its
 * INVITEs nor a Contact nor an endpoint of its media. While media flows it is not believed at once.
 * Either the media stops, then the call ended with that BYE; or it goes on, then the BYE was
 * spoofed: the call goes on and remembers from where it came. */
#pragma once

#include "capture/call/live.h"

/* Nothing that signalling of the call shows has this address. */
bool stranger_to(const struct calls *c, const struct live *l, struct addr a);
/* True: the BYE is held back. */
bool stranger_bye(struct calls *c, struct live *l, const struct sighting *s);
/* Steady time at which a held back BYE is decided; INT64_MAX: there is none. */
int64_t stranger_deadline(const struct live *l);
void stranger_decide(struct calls *c, struct live *l);
