/* Keys: what a call has in common with its other legs behind a B2BUA or an SBC, kept as text while it
 * lives and compared by whoever is asked for the legs later (storage/correlate.h).
 *
 *   Session-ID (RFC 7989)   both halves of any message, in order, "a;b"; a half of zeros is not there
 *                           yet and is filled in by a later message
 *   configured headers      of INVITEs that begin a call
 *   P-Charging-Vector       icid-value (RFC 7315 4.6) of INVITEs: responses need not have it
 *   Replaces, Join          the Call-ID they name (RFC 3891, 3911)
 *   SDP o= line             session id and address; ids of less than 4 characters ("0", "1") say nothing
 *   media                   where SDP wants RTP
 *
 * Bounds: CALL_KEYS_MAX a call, of each kind as many as keys.c says, so that one cannot crowd out the
 * others. A value of more than CALL_KEY_MAX bytes is its beginning, '~' and the SHA-256 of its first
 * 1024 bytes. */
#pragma once

#include "capture/call/live.h"

#define CALL_KEYS_MAX 16
#define CALL_KEY_MAX  128

/* Once for each message of the call that is no repetition. */
void keys_note(const struct front_config *config, struct call *call, const struct sighting *s);
/* The same for the SDP of such a message. */
void keys_sdp(struct call *call, const struct sighting *s, const struct sdp *sdp);
