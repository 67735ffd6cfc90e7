/* How a call found its way: hops, branches and tries, into the record. */
#pragma once

#include "capture/call/call.h"
#include "storage/record.h"

void summarise_path(struct call_record *r, const struct call *c);
