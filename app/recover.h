/* After a crash: what stands in the spool of calls that have no ended row is fed once more through a pipeline of its own, so that their
 * records come out by the same rules as ever (the call ids are the same too), ended as `restart`. */
#pragma once

#include "app/pipeline.h"
#include "app/writer.h"

struct recover_config {
    const char *data_dir;
    const struct pipeline_config *pipeline; /* as the service will run it */
    const struct spool_config *spool;
    struct writer *writer;
    struct counters *counters; /* of the caller's thread */
    int64_t gone_us;           /* a day before that is not there any more went by retention, and does not come back */
};

/* 0 also when there is nothing to do. *ret_calls: calls brought back. */
int recover_calls(const struct recover_config *config, unsigned *ret_calls, struct why *why);
