/* ISUP that a call's messages carried, for the record. */
#pragma once

#include "capture/call/call.h"
#include "storage/record.h"

void summarise_isup(struct call_record *r, const struct call *c);
