/* Short lists of a record as one JSON text. */
#pragma once

#include "base/json.h"

typedef void list_item_fn(struct json *j, const void *thing, unsigned i);

/* The first items of `thing` as a JSON array in `out`; what does not fit is left out from the end. */
void list_text(char *out, size_t size, const void *thing, unsigned count, list_item_fn *item);
