/* The same stream on several hops (both sides of a relay): same SSRC, numbers and payload between
 * other addresses. It is heard once: the renderer takes the packets of all its hops for one
 * stream, so what one of them lost may come from another, and no frame is mixed twice. */
#pragma once

#include "storage/record.h"

/* Does the media of chain `b` (an index) come from the same packets as that of chain `a`? Reads some of
 * them from the spool. */
bool sound_is_hop(const struct call_record *r, uint32_t a, uint32_t b, const char *data_dir);
