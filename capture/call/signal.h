/* SIP in: from a datagram to the state of its call. */
#pragma once

#include "capture/call/live.h"

void signal_datagram(struct calls *c, const struct datagram *d);
/* The call that a message belongs to, of which perhaps only the beginning is there; NULL: none. Changes nothing. */
struct live *signal_find(struct calls *c, const struct datagram *d);
