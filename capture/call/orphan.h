/* Media that no signalling announced: does it look like RTP, and if so, it becomes a call of kind
 * CALL_ORPHAN. */
#pragma once

#include "capture/call/flows.h"

/* Is it worth waiting for its SDP at all? Well-known ports of other protocols and what does not
 * parse are not. */
bool orphan_may_wait(const struct datagram *d, bool rtcp);
/* One more packet of a waiting flow. */
void orphan_look(struct flow *f, const struct datagram *d, bool rtcp);
/* RTCP beside an orphan's RTP (one port up, or the same) joins it at once. */
bool orphan_join_rtcp(struct calls *c, struct flow *f);
/* Turns a waiting flow into an orphan's, if it looks like RTP: its packets are replayed. Both
 * directions of a pair of endpoints join in one call; the side that was seen first counts as the
 * caller. */
bool orphan_promote(struct calls *c, struct flow *f);
