/* What media ports carry beside media: STUN, relayed datagrams, DTLS, ZRTP, keep-alives. Counted
 * apart and never taken for RTP. What a TURN relay wraps is unwrapped and goes the way of a datagram
 * between the client and its peer. */
#pragma once

#include "capture/call/live.h"
#include "capture/rtp/rtp.h"

void beside_packet(struct calls *c, const struct datagram *d, enum media_kind kind);
