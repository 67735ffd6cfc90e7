/* Which keys were pressed, from the call to its record. */
#pragma once

#include "capture/call/call.h"
#include "storage/record.h"

void summarise_dtmf(struct call_record *r, const struct call *c);
