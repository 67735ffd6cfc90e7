/* Calls as comma-separated values (RFC 4180), one row each, times in UTC. */
#pragma once

#include <stdio.h>

#include "base/json_read.h"

/* False: it could not be written. */
bool csv_head(FILE *out);
bool csv_row(FILE *out, const struct json_value *call);
