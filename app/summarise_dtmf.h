/* Which keys were pressed, from the call (INFO) and its worker (RTP) to its record. */
#pragma once

#include "app/worker.h"
#include "storage/record.h"

void summarise_dtmf(struct call_record *r, const struct call *c, const struct wcall *wc, bool masked);
