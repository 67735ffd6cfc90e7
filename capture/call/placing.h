/* Calls and the table of places: when it is asked, and what follows from the answer. */
#pragma once

#include "capture/call/live.h"

/* Another table of places has come, maybe: it is what is asked from here on. Calls that go on stay where they belong. */
void placing_look(struct calls *c);
/* A call that was just made, its facts known: ends, hosts, VLAN. `d` may be NULL. */
void placing_begin(struct calls *c, struct live *l, const struct datagram *d);
/* A message of a call on its way: the attempt's INVITE behind a proxy, or an answer that comes from
 * elsewhere, says more about the callee's side. The first response that is no 100 settles it. */
void placing_message(struct calls *c, struct live *l, const struct sighting *s);
/* No more changes: the attempt is counted where it belongs. */
void placing_settle(struct calls *c, struct live *l);
/* The index in the label TRUNK of what goes on between two ends and is no call: their trunk, else 0. */
unsigned placing_trunk(const struct calls *c, const struct endpoint *src, const struct endpoint *dst);
/* The call begins or ends to count as one that goes on. */
void placing_active(struct calls *c, const struct live *l, bool active);
