/* What SIP says about the recording of a call: headers that the settings name, a=record and a=recordpref of SDP (RFC 7866), and keys
 * of INFO, told to the worker as EVENT_CONTROL. Nothing is decided here. */
#pragma once

#include "capture/call/live.h"

/* Of every message that is no retransmission; only where the settings ask for it. */
void control_note(struct calls *c, struct live *l, const struct sighting *s);
/* A key of INFO, once. */
void control_key(struct calls *c, struct live *l, const struct sighting *s, char key);
