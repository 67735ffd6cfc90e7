/* What endpoints say about their media, beside what was measured. */
#pragma once

#include "capture/call/call.h"
#include "storage/record.h"

/* After the streams: says which of them a report is about. */
void summarise_reports(struct call_record *r, const struct call *c);
