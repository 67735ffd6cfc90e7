/* Shared by rtcp_xr.c (the walk, RFC 3611) and rtcp_xr_more.c (what came later). */
#pragma once

#include "base/cursor.h"
#include "capture/rtp/rtcp_xr.h"

/* Behind the SSRC of a block that is known to have one. */
struct cursor xr_fields(const struct xr_block *b);
