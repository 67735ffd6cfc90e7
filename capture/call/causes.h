/* Why a call ended, in the words of those who ended it: Reason headers (RFC 3326), one of Q.850 and
 * one of SIP. The newest counts; what a try said that was not the last one is forgotten with it. */
#pragma once

#include "capture/call/live.h"

void causes_take(struct call *call, const struct sip_msg *m);
void causes_forget(struct call *call);
