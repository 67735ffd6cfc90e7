/* SIP-I and SIP-T: ISUP in the bodies of a call's messages (RFC 3372, ITU-T Q.1912.5), each message of it once, whatever hops show it.
 * A REL says why the call ended where no Reason header does. */
#pragma once

#include "capture/call/live.h"

/* Of every message of a call that is no retransmission. */
void isup_note(struct calls *c, struct live *l, const struct sighting *s);
