/* SIP in: from a datagram to the state of its call. */
#pragma once

#include "capture/call/live.h"

void signal_datagram(struct calls *c, const struct datagram *d);
