/* Calls of H.323, by the Q.931 messages of their H.225 connection. */
#pragma once

#include "capture/call/live.h"
#include "capture/foreign/h225.h"

/* `d` lends addresses and time. False: the call is not known and this does not begin one. */
bool h323_calls_message(struct calls *c, const struct datagram *d, const struct h225_msg *m);
