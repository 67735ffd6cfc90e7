/* Offer and answer (RFC 3264) as a listener sees them: endpoints into the media table, hold, lines
 * that come, go and move.
 *
 * A listener need not enforce the rules, only read what each SDP says: where its sender receives
 * media. It is an offer or an answer by the message that carries it:
 *
 *   INVITE, UPDATE               offer
 *   1xx, 2xx to them             answer, or the offer when the INVITE had none
 *   ACK, PRACK                   answer to such a late offer (PRACK: else a new offer)
 *   2xx to PRACK                 answer
 */
#pragma once

#include "capture/call/live.h"

/* The SDP of this message, if its kind may carry one that counts; else empty. */
struct slice negotiate_sdp(const struct sip_msg *m);
/* Takes s->sdp in. */
void negotiate(struct calls *c, struct live *l, const struct sighting *s);
/* A final failure of a re-INVITE or UPDATE: what it offered was nothing. */
/* The answer of a branch that lost the race: kept (up to 4 kB), and read when the call moves there. */
void negotiate_later(struct live *l, const struct sighting *s);
void negotiate_moved(struct calls *c, struct live *l, const struct call_leg *leg);
void negotiate_refused(struct calls *c, struct live *l, const struct sighting *s);
