/* What the rules do not keep after all leaves the spool; what became of each answered call is counted, once. */
#pragma once

#include "base/counters.h"
#include "base/error.h"
#include "storage/record.h"

/* Takes the RTP of the call out of the spool. */
int media_drop(const struct call_record *r, const char *data_dir, struct counters *counters);
/* Unlinks the files of its recording and tracks, and what lies beside them. */
void media_remove(const struct call_record *r, const char *data_dir);
/* Its result is final: earshot_coverage_calls_total. Nothing for a call that was not answered. */
void coverage_count(struct counters *counters, const struct call_record *r);
