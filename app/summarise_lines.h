/* The m= lines of a call, into the record. */
#pragma once

#include "capture/call/call.h"
#include "storage/record.h"

/* "sendrecv", ... of enum sdp_direction. */
const char *sdp_direction_text(unsigned direction);
void summarise_lines(struct call_record *r, const struct call *c);
