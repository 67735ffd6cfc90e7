/* ICMP that says a datagram of a call did not arrive: media of one of its flows, or a SIP message. */
#pragma once

#include "capture/call/live.h"
#include "capture/net/net.h"

/* `quoted` is what did not arrive, as far as it was quoted. */
void unreachable_note(struct calls *c, const struct datagram *quoted, const struct net_unreachable *u);
