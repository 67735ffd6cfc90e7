/* The tries of a call, read off its hops when it leaves: who was asked, in which order, and why it
 * went on. A try is a hop from which the INVITE was not seen to go on. Challenges, redirections and
 * a session interval that was too small are tries as well, but no route advance: that is a try
 * which began because another target had refused or stayed silent. */
#pragma once

#include "capture/call/call.h"

/* Fills call->attempts, attempt_count and route_advances. */
void route_attempts(struct call *call);
