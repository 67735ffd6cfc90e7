/* SDP of MGCP connections into the media table. */
#pragma once

#include "capture/call/live.h"

/* Whose SDP it is: `party` receives there. `hop` tells the descriptions of one call apart: a newer
 * one under the same hop moves the older. A name instead of an address is taken for `host`.
 * Announced endpoints claim their waiting flows. False: it is no SDP. */
bool mgcp_media_announce(struct calls *c, struct live *l, struct slice sdp, uint8_t party,
                         uint32_t hop, const struct endpoint *host);
