/* The m= lines of a call, into the record. */
#pragma once

#include "capture/call/call.h"
#include "storage/record.h"

void summarise_lines(struct call_record *r, const struct call *c);
