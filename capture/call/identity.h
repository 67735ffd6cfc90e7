/* What a call keeps of headers that say who it is, until the worker reads them at its end: text
 * only, parsed by nobody on this thread. Of each kind the first INVITE that has it counts, so what a
 * proxy behind the tap's first hop adds (an asserted identity, a signature) is there too. Headers
 * that the settings choose come from the first INVITE alone. Reasons come from any message.
 *
 * Bounds for a call: 32 identity headers and 4096 bytes of them, 2048 of one; 16 chosen ones of 256
 * bytes; 8 reasons. What is beyond is not kept. */
#pragma once

#include "capture/call/live.h"

#define CALL_HEADERS_MAX      32
#define CALL_HEADER_BYTES     4096
#define CALL_HEADER_ONE_MAX   2048
#define CALL_CHOSEN_BYTES     256
#define CALL_REASONS_MAX      8

/* Once for each message of the call that is no repetition. */
void identity_note(const struct front_config *config, struct call *call,
                   const struct sighting *s);
