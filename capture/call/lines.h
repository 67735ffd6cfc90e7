/* What became of each m= line of a call (RFC 3264 5-8): offered, accepted, declined, taken away. For the record: which
 * endpoints receive what is the business of points.h. */
#pragma once

#include "capture/call/live.h"

#define CALL_LINES_MAX 8 /* of 32 that are read: more are counted in no record */

/* The SDP at hand (calls.sdp) is an offer of `party`, or the answer to one. */
void lines_offer(struct calls *c, struct live *l, uint8_t party);
void lines_answer(struct calls *c, struct live *l);
const char *call_line_state_text(enum call_line_state v);
