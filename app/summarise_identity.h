/* The identity of a record: from the headers that the call kept. In the worker's thread. */
#pragma once

#include "app/worker.h"
#include "storage/record.h"

/* r->from, r->to and r->request_uri are there already. `call` NULL: an early row, From and To alone. */
void identity_fill(struct call_record *r, const struct call *call,
                   const struct identity_config *config);
