/* `earshot read --ladder`: the messages of a call and its media as a diagram for a terminal, or as JSON. */
#pragma once

#include "base/buf.h"
#include "storage/record.h"

/* Appends one call to `out`; its messages stand in the spool below `data_dir`. */
void read_ladder(struct buf *out, const char *data_dir, const struct call_record *r, bool json);
