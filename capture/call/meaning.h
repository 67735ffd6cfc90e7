/* What a message of a known call means for the state machine (state.h). On the way the hop of an
 * INVITE is entered and legs that are not the whole call end.
 *
 * The tap may see a message on several hops. Copies of a request on another hop have the same CSeq
 * but another Via branch: they announce media and nothing else. Final failures and CANCELs of such
 * hops (a forking proxy hunting) do not end the attempt; 2xx and ringing count from whichever hop
 * is seen first. */
#pragma once

#include "capture/call/live.h"

/* Not for repetitions. */
enum dialog_input meaning_of(struct calls *c, struct live *l, const struct sighting *s);
/* The INVITE of an answer that was captured ahead of it: nothing was missed after all. */
bool meaning_completes(const struct live *l, const struct sighting *s);
