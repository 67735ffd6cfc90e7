/* What the diagnosis rests on and what it says, for the record. */
#pragma once

#include "app/worker.h"
#include "storage/record.h"

/* What SDP announced, marks of messages, what RTCP said of media that did not pass here. */
void summarise_announced(struct call_record *r, const struct call *c, const struct wcall *wc);
