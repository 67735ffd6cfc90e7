/* INFO within a call (RFC 2976, RFC 6086): keys of application/dtmf-relay and application/dtmf become digits of the call,
 * everything else a point on its time line. Each is taken once, however often it is repeated, on however many
 * hops it is seen, and although it had to be sent again with credentials. Keys that NOTIFY tells (KPML, RFC 4730) count
 * the same way, in the call's own dialog or in one that names it. */
#pragma once

#include "capture/call/live.h"

/* Of every message that is no retransmission. */
void info_note(struct calls *c, struct live *l, const struct sighting *s);
/* A NOTIFY of another dialog than the call's. `scratch` is overwritten. */
void info_beside(struct calls *c, struct sip_msg *scratch, const struct sighting *s);
const char *call_digit_source_text(enum call_digit_source v); /* "rfc4733", "info", "inband", "kpml" */
