/* The streams of a call in its record. */
#pragma once

#include "app/worker.h"
#include "storage/record.h"

/* All streams that had a packet, with what RTCP said and the delays. False without memory. */
bool summarise_streams(struct call_record *r, const struct wcall *wc);
/* What they come to for the call: its quality, its codec. */
void summarise_over_streams(struct call_record *r);
const char *confidence_text(unsigned confidence);
const char *media_type_text(unsigned type);
