/* Paths: media of one sender that goes on over another pair of addresses, and media of somebody else
 * that comes to an endpoint in use. Looked at when a flow carries its first RTP. */
#pragma once

#include "capture/call/flow_table.h"

/* The first RTP of a bound flow, or the next of a foreign one. False: foreign, and still so. */
bool path_first_rtp(struct calls *c, struct flow *f, uint32_t ssrc, uint16_t sequence);
