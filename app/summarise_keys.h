/* What a call shares with its other legs, for summarise.c. */
#pragma once

#include "app/identity_config.h"
#include "capture/call/call.h"
#include "storage/record.h"

/* `call` NULL: the early row, which has none. */
void keys_fill(struct call_record *r, const struct call *call,
               const struct identity_config *config);
