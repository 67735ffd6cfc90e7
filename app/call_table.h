/* Calls as a table for people on a terminal: one line a call, both directions as caller/callee. */
#pragma once

#include <stdio.h>

#include "storage/record.h"

void call_table_head(FILE *out);
void call_table_row(FILE *out, const struct call_record *r);
