/* Recordings that somebody has to ask for: of a call that goes on, or of one that is over and whose media still waits in the spool.
 * What nobody asked for in time goes. */
#pragma once

#include "api/policies.h"
#include "app/pipeline.h"
#include "app/writer.h"

/* A call that goes on; in the worker's thread by pipeline_look(). */
struct on_demand_live {
    const struct live_want *want;
    enum api_request_answer answer; /* starts as API_REQUEST_NO_CALL */
};
pipeline_look_fn on_demand_look;

/* A call that is over, by its stored record, which is taken. */
enum api_request_answer on_demand_stored(struct writer *w, struct call_record *r, int64_t wait_ns, int64_t now_us);
/* What waited for longer than wait_ns after the end of its call goes. */
void on_demand_sweep(struct writer *w, const char *data_dir, int64_t wait_ns, int64_t now_us);
