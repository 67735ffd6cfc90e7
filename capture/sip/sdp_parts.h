/* What the three SDP files share. Nobody else includes it. */
#pragma once

#include "capture/sip/sdp.h"

/* Takes a word off the front of a line; empty at the end. */
struct slice sdp_word(struct slice *line);
/* Digits at the front ("20.0" gives 20); false when there are none or the number is above `max`. */
bool sdp_number(struct slice text, uint32_t max, uint32_t *ret_value);
/* "IN IP4 224.2.1.1/127/3": false when no literal address stands there. */
bool sdp_address(struct slice value, struct addr *ret_addr);

/* m=. `session` holds what the session says for all its media. False when a limit cut something
 * off. */
bool sdp_media_line(struct slice value, const struct sdp_media *session,
                    struct sdp_media *ret_media);
/* a=. In front of the first m= `media` is the session's own record. */
void sdp_attribute(struct slice value, struct sdp *sdp, struct sdp_media *media);
