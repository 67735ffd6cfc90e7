/* What a call has to do with others, from the frozen call to the record. */
#pragma once

#include "app/centre_config.h"
#include "capture/call/call.h"
#include "storage/record.h"

/* Links, transfers, the conference. `call` NULL: an early row, which has the brief alone. */
void related_fill(struct call_record *r, const struct call *call, const struct call_brief *brief);
/* Queue, agent and their times; after times, numbers and branches are in the record. */
void centre_fill(struct call_record *r, const struct call *call,
                 const struct centre_config *config);
