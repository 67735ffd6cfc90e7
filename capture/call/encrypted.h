/* Signalling connections that nobody can read, as calls of kind CALL_ENCRYPTED: with peers, names, bytes and times, so that what we
 * are blind to is seen. */
#pragma once

#include "capture/call/live.h"
#include "capture/streams.h"

/* Begins the record when the connection is first told and completes it when it is over. */
void encrypted_flow(struct calls *c, const struct encrypted_flow *flow);
