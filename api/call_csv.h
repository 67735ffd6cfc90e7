/* Calls as comma-separated values (RFC 4180), one row each, times in UTC: for `earshot export` and for exports of the service, which
 * so are the same. A call is what a list of calls says of it, as JSON. */
#pragma once

#include <stdio.h>

#include "base/json_read.h"

/* False: it could not be written. */
bool call_csv_head(FILE *out);
bool call_csv_row(FILE *out, const struct json_value *call);
