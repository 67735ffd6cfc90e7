/* Paths: media of one sender that goes on over another pair of addresses, and media of somebody else
 * that comes to an endpoint in use. Looked at when a flow carries its first RTP, and the first after a
 * pause. */
#pragma once

#include "capture/call/flow_table.h"

/* The first RTP of a bound flow, or the next of a foreign one. False: foreign, and still so. */
bool path_first_rtp(struct calls *c, struct flow *f, uint32_t ssrc, uint16_t sequence);
#define PATH_PAUSE_NS INT64_C(1000000000)

/* Between the same addresses: RTP of another SSRC than the packet before; or numbers that do not go
 * on from those of the packet before. */
void path_other_ssrc(struct calls *c, struct flow *f, uint32_t ssrc, uint8_t type);
void path_jump(struct calls *c, struct flow *f, uint16_t sequence);
